//! What will happen to each session now known, if nobody does anything: the same decision, asked again
//! at each instant at which it may become another, with what it leads to taken for done.
//!
//! A forecast assumes that calls succeed at once, that warnings are heard, that vetoes which are asked have
//! nothing against a stop, and that `observe` is `enforce`; each entry names its mode, so that a reader can tell. Start at [`forecast`].

use jiff::{SignedDuration, Timestamp};

use super::{
    Action, BrakeBound, Decision, History, KeepReminder, OurStop, Reason, RescuedRun, Verdict,
    VetoGiven, VetoSays, WarningGiven, decide_again, moved,
};
use crate::ids::SessionId;
use crate::inventory::{Ending, Session, SessionState, Snapshot, Stopping};
use crate::policy::{Mode, Policy, StudioPolicy};

/// How many decisions about one session are followed: fifty a day for more than a year, and no policy
/// leads to more than eight warnings, a stop, a start and what is said in between.
const STEPS_MAX: usize = 20_000;

/// One thing that will happen to a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreseen {
    /// When.
    pub at: Timestamp,
    /// To which.
    pub session: SessionId,
    /// What.
    pub event: Event,
}

/// The kinds of thing that will happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something is decided about it.
    Decided(Box<Decision>),
    /// The service ends it by itself.
    Ended(Ending),
}

impl Event {
    /// The decision, if it is one.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Decided(decision) => Some(decision),
            Self::Ended(_) => None,
        }
    }
}

/// What will happen in `[now, until)`, in order of time: for each session the decision now, every stop,
/// start and warning, and every other decision whose reason is another than the one before it.
#[must_use]
pub fn forecast(
    policy: &Policy,
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    history: &History,
    now: Timestamp,
    until: Timestamp,
) -> Vec<Foreseen> {
    let mut events = Vec::new();
    for session in snapshot.sessions.values() {
        let past = history.of(&session.id).clone();
        let history =
            History { sessions: [(session.id.clone(), past)].into(), ..History::default() };
        let future = Future { policy, studio, session: Session::clone(session), history, at: now };
        events.extend(future.until(until));
    }
    events.sort_by(|one, other| (one.at, &one.session).cmp(&(other.at, &other.session)));
    events
}

/// One session, moved through time.
struct Future<'a> {
    policy: &'a Policy,
    studio: &'a StudioPolicy,
    session: Session,
    history: History,
    at: Timestamp,
}

impl Future<'_> {
    fn until(mut self, until: Timestamp) -> Vec<Foreseen> {
        let mut events = Vec::new();
        let mut last = "";
        for _ in 0..STEPS_MAX {
            let decision =
                decide_again(self.policy, self.studio, &self.session, &self.history, self.at);
            if self.hear(&decision) {
                continue;
            }
            let acts = self.carry(&decision);
            let code = decision.reason.code();
            let next = if acts { Some(self.at) } else { decision.next_change };
            if acts || code != last {
                events.push(self.event(Event::Decided(Box::new(decision))));
            }
            last = code;
            let ending = self.ending().filter(|ending| next.is_none_or(|next| ending.at <= next));
            let Some(next) = ending.map(|ending| ending.at.max(self.at)).or(next) else { break };
            if next >= until {
                break;
            }
            self.at = next;
            if let Some(ending) = ending {
                events.push(self.event(Event::Ended(ending)));
                if ending.destroys {
                    break;
                }
                self.stopped();
                last = "";
            }
        }
        events
    }

    fn event(&self, event: Event) -> Foreseen {
        Foreseen { at: self.at, session: self.session.id.clone(), event }
    }

    /// Takes what was decided for done; whether anything was.
    fn carry(&mut self, decision: &Decision) -> bool {
        match decision.verdict() {
            Verdict::Stop => {
                let (run, ours) = (self.session.start(), OurStop { stopped_at: self.at });
                self.stopped();
                let past = self.history.sessions.entry(self.session.id.clone()).or_default();
                past.ours = run.is_none_or(|run| past.is_stop_ours(run)).then_some(ours);
                past.open = None;
                past.warnings.clear();
            }
            Verdict::Start => {
                let stopped_at = self.session.stopped_at;
                self.session.state = SessionState::Ready;
                self.session.started_at = Some(self.at);
                self.session.terminate_at = None;
                if let Reason::Rescue { stopped_by, .. } = decision.reason {
                    let past = self.history.sessions.entry(self.session.id.clone()).or_default();
                    past.rescued = Some(RescuedRun { start: self.at, stopped_at, stopped_by });
                }
            }
            Verdict::Warn => self.warn(decision),
            Verdict::Keep | Verdict::Hold => return false,
        }
        true
    }

    /// Takes the vetoes that are to be asked for asked; whether there were any.
    fn hear(&mut self, decision: &Decision) -> bool {
        let (Some(run), Some(due)) = (self.session.start(), decision.due) else { return false };
        let past = self.history.sessions.entry(self.session.id.clone()).or_default();
        for veto in &decision.asks {
            let before = past.vetoes.get(&veto.name);
            let before = before.filter(|given| given.run == run && given.due == due);
            let since = before.map_or(self.at, |given| given.since);
            let given = VetoGiven { run, due, since, at: self.at, says: VetoSays::Clear };
            past.vetoes.insert(veto.name.clone(), given);
        }
        !decision.asks.is_empty()
    }

    fn warn(&mut self, decision: &Decision) {
        if let Reason::KeepEnding { until, .. } = decision.reason {
            let past = self.history.sessions.entry(self.session.id.clone()).or_default();
            past.reminded = Some(KeepReminder { until, mode: decision.mode });
        }
        let Reason::Warning { due, announcement, .. } = &decision.reason else { return };
        let Some(run) = self.session.start() else { return };
        let (due, mode, at) = (*due, decision.mode, self.at);
        let given =
            |lead: &SignedDuration| WarningGiven { run, due, lead: *lead, mode, at, said: at };
        let past = self.history.sessions.entry(self.session.id.clone()).or_default();
        past.warnings.extend(announcement.leads.iter().map(given));
    }

    fn stopped(&mut self) {
        self.session.state = SessionState::Stopped;
        self.session.stopped_at = Some(self.at);
        self.session.ends_itself = None;
        self.session.terminate_at = match self.session.stopping {
            Stopping::Allowed { destroyed_after } => {
                destroyed_after.map(|after| moved(self.at, after))
            }
            Stopping::Forbidden(_) | Stopping::Unclear(_) => None,
        };
    }

    /// How and when the service ends it, if nothing happens before.
    fn ending(&self) -> Option<Ending> {
        match self.session.state {
            SessionState::Ready => self.session.ends_itself,
            SessionState::Stopped => {
                self.session.terminate_at.map(|at| Ending { at, destroys: true })
            }
            SessionState::Transitional(_)
            | SessionState::Failed(_)
            | SessionState::Deleted
            | SessionState::Unknown(_)
            | SessionState::Missing => None,
        }
    }
}

/// The first instant of a forecast at which the brake of a studio would hold its stops, and why.
#[must_use]
pub fn first_brake(studio: &StudioPolicy, events: &[Foreseen]) -> Option<(Timestamp, Reason)> {
    const HOUR: SignedDuration = SignedDuration::from_hours(1);
    let is_stop = |event: &&Foreseen| {
        event
            .event
            .decision()
            .is_some_and(|d| d.verdict() == Verdict::Stop && d.mode == Mode::Enforce)
    };
    let stops: Vec<Timestamp> = events.iter().filter(is_stop).map(|event| event.at).collect();
    let count = |since: usize, until: usize| u32::try_from(until - since).unwrap_or(u32::MAX);
    let brake = studio.brake;
    stops.iter().enumerate().find_map(|(index, at)| {
        let together = stops.partition_point(|other| other < at);
        let in_the_hour = stops.partition_point(|other| *other <= moved(*at, -HOUR));
        let bounds = [
            (BrakeBound::PerScan, brake.per_scan, count(together, index + 1)),
            (BrakeBound::PerHour, brake.per_hour, count(in_the_hour, index + 1)),
        ];
        let (bound, limit, count) = bounds.into_iter().find(|(_, limit, count)| count > limit)?;
        Some((*at, Reason::Brake { action: Action::Stop, bound, limit, count }))
    })
}

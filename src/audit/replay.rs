//! Turns records back into what a decision needs to know of the past.
//!
//! The same [`Replay::apply`] takes the lines of the log at a start and each record as soon as it is
//! durable, so a daemon that was restarted knows what one that was not would know. Records are
//! facts about one session of one studio; what lacks the facts changes nothing. Kinds that are not
//! known are passed over. Only a jump of the clock is about all of them, see `jump`.

mod clocks;
mod jump;

mod checkpoint;
pub mod control;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use self::checkpoint::Unfinished;
pub use self::clocks::BEHIND;
pub use self::jump::Jump;
use super::record::{Data, Deed, Kind, ReasonData, Record, Stage};
use crate::ids::{RuleName, SessionId, StudioId};
use crate::plan::{
    Action, Attempts, Decision, History, KeepReminder, OpenIntent, OurStop, RescuedRun, STOPPED_BY,
    SessionHistory, StoppedBy, VetoGiven, VetoSays, WarningGiven,
};
use crate::policy::Mode;

/// How many warnings of one session are remembered. A run that is warned more often than this is
/// postponed again and again, and only its latest warnings matter.
const WARNINGS_MAX: usize = 32;

/// How long an intent counts for the brake, whose longer bound is that of an hour.
const COUNTED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The code of a start without which work would be destroyed.
const RESCUE: &str = "rescue";

/// How long after its intent a call of ours begins a run at the latest: the reading that it is made upon
/// may be a minute old, and clocks differ. What begins later somebody else began.
const BEGINS_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// How much earlier than its intent a run may seem to begin, since clocks differ.
const BEGINS_BEFORE: SignedDuration = SignedDuration::from_mins(2);

/// Everything the log says about the past.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replay {
    studios: BTreeMap<StudioId, StudioPast>,
    /// The past of a studio of which the log says nothing by name: what was said of all.
    others: StudioPast,
    /// The requests of people that were recorded, the latest ones.
    requests: BTreeSet<String>,
    /// The checkpoint that is being read.
    unfinished: Option<Unfinished>,
    latest: Option<Timestamp>,
}

/// The past of one studio.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StudioPast {
    /// What a decision depends on.
    pub history: History,
    /// What was last decided about each session.
    pub decisions: BTreeMap<SessionId, Fingerprint>,
    /// Why the studio is left alone as a whole, if it is.
    pub held: Option<Held>,
    /// The client tokens of the intents in `history.stops` and `history.starts`, and when each was
    /// counted: one that is announced again counts once.
    counted: BTreeMap<(Action, String), Timestamp>,
    /// Who we are to the service, as its last answer to a stop of ours said.
    pub us: Option<String>,
}

/// Why a studio is left alone, as the log says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its sentence.
    pub text: String,
    /// The reason, with the numbers that it was told with last.
    pub reason: Option<ReasonData>,
    /// The policy by which it is left alone.
    pub policy: Option<String>,
    /// What it says in short, to compare with another.
    pub fingerprint: Fingerprint,
}

/// What a decision says, in short: two decisions that differ in verdict, reason, rule, due instant,
/// mode or run differ in this, and so do one that is an alarm and one that is not. A checkpoint keeps it;
/// where another version of the program makes another one, a decision is told once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of the decision that a record tells of. When it changes next, which policy
    /// it comes from and how its reason is worded do not count.
    #[must_use]
    pub fn of(data: &Data) -> Self {
        let mut print = Print::default();
        if let Some(reason) = &data.reason {
            let values = reason.values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            print.reason(&reason.code, reason.alarm, values);
        }
        let (verdict, rule, mode) = (&data.verdict, &data.rule, &data.mode);
        let texts = [verdict.as_deref(), rule.as_deref(), mode.as_deref()];
        print.rest(texts, [data.due, data.seen.as_ref().and_then(|seen| seen.started_at)])
    }

    /// The fingerprint of a decision about a run, which is that of the record that would tell of it. Most
    /// decisions are those of the scan before, and need no record.
    #[must_use]
    pub fn of_decision(decision: &Decision, run: Option<Timestamp>) -> Self {
        let mut print = Print::default();
        let values = decision.reason.values();
        let values = values.iter().map(|(name, value)| (*name, value.as_str()));
        print.reason(decision.reason.code(), decision.reason.is_alarm(), values);
        let (verdict, mode) = (decision.verdict().to_string(), decision.mode.to_string());
        let rule = decision.rule.as_ref().map(RuleName::as_str);
        print.rest([Some(&verdict), rule, Some(&mode)], [decision.due, run])
    }

    /// As sixteen hexadecimal digits.
    fn to_text(self) -> String {
        format!("{:016x}", self.0)
    }

    fn from_text(text: &str) -> Option<Self> {
        u64::from_str_radix(text, 16).ok().map(Self)
    }
}

/// A fingerprint in the making; the same parts in the same order make the same one.
#[derive(Default)]
struct Print(DefaultHasher);

impl Print {
    fn reason<'a>(
        &mut self,
        code: &str,
        alarm: bool,
        values: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        (code, alarm).hash(&mut self.0);
        // The provider's own words may differ from call to call and mean the same; how far a bound is
        // passed, what is counted, and what a veto says, may change with every scan.
        const PASSING: [&str; 8] =
            ["detail", "count", "before", "now", "missing", "new", "words", "asks_again"];
        values
            .filter(|(name, _)| !PASSING.contains(name))
            .for_each(|value| value.hash(&mut self.0));
    }

    fn rest(mut self, texts: [Option<&str>; 3], instants: [Option<Timestamp>; 2]) -> Fingerprint {
        (texts, instants).hash(&mut self.0);
        Fingerprint(self.0.finish())
    }
}

impl Replay {
    /// The past of one studio; where the log says nothing of it, what it says of all.
    #[must_use]
    pub fn studio(&self, studio: &StudioId) -> &StudioPast {
        self.studios.get(studio).unwrap_or(&self.others)
    }

    /// The latest time of any record since the last jump of the clock, checkpoints apart: what the clock
    /// showed last, or more, where nobody has noticed yet that it went back.
    #[must_use]
    pub fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// Learns from one record; records come in the order of the log.
    pub fn apply(&mut self, record: &Record) {
        if record.kind == Kind::LogCheckpoint {
            return self.take_part(&record.data);
        }
        // What was written since the clock was set back hides that as little as it noticed it.
        let is_known = record.kind == Kind::ClockJumped;
        let before = self.latest.filter(|_| !is_known);
        self.latest = Some(before.map_or(record.time, |before| before.max(record.time)));
        self.unfinished = None;
        if record.kind == Kind::ClockJumped {
            return self.jump(record);
        }
        self.said(record, before);
        let Some(studio) = record.data.studio.as_deref() else { return };
        let session = record.data.session.as_deref();
        match (&record.kind, record.kind.deed(), session) {
            (
                Kind::StudioHeld
                | Kind::StudioResumed
                | Kind::StudioApproved
                | Kind::StudioUnattended
                | Kind::BrakeEngaged
                | Kind::BrakeReleased
                | Kind::PolicyApplied
                | Kind::InventoryConfirmed,
                ..,
            ) => self.past(studio).controlled(record),
            (Kind::ClockCompared, ..) => self.past(studio).compared(record),
            // A call without an answer does not say how it ended, so it stays open; and where there
            // was to be no call there is nothing to remember.
            (_, Some(Deed { stage: Stage::Unanswered | Stage::Dropped, .. }), _) => {}
            (_, Some(deed), Some(session)) => self.past(studio).done(deed, session.into(), record),
            (
                Kind::SessionDecided
                | Kind::SessionVanished
                | Kind::WarningGiven
                | Kind::KeepReminded
                | Kind::VetoAnswered
                | Kind::MarkIntended,
                _,
                Some(session),
            ) => self.past(studio).seen(session.into(), record),
            // What the daemon itself does, what came of a mark, and what lacks a session.
            _ => {}
        }
    }

    fn past(&mut self, studio: &str) -> &mut StudioPast {
        self.studios.entry(studio.into()).or_insert_with(|| self.others.clone())
    }
}

impl StudioPast {
    fn seen(&mut self, session: SessionId, record: &Record) {
        match record.kind {
            Kind::SessionDecided => {
                self.know(&session, record);
                self.let_go(&session, record);
                self.due_otherwise(&session, record);
                self.decisions.insert(session, Fingerprint::of(&record.data));
            }
            Kind::SessionVanished => {
                self.forget(&session);
                self.decisions.remove(&session);
                self.history.sessions.remove(&session);
            }
            Kind::WarningGiven => warned(self.history.sessions.entry(session).or_default(), record),
            Kind::KeepReminded => {
                if let Some(until) = record.data.until {
                    let mode = mode_of(record.data.mode.as_deref());
                    let past = self.history.sessions.entry(session).or_default();
                    past.reminded = Some(KeepReminder { until, mode });
                }
            }
            Kind::VetoAnswered => {
                answered(self.history.sessions.entry(session).or_default(), record);
            }
            Kind::MarkIntended => {
                let past = self.history.sessions.entry(session).or_default();
                past.marked = record.data.stopped_at.or(past.marked);
            }
            _ => {}
        }
    }

    fn done(&mut self, Deed { action, stage }: Deed, session: SessionId, record: &Record) {
        match (action, stage) {
            // The brake does not count what it does not hold.
            (_, Stage::Intended) if rescue(action, &record.data).is_none() => {
                self.count(action, record);
            }
            (Action::Stop, Stage::Accepted) => {
                self.us = record.data.stopped_by.clone().or_else(|| self.us.take());
            }
            (Action::Stop, Stage::Proven) => self.compare_clocks(&session, record),
            _ => {}
        }
        let clock_behind = self.history.clock_behind.unwrap_or_default();
        let past = self.history.sessions.entry(session).or_default();
        let trail = trail(past, action);
        match stage {
            Stage::Intended => trail.intended(action, record),
            Stage::Accepted => {
                if let Some(open) = trail.open {
                    open.accepted = true;
                }
            }
            Stage::Late => {
                if let Some(open) = trail.open {
                    open.late = true;
                }
            }
            // After a call without an answer, a refusal of its repetition says nothing of the first:
            // the service may refuse the second because it carries out the first.
            Stage::Rejected | Stage::Withdrawn
                if trail.open.as_ref().is_some_and(|open| open.repeats) =>
            {
                if let Some(open) = trail.open.as_mut().filter(|_| stage == Stage::Rejected) {
                    open.refused = open.refused.saturating_add(1);
                }
            }
            Stage::Withdrawn | Stage::Lapsed => *trail.open = None,
            Stage::Rejected | Stage::Failed => trail.failed(action, record),
            Stage::Proven => proven(past, action, &record.data, clock_behind, self.us.as_deref()),
            Stage::Withheld => match action {
                Action::Stop => past.withheld = record.data.due,
                Action::Start => past.start_withheld = record.data.stopped_at,
            },
            Stage::Unanswered | Stage::Dropped => {}
        }
    }

    /// Whether an intent under this token counts for the brake of this instant already.
    #[must_use]
    pub fn is_counted(&self, action: Action, token: &str, now: Timestamp) -> bool {
        let counted = self.counted.get(&(action, token.to_owned()));
        counted.is_some_and(|at| at.duration_until(now) < COUNTED_FOR)
    }

    /// Counts an intent for the brake, and forgets those that count no more. Older than this one is
    /// older than now, so no clock is needed.
    fn count(&mut self, action: Action, record: &Record) {
        let instants = match action {
            Action::Stop => &mut self.history.stops,
            Action::Start => &mut self.history.starts,
        };
        let since = record.time.checked_sub(COUNTED_FOR).unwrap_or(Timestamp::MIN);
        let counts = |at: &Timestamp| *at >= since;
        if instants.first().is_some_and(|first| !counts(first)) {
            let first = instants.iter().position(counts).unwrap_or(instants.len());
            instants.drain(..first);
            self.counted.retain(|_, at| counts(at));
        }
        let call = record.data.client_token.clone().map(|token| (action, token));
        let before = call.and_then(|call| self.counted.insert(call, record.time));
        match before.and_then(|before| instants.iter().position(|at| *at == before)) {
            // It is announced again: it counts once, and from now on.
            Some(before) => {
                instants.remove(before);
            }
            None => self.history.approved.passes(action),
        }
        instants.push(record.time);
    }
}

/// What is remembered of the calls for one action on one session.
struct Trail<'a> {
    open: &'a mut Option<OpenIntent>,
    attempts: &'a mut Option<Attempts>,
}

fn trail(past: &mut SessionHistory, action: Action) -> Trail<'_> {
    match action {
        Action::Stop => Trail { open: &mut past.open, attempts: &mut past.attempts },
        Action::Start => Trail { open: &mut past.starting, attempts: &mut past.start_attempts },
    }
}

impl Trail<'_> {
    fn intended(self, action: Action, record: &Record) {
        let token = record.data.client_token.clone().unwrap_or_default();
        let again = self.open.as_ref().filter(|open| open.token == token);
        let since = again.map_or(record.time, |open| open.since);
        let refused = again.map_or(0, |open| open.refused);
        let repeats = again.is_some();
        // Of calls under one token nobody can tell which had its effect: where one was no rescue, the run
        // may be what somebody asked for.
        let rescue = rescue(action, &record.data);
        let rescue = rescue.filter(|_| again.is_none_or(|open| open.rescue.is_some()));
        *self.open = Some(OpenIntent {
            // An intent must not be forgotten for want of a detail.
            run: run(action, &record.data).unwrap_or(record.time),
            token,
            at: record.time,
            since,
            repeats,
            refused,
            accepted: false,
            late: false,
            rescue,
            needed_until: record.data.needed_until,
            destroyed_after: record.data.destroyed_after.map(SignedDuration::from_secs),
        });
    }

    /// A known end: the next attempt is another one.
    fn failed(self, action: Action, record: &Record) {
        if let Some(run) = run_of_deed(self.open.as_ref(), action, &record.data) {
            let before = self.attempts.filter(|attempts| attempts.run == run);
            let ended = before.map_or(0, |attempts| attempts.ended).saturating_add(1);
            *self.attempts = Some(Attempts { run, ended, last: record.time });
        }
        *self.open = None;
    }
}

fn proven(
    past: &mut SessionHistory,
    action: Action,
    data: &Data,
    clock_behind: SignedDuration,
    us: Option<&str>,
) {
    match action {
        Action::Stop => {
            match run_of_deed(past.open.as_ref(), action, data) {
                Some(run) => past.warnings.retain(|warning| warning.run != run),
                None => past.warnings.clear(),
            }
            past.vetoes.clear();
            let run = run_of_deed(past.open.as_ref(), action, data);
            let is_ours = run.is_none_or(|run| past.is_stop_ours(run));
            let open = past.open.take();
            past.needed_until = open.as_ref().and_then(|open| open.needed_until);
            past.destroyed_after = open.and_then(|open| open.destroyed_after);
            // Without the service's instant nothing would show later that the stop was ours.
            let stopped_at = data.stopped_at.filter(|_| is_ours);
            past.ours = stopped_at.map(|stopped_at| OurStop { stopped_at });
            past.put_off = data.stopped_at;
        }
        Action::Start => {
            let start = data.seen.as_ref().and_then(|seen| seen.started_at);
            let rescued = past.starting.as_ref().zip(start).and_then(|(open, start)| {
                // We are nobody's owner, whoever we are: ours may have failed, and its owner been quicker than our
                // next look.
                let owner = data.seen.as_ref().and_then(|seen| seen.owner.as_deref());
                let is_owner_s = owner.is_some() && owner == data.started_by.as_deref();
                let is_another_s = is_owner_s || open.is_another_s(us, data.started_by.as_deref());
                let is_ours = !is_another_s && may_have_begun(open, start, clock_behind);
                let stopped_by = open.rescue.filter(|_| is_ours)?;
                Some(RescuedRun { start, stopped_at: data.stopped_at, stopped_by })
            });
            past.rescued = rescued.or(past.rescued);
            // Our stop before it stays known: the next stop has another instant, whoever makes it.
            (past.starting, past.start_attempts) = (None, None);
        }
    }
}

/// Whether a run began by a call of ours, rather than by somebody who started the session after the
/// call had come to nothing. When it began the service's clock tells, when it was called ours.
fn may_have_begun(open: &OpenIntent, start: Timestamp, clock_behind: SignedDuration) -> bool {
    let start_by_us = start.checked_sub(clock_behind).unwrap_or(start);
    let earliest = open.since.checked_sub(BEGINS_BEFORE).unwrap_or(Timestamp::MIN);
    let latest = open.at.checked_add(BEGINS_WITHIN).unwrap_or(Timestamp::MAX);
    (earliest..=latest).contains(&start_by_us)
}

/// Whose the stop was of which a start is to rescue a session, if it is.
fn rescue(action: Action, data: &Data) -> Option<StoppedBy> {
    let reason = data.reason.as_ref().filter(|reason| reason.code == RESCUE)?;
    let is_ours = reason.values.get(STOPPED_BY) == Some(&StoppedBy::Us.to_string());
    let stopped_by = if is_ours { StoppedBy::Us } else { StoppedBy::Another };
    (action == Action::Start).then_some(stopped_by)
}

fn warned(past: &mut SessionHistory, record: &Record) {
    let data = &record.data;
    let run = run(Action::Stop, data);
    let (Some(run), Some(due), Some(leads)) = (run, data.due, &data.leads) else { return };
    let latest = past.warnings.iter().map(|warning| warning.run).max();
    if latest.is_some_and(|latest| run < latest) {
        return;
    }
    past.warnings.retain(|warning| warning.run == run);
    let (mode, at) = (mode_of(data.mode.as_deref()), record.time);
    past.warnings.extend(leads.iter().map(|secs| {
        let lead = SignedDuration::from_secs(*secs);
        WarningGiven { run, due, lead, mode, at, said: at }
    }));
    let surplus = past.warnings.len().saturating_sub(WARNINGS_MAX);
    past.warnings.drain(..surplus);
}

fn answered(past: &mut SessionHistory, record: &Record) {
    let data = &record.data;
    let run = run(Action::Stop, data);
    let (Some(run), Some(due), Some(veto)) = (run, data.due, &data.veto) else { return };
    // What was said of another run counts no more, by whatever name.
    past.vetoes.retain(|_, given| given.run == run);
    let name = veto.name.as_str().into();
    // Who was clear in between keeps it anew.
    let before = past.vetoes.get(&name);
    let before = before.filter(|given| given.due == due && given.says != VetoSays::Clear);
    let since = before.map_or(record.time, |given| given.since);
    past.vetoes.insert(name, VetoGiven { run, due, since, at: record.time, says: veto.says() });
}

/// Who could hear a warning: nobody, where the log does not say that it was meant.
fn mode_of(text: Option<&str>) -> Mode {
    match text {
        Some("enforce") => Mode::Enforce,
        _ => Mode::Observe,
    }
}

/// What a record of an action is about, see [`Action::run`].
fn run(action: Action, data: &Data) -> Option<Timestamp> {
    match action {
        Action::Stop => data.seen.as_ref()?.started_at,
        Action::Start => data.stopped_at,
    }
}

/// The run that an outcome is about: the intent's, since the outcome may have seen a later one.
fn run_of_deed(open: Option<&OpenIntent>, action: Action, data: &Data) -> Option<Timestamp> {
    open.map(|open| open.run).or_else(|| run(action, data))
}

fn held(data: &Data) -> Held {
    let text = data.reason.as_ref().map(|reason| reason.text.clone());
    Held {
        text: text.or_else(|| data.note.clone()).unwrap_or_default(),
        reason: data.reason.clone(),
        policy: data.policy.clone(),
        fingerprint: Fingerprint::of(data),
    }
}

#[cfg(test)]
mod tests;

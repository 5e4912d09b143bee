//! Turns records back into what a decision needs to know of the past.
//!
//! The same [`Replay::apply`] takes the lines of the log at a start and each record as soon as it is
//! durable, so a daemon that was restarted knows what one that was not would know. Records are
//! facts about one session of one studio; what lacks the facts changes nothing. Kinds that are not
//! known are passed over.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use super::record::{Data, Kind, Record};
use crate::ids::{RuleName, SessionId, StudioId};
use crate::plan::{Attempts, Decision, History, OpenIntent, OurStop, SessionHistory, WarningGiven};
use crate::policy::Mode;

/// How many warnings of one session are remembered. A run that is warned more often than this is
/// postponed again and again, and only its latest warnings matter.
const WARNINGS_MAX: usize = 32;

/// Everything the log says about the past.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replay {
    studios: BTreeMap<StudioId, StudioPast>,
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
}

/// Why a studio is left alone, as the log says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its sentence.
    pub text: String,
    /// What it says in short, to compare with another.
    pub fingerprint: Fingerprint,
}

/// What a decision says, in short: two decisions that differ in verdict, reason, rule, due instant,
/// mode or run differ in this, and so do one that is an alarm and one that is not. It is for comparing within one process, not for keeping.
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
        // The provider's own words may differ from call to call and mean the same.
        values.filter(|(name, _)| *name != "detail").for_each(|value| value.hash(&mut self.0));
    }

    fn rest(mut self, texts: [Option<&str>; 3], instants: [Option<Timestamp>; 2]) -> Fingerprint {
        (texts, instants).hash(&mut self.0);
        Fingerprint(self.0.finish())
    }
}

impl Replay {
    /// The past of one studio; empty where the log says nothing of it.
    #[must_use]
    pub fn studio(&self, studio: &StudioId) -> &StudioPast {
        static NONE: StudioPast = StudioPast {
            history: History { sessions: BTreeMap::new(), stops: Vec::new(), starts: Vec::new() },
            decisions: BTreeMap::new(),
            held: None,
        };
        self.studios.get(studio).unwrap_or(&NONE)
    }

    /// Learns from one record; records come in the order of the log.
    pub fn apply(&mut self, record: &Record) {
        let Some(studio) = record.data.studio.as_deref() else { return };
        match record.kind {
            Kind::StudioHeld => self.past(studio).held = Some(held(&record.data)),
            Kind::StudioResumed => self.past(studio).held = None,
            Kind::SessionDecided
            | Kind::SessionVanished
            | Kind::WarningGiven
            | Kind::StopIntended
            | Kind::StopAccepted
            | Kind::StopRejected
            | Kind::StopProven
            | Kind::StopFailed
            | Kind::StopLate
            | Kind::StopLapsed
            | Kind::StopWithdrawn
            | Kind::StopWithheld => {
                if let Some(session) = record.data.session.as_deref() {
                    self.past(studio).apply(session.into(), record);
                }
            }
            // A stop without an answer does not say how it ended, so it stays open.
            Kind::StopUnanswered => {}
            Kind::StopDropped => {}
            Kind::DaemonStarted
            | Kind::DaemonStopped
            | Kind::PolicyLoaded
            | Kind::LogRepaired
            | Kind::Other(_) => {}
        }
    }

    fn past(&mut self, studio: &str) -> &mut StudioPast {
        self.studios.entry(studio.into()).or_default()
    }
}

impl StudioPast {
    fn apply(&mut self, session: SessionId, record: &Record) {
        match record.kind {
            Kind::SessionDecided => {
                self.decisions.insert(session, Fingerprint::of(&record.data));
            }
            Kind::SessionVanished => {
                self.decisions.remove(&session);
                self.history.sessions.remove(&session);
            }
            _ => learn(self.history.sessions.entry(session).or_default(), record),
        }
    }
}

fn learn(past: &mut SessionHistory, record: &Record) {
    let data = &record.data;
    match record.kind {
        Kind::WarningGiven => warned(past, record),
        Kind::StopIntended => {
            let token = data.client_token.clone().unwrap_or_default();
            let again = past.open.as_ref().filter(|open| open.token == token);
            let since = again.map_or(record.time, |open| open.since);
            let repeats = again.is_some();
            past.open = Some(OpenIntent {
                // An intent must not be forgotten for want of a detail.
                run: run(data).unwrap_or(record.time),
                token,
                at: record.time,
                since,
                repeats,
                accepted: false,
                late: false,
            });
        }
        Kind::StopAccepted => {
            if let Some(open) = &mut past.open {
                open.accepted = true;
            }
        }
        Kind::StopWithheld => past.withheld = data.due,
        Kind::StopLate => {
            if let Some(open) = &mut past.open {
                open.late = true;
            }
        }
        // After a call without an answer, a refusal of its repetition says nothing of the first: the
        // service may refuse the second because it carries out the first.
        Kind::StopRejected | Kind::StopWithdrawn
            if past.open.as_ref().is_some_and(|open| open.repeats) => {}
        Kind::StopWithdrawn | Kind::StopLapsed => past.open = None,
        Kind::StopRejected | Kind::StopFailed => {
            if let Some(run) = run_of_stop(past, data) {
                let ended = past.attempt(run).saturating_add(1);
                past.attempts = Some(Attempts { run, ended, last: record.time });
            }
            past.open = None;
        }
        Kind::StopProven => {
            match run_of_stop(past, data) {
                Some(run) => past.warnings.retain(|warning| warning.run != run),
                None => past.warnings.clear(),
            }
            past.open = None;
            // Without the service's instant nothing would show later that the stop was ours.
            past.ours = data.stopped_at.map(|stopped_at| OurStop { stopped_at });
        }
        _ => {}
    }
}

fn warned(past: &mut SessionHistory, record: &Record) {
    let data = &record.data;
    let (Some(run), Some(due), Some(leads)) = (run(data), data.due, &data.leads) else { return };
    let latest = past.warnings.iter().map(|warning| warning.run).max();
    if latest.is_some_and(|latest| run < latest) {
        return;
    }
    past.warnings.retain(|warning| warning.run == run);
    let (mode, at) = (mode(data), record.time);
    past.warnings.extend(leads.iter().map(|secs| {
        let lead = SignedDuration::from_secs(*secs);
        WarningGiven { run, due, lead, mode, at }
    }));
    let surplus = past.warnings.len().saturating_sub(WARNINGS_MAX);
    past.warnings.drain(..surplus);
}

/// Who could hear a warning: nobody, where the log does not say that it was meant.
fn mode(data: &Data) -> Mode {
    match data.mode.as_deref() {
        Some("enforce") => Mode::Enforce,
        _ => Mode::Observe,
    }
}

fn run(data: &Data) -> Option<Timestamp> {
    data.seen.as_ref()?.started_at
}

/// The run that an outcome is about: the intent's, since the outcome may have seen a later one.
fn run_of_stop(past: &SessionHistory, data: &Data) -> Option<Timestamp> {
    past.open.as_ref().map(|open| open.run).or_else(|| run(data))
}

fn held(data: &Data) -> Held {
    let text = data.reason.as_ref().map(|reason| reason.text.clone());
    Held {
        text: text.or_else(|| data.note.clone()).unwrap_or_default(),
        fingerprint: Fingerprint::of(data),
    }
}

#[cfg(test)]
mod tests;

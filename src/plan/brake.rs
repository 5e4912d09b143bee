//! Line 10: how much may be stopped, or started, at a time.
//!
//! The one question that is not about a session alone: it is asked once all are decided. What is under
//! way already, or was withheld already, is not counted again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Action, BrakeBound, Decision, History, Reason, Verdict, moved};
use crate::ids::SessionId;
use crate::inventory::Session;
use crate::policy::{Brake, Mode};

/// What the hour of `per_hour` is.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What was asked for already, and of which sessions.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) history: &'a History,
    pub(super) sessions: &'a BTreeMap<SessionId, Session>,
}

/// Why actions of each kind and mode are held, where they are, and how many of them pass all the same.
pub(super) struct Brakes(Vec<(Action, Mode, usize, Reason)>);

impl Brakes {
    /// Counts what would be done. What is only observed counts as if it were enforced, for what is
    /// observed, and not at all for what is enforced.
    ///
    /// Of too many stops none passes: more than anybody expected are due, and one that is wrong cannot
    /// be told from the others. A start endangers nothing, and those of a morning all come at once; so
    /// as many pass as the bound allows, and the others follow.
    pub(super) fn over(
        brake: Brake,
        decisions: &[Decision],
        asked: Asked<'_>,
        now: Timestamp,
    ) -> Self {
        let history = asked.history;
        let mut found = Vec::new();
        for action in [Action::Stop, Action::Start] {
            let used = used_in_the_hour(history, action, now);
            for mode in [Mode::Observe, Mode::Enforce] {
                let new = || decisions.iter().filter(|d| is_new(d, action, asked));
                let counts = |decision: &&Decision| {
                    decision.mode >= mode && !was_refused(decision, action, history)
                };
                let wanted = count(new().filter(counts).count());
                let is_about_any = new().any(|decision| decision.mode == mode);
                let reason = exceeded(brake, action, wanted, used).filter(|_| is_about_any);
                let passing = match action {
                    Action::Stop => 0,
                    Action::Start => brake.per_scan.min(brake.per_hour.saturating_sub(used)),
                };
                let passing = usize::try_from(passing).unwrap_or(usize::MAX);
                found.extend(reason.map(|reason| (action, mode, passing, reason)));
            }
        }
        Self(found)
    }

    /// Holds what is over the bound.
    pub(super) fn apply(&self, decisions: &mut [Decision], asked: Asked<'_>) {
        for (action, mode, passing, reason) in &self.0 {
            let is_over = |decision: &&mut Decision| {
                decision.mode == *mode && is_new(decision, *action, asked)
            };
            for decision in decisions.iter_mut().filter(is_over).skip(*passing) {
                decision.reason = reason.clone();
                // What is off may come near its end meanwhile.
                decision.next_change = decision.next_change.filter(|_| *action == Action::Start);
                decision.not_after = None;
            }
        }
    }

    /// The reasons, what is enforced first.
    pub(super) fn reasons(&self) -> Vec<Reason> {
        let mut found: Vec<_> = self.0.iter().collect();
        found.sort_by_key(|(action, mode, ..)| (std::cmp::Reverse(*mode), *action));
        found.into_iter().map(|(.., reason)| reason.clone()).collect()
    }
}

fn exceeded(brake: Brake, action: Action, wanted: u32, used: u32) -> Option<Reason> {
    let in_the_hour = wanted.saturating_add(used);
    let (bound, limit, count) = match (wanted > brake.per_scan, in_the_hour > brake.per_hour) {
        (true, _) => (BrakeBound::PerScan, brake.per_scan, wanted),
        (false, true) => (BrakeBound::PerHour, brake.per_hour, in_the_hour),
        (false, false) => return None,
    };
    (wanted > 0).then_some(Reason::Brake { action, bound, limit, count })
}

/// How many actions were asked for in the hour up to now.
fn used_in_the_hour(history: &History, action: Action, now: Timestamp) -> u32 {
    let asked = match action {
        Action::Stop => &history.stops,
        Action::Start => &history.starts,
    };
    let since = moved(now, -HOUR);
    count(asked.iter().filter(|at| **at > since).count())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether a decision asks for an action that was not asked for yet.
fn is_new(decision: &Decision, action: Action, asked: Asked<'_>) -> bool {
    let past = asked.history.of(&decision.session);
    match (action, decision.verdict()) {
        (Action::Stop, Verdict::Stop) => {
            let is_withheld = past.withheld.is_some() && past.withheld == decision.due;
            past.open.is_none() && !(is_withheld && decision.mode == Mode::Observe)
        }
        // What would be destroyed meanwhile does not wait.
        (Action::Start, Verdict::Start) if decision.reason.is_rescue() => false,
        (Action::Start, Verdict::Start) => {
            // The tag alone may tell that its stop was ours.
            let session = asked.sessions.get(&decision.session);
            let stopped_at = session.and_then(|session| session.stopped_at);
            let is_withheld = past.start_withheld.is_some() && past.start_withheld == stopped_at;
            past.starting.is_none() && !(is_withheld && decision.mode == Mode::Observe)
        }
        (
            Action::Stop | Action::Start,
            Verdict::Stop | Verdict::Start | Verdict::Warn | Verdict::Keep | Verdict::Hold,
        ) => false,
    }
}

/// Whether the service has refused it already: it is asked for again now and then, and stops nobody
/// meanwhile.
fn was_refused(decision: &Decision, action: Action, history: &History) -> bool {
    let past = history.of(&decision.session);
    let attempts = match action {
        Action::Stop => past.attempts.filter(|a| decision.due.is_none_or(|due| a.last >= due)),
        Action::Start => past.start_attempts,
    };
    attempts.is_some_and(|attempts| attempts.ended > 0)
}

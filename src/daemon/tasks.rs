//! What the loop of a studio has under way, when it rests from it, and what it says of it.

use jiff::{SignedDuration, Timestamp};

use super::studio::later;
use crate::execute::{Mark, Order, Outcome};
use crate::ids::SessionId;
use crate::plan::{Action, Reason, SessionHistory, Verdict};
use crate::policy::Mode;

/// How long a session rests after the first attempt that came to nothing.
pub(super) const REST_FIRST: SignedDuration = SignedDuration::from_mins(1);

/// What came of a task.
#[derive(Debug)]
pub(super) enum Done {
    Attempt {
        action: Action,
        /// Whether work would be destroyed without it.
        is_rescue: bool,
        outcome: Outcome,
    },
    Mark(Mark),
}

/// Whether nothing is left to do about an order but to wait: the service took the call and has not
/// yet come to an end, or it was withheld already and would only be withheld again.
pub(super) fn is_done_already(order: &Order, past: &SessionHistory) -> bool {
    let Order { action, run, decision } = order;
    match (decision.mode, action) {
        (Mode::Observe, Action::Stop) => past.withheld.is_some() && past.withheld == decision.due,
        (Mode::Observe, Action::Start) => {
            past.start_withheld.is_some() && past.start_withheld == *run
        }
        (Mode::Enforce, _) => past.open_intent(*action).is_some_and(|intent| intent.accepted),
    }
}

/// Until when a session is let alone whose action came to nothing: a minute after the first time, then
/// twice as long, so that a call that cannot succeed is not made all night.
pub(super) fn rests_until(order: &Order, past: &SessionHistory) -> Option<Timestamp> {
    const DOUBLINGS_MAX: u32 = 6;
    let (attempts, rest_max) = match order.action {
        Action::Stop => {
            // Attempts of an earlier due instant, such as last night's, are no reason to wait.
            let is_about_this = |last| order.decision.due.is_none_or(|due| last >= due);
            let attempts = past.attempts.filter(|attempts| is_about_this(attempts.last));
            (attempts, SignedDuration::from_hours(1))
        }
        Action::Start => {
            let attempts = past.start_attempts.filter(|attempts| Some(attempts.run) == order.run);
            // A start has no more time than `catch_up`, and a rescue a good deal less.
            let most = if order.decision.reason.is_rescue() { 2 } else { 15 };
            (attempts, SignedDuration::from_mins(most))
        }
    };
    let rest = |times: u32| {
        let doublings = times.saturating_sub(1).min(DOUBLINGS_MAX);
        REST_FIRST.saturating_mul(1 << doublings).min(rest_max)
    };
    let open = match order.action {
        Action::Stop => past.open.as_ref(),
        Action::Start => past.starting.as_ref(),
    };
    // A repetition that is refused ends nothing, and is no reason to repeat it every minute.
    let refused = open.filter(|open| open.refused > 0);
    let refused = refused.map(|open| later(open.at, rest(open.refused)));
    let ended = attempts.map(|attempts| later(attempts.last, rest(attempts.ended)));
    refused.max(ended)
}

/// When the studio is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// As soon as what was accepted is looked for.
    Watch,
    /// When what was refused has rested.
    AfterRest,
    /// When the disk may have recovered.
    AfterDisk,
    /// As soon as after any look that came to nothing.
    Soon,
}

/// When the studio is looked at again after an attempt, however rare its scans are; a rescue does not
/// wait long.
pub(super) fn looks_again(outcome: &Outcome, is_rescue: bool) -> Option<Look> {
    match outcome {
        Outcome::Accepted => Some(Look::Watch),
        Outcome::Rejected(_) => Some(Look::AfterRest),
        // It was read in vain, as every time until then.
        Outcome::Unrecorded(_) if is_rescue => Some(Look::AfterDisk),
        Outcome::Unread(_)
        | Outcome::Unanswered(_)
        | Outcome::Withdrawn
        | Outcome::Broken
        | Outcome::Dropped(_)
            if is_rescue =>
        {
            Some(Look::AfterRest)
        }
        Outcome::Unread(_)
        | Outcome::Unanswered(_)
        | Outcome::Unrecorded(_)
        | Outcome::Withdrawn
        | Outcome::Broken => Some(Look::Soon),
        // What holds it may end without anything that this studio would notice by itself.
        Outcome::Dropped(decision) if decision.verdict() == Verdict::Hold => Some(Look::Soon),
        // What was announced counts no more, since the plan.
        Outcome::Dropped(decision) if decision.verdict() == Verdict::Warn => Some(Look::Soon),
        // Whether it is to be stopped was not read; a regular scan may be half a day away.
        Outcome::Dropped(decision)
            if matches!(decision.reason, Reason::ProfileUnknown | Reason::RuleUnclear { .. }) =>
        {
            Some(Look::Soon)
        }
        Outcome::Withheld | Outcome::Dropped(_) | Outcome::Ending => None,
    }
}

/// Says on the debug log what came of an attempt.
pub(super) fn log_outcome(studio: &str, session: &SessionId, action: Action, outcome: &Outcome) {
    let session = session.as_str();
    let done = match action {
        Action::Stop => "stopped",
        Action::Start => "started",
    };
    match outcome {
        Outcome::Accepted => tracing::info!(studio, session, "{action} accepted"),
        Outcome::Withheld => {
            tracing::info!(studio, session, "{action} withheld: mode is observe");
        }
        Outcome::Dropped(decision) => {
            tracing::info!(studio, session, why = %decision.reason, "{action} dropped");
        }
        Outcome::Unread(error) | Outcome::Rejected(error) => {
            tracing::warn!(studio, session, %error, "not {done}");
        }
        Outcome::Unanswered(error) => {
            tracing::warn!(studio, session, %error, "nobody knows whether it was {done}");
        }
        Outcome::Unrecorded(error) => tracing::error!(studio, session, %error, "no further action"),
        Outcome::Withdrawn => tracing::warn!(studio, session, "not {done}: too late, or ending"),
        Outcome::Ending => {
            tracing::info!(studio, session, "not {done}: the program, or its policy, is ending")
        }
        Outcome::Broken => {
            tracing::error!(
                studio,
                session,
                "a fault of the program: nobody knows whether it was {done}"
            );
        }
    }
}

/// Says on the debug log what came of a mark.
pub(super) fn log_mark(studio: &str, session: &SessionId, mark: &Mark) {
    let session = session.as_str();
    match mark {
        Mark::Set => tracing::debug!(studio, session, "marked"),
        Mark::Failed(error) => tracing::warn!(
            studio, session, %error,
            "its stop could not be marked; that it was ours stands in the log alone"
        ),
        Mark::Unrecorded(error) => tracing::error!(studio, session, %error, "no further action"),
        Mark::Broken => {
            tracing::error!(
                studio,
                session,
                "its stop could not be marked, by a fault of the program"
            );
        }
        Mark::Held => tracing::debug!(studio, session, "not marked: the studio is held"),
        Mark::Ending => {
            tracing::debug!(studio, session, "not marked: the program, or its policy, is ending")
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::plan::{BrakeBound, Decision, Reason};

    /// A decision of which only the reason matters.
    pub(in crate::daemon) fn decided(session: &SessionId, reason: Reason) -> Decision {
        Decision {
            session: session.clone(),
            reason,
            rule: None,
            mode: Mode::Enforce,
            due: None,
            next_change: None,
            not_after: None,
            needed_until: None,
            mark: None,
            asks: Vec::new(),
            safe_until: None,
        }
    }

    #[test]
    fn what_the_brake_drops_is_looked_at_again_soon_and_what_is_kept_is_not() {
        let dropped = |reason, is_rescue| {
            let decision = decided(&"s1".into(), reason);
            looks_again(&Outcome::Dropped(Box::new(decision)), is_rescue)
        };
        let (action, bound) = (Action::Stop, BrakeBound::PerHour);
        let brake = Reason::Brake { action, bound, limit: 4, count: 5 };
        assert_eq!(dropped(brake, false), Some(Look::Soon));
        assert_eq!(dropped(Reason::Stopped, false), None);
        // A warning that counts no more is given again before the next of rare scans.
        let at = jiff::Timestamp::UNIX_EPOCH;
        let announcement = crate::plan::Announcement { leads: Vec::new(), stop_at: at };
        let limit = SignedDuration::from_hours(9);
        let cause = crate::plan::Cause::MaxUptime { limit };
        let warning = Reason::Warning { due: at, cause, announcement };
        assert_eq!(dropped(warning, false), Some(Look::Soon));
        // Whatever spoke against a rescue may be otherwise before it is too late.
        assert_eq!(dropped(Reason::Stopped, true), Some(Look::AfterRest));
    }
}

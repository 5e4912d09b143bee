//! Whether a stop that was asked for has arrived. An accepted call is not a stop.

use jiff::{SignedDuration, Timestamp};

use crate::inventory::{Session, SessionState, Transition};
use crate::plan::OpenIntent;

/// How long a stop may take before it is called late: the service's own waiter for it gives up
/// after 180 polls of 5 seconds.
pub const ARRIVAL_MAX: SignedDuration = SignedDuration::from_mins(15);

/// By how much the clocks of the service and ours may differ when their instants are compared.
const CLOCKS_DIFFER_MAX: SignedDuration = SignedDuration::from_mins(2);

/// What a listing tells about a stop that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It was stopped, at this instant of the service's clock where the service says it.
    Proven(Option<Timestamp>),
    /// It did not stop, and will not by this attempt.
    Failed,
    /// It is under way, or the call was lost and nothing is under way.
    Pending,
    /// As before, and for longer than the service allows itself.
    Late,
    /// There was no answer, and nothing came of the call in all that time.
    Lapsed,
}

/// Reads the arrival of a stop off a session; `None` is a session that a whole listing lacks.
#[must_use]
pub fn arrival(intent: &OpenIntent, session: Option<&Session>, now: Timestamp) -> Arrival {
    let late = is_late(intent, now);
    // A row may be missed between two pages; it is given up when the stop would be late.
    let Some(session) = session else {
        return if late { Arrival::Failed } else { Arrival::Pending };
    };
    match &session.state {
        SessionState::Stopped => stopped(intent, session).unwrap_or(Arrival::Failed),
        SessionState::Ready
        | SessionState::Transitional(Transition::Start | Transition::Create)
        | SessionState::Failed(Transition::Start | Transition::Create) => {
            running(intent, session, late)
        }
        SessionState::Failed(Transition::Stop | Transition::Delete)
        | SessionState::Transitional(Transition::Delete)
        | SessionState::Deleted => Arrival::Failed,
        SessionState::Transitional(Transition::Stop)
        | SessionState::Unknown(_)
        | SessionState::Missing => unseen(intent, now),
    }
}

/// A session that is on: it was stopped and started again, or nothing has come of the stop.
fn running(intent: &OpenIntent, session: &Session, late: bool) -> Arrival {
    let restarted = session.start().is_some_and(|start| start > intent.run);
    match (restarted, late, intent.accepted) {
        (true, _, _) => match stopped(intent, session) {
            Some(proven) if session.stopped_at.is_some() => proven,
            _ => Arrival::Failed,
        },
        (false, false, _) => Arrival::Pending,
        (false, true, true) => Arrival::Failed,
        // A call that is made again under its token is not late; this one was given up.
        (false, true, false) => Arrival::Lapsed,
    }
}

/// What can be said of a stop whose session could not be seen, or is under way.
#[must_use]
pub fn unseen(intent: &OpenIntent, now: Timestamp) -> Arrival {
    if is_late(intent, now) { Arrival::Late } else { Arrival::Pending }
}

fn is_late(intent: &OpenIntent, now: Timestamp) -> bool {
    intent.at.duration_until(now) > ARRIVAL_MAX
}

/// The proof that a session was stopped by what was asked for, if its last stop can be that.
fn stopped(intent: &OpenIntent, session: &Session) -> Option<Arrival> {
    let Some(stopped_at) = session.stopped_at else {
        // The service took our call and says STOPPED without saying since when.
        return intent.accepted.then_some(Arrival::Proven(None));
    };
    // A call that is made again may have been carried out the first time.
    let earliest = intent.since.checked_sub(CLOCKS_DIFFER_MAX).unwrap_or(Timestamp::MIN);
    // Without an answer, a stop long after the call is somebody else's.
    let latest = if intent.accepted { SignedDuration::MAX } else { ARRIVAL_MAX };
    let latest = intent.at.checked_add(latest).unwrap_or(Timestamp::MAX);
    let is_ours = earliest <= stopped_at && stopped_at <= latest && stopped_at >= intent.run;
    is_ours.then_some(Arrival::Proven(Some(stopped_at)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::inventory::Stopping;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-20T{text}Z").parse().unwrap()
    }

    /// A session asked at 20:00 to stop, in a run since 09:00.
    fn intent(accepted: bool) -> OpenIntent {
        let (run, at) = (at("09:00:00"), at("20:00:00"));
        let token = "token".to_owned();
        OpenIntent { run, token, at, since: at, accepted, repeats: false, late: false }
    }

    fn session(state: SessionState, started: &str, stopped: Option<&str>) -> Session {
        Session {
            id: "session-1".into(),
            arn: None,
            state,
            status: None,
            owner: None,
            launch_profile: None,
            launch_profile_name: None,
            instance_type: None,
            streaming_image: None,
            persistence: Some(false),
            created_at: None,
            started_at: Some(at(started)),
            stopped_at: stopped.map(at),
            stopped_by: None,
            terminate_at: None,
            ends_itself: None,
            stopping: Stopping::Allowed { destroyed_after: None },
            retains_volumes: false,
            tags: BTreeMap::new(),
        }
    }

    #[track_caller]
    fn check(accepted: bool, session: &Session, now: &str, expected: Arrival) {
        assert_eq!(arrival(&intent(accepted), Some(session), at(now)), expected);
    }

    #[test]
    fn a_stop_is_proven_by_the_service_s_own_instant() {
        let off = session(SessionState::Stopped, "09:00:00", Some("20:00:01"));
        for accepted in [true, false] {
            check(accepted, &off, "20:05:00", Arrival::Proven(Some(at("20:00:01"))));
        }
        let earlier = session(SessionState::Stopped, "09:00:00", Some("19:30:00"));
        check(true, &earlier, "20:05:00", Arrival::Failed);
        let unsaid = session(SessionState::Stopped, "09:00:00", None);
        check(true, &unsaid, "20:05:00", Arrival::Proven(None));
        check(false, &unsaid, "20:05:00", Arrival::Failed);
    }

    #[test]
    fn without_an_answer_a_stop_long_after_the_call_is_somebody_else_s() {
        let off = session(SessionState::Stopped, "09:00:00", Some("23:00:00"));
        check(true, &off, "23:05:00", Arrival::Proven(Some(at("23:00:00"))));
        check(false, &off, "23:05:00", Arrival::Failed);
    }

    #[test]
    fn what_is_on_is_waited_for_and_then_given_up() {
        let on = session(SessionState::Ready, "09:00:00", None);
        check(true, &on, "20:15:00", Arrival::Pending);
        check(true, &on, "20:15:01", Arrival::Failed);
        check(false, &on, "20:15:00", Arrival::Pending);
        check(false, &on, "20:15:01", Arrival::Lapsed);
    }

    #[test]
    fn who_started_it_again_proves_the_stop_before() {
        let again = session(SessionState::Ready, "20:10:00", Some("20:00:01"));
        check(true, &again, "20:11:00", Arrival::Proven(Some(at("20:00:01"))));
        let unsaid = session(SessionState::Ready, "20:10:00", None);
        check(true, &unsaid, "20:11:00", Arrival::Failed);
    }

    #[test]
    fn what_is_under_way_or_missing_is_late_in_the_end() {
        let stopping = SessionState::Transitional(Transition::Stop);
        let stopping = session(stopping, "09:00:00", Some("20:00:01"));
        check(true, &stopping, "20:15:00", Arrival::Pending);
        check(true, &stopping, "20:15:01", Arrival::Late);
        assert_eq!(arrival(&intent(true), None, at("20:15:00")), Arrival::Pending);
        assert_eq!(arrival(&intent(true), None, at("20:15:01")), Arrival::Failed);
        let failed = session(SessionState::Failed(Transition::Stop), "09:00:00", None);
        check(true, &failed, "20:01:00", Arrival::Failed);
    }
}

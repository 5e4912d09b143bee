use std::collections::BTreeMap;

use super::*;
use crate::inventory::{SessionState, Stopping, Transition};
use crate::plan::StoppedBy;

fn at(text: &str) -> Timestamp {
    format!("2026-11-20T{text}Z").parse().unwrap()
}

/// A call made at 20:00, about a run since 09:00 or a stop at 09:00.
fn intent(accepted: bool) -> OpenIntent {
    let (run, at) = (at("09:00:00"), at("20:00:00"));
    let token = "token".to_owned();
    let (repeats, refused, late, rescue) = (false, 0, false, None);
    OpenIntent {
        run,
        token,
        at,
        since: at,
        accepted,
        repeats,
        refused,
        late,
        rescue,
        needed_until: None,
        destroyed_after: None,
    }
}

fn session(state: SessionState, started: Option<&str>, stopped: Option<&str>) -> Session {
    Session {
        id: "session-1".into(),
        arn: None,
        state,
        status: None,
        owner: None,
        launch_profile: None,
        launch_profile_name: None,
        instance_type: None,
        studio_role: None,
        streaming_image: None,
        persistence: Some(false),
        created_at: None,
        started_at: started.map(at),
        stopped_at: stopped.map(at),
        started_by: None,
        stopped_by: None,
        terminate_at: None,
        ends_itself: None,
        stopping: Stopping::Allowed { destroyed_after: None },
        retains_volumes: false,
        tags: BTreeMap::new(),
    }
}

fn proven(text: &str) -> Arrival {
    Arrival::Proven(Some(at(text)))
}

mod of_a_stop {
    use super::*;

    #[track_caller]
    fn check(accepted: bool, session: &Session, now: &str, expected: Arrival) {
        assert_eq!(
            arrival(Action::Stop, &intent(accepted), Some(session), Known::default(), at(now)),
            expected
        );
    }

    fn session(state: SessionState, started: &str, stopped: Option<&str>) -> Session {
        super::session(state, Some(started), stopped)
    }

    #[test]
    fn a_stop_is_proven_by_the_service_s_own_instant() {
        let off = session(SessionState::Stopped, "09:00:00", Some("20:00:01"));
        for accepted in [true, false] {
            check(accepted, &off, "20:05:00", proven("20:00:01"));
        }
        // The service took the call, and its clock may be any; but no stop ends a run before it began.
        let earlier = session(SessionState::Stopped, "09:00:00", Some("19:30:00"));
        check(true, &earlier, "20:05:00", proven("19:30:00"));
        check(false, &earlier, "20:05:00", Arrival::Failed);
        let before = session(SessionState::Stopped, "09:00:00", Some("08:59:59"));
        check(true, &before, "20:05:00", Arrival::Failed);
        let unsaid = session(SessionState::Stopped, "09:00:00", None);
        check(true, &unsaid, "20:05:00", Arrival::Proven(None));
        check(false, &unsaid, "20:05:00", Arrival::Failed);
    }

    #[test]
    fn without_an_answer_a_stop_in_another_s_name_is_another_s() {
        let mut off = session(SessionState::Stopped, "09:00:00", Some("20:05:00"));
        let mut seen = |accepted, us: Option<&str>, by: Option<&str>| {
            off.stopped_by = by.map(str::to_owned);
            let known = Known { us, ..Known::default() };
            arrival(Action::Stop, &intent(accepted), Some(&off), known, at("20:06:00"))
        };
        let ours = proven("20:05:00");
        assert_eq!(seen(false, Some("we"), Some("owner-1")), Arrival::Failed);
        assert_eq!(seen(false, Some("we"), Some("we")), ours);
        assert_eq!(seen(false, None, Some("owner-1")), ours);
        assert_eq!(seen(false, Some("we"), None), ours);
        assert_eq!(seen(true, Some("we"), Some("we again")), ours);
    }

    #[test]
    fn without_an_answer_a_stop_long_after_the_call_is_somebody_else_s() {
        let off = session(SessionState::Stopped, "09:00:00", Some("23:00:00"));
        check(true, &off, "23:05:00", proven("23:00:00"));
        check(false, &off, "23:05:00", Arrival::Failed);
    }

    #[test]
    fn without_an_answer_instants_are_compared_by_what_is_known_of_both_clocks() {
        let off = session(SessionState::Stopped, "09:00:00", Some("19:56:00"));
        let seen = |behind_mins| {
            let clock_behind = SignedDuration::from_mins(behind_mins);
            let known = Known { clock_behind, ..Known::default() };
            arrival(Action::Stop, &intent(false), Some(&off), known, at("20:05:00"))
        };
        assert_eq!(seen(0), Arrival::Failed);
        assert_eq!(seen(-4), proven("19:56:00"));
        assert_eq!(seen(-20), Arrival::Failed);
        assert_eq!(seen(4), Arrival::Failed);
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
        check(true, &again, "20:11:00", proven("20:00:01"));
        let unsaid = session(SessionState::Ready, "20:10:00", None);
        check(true, &unsaid, "20:11:00", Arrival::Failed);
    }

    #[test]
    fn what_a_person_started_and_stopped_again_is_that_person_s_stop() {
        let again = session(SessionState::Stopped, "20:30:00", Some("21:00:00"));
        check(true, &again, "21:05:00", Arrival::Failed);
        check(false, &again, "21:05:00", Arrival::Failed);
    }

    #[test]
    fn what_is_under_way_or_missing_is_late_in_the_end() {
        let stopping = SessionState::Transitional(Transition::Stop);
        let stopping = session(stopping, "09:00:00", Some("20:00:01"));
        check(true, &stopping, "20:15:00", Arrival::Pending);
        check(true, &stopping, "20:15:01", Arrival::Late);
        assert_eq!(
            arrival(Action::Stop, &intent(true), None, Known::default(), at("20:15:00")),
            Arrival::Pending
        );
        assert_eq!(
            arrival(Action::Stop, &intent(true), None, Known::default(), at("20:15:01")),
            Arrival::Failed
        );
        let failed = session(SessionState::Failed(Transition::Stop), "09:00:00", None);
        check(true, &failed, "20:01:00", Arrival::Failed);
    }
}

mod of_a_start {
    use super::*;

    const STARTING: SessionState = SessionState::Transitional(Transition::Start);
    const STOPPING: SessionState = SessionState::Transitional(Transition::Stop);
    const START_FAILED: SessionState = SessionState::Failed(Transition::Start);
    /// Before the stop, by the call, and by somebody else: long before it, and long after.
    const BEFORE: Option<&str> = Some("07:00:00");
    const OURS: Option<&str> = Some("20:00:01");
    const EARLIER: Option<&str> = Some("19:00:00");
    const LATER: Option<&str> = Some("23:00:00");
    const RUN: Option<&str> = Some("09:00:00");

    /// What is seen at 20:30:00, just in time, and a second later; with an answer, and without.
    #[track_caller]
    fn check(session: &Session, accepted: [Arrival; 2], unanswered: [Arrival; 2]) {
        let seen = |accepted, now| {
            arrival(Action::Start, &intent(accepted), Some(session), Known::default(), at(now))
        };
        let both = |accepted| ["20:30:00", "20:30:01"].map(|now| seen(accepted, now));
        let state = &session.state;
        assert_eq!(both(true), accepted, "{state}, accepted");
        assert_eq!(both(false), unanswered, "{state}, without an answer");
    }

    /// An accepted start is given up in five minutes.
    const NOT_BEGUN: [[Arrival; 2]; 2] = [FAILED, [Arrival::Pending, Arrival::Lapsed]];
    const UNDER_WAY: [Arrival; 2] = [Arrival::Pending, Arrival::Late];
    const FAILED: [Arrival; 2] = [Arrival::Failed; 2];
    const LAPSED: [Arrival; 2] = [Arrival::Lapsed; 2];

    #[test]
    fn it_is_proven_when_the_session_is_ready_in_a_new_run() {
        let ready = |started| session(SessionState::Ready, started, RUN);
        check(&ready(OURS), [proven("20:00:01"); 2], [proven("20:00:01"); 2]);
        // The service took the call, and its clock may be any.
        check(&ready(EARLIER), [proven("19:00:00"); 2], LAPSED);
        check(&ready(LATER), [proven("23:00:00"); 2], LAPSED);
        check(&ready(None), [Arrival::Proven(None); 2], NOT_BEGUN[1]);
        // A list that lags behind shows the run before the stop.
        check(&ready(BEFORE), NOT_BEGUN[0], NOT_BEGUN[1]);
    }

    #[test]
    fn what_is_still_off_is_waited_for_and_then_given_up() {
        let off = |started, stopped| session(SessionState::Stopped, started, stopped);
        check(&off(BEFORE, RUN), NOT_BEGUN[0], NOT_BEGUN[1]);
        check(&off(BEFORE, None), NOT_BEGUN[0], NOT_BEGUN[1]);
        check(&off(None, RUN), NOT_BEGUN[0], NOT_BEGUN[1]);
        // The start before this one failed, an hour ago.
        check(&off(EARLIER, RUN), NOT_BEGUN[0], NOT_BEGUN[1]);
    }

    #[test]
    fn a_start_that_was_accepted_and_does_not_begin_is_given_up_in_five_minutes() {
        is_given_up_in_five_minutes(None);
        is_given_up_in_five_minutes(Some(StoppedBy::Us));
    }

    fn is_given_up_in_five_minutes(rescue: Option<StoppedBy>) {
        let seen = |accepted, state, now| {
            let intent = OpenIntent { rescue, ..intent(accepted) };
            let session = session(state, BEFORE, RUN);
            arrival(Action::Start, &intent, Some(&session), Known::default(), at(now))
        };
        for state in [SessionState::Stopped, START_FAILED] {
            assert_eq!(seen(true, state.clone(), "20:05:00"), Arrival::Pending);
            assert_eq!(seen(true, state.clone(), "20:05:01"), Arrival::Failed);
            // It is called again under its token in any case.
            assert_eq!(seen(false, state, "20:30:00"), Arrival::Pending);
        }
        assert_eq!(seen(true, STARTING, "20:30:00"), Arrival::Pending);
    }

    #[test]
    fn what_began_to_start_and_is_off_after_the_same_stop_has_failed() {
        check(&session(SessionState::Stopped, OURS, RUN), FAILED, FAILED);
    }

    #[test]
    fn what_was_stopped_anew_was_on_before_if_a_start_shows_it() {
        for state in [SessionState::Stopped, STOPPING, SessionState::Failed(Transition::Stop)] {
            let again = |started| session(state.clone(), started, Some("23:30:00"));
            check(&again(OURS), [proven("20:00:01"); 2], [proven("20:00:01"); 2]);
            check(&again(LATER), [proven("23:00:00"); 2], LAPSED);
            check(&again(BEFORE), FAILED, LAPSED);
            check(&again(None), FAILED, LAPSED);
        }
    }

    #[test]
    fn a_stop_under_way_that_is_the_one_before_is_an_old_sight() {
        check(&session(STOPPING, BEFORE, RUN), NOT_BEGUN[0], NOT_BEGUN[1]);
        let failed = SessionState::Failed(Transition::Stop);
        check(&session(failed, BEFORE, RUN), NOT_BEGUN[0], NOT_BEGUN[1]);
    }

    #[test]
    fn a_start_that_failed_is_ours_only_if_it_began_with_the_call() {
        let failed = |started| session(START_FAILED, started, RUN);
        check(&failed(OURS), FAILED, FAILED);
        check(&failed(EARLIER), NOT_BEGUN[0], NOT_BEGUN[1]);
        check(&failed(None), NOT_BEGUN[0], NOT_BEGUN[1]);
    }

    #[test]
    fn what_is_under_way_or_unknown_is_late_in_the_end() {
        for state in [STARTING, SessionState::Unknown("X".to_owned()), SessionState::Missing] {
            check(&session(state, OURS, RUN), UNDER_WAY, UNDER_WAY);
        }
        let unseen = |now| unseen(Action::Start, &intent(true), at(now));
        assert_eq!([unseen("20:30:00"), unseen("20:30:01")], UNDER_WAY);
    }

    #[test]
    fn what_is_deleted_or_gone_will_not_start() {
        let states = [
            SessionState::Deleted,
            SessionState::Transitional(Transition::Delete),
            SessionState::Failed(Transition::Delete),
        ];
        for state in states {
            check(&session(state, BEFORE, RUN), FAILED, FAILED);
        }
        let gone = |now| arrival(Action::Start, &intent(true), None, Known::default(), at(now));
        // A row may be missed for a while, so this is waited for as long as may be.
        assert_eq!([gone("20:30:00"), gone("20:30:01")], [Arrival::Pending, Arrival::Failed]);
    }

    #[test]
    fn what_is_made_anew_is_waited_for() {
        let creating = SessionState::Transitional(Transition::Create);
        check(&session(creating, None, RUN), UNDER_WAY, UNDER_WAY);
        let failed = SessionState::Failed(Transition::Create);
        check(&session(failed, None, RUN), FAILED, FAILED);
    }
}

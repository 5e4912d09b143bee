use aws_sdk_nimble::types::{StreamConfiguration, StreamingSessionStatusCode};

use super::*;
use crate::inventory::{Doubt, Stopping};

fn at(text: &str) -> DateTime {
    let instant: Timestamp = text.parse().unwrap();
    DateTime::from_secs_and_nanos(instant.as_second(), 0)
}

fn persistent_profile() -> Profile {
    let stream = StreamConfiguration::builder()
        .clipboard_mode("ENABLED".into())
        .ec2_instance_types("g5.4xlarge".into())
        .streaming_image_ids("image")
        .max_session_length_in_minutes(690)
        .session_persistence_mode(SessionPersistenceMode::Activated)
        .build()
        .unwrap();
    profile(LaunchProfile::builder().name("Lead comp").stream_configuration(stream).build())
}

#[test]
fn a_session_carries_everything_that_a_decision_needs() {
    let answer = StreamingSession::builder()
        .session_id("s-1")
        .arn("arn:aws:nimble:us-west-2:111122223333:streaming-session/s-1")
        .state(StreamingSessionState::Ready)
        .status_code(StreamingSessionStatusCode::StreamingSessionReady)
        .owned_by("9067-artist")
        .launch_profile_id("lp-1")
        .ec2_instance_type("g5.4xlarge")
        .streaming_image_id("image-1")
        .created_at(at("2026-11-20T08:00:00Z"))
        .started_at(at("2026-11-20T09:00:00Z"))
        .stopped_at(at("2026-11-19T19:00:00Z"))
        .started_by("artist-1")
        .stopped_by("AROAEXAMPLE:lightsout")
        .tags("tier", "gold")
        .build();
    let translated = session(answer, Some(&persistent_profile())).unwrap();
    insta::assert_debug_snapshot!(translated, @r#"
    Session {
        id: "s-1",
        arn: Some(
            "arn:aws:nimble:us-west-2:111122223333:streaming-session/s-1",
        ),
        state: Ready,
        status: Some(
            "STREAMING_SESSION_READY",
        ),
        owner: Some(
            "9067-artist",
        ),
        studio_role: None,
        launch_profile: Some(
            "lp-1",
        ),
        launch_profile_name: Some(
            "Lead comp",
        ),
        instance_type: Some(
            "g5.4xlarge",
        ),
        streaming_image: Some(
            "image-1",
        ),
        persistence: Some(
            true,
        ),
        created_at: Some(
            2026-11-20T08:00:00Z,
        ),
        started_at: Some(
            2026-11-20T09:00:00Z,
        ),
        started_by: Some(
            "artist-1",
        ),
        stopped_at: Some(
            2026-11-19T19:00:00Z,
        ),
        stopped_by: Some(
            "AROAEXAMPLE:lightsout",
        ),
        terminate_at: None,
        ends_itself: Some(
            Ending {
                at: 2026-11-20T20:30:00Z,
                destroys: false,
            },
        ),
        stopping: Allowed {
            destroyed_after: None,
        },
        retains_volumes: true,
        tags: {
            "tier": "gold",
        },
    }
    "#);
}

#[test]
fn a_session_of_which_nothing_is_said_is_all_doubt() {
    let answer = StreamingSession::builder().session_id("s-1").build();
    let translated = session(answer, None).unwrap();
    assert_eq!(translated.state, SessionState::Missing);
    assert_eq!(translated.stopping, Stopping::Unclear(Doubt::NoLaunchProfile));
    assert_eq!(translated.start(), None);
    assert!(!translated.retains_volumes);
}

#[test]
fn a_profile_without_stream_configuration_settles_nothing() {
    let bare = profile(LaunchProfile::builder().name("Bare").build());
    let answer = StreamingSession::builder().session_id("s-1").build();
    let translated = session(answer, Some(&bare)).unwrap();
    assert_eq!(translated.launch_profile_name.as_deref(), Some("Bare"));
    assert_eq!(translated.stopping, Stopping::Unclear(Doubt::NoLaunchProfile));
}

#[test]
fn a_session_without_an_id_cannot_be_named() {
    assert_eq!(session(StreamingSession::builder().build(), None), None);
    assert_eq!(session(StreamingSession::builder().session_id("").build(), None), None);
}

#[test]
fn states_keep_their_words() {
    let words = StreamingSessionState::values();
    assert_eq!(words.len(), 11);
    for word in words.iter().copied().chain(["NAPPING"]) {
        let translated = state(Some(&word.into()));
        assert_eq!(translated.to_string(), word);
        assert_eq!(matches!(translated, SessionState::Unknown(_)), word == "NAPPING");
    }
}

#[test]
fn unknown_modes_survive_as_themselves_within_a_bound() {
    let long = "X".repeat(10_000);
    for word in ["HALF", long.as_str()] {
        let kept = Setting::Unknown(word.chars().take(300).collect());
        assert_eq!(persistence(Some(&word.into())), kept);
        assert_eq!(automatic_termination(Some(&word.into())), kept);
        let kept = Setting::Unknown(word.chars().take(300).collect());
        assert_eq!(retention(Some(&word.into())), kept);
    }
    assert_eq!(retention(Some(&"DELETE".into())), Setting::Known(Retention::Delete));
    assert_eq!(retention(Some(&"RETAIN".into())), Setting::Known(Retention::Retain));
    assert_eq!(persistence(Some(&"DEACTIVATED".into())), Setting::Known(Switch::Deactivated));
    assert_eq!(automatic_termination(Some(&"ACTIVATED".into())), Setting::Known(Switch::Activated));
}

#[test]
fn an_instant_beyond_all_calendars_is_not_absent() {
    assert_eq!(timestamp(None), None);
    assert_eq!(timestamp(Some(DateTime::from_secs(i64::MAX))), Some(Timestamp::MAX));
    assert_eq!(timestamp(Some(DateTime::from_secs(i64::MIN))), Some(Timestamp::MIN));
    let fraction = DateTime::from_secs_and_nanos(-2, 500_000_000);
    assert_eq!(timestamp(Some(fraction)), Some("1969-12-31T23:59:58.5Z".parse().unwrap()));
}

#[test]
fn an_end_before_the_service_was_there_is_none() {
    let ending = |at| {
        let row = StreamingSession::builder().session_id("s-1").state(StreamingSessionState::Ready);
        let row = row.stop_at(DateTime::from_secs(at)).terminate_at(DateTime::from_secs(at));
        let found = session(row.build(), Some(&persistent_profile())).unwrap();
        (found.terminate_at, found.ends_itself.is_some())
    };
    // The zero of Go and that of Unix: by either it would look as if its end were announced.
    assert_eq!([-62_135_596_800, 0].map(|at| ending(at).0), [None, None]);
    let none = StreamingSession::builder().session_id("s-1").state(StreamingSessionState::Ready);
    let none = session(none.build(), Some(&persistent_profile())).unwrap();
    assert_eq!(ending(0).1, none.ends_itself.is_some());
}

#[test]
fn what_is_too_long_is_not_read_and_puts_a_session_that_runs_in_doubt() {
    let row = |state| StreamingSession::builder().session_id("s-1").state(state);
    let long = "X".repeat(600_000);
    let read = |row: StreamingSession| session(row, Some(&persistent_profile())).unwrap();
    let with = |state| {
        let row = row(state).tags("lightsout:keep", &long).tags(&long, "x").tags("tier", "gold");
        read(row.owned_by(&long).stopped_by(&long).arn(&long).launch_profile_id(&long).build())
    };
    let running = with(StreamingSessionState::Ready);
    assert_eq!((running.owner, running.launch_profile, running.arn), (None, None, None));
    assert_eq!(running.stopped_by.unwrap().len(), TEXT_BYTES_MAX);
    // It keeps, whatever it says; and it is told how long it is.
    assert_eq!(running.tags["lightsout:keep"].len(), TEXT_BYTES_MAX);
    assert_eq!((running.tags.len(), running.tags["tier"].as_str()), (2, "gold"));
    let value = "a tag of 600000 bytes".to_owned();
    let doubt = Stopping::Unclear(Doubt::UnknownMode { field: "tags", value });
    assert_eq!(running.stopping, doubt);
    // What is off may have to be rescued, for which its clock has to be known.
    let off = with(StreamingSessionState::Stopped);
    assert_eq!(off.stopping, read(row(StreamingSessionState::Stopped).build()).stopping);
    let nameless = StreamingSession::builder().session_id(&long).build();
    assert!(session(nameless, None).is_none());
}

#[test]
fn accounts_are_read_from_arns() {
    for (arn, expected) in [
        ("arn:aws:nimble:us-west-2:111122223333:streaming-session/s-1", Some("111122223333")),
        ("arn:aws-cn:nimble:cn-north-1:111122223333:studio/stid:1", Some("111122223333")),
        ("arn:aws:nimble:us-west-2::streaming-session/s-1", None),
        ("arn:aws:nimble:us-west-2:11112222333:x", None),
        ("arn:aws:nimble:us-west-2:11112222333a:x", None),
        ("urn:aws:nimble:us-west-2:111122223333:x", None),
        ("arn:aws", None),
        ("", None),
    ] {
        assert_eq!(account(arn), expected.map(AccountId::from), "{arn}");
    }
}

#[test]
fn the_answer_to_a_call_keeps_what_the_profile_said() {
    let asked = StreamingSession::builder().session_id("s-1").build();
    let asked = Session {
        stopping: Stopping::Allowed { destroyed_after: Some(jiff::SignedDuration::from_mins(60)) },
        launch_profile_name: Some("Lead comp".to_owned()),
        retains_volumes: true,
        ..session(asked, None).unwrap()
    };
    let answer = |id: &str| {
        StreamingSession::builder()
            .session_id(id)
            .state(StreamingSessionState::StopInProgress)
            .stopped_at(at("2026-11-20T19:00:00Z"))
            .build()
    };
    let answered = answered(answer("s-1"), &asked).unwrap();
    assert_eq!(answered.state, SessionState::Transitional(Transition::Stop));
    assert_eq!(answered.terminate_at, Some("2026-11-20T20:00:00Z".parse().unwrap()));
    assert_eq!(answered.stopping, asked.stopping);
    assert_eq!(answered.launch_profile_name, asked.launch_profile_name);
    assert!(answered.retains_volumes);
    assert_eq!(super::answered(answer("s-2"), &asked), None);
}

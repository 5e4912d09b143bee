//! The rules of a studio, as tables and short stories.

use super::*;

const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";
const ARTIST: Caller<'static> = Caller { principal: "9067f1a2b3-artist", token: None };

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}Z").parse().unwrap()
}

fn timings() -> Timings {
    let seconds = jiff::SignedDuration::from_secs;
    Timings {
        create: seconds(300),
        start: seconds(240),
        stop: seconds(90),
        delete: seconds(60),
        profile: seconds(20),
        stream: seconds(10),
    }
}

/// A studio with four kinds of launch profiles and nothing else.
fn world() -> World {
    let mut world = World::new(timings());
    world.add_studio(Studio::new(STUDIO, "111122223333", "feature"));
    let activated = Some(Mode::Activated);
    let deactivated = Some(Mode::Deactivated);
    for (id, stopped, persistence, termination) in [
        ("old", Some(240), None, None),
        ("persistent", None, activated.clone(), deactivated),
        ("terminating", Some(2880), activated.clone(), activated),
        ("forbidding", None, None, None),
    ] {
        let mut profile = LaunchProfile::new(id, id);
        profile.stream.max_session_length_in_minutes = Some(600);
        profile.stream.max_stopped_session_length_in_minutes = stopped;
        profile.stream.session_persistence_mode = persistence;
        profile.stream.automatic_termination_mode = termination;
        world.add_launch_profile(STUDIO, profile).unwrap();
    }
    world
}

fn add(world: &mut World, profile: &str, id: &str, state: SessionState) {
    let mut session = Session::new(id, state);
    session.launch_profile_id = Some(LaunchProfileId::from(profile));
    session.created_at = Some(at("20T08:00:00"));
    session.owned_by = Some(ARTIST.principal.to_owned());
    world.add_session(STUDIO, session).unwrap();
}

fn with_ready(profile: &str) -> World {
    let mut world = world();
    add(&mut world, profile, "s", SessionState::Ready);
    world
}

fn state(world: &mut World, now: &str) -> String {
    world.session(STUDIO, "s", at(now)).unwrap().state.as_str().to_owned()
}

fn stop(world: &mut World, caller: Caller<'_>, now: &str) -> Result<Session, Refusal> {
    world.stop(STUDIO, "s", None, caller, at(now))
}

#[test]
fn a_ready_session_has_the_clock_that_its_launch_profile_says() {
    for (profile, stops) in
        [("old", true), ("persistent", true), ("terminating", true), ("forbidding", false)]
    {
        let mut world = with_ready(profile);
        let session = world.session(STUDIO, "s", at("20T09:00:00")).unwrap();
        let end = Some(at("20T18:00:00"));
        assert_eq!(session.stop_at, end.filter(|_| stops), "{profile}");
        assert_eq!(session.terminate_at, end.filter(|_| !stops), "{profile}");
    }
}

#[test]
fn a_stop_takes_its_time_and_then_starts_the_termination_clock() {
    for (profile, terminated) in
        [("old", Some("20T16:00:00")), ("persistent", None), ("terminating", Some("22T12:00:00"))]
    {
        let mut world = with_ready(profile);
        let stopping = stop(&mut world, ARTIST, "20T12:00:00").unwrap();
        assert_eq!(stopping.state, SessionState::StopInProgress);
        assert_eq!(stopping.stopped_at, Some(at("20T12:00:00")));
        assert_eq!(stopping.stopped_by.as_deref(), Some(ARTIST.principal));
        assert_eq!(state(&mut world, "20T12:01:29"), "STOP_IN_PROGRESS");
        let stopped = world.session(STUDIO, "s", at("20T12:30:00")).unwrap();
        assert_eq!(stopped.state, SessionState::Stopped, "{profile}");
        assert_eq!(stopped.updated_at, Some(at("20T12:01:30")), "{profile}");
        assert_eq!(stopped.terminate_at, terminated.map(at), "{profile}");
        assert_eq!(stopped.stop_at, None, "{profile}");
    }
}

#[test]
fn a_stopped_session_is_terminated_and_that_counts_as_destroyed_work() {
    let mut world = with_ready("old");
    stop(&mut world, ARTIST, "20T12:00:00").unwrap();
    assert_eq!(state(&mut world, "20T15:59:59"), "STOPPED");
    assert_eq!(world.destroyed(), []);
    assert_eq!(state(&mut world, "20T16:00:00"), "DELETE_IN_PROGRESS");
    assert_eq!(state(&mut world, "23T00:00:00"), "DELETED");
    let how = HowDestroyed::TerminatedWhileStopped;
    let expected =
        Destroyed { at: at("20T16:00:00"), studio: STUDIO.into(), session: "s".into(), how };
    assert_eq!(world.destroyed(), [expected]);
    assert_eq!(world.next_event(), None);
}

#[test]
fn everything_happens_at_its_own_instant_however_late_anyone_looks() {
    let mut world = with_ready("old");
    let session = world.session(STUDIO, "s", at("25T00:00:00")).unwrap();
    assert_eq!(session.state, SessionState::Deleted);
    assert_eq!(session.stopped_at, Some(at("20T18:00:00")));
    assert_eq!(session.stopped_by, None);
    assert_eq!(session.updated_at, Some(at("20T22:01:00")));
    assert_eq!(world.destroyed()[0].at, at("20T22:00:00"));
}

#[test]
fn looking_often_and_looking_once_see_the_same_world() {
    let story = |step: usize| {
        let mut world = world();
        for (index, profile) in
            ["old", "persistent", "terminating", "forbidding"].iter().cycle().take(40).enumerate()
        {
            add(&mut world, profile, &format!("s{index}"), SessionState::Ready);
        }
        for minute in (0..6000).step_by(step) {
            world.advance(at("20T08:00:00") + jiff::SignedDuration::from_mins(minute));
        }
        world.advance(at("26T00:00:00"));
        format!("{:?} {:?}", world.studios, world.destroyed)
    };
    assert_eq!(story(1), story(6000));
}

#[test]
fn a_profile_that_forbids_stopping_takes_the_request_and_fails_it() {
    let mut world = with_ready("forbidding");
    assert_eq!(
        stop(&mut world, ARTIST, "20T12:00:00").unwrap().state,
        SessionState::StopInProgress
    );
    let session = world.session(STUDIO, "s", at("20T12:05:00")).unwrap();
    assert_eq!(session.state, SessionState::StopFailed);
    assert_eq!(session.status_code, Some(SessionStatusCode::InternalError));
    assert!(session.status_message.is_some());
    assert_eq!(session.terminate_at, Some(at("20T18:00:00")));
    assert_eq!(state(&mut world, "20T18:00:00"), "DELETE_IN_PROGRESS");
    assert_eq!(world.destroyed()[0].how, HowDestroyed::TerminatedWhileRunning);
}

#[test]
fn stop_and_start_are_legal_from_few_states() {
    let known = SessionState::KNOWN.iter().map(|name| SessionState::known(name).unwrap());
    for from in known.chain([SessionState::other("HIBERNATED")]) {
        let name = from.as_str().to_owned();
        let mut world = world();
        add(&mut world, "persistent", "s", from);
        // Without an instant the transition would be over long ago.
        let ends = at("20T10:00:00");
        world
            .amend_session(STUDIO, "s", Timestamp::UNIX_EPOCH, |session| {
                session.transition_ends = Some(ends)
            })
            .unwrap();
        let verdict = |result: Result<Session, Refusal>| {
            result.map_or_else(|refusal| Some(refusal.kind()), |_| None)
        };
        let stopped = verdict(stop(&mut world.clone(), ARTIST, "20T09:00:00"));
        let started = verdict(world.start(STUDIO, "s", None, ARTIST, at("20T09:00:00")));
        let (expected_stop, expected_start) = match name.as_str() {
            "READY" => (None, Some(RefusalKind::Validation)),
            "STOPPED" | "START_FAILED" => (Some(RefusalKind::Validation), None),
            name if name.ends_with("IN_PROGRESS") => {
                (Some(RefusalKind::Conflict), Some(RefusalKind::Conflict))
            }
            _ => (Some(RefusalKind::Validation), Some(RefusalKind::Validation)),
        };
        assert_eq!((stopped, started), (expected_stop, expected_start), "{name}");
    }
}

#[test]
fn a_start_begins_a_new_run_and_stops_the_termination_clock() {
    let mut world = with_ready("old");
    stop(&mut world, ARTIST, "20T12:00:00").unwrap();
    let starting = world.start(STUDIO, "s", None, ARTIST, at("20T13:00:00")).unwrap();
    assert_eq!(starting.started_at, Some(at("20T13:00:00")));
    assert_eq!(starting.terminate_at, None);
    assert_eq!(starting.stopped_at, Some(at("20T12:00:00")));
    let ready = world.session(STUDIO, "s", at("20T13:30:00")).unwrap();
    assert_eq!(ready.state, SessionState::Ready);
    assert_eq!(ready.updated_at, Some(at("20T13:04:00")));
    assert_eq!(ready.stop_at, Some(at("20T23:04:00")));
}

#[test]
fn a_failed_start_saves_nothing() {
    let mut world = with_ready("old");
    stop(&mut world, ARTIST, "20T12:00:00").unwrap();
    world
        .amend_session(STUDIO, "s", at("20T12:10:00"), |session| {
            session.failures.fails_to_start = 1
        })
        .unwrap();
    world.start(STUDIO, "s", None, ARTIST, at("20T13:00:00")).unwrap();
    let failed = world.session(STUDIO, "s", at("20T13:10:00")).unwrap();
    assert_eq!(failed.state, SessionState::StartFailed);
    assert_eq!(failed.status_code, Some(SessionStatusCode::InsufficientCapacity));
    assert_eq!(failed.terminate_at, Some(at("20T16:00:00")));
    world.start(STUDIO, "s", None, ARTIST, at("20T13:20:00")).unwrap();
    assert_eq!(state(&mut world, "20T14:00:00"), "READY");
}

#[test]
fn a_session_can_be_told_to_fail_to_stop() {
    let mut world = with_ready("persistent");
    world
        .amend_session(STUDIO, "s", at("20T08:00:00"), |session| {
            session.failures.fails_to_stop = true
        })
        .unwrap();
    stop(&mut world, ARTIST, "20T12:00:00").unwrap();
    assert_eq!(state(&mut world, "20T13:00:00"), "STOP_FAILED");
}

#[test]
fn deleting_the_volume_destroys_work_where_the_session_persists() {
    for (profile, destroyed) in [("persistent", 1), ("terminating", 1), ("old", 0)] {
        let mut world = with_ready(profile);
        world
            .stop(STUDIO, "s", Some(VolumeRetentionMode::Delete), ARTIST, at("20T12:00:00"))
            .unwrap();
        world.advance(at("20T12:10:00"));
        let found =
            world.destroyed().iter().filter(|gone| gone.how == HowDestroyed::VolumeDeleted).count();
        assert_eq!(found, destroyed, "{profile}");
    }
}

#[test]
fn the_same_token_is_one_effect_and_one_answer() {
    let mut world = with_ready("persistent");
    let caller = ARTIST.with_token("t1");
    let first = stop(&mut world, caller, "20T12:00:00").unwrap();
    let again = stop(&mut world, caller, "20T15:00:00").unwrap();
    assert_eq!(format!("{first:?}"), format!("{again:?}"));
    assert_eq!(world.effects().len(), 1);
    let other =
        world.stop(STUDIO, "s", Some(VolumeRetentionMode::Retain), caller, at("20T15:00:00"));
    assert_eq!(other.unwrap_err(), Refusal::TokenReused("t1".to_owned()));
    assert!(
        world.start(STUDIO, "s", None, caller, at("20T15:00:00")).is_ok(),
        "another operation, another token"
    );
}

#[test]
fn a_refused_request_does_not_use_its_token_up() {
    let mut world = with_ready("persistent");
    let caller = ARTIST.with_token("t1");
    assert!(world.start(STUDIO, "s", None, caller, at("20T12:00:00")).is_err());
    stop(&mut world, ARTIST, "20T12:00:00").unwrap();
    assert!(world.start(STUDIO, "s", None, caller, at("20T13:00:00")).is_ok());
}

#[test]
fn a_token_has_1_to_64_characters() {
    for (length, valid) in [(0, false), (1, true), (64, true), (65, false)] {
        let mut world = with_ready("persistent");
        let token = "x".repeat(length);
        assert_eq!(
            stop(&mut world, ARTIST.with_token(&token), "20T12:00:00").is_ok(),
            valid,
            "{length}"
        );
    }
}

#[test]
fn pages_cover_a_list_once_and_in_order() {
    let mut world = world();
    for index in 0..25 {
        add(&mut world, "persistent", &format!("s{index:02}"), SessionState::Ready);
    }
    let filter = SessionFilter::default();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page =
            world.sessions(STUDIO, &filter, after.as_deref(), 10, at("20T09:00:00")).unwrap();
        seen.extend(page.items.iter().map(|session| session.id.to_string()));
        if !page.more {
            break;
        }
        after = seen.last().cloned();
    }
    assert_eq!(seen, (0..25).map(|index| format!("s{index:02}")).collect::<Vec<_>>());
}

#[test]
fn filters_restrict_a_list() {
    let mut world = world();
    add(&mut world, "persistent", "a", SessionState::Ready);
    add(&mut world, "persistent", "b", SessionState::Ready);
    world
        .amend_session(STUDIO, "b", at("20T09:00:00"), |session| {
            session.owned_by = Some("somebody".into())
        })
        .unwrap();
    let mut count = |filter: SessionFilter| {
        world.sessions(STUDIO, &filter, None, 9, at("20T09:00:00")).unwrap().items.len()
    };
    assert_eq!(count(SessionFilter::default()), 2);
    assert_eq!(
        count(SessionFilter { owned_by: Some("somebody".into()), ..SessionFilter::default() }),
        1
    );
    assert_eq!(
        count(SessionFilter { created_by: Some("somebody".into()), ..SessionFilter::default() }),
        0
    );
    let ids = Some(BTreeSet::from(["a".to_owned(), "zz".to_owned()]));
    assert_eq!(count(SessionFilter { session_ids: ids, ..SessionFilter::default() }), 1);
}

#[test]
fn artists_create_and_delete_sessions_up_to_the_quota() {
    let mut world = world();
    world.add_studio(Studio {
        session_quota: Some(1),
        ..Studio::new(STUDIO, "111122223333", "feature")
    });
    let new = || NewSession {
        launch_profile: "terminating".into(),
        owned_by: "artist".to_owned(),
        ec2_instance_type: None,
        streaming_image_id: None,
        tags: Tags::new(),
    };
    let created =
        world.create_session(STUDIO, new(), ARTIST.with_token("t"), at("20T09:00:00")).unwrap();
    assert_eq!(created.state, SessionState::CreateInProgress);
    assert_eq!(created.id.as_str().len(), 22);
    assert_eq!(created.session_persistence_mode, Some(Mode::Activated));
    let again =
        world.create_session(STUDIO, new(), ARTIST.with_token("t"), at("20T09:00:00")).unwrap();
    assert_eq!(again.id, created.id);
    let full = world.create_session(STUDIO, new(), ARTIST, at("20T09:00:00")).unwrap_err();
    assert_eq!(full.kind(), RefusalKind::Quota);
    let id = created.id.as_str();
    let ready = world.session(STUDIO, id, at("20T10:00:00")).unwrap();
    assert_eq!((ready.started_at, ready.updated_at), (None, Some(at("20T09:05:00"))));
    world.delete_session(STUDIO, id, ARTIST, at("20T11:00:00")).unwrap();
    assert_eq!(world.session(STUDIO, id, at("20T12:00:00")).unwrap().state, SessionState::Deleted);
    assert!(world.create_session(STUDIO, new(), ARTIST, at("20T12:00:00")).is_ok());
    assert_eq!(world.destroyed(), []);
}

#[test]
fn tags_are_set_by_arn_and_within_bounds() {
    let mut world = with_ready("old");
    let now = at("20T09:00:00");
    let session = "arn:aws:nimble:us-west-2:111122223333:streaming-session/s";
    let one = |key: &str, value: &str| Tags::from([(key.to_owned(), value.to_owned())]);
    for arn in [
        session,
        "arn:aws:nimble:us-west-2:111122223333:launch-profile/old",
        "arn:aws:nimble:us-west-2:111122223333:studio/stid-EXAMPLE11111",
    ] {
        world.tag(arn, &one("lightsout:keep", "always"), ARTIST, now).unwrap();
        assert_eq!(world.tags(arn, now).unwrap().len(), 1, "{arn}");
        world.untag(arn, &["lightsout:keep".to_owned(), "absent".to_owned()], ARTIST, now).unwrap();
        assert!(world.tags(arn, now).unwrap().is_empty(), "{arn}");
    }
    for arn in [
        "",
        "arn:aws:nimble:us-west-2:999999999999:streaming-session/s",
        "arn:aws:nimble:us-west-2:111122223333:eula/s",
    ] {
        assert_eq!(world.tags(arn, now).unwrap_err().kind(), RefusalKind::NotFound, "{arn}");
    }
    for bad in
        [one("", "x"), one("aws:x", "x"), one(&"k".repeat(129), "x"), one("k", &"v".repeat(257))]
    {
        assert_eq!(
            world.tag(session, &bad, ARTIST, now).unwrap_err().kind(),
            RefusalKind::Validation
        );
    }
    let many: Tags = (0..=TAGS_MAX).map(|index| (index.to_string(), String::new())).collect();
    assert_eq!(world.tag(session, &many, ARTIST, now).unwrap_err().kind(), RefusalKind::Quota);
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut world = with_ready("old");
    let now = at("20T09:00:00");
    assert_eq!(world.session("x", "s", now).unwrap_err(), Refusal::StudioNotFound("x".to_owned()));
    assert_eq!(
        world.session(STUDIO, "x", now).unwrap_err(),
        Refusal::SessionNotFound("x".to_owned())
    );
    assert_eq!(
        world.launch_profile(STUDIO, "x").unwrap_err(),
        Refusal::LaunchProfileNotFound("x".to_owned())
    );
    let backup = world.start(STUDIO, "s", Some("b"), ARTIST, now).unwrap_err();
    assert_eq!(backup, Refusal::BackupNotFound("b".to_owned()));
}

#[test]
fn zero_transition_times_are_allowed() {
    let mut world = World::new(Timings::INSTANT);
    world.add_studio(Studio::new(STUDIO, "111122223333", "feature"));
    let mut profile = LaunchProfile::new("old", "old");
    profile.stream.max_stopped_session_length_in_minutes = Some(240);
    world.add_launch_profile(STUDIO, profile).unwrap();
    add(&mut world, "old", "s", SessionState::Ready);
    stop(&mut world, ARTIST, "20T09:00:00").unwrap();
    assert_eq!(state(&mut world, "20T09:00:00"), "STOPPED");
}

#[test]
fn an_instant_of_the_world_is_a_whole_second() {
    let mut world = with_ready("persistent");
    let stopped = world.stop(STUDIO, "s", None, ARTIST, at("20T12:00:00.75")).unwrap();
    assert_eq!(stopped.stopped_at, Some(at("20T12:00:00")));
}

fn backups(world: &mut World, now: &str) -> Vec<String> {
    let page = world.backups(STUDIO, None, None, 99, at(now)).unwrap();
    let mut all: Vec<&Backup> = page.items;
    all.sort_by_key(|backup| backup.created_at);
    all.iter().map(|backup| format!("{} {}", backup.created_at, backup.state.as_str())).collect()
}

/// A READY session whose stops are backed up, with two backups retained.
fn with_backups() -> World {
    let mut world = world();
    let mode = BackupMode::Automatic;
    world
        .amend_launch_profile(STUDIO, "persistent", |profile| {
            profile.stream.session_backup =
                Some(SessionBackup { mode, max_backups_to_retain: Some(2) });
        })
        .unwrap();
    add(&mut world, "persistent", "s", SessionState::Ready);
    world
}

#[test]
fn the_services_own_stop_is_backed_up_too() {
    let mut world = with_backups();
    assert_eq!(backups(&mut world, "20T17:59:59"), [""; 0]);
    assert_eq!(backups(&mut world, "20T18:00:00"), ["2026-11-20T18:00:00Z CREATE_IN_PROGRESS"]);
    assert_eq!(backups(&mut world, "21T00:00:00"), ["2026-11-20T18:00:00Z READY"]);
}

#[test]
fn a_backup_that_failed_costs_no_good_one() {
    let mut world = with_backups();
    for hour in [9, 11] {
        stop(&mut world, ARTIST, &format!("20T{hour:02}:00:00")).unwrap();
        world.start(STUDIO, "s", None, ARTIST, at(&format!("20T{hour:02}:30:00"))).unwrap();
    }
    for hour in [13, 14, 15] {
        let now = format!("20T{hour}:00:00");
        world
            .amend_session(STUDIO, "s", at(&now), |session| {
                session.failures.fails_to_stop = true;
                session.state = SessionState::Ready;
            })
            .unwrap();
        stop(&mut world, ARTIST, &now).unwrap();
    }
    let expected = [
        "2026-11-20T09:00:00Z READY",
        "2026-11-20T11:00:00Z READY",
        "2026-11-20T15:00:00Z CREATE_FAILED",
    ];
    assert_eq!(backups(&mut world, "20T16:00:00"), expected);
}

#[test]
fn no_backup_is_made_where_none_is_retained() {
    for (mode, retained) in [
        (BackupMode::Automatic, Some(0)),
        (BackupMode::Automatic, None),
        (BackupMode::Deactivated, Some(2)),
    ] {
        let mut world = world();
        world
            .amend_launch_profile(STUDIO, "persistent", |profile| {
                profile.stream.session_backup =
                    Some(SessionBackup { mode, max_backups_to_retain: retained });
            })
            .unwrap();
        add(&mut world, "persistent", "s", SessionState::Ready);
        stop(&mut world, ARTIST, "20T12:00:00").unwrap();
        assert_eq!(backups(&mut world, "20T13:00:00"), [""; 0], "{retained:?}");
    }
}

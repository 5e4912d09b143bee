//! The second chain: what is STOPPED, and whether it is started again.

use super::*;
use crate::inventory::Transition;
use crate::policy::Start;
use crate::policy::calendar::{Calendar, Effect, Entry};

/// Stopped by us on Thursday evening, in the window that closes on Friday at 07:00, and to be started
/// again.
fn asleep() -> World {
    let world = World::new().settings(|settings| settings.start = Start::Resume);
    let world = world.session(|session| {
        session.state = SessionState::Stopped;
        session.stopped_at = Some(at("19T20:00:00"));
    });
    ours(world, "19T20:00:00")
}

fn ours(mut world: World, stopped_at: &str) -> World {
    let past = world.history.sessions.entry("session-1".into()).or_default();
    past.ours = Some(OurStop { stopped_at: at(stopped_at) });
    past.marked = Some(at(stopped_at));
    world
}

/// The same world with a calendar over its nights.
fn with_calendar(world: World, effect: Effect, first: &str, last: &str) -> World {
    let day = |text: &str| text.parse().unwrap();
    let entries = vec![Entry::Days { first: day(first), last: day(last) }];
    let calendar = Arc::new(Calendar { name: "days".into(), effect, entries });
    let Schedule { name, zone, idle, .. } = (*nights()).clone();
    let schedule = Arc::new(Schedule::new(name, zone, idle, vec![calendar]));
    world.settings(|settings| settings.schedule = Some(shared(schedule)))
}

#[test]
fn what_is_off_since_its_start_failed_is_told_of_before_it_is_destroyed() {
    let failed = World::new().session(|session| {
        session.state = SessionState::Failed(crate::inventory::Transition::Start);
        session.stopped_at = Some(at("20T08:00:00"));
        session.terminate_at = Some(at("20T20:00:00"));
    });
    let code = |now: &str| failed.decide(now).reason.code();
    assert_eq!((code("20T15:59:59"), code("20T16:00:00")), ("failed", "termination_near"));
    assert_eq!(failed.decide("20T15:00:00").next_change, Some(at("20T16:00:00")));
}

#[test]
fn what_we_stopped_is_started_for_the_end_of_its_window() {
    asleep().check(
        "20T06:49:59",
        "keep start_not_due: it is off until 2026-11-20 14:50Z: its window closes at 2026-11-20 15:00Z | 2026-11-20T14:50:00Z",
    );
    asleep().check(
        "20T06:50:00",
        "start resume: we stopped it in the window that closes at 2026-11-20 15:00Z | 2026-11-20T16:00:00Z",
    );
    assert_eq!(asleep().decide("20T06:50:00").not_after, Some(at("20T08:00:00")));
    assert_eq!(asleep().decide("20T07:59:59").verdict(), Verdict::Start);
    asleep().check(
        "20T08:00:00",
        "keep! start_expired: it is off: its window closed at 2026-11-20 15:00Z, and a start could be made until 2026-11-20 16:00Z | -",
    );
}

#[test]
fn nothing_is_started_into_the_next_idle_hours() {
    let world = asleep().settings(|settings| settings.catch_up = hours(20));
    assert_eq!(world.decide("20T19:59:59").verdict(), Verdict::Start);
    assert_eq!(world.decide("20T20:00:00").reason.code(), "start_expired");
}

#[test]
fn what_a_person_stopped_stays_off() {
    let world = asleep().session(|session| session.stopped_at = Some(at("19T18:30:00")));
    world.check("20T06:55:00", "keep not_ours: it is off, and not by us; it stays off | -");
    // The tag tells of our stop where the log does not.
    let tag = |value: &str| {
        let mut world = asleep().session(|session| {
            session.tags.insert("lightsout:stopped".to_owned(), value.to_owned());
        });
        world.history = History::default();
        world.decide("20T06:55:00").reason.code()
    };
    assert_eq!(tag("2026-11-19T20:00:00-08:00"), "resume");
    assert_eq!(tag("2026-11-20T04:00:00Z"), "resume");
    assert_eq!(tag("2026-11-20T04:00:01Z"), "not_ours");
    assert_eq!(tag("yes"), "not_ours");
    let unsaid = asleep().session(|session| session.stopped_at = None);
    assert_eq!(unsaid.decide("20T06:55:00").reason.code(), "not_ours");
}

#[test]
fn never_means_never() {
    let world = asleep().settings(|settings| settings.start = Start::Never);
    world.check("20T06:55:00", "keep stopped: it is off | -");
    let without = asleep().settings(|settings| settings.schedule = None);
    assert_eq!(without.decide("20T06:55:00").reason.code(), "stopped");
}

#[test]
fn a_keep_leaves_it_as_it_is() {
    let world = asleep().session(|session| {
        session.tags.insert("lightsout:keep".to_owned(), "in repair".to_owned());
    });
    assert_eq!(world.decide("20T06:55:00").reason.code(), "tag_keep");
    let ruled = asleep().rule(true, |_| {});
    assert_eq!(ruled.decide("20T06:55:00").reason.code(), "rule_keep");
}

#[test]
fn a_hold_starts_nothing() {
    let mut world = asleep();
    world.snapshot.accounts.clear();
    assert_eq!(world.decide("20T06:55:00").verdict(), Verdict::Hold);
}

#[test]
fn on_a_closed_day_nothing_is_started() {
    // Friday is a holiday: one window from Thursday evening to Monday morning.
    let world = with_calendar(asleep(), Effect::Closed, "2026-11-20", "2026-11-20");
    world.check(
        "20T06:55:00",
        "keep closed_day: it is off, and nothing is started on a closed day, until 2026-11-21 08:00Z | 2026-11-21T08:00:00Z",
    );
    assert_eq!(world.decide("21T12:00:00").reason.code(), "start_not_due");
    assert_eq!(world.decide("23T06:50:00").verdict(), Verdict::Start);
    // What is not to be started has another reason, on that day too.
    let never = world.settings(|settings| settings.start = Start::Never);
    assert_eq!(never.decide("20T06:55:00").reason.code(), "stopped");
}

#[test]
fn an_open_weekend_ends_the_window_and_starts_what_was_stopped() {
    let stopped = asleep().session(|session| session.stopped_at = Some(at("20T20:00:00")));
    let world =
        with_calendar(ours(stopped, "20T20:00:00"), Effect::Open, "2026-11-21", "2026-11-22");
    assert_eq!(world.decide("20T23:49:59").reason.code(), "start_not_due");
    assert_eq!(world.decide("20T23:50:00").verdict(), Verdict::Start);
}

#[test]
fn an_alarm_of_the_end_does_not_keep_it_from_being_started() {
    let world = asleep().session(|session| session.terminate_at = Some(at("20T10:00:00")));
    assert_eq!(world.decide("20T05:59:59").reason.code(), "start_not_due");
    assert_eq!(world.decide("20T06:00:00").reason.code(), "termination_near");
    assert_eq!(world.decide("20T06:50:00").verdict(), Verdict::Start);
}

#[test]
fn an_alarm_wakes_in_time_for_the_start_and_a_keep_for_the_alarm() {
    let ending = |session: &mut Session| session.terminate_at = Some(at("20T10:00:00"));
    let near = asleep().session(ending).decide("20T06:00:00");
    assert_eq!(
        (near.reason.code(), near.next_change),
        ("termination_near", Some(at("20T06:50:00")))
    );
    let kept = asleep().session(ending).session(|session| {
        session.tags.insert("lightsout:keep".to_owned(), "in repair".to_owned());
    });
    assert_eq!(kept.decide("20T01:00:00").next_change, Some(at("20T06:00:00")));
    assert_eq!(kept.decide("20T06:00:00").reason.code(), "termination_near");
}

#[test]
fn a_start_of_ours_that_failed_is_tried_again_and_a_person_s_is_not() {
    let failed = |run: &str| {
        let mut world = asleep().session(|session| {
            session.state = SessionState::Failed(Transition::Start);
            session.status = Some("INSUFFICIENT_CAPACITY".to_owned());
        });
        let past = world.history.sessions.get_mut(&"session-1".into()).unwrap();
        past.start_attempts = Some(Attempts { run: at(run), ended: 1, last: at("20T06:52:00") });
        world.decide("20T06:55:00").reason.code()
    };
    assert_eq!(failed("19T20:00:00"), "resume");
    assert_eq!(failed("18T20:00:00"), "failed");
}

#[test]
fn a_proven_stop_is_to_be_marked_once() {
    let mut world = asleep();
    assert_eq!(world.decide("19T21:00:00").mark, None);
    world.history.sessions.get_mut(&"session-1".into()).unwrap().marked = None;
    assert_eq!(world.decide("19T21:00:00").mark, Some(at("19T20:00:00")));
    let marked = |value: &str| {
        let mut world = asleep().session(|session| {
            session.tags.insert("lightsout:stopped".to_owned(), value.to_owned());
        });
        world.history.sessions.get_mut(&"session-1".into()).unwrap().marked = None;
        world.decide("19T21:00:00").mark
    };
    assert_eq!(marked("2026-11-20T04:00:00Z"), None);
    assert_eq!(marked("2026-11-18T04:00:00Z"), Some(at("19T20:00:00")));
    let observing = world.settings(|settings| settings.mode = Mode::Observe);
    assert_eq!(observing.decide("19T21:00:00").mark, None);
    let never = observing.settings(|settings| {
        settings.mode = Mode::Enforce;
        settings.start = Start::Never;
    });
    assert_eq!(never.decide("19T21:00:00").mark, None);
}

#[test]
fn an_open_calendar_lifts_max_uptime() {
    let world = World::new().settings(|settings| settings.max_uptime = Some(hours(14)));
    let world = with_calendar(world, Effect::Open, "2026-11-20", "2026-11-21");
    // Since Friday 09:00 it would be over at 23:00; the crunch lasts to the end of Saturday.
    let decision = world.decide("20T23:30:00");
    assert_eq!((decision.reason.code(), decision.due), ("not_due", Some(at("22T00:00:00"))));
    // It stays due at the instant of which people were warned.
    for now in ["22T00:00:00", "22T06:00:00"] {
        let decision = world.decide(now);
        assert_eq!((decision.verdict(), decision.due), (Verdict::Stop, Some(at("22T00:00:00"))));
    }
}

#[test]
fn an_owner_without_a_time_zone_is_kept_and_told_of() {
    let world = World::new().settings(|settings| {
        let schedules = BTreeMap::from([("other".into(), nights())]);
        let timetable = Timetable::PerOwner { name: "evenings".into(), schedules };
        settings.schedule = Some(Arc::new(timetable));
        settings.max_uptime = Some(hours(4));
    });
    world.check(
        "20T21:00:00",
        "keep! owner_zone_unknown: schedule `evenings` follows its owner's time zone, and [people] does not name it | -",
    );
    let known = world.session(|session| session.owner = Some("other".into()));
    assert_eq!(known.decide("20T21:00:00").verdict(), Verdict::Stop);
}

#[test]
fn by_a_clock_that_is_known_to_be_ahead_a_run_is_not_over_early() {
    let due = |ahead: SignedDuration| {
        let of = |start: &str, now: &str| {
            let world = World::new().settings(|settings| {
                settings.lease = hours(2);
                settings.max_uptime = Some(hours(3));
            });
            let mut world = world.session(|session| session.started_at = Some(at(start)));
            world.history.clock_behind = Some(-ahead);
            world.decide(now).due
        };
        [of("20T09:00:00", "20T09:30:00"), of("20T19:00:00", "20T20:30:00")]
    };
    let [uptime, lease] = due(hours(0));
    assert_eq!([uptime, lease], [Some(at("20T12:00:00")), Some(at("20T21:00:00"))]);
    // Two clocks may differ by as much, and a warning names the instant.
    assert_eq!(due(minutes(4)), [uptime, lease]);
    assert_eq!(due(hours(1)), [Some(at("20T13:00:00")), Some(at("20T22:00:00"))]);
    // By one that is behind it is over late: that harms nobody.
    assert_eq!(due(-hours(1)), [uptime, lease]);
}

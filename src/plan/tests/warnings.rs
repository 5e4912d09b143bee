//! Line 9: what is announced before a stop, and which announcement counts.

use super::*;

#[test]
fn line_9_warns_ahead_and_then_stops_on_time() {
    let leads = vec![minutes(30), minutes(5)];
    let world = World::new().settings(|settings| settings.warn = leads);
    assert_eq!(world.decide("20T19:00:00").next_change, Some(at("20T19:30:00")));
    world.check(
        "20T19:30:00",
        "warn warning: it is due at 2026-11-21 04:00Z: idle hours of schedule `nights`; warned 30m ahead, it stops at 2026-11-21 04:00Z | 2026-11-21T03:55:00Z",
    );
    let world = world.warned(minutes(30), "20T20:00:00", "20T19:30:00", Mode::Enforce);
    assert_eq!(world.decide("20T19:30:00").next_change, Some(at("20T19:55:00")));
    assert_eq!(world.decide("20T19:55:00").verdict(), Verdict::Warn);
    let world = world.warned(minutes(5), "20T20:00:00", "20T19:55:00", Mode::Enforce);
    assert_eq!(world.decide("20T19:59:59").reason.code(), "not_due");
    assert_eq!(world.decide("20T20:00:00").verdict(), Verdict::Stop);
}

#[test]
fn line_9_postpones_the_stop_after_a_late_warning() {
    let world = World::new().settings(|settings| settings.warn = vec![minutes(30), minutes(5)]);
    assert_eq!(world.decide("20T21:00:00").verdict(), Verdict::Warn);
    let world = world.warned(minutes(30), "20T20:00:00", "20T21:00:00", Mode::Enforce).warned(
        minutes(5),
        "20T20:00:00",
        "20T21:00:00",
        Mode::Enforce,
    );
    world.check(
        "20T21:14:59",
        "keep warning_out: it was due at 2026-11-21 04:00Z and is warned; it stops at 2026-11-21 05:15Z | 2026-11-21T05:15:00Z",
    );
    assert_eq!(world.decide("20T21:15:00").verdict(), Verdict::Stop);
}

#[test]
fn line_9_counts_only_warnings_of_this_run_this_instant_and_this_mode() {
    let world = World::new().settings(|settings| settings.warn = vec![minutes(15)]);
    let heard = |mode| {
        let world = World::new().settings(|settings| settings.warn = vec![minutes(15)]);
        world.warned(minutes(15), "20T20:00:00", "20T19:45:00", mode).decide("20T20:00:00")
    };
    assert_eq!(heard(Mode::Enforce).verdict(), Verdict::Stop);
    assert_eq!(heard(Mode::Observe).verdict(), Verdict::Warn);
    let other_due = world.warned(minutes(15), "19T20:00:00", "19T19:45:00", Mode::Enforce);
    assert_eq!(other_due.decide("20T20:00:00").verdict(), Verdict::Warn);
    let other_run = other_due
        .warned(minutes(15), "20T20:00:00", "20T19:45:00", Mode::Enforce)
        .session(|session| session.started_at = Some(at("20T10:00:00")));
    assert_eq!(other_run.decide("20T20:00:00").verdict(), Verdict::Warn);
}

#[test]
fn line_9_counts_no_warning_that_was_given_long_before_its_time() {
    // By a clock that was eight hours ahead, and was set right since.
    let given = |given: &str| {
        let world = World::new().settings(|settings| settings.warn = vec![minutes(15)]);
        world.warned(minutes(15), "20T20:00:00", given, Mode::Enforce)
    };
    assert_eq!(given("20T12:06:00").decide("20T19:45:00").verdict(), Verdict::Warn);
    assert_eq!(given("20T12:06:00").decide("20T20:00:00").verdict(), Verdict::Warn);
    assert_eq!(given("20T18:45:00").decide("20T20:00:00").verdict(), Verdict::Stop);
}

#[test]
fn line_9_warns_anew_after_a_keep() {
    let kept = |given: &str| {
        let world = tagged("lightsout:keep-until", "2026-11-20T22:00:00-08:00");
        let world = world.settings(|settings| settings.warn = vec![minutes(15)]);
        world.warned(minutes(15), "20T20:00:00", given, Mode::Enforce)
    };
    let world = kept("20T19:45:00");
    assert_eq!(world.decide("20T21:59:59").reason.code(), "tag_keep_until");
    assert_eq!(world.decide("20T22:00:00").verdict(), Verdict::Warn);
    let again = world.warned(minutes(15), "20T20:00:00", "20T22:00:00", Mode::Enforce);
    assert_eq!(again.decide("20T22:14:59").reason.code(), "warning_out");
    assert_eq!(again.decide("20T22:15:00").verdict(), Verdict::Stop);
    // Also where the tag is gone, so that nothing tells of the keep any more.
    let untold = again.session(|session| session.tags.clear());
    assert_eq!(untold.decide("20T22:14:59").reason.code(), "warning_out");
    assert_eq!(untold.decide("20T22:15:00").verdict(), Verdict::Stop);
    // A keep that was over before the warning takes nothing back.
    let old = kept("20T19:45:00").session(|session| {
        let until = "2026-11-20T19:00:00-08:00".to_owned();
        session.tags.insert("lightsout:keep-until".to_owned(), until);
    });
    assert_eq!(old.decide("20T20:15:00").verdict(), Verdict::Stop);
}

#[test]
fn line_9_does_not_warn_of_a_stop_that_would_be_too_short_by_then() {
    // The window closes at 07:00, and least_stop is 30 minutes; a warning takes 15.
    let world = World::new()
        .settings(|settings| settings.warn = vec![minutes(15)])
        .session(|session| session.started_at = Some(at("20T02:00:00")));
    assert_eq!(world.decide("20T06:15:00").verdict(), Verdict::Warn);
    assert_eq!(world.decide("20T06:15:00").next_change, Some(at("20T06:15:01")));
    assert_eq!(world.decide("20T06:15:01").reason.code(), "stop_too_short");
    let warned = world.warned(minutes(15), "20T04:00:00", "20T06:15:00", Mode::Enforce);
    assert_eq!(warned.decide("20T06:15:01").reason.code(), "warning_out");
    assert_eq!(warned.decide("20T06:30:00").verdict(), Verdict::Stop);
    // Before it is due, too: the lease ends at 06:20.
    let leased = |now: &str| {
        let world = World::new().settings(|settings| settings.warn = vec![minutes(15)]);
        let world = world.session(|session| session.started_at = Some(at("20T04:20:00")));
        world.decide(now).reason.code()
    };
    assert_eq!(leased("20T06:15:00"), "warning");
    assert_eq!(leased("20T06:15:01"), "not_due");
}

#[test]
fn line_9_does_not_warn_of_a_stop_that_a_guard_would_refuse() {
    let world =
        World::new().settings(|settings| settings.warn = vec![minutes(15)]).session(|session| {
            session.stopping = Stopping::Allowed { destroyed_after: Some(hours(24)) };
        });
    assert_eq!(world.decide("20T19:50:00").reason.code(), "not_due");
    assert_eq!(world.decide("20T20:00:00").reason.code(), "would_be_destroyed");
}

//! Keeps that are too long, and those that end.

use super::*;

/// A session that a tag keeps until ten in the evening of Friday, by this policy.
fn until_ten(change: impl FnOnce(&mut Settings)) -> World {
    tagged("lightsout:keep-until", "2026-11-20T22:00:00-08:00").settings(change)
}

fn reminded(mut world: World, until: &str, mode: Mode) -> World {
    let id = world.snapshot.sessions.first_key_value().unwrap().0.clone();
    let past = world.history.sessions.entry(id).or_default();
    past.reminded = Some(KeepReminder { until: at(until), mode });
    world
}

const TOO_LONG: &str = "keep! keep_too_long: its tag keeps it until 2026-11-21 06:00Z, further ahead than the \
                        keep_max of 1h; it counts all the same";
const KEPT: &str = "keep tag_keep_until: its tag keeps it until 2026-11-21 06:00Z";

#[test]
fn a_keep_that_is_too_long_counts_and_is_an_alarm_until_its_end_is_near_enough() {
    let world = until_ten(|settings| settings.keep_max = Some(hours(1)));
    // Clocks may differ by two minutes.
    world.check("20T20:57:59", &format!("{TOO_LONG} | 2026-11-21T04:58:00Z"));
    world.check("20T20:58:00", &format!("{KEPT} | 2026-11-21T06:00:00Z"));
    let endless = tagged("lightsout:keep", "overnight sim");
    endless.settings(|settings| settings.keep_max = Some(hours(48))).check(
        "20T21:00:00",
        "keep! keep_too_long: its tag lightsout:keep says \"overnight sim\", without an end, and keep_max is \
         48h; it counts all the same | -",
    );
}

#[test]
fn a_rule_that_keeps_and_a_tag_that_cannot_be_read_come_first() {
    let short = |settings: &mut Settings| settings.keep_max = Some(hours(1));
    assert_eq!(
        until_ten(|_| {}).rule(true, short).decide("20T20:30:00").reason.code(),
        "rule_keep"
    );
    let both = until_ten(short).session(|session| {
        session.tags.insert("lightsout:x".into(), "y".into());
    });
    assert_eq!(both.decide("20T20:30:00").reason.code(), "tag_unreadable");
}

#[test]
fn the_end_of_a_keep_is_announced_once() {
    let remind = |settings: &mut Settings| settings.keep_remind = Some(minutes(30));
    let world = until_ten(remind);
    world.check("20T21:29:59", &format!("{KEPT} | 2026-11-21T05:30:00Z"));
    world.check(
        "20T21:30:00",
        "warn keep_ending: its tag keeps it until 2026-11-21 06:00Z, reminded 30m ahead | \
         2026-11-21T06:00:00Z",
    );
    // Late is better than never.
    assert_eq!(world.decide("20T21:59:59").verdict(), Verdict::Warn);
    let world = reminded(world, "20T22:00:00", Mode::Enforce);
    world.check("20T21:20:00", &format!("{KEPT} | 2026-11-21T06:00:00Z"));
    world.check("20T21:30:00", &format!("{KEPT} | 2026-11-21T06:00:00Z"));
    // Another end is another keep.
    let other = reminded(until_ten(remind), "20T21:00:00", Mode::Enforce);
    assert_eq!(other.decide("20T21:30:00").reason.code(), "keep_ending");
    // What nobody heard does not count.
    let unheard = reminded(until_ten(remind), "20T22:00:00", Mode::Observe);
    assert_eq!(unheard.decide("20T21:30:00").reason.code(), "keep_ending");
}

#[test]
fn of_a_machine_that_is_off_or_is_kept_otherwise_nothing_ends_that_matters() {
    let remind = |settings: &mut Settings| settings.keep_remind = Some(minutes(30));
    let off = until_ten(remind).session(|session| {
        session.state = SessionState::Stopped;
        session.stopped_at = Some(at("20T19:00:00"));
    });
    off.check("20T21:20:00", &format!("{KEPT} | 2026-11-21T06:00:00Z"));
    off.check("20T21:45:00", &format!("{KEPT} | 2026-11-21T06:00:00Z"));
    let always = until_ten(remind).session(|session| {
        session.tags.insert("lightsout:keep".into(), "always".into());
    });
    assert_eq!(always.decide("20T21:45:00").reason.code(), "tag_keep");
}

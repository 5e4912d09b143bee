//! Line 1: pauses, and changes that come too suddenly.

use std::collections::BTreeSet;

use super::*;
use crate::ids::{PolicyHash, SessionId};

/// A studio of so many sessions, all due on Friday at 20:00, of which the log knows `known`.
fn studio(seen: std::ops::Range<usize>, known: std::ops::Range<usize>) -> World {
    let id = |number: usize| SessionId::from(format!("session-{number:04}"));
    let mut world = World::new();
    world.snapshot.sessions.clear();
    for number in seen {
        world
            .snapshot
            .sessions
            .insert(id(number), Arc::new(Session { id: id(number), ..session() }));
    }
    world.history.known = known.map(|number| (id(number), None)).collect();
    world
}

fn hold(world: &World, now: &str) -> Option<String> {
    let World { policy, studio, snapshot, history, .. } = world;
    let plan = plan(policy, studio, snapshot, history, at(now));
    let stops = plan.decisions.iter().filter(|decision| decision.verdict() == Verdict::Stop);
    assert!(plan.hold.is_none() || stops.count() == 0);
    plan.hold.map(|reason| format!("{}: {reason}", reason.code()))
}

fn is_held(world: &World) -> bool {
    hold(world, "20T20:00:00").is_some()
}

#[test]
fn a_pause_holds_everything_until_it_ends() {
    let mut world = World::new();
    world.history.paused = Some(Pause { until: at("20T22:00:00"), who: "ada".to_owned() });
    world.check(
        "20T21:59:59",
        "hold! paused: ada wants nothing done until 2026-11-21 06:00Z | 2026-11-21T06:00:00Z",
    );
    assert_eq!(world.decide("20T22:00:00").verdict(), Verdict::Stop);
    // What is off is not started either, and its end is still told of.
    let world = world.settings(|settings| settings.start = crate::policy::Start::Resume);
    let world = world.session(|session| {
        session.state = SessionState::Stopped;
        session.stopped_at = Some(at("19T20:00:00"));
    });
    assert_eq!(world.decide("20T06:55:00").reason.code(), "paused");
    let world = world.session(|session| session.terminate_at = Some(at("20T09:00:00")));
    assert_eq!(world.decide("20T06:55:00").reason.code(), "termination_near");
}

#[test]
fn what_was_warned_before_a_pause_that_is_over_is_warned_anew() {
    let world = |given: &str| {
        let world = World::new().settings(|settings| settings.warn = vec![minutes(15)]);
        let mut world = world.warned(minutes(15), "20T20:00:00", given, Mode::Enforce);
        world.history.paused = Some(Pause { until: at("20T22:00:00"), who: "ada".to_owned() });
        world
    };
    let old = world("20T19:45:00");
    assert_eq!(old.decide("20T21:59:59").reason.code(), "paused");
    assert_eq!(old.decide("20T22:00:00").reason.code(), "warning");
    let again = world("20T22:00:00");
    assert_eq!(again.decide("20T22:14:59").reason.code(), "warning_out");
    assert_eq!(again.decide("20T22:15:00").verdict(), Verdict::Stop);
    // A pause that a person ended has nothing to take back, nor has none.
    let mut resumed = world("20T19:45:00");
    resumed.history.paused = None;
    assert_eq!(resumed.decide("20T22:00:00").verdict(), Verdict::Stop);
}

#[test]
fn what_was_taken_back_does_not_come_back_with_a_clock_that_is_set_forward() {
    let warned = |said: &str| {
        let world = World::new().settings(|settings| settings.warn = vec![minutes(15)]);
        let mut world = world.warned(minutes(15), "20T20:00:00", "20T23:00:00", Mode::Enforce);
        for past in world.history.sessions.values_mut() {
            past.warnings.iter_mut().for_each(|given| given.said = at(said));
        }
        world
    };
    let until = at("20T22:00:00");
    let paused = |said: &str| {
        let mut world = warned(said);
        world.history.paused = Some(Pause { until, who: "ada".to_owned() });
        world
    };
    let kept = |said: &str| {
        let (tag, until) = ("lightsout:keep-until".to_owned(), until.to_string());
        warned(said).session(|session| drop(session.tags.insert(tag, until)))
    };
    for world in [paused("20T19:45:00"), kept("20T19:45:00")] {
        assert_eq!(world.decide("20T23:15:00").reason.code(), "warning");
    }
    for world in [paused("20T22:00:00"), kept("20T22:00:00")] {
        assert_eq!(world.decide("20T23:14:59").reason.code(), "warning_out");
        assert_eq!(world.decide("20T23:15:00").verdict(), Verdict::Stop);
    }
}

#[test]
fn warnings_that_are_given_anew_release_no_brake() {
    let mut world = studio(0..20, 0..20).settings(|settings| settings.warn = vec![minutes(15)]);
    let latch = Latch { bound: BrakeBound::PerScan, limit: 19 };
    world.studio.brake.per_scan = 19;
    world.history.braked.insert(Mode::Enforce, latch);
    world.history.paused = Some(Pause { until: at("20T21:00:00"), who: "ada".to_owned() });
    let plan_at = |world: &World, now: &str| {
        let World { policy, studio, snapshot, history, .. } = world;
        plan(policy, studio, snapshot, history, at(now))
    };
    let plan = plan_at(&world, "20T21:00:00");
    let codes: BTreeSet<&str> = plan.decisions.iter().map(|d| d.reason.code()).collect();
    assert_eq!(codes, BTreeSet::from(["warning"]));
    assert_eq!(plan.latches.get(&Mode::Enforce), Some(&latch));
    // Where nothing is due any more it ends.
    let plan = plan_at(&world, "20T12:00:00");
    assert_eq!(plan.latches.get(&Mode::Enforce), None);
}

#[test]
fn more_than_a_few_and_more_than_half_must_be_missing() {
    // An empty log knows nothing that could be missing.
    assert!(!is_held(&studio(0..1000, 0..0)));
    for (seen, known, expected) in [
        (2, 12, false),
        (1, 12, true),
        (20, 40, false),
        (19, 40, true),
        (0, 11, true),
        (0, 10, false),
    ] {
        assert_eq!(is_held(&studio(0..seen, 0..known)), expected, "{seen} of {known}");
    }
    let sentence = "inventory_changed: 40 sessions were known, and 19 are seen: 21 are missing and 0 are new, which another listing has to confirm";
    assert_eq!(hold(&studio(0..19, 0..40), "20T20:00:00").as_deref(), Some(sentence));
}

#[test]
fn more_than_a_few_and_more_than_twice_as_many_must_be_new() {
    for (seen, known, expected) in [(11, 1, false), (12, 1, true), (40, 20, false), (41, 20, true)]
    {
        assert_eq!(is_held(&studio(0..seen, 0..known)), expected, "{seen} of {known}");
    }
    // Others in the place of all.
    assert!(is_held(&studio(40..60, 0..20)));
}

#[test]
fn another_listing_a_minute_later_confirms_about_the_same() {
    let mut world = studio(0..100, 0..400);
    let mut doubt = InventoryDoubt { at: at("20T20:00:00"), seen: 100, missing: 300 };
    let mut held = |doubt, began: &str| {
        world.history.inventory.doubt = Some(doubt);
        world.snapshot.began = at(began);
        hold(&world, "20T20:30:00").is_some()
    };
    assert!(held(doubt, "20T20:00:59"));
    assert!(!held(doubt, "20T20:01:00"));
    doubt.seen = 110;
    assert!(!held(doubt, "20T20:01:00"));
    doubt.seen = 112;
    assert!(held(doubt, "20T20:01:00"));
    (doubt.seen, doubt.missing) = (100, 400);
    assert!(held(doubt, "20T20:01:00"), "others are missing now");
}

#[test]
fn what_is_confirmed_to_be_gone_is_not_missed_again() {
    let mut world = studio(0..100, 0..400);
    world.history.inventory.gone = 300;
    assert!(!is_held(&world));
    // Of the hundred that are left more than half are gone now.
    let mut fewer = studio(0..49, 0..400);
    fewer.history.inventory.gone = 300;
    assert!(is_held(&fewer));
}

#[test]
fn an_approval_of_a_listing_is_one_of_about_its_number() {
    let mut world = studio(0..100, 0..400);
    let mut approved = |count, until| {
        let approval = Approval { count, left: count, until: at(until), policy: None };
        world.history.approved.inventory = Some(approval);
        !is_held(&world)
    };
    assert!(approved(100, "20T20:00:01"));
    assert!(!approved(100, "20T20:00:00"));
    assert!(!approved(400, "20T21:00:00"));
}

/// A studio of forty sessions that was looked after by another policy until now.
fn changed(was_due: usize) -> World {
    let mut world = studio(0..40, 0..40);
    world.history.policy = Some("1".into());
    for due in world.history.known.values_mut().take(was_due) {
        *due = Some(at("20T20:00:00"));
    }
    world
}

#[test]
fn another_policy_may_make_a_few_or_a_quarter_due_at_once() {
    let sentence =
        "policy_changed: the policy was changed: 40 sessions are due now, where 29 were due before";
    assert_eq!(hold(&changed(29), "20T20:00:00").as_deref(), Some(sentence));
    assert_eq!(hold(&changed(30), "20T20:00:00"), None);
    // Before the window opens nothing is due, whatever the policy.
    assert_eq!(hold(&changed(0), "20T19:59:59"), None);
    // Nor is it a change to have no policy before, or the same.
    let mut same = changed(0);
    for policy in [None, Some(PolicyHash::from("0"))] {
        same.history.policy = policy;
        assert_eq!(hold(&same, "20T20:00:00"), None);
    }
}

#[test]
fn what_is_warned_by_another_policy_is_due_as_well() {
    let world = changed(0).settings(|settings| settings.warn = vec![minutes(15)]);
    assert_eq!(hold(&world, "20T19:59:00"), None);
    assert!(is_held(&world), "it would be stopped 15 minutes later");
}

#[test]
fn a_policy_that_is_held_stays_so_while_anything_more_is_due() {
    let mut world = changed(39);
    assert!(!is_held(&world));
    world.history.held_policy = Some("0".into());
    assert!(is_held(&world));
    world.history.held_policy = Some("another".into());
    assert!(!is_held(&world));
    world.history.held_policy = Some("0".into());
    let mut all = changed(40);
    all.history.held_policy = Some("0".into());
    assert!(!is_held(&all));
}

#[test]
fn an_approval_of_a_policy_is_one_of_that_policy_and_of_no_more_than_stood() {
    let mut world = changed(0);
    let mut approved = |count, policy: &str, until| {
        let policy = Some(policy.into());
        world.history.approved.policy =
            Some(Approval { count, left: count, until: at(until), policy });
        !is_held(&world)
    };
    assert!(approved(40, "0", "20T20:00:01"));
    assert!(!approved(39, "0", "20T20:00:01"));
    assert!(!approved(40, "1", "20T20:00:01"));
    assert!(!approved(40, "0", "20T20:00:00"));
}

#[test]
fn what_nobody_can_see_is_held_for_that_before_anything_else() {
    let mut world = studio(0..1, 0..400);
    world.history.paused = Some(Pause { until: at("21T00:00:00"), who: "ada".to_owned() });
    assert!(hold(&world, "20T20:00:00").unwrap().starts_with("paused"));
    world.snapshot.accounts = vec!["999999999999".into()];
    assert!(hold(&world, "20T20:00:00").unwrap().starts_with("account_mismatch"));
}

//! Until when the work of what was put off is to live, and that it does.

use super::rotate::{asleep, past, rotating};
use super::*;

#[test]
fn what_was_put_off_until_monday_is_saved_though_the_hours_are_others_by_now() {
    // Put off on Friday for the weekend, which a calendar opens on Saturday morning.
    let opened = |until: &str| {
        let mut world = asleep().settings(|settings| {
            let idle = Idle::Weekly(vec!["Mon-Thu 20:00-07:00".parse().unwrap()]);
            let zone = nights().zone.clone();
            let weekdays = Schedule::new("nights".into(), zone, idle, Vec::new());
            settings.schedule = Some(shared(Arc::new(weekdays)));
        });
        past(&mut world).put_off = Some(at("20T20:00:00"));
        past(&mut world).needed_until = Some(at(until));
        world
    };
    let promised = opened("23T15:00:00");
    assert_eq!(promised.decide("21T19:29:59").next_change, Some(at("21T19:30:00")));
    let rescue = promised.decide("21T19:30:00");
    assert_eq!((rescue.reason.code(), rescue.not_after), ("rescue", Some(at("23T15:00:00"))));
    let refusing = opened("23T15:00:00").settings(|settings| settings.preserve = Preserve::Refuse);
    assert_eq!(refusing.decide("21T19:30:00").reason.code(), "rescue");
    let allowing = opened("23T15:00:00").settings(|settings| settings.preserve = Preserve::Allow);
    assert_eq!(allowing.decide("21T19:30:00").reason.code(), "termination_near");
    // It was to live until then, and does.
    assert_eq!(opened("21T20:00:00").decide("21T19:30:00").reason.code(), "termination_near");
    let mut anothers = opened("23T15:00:00");
    past(&mut anothers).put_off = Some(at("19T20:00:00"));
    assert_eq!(anothers.decide("21T19:30:00").reason.code(), "termination_near");
}

#[test]
fn a_stop_says_until_when_its_work_is_to_live() {
    let needed = |world: &World| world.decide("20T20:00:00").needed_until;
    assert_eq!(needed(&rotating()), Some(at("23T15:00:00")));
    assert_eq!(rotating().decide("20T19:00:00").needed_until, None);
    let preserving = |preserve| rotating().settings(move |settings| settings.preserve = preserve);
    assert_eq!(needed(&preserving(Preserve::Allow)), None);
    // A stop that starts no clock endangers nothing.
    assert_eq!(needed(&World::new()), None);
}

#[test]
fn what_was_put_off_has_the_end_of_then_where_nothing_tells_of_one_any_more() {
    let forbidden = Stopping::Forbidden(Forbidden { remedy: "allow it" });
    let of_then = |stopping: &Stopping, destroyed_after| {
        let mut world = asleep().session(|session| {
            session.terminate_at = None;
            session.stopping = stopping.clone();
        });
        past(&mut world).put_off = Some(at("20T20:00:00"));
        past(&mut world).destroyed_after = destroyed_after;
        world
    };
    let a_day = Some(SignedDuration::from_hours(24));
    for stopping in [&forbidden, &Stopping::Unclear(Doubt::NoLaunchProfile)] {
        let world = of_then(stopping, a_day);
        assert_eq!(world.decide("21T19:29:59").next_change, Some(at("21T19:30:00")));
        assert_eq!(world.decide("21T19:30:00").reason.code(), "rescue", "{stopping:?}");
        assert_ne!(of_then(stopping, None).decide("21T19:30:00").reason.code(), "rescue");
    }
    // What is only observed is told of.
    let observed = of_then(&forbidden, a_day).settings(|settings| settings.mode = Mode::Observe);
    assert!(observed.decide("21T19:30:00").reason.is_alarm());
    // What is still there long after it shows that there was none.
    let survivor =
        of_then(&forbidden, a_day).settings(|settings| settings.preserve = Preserve::Allow);
    assert!(survivor.decide("21T20:29:59").reason.is_alarm());
    assert_eq!(survivor.decide("21T20:29:59").next_change, Some(at("21T20:30:00")));
    assert!(!survivor.decide("21T20:30:00").reason.is_alarm());
    // The service's own word counts, and the launch profile's as it is now.
    let told = of_then(
        &Stopping::Allowed { destroyed_after: Some(SignedDuration::from_hours(48)) },
        a_day,
    );
    assert_ne!(told.decide("21T19:30:00").reason.code(), "rescue");
    let mut anothers = of_then(&forbidden, a_day);
    past(&mut anothers).put_off = Some(at("19T20:00:00"));
    assert_ne!(anothers.decide("21T19:30:00").reason.code(), "rescue");
}

//! What happens when the wall clock is set, or the machine sleeps.

use jiff::SignedDuration;
use lightsout::audit::record::Kind;
use lightsout::clock::Clock;
use lightsout::sandbox::world::Caller;

use crate::rig::{ARTIST, Rig, STUDIO, at};

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn after_a_jump_forwards_a_stop_waits_for_one_confirming_scan() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:30:00").await;
    rig.clock.jump(hours(2));
    rig.until("21:30:59").await;
    let jumps = rig.of(&Kind::ClockJumped);
    let [jump] = jumps.as_slice() else { panic!("{jumps:?}") };
    assert_eq!((jump.time, jump.subject.as_str()), (at("21:30:00"), ""));
    let values = &jump.data.reason.as_ref().unwrap().values;
    assert_eq!((values["by"].as_str(), values["direction"].as_str()), ("2h", "forward"));
    assert_eq!(values["from"], at("19:30:00").to_string());
    assert_eq!((rig.deeds().len(), rig.count(&Kind::StudioHeld)), (0, 1));
    rig.until("21:31:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted"]);
    rig.until("21:40:00").await;
    assert_eq!((rig.count(&Kind::StudioResumed), rig.count(&Kind::ClockJumped)), (1, 1));
    rig.assert_nothing_changes_any_more(10).await;
}

#[tokio::test]
async fn a_second_jump_asks_for_another_scan() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:30:00").await;
    rig.clock.jump(hours(2));
    rig.until("21:30:30").await;
    rig.clock.jump(minutes(10));
    // By this clock the minute after the first jump is over.
    rig.until("21:41:29").await;
    assert_eq!((rig.deeds().len(), rig.count(&Kind::ClockJumped)), (0, 2));
    rig.until("21:42:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted"]);
}

#[tokio::test]
async fn a_small_step_in_either_direction_is_no_jump() {
    let rig = Rig::started("warn = []", ARTIST).await;
    for step in [minutes(2), minutes(-2), SignedDuration::from_secs(1)] {
        rig.clock.jump(step);
        rig.clock.drive(rig.clock.now() + minutes(8)).await;
    }
    assert_eq!(rig.count(&Kind::ClockJumped), 0);
    rig.until("20:10:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
}

#[tokio::test]
async fn a_jump_backwards_repeats_no_stop_and_no_warning() {
    let mut rig = Rig::started("warn = [\"15m\"]", ARTIST).await;
    rig.until("20:10:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
    rig.clock.jump(-minutes(40));
    rig.until("19:40:00").await;
    assert_eq!(rig.count(&Kind::ClockJumped), 1);
    // A daemon that begins anew knows as much.
    rig.end().await;
    rig.start().await;
    rig.until("21:00:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
    assert_eq!((rig.count(&Kind::WarningGiven), rig.effects().len()), (1, 1));
    assert_eq!(rig.count(&Kind::ClockJumped), 1);
    rig.assert_nothing_changes_any_more(10).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_is_noticed_in_the_time_of_a_scan_not_of_the_clock() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:27:00").await;
    rig.clock.jump(-hours(10));
    let before = rig.clock.now();
    rig.clock.drive(before + minutes(7)).await;
    let [jump] = &rig.of(&Kind::ClockJumped)[..] else { panic!("it was not noticed") };
    assert_eq!(jump.data.reason.as_ref().unwrap().values["direction"], "back");
    rig.until("19:59:59").await;
    assert_eq!(rig.calls(), []);
    rig.until("20:10:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_while_something_is_under_way_delays_no_scan() {
    let rig = Rig::started("warn = []\nstart = \"resume\"", ARTIST).await;
    rig.door.tag_takes(minutes(3));
    rig.until("20:00:00").await;
    while rig.count(&Kind::MarkIntended) == 0 {
        rig.clock.drive(rig.clock.now() + SignedDuration::from_secs(10)).await;
    }
    rig.clock.jump(-hours(5));
    let before = rig.clock.now();
    // The mark ends within the rest, which is to go on as if it had not.
    rig.clock.drive(before + minutes(8)).await;
    assert_eq!((rig.count(&Kind::MarkSet), rig.count(&Kind::ClockJumped)), (1, 1));
}

#[tokio::test]
async fn a_warning_is_out_for_its_time_whatever_the_clock_does() {
    let rig = Rig::started("warn = [\"15m\"]", ARTIST).await;
    rig.until("19:50:00").await;
    assert_eq!(rig.count(&Kind::WarningGiven), 1);
    // It was given five minutes ago, though the clock says more than an hour.
    rig.clock.jump(hours(1));
    rig.until("20:59:59").await;
    assert_eq!(rig.calls(), []);
    rig.until("21:00:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted"]);
}

#[tokio::test]
async fn a_jump_during_a_listing_is_known_when_it_is_decided_by() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:27:00").await;
    let clock = rig.clock.clone();
    rig.door.before_next_list(move || clock.jump(hours(1)));
    rig.until("20:34:00").await;
    assert_eq!((rig.deeds().len(), rig.count(&Kind::ClockJumped)), (0, 1));
    rig.until("20:40:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
}

#[tokio::test]
async fn a_daemon_whose_log_ends_in_the_future_holds_too() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.until("21:00:00").await;
    rig.end().await;
    let before = rig.deeds();
    rig.world().start(STUDIO, "artist", None, Caller::new("owner-1"), at("21:00:00")).unwrap();
    rig.clock.jump(-minutes(30));
    rig.start().await;
    assert_eq!((rig.count(&Kind::ClockJumped), rig.count(&Kind::StudioHeld)), (1, 1));
    assert_eq!(rig.deeds(), before);
    rig.until("20:31:00").await;
    assert_eq!(rig.count(&Kind::StudioResumed), 1);
}

/// Three sessions that are due at 20:00, at 20:10 and after a lease, and a brake of two an hour.
fn three(lease: &str) -> (String, String) {
    let session = |id: &str, started: &str| {
        format!(
            "[[studio.session]]\nid = \"{id}\"\nprofile = \"persistent\"\nowner = \"o\"\n\
             created = \"-30d\"\nstarted = \"{started}\"\n"
        )
    };
    let sessions = [("one", "-9h"), ("two", "-9h"), ("three", "-9h")];
    let sessions = sessions.map(|(id, started)| session(id, started)).concat();
    let mut settings =
        "warn = []\nbrake = { per_scan = 10, per_hour = 2 }\nmax_uptime = \"off\"\n".to_owned();
    for (id, lease) in [("two", "9h 57m 30s"), ("three", lease)] {
        settings.push_str(&format!(
            "[[studio.rule]]\nname = \"{id}\"\nmatch = {{ session = \"{id}\" }}\nlease = \"{lease}\"\n"
        ));
    }
    (settings, sessions)
}

#[tokio::test]
async fn the_hour_of_the_brake_is_not_shortened_by_a_jump_forwards() {
    // The third is due at 22:50, when two stops are not an hour old, or at 23:20, when they are: its lease is by the
    // service's clock, of which the one that was set is two hours ahead.
    for (lease, stops) in [("10h 37m 30s", 2), ("11h 7m 30s", 3)] {
        let (settings, sessions) = three(lease);
        let rig = Rig::started(&settings, &sessions).await;
        rig.until("20:11:00").await;
        assert_eq!(rig.count(&Kind::StopIntended), 2, "{:?}", rig.deeds());
        rig.clock.jump(hours(2));
        rig.until("23:30:00").await;
        assert_eq!(rig.count(&Kind::StopIntended), stops, "after {lease}");
    }
}

#[tokio::test]
async fn the_hour_of_the_brake_is_an_hour_after_a_jump_backwards_too() {
    let (settings, sessions) = three("10h 7m 30s");
    let rig = Rig::started(&settings, &sessions).await;
    rig.until("20:11:00").await;
    rig.clock.jump(-hours(12));
    rig.until("19:59:00").await;
    assert_eq!(rig.count(&Kind::StopIntended), 2);
    // What was asked for is half a day old, though the clock shows the hour in which it was.
    rig.until("20:30:00").await;
    assert_eq!(rig.count(&Kind::StopIntended), 3, "{:?}", rig.deeds());
}

#[tokio::test]
async fn by_a_clock_that_is_minutes_fast_an_accepted_stop_is_proven_by_the_service_s_own() {
    for minutes_fast in [0, 3, 5, 30] {
        let by = minutes(minutes_fast);
        let mut rig = Rig::with_service_behind(by, "warn = []", ARTIST);
        rig.start().await;
        rig.until("20:30:00").await;
        assert_eq!(rig.deeds(), ["intended", "accepted", "proven"], "{minutes_fast}");
        let proven = &rig.of(&Kind::StopProven)[0];
        assert_eq!(proven.data.stopped_at, Some(at("20:00:00") - by), "{minutes_fast}");
        rig.assert_nothing_changes_any_more(10).await;
    }
}

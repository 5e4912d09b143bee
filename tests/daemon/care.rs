//! What nobody would miss until it is missing: alarms that come by the passing of time, listings that
//! prove nothing, readings that are too old, and loops that break.

use jiff::SignedDuration;
use lightsout::audit::record::Kind;
use lightsout::ids::AccountId;
use lightsout::inventory::Problem;
use lightsout::provider::faulty::Fault;

use crate::rig::{ARTIST, Rig, at};

/// A session that may not be stopped, and that the service destroys after 30 days: 715 hours ago it
/// had 720 left.
const ENDING: &str = r#"
[[studio.session]]
id = "ending"
profile = "forbidding"
owner = "owner-1"
created = "-715h"
"#;

#[tokio::test]
async fn that_a_session_is_about_to_be_destroyed_is_told_four_hours_before() {
    let rig = Rig::started("warn = []", ENDING).await;
    let alarms = |rig: &Rig| {
        let decided = rig.of(&Kind::SessionDecided).into_iter();
        let alarms = decided.filter(|r| r.data.reason.as_ref().is_some_and(|reason| reason.alarm));
        alarms.map(|record| record.time).collect::<Vec<_>>()
    };
    rig.until("20:12:29").await;
    assert_eq!(alarms(&rig), []);
    rig.until("20:12:30").await;
    assert_eq!(alarms(&rig), [at("20:12:30")]);
}

#[tokio::test]
async fn a_reading_that_is_a_minute_old_stops_nothing() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.door.next_read_takes(SignedDuration::from_secs(61));
    rig.until("20:06:00").await;
    assert_eq!(rig.deeds(), ["intended", "withdrawn"]);
    assert_eq!(rig.calls(), []);
    rig.until("20:30:00").await;
    assert_eq!(rig.deeds()[2..], ["intended", "accepted", "proven"]);
}

#[tokio::test]
async fn another_account_s_listing_proves_nothing_about_ours() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.until("20:00:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted"]);
    rig.door
        .shows_until(at("20:40:00"), |snapshot| {
            snapshot.sessions.clear();
            snapshot.accounts = vec![AccountId::from("999999999999")];
        })
        .await;
    rig.until("20:40:00").await;
    assert_eq!(rig.count(&Kind::StudioHeld), 1);
    assert_eq!((rig.count(&Kind::StopFailed), rig.count(&Kind::SessionVanished)), (0, 0));
    rig.until("21:00:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "late", "proven"]);
    assert_eq!(rig.count(&Kind::StudioResumed), 1);
}

#[tokio::test]
async fn a_session_is_gone_when_two_listings_in_a_row_lack_it() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.door.shows_until(at("19:20:00"), |snapshot| snapshot.sessions.clear()).await;
    rig.until("19:50:00").await;
    assert_eq!(rig.count(&Kind::SessionVanished), 0, "one listing at 19:19:30 lacked it");
    rig.door.shows_until(at("20:00:00"), |snapshot| snapshot.sessions.clear()).await;
    rig.until("19:59:00").await;
    assert_eq!(rig.count(&Kind::SessionVanished), 0, "one listing at 19:54:30 lacked it");
    rig.door.shows_until(at("20:20:00"), |snapshot| snapshot.sessions.clear()).await;
    rig.until("20:20:00").await;
    assert_eq!(rig.count(&Kind::SessionVanished), 1);
}

#[tokio::test]
async fn a_hold_that_becomes_another_is_told() {
    let rig = Rig::started("warn = []", ARTIST).await;
    for problem in [Problem::Denied, Problem::Denied, Problem::Throttled] {
        rig.faulty.set(Some(Fault::PartialList(problem)));
        rig.pass(1).await;
    }
    let held = rig.of(&Kind::StudioHeld).into_iter();
    let problems: Vec<String> =
        held.map(|r| r.data.reason.unwrap().values["problem"].clone()).collect();
    assert_eq!(problems, ["denied", "throttled"]);
}

#[tokio::test]
async fn a_stop_that_is_always_refused_is_asked_for_ever_more_rarely() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.faulty.set(Some(Fault::Refusal(Problem::Denied)));
    rig.until("21:00:00").await;
    let first_hour = rig.calls().len();
    rig.pass(10).await;
    let rest = rig.calls().len() - first_hour;
    assert!((4..=7).contains(&first_hour), "{first_hour} calls in the first hour");
    assert!((9..=11).contains(&rest), "{rest} calls in the ten hours after");
}

#[tokio::test]
async fn an_attempt_that_breaks_is_made_again() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.door.before_next_read(|| panic!("a fault on purpose"));
    rig.until("20:01:00").await;
    assert_eq!(rig.deeds(), Vec::<String>::new());
    rig.until("20:30:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
}

#[tokio::test]
async fn a_loop_that_breaks_is_begun_again() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.door.before_next_list(|| panic!("a fault on purpose"));
    rig.until("20:30:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
    rig.end().await;
}

#[tokio::test]
async fn a_studio_that_is_held_is_looked_at_again_soon_however_rare_its_scans() {
    let mut rig = Rig::with_scan("24h", "90s", "warn = []", ARTIST);
    rig.faulty.set(Some(Fault::PartialList(Problem::ServerError)));
    rig.start().await;
    rig.until("20:10:00").await;
    assert_eq!(rig.calls(), []);
    rig.faulty.set(None);
    rig.until("20:20:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
}

#[tokio::test]
async fn an_attempt_that_panics_is_made_again_and_bars_nobody() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.door.before_next_read(|| panic!("it is made to"));
    rig.until("20:00:03").await;
    assert_eq!(rig.calls(), []);
    // No regular scan is as soon.
    rig.until("20:06:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted"]);
}

#[tokio::test]
async fn a_warning_counts_from_when_it_is_out() {
    let rig = Rig::started("warn = [\"15m\"]", ARTIST).await;
    rig.until("19:44:59").await;
    *rig.house.next_commit_takes.lock().unwrap() = Some(SignedDuration::from_mins(10));
    rig.until("20:30:00").await;
    let warnings: Vec<_> = rig.of(&Kind::WarningGiven).iter().map(|record| record.time).collect();
    assert_eq!(warnings, [at("19:45:00"), at("19:55:00")]);
    assert_eq!(rig.calls()[0].at, at("20:10:00"));
}

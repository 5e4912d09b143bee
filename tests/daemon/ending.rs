//! How the daemon ends.

use jiff::SignedDuration;
use lightsout::audit::record::Kind;

use crate::rig::{ARTIST, Rig, at};

#[tokio::test]
async fn a_call_in_flight_is_waited_for_and_recorded() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.door.stop_takes(SignedDuration::from_secs(5));
    rig.until("20:00:02").await;
    assert_eq!(rig.deeds(), ["intended"]);
    rig.end().await;
    assert_eq!(rig.deeds(), ["intended", "accepted"]);
    let last = rig.journal.records().pop().unwrap();
    assert_eq!((last.kind, last.time), (Kind::DaemonStopped, at("20:00:05")));
}

#[tokio::test]
async fn a_call_that_does_not_end_is_recorded_without_its_answer() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.door.stop_takes(SignedDuration::from_hours(1));
    rig.until("20:00:02").await;
    rig.end().await;
    assert_eq!(rig.deeds(), ["intended", "unanswered"]);
    let last = rig.journal.records().pop().unwrap();
    assert_eq!((last.kind, last.time), (Kind::DaemonStopped, at("20:00:10")));
    // The next daemon asks again, under the same token.
    rig.door.stop_takes(SignedDuration::ZERO);
    rig.start().await;
    rig.until("20:30:00").await;
    let tokens = rig.tokens();
    assert_eq!((tokens.len(), tokens[0] == tokens[1], rig.effects().len()), (2, true, 1));
    assert_eq!(rig.count(&Kind::StopProven), 1);
}

#[tokio::test]
async fn a_daemon_at_rest_ends_at_once() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:30:10").await;
    rig.end().await;
    let last = rig.journal.records().pop().unwrap();
    assert_eq!((last.kind, last.time), (Kind::DaemonStopped, at("19:30:10")));
}

//! What happens in a night in which nothing goes wrong.

use jiff::SignedDuration;
use jiff::Timestamp;
use lightsout::audit::record::Kind;
use lightsout::sandbox::world::{Operation, SessionState};

use crate::rig::{ARTIST, Rig, at};

const FORBIDDING: &str = r#"
[[studio.session]]
id = "supervisor"
profile = "forbidding"
created = "-5d"
started = "-9h"
"#;

/// One that came back an hour before the idle hours begin, and has a lease of two hours.
const LEASED: &str = r#"
[[studio.session]]
id = "leased"
profile = "persistent"
created = "-30d"
started = "2026-11-20T19:00:00-08:00"
"#;

#[tokio::test]
async fn a_stop_comes_at_the_very_second_between_two_scans() {
    let rig = Rig::started("warn = []\nlease = \"2h\"", &[ARTIST, LEASED].concat()).await;
    rig.until("21:30:00").await;
    let stops: Vec<(Timestamp, Operation, String)> =
        rig.effects().into_iter().map(|e| (e.at, e.operation, e.subject)).collect();
    let stop = Operation::StopStreamingSession;
    let expected =
        [(at("20:00:00"), stop, "artist".to_owned()), (at("21:00:00"), stop, "leased".to_owned())];
    assert_eq!(stops, expected);
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"].repeat(2));
}

#[tokio::test]
async fn warnings_are_given_at_their_very_second() {
    let rig = Rig::started("warn = [\"30m\", \"5m\"]", ARTIST).await;
    rig.until("20:30:00").await;
    let warnings: Vec<_> = rig
        .of(&Kind::WarningGiven)
        .into_iter()
        .map(|record| (record.time, record.data.leads.unwrap(), record.data.mode.unwrap()))
        .collect();
    let enforce = "enforce".to_owned();
    let expected =
        [(at("19:30:00"), vec![1800], enforce.clone()), (at("19:55:00"), vec![300], enforce)];
    assert_eq!(warnings, expected);
    assert_eq!(rig.effects().iter().map(|e| e.at).collect::<Vec<_>>(), [at("20:00:00")]);
}

#[tokio::test]
async fn a_daemon_that_starts_late_warns_and_waits_before_it_stops() {
    let mut rig = Rig::new("warn = [\"30m\", \"5m\"]", ARTIST);
    rig.until("20:40:00").await;
    rig.start().await;
    rig.until("21:30:00").await;
    let warnings = rig.of(&Kind::WarningGiven);
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].data.leads, Some(vec![1800, 300]));
    assert_eq!(rig.effects()[0].at, at("20:55:00"));
}

#[tokio::test]
async fn a_restart_does_not_warn_again() {
    let mut rig = Rig::started("warn = [\"30m\", \"5m\"]", ARTIST).await;
    rig.until("19:40:00").await;
    rig.end().await;
    rig.start().await;
    rig.until("20:10:00").await;
    assert_eq!(rig.count(&Kind::WarningGiven), 2);
    assert_eq!(rig.effects()[0].at, at("20:00:00"));
}

#[tokio::test]
async fn observe_calls_nothing_and_says_what_it_would_have_done() {
    let settings = "mode = \"observe\"\nwarn = [\"30m\", \"5m\"]";
    let rig = Rig::started(settings, ARTIST).await;
    rig.until("23:00:00").await;
    assert_eq!((rig.calls(), rig.effects()), (vec![], vec![]));
    assert_eq!(rig.state("artist"), SessionState::Ready);
    let withheld = rig.of(&Kind::StopWithheld);
    assert_eq!(withheld[0].time, at("20:00:00"));
    assert_eq!(withheld[0].data.session.as_deref(), Some("artist"));
    assert_eq!(withheld[0].data.reason.as_ref().unwrap().code, "idle_hours");
    for kind in [Kind::WarningGiven, Kind::StopWithheld, Kind::SessionDecided] {
        let modes = rig.of(&kind).into_iter().map(|record| record.data.mode.unwrap());
        assert!(modes.eq(vec!["observe"; rig.count(&kind)]), "{kind}");
    }
}

#[tokio::test]
async fn what_the_launch_profile_forbids_to_stop_gets_no_call() {
    let rig = Rig::started("warn = []\nmax_uptime = \"10h\"", &[ARTIST, FORBIDDING].concat()).await;
    rig.pass(48).await;
    assert_eq!(rig.calls().len(), 1);
    assert_eq!(rig.calls()[0].session, "artist");
    assert_eq!(rig.state("supervisor"), SessionState::Ready);
    let codes: Vec<String> = rig
        .of(&Kind::SessionDecided)
        .into_iter()
        .filter(|record| record.data.session.as_deref() == Some("supervisor"))
        .map(|record| record.data.reason.unwrap().code)
        .collect();
    assert_eq!(codes, ["not_stoppable"]);
}

#[tokio::test]
async fn after_everything_was_stopped_planning_again_changes_nothing() {
    let rig = Rig::started("warn = [\"15m\"]", &[ARTIST, LEASED, FORBIDDING].concat()).await;
    rig.until("21:30:00").await;
    assert_eq!(rig.count(&Kind::StopProven), 2);
    assert_eq!(rig.state("artist"), SessionState::Stopped);
    rig.assert_nothing_changes_any_more(50).await;
}

#[tokio::test]
async fn a_stop_that_takes_long_is_called_late_once_and_proven_when_it_arrives() {
    let mut rig = Rig::with_stop_time("40m", "warn = []", ARTIST);
    rig.start().await;
    rig.until("21:00:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "late", "proven"]);
    let late = rig.of(&Kind::StopLate)[0].time;
    assert!((at("20:15:00")..at("20:17:00")).contains(&late), "{late}");
    let proven = &rig.of(&Kind::StopProven)[0];
    // Once it is late, the regular scans look for it.
    assert!((at("20:40:00")..=at("20:47:00")).contains(&proven.time), "{}", proven.time);
    assert_eq!(proven.data.stopped_at, Some(at("20:00:00")));
    assert_eq!(rig.effects().len(), 1);
}

#[tokio::test]
async fn a_stop_that_was_late_is_not_called_late_again_after_a_restart() {
    let mut rig = Rig::with_stop_time("40m", "warn = []", ARTIST);
    rig.start().await;
    rig.until("20:25:00").await;
    rig.end().await;
    rig.start().await;
    rig.until("21:00:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "late", "proven"]);
}

#[tokio::test]
async fn no_more_calls_are_in_flight_than_the_policy_allows() {
    const MANY: &str = r#"
[[studio.generate]]
count = 40
profile = "persistent"
started = "-9h"
"#;
    let rig = Rig::started("warn = []", MANY).await;
    rig.door.stop_takes(SignedDuration::from_secs(50));
    let mut begun = Vec::new();
    for time in ["20:00:00", "20:00:49", "20:00:50", "20:01:40"] {
        rig.until(time).await;
        begun.push(rig.calls().len());
    }
    assert_eq!(begun, [16, 16, 32, 40]);
}

//! What we stopped for the weekend is started again on Monday morning, and nothing else is.

use lightsout::audit::record::{Kind, Record};
use lightsout::clock::Clock;
use lightsout::daemon::Summary;
use lightsout::sandbox::world::{Caller, Operation, SessionState};

use crate::rig::{ARTIST, Rig, STUDIO, at, monday};

/// One that we stopped before the weekend, as its tag tells and no log does.
pub(crate) const ASLEEP: &str = r#"
[[studio.session]]
id = "asleep"
profile = "persistent"
owner = "owner-1"
created = "-30d"
started = "2026-11-19T09:00:00-08:00"
state = "STOPPED"
stopped = "2026-11-20T19:00:00-08:00"
tags = { "lightsout:stopped" = "2026-11-21T03:00:00Z" }
"#;

pub(crate) const RESUME: &str = "warn = []\nstart = \"resume\"";

/// What is called and done for one stop and one start: the mark in between included.
const THERE_AND_BACK: [Operation; 3] =
    [Operation::StopStreamingSession, Operation::TagResource, Operation::StartStreamingSession];

fn operations(rig: &Rig) -> Vec<Operation> {
    rig.effects().into_iter().map(|effect| effect.operation).collect()
}

fn code(record: &Record) -> &str {
    &record.data.reason.as_ref().unwrap().code
}

/// The codes of what was decided about the session that is off.
fn codes_while_off(rig: &Rig) -> Vec<String> {
    let decided = rig.of(&Kind::SessionDecided).into_iter();
    let off = decided.filter(|r| r.data.seen.as_ref().is_some_and(|seen| seen.state == "STOPPED"));
    off.map(|record| code(&record).to_owned()).collect()
}

#[tokio::test]
async fn what_was_stopped_for_the_weekend_is_ready_by_the_hour() {
    let rig = Rig::started(RESUME, ARTIST).await;
    rig.until_monday("06:49:59").await;
    assert_eq!(rig.state("artist"), SessionState::Stopped);
    rig.until_monday("07:00:00").await;
    assert_eq!(rig.state("artist"), SessionState::Ready);
    assert_eq!(operations(&rig), THERE_AND_BACK);
    let times: Vec<_> = rig.calls().into_iter().map(|call| call.at).collect();
    assert_eq!((times[0], times[2]), (at("20:00:00"), monday("06:50:00")));
    assert_eq!(rig.verbs("start"), ["intended", "accepted", "proven"]);
    let proven = &rig.of(&Kind::StartProven)[0].data;
    assert_eq!(proven.stopped_at, Some(at("20:00:00")));
    assert_eq!(proven.seen.as_ref().unwrap().started_at, Some(monday("06:50:00")));
    assert_eq!(codes_while_off(&rig), ["start_not_due", "resume"]);
    rig.assert_nothing_changes_any_more(12).await;
}

#[tokio::test]
async fn a_proven_stop_is_marked_once_and_every_stop_anew() {
    let rig = Rig::started(RESUME, ARTIST).await;
    rig.until("22:00:00").await;
    assert_eq!(rig.verbs("mark"), ["intended", "set"]);
    let tag = |rig: &Rig| {
        let session = rig.world().session(STUDIO, "artist", rig.clock.now()).unwrap().clone();
        session.tags["lightsout:stopped"].clone()
    };
    assert_eq!(tag(&rig), "2026-11-21T04:00:00Z");
    assert_eq!(rig.of(&Kind::MarkSet)[0].time, rig.of(&Kind::StopProven)[0].time);
    rig.until_monday("20:30:00").await;
    assert_eq!(rig.verbs("mark"), ["intended", "set"].repeat(2));
    assert_eq!(tag(&rig), "2026-11-24T04:00:00Z");
    assert_eq!(operations(&rig), [&THERE_AND_BACK[..], &THERE_AND_BACK[..2]].concat());
}

#[tokio::test]
async fn where_nothing_is_started_again_nothing_is_marked() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.until_monday("12:00:00").await;
    assert_eq!(operations(&rig), [Operation::StopStreamingSession]);
    assert_eq!(rig.verbs("mark"), Vec::<String>::new());
}

#[tokio::test]
async fn a_restart_of_the_daemon_changes_nothing() {
    let mut rig = Rig::started(RESUME, ARTIST).await;
    for time in ["20:30:00", "23:00:00"] {
        rig.until(time).await;
        rig.end().await;
        rig.start().await;
    }
    rig.until_monday("06:52:00").await;
    rig.end().await;
    rig.start().await;
    rig.until_monday("07:00:00").await;
    assert_eq!(operations(&rig), THERE_AND_BACK);
    assert_eq!(rig.verbs("start"), ["intended", "accepted", "proven"]);
    rig.assert_nothing_changes_any_more(12).await;
}

#[tokio::test]
async fn without_the_log_the_mark_tells_that_the_stop_was_ours() {
    let mut rig = Rig::started(RESUME, ARTIST).await;
    rig.until("21:00:00").await;
    rig.end().await;
    drop(rig.journal.take());
    rig.start().await;
    rig.until_monday("07:00:00").await;
    assert_eq!(operations(&rig), THERE_AND_BACK);
}

#[tokio::test]
async fn what_a_person_stopped_stays_off() {
    let rig = Rig::started(RESUME, ARTIST).await;
    rig.world().stop(STUDIO, "artist", None, Caller::new("owner-1"), at("19:12:30")).unwrap();
    rig.until_monday("12:00:00").await;
    assert_eq!((rig.calls(), codes_while_off(&rig)), (vec![], vec!["not_ours".to_owned()]));
}

#[tokio::test]
async fn what_a_person_stopped_after_we_did_stays_off_too() {
    let rig = Rig::started(RESUME, ARTIST).await;
    let artist = Caller::new("owner-1");
    rig.until("22:00:00").await;
    rig.world().start(STUDIO, "artist", None, artist, rig.clock.now()).unwrap();
    rig.until("22:30:00").await;
    rig.world().stop(STUDIO, "artist", None, artist, rig.clock.now()).unwrap();
    rig.until_monday("12:00:00").await;
    assert_eq!(codes_while_off(&rig), ["start_not_due", "not_ours"]);
    assert_eq!(rig.verbs("start"), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_person_started_is_stopped_again_after_its_lease_and_started_for_monday() {
    let rig = Rig::started(RESUME, ARTIST).await;
    rig.until("22:00:00").await;
    rig.world().start(STUDIO, "artist", None, Caller::new("owner-1"), at("22:00:00")).unwrap();
    rig.until_monday("07:00:00").await;
    let once = ["intended", "accepted", "proven"];
    assert_eq!(rig.verbs("stop"), once.repeat(2));
    assert_eq!(rig.verbs("start"), once);
    assert_eq!(rig.of(&Kind::StartIntended)[0].time, monday("06:50:00"));
}

#[tokio::test]
async fn a_start_that_was_missed_is_made_up_for() {
    let mut rig = Rig::started(RESUME, ARTIST).await;
    rig.until("21:00:00").await;
    rig.end().await;
    rig.until_monday("07:59:59").await;
    rig.start().await;
    rig.until_monday("08:30:00").await;
    assert_eq!(rig.verbs("start"), ["intended", "accepted", "proven"]);
    assert_eq!(rig.of(&Kind::StartIntended)[0].time, monday("07:59:59"));
    assert_eq!(rig.of(&Kind::StartIntended)[0].data.not_after, Some(monday("08:00:00")));
    rig.assert_nothing_changes_any_more(11).await;
}

#[tokio::test]
async fn a_start_that_was_missed_for_too_long_is_told_and_not_made() {
    let mut rig = Rig::started(RESUME, ARTIST).await;
    rig.until("21:00:00").await;
    rig.end().await;
    rig.until_monday("08:00:00").await;
    rig.start().await;
    rig.until_monday("08:10:00").await;
    assert_eq!(rig.verbs("start"), Vec::<String>::new());
    let last = rig.of(&Kind::SessionDecided).pop().unwrap();
    assert_eq!((last.time, code(&last)), (monday("08:00:00"), "start_expired"));
    assert!(last.data.reason.unwrap().alarm);
    rig.assert_nothing_changes_any_more(50).await;
}

#[tokio::test]
async fn observe_starts_nothing_and_says_once_what_it_would_have_started() {
    let rig = Rig::started(&format!("mode = \"observe\"\n{RESUME}"), ASLEEP).await;
    rig.until_monday("12:00:00").await;
    assert_eq!((rig.calls(), rig.effects()), (vec![], vec![]));
    assert_eq!((rig.verbs("start"), rig.verbs("mark")), (vec!["withheld".to_owned()], vec![]));
    let withheld = &rig.of(&Kind::StartWithheld)[0];
    assert_eq!((withheld.time, code(withheld)), (monday("06:50:00"), "resume"));
    assert_eq!(withheld.data.mode.as_deref(), Some("observe"));
}

#[tokio::test]
async fn one_scan_starts_waits_for_the_proof_and_the_next_does_nothing() {
    let rig = Rig::new(RESUME, ASLEEP);
    rig.until_monday("06:55:00").await;
    let first = rig.once().await;
    assert_eq!(first, Summary { sessions: 1, started: 1, ..Summary::default() });
    assert!(first.is_done());
    assert_eq!(rig.state("asleep"), SessionState::Ready);
    assert_eq!(rig.once().await, Summary { sessions: 1, ..Summary::default() });
    assert_eq!(operations(&rig), [Operation::StartStreamingSession]);
}

#[tokio::test]
async fn one_scan_marks_what_it_stopped() {
    let rig = Rig::new(RESUME, ARTIST);
    rig.until("20:30:00").await;
    assert_eq!(rig.once().await, Summary { sessions: 1, stopped: 1, ..Summary::default() });
    assert_eq!(rig.verbs("mark"), ["intended", "set"]);
    assert_eq!(operations(&rig), THERE_AND_BACK[..2]);
}

#[tokio::test]
async fn one_scan_is_not_done_where_the_brake_holds() {
    let other = ASLEEP.replace("\"asleep\"", "\"other\"");
    let settings = format!("{RESUME}\nbrake = {{ per_scan = 1 }}");
    let rig = Rig::new(&settings, &[ASLEEP, &other].concat());
    rig.until_monday("06:55:00").await;
    let summary = rig.once().await;
    // One passes, and the other is held.
    assert_eq!(summary, Summary { sessions: 2, held: 1, started: 1, ..Summary::default() });
    assert!(!summary.is_done());
    assert_eq!(operations(&rig), [Operation::StartStreamingSession]);
}

//! One scan, to its proven end.

use jiff::SignedDuration;
use lightsout::audit::record::Kind;
use lightsout::clock::Clock;
use lightsout::daemon::Summary;
use lightsout::inventory::Problem;
use lightsout::provider::faulty::Fault;
use lightsout::sandbox::world::SessionState;

use crate::rig::{ARTIST, Rig, at};

#[tokio::test]
async fn one_scan_ends_when_every_stop_is_proven_and_the_next_does_nothing() {
    let rig = Rig::new("warn = []", ARTIST);
    rig.until("20:30:00").await;
    let first = rig.once().await;
    assert_eq!(first, Summary { sessions: 1, stopped: 1, ..Summary::default() });
    assert!(first.is_done());
    assert_eq!(rig.state("artist"), SessionState::Stopped);
    let second = rig.once().await;
    assert_eq!(second, Summary { sessions: 1, ..Summary::default() });
    assert_eq!((rig.calls().len(), rig.effects().len()), (1, 1));
    let last = rig.journal.records().pop().unwrap();
    assert_eq!(last.kind, Kind::DaemonStopped);
}

#[tokio::test]
async fn one_scan_says_what_it_withheld_and_is_done() {
    let rig = Rig::new("mode = \"observe\"\nwarn = []", ARTIST);
    rig.until("20:30:00").await;
    let summary = rig.once().await;
    assert_eq!(summary, Summary { sessions: 1, withheld: 1, ..Summary::default() });
    assert!(summary.is_done());
    assert_eq!(rig.calls(), []);
}

#[tokio::test]
async fn one_scan_is_not_done_where_something_is_held_failed_or_late() {
    let failing = format!("{ARTIST}fails_to_stop = true\n");
    let failed = Rig::new("warn = []", &failing);
    failed.until("20:30:00").await;
    assert_eq!(failed.once().await, Summary { sessions: 1, failed: 1, ..Summary::default() });

    let late = Rig::with_stop_time("40m", "warn = []", ARTIST);
    late.until("20:30:00").await;
    assert_eq!(late.once().await, Summary { sessions: 1, late: 1, ..Summary::default() });

    let held = Rig::new("warn = []", ARTIST);
    held.until("20:30:00").await;
    held.faulty.set(Some(Fault::PartialList(Problem::Denied)));
    let summary = held.once().await;
    assert_eq!((summary.held, summary.is_done(), held.calls()), (1, false, vec![]));

    let rejected = Rig::new("warn = []", ARTIST);
    rejected.until("20:30:00").await;
    rejected.faulty.set(Some(Fault::Refusal(Problem::Denied)));
    assert_eq!(rejected.once().await, Summary { sessions: 1, failed: 1, ..Summary::default() });
}

/// A timer that runs one scan after another must not ask each time for what was just refused.
#[tokio::test]
async fn one_scan_lets_rest_what_was_refused_in_an_earlier_one() {
    let rig = Rig::new("warn = []", ARTIST);
    rig.until("20:30:00").await;
    rig.faulty.set(Some(Fault::Refusal(Problem::Denied)));
    assert_eq!(rig.once().await, Summary { sessions: 1, failed: 1, ..Summary::default() });
    rig.faulty.set(None);
    let again = rig.once().await;
    assert_eq!(again, Summary { sessions: 1, resting: 1, ..Summary::default() });
    assert!(!again.is_done());
    assert_eq!((rig.calls().len(), rig.count(&Kind::StopIntended)), (1, 1));
    rig.until("20:31:00").await;
    assert_eq!(rig.once().await, Summary { sessions: 1, stopped: 1, ..Summary::default() });
    assert_eq!(rig.calls().len(), 2);
}

#[tokio::test]
async fn one_scan_waits_for_the_proof_of_a_stop_whose_answer_was_lost() {
    let rig = Rig::new("warn = []", ARTIST);
    rig.until("20:30:00").await;
    rig.faulty.set(Some(Fault::LostAnswer));
    let summary = rig.once().await;
    assert_eq!(summary, Summary { sessions: 1, stopped: 1, ..Summary::default() });
    assert_eq!((rig.effects().len(), rig.count(&Kind::StopUnanswered)), (1, 1));
}

#[tokio::test]
async fn one_scan_takes_up_what_an_earlier_one_left_unanswered() {
    let rig = Rig::new("warn = []", ARTIST);
    rig.until("20:30:00").await;
    rig.faulty.set(Some(Fault::Refusal(Problem::TimedOut)));
    let first = rig.once().await;
    assert_eq!((first.failed, first.is_done()), (1, false));
    rig.faulty.set(None);
    assert_eq!(rig.state("artist"), SessionState::Ready);
    let second = rig.once().await;
    assert_eq!(second, Summary { sessions: 1, stopped: 1, ..Summary::default() });
    assert_eq!(rig.effects().len(), 1);
}

#[tokio::test]
async fn one_scan_hears_a_pause_that_is_typed_while_it_runs() {
    let rig = Rig::new("warn = []", ARTIST);
    rig.until("20:30:00").await;
    rig.door.next_read_takes(SignedDuration::from_secs(30));
    let typed = async {
        rig.clock.sleep(SignedDuration::from_secs(10)).await;
        rig.house.pause("somebody", SignedDuration::from_hours(1));
    };
    let (summary, ()) = futures_util::join!(rig.once(), typed);
    assert_eq!(summary, Summary { sessions: 1, dropped: 1, held: 1, ..Summary::default() });
    assert!(!summary.is_done());
    assert_eq!((rig.calls(), rig.count(&Kind::DaemonPaused)), (vec![], 1));
}

#[tokio::test]
async fn one_scan_looks_again_where_a_session_is_missing_and_records_that_it_is_gone() {
    let rig = Rig::new("warn = []", ARTIST);
    assert!(rig.once().await.is_done());
    rig.door.shows_until(at("19:30:00"), |snapshot| snapshot.sessions.clear()).await;
    let began = rig.clock.now();
    assert_eq!(rig.once().await, Summary::default());
    assert_eq!(began.duration_until(rig.clock.now()), SignedDuration::from_mins(1));
    assert_eq!(rig.count(&Kind::SessionVanished), 1);
    // It is known then, and nobody looks twice.
    let began = rig.clock.now();
    assert_eq!(rig.once().await, Summary::default());
    assert_eq!(began, rig.clock.now());
}

#[tokio::test]
async fn one_scan_is_not_done_where_a_veto_is_still_to_be_asked() {
    const FARM: &str = r#"
warn = []
veto = ["farm"]
[[studio.rule]]
name = "second"
match = { session = "second" }
lease = "10h 17m 50s"
[veto.farm]
command = ["ask"]
"#;
    // The second is due while the veto hangs about the first.
    let second = ARTIST.replace("artist", "second").replace("owner-1", "owner-2");
    let rig = Rig::new(FARM, &format!("{ARTIST}{second}"));
    rig.vetoes.hung.lock().unwrap().push("artist".to_owned());
    rig.until("20:30:10").await;
    let summary = rig.once().await;
    assert_eq!(summary, Summary { sessions: 2, unasked: 1, ..Summary::default() });
    assert!(!summary.is_done());
}

//! How another policy takes effect while the daemon runs.

use jiff::SignedDuration;
use lightsout::audit::record::{Kind, Record};
use lightsout::clock::Clock;
use lightsout::daemon::{Refusal, Reload};
use lightsout::inventory::Problem;
use lightsout::policy::{AuditRotation, Policy};
use lightsout::provider::faulty::Fault;

use crate::rig::{ARTIST, Rig, at, policy, studio};

/// The same studio with other settings.
fn read(settings: &str) -> Reload {
    Reload::Read(Box::new(policy("7m", &studio(settings))))
}

/// Settings under which nobody is stopped.
const KEPT: &str = "warn = []\n[[studio.rule]]\nname = \"all\"\nmatch = \"all\"\nkeep = true";

/// Settings that change nothing of what is to come.
const OTHERWISE: &str = "warn = []\nreturn_margin = \"9h\"";

fn refused(rig: &Rig) -> Vec<String> {
    let refused = rig.of(&Kind::PolicyRefused).into_iter();
    refused.map(|record| record.data.error.unwrap().detail).collect()
}

#[tokio::test]
async fn a_session_that_another_policy_keeps_is_not_stopped() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:59:59").await;
    rig.reload(read(KEPT)).await;
    assert_eq!(rig.count(&Kind::PolicyLoaded), 2);
    let loaded = rig.of(&Kind::PolicyLoaded).pop().unwrap();
    assert_eq!((loaded.time, loaded.data.policy), (at("19:59:59"), Some(hash(KEPT))));
    rig.until("21:00:00").await;
    assert_eq!((rig.calls().len(), rig.deeds().len()), (0, 0));
    let decided = rig.of(&Kind::SessionDecided).pop().unwrap().data;
    assert_eq!(decided.reason.unwrap().code, "rule_keep");
    assert_eq!(decided.policy, Some(hash(KEPT)));
    rig.assert_nothing_changes_any_more(10).await;
}

#[tokio::test]
async fn who_was_warned_before_a_policy_left_the_studio_out_is_warned_anew() {
    for (back, warnings, stops) in [("20:20:00", 1, 1), ("21:30:00", 2, 0)] {
        let mut rig = Rig::started("", ARTIST).await;
        rig.until("19:50:00").await;
        assert_eq!(rig.count(&Kind::WarningGiven), 1);
        let mut without = policy("7m", &studio(""));
        (without.studios, without.hash) = (Default::default(), "another".into());
        rig.reload(Reload::Read(Box::new(without))).await;
        rig.until(back).await;
        rig.reload(read("")).await;
        rig.clock.drive(rig.clock.now() + SignedDuration::from_mins(10)).await;
        assert_eq!(
            (rig.count(&Kind::WarningGiven), rig.calls().len()),
            (warnings, stops),
            "{back}"
        );
        rig.clock.drive(rig.clock.now() + SignedDuration::from_mins(20)).await;
        assert_eq!(rig.count(&Kind::StopProven), 1);
    }
}

#[tokio::test]
async fn under_a_brake_of_none_a_stop_without_an_answer_is_not_asked_for_again() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.faulty.set(Some(Fault::Refusal(Problem::TimedOut)));
    rig.until("20:00:30").await;
    let asked = rig.count(&Kind::StopIntended);
    assert!(asked > 0 && rig.count(&Kind::StopUnanswered) > 0, "{:?}", rig.deeds());
    rig.reload(read("warn = []\nbrake = { per_scan = 0 }")).await;
    rig.faulty.set(None);
    rig.until("22:00:00").await;
    assert_eq!(rig.count(&Kind::StopIntended), asked, "{:?}", rig.deeds());
    assert_eq!(rig.count(&Kind::BrakeEngaged), 1);
    // A raised bound lets it go on.
    rig.reload(read("warn = []")).await;
    rig.until("22:30:00").await;
    assert_eq!(rig.count(&Kind::StopProven), 1);
}

fn hash(settings: &str) -> String {
    policy("7m", &studio(settings)).hash.to_string()
}

#[tokio::test]
async fn a_file_with_mistakes_leaves_the_old_policy_in_force() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:30:00").await;
    let messages = vec!["no such zone".to_owned(), "no such calendar".to_owned()];
    let refusal = Refusal { hash: Some("ab".into()), errors: 2, messages };
    rig.reload(Reload::Refused(refusal)).await;
    let record = rig.of(&Kind::PolicyRefused).pop().unwrap();
    assert_eq!((record.time, record.subject.as_str()), (at("19:30:00"), ""));
    assert_eq!(record.data.policy.as_deref(), Some("ab"));
    let note = record.data.note.unwrap();
    assert_eq!(note, format!("2 errors; policy {} stays in force", hash("warn = []")));
    assert_eq!(refused(&rig), ["no such zone; no such calendar"]);
    rig.until("20:10:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
    assert_eq!((rig.count(&Kind::PolicyLoaded), rig.count(&Kind::DaemonStopped)), (1, 0));
}

#[tokio::test]
async fn the_log_says_when_a_file_that_was_refused_is_the_policy_in_force_again() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:30:00").await;
    let messages = vec!["no such zone".to_owned()];
    rig.reload(Reload::Refused(Refusal { hash: None, errors: 1, messages })).await;
    assert_eq!(rig.count(&Kind::PolicyLoaded), 1);
    for _ in 0..2 {
        rig.reload(read("warn = []")).await;
        assert_eq!(rig.count(&Kind::PolicyLoaded), 2);
    }
    let loaded = rig.of(&Kind::PolicyLoaded).pop().unwrap();
    assert_eq!((loaded.time, loaded.data.policy), (at("19:30:00"), Some(hash("warn = []"))));
}

#[tokio::test]
async fn the_same_policy_changes_nothing() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:30:00").await;
    let before = rig.journal.records().len();
    rig.reload(read("warn = []")).await;
    assert_eq!(rig.journal.records().len(), before);
    rig.until("20:10:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
}

#[tokio::test]
async fn another_policy_says_when_the_log_goes_on_in_a_new_file() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    assert_eq!(rig.journal.rotation(), None, "it was opened so");
    let mut policy = policy("7m", &studio(OTHERWISE));
    let rotation = AuditRotation { size: Some(1 << 20), age: None };
    policy.audit_rotation = rotation;
    rig.reload(Reload::Read(Box::new(policy))).await;
    assert_eq!(rig.journal.rotation(), Some(rotation));
}

#[tokio::test]
async fn a_policy_with_another_log_or_state_needs_a_restart() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:30:00").await;
    let moved = |change: fn(&mut Policy)| {
        let mut policy = policy("7m", &studio(KEPT));
        change(&mut policy);
        Reload::Read(Box::new(policy))
    };
    rig.reload(moved(|policy| policy.audit_path = "elsewhere.jsonl".into())).await;
    rig.reload(moved(|policy| policy.daemon.state_dir = "/elsewhere".into())).await;
    assert_eq!(
        refused(&rig),
        [
            "[audit] path cannot change from audit.jsonl to elsewhere.jsonl while the program runs; restart it",
            "[daemon] state_dir cannot change from /var/lib/lightsout to /elsewhere while the program runs; restart it",
        ]
    );
    rig.until("20:10:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
}

#[tokio::test]
async fn a_stop_that_was_planned_and_not_yet_called_is_not_called() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.door.next_read_takes(SignedDuration::from_secs(5));
    rig.until("20:00:02").await;
    rig.reload(read(KEPT)).await;
    rig.until("21:00:00").await;
    assert_eq!((rig.calls().len(), rig.effects().len()), (0, 0));
    // Its reading was waited for, and what was to follow was taken back.
    assert_eq!(rig.deeds(), ["intended", "withdrawn"]);
    let loaded = rig.of(&Kind::PolicyLoaded).pop().unwrap();
    assert_eq!(loaded.time, at("20:00:05"));
}

#[tokio::test]
async fn a_call_in_flight_is_waited_for_before_another_policy_takes_effect() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.door.stop_takes(SignedDuration::from_secs(5));
    rig.until("20:00:02").await;
    rig.reload(read(KEPT)).await;
    assert_eq!((rig.deeds(), rig.count(&Kind::PolicyLoaded)), (vec!["intended".to_owned()], 1));
    rig.until("20:10:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
    assert_eq!(rig.of(&Kind::PolicyLoaded)[1].time, at("20:00:05"));
    assert_eq!(rig.effects().len(), 1);
    rig.assert_nothing_changes_any_more(10).await;
}

#[tokio::test]
async fn a_call_that_does_not_end_is_asked_for_again_under_its_token() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.door.stop_takes(SignedDuration::from_hours(1));
    rig.until("20:00:02").await;
    rig.reload(read(OTHERWISE)).await;
    rig.until("20:00:09").await;
    rig.door.stop_takes(SignedDuration::ZERO);
    rig.until("20:30:00").await;
    assert_eq!(rig.of(&Kind::PolicyLoaded)[1].time, at("20:00:10"));
    assert_eq!(rig.deeds(), ["intended", "unanswered", "intended", "accepted", "proven"]);
    let tokens = rig.tokens();
    assert_eq!((tokens.len(), tokens[0] == tokens[1], rig.effects().len()), (2, true, 1));
}

#[tokio::test]
async fn a_policy_whose_effect_cannot_be_recorded_has_none() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:30:00").await;
    rig.journal.fail(true);
    rig.reload(read(KEPT)).await;
    rig.journal.fail(false);
    rig.until("20:10:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
    assert_eq!(rig.count(&Kind::PolicyLoaded), 1);
    rig.reload(read(KEPT)).await;
    assert_eq!(rig.count(&Kind::PolicyLoaded), 2);
}

#[tokio::test]
async fn a_daemon_that_is_told_to_end_during_a_reload_ends() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.door.stop_takes(SignedDuration::from_hours(1));
    rig.until("20:00:02").await;
    rig.reload(read(KEPT)).await;
    rig.end().await;
    let last = rig.journal.records().pop().unwrap();
    assert_eq!((last.kind, last.time), (Kind::DaemonStopped, at("20:00:10")));
    assert_eq!(rig.deeds(), ["intended", "unanswered"]);
    assert_eq!(rig.count(&Kind::PolicyLoaded), 1);
}

#[tokio::test]
async fn after_a_reload_all_is_as_after_a_restart_with_the_new_policy() {
    let played = async |restarts: bool| {
        let two = ARTIST.to_owned() + &ARTIST.replace("artist", "late").replace("-9h", "-10m");
        let mut rig = Rig::started("warn = [\"15m\"]", &two).await;
        rig.until("19:47:00").await;
        if restarts {
            rig.end().await;
        }
        rig.reload(read("warn = [\"30m\", \"5m\"]\nlease = \"1h\"")).await;
        if restarts {
            rig.start().await;
        }
        rig.until("22:00:00").await;
        let is_of_a_session = |record: &Record| record.data.session.is_some();
        let records = rig.journal.records().into_iter().filter(is_of_a_session);
        (records.collect::<Vec<_>>(), rig.calls(), rig.effects())
    };
    let (reloaded, restarted) = (played(false).await, played(true).await);
    assert_eq!(reloaded.2.len(), 2, "{:?}", reloaded.2);
    assert_eq!(reloaded, restarted);
}

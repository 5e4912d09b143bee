//! Starts that go wrong: no capacity, lost answers, refusals, and people who are quicker.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use lightsout::audit::record::Kind;
use lightsout::clock::Clock;
use lightsout::inventory::Problem;
use lightsout::provider::faulty::Fault;
use lightsout::sandbox::world::{Caller, Operation, SessionState};

use crate::rig::{ARTIST, Rig, STUDIO, monday};
use crate::starts::{ASLEEP, RESUME};

/// A session that we stopped, at 06:40 on Monday morning, and the daemon that is to start it.
async fn dawn(sessions: &str) -> Rig {
    let mut rig = Rig::new(RESUME, sessions);
    rig.until_monday("06:40:00").await;
    rig.start().await;
    rig
}

fn starts(rig: &Rig) -> usize {
    let is_start = |operation| operation == Operation::StartStreamingSession;
    rig.effects().into_iter().filter(|effect| is_start(effect.operation)).count()
}

fn distinct(rig: &Rig) -> usize {
    rig.tokens().iter().collect::<BTreeSet<_>>().len()
}

#[tokio::test]
async fn without_capacity_it_is_tried_again_and_each_attempt_is_another() {
    let rig = dawn(&format!("{ASLEEP}fails_to_start = 2\n")).await;
    rig.until_monday("07:30:00").await;
    let once = ["intended", "accepted", "failed"];
    let expected = [&once[..], &once, &["intended", "accepted", "proven"]].concat();
    assert_eq!(rig.verbs("start"), expected);
    assert_eq!(rig.state("asleep"), SessionState::Ready);
    let failed = &rig.of(&Kind::StartFailed)[0].data;
    assert_eq!(failed.state_after.as_deref(), Some("START_FAILED"));
    assert_eq!((starts(&rig), distinct(&rig)), (3, 3));
    // A minute after the first was seen to have failed, and two after the second.
    let failures: Vec<_> = rig.of(&Kind::StartFailed).iter().map(|record| record.time).collect();
    let calls: Vec<_> = rig.calls().iter().map(|call| call.at).collect();
    let after = |failure, mins| failure + SignedDuration::from_mins(mins);
    assert_eq!(calls, [monday("06:50:00"), after(failures[0], 1), after(failures[1], 2)]);
    rig.assert_nothing_changes_any_more(12).await;
}

#[tokio::test]
async fn without_capacity_for_long_it_is_given_up_when_the_time_is_over() {
    let rig = dawn(&format!("{ASLEEP}fails_to_start = 1000\n")).await;
    rig.until_monday("08:30:00").await;
    let calls: Vec<_> = rig.calls().iter().map(|call| call.at).collect();
    assert!((4..=7).contains(&calls.len()), "{calls:?}");
    assert!(calls.iter().all(|at| *at < monday("08:00:00")));
    assert_eq!(distinct(&rig), calls.len());
    let last = rig.of(&Kind::SessionDecided).pop().unwrap();
    assert_eq!(last.data.reason.unwrap().code, "start_expired");
    assert_eq!(rig.state("asleep"), SessionState::StartFailed);
    rig.assert_nothing_changes_any_more(50).await;
}

#[tokio::test]
async fn a_lost_answer_leads_to_one_start_under_one_token() {
    let mut rig = dawn(ASLEEP).await;
    rig.faulty.set(Some(Fault::LostAnswer));
    // The list lags behind, so that the session seems to be off after its start.
    rig.door.shows_the_past_until(monday("07:10:00")).await;
    rig.until_monday("06:56:00").await;
    rig.end().await;
    rig.start().await;
    rig.until_monday("07:30:00").await;
    assert!(rig.calls().len() > 1, "it was never tried again");
    assert_eq!((distinct(&rig), starts(&rig)), (1, 1));
    assert_eq!((rig.count(&Kind::StartAccepted), rig.count(&Kind::StartProven)), (0, 1));
    rig.assert_nothing_changes_any_more(12).await;
}

#[tokio::test]
async fn the_refusal_of_a_repetition_says_nothing_of_the_call_before_it() {
    let rig = dawn(ASLEEP).await;
    rig.faulty.set(Some(Fault::Refusal(Problem::TimedOut)));
    rig.until_monday("06:51:00").await;
    rig.faulty.set(Some(Fault::Refusal(Problem::Conflict)));
    rig.until_monday("07:05:00").await;
    assert_eq!(rig.verbs("start")[..4], ["intended", "unanswered", "intended", "rejected"]);
    rig.faulty.set(None);
    rig.until_monday("07:30:00").await;
    assert_eq!((distinct(&rig), starts(&rig)), (1, 1));
    assert_eq!(rig.verbs("start").last().unwrap(), "proven");
}

#[tokio::test]
async fn what_is_refused_is_asked_for_again_with_a_new_token_however_rare_the_scans() {
    let mut rig = Rig::with_scan("24h", "90s", RESUME, ASLEEP);
    rig.until_monday("06:40:00").await;
    rig.start().await;
    rig.faulty.set(Some(Fault::Refusal(Problem::Refused)));
    rig.until_monday("06:52:00").await;
    rig.faulty.set(None);
    rig.until_monday("07:10:00").await;
    let refused = ["intended", "rejected"];
    let expected = [&refused.repeat(2)[..], &["intended", "accepted", "proven"]].concat();
    assert_eq!(rig.verbs("start"), expected);
    let calls: Vec<_> = rig.calls().iter().map(|call| call.at).collect();
    assert_eq!(calls, ["06:50:00", "06:51:00", "06:53:00"].map(monday));
    assert_eq!((distinct(&rig), starts(&rig)), (3, 1));
}

#[tokio::test]
async fn a_start_that_takes_long_is_called_late_once_and_proven_when_it_arrives() {
    let rig = dawn(ASLEEP).await;
    rig.until_monday("06:51:00").await;
    rig.door.shows_the_past_until(monday("07:40:00")).await;
    rig.until_monday("07:50:00").await;
    assert_eq!(rig.verbs("start"), ["intended", "accepted", "late", "proven"]);
    let late = rig.of(&Kind::StartLate)[0].time;
    assert!((monday("07:20:00")..monday("07:22:00")).contains(&late), "{late}");
    assert_eq!((rig.calls().len(), starts(&rig)), (1, 1));
}

#[tokio::test]
async fn an_artist_who_is_quicker_is_left_to_it() {
    let rig = dawn(ASLEEP).await;
    let (world, clock) = (rig.shared_world(), rig.clock.clone());
    rig.door.before_next_read(move || {
        let mut world = world.lock().unwrap();
        world.start(STUDIO, "asleep", None, Caller::new("owner-1"), clock.now()).unwrap();
    });
    rig.until_monday("07:30:00").await;
    assert_eq!(rig.verbs("start"), ["dropped"]);
    assert_eq!((rig.calls(), rig.state("asleep")), (vec![], SessionState::Ready));
    rig.assert_nothing_changes_any_more(11).await;
}

#[tokio::test]
async fn a_call_in_vain_ends_when_an_artist_starts_it() {
    let rig = dawn(ASLEEP).await;
    rig.faulty.set(Some(Fault::Refusal(Problem::TimedOut)));
    rig.until_monday("07:30:00").await;
    assert!(rig.calls().len() > 2);
    assert_eq!((distinct(&rig), starts(&rig)), (1, 0));
    rig.faulty.set(None);
    rig.world().start(STUDIO, "asleep", None, Caller::new("owner-1"), rig.clock.now()).unwrap();
    rig.until_monday("08:00:00").await;
    // Nobody can tell that it was not the call: it came within its time.
    assert_eq!(rig.verbs("start").last().unwrap(), "proven");
    assert_eq!(starts(&rig), 1);
    rig.assert_nothing_changes_any_more(11).await;
}

#[tokio::test]
async fn a_mark_that_is_denied_is_not_tried_again_and_hinders_no_start() {
    let mut rig = Rig::started(RESUME, ARTIST).await;
    let faulty = rig.faulty.clone();
    rig.door.after_next_stop(move || faulty.set(Some(Fault::Refusal(Problem::Denied))));
    rig.until("20:30:00").await;
    assert_eq!(rig.verbs("mark"), ["intended", "failed"]);
    rig.faulty.set(None);
    rig.end().await;
    rig.start().await;
    rig.until_monday("07:00:00").await;
    assert_eq!(rig.verbs("mark"), ["intended", "failed"]);
    assert_eq!(rig.verbs("start"), ["intended", "accepted", "proven"]);
}

#[tokio::test]
async fn without_a_durable_record_nothing_is_started_or_marked() {
    let rig = Rig::started(RESUME, ARTIST).await;
    rig.until("20:00:30").await;
    let journal = std::sync::Arc::clone(&rig.journal);
    journal.fail(true);
    rig.until("21:00:00").await;
    assert_eq!(rig.effects().len(), 1);
    journal.fail(false);
    rig.until("21:30:00").await;
    assert_eq!(rig.verbs("mark"), ["intended", "set"]);
    journal.fail(true);
    rig.until_monday("07:30:00").await;
    assert_eq!(starts(&rig), 0);
    journal.fail(false);
    rig.until_monday("07:50:00").await;
    assert_eq!((starts(&rig), rig.verbs("start").last().unwrap().as_str()), (1, "proven"));
}

#[tokio::test]
async fn a_list_with_a_gap_starts_nothing() {
    let other = ASLEEP.replace("\"asleep\"", "\"other\"");
    let rig = dawn(&[ASLEEP, &other].concat()).await;
    rig.faulty.set(Some(Fault::PartialList(Problem::Throttled)));
    rig.until_monday("07:20:00").await;
    assert_eq!(rig.calls(), []);
    rig.faulty.set(None);
    rig.until_monday("07:40:00").await;
    assert_eq!((starts(&rig), rig.count(&Kind::StartProven)), (2, 2));
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_call_leaves_it_open_under_its_token() {
    let mut rig = dawn(ASLEEP).await;
    rig.door.start_takes(SignedDuration::from_hours(1));
    rig.until_monday("06:50:02").await;
    rig.end().await;
    assert_eq!(rig.verbs("start"), ["intended", "unanswered"]);
    rig.door.start_takes(SignedDuration::ZERO);
    rig.start().await;
    rig.until_monday("07:00:00").await;
    assert_eq!(rig.verbs("start").last().unwrap(), "proven");
    assert_eq!((rig.calls().len(), distinct(&rig), starts(&rig)), (2, 1, 1));
}

#[tokio::test]
async fn a_stop_by_its_artist_while_our_call_is_lost_is_the_artist_s() {
    let second = ARTIST.replace("\"artist\"", "\"second\"").replace("-9h", "-72m");
    let rig = Rig::started(&format!("{RESUME}\nlease = \"2h\""), &[ARTIST, &second].concat()).await;
    // The answer to the first stop tells who we are; the second, at 20:00:30, gets no answer.
    rig.until("20:00:15").await;
    assert_eq!(rig.count(&Kind::StopAccepted), 1);
    rig.faulty.set(Some(Fault::Refusal(Problem::TimedOut)));
    rig.until("20:01:00").await;
    assert_eq!(rig.count(&Kind::StopUnanswered), 1);
    rig.world().stop(STUDIO, "second", None, Caller::new("owner-1"), rig.clock.now()).unwrap();
    rig.faulty.set(None);
    rig.until_monday("07:30:00").await;
    assert_eq!((rig.count(&Kind::StopProven), rig.count(&Kind::StopFailed)), (1, 1));
    assert_eq!(
        [rig.state("artist"), rig.state("second")],
        [SessionState::Ready, SessionState::Stopped]
    );
}

//! What people say while the daemon runs, the brake that stays, and changes that come too suddenly.

use jiff::{SignedDuration, Timestamp};
use lightsout::audit::record::{Kind, Record};
use lightsout::inventory::Problem;
use lightsout::provider::faulty::Fault;
use lightsout::sandbox::world::{Caller, SessionState};
use lightsout::switch::Wish;

use crate::common::{ACCOUNT, STUDIO};
use crate::rig::{ARTIST, Rig, at, policy};

/// So many sessions that may be stopped, due as soon as the idle hours begin.
fn artists(count: usize) -> String {
    (0..count)
        .map(|number| ARTIST.replace("\"artist\"", &format!("\"artist-{number:02}\"")))
        .collect()
}

/// The codes for which the studio was held, each where it is another than the one before, with the
/// instants.
fn holds(rig: &Rig) -> Vec<(Timestamp, String)> {
    let code = |record: Record| (record.time, record.data.reason.unwrap().code);
    let mut holds: Vec<_> = rig.of(&Kind::StudioHeld).into_iter().map(code).collect();
    holds.dedup_by(|next, before| next.1 == before.1);
    holds
}

/// The most intents to stop in any sixty minutes.
fn most_in_an_hour(rig: &Rig) -> usize {
    let intents: Vec<Timestamp> = rig.of(&Kind::StopIntended).iter().map(|r| r.time).collect();
    let since = |end: &Timestamp| *end - SignedDuration::from_hours(1);
    let within =
        |end: &Timestamp| intents.iter().filter(|at| **at > since(end) && *at <= end).count();
    intents.iter().map(within).max().unwrap_or(0)
}

/// The rig's policy with other settings of its studio.
fn settings(settings: &str) -> lightsout::policy::Policy {
    policy(
        "7m",
        &format!(
            "[[studio]]\nid = \"{STUDIO}\"\naccount = \"{ACCOUNT}\"\nschedule = \"nights\"\n{settings}"
        ),
    )
}

#[tokio::test]
async fn a_pause_holds_at_once_and_ends_by_itself_to_the_second() {
    let rig = Rig::started("warn = [\"15m\"]", ARTIST).await;
    rig.until("19:40:03").await;
    rig.house.pause("ada", SignedDuration::from_mins(90));
    rig.until("19:40:03").await;
    assert_eq!(holds(&rig), [(at("19:40:03"), "paused".to_owned())]);
    rig.until("21:10:02").await;
    assert_eq!((rig.count(&Kind::WarningGiven), rig.calls()), (0, vec![]));
    rig.until("21:10:03").await;
    assert_eq!((rig.count(&Kind::WarningGiven), rig.count(&Kind::StudioResumed)), (1, 1));
    rig.until("21:30:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
    rig.assert_nothing_changes_any_more(8).await;
}

#[tokio::test]
async fn a_pause_outlives_a_restart_and_a_resume_ends_it() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.house.pause("ada", SignedDuration::from_hours(24));
    rig.until("19:30:00").await;
    rig.end().await;
    rig.start().await;
    rig.until("20:30:00").await;
    assert_eq!((rig.calls(), rig.count(&Kind::DaemonPaused)), (vec![], 1));
    drop(rig.house.ask("bob", Wish::Resume { studio: Some(STUDIO.into()) }));
    rig.until("20:30:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted"]);
    let who = rig.of(&Kind::DaemonResumed).pop().unwrap().data.who;
    assert_eq!(who.as_deref(), Some("bob"));
}

#[tokio::test]
async fn a_pause_that_waits_counts_from_the_start_of_the_daemon_on_and_is_taken_once() {
    let mut rig = Rig::new("warn = []", ARTIST);
    rig.until("20:30:00").await;
    rig.house.pause("ada", SignedDuration::from_hours(1));
    rig.until("20:40:00").await;
    rig.start().await;
    rig.until("21:29:59").await;
    assert_eq!((rig.calls(), holds(&rig)[0].1.as_str()), (vec![], "paused"));
    rig.until("21:31:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted"]);
}

#[tokio::test]
async fn a_request_that_is_taken_twice_is_recorded_once_and_one_that_cannot_be_recorded_waits() {
    let rig = Rig::started("warn = []", ARTIST).await;
    let until = at("23:00:00");
    let request = rig.house.ask("ada", Wish::Pause { studio: None, until, note: None });
    rig.until("19:30:00").await;
    rig.house.switchboard.add(request);
    rig.until("19:31:00").await;
    assert_eq!(rig.count(&Kind::DaemonPaused), 1);
    rig.journal.fail(true);
    drop(rig.house.ask("ada", Wish::Resume { studio: None }));
    rig.until("19:32:00").await;
    rig.journal.fail(false);
    assert_eq!(rig.count(&Kind::DaemonResumed), 0);
    // The next request brings the one before it along.
    drop(rig.house.ask("ada", Wish::Pause { studio: None, until, note: None }));
    rig.until("19:33:00").await;
    assert_eq!((rig.count(&Kind::DaemonResumed), rig.count(&Kind::DaemonPaused)), (1, 2));
}

#[tokio::test]
async fn a_request_about_a_studio_that_nobody_knows_is_put_aside() {
    let rig = Rig::started("warn = []", ARTIST).await;
    let studio = Some("us-west-2:stid-OTHER".into());
    let until = at("23:00:00");
    drop(rig.house.ask("ada", Wish::Pause { studio, until, note: None }));
    rig.until("20:30:00").await;
    assert_eq!((rig.count(&Kind::DaemonPaused), rig.deeds().len()), (0, 3));
    assert_eq!(rig.house.switchboard.all_refused().len(), 1);
}

#[tokio::test]
async fn a_pause_between_a_plan_and_its_call_lets_nothing_through() {
    let rig = Rig::started("warn = []", ARTIST).await;
    // Its reading takes a while, in which somebody pauses.
    rig.door.next_read_takes(SignedDuration::from_secs(20));
    rig.until("20:00:10").await;
    rig.house.pause("ada", SignedDuration::from_hours(1));
    rig.until("20:30:00").await;
    assert_eq!((rig.deeds(), rig.calls()), (vec!["dropped".to_owned()], vec![]));
    rig.until("21:10:00").await;
    assert_eq!(rig.deeds()[1..], ["intended", "accepted", "proven"]);
}

#[tokio::test]
async fn the_brake_holds_over_a_restart_until_it_is_approved() {
    let mut rig = Rig::new("warn = []\nbrake = { per_scan = 3 }", &artists(4));
    rig.start().await;
    rig.until("20:10:00").await;
    assert_eq!(rig.count(&Kind::BrakeEngaged), 1);
    rig.world().stop(STUDIO, "artist-00", None, Caller::new("ada"), at("20:10:00")).unwrap();
    rig.until("20:20:00").await;
    rig.end().await;
    rig.start().await;
    rig.until("20:40:00").await;
    assert_eq!((rig.calls(), rig.count(&Kind::BrakeReleased)), (vec![], 0));
    assert_eq!(holds(&rig).last().unwrap().1, "brake_latched");
    rig.house.approve("bob");
    rig.until("20:50:00").await;
    assert_eq!(rig.count(&Kind::StopProven), 3);
    assert_eq!((rig.count(&Kind::BrakeReleased), rig.count(&Kind::BrakeEngaged)), (1, 1));
    // After it has ended there is nothing left to hold.
    rig.assert_nothing_changes_any_more(8).await;
}

#[tokio::test]
async fn what_comes_after_an_approval_is_held_again() {
    let rig = Rig::started("warn = []\nbrake = { per_scan = 3 }", &artists(4)).await;
    rig.until("20:10:00").await;
    rig.house.approve("bob");
    rig.until("20:20:00").await;
    assert_eq!(rig.count(&Kind::StopProven), 4);
    for number in 0..4 {
        let session = format!("artist-{number:02}");
        rig.world().start(STUDIO, &session, None, Caller::new("ada"), at("20:20:00")).unwrap();
    }
    // The lease of two hours is over while the approval would still last, if it did.
    rig.until("22:40:00").await;
    assert_eq!(rig.count(&Kind::StopProven), 4);
    assert_eq!(rig.count(&Kind::BrakeEngaged), 2);
}

#[tokio::test]
async fn an_approval_does_not_make_up_for_a_brake_of_none() {
    let rig = Rig::started("warn = []\nbrake = { per_scan = 0 }", &artists(2)).await;
    rig.until("20:10:00").await;
    rig.house.approve("bob");
    rig.until("21:30:00").await;
    assert_eq!((rig.calls(), rig.count(&Kind::StudioApproved)), (vec![], 1));
}

/// Plans overlap here: what the first let through waits for its reading while the next is made, which sees
/// those sessions as they are not. The hour's bound is kept all the same.
#[tokio::test]
async fn plans_that_overlap_announce_no_more_than_the_hour_allows() {
    let mut rig = Rig::with_scan("30s", "90s", "warn = []\nbrake = { per_hour = 4 }", &artists(4));
    rig.start().await;
    rig.until("19:59:45").await;
    rig.door.next_read_takes(SignedDuration::from_secs(50));
    rig.until("20:00:10").await;
    assert_eq!(rig.count(&Kind::StopIntended), 3, "one is still being read");
    // The listing loses sight of it, and shows another in its place.
    let lost = rig
        .of(&Kind::SessionDecided)
        .iter()
        .map(|r| r.data.session.clone().unwrap())
        .find(|id| !rig.calls().iter().any(|call| call.session == *id))
        .unwrap();
    rig.door
        .shows_until(at("20:00:45"), |snapshot| {
            let mut session = snapshot.sessions.remove(&lost.as_str().into()).unwrap();
            std::sync::Arc::make_mut(&mut session).id = "artist-99".into();
            snapshot.sessions.insert(session.id.clone(), session);
        })
        .await;
    rig.until("21:00:00").await;
    assert!(most_in_an_hour(&rig) <= 4, "{}", most_in_an_hour(&rig));
    let dropped = rig.of(&Kind::StopDropped);
    let codes: Vec<&str> =
        dropped.iter().map(|r| r.data.reason.as_ref().unwrap().code.as_str()).collect();
    assert_eq!(codes, ["brake"]);
}

#[tokio::test]
async fn many_stops_that_are_always_refused_stay_within_the_hour_and_hold_up_nobody_else() {
    let rig = Rig::started("warn = []\nbrake = { per_hour = 10 }", &artists(4)).await;
    rig.faulty.set(Some(Fault::Refusal(Problem::Denied)));
    rig.until("23:30:00").await;
    assert!((5..=10).contains(&most_in_an_hour(&rig)), "{}", most_in_an_hour(&rig));
    assert_eq!(rig.count(&Kind::BrakeEngaged), 0);
    rig.faulty.set(None);
    rig.pass(3).await;
    assert_eq!(rig.count(&Kind::StopProven), 4);
}

#[tokio::test]
async fn a_listing_without_most_of_the_sessions_ends_nothing_until_another_says_the_same() {
    let rig = Rig::started("warn = []", &artists(24)).await;
    rig.door
        .shows_until(at("19:30:00"), |snapshot| {
            snapshot.sessions.retain(|id, _| id.as_str() < "artist-05");
        })
        .await;
    rig.until("19:19:30").await;
    assert_eq!(holds(&rig), [(at("19:19:30"), "inventory_changed".to_owned())]);
    rig.until("19:20:29").await;
    assert_eq!((rig.count(&Kind::InventoryConfirmed), rig.count(&Kind::SessionVanished)), (0, 0));
    rig.until("19:20:30").await;
    assert_eq!((rig.count(&Kind::InventoryConfirmed), rig.count(&Kind::SessionVanished)), (1, 0));
    rig.until("19:29:00").await;
    assert_eq!(rig.count(&Kind::SessionVanished), 19);
    // When they are there again, these are many new ones.
    rig.until("19:34:30").await;
    assert_eq!(rig.count(&Kind::StudioHeld), 2);
    rig.until("19:40:00").await;
    assert_eq!((rig.count(&Kind::InventoryConfirmed), rig.count(&Kind::StudioResumed)), (2, 2));
    rig.until("20:30:00").await;
    assert_eq!(rig.count(&Kind::StopProven), 24);
    rig.assert_nothing_changes_any_more(8).await;
}

#[tokio::test]
async fn a_restart_needs_no_third_listing() {
    let mut rig = Rig::started("warn = []", &artists(24)).await;
    rig.door
        .shows_until(at("20:40:00"), |snapshot| {
            snapshot.sessions.retain(|id, _| id.as_str() < "artist-05");
        })
        .await;
    rig.until("19:19:30").await;
    rig.end().await;
    rig.until("19:50:00").await;
    rig.start().await;
    assert_eq!((rig.count(&Kind::StudioHeld), rig.count(&Kind::InventoryConfirmed)), (1, 1));
}

#[tokio::test]
async fn one_scan_after_another_confirms_a_listing_as_well() {
    let rig = Rig::new("warn = []", &artists(24));
    assert!(rig.once().await.is_done());
    rig.door.shows_until(at("20:40:00"), |snapshot| snapshot.sessions.clear()).await;
    assert_eq!(rig.once().await.held, 1);
    assert_eq!(rig.once().await.held, 1, "it is the same minute");
    rig.until("19:14:00").await;
    assert_eq!(rig.once().await.held, 0);
}

#[tokio::test]
async fn a_policy_that_makes_many_due_at_once_waits_for_a_person() {
    let mut rig = Rig::new("warn = []", &artists(12));
    rig.house.follow(settings("warn = []\nlease = \"40m\"\nmax_uptime = \"20h\""));
    rig.start().await;
    rig.until("19:30:00").await;
    rig.end().await;
    // The same file is no change, and a new night is none.
    rig.start().await;
    rig.until("19:40:00").await;
    rig.end().await;
    assert_eq!(holds(&rig), []);
    rig.house.follow(settings("warn = [\"15m\"]\nlease = \"40m\"\nmax_uptime = \"2h\""));
    rig.start().await;
    rig.until("19:41:00").await;
    assert_eq!(holds(&rig), [(at("19:40:00"), "policy_changed".to_owned())]);
    let values = rig.of(&Kind::StudioHeld)[0].data.reason.clone().unwrap().values;
    assert_eq!((values["before"].as_str(), values["now"].as_str()), ("0", "12"));
    // It is the same policy after a restart, and still nobody has approved it.
    rig.end().await;
    rig.start().await;
    rig.until("19:55:00").await;
    assert_eq!((rig.calls(), rig.count(&Kind::WarningGiven)), (vec![], 0));
    rig.house.approve("ada");
    rig.until("19:55:00").await;
    assert_eq!(rig.count(&Kind::WarningGiven), 12);
    rig.until("20:30:00").await;
    assert_eq!((rig.count(&Kind::StopProven), rig.count(&Kind::PolicyApplied)), (12, 2));
    assert_eq!(rig.state("artist-00"), SessionState::Stopped);
    rig.assert_nothing_changes_any_more(8).await;
}

/// By the old policy they would be stopped at eight as well, so that from then on nothing more is due.
#[tokio::test]
async fn a_policy_that_makes_no_more_due_than_the_one_before_would_holds_nothing() {
    let mut rig = Rig::new("warn = []", &artists(12));
    rig.start().await;
    rig.until("19:30:00").await;
    rig.end().await;
    rig.house.follow(settings("warn = []\nmax_uptime = \"3h\""));
    rig.start().await;
    rig.until("19:59:59").await;
    assert_eq!((rig.calls(), holds(&rig).len()), (vec![], 1));
    rig.until("20:30:00").await;
    assert_eq!((rig.count(&Kind::StopProven), holds(&rig).len()), (12, 1));
}

#[tokio::test]
async fn a_policy_that_is_changed_back_holds_nothing_any_more() {
    let mut rig = Rig::new("warn = []", &artists(12));
    rig.start().await;
    rig.until("19:30:00").await;
    rig.end().await;
    rig.house.follow(settings("warn = []\nlease = \"40m\"\nmax_uptime = \"2h\""));
    rig.start().await;
    rig.until("19:31:00").await;
    assert_eq!(holds(&rig).len(), 1);
    rig.end().await;
    rig.house.follow(settings("warn = []"));
    rig.start().await;
    rig.until("19:35:00").await;
    assert_eq!(rig.count(&Kind::StudioResumed), 1);
    rig.until("20:30:00").await;
    assert_eq!((rig.count(&Kind::StopProven), rig.count(&Kind::PolicyApplied)), (12, 1));
}

//! Vetoes over hours: who is kept, for how long, and that nobody else is.

use jiff::{SignedDuration, Timestamp};
use lightsout::audit::record::Kind;
use lightsout::daemon::Summary;
use lightsout::plan::VetoSays;
use lightsout::sandbox::world::SessionState;

use crate::rig::{ARTIST, Rig, at};

/// One veto, asked about every session; further settings go before it.
const FARM: &str = "warn = []\nveto = [\"farm\"]\n[veto.farm]\ncommand = [\"ask\"]\n";

fn second(time: &str) -> Timestamp {
    at(time) + SignedDuration::from_secs(1)
}

fn says(rig: &Rig, says: Option<VetoSays>) {
    let mut all = rig.vetoes.says.lock().unwrap();
    all.clear();
    all.extend(says.map(|says| ("farm".to_owned(), says)));
}

fn busy() -> Option<VetoSays> {
    Some(VetoSays::Busy { words: "rendering frame 12".to_owned() })
}

/// When it was asked about the artist.
fn asked(rig: &Rig) -> Vec<Timestamp> {
    rig.vetoes.asked.lock().unwrap().iter().map(|(at, ..)| *at).collect()
}

fn stops(rig: &Rig) -> Vec<(Timestamp, String)> {
    rig.calls().into_iter().map(|call| (call.at, call.session)).collect()
}

#[tokio::test]
async fn who_is_not_busy_is_stopped_a_second_after_it_was_asked() {
    let rig = Rig::started(FARM, ARTIST).await;
    rig.until("20:30:00").await;
    assert_eq!(asked(&rig), [at("20:00:00")]);
    let asked = rig.vetoes.asked.lock().unwrap()[0].clone();
    assert_eq!(
        (asked.1.as_str(), asked.2.session.as_str(), asked.2.due),
        ("farm", "artist", at("20:00:00"))
    );
    assert_eq!(stops(&rig), [(second("20:00:00"), "artist".to_owned())]);
    assert_eq!(rig.state("artist"), SessionState::Stopped);
    let record = &rig.of(&Kind::VetoAnswered)[0];
    assert_eq!((record.time, record.data.due), (at("20:00:00"), Some(at("20:00:00"))));
    assert_eq!(record.data.veto.as_ref().unwrap().says, "clear");
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
    rig.assert_nothing_changes_any_more(4).await;
}

#[tokio::test]
async fn a_veto_keeps_a_session_for_two_hours_and_then_lets_it_go() {
    let mut rig = Rig::started(FARM, ARTIST).await;
    says(&rig, busy());
    rig.until("21:59:00").await;
    assert_eq!(stops(&rig), []);
    // Every five minutes, and not more often, whatever else wakes the daemon.
    let times = asked(&rig);
    assert_eq!(times.len(), 24);
    let gaps = times.windows(2).map(|pair| pair[0].duration_until(pair[1]).as_secs());
    assert!(gaps.clone().all(|gap| gap == 300), "{:?}", gaps.collect::<Vec<_>>());
    // It is kept for one reason all the while, and that is said once.
    let codes = |rig: &Rig| -> Vec<String> {
        let decided = rig.of(&Kind::SessionDecided);
        decided.into_iter().map(|record| record.data.reason.unwrap().code).collect()
    };
    assert_eq!(codes(&rig), ["not_due", "veto_unasked", "busy"]);
    assert_eq!(rig.count(&Kind::VetoAnswered), 24);

    // A daemon that comes anew knows what was said.
    rig.end().await;
    rig.start().await;
    assert_eq!(asked(&rig).len(), 24);
    assert_eq!(codes(&rig).len(), 3);

    says(&rig, None);
    rig.until("22:30:00").await;
    assert_eq!(asked(&rig).last(), Some(&at("22:00:00")));
    assert_eq!(stops(&rig), [(second("22:00:00"), "artist".to_owned())]);
    rig.assert_nothing_changes_any_more(4).await;
}

#[tokio::test]
async fn a_veto_that_is_always_busy_ends_at_its_deferral() {
    let settings = format!("{FARM}defer_max = \"90m\"\nevery = \"10m\"\n");
    let rig = Rig::started(&settings, ARTIST).await;
    says(&rig, busy());
    rig.until("21:29:59").await;
    assert_eq!(stops(&rig), []);
    rig.until("21:40:00").await;
    assert_eq!(stops(&rig), [(at("21:30:00"), "artist".to_owned())]);
    assert_eq!(asked(&rig).len(), 9);
    rig.assert_nothing_changes_any_more(4).await;
}

#[tokio::test]
async fn a_veto_that_hangs_keeps_its_session_and_delays_no_other() {
    let other = ARTIST.replace("artist", "other").replace("owner-1", "owner-2");
    let rig = Rig::started(FARM, &format!("{ARTIST}{other}")).await;
    rig.vetoes.hung.lock().unwrap().push("artist".to_owned());
    rig.until("20:30:00").await;
    // Answers are gathered for five seconds while another one is waited for.
    let expected = at("20:00:05");
    assert_eq!(stops(&rig), [(expected, "other".to_owned())]);
    let failed = rig.of(&Kind::SessionDecided).into_iter().rev();
    let mut failed = failed.filter(|record| record.data.session.as_deref() == Some("artist"));
    let reason = failed.next().unwrap().data.reason.unwrap();
    assert_eq!((reason.code.as_str(), reason.alarm), ("veto_failed", true));
    assert_eq!(reason.values["words"], "it hangs");
    assert_eq!(rig.state("artist"), SessionState::Ready);
}

#[tokio::test]
async fn who_becomes_busy_between_the_answer_and_the_call_is_kept_by_whoever_keeps_it() {
    // The answer stands; the fresh reading of the session is decided about again, with it.
    let rig = Rig::started(FARM, ARTIST).await;
    let world = rig.shared_world();
    let clock = rig.clock.clone();
    rig.door.before_next_read(move || {
        use lightsout::clock::Clock;
        let (mut world, now) = (world.lock().unwrap(), clock.now());
        world
            .amend_session(crate::rig::STUDIO, "artist", now, |session| {
                session.tags.insert("lightsout:keep".to_owned(), "always".to_owned());
            })
            .unwrap();
    });
    rig.until("20:30:00").await;
    assert_eq!(rig.deeds(), ["dropped"]);
    assert_eq!(asked(&rig).len(), 1);
}

/// The reading takes so long that the answer counts no more: it is asked again, and then stopped.
#[tokio::test]
async fn an_answer_that_became_old_before_the_call_stops_nobody() {
    let rig = Rig::started(FARM, ARTIST).await;
    rig.door.next_read_takes(SignedDuration::from_mins(8));
    rig.until("20:07:00").await;
    says(&rig, busy());
    rig.until("20:59:00").await;
    assert_eq!(rig.deeds(), ["dropped"]);
    let dropped = rig.of(&Kind::StopDropped).remove(0).data.reason.unwrap();
    assert_eq!(dropped.code, "veto_unasked");
    says(&rig, None);
    rig.until("21:30:00").await;
    assert_eq!(rig.deeds(), ["dropped", "intended", "accepted", "proven"]);
}

#[tokio::test]
async fn in_observe_vetoes_are_asked_until_the_stop_was_shown() {
    let rig = Rig::started(&format!("mode = \"observe\"\n{FARM}"), ARTIST).await;
    says(&rig, busy());
    rig.until("20:59:00").await;
    assert_eq!((asked(&rig).len(), rig.deeds()), (12, vec![]));
    says(&rig, None);
    rig.until("22:59:00").await;
    assert_eq!((asked(&rig).len(), rig.deeds()), (13, vec!["withheld".to_owned()]));
    assert_eq!(rig.calls(), []);
    rig.assert_nothing_changes_any_more(4).await;
}

#[tokio::test]
async fn one_scan_asks_and_waits_for_the_answers() {
    let rig = Rig::new(FARM, ARTIST);
    rig.until("20:30:00").await;
    says(&rig, busy());
    assert_eq!(rig.once().await, Summary { sessions: 1, ..Summary::default() });
    assert_eq!((asked(&rig).len(), stops(&rig)), (1, vec![]));
    // The answer is known to the next one, until it is old.
    says(&rig, None);
    assert_eq!(rig.once().await, Summary { sessions: 1, ..Summary::default() });
    assert_eq!(asked(&rig).len(), 1);
    rig.until("20:40:00").await;
    assert_eq!(rig.once().await, Summary { sessions: 1, stopped: 1, ..Summary::default() });
    assert_eq!((asked(&rig).len(), rig.effects().len()), (2, 1));
}

#[tokio::test]
async fn a_daemon_that_ends_waits_for_no_veto() {
    let mut rig = Rig::started(&format!("{FARM}timeout = \"5m\"\n"), ARTIST).await;
    rig.vetoes.hung.lock().unwrap().push("artist".to_owned());
    rig.until("20:01:00").await;
    assert_eq!(asked(&rig).len(), 1);
    rig.end().await;
    assert_eq!(lightsout::clock::Clock::now(&rig.clock), at("20:01:00"));
    assert_eq!(rig.count(&Kind::VetoAnswered), 0);
}

#[tokio::test]
async fn an_answer_from_before_the_machine_slept_stops_nobody() {
    let farm = format!("{}every = \"30m\"\n", FARM.replace("[]", "[\"15m\"]"));
    let mut rig = Rig::started(&farm, ARTIST).await;
    rig.end().await;
    rig.until("21:00:00").await;
    rig.start().await;
    // It is warned late, and asked about meanwhile.
    rig.until("21:11:00").await;
    assert_eq!(asked(&rig), [at("21:00:00")]);
    rig.clock.suspend(SignedDuration::from_hours(2));
    says(&rig, busy());
    rig.until("23:40:00").await;
    assert_eq!((rig.count(&Kind::ClockJumped), stops(&rig)), (1, vec![]));
    says(&rig, None);
    rig.until("23:59:00").await;
    assert_eq!(stops(&rig).len(), 1);
}

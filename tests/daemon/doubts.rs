//! What happens when an answer is lost, a record cannot be written, or the studio is not as it was.

use std::collections::BTreeSet;

use lightsout::audit::record::Kind;
use lightsout::clock::Clock;
use lightsout::inventory::Problem;
use lightsout::provider::faulty::Fault;
use lightsout::sandbox::world::{Caller, Mode, SessionState, Tags, World};

use crate::rig::{ARTIST, Rig, STUDIO, at};

fn distinct(tokens: &[String]) -> usize {
    tokens.iter().collect::<BTreeSet<_>>().len()
}

#[tokio::test]
async fn a_lost_answer_leads_to_one_effect_under_one_token() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:59:00").await;
    rig.faulty.set(Some(Fault::LostAnswer));
    // The list lags behind, so that the session seems to be READY after its stop.
    rig.door.shows_the_past_until(at("20:20:00")).await;
    rig.until("21:00:00").await;
    let tokens = rig.tokens();
    assert!(tokens.len() > 1, "it was never tried again: {tokens:?}");
    assert_eq!(distinct(&tokens), 1);
    assert_eq!(rig.effects().len(), 1);
    assert_eq!(rig.effects()[0].token.as_ref(), Some(&tokens[0]));
    assert_eq!(rig.count(&Kind::StopProven), 1);
    assert_eq!(rig.count(&Kind::StopAccepted), 0);
    rig.assert_nothing_changes_any_more(10).await;
}

#[tokio::test]
async fn a_lost_answer_keeps_its_token_over_a_restart() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:59:00").await;
    rig.faulty.set(Some(Fault::LostAnswer));
    rig.door.shows_the_past_until(at("20:20:00")).await;
    rig.until("20:00:30").await;
    rig.end().await;
    assert_eq!(rig.calls().len(), 1);
    rig.start().await;
    assert_eq!(rig.calls().len(), 2, "the new daemon does not ask again at once");
    rig.faulty.set(None);
    rig.until("21:00:00").await;
    assert_eq!((distinct(&rig.tokens()), rig.effects().len()), (1, 1));
    assert_eq!(rig.count(&Kind::StopProven), 1);
    rig.assert_nothing_changes_any_more(10).await;
}

#[tokio::test]
async fn a_call_that_is_known_to_have_failed_is_followed_by_one_with_a_new_token() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.faulty.set(Some(Fault::Refusal(Problem::Conflict)));
    rig.until("20:00:30").await;
    rig.faulty.set(None);
    rig.until("20:30:00").await;
    assert_eq!(rig.deeds(), ["intended", "rejected", "intended", "accepted", "proven"]);
    assert_eq!(rig.calls()[1].at, at("20:01:00"), "it rests for a minute");
    assert_eq!((rig.tokens().len(), distinct(&rig.tokens())), (2, 2));
    let attempts: Vec<_> =
        rig.of(&Kind::StopIntended).into_iter().map(|record| record.data.attempt).collect();
    assert_eq!(attempts, [Some(0), Some(1)]);
    assert_eq!(rig.effects().len(), 1);
}

#[tokio::test]
async fn a_call_without_an_answer_is_made_again_under_its_token() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.faulty.set(Some(Fault::Refusal(Problem::TimedOut)));
    rig.until("20:30:00").await;
    assert!(rig.calls().len() > 2);
    assert_eq!(rig.effects(), []);
    rig.faulty.set(None);
    rig.until("21:00:00").await;
    assert_eq!((distinct(&rig.tokens()), rig.effects().len()), (1, 1));
    assert_eq!(rig.count(&Kind::StopProven), 1);
}

#[tokio::test]
async fn a_session_that_fails_to_stop_is_left_to_people() {
    let failing = format!("{ARTIST}fails_to_stop = true\n");
    let rig = Rig::started("warn = []", &failing).await;
    rig.until("21:00:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "failed"]);
    assert_eq!(rig.of(&Kind::StopFailed)[0].data.state_after.as_deref(), Some("STOP_FAILED"));
    assert_eq!(rig.state("artist"), SessionState::StopFailed);
    rig.assert_nothing_changes_any_more(30).await;
}

#[tokio::test]
async fn while_nothing_can_be_recorded_nothing_is_called() {
    let rig = Rig::started("warn = []", ARTIST).await;
    rig.until("19:50:00").await;
    rig.journal.fail(true);
    rig.until("22:00:00").await;
    assert_eq!((rig.calls(), rig.effects()), (vec![], vec![]));
    rig.journal.fail(false);
    rig.until("22:08:00").await;
    assert_eq!(rig.effects().len(), 1);
    rig.until("22:30:00").await;
    assert_eq!(rig.count(&Kind::StopProven), 1);
}

#[tokio::test]
async fn who_was_warned_before_hours_without_a_record_is_warned_anew() {
    // Those of the warning, the loss, the recovery, and what has been stopped half an hour after that.
    for (recovers, after, warnings, stops) in [
        ("20:30:00", "20:40:00", 1, 1),
        ("22:30:00", "22:40:00", 2, 0),
        ("22:30:00", "23:00:00", 2, 1),
    ] {
        let rig = Rig::started("warn = [\"15m\"]", ARTIST).await;
        rig.until("19:50:00").await;
        rig.journal.fail(true);
        rig.until(recovers).await;
        rig.journal.fail(false);
        rig.until(after).await;
        assert_eq!(rig.count(&Kind::WarningGiven), warnings, "{recovers}");
        assert_eq!((rig.calls().len(), rig.effects().len()), (stops, stops), "{after}");
        assert_eq!(rig.count(&Kind::StudioUnattended), warnings - 1, "{recovers}");
    }
}

#[tokio::test]
async fn an_intent_that_cannot_be_recorded_is_not_carried_out() {
    let rig = Rig::started("warn = []", ARTIST).await;
    // The decision is on disk by then, and the intent is what comes next.
    let journal = std::sync::Arc::clone(&rig.journal);
    rig.door.before_next_read(move || journal.fail(true));
    rig.until("20:00:30").await;
    assert_eq!(rig.count(&Kind::StopIntended), 0);
    rig.until("20:30:00").await;
    assert_eq!((rig.calls(), rig.effects()), (vec![], vec![]));
    rig.journal.fail(false);
    rig.until("21:00:00").await;
    assert_eq!(rig.deeds(), ["intended", "accepted", "proven"]);
}

#[tokio::test]
async fn an_outcome_that_could_not_be_recorded_is_found_again() {
    let mut rig = Rig::started("warn = []", ARTIST).await;
    let journal = std::sync::Arc::clone(&rig.journal);
    rig.door.after_next_stop(move || journal.fail(true));
    rig.until("20:00:30").await;
    assert_eq!(rig.deeds(), ["intended"]);
    rig.journal.fail(false);
    rig.end().await;
    rig.start().await;
    rig.until("20:30:00").await;
    assert_eq!(rig.deeds(), ["intended", "proven"]);
    assert_eq!(rig.effects().len(), 1);
}

/// Something changes after the studio was listed and before the session is read again: it is left
/// alone, for this reason.
async fn check_dropped(
    change: impl FnOnce(&mut World) + Send + 'static,
    code: &str,
    effects: usize,
) {
    let rig = Rig::started("warn = []", ARTIST).await;
    let world = rig.shared_world();
    rig.door.before_next_read(move || change(&mut world.lock().unwrap()));
    rig.until("21:30:00").await;
    let dropped = rig.of(&Kind::StopDropped);
    assert_eq!(dropped.len(), 1, "{code}");
    assert_eq!(dropped[0].time, at("20:00:00"));
    assert_eq!(dropped[0].data.reason.as_ref().unwrap().code, code);
    assert_eq!(rig.deeds(), ["dropped"], "{code}");
    assert_eq!((rig.calls().len(), rig.effects().len()), (0, effects), "{code}");
}

#[tokio::test]
async fn what_changes_between_the_listing_and_the_stop_is_left_alone() {
    let now = at("20:00:00");
    let restarted = move |world: &mut World| {
        world
            .amend_session(STUDIO, "artist", now, |session| session.started_at = Some(now))
            .unwrap();
    };
    check_dropped(restarted, "not_due", 0).await;
    let kept = move |world: &mut World| {
        let arn = world.session(STUDIO, "artist", now).unwrap().arn.clone();
        let tags = Tags::from([("lightsout:keep".to_owned(), "always".to_owned())]);
        world.tag(&arn, &tags, Caller::new("artist"), now).unwrap();
    };
    check_dropped(kept, "tag_keep", 1).await;
    let stopped = move |world: &mut World| {
        world.stop(STUDIO, "artist", None, Caller::new("artist"), now).unwrap();
    };
    check_dropped(stopped, "transitional", 1).await;
    let forbidden = move |world: &mut World| {
        world
            .amend_session(STUDIO, "artist", now, |session| {
                session.session_persistence_mode = Some(Mode::Deactivated);
            })
            .unwrap();
    };
    check_dropped(forbidden, "not_stoppable", 0).await;
}

#[tokio::test]
async fn a_restart_by_its_artist_is_a_new_run_with_a_stop_of_its_own() {
    let rig = Rig::started("warn = []\nlease = \"2h\"", ARTIST).await;
    rig.until("20:30:00").await;
    assert_eq!(rig.state("artist"), SessionState::Stopped);
    let artist = Caller::new("owner-1");
    rig.world().start(STUDIO, "artist", None, artist, rig.clock.now()).unwrap();
    rig.until("23:00:00").await;
    let stops: Vec<_> = rig.calls().into_iter().map(|call| call.at).collect();
    assert_eq!(stops, [at("20:00:00"), at("22:30:00")]);
    assert_eq!(distinct(&rig.tokens()), 2);
    rig.assert_nothing_changes_any_more(8).await;
}

#[tokio::test]
async fn a_list_with_a_gap_stops_nothing() {
    let other = ARTIST.replace("\"artist\"", "\"other\"");
    let rig = Rig::started("warn = []", &[ARTIST, &other].concat()).await;
    rig.until("19:50:00").await;
    rig.faulty.set(Some(Fault::PartialList(Problem::Throttled)));
    rig.until("21:00:00").await;
    assert_eq!(rig.calls(), []);
    let held = rig.of(&Kind::StudioHeld);
    assert_eq!(held.len(), 1);
    let reason = held[0].data.reason.as_ref().unwrap();
    assert_eq!(
        (reason.code.as_str(), reason.values["problem"].as_str()),
        ("listing_incomplete", "throttled")
    );
    assert_eq!(rig.count(&Kind::SessionVanished), 0);
    rig.faulty.set(None);
    rig.until("21:30:00").await;
    assert_eq!((rig.count(&Kind::StudioResumed), rig.effects().len()), (1, 2));
}

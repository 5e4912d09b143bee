//! What happens between the reading of a session and its call.

use super::*;

/// The gate closes between the reading and the call.
#[tokio::test]
async fn a_call_that_the_gate_does_not_let_through_is_withdrawn() {
    let mut morning = Morning::new();
    let lane = Arc::clone(&morning.workshop.permits);
    let gated = Gated::new(Arc::new(morning.faulty.clone()), lane);
    morning.workshop.provider = Arc::new(gated);
    let order = morning.order().await;
    let read = morning.workshop.provider.read(&order.decision.session).await.unwrap();
    let fresh = morning.just_read(read.clone(), &order);
    morning.faulty.set(Some(Fault::Outage(Problem::TimedOut)));
    for _ in 0..5 {
        let error = morning.workshop.provider.read(&read.id).await.unwrap_err();
        assert_eq!(error.problem, Problem::TimedOut);
    }
    let history = morning.history();
    let outcome = call(&morning.workshop, &fresh, &order.decision, history.of(&read.id)).await;
    assert_eq!(outcome, Outcome::Withdrawn);
    let records = morning.journal.records();
    let kinds: Vec<&Kind> = records.iter().map(|record| &record.kind).collect();
    assert_eq!(kinds, [&Kind::StartIntended, &Kind::StartWithdrawn]);
    insta::assert_snapshot!(
        records[1].data.note.as_deref().unwrap_or_default(),
        @"no call was made: the API of us-west-2 has failed 5 times in a row, the last time because there was no answer in time; it is asked again at 2026-11-20T14:50:30Z"
    );
}

/// The monotonic clock stands still meanwhile.
#[tokio::test]
async fn a_machine_that_slept_between_reading_and_call_makes_none() {
    for (slept, is_called) in [(59, true), (61, false), (-61, false)] {
        let morning = Morning::new();
        let order = morning.order().await;
        let read = morning.workshop.provider.read(&order.decision.session).await.unwrap();
        let fresh = morning.just_read(read.clone(), &order);
        let history = morning.history();
        morning.clock.jump(SignedDuration::from_secs(slept));
        let outcome = call(&morning.workshop, &fresh, &order.decision, history.of(&read.id)).await;
        assert_eq!(outcome == Outcome::Accepted, is_called, "{slept}");
        let kinds: Vec<Kind> =
            morning.journal.records().into_iter().map(|record| record.kind).collect();
        let last = if is_called { Kind::StartAccepted } else { Kind::StartWithdrawn };
        assert_eq!(kinds, [Kind::StartIntended, last], "{slept}");
    }
}

#[tokio::test]
async fn what_is_learnt_while_a_call_waits_for_its_turn_counts() {
    let morning = Morning::new();
    let order = morning.order().await;
    let turn = morning.workshop.permits.acquire(Urgency::Usual).await.unwrap();
    let mut waiting = Box::pin(morning.attempt(&order));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    let data = Data {
        studio: Some(STUDIO.to_owned()),
        session: Some("artist".to_owned()),
        stopped_at: order.run,
        ..Data::default()
    };
    let failed = Record { time: at("06:50:00"), kind: Kind::StartFailed, subject: "".into(), data };
    morning.journal.commit(vec![failed]).await.unwrap();
    drop(turn);
    assert_eq!(waiting.await, Outcome::Accepted);
    let records = morning.journal.records();
    assert_eq!((&records[1].kind, records[1].data.attempt), (&Kind::StartIntended, Some(1)));
}

#[tokio::test]
async fn what_another_scan_decides_while_the_intent_is_written_takes_the_stop_back() {
    let morning = Morning::new();
    let order = morning.order().await;
    let read = morning.workshop.provider.read(&order.decision.session).await.unwrap();
    let why = |action: Action, last: Option<&Decision>| {
        *morning.gate.decided.lock().unwrap() = last.cloned();
        let fresh = Fresh { action, ..morning.just_read(read.clone(), &order) };
        second_thought(&morning.workshop, &fresh, &order.decision)
    };
    let kept =
        Decision { reason: Reason::TagKeep { value: "wait".to_owned() }, ..order.decision.clone() };
    assert_eq!(why(Action::Stop, Some(&order.decision)), None);
    assert_eq!(why(Action::Stop, None), None);
    let otherwise = "something else was decided about it before the call";
    assert_eq!(why(Action::Stop, Some(&kept)), Some(otherwise));
    // Whoever starts a machine without need endangers nothing.
    assert_eq!(why(Action::Start, Some(&kept)), None);
}

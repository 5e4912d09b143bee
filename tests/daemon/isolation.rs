//! One studio that misbehaves in every way changes nothing for the others, and is left alone itself.

use lightsout::audit::record::Kind;
use lightsout::sandbox::world::Operation;
use lightsout::sandbox::{Fault, FaultRule};

use crate::http::{BROKEN, Call, HEALTHY, Studios};
use crate::rig::at;

/// The evening of the healthy studios when nothing goes wrong anywhere.
async fn undisturbed() -> Vec<Vec<Call>> {
    let studios = Studios::started(|_| {}).await;
    studios.until("22:00:00").await;
    let calls: Vec<Vec<Call>> = HEALTHY.iter().map(|studio| studios.calls(studio)).collect();
    for (calls, number) in calls.iter().zip([1, 3]) {
        let stop = |call: &&Call| call.operation == Operation::StopStreamingSession.name();
        let stops: Vec<_> = calls
            .iter()
            .filter(stop)
            .map(|call| (call.at, call.session.clone().unwrap()))
            .collect();
        let expected = [
            (at("20:00:00"), format!("day-{number}")),
            (at("20:23:45"), format!("evening-{number}")),
        ];
        assert_eq!(stops, expected);
    }
    assert_eq!(studios.records(BROKEN, &Kind::StopProven).len(), 2);
    studios.end().await;
    calls
}

/// For two hours every request for one studio goes wrong; then all is well again.
async fn check(undisturbed: &[Vec<Call>], fault: Fault, problem: &str) {
    let name = format!("{fault:?}");
    let rule = FaultRule::new(fault).studio(BROKEN);
    let studios = Studios::started(|faults| faults.add(rule)).await;
    studios.until("21:05:00").await;

    assert_eq!(studios.effects(BROKEN), [], "{name}");
    assert!(studios.stop_tokens(BROKEN).is_empty(), "{name}");
    let held = studios.records(BROKEN, &Kind::StudioHeld);
    assert_eq!(held.len(), 1, "{name}");
    let reason = held[0].data.reason.as_ref().unwrap();
    assert_eq!(reason.code, "listing_incomplete", "{name}");
    assert_eq!(reason.values["problem"], problem, "{name}");
    assert!(reason.alarm, "{name}");

    studios.faults.clear();
    studios.until("22:00:00").await;
    for (studio, undisturbed) in HEALTHY.iter().zip(undisturbed) {
        assert_eq!(studios.calls(studio), *undisturbed, "{name}, {studio}");
        assert_eq!(studios.records(studio, &Kind::StudioHeld), [], "{name}, {studio}");
    }
    assert_eq!(studios.records(BROKEN, &Kind::StudioResumed).len(), 1, "{name}");
    assert_eq!(studios.records(BROKEN, &Kind::StopProven).len(), 2, "{name}");
    let stops = studios.effects(BROKEN);
    let stops: Vec<&str> = stops.iter().map(|effect| effect.subject.as_str()).collect();
    assert_eq!(stops, ["day-2", "evening-2"], "{name}");
    studios.end().await;
}

#[tokio::test]
async fn a_studio_that_refuses_or_fails_hinders_no_other() {
    let undisturbed = undisturbed().await;
    check(&undisturbed, Fault::Denied, "denied").await;
    check(&undisturbed, Fault::Throttled, "throttled").await;
    check(&undisturbed, Fault::InternalError, "server_error").await;
    check(&undisturbed, Fault::Html503, "server_error").await;
}

#[tokio::test]
async fn a_studio_that_does_not_answer_hinders_no_other() {
    let undisturbed = undisturbed().await;
    check(&undisturbed, Fault::Silence, "timed_out").await;
    check(&undisturbed, Fault::LostAnswer, "unreachable").await;
}

#[tokio::test]
async fn a_studio_whose_answers_are_broken_hinders_no_other() {
    let undisturbed = undisturbed().await;
    check(&undisturbed, Fault::TruncatedJson, "garbled").await;
    check(&undisturbed, Fault::HugeBody { bytes: 100_000_000 }, "too_large").await;
}

#[tokio::test]
async fn a_studio_whose_pages_do_not_end_hinders_no_other() {
    let undisturbed = undisturbed().await;
    check(&undisturbed, Fault::EndlessToken, "endless_pages").await;
    check(&undisturbed, Fault::RepeatingToken, "endless_pages").await;
}

#[tokio::test]
async fn a_studio_that_fails_for_a_day_leaves_the_others_their_retries() {
    let fails = FaultRule::new(Fault::InternalError);
    let studios = Studios::started(|faults| faults.add(fails.clone().studio(BROKEN))).await;
    studios.pass(24).await;
    // Now another has a bad moment: each of its lists fails twice, and a third attempt is all it
    // takes.
    for operation in [Operation::ListStreamingSessions, Operation::ListLaunchProfiles] {
        let twice = fails.clone().studio(HEALTHY[0]).operation(operation).times(2);
        studios.faults.add(twice);
    }
    studios.pass(1).await;
    let failed = studios.calls(HEALTHY[0]).iter().filter(|call| call.status == Some(500)).count();
    assert_eq!(failed, 4);
    assert_eq!(studios.records(HEALTHY[0], &Kind::StudioHeld), []);
    studios.end().await;
}

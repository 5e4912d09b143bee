//! Outages over HTTP with the real adapter: what a thousand sessions that are due cost in requests while
//! nothing is answered, and how soon all are stopped once it is.

use std::fmt::Write as _;

use jiff::SignedDuration;
use lightsout::audit::record::Kind;
use lightsout::clock::Clock;
use lightsout::sandbox::world::Operation;
use lightsout::sandbox::{Fault, FaultRule};

use crate::common::{ACCOUNT, PROFILES, STUDIO};
use crate::http::Studios;
use crate::rig::{at, policy};

/// So many sessions are due at 20:00:00.
const SESSIONS: usize = 1000;

/// What an outage may cost.
const REQUESTS_MAX: usize = 60;

fn world_text() -> String {
    let mut text = format!(
        "[settings]\nstop_time = \"90s\"\n[[studio]]\nid = \"{STUDIO}\"\naccount = \"{ACCOUNT}\"\n\
         name = \"x\"\n{PROFILES}"
    );
    for session in 0..SESSIONS {
        write!(
            text,
            "[[studio.session]]\nid = \"s-{session:04}\"\nprofile = \"persistent\"\n\
             created = \"-30d\"\nstarted = \"-9h\"\n"
        )
        .unwrap();
    }
    text
}

fn studio_text(endpoint: &str) -> String {
    format!(
        "[[studio]]\nid = \"{STUDIO}\"\naccount = \"{ACCOUNT}\"\nendpoint_url = \"{endpoint}\"\n\
         schedule = \"nights\"\nwarn = []\nbrake = {{ per_scan = 5000, per_hour = 5000 }}\n"
    )
}

async fn started() -> Studios {
    let policy = |endpoint: &str| policy("5m", &studio_text(endpoint));
    Studios::of("19:58:00", &world_text(), policy, |_| {}).await
}

/// For a time every request goes wrong, from the `after`th of the scan on in which the sessions are due.
async fn check(fault: Fault, after: u64, length: SignedDuration) {
    let name = format!("{fault:?}, after {after} requests, for {length:#}");
    let studios = started().await;
    studios.until("19:59:59").await;
    studios.faults.add(FaultRule::new(fault).after(after));
    studios.clock.drive(at("20:00:00") + length).await;
    let calls = studios.calls(STUDIO);
    let failed = calls.iter().filter(|call| call.status != Some(200)).count();
    assert!((10..=REQUESTS_MAX).contains(&failed), "{name}: {failed} requests failed");
    let held = studios.records(STUDIO, &Kind::StudioHeld);
    let reason = held.last().unwrap().data.reason.as_ref().unwrap();
    assert_eq!(reason.values["problem"], "not_asked", "{name}");

    studios.faults.clear();
    let end = studios.clock.now();
    studios.clock.drive(end + SignedDuration::from_mins(10)).await;
    let after: Vec<_> = studios.calls(STUDIO).into_iter().filter(|call| call.at >= end).collect();
    let stop = Operation::StopStreamingSession.name();
    let last = after.iter().filter(|call| call.operation == stop).map(|call| call.at).max();
    let scans = after.iter().filter(|call| {
        call.operation == Operation::ListLaunchProfiles.name() && Some(call.at) <= last
    });
    assert!(scans.count() <= 2, "{name}");
    studios.clock.drive(end + SignedDuration::from_mins(15)).await;
    assert_eq!(studios.records(STUDIO, &Kind::StopProven).len(), SESSIONS, "{name}");
    let tokens = studios.stop_tokens(STUDIO);
    let is_one_decision = |tokens: &Vec<String>| tokens.iter().all(|token| *token == tokens[0]);
    assert!(tokens.values().all(is_one_decision), "{name}: a decision had two tokens");
}

#[tokio::test]
async fn an_hour_of_outage_while_a_thousand_sessions_are_stopped_costs_at_most_sixty_requests() {
    let hour = SignedDuration::from_hours(1);
    check(Fault::InternalError, 200, hour).await;
    check(Fault::Silence, 200, hour).await;
    check(Fault::Html503, 0, hour).await;
}

#[tokio::test]
async fn an_outage_of_ten_minutes_or_four_hours_costs_no_more_than_one_of_an_hour_may() {
    check(Fault::InternalError, 11, SignedDuration::from_mins(10)).await;
    check(Fault::InternalError, 500, SignedDuration::from_hours(4)).await;
}

#[tokio::test]
async fn credentials_that_have_expired_for_an_hour_hold_the_studio_and_are_no_empty_one() {
    let studios = started().await;
    studios.until("19:59:59").await;
    studios.faults.add(FaultRule::new(Fault::CredentialsExpired).after(200));
    studios.until("21:00:00").await;
    let failed = studios.calls(STUDIO).iter().filter(|call| call.status == Some(403)).count();
    // Each call is made once more with credentials that are read anew.
    assert!((10..=2 * REQUESTS_MAX).contains(&failed), "{failed} requests failed");
    assert_eq!(studios.records(STUDIO, &Kind::SessionVanished), []);
    let held = studios.records(STUDIO, &Kind::StudioHeld);
    let last = held.last().unwrap().data.reason.as_ref().unwrap();
    assert!(last.text.contains("the credentials were expired or are not known"), "{}", last.text);
    studios.faults.clear();
    studios.until("21:20:00").await;
    assert_eq!(studios.records(STUDIO, &Kind::StopProven).len(), SESSIONS);
}

/// Credentials that expire once, in the middle of whatever is being done, disturb nothing.
#[tokio::test]
async fn credentials_that_expire_once_are_renewed_in_passing() {
    let studios = started().await;
    studios.until("19:59:59").await;
    for after in [0, 5, 300, 301, 900, 1500] {
        studios.faults.add(FaultRule::new(Fault::CredentialsExpired).after(after).times(1));
    }
    studios.until("20:10:00").await;
    assert_eq!(studios.records(STUDIO, &Kind::StopProven).len(), SESSIONS);
    assert_eq!(studios.records(STUDIO, &Kind::StudioHeld), []);
    for kind in [Kind::StopRejected, Kind::StopDropped, Kind::StopUnanswered] {
        assert_eq!(studios.records(STUDIO, &kind), [], "{kind}");
    }
}

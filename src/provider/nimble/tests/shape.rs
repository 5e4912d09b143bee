//! Answers whose bytes are within the bound and whose shape is not, without a network.

use std::collections::BTreeSet;

use super::*;
use crate::provider::nimble::stand_in;

/// Gives the same answer to everything.
#[derive(Debug)]
struct Same(stand_in::Answer);

impl StandIn for Same {
    fn answer(&self, _method: &str, _uri: &str) -> Option<stand_in::Answer> {
        Some(self.0.clone())
    }
}

/// A studio to which that is all that is answered.
fn studio(answer: stand_in::Answer) -> NimbleStudio {
    let clock = SimulatedClock::new("2026-11-20T19:00:00Z".parse().unwrap());
    let connections = Connections::answered_by(Arc::new(clock), Arc::new(Same(answer)));
    connections.connect(&studio_policy(None, "http://127.0.0.1:1"))
}

/// What is said of a session of which that is all that is answered.
async fn read(status: u16, body: String) -> ProviderError {
    let answer = stand_in::Answer { status, headers: Vec::new(), body: body.into_bytes() };
    studio(answer).read(&"s-1".into()).await.unwrap_err()
}

/// The SDK signs by the service's clock once it was told of it, and is answered all the same.
#[tokio::test]
async fn a_studio_whose_service_has_another_time_is_not_read_whole() {
    let at = "2026-11-20T19:00:00Z".parse::<Timestamp>().unwrap();
    for (date, is_whole) in [("19:03:59", true), ("10:00:00", false), ("19:50:00", false)] {
        let clock = Arc::new(SimulatedClock::new(at));
        let answer = stand_in::Answer {
            status: 200,
            headers: vec![(b"date".to_vec(), format!("Fri, 20 Nov 2026 {date} GMT").into_bytes())],
            body: json!({
                "launchProfiles": [],
                "sessions": [],
                "studio": { "arn": "arn:aws:nimble:us-west-2:111122223333:studio/stid-1" },
            })
            .to_string()
            .into_bytes(),
        };
        let connections = Connections::answered_by(clock, Arc::new(Same(answer)));
        let studio = connections.connect(&studio_policy(None, "https://127.0.0.1:1"));
        let Snapshot { gaps, accounts, .. } = studio.observe().await;
        assert_eq!(accounts, ["111122223333".into()], "without it nothing is rescued");
        assert_eq!(gaps.iter().all(|gap| gap.wanted != Wanted::Clock), is_whole, "{gaps:?}");
        assert_eq!(gaps.iter().any(|gap| gap.detail.contains("the clock of this host")), !is_whole);
    }
}

/// A service whose time is five hours later, and which takes nothing that was signed by another: the first call of a kind.
#[derive(Debug, Default)]
struct Strict(Mutex<BTreeSet<String>>);

impl StandIn for Strict {
    fn answer(&self, method: &str, uri: &str) -> Option<stand_in::Answer> {
        let is_first = self.0.lock().unwrap().insert(format!("{method} {uri}"));
        let body = match is_first {
            true => json!({ "code": "InvalidSignatureException", "message": "Signature expired" }),
            false => {
                json!({ "session": { "sessionId": "s-1" }, "sessions": [], "launchProfiles": [] })
            }
        };
        Some(stand_in::Answer {
            status: if is_first { 403 } else { 200 },
            headers: vec![(b"date".to_vec(), b"Sat, 21 Nov 2026 00:00:00 GMT".to_vec())],
            body: body.to_string().into_bytes(),
        })
    }
}

/// The SDK keeps the service's time for each client, and repeats nothing by itself. A program that looks once would
/// never come to its rescues.
#[tokio::test]
async fn what_is_refused_since_our_clock_is_another_is_called_once_more_by_the_service_s() {
    let clock = SimulatedClock::new("2026-11-20T19:00:00Z".parse().unwrap());
    let connections = Connections::answered_by(Arc::new(clock), Arc::new(Strict::default()));
    let studio = connections.connect(&studio_policy(None, "https://127.0.0.1:1"));
    let started = studio.start(&session(false), &token()).await;
    assert!(started.is_ok(), "{started:?}");
    let snapshot = studio.observe().await;
    assert_eq!(snapshot.clock_ahead, Some(SignedDuration::from_hours(-5)));
    assert!(snapshot.gaps.iter().all(|gap| gap.wanted == Wanted::Clock), "{:?}", snapshot.gaps);
    // Over a connection that anybody may answer nothing is called again.
    let clock = SimulatedClock::new("2026-11-20T19:00:00Z".parse().unwrap());
    let connections = Connections::answered_by(Arc::new(clock), Arc::new(Strict::default()));
    let studio = connections.connect(&studio_policy(None, "http://127.0.0.1:1"));
    assert_eq!(studio.start(&session(false), &token()).await.unwrap_err().problem, Problem::Denied);
}

/// It goes into the log, whatever became of the call.
#[tokio::test]
async fn the_service_s_name_for_a_call_is_one_bounded_line() {
    let name = [b"a\tb".as_slice(), &[b'x'; 1000]].concat();
    for (id, is_accepted) in [("s-1", true), ("s-2", false)] {
        let studio = studio(stand_in::Answer {
            status: 200,
            headers: vec![(b"x-amzn-requestid".to_vec(), name.clone())],
            body: json!({ "session": { "sessionId": id } }).to_string().into_bytes(),
        });
        for outcome in [
            studio.stop(&session(false), &token()).await,
            studio.start(&session(false), &token()).await,
        ] {
            assert_eq!(outcome.is_ok(), is_accepted);
            let name = outcome.map_or_else(|error| error.request_id, |call| call.request_id);
            assert_eq!(name, Some(format!("ab{}", "x".repeat(errors::DETAIL_MAX - 2))));
        }
    }
}

/// The SDK's reader calls itself once for each level of what it skips, as deep as the answer goes.
#[tokio::test]
async fn an_answer_that_is_nested_without_end_is_refused_before_it_is_read() {
    let deep = "[".repeat(4 * 1024 * 1024);
    for (status, body) in [
        (200, format!(r#"{{"unknown":{deep}"#)),
        (200, format!(r#"{{"session":{{"unknown":{deep}"#)),
        (400, format!(r#"{{"message":{deep}"#)),
    ] {
        let error = read(status, body).await;
        assert_eq!((error.problem, error.problem.proves_no_effect()), (Problem::Garbled, false));
    }
}

/// Every three bytes of such an answer would become a session of 648 bytes.
#[tokio::test]
async fn an_answer_of_more_objects_than_the_bound_is_refused_before_it_is_read() {
    let body = format!(r#"{{"sessions":[{}]}}"#, vec!["{}"; 2_000_000].join(","));
    let error = read(200, body).await;
    insta::assert_snapshot!(
        error,
        @"GetStreamingSession: the answer could not be read: dispatch failure: other: the answer has more than 20000 objects and lists"
    );
}

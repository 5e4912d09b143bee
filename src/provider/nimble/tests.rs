//! The adapter against a server on loopback that answers whatever a test wants.
//!
//! Time is simulated, so that retries and timeouts take milliseconds.

mod members;
mod renewal;
mod shape;

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::clock::SimulatedClock;
use crate::inventory::{Doubt, Gap, SessionState, Stopping, Wanted};
use crate::policy::{Connection, Settings, StudioPolicy};

const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";
const SESSION_ARN: &str = "arn:aws:nimble:us-west-2:111122223333:streaming-session/s-1";

/// What a request was.
#[derive(Debug, Clone)]
struct Seen {
    line: String,
    token: Option<String>,
    /// Under which the caller holds the clock.
    hold: String,
    body: String,
}

/// What the server does.
type Answer = Arc<dyn Fn(&Seen) -> Response + Send + Sync>;

/// An answer to whatever is asked.
type Respond = fn() -> Response;

/// A server, a studio behind it, and a clock that moves while calls are made.
struct World {
    clock: SimulatedClock,
    studio: NimbleStudio,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl World {
    async fn new(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Self {
        Self::with_account(None, answer).await
    }

    async fn with_account(
        account: Option<&str>,
        answer: impl Fn(&Seen) -> Response + Send + Sync + 'static,
    ) -> Self {
        let clock = SimulatedClock::new("2026-11-20T19:00:00Z".parse().unwrap());
        let seen = Arc::default();
        let url = serve(Arc::clone(&seen), Arc::new(answer)).await;
        let policy = studio_policy(account, &url);
        Self::of(&policy, clock, seen)
    }

    fn of(policy: &StudioPolicy, clock: SimulatedClock, seen: Arc<Mutex<Vec<Seen>>>) -> Self {
        let studio = Connections::new(Arc::new(clock.clone())).connect(policy);
        Self { clock, studio, seen }
    }

    /// Waits for `work` while simulated time moves as far as it must.
    async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let end = self.clock.now() + SignedDuration::from_hours(10);
        tokio::select! {
            biased;
            outcome = work => outcome,
            () = self.clock.drive(end) => panic!("ten hours were not enough"),
        }
    }

    /// How long `work` takes, in simulated time.
    async fn time<T>(&self, work: impl Future<Output = T>) -> (T, SignedDuration) {
        let began = self.clock.now();
        let outcome = self.run(work).await;
        (outcome, began.duration_until(self.clock.now()))
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

fn studio_policy(account: Option<&str>, url: &str) -> StudioPolicy {
    let connection = Connection {
        region: "us-west-2".into(),
        account: account.map(Into::into),
        role_arn: None,
        external_id: None,
        profile: None,
        endpoint_url: Some(url.to_owned()),
    };
    StudioPolicy {
        id: STUDIO.into(),
        name: None,
        connection,
        settings: Settings::built_in(),
        rules: Vec::new(),
        brake: crate::policy::Brake::default(),
        asks_roles: false,
    }
}

/// A server on a port of its own, for as long as the test's runtime lives.
async fn serve(seen: Arc<Mutex<Vec<Seen>>>, answer: Answer) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(move |request: Request| {
        let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
        async move {
            let request = look(request).await;
            seen.lock().unwrap().push(request.clone());
            answer(&request)
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn look(request: Request) -> Seen {
    let (parts, body) = request.into_parts();
    let header =
        |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let token = header("x-amz-client-token");
    let attempt = header("amz-sdk-request").unwrap();
    let attempt = attempt.split("attempt=").nth(1).unwrap().split(';').next().unwrap();
    let hold = format!("{}/{attempt}", header("amz-sdk-invocation-id").unwrap());
    let line = format!("{} {}", parts.method, parts.uri);
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Seen { line, token, hold, body: String::from_utf8(body.to_vec()).unwrap() }
}

fn ok(body: &Value) -> Response {
    Response::builder()
        .header("content-type", "application/json")
        .header("x-amzn-requestid", "request-1")
        .body(Body::from(body.to_string()))
        .unwrap()
}

fn error(status: u16, kind: &str) -> Response {
    Response::builder()
        .status(status)
        .header("x-amzn-errortype", kind)
        .header("x-amzn-requestid", "request-2")
        .body(Body::from(json!({ "message": "in words" }).to_string()))
        .unwrap()
}

fn session_row(id: &str) -> Value {
    json!({ "sessionId": id, "arn": SESSION_ARN, "state": "READY", "launchProfileId": "lp-1" })
}

fn profile_row() -> Value {
    json!({ "launchProfileId": "lp-1", "name": "Comp", "streamConfiguration": {
        "clipboardMode": "ENABLED", "ec2InstanceTypes": [], "streamingImageIds": [],
        "sessionPersistenceMode": "ACTIVATED",
    }})
}

fn empty_lists(seen: &Seen) -> Response {
    if seen.line.contains("launch-profiles") {
        ok(&json!({ "launchProfiles": [] }))
    } else if seen.line.contains("streaming-sessions") {
        ok(&json!({ "sessions": [] }))
    } else {
        ok(&json!({ "studio": {} }))
    }
}

/// A session to call for, that persists or not.
fn session(retains_volumes: bool) -> Session {
    Session {
        id: "s-1".into(),
        arn: Some(SESSION_ARN.to_owned()),
        state: SessionState::Ready,
        status: None,
        owner: None,
        launch_profile: None,
        launch_profile_name: None,
        instance_type: None,
        studio_role: None,
        streaming_image: None,
        persistence: Some(false),
        created_at: None,
        started_at: None,
        stopped_at: None,
        started_by: None,
        stopped_by: None,
        terminate_at: None,
        ends_itself: None,
        stopping: Stopping::Allowed { destroyed_after: None },
        retains_volumes,
        tags: std::collections::BTreeMap::new(),
    }
}

fn token() -> ClientToken {
    ClientToken("token-of-this-cycle".to_owned())
}

#[tokio::test]
async fn a_studio_is_read_whole_over_several_pages_and_joined() {
    let world = World::with_account(Some("111122223333"), |seen| {
        if seen.line.contains("launch-profiles") {
            ok(&json!({ "launchProfiles": [profile_row()] }))
        } else if seen.line.contains("nextToken=t%2F1%3D") {
            ok(&json!({ "sessions": [session_row("s-2")], "nextToken": "2" }))
        } else if seen.line.contains("nextToken=2") {
            // The same session again, further on its way.
            let row = json!({ "sessionId": "s-2", "state": "STOP_IN_PROGRESS" });
            ok(&json!({ "sessions": [row, { "sessionId": "s-0", "state": "DELETED" }] }))
        } else {
            ok(&json!({ "sessions": [session_row("s-1")], "nextToken": "t/1=" }))
        }
    })
    .await;
    let snapshot = world.run(world.studio.observe()).await;
    assert_eq!(snapshot.gaps, []);
    assert_eq!(snapshot.accounts, ["111122223333".into()]);
    assert_eq!(snapshot.began, "2026-11-20T19:00:00Z".parse::<Timestamp>().unwrap());
    let states: Vec<_> =
        snapshot.sessions.iter().map(|(id, s)| format!("{id} {}", s.state)).collect();
    assert_eq!(states, ["s-0 DELETED", "s-1 READY", "s-2 STOP_IN_PROGRESS"]);
    let joined = &snapshot.sessions[&"s-1".into()];
    assert_eq!(joined.launch_profile_name.as_deref(), Some("Comp"));
    assert_eq!(joined.stopping, Stopping::Allowed { destroyed_after: None });
    assert!(joined.retains_volumes);
    let unjoined = &snapshot.sessions[&"s-2".into()];
    assert_eq!(unjoined.stopping, Stopping::Unclear(Doubt::NoLaunchProfile));
    assert!(world.lines()[0].starts_with("GET /2020-08-01/studios/us-west-2%3Astid-EXAMPLE11111/"));
}

#[tokio::test]
async fn a_session_without_an_id_is_a_gap() {
    let world = World::new(|seen| {
        if seen.line.contains("streaming-sessions") {
            // A row that is nothing at all is one that was not read.
            ok(&json!({ "sessions": [session_row("s-1"), { "state": "READY" }, null] }))
        } else {
            empty_lists(seen)
        }
    })
    .await;
    let snapshot = world.run(world.studio.observe()).await;
    assert_eq!(snapshot.sessions.len(), 1);
    let detail = "2 of the sessions carry no id".to_owned();
    assert_eq!(
        snapshot.gaps,
        [Gap { wanted: Wanted::Sessions, problem: Problem::Garbled, detail }]
    );
}

#[tokio::test]
async fn a_tag_without_a_value_is_a_tag() {
    let world = World::new(|seen| {
        if seen.line.contains("streaming-sessions") {
            let mut row = session_row("s-1");
            row["tags"] = json!({ "lightsout:keep": null, "tier": "gold" });
            ok(&json!({ "sessions": [row] }))
        } else {
            empty_lists(seen)
        }
    })
    .await;
    let snapshot = world.run(world.studio.observe()).await;
    let tags = &snapshot.sessions[&"s-1".into()].tags;
    assert_eq!((tags["lightsout:keep"].as_str(), tags["tier"].as_str()), ("", "gold"));
}

#[tokio::test]
async fn an_answer_without_a_list_is_a_gap_and_no_empty_studio() {
    let list = |of: &str| if of == "sessions" { Wanted::Sessions } else { Wanted::LaunchProfiles };
    for (lacking, page, detail) in [
        ("sessions", json!({}), "there are no sessions in it"),
        ("sessions", json!({ "sessions": null }), "there are no sessions in it"),
        ("sessions", json!({ "nextToken": "more" }), "there are no sessions in it"),
        ("launchProfiles", json!({}), "there are no launchProfiles in it"),
    ] {
        let world = World::new(move |seen| {
            let is_of_sessions = seen.line.contains("streaming-sessions");
            let is_lacking = is_of_sessions == (lacking == "sessions");
            if is_lacking { ok(&page) } else { empty_lists(seen) }
        })
        .await;
        let snapshot = world.run(world.studio.observe()).await;
        let (wanted, problem) = (list(lacking), Problem::Garbled);
        assert_eq!(snapshot.gaps, [Gap { wanted, problem, detail: detail.to_owned() }]);
    }
}

#[tokio::test]
async fn a_token_that_repeats_is_a_gap_and_what_was_read_stays() {
    let world = World::new(|seen| {
        if seen.line.contains("streaming-sessions") {
            ok(&json!({ "sessions": [session_row("s-1")], "nextToken": "again" }))
        } else {
            empty_lists(seen)
        }
    })
    .await;
    let snapshot = world.run(world.studio.observe()).await;
    assert_eq!(snapshot.sessions.len(), 1);
    assert_eq!(snapshot.gaps.len(), 1);
    assert_eq!(snapshot.gaps[0].problem, Problem::EndlessPages);
    assert_eq!(world.seen().len(), 3);
}

#[tokio::test]
async fn pages_without_end_are_a_gap() {
    let pages = AtomicUsize::new(0);
    let world = World::new(move |seen| {
        if seen.line.contains("streaming-sessions") {
            let page = pages.fetch_add(1, Ordering::Relaxed);
            let row = session_row(&format!("s-{page}"));
            ok(&json!({ "sessions": [row], "nextToken": format!("t{page}") }))
        } else {
            empty_lists(seen)
        }
    })
    .await;
    let snapshot = world.run(world.studio.observe()).await;
    assert_eq!(snapshot.gaps[0].problem, Problem::EndlessPages);
    assert_eq!(snapshot.sessions.len(), pages::PAGES_MAX);
}

#[tokio::test]
async fn the_account_is_asked_of_the_studio_where_nothing_else_tells_it() {
    let answers: [(Respond, &[&str], usize); 3] = [
        (
            || {
                ok(
                    &json!({ "studio": { "arn": "arn:aws:nimble:us-west-2:444455556666:studio/x" } }),
                )
            },
            &["444455556666"],
            0,
        ),
        (|| ok(&json!({ "studio": {} })), &[], 0),
        (|| error(403, "AccessDeniedException"), &[], 1),
    ];
    for (answer, accounts, gaps) in answers {
        let respond = move |seen: &Seen| {
            if seen.line.ends_with("EXAMPLE11111") { answer() } else { empty_lists(seen) }
        };
        let world = World::with_account(Some("444455556666"), respond).await;
        let snapshot = world.run(world.studio.observe()).await;
        let expected: Vec<AccountId> = accounts.iter().copied().map(Into::into).collect();
        assert_eq!(snapshot.accounts, expected);
        assert_eq!(snapshot.gaps.len(), gaps, "{:?}", snapshot.gaps);
        assert!(snapshot.gaps.iter().all(|gap| gap.wanted == Wanted::Studio));
        // Without an expected account, not to know it is no gap.
        let world = World::new(respond).await;
        assert_eq!(world.run(world.studio.observe()).await.gaps, []);
    }
}

#[tokio::test]
async fn every_failure_of_a_list_is_a_gap_of_its_own_kind() {
    let cases: [(Respond, Problem, usize); 7] = [
        (|| error(403, "AccessDeniedException"), Problem::Denied, 1),
        (|| error(404, "ResourceNotFoundException"), Problem::Gone, 1),
        (|| error(429, "ThrottlingException"), Problem::Throttled, 3),
        (|| error(500, "InternalServerErrorException"), Problem::ServerError, 3),
        (|| error(302, "Elsewhere"), Problem::Garbled, 1),
        (|| Response::new(Body::from(r#"{"sessions":[{"sessionId":"s-"#)), Problem::Garbled, 1),
        (|| Response::new(Body::from("<html>It works!</html>")), Problem::Garbled, 1),
    ];
    for (answer, problem, calls) in cases {
        let world = World::new(move |seen| {
            if seen.line.contains("streaming-sessions") { answer() } else { empty_lists(seen) }
        })
        .await;
        let snapshot = world.run(world.studio.observe()).await;
        let problems: Vec<_> = snapshot.gaps.iter().map(|gap| (gap.wanted, gap.problem)).collect();
        assert_eq!(problems, [(Wanted::Sessions, problem)]);
        let lines = world.lines();
        let asked = lines.iter().filter(|line| line.contains("streaming-sessions")).count();
        assert_eq!(asked, calls, "{problem:?}");
    }
}

#[tokio::test]
async fn errors_carry_the_services_words_and_its_name_for_the_call() {
    let world = World::new(|_| error(409, "ConflictException")).await;
    let failure = world.run(world.studio.stop(&session(false), &token())).await.unwrap_err();
    assert_eq!(failure.request_id.as_deref(), Some("request-2"));
    insta::assert_snapshot!(
        failure,
        @"StopStreamingSession: it was in another state than the call needs: ConflictException: in words"
    );
    assert_eq!(world.seen().len(), 1);
}

#[tokio::test]
async fn a_label_is_set_in_one_attempt_and_so_is_a_probe() {
    let world = World::new(|_| error(500, "InternalServerErrorException")).await;
    for _ in 0..2 {
        world.run(world.studio.tag(&session(true), "a", "b")).await.unwrap_err();
        world.run(world.studio.untag(&session(true), "a")).await.unwrap_err();
        world.run(world.studio.probe()).await.unwrap_err();
    }
    assert_eq!(world.seen().len(), 6);
}

#[tokio::test]
async fn where_everything_fails_nothing_is_attempted_three_times() {
    let fails = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let still = Arc::clone(&fails);
    let world = World::new(move |seen| match still.load(Ordering::Relaxed) {
        true => error(500, "InternalServerErrorException"),
        false => empty_lists(seen),
    })
    .await;
    let mut attempts = Vec::new();
    for _ in 0..4 {
        let before = world.seen().len();
        assert_eq!(world.run(world.studio.observe()).await.gaps.len(), 2);
        attempts.push(world.seen().len() - before);
    }
    // The first two readings use up what patience there is.
    assert_eq!((attempts[0], &attempts[2..]), (6, &[2, 2][..]), "{attempts:?}");
    fails.store(false, Ordering::Relaxed);
    assert_eq!(world.run(world.studio.observe()).await.gaps, []);
    fails.store(true, Ordering::Relaxed);
    let before = world.seen().len();
    world.run(world.studio.observe()).await;
    assert_eq!(world.seen().len() - before, 6);
}

#[tokio::test]
async fn an_answer_over_the_bound_is_an_error_and_is_not_read_whole() {
    const CHUNK: usize = 64 * 1024;
    for announces_length in [false, true] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&sent);
        let world = World::new(move |_| {
            let counter = Arc::clone(&counter);
            let chunks = (0..100 * 1024 * 1024 / CHUNK).map(move |_| {
                counter.fetch_add(CHUNK, Ordering::Relaxed);
                Ok::<_, Infallible>(Bytes::from_static(&[b' '; CHUNK]))
            });
            let body = Body::from_stream(futures_util::stream::iter(chunks));
            let mut response = Response::new(body);
            if announces_length {
                let length = (100 * 1024 * 1024).into();
                response.headers_mut().insert("content-length", length);
            }
            response
        })
        .await;
        let failure = world.run(world.studio.read(&"s-1".into())).await.unwrap_err();
        assert_eq!(failure.problem, Problem::TooLarge);
        assert_eq!(world.seen().len(), 1, "it is not tried again");
        // What the kernel buffers on both sides comes on top of the bound.
        let sent = sent.load(Ordering::Relaxed);
        assert!(sent < http::BODY_MAX + 16 * 1024 * 1024, "{sent} bytes were sent");
    }
}

#[tokio::test]
async fn silence_ends_in_a_timeout_of_simulated_time() {
    let silent = Arc::new(Mutex::new(None::<SimulatedClock>));
    let clock = Arc::clone(&silent);
    let world = World::new(move |seen| {
        clock.lock().unwrap().as_ref().unwrap().stalled(&seen.hold);
        let silence = futures_util::stream::pending::<Result<Bytes, Infallible>>();
        Response::new(Body::from_stream(silence))
    })
    .await;
    *silent.lock().unwrap() = Some(world.clock.clone());
    let (outcome, took) = world.time(world.studio.stop(&session(false), &token())).await;
    assert_eq!(outcome.unwrap_err().problem, Problem::TimedOut);
    assert!(took <= SignedDuration::from_secs(10), "a change is attempted once: {took}");
    assert_eq!(world.seen().len(), 1);
    let (outcome, took) = world.time(world.studio.read(&"s-1".into())).await;
    assert_eq!(outcome.unwrap_err().problem, Problem::TimedOut);
    assert!(took >= SignedDuration::from_secs(20), "{took}");
    assert!(took <= SignedDuration::from_secs(30), "{took}");
    // The reading was attempted three times, and each attempt had a hold of its own.
    let seen = world.seen();
    assert_eq!(seen.len(), 1 + 3);
    let holds: std::collections::BTreeSet<_> = seen.iter().map(|seen| &seen.hold).collect();
    assert_eq!(holds.len(), 1 + 3);
    assert_eq!(seen[0].token.as_deref(), Some(token().0.as_str()));
}

#[tokio::test]
async fn no_simulated_time_passes_while_a_call_is_answered() {
    let world = World::new(empty_lists).await;
    let (_, took) = world.time(world.studio.observe()).await;
    assert_eq!(took, SignedDuration::ZERO);
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
    let connections = Connections::new(Arc::new(clock.clone()));
    let studio = connections.connect(&studio_policy(None, "http://127.0.0.1:1"));
    let end = clock.now() + SignedDuration::from_mins(10);
    let session = SessionId::from("s-1");
    let failure = tokio::select! {
        outcome = studio.read(&session) => outcome.unwrap_err(),
        () = clock.drive(end) => panic!("it took ten minutes"),
    };
    assert_eq!(failure.problem, Problem::Unreachable);
}

#[tokio::test]
async fn a_stop_carries_its_token_and_retains_volumes_only_where_the_session_persists() {
    for (persists, body) in [(true, r#"{"volumeRetentionMode":"RETAIN"}"#), (false, "{}")] {
        let world = World::new(|_| {
            ok(&json!({ "session": { "sessionId": "s-1", "state": "STOP_IN_PROGRESS" } }))
        })
        .await;
        let accepted = world.run(world.studio.stop(&session(persists), &token())).await.unwrap();
        assert_eq!(accepted.request_id.as_deref(), Some("request-1"));
        assert_eq!(accepted.session.state.to_string(), "STOP_IN_PROGRESS");
        let seen = world.seen();
        let path = "/2020-08-01/studios/us-west-2%3Astid-EXAMPLE11111/streaming-sessions/s-1/stop";
        assert_eq!(seen[0].line, format!("POST {path}"));
        assert_eq!(seen[0].token.as_deref(), Some("token-of-this-cycle"));
        assert_eq!(seen[0].body, body);
    }
}

#[tokio::test]
async fn a_start_carries_its_token() {
    let answer = json!({ "session": { "sessionId": "s-1", "state": "START_IN_PROGRESS" } });
    let world = World::new(move |_| ok(&answer)).await;
    let accepted = world.run(world.studio.start(&session(true), &token())).await.unwrap();
    assert_eq!(accepted.session.state.to_string(), "START_IN_PROGRESS");
    let seen = world.seen();
    assert!(seen[0].line.ends_with("/streaming-sessions/s-1/start"));
    assert_eq!(seen[0].token.as_deref(), Some("token-of-this-cycle"));
}

#[tokio::test]
async fn an_answer_about_another_session_or_none_is_not_taken_for_success() {
    for body in [json!({}), json!({ "session": { "sessionId": "s-9" } }), json!({ "session": {} })]
    {
        let world = World::new(move |_| ok(&body)).await;
        let failure = world.run(world.studio.stop(&session(true), &token())).await.unwrap_err();
        assert_eq!(failure.problem, Problem::Garbled);
        assert_eq!(failure.request_id.as_deref(), Some("request-1"));
        let failure = world.run(world.studio.read(&"s-1".into())).await.unwrap_err();
        assert_eq!(failure.problem, Problem::Garbled);
    }
}

#[tokio::test]
async fn labels_are_set_and_removed_by_arn() {
    let world = World::new(|_| Response::builder().status(204).body(Body::empty()).unwrap()).await;
    let session = session(true);
    world.run(world.studio.tag(&session, "lightsout:stopped", "x")).await.unwrap();
    world.run(world.studio.untag(&session, "lightsout:stopped")).await.unwrap();
    let arn = "arn%3Aaws%3Animble%3Aus-west-2%3A111122223333%3Astreaming-session%2Fs-1";
    assert_eq!(
        world.lines(),
        [
            format!("POST /2020-08-01/tags/{arn}"),
            format!("DELETE /2020-08-01/tags/{arn}?tagKeys=lightsout%3Astopped"),
        ]
    );
    assert_eq!(world.seen()[0].body, r#"{"tags":{"lightsout:stopped":"x"}}"#);
    let nameless = Session { arn: None, ..session };
    let failure = world.run(world.studio.tag(&nameless, "a", "b")).await.unwrap_err();
    assert_eq!(failure.problem, Problem::Refused);
}

#[tokio::test]
async fn reading_sessions_of_one_profile_reads_the_profile_once_while_it_is_fresh() {
    let world = World::new(|seen| {
        if seen.line.contains("launch-profiles") {
            ok(&json!({ "launchProfile": profile_row() }))
        } else {
            let id = seen.line.rsplit('/').next().unwrap();
            ok(&json!({ "session": session_row(id) }))
        }
    })
    .await;
    let profile_calls =
        || world.lines().iter().filter(|line| line.contains("launch-profiles")).count();
    let ids = ["s-1", "s-2", "s-3"].map(SessionId::from);
    let reads = futures_util::future::join_all(ids.iter().map(|id| world.studio.read(id)));
    for session in world.run(reads).await {
        assert_eq!(session.unwrap().launch_profile_name.as_deref(), Some("Comp"));
    }
    assert_eq!(profile_calls(), 1);
    world.clock.drive(world.clock.now() + profiles::PROFILE_FRESH).await;
    world.run(world.studio.read(&ids[0])).await.unwrap();
    assert_eq!(profile_calls(), 2);
}

/// It is not stopped, and whoever has to rescue it needs no launch profile.
#[tokio::test]
async fn a_profile_that_is_gone_or_cannot_be_read_is_a_doubt() {
    for (status, kind) in [(404, "ResourceNotFoundException"), (403, "AccessDeniedException")] {
        let world = World::new(move |seen| {
            if seen.line.contains("launch-profiles") {
                error(status, kind)
            } else {
                ok(&json!({ "session": session_row("s-1") }))
            }
        })
        .await;
        let session = world.run(world.studio.read(&"s-1".into())).await.unwrap();
        assert_eq!(session.stopping, Stopping::Unclear(Doubt::NoLaunchProfile));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_within_an_answer_is_unreachable() {
    let world = World::new(|_| {
        let broken = futures_util::stream::iter([
            Ok(Bytes::from_static(b"{\"session\":")),
            Err(std::io::Error::other("broken")),
        ]);
        Response::new(Body::from_stream(broken))
    })
    .await;
    let failure = world.run(world.studio.read(&"s-1".into())).await.unwrap_err();
    assert_eq!((failure.problem, world.seen().len()), (Problem::Unreachable, 3));
}

#[tokio::test]
async fn a_profile_of_the_shared_configuration_that_is_not_there_means_no_credentials() {
    let world = World::new(empty_lists).await;
    let mut policy = studio_policy(None, "http://127.0.0.1:1");
    policy.connection.profile = Some("there-is-no-such-profile".to_owned());
    let studio = Connections::new(Arc::new(world.clock.clone())).connect(&policy);
    let failure = world.run(studio.read(&"s-1".into())).await.unwrap_err();
    assert_eq!(failure.problem, Problem::NoCredentials, "{failure}");
    assert!(failure.problem.proves_no_effect());
}

#[test]
fn studios_of_one_connection_share_a_client_as_long_as_one_uses_it() {
    let connections = Connections::new(Arc::new(SimulatedClock::new(Timestamp::UNIX_EPOCH)));
    let here = studio_policy(None, "http://127.0.0.1:1");
    let one = connections.connect(&here);
    let other = connections.connect(&here);
    assert!(Arc::ptr_eq(&one.shared, &other.shared));
    let elsewhere = connections.connect(&studio_policy(None, "http://127.0.0.1:2"));
    assert!(!Arc::ptr_eq(&one.shared, &elsewhere.shared));
    let client = Arc::downgrade(&one.shared);
    drop((one, other));
    assert_eq!(client.strong_count(), 0);
}

#[test]
fn a_studio_prints_no_secret() {
    let connections = Connections::new(Arc::new(SimulatedClock::new(Timestamp::UNIX_EPOCH)));
    let mut policy = studio_policy(None, "http://127.0.0.1:1");
    policy.connection.external_id = Some(crate::policy::Secret("hush".to_owned()));
    let studio = connections.connect(&policy);
    assert!(!format!("{studio:?} {connections:?}").contains("hush"));
}

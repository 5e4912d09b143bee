//! Answers of the service: whatever they are, the adapter and the real SDK under it come back.
//!
//! The bytes are messages, with [`END`] between them. A message is a byte that says which operation it
//! answers, a status in digits, a line for each header, an empty line, and the body. The messages of an
//! operation are its answers, one after another and then from the first again; an operation that has
//! none gets a broken connection. Nothing is sent anywhere, and time is simulated.

use std::sync::{Arc, Mutex};

use Operation::{
    GetLaunchProfile, GetStreamingSession, GetStudio, GetStudioMember, ListLaunchProfiles,
    ListStreamingSessions, ListStudioMembers, ListStudios, StartStreamingSession,
    StopStreamingSession, TagResource, UntagResource, UpdateLaunchProfile,
};
use jiff::{SignedDuration, Timestamp};
use lightsout::clock::{Clock, SimulatedClock};
use lightsout::inventory::{Session, Wanted};
use lightsout::policy::{Brake, Connection, Settings, StudioPolicy};
use lightsout::provider::administer::{Administer, Progress, Unfit};
pub use lightsout::provider::nimble::Call as Operation;
use lightsout::provider::nimble::{Answer, Connections, NimbleDirectory, NimbleStudio, StandIn};
use lightsout::provider::{Accepted, ClientToken, Directory, Provider, ProviderError};

/// What ends a message. No JSON has it, but in an escape.
pub const END: u8 = 0x1e;

/// How many messages are read: the calls of one case are some dozens.
const MESSAGES_MAX: usize = 64;

/// The most characters of the service's own that an error may carry.
const DETAIL_MAX: usize = 300;

/// Which operation a request is.
fn operation_of(method: &str, uri: &str) -> Operation {
    let (_, path) = uri.split_once("/2020-08-01/").expect("a path of this API");
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["studios", _]) => GetStudio,
        ("GET", ["studios", _, "launch-profiles"]) => ListLaunchProfiles,
        ("GET", ["studios", _, "streaming-sessions"]) => ListStreamingSessions,
        ("GET", ["studios", _, "streaming-sessions", _]) => GetStreamingSession,
        ("GET", ["studios", _, "launch-profiles", _]) => GetLaunchProfile,
        ("POST", ["studios", _, "streaming-sessions", _, "stop"]) => StopStreamingSession,
        ("POST", ["studios", _, "streaming-sessions", _, "start"]) => StartStreamingSession,
        ("POST", ["tags", _]) => TagResource,
        ("DELETE", ["tags", _]) => UntagResource,
        ("GET", ["studios", _, "membership"]) => ListStudioMembers,
        ("GET", ["studios", _, "membership", _]) => GetStudioMember,
        ("GET", ["studios"]) => ListStudios,
        ("PATCH", ["studios", _, "launch-profiles", _]) => UpdateLaunchProfile,
        _ => panic!("no operation of the adapter: {method} {uri}"),
    }
}

/// A message, as the target reads it.
#[must_use]
pub fn message(operation: Operation, status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = vec![b'0' + operation as u8];
    head.extend_from_slice(status.as_bytes());
    head.push(b'\n');
    for header in headers {
        head.extend_from_slice(header.as_bytes());
        head.push(b'\n');
    }
    head.push(b'\n');
    head.extend_from_slice(body);
    head
}

/// Answers every call of the adapter with what the bytes say.
pub fn api(bytes: &[u8]) {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(ask(Arc::new(Script::read(bytes)))));
}

async fn ask(script: Arc<Script>) {
    let clock = SimulatedClock::new(Timestamp::from_second(1_795_000_000).expect("an instant"));
    let stand_in: Arc<dyn StandIn> = Arc::<Script>::clone(&script);
    let connections = Connections::answered_by(Arc::new(clock.clone()), stand_in);
    let studio = connections.connect(&policy());
    let directory = connections.directory(&policy().connection);
    let end = clock.now() + SignedDuration::from_hours(10);
    tokio::select! {
        biased;
        () = async {
            ask_everything(&studio, &script).await;
            look_for_studios(&directory, &script).await;
            administer(&studio, &script).await;
        } => {}
        () = clock.drive(end) => panic!("ten hours were not enough"),
    }
}

async fn ask_everything(studio: &NimbleStudio, script: &Script) {
    judge(script, GetStudio, &studio.probe().await);
    let snapshot = studio.observe().await;
    for gap in &snapshot.gaps {
        judge_words(&gap.detail);
    }
    // What was not answered is not "no sessions".
    let is_listed = snapshot.gaps.iter().all(|gap| gap.wanted != Wanted::Sessions);
    assert!(!is_listed || script.last_status(ListStreamingSessions).is_some_and(is_success));
    let id = "s-1".into();
    let read = studio.read(&id).await;
    if let Ok(session) = &read {
        assert_eq!(session.id, id);
        assert!(script.last_status(GetStreamingSession).is_some_and(is_success));
    }
    if let Err(error) = &read {
        judge_error(error);
    }
    if let Some(session) =
        read.ok().map(Arc::new).or_else(|| snapshot.sessions.values().next().cloned())
    {
        act(studio, script, &session).await;
    }
}

async fn act(studio: &NimbleStudio, script: &Script, session: &Session) {
    let token = ClientToken("token".to_owned());
    let stopped = studio.stop(session, &token).await;
    judge_accepted(script, StopStreamingSession, session, &stopped);
    let started = studio.start(session, &token).await;
    judge_accepted(script, StartStreamingSession, session, &started);
    judge(script, TagResource, &studio.tag(session, "a", "b").await);
    judge(script, UntagResource, &studio.untag(session, "a").await);
}

async fn look_for_studios(directory: &NimbleDirectory, script: &Script) {
    let (found, gap) = directory.studios().await;
    if let Some(gap) = &gap {
        judge_words(&gap.detail);
    }
    for studio in &found {
        judge_words(studio.state.as_deref().unwrap_or_default());
    }
    assert!(gap.is_some() || script.last_status(ListStudios).is_some_and(is_success));
}

async fn administer(studio: &NimbleStudio, script: &Script) {
    let token = ClientToken("token".to_owned());
    let proposal = match studio.propose(&"p-1".into(), SignedDuration::from_hours(48)).await {
        Ok(proposal) => proposal,
        Err(Unfit::Unread(error)) => return judge_error(&error),
        Err(Unfit::Refused(why)) => return judge_words(&why),
    };
    assert_eq!(proposal.profile, "p-1".into());
    let changed = studio.change(&proposal, &token).await;
    let was_asked = script.asked(UpdateLaunchProfile) > 0;
    assert!(was_asked || changed.is_err());
    if was_asked {
        judge(script, UpdateLaunchProfile, &changed);
    }
    match studio.progress(&proposal).await {
        Ok(Progress::Done) | Err(_) => {}
        Ok(Progress::Under(words) | Progress::Failed(words)) => judge_words(&words),
        Ok(Progress::Otherwise(members)) => assert!(!members.is_empty()),
    }
}

fn judge_accepted(
    script: &Script,
    operation: Operation,
    session: &Session,
    outcome: &Result<Accepted, ProviderError>,
) {
    if let Ok(accepted) = outcome {
        assert_eq!(accepted.session.id, session.id);
        judge_words(accepted.request_id.as_deref().unwrap_or_default());
    }
    judge(script, operation, outcome);
}

/// A call of a single attempt. It has succeeded only where the service says so, and it is known to
/// have done nothing only where the service refused it or was never asked.
fn judge<T>(script: &Script, operation: Operation, outcome: &Result<T, ProviderError>) {
    let asked = script.asked(operation);
    assert!(asked <= 2, "once more is for credentials that expired");
    let status = script.last_status(operation);
    match outcome {
        Ok(_) => assert!(status.is_some_and(is_success)),
        Err(error) => {
            judge_error(error);
            let is_refused = status.is_some_and(|status| (400..500).contains(&status));
            assert!(!error.problem.proves_no_effect() || asked == 0 || is_refused, "{error}");
        }
    }
}

fn judge_error(error: &ProviderError) {
    judge_words(&error.detail);
    judge_words(error.request_id.as_deref().unwrap_or_default());
}

fn judge_words(words: &str) {
    assert!(words.chars().count() <= DETAIL_MAX && !words.contains(char::is_control), "{words:?}");
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// What is answered to whom, and what has been asked.
#[derive(Debug)]
struct Script {
    answers: [Vec<Answer>; Operation::ALL.len()],
    asked: Mutex<[usize; Operation::ALL.len()]>,
}

impl Script {
    fn read(bytes: &[u8]) -> Self {
        let mut answers: [Vec<Answer>; Operation::ALL.len()] = Default::default();
        for message in bytes.split(|byte| *byte == END).take(MESSAGES_MAX) {
            if let Some((operation, rest)) = message.split_first() {
                let number = usize::from(operation.wrapping_sub(b'0')) % Operation::ALL.len();
                answers[number].push(answer(rest));
            }
        }
        Self { answers, asked: Mutex::default() }
    }

    fn asked(&self, operation: Operation) -> usize {
        self.asked.lock().expect("a lock")[operation as usize]
    }

    fn nth(&self, operation: Operation, asked: usize) -> Option<&Answer> {
        let answers = &self.answers[operation as usize];
        answers.get(asked % answers.len().max(1))
    }

    /// The status of the last answer; none if the connection broke or nothing was asked.
    fn last_status(&self, operation: Operation) -> Option<u16> {
        let last = self.asked(operation).checked_sub(1)?;
        self.nth(operation, last).map(|answer| answer.status)
    }
}

impl StandIn for Script {
    fn answer(&self, method: &str, uri: &str) -> Option<Answer> {
        let operation = operation_of(method, uri);
        let asked = self.asked(operation);
        self.asked.lock().expect("a lock")[operation as usize] += 1;
        self.nth(operation, asked).cloned()
    }
}

/// What is in a message behind its first byte.
fn answer(message: &[u8]) -> Answer {
    let mut rest = message;
    let status = String::from_utf8_lossy(line(&mut rest)).parse().unwrap_or_default();
    let mut headers = Vec::new();
    loop {
        let header = line(&mut rest);
        if header.is_empty() {
            return Answer { status, headers, body: rest.to_vec() };
        }
        let colon = header.iter().position(|byte| *byte == b':').unwrap_or(header.len());
        let (name, value) = header.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
        headers.push((name.to_vec(), value.to_vec()));
    }
}

/// Takes a line from what is left.
fn line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (line, behind) = rest.split_at(end);
    *rest = behind.strip_prefix(b"\n").unwrap_or(behind);
    line
}

fn policy() -> StudioPolicy {
    let connection = Connection {
        region: "us-west-2".into(),
        account: Some("111122223333".into()),
        role_arn: None,
        external_id: None,
        profile: None,
        // On this machine, so that the calls are signed with the key of a sandbox.
        endpoint_url: Some("http://127.0.0.1:1".into()),
    };
    StudioPolicy {
        id: "us-west-2:stid-EXAMPLE11111".into(),
        name: None,
        connection,
        settings: Settings::built_in(),
        rules: Vec::new(),
        brake: Brake::default(),
        asks_roles: true,
    }
}

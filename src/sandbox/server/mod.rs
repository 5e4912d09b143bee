//! The HTTP server in front of a world.
//!
//! One connection is one hyper HTTP/1.1 connection, without a framework: the labels of a path must
//! be split before they are decoded, and a connection must be able to end without an answer.
//! `routes.rs` says what a request asks for, `operations.rs` answers it from the world, and this
//! file does what the faults say, keeps the log, and does the HTTP.

mod body;
mod operations;
mod pages;
mod routes;

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, pending};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use self::body::AnswerBody;
use self::operations::Input;
use self::routes::Call;
use super::faults::{Fault, Faults};
use super::requests::{RequestRecord, Requests};
use super::wire::{self, Failure, FailureKind};
use super::world::World;
use super::{Clock, SilenceHook};

/// The longest request body that is read; the service's own requests are far shorter.
const REQUEST_BODY_BYTES_MAX: usize = 64 * 1024;
/// How many connections are served at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;
/// How long the server waits after it could not accept a connection, so as not to spin when there
/// are no file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all connections share.
pub(super) struct Shared {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) clock: Clock,
    pub(super) faults: Faults,
    pub(super) requests: Requests,
    pub(super) page_size: usize,
    pub(super) principal: String,
    pub(super) on_silence: Option<SilenceHook>,
    pub(super) serial: AtomicU64,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until `shutdown` is over, then drops every connection, answered or not.
pub(super) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    shutdown: impl Future<Output = ()>,
) {
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&shared)));
                }
                Err(error) => {
                    tracing::debug!(%error, "the sandbox could not accept a connection");
                    pause().await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Lets the machine catch up after it refused a connection: real time, whatever the world's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox uses nothing of the crate, and waits for the machine"
)]
async fn pause() {
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

async fn serve_connection(stream: TcpStream, shared: Arc<Shared>) {
    // Answers are written in one go; waiting for more would only cost the client time.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the sandbox could not set TCP_NODELAY");
    }
    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
    {
        tracing::debug!(%error, "a connection to the sandbox ended");
    }
}

/// The connection ends without an answer.
#[derive(Debug)]
struct LostAnswer;

impl fmt::Display for LostAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer was lost on purpose")
    }
}

impl std::error::Error for LostAnswer {}

/// An answer before it becomes HTTP.
struct Reply {
    status: u16,
    content_type: &'static str,
    error_type: Option<&'static str>,
    body: AnswerBody,
}

impl Reply {
    fn json(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            content_type: "application/json",
            error_type: None,
            body: AnswerBody::whole(body),
        }
    }

    fn no_content() -> Self {
        Self { status: 204, ..Self::json(Vec::new()) }
    }

    fn failure(failure: &Failure) -> Self {
        let reply = Self::json(failure.body());
        Self { status: failure.kind.status(), error_type: Some(failure.kind.name()), ..reply }
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, LostAnswer> {
    let (parts, body) = request.into_parts();
    let call = routes::route(&parts.method, parts.uri.path());
    let input = read_input(&parts.headers, parts.uri.query(), body).await;
    let studio = studio_of(&shared, &call);
    let fault = shared.faults.pick(studio.as_deref(), call.operation());
    let mut record = RequestRecord {
        at: (shared.clock)(),
        operation: call.operation(),
        studio,
        session: call.session().map(str::to_owned),
        client_token: text_of(&parts.headers, "x-amz-client-token").map(str::to_owned),
        invocation: text_of(&parts.headers, "amz-sdk-invocation-id").map(str::to_owned),
        status: None,
    };
    let reply = match fault {
        Some(Fault::Silence) => {
            shared.requests.note(record);
            match fall_silent(&shared, &parts.headers).await {}
        }
        Some(Fault::LostAnswer) => {
            let _unsaid = perform(&shared, &call, input);
            shared.requests.note(record);
            return Err(LostAnswer);
        }
        Some(fault) => faulty(&shared, &call, input, &fault),
        None => perform(&shared, &call, input),
    };
    record.status = Some(reply.status);
    tracing::debug!(operation = %record.operation, status = reply.status, "the sandbox answers");
    shared.requests.note(record);
    Ok(response(&shared, reply))
}

async fn read_input(
    headers: &HeaderMap,
    query: Option<&str>,
    body: Incoming,
) -> Result<Input, Failure> {
    let collected = Limited::new(body, REQUEST_BODY_BYTES_MAX).collect().await;
    let body = collected.map_err(|error| {
        Failure::invalid("body", format!("the body could not be read: {error}"))
    })?;
    let token = headers.get("x-amz-client-token").map(HeaderValue::to_str).transpose();
    let token =
        token.map_err(|_| Failure::invalid("clientToken", "the client token is not ASCII"))?;
    Ok(Input {
        query: query.unwrap_or_default().to_owned(),
        client_token: token.map(str::to_owned),
        body: body.to_bytes(),
        repeated_token: None,
    })
}

fn studio_of(shared: &Shared, call: &Call) -> Option<String> {
    match call.label("resourceArn") {
        Some(arn) => shared.world().studio_of(arn).map(ToString::to_string),
        None => call.studio().map(str::to_owned),
    }
}

fn perform(shared: &Shared, call: &Call, input: Result<Input, Failure>) -> Reply {
    let answered = input.and_then(|input| operations::perform(shared, call, &input));
    answered.unwrap_or_else(|failure| Reply::failure(&failure))
}

/// Answers under a fault. Those that never answer do not come here.
fn faulty(shared: &Shared, call: &Call, input: Result<Input, Failure>, fault: &Fault) -> Reply {
    let fail = |kind, code, message| Reply::failure(&Failure::new(kind, code, message));
    match fault {
        Fault::Denied => fail(FailureKind::Denied, "ACCESS_DENIED", "the caller is not authorized"),
        Fault::CredentialsExpired => {
            let message = "The security token included in the request is expired";
            fail(FailureKind::Expired, "EXPIRED_TOKEN", message)
        }
        Fault::QuotaExceeded => fail(FailureKind::Quota, "QUOTA", "the quota does not allow it"),
        Fault::Throttled => fail(FailureKind::Throttled, "THROTTLED", "too many requests"),
        Fault::InternalError => {
            fail(FailureKind::Internal, "INTERNAL", "something went wrong inside the service")
        }
        Fault::Html503 => Reply {
            status: 503,
            content_type: "text/html",
            error_type: None,
            body: AnswerBody::whole("<html><body><h1>503 Service Unavailable</h1></body></html>"),
        },
        Fault::TruncatedJson => {
            let reply = perform(shared, call, input);
            Reply { body: reply.body.cut(), ..reply }
        }
        Fault::EndlessToken => {
            let token = format!("endless-{}", shared.serial.fetch_add(1, Ordering::Relaxed));
            Reply::json(wire::empty_page(call.operation(), &token))
        }
        Fault::RepeatingToken => {
            let repeated_token = Some("again-and-again".to_owned());
            perform(shared, call, input.map(|input| Input { repeated_token, ..input }))
        }
        Fault::HugeBody { bytes } => {
            Reply { body: AnswerBody::filler(*bytes), ..Reply::json(Vec::new()) }
        }
        Fault::Silence | Fault::LostAnswer => perform(shared, call, input),
    }
}

/// Tells the hook which attempt of which call is left without an answer, and stays silent until the
/// client gives up.
async fn fall_silent(shared: &Shared, headers: &HeaderMap) -> Infallible {
    if let Some(hook) = &shared.on_silence {
        let invocation = text_of(headers, "amz-sdk-invocation-id").unwrap_or_default();
        let request = text_of(headers, "amz-sdk-request").unwrap_or_default();
        let attempt =
            request.split(';').find_map(|part| part.trim().strip_prefix("attempt=")).unwrap_or("1");
        hook(&format!("{invocation}/{attempt}"));
    }
    pending().await
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn response(shared: &Shared, reply: Reply) -> Response<AnswerBody> {
    let mut response = Response::new(reply.body);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if reply.status != 204 {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    if let Some(error_type) = reply.error_type {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(error_type));
    }
    let serial = shared.serial.fetch_add(1, Ordering::Relaxed);
    let id = Bytes::from(format!("5a4db0c5-0000-4000-8000-{serial:012x}"));
    if let Ok(id) = HeaderValue::from_maybe_shared(id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

//! The HTTP server in front of a world.
//!
//! One connection is one hyper HTTP/1.1 connection, without a framework: the labels of a path must
//! be split before they are decoded, and a connection must be able to end without an answer.
//! `exchange.rs` follows one request from its arrival to its place in the log, `routes.rs` says what it
//! asks for, `operations/` answers it from the world, `keeping.rs` makes what changed last, `misbehave.rs` does what the faults say, and
//! `admin.rs` is the server's own door, for whoever runs it. This file does the HTTP.

mod admin;
mod alter;
mod body;
mod exchange;
mod keeping;
mod misbehave;
mod operations;
mod pages;
mod routes;

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use self::body::AnswerBody;
use super::clock::StudioClock;
use super::faults::Faults;
use super::requests::Requests;
use super::signature::Credentials;
use super::state::StateFile;
use super::violation::Violation;
use super::wire::Failure;
use super::world::World;
use super::{Clock, SilenceHook, Sleep};
use crate::http;

/// The longest request body that is read; the service's own requests are far shorter.
const REQUEST_BODY_BYTES_MAX: usize = 64 * 1024;
/// How many connections are served at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;
/// What all connections share.
pub(super) struct Shared {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) clock: StudioClock,
    pub(super) wall: Clock,
    pub(super) sleep: Sleep,
    pub(super) faults: Faults,
    pub(super) requests: Requests,
    pub(super) page_size: usize,
    pub(super) principal: String,
    pub(super) credentials: Option<Credentials>,
    pub(super) on_silence: Option<SilenceHook>,
    /// Where the world is kept. Whoever locks both locks the world first.
    pub(super) state: Option<Arc<Mutex<StateFile>>>,
    pub(super) serial: AtomicU64,
    /// The world as it was, for lists that are not of now.
    pub(super) stale: Mutex<Option<(Timestamp, World)>>,
    /// Where the server listens.
    pub(super) address: SocketAddr,
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
    let sleep = Arc::clone(&shared.sleep);
    let serve = |stream, peer| serve_connection(stream, peer, Arc::clone(&shared));
    http::accept(listener, CONNECTIONS_MAX, shutdown, move |time| sleep(time), serve).await;
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    let service =
        service_fn(move |request| Box::pin(exchange::answer(Arc::clone(&shared), peer, request)));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let ended = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let mut stream = connection.into_parts().io.into_inner();
    let closed = match ended {
        Ok(()) => stream.shutdown().await,
        Err(error) => {
            tracing::debug!(%error, "a connection to the sandbox ended");
            if NoAnswer::of(&error) == Some(NoAnswer::Reset) {
                stream.set_zero_linger()
            } else {
                Ok(())
            }
        }
    };
    if let Err(error) = closed {
        tracing::debug!(%error, "a connection to the sandbox could not be closed as it should");
    }
}

/// The connection ends without an answer, or in the middle of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoAnswer {
    Closed,
    Reset,
}

impl NoAnswer {
    /// What a connection ended by, where it was this.
    fn of(error: &hyper::Error) -> Option<Self> {
        std::error::Error::source(error)?.downcast_ref().copied()
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer was lost on purpose")
    }
}

impl std::error::Error for NoAnswer {}

/// An answer before it becomes HTTP.
struct Reply {
    status: u16,
    content_type: &'static str,
    error_type: Option<&'static str>,
    body: AnswerBody,
    /// What the request broke of the model, where it was refused for that.
    violation: Option<Violation>,
    /// How far ahead the server's clock is said to be.
    skew: SignedDuration,
}

impl Reply {
    fn json(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            content_type: "application/json",
            error_type: None,
            body: AnswerBody::whole(body),
            violation: None,
            skew: SignedDuration::ZERO,
        }
    }

    fn no_content() -> Self {
        Self { status: 204, ..Self::json(Vec::new()) }
    }

    fn failure(failure: &Failure) -> Self {
        Self {
            status: failure.kind.status(),
            error_type: Some(failure.kind.name()),
            violation: failure.violation().cloned(),
            ..Self::json(failure.body())
        }
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn response(shared: &Shared, reply: Reply) -> Response<AnswerBody> {
    let date = date(((shared.wall)()).saturating_add(reply.skew).unwrap_or(Timestamp::MAX));
    let mut response = Response::new(reply.body);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if reply.status != 204 {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    if let Some(date) = date {
        headers.insert(DATE, date);
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

/// An instant as the header `Date` has it; nothing where the year has five digits.
fn date(at: Timestamp) -> Option<HeaderValue> {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    HeaderValue::try_from(printer.timestamp_to_rfc9110_string(&at).ok()?).ok()
}

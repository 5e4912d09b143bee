//! Where the program is looked at over HTTP: `/metrics`, `/healthz`, `/readyz`.
//!
//! It tells and takes nothing: whoever comes in can read, and change nothing. Everything is bounded: how many
//! come at once, how much they say, and how long one of them is here. Without a token only this machine is
//! served, and no page in a browser of this machine. Start at [`Endpoint`].

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN,
    WWW_AUTHENTICATE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::StateDir;
use super::view::View;
use crate::http;
use crate::metrics::MEDIA_TYPE;

/// How many connections are served at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 16;

/// How long one connection lasts, with its one request and its answer: those who scrape give up
/// after as long.
const CONNECTION_MAX: SignedDuration = SignedDuration::from_secs(10);

/// How many bytes a request's head may have. It is the least that the parser can be told.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// How many headers it may have.
const HEADERS_MAX: usize = 32;

const PLAIN: &str = "text/plain; charset=utf-8";

type Answer = Response<Full<Bytes>>;

/// A listener, and whom it answers.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    token: Option<Token>,
    state: Arc<StateDir>,
}

/// What whoever asks has to know. Only what it hashes to is kept.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// The token of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Whether it is said, compared in the same time whatever is.
    fn is_said(&self, headers: &HeaderMap) -> bool {
        let said = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let said = said.and_then(|said| said.split_once(' '));
        let said = said.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, said)) = said else { return false };
        let said: [u8; 32] = Sha256::digest(said.trim()).into();
        said.ct_eq(&self.0).into()
    }
}

impl Endpoint {
    /// Answers whoever connects and knows the token, where there is one. The policy makes sure that there is
    /// where others than this machine can connect.
    #[must_use]
    pub fn new(listener: TcpListener, token: Option<Token>, state: Arc<StateDir>) -> Self {
        Self { listener, token, state }
    }

    /// Answers until it is dropped.
    pub(super) async fn serve(self, view: View) {
        let Self { listener, token, state } = self;
        let clock = Arc::clone(&view.clock);
        let shared = Arc::new(Shared { token, state, view, looking: Arc::new(Semaphore::new(1)) });
        let serve = |stream, peer| serve_connection(stream, peer, Arc::clone(&shared));
        let sleep = move |time: std::time::Duration| {
            clock.sleep(SignedDuration::try_from(time).unwrap_or(CONNECTION_MAX))
        };
        http::accept(listener, CONNECTIONS_MAX, std::future::pending(), sleep, serve).await;
    }
}

struct Shared {
    token: Option<Token>,
    state: Arc<StateDir>,
    view: View,
    /// Held by whoever looks at the disk, which may hang: another thread would hang with it.
    looking: Arc<Semaphore>,
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    let over = shared.view.clock.sleep(CONNECTION_MAX);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(&shared, &request).await) }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        served = connection => {
            if let Err(error) = served {
                tracing::debug!(%peer, %error, "a connection ended");
            }
        }
        () = over => tracing::debug!(%peer, "a connection took too long"),
    }
}

/// Whatever its body is, nobody reads it.
async fn answer<Body>(shared: &Shared, request: &Request<Body>) -> Answer {
    if let Some(refused) = refusal(shared.token.as_ref(), request.headers()) {
        return refused;
    }
    let path = request.uri().path();
    if !["/metrics", "/healthz", "/readyz"].contains(&path) {
        return told(StatusCode::NOT_FOUND, "here are /metrics, /healthz and /readyz\n");
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut answer = told(StatusCode::METHOD_NOT_ALLOWED, "here is nothing to be changed\n");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match path {
        "/metrics" => metrics(&shared.view),
        "/healthz" => judged(shared.view.stuck().into_iter().collect()),
        _ => judged(unready(shared).await),
    }
}

/// A disk that hangs must not hold up the loop.
async fn unready(shared: &Shared) -> Vec<String> {
    // Who waits here is sent away with its connection, and leaves no thread behind.
    let Ok(place) = Arc::clone(&shared.looking).acquire_owned().await else { return Vec::new() };
    let (view, state) = (shared.view.clone(), Arc::clone(&shared.state));
    let look = move || {
        let _place = place;
        view.unready(&state)
    };
    let looked = tokio::task::spawn_blocking(look).await;
    looked.unwrap_or_else(|error| vec![format!("it cannot be told: {error}")])
}

fn metrics(view: &View) -> Answer {
    match view.metrics() {
        Some(Ok(text)) => {
            let mut answer = told(StatusCode::OK, text);
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
            answer
        }
        Some(Err(error)) => {
            tracing::error!(%error, "the metrics were asked for in vain");
            told(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))
        }
        None => told(StatusCode::NOT_FOUND, "no metrics are kept\n"),
    }
}

fn judged(problems: Vec<String>) -> Answer {
    if problems.is_empty() {
        return told(StatusCode::OK, "ok\n");
    }
    told(StatusCode::SERVICE_UNAVAILABLE, problems.join("\n") + "\n")
}

fn told(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PLAIN));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Why a request is not answered.
fn refusal(token: Option<&Token>, headers: &HeaderMap) -> Option<Answer> {
    let Some(token) = token else {
        let is_page = headers.contains_key(ORIGIN) || !is_this_machine(headers);
        let why = "only this machine is answered here, and no web page\n";
        return is_page.then(|| told(StatusCode::FORBIDDEN, why));
    };
    if token.is_said(headers) {
        return None;
    }
    let mut answer = told(StatusCode::UNAUTHORIZED, "a bearer token is needed\n");
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Some(answer)
}

/// Whether a request is for this machine by a name that nobody else gives out: a page may have one of its own
/// that leads here.
fn is_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let Some(authority) =
        host.to_str().ok().and_then(|host| host.parse::<hyper::http::uri::Authority>().ok())
    else {
        return false;
    };
    let host = authority.host().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            let name: hyper::header::HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_token_is_asked_for_whoever_asks_and_only_the_whole_of_it_counts() {
        let token = Token::of("0123456789abcdef");
        let status = |pairs: &[(&'static str, &str)]| {
            refusal(Some(&token), &headers(pairs)).map(|answer| answer.status().as_u16())
        };
        for said in ["Bearer 0123456789abcdef", "bearer  0123456789abcdef"] {
            assert_eq!(status(&[("authorization", said)]), None, "{said}");
        }
        for said in [
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Bearer ",
            "Bearer",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
        ] {
            assert_eq!(status(&[("authorization", said)]), Some(401), "{said}");
        }
        assert_eq!(status(&[("host", "127.0.0.1")]), Some(401));
        assert_eq!(format!("{token:?}"), "Token(..)");
    }

    #[test]
    fn without_a_token_no_page_of_a_browser_is_answered() {
        let status = |pairs: &[(&'static str, &str)]| {
            refusal(None, &headers(pairs)).map(|answer| answer.status().as_u16())
        };
        for host in ["127.0.0.1:9464", "localhost:9464", "[::1]:9464", "LOCALHOST"] {
            assert_eq!(status(&[("host", host)]), None, "{host}");
        }
        assert_eq!(status(&[("host", "rebound.example:9464")]), Some(403));
        let page = [("host", "127.0.0.1:9464"), ("origin", "https://example.com")];
        assert_eq!(status(&page), Some(403));
    }
}

//! The server's own door, for whoever runs it: its clock, its faults and its log of requests, under
//! `/_sandbox`.
//!
//! It is no part of the service. It answers this machine alone, and no page in a browser: a request
//! with an `Origin`, from another site, or for another host than the one that is listened on, is refused.

mod clock;

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::Shared;
use super::body::AnswerBody;
use crate::sandbox::faultplan;
use crate::sandbox::faults::{Fault, FaultStatus, RULES_MAX};
use crate::sandbox::wire::Failure;

/// Where the door is.
const ROOT: &str = "/_sandbox";
/// How many requests are shown where nobody says otherwise.
const REQUESTS_SHOWN: usize = 100;
/// What stands behind the door.
const PATHS: &[(&str, &str)] = &[
    ("/_sandbox/faults", "GET, POST, DELETE"),
    ("/_sandbox/faults/{id}", "DELETE"),
    ("/_sandbox/requests", "GET, DELETE"),
    ("/_sandbox/clock", "GET, POST"),
];

/// An answer: a status and what it says.
type Told = Result<Value, (StatusCode, Value)>;

/// Whether a path leads here.
pub(super) fn is_meant(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(super) fn answer(
    shared: &Shared,
    peer: SocketAddr,
    parts: &Parts,
    body: Result<Bytes, Failure>,
) -> Response<AnswerBody> {
    let told = match refusal(shared.address, peer, &parts.headers) {
        Some(why) => Err((StatusCode::FORBIDDEN, message(why))),
        None => perform(shared, parts, body),
    };
    let (status, value) = told.map_or_else(|refused| refused, |value| (StatusCode::OK, value));
    tracing::debug!(method = %parts.method, path = parts.uri.path(), %status, "the sandbox's own door");
    let mut response = Response::new(AnswerBody::whole(value.to_string() + "\n"));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let (StatusCode::METHOD_NOT_ALLOWED, Some((_, methods))) = (status, known(parts.uri.path()))
    {
        headers.insert(ALLOW, HeaderValue::from_static(methods));
    }
    response
}

/// Why a request is not let in.
fn refusal(own: SocketAddr, peer: SocketAddr, headers: &HeaderMap) -> Option<&'static str> {
    if !peer.ip().to_canonical().is_loopback() {
        return Some("only this machine may come in here");
    }
    if headers.contains_key(ORIGIN) {
        return Some("a request of a web page may not come in here: it has an Origin");
    }
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"none") {
        return Some("a request of a web page may not come in here: it has a Sec-Fetch-Site");
    }
    let hosts: Vec<&HeaderValue> = headers.get_all(HOST).iter().collect();
    match hosts[..] {
        [host] if host.to_str().is_ok_and(|host| is_own_host(own, host)) => None,
        _ => Some("the Host must be the address that the sandbox listens on, or localhost"),
    }
}

/// Whether a host with its port is the one that is listened on. A name that somebody else's server of
/// names may point here is not.
fn is_own_host(own: SocketAddr, host: &str) -> bool {
    let Some((name, port)) = host.rsplit_once(':') else { return false };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_loopback = match bare {
        Some(bare) => bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() && ip.is_ipv6()),
        None => {
            name.eq_ignore_ascii_case("localhost")
                || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() && ip.is_ipv4())
        }
    };
    is_loopback && port.parse() == Ok(own.port())
}

/// The place of a path behind the door, and the methods there.
fn known(path: &str) -> Option<&'static (&'static str, &'static str)> {
    let shape = match path.strip_prefix("/_sandbox/faults/") {
        Some(id) if !id.is_empty() => "/_sandbox/faults/{id}",
        _ => path,
    };
    PATHS.iter().find(|(known, _)| *known == shape)
}

fn perform(shared: &Shared, parts: &Parts, body: Result<Bytes, Failure>) -> Told {
    let path = parts.uri.path();
    let Some((known, methods)) = known(path) else {
        let paths: Vec<Value> =
            PATHS.iter().map(|(path, methods)| json!({"path": path, "methods": methods})).collect();
        let value = json!({"message": format!("there is no {path}"), "paths": paths});
        return Err((StatusCode::NOT_FOUND, value));
    };
    let body = body.map_err(|_| {
        (StatusCode::PAYLOAD_TOO_LARGE, message("the body could not be read whole"))
    })?;
    match (*known, &parts.method) {
        ("/_sandbox/clock", &Method::GET) => clock::show(shared),
        ("/_sandbox/clock", &Method::POST) => clock::change(shared, &body),
        ("/_sandbox/faults", &Method::GET) => {
            Ok(json!({"faults": shared.faults.list().iter().map(status).collect::<Vec<_>>()}))
        }
        ("/_sandbox/faults", &Method::POST) => add(shared, &body),
        ("/_sandbox/faults", &Method::DELETE) => {
            let removed = shared.faults.list().len();
            shared.faults.clear();
            Ok(json!({"removed": removed}))
        }
        ("/_sandbox/faults/{id}", &Method::DELETE) => remove(shared, path),
        ("/_sandbox/requests", &Method::GET) => requests(shared, parts.uri.query()),
        ("/_sandbox/requests", &Method::DELETE) => {
            shared.requests.clear();
            Ok(json!({}))
        }
        (_, method) => {
            let text = format!("{method} is not possible here: valid are {methods}");
            Err((StatusCode::METHOD_NOT_ALLOWED, message(&text)))
        }
    }
}

fn add(shared: &Shared, body: &[u8]) -> Told {
    let wrong = |text: &str| (StatusCode::BAD_REQUEST, message(text));
    let text = std::str::from_utf8(body).map_err(|_| wrong("the fault plan is not UTF-8"))?;
    let rules = faultplan::parse(text, "body").map_err(|error| {
        let mistakes: Vec<Value> = error
            .mistakes
            .iter()
            .map(|mistake| json!({"line": mistake.line, "message": mistake.message}))
            .collect();
        let value = json!({"message": "the fault plan has mistakes", "mistakes": mistakes});
        (StatusCode::BAD_REQUEST, value)
    })?;
    let count = shared.faults.list().len() + rules.len();
    if count > RULES_MAX {
        let text = format!("there would be {count} faults: at most {RULES_MAX} are possible");
        return Err((StatusCode::CONFLICT, message(&text)));
    }
    let added: Vec<u64> = rules.into_iter().map(|rule| shared.faults.insert(rule)).collect();
    Ok(json!({"added": added}))
}

fn remove(shared: &Shared, path: &str) -> Told {
    let id = path.rsplit('/').next().unwrap_or_default();
    if id.parse().is_ok_and(|id| shared.faults.remove(id)) {
        return Ok(json!({"removed": 1}));
    }
    Err((StatusCode::NOT_FOUND, message(&format!("there is no fault {id:?}"))))
}

/// The newest requests, oldest first: `?last=20` for so many.
fn requests(shared: &Shared, query: Option<&str>) -> Told {
    let last = match query.map(|query| query.strip_prefix("last=").map(str::parse::<usize>)) {
        None => REQUESTS_SHOWN,
        Some(Some(Ok(last))) => last,
        Some(_) => {
            return Err((StatusCode::BAD_REQUEST, message("the query is like ?last=20")));
        }
    };
    let recent = shared.requests.recent();
    let shown = &recent[recent.len().saturating_sub(last)..];
    let shapes: Vec<_> = shown.iter().map(|record| record.shape()).collect();
    Ok(json!({"requests": shapes}))
}

/// A rule, and what it has done.
fn status(status: &FaultStatus) -> Value {
    let rule = &status.rule;
    let (seen, struck) = rule.counts();
    let operations = rule
        .operations()
        .map(|operations| operations.iter().map(|operation| operation.name()).collect::<Vec<_>>());
    json!({
        "id": status.id,
        "kind": rule.fault().code(),
        "title": rule.title(),
        "settings": settings(rule.fault()),
        "operations": operations,
        "match": rule.patterns().collect::<std::collections::BTreeMap<_, _>>(),
        "seen": seen,
        "struck": struck,
        "left": rule.left(),
    })
}

/// The keys of a kind, as a plan has them.
fn settings(fault: &Fault) -> Value {
    match fault {
        Fault::RateLimit { per_second, burst } => json!({"per_second": per_second, "burst": burst}),
        Fault::HugeBody { bytes } => json!({"bytes": bytes}),
        Fault::UnknownValue { member, value, sessions } => {
            json!({"member": member, "value": value, "sessions": sessions})
        }
        Fault::MissingMembers { members, sessions } => {
            json!({"members": members, "sessions": sessions})
        }
        Fault::VanishingSession { sessions } => json!({"sessions": sessions}),
        Fault::StaleList { age } => json!({"age": format!("{age:#}")}),
        Fault::ClockSkew { by } | Fault::Latency { by } => json!({"by": format!("{by:#}")}),
        Fault::Denied
        | Fault::CredentialsExpired
        | Fault::QuotaExceeded
        | Fault::Conflict
        | Fault::Throttled
        | Fault::InternalError
        | Fault::Html503
        | Fault::TruncatedJson
        | Fault::MalformedJson
        | Fault::CutOff
        | Fault::EndlessToken
        | Fault::RepeatingToken
        | Fault::ExpiredPageToken
        | Fault::RestartRace
        | Fault::Stall
        | Fault::Silence
        | Fault::Reset
        | Fault::LostAnswer => json!({}),
    }
}

fn message(text: &str) -> Value {
    json!({"message": text})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_with_the_right_port_are_its_host() {
        let own = "127.0.0.1:9471".parse().unwrap();
        for host in
            ["127.0.0.1:9471", "localhost:9471", "LOCALHOST:9471", "[::1]:9471", "127.0.0.9:9471"]
        {
            assert!(is_own_host(own, host), "{host}");
        }
        for host in [
            "",
            "127.0.0.1",
            "localhost",
            "127.0.0.1:80",
            "localhost.example.com:9471",
            "example.com:9471",
            "127.0.0.1.nip.io:9471",
            "::1:9471",
            "[127.0.0.1]:9471",
            "0.0.0.0:9471",
            "[::]:9471",
            "localhost.:9471",
        ] {
            assert!(!is_own_host(own, host), "{host}");
        }
    }

    #[test]
    fn only_this_machine_and_no_web_page_is_let_in() {
        let own: SocketAddr = "127.0.0.1:9471".parse().unwrap();
        let here: SocketAddr = "127.0.0.1:50000".parse().unwrap();
        let with = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_static(value));
            }
            headers
        };
        let host = ("host", "127.0.0.1:9471");
        assert_eq!(refusal(own, here, &with(&[host])), None);
        assert_eq!(refusal(own, "[::ffff:127.0.0.1]:5".parse().unwrap(), &with(&[host])), None);
        assert_eq!(refusal(own, here, &with(&[host, ("sec-fetch-site", "none")])), None);
        for peer in ["192.0.2.1:5", "[2001:db8::1]:5", "0.0.0.0:5"] {
            assert!(refusal(own, peer.parse().unwrap(), &with(&[host])).is_some(), "{peer}");
        }
        for headers in [
            with(&[]),
            with(&[("host", "example.com:9471")]),
            with(&[host, host]),
            with(&[host, ("origin", "null")]),
            with(&[host, ("origin", "http://127.0.0.1:9471")]),
            with(&[host, ("sec-fetch-site", "cross-site")]),
            with(&[host, ("sec-fetch-site", "same-origin")]),
        ] {
            assert!(refusal(own, here, &headers).is_some(), "{headers:?}");
        }
    }
}

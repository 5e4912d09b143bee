//! One request, from its arrival to its answer and its place in the log.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response};
use jiff::{SignedDuration, Timestamp};

use super::body::AnswerBody;
use super::misbehave::{self, Outcome};
use super::operations::Input;
use super::routes::{self, Call};
use super::{NoAnswer, REQUEST_BODY_BYTES_MAX, Shared, admin, response, text_of};
use crate::sandbox::faults::{Facts, Fault};
use crate::sandbox::requests::RequestRecord;
use crate::sandbox::signature::{Signed, claimed_key};
use crate::sandbox::violation::Violation;
use crate::sandbox::wire::Failure;
use crate::sandbox::world::Operation;

pub(super) async fn answer(
    shared: Arc<Shared>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, NoAnswer> {
    let (parts, body) = request.into_parts();
    let body = read_body(body).await;
    if admin::is_meant(parts.uri.path()) {
        return Ok(admin::answer(&shared, peer, &parts, body));
    }
    let arrived = (shared.wall)();
    let call = routes::route(&parts.method, parts.uri.path());
    let studio = studio_of(&shared, &call);
    let facts = facts(&parts, &call, studio.as_deref());
    let struck = shared.faults.pick(&facts, arrived);
    let attempt = facts.attempt;
    if let Some(latency) = struck.latency {
        (shared.sleep)(latency.unsigned_abs()).await;
    }
    let mut violations = violations(&parts.headers, &call, body.as_ref().ok());
    let input = read_input(&shared, &parts, body, skew(struck.fault.as_ref()));
    let mut record = RequestRecord {
        at: shared.clock.now(),
        operation: call.operation(),
        studio,
        session: call.session().map(str::to_owned),
        client_token: text_of(&parts.headers, "x-amz-client-token").map(str::to_owned),
        invocation: text_of(&parts.headers, "amz-sdk-invocation-id").map(str::to_owned),
        attempt,
        principal: input.as_ref().ok().map(|input| input.principal.clone()),
        status: None,
        error_type: None,
        latency: SignedDuration::ZERO,
        faults: struck.names,
        violations: Vec::new(),
    };
    let outcome = misbehave::perform(&shared, &call, input, struck.fault.as_ref());
    if let Outcome::Answered(reply) | Outcome::Lost(reply) = &outcome {
        violations.extend(reply.violation.clone());
    }
    record.violations = violations;
    record.latency = (shared.wall)().duration_since(arrived);
    match outcome {
        Outcome::Answered(reply) => {
            record.status = Some(reply.status);
            record.error_type = reply.error_type;
            tracing::debug!(operation = %record.operation, status = reply.status, "the sandbox answers");
            shared.requests.note(record);
            Ok(response(&shared, reply))
        }
        Outcome::Lost(_) => {
            shared.requests.note(record);
            Err(NoAnswer::Closed)
        }
        Outcome::Reset => {
            shared.requests.note(record);
            Err(NoAnswer::Reset)
        }
        Outcome::Silent => {
            shared.requests.note(record);
            match misbehave::fall_silent(&shared, &parts.headers).await {}
        }
    }
}

async fn read_body(body: Incoming) -> Result<Bytes, Failure> {
    let collected = Limited::new(body, REQUEST_BODY_BYTES_MAX).collect().await;
    let body = collected.map_err(|error| {
        Failure::invalid("body", format!("the body could not be read: {error}"))
    })?;
    Ok(body.to_bytes())
}

/// What is asked, and who asks it: the request is held against the credentials first, as the service
/// does, under a clock that is off by `skew`.
fn read_input(
    shared: &Shared,
    parts: &Parts,
    body: Result<Bytes, Failure>,
    skew: SignedDuration,
) -> Result<Input, Failure> {
    let body = body?;
    let query = parts.uri.query().unwrap_or_default();
    let headers = &parts.headers;
    let now = (shared.wall)().saturating_add(skew).unwrap_or(Timestamp::MAX);
    let principal = match &shared.credentials {
        None => &shared.principal,
        Some(credentials) => {
            let (method, path) = (parts.method.as_str(), parts.uri.path());
            let signed = Signed { method, path, query, headers, body: &body };
            &credentials.verify(&signed, now)?.principal
        }
    };
    let token = headers.get("x-amz-client-token").map(HeaderValue::to_str).transpose();
    let token =
        token.map_err(|_| Failure::invalid("clientToken", "the client token is not ASCII"))?;
    Ok(Input {
        query: query.to_owned(),
        client_token: token.map(str::to_owned),
        body,
        principal: principal.clone(),
        repeated_token: None,
    })
}

fn skew(fault: Option<&Fault>) -> SignedDuration {
    match fault {
        Some(Fault::ClockSkew { by }) => *by,
        _ => SignedDuration::ZERO,
    }
}

fn studio_of(shared: &Shared, call: &Call) -> Option<String> {
    match call.label("resourceArn") {
        Some(arn) => shared.world().studio_of(arn).map(ToString::to_string),
        None => call.studio().map(str::to_owned),
    }
}

fn facts<'a>(parts: &'a Parts, call: &'a Call, studio: Option<&'a str>) -> Facts<'a> {
    let query = parts.uri.query().unwrap_or_default();
    Facts {
        operation: call.operation(),
        studio,
        session: call.session(),
        launch_profile: call.label("launchProfileId"),
        client_token: text_of(&parts.headers, "x-amz-client-token"),
        access_key: claimed_key(&parts.headers),
        attempt: attempt(&parts.headers),
        has_page_token: query.split('&').any(|pair| pair.starts_with("nextToken=")),
    }
}

/// The SDK's count of its attempts at a call.
pub(super) fn attempt(headers: &HeaderMap) -> Option<u64> {
    let request = text_of(headers, "amz-sdk-request")?;
    let attempt = request.split(';').find_map(|part| part.trim().strip_prefix("attempt="))?;
    attempt.parse().ok()
}

/// What a request breaks of the contract although it may be answered. What it is refused for comes
/// with the refusal.
fn violations(headers: &HeaderMap, call: &Call, body: Option<&Bytes>) -> Vec<Violation> {
    let Call::Served { interface, .. } = call else { return vec![Violation::NotServed] };
    let mut violations = Vec::new();
    if interface.takes_token && !headers.contains_key("x-amz-client-token") {
        violations.push(Violation::NoClientToken);
    }
    let content_type = text_of(headers, CONTENT_TYPE.as_str());
    let is_json = content_type.is_some_and(|content_type| {
        let essence = content_type.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/json")
    });
    if body.is_some_and(|body| !body.is_empty()) && !is_json {
        violations.push(Violation::ContentType(content_type.map(str::to_owned)));
    }
    if interface.operation == Operation::StopStreamingSession
        && body.is_some_and(|body| deletes(body))
    {
        violations.push(Violation::DeletesVolume);
    }
    violations
}

fn deletes(body: &[u8]) -> bool {
    let body: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    body.is_some_and(|body| {
        body.get("volumeRetentionMode").and_then(|mode| mode.as_str()) == Some("DELETE")
    })
}

//! Does what a fault says.

use std::convert::Infallible;
use std::future::pending;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use hyper::header::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use super::body::{AnswerBody, Ending};
use super::operations::{self, Input, Setting};
use super::routes::Call;
use super::{Reply, Shared, alter, exchange, text_of};
use crate::sandbox::faults::Fault;
use crate::sandbox::wire::{self, Failure, FailureKind};
use crate::sandbox::world::{Operation, Refusal, World};

/// What becomes of a request.
pub(super) enum Outcome {
    Answered(Reply),
    /// It was answered, and nobody hears of it.
    Lost(Reply),
    Reset,
    Silent,
}

/// Performs a request, under a fault where there is one.
pub(super) fn perform(
    shared: &Shared,
    call: &Call,
    input: Result<Input, Failure>,
    fault: Option<&Fault>,
) -> Outcome {
    let Some(fault) = fault else { return Outcome::Answered(performed(shared, call, input)) };
    match fault {
        Fault::Silence => Outcome::Silent,
        Fault::Reset => Outcome::Reset,
        Fault::LostAnswer => Outcome::Lost(performed(shared, call, input)),
        fault => Outcome::Answered(
            refused(fault, call.operation())
                .map(|failure| Reply::failure(&failure))
                .unwrap_or_else(|| changed(shared, call, input, fault)),
        ),
    }
}

fn performed(shared: &Shared, call: &Call, input: Result<Input, Failure>) -> Reply {
    let answered = input.and_then(|input| {
        let page_size = shared.page_size;
        let perform = |world: &mut World, now| {
            operations::perform(Setting { world, now, page_size }, call, &input)
        };
        if call.operation().changes() { shared.change(perform) } else { shared.look(perform) }
    });
    answered.unwrap_or_else(|failure| Reply::failure(&failure))
}

/// The refusal of an operation that a fault is, if it is nothing but that.
fn refused(fault: &Fault, operation: Operation) -> Option<Failure> {
    let (kind, code, message) = match fault {
        Fault::Denied => (FailureKind::Denied, "ACCESS_DENIED", "the caller is not authorized"),
        Fault::CredentialsExpired => (
            FailureKind::Expired,
            "EXPIRED_TOKEN",
            "The security token included in the request is expired",
        ),
        Fault::QuotaExceeded => (FailureKind::Quota, "QUOTA", "the quota does not allow it"),
        Fault::Conflict => {
            (FailureKind::Conflict, "OPERATION_IN_PROGRESS", "Another operation is in progress")
        }
        Fault::Throttled | Fault::RateLimit { .. } => {
            (FailureKind::Throttled, "THROTTLED", "too many requests")
        }
        Fault::InternalError => {
            (FailureKind::Internal, "INTERNAL", "something went wrong inside the service")
        }
        Fault::ExpiredPageToken => {
            (FailureKind::Validation, "EXPIRED_PAGE_TOKEN", "the nextToken has expired")
        }
        _ => return None,
    };
    Some(Failure::new(kind, code, message).of_operation(operation.name()))
}

/// An answer that a fault changes. Those that never answer do not come here.
fn changed(shared: &Shared, call: &Call, input: Result<Input, Failure>, fault: &Fault) -> Reply {
    let perform = |input| performed(shared, call, input);
    match fault {
        Fault::Html503 => Reply {
            status: 503,
            content_type: "text/html",
            body: AnswerBody::whole("<html><body><h1>503 Service Unavailable</h1></body></html>"),
            ..Reply::json(Vec::new())
        },
        Fault::TruncatedJson => with_body(perform(input), AnswerBody::cut),
        Fault::MalformedJson => with_body(perform(input), alter::malformed),
        Fault::CutOff => with_body(perform(input), |body| body.broken(Ending::Closes)),
        Fault::Stall => with_body(perform(input), |body| body.broken(Ending::Stalls)),
        Fault::HugeBody { bytes } => {
            Reply { body: AnswerBody::filler(*bytes), ..Reply::json(Vec::new()) }
        }
        Fault::EndlessToken => {
            let token = format!("endless-{}", shared.serial.fetch_add(1, Ordering::Relaxed));
            Reply::json(wire::empty_page(call.operation(), &token))
        }
        Fault::RepeatingToken => {
            let repeated_token = Some("again-and-again".to_owned());
            perform(input.map(|input| Input { repeated_token, ..input }))
        }
        Fault::UnknownValue { member, value, sessions } => {
            with_body(perform(input), |body| alter::set(body, member, value, sessions.as_ref()))
        }
        Fault::MissingMembers { members, sessions } => {
            with_body(perform(input), |body| alter::remove(body, members, sessions.as_ref()))
        }
        Fault::VanishingSession { sessions } => match call.session() {
            Some(session) => Reply::failure(&Refusal::SessionNotFound(session.to_owned()).into()),
            None => with_body(perform(input), |body| alter::leave_out(body, sessions)),
        },
        Fault::ClockSkew { by } => {
            let reply = with_body(perform(input), |body| alter::shift_instants(body, *by));
            Reply { skew: *by, ..reply }
        }
        Fault::StaleList { age } => stale(shared, call, input, *age),
        Fault::RestartRace => raced(shared, call, input),
        Fault::Denied
        | Fault::CredentialsExpired
        | Fault::QuotaExceeded
        | Fault::Conflict
        | Fault::Throttled
        | Fault::RateLimit { .. }
        | Fault::InternalError
        | Fault::ExpiredPageToken
        | Fault::Latency { .. }
        | Fault::Silence
        | Fault::Reset
        | Fault::LostAnswer => perform(input),
    }
}

/// Changes the body of an answer, if there is one to change.
fn with_body(reply: Reply, change: impl FnOnce(AnswerBody) -> AnswerBody) -> Reply {
    Reply { body: change(reply.body), ..reply }
}

/// A list from the world as it was up to `age` ago: a copy is kept for so long, and then made anew.
fn stale(
    shared: &Shared,
    call: &Call,
    input: Result<Input, Failure>,
    age: SignedDuration,
) -> Reply {
    let input = match input {
        Ok(input) => input,
        Err(failure) => return Reply::failure(&failure),
    };
    let mut kept = shared.stale.lock().unwrap_or_else(PoisonError::into_inner);
    let now = shared.clock.now();
    let is_old = |at: Timestamp| now < at || now.duration_since(at) >= age;
    if kept.as_ref().is_none_or(|(at, _)| is_old(*at)) {
        let copied = shared.look(|world, now| {
            world.advance(now);
            Ok((now, world.clone()))
        });
        match copied {
            Ok(copied) => *kept = Some(copied),
            Err(failure) => return Reply::failure(&failure),
        }
    }
    let page_size = shared.page_size;
    let answered = match kept.as_mut() {
        Some((at, world)) => {
            operations::perform(Setting { world, now: *at, page_size }, call, &input)
        }
        None => return performed(shared, call, Ok(input)),
    };
    answered.unwrap_or_else(|failure| Reply::failure(&failure))
}

/// The owner starts the session anew: right before it is stopped, or right after it was read.
fn raced(shared: &Shared, call: &Call, input: Result<Input, Failure>) -> Reply {
    let restart = || {
        let (Some(studio), Some(session)) = (call.studio(), call.session()) else { return };
        let restarted =
            shared.change(|world, now| Ok(world.restart_at_once(studio, session, now)?));
        tracing::debug!(?restarted, session, "the owner starts the session anew");
    };
    let is_known = input.is_ok();
    let is_stop = call.operation() == Operation::StopStreamingSession;
    if is_known && is_stop {
        restart();
    }
    let reply = performed(shared, call, input);
    if is_known && !is_stop {
        restart();
    }
    reply
}

/// Tells the hook which attempt of which call is left without an answer, and stays silent until the
/// client gives up.
pub(super) async fn fall_silent(shared: &Shared, headers: &HeaderMap) -> Infallible {
    if let Some(hook) = &shared.on_silence {
        let invocation = text_of(headers, "amz-sdk-invocation-id").unwrap_or_default();
        let attempt = exchange::attempt(headers).unwrap_or(1);
        hook(&format!("{invocation}/{attempt}"));
    }
    pending().await
}

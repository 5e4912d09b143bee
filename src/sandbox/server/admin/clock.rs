//! The clock behind the server's own door: shown, frozen, let go on, advanced, made faster.

use hyper::StatusCode;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Told, message};
use crate::sandbox::clock::ClockChange;
use crate::sandbox::server::Shared;
use crate::sandbox::server::keeping::NotSet;
use crate::sandbox::wire::Failure;

/// What a body may ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Asked {
    advance: Option<String>,
    frozen: Option<bool>,
    speed: Option<f64>,
}

/// What the clock shows, how it goes on, and when something happens next by itself.
pub(super) fn show(shared: &Shared) -> Told {
    let next = shared.look(|world, now| {
        world.advance(now);
        Ok((now, world.next_event()))
    });
    let (now, next_event) = next.map_err(|failure| not_kept(&failure))?;
    let facts = shared.clock.facts();
    Ok(json!({
        "now": now,
        "frozen": facts.frozen,
        "speed": facts.speed,
        "next_event": next_event,
    }))
}

/// Changes the clock as the body says, and shows it.
pub(super) fn change(shared: &Shared, body: &[u8]) -> Told {
    let change = read(body).map_err(|why| (StatusCode::BAD_REQUEST, message(&why)))?;
    shared.change_clock(change).map_err(|not_set| match not_set {
        NotSet::Clock(error) => (StatusCode::BAD_REQUEST, message(&error.to_string())),
        NotSet::State(failure) => not_kept(&failure),
    })?;
    show(shared)
}

fn read(body: &[u8]) -> Result<ClockChange, String> {
    let asked: Asked = serde_json::from_slice(body)
        .map_err(|error| format!("the body is not like {{\"advance\": \"8h\"}}: {error}"))?;
    let advance = asked.advance.as_deref().map(duration).transpose()?;
    let change = ClockChange { advance, frozen: asked.frozen, speed: asked.speed };
    if change.is_none() {
        return Err("the body asks for nothing: valid are advance, frozen and speed".to_owned());
    }
    Ok(change)
}

/// A length of time like `8h` or `2d 30m`; a day is 24 hours.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let parsed = text.parse::<Span>();
    let parsed = parsed.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    parsed.map_err(|_| {
        format!("{text:?} is not a length of time: write it like \"8h\" or \"2d 30m\"")
    })
}

fn not_kept(failure: &Failure) -> (StatusCode, Value) {
    (StatusCode::INTERNAL_SERVER_ERROR, message(failure.message()))
}

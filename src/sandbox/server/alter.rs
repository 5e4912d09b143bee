//! Answers that are changed after they were written: JSON in, JSON out.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::body::AnswerBody;

/// A body that looks like JSON and is not.
pub(super) fn malformed(body: AnswerBody) -> AnswerBody {
    let mut bytes = body.bytes().to_vec();
    match bytes.iter().position(|byte| *byte == b'{') {
        Some(brace) => bytes.splice(brace + 1..brace + 1, *b",:").for_each(drop),
        None => bytes.extend_from_slice(b"{,:}"),
    }
    AnswerBody::whole(bytes)
}

/// Gives a member another value wherever it is text; only in these sessions, where some are named.
pub(super) fn set(
    body: AnswerBody,
    member: &str,
    value: &str,
    sessions: Option<&BTreeSet<String>>,
) -> AnswerBody {
    change(body, |object| {
        if is_of(object, sessions)
            && let Some(Value::String(found)) = object.get_mut(member)
        {
            value.clone_into(found);
        }
    })
}

/// Takes members away; only from these sessions, where some are named.
pub(super) fn remove(
    body: AnswerBody,
    members: &BTreeSet<String>,
    sessions: Option<&BTreeSet<String>>,
) -> AnswerBody {
    change(body, |object| {
        if is_of(object, sessions) {
            object.retain(|name, _| !members.contains(name));
        }
    })
}

/// Takes sessions out of a list.
pub(super) fn leave_out(body: AnswerBody, sessions: &BTreeSet<String>) -> AnswerBody {
    change(body, |object| {
        if let Some(Value::Array(listed)) = object.get_mut("sessions") {
            listed.retain(|session| {
                let id = session.get("sessionId").and_then(Value::as_str);
                id.is_none_or(|id| !sessions.contains(id))
            });
        }
    })
}

/// Moves every instant, which are the members that end in `At`.
pub(super) fn shift_instants(body: AnswerBody, by: SignedDuration) -> AnswerBody {
    change(body, |object| {
        for (_, value) in object.iter_mut().filter(|(name, _)| name.ends_with("At")) {
            let at = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
            if let Some(moved) = at.and_then(|at| at.checked_add(by).ok()) {
                *value = Value::String(moved.to_string());
            }
        }
    })
}

/// Whether an object is one of these sessions, or none are named.
fn is_of(object: &Map<String, Value>, sessions: Option<&BTreeSet<String>>) -> bool {
    let Some(sessions) = sessions else { return true };
    let id = object.get("sessionId").and_then(Value::as_str);
    id.is_some_and(|id| sessions.contains(id))
}

/// Changes each object of an answer, from the outside to the inside. What is no JSON stays as it is.
fn change(body: AnswerBody, mut change: impl FnMut(&mut Map<String, Value>)) -> AnswerBody {
    let Ok(mut value) = serde_json::from_slice(body.bytes()) else { return body };
    visit(&mut value, &mut change);
    match serde_json::to_vec(&value) {
        Ok(bytes) => AnswerBody::whole(bytes),
        Err(_) => body,
    }
}

fn visit(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            change(object);
            object.values_mut().for_each(|value| visit(value, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| visit(value, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

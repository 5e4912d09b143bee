//! What is said in records about sessions and what is done with them.

use jiff::Timestamp;

use super::Workshop;
use crate::audit::record::{Data, EndingData, ErrorData, SeenData};
use crate::ids::{SessionId, StudioId};
use crate::inventory::{Session, Stopping};
use crate::plan::{Action, Decision};
use crate::provider::ProviderError;

/// The subject of a record about one session.
#[must_use]
pub fn session_subject(studio: &StudioId, session: &SessionId) -> String {
    format!("{studio}/{session}")
}

/// The session as it was seen, for a record.
#[must_use]
pub fn seen_data(session: &Session) -> SeenData {
    SeenData {
        state: session.state.to_string(),
        owner: session.owner.as_ref().map(ToString::to_string),
        launch_profile: session.launch_profile.as_ref().map(ToString::to_string),
        launch_profile_name: session.launch_profile_name.clone(),
        instance_type: session.instance_type.as_ref().map(ToString::to_string),
        started_at: session.start(),
    }
}

/// A session, with no decision.
pub(super) fn seen(workshop: &Workshop, session: &Session) -> Data {
    Data {
        studio: Some(workshop.studio.id.to_string()),
        session: Some(session.id.to_string()),
        policy: Some(workshop.policy.hash.to_string()),
        seen: Some(seen_data(session)),
        ..Data::default()
    }
}

/// A session with a decision about it.
pub(super) fn decided(workshop: &Workshop, session: &Session, decision: &Decision) -> Data {
    Data {
        studio: Some(workshop.studio.id.to_string()),
        policy: Some(workshop.policy.hash.to_string()),
        seen: Some(seen_data(session)),
        ..Data::from(decision)
    }
}

/// The stop that a start is about, for a record; the run of a stop is in what was seen.
pub(super) fn stop_before(action: Action, run: Option<Timestamp>) -> Option<Timestamp> {
    match action {
        Action::Stop => None,
        Action::Start => run,
    }
}

/// How long after its stop the service destroys it, in seconds: by the time that this is asked its launch profile may
/// be another.
pub(super) fn destroyed_after(action: Action, session: &Session) -> Option<i64> {
    match (action, &session.stopping) {
        (Action::Stop, Stopping::Allowed { destroyed_after }) => {
            destroyed_after.map(|after| after.as_secs())
        }
        (Action::Stop | Action::Start, _) => None,
    }
}

/// When the service would have ended a running session by itself: savings count up to there.
pub(super) fn ending(session: &Session) -> Option<EndingData> {
    session.ends_itself.map(|ending| EndingData { at: ending.at, destroys: ending.destroys })
}

/// A call that failed.
pub(super) fn error(error: &ProviderError) -> ErrorData {
    ErrorData {
        problem: error.problem.code().to_owned(),
        operation: Some(error.operation.to_owned()),
        detail: error.detail.clone(),
    }
}

//! The SDK's types, translated to our nouns.
//!
//! Every word that the SDK does not know survives as itself, bounded, so that a decision can doubt
//! it. Start with [`session`].

use std::collections::{BTreeMap, HashMap};

use aws_sdk_nimble::primitives::DateTime;
use aws_sdk_nimble::types::{
    AutomaticTerminationMode, LaunchProfile, SessionPersistenceMode, StreamingSession,
    StreamingSessionState, StudioMembership, StudioPersona, VolumeRetentionMode,
};
use jiff::Timestamp;

use super::errors::one_line;
use super::stopping::{
    self, Instants, ProfileModes, Retention, SessionModes, Setting, Switch, ending,
    retains_volumes, termination,
};
use crate::ids::{AccountId, SessionId, StudioRole};
use crate::inventory::{Doubt, Session, SessionState, Stopping, Transition};

/// The longest name, id or key of a tag that is read, in bytes; the service's own are of 128 characters at the most.
const NAME_BYTES_MAX: usize = 512;

/// The longest value of a tag, or name of a principal: those of the service are of 256 characters at the most.
const TEXT_BYTES_MAX: usize = 1024;

/// The longest ARN.
const ARN_BYTES_MAX: usize = 2048;

/// No session ends before: 2000-01-01.
const ENDS_FROM: Timestamp = Timestamp::constant(946_684_800, 0);

/// What a session takes from its launch profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Profile {
    /// Its name.
    pub(super) name: Option<String>,
    /// What it says of stopping; absent where it has no stream configuration at all.
    pub(super) modes: Option<ProfileModes>,
}

/// A launch profile.
pub(super) fn profile(profile: LaunchProfile) -> Profile {
    let modes = profile.stream_configuration.map(|stream| ProfileModes {
        persistence: persistence(stream.session_persistence_mode.as_ref()),
        termination: automatic_termination(stream.automatic_termination_mode.as_ref()),
        session_minutes_max: stream.max_session_length_in_minutes,
        stopped_minutes_max: stream.max_stopped_session_length_in_minutes,
    });
    Profile { name: bounded(profile.name, NAME_BYTES_MAX), modes }
}

/// A session, joined with its launch profile where that was read. `None` if it carries no id: such a
/// session cannot be named.
pub(super) fn session(session: StreamingSession, profile: Option<&Profile>) -> Option<Session> {
    let id = bounded(session.session_id, NAME_BYTES_MAX).filter(|id| !id.is_empty())?;
    let modes = SessionModes {
        persistence: persistence(session.session_persistence_mode.as_ref()),
        termination: automatic_termination(session.automatic_termination_mode.as_ref()),
        retention: retention(session.volume_retention_mode.as_ref()),
    };
    let state = state(session.state.as_ref());
    let created_at = timestamp(session.created_at);
    let started_at = timestamp(session.started_at);
    let instants = Instants {
        start: started_at.max(created_at),
        stop_at: end(session.stop_at),
        stopped_at: timestamp(session.stopped_at),
        terminate_at: end(session.terminate_at),
    };
    let profile_modes = profile.and_then(|profile| profile.modes.as_ref());
    let (tags, too_long) = tags(session.tags);
    let stopping = match too_long.filter(|_| stopping::is_running(&state)) {
        // A rule may go by what is not there any more.
        Some(bytes) => Stopping::Unclear(Doubt::UnknownMode {
            field: "tags",
            value: format!("a tag of {bytes} bytes"),
        }),
        None => stopping::stopping(&modes, profile_modes),
    };
    Some(Session {
        id: SessionId::from(id),
        arn: bounded(session.arn, ARN_BYTES_MAX),
        status: session.status_code.map(|code| one_line(code.as_str())),
        owner: bounded(session.owned_by, NAME_BYTES_MAX).map(Into::into),
        studio_role: None,
        launch_profile: bounded(session.launch_profile_id, NAME_BYTES_MAX).map(Into::into),
        launch_profile_name: profile.and_then(|profile| profile.name.clone()),
        instance_type: bounded(session.ec2_instance_type, NAME_BYTES_MAX).map(Into::into),
        streaming_image: bounded(session.streaming_image_id, NAME_BYTES_MAX).map(Into::into),
        persistence: stopping::persistence(&modes, profile_modes),
        created_at,
        started_at,
        started_by: cut(session.started_by),
        stopped_at: instants.stopped_at,
        stopped_by: cut(session.stopped_by),
        terminate_at: termination(&state, &stopping, &instants),
        ends_itself: ending(&state, &stopping, profile_modes, &instants),
        retains_volumes: retains_volumes(&modes, profile_modes),
        tags,
        state,
        stopping,
    })
}

/// A member of a studio; `None` where nothing tells what they are there.
pub(super) fn studio_role(member: &StudioMembership) -> Option<StudioRole> {
    match member.persona.as_ref()? {
        StudioPersona::Administrator => Some(StudioRole::Administrator),
        _ => None,
    }
}

/// The same session as the service answers it after a call. `None` if it is about another one.
///
/// The answer says how the session is doing. What its launch profile says of it, and what its
/// owner is in the studio, is not in the answer and stays as it was asked with.
pub(super) fn answered(answer: StreamingSession, asked: &Session) -> Option<Session> {
    let answered = session(answer, None).filter(|answered| answered.id == asked.id)?;
    let instants = Instants {
        start: None,
        stop_at: None,
        stopped_at: answered.stopped_at,
        terminate_at: answered.terminate_at,
    };
    Some(Session {
        studio_role: asked.studio_role,
        launch_profile_name: asked.launch_profile_name.clone(),
        persistence: answered.persistence.or(asked.persistence),
        terminate_at: termination(&answered.state, &asked.stopping, &instants),
        stopping: asked.stopping.clone(),
        retains_volumes: asked.retains_volumes,
        ..answered
    })
}

/// The account that an ARN names, where it names one: `arn:PARTITION:SERVICE:REGION:ACCOUNT:...`.
pub(super) fn account(arn: &str) -> Option<AccountId> {
    let mut parts = arn.split(':');
    let account = (parts.next() == Some("arn")).then(|| parts.nth(3))??;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| account.into())
}

/// An instant beyond all calendars becomes the first or the last one that there is, never none: what
/// is absent may be replaced by something else, and this must not be.
fn timestamp(instant: Option<DateTime>) -> Option<Timestamp> {
    instant.map(|instant| {
        let nanos = i32::try_from(instant.subsec_nanos()).unwrap_or_default();
        let beyond = if instant.secs() < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Timestamp::new(instant.secs(), nanos).unwrap_or(beyond)
    })
}

/// The end that a session is told to have. What lies before the service was there is how some write that there is
/// none.
fn end(instant: Option<DateTime>) -> Option<Timestamp> {
    timestamp(instant).filter(|instant| *instant >= ENDS_FROM)
}

/// What is longer than the service ever makes it is not read: whatever goes by it is then in doubt.
fn bounded(text: Option<String>, bytes_max: usize) -> Option<String> {
    text.filter(|text| text.len() <= bytes_max)
}

/// What is longer is cut: who it is stays somebody.
fn cut(text: Option<String>) -> Option<String> {
    text.map(|mut text| {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text
    })
}

/// The tags, and how long the longest is that does not fit. What is cut of a value still says something.
fn tags(tags: Option<HashMap<String, String>>) -> (BTreeMap<String, String>, Option<usize>) {
    let mut longest = None;
    let mut fit = |(key, value): (String, String)| {
        if key.len() > NAME_BYTES_MAX || value.len() > TEXT_BYTES_MAX {
            longest = longest.max(Some(key.len().max(value.len())));
        }
        (key.len() <= NAME_BYTES_MAX).then_some(())?;
        Some((key, cut(Some(value))?))
    };
    let tags = tags.into_iter().flatten().filter_map(&mut fit).collect();
    (tags, longest)
}

fn state(state: Option<&StreamingSessionState>) -> SessionState {
    use SessionState::{Deleted, Failed, Missing, Ready, Stopped, Transitional, Unknown};
    match state {
        None => Missing,
        Some(StreamingSessionState::Ready) => Ready,
        Some(StreamingSessionState::Stopped) => Stopped,
        Some(StreamingSessionState::Deleted) => Deleted,
        Some(StreamingSessionState::CreateInProgress) => Transitional(Transition::Create),
        Some(StreamingSessionState::StartInProgress) => Transitional(Transition::Start),
        Some(StreamingSessionState::StopInProgress) => Transitional(Transition::Stop),
        Some(StreamingSessionState::DeleteInProgress) => Transitional(Transition::Delete),
        Some(StreamingSessionState::CreateFailed) => Failed(Transition::Create),
        Some(StreamingSessionState::StartFailed) => Failed(Transition::Start),
        Some(StreamingSessionState::StopFailed) => Failed(Transition::Stop),
        Some(StreamingSessionState::DeleteFailed) => Failed(Transition::Delete),
        Some(word) => Unknown(one_line(word.as_str())),
    }
}

fn persistence(mode: Option<&SessionPersistenceMode>) -> Setting<Switch> {
    match mode {
        None => Setting::Absent,
        Some(SessionPersistenceMode::Activated) => Setting::Known(Switch::Activated),
        Some(SessionPersistenceMode::Deactivated) => Setting::Known(Switch::Deactivated),
        Some(word) => Setting::Unknown(one_line(word.as_str())),
    }
}

fn automatic_termination(mode: Option<&AutomaticTerminationMode>) -> Setting<Switch> {
    match mode {
        None => Setting::Absent,
        Some(AutomaticTerminationMode::Activated) => Setting::Known(Switch::Activated),
        Some(AutomaticTerminationMode::Deactivated) => Setting::Known(Switch::Deactivated),
        Some(word) => Setting::Unknown(one_line(word.as_str())),
    }
}

fn retention(mode: Option<&VolumeRetentionMode>) -> Setting<Retention> {
    match mode {
        None => Setting::Absent,
        Some(VolumeRetentionMode::Retain) => Setting::Known(Retention::Retain),
        Some(VolumeRetentionMode::Delete) => Setting::Known(Retention::Delete),
        Some(word) => Setting::Unknown(one_line(word.as_str())),
    }
}

#[cfg(test)]
mod tests;

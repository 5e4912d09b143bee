//! The pure rule for what stopping a session would do, over old and new launch profiles.
//!
//! It knows the words of the service's model and nothing of any SDK, clock or call. The rule covers
//! profiles from before persistence existed, whose modes are absent, and the ones after. Whatever it
//! does not know for certain becomes a [`Doubt`], which vetoes the stop. Start with [`stopping`].

use jiff::{SignedDuration, Timestamp};

use crate::inventory::{Doubt, Ending, Forbidden, SessionState, Stopping, Transition};

/// One word of the service, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::provider) enum Setting<T> {
    /// Nothing was said, as by everything that is older than the word.
    Absent,
    /// A word of the model.
    Known(T),
    /// A word that the model does not have.
    Unknown(String),
}

/// The words of `sessionPersistenceMode` and `automaticTerminationMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Switch {
    /// `ACTIVATED`.
    Activated,
    /// `DEACTIVATED`.
    Deactivated,
}

/// The words of `volumeRetentionMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Retention {
    /// `RETAIN`.
    Retain,
    /// `DELETE`.
    Delete,
}

/// What the session itself says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::provider) struct SessionModes {
    /// `sessionPersistenceMode`.
    pub(in crate::provider) persistence: Setting<Switch>,
    /// `automaticTerminationMode`.
    pub(in crate::provider) termination: Setting<Switch>,
    /// `volumeRetentionMode`.
    pub(in crate::provider) retention: Setting<Retention>,
}

/// What its launch profile says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::provider) struct ProfileModes {
    /// `sessionPersistenceMode`.
    pub(in crate::provider) persistence: Setting<Switch>,
    /// `automaticTerminationMode`.
    pub(in crate::provider) termination: Setting<Switch>,
    /// `maxSessionLengthInMinutes`. The SDK reads an absent one as the service's default of 690.
    pub(in crate::provider) session_minutes_max: i32,
    /// `maxStoppedSessionLengthInMinutes`. The SDK reads an absent one as 0, which means the same.
    pub(in crate::provider) stopped_minutes_max: i32,
}

/// The instants that bear on how a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) struct Instants {
    /// The start of the present run.
    pub(in crate::provider) start: Option<Timestamp>,
    /// `stopAt`.
    pub(in crate::provider) stop_at: Option<Timestamp>,
    /// `stoppedAt`.
    pub(in crate::provider) stopped_at: Option<Timestamp>,
    /// `terminateAt`.
    pub(in crate::provider) terminate_at: Option<Timestamp>,
}

/// The longest stop of the service's model, in minutes.
pub(super) const STOPPED_MINUTES_MAX: i32 = 5760;

/// The longest run of the service's model, in minutes.
const SESSION_MINUTES_MAX: i32 = 43_200;

const REMEDY: &str = "set maxStoppedSessionLengthInMinutes of the launch profile above 0; the \
    service may ask for sessionPersistenceMode and automaticTerminationMode ACTIVATED with it";

const REMEDY_PERSISTENT: &str = "set maxStoppedSessionLengthInMinutes of the launch profile above \
    0, or its automaticTerminationMode to DEACTIVATED";

/// Whether a session launched from a profile now may be stopped, and what that sets off.
pub(in crate::provider) fn stopping_of_new(profile: Option<&ProfileModes>) -> Stopping {
    let like = |setting: fn(&ProfileModes) -> &Setting<Switch>| {
        profile.map_or(Setting::Absent, |profile| setting(profile).clone())
    };
    let session = SessionModes {
        persistence: like(|profile| &profile.persistence),
        termination: like(|profile| &profile.termination),
        retention: Setting::Absent,
    };
    stopping(&session, profile)
}

/// Whether the session may be stopped, and what that sets off.
///
/// The service stops a session whose profile has `maxStoppedSessionLengthInMinutes` above 0, and any
/// persistent session without automatic termination; only the latter may stay off for ever.
pub(in crate::provider) fn stopping(
    session: &SessionModes,
    profile: Option<&ProfileModes>,
) -> Stopping {
    if let Some(doubt) = session_doubt(session) {
        return Stopping::Unclear(doubt);
    }
    let Some(profile) = profile else {
        return Stopping::Unclear(Doubt::NoLaunchProfile);
    };
    if let Some(doubt) = profile_doubt(profile) {
        return Stopping::Unclear(doubt);
    }
    let persists = retains_volumes(session, Some(profile));
    let terminates = is_activated(&session.termination, &profile.termination);
    let may_stay_off = persists && !terminates;
    // A session that says nothing may be older than what its profile says today: where the profile
    // still has a length, the clock is taken to run.
    let is_silent =
        session.persistence == Setting::Absent && session.termination == Setting::Absent;
    let has_no_clock = may_stay_off && !(is_silent && profile.stopped_minutes_max > 0);
    match (has_no_clock, profile.stopped_minutes_max) {
        (true, _) => Stopping::Allowed { destroyed_after: None },
        (false, 0) if persists => Stopping::Forbidden(Forbidden { remedy: REMEDY_PERSISTENT }),
        (false, 0) => Stopping::Forbidden(Forbidden { remedy: REMEDY }),
        (false, minutes) => {
            Stopping::Allowed { destroyed_after: Some(SignedDuration::from_mins(minutes.into())) }
        }
    }
}

/// Whether the session has volumes that can be asked to be retained. `RETAIN` means something only
/// where the session persists.
pub(in crate::provider) fn retains_volumes(
    session: &SessionModes,
    profile: Option<&ProfileModes>,
) -> bool {
    let fallback = profile.map_or(&Setting::Absent, |profile| &profile.persistence);
    is_activated(&session.persistence, fallback)
}

/// Whether the session persists; `None` where what was read does not tell. Absent is not unknown: what
/// is older than the mode does not have it.
pub(in crate::provider) fn persistence(
    session: &SessionModes,
    profile: Option<&ProfileModes>,
) -> Option<bool> {
    match (&session.persistence, profile.map(|profile| &profile.persistence)) {
        (Setting::Known(switch), _) | (Setting::Absent, Some(Setting::Known(switch))) => {
            Some(*switch == Switch::Activated)
        }
        (Setting::Absent, Some(Setting::Absent)) => Some(false),
        (Setting::Unknown(_), _) | (Setting::Absent, Some(Setting::Unknown(_)) | None) => None,
    }
}

/// How and when the service ends a running session by itself.
///
/// Its own announcements come first. Without any, the maximum length of the run counts from its
/// start, and what cannot be stopped is terminated.
pub(in crate::provider) fn ending(
    state: &SessionState,
    stopping: &Stopping,
    profile: Option<&ProfileModes>,
    instants: &Instants,
) -> Option<Ending> {
    if !is_running(state) {
        return None;
    }
    let stop = instants.stop_at.map(|at| Ending { at, destroys: false });
    let terminate = instants.terminate_at.map(|at| Ending { at, destroys: true });
    let announced = [terminate, stop].into_iter().flatten().min_by_key(|ending| ending.at);
    announced.or_else(|| {
        let destroys = match stopping {
            Stopping::Allowed { .. } => false,
            Stopping::Forbidden(_) => true,
            Stopping::Unclear(_) => return None,
        };
        let length = SignedDuration::from_mins(profile?.session_minutes_max.into());
        Some(Ending { at: instants.start?.checked_add(length).ok()?, destroys })
    })
}

/// When the service will destroy a session that is off: as announced, else by the termination clock.
pub(in crate::provider) fn termination(
    state: &SessionState,
    stopping: &Stopping,
    instants: &Instants,
) -> Option<Timestamp> {
    match state {
        // A start that failed has saved nothing.
        SessionState::Stopped
        | SessionState::Transitional(Transition::Stop)
        | SessionState::Failed(Transition::Start) => {}
        SessionState::Ready
        | SessionState::Transitional(_)
        | SessionState::Failed(_)
        | SessionState::Deleted
        | SessionState::Unknown(_)
        | SessionState::Missing => return None,
    }
    instants.terminate_at.or_else(|| match stopping {
        Stopping::Allowed { destroyed_after } => {
            instants.stopped_at?.checked_add((*destroyed_after)?).ok()
        }
        Stopping::Forbidden(_) | Stopping::Unclear(_) => None,
    })
}

fn session_doubt(session: &SessionModes) -> Option<Doubt> {
    match &session.retention {
        Setting::Known(Retention::Delete) => return Some(Doubt::VolumesDeleted),
        Setting::Unknown(value) => return Some(unknown("volumeRetentionMode", value)),
        Setting::Known(Retention::Retain) | Setting::Absent => {}
    }
    switch_doubt(&session.persistence, &session.termination)
}

/// An unknown word of the profile is a doubt even where the session has a word of its own: it says
/// that the service has become something else than this rule was written for.
fn profile_doubt(profile: &ProfileModes) -> Option<Doubt> {
    let stopped = profile.stopped_minutes_max;
    let session = profile.session_minutes_max;
    switch_doubt(&profile.persistence, &profile.termination)
        .or_else(|| {
            let is_valid = (0..=STOPPED_MINUTES_MAX).contains(&stopped);
            (!is_valid).then(|| unknown("maxStoppedSessionLengthInMinutes", &format!("{stopped}")))
        })
        .or_else(|| {
            let is_valid = (1..=SESSION_MINUTES_MAX).contains(&session);
            (!is_valid).then(|| unknown("maxSessionLengthInMinutes", &format!("{session}")))
        })
}

fn switch_doubt(persistence: &Setting<Switch>, termination: &Setting<Switch>) -> Option<Doubt> {
    let named =
        [("sessionPersistenceMode", persistence), ("automaticTerminationMode", termination)];
    named.into_iter().find_map(|(field, setting)| match setting {
        Setting::Unknown(value) => Some(unknown(field, value)),
        Setting::Absent | Setting::Known(_) => None,
    })
}

fn unknown(field: &'static str, value: &str) -> Doubt {
    Doubt::UnknownMode { field, value: value.to_owned() }
}

/// The session's own word comes first: the profile may have changed since the session was made.
fn is_activated(session: &Setting<Switch>, profile: &Setting<Switch>) -> bool {
    let word = match session {
        Setting::Absent => profile,
        Setting::Known(_) | Setting::Unknown(_) => session,
    };
    *word == Setting::Known(Switch::Activated)
}

/// Whether the service's limits on a run apply: it runs, or is about to, or failed to stop.
pub(super) fn is_running(state: &SessionState) -> bool {
    match state {
        SessionState::Ready
        | SessionState::Transitional(Transition::Create | Transition::Start)
        | SessionState::Failed(Transition::Stop) => true,
        SessionState::Stopped
        | SessionState::Transitional(Transition::Stop | Transition::Delete)
        | SessionState::Failed(Transition::Create | Transition::Start | Transition::Delete)
        | SessionState::Deleted
        | SessionState::Unknown(_)
        | SessionState::Missing => false,
    }
}

#[cfg(test)]
mod tests;

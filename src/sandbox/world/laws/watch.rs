//! A studio before and after something, held against the laws.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::STUDIO;
use super::table::{self, Maker, Transition};
use crate::sandbox::world::*;

/// Why something may have changed.
#[derive(Clone, Debug)]
pub(super) enum Cause {
    Time,
    /// A call, and the session or launch profile that it is about.
    Call(Operation, String),
}

/// What is seen of a studio at an instant.
pub(super) struct Seen {
    now: Timestamp,
    sessions: BTreeMap<String, Session>,
    profiles: BTreeMap<String, LaunchProfile>,
    backups: BTreeMap<String, Backup>,
    /// Its session and its state, for each stream.
    streams: BTreeMap<String, (String, StreamState)>,
    destroyed: Vec<Destroyed>,
    studio: Studio,
}

impl Seen {
    pub(super) fn of(world: &World, now: Timestamp) -> Self {
        let held = world.held(STUDIO).unwrap();
        let streams = held.streams.iter().flat_map(|(session, streams)| {
            let state = |stream: &Stream| (session.to_string(), stream.state_at(now).0);
            streams.iter().map(move |stream| (stream.id.clone(), state(stream)))
        });
        Self {
            now,
            sessions: texts(&held.sessions),
            profiles: texts(&held.profiles),
            backups: texts(&held.backups),
            streams: streams.collect(),
            destroyed: world.destroyed.clone(),
            studio: (*held.studio).clone(),
        }
    }
}

fn texts<K: ToString, V: Clone>(map: &BTreeMap<K, V>) -> BTreeMap<String, V> {
    map.iter().map(|(key, value)| (key.to_string(), value.clone())).collect()
}

/// Holds what changed against the laws.
#[track_caller]
pub(super) fn assert_lawful(
    before: &Seen,
    after: &Seen,
    cause: &Cause,
    retention: &BTreeMap<SessionId, VolumeRetentionMode>,
) {
    let states = |seen: &Seen| States {
        sessions: seen
            .sessions
            .iter()
            .map(|(id, held)| (id.clone(), held.state.as_str().into()))
            .collect(),
        profiles: seen
            .profiles
            .iter()
            .map(|(id, held)| (id.clone(), held.state.as_str().into()))
            .collect(),
        backups: seen
            .backups
            .iter()
            .map(|(id, held)| (id.clone(), held.state.as_str().into()))
            .collect(),
        streams: seen
            .streams
            .iter()
            .map(|(id, held)| (id.clone(), held.1.as_str().into()))
            .collect(),
    };
    let (was, is) = (states(before), states(after));
    let any = |_: &str| true;
    let own = |id: &str| matches!(cause, Cause::Time) || is_subject(cause, id) || !was.has(id);
    let of_own = |id: &str| {
        after.streams.get(id).or(before.streams.get(id)).is_none_or(|(session, _)| own(session))
    };
    assert_legal("session", table::SESSIONS, &was.sessions, &is.sessions, cause, own);
    assert_legal("launch profile", table::LAUNCH_PROFILES, &was.profiles, &is.profiles, cause, own);
    assert_legal("stream", table::STREAMS, &was.streams, &is.streams, cause, of_own);
    assert_legal("backup", table::BACKUPS, &was.backups, &is.backups, cause, any);
    for (id, session) in &after.sessions {
        if before.sessions.get(id).is_none_or(|was| was.state != session.state) {
            assert_clock(session, after);
        }
    }
    assert_deletions(before, after, cause);
    assert_destroyed(before, after, cause, retention);
    assert_backups(before, after);
    assert_standing(after);
}

/// The states of everything, by ids.
struct States {
    sessions: BTreeMap<String, String>,
    profiles: BTreeMap<String, String>,
    backups: BTreeMap<String, String>,
    streams: BTreeMap<String, String>,
}

impl States {
    fn has(&self, id: &str) -> bool {
        self.sessions.contains_key(id) || self.profiles.contains_key(id)
    }
}

fn is_subject(cause: &Cause, id: &str) -> bool {
    matches!(cause, Cause::Call(_, subject) if subject == id)
}

/// Each transition is in the table, and of what the call is about.
#[track_caller]
fn assert_legal(
    what: &str,
    table: &[Transition],
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    cause: &Cause,
    may: impl Fn(&str) -> bool,
) {
    let maker = match cause {
        Cause::Time => Maker::Time,
        Cause::Call(operation, _) => Maker::Call(*operation),
    };
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for id in ids {
        let state = |of: &BTreeMap<String, String>| of.get(id).map_or("-".to_owned(), Clone::clone);
        let (from, to) = (state(before), state(after));
        assert!(
            table::is_legal(table, &from, &to, maker) && (from == to || may(id)),
            "{what} {id} went from {from} to {to} by {cause:?}"
        );
    }
}

/// What the service's model says of a session: whether it may be stopped, and how long it may then
/// stay so. Its own modes come before those of its launch profile.
fn rule(session: &Session, seen: &Seen) -> (bool, Option<SignedDuration>, SignedDuration) {
    let stream = &seen.profiles[session.launch_profile_id.as_ref().unwrap().as_str()].stream;
    let active = |mode: &Option<Mode>| *mode == Some(Mode::Activated);
    let (own_persistence, own_termination) =
        (&session.session_persistence_mode, &session.automatic_termination_mode);
    let (persists, terminates) = match (own_persistence, own_termination) {
        (None, None) => {
            (active(&stream.session_persistence_mode), active(&stream.automatic_termination_mode))
        }
        (None, termination) => (active(&stream.session_persistence_mode), active(termination)),
        (Some(Mode::Activated), termination) => (true, active(termination)),
        (Some(_), _) => (false, false),
    };
    let minutes = |count: u32| SignedDuration::from_mins(i64::from(count));
    let most = stream.max_stopped_session_length_in_minutes.unwrap_or(0);
    let running = minutes(stream.max_session_length_in_minutes.unwrap_or(690));
    match (persists && !terminates, most) {
        (true, _) => (true, None, running),
        (false, 0) => (false, None, running),
        (false, most) => (true, Some(minutes(most)), running),
    }
}

/// The clock of a session that came into a state is the one that the model says.
#[track_caller]
fn assert_clock(session: &Session, seen: &Seen) {
    let (stoppable, stopped, running) = rule(session, seen);
    let clock = (session.stop_at, session.terminate_at);
    let expected = match session.state {
        SessionState::Ready => {
            let end = session.updated_at.map(|at| at + running);
            if stoppable { (end, None) } else { (None, end) }
        }
        SessionState::Stopped | SessionState::StartFailed => {
            let end = stopped.and_then(|length| session.stopped_at.map(|at| at + length));
            assert!(session.state != SessionState::Stopped || stoppable, "{session:?}");
            (None, end)
        }
        SessionState::Deleted | SessionState::StartInProgress => (None, None),
        _ => return,
    };
    assert_eq!(clock, expected, "{session:?}");
}

/// Nothing is deleted but by its owner, or by a clock that says so, at its very instant.
#[track_caller]
fn assert_deletions(before: &Seen, after: &Seen, cause: &Cause) {
    for (id, session) in &after.sessions {
        let Some(was) = before.sessions.get(id) else { continue };
        let begins = was.state != session.state && session.state == SessionState::DeleteInProgress;
        if begins && matches!(cause, Cause::Time) {
            // At its instant, or at the end of the transition during which it passed.
            let due = was.terminate_at.max(was.updated_at);
            assert!(was.terminate_at.is_some() && due == Some(after.now), "{was:?}");
            let persists = was.session_persistence_mode == Some(Mode::Activated);
            let terminates = was.automatic_termination_mode == Some(Mode::Activated);
            assert!(!persists || terminates, "work that is kept without an end was ended: {was:?}");
        }
    }
    for (id, profile) in &after.profiles {
        let gone = profile.state == ResourceState::Deleted;
        if gone && before.profiles[id].state != ResourceState::Deleted {
            let mut sessions = after.sessions.values();
            let lives = sessions.any(|session| {
                session.launch_profile_id.as_ref().is_some_and(|of| of.as_str() == id)
                    && session.state != SessionState::Deleted
            });
            assert!(!lives, "launch profile {id} was deleted under its sessions");
        }
    }
}

/// Work is destroyed by nothing but a termination, or a stop that was asked to delete the volume.
#[track_caller]
fn assert_destroyed(
    before: &Seen,
    after: &Seen,
    cause: &Cause,
    retention: &BTreeMap<SessionId, VolumeRetentionMode>,
) {
    assert!(after.destroyed.starts_with(&before.destroyed), "what is destroyed stays so");
    let new = &after.destroyed[before.destroyed.len()..];
    let told: BTreeSet<&str> = new.iter().map(|gone| gone.session.as_str()).collect();
    for gone in new {
        let (was, is) =
            (&before.sessions[gone.session.as_str()], &after.sessions[gone.session.as_str()]);
        assert!(matches!(cause, Cause::Time), "a call destroyed {gone:?}");
        assert_eq!(gone.at, after.now);
        match gone.how {
            HowDestroyed::VolumeDeleted => {
                let asked = retention.get(&gone.session);
                assert_eq!(asked, Some(&VolumeRetentionMode::Delete), "RETAIN keeps the volume");
                assert_eq!(is.state, SessionState::Stopped);
            }
            HowDestroyed::TerminatedWhileStopped => {
                assert!(matches!(was.state, SessionState::Stopped | SessionState::StartFailed));
                assert_eq!(is.state, SessionState::DeleteInProgress);
            }
            HowDestroyed::TerminatedWhileRunning => {
                assert!(matches!(was.state, SessionState::Ready | SessionState::StopFailed));
                assert_eq!(is.state, SessionState::DeleteInProgress);
            }
        }
    }
    for (id, session) in &after.sessions {
        let was = before.sessions.get(id).map(|session| &session.state);
        let is_new = was.is_some() && was != Some(&session.state);
        let ends = is_new && session.state == SessionState::DeleteInProgress;
        if ends && matches!(cause, Cause::Time) {
            assert!(told.contains(id.as_str()), "{id} was terminated, and nobody was told");
        }
    }
}

/// A backup that is READY goes only as the oldest of more than are to be retained.
#[track_caller]
fn assert_backups(before: &Seen, after: &Seen) {
    for (id, gone) in before.backups.iter().filter(|(id, _)| !after.backups.contains_key(*id)) {
        if gone.state != SessionState::Ready {
            continue;
        }
        let session = &after.sessions[gone.session_id.as_str()];
        let retained = session.max_backups_to_retain.unwrap_or(0) as usize;
        let kept: Vec<&Backup> = after
            .backups
            .values()
            .filter(|backup| {
                backup.session_id == gone.session_id && backup.state == SessionState::Ready
            })
            .collect();
        assert_eq!(kept.len(), retained, "backup {id} went too early");
        assert!(
            kept.iter().all(|backup| backup.created_at >= gone.created_at),
            "{id} was not the oldest"
        );
    }
}

/// What holds at every instant.
#[track_caller]
fn assert_standing(seen: &Seen) {
    let lives = |session: &&Session| session.state != SessionState::Deleted;
    let count = seen.sessions.values().filter(lives).count();
    assert!(count <= seen.studio.session_quota.unwrap(), "{count} sessions");
    let profiles = seen.profiles.values();
    let count = profiles.filter(|profile| profile.state != ResourceState::Deleted).count();
    assert!(count <= seen.studio.launch_profile_quota.unwrap(), "{count} launch profiles");
    for (id, (session, state)) in &seen.streams {
        let is_open = matches!(state, StreamState::Ready | StreamState::CreateInProgress);
        let ready = seen.sessions[session].state == SessionState::Ready;
        assert!(!is_open || ready, "stream {id} is open and its session is not READY");
    }
    for (id, session) in &seen.sessions {
        let in_transition = session.state.as_str().ends_with("_IN_PROGRESS");
        assert_eq!(session.transition_ends.is_some(), in_transition, "{id}");
        assert!(session.transition_ends.is_none_or(|ends| ends >= seen.now), "{id} is overdue");
    }
}

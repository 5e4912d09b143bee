//! The life of one session: which events it waits for, and what each does to it.
//!
//! Everything happens at the instant it is due, whenever the world is looked at: a session whose
//! `stopAt` passed an hour ago has a `stoppedAt` of an hour ago.

use jiff::{SignedDuration, Timestamp};

use super::nouns::{
    LaunchProfile, Mode, Session, SessionState, SessionStatusCode, VolumeRetentionMode,
};

/// What the service takes as the longest run of a session where the launch profile does not say.
pub const SESSION_LENGTH_DEFAULT_MINUTES: u32 = 690;

/// How long the transitions of a session, and of what is around it, take. Zero is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    pub create: SignedDuration,
    pub start: SignedDuration,
    pub stop: SignedDuration,
    pub delete: SignedDuration,
    /// Any transition of a launch profile.
    pub profile: SignedDuration,
    /// Until a stream is READY, and until it is DELETED after its end.
    pub stream: SignedDuration,
}

impl Timings {
    /// Each transition is over as soon as the world is looked at again.
    pub const INSTANT: Self = Self {
        create: SignedDuration::ZERO,
        start: SignedDuration::ZERO,
        stop: SignedDuration::ZERO,
        delete: SignedDuration::ZERO,
        profile: SignedDuration::ZERO,
        stream: SignedDuration::ZERO,
    };

    pub(super) fn of(&self, state: &SessionState) -> Option<SignedDuration> {
        match state {
            SessionState::CreateInProgress => Some(self.create),
            SessionState::StartInProgress => Some(self.start),
            SessionState::StopInProgress => Some(self.stop),
            SessionState::DeleteInProgress => Some(self.delete),
            SessionState::Ready
            | SessionState::Deleted
            | SessionState::CreateFailed
            | SessionState::DeleteFailed
            | SessionState::Stopped
            | SessionState::StopFailed
            | SessionState::StartFailed
            | SessionState::Other(_) => None,
        }
    }
}

impl Default for Timings {
    /// About what the service took.
    fn default() -> Self {
        Self {
            create: SignedDuration::from_mins(5),
            start: SignedDuration::from_mins(4),
            stop: SignedDuration::from_secs(90),
            delete: SignedDuration::from_secs(60),
            profile: SignedDuration::from_secs(20),
            stream: SignedDuration::from_secs(10),
        }
    }
}

/// How an artist's work was destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowDestroyed {
    /// The service terminated a session that had been STOPPED for too long.
    TerminatedWhileStopped,
    /// The service terminated a session that may not be stopped and had run for too long.
    TerminatedWhileRunning,
    /// A persistent session stopped with the volume retention mode DELETE.
    VolumeDeleted,
}

/// What a session's launch profile, and its own modes where it has them, say about its life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    pub stoppable: bool,
    /// The longest time in READY.
    pub running: SignedDuration,
    /// The longest time in STOPPED; nothing means for ever.
    pub stopped: Option<SignedDuration>,
}

impl Lifetime {
    /// The session's own modes count before the launch profile's, which may have changed since.
    /// Without a launch profile nothing may be stopped.
    pub(super) fn of(session: &Session, profile: Option<&LaunchProfile>) -> Self {
        let stream = profile.map(|profile| &profile.stream);
        let own = session.session_persistence_mode.as_ref();
        let persistence =
            own.or_else(|| stream.and_then(|stream| stream.session_persistence_mode.as_ref()));
        // A persistent session without a termination mode of its own came into being when there was
        // none to take, and is not terminated for what the launch profile says since.
        let termination = (session.automatic_termination_mode.as_ref()).or_else(|| {
            let theirs = stream.and_then(|stream| stream.automatic_termination_mode.as_ref());
            theirs.filter(|_| own != Some(&Mode::Activated))
        });
        let stopped_minutes =
            stream.and_then(|stream| stream.max_stopped_session_length_in_minutes).unwrap_or(0);
        let running_minutes = stream
            .and_then(|stream| stream.max_session_length_in_minutes)
            .unwrap_or(SESSION_LENGTH_DEFAULT_MINUTES);
        let stays = persistence == Some(&Mode::Activated) && termination != Some(&Mode::Activated);
        Self {
            stoppable: stays || stopped_minutes > 0,
            running: SignedDuration::from_mins(i64::from(running_minutes)),
            stopped: (stopped_minutes > 0 && !stays)
                .then(|| SignedDuration::from_mins(i64::from(stopped_minutes))),
        }
    }
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The next instant at which the session changes by itself. A clock that ran out during a transition
/// has its effect when that is over, not before.
pub(super) fn next_event(session: &Session) -> Option<Timestamp> {
    let due = match session.state {
        SessionState::CreateInProgress
        | SessionState::StartInProgress
        | SessionState::StopInProgress
        | SessionState::DeleteInProgress => session.transition_ends,
        SessionState::Ready => session.stop_at.into_iter().chain(session.terminate_at).min(),
        SessionState::Stopped | SessionState::StopFailed | SessionState::StartFailed => {
            session.terminate_at
        }
        SessionState::Deleted
        | SessionState::CreateFailed
        | SessionState::DeleteFailed
        | SessionState::Other(_) => None,
    };
    due.map(|due| session.updated_at.map_or(due, |entered| entered.max(due)))
}

/// Lets the event that is due at `at` happen. The result says whether, and how, it destroyed work.
pub(super) fn pass_event(
    session: &mut Session,
    lifetime: Lifetime,
    timings: &Timings,
    at: Timestamp,
) -> Option<HowDestroyed> {
    match session.state {
        SessionState::CreateInProgress => become_ready(session, lifetime, at),
        SessionState::StartInProgress => end_start(session, lifetime, at),
        SessionState::StopInProgress => return end_stop(session, lifetime, at),
        SessionState::DeleteInProgress => {
            settle(session, SessionState::Deleted, SessionStatusCode::Deleted, at);
            session.stop_at = None;
            session.terminate_at = None;
        }
        // A stop and a termination due at once: the stop is the harmless one, and comes first.
        SessionState::Ready if session.stop_at.is_some_and(|stop_at| stop_at <= at) => {
            begin_stop(session, None, timings, at);
        }
        SessionState::Ready => {
            return Some(terminate(session, HowDestroyed::TerminatedWhileRunning, timings, at));
        }
        // A machine that failed to stop is still running.
        SessionState::StopFailed => {
            return Some(terminate(session, HowDestroyed::TerminatedWhileRunning, timings, at));
        }
        SessionState::Stopped | SessionState::StartFailed => {
            return Some(terminate(session, HowDestroyed::TerminatedWhileStopped, timings, at));
        }
        SessionState::Deleted
        | SessionState::CreateFailed
        | SessionState::DeleteFailed
        | SessionState::Other(_) => {}
    }
    None
}

/// Sends the session into STOP_IN_PROGRESS; `by` is absent when the service itself stops it.
pub(super) fn begin_stop(
    session: &mut Session,
    by: Option<&str>,
    timings: &Timings,
    at: Timestamp,
) {
    begin(session, SessionState::StopInProgress, SessionStatusCode::StopInProgress, timings, at);
    session.stopped_at = Some(at);
    session.stopped_by = by.map(str::to_owned);
    session.stop_at = None;
    note_actor(session, by);
}

/// Sends the session into START_IN_PROGRESS. Its termination clock stops while it starts.
pub(super) fn begin_start(
    session: &mut Session,
    by: &str,
    backup: Option<&str>,
    timings: &Timings,
    at: Timestamp,
) {
    begin(session, SessionState::StartInProgress, SessionStatusCode::StartInProgress, timings, at);
    session.started_at = Some(at);
    session.started_by = Some(by.to_owned());
    session.started_from_backup_id = backup.map(str::to_owned);
    session.terminate_at = None;
    note_actor(session, Some(by));
}

/// Sends the session into DELETE_IN_PROGRESS.
pub(super) fn begin_delete(
    session: &mut Session,
    by: Option<&str>,
    timings: &Timings,
    at: Timestamp,
) {
    begin(
        session,
        SessionState::DeleteInProgress,
        SessionStatusCode::DeleteInProgress,
        timings,
        at,
    );
    session.stop_at = None;
    note_actor(session, by);
}

/// Fills what follows from the state, where whoever added the session did not say it.
pub(super) fn complete(session: &mut Session, lifetime: Lifetime, timings: &Timings) {
    if session.status_code.is_none() {
        session.status_code = usual_status(&session.state);
    }
    let began = match session.state {
        SessionState::StopInProgress => session.stopped_at,
        SessionState::CreateInProgress => session.created_at,
        SessionState::DeleteInProgress => session.updated_at,
        _ => session.started_at.max(session.created_at),
    };
    if let (Some(length), None) = (timings.of(&session.state), session.transition_ends) {
        session.transition_ends = Some(later(began.unwrap_or(Timestamp::UNIX_EPOCH), length));
    }
    let said = session.stop_at.is_some() || session.terminate_at.is_some();
    match (&session.state, began) {
        (SessionState::Ready, Some(began)) if !said => set_running_clock(session, lifetime, began),
        (SessionState::Stopped | SessionState::StartFailed, _) if !said => {
            set_stopped_clock(session, lifetime)
        }
        _ => {}
    }
    if session.updated_at.is_none() {
        session.updated_at = session.created_at.max(session.started_at).max(session.stopped_at);
    }
}

fn usual_status(state: &SessionState) -> Option<SessionStatusCode> {
    match state {
        SessionState::CreateInProgress => Some(SessionStatusCode::CreateInProgress),
        SessionState::DeleteInProgress => Some(SessionStatusCode::DeleteInProgress),
        SessionState::Ready => Some(SessionStatusCode::Ready),
        SessionState::Deleted => Some(SessionStatusCode::Deleted),
        SessionState::StopInProgress => Some(SessionStatusCode::StopInProgress),
        SessionState::StartInProgress => Some(SessionStatusCode::StartInProgress),
        SessionState::Stopped => Some(SessionStatusCode::Stopped),
        SessionState::CreateFailed | SessionState::DeleteFailed | SessionState::StopFailed => {
            Some(SessionStatusCode::InternalError)
        }
        SessionState::StartFailed => Some(SessionStatusCode::InsufficientCapacity),
        SessionState::Other(_) => None,
    }
}

fn begin(
    session: &mut Session,
    state: SessionState,
    code: SessionStatusCode,
    timings: &Timings,
    at: Timestamp,
) {
    let length = timings.of(&state).unwrap_or(SignedDuration::ZERO);
    settle(session, state, code, at);
    session.transition_ends = Some(later(at, length));
}

fn settle(session: &mut Session, state: SessionState, code: SessionStatusCode, at: Timestamp) {
    session.state = state;
    session.status_code = Some(code);
    session.status_message = None;
    session.updated_at = Some(at);
    session.transition_ends = None;
}

fn note_actor(session: &mut Session, by: Option<&str>) {
    if let Some(by) = by {
        session.updated_by = Some(by.to_owned());
    }
}

fn become_ready(session: &mut Session, lifetime: Lifetime, at: Timestamp) {
    settle(session, SessionState::Ready, SessionStatusCode::Ready, at);
    set_running_clock(session, lifetime, at);
}

fn set_running_clock(session: &mut Session, lifetime: Lifetime, since: Timestamp) {
    let end = Some(later(since, lifetime.running));
    (session.stop_at, session.terminate_at) =
        if lifetime.stoppable { (end, None) } else { (None, end) };
}

/// The clock runs from `stoppedAt`, the entry into STOP_IN_PROGRESS: the model names no instant of
/// STOPPED itself, and the earlier of the two is the one that a careful client must expect.
fn set_stopped_clock(session: &mut Session, lifetime: Lifetime) {
    session.terminate_at = match (session.stopped_at, lifetime.stopped) {
        (Some(stopped_at), Some(length)) => Some(later(stopped_at, length)),
        _ => None,
    };
}

fn end_start(session: &mut Session, lifetime: Lifetime, at: Timestamp) {
    if session.failures.fails_to_start == 0 {
        become_ready(session, lifetime, at);
        return;
    }
    session.failures.fails_to_start -= 1;
    settle(session, SessionState::StartFailed, SessionStatusCode::InsufficientCapacity, at);
    session.status_message =
        Some("there is no capacity for this instance type at the moment".to_owned());
    // A start that failed has saved nothing: the termination clock goes on as if it had not been
    // tried.
    set_stopped_clock(session, lifetime);
}

fn end_stop(session: &mut Session, lifetime: Lifetime, at: Timestamp) -> Option<HowDestroyed> {
    if !lifetime.stoppable || session.failures.fails_to_stop {
        settle(session, SessionState::StopFailed, SessionStatusCode::InternalError, at);
        session.status_message = Some(if lifetime.stoppable {
            "the instance could not be stopped".to_owned()
        } else {
            "the launch profile does not allow its sessions to be stopped".to_owned()
        });
        return None;
    }
    settle(session, SessionState::Stopped, SessionStatusCode::Stopped, at);
    set_stopped_clock(session, lifetime);
    let persists = session.session_persistence_mode == Some(Mode::Activated);
    let deletes = session.volume_retention_mode == Some(VolumeRetentionMode::Delete);
    (persists && deletes).then_some(HowDestroyed::VolumeDeleted)
}

fn terminate(
    session: &mut Session,
    how: HowDestroyed,
    timings: &Timings,
    at: Timestamp,
) -> HowDestroyed {
    begin_delete(session, None, timings, at);
    how
}

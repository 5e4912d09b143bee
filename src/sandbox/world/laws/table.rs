//! The legal transitions, as a table.

use crate::sandbox::world::Operation;

/// What makes a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    Time,
    Call(Operation),
}

use Maker::{Call, Time};
use Operation::{
    CreateLaunchProfile, CreateStreamingSession, CreateStreamingSessionStream, DeleteLaunchProfile,
    DeleteStreamingSession, StartStreamingSession, StopStreamingSession, UpdateLaunchProfile,
};

/// From which state, to which, by whom. What is not there yet, or not any more, has the state `-`.
pub(super) type Transition = (&'static str, &'static str, &'static [Maker]);

pub(super) const SESSIONS: &[Transition] = &[
    ("-", "CREATE_IN_PROGRESS", &[Call(CreateStreamingSession)]),
    ("CREATE_IN_PROGRESS", "READY", &[Time]),
    ("READY", "STOP_IN_PROGRESS", &[Time, Call(StopStreamingSession)]),
    ("READY", "DELETE_IN_PROGRESS", &[Time, Call(DeleteStreamingSession)]),
    ("STOP_IN_PROGRESS", "STOPPED", &[Time]),
    ("STOP_IN_PROGRESS", "STOP_FAILED", &[Time]),
    ("STOPPED", "START_IN_PROGRESS", &[Call(StartStreamingSession)]),
    ("STOPPED", "DELETE_IN_PROGRESS", &[Time, Call(DeleteStreamingSession)]),
    ("START_IN_PROGRESS", "READY", &[Time]),
    ("START_IN_PROGRESS", "START_FAILED", &[Time]),
    ("START_FAILED", "START_IN_PROGRESS", &[Call(StartStreamingSession)]),
    ("START_FAILED", "DELETE_IN_PROGRESS", &[Time, Call(DeleteStreamingSession)]),
    ("STOP_FAILED", "DELETE_IN_PROGRESS", &[Time, Call(DeleteStreamingSession)]),
    ("DELETE_IN_PROGRESS", "DELETED", &[Time]),
];

pub(super) const LAUNCH_PROFILES: &[Transition] = &[
    ("-", "CREATE_IN_PROGRESS", &[Call(CreateLaunchProfile)]),
    ("CREATE_IN_PROGRESS", "READY", &[Time]),
    ("CREATE_IN_PROGRESS", "CREATE_FAILED", &[Time]),
    ("READY", "UPDATE_IN_PROGRESS", &[Call(UpdateLaunchProfile)]),
    ("UPDATE_FAILED", "UPDATE_IN_PROGRESS", &[Call(UpdateLaunchProfile)]),
    ("DELETE_FAILED", "UPDATE_IN_PROGRESS", &[Call(UpdateLaunchProfile)]),
    ("UPDATE_IN_PROGRESS", "READY", &[Time]),
    ("UPDATE_IN_PROGRESS", "UPDATE_FAILED", &[Time]),
    ("READY", "DELETE_IN_PROGRESS", &[Call(DeleteLaunchProfile)]),
    ("CREATE_FAILED", "DELETE_IN_PROGRESS", &[Call(DeleteLaunchProfile)]),
    ("UPDATE_FAILED", "DELETE_IN_PROGRESS", &[Call(DeleteLaunchProfile)]),
    ("DELETE_FAILED", "DELETE_IN_PROGRESS", &[Call(DeleteLaunchProfile)]),
    ("DELETE_IN_PROGRESS", "DELETED", &[Time]),
    ("DELETE_IN_PROGRESS", "DELETE_FAILED", &[Time]),
];

/// A stream changes between events of the world too, so several of its steps may be seen as one.
pub(super) const STREAMS: &[Transition] = &[
    ("-", "CREATE_IN_PROGRESS", &[Call(CreateStreamingSessionStream)]),
    ("CREATE_IN_PROGRESS", "READY", &[Time]),
    ("CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", ENDS),
    ("CREATE_IN_PROGRESS", "DELETED", &[Time]),
    ("READY", "DELETE_IN_PROGRESS", ENDS),
    ("READY", "DELETED", &[Time]),
    ("DELETE_IN_PROGRESS", "DELETED", &[Time]),
    ("DELETED", "-", &[Call(CreateStreamingSessionStream)]),
];

/// A stream ends with its session.
const ENDS: &[Maker] = &[Time, Call(StopStreamingSession), Call(DeleteStreamingSession)];

/// Which of them goes beyond the number to retain is for `watch.rs` to see.
pub(super) const BACKUPS: &[Transition] = &[
    ("-", "CREATE_IN_PROGRESS", &[Time, Call(StopStreamingSession)]),
    ("CREATE_IN_PROGRESS", "READY", &[Time]),
    ("CREATE_IN_PROGRESS", "CREATE_FAILED", &[Time]),
    ("CREATE_FAILED", "-", &[Time]),
    ("READY", "-", &[Time]),
];

/// Whether a transition is in a table.
pub(super) fn is_legal(table: &[Transition], from: &str, to: &str, maker: Maker) -> bool {
    from == to
        || table.iter().any(|(before, after, makers)| {
            *before == from && *after == to && makers.contains(&maker)
        })
}

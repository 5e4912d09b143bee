//! Line 5: when a running session is to be stopped.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::moved;
use crate::ids::ScheduleName;
use crate::policy::{Schedule, Settings, Window};

/// When a session is to be stopped, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The instant.
    pub at: Timestamp,
    /// What says so.
    pub cause: Cause,
}

/// What makes a session due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The idle hours of a schedule.
    IdleHours {
        /// The schedule.
        schedule: ScheduleName,
        /// Its window.
        window: Window,
        /// Whether the session's lease, rather than the window's opening, sets the instant.
        leased: bool,
    },
    /// The longest time it may run.
    MaxUptime {
        /// That time.
        limit: SignedDuration,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IdleHours { schedule, leased: false, .. } => {
                write!(f, "idle hours of schedule `{schedule}`")
            }
            Self::IdleHours { schedule, leased: true, .. } => {
                write!(f, "end of its lease, in idle hours of schedule `{schedule}`")
            }
            Self::MaxUptime { limit } => write!(f, "its max_uptime of {limit:#}"),
        }
    }
}

/// The run of a session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// When it began, by our clock.
    pub(super) start: Timestamp,
    /// Whether we began it to rescue the session, and for nobody.
    pub(super) is_rescued: bool,
}

/// What could make a session due, and when.
pub(super) struct Candidates {
    by_schedule: Option<Due>,
    by_uptime: Option<Due>,
}

impl Candidates {
    /// Looks at the settings that apply to a run. One that nobody asked for has no lease, and no more
    /// than its idle hours ends it.
    pub(super) fn new(
        settings: &Settings,
        schedule: Option<&Schedule>,
        run: Run,
        now: Timestamp,
    ) -> Self {
        let Run { start, is_rescued } = run;
        let lease = if is_rescued { SignedDuration::ZERO } else { settings.lease };
        let lease_ends = moved(start, lease);
        let by_schedule = schedule.and_then(|schedule| {
            // A window that closes before the lease ends cannot stop this run.
            let window = schedule.window_after(now.max(lease_ends))?;
            let leased = lease_ends > window.opens && !is_rescued;
            let cause = Cause::IdleHours { schedule: schedule.name.clone(), window, leased };
            Some(Due { at: window.opens.max(lease_ends), cause })
        });
        let by_uptime = settings.max_uptime.filter(|_| !is_rescued).map(|limit| {
            // While a calendar says `open`, nobody is held to it; from its end on it is due, and stays
            // due at that instant, until there is another such time.
            let over = moved(start, limit);
            let until = moved(over.max(now), SignedDuration::from_nanos(1));
            let open = schedule.map(|schedule| schedule.open_between(over, until));
            let last = open.and_then(|open| open.last().copied());
            Due { at: last.map_or(over, |open| open.closes), cause: Cause::MaxUptime { limit } }
        });
        Self { by_schedule, by_uptime }
    }

    /// When it has run for too long.
    pub(super) fn uptime_over(&self) -> Option<Timestamp> {
        self.by_uptime.as_ref().map(|due| due.at)
    }

    /// The earlier of the two; a schedule whose window is about to close gives way to an uptime
    /// that is over.
    pub(super) fn earliest(self, least_stop: SignedDuration, now: Timestamp) -> Option<Due> {
        match (self.by_schedule, self.by_uptime) {
            (Some(schedule), Some(uptime)) => {
                let pointless = schedule.at <= now && is_too_short(&schedule, least_stop, now);
                let first = schedule.at <= uptime.at && !(pointless && uptime.at <= now);
                Some(if first { schedule } else { uptime })
            }
            (one, other) => one.or(other),
        }
    }
}

/// Whether stopping at `now` for an idle window would last shorter than it is worth.
pub(super) fn is_too_short(due: &Due, least_stop: SignedDuration, now: Timestamp) -> bool {
    match &due.cause {
        Cause::IdleHours { window, .. } => now.duration_until(window.closes) < least_stop,
        Cause::MaxUptime { .. } => false,
    }
}

//! Whether what was asked for has arrived. An accepted call is not a stop, nor a start.
//!
//! A listing is read state by state, for each action on its own: `stop` and `start`. Both compare the
//! service's own instants with ours.

mod start;
mod stop;

use jiff::{SignedDuration, Timestamp};

use crate::inventory::Session;
use crate::plan::{Action, OpenIntent};

/// By how much the clocks of the service and ours may differ when their instants are compared.
const CLOCKS_DIFFER_MAX: SignedDuration = SignedDuration::from_mins(2);

/// How long an action may take before it is called late. The service's own waiters give up after 180
/// polls: of 5 seconds for a stop, of 10 for a start.
#[must_use]
pub fn arrival_max(action: Action) -> SignedDuration {
    match action {
        Action::Stop => SignedDuration::from_mins(15),
        Action::Start => SignedDuration::from_mins(30),
    }
}

/// How long a start that was accepted may take to begin before it is given up and made anew. A start shows
/// in the next listing; and of the half hour that a rescue has, no attempt may take all.
const START_BEGINS_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// What is known of the service by which a listing is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Who we are to it, where it has said so.
    pub us: Option<&'a str>,
    /// How far our clock is behind its own; negative where ours is ahead.
    pub clock_behind: SignedDuration,
}

/// What a listing tells about an action that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It was done, at this instant of the service's clock where the service says it.
    Proven(Option<Timestamp>),
    /// It was not done, and will not be by this attempt.
    Failed,
    /// It is under way, or the call was lost and nothing is under way.
    Pending,
    /// As before, and for longer than the service allows itself.
    Late,
    /// There was no answer, and nothing came of the call.
    Lapsed,
}

/// Reads the arrival of an action off a session; `None` is a session that a whole listing lacks.
#[must_use]
pub fn arrival(
    action: Action,
    intent: &OpenIntent,
    session: Option<&Session>,
    known: Known<'_>,
    now: Timestamp,
) -> Arrival {
    let watch = Watch::new(action, intent, known, now);
    // A row may be missed between two pages; it is given up when the action would be late.
    let Some(session) = session else {
        return if watch.late { Arrival::Failed } else { Arrival::Pending };
    };
    match action {
        Action::Stop => stop::arrival(&watch, session),
        Action::Start => start::arrival(&watch, session),
    }
}

/// What can be said of an action whose session could not be seen.
#[must_use]
pub fn unseen(action: Action, intent: &OpenIntent, now: Timestamp) -> Arrival {
    Watch::new(action, intent, Known::default(), now).under_way()
}

/// An action that was asked for, and whether its time is over.
struct Watch<'a> {
    action: Action,
    intent: &'a OpenIntent,
    known: Known<'a>,
    late: bool,
    /// Whether it is given up, where nothing shows that it has begun.
    is_given_up: bool,
}

impl<'a> Watch<'a> {
    fn new(action: Action, intent: &'a OpenIntent, known: Known<'a>, now: Timestamp) -> Self {
        let waited = intent.at.duration_until(now);
        let late = waited > arrival_max(action);
        // Without an answer a start is called again all the time. With one it is given up soon, whatever it
        // was made for: the session may be destroyed next, or people wait for it.
        let is_accepted_start = action == Action::Start && intent.accepted;
        let is_given_up = late || is_accepted_start && waited > START_BEGINS_WITHIN;
        Self { action, intent, known, late, is_given_up }
    }

    /// It is on its way, or cannot be seen.
    fn under_way(&self) -> Arrival {
        if self.late { Arrival::Late } else { Arrival::Pending }
    }

    /// Nothing seems to have come of it yet.
    fn not_begun(&self) -> Arrival {
        if self.is_given_up { self.in_vain() } else { Arrival::Pending }
    }

    /// Nothing came of it. A call that is made again under its token is not late; one without an
    /// answer is given up, and the next one is the same attempt.
    fn in_vain(&self) -> Arrival {
        if self.intent.accepted { Arrival::Failed } else { Arrival::Lapsed }
    }

    /// Whether what happened at this instant of the service's clock can have come of the call.
    fn may_have_led_to(&self, instant: Timestamp) -> bool {
        let by_us = instant.checked_sub(self.known.clock_behind).unwrap_or(instant);
        // A call that is made again may have been carried out the first time.
        let earliest = self.intent.since.checked_sub(CLOCKS_DIFFER_MAX).unwrap_or(Timestamp::MIN);
        // Without an answer, what happens long after the call is somebody else's.
        let accepted = self.intent.accepted;
        let latest = if accepted { SignedDuration::MAX } else { arrival_max(self.action) };
        let latest = self.intent.at.checked_add(latest).unwrap_or(Timestamp::MAX);
        earliest <= by_us && by_us <= latest
    }
}

#[cfg(test)]
mod tests;

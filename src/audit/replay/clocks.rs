//! What tells how far the clock of this host is from the service's: the service itself, where its answers say what time
//! it is, and the instant that it gives a stop of ours.

use jiff::SignedDuration;

use super::StudioPast;
use crate::audit::record::Record;
use crate::ids::SessionId;
use crate::plan::ClockJump;

/// How long after its intent a stop is proven whose instant tells how far our clock is ahead, or that it
/// is right: later, one of them may have gone on for any while.
const CLOCKS_COMPARED_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// The name of the value that says in seconds how far the clock is behind; less than nothing where it is ahead.
pub const BEHIND: &str = "behind";

impl StudioPast {
    /// Learns from the service what time it is there.
    pub(super) fn compared(&mut self, record: &Record) {
        let behind = record.data.reason.as_ref().and_then(|reason| reason.values.get(BEHIND));
        let behind = behind.and_then(|behind| behind.parse().ok()).map(SignedDuration::from_secs);
        self.history.clock_behind = behind.or(self.history.clock_behind);
    }

    /// Learns from the service's instant of a stop of ours how far our clock is behind, or ahead. It was
    /// made between its intent and its proof: no more is believed than that shows, nor another than before,
    /// where that does not show it. A proof that came late, or after a jump, shows the least alone: what is
    /// read as later than now tells of a clock behind.
    pub(super) fn compare_clocks(&mut self, session: &SessionId, record: &Record) {
        let Some(open) = self.history.of(session).open.as_ref() else { return };
        let Some(stopped_at) = record.data.stopped_at else { return };
        let age = record.time.duration_since(open.since);
        // One backwards shows an earlier time than it was made at.
        let began = |jump: ClockJump| jump.at.checked_sub(jump.by).unwrap_or(jump.at);
        let jump = self.history.clock_jump;
        let has_jumped = jump.is_some_and(|jump| open.since <= jump.at.max(began(jump)));
        let is_within = (SignedDuration::ZERO..=CLOCKS_COMPARED_WITHIN).contains(&age);
        let is_fresh = is_within && !has_jumped;
        let [least, most] = [record.time, open.since].map(|at| at.duration_until(stopped_at));
        let is_shown = |known: SignedDuration| {
            least <= known && (!is_fresh || known <= most + CLOCKS_COMPARED_WITHIN)
        };
        if self.history.clock_behind.is_some_and(is_shown) {
            return;
        }
        let behind = match is_fresh {
            true => least.max(SignedDuration::ZERO) + most.min(SignedDuration::ZERO),
            false if least.is_positive() => least,
            false => return,
        };
        self.history.clock_behind = Some(SignedDuration::from_secs(behind.as_secs()));
    }
}

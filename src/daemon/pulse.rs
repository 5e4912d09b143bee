//! Whether the program makes progress: what a watchdog is told by.
//!
//! Progress is not that studios answer, but that nothing in here waits for what will never come. Each part
//! that goes on by itself says until when it will be back, by the monotonic clock, and is stuck once that is over:
//!
//! - a studio's loop at rest: the instant at which it looks again, and [`GRACE`];
//! - a studio's loop in a scan: [`SCAN_MAX`], and more for each studio it may have to wait for. All that a
//!   scan asks for has bounds of its own, which come to less; so a studio that hangs within them is
//!   progress, and its silence is told of in `health.json` and in the metrics instead;
//! - the change from one policy to another, and the end: [`CHANGE_MAX`].
//!
//! The audit log is stuck when a commit has waited for the disk for as long as the ledger calls it failing, or when
//! its thread has ended; a disk that is full, and says so, is not stuck: starting again would not mend it.
//! And the main loop and every studio's run on one thread: when that is kept by anything, nobody is told
//! anything, since the loop itself does the telling. A thread that told it beside the loop would only prove that threads run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;

use super::ENDING_MAX;
use super::ledger::{ANSWER_MAX, Commits};
use crate::ids::StudioId;

/// How late a loop may be that has nothing to wait for but its turn.
pub(super) const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// How long a scan may take: two minutes for its lists, half a minute each for calls after them and for a
/// probe before, and as much again for credentials and a slow disk, several times over.
pub(super) const SCAN_MAX: SignedDuration = SignedDuration::from_mins(15);

/// How much longer for each studio: a call at the slowest pace, and a probe, of which each may have to wait for those of
/// all others.
pub(super) const SCAN_MAX_EACH: SignedDuration = SignedDuration::from_mins(1);

/// How long a change of policy may take: calls in flight, and what they leave to be recorded.
const CHANGE_MAX: SignedDuration = ENDING_MAX.saturating_add(GRACE);

/// What goes on by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// A policy takes the place of another, or the program ends.
    Change,
    /// The loop of a studio.
    Studio(StudioId),
    /// The audit log.
    Log,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change => f.write_str("the change of policy"),
            Self::Studio(studio) => write!(f, "the loop of {studio}"),
            Self::Log => f.write_str("the audit log"),
        }
    }
}

/// What is known of how everything goes on.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Until when each part will be back.
    back_by: BTreeMap<Part, SignedDuration>,
    /// How many commits had ended when one was first seen to wait, and when that was.
    waits: Option<(u64, SignedDuration)>,
}

impl Pulse {
    /// A studio is being looked at; so many are looked after.
    pub(super) fn scans(&self, studio: &StudioId, studios: usize, now: SignedDuration) {
        let others = SCAN_MAX_EACH.saturating_mul(i32::try_from(studios).unwrap_or(i32::MAX));
        self.back_by(Part::Studio(studio.clone()), now.saturating_add(SCAN_MAX + others));
    }

    /// A studio is left alone for so long.
    pub(super) fn rests(&self, studio: &StudioId, rest: SignedDuration, now: SignedDuration) {
        let rest = rest.max(SignedDuration::ZERO).saturating_add(GRACE);
        self.back_by(Part::Studio(studio.clone()), now.saturating_add(rest));
    }

    /// A studio is looked after no more.
    pub(super) fn ends(&self, studio: &StudioId) {
        self.lock().back_by.remove(&Part::Studio(studio.clone()));
    }

    /// A policy is to take the place of another, or the program is to end.
    pub(super) fn changes(&self, now: SignedDuration) {
        self.back_by(Part::Change, now.saturating_add(CHANGE_MAX));
    }

    /// It has.
    pub(super) fn has_changed(&self) {
        self.lock().back_by.remove(&Part::Change);
    }

    /// A part that should be back and is not. To be asked again and again: how long a commit has waited
    /// is known from when it was first seen to.
    pub(super) fn stuck(&self, commits: Commits, now: SignedDuration) -> Option<Part> {
        let mut known = self.lock();
        let waits = known.waits.filter(|(ended, _)| *ended == commits.ended);
        known.waits = commits.wait.then(|| waits.unwrap_or((commits.ended, now)));
        if commits.never || known.waits.is_some_and(|(_, since)| now - since >= ANSWER_MAX) {
            return Some(Part::Log);
        }
        let mut parts = known.back_by.iter();
        parts.find(|(_, back_by)| **back_by < now).map(|(part, _)| part.clone())
    }

    fn back_by(&self, part: Part, back_by: SignedDuration) {
        self.lock().back_by.insert(part, back_by);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: i64) -> SignedDuration {
        SignedDuration::from_secs(secs)
    }

    #[test]
    fn who_rests_is_back_soon_after_and_who_scans_has_as_long_as_scans_may_take() {
        let (pulse, studio) = (Pulse::default(), StudioId::from("us-west-2:stid-1"));
        let idle = Commits { wait: false, ended: 0, never: false };
        let stuck = |now| pulse.stuck(idle, secs(now)).map(|part| part.to_string());
        assert_eq!(stuck(1_000_000), None);
        pulse.rests(&studio, secs(300), secs(10));
        assert_eq!((stuck(370), stuck(371).is_some()), (None, true));
        pulse.scans(&studio, 3, secs(371));
        assert_eq!(stuck(371 + 18 * 60), None);
        assert_eq!(stuck(372 + 18 * 60).as_deref(), Some("the loop of us-west-2:stid-1"));
        pulse.changes(secs(100));
        assert_eq!(stuck(168), None);
        assert_eq!(stuck(169).as_deref(), Some("the change of policy"));
        pulse.has_changed();
        pulse.ends(&studio);
        assert_eq!(stuck(1_000_000), None);
    }

    #[test]
    fn the_log_is_stuck_when_one_commit_waits_too_long_or_none_can_ever_end() {
        let pulse = Pulse::default();
        let stuck = |wait, ended, now| {
            pulse.stuck(Commits { wait, ended, never: false }, secs(now)) == Some(Part::Log)
        };
        assert!(!stuck(true, 7, 0) && !stuck(true, 7, 29) && stuck(true, 7, 30));
        // Others have ended meanwhile: the disk answers.
        assert!(!stuck(true, 8, 31) && !stuck(true, 8, 60) && stuck(true, 8, 61));
        assert!(!stuck(false, 9, 62) && !stuck(true, 9, 1000));
        let dead = Commits { wait: false, ended: 9, never: true };
        assert_eq!(pulse.stuck(dead, secs(1001)), Some(Part::Log));
    }
}

//! Whether the wall clock goes on as time does.
//!
//! Someone sets it, a service corrects it, or the machine sleeps, during which the monotonic clock
//! stands still: the difference between both clocks tells. Each reading is compared with the one before,
//! by whichever studio that was taken.

use jiff::{SignedDuration, Timestamp};

use crate::audit::replay::Jump;
use crate::clock::Clock;
use crate::plan::ClockJump;

/// Both clocks, read together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) wall: Timestamp,
    monotonic: SignedDuration,
    suspended: SignedDuration,
}

impl Reading {
    pub(super) fn of(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic(), suspended: clock.suspended() }
    }
}

/// What was read last.
#[derive(Debug, Clone, Copy)]
pub(super) enum Last {
    /// Nothing yet, by this process: its log ends at this instant, if it has any record.
    Logged(Option<Timestamp>),
    /// This.
    Read(Reading),
}

impl Last {
    /// How the wall clock jumped, if it did.
    pub(super) fn jump(self, now: Reading) -> Option<Jump> {
        let (from, suspended) = match self {
            Self::Logged(None) => return None,
            // How long nobody looked is not known; but it was not less than no time.
            Self::Logged(Some(latest)) => (latest.max(now.wall), SignedDuration::ZERO),
            Self::Read(last) => {
                let passed = now.monotonic - last.monotonic;
                let from = last.wall.checked_add(passed).unwrap_or(Timestamp::MAX);
                (from, now.suspended - last.suspended)
            }
        };
        let by = from.duration_until(now.wall).abs();
        (by > ClockJump::STEP_MAX).then_some(Jump { from, to: now.wall, suspended })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(wall_secs: i64, monotonic_secs: i64) -> Reading {
        Reading {
            wall: Timestamp::from_second(wall_secs).unwrap(),
            monotonic: SignedDuration::from_secs(monotonic_secs),
            suspended: SignedDuration::ZERO,
        }
    }

    #[test]
    fn a_jump_is_more_than_a_step_between_both_clocks() {
        let last = Last::Read(reading(1_000_000, 50));
        let from =
            |wall, monotonic| last.jump(reading(wall, monotonic)).map(|jump| jump.from.as_second());
        // An hour in which nothing happens is no jump, nor is a small step in either direction.
        assert_eq!(from(1_003_600, 3650), None);
        assert_eq!(from(1_003_720, 3650), None);
        assert_eq!(from(1_003_480, 3650), None);
        assert_eq!(from(1_003_721, 3650), Some(1_003_600));
        assert_eq!(from(1_003_479, 3650), Some(1_003_600));
        // The machine slept for eight hours.
        assert_eq!(from(1_028_800, 51), Some(1_000_001));
        let slept = SignedDuration::from_secs(28_799);
        let woken = Reading { suspended: slept, ..reading(1_028_800, 51) };
        assert_eq!(last.jump(woken).map(|jump| jump.suspended), Some(slept));
    }

    #[test]
    fn a_new_process_notices_that_its_log_ends_in_the_future() {
        let logged = |latest: Option<i64>| {
            let latest = latest.map(|secs| Timestamp::from_second(secs).unwrap());
            Last::Logged(latest).jump(reading(1_000_000, 0)).map(|jump| jump.from.as_second())
        };
        assert_eq!(logged(None), None);
        assert_eq!(logged(Some(0)), None);
        assert_eq!(logged(Some(1_000_120)), None);
        assert_eq!(logged(Some(1_000_121)), Some(1_000_121));
    }
}

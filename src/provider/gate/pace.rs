//! The pace: how fast calls follow each other once the service has asked for patience.
//!
//! A pure value over monotonic time, and without chance: what paces the calls of many studios here
//! needs no jitter to keep them apart. The pace is one for all who were told so: a service that counts
//! the calls of an account tells each of its studios soon, and one that counts the calls of a studio
//! tells that one alone. Start at [`Pace::wait`].

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::breaker::LaneId;

/// How far apart calls are after the first answer that asks for patience; then twice as far, and so on.
pub(super) const INTERVAL_FIRST: SignedDuration = SignedDuration::from_millis(250);

/// How far apart they become: two calls a minute go on telling whether patience is still asked for.
pub(super) const INTERVAL_MAX: SignedDuration = SignedDuration::from_secs(30);

/// How long after the last such answer the pace is kept. It is longer than [`INTERVAL_MAX`], or the
/// slowest pace would be none.
pub(super) const KEPT: SignedDuration = SignedDuration::from_secs(60);

/// The pace of one service.
#[derive(Debug, Default)]
pub(super) struct Pace {
    slow: Option<Slow>,
    /// How often it has become slower.
    steps: u64,
}

#[derive(Debug)]
struct Slow {
    interval: SignedDuration,
    throttled_at: SignedDuration,
    /// When the next call may begin.
    next: SignedDuration,
    /// Who was asked for patience.
    told: BTreeSet<LaneId>,
}

impl Pace {
    /// How long the next call of this studio has to wait; `None` while its calls need not wait for any.
    pub(super) fn wait(&self, lane: LaneId, now: SignedDuration) -> Option<SignedDuration> {
        let slow = self.kept(now).filter(|slow| slow.told.contains(&lane))?;
        Some((slow.next - now).max(SignedDuration::ZERO))
    }

    fn kept(&self, now: SignedDuration) -> Option<&Slow> {
        self.slow.as_ref().filter(|slow| now - slow.throttled_at < KEPT)
    }

    /// A call begins that has waited.
    pub(super) fn begins(&mut self, now: SignedDuration) {
        if let Some(slow) = &mut self.slow {
            slow.next = now + slow.interval;
        }
    }

    /// What a call notes when it begins, and tells if it is throttled.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// The service asked for patience. Of the calls that began at one pace only the first makes it
    /// slower: the others could not know. Says whether it did.
    pub(super) fn throttled(&mut self, lane: LaneId, steps: u64, now: SignedDuration) -> bool {
        let (interval, mut told) = match self.kept(now) {
            None => (None, BTreeSet::new()),
            Some(slow) => (Some(slow.interval), slow.told.clone()),
        };
        told.insert(lane);
        let is_first = interval.is_none() || steps == self.steps;
        let interval = match interval {
            None => INTERVAL_FIRST,
            Some(interval) if is_first => interval.saturating_mul(2).min(INTERVAL_MAX),
            Some(interval) => interval,
        };
        self.steps += u64::from(is_first);
        self.slow = Some(Slow { interval, throttled_at: now, next: now + interval, told });
        is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: i64) -> SignedDuration {
        SignedDuration::from_millis(millis)
    }

    #[test]
    fn it_doubles_once_for_all_calls_that_began_at_the_same_pace() {
        let mut pace = Pace::default();
        assert_eq!(pace.wait(1, millis(0)), None);
        let began = pace.steps();
        assert!(pace.throttled(1, began, millis(0)));
        assert!(!pace.throttled(1, began, millis(0)));
        assert_eq!(pace.wait(1, millis(100)), Some(millis(150)));
        pace.begins(millis(250));
        let began = pace.steps();
        assert_eq!(pace.wait(1, millis(250)), Some(millis(250)));
        assert!(pace.throttled(1, began, millis(300)));
        assert_eq!(pace.wait(1, millis(300)), Some(millis(500)));
        assert_eq!(pace.wait(2, millis(300)), None, "nobody has told this one");
        assert!(!pace.throttled(2, began, millis(300)));
        assert_eq!(pace.wait(2, millis(300)), Some(millis(500)));
    }

    #[test]
    fn it_has_a_bound_and_ends_by_itself() {
        let mut pace = Pace::default();
        let mut now = millis(0);
        for _ in 0..20 {
            pace.throttled(1, pace.steps(), now);
            now += pace.wait(1, now).unwrap();
        }
        assert_eq!(now, millis(250 + 500 + 1000 + 2000 + 4000 + 8000 + 16_000) + 13 * INTERVAL_MAX);
        let last = now - INTERVAL_MAX;
        assert!(pace.wait(1, last + KEPT - millis(1)).is_some());
        assert_eq!(pace.wait(1, last + KEPT), None);
        assert!(pace.throttled(1, 0, last + KEPT), "it begins anew");
        assert_eq!(pace.wait(1, last + KEPT), Some(INTERVAL_FIRST));
    }
}

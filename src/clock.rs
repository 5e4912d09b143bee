//! The only reader of time: wall clock, monotonic clock and sleep behind one trait.
//!
//! Everything below the daemon's loop takes `now` as an argument. [`SystemClock`] is the real one;
//! [`SimulatedClock`] moves from one sleeper's instant to the next, and only while nobody holds it,
//! so that a week passes in seconds and still every instant is exact.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, oneshot};

/// What tells the time, and waits.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary start, which no correction of the wall clock moves.
    fn monotonic(&self) -> SignedDuration;

    /// Ends once the wall clock has reached `instant`.
    fn sleep_until(&self, instant: Timestamp) -> BoxFuture<'static, ()>;

    /// Ends after `duration`, whatever happens to the wall clock.
    fn sleep(&self, duration: SignedDuration) -> BoxFuture<'static, ()>;

    /// Marks work that takes real time, such as a call or a write: a simulated clock stands still
    /// while a hold exists. A real clock takes no notice. `label` tells holds apart for
    /// [`SimulatedClock::stalled`].
    fn hold(&self, label: &str) -> Hold;
}

/// Real time stands behind this as long as it lives.
#[derive(Debug, Default)]
#[must_use = "a hold ends when it is dropped"]
pub struct Hold(Option<(Arc<Simulation>, u64)>);

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some((simulation, id)) = self.0.take() {
            simulation.lock().holds.remove(&id);
            simulation.changed.notify_one();
        }
    }
}

/// The machine's own clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    origin: Instant,
}

/// The longest single wait of the system clock: a step of the wall clock is noticed within this.
const SYSTEM_SLEEP_MAX: SignedDuration = SignedDuration::from_secs(15);

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this file is the reader of time")]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::disallowed_methods, reason = "this file is the reader of time")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> SignedDuration {
        SignedDuration::try_from(self.origin.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    fn sleep_until(&self, instant: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            loop {
                let left = Timestamp::now().duration_until(instant);
                if left <= SignedDuration::ZERO {
                    return;
                }
                tokio::time::sleep(left.min(SYSTEM_SLEEP_MAX).unsigned_abs()).await;
            }
        })
    }

    fn sleep(&self, duration: SignedDuration) -> BoxFuture<'static, ()> {
        let duration = duration.max(SignedDuration::ZERO).unsigned_abs();
        Box::pin(tokio::time::sleep(duration))
    }

    fn hold(&self, _label: &str) -> Hold {
        Hold(None)
    }
}

/// A clock that stands still until [`SimulatedClock::drive`] finds that everybody sleeps.
#[derive(Debug, Clone)]
pub struct SimulatedClock(Arc<Simulation>);

#[derive(Debug)]
struct Simulation {
    state: Mutex<SimulationState>,
    changed: Notify,
}

#[derive(Debug)]
struct SimulationState {
    start: Timestamp,
    now: Timestamp,
    next_id: u64,
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    holds: HashMap<u64, String>,
    stalled: HashSet<String>,
}

/// How often everybody ready gets a turn before time moves. One turn wakes whoever waited for the
/// task that ran in the turn before, so this bounds the length of such a chain.
const SETTLING_TURNS: usize = 64;

impl SimulatedClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Simulation {
            state: Mutex::new(SimulationState {
                start,
                now: start,
                next_id: 0,
                sleepers: BTreeMap::new(),
                holds: HashMap::new(),
                stalled: HashSet::new(),
            }),
            changed: Notify::new(),
        }))
    }

    /// Says that the work held under `label` will not end by itself: time may pass over it.
    pub fn stalled(&self, label: &str) {
        self.0.lock().stalled.insert(label.to_owned());
        self.0.changed.notify_one();
    }

    /// Moves time on, sleeper by sleeper, until it shows `end`. Drop the future to stop time.
    ///
    /// It belongs on the same single-threaded runtime as the work whose time it is, because "nobody
    /// has anything left to do now" is only visible there.
    pub async fn drive(&self, end: Timestamp) {
        loop {
            self.settle().await;
            let mut state = self.0.lock();
            if state.is_held() {
                continue;
            }
            state.forget_dropped_sleepers();
            let next = state.sleepers.first_key_value().map(|((instant, _), _)| *instant);
            let Some(next) = next.filter(|next| *next <= end) else {
                state.now = state.now.max(end);
                return;
            };
            state.now = state.now.max(next);
            let now = state.now;
            let later = state.sleepers.split_off(&(now, u64::MAX));
            for (_, wake) in std::mem::replace(&mut state.sleepers, later) {
                // A sleeper that was dropped has nobody left to wake.
                let _ = wake.send(());
            }
        }
    }

    async fn settle(&self) {
        let mut turns = 0;
        while turns < SETTLING_TURNS {
            if self.0.lock().is_held() {
                self.0.changed.notified().await;
                turns = 0;
            }
            tokio::task::yield_now().await;
            turns += 1;
        }
    }
}

impl Simulation {
    fn lock(&self) -> std::sync::MutexGuard<'_, SimulationState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SimulationState {
    /// Drops the sleepers at the front that nobody waits for any more: most are timeouts of calls
    /// that ended in time, and settling at each of their instants would cost more than the calls.
    fn forget_dropped_sleepers(&mut self) {
        while let Some(first) = self.sleepers.first_entry() {
            if !first.get().is_closed() {
                return;
            }
            first.remove();
        }
    }

    fn is_held(&self) -> bool {
        self.holds.values().any(|label| !self.stalled.contains(label))
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.0.lock().now
    }

    fn monotonic(&self) -> SignedDuration {
        let state = self.0.lock();
        state.start.duration_until(state.now)
    }

    fn sleep_until(&self, instant: Timestamp) -> BoxFuture<'static, ()> {
        let (wake, woken) = oneshot::channel();
        {
            let mut state = self.0.lock();
            if instant <= state.now {
                return Box::pin(std::future::ready(()));
            }
            state.next_id += 1;
            let id = state.next_id;
            state.sleepers.insert((instant, id), wake);
        }
        Box::pin(async move {
            // The sender only goes away with the clock itself; then nothing is left to wait for.
            let _ = woken.await;
        })
    }

    fn sleep(&self, duration: SignedDuration) -> BoxFuture<'static, ()> {
        let until = self.now().checked_add(duration).unwrap_or(Timestamp::MAX);
        self.sleep_until(until)
    }

    fn hold(&self, label: &str) -> Hold {
        let mut state = self.0.lock();
        state.next_id += 1;
        let id = state.next_id;
        state.holds.insert(id, label.to_owned());
        Hold(Some((Arc::clone(&self.0), id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn simulated_time_moves_from_sleeper_to_sleeper() {
        let start: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
        let clock = SimulatedClock::new(start);
        let seen = Arc::new(Mutex::new(Vec::new()));
        runtime().block_on(async {
            for hours in [3, 1, 2] {
                let (clock, seen) = (clock.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    clock.sleep(SignedDuration::from_hours(hours)).await;
                    seen.lock().unwrap().push((hours, clock.now()));
                });
            }
            clock.drive(start + SignedDuration::from_hours(5)).await;
        });
        let expected: Vec<_> = [1, 2, 3].map(|h| (h, start + SignedDuration::from_hours(h))).into();
        assert_eq!(*seen.lock().unwrap(), expected);
        assert_eq!(clock.now(), start + SignedDuration::from_hours(5));
    }

    #[test]
    fn simulated_time_stands_still_while_held_unless_the_work_is_stalled() {
        let start = Timestamp::UNIX_EPOCH;
        let end = start + SignedDuration::from_secs(1);
        let clock = SimulatedClock::new(start);
        runtime().block_on(async {
            let hold = clock.hold("call");
            let sleeping = clock.sleep(SignedDuration::from_secs(1));
            let mut drive = Box::pin(clock.drive(end));
            assert!(futures_util::poll!(&mut drive).is_pending());
            for _ in 0..1000 {
                tokio::task::yield_now().await;
                assert!(futures_util::poll!(&mut drive).is_pending());
            }
            assert_eq!(clock.now(), start);
            clock.stalled("call");
            drive.await;
            sleeping.await;
            drop(hold);
        });
        assert_eq!(clock.now(), end);
    }
}

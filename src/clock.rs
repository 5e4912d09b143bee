//! The only reader of time: wall clock, monotonic clock and sleep behind one trait.
//!
//! Everything below the daemon's loop takes `now` as an argument. [`SystemClock`] is the real one;
//! [`SimulatedClock`] moves from one sleeper's instant to the next, and only while nobody holds it,
//! so that a week passes in seconds and still every instant is exact. Its wall clock can be set, as
//! that of a machine can, while its monotonic clock goes on.

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

    /// How long the machine has been suspended since that start: the monotonic clock stood still then,
    /// and the wall clock is none the worse for it.
    fn suspended(&self) -> SignedDuration;

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
    /// How long the machine had been suspended by then, since it was started.
    suspended: SignedDuration,
}

/// The longest single wait of the system clock: a step of the wall clock is noticed within this.
const SYSTEM_SLEEP_MAX: SignedDuration = SignedDuration::from_secs(15);

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this file is the reader of time")]
    pub fn new() -> Self {
        Self { origin: Instant::now(), suspended: suspended_since_boot() }
    }
}

/// What the clock that goes on in a suspended machine is ahead of the one that does not.
fn suspended_since_boot() -> SignedDuration {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| {
        let time = clock_gettime(clock);
        // Below a thousand million.
        SignedDuration::new(time.tv_sec, i32::try_from(time.tv_nsec).unwrap_or_default())
    };
    // In this order what passes between both readings does not look like a suspension of less than none.
    let awake = read(ClockId::Monotonic);
    read(ClockId::Boottime).saturating_sub(awake)
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

    fn suspended(&self) -> SignedDuration {
        suspended_since_boot().saturating_sub(self.suspended)
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
    idle: Option<Idle>,
}

/// Tells the simulated clock that its runtime has nothing left to do: its `on_thread_park` calls
/// [`Idle::tell`].
#[derive(Debug, Clone, Default)]
pub struct Idle(Arc<Notify>);

impl Idle {
    /// Nothing is left to do.
    pub fn tell(&self) {
        self.0.notify_waiters();
    }
}

#[derive(Debug)]
struct SimulationState {
    /// What the wall clock shows.
    now: Timestamp,
    /// What the monotonic clock shows.
    elapsed: SignedDuration,
    /// How long the machine was suspended.
    suspended: SignedDuration,
    next_id: u64,
    /// Who waits for an instant of the wall clock.
    until: Sleepers<Timestamp>,
    /// Who waits for a time to pass, by the monotonic clock.
    lasting: Sleepers<SignedDuration>,
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
        Self::made(start, None)
    }

    /// The same on a runtime that tells when it is idle: no turns are given for nothing.
    #[must_use]
    pub fn told(start: Timestamp, idle: Idle) -> Self {
        Self::made(start, Some(idle))
    }

    fn made(start: Timestamp, idle: Option<Idle>) -> Self {
        Self(Arc::new(Simulation {
            state: Mutex::new(SimulationState {
                now: start,
                elapsed: SignedDuration::ZERO,
                suspended: SignedDuration::ZERO,
                next_id: 0,
                until: BTreeMap::new(),
                lasting: BTreeMap::new(),
                holds: HashMap::new(),
                stalled: HashSet::new(),
            }),
            changed: Notify::new(),
            idle,
        }))
    }

    /// Says that the work held under `label` will not end by itself: time may pass over it.
    pub fn stalled(&self, label: &str) {
        self.0.lock().stalled.insert(label.to_owned());
        self.0.changed.notify_one();
    }

    /// Sets the wall clock forwards or backwards; the monotonic clock takes no notice. Who waits for an
    /// instant that has been passed over wakes as soon as everybody ready has had a turn, without time
    /// moving.
    pub fn jump(&self, by: SignedDuration) {
        let mut state = self.0.lock();
        let edge = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
        state.now = state.now.checked_add(by).unwrap_or(edge);
    }

    /// Suspends the machine: the wall clock goes on, the monotonic clock does not.
    pub fn suspend(&self, duration: SignedDuration) {
        self.jump(duration);
        self.0.lock().suspended += duration;
    }

    /// Moves time on, sleeper by sleeper, until the wall clock shows `end`: later, where it jumps
    /// back meanwhile, and at once where it jumps past it. Drop the future to stop time.
    ///
    /// It belongs on the same single-threaded runtime as the work whose time it is, because "nobody
    /// has anything left to do now" is only visible there.
    pub async fn drive(&self, end: Timestamp) {
        loop {
            self.settle().await;
            if self.0.lock().is_held() {
                // Nothing else is left to do, so only its end can change that.
                self.0.changed.notified().await;
                continue;
            }
            let mut state = self.0.lock();
            let left = state.now.duration_until(end).max(SignedDuration::ZERO);
            let next = state.next_waking().filter(|wait| *wait <= left);
            state.pass(next.unwrap_or(left));
            if next.is_none() {
                return;
            }
            state.wake_due();
        }
    }

    async fn settle(&self) {
        if let Some(Idle(idle)) = &self.0.idle {
            return idle.notified().await;
        }
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
    /// How long it is until the first sleeper wakes; nothing, for one whose instant was jumped over.
    fn next_waking(&mut self) -> Option<SignedDuration> {
        forget_dropped(&mut self.until);
        forget_dropped(&mut self.lasting);
        let until = self.until.first_key_value().map(|((at, _), _)| self.now.duration_until(*at));
        let lasting = self.lasting.first_key_value().map(|((at, _), _)| *at - self.elapsed);
        until.into_iter().chain(lasting).min().map(|wait| wait.max(SignedDuration::ZERO))
    }

    /// Whoever comes to sleep: a number, what wakes them, and what they wait for.
    fn sleeper(&mut self) -> (u64, oneshot::Sender<()>, BoxFuture<'static, ()>) {
        self.next_id += 1;
        let (wake, woken) = oneshot::channel();
        // The sender only goes away with the clock itself; then nothing is left to wait for.
        let woken = Box::pin(async move { drop(woken.await) });
        (self.next_id, wake, woken)
    }

    /// Both clocks go on.
    fn pass(&mut self, time: SignedDuration) {
        self.now = self.now.checked_add(time).unwrap_or(Timestamp::MAX);
        self.elapsed = self.elapsed.saturating_add(time);
    }

    /// Wakes whose time has come, in the order in which they went to sleep.
    fn wake_due(&mut self) {
        let mut due = split_due(&mut self.until, self.now);
        due.append(&mut split_due(&mut self.lasting, self.elapsed));
        due.sort_unstable_by_key(|(id, _)| *id);
        for (_, wake) in due {
            // A sleeper that was dropped has nobody left to wake.
            let _ = wake.send(());
        }
    }

    fn is_held(&self) -> bool {
        self.holds.values().any(|label| !self.stalled.contains(label))
    }
}

/// Sleepers of one kind, by the time at which they wake and then by who came first.
type Sleepers<T> = BTreeMap<(T, u64), oneshot::Sender<()>>;

/// Drops the sleepers at the front that nobody waits for any more: most are timeouts of calls that
/// ended in time, and settling at each of their instants would cost more than the calls.
fn forget_dropped<T: Ord>(sleepers: &mut Sleepers<T>) {
    while let Some(first) = sleepers.first_entry() {
        if !first.get().is_closed() {
            return;
        }
        first.remove();
    }
}

/// Takes the sleepers out that wake by then.
fn split_due<T: Ord>(sleepers: &mut Sleepers<T>, by: T) -> Vec<(u64, oneshot::Sender<()>)> {
    let later = sleepers.split_off(&(by, u64::MAX));
    let due = std::mem::replace(sleepers, later);
    due.into_iter().map(|((_, id), wake)| (id, wake)).collect()
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.0.lock().now
    }

    fn monotonic(&self) -> SignedDuration {
        self.0.lock().elapsed
    }

    fn suspended(&self) -> SignedDuration {
        self.0.lock().suspended
    }

    fn sleep_until(&self, instant: Timestamp) -> BoxFuture<'static, ()> {
        let mut state = self.0.lock();
        if instant <= state.now {
            return Box::pin(std::future::ready(()));
        }
        let (id, wake, woken) = state.sleeper();
        state.until.insert((instant, id), wake);
        woken
    }

    fn sleep(&self, duration: SignedDuration) -> BoxFuture<'static, ()> {
        let mut state = self.0.lock();
        if duration <= SignedDuration::ZERO {
            return Box::pin(std::future::ready(()));
        }
        let at = state.elapsed.saturating_add(duration);
        let (id, wake, woken) = state.sleeper();
        state.lasting.insert((at, id), wake);
        woken
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

    /// Who woke, when by the wall clock, and after how long by the monotonic one.
    type Woken = Arc<Mutex<Vec<(&'static str, Timestamp, SignedDuration)>>>;

    fn note(
        clock: &SimulatedClock,
        woken: &Woken,
        who: &'static str,
        sleep: BoxFuture<'static, ()>,
    ) {
        let (clock, woken) = (clock.clone(), Arc::clone(woken));
        tokio::spawn(async move {
            sleep.await;
            woken.lock().unwrap().push((who, clock.now(), clock.monotonic()));
        });
    }

    #[test]
    fn a_jump_forwards_wakes_who_waited_for_an_instant_and_nobody_who_waits_for_a_time() {
        let hours = SignedDuration::from_hours;
        let start = Timestamp::UNIX_EPOCH;
        let (clock, woken) = (SimulatedClock::new(start), Woken::default());
        runtime().block_on(async {
            note(&clock, &woken, "jumped over", clock.sleep_until(start + hours(2)));
            note(&clock, &woken, "a time", clock.sleep(hours(2)));
            note(&clock, &woken, "later", clock.sleep_until(start + hours(6)));
            clock.drive(start + hours(1)).await;
            clock.jump(hours(3));
            clock.drive(start + hours(7)).await;
        });
        let expected = [
            ("jumped over", start + hours(4), hours(1)),
            ("a time", start + hours(5), hours(2)),
            ("later", start + hours(6), hours(3)),
        ];
        assert_eq!(*woken.lock().unwrap(), expected);
        assert_eq!((clock.now(), clock.monotonic()), (start + hours(7), hours(4)));
    }

    #[test]
    fn a_jump_backwards_delays_who_waits_for_an_instant_and_nobody_who_waits_for_a_time() {
        let hours = SignedDuration::from_hours;
        let start = Timestamp::UNIX_EPOCH;
        let (clock, woken) = (SimulatedClock::new(start), Woken::default());
        runtime().block_on(async {
            note(&clock, &woken, "an instant", clock.sleep_until(start + hours(2)));
            note(&clock, &woken, "a time", clock.sleep(hours(2)));
            clock.drive(start + hours(1)).await;
            clock.jump(-hours(3));
            note(&clock, &woken, "an hour seen twice", clock.sleep_until(start - hours(1)));
            clock.drive(start + hours(2)).await;
        });
        let expected = [
            ("a time", start - hours(1), hours(2)),
            ("an hour seen twice", start - hours(1), hours(2)),
            ("an instant", start + hours(2), hours(5)),
        ];
        assert_eq!(*woken.lock().unwrap(), expected);
        assert_eq!((clock.now(), clock.monotonic()), (start + hours(2), hours(5)));
    }

    #[test]
    fn a_jump_past_the_end_of_a_drive_ends_it_once_all_that_it_passed_over_is_done() {
        let hours = SignedDuration::from_hours;
        let start = Timestamp::UNIX_EPOCH;
        let (clock, woken) = (SimulatedClock::new(start), Woken::default());
        runtime().block_on(async {
            let jumps = clock.clone();
            let at_one = clock.sleep_until(start + hours(1));
            tokio::spawn(async move {
                at_one.await;
                jumps.jump(hours(9));
            });
            note(&clock, &woken, "after the end", clock.sleep_until(start + hours(5)));
            note(&clock, &woken, "a time", clock.sleep(hours(2)));
            clock.drive(start + hours(4)).await;
        });
        assert_eq!(*woken.lock().unwrap(), [("after the end", start + hours(10), hours(1))]);
        assert_eq!((clock.now(), clock.monotonic()), (start + hours(10), hours(1)));
    }
}

//! The clock of the simulated studio: real, faster, slower or frozen, and advanced at will, but never
//! set back.
//!
//! It is a function of the machine's clock and of three facts: at which instant of the machine it
//! showed what, and how fast it has run since. So it shows the right time after a restart, for which
//! the facts are kept: a clock that runs goes on while nobody serves.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::Clock;

/// The fastest that a clock may run: a year in half a minute.
pub const SPEED_MAX: f64 = 1e6;
/// The furthest that a clock is advanced at once: it cannot be set back, if it was a slip.
pub const ADVANCE_MAX: SignedDuration = SignedDuration::from_hours(366 * 24);
/// The slowest that a clock may run without standing still.
pub const SPEED_MIN: f64 = 1e-3;

/// What a studio's clock showed at an instant of the machine, and how it goes on from there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockFacts {
    /// The machine's instant.
    pub since: Timestamp,
    /// What the studio's clock showed then.
    pub showed: Timestamp,
    /// How many times as fast as the machine's it runs, [`SPEED_MIN`] to [`SPEED_MAX`].
    pub speed: f64,
    /// Whether it stands still; the speed is kept for when it goes on.
    pub frozen: bool,
}

impl ClockFacts {
    /// What the clock shows at an instant of the machine. A machine's clock that was set back does not
    /// set it back.
    #[must_use]
    pub fn shows(&self, machine: Timestamp) -> Timestamp {
        let passed = machine.duration_since(self.since).max(SignedDuration::ZERO);
        if self.frozen {
            return self.showed;
        }
        let passed = if self.speed == 1.0 {
            passed
        } else {
            let seconds = passed.as_secs_f64() * self.speed;
            SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MAX)
        };
        self.showed.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// These facts with a change made at the very instant that they begin with.
    ///
    /// # Errors
    /// The change would set the clock back, or takes it out of its bounds.
    pub fn changed(self, change: ClockChange) -> Result<Self, ClockError> {
        let by = change.advance.unwrap_or(SignedDuration::ZERO);
        if by.is_negative() {
            return Err(ClockError::Back(by.abs()));
        }
        let showed = self.showed.checked_add(by).ok().filter(|_| by <= ADVANCE_MAX);
        let showed = showed.ok_or(ClockError::TooFar(by))?;
        let speed = change.speed.unwrap_or(self.speed);
        if !(SPEED_MIN..=SPEED_MAX).contains(&speed) {
            return Err(ClockError::Speed(speed));
        }
        Ok(Self { showed, speed, frozen: change.frozen.unwrap_or(self.frozen), ..self })
    }
}

/// What is to change of a clock; what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClockChange {
    /// By how much it is advanced first.
    pub advance: Option<SignedDuration>,
    pub frozen: Option<bool>,
    pub speed: Option<f64>,
}

impl ClockChange {
    /// Whether it leaves everything as it is.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a clock is not changed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ClockError {
    #[error("the clock cannot be set back by {0:#}: it is only advanced")]
    Back(SignedDuration),
    #[error(
        "the clock cannot be advanced by {0:#}: valid are at most {ADVANCE_MAX:#} at once, and no year after 9999"
    )]
    TooFar(SignedDuration),
    #[error(
        "{0} is no speed: valid are {SPEED_MIN} to {SPEED_MAX} times that of the machine's clock"
    )]
    Speed(f64),
}

/// The clock of a studio. Clones are the same clock.
#[derive(Clone)]
pub struct StudioClock {
    machine: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    facts: ClockFacts,
    /// The latest that was shown.
    shown: Timestamp,
}

impl StudioClock {
    /// A clock that shows what this one does, until it is changed.
    #[must_use]
    pub fn following(machine: Clock) -> Self {
        let now = machine();
        let facts = ClockFacts { since: now, showed: now, speed: 1.0, frozen: false };
        Self::of(machine, facts, now)
    }

    /// A clock of which these facts are known, and that it showed `shown` already.
    #[must_use]
    pub fn of(machine: Clock, facts: ClockFacts, shown: Timestamp) -> Self {
        Self { machine, state: Arc::new(Mutex::new(State { facts, shown })) }
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let machine = (self.machine)();
        let mut state = self.state();
        state.shown = state.shown.max(state.facts.shows(machine));
        state.shown
    }

    /// What it goes by.
    #[must_use]
    pub fn facts(&self) -> ClockFacts {
        self.state().facts
    }

    /// What it would go by after a change.
    ///
    /// # Errors
    /// The change would set it back, or takes it out of its bounds.
    pub fn changed(&self, change: ClockChange) -> Result<ClockFacts, ClockError> {
        let facts = ClockFacts { since: (self.machine)(), showed: self.now(), ..self.facts() };
        facts.changed(change)
    }

    /// Goes by other facts from now on.
    pub fn set(&self, facts: ClockFacts) {
        let mut state = self.state();
        state.facts = facts;
        state.shown = state.shown.max(facts.showed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for StudioClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StudioClock").field(&self.state()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A clock in a machine whose own is set by hand, to a second of the day.
    fn clock(speed: f64) -> (StudioClock, Arc<AtomicI64>) {
        let second = Arc::new(AtomicI64::new(0));
        let machine = Arc::clone(&second);
        let machine: Clock =
            Arc::new(move || Timestamp::from_second(machine.load(Ordering::Relaxed)).unwrap());
        let clock = StudioClock::following(machine);
        let change = ClockChange { speed: Some(speed), ..ClockChange::default() };
        clock.set(clock.changed(change).unwrap());
        (clock, second)
    }

    fn change(clock: &StudioClock, change: ClockChange) {
        clock.set(clock.changed(change).unwrap());
    }

    #[test]
    fn it_runs_stands_still_and_is_advanced_from_what_it_shows() {
        let (clock, machine) = clock(1.0);
        let none = ClockChange::default();
        let mut seen = Vec::new();
        for (second, next) in [
            (10, none),
            (10, ClockChange { speed: Some(60.0), ..none }),
            (20, ClockChange { frozen: Some(true), ..none }),
            (50, ClockChange { advance: Some(SignedDuration::from_hours(1)), ..none }),
            (60, ClockChange { speed: Some(0.5), ..none }),
            (70, ClockChange { frozen: Some(false), ..none }),
            (80, none),
        ] {
            machine.store(second, Ordering::Relaxed);
            seen.push(clock.now().as_second());
            change(&clock, next);
        }
        assert_eq!(seen, [10, 10, 610, 610, 4210, 4210, 4215]);
    }

    #[test]
    fn nothing_sets_it_back() {
        let (clock, machine) = clock(60.0);
        machine.store(100, Ordering::Relaxed);
        let latest = clock.now();
        machine.store(-1000, Ordering::Relaxed);
        assert_eq!(clock.now(), latest);
        let facts = clock.facts();
        assert_eq!(facts.shows((clock.machine)()), facts.showed);
        change(&clock, ClockChange { speed: Some(1.0), ..ClockChange::default() });
        assert_eq!(clock.now(), latest);
        machine.store(-990, Ordering::Relaxed);
        assert_eq!(clock.now(), latest + SignedDuration::from_secs(10));
    }

    #[test]
    fn what_cannot_be_is_refused_and_changes_nothing() {
        let (clock, _) = clock(1.0);
        let none = ClockChange::default();
        let told = |change| clock.changed(change).unwrap_err().to_string();
        let texts = [
            told(ClockChange { advance: Some(SignedDuration::from_mins(-90)), ..none }),
            told(ClockChange { advance: Some(SignedDuration::MAX), ..none }),
            told(ClockChange { speed: Some(0.0), ..none }),
            told(ClockChange { speed: Some(f64::NAN), ..none }),
            told(ClockChange { speed: Some(f64::INFINITY), ..none }),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        the clock cannot be set back by 1h 30m: it is only advanced
        the clock cannot be advanced by 2562047788015215h 30m 7s 999ms 999µs 999ns: valid are at most 8784h at once, and no year after 9999
        0 is no speed: valid are 0.001 to 1000000 times that of the machine's clock
        NaN is no speed: valid are 0.001 to 1000000 times that of the machine's clock
        inf is no speed: valid are 0.001 to 1000000 times that of the machine's clock
        ");
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn the_end_of_time_is_not_passed() {
        let (clock, machine) = clock(SPEED_MAX);
        machine.store(1_000_000, Ordering::Relaxed);
        assert_eq!(clock.now(), Timestamp::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}

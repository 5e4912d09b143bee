//! What everybody in a simulation stands on: the world, the weather, and what was found wrong.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::faults::{Fault, Weather};
use super::rules::{Rules, STUDIO};
use crate::clock::{Clock, Hold, SimulatedClock};
use crate::plan::Action;
use crate::sandbox::World;
use crate::sandbox::world::{Caller, LaunchProfile, Session, SessionFilter, VolumeRetentionMode};

/// Who the daemon's calls come from.
pub(super) const US: &str = "AROASIMULATED:lightsout";

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// When, by the daemon's wall clock.
    pub at: Timestamp,
    /// Which rule was broken.
    pub rule: &'static str,
    /// How.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.at, self.rule, self.what)
    }
}

/// A call that the service carries out after its caller has stopped waiting.
#[derive(Debug, Clone)]
pub(super) struct LateCall {
    pub(super) at: Timestamp,
    pub(super) action: Action,
    pub(super) session: String,
    pub(super) token: String,
    pub(super) retains: bool,
}

/// The service's own clock: right, whatever the daemon's shows.
#[derive(Debug, Clone)]
pub(super) struct ServiceClock {
    daemon: SimulatedClock,
    /// By how much the daemon's clock is ahead.
    error: Arc<Mutex<SignedDuration>>,
    /// Whether that was ever set.
    was_set: Arc<AtomicBool>,
}

impl ServiceClock {
    pub(super) fn new(daemon: SimulatedClock) -> Self {
        Self { daemon, error: Arc::default(), was_set: Arc::default() }
    }

    /// The daemon's clock is set, wrongly, by so much.
    pub(super) fn set_daemon(&self, by: SignedDuration) {
        self.daemon.jump(by);
        *locked(&self.error) += by;
        self.was_set.store(true, Ordering::Relaxed);
    }

    pub(super) fn was_never_set(&self) -> bool {
        !self.was_set.load(Ordering::Relaxed)
    }

    pub(super) fn error(&self) -> SignedDuration {
        *locked(&self.error)
    }
}

impl Clock for ServiceClock {
    fn now(&self) -> Timestamp {
        self.daemon.now() - self.error()
    }

    fn monotonic(&self) -> SignedDuration {
        self.daemon.monotonic()
    }

    fn suspended(&self) -> SignedDuration {
        self.daemon.suspended()
    }

    fn sleep_until(&self, instant: Timestamp) -> futures_util::future::BoxFuture<'static, ()> {
        self.daemon.sleep_until(instant + self.error())
    }

    fn sleep(&self, duration: SignedDuration) -> futures_util::future::BoxFuture<'static, ()> {
        self.daemon.sleep(duration)
    }

    fn hold(&self, label: &str) -> Hold {
        self.daemon.hold(label)
    }
}

/// Shared by the driver, the service and the disk.
#[derive(Debug)]
pub(super) struct Ground {
    /// The daemon's clock.
    pub(super) clock: SimulatedClock,
    /// The service's.
    pub(super) service: ServiceClock,
    /// Whether the service tells what time it is there.
    pub(super) tells_time: bool,
    pub(super) world: Arc<Mutex<World>>,
    pub(super) weather: Mutex<Weather>,
    /// The policy in force.
    pub(super) rules: Mutex<Rules>,
    /// When somebody last changed the tags of a session, by the service's clock.
    pub(super) tagged: Mutex<BTreeMap<String, Timestamp>>,
    /// The same for the tag that names another schedule.
    pub(super) rescheduled: Mutex<BTreeMap<String, Timestamp>>,
    /// When the daemon last read each session by itself, by the service's clock.
    pub(super) looked: Mutex<BTreeMap<String, Timestamp>>,
    pub(super) late: Mutex<Vec<LateCall>>,
    /// The sessions whose last start of ours was to rescue them.
    pub(super) rescued: Mutex<BTreeSet<String>>,
    /// Those of them that somebody else had turned off before.
    pub(super) off_for_others: Mutex<BTreeSet<String>>,
    /// How long each session was to live after its last stop, by its launch profile as it was then.
    pub(super) lived: Mutex<BTreeMap<String, SignedDuration>>,
    /// Until when each session was to live at its last stop, by its hours then and the daemon's clock.
    pub(super) put_off: Mutex<BTreeMap<String, Timestamp>>,
    /// From when until when a person wants nothing done, by the daemon's clock.
    pub(super) paused: Mutex<Option<(Timestamp, Timestamp)>>,
    /// When a veto was last asked about a session, and answered or not, by the daemon's clock.
    pub(super) asked: Mutex<BTreeMap<String, Timestamp>>,
    /// When a veto last said that a session is busy, or nothing, by the daemon's clock; nothing once it is not.
    pub(super) busy: Mutex<BTreeMap<String, Timestamp>>,
    /// By how much the daemon takes its clock to be behind that was set right while nobody looked; until a stop
    /// of ours shows it.
    pub(super) misled: Mutex<SignedDuration>,
    /// What the last listings showed.
    pub(super) shown: Mutex<Shown>,
    /// The stops of what was kept until some instant before, by their tokens.
    pub(super) once_kept: Mutex<BTreeMap<String, Timestamp>>,
    /// When somebody edited a launch profile, by the service's clock.
    pub(super) edited: Mutex<Vec<Timestamp>>,
    /// Every policy that was in force, from when on, by the service's clock.
    pub(super) in_force: Mutex<Vec<(Timestamp, Rules)>>,
    /// When nobody was there, or another policy came into force, from when until when, by the service's clock.
    pub(super) unsettled: Mutex<Vec<(Timestamp, Timestamp)>>,
    /// When what was asked of the service during the last hour, by its clock.
    pub(super) calls: Mutex<BTreeMap<Call, VecDeque<Timestamp>>>,
    pub(super) findings: Mutex<Vec<Finding>>,
}

/// Something that is asked of the service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Call {
    List,
    Read(String),
    Change(Action, String),
    Stopped(String),
    Mark(String),
}

/// What the daemon was shown of the studio last.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Shown {
    /// When it was the whole of this account, by the service's clock.
    pub(super) whole_at: Option<Timestamp>,
    /// The studio of which instant that was.
    pub(super) shows: Option<Timestamp>,
    /// Whether the last one was not.
    pub(super) is_doubtful: bool,
}

impl Ground {
    pub(super) fn find(&self, rule: &'static str, what: String) {
        locked(&self.findings).push(Finding { at: self.clock.now(), rule, what });
    }

    pub(super) fn strikes(&self, fault: Fault) -> bool {
        locked(&self.weather).strikes(fault, self.service.now())
    }

    pub(super) fn prevails(&self, fault: Fault) -> bool {
        locked(&self.weather).prevails(fault, self.service.now())
    }

    /// Counts a call: none is made more often than this within an hour.
    pub(super) fn asks(&self, call: Call, most: usize) {
        let now = self.service.now();
        let mut calls = locked(&self.calls);
        let times = calls.entry(call.clone()).or_default();
        times.push_back(now);
        while times.front().is_some_and(|at| *at + SignedDuration::from_hours(1) <= now) {
            times.pop_front();
        }
        if times.len() > most {
            let count = times.len();
            self.find("no call is made too often", format!("{call:?}: {count} in an hour"));
        }
    }

    /// Whether any of these faults prevails now, without counting it.
    pub(super) fn lies_over(&self, faults: &[Fault]) -> bool {
        locked(&self.weather).lies_over(faults, self.service.now())
    }

    /// By how much the daemon's clock is ahead, where the service tells.
    pub(super) fn clock_ahead(&self) -> Option<SignedDuration> {
        self.tells_time.then(|| self.service.error())
    }

    /// Nobody is there until an instant, or something else is new from now on.
    pub(super) fn unsettle(&self, until: Timestamp) {
        locked(&self.unsettled).push((self.service.now(), until));
    }

    pub(super) fn count(&self, fault: Fault) {
        locked(&self.weather).count(fault);
    }

    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut super::chance::Chance) -> T) -> T {
        draw(locked(&self.weather).chance())
    }

    /// The world as it is now, with what late calls have done to it.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        let now = self.service.now();
        let mut world = locked(&self.world);
        let mut late = locked(&self.late);
        late.sort_by_key(|call| call.at);
        while late.first().is_some_and(|call| call.at <= now) {
            let call = late.remove(0);
            let caller = Caller::new(US).with_token(&call.token);
            let retention = call.retains.then_some(VolumeRetentionMode::Retain);
            // A late call may find everything changed, and then has no effect.
            let _ = match call.action {
                Action::Stop => world.stop(STUDIO, &call.session, retention, caller, call.at),
                Action::Start => world.start(STUDIO, &call.session, None, caller, call.at),
            };
        }
        world.advance(now);
        world
    }

    /// A session as it really is, with its launch profile.
    pub(super) fn truth(&self, session: &str) -> Option<(Session, LaunchProfile)> {
        let mut world = self.world();
        let session = world.session(STUDIO, session, self.service.now()).ok()?.clone();
        let profile = session.launch_profile_id.as_ref()?;
        let profile = world.launch_profile(STUDIO, profile.as_str()).ok()?.clone();
        Some((session, profile))
    }

    /// Every session as it really is.
    pub(super) fn sessions(&self) -> Vec<Session> {
        let everything = SessionFilter::default();
        let mut world = self.world();
        let sessions = world.sessions(STUDIO, &everything, None, usize::MAX, self.service.now());
        sessions.map(|page| page.items.into_iter().cloned().collect()).unwrap_or_default()
    }
}

/// A lock that a panic elsewhere does not close.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

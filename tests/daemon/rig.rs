//! One studio on a Friday evening, the daemon that looks after it, and a clock that is told to move.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::common::{ACCOUNT, House, PROFILES, Scripted};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lightsout::audit::memory::MemoryJournal;
use lightsout::audit::record::{Kind, Record};
use lightsout::clock::{Clock, Hold, SimulatedClock};
use lightsout::config;
use lightsout::daemon::{Reload, Summary};
use lightsout::ids::SessionId;
use lightsout::inventory::{Problem, Session, Snapshot, clocks_apart};
use lightsout::policy::Policy;
use lightsout::provider::direct::Direct;
use lightsout::provider::faulty::Faulty;
use lightsout::provider::{Accepted, ClientToken, Provider, ProviderError};
use lightsout::sandbox::World;
use lightsout::sandbox::world::{Effect, SessionState};
use lightsout::sandbox::worldfile;

pub(crate) use crate::common::STUDIO;

/// When each evening begins. Scans come every 7 minutes from here, so that none of them falls on
/// the hour at which the idle hours begin.
const START: &str = "19:12:30";

/// One session that may be stopped, and is due as soon as the idle hours begin.
pub(crate) const ARTIST: &str = r#"
[[studio.session]]
id = "artist"
profile = "persistent"
owner = "owner-1"
created = "-30d"
started = "-9h"
"#;

/// An instant of the evening of Friday 20 November 2026 in Los Angeles.
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-11-20T{time}-08:00").parse().unwrap()
}

/// An instant of the morning of the Monday after, when the idle hours end at 07:00.
pub(crate) fn monday(time: &str) -> Timestamp {
    format!("2026-11-23T{time}-08:00").parse().unwrap()
}

/// A policy in which the idle hours begin at 20:00; `studios` are its studios with their settings.
pub(crate) fn policy(scan: &str, studios: &str) -> Policy {
    let text = format!(
        r#"
version = 1
mode = "enforce"

[daemon]
scan = "{scan}"

[audit]
path = "audit.jsonl"

[schedule.nights]
zone = "America/Los_Angeles"
idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]

{studios}
"#
    );
    match config::parse("policy.toml", &text, Path::new("")) {
        Ok(loaded) => loaded.policy,
        Err(found) => panic!("{}", found.render(false)),
    }
}

/// The one studio with its settings.
pub(crate) fn studio(settings: &str) -> String {
    format!(
        "[[studio]]\nid = \"{STUDIO}\"\naccount = \"{ACCOUNT}\"\nschedule = \"nights\"\n{settings}"
    )
}

/// The studio, with these sessions.
pub(crate) fn world_of(stop_time: &str, sessions: &str) -> World {
    let text = format!(
        r#"
[settings]
stop_time = "{stop_time}"
start_time = "4m"

[[studio]]
id = "{STUDIO}"
account = "{ACCOUNT}"
name = "feature"
{PROFILES}
{sessions}
"#
    );
    worldfile::parse(&text, "world.toml", at(START)).unwrap().world
}

/// A call that was to change something, as it left the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) at: Timestamp,
    pub(crate) session: String,
    pub(crate) token: String,
}

/// What stands between the daemon and the studio: it notes every changing call, and interferes.
pub(crate) struct Door {
    clock: SimulatedClock,
    inner: Faulty,
    calls: Mutex<Vec<Call>>,
    before_read: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    after_stop: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    stale: Mutex<Option<(Timestamp, Snapshot)>>,
    unreadable: Mutex<Option<SessionId>>,
    stop_takes: Mutex<Option<SignedDuration>>,
    start_takes: Mutex<Option<SignedDuration>>,
    starts_in_vain: Mutex<usize>,
    tag_takes: Mutex<Option<SignedDuration>>,
    next_read_takes: Mutex<Option<SignedDuration>>,
    before_list: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    behind: Apart,
    tells_time: AtomicBool,
}

/// By how much a clock shows less than another.
type Apart = Arc<Mutex<SignedDuration>>;

/// A clock that shows less than another.
#[derive(Debug)]
struct Behind {
    clock: SimulatedClock,
    by: Apart,
}

impl Clock for Behind {
    fn now(&self) -> Timestamp {
        self.clock.now() - *self.by.lock().unwrap()
    }

    fn monotonic(&self) -> SignedDuration {
        self.clock.monotonic()
    }

    fn suspended(&self) -> SignedDuration {
        self.clock.suspended()
    }

    fn sleep_until(&self, instant: Timestamp) -> BoxFuture<'static, ()> {
        self.clock.sleep_until(instant + *self.by.lock().unwrap())
    }

    fn sleep(&self, duration: SignedDuration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }

    fn hold(&self, label: &str) -> Hold {
        self.clock.hold(label)
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl Door {
    /// Does something once, when a session is next read again before its stop.
    pub(crate) fn before_next_read(&self, act: impl FnOnce() + Send + 'static) {
        *self.before_read.lock().unwrap() = Some(Box::new(act));
    }

    /// From now on nobody understands what is answered about this session alone.
    pub(crate) fn garbles(&self, session: &str) {
        *self.unreadable.lock().unwrap() = Some(session.into());
    }

    /// Does something once, between the next answer to a stop and its arrival.
    pub(crate) fn after_next_stop(&self, act: impl FnOnce() + Send + 'static) {
        *self.after_stop.lock().unwrap() = Some(Box::new(act));
    }

    /// Until then every reading shows the studio as it is now: lists may lag behind.
    pub(crate) async fn shows_the_past_until(&self, until: Timestamp) {
        let snapshot = self.inner.observe().await;
        *self.stale.lock().unwrap() = Some((until, snapshot));
    }

    /// Until then every reading shows the studio as it is now, but for this change.
    pub(crate) async fn shows_until(&self, until: Timestamp, change: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = self.inner.observe().await;
        change(&mut snapshot);
        *self.stale.lock().unwrap() = Some((until, snapshot));
    }

    /// Does something once, when the studio is next listed.
    pub(crate) fn before_next_list(&self, act: impl FnOnce() + Send + 'static) {
        *self.before_list.lock().unwrap() = Some(Box::new(act));
    }

    /// The next time that a session is read again before its stop, the answer takes this long.
    pub(crate) fn next_read_takes(&self, time: SignedDuration) {
        *self.next_read_takes.lock().unwrap() = Some(time);
    }

    /// From now on the service tells with each listing what time it is there.
    pub(crate) fn tells_time(&self) {
        self.tells_time.store(true, Ordering::Relaxed);
    }

    /// Each stop reaches the service only after this long.
    pub(crate) fn stop_takes(&self, time: SignedDuration) {
        *self.stop_takes.lock().unwrap() = Some(time);
    }

    /// Each start reaches the service only after this long.
    pub(crate) fn start_takes(&self, time: SignedDuration) {
        *self.start_takes.lock().unwrap() = Some(time);
    }

    /// Each tag reaches the service only after this long.
    pub(crate) fn tag_takes(&self, time: SignedDuration) {
        *self.tag_takes.lock().unwrap() = Some(time);
    }

    /// So many starts are accepted and come to nothing.
    pub(crate) fn starts_in_vain(&self, count: usize) {
        *self.starts_in_vain.lock().unwrap() = count;
    }

    fn past(&self) -> Option<Snapshot> {
        let stale = self.stale.lock().unwrap();
        stale.as_ref().filter(|(until, _)| self.clock.now() < *until).map(|(_, past)| past.clone())
    }

    fn note(&self, session: &Session, token: &str) {
        let (at, session) = (self.clock.now(), session.id.to_string());
        self.calls.lock().unwrap().push(Call { at, session, token: token.to_owned() });
    }
}

impl Provider for Door {
    fn observe(&self) -> BoxFuture<'_, Snapshot> {
        async move {
            let act = self.before_list.lock().unwrap().take();
            if let Some(act) = act {
                act();
            }
            let mut seen = match self.past() {
                Some(past) => Snapshot { began: self.clock.now(), ..past },
                None => self.inner.observe().await,
            };
            if self.tells_time.load(Ordering::Relaxed) {
                seen.clock_ahead = Some(*self.behind.lock().unwrap());
                seen.gaps.extend(seen.clock_ahead.and_then(clocks_apart));
            }
            seen
        }
        .boxed()
    }

    fn read<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Session, ProviderError>> {
        async move {
            let act = self.before_read.lock().unwrap().take();
            if let Some(act) = act {
                act();
            }
            let is_garbled = self.unreadable.lock().unwrap().as_ref() == Some(session);
            let answer = match self.past() {
                _ if is_garbled => Err(ProviderError {
                    problem: Problem::Garbled,
                    operation: "GetStreamingSession",
                    detail: "nonsense".to_owned(),
                    request_id: None,
                }),
                Some(past) => Ok(Session::clone(&past.sessions[session])),
                None => self.inner.read(session).await,
            };
            let takes = self.next_read_takes.lock().unwrap().take();
            if let Some(takes) = takes {
                self.clock.sleep(takes).await;
            }
            answer
        }
        .boxed()
    }

    fn stop<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        async move {
            self.note(session, &token.0);
            let takes = *self.stop_takes.lock().unwrap();
            if let Some(takes) = takes {
                self.clock.sleep(takes).await;
            }
            let answer = self.inner.stop(session, token).await;
            let act = self.after_stop.lock().unwrap().take();
            if let Some(act) = act {
                act();
            }
            answer
        }
        .boxed()
    }

    fn start<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        async move {
            self.note(session, &token.0);
            let takes = *self.start_takes.lock().unwrap();
            if let Some(takes) = takes {
                self.clock.sleep(takes).await;
            }
            let is_in_vain = {
                let mut left = self.starts_in_vain.lock().unwrap();
                let is_in_vain = *left > 0;
                *left -= usize::from(is_in_vain);
                is_in_vain
            };
            if is_in_vain {
                return Ok(Accepted { session: session.clone(), request_id: None });
            }
            self.inner.start(session, token).await
        }
        .boxed()
    }

    fn tag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        async move {
            self.note(session, key);
            let takes = *self.tag_takes.lock().unwrap();
            if let Some(takes) = takes {
                self.clock.sleep(takes).await;
            }
            self.inner.tag(session, key, value).await
        }
        .boxed()
    }

    fn untag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.note(session, key);
        self.inner.untag(session, key)
    }
}

/// The studio, its daemon, and what both have done.
pub(crate) struct Rig {
    pub(crate) clock: SimulatedClock,
    pub(crate) faulty: Faulty,
    pub(crate) door: Arc<Door>,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) vetoes: Arc<Scripted>,
    world: Arc<Mutex<World>>,
    pub(crate) house: House,
}

impl Rig {
    /// A studio whose stops take 90 seconds; no daemon yet.
    pub(crate) fn new(settings: &str, sessions: &str) -> Self {
        Self::with_stop_time("90s", settings, sessions)
    }

    pub(crate) fn with_stop_time(stop_time: &str, settings: &str, sessions: &str) -> Self {
        Self::with_scan("7m", stop_time, settings, sessions)
    }

    pub(crate) fn with_scan(scan: &str, stop_time: &str, settings: &str, sessions: &str) -> Self {
        Self::built(scan, stop_time, SignedDuration::ZERO, settings, sessions)
    }

    /// The clock of the service is behind ours by so much.
    pub(crate) fn with_service_behind(by: SignedDuration, settings: &str, sessions: &str) -> Self {
        Self::built("7m", "90s", by, settings, sessions)
    }

    fn built(
        scan: &str,
        stop_time: &str,
        behind: SignedDuration,
        settings: &str,
        sessions: &str,
    ) -> Self {
        let clock = SimulatedClock::new(at(START));
        let world = Arc::new(Mutex::new(world_of(stop_time, sessions)));
        let behind = Arc::new(Mutex::new(behind));
        let by = Arc::clone(&behind);
        let shared: Arc<dyn Clock> = Arc::new(Behind { clock: clock.clone(), by });
        let direct = Direct::new(STUDIO.into(), Arc::clone(&world), shared, "AROATEST:lightsout");
        let faulty = Faulty::new(Arc::new(direct));
        let door = Arc::new(Door {
            clock: clock.clone(),
            inner: faulty.clone(),
            calls: Mutex::default(),
            before_read: Mutex::default(),
            after_stop: Mutex::default(),
            stale: Mutex::default(),
            unreadable: Mutex::default(),
            stop_takes: Mutex::default(),
            start_takes: Mutex::default(),
            starts_in_vain: Mutex::default(),
            tag_takes: Mutex::default(),
            next_read_takes: Mutex::default(),
            before_list: Mutex::default(),
            behind,
            tells_time: AtomicBool::default(),
        });
        let studio = studio(settings);
        let provider = Arc::clone(&door) as Arc<dyn Provider>;
        let house = House::new(clock.clone(), policy(scan, &studio), provider);
        let (journal, vetoes) = (Arc::clone(&house.journal), Arc::clone(&house.vetoes));
        Self { clock, faulty, door, journal, vetoes, world, house }
    }

    /// As before, with a daemon that has begun.
    pub(crate) async fn started(settings: &str, sessions: &str) -> Self {
        let mut rig = Self::new(settings, sessions);
        rig.start().await;
        rig
    }

    /// Our clock is set, and the service's is not.
    pub(crate) fn set_clock(&self, by: SignedDuration) {
        self.clock.jump(by);
        *self.door.behind.lock().unwrap() += by;
    }

    /// Starts a daemon that knows what the records so far say.
    pub(crate) async fn start(&mut self) {
        self.house.up().await;
    }

    /// Brings the daemon that runs another policy.
    pub(crate) async fn reload(&mut self, reload: Reload) {
        self.house.reload(reload).await;
    }

    /// Looks once, to the proven end.
    pub(crate) async fn once(&self) -> Summary {
        self.house.once().await
    }

    /// Lets time pass until it is so late on that Friday.
    pub(crate) async fn until(&self, time: &str) {
        self.house.until(at(time)).await;
    }

    /// Lets time pass until it is so late on the Monday after.
    pub(crate) async fn until_monday(&self, time: &str) {
        self.clock.drive(monday(time)).await;
    }

    pub(crate) async fn pass(&self, hours: i64) {
        self.clock.drive(self.clock.now() + SignedDuration::from_hours(hours)).await;
    }

    /// Tells the daemon to end, and waits until it has.
    pub(crate) async fn end(&mut self) {
        self.house.down().await;
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// The world, for something that happens behind the daemon's back.
    pub(crate) fn shared_world(&self) -> Arc<Mutex<World>> {
        Arc::clone(&self.world)
    }

    pub(crate) fn state(&self, session: &str) -> SessionState {
        self.world().session(STUDIO, session, self.clock.now()).unwrap().state.clone()
    }

    /// What callers made happen.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        self.world().effects().iter().cloned().collect()
    }

    /// Every changing call that left the daemon.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.door.calls.lock().unwrap().clone()
    }

    pub(crate) fn tokens(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.token).collect()
    }

    pub(crate) fn of(&self, kind: &Kind) -> Vec<Record> {
        self.journal.records().into_iter().filter(|record| record.kind == *kind).collect()
    }

    pub(crate) fn count(&self, kind: &Kind) -> usize {
        self.of(kind).len()
    }

    /// Everything recorded of stops: what was done and what came of it.
    pub(crate) fn deeds(&self) -> Vec<String> {
        self.verbs("stop")
    }

    /// The same of another noun.
    pub(crate) fn verbs(&self, noun: &str) -> Vec<String> {
        let records = self.journal.records();
        let kinds = records.iter().map(|record| record.kind.as_str());
        let of_noun = kinds.filter_map(|kind| kind.strip_prefix("lightsout.")?.strip_prefix(noun));
        of_noun.filter_map(|verb| verb.strip_prefix('.')).map(str::to_owned).collect()
    }

    /// Hours later nothing more has been called, recorded or brought about.
    pub(crate) async fn assert_nothing_changes_any_more(&self, hours: i64) {
        let before = (self.journal.records().len(), self.effects(), self.calls());
        self.pass(hours).await;
        let records = self.journal.records();
        assert_eq!(records[before.0..], [], "there are new records");
        assert_eq!((self.effects(), self.calls()), (before.1, before.2));
    }
}

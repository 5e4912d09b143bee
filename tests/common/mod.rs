//! What several test crates need: the studio that they are about, and the daemon that looks after it.
//!
//! It is included with `#[path]`, so everything here has to be of use to each of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lightsout::audit::memory::MemoryJournal;
use lightsout::audit::record::{Journal, JournalError};
use lightsout::audit::replay::Replay;
use lightsout::clock::{Clock, SimulatedClock};
use lightsout::daemon::{Daemon, Ledger, Summary};
use lightsout::plan::VetoSays;
use lightsout::policy::{Policy, Veto};
use lightsout::provider::Provider;
use lightsout::veto::{Question, Vetoes};
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

/// Vetoes that say what they are told to, by name; where nobody told them, they have nothing against a
/// stop. An answer to a question about a session that is hung comes after the veto's time.
#[derive(Debug)]
pub(crate) struct Scripted {
    clock: SimulatedClock,
    pub(crate) says: Mutex<BTreeMap<String, VetoSays>>,
    pub(crate) hung: Mutex<Vec<String>>,
    pub(crate) asked: Mutex<Vec<(Timestamp, String, Question)>>,
}

impl Vetoes for Scripted {
    fn ask<'a>(&'a self, veto: &'a Veto, question: &'a Question) -> BoxFuture<'a, VetoSays> {
        async move {
            let asked = (self.clock.now(), veto.name.to_string(), question.clone());
            self.asked.lock().unwrap().push(asked);
            if self.hung.lock().unwrap().contains(&question.session) {
                self.clock.sleep(veto.timeout).await;
                return VetoSays::Failed { words: "it hangs".to_owned() };
            }
            let says = self.says.lock().unwrap();
            says.get(veto.name.as_str()).cloned().unwrap_or(VetoSays::Clear)
        }
        .boxed()
    }
}

/// A daemon that comes and goes, the log that stays, and the clock that they go by.
pub(crate) struct House {
    pub(crate) clock: SimulatedClock,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) vetoes: Arc<Scripted>,
    policy: Policy,
    provider: Arc<dyn Provider>,
    running: Option<Running>,
}

struct Running {
    ending: CancellationToken,
    daemon: JoinHandle<Result<(), JournalError>>,
}

impl House {
    /// An empty log, and no daemon yet.
    pub(crate) fn new(clock: SimulatedClock, policy: Policy, provider: Arc<dyn Provider>) -> Self {
        let vetoes = Arc::new(Scripted {
            clock: clock.clone(),
            says: Mutex::default(),
            hung: Mutex::default(),
            asked: Mutex::default(),
        });
        let journal = Arc::new(MemoryJournal::new());
        Self { clock, journal, vetoes, policy, provider, running: None }
    }

    /// Starts a daemon that knows what the records so far say.
    pub(crate) async fn up(&mut self) {
        assert!(self.running.is_none(), "a daemon runs already");
        let (daemon, ending) = self.daemon();
        self.running = Some(Running { ending, daemon: tokio::spawn(daemon.run()) });
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
        let daemon = Daemon::new(
            self.policy.clone(),
            Arc::new(ledger),
            Arc::new(self.clock.clone()),
            ending.clone(),
            Arc::clone(&self.vetoes) as Arc<dyn Vetoes>,
            |_| Arc::clone(&self.provider),
        );
        (daemon, ending)
    }
}

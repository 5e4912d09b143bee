//! What several test crates need: the studio that they are about, and the daemon that looks after it.
//!
//! It is included with `#[path]`, so everything here has to be of use to each of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lightsout::audit::memory::MemoryJournal;
use lightsout::audit::record::{Journal, JournalError, ReasonData, Record};
use lightsout::audit::replay::Replay;
use lightsout::clock::{Clock, SimulatedClock};
use lightsout::daemon::{Daemon, Ledger, Reload, Summary};
use lightsout::plan::VetoSays;
use lightsout::policy::{AuditRotation, Policy, Veto};
use lightsout::provider::Provider;
use lightsout::switch::{Approved, MemorySwitchboard, Request, Switchboard, Wish};
use lightsout::veto::{Question, Vetoes};
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

/// A log whose disk takes its time, once.
#[derive(Debug)]
struct Patient {
    inner: Arc<MemoryJournal>,
    clock: SimulatedClock,
    takes: Arc<Mutex<Option<SignedDuration>>>,
}

impl Journal for Patient {
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        async move {
            let takes = self.takes.lock().unwrap().take_if(|_| !records.is_empty());
            if let Some(takes) = takes {
                self.clock.sleep(takes).await;
            }
            self.inner.commit(records).await
        }
        .boxed()
    }

    fn rotate_by(&self, rotation: AuditRotation) {
        self.inner.rotate_by(rotation);
    }
}

/// A daemon that comes and goes, the log that stays, and the clock that they go by.
pub(crate) struct House {
    pub(crate) clock: SimulatedClock,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) switchboard: Arc<MemorySwitchboard>,
    pub(crate) vetoes: Arc<Scripted>,
    /// How long the disk takes for what is recorded next.
    pub(crate) next_commit_takes: Arc<Mutex<Option<SignedDuration>>>,
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
        let vetoes = Arc::new(Scripted {
            clock: clock.clone(),
            says: Mutex::default(),
            hung: Mutex::default(),
            asked: Mutex::default(),
        });
        let (journal, switchboard) =
            (Arc::new(MemoryJournal::new()), Arc::new(MemorySwitchboard::new()));
        let next_commit_takes = Arc::default();
        Self {
            clock,
            journal,
            vetoes,
            switchboard,
            next_commit_takes,
            policy,
            provider,
            running: None,
        }
    }

    /// Has another policy for the next daemon.
    pub(crate) fn follow(&mut self, policy: Policy) {
        assert!(self.running.is_none(), "a daemon that runs has read its policy");
        self.policy = policy;
    }

    /// Somebody asks for something.
    pub(crate) fn ask(&self, who: &str, wish: Wish) -> Request {
        let at = self.clock.now();
        let id = format!("{:020}", at.as_nanosecond());
        let request = Request { id, at, who: who.to_owned(), wish };
        self.switchboard.add(request.clone());
        request
    }

    /// Somebody pauses everything.
    pub(crate) fn pause(&self, who: &str, length: SignedDuration) {
        let until = self.clock.now() + length;
        drop(self.ask(who, Wish::Pause { studio: None, until, note: None }));
    }

    /// Somebody approves for an hour what the log says is held.
    pub(crate) fn approve(&self, who: &str) {
        let held = self.past().studio(&STUDIO.into()).held.clone().expect("nothing is held");
        let ReasonData { code, values, .. } = held.reason.unwrap();
        let held = Approved { code, values, policy: held.policy };
        let until = self.clock.now() + SignedDuration::from_hours(1);
        drop(self.ask(who, Wish::Approve { studio: STUDIO.into(), until, held }));
    }

    /// What the log says.
    fn past(&self) -> Replay {
        let mut past = Replay::default();
        for record in self.journal.records() {
            past.apply(&record);
        }
        past
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
        let journal = Patient {
            inner: Arc::clone(&self.journal),
            clock: self.clock.clone(),
            takes: Arc::clone(&self.next_commit_takes),
        };
        let ledger = Ledger::new(Arc::new(journal), self.past());
        let ending = CancellationToken::new();
        let provider = Arc::clone(&self.provider);
        let daemon = Daemon::new(
            self.policy.clone(),
            Arc::new(ledger),
            Arc::new(self.clock.clone()),
            ending.clone(),
            Arc::clone(&self.vetoes) as Arc<dyn Vetoes>,
            move |_| Arc::clone(&provider),
        );
        (daemon.hearing(Arc::clone(&self.switchboard) as Arc<dyn Switchboard>), ending)
    }
}

//! What a supervisor is told: of progress, as long as there is any, and of nothing else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::{House, STUDIO};
use crate::rig::{ARTIST, at, policy, studio, world_of};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use lightsout::audit::memory::MemoryJournal;
use lightsout::audit::record::{Journal, JournalError, Kind, Record};
use lightsout::audit::replay::Replay;
use lightsout::clock::{Clock, SimulatedClock};
use lightsout::daemon::{Daemon, Ledger, Refusal, Reload};
use lightsout::provider::Provider;
use lightsout::provider::direct::Direct;
use lightsout::provider::faulty::{Fault, Faulty};
use lightsout::supervise::{Notice, Supervisor};
use lightsout::veto::Vetoes;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Something that stands still when it is told to.
#[derive(Debug, Default)]
struct Still {
    stands: AtomicBool,
    goes_on: Notify,
}

impl Still {
    fn stand(&self) {
        self.stands.store(true, Ordering::Relaxed);
    }

    fn go_on(&self) {
        self.stands.store(false, Ordering::Relaxed);
        self.goes_on.notify_waiters();
    }

    async fn pass(&self) {
        while self.stands.load(Ordering::Relaxed) {
            self.goes_on.notified().await;
        }
    }
}

/// A log whose disk can hang, or be gone for ever.
#[derive(Debug)]
struct Disk {
    inner: MemoryJournal,
    hangs: Arc<Still>,
    has_ended: AtomicBool,
}

impl Journal for Disk {
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        async {
            self.hangs.pass().await;
            self.inner.commit(records).await
        }
        .boxed()
    }

    fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }
}

/// A supervisor that remembers what it was told, and when.
#[derive(Debug)]
struct Told {
    clock: SimulatedClock,
    patience: Option<SignedDuration>,
    notices: Mutex<Vec<(Timestamp, Notice)>>,
}

impl Supervisor for Told {
    fn tell(&self, notice: Notice) {
        self.notices.lock().unwrap().push((self.clock.now(), notice));
    }

    fn patience(&self) -> Option<SignedDuration> {
        self.patience
    }
}

/// A daemon that is supervised, and all that can hang in it.
struct Supervised {
    clock: SimulatedClock,
    told: Arc<Told>,
    studio: Faulty,
    disk: Arc<Disk>,
    reloads: mpsc::Sender<Reload>,
    ending: CancellationToken,
    daemon: JoinHandle<Result<(), JournalError>>,
}

impl Supervised {
    async fn started(patience_secs: i64) -> Self {
        let clock = SimulatedClock::new(at("19:12:30"));
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let world = Arc::new(Mutex::new(world_of("90s", ARTIST)));
        let inner = Direct::new(STUDIO.into(), world, Arc::clone(&shared), "AROATEST:lightsout");
        let faulty = Faulty::new(Arc::new(inner));
        let provider: Arc<dyn Provider> = Arc::new(faulty.clone());
        let policy = policy("7m", &studio("warn = []"));
        let vetoes = House::new(clock.clone(), policy.clone(), Arc::clone(&provider)).vetoes;
        let disk = Arc::new(Disk {
            inner: MemoryJournal::new(),
            hangs: Arc::default(),
            has_ended: AtomicBool::new(false),
        });
        let told = Arc::new(Told {
            clock: clock.clone(),
            patience: Some(SignedDuration::from_secs(patience_secs)),
            notices: Mutex::default(),
        });
        let ledger = Ledger::new(Arc::clone(&disk) as Arc<dyn Journal>, Replay::default());
        let ending = CancellationToken::new();
        let (reloads, asked) = mpsc::channel(1);
        let daemon = Daemon::new(
            policy,
            Arc::new(ledger),
            shared,
            ending.clone(),
            vetoes as Arc<dyn Vetoes>,
            move |_| Arc::clone(&provider),
        )
        .reloading(asked)
        .supervised(Arc::clone(&told) as Arc<dyn Supervisor>);
        let daemon = tokio::spawn(daemon.run());
        let this = Self { clock, told, studio: faulty, disk, reloads, ending, daemon };
        this.until("19:12:30").await;
        this
    }

    async fn until(&self, time: &str) {
        self.clock.drive(at(time)).await;
    }

    /// What it was told since it was last asked, but for signs of progress; and when these came.
    fn news(&self) -> (Vec<Notice>, Vec<Timestamp>) {
        let notices = std::mem::take(&mut *self.told.notices.lock().unwrap());
        let (alive, others): (Vec<_>, Vec<_>) =
            notices.into_iter().partition(|(_, notice)| *notice == Notice::Alive);
        let others = others.into_iter().map(|(_, notice)| notice).collect();
        (others, alive.into_iter().map(|(at, _)| at).collect())
    }

    async fn end(self) -> Vec<Notice> {
        self.news();
        self.ending.cancel();
        tokio::select! {
            biased;
            ended = self.daemon => ended.unwrap().unwrap(),
            () = self.clock.drive(at("23:59:59")) => panic!("it did not end"),
        }
        let notices = self.told.notices.lock().unwrap();
        notices.iter().map(|(_, notice)| notice.clone()).collect()
    }
}

fn every(from: &str, to: &str, secs: i64) -> Vec<Timestamp> {
    let (mut instant, to) = (at(from), at(to));
    let mut instants = Vec::new();
    while instant <= to {
        instants.push(instant);
        instant += SignedDuration::from_secs(secs);
    }
    instants
}

#[tokio::test]
async fn a_supervisor_is_told_that_work_has_begun_how_it_goes_and_that_it_ends() {
    let daemon = Supervised::started(60).await;
    let (notices, alive) = daemon.news();
    let [Notice::Ready, Notice::Status(status)] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!(status, "1 sessions, 0 due; 0 studios held; next scan at 2026-11-21T03:19:30Z");
    assert_eq!(alive, [at("19:12:30")]);
    daemon.until("19:18:00").await;
    assert_eq!(daemon.news(), (vec![], every("19:13:00", "19:18:00", 30)));
    assert_eq!(daemon.end().await[0], Notice::Stopping);
}

#[tokio::test]
async fn a_studio_that_hangs_within_its_bounds_is_progress_and_beyond_them_is_none() {
    let daemon = Supervised::started(60).await;
    daemon.studio.set(Some(Fault::HangingList));
    daemon.news();
    // Its scan begins at 19:19:30 and has sixteen minutes.
    daemon.until("20:30:00").await;
    assert_eq!(daemon.news().1, every("19:13:00", "19:35:30", 30));
    daemon.studio.set(None);
    daemon.until("20:31:00").await;
    assert_eq!(daemon.news().1, every("20:30:01", "20:31:00", 30)[..2]);
    daemon.end().await;
}

#[tokio::test]
async fn a_log_that_hangs_is_no_progress_until_it_goes_on() {
    let daemon = Supervised::started(20).await;
    daemon.until("19:59:55").await;
    daemon.disk.hangs.stand();
    daemon.news();
    // At the hour a decision is to be recorded.
    daemon.until("20:10:00").await;
    assert_eq!(daemon.news().1, every("20:00:00", "20:00:20", 10));
    daemon.disk.hangs.go_on();
    daemon.until("20:10:30").await;
    assert_eq!(daemon.news().1.len(), 3);
    daemon.end().await;
}

#[tokio::test]
async fn a_log_that_nobody_writes_any_more_is_no_progress_ever() {
    let daemon = Supervised::started(20).await;
    daemon.until("19:20:00").await;
    daemon.news();
    daemon.disk.has_ended.store(true, Ordering::Relaxed);
    daemon.until("19:40:00").await;
    assert_eq!(daemon.news().1, []);
    daemon.end().await;
}

#[tokio::test]
async fn a_full_disk_is_told_of_and_starting_again_would_not_mend_it() {
    let daemon = Supervised::started(20).await;
    daemon.disk.inner.fail(true);
    daemon.until("19:12:31").await;
    daemon.news();
    daemon.until("20:12:00").await;
    assert_eq!(daemon.news().1, every("19:12:40", "20:12:00", 10));
    daemon.disk.inner.fail(false);
    daemon.end().await;
}

#[tokio::test]
async fn a_change_of_policy_is_waited_for_with_signs_of_progress_and_ends_in_ready() {
    let daemon = Supervised::started(4).await;
    daemon.studio.set(Some(Fault::HangingCalls));
    daemon.until("20:00:10").await;
    let intended = daemon.disk.inner.records();
    assert!(intended.iter().any(|record| record.kind == Kind::StopIntended));
    daemon.news();
    let policy = policy("7m", &studio("warn = []\nlease = \"3h\""));
    daemon.reloads.send(Reload::Read(Box::new(policy))).await.unwrap();
    daemon.until("20:00:17").await;
    let (notices, alive) = daemon.news();
    assert_eq!((notices, alive), (vec![], every("20:00:12", "20:00:17", 2)));
    daemon.until("20:00:19").await;
    assert_eq!(daemon.news().0[0], Notice::Ready);
    let refusal = Refusal { hash: None, errors: 1, messages: vec!["no such zone".to_owned()] };
    daemon.reloads.send(Reload::Refused(refusal)).await.unwrap();
    daemon.until("20:00:20").await;
    assert_eq!(daemon.news().0, [Notice::Ready]);
    daemon.end().await;
}

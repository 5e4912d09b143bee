//! The log and what it says, kept together: whatever is made durable is known at once.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::timekeeper::{Last, Reading};
use crate::audit::Head;
use crate::audit::record::{Journal, JournalError, Kind, Record};
use crate::audit::replay::{Fingerprint, Jump, Replay, StudioPast};
use crate::clock::Clock;
use crate::execute::{Admission, Gate};
use crate::ids::{SessionId, StudioId};
use crate::metrics::Metrics;
use crate::plan::{Action, Decision, History, Reason, held_since, one_more};
use crate::policy::{AuditRotation, Brake};
use crate::provider::ClientToken;

/// How long a disk may take to make something durable before a person should look at it.
pub(super) const ANSWER_MAX: SignedDuration = SignedDuration::from_secs(30);

/// What came of a commit.
type Committed = Result<Vec<Record>, JournalError>;

/// How many stops of each studio are about to be announced.
type Pending = Arc<Mutex<BTreeMap<StudioId, usize>>>;

/// A journal that remembers.
#[derive(Debug)]
pub struct Ledger {
    journal: Arc<dyn Journal>,
    replay: Arc<Mutex<Replay>>,
    health: Arc<Mutex<LogHealth>>,
    /// Whether the last record could not be written: that a look finds nothing wrong says nothing of it.
    unwritten: Arc<AtomicBool>,
    /// The times of what is being committed.
    waiting: Arc<Mutex<Vec<Timestamp>>>,
    pending: Pending,
    switched: Arc<watch::Sender<()>>,
    /// Held while a jump of the clock is recorded, so that nobody decides by it before.
    last_reading: Arc<tokio::sync::Mutex<Last>>,
    /// The commits that nobody waits for any more.
    under_way: TaskTracker,
    /// How many commits have ended, well or not.
    ended: Arc<AtomicU64>,
    /// How many records have become known.
    known: Arc<AtomicU64>,
    metrics: Option<Arc<Metrics>>,
}

/// How the log is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Commits {
    /// Whether any waits for the disk.
    pub(super) wait: bool,
    /// How many have ended.
    pub(super) ended: u64,
    /// Whether none ever will again.
    pub(super) never: bool,
}

/// Whether the log can be written, as the last commit showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LogHealth {
    /// The last commit is durable, or there was none yet.
    #[default]
    Sound,
    /// The last commit failed, and all before it since an instant.
    Failing {
        /// When the first of them was to be recorded.
        since: Timestamp,
        /// What was wrong with the last.
        detail: String,
    },
}

impl LogHealth {
    fn note(&mut self, at: Timestamp, committed: Result<(), &JournalError>) {
        *self = match (committed, &*self) {
            (Ok(()), _) => Self::Sound,
            (Err(error), Self::Sound) => Self::Failing { since: at, detail: error.detail.clone() },
            (Err(error), Self::Failing { since, .. }) => {
                Self::Failing { since: *since, detail: error.detail.clone() }
            }
        };
    }
}

impl Ledger {
    /// Goes on from what a log already says.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, replay: Replay) -> Self {
        let last = Last::Logged(replay.latest());
        Self {
            journal,
            replay: Arc::new(Mutex::new(replay)),
            health: Arc::default(),
            unwritten: Arc::default(),
            waiting: Arc::default(),
            pending: Pending::default(),
            switched: Arc::new(watch::Sender::new(())),
            last_reading: Arc::new(tokio::sync::Mutex::new(last)),
            under_way: TaskTracker::new(),
            ended: Arc::default(),
            known: Arc::default(),
            metrics: None,
        }
    }

    /// What becomes durable is counted, too.
    #[must_use]
    pub fn counted(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// Where it is counted, if it is.
    pub(super) fn metrics(&self) -> Option<&Arc<Metrics>> {
        self.metrics.as_ref()
    }

    /// How the log is written just now.
    pub(super) fn commits(&self) -> Commits {
        Commits {
            wait: !lock(&self.waiting).is_empty(),
            ended: self.ended.load(Ordering::Relaxed),
            never: self.journal.has_ended(),
        }
    }

    /// Whether the log can be written. What failed is tried again with whatever there is to record
    /// next, so this turns by itself when the disk recovers; and so it does where a disk that did not
    /// answer does. What only a look at the log found turns by another look.
    #[must_use]
    pub fn health(&self, now: Timestamp) -> LogHealth {
        let oldest = lock(&self.waiting).iter().min().copied();
        match oldest.filter(|since| since.duration_until(now) >= ANSWER_MAX) {
            Some(since) => {
                LogHealth::Failing { since, detail: "the disk does not answer".to_owned() }
            }
            None => lock(&self.health).clone(),
        }
    }

    /// Has the log look at itself, unless somebody waits for it anyway: where nothing happens for days, nothing else
    /// would show that the file is gone, or is back. That there is room for a record only a record shows.
    pub(super) fn look_at_log(&self, now: Timestamp) {
        if lock(&self.waiting).is_empty() {
            drop(self.going_on(self.committing(now, Vec::new())));
        }
    }

    /// Looks at the past of a studio. `look` is called at once and must not wait.
    pub fn with<T>(&self, studio: &StudioId, look: impl FnOnce(&StudioPast) -> T) -> T {
        look(lock(&self.replay).studio(studio))
    }

    /// Which of its states the log is in, as far as it is known: another number after every record.
    pub(super) fn edition(&self) -> u64 {
        self.known.load(Ordering::Relaxed)
    }

    /// Whether the request of a person is in the log already.
    #[must_use]
    pub fn has_taken(&self, request: &str) -> bool {
        lock(&self.replay).has_taken(request)
    }

    /// Tells of each time that a person has said something.
    #[must_use]
    pub fn switched(&self) -> watch::Receiver<()> {
        self.switched.subscribe()
    }

    /// The time, for a decision: if the wall clock jumped, that is on disk before anybody is told
    /// what it shows, and the decision will know of it.
    pub(super) async fn time(&self, clock: &dyn Clock) -> Result<Timestamp, JournalError> {
        let mut last = Arc::clone(&self.last_reading).lock_owned().await;
        let reading = Reading::of(clock);
        let Some(jump) = last.jump(reading) else {
            *last = Last::Read(reading);
            return Ok(reading.wall);
        };
        let Jump { from, to, .. } = jump;
        tracing::warn!(%from, %to, "the clock jumped; nothing is done until a scan confirms it");
        let recorded = self.recording(vec![jump.record()]);
        // Whoever stops waiting here does not stop the record, which is not to come twice; and where it
        // cannot be made, the jump is still to be noticed.
        self.going_on(async move {
            let records = recorded.await?;
            *last = Last::Read(reading);
            Ok(records)
        })
        .await?;
        Ok(reading.wall)
    }

    /// Makes something happen that goes on by itself where nobody waits for it any more.
    fn going_on(&self, commit: impl Future<Output = Committed> + Send + 'static) -> Commit {
        Commit { commit: Some(Box::pin(commit)), tracker: self.under_way.clone() }
    }

    /// Makes records durable, and then known.
    fn recording(&self, records: Vec<Record>) -> impl Future<Output = Committed> + Send + use<> {
        let at = records.last().map(|record| record.time);
        let committing = at.map(|at| self.committing(at, records));
        async move { if let Some(committing) = committing { committing.await } else { Ok(Vec::new()) } }
    }

    /// The same; of no records, it only shows whether the log can be written.
    fn committing(
        &self,
        at: Timestamp,
        records: Vec<Record>,
    ) -> impl Future<Output = Committed> + Send + use<> {
        let (journal, replay) = (Arc::clone(&self.journal), Arc::clone(&self.replay));
        let (health, switched) = (Arc::clone(&self.health), Arc::clone(&self.switched));
        let (waiting, ended) = (Arc::clone(&self.waiting), Arc::clone(&self.ended));
        let (known, unwritten) = (Arc::clone(&self.known), Arc::clone(&self.unwritten));
        let metrics = self.metrics.clone();
        let is_look = records.is_empty();
        async move {
            lock(&waiting).push(at);
            let committed = journal.commit(records).await;
            let mut others = lock(&waiting);
            if let Some(place) = others.iter().position(|other| *other == at) {
                others.swap_remove(place);
            }
            drop(others);
            ended.fetch_add(1, Ordering::Relaxed);
            if !is_look {
                unwritten.store(committed.is_err(), Ordering::Relaxed);
            }
            if committed.is_err() || !unwritten.load(Ordering::Relaxed) {
                lock(&health).note(at, committed.as_ref().map(drop));
            }
            if let (Some(metrics), Err(_), false) = (&metrics, &committed, is_look) {
                metrics.not_recorded();
            }
            let records = committed?;
            if let Some(metrics) = &metrics {
                metrics.recorded(&records);
            }
            let mut replay = lock(&replay);
            records.iter().for_each(|record| replay.apply(record));
            known.fetch_add(records.len() as u64, Ordering::Relaxed);
            drop(replay);
            if records.iter().any(|record| is_switch(&record.kind)) {
                switched.send_replace(());
            }
            Ok(records)
        }
    }

    /// Waits until nothing is being committed any more by who has stopped waiting for it.
    pub(super) async fn settled(&self) {
        self.under_way.close();
        self.under_way.wait().await;
        self.under_way.reopen();
    }
}

impl Journal for Ledger {
    /// Whoever stops waiting does not stop it: what is on disk is always known.
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        Box::pin(self.going_on(self.recording(records)))
    }

    fn head(&self) -> Option<Head> {
        self.journal.head()
    }

    fn rotate_by(&self, rotation: AuditRotation) {
        self.journal.rotate_by(rotation);
    }

    fn unrotated(&self) -> Option<String> {
        self.journal.unrotated()
    }

    fn has_ended(&self) -> bool {
        self.journal.has_ended()
    }

    fn lines_lost(&self) -> u64 {
        self.journal.lines_lost()
    }
}

/// A commit that goes on by itself where it is dropped.
struct Commit {
    commit: Option<BoxFuture<'static, Committed>>,
    tracker: TaskTracker,
}

impl Future for Commit {
    type Output = Committed;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(commit) = self.commit.as_mut() else { return Poll::Pending };
        let answer = commit.as_mut().poll(context);
        if answer.is_ready() {
            self.commit = None;
        }
        answer
    }
}

impl Drop for Commit {
    fn drop(&mut self) {
        // At the very end of a process there is nothing left to go on in, and nobody to know.
        if let (Some(commit), Ok(runtime)) = (self.commit.take(), Handle::try_current()) {
            drop(self.tracker.spawn_on(commit, &runtime));
        }
    }
}

fn is_switch(kind: &Kind) -> bool {
    matches!(kind, Kind::DaemonPaused | Kind::DaemonResumed | Kind::StudioApproved)
}

impl Gate for Ledger {
    fn time<'a>(&'a self, clock: &'a dyn Clock) -> BoxFuture<'a, Result<Timestamp, JournalError>> {
        Box::pin(Self::time(self, clock))
    }

    fn held(&self, studio: &StudioId, now: Timestamp) -> Option<Reason> {
        self.with(studio, |past| held_since(&past.history, now))
    }

    fn history(&self, studio: &StudioId, session: &SessionId) -> History {
        self.with(studio, |past| past.history.only(session))
    }

    fn is_decided_otherwise(
        &self,
        studio: &StudioId,
        decision: &Decision,
        run: Option<Timestamp>,
    ) -> bool {
        let last = self.with(studio, |past| past.decisions.get(&decision.session).copied());
        last.is_some_and(|last| last != Fingerprint::of_decision(decision, run))
    }

    fn admit(
        &self,
        studio: &StudioId,
        brake: Brake,
        action: Action,
        token: &ClientToken,
        now: Timestamp,
    ) -> Result<Admission, Reason> {
        let replay = lock(&self.replay);
        let past = replay.studio(studio);
        // What is announced again under the same token counts once, as long as it counts; but of a brake
        // that lets nothing through not even a call whose answer was lost is made again.
        if !brake.is_none() && past.is_counted(action, &token.0, now) {
            return Ok(Admission::counted());
        }
        let mut pending = lock(&self.pending);
        let count = pending.entry(studio.clone()).or_default();
        let held = one_more(brake, &past.history, action, now, *count);
        // A brake that engaged is for what was not asked for before.
        let is_again = || past.history.asked_under(action, &token.0);
        let is_passed =
            |reason: &Reason| matches!(reason, Reason::BrakeLatched { .. }) && is_again();
        if let Some(reason) = held.filter(|reason| !is_passed(reason)) {
            return Err(reason);
        }
        *count += 1;
        let (pending, studio) = (Arc::clone(&self.pending), studio.clone());
        Ok(Admission::new(move || {
            if let Some(count) = lock(&pending).get_mut(&studio) {
                *count = count.saturating_sub(1);
            }
        }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::Semaphore;

    use super::super::tasks::tests::decided;
    use super::*;
    use crate::audit::MemoryJournal;
    use crate::audit::record::{Data, Kind, SeenData};
    use crate::clock::SimulatedClock;
    use crate::metrics::Sample;
    use crate::plan::ClockJump;
    use crate::report::Prices;

    /// A journal that answers when it is allowed to.
    #[derive(Debug)]
    struct Slow {
        permits: Semaphore,
        inner: MemoryJournal,
    }

    impl Default for Slow {
        fn default() -> Self {
            Self { permits: Semaphore::new(0), inner: MemoryJournal::new() }
        }
    }

    impl Journal for Slow {
        fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Committed> {
            Box::pin(async move {
                let permit = self.permits.acquire().await;
                permit.map_err(|error| JournalError { detail: error.to_string() })?.forget();
                self.inner.commit(records).await
            })
        }
    }

    #[tokio::test]
    async fn who_stops_waiting_for_a_commit_does_not_stop_it() {
        let journal = Arc::new(Slow::default());
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let (from, to) = (Timestamp::UNIX_EPOCH, "2026-11-20T00:00:00Z".parse().unwrap());
        let record = Jump { from, to, suspended: SignedDuration::ZERO }.record();
        assert_eq!(record.kind, Kind::ClockJumped);
        let jump = |ledger: &Ledger| ledger.with(&"studio".into(), |past| past.history.clock_jump);
        let mut commit = ledger.commit(vec![record]);
        assert!(futures_util::poll!(&mut commit).is_pending());
        drop(commit);
        assert!(futures_util::poll!(Box::pin(ledger.settled())).is_pending());
        assert_eq!(jump(&ledger), None);
        journal.permits.add_permits(1);
        ledger.settled().await;
        assert_eq!(jump(&ledger), Some(ClockJump { at: to, by: from.duration_until(to) }));
    }

    #[tokio::test]
    async fn a_jump_whose_record_nobody_waited_for_and_no_disk_took_is_noticed_again() {
        let journal = Arc::new(Slow::default());
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let clock = SimulatedClock::new("2026-11-20T04:00:00Z".parse().unwrap());
        ledger.time(&clock).await.unwrap();
        clock.jump(SignedDuration::from_hours(1));
        let jumps = || {
            let kinds = journal.inner.records().into_iter().map(|record| record.kind);
            kinds.filter(|kind| *kind == Kind::ClockJumped).count()
        };
        journal.inner.fail(true);
        let mut time = Box::pin(ledger.time(&clock));
        assert!(futures_util::poll!(&mut time).is_pending());
        drop(time);
        journal.permits.add_permits(1);
        ledger.settled().await;
        assert_eq!(jumps(), 0);
        journal.inner.fail(false);
        journal.permits.add_permits(1);
        ledger.time(&clock).await.unwrap();
        assert_eq!(jumps(), 1);
        // And once it is on disk it is not told of again.
        ledger.time(&clock).await.unwrap();
        assert_eq!(jumps(), 1);
    }

    #[tokio::test]
    async fn a_call_that_waited_while_the_clock_jumped_is_held_and_counted_by_the_time_that_went_by()
     {
        let journal = Arc::new(MemoryJournal::new());
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let clock = SimulatedClock::new("2026-11-20T04:00:00Z".parse().unwrap());
        let studio = StudioId::from("us-west-2:stid-EXAMPLE11111");
        let intended = |token: &str| {
            let data = Data {
                studio: Some(studio.to_string()),
                session: Some(token.to_owned()),
                client_token: Some(token.to_owned()),
                ..Data::default()
            };
            let kind = Kind::StopIntended;
            Record { time: clock.now(), kind, subject: String::new(), data }
        };
        Gate::time(&ledger, &clock).await.unwrap();
        ledger.commit(vec![intended("a"), intended("b")]).await.unwrap();
        clock.jump(SignedDuration::from_hours(2));
        let now = Gate::time(&ledger, &clock).await.unwrap();
        assert!(matches!(ledger.held(&studio, now), Some(Reason::ClockJumped { .. })));
        let (brake, token) = (Brake { per_scan: 9, per_hour: 2 }, ClientToken("c".to_owned()));
        let admitted = |now| ledger.admit(&studio, brake, Action::Stop, &token, now).is_ok();
        let later = |mins| now + SignedDuration::from_mins(mins);
        assert!(!admitted(now) && !admitted(later(59)) && admitted(later(61)));
    }

    #[tokio::test]
    async fn what_was_recorded_of_a_session_since_is_decided_otherwise() {
        let journal = Arc::new(MemoryJournal::new());
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let (studio, run) = (StudioId::from("us-west-2:stid-1"), Timestamp::UNIX_EPOCH);
        let stop = decided(&"one".into(), Reason::NeverDue);
        let keep = decided(&"one".into(), Reason::TagKeep { value: "wait".to_owned() });
        let is_otherwise = || ledger.is_decided_otherwise(&studio, &stop, Some(run));
        assert!(!is_otherwise(), "nothing was recorded");
        for (decision, started_at, expected) in [
            (&stop, run, false),
            (&keep, run, true),
            (&stop, run, false),
            (&stop, later(run), true),
        ] {
            let data = Data {
                studio: Some(studio.to_string()),
                seen: Some(SeenData { started_at: Some(started_at), ..SeenData::default() }),
                ..Data::from(decision)
            };
            let kind = Kind::SessionDecided;
            let record = Record { time: started_at, kind, subject: String::new(), data };
            ledger.commit(vec![record]).await.unwrap();
            assert_eq!(is_otherwise(), expected, "{} {started_at}", decision.reason);
        }
    }

    fn later(instant: Timestamp) -> Timestamp {
        instant + SignedDuration::from_secs(1)
    }

    #[tokio::test]
    async fn a_disk_that_does_not_answer_is_no_healthy_one() {
        let journal = Arc::new(Slow::default());
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let mut commit = ledger.commit(vec![record("2026-11-20T04:00:00Z")]);
        assert!(futures_util::poll!(&mut commit).is_pending());
        let health = |now: &str| ledger.health(now.parse().unwrap());
        assert_eq!(health("2026-11-20T04:00:29Z"), LogHealth::Sound);
        let failing = LogHealth::Failing {
            since: "2026-11-20T04:00:00Z".parse().unwrap(),
            detail: "the disk does not answer".to_owned(),
        };
        assert_eq!(health("2026-11-20T04:00:30Z"), failing);
        journal.permits.add_permits(1);
        commit.await.unwrap();
        assert_eq!(health("2026-11-20T04:10:00Z"), LogHealth::Sound);
    }

    fn record(time: &str) -> Record {
        let (kind, data) = (Kind::DaemonStarted, Data::default());
        Record { time: time.parse().unwrap(), kind, subject: String::new(), data }
    }

    #[tokio::test]
    async fn the_log_shows_how_it_is_though_nothing_is_to_be_recorded() {
        let journal = Arc::new(MemoryJournal::new());
        let metrics =
            Arc::new(Metrics::new(Prices::new(&BTreeMap::new()), Timestamp::UNIX_EPOCH).unwrap());
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let ledger = ledger.counted(Arc::clone(&metrics));
        let at: Timestamp = "2026-11-20T04:00:00Z".parse().unwrap();
        for fails in [true, true, false] {
            journal.fail(fails);
            ledger.look_at_log(at);
            ledger.settled().await;
            assert_eq!(ledger.health(at) != LogHealth::Sound, fails);
        }
        // Where a record found no room, that the file is in its place says nothing.
        let commit = || ledger.commit(vec![record("2026-11-20T04:05:00Z")]);
        journal.fail(true);
        commit().await.unwrap_err();
        journal.fail(false);
        ledger.look_at_log(at);
        ledger.settled().await;
        assert_ne!(ledger.health(at), LogHealth::Sound);
        commit().await.unwrap();
        assert_eq!(ledger.health(at), LogHealth::Sound);
        // A look is no record, and none that failed.
        let counted = metrics.text(&Sample::default()).unwrap();
        assert!(counted.contains("\nlightsout_audit_write_failures_total 1\n"), "{counted}");
        assert_eq!((journal.records().len(), ledger.edition()), (1, 1));
    }

    #[tokio::test]
    async fn a_log_that_does_not_answer_is_not_looked_at_twice() {
        let journal = Arc::new(Slow::default());
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let at = Timestamp::UNIX_EPOCH;
        for _ in 0..3 {
            ledger.look_at_log(at);
            tokio::task::yield_now().await;
        }
        assert_eq!(*lock(&ledger.waiting), [at]);
        journal.permits.add_permits(1);
        ledger.settled().await;
        assert!(lock(&ledger.waiting).is_empty());
    }

    #[test]
    fn health_is_that_of_the_last_commit_and_says_since_when() {
        let journal = Arc::new(MemoryJournal::new());
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let commit = |records| ledger.commit(records).now_or_never().unwrap().is_ok();
        let failing = |since: &str| LogHealth::Failing {
            since: since.parse().unwrap(),
            detail: "it is made to fail".to_owned(),
        };
        assert_eq!(ledger.health(Timestamp::UNIX_EPOCH), LogHealth::Sound);
        journal.fail(true);
        assert!(commit(Vec::new()));
        assert_eq!(ledger.health(Timestamp::UNIX_EPOCH), LogHealth::Sound);
        for time in ["2026-11-20T04:00:00Z", "2026-11-20T04:05:00Z"] {
            assert!(!commit(vec![record(time)]));
            assert_eq!(ledger.health(Timestamp::UNIX_EPOCH), failing("2026-11-20T04:00:00Z"));
        }
        journal.fail(false);
        assert!(commit(Vec::new()));
        assert_eq!(ledger.health(Timestamp::UNIX_EPOCH), failing("2026-11-20T04:00:00Z"));
        assert!(commit(vec![record("2026-11-20T04:10:00Z")]));
        assert_eq!(ledger.health(Timestamp::UNIX_EPOCH), LogHealth::Sound);
        journal.fail(true);
        assert!(!commit(vec![record("2026-11-20T04:15:00Z")]));
        assert_eq!(ledger.health(Timestamp::UNIX_EPOCH), failing("2026-11-20T04:15:00Z"));
        assert_eq!(ledger.head(), None);
    }
}

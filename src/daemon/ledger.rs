//! The log and what it says, kept together: whatever is made durable is known at once.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::timekeeper::{Last, Reading};
use crate::audit::Head;
use crate::audit::record::{Journal, JournalError, Record};
use crate::audit::replay::{Replay, StudioPast, jumped};
use crate::clock::Clock;
use crate::ids::StudioId;

/// A journal that remembers.
#[derive(Debug)]
pub struct Ledger {
    journal: Arc<dyn Journal>,
    replay: Arc<Mutex<Replay>>,
    trouble: Arc<Mutex<Option<JournalError>>>,
    /// Held while a jump of the clock is recorded, so that nobody decides by it before.
    last_reading: tokio::sync::Mutex<Last>,
    /// The commits that nobody waits for any more.
    under_way: TaskTracker,
}

impl Ledger {
    /// Goes on from what a log already says.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, replay: Replay) -> Self {
        let last = Last::Logged(replay.latest());
        Self {
            journal,
            replay: Arc::new(Mutex::new(replay)),
            trouble: Arc::default(),
            last_reading: tokio::sync::Mutex::new(last),
            under_way: TaskTracker::new(),
        }
    }

    /// Looks at the past of a studio. `look` is called at once and must not wait.
    pub fn with<T>(&self, studio: &StudioId, look: impl FnOnce(&StudioPast) -> T) -> T {
        look(self.replay.lock().unwrap_or_else(PoisonError::into_inner).studio(studio))
    }

    /// Why the last commit failed, if it did.
    #[must_use]
    pub fn trouble(&self) -> Option<JournalError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The time, for a decision: if the wall clock jumped, that is on disk before anybody is told
    /// what it shows, and the decision will know of it.
    pub(super) async fn time(&self, clock: &dyn Clock) -> Result<Timestamp, JournalError> {
        let mut last = self.last_reading.lock().await;
        let reading = Reading::of(clock);
        if let Some(from) = last.jumped_from(reading) {
            let to = reading.wall;
            tracing::warn!(%from, %to, "the clock jumped; nothing is done until a scan confirms it");
            self.commit(vec![jumped(from, to)]).await?;
        }
        *last = Last::Read(reading);
        Ok(reading.wall)
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
        if records.is_empty() {
            return Box::pin(std::future::ready(Ok(records)));
        }
        let (journal, replay) = (Arc::clone(&self.journal), Arc::clone(&self.replay));
        let trouble = Arc::clone(&self.trouble);
        let commit = Box::pin(async move {
            let committed = journal.commit(records).await;
            *trouble.lock().unwrap_or_else(PoisonError::into_inner) =
                committed.as_ref().err().cloned();
            let records = committed?;
            let mut replay = replay.lock().unwrap_or_else(PoisonError::into_inner);
            records.iter().for_each(|record| replay.apply(record));
            Ok(records)
        });
        Box::pin(Commit { commit: Some(commit), tracker: self.under_way.clone() })
    }

    fn head(&self) -> Option<Head> {
        self.journal.head()
    }
}

/// A commit that goes on by itself where it is dropped.
struct Commit {
    commit: Option<BoxFuture<'static, Result<Vec<Record>, JournalError>>>,
    tracker: TaskTracker,
}

impl Future for Commit {
    type Output = Result<Vec<Record>, JournalError>;

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

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use crate::audit::record::Kind;
    use crate::plan::ClockJump;

    /// A journal that answers when it is allowed to.
    #[derive(Debug)]
    struct Slow(Semaphore);

    impl Journal for Slow {
        fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
            Box::pin(async move {
                let permit = self.0.acquire().await;
                permit.map_err(|error| JournalError { detail: error.to_string() })?.forget();
                Ok(records)
            })
        }
    }

    #[tokio::test]
    async fn who_stops_waiting_for_a_commit_does_not_stop_it() {
        let journal = Arc::new(Slow(Semaphore::new(0)));
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let (from, to) = (Timestamp::UNIX_EPOCH, "2026-11-20T00:00:00Z".parse().unwrap());
        let record = jumped(from, to);
        assert_eq!(record.kind, Kind::ClockJumped);
        let jump = |ledger: &Ledger| ledger.with(&"studio".into(), |past| past.history.clock_jump);
        let mut commit = ledger.commit(vec![record]);
        assert!(futures_util::poll!(&mut commit).is_pending());
        drop(commit);
        assert!(futures_util::poll!(Box::pin(ledger.settled())).is_pending());
        assert_eq!(jump(&ledger), None);
        journal.0.add_permits(1);
        ledger.settled().await;
        assert_eq!(jump(&ledger), Some(ClockJump { at: to, by: from.duration_until(to) }));
    }
}

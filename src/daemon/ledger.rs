//! The log and what it says, kept together: whatever is made durable is known at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::audit::chain::Head;
use crate::audit::record::{Journal, JournalError, Kind, Record};
use crate::audit::replay::{Replay, StudioPast};
use crate::execute::{Admission, Gate};
use crate::ids::StudioId;
use crate::plan::{Action, Pause, Reason, one_more};
use crate::policy::Brake;
use crate::provider::ClientToken;

/// How many stops of each studio are about to be announced.
type Pending = Arc<Mutex<BTreeMap<StudioId, usize>>>;

/// A journal that remembers.
#[derive(Debug)]
pub struct Ledger {
    journal: Arc<dyn Journal>,
    replay: Mutex<Replay>,
    pending: Pending,
    switched: watch::Sender<()>,
    health: Mutex<Health>,
}

/// Whether the log can be written, as the last commit showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Health {
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

impl Ledger {
    /// Goes on from what a log already says.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, replay: Replay) -> Self {
        let (pending, switched) = (Pending::default(), watch::Sender::new(()));
        let health = Mutex::default();
        Self { journal, replay: Mutex::new(replay), pending, switched, health }
    }

    /// The last record that is durable, for whoever keeps that elsewhere.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        self.journal.head()
    }

    /// Whether the log can be written. What failed is tried again with whatever there is to record
    /// next, so this turns by itself when the disk recovers.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, at: Timestamp, committed: Result<(), &JournalError>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        *health = match (committed, &*health) {
            (Ok(()), _) => Health::Sound,
            (Err(error), Health::Sound) => {
                Health::Failing { since: at, detail: error.detail.clone() }
            }
            (Err(error), Health::Failing { since, .. }) => {
                Health::Failing { since: *since, detail: error.detail.clone() }
            }
        };
    }

    /// Looks at the past of a studio. `look` is called at once and must not wait.
    pub fn with<T>(&self, studio: &StudioId, look: impl FnOnce(&StudioPast) -> T) -> T {
        look(lock(&self.replay).studio(studio))
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
}

impl Journal for Ledger {
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        Box::pin(async move {
            let Some(at) = records.last().map(|record| record.time) else { return Ok(records) };
            let committed = self.journal.commit(records).await;
            self.note(at, committed.as_ref().map(drop));
            let records = committed?;
            let mut replay = lock(&self.replay);
            for record in &records {
                replay.apply(record);
            }
            drop(replay);
            if records.iter().any(|record| is_switch(&record.kind)) {
                self.switched.send_replace(());
            }
            Ok(records)
        })
    }

    fn head(&self) -> Option<Head> {
        self.journal.head()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::audit::MemoryJournal;
    use crate::audit::record::{Data, Kind};

    fn record(time: &str) -> Record {
        let (kind, data) = (Kind::DaemonStarted, Data::default());
        Record { time: time.parse().unwrap(), kind, subject: String::new(), data }
    }

    #[test]
    fn health_is_that_of_the_last_commit_and_says_since_when() {
        let journal = Arc::new(MemoryJournal::new());
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let commit = |records| ledger.commit(records).now_or_never().unwrap().is_ok();
        let failing = |since: &str| Health::Failing {
            since: since.parse().unwrap(),
            detail: "it is made to fail".to_owned(),
        };
        assert_eq!(ledger.health(), Health::Sound);
        journal.fail(true);
        assert!(commit(Vec::new()));
        assert_eq!(ledger.health(), Health::Sound);
        for time in ["2026-11-20T04:00:00Z", "2026-11-20T04:05:00Z"] {
            assert!(!commit(vec![record(time)]));
            assert_eq!(ledger.health(), failing("2026-11-20T04:00:00Z"));
        }
        journal.fail(false);
        assert!(commit(Vec::new()));
        assert_eq!(ledger.health(), failing("2026-11-20T04:00:00Z"));
        assert!(commit(vec![record("2026-11-20T04:10:00Z")]));
        assert_eq!(ledger.health(), Health::Sound);
        journal.fail(true);
        assert!(!commit(vec![record("2026-11-20T04:15:00Z")]));
        assert_eq!(ledger.health(), failing("2026-11-20T04:15:00Z"));
        assert_eq!(ledger.head(), None);
    }
}

fn is_switch(kind: &Kind) -> bool {
    matches!(kind, Kind::DaemonPaused | Kind::DaemonResumed | Kind::StudioApproved)
}

impl Gate for Ledger {
    fn pause(&self, studio: &StudioId, now: Timestamp) -> Option<Pause> {
        self.with(studio, |past| past.history.paused.clone().filter(|pause| pause.holds_at(now)))
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
        // What is announced again under the same token counts once, as long as it counts.
        if past.is_counted(action, &token.0, now) {
            return Ok(Admission::counted());
        }
        let mut pending = lock(&self.pending);
        let count = pending.entry(studio.clone()).or_default();
        if let Some(reason) = one_more(brake, &past.history, action, now, *count) {
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

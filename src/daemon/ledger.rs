//! The log and what it says, kept together: whatever is made durable is known at once.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::audit::chain::Head;
use crate::audit::record::{Journal, JournalError, Record};
use crate::audit::replay::{Replay, StudioPast};
use crate::ids::StudioId;

/// A journal that remembers.
#[derive(Debug)]
pub struct Ledger {
    journal: Arc<dyn Journal>,
    replay: Mutex<Replay>,
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
        Self { journal, replay: Mutex::new(replay), health: Mutex::default() }
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
        look(self.replay.lock().unwrap_or_else(PoisonError::into_inner).studio(studio))
    }
}

impl Journal for Ledger {
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        Box::pin(async move {
            let Some(at) = records.last().map(|record| record.time) else { return Ok(records) };
            let committed = self.journal.commit(records).await;
            self.note(at, committed.as_ref().map(drop));
            let records = committed?;
            let mut replay = self.replay.lock().unwrap_or_else(PoisonError::into_inner);
            for record in &records {
                replay.apply(record);
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

//! The log and what it says, kept together: whatever is made durable is known at once.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;

use crate::audit::record::{Journal, JournalError, Record};
use crate::audit::replay::{Replay, StudioPast};
use crate::ids::StudioId;

/// A journal that remembers.
#[derive(Debug)]
pub struct Ledger {
    journal: Arc<dyn Journal>,
    replay: Mutex<Replay>,
}

impl Ledger {
    /// Goes on from what a log already says.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, replay: Replay) -> Self {
        Self { journal, replay: Mutex::new(replay) }
    }

    /// Looks at the past of a studio. `look` is called at once and must not wait.
    pub fn with<T>(&self, studio: &StudioId, look: impl FnOnce(&StudioPast) -> T) -> T {
        look(self.replay.lock().unwrap_or_else(PoisonError::into_inner).studio(studio))
    }
}

impl Journal for Ledger {
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        Box::pin(async move {
            if records.is_empty() {
                return Ok(records);
            }
            let records = self.journal.commit(records).await?;
            let mut replay = self.replay.lock().unwrap_or_else(PoisonError::into_inner);
            for record in &records {
                replay.apply(record);
            }
            Ok(records)
        })
    }
}

//! The log and what it says, kept together: whatever is made durable is known at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

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
}

impl Ledger {
    /// Goes on from what a log already says.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, replay: Replay) -> Self {
        let (pending, switched) = (Pending::default(), watch::Sender::new(()));
        Self { journal, replay: Mutex::new(replay), pending, switched }
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
            if records.is_empty() {
                return Ok(records);
            }
            let records = self.journal.commit(records).await?;
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

//! The log of requests, for tests and for whoever watches the sandbox.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::world::Operation;

/// How many requests are remembered one by one; the counts go on for ever.
pub const REQUESTS_MAX: usize = 10_000;

/// One request, as it came in and as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    pub at: Timestamp,
    pub operation: Operation,
    pub studio: Option<String>,
    pub session: Option<String>,
    pub client_token: Option<String>,
    /// The SDK's name for one call, over all its attempts.
    pub invocation: Option<String>,
    /// Nothing when no answer was given.
    pub status: Option<u16>,
}

/// The requests of a running server; clones share one log.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    recent: VecDeque<RequestRecord>,
    counts: BTreeMap<(Option<String>, Operation), u64>,
}

impl Requests {
    /// The newest [`REQUESTS_MAX`] requests, oldest first.
    #[must_use]
    pub fn recent(&self) -> Vec<RequestRecord> {
        self.log().recent.iter().cloned().collect()
    }

    /// How many requests there were for each studio and operation. A request that names no studio
    /// counts under none.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(Option<String>, Operation), u64> {
        self.log().counts.clone()
    }

    /// How many requests there were for an operation, over all studios.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        self.log()
            .counts
            .iter()
            .filter(|((_, of), _)| *of == operation)
            .map(|(_, count)| count)
            .sum()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.log() = Log::default();
    }

    pub(super) fn note(&self, record: RequestRecord) {
        let mut log = self.log();
        *log.counts.entry((record.studio.clone(), record.operation)).or_default() += 1;
        if log.recent.len() == REQUESTS_MAX {
            log.recent.pop_front();
        }
        log.recent.push_back(record);
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

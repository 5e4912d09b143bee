//! A log without a thread: it commits at once, on whatever thread asks.
//!
//! It writes through the same `Appender` as the `LogWriter`, so a simulated disk beneath it shows
//! what that one would do. Whoever has real work to do beside the disk takes the `LogWriter`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

use super::appender::{Appender, Beside, Opened, StartError};
use super::chain::Head;
use super::disk::Storage;
use super::record::{Journal, JournalError, Record};
use crate::clock::Clock;
use crate::policy::AuditRotation;

/// The log over any storage.
#[derive(Debug)]
pub(crate) struct InlineLog(Mutex<Appender>);

impl InlineLog {
    /// Opens the log in `storage`, which may be empty.
    pub(crate) fn open(
        storage: Box<dyn Storage>,
        rotation: AuditRotation,
        clock: &Arc<dyn Clock>,
    ) -> Result<(Self, Opened), StartError> {
        let beside = Beside { show: &mut |_| {}, echo: None };
        let (appender, opened) = Appender::open(storage, rotation, &**clock, beside)?;
        Ok((Self(Mutex::new(appender)), opened))
    }

    fn commit_now(&self, records: Vec<Record>) -> Result<Vec<Record>, JournalError> {
        let mut appender = self.lock();
        let mut group = appender.group();
        group.push(&records)?;
        appender.commit(group, &records)?;
        appender.rotate_if_due();
        Ok(records)
    }

    fn lock(&self) -> MutexGuard<'_, Appender> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for InlineLog {
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        Box::pin(async move { self.commit_now(records) })
    }

    fn head(&self) -> Option<Head> {
        self.lock().head()
    }

    fn rotate_by(&self, rotation: AuditRotation) {
        self.lock().rotate_by(rotation);
    }

    fn unrotated(&self) -> Option<String> {
        self.lock().unrotated()
    }
}

#[cfg(test)]
mod tests;

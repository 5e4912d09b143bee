//! A journal that only remembers: for tests, and for reviews that leave no trace.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

use super::record::{Journal, JournalError, Record};
use crate::policy::AuditRotation;

/// Keeps records in memory, in order.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    records: Mutex<Vec<Record>>,
    failing: AtomicBool,
    /// How many records there is room for at a time, less one; 0 is no bound.
    too_many: AtomicUsize,
    rotation: Mutex<Option<AuditRotation>>,
}

impl MemoryJournal {
    /// A journal without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was committed so far.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.lock().clone()
    }

    /// What was committed since the last time it was taken.
    #[must_use]
    pub fn take(&self) -> Vec<Record> {
        std::mem::take(&mut *self.lock())
    }

    /// From now on commits fail, or succeed again.
    pub fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::SeqCst);
    }

    /// From now on commits of so many records or more fail, as where little room is left on a disk; 0 ends that.
    pub fn fail_from(&self, records: usize) {
        self.too_many.store(records, Ordering::SeqCst);
    }

    /// When it was told last to go on in a new file, if it was: it has none.
    #[must_use]
    pub fn rotation(&self) -> Option<AuditRotation> {
        *self.rotation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        Box::pin(async move {
            let too_many = self.too_many.load(Ordering::SeqCst);
            let is_too_long = too_many > 0 && records.len() >= too_many;
            if is_too_long || self.failing.load(Ordering::SeqCst) {
                return Err(JournalError { detail: "it is made to fail".to_owned() });
            }
            self.lock().extend_from_slice(&records);
            Ok(records)
        })
    }
    fn rotate_by(&self, rotation: AuditRotation) {
        *self.rotation.lock().unwrap_or_else(PoisonError::into_inner) = Some(rotation);
    }
}

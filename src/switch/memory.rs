//! A switchboard in memory: for simulations, in which nobody types.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::{Request, Switchboard, WAITING_MAX};

/// Keeps requests until they are taken.
#[derive(Debug, Default)]
pub struct MemorySwitchboard {
    waiting: Mutex<Vec<Request>>,
    added: AtomicU64,
    refused: Mutex<Vec<(Request, String)>>,
    changed: Notify,
}

impl MemorySwitchboard {
    /// One at which nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many requests were handed over.
    #[must_use]
    pub fn added(&self) -> u64 {
        self.added.load(Ordering::Relaxed)
    }

    /// Hands a request over.
    pub fn add(&self, request: Request) {
        lock(&self.waiting).push(request);
        self.added.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// What could not be followed, and why.
    #[must_use]
    pub fn all_refused(&self) -> Vec<(Request, String)> {
        lock(&self.refused).clone()
    }
}

impl Switchboard for MemorySwitchboard {
    fn waiting(&self) -> BoxFuture<'_, Vec<Request>> {
        Box::pin(async { lock(&self.waiting).iter().take(WAITING_MAX).cloned().collect() })
    }

    fn taken(&self, request: &Request) -> BoxFuture<'_, ()> {
        lock(&self.waiting).retain(|other| other.id != request.id);
        Box::pin(async {})
    }

    fn refused(&self, request: &Request, why: String) -> BoxFuture<'_, ()> {
        lock(&self.waiting).retain(|other| other.id != request.id);
        lock(&self.refused).push((request.clone(), why));
        Box::pin(async {})
    }

    fn wait(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.changed.notified())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

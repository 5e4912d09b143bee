//! One life of the daemon: it may end at any point at which it waits for something.
//!
//! Whatever the daemon waits for, it waits for through a port, and each port comes by here before and
//! after. At the point that was drawn the life ends. Where it ends by a crash nobody comes back from there,
//! and whoever drives the simulation drops the daemon as it stands; where it is told to end, it goes on
//! from there as it likes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// How a life ends at its last point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Crash,
    /// In order: the daemon is told to.
    Told,
}

/// Counts the points of a life.
#[derive(Debug)]
pub(super) struct Lifeline {
    passed: AtomicU64,
    fatal: u64,
    ending: Ending,
    dead: AtomicBool,
    died: Notify,
    told: Notify,
}

impl Lifeline {
    /// A life that ends at its point of that number; at none, where there is no such number.
    pub(super) fn new(fatal: Option<u64>, ending: Ending) -> Self {
        Self {
            passed: AtomicU64::new(0),
            fatal: fatal.unwrap_or(u64::MAX),
            ending,
            dead: AtomicBool::new(false),
            died: Notify::new(),
            told: Notify::new(),
        }
    }

    /// Passes a point, if the life goes on.
    pub(super) async fn point(&self) {
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }

    /// Passes a point without waiting: whether the life is over.
    pub(super) fn is_over(&self) -> bool {
        let passed = self.passed.fetch_add(1, Ordering::Relaxed);
        match self.ending {
            _ if passed != self.fatal => {}
            Ending::Told => self.told.notify_one(),
            Ending::Crash => {
                self.dead.store(true, Ordering::Relaxed);
                self.died.notify_one();
            }
        }
        self.is_dead()
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Ends when the life does by a crash.
    pub(super) async fn died(&self) {
        if !self.is_dead() {
            self.died.notified().await;
        }
    }

    /// Ends when the daemon is told to end.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }
}

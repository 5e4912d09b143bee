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
    /// After so many points of the disk more: between the next write and its sync most is in doubt.
    CrashAtDisk(u64),
    /// In order: the daemon is told to.
    Told,
}

/// Counts the points of a life.
#[derive(Debug)]
pub(super) struct Lifeline {
    passed: AtomicU64,
    fatal: u64,
    ending: Ending,
    at_disk: AtomicU64,
    ended: AtomicBool,
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
            at_disk: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            died: Notify::new(),
            told: Notify::new(),
        }
    }

    /// Passes a point, if the life goes on.
    pub(super) async fn point(&self) {
        if self.pass(false) {
            std::future::pending::<()>().await;
        }
    }

    /// Passes a point of the disk, without waiting: whether the life is over.
    pub(super) fn is_over(&self) -> bool {
        self.pass(true)
    }

    fn pass(&self, at_disk: bool) -> bool {
        let is_early = self.passed.fetch_add(1, Ordering::Relaxed) < self.fatal;
        let waits = match self.ending {
            Ending::CrashAtDisk(more) if !is_early => {
                !at_disk || self.at_disk.fetch_add(1, Ordering::Relaxed) < more
            }
            _ => is_early,
        };
        if waits || self.ended.swap(true, Ordering::Relaxed) {
            return self.is_dead();
        }
        match self.ending {
            Ending::Told => self.told.notify_one(),
            Ending::Crash | Ending::CrashAtDisk(_) => {
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

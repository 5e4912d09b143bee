//! What the loop tells whoever supervises the program: that work has begun, what it is at, that it makes
//! progress, and that it ends. What progress is, is said in `pulse`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;

use super::Ledger;
use super::vitals::Vitals;
use crate::clock::Clock;
use crate::supervise::{Notice, Supervisor};

/// How soon it is looked again whether there is progress, where there was none: half of the supervisor's
/// patience is over by then.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// The loop's side of a supervisor.
#[derive(Debug)]
pub(super) struct Overseer {
    supervisor: Option<Arc<dyn Supervisor>>,
    clock: Arc<dyn Clock>,
    /// When the next sign of progress is due, by the monotonic clock.
    next: Mutex<SignedDuration>,
    /// What it was told last that the program is at.
    status: Mutex<Option<String>>,
    is_ready: AtomicBool,
    is_stuck: AtomicBool,
}

impl Overseer {
    pub(super) fn new(supervisor: Option<Arc<dyn Supervisor>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            supervisor,
            clock,
            next: Mutex::default(),
            status: Mutex::default(),
            is_ready: AtomicBool::new(false),
            is_stuck: AtomicBool::new(false),
        }
    }

    /// How often it wants a sign of progress, if it does.
    fn every(&self) -> Option<SignedDuration> {
        let patience = self.supervisor.as_ref()?.patience()?;
        Some((patience / 2).max(SignedDuration::from_millis(1)))
    }

    /// Once a sign of progress is due.
    pub(super) async fn is_due(&self) {
        if self.every().is_none() {
            return std::future::pending().await;
        }
        let next = *lock(&self.next);
        self.clock.sleep(next - self.clock.monotonic()).await;
    }

    /// Gives a sign of progress, if there is any.
    pub(super) fn sign(&self, vitals: &Vitals, ledger: &Ledger) {
        let (Some(supervisor), Some(every)) = (&self.supervisor, self.every()) else { return };
        let now = self.clock.monotonic();
        let stuck = vitals.pulse.stuck(ledger.commits(), now);
        let was_stuck = self.is_stuck.swap(stuck.is_some(), Ordering::Relaxed);
        let wait = match stuck {
            None => {
                supervisor.tell(Notice::Alive);
                every
            }
            Some(part) => {
                if !was_stuck {
                    tracing::error!("{part} makes no progress: the watchdog is not told otherwise");
                }
                every.min(LOOK_AGAIN)
            }
        };
        *lock(&self.next) = now.saturating_add(wait);
    }

    /// Says what the program is at, and that it does its work once it does.
    pub(super) fn tell(&self, vitals: &Vitals, held: usize) {
        let Some(supervisor) = &self.supervisor else { return };
        if vitals.lock().has_begun && !self.is_ready.swap(true, Ordering::Relaxed) {
            supervisor.tell(Notice::Ready);
        }
        let Some(status) = vitals.in_words(held) else { return };
        let mut told = lock(&self.status);
        if told.as_ref() != Some(&status) {
            supervisor.tell(Notice::Status(status.clone()));
            *told = Some(status);
        }
    }

    /// Says that a policy was read, whatever came of it.
    pub(super) fn has_reloaded(&self) {
        self.say(Notice::Ready);
    }

    /// Says that the end has begun.
    pub(super) fn ends(&self) {
        self.say(Notice::Stopping);
    }

    fn say(&self, notice: Notice) {
        if let Some(supervisor) = &self.supervisor {
            supervisor.tell(notice);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

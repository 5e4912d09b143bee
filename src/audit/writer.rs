//! Makes records durable: one thread owns the file, and one sync serves everybody who waits.
//!
//! A commit is answered `Ok` only after the bytes of its records have been written and synced. When
//! either fails, everybody in that group is told so, the file is cut back to what is known to be
//! durable, and the next commit first opens and examines it anew. So the log recovers when the disk
//! does, without a restart, and never holds a record whose commit was reported as failed, unless
//! the file cannot even be cut; then nothing is written until it can.
//!
//! Start at [`LogWriter::open`], then read `appender`, which owns the files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::appender::{Appender, StartError};
use super::chain::Head;
use super::disk::{Disk, DiskError};
use super::echo::Echo;
use super::record::{Journal, JournalError, Record};
use crate::clock::Clock;
use crate::policy::AuditRotation;

pub use super::appender::{Beside, Opened};
pub use super::tail::Torn;

/// How many commits may wait at once. More than this means that the disk has stopped answering, and
/// to be told so is better than to wait with ever more memory.
const QUEUE_MAX: usize = 4096;

/// How many bytes one sync may serve; the rest waits for the next.
const GROUP_BYTES_MAX: usize = 8 << 20;

/// The audit log of this process. Dropping it ends its thread, after everything queued is answered.
#[derive(Debug)]
pub struct LogWriter {
    clock: Arc<dyn Clock>,
    shown: Arc<Mutex<Shown>>,
    /// Another rule for when to go on in a new file, where there is one since the log was opened.
    rotation: Arc<Mutex<Option<AuditRotation>>>,
    echo: Option<Arc<Echo>>,
    queue: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread shows of the log.
#[derive(Debug)]
struct Shown {
    head: Option<Head>,
    unrotated: Option<String>,
}

impl Shown {
    fn of(appender: &Appender) -> Self {
        Self { head: appender.head(), unrotated: appender.unrotated() }
    }
}

/// Why a log cannot be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error("another process is writing the audit log {}", path.display())]
    Locked {
        /// The log.
        path: PathBuf,
    },
    /// It is damaged other than at its very end.
    #[error(
        "the audit log {} is broken at line {line}: {what}; look at it with `lightsout audit \
         verify`, then move it away, and any older files beside it, to begin a new one",
        path.display()
    )]
    Broken {
        /// The log.
        path: PathBuf,
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The operating system refused.
    #[error("cannot {attempt}, the audit log {}", path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// What was attempted.
        attempt: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl LogWriter {
    /// Opens the log whose current file is at `path`, creating it and its directory where they are
    /// missing. A torn last line is cut, which is recorded first.
    ///
    /// # Errors
    ///
    /// When it is written by another process, broken before its last line, or cannot be written.
    pub fn open(
        path: &Path,
        rotation: AuditRotation,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Opened), OpenError> {
        Self::open_beside(path, rotation, clock, Beside { show: &mut |_| {}, echo: None })
    }

    /// The same, and others learn what it says.
    ///
    /// # Errors
    ///
    /// As [`LogWriter::open`].
    pub fn open_beside(
        path: &Path,
        rotation: AuditRotation,
        clock: Arc<dyn Clock>,
        beside: Beside<'_>,
    ) -> Result<(Self, Opened), OpenError> {
        let echo = beside.echo.clone();
        let io = |attempt, source| OpenError::Io { path: path.to_owned(), attempt, source };
        let disk = Disk::open(path).map_err(|error| match error {
            DiskError::Locked => OpenError::Locked { path: path.to_owned() },
            DiskError::Io(attempt, source) => io(attempt, source),
        })?;
        let files = disk.files().clone();
        let opened = Appender::open(Box::new(disk), rotation, &*clock, beside);
        let (appender, opened) = opened.map_err(|error| match error {
            StartError::Io(attempt, source) => io(attempt, source),
            StartError::Broken { file, line, what } => {
                OpenError::Broken { path: files.path(file), line, what }
            }
        })?;
        let log = Self::start(appender, clock, echo);
        Ok((log.map_err(|source| io("start a thread for", source))?, opened))
    }

    fn start(
        appender: Appender,
        clock: Arc<dyn Clock>,
        echo: Option<Arc<Echo>>,
    ) -> io::Result<Self> {
        let (queue, requests) = sync_channel(QUEUE_MAX);
        let shown = Arc::new(Mutex::new(Shown::of(&appender)));
        let rotation = Arc::default();
        let theirs = (Arc::clone(&shown), Arc::clone(&rotation));
        let thread = std::thread::Builder::new()
            .name("audit-log".to_owned())
            .spawn(move || serve(appender, &requests, &theirs.0, &theirs.1))?;
        Ok(Self { clock, shown, rotation, echo, queue: Some(queue), thread: Some(thread) })
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        lock(&self.shown)
    }

    fn enqueue(&self, request: Request) -> Result<(), JournalError> {
        let Some(queue) = &self.queue else { return Err(ended()) };
        queue.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => {
                JournalError { detail: format!("{QUEUE_MAX} commits are waiting for the disk") }
            }
            TrySendError::Disconnected(_) => ended(),
        })
    }
}

impl Journal for LogWriter {
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        Box::pin(async move {
            let _hold = self.clock.hold("journal");
            let (answer, answered) = oneshot::channel();
            self.enqueue(Request { records, answer })?;
            answered.await.unwrap_or_else(|_| Err(ended()))
        })
    }

    fn head(&self) -> Option<Head> {
        self.shown().head
    }

    fn rotate_by(&self, rotation: AuditRotation) {
        *lock(&self.rotation) = Some(rotation);
    }

    fn unrotated(&self) -> Option<String> {
        self.shown().unrotated.clone()
    }

    fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn lines_lost(&self) -> u64 {
        self.echo.as_ref().map_or(0, |echo| echo.lost())
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has already been printed, and whoever waited was told.
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended() -> JournalError {
    JournalError { detail: "its thread has ended".to_owned() }
}

#[derive(Debug)]
struct Request {
    records: Vec<Record>,
    answer: oneshot::Sender<Result<Vec<Record>, JournalError>>,
}

/// The thread: gathers what is queued, commits it as one, answers everybody, and goes on in a new
/// file when it is time to.
fn serve(
    mut appender: Appender,
    requests: &Receiver<Request>,
    shown: &Mutex<Shown>,
    rotation: &Mutex<Option<AuditRotation>>,
) {
    let show = |appender: &Appender| *lock(shown) = Shown::of(appender);
    let mut waiting = Vec::new();
    while let Ok(first) = requests.recv() {
        let mut group = appender.group();
        let mut next = Some(first);
        while let Some(Request { records, answer }) = next {
            match group.push(&records) {
                Ok(()) => waiting.push((answer, records)),
                // Whoever has stopped waiting has nothing to be told.
                Err(error) => drop(answer.send(Err(error))),
            }
            next = if group.len() < GROUP_BYTES_MAX { requests.try_recv().ok() } else { None };
        }
        let result = appender.commit(group, waiting.iter().flat_map(|(_, records)| records));
        show(&appender);
        for (answer, records) in waiting.drain(..) {
            drop(answer.send(result.clone().map(|()| records)));
        }
        if let Some(rotation) = lock(rotation).take() {
            appender.rotate_by(rotation);
        }
        appender.rotate_if_due();
        show(&appender);
        appender.shrink(GROUP_BYTES_MAX);
    }
    appender.tell_head();
}

#[cfg(test)]
mod tests;

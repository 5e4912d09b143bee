//! Makes records durable: one thread owns the file, and one sync serves everybody who waits.
//!
//! A commit is answered `Ok` only after the bytes of its records have been written and synced. When
//! either fails, everybody in that group is told so, the file is cut back to what is known to be
//! durable, and the next commit first opens and examines it anew. So the log recovers when the disk
//! does, without a restart, and never holds a record whose commit was reported as failed, unless
//! the file cannot even be cut; then nothing is written until it can.
//!
//! Start at [`LogWriter::open`], then `Appender::commit`.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::chain::{Chain, Hash, Head};
use super::disk::{Disk, DiskError, Storage};
use super::record::{Data, Journal, JournalError, Kind, ReasonData, Record};
use super::tail::{self, End, TailError};
use crate::clock::Clock;

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
    queue: Option<SyncSender<Request>>,
    head: Arc<Mutex<Option<Head>>>,
    thread: Option<JoinHandle<()>>,
}

/// What was found when a log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// How many records it holds, which is the sequence number of the last; 0 in a new log.
    pub records: u64,
    /// The hash of the last record.
    pub hash: Hash,
    /// What was cut from its end. A `log.repaired` record that says so is among `records`.
    pub repaired: Option<Torn>,
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
         verify`, then move it away to begin a new one",
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
    /// Opens the log at `path`, creating it and its directory where they are missing. A torn last
    /// line is cut, which is recorded first.
    ///
    /// # Errors
    ///
    /// When it is written by another process, broken before its last line, or cannot be written.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<(Self, Opened), OpenError> {
        let io = |attempt, source| OpenError::Io { path: path.to_owned(), attempt, source };
        let disk = Disk::open(path).map_err(|error| match error {
            DiskError::Locked => OpenError::Locked { path: path.to_owned() },
            DiskError::Io(attempt, source) => io(attempt, source),
        })?;
        Self::start(Box::new(disk), clock).map_err(|error| match error {
            StartError::Tail(TailError::Io(source)) => io("read", source),
            StartError::Tail(TailError::Broken { offset, what }) => match line_at(path, offset) {
                Ok(line) => OpenError::Broken { path: path.to_owned(), line, what },
                Err(source) => io("read", source),
            },
            StartError::Repair(source) => io("repair the end of", source),
            StartError::Thread(source) => io("start a thread for", source),
        })
    }

    fn start(
        mut storage: Box<dyn Storage>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Opened), StartError> {
        let End { chain, len, torn } = tail::find(&mut *storage).map_err(StartError::Tail)?;
        let mut appender = Appender { storage, chain, len, doubtful: false };
        if let Some(torn) = torn {
            appender.repair(torn, &*clock).map_err(StartError::Repair)?;
        }
        let Chain { sequence: records, hash, .. } = appender.chain;
        let opened = Opened { records, hash, repaired: torn };
        let (queue, requests) = sync_channel(QUEUE_MAX);
        let head = Arc::new(Mutex::new(None));
        let told = Arc::clone(&head);
        let thread = std::thread::Builder::new()
            .name("audit-log".to_owned())
            .spawn(move || serve(appender, &requests, &told))
            .map_err(StartError::Thread)?;
        Ok((Self { clock, queue: Some(queue), head, thread: Some(thread) }, opened))
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
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
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

fn ended() -> JournalError {
    JournalError { detail: "its thread has ended".to_owned() }
}

#[derive(Debug)]
enum StartError {
    Tail(TailError),
    Repair(io::Error),
    Thread(io::Error),
}

#[derive(Debug)]
struct Request {
    records: Vec<Record>,
    answer: oneshot::Sender<Result<Vec<Record>, JournalError>>,
}

/// The thread: gathers what is queued, commits it as one, answers everybody.
fn serve(mut appender: Appender, requests: &Receiver<Request>, head: &Mutex<Option<Head>>) {
    let mut bytes = Vec::new();
    let mut waiting = Vec::new();
    while let Ok(first) = requests.recv() {
        bytes.clear();
        let mut chain = appender.chain.clone();
        let mut next = Some(first);
        while let Some(Request { records, answer }) = next {
            match encode(&records, &mut chain, &mut bytes) {
                Ok(()) => waiting.push((answer, records)),
                // Whoever has stopped waiting has nothing to be told.
                Err(error) => drop(answer.send(Err(error))),
            }
            let has_room = bytes.len() < GROUP_BYTES_MAX;
            next = if has_room { requests.try_recv().ok() } else { None };
        }
        let mut newest = waiting.iter().rev();
        let last = newest.find_map(|(_, records): &(_, Vec<Record>)| records.last());
        let last = last.map(|record| record.time);
        let result = appender.commit(&bytes, chain).map_err(|error| described(&error));
        if let Some(time) = last.filter(|_| result.is_ok()) {
            let Chain { sequence, hash, .. } = appender.chain;
            let last = Some(Head { sequence, hash, time });
            *head.lock().unwrap_or_else(PoisonError::into_inner) = last;
        }
        for (answer, records) in waiting.drain(..) {
            drop(answer.send(result.clone().map(|()| records)));
        }
        bytes.shrink_to(GROUP_BYTES_MAX);
    }
}

/// Appends the lines of all `records`, or of none.
fn encode(records: &[Record], chain: &mut Chain, bytes: &mut Vec<u8>) -> Result<(), JournalError> {
    let (chain_before, len_before) = (chain.clone(), bytes.len());
    for record in records {
        if let Err(error) = chain.push(record, bytes) {
            *chain = chain_before;
            bytes.truncate(len_before);
            return Err(JournalError { detail: format!("of a {} record: {error}", record.kind) });
        }
    }
    Ok(())
}

fn described(error: &io::Error) -> JournalError {
    JournalError { detail: error.to_string() }
}

/// The file, and how much of it is known to be durable.
struct Appender {
    storage: Box<dyn Storage>,
    /// The chain up to `len`.
    chain: Chain,
    /// The length up to which everything is durable.
    len: u64,
    /// Whether something may lie behind `len`, or the handle may no longer tell the truth.
    doubtful: bool,
}

impl Appender {
    /// Makes `bytes` durable, after which the log stands at `chain`; or leaves all as it was.
    fn commit(&mut self, bytes: &[u8], chain: Chain) -> io::Result<()> {
        if self.doubtful {
            self.recover()?;
        }
        if bytes.is_empty() {
            return Ok(());
        }
        self.require_unchanged()?;
        self.doubtful = true;
        let written = self.storage.append(bytes).and_then(|()| self.storage.sync());
        if let Err(error) = written {
            // What was reported as failed should not be found by a reader either. Where even this
            // fails, `recover` tries again before anything else is written.
            let _ = self.storage.cut(self.len);
            return Err(error);
        }
        self.doubtful = false;
        self.len += bytes.len() as u64;
        self.chain = chain;
        Ok(())
    }

    /// Brings the file back to what is known to be durable, and makes sure that it is so.
    fn recover(&mut self) -> io::Result<()> {
        self.storage.reopen()?;
        let len = self.storage.len()?;
        if len < self.len {
            return Err(changed(len, self.len));
        }
        self.storage.cut(self.len)?;
        self.storage.sync()?;
        let end = tail::find(&mut *self.storage).map_err(|error| match error {
            TailError::Io(error) => error,
            TailError::Broken { what, .. } => io::Error::other(format!("its end: {what}")),
        })?;
        if end != (End { chain: self.chain.clone(), len: self.len, torn: None }) {
            return Err(io::Error::other("its end is not what was written to it"));
        }
        self.doubtful = false;
        Ok(())
    }

    /// Refuses to continue a file that somebody else cut or added to: the chain would break.
    fn require_unchanged(&mut self) -> io::Result<()> {
        let len = self.storage.len()?;
        if len == self.len { Ok(()) } else { Err(changed(len, self.len)) }
    }

    /// Cuts what is torn, and records that as the first thing.
    fn repair(&mut self, torn: Torn, clock: &dyn Clock) -> io::Result<()> {
        self.storage.cut(self.len)?;
        let mut chain = self.chain.clone();
        let mut bytes = Vec::new();
        chain.push(&repaired(torn, clock), &mut bytes).map_err(io::Error::other)?;
        self.commit(&bytes, chain)
    }
}

fn changed(found: u64, expected: u64) -> io::Error {
    io::Error::other(format!(
        "something else changed it: it has {found} bytes where {expected} were written"
    ))
}

fn repaired(torn: Torn, clock: &dyn Clock) -> Record {
    let Torn { bytes, sha256 } = torn;
    let reason = ReasonData {
        code: "torn_line".to_owned(),
        values: [("bytes", bytes.to_string()), ("sha256", sha256.to_string())]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        text: format!("the last line was torn: {bytes} bytes were cut"),
        alarm: false,
    };
    let data = Data { reason: Some(reason), ..Data::default() };
    Record { time: clock.now(), kind: Kind::LogRepaired, subject: String::new(), data }
}

/// The number of the line that begins at `offset`.
fn line_at(path: &Path, offset: u64) -> io::Result<u64> {
    let mut file = std::fs::File::open(path)?.take(offset);
    let mut buffer = vec![0; 64 * 1024];
    let mut line = 1;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(line);
        }
        line += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
    }
}

#[cfg(test)]
mod tests;

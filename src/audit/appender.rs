//! The one writer of a log's files: what was committed is durable, what failed is not there.
//!
//! When a write or its sync fails, the file is cut back to what is known to be durable, and the next
//! commit first opens and examines it anew. Start at [`Appender::open`], then [`Appender::commit`];
//! `rotation` goes on in a new file.

mod rotation;

use std::fmt;
use std::io;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::chain::{Chain, Hash, Head};
use super::disk::Storage;
use super::echo::Echo;
use super::files::LogFile;
use super::recall::{self, Current, Recalled};
use super::record::{Data, JournalError, Kind, ReasonData, Record};
use super::replay::Replay;
use super::tail::{self, End, TailError, Torn};
use crate::clock::Clock;
use crate::policy::AuditRotation;

/// What was found when a log was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The sequence number of the last record; 0 in a new log.
    pub records: u64,
    /// The hash of the last record.
    pub hash: Hash,
    /// What was cut from its end. A `log.repaired` record that says so is among `records`.
    pub repaired: Option<Torn>,
    /// Whether the newest file was gone. A pause for it is among `records`.
    pub is_rolled_back: bool,
    /// What the log says of the past.
    pub past: Replay,
}

/// Who learns what a log says besides the one who opens it.
pub struct Beside<'a> {
    /// Is shown each record of the past, as far as it is read.
    pub show: &'a mut dyn FnMut(&Record),
    /// Is told each line once it is durable.
    pub echo: Option<Arc<Echo>>,
}

/// Why a log cannot be continued.
#[derive(Debug)]
pub(crate) enum StartError {
    /// What was attempted, and what the operating system said.
    Io(&'static str, io::Error),
    /// A line of a file is broken, and not because the log was torn there.
    Broken {
        /// The file.
        file: LogFile,
        /// The number of the line in it, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(attempt, error) => write!(f, "cannot {attempt}, the audit log: {error}"),
            Self::Broken { file, line, what } => {
                write!(f, "the audit log is broken in {file:?} at line {line}: {what}")
            }
        }
    }
}

impl std::error::Error for StartError {}

/// Lines that are to become durable together.
#[derive(Debug)]
pub(super) struct Group {
    bytes: Vec<u8>,
    chain: Chain,
}

impl Group {
    /// How many bytes there are so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the lines of all `records`, or of none.
    pub(super) fn push(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let (chain_before, len_before) = (self.chain.clone(), self.bytes.len());
        for record in records {
            if let Err(error) = self.chain.push(record, &mut self.bytes) {
                self.chain = chain_before;
                self.bytes.truncate(len_before);
                let detail = format!("of a {} record: {error}", record.kind);
                return Err(JournalError { detail });
            }
        }
        Ok(())
    }
}

/// How often the head of the log is told to the debug log while there is something new.
const HEAD_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// The log, and how much of its current file is known to be durable.
#[derive(Debug)]
pub(super) struct Appender {
    storage: Box<dyn Storage>,
    rotation: AuditRotation,
    /// The chain up to `len`.
    chain: Chain,
    /// The length up to which everything in the current file is durable.
    len: u64,
    /// Whether something may lie behind `len`, or the handle may no longer tell the truth.
    doubtful: bool,
    /// Whether a rotation broke off after it began to change names.
    unsettled: bool,
    /// Where the current file begins.
    current: Current,
    /// When a rotation failed, and why, if the last one did.
    rotation_failed: Option<(Timestamp, String)>,
    /// When the head was told last.
    told: Option<Timestamp>,
    /// What everything up to `len` says.
    past: Replay,
    /// Given back by each commit, for the next.
    buffer: Vec<u8>,
    /// Who is told each line that is durable.
    echo: Option<Arc<Echo>>,
}

impl Appender {
    /// Opens the log in `storage`, which may be empty. A torn last line is cut, which is recorded
    /// first. Each record that is read on the way goes to `beside`, too.
    pub(super) fn open(
        mut storage: Box<dyn Storage>,
        rotation: AuditRotation,
        clock: &dyn Clock,
        beside: Beside<'_>,
    ) -> Result<(Self, Opened), StartError> {
        let Recalled { past, current, end, is_rolled_back } =
            recall::recall(&mut *storage, beside.show)?;
        let End { chain, len, torn } = end;
        let mut appender = Self {
            storage,
            rotation,
            chain,
            len,
            // A process before this one may not have lived to make durable what is read here.
            doubtful: true,
            unsettled: false,
            current,
            rotation_failed: None,
            told: None,
            past,
            buffer: Vec::new(),
            echo: beside.echo,
        };
        if let Some(torn) = torn {
            if torn.has_hole {
                recall::set_aside(&mut *appender.storage, appender.len);
            }
            let repaired = appender.put(&[repaired(torn, clock)]);
            repaired.map_err(|error| StartError::Io("repair the end of", error))?;
        }
        if is_rolled_back {
            let note = "the newest file of the audit log is lost";
            let told = [rolled_back(appender.chain.sequence, clock), paused(note, clock.now())];
            let told = appender.put(&told);
            told.map_err(|error| StartError::Io("go on in", error))?;
        }
        let Chain { sequence: records, hash, .. } = appender.chain;
        let past = appender.past.clone();
        let opened = Opened { records, hash, repaired: torn, is_rolled_back, past };
        Ok((appender, opened))
    }

    /// The lines that come next.
    pub(super) fn group(&mut self) -> Group {
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.clear();
        Group { bytes, chain: self.chain.clone() }
    }

    /// Makes a group durable, which has the lines of `records`; or leaves all as it was.
    pub(super) fn commit<'a>(
        &mut self,
        group: Group,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<(), JournalError> {
        let written = self.write(&group.bytes, group.chain);
        self.buffer = group.bytes;
        written.map_err(|error| JournalError { detail: error.to_string() })?;
        self.echo(&self.buffer);
        for record in records {
            self.past.apply(record);
            self.current.since = self.current.since.or(Some(record.time));
            self.current.last = Some(record.time);
        }
        self.tell_head_at_times();
        Ok(())
    }

    fn echo(&self, lines: &[u8]) {
        if let Some(echo) = &self.echo {
            echo.say(lines);
        }
    }

    /// The last record that is durable.
    pub(super) fn head(&self) -> Option<Head> {
        let Chain { sequence, hash, .. } = self.chain;
        self.current.last.map(|time| Head { sequence, hash, time })
    }

    /// Why the last rotation failed, if it did.
    pub(super) fn unrotated(&self) -> Option<String> {
        self.rotation_failed.as_ref().map(|(at, why)| format!("since {at}: {why}"))
    }

    /// Tells the debug log where the log stands: whoever keeps that can show later that nothing was cut
    /// from its end.
    pub(super) fn tell_head(&mut self) {
        if let Some(Head { sequence, hash, time }) = self.head() {
            tracing::info!(sequence, %hash, "the head of the audit log");
            self.told = Some(time);
        }
    }

    fn tell_head_at_times(&mut self) {
        let since = self.told.zip(self.current.last).map(|(told, now)| told.duration_until(now));
        if since.is_none_or(|since| since.abs() >= HEAD_EVERY) {
            self.tell_head();
        }
    }

    /// Lets go of memory that a large group took.
    pub(super) fn shrink(&mut self, bytes_max: usize) {
        self.buffer.clear();
        self.buffer.shrink_to(bytes_max);
    }

    fn write(&mut self, bytes: &[u8], chain: Chain) -> io::Result<()> {
        if self.doubtful {
            self.recover()?;
        }
        self.require_unchanged()?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.doubtful = true;
        let appended = self.storage.append(LogFile::Current, bytes);
        let written = appended.and_then(|()| self.storage.sync(LogFile::Current));
        if let Err(error) = written {
            // What was reported as failed should not be found by a reader either. Where even this
            // fails, `recover` tries again before anything else is written.
            let _ = self.storage.cut(LogFile::Current, self.len);
            return Err(error);
        }
        self.doubtful = false;
        self.len += bytes.len() as u64;
        self.chain = chain;
        Ok(())
    }

    /// Brings the file back to what is known to be durable, and makes sure that it is so.
    fn recover(&mut self) -> io::Result<()> {
        if self.unsettled {
            self.undo_rotation()?;
        }
        self.storage.reopen()?;
        let len = self.storage.len(LogFile::Current)?;
        if len < self.len {
            return Err(changed(len, self.len));
        }
        self.storage.cut(LogFile::Current, self.len)?;
        self.storage.sync(LogFile::Current)?;
        let end =
            tail::find(&mut *self.storage, LogFile::Current).map_err(|error| match error {
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
        let len = self.storage.len(LogFile::Current)?;
        if len == self.len { Ok(()) } else { Err(changed(len, self.len)) }
    }

    /// Records what was found at the start, as the first thing.
    fn put(&mut self, records: &[Record]) -> io::Result<()> {
        let mut group = self.group();
        group.push(records).map_err(io::Error::other)?;
        self.commit(group, records).map_err(|error| io::Error::other(error.detail))
    }
}

fn changed(found: u64, expected: u64) -> io::Error {
    io::Error::other(format!(
        "something else changed it: it has {found} bytes where {expected} were written"
    ))
}

/// A pause that nobody asked for: what is lost of the log may have been one, or a brake that held. On doubt nothing
/// is done, for a day or until somebody says otherwise.
#[must_use]
pub fn paused(why: &str, now: Timestamp) -> Record {
    const PAUSED_FOR: SignedDuration = SignedDuration::from_hours(24);
    let until = now.checked_add(PAUSED_FOR).unwrap_or(Timestamp::MAX);
    let (who, note) = (Some("lightsout".to_owned()), Some(why.to_owned()));
    let data = Data { who, until: Some(until), note, ..Data::default() };
    Record { time: now, kind: Kind::DaemonPaused, subject: String::new(), data }
}

fn repaired(torn: Torn, clock: &dyn Clock) -> Record {
    let Torn { bytes, sha256, has_hole } = torn;
    let text = if has_hole {
        format!(
            "there was a hole in the last {bytes} bytes, which were cut: a power failure leaves one"
        )
    } else {
        format!("the last line was torn: {bytes} bytes were cut")
    };
    let reason = ReasonData {
        code: "torn_line".to_owned(),
        values: [("bytes", bytes.to_string()), ("sha256", sha256.to_string())]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        text,
        alarm: has_hole,
    };
    log_repaired(reason, clock)
}

fn rolled_back(last: u64, clock: &dyn Clock) -> Record {
    let reason = ReasonData {
        code: "newest_file_lost".to_owned(),
        values: [("last".to_owned(), last.to_string())].into(),
        text: format!(
            "the newest file was gone, or had lost its beginning: the log goes on after record {last}, \
             and what came after it is lost"
        ),
        alarm: true,
    };
    tracing::error!(last, "the newest file of the audit log was gone, or had lost its beginning");
    log_repaired(reason, clock)
}

fn log_repaired(reason: ReasonData, clock: &dyn Clock) -> Record {
    let data = Data { reason: Some(reason), ..Data::default() };
    Record { time: clock.now(), kind: Kind::LogRepaired, subject: String::new(), data }
}

#[cfg(test)]
mod tests;

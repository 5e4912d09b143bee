//! What a log's files say, read through the storage that the writer has.
//!
//! A start needs the newest file alone where that begins with a whole checkpoint, so it takes no
//! longer the longer the log is. Where it does not, the file before it is read too, and so on. What
//! is read is verified. Start at [`recall`].

use std::io::{self, Read as _};

use jiff::Timestamp;

use super::appender::StartError;
use super::chain::{self, Chain, Hash, Line, LineError};
use super::disk::Storage;
use super::files::LogFile;
use super::follow::{Break, Follower};
use super::head::Head;
use super::hole;
use super::lines::{Raw, RawLines, StoredFile};
use super::record::{Kind, Record};
use super::replay::Replay;
use super::tail::{self, End, TailError};

/// Where a log stands, and what it says.
#[derive(Debug)]
pub(super) struct Recalled {
    /// What it says of the past.
    pub(super) past: Replay,
    /// The current file.
    pub(super) current: Current,
    /// The end of the current file.
    pub(super) end: End,
    /// Whether the file that was written last is gone, or has lost what it began with.
    pub(super) is_rolled_back: bool,
}

/// The file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Current {
    /// The number of its first record.
    pub(super) first: u64,
    /// When that happened.
    pub(super) since: Option<Timestamp>,
    /// How many bytes the checkpoint at its head has.
    pub(super) head_len: u64,
    /// When the last record of the log happened.
    pub(super) last: Option<Timestamp>,
}

/// Reads and verifies what a writer needs to go on; makes a first file where there is none, and
/// undoes what is left of a rotation. `show` is shown each record as it is read.
pub(super) fn recall(
    storage: &mut dyn Storage,
    show: &mut dyn FnMut(&Record),
) -> Result<Recalled, StartError> {
    let mut is_rolled_back = settle(storage)?;
    // What was taken in the place of a file that is gone may be no better.
    while is_rolled_back && has_older(storage)? && is_remnant(storage)? {
        is_rolled_back |= settle(storage)?;
    }
    let end = current_end(storage)?;
    let mut files = storage.files().map_err(cannot_read)?;
    files.retain(|file| *file != LogFile::Next);
    let from = where_to_begin(storage, &files)?;
    let mut follower = Follower::START;
    let mut past = Replay::default();
    let first = end.chain.sequence + 1;
    let mut current = Current { first, since: None, head_len: 0, last: None };
    for file in &files[from..] {
        let len = match file {
            LogFile::Current => end.len,
            LogFile::Older(_) | LogFile::Next => storage.len(*file).map_err(cannot_read)?,
        };
        let mut is_head = true;
        walk(storage, *file, len, &mut follower, &mut |line, bytes| {
            past.apply(&line.record);
            show(&line.record);
            is_head &= line.record.kind == Kind::LogCheckpoint;
            current.last = Some(line.record.time);
            if *file == LogFile::Current {
                current.first = current.first.min(line.sequence);
                current.since = current.since.or(current.last);
                current.head_len += if is_head { bytes.len() as u64 } else { 0 };
            }
        })?;
    }
    Ok(Recalled { past, current, end, is_rolled_back })
}

/// Undoes a rotation that did not come to its end, and removes what it left. A rotation changes no
/// record, so one that is undone loses none; it is made again when it is due. Answers whether there was none: then
/// something else took the newest file, or its beginning, and what it held is lost.
fn settle(storage: &mut dyn Storage) -> Result<bool, StartError> {
    let files = storage.files().map_err(cannot_read)?;
    let has = |file| files.contains(&file);
    let older = files.iter().rev().find(|file| matches!(file, LogFile::Older(_)));
    let has_current = has(LogFile::Current);
    let mut is_rolled_back = false;
    let settled = match older {
        Some(older) if !has_current || is_remnant(storage)? => {
            is_rolled_back = !has(LogFile::Next);
            if has_current && is_rolled_back {
                set_aside(storage, 0);
            }
            storage.rename(*older, LogFile::Current)
        }
        Some(_) => Ok(()),
        None if has_current => Ok(()),
        None if has(LogFile::Next) => storage.rename(LogFile::Next, LogFile::Current),
        None => storage.create(LogFile::Current),
    };
    // Also what a process before this one named, which ended before it could make that durable.
    let settled = settled.and_then(|()| storage.sync_names());
    settled.map_err(|error| StartError::Io("settle the files of", error))?;
    if storage.files().map_err(cannot_read)?.contains(&LogFile::Next) {
        let removed = storage.remove(LogFile::Next);
        removed.map_err(|error| StartError::Io("remove a file of", error))?;
    }
    Ok(is_rolled_back)
}

/// Keeps what is about to be cut from the current file. Where that fails, the log goes on all the same: what is off may
/// have to be started.
pub(super) fn set_aside(storage: &mut dyn Storage, offset: u64) {
    if let Err(error) = storage.set_aside(LogFile::Current, offset) {
        tracing::error!(%error, "what is cut from the audit log cannot be kept beside it");
    }
}

/// Whether the current file holds less than the checkpoint that it has to begin with, as it has older
/// ones before it.
fn is_remnant(storage: &mut dyn Storage) -> Result<bool, StartError> {
    if current_end(storage)?.len == 0 {
        return Ok(true);
    }
    Ok(match head(storage, LogFile::Current)? {
        Head::Cut => true,
        Head::Whole { .. } | Head::Broken | Head::Other => false,
    })
}

/// The index of the newest file that needs no other before it.
fn where_to_begin(storage: &mut dyn Storage, files: &[LogFile]) -> Result<usize, StartError> {
    for (index, file) in files.iter().enumerate().rev() {
        match head(storage, *file)? {
            Head::Whole { before } => {
                if index > 0 {
                    require_link(storage, files[index - 1], *file, &before)?;
                }
                return Ok(index);
            }
            Head::Cut | Head::Broken if index == 0 => {
                let what = "its checkpoint is not whole, and the file before it is missing";
                return Err(StartError::Broken { file: *file, line: 1, what: what.to_owned() });
            }
            // A file that is the first is judged line by line.
            Head::Cut | Head::Broken | Head::Other => {}
        }
    }
    Ok(0)
}

/// Requires that a file goes on where the one before it ends.
fn require_link(
    storage: &mut dyn Storage,
    previous: LogFile,
    file: LogFile,
    before: &(u64, Hash),
) -> Result<(), StartError> {
    // All that is needed of it is in the checkpoint after it, and `verify` tells what there is to tell.
    let end = match storage.len(previous).map_err(cannot_read) {
        Ok(0) => Ok(None),
        Ok(_) => end_of(storage, previous).map(Some),
        Err(error) => Err(error),
    };
    match end {
        Ok(None) => {
            tracing::error!(file = ?previous, "an older file of the audit log was emptied");
        }
        Err(StartError::Io(_, error)) => {
            tracing::error!(file = ?previous, %error, "an older file of the audit log cannot be read");
        }
        Ok(Some(End { chain: Chain { sequence, hash, .. }, torn: None, .. }))
            if (sequence, hash) == *before => {}
        Ok(Some(_)) => {
            let what = "it does not continue the file before it".to_owned();
            return Err(StartError::Broken { file, line: 1, what });
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn head(storage: &mut dyn Storage, file: LogFile) -> Result<Head, StartError> {
    let len = storage.len(file).map_err(cannot_read)?;
    Head::of(StoredFile::of(storage, file, len)).map_err(cannot_read)
}

/// What the files hold, line by line.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "for the simulation of disks"))]
pub(crate) struct ReadBack {
    /// Every whole line, in the order of the chain.
    pub(crate) lines: Vec<Line>,
    /// How many bytes of the current file are no whole line.
    pub(crate) torn: u64,
}

/// Reads and verifies every line of every file, without changing any.
#[cfg_attr(not(test), expect(dead_code, reason = "for the simulation of disks"))]
pub(crate) fn read_all(storage: &mut dyn Storage) -> Result<ReadBack, StartError> {
    let (mut lines, mut torn) = (Vec::new(), 0);
    let mut follower = Follower::START;
    for file in storage.files().map_err(cannot_read)? {
        let len = match file {
            LogFile::Next => continue,
            LogFile::Older(_) => storage.len(file).map_err(cannot_read)?,
            LogFile::Current => {
                let end = current_end(storage)?;
                torn = end.torn.map_or(0, |torn| torn.bytes);
                end.len
            }
        };
        walk(storage, file, len, &mut follower, &mut |line, _| lines.push(line))?;
    }
    Ok(ReadBack { lines, torn })
}

/// Follows the chain through the first `len` bytes of a file.
fn walk(
    storage: &mut dyn Storage,
    file: LogFile,
    len: u64,
    follower: &mut Follower,
    each: &mut dyn FnMut(Line, &[u8]),
) -> Result<(), StartError> {
    let mut lines = RawLines::of(StoredFile::of(storage, file, len));
    loop {
        let line = lines.number + 1;
        let broken = |what: Break| StartError::Broken { file, line, what: what.to_string() };
        match lines.next().map_err(cannot_read)? {
            Raw::End => return Ok(()),
            Raw::TooLong => return Err(broken(Break::Line(LineError::TooLong))),
            Raw::Torn(_) => return Err(broken(Break::Line(LineError::NoHash))),
            Raw::Line(bytes) => {
                follower.follow(bytes, (line == 1).then_some(file)).map_err(broken)?;
                let read = chain::parse_line(bytes);
                each(read.map_err(|error| broken(Break::Line(error)))?, bytes);
            }
        }
    }
}

/// The end of the file that is written. The older ones were made durable before the next began.
fn current_end(storage: &mut dyn Storage) -> Result<End, StartError> {
    match hole::find(storage, LogFile::Current).map_err(cannot_read)? {
        Some(end) => Ok(end),
        None => end_of(storage, LogFile::Current),
    }
}

fn has_older(storage: &mut dyn Storage) -> Result<bool, StartError> {
    let files = storage.files().map_err(cannot_read)?;
    Ok(files.iter().any(|file| matches!(file, LogFile::Older(_))))
}

fn end_of(storage: &mut dyn Storage, file: LogFile) -> Result<End, StartError> {
    tail::find(storage, file).map_err(|error| match error {
        TailError::Io(error) => cannot_read(error),
        TailError::Broken { offset, what } => match line_at(storage, file, offset) {
            Ok(line) => StartError::Broken { file, line, what },
            Err(error) => cannot_read(error),
        },
    })
}

/// The number of the line that begins at `offset`.
fn line_at(storage: &mut dyn Storage, file: LogFile, offset: u64) -> io::Result<u64> {
    let mut bytes = StoredFile::of(storage, file, offset);
    let mut buffer = vec![0; 64 * 1024];
    let mut line = 1;
    loop {
        let read = bytes.read(&mut buffer)?;
        if read == 0 {
            return Ok(line);
        }
        line += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
    }
}

fn cannot_read(error: io::Error) -> StartError {
    StartError::Io("read", error)
}

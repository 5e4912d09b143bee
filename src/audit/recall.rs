//! What a log's files say, read through the storage that the writer has.

use std::io;

use super::appender::StartError;
use super::chain::{self, Line, LineError};
use super::disk::Storage;
use super::files::LogFile;
use super::follow::{Break, Follower};
use super::lines::{Raw, RawLines, StoredFile};
use super::replay::Replay;
use super::tail::{self, End, TailError};

/// Where a log stands, and what it says.
#[derive(Debug)]
pub(super) struct Recalled {
    /// What it says of the past.
    pub(super) past: Replay,
    /// The end of the current file.
    pub(super) end: End,
}

/// Reads and verifies what a writer needs to go on; makes a first file where there is none.
pub(super) fn recall(storage: &mut dyn Storage) -> Result<Recalled, StartError> {
    let files = storage.files().map_err(cannot_read)?;
    if !files.contains(&LogFile::Current) {
        let created = storage.create(LogFile::Current).and_then(|()| storage.sync_names());
        created.map_err(|error| StartError::Io("create", error))?;
    }
    let end = end_of(storage, LogFile::Current)?;
    let mut past = Replay::default();
    let mut follower = Follower::START;
    let mut learn = |line: Line| past.apply(&line.record);
    walk(storage, LogFile::Current, end.len, &mut follower, &mut learn)?;
    Ok(Recalled { past, end })
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
                let end = end_of(storage, file)?;
                torn = end.torn.map_or(0, |torn| torn.bytes);
                end.len
            }
        };
        walk(storage, file, len, &mut follower, &mut |line| lines.push(line))?;
    }
    Ok(ReadBack { lines, torn })
}

/// Follows the chain through the first `len` bytes of a file.
fn walk(
    storage: &mut dyn Storage,
    file: LogFile,
    len: u64,
    follower: &mut Follower,
    each: &mut dyn FnMut(Line),
) -> Result<(), StartError> {
    let mut lines = RawLines::of(StoredFile::of(storage, file, len));
    loop {
        let line = lines.number + 1;
        let broken = |what: Break| StartError::Broken { file, line, what: what.to_string() };
        match lines.next().map_err(cannot_read)? {
            Raw::End => return Ok(()),
            Raw::TooLong | Raw::Torn(_) => return Err(broken(Break::Line(LineError::TooLong))),
            Raw::Line(bytes) => {
                follower.follow(bytes).map_err(broken)?;
                each(chain::parse_line(bytes).map_err(|error| broken(Break::Line(error)))?);
            }
        }
    }
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
        let read = io::Read::read(&mut bytes, &mut buffer)?;
        if read == 0 {
            return Ok(line);
        }
        line += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
    }
}

fn cannot_read(error: io::Error) -> StartError {
    StartError::Io("read", error)
}

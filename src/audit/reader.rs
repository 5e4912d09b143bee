//! Reads a log, and verifies one, in bounded memory.
//!
//! [`read`] gives records to whoever wants to know what happened and does not check the chain;
//! [`verify`] checks every byte and gives no records. Both go through all files of a log in order;
//! a writer may go on in a new file meanwhile. A last line without its newline is torn: the writer
//! was interrupted there, or is writing at this moment. That is told apart from a broken chain,
//! which only a fault of the disk or a person makes.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::vec;

use super::chain::{self, Hash, Line, LineError};
use super::files::{LogFile, LogFiles};
use super::follow::Follower;
use super::head::Head;
use super::lines::{Raw, RawLines};

pub use super::follow::Break;

/// Why a line cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read; nothing follows.
    #[error("the audit log {} cannot be read", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// One line cannot be read; others may follow.
    #[error("line {number} of the audit log {} cannot be read", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The number of the line in it, from 1.
        number: u64,
        /// Why.
        source: LineError,
    },
    /// The last line has no end; nothing follows.
    #[error("line {number} of the audit log {} is torn after {bytes} bytes", file.display())]
    Torn {
        /// The file.
        file: PathBuf,
        /// The number of the line in it, from 1.
        number: u64,
        /// How much of it there is.
        bytes: u64,
    },
}

impl ReadError {
    /// Whether it says that there is no log.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Line { .. } | Self::Torn { .. } => false,
        }
    }
}

/// Reads the log whose current file is at `path`, all its files line by line.
///
/// # Errors
///
/// When it cannot be opened.
pub fn read(path: &Path) -> Result<Lines, ReadError> {
    let files = files(path).map_err(|source| ReadError::Io { file: path.to_owned(), source })?;
    Ok(Lines { files: files.into_iter(), open: None })
}

/// Reads as much of the log as tells what the writer knows of the past: the newest file that begins
/// with a whole checkpoint, and what follows it.
///
/// # Errors
///
/// When it cannot be opened.
pub fn read_recent(path: &Path) -> Result<Lines, ReadError> {
    let mut files =
        files(path).map_err(|source| ReadError::Io { file: path.to_owned(), source })?;
    let mut first = 0;
    for (index, file) in files.iter().enumerate().rev() {
        let head = file.open().and_then(Head::of);
        let head = head.map_err(|source| ReadError::Io { file: file.path.clone(), source })?;
        if matches!(head, Head::Whole { .. }) {
            first = index;
            break;
        }
    }
    Ok(Lines { files: files.split_off(first).into_iter(), open: None })
}

/// The lines of a log, in order.
#[derive(Debug)]
pub struct Lines {
    files: vec::IntoIter<Source>,
    open: Option<(PathBuf, RawLines<File>)>,
}

impl Lines {
    /// Ends the file that is open, and after an error all others too.
    fn end<T>(&mut self, error: ReadError) -> Option<Result<T, ReadError>> {
        self.open = None;
        self.files = Vec::new().into_iter();
        Some(Err(error))
    }
}

impl Iterator for Lines {
    type Item = Result<Line, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((file, raw)) = &mut self.open else {
                let next = self.files.next()?;
                match next.open() {
                    Ok(open) => self.open = Some((next.path, RawLines::of(open))),
                    Err(source) => return self.end(ReadError::Io { file: next.path, source }),
                }
                continue;
            };
            let (file, number) = (file.clone(), raw.number + 1);
            let is_last = self.files.as_slice().is_empty();
            let unread = |source| ReadError::Line { file: file.clone(), number, source };
            match raw.next() {
                Ok(Raw::Line(line)) => return Some(chain::parse_line(line).map_err(unread)),
                Ok(Raw::End) => self.open = None,
                Ok(Raw::Torn(bytes)) if is_last => {
                    return self.end(ReadError::Torn { file, number, bytes });
                }
                Ok(Raw::Torn(_)) => {
                    let error = unread(LineError::NoHash);
                    self.open = None;
                    return Some(Err(error));
                }
                Ok(Raw::TooLong) => {
                    let error = unread(LineError::TooLong);
                    return self.end(error);
                }
                Err(source) => return self.end(ReadError::Io { file, source }),
            }
        }
    }
}

/// A log whose chain holds from its first line to its last whole one.
///
/// A log that was cut short at its end verifies too, unless a record is asked for that was noted elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Verified {
    /// The number of the first record that is there; 1 unless older files were taken away, 0 in an
    /// empty log.
    pub begins: u64,
    /// The number of the last record; 0 in an empty log.
    pub sequence: u64,
    /// How many whole lines there are.
    pub records: u64,
    /// In how many files.
    pub files: usize,
    /// The hash of the last.
    pub head: Hash,
    /// How many bytes of a line without end follow.
    pub torn: Option<u64>,
}

/// Why a log does not verify.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be read.
    #[error("the audit log {} cannot be read", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Its chain is broken.
    #[error("the audit log {} is broken at line {line}: {what}", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// The number of the line in it, from 1.
        line: u64,
        /// What is wrong with it.
        what: Break,
    },
    /// The chain holds, and is not the one of which a record was noted.
    #[error(
        "record {noted} is there with another hash than was noted: the log was cut before it and written on, or \
         replaced"
    )]
    Another {
        /// The number of the record.
        noted: u64,
    },
    /// The chain ends before a record that was noted.
    #[error(
        "the log ends at record {ends}, and record {noted} was noted: its end was cut off, or replaced"
    )]
    Short {
        /// The number of the record.
        noted: u64,
        /// The number of the last.
        ends: u64,
    },
    /// The chain begins after a record that was noted.
    #[error("the log begins at record {begins}: record {noted} is in files that are not here")]
    Earlier {
        /// The number of the record.
        noted: u64,
        /// The number of the first.
        begins: u64,
    },
}

/// A record of which the number and the hash were noted elsewhere: what the daemon told of its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// Its number.
    pub sequence: u64,
    /// Its hash.
    pub hash: Hash,
}

impl FromStr for Noted {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(':').and_then(|(sequence, hash)| {
            let sequence = sequence.parse().ok().filter(|sequence| *sequence > 0)?;
            Some(Self { sequence, hash: Hash::of_digits(hash)? })
        });
        parsed
            .ok_or("write the number of a record, a colon and its hash of 64 digits: 4711:0a1b...")
    }
}

/// Checks every byte of the log whose current file is at `path`, in all its files.
///
/// # Errors
///
/// When it cannot be read, or at the first line that breaks the chain.
pub fn verify(path: &Path) -> Result<Verified, VerifyError> {
    verify_noted(path, &[])
}

/// The same, and that it has the records that were noted.
///
/// # Errors
///
/// As [`verify`]; and where a record is not there that was noted, or has another hash.
pub fn verify_noted(path: &Path, noted: &[Noted]) -> Result<Verified, VerifyError> {
    let files = files(path).map_err(|source| VerifyError::Io { file: path.to_owned(), source })?;
    let verified = verify_files(&files, noted)?;
    let Verified { begins, sequence: ends, .. } = verified;
    for &Noted { sequence: noted, .. } in noted {
        if noted > ends {
            return Err(VerifyError::Short { noted, ends });
        }
        if noted < begins {
            return Err(VerifyError::Earlier { noted, begins });
        }
    }
    Ok(verified)
}

/// Checks every byte of one file, wherever in a chain it begins.
///
/// # Errors
///
/// When it cannot be read, or at the first line that breaks the chain.
pub fn verify_file(path: &Path) -> Result<Verified, VerifyError> {
    verify_files(&[Source { file: LogFile::Current, path: path.to_owned(), open: None }], &[])
}

fn verify_files(files: &[Source], noted: &[Noted]) -> Result<Verified, VerifyError> {
    let mut follower = Follower::START;
    let mut torn = None;
    for (index, source) in files.iter().enumerate() {
        let is_last = index + 1 == files.len();
        let lines = source.open().map(RawLines::of);
        let followed = match lines {
            Ok(lines) => follow_file(lines, source.file, is_last, &mut follower, noted),
            Err(error) => Err(Unverified::Io(error)),
        };
        let file = || source.path.clone();
        torn = followed.map_err(|error| match error {
            Unverified::Io(source) => VerifyError::Io { file: file(), source },
            Unverified::Broken { line, what } => VerifyError::Broken { file: file(), line, what },
            Unverified::Another(noted) => VerifyError::Another { noted },
        })?;
    }
    Ok(verified(&follower, files.len(), torn))
}

/// Why one file does not verify.
enum Unverified {
    Io(io::Error),
    Broken { line: u64, what: Break },
    Another(u64),
}

/// Follows the chain through a file. How many bytes of a line without end follow, which may be so in
/// the last file alone.
fn follow_file(
    mut lines: RawLines<impl Read>,
    file: LogFile,
    is_last: bool,
    follower: &mut Follower,
    noted: &[Noted],
) -> Result<Option<u64>, Unverified> {
    loop {
        let line = lines.number + 1;
        let followed = match lines.next().map_err(Unverified::Io)? {
            Raw::End => return Ok(None),
            Raw::Torn(bytes) if is_last => return Ok(Some(bytes)),
            Raw::Torn(_) => Err(Break::Line(LineError::NoHash)),
            Raw::TooLong => Err(Break::Line(LineError::TooLong)),
            Raw::Line(bytes) => follower.follow(bytes, (line == 1).then_some(file)),
        };
        let link = followed.map_err(|what| Unverified::Broken { line, what })?;
        let is_another =
            |noted: &&Noted| noted.sequence == link.sequence && noted.hash != link.hash;
        if let Some(noted) = noted.iter().find(is_another) {
            return Err(Unverified::Another(noted.sequence));
        }
    }
}

fn verified(follower: &Follower, files: usize, torn: Option<u64>) -> Verified {
    let (begins, sequence) = (follower.begins().unwrap_or(0), follower.sequence());
    let records = if sequence == 0 { 0 } else { sequence - begins + 1 };
    Verified { begins, sequence, records, files, head: follower.hash(), torn }
}

/// One file of a log.
#[derive(Debug)]
struct Source {
    file: LogFile,
    path: PathBuf,
    /// The current file is opened before the others are listed.
    open: Option<File>,
}

impl Source {
    /// The file from its beginning.
    fn open(&self) -> io::Result<File> {
        let Some(open) = &self.open else { return File::open(&self.path) };
        let mut open = open.try_clone()?;
        open.rewind()?;
        Ok(open)
    }
}

/// The files of a log in order, as they are at one moment, whatever the writer does meanwhile.
fn files(path: &Path) -> io::Result<Vec<Source>> {
    let names = LogFiles::at(path)?;
    // The current file may become an older one at any time, and then has its number in the list.
    let current = match File::open(path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let opened = current.as_ref().map(File::metadata).transpose()?.map(identity);
    let mut files = Vec::new();
    for file in names.list()? {
        let path = names.path(file);
        let is_older = matches!(file, LogFile::Older(_));
        if !is_older || opened.is_some() && std::fs::metadata(&path).ok().map(identity) == opened {
            break;
        }
        files.push(Source { file, path, open: None });
    }
    if current.is_none() && files.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    if let Some(open) = current {
        files.push(Source { file: LogFile::Current, path: path.to_owned(), open: Some(open) });
    }
    Ok(files)
}

#[cfg(test)]
mod tests;

//! Reads a log, and verifies one, in bounded memory.
//!
//! [`read`] gives records to whoever wants to know what happened and does not check the chain;
//! [`verify`] checks every byte and gives no records. A last line without its newline is torn: the
//! writer was interrupted there, or is writing at this moment. That is told apart from a broken
//! chain, which only a fault of the disk or a person makes.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use super::chain::{self, Hash, LINE_MAX, Line, LineError, Link};

/// How much is read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// Why a line cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read; nothing follows.
    #[error("the audit log cannot be read")]
    Io(#[from] io::Error),
    /// One line cannot be read; others may follow.
    #[error("line {number} of the audit log cannot be read")]
    Line {
        /// Its number, from 1.
        number: u64,
        /// Why.
        source: LineError,
    },
    /// The last line has no end; nothing follows.
    #[error("line {number} of the audit log is torn after {bytes} bytes")]
    Torn {
        /// Its number, from 1.
        number: u64,
        /// How much of it there is.
        bytes: u64,
    },
}

/// Reads the log at `path`, line by line.
///
/// # Errors
///
/// When it cannot be opened.
pub fn read(path: &Path) -> Result<Lines, ReadError> {
    Ok(Lines { raw: RawLines::open(path)?, ended: false })
}

/// The lines of a log, in order.
#[derive(Debug)]
pub struct Lines {
    raw: RawLines,
    ended: bool,
}

impl Iterator for Lines {
    type Item = Result<Line, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let number = self.raw.number + 1;
        let next = match self.raw.next() {
            Ok(Raw::End) => None,
            Ok(Raw::Line(line)) => {
                return Some(
                    chain::parse_line(line).map_err(|source| ReadError::Line { number, source }),
                );
            }
            Ok(Raw::Torn(bytes)) => Some(Err(ReadError::Torn { number, bytes })),
            Ok(Raw::TooLong) => Some(Err(ReadError::Line { number, source: LineError::TooLong })),
            Err(error) => Some(Err(error.into())),
        };
        self.ended = true;
        next
    }
}

/// A log whose chain holds from its first line to its last whole one.
///
/// A log that was cut short at its end verifies too; who must exclude that compares `records` and
/// `head` with what was noted elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Verified {
    /// How many whole lines there are.
    pub records: u64,
    /// The hash of the last.
    pub head: Hash,
    /// How many bytes of a line without end follow.
    pub torn: Option<u64>,
}

/// Why a log does not verify.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be read.
    #[error("the audit log cannot be read")]
    Io(#[from] io::Error),
    /// Its chain is broken.
    #[error("the audit log is broken at line {line}: {what}")]
    Broken {
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        what: Break,
    },
}

/// How a line breaks the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Break {
    /// It is not whole in itself.
    Line(LineError),
    /// It is not the line that has to be here.
    Sequence {
        /// The number that it has to have.
        expected: u64,
        /// The number that it has.
        found: u64,
    },
    /// It continues another line than the one before it.
    Prevhash,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(error) => error.fmt(f),
            Self::Sequence { expected, found } => {
                write!(f, "its sequence is {found} and has to be {expected}")
            }
            Self::Prevhash => f.write_str("its prevhash is not the hash of the line before it"),
        }
    }
}

/// Checks every byte of the log at `path`.
///
/// # Errors
///
/// When it cannot be read, or at the first line that breaks the chain.
pub fn verify(path: &Path) -> Result<Verified, VerifyError> {
    let mut lines = RawLines::open(path)?;
    let mut verified = Verified { records: 0, head: Hash::ZERO, torn: None };
    loop {
        let line = lines.number + 1;
        let checked = match lines.next()? {
            Raw::End => return Ok(verified),
            Raw::Torn(bytes) => return Ok(Verified { torn: Some(bytes), ..verified }),
            Raw::TooLong => Err(Break::Line(LineError::TooLong)),
            Raw::Line(bytes) => linked(bytes, &verified),
        };
        let link = checked.map_err(|what| VerifyError::Broken { line, what })?;
        verified = Verified { records: link.sequence, head: link.hash, torn: None };
    }
}

fn linked(line: &[u8], before: &Verified) -> Result<Link, Break> {
    let link = chain::check(line).map_err(Break::Line)?;
    let expected = before.records + 1;
    if link.sequence != expected {
        return Err(Break::Sequence { expected, found: link.sequence });
    }
    if link.prevhash != before.head {
        return Err(Break::Prevhash);
    }
    Ok(link)
}

/// The lines of a file as bytes, one at a time.
#[derive(Debug)]
struct RawLines {
    file: BufReader<File>,
    line: Vec<u8>,
    /// The number of the line that was read last.
    number: u64,
}

enum Raw<'a> {
    /// A line with its newline.
    Line(&'a [u8]),
    /// As many bytes without newline, at the end.
    Torn(u64),
    /// More than a line may have; what follows cannot be told.
    TooLong,
    /// Nothing more.
    End,
}

impl RawLines {
    fn open(path: &Path) -> io::Result<Self> {
        let file = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
        Ok(Self { file, line: Vec::new(), number: 0 })
    }

    fn next(&mut self) -> io::Result<Raw<'_>> {
        self.line.clear();
        self.number += 1;
        let mut bounded = (&mut self.file).take(LINE_MAX as u64);
        bounded.read_until(b'\n', &mut self.line)?;
        Ok(match self.line.as_slice() {
            [] => Raw::End,
            line if line.ends_with(b"\n") => Raw::Line(line),
            line if line.len() == LINE_MAX => Raw::TooLong,
            line => Raw::Torn(line.len() as u64),
        })
    }
}

#[cfg(test)]
mod tests;

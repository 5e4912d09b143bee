//! Reads a log, and verifies one, in bounded memory.
//!
//! [`read`] gives records to whoever wants to know what happened and does not check the chain;
//! [`verify`] checks every byte and gives no records. A last line without its newline is torn: the
//! writer was interrupted there, or is writing at this moment. That is told apart from a broken
//! chain, which only a fault of the disk or a person makes.

use std::fs::File;
use std::io;
use std::path::Path;

use super::chain::{self, Hash, Line, LineError};
use super::follow::Follower;
use super::lines::{Raw, RawLines};

pub use super::follow::Break;

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
    Ok(Lines { raw: RawLines::of(File::open(path)?), ended: false })
}

/// The lines of a log, in order.
#[derive(Debug)]
pub struct Lines {
    raw: RawLines<File>,
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

/// Checks every byte of the log at `path`.
///
/// # Errors
///
/// When it cannot be read, or at the first line that breaks the chain.
pub fn verify(path: &Path) -> Result<Verified, VerifyError> {
    let mut lines = RawLines::of(File::open(path)?);
    let mut follower = Follower::START;
    loop {
        let line = lines.number + 1;
        let verified = |torn| Verified { records: follower.sequence, head: follower.hash, torn };
        let followed = match lines.next()? {
            Raw::End => return Ok(verified(None)),
            Raw::Torn(bytes) => return Ok(verified(Some(bytes))),
            Raw::TooLong => Err(Break::Line(LineError::TooLong)),
            Raw::Line(bytes) => follower.follow(bytes),
        };
        followed.map_err(|what| VerifyError::Broken { line, what })?;
    }
}

#[cfg(test)]
mod tests;

//! Follows the chain from line to line, and from file to file.

use std::fmt;

use super::chain::{self, Hash, LineError, Link};
use super::files::LogFile;
use super::record::Kind;

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
    /// It is the first of a file that has the number of another in its name.
    Name {
        /// The number in the name.
        named: u64,
        /// The number that it has.
        found: u64,
    },
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(error) => error.fmt(f),
            Self::Sequence { expected, found } => {
                write!(f, "its sequence is {found} and has to be {expected}")
            }
            Self::Prevhash => f.write_str("its prevhash is not the hash of the line before it"),
            Self::Name { named, found } => {
                write!(f, "its sequence is {found}, and the name of the file says {named}")
            }
        }
    }
}

/// How far the chain was followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Follower {
    /// The number of the first line.
    begins: Option<u64>,
    /// The number of the last line, and its hash; before the first line, what that has to continue.
    at: Option<(u64, Hash)>,
}

impl Follower {
    /// Before the first line, which may be any that a file begins with.
    pub(super) const START: Self = Self { begins: None, at: None };

    /// The number of the first line; `None` before it.
    pub(super) fn begins(&self) -> Option<u64> {
        self.begins
    }

    /// The number of the last line; 0 before the first of a log.
    pub(super) fn sequence(&self) -> u64 {
        self.at.map_or(0, |(sequence, _)| sequence)
    }

    /// The hash of the last line.
    pub(super) fn hash(&self) -> Hash {
        self.at.map_or(Hash::ZERO, |(_, hash)| hash)
    }

    /// Takes the next line, with or without its newline; one that is the first of a file, of which
    /// file.
    pub(super) fn follow(&mut self, line: &[u8], begun: Option<LogFile>) -> Result<Link, Break> {
        let link = chain::check(line).map_err(Break::Line)?;
        let (sequence, hash) = match self.at {
            Some(at) => at,
            None => what_comes_before(line, &link)?,
        };
        let expected = sequence + 1;
        if link.sequence != expected {
            return Err(Break::Sequence { expected, found: link.sequence });
        }
        if link.prevhash != hash {
            return Err(Break::Prevhash);
        }
        if let Some(LogFile::Older(named)) = begun
            && named != link.sequence
        {
            return Err(Break::Name { named, found: link.sequence });
        }
        self.begins = self.begins.or(Some(link.sequence));
        self.at = Some((link.sequence, link.hash));
        Ok(link)
    }
}

/// What the first line continues that anybody has. Only a checkpoint may begin later than a log does:
/// otherwise somebody removed the lines before it.
fn what_comes_before(line: &[u8], link: &Link) -> Result<(u64, Hash), Break> {
    let record = chain::parse_line(line).map_err(Break::Line)?.record;
    let checkpoint = record.data.checkpoint.as_ref();
    let opens_a_file =
        record.kind == Kind::LogCheckpoint && checkpoint.is_some_and(|c| c.part == 1);
    if opens_a_file {
        return Ok((link.sequence.saturating_sub(1), link.prevhash));
    }
    Ok((0, Hash::ZERO))
}

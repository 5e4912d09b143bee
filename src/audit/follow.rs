//! Follows the chain from line to line, and from file to file.

use std::fmt;

use super::chain::{self, Hash, LineError, Link};

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

/// How far the chain was followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Follower {
    /// The number of the last line; 0 before the first.
    pub(super) sequence: u64,
    /// Its hash.
    pub(super) hash: Hash,
}

impl Follower {
    /// Before the first line of a log.
    pub(super) const START: Self = Self { sequence: 0, hash: Hash::ZERO };

    /// Takes the next line, with or without its newline.
    pub(super) fn follow(&mut self, line: &[u8]) -> Result<Link, Break> {
        let link = chain::check(line).map_err(Break::Line)?;
        let expected = self.sequence + 1;
        if link.sequence != expected {
            return Err(Break::Sequence { expected, found: link.sequence });
        }
        if link.prevhash != self.hash {
            return Err(Break::Prevhash);
        }
        *self = Self { sequence: link.sequence, hash: link.hash };
        Ok(link)
    }
}

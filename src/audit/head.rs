//! How a file begins, and whether it needs the files before it.

use std::io::{self, Read};

use super::chain::{self, Hash, Line};
use super::lines::{Raw, RawLines};
use super::record::Kind;

/// How a file begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// With the first record of a log, or with a whole checkpoint: nothing before it is needed.
    Whole {
        /// The number and the hash of the line before it.
        before: (u64, Hash),
    },
    /// With less than a checkpoint, and there is nothing else in it.
    Cut,
    /// With less than a checkpoint, and other records follow.
    Broken,
    /// Without either, or without any record.
    Other,
}

impl Head {
    /// Reads the head of a file; the lines are not verified.
    pub(super) fn of(file: impl Read) -> io::Result<Self> {
        let mut lines = RawLines::of(file);
        let (mut before, mut parts) = (None, 0);
        loop {
            let line = match lines.next()? {
                Raw::Line(bytes) => chain::parse_line(bytes).ok(),
                Raw::Torn(_) | Raw::End if parts > 0 => return Ok(Self::Cut),
                Raw::Torn(_) | Raw::TooLong | Raw::End => None,
            };
            let without = if parts > 0 { Self::Broken } else { Self::Other };
            let Some(Line { sequence, prevhash, record, .. }) = line else { return Ok(without) };
            let before = *before.get_or_insert((sequence.saturating_sub(1), prevhash));
            let part = record.data.checkpoint.filter(|_| record.kind == Kind::LogCheckpoint);
            match part.map(|part| (part.part, part.parts)) {
                _ if sequence == 1 => return Ok(Self::Whole { before }),
                Some((part, of)) if part == parts + 1 && part == of => {
                    return Ok(Self::Whole { before });
                }
                Some((part, _)) if part == parts + 1 => parts = part,
                Some(_) | None => return Ok(without),
            }
        }
    }
}

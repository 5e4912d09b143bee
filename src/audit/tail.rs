//! Finds where a log ends: its last whole line, and what was torn off behind it.
//!
//! It reads backwards, a few lines and never more than [`WINDOW_MAX`], so opening a log costs the
//! same whatever its length. The deeper lines are the business of `reader::verify`.

use std::io;
use std::sync::Arc;

use super::chain::{self, Chain, Hash, LINE_MAX, LINE_START, LineError};
use super::disk::Storage;
use super::files::LogFile;

/// Room for a torn line, the last whole one, the one before it, and the newline before that.
const WINDOW_MAX: u64 = 3 * LINE_MAX as u64 + 1;

/// How much is read at first; nearly always it is enough.
const WINDOW_FIRST: u64 = 16 * 1024;

/// Where a log ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    /// What the next line continues.
    pub chain: Chain,
    /// The length of the whole lines.
    pub len: u64,
    /// What lies behind them.
    pub torn: Option<Torn>,
}

/// Bytes that are no whole line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// How many.
    pub bytes: u64,
    /// Their hash.
    pub sha256: Hash,
    /// Whether whole lines may be among them, behind a hole.
    pub has_hole: bool,
}

/// Why no end can be found.
#[derive(Debug)]
pub(super) enum TailError {
    /// It cannot be read.
    Io(io::Error),
    /// The line that begins at `offset` is broken, and not because the log was torn there.
    Broken { offset: u64, what: String },
}

impl From<io::Error> for TailError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Finds the end of a file.
pub(super) fn find(storage: &mut dyn Storage, file: LogFile) -> Result<End, TailError> {
    let len = storage.len(file)?;
    let mut window = WINDOW_FIRST;
    loop {
        let size = window.min(len);
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        storage.read_at(file, &mut bytes, len - size)?;
        let (start, is_all) = (len - size, size == len);
        match end_within(&bytes, start, is_all)? {
            Some(end) => return Ok(end),
            None if window < WINDOW_MAX => window = WINDOW_MAX.min(window * 8),
            None => {
                let what = format!("a line near the end is longer than {LINE_MAX} bytes");
                return Err(TailError::Broken { offset: start, what });
            }
        }
    }
}

/// Finds the end in the last bytes of a file; `None` when more of them are needed.
fn end_within(bytes: &[u8], start: u64, is_all: bool) -> Result<Option<End>, TailError> {
    let mut lines = LinesBackwards { rest: bytes, start, is_all };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if whole == 0 && !is_all {
        return Ok(None);
    }
    lines.rest = &bytes[..whole];
    let Some(mut last) = lines.next() else {
        return if is_all { empty(bytes, start).map(Some) } else { Ok(None) };
    };
    let mut kept = whole;
    let mut checked = last.check();
    // Only the very last line can be torn: where one without newline follows, this one is not it. Nor is one that is
    // whole and says what this version does not understand.
    if chain::check(last.bytes).is_err() && whole == bytes.len() {
        kept -= last.bytes.len();
        let Some(previous) = lines.next() else {
            return if is_all { empty(bytes, start).map(Some) } else { Ok(None) };
        };
        last = previous;
        checked = last.check();
    }
    let (chain, prevhash) = checked.map_err(|error| last.broken(&error.to_string()))?;
    let before = match lines.next() {
        Some(before) => before.check().map_err(|error| before.broken(&error.to_string()))?.0,
        None if is_all && chain.sequence == 1 => Chain::EMPTY,
        // What comes before it is in another file.
        None if is_all => {
            Chain { sequence: chain.sequence.saturating_sub(1), hash: prevhash, source: None }
        }
        None => return Ok(None),
    };
    if prevhash != before.hash || chain.sequence != before.sequence + 1 {
        return Err(last.broken("it does not continue the line before it"));
    }
    Ok(Some(End { chain, len: start + kept as u64, torn: torn(&bytes[kept..]) }))
}

/// The end of a log without any whole line: all of it is torn, if it is a log at all.
fn empty(bytes: &[u8], start: u64) -> Result<End, TailError> {
    let text_len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    let text = &bytes[..text_len];
    // A path that names another kind of file by mistake must not cost that file its content.
    if !text.starts_with(LINE_START) && !LINE_START.starts_with(text) {
        let what = "it is not a record, so the file may not be an audit log".to_owned();
        return Err(TailError::Broken { offset: start, what });
    }
    Ok(End { chain: Chain::EMPTY, len: 0, torn: torn(bytes) })
}

pub(super) fn torn(bytes: &[u8]) -> Option<Torn> {
    let (len, sha256) = (bytes.len() as u64, Hash::of(bytes));
    let torn = Torn { bytes: len, sha256, has_hole: false };
    (!bytes.is_empty()).then_some(torn)
}

/// The lines before a point, from the last to the first; all end in a newline.
struct LinesBackwards<'a> {
    rest: &'a [u8],
    start: u64,
    is_all: bool,
}

struct Placed<'a> {
    bytes: &'a [u8],
    offset: u64,
}

impl<'a> Iterator for LinesBackwards<'a> {
    type Item = Placed<'a>;

    /// `None` also where a line begins before the bytes at hand.
    fn next(&mut self) -> Option<Placed<'a>> {
        let content = self.rest.strip_suffix(b"\n")?;
        let at = match content.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => newline + 1,
            None if self.is_all => 0,
            None => return None,
        };
        let bytes = &self.rest[at..];
        self.rest = &self.rest[..at];
        Some(Placed { bytes, offset: self.start + at as u64 })
    }
}

impl Placed<'_> {
    /// What a next line would continue, and what this one says that it continues.
    fn check(&self) -> Result<(Chain, Hash), LineError> {
        let link = chain::check(self.bytes)?;
        let source: Arc<str> = chain::parse_line(self.bytes)?.source.into();
        let chain = Chain { sequence: link.sequence, hash: link.hash, source: Some(source) };
        Ok((chain, link.prevhash))
    }

    fn broken(&self, what: &str) -> TailError {
        TailError::Broken { offset: self.offset, what: what.to_owned() }
    }
}

//! The form of one line: a CloudEvents 1.0 envelope, numbered and chained to the line before it.
//!
//! The last member of a line is its `hash`: SHA-256 over the raw bytes before `,"hash":"`. Among
//! them is `prevhash`, the hash of the line before, so that no byte and no line can be changed,
//! removed or moved without a break that [`check`] and the order of [`Link`]s show. What the chain
//! cannot show is a log cut short at its end; who must know that keeps the head hash elsewhere.
//!
//! `sequence` counts from 1 in each log, and `id` is the same number as text. `source` is drawn from
//! the first record of a log, instant included, so that source and id together are unique.
//!
//! Nothing here knows of files. Start at [`Chain::push`], then [`parse_line`].

mod scan;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::record::{Data, Kind, Record};

/// The longest line, its newline included: a reader needs no more memory than this, and a record
/// that would be longer is refused.
pub const LINE_MAX: usize = 1 << 20;

/// How every line of ours begins.
pub(super) const LINE_START: &[u8] = b"{\"specversion\":\"1.0\"";

const HASH_OPEN: &[u8] = b",\"hash\":\"";
const HASH_CLOSE: &[u8] = b"\"}";

/// Where a log stands: what the next line continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The number of the last line; 0 in an empty log.
    pub sequence: u64,
    /// The hash of the last line; [`Hash::ZERO`] in an empty log.
    pub hash: Hash,
    /// The log's own name, which every line repeats; `None` in an empty log.
    pub source: Option<Arc<str>>,
}

impl Chain {
    /// The chain of an empty log.
    pub const EMPTY: Self = Self { sequence: 0, hash: Hash::ZERO, source: None };

    /// Appends the line of `record`, newline included, to `out`.
    ///
    /// # Errors
    ///
    /// When the line would be too long; then neither the chain nor `out` has changed.
    pub fn push(&mut self, record: &Record, out: &mut Vec<u8>) -> Result<(), LineError> {
        let start = out.len();
        let source = match &self.source {
            Some(source) => Arc::clone(source),
            None => source_of_first(record)?,
        };
        let sequence = self.sequence + 1;
        let encoded = encode(record, sequence, &source, &self.hash, out);
        let hash = encoded.inspect_err(|_| out.truncate(start))?;
        *self = Self { sequence, hash, source: Some(source) };
        Ok(())
    }
}

/// Where a log stands, for whoever keeps that elsewhere: a log that was cut short shows by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the last record.
    pub sequence: u64,
    /// Its hash.
    pub hash: Hash,
    /// When it happened.
    pub time: Timestamp,
}

/// One line that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its number in its log, from 1.
    pub sequence: u64,
    /// The log that it belongs to.
    pub source: String,
    /// The hash of the line before it, as it says.
    pub prevhash: Hash,
    /// Its own hash, as it says; [`check`] tells whether that is true.
    pub hash: Hash,
    /// What it tells.
    pub record: Record,
}

/// What ties a line to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The line's number.
    pub sequence: u64,
    /// The hash of the line before it.
    pub prevhash: Hash,
    /// Its own hash.
    pub hash: Hash,
}

/// Why bytes are not a line of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Longer than [`LINE_MAX`].
    #[error("it is longer than {LINE_MAX} bytes")]
    TooLong,
    /// It does not end in its hash.
    #[error("it does not end in a hash")]
    NoHash,
    /// Its bytes are not those that its hash was taken of.
    #[error("its hash is not the hash of its bytes")]
    HashMismatch,
    /// It is not the JSON of an envelope.
    #[error("it is not a record: {detail}")]
    Malformed {
        /// What the parser said.
        detail: String,
    },
}

impl From<serde_json::Error> for LineError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed { detail: error.to_string() }
    }
}

/// Reads one line, with or without its newline.
///
/// Members that are not known are passed over and kinds that are not known are kept as text, since
/// another version may have written it. The hash is read, not checked.
///
/// # Errors
///
/// When it is not an envelope.
pub fn parse_line(line: &[u8]) -> Result<Line, LineError> {
    let line = without_newline(line);
    let read: ReadEnvelope<'_> = serde_json::from_slice(line)?;
    let record = Record {
        time: read.time,
        kind: Kind::from_wire(&read.kind),
        subject: read.subject.unwrap_or_default().into_owned(),
        data: read.data.unwrap_or_default(),
    };
    Ok(Line {
        sequence: read.sequence,
        source: read.source.into_owned(),
        prevhash: Hash::from_text(read.prevhash)?,
        hash: Hash::from_text(read.hash)?,
        record,
    })
}

/// Checks the bytes of one line against its own hash, and gives what ties it to its neighbours.
///
/// # Errors
///
/// When it is not whole.
pub fn check(line: &[u8]) -> Result<Link, LineError> {
    let line = without_newline(line);
    let tail = HASH_OPEN.len() + Hash::LEN + HASH_CLOSE.len();
    let (body, tail) =
        line.split_at_checked(line.len().wrapping_sub(tail)).ok_or(LineError::NoHash)?;
    let hash = tail.strip_prefix(HASH_OPEN).and_then(|tail| tail.strip_suffix(HASH_CLOSE));
    let hash = hash.and_then(Hash::from_hex).ok_or(LineError::NoHash)?;
    if Hash::of(body) != hash {
        return Err(LineError::HashMismatch);
    }
    if let Some((sequence, prevhash)) = scan::link(body) {
        return Ok(Link { sequence, prevhash, hash });
    }
    let read: ReadLink<'_> = serde_json::from_slice(line)?;
    Ok(Link { sequence: read.sequence, prevhash: Hash::from_text(read.prevhash)?, hash })
}

/// SHA-256, held as its 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; Self::LEN]);

impl Hash {
    const LEN: usize = 64;

    /// What the first line of a log continues.
    pub const ZERO: Self = Self([b'0'; Self::LEN]);

    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_digest(&Sha256::digest(bytes))
    }

    /// A digest in its digits.
    pub(super) fn of_digest(digest: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; Self::LEN];
        for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(text)
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn from_hex(text: &[u8]) -> Option<Self> {
        let text: [u8; Self::LEN] = text.try_into().ok()?;
        let digits = text.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        digits.then_some(Self(text))
    }

    /// The hash of these digits, if they are of one.
    #[must_use]
    pub fn of_digits(text: &str) -> Option<Self> {
        Self::from_hex(text.as_bytes())
    }

    fn from_text(text: &str) -> Result<Self, LineError> {
        let malformed = || LineError::Malformed { detail: format!("{text:?} is not a hash") };
        Self::from_hex(text.as_bytes()).ok_or_else(malformed)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of the audit log: a CloudEvents 1.0 event in JSON.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditRecord", transform = super::schema::require_hash)]
pub(super) struct Envelope<'a> {
    /// The version of CloudEvents.
    #[schemars(extend("const" = "1.0"))]
    specversion: &'static str,
    /// The sequence number as text; unique together with `source`.
    #[schemars(regex(pattern = "^[1-9][0-9]*$"))]
    id: &'a str,
    /// The log that the line belongs to.
    #[schemars(regex(pattern = "^/lightsout/[0-9a-f]{12}$"))]
    source: &'a str,
    /// What happened.
    #[serde(rename = "type")]
    #[schemars(schema_with = "super::schema::kind")]
    kind: &'a str,
    /// Of what: a studio, or `STUDIO/SESSION`; absent for the daemon itself.
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    /// When, RFC 3339 in UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    time: Timestamp,
    /// The form of `data`.
    #[schemars(extend("const" = "application/json"))]
    datacontenttype: &'static str,
    /// The number of the line in its log, from 1.
    #[schemars(range(min = 1))]
    sequence: u64,
    /// The `hash` of the line before; zeros in the first.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    prevhash: &'a str,
    /// What there is to tell.
    data: &'a Data,
    /// SHA-256 over the raw bytes of the line before `,"hash":"`. Always the last member.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    hash: &'a str,
}

fn encode(
    record: &Record,
    sequence: u64,
    source: &str,
    prevhash: &Hash,
    out: &mut Vec<u8>,
) -> Result<Hash, LineError> {
    let start = out.len();
    let envelope = Envelope {
        specversion: "1.0",
        id: &sequence.to_string(),
        source,
        kind: record.kind.as_str(),
        subject: &record.subject,
        time: record.time,
        datacontenttype: "application/json",
        sequence,
        prevhash: prevhash.as_str(),
        data: &record.data,
        hash: "",
    };
    serde_json::to_writer(&mut *out, &envelope)?;
    // The closing brace makes room for the hash of everything before it.
    out.pop();
    let hash = Hash::of(&out[start..]);
    out.extend_from_slice(HASH_OPEN);
    out.extend_from_slice(&hash.0);
    out.extend_from_slice(HASH_CLOSE);
    out.push(b'\n');
    if out.len() - start > LINE_MAX { Err(LineError::TooLong) } else { Ok(hash) }
}

/// A name for the log that needs no random number: no two logs begin with the same record at the
/// same nanosecond.
fn source_of_first(record: &Record) -> Result<Arc<str>, LineError> {
    let Record { time, kind, subject, data } = record;
    let text = format!("{time} {kind} {subject} {}", serde_json::to_string(data)?);
    Ok(format!("/lightsout/{:.12}", Hash::of(text.as_bytes())).into())
}

fn without_newline(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// As much of a line as its place in the chain needs.
#[derive(Deserialize)]
struct ReadLink<'a> {
    sequence: u64,
    prevhash: &'a str,
}

#[derive(Deserialize)]
struct ReadEnvelope<'a> {
    #[serde(borrow, default)]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    subject: Option<Cow<'a, str>>,
    time: Timestamp,
    sequence: u64,
    prevhash: &'a str,
    #[serde(default)]
    data: Option<Data>,
    hash: &'a str,
}

#[cfg(test)]
mod tests;

//! Finds where a log ends that a power failure left a hole in.
//!
//! A file system may write the later pages of what was appended and not the earlier ones, which then read as
//! zeros. No line has a zero byte in it, so that nobody else makes such a line. What lies behind the hole was written
//! in one group with it, or with nothing at all: a group is durable before it is acknowledged, and the next begins
//! after that. So nothing is cut that anybody has acted upon; a disk that forgets what it called durable is found out
//! by what `health.json` says of the head. Start at [`find`].

use std::io;

use sha2::{Digest as _, Sha256};

use super::chain::{self, Chain, Hash, LINE_MAX};
use super::disk::Storage;
use super::files::LogFile;
use super::follow::Follower;
use super::lines::{Raw, RawLines, StoredFile};
use super::tail::{End, Torn};

/// More than a group has, with the commit that made it long enough.
const GROUP_MAX: u64 = 16 << 20;

/// How much is read at once.
const BLOCK: usize = 256 * 1024;

/// The end of a file before its first hole, where there is one in what was written last.
pub(super) fn find(storage: &mut dyn Storage, file: LogFile) -> io::Result<Option<End>> {
    let len = storage.len(file)?;
    if !has_zero(storage, file, len.saturating_sub(GROUP_MAX), len)? {
        return Ok(None);
    }
    let mut lines = RawLines::of(StoredFile::of(storage, file, len));
    let mut follower = Follower::START;
    let (mut whole, mut source) = (0_u64, None);
    let is_hole = loop {
        match lines.next()? {
            Raw::Line(line) => match follower.follow(line, None) {
                Ok(_) => {
                    whole += line.len() as u64;
                    if source.is_none() {
                        source = chain::parse_line(line).ok().map(|line| line.source);
                    }
                }
                Err(_) => break line.contains(&0),
            },
            Raw::TooLong => break true,
            // The end of a line that is torn, zeros and all, is found by the tail.
            Raw::Torn(_) | Raw::End => break false,
        }
    };
    drop(lines);
    if !is_hole || !has_zero(storage, file, whole, len)? {
        return Ok(None);
    }
    // Without a line before it a line behind it has to tell that this is a log at all.
    if whole == 0 && !ends_in_a_record(storage, file, len)? {
        return Ok(None);
    }
    if len - whole > GROUP_MAX && !is_zero(storage, file, whole, len)? {
        return Ok(None);
    }
    let chain = Chain {
        sequence: follower.sequence(),
        hash: follower.hash(),
        source: source.map(Into::into),
    };
    let sha256 = hash(storage, file, whole, len)?;
    let torn = Torn { bytes: len - whole, sha256, has_hole: true };
    Ok(Some(End { chain, len: whole, torn: Some(torn) }))
}

fn ends_in_a_record(storage: &mut dyn Storage, file: LogFile, len: u64) -> io::Result<bool> {
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(LINE_MAX).min(2 * LINE_MAX)];
    let from = len - bytes.len() as u64;
    storage.read_at(file, &mut bytes, from)?;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').rev();
    let whole = lines.find(|line| line.ends_with(b"\n"));
    Ok(whole.is_some_and(|line| chain::check(line).is_ok()))
}

fn has_zero(storage: &mut dyn Storage, file: LogFile, from: u64, to: u64) -> io::Result<bool> {
    any_block(storage, file, from, to, |block| block.contains(&0))
}

fn is_zero(storage: &mut dyn Storage, file: LogFile, from: u64, to: u64) -> io::Result<bool> {
    any_block(storage, file, from, to, |block| block.iter().any(|byte| *byte != 0)).map(|any| !any)
}

fn hash(storage: &mut dyn Storage, file: LogFile, from: u64, to: u64) -> io::Result<Hash> {
    let mut hasher = Sha256::new();
    any_block(storage, file, from, to, |block| {
        hasher.update(block);
        false
    })?;
    Ok(Hash::of_digest(&hasher.finalize()))
}

/// Looks at a part of a file block by block, until one is found.
fn any_block(
    storage: &mut dyn Storage,
    file: LogFile,
    from: u64,
    to: u64,
    mut is_it: impl FnMut(&[u8]) -> bool,
) -> io::Result<bool> {
    let mut buffer = vec![0; BLOCK];
    let mut at = from;
    while at < to {
        let size = usize::try_from(to - at).unwrap_or(BLOCK).min(BLOCK);
        storage.read_at(file, &mut buffer[..size], at)?;
        if is_it(&buffer[..size]) {
            return Ok(true);
        }
        at += size as u64;
    }
    Ok(false)
}

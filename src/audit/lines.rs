//! The lines of a file as bytes, one at a time and in bounded memory.

use std::io::{self, BufRead, BufReader, Read};

use super::chain::LINE_MAX;
use super::disk::Storage;
use super::files::LogFile;

/// How much is read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// The lines of whatever can be read.
#[derive(Debug)]
pub(super) struct RawLines<R> {
    source: BufReader<R>,
    line: Vec<u8>,
    /// The number of the line that was read last.
    pub(super) number: u64,
}

/// What comes next.
pub(super) enum Raw<'a> {
    /// A line with its newline.
    Line(&'a [u8]),
    /// As many bytes without newline, at the end.
    Torn(u64),
    /// More than a line may have; what follows cannot be told.
    TooLong,
    /// Nothing more.
    End,
}

impl<R: Read> RawLines<R> {
    pub(super) fn of(source: R) -> Self {
        let source = BufReader::with_capacity(BUFFER_BYTES, source);
        Self { source, line: Vec::new(), number: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Raw<'_>> {
        self.line.clear();
        self.number += 1;
        let mut bounded = (&mut self.source).take(LINE_MAX as u64);
        bounded.read_until(b'\n', &mut self.line)?;
        Ok(match self.line.as_slice() {
            [] => Raw::End,
            line if line.ends_with(b"\n") => Raw::Line(line),
            line if line.len() == LINE_MAX => Raw::TooLong,
            line => Raw::Torn(line.len() as u64),
        })
    }
}

/// A file of a storage, read from its beginning.
#[derive(Debug)]
pub(super) struct StoredFile<'a> {
    storage: &'a mut dyn Storage,
    file: LogFile,
    offset: u64,
    len: u64,
}

impl<'a> StoredFile<'a> {
    /// The first `len` bytes of a file.
    pub(super) fn of(storage: &'a mut dyn Storage, file: LogFile, len: u64) -> Self {
        Self { storage, file, offset: 0, len }
    }
}

impl Read for StoredFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len - self.offset).unwrap_or(usize::MAX);
        let size = left.min(buffer.len());
        self.storage.read_at(self.file, &mut buffer[..size], self.offset)?;
        self.offset += size as u64;
        Ok(size)
    }
}

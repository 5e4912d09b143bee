//! The names of a log's files.
//!
//! The current file has the configured path. Older ones stand beside it under the same name with
//! the number of their first record, in as many digits as keep a listing in order:
//! `audit.jsonl`, `audit.000000123456.jsonl`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::files::directory_of;

/// How many digits a number has at least, so that names sort as numbers do.
const DIGITS: usize = 12;

/// One file of a log. The order is that of their content, with `Next` last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LogFile {
    /// One that is full; its first record has this number.
    Older(u64),
    /// The one that is written.
    Current,
    /// The one that is to become the current file; nobody reads it.
    Next,
}

/// Where the files of one log are.
#[derive(Debug, Clone)]
pub(super) struct LogFiles {
    directory: PathBuf,
    path: PathBuf,
    /// What stands before and after the number of an older file.
    around: (Vec<u8>, Vec<u8>),
}

impl LogFiles {
    /// The files of the log whose current file is at `path`.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
        let directory = directory_of(path).to_owned();
        let stem = path.file_stem().unwrap_or(name);
        let before = [stem.as_bytes(), b"."].concat();
        let after = path.extension().map(OsStr::as_bytes);
        let after = after.map_or_else(Vec::new, |extension| [b".", extension].concat());
        Ok(Self { directory, path: path.to_owned(), around: (before, after) })
    }

    /// The directory of all of them.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where a file is.
    pub(super) fn path(&self, file: LogFile) -> PathBuf {
        let (before, after) = &self.around;
        match file {
            LogFile::Current => self.path.clone(),
            LogFile::Next => self.beside(".next"),
            LogFile::Older(first) => {
                let number = format!("{first:0DIGITS$}");
                let name = [before.as_slice(), number.as_bytes(), after.as_slice()].concat();
                self.directory.join(OsString::from_vec(name))
            }
        }
    }

    /// Where something is kept that had to be cut from it.
    pub(super) fn aside(&self, number: u32) -> PathBuf {
        self.beside(&format!(".cut-{number}"))
    }

    /// The file that is locked by whoever writes the log.
    pub(super) fn lock(&self) -> PathBuf {
        self.beside(".lock")
    }

    /// Which files there are, in order.
    pub(super) fn list(&self) -> io::Result<Vec<LogFile>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            found.extend(self.older(&entry?.file_name()));
        }
        for file in [LogFile::Current, LogFile::Next] {
            if self.path(file).try_exists()? {
                found.push(file);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The older file that has this name, if one has.
    pub(super) fn older(&self, name: &OsStr) -> Option<LogFile> {
        let (before, after) = &self.around;
        let number = name.as_bytes().strip_prefix(before.as_slice())?;
        let number = std::str::from_utf8(number.strip_suffix(after.as_slice())?).ok()?;
        let first: u64 = number.parse().ok()?;
        // One name for one number, so that no file is read twice.
        (number == format!("{first:0DIGITS$}")).then_some(LogFile::Older(first))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        path.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str) -> LogFiles {
        LogFiles::at(Path::new(path)).unwrap()
    }

    #[test]
    fn an_older_file_has_the_number_of_its_first_record_in_its_name() {
        let of = |path, first| names(path).path(LogFile::Older(first)).display().to_string();
        assert_eq!(of("/log/audit.jsonl", 123_456), "/log/audit.000000123456.jsonl");
        assert_eq!(of("audit", 1), "./audit.000000000001");
        assert_eq!(of("/log/a.b.c", u64::MAX), "/log/a.b.18446744073709551615.c");
    }

    #[test]
    fn a_name_is_read_as_it_is_written_and_no_other_is() {
        let files = names("/log/audit.jsonl");
        for first in [0, 1, 999_999_999_999, 1_000_000_000_000, u64::MAX] {
            let file = LogFile::Older(first);
            assert_eq!(files.older(files.path(file).file_name().unwrap()), Some(file));
        }
        for other in [
            "audit.jsonl",
            "audit.jsonl.next",
            "audit.jsonl.lock",
            "audit.1.jsonl",
            "audit.0000000000001.jsonl",
            "audit.00000000000x.jsonl",
            "audit.000000000001.jsonl.gz",
            "other.000000000001.jsonl",
            "audit.99999999999999999999999.jsonl",
            "audit.+00000000001.jsonl",
        ] {
            assert_eq!(files.older(OsStr::new(other)), None, "{other}");
        }
    }

    #[test]
    fn files_are_listed_in_the_order_of_their_content() {
        let directory = tempfile::TempDir::new().unwrap();
        for name in ["audit.jsonl.next", "audit.jsonl", "audit.000000000070.jsonl"] {
            std::fs::write(directory.path().join(name), b"").unwrap();
        }
        std::fs::write(directory.path().join("audit.000000000009.jsonl"), b"").unwrap();
        let files = LogFiles::at(&directory.path().join("audit.jsonl")).unwrap();
        let expected = [LogFile::Older(9), LogFile::Older(70), LogFile::Current, LogFile::Next];
        assert_eq!(files.list().unwrap(), expected);
        assert!(LogFiles::at(Path::new("/")).is_err());
    }
}

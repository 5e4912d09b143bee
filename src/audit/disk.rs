//! The log's files, as the writer needs them: a port of a few operations, and the real disk.
//!
//! The port is as small as what a file system promises, so that a simulated one can break each
//! promise: what was not synced may be lost or torn, a name that was changed may change back until
//! [`Storage::sync_names`], and any operation may fail, with or without its effect. Nothing here
//! knows of lines.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::files::{LogFile, LogFiles};
use crate::files::{FileLock, Room, directory_of};

/// What the writer does with the files of one log.
pub(crate) trait Storage: Send + fmt::Debug {
    /// Which files there are, in the order of [`LogFile`].
    fn files(&mut self) -> io::Result<Vec<LogFile>>;

    /// A file's length.
    fn len(&mut self, file: LogFile) -> io::Result<u64>;

    /// Fills `buffer` from the bytes of a file at `offset`.
    fn read_at(&mut self, file: LogFile, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Makes a file without content; one that is there loses its own.
    fn create(&mut self, file: LogFile) -> io::Result<()>;

    /// Writes `bytes` at the end. After an error any part of them may be there.
    fn append(&mut self, file: LogFile, bytes: &[u8]) -> io::Result<()>;

    /// Ends once every byte of a file survives a power failure. Of its name that is said by
    /// [`Storage::sync_names`].
    fn sync(&mut self, file: LogFile) -> io::Result<()>;

    /// Cuts a file to `len` bytes.
    fn cut(&mut self, file: LogFile, len: u64) -> io::Result<()>;

    /// Gives a file another name at once and as a whole; a file that had the name is gone.
    fn rename(&mut self, from: LogFile, to: LogFile) -> io::Result<()>;

    /// Removes a file.
    fn remove(&mut self, file: LogFile) -> io::Result<()>;

    /// Ends once what was created, renamed and removed survives a power failure.
    fn sync_names(&mut self) -> io::Result<()>;

    /// Copies what a file has from `offset` on to where nothing of the log is, before it is cut: whoever looks into what
    /// happened has nothing else.
    fn set_aside(&mut self, _file: LogFile, _offset: u64) -> io::Result<()> {
        Ok(())
    }

    /// Opens the current file anew: after a failed sync the old handle no longer tells what is on the
    /// disk.
    fn reopen(&mut self) -> io::Result<()>;
}

/// The files of the operating system, locked against a second writer.
#[derive(Debug)]
pub(super) struct Disk {
    files: LogFiles,
    /// Held for as long as the writer lives. It is a file of its own, since the current one changes.
    _lock: FileLock,
    /// What is open for writing, under the name that it has now.
    open: BTreeMap<LogFile, File>,
    /// The current file was lost and opened by its name, and is yet to be looked at.
    is_regained: bool,
}

/// Why the files cannot be had.
#[derive(Debug)]
pub(super) enum DiskError {
    /// Somebody else writes them.
    Locked,
    /// What was attempted, and what the operating system said.
    Io(&'static str, io::Error),
}

impl Disk {
    /// Locks the log whose current file is at `path`; creates its directory, for its owner alone,
    /// where that is missing.
    pub(super) fn open(path: &Path) -> Result<Self, DiskError> {
        let files = LogFiles::at(path).map_err(|error| DiskError::Io("name its files", error))?;
        create_directory(files.directory())
            .map_err(|error| DiskError::Io("create its directory", error))?;
        let lock = create_file(&files.lock()).map_err(|error| DiskError::Io("lock it", error))?;
        let lock = FileLock::take(lock).map_err(|error| match error {
            TryLockError::WouldBlock => DiskError::Locked,
            TryLockError::Error(error) => DiskError::Io("lock it", error),
        })?;
        Ok(Self { files, _lock: lock, open: BTreeMap::new(), is_regained: false })
    }

    /// Where the files are.
    pub(super) fn files(&self) -> &LogFiles {
        &self.files
    }

    /// The handle for writing a file.
    fn handle(&mut self, file: LogFile) -> io::Result<&mut File> {
        if !self.open.contains_key(&file) {
            let handle = self.open_existing(file)?;
            self.open.insert(file, handle);
        }
        self.open.get_mut(&file).ok_or_else(|| io::Error::other("it is not open"))
    }

    fn open_existing(&self, file: LogFile) -> io::Result<File> {
        open_file(OpenOptions::new().read(true).append(true), &self.files.path(file))
    }

    /// Refuses a file that is no longer the one at its path: what is written to it would be lost to
    /// whoever reads the log.
    fn require_in_place(&mut self, file: LogFile) -> io::Result<()> {
        let path = self.files.path(file);
        let Some(open) = self.open.get(&file) else { return Ok(()) };
        let open = open.metadata()?;
        let found = std::fs::metadata(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => io::Error::other("it was moved or removed"),
            _ => error,
        })?;
        if (open.dev(), open.ino()) == (found.dev(), found.ino()) {
            return Ok(());
        }
        Err(io::Error::other("another file has taken its place"))
    }
}

impl Storage for Disk {
    fn files(&mut self) -> io::Result<Vec<LogFile>> {
        self.files.list()
    }

    fn len(&mut self, file: LogFile) -> io::Result<u64> {
        self.require_in_place(file)?;
        Ok(match self.open.get(&file) {
            Some(open) => open.metadata()?.len(),
            None => std::fs::metadata(self.files.path(file))?.len(),
        })
    }

    fn read_at(&mut self, file: LogFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self.open.get(&file) {
            Some(open) => open.read_exact_at(buffer, offset),
            None => File::open(self.files.path(file))?.read_exact_at(buffer, offset),
        }
    }

    fn create(&mut self, file: LogFile) -> io::Result<()> {
        let path = self.files.path(file);
        if file == LogFile::Next {
            // Whoever left one there, it is not written on.
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        let created = create_file(&path)?;
        created.set_len(0)?;
        self.open.insert(file, created);
        Ok(())
    }

    fn append(&mut self, file: LogFile, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(self.handle(file)?, bytes)
    }

    fn sync(&mut self, file: LogFile) -> io::Result<()> {
        self.handle(file)?.sync_data()
    }

    fn cut(&mut self, file: LogFile, len: u64) -> io::Result<()> {
        // What another may have written there meanwhile is nobody's to lose.
        if self.is_regained && file == LogFile::Current {
            self.set_aside(file, len)?;
            self.is_regained = false;
        }
        self.handle(file)?.set_len(len)
    }

    fn rename(&mut self, from: LogFile, to: LogFile) -> io::Result<()> {
        std::fs::rename(self.files.path(from), self.files.path(to))?;
        self.open.remove(&to);
        // Older files are only read.
        self.open.retain(|file, _| *file == from || !matches!(file, LogFile::Older(_)));
        if let Some(handle) = self.open.remove(&from) {
            self.open.insert(to, handle);
        }
        Ok(())
    }

    fn remove(&mut self, file: LogFile) -> io::Result<()> {
        self.open.remove(&file);
        std::fs::remove_file(self.files.path(file))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        sync_directory(self.files.directory())
    }

    fn set_aside(&mut self, file: LogFile, offset: u64) -> io::Result<()> {
        let mut from = File::open(self.files.path(file))?;
        let len = from.metadata()?.len().saturating_sub(offset);
        if len == 0 {
            return Ok(());
        }
        // Records that are yet to come need it more.
        let free = Room::at(self.files.directory())?.free;
        if free < Room::LEAST.saturating_add(len) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        from.seek(SeekFrom::Start(offset))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut number = 1;
        let (path, mut to) = loop {
            let path = self.files.aside(number);
            match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                opened => break (path, opened?),
            }
        };
        let copied = io::copy(&mut from, &mut to).and_then(|_| to.sync_all());
        copied.inspect_err(|_| drop(std::fs::remove_file(path)))
    }

    fn reopen(&mut self) -> io::Result<()> {
        // A file system that was away, or is mounted anew, knows nothing of what was open. What is at the path now is
        // judged by its bytes.
        let is_gone = |open: &File| open.metadata().is_err();
        if self.open.get(&LogFile::Current).is_some_and(is_gone) {
            self.open.remove(&LogFile::Current);
            self.is_regained = true;
        }
        self.require_in_place(LogFile::Current)?;
        let file = self.open_existing(LogFile::Current)?;
        self.open.insert(LogFile::Current, file);
        Ok(())
    }
}

fn create_file(path: &Path) -> io::Result<File> {
    open_file(OpenOptions::new().read(true).append(true).create(true).mode(0o600), path)
}

fn open_file(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a file")) }
}

fn create_directory(directory: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        directory.ancestors().take_while(|path| *path != Path::new("") && !path.exists()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    for created in missing {
        sync_directory(directory_of(created))?;
    }
    Ok(())
}

/// Makes the names in a directory survive a power failure.
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_our_last_record_in_a_file_that_was_lost_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let mut disk = Disk::open(&path).unwrap();
        disk.create(LogFile::Current).unwrap();
        disk.append(LogFile::Current, b"ours").unwrap();
        let kept = || std::fs::read(directory.path().join("audit.jsonl.cut-1"));
        // What nobody else wrote on is only cut.
        disk.is_regained = true;
        disk.cut(LogFile::Current, 4).unwrap();
        assert!(kept().is_err() && !disk.is_regained);
        disk.append(LogFile::Current, b", theirs").unwrap();
        disk.is_regained = true;
        disk.cut(LogFile::Current, 4).unwrap();
        assert_eq!(
            (std::fs::read(&path).unwrap(), kept().unwrap()),
            (b"ours".to_vec(), b", theirs".to_vec())
        );
    }
}

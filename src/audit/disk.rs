//! The log's file, as the writer needs it: a port of a few operations, and the real one.
//!
//! The port exists so that tests can make each operation fail. Nothing here knows of lines.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What the writer does with its file.
pub(super) trait Storage: Send {
    /// The file's length.
    fn len(&mut self) -> io::Result<u64>;

    /// Fills `buffer` from the bytes at `offset`.
    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes `bytes` at the end. After an error any part of them may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Ends once everything written survives a power failure.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to `len` bytes.
    fn cut(&mut self, len: u64) -> io::Result<()>;

    /// Opens the file anew: after a failed sync the old handle no longer tells what is on the disk.
    fn reopen(&mut self) -> io::Result<()>;
}

/// A file of the operating system, locked against a second writer.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    /// Holds the lock for as long as the writer lives; `file` may be opened anew beside it.
    lock: File,
    file: File,
}

/// Why a file cannot be had.
#[derive(Debug)]
pub(super) enum DiskError {
    /// Somebody else writes it.
    Locked,
    /// What was attempted, and what the operating system said.
    Io(&'static str, io::Error),
}

impl Disk {
    /// Opens the file at `path` and locks it; creates it, readable by its owner alone, and its
    /// directory where they are missing, and makes their names durable.
    pub(super) fn open(path: &Path) -> Result<Self, DiskError> {
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        create_directory(directory)
            .map_err(|error| DiskError::Io("create its directory", error))?;
        let is_new = !path.exists();
        let lock = open_file(path).map_err(|error| DiskError::Io("open it", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DiskError::Locked),
            Err(TryLockError::Error(error)) => return Err(DiskError::Io("lock it", error)),
        }
        if is_new {
            sync_directory(directory).map_err(|error| DiskError::Io("create it", error))?;
        }
        let file = lock.try_clone().map_err(|error| DiskError::Io("open it", error))?;
        Ok(Self { path: path.to_owned(), lock, file })
    }
}

impl Storage for Disk {
    fn len(&mut self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut self.file, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn reopen(&mut self) -> io::Result<()> {
        let file = open_file(&self.path)?;
        let (new, locked) = (file.metadata()?, self.lock.metadata()?);
        if (new.dev(), new.ino()) != (locked.dev(), locked.ino()) {
            return Err(io::Error::other("another file has taken its place"));
        }
        self.file = file;
        Ok(())
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
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
        match created.parent() {
            Some(parent) if parent != Path::new("") => sync_directory(parent)?,
            _ => sync_directory(Path::new("."))?,
        }
    }
    Ok(())
}

/// Makes the names in a directory survive a power failure.
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

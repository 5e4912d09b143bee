//! A world that lasts: the state file.
//!
//! It is a page of our own (`header`) and behind it a database of redb, in which each change is one
//! transaction that is on the disk before it is answered. A process that is killed at any point
//! leaves a file that opens again with every change that was answered. One process at a time has it,
//! by a lock. Start at [`StateFile::find`] and [`StateFile::create`].
//!
//! When a change cannot be written, what is in memory is ahead of the disk; so the file is read again,
//! and what it says counts ([`StateFile::reload`]).

mod disk;
mod header;

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};

use self::disk::{Behind, Disk};
use self::header::{HEADER_BYTES, Standing, header};
use super::clock::ClockFacts;
use super::world::codec::{Stored, decoded, encoded};
use super::world::{Change, Restoring, SCHEMA, Table, World};

/// How much of the file redb keeps in memory: the world is there already, and a change touches little.
const CACHE_BYTES: usize = 4 << 20;

/// Its one entry is what is kept beside the world.
const BESIDE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("sandbox");

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct StateError {
    pub path: PathBuf,
    pub problem: StateProblem,
}

/// What is wrong with a state file.
#[derive(Debug, thiserror::Error)]
pub enum StateProblem {
    #[error("it cannot be read or written: {0}")]
    Io(#[from] io::Error),
    #[error("another process has it open: one sandbox at a time has a state file")]
    InUse,
    #[error("it is not a file")]
    NoFile,
    #[error(
        "it is not a state file of the sandbox, and is left as it is: name another one, which may be new"
    )]
    NotOurs,
    #[error(
        "it is a state file of schema {found}, and this program knows schema {SCHEMA} alone; it is left as it is: name another one, or use the program that made it"
    )]
    OtherSchema { found: u32 },
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("it holds a world already")]
    Taken,
}

/// What a state file holds.
#[derive(Debug)]
pub struct Kept {
    pub world: World,
    pub beside: Beside,
}

/// What is kept beside the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beside {
    /// How many changes were kept.
    pub number: u64,
    /// How many items a page has, where the world file said so.
    pub page_size: Option<usize>,
    pub clock: ClockFacts,
    /// What the studio's clock showed when the last change was made.
    pub shown: Timestamp,
}

/// The file in which a world is kept.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    /// Nothing, after something could not be written.
    database: Option<Database>,
    beside: Beside,
}

impl StateFile {
    /// Opens a state file with what it holds. Nothing, where there is no file, an empty one, or one that
    /// nobody came to use because its making was cut short.
    ///
    /// # Errors
    /// The file is not one, or of another version; then it is left as it is. It is in use, damaged, or
    /// cannot be read.
    pub fn find(path: &Path) -> Result<Option<(Self, Kept)>, StateError> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| at(path, error.into()))?,
        };
        let found = lock(&file).and_then(|()| {
            let disk: Arc<dyn Disk> = Arc::new(file);
            match header::read(&*disk)? {
                Standing::New => Ok(None),
                Standing::Whole => Self::of(path, disk).map(Some),
            }
        });
        found.map_err(|problem| at(path, problem))
    }

    /// Makes a state file for a world, readable and writable by its owner alone. It is there whole or
    /// not at all: until everything is on the disk, [`StateFile::find`] finds nothing in it.
    ///
    /// # Errors
    /// There is one already, somebody else makes it, or it cannot be written.
    pub fn create(path: &Path, world: &mut World, beside: Beside) -> Result<Self, StateError> {
        let mut made = || -> Result<Self, StateProblem> {
            let mut options = OpenOptions::new();
            let file = options
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(path)?;
            lock(&file)?;
            if header::read(&file)? == Standing::Whole {
                return Err(StateProblem::Taken);
            }
            file.set_permissions(Permissions::from_mode(0o600))?;
            sync_directory(path)?;
            Self::begin(path, Arc::new(file), world, beside)
        };
        made().map_err(|problem| at(path, problem))
    }

    fn begin(
        path: &Path,
        disk: Arc<dyn Disk>,
        world: &mut World,
        beside: Beside,
    ) -> Result<Self, StateProblem> {
        disk.set_len(0)?;
        disk.write_at(0, &header(Standing::New))?;
        disk.sync()?;
        world.track();
        let database = open(&disk)?;
        write(&database, &world.take_changes(), &beside).map_err(problem)?;
        disk.write_at(0, &header(Standing::Whole))?;
        disk.sync()?;
        Ok(Self { path: path.to_owned(), disk, database: Some(database), beside })
    }

    fn of(path: &Path, disk: Arc<dyn Disk>) -> Result<(Self, Kept), StateProblem> {
        let (database, kept) = opened(&disk)?;
        let (database, beside) = (Some(database), kept.beside);
        Ok((Self { path: path.to_owned(), disk, database, beside }, kept))
    }

    /// What was kept beside the world last.
    #[must_use]
    pub fn beside(&self) -> &Beside {
        &self.beside
    }

    /// Keeps changes, all of them or none, and returns when they are on the disk. It counts them.
    ///
    /// # Errors
    /// They could not be written, or not certainly: the file says which, when it is read again. Until
    /// then nothing more is kept.
    pub fn keep(&mut self, changes: &[Change], beside: Beside) -> Result<(), StateError> {
        let beside = Beside { number: self.beside.number + 1, ..beside };
        let lost = || io::Error::other("a change could not be written before").into();
        let database = self.database.take().ok_or_else(|| at(&self.path, lost()))?;
        write(&database, changes, &beside).map_err(|error| at(&self.path, problem(error)))?;
        (self.database, self.beside) = (Some(database), beside);
        Ok(())
    }

    /// Whether something could not be written, and the file was not read since.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.database.is_none()
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn reload(&mut self) -> Result<Kept, StateError> {
        // Closed first: two of them must not be open at once.
        self.database = None;
        let (database, kept) = opened(&self.disk).map_err(|problem| at(&self.path, problem))?;
        (self.database, self.beside) = (Some(database), kept.beside);
        Ok(kept)
    }
}

fn open(disk: &Arc<dyn Disk>) -> Result<Database, StateProblem> {
    let behind = Behind(Arc::clone(disk));
    let database = Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(behind);
    database.map_err(|error| problem(error.into()))
}

fn opened(disk: &Arc<dyn Disk>) -> Result<(Database, Kept), StateProblem> {
    if disk.len()? <= HEADER_BYTES {
        return Err(StateProblem::Damaged("it ends after its first page".to_owned()));
    }
    let database = open(disk)?;
    let kept = read(&database)?;
    Ok((database, kept))
}

fn write(database: &Database, changes: &[Change], beside: &Beside) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    for of_table in changes.chunk_by(|one, next| one.table == next.table) {
        let mut table = transaction.open_table(definition(of_table[0].table))?;
        for change in of_table {
            match &change.value {
                Some(value) => drop(table.insert(&change.key[..], &value[..])?),
                None => drop(table.remove(&change.key[..])?),
            }
        }
    }
    transaction.open_table(BESIDE)?.insert(&[][..], &encoded(beside)[..])?;
    transaction.commit()?;
    Ok(())
}

fn read(database: &Database) -> Result<Kept, StateProblem> {
    let damaged = |why: String| StateProblem::Damaged(why);
    let mut restoring = Restoring::default();
    let transaction = database.begin_read().map_err(|error| problem(error.into()))?;
    for table in Table::ALL {
        let opened = match transaction.open_table(definition(*table)) {
            // There is a table for what there was at some time.
            Err(TableError::TableDoesNotExist(_)) => continue,
            opened => opened.map_err(|error| problem(error.into()))?,
        };
        for entry in opened.iter().map_err(|error| problem(error.into()))? {
            let (key, value) = entry.map_err(|error| problem(error.into()))?;
            let taken = restoring.take(*table, key.value(), value.value());
            taken.map_err(|unreadable| damaged(unreadable.to_string()))?;
        }
    }
    let beside = transaction.open_table(BESIDE).map_err(|error| problem(error.into()))?;
    let beside = beside.get(&[][..]).map_err(|error| problem(error.into()))?;
    let beside =
        beside.ok_or_else(|| damaged("it does not say what its clock shows".to_owned()))?;
    let beside = decoded(beside.value()).map_err(|why| damaged(why.to_owned()))?;
    Ok(Kept { world: restoring.finish(), beside })
}

fn definition(table: Table) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(table.name())
}

/// What redb tells, in our words: either the disk does not do what it should, or the file is wrong.
fn problem(error: redb::Error) -> StateProblem {
    match error {
        redb::Error::Io(error) => match error.kind() {
            io::ErrorKind::InvalidData => StateProblem::Damaged(error.to_string()),
            io::ErrorKind::UnexpectedEof => StateProblem::Damaged("it ends too early".to_owned()),
            _ => error.into(),
        },
        error => StateProblem::Damaged(error.to_string()),
    }
}

fn at(path: &Path, problem: StateProblem) -> StateError {
    StateError { path: path.to_owned(), problem }
}

fn lock(file: &File) -> Result<(), StateProblem> {
    if !file.metadata()?.is_file() {
        return Err(StateProblem::NoFile);
    }
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(StateProblem::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Makes the name of a new file durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

impl Stored for Beside {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { number, page_size, clock, shown } = self;
        let ClockFacts { since, showed, speed, frozen } = clock;
        number.put(out);
        page_size.put(out);
        since.put(out);
        showed.put(out);
        speed.put(out);
        frozen.put(out);
        shown.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        Ok(Self {
            number: Stored::take(bytes)?,
            page_size: Stored::take(bytes)?,
            clock: ClockFacts {
                since: Stored::take(bytes)?,
                showed: Stored::take(bytes)?,
                speed: Stored::take(bytes)?,
                frozen: Stored::take(bytes)?,
            },
            shown: Stored::take(bytes)?,
        })
    }
}

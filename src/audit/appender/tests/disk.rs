//! A disk in memory that breaks each promise that a real one may break.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::audit::disk::Storage;
use crate::audit::files::LogFile;

/// What happens to the operation whose turn has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails, and nothing was done.
    Undone,
    /// It fails, although all of it was done.
    Done,
    /// It fails, and of what was to be written half is there.
    Half,
    /// The power fails before it: this and every later operation fails.
    Crash,
    /// The power fails after it.
    CrashAfter,
}

/// What a power failure leaves of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    /// Which of the changes of names that wait are durable all the same, one bit for each.
    pub(super) names: u32,
    /// What is left of bytes that wait.
    pub(super) bytes: Left,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Half,
    /// As many bytes, all zero.
    Zeros,
    /// As many bytes, of which the first are zero.
    Hole,
    All,
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<LogFile, usize>,
    durable_names: BTreeMap<LogFile, usize>,
    /// Changes of names since they were last synced.
    waiting: Vec<Change>,
    files: Vec<Bytes>,
    operations: usize,
    /// The operations that go wrong, and how.
    faults: BTreeMap<usize, Fault>,
    /// The operation that always fails, by its name.
    broken: Option<&'static str>,
    crashed: bool,
}

#[derive(Debug, Clone, Default)]
struct Bytes {
    now: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Create(LogFile, usize),
    Rename(LogFile, LogFile),
    Remove(LogFile),
}

impl Change {
    fn make(self, names: &mut BTreeMap<LogFile, usize>) {
        match self {
            Self::Create(file, id) => drop(names.insert(file, id)),
            Self::Rename(from, to) => {
                if let Some(id) = names.remove(&from) {
                    names.insert(to, id);
                }
            }
            Self::Remove(file) => drop(names.remove(&file)),
        }
    }
}

/// The disk; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct TestDisk(Arc<Mutex<State>>);

impl TestDisk {
    /// A disk that holds what this one does, apart from it.
    pub(super) fn copy(&self) -> Self {
        let state = self.lock();
        let copied = State {
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            waiting: state.waiting.clone(),
            files: state.files.clone(),
            ..State::default()
        };
        Self(Arc::new(Mutex::new(copied)))
    }

    /// How many operations there were.
    pub(super) fn operations(&self) -> usize {
        self.lock().operations
    }

    /// The operation with this number, from 0, and the `count` after it go wrong.
    pub(super) fn fail(&self, operation: usize, count: usize, fault: Fault) {
        self.lock().faults = (operation..operation + count).map(|number| (number, fault)).collect();
    }

    /// From now on this operation always fails, or none.
    pub(super) fn break_operation(&self, name: Option<&'static str>) {
        self.lock().broken = name;
    }

    /// Nothing goes wrong any more.
    pub(super) fn heal(&self) {
        self.lock().faults.clear();
    }

    /// After a power failure: what was not synced is lost as `loss` says.
    pub(super) fn restart(&self, loss: Loss) {
        let mut state = self.lock();
        let State { durable_names, waiting, files, .. } = &mut *state;
        for (number, change) in waiting.drain(..).enumerate() {
            if loss.names & (1 << number.min(31)) != 0 {
                change.make(durable_names);
            }
        }
        for Bytes { now, durable } in files.iter_mut() {
            let added = now.strip_prefix(durable.as_slice()).unwrap_or_default();
            match loss.bytes {
                Left::Nothing => {}
                Left::Half => durable.extend_from_slice(&added[..added.len() / 2]),
                // The first page is not there, and what came after it is.
                Left::Hole => {
                    // The first page of a file is all there is, or nothing.
                    let hole = if durable.is_empty() { added.len() } else { added.len() / 3 };
                    durable.resize(durable.len() + hole, 0);
                    durable.extend_from_slice(&added[hole..]);
                }
                Left::Zeros => durable.resize(durable.len() + added.len(), 0),
                Left::All => durable.clone_from(now),
            }
            now.clone_from(durable);
        }
        state.names = state.durable_names.clone();
        state.crashed = false;
        state.faults.clear();
        state.operations = 0;
    }

    /// How many changes of names wait to be durable.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(super) fn content(&self, file: LogFile) -> Option<Vec<u8>> {
        let state = self.lock();
        state.names.get(&file).map(|id| state.files[*id].now.clone())
    }

    pub(super) fn set_content(&self, file: LogFile, bytes: &[u8]) {
        let mut state = self.lock();
        let id = state.files.len();
        state.files.push(Bytes { now: bytes.to_vec(), durable: bytes.to_vec() });
        state.names.insert(file, id);
        state.durable_names.insert(file, id);
    }

    pub(super) fn take_away(&self, file: LogFile) {
        let mut state = self.lock();
        state.names.remove(&file);
        state.durable_names.remove(&file);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// One operation: counts it, and does it or not. `share` of what it has to write it writes.
    fn operate<T>(
        &self,
        name: &'static str,
        operation: impl FnOnce(&mut State, fn(usize) -> usize) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.lock();
        if state.crashed {
            return Err(io::Error::other("the power has failed"));
        }
        if state.broken == Some(name) {
            return Err(io::Error::other(format!("{name} is made to fail")));
        }
        let number = state.operations;
        state.operations += 1;
        let failed = || io::Error::other(format!("operation {number} is made to fail"));
        match state.faults.get(&number) {
            None => operation(&mut state, |bytes| bytes),
            Some(Fault::Undone) => Err(failed()),
            Some(Fault::Done) => operation(&mut state, |bytes| bytes).and(Err(failed())),
            Some(Fault::Half) => operation(&mut state, |bytes| bytes / 2).and(Err(failed())),
            Some(Fault::Crash) => {
                state.crashed = true;
                Err(failed())
            }
            Some(Fault::CrashAfter) => {
                let done = operation(&mut state, |bytes| bytes);
                state.crashed = true;
                done
            }
        }
    }

    fn change(
        &self,
        name: &'static str,
        change: impl FnOnce(&mut State) -> io::Result<Change>,
    ) -> io::Result<()> {
        self.operate(name, |state, _| {
            let change = change(state)?;
            change.make(&mut state.names);
            state.waiting.push(change);
            Ok(())
        })
    }
}

impl State {
    fn id(&self, file: LogFile) -> io::Result<usize> {
        self.names.get(&file).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn bytes(&mut self, file: LogFile) -> io::Result<&mut Bytes> {
        let id = self.id(file)?;
        Ok(&mut self.files[id])
    }
}

impl Storage for TestDisk {
    fn files(&mut self) -> io::Result<Vec<LogFile>> {
        self.operate("files", |state, _| Ok(state.names.keys().copied().collect()))
    }

    fn len(&mut self, file: LogFile) -> io::Result<u64> {
        self.operate("len", |state, _| Ok(state.bytes(file)?.now.len() as u64))
    }

    fn read_at(&mut self, file: LogFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.operate("read_at", |state, _| {
            let bytes = &state.bytes(file)?.now;
            let offset = usize::try_from(offset).unwrap();
            let found = bytes.get(offset..offset + buffer.len());
            buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn create(&mut self, file: LogFile) -> io::Result<()> {
        self.change("create", |state| {
            state.files.push(Bytes::default());
            Ok(Change::Create(file, state.files.len() - 1))
        })
    }

    fn append(&mut self, file: LogFile, bytes: &[u8]) -> io::Result<()> {
        self.operate("append", |state, share| {
            let written = &bytes[..share(bytes.len())];
            state.bytes(file)?.now.extend_from_slice(written);
            Ok(())
        })
    }

    fn sync(&mut self, file: LogFile) -> io::Result<()> {
        self.operate("sync", |state, _| {
            let bytes = state.bytes(file)?;
            bytes.durable.clone_from(&bytes.now);
            Ok(())
        })
    }

    fn cut(&mut self, file: LogFile, len: u64) -> io::Result<()> {
        self.operate("cut", |state, _| {
            state.bytes(file)?.now.truncate(usize::try_from(len).unwrap());
            Ok(())
        })
    }

    fn rename(&mut self, from: LogFile, to: LogFile) -> io::Result<()> {
        self.change("rename", |state| state.id(from).map(|_| Change::Rename(from, to)))
    }

    fn remove(&mut self, file: LogFile) -> io::Result<()> {
        self.change("remove", |state| state.id(file).map(|_| Change::Remove(file)))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.operate("sync_names", |state, _| {
            state.waiting.clear();
            state.durable_names = state.names.clone();
            Ok(())
        })
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.operate("reopen", |state, _| state.id(LogFile::Current).map(drop))
    }
}

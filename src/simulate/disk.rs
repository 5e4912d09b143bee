//! A disk that forgets: what was written counts only once it was synced.
//!
//! Each file has two contents, what a reader sees and what a power failure would leave; and so have the
//! names of the files. A crash keeps what is durable and a torn part of the rest, or none of it.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use super::faults::Fault;
use super::ground::{Ground, locked};
use super::lifeline::Lifeline;
use crate::audit::disk::Storage;
use crate::audit::files::LogFile;

/// How far from its end the log is searched for an intent.
const SEARCH_BYTES_MAX: usize = 1 << 20;

/// A file without its name.
#[derive(Debug, Default, Clone)]
struct Content {
    seen: Vec<u8>,
    /// How much of what is seen is durable; all after it is not.
    durable: usize,
    /// What is durable beyond what is seen: it was cut, and that was not synced.
    uncut: Vec<u8>,
}

#[derive(Debug, Default)]
struct Files {
    contents: Vec<Content>,
    names: BTreeMap<LogFile, usize>,
    /// What a power failure would leave of the names that were changed since they were synced.
    unsynced: BTreeMap<LogFile, Option<usize>>,
    /// How often something was taken away that may have been read.
    losses: u64,
}

/// How far the log was read.
#[derive(Debug, Default)]
pub(super) struct Place {
    losses: u64,
    /// The last of the older files, since those before it are read to their end.
    older: Option<LogFile>,
    /// How many bytes of each content.
    read: BTreeMap<usize, usize>,
}

impl Files {
    fn content(&mut self, file: LogFile) -> io::Result<&mut Content> {
        let number = self.names.get(&file).ok_or(io::ErrorKind::NotFound)?;
        self.contents.get_mut(*number).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Gives a content a name, or takes the name away; returns whose it was.
    fn name(&mut self, file: LogFile, number: Option<usize>) -> Option<usize> {
        let before = match number {
            Some(number) => self.names.insert(file, number),
            None => self.names.remove(&file),
        };
        self.unsynced.entry(file).or_insert(before);
        before
    }

    /// The files in which there may be something after a place, the oldest first.
    fn names_after(&self, place: &Place) -> impl Iterator<Item = (&LogFile, &usize)> + use<'_> {
        let unread = (place.older.map_or(Bound::Unbounded, Bound::Included), Bound::Unbounded);
        self.names.range(unread).filter(|(name, _)| **name != LogFile::Next)
    }

    /// The contents that a power failure would leave a name, the newest first.
    fn durable(&self) -> impl Iterator<Item = &Content> {
        let synced = self.names.iter().rev();
        let synced = synced.filter(|(name, _)| !self.unsynced.contains_key(name));
        let unsynced = self.unsynced.values().rev().flatten();
        let numbers = unsynced.chain(synced.map(|(_, number)| number));
        numbers.filter_map(|number| self.contents.get(*number))
    }
}

/// The disk, which outlives the daemon.
#[derive(Debug, Clone, Default)]
pub(super) struct DiskHandle(Arc<Mutex<Files>>);

impl DiskHandle {
    /// Whether the log holds the intent of a call where a power failure would not take it.
    pub(super) fn holds_durably(&self, token: &str) -> bool {
        let files = locked(&self.0);
        files.durable().any(|Content { seen, durable, .. }| {
            let from = durable.saturating_sub(SEARCH_BYTES_MAX);
            // From the end: what is looked for was just written.
            let lines = seen[from..*durable].rsplit(|byte| *byte == b'\n');
            let mut lines = lines.filter_map(|line| std::str::from_utf8(line).ok());
            lines.any(|line| line.contains(token) && line.contains(".intended\""))
        })
    }

    /// Shows every whole line of the log, oldest first. What is torn is the writer's to cut.
    pub(super) fn each_line(&self, show: impl FnMut(&[u8])) {
        self.each_line_from(&mut Place::default(), show);
    }

    /// Whether all that was read up to a place is there still.
    pub(super) fn still_holds(&self, place: &Place) -> bool {
        locked(&self.0).losses == place.losses
    }

    /// How much there is after a place.
    pub(super) fn unread(&self, place: &Place) -> usize {
        let files = locked(&self.0);
        let unread = files.names_after(place).map(|(_, number)| {
            let read = place.read.get(number).copied().unwrap_or_default();
            files.contents[*number].seen.len().saturating_sub(read)
        });
        unread.sum()
    }

    /// Shows every whole line of the log after a place, and moves the place behind the last.
    pub(super) fn each_line_from(&self, place: &mut Place, mut show: impl FnMut(&[u8])) {
        let files = locked(&self.0);
        place.losses = files.losses;
        for (name, number) in files.names_after(place) {
            if matches!(name, LogFile::Older(_)) {
                place.older = Some(*name);
            }
            let read = place.read.entry(*number).or_default();
            let mut rest = &files.contents[*number].seen[*read..];
            while let Some((line, after)) = first_line(rest) {
                *read += line.len();
                rest = after;
                show(line);
            }
        }
    }

    /// The power fails.
    pub(super) fn crash(&self, ground: &Ground) {
        let mut files = locked(&self.0);
        let unsynced = std::mem::take(&mut files.unsynced);
        let is_changed =
            |(name, left): (&LogFile, &Option<usize>)| files.names.get(name) != left.as_ref();
        let mut is_loss = unsynced.iter().any(is_changed);
        if is_loss && ground.draw(|chance| chance.once_in(2)) {
            ground.count(Fault::LostWrite);
            for (name, left) in unsynced {
                files.name(name, left);
            }
            files.unsynced.clear();
        }
        for content in &mut files.contents {
            is_loss |= content.is_in_doubt();
            content.crash(ground);
        }
        files.losses += u64::from(is_loss);
    }
}

/// The first whole line, with its newline, and what comes after it.
fn first_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = (&mut &*bytes).skip_until(b'\n').ok()?;
    let (line, after) = bytes.split_at(len);
    line.ends_with(b"\n").then_some((line, after))
}

impl Content {
    /// Whether what a reader sees is not what a power failure leaves.
    fn is_in_doubt(&self) -> bool {
        self.seen.len() > self.durable || !self.uncut.is_empty()
    }

    fn crash(&mut self, ground: &Ground) {
        let loose = self.seen.len() - self.durable;
        let kept =
            ground.draw(|chance| if chance.once_in(3) { 0 } else { chance.below(loose + 1) });
        if loose > 0 {
            ground.count(if kept == 0 { Fault::LostWrite } else { Fault::TornWrite });
        }
        self.seen.truncate(self.durable + kept);
        if kept == 0 {
            self.seen.append(&mut self.uncut);
        }
        self.uncut.clear();
        self.durable = self.seen.len();
    }

    fn cut(&mut self, len: usize) {
        if len < self.durable {
            self.uncut = self.seen[len..self.durable].to_vec();
            self.durable = len;
        }
        self.seen.truncate(len);
    }
}

/// The disk as one life of the daemon has it open.
#[derive(Debug)]
pub(super) struct OpenDisk {
    files: DiskHandle,
    ground: Arc<Ground>,
    lifeline: Arc<Lifeline>,
}

impl OpenDisk {
    pub(super) fn new(files: DiskHandle, ground: Arc<Ground>, lifeline: Arc<Lifeline>) -> Self {
        Self { files, ground, lifeline }
    }

    /// Each operation is a point at which the life may end, before it or after it.
    fn pass(&self) -> io::Result<()> {
        if self.lifeline.is_over() { Err(io::Error::other("the life is over")) } else { Ok(()) }
    }

    fn fault(&self, fault: Fault, kind: io::ErrorKind) -> io::Result<()> {
        if self.ground.strikes(fault) { Err(kind.into()) } else { Ok(()) }
    }

    /// Does something with the files, between two points.
    fn with<T>(&self, act: impl FnOnce(&mut Files) -> io::Result<T>) -> io::Result<T> {
        self.pass()?;
        let done = act(&mut locked(&self.files.0));
        self.pass()?;
        done
    }
}

impl Storage for OpenDisk {
    fn files(&mut self) -> io::Result<Vec<LogFile>> {
        self.with(|files| Ok(files.names.keys().copied().collect()))
    }

    fn len(&mut self, file: LogFile) -> io::Result<u64> {
        self.with(|files| Ok(files.content(file)?.seen.len() as u64))
    }

    fn read_at(&mut self, file: LogFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(|files| {
            let content = files.content(file)?;
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            let found = content.seen.get(from..).and_then(|rest| rest.get(..buffer.len()));
            buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn create(&mut self, file: LogFile) -> io::Result<()> {
        self.fault(Fault::WriteFails, io::ErrorKind::Other)?;
        self.with(|files| {
            files.contents.push(Content::default());
            let number = files.contents.len() - 1;
            files.name(file, Some(number));
            Ok(())
        })
    }

    fn append(&mut self, file: LogFile, bytes: &[u8]) -> io::Result<()> {
        self.fault(Fault::WriteFails, io::ErrorKind::Other)?;
        let full = self.fault(Fault::DiskFull, io::ErrorKind::StorageFull);
        let written = match full {
            Ok(()) => bytes.len(),
            Err(_) => self.ground.draw(|chance| chance.below(bytes.len())),
        };
        self.with(|files| {
            files.content(file)?.seen.extend_from_slice(&bytes[..written]);
            full
        })
    }

    fn sync(&mut self, file: LogFile) -> io::Result<()> {
        self.fault(Fault::SyncFails, io::ErrorKind::Other)?;
        self.with(|files| {
            let content = files.content(file)?;
            content.durable = content.seen.len();
            content.uncut.clear();
            Ok(())
        })
    }

    fn cut(&mut self, file: LogFile, len: u64) -> io::Result<()> {
        self.with(|files| {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let content = files.content(file)?;
            let is_loss = len < content.seen.len();
            content.cut(len);
            files.losses += u64::from(is_loss);
            Ok(())
        })
    }

    fn rename(&mut self, from: LogFile, to: LogFile) -> io::Result<()> {
        self.fault(Fault::WriteFails, io::ErrorKind::Other)?;
        self.with(|files| {
            let number = files.name(from, None).ok_or(io::ErrorKind::NotFound)?;
            // What was the current file may have been read, and is taken away by what takes its place.
            files.losses += u64::from(files.name(to, Some(number)).is_some());
            Ok(())
        })
    }

    fn remove(&mut self, file: LogFile) -> io::Result<()> {
        self.with(|files| {
            files.name(file, None).ok_or(io::ErrorKind::NotFound)?;
            files.losses += u64::from(file != LogFile::Next);
            Ok(())
        })
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.fault(Fault::SyncFails, io::ErrorKind::Other)?;
        self.with(|files| {
            files.unsynced.clear();
            Ok(())
        })
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.fault(Fault::OpenFails, io::ErrorKind::Other)?;
        self.pass()
    }
}

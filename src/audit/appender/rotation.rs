//! Goes on in a new file: the old one gets a number, the new one begins with a checkpoint.
//!
//! The new file is written whole under a name that nobody reads, and made durable, before any name
//! is changed. Then the current file becomes an older one, and the new one the current, each made
//! durable before the next. So whatever breaks off in between leaves the old file with all its
//! records, as the current one or as the last of the older ones, and nothing but a checkpoint beside
//! it; undoing that is enough, here after a failure and in `recall` after a crash.
//!
//! A rotation that fails fails nothing else: the log goes on in the old file, and tries again later.

use std::io;

use jiff::{SignedDuration, Timestamp};

use super::{Appender, Group};
use crate::audit::files::LogFile;
use crate::audit::recall::Current;
use crate::policy::AuditRotation;

/// How long after a failed rotation the next is tried. It writes a checkpoint, which is not to be
/// done with every record while a disk is full.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// A file has at least so many times the bytes of its checkpoint before its size is a reason to
/// rotate, or a large checkpoint and a small bound would lead to nothing but checkpoints.
const CHECKPOINTS_MIN: u64 = 4;

impl Appender {
    /// From now on it is time to when this says so.
    pub(in crate::audit) fn rotate_by(&mut self, rotation: AuditRotation) {
        self.rotation = rotation;
    }

    /// Goes on in a new file if it is time to. Where that fails it is said, and the log goes on in
    /// the old one.
    pub(in crate::audit) fn rotate_if_due(&mut self) {
        let Some(now) = self.current.last.filter(|now| self.is_rotation_due(*now)) else { return };
        match self.rotate(now) {
            Ok(()) => {
                self.rotation_failed = None;
                let Current { first, .. } = self.current;
                tracing::info!(first, "the audit log goes on in a new file");
                self.tell_head();
            }
            Err(error) => {
                tracing::error!(%error, "the audit log could not go on in a new file");
                self.rotation_failed = Some((now, error.to_string()));
                if let Err(error) = self.undo_rotation() {
                    // The next commit tries again, before anything is written.
                    tracing::error!(%error, "the files of the audit log are not settled");
                }
            }
        }
    }

    /// Time is that of the records, so no clock is needed, and none can go wrong between them.
    fn is_rotation_due(&self, now: Timestamp) -> bool {
        let Current { since, head_len, .. } = self.current;
        let failed = self.rotation_failed.as_ref().map(|(at, _)| at.duration_until(now).abs());
        if self.doubtful || failed.is_some_and(|since| since < AGAIN_AFTER) {
            return false;
        }
        let size = self.rotation.size.map(|size| size.max(head_len * CHECKPOINTS_MIN));
        let age = since.map(|since| since.duration_until(now));
        size.is_some_and(|size| self.len >= size)
            || self.rotation.age.zip(age).is_some_and(|(bound, age)| age >= bound)
    }

    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        let mut group = Group { bytes: Vec::new(), chain: self.chain.clone() };
        group.push(&self.past.checkpoint(now)).map_err(|error| io::Error::other(error.detail))?;
        let older = LogFile::Older(self.current.first);
        if self.storage.files()?.contains(&older) {
            return Err(io::Error::other("a file has its number already"));
        }
        self.storage.create(LogFile::Next)?;
        self.storage.append(LogFile::Next, &group.bytes)?;
        self.storage.sync(LogFile::Next)?;
        // Where names cannot be made durable that shows here, before any is changed.
        self.storage.sync_names()?;
        self.unsettled = true;
        self.doubtful = true;
        self.storage.rename(LogFile::Current, older)?;
        self.storage.sync_names()?;
        self.storage.rename(LogFile::Next, LogFile::Current)?;
        self.storage.sync_names()?;
        self.unsettled = false;
        self.doubtful = false;
        let first = self.chain.sequence + 1;
        self.len = group.bytes.len() as u64;
        self.echo(&group.bytes);
        self.chain = group.chain;
        self.current = Current { first, since: Some(now), head_len: self.len, last: Some(now) };
        Ok(())
    }

    /// Makes the old file the current one again, whatever became of the new one: it holds every
    /// record, and the new one holds none that was asked for.
    pub(super) fn undo_rotation(&mut self) -> io::Result<()> {
        let files = self.storage.files()?;
        let older = LogFile::Older(self.current.first);
        if self.unsettled && files.contains(&older) {
            self.storage.rename(older, LogFile::Current)?;
        }
        if files.contains(&LogFile::Next) {
            // What remains is written over by the next rotation, or removed at the next start.
            let _ = self.storage.remove(LogFile::Next);
        }
        if self.unsettled {
            // Until then a crash might bring back the new file, without what is written from now on.
            self.storage.sync_names()?;
            self.unsettled = false;
        }
        Ok(())
    }
}

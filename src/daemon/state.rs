//! The directory in which the daemon keeps what is not the audit log, and which it has for itself.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::files::{self, Exposed, FileLock};

/// The file whose lock says that a daemon runs; in it stands which.
const LOCK: &str = "lock";

/// A state directory that is this process's alone, for as long as this lives.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    lock: FileLock,
}

/// Why there is no state directory.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another daemon has it.
    #[error(
        "another lightsout{} runs with the state directory {}; end that one first, or give this one \
         a `state_dir` of its own in `[daemon]`",
        process.as_ref().map_or(String::new(), |process| format!(" (process {process})")),
        path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The number of the other process, as it says itself.
        process: Option<u32>,
    },
    /// Others may change it.
    #[error("the state directory {0}")]
    Exposed(Exposed),
    /// The operating system refused.
    #[error(
        "cannot {attempt} the state directory {}; name one that may be written as `state_dir` in \
         `[daemon]`",
        path.display()
    )]
    Io {
        /// The directory.
        path: PathBuf,
        /// What was attempted.
        attempt: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl StateDir {
    /// Takes the directory for this process; creates it, for its owner alone, where it is missing.
    ///
    /// # Errors
    /// Another daemon has it, others may change it, or the operating system refuses.
    pub fn take(path: &Path) -> Result<Self, StateError> {
        let io = |attempt| move |source| StateError::Io { path: path.to_owned(), attempt, source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io("create"))?;
        if let Some(exposed) = files::exposed_at(path).map_err(io("look at"))? {
            return Err(StateError::Exposed(exposed));
        }
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(lock_file(path))
            .map_err(io("open the lock of"))?;
        let held = lock.try_clone().map_err(io("open the lock of"))?;
        let held = FileLock::take(held).map_err(|error| match error {
            TryLockError::WouldBlock => {
                let process = process(&mut lock);
                StateError::Locked { path: path.to_owned(), process }
            }
            TryLockError::Error(error) => io("lock")(error),
        })?;
        lock.set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(io("write to"))?;
        Ok(Self { path: path.to_owned(), lock: held })
    }

    /// Whether what others would lock is still what this process has locked: the directory may have been
    /// removed, and made anew by another.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        let there = fs::metadata(lock_file(&self.path));
        let is_same = |there: &Metadata, ours: &Metadata| {
            (there.dev(), there.ino()) == (ours.dev(), ours.ino())
        };
        there.ok().zip(self.lock.file().metadata().ok()).is_some_and(|(a, b)| is_same(&a, &b))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The file whose lock a daemon has that runs with this state directory.
#[must_use]
pub fn lock_file(state: &Path) -> PathBuf {
    state.join(LOCK)
}

/// What the process that has the lock wrote into it.
fn process(lock: &mut File) -> Option<u32> {
    /// More than any number of a process has.
    const DIGITS_MAX: u64 = 20;
    let mut text = String::new();
    lock.take(DIGITS_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Replaces a file by one with this text, so that nobody ever reads a part of it.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    // A power failure must not leave the name without the text.
    file.sync_data()?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_missing_directory_is_made_for_its_owner_alone() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("a/state");
        let state = StateDir::take(&path).unwrap();
        assert_eq!(state.path(), path);
        let modes = [mode(&base.path().join("a")), mode(&path), mode(&path.join(LOCK))];
        assert_eq!(modes, [0o700, 0o700, 0o600]);
    }

    #[test]
    fn a_second_process_is_told_who_has_it_until_it_is_free() {
        let base = tempfile::tempdir().unwrap();
        let first = StateDir::take(base.path()).unwrap();
        let error = StateDir::take(base.path()).unwrap_err().to_string();
        let expected = format!(
            "another lightsout (process {}) runs with the state directory {}; end that one first, or \
             give this one a `state_dir` of its own in `[daemon]`",
            std::process::id(),
            base.path().display()
        );
        assert_eq!(error, expected);
        assert!(first.is_ours());
        fs::remove_file(base.path().join(LOCK)).unwrap();
        assert!(!first.is_ours());
        let second = StateDir::take(base.path()).unwrap();
        assert!(!first.is_ours() && second.is_ours());
        drop(second);
        drop(first);
        StateDir::take(base.path()).unwrap();
    }

    #[test]
    fn a_directory_that_others_may_write_is_refused() {
        let base = tempfile::tempdir().unwrap();
        for open in [0o720, 0o702, 0o1777] {
            fs::set_permissions(base.path(), fs::Permissions::from_mode(open)).unwrap();
            let error = StateDir::take(base.path()).unwrap_err().to_string();
            let place = base.path().display();
            assert_eq!(
                error,
                format!(
                    "the state directory {place} may be written by others, since its mode is {open:04o}; type: chmod go-w {place}"
                )
            );
        }
        assert!(!base.path().join(LOCK).exists());
    }

    #[test]
    fn what_is_not_a_directory_is_refused_with_what_to_type() {
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join("file");
        fs::write(&file, "").unwrap();
        let error = StateDir::take(&file).unwrap_err().to_string();
        assert!(error.starts_with("cannot create the state directory"), "{error}");
        assert!(error.contains("`state_dir`"), "{error}");
    }

    #[test]
    fn a_file_is_replaced_whole_and_is_its_owner_s_alone() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("health.json");
        replace(&path, "one").unwrap();
        replace(&path, "two").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("two", 0o600));
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 1);
    }
}

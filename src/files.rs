//! Whose a file is: whether anybody but its owner and root may change it, and who has locked it.
//!
//! A policy says what is stopped, and the state and the log say what was: who may write them may do so
//! too. Metadata is judged as it was read, of the file itself behind any links; the words say what to
//! type.

use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const ROOT: u32 = 0;

/// What lets others change a file or a directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Exposed {
    /// Its mode.
    #[error("{} may be written by others, since its mode is {mode:04o}; type: chmod go-w {}", path.display(), path.display())]
    Mode {
        /// What it is about.
        path: PathBuf,
        /// The bits of permission.
        mode: u32,
    },
    /// Its mode, where nobody else may read it.
    #[error("{} may be read by others, since its mode is {mode:04o}; type: chmod go= {}", path.display(), path.display())]
    Readable {
        /// What it is about.
        path: PathBuf,
        /// The bits of permission.
        mode: u32,
    },
    /// The mode of the directory that holds it: who may write there may put another in its place.
    #[error("{} may be replaced by anybody, since the mode of its directory is {mode:04o}; type: chmod o-w {}", path.display(), directory.display())]
    Directory {
        /// What it is about.
        path: PathBuf,
        /// Where it is.
        directory: PathBuf,
        /// The bits of permission of the directory.
        mode: u32,
    },
    /// Its owner.
    #[error("{} belongs to user {owner}, and neither to root nor to user {us}, who runs this; {}", path.display(), remedy(path, *owner, *us))]
    Owner {
        /// What it is about.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
        /// The number of the user who runs the program.
        us: u32,
    },
}

/// What helps where something belongs to another: root, who may give it away, would take it from the one
/// who needs it.
fn remedy(path: &Path, owner: u32, us: u32) -> String {
    if us == ROOT {
        return format!("run it as that user: sudo -u '#{owner}' lightsout ...");
    }
    format!("type: chown {us} {}", path.display())
}

/// Whether the members of a file's group may write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupMayWrite {
    /// Never.
    Never,
    /// Where it is the owner's private group, which has the number of its owner: nobody else is in it.
    OwnersPrivate,
}

/// What the metadata of a file or a directory says of who may change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Permissions {
    mode: u32,
    owner: u32,
    group: u32,
}

impl From<&Metadata> for Permissions {
    fn from(metadata: &Metadata) -> Self {
        Self { mode: metadata.mode() & 0o7777, owner: metadata.uid(), group: metadata.gid() }
    }
}

/// What lets others change the file or directory of this metadata, if anything does.
#[must_use]
pub fn exposed(path: &Path, metadata: &Metadata, group: GroupMayWrite) -> Option<Exposed> {
    judge(path, metadata.into(), group, rustix::process::geteuid().as_raw())
}

/// The directory in which a path is.
#[must_use]
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

/// What lets others put another file in the place of this one, if anything does: the directory of its
/// name, and that of the file behind a link.
#[must_use]
pub fn replaceable(path: &Path) -> Option<Exposed> {
    let behind = fs::canonicalize(path).ok();
    let places = [Some(path), behind.as_deref()].into_iter().flatten();
    places.map(directory_of).find_map(|directory| {
        let permissions = Permissions::from(&fs::metadata(directory).ok()?);
        judge_directory(path, directory, permissions)
    })
}

/// Judges what is at a path and must be its owner's alone.
///
/// # Errors
/// What the operating system says, but that nothing is there.
pub fn exposed_at(path: &Path) -> io::Result<Option<Exposed>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(exposed(path, &metadata, GroupMayWrite::Never)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Judges a directory in which others must not put one file in the place of another. In one with the sticky
/// bit nobody but its owner can.
///
/// # Errors
/// What the operating system says, but that nothing is there.
pub fn directory_exposed_at(path: &Path) -> io::Result<Option<Exposed>> {
    let found: Permissions = match fs::metadata(path) {
        Ok(metadata) => (&metadata).into(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mode = if found.mode & 0o1000 == 0 { found.mode } else { found.mode & !0o022 };
    let us = rustix::process::geteuid().as_raw();
    Ok(judge(path, Permissions { mode, ..found }, GroupMayWrite::OwnersPrivate, us))
}

/// A file that nobody else has locked for as long as this lives.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Locks a file, without waiting for whoever has it.
    ///
    /// # Errors
    /// Somebody else has it, or the operating system refuses.
    pub fn take(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }

    /// What is locked.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for FileLock {
    /// A child process has its parent's files until it becomes a program of its own, and would keep the
    /// lock of one that is merely closed.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "a lock ends only with the last process that has the file");
        }
    }
}

/// Judges what is at a path and only its owner may read or change. The group of whoever runs the program
/// may read it, too: that is how secrets are handed to a service that is not root.
///
/// # Errors
/// What the operating system says, but that nothing is there.
pub fn readable_at(path: &Path) -> io::Result<Option<Exposed>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let found = exposed(path, &metadata, GroupMayWrite::Never);
    let ours = rustix::process::getegid().as_raw();
    Ok(found.or_else(|| judge_secret(path, (&metadata).into(), ours)))
}

fn judge_secret(path: &Path, found: Permissions, our_group: u32) -> Option<Exposed> {
    let forbidden = if found.group == our_group { 0o004 } else { 0o044 };
    let path = path.to_owned();
    (found.mode & forbidden != 0).then_some(Exposed::Readable { path, mode: found.mode })
}

fn judge(path: &Path, found: Permissions, group: GroupMayWrite, us: u32) -> Option<Exposed> {
    let Permissions { mode, owner, group: group_id } = found;
    let path = path.to_owned();
    if owner != ROOT && owner != us {
        return Some(Exposed::Owner { path, owner, us });
    }
    let is_private = group == GroupMayWrite::OwnersPrivate && group_id == owner;
    let forbidden = if is_private { 0o002 } else { 0o022 };
    (mode & forbidden != 0).then_some(Exposed::Mode { path, mode })
}

/// In a directory with the sticky bit, as `/tmp` has it, nobody replaces what is another's.
fn judge_directory(path: &Path, directory: &Path, found: Permissions) -> Option<Exposed> {
    let mode = found.mode;
    let is_open = mode & 0o002 != 0 && mode & 0o1000 == 0;
    let (path, directory) = (path.to_owned(), directory.to_owned());
    is_open.then_some(Exposed::Directory { path, directory, mode })
}

/// How much may be written to a file system.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// How many bytes are free.
    pub free: u64,
    /// How many it has in all.
    pub total: u64,
    /// Whether nothing may be written, however many are free.
    pub is_read_only: bool,
}

impl Room {
    /// Less than that is nearly none.
    pub const LEAST: u64 = 10 * 1024 * 1024;

    /// That of the file system that has this path.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn at(path: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(path)?;
        Ok(Self {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            total: found.f_blocks.saturating_mul(found.f_frsize),
            is_read_only: found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
        })
    }

    /// What prevents that anything is written, or soon will. A small file system is not full for being small.
    #[must_use]
    pub fn trouble(self) -> Option<String> {
        if self.is_read_only {
            return Some("it may only be read".to_owned());
        }
        let is_short = self.free < Self::LEAST.min(self.total / 100);
        is_short.then(|| format!("{} kB of it are free", self.free / 1000))
    }
}

/// Who has locked a file, as the kernel lists it: to try the lock would be to have it for a moment. A process that
/// cannot be seen from here is not listed.
///
/// # Errors
/// The file, or the list, cannot be read.
pub fn lock_holder(lock: &Path) -> io::Result<Option<String>> {
    let metadata = match fs::metadata(lock) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let inode = format!(":{}", metadata.ino());
    let locks = fs::read_to_string("/proc/locks")?;
    // As in `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`.
    let found = locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut found = found.filter(|parts| parts.get(1) == Some(&"FLOCK"));
    let is_it = |parts: &Vec<&str>| parts.get(5).is_some_and(|place| place.ends_with(&inode));
    Ok(found.find(is_it).and_then(|parts| parts.get(4).map(|process| (*process).to_owned())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_system_that_is_full_or_may_only_be_read_is_troubled_and_a_small_one_is_not() {
        let trouble = |free, total, is_read_only| Room { free, total, is_read_only }.trouble();
        assert_eq!(trouble(1 << 40, 1 << 40, true).as_deref(), Some("it may only be read"));
        assert_eq!(trouble(9_999_000, 1 << 40, false).as_deref(), Some("9999 kB of it are free"));
        assert_eq!(trouble(Room::LEAST, 1 << 40, false), None);
        assert_eq!((trouble(32_768, 65_536, false), trouble(0, 0, false)), (None, None));
        assert!(trouble(0, 65_536, false).is_some());
        assert!(Room::at(Path::new(".")).unwrap().total > 0);
    }

    fn said(mode: u32, owner: u32, group: u32, may: GroupMayWrite) -> Option<String> {
        let found = Permissions { mode, owner, group };
        judge(Path::new("policy.toml"), found, may, 1000).map(|exposed| exposed.to_string())
    }

    #[test]
    fn a_lock_ends_although_a_child_still_has_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let open = || File::options().create(true).append(true).open(&path).unwrap();
        let file = open();
        // What a child has until it becomes a program of its own is such a copy.
        let _childs = file.try_clone().unwrap();
        let lock = FileLock::take(file).unwrap();
        assert!(matches!(FileLock::take(open()), Err(TryLockError::WouldBlock)));
        drop(lock);
        assert!(FileLock::take(open()).is_ok());
    }

    #[test]
    fn a_file_is_its_owner_s_alone_and_root_s() {
        use GroupMayWrite::{Never, OwnersPrivate};
        for mode in [0o600, 0o644, 0o755, 0o400] {
            assert_eq!(said(mode, 1000, 100, Never), None, "{mode:o}");
            assert_eq!(said(mode, 0, 0, OwnersPrivate), None, "{mode:o}");
        }
        assert_eq!(said(0o664, 1000, 1000, OwnersPrivate), None);
        for (mode, group, may) in [
            (0o664, 1000, Never),
            (0o664, 100, OwnersPrivate),
            (0o646, 1000, OwnersPrivate),
            (0o622, 1000, Never),
        ] {
            let expected = format!(
                "policy.toml may be written by others, since its mode is {mode:04o}; type: chmod go-w policy.toml"
            );
            assert_eq!(said(mode, 1000, group, may), Some(expected));
        }
        assert_eq!(
            said(0o600, 1001, 1001, OwnersPrivate).as_deref(),
            Some(
                "policy.toml belongs to user 1001, and neither to root nor to user 1000, who runs this; \
                 type: chown 1000 policy.toml"
            )
        );
    }

    #[test]
    fn a_secret_is_read_by_its_owner_and_by_the_group_that_runs_the_program() {
        let said = |mode: u32, group: u32| {
            let found = Permissions { mode, owner: 1000, group };
            judge_secret(Path::new("token"), found, 1000).map(|exposed| exposed.to_string())
        };
        assert_eq!((said(0o600, 1000), said(0o440, 1000), said(0o400, 0)), (None, None, None));
        assert!(said(0o604, 1000).is_some() && said(0o640, 100).is_some());
        assert_eq!(
            said(0o644, 1000).as_deref(),
            Some("token may be read by others, since its mode is 0644; type: chmod go= token")
        );
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_anybody_may_replace_is_exposed_unless_the_directory_is_sticky() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("policy.toml");
        fs::write(&file, "").unwrap();
        for (mode, is_replaceable) in
            [(0o755, false), (0o777, true), (0o1777, false), (0o700, false)]
        {
            set_mode(directory.path(), mode);
            assert_eq!(replaceable(&file).is_some(), is_replaceable, "{mode:o}");
        }
        set_mode(directory.path(), 0o777);
        let said = replaceable(&file).unwrap().to_string();
        let (file, place) = (file.display(), directory.path().display());
        assert_eq!(
            said,
            format!(
                "{file} may be replaced by anybody, since the mode of its directory is 0777; type: chmod o-w {place}"
            )
        );
    }

    #[test]
    fn behind_a_link_both_places_count() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (link, file) = (here.path().join("link.toml"), there.path().join("policy.toml"));
        fs::write(&file, "").unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(replaceable(&link), None);
        set_mode(there.path(), 0o777);
        assert!(replaceable(&link).is_some());
        set_mode(there.path(), 0o755);
        set_mode(here.path(), 0o777);
        assert!(replaceable(&link).is_some());
        set_mode(&file, 0o666);
        let metadata = fs::metadata(&link).unwrap();
        assert!(exposed(&link, &metadata, GroupMayWrite::OwnersPrivate).is_some());
    }

    #[test]
    fn a_directory_is_its_owner_s_alone_unless_it_is_sticky() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for (mode, is_exposed) in [(0o755, false), (0o777, true), (0o757, true), (0o1777, false)] {
            set_mode(path, mode);
            assert_eq!(directory_exposed_at(path).unwrap().is_some(), is_exposed, "{mode:o}");
        }
        assert_eq!(directory_exposed_at(&path.join("nothing")).unwrap(), None);
    }

    #[test]
    fn what_is_not_there_is_not_exposed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("log");
        assert_eq!(exposed_at(&file).unwrap(), None);
        fs::write(&file, "").unwrap();
        set_mode(&file, 0o602);
        assert!(matches!(exposed_at(&file), Ok(Some(Exposed::Mode { mode: 0o602, .. }))));
        assert!(exposed_at(&file.join("below")).is_err());
    }
}

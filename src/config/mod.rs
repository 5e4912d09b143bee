//! The configuration file: from TOML text to a validated [`Policy`], or to every mistake in it.
//!
//! Reading has two phases. `file` reads the spanned TOML tree field by field and judges each value
//! by itself; `lower` judges what is absent, what refers to something else and what contradicts
//! something else. Both note diagnostics and go on, so that one run shows all of them. Nothing here
//! knows of sessions, providers or the command line, and no diagnostic repeats a secret. Start at
//! [`parse`], then read `file::File` and `lower::lower`.

mod diagnostic;
mod file;
mod foresight;
mod ics;
mod lower;
mod render;
pub mod schema;
mod secrets;
mod size;
mod suggest;
mod syntax;
mod table;
mod value;

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use toml::de::DeTable;

pub use self::diagnostic::{Diagnostic, Diagnostics, Label, Severity, Span};
pub use self::lower::STATE_DIR;

use self::diagnostic::Sink;
use crate::files::{self, Exposed, GroupMayWrite};
use crate::ids::PolicyHash;
use crate::policy::Policy;

/// The largest file that is read: far more than a thousand studios need, and little enough that a
/// wrong path cannot fill the memory.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// A file that took effect.
#[derive(Debug)]
pub struct Loaded {
    /// What it says.
    pub policy: Policy,
    /// What is allowed but probably not meant.
    pub warnings: Diagnostics,
    /// What lets others change the file, or the calendar files that it names. Whoever acts by it must
    /// refuse it then.
    pub exposed: Vec<Exposed>,
}

/// Why a file did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file was read and has mistakes; print [`Diagnostics::render`].
    #[error("the configuration has {}", .0.summary())]
    Invalid(Diagnostics),
}

impl ConfigError {
    /// Whether nothing but the reading failed, of the file or of calendar files that it names: what a disk or a
    /// network refuses now it may give later. A path at which there is nothing was mistyped.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        match self {
            Self::Read { source, .. } => {
                use io::ErrorKind::{FileTooLarge, IsADirectory, NotFound};
                !matches!(source.kind(), FileTooLarge | IsADirectory | NotFound)
            }
            Self::Invalid(diagnostics) => diagnostics.are_unread(),
        }
    }
}

/// Reads and validates a file. Relative paths in it are relative to its directory.
///
/// # Errors
///
/// [`ConfigError::Read`] where it cannot be read or is larger than [`FILE_BYTES_MAX`], and
/// [`ConfigError::Invalid`] with every mistake in it.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    read(path, None)
}

/// The same, with warnings of what the file will lead to from `now` on.
///
/// # Errors
///
/// As [`load`].
pub fn check(path: &Path, now: Timestamp) -> Result<Loaded, ConfigError> {
    read(path, Some(now))
}

fn read(path: &Path, now: Option<Timestamp>) -> Result<Loaded, ConfigError> {
    let file_name = path.display().to_string();
    let read =
        read_bounded(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let text = String::from_utf8(read.bytes).map_err(|error| {
        ConfigError::Invalid(syntax::not_utf8(&file_name, error.as_bytes(), error.utf8_error()))
    })?;
    let base_dir = path.parent().unwrap_or(Path::new(""));
    let loaded = parse_at(&file_name, &text, base_dir, now).map_err(ConfigError::Invalid)?;
    let exposed = read.exposed.into_iter().chain(loaded.exposed).collect();
    Ok(Loaded { exposed, ..loaded })
}

/// Validates the text of a file, and the calendar files that it names. `file_name` is for people;
/// relative paths are joined to `base_dir`.
///
/// # Errors
///
/// Every mistake and every warning, in the order of the file.
pub fn parse(file_name: &str, text: &str, base_dir: &Path) -> Result<Loaded, Diagnostics> {
    parse_at(file_name, text, base_dir, None)
}

/// The same; where there is an instant, with warnings of what the file will lead to from then on.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_at(
    file_name: &str,
    text: &str,
    base_dir: &Path,
    now: Option<Timestamp>,
) -> Result<Loaded, Diagnostics> {
    let (root, syntax_errors) = DeTable::parse_recoverable(text);
    let mut sink = Sink::new(!syntax_errors.is_empty());
    let file = file::File::read(root.get_ref(), &mut sink);
    if !syntax_errors.is_empty() {
        let source = sink.masked(text);
        let found = syntax::explain(&source, root.get_ref(), &syntax_errors, sink.into_list());
        return Err(Diagnostics::new(file_name, source, found));
    }
    let digest = Sha256::new_with_prefix(text);
    let policy = lower::lower(&file, digest, base_dir, &mut sink);
    // What a file with mistakes in it would lead to is nobody's concern.
    if let Some((policy, now)) = policy.as_ref().zip(now).filter(|_| !sink.has_errors()) {
        foresight::foresee(&file, policy, now, &mut sink);
    }
    let exposed = sink.take_exposed();
    let found = Diagnostics::new(file_name, sink.masked(text), sink.into_list());
    match policy {
        Some(policy) if !found.has_errors() => Ok(Loaded { policy, warnings: found, exposed }),
        _ => Err(found),
    }
}

/// Where a program that has this policy file keeps its state. Mistakes elsewhere in the file do not matter: it may
/// run by what the file said before.
///
/// # Errors
///
/// The file cannot be read, or does not say it in a way that can be understood.
pub fn state_dir(path: &Path) -> Result<PathBuf, ConfigError> {
    let read =
        read_bounded(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let text = String::from_utf8_lossy(&read.bytes);
    let (root, syntax_errors) = DeTable::parse_recoverable(&text);
    let mut sink = Sink::new(!syntax_errors.is_empty());
    let file = file::File::read(root.get_ref(), &mut sink);
    let said = &file.daemon.state_dir;
    if said.value().is_none() && !(said.is_absent() && syntax_errors.is_empty()) {
        // What is wrong is told with all else that is.
        return match load(path) {
            Err(error) => Err(error),
            Ok(loaded) => Ok(loaded.policy.daemon.state_dir),
        };
    }
    Ok(lower::state_dir(&file, path.parent().unwrap_or(Path::new(""))))
}

/// What identifies the text of a file that may have mistakes in it; without its calendar files.
#[must_use]
pub fn hash_of(path: &Path) -> Option<PolicyHash> {
    Some(lower::hash(Sha256::new_with_prefix(read_bounded(path).ok()?.bytes)))
}

/// A word of a policy without the credentials in it, as diagnostics show it.
#[must_use]
pub(crate) fn without_credentials(word: &str) -> String {
    secrets::masked(word, &[])
}

/// A file that was read.
struct Read {
    bytes: Vec<u8>,
    /// What lets others change it.
    exposed: Vec<Exposed>,
}

/// Judges the very file that it reads, whatever stands at the path a moment later.
fn read_bounded(path: &Path) -> io::Result<Read> {
    let file = fs::File::open(path)?;
    let written = files::exposed(path, &file.metadata()?, GroupMayWrite::OwnersPrivate);
    let exposed = written.into_iter().chain(files::replaceable(path)).collect();
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let message = format!("it is larger than {FILE_BYTES_MAX} bytes; is the path right?");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(Read { bytes, exposed })
}

#[cfg(test)]
mod tests;

//! The audit log: what was decided, what was done about it, and what came of it.
//!
//! `record` is the wire form of one line and the [`record::Journal`] port through which records are
//! made durable. `chain` is the line itself, `follow` the way from line to line. `disk` is the port to
//! the files, `appender` the one writer of them, `writer` its thread, `tail` and `hole` say where a log ends. `reader`
//! reads and verifies, `echo` says each line once more, and `replay` turns records back into what a decision needs to
//! know of the past. It is not the debug log: that is `tracing`, on standard error.

pub mod record;

pub mod chain;
mod follow;
mod head;
mod hole;
pub mod replay;

pub(crate) mod files;

pub(crate) mod disk;
mod lines;
mod tail;

pub(crate) mod recall;

pub mod echo;

pub(crate) mod appender;
pub(crate) mod inline;
pub mod writer;

pub mod memory;
pub mod reader;
pub mod schema;

#[cfg(test)]
mod samples;

pub use appender::{Beside, paused};
pub use chain::{Hash, Head, Line, LineError};
pub use echo::Echo;
pub use memory::MemoryJournal;
pub use reader::{read, verify};
pub use replay::{Fingerprint, Replay, StudioPast};
pub use writer::{LogWriter, OpenError, Opened};

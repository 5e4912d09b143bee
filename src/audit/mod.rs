//! The audit log: what was decided, what was done about it, and what came of it.
//!
//! `record` is the wire form of one line and the [`record::Journal`] port through which records are
//! made durable. `chain` is the line itself, `writer` makes lines durable, `reader` reads and
//! verifies them, and `replay` turns them back into what a decision needs to know of the past. It is
//! not the debug log: that is `tracing`, on standard error.

pub mod record;

pub mod chain;
mod disk;
pub mod memory;
pub mod reader;
pub mod replay;
pub mod schema;
mod tail;
pub mod writer;

#[cfg(test)]
mod samples;

pub use chain::{Hash, Head, Line, LineError};
pub use memory::MemoryJournal;
pub use reader::{read, verify};
pub use replay::{Fingerprint, Replay, StudioPast};
pub use writer::{LogWriter, OpenError, Opened};

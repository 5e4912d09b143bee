//! The operator's switches: how a command hands its request to the daemon, which owns the log.
//!
//! A request waits until a daemon takes it, records it, and only then has it removed; so that one may be
//! taken twice after a crash, which its id shows, and none is lost. Nothing here decides or records
//! anything. Read [`Switchboard`], then [`Wish`]; `spool` is the real one.

mod file;
mod memory;
mod spool;
mod told;

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

pub use memory::MemorySwitchboard;
pub use spool::{Spool, SpoolError};
pub use told::{ByHand, Changed, Stage, Told};

use crate::ids::{LaunchProfileId, SessionId, StudioId};

/// How many requests may wait: people type them.
pub const WAITING_MAX: usize = 64;

/// The longest that a person may say at once: a pause that was forgotten ends all the same.
pub const PAUSE_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The longest time in which an approval may be used: what was looked at becomes another thing.
pub const APPROVAL_MAX: SignedDuration = SignedDuration::from_hours(24);

/// How long a name or a remark may be, in bytes.
pub const TEXT_MAX: usize = 200;

/// Where requests come from.
pub trait Switchboard: Send + Sync + fmt::Debug {
    /// The requests that wait, oldest first; no more than [`WAITING_MAX`].
    fn waiting(&self) -> BoxFuture<'_, Vec<Request>>;

    /// Removes one that is recorded.
    fn taken(&self, request: &Request) -> BoxFuture<'_, ()>;

    /// Puts one aside that cannot be followed, and says why.
    fn refused(&self, request: &Request, why: String) -> BoxFuture<'_, ()>;

    /// Ends when there may be new ones.
    fn wait(&self) -> BoxFuture<'_, ()>;
}

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What tells it from every other; ids are in the order in which requests were made.
    pub id: String,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub who: String,
    /// What for.
    pub wish: Wish,
}

/// The kinds of request. Their instants are absolute: one that is taken late, or twice, lasts no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Do nothing until an instant.
    Pause {
        /// Where; everywhere if it names no studio.
        studio: Option<StudioId>,
        /// Until when.
        until: Timestamp,
        /// Why, in the person's words.
        note: Option<String>,
    },
    /// Let a pause be over.
    Resume {
        /// Where; everywhere if it names no studio.
        studio: Option<StudioId>,
    },
    /// Let pass what is held.
    Approve {
        /// Where.
        studio: StudioId,
        /// Until when.
        until: Timestamp,
        /// What was looked at.
        held: Approved,
    },
    /// Put into the log what a person does, or has done, to a session by a command of their own.
    Tell {
        /// Where.
        studio: StudioId,
        /// To which session.
        session: SessionId,
        /// What.
        told: Told,
    },
    /// The same of what is done to a launch profile.
    TellOfProfile {
        /// Where.
        studio: StudioId,
        /// To which launch profile.
        profile: LaunchProfileId,
        /// What becomes of its members, by their names.
        changes: BTreeMap<String, Changed>,
        /// What.
        told: Told,
    },
}

impl Wish {
    /// The studio that it names.
    #[must_use]
    pub fn studio(&self) -> Option<&StudioId> {
        match self {
            Self::Pause { studio, .. } | Self::Resume { studio } => studio.as_ref(),
            Self::Approve { studio, .. }
            | Self::Tell { studio, .. }
            | Self::TellOfProfile { studio, .. } => Some(studio),
        }
    }
}

/// A hold as it stood when somebody approved it, in the words of the log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// The code of its reason.
    pub code: String,
    /// The reason's values, with their numbers.
    pub values: BTreeMap<String, String>,
    /// The policy that it was held by.
    pub policy: Option<String>,
}

/// Whether a name or a remark can be put into a log that people read in a terminal.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= TEXT_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;

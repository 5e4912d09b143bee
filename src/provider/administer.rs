//! The port to what only an operator's commands do: look for studios, and change launch profiles.
//!
//! The daemon has no part in it, and its permissions need none of it. What is peculiar to a service stays
//! behind the port: which members a change takes, and what they mean. Start with [`Administer::propose`].

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;

use super::{ClientToken, ProviderError};
use crate::ids::{AccountId, LaunchProfileId, Region, StudioId};
use crate::inventory::{Gap, Stopping};

/// The launch profiles of one studio, as they can be changed.
pub trait Administer: Send + Sync + fmt::Debug {
    /// Reads a launch profile afresh, and works out what has to change for sessions launched from it to
    /// be stopped, and then to stay off for `stopped` before the service destroys them. Changes nothing.
    fn propose<'a>(
        &'a self,
        profile: &'a LaunchProfileId,
        stopped: SignedDuration,
    ) -> BoxFuture<'a, Result<Proposal, Unfit>>;

    /// Reads it once more and, where it still is what the proposal was made of, asks for the change.
    /// Success means accepted; the answer is the service's name for the call.
    fn change<'a>(
        &'a self,
        proposal: &'a Proposal,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Option<String>, ProviderError>>;

    /// How far an accepted change has come.
    fn progress<'a>(
        &'a self,
        proposal: &'a Proposal,
    ) -> BoxFuture<'a, Result<Progress, ProviderError>>;
}

/// Which studios can be seen by the credentials of one connection.
pub trait Directory: Send + Sync + fmt::Debug {
    /// The studios, and why that is not all of them, where it is not.
    fn studios(&self) -> BoxFuture<'_, (Vec<FoundStudio>, Option<Gap>)>;
}

/// A studio as a list of studios tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundStudio {
    /// Its id.
    pub id: StudioId,
    /// Its short name.
    pub name: Option<String>,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Whose it is.
    pub account: Option<AccountId>,
    /// Where it is.
    pub region: Option<Region>,
    /// How it is doing, in the service's word.
    pub state: Option<String>,
}

/// What would become of a launch profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Which.
    pub profile: LaunchProfileId,
    /// Its name.
    pub name: Option<String>,
    /// The account that it says it belongs to.
    pub account: Option<AccountId>,
    /// How long what is stopped is to stay off.
    pub stopped: SignedDuration,
    /// The members that change, by name; none where it is so already.
    pub changes: BTreeMap<String, Change>,
    /// The members that are written back as they were read.
    pub untouched: Vec<String>,
    /// What stopping a session that is launched from it does today.
    pub before: Stopping,
    /// What it will do.
    pub after: Stopping,
    /// All that was read, by which is told whether it is still the same.
    pub reading: Reading,
}

/// What becomes of one member: its text before, where it is there, and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it says; nothing where it is absent.
    pub from: Option<String>,
    /// What it is to say.
    pub to: Option<String>,
}

/// All that was read of a launch profile and is written back. What is in it is the service's own, and some
/// of it is nobody else's business.
#[derive(Clone, PartialEq, Eq)]
pub struct Reading(pub(in crate::provider) String);

impl Reading {
    /// What a provider read.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(reading)")
    }
}

/// Why there is no proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It could not be read.
    #[error(transparent)]
    Unread(#[from] ProviderError),
    /// It was read, and must not be changed by whoever does not understand it better.
    #[error("{0}")]
    Refused(String),
}

/// How far an accepted change has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It is in force, and everything else is as it was.
    Done,
    /// Not yet; this is the service's word for what it is doing.
    Under(String),
    /// It came to nothing, for this reason.
    Failed(String),
    /// It is ready and is not what was asked for: these members are otherwise.
    Otherwise(Vec<String>),
}

//! Our nouns: what a provider saw of a studio, and what it could not see.
//!
//! A [`Snapshot`] is a value. It knows nothing of policy, of time other than the instants it carries,
//! or of how a provider came by it: what is peculiar to one provider is translated before it gets here.

mod clocks;
mod session;
mod shared;

pub use clocks::{CLOCKS_APART_MAX, clocks_apart, clocks_in_words};
pub use session::{Doubt, Ending, Forbidden, Session, SessionState, Stopping, Transition};
pub use shared::Shared;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::ids::{AccountId, LaunchProfileId, SessionId};

/// One reading of one studio.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When the reading began. Nothing in it is older.
    pub began: Timestamp,
    /// Every session that was seen, by id.
    pub sessions: Shared<BTreeMap<SessionId, Arc<Session>>>,
    /// Every launch profile that was seen, by id.
    pub profiles: Shared<BTreeMap<LaunchProfileId, LaunchProfile>>,
    /// What could not be read. Anything here vetoes every stop of the studio.
    pub gaps: Vec<Gap>,
    /// The accounts that the resources themselves name. More than one, or none, is a doubt.
    pub accounts: Vec<AccountId>,
    /// By how much our clock is ahead of the service's, where the service itself tells.
    pub clock_ahead: Option<SignedDuration>,
}

impl Snapshot {
    /// One that saw nothing, and says why.
    #[must_use]
    pub fn unread(began: Timestamp, gaps: Vec<Gap>) -> Self {
        let (sessions, profiles) = (Shared::default(), Shared::default());
        Self { began, sessions, profiles, gaps, accounts: Vec::new(), clock_ahead: None }
    }

    /// Whether another reading showed the same studio, at its own time.
    #[must_use]
    pub fn shows_what(&self, other: &Self) -> bool {
        let Self { began: _, sessions, profiles, gaps, accounts, clock_ahead: _ } = self;
        (sessions, profiles, gaps, accounts)
            == (&other.sessions, &other.profiles, &other.gaps, &other.accounts)
    }
}

/// What sessions are launched from, as far as stopping depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchProfile {
    /// Its name.
    pub name: Option<String>,
    /// Whether, and at what price, a session launched from it now may be stopped.
    pub stopping: Stopping,
}

/// Something that was asked and not learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What was asked for.
    pub wanted: Wanted,
    /// What happened instead.
    pub problem: Problem,
    /// The provider's own words, bounded and free of secrets.
    pub detail: String,
}

/// What a reading asks of a studio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// The list of streaming sessions.
    Sessions,
    /// The list of launch profiles.
    LaunchProfiles,
    /// The studio itself, asked where nothing else tells its account.
    Studio,
    /// The list of its members, asked where a rule goes by their role.
    Members,
    /// The list of studios.
    Studios,
    /// The time, where whatever depends on it would be wrong.
    Clock,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sessions => "streaming sessions",
            Self::LaunchProfiles => "launch profiles",
            Self::Studio => "studio",
            Self::Members => "studio members",
            Self::Studios => "studios",
            Self::Clock => "clock",
        })
    }
}

/// Why something was not learnt, or not done: the first question about any provider error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    /// The provider knows us and says no.
    Denied,
    /// The provider asks for patience.
    Throttled,
    /// The thing is not there.
    Gone,
    /// The thing is in another state than the call needs.
    Conflict,
    /// The provider calls the request itself wrong, or over a quota.
    Refused,
    /// There was no answer in time.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// The provider failed inside.
    ServerError,
    /// The answer cannot be read.
    Garbled,
    /// The answer is longer than the bound.
    TooLarge,
    /// The pages repeat or do not end.
    EndlessPages,
    /// We have no credentials to ask with.
    NoCredentials,
    /// Our credentials are too old, or not known any more.
    CredentialsExpired,
    /// Nothing was asked: the provider has failed too often just now.
    NotAsked,
}

impl Problem {
    /// The stable name, for records and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::Gone => "gone",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::ServerError => "server_error",
            Self::Garbled => "garbled",
            Self::TooLarge => "too_large",
            Self::EndlessPages => "endless_pages",
            Self::NoCredentials => "no_credentials",
            Self::CredentialsExpired => "credentials_expired",
            Self::NotAsked => "not_asked",
        }
    }

    /// Whether the provider answered, and by its answer did nothing. After any other problem a
    /// mutating call may have had its effect.
    #[must_use]
    pub fn proves_no_effect(self) -> bool {
        match self {
            Self::Denied | Self::Throttled | Self::Gone | Self::Conflict | Self::Refused => true,
            // Without credentials nothing was sent; with expired ones nobody got as far as the call.
            Self::NoCredentials | Self::CredentialsExpired | Self::NotAsked => true,
            Self::TimedOut
            | Self::Unreachable
            | Self::ServerError
            | Self::Garbled
            | Self::TooLarge
            | Self::EndlessPages => false,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "access was denied",
            Self::Throttled => "calls were throttled",
            Self::Gone => "it is not there",
            Self::Conflict => "it was in another state than the call needs",
            Self::Refused => "the request was refused",
            Self::TimedOut => "there was no answer in time",
            Self::Unreachable => "there was no connection",
            Self::ServerError => "the service failed",
            Self::Garbled => "the answer could not be read",
            Self::TooLarge => "the answer was longer than the bound",
            Self::EndlessPages => "the pages did not end",
            Self::NoCredentials => "there were no credentials to ask with",
            Self::CredentialsExpired => "the credentials were expired or are not known",
            Self::NotAsked => "nothing is asked for now",
        })
    }
}

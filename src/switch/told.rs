//! What a person does to a session or a launch profile by a command of their own, as it goes into the log.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::is_plain;

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// What is done.
    pub action: ByHand,
    /// How far it has come.
    pub stage: Stage,
    /// Until when, of a keep that ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The client token of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// The service's name for the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What went wrong: the kind of problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The service's own words, bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What a person can do to a session, and to a launch profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ByHand {
    /// Stop it.
    Stop,
    /// Start it.
    Start,
    /// Exempt it by a tag.
    Keep,
    /// Take that tag away.
    Unkeep,
    /// Let the sessions of a launch profile be stopped.
    AllowStop,
}

impl fmt::Display for ByHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Keep => "keep",
            Self::Unkeep => "unkeep",
            Self::AllowStop => "allow-stop",
        })
    }
}

/// What becomes of one member of a launch profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// What it says; nothing where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Changed {
    /// Whether every text in it can be put into a log that people read in a terminal.
    pub(super) fn is_plain(&self) -> bool {
        [&self.from, &self.to].into_iter().flatten().all(|text| is_plain(text))
    }
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The call follows.
    Intended,
    /// The service took it.
    Accepted,
    /// The service refused it.
    Rejected,
    /// Nobody knows.
    Unanswered,
}

impl Told {
    /// Whether every text in it can be put into a log that people read in a terminal.
    pub(super) fn is_plain(&self) -> bool {
        let texts = [&self.note, &self.client_token, &self.request_id, &self.problem, &self.detail];
        texts.into_iter().flatten().all(|text| is_plain(text))
    }
}

//! A checkpoint on the wire: what the log says of the past, so that older files need not be read.
//!
//! It is written in parts, each of one studio and short enough for a line. `replay::checkpoint`
//! turns it into a `Replay` and back; what this version does not know of is passed over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One part of a checkpoint; the record's `studio` says whose past it tells, if there is any.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointData {
    /// Which part it is, from 1.
    pub part: u32,
    /// Of how many. Only all of them, in order and with nothing between, are a checkpoint.
    pub parts: u32,
    /// Who we are to the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub us: Option<String>,
    /// Why the studio is left alone as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldCheckpoint>,
    /// When stops were asked for, in the order of the log, as far as the brake counts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub stops: Vec<Timestamp>,
    /// The same for starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub starts: Vec<Timestamp>,
    /// The client tokens of those calls: one that is announced again counts once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<CountedCheckpoint>,
    /// The sessions, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sessions: BTreeMap<String, SessionCheckpoint>,
}

/// Why a studio is left alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeldCheckpoint {
    /// Its sentence.
    pub text: String,
    /// What it says in short, as sixteen hexadecimal digits.
    pub fingerprint: String,
}

/// A call that the brake counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CountedCheckpoint {
    /// `stop` or `start`.
    pub action: String,
    /// Its client token.
    pub client_token: String,
    /// When it was counted.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// What is known of one session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionCheckpoint {
    /// What was last decided about it in short, as sixteen hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<String>,
    /// What was done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<PastCheckpoint>,
}

/// What was done about one session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastCheckpoint {
    /// The warnings given in its present run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningCheckpoint>,
    /// Attempts to stop its present run that have come to a known end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<AttemptsCheckpoint>,
    /// A stop whose end is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping: Option<IntentCheckpoint>,
    /// The service's instant of the last stop of ours that was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ours: Option<Timestamp>,
    /// The due instant of the stop that was withheld last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub withheld: Option<Timestamp>,
    /// Attempts to start it again that have come to a known end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_attempts: Option<AttemptsCheckpoint>,
    /// A start whose end is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting: Option<IntentCheckpoint>,
    /// The stop after which a start was withheld last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub start_withheld: Option<Timestamp>,
    /// The stop that was marked last, or was to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub marked: Option<Timestamp>,
}

/// A warning that was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarningCheckpoint {
    /// The start of the run it was about.
    #[schemars(with = "String")]
    pub run: Timestamp,
    /// The due instant it was about.
    #[schemars(with = "String")]
    pub due: Timestamp,
    /// How long before the due instant it belongs, in seconds.
    pub lead: i64,
    /// `observe` or `enforce`.
    pub mode: String,
    /// When it was given.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// Attempts that came to a known end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptsCheckpoint {
    /// The run they were about; for a start, the stop before it.
    #[schemars(with = "String")]
    pub run: Timestamp,
    /// How many.
    pub ended: u32,
    /// When the last of them ended.
    #[schemars(with = "String")]
    pub last: Timestamp,
}

/// A call whose end is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntentCheckpoint {
    /// The run it was about; for a start, the stop before it.
    #[schemars(with = "String")]
    pub run: Timestamp,
    /// Its client token.
    pub client_token: String,
    /// When it was announced last.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// When it was first announced under this token.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Whether the service is known to have taken it.
    #[serde(default)]
    pub accepted: bool,
    /// Whether it was announced before under the same token.
    #[serde(default)]
    pub repeats: bool,
    /// How often its repetition was refused.
    #[serde(default)]
    pub refused: u32,
    /// Whether it was already called late.
    #[serde(default)]
    pub late: bool,
}

//! A checkpoint on the wire: what the log says of the past, so that older files need not be read.
//!
//! It is written in parts, each of one studio and short enough for a line. `replay::checkpoint`
//! turns it into a `Replay` and back; what this version does not know of is passed over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ReasonData, VetoData};

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
    /// The time of the last record before the checkpoint; in the part that is about no studio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub latest: Option<Timestamp>,
    /// The requests of people that were recorded; in the part that is about no studio.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// What people said of the studio as a whole, and what is known of it as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlCheckpoint>,
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

/// What people said of a studio as a whole, and what is known of it as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ControlCheckpoint {
    /// Until when a person wants nothing done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseCheckpoint>,
    /// What a person has let pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalCheckpoint>,
    /// The brakes that hold stops.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub braked: Vec<LatchCheckpoint>,
    /// The listing that is in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<DoubtCheckpoint>,
    /// How many of the sessions that are known are confirmed to be gone.
    #[serde(default)]
    pub gone: usize,
    /// The policy by which the studio was last looked after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The policy that is held, for what it makes due at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_policy: Option<String>,
    /// The last time that the clock was set, or the machine slept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_jump: Option<JumpCheckpoint>,
    /// How many seconds the wall clock is behind the service's; negative where it is ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_behind: Option<i64>,
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PauseCheckpoint {
    /// When it ends.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// Who said so.
    pub who: String,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalCheckpoint {
    /// Of what: `stops`, `starts`, `inventory` or `policy`.
    pub of: String,
    /// How many stood when it was given.
    pub count: usize,
    /// How many of them have not passed yet.
    pub left: usize,
    /// When it ends.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// The policy in force when it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// A brake that holds stops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatchCheckpoint {
    /// `observe` or `enforce`.
    pub mode: String,
    /// `per_scan` or `per_hour`.
    pub bound: String,
    /// What the bound was.
    pub limit: u32,
}

/// A listing that is in doubt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DoubtCheckpoint {
    /// When it was doubted.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// How many sessions it showed.
    pub seen: usize,
    /// How many it lacked that are known.
    pub missing: usize,
}

/// A jump of the clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JumpCheckpoint {
    /// What the clock showed when that was noticed.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// By how much it had gone too far, as an ISO 8601 duration; negative where it went back.
    pub by: String,
}

/// Why a studio is left alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeldCheckpoint {
    /// Its sentence.
    pub text: String,
    /// What it says in short, as sixteen hexadecimal digits.
    pub fingerprint: String,
    /// The reason, with its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonData>,
    /// The policy by which it is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
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
    /// Whether a decision has made it known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// When it was to be stopped by the last decision that said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub due: Option<Timestamp>,
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
    /// The same of the last stop that we made, whoever it is off for since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub put_off: Option<Timestamp>,
    /// Until when its work was to live when we put it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub needed_until: Option<Timestamp>,
    /// For how long it was to live then, by its launch profile, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroyed_after: Option<i64>,
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
    /// The last run that we began to rescue the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescued: Option<RescuedCheckpoint>,
    /// The keep whose end was announced last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded: Option<ReminderCheckpoint>,
    /// The last answers of vetoes, by the veto's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vetoes: BTreeMap<String, AnswerCheckpoint>,
}

/// A run that we began so that the session is not destroyed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RescuedCheckpoint {
    /// When it began.
    #[schemars(with = "String")]
    pub start: Timestamp,
    /// When the stop before it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub stopped_at: Option<Timestamp>,
    /// Whose that was: `us` or `another`.
    pub stopped_by: String,
}

/// The end of a keep, announced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReminderCheckpoint {
    /// When the keep ends.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// `observe` or `enforce`.
    pub mode: String,
}

/// The last answer of a veto.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerCheckpoint {
    /// The start of the run it was about.
    #[schemars(with = "String")]
    pub run: Timestamp,
    /// The due instant it was about.
    #[schemars(with = "String")]
    pub due: Timestamp,
    /// When the first answer about both was given.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// When this one was given.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What it says; its `name` is the veto's.
    pub says: VetoData,
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
    /// The earliest instant at which a clock says that it was given, if that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub said: Option<Timestamp>,
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
    /// Where it is a rescue: whose the stop before it was, `us` or `another`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescue: Option<String>,
    /// Where it is a stop: until when the session's work is to live after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub needed_until: Option<Timestamp>,
    /// Where it is a stop: how long after it the service destroys the session, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroyed_after: Option<i64>,
}

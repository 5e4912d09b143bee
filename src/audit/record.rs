//! The wire types of the audit log: their own, apart from the types that they tell of.
//!
//! A [`Record`] becomes one line, a CloudEvents 1.0 envelope around [`Data`]. What is read back may
//! come from another version, so kinds and codes that are not known are kept as text, never refused.
//! Sequence, identity and the chain are the writer's; see `chain`.

pub mod checkpoint;
mod deed;

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use checkpoint::CheckpointData;
pub use deed::{Deed, Stage};

use super::chain::Head;
use crate::ids::VetoName;
use crate::plan::{Decision, Reason, VetoSays};
use crate::policy::AuditRotation;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// When.
    pub time: Timestamp,
    /// What kind of thing.
    pub kind: Kind,
    /// Of what: a studio, or `STUDIO/SESSION`; empty for the daemon itself.
    pub subject: String,
    /// The rest.
    pub data: Data,
}

/// Declares the kinds with their wire names, in one place.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The kinds of record; on the wire `lightsout.<noun>.<verb>`.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
            /// A kind of another version of the program.
            Other(String),
        }

        impl Kind {
            /// Every kind of this version.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),*];

            /// The wire name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => concat!("lightsout.", $text),)*
                    Self::Other(text) => text,
                }
            }

            /// Reads a wire name; one that is not known is kept.
            #[must_use]
            pub fn from_wire(text: &str) -> Self {
                match text {
                    $(concat!("lightsout.", $text) => Self::$name,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

kinds! {
    /// The daemon started.
    DaemonStarted = "daemon.started",
    /// The daemon ended in order.
    DaemonStopped = "daemon.stopped",
    /// A person wants nothing done, in one studio or in all, until an instant.
    DaemonPaused = "daemon.paused",
    /// A person wants a pause to be over.
    DaemonResumed = "daemon.resumed",
    /// A configuration took effect.
    PolicyLoaded = "policy.loaded",
    /// A studio is looked after by this configuration from now on.
    PolicyApplied = "policy.applied",
    /// A configuration that was to take effect cannot; the one before it stays in force.
    PolicyRefused = "policy.refused",
    /// The wall clock went another way than time did.
    ClockJumped = "clock.jumped",
    /// The service says that its clock is another than ours, or is so no more.
    ClockCompared = "clock.compared",
    /// A torn last line was cut.
    LogRepaired = "log.repaired",
    /// The log goes on in this file; all before it is told in short.
    LogCheckpoint = "log.checkpoint",
    /// A studio is left alone as a whole.
    StudioHeld = "studio.held",
    /// A studio is no longer left alone.
    StudioResumed = "studio.resumed",
    /// A person has looked at what is held, and lets it pass until an instant.
    StudioApproved = "studio.approved",
    /// A studio is looked after again that could not be for more than an hour, though nothing held it.
    StudioUnattended = "studio.unattended",
    /// Too many stops are due: from now on none passes, whatever is due later.
    BrakeEngaged = "brake.engaged",
    /// Stops pass again.
    BrakeReleased = "brake.released",
    /// That many sessions came or went at once is true.
    InventoryConfirmed = "inventory.confirmed",
    /// The decision about a session is another than before.
    SessionDecided = "session.decided",
    /// A session was seen for the last time.
    SessionVanished = "session.vanished",
    /// A stop was announced.
    WarningGiven = "warning.given",
    /// The end of a keep was announced.
    KeepReminded = "keep.reminded",
    /// A veto was asked about a session that is due.
    VetoAnswered = "veto.answered",
    /// A stop is about to be asked for.
    StopIntended = "stop.intended",
    /// A stop would have been asked for, were this not `observe`.
    StopWithheld = "stop.withheld",
    /// A stop was dropped: read again, the session is to be left alone.
    StopDropped = "stop.dropped",
    /// The intent was taken back: no call was made.
    StopWithdrawn = "stop.withdrawn",
    /// The service took the stop.
    StopAccepted = "stop.accepted",
    /// The service refused the stop, which had no effect.
    StopRejected = "stop.rejected",
    /// Nobody knows whether the stop had an effect.
    StopUnanswered = "stop.unanswered",
    /// The session was seen STOPPED.
    StopProven = "stop.proven",
    /// The session was seen in a state that a stop does not lead to.
    StopFailed = "stop.failed",
    /// A call without an answer has led to nothing in the time that the service allows itself.
    StopLapsed = "stop.lapsed",
    /// The session has not arrived in the time that the service allows itself.
    StopLate = "stop.late",
    /// A start is about to be asked for.
    StartIntended = "start.intended",
    /// A start would have been asked for, were this not `observe`.
    StartWithheld = "start.withheld",
    /// A start was dropped: read again, the session is to be left alone.
    StartDropped = "start.dropped",
    /// The intent was taken back: no call was made.
    StartWithdrawn = "start.withdrawn",
    /// The service took the start.
    StartAccepted = "start.accepted",
    /// The service refused the start, which had no effect.
    StartRejected = "start.rejected",
    /// Nobody knows whether the start had an effect.
    StartUnanswered = "start.unanswered",
    /// The session was seen READY, or to have been so.
    StartProven = "start.proven",
    /// The session was seen in a state that a start does not lead to.
    StartFailed = "start.failed",
    /// A call without an answer has led to nothing in the time that the service allows itself.
    StartLapsed = "start.lapsed",
    /// The session has not arrived in the time that the service allows itself.
    StartLate = "start.late",
    /// A proven stop is about to be marked on its session.
    MarkIntended = "mark.intended",
    /// The session carries the mark.
    MarkSet = "mark.set",
    /// The session could not be marked; it is not tried again.
    MarkFailed = "mark.failed",
    /// A person is about to do something to a session or a launch profile, by a command of their own.
    OperatorIntended = "operator.intended",
    /// The service took it.
    OperatorAccepted = "operator.accepted",
    /// The service refused it, which had no effect.
    OperatorRejected = "operator.rejected",
    /// Nobody knows whether it had an effect.
    OperatorUnanswered = "operator.unanswered",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a record says besides its kind; members that do not apply are absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Data {
    /// The studio's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub studio: Option<String>,
    /// The session's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// `observe` or `enforce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// `stop`, `start`, `warn`, `keep` or `hold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonData>,
    /// The rule that applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// When the session is due, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub due: Option<Timestamp>,
    /// When the decision may change by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub next_change: Option<Timestamp>,
    /// SHA-256 of the policy file in force; in a refusal, of the file that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The session as it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenData>,
    /// The state after, where something came of an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_after: Option<String>,
    /// The service's instant of the stop; for a start, of the stop before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub stopped_at: Option<Timestamp>,
    /// Who stopped it, as the service names them; in the answer to a stop of ours, that is us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// Who began the session's run, as the service names them, where a listing showed what came of a start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// The leads of warnings, or of the reminder of a keep, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads: Option<Vec<i64>>,
    /// What a veto said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub veto: Option<VetoData>,
    /// The number of the attempt, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The client token of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// The call must not begin at or after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub not_after: Option<Timestamp>,
    /// Until when the work of a session that is stopped has to live; nothing where the stop does not endanger it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub needed_until: Option<Timestamp>,
    /// How long after a stop the service destroys the session, in seconds, by its launch profile as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroyed_after: Option<i64>,
    /// When and how the service would have ended the session by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_itself: Option<EndingData>,
    /// The service's name for the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorData>,
    /// When what a person said ends by itself; in a reminder, when the keep does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// The person who said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// What that person does by a command of their own: `stop`, `start`, `keep` or `unkeep` to a session,
    /// `allow-stop` to a launch profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The launch profile's id, where a person changes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_profile: Option<String>,
    /// What becomes of its members, by their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<BTreeMap<String, ChangeData>>,
    /// The request by which it was said; one that is taken twice counts once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version of the time zone data in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zones: Option<String>,
    /// What everything before this file says, or a part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Box<CheckpointData>>,
    /// A remark for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A reason, as text that outlives the enum it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonData {
    /// Its stable name.
    pub code: String,
    /// Its data, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// Its sentence.
    #[serde(default)]
    pub text: String,
    /// Whether a person should look at it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alarm: bool,
}

/// A session as it was seen when something was decided or done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeenData {
    /// Its state.
    #[serde(default)]
    pub state: String,
    /// Its owner's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its launch profile's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_profile: Option<String>,
    /// Its launch profile's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_profile_name: Option<String>,
    /// Its instance type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// The start of its run: the later of its start and its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub started_at: Option<Timestamp>,
}

/// An answer of a veto.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VetoData {
    /// The veto's name.
    pub name: String,
    /// `clear`, `busy`, or `failed`, which counts as busy.
    pub says: String,
    /// Its own words, or what went wrong; bounded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// How a service ends a session by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndingData {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Whether it destroys the session.
    pub destroys: bool,
}

/// What becomes of one member of a launch profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeData {
    /// What it said; nothing where it was absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What went wrong with a call, or with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorData {
    /// The kind of problem, such as `denied`.
    pub problem: String,
    /// The service's name of the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The service's own words, bounded.
    #[serde(default)]
    pub detail: String,
}

impl From<&Reason> for ReasonData {
    fn from(reason: &Reason) -> Self {
        let values = reason.values().into_iter();
        Self {
            code: reason.code().to_owned(),
            values: values.map(|(name, value)| (name.to_owned(), value)).collect(),
            text: reason.to_string(),
            alarm: reason.is_alarm(),
        }
    }
}

impl VetoData {
    /// What the veto of a name said, for a record.
    #[must_use]
    pub fn new(name: &VetoName, says: &VetoSays) -> Self {
        let (says, words) = match says {
            VetoSays::Clear => ("clear", ""),
            VetoSays::Busy { words } => ("busy", words.as_str()),
            VetoSays::Failed { words } => ("failed", words.as_str()),
        };
        Self { name: name.to_string(), says: says.to_owned(), words: words.to_owned() }
    }

    /// What it said. A word that is not known says nothing that could be understood.
    #[must_use]
    pub fn says(&self) -> VetoSays {
        let words = self.words.clone();
        match self.says.as_str() {
            "clear" => VetoSays::Clear,
            "busy" => VetoSays::Busy { words },
            _ => VetoSays::Failed { words },
        }
    }
}

impl From<&Decision> for Data {
    fn from(decision: &Decision) -> Self {
        Self {
            session: Some(decision.session.to_string()),
            mode: Some(decision.mode.to_string()),
            verdict: Some(decision.verdict().to_string()),
            reason: Some((&decision.reason).into()),
            rule: decision.rule.as_ref().map(ToString::to_string),
            due: decision.due,
            next_change: decision.next_change,
            ..Self::default()
        }
    }
}

/// Where records are made durable.
pub trait Journal: Send + Sync + fmt::Debug {
    /// Appends records in order, and gives them back once they survive a power failure.
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>>;

    /// The last record that is durable, where the journal has a chain and a record.
    fn head(&self) -> Option<Head> {
        None
    }

    /// From now on the log goes on in a new file when this says so.
    fn rotate_by(&self, _: AuditRotation) {}

    /// Why the log does not go on in a new file although it should, where that is so: it grows meanwhile.
    fn unrotated(&self) -> Option<String> {
        None
    }

    /// Whether nothing can ever be committed again, since whoever did it has ended.
    fn has_ended(&self) -> bool {
        false
    }

    /// How many lines were not echoed that are durable, where lines are echoed.
    fn lines_lost(&self) -> u64 {
        0
    }
}

/// Records could not be made durable. Nothing more may be done until some are again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot be written: {detail}")]
pub struct JournalError {
    /// What the operating system said.
    pub detail: String,
}

//! One streaming session, as much as a decision needs to know of it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::ids::{InstanceType, LaunchProfileId, OwnerId, SessionId, StreamingImageId, StudioRole};

/// One artist's virtual workstation.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The name under which it can be tagged, where the provider gave one.
    pub arn: Option<String>,
    /// What it is doing.
    pub state: SessionState,
    /// The provider's finer word for the state.
    pub status: Option<String>,
    /// Whose it is.
    pub owner: Option<OwnerId>,
    /// What its owner is in the studio; `None` where nobody asked, or what was read does not tell.
    pub studio_role: Option<StudioRole>,
    /// What it was launched from.
    pub launch_profile: Option<LaunchProfileId>,
    /// The name of its launch profile, where the profile was read.
    pub launch_profile_name: Option<String>,
    /// What machine it runs on.
    pub instance_type: Option<InstanceType>,
    /// What image it was launched with.
    pub streaming_image: Option<StreamingImageId>,
    /// Whether its volumes outlive a stop for as long as it exists; `None` where what was read does
    /// not tell.
    pub persistence: Option<bool>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it last began to start.
    pub started_at: Option<Timestamp>,
    /// Who began its present run.
    pub started_by: Option<String>,
    /// When it last began to stop.
    pub stopped_at: Option<Timestamp>,
    /// Who stopped it last.
    pub stopped_by: Option<String>,
    /// When a STOPPED session will be destroyed by the service, where that is known.
    pub terminate_at: Option<Timestamp>,
    /// When and how the service will end a running session by itself.
    pub ends_itself: Option<Ending>,
    /// Whether, and at what price, it may be stopped.
    pub stopping: Stopping,
    /// Whether a stop can ask for its volumes to be retained: it has volumes that outlive a stop.
    pub retains_volumes: bool,
    /// Its labels.
    pub tags: BTreeMap<String, String>,
}

impl Session {
    /// The start of the present run: the later of "began to start" and "was made", since a session
    /// that never restarted may carry only the second.
    #[must_use]
    pub fn start(&self) -> Option<Timestamp> {
        self.started_at.max(self.created_at)
    }
}

/// The state of a session; every provider's states are translated to these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionState {
    /// In use, or ready for it, and paid for.
    Ready,
    /// Off, and able to come back.
    Stopped,
    /// On its way from one state to another.
    Transitional(Transition),
    /// A transition failed.
    Failed(Transition),
    /// No longer there, though still listed.
    Deleted,
    /// A word we do not know.
    Unknown(String),
    /// The provider did not say.
    Missing,
}

/// The ways between states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transition {
    /// Being made.
    Create,
    /// Being started.
    Start,
    /// Being stopped.
    Stop,
    /// Being deleted.
    Delete,
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("READY"),
            Self::Stopped => f.write_str("STOPPED"),
            Self::Transitional(transition) => write!(f, "{transition}_IN_PROGRESS"),
            Self::Failed(transition) => write!(f, "{transition}_FAILED"),
            Self::Deleted => f.write_str("DELETED"),
            Self::Unknown(word) => f.write_str(word),
            Self::Missing => f.write_str("(none)"),
        }
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "CREATE",
            Self::Start => "START",
            Self::Stop => "STOP",
            Self::Delete => "DELETE",
        })
    }
}

/// How a service ends a running session by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// Whether the machine and its local disk are destroyed, rather than stopped.
    pub destroys: bool,
}

/// Whether a session may be stopped, and what stopping sets off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopping {
    /// It may.
    Allowed {
        /// How long it may then stay off before the service destroys it; `None` is for as long as
        /// it likes.
        destroyed_after: Option<SignedDuration>,
    },
    /// The launch profile says no.
    Forbidden(Forbidden),
    /// What was read leaves it open, so it must not be.
    Unclear(Doubt),
}

/// What forbids stopping, and what an administrator could do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbidden {
    /// The setting to change, in the provider's words.
    pub remedy: &'static str,
}

/// Why it is not clear what stopping would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// The session says that stopping deletes its volumes.
    VolumesDeleted,
    /// A mode that we do not know.
    UnknownMode {
        /// The provider's name of the field.
        field: &'static str,
        /// The word we do not know.
        value: String,
    },
    /// The launch profile was not among those listed, or the session names none.
    NoLaunchProfile,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VolumesDeleted => f.write_str("stopping would delete its volumes"),
            Self::UnknownMode { field, value } => {
                write!(f, "{field} is {value:?}, which this program does not know")
            }
            Self::NoLaunchProfile => f.write_str("nothing was read that says it"),
        }
    }
}

//! The nouns of a simulated studio: studio, launch profile, session, and their enumerations.
//!
//! They carry the members of the service's own model. A member that the service may leave out is an
//! `Option`, so that "absent" and "zero" stay different things: old launch profiles have no
//! persistence members at all, and a client has to cope with that.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::resources::LaunchProfileStatusCode;
use super::resources::{Encryption, Members, StudioStatusCode, Transition, ValidationResult};

/// Tags of a resource, in the order of their keys.
pub type Tags = BTreeMap<String, String>;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The id of a studio, such as `us-west-2:stid-EXAMPLE11111`. Its ARN has only the part after
    /// the colon.
    StudioId
}
text_id! {
    /// The id of a launch profile: up to 22 characters of `[A-Za-z0-9_-]`.
    LaunchProfileId
}
text_id! {
    /// The id of a streaming session.
    SessionId
}

/// A closed list of names in the service's model, plus room for a name that is not in it: a client
/// must be shown, once in a while, a value newer than itself.
pub trait WireName: Sized {
    /// The names that the model has.
    const KNOWN: &'static [&'static str];

    /// The value of a name in the model; nothing for any other text.
    fn known(text: &str) -> Option<Self>;

    /// A value outside the model.
    fn other(text: &str) -> Self;
}

macro_rules! wire_names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)+
            /// A name outside the published model.
            Other(Arc<str>),
        }

        impl $name {
            /// The name on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl WireName for $name {
            const KNOWN: &'static [&'static str] = &[$($text),+];

            fn known(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn other(text: &str) -> Self {
                Self::Other(Arc::from(text))
            }
        }
    };
}

pub(super) use wire_names;

/// The instance types that a launch profile may offer.
pub const INSTANCE_TYPES: &[&str] = &[
    "g4dn.xlarge",
    "g4dn.2xlarge",
    "g4dn.4xlarge",
    "g4dn.8xlarge",
    "g4dn.12xlarge",
    "g4dn.16xlarge",
    "g3.4xlarge",
    "g3s.xlarge",
    "g5.xlarge",
    "g5.2xlarge",
    "g5.4xlarge",
    "g5.8xlarge",
    "g5.16xlarge",
];

wire_names! {
    /// The state of a session.
    SessionState {
        CreateInProgress => "CREATE_IN_PROGRESS",
        DeleteInProgress => "DELETE_IN_PROGRESS",
        Ready => "READY",
        Deleted => "DELETED",
        CreateFailed => "CREATE_FAILED",
        DeleteFailed => "DELETE_FAILED",
        StopInProgress => "STOP_IN_PROGRESS",
        StartInProgress => "START_IN_PROGRESS",
        Stopped => "STOPPED",
        StopFailed => "STOP_FAILED",
        StartFailed => "START_FAILED",
    }
}
wire_names! {
    /// The finer code beside a session's state.
    SessionStatusCode {
        Ready => "STREAMING_SESSION_READY",
        Deleted => "STREAMING_SESSION_DELETED",
        CreateInProgress => "STREAMING_SESSION_CREATE_IN_PROGRESS",
        DeleteInProgress => "STREAMING_SESSION_DELETE_IN_PROGRESS",
        Stopped => "STREAMING_SESSION_STOPPED",
        Started => "STREAMING_SESSION_STARTED",
        StopInProgress => "STREAMING_SESSION_STOP_IN_PROGRESS",
        StartInProgress => "STREAMING_SESSION_START_IN_PROGRESS",
        InternalError => "INTERNAL_ERROR",
        InsufficientCapacity => "INSUFFICIENT_CAPACITY",
        ActiveDirectoryDomainJoinError => "ACTIVE_DIRECTORY_DOMAIN_JOIN_ERROR",
        NetworkConnectionError => "NETWORK_CONNECTION_ERROR",
        InitializationScriptError => "INITIALIZATION_SCRIPT_ERROR",
        DecryptStreamingImageError => "DECRYPT_STREAMING_IMAGE_ERROR",
        NetworkInterfaceError => "NETWORK_INTERFACE_ERROR",
        AmiValidationError => "AMI_VALIDATION_ERROR",
    }
}
wire_names! {
    /// The state of a studio, a launch profile, a component or a streaming image; the model has the
    /// same list for all.
    ResourceState {
        CreateInProgress => "CREATE_IN_PROGRESS",
        Ready => "READY",
        UpdateInProgress => "UPDATE_IN_PROGRESS",
        DeleteInProgress => "DELETE_IN_PROGRESS",
        Deleted => "DELETED",
        DeleteFailed => "DELETE_FAILED",
        CreateFailed => "CREATE_FAILED",
        UpdateFailed => "UPDATE_FAILED",
    }
}
wire_names! {
    /// Session persistence and automatic termination are each one of these.
    Mode {
        Deactivated => "DEACTIVATED",
        Activated => "ACTIVATED",
    }
}
wire_names! {
    /// What becomes of a persistent session's volume when it stops.
    VolumeRetentionMode {
        Retain => "RETAIN",
        Delete => "DELETE",
    }
}
wire_names! {
    /// Whether a session's volume is backed up.
    BackupMode {
        Automatic => "AUTOMATIC",
        Deactivated => "DEACTIVATED",
    }
}
wire_names! {
    /// Whether artists may copy and paste across the stream.
    ClipboardMode {
        Enabled => "ENABLED",
        Disabled => "DISABLED",
    }
}

/// A studio: facts only. Its launch profiles and sessions are kept by the world.
#[derive(Clone, Debug)]
pub struct Studio {
    /// As in `us-west-2:stid-EXAMPLE11111`.
    pub id: StudioId,
    /// The AWS account, twelve digits.
    pub account: String,
    /// The home region.
    pub region: String,
    /// The short name, `[a-z0-9]{3,64}`.
    pub name: String,
    /// The name that people read.
    pub display_name: String,
    pub state: ResourceState,
    pub status_code: Option<StudioStatusCode>,
    pub status_message: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    /// What administrators assume in the portal.
    pub admin_role_arn: Option<String>,
    /// What everybody else assumes in the portal.
    pub user_role_arn: Option<String>,
    /// The application of the portal in IAM Identity Center.
    pub sso_client_id: Option<String>,
    pub encryption: Option<Encryption>,
    pub tags: Tags,
    /// How many launch profiles that are not DELETED the studio may have; nothing means no quota.
    pub launch_profile_quota: Option<usize>,
    /// How many members the studio, and each of its launch profiles, may have; nothing means no quota.
    pub member_quota: Option<usize>,
    /// How many sessions that are not DELETED the studio may have; nothing means no quota.
    pub session_quota: Option<usize>,
}

impl Studio {
    /// A READY studio with no tags and no quota; the region is the part of the id before its colon.
    #[must_use]
    pub fn new(id: &str, account: &str, name: &str) -> Self {
        let region = id.split_once(':').map_or("us-west-2", |(region, _)| region);
        Self {
            id: StudioId::from(id),
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
            display_name: name.to_owned(),
            state: ResourceState::Ready,
            status_code: Some(StudioStatusCode::Created),
            status_message: None,
            created_at: None,
            updated_at: None,
            admin_role_arn: None,
            user_role_arn: None,
            sso_client_id: None,
            encryption: None,
            tags: Tags::new(),
            launch_profile_quota: None,
            member_quota: None,
            session_quota: None,
        }
    }

    /// The studio's own ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        let id = self.id.as_str();
        self.arn_of("studio", id.split_once(':').map_or(id, |(_, bare)| bare))
    }

    /// The ARN of something that this studio holds; `kind` as in `streaming-session`.
    #[must_use]
    pub fn arn_of(&self, kind: &str, id: &str) -> String {
        format!("arn:aws:nimble:{}:{}:{kind}/{id}", self.region, self.account)
    }
}

/// A launch profile: what artists start sessions from.
#[derive(Clone, Debug, PartialEq)]
pub struct LaunchProfile {
    pub id: LaunchProfileId,
    pub name: String,
    pub description: Option<String>,
    pub state: ResourceState,
    pub status_code: Option<LaunchProfileStatusCode>,
    pub status_message: Option<String>,
    pub validation_results: Vec<ValidationResult>,
    pub created_at: Option<Timestamp>,
    pub created_by: Option<String>,
    pub updated_at: Option<Timestamp>,
    pub updated_by: Option<String>,
    pub subnet_ids: Vec<String>,
    pub studio_component_ids: Vec<String>,
    pub stream: StreamConfiguration,
    pub tags: Tags,
    /// Who may launch it beside the studio's administrators; nothing means everybody.
    pub members: Option<Members>,
    /// What is under way; never on the wire.
    pub(super) transition: Option<Transition>,
}

impl LaunchProfile {
    /// A READY launch profile with an old-style configuration that has no optional member: it
    /// forbids stopping.
    #[must_use]
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: LaunchProfileId::from(id),
            name: name.to_owned(),
            description: None,
            state: ResourceState::Ready,
            status_code: Some(LaunchProfileStatusCode::Created),
            status_message: None,
            validation_results: Vec::new(),
            created_at: None,
            created_by: None,
            updated_at: None,
            updated_by: None,
            subnet_ids: Vec::new(),
            studio_component_ids: Vec::new(),
            stream: StreamConfiguration::default(),
            tags: Tags::new(),
            members: None,
            transition: None,
        }
    }
}

/// The streaming half of a launch profile.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamConfiguration {
    pub clipboard_mode: ClipboardMode,
    pub ec2_instance_types: Vec<String>,
    pub streaming_image_ids: Vec<String>,
    /// 1 to 43,200; the service takes 690 where it is absent.
    pub max_session_length_in_minutes: Option<u32>,
    /// 0 to 5,760; absent means the same as 0.
    pub max_stopped_session_length_in_minutes: Option<u32>,
    pub session_persistence_mode: Option<Mode>,
    pub automatic_termination_mode: Option<Mode>,
    pub session_backup: Option<SessionBackup>,
    pub volume_configuration: Option<VolumeConfiguration>,
    pub session_storage: Option<SessionStorage>,
}

impl Default for StreamConfiguration {
    fn default() -> Self {
        Self {
            clipboard_mode: ClipboardMode::Enabled,
            ec2_instance_types: vec!["g4dn.xlarge".to_owned()],
            streaming_image_ids: vec!["ami-EXAMPLE-linux".to_owned()],
            max_session_length_in_minutes: None,
            max_stopped_session_length_in_minutes: None,
            session_persistence_mode: None,
            automatic_termination_mode: None,
            session_backup: None,
            volume_configuration: None,
            session_storage: None,
        }
    }
}

/// How sessions of a launch profile are backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionBackup {
    pub mode: BackupMode,
    /// 0 to 10.
    pub max_backups_to_retain: Option<u32>,
}

/// The volume of a persistent session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VolumeConfiguration {
    /// GiB, 100 to 16,000.
    pub size: Option<u32>,
    /// 3,000 to 16,000.
    pub iops: Option<u32>,
    /// MiB/s, 125 to 1,000.
    pub throughput: Option<u32>,
}

/// Where a session's uploads go.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionStorage {
    pub mode: Vec<String>,
    pub root_linux: Option<String>,
    pub root_windows: Option<String>,
}

/// A streaming session: one artist's virtual workstation.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: SessionId,
    pub arn: String,
    pub state: SessionState,
    pub status_code: Option<SessionStatusCode>,
    pub status_message: Option<String>,
    pub launch_profile_id: Option<LaunchProfileId>,
    pub ec2_instance_type: Option<String>,
    pub streaming_image_id: Option<String>,
    /// The Identity Center user id of the artist.
    pub owned_by: Option<String>,
    pub created_at: Option<Timestamp>,
    pub created_by: Option<String>,
    /// When it last entered START_IN_PROGRESS; a session that was never started again has none.
    pub started_at: Option<Timestamp>,
    pub started_by: Option<String>,
    pub started_from_backup_id: Option<String>,
    /// When it last entered STOP_IN_PROGRESS.
    pub stopped_at: Option<Timestamp>,
    /// Who stopped it; absent when the service did.
    pub stopped_by: Option<String>,
    /// When the service will stop it by itself.
    pub stop_at: Option<Timestamp>,
    /// When the service will terminate it by itself.
    pub terminate_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub updated_by: Option<String>,
    pub session_persistence_mode: Option<Mode>,
    pub automatic_termination_mode: Option<Mode>,
    pub volume_retention_mode: Option<VolumeRetentionMode>,
    pub volume_configuration: Option<VolumeConfiguration>,
    pub backup_mode: Option<BackupMode>,
    pub max_backups_to_retain: Option<u32>,
    pub tags: Tags,
    /// Failures that this session is told to have; never on the wire.
    pub failures: Failures,
    /// The end of the transition under way; never on the wire.
    pub(super) transition_ends: Option<Timestamp>,
}

/// The failures that a session is told to have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Failures {
    /// Each stop ends in STOP_FAILED.
    pub fails_to_stop: bool,
    /// So many starts to come end in START_FAILED for want of capacity.
    pub fails_to_start: u32,
}

impl Session {
    /// A session with nothing but an id and a state. The world gives it its ARN, and the rest that
    /// follows from its launch profile, when it is added.
    #[must_use]
    pub fn new(id: &str, state: SessionState) -> Self {
        Self {
            id: SessionId::from(id),
            arn: String::new(),
            state,
            status_code: None,
            status_message: None,
            launch_profile_id: None,
            ec2_instance_type: None,
            streaming_image_id: None,
            owned_by: None,
            created_at: None,
            created_by: None,
            started_at: None,
            started_by: None,
            started_from_backup_id: None,
            stopped_at: None,
            stopped_by: None,
            stop_at: None,
            terminate_at: None,
            updated_at: None,
            updated_by: None,
            session_persistence_mode: None,
            automatic_termination_mode: None,
            volume_retention_mode: None,
            volume_configuration: None,
            backup_mode: None,
            max_backups_to_retain: None,
            tags: Tags::new(),
            failures: Failures::default(),
            transition_ends: None,
        }
    }
}

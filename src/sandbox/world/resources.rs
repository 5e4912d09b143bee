//! The nouns around launch profiles and sessions: members, streaming images, studio components,
//! streams, backups.
//!
//! They carry the members of the service's own model, like those in `nouns.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::nouns::{
    LaunchProfileId, ResourceState, SessionId, SessionState, SessionStatusCode, Tags, WireName,
    wire_names,
};

wire_names! {
    /// The finer code beside a studio's state.
    StudioStatusCode {
        Created => "STUDIO_CREATED",
        Deleted => "STUDIO_DELETED",
        Updated => "STUDIO_UPDATED",
        CreateInProgress => "STUDIO_CREATE_IN_PROGRESS",
        UpdateInProgress => "STUDIO_UPDATE_IN_PROGRESS",
        DeleteInProgress => "STUDIO_DELETE_IN_PROGRESS",
        WithLaunchProfilesNotDeleted => "STUDIO_WITH_LAUNCH_PROFILES_NOT_DELETED",
        WithStudioComponentsNotDeleted => "STUDIO_WITH_STUDIO_COMPONENTS_NOT_DELETED",
        WithStreamingImagesNotDeleted => "STUDIO_WITH_STREAMING_IMAGES_NOT_DELETED",
        AwsSsoNotEnabled => "AWS_SSO_NOT_ENABLED",
        AwsSsoAccessDenied => "AWS_SSO_ACCESS_DENIED",
        RoleNotOwnedByStudioOwner => "ROLE_NOT_OWNED_BY_STUDIO_OWNER",
        RoleCouldNotBeAssumed => "ROLE_COULD_NOT_BE_ASSUMED",
        InternalError => "INTERNAL_ERROR",
        EncryptionKeyNotFound => "ENCRYPTION_KEY_NOT_FOUND",
        EncryptionKeyAccessDenied => "ENCRYPTION_KEY_ACCESS_DENIED",
        AwsSsoConfigurationRepaired => "AWS_SSO_CONFIGURATION_REPAIRED",
        AwsSsoConfigurationRepairInProgress => "AWS_SSO_CONFIGURATION_REPAIR_IN_PROGRESS",
        AwsStsRegionDisabled => "AWS_STS_REGION_DISABLED",
    }
}
wire_names! {
    /// The finer code beside a launch profile's state.
    LaunchProfileStatusCode {
        Created => "LAUNCH_PROFILE_CREATED",
        Updated => "LAUNCH_PROFILE_UPDATED",
        Deleted => "LAUNCH_PROFILE_DELETED",
        CreateInProgress => "LAUNCH_PROFILE_CREATE_IN_PROGRESS",
        UpdateInProgress => "LAUNCH_PROFILE_UPDATE_IN_PROGRESS",
        DeleteInProgress => "LAUNCH_PROFILE_DELETE_IN_PROGRESS",
        InternalError => "INTERNAL_ERROR",
        StreamingImageNotFound => "STREAMING_IMAGE_NOT_FOUND",
        StreamingImageNotReady => "STREAMING_IMAGE_NOT_READY",
        WithStreamSessionsNotDeleted => "LAUNCH_PROFILE_WITH_STREAM_SESSIONS_NOT_DELETED",
        EncryptionKeyAccessDenied => "ENCRYPTION_KEY_ACCESS_DENIED",
        EncryptionKeyNotFound => "ENCRYPTION_KEY_NOT_FOUND",
        InvalidSubnetsProvided => "INVALID_SUBNETS_PROVIDED",
        InvalidInstanceTypesProvided => "INVALID_INSTANCE_TYPES_PROVIDED",
        InvalidSubnetsCombination => "INVALID_SUBNETS_COMBINATION",
    }
}
wire_names! {
    /// How far the validation of a launch profile is.
    ValidationState {
        NotStarted => "VALIDATION_NOT_STARTED",
        InProgress => "VALIDATION_IN_PROGRESS",
        Success => "VALIDATION_SUCCESS",
        Failed => "VALIDATION_FAILED",
        FailedInternalServerError => "VALIDATION_FAILED_INTERNAL_SERVER_ERROR",
    }
}
wire_names! {
    /// What a validation found.
    ValidationStatusCode {
        NotStarted => "VALIDATION_NOT_STARTED",
        InProgress => "VALIDATION_IN_PROGRESS",
        Success => "VALIDATION_SUCCESS",
        InvalidSubnetRouteTableAssociation => "VALIDATION_FAILED_INVALID_SUBNET_ROUTE_TABLE_ASSOCIATION",
        SubnetNotFound => "VALIDATION_FAILED_SUBNET_NOT_FOUND",
        InvalidSecurityGroupAssociation => "VALIDATION_FAILED_INVALID_SECURITY_GROUP_ASSOCIATION",
        InvalidActiveDirectory => "VALIDATION_FAILED_INVALID_ACTIVE_DIRECTORY",
        Unauthorized => "VALIDATION_FAILED_UNAUTHORIZED",
        InternalServerError => "VALIDATION_FAILED_INTERNAL_SERVER_ERROR",
    }
}
wire_names! {
    /// What is validated of a launch profile.
    ValidationType {
        ActiveDirectory => "VALIDATE_ACTIVE_DIRECTORY_STUDIO_COMPONENT",
        SubnetAssociation => "VALIDATE_SUBNET_ASSOCIATION",
        NetworkAclAssociation => "VALIDATE_NETWORK_ACL_ASSOCIATION",
        SecurityGroupAssociation => "VALIDATE_SECURITY_GROUP_ASSOCIATION",
    }
}
wire_names! {
    /// What a member of a studio, or of a launch profile, is there.
    Persona {
        Administrator => "ADMINISTRATOR",
        User => "USER",
    }
}
wire_names! {
    /// Whose key encrypts something.
    KeyType {
        AwsOwned => "AWS_OWNED_KEY",
        CustomerManaged => "CUSTOMER_MANAGED_KEY",
    }
}
wire_names! {
    /// The finer code beside a streaming image's state.
    ImageStatusCode {
        CreateInProgress => "STREAMING_IMAGE_CREATE_IN_PROGRESS",
        Ready => "STREAMING_IMAGE_READY",
        DeleteInProgress => "STREAMING_IMAGE_DELETE_IN_PROGRESS",
        Deleted => "STREAMING_IMAGE_DELETED",
        UpdateInProgress => "STREAMING_IMAGE_UPDATE_IN_PROGRESS",
        InternalError => "INTERNAL_ERROR",
        AccessDenied => "ACCESS_DENIED",
    }
}
wire_names! {
    /// What a studio component is.
    ComponentType {
        ActiveDirectory => "ACTIVE_DIRECTORY",
        SharedFileSystem => "SHARED_FILE_SYSTEM",
        ComputeFarm => "COMPUTE_FARM",
        LicenseService => "LICENSE_SERVICE",
        Custom => "CUSTOM",
    }
}
wire_names! {
    /// What a studio component is more closely.
    ComponentSubtype {
        AwsManagedMicrosoftAd => "AWS_MANAGED_MICROSOFT_AD",
        AmazonFsxForWindows => "AMAZON_FSX_FOR_WINDOWS",
        AmazonFsxForLustre => "AMAZON_FSX_FOR_LUSTRE",
        Custom => "CUSTOM",
    }
}
wire_names! {
    /// The finer code beside a studio component's state.
    ComponentStatusCode {
        ActiveDirectoryAlreadyExists => "ACTIVE_DIRECTORY_ALREADY_EXISTS",
        Created => "STUDIO_COMPONENT_CREATED",
        Updated => "STUDIO_COMPONENT_UPDATED",
        Deleted => "STUDIO_COMPONENT_DELETED",
        EncryptionKeyAccessDenied => "ENCRYPTION_KEY_ACCESS_DENIED",
        EncryptionKeyNotFound => "ENCRYPTION_KEY_NOT_FOUND",
        CreateInProgress => "STUDIO_COMPONENT_CREATE_IN_PROGRESS",
        UpdateInProgress => "STUDIO_COMPONENT_UPDATE_IN_PROGRESS",
        DeleteInProgress => "STUDIO_COMPONENT_DELETE_IN_PROGRESS",
        InternalError => "INTERNAL_ERROR",
    }
}
wire_names! {
    /// The operating system that an initialization script is for.
    ScriptPlatform {
        Linux => "LINUX",
        Windows => "WINDOWS",
    }
}
wire_names! {
    /// When an initialization script runs.
    ScriptRunContext {
        System => "SYSTEM_INITIALIZATION",
        User => "USER_INITIALIZATION",
    }
}
wire_names! {
    /// The state of a stream.
    StreamState {
        Ready => "READY",
        CreateInProgress => "CREATE_IN_PROGRESS",
        DeleteInProgress => "DELETE_IN_PROGRESS",
        Deleted => "DELETED",
        CreateFailed => "CREATE_FAILED",
        DeleteFailed => "DELETE_FAILED",
    }
}
wire_names! {
    /// The finer code beside a stream's state.
    StreamStatusCode {
        CreateInProgress => "STREAM_CREATE_IN_PROGRESS",
        Ready => "STREAM_READY",
        DeleteInProgress => "STREAM_DELETE_IN_PROGRESS",
        Deleted => "STREAM_DELETED",
        InternalError => "INTERNAL_ERROR",
        NetworkConnectionError => "NETWORK_CONNECTION_ERROR",
    }
}

/// Who belongs to a studio or a launch profile, by principal id.
pub type Members = BTreeMap<String, Member>;

/// One who belongs to a studio as its administrator, or to a launch profile as its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The Identity Center user id.
    pub principal_id: String,
    pub identity_store_id: String,
    pub persona: Persona,
    /// The security identifier in Active Directory, where there is one.
    pub sid: Option<String>,
}

/// How a studio or a streaming image is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encryption {
    pub key_type: KeyType,
    pub key_arn: Option<String>,
}

/// One thing that was validated of a launch profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationResult {
    pub kind: ValidationType,
    pub state: ValidationState,
    pub status_code: ValidationStatusCode,
    pub status_message: String,
}

/// What is under way with a launch profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transition {
    pub ends: Timestamp,
    /// Why it will fail, if it will.
    pub failure: Option<(LaunchProfileStatusCode, String)>,
}

/// A streaming image: what a session's machine starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamingImage {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub ec2_image_id: String,
    pub encryption: Option<Encryption>,
    pub eula_ids: Vec<String>,
    /// The id of the studio, or `amazon`.
    pub owner: String,
    /// `LINUX` or `WINDOWS`.
    pub platform: String,
    pub state: ResourceState,
    pub status_code: Option<ImageStatusCode>,
    pub status_message: Option<String>,
    pub tags: Tags,
}

impl StreamingImage {
    /// A READY image of the studio `owner`. That it is a Windows image is read off its name.
    #[must_use]
    pub fn new(id: &str, owner: &str) -> Self {
        let windows = id.to_ascii_lowercase().contains("win");
        let machine: String =
            super::ids::resource_id(id).chars().filter(char::is_ascii_alphanumeric).collect();
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            description: None,
            ec2_image_id: format!("ami-{}", machine.to_ascii_lowercase()),
            encryption: None,
            eula_ids: Vec::new(),
            owner: owner.to_owned(),
            platform: if windows { "WINDOWS" } else { "LINUX" }.to_owned(),
            state: ResourceState::Ready,
            status_code: Some(ImageStatusCode::Ready),
            status_message: None,
            tags: Tags::new(),
        }
    }
}

/// A studio component: something in the studio's network that sessions use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudioComponent {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub kind: ComponentType,
    pub subtype: Option<ComponentSubtype>,
    pub configuration: Option<ComponentConfiguration>,
    pub security_group_ids: Vec<String>,
    pub scripts: Vec<InitializationScript>,
    pub script_parameters: BTreeMap<String, String>,
    pub runtime_role_arn: Option<String>,
    pub secure_initialization_role_arn: Option<String>,
    pub state: ResourceState,
    pub status_code: Option<ComponentStatusCode>,
    pub status_message: Option<String>,
    pub created_at: Option<Timestamp>,
    pub created_by: Option<String>,
    pub updated_at: Option<Timestamp>,
    pub updated_by: Option<String>,
    pub tags: Tags,
}

impl StudioComponent {
    /// A READY component of the studio's own kind.
    #[must_use]
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            description: None,
            kind: ComponentType::Custom,
            subtype: None,
            configuration: None,
            security_group_ids: Vec::new(),
            scripts: Vec::new(),
            script_parameters: BTreeMap::new(),
            runtime_role_arn: None,
            secure_initialization_role_arn: None,
            state: ResourceState::Ready,
            status_code: Some(ComponentStatusCode::Created),
            status_message: None,
            created_at: None,
            created_by: None,
            updated_at: None,
            updated_by: None,
            tags: Tags::new(),
        }
    }
}

/// The configuration of a component, by its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComponentConfiguration {
    ActiveDirectory {
        directory_id: Option<String>,
        organizational_unit: Option<String>,
        computer_attributes: BTreeMap<String, String>,
    },
    ComputeFarm {
        endpoint: Option<String>,
        active_directory_user: Option<String>,
    },
    LicenseService {
        endpoint: Option<String>,
    },
    SharedFileSystem {
        endpoint: Option<String>,
        file_system_id: Option<String>,
        linux_mount_point: Option<String>,
        share_name: Option<String>,
        windows_mount_drive: Option<String>,
    },
}

/// A script that a component runs on a machine when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitializationScript {
    pub platform: ScriptPlatform,
    pub run_context: ScriptRunContext,
    pub script: String,
}

/// A copy of a session's volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    pub id: String,
    pub arn: String,
    pub session_id: SessionId,
    pub launch_profile_id: Option<LaunchProfileId>,
    pub owned_by: Option<String>,
    pub created_at: Timestamp,
    /// The model lends backups the states of sessions.
    pub state: SessionState,
    pub status_code: Option<SessionStatusCode>,
    pub status_message: Option<String>,
    pub tags: Tags,
}

/// A connection to a session. What becomes of it follows from its instants alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    pub id: String,
    pub created_at: Timestamp,
    pub created_by: String,
    pub owned_by: Option<String>,
    pub expires_at: Timestamp,
    pub url: String,
    /// When it becomes READY.
    pub(super) ready_at: Timestamp,
    /// When it begins to go: with its session, or when it expires.
    pub(super) ends_at: Timestamp,
    /// How long it takes to go.
    pub(super) deletion: SignedDuration,
}

impl Stream {
    /// What it is at an instant.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> (StreamState, StreamStatusCode) {
        let gone_at = self.ends_at.saturating_add(self.deletion).unwrap_or(Timestamp::MAX);
        if now >= gone_at {
            (StreamState::Deleted, StreamStatusCode::Deleted)
        } else if now >= self.ends_at {
            (StreamState::DeleteInProgress, StreamStatusCode::DeleteInProgress)
        } else if now >= self.ready_at {
            (StreamState::Ready, StreamStatusCode::Ready)
        } else {
            (StreamState::CreateInProgress, StreamStatusCode::CreateInProgress)
        }
    }
}

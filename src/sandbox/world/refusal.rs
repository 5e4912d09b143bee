//! Why the service refuses a request: a closed list with data, sorted into the service's own error
//! kinds.

use super::{Operation, ResourceState, SessionState};

/// The longest client token that the service takes; the shortest is one character.
pub const CLIENT_TOKEN_LENGTH_MAX: usize = 64;
/// How many tags a resource may have.
pub const TAGS_MAX: usize = 50;
/// The longest tag key, in characters; the shortest is one.
pub const TAG_KEY_LENGTH_MAX: usize = 128;
/// The longest tag value, in characters.
pub const TAG_VALUE_LENGTH_MAX: usize = 256;

/// The service's error kinds that follow from the state of a studio. Denied, throttled and internal
/// errors do not: those are faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// ValidationException, 400.
    Validation,
    /// ServiceQuotaExceededException, 402.
    Quota,
    /// ResourceNotFoundException, 404.
    NotFound,
    /// ConflictException, 409.
    Conflict,
}

/// Why the world refuses a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("studio {0} was not found")]
    StudioNotFound(String),
    #[error("launch profile {0} was not found")]
    LaunchProfileNotFound(String),
    #[error("streaming session {0} was not found")]
    SessionNotFound(String),
    #[error("streaming session backup {0} was not found")]
    BackupNotFound(String),
    #[error("resource {0} was not found")]
    ResourceNotFound(String),
    #[error("member {0} was not found")]
    MemberNotFound(String),
    #[error("streaming image {0} was not found")]
    ImageNotFound(String),
    #[error("studio component {0} was not found")]
    ComponentNotFound(String),
    #[error("streaming session stream {0} was not found")]
    StreamNotFound(String),
    #[error("Another operation is in progress: launch profile {profile} is {}", state.as_str())]
    ProfileInTransition { profile: String, state: ResourceState },
    #[error("{operation} is not possible while launch profile {profile} is {}", state.as_str())]
    ProfileNotFromState { profile: String, state: ResourceState, operation: Operation },
    #[error("Another operation is in progress: streaming session backup {0} is not complete")]
    BackupInProgress(String),
    #[error("streaming session backup {backup} is {}: only one that is READY can be started from", state.as_str())]
    BackupNotReady { backup: String, state: SessionState },
    #[error("streaming session backup {backup} is one of session {session}")]
    BackupOfAnother { backup: String, session: String },
    #[error("{parameter} is {found:?}: the launch profile has {}", valid.join(", "))]
    NotOffered { parameter: &'static str, found: String, valid: Vec<String> },
    #[error("{parameter} is only allowed where {condition}")]
    NotAllowed { parameter: &'static str, condition: &'static str },
    #[error("Another operation is in progress: streaming session {session} is {}", state.as_str())]
    AnotherOperation { session: String, state: SessionState },
    #[error("{operation} is not possible while streaming session {session} is {}", state.as_str())]
    NotFromState { session: String, state: SessionState, operation: Operation },
    #[error("client token {0} was used before with other parameters")]
    TokenReused(String),
    #[error("a client token has 1 to {CLIENT_TOKEN_LENGTH_MAX} characters, this one has {0}")]
    TokenLength(usize),
    #[error(
        "a tag key has 1 to {TAG_KEY_LENGTH_MAX} characters and does not begin with aws:, this one is {0:?}"
    )]
    TagKey(String),
    #[error(
        "a tag value has at most {TAG_VALUE_LENGTH_MAX} characters, that of {key:?} has {length}"
    )]
    TagValue { key: String, length: usize },
    #[error("a resource has at most {TAGS_MAX} tags, {resource} would have {count}")]
    TooManyTags { resource: String, count: usize },
    #[error("studio {studio} may have at most {quota} streaming sessions")]
    SessionQuota { studio: String, quota: usize },
    #[error("studio {studio} may have at most {quota} launch profiles")]
    LaunchProfileQuota { studio: String, quota: usize },
    #[error("{resource} may have at most {quota} members")]
    MemberQuota { resource: String, quota: usize },
    #[error("streaming session {session} may have at most {quota} streams")]
    StreamQuota { session: String, quota: usize },
}

impl Refusal {
    /// The service's kind of error.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::StudioNotFound(_)
            | Self::LaunchProfileNotFound(_)
            | Self::SessionNotFound(_)
            | Self::BackupNotFound(_)
            | Self::ResourceNotFound(_)
            | Self::MemberNotFound(_)
            | Self::ImageNotFound(_)
            | Self::ComponentNotFound(_)
            | Self::StreamNotFound(_) => RefusalKind::NotFound,
            Self::AnotherOperation { .. }
            | Self::ProfileInTransition { .. }
            | Self::BackupInProgress(_) => RefusalKind::Conflict,
            Self::TooManyTags { .. }
            | Self::SessionQuota { .. }
            | Self::LaunchProfileQuota { .. }
            | Self::MemberQuota { .. }
            | Self::StreamQuota { .. } => RefusalKind::Quota,
            Self::NotFromState { .. }
            | Self::ProfileNotFromState { .. }
            | Self::BackupNotReady { .. }
            | Self::BackupOfAnother { .. }
            | Self::NotOffered { .. }
            | Self::NotAllowed { .. }
            | Self::TokenReused(_)
            | Self::TokenLength(_)
            | Self::TagKey(_)
            | Self::TagValue { .. } => RefusalKind::Validation,
        }
    }

    /// The finer code in the body's own member `code`. The service publishes no list; these are
    /// ours.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::StudioNotFound(_) => "STUDIO_NOT_FOUND",
            Self::LaunchProfileNotFound(_) => "LAUNCH_PROFILE_NOT_FOUND",
            Self::SessionNotFound(_) => "STREAMING_SESSION_NOT_FOUND",
            Self::BackupNotFound(_) => "STREAMING_SESSION_BACKUP_NOT_FOUND",
            Self::ResourceNotFound(_) => "RESOURCE_NOT_FOUND",
            Self::MemberNotFound(_) => "MEMBER_NOT_FOUND",
            Self::ImageNotFound(_) => "STREAMING_IMAGE_NOT_FOUND",
            Self::ComponentNotFound(_) => "STUDIO_COMPONENT_NOT_FOUND",
            Self::StreamNotFound(_) => "STREAMING_SESSION_STREAM_NOT_FOUND",
            Self::ProfileInTransition { .. } | Self::BackupInProgress(_) => "OPERATION_IN_PROGRESS",
            Self::ProfileNotFromState { .. } | Self::BackupNotReady { .. } => "INVALID_STATE",
            Self::BackupOfAnother { .. } | Self::NotOffered { .. } | Self::NotAllowed { .. } => {
                "INVALID_PARAMETER"
            }
            Self::AnotherOperation { .. } => "OPERATION_IN_PROGRESS",
            Self::NotFromState { .. } => "INVALID_STATE",
            Self::TokenReused(_) => "CLIENT_TOKEN_REUSED",
            Self::TokenLength(_) => "CLIENT_TOKEN_LENGTH",
            Self::TagKey(_) => "TAG_KEY",
            Self::TagValue { .. } => "TAG_VALUE",
            Self::TooManyTags { .. } => "TAG_QUOTA",
            Self::SessionQuota { .. } => "STREAMING_SESSION_QUOTA",
            Self::LaunchProfileQuota { .. } => "LAUNCH_PROFILE_QUOTA",
            Self::MemberQuota { .. } => "MEMBER_QUOTA",
            Self::StreamQuota { .. } => "STREAMING_SESSION_STREAM_QUOTA",
        }
    }

    /// The id or ARN of what the refusal is about, where it is about a resource.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        match self {
            Self::StudioNotFound(id)
            | Self::LaunchProfileNotFound(id)
            | Self::SessionNotFound(id)
            | Self::BackupNotFound(id)
            | Self::ResourceNotFound(id)
            | Self::MemberNotFound(id)
            | Self::ImageNotFound(id)
            | Self::ComponentNotFound(id)
            | Self::StreamNotFound(id)
            | Self::BackupInProgress(id) => Some(id),
            Self::AnotherOperation { session, .. }
            | Self::NotFromState { session, .. }
            | Self::StreamQuota { session, .. } => Some(session),
            Self::ProfileInTransition { profile, .. }
            | Self::ProfileNotFromState { profile, .. } => Some(profile),
            Self::BackupNotReady { backup, .. } | Self::BackupOfAnother { backup, .. } => {
                Some(backup)
            }
            Self::TooManyTags { resource, .. } | Self::MemberQuota { resource, .. } => {
                Some(resource)
            }
            Self::SessionQuota { studio, .. } | Self::LaunchProfileQuota { studio, .. } => {
                Some(studio)
            }
            Self::TokenReused(_)
            | Self::TokenLength(_)
            | Self::TagKey(_)
            | Self::TagValue { .. }
            | Self::NotOffered { .. }
            | Self::NotAllowed { .. } => None,
        }
    }

    /// The member of the request that is wrong, where one is.
    #[must_use]
    pub fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::TokenReused(_) | Self::TokenLength(_) => Some("clientToken"),
            Self::TagKey(_) | Self::TagValue { .. } => Some("tags"),
            Self::BackupNotReady { .. } | Self::BackupOfAnother { .. } => Some("backupId"),
            Self::NotOffered { parameter, .. } | Self::NotAllowed { parameter, .. } => {
                Some(parameter)
            }
            Self::StudioNotFound(_)
            | Self::LaunchProfileNotFound(_)
            | Self::SessionNotFound(_)
            | Self::BackupNotFound(_)
            | Self::ResourceNotFound(_)
            | Self::MemberNotFound(_)
            | Self::ImageNotFound(_)
            | Self::ComponentNotFound(_)
            | Self::StreamNotFound(_)
            | Self::AnotherOperation { .. }
            | Self::NotFromState { .. }
            | Self::ProfileInTransition { .. }
            | Self::ProfileNotFromState { .. }
            | Self::BackupInProgress(_)
            | Self::TooManyTags { .. }
            | Self::SessionQuota { .. }
            | Self::LaunchProfileQuota { .. }
            | Self::MemberQuota { .. }
            | Self::StreamQuota { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_is_wrong() {
        let id = || "x".to_owned();
        let operation = Operation::StopStreamingSession;
        let refusals = [
            Refusal::StudioNotFound(id()),
            Refusal::LaunchProfileNotFound(id()),
            Refusal::SessionNotFound(id()),
            Refusal::BackupNotFound(id()),
            Refusal::ResourceNotFound(id()),
            Refusal::AnotherOperation { session: id(), state: SessionState::StopInProgress },
            Refusal::NotFromState { session: id(), state: SessionState::Stopped, operation },
            Refusal::TokenReused(id()),
            Refusal::TokenLength(65),
            Refusal::TagKey("aws:x".to_owned()),
            Refusal::TagValue { key: id(), length: 300 },
            Refusal::TooManyTags { resource: id(), count: 51 },
            Refusal::SessionQuota { studio: id(), quota: 40 },
            Refusal::MemberNotFound(id()),
            Refusal::ImageNotFound(id()),
            Refusal::ComponentNotFound(id()),
            Refusal::StreamNotFound(id()),
            Refusal::ProfileInTransition { profile: id(), state: ResourceState::UpdateInProgress },
            Refusal::ProfileNotFromState {
                profile: id(),
                state: ResourceState::Deleted,
                operation: Operation::UpdateLaunchProfile,
            },
            Refusal::BackupInProgress(id()),
            Refusal::BackupNotReady { backup: id(), state: SessionState::CreateFailed },
            Refusal::BackupOfAnother { backup: id(), session: "y".to_owned() },
            Refusal::NotOffered {
                parameter: "ec2InstanceType",
                found: id(),
                valid: vec!["g5.xlarge".to_owned()],
            },
            Refusal::NotAllowed { parameter: "tags", condition: "it is so" },
            Refusal::LaunchProfileQuota { studio: id(), quota: 40 },
            Refusal::MemberQuota { resource: id(), quota: 40 },
            Refusal::StreamQuota { session: id(), quota: 40 },
        ];
        let told =
            refusals.map(|refusal| format!("{:?} {}: {refusal}", refusal.kind(), refusal.code()));
        insta::assert_snapshot!(told.join("\n"), @r#"
        NotFound STUDIO_NOT_FOUND: studio x was not found
        NotFound LAUNCH_PROFILE_NOT_FOUND: launch profile x was not found
        NotFound STREAMING_SESSION_NOT_FOUND: streaming session x was not found
        NotFound STREAMING_SESSION_BACKUP_NOT_FOUND: streaming session backup x was not found
        NotFound RESOURCE_NOT_FOUND: resource x was not found
        Conflict OPERATION_IN_PROGRESS: Another operation is in progress: streaming session x is STOP_IN_PROGRESS
        Validation INVALID_STATE: StopStreamingSession is not possible while streaming session x is STOPPED
        Validation CLIENT_TOKEN_REUSED: client token x was used before with other parameters
        Validation CLIENT_TOKEN_LENGTH: a client token has 1 to 64 characters, this one has 65
        Validation TAG_KEY: a tag key has 1 to 128 characters and does not begin with aws:, this one is "aws:x"
        Validation TAG_VALUE: a tag value has at most 256 characters, that of "x" has 300
        Quota TAG_QUOTA: a resource has at most 50 tags, x would have 51
        Quota STREAMING_SESSION_QUOTA: studio x may have at most 40 streaming sessions
        NotFound MEMBER_NOT_FOUND: member x was not found
        NotFound STREAMING_IMAGE_NOT_FOUND: streaming image x was not found
        NotFound STUDIO_COMPONENT_NOT_FOUND: studio component x was not found
        NotFound STREAMING_SESSION_STREAM_NOT_FOUND: streaming session stream x was not found
        Conflict OPERATION_IN_PROGRESS: Another operation is in progress: launch profile x is UPDATE_IN_PROGRESS
        Validation INVALID_STATE: UpdateLaunchProfile is not possible while launch profile x is DELETED
        Conflict OPERATION_IN_PROGRESS: Another operation is in progress: streaming session backup x is not complete
        Validation INVALID_STATE: streaming session backup x is CREATE_FAILED: only one that is READY can be started from
        Validation INVALID_PARAMETER: streaming session backup x is one of session y
        Validation INVALID_PARAMETER: ec2InstanceType is "x": the launch profile has g5.xlarge
        Validation INVALID_PARAMETER: tags is only allowed where it is so
        Quota LAUNCH_PROFILE_QUOTA: studio x may have at most 40 launch profiles
        Quota MEMBER_QUOTA: x may have at most 40 members
        Quota STREAMING_SESSION_STREAM_QUOTA: streaming session x may have at most 40 streams
        "#);
    }
}

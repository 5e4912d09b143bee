//! Why the service refuses a request: a closed list with data, sorted into the service's own error
//! kinds.

use super::{Operation, SessionState};

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
            | Self::ResourceNotFound(_) => RefusalKind::NotFound,
            Self::AnotherOperation { .. } => RefusalKind::Conflict,
            Self::TooManyTags { .. } | Self::SessionQuota { .. } => RefusalKind::Quota,
            Self::NotFromState { .. }
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
            Self::AnotherOperation { .. } => "OPERATION_IN_PROGRESS",
            Self::NotFromState { .. } => "INVALID_STATE",
            Self::TokenReused(_) => "CLIENT_TOKEN_REUSED",
            Self::TokenLength(_) => "CLIENT_TOKEN_LENGTH",
            Self::TagKey(_) => "TAG_KEY",
            Self::TagValue { .. } => "TAG_VALUE",
            Self::TooManyTags { .. } => "TAG_QUOTA",
            Self::SessionQuota { .. } => "STREAMING_SESSION_QUOTA",
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
            | Self::ResourceNotFound(id) => Some(id),
            Self::AnotherOperation { session, .. } | Self::NotFromState { session, .. } => {
                Some(session)
            }
            Self::TooManyTags { resource, .. } => Some(resource),
            Self::SessionQuota { studio, .. } => Some(studio),
            Self::TokenReused(_)
            | Self::TokenLength(_)
            | Self::TagKey(_)
            | Self::TagValue { .. } => None,
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
        "#);
    }
}

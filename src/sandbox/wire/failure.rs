//! The service's errors: a type in a header, and a body of `message`, `code` and `context`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::sandbox::signature::SignatureError;
use crate::sandbox::violation::Violation;
use crate::sandbox::world::{Refusal, RefusalKind};

/// The service's error types, and one more for what the sandbox does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    Validation,
    Quota,
    Denied,
    Expired,
    MissingToken,
    IncompleteSignature,
    UnrecognizedClient,
    InvalidSignature,
    NotFound,
    Conflict,
    Throttled,
    Internal,
    NotServed,
}

impl FailureKind {
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Validation => 400,
            Self::Quota => 402,
            Self::Denied
            | Self::Expired
            | Self::MissingToken
            | Self::IncompleteSignature
            | Self::UnrecognizedClient
            | Self::InvalidSignature => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Throttled => 429,
            Self::Internal => 500,
            Self::NotServed => 501,
        }
    }

    /// The value of the header `x-amzn-ErrorType`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Validation => "ValidationException",
            Self::Quota => "ServiceQuotaExceededException",
            Self::Denied => "AccessDeniedException",
            Self::Expired => "ExpiredTokenException",
            Self::MissingToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::NotFound => "ResourceNotFoundException",
            Self::Conflict => "ConflictException",
            Self::Throttled => "ThrottlingException",
            Self::Internal => "InternalServerErrorException",
            Self::NotServed => "NotImplementedException",
        }
    }
}

/// An error answer.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    message: String,
    code: &'static str,
    context: BTreeMap<&'static str, String>,
    /// What the request breaks of the service's model, where it does.
    violation: Option<Violation>,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code, context: BTreeMap::new(), violation: None }
    }

    /// A request that is wrong in the member called `member`.
    pub(crate) fn invalid(member: &str, message: impl Into<String>) -> Self {
        let mut failure = Self::new(FailureKind::Validation, "INVALID_PARAMETER", message);
        failure.context.insert("parameter", member.to_owned());
        failure.violation = Some(Violation::Constraint(failure.message.clone()));
        failure
    }

    /// A request with a member or parameter that the model does not have.
    pub(crate) fn unknown(member: &str, message: impl Into<String>) -> Self {
        let failure = Self::invalid(member, message);
        let violation = Some(Violation::UnknownMember(failure.message.clone()));
        Self { violation, ..failure }
    }

    /// What people read of it.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// A failure that is about nothing in the studio, and so tells what was asked for.
    pub(crate) fn of_operation(mut self, name: &str) -> Self {
        self.context.insert("operation", name.to_owned());
        self
    }

    pub(crate) fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            message: &'a str,
            code: &'a str,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            context: &'a BTreeMap<&'static str, String>,
        }
        let body = Body { message: &self.message, code: self.code, context: &self.context };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.kind() {
            RefusalKind::Validation => FailureKind::Validation,
            RefusalKind::Quota => FailureKind::Quota,
            RefusalKind::NotFound => FailureKind::NotFound,
            RefusalKind::Conflict => FailureKind::Conflict,
        };
        let mut failure = Self::new(kind, refusal.code(), refusal.to_string());
        failure.violation = match (refusal.kind(), refusal.code()) {
            // A state of the world is nothing that a request could break.
            (_, "INVALID_STATE") => None,
            (_, "CLIENT_TOKEN_REUSED") => Some(Violation::ClientTokenReused),
            (RefusalKind::Validation, _) => Some(Violation::Constraint(failure.message.clone())),
            (RefusalKind::Quota | RefusalKind::NotFound | RefusalKind::Conflict, _) => None,
        };
        if let Some(resource) = refusal.resource() {
            failure.context.insert("resourceId", resource.to_owned());
        }
        if let Some(parameter) = refusal.parameter() {
            failure.context.insert("parameter", parameter.to_owned());
        }
        failure
    }
}

impl From<SignatureError> for Failure {
    fn from(error: SignatureError) -> Self {
        let (kind, code) = match error {
            SignatureError::Missing => (FailureKind::MissingToken, "MISSING_AUTHENTICATION_TOKEN"),
            SignatureError::Incomplete(_) => {
                (FailureKind::IncompleteSignature, "INCOMPLETE_SIGNATURE")
            }
            SignatureError::UnknownKey => (FailureKind::UnrecognizedClient, "UNRECOGNIZED_CLIENT"),
            SignatureError::TokenExpired => (FailureKind::Expired, "EXPIRED_TOKEN"),
            SignatureError::Scope { .. }
            | SignatureError::Expired { .. }
            | SignatureError::NotYetCurrent { .. }
            | SignatureError::NotSigned(_)
            | SignatureError::PayloadHash
            | SignatureError::Mismatch => (FailureKind::InvalidSignature, "INVALID_SIGNATURE"),
        };
        Self::new(kind, code, error.to_string())
    }
}

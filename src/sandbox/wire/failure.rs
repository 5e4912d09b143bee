//! The service's errors: a type in a header, and a body of `message`, `code` and `context`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::sandbox::world::{Refusal, RefusalKind};

/// The service's error types, and one more for what the sandbox does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    Validation,
    Quota,
    Denied,
    Expired,
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
            Self::Denied | Self::Expired => 403,
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
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code, context: BTreeMap::new() }
    }

    /// A request that is wrong in the member called `member`.
    pub(crate) fn invalid(member: &str, message: impl Into<String>) -> Self {
        let mut failure = Self::new(FailureKind::Validation, "INVALID_PARAMETER", message);
        failure.context.insert("parameter", member.to_owned());
        failure
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
        if let Some(resource) = refusal.resource() {
            failure.context.insert("resourceId", resource.to_owned());
        }
        if let Some(parameter) = refusal.parameter() {
            failure.context.insert("parameter", parameter.to_owned());
        }
        failure
    }
}

//! The SDK's errors, as answers to the first question: what happened.
//!
//! The status of an answer decides before any of its words: a mutating call is only ever said to have
//! had no effect where the service itself refused it. Start with [`provider_error`].

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_nimble::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_nimble::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::calls::Call;
use super::http::AnswerTooLarge;
use super::shape::BadShape;
use crate::inventory::Problem;
use crate::provider::ProviderError;

/// The longest detail that is kept, in characters: enough for any sentence of the service.
pub(super) const DETAIL_MAX: usize = 300;

/// Codes of services of this family that mean "slow down", whatever their status.
const THROTTLING_CODES: [&str; 6] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
];

/// What only a line has that repeats the request, or a part of it.
const ECHOES: [&str; 4] = ["Canonical String", "AWS4-HMAC", "aws4_request", "externalId"];

/// Codes that refuse the credentials themselves; some come with status 400.
const DENYING_CODES: [&str; 8] = [
    "AccessDenied",
    "AccessDeniedException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
];

/// Codes that new credentials may be an answer to: the ones that came were good once. A key that
/// nobody knows may have been replaced since it was read.
const EXPIRED_CODES: [&str; 5] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "RequestExpired",
    "UnrecognizedClientException",
];

/// How the service says the same in its sentence, where its code is a general one.
const EXPIRED_WORDS: &str = "security token included in the request is expired";

/// Translates what the SDK says of a call that did not succeed.
pub(super) fn provider_error<E>(call: Call, error: &SdkError<E, HttpResponse>) -> ProviderError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let request_id = error.request_id().map(one_line);
    let (problem, detail) = match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            service_problem(status, answer.err().code(), answer.err().message())
        }
        SdkError::ResponseError(answer) => {
            (status_problem(answer.raw().status().as_u16()), chain(error))
        }
        SdkError::TimeoutError(_) => (Problem::TimedOut, "the call was given up".to_owned()),
        SdkError::DispatchFailure(failure) => {
            let problem = if failure.is_timeout() {
                Problem::TimedOut
            } else {
                unsent_problem(error).unwrap_or(Problem::Unreachable)
            };
            (problem, chain(error))
        }
        // The request could not even be written, as with an empty id: nothing was sent.
        SdkError::ConstructionFailure(_) => {
            (unsent_problem(error).unwrap_or(Problem::Refused), chain(error))
        }
        // What a later SDK may say proves nothing.
        _ => (unsent_problem(error).unwrap_or(Problem::Unreachable), chain(error)),
    };
    ProviderError { problem, operation: call.name(), detail: one_line(&detail), request_id }
}

/// An answer of status 200 that lacks what its operation promises.
pub(super) fn garbled(call: Call, detail: &str) -> ProviderError {
    let detail = one_line(detail);
    ProviderError { problem: Problem::Garbled, operation: call.name(), detail, request_id: None }
}

/// The first line of a text, bounded.
///
/// Only the first line, because that is the sentence. What follows it can be the request itself with
/// its security token, as where a signature is refused.
pub(super) fn one_line(text: &str) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default();
    without_echo(line)
        .chars()
        .filter(|character| !character.is_control())
        .take(DETAIL_MAX)
        .collect()
}

/// A line up to where it repeats what it was asked with: a key that stands where another should may be in it, and
/// quotes begin before it.
fn without_echo(line: &str) -> &str {
    let Some(echo) = ECHOES.iter().filter_map(|word| line.find(word)).min() else { return line };
    let quote = line.find('\'').unwrap_or(echo);
    &line[..echo.min(quote)]
}

fn service_problem(status: u16, code: Option<&str>, message: Option<&str>) -> (Problem, String) {
    let problem = match code {
        Some(code) if is_expired(status, code, message) => Problem::CredentialsExpired,
        Some(code) if (400..500).contains(&status) => code_problem(status, code),
        Some(_) | None => status_problem(status),
    };
    let code = code.map_or_else(|| format!("status {status}"), str::to_owned);
    let detail = message.map_or_else(|| code.clone(), |message| format!("{code}: {message}"));
    (problem, detail)
}

/// What a status says where no code says more. A redirection or an unreadable success is no answer of
/// this service.
fn status_problem(status: u16) -> Problem {
    match status {
        401 | 403 => Problem::Denied,
        404 => Problem::Gone,
        408 => Problem::TimedOut,
        409 => Problem::Conflict,
        429 => Problem::Throttled,
        400..=499 => Problem::Refused,
        500..=599 => Problem::ServerError,
        _ => Problem::Garbled,
    }
}

/// Whether the credentials were refused as too old, or as not known any more.
fn is_expired(status: u16, code: &str, message: Option<&str>) -> bool {
    let is_said = EXPIRED_CODES.contains(&code)
        || message.is_some_and(|message| message.contains(EXPIRED_WORDS));
    is_said && [400, 401, 403].contains(&status)
}

/// The codes matter only where the status is the general one of refusal.
fn code_problem(status: u16, code: &str) -> Problem {
    match status_problem(status) {
        Problem::Refused if THROTTLING_CODES.contains(&code) => Problem::Throttled,
        Problem::Refused if DENYING_CODES.contains(&code) => Problem::Denied,
        Problem::Refused if code == "ResourceNotFoundException" => Problem::Gone,
        Problem::Refused if code == "ConflictException" => Problem::Conflict,
        Problem::Refused if code.starts_with("RequestTimeout") => Problem::TimedOut,
        problem => problem,
    }
}

/// What stopped a call that never came to an answer that could be looked at, where its causes tell.
fn unsent_problem(error: &(dyn Error + 'static)) -> Option<Problem> {
    causes(error).find_map(|cause| {
        if cause.is::<AnswerTooLarge>() {
            Some(Problem::TooLarge)
        } else if cause.is::<BadShape>() {
            Some(Problem::Garbled)
        } else if cause.is::<CredentialsError>() || is_credentials_timeout(cause) {
            Some(Problem::NoCredentials)
        } else {
            None
        }
    })
}

/// The cache of identities gives up with an error type of its own that it does not export.
fn is_credentials_timeout(cause: &(dyn Error + 'static)) -> bool {
    cause.source().is_none() && cause.to_string().contains("identity resolver timed out")
}

/// All causes in one line. A program that was to give credentials may have put them into its
/// complaint, so that one is left out.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in causes(error) {
        let text = cause.to_string();
        if text.contains("external process") {
            parts.push("the external process gave no credentials".to_owned());
            break;
        }
        if !parts.last().is_some_and(|last| last.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

/// The error and its causes. The bound is for an error that would be its own cause.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let source = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> {
        (*error).source()
    };
    std::iter::successors(Some(error), source).take(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_decides_and_codes_refine_refusals() {
        for (status, code, expected) in [
            (400, Some("ValidationException"), Problem::Refused),
            (400, Some("ThrottlingException"), Problem::Throttled),
            (400, Some("MissingAuthenticationToken"), Problem::Denied),
            (400, Some("MissingAuthenticationTokenException"), Problem::Denied),
            (400, Some("IncompleteSignatureException"), Problem::Denied),
            (400, Some("UnrecognizedClientException"), Problem::CredentialsExpired),
            (400, Some("ExpiredTokenException"), Problem::CredentialsExpired),
            (403, Some("ExpiredTokenException"), Problem::CredentialsExpired),
            (403, Some("InvalidClientTokenId"), Problem::CredentialsExpired),
            (403, Some("RequestExpired"), Problem::CredentialsExpired),
            // Whatever the word says, it may have had an effect.
            (500, Some("ExpiredTokenException"), Problem::ServerError),
            (409, Some("ExpiredTokenException"), Problem::Conflict),
            (400, Some("ResourceNotFoundException"), Problem::Gone),
            (400, Some("ConflictException"), Problem::Conflict),
            (400, None, Problem::Refused),
            (401, None, Problem::Denied),
            (402, Some("ServiceQuotaExceededException"), Problem::Refused),
            (403, Some("AccessDeniedException"), Problem::Denied),
            (403, Some("InvalidSignatureException"), Problem::Denied),
            (403, None, Problem::Denied),
            (404, Some("ResourceNotFoundException"), Problem::Gone),
            (408, None, Problem::TimedOut),
            (409, Some("ConflictException"), Problem::Conflict),
            (418, Some("Surprise"), Problem::Refused),
            (429, Some("ThrottlingException"), Problem::Throttled),
            (429, None, Problem::Throttled),
            (500, Some("InternalServerErrorException"), Problem::ServerError),
            // It may have had an effect, whatever the word says.
            (503, Some("ThrottlingException"), Problem::ServerError),
            (504, None, Problem::ServerError),
            (302, None, Problem::Garbled),
            (200, None, Problem::Garbled),
        ] {
            assert_eq!(service_problem(status, code, None).0, expected, "{status} {code:?}");
        }
    }

    #[test]
    fn expired_credentials_are_known_by_the_sentence_too() {
        let said = Some("The security token included in the request is expired");
        let problem = |status, said| service_problem(status, Some("AccessDenied"), said).0;
        assert_eq!(problem(403, said), Problem::CredentialsExpired);
        assert_eq!(problem(500, said), Problem::ServerError);
        assert_eq!(problem(403, Some("no")), Problem::Denied);
    }

    #[test]
    fn a_detail_is_one_bounded_line_without_the_request_that_was_signed() {
        let refusal = "The request signature we calculated does not match.\n\nThe Canonical String \
            for this request should have been\n'POST\nx-amz-security-token:SECRET'";
        assert_eq!(one_line(refusal), "The request signature we calculated does not match.");
        assert_eq!(one_line("No. The Canonical String is SECRET"), "No. The ");
        // Whoever swapped a key's id and its secret finds the secret in the answer.
        let swapped = "Credential must have exactly 5 slash-delimited elements, e.g. \
            keyid/date/region/service/term, got 'SECRET/20261127/us-west-2/nimble/aws4_request'";
        assert_eq!(
            one_line(swapped),
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got "
        );
        let header = "Invalid key=value pair (missing equal-sign) in Authorization header: \
            'AWS4-HMAC-SHA256 Credential=SECRET'.";
        assert!(!one_line(header).contains("SECRET"));
        assert!(!one_line("Value 'SECRET' at 'externalId' failed").contains("SECRET"));
        assert_eq!(one_line("it's no secret"), "it's no secret");
        assert_eq!(one_line(&"é".repeat(1000)).chars().count(), DETAIL_MAX);
        assert_eq!(one_line("a\u{1b}[31mb\tc"), "a[31mbc");
        assert_eq!(one_line(""), "");
    }

    #[test]
    fn what_an_external_process_complains_of_is_not_repeated() {
        let complaint = "Error retrieving credentials: external process exited with code 1. \
            Stderr: SECRET";
        let error = CredentialsError::provider_error(complaint);
        insta::assert_snapshot!(
            chain(&error),
            @"an error occurred while loading credentials: the external process gave no credentials"
        );
    }
}

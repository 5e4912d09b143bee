//! Who may call, and whether a request was signed by one of them: AWS Signature Version 4, read from
//! the service's side.
//!
//! `canonical.rs` writes a request down as the client did before it signed it; this file reads what
//! the client says of its signature, and answers as the service does. Secrets stay in here: no error
//! and no debug text has one. Start at `Credentials::verify`.
//!
//! The specification is "Create a signed AWS API request" of the AWS documentation; names and status
//! codes are those of its common errors.

mod canonical;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, DATE, HOST};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;

/// How far the date of a signature may be from the server's.
pub const SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);
/// The longest access key id that AWS gives out.
pub const ACCESS_KEY_LENGTH_MAX: usize = 128;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
const SERVICE: &str = "nimble";
const BASIC_FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// A text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn equals(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// An access key, and whom the service sees in its requests.
#[derive(Clone, Debug)]
pub struct Credential {
    pub access_key: String,
    pub secret: Secret,
    /// Sent along with each request where the credentials are temporary.
    pub session_token: Option<Secret>,
    /// When the credentials expire, by the clock that signatures are held against.
    pub expires: Option<Timestamp>,
    /// Who the caller is, in `startedBy`, `stoppedBy` and `updatedBy`.
    pub principal: String,
}

/// Why credentials cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    #[error("there is no access key: with none, every request would be refused")]
    NoneGiven,
    /// What it is instead may be a secret in the wrong place.
    #[error(
        "access key {0} of those given is not one: it has 1 to {ACCESS_KEY_LENGTH_MAX} letters, digits and _"
    )]
    AccessKey(usize),
    #[error("access key {0} has an empty secret or session token")]
    EmptySecret(String),
    #[error("access key {0} has an empty principal")]
    EmptyPrincipal(String),
    #[error("access key {0} is there twice")]
    Twice(String),
}

/// The access keys whose requests are taken: at least one.
#[derive(Clone, Debug)]
pub struct Credentials {
    by_key: BTreeMap<String, Credential>,
}

impl Credentials {
    /// Takes requests of these access keys and of no other.
    ///
    /// # Errors
    /// There is none, one is malformed, or one is there twice.
    pub fn new(all: Vec<Credential>) -> Result<Self, CredentialsError> {
        let mut by_key = BTreeMap::new();
        for (index, credential) in all.into_iter().enumerate() {
            let key = credential.access_key.clone();
            let is_word = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_word || !(1..=ACCESS_KEY_LENGTH_MAX).contains(&key.len()) {
                return Err(CredentialsError::AccessKey(index + 1));
            }
            let token = credential.session_token.as_ref();
            if credential.secret.0.is_empty() || token.is_some_and(|token| token.0.is_empty()) {
                return Err(CredentialsError::EmptySecret(key));
            }
            if credential.principal.is_empty() {
                return Err(CredentialsError::EmptyPrincipal(key));
            }
            if by_key.insert(key.clone(), credential).is_some() {
                return Err(CredentialsError::Twice(key));
            }
        }
        if by_key.is_empty() { Err(CredentialsError::NoneGiven) } else { Ok(Self { by_key }) }
    }

    /// Whose request this is, if it was signed by one of these keys just now.
    pub(super) fn verify(
        &self,
        request: &Signed<'_>,
        now: Timestamp,
    ) -> Result<&Credential, SignatureError> {
        self.verify_for(SERVICE, request, now)
    }

    fn verify_for(
        &self,
        service: &str,
        request: &Signed<'_>,
        now: Timestamp,
    ) -> Result<&Credential, SignatureError> {
        let claim = Claim::read(request.headers)?;
        let known = self.by_key.get(claim.access_key).ok_or(SignatureError::UnknownKey)?;
        check_token(known, request.headers)?;
        if known.expires.is_some_and(|expires| expires <= now) {
            return Err(SignatureError::TokenExpired);
        }
        claim.check_scope(service)?;
        claim.check_date(now)?;
        check_signed_headers(&claim, request.headers)?;
        check_payload_hash(request)?;
        let canonical = canonical::request(request, &claim.signed_headers);
        let signature = canonical::signature(&known.secret.0, &claim, &canonical);
        if signature.as_bytes().ct_eq(claim.signature.as_bytes()).into() {
            Ok(known)
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}

/// A request as it came over the wire; nothing of it is decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// Why a request is not taken for anybody's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SignatureError {
    #[error("Missing Authentication Token")]
    Missing,
    #[error("Authorization header requires {0}")]
    Incomplete(&'static str),
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    #[error("The security token included in the request is expired")]
    TokenExpired,
    #[error("Credential should be scoped to {what}: '{wanted}'.")]
    Scope { what: &'static str, wanted: String },
    #[error("Signature expired: {} is now earlier than {} ({} - 5 min.)", basic(*.date), basic(earlier(*.now)), basic(*.now))]
    Expired { date: Timestamp, now: Timestamp },
    #[error("Signature not yet current: {} is still later than {} ({} + 5 min.)", basic(*.date), basic(later(*.now)), basic(*.now))]
    NotYetCurrent { date: Timestamp, now: Timestamp },
    #[error("'{0}' must be a 'SignedHeader' in the AWS Authorization.")]
    NotSigned(String),
    #[error("The value of x-amz-content-sha256 is not the SHA-256 of the body.")]
    PayloadHash,
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

/// The access key that a request names, whether or not it is signed by it.
pub(super) fn claimed_key(headers: &HeaderMap) -> Option<&str> {
    Claim::read(headers).ok().map(|claim| claim.access_key)
}

/// What a request says of its own signature.
#[derive(Debug)]
struct Claim<'a> {
    access_key: &'a str,
    /// The day, as the scope has it.
    day: &'a str,
    region: &'a str,
    service: &'a str,
    terminator: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
    date: Timestamp,
}

impl<'a> Claim<'a> {
    fn read(headers: &'a HeaderMap) -> Result<Self, SignatureError> {
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let header = all.next().ok_or(SignatureError::Missing)?;
        if all.next().is_some() {
            return Err(SignatureError::Incomplete("one value."));
        }
        let text = header.to_str().map_err(|_| SignatureError::Incomplete("ASCII."))?;
        let parameters = text
            .strip_prefix(ALGORITHM)
            .and_then(|rest| rest.strip_prefix(' '))
            .ok_or(SignatureError::Incomplete("the algorithm AWS4-HMAC-SHA256."))?;
        let find = |name: &str| {
            let mut parts = parameters.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let credential =
            find("Credential").ok_or(SignatureError::Incomplete("'Credential' parameter."))?;
        let signed = find("SignedHeaders")
            .ok_or(SignatureError::Incomplete("'SignedHeaders' parameter."))?;
        let signature =
            find("Signature").ok_or(SignatureError::Incomplete("'Signature' parameter."))?;
        let scope: Vec<&str> = credential.split('/').collect();
        let [access_key, day, region, service, terminator] = scope[..] else {
            return Err(SignatureError::Incomplete("a 'Credential' of five parts."));
        };
        let date = date(headers)?;
        let signed_headers = signed.split(';').collect();
        Ok(Self { access_key, day, region, service, terminator, signed_headers, signature, date })
    }

    fn check_scope(&self, service: &str) -> Result<(), SignatureError> {
        let scope = |what, wanted: &str| Err(SignatureError::Scope { what, wanted: wanted.into() });
        if self.region.is_empty() {
            return scope("a valid region", "us-west-2");
        }
        if self.service != service {
            return scope("correct service", service);
        }
        if self.terminator != TERMINATOR {
            return scope("a valid terminator", TERMINATOR);
        }
        match &basic(self.date)[..8] {
            day if day == self.day => Ok(()),
            day => scope("the day of the date", day),
        }
    }

    fn check_date(&self, now: Timestamp) -> Result<(), SignatureError> {
        let date = self.date;
        if date < earlier(now) {
            return Err(SignatureError::Expired { date, now });
        }
        if date > later(now) {
            return Err(SignatureError::NotYetCurrent { date, now });
        }
        Ok(())
    }
}

/// The date of the signature: `X-Amz-Date`, else `Date`.
fn date(headers: &HeaderMap) -> Result<Timestamp, SignatureError> {
    let missing = "existence of either a 'X-Amz-Date' or a 'Date' header.";
    let header = headers.get("x-amz-date").or_else(|| headers.get(DATE));
    let text = header.and_then(|header| header.to_str().ok());
    let text = text.ok_or(SignatureError::Incomplete(missing))?;
    let basic = || {
        let civil = jiff::civil::DateTime::strptime(BASIC_FORMAT, text).ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    // As the service, which does not look at the weekday.
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let rfc2822 = || parser.parse_timestamp(text).ok();
    basic().or_else(rfc2822).ok_or(SignatureError::Incomplete("a date that can be read."))
}

/// A key of temporary credentials needs its token, and another key must not bring one.
fn check_token(known: &Credential, headers: &HeaderMap) -> Result<(), SignatureError> {
    let sent = headers.get("x-amz-security-token").map(|token| token.to_str().unwrap_or_default());
    match (&known.session_token, sent) {
        (None, None) => Ok(()),
        (Some(token), Some(sent)) if token.equals(sent) => Ok(()),
        (None | Some(_), None | Some(_)) => Err(SignatureError::UnknownKey),
    }
}

/// The host, and every header of AWS's own, must be among the signed ones.
fn check_signed_headers(claim: &Claim<'_>, headers: &HeaderMap) -> Result<(), SignatureError> {
    let has_amz_date = headers.contains_key("x-amz-date");
    let must_be = |name: &str| {
        name == HOST.as_str()
            || name.starts_with("x-amz-")
            || (name == DATE.as_str() && !has_amz_date)
    };
    let required = std::iter::once(HOST.as_str()).chain(headers.keys().map(|name| name.as_str()));
    let mut unsigned =
        required.filter(|name| must_be(name)).filter(|name| !claim.signed_headers.contains(name));
    match unsigned.next() {
        None => Ok(()),
        Some(name) => Err(SignatureError::NotSigned(name.to_owned())),
    }
}

/// A client may say the hash of its body; it must then be that.
fn check_payload_hash(request: &Signed<'_>) -> Result<(), SignatureError> {
    match request.headers.get("x-amz-content-sha256") {
        Some(said) if said.as_bytes() != canonical::hash(request.body).as_bytes() => {
            Err(SignatureError::PayloadHash)
        }
        Some(_) | None => Ok(()),
    }
}

fn earlier(now: Timestamp) -> Timestamp {
    now.saturating_sub(SKEW_MAX).unwrap_or(Timestamp::MIN)
}

fn later(now: Timestamp) -> Timestamp {
    now.saturating_add(SKEW_MAX).unwrap_or(Timestamp::MAX)
}

/// An instant as signatures have it, such as `20150830T123600Z`.
fn basic(at: Timestamp) -> String {
    at.strftime(BASIC_FORMAT).to_string()
}

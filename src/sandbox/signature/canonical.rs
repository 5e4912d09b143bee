//! A request in the one form in which client and service sign it, and the signature of that form.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest, Sha256};

use super::{ALGORITHM, Claim, Signed, basic};

/// What is encoded: everything but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The canonical request.
pub(super) fn request(request: &Signed<'_>, signed_headers: &[&str]) -> String {
    format!(
        "{}\n{}\n{}\n{}\n{}\n{}",
        request.method,
        path(request.path),
        query(request.query),
        headers(request, signed_headers),
        signed_headers.join(";"),
        hash(request.body)
    )
}

/// The signature of a canonical request, in hexadecimal digits.
pub(super) fn signature(secret: &str, claim: &Claim<'_>, canonical: &str) -> String {
    let Claim { day, region, service, terminator, .. } = claim;
    let first = format!("AWS4{secret}");
    let scope = [*day, *region, *service, *terminator];
    let key = scope.iter().fold(first.into_bytes(), |key, part| keyed_hash(&key, part));
    let scope = scope.join("/");
    let date = basic(claim.date);
    let text = format!("{ALGORITHM}\n{date}\n{scope}\n{}", hash(canonical.as_bytes()));
    hex(&keyed_hash(&key, &text))
}

/// The SHA-256 of bytes, in hexadecimal digits.
pub(super) fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The path without its dots and doubled slashes, each label encoded once more than on the wire: for
/// every service but S3.
fn path(raw: &str) -> String {
    let mut labels: Vec<&str> = Vec::new();
    for label in raw.split('/') {
        match label {
            "" | "." => {}
            ".." => drop(labels.pop()),
            label => labels.push(label),
        }
    }
    let is_closed = ["/", "/.", "/.."].iter().any(|end| raw.ends_with(end));
    let mut path = String::new();
    for label in &labels {
        path.push('/');
        path.extend(percent_encode(label.as_bytes(), ENCODED));
    }
    if is_closed || labels.is_empty() {
        path.push('/');
    }
    path
}

/// The parameters, encoded anew and in the order of their encoded names and values.
fn query(raw: &str) -> String {
    let encode = |text: &str| {
        let decoded: Vec<u8> = percent_decode_str(text).collect();
        percent_encode(&decoded, ENCODED).to_string()
    };
    let pairs = raw.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// The signed headers, each on a line: its values in their order, with single spaces in them.
fn headers(request: &Signed<'_>, signed_headers: &[&str]) -> String {
    let mut lines = String::new();
    for name in signed_headers {
        let values = request.headers.get_all(*name).iter();
        let values: Vec<String> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .map(|value| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{name}:{}", values.join(","));
    }
    lines
}

fn keyed_hash(key: &[u8], text: &str) -> Vec<u8> {
    // A key of any length is taken.
    let Ok(mut hash) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    hash.update(text.as_bytes());
    hash.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

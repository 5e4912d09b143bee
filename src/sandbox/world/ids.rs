//! Ids that look like the service's own and are the same at each run.

use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The length of the service's ids in practice.
const RESOURCE_ID_LENGTH: usize = 22;

/// An id of 22 characters of base64url that follows from `seed` alone.
#[must_use]
pub fn resource_id(seed: &str) -> String {
    let digest = Sha256::digest(seed.as_bytes());
    digest
        .iter()
        .take(RESOURCE_ID_LENGTH)
        .map(|byte| char::from(ALPHABET[usize::from(byte & 63)]))
        .collect()
}

/// An Identity Center user id, such as `9067f1a2b3-0c1d2e3f-…`, that follows from `seed` alone.
/// `prefix` is the part before the first hyphen.
#[must_use]
pub fn user_id(prefix: &str, seed: &str) -> String {
    let digest = Sha256::digest(seed.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{prefix}-{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

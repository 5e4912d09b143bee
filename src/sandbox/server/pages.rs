//! Page tokens: opaque to the client, and checked when they come back. A token is good for the
//! operation, the studio and the filter that it was made for, and for nothing else.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::sandbox::wire::Failure;
use crate::sandbox::world::Operation;

/// What a token was made for.
#[derive(Clone, Debug)]
pub(super) struct PageScope {
    pub(super) operation: Operation,
    /// The studio and the filter, in any text that tells them apart.
    pub(super) list: String,
}

impl PageScope {
    /// The token of the page after the item with the id `last`. It has characters that a query must
    /// encode, as the service's own have.
    pub(super) fn token(&self, last: &str) -> String {
        format!("{}/{}=", hex(last.as_bytes()), self.seal(last))
    }

    /// The id after which the page of this token begins.
    pub(super) fn after(&self, token: &str) -> Result<String, Failure> {
        let parts = token.strip_suffix('=').and_then(|token| token.split_once('/'));
        let last = parts.and_then(|(last, seal)| {
            let last = String::from_utf8(unhex(last)?).ok()?;
            (self.seal(&last) == seal).then_some(last)
        });
        last.ok_or_else(|| Failure::invalid("nextToken", "the nextToken is not one of this list"))
    }

    fn seal(&self, last: &str) -> String {
        let text = format!("{}\0{}\0{last}", self.operation.name(), self.list);
        hex(&Sha256::digest(text.as_bytes())[..12])
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::from_str_radix(std::str::from_utf8(&[*high, *low]).ok()?, 16).ok(),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_own_list_only() {
        let scope =
            PageScope { operation: Operation::ListStreamingSessions, list: "one".to_owned() };
        let token = scope.token("session-1");
        assert_eq!(scope.after(&token).unwrap(), "session-1");
        let other_list = PageScope { list: "two".to_owned(), ..scope.clone() };
        let other_operation =
            PageScope { operation: Operation::ListLaunchProfiles, ..scope.clone() };
        assert!(other_list.after(&token).is_err());
        assert!(other_operation.after(&token).is_err());
        for bad in ["", "=", "/=", "zz/00=", "abc/00=", &token[1..], &token[..token.len() - 1]] {
            assert!(scope.after(bad).is_err(), "{bad}");
        }
    }
}

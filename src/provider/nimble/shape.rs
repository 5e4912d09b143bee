//! The shape of an answer, looked at before the SDK reads it.
//!
//! A bound on bytes alone is none on what reading them takes. The SDK's reader calls itself once for each
//! level of a value that it skips, so that an answer of brackets would end the program; and it makes 648
//! bytes of each `{}` in a list of sessions. Start with [`check`].

use std::error::Error;
use std::fmt;

/// How deep the values of an answer may be nested. The service's own go six levels deep.
pub(super) const DEPTH_MAX: usize = 64;

/// How many objects and lists an answer may have. A page of a hundred launch profiles has two or three
/// thousand of them, one of as many sessions some hundreds.
pub(super) const VALUES_MAX: usize = 20_000;

/// What is wrong with the shape of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadShape {
    /// It is nested deeper than [`DEPTH_MAX`].
    Depth,
    /// It has more objects and lists than [`VALUES_MAX`].
    Values,
}

impl fmt::Display for BadShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth => write!(f, "the answer is nested more than {DEPTH_MAX} levels deep"),
            Self::Values => write!(f, "the answer has more than {VALUES_MAX} objects and lists"),
        }
    }
}

impl Error for BadShape {}

/// Checks a body that may be JSON. It need not be: of anything that does not begin as an object the SDK
/// reads no further, and the answers of other services, which are XML, are not looked at.
pub(super) fn check(body: &[u8]) -> Result<(), BadShape> {
    if !body.trim_ascii_start().starts_with(b"{") {
        return Ok(());
    }
    let (mut depth, mut values) = (0_usize, 0_usize);
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'{' | b'[' => {
                depth += 1;
                values += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(BadShape::Depth);
        }
        if values > VALUES_MAX {
            return Err(BadShape::Values);
        }
    }
    Ok(())
}

/// Goes behind the end of a string.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
    }

    #[test]
    fn as_deep_as_the_bound_and_no_deeper() {
        assert_eq!(check(nested(DEPTH_MAX).as_bytes()), Ok(()));
        assert_eq!(check(nested(DEPTH_MAX + 1).as_bytes()), Err(BadShape::Depth));
    }

    #[test]
    fn as_many_values_as_the_bound_and_no_more() {
        let list = |count: usize| format!(" {{\"a\":[{}]}}", vec!["{}"; count - 2].join(","));
        assert_eq!(check(list(VALUES_MAX).as_bytes()), Ok(()));
        assert_eq!(check(list(VALUES_MAX + 1).as_bytes()), Err(BadShape::Values));
    }

    #[test]
    fn what_is_in_a_string_is_no_shape() {
        let brackets = "[{".repeat(VALUES_MAX);
        for body in [
            format!(r#"{{"a":"{brackets}"}}"#),
            format!(r#"{{"a":"\"{brackets}"}}"#),
            format!(r#"{{"a\\":"\\\"{brackets}""#),
        ] {
            assert_eq!(check(body.as_bytes()), Ok(()));
        }
        // An escaped backslash escapes nothing.
        assert_eq!(check(format!(r#"{{"a":"\\"{brackets}"#).as_bytes()), Err(BadShape::Depth));
    }

    #[test]
    fn what_is_no_object_is_not_looked_at() {
        for body in ["", "<html>", "[[", "\u{feff}{"] {
            assert_eq!(check(format!("{body}{}", "[".repeat(100)).as_bytes()), Ok(()), "{body}");
        }
    }
}

//! The shape of an answer, looked at before the SDK reads it.
//!
//! A bound on bytes alone is none on what reading them takes. The SDK's reader calls itself once for each
//! level of a value that it skips, so that an answer of brackets would end the program; and it makes 648
//! bytes of each `{}` in a list of sessions. And it passes over a `null`: a row that is one would be absent, not
//! unread, and a keep tag that is one no tag. Start with [`check`] and [`nulls`].

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

/// One object or list that is open.
#[derive(Debug, Clone, Copy)]
struct Open {
    is_list: bool,
    /// Whether it is the value of a member `tags`.
    is_tags: bool,
    /// Whether the next string is the name of a member, and whether the last one was `tags`.
    at_name: bool,
    is_named_tags: bool,
}

/// Where a `null` stands for something that is there: in the place of a row of a list, and of a tag's value. With
/// what is to be read instead, which is as long: an object without an id, and an empty text. They are no more than
/// the values that an answer may have, since that is what they become.
pub(super) fn nulls(body: &[u8]) -> Result<Vec<(usize, &'static [u8; 4])>, BadShape> {
    let (mut open, mut found): (Vec<Open>, _) = (Vec::new(), Vec::new());
    if !body.trim_ascii_start().starts_with(b"{") {
        return Ok(found);
    }
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        let level = open.len();
        match (byte, open.last_mut()) {
            (b'"', inside) => {
                let from = at + 1;
                let mut rest = body[from..].iter();
                skip_string(&mut rest);
                // At the closing quote, or the end.
                at = body.len() - rest.len() - 1;
                if let Some(inside) = inside.filter(|inside| inside.at_name) {
                    inside.at_name = false;
                    inside.is_named_tags = body.get(from..at) == Some(b"tags");
                }
            }
            (b'{' | b'[', inside) => {
                let is_tags = inside.is_some_and(|inside| !inside.is_list && inside.is_named_tags);
                let is_list = *byte == b'[';
                open.push(Open { is_list, is_tags, at_name: !is_list, is_named_tags: false });
            }
            (b'}' | b']', _) => drop(open.pop()),
            (b',', Some(inside)) => inside.at_name = !inside.is_list,
            (b'n', Some(inside)) if body[at..].starts_with(b"null") => {
                if inside.is_list && level == 2 {
                    found.push((at, b"{}  "));
                } else if inside.is_tags && !inside.is_list {
                    found.push((at, b"\"\"  "));
                }
                at += 3;
            }
            _ => {}
        }
        if found.len() > VALUES_MAX {
            return Err(BadShape::Values);
        }
        at += 1;
    }
    Ok(found)
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
    fn a_null_in_the_place_of_a_row_or_a_tag_is_found_and_no_other() {
        let read = |text: &str| {
            let mut body = text.as_bytes().to_vec();
            for (at, instead) in nulls(text.as_bytes()).unwrap() {
                body[at..at + 4].copy_from_slice(instead);
            }
            String::from_utf8(body).unwrap()
        };
        for (text, expected) in [
            (r#"{"sessions":[null, {"a":null}]}"#, r#"{"sessions":[{}  , {"a":null}]}"#),
            (
                r#"{"s":{"tags":{"k":null,"tags":"null"}}}"#,
                r#"{"s":{"tags":{"k":""  ,"tags":"null"}}}"#,
            ),
            (r#"{"s":[{"tags":{"k" : null}}]}"#, r#"{"s":[{"tags":{"k" : ""  }}]}"#),
        ] {
            assert_eq!(read(text), expected);
        }
        for same in [
            r#"{"sessions":null,"nextToken":null}"#,
            r#"{"s":[{"ids":[null],"tags":null,"x":{"y":null}}]}"#,
            r#"{"s":[{"tags":[null],"a":"tags","b":{"c":null}}]}"#,
            r#"{"s":["null","\"null"]}"#,
            r#"{"s":[nul"#,
            r#"{"s":["nul"#,
            "",
        ] {
            assert_eq!(read(same), same);
        }
        let rows = |count| format!("{{\"s\":[{}]}}", vec!["null"; count].join(","));
        assert_eq!(nulls(rows(VALUES_MAX).as_bytes()).unwrap().len(), VALUES_MAX);
        assert_eq!(nulls(rows(VALUES_MAX + 1).as_bytes()), Err(BadShape::Values));
    }

    #[test]
    fn what_is_no_object_is_not_looked_at() {
        for body in ["", "<html>", "[[", "\u{feff}{"] {
            assert_eq!(check(format!("{body}{}", "[".repeat(100)).as_bytes()), Ok(()), "{body}");
        }
    }
}

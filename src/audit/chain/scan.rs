//! What ties a line to its neighbours, read from a line in exactly the form that is written here.
//!
//! Verifying a log reads nothing else of most lines, so this is a walk over their fixed members
//! without building any. It is stricter than JSON: whatever has another form it leaves to a parser.

use serde::de::IgnoredAny;

use super::{Hash, LINE_START};

/// The number and the `prevhash` of a line of which `body` is all before its `hash`; `None` where it
/// has another form than the lines of this version.
pub(super) fn link(body: &[u8]) -> Option<(u64, Hash)> {
    let text = std::str::from_utf8(body).ok()?.as_bytes();
    let (id, text) = string(text.strip_prefix(LINE_START)?.strip_prefix(b",\"id\":")?)?;
    let (_, text) = string(text.strip_prefix(b",\"source\":")?)?;
    let (_, text) = string(text.strip_prefix(b",\"type\":")?)?;
    let text = match text.strip_prefix(b",\"subject\":") {
        Some(subject) => string(subject)?.1,
        None => text,
    };
    let (_, text) = string(text.strip_prefix(b",\"time\":")?)?;
    let text = text.strip_prefix(b",\"datacontenttype\":\"application/json\",\"sequence\":")?;
    let text = text.strip_prefix(id)?.strip_prefix(b",\"prevhash\":")?;
    let (prevhash, text) = string(text)?;
    let data = text.strip_prefix(b",\"data\":").filter(|data| data.starts_with(b"{"))?;
    let _: IgnoredAny = serde_json::from_slice(data).ok()?;
    Some((number(id)?, Hash::from_hex(prevhash)?))
}

/// The content of a string without escapes, and what follows it.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let content = text.strip_prefix(b"\"")?;
    let end = content.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    let (content, rest) = content.split_at(end);
    Some((content, rest.strip_prefix(b"\"")?))
}

/// A number as it is written here: digits, of which the first is none too many.
fn number(digits: &[u8]) -> Option<u64> {
    let is_plain = digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0");
    std::str::from_utf8(digits).ok().filter(|_| is_plain)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{HASH_OPEN, ReadLink};
    use super::*;
    use crate::audit::record::{Kind, Record};
    use crate::audit::samples;

    /// Everything before the hash of a line.
    fn body(line: &[u8]) -> &[u8] {
        let at = line.windows(HASH_OPEN.len()).rposition(|window| window == HASH_OPEN).unwrap();
        &line[..at]
    }

    fn check_agrees(line: &[u8]) -> bool {
        let mut whole = body(line).to_vec();
        whole.push(b'}');
        let parsed = serde_json::from_slice::<ReadLink<'_>>(&whole).ok();
        let parsed = parsed.and_then(|read| {
            Hash::from_text(read.prevhash).ok().map(|prevhash| (read.sequence, prevhash))
        });
        let scanned = link(body(line));
        assert!(scanned.is_none() || scanned == parsed, "{}", String::from_utf8_lossy(line));
        scanned.is_some()
    }

    #[test]
    fn the_lines_of_every_kind_have_the_form() {
        let records: Vec<Record> =
            Kind::ALL.iter().map(|kind| samples::full(kind.clone(), 1)).collect();
        for line in samples::log_of(&records).split_inclusive(|byte| *byte == b'\n') {
            assert!(check_agrees(line), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn whatever_has_another_form_is_left_to_the_parser() {
        let line = String::from_utf8(samples::small_log(1)).unwrap();
        assert!(link(body(line.as_bytes())).is_some());
        for (what, with) in [
            ("\"id\":\"1\"", "\"id\":\"2\""),
            ("\"sequence\":1", "\"sequence\":01"),
            ("\"sequence\":1", "\"sequence\": 1"),
            ("\"sequence\":1", "\"sequence\":1,\"sequence\":1"),
            ("\"subject\":\"s0\"", "\"subject\":\"\\\"\""),
            ("\"subject\":\"s0\"", "\"subject\":\"\t\""),
            ("\"prevhash\":\"0", "\"prevhash\":\"g"),
            ("\"prevhash\":\"0", "\"prevhash\":\""),
            ("\"data\":{", "\"data\":[{"),
            ("\"data\":{", "\"data\":{}{"),
            ("\"data\":{", "\"more\":1,\"data\":{"),
            ("\"session\":\"s0\"", "\"session\":\"s0"),
        ] {
            let other = line.replacen(what, with, 1);
            assert_ne!(other, line, "{what}");
            assert_eq!(link(body(other.as_bytes())), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn it_says_nothing_that_the_parser_does_not(
            record in samples::any_record(),
            at in any::<proptest::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut line = samples::log_of(&[record]);
            check_agrees(&line);
            let before_hash = body(&line).len();
            line[at.index(before_hash)] = byte;
            check_agrees(&line);
        }
    }
}

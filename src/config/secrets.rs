//! Blots secrets out of the text that diagnostics quote.
//!
//! Works on plain text, not on the TOML tree, so that it holds for broken files and misspelt keys
//! too; where in doubt it blots out too much. Start at [`masked`].

use std::ops::Range;

use super::suggest;

/// The text with its secrets replaced by as many `*` as they have bytes. `known` are the places of
/// values that hold a secret, as far as a reader has met them; escapes may hide them from the scan.
pub(super) fn masked(text: &str, known: &[Range<usize>]) -> String {
    let mut masked = text.to_owned();
    for range in external_ids(text).chain(credentials(text)) {
        blot(&mut masked, range);
    }
    for range in known {
        let value = text.get(range.clone()).unwrap_or_default();
        // Of a string the quotes are shown; the scan knows where it ends. Of a list it knows one line.
        let is_masked = value.starts_with(['"', '\'']) && masked.get(range.clone()) != Some(value);
        if !is_masked {
            blot(&mut masked, range.clone());
        }
    }
    masked
}

/// Replaces what is between two bytes; lines stay where they are.
fn blot(masked: &mut String, range: Range<usize>) {
    let Some(secret) = masked.get(range.clone()) else { return };
    let stars = |byte| if byte == b'\n' { '\n' } else { '*' };
    let blot: String = secret.bytes().map(stars).collect();
    masked.replace_range(range, &blot);
}

/// What the keys of credentials have in their names, wherever somebody writes them.
const CREDENTIALS: [&str; 6] = ["token", "secret", "passw", "accesskey", "apikey", "credential"];

/// Whether a key is `external_id` or `address`, or may have been meant as one of them, or as credentials.
fn is_secret_key(key: &str) -> bool {
    let plain: String =
        key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let is_like =
        |word: &str, edits: usize| plain.len() <= 20 && suggest::distance(&plain, word) <= edits;
    let is_credential = CREDENTIALS.iter().any(|word| plain.contains(word)) && plain != "tokenfile";
    is_credential
        || plain.contains("external")
        || plain.contains("address")
        || is_like("externalid", 3)
        || is_like("address", 2)
}

/// The values that follow `external_id =`.
fn external_ids(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.match_indices('=').filter_map(|(equals, _)| {
        let is_key = |c: char| c.is_ascii_alphanumeric() || "_-\"'\\.".contains(c);
        let before = text[..equals].trim_end_matches([' ', '\t']);
        let key = &before[before.trim_end_matches(is_key).len()..];
        let last = key.rsplit('.').next().unwrap_or(key);
        is_secret_key(last).then(|| value_after(text, equals + 1))
    })
}

/// The value that starts after a byte: a quoted string, or else the rest of the line.
fn value_after(text: &str, after: usize) -> Range<usize> {
    let rest = text[after..].trim_start_matches([' ', '\t']);
    let start = text.len() - rest.len();
    for (quote, may_span_lines) in [("\"\"\"", true), ("'''", true), ("\"", false), ("'", false)] {
        let Some(body) = rest.strip_prefix(quote) else { continue };
        let limit = if may_span_lines { body.len() } else { body.find('\n').unwrap_or(body.len()) };
        let inner = closing(&body[..limit], quote).unwrap_or(limit);
        let start = start + quote.len();
        return start..start + inner;
    }
    start..start + rest.find('\n').unwrap_or(rest.len())
}

/// Where an unescaped closing quote stands.
fn closing(body: &str, quote: &str) -> Option<usize> {
    let basic = quote.starts_with('"');
    let mut escaped = false;
    for (index, c) in body.char_indices() {
        if escaped {
            escaped = false;
        } else if basic && c == '\\' {
            escaped = true;
        } else if body[index..].starts_with(quote) {
            return Some(index);
        }
    }
    None
}

/// What stands in a line between its first `://` and its last `@`: a password may hold quotes.
fn credentials(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut line_start = 0;
    text.split('\n').filter_map(move |line| {
        let start = line_start;
        line_start += line.len() + 1;
        let separator = line.find("://")? + "://".len();
        let at = line.rfind('@').filter(|at| *at >= separator)?;
        Some(start + separator..start + at)
    })
}

//! Text that is not TOML, explained.
//!
//! The `toml` crate recovers from an error and goes on, which can turn one slip into a dozen
//! errors; here one slip is one diagnostic. Start at [`explain`].

use std::str::Utf8Error;

use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Diagnostics, Span};
use super::secrets;

/// The syntax errors, and of what reading the recovered tree found, what does not follow from them.
/// `text` is the masked text, since what is found in it may be repeated.
pub(super) fn explain(
    text: &str,
    root: &DeTable<'_>,
    errors: &[toml::de::Error],
    mut found: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let mut list: Vec<(Span, &str)> =
        errors.iter().map(|error| (error.span().unwrap_or(0..0), error.message())).collect();
    list.sort_by_key(|(span, _)| span.start);
    if list.iter().any(|(_, message)| message.starts_with("unclosed array")) {
        // What follows an array that is not closed is taken for more of it.
        let first = list.iter().position(|(_, message)| message.contains("array"));
        list.truncate(first.map_or(list.len(), |first| first + 1));
    }
    let newlines: Vec<usize> = text.match_indices('\n').map(|(byte, _)| byte).collect();
    let line = |byte: usize| newlines.partition_point(|newline| *newline < byte);
    list.dedup_by_key(|(span, _)| line(span.start));
    list.truncate(ERRORS_MAX);
    let broken: Vec<usize> = list.iter().map(|(span, _)| line(span.start)).collect();
    found.retain(|diagnostic| !broken.contains(&line(diagnostic.primary.span.start)));
    found.extend(list.into_iter().map(|(span, message)| one(text, root, span, message)));
    found
}

/// How many are explained: where there are more, the file is not TOML at all.
const ERRORS_MAX: usize = 100;

fn one(text: &str, root: &DeTable<'_>, span: Span, message: &str) -> Diagnostic {
    let found = text.get(span.clone()).unwrap_or_default();
    let diagnostic = |message: &str| Diagnostic::error("syntax", span.clone(), message);
    if message.starts_with("string values must be quoted") {
        diagnostic("a text needs quotes").help(quoting(found))
    } else if message.starts_with("duplicate key") {
        let first = last_before(root, found, span.start);
        first
            .into_iter()
            .fold(diagnostic("this key is there twice"), |it, first| {
                it.related(first, "first here")
            })
            .help("keep one of the two; tables that may repeat have two brackets, as `[[studio]]`")
    } else if message.contains("array") && !message.contains("array table") {
        let opening = text.get(..span.start).and_then(|before| before.rfind('['));
        opening
            .into_iter()
            .fold(diagnostic("this list is not closed, or lacks a comma"), |it, start| {
                it.related(start..start + 1, "it begins here")
            })
            .help("write a list as [\"first\", \"second\"]")
    } else if found.is_empty() && message.contains(" string, expected") {
        diagnostic("this text is not closed").help("end it with the quote that began it")
    } else if message.starts_with("unexpected leading zero") {
        diagnostic("a number cannot begin with a zero")
            .help("put an account or another text of digits between two `\"`")
    } else {
        diagnostic(message)
    }
}

/// What to write instead of a text without quotes.
fn quoting(found: &str) -> String {
    let shown = found.trim_matches(['“', '”', '‘', '’']);
    match shown {
        "True" | "TRUE" | "yes" => "write `true`".to_owned(),
        "False" | "FALSE" | "no" => "write `false`".to_owned(),
        _ if shown.len() <= 60 => format!("write \"{shown}\""),
        _ => "put it between two `\"`".to_owned(),
    }
}

/// The nearest earlier key of a name: a key that is there twice is there twice in one table.
fn last_before(table: &DeTable<'_>, name: &str, end: usize) -> Option<Span> {
    let keys = table.iter().filter_map(|(key, value)| {
        let own = (key.get_ref() == name && key.span().end <= end).then(|| key.span());
        own.into_iter().chain(last_within(value.get_ref(), name, end)).max_by_key(|span| span.start)
    });
    keys.max_by_key(|span| span.start)
}

fn last_within(value: &DeValue<'_>, name: &str, end: usize) -> Option<Span> {
    match value {
        DeValue::Table(table) => last_before(table, name, end),
        DeValue::Array(entries) => entries
            .iter()
            .filter_map(|entry| last_within(entry.get_ref(), name, end))
            .max_by_key(|span| span.start),
        _ => None,
    }
}

/// A file that is not text.
pub(super) fn not_utf8(file_name: &str, bytes: &[u8], error: Utf8Error) -> Diagnostics {
    let text = String::from_utf8_lossy(bytes);
    let start = error.valid_up_to();
    let diagnostic = Diagnostic::error(
        "not-utf-8",
        start..start + char::REPLACEMENT_CHARACTER.len_utf8(),
        "the file is not UTF-8 text",
    )
    .label("these bytes are no character")
    .help("save the file as UTF-8");
    Diagnostics::new(file_name, secrets::masked(&text, &[]), vec![diagnostic])
}

//! Values that several tables share: texts, words, durations, paths.
//!
//! Each reader returns the value or notes why not. Start at [`text`].

use jiff::{SignedDuration, SpanRelativeTo};
use toml::de::DeValue;

use super::diagnostic::{Diagnostic, Sink};
use super::suggest::{closest, one_of, quoted};
use super::table::{Value, wrong_type};

/// A text that is not empty.
pub(super) fn text(value: &Value<'_>, sink: &mut Sink) -> Option<String> {
    let DeValue::String(text) = value.content else {
        sink.push(wrong_type(value, "a string").help("put it between two `\"`"));
        return None;
    };
    if text.trim().is_empty() {
        sink.push(
            Diagnostic::error("empty", value.span(), format!("`{}` is empty", value.key))
                .help("write a value, or leave the key out"),
        );
        return None;
    }
    Some(text.to_string())
}

/// A text, or `"off"`, which unsets it.
pub(super) fn text_or_off(value: &Value<'_>, sink: &mut Sink) -> Option<Option<String>> {
    text(value, sink).map(|text| (text != "off").then_some(text))
}

/// A path; a shell's `~` would make a directory of that name.
pub(super) fn path(value: &Value<'_>, sink: &mut Sink) -> Option<String> {
    let path = text(value, sink)?;
    if path.starts_with('~') {
        let message = format!("`{}` starts with `~`, which is not expanded", value.key);
        sink.push(
            Diagnostic::error("bad-path", value.span(), message)
                .help("write the whole path, or one relative to this file"),
        );
        return None;
    }
    Some(path)
}

/// `true` or `false`.
pub(super) fn boolean(value: &Value<'_>, sink: &mut Sink) -> Option<bool> {
    let DeValue::Boolean(boolean) = value.content else {
        sink.push(wrong_type(value, "a boolean").help(format!("write `{} = true`", value.key)));
        return None;
    };
    Some(*boolean)
}

/// An integer that fits.
pub(super) fn integer(value: &Value<'_>, sink: &mut Sink) -> Option<i64> {
    let DeValue::Integer(integer) = value.content else {
        let help = match value.content.as_str().map(str::parse::<u16>) {
            Some(Ok(number)) => format!("write `{} = {number}`, without quotes", value.key),
            _ => format!("write a whole number, as in `{} = 1`", value.key),
        };
        sink.push(wrong_type(value, "an integer").help(help));
        return None;
    };
    // A number too large for its type is as wrong as any that is too large for its key.
    Some(i64::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(i64::MAX))
}

/// One of a few words.
pub(super) fn word<T: Copy>(value: &Value<'_>, words: &[(&str, T)], sink: &mut Sink) -> Option<T> {
    let found = text(value, sink)?;
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == found) {
        return Some(*meaning);
    }
    let valid: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    let message = format!("`{}` cannot be {}", value.key, quoted(&found));
    let diagnostic = Diagnostic::error("unknown-value", value.span(), message)
        .label(format!("valid: {}", one_of(&valid, "or")));
    let help = match closest(&found, words.iter().map(|(word, _)| *word)) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("write `{} = {}`", value.key, valid[0]),
    };
    sink.push(diagnostic.help(help));
    None
}

/// The bounds of a duration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) least: SignedDuration,
    pub(super) most: SignedDuration,
    /// What to type instead of one that is out of bounds, or of `"off"`.
    pub(super) help: &'static str,
}

/// A year: no setting needs more, and sums of instants and durations stay far from overflow.
pub(super) const DURATION_MAX: SignedDuration = SignedDuration::from_hours(365 * 24);

/// A duration within bounds.
pub(super) fn duration(
    value: &Value<'_>,
    bounds: Bounds,
    sink: &mut Sink,
) -> Option<SignedDuration> {
    if let DeValue::Integer(number) = value.content {
        let message = format!("`{}` has no unit", value.key);
        sink.push(
            Diagnostic::error("bad-duration", value.span(), message).label("a bare number").help(
                format!("say what it counts, as in \"{number}h\", \"{number}m\" or \"{number}s\""),
            ),
        );
        return None;
    }
    let text = text(value, sink)?;
    if text == "off" {
        let message = format!("`{}` cannot be off", value.key);
        sink.push(Diagnostic::error("no-off", value.span(), message).help(bounds.help));
        return None;
    }
    match parse_duration(&text).and_then(|duration| in_bounds(duration, bounds)) {
        Ok(duration) => Some(duration),
        Err(fault) => {
            sink.push(fault.explain(value, &text, bounds));
            None
        }
    }
}

/// A duration within bounds, or `"off"`, which unsets it.
pub(super) fn duration_or_off(
    value: &Value<'_>,
    bounds: Bounds,
    sink: &mut Sink,
) -> Option<Option<SignedDuration>> {
    match value.content {
        DeValue::String(text) if text == "off" => Some(None),
        _ => duration(value, bounds, sink).map(Some),
    }
}

/// What may be wrong with a duration.
enum Fault {
    Syntax,
    Calendar,
    Negative,
    Fraction,
    Short(SignedDuration),
    Long(SignedDuration),
}

/// Reads jiff's friendly format; a day has 24 hours, and months have no fixed length.
fn parse_duration(text: &str) -> Result<SignedDuration, Fault> {
    let parser = jiff::fmt::friendly::SpanParser::new();
    let span = parser.parse_span(text.trim()).map_err(|_| Fault::Syntax)?;
    let relative = SpanRelativeTo::days_are_24_hours();
    span.to_duration(relative).map_err(|_| Fault::Calendar)
}

fn in_bounds(duration: SignedDuration, bounds: Bounds) -> Result<SignedDuration, Fault> {
    if duration.is_negative() {
        Err(Fault::Negative)
    } else if duration.subsec_nanos() != 0 {
        Err(Fault::Fraction)
    } else if duration < bounds.least {
        Err(Fault::Short(duration))
    } else if duration > bounds.most {
        Err(Fault::Long(duration))
    } else {
        Ok(duration)
    }
}

impl Fault {
    fn explain(&self, value: &Value<'_>, text: &str, bounds: Bounds) -> Diagnostic {
        let key = value.key;
        let error = |message: String| Diagnostic::error("bad-duration", value.span(), message);
        match self {
            Self::Syntax => error(format!("`{key}` takes a duration, not {}", quoted(text)))
                .label("this is not a duration")
                .help("write numbers with units, as in \"30m\", \"2h\", \"1h 30m\" or \"2d\""),
            Self::Calendar => error(format!("`{key}` counts in months or years"))
                .label("these have no fixed length")
                .help("count in days of 24 hours, as in \"30d\""),
            Self::Negative => error(format!("`{key}` is negative"))
                .label("a duration goes forward")
                .help("leave out the sign or the \"ago\""),
            Self::Fraction => error(format!("`{key}` is not a whole number of seconds"))
                .label("a fraction of a second")
                .help("write whole units, as in \"20m\" or \"1h 30m\""),
            Self::Short(found) => error(format!("`{key}` is too short: {}", shown(*found)))
                .label(format!("at least {} is needed", shown(bounds.least)))
                .help(bounds.help),
            Self::Long(found) => error(format!("`{key}` is too long: {}", shown(*found)))
                .label(format!("at most {} is possible", shown(bounds.most)))
                .help(bounds.help),
        }
    }
}

/// A duration for people, in days where it is a whole number of them.
pub(super) fn shown(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 2 * 86_400 && seconds % 86_400 == 0 && duration.subsec_nanos() == 0 {
        return format!("{}d", seconds / 86_400);
    }
    format!("{duration:#}")
}

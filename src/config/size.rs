//! How many bytes something may have, as people type it: `"64MB"`.

use toml::de::DeValue;

use super::diagnostic::{Diagnostic, Sink};
use super::suggest::quoted;
use super::table::Value;
use super::value;

/// The units, smallest first; each is a power of ten.
const UNITS: &[(&str, u64)] = &[("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];

/// The bounds of a size, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct SizeBounds {
    pub(super) least: u64,
    pub(super) most: u64,
}

/// A size within bounds, or `"off"`, which unsets it.
pub(super) fn size_or_off(
    value: &Value<'_>,
    bounds: SizeBounds,
    sink: &mut Sink,
) -> Option<Option<u64>> {
    let error = |message: String| Diagnostic::error("bad-size", value.span(), message);
    if let DeValue::Integer(number) = value.content {
        let message = format!("`{}` has no unit", value.key);
        let help = format!("say what it counts, as in \"{number}MB\" or \"{number}GB\"");
        sink.push(error(message).label("a bare number").help(help));
        return None;
    }
    let text = value::text(value, sink)?;
    if text == "off" {
        return Some(None);
    }
    let Some(size) = parse(&text) else {
        let message = format!("`{}` takes a size, not {}", value.key, quoted(&text));
        let help = "write a whole number with KB, MB or GB, as in \"64MB\", or \"off\"";
        sink.push(error(message).label("this is not a size").help(help));
        return None;
    };
    let (bound, message, label) = if size < bounds.least {
        (bounds.least, "too small", "at least")
    } else if size > bounds.most {
        (bounds.most, "too large", "at most")
    } else {
        return Some(Some(size));
    };
    let bound = shown(bound);
    sink.push(
        error(format!("`{}` is {message}: {}", value.key, text.trim()))
            .label(format!("{label} {bound} is possible"))
            .help(format!("write for example \"{bound}\", or \"off\"")),
    );
    None
}

/// A size too large for its type is as wrong as any that is too large for its key.
fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let (unit, times) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number = text.strip_suffix(unit)?.trim_end();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| number.parse().unwrap_or(u64::MAX).saturating_mul(*times))
}

/// A size for people, in the largest unit of which it is a whole number.
pub(super) fn shown(size: u64) -> String {
    let whole = UNITS.iter().rev().find(|(_, times)| size.is_multiple_of(*times));
    whole.map_or_else(|| format!("{size} bytes"), |(unit, times)| format!("{}{unit}", size / times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_with_its_unit() {
        for (text, size) in [
            ("64MB", Some(64_000_000)),
            (" 1 GB ", Some(1_000_000_000)),
            ("100KB", Some(100_000)),
            ("99999999999999999999GB", Some(u64::MAX)),
            ("64", None),
            ("64mb", None),
            ("64MiB", None),
            ("-1MB", None),
            ("+1MB", None),
            ("1.5GB", None),
            ("MB", None),
            ("", None),
        ] {
            assert_eq!(parse(text), size, "{text:?}");
        }
    }

    #[test]
    fn a_size_is_shown_as_it_is_typed() {
        for text in ["64MB", "1GB", "64KB", "1500MB"] {
            assert_eq!(shown(parse(text).unwrap()), text);
        }
        assert_eq!(shown(1), "1 bytes");
    }
}

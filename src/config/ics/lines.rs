//! The lines of a calendar file and what they are nested in (RFC 5545, sections 3.1 and 3.4).
//!
//! The `icalendar` crate splits a line; what belongs together is found here, with the number of each
//! line, so that a complaint can name it. Start at [`parse`].

use icalendar::parser;

use super::{Complaint, Fault};
use crate::text::one_line;

/// How deep components may be nested: an alarm in an event in a calendar is the third.
const DEPTH_MAX: usize = 8;

/// One line: `NAME;PARAMETER=VALUE:VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    /// Where it begins in the file, counted from 1.
    pub(super) line: usize,
    /// Its name, in capital letters.
    pub(super) name: String,
    parameters: Vec<(String, String)>,
    pub(super) value: String,
}

impl Property {
    /// A value as if a line had it, without parameters.
    pub(super) fn bare(name: &str, value: &str) -> Self {
        let (name, value) = (name.to_owned(), value.to_owned());
        Self { line: 0, name, parameters: Vec::new(), value }
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The line as a message may repeat it.
    pub(super) fn shown(&self) -> String {
        let parameters: String =
            self.parameters.iter().map(|(key, value)| format!(";{key}={value}")).collect();
        one_line(&format!("{}{parameters}:{}", self.name, self.value), 70)
    }
}

/// What stands between a `BEGIN` and its `END`, without what is nested in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component {
    /// Where it begins in the file.
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) properties: Vec<Property>,
}

impl Component {
    /// Every property of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties.iter().filter(move |property| property.name == name)
    }

    /// The first property of a name.
    pub(super) fn first(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

/// The components of a file that are calendars or stand directly in one, in the order of their ends.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Component>, Complaint> {
    let mut open: Vec<Component> = Vec::new();
    let mut found = Vec::new();
    let mut has_calendar = false;
    for (line, bytes) in unfolded(bytes) {
        let complain = |fault| Complaint { line, event: None, fault };
        let text = str::from_utf8(&bytes).map_err(|_| complain(Fault::NotUtf8))?;
        if text.trim().is_empty() {
            continue;
        }
        if let Some(name) = mark(text, "BEGIN") {
            if open.is_empty() && name != "VCALENDAR" {
                return Err(complain(Fault::NoCalendar(one_line(text, 40))));
            }
            if open.len() >= DEPTH_MAX {
                return Err(complain(Fault::TooDeep));
            }
            has_calendar = true;
            open.push(Component { line, name, properties: Vec::new() });
        } else if let Some(name) = mark(text, "END") {
            let Some(component) = open.pop().filter(|component| component.name == name) else {
                return Err(complain(Fault::WrongEnd(one_line(text, 40))));
            };
            if open.len() <= 1 {
                found.push(component);
            }
        } else {
            let Some(component) = open.last_mut() else {
                return Err(complain(Fault::NoCalendar(one_line(text, 40))));
            };
            let property = property(line, text);
            component
                .properties
                .push(property.ok_or_else(|| complain(Fault::Line(one_line(text, 70))))?);
        }
    }
    match open.pop() {
        Some(component) => {
            let fault = Fault::Unclosed(one_line(&component.name, 40));
            Err(Complaint { line: component.line, event: None, fault })
        }
        None if !has_calendar => {
            Err(Complaint { line: 1, event: None, fault: Fault::NoCalendar(String::new()) })
        }
        None => Ok(found),
    }
}

/// The lines of a file, each with the number of its first one: a line that begins with a space goes
/// on with the one before. It may be broken within a character, so these are bytes.
fn unfolded(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match (line, lines.last_mut()) {
            ([b' ' | b'\t', rest @ ..], Some((_, last))) => last.extend_from_slice(rest),
            _ => lines.push((index + 1, line.to_vec())),
        }
    }
    lines
}

/// The name of a component that a line begins or ends.
fn mark(text: &str, word: &str) -> Option<String> {
    let (name, value) = text.split_once(':')?;
    name.eq_ignore_ascii_case(word).then(|| value.trim().to_ascii_uppercase())
}

fn property(line: usize, text: &str) -> Option<Property> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let name = text.split([';', ':']).next().filter(|name| name.chars().all(is_name))?;
    if name.is_empty() || name.len() == text.len() {
        return None;
    }
    // The crate knows by its name how a value is escaped, and knows names in capital letters.
    let text = format!("{}{}", name.to_ascii_uppercase(), &text[name.len()..]);
    let parsed = parser::Property::try_from(text.as_str()).ok()?;
    // What the crate cannot split it takes for a name alone.
    let is_split = !parsed.params.is_empty() || !parsed.val.as_str().is_empty();
    if !is_split && text.len() > name.len() + 1 {
        return None;
    }
    let parameters = parsed.params.iter().map(|parameter| {
        let value = parameter.val.as_ref().map_or("", |value| value.as_str());
        (parameter.key.as_str().to_ascii_uppercase(), value.to_owned())
    });
    Some(Property {
        line,
        name: parsed.name.as_str().to_owned(),
        parameters: parameters.collect(),
        value: parsed.val.as_str().to_owned(),
    })
}

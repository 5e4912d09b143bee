//! `[calendar.NAME]`: days and hours, and what they do to the idle hours.

use std::str::FromStr;

use toml::de::DeValue;

use super::super::diagnostic::{Diagnostic, Sink};
use super::super::suggest::quoted;
use super::super::table::{Field, Located, Table, Value, wrong_type};
use super::super::value;
use crate::policy::calendar::{Effect, Entry};

/// One calendar; its place is its heading.
pub(in crate::config) struct CalendarFile {
    pub(in crate::config) name: String,
    pub(in crate::config) effect: Field<Effect>,
    pub(in crate::config) dates: Field<Vec<Entry>>,
    /// The paths of calendar files.
    pub(in crate::config) ics: Field<Vec<Located<String>>>,
}

/// How many `dates` one calendar may have: decades of holidays, and each is looked at in each search
/// for a window.
pub(in crate::config) const DATES_MAX: usize = 1_000;

const HELP_DATES: &str = "write `dates = [\"2026-12-24..2027-01-01\", \"07-04\"]`";

pub(super) fn read_all(root: &mut Table<'_>, sink: &mut Sink) -> Vec<Located<CalendarFile>> {
    let value = root.take("calendar");
    let Some(table) = value.and_then(|value| Table::of(&value, "[calendar.NAME]", sink)) else {
        return Vec::new();
    };
    table.all().iter().filter_map(|value| read(value, sink)).collect()
}

fn read(value: &Value<'_>, sink: &mut Sink) -> Option<Located<CalendarFile>> {
    let name = value.key.to_owned();
    let mut table = Table::of(value, &format!("[calendar.{name}]"), sink)?;
    if name.trim().is_empty() {
        let message = format!("a calendar cannot have the name {}", quoted(&name));
        sink.push(
            Diagnostic::error("bad-name", value.key_span(), message).help("choose another name"),
        );
    }
    let calendar = CalendarFile {
        name,
        effect: table.field("effect", sink, effect),
        dates: table.field("dates", sink, dates),
        ics: table.field("ics", sink, ics),
    };
    table.finish(sink);
    Some(Located { value: calendar, span: value.key_span() })
}

fn effect(value: &Value<'_>, sink: &mut Sink) -> Option<Effect> {
    let words = [Effect::Closed, Effect::Open].map(|effect| (effect.as_str(), effect));
    value::word(value, &words, sink)
}

/// The entries of `dates`: all of them, or `None` where one is wrong.
fn dates(value: &Value<'_>, sink: &mut Sink) -> Option<Vec<Entry>> {
    let entries = value.entries();
    if entries.is_empty() {
        sink.push(
            Diagnostic::error("empty", value.span(), "`dates` has no days")
                .label("a calendar needs at least one")
                .help(HELP_DATES),
        );
        return None;
    }
    if entries.len() > DATES_MAX {
        let message = format!("`dates` has {} entries", entries.len());
        sink.push(
            Diagnostic::error("too-many", value.span(), message)
                .label(format!("at most {DATES_MAX} are possible"))
                .help("join days that follow each other, as in \"2026-12-24..2027-01-01\", or use several calendars"),
        );
        return None;
    }
    let entries: Vec<_> = entries.iter().map(|entry| date(entry, sink)).collect();
    entries.into_iter().collect()
}

/// The paths of `ics`: all of them, or `None` where one is wrong.
fn ics(value: &Value<'_>, sink: &mut Sink) -> Option<Vec<Located<String>>> {
    const HELP: &str = "write `ics = \"holidays.ics\"`, or a list of such paths";
    let entries = value.entries();
    if entries.is_empty() {
        sink.push(
            Diagnostic::error("empty", value.span(), "`ics` names no file")
                .label("a calendar needs at least one")
                .help(HELP),
        );
        return None;
    }
    let paths: Vec<_> = entries.iter().map(|entry| ics_path(entry, sink)).collect();
    paths.into_iter().collect()
}

fn ics_path(value: &Value<'_>, sink: &mut Sink) -> Option<Located<String>> {
    let path = value::path(value, sink)?;
    if path.contains("://") {
        sink.push(
            Diagnostic::error(
                "bad-path",
                value.span(),
                "`ics` takes the path of a file, not an address",
            )
            .help("download the calendar, and write the path of what was downloaded"),
        );
        return None;
    }
    Some(Located { value: path, span: value.span() })
}

fn date(value: &Value<'_>, sink: &mut Sink) -> Option<Entry> {
    let text = match value.content {
        // `2026-12-24` without quotes is a date of TOML, and means the same.
        DeValue::Datetime(day) if day.time.is_none() => day.to_string(),
        DeValue::Datetime(_) => {
            sink.push(
                wrong_type(value, "days and ranges as strings")
                    .help("put a range between two `\"`: \"2026-11-27 20:00 .. 2026-11-30 07:00\""),
            );
            return None;
        }
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => {
            sink.push(wrong_type(value, "days and ranges as strings").help(HELP_DATES));
            return None;
        }
        DeValue::String(_) => value::text(value, sink)?,
    };
    match Entry::from_str(&text) {
        Ok(entry) => Some(entry),
        Err(error) => {
            let help = error.help();
            sink.push(Diagnostic::error("bad-date", value.span(), error.to_string()).help(help));
            None
        }
    }
}

//! `[schedule.NAME]`: a zone and its idle hours.

use std::str::FromStr;

use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use toml::de::DeValue;

use super::super::diagnostic::{Diagnostic, Sink};
use super::super::suggest::{self, quoted};
use super::super::table::{Field, Located, Table, Value, wrong_type};
use super::super::value;
use crate::policy::schedule::{CronExpression, CronPair, Idle, WeeklyWindow};

/// One schedule; its place is its heading.
pub(in crate::config) struct ScheduleFile {
    pub(in crate::config) name: String,
    pub(in crate::config) zone: Field<ZoneFile>,
    pub(in crate::config) idle: Field<Idle>,
    /// The names of the calendars that change its idle hours.
    pub(in crate::config) calendars: Field<Vec<Located<String>>>,
}

/// Where the civil times of a schedule are meant.
#[derive(Debug, Clone)]
pub(in crate::config) enum ZoneFile {
    /// There.
    Named(TimeZone),
    /// Where each owner is.
    Owner,
}

/// From when expressions are tried out. Any instant would do; a fixed one makes the answer the same
/// on every day.
pub(super) const SAMPLES_FROM: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How many calendars one schedule may have: each is looked at in each search for a window.
pub(in crate::config) const CALENDARS_MAX: usize = 50;

const HELP_IDLE: &str = "write `idle = [\"Sun-Fri 20:00-07:00\", \"Sat-Sun\"]`, \
     or `idle = { opens = \"0 20 * * Mon-Fri\", closes = \"0 7 * * Mon-Fri\" }`";

pub(super) fn read_all(root: &mut Table<'_>, sink: &mut Sink) -> Vec<Located<ScheduleFile>> {
    let value = root.take("schedule");
    let Some(table) = value.and_then(|value| Table::of(&value, "[schedule.NAME]", sink)) else {
        return Vec::new();
    };
    table.all().iter().filter_map(|value| read(value, sink)).collect()
}

fn read(value: &Value<'_>, sink: &mut Sink) -> Option<Located<ScheduleFile>> {
    let name = value.key.to_owned();
    let mut table = Table::of(value, &format!("[schedule.{name}]"), sink)?;
    if name.trim().is_empty() || name == "off" {
        let message = format!("a schedule cannot have the name {}", quoted(&name));
        sink.push(
            Diagnostic::error("bad-name", value.key_span(), message)
                .help("choose another name; \"off\" unsets a schedule"),
        );
    }
    let schedule = ScheduleFile {
        name,
        zone: table.field("zone", sink, zone),
        idle: table.field("idle", sink, idle),
        calendars: table.field("calendars", sink, calendars),
    };
    table.finish(sink);
    Some(Located { value: schedule, span: value.key_span() })
}

fn zone(value: &Value<'_>, sink: &mut Sink) -> Option<ZoneFile> {
    match value.content.as_str() {
        Some("owner") => Some(ZoneFile::Owner),
        _ => named_zone(value, sink).map(ZoneFile::Named),
    }
}

/// A zone of the IANA database.
pub(super) fn named_zone(value: &Value<'_>, sink: &mut Sink) -> Option<TimeZone> {
    let name = value::text(value, sink)?;
    if let Some(zone) = suggest::find_zone(&name) {
        if let Some(what) = misleading(&name) {
            let message = format!("the time zone {} may not be what it seems", quoted(&name));
            sink.push(
                Diagnostic::warning("misleading-zone", value.span(), message)
                    .label(what)
                    .help("write a region and a city, as in \"America/Los_Angeles\""),
            );
        }
        return Some(zone);
    }
    let message = format!("unknown time zone {}", quoted(&name));
    let diagnostic = Diagnostic::error("unknown-zone", value.span(), message)
        .label("not a name in the IANA time zone database");
    sink.push(match suggest::zone(&name) {
        Some(meant) => diagnostic.help(format!("did you mean \"{meant}\"?")),
        None => {
            diagnostic.help("write a region and a city, as in \"America/Los_Angeles\", or \"UTC\"")
        }
    });
    None
}

/// What a name of the database says that is otherwise than people read it.
fn misleading(name: &str) -> Option<String> {
    const WITHOUT_SUMMER: [&str; 3] = ["EST", "MST", "HST"];
    let name = name.to_ascii_uppercase();
    if WITHOUT_SUMMER.contains(&name.as_str()) {
        return Some("it has no summer time".to_owned());
    }
    let hours =
        name.strip_prefix("ETC/GMT").filter(|hours| !matches!(*hours, "" | "0" | "+0" | "-0"))?;
    let way = if hours.starts_with('+') { "behind" } else { "ahead of" };
    Some(format!("it is {} hours {way} UTC: the sign of these names is turned round", &hours[1..]))
}

fn idle(value: &Value<'_>, sink: &mut Sink) -> Option<Idle> {
    match value.content {
        DeValue::Table(_) => pair(value, sink).map(Idle::Cron),
        DeValue::String(_) | DeValue::Array(_) => weekly(value, sink).map(Idle::Weekly),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            sink.push(wrong_type(value, "a list of weekly windows").help(HELP_IDLE));
            None
        }
    }
}

/// The names of calendars; `[]` says that there are none.
fn calendars(value: &Value<'_>, sink: &mut Sink) -> Option<Vec<Located<String>>> {
    let entries = value.entries();
    if entries.len() > CALENDARS_MAX {
        let message = format!("`calendars` has {} names", entries.len());
        sink.push(
            Diagnostic::error("too-many", value.span(), message)
                .label(format!("at most {CALENDARS_MAX} are possible"))
                .help("join calendars of one effect: each may have many `dates`"),
        );
        return None;
    }
    let names: Vec<Option<Located<String>>> = entries
        .iter()
        .map(|entry| Some(Located { value: value::text(entry, sink)?, span: entry.span() }))
        .collect();
    names.into_iter().collect()
}

/// Weekly windows: all of them, or `None` where one is wrong.
fn weekly(value: &Value<'_>, sink: &mut Sink) -> Option<Vec<WeeklyWindow>> {
    let entries = value.entries();
    if entries.is_empty() {
        sink.push(
            Diagnostic::error("empty", value.span(), "`idle` has no windows")
                .label("a schedule needs at least one")
                .help(HELP_IDLE),
        );
        return None;
    }
    let windows: Vec<_> = entries.iter().map(|entry| window(entry, sink)).collect();
    windows.into_iter().collect()
}

fn window(value: &Value<'_>, sink: &mut Sink) -> Option<WeeklyWindow> {
    let text = value::text(value, sink)?;
    match WeeklyWindow::from_str(&text) {
        Ok(window) => Some(window),
        Err(_) if text.parse::<CronExpression>().is_ok() => {
            let message = "a cron expression says when windows open or close, not both";
            sink.push(Diagnostic::error("bad-window", value.span(), message).help(HELP_IDLE));
            None
        }
        Err(error) => {
            let help = error.help();
            sink.push(Diagnostic::error("bad-window", value.span(), error.to_string()).help(help));
            None
        }
    }
}

/// Both expressions, which must each leave time to the other.
fn pair(value: &Value<'_>, sink: &mut Sink) -> Option<CronPair> {
    let mut table = Table::of(value, "idle", sink)?;
    let opens = table.field("opens", sink, cron);
    let closes = table.field("closes", sink, cron);
    for (key, field) in [("opens", &opens), ("closes", &closes)] {
        if field.is_absent() {
            let message = format!("`idle` does not say when windows {}", &key[..key.len() - 1]);
            sink.push_absence(
                Diagnostic::error("missing-key", value.span(), message).help(HELP_IDLE),
            );
        }
    }
    table.finish(sink);
    let (opens, closes) = (opens.given()?, closes.given()?);
    if never_closes(&opens.value, &closes.value) {
        let message = "each time at which windows close, one opens too";
        sink.push(
            Diagnostic::error("never-closes", closes.span.clone(), message)
                .label("so that they never close")
                .related(opens.span.clone(), "this fires at the same times")
                .help("let `closes` fire at other times than `opens`"),
        );
        return None;
    }
    Some(CronPair { opens: opens.value.clone(), closes: closes.value.clone() })
}

/// Whether the next fires of `closes` are all fires of `opens` as well.
fn never_closes(opens: &CronExpression, closes: &CronExpression) -> bool {
    // More than a day has minutes: where so many fires agree, those that follow do.
    const FIRES: usize = 1_500;
    let mut instant = SAMPLES_FROM;
    for _ in 0..FIRES {
        let Some(next) = closes.next_utc(instant) else { break };
        let before = next.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(instant);
        if opens.next_utc(before) != Some(next) {
            return false;
        }
        instant = next;
    }
    true
}

/// A cron expression.
pub(super) fn cron(value: &Value<'_>, sink: &mut Sink) -> Option<CronExpression> {
    let text = value::text(value, sink)?;
    match text.parse::<CronExpression>() {
        Ok(expression) => Some(expression),
        Err(error) => {
            let message = format!("`{}` is not a cron expression that works", value.key);
            sink.push(
                Diagnostic::error("bad-cron", value.span(), message)
                    .label(error.to_string())
                    .help(error.help()),
            );
            None
        }
    }
}

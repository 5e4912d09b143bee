//! `[[studio]]`: which studio, how it is reached, and what applies to it.

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::suggest::quoted;
use super::super::table::{Field, Table, Value};
use super::super::value;
use super::connection::{self, ConnectionFile};
use super::rule::{self, RuleFile};
use super::settings::SettingsFile;
use crate::policy::Brake;

/// One studio; its place is its heading.
pub(in crate::config) struct StudioFile {
    pub(in crate::config) span: Span,
    pub(in crate::config) id: Field<String>,
    pub(in crate::config) name: Field<String>,
    pub(in crate::config) region: Field<String>,
    pub(in crate::config) account: Field<String>,
    pub(in crate::config) connection: ConnectionFile,
    pub(in crate::config) settings: SettingsFile,
    pub(in crate::config) rules: Vec<RuleFile>,
    pub(in crate::config) brake: Field<Brake>,
}

/// The bounds of a brake: beyond the upper one it would be none.
pub(in crate::config) const BRAKE: std::ops::RangeInclusive<i64> = 0..=1_000_000;

const HELP_BRAKE: &str =
    "write for example `brake = { per_scan = 500, per_hour = 1000 }`; 0 means none may be stopped";

pub(super) fn read_all(root: &mut Table<'_>, sink: &mut Sink) -> Vec<StudioFile> {
    let tables = root.tables("studio", "[[studio]]", sink);
    tables.into_iter().map(|table| read(table, sink)).collect()
}

fn read(mut table: Table<'_>, sink: &mut Sink) -> StudioFile {
    let studio = StudioFile {
        span: table.span(),
        id: table.field("id", sink, id),
        name: table.field("name", sink, value::text),
        region: table.field("region", sink, connection::region),
        account: table.field("account", sink, connection::account),
        connection: ConnectionFile::read(&mut table, sink),
        settings: SettingsFile::read(&mut table, sink),
        rules: rule::read_all(&mut table, sink),
        brake: table.field("brake", sink, brake),
    };
    table.finish(sink);
    studio
}

/// What is not said of a brake is as built in.
fn brake(value: &Value<'_>, sink: &mut Sink) -> Option<Brake> {
    let mut table = Table::of(value, "brake", sink)?;
    let per_scan = table.field("per_scan", sink, bound);
    let per_hour = table.field("per_hour", sink, bound);
    let is_empty = table.all().is_empty();
    table.finish(sink);
    if is_empty {
        let message = "`brake` names no bound";
        sink.push(Diagnostic::error("empty", value.span(), message).help(HELP_BRAKE));
        return None;
    }
    let built_in = Brake::default();
    let or = |field: &Field<u32>, otherwise| match field {
        Field::Absent => Some(otherwise),
        Field::Wrong => None,
        Field::Given(given) => Some(given.value),
    };
    Some(Brake {
        per_scan: or(&per_scan, built_in.per_scan)?,
        per_hour: or(&per_hour, built_in.per_hour)?,
    })
}

fn bound(value: &Value<'_>, sink: &mut Sink) -> Option<u32> {
    let number = value::integer(value, sink)?;
    if !BRAKE.contains(&number) {
        let message = format!("`{}` is out of range", value.key);
        sink.push(
            Diagnostic::error("out-of-range", value.span(), message)
                .label("valid: 0 to 1000000")
                .help(HELP_BRAKE),
        );
    }
    u32::try_from(number).ok().filter(|_| BRAKE.contains(&number))
}

/// An id becomes part of an address and of records: no spaces, no slashes.
fn id(value: &Value<'_>, sink: &mut Sink) -> Option<String> {
    let text = value::text(value, sink)?;
    let is_good = |c: char| c.is_ascii_alphanumeric() || ":-_.".contains(c);
    let bare = text.split_once(':').map_or(text.as_str(), |(_, bare)| bare);
    let prefix = text.split_once(':').map(|(region, _)| region);
    if text.chars().all(is_good) && !bare.is_empty() && prefix.is_none_or(connection::is_region) {
        return Some(text);
    }
    let message = format!("{} is not the id of a studio", quoted(&text));
    sink.push(
        Diagnostic::error("bad-id", value.span(), message)
            .help("write the id that the console shows, as in \"us-west-2:stid-EXAMPLE11111\""),
    );
    None
}

/// Refuses keys that only a studio may have.
pub(super) fn refuse_own_keys(table: &mut Table<'_>, keys: &[&'static str], sink: &mut Sink) {
    for key in keys {
        if let Some(value) = table.peek(key).filter(|_| *key == "external_id") {
            sink.hide(value.span());
        }
        table.refuse(key, sink, |value| {
            let message = format!("`{key}` is the studio's alone");
            Diagnostic::error("misplaced-key", value.key_span(), message)
                .help(format!("move it to the `[[studio]]` whose {key} it is"))
        });
    }
}

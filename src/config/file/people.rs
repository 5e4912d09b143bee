//! `[people]`: the owners of sessions, by id.

use jiff::tz::TimeZone;

use super::super::diagnostic::{Diagnostic, Sink};
use super::super::table::{Field, Table, Value};
use super::super::value;
use super::schedule;
use crate::policy::Secret;

/// One owner.
pub(in crate::config) struct PersonFile {
    pub(in crate::config) id: String,
    pub(in crate::config) name: Field<String>,
    pub(in crate::config) zone: Field<TimeZone>,
    pub(in crate::config) address: Field<Secret>,
}

const HELP: &str =
    "write for example `\"9067642ac7-EXAMPLE\" = { name = \"...\", zone = \"Europe/Paris\" }`";

pub(super) fn read_all(root: &mut Table<'_>, sink: &mut Sink) -> Vec<PersonFile> {
    let value = root.take("people");
    let Some(table) = value.and_then(|value| Table::of(&value, "[people]", sink)) else {
        return Vec::new();
    };
    table.all().iter().filter_map(|value| read(value, sink)).collect()
}

fn read(value: &Value<'_>, sink: &mut Sink) -> Option<PersonFile> {
    let id = value.key.to_owned();
    let mut table = Table::of(value, "[people]", sink)?;
    let person = PersonFile {
        name: table.field("name", sink, value::text),
        zone: table.field("zone", sink, schedule::named_zone),
        address: table.field("address", sink, |value, sink| {
            sink.hide(value.span());
            value::text(value, sink).map(Secret)
        }),
        id,
    };
    let is_empty = table.all().is_empty();
    table.finish(sink);
    if is_empty || person.id.trim().is_empty() {
        let message = "this entry says nothing of anybody";
        sink.push(Diagnostic::error("empty", value.key_span(), message).help(HELP));
    }
    Some(person)
}

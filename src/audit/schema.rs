//! The JSON Schema of one line, made from the types that write it.
//!
//! `docs/audit-record.schema.json` is its text; a test keeps the two the same. The schema says what
//! this version writes. A reader should be as tolerant as [`super::chain::parse_line`].

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::chain::Envelope;
use super::record::Kind;

/// The schema of one line.
#[must_use]
pub fn of_line() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Envelope<'static>>().to_value()
}

/// The schema as the text of a file.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", of_line())
}

/// The schema of `type`: the kinds of this version.
pub(super) fn kind(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = Kind::ALL.iter().map(Kind::as_str).collect();
    json_schema!({ "type": "string", "enum": names })
}

/// Says that `hash` is never absent: it is left out only while it is being computed.
pub(super) fn require_hash(schema: &mut Schema) {
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.push(Value::from("hash"));
    }
}

#[cfg(test)]
mod tests;

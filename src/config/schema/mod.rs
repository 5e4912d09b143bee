//! What may stand in the policy file, said once: as a JSON Schema for editors, and as a page for people.
//!
//! The reader in `file` takes the tree apart by hand, for the sake of its diagnostics. The types here
//! mirror it for the schema alone: their doc comments and attributes are the whole source of both
//! `config/lightsout.schema.json` and `docs/configuration.md`, and tests hold them to the reader, key by
//! key and value by value. What needs two keys to be judged (references, contradictions) is the
//! reader's alone. Nothing here reads a file. Start at [`text`], then `file::File`.

#[macro_use]
mod form;
mod file;
mod page;
mod prose;
mod rule;
mod schedule;
mod settings;
mod studio;
mod veto;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

pub use self::page::page;

/// The JSON Schema of a policy file: draft 7, which is what editors of TOML know.
#[must_use]
pub fn of_file() -> Value {
    let mut schema = annotated::<file::File>();
    strip(&mut schema);
    schema
}

/// The schema as the text of a file.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", of_file())
}

/// The schema of a type with the annotations that only the page is made from: members whose names
/// begin with `x-`.
fn annotated<T: JsonSchema>() -> Value {
    // Without references, each key carries its own words wherever an editor meets it.
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema
}

/// Joins the lines of descriptions, and makes plain enumerations of words that are described.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(description)) = members.get_mut("description") {
                *description = description.replace("\n\n", "\0").replace('\n', " ");
                *description = description.replace('\0', "\n\n");
            }
            if members.get("required") == Some(&json!([])) {
                members.remove("required");
            }
            enumerate(members);
            members.values_mut().for_each(tidy);
        }
        Value::Array(entries) => entries.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Turns a choice between constants into a list of them. The words about each go where Taplo, the TOML
/// support of most editors, looks for them.
fn enumerate(members: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = members.get("oneOf") else { return };
    let of_each = |name: &str| -> Option<Value> {
        choices.iter().map(|choice| choice.get(name).cloned()).collect()
    };
    let (Some(words), Some(meanings)) = (of_each("const"), of_each("description")) else { return };
    members.remove("oneOf");
    members.insert("type".to_owned(), json!("string"));
    members.insert("enum".to_owned(), words);
    members.insert("x-taplo".to_owned(), json!({ "docs": { "enumValues": meanings } }));
}

/// Removes what only the page is made from.
fn strip(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.retain(|name, _| !name.starts_with("x-") || name == "x-taplo");
            members.values_mut().for_each(strip);
        }
        Value::Array(entries) => entries.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
pub(super) mod tests;

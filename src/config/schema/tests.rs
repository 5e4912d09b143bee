//! Schema, page and reader say the same.

mod keys;
mod page;
mod values;

use std::sync::OnceLock;

use jsonschema::Validator;

use super::*;
use crate::config::{Diagnostics, Severity};

/// A table of the file that may hold a line more, at its `@`.
pub(super) struct Place {
    /// The table's keys on the way to it; `*` is any name.
    pub(super) path: &'static str,
    text: &'static str,
}

/// Every table of the file. What is missing around the line does not matter: absence is reported
/// elsewhere.
pub(super) const PLACES: &[Place] = &[
    Place { path: "", text: "# The top.\n@\n" },
    Place { path: "daemon", text: "[daemon]\n@\n" },
    Place { path: "audit", text: "[audit]\n@\n" },
    Place { path: "http", text: "[http]\n@\n" },
    Place { path: "schedule.*", text: "[schedule.nights]\n@\n" },
    Place { path: "schedule.*.idle", text: "[schedule.nights.idle]\n@\n" },
    Place { path: "calendar.*", text: "[calendar.holidays]\n@\n" },
    Place { path: "veto.*", text: "[veto.farm]\n@\n" },
    Place { path: "people.*", text: "[people.somebody]\n@\n" },
    Place { path: "defaults", text: "[defaults]\n@\n" },
    Place { path: "studio", text: "[[studio]]\n@\n" },
    Place { path: "studio.brake", text: "[[studio]]\n[studio.brake]\n@\n" },
    Place { path: "studio.rule", text: "[[studio]]\n[[studio.rule]]\n@\n" },
    Place {
        path: "studio.rule.match",
        text: "[[studio]]\n[[studio.rule]]\n[studio.rule.match]\n@\n",
    },
    Place {
        path: "studio.rule.match.not",
        text: "[[studio]]\n[[studio.rule]]\n[studio.rule.match.not]\n@\n",
    },
];

impl Place {
    /// What is wrong with one more line in the table, by the codes of the reader's errors.
    pub(super) fn complaints(&self, line: &str) -> Vec<&'static str> {
        let text = self.text.replacen('@', line, 1);
        let start = self.text.find('@').unwrap();
        let is_there = |span: &std::ops::Range<usize>| {
            span.start >= start && span.end <= start + line.len() && !span.is_empty()
        };
        let found = read(&text).unwrap_err();
        let errors = found.iter().filter(|found| found.severity == Severity::Error);
        errors.filter(|error| is_there(&error.primary.span)).map(|error| error.code).collect()
    }
}

/// The reader's answer.
pub(super) fn read(text: &str) -> Result<(), Diagnostics> {
    let base_dir = std::path::Path::new("/etc/lightsout");
    crate::config::parse("lightsout.toml", text, base_dir).map(drop)
}

/// Why a text that is TOML does not follow the schema.
pub(in crate::config) fn faults(text: &str) -> Vec<String> {
    static SCHEMA: OnceLock<Validator> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| jsonschema::validator_for(&of_file()).unwrap());
    let value = json_of(text);
    schema.iter_errors(&value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

/// TOML as editors hand it to a schema.
pub(super) fn json_of(text: &str) -> Value {
    fn convert(value: toml::Value) -> Value {
        match value {
            toml::Value::String(text) => Value::from(text),
            toml::Value::Integer(number) => Value::from(number),
            toml::Value::Float(number) => Value::from(number),
            toml::Value::Boolean(boolean) => Value::from(boolean),
            // A schema cannot tell it from a text.
            toml::Value::Datetime(datetime) => Value::from(datetime.to_string()),
            toml::Value::Array(entries) => entries.into_iter().map(convert).collect(),
            toml::Value::Table(members) => {
                members.into_iter().map(|(key, value)| (key, convert(value))).collect()
            }
        }
    }
    convert(toml::Value::Table(text.parse().unwrap()))
}

/// The schema of each table that has keys of its own, by its path.
pub(super) fn tables() -> Vec<(String, Value)> {
    fn walk(path: &str, schema: &Value, found: &mut Vec<(String, Value)>) {
        let below = |key: &str| match path {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        };
        if let Some(properties) = schema["properties"].as_object() {
            found.push((path.to_owned(), schema.clone()));
            properties.iter().for_each(|(key, schema)| walk(&below(key), schema, found));
        }
        if schema["additionalProperties"].is_object() {
            walk(&below("*"), &schema["additionalProperties"], found);
        }
        if schema["items"].is_object() {
            walk(path, &schema["items"], found);
        }
        for choice in schema["anyOf"].as_array().into_iter().flatten() {
            walk(path, choice, found);
        }
    }
    let mut found = Vec::new();
    walk("", &annotated::<file::File>(), &mut found);
    found
}

/// The schema of the table at a path.
pub(super) fn table(path: &str) -> Value {
    tables().into_iter().find(|(found, _)| found == path).unwrap().1
}

#[test]
fn the_file_in_config_is_what_the_code_says() {
    blessed("config/lightsout.schema.json", &text());
}

#[test]
fn the_page_in_docs_is_what_the_code_says() {
    blessed("docs/configuration.md", &super::page());
}

fn blessed(file: &str, text: &str) {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("LIGHTSOUT_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "run the tests with LIGHTSOUT_BLESS=1 to rewrite {path}");
}

#[test]
fn the_schema_is_one_that_editors_know() {
    let schema = of_file();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    jsonschema::draft7::meta::validate(&schema).unwrap();
    assert!(!text().contains("$ref"), "Taplo shows no words beside a reference");
    assert!(!text().contains("\"x-form\""), "annotations of the page are not for editors");
}

#[test]
fn the_files_in_config_follow_the_schema() {
    for text in
        [include_str!("../../../config/example.toml"), include_str!("../../../config/demo.toml")]
    {
        assert_eq!(faults(text), Vec::<String>::new());
    }
}

#[test]
fn the_example_names_its_schema_first() {
    let example = include_str!("../../../config/example.toml");
    assert!(example.starts_with("#:schema ./lightsout.schema.json\n"));
}

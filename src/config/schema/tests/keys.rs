//! Every key that the reader takes is in the schema, and every key of the schema is taken.
//!
//! What the reader takes is asked of the reader: its answer to an unknown key lists the keys that it
//! looked for.

use std::collections::BTreeSet;

use super::*;
use crate::config::schema::page::{Section, sections};

/// The keys that the reader looked for in a table.
fn taken(place: &Place) -> BTreeSet<String> {
    let text = place.text.replacen('@', "never-a-key = 1", 1);
    let found = read(&text).unwrap_err();
    let unknown: Vec<_> = found
        .iter()
        .filter(|found| found.code == "unknown-key" && found.message.contains("\"never-a-key\""))
        .collect();
    assert_eq!(unknown.len(), 1, "{}: {}", place.path, found.render(false));
    let note = unknown[0].notes[0].strip_prefix("the keys here are ").unwrap();
    note.replace(" and ", ", ").split(", ").map(str::to_owned).collect()
}

fn in_schema(path: &str) -> BTreeSet<String> {
    table(path)["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_table_of_the_schema_is_asked_about() {
    let found: BTreeSet<String> = tables().into_iter().map(|(path, _)| path).collect();
    let asked: BTreeSet<String> = PLACES.iter().map(|place| place.path.to_owned()).collect();
    assert_eq!(found, asked);
}

#[test]
fn reader_and_schema_have_the_same_keys() {
    for place in PLACES {
        let (taken, known) = (taken(place), in_schema(place.path));
        let unknown: Vec<_> = taken.difference(&known).collect();
        assert!(unknown.is_empty(), "the schema of `{}` lacks {unknown:?}", place.path);
        let unread: Vec<_> = known.difference(&taken).collect();
        assert!(unread.is_empty(), "the reader of `{}` does not take {unread:?}", place.path);
    }
}

#[test]
fn a_key_in_the_wrong_table_is_told_where_it_belongs() {
    // Tables at the top, and what many tables have.
    const OTHERS: [&str; 9] =
        ["audit", "calendar", "daemon", "defaults", "http", "name", "people", "prices", "studio"];
    let keys: BTreeSet<String> = PLACES.iter().flat_map(|place| in_schema(place.path)).collect();
    for key in keys.iter().filter(|key| !OTHERS.contains(&key.as_str())) {
        let is_wrong = |place: &&Place| {
            matches!(place.path, "audit" | "http") && !in_schema(place.path).contains(key)
        };
        let text =
            PLACES.iter().find(is_wrong).unwrap().text.replacen('@', &format!("{key} = 1"), 1);
        let found = read(&text).unwrap_err();
        let of_it = found.iter().find(|found| found.code == "unknown-key").unwrap();
        let start = format!("\"{key}\" belongs ");
        assert!(of_it.help.iter().any(|help| help.starts_with(&start)), "{key}: {:?}", of_it.help);
    }
}

#[test]
fn no_table_takes_a_key_that_it_does_not_name() {
    for (path, schema) in tables() {
        assert_eq!(schema["additionalProperties"], false, "{path}");
    }
}

#[test]
fn every_key_has_words_and_an_example() {
    for section in sections() {
        for (key, schema) in section.keys() {
            assert!(schema["description"].is_string(), "{}: {key}", section.heading);
            assert!(schema["examples"][0] != Value::Null, "{}: {key}", section.heading);
        }
    }
}

/// With its very schema: so that what the page says of it is what holds in that table.
#[test]
fn every_key_of_every_table_is_on_the_page() {
    let sections = sections();
    for (path, schema) in tables() {
        for (key, schema) in schema["properties"].as_object().unwrap() {
            let is_told = sections.iter().flat_map(Section::keys).any(|told| told == (key, schema));
            let is_table = sections.iter().any(|section| {
                let heading = section.heading.trim_matches(['`', '[', ']']);
                heading.split('.').any(|word| word == key)
            });
            // `[defaults]` has no key of its own.
            assert!(is_told || is_table || key == "defaults", "{path}: {key}");
        }
    }
}

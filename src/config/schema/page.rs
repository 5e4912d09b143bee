//! The page for people, made from the annotated schema and the fixed prose around it.

use serde_json::Value;

use super::file::{Audit, Daemon, File, Http, Person};
use super::rule::{Criteria, Match, Rule};
use super::schedule::{Calendar, Pair, Schedule};
use super::settings::Settings;
use super::studio::{Brake, Connection, Studio};
use super::veto::Veto;
use super::{annotated, prose};

/// How long a line may be before it is wrapped.
const WIDTH: usize = 110;

/// A table of the file, or a part of one.
pub(super) struct Section {
    pub(super) heading: &'static str,
    /// Where its keys may stand, if the heading does not say it.
    place: &'static str,
    /// The tables whose keys it shows; the last one introduces it.
    tables: Vec<Value>,
}

/// The page on the policy file, as the text of a Markdown file.
#[must_use]
pub fn page() -> String {
    let sections = sections();
    let texts: Vec<String> = sections.iter().map(Section::text).collect();
    let parts =
        [prose::INTRODUCTION, &contents(&sections), &texts.join("\n"), prose::VALUES, prose::TAGS];
    parts.join("\n")
}

/// The sections in reading order.
pub(super) fn sections() -> Vec<Section> {
    let section = |heading, place, tables| Section { heading, place, tables };
    let file = annotated::<File>();
    let prices = file["properties"]["prices"].clone();
    vec![
        section("The top of the file", "before the first `[table]`.", vec![file]),
        section("`[daemon]`", "", vec![annotated::<Daemon>()]),
        section("`[audit]`", "", vec![annotated::<Audit>()]),
        section("`[http]`", "", vec![annotated::<Http>()]),
        section("`[schedule.NAME]`", "", vec![annotated::<Schedule>()]),
        section(
            "A pair of cron expressions",
            "in the `idle` of a schedule.",
            vec![annotated::<Pair>()],
        ),
        section("`[calendar.NAME]`", "", vec![annotated::<Calendar>()]),
        section("`[veto.NAME]`", "", vec![annotated::<Veto>()]),
        section("`[people]`", "in the table of each owner's id.", vec![annotated::<Person>()]),
        section(
            "Settings",
            "in `[defaults]`, `[[studio]]` and `[[studio.rule]]`.",
            vec![annotated::<Settings>()],
        ),
        section("Connection", "in `[defaults]` and `[[studio]]`.", vec![annotated::<Connection>()]),
        section("`[[studio]]`", "", vec![annotated::<Studio>()]),
        section("The brake", "in the `brake` of a studio.", vec![annotated::<Brake>()]),
        section("`[[studio.rule]]`", "", vec![annotated::<Rule>()]),
        section(
            "Whom a rule matches",
            "in the `match` of a rule, and in its `not`.",
            vec![annotated::<Criteria>(), annotated::<Match>()],
        ),
        section("`[prices]`", "", vec![prices]),
    ]
}

/// All the sections, each with its keys.
fn contents(sections: &[Section]) -> String {
    let row = |section: &Section| {
        let keys: Vec<String> = section.keys().map(|(key, _)| format!("`{key}`")).collect();
        let keys = if keys.is_empty() { "instance types".to_owned() } else { keys.join(", ") };
        format!("| [{}](#{}) | {keys} |\n", section.heading, anchor(section.heading))
    };
    let rows: String = sections.iter().map(row).collect();
    format!("| where | keys |\n|---|---|\n{rows}\n{}\n", wrap(prose::REST, ""))
}

impl Section {
    fn text(&self) -> String {
        let introducing = self.tables.last().unwrap_or(&Value::Null);
        let description = introducing["description"].as_str().unwrap_or_default();
        let place = match self.place {
            "" => String::new(),
            place => format!("\nWhere: {place}\n"),
        };
        let example = introducing["x-example"]
            .as_str()
            .map_or(String::new(), |example| format!("\n```toml\n{}\n```\n", example.trim()));
        let keys: String = self.keys().map(|key| format!("\n{}", self.definition(key))).collect();
        format!("## {}\n\n{}\n{place}{example}{keys}", self.heading, wrap(description, ""))
    }

    /// Its own keys, in reading order: without those that it shares with other tables, and without
    /// tables that have a section of their own.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.tables.iter().flat_map(|table| {
            let order = table["x-keys"].as_array().map_or(&[][..], Vec::as_slice);
            let names = order.iter().filter_map(Value::as_str);
            let keys = names.map(|key| key.trim_start_matches("r#"));
            keys.map(|key| (key, &table["properties"][key]))
                .filter(|(_, schema)| takes(schema).is_some())
        })
    }

    /// One key: what it takes, what holds without it, an example, and what it means.
    fn definition(&self, (key, schema): (&str, &Value)) -> String {
        let required = self.tables.iter().filter_map(|table| table["required"].as_array());
        let is_required = required.flatten().any(|required| required == key);
        let mut facts = format!("- **`{key}`** takes {}.", takes(schema).unwrap_or_default());
        if is_required {
            facts.push_str(" Required.");
        }
        if let Some(default) = default(schema) {
            facts.push_str(&format!(" Default: {default}."));
        }
        if let Some(examples) = schema["examples"].as_array() {
            let written = |example| format!("`{key} = {}`", toml(example));
            let written: Vec<String> = examples.iter().map(written).collect();
            facts.push_str(&format!(" Example: {}.", written.join(" or ")));
        }
        let description = schema["description"].as_str().unwrap_or_default();
        let mut text =
            format!("{}\n\n{}\n", wrap(&facts, "  "), wrap(&format!("  {description}"), "  "));
        for (index, (word, meaning)) in words(schema).enumerate() {
            let gap = if index == 0 { "\n" } else { "" };
            let item = format!("  - `{}`: {meaning}", toml(word));
            text.push_str(&format!("{gap}{}\n", wrap(&item, "    ")));
        }
        text
    }
}

/// The form of a key's value in words; `None` for tables that have a section of their own.
fn takes(schema: &Value) -> Option<String> {
    let count = words(schema).count();
    let form = match (schema["x-form"].as_str(), count) {
        (Some(form), _) => form.to_owned(),
        (None, 0) => return None,
        (None, _) => {
            let words: Vec<String> =
                words(schema).map(|(word, _)| format!("`{}`", toml(word))).collect();
            words.join(" or ")
        }
    };
    let duration = |index: usize| schema["x-bounds"][index].as_str().map(str::to_owned);
    let number = |name: &str| schema[name].as_i64().map(|number| number.to_string());
    let least = duration(0).or_else(|| number("minimum"));
    let range = match (least, duration(1).or_else(|| number("maximum"))) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        _ => String::new(),
    };
    let or = schema["x-or"].as_str().map_or(String::new(), |other| format!(", or {other}"));
    Some(format!("{form}{range}{or}"))
}

/// The words of an enumeration, each with its meaning.
fn words(schema: &Value) -> impl Iterator<Item = (&Value, &str)> {
    let words = schema["enum"].as_array().into_iter().flatten();
    let meanings = schema["x-taplo"]["docs"]["enumValues"].as_array().into_iter().flatten();
    words.zip(meanings.filter_map(Value::as_str))
}

/// What holds where nothing says it: a value, or words.
fn default(schema: &Value) -> Option<String> {
    let value = schema.get("default").map(|default| format!("`{}`", toml(default)));
    value.or_else(|| schema["x-default"].as_str().map(str::to_owned))
}

/// A value as the file would have it, on one line.
pub(super) fn toml(value: &Value) -> String {
    match value {
        Value::Array(entries) => {
            format!("[{}]", entries.iter().map(toml).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| format!("{key} = {}", toml(value));
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        // JSON and TOML write these alike.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// Where a heading is linked to.
pub(super) fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || "-_ ".contains(*c);
    heading.chars().filter(kept).collect::<String>().to_lowercase().replace(' ', "-")
}

/// Breaks a paragraph into lines, of which all but the first are indented.
fn wrap(text: &str, indent: &str) -> String {
    let lead = &text[..text.len() - text.trim_start().len()];
    let (mut done, mut line) = (String::new(), lead.to_owned());
    for word in unbroken(text) {
        let is_first = line.trim_start().is_empty();
        if !is_first && line.chars().count() + 1 + word.chars().count() > WIDTH {
            done.push_str(&line);
            done.push('\n');
            line = format!("{indent}{word}");
            continue;
        }
        if !is_first {
            line.push(' ');
        }
        line.push_str(&word);
    }
    done + &line
}

/// The words of a text, in which the spaces of code and of links count as letters.
fn unbroken(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(last) if is_open => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        let whole = words.last().map_or("", String::as_str);
        let is_code = whole.matches('`').count() % 2 == 1;
        is_open = is_code || whole.matches('[').count() > whole.matches(']').count();
    }
    words
}

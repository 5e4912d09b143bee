//! `[[studio.rule]]`: which sessions, and what applies to them.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::suggest::quoted;
use super::super::table::{Field, Table, Value, wrong_type};
use super::super::value;
use super::connection;
use super::settings::SettingsFile;
use super::studio;
use crate::policy::matcher::Criteria;
use crate::policy::{Glob, Matcher};

/// One rule; its place is its heading.
pub(in crate::config) struct RuleFile {
    pub(in crate::config) span: Span,
    pub(in crate::config) name: Field<String>,
    pub(in crate::config) matcher: Field<Matcher>,
    pub(in crate::config) keep: Field<bool>,
    pub(in crate::config) settings: SettingsFile,
}

/// What to type for a matcher.
pub(in crate::config) const HELP_MATCH: &str =
    "write for example `match = { owner = \"...\" }`, or `match = \"all\"` to mean every session";

pub(super) fn read_all(studio: &mut Table<'_>, sink: &mut Sink) -> Vec<RuleFile> {
    let tables = studio.tables("rule", "[[studio.rule]]", sink);
    tables.into_iter().map(|table| read(table, sink)).collect()
}

fn read(mut table: Table<'_>, sink: &mut Sink) -> RuleFile {
    let rule = RuleFile {
        span: table.span(),
        name: table.field("name", sink, value::text),
        matcher: table.field("match", sink, matcher),
        keep: table.field("keep", sink, value::boolean),
        settings: SettingsFile::read(&mut table, sink),
    };
    studio::refuse_own_keys(&mut table, &["id", "region", "account"], sink);
    studio::refuse_own_keys(&mut table, &connection::KEYS, sink);
    table.finish(sink);
    rule
}

/// `"all"`, or a table of criteria of which none may be empty.
fn matcher(value: &Value<'_>, sink: &mut Sink) -> Option<Matcher> {
    match value.content {
        DeValue::String(word) if word == "all" => return Some(Matcher::All),
        DeValue::String(word) => {
            let message = format!("`match` cannot be {}", quoted(word));
            sink.push(Diagnostic::error("unknown-value", value.span(), message).help(HELP_MATCH));
            return None;
        }
        DeValue::Table(_) => {}
        _ => {
            sink.push(wrong_type(value, "a table or \"all\"").help(HELP_MATCH));
            return None;
        }
    }
    let mut table = Table::of(value, "match", sink)?;
    let owner = table.field("owner", sink, globs);
    let launch_profile = table.field("launch_profile", sink, globs);
    let instance_type = table.field("instance_type", sink, globs);
    let tag = table.field("tag", sink, tags);
    let lists = [&owner, &launch_profile, &instance_type];
    let is_empty = table.all().is_empty();
    table.finish(sink);
    if is_empty {
        sink.push(
            Diagnostic::error("empty-match", value.span(), "`match` is empty")
                .label("it does not say which sessions are meant")
                .help(HELP_MATCH),
        );
        return None;
    }
    // A list that was refused must not widen the rest of the matcher.
    let is_whole = lists.iter().all(|list| list.is_absent() || list.given().is_some())
        && (tag.is_absent() || tag.given().is_some());
    let list = |field: &Field<Vec<Glob>>| field.value().cloned().unwrap_or_default();
    let criteria = Criteria {
        owner: list(&owner),
        launch_profile: list(&launch_profile),
        instance_type: list(&instance_type),
        tag: tag.value().cloned().unwrap_or_default(),
    };
    (is_whole && !criteria.is_empty()).then_some(Matcher::Where(criteria))
}

/// A glob or a list of globs, at least one.
fn globs(value: &Value<'_>, sink: &mut Sink) -> Option<Vec<Glob>> {
    let entries = value.entries();
    if entries.is_empty() {
        let message = format!("`{}` is an empty list", value.key);
        sink.push(
            Diagnostic::error("empty-match", value.span(), message)
                .label("nothing could agree with it")
                .help(format!("leave it out, or write for example `{} = [\"*\"]`", value.key)),
        );
        return None;
    }
    let globs: Vec<_> =
        entries.iter().map(|entry| value::text(entry, sink).map(|t| Glob::new(&t))).collect();
    globs.into_iter().collect()
}

/// Tags by key, each with a glob or a list of them.
fn tags(value: &Value<'_>, sink: &mut Sink) -> Option<BTreeMap<String, Vec<Glob>>> {
    let DeValue::Table(_) = value.content else {
        sink.push(
            wrong_type(value, "a table")
                .help("name the tag and its value, as in `tag = { tier = \"gold\" }`"),
        );
        return None;
    };
    let tags = Table::of(value, "tag", sink)?.all();
    if tags.is_empty() {
        sink.push(
            Diagnostic::error("empty-match", value.span(), "`tag` names no tag")
                .help("leave it out, or write for example `tag = { tier = \"gold\" }`"),
        );
        return None;
    }
    let read: Vec<_> =
        tags.iter().map(|tag| globs(tag, sink).map(|globs| (tag.key.to_owned(), globs))).collect();
    read.into_iter().collect()
}

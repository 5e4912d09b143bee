//! `[[studio.rule]]`: which sessions, and what applies to them.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::suggest::quoted;
use super::super::table::{Field, Table, Value, wrong_type};
use super::super::value;
use super::connection;
use super::settings::{self, SettingsFile};
use super::studio;
use crate::ids::StudioRole;
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
    studio::refuse_own_keys(&mut table, &["id", "region", "account", "brake"], sink);
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
    criteria(value, "match", sink).map(Matcher::Where)
}

/// A table of criteria of which none may be empty.
fn criteria(value: &Value<'_>, heading: &str, sink: &mut Sink) -> Option<Criteria> {
    let mut table = Table::of(value, heading, sink)?;
    let lists = ["owner", "launch_profile", "instance_type", "session", "streaming_image"]
        .map(|key| table.field(key, sink, globs));
    let studio_role = table.field("studio_role", sink, roles);
    let persistence = table.field("persistence", sink, value::boolean);
    let tag = table.field("tag", sink, tags);
    // Within `not`, another `not` would only turn the meaning round again.
    let not = match heading {
        "match" => table.field("not", sink, not),
        _ => Field::Absent,
    };
    let is_empty = table.all().is_empty();
    table.finish(sink);
    if is_empty {
        sink.push(
            Diagnostic::error("empty-match", value.span(), format!("`{heading}` is empty"))
                .label("it does not say which sessions are meant")
                .help(HELP_MATCH),
        );
        return None;
    }
    // A member that was refused must not widen the rest of the matcher.
    let is_whole = lists.iter().chain([&studio_role]).all(is_clean)
        && is_clean(&persistence)
        && is_clean(&tag)
        && is_clean(&not);
    let [owner, launch_profile, instance_type, session, streaming_image] =
        lists.map(|field| field.value().cloned().unwrap_or_default());
    let criteria = Criteria {
        owner,
        studio_role: studio_role.value().cloned().unwrap_or_default(),
        launch_profile,
        instance_type,
        session,
        streaming_image,
        persistence: persistence.value().copied(),
        tag: tag.value().cloned().unwrap_or_default(),
        not: not.value().cloned().unwrap_or_default(),
    };
    (is_whole && !criteria.is_empty()).then_some(criteria)
}

fn is_clean<T>(field: &Field<T>) -> bool {
    field.is_absent() || field.given().is_some()
}

/// One table or a list of them, of which each takes away what it means.
fn not(value: &Value<'_>, sink: &mut Sink) -> Option<Vec<Criteria>> {
    let entries = value.entries();
    if entries.is_empty() {
        sink.push(
            Diagnostic::error("empty-match", value.span(), "`not` is an empty list")
                .label("it leaves nobody out")
                .help("leave it out, or write for example `not = { owner = \"...\" }`"),
        );
        return None;
    }
    let read: Vec<_> = entries.iter().map(|entry| criteria(entry, "not", sink)).collect();
    read.into_iter().collect()
}

/// A role or a list of roles. They are words and no patterns: a role that is mistyped would mean nobody,
/// and exempt nobody.
fn roles(value: &Value<'_>, sink: &mut Sink) -> Option<Vec<Glob>> {
    let words: Vec<(&str, &str)> =
        StudioRole::ALL.iter().map(|role| (role.as_str(), role.as_str())).collect();
    let entries = entries(value, words[0].0, sink)?;
    let read: Vec<_> =
        entries.iter().map(|entry| value::word(entry, &words, sink).map(Glob::new)).collect();
    read.into_iter().collect()
}

/// A glob or a list of globs, at least one.
fn globs(value: &Value<'_>, sink: &mut Sink) -> Option<Vec<Glob>> {
    let entries = entries(value, "*", sink)?;
    let globs: Vec<_> =
        entries.iter().map(|entry| value::text(entry, sink).map(|t| Glob::new(&t))).collect();
    globs.into_iter().collect()
}

/// One entry or a list of them, at least one.
fn entries<'a>(value: &Value<'a>, example: &str, sink: &mut Sink) -> Option<Vec<Value<'a>>> {
    let entries = value.entries();
    if !entries.is_empty() {
        return Some(entries);
    }
    let message = format!("`{}` is an empty list", value.key);
    let help = format!("leave it out, or write for example `{} = [\"{example}\"]`", value.key);
    sink.push(
        Diagnostic::error("empty-match", value.span(), message)
            .label("nothing could agree with it")
            .help(help),
    );
    None
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
    warn_of_settings(value, &tags, sink);
    let read: Vec<_> =
        tags.iter().map(|tag| globs(tag, sink).map(|globs| (tag.key.to_owned(), globs))).collect();
    read.into_iter().collect()
}

/// Settings that stand below the heading of a rule's tags, and so have become some of them. Between the braces of
/// a table nothing gets by mistake.
fn warn_of_settings(value: &Value<'_>, tags: &[Value<'_>], sink: &mut Sink) {
    const KEYS: [&str; 3] = ["name", "match", "keep"];
    let is_below = |tag: &&Value<'_>| !value.span().contains(&tag.key_span().start);
    let is_setting = |key| settings::KEYS.contains(&key) || KEYS.contains(&key);
    let mut found: Vec<_> =
        tags.iter().filter(is_below).filter(|tag| is_setting(tag.key)).collect();
    found.sort_by_key(|tag| tag.key_span().start);
    let Some((first, rest)) = found.split_first() else { return };
    let message = format!("`{}` is a key of the rule, and here the key of a tag", first.key);
    let mut warning = Diagnostic::warning("setting-as-tag", first.key_span(), message)
        .label("only a session with such a tag agrees");
    for more in rest {
        warning = warning.related(more.key_span(), format!("so is `{}`", more.key));
    }
    sink.push(
        warning
            .note("a heading `[studio.rule.match.tag]` makes tags of all that follows")
            .help("write the rule's own keys before that heading"),
    );
}

//! `lightsout keeps`: what is exempt now, since when, by whom, until when, and why.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_table::Table;
use jiff::Timestamp;
use serde::Serialize;

use super::studios::Notice;
use super::{Failure, Format, load, output, studios};
use crate::audit::reader;
use crate::audit::record::ReasonData;
use crate::ids::OwnerId;
use crate::inventory::{Session, SessionState, Snapshot};
use crate::plan::{Kept, Reason, kept};
use crate::policy::{Policy, StudioPolicy};
use crate::report::Keeps;

/// Who keeps it, where nothing but its tag tells.
const A_TAG: &str = "a tag";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The studio, by its id or its name in the policy; all of them where none is named.
    studio: Option<String>,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: Format,
}

/// One keep in the stable form for programs.
#[derive(Debug, Serialize)]
struct Row {
    studio: String,
    studio_name: Option<String>,
    session: String,
    owner: Option<String>,
    owner_name: Option<String>,
    state: String,
    /// When it was asked for, where the log tells.
    since: Option<Timestamp>,
    /// Who asked for it, where the log tells; else a tag alone does.
    by: Option<String>,
    /// When it ends; nothing where it does not.
    until: Option<Timestamp>,
    /// Why, in the words of who asked, or of the tag.
    note: Option<String>,
    reason: String,
    text: String,
    alarm: bool,
    /// The rule that keeps it as well.
    rule: Option<String>,
}

/// How many sessions a rule keeps.
#[derive(Debug, Serialize)]
struct ByRule {
    studio: String,
    studio_name: Option<String>,
    rule: String,
    sessions: usize,
    /// Of how many nobody can tell whether it is about them; they are kept too.
    unclear: usize,
}

#[derive(Debug, Serialize)]
struct Printed {
    at: Timestamp,
    keeps: Vec<Row>,
    rules: Vec<ByRule>,
    /// The studios that could not be read whole: there may be more.
    gaps: Vec<Notice>,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let policy = load(path)?;
    let named = arguments.studio.as_deref();
    let only = named.map(|name| studios::named(&policy, name)).transpose()?;
    let seen = studios::read_of(&policy, only)?;
    let asked = asked(&policy.audit_path)?;
    let mut printed = Printed { at: seen.now, keeps: vec![], rules: vec![], gaps: vec![] };
    for (studio, snapshot) in &seen.studios {
        printed.add(&policy, studio, snapshot, &asked);
    }
    match arguments.format {
        Format::Json => output::json(&printed)?,
        Format::Table => show(&printed),
    }
    if printed.gaps.is_empty() { Ok(()) } else { Err(Failure::Said) }
}

/// The keeps that the whole log tells of: one may be older than the file that is written now.
fn asked(path: &Path) -> Result<Keeps, Failure> {
    let mut keeps = Keeps::default();
    let lines = match reader::read(path) {
        Ok(lines) => lines,
        Err(error) if error.is_absence() => return Ok(keeps),
        Err(error) => return Err(Failure::of(&error)),
    };
    for line in lines {
        match line {
            Ok(line) => keeps.apply(&line.record),
            // A daemon that is writing now may be in the middle of it.
            Err(reader::ReadError::Torn { .. }) => {}
            Err(error) => return Err(Failure::of(&error)),
        }
    }
    Ok(keeps)
}

impl Printed {
    fn add(&mut self, policy: &Policy, studio: &StudioPolicy, snapshot: &Snapshot, asked: &Keeps) {
        let words = |gap: &crate::inventory::Gap| {
            format!("the {} could not be read whole: {}", gap.wanted, gap.problem)
        };
        let gap = |gap| Notice::of(studio, words(gap));
        self.gaps.extend(snapshot.gaps.iter().map(gap));
        let kept = kept(policy, studio, snapshot, self.at);
        let is_there = |session: &Session| session.state != SessionState::Deleted;
        let found = kept.iter().map(|(id, kept)| (snapshot.sessions[id].as_ref(), kept));
        let found: Vec<(&Session, &Kept)> =
            found.filter(|(session, _)| is_there(session)).collect();
        let rows =
            found.iter().filter_map(|(session, kept)| row(policy, studio, session, kept, asked));
        self.keeps.extend(rows);
        self.rules.extend(by_rule(studio, &found));
        self.keeps.sort_by_key(|row| {
            (row.until.unwrap_or(Timestamp::MAX), row.studio.clone(), row.session.clone())
        });
    }
}

fn row(
    policy: &Policy,
    studio: &StudioPolicy,
    session: &Session,
    kept: &Kept,
    asked: &Keeps,
) -> Option<Row> {
    let reason = kept.tag.as_ref()?;
    let (until, words) = said(reason);
    let asked = asked.of(&studio.id, &session.id, until).filter(|_| is_as_asked(reason));
    let ReasonData { code, text, alarm, .. } = reason.into();
    let name = session.owner.as_ref().and_then(|owner| policy.people.get(owner)?.name.clone());
    let rule = match &kept.rule {
        Some(Reason::RuleKeep { rule } | Reason::RuleUnclear { rule, .. }) => {
            Some(rule.to_string())
        }
        _ => None,
    };
    Some(Row {
        studio: studio.id.to_string(),
        studio_name: studio.name.clone(),
        session: session.id.to_string(),
        owner: session.owner.as_ref().map(OwnerId::to_string),
        owner_name: name,
        state: session.state.to_string(),
        since: asked.map(|asked| asked.since),
        by: asked.and_then(|asked| asked.who.clone()),
        until,
        note: asked.and_then(|asked| asked.note.clone()).or(words),
        reason: code,
        text,
        alarm,
        rule,
    })
}

/// When a keep by tag ends, and what the tag says of why.
fn said(reason: &Reason) -> (Option<Timestamp>, Option<String>) {
    match reason {
        Reason::TagKeep { value } => (None, Some(value.clone()).filter(|value| value != "always")),
        Reason::TagKeepUntil { until } => (Some(*until), None),
        Reason::KeepTooLong { value, until: None, .. } => {
            (None, Some(value.clone()).filter(|value| value != "always"))
        }
        Reason::KeepTooLong { until, .. } => (*until, None),
        _ => (None, None),
    }
}

/// Whether the tag can be what a command of ours set.
fn is_as_asked(reason: &Reason) -> bool {
    match reason {
        Reason::TagKeep { value } => value == "always",
        Reason::KeepTooLong { value, until: None, .. } => value == "always",
        Reason::TagKeepUntil { .. } | Reason::KeepTooLong { .. } => true,
        _ => false,
    }
}

/// Each rule that keeps, or may, with how many sessions it does.
fn by_rule(studio: &StudioPolicy, found: &[(&Session, &Kept)]) -> Vec<ByRule> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (_, kept) in found {
        match &kept.rule {
            Some(Reason::RuleKeep { rule }) => counts.entry(rule.as_str()).or_default().0 += 1,
            Some(Reason::RuleUnclear { rule, .. }) => {
                counts.entry(rule.as_str()).or_default().1 += 1;
            }
            _ => {}
        }
    }
    let of_rule = |rule: &crate::policy::Rule| {
        let found = counts.get(rule.name.as_str()).copied();
        let (sessions, unclear) = found.or_else(|| rule.keep.then_some((0, 0)))?;
        Some(ByRule {
            studio: studio.id.to_string(),
            studio_name: studio.name.clone(),
            rule: rule.name.to_string(),
            sessions,
            unclear,
        })
    };
    studio.rules.iter().filter_map(of_rule).collect()
}

fn show(printed: &Printed) {
    for gap in &printed.gaps {
        anstream::println!("{}", gap.line(": "));
    }
    if printed.keeps.is_empty() {
        anstream::println!("no tag keeps a session");
    } else {
        output::print(&table(&printed.keeps));
    }
    for rule in &printed.rules {
        anstream::println!("{}", rule_line(rule));
    }
}

fn table(rows: &[Row]) -> Table {
    let header = ["SESSION", "OWNER", "STATE", "SINCE", "BY", "UNTIL", "REASON"];
    let cells =
        rows.iter().map(|row| (row.studio.as_str(), row.studio_name.as_deref(), cells(row)));
    output::table_of_studios(&header, cells)
}

fn cells(row: &Row) -> [String; 7] {
    let or_dash = |text: Option<&String>| text.map_or("-".to_owned(), String::clone);
    let until = match row.until {
        Some(until) => output::utc(until),
        None => "it is taken away".to_owned(),
    };
    let why = if row.alarm { Some(&row.text) } else { row.note.as_ref() };
    [
        row.session.clone(),
        or_dash(row.owner_name.as_ref().or(row.owner.as_ref())),
        row.state.clone(),
        row.since.map_or("-".to_owned(), output::utc),
        row.by.clone().unwrap_or_else(|| A_TAG.to_owned()),
        until,
        or_dash(why),
    ]
}

fn rule_line(by_rule: &ByRule) -> String {
    let ByRule { studio, studio_name, rule, sessions, unclear } = by_rule;
    let studio = studio_name.as_ref().unwrap_or(studio);
    let unclear = match unclear {
        0 => String::new(),
        some => format!("; it may be about {some} more, which are kept as well"),
    };
    let them = if *sessions == 1 { "session" } else { "sessions" };
    format!("rule `{rule}` of {studio} keeps {sessions} {them}{unclear}")
}

#[cfg(test)]
mod tests;

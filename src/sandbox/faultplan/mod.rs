//! Fault plans: the TOML from which a server is told what to do wrong.
//!
//! `table.rs` reads values and tells mistakes, `kinds.rs` has the kinds with their keys, and this file
//! has what all of them share. All mistakes are told at once, each with its line, what was found and
//! what would be valid. The page `docs/sandbox.md` describes the file for people.
//!
//! ```toml
//! seed = 7
//!
//! [[fault]]
//! name = "a bad morning"
//! kind = "throttle"
//! operation = ["StopStreamingSession", "StartStreamingSession"]
//! match = { studio = "us-west-2:stid-*", session = "6f2e*" }
//! nth = 3                               # from the third request on, or probability = 0.1
//! count = 2
//! ```

mod kinds;
mod table;

#[cfg(test)]
mod tests;

use toml::de::DeTable;

use self::kinds::{KINDS, Kind};
use self::table::{Found, Sink, Table, names};
use super::faults::{Fault, FaultRule, Matching, RULES_MAX};
use super::world::Operation;

/// The keys of a rule that every kind takes.
const KEYS: &[&str] = &["kind", "name", "operation", "match", "nth", "probability", "count"];
/// The longest name of a rule.
const NAME_LENGTH_MAX: usize = 100;

/// A mistake in a fault plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultPlanMistake {
    /// Counted from 1.
    pub line: usize,
    pub message: String,
}

/// Why a fault plan cannot be used: each mistake in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", told(.file, .mistakes))]
pub struct FaultPlanError {
    pub file: String,
    pub mistakes: Vec<FaultPlanMistake>,
}

fn told(file: &str, mistakes: &[FaultPlanMistake]) -> String {
    let line = |mistake: &FaultPlanMistake| format!("{file}:{}: {}", mistake.line, mistake.message);
    mistakes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads a fault plan's text. `file` is its name for messages.
///
/// # Errors
/// Every mistake in it.
pub fn parse(text: &str, file: &str) -> Result<Vec<FaultRule>, FaultPlanError> {
    let mut sink = Sink::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        sink.tell(offset, error.message().to_owned());
    }
    // What is left of a text that is no TOML may lack what is there.
    let rules = if errors.is_empty() { plan(root.get_ref(), &mut sink) } else { Vec::new() };
    let mistakes = sink.into_mistakes();
    if mistakes.is_empty() {
        Ok(rules)
    } else {
        Err(FaultPlanError { file: file.to_owned(), mistakes })
    }
}

fn plan(root: &DeTable<'_>, sink: &mut Sink) -> Vec<FaultRule> {
    let root = Table::root(root);
    root.keys_are(&["seed", "fault"], "at the top of a fault plan", sink);
    let seed = root.get("seed").map_or(Some(1), |found| found.whole(0, i64::MAX as u64, sink));
    let Some(found) = root.get("fault") else {
        sink.tell(0, "there is no fault in it: write `[[fault]]` and its `kind`".to_owned());
        return Vec::new();
    };
    let tables = found.tables("[[fault]]", sink);
    if tables.len() > RULES_MAX {
        let count = tables.len();
        found.tell(sink, format!("there are {count} faults: at most {RULES_MAX} are possible"));
    }
    let each = tables.iter().enumerate();
    let rules = each.filter_map(|(index, table)| {
        // Each rule has a chance of its own.
        let seed = seed?.wrapping_mul(0x0001_0000_0001).wrapping_add(index as u64);
        rule(table, seed, sink)
    });
    rules.collect()
}

fn rule(table: &Table<'_>, seed: u64, sink: &mut Sink) -> Option<FaultRule> {
    let kind = kind(table, sink)?;
    let valid: Vec<&str> = KEYS.iter().chain(kind.keys).copied().collect();
    kinds::check_keys(table, kind, &valid, sink);
    let fault = (kind.read)(table, sink);
    let operations = operations(table, sink);
    if let Some(fault) = &fault {
        check_operations(fault, &operations, sink);
    }
    // A rule without its fault is read on for its other mistakes.
    let is_whole = fault.is_some();
    let mut rule = FaultRule::new(fault.unwrap_or(Fault::Throttled));
    if let Some(name) = table.get("name").and_then(|found| found.text(sink)) {
        rule = rule.named(&name.chars().take(NAME_LENGTH_MAX).collect::<String>());
    }
    rule = operations.into_iter().fold(rule, |rule, (_, operation)| rule.operation(operation));
    rule = matching(table, rule, sink);
    rule = how_often(table, rule, seed, sink);
    is_whole.then_some(rule)
}

/// Tells of a fault that could never strike where it is bound to.
fn check_operations(fault: &Fault, operations: &[(Found<'_>, Operation)], sink: &mut Sink) {
    let unconcerned = operations.iter().filter(|(_, operation)| !fault.concerns(*operation));
    for (found, operation) in unconcerned {
        let all = Operation::ALL.iter().filter(|operation| fault.concerns(**operation));
        let valid = names(all.map(|operation| operation.name()));
        let code = fault.code();
        found.tell(sink, format!("{code} means nothing for {operation}: valid are {valid}"));
    }
}

fn kind(table: &Table<'_>, sink: &mut Sink) -> Option<&'static Kind> {
    let valid = || KINDS.iter().map(|kind| kind.name);
    let Some(found) = table.get("kind") else {
        table.tell(sink, format!("the fault has no kind: valid are {}", names(valid())));
        return None;
    };
    let name = found.text(sink)?;
    let kind = KINDS.iter().find(|kind| kind.name == name);
    if kind.is_none() {
        found.tell_unknown(sink, "kind", &name, valid());
    }
    kind
}

/// The operations that a rule is bound to, each where it stands.
fn operations<'a>(table: &Table<'a>, sink: &mut Sink) -> Vec<(Found<'a>, Operation)> {
    let Some(found) = table.get("operation") else { return Vec::new() };
    let entries = found.entries();
    if entries.is_empty() {
        found.tell(sink, "the list is empty: leave it out for every operation".to_owned());
    }
    let each = entries.into_iter().filter_map(|entry| {
        let name = entry.text(sink)?;
        let operation = Operation::ALL.iter().find(|operation| operation.name() == name);
        if operation.is_none() {
            let valid = Operation::ALL.iter().map(|operation| operation.name());
            entry.tell_unknown(sink, "operation", &name, valid);
        }
        operation.map(|operation| (entry, *operation))
    });
    each.collect()
}

fn matching(table: &Table<'_>, mut rule: FaultRule, sink: &mut Sink) -> FaultRule {
    let Some(found) = table.get("match") else { return rule };
    let Some(table) = found.table(sink) else { return rule };
    let keys = || Matching::ALL.iter().map(|matching| matching.key());
    let valid: Vec<&str> = keys().chain(["attempt"]).collect();
    table.keys_are(&valid, "in `match`", sink);
    if table.is_empty() {
        found.tell(sink, "an empty `match` matches nothing: leave it out for all".to_owned());
    }
    for matching in Matching::ALL {
        if let Some(text) = table.get(matching.key()).and_then(|found| found.text(sink)) {
            rule = rule.matching(*matching, &text);
        }
    }
    match table.get("attempt").and_then(|found| found.whole(1, 100, sink)) {
        Some(attempt) => rule.attempt(attempt),
        None => rule,
    }
}

fn how_often(table: &Table<'_>, mut rule: FaultRule, seed: u64, sink: &mut Sink) -> FaultRule {
    let most = u64::from(u32::MAX);
    let nth = table.get("nth");
    let count = table.get("count").and_then(|found| found.whole(1, most, sink));
    if let Some(found) = table.get("probability") {
        if nth.is_some() {
            found.tell(sink, "`nth` and `probability` cannot stand together".to_owned());
        }
        if let Some(probability) = found.probability(sink) {
            rule = rule.by_chance(probability, seed);
        }
    }
    let nth = nth.and_then(|found| found.whole(1, most, sink));
    if let Some(nth) = nth {
        rule = rule.after(nth - 1);
    }
    // The nth request is one request, unless a count says more.
    match count.or(nth.map(|_| 1)) {
        Some(count) => rule.times(count),
        None => rule,
    }
}

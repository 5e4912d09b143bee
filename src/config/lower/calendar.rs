//! Calendars by name, and which schedules refer to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::file::calendar::CalendarFile;
use super::super::suggest::{closest, quoted};
use super::super::table::Located;
use crate::ids::CalendarName;
use crate::policy::Calendar;

/// The calendars of the file. One that was refused keeps its name, so that it can be referred to.
pub(super) struct Calendars {
    by_name: BTreeMap<String, (Span, Option<Arc<Calendar>>)>,
    used: BTreeSet<String>,
}

impl Calendars {
    pub(super) fn lower(files: &[Located<CalendarFile>], sink: &mut Sink) -> Self {
        let lowered = |file: &Located<CalendarFile>, sink: &mut Sink| {
            (file.value.name.clone(), (file.span.clone(), lower(file, sink).map(Arc::new)))
        };
        let by_name = files.iter().map(|file| lowered(file, sink)).collect();
        Self { by_name, used: BTreeSet::new() }
    }

    /// The calendars of these names, each once. What no calendar has as its name is reported, and
    /// what was refused is left out: the file does not take effect then.
    pub(super) fn find(
        &mut self,
        names: &[Located<String>],
        sink: &mut Sink,
    ) -> Vec<Arc<Calendar>> {
        let mut first: BTreeMap<&str, &Span> = BTreeMap::new();
        let mut found = Vec::new();
        for name in names {
            if let Some(first) = first.insert(&name.value, &name.span) {
                let message = format!("the calendar {} is there twice", quoted(&name.value));
                sink.push(
                    Diagnostic::error("duplicate-calendar", name.span.clone(), message)
                        .related(first.clone(), "first here")
                        .help("leave one of them out"),
                );
            } else if let Some((_, calendar)) = self.by_name.get(&name.value) {
                self.used.insert(name.value.clone());
                found.extend(calendar.clone());
            } else {
                self.explain_unknown(name, sink);
            }
        }
        found
    }

    fn explain_unknown(&mut self, name: &Located<String>, sink: &mut Sink) {
        let message = format!("no calendar has the name {}", quoted(&name.value));
        let diagnostic = Diagnostic::error("unknown-calendar", name.span.clone(), message);
        let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        sink.push(if let Some(meant) = closest(&name.value, names.iter().copied()) {
            let span = self.by_name[meant].0.clone();
            diagnostic
                .related(span, "this one has a similar name")
                .help(format!("did you mean \"{meant}\"?"))
        } else if names.is_empty() {
            diagnostic.help(format!(
                "write a table `[calendar.{}]` with its `effect` and its `dates`",
                name.value
            ))
        } else {
            // So many names as anyone reads; a file may have more.
            const SHOWN_MAX: usize = 20;
            let shown: Vec<String> =
                names.iter().take(SHOWN_MAX).map(|name| quoted(name)).collect();
            let more = if names.len() > SHOWN_MAX { ", ..." } else { "" };
            diagnostic
                .label(format!("valid: {}{more}", shown.join(", ")))
                .help(format!("name one of these, or write a table `[calendar.{}]`", name.value))
        });
    }

    pub(super) fn warn_of_unused(&self, sink: &mut Sink) {
        for (name, (span, _)) in &self.by_name {
            if !self.used.contains(name) {
                let message = format!("no schedule uses the calendar {}", quoted(name));
                sink.push(
                    Diagnostic::warning("unused-calendar", span.clone(), message)
                        .label("so its days change nothing")
                        .help(format!(
                            "write `calendars = [\"{name}\"]` in a schedule, or leave the calendar out"
                        )),
                );
            }
        }
    }

    pub(super) fn into_policy(self) -> BTreeMap<CalendarName, Arc<Calendar>> {
        let entries = self.by_name.into_iter();
        entries.filter_map(|(name, (_, calendar))| Some((name.into(), calendar?))).collect()
    }
}

fn lower(file: &Located<CalendarFile>, sink: &mut Sink) -> Option<Calendar> {
    let CalendarFile { name, effect, dates } = &file.value;
    if effect.is_absent() {
        let message = format!("the calendar {} has no `effect`", quoted(name));
        sink.push_absence(Diagnostic::error("missing-key", file.span.clone(), message).help(
            "write `effect = \"closed\"` (idle all day) or `effect = \"open\"` (no idle hours)",
        ));
    }
    if dates.is_absent() {
        let message = format!("the calendar {} has no `dates`", quoted(name));
        sink.push_absence(
            Diagnostic::error("missing-key", file.span.clone(), message)
                .help("write for example `dates = [\"2026-12-24..2027-01-01\", \"07-04\"]`"),
        );
    }
    let (effect, entries) = (*effect.value()?, dates.value()?.clone());
    Some(Calendar { name: name.as_str().into(), effect, entries })
}

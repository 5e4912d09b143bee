//! The tables of settings laid over each other: a rule's, its studio's, `[defaults]`, built-in ones.

use std::sync::Arc;

use jiff::SignedDuration;

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::file::File;
use super::super::file::settings::SettingsFile;
use super::super::table::Field;
use super::super::value::shown;
use super::schedule::Schedules;
use crate::policy::{Mode, Schedule, Settings};

/// The tables that apply, the nearest first.
#[derive(Clone)]
pub(super) struct Layers<'a> {
    tables: Vec<&'a SettingsFile>,
    /// What the top of the file says.
    mode: &'a Field<Mode>,
}

/// What holds for one key.
enum Found<'a, T> {
    /// A table says it.
    Said(&'a T, Span),
    /// A table says it wrongly.
    Unknown,
    /// No table says it.
    BuiltIn,
}

impl<'a> Layers<'a> {
    pub(super) fn of_file(file: &'a File) -> Self {
        Self { tables: vec![&file.defaults.settings], mode: &file.mode }
    }

    /// The same with one more table in front.
    pub(super) fn over(&self, nearest: &'a SettingsFile) -> Self {
        let tables = [&[nearest][..], &self.tables[..]].concat();
        Self { tables, mode: self.mode }
    }

    /// The complete settings. A value that was refused is replaced by a built-in one: the file does
    /// not take effect then.
    pub(super) fn resolve(&self, schedules: &Schedules) -> Settings {
        let built_in = Settings::built_in();
        let mode = self.find(|table| &table.mode).said().or(self.mode.value()).copied();
        let warn = self.find(|table| &table.warn).said().cloned();
        let or = |found: Found<'_, SignedDuration>, otherwise| {
            found.said().copied().unwrap_or(otherwise)
        };
        Settings {
            mode: mode.unwrap_or(built_in.mode),
            schedule: self.schedule(schedules),
            lease: or(self.find(|table| &table.lease), built_in.lease),
            least_stop: or(self.find(|table| &table.least_stop), built_in.least_stop),
            max_uptime: self.find(|table| &table.max_uptime).said().copied().flatten(),
            warn: warn.unwrap_or_else(|| built_in.warn.clone()),
            preserve: self
                .find(|table| &table.preserve)
                .said()
                .copied()
                .unwrap_or(built_in.preserve),
            return_margin: or(self.find(|table| &table.return_margin), built_in.return_margin),
            ..built_in
        }
    }

    fn schedule(&self, schedules: &Schedules) -> Option<Arc<Schedule>> {
        let name = self.find(|table| &table.schedule).said()?.as_deref()?;
        schedules.get(name)
    }

    /// Whether the tables could stop a session: they name a schedule or `max_uptime`, even if wrongly.
    pub(super) fn may_stop(&self) -> bool {
        let schedule = match self.find(|table| &table.schedule) {
            Found::Said(name, _) => name.is_some(),
            Found::Unknown => true,
            Found::BuiltIn => false,
        };
        let uptime = match self.find(|table| &table.max_uptime) {
            Found::Said(duration, _) => duration.is_some(),
            Found::Unknown => true,
            Found::BuiltIn => false,
        };
        schedule || uptime
    }

    /// Reports a `max_uptime` that ends before the lease does. `seen` holds the pairs of places
    /// that were reported, so that a pair from `[defaults]` is reported once.
    pub(super) fn check_uptime(
        &self,
        owner: &Span,
        seen: &mut Vec<(Span, Option<Span>)>,
        sink: &mut Sink,
    ) {
        let Found::Said(Some(uptime), span) = self.find(|table| &table.max_uptime) else { return };
        let (lease, lease_span) = match self.find(|table| &table.lease) {
            Found::Said(lease, span) => (*lease, Some(span)),
            Found::BuiltIn => (Settings::built_in().lease, None),
            Found::Unknown => return,
        };
        let pair = (span.clone(), lease_span.clone());
        if *uptime > lease || seen.contains(&pair) {
            return;
        }
        seen.push(pair);
        let message = format!(
            "`max_uptime` ({}) is not longer than `lease` ({})",
            shown(*uptime),
            shown(lease)
        );
        let diagnostic = Diagnostic::error("uptime-within-lease", span.clone(), message);
        let diagnostic = match lease_span {
            Some(lease) => diagnostic.related(lease, "the lease is said here"),
            None => diagnostic.note("`lease` is 2h where nothing else is said"),
        };
        let is_elsewhere = span.start < owner.start;
        let diagnostic = match is_elsewhere {
            true => diagnostic.related(owner.clone(), "they meet here"),
            false => diagnostic,
        };
        sink.push(diagnostic.help(format!(
            "write a `max_uptime` of more than {}, or a shorter `lease`",
            shown(lease)
        )));
    }

    fn find<T>(&self, field: impl Fn(&'a SettingsFile) -> &'a Field<T>) -> Found<'a, T> {
        match self.tables.iter().map(|table| field(table)).find(|field| !field.is_absent()) {
            Some(Field::Given(given)) => Found::Said(&given.value, given.span.clone()),
            Some(Field::Wrong) => Found::Unknown,
            Some(Field::Absent) | None => Found::BuiltIn,
        }
    }
}

impl<'a, T> Found<'a, T> {
    fn said(self) -> Option<&'a T> {
        match self {
            Self::Said(value, _) => Some(value),
            Self::Unknown | Self::BuiltIn => None,
        }
    }
}

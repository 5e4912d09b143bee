//! The tables of settings laid over each other: a rule's, its studio's, `[defaults]`, built-in ones.

use std::sync::Arc;

use jiff::SignedDuration;

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::file::File;
use super::super::file::settings::SettingsFile;
use super::super::table::Field;
use super::super::value::shown;
use super::schedule::Schedules;
use super::veto::Vetoes;
use crate::policy::{Mode, Settings, Start, Timetable, Veto};

/// What settings refer to by name.
pub(super) struct Names {
    pub(super) schedules: Schedules,
    pub(super) vetoes: Vetoes,
}

impl Names {
    /// Reports names that nothing has.
    pub(super) fn check_references(&mut self, settings: &SettingsFile, sink: &mut Sink) {
        self.schedules.check_reference(settings, sink);
        self.vetoes.check_references(settings, sink);
    }
}

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
    pub(super) fn resolve(&self, names: &Names) -> Settings {
        let built_in = Settings::built_in();
        let mode = self.find(|table| &table.mode).said().or(self.mode.value()).copied();
        let warn = self.find(|table| &table.warn).said().cloned();
        let or = |found: Found<'_, SignedDuration>, otherwise| {
            found.said().copied().unwrap_or(otherwise)
        };
        Settings {
            mode: mode.unwrap_or(built_in.mode),
            schedule: self.schedule(&names.schedules),
            lease: or(self.find(|table| &table.lease), built_in.lease),
            least_stop: or(self.find(|table| &table.least_stop), built_in.least_stop),
            max_uptime: self.find(|table| &table.max_uptime).said().copied().flatten(),
            warn: warn.unwrap_or(built_in.warn),
            veto: self.vetoes(&names.vetoes),
            preserve: self
                .find(|table| &table.preserve)
                .said()
                .copied()
                .unwrap_or(built_in.preserve),
            return_margin: or(self.find(|table| &table.return_margin), built_in.return_margin),
            start: self.find(|table| &table.start).said().copied().unwrap_or(built_in.start),
            start_lead: or(self.find(|table| &table.start_lead), built_in.start_lead),
            catch_up: or(self.find(|table| &table.catch_up), built_in.catch_up),
            keep_max: self
                .find(|table| &table.keep_max)
                .said()
                .copied()
                .unwrap_or(built_in.keep_max),
            keep_remind: self
                .find(|table| &table.keep_remind)
                .said()
                .copied()
                .unwrap_or(built_in.keep_remind),
        }
    }

    fn schedule(&self, schedules: &Schedules) -> Option<Arc<Timetable>> {
        let name = self.find(|table| &table.schedule).said()?.as_deref()?;
        schedules.get(name)
    }

    fn vetoes(&self, vetoes: &Vetoes) -> Vec<Arc<Veto>> {
        let names = self.find(|table| &table.veto).said().map_or(&[][..], Vec::as_slice);
        names.iter().filter_map(|name| vetoes.get(&name.value)).collect()
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

    /// Reports durations that contradict each other. `seen` holds the pairs of places that were
    /// reported, so that a pair from `[defaults]` is reported once.
    pub(super) fn check_durations(&self, owner: &Span, seen: &mut Seen, sink: &mut Sink) {
        let built_in = Settings::built_in();
        let uptime = match self.find(|table| &table.max_uptime) {
            Found::Said(Some(uptime), span) => Some(Said { value: *uptime, span: Some(span) }),
            Found::Said(None, _) | Found::Unknown | Found::BuiltIn => None,
        };
        if let Some((uptime, lease)) =
            uptime.zip(self.duration(|table| &table.lease, built_in.lease))
        {
            let pair = [("max_uptime", uptime), ("lease", lease)];
            contradiction("uptime-within-lease", pair, owner, seen, sink);
        }
        let start = match self.find(|table| &table.start) {
            Found::Said(start, _) => *start,
            Found::Unknown | Found::BuiltIn => built_in.start,
        };
        let least_stop = self.duration(|table| &table.least_stop, built_in.least_stop);
        let lead = self.duration(|table| &table.start_lead, built_in.start_lead);
        if let Some((least_stop, lead)) = least_stop.zip(lead).filter(|_| start == Start::Resume) {
            let pair = [("least_stop", least_stop), ("start_lead", lead)];
            contradiction("lead-past-least-stop", pair, owner, seen, sink);
        }
    }

    /// What holds for a duration, unless it was refused.
    fn duration(
        &self,
        field: impl Fn(&'a SettingsFile) -> &'a Field<SignedDuration>,
        built_in: SignedDuration,
    ) -> Option<Said> {
        match self.find(field) {
            Found::Said(value, span) => Some(Said { value: *value, span: Some(span) }),
            Found::BuiltIn => Some(Said { value: built_in, span: None }),
            Found::Unknown => None,
        }
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

/// The pairs of places that were reported.
pub(super) type Seen = Vec<[Option<Span>; 2]>;

/// A duration, and where the file says it.
struct Said {
    value: SignedDuration,
    span: Option<Span>,
}

/// Reports two durations of which the first must be longer than the second and is not.
fn contradiction(
    code: &'static str,
    [(long_key, long), (short_key, short)]: [(&str, Said); 2],
    owner: &Span,
    seen: &mut Seen,
    sink: &mut Sink,
) {
    let pair = [long.span.clone(), short.span.clone()];
    if long.value > short.value || seen.contains(&pair) {
        return;
    }
    seen.push(pair);
    let (long_text, short_text) = (shown(long.value), shown(short.value));
    let message =
        format!("`{long_key}` ({long_text}) is not longer than `{short_key}` ({short_text})");
    let place = long.span.clone().or(short.span.clone()).unwrap_or(owner.clone());
    let is_elsewhere = place.start < owner.start;
    let mut diagnostic = Diagnostic::error(code, place, message);
    diagnostic = match (&long.span, short.span) {
        (Some(_), Some(span)) => diagnostic.related(span, format!("the {short_key} is said here")),
        (Some(_), None) => {
            diagnostic.note(format!("`{short_key}` is {short_text} where nothing else is said"))
        }
        (None, _) => {
            diagnostic.note(format!("`{long_key}` is {long_text} where nothing else is said"))
        }
    };
    if is_elsewhere {
        diagnostic = diagnostic.related(owner.clone(), "they meet here");
    }
    sink.push(diagnostic.help(format!(
        "write a `{long_key}` of more than {short_text}, or a shorter `{short_key}`"
    )));
}

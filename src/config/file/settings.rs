//! The settings that `[defaults]`, `[[studio]]` and `[[studio.rule]]` share.

use jiff::SignedDuration;

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::suggest::quoted;
use super::super::table::{Field, Located, Table, Value};
use super::super::value::{self, Bounds, DURATION_MAX, shown};
use crate::policy::{Mode, Preserve, Start};

/// What one table says; the rest comes from the tables around it.
#[derive(Debug)]
pub(in crate::config) struct SettingsFile {
    pub(in crate::config) mode: Field<Mode>,
    pub(in crate::config) schedule: Field<Option<String>>,
    pub(in crate::config) lease: Field<SignedDuration>,
    pub(in crate::config) least_stop: Field<SignedDuration>,
    pub(in crate::config) max_uptime: Field<Option<SignedDuration>>,
    pub(in crate::config) warn: Field<Vec<SignedDuration>>,
    pub(in crate::config) veto: Field<Vec<Located<String>>>,
    pub(in crate::config) preserve: Field<Preserve>,
    pub(in crate::config) return_margin: Field<SignedDuration>,
    pub(in crate::config) start: Field<Start>,
    pub(in crate::config) start_lead: Field<SignedDuration>,
    pub(in crate::config) catch_up: Field<SignedDuration>,
    pub(in crate::config) keep_max: Field<Option<SignedDuration>>,
    pub(in crate::config) keep_remind: Field<Option<SignedDuration>>,
}

/// The keys of settings, for tables whose keys are names.
pub(super) const KEYS: [&str; 14] = [
    "mode",
    "schedule",
    "lease",
    "least_stop",
    "max_uptime",
    "warn",
    "veto",
    "preserve",
    "return_margin",
    "start",
    "start_lead",
    "catch_up",
    "keep_max",
    "keep_remind",
];

impl Default for SettingsFile {
    fn default() -> Self {
        Self {
            mode: Field::Absent,
            schedule: Field::Absent,
            lease: Field::Absent,
            least_stop: Field::Absent,
            max_uptime: Field::Absent,
            warn: Field::Absent,
            veto: Field::Absent,
            preserve: Field::Absent,
            return_margin: Field::Absent,
            start: Field::Absent,
            start_lead: Field::Absent,
            catch_up: Field::Absent,
            keep_max: Field::Absent,
            keep_remind: Field::Absent,
        }
    }
}

const ZERO: SignedDuration = SignedDuration::ZERO;
pub(in crate::config) const LEASE: Bounds =
    Bounds { least: ZERO, most: DURATION_MAX, help: "write \"0s\" for no lease, or \"2h\"" };
pub(in crate::config) const LEAST_STOP: Bounds = Bounds {
    least: ZERO,
    most: DURATION_MAX,
    help: "write \"0s\" where any stop is worth it, or \"30m\"",
};
pub(in crate::config) const MAX_UPTIME: Bounds = Bounds {
    least: SignedDuration::from_mins(1),
    most: DURATION_MAX,
    help: "write for example \"14h\", or \"off\" for no limit",
};
pub(in crate::config) const RETURN_MARGIN: Bounds =
    Bounds { least: ZERO, most: DURATION_MAX, help: "write \"0s\" for no margin, or \"8h\"" };
pub(in crate::config) const START_LEAD: Bounds = Bounds {
    least: ZERO,
    most: SignedDuration::from_hours(24),
    help: "write \"0s\" to start when the window closes, or \"10m\"",
};
pub(in crate::config) const CATCH_UP: Bounds = Bounds {
    least: ZERO,
    most: SignedDuration::from_hours(24),
    help: "write \"0s\" where a start after the window would be too late, or \"1h\"",
};
pub(in crate::config) const KEEP_MAX: Bounds = Bounds {
    least: SignedDuration::from_mins(1),
    most: DURATION_MAX,
    help: "write for example \"14d\", or \"off\" for no limit",
};
pub(in crate::config) const KEEP_REMIND: Bounds = Bounds {
    least: SignedDuration::from_mins(1),
    most: SignedDuration::from_hours(7 * 24),
    help: "write for example \"1h\", or \"off\" for no reminder",
};
pub(in crate::config) const WARN: Bounds = Bounds {
    least: SignedDuration::from_secs(1),
    most: SignedDuration::from_hours(7 * 24),
    help: "write for example [\"30m\", \"5m\"]; [] says on purpose: stop unannounced",
};

/// How many vetoes may be asked about one session: each is a command that runs for it.
pub(in crate::config) const VETOES_MAX: usize = 8;

/// More warnings than this are noise that nobody heeds.
pub(in crate::config) const WARNINGS_MAX: usize = 8;

impl SettingsFile {
    /// Takes the settings of a table.
    pub(super) fn read(table: &mut Table<'_>, sink: &mut Sink) -> Self {
        Self {
            mode: table.field("mode", sink, mode),
            schedule: table.field("schedule", sink, value::text_or_off),
            lease: table.field("lease", sink, |v, sink| value::duration(v, LEASE, sink)),
            least_stop: table
                .field("least_stop", sink, |v, sink| value::duration(v, LEAST_STOP, sink)),
            max_uptime: table
                .field("max_uptime", sink, |v, sink| value::duration_or_off(v, MAX_UPTIME, sink)),
            warn: table.field("warn", sink, warn),
            veto: table.field("veto", sink, veto),
            preserve: table.field("preserve", sink, preserve),
            return_margin: table
                .field("return_margin", sink, |v, sink| value::duration(v, RETURN_MARGIN, sink)),
            start: table.field("start", sink, start),
            start_lead: table
                .field("start_lead", sink, |v, sink| value::duration(v, START_LEAD, sink)),
            catch_up: table.field("catch_up", sink, |v, sink| value::duration(v, CATCH_UP, sink)),
            keep_max: table
                .field("keep_max", sink, |v, sink| value::duration_or_off(v, KEEP_MAX, sink)),
            keep_remind: table
                .field("keep_remind", sink, |v, sink| value::duration_or_off(v, KEEP_REMIND, sink)),
        }
    }

    /// Whether the table says nothing, be it right or wrong.
    pub(in crate::config) fn is_empty(&self) -> bool {
        self.mode.is_absent()
            && self.schedule.is_absent()
            && self.lease.is_absent()
            && self.least_stop.is_absent()
            && self.max_uptime.is_absent()
            && self.warn.is_absent()
            && self.veto.is_absent()
            && self.preserve.is_absent()
            && self.return_margin.is_absent()
            && self.start.is_absent()
            && self.start_lead.is_absent()
            && self.catch_up.is_absent()
            && self.keep_max.is_absent()
            && self.keep_remind.is_absent()
    }

    /// Where its settings stand that say nothing about who is never stopped. The others say whether its work is
    /// saved where somebody stopped it: by which hours, in which mode.
    pub(in crate::config) fn spans_about_stops(&self) -> Vec<Span> {
        fn span<T>(field: &Field<T>) -> Option<Span> {
            field.given().map(|located| located.span.clone())
        }
        let spans = [
            span(&self.lease),
            span(&self.least_stop),
            span(&self.max_uptime),
            span(&self.warn),
            span(&self.veto),
            span(&self.start),
            span(&self.start_lead),
            span(&self.catch_up),
            span(&self.keep_max),
            span(&self.keep_remind),
        ];
        spans.into_iter().flatten().collect()
    }
}

/// `observe` or `enforce`.
pub(super) fn mode(value: &Value<'_>, sink: &mut Sink) -> Option<Mode> {
    value::word(value, &[("observe", Mode::Observe), ("enforce", Mode::Enforce)], sink)
}

fn start(value: &Value<'_>, sink: &mut Sink) -> Option<Start> {
    value::word(value, &[("never", Start::Never), ("resume", Start::Resume)], sink)
}

fn preserve(value: &Value<'_>, sink: &mut Sink) -> Option<Preserve> {
    let words =
        [("refuse", Preserve::Refuse), ("rotate", Preserve::Rotate), ("allow", Preserve::Allow)];
    value::word(value, &words, sink)
}

/// Names of vetoes; `"off"` and `[]` mean none.
fn veto(value: &Value<'_>, sink: &mut Sink) -> Option<Vec<Located<String>>> {
    const HELP: &str = "write for example `veto = [\"farm\"]`; [] and \"off\" mean none";
    if value.content.as_str() == Some("off") {
        return Some(Vec::new());
    }
    let entries = value.entries();
    if entries.len() > VETOES_MAX {
        let message = format!("`veto` has {} names", entries.len());
        sink.push(
            Diagnostic::error("too-many", value.span(), message)
                .label(format!("at most {VETOES_MAX} are possible"))
                .help("one command may ask several services"),
        );
        return None;
    }
    let names: Vec<_> = entries
        .iter()
        .map(|entry| {
            let name = value::text(entry, sink)?;
            if name == "off" {
                let message = format!("{} is not the name of a veto", quoted(&name));
                sink.push(Diagnostic::error("bad-name", entry.span(), message).help(HELP));
                return None;
            }
            Some(Located { value: name, span: entry.span() })
        })
        .collect();
    names.into_iter().collect()
}

/// Warnings, longest first; `"off"` and `[]` mean none.
fn warn(value: &Value<'_>, sink: &mut Sink) -> Option<Vec<SignedDuration>> {
    if value.content.as_str() == Some("off") {
        return Some(Vec::new());
    }
    let entries = value.entries();
    if entries.len() > WARNINGS_MAX {
        let message = format!("`warn` has {} warnings", entries.len());
        sink.push(
            Diagnostic::error("bad-warn", value.span(), message)
                .label(format!("at most {WARNINGS_MAX} are possible"))
                .help(WARN.help),
        );
        return None;
    }
    let leads: Vec<Option<Located<SignedDuration>>> = entries
        .iter()
        .map(|entry| {
            let lead = value::duration(entry, WARN, sink)?;
            Some(Located { value: lead, span: entry.span() })
        })
        .collect();
    let mut leads: Vec<Located<SignedDuration>> = leads.into_iter().collect::<Option<_>>()?;
    // The sort is stable, so that of two equal ones the second in the file comes second.
    leads.sort_by_key(|lead| std::cmp::Reverse(lead.value));
    for pair in leads.windows(2).filter(|pair| pair[0].value == pair[1].value) {
        let message = format!("`warn` has {} twice", shown(pair[1].value));
        sink.push(
            Diagnostic::error("bad-warn", pair[1].span.clone(), message)
                .related(pair[0].span.clone(), "first here")
                .help("leave one of them out"),
        );
    }
    let sorted: Vec<SignedDuration> = leads.iter().map(|lead| lead.value).collect();
    sorted.windows(2).all(|pair| pair[0] != pair[1]).then_some(sorted)
}

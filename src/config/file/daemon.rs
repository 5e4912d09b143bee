//! `[daemon]` and `[audit]`: how the program itself runs.

use jiff::SignedDuration;

use super::super::diagnostic::{Diagnostic, Sink};
use super::super::size::{SizeBounds, size_or_off};
use super::super::table::{Field, Table, Value};
use super::super::value::{self, Bounds};
use super::schedule;
use crate::policy::Scan;
use crate::policy::schedule::CronExpression;

/// The table `[daemon]`.
pub(in crate::config) struct DaemonFile {
    pub(in crate::config) scan: Field<Scan>,
    pub(in crate::config) state_dir: Field<String>,
    pub(in crate::config) concurrency: Field<usize>,
}

/// The table `[audit]`.
pub(in crate::config) struct AuditFile {
    pub(in crate::config) path: Field<String>,
    pub(in crate::config) rotate_size: Field<Option<u64>>,
    pub(in crate::config) rotate_age: Field<Option<SignedDuration>>,
    pub(in crate::config) stdout: Field<bool>,
}

/// A file smaller than the lower one holds a few checkpoints and little else; the upper one is more
/// than anybody wants to read at a start.
pub(in crate::config) const ROTATE_SIZE: SizeBounds =
    SizeBounds { least: 64_000, most: 100_000_000_000 };

/// More often than this there would be more checkpoints than records.
pub(in crate::config) const ROTATE_AGE: Bounds = Bounds {
    least: SignedDuration::from_hours(1),
    most: value::DURATION_MAX,
    help: "write for example \"30d\", or \"off\"",
};

/// The bounds of `concurrency`. Where the service goes on throttling, calls become half a minute apart, and a look at
/// a studio waits behind so many attempts: with more it would be later than its bound in `health.json`.
pub(in crate::config) const CONCURRENCY: std::ops::RangeInclusive<i64> = 1..=24;

/// More often than this only causes load; more rarely than once a day sessions go unnoticed.
pub(in crate::config) const SCAN: Bounds = Bounds {
    least: SignedDuration::from_secs(10),
    most: SignedDuration::from_hours(24),
    help: "write for example \"5m\"",
};

impl DaemonFile {
    pub(super) fn read(root: &mut Table<'_>, sink: &mut Sink) -> Self {
        let value = root.take("daemon");
        let table = value.and_then(|value| Table::of(&value, "[daemon]", sink));
        let Some(mut table) = table else {
            let (scan, state_dir) = (Field::Absent, Field::Absent);
            return Self { scan, state_dir, concurrency: Field::Absent };
        };
        let daemon = Self {
            scan: table.field("scan", sink, scan),
            state_dir: table.field("state_dir", sink, value::path),
            concurrency: table.field("concurrency", sink, concurrency),
        };
        table.finish(sink);
        daemon
    }
}

impl AuditFile {
    pub(super) fn read(root: &mut Table<'_>, sink: &mut Sink) -> Self {
        let value = root.take("audit");
        let table = value.and_then(|value| Table::of(&value, "[audit]", sink));
        let Some(mut table) = table else {
            let (path, rotate_size) = (Field::Absent, Field::Absent);
            let (rotate_age, stdout) = (Field::Absent, Field::Absent);
            return Self { path, rotate_size, rotate_age, stdout };
        };
        let age =
            |value: &Value<'_>, sink: &mut Sink| value::duration_or_off(value, ROTATE_AGE, sink);
        let audit = Self {
            path: table.field("path", sink, value::path),
            rotate_size: table
                .field("rotate_size", sink, |v, sink| size_or_off(v, ROTATE_SIZE, sink)),
            rotate_age: table.field("rotate_age", sink, age),
            stdout: table.field("stdout", sink, value::boolean),
        };
        table.finish(sink);
        audit
    }
}

/// A duration, or a cron expression where the text has as many words as one.
fn scan(value: &Value<'_>, sink: &mut Sink) -> Option<Scan> {
    let words = value.content.as_str().map_or(0, |text| text.split_whitespace().count());
    if words < 5 {
        return value::duration(value, SCAN, sink).map(Scan::Every);
    }
    let expression = schedule::cron(value, sink)?;
    warn_of_gaps(value, &expression, sink);
    Some(Scan::Cron(expression))
}

/// Warns of more than a day without a scan, such as a weekend.
fn warn_of_gaps(value: &Value<'_>, cron: &CronExpression, sink: &mut Sink) {
    const AHEAD: SignedDuration = SignedDuration::from_hours(400 * 24);
    let to = schedule::SAMPLES_FROM.saturating_add(AHEAD).unwrap_or(schedule::SAMPLES_FROM);
    if cron.longest_gap_utc(schedule::SAMPLES_FROM, to).length() <= SCAN.most {
        return;
    }
    let message = "`scan` leaves more than a day without a scan";
    sink.push(
        Diagnostic::warning("rare-scan", value.span(), message)
            .label("sessions that start in the gap are not seen in it")
            .help("scan every day, as in \"*/5 * * * *\" or \"5m\""),
    );
}

fn concurrency(value: &Value<'_>, sink: &mut Sink) -> Option<usize> {
    let number = value::integer(value, sink)?;
    if !CONCURRENCY.contains(&number) {
        let message = format!("`{}` is out of range", value.key);
        let valid = format!("{} to {}", CONCURRENCY.start(), CONCURRENCY.end());
        sink.push(
            Diagnostic::error("out-of-range", value.span(), message)
                .label(format!("valid: {valid}"))
                .help(format!("write a number from {valid}; the default is 16")),
        );
        return None;
    }
    usize::try_from(number).ok()
}

//! One schedule over the time to come.
//!
//! Start at [`Outlook`].

use jiff::civil::{Time, Weekday};
use jiff::{SignedDuration, Timestamp};

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::suggest::quoted;
use super::super::value::shown;
use super::AHEAD_DAYS;
use crate::policy::calendar::Effect;
use crate::policy::schedule::{Idle, WeeklyWindow};
use crate::policy::{Scan, Schedule, Window};

/// A schedule and its windows.
pub(super) struct Outlook<'a> {
    schedule: &'a Schedule,
    windows: Vec<Window>,
    now: Timestamp,
    to: Timestamp,
}

impl<'a> Outlook<'a> {
    pub(super) fn new(schedule: &'a Schedule, now: Timestamp, to: Timestamp) -> Self {
        Self { schedule, windows: schedule.windows_between(now, to), now, to }
    }

    fn name(&self) -> String {
        quoted(self.schedule.name.as_str())
    }

    /// Windows that never open, never close, or of which a clock change leaves nothing.
    pub(super) fn check_windows(&self, span: &Span, sink: &mut Sink) {
        let name = self.name();
        if self.windows.is_empty() {
            let message = format!("the schedule {name} has no idle hours in {AHEAD_DAYS} days");
            sink.push(
                Diagnostic::warning("never-idle", span.clone(), message)
                    .label("nothing is stopped by it")
                    .help("check its days, its years, and its `open` calendars"),
            );
        }
        let is_endless = |w: &Window| w.opens <= self.now && w.closes >= self.to;
        // Weekly hours that leave nothing of the week are told of without looking ahead.
        let is_plain =
            matches!(self.schedule.idle, Idle::Weekly(_)) && self.schedule.calendars.is_empty();
        if self.windows.first().is_some_and(is_endless) && !is_plain {
            let message =
                format!("the schedule {name} leaves nobody an hour to work in {AHEAD_DAYS} days");
            sink.push(
                Diagnostic::warning("always-idle", span.clone(), message)
                    .label("one window without an end")
                    .help("leave hours for work between the windows"),
            );
        }
        let empty = self.schedule.empty_between(self.now, self.to);
        if let Some(first) = empty.first() {
            let message = format!("a clock change leaves nothing of a window of schedule {name}");
            let (opens, closes) = (first.opens, first.closes);
            sink.push(
                Diagnostic::warning("empty-window", span.clone(), message)
                    .label(format!("from {opens} to {closes}, {}", self.schedule.zone_name()))
                    .note("a time that the clock skips counts as that much later")
                    .help("let the window begin before the hour that is skipped, or end after it"),
            );
        }
    }

    /// Scans so rare that a window may pass between two.
    pub(super) fn check_scan(&self, scan: &Scan, span: &Span, sink: &mut Sink) {
        let (missed, message) = match scan {
            Scan::Every(every) => {
                let shortest = self.windows.iter().min_by_key(|window| window.length());
                let missed = shortest.filter(|window| window.length() < *every);
                (missed, format!("`scan` ({}) is longer than a window", shown(*every)))
            }
            Scan::Cron(cron) => {
                let is_missed = |window: &&Window| {
                    let before = window.opens.saturating_sub(SignedDuration::from_secs(1));
                    let next = before.ok().and_then(|before| cron.next_utc(before));
                    next.is_none_or(|next| next >= window.closes)
                };
                let message = "`scan` has no instant within a window".to_owned();
                (self.windows.iter().find(is_missed), message)
            }
        };
        let Some(missed) = missed else { return };
        let message = format!("{message} of schedule {}", self.name());
        sink.push(
            Diagnostic::warning("rare-scan", span.clone(), message)
                .label(format!(
                    "from {} it lasts {}",
                    self.local(missed.opens),
                    shown(missed.length())
                ))
                .note("a session that is started between two scans is not seen in such a window")
                .help("scan more often, as with `scan = \"5m\"`"),
        );
    }

    /// An `open` day after an evening that stays idle.
    pub(super) fn check_openings(&self, span: &Span, sink: &mut Sink) {
        let open = self.schedule.open_between(self.now, self.to);
        let is_midnight = |open: &&Window| self.time(open.opens) == Time::midnight();
        let Some((window, open)) = open.iter().filter(is_midnight).find_map(|open| {
            self.windows.iter().find(|w| w.closes == open.opens).map(|window| (window, open))
        }) else {
            return;
        };
        let message =
            format!("the evening before an `open` day is idle in schedule {}", self.name());
        sink.push(
            Diagnostic::warning("idle-before-open", span.clone(), message)
                .label(self.idle(window.opens, open.opens))
                .note("a calendar acts on instants: a day begins at midnight")
                .help(
                    "begin the entry with a time, as in \"2026-11-27 20:00 .. 2026-11-30 07:00\"",
                ),
        );
    }

    /// Days that are closed, or open, on end for longer than anybody takes off, or works without an evening.
    pub(super) fn check_lengths(&self, span: &Span, sink: &mut Sink) {
        let closed = self.schedule.closed_between(self.now, self.to);
        self.check_length("long-closed", Effect::Closed, &closed, span, sink);
        let open = self.schedule.open_between(self.now, self.to);
        self.check_length("long-open", Effect::Open, &open, span, sink);
    }

    fn check_length(
        &self,
        code: &'static str,
        effect: Effect,
        days: &[Window],
        span: &Span,
        sink: &mut Sink,
    ) {
        const DAYS_MAX: SignedDuration = SignedDuration::from_hours(31 * 24);
        let is_long = |days: &&Window| {
            days.length() > DAYS_MAX && (days.opens > self.now || days.closes < self.to)
        };
        let Some(long) = days.iter().find(is_long) else { return };
        let effect = effect.as_str();
        let message = format!("schedule {} is {effect} for more than 31 days on end", self.name());
        sink.push(
            Diagnostic::warning(code, span.clone(), message)
                .label(format!("from {} until {}", self.local(long.opens), self.local(long.closes)))
                .note("days without a year are MM-DD, and a range that ends before it begins goes on into the next year")
                .help("check the dates of its calendars"),
        );
    }

    /// Weeks of a month before several days.
    pub(super) fn check_ordinals(&self, span: &Span, sink: &mut Sink) {
        let Idle::Weekly(windows) = &self.schedule.idle else { return };
        if !windows.iter().any(WeeklyWindow::counts_several_days) {
            return;
        }
        let name = self.name();
        sink.push(
            Diagnostic::warning(
                "days-apart",
                span.clone(),
                format!("a week of the month stands before several days in schedule {name}"),
            )
            .label("each day is counted by itself")
            .note("in a month that begins on a Sunday the 2nd Saturday is six days after the 2nd Sunday")
            .help("`lightsout forecast` lists the windows; name dates in a calendar to keep a weekend together"),
        );
    }

    /// Weekly hours that end some days at midnight where nights go on until the morning.
    pub(super) fn check_nights(&self, span: &Span, sink: &mut Sink) {
        let morning = Time::midnight()..=Time::constant(11, 0, 0, 0);
        if !matches!(self.schedule.idle, Idle::Weekly(_)) {
            return;
        }
        let open = self.schedule.open_between(self.now, self.to);
        let ends_itself = |window: &&Window| open.iter().all(|open| open.opens != window.closes);
        // What the range cuts off may go on after it.
        let whole = self.windows.iter().filter(|window| window.closes < self.to);
        let (at_midnight, later): (Vec<&Window>, Vec<&Window>) = whole
            .filter(|window| morning.contains(&self.time(window.closes)))
            .partition(|window| self.time(window.closes) == Time::midnight());
        let at_midnight: Vec<&Window> = at_midnight.into_iter().filter(ends_itself).collect();
        let Some(first) = at_midnight.first().filter(|_| later.len() > at_midnight.len()) else {
            return;
        };
        let day = self.schedule.zone.to_datetime(first.closes).date();
        let help = if day.weekday() == Weekday::Monday {
            "write \"Sun-Fri 20:00-07:00\" if that night is idle too".to_owned()
        } else {
            let evening = day.yesterday().unwrap_or(day).strftime("%a");
            let after = day.strftime("%a");
            format!(
                "let a window last over the night from {evening} to {after} if that is idle too"
            )
        };
        let message = format!("a night is left out of schedule {}", self.name());
        sink.push(
            Diagnostic::warning("night-left-out", span.clone(), message)
                .label(self.idle(first.opens, first.closes))
                .note("the hours after it count as working hours: machines are started for them, and work is only kept until then")
                .help(help),
        );
    }

    /// The time of the day in its zone.
    fn time(&self, instant: Timestamp) -> Time {
        self.schedule.zone.to_datetime(instant).time()
    }

    fn idle(&self, from: Timestamp, until: Timestamp) -> String {
        format!("idle from {} until {}", self.local(from), self.local(until))
    }

    fn local(&self, instant: Timestamp) -> String {
        instant.to_zoned(self.schedule.zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string()
    }
}

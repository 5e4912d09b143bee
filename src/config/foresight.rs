//! What a file will lead to: its schedules worked out over the year to come.
//!
//! The third phase, for those who check a file: everything in it is valid, and the doubt is whether it
//! means what was meant. All findings are warnings. Start at [`foresee`].

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::diagnostic::{Diagnostic, Sink, Span};
use super::file::File;
use super::file::rule::RuleFile;
use super::file::studio::StudioFile;
use super::suggest::quoted;
use super::value::shown;
use crate::ids::{CalendarName, ScheduleName, VetoName};
use crate::policy::calendar::Effect;
use crate::policy::schedule::{Idle, WeeklyWindow};
use crate::policy::{
    Calendar, Policy, Preserve, Rule, Scan, Schedule, Settings, StudioPolicy, Timetable, Window,
};

/// How far ahead is looked: every weekday of every month, both clock changes, and whatever comes
/// once a year.
const AHEAD_DAYS: i64 = 400;

/// Notes what the policy will lead to from `now` on.
pub(super) fn foresee(file: &File, policy: &Policy, now: Timestamp, sink: &mut Sink) {
    let ahead = SignedDuration::from_hours(24 * AHEAD_DAYS);
    let to = now.checked_add(ahead).unwrap_or(Timestamp::MAX);
    for located in &file.schedules {
        let name = ScheduleName::from(located.value.name.as_str());
        let Some(timetable) = policy.schedules.get(&name) else { continue };
        for (_, schedule) in timetable.schedules() {
            let outlook = Outlook::new(schedule, now, to);
            outlook.check_windows(&located.span, sink);
            outlook.check_scan(&policy.daemon.scan, &located.span, sink);
            outlook.check_openings(&located.span, sink);
            outlook.check_closings(&located.span, sink);
        }
        if let Some((_, schedule)) = timetable.schedules().first() {
            check_ordinals(schedule, &located.span, sink);
        }
    }
    for located in &file.calendars {
        let name = CalendarName::from(located.value.name.as_str());
        if let Some(calendar) = policy.calendars.get(&name) {
            check_end(calendar, policy, &located.span, now, sink);
        }
    }
    for located in &file.vetoes {
        let name = VetoName::from(located.value.name.as_str());
        let program = policy.vetoes.get(&name).and_then(|veto| veto.command.first());
        if let Some((program, command)) = program.zip(located.value.command.given()) {
            check_program(&located.value.name, program, &command.span, sink);
        }
    }
    for studio in &file.studios {
        let id = studio.id.value().map(|id| id.as_str().into());
        if let Some(policy) = id.and_then(|id| policy.studios.get(&id)) {
            foresee_studio(studio, policy, now, to, sink);
        }
    }
}

/// Weeks of a month before several days.
fn check_ordinals(schedule: &Schedule, span: &Span, sink: &mut Sink) {
    let Idle::Weekly(windows) = &schedule.idle else { return };
    if !windows.iter().any(WeeklyWindow::counts_several_days) {
        return;
    }
    let name = quoted(schedule.name.as_str());
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

/// A calendar that is over wherever it is used.
fn check_end(calendar: &Calendar, policy: &Policy, span: &Span, now: Timestamp, sink: &mut Sink) {
    let timetables = policy.schedules.values();
    let schedules = timetables.flat_map(|timetable| timetable.schedules());
    let using = schedules
        .filter(|(_, schedule)| schedule.calendars.iter().any(|used| used.name == calendar.name));
    let ends: Vec<_> = using.map(|(_, s)| (calendar.ends(&s.zone), s.zone.clone())).collect();
    let ends: Option<Vec<_>> =
        ends.into_iter().map(|(end, zone)| end.map(|end| (end, zone))).collect();
    let Some((last, zone)) = ends.and_then(|ends| ends.into_iter().max_by_key(|(end, _)| *end))
    else {
        return;
    };
    if last > now {
        return;
    }
    let message = format!("the calendar {} is over", quoted(calendar.name.as_str()));
    let ended = last.to_zoned(zone).strftime("%a %Y-%m-%d %H:%M").to_string();
    let label = if last == Timestamp::MIN {
        "it has no days".to_owned()
    } else {
        format!("its last day ended on {ended}")
    };
    sink.push(
        Diagnostic::warning("calendar-over", span.clone(), message)
            .label(label)
            .help("add the days of the coming year, or leave the calendar out"),
    );
}

/// The command of a veto that cannot be run: every stop would wait for it in vain.
fn check_program(veto: &str, program: &str, span: &Span, sink: &mut Sink) {
    let wrong = if program.contains('/') {
        why_not_run(Path::new(program))
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        let is_there = env::split_paths(&path).any(|d| why_not_run(&d.join(program)).is_none());
        (!is_there).then(|| "no directory of PATH has such a program".to_owned())
    };
    let Some(wrong) = wrong else { return };
    let message = format!("the command of veto {} cannot be run here", quoted(veto));
    sink.push(
        Diagnostic::warning("no-program", span.clone(), message)
            .label(format!("{}: {wrong}", quoted(program)))
            .note("a veto without an answer keeps every session until its `defer_max` is over")
            .help("write the path of a file that this user may execute"),
    );
}

/// What stands against running a file.
fn why_not_run(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Err(error) => Some(error.to_string()),
        Ok(found) if !found.is_file() => Some("it is not a file".to_owned()),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => {
            Some("it is not executable".to_owned())
        }
        Ok(_) => None,
    }
}

/// One schedule over the time to come.
struct Outlook<'a> {
    schedule: &'a Schedule,
    windows: Vec<Window>,
    now: Timestamp,
    to: Timestamp,
}

impl<'a> Outlook<'a> {
    fn new(schedule: &'a Schedule, now: Timestamp, to: Timestamp) -> Self {
        Self { schedule, windows: schedule.windows_between(now, to), now, to }
    }

    fn name(&self) -> String {
        quoted(self.schedule.name.as_str())
    }

    /// Windows that never open, never close, or of which a clock change leaves nothing.
    fn check_windows(&self, span: &Span, sink: &mut Sink) {
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
    fn check_scan(&self, scan: &Scan, span: &Span, sink: &mut Sink) {
        let Scan::Every(every) = scan else { return };
        let shortest = self.windows.iter().min_by_key(|window| window.length());
        let Some(shortest) = shortest.filter(|window| window.length() < *every) else { return };
        let message = format!(
            "`scan` ({}) is longer than a window of schedule {}",
            shown(*every),
            self.name()
        );
        sink.push(
            Diagnostic::warning("rare-scan", span.clone(), message)
                .label(format!(
                    "from {} it lasts {}",
                    self.local(shortest.opens),
                    shown(shortest.length())
                ))
                .note("a session that is started between two scans is not seen in such a window")
                .help("scan more often, as with `scan = \"5m\"`"),
        );
    }

    /// An `open` day after an evening that stays idle.
    fn check_openings(&self, span: &Span, sink: &mut Sink) {
        let is_midnight = |open: &&Window| {
            let civil = self.schedule.zone.to_datetime(open.opens);
            civil.time() == jiff::civil::Time::midnight()
        };
        let open = self.schedule.open_between(self.now, self.to);
        let Some((window, open)) = open.iter().filter(is_midnight).find_map(|open| {
            self.windows.iter().find(|w| w.closes == open.opens).map(|window| (window, open))
        }) else {
            return;
        };
        let message =
            format!("the evening before an `open` day is idle in schedule {}", self.name());
        sink.push(
            Diagnostic::warning("idle-before-open", span.clone(), message)
                .label(format!(
                    "idle from {} until {}",
                    self.local(window.opens),
                    self.local(open.opens)
                ))
                .note("a calendar acts on instants: a day begins at midnight")
                .help(
                    "begin the entry with a time, as in \"2026-11-27 20:00 .. 2026-11-30 07:00\"",
                ),
        );
    }

    /// Days that are closed on end for longer than anybody takes off.
    fn check_closings(&self, span: &Span, sink: &mut Sink) {
        const CLOSED_MAX: SignedDuration = SignedDuration::from_hours(31 * 24);
        let closed = self.schedule.closed_between(self.now, self.to);
        let is_long = |closed: &&Window| {
            closed.length() > CLOSED_MAX && (closed.opens > self.now || closed.closes < self.to)
        };
        let Some(long) = closed.iter().find(is_long) else { return };
        let message = format!("schedule {} is closed for more than 31 days on end", self.name());
        sink.push(
            Diagnostic::warning("long-closed", span.clone(), message)
                .label(format!("from {} until {}", self.local(long.opens), self.local(long.closes)))
                .note("days without a year are MM-DD, and a range that ends before it begins goes on into the next year")
                .help("check the dates of its calendars"),
        );
    }

    fn local(&self, instant: Timestamp) -> String {
        instant.to_zoned(self.schedule.zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string()
    }
}

fn foresee_studio(
    file: &StudioFile,
    studio: &StudioPolicy,
    now: Timestamp,
    to: Timestamp,
    sink: &mut Sink,
) {
    let ahead = Ahead { now, to };
    ahead.check_settings(&file.span, "this studio", &studio.settings, sink);
    let by_name = |rule: &&Rule| -> Option<&RuleFile> {
        let is_it = |file: &&RuleFile| file.name.value().is_some_and(|n| n == rule.name.as_str());
        file.rules.iter().find(is_it)
    };
    for rule in &studio.rules {
        let Some(file) = by_name(&rule) else { continue };
        if rule.keep {
            check_rescue(rule, &studio.settings, &file.span, sink);
            continue;
        }
        check_calendars(rule, &studio.settings, &file.span, sink);
        if ahead.stops_nobody(&rule.settings) {
            let message = format!("the rule {} stops nobody", quoted(rule.name.as_str()));
            sink.push(
                Diagnostic::warning("stops-nobody", file.span.clone(), message)
                    .label(
                        "no schedule that could stop anybody, and no `max_uptime`, applies to it",
                    )
                    .help("write `keep = true` to say that on purpose, or give it a `schedule`"),
            );
        } else if differs(&rule.settings, &studio.settings) {
            let who = format!("the rule {}", quoted(rule.name.as_str()));
            ahead.check_settings(&file.span, &who, &rule.settings, sink);
        }
    }
}

/// A rule that keeps, and does not have saved what the studio would: what is never stopped by the program may be
/// stopped by its owner.
fn check_rescue(rule: &Rule, studio: &Settings, span: &Span, sink: &mut Sink) {
    let own = &rule.settings;
    let rotates =
        |settings: &Settings| settings.preserve == Preserve::Rotate && settings.schedule.is_some();
    if !rotates(studio) || (rotates(own) && own.mode >= studio.mode) {
        return;
    }
    let message = format!(
        "who is kept by the rule {} is not saved where the studio's others are",
        quoted(rule.name.as_str())
    );
    sink.push(
        Diagnostic::warning("kept-not-saved", span.clone(), message)
            .label("its `preserve`, `schedule` or `mode` turns the rescue off")
            .note("a machine that its owner stops may be destroyed while it is off")
            .help("leave those settings out of the rule, if that was not meant"),
    );
}

/// A rule with hours of its own that no calendar changes which changes its studio's.
fn check_calendars(rule: &Rule, studio: &Settings, span: &Span, sink: &mut Sink) {
    let calendars = |settings: &Settings| -> Vec<(CalendarName, Effect)> {
        let schedules = settings.schedule.iter().flat_map(|timetable| timetable.schedules());
        let all = schedules.flat_map(|(_, schedule)| &schedule.calendars);
        all.map(|calendar| (calendar.name.clone(), calendar.effect)).collect()
    };
    let own = calendars(&rule.settings);
    let is_stopped = |effect: Effect| match effect {
        Effect::Open => rule.settings.schedule.is_some() || rule.settings.max_uptime.is_some(),
        Effect::Closed => rule.settings.schedule.is_some(),
    };
    let lacks = |(name, effect): &(CalendarName, Effect)| {
        is_stopped(*effect) && !own.iter().any(|(other, _)| other == name)
    };
    let Some((name, _)) = calendars(studio).into_iter().find(lacks) else { return };
    let (rule, name) = (quoted(rule.name.as_str()), quoted(name.as_str()));
    sink.push(
        Diagnostic::warning("calendar-left-out", span.clone(), format!("the calendar {name} does not hold for the rule {rule}"))
            .label("its schedule is another than the studio's, and does not name that calendar")
            .help("name the calendar in that schedule too; where the schedule is \"off\", unset `max_uptime` or name a schedule"),
    );
}

/// Whether anything that is checked here is another.
fn differs(rule: &Settings, studio: &Settings) -> bool {
    let name = |settings: &Settings| settings.schedule.as_ref().map(|s| s.name().clone());
    name(rule) != name(studio) || rule.lease != studio.lease
}

/// The time that is looked at.
#[derive(Clone, Copy)]
struct Ahead {
    now: Timestamp,
    to: Timestamp,
}

impl Ahead {
    /// The longest window of a timetable.
    fn longest(self, timetable: &Timetable) -> Option<SignedDuration> {
        let schedules = timetable.schedules();
        let windows = schedules.iter().flat_map(|(_, s)| s.windows_between(self.now, self.to));
        windows.map(|window| window.length()).max()
    }

    fn stops_nobody(self, settings: &Settings) -> bool {
        let longest = settings.schedule.as_ref().and_then(|timetable| self.longest(timetable));
        settings.max_uptime.is_none() && longest.is_none_or(|longest| longest < settings.least_stop)
    }

    /// A lease that outlasts every window.
    fn check_settings(self, span: &Span, who: &str, settings: &Settings, sink: &mut Sink) {
        let Some(timetable) = &settings.schedule else { return };
        let Some(longest) = self.longest(timetable) else { return };
        if settings.lease < longest {
            return;
        }
        let message = format!(
            "the lease of {who} ({}) is no shorter than any window of schedule {}",
            shown(settings.lease),
            quoted(timetable.name().as_str())
        );
        sink.push(
            Diagnostic::warning("lease-past-windows", span.clone(), message)
                .label(format!("the longest window lasts {}", shown(longest)))
                .note("whoever starts a session in idle hours has it until they are over")
                .help("write a shorter `lease`, if that was not meant"),
        );
    }
}

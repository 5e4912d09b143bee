//! Studios and their rules over the time to come.
//!
//! Start at [`foresee`].

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::file::rule::RuleFile;
use super::super::file::studio::StudioFile;
use super::super::suggest::quoted;
use super::super::value::shown;
use crate::ids::{CalendarName, ScheduleName};
use crate::policy::calendar::Effect;
use crate::policy::{Preserve, Rule, Settings, StudioPolicy, Timetable, Veto};

pub(super) fn foresee(
    file: &StudioFile,
    studio: &StudioPolicy,
    now: Timestamp,
    to: Timestamp,
    sink: &mut Sink,
) {
    let ahead = Ahead { now, to };
    if !ahead.check_least_stop(&file.span, &studio.settings, sink) {
        ahead.check_lease(&file.span, "this studio", &studio.settings, sink);
        ahead.check_short_windows(&file.span, "this studio", &studio.settings, sink);
    }
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
        check_vetoes(file, rule, &studio.settings, sink);
        if ahead.stops_nobody(&rule.settings) {
            let message = format!("the rule {} stops nobody", quoted(rule.name.as_str()));
            sink.push(
                Diagnostic::warning("stops-nobody", file.span.clone(), message)
                    .label(
                        "no schedule that could stop anybody, and no `max_uptime`, applies to it",
                    )
                    .help("write `keep = true` to say that on purpose, or give it a `schedule`"),
            );
            continue;
        }
        let (own, all) = (&rule.settings, &studio.settings);
        let who = format!("the rule {}", quoted(rule.name.as_str()));
        let has_other_hours = hours(own) != hours(all);
        if has_other_hours || own.lease != all.lease {
            ahead.check_lease(&file.span, &who, own, sink);
        }
        if has_other_hours || own.least_stop != all.least_stop {
            ahead.check_short_windows(&file.span, &who, own, sink);
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

/// A rule that asks others before a stop than its studio does. Who writes that nobody is asked means it.
fn check_vetoes(file: &RuleFile, rule: &Rule, studio: &Settings, sink: &mut Sink) {
    let own = &rule.settings.veto;
    let Some(said) = file.settings.veto.given().filter(|said| !said.value.is_empty()) else {
        return;
    };
    let lacks = |veto: &&Arc<Veto>| !own.iter().any(|other| other.name == veto.name);
    let Some(left_out) = studio.veto.iter().find(lacks) else { return };
    let (rule, veto) = (quoted(rule.name.as_str()), quoted(left_out.name.as_str()));
    sink.push(
        Diagnostic::warning(
            "veto-left-out",
            said.span.clone(),
            format!("the veto {veto} of the studio is not asked about who the rule {rule} means"),
        )
        .label("this list takes the place of the studio's")
        .help(format!("add {veto} to it, if that was not meant")),
    );
}

/// The name of the schedule.
fn hours(settings: &Settings) -> Option<&ScheduleName> {
    settings.schedule.as_ref().map(|timetable| timetable.name())
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
        settings.max_uptime.is_none()
            && longest.is_none_or(|longest| longest <= settings.least_stop)
    }

    /// Whether no window of a studio's schedule is worth a stop.
    fn check_least_stop(self, span: &Span, settings: &Settings, sink: &mut Sink) -> bool {
        let Some(timetable) = &settings.schedule else { return false };
        let longest = self.longest(timetable);
        let Some(longest) = longest.filter(|longest| *longest <= settings.least_stop) else {
            return false;
        };
        let message = format!(
            "the schedule {} stops nobody in this studio",
            quoted(timetable.name().as_str())
        );
        sink.push(
            Diagnostic::warning("stops-nobody", span.clone(), message)
                .label(format!(
                    "no window is longer than its `least_stop` ({}); the longest lasts {}",
                    shown(settings.least_stop),
                    shown(longest)
                ))
                .help("write a shorter `least_stop`, or longer idle hours"),
        );
        true
    }

    /// Some windows of which none is worth a stop, though others are. A clock change alone shortens fewer of them.
    fn check_short_windows(self, span: &Span, who: &str, settings: &Settings, sink: &mut Sink) {
        const WINDOWS_LEAST: usize = 3;
        let Some(timetable) = &settings.schedule else { return };
        let schedules = timetable.schedules();
        let found = schedules.iter().filter(|(_, s)| s.calendars.is_empty()).find_map(|(_, s)| {
            let mut windows = s.windows_between(self.now, self.to);
            let count = windows.len();
            windows.retain(|window| window.length() <= settings.least_stop);
            let is_meant = (WINDOWS_LEAST..count).contains(&windows.len());
            windows.first().filter(|_| is_meant).map(|first| (*first, s))
        });
        let Some((first, schedule)) = found else { return };
        let opens = first.opens.to_zoned(schedule.zone.clone()).strftime("%a %Y-%m-%d %H:%M");
        let message = format!(
            "the `least_stop` of {who} ({}) is no shorter than some windows of schedule {}",
            shown(settings.least_stop),
            quoted(timetable.name().as_str())
        );
        sink.push(
            Diagnostic::warning("short-window", span.clone(), message)
                .label(format!("the one from {opens} lasts {}", shown(first.length())))
                .note("nobody is stopped for such a window")
                .help("write a shorter `least_stop`, if that was not meant"),
        );
    }

    /// A lease that outlasts every window.
    fn check_lease(self, span: &Span, who: &str, settings: &Settings, sink: &mut Sink) {
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

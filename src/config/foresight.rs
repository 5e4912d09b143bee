//! What a file will lead to: its schedules worked out over the year to come.
//!
//! The third phase, for those who check a file: everything in it is valid, and the doubt is whether it
//! means what was meant. All findings are warnings. Start at [`foresee`]; `outlook` is about one schedule,
//! `studio` about a studio and its rules.

mod outlook;
mod studio;

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use self::outlook::Outlook;
use super::diagnostic::{Diagnostic, Sink, Span};
use super::file::File;
use super::suggest::quoted;
use super::value::shown;
use crate::ids::{CalendarName, ScheduleName, VetoName};
use crate::policy::{Calendar, Policy, Preserve, RESCUE_MARGIN, ROTATED_AT_LEAST, Scan, Settings};

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
        for (index, (_, schedule)) in timetable.schedules().into_iter().enumerate() {
            let outlook = Outlook::new(schedule, now, to);
            outlook.check_windows(&located.span, sink);
            outlook.check_scan(&policy.daemon.scan, &located.span, sink);
            outlook.check_openings(&located.span, sink);
            outlook.check_lengths(&located.span, sink);
            // What does not hang on the zone is said once.
            if index == 0 {
                outlook.check_ordinals(&located.span, sink);
                outlook.check_nights(&located.span, sink);
            }
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
    check_rescues(file, policy, now, to, sink);
    for studio in &file.studios {
        let id = studio.id.value().map(|id| id.as_str().into());
        if let Some(policy) = id.and_then(|id| policy.studios.get(&id)) {
            studio::foresee(studio, policy, now, to, sink);
        }
    }
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

/// Scans so rare that a machine which its owner turns off after one may be destroyed before the next can have it
/// rescued.
fn check_rescues(file: &File, policy: &Policy, now: Timestamp, to: Timestamp, sink: &mut Sink) {
    const SEEN_WITHIN: SignedDuration =
        SignedDuration::from_secs(ROTATED_AT_LEAST.as_secs() - RESCUE_MARGIN.as_secs());
    let rotates =
        |settings: &Settings| settings.preserve == Preserve::Rotate && settings.schedule.is_some();
    let mut studios = policy.studios.values();
    let is_rotated = studios.any(|studio| {
        rotates(&studio.settings) || studio.rules.iter().any(|rule| rotates(&rule.settings))
    });
    let Some(scan) = file.daemon.scan.given().filter(|_| is_rotated) else { return };
    let (gap, when) = match &scan.value {
        Scan::Every(every) => (*every, String::new()),
        Scan::Cron(cron) => {
            let gap = cron.longest_gap_utc(now, to);
            let [from, until] =
                [gap.opens, gap.closes].map(|at| at.strftime("%a %Y-%m-%d %H:%M").to_string());
            (
                SignedDuration::from_secs(gap.length().as_secs()),
                format!(", from {from} until {until} UTC"),
            )
        }
    };
    if gap <= SEEN_WITHIN {
        return;
    }
    let message = "`scan` is too rare for `preserve = \"rotate\"`";
    sink.push(
        Diagnostic::warning("rare-scan-for-rescue", scan.span.clone(), message)
            .label(format!("{} without a scan{when}", shown(gap)))
            .note(format!(
                "what an owner turns off between two scans is seen at the second; a machine that is destroyed \
                 after {} off has to be seen within {} to be started in time",
                shown(ROTATED_AT_LEAST),
                shown(SEEN_WITHIN)
            ))
            .help("scan more often, as with `scan = \"5m\"`"),
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

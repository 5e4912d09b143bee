//! Schedules by name, and who refers to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::file::schedule::{ScheduleFile, ZoneFile};
use super::super::file::settings::SettingsFile;
use super::super::suggest::{closest, quoted};
use super::super::table::Located;
use super::calendar::Calendars;
use crate::ids::{OwnerId, ScheduleName};
use crate::policy::schedule::Idle;
use crate::policy::{People, Schedule, Timetable};

/// The schedules of the file. One that was refused keeps its name, so that it can be referred to.
pub(super) struct Schedules {
    by_name: BTreeMap<String, (Span, Option<Arc<Timetable>>)>,
    used: BTreeSet<String>,
}

impl Schedules {
    pub(super) fn lower(
        files: &[Located<ScheduleFile>],
        calendars: &mut Calendars,
        people: &People,
        sink: &mut Sink,
    ) -> Self {
        let mut lowered = |file: &Located<ScheduleFile>| {
            let timetable = lower(file, calendars, people, sink).map(Arc::new);
            (file.value.name.clone(), (file.span.clone(), timetable))
        };
        let by_name = files.iter().map(&mut lowered).collect();
        Self { by_name, used: BTreeSet::new() }
    }

    /// Reports a name that no schedule has.
    pub(super) fn check_reference(&mut self, settings: &SettingsFile, sink: &mut Sink) {
        let Some(given) = settings.schedule.given() else { return };
        let Some(name) = &given.value else { return };
        if self.by_name.contains_key(name) {
            self.used.insert(name.clone());
            return;
        }
        let message = format!("no schedule has the name {}", quoted(name));
        let diagnostic = Diagnostic::error("unknown-schedule", given.span.clone(), message);
        let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        if let Some(meant) = closest(name, names.iter().copied()) {
            // What somebody meant to refer to is not unused.
            self.used.insert(meant.to_owned());
            let span = self.by_name[meant].0.clone();
            sink.push(
                diagnostic
                    .related(span, "this one has a similar name")
                    .help(format!("did you mean \"{meant}\"?")),
            );
        } else if names.is_empty() {
            sink.push(diagnostic.help(format!(
                "write a table `[schedule.{name}]` with its `zone` and its `idle` hours"
            )));
        } else {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            sink.push(
                diagnostic
                    .label(format!("valid: {} or \"off\"", names.join(", ")))
                    .help(format!("name one of these, or write a table `[schedule.{name}]`")),
            );
        }
    }

    /// The schedule of a name; `None` where it was refused or does not exist.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Timetable>> {
        self.by_name.get(name).and_then(|(_, schedule)| schedule.clone())
    }

    pub(super) fn warn_of_unused(&self, sink: &mut Sink) {
        for (name, (span, _)) in &self.by_name {
            if !self.used.contains(name) {
                let message = format!("nothing in this file uses the schedule {}", quoted(name));
                sink.push(
                    Diagnostic::warning("unused-schedule", span.clone(), message)
                        .note("only a session's tag `lightsout:schedule` could name it")
                        .help(format!(
                            "write `schedule = \"{name}\"` in a studio, or leave the schedule out"
                        )),
                );
            }
        }
    }

    pub(super) fn into_policy(self) -> BTreeMap<ScheduleName, Arc<Timetable>> {
        let entries = self.by_name.into_iter();
        entries.filter_map(|(name, (_, schedule))| Some((name.into(), schedule?))).collect()
    }
}

fn lower(
    file: &Located<ScheduleFile>,
    calendars: &mut Calendars,
    people: &People,
    sink: &mut Sink,
) -> Option<Timetable> {
    let ScheduleFile { name, zone, idle, calendars: names } = &file.value;
    let calendars = names.value().map_or_else(Vec::new, |names| calendars.find(names, sink));
    if zone.is_absent() {
        let message = format!("the schedule {} has no `zone`", quoted(name));
        sink.push_absence(
            Diagnostic::error("missing-key", file.span.clone(), message)
                .help("write for example `zone = \"America/Los_Angeles\"`"),
        );
    }
    if idle.is_absent() {
        let message = format!("the schedule {} has no `idle` hours", quoted(name));
        sink.push_absence(
            Diagnostic::error("missing-key", file.span.clone(), message)
                .label("neither weekly windows nor a pair of cron expressions")
                .help("write for example `idle = [\"Sun-Fri 20:00-07:00\", \"Sat-Sun\"]`"),
        );
    }
    let idle = idle.given()?;
    let is_weekly = matches!(idle.value, Idle::Weekly(_));
    let zone = zone.given()?;
    let in_zone = |zone: &TimeZone| {
        Schedule::new(name.as_str().into(), zone.clone(), idle.value.clone(), calendars.clone())
    };
    let timetable = match &zone.value {
        ZoneFile::Named(zone) => Timetable::Shared(Arc::new(in_zone(zone))),
        ZoneFile::Owner => {
            let schedules = per_owner(people, in_zone);
            if schedules.is_empty() {
                no_zones(&zone.span, sink);
            }
            Timetable::PerOwner { name: name.as_str().into(), schedules }
        }
    };
    let schedule = in_zone(&TimeZone::UTC);
    // A pair of cron expressions that is always idle has been refused before; what calendars make of it
    // is a matter of time.
    let window = (is_weekly && calendars.is_empty())
        .then(|| schedule.window_after(Timestamp::UNIX_EPOCH))
        .flatten();
    if window.is_some_and(|window| window.opens == Timestamp::MIN) {
        let message = format!("the schedule {} is always idle", quoted(name));
        sink.push(
            Diagnostic::warning("always-idle", idle.span.clone(), message)
                .label("these windows leave no hour of the week")
                .help("leave hours for work between the windows"),
        );
    }
    Some(timetable)
}

/// The schedule of each owner whose time zone is known.
fn per_owner(
    people: &People,
    in_zone: impl Fn(&TimeZone) -> Schedule,
) -> BTreeMap<OwnerId, Arc<Schedule>> {
    let mut by_zone: Vec<(&TimeZone, Arc<Schedule>)> = Vec::new();
    let mut schedules = BTreeMap::new();
    for (owner, person) in people {
        let Some(zone) = &person.zone else { continue };
        let known = by_zone.iter().find(|(known, _)| *known == zone);
        let schedule = known.map(|(_, schedule)| Arc::clone(schedule)).unwrap_or_else(|| {
            let schedule = Arc::new(in_zone(zone));
            by_zone.push((zone, Arc::clone(&schedule)));
            schedule
        });
        schedules.insert(owner.clone(), schedule);
    }
    schedules
}

fn no_zones(zone: &Span, sink: &mut Sink) {
    let message = "`zone = \"owner\"` needs the zones of owners, and none is named";
    sink.push(
        Diagnostic::error("no-owner-zones", zone.clone(), message)
            .note("a session whose owner's zone is not known is kept, with an alarm")
            .help("write in `[people]` for example `\"OWNER-ID\" = { zone = \"Europe/Paris\" }`"),
    );
}

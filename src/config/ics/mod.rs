//! Calendar files (RFC 5545): from the bytes of one to entries of a calendar, or to what is wrong.
//!
//! Events count as the file has them: whole days are days of the schedule that asks, times with a
//! zone are instants, times without one are civil times of the schedule. That an event is marked as
//! free time (`TRANSP:TRANSPARENT`, as holidays are) or as tentative does not matter here; one that
//! is cancelled does not count. Tasks, journals and alarms are not events. The zone of a `TZID` is
//! the one of that name in the bundled database; the rules in the file are not read, and
//! `X-WR-TIMEZONE` has no meaning in the standard.
//!
//! Nothing that a file says of an event's time is passed over: what is not understood refuses the
//! file. Nothing here opens one. Start at [`read`], then read `event`, then `series`.

mod event;
mod fault;
mod lines;
mod recurrence;
mod series;
#[cfg(test)]
mod tests;
mod value;

pub(super) use self::fault::{Complaint, Fault};

use self::event::EventFile;
use self::lines::Component;
use self::value::Zones;
use crate::policy::calendar::Entry;

/// How many events one file may have: more than a century of holidays; each is looked at in each
/// search for a window.
const EVENTS_MAX: usize = 5_000;

/// How many of them may recur by a rule: each is followed for decades when the file is read.
const RULES_MAX: usize = 500;

/// How often they may recur together: what is written out stays within a few megabytes.
const OCCURRENCES_MAX: usize = 200_000;

/// How many complaints of one file are kept: who has read so many will look at the file itself.
const COMPLAINTS_MAX: usize = 10;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) entries: Vec<Entry>,
    /// What is allowed but probably not meant.
    pub(super) doubts: Complaints,
}

/// Complaints of one file, not more than are worth reading.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    kept: Vec<Complaint>,
}

impl Complaints {
    fn push(&mut self, complaint: Complaint) {
        if !self.is_full() {
            self.kept.push(complaint);
        }
    }

    fn is_full(&self) -> bool {
        self.kept.len() >= COMPLAINTS_MAX
    }

    /// The first of them, in the order of the file.
    pub(super) fn into_list(mut self) -> Vec<Complaint> {
        self.kept.sort_by_key(|complaint| complaint.line);
        self.kept
    }
}

/// Reads the bytes of a file.
///
/// # Errors
///
/// What is wrong with it: at least one complaint, and up to ten, in the order of its lines.
pub(super) fn read(bytes: &[u8]) -> Result<Read, Vec<Complaint>> {
    let components = lines::parse(bytes).map_err(|complaint| vec![complaint])?;
    let mut complaints = Complaints::default();
    judge_kind(&components, &mut complaints);
    let zones = Zones::read(&components);
    let mut events = Vec::new();
    let files = components.iter().filter(|component| component.name == "VEVENT");
    for component in files.clone().take(EVENTS_MAX) {
        match EventFile::read(component, &zones) {
            Ok(event) => events.push(event),
            Err(complaint) => complaints.push(complaint),
        }
    }
    let about_file = |line, fault| Complaint { line, event: None, fault };
    match (files.clone().next(), files.clone().nth(EVENTS_MAX)) {
        (None, _) => complaints.push(about_file(1, Fault::NoEvents)),
        (_, Some(one_more)) => {
            complaints.push(about_file(one_more.line, Fault::TooManyEvents));
        }
        (Some(_), None) => {}
    }
    // An event that was refused might be the one that another refers to.
    let has_all = complaints.kept.is_empty();
    let read = if has_all {
        series::join(&events, observances(&events), &mut complaints)
    } else {
        Read::default()
    };
    if complaints.kept.is_empty() { Ok(read) } else { Err(complaints.into_list()) }
}

/// What kind of calendar it is: a message that cancels events, or one of another scale, is none that
/// could be read as days.
fn judge_kind(components: &[Component], complaints: &mut Complaints) {
    let expected: [(&str, &[&str]); 3] = [
        ("VERSION", &["2.0"]),
        ("CALSCALE", &["GREGORIAN"]),
        ("METHOD", &["PUBLISH", "REQUEST", "ADD"]),
    ];
    for calendar in components.iter().filter(|component| component.name == "VCALENDAR") {
        for (name, allowed) in expected {
            for property in calendar.all(name) {
                let value = property.value.trim().to_ascii_uppercase();
                if !allowed.contains(&value.as_str()) {
                    let fault = Fault::Kind(property.shown());
                    complaints.push(Complaint { line: property.line, event: None, fault });
                }
            }
        }
    }
}

/// One doubt for all the days of a file that are observed and worked on: there may be dozens.
fn observances(events: &[EventFile]) -> Complaints {
    let observances = events.iter().filter(|event| event.is_observance);
    let count = observances.clone().count();
    let doubt = |first: &EventFile| Complaint {
        line: first.line,
        event: Some(first.name.clone()),
        fault: Fault::Observances(count),
    };
    Complaints { kept: observances.take(1).map(doubt).collect() }
}

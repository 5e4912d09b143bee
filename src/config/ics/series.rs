//! Events that belong together: one that recurs, and those that stand for single occurrences of it
//! (RFC 5545, section 3.8.4.4).
//!
//! Start at [`join`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime, Time};

use super::event::{EventFile, LeftOut, Times};
use super::{Complaint, Complaints, Fault, OCCURRENCES_MAX, RULES_MAX, Read};
use crate::policy::calendar::{Entry, Event, Length};

/// The entries that events mean together. There may be doubts already.
pub(super) fn join(events: &[EventFile], doubts: Complaints, complaints: &mut Complaints) -> Read {
    let mut read = Read { doubts, ..Read::default() };
    let mut budget = Budget { rules: RULES_MAX, occurrences: OCCURRENCES_MAX };
    let series = Series::group(events, complaints);
    for event in events.iter().filter(|event| event.times.is_some()) {
        let replaced = series.replaced(event);
        match entries(event, replaced, &mut budget, &mut read.doubts) {
            Ok(entries) => read.entries.extend(entries),
            Err((line, fault)) => {
                complaints.push(Complaint { line, event: Some(event.name.clone()), fault });
            }
        }
        if complaints.is_full() {
            break;
        }
    }
    read
}

/// What one file may still cost.
struct Budget {
    rules: usize,
    occurrences: usize,
}

/// What replaces what, by UID.
struct Series<'a> {
    /// The events that are not in the stead of an occurrence.
    masters: BTreeMap<&'a str, &'a EventFile>,
    /// Those that are.
    replacing: BTreeMap<&'a str, Vec<&'a EventFile>>,
}

impl<'a> Series<'a> {
    fn group(events: &'a [EventFile], complaints: &mut Complaints) -> Self {
        let mut series = Self { masters: BTreeMap::new(), replacing: BTreeMap::new() };
        let complain = |event: &EventFile, fault| Complaint {
            line: event.line,
            event: Some(event.name.clone()),
            fault,
        };
        for event in events {
            let Some(uid) = event.uid.as_deref() else {
                if event.replaces.is_some() {
                    complaints.push(complain(event, Fault::Missing("UID")));
                }
                continue;
            };
            if event.replaces.is_some() {
                series.replacing.entry(uid).or_default().push(event);
            } else if let Some(first) = series.masters.insert(uid, event) {
                complaints.push(complain(event, Fault::SameUid(first.line)));
            }
        }
        for (uid, replacing) in &series.replacing {
            let is_cancelled = series.masters.get(uid).is_some_and(|it| it.times.is_none());
            for event in replacing.iter().filter(|event| is_cancelled && event.times.is_some()) {
                complaints.push(complain(event, Fault::OfCancelled));
            }
        }
        series
    }

    /// The events that stand for occurrences of another.
    fn replaced(&self, event: &EventFile) -> &[&'a EventFile] {
        let uid = event.uid.as_deref().filter(|_| event.replaces.is_none());
        uid.and_then(|uid| self.replacing.get(uid)).map_or(&[], Vec::as_slice)
    }
}

/// The entries of one event, without the occurrences that others replace.
fn entries(
    event: &EventFile,
    replacing: &[&EventFile],
    budget: &mut Budget,
    doubts: &mut Complaints,
) -> Result<Vec<Entry>, (usize, Fault)> {
    let Some(times) = &event.times else { return Ok(Vec::new()) };
    let mut doubt = |line, fault| {
        doubts.push(Complaint { line, event: Some(event.name.clone()), fault });
    };
    let (first, missing) = (times.start.civil(), Missing::of(times, replacing)?);
    let (mut starts, is_endless) = occurrences(event.line, times, &missing, budget)?;
    let alone = times.added.iter().filter(|(_, length)| length.is_none());
    starts.extend(alone.map(|(start, _)| *start));
    let own_length = times.added.iter().filter_map(|(start, length)| Some((*start, (*length)?)));
    let mut periods: Vec<(DateTime, Length)> = own_length.collect();

    let begins = starts.iter().chain(periods.iter().map(|(start, _)| start));
    let begins = begins.chain([&first]).map(|start| times.real(*start)).collect();
    for line in missing.lines_without_effect(&begins) {
        doubt(line, Fault::NoOccurrence);
    }
    starts.retain(|start| !missing.contains(times.real(*start)));
    periods.retain(|(start, _)| !missing.contains(times.real(*start)));

    let entry = |starts, length, is_endless| {
        let (name, zone) = (event.name.clone(), times.start.zone().cloned());
        Entry::Event(Event::new(name, zone, starts, length, is_endless))
    };
    let mut entries: Vec<Entry> =
        periods.into_iter().map(|(start, length)| entry(vec![start], length, false)).collect();
    if times.length.is_nothing() {
        doubt(event.line, Fault::NoTime);
    } else if !starts.is_empty() {
        entries.push(entry(starts, times.length, is_endless));
    }
    Ok(entries)
}

/// When it begins by its rule, or once, and whether that goes on for ever.
fn occurrences(
    line: usize,
    times: &Times,
    missing: &Missing,
    budget: &mut Budget,
) -> Result<(Vec<DateTime>, bool), (usize, Fault)> {
    let start = times.start.civil();
    let (starts, is_endless, line) = match &times.rule {
        None => (vec![start], false, line),
        Some((rule, until, line)) => {
            let too_many = (*line, Fault::TooManyRules);
            budget.rules = budget.rules.checked_sub(1).ok_or(too_many)?;
            let is_left_out = missing.contains(times.real(start));
            let expanded = rule.expand(start, *until, is_left_out);
            let expanded = expanded.map_err(|error| (*line, Fault::Rule(error)))?;
            (expanded.starts, expanded.is_endless, *line)
        }
    };
    let left = budget.occurrences.checked_sub(starts.len());
    budget.occurrences = left.ok_or((line, Fault::TooManyOccurrences))?;
    Ok((starts, is_endless))
}

/// The occurrences of an event that are left out or replaced, each with the line that says so.
struct Missing {
    at: BTreeMap<DateTime, usize>,
    on: BTreeMap<Date, usize>,
}

impl Missing {
    fn of(times: &Times, replacing: &[&EventFile]) -> Result<Self, (usize, Fault)> {
        let mut missing = Self { at: BTreeMap::new(), on: BTreeMap::new() };
        for replaced in replacing.iter().filter_map(|event| event.replaces.as_ref()) {
            let (when, line) = replaced;
            let civil = when.civil_beside(&times.start);
            let civil = civil.ok_or((*line, Fault::OtherKind("RECURRENCE-ID".to_owned())))?;
            if let Some(earlier) = missing.at.insert(times.real(civil), *line) {
                return Err((*line, Fault::SameOccurrence(earlier)));
            }
        }
        for (left_out, line) in &times.left_out {
            match left_out {
                LeftOut::At(civil) => missing.at.entry(times.real(*civil)).or_insert(*line),
                LeftOut::On(day) => missing.on.entry(*day).or_insert(*line),
            };
        }
        Ok(missing)
    }

    fn contains(&self, start: DateTime) -> bool {
        self.at.contains_key(&start) || self.on.contains_key(&start.date())
    }

    /// The lines that leave out what is not there, in order.
    fn lines_without_effect(&self, begins: &BTreeSet<DateTime>) -> BTreeSet<usize> {
        let at = self.at.iter().filter(|(start, _)| !begins.contains(start));
        let begins_on = |day: &Date| {
            let (first, last) = (day.to_datetime(Time::MIN), day.to_datetime(Time::MAX));
            begins.range(first..=last).next().is_some()
        };
        let on = self.on.iter().filter(|(day, _)| !begins_on(day));
        at.map(|(_, line)| *line).chain(on.map(|(_, line)| *line)).collect()
    }
}

//! One `VEVENT` by itself: when it begins, how long it lasts, how it recurs.
//!
//! Start at [`EventFile::read`].

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::lines::{Component, Property};
use super::recurrence::Rule;
use super::value::{LENGTH_MAX, When, Zones, duration};
use super::{Complaint, Fault};
use crate::policy::calendar::Length;
use crate::text::one_line;

/// An event as its file has it.
#[derive(Debug)]
pub(super) struct EventFile {
    pub(super) line: usize,
    /// What people call it: its summary, or else its UID.
    pub(super) name: String,
    pub(super) uid: Option<String>,
    /// What it says of when; `None` where it is cancelled.
    pub(super) times: Option<Times>,
    /// Whether it is a day that is only observed, as Google's calendars of holidays mark one in its description.
    pub(super) is_observance: bool,
    /// The occurrence of another event, of the same UID, in whose stead it is.
    pub(super) replaces: Option<(When, usize)>,
}

/// When an event is.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) start: When,
    pub(super) length: Length,
    /// The rule, and the last civil time that counts.
    pub(super) rule: Option<(Rule, Option<DateTime>, usize)>,
    /// What is left out, each with its line.
    pub(super) left_out: Vec<(LeftOut, usize)>,
    /// More beginnings, some with a length of their own.
    pub(super) added: Vec<(DateTime, Option<Length>)>,
}

/// What an `EXDATE` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftOut {
    /// The occurrence that begins at a civil time of the event's zone.
    At(DateTime),
    /// Those that begin on a civil day of it.
    On(Date),
}

/// What is wrong with a property, and in which line.
type Wrong = (usize, Fault);

impl EventFile {
    pub(super) fn read(component: &Component, zones: &Zones) -> Result<Self, Complaint> {
        let text = |name| component.first(name).map(|property| property.value.trim());
        let uid = text("UID").filter(|uid| !uid.is_empty());
        let summary = text("SUMMARY").filter(|summary| !summary.is_empty());
        let name = one_line(summary.or(uid).unwrap_or("without a name"), 60);
        match Self::read_named(component, zones, &name) {
            Ok(event) => Ok(Self { uid: uid.map(str::to_owned), ..event }),
            Err((line, fault)) => Err(Complaint { line, event: Some(name), fault }),
        }
    }

    fn read_named(component: &Component, zones: &Zones, name: &str) -> Result<Self, Wrong> {
        for property in ["UID", "STATUS", "SUMMARY", "RECURRENCE-ID"] {
            only(component, property)?;
        }
        let status = component.first("STATUS").map(|property| property.value.trim());
        let is_cancelled = status.is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED"));
        Ok(Self {
            line: component.line,
            name: name.to_owned(),
            uid: None,
            replaces: replaces(component, zones)?,
            times: if is_cancelled { None } else { Some(Times::read(component, zones)?) },
            is_observance: !is_cancelled && is_observance(component),
        })
    }
}

/// Such a description goes on with how to hide all of them.
fn is_observance(component: &Component) -> bool {
    const MARK: &str = "observance";
    let description = component.first("DESCRIPTION").map_or("", |property| property.value.trim());
    description.get(..MARK.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(MARK))
}

/// The only property of a name.
fn only<'a>(component: &'a Component, name: &'static str) -> Result<Option<&'a Property>, Wrong> {
    let mut found = component.all(name);
    match (found.next(), found.next()) {
        (_, Some(second)) => Err((second.line, Fault::Repeated(name))),
        (first, None) => Ok(first),
    }
}

fn replaces(component: &Component, zones: &Zones) -> Result<Option<(When, usize)>, Wrong> {
    let Some(property) = component.first("RECURRENCE-ID") else { return Ok(None) };
    let at = |fault| (property.line, fault);
    if property.parameter("RANGE").is_some() {
        return Err(at(Fault::Unsupported(property.shown())));
    }
    let when = When::read(property, zones).map_err(at)?;
    Ok(Some((when, property.line)))
}

impl Times {
    fn read(component: &Component, zones: &Zones) -> Result<Self, Wrong> {
        if let Some(property) = component.first("EXRULE") {
            return Err((property.line, Fault::Unsupported(property.shown())));
        }
        let start_property = only(component, "DTSTART")?;
        let start_property = start_property.ok_or((component.line, Fault::Missing("DTSTART")))?;
        let start =
            When::read(start_property, zones).map_err(|fault| (start_property.line, fault))?;
        Ok(Self {
            length: length(component, &start, zones)?,
            rule: rule(component, &start)?,
            left_out: left_out(component, &start, zones)?,
            added: added(component, &start, zones)?,
            start,
        })
    }
}

const NOTHING: Length = Length { civil: SignedDuration::ZERO, exact: SignedDuration::ZERO };

/// How long it lasts. RFC 5545, section 3.6.1: without an end a day is a day, and a time takes none.
fn length(component: &Component, start: &When, zones: &Zones) -> Result<Length, Wrong> {
    let is_days = matches!(start, When::Day(_));
    match (only(component, "DTEND")?, only(component, "DURATION")?) {
        (Some(_), Some(property)) => Err((property.line, Fault::TwoEnds)),
        (None, None) if is_days => Ok(Length { civil: SignedDuration::from_hours(24), ..NOTHING }),
        (None, None) => Ok(NOTHING),
        (Some(property), None) => {
            let end = When::read(property, zones);
            end.and_then(|end| between(start, &end)).map_err(|fault| (property.line, fault))
        }
        (None, Some(property)) => {
            let at = |fault| (property.line, fault);
            let wrong = || at(Fault::Value(property.shown()));
            let length = duration(&property.value).ok_or_else(wrong)?;
            if is_days && !length.exact.is_zero() {
                return Err(at(Fault::DaysInHours));
            }
            Ok(length)
        }
    }
}

/// From the one to the other. RFC 5545, section 3.8.5.3: where both are times of a zone, each
/// occurrence has the same exact length.
fn between(start: &When, end: &When) -> Result<Length, Fault> {
    let (civil, exact) = match (start.instant(), end.instant()) {
        (Some(start), Some(end)) => (SignedDuration::ZERO, start.duration_until(end)),
        _ if start.is_like(end) => {
            (start.civil().duration_until(end.civil()), SignedDuration::ZERO)
        }
        _ => return Err(Fault::EndKind),
    };
    let sum = civil + exact;
    if sum.is_negative() {
        Err(Fault::EndsBefore)
    } else if sum.is_zero() && matches!(start, When::Day(_)) {
        Err(Fault::EndIsStart)
    } else if sum > LENGTH_MAX {
        Err(Fault::TooLong)
    } else {
        Ok(Length { civil, exact })
    }
}

fn rule(
    component: &Component,
    start: &When,
) -> Result<Option<(Rule, Option<DateTime>, usize)>, Wrong> {
    let Some(property) = only(component, "RRULE")? else { return Ok(None) };
    let at = |fault| (property.line, fault);
    let rule: Rule = property.value.parse().map_err(|error| at(Fault::Rule(error)))?;
    if rule.has_times && matches!(start, When::Day(_)) {
        return Err(at(Fault::HoursOfDays));
    }
    let until = rule.until.as_deref().map(|text| until(text, start)).transpose().map_err(at)?;
    Ok(Some((rule, until, property.line)))
}

/// The last civil time of the event's zone at which it may begin.
fn until(text: &str, start: &When) -> Result<DateTime, Fault> {
    let kind = || Fault::UntilKind(one_line(text, 40));
    let parsed = When::parse_alone(text).map_err(|_| kind())?;
    let until = match (&parsed, start) {
        // A time without a zone can only be meant in the event's own.
        (When::Floating(civil), When::Zoned(..)) => *civil,
        (When::Day(_), When::Day(_))
        | (When::Floating(_), When::Floating(_))
        | (When::Zoned(..), When::Zoned(..)) => parsed.civil_beside(start).ok_or_else(kind)?,
        (When::Day(_), When::Floating(_) | When::Zoned(..))
        | (When::Floating(_), When::Day(_))
        | (When::Zoned(..), When::Day(_) | When::Floating(_)) => return Err(kind()),
    };
    if until < start.civil() { Err(Fault::UntilBefore) } else { Ok(until) }
}

fn left_out(
    component: &Component,
    start: &When,
    zones: &Zones,
) -> Result<Vec<(LeftOut, usize)>, Wrong> {
    let mut found = Vec::new();
    for property in component.all("EXDATE") {
        let at = |fault| (property.line, fault);
        for when in When::read_list(property, zones).map_err(at)? {
            let left_out = match (&when, start) {
                // A day stands for whatever begins on it.
                (When::Day(day), When::Floating(_) | When::Zoned(..)) => Some(LeftOut::On(*day)),
                _ => when.civil_beside(start).map(LeftOut::At),
            };
            let left_out = left_out.ok_or_else(|| at(Fault::OtherKind(property.shown())))?;
            found.push((left_out, property.line));
        }
    }
    Ok(found)
}

fn added(
    component: &Component,
    start: &When,
    zones: &Zones,
) -> Result<Vec<(DateTime, Option<Length>)>, Wrong> {
    let mut found = Vec::new();
    for property in component.all("RDATE") {
        let at = |fault| (property.line, fault);
        for text in property.value.split(',') {
            let (text, length) = match text.split_once('/') {
                Some((from, to)) => (from, Some(period(from, to, property, zones).map_err(at)?)),
                None => (text, None),
            };
            let when = When::parse(text, property, zones).map_err(at)?;
            let civil = when.civil_beside(start);
            found.push((civil.ok_or_else(|| at(Fault::OtherKind(property.shown())))?, length));
        }
    }
    Ok(found)
}

/// The length of `from/to`, where `to` may be a duration.
fn period(from: &str, to: &str, property: &Property, zones: &Zones) -> Result<Length, Fault> {
    let from = When::parse(from, property, zones)?;
    match duration(to) {
        Some(length) => Ok(length),
        None => between(&from, &When::parse(to, property, zones)?),
    }
}

impl Times {
    /// The civil time at which an occurrence really begins: one in a gap is moved.
    pub(super) fn real(&self, civil: DateTime) -> DateTime {
        let resolve = |zone: &TimeZone| {
            let instant = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
            Some(zone.to_datetime(instant))
        };
        self.start.zone().and_then(resolve).unwrap_or(civil)
    }
}

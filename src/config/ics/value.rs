//! Values of a calendar file: dates, times with and without a zone, durations (RFC 5545, section 3.3).
//!
//! Start at [`When::read`].

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::super::suggest::find_zone;
use super::Fault;
use super::lines::{Component, Property};
use crate::policy::calendar::Length;
use crate::text::one_line;

/// The years in which an event may begin: nobody plans further, and sums stay far from overflow.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// A point on the calendar.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum When {
    /// A whole day, wherever the schedule is.
    Day(Date),
    /// A civil time, wherever the schedule is.
    Floating(DateTime),
    /// A civil time in a zone, which is UTC where the file says `Z`.
    Zoned(DateTime, TimeZone),
}

/// How a file calls time zones.
#[derive(Debug, Default)]
pub(super) struct Zones {
    /// The name in the file, and the IANA name that its `VTIMEZONE` gives.
    located: Vec<(String, String)>,
}

impl Zones {
    /// Takes what the `VTIMEZONE` components say.
    pub(super) fn read(components: &[Component]) -> Self {
        let zones = components.iter().filter(|component| component.name == "VTIMEZONE");
        let located = zones.filter_map(|zone| {
            let value = |name| zone.first(name).map(|property| property.value.trim().to_owned());
            Some((value("TZID")?, value("X-LIC-LOCATION")?))
        });
        Self { located: located.collect() }
    }

    /// The zone of a `TZID`: an IANA name, one behind a prefix (`/example.org/Europe/Paris`), or what
    /// its `VTIMEZONE` calls so. Its rules are those of the bundled database, not the file's.
    fn find(&self, name: &str) -> Option<TimeZone> {
        // No zone has a name of this length, and one with many slashes would take long.
        const BYTES_MAX: usize = 200;
        let name = name.trim();
        if name.len() > BYTES_MAX {
            return None;
        }
        let behind_prefix = || {
            let tail = name.strip_prefix('/')?;
            let tails = tail.match_indices('/').map(|(slash, _)| &tail[slash + 1..]);
            tails.filter(|tail| !tail.is_empty()).find_map(find_zone)
        };
        let located = || {
            let (_, location) = self.located.iter().find(|(own, _)| own == name)?;
            find_zone(location)
        };
        find_zone(name).or_else(behind_prefix).or_else(located)
    }
}

impl When {
    /// The values of a property, which may be a list.
    pub(super) fn read_list(property: &Property, zones: &Zones) -> Result<Vec<Self>, Fault> {
        property.value.split(',').map(|text| Self::parse(text, property, zones)).collect()
    }

    /// The only value of a property.
    pub(super) fn read(property: &Property, zones: &Zones) -> Result<Self, Fault> {
        Self::parse(&property.value, property, zones)
    }

    /// A value without a property.
    pub(super) fn parse_alone(text: &str) -> Result<Self, Fault> {
        Self::parse(text, &Property::bare("", text), &Zones::default())
    }

    /// One value of a property; its parameters say how it is meant.
    pub(super) fn parse(text: &str, property: &Property, zones: &Zones) -> Result<Self, Fault> {
        let text = text.trim();
        let wrong = || Fault::Value(property.shown());
        let zone = property.parameter("TZID");
        let is_day = text.len() == 8;
        match property.parameter("VALUE").map(str::to_ascii_uppercase).as_deref() {
            None => {}
            Some("DATE") if is_day => {}
            Some("DATE-TIME" | "PERIOD") if !is_day => {}
            Some(_) => return Err(wrong()),
        }
        if is_day {
            let day = day(text).ok_or_else(wrong)?;
            return if zone.is_some() { Err(Fault::ZoneOfDay) } else { Ok(Self::Day(day)) };
        }
        let (text, is_utc) = match text.strip_suffix(['Z', 'z']) {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (date, time_text) = text.split_once(['T', 't']).ok_or_else(wrong)?;
        let civil = day(date).zip(time(time_text)).map(|(day, time)| day.to_datetime(time));
        let civil = civil.ok_or_else(wrong)?;
        match zone {
            Some(_) if is_utc => Err(Fault::ZoneOfUtc),
            Some(name) => {
                let zone = zones.find(name).ok_or_else(|| Fault::Zone(one_line(name, 60)))?;
                Ok(Self::Zoned(civil, zone))
            }
            None if is_utc => Ok(Self::Zoned(civil, TimeZone::UTC)),
            None => Ok(Self::Floating(civil)),
        }
    }

    /// The civil time; a day's is its midnight.
    pub(super) fn civil(&self) -> DateTime {
        match self {
            Self::Day(day) => day.to_datetime(Time::midnight()),
            Self::Floating(civil) | Self::Zoned(civil, _) => *civil,
        }
    }

    /// The zone, where it is known.
    pub(super) fn zone(&self) -> Option<&TimeZone> {
        match self {
            Self::Day(_) | Self::Floating(_) => None,
            Self::Zoned(_, zone) => Some(zone),
        }
    }

    /// The instant, where the zone is known.
    pub(super) fn instant(&self) -> Option<Timestamp> {
        let zone = self.zone()?;
        zone.to_ambiguous_timestamp(self.civil()).compatible().ok()
    }

    /// Whether it is of the same kind as another: both days, both floating, or both instants.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match self {
            Self::Day(_) => matches!(other, Self::Day(_)),
            Self::Floating(_) => matches!(other, Self::Floating(_)),
            Self::Zoned(..) => matches!(other, Self::Zoned(..)),
        }
    }

    /// The civil time that it is where an event begins at `start`; `None` where the two are of
    /// different kinds, so that nobody can say.
    pub(super) fn civil_beside(&self, start: &Self) -> Option<DateTime> {
        match (self, start) {
            (Self::Zoned(..), Self::Zoned(_, zone)) => Some(zone.to_datetime(self.instant()?)),
            (Self::Day(_), Self::Day(_)) | (Self::Floating(_), Self::Floating(_)) => {
                Some(self.civil())
            }
            // A file may spell a whole day as its midnight.
            (Self::Floating(civil), Self::Day(_)) if civil.time() == Time::midnight() => {
                Some(*civil)
            }
            (Self::Day(_), Self::Floating(_) | Self::Zoned(..))
            | (Self::Floating(_), Self::Day(_) | Self::Zoned(..))
            | (Self::Zoned(..), Self::Day(_) | Self::Floating(_)) => None,
        }
    }
}

/// `20261224`
fn day(text: &str) -> Option<Date> {
    let [year, month, day] = numbers(text, [4, 2, 2])?;
    let month = i8::try_from(month).ok()?;
    let date = Date::new(year, month, i8::try_from(day).ok()?).ok()?;
    YEARS.contains(&date.year()).then_some(date)
}

/// `200000`
fn time(text: &str) -> Option<Time> {
    let [hour, minute, second] = numbers(text, [2, 2, 2])?;
    let small = |number: i16| i8::try_from(number).ok();
    Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()
}

/// Numbers of so many digits each, and nothing else.
fn numbers(text: &str, lengths: [usize; 3]) -> Option<[i16; 3]> {
    if text.len() != lengths.iter().sum::<usize>() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (first, rest) = text.split_at(lengths[0]);
    let (second, third) = rest.split_at(lengths[1]);
    Some([first.parse().ok()?, second.parse().ok()?, third.parse().ok()?])
}

/// `P1D`, `PT90M`, `P2W`: days are civil days, hours are exact. More than nothing.
pub(super) fn duration(text: &str) -> Option<Length> {
    let text = text.trim();
    let is_simple = |c: char| c.is_ascii_digit() || "PTWDHMS".contains(c.to_ascii_uppercase());
    if text.len() > 20 || !text.chars().all(is_simple) {
        return None;
    }
    let span: Span = text.parse().ok()?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return None;
    }
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let minutes = i64::from(span.get_hours()) * 60 + span.get_minutes();
    let length = Length {
        civil: SignedDuration::from_hours(days * 24),
        exact: SignedDuration::from_secs(minutes * 60 + span.get_seconds()),
    };
    let is_something = length.civil.is_positive() || length.exact.is_positive();
    (is_something && length.civil <= LENGTH_MAX && length.exact <= LENGTH_MAX).then_some(length)
}

/// How long one event may last: longer than any holiday, and sums stay far from overflow.
pub(super) const LENGTH_MAX: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

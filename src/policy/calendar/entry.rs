//! One entry of a calendar: `2026-12-24`, `2026-12-24..2027-01-01`, `07-04`, `12-24..01-01`,
//! `2026-11-27 20:00 .. 2026-11-30 07:00`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::event::Event;
use super::{Near, end_of, instant, midnight};
use crate::policy::window::Window;

/// One entry of a calendar.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// Whole civil days, both included.
    Days {
        /// The first.
        first: Date,
        /// The last; not before the first.
        last: Date,
    },
    /// Whole civil days of every year, both included. Where the last is before the first, they go
    /// over the new year. A day that a year does not have is left out: in a common year
    /// `02-29..03-02` begins on March 1st, and `02-29` alone is nothing.
    Yearly {
        /// The first.
        first: YearDay,
        /// The last.
        last: YearDay,
    },
    /// From one civil time to another.
    Times {
        /// The first.
        from: DateTime,
        /// The first after it; later than the first.
        to: DateTime,
    },
    /// An event of a calendar file, once or many times.
    Event(Event),
}

/// A day that comes back every year, or, if it is February 29th, every leap year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct YearDay {
    month: i8,
    day: i8,
}

/// What is wrong with the text of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// There is nothing in it.
    #[error("an entry of `dates` is empty")]
    Empty,
    /// An end of a range is not there.
    #[error("one end of the range is missing")]
    Open,
    /// There is more than one `..`.
    #[error("a range has two ends, this one has {0}")]
    Ends(usize),
    /// A day is not written as one.
    #[error("`{0}` is not a day")]
    Day(String),
    /// A day is not on the calendar.
    #[error("there is no {0}")]
    Impossible(String),
    /// A time is not one.
    #[error("`{0}` is not a time of the day")]
    Time(String),
    /// A civil time without another.
    #[error("a time needs a second one, at which it ends")]
    TimeAlone,
    /// Hours on days of every year.
    #[error("days of every year are whole days, without hours")]
    YearlyTime,
    /// Years at one end only.
    #[error("one end of the range has a year, the other has none")]
    OneYear,
    /// Hours at one end only.
    #[error("one end of the range has hours, the other has none")]
    OneTime,
    /// A range that goes back.
    #[error("the range ends before it begins")]
    Backwards,
    /// Two equal times: the second is the first that is not meant any more.
    #[error("the range ends when it begins")]
    Nothing,
}

impl EntryError {
    /// What would be right, for people.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Empty | Self::Day(_) => {
                "write a day as YYYY-MM-DD, or a day of every year as MM-DD: \"2026-12-24\", \"07-04\""
            }
            Self::Open | Self::Ends(_) => {
                "write the first day, two dots, and the last day: \"2026-12-24..2027-01-01\""
            }
            Self::Impossible(_) => "choose a day that its month has; 02-29 is in leap years only",
            Self::Time(_) => "write a time as HH:MM, from 00:00 to 23:59; an end may be 24:00",
            Self::TimeAlone => {
                "write both, with two dots: \"2026-11-27 20:00 .. 2026-11-30 07:00\""
            }
            Self::YearlyTime => {
                "leave the hours out, as in \"12-24..12-26\", or name the year: \"2026-12-24 12:00 .. 2026-12-26 24:00\""
            }
            Self::OneYear => {
                "write the year at both ends, \"2026-12-24..2027-01-01\", or, for every year, at none: \"12-24..01-01\""
            }
            Self::OneTime => {
                "write hours at both ends, or at none: days without hours are whole days, both included"
            }
            Self::Backwards => "write the earlier one first",
            Self::Nothing => "write a later end: it is the first minute that is not meant any more",
        }
    }
}

impl FromStr for Entry {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EntryError::Empty);
        }
        let ends: Vec<&str> = text.split("..").map(str::trim).collect();
        if ends.len() <= 2 && ends.contains(&"") {
            return Err(EntryError::Open);
        }
        match ends.as_slice() {
            [only] => alone(End::parse(only)?),
            [first, last] => range(End::parse(first)?, End::parse(last)?),
            more => Err(EntryError::Ends(more.len())),
        }
    }
}

/// One end of a range, or the whole of an entry.
#[derive(Debug, Clone, Copy)]
enum End {
    Day(Date),
    YearDay(YearDay),
    Time(DateTime),
    /// `24:00` of a day.
    LastMidnight(Date),
}

impl End {
    fn parse(text: &str) -> Result<Self, EntryError> {
        let (day, hours) = match text.split_once([' ', '\t', 'T']) {
            Some((day, hours)) => (day, Some(hours.trim())),
            None => (text, None),
        };
        match (parse_day(day)?, hours) {
            (day @ (Self::Day(_) | Self::YearDay(_)), None) => Ok(day),
            (Self::Day(day), Some("24:00")) => Ok(Self::LastMidnight(day)),
            (Self::Day(day), Some(hours)) => Ok(Self::Time(day.to_datetime(parse_time(hours)?))),
            (Self::YearDay(_) | Self::Time(_) | Self::LastMidnight(_), _) => {
                Err(EntryError::YearlyTime)
            }
        }
    }
}

fn alone(end: End) -> Result<Entry, EntryError> {
    match end {
        End::Day(day) => Ok(Entry::Days { first: day, last: day }),
        End::YearDay(day) => Ok(Entry::Yearly { first: day, last: day }),
        End::Time(_) | End::LastMidnight(_) => Err(EntryError::TimeAlone),
    }
}

fn range(first: End, last: End) -> Result<Entry, EntryError> {
    match (first, last) {
        (End::Day(first), End::Day(last)) if last < first => Err(EntryError::Backwards),
        (End::Day(first), End::Day(last)) => Ok(Entry::Days { first, last }),
        (End::YearDay(first), End::YearDay(last)) => Ok(Entry::Yearly { first, last }),
        (End::Time(from), End::Time(to)) => times(from, to),
        (End::Time(from), End::LastMidnight(day)) => times(from, end_of(day)),
        (End::LastMidnight(_), End::Time(_) | End::LastMidnight(_)) => {
            Err(EntryError::Time("24:00".to_owned()))
        }
        (End::YearDay(_), _) | (_, End::YearDay(_)) => Err(EntryError::OneYear),
        (End::Day(_), End::Time(_) | End::LastMidnight(_))
        | (End::Time(_) | End::LastMidnight(_), End::Day(_)) => Err(EntryError::OneTime),
    }
}

fn times(from: DateTime, to: DateTime) -> Result<Entry, EntryError> {
    match to.cmp(&from) {
        std::cmp::Ordering::Less => Err(EntryError::Backwards),
        std::cmp::Ordering::Equal => Err(EntryError::Nothing),
        std::cmp::Ordering::Greater => Ok(Entry::Times { from, to }),
    }
}

/// A day with its year or without.
fn parse_day(text: &str) -> Result<End, EntryError> {
    let wrong = || EntryError::Day(bounded(text));
    let impossible = || EntryError::Impossible(text.to_owned());
    let parts: Vec<&str> = text.split('-').collect();
    match parts.as_slice() {
        [year, month, day] => {
            let year = digits(year, 4).ok_or_else(wrong)?;
            let (month, day) = month_and_day(month, day).ok_or_else(wrong)?;
            // Year 0 is on jiff's calendar and on nobody's wall.
            let date = Date::new(year, month, day).ok().filter(|date| date.year() > 0);
            date.map(End::Day).ok_or_else(impossible)
        }
        [month, day] => {
            let (month, day) = month_and_day(month, day).ok_or_else(wrong)?;
            YearDay::new(month, day).map(End::YearDay).ok_or_else(impossible)
        }
        _ => Err(wrong()),
    }
}

fn month_and_day(month: &str, day: &str) -> Option<(i8, i8)> {
    let two = |text| digits(text, 2).and_then(|number| i8::try_from(number).ok());
    Some((two(month)?, two(day)?))
}

fn parse_time(text: &str) -> Result<Time, EntryError> {
    let wrong = || EntryError::Time(bounded(text));
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let (hour, minute) = month_and_day(hour, minute).ok_or_else(wrong)?;
    Time::new(hour, minute, 0, 0).map_err(|_| wrong())
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<i16> {
    let is_one = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| text.parse().ok()).flatten()
}

/// So much of a text as a message may repeat.
fn bounded(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    text.chars().take(CHARS_MAX).collect()
}

impl YearDay {
    /// A day that some year has.
    #[must_use]
    pub fn new(month: i8, day: i8) -> Option<Self> {
        const A_LEAP_YEAR: i16 = 2000;
        Date::new(A_LEAP_YEAR, month, day).ok().map(|_| Self { month, day })
    }

    /// This day in a year, or else the one after it.
    pub(super) fn first_in(self, year: i16) -> Option<Date> {
        let exact = Date::new(year, self.month, self.day);
        exact.or_else(|_| Date::new(year, self.month + 1, 1)).ok()
    }

    /// This day in a year, or else the one before it.
    pub(super) fn last_in(self, year: i16) -> Option<Date> {
        let exact = Date::new(year, self.month, self.day);
        exact.or_else(|_| Date::new(year, self.month, self.day - 1)).ok()
    }
}

impl fmt::Display for YearDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl fmt::Display for Entry {
    /// As the policy file could have it; an event as its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = |time: &DateTime| time.strftime("%Y-%m-%d %H:%M").to_string();
        match self {
            Self::Days { first, last } if first == last => write!(f, "{first}"),
            Self::Days { first, last } => write!(f, "{first}..{last}"),
            Self::Yearly { first, last } if first == last => write!(f, "{first}"),
            Self::Yearly { first, last } => write!(f, "{first}..{last}"),
            Self::Times { from, to } => write!(f, "{} .. {}", minutes(from), minutes(to)),
            Self::Event(event) => write!(f, "{event}"),
        }
    }
}

impl Entry {
    /// Hands out what of it may be near, in any order.
    pub(super) fn resolve(&self, zone: &TimeZone, near: Near, found: &mut impl FnMut(Window)) {
        let mut resolve = |from: DateTime, to: DateTime| {
            if near.touches(from, to) {
                let window = Window { opens: instant(zone, from), closes: instant(zone, to) };
                if window.opens < window.closes {
                    found(window);
                }
            }
        };
        match self {
            Self::Event(event) => event.resolve(zone, near, found),
            Self::Days { first, last } => resolve(midnight(*first), end_of(*last)),
            Self::Times { from, to } => resolve(*from, *to),
            Self::Yearly { first, last } => {
                // What began in the year before may go on.
                let years = near.from.year().saturating_sub(1)..=near.to.year();
                for (first, last) in years.filter_map(|year| days_of(*first, *last, year)) {
                    resolve(midnight(first), end_of(last));
                }
            }
        }
    }

    /// The instant after which nothing of it is left; `None` where it comes back for ever.
    pub(super) fn ends(&self, zone: &TimeZone) -> Option<Timestamp> {
        let to = match self {
            Self::Event(event) => return event.ends(zone),
            Self::Yearly { .. } => return None,
            Self::Days { last, .. } => end_of(*last),
            Self::Times { to, .. } => *to,
        };
        Some(instant(zone, to))
    }
}

/// The days of a yearly entry that begin in a year; `None` where it has none of them.
fn days_of(first: YearDay, last: YearDay, year: i16) -> Option<(Date, Date)> {
    let begins = first.first_in(year)?;
    let ends_in = if last < first { year.checked_add(1)? } else { year };
    let ends = last.last_in(ends_in).unwrap_or(Date::MAX);
    (begins <= ends).then_some((begins, ends))
}

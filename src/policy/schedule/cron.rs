//! Cron expressions with the meaning of crontab(5); the only file that names `cron`.
//!
//! The `cron` crate parses. It numbers weekdays from Sunday = 1 where crontab(5) has Sunday = 0 and 7,
//! and rejects ranges that wrap; so weekdays are translated to names before it sees them. What it read
//! is kept as the sets of its fields, and fires are found by walking over civil days, which is many
//! times as fast as the crate's own iterator; a test compares the two.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use cron::TimeUnitSpec;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::{Occurrence, Window};

/// One cron expression, of five fields (or six, seconds first; or seven, year last).
#[derive(Debug, Clone)]
pub struct CronExpression {
    text: String,
    days: Days,
    /// The times of a day at which it fires, in order.
    times: Box<[Time]>,
}

/// The civil days on which an expression fires, as sets of bits.
#[derive(Debug, Clone)]
struct Days {
    /// The bit of a day of the month is its number.
    of_month: u32,
    /// The bit of a month is its number.
    months: u16,
    /// Monday is bit 0.
    of_week: u8,
    /// The years, where it names them.
    years: Option<Box<[i16]>>,
}

/// Idle from each `opens` until the next `closes`.
#[derive(Debug, Clone)]
pub struct CronPair {
    /// When windows open.
    pub opens: CronExpression,
    /// When they close.
    pub closes: CronExpression,
}

/// What is wrong with a cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// The number of fields.
    #[error("a cron expression has 5 fields (6 with seconds, 7 with a year), this one has {0}")]
    Fields(usize),
    /// A day of the week.
    #[error("`{0}` is not a day of the week")]
    Weekday(String),
    /// Both day fields are restricted, which crontab(5) reads as "or" and people read as "and".
    #[error("day of month and day of week are both restricted")]
    BothDays,
    /// The crate's own complaint.
    #[error("{0}")]
    Syntax(String),
    /// No date satisfies it.
    #[error("it never fires")]
    Never,
    /// More fires a day than any window needs.
    #[error("it fires more often than once a minute")]
    TooOften,
}

impl CronError {
    /// What would be right, for people.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Fields(_) | Self::Syntax(_) => {
                "write `minute hour day-of-month month day-of-week`, as in \"0 20 * * Mon-Fri\""
            }
            Self::Weekday(_) => {
                "days are 0 to 7 (0 and 7 are Sunday) or Sun to Sat, as in \"Mon-Fri\" or \"1-5\""
            }
            Self::BothDays => {
                "leave one of the two as `*`, and write a second schedule for the other"
            }
            Self::Never => "choose a day that its month has",
            Self::TooOften => "write one minute, and 0 for the seconds: \"0 20 * * *\"",
        }
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for CronExpression {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (seconds, rest, year) = match fields.as_slice() {
            rest if rest.len() == 5 => ("0", rest, "*"),
            [seconds, rest @ ..] if rest.len() == 5 => (*seconds, rest, "*"),
            [seconds, rest @ .., year] if rest.len() == 5 => (*seconds, rest, *year),
            other => return Err(CronError::Fields(other.len())),
        };
        if !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CronError::TooOften);
        }
        let weekdays = translate_weekdays(rest[4])?;
        if is_restricted(rest[2]) && weekdays != "*" {
            return Err(CronError::BothDays);
        }
        let translated = format!(
            "{seconds} {} {} {} {} {weekdays} {year}",
            rest[0],
            rest[1],
            question(rest[2]),
            rest[3]
        );
        let schedule = cron::Schedule::from_str(&translated)
            .map_err(|error| CronError::Syntax(one_line(&error.to_string())))?;
        let days = Days::of(&schedule);
        if days.are_none() {
            return Err(CronError::Never);
        }
        Ok(Self { text: fields.join(" "), times: times(&schedule), days })
    }
}

fn is_restricted(field: &str) -> bool {
    field != "*" && field != "?"
}

fn question(field: &str) -> &str {
    if field == "?" { "*" } else { field }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Weekdays of crontab(5), as a list of names for the crate.
fn translate_weekdays(field: &str) -> Result<String, CronError> {
    if !is_restricted(field) {
        return Ok("*".to_owned());
    }
    const NAMES: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let wrong = || CronError::Weekday(field.to_owned());
    let mut days = [false; 7];
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().map_err(|_| wrong())?),
            None => (part, 1),
        };
        if step == 0 {
            return Err(wrong());
        }
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (0, 6),
            Some((first, last)) => {
                (weekday(first).ok_or_else(wrong)?, weekday(last).ok_or_else(wrong)?)
            }
            None => (weekday(range).ok_or_else(wrong)?, weekday(range).ok_or_else(wrong)?),
        };
        // `5-1` wraps over the end of the week, and so does `5-7`, whose 7 is Sunday.
        let length = (last + 7 - first) % 7;
        let length = if first != last && length == 0 { 6 } else { length };
        for offset in (0..=length).step_by(step) {
            days[(first + offset) % 7] = true;
        }
    }
    if days == [true; 7] {
        return Ok("*".to_owned());
    }
    let names: Vec<&str> =
        NAMES.iter().zip(days).filter_map(|(name, on)| on.then_some(*name)).collect();
    Ok(names.join(","))
}

/// A weekday as the number of days since Sunday; 7 is Sunday too, and `0-7` is the whole week.
fn weekday(text: &str) -> Option<usize> {
    const NAMES: [&str; 8] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let lower = text.to_ascii_lowercase();
    if let Some(index) = NAMES.iter().position(|name| *name == lower) {
        return Some(index);
    }
    text.parse().ok().filter(|number| *number <= 7)
}

/// The fires that open a window which has not closed yet. The first on the civil calendar is not always
/// the first of all: a time that a clock change skips moves forward, maybe past the next fire.
#[derive(Default)]
struct Open(Vec<DateTime>);

impl Open {
    /// Notes a fire, unless it is so long after the first that no clock change could bring it before.
    fn add(&mut self, fire: DateTime) {
        let is_near = |first: &DateTime| fire <= first.saturating_add(2.days());
        if self.0.first().is_none_or(is_near) {
            self.0.push(fire);
        }
    }

    /// All that was open closes.
    fn close(&mut self, closes: DateTime, found: &mut Vec<Occurrence>) {
        found.extend(self.0.drain(..).map(|opens| Occurrence { opens, closes }));
    }
}

/// The times of a day at which a parsed expression fires.
fn times(schedule: &cron::Schedule) -> Box<[Time]> {
    let mut times = Vec::new();
    for hour in schedule.hours().iter() {
        for minute in schedule.minutes().iter() {
            let seconds = schedule.seconds().iter();
            times.extend(seconds.filter_map(|second| {
                let number = |ordinal: u32| i8::try_from(ordinal).ok();
                Time::new(number(hour)?, number(minute)?, number(second)?, 0).ok()
            }));
        }
    }
    times.into()
}

impl Days {
    fn of(schedule: &cron::Schedule) -> Self {
        let bit = |set: u32, ordinal: u32| set | 1 << ordinal;
        let years = schedule.years();
        let named = || years.iter().filter_map(|year| i16::try_from(year).ok()).collect();
        // The crate counts from Sunday = 1.
        let weekday = |set: u8, ordinal: u32| set | 1 << ((ordinal + 5) % 7);
        Self {
            of_month: schedule.days_of_month().iter().fold(0, bit),
            months: u16::try_from(schedule.months().iter().fold(0, bit)).unwrap_or(u16::MAX),
            of_week: schedule.days_of_week().iter().fold(0, weekday),
            years: (!years.is_all()).then(named),
        }
    }

    fn include(&self, day: Date) -> bool {
        self.months & 1 << day.month() != 0
            && self.of_month & 1 << day.day() != 0
            && self.of_week & 1 << day.weekday().to_monday_zero_offset() != 0
            && self.years.as_ref().is_none_or(|years| years.contains(&day.year()))
    }

    /// Whether no day that there will ever be is one of them: such as a February 30th.
    fn are_none(&self) -> bool {
        let first = self.years.as_ref().and_then(|years| years.first()).copied();
        // A named year is looked at itself; those that are not need eight for a February 29th, and no expression
        // has a day of the month and a day of the week.
        let years = self
            .years
            .as_ref()
            .map_or(8, |years| years.last().zip(first).map_or(1, |(last, first)| last - first + 1));
        let start = jiff::civil::date(first.unwrap_or(2024), 1, 1);
        let end = start.saturating_add(i64::from(years).years());
        !start.series(1.day()).take_while(|day| *day < end).any(|day| self.include(day))
    }
}

/// How many days are searched for a fire: past the longest time between two February 29ths.
const SEARCH_DAYS_MAX: usize = 8 * 366 + 2;

impl CronExpression {
    /// The first fire after an instant, with the expression read in UTC.
    #[must_use]
    pub fn next_utc(&self, after: Timestamp) -> Option<Timestamp> {
        let after = TimeZone::UTC.to_datetime(after);
        let next = self.first_after(after)?;
        TimeZone::UTC.to_timestamp(next).ok()
    }

    /// The longest stretch of `[from, to)` without a fire, with the expression read in UTC: the first of several.
    #[must_use]
    pub fn longest_gap_utc(&self, from: Timestamp, to: Timestamp) -> Window {
        let day_of = |instant| TimeZone::UTC.to_datetime(instant).date();
        let within = self
            .times
            .windows(2)
            .max_by_key(|pair| (pair[0].duration_until(pair[1]), Reverse(pair[0])));
        let mut longest = Window { opens: from, closes: from };
        let mut last = from;
        let days = day_of(from).series(1.day()).take_while(|day| *day <= day_of(to));
        for day in days.filter(|day| self.days.include(*day)) {
            let at = |time: Time| {
                let instant = TimeZone::UTC.to_timestamp(day.to_datetime(time));
                instant.unwrap_or(to).clamp(from, to)
            };
            let first = self.times.first().map(|first| (last, at(*first)));
            let within = within.map(|pair| (at(pair[0]), at(pair[1])));
            for (opens, closes) in first.into_iter().chain(within) {
                let gap = Window { opens, closes };
                if gap.length() > longest.length() {
                    longest = gap;
                }
            }
            last = self.times.last().map_or(last, |time| at(*time));
        }
        let rest = Window { opens: last, closes: to };
        if rest.length() > longest.length() { rest } else { longest }
    }

    /// The times at which it fires on a day.
    fn times_on(&self, day: Date) -> &[Time] {
        if self.days.include(day) { &self.times } else { &[] }
    }

    /// The first fire after a civil time.
    fn first_after(&self, civil: DateTime) -> Option<DateTime> {
        let day = civil.date();
        let today = self.times_on(day).iter().map(|time| day.to_datetime(*time));
        today.into_iter().find(|fire| *fire > civil).or_else(|| {
            let mut days = day.series(1.day()).skip(1).take(SEARCH_DAYS_MAX);
            let next = days.find(|day| self.days.include(*day))?;
            self.times.first().map(|time| next.to_datetime(*time))
        })
    }

    /// The last fire on a day before this one.
    fn last_before(&self, day: Date) -> Option<DateTime> {
        let mut days = day.series(-1.day()).skip(1).take(SEARCH_DAYS_MAX);
        let last = days.find(|day| self.days.include(*day))?;
        self.times.last().map(|time| last.to_datetime(*time))
    }
}

impl CronPair {
    /// Every occurrence that is open on one of the days, in order. One whose end lies beyond them is
    /// whole; one whose beginning lies before them may begin later than it really does.
    pub(super) fn occurrences(&self, from: Date, to: Date) -> Vec<Occurrence> {
        let mut found = Vec::new();
        let mut open = Open::default();
        self.open_before(from).into_iter().for_each(|fire| open.add(fire));
        for day in from.series(1.day()).take_while(|day| *day <= to) {
            let mut opens = self.opens.times_on(day).iter().peekable();
            for closes in self.closes.times_on(day) {
                // What opens at the time at which another closes is open after it.
                while let Some(time) = opens.next_if(|time| *time < closes) {
                    open.add(day.to_datetime(*time));
                }
                open.close(day.to_datetime(*closes), &mut found);
            }
            opens.for_each(|time| open.add(day.to_datetime(*time)));
        }
        // One that never closes is none: nothing that is missing means "for ever".
        let after = to.saturating_add(1.day()).to_datetime(Time::midnight());
        if let Some(closes) = self.closes.first_after(after.saturating_sub(1.second())) {
            open.close(closes, &mut found);
        }
        found
    }

    /// The last opening before a day, if it is still open when that day begins.
    fn open_before(&self, day: Date) -> Option<DateTime> {
        let opens = self.opens.last_before(day)?;
        let is_open = self.closes.last_before(day).is_none_or(|closes| closes <= opens);
        is_open.then_some(opens)
    }
}

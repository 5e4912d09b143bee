//! Cron expressions with the meaning of crontab(5); the only file that names `cron` and `chrono`.
//!
//! The `cron` crate parses and iterates, on a calendar without a zone (its UTC stands for the civil
//! calendar). It numbers weekdays from Sunday = 1 where crontab(5) has Sunday = 0 and 7, and rejects
//! ranges that wrap; so weekdays are translated to names before it sees them.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, TimeZone, Timelike, Utc};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone as JiffZone;
use jiff::{Timestamp, ToSpan};

use super::Occurrence;

/// One cron expression, of five fields (or six, seconds first; or seven, year last).
#[derive(Debug, Clone)]
pub struct CronExpression {
    text: String,
    /// Boxed: a parsed expression is large beside the other forms of a schedule.
    schedule: Box<cron::Schedule>,
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
        let expression = Self { text: fields.join(" "), schedule: Box::new(schedule) };
        match expression.schedule.after(&Utc.timestamp_nanos(0)).next() {
            Some(_) => Ok(expression),
            None => Err(CronError::Never),
        }
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

impl CronExpression {
    /// The first fire after an instant, with the expression read in UTC.
    #[must_use]
    pub fn next_utc(&self, after: Timestamp) -> Option<Timestamp> {
        let after = JiffZone::UTC.to_datetime(after);
        let next = self.fires_after(after).next()?;
        JiffZone::UTC.to_timestamp(next).ok()
    }

    /// The fires after a civil time, in order.
    fn fires_after(&self, after: DateTime) -> impl Iterator<Item = DateTime> + '_ {
        let start = to_chrono(after).unwrap_or_default();
        self.schedule.after_owned(start).map_while(from_chrono)
    }
}

impl CronExpression {
    /// The last fire at or before a civil time.
    fn last_fire_until(&self, time: DateTime) -> Option<DateTime> {
        // The crate answers with what comes strictly before.
        let after = to_chrono(time.saturating_add(1.second()))?;
        from_chrono(self.schedule.after(&after).next_back()?)
    }
}

impl CronPair {
    /// The occurrence that opened last before a civil time, if it is still open then.
    fn open_before(&self, time: DateTime) -> Option<Occurrence> {
        let opens = self.opens.last_fire_until(time)?;
        let closes = self.closes.fires_after(opens).next()?;
        (closes > time).then_some(Occurrence { opens, closes })
    }

    /// Every occurrence that opens on one of the days, in order, and before them the one that is
    /// still open.
    pub(super) fn occurrences(&self, from: Date, to: Date) -> Vec<Occurrence> {
        let start = from.to_datetime(jiff::civil::Time::midnight());
        // The crate answers with what comes strictly after; midnight itself belongs to the day.
        let before = start.saturating_sub(1.second());
        let end = to.saturating_add(1.day()).to_datetime(jiff::civil::Time::midnight());
        let mut closes = self.closes.fires_after(before).peekable();
        let mut found: Vec<Occurrence> = self.open_before(before).into_iter().collect();
        for opens in self.opens.fires_after(before).take_while(|opens| *opens < end) {
            while closes.peek().is_some_and(|closes| *closes <= opens) {
                closes.next();
            }
            let Some(closes) = closes.peek().copied() else { break };
            // Fires that open one window again add nothing to it.
            if found.last().is_none_or(|last| last.closes != closes) {
                found.push(Occurrence { opens, closes });
            }
        }
        found
    }
}

fn to_chrono(civil: DateTime) -> Option<chrono::DateTime<Utc>> {
    let unsigned = |number: i8| u32::try_from(number).unwrap_or(0);
    let date = NaiveDate::from_ymd_opt(
        civil.year().into(),
        unsigned(civil.month()),
        unsigned(civil.day()),
    )?;
    let time = date.and_hms_opt(
        unsigned(civil.hour()),
        unsigned(civil.minute()),
        unsigned(civil.second()),
    )?;
    Some(time.and_utc())
}

fn from_chrono(fire: chrono::DateTime<Utc>) -> Option<DateTime> {
    let signed = |number: u32| i8::try_from(number).unwrap_or(0);
    let year = i16::try_from(fire.year()).ok()?;
    DateTime::new(
        year,
        signed(fire.month()),
        signed(fire.day()),
        signed(fire.hour()),
        signed(fire.minute()),
        signed(fire.second()),
        0,
    )
    .ok()
}

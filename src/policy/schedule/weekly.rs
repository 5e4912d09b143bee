//! Weekly windows: `Sun-Fri 20:00-07:00`, `Sat-Sun`, `Mon,Wed 12:00-13:30`; and those of some weeks of a
//! month: `1st Mon 00:00-12:00`, `2nd,4th Sat`, `last Fri 18:00-24:00`.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, Time, Weekday};

use super::Occurrence;

const ORDINALS: [&str; 5] = ["1st", "2nd", "3rd", "4th", "5th"];
/// Monday first.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Windows that open on some days of every week, or of some weeks of a month, all at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeeklyWindow {
    /// Which of a month's Mondays, Tuesdays and so on are meant.
    ordinals: Ordinals,
    /// Monday first: whether a window opens on that day.
    days: [bool; 7],
    opens: Time,
    /// The time of the end, on the opening day or the day after it.
    closes: Time,
    next_day: bool,
}

/// The first to the fifth of a month's days of one name, and the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ordinals {
    /// First to fifth.
    nth: [bool; 5],
    last: bool,
}

impl WeeklyWindow {
    /// Whether it is of some weeks of a month and of several days: each day is counted by itself, so that those of
    /// a weekend may fall apart.
    #[must_use]
    pub fn counts_several_days(&self) -> bool {
        self.ordinals != Ordinals::EVERY && self.days.iter().filter(|day| **day).count() > 1
    }
}

impl Ordinals {
    const EVERY: Self = Self { nth: [true; 5], last: true };

    /// Whether a day is one of them among the days of its name in its month.
    fn include(self, day: Date) -> bool {
        let before = usize::try_from((day.day() - 1) / 7).unwrap_or(0);
        let is_last = day.day() + 7 > day.days_in_month();
        self.nth[before] || (self.last && is_last)
    }
}

/// In one form of the several that may be written.
impl fmt::Display for WeeklyWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ordinals != Ordinals::EVERY {
            let named = ORDINALS.iter().zip(self.ordinals.nth).filter(|(_, is_in)| *is_in);
            let named = named.map(|(name, _)| *name).chain(self.ordinals.last.then_some("last"));
            write!(f, "{} ", named.collect::<Vec<_>>().join(","))?;
        }
        let runs: Vec<String> = runs(self.days)
            .map(|(first, last)| match DAYS[first..=last] {
                [one] => one.to_owned(),
                [one, other] => format!("{one},{other}"),
                _ => format!("{}-{}", DAYS[first], DAYS[last]),
            })
            .collect();
        let minutes = |time: Time| time.strftime("%H:%M").to_string();
        let ends_at_midnight = self.next_day && self.closes == Time::midnight();
        let closes = if ends_at_midnight { "24:00".to_owned() } else { minutes(self.closes) };
        write!(f, "{} {}-{closes}", runs.join(","), minutes(self.opens))
    }
}

/// The runs of days that follow each other, each by its first and its last.
fn runs(days: [bool; 7]) -> impl Iterator<Item = (usize, usize)> {
    let is_in = move |day: usize| days.get(day).copied().unwrap_or(false);
    let firsts = (0..7).filter(move |day| is_in(*day) && (*day == 0 || !is_in(day - 1)));
    firsts
        .map(move |first| (first, (first..7).take_while(|day| is_in(*day)).last().unwrap_or(first)))
}

/// What is wrong with the text of a weekly window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeeklyError {
    /// There is nothing in it.
    #[error("an idle window is empty")]
    Empty,
    /// A day is not one of seven.
    #[error("`{0}` is not a day of the week")]
    Day(String),
    /// The hours are not `HH:MM-HH:MM`.
    #[error("`{0}` is not a pair of times of the day")]
    Hours(String),
    /// An ordinal is not one of those that there are.
    #[error("`{0}` is not a week of the month")]
    Ordinal(String),
    /// An ordinal stands alone.
    #[error("`{0}` stands before no day of the week")]
    NoDay(String),
    /// There are more than days and hours.
    #[error("`{0}` follows the hours")]
    Trailing(String),
}

impl WeeklyError {
    /// What would be right, for people.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Trailing(_) => {
                "give each pair of hours a window of its own: \"Sat 10:00-12:00\", \"Sat 13:00-14:00\""
            }
            Self::Empty => {
                "write days, then hours: \"Sun-Fri 20:00-07:00\"; days alone mean whole days: \"Sat-Sun\""
            }
            Self::Day(_) => {
                "days are Mon, Tue, Wed, Thu, Fri, Sat and Sun, as a list `Mon,Wed` or a range `Sun-Fri`"
            }
            Self::Ordinal(_) | Self::NoDay(_) => {
                "weeks are 1st, 2nd, 3rd, 4th, 5th and last, before the days: \"1st Mon 00:00-12:00\", \"2nd,4th Sat\""
            }
            Self::Hours(_) => {
                "hours are HH:MM-HH:MM from 00:00 to 24:00, as in 20:00-07:00; an end at or before its start is on the next day"
            }
        }
    }
}

impl FromStr for WeeklyWindow {
    type Err = WeeklyError;

    fn from_str(text: &str) -> Result<Self, WeeklyError> {
        let mut words = text.split_whitespace();
        let first = words.next().ok_or(WeeklyError::Empty)?;
        let (ordinals, days) = match parse_ordinals(first)? {
            None => (Ordinals::EVERY, first),
            Some(ordinals) => {
                (ordinals, words.next().ok_or_else(|| WeeklyError::NoDay(first.to_owned()))?)
            }
        };
        let days = parse_days(days)?;
        let hours = words.next();
        if let Some(word) = words.next() {
            return Err(WeeklyError::Trailing(word.to_owned()));
        }
        let midnight = Time::midnight();
        let (opens, closes, next_day) = match hours {
            None => (midnight, midnight, true),
            Some(hours) => {
                parse_hours(hours).ok_or_else(|| WeeklyError::Hours(hours.to_owned()))?
            }
        };
        Ok(Self { ordinals, days, opens, closes, next_day })
    }
}

/// `1st`, `2nd,4th`, `1st-3rd` or `last`; `None` for a word that does not begin like one.
fn parse_ordinals(text: &str) -> Result<Option<Ordinals>, WeeklyError> {
    let lower = text.to_ascii_lowercase();
    if !lower.starts_with(|c: char| c.is_ascii_digit()) && !lower.starts_with("last") {
        return Ok(None);
    }
    let wrong = || WeeklyError::Ordinal(text.to_owned());
    let index = |name: &str| ORDINALS.iter().position(|known| *known == name).ok_or_else(wrong);
    let mut ordinals = Ordinals { nth: [false; 5], last: false };
    for part in lower.split(',') {
        if part == "last" {
            ordinals.last = true;
            continue;
        }
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (index(first)?, index(last)?);
        if first > last {
            return Err(wrong());
        }
        ordinals.nth[first..=last].fill(true);
    }
    Ok(Some(ordinals))
}

fn parse_days(text: &str) -> Result<[bool; 7], WeeklyError> {
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (parse_day(first)?, parse_day(last)?);
        loop {
            days[day] = true;
            if day == last {
                break;
            }
            day = (day + 1) % 7;
        }
    }
    Ok(days)
}

/// A day as the number of days since Monday.
fn parse_day(text: &str) -> Result<usize, WeeklyError> {
    let day = DAYS.iter().position(|name| name.eq_ignore_ascii_case(text));
    day.ok_or_else(|| WeeklyError::Day(text.to_owned()))
}

fn parse_hours(text: &str) -> Option<(Time, Time, bool)> {
    let (opens, closes) = text.split_once('-')?;
    let opens = parse_time(opens)?;
    if closes == "24:00" {
        return Some((opens, Time::midnight(), true));
    }
    let closes = parse_time(closes)?;
    Some((opens, closes, closes <= opens))
}

fn parse_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| -> Option<i8> {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// Every occurrence that opens on one of the days, in order of days.
pub(super) fn occurrences(windows: &[WeeklyWindow], from: Date, to: Date) -> Vec<Occurrence> {
    let mut found = Vec::new();
    let mut day = from;
    loop {
        let weekday = days_since_monday(day.weekday());
        let opens_on =
            |window: &&WeeklyWindow| window.days[weekday] && window.ordinals.include(day);
        for window in windows.iter().filter(opens_on) {
            let closing_day = if window.next_day { day.saturating_add(1.day()) } else { day };
            found.push(Occurrence {
                opens: day.to_datetime(window.opens),
                closes: closing_day.to_datetime(window.closes),
            });
        }
        match day.tomorrow() {
            Ok(next) if next <= to => day = next,
            _ => return found,
        }
    }
}

fn days_since_monday(weekday: Weekday) -> usize {
    usize::try_from(weekday.to_monday_zero_offset()).unwrap_or(0)
}

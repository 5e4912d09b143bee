//! Calendars as data: what they mean, how they are written, and how they are given to the schedule.

use std::fmt;

use jiff::civil::{Date as JiffDate, DateTime};
use lightsout::policy::calendar::{Calendar, Effect, Entry};

use super::civil::{self, DAY, Date};

/// One entry of `dates`. Days are counted from 1970-01-01, civil times in seconds from its midnight.
#[derive(Debug, Clone, Copy)]
pub enum Dates {
    Day(i64),
    /// Both included.
    Run(i64, i64),
    /// A month and a day of every year that has it.
    Yearly(u32, u32),
    /// From a civil time to another.
    Times(i64, i64),
}

#[derive(Debug, Clone)]
pub struct Days {
    pub effect: Effect,
    pub dates: Vec<Dates>,
}

/// The years for which yearly days are written out.
const YEARS: std::ops::RangeInclusive<i64> = 1975..=2060;

impl Dates {
    /// Its spans of civil time that could touch the days from `first` to `last`.
    pub fn civil(&self, first: i64, last: i64) -> Vec<(i64, i64)> {
        let spans = match *self {
            Self::Day(day) => vec![(day * DAY, (day + 1) * DAY)],
            Self::Run(from, to) => vec![(from * DAY, (to + 1) * DAY)],
            Self::Yearly(month, of_month) => {
                let days = YEARS.filter_map(|year| civil::day(year, month, of_month));
                days.map(|day| (day * DAY, (day + 1) * DAY)).collect()
            }
            Self::Times(from, to) => vec![(from, to)],
        };
        let near = |span: &(i64, i64)| span.1 >= first * DAY && span.0 <= (last + 1) * DAY;
        spans.into_iter().filter(near).collect()
    }

    fn entries(&self) -> Vec<Entry> {
        match *self {
            Self::Day(day) => vec![Entry::Days { first: jiff_date(day), last: jiff_date(day) }],
            Self::Run(from, to) => {
                vec![Entry::Days { first: jiff_date(from), last: jiff_date(to) }]
            }
            Self::Yearly(month, of_month) => {
                let days = YEARS.filter_map(|year| civil::day(year, month, of_month));
                days.flat_map(|day| Self::Day(day).entries()).collect()
            }
            Self::Times(from, to) => {
                vec![Entry::Times { from: jiff_time(from), to: jiff_time(to) }]
            }
        }
    }
}

impl Days {
    /// What the configuration would make of it.
    pub fn calendar(&self) -> Calendar {
        let entries = self.dates.iter().flat_map(Dates::entries).collect();
        Calendar { name: "calendar".into(), effect: self.effect, entries }
    }
}

fn jiff_date(day: i64) -> JiffDate {
    let Date { year, month, day } = civil::date(day);
    JiffDate::new(year as i16, month as i8, day as i8).unwrap()
}

fn jiff_time(civil: i64) -> DateTime {
    let second = civil.rem_euclid(DAY);
    let (hour, minute) = ((second / 3600) as i8, (second / 60 % 60) as i8);
    jiff_date(civil::day_of(civil)).at(hour, minute, (second % 60) as i8, 0)
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = |day: i64| civil::show(day * DAY)[..10].to_owned();
        match *self {
            Self::Day(day) => write!(f, "\"{}\"", date(day)),
            Self::Run(from, to) => write!(f, "\"{}..{}\"", date(from), date(to)),
            Self::Yearly(month, day) => write!(f, "\"{month:02}-{day:02}\""),
            Self::Times(from, to) => {
                let time = |civil| civil::show(civil)[..16].to_owned();
                write!(f, "\"{} .. {}\"", time(from), time(to))
            }
        }
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::Closed => "closed",
            Effect::Open => "open",
        };
        let dates: Vec<String> = self.dates.iter().map(Dates::to_string).collect();
        write!(f, "{effect} [{}]", dates.join(", "))
    }
}

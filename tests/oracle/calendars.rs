//! Calendars as data: what they mean, how they are written, and how they are given to the schedule.

use std::fmt;

use lightsout::policy::calendar::{Calendar, Effect};

use super::civil::{self, DAY, Date};

/// One entry of `dates`. Days are counted from 1970-01-01, civil times in seconds from its midnight.
#[derive(Debug, Clone, Copy)]
pub enum Dates {
    Day(i64),
    /// Both included.
    Run(i64, i64),
    /// From a month and day to another of every year, both included; maybe over the new year.
    Yearly((u32, u32), (u32, u32)),
    /// From a civil time to another.
    Times(i64, i64),
}

#[derive(Debug, Clone)]
pub struct Days {
    pub effect: Effect,
    pub dates: Vec<Dates>,
}

impl Dates {
    /// Its spans of civil time that could touch the days from `first` to `last`.
    pub fn civil(&self, first: i64, last: i64) -> Vec<(i64, i64)> {
        let whole = |day: i64| (day * DAY, (day + 1) * DAY);
        match *self {
            Self::Day(day) => vec![whole(day)],
            Self::Run(from, to) => vec![(from * DAY, (to + 1) * DAY)],
            Self::Yearly(from, to) => {
                let is_meant = |day: &i64| {
                    let Date { month, day, .. } = civil::date(*day);
                    let (begun, not_over) = (from <= (month, day), (month, day) <= to);
                    if from <= to { begun && not_over } else { begun || not_over }
                };
                (first - 1..=last + 1).filter(is_meant).map(whole).collect()
            }
            Self::Times(from, to) => vec![(from, to)],
        }
    }
}

impl Days {
    /// What the configuration makes of what a person would type.
    pub fn calendar(&self) -> Calendar {
        let read = |dates: &Dates| {
            let text = dates.to_string();
            text.parse().unwrap_or_else(|why| panic!("`{text}` was refused: {why}"))
        };
        let entries = self.dates.iter().map(read).collect();
        Calendar { name: "calendar".into(), effect: self.effect, entries }
    }
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = |day: i64| civil::show(day * DAY)[..10].to_owned();
        match *self {
            Self::Day(day) => f.write_str(&date(day)),
            Self::Run(from, to) => write!(f, "{}..{}", date(from), date(to)),
            Self::Yearly((month, day), to) if (month, day) == to => {
                write!(f, "{month:02}-{day:02}")
            }
            Self::Yearly(from, to) => {
                write!(f, "{:02}-{:02}..{:02}-{:02}", from.0, from.1, to.0, to.1)
            }
            Self::Times(from, to) => {
                let time = |civil| civil::show(civil)[..16].to_owned();
                write!(f, "{} .. {}", time(from), time(to))
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
        let dates: Vec<String> = self.dates.iter().map(|dates| format!("\"{dates}\"")).collect();
        write!(f, "{effect} [{}]", dates.join(", "))
    }
}

//! What is under test: one schedule as data, and the one place where the library's own is made of it.

use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;
use lightsout::policy::Schedule;
use lightsout::policy::schedule::{CronPair, Idle as ScheduleIdle};

use super::calendars::Days;
use super::crontab::Expression;
use super::weekly::Weekly;

/// The two forms of idle hours.
#[derive(Debug, Clone)]
pub enum Idle {
    Weekly(Vec<Weekly>),
    Cron { opens: Box<Expression>, closes: Box<Expression> },
}

#[derive(Debug, Clone)]
pub struct Subject {
    pub idle: Idle,
    pub calendars: Vec<Days>,
}

impl Subject {
    /// The library's schedule, read from the text that a person would type.
    pub fn schedule(&self, zone: &TimeZone) -> Schedule {
        fn read<T: std::str::FromStr<Err: fmt::Display>>(text: String) -> T {
            text.parse().unwrap_or_else(|why| panic!("`{text}` was refused: {why}"))
        }
        let idle = match &self.idle {
            Idle::Weekly(windows) => ScheduleIdle::Weekly(
                windows.iter().map(|window| read(window.to_string())).collect(),
            ),
            Idle::Cron { opens, closes } => {
                let (opens, closes) = (read(opens.to_string()), read(closes.to_string()));
                ScheduleIdle::Cron(CronPair { opens, closes })
            }
        };
        let calendars = self.calendars.iter().map(|days| Arc::new(days.calendar())).collect();
        Schedule::new("oracle".into(), zone.clone(), idle, calendars)
    }
}

impl Subject {
    /// Whether it names weeks of months.
    pub fn has_nth(&self) -> bool {
        match &self.idle {
            Idle::Weekly(windows) => windows.iter().any(|window| !window.nth.is_empty()),
            Idle::Cron { .. } => false,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.idle {
            Idle::Weekly(windows) => {
                let windows: Vec<String> =
                    windows.iter().map(|window| format!("\"{window}\"")).collect();
                write!(f, "idle = [{}]", windows.join(", "))?;
            }
            Idle::Cron { opens, closes } => {
                write!(f, "idle = {{ opens = \"{opens}\", closes = \"{closes}\" }}")?;
            }
        }
        self.calendars.iter().try_for_each(|days| write!(f, ", {days}"))
    }
}

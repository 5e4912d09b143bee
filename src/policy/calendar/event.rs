//! An event of a calendar file: its beginnings on the civil calendar, and how long it lasts.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Near, instant};
use crate::policy::window::Window;

/// An event, once or many times.
///
/// What recurs is written out: each of its beginnings is here. So nothing that is asked of a calendar
/// takes longer the longer ago an event began, and a rule that nobody can follow is found when the
/// configuration is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    summary: String,
    zone: Option<TimeZone>,
    starts: Vec<DateTime>,
    length: Length,
    is_endless: bool,
}

/// How long an event lasts: first so long on the civil calendar, then so long in exact time.
///
/// RFC 5545, section 3.3.6: a day of a duration is a civil day, whose length a clock change changes;
/// an hour is an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// What is added on the civil calendar; not negative.
    pub civil: SignedDuration,
    /// What is added to the instant that results; not negative.
    pub exact: SignedDuration,
}

impl Length {
    /// Whether it is no time at all.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self.civil.is_zero() && self.exact.is_zero()
    }
}

impl Event {
    /// An event that begins at these civil times of a zone, or, without one, of whatever zone the
    /// schedule has. `is_endless` says that there are more than are given: it recurs for ever.
    #[must_use]
    pub fn new(
        summary: String,
        zone: Option<TimeZone>,
        mut starts: Vec<DateTime>,
        length: Length,
        is_endless: bool,
    ) -> Self {
        starts.sort_unstable();
        starts.dedup();
        Self { summary, zone, starts, length, is_endless }
    }

    /// What it is called.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Its beginnings, in order.
    #[must_use]
    pub fn starts(&self) -> &[DateTime] {
        &self.starts
    }

    /// When it is, in words: its zone, how long it lasts, and each of its beginnings.
    #[must_use]
    pub fn when(&self) -> String {
        let zone = self.zone.as_ref().and_then(TimeZone::iana_name);
        let zone = zone.map_or_else(String::new, |zone| format!(" in {zone}"));
        let Length { civil, exact } = self.length;
        let length = civil.saturating_add(exact);
        let starts = self.starts.iter().map(|start| start.strftime("%Y-%m-%d %H:%M").to_string());
        let starts = starts.collect::<Vec<_>>().join(", ");
        let more = if self.is_endless { ", and so on" } else { "" };
        format!("{length:#}{zone} from {starts}{more}")
    }

    /// Hands out what of it may be near, in order.
    pub(super) fn resolve(&self, zone: &TimeZone, near: Near, found: &mut impl FnMut(Window)) {
        let zone = self.zone.as_ref().unwrap_or(zone);
        let Length { civil, exact } = self.length;
        let earliest = near.from.saturating_sub(civil).saturating_sub(exact);
        let first = self.starts.partition_point(|start| *start < earliest);
        for start in self.starts[first..].iter().take_while(|start| **start <= near.to) {
            let window = self.window(zone, *start);
            if window.opens < window.closes {
                found(window);
            }
        }
    }

    /// The instant after which nothing of it is left; `None` where it recurs for ever.
    pub(super) fn ends(&self, zone: &TimeZone) -> Option<Timestamp> {
        if self.is_endless {
            return None;
        }
        let zone = self.zone.as_ref().unwrap_or(zone);
        let last = self.starts.last();
        Some(last.map_or(Timestamp::MIN, |start| self.window(zone, *start).closes))
    }

    fn window(&self, zone: &TimeZone, start: DateTime) -> Window {
        let Length { civil, exact } = self.length;
        let closes = instant(zone, start.saturating_add(civil));
        Window {
            opens: instant(zone, start),
            closes: closes.saturating_add(exact).unwrap_or(Timestamp::MAX),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)
    }
}

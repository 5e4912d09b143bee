//! Calendars: the days and hours on which idle hours are others.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::schedule::Window;
use crate::ids::CalendarName;

/// Days and hours, and what they do to the idle hours of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// Its name in the policy file.
    pub name: CalendarName,
    /// What it does.
    pub effect: Effect,
    /// When.
    pub entries: Vec<Entry>,
}

/// What a calendar does at its instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Idle all day, and nothing is started.
    Closed,
    /// No idle hours, and no `max_uptime`.
    Open,
}

/// One entry of a calendar.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// Whole civil days, both included.
    Days {
        /// The first.
        first: Date,
        /// The last.
        last: Date,
    },
    /// From one civil time to another.
    Times {
        /// The first.
        from: DateTime,
        /// The first after it.
        to: DateTime,
    },
}

impl Calendar {
    /// The spans of it that touch `[from, to)`, merged and in order, for a schedule in a zone.
    #[must_use]
    pub fn spans(&self, zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Window> {
        let at = |civil: DateTime| zone.to_ambiguous_timestamp(civil).compatible().ok();
        let span = |entry: &Entry| {
            let (opens, closes) = match entry {
                Entry::Days { first, last } => {
                    (first.at(0, 0, 0, 0), last.tomorrow().ok()?.at(0, 0, 0, 0))
                }
                Entry::Times { from, to } => (*from, *to),
            };
            Some(Window { opens: at(opens)?, closes: at(closes)? })
        };
        let spans = self.entries.iter().filter_map(span);
        spans.filter(|span| span.opens < to && from < span.closes).collect()
    }
}

//! Calendars: the days and hours on which idle hours are others.
//!
//! A calendar is read on the civil calendar of whoever asks, and acts on instants: a whole day is
//! from its midnight until the next day's, and a civil time that a clock change skips or repeats is
//! resolved as in `schedule` (RFC 5545, section 3.3.5). What is left of an entry where a clock change
//! leaves nothing is nothing. Nothing here knows what a schedule makes of it. Start at
//! [`Calendar::spans`], then read [`Entry`].

mod entry;
mod event;
#[cfg(test)]
mod tests;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use self::entry::{Entry, EntryError, YearDay};
pub use self::event::{Event, Length};

use super::window::{Window, merge};
use crate::ids::CalendarName;

/// Days and hours, and what they do to the idle hours of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// Its name in the policy file.
    pub name: CalendarName,
    /// What it does.
    pub effect: Effect,
    /// When. The order means nothing, and entries may overlap.
    pub entries: Vec<Entry>,
}

/// What a calendar does at its instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Idle all day, and nothing is started but to be rescued.
    Closed,
    /// No idle hours, and no `max_uptime`.
    Open,
}

impl Effect {
    /// The word for it in the policy file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
        }
    }
}

/// By how much an instant's civil time in any zone may differ from its civil time in UTC, and a
/// clock change may move it, with room to spare: offsets are below 26 hours, and the longest gap,
/// a whole day, was where a zone crossed the date line.
const REACH: SignedDuration = SignedDuration::from_hours(3 * 24);

impl Calendar {
    /// What of it is within `[from, to)`, for a schedule in a zone: in order, merged where it touches
    /// or overlaps, and cut off at `from` and `to`.
    ///
    /// So the spans of two ranges that touch, joined where they touch, are the spans of the whole
    /// range. Where `to` is not after `from` there are none.
    #[must_use]
    pub fn spans(&self, zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Window> {
        let near = Near::around(from, to);
        let mut found = Vec::new();
        for entry in &self.entries {
            entry.resolve(zone, near, &mut |window| {
                let cut = Window { opens: window.opens.max(from), closes: window.closes.min(to) };
                if cut.opens < cut.closes {
                    found.push(cut);
                }
            });
        }
        merge(found)
    }

    /// The instant after which nothing of it is left, for a schedule in a zone. `None`: there is
    /// always more to come. Where it has no entries at all, or a clock change leaves nothing of them,
    /// it is the first instant there is.
    #[must_use]
    pub fn ends(&self, zone: &TimeZone) -> Option<Timestamp> {
        let mut end = Timestamp::MIN;
        for entry in &self.entries {
            end = end.max(entry.ends(zone)?);
        }
        Some(end)
    }
}

/// The civil times at which something may be, in any zone, within a range of instants.
#[derive(Debug, Clone, Copy)]
struct Near {
    from: DateTime,
    to: DateTime,
}

impl Near {
    fn around(from: Timestamp, to: Timestamp) -> Self {
        let civil = |instant| TimeZone::UTC.to_datetime(instant);
        Self { from: civil(from).saturating_sub(REACH), to: civil(to).saturating_add(REACH) }
    }

    /// Whether civil times from one to another could be in the range.
    fn touches(self, from: DateTime, to: DateTime) -> bool {
        from <= self.to && to >= self.from
    }
}

/// The instant of a civil time; one beyond the last instant there is counts as the last.
fn instant(zone: &TimeZone, civil: DateTime) -> Timestamp {
    let resolved = zone.to_ambiguous_timestamp(civil).compatible();
    resolved.unwrap_or(if civil.year() < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// The midnight with which a day begins.
fn midnight(day: Date) -> DateTime {
    day.to_datetime(jiff::civil::Time::midnight())
}

/// The midnight with which a day ends.
fn end_of(day: Date) -> DateTime {
    day.tomorrow().map_or(DateTime::MAX, midnight)
}

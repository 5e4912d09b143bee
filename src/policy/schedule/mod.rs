//! Idle hours: a time zone and the windows in it, as pairs of instants.
//!
//! A schedule is read on the civil calendar and resolved to instants by one rule: a civil time that
//! a clock change skips moves forward by the length of the gap, one that happens twice means the
//! first (RFC 5545, section 3.3.5). Calendars then act on the instants: `open` beats `closed` beats
//! the weekly windows. Nothing here knows of sessions. Start at [`Schedule::window_after`]; `block`
//! works windows out, `spans` is the arithmetic of intervals.

mod block;
mod cron;
mod spans;
mod timetable;
mod weekly;

use std::fmt;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use self::cron::{CronError, CronExpression, CronPair};
pub use self::timetable::Timetable;
pub use self::weekly::{WeeklyError, WeeklyWindow};

use self::block::{Block, Memo};
use super::calendar::Calendar;
pub use super::window::Window;
use crate::ids::ScheduleName;

/// A time zone and its idle hours.
#[derive(Clone)]
pub struct Schedule {
    /// Its name in the policy file.
    pub name: ScheduleName,
    /// The zone in which its civil times are meant.
    pub zone: TimeZone,
    /// When it is idle, week by week.
    pub idle: Idle,
    /// What changes that on some days.
    pub calendars: Vec<Arc<Calendar>>,
    /// What was worked out before. It saves time and changes no answer.
    memo: Memo,
}

/// The two forms of idle hours.
#[derive(Debug, Clone)]
pub enum Idle {
    /// Windows that come back every week; at least one.
    Weekly(Vec<WeeklyWindow>),
    /// Idle from each fire of one expression until the next fire of the other.
    Cron(CronPair),
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weekly(windows) => {
                let windows: Vec<String> = windows.iter().map(ToString::to_string).collect();
                f.write_str(&windows.join(", "))
            }
            Self::Cron(CronPair { opens, closes }) => write!(f, "opens {opens}, closes {closes}"),
        }
    }
}

/// A window on the civil calendar, before its zone is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// When it opens.
    pub opens: DateTime,
    /// When it closes.
    pub closes: DateTime,
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, zone, idle, calendars, memo: _ } = self;
        let mut debug = f.debug_struct("Schedule");
        debug.field("name", name).field("zone", zone).field("idle", idle);
        debug.field("calendars", calendars).finish()
    }
}

impl Schedule {
    /// A schedule of these parts.
    #[must_use]
    pub fn new(
        name: ScheduleName,
        zone: TimeZone,
        idle: Idle,
        calendars: Vec<Arc<Calendar>>,
    ) -> Self {
        Self { name, zone, idle, calendars, memo: Memo::default() }
    }

    /// The name of its zone in the IANA database.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The window that is open at `instant`, or else the next one. `None`: none is open and none
    /// opens within eight years.
    ///
    /// Windows that touch or overlap are one. What is idle for more than eight years on end begins
    /// with the first instant there is and ends with the last.
    #[must_use]
    pub fn window_after(&self, instant: Timestamp) -> Option<Window> {
        self.span_after(instant, Timestamp::MAX, |block| &block.idle)
    }

    /// The instant by which so much time outside of windows has gone by since `from`: people are back in it, and
    /// not in an hour that a calendar opens in the middle of a weekend alone. The last instant there is, where that
    /// is after very many windows, or never.
    #[must_use]
    pub fn after_hours_of_work(&self, from: Timestamp, work: SignedDuration) -> Timestamp {
        const WINDOWS_MAX: usize = 500;
        let (mut at, mut left) = (from, work);
        for _ in 0..WINDOWS_MAX {
            let window = self.window_after(at);
            let free = window.map(|window| at.duration_until(window.opens));
            let Some(window) = window.filter(|_| free.is_some_and(|free| free < left)) else {
                return at.checked_add(left).unwrap_or(Timestamp::MAX);
            };
            left -= free.unwrap_or_default().max(SignedDuration::ZERO);
            at = window.closes;
        }
        Timestamp::MAX
    }

    /// Every window that touches `[from, to)`, in order, each of them whole.
    #[must_use]
    pub fn windows_between(&self, from: Timestamp, to: Timestamp) -> Vec<Window> {
        let next = |instant| self.window_after(instant).filter(|window| window.opens < to);
        std::iter::successors(next(from), |window| next(window.closes)).collect()
    }

    /// The times that touch `[from, to)` in which a calendar says `open`.
    #[must_use]
    pub fn open_between(&self, from: Timestamp, to: Timestamp) -> Vec<Window> {
        self.calendar_spans_between(from, to, |block| &block.open)
    }

    /// When a calendar next begins to say `open`, after `instant` and before `until`.
    #[must_use]
    pub fn opening_between(&self, instant: Timestamp, until: Timestamp) -> Option<Timestamp> {
        if self.calendars.is_empty() {
            return None;
        }
        let first = self.span_after(instant, until, |block| &block.open)?;
        if first.opens > instant {
            return Some(first.opens);
        }
        self.span_after(first.closes, until, |block| &block.open).map(|next| next.opens)
    }

    /// The times that touch `[from, to)` in which a calendar says `closed` and none says `open`.
    #[must_use]
    pub fn closed_between(&self, from: Timestamp, to: Timestamp) -> Vec<Window> {
        self.calendar_spans_between(from, to, |block| &block.closed)
    }

    fn calendar_spans_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        list: fn(&Block) -> &Vec<Window>,
    ) -> Vec<Window> {
        if self.calendars.is_empty() {
            return Vec::new();
        }
        let next = |instant| self.span_after(instant, to, list);
        std::iter::successors(next(from), |span| next(span.closes)).collect()
    }

    /// The clock changes of its zone in `[from, to)`: the instant of each, and the offset from UTC in
    /// seconds before and after it.
    #[must_use]
    pub fn clock_changes(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, i32, i32)> {
        let before = from.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(from);
        let mut offset = self.zone.to_offset(before).seconds();
        let mut changes = Vec::new();
        let transitions = self.zone.following(before);
        for transition in transitions.take_while(|transition| transition.timestamp() < to) {
            let after = transition.offset().seconds();
            if after != offset {
                changes.push((transition.timestamp(), offset, after));
            }
            offset = after;
        }
        changes
    }

    /// The time in which a calendar says `closed` and none says `open`, if that is so at `instant`.
    #[must_use]
    pub fn closed_at(&self, instant: Timestamp) -> Option<Window> {
        let next = instant.checked_add(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MAX);
        self.closed_between(instant, next).first().copied()
    }

    /// The windows of the weekly hours or the cron pair that a clock change leaves nothing of: those
    /// that open on a civil day that `[from, to)` touches.
    #[must_use]
    pub fn empty_between(&self, from: Timestamp, to: Timestamp) -> Vec<Occurrence> {
        let day = |instant| self.zone.to_datetime(instant).date();
        let mut occurrences = self.occurrences(day(from), day(to));
        let is_empty = |occurrence: &Occurrence| {
            block::instants(&self.zone, occurrence).is_none_or(|w| w.closes <= w.opens)
        };
        if let Idle::Cron(_) = self.idle {
            // What opens again a window that is open on the civil calendar is no window of its own.
            occurrences.dedup_by_key(|occurrence| occurrence.closes);
        }
        occurrences.into_iter().filter(is_empty).collect()
    }
}

#[cfg(test)]
mod tests;

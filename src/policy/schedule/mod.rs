//! Idle hours: a time zone and the windows in it, as pairs of instants.
//!
//! A schedule is read on the civil calendar and resolved to instants by one rule: a civil time that
//! a clock change skips moves forward by the length of the gap, one that happens twice means the
//! first (RFC 5545, section 3.3.5). Nothing here knows of sessions. Start at [`Schedule::window_after`].

mod cron;
mod weekly;

use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

pub use self::cron::{CronError, CronExpression, CronPair};
pub use self::weekly::{WeeklyError, WeeklyWindow};

use super::calendar::Calendar;
use crate::ids::ScheduleName;

/// One concrete idle interval, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// The first instant of it.
    pub opens: Timestamp,
    /// The first instant after it.
    pub closes: Timestamp,
}

/// A time zone and its idle hours.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name in the policy file.
    pub name: ScheduleName,
    /// The zone in which its civil times are meant.
    pub zone: TimeZone,
    /// When it is idle, week by week.
    pub idle: Idle,
    /// What changes that on some days.
    pub calendars: Vec<Arc<Calendar>>,
}

/// The two forms of idle hours.
#[derive(Debug, Clone)]
pub enum Idle {
    /// Windows that come back every week; at least one.
    Weekly(Vec<WeeklyWindow>),
    /// Idle from each fire of one expression until the next fire of the other.
    Cron(CronPair),
}

/// A window on the civil calendar, before its zone is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Occurrence {
    opens: DateTime,
    closes: DateTime,
}

/// How far to look at first on both sides of an instant; then twice as far, and so on. A week and a
/// day on each side shows every weekly window whole.
const REACH_DAYS: i32 = 9;

/// How far to look at the most: a February 29th is at most eight years from the next.
const REACH_DAYS_MAX: i32 = 9 << 9;

impl Schedule {
    /// The window that is open at `instant`, or else the next one. `None`: none is open and none
    /// opens within eight years.
    ///
    /// Windows that touch or overlap are one. A schedule that is always idle has one window, from
    /// the first instant there is to the last.
    #[must_use]
    pub fn window_after(&self, instant: Timestamp) -> Option<Window> {
        if self.is_always_idle() {
            return Some(Window { opens: Timestamp::MIN, closes: Timestamp::MAX });
        }
        let day = self.zone.to_datetime(instant).date();
        let mut reach = REACH_DAYS;
        loop {
            let (from, to) = (saturating_days(day, -reach), saturating_days(day, reach));
            let windows = self.windows_of_days(from, to);
            let found = windows.into_iter().find(|window| window.closes > instant);
            let whole = found.is_some_and(|window| self.is_inside(window, from, to));
            if whole || reach >= REACH_DAYS_MAX {
                return found;
            }
            reach *= 2;
        }
    }

    /// Every window that touches `[from, to)`, in order. One that was open before is whole.
    #[must_use]
    pub fn windows_between(&self, from: Timestamp, to: Timestamp) -> Vec<Window> {
        let mut windows = Vec::new();
        let mut instant = from;
        while let Some(window) = self.window_after(instant).filter(|window| window.opens < to) {
            windows.push(window);
            instant = window.closes;
        }
        windows
    }

    /// Whether no civil minute of a week is outside the windows.
    fn is_always_idle(&self) -> bool {
        match &self.idle {
            Idle::Weekly(windows) => weekly::covers_the_week(windows),
            // Where both fire at the same times it would be; the configuration refuses that.
            Idle::Cron(_) => false,
        }
    }

    /// Merged windows of the occurrences whose civil opening day is within `[from, to]`.
    fn windows_of_days(&self, from: Date, to: Date) -> Vec<Window> {
        let occurrences = match &self.idle {
            Idle::Weekly(windows) => weekly::occurrences(windows, from, to),
            Idle::Cron(pair) => pair.occurrences(from, to),
        };
        merge(occurrences.into_iter().filter_map(|occurrence| self.resolve(occurrence)).collect())
    }

    /// The instants of an occurrence; `None` where a clock change leaves nothing of it.
    fn resolve(&self, occurrence: Occurrence) -> Option<Window> {
        let instant = |civil| self.zone.to_ambiguous_timestamp(civil).compatible().ok();
        let window =
            Window { opens: instant(occurrence.opens)?, closes: instant(occurrence.closes)? };
        (window.closes > window.opens).then_some(window)
    }

    /// Whether nothing beyond the days looked at could touch the window.
    fn is_inside(&self, window: Window, from: Date, to: Date) -> bool {
        // A window of the day before `from` closes at the latest with that day's successor or, in
        // the cron form, with any later fire; so only a window that opens after `from` is whole.
        let day = |instant| self.zone.to_datetime(instant).date();
        day(window.opens) > saturating_days(from, 1) && day(window.closes) < to
    }
}

fn saturating_days(day: Date, days: i32) -> Date {
    day.saturating_add(days.days())
}

/// Sorts windows and joins those that touch or overlap.
fn merge(mut windows: Vec<Window>) -> Vec<Window> {
    windows.sort_unstable();
    let mut merged: Vec<Window> = Vec::with_capacity(windows.len());
    for window in windows {
        match merged.last_mut() {
            Some(last) if window.opens <= last.closes => {
                last.closes = last.closes.max(window.closes)
            }
            _ => merged.push(window),
        }
    }
    merged
}

impl Window {
    /// How long it lasts.
    #[must_use]
    pub fn length(&self) -> SignedDuration {
        self.opens.duration_until(self.closes)
    }

    /// Whether an instant is in it.
    #[must_use]
    pub fn contains(&self, instant: Timestamp) -> bool {
        self.opens <= instant && instant < self.closes
    }
}

#[cfg(test)]
mod tests;

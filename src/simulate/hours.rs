//! Idle hours as the checker reads them: minute by minute, on the civil clock.
//!
//! It shares nothing with `policy` but the conversion of an instant to civil time. It knows no windows:
//! it asks of one minute whether it is idle. Around a change of the clock, where a civil minute is
//! missing or comes twice, it says "maybe", and a checker then accepts either.

use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// How far around a clock change the answer may be either.
const NEAR_A_CHANGE: SignedDuration = SignedDuration::from_hours(3);

/// One weekly entry: on these days from a minute to a minute; past 1440 it is the next day's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Monday first.
    pub(super) days: [bool; 7],
    /// Minutes of the day on which it opens.
    pub(super) opens: u32,
    /// Minutes from the beginning of the same day.
    pub(super) closes: u32,
}

/// A time zone, with its offsets in the years in which stories play: a checker asks for very many.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    pub(super) rules: TimeZone,
    /// Each from an instant on.
    offsets: Arc<[(Timestamp, Offset)]>,
}

impl Zone {
    /// 2026-01-01 and 2040-01-01.
    const YEARS: [Timestamp; 2] =
        [Timestamp::constant(1_767_225_600, 0), Timestamp::constant(2_208_988_800, 0)];

    pub(super) fn named(name: &str) -> Self {
        let rules = TimeZone::get(name).unwrap_or(TimeZone::UTC);
        let [first, end] = Self::YEARS;
        let changes = rules.following(first).map(|change| (change.timestamp(), change.offset()));
        let changes = changes.take_while(|(at, _)| *at < end);
        let offsets = std::iter::once((first, rules.to_offset(first))).chain(changes).collect();
        Self { rules, offsets }
    }

    fn offset(&self, instant: Timestamp) -> Offset {
        let before = self.offsets.partition_point(|(from, _)| *from <= instant);
        let known = before.checked_sub(1).and_then(|place| self.offsets.get(place));
        let known = known.filter(|_| instant < Self::YEARS[1]);
        known.map_or_else(|| self.rules.to_offset(instant), |(_, offset)| *offset)
    }
}

/// What a schedule and its calendars say.
#[derive(Debug, Clone)]
pub(super) struct Hours {
    pub(super) zone_name: &'static str,
    pub(super) zone: Zone,
    pub(super) weekly: Vec<Entry>,
    /// Idle all day.
    pub(super) closed: Vec<Date>,
    /// Not idle at all, from one civil minute to another.
    pub(super) open: Vec<(DateTime, DateTime)>,
}

/// Whether a minute is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    Yes,
    No,
    Maybe,
}

impl Hours {
    /// Whether it is idle at an instant.
    pub(super) fn idle(&self, instant: Timestamp) -> Idle {
        let (mut is_ever, mut is_always) = (false, true);
        for civil in self.civil(instant) {
            let is_idle = self.is_idle(civil);
            is_ever |= is_idle;
            is_always &= is_idle;
        }
        match (is_ever, is_always) {
            (false, _) => Idle::No,
            (true, true) => Idle::Yes,
            (true, false) => Idle::Maybe,
        }
    }

    /// Whether an `open` calendar lifts everything at an instant, for sure.
    pub(super) fn lifted(&self, instant: Timestamp) -> bool {
        self.civil(instant).all(|civil| self.is_open(civil))
    }

    /// Whether a calendar closes the day, and no other opens it all the same.
    pub(super) fn closed(&self, instant: Timestamp) -> bool {
        self.civil(instant).all(|civil| self.is_closed(civil) && !self.is_open(civil))
    }

    /// The first minute from an instant on that may not be idle, up to `within`.
    pub(super) fn next_working(
        &self,
        from: Timestamp,
        within: SignedDuration,
    ) -> Option<Timestamp> {
        self.first(from, within, |idle| idle != Idle::Yes)
    }

    /// The same for the first that is not idle for sure.
    pub(super) fn next_surely_working(
        &self,
        from: Timestamp,
        within: SignedDuration,
    ) -> Option<Timestamp> {
        self.first(from, within, |idle| idle == Idle::No)
    }

    /// The first minute from an instant on that may be idle, up to `within`.
    pub(super) fn next_idle(&self, from: Timestamp, within: SignedDuration) -> Option<Timestamp> {
        self.first(from, within, |idle| idle != Idle::No)
    }

    fn first(
        &self,
        from: Timestamp,
        within: SignedDuration,
        is_it: impl Fn(Idle) -> bool,
    ) -> Option<Timestamp> {
        // Every entry of a simulation begins and ends at a multiple of this.
        const STEP_MINUTES: i64 = 15;
        (0..within.as_mins() / STEP_MINUTES).find_map(|step| {
            let at = from + SignedDuration::from_mins(step * STEP_MINUTES);
            is_it(self.idle(at)).then_some(at)
        })
    }

    /// What a civil clock may show: one time, save near a change.
    fn civil(&self, instant: Timestamp) -> impl Iterator<Item = DateTime> {
        let near = [instant - NEAR_A_CHANGE, instant, instant + NEAR_A_CHANGE];
        let offsets = near.map(|at| self.zone.offset(at));
        let is_first = move |place: &usize| !offsets[..*place].contains(&offsets[*place]);
        (0..offsets.len()).filter(is_first).map(move |place| offsets[place].to_datetime(instant))
    }

    fn is_idle(&self, civil: DateTime) -> bool {
        !self.is_open(civil) && (self.is_closed(civil) || self.is_weekly(civil))
    }

    fn is_open(&self, civil: DateTime) -> bool {
        self.open.iter().any(|(from, to)| *from <= civil && civil < *to)
    }

    fn is_closed(&self, civil: DateTime) -> bool {
        self.closed.contains(&civil.date())
    }

    fn is_weekly(&self, civil: DateTime) -> bool {
        let minute =
            u32::from(civil.hour().unsigned_abs()) * 60 + u32::from(civil.minute().unsigned_abs());
        let today = usize::from(civil.date().weekday().to_monday_zero_offset().unsigned_abs());
        let yesterday = (today + 6) % 7;
        self.weekly.iter().any(|entry| {
            let here = entry.days[today] && entry.opens <= minute && minute < entry.closes;
            let over = entry.days[yesterday] && minute + 1440 < entry.closes;
            here || over
        })
    }
}

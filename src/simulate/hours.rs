//! Idle hours as the checker reads them: minute by minute, on the civil clock.
//!
//! It shares nothing with `policy` but the conversion of an instant to civil time. It knows no windows:
//! it asks of one minute whether it is idle. Around a change of the clock, where a civil minute is
//! missing or comes twice, it says "maybe", and a checker then accepts either.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
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

/// What a schedule and its calendars say.
#[derive(Debug, Clone)]
pub(super) struct Hours {
    pub(super) zone_name: &'static str,
    pub(super) zone: TimeZone,
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
        let shifts = self.shifts(instant);
        let idle = shifts.iter().filter(|shift| self.idle_on(instant, **shift)).count();
        match idle {
            0 => Idle::No,
            all if all == shifts.len() => Idle::Yes,
            _ => Idle::Maybe,
        }
    }

    /// Whether an `open` calendar lifts everything at an instant, for sure.
    pub(super) fn lifted(&self, instant: Timestamp) -> bool {
        self.shifts(instant).iter().all(|shift| self.is_open(self.civil(instant, *shift)))
    }

    /// Whether a calendar closes the day, and no other opens it all the same.
    pub(super) fn closed(&self, instant: Timestamp) -> bool {
        let is_closed = |civil| self.is_closed(civil) && !self.is_open(civil);
        self.shifts(instant).iter().all(|shift| is_closed(self.civil(instant, *shift)))
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

    /// By how much a civil clock may be off here: not at all, save near a change.
    fn shifts(&self, instant: Timestamp) -> Vec<SignedDuration> {
        let offset = |at| self.zone.to_offset(at).seconds();
        let before = offset(instant - NEAR_A_CHANGE);
        let after = offset(instant + NEAR_A_CHANGE);
        let now = offset(instant);
        let mut shifts: Vec<i64> = [before, now, after].map(|at| i64::from(at - now)).into();
        shifts.sort_unstable();
        shifts.dedup();
        shifts.into_iter().map(SignedDuration::from_secs).collect()
    }

    fn civil(&self, instant: Timestamp, shift: SignedDuration) -> DateTime {
        self.zone.to_datetime(instant).saturating_add(shift)
    }

    fn idle_on(&self, instant: Timestamp, shift: SignedDuration) -> bool {
        let civil = self.civil(instant, shift);
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

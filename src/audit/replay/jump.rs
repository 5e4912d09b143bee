//! What a jump of the wall clock means for what is remembered: how long ago things were is a matter of
//! the time that went by, not of what a clock showed.
//!
//! The record tells what the clock would have shown (`from`) and what it did show (its `time`). What
//! is counted or waited for by age is moved along, so that it is as old after the jump as before. What
//! is compared with the service's own instants stays as it was recorded. An answer of a veto is as old as
//! either says that it is, whichever is more; and so is a warning that a keep or a pause may have taken back.

use jiff::{SignedDuration, Timestamp};

use super::{Replay, StudioPast};
use crate::audit::record::{Data, Kind, ReasonData, Record};
use crate::plan::{ClockJump, SessionHistory};

/// The name of the value that says what the clock would have shown.
const FROM: &str = "from";

/// The name of the value that says for how much of it the machine was suspended.
const SUSPENDED: &str = "suspended";

/// A jump of the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// What it should have shown by the monotonic clock.
    pub from: Timestamp,
    /// What it did show.
    pub to: Timestamp,
    /// For how long the machine was suspended meanwhile: so much of the jump is no error of the clock.
    pub suspended: SignedDuration,
}

impl Jump {
    /// Its record.
    #[must_use]
    pub fn record(self) -> Record {
        let Self { from, to, suspended } = self;
        let by = from.duration_until(to);
        let (direction, length) = (if by.is_negative() { "back" } else { "forward" }, by.abs());
        let values = [
            (FROM, from.to_string()),
            ("by", format!("{length:#}")),
            ("direction", direction.to_owned()),
            (SUSPENDED, format!("{suspended:#}")),
        ];
        let reason = ReasonData {
            code: "clock_jumped".to_owned(),
            values: values.map(|(name, value)| (name.to_owned(), value)).into(),
            text: format!("the clock jumped {direction} by {length:#}, from {from}"),
            alarm: true,
        };
        let data = Data { reason: Some(reason), ..Data::default() };
        Record { time: to, kind: Kind::ClockJumped, subject: String::new(), data }
    }
}

impl Replay {
    /// Every studio learns of a jump, those too of which nothing is known yet.
    pub(super) fn jump(&mut self, record: &Record) {
        let value = |name| record.data.reason.as_ref()?.values.get(name).map(String::as_str);
        let from = value(FROM).and_then(|from| from.parse().ok());
        let suspended = value(SUSPENDED).and_then(|suspended| suspended.parse().ok());
        // That it jumped must not be forgotten for want of a detail.
        let by =
            from.map_or(SignedDuration::ZERO, |from: Timestamp| from.duration_until(record.time));
        let jump = ClockJump { at: record.time, by };
        for past in self.studios.values_mut().chain([&mut self.others]) {
            past.jump(jump, suspended.unwrap_or_default());
        }
    }
}

impl StudioPast {
    fn jump(&mut self, jump: ClockJump, suspended: SignedDuration) {
        let moved = |at: &mut Timestamp| *at = at.checked_add(jump.by).unwrap_or(jump.at);
        self.history.stops.iter_mut().for_each(moved);
        self.history.starts.iter_mut().for_each(moved);
        self.counted.values_mut().for_each(moved);
        for past in self.history.sessions.values_mut() {
            for given in &mut past.warnings {
                moved(&mut given.at);
                // What a keep or a pause took back stays taken back: the ends of those are not moved.
                given.said = given.said.min(given.at);
            }
            for given in past.vetoes.values_mut() {
                moved(&mut given.since);
                // An answer never becomes younger. Older it may: a machine that slept knows of nothing since,
                // and it costs nothing to ask again.
                if jump.by.is_negative() {
                    moved(&mut given.at);
                }
            }
            not_later(past, jump.at);
        }
        // In whole seconds, as a checkpoint keeps it.
        let set_by = jump.by.saturating_sub(suspended);
        let behind = |by: SignedDuration| by.saturating_sub(set_by).as_secs();
        self.history.clock_behind =
            self.history.clock_behind.map(|by| SignedDuration::from_secs(behind(by)));
        self.history.clock_jump = Some(jump);
    }
}

/// Whoever rests after an attempt does not wait for an hour that the clock has yet to show again.
fn not_later(past: &mut SessionHistory, now: Timestamp) {
    let attempts = [&mut past.attempts, &mut past.start_attempts].into_iter().flatten();
    attempts.for_each(|attempts| attempts.last = attempts.last.min(now));
    let open = [&mut past.open, &mut past.starting].into_iter().flatten();
    open.for_each(|open| open.at = open.at.min(now));
}

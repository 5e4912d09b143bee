//! What a jump of the wall clock means for what is remembered: how long ago things were is a matter of
//! the time that went by, not of what a clock showed.
//!
//! The record tells what the clock would have shown (`from`) and what it did show (its `time`). What
//! is counted or waited for by age is moved along, so that it is as old after the jump as before. What
//! is compared with the service's own instants stays as it was recorded.

use jiff::{SignedDuration, Timestamp};

use super::{Replay, StudioPast};
use crate::audit::record::{Data, Kind, ReasonData, Record};
use crate::plan::{ClockJump, SessionHistory};

/// The name of the value that says what the clock would have shown.
const FROM: &str = "from";

/// The record of a jump: where the clock should have shown `from` it showed `to`.
#[must_use]
pub fn jumped(from: Timestamp, to: Timestamp) -> Record {
    let by = from.duration_until(to);
    let (direction, length) = (if by.is_negative() { "back" } else { "forward" }, by.abs());
    let values = [
        (FROM, from.to_string()),
        ("by", format!("{length:#}")),
        ("direction", direction.to_owned()),
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

impl Replay {
    /// Every studio learns of a jump, those too of which nothing is known yet.
    pub(super) fn jump(&mut self, record: &Record) {
        let reason = record.data.reason.as_ref();
        let from = reason.and_then(|reason| reason.values.get(FROM)?.parse().ok());
        // That it jumped must not be forgotten for want of a detail.
        let by =
            from.map_or(SignedDuration::ZERO, |from: Timestamp| from.duration_until(record.time));
        let jump = ClockJump { at: record.time, by };
        for past in self.studios.values_mut().chain([&mut self.others]) {
            past.jump(jump);
        }
    }
}

impl StudioPast {
    fn jump(&mut self, jump: ClockJump) {
        let moved = |at: &mut Timestamp| *at = at.checked_add(jump.by).unwrap_or(jump.at);
        self.history.stops.iter_mut().for_each(moved);
        self.history.starts.iter_mut().for_each(moved);
        self.counted.values_mut().for_each(moved);
        for past in self.history.sessions.values_mut() {
            past.warnings.iter_mut().for_each(|warning| moved(&mut warning.at));
            for given in past.vetoes.values_mut() {
                moved(&mut given.since);
                moved(&mut given.at);
            }
            not_later(past, jump.at);
        }
        // In whole seconds, as a checkpoint keeps it.
        let behind = |by: SignedDuration| by.saturating_sub(jump.by).as_secs();
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

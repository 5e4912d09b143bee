//! Windows worked out block by block of time, and remembered.
//!
//! A block is a fixed length of time, whatever the schedule. In it everything is exact: the
//! occurrences of the civil days around it are resolved to instants, calendars are laid over them,
//! and what is beyond the block is cut off. A window longer than a block is put together again from
//! its parts. Most questions are about a block that was worked out before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::spans::{clip, subtract};
use super::{Idle, Occurrence, Schedule, Window, weekly};
use crate::policy::calendar::Effect;
use crate::policy::window::merge;

/// How long a block is: long enough that a season's clock change falls into few of them, short enough
/// that one question does not work out a year.
const BLOCK_SECS: i64 = 64 * 24 * 3600;

/// How many blocks are looked at, each way, before a window counts as endless, or as never coming: a
/// February 29th is at most eight years from the next.
const BLOCKS_MAX: i64 = 8 * 366 * 24 * 3600 / BLOCK_SECS + 1;

/// How many blocks are remembered, which bounds the memory: all that one search can need.
const REMEMBERED_MAX: usize = 2 * BLOCKS_MAX as usize + 2;

/// The civil days before and after a block whose occurrences may reach into it: a window lasts a day
/// at the most beyond the day of its opening, and a zone may skip or repeat a day.
const MARGIN_DAYS: i32 = 3;

/// One block of time.
#[derive(Debug)]
pub(super) struct Block {
    /// The idle hours in it.
    pub(super) idle: Vec<Window>,
    /// What calendars call `open`.
    pub(super) open: Vec<Window>,
    /// What calendars call `closed` and none calls `open`.
    pub(super) closed: Vec<Window>,
}

/// The blocks that were worked out.
#[derive(Default)]
pub(super) struct Memo(Mutex<BTreeMap<i64, Arc<Block>>>);

impl Clone for Memo {
    /// A copy begins to remember anew: its parts may be changed.
    fn clone(&self) -> Self {
        Self::default()
    }
}

fn index_of(instant: Timestamp) -> i64 {
    instant.as_second().div_euclid(BLOCK_SECS)
}

/// The bounds of a block, cut to the instants that there are.
fn bounds(index: i64) -> Window {
    let at = |index: i64| {
        let beyond = if index < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Timestamp::from_second(index.saturating_mul(BLOCK_SECS)).unwrap_or(beyond)
    };
    Window { opens: at(index), closes: at(index + 1) }
}

impl Schedule {
    fn block(&self, index: i64) -> Arc<Block> {
        let mut memo = self.memo.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(block) = memo.get(&index) {
            return Arc::clone(block);
        }
        if memo.len() >= REMEMBERED_MAX {
            memo.clear();
        }
        let block = Arc::new(self.work_out(index));
        memo.insert(index, Arc::clone(&block));
        block
    }

    /// The span of a list that holds `instant`, or else the next one that opens before `until`, put
    /// together from its blocks.
    pub(super) fn span_after(
        &self,
        instant: Timestamp,
        until: Timestamp,
        list: fn(&Block) -> &Vec<Window>,
    ) -> Option<Window> {
        let first = index_of(instant);
        let furthest = index_of(until).min(first + BLOCKS_MAX);
        let block = self.block(first);
        let spans = list(&block);
        let (mut found, mut index) = match spans.get(spans.partition_point(|s| s.closes <= instant))
        {
            Some(span) => (*span, first),
            None => (first + 1..=furthest).find_map(|index| {
                let span = list(&self.block(index)).first().copied();
                span.map(|span| (span, index))
            })?,
        };
        if found.opens >= until {
            return None;
        }
        found.opens = self.beginning(found, index, list);
        let last = index + BLOCKS_MAX;
        while found.closes == bounds(index).closes {
            index += 1;
            if index > last {
                found.closes = Timestamp::MAX;
                break;
            }
            let next = list(&self.block(index)).first().copied();
            match next.filter(|next| next.opens == found.closes) {
                Some(next) => found.closes = next.closes,
                None => break,
            }
        }
        Some(found)
    }

    /// When a span of a block began, which may be in a block before.
    fn beginning(
        &self,
        span: Window,
        mut index: i64,
        list: fn(&Block) -> &Vec<Window>,
    ) -> Timestamp {
        let mut opens = span.opens;
        let last = index - BLOCKS_MAX;
        while opens == bounds(index).opens {
            index -= 1;
            if index < last {
                return Timestamp::MIN;
            }
            let before = list(&self.block(index)).last().copied();
            match before.filter(|before| before.closes == opens) {
                Some(before) => opens = before.opens,
                None => break,
            }
        }
        opens
    }

    fn work_out(&self, index: i64) -> Block {
        let bounds = bounds(index);
        let day = |instant, margin: i32| {
            self.zone.to_datetime(instant).date().saturating_add(margin.days())
        };
        let (from, to) = (day(bounds.opens, -MARGIN_DAYS), day(bounds.closes, MARGIN_DAYS));
        let resolver = Resolver::new(&self.zone, from, to);
        let occurrences = self.occurrences(from, to);
        let mut idle: Vec<Window> =
            occurrences.iter().filter_map(|occurrence| resolver.window(occurrence)).collect();
        let open = self.called(Effect::Open, bounds);
        let closed = self.called(Effect::Closed, bounds);
        idle.extend(&closed);
        let without_open = |windows: Vec<Window>| clip(subtract(&merge(windows), &open), bounds);
        Block { idle: without_open(idle), closed: without_open(closed), open: clip(open, bounds) }
    }

    /// What calendars of an effect say of a block.
    fn called(&self, effect: Effect, bounds: Window) -> Vec<Window> {
        let calendars = self.calendars.iter().filter(|calendar| calendar.effect == effect);
        let spans = calendars.flat_map(|c| c.spans(&self.zone, bounds.opens, bounds.closes));
        merge(spans.collect())
    }

    /// The occurrences of the weekly hours or the cron pair that matter on the days `from` to `to`.
    pub(super) fn occurrences(&self, from: Date, to: Date) -> Vec<Occurrence> {
        match &self.idle {
            Idle::Weekly(windows) => weekly::occurrences(windows, from, to),
            Idle::Cron(pair) => pair.occurrences(from, to),
        }
    }
}

/// The instants of an occurrence, be there anything between them or not.
pub(super) fn instants(zone: &TimeZone, occurrence: &Occurrence) -> Option<Window> {
    let instant = |civil| zone.to_ambiguous_timestamp(civil).compatible().ok();
    Some(Window { opens: instant(occurrence.opens)?, closes: instant(occurrence.closes)? })
}

/// Turns civil times of a stretch of days into instants.
struct Resolver<'a> {
    zone: &'a TimeZone,
    /// The offset from UTC, where it is the same on all those days: then nothing is ambiguous.
    constant: Option<Offset>,
}

impl<'a> Resolver<'a> {
    fn new(zone: &'a TimeZone, from: Date, to: Date) -> Self {
        // Two more days each way, for what the occurrences of these days reach to.
        let at = |day: Date, margin: i32| {
            let civil = day.saturating_add(margin.days()).at(0, 0, 0, 0);
            zone.to_ambiguous_timestamp(civil).compatible().ok()
        };
        let constant = at(from, -2).zip(at(to, 4)).and_then(|(from, to)| {
            let changes = zone.following(from).next().is_some_and(|t| t.timestamp() <= to);
            (!changes).then(|| zone.to_offset(from))
        });
        Self { zone, constant }
    }

    /// The window of an occurrence; `None` where a clock change leaves nothing of it.
    fn window(&self, occurrence: &Occurrence) -> Option<Window> {
        let window = match self.constant {
            Some(offset) => Window {
                opens: offset.to_timestamp(occurrence.opens).ok()?,
                closes: offset.to_timestamp(occurrence.closes).ok()?,
            },
            None => instants(self.zone, occurrence)?,
        };
        (window.closes > window.opens).then_some(window)
    }
}

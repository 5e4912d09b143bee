//! A zone as a plain list of stretches with one offset each, and civil time resolved over that list.
//!
//! jiff is asked for the list only (which instants change the offset, and to what); how a civil time
//! in a gap or a fold is meant is worked out here, without its ambiguous-time API.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::civil::{self, DAY};

/// The years that zones are read for: those under test, and a decade on both sides for windows that
/// open long before or close long after.
const READ_FROM: (i64, u32, u32) = (1976, 1, 1);
const READ_TO: (i64, u32, u32) = (2060, 1, 1);

/// `[from, to)` with one offset from UTC, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub from: i64,
    pub to: i64,
    pub offset: i64,
}

/// An instant at which a zone changes its offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    pub instant: i64,
    pub before: i64,
    pub after: i64,
}

impl Transition {
    /// The civil times that are skipped or repeated: `[lower, upper)`.
    pub fn civil(&self) -> (i64, i64) {
        let (before, after) = (self.instant + self.before, self.instant + self.after);
        (before.min(after), before.max(after))
    }

    pub fn shift(&self) -> i64 {
        self.after - self.before
    }
}

pub struct Zone {
    pub name: String,
    pub jiff: TimeZone,
    stretches: Vec<Stretch>,
    /// For each [`PAGE`] of civil time since 1970, the stretches that matter to it, from the first to
    /// before the last.
    pages: Vec<(usize, usize)>,
}

/// So many seconds at a time, a zone has a few stretches only, and they can be gone through one by one.
const PAGE: i64 = 100 * DAY;

/// No offset is as far from UTC as this.
const OFFSET_MAX: i64 = 2 * DAY;

fn start((year, month, day): (i64, u32, u32)) -> i64 {
    civil::day(year, month, day).unwrap() * DAY
}

pub fn timestamp(instant: i64) -> Timestamp {
    Timestamp::from_second(instant).unwrap()
}

impl Zone {
    pub fn read(name: &str) -> Self {
        let jiff = TimeZone::get(name).unwrap();
        let (first, last) = (start(READ_FROM), start(READ_TO));
        let offset =
            |instant| i64::from(jiff.to_offset_info(timestamp(instant)).offset().seconds());
        let mut stretches = vec![Stretch { from: first, to: last, offset: offset(first) }];
        for change in jiff.following(timestamp(first)) {
            let instant = change.timestamp().as_second();
            if instant >= last {
                break;
            }
            let open = stretches.last_mut().unwrap();
            // A change of the name alone changes no civil time.
            if offset(instant) != open.offset {
                open.to = instant;
                stretches.push(Stretch { from: instant, to: last, offset: offset(instant) });
            }
        }
        let page = |start: i64| {
            let is_past = |stretch: &Stretch| stretch.to <= start - OFFSET_MAX;
            let is_begun = |stretch: &Stretch| stretch.from < start + PAGE + OFFSET_MAX;
            (stretches.partition_point(is_past), stretches.partition_point(is_begun))
        };
        let pages = (0..=last / PAGE).map(|number| page(number * PAGE)).collect();
        Self { name: name.to_owned(), jiff, stretches, pages }
    }

    pub fn all() -> Vec<Self> {
        jiff::tz::db().available().map(|name| Self::read(name.as_str())).collect()
    }

    pub fn transitions(&self) -> impl Iterator<Item = Transition> {
        self.stretches.windows(2).map(|pair| Transition {
            instant: pair[1].from,
            before: pair[0].offset,
            after: pair[1].offset,
        })
    }

    /// The instant of a civil time.
    pub fn resolve(&self, civil: i64) -> i64 {
        let (first, last) = self.pages[(civil / PAGE) as usize];
        resolve(&self.stretches[first..last], civil)
    }

    pub fn offset_at(&self, instant: i64) -> i64 {
        let is_in = |stretch: &&Stretch| stretch.from <= instant && instant < stretch.to;
        self.stretches.iter().find(is_in).unwrap().offset
    }
}

/// The instant of a civil time: the first instant at which clocks show it; where none ever does, the
/// civil time less the offset before the gap, which is as far after the gap's end as it lay after its
/// beginning.
fn resolve(stretches: &[Stretch], civil: i64) -> i64 {
    for stretch in stretches {
        let instant = civil - stretch.offset;
        if stretch.from <= instant && instant < stretch.to {
            return instant;
        }
    }
    for pair in stretches.windows(2) {
        let skips = civil - pair[0].offset >= pair[0].to && civil - pair[1].offset < pair[1].from;
        if skips {
            return civil - pair[0].offset;
        }
    }
    panic!("{} is nowhere", civil::show(civil))
}

#[test]
fn the_list_of_a_zone_is_what_it_says_of_single_instants() {
    // Without this, a change that the list lacks would be lacking in the cases as well.
    for zone in Zone::all() {
        let (first, last) = (start(READ_FROM), start(READ_TO));
        let ends = zone.stretches.iter().flat_map(|stretch| [stretch.from, stretch.to - 1]);
        for instant in ends.chain((first..last).step_by(5 * DAY as usize)) {
            let info = zone.jiff.to_offset_info(timestamp(instant));
            let offset = i64::from(info.offset().seconds());
            assert_eq!(zone.offset_at(instant), offset, "{} at {instant}", zone.name);
        }
    }
}

#[test]
fn gaps_move_forward_and_folds_mean_the_first() {
    let check = |zone: &str, civil: (i64, u32, u32, i64, i64), instant: &str| {
        let (year, month, day, hour, minute) = civil;
        let civil = civil::day(year, month, day).unwrap() * DAY + hour * 3600 + minute * 60;
        let zone = Zone::read(zone);
        let resolved = timestamp(zone.resolve(civil));
        assert_eq!(resolved.to_string(), instant, "{} {}", zone.name, civil::show(civil));
    };
    check("America/New_York", (2026, 3, 8, 1, 59), "2026-03-08T06:59:00Z");
    check("America/New_York", (2026, 3, 8, 2, 0), "2026-03-08T07:00:00Z");
    check("America/New_York", (2026, 3, 8, 2, 30), "2026-03-08T07:30:00Z");
    check("America/New_York", (2026, 3, 8, 3, 0), "2026-03-08T07:00:00Z");
    check("America/New_York", (2026, 11, 1, 1, 0), "2026-11-01T05:00:00Z");
    check("America/New_York", (2026, 11, 1, 1, 59), "2026-11-01T05:59:00Z");
    check("America/New_York", (2026, 11, 1, 2, 0), "2026-11-01T07:00:00Z");
    check("Australia/Lord_Howe", (2026, 4, 5, 1, 45), "2026-04-04T14:45:00Z");
    check("Pacific/Apia", (2011, 12, 30, 7, 0), "2011-12-30T17:00:00Z");
    check("Pacific/Kwajalein", (1993, 8, 21, 12, 0), "1993-08-22T00:00:00Z");
}

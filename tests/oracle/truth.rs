//! The oracle: what DESIGN.md says that a schedule means, worked out the long way round.
//!
//! Every occurrence of some days is written out on the civil calendar, each end is resolved by
//! [`zone::resolve`], and plain lists of intervals are laid over each other. It knows nothing of how
//! the library searches. Start at [`Truth::window`].

use std::collections::BTreeSet;
use std::fmt;

use lightsout::policy::Window;
use lightsout::policy::calendar::Effect;

use super::civil::{self, DAY};
use super::crontab::Fires;
use super::subject::{Idle, Subject};
use super::weekly::Weekly;
use super::zone::{self, Zone};

/// `[opens, closes)` in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub opens: i64,
    pub closes: i64,
}

/// A window of the oracle. An end is None where it is further away than [`REACH_DAYS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub opens: Option<i64>,
    pub closes: Option<i64>,
}

/// How far the oracle looks: as far as the library promises to, eight years, and a little more.
const REACH_DAYS: i64 = 9 * 366;

/// How far it looks at first, on both sides.
const FIRST_LOOK_DAYS: (i64, i64) = (9, 12);

/// No zone moves its clocks further than this at once.
const SHIFT_DAYS: i64 = 2;

enum Rule<'a> {
    Weekly(&'a [Weekly]),
    Cron { opens: Fires, closes: Fires },
}

/// What was written out for some days.
#[derive(Default)]
struct Known {
    /// From here on, nothing that opened before the days looked at can matter.
    from: i64,
    /// Up to here, nothing that opens after the days looked at can matter.
    to: i64,
    /// Idle by the weekly windows or the pair of expressions, as they come.
    usual: Vec<Span>,
    closed: Vec<Span>,
    open: Vec<Span>,
    /// All of it laid over each other.
    windows: Vec<Span>,
    /// Occurrences of which a clock change left nothing, as civil times.
    empty: BTreeSet<(i64, i64)>,
}

pub struct Truth<'a> {
    zone: &'a Zone,
    subject: &'a Subject,
    rule: Rule<'a>,
    /// The day around which it looks.
    middle: i64,
    back_days: i64,
    ahead_days: i64,
    known: Known,
}

impl<'a> Truth<'a> {
    pub fn new(zone: &'a Zone, subject: &'a Subject, around: i64) -> Self {
        let rule = match &subject.idle {
            Idle::Weekly(windows) => Rule::Weekly(windows),
            Idle::Cron { opens, closes } => {
                Rule::Cron { opens: opens.fires(), closes: closes.fires() }
            }
        };
        let (back_days, ahead_days) = FIRST_LOOK_DAYS;
        let (middle, known) = (civil::day_of(around), Known::default());
        let mut truth = Self { zone, subject, rule, middle, back_days, ahead_days, known };
        truth.look();
        truth
    }

    /// The window that is open at a second, or else the next one.
    pub fn window(&mut self, second: i64) -> Option<Answer> {
        loop {
            let known = &self.known;
            if second <= known.from && self.look_further_back() {
                continue;
            }
            let Some(span) = self.known.windows.iter().find(|span| span.closes > second).copied()
            else {
                if self.look_further_ahead() {
                    continue;
                }
                return None;
            };
            let is_whole = (span.opens > self.known.from, span.closes < self.known.to);
            if (!is_whole.0 && self.look_further_back())
                || (!is_whole.1 && self.look_further_ahead())
            {
                continue;
            }
            return Some(Answer {
                opens: is_whole.0.then_some(span.opens),
                closes: is_whole.1.then_some(span.closes),
            });
        }
    }

    /// Whether the library's answer is the oracle's. An end that the oracle did not reach has to lie
    /// beyond what it looked at.
    pub fn agrees(&self, answer: Option<Answer>, window: Option<Window>) -> bool {
        let (answer, window) = match (answer, window) {
            (None, None) => return true,
            (Some(answer), Some(window)) => (answer, window),
            (Some(_), None) | (None, Some(_)) => return false,
        };
        let opens = match answer.opens {
            Some(opens) => window.opens == zone::timestamp(opens),
            None => window.opens <= zone::timestamp(self.known.from),
        };
        let closes = match answer.closes {
            Some(closes) => window.closes == zone::timestamp(closes),
            None => window.closes >= zone::timestamp(self.known.to),
        };
        opens && closes
    }

    /// Every opening and closing within `[from, to]`.
    pub fn edges(&mut self, from: i64, to: i64) -> Vec<i64> {
        let windows = self.windows(from, to);
        let edges = windows.iter().flat_map(|answer| [answer.opens, answer.closes]);
        edges.flatten().filter(|edge| from <= *edge && *edge <= to).collect()
    }

    /// Every window that touches `[from, to)`.
    pub fn windows(&mut self, from: i64, to: i64) -> Vec<Answer> {
        let mut found = Vec::new();
        let mut next = self.window(from);
        while let Some(answer) = next {
            if answer.opens.is_some_and(|opens| opens >= to) {
                break;
            }
            found.push(answer);
            next = answer.closes.filter(|closes| *closes < to).and_then(|at| self.window(at));
        }
        found
    }

    /// Whether each second of `[from, to)` is idle, asked of the occurrences as they come: nothing
    /// here was sorted, joined or cut.
    pub fn idle_seconds(&self, from: i64, to: i64) -> Vec<bool> {
        assert!(self.known.from <= from && to <= self.known.to, "not looked at");
        let mut seconds = vec![false; (to - from) as usize];
        let mut paint = |spans: &[Span], idle: bool| {
            for span in spans {
                if span.opens < to && span.closes > from {
                    let first = (span.opens.max(from) - from) as usize;
                    let end = (span.closes.min(to) - from) as usize;
                    seconds[first..end].fill(idle);
                }
            }
        };
        paint(&self.known.usual, true);
        paint(&self.known.closed, true);
        paint(&self.known.open, false);
        seconds
    }

    /// How many occurrences near the middle were empty, and how many were joined to another.
    pub fn empty_and_joined(&self) -> (usize, usize) {
        let joined = self.known.usual.len().saturating_sub(self.known.windows.len());
        (self.known.empty.len(), joined)
    }

    /// The occurrences of which a clock change left nothing, as civil times: those that open on a day
    /// from `first` to `last`.
    pub fn empty(&self, first: i64, last: i64) -> Vec<(i64, i64)> {
        let opens_then = |empty: &&(i64, i64)| (first..=last).contains(&civil::day_of(empty.0));
        self.known.empty.iter().filter(opens_then).copied().collect()
    }

    /// What is closed within `[from, to)` and not open, and what is open, both cut off at its ends.
    pub fn closed_and_open(&self, from: i64, to: i64) -> (Vec<Span>, Vec<Span>) {
        assert!(self.known.from <= from && to <= self.known.to, "not looked at");
        let open = joined(self.known.open.clone());
        let closed = without(joined(self.known.closed.clone()), &open);
        (within(closed, from, to), within(open, from, to))
    }

    fn look_further_back(&mut self) -> bool {
        let can = self.back_days < REACH_DAYS;
        self.back_days = (self.back_days * 8).min(REACH_DAYS);
        if can {
            self.look();
        }
        can
    }

    fn look_further_ahead(&mut self) -> bool {
        let can = self.ahead_days < REACH_DAYS;
        self.ahead_days = (self.ahead_days * 8).min(REACH_DAYS);
        if can {
            self.look();
        }
        can
    }

    fn look(&mut self) {
        let (first, last) = (self.middle - self.back_days, self.middle + self.ahead_days);
        let resolve = |civil: i64| self.zone.resolve(civil);
        let mut known = Known { to: resolve((last - SHIFT_DAYS) * DAY), ..Known::default() };
        let mut occurrences = Vec::new();
        match &self.rule {
            Rule::Weekly(windows) => {
                // The longest window is a day, so what opened before the first day ends on it.
                known.from = resolve((first + 1 + SHIFT_DAYS) * DAY);
                for day in first..=last {
                    let open = windows.iter().filter(|window| window.opens_on(day));
                    occurrences.extend(open.map(|window| window.window(day)));
                }
            }
            Rule::Cron { opens, closes } => {
                // What opened before the first day ends at the first close after its midnight.
                let ended = next_fire(closes, first * DAY - 1).unwrap_or(last * DAY);
                known.from = resolve(ended + SHIFT_DAYS * DAY);
                for day in (first..=last).filter(|day| opens.on(*day)) {
                    for time in &opens.times {
                        let opened = day * DAY + time;
                        let closed = next_fire(closes, opened);
                        occurrences.extend(closed.map(|closed| (opened, closed)));
                    }
                }
            }
        }
        let mut running_to = i64::MIN;
        for (opens, closes) in &occurrences {
            // An expression that fires again while its window is open already begins nothing.
            let is_begun = matches!(self.rule, Rule::Cron { .. }) && running_to == *closes;
            if resolve(*closes) <= resolve(*opens) && !is_begun {
                known.empty.insert((*opens, *closes));
            }
            running_to = *closes;
        }
        known.usual = spans(self.zone, occurrences);
        for calendar in &self.subject.calendars {
            let dates = calendar.dates.iter().flat_map(|dates| dates.civil(first, last));
            let spans = spans(self.zone, dates.collect());
            match calendar.effect {
                Effect::Closed => known.closed.extend(spans),
                Effect::Open => known.open.extend(spans),
            }
        }
        let idle = joined(known.usual.iter().chain(&known.closed).copied().collect());
        known.windows = without(idle, &joined(known.open.clone()));
        self.known = known;
    }
}

/// Civil spans as instants, without those of which nothing is left.
fn spans(zone: &Zone, civil: Vec<(i64, i64)>) -> Vec<Span> {
    let mut spans = Vec::with_capacity(civil.len());
    for (opens, closes) in civil {
        let span = Span { opens: zone.resolve(opens), closes: zone.resolve(closes) };
        if span.closes > span.opens {
            spans.push(span);
        }
    }
    spans
}

/// The first civil time after `after` at which an expression fires.
fn next_fire(fires: &Fires, after: i64) -> Option<i64> {
    let first = civil::day_of(after);
    let mut day = first;
    while day <= first + REACH_DAYS {
        if fires.on(day) {
            for time in &fires.times {
                if day * DAY + time > after {
                    return Some(day * DAY + time);
                }
            }
        }
        day += 1;
    }
    None
}

/// Windows that touch or overlap are one.
fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort();
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.opens <= last.closes => last.closes = last.closes.max(span.closes),
            _ => joined.push(span),
        }
    }
    joined
}

/// What is left of some spans outside some others.
fn without(spans: Vec<Span>, others: &[Span]) -> Vec<Span> {
    let mut left = spans;
    for other in others {
        left = left
            .into_iter()
            .flat_map(|span| {
                let before = Span { opens: span.opens, closes: span.closes.min(other.opens) };
                let after = Span { opens: span.opens.max(other.closes), closes: span.closes };
                [before, after]
            })
            .filter(|span| span.closes > span.opens)
            .collect();
    }
    left
}

/// What of some spans is within `[from, to)`.
pub fn within(spans: Vec<Span>, from: i64, to: i64) -> Vec<Span> {
    let cut = |span: Span| Span { opens: span.opens.max(from), closes: span.closes.min(to) };
    spans.into_iter().map(cut).filter(|span| span.closes > span.opens).collect()
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |end: Option<i64>| match end {
            Some(second) => zone::timestamp(second).to_string(),
            None => "beyond".to_owned(),
        };
        write!(f, "{} .. {}", end(self.opens), end(self.closes))
    }
}

//! One case: the library's answers beside the oracle's, second by second around each edge.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lightsout::policy::{Schedule, Window};

use super::cases::{Case, Deck};
use super::civil::{self, DAY};
use super::truth::{self, Answer, Span, Truth};
use super::zone::{self, Zone};
use lightsout::simulate::Chance;

/// How many seconds before and after each edge are looked at one by one.
const SECONDS: i64 = 150;

/// How far from the clock change edges are looked at, and how many of the nearest.
const NEAR: i64 = DAY * 3 / 2;
const EDGES_MAX: usize = 4;

/// How many seconds near the clock change are asked for besides.
const RANDOM: usize = 2;

/// Of every so many cases, one is asked again of a schedule that was asked nothing before.
const FRESH_EACH: usize = 8;

/// What a case met, for the distribution.
#[derive(Debug, Clone, Copy, Default)]
pub struct Met {
    pub edges: usize,
    pub seconds: usize,
    pub empty: bool,
    pub joined: bool,
}

/// What the two do not agree about.
#[derive(Debug)]
pub struct Disagreement {
    /// The question.
    pub asked: String,
    pub library: String,
    pub oracle: String,
}

/// The library's side, which is asked each question once.
struct Asked {
    schedule: Schedule,
    answers: BTreeMap<i64, Option<Window>>,
}

impl Asked {
    fn window(&mut self, second: i64) -> Option<Window> {
        let ask = || self.schedule.window_after(zone::timestamp(second));
        *self.answers.entry(second).or_insert_with(ask)
    }
}

pub fn check(deck: &Deck, case: &Case) -> Result<Met, Disagreement> {
    let (zone, instant) = (deck.zone(case), case.anchor.change.instant);
    let schedule = case.subject.schedule(&zone.jiff);
    let mut asked = Asked { schedule, answers: BTreeMap::new() };
    let mut truth = Truth::new(zone, &case.subject, instant);

    let mut edges = truth.edges(instant - NEAR, instant + NEAR);
    edges.sort_by_key(|edge| (edge - instant).abs());
    edges.truncate(EDGES_MAX);
    edges.push(instant);
    for edge in &edges {
        check_seconds(&mut asked, &mut truth, *edge)?;
    }

    let mut chance = Chance::new(instant as u64, case.index as u64);
    let random = (0..RANDOM).map(|_| instant + chance.between(-NEAR, NEAR));
    let direct: BTreeSet<i64> =
        edges.iter().flat_map(|edge| [edge - 1, *edge, edge + 1]).chain(random).collect();
    for second in direct {
        check_window(&mut asked, &mut truth, second)?;
    }
    check_between(&mut asked, &mut truth, instant - NEAR, instant + NEAR)?;
    check_fresh(&mut asked, deck, case, chance.between(instant - NEAR, instant + NEAR))?;
    check_words(&asked.schedule, &truth, (instant - NEAR, instant + NEAR), deck.zone(case))?;
    let (empty, joined) = truth.empty_and_joined();
    let seconds = edges.len() * 2 * SECONDS as usize;
    Ok(Met { edges: edges.len(), seconds, empty: empty > 0, joined: joined > 0 })
}

/// Each second around an edge: idle by the oracle's plain occurrences when and only when the library's
/// window holds it; and that window is the oracle's to the second.
fn check_seconds(asked: &mut Asked, truth: &mut Truth, edge: i64) -> Result<(), Disagreement> {
    let (from, to) = (edge - SECONDS, edge + SECONDS);
    let mut window = check_window(asked, truth, from)?;
    // The oracle may have to look further for this than for the window before.
    truth.window(to);
    let mut bounds = seconds_of(window);
    for (second, is_idle) in (from..to).zip(truth.idle_seconds(from, to)) {
        if bounds.1 <= second {
            window = check_window(asked, truth, second)?;
            bounds = seconds_of(window);
        }
        let says = bounds.0 <= second && second < bounds.1;
        if says != is_idle {
            let asked = format!("is {} idle?", zone::timestamp(second));
            let (library, oracle) = (says.to_string(), is_idle.to_string());
            return Err(Disagreement { asked, library, oracle });
        }
    }
    Ok(())
}

/// The seconds of a window, rounded up as half-open intervals are; none, where there is no window.
fn seconds_of(window: Option<Window>) -> (i64, i64) {
    window.map_or((i64::MAX, i64::MAX), |Window { opens, closes }| {
        (opens.as_second(), closes.as_second())
    })
}

fn check_window(
    asked: &mut Asked,
    truth: &mut Truth,
    second: i64,
) -> Result<Option<Window>, Disagreement> {
    let (library, oracle) = (asked.window(second), truth.window(second));
    if truth.agrees(oracle, library) {
        return Ok(library);
    }
    let asked = format!("which window is open at {}, or next?", zone::timestamp(second));
    Err(Disagreement { asked, library: show_window(library), oracle: show_answer(oracle) })
}

/// All windows of a span. They are gone through one by one first: where the library's windows lead
/// nowhere, its list would have no end.
fn check_between(
    asked: &mut Asked,
    truth: &mut Truth,
    from: i64,
    to: i64,
) -> Result<(), Disagreement> {
    let oracle = truth.windows(from, to);
    check_window(asked, truth, from)?;
    for closes in oracle.iter().filter_map(|answer| answer.closes) {
        check_window(asked, truth, closes)?;
    }
    if oracle.iter().any(|answer| answer.closes.is_none()) {
        // Always idle from here on, as far as the oracle looks: `always` is about these.
        return Ok(());
    }
    let (first, last) = (zone::timestamp(from), zone::timestamp(to));
    let library = asked.schedule.windows_between(first, last);
    let agree = library.len() == oracle.len()
        && library
            .iter()
            .zip(&oracle)
            .all(|(window, answer)| truth.agrees(Some(*answer), Some(*window)));
    if agree {
        return Ok(());
    }
    let show = |windows: Vec<String>| format!("[{}]", windows.join(", "));
    Err(Disagreement {
        asked: format!("which windows touch {first} .. {last}?"),
        library: show(library.iter().map(|window| show_window(Some(*window))).collect()),
        oracle: show(oracle.iter().map(Answer::to_string).collect()),
    })
}

/// What the schedule was asked before changes no answer: one that was asked nothing says the same.
fn check_fresh(
    asked: &mut Asked,
    deck: &Deck,
    case: &Case,
    second: i64,
) -> Result<(), Disagreement> {
    if !case.index.is_multiple_of(FRESH_EACH) {
        return Ok(());
    }
    let fresh = case.subject.schedule(&deck.zone(case).jiff);
    let mut answers = asked.answers.clone();
    answers.insert(second, asked.window(second));
    // Backwards: the other way round than they were asked first.
    for (second, window) in answers.into_iter().rev() {
        let again = fresh.window_after(zone::timestamp(second));
        if again != window {
            let asked = format!("the window at {}, by a fresh schedule?", zone::timestamp(second));
            let (library, oracle) = (show_window(again), show_window(window));
            return Err(Disagreement { asked, library, oracle });
        }
    }
    Ok(())
}

/// What forecasts tell beside the windows: empty occurrences, and what calendars say.
fn check_words(
    schedule: &Schedule,
    truth: &Truth,
    (from, to): (i64, i64),
    zone: &Zone,
) -> Result<(), Disagreement> {
    let (first, last) = (zone::timestamp(from), zone::timestamp(to));
    let civil_day = |instant| civil::day_of(instant + zone.offset_at(instant));
    let empty = truth.empty(civil_day(from), civil_day(to - 1));
    let told: BTreeSet<(i64, i64)> = schedule
        .empty_between(first, last)
        .into_iter()
        .map(|occurrence| (civil::of_jiff(occurrence.opens), civil::of_jiff(occurrence.closes)))
        .collect();
    let show = |spans: Vec<(i64, i64)>| {
        format!(
            "{:?}",
            spans.iter().map(|span| (civil::show(span.0), civil::show(span.1))).collect::<Vec<_>>()
        )
    };
    if !told.iter().eq(&empty) {
        let asked = format!("which occurrences are empty in {first} .. {last}?");
        let (library, oracle) = (show(told.into_iter().collect()), show(empty));
        return Err(Disagreement { asked, library, oracle });
    }
    let spans = |windows: Vec<Window>| {
        let span = |window: Window| {
            let (opens, closes) = seconds_of(Some(window));
            Span { opens, closes }
        };
        truth::within(windows.into_iter().map(span).collect(), from, to)
    };
    let told =
        (spans(schedule.closed_between(first, last)), spans(schedule.open_between(first, last)));
    let meant = truth.closed_and_open(from, to);
    if told != meant {
        let asked = format!("what is closed and what is open in {first} .. {last}?");
        let (library, oracle) = (format!("{told:?}"), format!("{meant:?}"));
        return Err(Disagreement { asked, library, oracle });
    }
    Ok(())
}

fn show_window(window: Option<Window>) -> String {
    window.map_or_else(
        || "none".to_owned(),
        |window| format!("{} .. {}", window.opens, window.closes),
    )
}

fn show_answer(answer: Option<Answer>) -> String {
    answer.map_or_else(|| "none".to_owned(), |answer| answer.to_string())
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  asked:   {}", self.asked)?;
        writeln!(f, "  library: {}", self.library)?;
        write!(f, "  oracle:  {}", self.oracle)
    }
}

//! Window arithmetic against an oracle that was written from DESIGN.md alone: all zones, their clock
//! changes from 1990 to 2037, and windows placed in and around each gap and fold.
//!
//! `LIGHTSOUT_ORACLE_CASES` is how many cases are run (100,000 if it is not set),
//! `LIGHTSOUT_ORACLE_SEED` the seed they are drawn from, and `LIGHTSOUT_ORACLE_CASE` one case to run
//! alone, as a disagreement names it. With `--nocapture`, the distribution of the cases is shown.
//! Start at [`truth`], then [`compare`].

mod calendars;
mod cases;
mod civil;
mod compare;
mod crontab;
mod laws;
mod once_wrong;
mod placements;
mod subject;
mod tally;
mod truth;
mod weekly;
mod writing;
mod zone;

use cases::{Case, Deck};
use compare::Disagreement;
use tally::Tally;

const CASES: usize = 100_000;
const SEED: u64 = 20_261_125;
const THREADS: usize = 2;
/// How many disagreements are shown; the rest are counted.
const SHOWN_MAX: usize = 10;
/// With fewer cases than this the least numbers say nothing.
const CASES_FOR_COVERAGE: usize = 50_000;
const ZONES_MIN: usize = 500;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|why| panic!("{name} is `{text}`: {why}")))
}

struct Found {
    tally: Tally,
    disagreements: Vec<(usize, String)>,
}

/// Every `THREADS`th case from the `first`th.
fn run(deck: &Deck, first: usize, cases: usize) -> Found {
    let mut found = Found { tally: Tally::default(), disagreements: Vec::new() };
    for index in (first..cases).step_by(THREADS) {
        let case = deck.case(index);
        match compare::check(deck, &case) {
            Ok(met) => found.tally.count(deck, &case, met),
            Err(disagreement) => {
                found.disagreements.push((index, tell(deck, &case, &disagreement)));
            }
        }
    }
    found
}

fn tell(deck: &Deck, case: &Case, disagreement: &Disagreement) -> String {
    let Case { index, anchor, placement, subject, .. } = case;
    let (seed, zone) = (deck.seed, &deck.zone(case).name);
    format!(
        "case {index} ({placement:?}):\n  zone = \"{zone}\"\n  {subject}\n  {anchor}\n{disagreement}\n  \
         again:   LIGHTSOUT_ORACLE_SEED={seed} LIGHTSOUT_ORACLE_CASE={index} cargo test --test oracle every_window"
    )
}

#[test]
fn every_window_is_what_the_oracle_says() {
    let seed = number("LIGHTSOUT_ORACLE_SEED").unwrap_or(SEED);
    let deck = Deck::new(seed);
    if let Some(index) = number("LIGHTSOUT_ORACLE_CASE") {
        let case = deck.case(index as usize);
        println!(
            "seed {seed}, case {index}: zone = \"{}\"\n{}\n{}",
            deck.zone(&case).name,
            case.subject,
            case.anchor
        );
        if let Err(disagreement) = compare::check(&deck, &case) {
            panic!("\n{}", tell(&deck, &case, &disagreement));
        }
        return;
    }
    let cases = number("LIGHTSOUT_ORACLE_CASES").map_or(CASES, |cases| cases as usize);
    println!(
        "seed {seed}; the first {} cases are the same for every seed but for details",
        deck.fixed()
    );
    let mut tally = Tally::default();
    let mut disagreements = Vec::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|first| {
                let deck = &deck;
                scope.spawn(move || run(deck, first, cases))
            })
            .collect();
        for thread in threads {
            let found = thread.join().unwrap();
            tally.add(found.tally);
            disagreements.extend(found.disagreements);
        }
    });
    tally.print();
    disagreements.sort();
    let shown: Vec<String> =
        disagreements.iter().take(SHOWN_MAX).map(|(_, text)| text.clone()).collect();
    assert!(
        disagreements.is_empty(),
        "{} of {cases} cases disagree:\n{}",
        disagreements.len(),
        shown.join("\n")
    );
    if cases >= CASES_FOR_COVERAGE {
        tally.check(ZONES_MIN);
    }
}

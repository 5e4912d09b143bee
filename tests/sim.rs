//! The simulator over many seeds: the real daemon where everything goes wrong.
//!
//! `LIGHTSOUT_SIM_SEEDS` is how many seeds are played (2,000 if it is not set), `LIGHTSOUT_SIM_FIRST`
//! the first of them; `lightsout simulate --seed S` plays one alone. With `--nocapture` the counts of
//! faults and reasons are shown.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use lightsout::simulate::{Fault, Outcome, Shape, run};

const SEEDS: u64 = 2_000;
const THREADS: u64 = 2;
/// How many violations are shown; the rest are counted.
const SHOWN_MAX: usize = 10;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|why| panic!("{name} is `{text}`: {why}")))
}

#[test]
fn no_seed_breaks_a_rule() {
    let first = number("LIGHTSOUT_SIM_FIRST").unwrap_or(1);
    let seeds = number("LIGHTSOUT_SIM_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(first);
    let play = || {
        let mut outcomes = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                return outcomes;
            }
            outcomes.push(run(seed, &Shape::default()));
        }
    };
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let players: Vec<_> = (0..THREADS).map(|_| scope.spawn(play)).collect();
        players.into_iter().flat_map(|player| player.join().unwrap()).collect()
    });
    let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for outcome in &outcomes {
        outcome.faults.iter().for_each(|(name, count)| *faults.entry(name).or_default() += count);
        let codes = outcome.reasons.iter();
        codes.for_each(|(code, count)| *reasons.entry(code).or_default() += count);
    }
    let total = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    println!(
        "{} seeds: {} records, {} stops, {} starts, {} lives",
        outcomes.len(),
        total(|o| o.records),
        total(|o| o.stops),
        total(|o| o.starts),
        total(|o| o.lives)
    );
    println!("faults {faults:#?}\nreasons {reasons:#?}");
    let mut broken: Vec<&Outcome> = outcomes.iter().filter(|o| !o.findings.is_empty()).collect();
    broken.sort_by_key(|outcome| outcome.seed);
    for outcome in broken.iter().take(SHOWN_MAX) {
        for finding in outcome.findings.iter().take(3) {
            println!("seed {}: {finding}", outcome.seed);
        }
    }
    assert!(broken.is_empty(), "{} seeds of {seeds} break a rule", broken.len());
    if seeds >= SEEDS {
        let rare = Fault::ALL.iter().map(|fault| fault.name());
        let rare: Vec<&str> =
            rare.filter(|name| faults.get(name).copied().unwrap_or(0) < 100).collect();
        assert_eq!(rare, Vec::<&str>::new(), "faults that struck less than 100 times");
    }
}

#[test]
fn a_seed_is_the_same_story_each_time() {
    for seed in 1..6 {
        let shape = Shape::default();
        assert_eq!(run(seed, &shape), run(seed, &shape), "seed {seed}");
    }
}

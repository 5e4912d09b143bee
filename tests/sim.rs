//! The simulator over a few seeds: the real daemon where everything goes wrong.
//!
//! `LIGHTSOUT_SIM_SEEDS` is how many seeds are played (40 if it is not set), `LIGHTSOUT_SIM_FIRST` the
//! first of them. Many seeds are for a release build: `lightsout simulate --seeds 2000 --least 100`, which
//! also counts the faults and the reasons; `lightsout simulate --seed S` plays one alone.

use std::sync::atomic::{AtomicU64, Ordering};

use lightsout::simulate::{Outcome, Shape, run};

const SEEDS: u64 = 40;
const THREADS: u64 = 2;

fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|why| panic!("{name} is `{text}`: {why}")),
        Err(_) => otherwise,
    }
}

/// Plays the seeds from the first on.
fn play(first: u64, seeds: u64, shape: &Shape) -> Vec<Outcome> {
    let next = AtomicU64::new(first);
    let play = || {
        let mut outcomes = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                return outcomes;
            }
            outcomes.push(run(seed, shape));
        }
    };
    std::thread::scope(|scope| {
        let players: Vec<_> = (0..THREADS).map(|_| scope.spawn(play)).collect();
        players.into_iter().flat_map(|player| player.join().unwrap()).collect()
    })
}

#[test]
fn no_seed_breaks_a_rule() {
    let first = number("LIGHTSOUT_SIM_FIRST", 1);
    let outcomes = play(first, number("LIGHTSOUT_SIM_SEEDS", SEEDS), &Shape::default());
    let broken: Vec<String> = outcomes
        .iter()
        .flat_map(|outcome| outcome.findings.iter().map(move |f| (outcome.seed, f)))
        .map(|(seed, finding)| format!("seed {seed}: {finding}"))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let total = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    // A simulation in which nothing happens would find nothing.
    let seeds = outcomes.len() as u64;
    assert!(total(|outcome| outcome.stops) > 5 * seeds, "hardly a stop");
    assert!(total(|outcome| outcome.starts) > 2 * seeds, "hardly a start");
    assert!(total(|outcome| outcome.lives) > 5 * seeds, "hardly a crash");
}

#[test]
fn a_seed_is_the_same_story_each_time() {
    for seed in [3, 20] {
        let shape = Shape { days: 3, ..Shape::default() };
        assert_eq!(run(seed, &shape), run(seed, &shape), "seed {seed}");
    }
}

#[test]
fn in_calm_weather_every_night_is_as_the_policy_says() {
    let shape = Shape { is_stormy: false, days: 14, ..Shape::default() };
    for outcome in play(1_000, 4, &shape) {
        assert_eq!(outcome.findings, [], "seed {}", outcome.seed);
        assert_eq!(outcome.lives, 2, "it is only told once that the calm begins");
    }
}

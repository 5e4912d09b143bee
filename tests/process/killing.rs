//! The real program, killed while it writes: again and again, at each of the points at which the log
//! has grown a little further. No intent is lost, nothing has its effect twice, and the log is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::SignedDuration;
use lightsout::clock::{Clock, SystemClock};
use serde_json::Value;

use crate::house::{House, Process, Watched, text};

/// How often it is killed.
const KILLS: usize = 200;

/// How long a life may last that has nothing more to write.
const LIFE_MAX: SignedDuration = SignedDuration::from_secs(4);

/// How many sessions there are to stop: enough that every life has something to write.
const SESSIONS: usize = 240;

#[test]
fn killed_two_hundred_times_it_loses_no_intent_and_repeats_no_effect() {
    let sandbox = Watched::many(SESSIONS);
    let house = House::always_due(&sandbox.endpoint);
    let mut kills = 0;
    for life in 0.. {
        let mut daemon = house.start(&["--log", "error", "run"]);
        // Between the two records with which a life begins and some calls later, down to single bytes.
        let growth = 700 * (life % 13 + 1) + 53 * (life % 7);
        if kill_after(&mut daemon, &house.log(), growth) {
            kills += 1;
        }
        drop(daemon);
        assert_effects_are_recorded(&sandbox, &house.log());
        if kills == KILLS {
            break;
        }
    }
    let last = house.run(&["run", "--once"]);
    let effects = sandbox.effects();
    let stopped: BTreeSet<&String> = effects.iter().collect();
    assert_eq!(stopped.len(), effects.len(), "a stop had its effect twice");
    assert_eq!(effects.len(), SESSIONS, "{}", last.stderr);
    house.assert_log_is_whole();
    assert_one_proof_each(&house);
}

/// Kills the program as soon as the log has grown by so many bytes. Answers with whether it lived so
/// long; when nothing is left to do it writes no more.
fn kill_after(daemon: &mut Process, log: &Path, growth: u64) -> bool {
    let length = || std::fs::metadata(log).map_or(0, |file| file.len());
    let until = length() + growth;
    let clock = SystemClock::new();
    while length() < until {
        if daemon.has_ended() || clock.monotonic() > LIFE_MAX {
            break;
        }
        std::thread::yield_now();
    }
    let is_alive = !daemon.has_ended();
    daemon.signal("KILL");
    is_alive
}

/// Whatever the service did had its intent on the disk before.
fn assert_effects_are_recorded(sandbox: &Watched, log: &Path) {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let intents: BTreeSet<String> = log
        .lines()
        .filter(|line| line.contains("\"lightsout.stop.intended\""))
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|record| text(&record["data"], "client_token").to_owned())
        .collect();
    for (session, token) in sandbox.tokens() {
        assert!(intents.contains(&token), "{session} was stopped without an intent");
    }
}

/// The log tells of each stop once that it was proven, or proven to be another's.
fn assert_one_proof_each(house: &House) {
    let mut proofs: BTreeMap<String, usize> = BTreeMap::new();
    for record in house.records_of("stop.proven") {
        *proofs.entry(text(&record["data"], "session").to_owned()).or_default() += 1;
    }
    let twice: Vec<_> = proofs.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert_eq!(proofs.len(), SESSIONS);
}

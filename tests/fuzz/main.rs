//! Nothing that anybody can write makes the program panic, or grow.
//!
//! The targets are those of `fuzz/`, which cargo-fuzz feeds by coverage; here each gets a bounded run
//! of mutated samples. `LIGHTSOUT_FUZZ_CASES` is how many cases each target has (2,000 if it is not
//! set), `LIGHTSOUT_FUZZ_SEED` what they are drawn from, `LIGHTSOUT_FUZZ_SAMPLES` a directory into which the
//! samples are written, for a corpus of each target. A case that panics is printed before.

mod answers;
#[path = "../../fuzz/src/api.rs"]
mod api;
mod mutation;
#[path = "../../fuzz/src/targets.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::{fs, io};

use lightsout::simulate::Chance;
use mutation::mutated;

const CASES: u64 = 2_000;
const SEED: u64 = 20_261_125;

fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|why| panic!("{name} is `{text}`: {why}")),
        Err(_) => otherwise,
    }
}

fn cases() -> u64 {
    number("LIGHTSOUT_FUZZ_CASES", CASES)
}

fn chance(case: u64) -> Chance {
    Chance::new(number("LIGHTSOUT_FUZZ_SEED", SEED), case)
}

/// Feeds mutations of the samples to a target.
fn run(name: &str, samples: &[&[u8]], target: impl Fn(&[u8])) {
    if let Some(directory) = std::env::var_os("LIGHTSOUT_FUZZ_SAMPLES") {
        keep(&Path::new(&directory).join(name), samples).expect("a directory for the samples");
    }
    for case in 0..cases() {
        let mut chance = chance(case);
        let sample = samples[chance.below(samples.len())];
        let bytes = mutated(&mut chance, sample, samples);
        if catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_err() {
            panic!("{name}, case {case}: {:?}", String::from_utf8_lossy(&bytes));
        }
    }
}

/// Writes the samples where a corpus can begin with them.
fn keep(directory: &Path, samples: &[&[u8]]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (number, sample) in samples.iter().enumerate() {
        fs::write(directory.join(format!("sample-{number}")), sample)?;
    }
    Ok(())
}

fn target(name: &str) -> fn(&[u8]) {
    let found = targets::TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no target {name}")).1
}

#[test]
fn policy_files() {
    let example = include_bytes!("../../config/example.toml");
    run("config", &[example, include_bytes!("../../config/demo.toml")], target("config"));
}

#[test]
fn schedule_entries() {
    let samples: &[&[u8]] =
        &[b"Sun-Fri 20:00-07:00", b"Sat-Sun", b"Mon, Wed 24:00-00:00", b"Fri 02:30-02:15"];
    run("schedule", samples, target("schedule"));
}

#[test]
fn cron_pairs() {
    let samples: &[&[u8]] = &[
        b"0 20 * * Mon-Fri|0 7 * * Mon-Fri",
        b"*/5 * * * *|1-59/2 1,2 29 2 *",
        b"0 0 0 1 1 * 2100|59 59 23 31 12 7 2099",
        b"@daily|0 7 L * 5#3",
    ];
    run("cron", samples, target("cron"));
}

#[test]
fn calendar_dates() {
    let samples: &[&[u8]] = &[
        b"2026-12-24..2027-01-01",
        b"07-04",
        b"12-24..01-01",
        b"2026-11-27 20:00 .. 2026-11-30 07:00",
    ];
    run("calendar", samples, target("calendar"));
}

#[test]
fn calendar_files() {
    let directory = tempfile::tempdir().unwrap();
    let samples: &[&[u8]] = &[
        include_bytes!("../../src/config/ics/tests/everything.ics"),
        include_bytes!("../../config/holidays.ics"),
    ];
    run("ics", samples, |bytes| targets::ics(bytes, directory.path()));
}

#[test]
fn world_files() {
    let samples: &[&[u8]] = &[
        include_bytes!("../../config/sandbox.toml"),
        b"[[studio]]\nid = \"us-west-2:a\"\naccount = \"111122223333\"\nname = \"abc\"\n\
          [[studio.profile]]\nname = \"P\"\n[[studio.generate]]\ncount = 50\nprofile = \"P\"\n\
          started = \"-9h\"\nspread = \"3h\"\n",
    ];
    run("world", samples, target("world"));
}

#[test]
fn audit_logs() {
    let log = mutation::log();
    run("audit", &[&log], target("audit"));
}

#[test]
fn answers_of_the_service() {
    let sample = answers::whole();
    run("api", &[&sample], api::api);
}

#[test]
fn every_target_has_its_bounded_run_and_its_binary() {
    let this = include_str!("main.rs");
    let manifest = include_str!("../../fuzz/Cargo.toml");
    for name in targets::TARGETS.iter().map(|(name, _)| *name).chain(["ics", "api"]) {
        assert!(this.contains(&format!("run(\"{name}\"")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}

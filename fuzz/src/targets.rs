//! What is fuzzed, one function a target. Each takes bytes that anybody may have written and must come
//! back: without a panic, and in memory that does not grow with what the bytes claim.
//!
//! `cargo fuzz run TARGET` feeds them by coverage, and the bounded runs in `tests/fuzz` by mutation.

use std::path::Path;

use jiff::Timestamp;
use lightsout::audit::chain;
use lightsout::audit::replay::Replay;
use lightsout::config;
use lightsout::sandbox::worldfile;

/// One target: its name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target that needs nothing but the bytes, but for the answers of the service in `api`.
pub const TARGETS: &[Target] = &[
    ("config", config),
    ("schedule", schedule),
    ("cron", cron),
    ("calendar", calendar),
    ("world", world),
    ("audit", audit),
];

/// A whole policy file.
pub fn config(bytes: &[u8]) {
    read(&String::from_utf8_lossy(bytes));
}

/// One entry of a weekly schedule, as text.
pub fn schedule(bytes: &[u8]) {
    let entry = quoted(bytes);
    read(&format!(
        "version = 1\n[schedule.a]\nzone = \"Australia/Lord_Howe\"\nidle = [{entry}, {entry}]\n"
    ));
}

/// A pair of cron expressions.
pub fn cron(bytes: &[u8]) {
    let half = bytes.iter().position(|byte| *byte == b'|').unwrap_or(bytes.len());
    let (opens, closes) = bytes.split_at(half);
    let (opens, closes) = (quoted(opens), quoted(closes.strip_prefix(b"|").unwrap_or(closes)));
    read(&format!(
        "version = 1\n[schedule.a]\nzone = \"Europe/London\"\n\
         idle = {{ opens = {opens}, closes = {closes} }}\n"
    ));
}

/// The dates of a calendar.
pub fn calendar(bytes: &[u8]) {
    let date = quoted(bytes);
    read(&format!(
        "version = 1\n[calendar.a]\neffect = \"open\"\ndates = [{date}]\n\
         [schedule.a]\nzone = \"UTC\"\nidle = [\"Sat-Sun\"]\ncalendars = [\"a\"]\n"
    ));
}

/// A calendar file. It is read from a directory, as the program does.
pub fn ics(bytes: &[u8], directory: &Path) {
    let file = directory.join("fuzzed.ics");
    std::fs::write(&file, bytes).expect("a directory that can be written to");
    let text = "version = 1\n[calendar.a]\neffect = \"closed\"\nics = \"fuzzed.ics\"\n\
                [schedule.a]\nzone = \"Pacific/Apia\"\nidle = [\"Sat-Sun\"]\ncalendars = [\"a\"]\n";
    judge(config::parse("fuzzed.toml", text, directory));
}

/// A world file of the sandbox.
pub fn world(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(error) = worldfile::parse(&text, "world.toml", Timestamp::UNIX_EPOCH) {
        assert!(!error.to_string().is_empty());
    }
}

/// Lines of an audit log: whatever can be read is learnt from.
pub fn audit(bytes: &[u8]) {
    let mut replay = Replay::default();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let _ = chain::check(line);
        if let Ok(line) = chain::parse_line(line) {
            replay.apply(&line.record);
        }
    }
}

/// A TOML string with that content, whatever it is.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for char in String::from_utf8_lossy(bytes).chars() {
        match char {
            '"' | '\\' => text.extend(['\\', char]),
            char if char.is_control() => text.push_str(&format!("\\u{:04X}", u32::from(char))),
            char => text.push(char),
        }
    }
    text + "\""
}

fn read(text: &str) {
    judge(config::parse("fuzzed.toml", text, Path::new("/nonexistent")));
}

/// A file is taken with warnings, or refused with errors; either can be shown.
fn judge(result: Result<config::Loaded, config::Diagnostics>) {
    match result {
        Ok(loaded) => drop(loaded.warnings.render(false)),
        Err(found) => {
            assert!(found.has_errors());
            drop((found.render(true), found.to_json()));
        }
    }
}

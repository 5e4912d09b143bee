//! The sandbox with a state file, killed while a client makes changes: the file opens again each time,
//! every change that was answered is there, and the one that was not is there whole or not at all.
//!
//! `LIGHTSOUT_SANDBOX_KILLS` says how often it is killed.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::SignedDuration;
use lightsout::clock::{Clock, SystemClock};
use serde_json::Value;

use crate::client::{Client, SESSIONS};
use crate::house::Process;
use crate::lasting::{WORLD, sandbox};

/// How often it is killed where nobody says otherwise.
const KILLS: u64 = 60;

/// Longer than a change takes here, from its request to its answer.
const CHANGE_MICROS: u64 = 25_000;

/// Longer than it takes to begin, with a file that was left open.
const START_MICROS: u64 = 60_000;

/// What is known of a session from answers.
#[derive(Debug, Default, Clone, PartialEq)]
struct Known {
    stopped_at: Option<String>,
    mark: Option<String>,
}

/// What is asked for next. The number makes the client token, so that it is one change however often
/// it is asked for.
#[derive(Debug, Clone)]
enum Change {
    Create,
    Stop(String),
    Mark(String),
}

/// The changes of all lives, and what was answered.
#[derive(Debug, Default)]
struct Story {
    number: u64,
    answered: BTreeMap<String, Known>,
    last: String,
}

impl Story {
    fn next(&self) -> Change {
        match self.number % 3 {
            0 => Change::Create,
            1 => Change::Stop(self.last.clone()),
            _ => Change::Mark(self.last.clone()),
        }
    }

    fn send(&self, client: &mut Client) -> std::io::Result<()> {
        let token = format!("token-{}", self.number);
        match self.next() {
            Change::Create => {
                client.send("POST", SESSIONS, &token, r#"{"launchProfileId": "persistent"}"#)
            }
            Change::Stop(session) => {
                client.send("POST", &format!("{SESSIONS}/{session}/stop"), &token, "{}")
            }
            Change::Mark(session) => {
                let arn = "arn%3Aaws%3Animble%3Aus-west-2%3A111122223333%3Astreaming-session%2F";
                let body = format!(r#"{{"tags": {{"mark": "{}"}}}}"#, self.number);
                client.send("POST", &format!("/2020-08-01/tags/{arn}{session}"), "", &body)
            }
        }
    }

    /// Takes an answer to the change under way.
    fn take(&mut self, (status, answer): (u16, Value)) {
        let change = self.next();
        assert!(matches!(status, 200 | 204), "{change:?}: {answer}");
        let text = |name: &str| answer["session"][name].as_str().unwrap().to_owned();
        match change {
            Change::Create => {
                self.last = text("sessionId");
                let before = self.answered.insert(self.last.clone(), Known::default());
                assert_eq!(before, None, "a new session has the id of another");
            }
            Change::Stop(session) => {
                self.answered.get_mut(&session).unwrap().stopped_at = Some(text("stoppedAt"));
            }
            Change::Mark(session) => {
                let mark = Some(self.number.to_string());
                self.answered.get_mut(&session).unwrap().mark = mark;
            }
        }
        self.number += 1;
    }

    /// Holds what there is against what was answered. Answers with whether the change under way, which
    /// was not, is there.
    fn compare(&self, client: &mut Client) -> bool {
        let mut found: BTreeMap<String, Known> = BTreeMap::new();
        for session in client.sessions() {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let is_off = session["state"] == "STOPPED";
            let stopped_at = text(&session["stoppedAt"]).filter(|_| is_off);
            let known = Known { stopped_at, mark: text(&session["tags"]["mark"]) };
            found.insert(text(&session["sessionId"]).unwrap(), known);
        }
        if found == self.answered {
            return false;
        }
        let mut expected = self.answered.clone();
        match self.next() {
            Change::Create => {
                let new: Vec<_> =
                    found.iter().filter(|(id, _)| !self.answered.contains_key(*id)).collect();
                assert_eq!(new.len(), 1, "{new:?} came with one request");
                expected.insert(new[0].0.clone(), Known::default());
            }
            Change::Stop(session) => {
                let stopped_at = found.get(&session).and_then(|known| known.stopped_at.clone());
                assert!(stopped_at.is_some(), "{session} is neither as it was nor stopped");
                expected.get_mut(&session).unwrap().stopped_at = stopped_at;
            }
            Change::Mark(session) => {
                expected.get_mut(&session).unwrap().mark = Some(self.number.to_string());
            }
        }
        assert_eq!(found, expected, "beside {:?}", self.next());
        true
    }
}

fn spin(micros: u64) {
    let clock = SystemClock::new();
    let until = SignedDuration::from_micros(micros.try_into().unwrap());
    while clock.monotonic() < until {
        std::thread::yield_now();
    }
}

/// Makes some changes, and kills the process so long after one more was asked for.
fn live_and_die(story: &mut Story, state: &Path, life: u64) -> Option<bool> {
    let mut process = Process::start(sandbox(state, &[]));
    if life % 5 == 4 {
        spin(life * 7919 % START_MICROS);
        process.kill();
        return None;
    }
    let mut client = Client::of(&process.line());
    let was_done = story.compare(&mut client);
    for _ in 0..=life % 4 {
        story.send(&mut client).unwrap();
        let answer = client.answer().unwrap();
        story.take(answer);
    }
    story.send(&mut client).unwrap();
    spin(life * 1319 % CHANGE_MICROS);
    process.kill();
    if let Ok(answer) = client.answer() {
        story.take(answer);
    }
    Some(was_done)
}

#[test]
fn killed_at_any_moment_it_opens_again_with_every_change_that_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let (state, world) = (directory.path().join("studio.state"), directory.path().join("w.toml"));
    std::fs::write(&world, WORLD).unwrap();
    let first = Process::start(sandbox(&state, &["--world", world.to_str().unwrap()]));
    first.line();
    drop(first);
    let kills = std::env::var("LIGHTSOUT_SANDBOX_KILLS")
        .map_or(KILLS, |text| text.parse().expect("LIGHTSOUT_SANDBOX_KILLS is a number"));
    let mut story = Story::default();
    let lives: Vec<_> = (0..kills).map(|life| live_and_die(&mut story, &state, life)).collect();
    let process = Process::start(sandbox(&state, &[]));
    story.compare(&mut Client::of(&process.line()));
    let done = lives.iter().filter(|was_done| **was_done == Some(true)).count();
    let open = lives.iter().filter(|was_done| was_done.is_none()).count();
    println!(
        "{kills} kills, {open} of them while it opened the file; {} changes answered, {done} done and not answered",
        story.number
    );
}

#[test]
fn killed_while_it_makes_the_file_it_makes_it_anew() {
    let directory = tempfile::tempdir().unwrap();
    let world = directory.path().join("w.toml");
    std::fs::write(&world, WORLD).unwrap();
    for number in 0..15 {
        let state = directory.path().join(format!("studio-{number}.state"));
        let arguments = ["--world", world.to_str().unwrap()];
        let mut process = Process::start(sandbox(&state, &arguments));
        spin(number * 4_001);
        process.kill();
        let process = Process::start(sandbox(&state, &arguments));
        let mut client = Client::of(&process.line());
        assert_eq!(client.sessions().len(), 0);
        client.create("first").unwrap();
    }
}

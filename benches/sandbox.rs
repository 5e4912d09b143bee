//! What the sandbox costs with 20,000 sessions in one studio, as a process of its own.
//!
//! `cargo bench --bench sandbox` prints the figures beside the limits that we set ourselves; there is
//! no judgement in it, since a busy machine makes every figure worse. Server time is from the
//! arrival of a request to its answer, as the sandbox's log of requests has it. Start at [`main`].

#[path = "../tests/process/client.rs"]
#[expect(dead_code, reason = "the bench creates no sessions, and the tests do")]
mod client;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lightsout::clock::{Clock, SystemClock};

use self::client::{Client, SESSIONS};

/// How often each figure is measured.
const RUNS: usize = 5;
const COUNT: usize = 20_000;
/// How many sessions are stopped, one after another.
const STOPS: usize = 200;

fn main() {
    println!("{COUNT} sessions in one studio, 100 on a page, {RUNS} runs");
    println!("{:<52} {:>8} {:>8} {:>8}   limit", "", "min", "median", "max");
    let runs: Vec<Run> = (0..RUNS).map(|_| Run::measure()).collect();
    let of = |figure: fn(&Run) -> f64| runs.iter().map(figure).collect::<Vec<f64>>();
    let all = |figures: fn(&Run) -> &Vec<f64>| runs.iter().flat_map(figures).copied().collect();
    show("a page of 100: server ms", all(|run| &run.pages), Some(2.0));
    show("a page of one owner's: server ms", all(|run| &run.filtered), Some(2.0));
    show("a stop: server ms", all(|run| &run.stops), None);
    show("start: ms", of(|run| run.plain.start_ms), Some(1000.0));
    show("memory, everything listed and 200 stops: MiB", of(|run| run.plain.mib), Some(100.0));
    show("with --state, a page of 100: server ms", all(|run| &run.kept_pages), Some(2.0));
    show("with --state, a stop on the disk: server ms", all(|run| &run.kept_stops), None);
    show("with --state, start and the making of the file: ms", of(|run| run.made.start_ms), None);
    show("with --state, start: ms", of(|run| run.reopened.start_ms), Some(1000.0));
    show("with --state, start after a kill: ms", of(|run| run.recovered.start_ms), Some(1000.0));
    show("with --state, making and all of it: MiB", of(|run| run.made.mib), Some(100.0));
    show("with --state, start and all of it: MiB", of(|run| run.reopened.mib), Some(100.0));
    show("the state file: MiB", of(|run| run.file_mib), None);
}

struct Run {
    plain: Cost,
    pages: Vec<f64>,
    filtered: Vec<f64>,
    stops: Vec<f64>,
    made: Cost,
    kept_pages: Vec<f64>,
    kept_stops: Vec<f64>,
    reopened: Cost,
    recovered: Cost,
    file_mib: f64,
}

/// What one process took.
struct Cost {
    start_ms: f64,
    mib: f64,
}

impl Run {
    fn measure() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (world, state) =
            (directory.path().join("w.toml"), directory.path().join("studio.state"));
        fs::write(&world, WORLD.replace("COUNT", &COUNT.to_string())).unwrap();

        let mut sandbox = Sandbox::start(&world, None);
        let pages = sandbox.pages();
        let filtered = sandbox.filtered();
        let stops = sandbox.stops(0);
        let plain = sandbox.end("TERM");

        let mut sandbox = Sandbox::start(&world, Some(&state));
        let kept_pages = sandbox.pages();
        let kept_stops = sandbox.stops(0);
        let made = sandbox.end("TERM");
        let mut sandbox = Sandbox::start(&world, Some(&state));
        sandbox.pages();
        sandbox.stops(STOPS);
        let reopened = sandbox.end("KILL");
        let recovered = Sandbox::start(&world, Some(&state)).end("TERM");
        let file_mib = fs::metadata(&state).unwrap().len() as f64 / f64::from(1 << 20);
        Self {
            plain,
            pages,
            filtered,
            stops,
            made,
            kept_pages,
            kept_stops,
            reopened,
            recovered,
            file_mib,
        }
    }
}

struct Sandbox {
    process: Child,
    client: Client,
    start_ms: f64,
}

impl Sandbox {
    /// Starts it, up to the line that says that it can be called.
    fn start(world: &Path, state: Option<&Path>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightsout"));
        command.args(["sandbox", "--listen", "127.0.0.1:0", "--world"]).arg(world);
        if let Some(state) = state {
            command.arg("--state").arg(state);
        }
        let clock = SystemClock::new();
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let start_ms = clock.monotonic().as_secs_f64() * 1e3;
        Self { process, client: Client::of(line.trim_end()), start_ms }
    }

    /// Lists every session, page by page.
    fn pages(&mut self) -> Vec<f64> {
        self.forget();
        assert_eq!(self.client.sessions().len(), COUNT);
        self.server_ms()
    }

    /// Lists those of one owner, who has one.
    fn filtered(&mut self) -> Vec<f64> {
        let (_, page) = self.client.ask("GET", SESSIONS, "", "").unwrap();
        let owners: Vec<String> = page["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|session| session["ownedBy"].as_str().unwrap().to_owned())
            .collect();
        self.forget();
        for owner in owners {
            let path = format!("{SESSIONS}?ownedBy={owner}");
            let (_, page) = self.client.ask("GET", &path, "", "").unwrap();
            assert_eq!(page["sessions"].as_array().unwrap().len(), 1);
        }
        self.server_ms()
    }

    /// Stops sessions one after another, leaving out the first.
    fn stops(&mut self, skip: usize) -> Vec<f64> {
        let sessions = self.client.sessions();
        self.forget();
        for session in sessions.iter().skip(skip).take(STOPS) {
            let id = session["sessionId"].as_str().unwrap();
            let path = format!("{SESSIONS}/{id}/stop");
            let (status, answer) = self.client.ask("POST", &path, id, "{}").unwrap();
            assert_eq!(status, 200, "{answer}");
        }
        self.server_ms()
    }

    fn forget(&mut self) {
        self.client.ask("DELETE", "/_sandbox/requests", "", "").unwrap();
    }

    /// The time of each request since they were forgotten.
    fn server_ms(&mut self) -> Vec<f64> {
        let (_, told) = self.client.ask("GET", "/_sandbox/requests?last=1000", "", "").unwrap();
        let requests = told["requests"].as_array().unwrap();
        let micros = requests.iter().map(|request| request["latency_micros"].as_f64().unwrap());
        micros.map(|micros| micros / 1e3).collect()
    }

    fn end(mut self, signal: &str) -> Cost {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        self.process.wait().unwrap();
        Cost { start_ms: self.start_ms, mib: kib / 1024.0 }
    }
}

fn show(what: &str, mut figures: Vec<f64>, limit: Option<f64>) {
    figures.sort_unstable_by(f64::total_cmp);
    let (min, median, max) = (figures[0], figures[figures.len() / 2], figures[figures.len() - 1]);
    let limit = limit.map_or(String::new(), |limit| format!("{limit}"));
    println!("{what:<52} {min:>8.3} {median:>8.3} {max:>8.3}   {limit}");
}

const WORLD: &str = r#"
[settings]
page_size = 100

[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
account = "111122223333"
name = "feature"

[[studio.profile]]
id = "persistent"
name = "Persistent"
max_session_length_in_minutes = 43200
session_persistence_mode = "ACTIVATED"
automatic_termination_mode = "DEACTIVATED"
backup_mode = "AUTOMATIC"
max_backups_to_retain = 2
volume = { size = 500, iops = 3000, throughput = 125 }

[[studio.generate]]
count = COUNT
profile = "Persistent"
started = "-9h"
spread = "3h"
tags = { dept = "comp", show = "heron" }
"#;

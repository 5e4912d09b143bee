//! What the daemon costs as a process of its own, against a sandbox studio of 5,000 sessions.
//!
//! `cargo bench --bench daemon` prints the figures beside the limits that we set ourselves; there is
//! no judgement in it, since a busy machine makes every figure worse. The sandbox runs in this
//! process, so that its own work is not counted. Start at [`main`].

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::SignedDuration;
use lightsout::clock::{Clock, SystemClock};
use lightsout::sandbox::world::Operation;
use lightsout::sandbox::{Requests, Sandbox, SandboxOptions, worldfile};
use wait4::Wait4;

/// How often each figure is measured.
const RUNS: usize = 5;

const STUDIO: &str = "us-west-2:stid-BENCH";
const SESSIONS: usize = 5_000;
const STOPS: usize = 1_000;

/// The machines of the sessions that are stopped, and of all others.
const INSTANCE_TYPES: [&str; 2] = ["g4dn.xlarge", "g5.4xlarge"];

fn main() {
    println!("{SESSIONS} sessions, {RUNS} runs; user and system time of the daemon's process");
    println!("{:<44} {:>8} {:>8} {:>8}   limit", "", "min", "median", "max");
    let runs: Vec<Run> = (0..RUNS).map(|_| Run::measure()).collect();
    let cpu =
        |of: fn(&Run) -> &Cost| -> Vec<f64> { runs.iter().map(|run| of(run).cpu_ms).collect() };
    let mib = |of: fn(&Run) -> &Cost| -> Vec<f64> { runs.iter().map(|run| of(run).mib).collect() };
    show("start and end, no session: ms", cpu(|run| &run.empty), None);
    show("first scan, every decision recorded: ms", cpu(|run| &run.first), Some(100.0));
    show("first scan: MiB at most", mib(|run| &run.first), Some(40.0));
    show("next scan, log read, nothing new: ms", cpu(|run| &run.next), Some(100.0));
    show("next scan: MiB at most", mib(|run| &run.next), Some(40.0));
    show("first scan and 1,000 stops: ms", cpu(|run| &run.stops), None);
    show("first scan and 1,000 stops: MiB at most", mib(|run| &run.stops), Some(40.0));
    let each = |run: &Run| (run.stops.cpu_ms - run.first.cpu_ms) / STOPS as f64;
    show("each stop, scans for arrivals included: ms", runs.iter().map(each).collect(), Some(0.3));
    let alone = |run: &Run| each(run) - run.arrival_scans() * run.scan_ms() / STOPS as f64;
    show("each stop, without those scans: ms", runs.iter().map(alone).collect(), Some(0.3));
    let calls = |run: &Run| run.stops.calls.all as f64 / STOPS as f64;
    show("calls for each stop, all listing included", runs.iter().map(calls).collect(), Some(3.0));
    let own = |run: &Run| run.stops.calls.beside_lists as f64 / STOPS as f64;
    show("calls for each stop, lists apart", runs.iter().map(own).collect(), None);
}

/// Every process once.
struct Run {
    empty: Cost,
    first: Cost,
    next: Cost,
    stops: Cost,
}

impl Run {
    fn measure() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let empty = World::serve(0).run(path, "keep = true", &["--dry-run"]);
        let _ = fs::remove_file(path.join("audit.jsonl"));
        let world = World::serve(SESSIONS);
        let first = world.run(path, "keep = true", &["--dry-run"]);
        let next = world.run(path, "keep = true", &["--dry-run"]);
        let _ = fs::remove_file(path.join("audit.jsonl"));
        let stops = World::serve(SESSIONS).run(path, "max_uptime = \"4h\"", &[]);
        assert_eq!(stops.calls.stops, STOPS as u64, "each is asked for once");
        Self { empty, first, next, stops }
    }

    /// How often all sessions were listed after the stops.
    fn arrival_scans(&self) -> f64 {
        self.stops.calls.lists as f64 / self.first.calls.lists as f64 - 1.0
    }

    /// What listing all sessions costs at the most: the log is read in it as well.
    fn scan_ms(&self) -> f64 {
        self.next.cpu_ms - self.empty.cpu_ms
    }
}

/// What one process used.
struct Cost {
    cpu_ms: f64,
    mib: f64,
    calls: Calls,
}

/// What one process asked of the studio.
struct Calls {
    all: u64,
    lists: u64,
    beside_lists: u64,
    stops: u64,
}

impl Calls {
    fn of(requests: &Requests) -> Self {
        let all = Operation::ALL.iter().map(|operation| requests.count(*operation)).sum();
        let lists = requests.count(Operation::ListStreamingSessions);
        let beside_lists = all - lists - requests.count(Operation::ListLaunchProfiles);
        Self { all, lists, beside_lists, stops: requests.count(Operation::StopStreamingSession) }
    }
}

/// A sandbox that serves until this process ends.
struct World {
    address: SocketAddr,
    requests: Requests,
}

impl World {
    fn serve(sessions: usize) -> Self {
        let system = SystemClock::new();
        let text = world_file(sessions);
        let loaded = worldfile::parse(&text, "bench", system.now()).unwrap();
        let options = SandboxOptions::new(Arc::new(move || system.now())).for_world(&loaded);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let sandbox = runtime.block_on(Sandbox::bind(any, loaded.world, options)).unwrap();
        let (address, requests) = (sandbox.local_addr(), sandbox.requests());
        thread::spawn(move || runtime.block_on(sandbox.serve(std::future::pending())));
        Self { address, requests }
    }

    /// One daemon, one scan; `rule` is what its policy says of [`STOPS`] of the sessions.
    fn run(&self, directory: &Path, rule: &str, arguments: &[&str]) -> Cost {
        self.requests.clear();
        let config = directory.join("lightsout.toml");
        fs::write(&config, self.policy_file(rule)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_lightsout"))
            .arg("--config")
            .arg(&config)
            .args(["run", "--once"])
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let status = format!("/proc/{}/status", child.id());
        let peak = thread::spawn(move || peak_mib(&status));
        let used = child.wait4().unwrap();
        assert!(used.status.success(), "{} of `lightsout run`", used.status);
        let cpu = used.rusage.utime + used.rusage.stime;
        let mib = peak.join().unwrap();
        Cost { cpu_ms: cpu.as_secs_f64() * 1e3, mib, calls: Calls::of(&self.requests) }
    }

    fn policy_file(&self, rule: &str) -> String {
        let address = self.address;
        let [stopped, _] = INSTANCE_TYPES;
        // Idle hours that are far from now, so that nothing is due by them.
        let day = SystemClock::new().now() + SignedDuration::from_hours(72);
        let day = day.strftime("%a");
        format!(
            r#"version = 1
mode = "enforce"
daemon.state_dir = "state"
audit.path = "audit.jsonl"
[schedule.far]
zone = "UTC"
idle = ["{day} 10:00-12:00"]
[[studio]]
id = "{STUDIO}"
account = "111122223333"
endpoint_url = "http://{address}"
schedule = "far"
warn = []
preserve = "allow"
brake = {{ per_scan = 5000, per_hour = 5000 }}
[[studio.rule]]
name = "some"
match = {{ instance_type = ["{stopped}"] }}
{rule}
"#
        )
    }
}

fn world_file(sessions: usize) -> String {
    let [stopped, other] = INSTANCE_TYPES;
    let generate = |count: usize, instance_type: &str| {
        format!(
            r#"
[[studio.generate]]
count = {count}
profile = "Comp Workstation"
instance_type = "{instance_type}"
started = "-9h"
spread = "3h"
tags = {{ dept = "comp" }}
"#
        )
    };
    let head = format!(
        r#"
[settings]
page_size = 100
stop_time = "0s"
[[studio]]
id = "{STUDIO}"
account = "111122223333"
name = "bench"
[[studio.profile]]
name = "Comp Workstation"
max_session_length_in_minutes = 10080
max_stopped_session_length_in_minutes = 5760
"#
    );
    let stops = STOPS.min(sessions);
    head + &generate(stops, stopped) + &generate(sessions - stops, other)
}

/// The most memory that a process has had, looked at until it is gone. What the operating system
/// tells after its end counts this process's own memory from before the other program was loaded.
fn peak_mib(status: &str) -> f64 {
    let mut peak = 0.0;
    while let Ok(kib) = high_water_kib(status) {
        peak = kib as f64 / 1024.0;
        #[expect(clippy::disallowed_methods, reason = "nothing else happens on this thread")]
        thread::sleep(Duration::from_millis(1));
    }
    peak
}

fn high_water_kib(status: &str) -> io::Result<u64> {
    let text = fs::read_to_string(status)?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn show(what: &str, mut figures: Vec<f64>, limit: Option<f64>) {
    figures.sort_unstable_by(f64::total_cmp);
    let (min, median, max) = (figures[0], figures[figures.len() / 2], figures[figures.len() - 1]);
    let limit = limit.map_or(String::new(), |limit| format!("{limit}"));
    println!("{what:<44} {min:>8.3} {median:>8.3} {max:>8.3}   {limit}");
}

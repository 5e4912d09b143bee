//! How soon the daemon decides after its start, and what it costs while there is nothing to do.
//!
//! `cargo bench --bench idle` starts the release binary as a process of its own against a sandbox over HTTP: with 200
//! sessions and static credentials, until the first decision is in the log; and with 5,000 sessions, of which
//! nothing falls due, for a minute between two scans. It prints figures and judges none. Start at [`main`].

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use lightsout::clock::{Clock, SystemClock};
use lightsout::sandbox::{Sandbox, SandboxOptions, worldfile};

const STUDIO: &str = "us-west-2:stid-BENCH";
const RUNS: usize = 20;
const FEW: usize = 200;
const MANY: usize = 5_000;
/// How long a daemon that idles is watched, and how long after its first scan that begins.
const WATCHED: Duration = Duration::from_secs(60);
const SETTLING: Duration = Duration::from_secs(5);

fn main() {
    let endpoint = serve(FEW);
    let (real, cpu) = (0..RUNS).map(|_| first_decision_ms(&endpoint)).unzip();
    println!("start to first decision, {FEW} sessions, {RUNS} runs: ms");
    show("real time (limit 50)", real);
    show("processor time of the daemon", cpu);
    let endpoint = serve(MANY);
    println!("idle for {} s, {MANY} sessions known, scan every 5 minutes", WATCHED.as_secs());
    for (what, watched) in [("alone", false), ("with [http] and a watchdog of 60 s", true)] {
        let Idle { cpu_ms, rss_mib, wakes } = idle(&endpoint, watched);
        let share = cpu_ms / WATCHED.as_secs_f64() / 10.0;
        let wakes = wakes / WATCHED.as_secs_f64();
        println!(
            "  {what}: {rss_mib:.1} MiB resident (limit 40), {share:.4} % of one core (limit 0.1), \
             {wakes:.2} wakes a second"
        );
    }
}

fn show(what: &str, mut figures: Vec<f64>) {
    figures.sort_unstable_by(f64::total_cmp);
    let (least, median, most) = (figures[0], figures[RUNS / 2], figures[RUNS - 1]);
    println!("  {what}: least {least:.1}, median {median:.1}, most {most:.1}");
}

/// A sandbox that serves until this process ends.
fn serve(sessions: usize) -> String {
    let system = SystemClock::new();
    let text = format!(
        r#"
[settings]
page_size = 100
[[studio]]
id = "{STUDIO}"
account = "111122223333"
name = "bench"
[[studio.profile]]
name = "Comp Workstation"
max_session_length_in_minutes = 10080
max_stopped_session_length_in_minutes = 5760
[[studio.generate]]
count = {sessions}
profile = "Comp Workstation"
instance_type = "g5.4xlarge"
started = "-9h"
spread = "3h"
"#
    );
    let loaded = worldfile::parse(&text, "bench", system.now()).unwrap();
    let options = SandboxOptions::new(Arc::new(move || system.now())).for_world(&loaded);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let sandbox = runtime.block_on(Sandbox::bind(any, loaded.world, options)).unwrap();
    let endpoint = sandbox.endpoint_url();
    thread::spawn(move || runtime.block_on(sandbox.serve(std::future::pending())));
    endpoint
}

/// Starts a daemon with its files in a directory; `more` is added to its policy.
fn start(directory: &Path, endpoint: &str, more: &str, manager: Option<&Path>) -> Child {
    // Idle hours that are far from now, so that nothing is due by them.
    let day = (SystemClock::new().now() + SignedDuration::from_hours(72)).strftime("%a");
    let policy = format!(
        r#"version = 1
mode = "enforce"
daemon.state_dir = "state"
audit.path = "audit.jsonl"
{more}
[schedule.far]
zone = "UTC"
idle = ["{day} 10:00-12:00"]
[[studio]]
id = "{STUDIO}"
account = "111122223333"
endpoint_url = "{endpoint}"
schedule = "far"
warn = []
preserve = "allow"
"#
    );
    let config = directory.join("lightsout.toml");
    fs::write(&config, policy).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightsout"));
    command.arg("--config").arg(&config).arg("run").stderr(Stdio::null()).stdout(Stdio::null());
    command.envs([("AWS_ACCESS_KEY_ID", "STATIC"), ("AWS_SECRET_ACCESS_KEY", "static")]);
    if let Some(manager) = manager {
        command.env("NOTIFY_SOCKET", manager).env("WATCHDOG_USEC", "60000000");
    }
    command.spawn().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "what passes in real time is what is measured")]
fn first_decision_ms(endpoint: &str) -> (f64, f64) {
    let directory = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut daemon = start(directory.path(), endpoint, "", None);
    await_decision(directory.path());
    let took = began.elapsed();
    let cpu_ms = cpu_ms(&format!("/proc/{}", daemon.id()));
    end(&mut daemon);
    (took.as_secs_f64() * 1e3, cpu_ms)
}

#[expect(clippy::disallowed_methods, reason = "nothing else happens on this thread")]
fn await_decision(directory: &Path) {
    let log = directory.join("audit.jsonl");
    let is_decided = || fs::read_to_string(&log).is_ok_and(|l| l.contains("session.decided"));
    while !is_decided() {
        thread::sleep(Duration::from_micros(200));
    }
}

fn end(daemon: &mut Child) {
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

/// What a process costs that has nothing to do.
struct Idle {
    cpu_ms: f64,
    rss_mib: f64,
    wakes: f64,
}

#[expect(clippy::disallowed_methods, reason = "what passes in real time is what is measured")]
fn idle(endpoint: &str, watched: bool) -> Idle {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    thread::spawn(move || while manager.recv(&mut [0; 4096]).is_ok() {});
    let more = if watched { "http.listen = \"127.0.0.1:0\"" } else { "" };
    let mut daemon = start(directory.path(), endpoint, more, watched.then_some(&socket));
    await_decision(directory.path());
    thread::sleep(SETTLING);
    let process = format!("/proc/{}", daemon.id());
    let before = (cpu_ms(&process), wakes(&process));
    thread::sleep(WATCHED);
    let after = (cpu_ms(&process), wakes(&process));
    let rss_mib = field(&format!("{process}/status"), "VmRSS:") / 1024.0;
    end(&mut daemon);
    Idle { cpu_ms: after.0 - before.0, rss_mib, wakes: after.1 - before.1 }
}

/// User and system time of all threads, by the scheduler's own count, which is exact where ticks are not.
fn cpu_ms(process: &str) -> f64 {
    let nanoseconds = |task: &str| -> f64 {
        let schedstat = fs::read_to_string(format!("{task}/schedstat")).unwrap_or_default();
        schedstat.split(' ').next().and_then(|time| time.parse().ok()).unwrap_or(0.0)
    };
    tasks(process).iter().map(|task| nanoseconds(task)).sum::<f64>() / 1e6
}

/// How often any thread has gone to sleep by itself, and so was woken.
fn wakes(process: &str) -> f64 {
    let switches = |task: &String| field(&format!("{task}/status"), "voluntary_ctxt_switches:");
    tasks(process).iter().map(switches).sum()
}

fn tasks(process: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("{process}/task")).unwrap();
    tasks.map(|task| task.unwrap().path().display().to_string()).collect()
}

fn field(file: &str, name: &str) -> f64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0.0)
}

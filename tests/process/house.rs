//! A directory with a policy, processes of the program, and sandboxes for them to call.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use lightsout::clock::{Clock, SystemClock};
use lightsout::sandbox::world::{Effect, Operation};
use lightsout::sandbox::{Faults, Requests, Sandbox, SandboxOptions, World, worldfile};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// What a process may take at the most before it counts as hanging.
pub(crate) const HANGING: Duration = Duration::from_secs(50);

pub(crate) const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";

pub(crate) fn now() -> Timestamp {
    SystemClock::new().now()
}

/// A directory of its own, with a policy file in it.
pub(crate) struct House {
    directory: tempfile::TempDir,
}

impl House {
    /// A house whose policy file holds this text.
    pub(crate) fn new(policy: &str) -> Self {
        let house = Self { directory: tempfile::tempdir().unwrap() };
        house.write(policy);
        house
    }

    /// Writes another policy file in the place of the one before.
    pub(crate) fn write(&self, policy: &str) {
        std::fs::write(self.config(), policy).unwrap();
    }

    /// The policy that the program ships, for a sandbox at this endpoint and with a log in here. Without
    /// its calendars: what is decided must not depend on the day on which a test runs.
    pub(crate) fn of_the_example(endpoint: &str) -> Self {
        let text = include_str!("../../config/example.toml");
        let calendars = "calendars = [\"holidays\", \"crunch\"]";
        for part in ["http://127.0.0.1:9471", "../target/lightsout-example/", calendars] {
            assert!(text.contains(part), "the example has no {part} any more");
        }
        let text =
            text.replace("http://127.0.0.1:9471", endpoint).replace(calendars, "calendars = []");
        let house = Self::new(&text.replace("../target/lightsout-example/", ""));
        let holidays = include_str!("../../config/holidays.ics");
        std::fs::write(house.directory.path().join("holidays.ics"), holidays).unwrap();
        house
    }

    /// A policy under which everything that may be stopped is due, at any hour.
    pub(crate) fn always_due(endpoint: &str) -> Self {
        Self::new(&always_due(endpoint))
    }

    /// The same, where somebody wants nothing done.
    pub(crate) fn paused(endpoint: &str) -> Self {
        let house = Self::always_due(endpoint);
        let paused = house.run(&["pause", "--as", "ada", "--wait", "0s"]);
        assert_eq!(paused.code, Some(0), "{}", paused.stderr);
        house
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.directory.path().join("lightsout.toml")
    }

    /// Where requests wait.
    pub(crate) fn requests(&self) -> PathBuf {
        self.directory.path().join("state/requests")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.path().join("audit.jsonl")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Starts the program.
    pub(crate) fn start(&self, arguments: &[&str]) -> Process {
        let mut command = program();
        command.arg("--config").arg(self.config()).args(arguments);
        Process::start(command)
    }

    /// Starts the program through another one, such as a shell that limits it.
    pub(crate) fn start_through(&self, wrapper: &[&str], arguments: &[&str]) -> Process {
        let inner = program();
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(inner.get_program()).stdin(Stdio::null());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.arg("--config").arg(self.config()).args(arguments);
        Process::start(command)
    }

    /// Runs the program to its end, with these variables in its environment.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
        let mut command = program();
        command.arg("--config").arg(self.config()).args(arguments);
        command.envs(variables.iter().copied());
        Process::start(command).finish()
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish()
    }

    /// Runs the program at a terminal at which somebody types this.
    pub(crate) fn run_at_terminal(&self, arguments: &[&str], typed: &str) -> Finished {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let person = openpt(flags).unwrap();
        unlockpt(&person).unwrap();
        let terminal = ioctl_tiocgptpeer(&person, flags).unwrap();
        let mut person = File::from(person);
        person.write_all(typed.as_bytes()).unwrap();
        let mut command = program();
        command.arg("--config").arg(self.config()).args(arguments).stdin(terminal);
        Process::start(command).finish()
    }

    /// Runs the program, which succeeds, and reads what it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let finished = self.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
        serde_json::from_str(&finished.stdout).unwrap()
    }

    /// Every record of the log, as `audit show` prints it.
    pub(crate) fn records(&self) -> Vec<Value> {
        let shown = self.run(&["audit", "show", "--format", "json"]);
        assert_eq!(shown.code, Some(0), "{}", shown.stderr);
        shown.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The records of one kind, such as `stop.proven`.
    pub(crate) fn records_of(&self, kind: &str) -> Vec<Value> {
        let kind = format!("lightsout.{kind}");
        self.records().into_iter().filter(|record| record["type"] == *kind).collect()
    }

    pub(crate) fn assert_log_is_whole(&self) {
        let verified = self.run(&["audit", "verify"]);
        assert_eq!(verified.code, Some(0), "{}", verified.stderr);
        assert!(verified.stdout.contains("whole"), "{}", verified.stdout);
    }
}

pub(crate) fn always_due(endpoint: &str) -> String {
    format!(
        r#"
version = 1
mode = "enforce"

[daemon]
state_dir = "state"

[audit]
path = "audit.jsonl"

[[studio]]
id = "{STUDIO}"
account = "111122223333"
endpoint_url = "{endpoint}"
warn = []
lease = "30m"
max_uptime = "1h"
"#
    )
}

/// The same policy, by which it is only told what would be done.
pub(crate) fn observing(endpoint: &str) -> String {
    always_due(endpoint).replace("enforce", "observe")
}

/// The program, without anything of this machine's that it could listen to.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightsout"));
    for (name, _) in std::env::vars() {
        let is_heard = ["AWS_", "LIGHTSOUT_", "NO_COLOR", "CLICOLOR"];
        if is_heard.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        command.env(name, "/dev/null");
    }
    command.stdin(Stdio::null());
    command
}

/// A process of the program. It is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    /// What it has said on standard error so far.
    said: String,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self { child, stdout, stderr, said: String::new() }
    }

    /// Waits until it says this on standard error.
    pub(crate) fn wait_for(&mut self, words: &str) {
        loop {
            let line = self.stderr.recv_timeout(HANGING);
            let line = line.unwrap_or_else(|_| panic!("it never said {words:?}:\n{}", self.said));
            self.said.push_str(&line);
            if line.contains(words) {
                return;
            }
        }
    }

    /// What it has said on standard error so far.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// The next line of its data.
    pub(crate) fn line(&self) -> String {
        self.stdout.recv_timeout(HANGING).unwrap().trim_end().to_owned()
    }

    /// Waits until it ends by itself.
    pub(crate) fn finish(mut self) -> Finished {
        // Both streams end with the process.
        let stdout = all(&self.stdout);
        let stderr = std::mem::take(&mut self.said) + &all(&self.stderr);
        Finished { code: self.wait().code(), stdout, stderr }
    }

    fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Kills it at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.wait();
    }

    /// Its number.
    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The most memory it ever had, in kB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines as they come, so that a process is never held up by what it says.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while matches!(reader.read_line(&mut line), Ok(1..)) {
            if sender.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Everything up to the end of a stream.
fn all(stream: &Receiver<String>) -> String {
    let mut text = String::new();
    loop {
        match stream.recv_timeout(HANGING) {
            Ok(line) => text.push_str(&line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return text,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it hangs after:\n{text}"),
        }
    }
}

/// The program's own sandbox, as a process. Answers with its endpoint as well.
pub(crate) fn sandbox_process() -> (Process, String) {
    let mut command = program();
    command.args(["sandbox", "--listen", "127.0.0.1:0"]);
    let process = Process::start(command);
    let endpoint = process.line();
    assert!(endpoint.starts_with("http://127.0.0.1:"), "{endpoint}");
    (process, endpoint)
}

/// A sandbox in a thread of the test, which sees what is asked of it and can make it misbehave.
pub(crate) struct Watched {
    pub(crate) endpoint: String,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
    pub(crate) world: Arc<Mutex<World>>,
    silences: Receiver<()>,
    ending: CancellationToken,
    server: Option<thread::JoinHandle<()>>,
}

/// A studio with one launch profile, in which nothing takes a time worth speaking of.
const QUICK: &str = r#"
[settings]
stop_time = "1s"
start_time = "1s"
profile_time = "1s"

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
"#;

impl Watched {
    /// A quick studio, and what else is in it.
    pub(crate) fn with(more: &str) -> Self {
        Self::of(&format!("{QUICK}{more}"))
    }

    /// The studio that the program ships.
    pub(crate) fn shipped() -> Self {
        Self::of(worldfile::SHIPPED)
    }

    /// Two sessions that may be stopped and one that may not; stops take no time worth speaking of.
    pub(crate) fn small() -> Self {
        Self::with(
            r#"
[[studio.profile]]
id = "forbidding"
name = "Forbidding"
max_session_length_in_minutes = 43200

[[studio.session]]
id = "one"
profile = "persistent"
started = "-9h"

[[studio.session]]
id = "two"
profile = "persistent"
started = "-9h"

[[studio.session]]
id = "forbidden"
profile = "forbidding"
started = "-9h"
"#,
        )
    }

    /// So many sessions that may be stopped.
    pub(crate) fn many(sessions: usize) -> Self {
        Self::with(&format!(
            r#"
[[studio.generate]]
count = {sessions}
profile = "Persistent"
started = "-9h"
"#
        ))
    }

    /// The studios of a world file.
    pub(crate) fn of(world: &str) -> Self {
        let loaded = worldfile::parse(world, "world.toml", now()).unwrap();
        let (silent, silences) = channel();
        let (bound, ready) = channel();
        let ending = CancellationToken::new();
        let until = ending.clone();
        let server = thread::spawn(move || {
            let silent = Mutex::new(silent);
            let options = SandboxOptions {
                on_silence: Some(Arc::new(move |_: &str| {
                    // Nobody may be waiting for it any more.
                    let _ = silent.lock().unwrap().send(());
                })),
                ..SandboxOptions::new(Arc::new(now)).for_world(&loaded)
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let address = "127.0.0.1:0".parse().unwrap();
                let sandbox = Sandbox::bind(address, loaded.world, options).await.unwrap();
                let handles =
                    (sandbox.endpoint_url(), sandbox.faults(), sandbox.requests(), sandbox.world());
                bound.send(handles).unwrap();
                sandbox.serve(until.cancelled_owned()).await;
            });
        });
        let (endpoint, faults, requests, world) = ready.recv().unwrap();
        Self { endpoint, faults, requests, world, silences, ending, server: Some(server) }
    }

    /// Waits until so many requests were left without an answer.
    pub(crate) fn wait_for_silences(&self, count: usize) {
        for _ in 0..count {
            self.silences.recv_timeout(HANGING).unwrap();
        }
    }

    /// How many requests were made that could change anything.
    pub(crate) fn changing_requests(&self) -> u64 {
        let counts = self.requests.counts().into_iter();
        counts.filter(|((_, operation), _)| operation.changes()).map(|(_, count)| count).sum()
    }

    /// The sessions whose stop had an effect, once for each effect.
    pub(crate) fn effects(&self) -> Vec<String> {
        let world = self.world.lock().unwrap();
        let mut effects: Vec<String> =
            world.effects().iter().map(|effect| effect.subject.clone()).collect();
        effects.sort();
        effects
    }

    /// The client token of each effect, with its session.
    pub(crate) fn tokens(&self) -> Vec<(String, String)> {
        let world = self.world.lock().unwrap();
        let token = |effect: &Effect| effect.token.clone().unwrap_or_default();
        world.effects().iter().map(|effect| (effect.subject.clone(), token(effect))).collect()
    }

    pub(crate) fn assert_requests_are_valid(&self) {
        for request in self.requests.recent() {
            assert_ne!(request.status, Some(400), "{request:?}");
            assert_ne!(request.operation, Operation::Unserved, "{request:?}");
            assert_eq!(request.violations, [], "{request:?}");
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.ending.cancel();
        if let Some(server) = self.server.take() {
            // A panic in it has been printed; another one here would end the whole run.
            let _ = server.join();
        }
    }
}

/// The text of a member.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

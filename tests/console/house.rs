//! A directory with a policy, a sandbox studio, and a shell that believes it is some time else.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lightsout::sandbox::{Sandbox, SandboxOptions, worldfile};
use tokio_util::sync::CancellationToken;

use crate::page::root;

/// Where the pages say that the sandbox is.
const SHOWN: &str = "http://127.0.0.1:9471";

/// The length of a SHA-256 in hexadecimal digits.
const HASH: usize = 64;

pub(crate) struct House {
    directory: tempfile::TempDir,
    endpoint: String,
    now: Arc<Mutex<Timestamp>>,
    ending: CancellationToken,
    sandbox: Option<thread::JoinHandle<()>>,
}

impl House {
    /// A house with the files of `docs/tour`, of which `policy` is `lightsout.toml`, beside a sandbox with this
    /// world; where none is named, with the studio that is in there.
    pub(crate) fn new(policy: &str, world: Option<&str>, now: Timestamp) -> Self {
        let world = root().join(world.unwrap_or("docs/tour/studio.toml"));
        let now = Arc::new(Mutex::new(now));
        let ending = CancellationToken::new();
        let (sandbox, endpoint) = serve(&world, Arc::clone(&now), ending.clone());
        let directory = tempfile::tempdir().unwrap();
        furnish(directory.path(), policy, &endpoint);
        Self { directory, endpoint, now, ending, sandbox: Some(sandbox) }
    }

    pub(crate) fn set(&self, now: Timestamp) {
        *self.now.lock().unwrap() = now;
    }

    /// What a line prints that is typed at a shell in here: data and talk, and the exit status where it is not 0.
    pub(crate) fn type_in(&self, line: &str) -> String {
        let now = self.now.lock().unwrap().to_zoned(TimeZone::UTC);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec 2>&1\n{line}")]).current_dir(self.directory.path());
        command.env_clear().stdin(Stdio::null());
        let program = PathBuf::from(env!("CARGO_BIN_EXE_lightsout"));
        let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
        command.env("PATH", path).env("HOME", self.directory.path()).env("TZ", "UTC");
        command.env("LOGNAME", "lee");
        command.env("LIGHTSOUT_CONFIG", "lightsout.toml").env("LIGHTSOUT_LOG", "off");
        command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        // The wall clock stands still; time goes on.
        command.env("LD_PRELOAD", library()).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command.env("FAKETIME", now.strftime("%Y-%m-%d %H:%M:%S").to_string());
        command.env("NO_FAKE_STAT", "1");
        let output = command.output().unwrap();
        let mut printed = self.shown(&String::from_utf8(output.stdout).unwrap());
        match output.status.code() {
            Some(0) => {}
            Some(code) => printed.push_str(&format!("[exit status {code}]\n")),
            None => panic!("{line}: killed\n{printed}"),
        }
        printed
    }

    /// Output as it would be anywhere: without what is of this house, and hashes, which depend on it.
    fn shown(&self, text: &str) -> String {
        let text = text.replace(&self.endpoint, SHOWN);
        let text = text.replace(&format!("{}/", self.directory.path().display()), "");
        let lines = text.lines().map(|line| {
            let words = line.trim_end().split(' ').map(|word| {
                let is_hash = word.len() == HASH && word.chars().all(|c| c.is_ascii_hexdigit());
                if is_hash { "..." } else { word }
            });
            words.collect::<Vec<_>>().join(" ") + "\n"
        });
        lines.collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.ending.cancel();
        // A sandbox that panicked has said so.
        let _ = self.sandbox.take().map(thread::JoinHandle::join);
    }
}

/// Serves a sandbox with this world, by this clock. Answers with where it is as well.
fn serve(
    world: &Path,
    now: Arc<Mutex<Timestamp>>,
    until: CancellationToken,
) -> (thread::JoinHandle<()>, String) {
    let text = std::fs::read_to_string(world).unwrap();
    let loaded = worldfile::parse(&text, "studio.toml", *now.lock().unwrap()).unwrap();
    let (bound, ready) = channel();
    let sandbox = thread::spawn(move || {
        let clock = Arc::new(move || *now.lock().unwrap());
        let options = SandboxOptions::new(clock).for_world(&loaded);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let address = "127.0.0.1:0".parse().unwrap();
            let sandbox = Sandbox::bind(address, loaded.world, options).await.unwrap();
            bound.send(sandbox.endpoint_url()).unwrap();
            sandbox.serve(until.cancelled_owned()).await;
        });
    });
    let endpoint = ready.recv().unwrap();
    (sandbox, endpoint)
}

/// Puts the files of `docs/tour` into a directory, with this policy as `lightsout.toml` in the place of that one.
fn furnish(directory: &Path, policy: &str, endpoint: &str) {
    const POLICY: &str = "lightsout.toml";
    for entry in std::fs::read_dir(root().join("docs/tour")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap().replace(SHOWN, endpoint);
        let name = path.file_name().unwrap().to_str().unwrap();
        match name {
            _ if name == policy => std::fs::write(directory.join(POLICY), text).unwrap(),
            POLICY => {}
            _ => std::fs::write(directory.join(name), text).unwrap(),
        }
    }
    assert!(directory.join(POLICY).is_file(), "docs/tour has no {policy}");
}

/// What tells a process another time.
fn library() -> PathBuf {
    let told = std::env::var_os("LIGHTSOUT_FAKETIME").map(PathBuf::from);
    let usual = || {
        let directories = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
        let mut found = directories.map(|path| path.join("faketime/libfaketime.so.1"));
        found.find(|path| path.is_file())
    };
    told.or_else(usual).expect(
        "libfaketime was not found: install it (Debian: apt-get install faketime), or name the library in \
         LIGHTSOUT_FAKETIME",
    )
}

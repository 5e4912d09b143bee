//! A directory with a policy, a sandbox studio, and a shell that believes it is some time else.

use std::path::PathBuf;
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
        let tour = root().join("docs/tour");
        let world = root().join(world.unwrap_or("docs/tour/studio.toml"));
        let world = std::fs::read_to_string(world).unwrap();
        let loaded = worldfile::parse(&world, "studio.toml", now).unwrap();
        let now = Arc::new(Mutex::new(now));
        let (bound, ready) = channel();
        let ending = CancellationToken::new();
        let (until, clock) = (ending.clone(), Arc::clone(&now));
        let sandbox = thread::spawn(move || {
            let clock = Arc::new(move || *clock.lock().unwrap());
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
        let house = Self {
            directory: tempfile::tempdir().unwrap(),
            endpoint,
            now,
            ending,
            sandbox: Some(sandbox),
        };
        for entry in std::fs::read_dir(&tour).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap().replace(SHOWN, &house.endpoint);
            let name = path.file_name().unwrap().to_str().unwrap();
            let name = if name == policy { "lightsout.toml" } else { name };
            if name != "lightsout.toml" || path.ends_with(policy) {
                std::fs::write(house.directory.path().join(name), text).unwrap();
            }
        }
        assert!(
            house.directory.path().join("lightsout.toml").is_file(),
            "docs/tour has no {policy}"
        );
        house
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

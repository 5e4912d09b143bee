//! A disk that has no room for the log: nothing is stopped without its record, and everything is once
//! there is room.
//!
//! `LIGHTSOUT_SMALL_DISK` names a directory on a file system of 64 KB that may be made larger by
//! `mount -o remount`, as `.ci/run` prepares one; without it, a limit on the size of files stands for
//! the small disk.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use crate::house::{House, Process, Watched, always_due, text};

const SESSIONS: usize = 120;

/// How much fits on the small disk.
const BYTES: u64 = 64 * 1024;

/// Starts a program that may write files of so many bytes: a write beyond is an error, not a signal.
const LIMITED: &str = "trap '' XFSZ; exec prlimit --fsize=65536:unlimited \"$@\"";

/// Where the log is, and how its disk gets room.
enum SmallDisk {
    Mounted(PathBuf),
    Limited,
}

impl SmallDisk {
    fn new() -> Self {
        std::env::var_os("LIGHTSOUT_SMALL_DISK")
            .map_or(Self::Limited, |at| Self::Mounted(at.into()))
    }

    fn start(&self, house: &House) -> Process {
        let arguments = &["--log", "warn", "run"];
        match self {
            Self::Mounted(_) => house.start(arguments),
            Self::Limited => house.start_through(&["sh", "-c", LIMITED, "sh"], arguments),
        }
    }

    fn make_room(&self, daemon: &Process) {
        let made = match self {
            Self::Mounted(at) => {
                Command::new("mount").args(["-o", "remount,size=16m"]).arg(at).status()
            }
            Self::Limited => {
                Command::new("prlimit").args(["--fsize=unlimited", "--pid", &daemon.id()]).status()
            }
        };
        assert!(made.unwrap().success());
    }
}

#[test]
fn without_room_for_its_record_nothing_is_stopped_and_with_room_everything_is() {
    let disk = SmallDisk::new();
    let sandbox = Watched::many(SESSIONS);
    let policy = always_due(&sandbox.endpoint).replace("[daemon]", "[daemon]\nscan = \"10s\"");
    let policy = match &disk {
        SmallDisk::Mounted(at) => {
            policy.replace("audit.jsonl", &at.join("audit.jsonl").display().to_string())
        }
        SmallDisk::Limited => policy,
    };
    let house = House::new(&policy);
    let mut daemon = disk.start(&house);
    daemon.wait_for("until the log can be written");
    let stopped = sandbox.effects().len();
    assert!(stopped < SESSIONS, "there was room for all of {SESSIONS}");
    assert_all_intended(&sandbox, &house);
    let log = match &disk {
        SmallDisk::Mounted(at) => at.join("audit.jsonl"),
        SmallDisk::Limited => house.log(),
    };
    assert!(std::fs::metadata(log).unwrap().len() <= BYTES);

    disk.make_room(&daemon);
    while sandbox.effects().len() < SESSIONS {
        assert!(!daemon.has_ended(), "it should have gone on by itself");
        std::thread::yield_now();
    }
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    house.assert_log_is_whole();
    assert_all_intended(&sandbox, &house);
    assert_eq!(sandbox.effects().len(), SESSIONS, "a stop had its effect twice");
}

fn assert_all_intended(sandbox: &Watched, house: &House) {
    let intents = house.records_of("stop.intended");
    let intents: BTreeSet<&str> =
        intents.iter().map(|record| text(&record["data"], "client_token")).collect();
    for (session, token) in sandbox.tokens() {
        assert!(intents.contains(token.as_str()), "{session} was stopped without an intent");
    }
}

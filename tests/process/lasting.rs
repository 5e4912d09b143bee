//! The sandbox with a state file, as a process.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::client::Client;
use crate::house::{Finished, Process, program};

/// Starts a program that may write files of so many bytes: a write beyond is an error, not a signal.
const LIMITED: &str = "trap '' XFSZ; exec prlimit --fsize=262144:unlimited \"$@\"";

pub(crate) const WORLD: &str = r#"
[settings]
page_size = 1000
create_time = "0s"
stop_time = "0s"

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

/// A sandbox that keeps its world in a file, with more arguments.
pub(crate) fn sandbox(state: &Path, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(["--log", "error", "sandbox", "--listen", "127.0.0.1:0", "--state"]).arg(state);
    command.args(arguments);
    command
}

fn refused(state: &Path, arguments: &[&str]) -> Finished {
    let finished = Process::start(sandbox(state, arguments)).finish();
    assert_eq!(finished.stdout, "", "it does not listen");
    finished
}

fn clock(client: &mut Client, change: &str) -> Value {
    let method = if change.is_empty() { "GET" } else { "POST" };
    let (status, shown) = client.ask(method, "/_sandbox/clock", "", change).unwrap();
    assert_eq!(status, 200, "{shown}");
    shown
}

#[test]
fn world_and_clock_are_as_they_were_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (state, world) = (directory.path().join("studio.state"), directory.path().join("w.toml"));
    std::fs::write(&world, WORLD).unwrap();
    let world = world.to_str().unwrap();
    let start = ["--world", world, "--clock", "frozen", "--start", "2026-11-20T20:00:00Z"];
    let running = Process::start(sandbox(&state, &start));
    let mut client = Client::of(&running.line());
    let created = client.create("first").unwrap();
    assert_eq!(clock(&mut client, r#"{"advance": "8h"}"#)["now"], "2026-11-21T04:00:00Z");
    drop(running);
    assert_eq!(std::fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o600);

    let mut running = Process::start(sandbox(&state, &["--world", world]));
    running.wait_for("holds a world already");
    let mut client = Client::of(&running.line());
    let shown = clock(&mut client, "");
    assert_eq!((&shown["now"], &shown["frozen"]), (&json!("2026-11-21T04:00:00Z"), &json!(true)));
    assert_eq!(client.create("first").unwrap(), created, "a repetition");
    assert_eq!(client.sessions().len(), 1);
    let second = refused(&state, &[]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("another process has it open"), "{}", second.stderr);
    running.signal("TERM");
    assert_eq!(running.finish().code, Some(0));

    let back = refused(&state, &["--start", "2026-11-20T23:00:00Z"]);
    assert_eq!(back.code, Some(2));
    assert!(back.stderr.contains("shows 2026-11-21T04:00:00Z already"), "{}", back.stderr);
    let arguments = ["--start", "2026-11-22T00:00:00Z", "--speed", "60"];
    let running = Process::start(sandbox(&state, &arguments));
    let shown = clock(&mut Client::of(&running.line()), "");
    assert_eq!((&shown["now"], &shown["speed"]), (&json!("2026-11-22T00:00:00Z"), &json!(60.0)));
}

#[test]
fn what_is_no_state_file_is_left_as_it_is_and_a_mistake_makes_none() {
    let directory = tempfile::tempdir().unwrap();
    let (state, world) = (directory.path().join("studio.state"), directory.path().join("w.toml"));
    std::fs::write(&state, "my notes\n").unwrap();
    let told = refused(&state, &[]);
    assert_eq!(told.code, Some(2));
    assert!(told.stderr.contains("it is not a state file of the sandbox"), "{}", told.stderr);
    assert_eq!(std::fs::read_to_string(&state).unwrap(), "my notes\n");
    std::fs::remove_file(&state).unwrap();
    std::fs::write(&world, "[[studio]]\nid = 1\n").unwrap();
    assert_eq!(refused(&state, &["--world", world.to_str().unwrap()]).code, Some(2));
    assert_eq!(refused(&state, &["--speed", "0"]).code, Some(2));
    assert!(!state.exists());
}

#[test]
fn without_room_on_the_disk_a_change_is_refused_and_not_there_and_with_room_it_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let (state, world) = (directory.path().join("studio.state"), directory.path().join("w.toml"));
    std::fs::write(&world, WORLD).unwrap();
    let inner = sandbox(&state, &["--world", world.to_str().unwrap()]);
    let mut command = Command::new("sh");
    command.args(["-c", LIMITED, "sh"]).arg(inner.get_program()).args(inner.get_args());
    let running = Process::start(command);
    let mut client = Client::of(&running.line());
    let mut made = 0;
    let refused = loop {
        let (status, answer) = client.try_create(&format!("token-{made}")).unwrap();
        if status != 200 {
            assert_eq!(status, 500, "{answer}");
            break answer;
        }
        made += 1;
        assert!(made < 100_000, "there was room for everything");
    };
    let told = refused["message"].as_str().unwrap();
    assert!(told.contains("cannot be written: nothing was done"), "{told}");
    assert_eq!(client.sessions().len(), made);
    let (status, _) = client.try_create(&format!("token-{made}")).unwrap();
    assert_eq!((status, client.sessions().len()), (500, made), "there is still no room");
    let room = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &running.id()]).status();
    assert!(room.unwrap().success());
    client.create(&format!("token-{made}")).unwrap();
    client.create("token-0").unwrap();
    assert_eq!(client.sessions().len(), made + 1);
    drop(running);
    let running = Process::start(sandbox(&state, &[]));
    assert_eq!(Client::of(&running.line()).sessions().len(), made + 1);
}

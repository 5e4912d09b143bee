//! The operator's switches, as they are typed.

use crate::house::{Finished, House, STUDIO, Watched, always_due, text};

/// Everything may wait this long for the daemon, and on a machine that is busy for longer.
const WAIT: &[&str] = &["--as", "ada", "--wait", "40s"];

fn say(house: &House, arguments: &[&str], more: &[&str]) -> Finished {
    house.run(&[arguments, more].concat())
}

#[track_caller]
fn assert_taken(said: &Finished) {
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.ends_with("\ntaken\n"), "{}", said.stdout);
}

#[test]
fn a_pause_waits_for_a_daemon_and_plan_tells_of_it_meanwhile() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let arguments = ["pause", "--for", "3h", "--reason", "the disk is changed"];
    let said = say(&house, &arguments, &["--as", "ada", "--wait", "0s"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert!(lines[0].starts_with("pause of all studios until "), "{}", said.stdout);
    assert_eq!(lines[1], "no daemon has taken it yet; it will count when one runs");
    let plan = house.run(&["plan"]);
    assert_eq!(plan.code, Some(1), "{}", plan.stderr);
    assert!(plan.stdout.contains("held: ada wants nothing done until "), "{}", plan.stdout);

    let run = house.run(&["run", "--once"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!((sandbox.changing_requests(), sandbox.effects()), (0, vec![]));
    let paused = house.records_of("daemon.paused");
    assert_eq!(paused.len(), 1);
    let data = &paused[0]["data"];
    assert_eq!((text(data, "who"), text(data, "note")), ("ada", "the disk is changed"));
    assert_eq!(std::fs::read_dir(house.requests()).unwrap().count(), 0);
    let plan = house.run(&["plan"]);
    assert!(plan.stdout.contains("held: ada wants nothing done until "), "{}", plan.stdout);

    let shorter = say(&house, &["pause", "--for", "1h"], &["--as", "bob", "--wait", "0s"]);
    assert!(shorter.stdout.contains(" stays paused until "), "{}", shorter.stdout);
    assert!(shorter.stdout.contains(", as ada asked before: "), "{}", shorter.stdout);
    say(&house, &["resume", STUDIO], &["--as", "bob", "--wait", "0s"]);
    let run = house.run(&["run", "--once"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(sandbox.effects(), ["one", "two"]);
    house.assert_log_is_whole();
}

#[test]
fn a_session_is_meant_by_its_studio_too_and_nothing_found_is_said() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    let one = format!("{STUDIO}/one");
    let show = |more: &[&str]| house.run(&[&["audit", "show"], more].concat());
    let shown = show(&["--session", &one, "--kind", "stop.proven"]);
    assert_eq!((shown.code, shown.stdout.lines().count()), (Some(0), 2), "{}", shown.stdout);
    let nothing = show(&["--session", "another/one"]);
    assert_eq!((nothing.code, nothing.stderr.as_str()), (Some(0), "no record agrees\n"));
    let mistyped = show(&["--kind", "stops"]);
    assert_eq!(mistyped.code, Some(2), "{}", mistyped.stdout);
    assert_eq!(house.run(&["explain", &one]).code, Some(0));
    assert_eq!(house.run(&["explain", "another/one"]).code, Some(2));
}

/// Whose disk is full is to be let alone all the same.
#[test]
fn who_cannot_be_told_of_a_pause_has_it() {
    let house = House::always_due("http://127.0.0.1:9");
    let full = ["sh", "-c", "exec \"$0\" \"$@\" > /dev/full"];
    let pause = ["pause", "--as", "ada", "--wait", "0s"];
    let said = house.start_through(&full, &pause).finish();
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(std::fs::read_dir(house.requests()).unwrap().count(), 1);
    // Nor does it matter what else could be said.
    let text = std::fs::read_to_string(house.config()).unwrap();
    house.write(&text.replace("lease = ", "leese = "));
    let full = ["sh", "-c", "exec \"$0\" \"$@\" > /dev/full 2>&1"];
    assert_eq!(house.start_through(&full, &pause).finish().code, Some(0));
    assert_eq!(std::fs::read_dir(house.requests()).unwrap().count(), 2);
    house.write(&text);
    let full = ["sh", "-c", "exec \"$0\" \"$@\" > /dev/full"];
    let checked = house.start_through(&full, &["check"]).finish();
    assert_eq!(checked.code, Some(1), "{}", checked.stderr);
    let why = "lightsout: failed printing to stdout: No space left on device (os error 28)\n";
    assert_eq!(checked.stderr, why);
}

#[test]
fn a_daemon_that_runs_takes_a_pause_and_a_resume() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    say(&house, &["pause"], &["--as", "ada", "--wait", "0s"]);
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");
    assert_taken(&say(&house, &["pause", STUDIO], WAIT));
    assert_eq!(sandbox.changing_requests(), 0);
    assert_taken(&say(&house, &["resume"], WAIT));
    daemon.wait_for("stopped");
    // It goes on by what the file said before: it must be told to wait all the same.
    let said_before = std::fs::read_to_string(house.config()).unwrap();
    house.write(&said_before.replace("lease = ", "leese = "));
    let paused = say(&house, &["pause", STUDIO], WAIT);
    assert_taken(&paused);
    assert!(paused.stderr.contains("leese"), "{}", paused.stderr);
    let unknown = say(&house, &["pause", "us-west-2:stid-NOBODY"], WAIT);
    assert_eq!(unknown.code, Some(1), "{}", unknown.stdout);
    let unreadable = say(&house, &["pause", "Feature", "--wait", "0s"], &["--as", "ada"]);
    assert_eq!((unreadable.code, unreadable.stdout.as_str()), (Some(2), ""));
    assert!(unreadable.stderr.contains("write the id of \"Feature\""), "{}", unreadable.stderr);
    // So it must where the file says nothing that can be understood, or is gone.
    let state = house.state();
    let beside = ["--as", "ada", "--wait", "60s", "--state-dir", state.to_str().unwrap()];
    house.write("[[studio");
    assert_taken(&say(&house, &["pause"], &beside));
    std::fs::remove_file(house.config()).unwrap();
    assert_taken(&say(&house, &["resume"], &beside));
    house.write(&said_before.replace("lease = ", "leese = "));
    assert_taken(&say(&house, &["resume", STUDIO], WAIT));
    // Where no daemon looks, whoever waits for it is told.
    house.write(&said_before.replace("state_dir = \"", "state_dir = \"other-"));
    let unheard = say(&house, &["pause"], &["--as", "ada", "--wait", "1s"]);
    assert_eq!(unheard.code, Some(1), "{}", unheard.stdout);
    assert!(unheard.stderr.contains("no daemon has taken it within 1s"), "{}", unheard.stderr);
    house.write(&said_before);
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    let kinds = ["daemon.paused", "daemon.resumed"].map(|kind| house.records_of(kind).len());
    assert_eq!(kinds, [4, 3]);
    house.assert_log_is_whole();
}

#[test]
fn what_the_brake_holds_is_approved_while_the_daemon_runs() {
    let sandbox = Watched::small();
    let policy = always_due(&sandbox.endpoint) + "brake = { per_scan = 1 }\n";
    let house = House::new(&policy);
    let nothing = say(&house, &["approve", STUDIO], WAIT);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.stderr.contains("nothing is held"), "{}", nothing.stderr);
    let mut daemon = house.start(&["run"]);
    daemon.wait_for("no stop passes the brake");
    let approved = say(&house, &["approve", STUDIO, "--for", "30m"], WAIT);
    assert_taken(&approved);
    let lines: Vec<&str> = approved.stdout.lines().collect();
    assert!(lines[0].ends_with("with this stop there would be 2, and per_scan is 1"), "{lines:?}");
    assert!(lines[1].starts_with("approval of up to 2 stops until "), "{lines:?}");
    daemon.wait_for("stopped");
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    let data = house.records_of("studio.approved")[0]["data"].clone();
    assert_eq!((text(&data, "who"), text(&data["reason"]["values"], "count")), ("ada", "2"));
    house.assert_log_is_whole();
}

#[test]
fn a_brake_of_none_cannot_be_approved() {
    let sandbox = Watched::small();
    let policy = always_due(&sandbox.endpoint) + "brake = { per_scan = 0 }\n";
    let house = House::new(&policy);
    assert_eq!(house.run(&["run", "--once"]).code, Some(1));
    let said = say(&house, &["approve", STUDIO], WAIT);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
    assert!(said.stderr.contains("`brake` 0, which is none at all"), "{}", said.stderr);
}

#[test]
fn what_is_typed_wrongly_asks_for_nothing() {
    let house = House::always_due("http://127.0.0.1:9");
    for (arguments, complaint) in [
        (vec!["pause", "nowhere"], "no studio \"nowhere\""),
        (vec!["pause", "--for", "31d"], "at most"),
        (vec!["pause", "--for", "0s"], "longer than nothing"),
        (vec!["pause", "--for", "2"], "not a length of time"),
        (vec!["pause", "--reason", ""], "--reason"),
        (vec!["pause", "--reason", "a\u{1b}[2Jb"], "--reason"),
        (vec!["pause", "--wait", "long"], "--wait"),
        (vec!["approve"], "required"),
        (vec!["approve", STUDIO, "--for", "25h"], "at most"),
    ] {
        let said = say(&house, &arguments, &["--as", "ada"]);
        assert_eq!(said.code, Some(2), "{arguments:?}: {}", said.stderr);
        assert!(said.stderr.contains(complaint), "{arguments:?}: {}", said.stderr);
    }
    let nobody = say(&house, &["resume"], &["--as", " "]);
    assert_eq!(nobody.code, Some(2), "{}", nobody.stderr);
    assert!(!house.requests().exists());
}

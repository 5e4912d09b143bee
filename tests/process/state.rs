//! The state directory: whose it is, and what the daemon keeps there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::house::{House, Watched, observing, text};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_daemon_tells_its_health_and_its_end_in_files_of_its_own() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");
    let health = || -> Value {
        serde_json::from_str(&fs::read_to_string(house.state().join("health.json")).unwrap())
            .unwrap()
    };
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    let last = health();
    assert_eq!(
        (&last["healthy"], &last["problems"][0]),
        (&false.into(), &"the program has ended".into())
    );
    let verified = house.run(&["audit", "verify"]).stdout;
    assert!(verified.contains(text(&last["audit"], "head")), "{verified}");
    assert_eq!(last["audit"]["sequence"], house.records().len());
    assert!(last["scans"][crate::house::STUDIO].is_string(), "{last}");
    let modes = [house.state(), house.state().join("lock"), house.state().join("health.json")];
    assert_eq!(modes.map(|path| mode(&path)), [0o700, 0o600, 0o600]);
    assert_eq!(mode(&house.log()), 0o600);
    // None of what it keeps there may be the log.
    let policy = fs::read_to_string(house.config()).unwrap();
    let line = policy.lines().find(|line| line.starts_with("path = ")).unwrap();
    let mut kept = 0;
    for entry in fs::read_dir(house.state()).unwrap() {
        kept += 1;
        let path = entry.unwrap().path();
        house.write(&policy.replace(line, &format!("path = {path:?}")));
        let refused = house.run(&["check"]);
        assert_eq!(refused.code, Some(2), "{}", path.display());
        let said = refused.stdout + &refused.stderr;
        assert!(said.contains("contradicting-places"), "{said}");
    }
    assert_eq!(kept, 3);
}

#[test]
fn a_log_that_is_gone_is_told_though_nothing_is_to_be_recorded_and_so_is_its_return() {
    let sandbox = Watched::small();
    let house = House::new(&observing(&sandbox.endpoint));
    let mut daemon = house.start(&["--log", "debug", "run"]);
    for _ in 0..2 {
        daemon.wait_for("stop withheld");
    }
    let records = house.records().len();
    // What is in force is read again, which is not recorded, and tells the health.
    let mut wait_until = |code: i32| {
        for _ in 0..200 {
            daemon.signal("HUP");
            daemon.wait_for("the policy is the one that is in force already");
            let health = house.run(&["health"]);
            if health.code == Some(code) {
                return health.stdout;
            }
        }
        panic!("its health never was {code}");
    };
    wait_until(0);
    let away = house.log().with_extension("away");
    fs::rename(house.log(), &away).unwrap();
    let said = wait_until(1);
    assert!(said.contains("the audit log cannot be written since"), "{said}");
    assert!(said.contains("it was moved or removed"), "{said}");
    fs::rename(&away, house.log()).unwrap();
    wait_until(0);
    assert_eq!(house.records().len(), records, "something was recorded");
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    house.assert_log_is_whole();
}

#[test]
fn a_log_that_is_shorter_than_it_was_told_to_be_is_said_and_nothing_is_done_until_a_word() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let say = |words: &[&str]| house.run(&[words, &["--as", "ada", "--wait", "0s"]].concat());
    say(&["pause"]);
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    // The pause was in it. Whoever ends that by now does not know of the one to come.
    fs::write(house.log(), "").unwrap();
    say(&["resume"]);
    let examined = house.run(&["doctor"]);
    assert!(
        examined.stdout.contains("a daemon that starts does nothing for a day"),
        "{}",
        examined.stdout
    );
    // It is not said to be whole where nobody can tell.
    let health = house.state().join("health.json");
    fs::rename(&health, house.state().join("away")).unwrap();
    fs::create_dir(&health).unwrap();
    let unread = house.run(&["run", "--once"]);
    assert_eq!(unread.code, Some(1));
    assert!(
        unread.stderr.contains("tells where the log stood, cannot be read"),
        "{}",
        unread.stderr
    );
    fs::remove_dir(&health).unwrap();
    fs::rename(house.state().join("away"), &health).unwrap();
    for _ in 0..2 {
        let run = house.run(&["run", "--once"]);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
    }
    assert_eq!(sandbox.changing_requests(), 0);
    let repaired = &house.records_of("log.repaired")[0]["data"]["reason"];
    assert_eq!((text(repaired, "code"), &repaired["alarm"]), ("end_lost", &true.into()));
    let plan = house.run(&["plan"]).stdout;
    assert!(plan.contains("held: lightsout wants nothing done until "), "{plan}");
    assert_eq!(house.records_of("log.repaired").len(), 1);
    say(&["resume"]);
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    assert_eq!(sandbox.effects(), ["one", "two"]);
    house.assert_log_is_whole();
}

/// Where the record of a pause begins.
fn line_of_pause(log: &str) -> usize {
    let at = log.find("lightsout.daemon.paused").unwrap();
    log[..at].rfind('\n').unwrap() + 1
}

#[test]
fn where_nothing_tells_how_far_the_log_went_a_hole_in_it_is_a_pause() {
    let sandbox = Watched::small();
    let house = House::paused(&sandbox.endpoint);
    assert_eq!(house.run(&["run", "--once"]).code, Some(1));
    // A power failure took what said so.
    let mut bytes = fs::read(house.log()).unwrap();
    let log = String::from_utf8(bytes.clone()).unwrap();
    let line = line_of_pause(&log);
    let end = line + log[line..].find('\n').unwrap();
    bytes[line..end].fill(0);
    fs::write(house.log(), bytes).unwrap();
    fs::remove_file(house.state().join("health.json")).unwrap();
    assert_eq!(house.run(&["run", "--once"]).code, Some(1));
    assert_eq!(sandbox.changing_requests(), 0);
    let pauses = house.records_of("daemon.paused");
    let who: Vec<&str> = pauses.iter().map(|record| text(&record["data"], "who")).collect();
    assert_eq!(who, ["lightsout"]);
    house.assert_log_is_whole();
}

#[test]
fn who_looks_once_and_again_finds_that_the_end_of_the_log_is_lost() {
    let sandbox = Watched::small();
    let house = House::paused(&sandbox.endpoint);
    assert_eq!(house.run(&["run", "--once"]).code, Some(1));
    let health = fs::read_to_string(house.state().join("health.json")).unwrap();
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!(health["audit"]["sequence"], house.records().len());
    // The pause was in it.
    let log = fs::read_to_string(house.log()).unwrap();
    let line = line_of_pause(&log);
    fs::write(house.log(), &log[..line]).unwrap();
    assert_eq!(house.run(&["run", "--once"]).code, Some(1));
    assert_eq!(sandbox.changing_requests(), 0);
    let repaired = house.records_of("log.repaired");
    assert_eq!(text(&repaired[0]["data"]["reason"], "code"), "end_lost");
    house.assert_log_is_whole();
}

/// A log that a daemon has told of, and that lost its last lines since, or half of the last.
fn cut_log(endpoint: &str, whole: usize, half: bool) -> House {
    let house = House::paused(endpoint);
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    let text = fs::read_to_string(house.log()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (kept, lost) = lines.split_at(lines.len() - whole);
    let half = if half { &lost[0][..lost[0].len() / 2] } else { "" };
    fs::write(house.log(), kept.concat() + half).unwrap();
    house
}

#[test]
fn what_takes_the_number_of_a_lost_record_does_not_hide_that_it_is_lost() {
    let sandbox = Watched::small();
    let is_told = |house: &House| {
        assert_eq!(house.run(&["run", "--once"]).code, Some(1));
        let codes = house.records_of("log.repaired");
        codes.iter().any(|record| text(&record["data"]["reason"], "code") == "end_lost")
    };
    // The record of the repair has the number of the one that was cut.
    assert!(is_told(&cut_log(&sandbox.endpoint, 1, true)));
    // What a person does by hand is recorded without a daemon.
    let house = cut_log(&sandbox.endpoint, 2, false);
    let kept = house.run(&["keep", "one", "--for", "1h", "--yes", "--as", "ada"]);
    assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    assert!(house.records_of("operator.accepted").len() == 1 && is_told(&house));
    assert!(
        sandbox.effects().iter().all(|effect| !effect.contains("two")),
        "{:?}",
        sandbox.effects()
    );
    // Files that somebody took away are no end that is lost.
    let house = House::always_due(&sandbox.endpoint);
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("stop accepted");
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    house.run(&["run", "--once"]);
    assert!(house.records_of("log.repaired").is_empty());
}

#[test]
fn state_and_log_that_others_may_write_are_refused_with_what_to_type() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    for (path, open, closed) in [(house.state(), 0o777, 0o700), (house.log(), 0o620, 0o600)] {
        set_mode(&path, open);
        let refused = house.run(&["run", "--once"]);
        assert_eq!(refused.code, Some(78), "{}", refused.stderr);
        let remedy = format!("type: chmod go-w {}", path.display());
        assert!(refused.stderr.contains(&remedy), "{}", refused.stderr);
        set_mode(&path, closed);
    }
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
}

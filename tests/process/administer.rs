//! What operators do to studios and launch profiles: looked for, listed, changed.

use lightsout::sandbox::world::{LaunchProfile, Mode, Operation};
use lightsout::sandbox::{Fault, FaultRule};

use crate::house::{Finished, House, Process, STUDIO, Watched, always_due, program, text};

/// A studio in which the daemon does nothing by itself.
fn observed(sandbox: &Watched) -> House {
    House::new(&always_due(&sandbox.endpoint).replace("\"enforce\"", "\"observe\""))
}

fn allow(house: &House, arguments: &[&str]) -> Finished {
    let start = ["profiles", "allow-stop"];
    house.run(&[&start, arguments, &["--as", "ada"]].concat())
}

fn profile(sandbox: &Watched, id: &str) -> LaunchProfile {
    let world = sandbox.world.lock().unwrap();
    world.launch_profile(STUDIO, id).unwrap().clone()
}

/// The kinds of what the log has of people.
fn steps(house: &House) -> Vec<String> {
    let records = house.records().into_iter();
    let steps = records.filter(|record| text(record, "type").starts_with("lightsout.operator."));
    steps.map(|record| text(&record, "type").rsplit('.').next().unwrap().to_owned()).collect()
}

#[test]
fn a_profile_is_changed_after_it_was_shown_and_recorded_and_its_sessions_may_be_stopped() {
    let sandbox = Watched::small();
    let house = observed(&sandbox);
    let rows = house.json(&["profiles"]);
    let row = |rows: &serde_json::Value| {
        let rows = rows["profiles"].as_array().unwrap();
        rows.iter().find(|row| row["launch_profile"] == "forbidding").unwrap().clone()
    };
    assert_eq!((text(&row(&rows), "stopping"), &row(&rows)["sessions"]), ("forbidden", &1.into()));
    let before = profile(&sandbox, "forbidding");
    let dry = house.json(&[
        "profiles",
        "allow-stop",
        "forbidding",
        "--stopped-length",
        "2d",
        "--dry-run",
        "--as",
        "ada",
    ]);
    assert_eq!((text(&dry, "outcome"), &dry["destroys_sooner"]), ("dry_run", &false.into()));
    let arguments = ["Forbidding", "--stopped-length", "2d", "--reason", "nights", "--yes"];
    let changed = allow(&house, &arguments);
    assert_eq!(changed.code, Some(0), "{}", changed.stderr);
    let lines: Vec<&str> = changed.stdout.lines().collect();
    assert!(lines[0].ends_with("/forbidding, \"Forbidding\": sessions on it: 1, of them off: 0"));
    assert!(lines.contains(&"  maxStoppedSessionLengthInMinutes: 0 -> 2880"), "{lines:?}");
    assert!(lines.last().unwrap().ends_with("/forbidding: READY, and as it was asked for"));
    let after = profile(&sandbox, "forbidding").stream;
    assert_eq!(after.max_stopped_session_length_in_minutes, Some(2880));
    assert_eq!(after.session_persistence_mode, Some(Mode::Activated));
    assert_eq!(after.automatic_termination_mode, Some(Mode::Activated));
    assert_eq!(after.ec2_instance_types, before.stream.ec2_instance_types);
    let again = row(&house.json(&["profiles", STUDIO]));
    assert_eq!(text(&again, "stopping"), "allowed");
    assert_eq!(again["destroyed_after_seconds"], 172_800);
    // The log has it before the service did, with who asked and what changes.
    assert_eq!(steps(&house), ["intended", "accepted"]);
    let intended = &house.records_of("operator.intended")[0];
    let data = &intended["data"];
    let told = ["who", "action", "note", "launch_profile"].map(|name| text(data, name));
    assert_eq!(told, ["ada", "allow-stop", "nights", "forbidding"]);
    let change = &data["changes"]["maxStoppedSessionLengthInMinutes"];
    assert_eq!((text(change, "from"), text(change, "to")), ("0", "2880"));
    assert_eq!(text(intended, "subject"), format!("{STUDIO}/launch-profile/forbidding"));
    // A session that was launched before may be stopped from now on.
    let stop = ["stop", "forbidden", "--accept-destruction", "--as", "ada", "--yes"];
    let stopped = house.run(&stop);
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    house.assert_log_is_whole();
    sandbox.assert_requests_are_valid();
}

#[test]
fn nothing_is_changed_that_was_not_confirmed_or_is_not_understood() {
    let sandbox = Watched::small();
    let house = observed(&sandbox);
    let two_days = ["--stopped-length", "2d"];
    let cases: &[(&str, &[&str], i32, &str)] = &[
        ("forbidding", &two_days, 2, "say --yes"),
        ("forbidding", &["--stopped-length", "2d", "--dry-run"], 0, ""),
        ("forbidding", &["--stopped-length", "5d", "--yes"], 2, "at most 96h"),
        ("forbidding", &["--stopped-length", "0m", "--yes"], 2, "longer than nothing"),
        ("nothing", &["--stopped-length", "2d", "--yes"], 1, "there is no launch profile"),
        ("elsewhere/forbidding", &["--stopped-length", "2d", "--yes"], 2, "no studio"),
        ("persistent", &["--stopped-length", "2d", "--yes"], 1, "--accept-destruction"),
    ];
    for (profile, arguments, code, words) in cases {
        let finished = allow(&house, &[&[*profile], *arguments].concat());
        assert_eq!(finished.code, Some(*code), "{profile} {arguments:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(words), "{profile} {arguments:?}: {}", finished.stderr);
    }
    let other = always_due(&sandbox.endpoint).replace("111122223333", "999999999999");
    let foreign = allow(&House::new(&other), &["forbidding", "--stopped-length", "2d", "--yes"]);
    assert_eq!(foreign.code, Some(1), "{}", foreign.stderr);
    assert!(foreign.stderr.contains("999999999999"), "{}", foreign.stderr);
    assert_eq!(sandbox.changing_requests(), 0);
    assert!(!house.log().exists());
}

#[test]
fn what_the_service_refuses_or_does_not_answer_is_recorded_so() {
    let sandbox = Watched::small();
    let house = observed(&sandbox);
    let arguments = ["forbidding", "--stopped-length", "2d", "--yes"];
    let strike = |fault| {
        sandbox
            .faults
            .add(FaultRule::new(fault).operation(Operation::UpdateLaunchProfile).times(1));
        let finished = allow(&house, &arguments);
        assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    };
    strike(Fault::Denied);
    strike(Fault::InternalError);
    assert_eq!(steps(&house), ["intended", "rejected", "intended", "unanswered"]);
    assert_eq!(profile(&sandbox, "forbidding").stream.max_stopped_session_length_in_minutes, None);
}

#[test]
fn while_a_daemon_writes_the_log_it_records_what_is_done_to_a_profile() {
    let sandbox = Watched::small();
    let house = observed(&sandbox);
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");
    let changed =
        allow(&house, &["forbidding", "--stopped-length", "1d 12h", "--yes", "--no-wait"]);
    assert_eq!(changed.code, Some(0), "{}", changed.stderr);
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    assert_eq!(steps(&house), ["intended", "accepted"]);
    assert_eq!(
        profile(&sandbox, "forbidding").stream.max_stopped_session_length_in_minutes,
        Some(2160)
    );
    house.assert_log_is_whole();
}

#[test]
fn who_has_no_policy_yet_gets_one_that_is_good_and_that_nobody_writes_over() {
    let sandbox = Watched::shipped();
    let house = House::new("this is no policy");
    let directory = house.config().parent().unwrap().to_owned();
    let path = directory.join("first.toml");
    let path = path.to_str().unwrap();
    let init = ["init", "--endpoint-url", &sandbox.endpoint, "--output", path];
    let written = house.run(&init);
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    assert_eq!(written.stdout, "");
    let by_it = |command: &str| {
        let mut program = program();
        program.args(["-c", path, command]);
        Process::start(program).finish()
    };
    let checked = by_it("check");
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    assert!(checked.stdout.contains("warnings: 0."), "{}", checked.stdout);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("FORBIDS STOPPING") && text.contains("mode = \"observe\""), "{text}");
    let planned = by_it("plan");
    assert_eq!(planned.code, Some(0), "{}", planned.stderr);
    let again = house.run(&init);
    assert_eq!(again.code, Some(1), "{}", again.stderr);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
    // To standard output, it is the same but for the instant.
    let shown = house.run(&init[..3]);
    let rest = |text: &str| text.lines().skip(1).map(ToOwned::to_owned).collect::<Vec<_>>();
    assert_eq!(rest(&shown.stdout), rest(&text));
    let cases: &[(&[&str], i32, &str)] = &[
        (&["init"], 2, "--region"),
        (&["init", "--endpoint-url", "http://studio.example.com"], 2, "endpoint"),
        (&["init", "--endpoint-url", "http://127.0.0.1:1"], 1, "could not be listed"),
    ];
    for (arguments, code, words) in cases {
        let finished = house.run(arguments);
        assert_eq!(finished.code, Some(*code), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(words), "{arguments:?}: {}", finished.stderr);
    }
    assert_eq!(sandbox.changing_requests(), 0);
}

#[test]
fn the_studios_that_can_be_seen_are_listed_with_those_of_the_policy() {
    let sandbox = Watched::small();
    let elsewhere = always_due(&sandbox.endpoint).split("[[studio]]").nth(1).unwrap().to_owned();
    let elsewhere = elsewhere.replace("EXAMPLE11111", "EXAMPLE99999");
    let house = House::new(&format!("{}\n[[studio]]{elsewhere}", always_due(&sandbox.endpoint)));
    let listed = house.json(&["studios"]);
    let rows: Vec<(&str, &str, bool)> = listed["studios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(row, "studio"), text(row, "looked_after"), row["state"].is_null()))
        .collect();
    let expected = [(STUDIO, "yes", false), ("us-west-2:stid-EXAMPLE99999", "yes", true)];
    assert_eq!(rows, expected);
    let table = house.run(&["studios", "--region", "us-west-2"]);
    assert_eq!(table.code, Some(0), "{}", table.stderr);
    assert!(table.stdout.contains("not seen"), "{}", table.stdout);
    sandbox.faults.add(FaultRule::new(Fault::Denied).operation(Operation::ListStudios));
    let denied = house.run(&["studios"]);
    assert_eq!(denied.code, Some(1), "{}", denied.stderr);
    assert!(denied.stdout.contains("could not be read whole"), "{}", denied.stdout);
}

//! What the program says of what it is given, where it says it, and how it exits.

use serde_json::Value;

use crate::house::{House, Watched, always_due, text};

/// An endpoint at which nobody listens: port 1 of this machine.
const NOBODY: &str = "http://127.0.0.1:1";

#[test]
fn a_studio_that_cannot_be_reached_is_held_and_the_run_fails() {
    let house = House::always_due(NOBODY);
    let run = house.run(&["run", "--once"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{}", run.stderr);
    assert!(run.stderr.contains("1 studios held"), "{}", run.stderr);
    let held = house.records_of("studio.held");
    let reason = &held[0]["data"]["reason"];
    assert_eq!(text(reason, "code"), "listing_incomplete");
    assert_eq!(text(&reason["values"], "problem"), "unreachable");
    house.assert_log_is_whole();
}

#[test]
fn a_studio_of_another_account_is_held() {
    let sandbox = Watched::small();
    let policy = always_due(&sandbox.endpoint).replace("111122223333", "999999999999");
    let house = House::new(&policy);
    assert_eq!(house.run(&["run", "--once"]).code, Some(1));
    assert_eq!(sandbox.changing_requests(), 0);
    assert_eq!(
        text(&house.records_of("studio.held")[0]["data"]["reason"], "code"),
        "account_mismatch"
    );
}

#[test]
fn a_wrong_policy_is_explained_on_standard_error() {
    let wrong = always_due(NOBODY).replace("lease", "leese");
    let house = House::new(&wrong);
    for arguments in [&["run", "--once"][..], &["plan"], &["check"], &["explain", "one"]] {
        let run = house.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(run.stderr.contains("leese"), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains("lightsout.toml:"), "{arguments:?}: {}", run.stderr);
    }
    assert!(!house.log().exists(), "a policy that is wrong leaves no trace");
}

#[test]
fn whoever_starts_the_daemon_tries_again_where_a_calendar_file_cannot_be_read_and_nothing_else_is_wrong()
 {
    let calendar = "[calendar.bank]\nics = \"bank.ics\"\neffect = \"closed\"\n";
    let policy = format!("{}\n{calendar}", always_due(NOBODY));
    let codes = |policy: &str| {
        let house = House::new(policy);
        let (run, check) = (house.run(&["run", "--once"]), house.run(&["check"]));
        assert!(run.stderr.contains("cannot read the calendar file"), "{}", run.stderr);
        (run.code, check.code)
    };
    assert_eq!(codes(&policy), (Some(1), Some(2)));
    assert_eq!(codes(&policy.replace("lease", "leese")), (Some(2), Some(2)));
}

#[test]
fn a_wrong_policy_is_explained_to_programs() {
    let house = House::new(&always_due(NOBODY).replace("lease", "leese"));
    let checked = house.run(&["check", "--format", "json"]);
    assert_eq!(checked.code, Some(2));
    let found: Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(text(&found[0], "code"), "unknown-key");
    assert!(!checked.stderr.contains("leese"), "it is not said twice: {}", checked.stderr);
}

#[test]
fn a_good_policy_passes_and_a_missing_one_does_not() {
    let house = House::always_due(NOBODY);
    let checked = house.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(checked.stdout.contains("good"), "{}", checked.stdout);
    let shown: Value = house.json(&["check"]);
    assert_eq!(shown, serde_json::json!([]));
    std::fs::remove_file(house.config()).unwrap();
    let missing = house.run(&["run", "--once"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("cannot read the configuration"), "{}", missing.stderr);
}

#[test]
fn the_schema_of_a_policy_needs_none() {
    let house = House::always_due(NOBODY);
    std::fs::remove_file(house.config()).unwrap();
    let shown = house.run(&["check", "--schema"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert_eq!(shown.stdout, include_str!("../../config/lightsout.schema.json"));
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let house = House::always_due(NOBODY);
    for arguments in [&["frobnicate"][..], &["plan", "--at", "yesterday"], &["run", "--twice"]] {
        let run = house.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn a_log_that_was_changed_is_found_out() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    house.assert_log_is_whole();
    let log = std::fs::read_to_string(house.log()).unwrap();
    std::fs::write(house.log(), log.replacen("max_uptime", "min_uptime", 1)).unwrap();
    let verified = house.run(&["audit", "verify"]);
    assert_eq!(verified.code, Some(1), "{}", verified.stdout);
}

#[test]
fn explain_names_the_line_that_decides() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let deciding = |session: &str| {
        let explained = house.run(&["explain", session]);
        assert_eq!(explained.code, Some(0), "{}", explained.stderr);
        let mut lines = explained.stdout.lines().filter(|line| line.starts_with("> "));
        let line = lines.next().unwrap_or_else(|| panic!("{}", explained.stdout)).to_owned();
        assert_eq!(lines.next(), None, "{}", explained.stdout);
        line
    };
    assert_eq!(deciding("one"), "> 11. then stop it");
    assert_eq!(deciding("forbidden"), ">  4. may it be stopped?");
    let unknown = house.run(&["explain", "nobody"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""));
    assert!(unknown.stderr.contains("no session nobody"), "{}", unknown.stderr);
}

#[test]
fn the_past_is_explained_from_the_log() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    let decided = &house.records_of("session.decided")[0];
    let session = text(&decided["data"], "session");
    let explained = house.run(&["explain", session, "--at", text(decided, "time")]);
    assert_eq!(explained.code, Some(0), "{}", explained.stderr);
    let reason = text(&decided["data"]["reason"], "text");
    assert!(explained.stdout.contains(reason), "{}", explained.stdout);
}

#[test]
fn what_is_not_a_terminal_gets_no_colour() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    for arguments in
        [&["plan"][..], &["explain", "one"], &["check"], &["run", "--once"], &["audit", "show"]]
    {
        let run = house.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {}", run.stderr);
        assert!(!run.stdout.contains('\u{1b}'), "{arguments:?}: {:?}", run.stdout);
        assert!(!run.stderr.contains('\u{1b}'), "{arguments:?}: {:?}", run.stderr);
    }
}

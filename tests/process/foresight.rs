//! What is foreseen: windows without a service, sessions with one, and what another policy would change.

use crate::house::{House, Watched, always_due, text};

/// Nights in Los Angeles, over the end of daylight saving time, with a holiday and a crunch.
const NIGHTS: &str = r#"
version = 1

[schedule.nights]
zone = "America/Los_Angeles"
idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]
calendars = ["holidays", "crunch"]

[calendar.holidays]
effect = "closed"
dates = ["2026-11-03"]

[calendar.crunch]
effect = "open"
dates = ["2026-11-07 12:00 .. 2026-11-08 12:00"]

[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
schedule = "nights"
"#;

fn window(row: &serde_json::Value) -> [&str; 3] {
    [text(row, "schedule"), text(row, "opens"), text(row, "closes")]
}

#[test]
fn windows_are_foreseen_without_a_service() {
    let house = House::new(NIGHTS);
    let from = "2026-10-31T00:00:00Z";
    let printed = house.json(&["forecast", "--offline", "--from", from, "--days", "9"]);
    assert_eq!((text(&printed, "from"), text(&printed, "to")), (from, "2026-11-09T00:00:00Z"));
    let windows: Vec<_> = printed["windows"].as_array().unwrap().iter().map(window).collect();
    // Whole windows that touch the span; instants in UTC.
    assert_eq!(
        windows,
        [
            ["nights", "2026-10-31T03:00:00Z", "2026-11-02T15:00:00Z"],
            ["nights", "2026-11-03T04:00:00Z", "2026-11-04T15:00:00Z"],
            ["nights", "2026-11-05T04:00:00Z", "2026-11-05T15:00:00Z"],
            ["nights", "2026-11-06T04:00:00Z", "2026-11-06T15:00:00Z"],
            ["nights", "2026-11-07T04:00:00Z", "2026-11-07T20:00:00Z"],
            ["nights", "2026-11-08T20:00:00Z", "2026-11-09T15:00:00Z"],
        ]
    );
    let change = &printed["clock_changes"][0];
    assert_eq!(text(change, "at"), "2026-11-01T09:00:00Z");
    assert_eq!(
        (change["offset_before"].as_i64(), change["offset_after"].as_i64()),
        (Some(-25_200), Some(-28_800))
    );
    assert_eq!(text(&printed["closed"][0], "opens"), "2026-11-03T08:00:00Z");
    assert_eq!(text(&printed["open"][0], "closes"), "2026-11-08T20:00:00Z");
    assert_eq!(printed["sessions"].as_array().map(Vec::len), Some(0));

    let table = house.run(&["forecast", "--offline", "--from", from, "--days", "9"]);
    assert_eq!(table.code, Some(0), "{}", table.stderr);
    for words in [
        "Fri 2026-10-30 20:00 -07:00",
        "the clock goes back by 1h",
        "closed 2026-11-03",
        "ended by open 2026-11-07 to 2026-11-08",
        "after open 2026-11-07 to 2026-11-08",
    ] {
        assert!(table.stdout.contains(words), "{words:?} is not in\n{}", table.stdout);
    }
}

#[test]
fn what_will_happen_to_sessions_is_what_then_happens() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let printed = house.json(&["forecast", "--days", "1"]);
    let events = printed["sessions"].as_array().unwrap().iter();
    let mut stops: Vec<&str> =
        events.filter(|row| row["verdict"] == "stop").map(|row| text(row, "session")).collect();
    stops.sort_unstable();
    assert_eq!((sandbox.changing_requests(), sandbox.effects()), (0, vec![]));
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    assert_eq!(sandbox.effects(), stops);
    let explained = house.run(&["explain", "one"]);
    assert_eq!(explained.code, Some(0), "{}", explained.stderr);
    assert!(
        explained.stdout.contains("what would change it: a person who starts it"),
        "{}",
        explained.stdout
    );
}

#[test]
fn what_another_policy_would_change_is_shown_and_told_by_the_exit() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let (old, new) = (house.config(), house.config().with_file_name("new.toml"));
    let paths = [old.to_str().unwrap(), new.to_str().unwrap()];
    let diff = |policy: &str, more: &[&str]| {
        std::fs::write(&new, policy).unwrap();
        house.run(&[&["diff", paths[0], paths[1], "--format", "json"], more].concat())
    };
    let policy = always_due(&sandbox.endpoint);
    let same = diff(&policy, &[]);
    assert_eq!(same.code, Some(0), "{}", same.stderr);

    let kept = format!(
        "{policy}\n[[studio.rule]]\nname = \"one\"\nmatch = {{ session = \"one\" }}\nkeep = true\n"
    );
    let other = diff(&kept, &[]);
    assert_eq!(other.code, Some(3), "{}", other.stderr);
    let printed: serde_json::Value = serde_json::from_str(&other.stdout).unwrap();
    let changes: Vec<_> = printed["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| [text(row, "side"), text(row, "session"), text(row, "reason")])
        .collect();
    assert_eq!(changes, [["-", "one", "max_uptime"], ["+", "one", "rule_keep"]]);

    let offline = diff(&kept, &["--offline"]);
    assert_eq!(offline.code, Some(3), "{}", offline.stderr);
    let wrong = diff("version = 1", &[]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    assert_eq!((sandbox.changing_requests(), sandbox.effects()), (0, vec![]));
}

#[test]
fn a_policy_is_checked_against_the_studio_it_is_for() {
    let sandbox = Watched::shipped();
    let house = House::of_the_example(&sandbox.endpoint);
    let finished = house.run(&["check", "--online", "--format", "json"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let found: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    let codes: Vec<&str> = found.as_array().unwrap().iter().map(|one| text(one, "code")).collect();
    for code in ["stopped-length", "profile-not-stoppable", "rule-about-nobody"] {
        assert!(codes.contains(&code), "{code} is not among {codes:?}");
    }
    assert_eq!(sandbox.changing_requests(), 0);

    let house = House::new(&always_due(&sandbox.endpoint).replace("111122223333", "444455556666"));
    let finished = house.run(&["check", "--online"]);
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert!(finished.stdout.contains("error[account_mismatch]"), "{}", finished.stdout);
}

//! When nothing may be changed, nothing is.

use crate::house::{House, Watched, always_due, text};

#[test]
fn a_dry_run_changes_nothing_and_says_what_it_withheld() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let run = house.run(&["run", "--dry-run", "--once"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    assert_eq!((sandbox.changing_requests(), sandbox.effects()), (0, vec![]));
    let withheld = house.records_of("stop.withheld");
    let mut sessions: Vec<&str> =
        withheld.iter().map(|record| text(&record["data"], "session")).collect();
    sessions.sort_unstable();
    assert_eq!(sessions, ["one", "two"]);
    for record in house.records_of("session.decided") {
        assert_eq!(text(&record["data"], "mode"), "observe");
    }
    house.assert_log_is_whole();
}

#[test]
fn a_policy_that_names_no_mode_changes_nothing() {
    let sandbox = Watched::small();
    let policy = always_due(&sandbox.endpoint).replace("mode = \"enforce\"\n", "");
    let house = House::new(&policy);
    let run = house.run(&["run", "--once"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!((sandbox.changing_requests(), sandbox.effects()), (0, vec![]));
    assert_eq!(house.records_of("stop.withheld").len(), 2);
    assert_eq!(text(&house.json(&["plan"]), "mode"), "observe");
}

#[test]
fn a_dry_run_is_no_reason_to_keep_still_later() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    assert_eq!(house.run(&["run", "--dry-run", "--once"]).code, Some(0));
    let run = house.run(&["run", "--once"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(sandbox.effects(), ["one", "two"]);
    house.assert_log_is_whole();
}

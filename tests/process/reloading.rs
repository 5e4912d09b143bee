//! SIGHUP: the policy file is read again.

use crate::house::{House, STUDIO, Watched, always_due, observing, text};

#[test]
fn sighup_brings_a_good_file_refuses_a_bad_one_and_says_that_one_is_unchanged() {
    let sandbox = Watched::small();
    let house = House::new(&observing(&sandbox.endpoint));
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");

    house.write(&always_due(&sandbox.endpoint));
    daemon.signal("HUP");
    daemon.wait_for("the policy is in force");
    daemon.wait_for("stop accepted");
    daemon.wait_for("stop accepted");

    let secret = "external-id-of-somebody";
    house.write(&always_due(&sandbox.endpoint).replace(
        "warn = []",
        &format!("warn = []\nschedule = \"nowhere\"\nexternal_id = \"{secret}\"\nleese = \"1h\""),
    ));
    assert_eq!(house.run(&["check"]).code, Some(2));
    daemon.signal("HUP");
    // All of it is in the debug log, and a part in the audit log.
    daemon.wait_for("nowhere");
    daemon.wait_for("refused; the old policy stays in force");

    house.write(&always_due(&sandbox.endpoint));
    daemon.signal("HUP");
    daemon.wait_for("the policy is the one that is in force already");
    daemon.signal("TERM");
    let ended = daemon.finish();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains(secret), "{}", ended.stderr);

    assert_eq!(house.records_of("daemon.started").len(), 1);
    let loaded = house.records_of("policy.loaded");
    let notes: Vec<&str> = loaded.iter().map(|record| text(&record["data"], "note")).collect();
    // The last since it is refused no longer.
    let expected = ["observe", "enforce", "enforce"].map(|mode| format!("{STUDIO} ({mode})"));
    assert_eq!(notes, expected);
    let [refused] = &house.records_of("policy.refused")[..] else { panic!("not one refusal") };
    let detail = text(&refused["data"]["error"], "detail");
    assert!(detail.contains("nowhere") && !detail.contains(secret), "{detail}");
    assert_eq!(text(&refused["data"], "policy").len(), 64);
    assert_eq!(sandbox.effects(), ["one", "two"]);
    house.assert_log_is_whole();
}

#[test]
fn a_dry_run_stays_one_over_a_reload() {
    let sandbox = Watched::small();
    let house = House::new(&observing(&sandbox.endpoint));
    let mut daemon = house.start(&["--log", "debug", "run", "--dry-run"]);
    daemon.wait_for("scanned");
    house.write(&always_due(&sandbox.endpoint));
    daemon.signal("HUP");
    daemon.wait_for("the policy is in force");
    daemon.wait_for("scanned");
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    assert_eq!(sandbox.changing_requests(), 0);
    let loaded = house.records_of("policy.loaded").pop().unwrap();
    assert_eq!(text(&loaded["data"], "note"), format!("{STUDIO} (observe)"));
}

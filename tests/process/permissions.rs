//! What `deploy/iam` permits, against what is called.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::house::{Finished, House, Watched, always_due};

/// What the service asks besides of whoever starts a session.
const WITH_START: &str = "GetLaunchProfileMember";

/// What has been called of a sandbox.
fn called(sandbox: &Watched) -> BTreeSet<String> {
    sandbox.assert_requests_are_valid();
    sandbox.requests.counts().into_keys().map(|(_, operation)| operation.to_string()).collect()
}

/// The actions on the service that a file of `deploy/iam` allows.
fn granted(name: &str) -> BTreeSet<String> {
    let path = format!("{}/deploy/iam/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let policy: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let allowed = statements.filter(|statement| statement["Effect"] == "Allow");
    let actions = allowed.flat_map(|statement| statement["Action"].as_array().unwrap());
    let actions = actions.filter_map(|action| action.as_str().unwrap().strip_prefix("nimble:"));
    let granted: BTreeSet<String> = actions.map(str::to_owned).collect();
    assert!(granted.iter().all(|action| !action.contains('*')), "{granted:?}");
    granted
}

/// A machine that is due, one that is off and will be destroyed soon, and a profile that forbids stopping.
const WORLD: &str = r#"
[[studio.profile]]
id = "mortal"
name = "Mortal"
max_session_length_in_minutes = 43200
max_stopped_session_length_in_minutes = 240

[[studio.profile]]
id = "forbidding"
name = "Forbidding"
max_session_length_in_minutes = 43200

[[studio.session]]
id = "one"
profile = "persistent"
owner = "ada"
started = "-9h"

[[studio.session]]
id = "two"
profile = "mortal"
owner = "bob"
state = "STOPPED"
started = "-9h"
stopped = "-225m"
stopped_by = "bob"
"#;

/// A policy under which all is called that there is.
fn policy(sandbox: &Watched) -> String {
    let schedule = "[schedule.nearly-always]\nzone = \"UTC\"\nidle = [\"Mon-Sun 00:00-12:00\", \"Mon-Sun 12:30-24:00\"]\n";
    let studio =
        "[[studio]]\nschedule = \"nearly-always\"\nstart = \"resume\"\npreserve = \"rotate\"";
    let rule = "\n[[studio.rule]]\nname = \"admins\"\nmatch = { studio_role = \"ADMINISTRATOR\" }\nkeep = true\n";
    let policy = always_due(&sandbox.endpoint);
    policy.replace("[[studio]]", &format!("{schedule}{studio}")) + rule
}

#[test]
fn each_mode_calls_what_its_policy_for_iam_permits_and_nothing_else() {
    let sandbox = Watched::with(WORLD);
    let house = House::new(&policy(&sandbox).replace("\"enforce\"", "\"observe\""));
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    for look in
        [&["plan"][..], &["sessions"], &["profiles"], &["keeps"], &["explain", "one"], &["doctor"]]
    {
        assert_eq!(house.run(look).code, Some(0), "{look:?}");
    }
    assert_eq!(called(&sandbox), granted("observe"));
    house.write(&policy(&sandbox));
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    let mut granted = granted("enforce");
    assert!(granted.remove(WITH_START));
    assert_eq!(called(&sandbox), granted);
}

#[test]
fn whoever_works_by_hand_calls_what_the_policy_for_operators_permits_and_nothing_else() {
    let sandbox = Watched::with(WORLD);
    let house = House::new(&policy(&sandbox).replace("\"enforce\"", "\"observe\""));
    let written = house.config().with_file_name("written.toml");
    let init = ["init", "--endpoint-url", &sandbox.endpoint, "--output", written.to_str().unwrap()];
    let done = |finished: &Finished| assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    done(&house.run(&init));
    done(&house.run(&["studios"]));
    done(&house.run(&["doctor"]));
    let by_ada = ["--as", "ada", "--yes"];
    for command in [
        &["keep", "one", "--for", "3h"][..],
        &["unkeep", "one"],
        &["stop", "one"],
        &["start", "one", "--no-wait"],
        &["profiles", "allow-stop", "forbidding", "--stopped-length", "2d"],
    ] {
        done(&house.run(&[command, &by_ada].concat()));
    }
    done(&house.run(&["plan"]));
    let mut granted = granted("operator");
    assert!(granted.remove(WITH_START));
    assert_eq!(called(&sandbox), granted);
}

#[test]
fn what_is_printed_is_what_the_files_have_for_another_place() {
    let house = House::always_due("http://127.0.0.1:9");
    for name in ["observe", "enforce", "operator"] {
        let path = format!("{}/deploy/iam/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let file = std::fs::read_to_string(path).unwrap();
        assert_eq!(house.run(&["iam", name]).stdout, file);
        let place = ["--account", "444455556666", "--region", "eu-west-2", "--partition", "aws-cn"];
        let elsewhere = file
            .replace("arn:aws:nimble:*:111122223333:", "arn:aws-cn:nimble:eu-west-2:444455556666:");
        assert_eq!(house.run(&[&["iam", name], &place[..]].concat()).stdout, elsewhere);
    }
    for wrong in [["--account", "1111"], ["--region", "a\"b"], ["--partition", ""]] {
        assert_eq!(
            house.run(&[&["iam", "observe"], &wrong[..]].concat()).code,
            Some(2),
            "{wrong:?}"
        );
    }
}

/// Whatever the program does, and whatever else its role may.
#[test]
fn a_session_that_somebody_keeps_by_its_tag_is_denied_to_the_daemon() {
    let path = format!("{}/deploy/iam/enforce.json", env!("CARGO_MANIFEST_DIR"));
    let policy: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let denies = |statement: &&Value| {
        let actions = statement["Action"].as_array().unwrap();
        statement["Effect"] == "Deny" && actions.contains(&"nimble:StopStreamingSession".into())
    };
    let deny = policy["Statement"].as_array().unwrap().iter().find(denies).unwrap();
    let condition = serde_json::json!({ "Null": { "aws:ResourceTag/lightsout:keep": "false" } });
    assert_eq!(deny["Condition"], condition);
}

//! What `deploy/iam` permits, against what is called.

use std::collections::BTreeSet;

use lightsout::provider::nimble::{Call, Caller};

use crate::house::{House, Watched, always_due};

/// What has been called of a sandbox.
fn called(sandbox: &Watched) -> BTreeSet<String> {
    sandbox.assert_requests_are_valid();
    sandbox.requests.counts().into_keys().map(|(_, operation)| operation.to_string()).collect()
}

fn granted(caller: Caller) -> BTreeSet<String> {
    let makes = |call: &&Call| call.caller() <= caller;
    Call::ALL.iter().filter(makes).map(|call| call.name().to_owned()).collect()
}

/// A policy under which every reading is needed that there is.
fn policy(sandbox: &Watched) -> String {
    let rule = "\n[[studio.rule]]\nname = \"admins\"\nmatch = { studio_role = \"ADMINISTRATOR\" }\nkeep = true\n";
    always_due(&sandbox.endpoint).replace("[[studio]]", "[[studio]]\nstart = \"resume\"") + rule
}

#[test]
fn each_mode_calls_what_its_policy_for_iam_permits_and_nothing_else() {
    let sandbox = Watched::small();
    let house = House::new(&policy(&sandbox).replace("\"enforce\"", "\"observe\""));
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    for look in [&["plan"][..], &["sessions"], &["profiles"], &["keeps"], &["explain", "one"]] {
        assert_eq!(house.run(look).code, Some(0), "{look:?}");
    }
    assert_eq!(called(&sandbox), granted(Caller::Observe));
    house.write(&policy(&sandbox));
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    assert_eq!(called(&sandbox), granted(Caller::Enforce));
}

//! Values that are good by themselves and not together.

use super::*;

#[test]
fn contradictions_are_explained() {
    check("region_mismatch", &studio("region = \"us-east-1\""));
    check("modes_contradict", &top("mode = \"observe\"\n[defaults]\nmode = \"enforce\""));
    check(
        "log_in_the_place_of_the_health",
        &top("daemon.state_dir = \"state\"\naudit.path = \"state/health.json\""),
    );
    check("uptime_within_lease", &studio("max_uptime = \"4h\"\nlease = \"6h\""));
    check("uptime_within_built_in_lease", &studio("max_uptime = \"1h\""));
    check(
        "uptime_within_lease_of_rule",
        &studio(
            "max_uptime = \"4h\"\n[[studio.rule]]\nname = \"a\"\nmatch = \"all\"\nlease = \"6h\"",
        ),
    );
    check(
        "uptime_of_defaults_within_lease_of_studio",
        &format!("{}lease = \"6h\"\n", top("[defaults]\nmax_uptime = \"4h\"")),
    );
    check(
        "foreign_role",
        &studio(
            "account = \"111122223333\"\nrole_arn = \"arn:aws:iam::444455556666:role/lightsout\"",
        ),
    );
    check("lead_past_least_stop", &studio("start = \"resume\"\nstart_lead = \"45m\""));
    check(
        "lead_past_least_stop_of_rule",
        &studio(
            "start_lead = \"20m\"\n[[studio.rule]]\nname = \"a\"\nmatch = \"all\"\nstart = \"resume\"\nleast_stop = \"5m\"",
        ),
    );
    // Where nothing is started, the two have nothing to do with each other.
    sound(&studio("least_stop = \"0s\""));
    check("stops_nothing", "version = 1\n[[studio]]\nid = \"us-west-2:stid-A\"\n");
}

fn two_rules(first: &str, second: &str) -> String {
    let rule = |name: &str, matcher: &str| {
        format!("\n[[studio.rule]]\nname = \"{name}\"\nmatch = {matcher}\nkeep = true\n")
    };
    studio(&format!("{}{}", rule("first", first), rule("second", second)))
}

#[test]
fn rules_that_can_never_match_are_explained() {
    check("unreachable_after_all", &two_rules("\"all\"", "{ owner = \"a\" }"));
    check(
        "unreachable_same",
        &two_rules("{ owner = [\"a\", \"b\"] }", "{ owner = [\"b\", \"a\"] }"),
    );
    check("unreachable_void", &two_rules("{ owner = \"a\", not = { owner = \"*\" } }", "\"all\""));
    check(
        "unreachable_not",
        &two_rules(
            "{ owner = \"*\", not = { tag = { tier = \"gold\" } } }",
            "{ owner = \"a\", not = [{ tag = { tier = [\"gold\", \"silver\"] } }] }",
        ),
    );
    check(
        "unreachable_wider_glob",
        &two_rules("{ owner = \"*\" }", "{ owner = \"a*\", tag = { tier = \"gold\" } }"),
    );
}

#[test]
fn rules_that_may_match_are_not_called_unreachable() {
    for (first, second) in [
        ("{ owner = \"a\" }", "\"all\""),
        ("{ owner = \"a*\" }", "{ owner = \"*\" }"),
        ("{ owner = \"*\" }", "{ instance_type = \"g5.*\" }"),
        ("{ tag = { tier = \"gold\" } }", "{ tag = { tier = \"silver\" } }"),
        ("{ tag = { tier = \"*\", show = \"x\" } }", "{ tag = { tier = \"gold\" } }"),
        ("{ not = { owner = \"a\" } }", "{ owner = \"*\" }"),
        ("{ persistence = true }", "{ persistence = false }"),
        ("{ session = \"s\" }", "{ streaming_image = \"i*\" }"),
        ("{ owner = [\"a\", \"b\"] }", "{ owner = [\"b\", \"c\"] }"),
    ] {
        sound(&two_rules(first, second));
    }
}

#[test]
fn effects_of_keep_are_explained() {
    let rule = |lines: &str| {
        studio(&format!("[[studio.rule]]\nname = \"a\"\nmatch = {{ owner = \"a\" }}\n{lines}"))
    };
    check("keep_with_settings", &rule("keep = true\nlease = \"4h\"\nmode = \"enforce\""));
    check("keep_false_at_the_end", &rule("keep = false"));
    let later = "\n[[studio.rule]]\nname = \"b\"\nmatch = \"all\"\nkeep = true";
    let policy = sound(&rule(&format!("keep = false{later}")));
    let rules = &policy.studios.values().next().unwrap().rules;
    assert_eq!(rules.iter().map(|rule| rule.keep).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn ten_mistakes_are_all_reported_in_one_run() {
    let text = r#"version = 3
mode = "enforcing"

[daemon]
scan = 5
concurrency = 0

[schedule.nights]
zone = "Amercia/Los_Angeles"
idle = ["Sun-Fri 20:00-7"]

[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
region = "us-east-1"
account = 111122223333
schedule = "knights"
lese = "2h"
"#;
    check("ten_mistakes", text);
    assert_eq!(parsed(text).unwrap_err().len(), 10);
}

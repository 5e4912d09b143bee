//! What fault plans can say, and how their mistakes are told.

use std::collections::BTreeSet;

use super::kinds::MEMBERS;
use super::*;

fn one(keys: &str) -> FaultRule {
    let rules = parse(&format!("[[fault]]\n{keys}\n"), "faults.toml").unwrap();
    assert_eq!(rules.len(), 1);
    rules[0].clone()
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn each_kind_is_read_and_has_its_own_code() {
    let keys = |kind: &Kind| match kind.name {
        "rate_limit" => "per_second = 10\nburst = 20",
        "huge_body" => "bytes = 3_000_000",
        "unknown_value" => "value = \"HIBERNATED\"\nsessions = \"one\"",
        "missing_members" => "members = [\"startedAt\", \"state\"]",
        "stale_list" => "age = \"2m\"",
        "vanishing_session" => "sessions = [\"one\", \"two\"]",
        "clock_skew" => "by = \"-10m\"",
        "latency" => "by = \"250ms\"",
        _ => "",
    };
    let mut codes = BTreeSet::new();
    for kind in KINDS {
        let rule = one(&format!("kind = \"{}\"\n{}", kind.name, keys(kind)));
        assert_eq!(rule.fault().code(), kind.name);
        assert!(codes.insert(kind.name), "{}", kind.name);
    }
    assert_eq!(codes.len(), 26);
}

#[test]
fn keys_of_kinds_become_what_they_say() {
    let seconds = jiff::SignedDuration::from_secs;
    let cases = [
        (
            "kind = \"unknown_value\"\nvalue = \"X\"",
            Fault::UnknownValue { member: "state".into(), value: "X".into(), sessions: None },
        ),
        (
            "kind = \"missing_members\"\nmembers = \"tags\"\nsessions = [\"one\"]",
            Fault::MissingMembers { members: set(&["tags"]), sessions: Some(set(&["one"])) },
        ),
        ("kind = \"rate_limit\"\nper_second = 5", Fault::RateLimit { per_second: 5, burst: 5 }),
        ("kind = \"clock_skew\"\nby = \"-10m\"", Fault::ClockSkew { by: seconds(-600) }),
        ("kind = \"stale_list\"\nage = \"1d\"", Fault::StaleList { age: seconds(86_400) }),
    ];
    for (text, fault) in cases {
        assert_eq!(*one(text).fault(), fault);
    }
}

#[test]
fn a_rule_says_which_requests_and_how_often() {
    let rule = one(
        "name = \"a bad morning\"\nkind = \"throttle\"\noperation = [\"StopStreamingSession\", \"GetStudio\"]\n\
         match = { studio = \"us-west-2:*\", client_token = \"t\", attempt = 1 }\nnth = 3\ncount = 2",
    );
    assert_eq!(rule.title(), "throttle (a bad morning)");
    assert_eq!(rule.operations().unwrap().len(), 2);
    let patterns: Vec<_> = rule.patterns().collect();
    assert_eq!(patterns, [("studio", "us-west-2:*"), ("client_token", "t")]);
    assert_eq!(rule.left(), Some(2));
    assert_eq!(one("kind = \"throttle\"\nnth = 3").left(), Some(1));
    assert_eq!(one("kind = \"throttle\"\nprobability = 0.5").left(), None);
    assert_eq!(one("kind = \"throttle\"\nprobability = 1").left(), None);
    assert_eq!(one("kind = \"throttle\"").operations(), None);
}

#[test]
fn a_seed_changes_which_requests_are_struck() {
    let chances = |seed: &str| {
        let rule = "[[fault]]\nkind = \"throttle\"\nprobability = 0.5\n";
        let rules = parse(&format!("{seed}{rule}{rule}"), "faults.toml").unwrap();
        rules.into_iter().map(|rule| format!("{rule:?}")).collect::<Vec<_>>()
    };
    assert_eq!(chances("seed = 1\n"), chances(""));
    assert_ne!(chances("seed = 2\n"), chances(""));
    assert_ne!(chances("")[0], chances("")[1]);
}

#[test]
fn mistakes_name_the_line_and_what_is_valid() {
    let cases = [
        "",
        "fault = 1",
        "[[fault]]\nname = \"x\"",
        "[[fault]]\nkind = \"throtle\"",
        "[[faults]]\nkind = \"throttle\"",
        "[[fault]]\nkind = \"throttle\"\nage = \"1m\"",
        "[[fault]]\nkind = \"throttle\"\nprobabilty = 0.1",
        "[[fault]]\nkind = \"throttle\"\noperation = \"StopSession\"",
        "[[fault]]\nkind = \"throttle\"\noperation = []",
        "[[fault]]\nkind = \"restart_race\"\noperation = \"GetStudio\"",
        "[[fault]]\nkind = \"throttle\"\nmatch = {}",
        "[[fault]]\nkind = \"throttle\"\nmatch = { owner = \"x\" }",
        "[[fault]]\nkind = \"throttle\"\nmatch = { session = \"\" }",
        "[[fault]]\nkind = \"throttle\"\nnth = 0",
        "[[fault]]\nkind = \"throttle\"\ncount = \"two\"",
        "[[fault]]\nkind = \"throttle\"\nnth = 2\nprobability = 0.5",
        "[[fault]]\nkind = \"throttle\"\nprobability = 1.5",
        "[[fault]]\nkind = \"throttle\"\nprobability = \"often\"",
        "[[fault]]\nkind = \"latency\"",
        "[[fault]]\nkind = \"latency\"\nby = \"-1s\"",
        "[[fault]]\nkind = \"latency\"\nby = \"2h\"",
        "[[fault]]\nkind = \"clock_skew\"\nby = \"soon\"",
        "[[fault]]\nkind = \"vanishing_session\"\nsessions = []",
        "[[fault]]\nkind = \"unknown_value\"\nmember = \"owner\"\nvalue = \"x\"",
        "seed = -1\n[[fault]]\nkind = \"throttle\"",
        "[[fault]\nkind = \"throttle\"",
    ];
    let told: Vec<String> =
        cases.iter().map(|text| parse(text, "faults.toml").unwrap_err().to_string()).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    faults.toml:1: there is no fault in it: write `[[fault]]` and its `kind`
    faults.toml:1: this must be a list of tables: write [[fault]]
    faults.toml:1: the fault has no kind: valid are throttle, rate_limit, error_500, html_503, denied, credentials_expired, quota, conflict, truncated_json, malformed_json, cut_off, huge_body, unknown_value, missing_members, stale_list, vanishing_session, restart_race, expired_token, endless_token, repeating_token, clock_skew, latency, stall, silence, reset, lost_answer
    faults.toml:2: unknown kind "throtle" (did you mean "throttle"?): valid are throttle, rate_limit, error_500, html_503, denied, credentials_expired, quota, conflict, truncated_json, malformed_json, cut_off, huge_body, unknown_value, missing_members, stale_list, vanishing_session, restart_race, expired_token, endless_token, repeating_token, clock_skew, latency, stall, silence, reset, lost_answer
    faults.toml:1: there is no fault in it: write `[[fault]]` and its `kind`
    faults.toml:1: unknown key "faults" at the top of a fault plan (did you mean "fault"?): valid are seed, fault
    faults.toml:3: "age" is no key of throttle: it belongs to stale_list
    faults.toml:3: unknown key "probabilty" of throttle (did you mean "probability"?): valid are kind, name, operation, match, nth, probability, count
    faults.toml:3: unknown operation "StopSession" (did you mean "StopStreamingSession"?): valid are ListStudios, GetStudio, ListLaunchProfiles, GetLaunchProfile, ListStreamingSessions, GetStreamingSession, StopStreamingSession, StartStreamingSession, TagResource, UntagResource, ListTagsForResource, CreateStreamingSession, DeleteStreamingSession, ListStudioMembers, GetStudioMember, PutStudioMembers, DeleteStudioMember, GetLaunchProfileDetails, CreateLaunchProfile, UpdateLaunchProfile, DeleteLaunchProfile, ListLaunchProfileMembers, GetLaunchProfileMember, PutLaunchProfileMembers, UpdateLaunchProfileMember, DeleteLaunchProfileMember, ListStreamingImages, GetStreamingImage, ListStudioComponents, GetStudioComponent, CreateStreamingSessionStream, GetStreamingSessionStream, ListStreamingSessionBackups, GetStreamingSessionBackup, Unserved
    faults.toml:3: the list is empty: leave it out for every operation
    faults.toml:3: restart_race means nothing for GetStudio: valid are GetStreamingSession, StopStreamingSession
    faults.toml:3: an empty `match` matches nothing: leave it out for all
    faults.toml:3: unknown key "owner" in `match`: valid are studio, session, launch_profile, client_token, access_key, attempt
    faults.toml:3: the text is empty: leave the key out
    faults.toml:3: 0 is out of bounds: valid are 1 to 4294967295
    faults.toml:3: this is of type string: it must be a whole number
    faults.toml:4: `nth` and `probability` cannot stand together
    faults.toml:3: 1.5 is no probability: it is above 0 and at most 1
    faults.toml:3: this is of type string: it must be a number like 0.1
    faults.toml:1: "by" is missing: write it like by = "250ms"
    faults.toml:3: "-1s" is not a length of time: write it like "250ms" or "90s"
    faults.toml:3: a request may be held up for less than an hour
    faults.toml:3: "soon" is not a length of time: write it like "90s", "2h" or "-10m"
    faults.toml:3: the list is empty: name at least one
    faults.toml:3: unknown member "owner": valid are automaticTerminationMode, backupMode, clipboardMode, ec2InstanceType, keyType, mode, persona, sessionPersistenceMode, state, statusCode, volumeRetentionMode
    faults.toml:1: -1 is out of bounds: valid are 0 to 9223372036854775807
    faults.toml:1: unclosed array table, expected `]`
    "#);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "colour = 1\n[[fault]]\nkind = \"latency\"\nby = 5\nnth = 0\n[[fault]]\nkind = \"missing_members\"\nmembers = [\"startdAt\"]\n";
    let error = parse(text, "faults.toml").unwrap_err();
    let lines: Vec<usize> = error.mistakes.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [1, 4, 5, 8]);
    assert!(error.to_string().contains("did you mean \"startedAt\"?"), "{error}");
}

/// What people read, and what is read.
#[test]
fn the_page_on_the_sandbox_names_every_kind_and_its_plan_is_one() {
    let page = include_str!("../../../docs/sandbox.md");
    let rows: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(name, _)| name))
        .collect();
    for kind in KINDS {
        assert!(rows.contains(kind.name), "{}", kind.name);
        let row = format!("| `{}` |", kind.name);
        let row = page.lines().find(|line| line.starts_with(&row)).unwrap();
        for key in kind.keys {
            assert!(row.contains(&format!("`{key}`")), "{}: {key}", kind.name);
        }
    }
    for key in KEYS {
        assert!(rows.contains(key), "{key}");
    }
    let (_, plan) = page.split_once("```toml\n").unwrap();
    let (plan, _) = plan.split_once("```").unwrap();
    assert_eq!(parse(plan, "docs/sandbox.md").unwrap().len(), 3);
}

#[test]
fn the_members_that_can_be_left_out_are_sorted_and_distinct() {
    assert!(MEMBERS.is_sorted_by(|one, other| one < other));
}

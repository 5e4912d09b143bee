use std::path::Path;

use super::*;
use crate::config;

const OLD: &str = r#"version = 1
[schedule.nights]
zone = "America/Los_Angeles"
idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
schedule = "nights"
external_id = "hush"
[[studio.rule]]
name = "leads"
match = { owner = ["a", "b"], not = { tag = { tier = "gold" } } }
lease = "4h"
"#;

fn policy(text: &str) -> Policy {
    let loaded = config::parse("policy.toml", text, Path::new(""));
    loaded.unwrap_or_else(|found| panic!("{}", found.render(false))).policy
}

fn found(from: &str, to: &str) -> Vec<String> {
    let changed = OLD.replacen(from, to, 1);
    assert_ne!(changed, OLD);
    let changes = changes(&policy(OLD), &policy(&changed));
    let line = |Change { place, key, old, new }| format!("{place}: {key} {old:?} -> {new:?}");
    changes.into_iter().map(line).collect()
}

#[test]
fn what_is_said_differently_is_found() {
    assert!(changes(&policy(OLD), &policy(OLD)).is_empty());
    assert_eq!(
        found("lease = \"4h\"", "lease = \"5h\"\nmode = \"enforce\""),
        [
            "studio us-west-2:stid-EXAMPLE11111, rule leads: lease Some(\"4h\") -> Some(\"5h\")",
            "studio us-west-2:stid-EXAMPLE11111, rule leads: mode None -> Some(\"enforce\")",
        ]
    );
    assert_eq!(
        found("tier = \"gold\"", "tier = \"*\""),
        [
            "studio us-west-2:stid-EXAMPLE11111, rule leads: match Some(\"owner \\\"a\\\" or \\\"b\\\", \
             not (tag tier \\\"gold\\\")\") -> Some(\"owner \\\"a\\\" or \\\"b\\\", not (tag tier \\\"*\\\")\")",
        ]
    );
    assert_eq!(found("external_id = \"hush\"", "external_id = \"other\"").len(), 0);
    assert_eq!(
        found("external_id = \"hush\"", ""),
        ["studio us-west-2:stid-EXAMPLE11111: external_id Some(\"(secret)\") -> None"]
    );
}

#[test]
fn people_calendars_prices_and_places_count() {
    let people =
        "[people]\n\"a\" = { name = \"Ada\", zone = \"Europe/London\", address = \"x@y\" }\n";
    let prices = "[prices]\n\"g5.xlarge\" = 2.0\n";
    let calendar = "[calendar.days]\neffect = \"open\"\ndates = [\"07-04\"]\n";
    let old = format!("{OLD}{people}{prices}{calendar}");
    for (from, to) in [
        ("Europe/London", "Asia/Kolkata"),
        ("x@y\" }", "x@y\" } # or so\n\"b\" = { name = \"Bob\" }"),
        ("2.0", "3.0"),
        ("07-04", "07-05"),
        ("\"open\"", "\"closed\""),
        ("version = 1", "version = 1\naudit.path = \"elsewhere.jsonl\""),
    ] {
        let new = old.replacen(from, to, 1);
        assert_eq!(changes(&policy(&old), &policy(&new)).len(), 1, "{from} to {to}");
    }
    let shown = format!("{:?}", changes(&policy(OLD), &policy(&old)));
    assert!(!shown.contains("x@y"), "{shown}");
}

#[test]
fn arguments_of_vetoes_are_shown_without_their_credentials() {
    let veto = "version = 1\nveto.farm.command = [\"ask\", \"http://bob:hush@farm\", \"--token=hush\", \"-v\"]";
    let shown = found("version = 1", veto);
    assert_eq!(
        shown[0],
        r#"[veto.farm]: command None -> Some("[\"ask\", \"http://********@farm\", \"--token=****\", \"-v\"]")"#
    );
    assert!(!format!("{shown:?}").contains("hush"), "{shown:?}");
}

#[test]
fn windows_that_one_policy_has_alone_are_found() {
    let (from, to): (Timestamp, Timestamp) =
        ("2026-11-19T12:00:00Z".parse().unwrap(), "2026-11-21T00:00:00Z".parse().unwrap());
    let new = policy(&OLD.replacen("20:00-07:00", "21:00-07:00", 1));
    let changes = window_changes(&policy(OLD), &new, from, to);
    let line = |change: &WindowChange| {
        format!("{} {} {}", change.side.mark(), change.schedule, change.window.opens)
    };
    assert_eq!(
        changes.iter().map(line).collect::<Vec<_>>(),
        [
            "- nights 2026-11-19T04:00:00Z",
            "+ nights 2026-11-19T05:00:00Z",
            "- nights 2026-11-20T04:00:00Z",
            "+ nights 2026-11-20T05:00:00Z",
        ]
    );
    assert!(window_changes(&new, &new, from, to).is_empty());
}

fn markdown(old: &str, new: &str) -> String {
    let (old, new) = (policy(old), policy(new));
    let (from, to): (Timestamp, Timestamp) =
        ("2026-11-19T12:00:00Z".parse().unwrap(), "2026-11-21T00:00:00Z".parse().unwrap());
    let windows = window_changes(&old, &new, from, to);
    let settings = changes(&old, &new);
    let session = SessionChange {
        studio: "us-west-2:stid-EXAMPLE11111".into(),
        session: "a|b".into(),
        zone: TimeZone::UTC,
        at: from,
        event: Event::Ended(crate::inventory::Ending { at: from, destroys: true }),
        side: Side::New,
    };
    let sessions = if windows.is_empty() { Vec::new() } else { vec![session] };
    Differences { settings, windows, sessions }.to_markdown(from, to, false)
}

#[test]
fn what_changes_is_a_table_of_a_comment() {
    let new = OLD
        .replace("20:00-07:00", "21:00-07:00")
        .replace("name = \"leads\"", "name = \"leads | @ada\"")
        .replace("[[studio.rule]]", "warn = []\n[[studio.rule]]");
    insta::assert_snapshot!(markdown(OLD, &new));
}

#[test]
fn that_nothing_changes_is_a_line_of_a_comment() {
    insta::assert_snapshot!(markdown(OLD, &format!("# another word\n{OLD}")));
}

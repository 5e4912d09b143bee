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

/// Windows are shown of the next days alone.
#[test]
fn what_changes_only_later_is_found_too() {
    assert_eq!(
        found("\"Sat-Sun\"", "\"Sat-Sun\", \"3rd Wed 08:00-18:00\""),
        ["[schedule.nights]: idle Some(\"Mon-Fri,Sun 20:00-07:00, Sat,Sun 00:00-24:00\") -> \
             Some(\"Mon-Fri,Sun 20:00-07:00, Sat,Sun 00:00-24:00, 3rd Wed 08:00-18:00\")"]
    );
    assert_eq!(
        found("Los_Angeles", "Tijuana"),
        ["[schedule.nights]: zone Some(\"America/Los_Angeles\") -> Some(\"America/Tijuana\")"]
    );
    assert_eq!(
        found("schedule = \"nights\"", "schedule = \"nights\"\nname = \"Ember\""),
        ["studio us-west-2:stid-EXAMPLE11111: name None -> Some(\"Ember\")"]
    );
}

#[test]
fn a_day_of_a_calendar_file_that_is_another_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let with = |day: &str| {
        let ics = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
             DTSTART;VALUE=DATE:{day}\r\nSUMMARY:Delivery\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        std::fs::write(directory.path().join("days.ics"), ics).unwrap();
        let calendar = "[calendar.days]\neffect = \"open\"\nics = \"days.ics\"\n";
        let text = OLD.replacen("idle = ", "calendars = [\"days\"]\nidle = ", 1) + calendar;
        let loaded = config::parse("policy.toml", &text, directory.path());
        loaded.unwrap_or_else(|found| panic!("{}", found.render(false))).policy
    };
    let changes = changes(&with("20270308"), &with("20270405"));
    let [change] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((change.place.as_str(), change.key), ("[calendar.days] Delivery", "when"));
    assert_eq!(
        [&change.old, &change.new].map(|when| when.as_deref().unwrap()),
        ["24h from 2027-03-08 00:00", "24h from 2027-04-05 00:00"]
    );
}

#[test]
fn of_long_values_the_part_is_shown_by_which_they_differ() {
    let same = "0123456789".repeat(30);
    let of = |end: &str| Some(format!("{same}{end}{same}"));
    let change = Change { place: String::new(), key: "idle", old: of("old"), new: of("new") };
    let before = &same[same.len() - 40..];
    let [old, new] = change.excerpts().map(Option::unwrap);
    assert!(old.starts_with(&format!("... {before}old01234")) && old.ends_with(" ..."), "{old}");
    assert!(new.starts_with(&format!("... {before}new01234")), "{new}");
    let short = Change { old: None, new: Some("short".to_owned()), ..change };
    assert_eq!(short.excerpts(), [None, Some("short".to_owned())]);
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

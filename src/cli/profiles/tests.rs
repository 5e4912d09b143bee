use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;

use super::*;
use crate::audit::record::{Data, Kind, ReasonData, Record, SeenData};
use crate::clock::{Clock, SimulatedClock};
use crate::policy::Policy;
use crate::provider::Provider;
use crate::provider::direct::Direct;
use crate::sandbox::worldfile;

const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";

const POLICY: &str = r#"
version = 1
[schedule.nights]
zone = "America/Los_Angeles"
idle = ["Mon-Sun 20:00-07:00"]
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
name = "Feature"
schedule = "nights"
lease = "2h"
[[studio.rule]]
name = "day and night"
match = { owner = ["9067cccc"] }
schedule = "off"
"#;

const WORLD: &str = r#"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
account = "111122223333"
name = "feature"
[[studio.profile]]
id = "comp"
name = "Comp"
max_session_length_in_minutes = 43200
max_stopped_session_length_in_minutes = 2880
[[studio.profile]]
id = "archive"
name = "Archive"
max_session_length_in_minutes = 43200
[[studio.profile]]
id = "lead"
name = "Lead"
max_session_length_in_minutes = 43200
session_persistence_mode = "ACTIVATED"
[[studio.profile]]
id = "strange"
name = "Strange"
max_session_length_in_minutes = 43200
session_persistence_mode = "other:SOMETIMES"
[[studio.session]]
id = "comp-1"
profile = "Comp"
state = "READY"
created = "-30h"
[[studio.session]]
id = "comp-2"
profile = "Comp"
state = "STOPPED"
created = "-30h"
started = "-20h"
stopped = "-2h"
[[studio.session]]
id = "archive-1"
profile = "Archive"
owner = "a"
state = "READY"
created = "-40h"
[[studio.session]]
id = "archive-2"
profile = "Archive"
state = "DELETED"
created = "-90h"
"#;

/// Friday noon in Los Angeles, when everything is looked at.
const NOW: &str = "2026-11-20T20:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A session is decided about; its run began then.
fn decided(time: &str, id: &str, code: &str, profile: &str, owner: &str, started: &str) -> Record {
    let reason = ReasonData {
        code: code.to_owned(),
        values: BTreeMap::new(),
        text: String::new(),
        alarm: false,
    };
    let seen = SeenData {
        state: "READY".to_owned(),
        owner: Some(owner.to_owned()),
        launch_profile: Some(profile.to_owned()),
        launch_profile_name: Some(profile.to_uppercase()),
        instance_type: Some(if profile == "old" { "x9.large" } else { "g4dn.xlarge" }.to_owned()),
        started_at: Some(at(started)),
    };
    let data = Data {
        studio: Some(STUDIO.to_owned()),
        session: Some(id.to_owned()),
        verdict: Some("keep".to_owned()),
        reason: Some(reason),
        seen: Some(seen),
        ..Data::default()
    };
    Record { time: at(time), kind: Kind::SessionDecided, subject: String::new(), data }
}

/// The nights of Wednesday and Thursday are in it, from 04:00 to 15:00 UTC.
fn log() -> Vec<Record> {
    vec![
        // It is there still, in the run of forty hours; its lease ends at 06:00.
        decided(
            "2026-11-19T04:10:00Z",
            "archive-1",
            "not_stoppable",
            "archive",
            "a",
            "2026-11-19T04:00:00Z",
        ),
        // It had five hours of a night, on a type whose price nobody knows, and is gone.
        decided(
            "2026-11-19T10:00:00Z",
            "old-1",
            "not_stoppable",
            "old",
            "b",
            "2026-11-18T20:00:00Z",
        ),
        decided("2026-11-19T20:00:00Z", "old-1", "failed", "old", "b", "2026-11-18T20:00:00Z"),
        // No schedule applies to its owner.
        decided(
            "2026-11-19T10:00:00Z",
            "old-2",
            "not_stoppable",
            "old",
            "9067cccc",
            "2026-11-18T20:00:00Z",
        ),
        decided(
            "2026-11-19T20:00:00Z",
            "old-2",
            "failed",
            "old",
            "9067cccc",
            "2026-11-18T20:00:00Z",
        ),
    ]
}

fn policy() -> Policy {
    crate::config::parse("policy.toml", POLICY, Path::new("")).unwrap().policy
}

fn snapshot() -> Snapshot {
    let now = at(NOW);
    let world = worldfile::parse(WORLD, "world.toml", now).unwrap().world;
    let clock: Arc<dyn Clock> = Arc::new(SimulatedClock::new(now));
    let direct = Direct::new(STUDIO.into(), Arc::new(Mutex::new(world)), clock, "AROATEST:one");
    direct.observe().now_or_never().unwrap()
}

fn printed(records: &[Record], since: Option<&str>) -> Printed {
    let policy = policy();
    let studio = &policy.studios[&STUDIO.into()];
    let mut log = cost::Log::default();
    for record in records {
        log.begins = log.begins.or(Some(record.time));
        log.fold.add(record);
    }
    let begins = log.begins;
    let since = begins.map(|begins| since.map_or(begins, |since| begins.max(at(since))));
    let seen = [(studio, snapshot())];
    let costs = log.costs(&seen, since, &Prices::new(&policy.prices), at(NOW));
    let profiles = rows(studio, &seen[0].1, &costs);
    Printed { at: at(NOW), since, profiles, holds: Vec::new() }
}

fn transcript(printed: &Printed) -> String {
    let mut table = table(&printed.profiles);
    table.set_width(100);
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.extend(summary(printed, &Prices::new(&BTreeMap::new())));
    lines.join("\n")
}

#[test]
fn a_table_says_who_forbids_stopping_and_what_that_costs() {
    insta::assert_snapshot!(transcript(&printed(&log(), None)), @"
     PROFILE  ID       STOPPING      SESSIONS  RUNNING  IDLE, KEPT ON  COST
     Archive  archive  no            1         1        20.0h          $10.52
     Comp     comp     yes, for 48h  2         1        -              -
     Lead     lead     yes           0         0        -              -
     OLD      old      gone          0         0        5.0h           unknown
     Strange  strange  unclear       0         0        -              -
    1 of 5 launch profiles forbid stopping
    by the log since 2026-11-19 04:10Z that kept 2 sessions on for 25.0h of their idle hours, for about $10.52 by on-demand prices of 2026-01 or the policy's own; without 5.0h whose price is not known
    to allow it: lightsout profiles allow-stop PROFILE --stopped-length 2d
    ");
}

#[test]
fn what_was_before_the_instant_that_is_asked_for_does_not_count() {
    insta::assert_snapshot!(transcript(&printed(&log(), Some("2026-11-20T14:00:00Z"))), @"
     PROFILE  ID       STOPPING      SESSIONS  RUNNING  IDLE, KEPT ON  COST
     Archive  archive  no            1         1        1.0h           $0.53
     Comp     comp     yes, for 48h  2         1        -              -
     Lead     lead     yes           0         0        -              -
     Strange  strange  unclear       0         0        -              -
    1 of 4 launch profiles forbid stopping
    by the log since 2026-11-20 14:00Z that kept 1 sessions on for 1.0h of their idle hours, for about $0.53 by on-demand prices of 2026-01 or the policy's own
    to allow it: lightsout profiles allow-stop PROFILE --stopped-length 2d
    ");
}

#[test]
fn without_a_log_nobody_can_tell_what_it_costs() {
    let text = transcript(&printed(&[], None));
    assert!(text.contains("there is no log yet that could tell what that costs"), "{text}");
}

#[test]
fn a_program_reads_every_member() {
    let printed = printed(&log(), None);
    let rows: Vec<&Row> = printed.profiles.iter().filter(|row| row.sessions > 0).collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&rows).unwrap(), @r#"
    [
      {
        "studio": "us-west-2:stid-EXAMPLE11111",
        "studio_name": "Feature",
        "launch_profile": "archive",
        "launch_profile_name": "Archive",
        "stopping": "forbidden",
        "destroyed_after_seconds": null,
        "text": "its sessions may not be stopped; to allow it, set maxStoppedSessionLengthInMinutes of the launch profile above 0; the service may ask for sessionPersistenceMode and automaticTerminationMode ACTIVATED with it",
        "sessions": 1,
        "running": 1,
        "idle_sessions": 1,
        "idle_hours": 20.0,
        "idle_cost_usd": 10.52,
        "unpriced_hours": 0.0
      },
      {
        "studio": "us-west-2:stid-EXAMPLE11111",
        "studio_name": "Feature",
        "launch_profile": "comp",
        "launch_profile_name": "Comp",
        "stopping": "allowed",
        "destroyed_after_seconds": 172800,
        "text": "its sessions may be stopped; one that is off for 48h the service destroys with its work",
        "sessions": 2,
        "running": 1,
        "idle_sessions": 0,
        "idle_hours": 0.0,
        "idle_cost_usd": 0.0,
        "unpriced_hours": 0.0
      }
    ]
    "#);
}

#[test]
fn a_sentence_says_what_stopping_does() {
    let sentences: Vec<String> =
        printed(&[], None).profiles.into_iter().map(|row| row.text).collect();
    insta::assert_snapshot!(sentences.join("\n"), @r#"
    its sessions may not be stopped; to allow it, set maxStoppedSessionLengthInMinutes of the launch profile above 0; the service may ask for sessionPersistenceMode and automaticTerminationMode ACTIVATED with it
    its sessions may be stopped; one that is off for 48h the service destroys with its work
    its sessions may be stopped, and stay off for as long as anybody likes
    nobody can tell what stopping does: sessionPersistenceMode is "SOMETIMES", which this program does not know
    "#);
}

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures_util::FutureExt;

use super::*;
use crate::clock::SimulatedClock;
use crate::inventory::{Gap, Problem, Snapshot, Wanted};
use crate::provider::direct::Direct;
use crate::sandbox::worldfile;

const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";

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
session_persistence_mode = "ACTIVATED"
[[studio.profile]]
id = "leads-of-old"
name = "Leads, old"
session_persistence_mode = "ACTIVATED"
automatic_termination_mode = "ACTIVATED"
[[studio.profile]]
id = "strange"
name = "Strange"
session_persistence_mode = "other:SOMETIMES"
[[studio.session]]
profile = "Archive"
state = "READY"
created = "-3h"
[[studio.session]]
profile = "Archive"
state = "DELETED"
created = "-9h"
"#;

fn now() -> Timestamp {
    "2026-11-20T20:00:00Z".parse().unwrap()
}

fn snapshot() -> Snapshot {
    let world = worldfile::parse(WORLD, "world.toml", now()).unwrap().world;
    let clock: Arc<dyn Clock> = Arc::new(SimulatedClock::new(now()));
    let direct = Direct::new(STUDIO.into(), Arc::new(Mutex::new(world)), clock, "AROATEST:one");
    direct.observe().now_or_never().unwrap()
}

fn studio(id: &str, name: &str) -> FoundStudio {
    FoundStudio {
        id: id.into(),
        name: Some("feature".to_owned()),
        display_name: Some(name.to_owned()),
        account: Some("111122223333".into()),
        region: None,
        state: Some("READY".to_owned()),
    }
}

fn found(id: &str, name: &str, region: &str, snapshot: Snapshot) -> Found {
    let connection = plain_connection(region, Some("http://127.0.0.1:9471"));
    Found::new(studio(id, name), connection, Some(snapshot))
}

/// The lines of a policy that say something to the program.
fn values(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn it_writes_a_policy_that_is_good_and_says_of_each_profile_what_forbids_stopping() {
    let text = text::policy(&[found(STUDIO, "Feature", "us-west-2", snapshot())], now());
    check(&text, now()).unwrap();
    let loaded = config::parse("policy.toml", &text, Path::new("")).unwrap();
    assert_eq!(loaded.policy.modes(), "observe");
    insta::assert_snapshot!(text, @r#"
    # A policy to start from, written by `lightsout init` at 2026-11-20 20:00Z.
    #
    # It only looks: in mode "observe" the daemon changes nothing. Before it acts:
    #   lightsout -c FILE check --online     what is wrong with it, and which windows are too long for whom
    #   lightsout -c FILE plan --at +12h     what would be decided about each session tonight
    #   lightsout -c FILE run --dry-run      the daemon without any effect; `audit show` says what it would have done
    # then write the hours of the artists below, and mode = "enforce"; for one studio or one rule first, if you like.

    version = 1
    mode = "observe"

    # Where the daemon keeps its state and its log; both must be its own. These are the defaults:
    # [daemon]
    # state_dir = "/var/lib/lightsout"
    # [audit]
    # path = "/var/log/lightsout/audit.jsonl"

    # The hours in which a session should be off. The zone is a guess by the region: write the artists' own.
    [schedule.nights]
    zone = "America/Los_Angeles"
    idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]

    [[studio]]
    id = "us-west-2:stid-EXAMPLE11111"
    name = "Feature"
    region = "us-west-2"
    # Where another account answers, nothing is stopped.
    account = "111122223333"
    endpoint_url = "http://127.0.0.1:9471"
    schedule = "nights"
    # Launch profiles: 5, sessions: 1, when this was written.
    #   Archive (archive), sessions: 1
    #     FORBIDS STOPPING: its sessions are kept on. To allow it,
    #     set maxStoppedSessionLengthInMinutes of the launch profile above 0; the service may ask for sessionPersistenceMode and automaticTerminationMode ACTIVATED with it;
    #     or: lightsout -c FILE profiles allow-stop archive --stopped-length 2d
    #   Comp (comp), sessions: 0
    #     may be stopped; one that is off for 48h the service destroys with its work. A window that is
    #     too long for that stops none of them, unless `preserve` says otherwise.
    #   Lead (lead), sessions: 0
    #     may be stopped, and stay off for as long as anybody likes.
    #   Leads, old (leads-of-old), sessions: 0
    #     FORBIDS STOPPING: its sessions are kept on. To allow it,
    #     set maxStoppedSessionLengthInMinutes of the launch profile above 0, or its automaticTerminationMode to DEACTIVATED;
    #     or: lightsout -c FILE profiles allow-stop leads-of-old --stopped-length 2d
    #   Strange (strange), sessions: 0
    #     leaves open what stopping does, so its sessions are kept on: sessionPersistenceMode is "SOMETIMES", which this program does not know.
    "#);
}

#[test]
fn whatever_the_service_calls_things_it_stays_a_good_policy() {
    let mut strange = snapshot();
    let evil = "x\"\n[daemon]\nscan = \"1s\" \u{1b}[2J # \u{85} \\";
    for profile in strange.profiles.values_mut() {
        profile.name = Some(evil.repeat(9));
    }
    strange.accounts = vec!["999999999999".into()];
    strange.gaps.push(Gap {
        wanted: Wanted::Sessions,
        problem: Problem::Denied,
        detail: evil.to_owned(),
    });
    let all = [
        found("us-west-2:stid-1", evil, "us-west-2", strange.clone()),
        found("us-west-2:stid-2", "The \"Heron\" Show", "us-west-2", snapshot()),
        // Two of one name, one in a region that nobody knows, and one without its region in its id.
        found("eu-west-2:stid-3", "Twins", "eu-west-2", snapshot()),
        found("stid-4", "Twins", "xx-south-9", snapshot()),
    ];
    let text = text::policy(&all, now());
    check(&text, now()).unwrap();
    let policy = config::parse("policy.toml", &text, Path::new("")).unwrap().policy;
    assert_eq!(policy.studios.len(), 4);
    assert!(text.lines().all(|line| line.len() < 200 && !line.contains('\u{1b}')), "{text}");
    insta::assert_snapshot!(values(&text), @r#"
    version = 1
    mode = "observe"
    [schedule.nights-us-west-2]
    zone = "America/Los_Angeles"
    idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]
    [schedule.nights-eu-west-2]
    zone = "Europe/London"
    idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]
    [schedule.nights-xx-south-9]
    zone = "UTC"
    idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]
    [[studio]]
    id = "us-west-2:stid-1"
    region = "us-west-2"
    endpoint_url = "http://127.0.0.1:9471"
    schedule = "nights-us-west-2"
    [[studio]]
    id = "us-west-2:stid-2"
    name = 'The "Heron" Show'
    region = "us-west-2"
    account = "111122223333"
    endpoint_url = "http://127.0.0.1:9471"
    schedule = "nights-us-west-2"
    [[studio]]
    id = "eu-west-2:stid-3"
    region = "eu-west-2"
    account = "111122223333"
    endpoint_url = "http://127.0.0.1:9471"
    schedule = "nights-eu-west-2"
    [[studio]]
    id = "stid-4"
    region = "xx-south-9"
    account = "111122223333"
    endpoint_url = "http://127.0.0.1:9471"
    schedule = "nights-xx-south-9"
    "#);
}

#[test]
fn where_to_look_is_said_or_in_the_environment() {
    let environment = |pairs: &[(&str, &str)]| {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect::<BTreeMap<String, String>>()
    };
    let look = |named: &[&str], has_endpoint: bool, pairs: &[(&str, &str)]| {
        let variables = environment(pairs);
        let named: Vec<String> = named.iter().map(|&name| name.to_owned()).collect();
        regions(&named, has_endpoint, |name| variables.get(name).cloned()).ok()
    };
    let one = |region: &str| Some(vec![region.to_owned()]);
    assert_eq!(look(&["eu-west-2", "eu-west-2"], false, &[("AWS_REGION", "x")]), one("eu-west-2"));
    assert_eq!(look(&[], false, &[("AWS_DEFAULT_REGION", "eu-west-1")]), one("eu-west-1"));
    assert_eq!(look(&[], true, &[]), one(REGION_OF_ENDPOINTS));
    assert_eq!(look(&[], false, &[("AWS_REGION", "")]), None);
}

#[test]
fn a_file_that_is_there_is_never_written_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lightsout.toml");
    write(&path, "one").unwrap();
    assert!(write(&path, "two").is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
    // Not through a link that leads nowhere yet, either.
    let link = directory.path().join("link.toml");
    std::os::unix::fs::symlink(directory.path().join("nothing"), &link).unwrap();
    assert!(write(&link, "three").is_err());
}

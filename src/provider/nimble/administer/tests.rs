use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::inventory::Doubt;
use crate::policy::{Connection, Settings, StudioPolicy};
use crate::provider::nimble::{Answer, Connections, StandIn};
use crate::sandbox::world::{self, World};
use crate::sandbox::{Sandbox, SandboxOptions, worldfile};

const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";

/// Launch profiles of every kind; the first says everything that one can say.
const WORLD: &str = r#"
[settings]
profile_time = "30s"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
account = "111122223333"
name = "feature"
[[studio.profile]]
id = "everything"
name = "Everything"
description = "all of it"
clipboard_mode = "DISABLED"
instance_types = ["g5.4xlarge", "g4dn.xlarge"]
streaming_images = ["ami-one", "ami-two"]
max_session_length_in_minutes = 10080
session_persistence_mode = "ACTIVATED"
automatic_termination_mode = "ACTIVATED"
backup_mode = "AUTOMATIC"
max_backups_to_retain = 7
volume = { size = 800, iops = 4000, throughput = 250 }
storage = { linux = "/mnt/upload", windows = "C:\\upload" }
[[studio.profile]]
id = "old"
name = "Old"
[[studio.profile]]
id = "old-stoppable"
name = "Old, stoppable"
max_stopped_session_length_in_minutes = 5760
[[studio.profile]]
id = "persistent"
name = "Persistent"
session_persistence_mode = "ACTIVATED"
automatic_termination_mode = "DEACTIVATED"
[[studio.image]]
id = "ami-gone"
state = "DELETED"
[[studio.profile]]
id = "broken"
name = "Broken"
streaming_images = ["ami-gone"]
[[studio.profile]]
id = "busy"
name = "Busy"
state = "UPDATE_IN_PROGRESS"
[[studio.profile]]
id = "strange"
name = "Strange"
session_persistence_mode = "other:SOMETIMES"
"#;

/// A sandbox, and a studio that is called over HTTP.
struct Rig {
    studio: NimbleStudio,
    world: Arc<Mutex<World>>,
    now: Arc<Mutex<Timestamp>>,
}

fn connected(connections: &Connections, url: String) -> NimbleStudio {
    let connection = Connection {
        region: "us-west-2".into(),
        account: None,
        role_arn: None,
        external_id: None,
        profile: None,
        endpoint_url: Some(url),
    };
    connections.connect(&StudioPolicy {
        id: STUDIO.into(),
        name: None,
        connection,
        settings: Settings::built_in(),
        rules: Vec::new(),
        brake: crate::policy::Brake::default(),
        asks_roles: false,
    })
}

impl Rig {
    async fn new() -> Self {
        let start: Timestamp = "2026-11-20T19:00:00Z".parse().unwrap();
        let now = Arc::new(Mutex::new(start));
        let clock = Arc::clone(&now);
        let loaded = worldfile::parse(WORLD, "world.toml", start).unwrap();
        let options = SandboxOptions::new(Arc::new(move || *clock.lock().unwrap()));
        let address = "127.0.0.1:0".parse().unwrap();
        let sandbox = Sandbox::bind(address, loaded.world, options).await.unwrap();
        let (url, world) = (sandbox.endpoint_url(), sandbox.world());
        tokio::spawn(sandbox.serve(std::future::pending()));
        let connections = Connections::new(Arc::new(SystemClock::new()));
        Self { studio: connected(&connections, url), world, now }
    }

    async fn propose(&self, id: &str, hours: i64) -> Result<Proposal, Unfit> {
        self.studio.propose(&id.into(), SignedDuration::from_hours(hours)).await
    }

    async fn refusal(&self, id: &str, hours: i64) -> String {
        self.propose(id, hours).await.expect_err("it is proposed").to_string()
    }

    fn profile(&self, id: &str) -> world::LaunchProfile {
        self.world.lock().unwrap().launch_profile(STUDIO, id).unwrap().clone()
    }

    /// Lets so many seconds pass in the sandbox.
    fn pass(&self, seconds: i64) {
        *self.now.lock().unwrap() += SignedDuration::from_secs(seconds);
    }
}

fn token() -> ClientToken {
    ClientToken("token".to_owned())
}

fn destroyed_after(hours: i64) -> Stopping {
    Stopping::Allowed { destroyed_after: Some(SignedDuration::from_hours(hours)) }
}

#[tokio::test]
async fn every_member_that_is_not_asked_about_is_written_back_as_it_was() {
    let rig = Rig::new().await;
    let before = rig.profile("everything");
    let proposal = rig.propose("everything", 48).await.unwrap();
    let change = Change { from: Some("0".to_owned()), to: Some("2880".to_owned()) };
    assert_eq!(proposal.changes, BTreeMap::from([(STOPPED.to_owned(), change)]));
    assert_eq!(proposal.untouched.len(), 9, "{:?}", proposal.untouched);
    assert!(matches!(proposal.before, Stopping::Forbidden(_)));
    assert_eq!(proposal.after, destroyed_after(48));
    rig.studio.change(&proposal, &token()).await.unwrap();
    let under = Progress::Under("UPDATE_IN_PROGRESS".to_owned());
    assert_eq!(rig.studio.progress(&proposal).await.unwrap(), under);
    rig.pass(31);
    assert_eq!(rig.studio.progress(&proposal).await.unwrap(), Progress::Done);
    let after = rig.profile("everything");
    let expected = world::StreamConfiguration {
        max_stopped_session_length_in_minutes: Some(2880),
        ..before.stream.clone()
    };
    assert_eq!(after.stream, expected);
    let rest = |profile: &world::LaunchProfile| {
        let profile = profile.clone();
        (profile.name, profile.description, profile.studio_component_ids, profile.subnet_ids)
    };
    assert_eq!(rest(&after), rest(&before));
    // Asked for again, there is nothing left to change.
    let again = rig.propose("everything", 48).await.unwrap();
    assert_eq!((again.changes.len(), again.untouched.len()), (0, 10));
}

#[tokio::test]
async fn what_the_service_asks_for_with_a_stopped_length_is_set_with_it() {
    let rig = Rig::new().await;
    for (id, before) in [("old", None), ("old-stoppable", Some(destroyed_after(96)))] {
        let proposal = rig.propose(id, 72).await.unwrap();
        let members: Vec<&str> = proposal.changes.keys().map(String::as_str).collect();
        assert_eq!(members, [TERMINATION, STOPPED, PERSISTENCE]);
        assert_eq!(proposal.changes[TERMINATION].from, None);
        assert_eq!(proposal.after, destroyed_after(72));
        before.into_iter().for_each(|before| assert_eq!(proposal.before, before));
        rig.studio.change(&proposal, &token_of(id)).await.unwrap();
        rig.pass(31);
        assert_eq!(rig.studio.progress(&proposal).await.unwrap(), Progress::Done);
    }
    let persistent = rig.propose("persistent", 1).await.unwrap();
    assert_eq!(persistent.before, Stopping::Allowed { destroyed_after: None });
    assert_eq!(persistent.changes[TERMINATION].from.as_deref(), Some("DEACTIVATED"));
}

fn token_of(id: &str) -> ClientToken {
    ClientToken(format!("token-{id}"))
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let rig = Rig::new().await;
    assert_eq!(
        rig.refusal("busy", 1).await,
        "it is UPDATE_IN_PROGRESS; only a READY one can be changed"
    );
    assert_eq!(
        rig.refusal("strange", 1).await,
        "nobody can tell what stopping does today: sessionPersistenceMode is \"SOMETIMES\", which \
         this program does not know"
    );
    assert!(rig.refusal("nowhere", 1).await.contains("it is not there"));
    assert!(rig.refusal("old", 97).await.contains("up to 5760"));
    let odd = rig.studio.propose(&"old".into(), SignedDuration::from_secs(90)).await;
    assert!(odd.unwrap_err().to_string().contains("whole minutes"));
}

#[tokio::test]
async fn what_changed_since_it_was_shown_is_not_changed_again() {
    let rig = Rig::new().await;
    let (one, other) =
        (rig.propose("old", 24).await.unwrap(), rig.propose("old", 48).await.unwrap());
    rig.studio.change(&one, &token()).await.unwrap();
    rig.pass(31);
    let error = rig.studio.change(&other, &token_of("other")).await.unwrap_err();
    assert_eq!((error.problem, error.operation), (Problem::NotAsked, LOOK));
    assert_eq!(rig.profile("old").stream.max_stopped_session_length_in_minutes, Some(1440));
    // And who waits for the one sees that it was overtaken by another.
    let third = rig.propose("old", 72).await.unwrap();
    rig.studio.change(&third, &token_of("third")).await.unwrap();
    rig.pass(31);
    let otherwise = Progress::Otherwise(vec![STOPPED.to_owned()]);
    assert_eq!(rig.studio.progress(&one).await.unwrap(), otherwise);
}

#[tokio::test]
async fn a_change_that_comes_to_nothing_is_told_with_the_service_s_reason() {
    let rig = Rig::new().await;
    let proposal = rig.propose("broken", 48).await.unwrap();
    rig.studio.change(&proposal, &token()).await.unwrap();
    rig.pass(31);
    let Progress::Failed(why) = rig.studio.progress(&proposal).await.unwrap() else {
        panic!("it did not fail");
    };
    assert!(why.starts_with("UPDATE_FAILED: ") && why.contains("ami-gone"), "{why}");
}

/// Answers everything with one launch profile.
#[derive(Debug)]
struct One(Value);

impl StandIn for One {
    fn answer(&self, method: &str, _: &str) -> Option<Answer> {
        assert_eq!(method, "GET", "something was to be changed");
        let body = serde_json::to_vec(&json!({ "launchProfile": self.0 })).unwrap();
        Some(Answer { status: 200, headers: Vec::new(), body })
    }
}

/// What is said of a launch profile with this stream configuration.
async fn said(stream: Value) -> Result<Proposal, String> {
    let arn = "arn:aws:nimble:us-west-2:111122223333:launch-profile/one";
    let profile = json!({
        "launchProfileId": "one", "arn": arn, "state": "READY", "streamConfiguration": stream,
    });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let connections = Connections::answered_by(clock, Arc::new(One(profile)));
    let studio = connected(&connections, "http://127.0.0.1:1".to_owned());
    let proposal = studio.propose(&"one".into(), SignedDuration::from_hours(48)).await;
    proposal.map_err(|unfit| unfit.to_string())
}

/// A good stream configuration with these members beside or in place of its own.
fn with(members: Value) -> Value {
    let mut stream = json!({
        "clipboardMode": "ENABLED",
        "ec2InstanceTypes": ["g5.xlarge"],
        "streamingImageIds": ["ami-one"],
    });
    for (name, value) in members.as_object().unwrap() {
        stream[name] = value.clone();
    }
    stream
}

#[tokio::test]
async fn a_member_that_would_be_lost_prevents_the_change() {
    assert!(said(with(json!({}))).await.is_ok());
    assert!(said(with(json!({ "sessionBackup": null }))).await.is_ok());
    for (members, expected) in [
        (json!({ "gpuMode": "SHARED" }), "has gpuMode, which"),
        (json!({ "sessionBackup": { "mode": "AUTOMATIC", "hour": 3 } }), "has sessionBackup.hour,"),
        (
            json!({ "sessionStorage": { "mode": ["UPLOAD"], "root": { "macos": "/upload" } } }),
            "has sessionStorage.root.macos,",
        ),
        (json!({ "clipboardMode": null }), "lacks clipboardMode"),
        (json!({ "streamingImageIds": null }), "lacks streamingImageIds"),
        (json!({ "clipboardMode": "READ_ONLY" }), "its clipboardMode is \"READ_ONLY\""),
        (json!({ "sessionBackup": { "mode": "HOURLY" } }), "its sessionBackup.mode is \"HOURLY\""),
        (
            json!({ "sessionStorage": { "mode": ["DOWNLOAD"] } }),
            "its sessionStorage.mode is \"DOWNLOAD\"",
        ),
        (json!({ "maxStoppedSessionLengthInMinutes": 9000 }), "nobody can tell"),
    ] {
        let refusal = said(with(members)).await.expect_err(expected);
        assert!(refusal.contains(expected), "{refusal}");
    }
    let refusal = said(Value::Null).await.unwrap_err();
    assert_eq!(refusal, "it has no stream configuration that could be changed");
}

#[tokio::test]
async fn an_instance_type_that_nobody_knows_is_written_back_as_it_came() {
    let stream = with(json!({ "ec2InstanceTypes": ["g9.huge"], "maxSessionLengthInMinutes": 690 }));
    let proposal = said(stream).await.unwrap();
    assert!(proposal.reading.0.contains("g9.huge"));
    assert_eq!(format!("{:?}", proposal.reading), "(reading)");
}

#[test]
fn a_doubt_is_a_sentence() {
    insta::assert_snapshot!(Doubt::NoLaunchProfile, @"nothing was read that says it");
    insta::assert_snapshot!(Doubt::VolumesDeleted, @"stopping would delete its volumes");
}

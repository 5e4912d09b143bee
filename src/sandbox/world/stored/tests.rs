//! A world comes back from its entries as it was, and tells each change of it.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::*;
use crate::sandbox::world::{Caller, MembersOf, Persona};
use crate::sandbox::worldfile;

const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";
const CALLER: Caller<'static> = Caller { principal: "AROA:artist", token: None };

fn start() -> Timestamp {
    "2026-11-20T20:00:00Z".parse().unwrap()
}

/// A studio with something in every table.
const WORLD: &str = r#"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
account = "111122223333"
name = "feature"
created = "-90d"
encryption = { key_type = "CUSTOMER_MANAGED_KEY", key_arn = "arn:aws:kms:us-west-2:111122223333:key/k" }
session_quota = 50
tags = { show = "heron" }

[[studio.member]]
id = "9067f1a2b3-admin"
sid = "S-1-5-21-1"

[[studio.image]]
id = "ami-linux"

[[studio.component]]
id = "shared-files"
name = "Files"
type = "SHARED_FILE_SYSTEM"
shared_file_system = { endpoint = "fs.example.com", linux_mount_point = "/mnt" }
script = [{ platform = "LINUX", run = "SYSTEM_INITIALIZATION", script = "mount /mnt" }]

[[studio.profile]]
id = "persistent"
name = "Persistent"
components = ["shared-files"]
session_persistence_mode = "ACTIVATED"
automatic_termination_mode = "DEACTIVATED"
backup_mode = "AUTOMATIC"
max_backups_to_retain = 2
volume = { size = 500 }
storage = { linux = "/upload" }

[[studio.profile]]
id = "old"
name = "Old"
max_session_length_in_minutes = 600
max_stopped_session_length_in_minutes = 240
members = ["9067f1a2b3-one"]

[[studio.session]]
id = "ready"
profile = "persistent"
owner = "9067f1a2b3-one"
state = "READY"
created = "-2d"
started = "-1h"

[[studio.session]]
id = "stopped"
profile = "old"
owner = "9067f1a2b3-two"
state = "STOPPED"
created = "-2d"
stopped = "-1h"
tags = { "lightsout:keep" = "always" }
fails_to_start = 1

[[studio.session]]
id = "starting"
profile = "persistent"
state = "START_IN_PROGRESS"
created = "-2d"
started = "-1m"

[[studio.session]]
id = "unheard"
profile = "old"
state = "other:MOVING"
created = "-2d"

[[studio.backup]]
id = "first"
session = "ready"
created = "-1d"
"#;

fn world() -> World {
    let mut world = worldfile::parse(WORLD, "world.toml", start()).unwrap().world;
    world.advance(start());
    let caller = CALLER.with_token("stream");
    world.create_stream(STUDIO, "ready", Some(600), caller, start()).unwrap();
    world.delete_session(STUDIO, "ready", CALLER.with_token("gone"), start()).unwrap();
    let of = MembersOf { studio: STUDIO, launch_profile: Some("old") };
    let new = [("9067f1a2b3-new".to_owned(), Persona::User)];
    world.put_members(of, "d-1", &new, CALLER.with_token("put"), start()).unwrap();
    world
        .update_member(
            of,
            "9067f1a2b3-new",
            Persona::Administrator,
            CALLER.with_token("up"),
            start(),
        )
        .unwrap();
    world.delete_launch_profile(STUDIO, "old", CALLER.with_token("profile"), start()).unwrap();
    world
}

fn restored(entries: &BTreeMap<(Table, Vec<u8>), Vec<u8>>) -> Result<World, Unreadable> {
    let mut restoring = Restoring::default();
    for ((table, key), value) in entries {
        restoring.take(*table, key, value)?;
    }
    Ok(restoring.finish())
}

#[test]
fn a_world_comes_back_from_its_entries_and_goes_on_as_it_would_have() {
    let mut world = world();
    let entries = all_entries(&world);
    for table in Table::ALL {
        assert!(entries.keys().any(|(found, _)| found == table), "nothing in {table:?}");
    }
    let mut back = restored(&entries).unwrap();
    assert_eq!(back.take_changes(), []);
    assert_eq!(all_entries(&back), entries);
    assert_eq!(back.timers, world.timers);
    for hours in [1, 8, 50, 500] {
        let later = start() + SignedDuration::from_hours(hours);
        world.advance(later);
        back.advance(later);
        assert_eq!(all_entries(&back), all_entries(&world), "{hours} hours later");
    }
    let caller = CALLER.with_token("gone");
    let again = |world: &mut World, session: &str| {
        world.delete_session(STUDIO, session, caller, start()).map(|session| session.id)
    };
    assert_eq!(again(&mut back, "ready"), Ok("ready".into()));
    assert_eq!(again(&mut back, "ready"), again(&mut world, "ready"));
    assert!(again(&mut back, "stopped").is_err(), "the token was for another");
}

#[test]
fn a_change_is_told_alone() {
    let mut world = restored(&all_entries(&world())).unwrap();
    let told = |world: &mut World| -> Vec<Table> {
        world.take_changes().iter().map(|change| change.table).collect()
    };
    let session = "starting";
    world.advance(start() + SignedDuration::from_mins(10));
    let _ = told(&mut world);
    world.stop(STUDIO, session, None, CALLER.with_token("t"), start()).unwrap();
    // A stop begins a backup, where the session's are made by themselves.
    assert_eq!(told(&mut world), [Table::Sessions, Table::Backups, Table::Tokens]);
    assert_eq!(told(&mut world), []);
    world.stop(STUDIO, session, None, CALLER.with_token("t"), start()).unwrap();
    assert_eq!(told(&mut world), [], "a repetition changes nothing");
    let arn = world.session(STUDIO, session, start()).unwrap().arn.clone();
    let tags = [("a".to_owned(), "b".to_owned())].into();
    world.tag(&arn, &tags, CALLER, start()).unwrap();
    assert_eq!(told(&mut world), [Table::Sessions]);
    world.tags(&arn, start()).unwrap();
    assert_eq!(told(&mut world), [], "whoever looks changes nothing");
    let of = MembersOf { studio: STUDIO, launch_profile: None };
    let new = [("9067f1a2b3-admin".to_owned(), Persona::Administrator)];
    world.put_members(of, "d-1", &new, CALLER, start()).unwrap();
    assert_eq!(told(&mut world), [Table::Members]);
    world.advance(start() + SignedDuration::from_mins(20));
    assert!(told(&mut world).contains(&Table::Sessions), "what time changes is told as well");
}

#[test]
fn entries_that_are_none_are_refused_and_never_a_panic() {
    let entries = all_entries(&world());
    let mut refused = 0;
    for (index, ((table, key), value)) in entries.iter().enumerate() {
        let cut = &value[..value.len() - 1];
        let mut restoring = Restoring::default();
        assert!(restoring.take(*table, key, cut).is_err(), "{table:?} cut");
        for position in (index % 7..value.len()).step_by(7) {
            let mut bent = entries.clone();
            let bytes = bent.get_mut(&(*table, key.clone())).unwrap();
            bytes[position] ^= 1 << (index % 8);
            refused += usize::from(Restoring::default().take(*table, key, bytes).is_err());
        }
    }
    assert!(refused > 100, "{refused}");
    let (orphan, value) = entries.iter().find(|((table, _), _)| *table == Table::Sessions).unwrap();
    let told = Restoring::default().take(orphan.0, &orphan.1, value).unwrap_err().to_string();
    insta::assert_snapshot!(told, @"an entry of the table of sessions cannot be read: its studio is not there");
}

/// Files of one schema hold one thing. Where this fails, what entries hold was changed: raise
/// [`SCHEMA`], and then take over the new value.
#[test]
fn what_the_entries_hold_is_what_the_schema_says() {
    let mut hash = Sha256::new();
    for ((table, key), value) in all_entries(&world()) {
        hash.update(table.name());
        hash.update(&key);
        hash.update(&value);
    }
    let digest: String = hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(format!("schema {SCHEMA}: {digest}"), @"schema 1: 418d75649bb69f22");
}

//! What a scenario starts from: the policy and the studio, with what is the same in all of them.
//!
//! A policy is what people type, less `version`, `mode = "enforce"`, the scan of five minutes, the
//! path of the log, and the studio's id and account. Sessions are those of a sandbox's world file, one
//! a line: `desk-1 = { owner = "ada", started = "2026-11-20 09:00" }`; instants in local time. Further
//! launch profiles are `profile.NAME = { .. }`.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lightsout::config;
use lightsout::daemon::Refusal;
use lightsout::policy::Policy;
use lightsout::sandbox::World;
use lightsout::sandbox::worldfile;
use toml::{Table, Value};

use crate::common::{ACCOUNT, PROFILES, STUDIO};
use crate::local;

/// What stays absent although it has a default.
const UNKNOWN: &str = "unknown";

/// The keys of a session that hold instants.
const INSTANTS: &[&str] = &["created", "started", "stopped", "stop_at", "terminate_at"];

pub(crate) fn policy(text: &str) -> Policy {
    let mut file: Table = toml::from_str(text).unwrap_or_else(|e| panic!("== policy\n{e}"));
    default(&mut file, "version", 1);
    default(&mut file, "mode", "enforce");
    default(&mut file, "daemon", Table::from_iter([("scan".to_owned(), "5m".into())]));
    default(&mut file, "audit", Table::from_iter([("path".to_owned(), "audit.jsonl".into())]));
    let studios = file.get_mut("studio").and_then(Value::as_array_mut);
    let studio = studios.and_then(|studios| studios.first_mut()?.as_table_mut());
    let studio = studio.expect("== policy: there is no [[studio]]");
    default(studio, "id", STUDIO);
    default(studio, "account", ACCOUNT);
    let text = toml::to_string(&file).unwrap();
    match config::parse("policy.toml", &text, Path::new("")) {
        Ok(loaded) => loaded.policy,
        Err(found) => panic!("{}", found.render(false)),
    }
}

/// What comes of reading a policy with a mistake in it.
pub(crate) fn refusal() -> Refusal {
    let found = config::parse("policy.toml", "version = 2\n", Path::new("")).unwrap_err();
    let messages: Vec<String> = found.iter().map(|found| found.message.clone()).collect();
    Refusal { hash: None, errors: messages.len(), messages }
}

pub(crate) fn world(text: &str, zone: &TimeZone, start: Timestamp) -> World {
    let mut sessions: Table = toml::from_str(text).unwrap_or_else(|e| panic!("== sessions\n{e}"));
    let profiles = sessions.remove("profile").unwrap_or_else(|| Table::new().into());
    let text = format!(
        "[settings]\nstop_time = \"90s\"\nstart_time = \"4m\"\n\
         [[studio]]\nid = \"{STUDIO}\"\naccount = \"{ACCOUNT}\"\nname = \"feature\"\n{PROFILES}"
    );
    let mut file: Table = toml::from_str(&text).unwrap();
    let studio = file["studio"][0].as_table_mut().unwrap();
    let own = studio["profile"].as_array_mut().unwrap();
    own.extend(named_tables(profiles).map(|(name, said)| profile(&name, said).into()));
    let sessions = named_tables(sessions.into());
    let sessions = sessions.map(|(id, said)| session(&id, said, zone).into());
    studio.insert("session".to_owned(), Value::Array(sessions.collect()));
    let text = toml::to_string(&file).unwrap();
    worldfile::parse(&text, "sessions", start).unwrap_or_else(|e| panic!("{e}\n{text}")).world
}

fn named_tables(tables: Value) -> impl Iterator<Item = (String, Table)> {
    let tables = match tables {
        Value::Table(tables) => tables,
        other => panic!("== sessions: {other} is not a table"),
    };
    tables.into_iter().map(|(name, said)| match said {
        Value::Table(said) => (name, said),
        other => panic!("== sessions: {name} is not a table but {other}"),
    })
}

fn profile(name: &str, mut profile: Table) -> Table {
    default(&mut profile, "id", name.to_lowercase());
    default(&mut profile, "name", name);
    default(&mut profile, "max_session_length_in_minutes", 43_200);
    profile
}

fn session(id: &str, mut session: Table, zone: &TimeZone) -> Table {
    default(&mut session, "id", id);
    default(&mut session, "profile", "Persistent");
    default(&mut session, "created", "-30d");
    if session.contains_key("stopped") {
        default(&mut session, "state", "STOPPED");
    }
    session.retain(|_, value| value.as_str() != Some(UNKNOWN));
    for key in INSTANTS {
        let civil = session.get(*key).and_then(Value::as_str);
        if let Some(Ok((_, at, ""))) = civil.map(|civil| local::read(civil, None, zone)) {
            session.insert((*key).to_owned(), at.to_string().into());
        }
    }
    session
}

fn default(table: &mut Table, key: &str, value: impl Into<Value>) {
    table.entry(key).or_insert_with(|| value.into());
}

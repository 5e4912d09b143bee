//! World files: what they can say, and how their mistakes are told.

use super::*;
use crate::sandbox::world::{Mode, SessionFilter};

fn start() -> Timestamp {
    "2026-11-20T20:00:00Z".parse().unwrap()
}

fn ago(text: &str) -> Timestamp {
    start() - text.parse::<SignedDuration>().unwrap()
}

const STUDIO: &str = r#"
[[studio]]
id = "us-west-2:stid-A"
account = "111122223333"
name = "feature"
[[studio.profile]]
id = "comp"
name = "Comp"
max_session_length_in_minutes = 2880
max_stopped_session_length_in_minutes = 240
"#;

fn all(loaded: &mut LoadedWorld, now: Timestamp) -> Vec<Session> {
    let page = loaded
        .world
        .sessions("us-west-2:stid-A", &SessionFilter::default(), None, 1_000_000, now)
        .unwrap();
    page.items.into_iter().cloned().collect()
}

#[test]
fn instants_are_relative_to_the_start_or_absolute() {
    let text = format!(
        "{STUDIO}\n[[studio.session]]\nid = \"s\"\nprofile = \"Comp\"\nowner = \"a\"\ncreated = \"2026-11-01T00:00:00Z\"\n\
         started = \"-3h\"\n"
    );
    let mut loaded = parse(&text, "world.toml", start()).unwrap();
    let session = &all(&mut loaded, start())[0];
    assert_eq!(session.created_at, Some("2026-11-01T00:00:00Z".parse().unwrap()));
    assert_eq!(session.started_at, Some(ago("3h")));
    assert_eq!(session.stop_at, Some(ago("3h") + SignedDuration::from_hours(48)));
    assert_eq!(session.arn, "arn:aws:nimble:us-west-2:111122223333:streaming-session/s");
}

#[test]
fn a_value_outside_the_model_can_be_said_on_purpose() {
    let text = format!(
        "{STUDIO}\n[[studio.session]]\nprofile = \"comp\"\nstate = \"other:HIBERNATED\"\n\
         session_persistence_mode = \"other:SOMETIMES\"\n"
    );
    let mut loaded = parse(&text, "world.toml", start()).unwrap();
    let session = &all(&mut loaded, start())[0];
    assert_eq!(session.state.as_str(), "HIBERNATED");
    assert_eq!(session.session_persistence_mode.as_ref().map(Mode::as_str), Some("SOMETIMES"));
    assert_eq!(session.created_at, None);
}

#[test]
fn generated_sessions_are_distinct_and_the_same_each_time() {
    let text = format!(
        "{STUDIO}\n[[studio.generate]]\ncount = 500\nprofile = \"comp\"\nstarted = \"-9h\"\nspread = \"1h\"\n"
    );
    let mut loaded = parse(&text, "world.toml", start()).unwrap();
    let sessions = all(&mut loaded, start());
    assert_eq!(sessions.len(), 500);
    assert!(sessions.iter().all(|session| session.id.as_str().len() == 22));
    assert!(
        sessions
            .iter()
            .all(|session| { session.owned_by.as_ref().unwrap().starts_with("9067f1a2b3-") })
    );
    let starts: BTreeSet<Timestamp> =
        sessions.iter().filter_map(|session| session.started_at).collect();
    assert_eq!(starts.first(), Some(&ago("9h")));
    assert!(starts.last() < Some(&ago("8h")) && starts.len() == 500);
    let again = all(&mut parse(&text, "world.toml", start()).unwrap(), start());
    assert_eq!(format!("{sessions:?}"), format!("{again:?}"));
}

#[test]
fn mistakes_name_the_file_the_line_and_what_is_valid() {
    let cases = [
        "[settings]\nstop_time = \"soon\"\n",
        "[settings]\nstart_time = \"500ms\"\n",
        "[settings]\npage_size = 0\n",
        "[settings]\npage_sise = 10\n",
        "[[studio]]\nid = \"s\"\naccount = \"1234\"\nname = \"n\"\n",
        &format!("{STUDIO}[[studio.profile]]\nname = \"Comp\"\n"),
        &format!(
            "{STUDIO}[[studio.profile]]\nname = \"X\"\nmax_stopped_session_length_in_minutes = 5761\n"
        ),
        &format!("{STUDIO}[[studio.session]]\nprofile = \"Compp\"\n"),
        &format!("{STUDIO}[[studio.session]]\nprofile = \"Comp\"\nstate = \"RAEDY\"\n"),
        &format!("{STUDIO}[[studio.session]]\nprofile = \"Comp\"\nstarted = \"yesterday\"\n"),
        &format!("{STUDIO}[[studio.image]]\nid = \"much too long for an image\"\n"),
        &format!("{STUDIO}[[studio.image]]\nid = \"a\"\n[[studio.image]]\nid = \"a\"\n"),
        &format!(
            "{STUDIO}[[studio.component]]\nid = \"a\"\nname = \"A\"\ntype = \"CUSTOM\"\nlicense_service = {{}}\n\
             compute_farm = {{}}\n"
        ),
        &format!("{STUDIO}[[studio.component]]\nid = \"a\"\nname = \"A\"\ntype = \"DISK\"\n"),
        &format!("{STUDIO}[[studio.backup]]\nid = \"b\"\nsession = \"none\"\ncreated = \"-1h\"\n"),
        &format!("{STUDIO}{STUDIO}"),
        "studio = [",
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|text| parse(text, "world.toml", start()).unwrap_err().to_string())
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    world.toml:2: "soon" is not a length of time in whole seconds: write it like "90s", "4m" or "0s"
    world.toml:2: "500ms" is not a length of time in whole seconds: write it like "90s", "4m" or "0s"
    world.toml:2: page_size is 0: valid are 1 to 1000
    world.toml:2: unknown field `page_sise`, expected one of `page_size`, `create_time`, `start_time`, `stop_time`, `delete_time`, `profile_time`, `stream_time`
    world.toml:3: account is "1234": it has twelve digits
    world.toml:12: launch profile "Comp" is there already: rename one of them
    world.toml:13: max_stopped_session_length_in_minutes is 5761: valid are 0 to 5760
    world.toml:12: unknown launch profile "Compp": this studio has Comp, comp
    world.toml:13: unknown value "RAEDY": valid are CREATE_IN_PROGRESS, DELETE_IN_PROGRESS, READY, DELETED, CREATE_FAILED, DELETE_FAILED, STOP_IN_PROGRESS, START_IN_PROGRESS, STOPPED, STOP_FAILED, START_FAILED; a name outside the model is written "other:NAME"
    world.toml:13: "yesterday" is not an instant: write it like "2026-11-20T20:00:00Z", or relative to the start of the sandbox like "-3h" or "20m"
    world.toml:12: the id "much too long for an image": valid are 1 to 22 letters, digits, - and _
    world.toml:14: image "a" is there already: each id may come once
    world.toml:12: a component has one of active_directory, compute_farm, license_service and shared_file_system
    world.toml:14: unknown value "DISK": valid are ACTIVE_DIRECTORY, SHARED_FILE_SYSTEM, COMPUTE_FARM, LICENSE_SERVICE, CUSTOM; a name outside the model is written "other:NAME"
    world.toml:13: streaming session none was not found
    world.toml:13: studio "us-west-2:stid-A" is there already: each id may come once
    world.toml:1: unclosed array, expected `]`
    "#);
}

#[test]
fn the_shipped_world_holds_about_forty_artists_in_all_conditions() {
    let mut loaded = shipped(start()).unwrap();
    let filter = SessionFilter::default();
    let studio = "us-west-2:stid-EXAMPLE11111";
    let page = loaded.world.sessions(studio, &filter, None, 1000, start()).unwrap();
    let mut states = BTreeMap::<&str, usize>::new();
    for session in &page.items {
        *states.entry(session.state.as_str()).or_default() += 1;
    }
    insta::assert_snapshot!(format!("{states:?}"), @r#"{"READY": 34, "START_IN_PROGRESS": 1, "STOPPED": 5, "STOP_FAILED": 1}"#);
    let owners: BTreeSet<_> = page.items.iter().map(|session| session.owned_by.clone()).collect();
    assert_eq!(owners.len(), page.items.len());
    let old = page.items.iter().filter(|session| {
        session.state == SessionState::Ready && session.started_at.is_some_and(|at| at < ago("14h"))
    });
    assert!(old.count() >= 3);
    let near = page.items.iter().filter_map(|session| session.terminate_at).min();
    assert_eq!(near, Some(ago("-4h")));
    assert_eq!(loaded.world.destroyed(), []);
}

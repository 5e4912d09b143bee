//! What owners are in the studio: asked only where a rule wants it, and never guessed.

use super::*;
use crate::ids::StudioRole;

/// A studio of which a rule asks for roles.
async fn asked(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> World {
    let clock = SimulatedClock::new("2026-11-20T19:00:00Z".parse().unwrap());
    let seen = Arc::default();
    let url = serve(Arc::clone(&seen), Arc::new(answer)).await;
    let policy = StudioPolicy { asks_roles: true, ..studio_policy(None, &url) };
    World::of(&policy, clock, seen)
}

fn row(id: &str, owner: &str) -> serde_json::Value {
    let mut row = session_row(id);
    row["ownedBy"] = json!(owner);
    row
}

fn member(id: &str, persona: &str) -> serde_json::Value {
    json!({ "principalId": id, "persona": persona })
}

/// Three sessions, and two pages of members.
fn studio(seen: &Seen) -> Response {
    match &seen.line {
        line if line.contains("streaming-sessions") => {
            let mut nobodys = session_row("s-4");
            nobodys.as_object_mut().unwrap().remove("ownedBy");
            let rows = [row("s-1", "ada"), row("s-2", "bob"), row("s-3", "cyd"), nobodys];
            ok(&json!({ "sessions": rows }))
        }
        line if line.contains("nextToken=two") => {
            ok(&json!({ "members": [member("cyd", "KEEPER")] }))
        }
        line if line.contains("membership") => {
            ok(&json!({ "members": [member("ada", "ADMINISTRATOR")], "nextToken": "two" }))
        }
        _ => empty_lists(seen),
    }
}

fn roles(snapshot: &crate::inventory::Snapshot) -> Vec<Option<StudioRole>> {
    snapshot.sessions.values().map(|session| session.studio_role).collect()
}

#[tokio::test]
async fn who_is_in_no_whole_list_has_no_role_and_what_is_not_known_stays_open() {
    let world = asked(studio).await;
    let snapshot = world.run(world.studio.observe()).await;
    let (administrator, nothing) = (Some(StudioRole::Administrator), Some(StudioRole::Nothing));
    assert_eq!(roles(&snapshot), [administrator, nothing, None, None]);
    assert_eq!(snapshot.gaps, []);
    assert!(world.lines().iter().any(|line| line.contains("membership?maxResults=100")));
}

#[tokio::test]
async fn where_no_rule_asks_nobody_is_asked() {
    let world = World::new(studio).await;
    let snapshot = world.run(world.studio.observe()).await;
    assert_eq!((roles(&snapshot), snapshot.gaps), (vec![None; 4], vec![]));
    assert!(world.lines().iter().all(|line| !line.contains("membership")));
}

#[tokio::test]
async fn members_that_cannot_be_read_whole_are_a_gap() {
    let cases: [(Respond, Problem); 4] = [
        (|| ok(&json!({})), Problem::Garbled),
        (|| error(403, "AccessDeniedException"), Problem::Denied),
        (|| ok(&json!({ "members": [{ "persona": "ADMINISTRATOR" }] })), Problem::Garbled),
        (|| ok(&json!({ "members": [], "nextToken": "again" })), Problem::EndlessPages),
    ];
    for (answer, problem) in cases {
        let respond = move |seen: &Seen| {
            if seen.line.contains("membership") { answer() } else { studio(seen) }
        };
        let world = asked(respond).await;
        let snapshot = world.run(world.studio.observe()).await;
        assert_eq!(roles(&snapshot), vec![None; 4]);
        let gaps: Vec<_> = snapshot.gaps.iter().map(|gap| (gap.wanted, gap.problem)).collect();
        assert_eq!(gaps, [(Wanted::Members, problem)]);
    }
}

#[tokio::test]
async fn a_session_that_is_read_by_itself_has_its_owner_s_role() {
    let cases: [(Respond, Result<Option<StudioRole>, Problem>); 5] = [
        (
            || ok(&json!({ "member": member("ada", "ADMINISTRATOR") })),
            Ok(Some(StudioRole::Administrator)),
        ),
        (|| ok(&json!({ "member": member("ada", "KEEPER") })), Ok(None)),
        (|| error(404, "ResourceNotFoundException"), Ok(Some(StudioRole::Nothing))),
        // Not known: it is not stopped where a rule goes by that, and it may be rescued.
        (|| ok(&json!({ "member": member("bob", "ADMINISTRATOR") })), Ok(None)),
        (|| error(403, "AccessDeniedException"), Ok(None)),
    ];
    for (answer, expected) in cases {
        let respond = move |seen: &Seen| match &seen.line {
            line if line.contains("membership/ada") => answer(),
            line if line.contains("streaming-sessions/") => {
                ok(&json!({ "session": row("s-1", "ada") }))
            }
            _ => ok(&json!({ "launchProfile": { "launchProfileId": "lp-1" } })),
        };
        let world = asked(respond).await;
        let read = world.run(world.studio.read(&"s-1".into())).await;
        assert_eq!(
            read.map(|session| session.studio_role).map_err(|error| error.problem),
            expected
        );
    }
}

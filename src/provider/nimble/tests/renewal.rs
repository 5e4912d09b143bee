//! Credentials that expire while they are used.

use super::*;

/// Answers that the credentials have expired so often, and then as `answer` does.
fn expired_at_first(
    times: usize,
    answer: impl Fn(&Seen) -> Response,
) -> impl Fn(&Seen) -> Response {
    let asked = AtomicUsize::new(0);
    move |seen| {
        let is_expired = asked.fetch_add(1, Ordering::Relaxed) < times;
        if is_expired { error(403, "ExpiredTokenException") } else { answer(seen) }
    }
}

/// How often the client was made anew.
async fn renewals(world: &World) -> u64 {
    world.run(world.studio.shared.get()).await.0
}

#[tokio::test]
async fn credentials_that_expire_while_a_list_is_read_are_renewed_and_the_page_is_asked_for_again()
{
    let expires = AtomicUsize::new(0);
    let world = World::new(move |seen| {
        let is_second = seen.line.contains("streaming-sessions?nextToken=");
        if is_second && expires.fetch_add(1, Ordering::Relaxed) == 0 {
            return error(400, "ExpiredToken");
        }
        match (seen.line.contains("streaming-sessions"), is_second) {
            (true, false) => ok(&json!({ "sessions": [session_row("s-1")], "nextToken": "t" })),
            (true, true) => ok(&json!({ "sessions": [session_row("s-2")] })),
            (false, _) => ok(&json!({ "launchProfiles": [profile_row()] })),
        }
    })
    .await;
    let snapshot = world.run(world.studio.observe()).await;
    assert_eq!((snapshot.gaps, snapshot.sessions.len()), (vec![], 2));
    assert_eq!((world.seen().len(), renewals(&world).await), (4, 1));
}

#[tokio::test]
async fn credentials_that_stay_expired_are_renewed_once_a_call_and_are_never_an_empty_studio() {
    let world = World::new(|_| error(403, "ExpiredTokenException")).await;
    let snapshot = world.run(world.studio.observe()).await;
    let problems: Vec<_> = snapshot.gaps.iter().map(|gap| (gap.wanted, gap.problem)).collect();
    let expired = Problem::CredentialsExpired;
    assert_eq!(problems, [(Wanted::Sessions, expired), (Wanted::LaunchProfiles, expired)]);
    assert_eq!(world.seen().len(), 4, "each list is asked for twice");
    let failure = world.run(world.studio.read(&"s-1".into())).await.unwrap_err();
    assert_eq!((failure.problem, world.seen().len()), (expired, 6));
}

#[tokio::test]
async fn a_stop_whose_credentials_had_expired_is_made_again_under_its_token() {
    let answer = || ok(&json!({ "session": { "sessionId": "s-1", "state": "STOP_IN_PROGRESS" } }));
    let world = World::new(expired_at_first(1, move |_| answer())).await;
    assert!(world.run(world.studio.stop(&session(false), &token())).await.is_ok());
    let tokens: Vec<_> = world.seen().into_iter().map(|seen| seen.token.unwrap()).collect();
    assert_eq!(tokens, ["token-of-this-cycle", "token-of-this-cycle"]);

    let world = World::new(|_| error(403, "ExpiredTokenException")).await;
    let failure = world.run(world.studio.stop(&session(false), &token())).await.unwrap_err();
    assert_eq!(failure.problem, Problem::CredentialsExpired);
    assert!(failure.problem.proves_no_effect());
    assert_eq!(world.seen().len(), 2);
}

#[tokio::test]
async fn a_call_whose_credentials_took_long_to_expire_is_not_made_again() {
    for (passes, calls) in [(15, 2), (25, 1)] {
        let clock: Arc<Mutex<Option<SimulatedClock>>> = Arc::default();
        let shared = Arc::clone(&clock);
        let world = World::new(move |_| {
            let clock = shared.lock().unwrap().take();
            clock.iter().for_each(|clock| clock.jump(SignedDuration::from_secs(passes)));
            error(403, "ExpiredTokenException")
        })
        .await;
        *clock.lock().unwrap() = Some(world.clock.clone());
        let failure = world.run(world.studio.stop(&session(false), &token())).await.unwrap_err();
        assert_eq!((failure.problem, world.seen().len()), (Problem::CredentialsExpired, calls));
        assert_eq!(renewals(&world).await, 1);
    }
}

#[tokio::test]
async fn of_many_who_find_that_their_credentials_have_expired_one_renews_them() {
    let world = World::new(expired_at_first(5, |_| error(404, "ResourceNotFoundException"))).await;
    let ids: Vec<SessionId> = (0..5).map(|number| format!("s-{number}").into()).collect();
    let reads = futures_util::future::join_all(ids.iter().map(|id| world.studio.read(id)));
    let problems = world.run(reads).await.into_iter().map(|read| read.unwrap_err().problem);
    assert!(problems.into_iter().all(|problem| problem == Problem::Gone));
    assert_eq!((world.seen().len(), renewals(&world).await), (10, 1));
}

//! A world that lasts, through HTTP: what was answered is there after a restart, and a client that
//! goes on notices nothing.

use std::path::Path;
use std::sync::{Arc, Mutex};

use lightsout::sandbox::state::Beside;
use lightsout::sandbox::{StateFile, StudioClock, worldfile};
use serde_json::{Value, json};

use crate::running::{Running, SESSIONS, WORLD, run_in, start};

/// Serves what a state file holds, or what is to be in it.
async fn serve(path: &Path) -> Running {
    let found = StateFile::find(path).unwrap();
    let (state, world) = match found {
        Some((state, kept)) => (state, kept.world),
        None => {
            let loaded = worldfile::parse(WORLD, "world.toml", start()).unwrap();
            let mut world = loaded.world;
            let clock = StudioClock::following(Arc::new(start)).facts();
            let beside = Beside { number: 0, page_size: loaded.page_size, clock, shown: start() };
            (StateFile::create(path, &mut world, beside).unwrap(), world)
        }
    };
    let page_size = state.beside().page_size.unwrap();
    run_in(world, |mut options| {
        options.page_size = page_size;
        options.state = Some(Arc::new(Mutex::new(state)));
        options
    })
    .await
}

/// Ends a server, and gives back how much time had passed.
async fn end(mut running: Running) -> i64 {
    let seconds = running.seconds.load(std::sync::atomic::Ordering::Relaxed);
    running.server.abort();
    let _ = (&mut running.server).await;
    seconds
}

async fn ask(running: &Running, method: &str, path: &str, token: &str, body: &str) -> (u16, Value) {
    let headers = match token {
        "" => String::new(),
        token => format!("x-amz-client-token: {token}\r\ncontent-type: application/json\r\n"),
    };
    let (status, answer) = running.raw(method, path, &headers, body).await;
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap())
}

/// Everything of the studio that can be listed.
async fn everything(running: &Running) -> Vec<Value> {
    let studio = "/studios/us-west-2%3Astid-EXAMPLE11111";
    let mut all = Vec::new();
    for list in [
        "streaming-sessions",
        "launch-profiles",
        "membership",
        "streaming-images",
        "studio-components",
        "streaming-session-backups",
    ] {
        let mut query = String::new();
        loop {
            let path = format!("{studio}/{list}{query}");
            let (status, page) = ask(running, "GET", &path, "", "").await;
            assert_eq!(status, 200, "{path}: {page}");
            let next = page["nextToken"].as_str().map(|token| token.replace('/', "%2F"));
            all.push(page);
            let Some(next) = next else { break };
            query = format!("?nextToken={}", next.replace('=', "%3D"));
        }
    }
    all
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart_and_what_was_due_meanwhile_has_happened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("studio.state");
    let running = serve(&path).await;
    let stop = format!("{SESSIONS}/ready/stop");
    let (status, stopping) = ask(&running, "POST", &stop, "stop", "{}").await;
    assert_eq!((status, &stopping["session"]["state"]), (200, &json!("STOP_IN_PROGRESS")));
    let start = format!("{SESSIONS}/stopped/start");
    let (status, starting) = ask(&running, "POST", &start, "start", "{}").await;
    assert_eq!(status, 200, "{starting}");
    running.pass(10);
    let before = everything(&running).await;
    let seconds = end(running).await;

    let running = serve(&path).await;
    running.pass(seconds);
    assert_eq!(everything(&running).await, before);
    let again = ask(&running, "POST", &stop, "stop", "{}").await;
    assert_eq!(again, (200, stopping), "a repetition is answered as before");
    let other = format!("{SESSIONS}/from-backup/stop");
    let (status, refused) = ask(&running, "POST", &other, "stop", "{}").await;
    assert_eq!(status, 400, "{refused}");
    let seconds = end(running).await;

    let running = serve(&path).await;
    running.pass(seconds + 3600);
    let (_, got) = ask(&running, "GET", &format!("{SESSIONS}/ready"), "", "").await;
    assert_eq!(got["session"]["state"], "STOPPED");
    assert_eq!(got["session"]["updatedAt"], "2026-11-20T20:01:30Z");
}

#[tokio::test]
async fn a_list_that_is_half_read_goes_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("studio.state");
    let running = serve(&path).await;
    let (_, first) = ask(&running, "GET", SESSIONS, "", "").await;
    assert_eq!(first["sessions"].as_array().unwrap().len(), 3);
    let token = first["nextToken"].as_str().unwrap().replace('/', "%2F").replace('=', "%3D");
    let next = format!("{SESSIONS}?nextToken={token}");
    let (status, second) = ask(&running, "GET", &next, "", "").await;
    assert_eq!(status, 200);
    end(running).await;
    let running = serve(&path).await;
    assert_eq!(ask(&running, "GET", &next, "", "").await, (200, second));
}

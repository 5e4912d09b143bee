//! Faults of a plan, as the SDK and the wire see them. Those that have no settings are in `faults.rs`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_nimble::error::SdkError;
use aws_sdk_nimble::types::{StreamingSessionState, VolumeRetentionMode};
use jiff::SignedDuration;
use lightsout::sandbox::{SandboxOptions, faultplan};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::running::{Running, SESSIONS, STUDIO, instant, run, run_with, start};

async fn listed(running: &Running) -> Vec<String> {
    let pages = running.client.list_streaming_sessions().studio_id(STUDIO).into_paginator();
    let pages: Vec<_> = pages.send().try_collect().await.unwrap();
    let sessions = pages.iter().flat_map(|page| page.sessions());
    sessions.map(|session| session.session_id().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_rate_limit_throttles_what_is_too_much() {
    let running = run().await;
    running.plan("[[fault]]\nkind = \"rate_limit\"\nper_second = 2");
    let get = || running.client.get_studio().studio_id(STUDIO).send();
    assert!(get().await.is_ok() && get().await.is_ok());
    assert!(get().await.unwrap_err().into_service_error().is_throttling_exception());
    running.pass(1);
    assert!(get().await.is_ok() && get().await.is_ok() && get().await.is_err());
}

#[tokio::test]
async fn malformed_json_and_a_body_that_is_cut_off_are_no_answers() {
    let running = run().await;
    running.plan("[[fault]]\nkind = \"malformed_json\"");
    let error = running.get_studio_error().await;
    assert!(matches!(error, SdkError::ResponseError(_) | SdkError::ServiceError(_)), "{error:?}");
    let (status, answer) = running.raw("GET", SESSIONS, "", "").await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(status == 200 && body.starts_with("{,:\""), "{answer}");
    running.plan("[[fault]]\nkind = \"cut_off\"");
    let error = running.get_studio_error().await;
    assert!(
        matches!(error, SdkError::DispatchFailure(_) | SdkError::ResponseError(_)),
        "{error:?}"
    );
    let (_, answer) = running.raw("GET", SESSIONS, "", "").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let length: usize = length.parse().unwrap();
    assert_eq!(body.len(), length / 2);
}

#[tokio::test]
async fn values_outside_the_model_and_missing_members_reach_the_client() {
    let running = run().await;
    running.plan(
        "[[fault]]\nkind = \"unknown_value\"\nvalue = \"HIBERNATED\"\nsessions = [\"ready\"]\n",
    );
    assert_eq!(running.state("ready").await.as_str(), "HIBERNATED");
    assert_eq!(running.state("stopped").await, StreamingSessionState::Stopped);
    running.plan(
        "[[fault]]\nkind = \"missing_members\"\nmembers = [\"startedAt\", \"state\"]\noperation = \"GetStreamingSession\"\n",
    );
    let get = running.client.get_streaming_session().studio_id(STUDIO).session_id("ready");
    let got = get.send().await.unwrap();
    let session = got.session().unwrap();
    assert_eq!((session.state(), session.started_at()), (None, None));
    assert_eq!(session.session_id(), Some("ready"));
    running.faults.clear();
    assert_eq!(running.state("ready").await, StreamingSessionState::Ready);
}

#[tokio::test]
async fn a_list_can_be_old_up_to_its_age() {
    let running = run().await;
    running.plan("[[fault]]\nkind = \"stale_list\"\nage = \"2m\"");
    let state = || async {
        let list = running.client.list_streaming_sessions().studio_id(STUDIO);
        let list = list.session_ids("ready").send().await.unwrap();
        list.sessions()[0].state().unwrap().as_str().to_owned()
    };
    assert_eq!(state().await, "READY");
    let stop = running.client.stop_streaming_session().studio_id(STUDIO).session_id("ready");
    stop.send().await.unwrap();
    running.pass(119);
    assert_eq!(state().await, "READY");
    assert_eq!(running.state("ready").await, StreamingSessionState::Stopped);
    running.pass(1);
    assert_eq!(state().await, "STOPPED");
}

#[tokio::test]
async fn a_session_can_vanish_and_come_back() {
    let running = run().await;
    let all = listed(&running).await;
    running.plan("[[fault]]\nkind = \"vanishing_session\"\nsessions = [\"ready\"]");
    let left = listed(&running).await;
    assert_eq!((left.len(), left.contains(&"ready".to_owned())), (all.len() - 1, false));
    let stop = || running.client.stop_streaming_session().studio_id(STUDIO).session_id("ready");
    let error = stop().send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    assert_eq!(running.state("stopped").await, StreamingSessionState::Stopped);
    running.faults.clear();
    assert_eq!(listed(&running).await, all);
}

#[tokio::test]
async fn an_artist_starts_a_session_anew_between_its_read_and_its_stop() {
    let running = run().await;
    running.plan(
        "[[fault]]\nkind = \"restart_race\"\noperation = \"GetStreamingSession\"\nmatch = { session = \"ready\" }\nnth = 1",
    );
    let get =
        || running.client.get_streaming_session().studio_id(STUDIO).session_id("ready").send();
    let read = get().await.unwrap();
    let before = start() - SignedDuration::from_hours(9);
    assert_eq!(instant(read.session().unwrap().started_at()), before);
    let again = get().await.unwrap();
    let again = again.session().unwrap();
    assert_eq!(instant(again.started_at()), start());
    assert_eq!((again.started_by(), again.owned_by()), (Some("artist"), Some("artist")));
    assert_eq!(again.state(), Some(&StreamingSessionState::Ready));
    running.pass(3600);
    running.plan("[[fault]]\nkind = \"restart_race\"\noperation = \"StopStreamingSession\"");
    let stop = running.client.stop_streaming_session().studio_id(STUDIO).session_id("ready");
    let stopped = stop.send().await.unwrap();
    let stopped = stopped.session().unwrap();
    assert_eq!(instant(stopped.started_at()), start() + SignedDuration::from_hours(1));
    assert_eq!(stopped.state(), Some(&StreamingSessionState::StopInProgress));
}

#[tokio::test]
async fn a_page_token_can_expire() {
    let running = run().await;
    running.plan("[[fault]]\nkind = \"expired_token\"");
    let list = || running.client.list_streaming_sessions().studio_id(STUDIO);
    let first = list().send().await.unwrap();
    let second = list().set_next_token(first.next_token).send().await.unwrap_err();
    assert!(second.into_service_error().is_validation_exception());
}

#[tokio::test]
async fn a_clock_that_is_off_shows_in_the_date_and_in_every_instant() {
    let running = run().await;
    running.plan("[[fault]]\nkind = \"clock_skew\"\nby = \"-10m\"");
    let (_, answer) = running.raw("GET", &format!("{SESSIONS}/ready"), "", "").await;
    assert!(answer.contains("date: Fri, 20 Nov 2026 19:50:00 GMT\r\n"), "{answer}");
    assert!(answer.contains(r#""startedAt":"2026-11-20T10:50:00Z""#), "{answer}");
    running.faults.clear();
    let (_, answer) = running.raw("GET", &format!("{SESSIONS}/ready"), "", "").await;
    assert!(answer.contains("date: Fri, 20 Nov 2026 20:00:00 GMT\r\n"), "{answer}");
    assert!(answer.contains(r#""startedAt":"2026-11-20T11:00:00Z""#), "{answer}");
}

#[tokio::test]
async fn latency_is_waited_out_before_the_answer() {
    let waited = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&waited);
    let running = run_with(|options| SandboxOptions {
        sleep: Arc::new(move |length: Duration| {
            told.lock().unwrap().push(length);
            Box::pin(std::future::ready(()))
        }),
        ..options
    })
    .await;
    running.plan(
        "[[fault]]\nkind = \"latency\"\nby = \"1500ms\"\ncount = 2\n[[fault]]\nkind = \"throttle\"\nnth = 2\n",
    );
    let get = || running.client.get_studio().studio_id(STUDIO).send();
    let answers = [get().await.is_ok(), get().await.is_ok(), get().await.is_ok()];
    assert_eq!(answers, [true, false, true]);
    assert_eq!(*waited.lock().unwrap(), [Duration::from_millis(1500); 2]);
    assert_eq!(running.requests.recent()[1].faults, ["latency", "throttle"]);
}

#[tokio::test]
async fn a_reset_has_no_effect_and_no_answer() {
    let running = run().await;
    running.plan("[[fault]]\nkind = \"reset\"\noperation = \"StopStreamingSession\"");
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = format!(
        "POST /2020-08-01{SESSIONS}/ready/stop HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let error = stream.read_to_end(&mut answer).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(answer.is_empty());
    assert_eq!(running.state("ready").await, StreamingSessionState::Ready);
    assert_eq!(running.requests.recent()[0].status, None);
}

#[tokio::test]
async fn a_stalled_answer_begins_and_does_not_go_on() {
    let running = run().await;
    running.plan("[[fault]]\nkind = \"stall\"\noperation = \"StopStreamingSession\"");
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = format!(
        "POST /2020-08-01{SESSIONS}/ready/stop HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    while !answer.contains(r#"{"session""#) {
        let mut part = [0; 512];
        let count = stream.read(&mut part).await.unwrap();
        assert!(count > 0, "{answer}");
        answer.push_str(std::str::from_utf8(&part[..count]).unwrap());
    }
    let more = stream.try_read(&mut [0; 512]);
    assert_eq!(more.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    // The effect has happened all the same.
    running.faults.clear();
    assert_eq!(running.state("ready").await, StreamingSessionState::StopInProgress);
}

#[tokio::test]
async fn a_rule_keeps_to_the_session_and_the_client_token_that_it_names() {
    let running = run().await;
    running.plan(
        "[[fault]]\nname = \"unlucky\"\nkind = \"error_500\"\nmatch = { session = \"re*\", client_token = \"unlucky-?\" }",
    );
    let stop = |token: &str| {
        let stop = running.client.stop_streaming_session().studio_id(STUDIO).session_id("ready");
        stop.volume_retention_mode(VolumeRetentionMode::Retain).client_token(token).send()
    };
    let error = stop("unlucky-1").await.unwrap_err().into_service_error();
    assert!(error.is_internal_server_error_exception());
    assert!(stop("lucky").await.is_ok());
    assert_eq!(running.requests.recent()[0].faults, ["error_500 (unlucky)"]);
}

#[tokio::test]
async fn every_member_of_an_answer_can_be_left_out() {
    fn names(value: &serde_json::Value, found: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(object) => {
                for (name, value) in object {
                    found.insert(name.clone());
                    // The names in these are the studio's own.
                    if name != "tags" {
                        names(value, found);
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| names(item, found)),
            _ => {}
        }
    }
    let running = run().await;
    let studio = "/studios/us-west-2%3Astid-EXAMPLE11111";
    let lists = ["", "/membership", "/launch-profiles", "/streaming-images", "/studio-components"];
    let more = [
        "/streaming-sessions",
        "/streaming-session-backups",
        "/launch-profiles/persistent/details",
    ];
    let mut found = BTreeSet::new();
    for path in lists.iter().chain(&more) {
        let (status, answer) = running.raw("GET", &format!("{studio}{path}"), "", "").await;
        assert_eq!(status, 200, "{path}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        names(&serde_json::from_str(body).unwrap(), &mut found);
    }
    assert!(found.len() > 70, "{found:?}");
    let quoted: Vec<String> = found.iter().map(|name| format!("{name:?}")).collect();
    let plan = format!("[[fault]]\nkind = \"missing_members\"\nmembers = [{}]", quoted.join(", "));
    let parsed = faultplan::parse(&plan, "faults.toml");
    assert!(parsed.is_ok(), "{}", parsed.unwrap_err());
}

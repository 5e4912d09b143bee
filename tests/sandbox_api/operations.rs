//! The operations, their refusals, and malformed requests.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_nimble::error::ProvideErrorMetadata;
use aws_sdk_nimble::types::{LaunchProfileState, StreamingSessionState, VolumeRetentionMode};
use jiff::SignedDuration;
use lightsout::sandbox::world::{Caller, Operation};
use lightsout::sandbox::{Sandbox, SandboxOptions, World};

use crate::running::{SESSION_ARN, SESSIONS, STUDIO, instant, run, start};

#[tokio::test]
async fn studios_are_listed_and_read() {
    let running = run().await;
    let listed = running.client.list_studios().send().await.unwrap();
    assert_eq!(listed.studios().len(), 1);
    let got = running.client.get_studio().studio_id(STUDIO).send().await.unwrap();
    let studio = got.studio().unwrap();
    assert_eq!(studio.studio_id(), Some(STUDIO));
    assert_eq!(studio.display_name(), Some("Feature Animation"));
    assert_eq!(studio.home_region(), Some("us-west-2"));
    assert_eq!(
        studio.arn(),
        Some("arn:aws:nimble:us-west-2:111122223333:studio/stid-EXAMPLE11111")
    );
}

#[tokio::test]
async fn launch_profiles_are_listed_filtered_and_read() {
    let running = run().await;
    let list = || running.client.list_launch_profiles().studio_id(STUDIO);
    let pages: Vec<_> = list().max_results(2).into_paginator().send().try_collect().await.unwrap();
    let sizes: Vec<usize> = pages.iter().map(|page| page.launch_profiles().len()).collect();
    assert_eq!(sizes, [2, 2]);
    let updating = list().states(LaunchProfileState::UpdateInProgress).send().await.unwrap();
    assert_eq!(updating.launch_profiles().len(), 1);
    let both = list()
        .states(LaunchProfileState::UpdateInProgress)
        .states(LaunchProfileState::Ready)
        .principal_id("x");
    assert_eq!(both.send().await.unwrap().launch_profiles().len(), 3);
    let got = running
        .client
        .get_launch_profile()
        .studio_id(STUDIO)
        .launch_profile_id("persistent")
        .send()
        .await;
    let got = got.unwrap();
    let stream = got.launch_profile().unwrap().stream_configuration().unwrap();
    assert_eq!(stream.session_persistence_mode().unwrap().as_str(), "ACTIVATED");
    assert_eq!(stream.session_backup().unwrap().max_backups_to_retain(), 2);
    assert_eq!(stream.volume_configuration().unwrap().size(), 500);
}

#[tokio::test]
async fn absent_members_are_absent_on_the_wire() {
    let running = run().await;
    let (status, answer) = running
        .raw("GET", "/studios/us-west-2%3Astid-EXAMPLE11111/launch-profiles/zz-last", "", "")
        .await;
    assert_eq!(status, 200);
    for absent in ["maxSession", "maxStopped", "Persistence", "Termination", "null"] {
        assert!(!answer.contains(absent), "{absent}: {answer}");
    }
    assert!(answer.contains("application/json") && answer.contains("x-amzn-requestid"), "{answer}");
    let (_, session) = running.raw("GET", &format!("{SESSIONS}/ready"), "", "").await;
    assert!(session.contains(r#""startedAt":"2026-11-20T11:00:00Z""#), "{session}");
    assert!(!session.contains("stoppedAt") && !session.contains("null"), "{session}");
}

#[tokio::test]
async fn sessions_come_in_pages_and_through_filters() {
    let running = run().await;
    let list = || running.client.list_streaming_sessions().studio_id(STUDIO);
    let pages: Vec<_> = list().into_paginator().send().try_collect().await.unwrap();
    let sizes: Vec<usize> = pages.iter().map(|page| page.sessions().len()).collect();
    assert_eq!(sizes, [3, 3, 2]);
    let ids: BTreeSet<_> =
        pages.iter().flat_map(|page| page.sessions()).map(|session| session.session_id()).collect();
    assert_eq!(ids.len(), 8);
    assert_eq!(list().owned_by("artist").send().await.unwrap().sessions().len(), 1);
    assert_eq!(list().created_by("nobody").send().await.unwrap().sessions().len(), 0);
    assert_eq!(list().session_ids("ready,stopped").send().await.unwrap().sessions().len(), 2);
    let token = pages[0].next_token().unwrap();
    let foreign =
        list().owned_by("artist").next_token(token).send().await.unwrap_err().into_service_error();
    assert!(foreign.is_validation_exception(), "{foreign:?}");
}

#[tokio::test]
async fn a_session_is_stopped_and_started_by_the_caller() {
    let running = run().await;
    let stop = running
        .client
        .stop_streaming_session()
        .studio_id(STUDIO)
        .session_id("ready")
        .send()
        .await
        .unwrap();
    let session = stop.session().unwrap();
    assert_eq!(session.state(), Some(&StreamingSessionState::StopInProgress));
    assert_eq!(session.stopped_by(), Some("AROASANDBOX:lightsout"));
    assert_eq!(instant(session.stopped_at()), start());
    running.pass(90);
    let got = running
        .client
        .get_streaming_session()
        .studio_id(STUDIO)
        .session_id("ready")
        .send()
        .await
        .unwrap();
    let stopped = got.session().unwrap();
    assert_eq!(stopped.state(), Some(&StreamingSessionState::Stopped));
    assert_eq!(instant(stopped.terminate_at()), start() + SignedDuration::from_hours(4));
    running
        .client
        .start_streaming_session()
        .studio_id(STUDIO)
        .session_id("ready")
        .send()
        .await
        .unwrap();
    assert_eq!(running.state("ready").await, StreamingSessionState::StartInProgress);
    running.pass(240);
    assert_eq!(running.state("ready").await, StreamingSessionState::Ready);
    let world = running.world.lock().unwrap();
    assert_eq!(world.effects().len(), 2);
    assert!(world.effects().iter().all(|effect| effect.token.is_some()));
    assert_eq!(world.destroyed(), []);
}

#[tokio::test]
async fn a_replayed_token_has_no_further_effect() {
    let running = run().await;
    let stop = || {
        running
            .client
            .stop_streaming_session()
            .studio_id(STUDIO)
            .session_id("ready")
            .client_token("token")
    };
    let first = stop().send().await.unwrap();
    running.pass(3600);
    let again = stop().send().await.unwrap();
    assert_eq!(first.session(), again.session());
    let other = stop().volume_retention_mode(VolumeRetentionMode::Retain).send().await.unwrap_err();
    assert!(other.into_service_error().is_validation_exception());
    assert_eq!(running.world.lock().unwrap().effects().len(), 1);
    assert_eq!(running.requests.count(Operation::StopStreamingSession), 3);
    assert_eq!(running.requests.recent()[0].client_token.as_deref(), Some("token"));
}

#[tokio::test]
async fn artists_come_in_by_their_own_door() {
    let running = run().await;
    let now = start();
    running
        .world
        .lock()
        .unwrap()
        .start(STUDIO, "stopped", None, Caller::new("other"), now)
        .unwrap();
    assert_eq!(running.state("stopped").await, StreamingSessionState::StartInProgress);
}

#[tokio::test]
async fn tags_are_set_read_and_taken_away() {
    let running = run().await;
    running
        .client
        .tag_resource()
        .resource_arn(SESSION_ARN)
        .tags("lightsout:keep", "always")
        .send()
        .await
        .unwrap();
    let tags = || async {
        let listed =
            running.client.list_tags_for_resource().resource_arn(SESSION_ARN).send().await.unwrap();
        listed.tags().unwrap().keys().cloned().collect::<BTreeSet<_>>()
    };
    assert_eq!(tags().await, BTreeSet::from(["lightsout:keep".to_owned(), "tier".to_owned()]));
    let untag = running.client.untag_resource().resource_arn(SESSION_ARN);
    untag.tag_keys("lightsout:keep").tag_keys("tier").send().await.unwrap();
    assert_eq!(tags().await, BTreeSet::new());
    let arn = "%61rn%3Aaws%3Animble%3Aus-west-2%3A111122223333%3Astreaming-session%2Fready";
    let (status, answer) =
        running.raw("POST", &format!("/tags/{arn}"), "", r#"{"tags":{"a":"b"}}"#).await;
    assert_eq!((status, answer.ends_with("\r\n\r\n")), (204, true));
}

#[tokio::test]
async fn each_refusal_is_the_errors_own_variant() {
    let running = run().await;
    let missing = running
        .client
        .get_streaming_session()
        .studio_id(STUDIO)
        .session_id("none")
        .send()
        .await
        .unwrap_err();
    let missing = missing.into_service_error();
    assert!(missing.is_resource_not_found_exception());
    let stop = || running.client.stop_streaming_session().studio_id(STUDIO);
    let invalid = stop().session_id("stopped").send().await.unwrap_err().into_service_error();
    assert!(invalid.is_validation_exception());
    stop().session_id("ready").send().await.unwrap();
    let conflict = stop().session_id("ready").send().await.unwrap_err().into_service_error();
    assert!(conflict.is_conflict_exception());
    assert!(conflict.message().unwrap().contains("Another operation is in progress"));
    let mut tag = running.client.tag_resource().resource_arn(SESSION_ARN);
    for index in 0..51 {
        tag = tag.tags(format!("k{index}"), "v");
    }
    assert!(
        tag.send().await.unwrap_err().into_service_error().is_service_quota_exceeded_exception()
    );
    let (status, answer) = running.raw("GET", &format!("{SESSIONS}/none"), "", "").await;
    assert_eq!(status, 404);
    assert!(answer.contains("x-amzn-errortype: ResourceNotFoundException"), "{answer}");
    assert!(answer.contains(r#""context":{"resourceId":"none"}"#), "{answer}");
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let running = run().await;
    let stop = format!("{SESSIONS}/ready/stop");
    let long = format!("x-amz-client-token: {}\r\n", "x".repeat(65));
    let cases = [
        ("GET", format!("{SESSIONS}?maxResults=5"), "", ""),
        ("GET", format!("{SESSIONS}?nextToken=forged"), "", ""),
        ("GET", format!("{SESSIONS}?ownedBy=a&ownedBy=b"), "", ""),
        ("GET", "/studios?x=1".to_owned(), "", ""),
        (
            "GET",
            "/studios/us-west-2%3Astid-EXAMPLE11111/launch-profiles?states=READYISH".to_owned(),
            "",
            "",
        ),
        (
            "GET",
            "/studios/us-west-2%3Astid-EXAMPLE11111/launch-profiles?maxResults=101".to_owned(),
            "",
            "",
        ),
        ("POST", stop.clone(), "", r#"{"force":true}"#),
        ("POST", stop.clone(), "", r#"{"volumeRetentionMode":"KEEP"}"#),
        ("POST", stop.clone(), "", "not json"),
        ("POST", stop.clone(), "x-amz-client-token: \r\n", "{}"),
        ("POST", stop.clone(), long.as_str(), "{}"),
        (
            "DELETE",
            "/tags/arn%3Aaws%3Animble%3Aus-west-2%3A111122223333%3Astreaming-session%2Fready"
                .to_owned(),
            "",
            "",
        ),
    ];
    for (method, path, headers, body) in cases {
        let (status, answer) = running.raw(method, &path, headers, body).await;
        assert_eq!(status, 400, "{method} {path} {body}: {answer}");
        assert!(answer.contains("x-amzn-errortype: ValidationException"), "{answer}");
    }
    let (status, _) = running.raw("POST", &stop, "", &" ".repeat(100_000)).await;
    assert!(status == 400 || status == 0, "{status}");
    assert_eq!(running.world.lock().unwrap().effects().len(), 0);
}

#[tokio::test]
async fn what_the_sandbox_does_not_serve_is_501() {
    let running = run().await;
    let eulas = running.client.list_eulas().send().await;
    assert_eq!(eulas.unwrap_err().raw_response().unwrap().status().as_u16(), 501);
    let (status, answer) = running.raw("GET", "/studios/a/eulas", "", "").await;
    assert_eq!(status, 501);
    assert!(
        answer.contains("the sandbox does not serve GET /2020-08-01/studios/a/eulas"),
        "{answer}"
    );
    assert_eq!(running.requests.count(Operation::Unserved), 2);
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let bound = Sandbox::bind(
        "0.0.0.0:0".parse().unwrap(),
        World::default(),
        SandboxOptions::new(Arc::new(start)),
    )
    .await;
    let error = bound.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    insta::assert_snapshot!(error, @"the sandbox is for this machine alone and listens on loopback only: use 127.0.0.1 or [::1] in place of 0.0.0.0");
}

#[tokio::test]
async fn serving_ends_when_it_is_told_to() {
    let options = SandboxOptions::new(Arc::new(start));
    let sandbox = Sandbox::bind("127.0.0.1:0".parse().unwrap(), World::default(), options).await;
    sandbox.unwrap().serve(std::future::ready(())).await;
}

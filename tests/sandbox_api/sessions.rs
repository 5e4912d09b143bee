//! Sessions from creation to deletion, their streams and their backups.

use aws_sdk_nimble::types::{
    StreamingSessionState, StreamingSessionStream, StreamingSessionStreamState, VolumeRetentionMode,
};
use jiff::SignedDuration;

use crate::running::{Running, STUDIO, instant, run, start};

async fn backups(running: &Running) -> Vec<(String, StreamingSessionState)> {
    let list = running.client.list_streaming_session_backups().studio_id(STUDIO);
    let pages: Vec<_> = list.into_paginator().send().try_collect().await.unwrap();
    let all = pages.iter().flat_map(|page| page.streaming_session_backups());
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|backup| instant(backup.created_at()));
    let told = |backup: &aws_sdk_nimble::types::StreamingSessionBackup| {
        (backup.backup_id().unwrap().to_owned(), backup.state().unwrap().clone())
    };
    all.into_iter().map(told).collect()
}

async fn start_stopped(running: &Running, backup: Option<&str>) {
    let start = running.client.start_streaming_session().studio_id(STUDIO).session_id("stopped");
    start.set_backup_id(backup.map(str::to_owned)).send().await.unwrap();
    running.pass(240);
}

async fn stop_stopped(running: &Running) {
    let stop = running.client.stop_streaming_session().studio_id(STUDIO).session_id("stopped");
    stop.volume_retention_mode(VolumeRetentionMode::Retain).send().await.unwrap();
}

#[tokio::test]
async fn a_session_is_created_up_to_the_quota_and_deleted() {
    let running = run().await;
    let create = || {
        let create = running.client.create_streaming_session().studio_id(STUDIO);
        create.launch_profile_id("persistent").tags("dept", "comp")
    };
    let created = create().owned_by("artist").client_token("t").send().await.unwrap();
    let session = created.session().unwrap();
    assert_eq!(session.state(), Some(&StreamingSessionState::CreateInProgress));
    assert_eq!(session.owned_by(), Some("artist"));
    assert_eq!(session.created_by(), Some("AROASANDBOX:lightsout"));
    assert_eq!(session.streaming_image_id(), Some("linux"));
    assert_eq!(session.volume_configuration().unwrap().size(), 500);
    let again = create().owned_by("artist").client_token("t").send().await.unwrap();
    assert_eq!(again.session(), created.session());
    let other = create().client_token("t").send().await.unwrap_err().into_service_error();
    assert!(other.is_validation_exception());
    let full = create().send().await.unwrap_err().into_service_error();
    assert!(full.is_service_quota_exceeded_exception(), "{full:?}");
    let id = session.session_id().unwrap();
    running.pass(300);
    assert_eq!(running.state(id).await, StreamingSessionState::Ready);
    let delete = || running.client.delete_streaming_session().studio_id(STUDIO).session_id(id);
    delete().send().await.unwrap();
    let busy = delete().send().await.unwrap_err().into_service_error();
    assert!(busy.is_conflict_exception());
    assert!(create().send().await.is_err(), "it counts until it is DELETED");
    running.pass(60);
    assert_eq!(running.state(id).await, StreamingSessionState::Deleted);
    let own = create().send().await.unwrap();
    assert_eq!(own.session().unwrap().owned_by(), Some("AROASANDBOX:lightsout"));
}

#[tokio::test]
async fn a_session_is_what_its_launch_profile_offers() {
    let running = run().await;
    let create = || running.client.create_streaming_session().studio_id(STUDIO);
    for (create, found) in [
        (create().launch_profile_id("none"), "not found"),
        (create().launch_profile_id("updating"), "conflict"),
        (create().launch_profile_id("old").ec2_instance_type("g5.16xlarge".into()), "validation"),
        (create().launch_profile_id("old").streaming_image_id("base"), "validation"),
    ] {
        let error = create.send().await.unwrap_err().into_service_error();
        let matches = match found {
            "not found" => error.is_resource_not_found_exception(),
            "conflict" => error.is_conflict_exception(),
            _ => error.is_validation_exception(),
        };
        assert!(matches, "{found}: {error:?}");
    }
    let offered = create()
        .launch_profile_id("old")
        .ec2_instance_type("g4dn.xlarge".into())
        .streaming_image_id("ami-EXAMPLE-linux");
    assert!(offered.send().await.is_ok());
}

#[tokio::test]
async fn a_stop_makes_a_backup_and_the_oldest_goes() {
    let running = run().await;
    assert_eq!(backups(&running).await, [("first".to_owned(), StreamingSessionState::Ready)]);
    start_stopped(&running, None).await;
    stop_stopped(&running).await;
    let made = backups(&running).await;
    assert_eq!(made[1].1, StreamingSessionState::CreateInProgress);
    let busy = running
        .client
        .start_streaming_session()
        .studio_id(STUDIO)
        .session_id("stopped")
        .backup_id(&made[1].0)
        .send()
        .await;
    assert!(busy.unwrap_err().into_service_error().is_conflict_exception());
    running.pass(90);
    assert_eq!(backups(&running).await[1].1, StreamingSessionState::Ready);
    start_stopped(&running, Some(&made[1].0)).await;
    let got = running.client.get_streaming_session().studio_id(STUDIO).session_id("stopped");
    let got = got.send().await.unwrap();
    assert_eq!(got.session().unwrap().started_from_backup_id(), Some(made[1].0.as_str()));
    stop_stopped(&running).await;
    running.pass(90);
    let kept = backups(&running).await;
    assert_eq!((kept.len(), &kept[0].0), (2, &made[1].0), "two are retained");
    let get = |id: &str| {
        running.client.get_streaming_session_backup().studio_id(STUDIO).backup_id(id).send()
    };
    let newest = get(&kept[1].0).await.unwrap();
    let newest = newest.streaming_session_backup().unwrap();
    assert_eq!(newest.session_id(), Some("stopped"));
    assert_eq!(newest.launch_profile_id(), Some("persistent"));
    assert_eq!(newest.owned_by(), Some("other"));
    assert_eq!(newest.status_code().unwrap().as_str(), "STREAMING_SESSION_READY");
    assert!(newest.arn().unwrap().contains(":streaming-session-backup/"));
    assert!(get("first").await.unwrap_err().into_service_error().is_resource_not_found_exception());
    let nobody = running.client.list_streaming_session_backups().studio_id(STUDIO);
    let nobody = nobody.owned_by("nobody").send().await.unwrap();
    assert_eq!(nobody.streaming_session_backups().len(), 0);
}

#[tokio::test]
async fn a_session_starts_from_a_backup_of_its_own_only() {
    let running = run().await;
    let stop = running.client.stop_streaming_session().studio_id(STUDIO).session_id("ready");
    stop.send().await.unwrap();
    running.pass(90);
    let from = |session: &str, backup: &str| {
        let start = running.client.start_streaming_session().studio_id(STUDIO);
        start.session_id(session).backup_id(backup).send()
    };
    let other = from("ready", "first").await.unwrap_err().into_service_error();
    assert!(other.is_validation_exception());
    let none = from("ready", "none").await.unwrap_err().into_service_error();
    assert!(none.is_resource_not_found_exception());
    assert!(from("stopped", "first").await.is_ok());
}

#[tokio::test]
async fn a_stream_becomes_ready_expires_and_ends_with_its_session() {
    let running = run().await;
    let create = |session: &str| {
        let create = running.client.create_streaming_session_stream().studio_id(STUDIO);
        create.session_id(session)
    };
    let created = create("ready").expiration_in_seconds(60).send().await.unwrap();
    let stream = created.stream().unwrap();
    assert_eq!(stream.state(), Some(&StreamingSessionStreamState::CreateInProgress));
    assert_eq!(stream.status_code().unwrap().as_str(), "STREAM_CREATE_IN_PROGRESS");
    assert_eq!((stream.url(), stream.owned_by()), (None, Some("artist")));
    assert_eq!(instant(stream.expires_at()), start() + SignedDuration::from_secs(60));
    let read = async |id: &str| -> StreamingSessionStream {
        let get = running.client.get_streaming_session_stream().studio_id(STUDIO);
        let got = get.session_id("ready").stream_id(id).send().await.unwrap();
        got.stream().unwrap().clone()
    };
    let id = stream.stream_id().unwrap();
    running.pass(10);
    let ready = read(id).await;
    assert_eq!(ready.state(), Some(&StreamingSessionStreamState::Ready));
    assert!(ready.url().unwrap().starts_with("https://"));
    running.pass(50);
    assert_eq!(read(id).await.state(), Some(&StreamingSessionStreamState::DeleteInProgress));
    running.pass(10);
    assert_eq!(read(id).await.status_code().unwrap().as_str(), "STREAM_DELETED");
    let second = create("ready").expiration_in_seconds(3600).send().await.unwrap();
    let second = second.stream().unwrap().stream_id().unwrap().to_owned();
    running.pass(100);
    let stop = running.client.stop_streaming_session().studio_id(STUDIO).session_id("ready");
    stop.send().await.unwrap();
    running.pass(10);
    assert_eq!(read(&second).await.state(), Some(&StreamingSessionStreamState::Deleted));
    let stopped = create("stopped").send().await.unwrap_err().into_service_error();
    assert!(stopped.is_validation_exception());
    let busy = create("ready").send().await.unwrap_err().into_service_error();
    assert!(busy.is_conflict_exception());
    let get = running.client.get_streaming_session_stream().studio_id(STUDIO);
    let none = get.session_id("ready").stream_id("none").send().await.unwrap_err();
    assert!(none.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn a_session_has_so_many_streams() {
    let running = run().await;
    let create = || {
        let create = running.client.create_streaming_session_stream().studio_id(STUDIO);
        create.session_id("ready").expiration_in_seconds(3600)
    };
    let first = create().client_token("t").send().await.unwrap();
    let again = create().client_token("t").send().await.unwrap();
    assert_eq!(first.stream(), again.stream());
    for _ in 1..lightsout::sandbox::world::STREAMS_MAX {
        create().send().await.unwrap();
    }
    let full = create().send().await.unwrap_err().into_service_error();
    assert!(full.is_service_quota_exceeded_exception());
    running.pass(3610);
    assert!(create().send().await.is_ok(), "those that are gone make room");
}

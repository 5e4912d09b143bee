//! Launch profiles: created, changed, deleted, and read with what belongs to them.

use aws_sdk_nimble::error::ProvideErrorMetadata;
use aws_sdk_nimble::operation::create_launch_profile::builders::CreateLaunchProfileFluentBuilder;
use aws_sdk_nimble::types::{
    AutomaticTerminationMode, LaunchProfile, LaunchProfileState, LaunchProfileStatusCode,
    LaunchProfileValidationState, SessionBackupMode, SessionPersistenceMode,
    StreamConfigurationCreate, StreamConfigurationSessionBackup, StreamConfigurationSessionStorage,
    StreamingClipboardMode, StreamingInstanceType, StreamingSessionState,
    StreamingSessionStorageMode, StreamingSessionStorageRoot, VolumeConfiguration,
    builders::StreamConfigurationCreateBuilder,
};

use crate::running::{Running, STUDIO, run};

fn least() -> StreamConfigurationCreateBuilder {
    StreamConfigurationCreate::builder()
        .clipboard_mode(StreamingClipboardMode::Enabled)
        .ec2_instance_types(StreamingInstanceType::G5Xlarge)
        .streaming_image_ids("linux")
}

fn whole() -> StreamConfigurationCreate {
    let backup = StreamConfigurationSessionBackup::builder()
        .mode(SessionBackupMode::Automatic)
        .max_backups_to_retain(3)
        .build();
    let root = StreamingSessionStorageRoot::builder().linux("$HOME/up").windows("C:\\up").build();
    let storage = StreamConfigurationSessionStorage::builder()
        .mode(StreamingSessionStorageMode::Upload)
        .root(root)
        .build()
        .unwrap();
    least()
        .max_session_length_in_minutes(600)
        .max_stopped_session_length_in_minutes(2880)
        .session_persistence_mode(SessionPersistenceMode::Activated)
        .automatic_termination_mode(AutomaticTerminationMode::Activated)
        .session_backup(backup)
        .session_storage(storage)
        .volume_configuration(
            VolumeConfiguration::builder().size(100).iops(3000).throughput(125).build(),
        )
        .build()
        .unwrap()
}

fn create(
    running: &Running,
    stream: StreamConfigurationCreate,
) -> CreateLaunchProfileFluentBuilder {
    running
        .client
        .create_launch_profile()
        .studio_id(STUDIO)
        .name("New")
        .description("new")
        .ec2_subnet_ids("subnet-1")
        .launch_profile_protocol_versions("2021-03-31")
        .stream_configuration(stream)
        .studio_component_ids("directory")
        .tags("dept", "fx")
}

async fn read(running: &Running, id: &str) -> LaunchProfile {
    let get = running.client.get_launch_profile().studio_id(STUDIO).launch_profile_id(id);
    get.send().await.unwrap().launch_profile().unwrap().clone()
}

fn condition(profile: &LaunchProfile) -> (&str, &str) {
    (profile.state().unwrap().as_str(), profile.status_code().unwrap().as_str())
}

#[tokio::test]
async fn a_launch_profile_is_created_and_validated() {
    let running = run().await;
    let created = create(&running, whole()).client_token("t").send().await.unwrap();
    let profile = created.launch_profile().unwrap();
    let id = profile.launch_profile_id().unwrap();
    assert_eq!(id.len(), 22);
    assert_eq!(condition(profile), ("CREATE_IN_PROGRESS", "LAUNCH_PROFILE_CREATE_IN_PROGRESS"));
    assert_eq!(profile.created_by(), Some("AROASANDBOX:lightsout"));
    let running_validation = profile.validation_results().first().unwrap();
    assert_eq!(running_validation.state().as_str(), "VALIDATION_IN_PROGRESS");
    running.pass(20);
    let ready = read(&running, id).await;
    assert_eq!(condition(&ready), ("READY", "LAUNCH_PROFILE_CREATED"));
    let results = ready.validation_results();
    assert_eq!(results.len(), 4);
    assert!(
        results.iter().all(|one| *one.state() == LaunchProfileValidationState::ValidationSuccess)
    );
    let stream = ready.stream_configuration().unwrap();
    assert_eq!(stream.max_stopped_session_length_in_minutes(), 2880);
    assert_eq!(stream.session_storage().unwrap().root().unwrap().windows(), Some("C:\\up"));
    assert_eq!(stream.session_backup().unwrap().max_backups_to_retain(), 3);
    assert_eq!(ready.tags().unwrap()["dept"], "fx");
    let again = create(&running, whole()).client_token("t").send().await.unwrap();
    assert_eq!(again.launch_profile(), created.launch_profile());
    let other = create(&running, whole()).name("Other").client_token("t").send().await;
    assert!(other.unwrap_err().into_service_error().is_validation_exception());
    let full = create(&running, whole()).send().await.unwrap_err().into_service_error();
    assert!(full.is_service_quota_exceeded_exception());
}

#[tokio::test]
async fn what_is_left_out_has_the_services_defaults() {
    let running = run().await;
    let stream = least().session_persistence_mode(SessionPersistenceMode::Activated);
    create(&running, stream.build().unwrap()).send().await.unwrap();
    let list = running.client.list_launch_profiles().studio_id(STUDIO);
    let listed = list.states(LaunchProfileState::CreateInProgress).send().await.unwrap();
    let stream = listed.launch_profiles()[0].stream_configuration().unwrap();
    assert_eq!(stream.max_session_length_in_minutes(), 690);
    assert_eq!(stream.max_stopped_session_length_in_minutes(), 0);
    let termination = stream.automatic_termination_mode();
    assert_eq!(termination, Some(&AutomaticTerminationMode::Deactivated));
    let backup = stream.session_backup().unwrap().mode();
    assert_eq!(backup, Some(&SessionBackupMode::Deactivated));
}

#[tokio::test]
async fn what_cannot_come_into_being_fails_with_its_own_code() {
    for (image, subnet, code) in [
        ("absent", "subnet-1", LaunchProfileStatusCode::StreamingImageNotFound),
        ("making", "subnet-1", LaunchProfileStatusCode::StreamingImageNotReady),
        ("linux", "nowhere", LaunchProfileStatusCode::InvalidSubnetsProvided),
    ] {
        let running = run().await;
        let stream = whole();
        let stream = StreamConfigurationCreate::builder()
            .clipboard_mode(stream.clipboard_mode)
            .set_ec2_instance_types(Some(stream.ec2_instance_types))
            .streaming_image_ids(image);
        let create = create(&running, stream.build().unwrap());
        let created =
            create.set_ec2_subnet_ids(Some(vec![subnet.to_owned()])).send().await.unwrap();
        running.pass(20);
        let id = created.launch_profile().unwrap().launch_profile_id().unwrap();
        let failed = read(&running, id).await;
        assert_eq!(failed.state(), Some(&LaunchProfileState::CreateFailed), "{image} {subnet}");
        assert_eq!(failed.status_code(), Some(&code));
        assert!(failed.status_message().is_some());
        let refused = running
            .client
            .create_streaming_session()
            .studio_id(STUDIO)
            .launch_profile_id(id)
            .send()
            .await;
        assert!(refused.unwrap_err().into_service_error().is_validation_exception());
    }
}

#[tokio::test]
async fn an_update_replaces_the_stream_configuration_as_a_whole() {
    let running = run().await;
    let update = || {
        let client = &running.client;
        client.update_launch_profile().studio_id(STUDIO).launch_profile_id("persistent")
    };
    let updated = update().name("Renamed").send().await.unwrap();
    let profile = updated.launch_profile().unwrap();
    assert_eq!(condition(profile), ("UPDATE_IN_PROGRESS", "LAUNCH_PROFILE_UPDATE_IN_PROGRESS"));
    assert!(profile.stream_configuration().unwrap().volume_configuration().is_some());
    let busy = update().name("Other").send().await.unwrap_err().into_service_error();
    assert!(busy.is_conflict_exception());
    running.pass(20);
    update().stream_configuration(least().build().unwrap()).send().await.unwrap();
    running.pass(20);
    let changed = read(&running, "persistent").await;
    assert_eq!(condition(&changed), ("READY", "LAUNCH_PROFILE_UPDATED"));
    assert_eq!(changed.name(), Some("Renamed"));
    assert_eq!(changed.studio_component_ids(), ["directory", "files"]);
    let stream = changed.stream_configuration().unwrap();
    assert!(stream.volume_configuration().is_none() && stream.session_persistence_mode().is_none());
    let missing = least().streaming_image_ids("absent").build().unwrap();
    update().name("Lost").stream_configuration(missing).send().await.unwrap();
    running.pass(20);
    let failed = read(&running, "persistent").await;
    assert_eq!(condition(&failed), ("UPDATE_FAILED", "STREAMING_IMAGE_NOT_FOUND"));
    assert_eq!(failed.name(), Some("Renamed"), "a failed update changes nothing");
    update().description("again").send().await.unwrap();
}

#[tokio::test]
async fn what_is_read_can_be_written_back() {
    let running = run().await;
    let created = create(&running, whole()).send().await.unwrap();
    running.pass(20);
    let id = created.launch_profile().unwrap().launch_profile_id().unwrap();
    let stream = read(&running, id).await.stream_configuration().unwrap().clone();
    let same = StreamConfigurationCreate::builder()
        .clipboard_mode(stream.clipboard_mode)
        .set_ec2_instance_types(Some(stream.ec2_instance_types))
        .max_session_length_in_minutes(stream.max_session_length_in_minutes)
        .set_streaming_image_ids(Some(stream.streaming_image_ids))
        .max_stopped_session_length_in_minutes(stream.max_stopped_session_length_in_minutes)
        .set_session_storage(stream.session_storage)
        .set_session_backup(stream.session_backup)
        .set_session_persistence_mode(stream.session_persistence_mode)
        .set_volume_configuration(stream.volume_configuration)
        .set_automatic_termination_mode(stream.automatic_termination_mode)
        .build()
        .unwrap();
    let update = running.client.update_launch_profile().studio_id(STUDIO).launch_profile_id(id);
    update.stream_configuration(same).send().await.unwrap();
    let before = created.launch_profile().unwrap().stream_configuration();
    assert_eq!(read(&running, id).await.stream_configuration(), before);
}

#[tokio::test]
async fn members_of_the_stream_configuration_allow_each_other() {
    let running = run().await;
    let volume = || VolumeConfiguration::builder().size(100).build();
    let activated = || least().session_persistence_mode(SessionPersistenceMode::Activated);
    let terminating =
        || activated().automatic_termination_mode(AutomaticTerminationMode::Activated);
    for (stream, member) in [
        (least().automatic_termination_mode(AutomaticTerminationMode::Activated), "automatic"),
        (least().volume_configuration(volume()), "volume"),
        (least().max_stopped_session_length_in_minutes(1), "maxStopped"),
        (activated().max_stopped_session_length_in_minutes(1), "maxStopped"),
        (activated().volume_configuration(volume()), ""),
        (terminating().max_stopped_session_length_in_minutes(5760), ""),
        (least().max_stopped_session_length_in_minutes(0), ""),
    ] {
        let update = running.client.update_launch_profile().studio_id(STUDIO);
        let update = update.launch_profile_id("persistent");
        let updated = update.stream_configuration(stream.build().unwrap()).send().await;
        match updated {
            Ok(_) => assert_eq!(member, ""),
            Err(error) => {
                let error = error.into_service_error();
                assert!(error.is_validation_exception(), "{error:?}");
                let message = error.message().unwrap();
                assert!(message.contains(&format!("streamConfiguration.{member}")), "{message}");
                assert!(message.contains("is only allowed where"), "{message}");
            }
        }
        running.pass(20);
    }
}

#[tokio::test]
async fn a_launch_profile_is_deleted_when_no_session_is_left() {
    let running = run().await;
    let client = &running.client;
    let delete =
        || client.delete_launch_profile().studio_id(STUDIO).launch_profile_id("persistent").send();
    let deleting = delete().await.unwrap();
    let profile = deleting.launch_profile().unwrap();
    assert_eq!(condition(profile), ("DELETE_IN_PROGRESS", "LAUNCH_PROFILE_DELETE_IN_PROGRESS"));
    running.pass(20);
    let failed = read(&running, "persistent").await;
    let code = "LAUNCH_PROFILE_WITH_STREAM_SESSIONS_NOT_DELETED";
    assert_eq!(condition(&failed), ("DELETE_FAILED", code));
    let session = client.delete_streaming_session().studio_id(STUDIO).session_id("stopped");
    session.send().await.unwrap();
    running.pass(60);
    assert_eq!(running.state("stopped").await, StreamingSessionState::Deleted);
    delete().await.unwrap();
    running.pass(20);
    let deleted = read(&running, "persistent").await;
    assert_eq!(condition(&deleted), ("DELETED", "LAUNCH_PROFILE_DELETED"));
    let gone = delete().await.unwrap_err().into_service_error();
    assert!(gone.is_resource_not_found_exception());
}

#[tokio::test]
async fn details_have_the_images_and_the_components() {
    let running = run().await;
    let details = running
        .client
        .get_launch_profile_details()
        .studio_id(STUDIO)
        .launch_profile_id("persistent")
        .send()
        .await
        .unwrap();
    assert_eq!(details.launch_profile().unwrap().name(), Some("Persistent"));
    let images = details.streaming_images();
    assert_eq!((images.len(), images[0].platform()), (1, Some("LINUX")));
    let components = details.studio_component_summaries();
    assert_eq!((components.len(), components[1].description()), (2, Some("projects")));
    assert_eq!(components[0].r#type().unwrap().as_str(), "ACTIVE_DIRECTORY");
}

//! Answers, written from borrowed data. Absent members are left out; timestamps are ISO 8601 in
//! whole seconds of UTC.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::interfaces::PROTOCOL_VERSION;
use super::resources::{
    self, ComponentShape, ConnectionShape, EncryptionShape, ImageShape, MemberShape, SummaryShape,
    ValidationShape,
};

use crate::sandbox::world::{
    Backup, LaunchProfile, Member, Operation, Session, SessionBackup, SessionStorage, Stream,
    StreamConfiguration, StreamingImage, Studio, StudioComponent, Tags, VolumeConfiguration,
};

/// A shape all of whose members are left out when they are absent.
macro_rules! shape {
    ($name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct $name<'a> {
            $(#[serde(skip_serializing_if = "Option::is_none")] pub(super) $field: Option<$type>,)+
        }
    };
}
pub(super) use shape;

shape!(StudioShape {
    admin_role_arn: &'a str,
    arn: String,
    created_at: Seconds,
    display_name: &'a str,
    home_region: &'a str,
    sso_client_id: &'a str,
    state: &'a str,
    status_code: &'a str,
    status_message: &'a str,
    studio_encryption_configuration: EncryptionShape<'a>,
    studio_id: &'a str,
    studio_name: &'a str,
    studio_url: String,
    tags: &'a Tags,
    updated_at: Seconds,
    user_role_arn: &'a str,
});

shape!(LaunchProfileShape {
    arn: String,
    created_at: Seconds,
    created_by: &'a str,
    description: &'a str,
    ec2_subnet_ids: &'a [String],
    launch_profile_id: &'a str,
    launch_profile_protocol_versions: &'a [&'a str],
    name: &'a str,
    state: &'a str,
    status_code: &'a str,
    status_message: &'a str,
    stream_configuration: StreamShape<'a>,
    studio_component_ids: &'a [String],
    tags: &'a Tags,
    updated_at: Seconds,
    updated_by: &'a str,
    validation_results: Vec<ValidationShape<'a>>,
});

shape!(StreamShape {
    automatic_termination_mode: &'a str,
    clipboard_mode: &'a str,
    ec2_instance_types: &'a [String],
    max_session_length_in_minutes: u32,
    max_stopped_session_length_in_minutes: u32,
    session_backup: BackupShape<'a>,
    session_persistence_mode: &'a str,
    session_storage: StorageShape<'a>,
    streaming_image_ids: &'a [String],
    volume_configuration: VolumeShape,
});

shape!(BackupShape { max_backups_to_retain: u32, mode: &'a str });
shape!(StorageShape { mode: &'a [String], root: RootShape<'a> });
shape!(RootShape { linux: &'a str, windows: &'a str });

#[derive(Serialize)]
pub(super) struct VolumeShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    iops: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throughput: Option<u32>,
}

shape!(SessionShape {
    arn: &'a str,
    automatic_termination_mode: &'a str,
    backup_mode: &'a str,
    created_at: Seconds,
    created_by: &'a str,
    ec2_instance_type: &'a str,
    launch_profile_id: &'a str,
    max_backups_to_retain: u32,
    owned_by: &'a str,
    session_id: &'a str,
    session_persistence_mode: &'a str,
    started_at: Seconds,
    started_by: &'a str,
    started_from_backup_id: &'a str,
    state: &'a str,
    status_code: &'a str,
    status_message: &'a str,
    stop_at: Seconds,
    stopped_at: Seconds,
    stopped_by: &'a str,
    streaming_image_id: &'a str,
    tags: &'a Tags,
    terminate_at: Seconds,
    updated_at: Seconds,
    updated_by: &'a str,
    volume_configuration: VolumeShape,
    volume_retention_mode: &'a str,
});

shape!(Answer {
    studio: StudioShape<'a>,
    studios: Vec<StudioShape<'a>>,
    launch_profile: LaunchProfileShape<'a>,
    launch_profiles: Vec<LaunchProfileShape<'a>>,
    session: SessionShape<'a>,
    sessions: Vec<SessionShape<'a>>,
    member: MemberShape<'a>,
    members: Vec<MemberShape<'a>>,
    streaming_image: ImageShape<'a>,
    streaming_images: Vec<ImageShape<'a>>,
    studio_component: ComponentShape<'a>,
    studio_components: Vec<ComponentShape<'a>>,
    studio_component_summaries: Vec<SummaryShape<'a>>,
    stream: ConnectionShape<'a>,
    streaming_session_backup: resources::BackupShape<'a>,
    streaming_session_backups: Vec<resources::BackupShape<'a>>,
    tags: &'a Tags,
    next_token: &'a str,
});

const NOTHING: Answer<'static> = Answer {
    studio: None,
    studios: None,
    launch_profile: None,
    launch_profiles: None,
    session: None,
    sessions: None,
    member: None,
    members: None,
    streaming_image: None,
    streaming_images: None,
    studio_component: None,
    studio_components: None,
    studio_component_summaries: None,
    stream: None,
    streaming_session_backup: None,
    streaming_session_backups: None,
    tags: None,
    next_token: None,
};

/// Success, and no more.
pub(crate) fn done() -> Vec<u8> {
    write(&NOTHING)
}

pub(crate) fn studio(studio: &Studio) -> Vec<u8> {
    write(&Answer { studio: Some(studio_shape(studio)), ..NOTHING })
}

pub(crate) fn studios(studios: &[&Studio], next_token: Option<&str>) -> Vec<u8> {
    let shapes = studios.iter().map(|studio| studio_shape(studio)).collect();
    write(&Answer { studios: Some(shapes), next_token, ..NOTHING })
}

pub(crate) fn launch_profile(studio: &Studio, profile: &LaunchProfile) -> Vec<u8> {
    write(&Answer { launch_profile: Some(profile_shape(studio, profile)), ..NOTHING })
}

pub(crate) fn launch_profiles(
    studio: &Studio,
    profiles: &[&LaunchProfile],
    next_token: Option<&str>,
) -> Vec<u8> {
    let shapes = profiles.iter().map(|profile| profile_shape(studio, profile)).collect();
    write(&Answer { launch_profiles: Some(shapes), next_token, ..NOTHING })
}

pub(crate) fn session(session: &Session) -> Vec<u8> {
    write(&Answer { session: Some(session_shape(session)), ..NOTHING })
}

pub(crate) fn sessions(sessions: &[&Session], next_token: Option<&str>) -> Vec<u8> {
    let shapes = sessions.iter().map(|session| session_shape(session)).collect();
    write(&Answer { sessions: Some(shapes), next_token, ..NOTHING })
}

pub(crate) fn tags(tags: &Tags) -> Vec<u8> {
    write(&Answer { tags: Some(tags), ..NOTHING })
}

pub(crate) fn launch_profile_details(
    studio: &Studio,
    profile: &LaunchProfile,
    images: &[&StreamingImage],
    components: &[&StudioComponent],
) -> Vec<u8> {
    write(&Answer {
        launch_profile: Some(profile_shape(studio, profile)),
        streaming_images: Some(shapes(images, |image| resources::image(studio, image))),
        studio_component_summaries: Some(shapes(components, resources::summary)),
        ..NOTHING
    })
}

pub(crate) fn member(member: &Member) -> Vec<u8> {
    write(&Answer { member: Some(resources::member(member)), ..NOTHING })
}

pub(crate) fn members(members: &[&Member], next_token: Option<&str>) -> Vec<u8> {
    let members = Some(shapes(members, resources::member));
    write(&Answer { members, next_token, ..NOTHING })
}

pub(crate) fn image(studio: &Studio, image: &StreamingImage) -> Vec<u8> {
    write(&Answer { streaming_image: Some(resources::image(studio, image)), ..NOTHING })
}

pub(crate) fn images(
    studio: &Studio,
    images: &[&StreamingImage],
    next_token: Option<&str>,
) -> Vec<u8> {
    let streaming_images = Some(shapes(images, |image| resources::image(studio, image)));
    write(&Answer { streaming_images, next_token, ..NOTHING })
}

pub(crate) fn component(studio: &Studio, component: &StudioComponent) -> Vec<u8> {
    let studio_component = Some(resources::component(studio, component));
    write(&Answer { studio_component, ..NOTHING })
}

pub(crate) fn components(
    studio: &Studio,
    components: &[&StudioComponent],
    next_token: Option<&str>,
) -> Vec<u8> {
    let studio_components = Some(shapes(components, |own| resources::component(studio, own)));
    write(&Answer { studio_components, next_token, ..NOTHING })
}

/// A stream as it is at `now`.
pub(crate) fn stream(stream: &Stream, now: Timestamp) -> Vec<u8> {
    write(&Answer { stream: Some(resources::stream(stream, now)), ..NOTHING })
}

pub(crate) fn backup(backup: &Backup) -> Vec<u8> {
    write(&Answer { streaming_session_backup: Some(resources::backup(backup)), ..NOTHING })
}

pub(crate) fn backups(backups: &[&Backup], next_token: Option<&str>) -> Vec<u8> {
    let streaming_session_backups = Some(shapes(backups, resources::backup));
    write(&Answer { streaming_session_backups, next_token, ..NOTHING })
}

fn shapes<'a, T, S>(items: &[&'a T], shape: impl Fn(&'a T) -> S) -> Vec<S> {
    items.iter().map(|item| shape(item)).collect()
}

/// A page of a list with nothing on it.
pub(crate) fn empty_page(operation: Operation, next_token: &str) -> Vec<u8> {
    let mut answer = Answer { next_token: Some(next_token), ..NOTHING };
    match operation {
        Operation::ListStudios => answer.studios = Some(Vec::new()),
        Operation::ListLaunchProfiles => answer.launch_profiles = Some(Vec::new()),
        Operation::ListStudioMembers | Operation::ListLaunchProfileMembers => {
            answer.members = Some(Vec::new());
        }
        Operation::ListStreamingImages => answer.streaming_images = Some(Vec::new()),
        Operation::ListStudioComponents => answer.studio_components = Some(Vec::new()),
        Operation::ListStreamingSessionBackups => {
            answer.streaming_session_backups = Some(Vec::new());
        }
        _ => answer.sessions = Some(Vec::new()),
    }
    write(&answer)
}

fn write(answer: &Answer<'_>) -> Vec<u8> {
    // Maps with keys of text, numbers and text: there is nothing in an answer that JSON could not
    // say.
    serde_json::to_vec(answer).unwrap_or_default()
}

fn studio_shape(studio: &Studio) -> StudioShape<'_> {
    StudioShape {
        admin_role_arn: studio.admin_role_arn.as_deref(),
        arn: Some(studio.arn()),
        created_at: studio.created_at.map(Seconds),
        display_name: Some(&studio.display_name),
        home_region: Some(&studio.region),
        sso_client_id: studio.sso_client_id.as_deref(),
        state: Some(studio.state.as_str()),
        status_code: studio.status_code.as_ref().map(|code| code.as_str()),
        status_message: studio.status_message.as_deref(),
        studio_encryption_configuration: studio.encryption.as_ref().map(resources::encryption),
        studio_id: Some(studio.id.as_str()),
        studio_name: Some(&studio.name),
        studio_url: Some(format!(
            "https://{}.nimblestudio.{}.amazonaws.com",
            studio.name, studio.region
        )),
        tags: Some(&studio.tags),
        updated_at: studio.updated_at.or(studio.created_at).map(Seconds),
        user_role_arn: studio.user_role_arn.as_deref(),
    }
}

fn profile_shape<'a>(studio: &Studio, profile: &'a LaunchProfile) -> LaunchProfileShape<'a> {
    let validations = profile.validation_results.iter().map(resources::validation).collect();
    LaunchProfileShape {
        arn: Some(studio.arn_of("launch-profile", profile.id.as_str())),
        created_at: profile.created_at.map(Seconds),
        created_by: profile.created_by.as_deref(),
        description: profile.description.as_deref(),
        ec2_subnet_ids: Some(&profile.subnet_ids),
        launch_profile_id: Some(profile.id.as_str()),
        launch_profile_protocol_versions: Some(&[PROTOCOL_VERSION]),
        name: Some(&profile.name),
        state: Some(profile.state.as_str()),
        status_code: profile.status_code.as_ref().map(|code| code.as_str()),
        status_message: profile.status_message.as_deref(),
        stream_configuration: Some(stream_shape(&profile.stream)),
        // The model's list has one item at the least; an old profile may have none.
        studio_component_ids: Some(profile.studio_component_ids.as_slice())
            .filter(|ids| !ids.is_empty()),
        tags: Some(&profile.tags),
        updated_at: profile.updated_at.map(Seconds),
        updated_by: profile.updated_by.as_deref(),
        validation_results: Some(validations),
    }
}

fn stream_shape(stream: &StreamConfiguration) -> StreamShape<'_> {
    StreamShape {
        automatic_termination_mode: stream
            .automatic_termination_mode
            .as_ref()
            .map(|mode| mode.as_str()),
        clipboard_mode: Some(stream.clipboard_mode.as_str()),
        ec2_instance_types: Some(&stream.ec2_instance_types),
        max_session_length_in_minutes: stream.max_session_length_in_minutes,
        max_stopped_session_length_in_minutes: stream.max_stopped_session_length_in_minutes,
        session_backup: stream.session_backup.as_ref().map(backup_shape),
        session_persistence_mode: stream
            .session_persistence_mode
            .as_ref()
            .map(|mode| mode.as_str()),
        session_storage: stream.session_storage.as_ref().map(storage_shape),
        streaming_image_ids: Some(&stream.streaming_image_ids),
        volume_configuration: stream.volume_configuration.map(volume_shape),
    }
}

fn backup_shape(backup: &SessionBackup) -> BackupShape<'_> {
    BackupShape {
        max_backups_to_retain: backup.max_backups_to_retain,
        mode: Some(backup.mode.as_str()),
    }
}

fn storage_shape(storage: &SessionStorage) -> StorageShape<'_> {
    let root = RootShape {
        linux: storage.root_linux.as_deref(),
        windows: storage.root_windows.as_deref(),
    };
    StorageShape { mode: Some(&storage.mode), root: Some(root) }
}

fn volume_shape(volume: VolumeConfiguration) -> VolumeShape {
    VolumeShape { iops: volume.iops, size: volume.size, throughput: volume.throughput }
}

fn session_shape(session: &Session) -> SessionShape<'_> {
    SessionShape {
        arn: Some(&session.arn),
        automatic_termination_mode: session
            .automatic_termination_mode
            .as_ref()
            .map(|mode| mode.as_str()),
        backup_mode: session.backup_mode.as_ref().map(|mode| mode.as_str()),
        created_at: session.created_at.map(Seconds),
        created_by: session.created_by.as_deref(),
        ec2_instance_type: session.ec2_instance_type.as_deref(),
        launch_profile_id: session.launch_profile_id.as_ref().map(|id| id.as_str()),
        max_backups_to_retain: session.max_backups_to_retain,
        owned_by: session.owned_by.as_deref(),
        session_id: Some(session.id.as_str()),
        session_persistence_mode: session
            .session_persistence_mode
            .as_ref()
            .map(|mode| mode.as_str()),
        started_at: session.started_at.map(Seconds),
        started_by: session.started_by.as_deref(),
        started_from_backup_id: session.started_from_backup_id.as_deref(),
        state: Some(session.state.as_str()),
        status_code: session.status_code.as_ref().map(|code| code.as_str()),
        status_message: session.status_message.as_deref(),
        stop_at: session.stop_at.map(Seconds),
        stopped_at: session.stopped_at.map(Seconds),
        stopped_by: session.stopped_by.as_deref(),
        streaming_image_id: session.streaming_image_id.as_deref(),
        tags: Some(&session.tags),
        terminate_at: session.terminate_at.map(Seconds),
        updated_at: session.updated_at.map(Seconds),
        updated_by: session.updated_by.as_deref(),
        volume_configuration: session.volume_configuration.map(volume_shape),
        volume_retention_mode: session.volume_retention_mode.as_ref().map(|mode| mode.as_str()),
    }
}

/// An instant in whole seconds.
pub(super) struct Seconds(pub(super) Timestamp);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Timestamp::from_second(self.0.as_second()).unwrap_or(self.0))
    }
}

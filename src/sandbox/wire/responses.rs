//! Answers, written from borrowed data. Absent members are left out; timestamps are ISO 8601 in
//! whole seconds of UTC.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::sandbox::world::{
    LaunchProfile, Operation, Session, SessionBackup, SessionStorage, StreamConfiguration, Studio,
    Tags, VolumeConfiguration,
};

/// A shape all of whose members are left out when they are absent.
macro_rules! shape {
    ($name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct $name<'a> {
            $(#[serde(skip_serializing_if = "Option::is_none")] $field: Option<$type>,)+
        }
    };
}

shape!(StudioShape {
    arn: String,
    created_at: Seconds,
    display_name: &'a str,
    home_region: &'a str,
    state: &'a str,
    status_code: &'a str,
    studio_id: &'a str,
    studio_name: &'a str,
    studio_url: String,
    tags: &'a Tags,
    updated_at: Seconds,
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
    stream_configuration: StreamShape<'a>,
    studio_component_ids: &'a [String],
    tags: &'a Tags,
    updated_at: Seconds,
    updated_by: &'a str,
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
struct VolumeShape {
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
    tags: None,
    next_token: None,
};

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

/// A page of a list with nothing on it.
pub(crate) fn empty_page(operation: Operation, next_token: &str) -> Vec<u8> {
    let mut answer = Answer { next_token: Some(next_token), ..NOTHING };
    match operation {
        Operation::ListStudios => answer.studios = Some(Vec::new()),
        Operation::ListLaunchProfiles => answer.launch_profiles = Some(Vec::new()),
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
        arn: Some(studio.arn()),
        created_at: studio.created_at.map(Seconds),
        display_name: Some(&studio.display_name),
        home_region: Some(&studio.region),
        state: Some(studio.state.as_str()),
        status_code: None,
        studio_id: Some(studio.id.as_str()),
        studio_name: Some(&studio.name),
        studio_url: Some(format!(
            "https://{}.nimblestudio.{}.amazonaws.com",
            studio.name, studio.region
        )),
        tags: Some(&studio.tags),
        updated_at: studio.created_at.map(Seconds),
    }
}

fn profile_shape<'a>(studio: &Studio, profile: &'a LaunchProfile) -> LaunchProfileShape<'a> {
    LaunchProfileShape {
        arn: Some(studio.arn_of("launch-profile", profile.id.as_str())),
        created_at: profile.created_at.map(Seconds),
        created_by: profile.created_by.as_deref(),
        description: profile.description.as_deref(),
        ec2_subnet_ids: Some(&profile.subnet_ids),
        launch_profile_id: Some(profile.id.as_str()),
        launch_profile_protocol_versions: Some(&["2021-03-31"]),
        name: Some(&profile.name),
        state: Some(profile.state.as_str()),
        status_code: None,
        stream_configuration: Some(stream_shape(&profile.stream)),
        studio_component_ids: Some(&profile.studio_component_ids),
        tags: Some(&profile.tags),
        updated_at: profile.updated_at.map(Seconds),
        updated_by: profile.updated_by.as_deref(),
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
struct Seconds(Timestamp);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Timestamp::from_second(self.0.as_second()).unwrap_or(self.0))
    }
}

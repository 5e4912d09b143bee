//! The operations as the service's model has them: method, path, query, body, client token.
//!
//! One table, so that what a request may contain is read here and checked in one place.

use super::shapes::{
    Member, Shape, bounded, is_id, is_linux_path, is_windows_path, like, list, number, one_of,
    optional, required, text,
};
use crate::sandbox::world::{
    BackupMode, ClipboardMode, ComponentType, INSTANCE_TYPES, Mode, Operation, ResourceState,
    VolumeRetentionMode, WireName,
};

/// The version of the API, which begins every path.
pub(crate) const VERSION: &str = "2020-08-01";
/// The version of the protocol of launch profiles: the only one there is.
pub(crate) const PROTOCOL_VERSION: &str = "2021-03-31";

/// One operation.
#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) operation: Operation,
    pub(crate) method: &'static str,
    /// The labels after the version; those in braces are names.
    pub(crate) path: &'static str,
    /// A list among them may come many times.
    pub(crate) query: &'static [Member],
    pub(crate) body: &'static Shape,
    /// Whether the model has a client token for it.
    pub(crate) takes_token: bool,
}

/// The operations that the sandbox serves.
pub(crate) const INTERFACES: &[Interface] = &[
    get(Operation::ListStudios, "studios", NEXT),
    get(Operation::GetStudio, "studios/{studioId}", &[]),
    get(Operation::ListStudioMembers, "studios/{studioId}/membership", PAGES),
    post(Operation::PutStudioMembers, "studios/{studioId}/membership", &PUT_STUDIO_MEMBERS),
    get(Operation::GetStudioMember, "studios/{studioId}/membership/{principalId}", &[]),
    delete(Operation::DeleteStudioMember, "studios/{studioId}/membership/{principalId}"),
    get(Operation::ListLaunchProfiles, "studios/{studioId}/launch-profiles", LIST_PROFILES),
    post(Operation::CreateLaunchProfile, "studios/{studioId}/launch-profiles", &CREATE_PROFILE),
    get(Operation::GetLaunchProfile, PROFILE, &[]),
    patch(Operation::UpdateLaunchProfile, PROFILE, &UPDATE_PROFILE),
    delete(Operation::DeleteLaunchProfile, PROFILE),
    get(
        Operation::GetLaunchProfileDetails,
        "studios/{studioId}/launch-profiles/{launchProfileId}/details",
        &[],
    ),
    get(Operation::ListLaunchProfileMembers, PROFILE_MEMBERS, PAGES),
    post(Operation::PutLaunchProfileMembers, PROFILE_MEMBERS, &PUT_PROFILE_MEMBERS),
    get(Operation::GetLaunchProfileMember, PROFILE_MEMBER, &[]),
    patch(Operation::UpdateLaunchProfileMember, PROFILE_MEMBER, &UPDATE_MEMBER),
    delete(Operation::DeleteLaunchProfileMember, PROFILE_MEMBER),
    get(Operation::ListStreamingImages, "studios/{studioId}/streaming-images", LIST_IMAGES),
    get(
        Operation::GetStreamingImage,
        "studios/{studioId}/streaming-images/{streamingImageId}",
        &[],
    ),
    get(Operation::ListStudioComponents, "studios/{studioId}/studio-components", LIST_COMPONENTS),
    get(
        Operation::GetStudioComponent,
        "studios/{studioId}/studio-components/{studioComponentId}",
        &[],
    ),
    get(Operation::ListStreamingSessions, SESSIONS, LIST_SESSIONS),
    post(Operation::CreateStreamingSession, SESSIONS, &CREATE_SESSION),
    get(Operation::GetStreamingSession, SESSION, &[]),
    delete(Operation::DeleteStreamingSession, SESSION),
    post(
        Operation::StopStreamingSession,
        "studios/{studioId}/streaming-sessions/{sessionId}/stop",
        &STOP,
    ),
    post(
        Operation::StartStreamingSession,
        "studios/{studioId}/streaming-sessions/{sessionId}/start",
        &START,
    ),
    post(
        Operation::CreateStreamingSessionStream,
        "studios/{studioId}/streaming-sessions/{sessionId}/streams",
        &CREATE_STREAM,
    ),
    get(
        Operation::GetStreamingSessionStream,
        "studios/{studioId}/streaming-sessions/{sessionId}/streams/{streamId}",
        &[],
    ),
    get(
        Operation::ListStreamingSessionBackups,
        "studios/{studioId}/streaming-session-backups",
        LIST_BACKUPS,
    ),
    get(
        Operation::GetStreamingSessionBackup,
        "studios/{studioId}/streaming-session-backups/{backupId}",
        &[],
    ),
    get(Operation::ListTagsForResource, TAGS_OF, &[]),
    Interface { takes_token: false, ..post(Operation::TagResource, TAGS_OF, &TAG) },
    Interface { takes_token: false, query: UNTAG, ..delete(Operation::UntagResource, TAGS_OF) },
];

const PROFILE: &str = "studios/{studioId}/launch-profiles/{launchProfileId}";
const PROFILE_MEMBERS: &str = "studios/{studioId}/launch-profiles/{launchProfileId}/membership";
const PROFILE_MEMBER: &str =
    "studios/{studioId}/launch-profiles/{launchProfileId}/membership/{principalId}";
const SESSIONS: &str = "studios/{studioId}/streaming-sessions";
const SESSION: &str = "studios/{studioId}/streaming-sessions/{sessionId}";
const TAGS_OF: &str = "tags/{resourceArn}";

const fn get(operation: Operation, path: &'static str, query: &'static [Member]) -> Interface {
    Interface { operation, method: "GET", path, query, body: &NO_BODY, takes_token: false }
}

const fn post(operation: Operation, path: &'static str, body: &'static Shape) -> Interface {
    Interface { operation, method: "POST", path, query: &[], body, takes_token: true }
}

const fn patch(operation: Operation, path: &'static str, body: &'static Shape) -> Interface {
    Interface { method: "PATCH", ..post(operation, path, body) }
}

const fn delete(operation: Operation, path: &'static str) -> Interface {
    Interface { method: "DELETE", ..post(operation, path, &NO_BODY) }
}

const NEXT: &[Member] = &[optional("nextToken", &TEXT)];
const PAGES: &[Member] = &[optional("maxResults", &MAX_RESULTS), optional("nextToken", &TEXT)];
const LIST_PROFILES: &[Member] = &[
    optional("maxResults", &MAX_RESULTS),
    optional("nextToken", &TEXT),
    optional("principalId", &TEXT),
    optional("states", &STATES),
];
const LIST_IMAGES: &[Member] = &[optional("nextToken", &TEXT), optional("owner", &TEXT)];
const LIST_COMPONENTS: &[Member] = &[
    optional("maxResults", &MAX_RESULTS),
    optional("nextToken", &TEXT),
    optional("states", &STATES),
    optional("types", &COMPONENT_TYPES),
];
const LIST_SESSIONS: &[Member] = &[
    optional("createdBy", &TEXT),
    optional("nextToken", &TEXT),
    optional("ownedBy", &TEXT),
    optional("sessionIds", &TEXT),
];
const LIST_BACKUPS: &[Member] = &[optional("nextToken", &TEXT), optional("ownedBy", &TEXT)];
const UNTAG: &[Member] = &[required("tagKeys", &TEXTS)];

static TEXT: Shape = text();
static TEXTS: Shape = list(0, usize::MAX, &TEXT);
static MAX_RESULTS: Shape = number(1, 100);
static STATES: Shape = list(0, usize::MAX, &RESOURCE_STATE);
static RESOURCE_STATE: Shape = one_of(ResourceState::KNOWN);
static COMPONENT_TYPES: Shape = list(0, usize::MAX, &COMPONENT_TYPE);
static COMPONENT_TYPE: Shape = one_of(ComponentType::KNOWN);
static MODE: Shape = one_of(Mode::KNOWN);
static BACKUP_MODE: Shape = one_of(BackupMode::KNOWN);
static CLIPBOARD_MODE: Shape = one_of(ClipboardMode::KNOWN);
static RETENTION_MODE: Shape = one_of(VolumeRetentionMode::KNOWN);
static INSTANCE_TYPE: Shape = one_of(INSTANCE_TYPES);
static IMAGE_ID: Shape = like(0, 22, is_id, "letters, digits, - and _");
static NO_BODY: Shape = Shape::Structure(&[]);

static STOP: Shape = Shape::Structure(&[optional("volumeRetentionMode", &RETENTION_MODE)]);
static START: Shape = Shape::Structure(&[optional("backupId", &TEXT)]);
static CREATE_STREAM: Shape = Shape::Structure(&[optional("expirationInSeconds", &EXPIRATION)]);
static EXPIRATION: Shape = number(60, 3600);
static TAG: Shape = Shape::Structure(&[optional("tags", &Shape::Tags)]);
static CREATE_SESSION: Shape = Shape::Structure(&[
    optional("ec2InstanceType", &INSTANCE_TYPE),
    required("launchProfileId", &TEXT),
    optional("ownedBy", &TEXT),
    optional("streamingImageId", &IMAGE_ID),
    optional("tags", &Shape::Tags),
]);

static PUT_STUDIO_MEMBERS: Shape = Shape::Structure(&[
    required("identityStoreId", &TEXT),
    required("members", &NEW_STUDIO_MEMBERS),
]);
static PUT_PROFILE_MEMBERS: Shape = Shape::Structure(&[
    required("identityStoreId", &TEXT),
    required("members", &NEW_PROFILE_MEMBERS),
]);
static NEW_STUDIO_MEMBERS: Shape = list(1, 20, &NEW_STUDIO_MEMBER);
static NEW_PROFILE_MEMBERS: Shape = list(1, 20, &NEW_PROFILE_MEMBER);
static NEW_STUDIO_MEMBER: Shape =
    Shape::Structure(&[required("persona", &STUDIO_PERSONA), required("principalId", &TEXT)]);
static NEW_PROFILE_MEMBER: Shape =
    Shape::Structure(&[required("persona", &PROFILE_PERSONA), required("principalId", &TEXT)]);
static UPDATE_MEMBER: Shape = Shape::Structure(&[required("persona", &PROFILE_PERSONA)]);
static STUDIO_PERSONA: Shape = one_of(&["ADMINISTRATOR"]);
static PROFILE_PERSONA: Shape = one_of(&["USER"]);

static CREATE_PROFILE: Shape = Shape::Structure(&[
    optional("description", &DESCRIPTION),
    required("ec2SubnetIds", &SUBNET_IDS),
    required("launchProfileProtocolVersions", &PROTOCOL_VERSIONS),
    required("name", &PROFILE_NAME),
    required("streamConfiguration", &STREAM),
    required("studioComponentIds", &COMPONENT_IDS),
    optional("tags", &Shape::Tags),
]);
static UPDATE_PROFILE: Shape = Shape::Structure(&[
    optional("description", &DESCRIPTION),
    optional("launchProfileProtocolVersions", &PROTOCOL_VERSIONS),
    optional("name", &PROFILE_NAME),
    optional("streamConfiguration", &STREAM),
    optional("studioComponentIds", &COMPONENT_IDS),
]);
static DESCRIPTION: Shape = bounded(0, 256);
static PROFILE_NAME: Shape = bounded(1, 64);
static SUBNET_IDS: Shape = list(0, 6, &TEXT);
static COMPONENT_IDS: Shape = list(1, 100, &TEXT);
static PROTOCOL_VERSIONS: Shape = list(0, usize::MAX, &PROTOCOL);
static PROTOCOL: Shape = like(0, 10, |text| text == PROTOCOL_VERSION, PROTOCOL_VERSION);

static STREAM: Shape = Shape::Structure(&[
    optional("automaticTerminationMode", &MODE),
    required("clipboardMode", &CLIPBOARD_MODE),
    required("ec2InstanceTypes", &OFFERED_TYPES),
    optional("maxSessionLengthInMinutes", &SESSION_LENGTH),
    optional("maxStoppedSessionLengthInMinutes", &STOPPED_LENGTH),
    optional("sessionBackup", &BACKUP),
    optional("sessionPersistenceMode", &MODE),
    optional("sessionStorage", &STORAGE),
    required("streamingImageIds", &IMAGE_IDS),
    optional("volumeConfiguration", &VOLUME),
]);
static OFFERED_TYPES: Shape = list(1, 30, &INSTANCE_TYPE);
static IMAGE_IDS: Shape = list(1, 20, &IMAGE_ID);
static SESSION_LENGTH: Shape = number(1, 43_200);
static STOPPED_LENGTH: Shape = number(0, 5_760);
static BACKUP: Shape = Shape::Structure(&[
    optional("maxBackupsToRetain", &number(0, 10)),
    optional("mode", &BACKUP_MODE),
]);
static STORAGE: Shape =
    Shape::Structure(&[required("mode", &STORAGE_MODES), optional("root", &STORAGE_ROOT)]);
static STORAGE_MODES: Shape = list(1, usize::MAX, &STORAGE_MODE);
static STORAGE_MODE: Shape = one_of(&["UPLOAD"]);
static STORAGE_ROOT: Shape =
    Shape::Structure(&[optional("linux", &LINUX_ROOT), optional("windows", &WINDOWS_ROOT)]);
static LINUX_ROOT: Shape = like(
    1,
    128,
    is_linux_path,
    "a path like /uploads or $HOME/uploads, of letters, digits, - and _",
);
static WINDOWS_ROOT: Shape = like(
    1,
    128,
    is_windows_path,
    r"a path like C:\uploads or %HOMEPATH%\uploads, of letters, digits, - and _",
);
static VOLUME: Shape = Shape::Structure(&[
    optional("iops", &number(3_000, 16_000)),
    optional("size", &number(100, 16_000)),
    optional("throughput", &number(125, 1_000)),
]);

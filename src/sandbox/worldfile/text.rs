//! The shapes of a world file as people write it, and the small values in it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use toml::Spanned;

use crate::sandbox::world::{
    BackupMode, ClipboardMode, ComponentStatusCode, ComponentSubtype, ComponentType,
    ImageStatusCode, KeyType, LaunchProfileStatusCode, Mode, ResourceState, ScriptPlatform,
    ScriptRunContext, SessionState, SessionStatusCode, StudioStatusCode, ValidationState,
    ValidationStatusCode, ValidationType, VolumeRetentionMode, WireName,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorldText {
    #[serde(default)]
    pub settings: SettingsText,
    #[serde(default)]
    pub studio: Vec<StudioText>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsText {
    pub page_size: Option<Spanned<usize>>,
    pub create_time: Option<Length>,
    pub start_time: Option<Length>,
    pub stop_time: Option<Length>,
    pub delete_time: Option<Length>,
    pub profile_time: Option<Length>,
    pub stream_time: Option<Length>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StudioText {
    pub id: Spanned<String>,
    pub account: Spanned<String>,
    pub name: String,
    pub display_name: Option<String>,
    pub region: Option<String>,
    pub state: Option<Named<ResourceState>>,
    pub status_code: Option<Named<StudioStatusCode>>,
    pub status_message: Option<String>,
    pub created: Option<Moment>,
    pub updated: Option<Moment>,
    pub admin_role_arn: Option<String>,
    pub user_role_arn: Option<String>,
    pub sso_client_id: Option<String>,
    pub encryption: Option<EncryptionText>,
    pub identity_store: Option<String>,
    pub session_quota: Option<usize>,
    pub launch_profile_quota: Option<usize>,
    pub member_quota: Option<usize>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub member: Vec<MemberText>,
    #[serde(default)]
    pub image: Vec<ImageText>,
    #[serde(default)]
    pub component: Vec<ComponentText>,
    #[serde(default)]
    pub backup: Vec<BackupText>,
    #[serde(default)]
    pub profile: Vec<ProfileText>,
    #[serde(default)]
    pub session: Vec<SessionText>,
    #[serde(default)]
    pub generate: Vec<GenerateText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileText {
    pub id: Option<Spanned<String>>,
    pub name: Spanned<String>,
    pub description: Option<String>,
    pub state: Option<Named<ResourceState>>,
    pub status_code: Option<Named<LaunchProfileStatusCode>>,
    pub status_message: Option<String>,
    #[serde(default)]
    pub validation: Vec<ValidationText>,
    pub created: Option<Moment>,
    pub created_by: Option<String>,
    pub subnets: Option<Vec<String>>,
    pub components: Option<Vec<String>>,
    /// Principal ids; `member` tables can say more of each.
    pub members: Option<Vec<String>>,
    #[serde(default)]
    pub member: Vec<MemberText>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    pub clipboard_mode: Option<Named<ClipboardMode>>,
    pub instance_types: Option<Vec<String>>,
    pub streaming_images: Option<Vec<String>>,
    pub max_session_length_in_minutes: Option<Spanned<u32>>,
    pub max_stopped_session_length_in_minutes: Option<Spanned<u32>>,
    pub session_persistence_mode: Option<Named<Mode>>,
    pub automatic_termination_mode: Option<Named<Mode>>,
    pub backup_mode: Option<Named<BackupMode>>,
    pub max_backups_to_retain: Option<u32>,
    pub volume: Option<VolumeText>,
    pub storage: Option<StorageText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EncryptionText {
    pub key_type: Named<KeyType>,
    pub key_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberText {
    pub id: String,
    pub sid: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValidationText {
    #[serde(rename = "type")]
    pub kind: Named<ValidationType>,
    pub state: Named<ValidationState>,
    pub status_code: Named<ValidationStatusCode>,
    pub status_message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StorageText {
    pub linux: Option<String>,
    pub windows: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageText {
    pub id: Spanned<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub ec2_image: Option<String>,
    pub encryption: Option<EncryptionText>,
    #[serde(default)]
    pub eulas: Vec<String>,
    pub owner: Option<String>,
    pub platform: Option<String>,
    pub state: Option<Named<ResourceState>>,
    pub status_code: Option<Named<ImageStatusCode>>,
    pub status_message: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComponentText {
    pub id: Spanned<String>,
    pub name: String,
    pub description: Option<String>,
    #[serde(rename = "type")]
    pub kind: Named<ComponentType>,
    pub subtype: Option<Named<ComponentSubtype>>,
    pub active_directory: Option<ActiveDirectoryText>,
    pub compute_farm: Option<ComputeFarmText>,
    pub license_service: Option<LicenseServiceText>,
    pub shared_file_system: Option<SharedFileSystemText>,
    #[serde(default)]
    pub security_groups: Vec<String>,
    #[serde(default)]
    pub script: Vec<ScriptText>,
    #[serde(default)]
    pub script_parameters: BTreeMap<String, String>,
    pub runtime_role_arn: Option<String>,
    pub secure_initialization_role_arn: Option<String>,
    pub state: Option<Named<ResourceState>>,
    pub status_code: Option<Named<ComponentStatusCode>>,
    pub status_message: Option<String>,
    pub created: Option<Moment>,
    pub created_by: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActiveDirectoryText {
    pub directory_id: Option<String>,
    pub organizational_unit: Option<String>,
    #[serde(default)]
    pub computer_attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComputeFarmText {
    pub endpoint: Option<String>,
    pub active_directory_user: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LicenseServiceText {
    pub endpoint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SharedFileSystemText {
    pub endpoint: Option<String>,
    pub file_system_id: Option<String>,
    pub linux_mount_point: Option<String>,
    pub share_name: Option<String>,
    pub windows_mount_drive: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptText {
    pub platform: Named<ScriptPlatform>,
    pub run: Named<ScriptRunContext>,
    pub script: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BackupText {
    pub id: Spanned<String>,
    pub session: Spanned<String>,
    pub created: Moment,
    pub state: Option<Named<SessionState>>,
    pub status_code: Option<Named<SessionStatusCode>>,
    pub status_message: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VolumeText {
    pub size: Option<u32>,
    pub iops: Option<u32>,
    pub throughput: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionText {
    pub id: Option<Spanned<String>>,
    pub profile: Spanned<String>,
    pub owner: Option<String>,
    pub state: Option<Named<SessionState>>,
    pub status_code: Option<Named<SessionStatusCode>>,
    pub status_message: Option<String>,
    pub instance_type: Option<String>,
    pub streaming_image: Option<String>,
    pub created: Option<Moment>,
    pub created_by: Option<String>,
    pub started: Option<Moment>,
    pub started_by: Option<String>,
    pub stopped: Option<Moment>,
    pub stopped_by: Option<String>,
    pub stop_at: Option<Moment>,
    pub terminate_at: Option<Moment>,
    pub session_persistence_mode: Option<Named<Mode>>,
    pub automatic_termination_mode: Option<Named<Mode>>,
    pub volume_retention_mode: Option<Named<VolumeRetentionMode>>,
    #[serde(default)]
    pub fails_to_stop: bool,
    #[serde(default)]
    pub fails_to_start: u32,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GenerateText {
    pub count: Spanned<usize>,
    pub profile: Spanned<String>,
    pub owner_prefix: Option<String>,
    pub state: Option<Named<SessionState>>,
    pub instance_type: Option<String>,
    pub created: Option<Moment>,
    pub started: Option<Moment>,
    pub stopped: Option<Moment>,
    /// The sessions' instants lie evenly between those given and so much later.
    pub spread: Option<Length>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// An instant, written as RFC 3339 or relative to the start of the sandbox, such as `-3h` or `20m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Absolute(Timestamp),
    Relative(SignedDuration),
}

impl Moment {
    pub(super) fn resolve(self, start: Timestamp) -> Timestamp {
        let at = match self {
            Self::Absolute(at) => at,
            Self::Relative(by) => start.saturating_add(by).unwrap_or(Timestamp::MAX),
        };
        Timestamp::from_second(at.as_second()).unwrap_or(at)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let relative = || duration(&text).map(Self::Relative);
        text.parse().map(Self::Absolute).or_else(|_| relative()).map_err(|_| {
            D::Error::custom(format!(
                "{text:?} is not an instant: write it like \"2026-11-20T20:00:00Z\", or relative to the start of the \
                 sandbox like \"-3h\" or \"20m\""
            ))
        })
    }
}

/// A length of time in whole seconds that is not negative, such as `90s`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length(pub SignedDuration);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match duration(&text) {
            Ok(length) if !length.is_negative() && length.subsec_nanos() == 0 => Ok(Self(length)),
            _ => Err(D::Error::custom(format!(
                "{text:?} is not a length of time in whole seconds: write it like \"90s\", \"4m\" or \"0s\""
            ))),
        }
    }
}

/// A length with its sign; a day is 24 hours here, since a simulated studio has no time zone.
fn duration(text: &str) -> Result<SignedDuration, jiff::Error> {
    text.parse::<Span>()?.to_duration(SpanRelativeTo::days_are_24_hours())
}

/// A name from the service's model, or `other:NAME` for one that is outside it on purpose.
#[derive(Clone, Debug)]
pub(super) struct Named<T>(pub T);

impl<'de, T: WireName> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<T>(PhantomData<T>);

impl<T: WireName> Visitor<'_> for NamedVisitor<T> {
    type Value = Named<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", T::KNOWN.join(", "))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if let Some(name) = text.strip_prefix("other:") {
            return Ok(Named(T::other(name)));
        }
        T::known(text).map(Named).ok_or_else(|| {
            E::custom(format!(
                "unknown value {text:?}: valid are {}; a name outside the model is written \"other:NAME\"",
                T::KNOWN.join(", ")
            ))
        })
    }
}

//! The members of each noun, in the order in which they are kept. A member that has no place here does
//! not compile; whoever gives it one raises [`super::SCHEMA`].

use super::codec::{Stored, put_text, take_text};
use crate::sandbox::world::lifecycle::Timings;
use crate::sandbox::world::nouns::*;
use crate::sandbox::world::resources::*;
use crate::sandbox::world::tokens::{Answer, Answered};
use crate::sandbox::world::{Operation, WireName};

/// Names are kept as they are on the wire, those outside the model too.
macro_rules! names {
    ($($name:ident),+ $(,)?) => {
        $(impl Stored for $name {
            fn put(&self, out: &mut Vec<u8>) {
                put_text(self.as_str(), out);
            }

            fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
                let text = take_text(bytes)?;
                Ok(Self::known(text).unwrap_or_else(|| Self::other(text)))
            }
        })+
    };
}

names! {
    BackupMode,
    ClipboardMode,
    ComponentStatusCode,
    ComponentSubtype,
    ComponentType,
    ImageStatusCode,
    KeyType,
    LaunchProfileStatusCode,
    Mode,
    Persona,
    ResourceState,
    ScriptPlatform,
    ScriptRunContext,
    SessionState,
    SessionStatusCode,
    StudioStatusCode,
    ValidationState,
    ValidationStatusCode,
    ValidationType,
    VolumeRetentionMode,
}

macro_rules! stored {
    ($($name:ident { $($member:ident),+ $(,)? })+) => {
        $(impl Stored for $name {
            fn put(&self, out: &mut Vec<u8>) {
                let Self { $($member),+ } = self;
                $($member.put(out);)+
            }

            fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
                $(let $member = Stored::take(bytes)?;)+
                Ok(Self { $($member),+ })
            }
        })+
    };
}

stored! {
    Timings { create, start, stop, delete, profile, stream }
    Studio {
        id, account, region, name, display_name, state, status_code, status_message, created_at,
        updated_at, admin_role_arn, user_role_arn, sso_client_id, encryption, tags,
        launch_profile_quota, member_quota, session_quota,
    }
    Encryption { key_type, key_arn }
    Member { principal_id, identity_store_id, persona, sid }
    LaunchProfile {
        id, name, description, state, status_code, status_message, validation_results, created_at,
        created_by, updated_at, updated_by, subnet_ids, studio_component_ids, stream, tags, members,
        transition,
    }
    ValidationResult { kind, state, status_code, status_message }
    Transition { ends, failure }
    StreamConfiguration {
        clipboard_mode, ec2_instance_types, streaming_image_ids, max_session_length_in_minutes,
        max_stopped_session_length_in_minutes, session_persistence_mode,
        automatic_termination_mode, session_backup, volume_configuration, session_storage,
    }
    SessionBackup { mode, max_backups_to_retain }
    VolumeConfiguration { size, iops, throughput }
    SessionStorage { mode, root_linux, root_windows }
    Session {
        id, arn, state, status_code, status_message, launch_profile_id, ec2_instance_type,
        streaming_image_id, owned_by, created_at, created_by, started_at, started_by,
        started_from_backup_id, stopped_at, stopped_by, stop_at, terminate_at, updated_at,
        updated_by, session_persistence_mode, automatic_termination_mode, volume_retention_mode,
        volume_configuration, backup_mode, max_backups_to_retain, tags, failures, transition_ends,
    }
    Failures { fails_to_stop, fails_to_start }
    StreamingImage {
        id, name, description, ec2_image_id, encryption, eula_ids, owner, platform, state,
        status_code, status_message, tags,
    }
    StudioComponent {
        id, name, description, kind, subtype, configuration, security_group_ids, scripts,
        script_parameters, runtime_role_arn, secure_initialization_role_arn, state, status_code,
        status_message, created_at, created_by, updated_at, updated_by, tags,
    }
    InitializationScript { platform, run_context, script }
    Backup {
        id, arn, session_id, launch_profile_id, owned_by, created_at, state, status_code,
        status_message, tags,
    }
    Stream { id, created_at, created_by, owned_by, expires_at, url, ready_at, ends_at, deletion }
    Answered { operation, token, parameters, answer }
}

/// Choices are kept by a number before their members.
macro_rules! choices {
    ($($name:ident { $($number:literal => $variant:ident { $($member:ident),* }),+ $(,)? })+) => {
        $(impl Stored for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant { $($member),* } => {
                        out.push($number);
                        $($member.put(out);)*
                    })+
                }
            }

            fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
                match u8::take(bytes)? {
                    $($number => {
                        $(let $member = Stored::take(bytes)?;)*
                        Ok(Self::$variant { $($member),* })
                    })+
                    _ => Err("a choice that there is not"),
                }
            }
        })+
    };
}

choices! {
    ComponentConfiguration {
        0 => ActiveDirectory { directory_id, organizational_unit, computer_attributes },
        1 => ComputeFarm { endpoint, active_directory_user },
        2 => LicenseService { endpoint },
        3 => SharedFileSystem {
            endpoint, file_system_id, linux_mount_point, share_name, windows_mount_drive
        },
    }
}

impl Stored for Answer {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Session(session) => {
                out.push(0);
                session.put(out);
            }
            Self::LaunchProfile(profile) => {
                out.push(1);
                profile.put(out);
            }
            Self::Member(member) => {
                out.push(2);
                member.put(out);
            }
            Self::Stream(stream) => {
                out.push(3);
                stream.put(out);
            }
            Self::Done => out.push(4),
        }
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        match u8::take(bytes)? {
            0 => Ok(Self::Session(Stored::take(bytes)?)),
            1 => Ok(Self::LaunchProfile(Stored::take(bytes)?)),
            2 => Ok(Self::Member(Stored::take(bytes)?)),
            3 => Ok(Self::Stream(Stored::take(bytes)?)),
            4 => Ok(Self::Done),
            _ => Err("an answer that there is not"),
        }
    }
}

impl Stored for Operation {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self.name(), out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        let name = take_text(bytes)?;
        let found = Self::ALL.iter().find(|operation| operation.name() == name);
        found.copied().ok_or("an operation that there is not")
    }
}

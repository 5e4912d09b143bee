//! The answers' shapes of what is around launch profiles and sessions: members, streaming images,
//! studio components, streams, backups.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::interfaces::PROTOCOL_VERSION;
use super::responses::{Seconds, shape};
use crate::sandbox::world::{
    Backup, ComponentConfiguration, Encryption, InitializationScript, Member, Stream, StreamState,
    StreamingImage, Studio, StudioComponent, Tags, ValidationResult,
};

shape!(MemberShape {
    identity_store_id: &'a str,
    persona: &'a str,
    principal_id: &'a str,
    sid: &'a str,
});
shape!(EncryptionShape { key_arn: &'a str, key_type: &'a str });
shape!(ValidationShape {
    state: &'a str,
    status_code: &'a str,
    status_message: &'a str,
    r#type: &'a str,
});
shape!(ImageShape {
    arn: String,
    description: &'a str,
    ec2_image_id: &'a str,
    encryption_configuration: EncryptionShape<'a>,
    eula_ids: &'a [String],
    name: &'a str,
    owner: &'a str,
    platform: &'a str,
    state: &'a str,
    status_code: &'a str,
    status_message: &'a str,
    streaming_image_id: &'a str,
    tags: &'a Tags,
});
shape!(SummaryShape {
    created_at: Seconds,
    created_by: &'a str,
    description: &'a str,
    name: &'a str,
    studio_component_id: &'a str,
    subtype: &'a str,
    r#type: &'a str,
    updated_at: Seconds,
    updated_by: &'a str,
});
shape!(ComponentShape {
    arn: String,
    configuration: ConfigurationShape<'a>,
    created_at: Seconds,
    created_by: &'a str,
    description: &'a str,
    ec2_security_group_ids: &'a [String],
    initialization_scripts: Vec<ScriptShape<'a>>,
    name: &'a str,
    runtime_role_arn: &'a str,
    script_parameters: Vec<ParameterShape<'a>>,
    secure_initialization_role_arn: &'a str,
    state: &'a str,
    status_code: &'a str,
    status_message: &'a str,
    studio_component_id: &'a str,
    subtype: &'a str,
    tags: &'a Tags,
    r#type: &'a str,
    updated_at: Seconds,
    updated_by: &'a str,
});
shape!(ConfigurationShape {
    active_directory_configuration: DirectoryShape<'a>,
    compute_farm_configuration: FarmShape<'a>,
    license_service_configuration: LicenseShape<'a>,
    shared_file_system_configuration: FilesShape<'a>,
});
shape!(DirectoryShape {
    computer_attributes: Vec<AttributeShape<'a>>,
    directory_id: &'a str,
    organizational_unit_distinguished_name: &'a str,
});
shape!(AttributeShape { name: &'a str, value: &'a str });
shape!(FarmShape { active_directory_user: &'a str, endpoint: &'a str });
shape!(LicenseShape { endpoint: &'a str });
shape!(FilesShape {
    endpoint: &'a str,
    file_system_id: &'a str,
    linux_mount_point: &'a str,
    share_name: &'a str,
    windows_mount_drive: &'a str,
});
shape!(ScriptShape {
    launch_profile_protocol_version: &'a str,
    platform: &'a str,
    run_context: &'a str,
    script: &'a str,
});
shape!(ParameterShape { key: &'a str, value: &'a str });
shape!(ConnectionShape {
    created_at: Seconds,
    created_by: &'a str,
    expires_at: Seconds,
    owned_by: &'a str,
    state: String,
    status_code: String,
    stream_id: &'a str,
    url: &'a str,
});
shape!(BackupShape {
    arn: &'a str,
    backup_id: &'a str,
    created_at: Seconds,
    launch_profile_id: &'a str,
    owned_by: &'a str,
    session_id: &'a str,
    state: &'a str,
    status_code: &'a str,
    status_message: &'a str,
    tags: &'a Tags,
});

pub(super) fn member(member: &Member) -> MemberShape<'_> {
    MemberShape {
        identity_store_id: Some(&member.identity_store_id),
        persona: Some(member.persona.as_str()),
        principal_id: Some(&member.principal_id),
        sid: member.sid.as_deref(),
    }
}

pub(super) fn encryption(encryption: &Encryption) -> EncryptionShape<'_> {
    EncryptionShape {
        key_arn: encryption.key_arn.as_deref(),
        key_type: Some(encryption.key_type.as_str()),
    }
}

pub(super) fn validation(result: &ValidationResult) -> ValidationShape<'_> {
    ValidationShape {
        state: Some(result.state.as_str()),
        status_code: Some(result.status_code.as_str()),
        status_message: Some(&result.status_message),
        r#type: Some(result.kind.as_str()),
    }
}

pub(super) fn image<'a>(studio: &Studio, image: &'a StreamingImage) -> ImageShape<'a> {
    ImageShape {
        arn: Some(studio.arn_of("streaming-image", &image.id)),
        description: image.description.as_deref(),
        ec2_image_id: Some(&image.ec2_image_id),
        encryption_configuration: image.encryption.as_ref().map(encryption),
        eula_ids: Some(&image.eula_ids),
        name: Some(&image.name),
        owner: Some(&image.owner),
        platform: Some(&image.platform),
        state: Some(image.state.as_str()),
        status_code: image.status_code.as_ref().map(|code| code.as_str()),
        status_message: image.status_message.as_deref(),
        streaming_image_id: Some(&image.id),
        tags: Some(&image.tags),
    }
}

pub(super) fn summary(component: &StudioComponent) -> SummaryShape<'_> {
    SummaryShape {
        created_at: component.created_at.map(Seconds),
        created_by: component.created_by.as_deref(),
        description: component.description.as_deref(),
        name: Some(&component.name),
        studio_component_id: Some(&component.id),
        subtype: component.subtype.as_ref().map(|subtype| subtype.as_str()),
        r#type: Some(component.kind.as_str()),
        updated_at: component.updated_at.map(Seconds),
        updated_by: component.updated_by.as_deref(),
    }
}

pub(super) fn component<'a>(studio: &Studio, own: &'a StudioComponent) -> ComponentShape<'a> {
    let scripts = own.scripts.iter().map(script).collect();
    let parameter = |(key, value): (&'a String, &'a String)| ParameterShape {
        key: Some(key),
        value: Some(value),
    };
    ComponentShape {
        arn: Some(studio.arn_of("studio-component", &own.id)),
        configuration: own.configuration.as_ref().map(configuration),
        created_at: own.created_at.map(Seconds),
        created_by: own.created_by.as_deref(),
        description: own.description.as_deref(),
        ec2_security_group_ids: Some(&own.security_group_ids),
        initialization_scripts: Some(scripts),
        name: Some(&own.name),
        runtime_role_arn: own.runtime_role_arn.as_deref(),
        script_parameters: Some(own.script_parameters.iter().map(parameter).collect()),
        secure_initialization_role_arn: own.secure_initialization_role_arn.as_deref(),
        state: Some(own.state.as_str()),
        status_code: own.status_code.as_ref().map(|code| code.as_str()),
        status_message: own.status_message.as_deref(),
        studio_component_id: Some(&own.id),
        subtype: own.subtype.as_ref().map(|subtype| subtype.as_str()),
        tags: Some(&own.tags),
        r#type: Some(own.kind.as_str()),
        updated_at: own.updated_at.map(Seconds),
        updated_by: own.updated_by.as_deref(),
    }
}

fn script(script: &InitializationScript) -> ScriptShape<'_> {
    ScriptShape {
        launch_profile_protocol_version: Some(PROTOCOL_VERSION),
        platform: Some(script.platform.as_str()),
        run_context: Some(script.run_context.as_str()),
        script: Some(&script.script),
    }
}

/// A union: exactly one member is there.
fn configuration(configuration: &ComponentConfiguration) -> ConfigurationShape<'_> {
    let mut shape = ConfigurationShape {
        active_directory_configuration: None,
        compute_farm_configuration: None,
        license_service_configuration: None,
        shared_file_system_configuration: None,
    };
    match configuration {
        ComponentConfiguration::ActiveDirectory {
            directory_id,
            organizational_unit,
            computer_attributes,
        } => {
            shape.active_directory_configuration = Some(DirectoryShape {
                computer_attributes: Some(attributes(computer_attributes)),
                directory_id: directory_id.as_deref(),
                organizational_unit_distinguished_name: organizational_unit.as_deref(),
            });
        }
        ComponentConfiguration::ComputeFarm { endpoint, active_directory_user } => {
            shape.compute_farm_configuration = Some(FarmShape {
                active_directory_user: active_directory_user.as_deref(),
                endpoint: endpoint.as_deref(),
            });
        }
        ComponentConfiguration::LicenseService { endpoint } => {
            shape.license_service_configuration =
                Some(LicenseShape { endpoint: endpoint.as_deref() });
        }
        ComponentConfiguration::SharedFileSystem {
            endpoint,
            file_system_id,
            linux_mount_point,
            share_name,
            windows_mount_drive,
        } => {
            shape.shared_file_system_configuration = Some(FilesShape {
                endpoint: endpoint.as_deref(),
                file_system_id: file_system_id.as_deref(),
                linux_mount_point: linux_mount_point.as_deref(),
                share_name: share_name.as_deref(),
                windows_mount_drive: windows_mount_drive.as_deref(),
            });
        }
    }
    shape
}

fn attributes(attributes: &BTreeMap<String, String>) -> Vec<AttributeShape<'_>> {
    let shape = |(name, value)| AttributeShape { name: Some(name), value: Some(value) };
    attributes.iter().map(|(name, value)| shape((name.as_str(), value.as_str()))).collect()
}

/// A stream as it is at an instant. It has an address while it is READY.
pub(super) fn stream(stream: &Stream, now: Timestamp) -> ConnectionShape<'_> {
    let (state, code) = stream.state_at(now);
    let url = (state == StreamState::Ready).then_some(stream.url.as_str());
    ConnectionShape {
        created_at: Some(Seconds(stream.created_at)),
        created_by: Some(&stream.created_by),
        expires_at: Some(Seconds(stream.expires_at)),
        owned_by: stream.owned_by.as_deref(),
        state: Some(state.as_str().to_owned()),
        status_code: Some(code.as_str().to_owned()),
        stream_id: Some(&stream.id),
        url,
    }
}

pub(super) fn backup(backup: &Backup) -> BackupShape<'_> {
    BackupShape {
        arn: Some(&backup.arn),
        backup_id: Some(&backup.id),
        created_at: Some(Seconds(backup.created_at)),
        launch_profile_id: backup.launch_profile_id.as_ref().map(|id| id.as_str()),
        owned_by: backup.owned_by.as_deref(),
        session_id: Some(backup.session_id.as_str()),
        state: Some(backup.state.as_str()),
        status_code: backup.status_code.as_ref().map(|code| code.as_str()),
        status_message: backup.status_message.as_deref(),
        tags: Some(&backup.tags),
    }
}

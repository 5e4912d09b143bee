//! What a world file says around launch profiles and sessions: members, streaming images, studio
//! components, backups.

use jiff::Timestamp;
use toml::Spanned;

use super::text::{
    BackupText, ComponentText, EncryptionText, ImageText, MemberText, StorageText, ValidationText,
};
use super::{Mistake, value, value_or};
use crate::sandbox::world::{
    Backup, ComponentConfiguration, Encryption, InitializationScript, LaunchProfileStatusCode,
    Member, MembersOf, Persona, ResourceState, SessionState, SessionStatusCode, SessionStorage,
    StreamingImage, StudioComponent, ValidationResult, World,
};

/// The longest id of an image or a component.
const ID_LENGTH_MAX: usize = 22;

/// Members of a studio are administrators, those of a launch profile users.
pub(super) fn add_members<T>(
    world: &mut World,
    of: MembersOf<'_>,
    place: &Spanned<T>,
    store: &str,
    texts: Vec<MemberText>,
) -> Result<(), Mistake> {
    let persona = || match of.launch_profile {
        None => Persona::Administrator,
        Some(_) => Persona::User,
    };
    for text in texts {
        let member = Member {
            principal_id: text.id,
            identity_store_id: store.to_owned(),
            persona: persona(),
            sid: text.sid,
        };
        world.add_member(of, member).map_err(|refusal| Mistake::at(place, refusal.to_string()))?;
    }
    Ok(())
}

pub(super) fn add_images(
    world: &mut World,
    studio: &str,
    texts: Vec<ImageText>,
) -> Result<(), Mistake> {
    for text in texts {
        let id = checked(&text.id, "image", world.image(studio, text.id.get_ref()).is_ok())?;
        let usual = StreamingImage::new(id, studio);
        let image = StreamingImage {
            id: usual.id,
            name: text.name.unwrap_or(usual.name),
            description: text.description,
            ec2_image_id: text.ec2_image.unwrap_or(usual.ec2_image_id),
            encryption: text.encryption.map(encryption),
            eula_ids: text.eulas,
            owner: text.owner.unwrap_or(usual.owner),
            platform: text.platform.unwrap_or(usual.platform),
            state: value_or(text.state, usual.state),
            status_code: value(text.status_code).or(usual.status_code),
            status_message: text.status_message,
            tags: text.tags,
        };
        world
            .add_image(studio, image)
            .map_err(|refusal| Mistake::at(&text.id, refusal.to_string()))?;
    }
    Ok(())
}

pub(super) fn add_components(
    world: &mut World,
    studio: &str,
    texts: Vec<ComponentText>,
    start: Timestamp,
) -> Result<(), Mistake> {
    for mut text in texts {
        let place = text.id.clone();
        let is_there = world.component(studio, place.get_ref()).is_ok();
        let id = checked(&place, "component", is_there)?;
        let configuration = configuration(&mut text)?;
        let mut component = StudioComponent::new(id, &text.name);
        component.description = text.description;
        component.kind = text.kind.0;
        component.subtype = value(text.subtype);
        component.configuration = configuration;
        component.security_group_ids = text.security_groups;
        component.scripts = (text.script.into_iter())
            .map(|script| InitializationScript {
                platform: script.platform.0,
                run_context: script.run.0,
                script: script.script,
            })
            .collect();
        component.script_parameters = text.script_parameters;
        component.runtime_role_arn = text.runtime_role_arn;
        component.secure_initialization_role_arn = text.secure_initialization_role_arn;
        component.state = value_or(text.state, component.state);
        component.status_code = value(text.status_code).or(component.status_code);
        component.status_message = text.status_message;
        component.created_at = text.created.map(|moment| moment.resolve(start));
        component.updated_at = component.created_at;
        component.updated_by.clone_from(&text.created_by);
        component.created_by = text.created_by;
        component.tags = text.tags;
        world
            .add_component(studio, component)
            .map_err(|refusal| Mistake::at(&place, refusal.to_string()))?;
    }
    Ok(())
}

/// The one configuration that a component has, if it has one.
fn configuration(text: &mut ComponentText) -> Result<Option<ComponentConfiguration>, Mistake> {
    let directory =
        text.active_directory.take().map(|own| ComponentConfiguration::ActiveDirectory {
            directory_id: own.directory_id,
            organizational_unit: own.organizational_unit,
            computer_attributes: own.computer_attributes,
        });
    let farm = text.compute_farm.take().map(|own| ComponentConfiguration::ComputeFarm {
        endpoint: own.endpoint,
        active_directory_user: own.active_directory_user,
    });
    let license = text
        .license_service
        .take()
        .map(|own| ComponentConfiguration::LicenseService { endpoint: own.endpoint });
    let files =
        text.shared_file_system.take().map(|own| ComponentConfiguration::SharedFileSystem {
            endpoint: own.endpoint,
            file_system_id: own.file_system_id,
            linux_mount_point: own.linux_mount_point,
            share_name: own.share_name,
            windows_mount_drive: own.windows_mount_drive,
        });
    let mut all = [directory, farm, license, files].into_iter().flatten();
    let one = all.next();
    match all.next() {
        None => Ok(one),
        Some(_) => Err(Mistake::at(
            &text.id,
            "a component has one of active_directory, compute_farm, license_service and shared_file_system"
                .to_owned(),
        )),
    }
}

pub(super) fn add_backups(
    world: &mut World,
    studio: &str,
    texts: Vec<BackupText>,
    start: Timestamp,
) -> Result<(), Mistake> {
    for text in texts {
        let id = text.id.get_ref();
        if id.is_empty() || world.backup(studio, id, Timestamp::MIN).is_ok() {
            let message = format!("backup {id:?} is empty or there already: each id may come once");
            return Err(Mistake::at(&text.id, message));
        }
        let unknown = |refusal: crate::sandbox::world::Refusal| {
            Mistake::at(&text.session, refusal.to_string())
        };
        let session =
            world.session(studio, text.session.get_ref(), Timestamp::MIN).map_err(unknown)?;
        let backup = Backup {
            id: id.clone(),
            arn: String::new(),
            session_id: session.id.clone(),
            launch_profile_id: session.launch_profile_id.clone(),
            owned_by: session.owned_by.clone(),
            created_at: text.created.resolve(start),
            state: value_or(text.state, SessionState::Ready),
            status_code: Some(value_or(text.status_code, SessionStatusCode::Ready)),
            status_message: text.status_message.clone(),
            tags: text.tags.clone(),
        };
        world.add_backup(studio, backup).map_err(unknown)?;
    }
    Ok(())
}

pub(super) fn encryption(text: EncryptionText) -> Encryption {
    Encryption { key_type: text.key_type.0, key_arn: text.key_arn }
}

pub(super) fn storage(text: StorageText) -> SessionStorage {
    SessionStorage {
        mode: vec!["UPLOAD".to_owned()],
        root_linux: text.linux,
        root_windows: text.windows,
    }
}

pub(super) fn validations(texts: Vec<ValidationText>) -> Vec<ValidationResult> {
    let result = |text: ValidationText| ValidationResult {
        kind: text.kind.0,
        state: text.state.0,
        status_code: text.status_code.0,
        status_message: text.status_message,
    };
    texts.into_iter().map(result).collect()
}

/// The status code that goes with a launch profile's state.
pub(super) fn usual_status(state: &ResourceState) -> Option<LaunchProfileStatusCode> {
    match state {
        ResourceState::Ready => Some(LaunchProfileStatusCode::Created),
        ResourceState::CreateInProgress => Some(LaunchProfileStatusCode::CreateInProgress),
        ResourceState::UpdateInProgress => Some(LaunchProfileStatusCode::UpdateInProgress),
        ResourceState::DeleteInProgress => Some(LaunchProfileStatusCode::DeleteInProgress),
        ResourceState::Deleted => Some(LaunchProfileStatusCode::Deleted),
        ResourceState::CreateFailed | ResourceState::UpdateFailed | ResourceState::DeleteFailed => {
            Some(LaunchProfileStatusCode::InternalError)
        }
        ResourceState::Other(_) => None,
    }
}

/// An id as the model allows it, which is not there yet.
fn checked<'a>(id: &'a Spanned<String>, what: &str, is_there: bool) -> Result<&'a str, Mistake> {
    let text = id.get_ref();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.is_empty() || text.len() > ID_LENGTH_MAX || !text.bytes().all(fits) {
        let message =
            format!("the id {text:?}: valid are 1 to {ID_LENGTH_MAX} letters, digits, - and _");
        return Err(Mistake::at(id, message));
    }
    if is_there {
        return Err(Mistake::at(
            id,
            format!("{what} {text:?} is there already: each id may come once"),
        ));
    }
    Ok(text)
}

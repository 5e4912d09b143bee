//! World files: the TOML from which a simulated studio is set up.
//!
//! `text.rs` has the shapes as people write them; this file turns them into a [`World`]. A mistake
//! is answered with the file, the line, what was found and what would be valid.
//!
//! Instants are RFC 3339, or relative to the start of the sandbox. Session and launch profile ids may
//! be left out; they then follow from the place in the file. An optional member of the API that is not
//! written is absent on the wire.
//!
//! ```toml
//! [settings]
//! page_size = 25
//! stop_time = "4s"
//! start_time = "6s"
//!
//! [[studio]]
//! id = "us-west-2:stid-EXAMPLE11111"
//! account = "111122223333"
//! name = "feature"
//!
//! [[studio.profile]]
//! name = "Comp Workstation"
//! max_session_length_in_minutes = 10080
//! max_stopped_session_length_in_minutes = 5760
//!
//! [[studio.session]]
//! profile = "Comp Workstation"           # its name or its id
//! owner = "9067f1a2b3-4aabae3e-18f4-7f9c-99cb-9557692deff6"
//! state = "READY"
//! created = "-67d"
//! started = "-16h"
//! tags = { dept = "comp" }
//! fails_to_start = 2                     # and fails_to_stop = true
//!
//! [[studio.member]]                      # an administrator; `[[studio.profile.member]]` is a user
//! id = "9067f1a2b3-5d9b22a8-18b6-93c7-7024-ebe253771226"
//! sid = "S-1-5-21-1111111111-2222222222-3333333333-1001"
//!
//! [[studio.image]]                       # and [[studio.component]]; those that a profile names and
//! id = "ami-linux-comp-2022"             # no table describes are there all the same
//! platform = "LINUX"
//!
//! [[studio.backup]]
//! id = "DkFaWnq0VdWzvVyS4zgx8Q"
//! session = "yUKe9n7Nj_C4WkkMYq2HRD"     # its id
//! created = "-3d"
//!
//! [[studio.generate]]                    # many sessions at once, the same at each run
//! count = 5000
//! profile = "Comp Workstation"
//! started = "-9h"
//! spread = "3h"
//! ```

mod resources;
mod text;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use toml::Spanned;

use self::text::{
    GenerateText, MemberText, Named, ProfileText, SessionText, SettingsText, StudioText, WorldText,
};
use super::world::{
    Failures, LaunchProfile, LaunchProfileId, MembersOf, ResourceState, Session, SessionBackup,
    SessionState, StreamConfiguration, Studio, Timings, VolumeConfiguration, World, resource_id,
    user_id,
};

/// The world file that the program carries with it: one studio with about forty artists.
pub const SHIPPED: &str = include_str!("../../../config/sandbox.toml");
/// The identity store of a studio that names none.
pub const IDENTITY_STORE: &str = "d-9067f1a2b3";
/// The name by which mistakes in the shipped world file would be reported.
pub const SHIPPED_NAME: &str = "config/sandbox.toml";

/// How many sessions one `generate` table may make.
pub const GENERATED_MAX: usize = 100_000;
/// The most items that a page may be told to have.
pub const PAGE_SIZE_MAX: usize = 1_000;

/// A world, and the settings that belong to the server in front of it.
#[derive(Clone, Debug)]
pub struct LoadedWorld {
    pub world: World,
    pub page_size: Option<usize>,
}

/// A mistake in a world file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct WorldFileError {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    pub message: String,
}

/// Reads a world file's text. `file` is its name for messages; relative instants count from
/// `start`.
///
/// # Errors
/// The first mistake in it.
pub fn parse(text: &str, file: &str, start: Timestamp) -> Result<LoadedWorld, WorldFileError> {
    let place = |mistake: Mistake| {
        let offset = mistake.span.map_or(0, |span| span.start);
        let line = text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
        WorldFileError { file: file.to_owned(), line, message: mistake.message }
    };
    let parsed: WorldText = toml::from_str(text).map_err(|error| {
        place(Mistake { span: error.span(), message: error.message().to_owned() })
    })?;
    lower(parsed, start).map_err(place)
}

/// The world that the program carries with it.
///
/// # Errors
/// The shipped file is wrong; a test sees to it that it is not.
pub fn shipped(start: Timestamp) -> Result<LoadedWorld, WorldFileError> {
    parse(SHIPPED, SHIPPED_NAME, start)
}

struct Mistake {
    span: Option<Range<usize>>,
    message: String,
}

impl Mistake {
    fn at<T>(place: &Spanned<T>, message: String) -> Self {
        Self { span: Some(place.span()), message }
    }
}

fn lower(text: WorldText, start: Timestamp) -> Result<LoadedWorld, Mistake> {
    let page_size = page_size(&text.settings)?;
    let mut world = World::new(timings(&text.settings));
    let mut ids = BTreeSet::new();
    for studio in text.studio {
        if !ids.insert(studio.id.get_ref().clone()) {
            let message =
                format!("studio {:?} is there already: each id may come once", studio.id.get_ref());
            return Err(Mistake::at(&studio.id, message));
        }
        add_studio(&mut world, studio, start)?;
    }
    Ok(LoadedWorld { world, page_size })
}

fn page_size(settings: &SettingsText) -> Result<Option<usize>, Mistake> {
    let Some(size) = &settings.page_size else {
        return Ok(None);
    };
    match *size.get_ref() {
        valid @ 1..=PAGE_SIZE_MAX => Ok(Some(valid)),
        found => {
            Err(Mistake::at(size, format!("page_size is {found}: valid are 1 to {PAGE_SIZE_MAX}")))
        }
    }
}

fn timings(settings: &SettingsText) -> Timings {
    let usual = Timings::default();
    Timings {
        create: settings.create_time.map_or(usual.create, |length| length.0),
        start: settings.start_time.map_or(usual.start, |length| length.0),
        stop: settings.stop_time.map_or(usual.stop, |length| length.0),
        delete: settings.delete_time.map_or(usual.delete, |length| length.0),
        profile: settings.profile_time.map_or(usual.profile, |length| length.0),
        stream: settings.stream_time.map_or(usual.stream, |length| length.0),
    }
}

fn add_studio(world: &mut World, text: StudioText, start: Timestamp) -> Result<(), Mistake> {
    let account = text.account.get_ref();
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Mistake::at(
            &text.account,
            format!("account is {account:?}: it has twelve digits"),
        ));
    }
    let id = text.id.get_ref().as_str();
    let mut studio = Studio::new(id, account, &text.name);
    studio.display_name = text.display_name.unwrap_or(text.name);
    studio.region = text.region.unwrap_or(studio.region);
    studio.state = value_or(text.state, ResourceState::Ready);
    studio.status_code = value(text.status_code).or(studio.status_code);
    studio.status_message = text.status_message;
    studio.created_at = text.created.map(|moment| moment.resolve(start));
    studio.updated_at = text.updated.map(|moment| moment.resolve(start)).or(studio.created_at);
    studio.admin_role_arn = text.admin_role_arn;
    studio.user_role_arn = text.user_role_arn;
    studio.sso_client_id = text.sso_client_id;
    studio.encryption = text.encryption.map(resources::encryption);
    studio.session_quota = text.session_quota;
    studio.launch_profile_quota = text.launch_profile_quota;
    studio.member_quota = text.member_quota;
    studio.tags = text.tags;
    world.add_studio(studio);
    let store = text.identity_store.as_deref().unwrap_or(IDENTITY_STORE);
    let of = MembersOf { studio: id, launch_profile: None };
    resources::add_members(world, of, &text.id, store, text.member)?;
    resources::add_images(world, id, text.image)?;
    resources::add_components(world, id, text.component, start)?;
    let profiles = add_profiles(world, id, store, text.profile, start)?;
    add_sessions(world, id, text.session, &profiles, start)?;
    resources::add_backups(world, id, text.backup, start)?;
    for (index, generate) in text.generate.into_iter().enumerate() {
        add_generated(world, id, index, generate, &profiles, start)?;
    }
    Ok(())
}

/// The launch profiles of a studio, by their names and by their ids.
type Profiles = BTreeMap<String, LaunchProfileId>;

fn add_profiles(
    world: &mut World,
    studio: &str,
    store: &str,
    texts: Vec<ProfileText>,
    start: Timestamp,
) -> Result<Profiles, Mistake> {
    let mut profiles = Profiles::new();
    for mut text in texts {
        let name = text.name.clone();
        let listed = text.members.take();
        let restricts = listed.is_some() || !text.member.is_empty();
        let listed = listed.into_iter().flatten().map(|id| MemberText { id, sid: None });
        let members: Vec<MemberText> = listed.chain(std::mem::take(&mut text.member)).collect();
        let mut profile = profile(text, studio, start)?;
        profile.members = restricts.then(BTreeMap::new);
        let id = profile.id.clone();
        for key in [profile.name.clone(), id.to_string()] {
            if profiles.insert(key.clone(), id.clone()).is_some() {
                return Err(Mistake::at(
                    &name,
                    format!("launch profile {key:?} is there already: rename one of them"),
                ));
            }
        }
        world
            .add_launch_profile(studio, profile)
            .map_err(|refusal| Mistake::at(&name, refusal.to_string()))?;
        let of = MembersOf { studio, launch_profile: Some(id.as_str()) };
        resources::add_members(world, of, &name, store, members)?;
    }
    Ok(profiles)
}

fn profile(text: ProfileText, studio: &str, start: Timestamp) -> Result<LaunchProfile, Mistake> {
    bounded(&text.max_session_length_in_minutes, "max_session_length_in_minutes", 1, 43_200)?;
    bounded(
        &text.max_stopped_session_length_in_minutes,
        "max_stopped_session_length_in_minutes",
        0,
        5_760,
    )?;
    let name = text.name.get_ref();
    let id = text.id.as_ref().map_or_else(
        || resource_id(&format!("{studio} profile {name}")),
        |id| id.get_ref().clone(),
    );
    let mut profile = LaunchProfile::new(&id, name);
    profile.description = text.description;
    profile.state = value_or(text.state, ResourceState::Ready);
    profile.status_code =
        value(text.status_code).or_else(|| resources::usual_status(&profile.state));
    profile.status_message = text.status_message;
    profile.created_at = text.created.map(|moment| moment.resolve(start));
    profile.created_by = text.created_by;
    profile.updated_at = profile.created_at;
    profile.updated_by.clone_from(&profile.created_by);
    profile.subnet_ids = text.subnets.unwrap_or_default();
    profile.studio_component_ids = text.components.unwrap_or_default();
    profile.validation_results = resources::validations(text.validation);
    profile.tags = text.tags;
    let usual = StreamConfiguration::default();
    profile.stream = StreamConfiguration {
        clipboard_mode: value_or(text.clipboard_mode, usual.clipboard_mode),
        ec2_instance_types: text.instance_types.unwrap_or(usual.ec2_instance_types),
        streaming_image_ids: text.streaming_images.unwrap_or(usual.streaming_image_ids),
        max_session_length_in_minutes: text.max_session_length_in_minutes.map(Spanned::into_inner),
        max_stopped_session_length_in_minutes: text
            .max_stopped_session_length_in_minutes
            .map(Spanned::into_inner),
        session_persistence_mode: value(text.session_persistence_mode),
        automatic_termination_mode: value(text.automatic_termination_mode),
        session_backup: text.backup_mode.map(|mode| SessionBackup {
            mode: mode.0,
            max_backups_to_retain: text.max_backups_to_retain,
        }),
        volume_configuration: text.volume.map(|volume| VolumeConfiguration {
            size: volume.size,
            iops: volume.iops,
            throughput: volume.throughput,
        }),
        session_storage: text.storage.map(resources::storage),
    };
    Ok(profile)
}

fn bounded(found: &Option<Spanned<u32>>, key: &str, least: u32, most: u32) -> Result<(), Mistake> {
    match found {
        Some(value) if !(least..=most).contains(value.get_ref()) => Err(Mistake::at(
            value,
            format!("{key} is {}: valid are {least} to {most}", value.get_ref()),
        )),
        _ => Ok(()),
    }
}

fn add_sessions(
    world: &mut World,
    studio: &str,
    texts: Vec<SessionText>,
    profiles: &Profiles,
    start: Timestamp,
) -> Result<(), Mistake> {
    let mut ids = BTreeSet::new();
    for (index, text) in texts.into_iter().enumerate() {
        let profile = find_profile(profiles, &text.profile)?;
        let id = text.id.as_ref().map_or_else(
            || resource_id(&format!("{studio} session {index}")),
            |id| id.get_ref().clone(),
        );
        let place = text.id.clone().unwrap_or_else(|| text.profile.clone());
        if !ids.insert(id.clone()) {
            return Err(Mistake::at(
                &place,
                format!("session {id:?} is there already: each id may come once"),
            ));
        }
        let session = session(text, &id, profile, start);
        world
            .add_session(studio, session)
            .map_err(|refusal| Mistake::at(&place, refusal.to_string()))?;
    }
    Ok(())
}

fn session(text: SessionText, id: &str, profile: LaunchProfileId, start: Timestamp) -> Session {
    let instant = |moment: Option<text::Moment>| moment.map(|moment| moment.resolve(start));
    let mut session = Session::new(id, value_or(text.state, SessionState::Ready));
    session.launch_profile_id = Some(profile);
    session.status_code = value(text.status_code);
    session.status_message = text.status_message;
    session.ec2_instance_type = text.instance_type;
    session.streaming_image_id = text.streaming_image;
    session.created_at = instant(text.created);
    session.created_by = text.created_by.or_else(|| text.owner.clone());
    session.started_at = instant(text.started);
    session.started_by =
        text.started_by.or_else(|| text.owner.clone().filter(|_| text.started.is_some()));
    session.stopped_at = instant(text.stopped);
    session.stopped_by = text.stopped_by;
    session.stop_at = instant(text.stop_at);
    session.terminate_at = instant(text.terminate_at);
    session.updated_by.clone_from(&text.owner);
    session.owned_by = text.owner;
    session.session_persistence_mode = value(text.session_persistence_mode);
    session.automatic_termination_mode = value(text.automatic_termination_mode);
    session.volume_retention_mode = value(text.volume_retention_mode);
    session.failures =
        Failures { fails_to_stop: text.fails_to_stop, fails_to_start: text.fails_to_start };
    session.tags = text.tags;
    session
}

fn add_generated(
    world: &mut World,
    studio: &str,
    table: usize,
    text: GenerateText,
    profiles: &Profiles,
    start: Timestamp,
) -> Result<(), Mistake> {
    let count = *text.count.get_ref();
    if count > GENERATED_MAX {
        return Err(Mistake::at(
            &text.count,
            format!("count is {count}: valid are 0 to {GENERATED_MAX}"),
        ));
    }
    let profile = find_profile(profiles, &text.profile)?;
    for index in 0..count {
        let session = generated(&text, studio, table, index, profile.clone(), start);
        world
            .add_session(studio, session)
            .map_err(|refusal| Mistake::at(&text.profile, refusal.to_string()))?;
    }
    Ok(())
}

fn generated(
    text: &GenerateText,
    studio: &str,
    table: usize,
    index: usize,
    profile: LaunchProfileId,
    start: Timestamp,
) -> Session {
    let seed = format!("{studio} generated {table} {index}");
    let share = index as f64 / (*text.count.get_ref()).max(1) as f64;
    let spread = text.spread.map_or(SignedDuration::ZERO, |spread| spread.0.mul_f64(share));
    let shifted = start.saturating_add(spread).unwrap_or(start);
    let instant = |moment: Option<text::Moment>| {
        moment.map(|moment| match moment {
            text::Moment::Relative(_) => moment.resolve(shifted),
            text::Moment::Absolute(at) => {
                text::Moment::Absolute(at.saturating_add(spread).unwrap_or(at)).resolve(start)
            }
        })
    };
    let owner = user_id(text.owner_prefix.as_deref().unwrap_or("9067f1a2b3"), &seed);
    let state = text.state.clone().map_or(SessionState::Ready, |state| state.0);
    let mut session = Session::new(&resource_id(&seed), state);
    session.launch_profile_id = Some(profile);
    session.ec2_instance_type.clone_from(&text.instance_type);
    session.started_at = instant(text.started);
    session.stopped_at = instant(text.stopped);
    session.created_at = instant(text.created).or(session.started_at).or(session.stopped_at);
    session.started_by = session.started_at.map(|_| owner.clone());
    session.stopped_by = session.stopped_at.map(|_| owner.clone());
    session.created_by = Some(owner.clone());
    session.updated_by = Some(owner.clone());
    session.owned_by = Some(owner);
    session.tags.clone_from(&text.tags);
    session
}

fn find_profile(profiles: &Profiles, wanted: &Spanned<String>) -> Result<LaunchProfileId, Mistake> {
    profiles.get(wanted.get_ref()).cloned().ok_or_else(|| {
        let names: Vec<&str> = profiles.keys().map(String::as_str).collect();
        let message = format!(
            "unknown launch profile {:?}: this studio has {}",
            wanted.get_ref(),
            names.join(", ")
        );
        Mistake::at(wanted, message)
    })
}

fn value<T>(named: Option<Named<T>>) -> Option<T> {
    named.map(|named| named.0)
}

fn value_or<T>(named: Option<Named<T>>, usual: T) -> T {
    value(named).unwrap_or(usual)
}

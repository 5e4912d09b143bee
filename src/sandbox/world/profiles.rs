//! What callers may do to launch profiles: create, update, delete.
//!
//! Each takes a transition. Whether it will succeed is known when it begins, and told when it ends,
//! as the model has status codes for it.

use jiff::Timestamp;

use super::commands::Caller;
use super::lifecycle::later;
use super::nouns::{
    BackupMode, LaunchProfile, LaunchProfileId, Mode, ResourceState, SessionBackup, SessionState,
    StreamConfiguration, StudioId, Tags,
};
use super::refusal::Refusal;
use super::resources::{
    ComponentType, LaunchProfileStatusCode as Code, Transition, ValidationResult, ValidationState,
    ValidationStatusCode, ValidationType,
};
use super::tags::check_tags;
use super::{Held, Operation, SESSION_LENGTH_DEFAULT_MINUTES, Subject, Timer, World, ids};

/// What a launch profile is created from.
#[derive(Clone, Debug)]
pub struct NewLaunchProfile {
    pub name: String,
    pub description: Option<String>,
    pub subnet_ids: Vec<String>,
    pub studio_component_ids: Vec<String>,
    pub stream: StreamConfiguration,
    pub tags: Tags,
}

/// What is to change of a launch profile; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct LaunchProfileChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub studio_component_ids: Option<Vec<String>>,
    /// Takes the place of the old one as a whole: what it leaves out is lost.
    pub stream: Option<StreamConfiguration>,
}

impl World {
    /// Creates a launch profile that nobody but the administrators may launch yet.
    ///
    /// # Errors
    /// Quota; not found for a component; validation for a stream configuration that contradicts itself, for bad
    /// tags, and for a malformed or reused client token.
    pub fn create_launch_profile(
        &mut self,
        studio: &str,
        new: NewLaunchProfile,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<LaunchProfile, Refusal> {
        let operation = Operation::CreateLaunchProfile;
        let parameters = format!("{studio}\n{new:?}");
        self.once(operation, parameters, caller, now, |world, at| {
            // What is not there is told before what it does not allow.
            world.held(studio)?;
            check_tags(&new.tags)?;
            check_stream(&new.stream)?;
            let ends = later(at, world.timings.profile);
            let id = ids::resource_id(&format!("{studio} profile created {}", *world.created));
            let held = world.held_mut(studio)?;
            held.check_components(&new.studio_component_ids)?;
            held.check_profile_quota()?;
            let mut profile = LaunchProfile::new(&id, &new.name);
            profile.description = new.description;
            profile.subnet_ids = new.subnet_ids;
            profile.studio_component_ids = new.studio_component_ids;
            profile.stream = completed(new.stream);
            profile.tags = new.tags;
            profile.members = Some(super::Members::new());
            profile.created_at = Some(at);
            profile.created_by = Some(caller.principal.to_owned());
            begin(held, &mut profile, ResourceState::CreateInProgress, caller, at, ends);
            let created = world.keep_profile(studio, profile)?;
            *world.created.change() += 1;
            Ok((id, created))
        })
    }

    /// Changes a launch profile. Sessions that are there keep the modes they were created with.
    ///
    /// # Errors
    /// As for [`World::create_launch_profile`]; conflict while another operation is under way.
    pub fn update_launch_profile(
        &mut self,
        studio: &str,
        profile: &str,
        change: LaunchProfileChange,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<LaunchProfile, Refusal> {
        let operation = Operation::UpdateLaunchProfile;
        let parameters = format!("{studio}\n{profile}\n{change:?}");
        self.once(operation, parameters, caller, now, |world, at| {
            let ends = later(at, world.timings.profile);
            let mut changed = world.existing(studio, profile)?.clone();
            let origins =
                [ResourceState::Ready, ResourceState::UpdateFailed, ResourceState::DeleteFailed];
            allow(&changed, operation, &origins)?;
            let held = world.held(studio)?;
            if let Some(stream) = change.stream {
                check_stream(&stream)?;
                changed.stream = completed(stream);
            }
            if let Some(components) = change.studio_component_ids {
                held.check_components(&components)?;
                changed.studio_component_ids = components;
            }
            changed.name = change.name.unwrap_or(changed.name);
            changed.description = change.description.or(changed.description);
            begin(held, &mut changed, ResourceState::UpdateInProgress, caller, at, ends);
            // What cannot succeed changes nothing but the state.
            if changed.transition.as_ref().is_some_and(|transition| transition.failure.is_some()) {
                let old = world.existing(studio, profile)?;
                changed.stream = old.stream.clone();
                changed.studio_component_ids.clone_from(&old.studio_component_ids);
                changed.name.clone_from(&old.name);
                changed.description.clone_from(&old.description);
            }
            Ok((profile.to_owned(), world.keep_profile(studio, changed)?))
        })
    }

    /// Deletes a launch profile. It ends in DELETE_FAILED while there are sessions of it.
    ///
    /// # Errors
    /// Conflict while another operation is under way; not found; validation for a malformed or reused client token.
    pub fn delete_launch_profile(
        &mut self,
        studio: &str,
        profile: &str,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<LaunchProfile, Refusal> {
        let operation = Operation::DeleteLaunchProfile;
        let parameters = format!("{studio}\n{profile}");
        self.once(operation, parameters, caller, now, |world, at| {
            let ends = later(at, world.timings.profile);
            let mut deleted = world.existing(studio, profile)?.clone();
            let origins = [
                ResourceState::Ready,
                ResourceState::CreateFailed,
                ResourceState::UpdateFailed,
                ResourceState::DeleteFailed,
            ];
            allow(&deleted, operation, &origins)?;
            let held = world.held(studio)?;
            begin(held, &mut deleted, ResourceState::DeleteInProgress, caller, at, ends);
            Ok((profile.to_owned(), world.keep_profile(studio, deleted)?))
        })
    }

    /// Lets the transition that is over at `at` end.
    pub(super) fn pass_profile(
        &mut self,
        at: Timestamp,
        studio: &StudioId,
        profile: &LaunchProfileId,
    ) {
        let Some(held) = self.studios.get_mut(studio) else { return };
        let in_use = held.sessions.values().any(|session| {
            session.launch_profile_id.as_ref() == Some(profile)
                && session.state != SessionState::Deleted
        });
        let Some(profile) = held.profiles.get_mut(profile) else { return };
        if let Some(transition) = profile.transition.take() {
            end(profile, transition, in_use, at);
        }
    }

    /// A launch profile that is not DELETED.
    fn existing(&self, studio: &str, profile: &str) -> Result<&LaunchProfile, Refusal> {
        let found = self.launch_profile(studio, profile)?;
        match found.state {
            ResourceState::Deleted => Err(Refusal::LaunchProfileNotFound(profile.to_owned())),
            _ => Ok(found),
        }
    }

    /// Takes a launch profile with its transition, and waits for that to end.
    fn keep_profile(
        &mut self,
        studio: &str,
        profile: LaunchProfile,
    ) -> Result<LaunchProfile, Refusal> {
        let held = self.held_mut(studio)?;
        let id = held.studio.id.clone();
        held.profiles.insert(profile.id.clone(), profile.clone());
        if let Some(transition) = &profile.transition {
            let subject = Subject::LaunchProfile(profile.id.clone());
            let timer: Timer = (transition.ends, id, subject);
            self.timers.insert(timer);
        }
        Ok(profile)
    }
}

impl Held {
    fn check_components(&self, ids: &[String]) -> Result<(), Refusal> {
        let missing = ids.iter().find(|id| !self.components.contains_key(*id));
        missing.map_or(Ok(()), |id| Err(Refusal::ComponentNotFound(id.clone())))
    }

    fn check_profile_quota(&self) -> Result<(), Refusal> {
        let Some(quota) = self.studio.launch_profile_quota else { return Ok(()) };
        let there = |profile: &&LaunchProfile| profile.state != ResourceState::Deleted;
        match self.profiles.values().filter(there).count() {
            count if count < quota => Ok(()),
            _ => Err(Refusal::LaunchProfileQuota { studio: self.studio.id.to_string(), quota }),
        }
    }

    /// Why a launch profile cannot come into being as it is.
    fn failure(&self, profile: &LaunchProfile) -> Option<(Code, String)> {
        for id in &profile.stream.streaming_image_ids {
            match self.images.get(id).map(|image| &image.state) {
                Some(ResourceState::Ready) => {}
                None | Some(ResourceState::Deleted) => {
                    let why = format!("streaming image {id} was not found");
                    return Some((Code::StreamingImageNotFound, why));
                }
                Some(state) => {
                    let why = format!("streaming image {id} is {}, not READY", state.as_str());
                    return Some((Code::StreamingImageNotReady, why));
                }
            }
        }
        let subnet = profile.subnet_ids.iter().find(|id| !id.starts_with("subnet-"))?;
        Some((Code::InvalidSubnetsProvided, format!("subnet {subnet} was not found")))
    }

    fn uses_active_directory(&self, profile: &LaunchProfile) -> bool {
        let components =
            profile.studio_component_ids.iter().filter_map(|id| self.components.get(id));
        components.into_iter().any(|component| component.kind == ComponentType::ActiveDirectory)
    }
}

/// Refuses an operation that the launch profile's state does not allow, as for a session.
pub(super) fn allow(
    profile: &LaunchProfile,
    operation: Operation,
    origins: &[ResourceState],
) -> Result<(), Refusal> {
    if origins.contains(&profile.state) {
        return Ok(());
    }
    let (id, state) = (profile.id.to_string(), profile.state.clone());
    match state {
        ResourceState::CreateInProgress
        | ResourceState::UpdateInProgress
        | ResourceState::DeleteInProgress => {
            Err(Refusal::ProfileInTransition { profile: id, state })
        }
        ResourceState::Ready
        | ResourceState::Deleted
        | ResourceState::DeleteFailed
        | ResourceState::CreateFailed
        | ResourceState::UpdateFailed
        | ResourceState::Other(_) => {
            Err(Refusal::ProfileNotFromState { profile: id, state, operation })
        }
    }
}

/// What the model's text says of members that allow each other.
fn check_stream(stream: &StreamConfiguration) -> Result<(), Refusal> {
    let persists = stream.session_persistence_mode == Some(Mode::Activated);
    let terminates = stream.automatic_termination_mode == Some(Mode::Activated);
    let refuse = |parameter, condition| Err(Refusal::NotAllowed { parameter, condition });
    if stream.automatic_termination_mode.is_some() && !persists {
        return refuse(
            "streamConfiguration.automaticTerminationMode",
            "sessionPersistenceMode is ACTIVATED",
        );
    }
    if stream.volume_configuration.is_some() && !persists {
        return refuse(
            "streamConfiguration.volumeConfiguration",
            "sessionPersistenceMode is ACTIVATED",
        );
    }
    if stream.max_stopped_session_length_in_minutes.unwrap_or(0) > 0 && !(persists && terminates) {
        return refuse(
            "streamConfiguration.maxStoppedSessionLengthInMinutes",
            "sessionPersistenceMode and automaticTerminationMode are ACTIVATED",
        );
    }
    Ok(())
}

/// With the service's defaults.
fn completed(stream: StreamConfiguration) -> StreamConfiguration {
    let persists = stream.session_persistence_mode == Some(Mode::Activated);
    let termination = stream.automatic_termination_mode;
    StreamConfiguration {
        max_session_length_in_minutes: Some(
            stream.max_session_length_in_minutes.unwrap_or(SESSION_LENGTH_DEFAULT_MINUTES),
        ),
        max_stopped_session_length_in_minutes: Some(
            stream.max_stopped_session_length_in_minutes.unwrap_or(0),
        ),
        automatic_termination_mode: termination.or(persists.then_some(Mode::Deactivated)),
        session_backup: Some(stream.session_backup.unwrap_or(SessionBackup {
            mode: BackupMode::Deactivated,
            max_backups_to_retain: None,
        })),
        ..stream
    }
}

/// Begins a transition of a launch profile with what it is to be.
fn begin(
    held: &Held,
    profile: &mut LaunchProfile,
    state: ResourceState,
    caller: Caller<'_>,
    at: Timestamp,
    ends: Timestamp,
) {
    let deletes = state == ResourceState::DeleteInProgress;
    let failure = if deletes { None } else { held.failure(profile) };
    profile.status_code = Some(match state {
        ResourceState::CreateInProgress => Code::CreateInProgress,
        ResourceState::UpdateInProgress => Code::UpdateInProgress,
        _ => Code::DeleteInProgress,
    });
    profile.state = state;
    profile.status_message = None;
    profile.updated_at = Some(at);
    profile.updated_by = Some(caller.principal.to_owned());
    if !deletes {
        profile.validation_results = validations(held.uses_active_directory(profile));
    }
    profile.transition = Some(Transition { ends, failure });
}

fn end(profile: &mut LaunchProfile, transition: Transition, in_use: bool, at: Timestamp) {
    let (state, code, message) = match (&profile.state, transition.failure) {
        (ResourceState::DeleteInProgress, _) if in_use => (
            ResourceState::DeleteFailed,
            Code::WithStreamSessionsNotDeleted,
            Some("there are streaming sessions of this launch profile".to_owned()),
        ),
        (ResourceState::DeleteInProgress, _) => (ResourceState::Deleted, Code::Deleted, None),
        (ResourceState::CreateInProgress, None) => (ResourceState::Ready, Code::Created, None),
        (ResourceState::CreateInProgress, Some((code, why))) => {
            (ResourceState::CreateFailed, code, Some(why))
        }
        (_, None) => (ResourceState::Ready, Code::Updated, None),
        (_, Some((code, why))) => (ResourceState::UpdateFailed, code, Some(why)),
    };
    for result in &mut profile.validation_results {
        let failed = code == Code::InvalidSubnetsProvided
            && result.kind == ValidationType::SubnetAssociation;
        if failed {
            result.state = ValidationState::Failed;
            result.status_code = ValidationStatusCode::SubnetNotFound;
            result.status_message = message.clone().unwrap_or_default();
        } else if result.state == ValidationState::InProgress {
            result.state = ValidationState::Success;
            result.status_code = ValidationStatusCode::Success;
            result.status_message = "The validation succeeded.".to_owned();
        }
    }
    profile.state = state;
    profile.status_code = Some(code);
    profile.status_message = message;
    profile.updated_at = Some(at);
}

/// What is validated of every launch profile, and of one with an Active Directory.
fn validations(active_directory: bool) -> Vec<ValidationResult> {
    let kinds = [
        ValidationType::SubnetAssociation,
        ValidationType::NetworkAclAssociation,
        ValidationType::SecurityGroupAssociation,
    ];
    let directory = active_directory.then_some(ValidationType::ActiveDirectory);
    let begun = |kind| ValidationResult {
        kind,
        state: ValidationState::InProgress,
        status_code: ValidationStatusCode::InProgress,
        status_message: "The validation is in progress.".to_owned(),
    };
    kinds.into_iter().chain(directory).map(begun).collect()
}

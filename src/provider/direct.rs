//! The sandbox's world without HTTP: the same simulated studio through a shorter door.
//!
//! Tests and simulations of the core come in here, so that what they show does not depend on a
//! socket. The rule of what stopping does is the adapter's own, fed with the world's words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, ready};
use jiff::Timestamp;

use super::nimble::stopping::{
    Instants, ProfileModes, Retention, SessionModes, Setting, Switch, ending, persistence,
    retains_volumes, stopping, stopping_of_new, termination,
};
use super::{Accepted, ClientToken, Provider, ProviderError};
use crate::clock::Clock;
use crate::ids::{AccountId, SessionId, StudioId, StudioRole};
use crate::inventory::{self, Gap, Problem, Session, SessionState, Snapshot, Transition, Wanted};
use crate::sandbox::world::{
    Caller, Edition, LaunchProfile, LaunchProfileFilter, Member, MembersOf, Mode, Persona, Refusal,
    RefusalKind, Session as WorldSession, SessionFilter, SessionState as WorldState, Tags,
    VolumeRetentionMode, World,
};

/// The service's default for a launch profile that says nothing.
const SESSION_MINUTES_DEFAULT: u32 = 690;

/// One studio of a simulated world.
#[derive(Clone)]
pub struct Direct {
    studio: StudioId,
    world: Arc<Mutex<World>>,
    clock: Arc<dyn Clock>,
    principal: String,
    known: Arc<Mutex<Known>>,
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct").field("studio", &self.studio).finish_non_exhaustive()
    }
}

impl Direct {
    /// A door to one studio; `principal` is who the calls seem to come from.
    #[must_use]
    pub fn new(
        studio: StudioId,
        world: Arc<Mutex<World>>,
        clock: Arc<dyn Clock>,
        principal: &str,
    ) -> Self {
        Self { studio, world, clock, principal: principal.to_owned(), known: Arc::default() }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_all(&self) -> Snapshot {
        let now = self.clock.now();
        let mut world = self.world();
        let mut snapshot = Snapshot::unread(now, Vec::new());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(refusal) = known.fill(&mut snapshot, &mut world, self.studio.as_str(), now) {
            let error = provider_error("ListStreamingSessions", &refusal);
            let gap =
                Gap { wanted: Wanted::Sessions, problem: error.problem, detail: error.detail };
            snapshot.gaps.push(gap);
        }
        snapshot
    }

    fn read_one(&self, id: &SessionId) -> Result<Session, ProviderError> {
        let now = self.clock.now();
        let mut world = self.world();
        let studio = self.studio.as_str();
        let session = world.session(studio, id.as_str(), now).cloned();
        let session = session.map_err(|refusal| provider_error("GetStreamingSession", &refusal))?;
        Ok(self.translated(&world, &session))
    }

    fn translated(&self, world: &World, session: &WorldSession) -> Session {
        let profile = session.launch_profile_id.as_ref();
        let profile =
            profile.and_then(|id| world.launch_profile(self.studio.as_str(), id.as_str()).ok());
        translate(session, profile, roles(world, self.studio.as_str()).of(session))
    }

    /// Carries out a change, in the world and as the answer.
    fn change(
        &self,
        operation: &'static str,
        token: &ClientToken,
        act: impl FnOnce(&mut World, &str, Caller<'_>, Timestamp) -> Result<WorldSession, Refusal>,
    ) -> Result<Accepted, ProviderError> {
        let now = self.clock.now();
        let mut world = self.world();
        let caller = Caller::new(&self.principal).with_token(&token.0);
        let session = act(&mut world, self.studio.as_str(), caller, now)
            .map_err(|refusal| provider_error(operation, &refusal))?;
        Ok(Accepted { session: self.translated(&world, &session), request_id: None })
    }
}

impl Provider for Direct {
    fn observe(&self) -> BoxFuture<'_, Snapshot> {
        Box::pin(ready(self.read_all()))
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        let known = self.world().studio(self.studio.as_str()).map(drop);
        Box::pin(ready(known.map_err(|refusal| provider_error("GetStudio", &refusal))))
    }

    fn read<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Session, ProviderError>> {
        Box::pin(ready(self.read_one(session)))
    }

    fn stop<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        let retention = session.retains_volumes.then_some(VolumeRetentionMode::Retain);
        let id = session.id.as_str();
        Box::pin(ready(self.change("StopStreamingSession", token, |world, studio, caller, now| {
            world.stop(studio, id, retention, caller, now)
        })))
    }

    fn start<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        let id = session.id.as_str();
        Box::pin(ready(self.change(
            "StartStreamingSession",
            token,
            |world, studio, caller, now| world.start(studio, id, None, caller, now),
        )))
    }

    fn tag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        let tags = Tags::from([(key.to_owned(), value.to_owned())]);
        let arn = session.arn.as_deref().unwrap_or_default();
        let caller = Caller::new(&self.principal);
        let done = self.world().tag(arn, &tags, caller, self.clock.now());
        Box::pin(ready(done.map_err(|refusal| provider_error("TagResource", &refusal))))
    }

    fn untag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        let arn = session.arn.as_deref().unwrap_or_default();
        let caller = Caller::new(&self.principal);
        let done = self.world().untag(arn, &[key.to_owned()], caller, self.clock.now());
        Box::pin(ready(done.map_err(|refusal| provider_error("UntagResource", &refusal))))
    }
}

/// What was translated last: a studio is listed again and again, and little of it changes meanwhile.
#[derive(Default)]
struct Known {
    /// In the order of the ids.
    #[expect(clippy::vec_box, reason = "each is moved from one list to the next")]
    profiles: Vec<Box<KnownProfile>>,
    /// In the order of the ids.
    #[expect(clippy::vec_box, reason = "each is moved from one list to the next")]
    sessions: Vec<Box<KnownSession>>,
    /// How many translations of profiles there were.
    editions: u64,
    /// What was read last, and which edition of the studio that was.
    last: Option<(Edition, Snapshot)>,
}

struct KnownProfile {
    profile: LaunchProfile,
    seen: inventory::LaunchProfile,
    /// Another one for each translation.
    edition: u64,
}

struct KnownSession {
    session: WorldSession,
    /// The edition of its launch profile, if it has one.
    edition: Option<u64>,
    seen: Arc<Session>,
}

impl Known {
    fn fill(
        &mut self,
        snapshot: &mut Snapshot,
        world: &mut World,
        studio: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        world.advance(now);
        let edition = world.edition(studio)?;
        if let Some((_, last)) = self.last.as_ref().filter(|(last, _)| *last == edition) {
            *snapshot = Snapshot { began: snapshot.began, ..last.clone() };
            return Ok(());
        }
        let everything = LaunchProfileFilter::default();
        self.read_profiles(&world.launch_profiles(studio, &everything, None, usize::MAX)?.items);
        let profiles = self.profiles.iter();
        let seen = profiles.map(|known| (known.profile.id.as_str().into(), known.seen.clone()));
        snapshot.profiles = seen.collect();
        let account = AccountId::from(world.studio(studio)?.account.as_str());
        snapshot.accounts = BTreeSet::from([account]).into_iter().collect();
        let everything = SessionFilter::default();
        let roles = roles(world, studio);
        let found = world.sessions(studio, &everything, None, usize::MAX, now)?;
        self.read_sessions(&found.items, &roles);
        let sessions = self.sessions.iter();
        snapshot.sessions =
            sessions.map(|known| (known.seen.id.clone(), Arc::clone(&known.seen))).collect();
        self.last = Some((edition, snapshot.clone()));
        Ok(())
    }

    fn read_profiles(&mut self, profiles: &[&LaunchProfile]) {
        let mut before = std::mem::take(&mut self.profiles).into_iter().peekable();
        for profile in profiles {
            while before.next_if(|known| known.profile.id < profile.id).is_some() {}
            let known = before.next_if(|known| known.profile == **profile);
            self.profiles.push(known.unwrap_or_else(|| {
                self.editions += 1;
                let stopping = stopping_of_new(Some(&profile_modes(profile)));
                let seen = inventory::LaunchProfile { name: Some(profile.name.clone()), stopping };
                let (profile, edition) = ((*profile).clone(), self.editions);
                Box::new(KnownProfile { profile, seen, edition })
            }));
        }
    }

    fn read_sessions(&mut self, sessions: &[&WorldSession], roles: &Roles) {
        let mut before = std::mem::take(&mut self.sessions).into_iter().peekable();
        for session in sessions {
            let profile = session.launch_profile_id.as_ref().and_then(|id| {
                let place = self.profiles.binary_search_by(|known| known.profile.id.cmp(id));
                self.profiles.get(place.ok()?)
            });
            let edition = profile.map(|known| known.edition);
            while before.next_if(|known| known.session.id < session.id).is_some() {}
            let role = roles.of(session);
            let known = before.next_if(|known| {
                known.edition == edition
                    && known.seen.studio_role == role
                    && known.session == **session
            });
            self.sessions.push(known.unwrap_or_else(|| {
                let profile = profile.map(|known| &known.profile);
                let seen = Arc::new(translate(session, profile, role));
                Box::new(KnownSession { session: (*session).clone(), edition, seen })
            }));
        }
    }
}

/// What the members of a studio are there; nobody else is anything.
struct Roles(BTreeMap<String, Option<StudioRole>>);

fn roles(world: &World, studio: &str) -> Roles {
    let of = MembersOf { studio, launch_profile: None };
    let members = world.members(of, None, usize::MAX).map(|page| page.items).unwrap_or_default();
    let role = |member: &Member| match member.persona {
        Persona::Administrator => Some(StudioRole::Administrator),
        Persona::User | Persona::Other(_) => None,
    };
    let roles = members.into_iter().map(|member| (member.principal_id.clone(), role(member)));
    Roles(roles.collect())
}

impl Roles {
    fn of(&self, session: &WorldSession) -> Option<StudioRole> {
        let owner = session.owned_by.as_ref()?;
        self.0.get(owner).copied().unwrap_or(Some(StudioRole::Nothing))
    }
}

fn translate(
    session: &WorldSession,
    profile: Option<&LaunchProfile>,
    studio_role: Option<StudioRole>,
) -> Session {
    let modes = SessionModes {
        persistence: switch(session.session_persistence_mode.as_ref()),
        termination: switch(session.automatic_termination_mode.as_ref()),
        retention: retention(session.volume_retention_mode.as_ref()),
    };
    let profile_modes = profile.map(profile_modes);
    let profile_modes = profile_modes.as_ref();
    let state = state(&session.state);
    let instants = Instants {
        start: session.started_at.max(session.created_at),
        stop_at: session.stop_at,
        stopped_at: session.stopped_at,
        terminate_at: session.terminate_at,
    };
    let stopping = stopping(&modes, profile_modes);
    Session {
        id: session.id.as_str().into(),
        arn: Some(session.arn.clone()),
        status: session.status_code.as_ref().map(|code| code.as_str().to_owned()),
        owner: session.owned_by.as_deref().map(Into::into),
        studio_role,
        launch_profile: session.launch_profile_id.as_ref().map(|id| id.as_str().into()),
        launch_profile_name: profile.map(|profile| profile.name.clone()),
        instance_type: session.ec2_instance_type.as_deref().map(Into::into),
        streaming_image: session.streaming_image_id.as_ref().map(|id| id.to_string().into()),
        persistence: persistence(&modes, profile_modes),
        created_at: session.created_at,
        started_at: session.started_at,
        started_by: session.started_by.clone(),
        stopped_at: session.stopped_at,
        stopped_by: session.stopped_by.clone(),
        terminate_at: termination(&state, &stopping, &instants),
        ends_itself: ending(&state, &stopping, profile_modes, &instants),
        retains_volumes: retains_volumes(&modes, profile_modes),
        tags: session.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        state,
        stopping,
    }
}

fn profile_modes(profile: &LaunchProfile) -> ProfileModes {
    let minutes = |minutes: Option<u32>, absent: u32| {
        i32::try_from(minutes.unwrap_or(absent)).unwrap_or(i32::MAX)
    };
    let stream = &profile.stream;
    ProfileModes {
        persistence: switch(stream.session_persistence_mode.as_ref()),
        termination: switch(stream.automatic_termination_mode.as_ref()),
        session_minutes_max: minutes(stream.max_session_length_in_minutes, SESSION_MINUTES_DEFAULT),
        stopped_minutes_max: minutes(stream.max_stopped_session_length_in_minutes, 0),
    }
}

fn switch(mode: Option<&Mode>) -> Setting<Switch> {
    match mode {
        None => Setting::Absent,
        Some(Mode::Activated) => Setting::Known(Switch::Activated),
        Some(Mode::Deactivated) => Setting::Known(Switch::Deactivated),
        Some(Mode::Other(word)) => Setting::Unknown(word.to_string()),
    }
}

fn retention(mode: Option<&VolumeRetentionMode>) -> Setting<Retention> {
    match mode {
        None => Setting::Absent,
        Some(VolumeRetentionMode::Retain) => Setting::Known(Retention::Retain),
        Some(VolumeRetentionMode::Delete) => Setting::Known(Retention::Delete),
        Some(VolumeRetentionMode::Other(word)) => Setting::Unknown(word.to_string()),
    }
}

fn state(state: &WorldState) -> SessionState {
    match state {
        WorldState::Ready => SessionState::Ready,
        WorldState::Stopped => SessionState::Stopped,
        WorldState::Deleted => SessionState::Deleted,
        WorldState::CreateInProgress => SessionState::Transitional(Transition::Create),
        WorldState::StartInProgress => SessionState::Transitional(Transition::Start),
        WorldState::StopInProgress => SessionState::Transitional(Transition::Stop),
        WorldState::DeleteInProgress => SessionState::Transitional(Transition::Delete),
        WorldState::CreateFailed => SessionState::Failed(Transition::Create),
        WorldState::StartFailed => SessionState::Failed(Transition::Start),
        WorldState::StopFailed => SessionState::Failed(Transition::Stop),
        WorldState::DeleteFailed => SessionState::Failed(Transition::Delete),
        WorldState::Other(word) => SessionState::Unknown(word.to_string()),
    }
}

fn provider_error(operation: &'static str, refusal: &Refusal) -> ProviderError {
    let problem = match refusal.kind() {
        RefusalKind::NotFound => Problem::Gone,
        RefusalKind::Conflict => Problem::Conflict,
        RefusalKind::Validation | RefusalKind::Quota => Problem::Refused,
    };
    ProviderError { problem, operation, detail: refusal.to_string(), request_id: None }
}

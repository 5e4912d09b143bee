//! The pure state machine of simulated studios.
//!
//! A `World` knows nothing of clocks, files, networks or HTTP. Every method takes `now`, brings the
//! world up to it, and then answers; between two calls nothing happens. Time is kept in whole
//! seconds, as the service's timestamps are. Start reading at [`World`], then `commands.rs` for
//! what callers may do and `lifecycle.rs` for what sessions do by themselves.

mod backups;
mod commands;
mod ids;
mod lifecycle;
mod members;
mod nouns;
mod operation;
mod profiles;
mod refusal;
mod resources;
mod restart;
mod stored;
mod streams;
mod tags;
mod tokens;
mod tracked;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use jiff::Timestamp;

pub use commands::{Caller, NewSession};
pub use ids::{resource_id, user_id};
pub use lifecycle::{HowDestroyed, SESSION_LENGTH_DEFAULT_MINUTES, Timings};
pub use members::MembersOf;
pub use nouns::{
    BackupMode, ClipboardMode, Failures, INSTANCE_TYPES, LaunchProfile, LaunchProfileId, Mode,
    ResourceState, Session, SessionBackup, SessionId, SessionState, SessionStatusCode,
    SessionStorage, StreamConfiguration, Studio, StudioId, Tags, VolumeConfiguration,
    VolumeRetentionMode, WireName,
};
pub use operation::Operation;
pub use profiles::{LaunchProfileChange, NewLaunchProfile};
pub use refusal::{
    CLIENT_TOKEN_LENGTH_MAX, Refusal, RefusalKind, TAG_KEY_LENGTH_MAX, TAG_VALUE_LENGTH_MAX,
    TAGS_MAX,
};
pub use resources::{
    Backup, ComponentConfiguration, ComponentStatusCode, ComponentSubtype, ComponentType,
    Encryption, ImageStatusCode, InitializationScript, KeyType, LaunchProfileStatusCode, Member,
    Members, Persona, ScriptPlatform, ScriptRunContext, Stream, StreamState, StreamStatusCode,
    StreamingImage, StudioComponent, StudioStatusCode, ValidationResult, ValidationState,
    ValidationStatusCode, ValidationType,
};
pub use stored::{Change, SCHEMA, Table, Unreadable};
pub(in crate::sandbox) use stored::{Restoring, codec};
pub use streams::{STREAM_SECONDS_DEFAULT, STREAMS_MAX};
pub use tokens::TOKENS_MAX;

use lifecycle::Lifetime;
use tokens::Tokens;
use tracked::{Marked, Stamp, Tracked};

/// How many effects are remembered; the oldest is forgotten first.
pub const EFFECTS_MAX: usize = 200_000;

/// Simulated studios with everything in them.
#[derive(Clone, Debug, Default)]
pub struct World {
    timings: Timings,
    studios: BTreeMap<StudioId, Held>,
    /// The next event of each session and launch profile that waits for one.
    timers: BTreeSet<Timer>,
    tokens: Tokens,
    effects: VecDeque<Effect>,
    destroyed: Vec<Destroyed>,
    /// How many resources were ever created, for ids that do not come twice.
    created: Marked<u64>,
    /// Whether it is noted what changes.
    tracks: bool,
}

type Timer = (Timestamp, StudioId, Subject);

/// What waits for an event. At the same instant sessions come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Session(SessionId),
    LaunchProfile(LaunchProfileId),
}

/// A studio and what it holds.
#[derive(Clone, Debug)]
struct Held {
    studio: Marked<Studio>,
    profiles: Tracked<LaunchProfileId, LaunchProfile>,
    sessions: Tracked<SessionId, Session>,
    /// Its administrators.
    members: Marked<Members>,
    images: Tracked<String, StreamingImage>,
    components: Tracked<String, StudioComponent>,
    backups: Tracked<String, Backup>,
    /// The backups of each session that has some, oldest first; follows from `backups`.
    backups_of: BTreeMap<SessionId, Vec<String>>,
    /// The streams of each session that has some, oldest first.
    streams: Tracked<SessionId, Vec<Stream>>,
}

impl Held {
    fn new(studio: Studio) -> Self {
        Self {
            studio: Marked::new(studio),
            profiles: Tracked::default(),
            sessions: Tracked::default(),
            members: Marked::new(Members::new()),
            images: Tracked::default(),
            components: Tracked::default(),
            backups: Tracked::default(),
            backups_of: BTreeMap::new(),
            streams: Tracked::default(),
        }
    }
}

/// A state of a studio: while this is the same, so is all that can be read of its sessions, launch profiles
/// and members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edition([Stamp; 4]);

/// Something that a caller made happen. A request answered from its client token is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub at: Timestamp,
    pub operation: Operation,
    /// The id of the session, or the ARN that was tagged.
    pub subject: String,
    pub principal: String,
    pub token: Option<String>,
}

/// An artist's work that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destroyed {
    pub at: Timestamp,
    pub studio: StudioId,
    pub session: SessionId,
    pub how: HowDestroyed,
}

/// Which sessions a list is about; what is absent does not restrict it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    pub created_by: Option<String>,
    pub owned_by: Option<String>,
    pub session_ids: Option<BTreeSet<String>>,
}

impl SessionFilter {
    fn takes(&self, session: &Session) -> bool {
        let ids = self.session_ids.as_ref();
        (self.created_by.is_none() || self.created_by == session.created_by)
            && (self.owned_by.is_none() || self.owned_by == session.owned_by)
            && ids.is_none_or(|ids| ids.contains(session.id.as_str()))
    }
}

/// Which launch profiles a list is about; what is absent does not restrict it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchProfileFilter {
    /// Who must be allowed to launch it.
    pub principal_id: Option<String>,
    /// Empty means any state.
    pub states: Vec<ResourceState>,
}

impl LaunchProfileFilter {
    /// An administrator may launch all of them.
    fn takes(&self, profile: &LaunchProfile, administrators: &Members) -> bool {
        let member = match (&self.principal_id, &profile.members) {
            (Some(principal), Some(members)) => {
                members.contains_key(principal) || administrators.contains_key(principal)
            }
            (None, _) | (_, None) => true,
        };
        member && (self.states.is_empty() || self.states.contains(&profile.state))
    }
}

/// Which components a list is about; what is empty does not restrict it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComponentFilter {
    pub states: Vec<ResourceState>,
    pub types: Vec<ComponentType>,
}

impl ComponentFilter {
    fn takes(&self, component: &StudioComponent) -> bool {
        (self.states.is_empty() || self.states.contains(&component.state))
            && (self.types.is_empty() || self.types.contains(&component.kind))
    }
}

/// A part of a list, in the order of the ids.
#[derive(Clone, Debug)]
pub struct Page<'a, T> {
    pub items: Vec<&'a T>,
    /// Whether the list goes on after the last item.
    pub more: bool,
}

impl World {
    /// A world without studios.
    #[must_use]
    pub fn new(timings: Timings) -> Self {
        Self { timings, ..Self::default() }
    }

    /// Adds a studio, or replaces the facts of the studio with that id.
    pub fn add_studio(&mut self, studio: Studio) {
        match self.studios.get_mut(studio.id.as_str()) {
            Some(held) => *held.studio.change() = studio,
            None => {
                let mut held = Held::new(studio);
                if self.tracks {
                    held.track();
                }
                self.studios.insert(held.studio.id.clone(), held);
            }
        }
    }

    /// Adds a launch profile, or replaces the one with that id. The streaming images and components
    /// that it names come with it, where the studio does not have them yet.
    ///
    /// # Errors
    /// There is no such studio.
    pub fn add_launch_profile(
        &mut self,
        studio: &str,
        profile: LaunchProfile,
    ) -> Result<(), Refusal> {
        let held = self.held_mut(studio)?;
        for id in &profile.stream.streaming_image_ids {
            let image = || StreamingImage::new(id, studio);
            held.images.entry(id.clone(), image);
        }
        for id in &profile.studio_component_ids {
            let component = || StudioComponent::new(id, id);
            held.components.entry(id.clone(), component);
        }
        held.profiles.insert(profile.id.clone(), profile);
        Ok(())
    }

    /// Adds a streaming image, or replaces the one with that id.
    ///
    /// # Errors
    /// There is no such studio.
    pub fn add_image(&mut self, studio: &str, image: StreamingImage) -> Result<(), Refusal> {
        self.held_mut(studio)?.images.insert(image.id.clone(), image);
        Ok(())
    }

    /// Adds a studio component, or replaces the one with that id.
    ///
    /// # Errors
    /// There is no such studio.
    pub fn add_component(
        &mut self,
        studio: &str,
        component: StudioComponent,
    ) -> Result<(), Refusal> {
        self.held_mut(studio)?.components.insert(component.id.clone(), component);
        Ok(())
    }

    /// Adds a session as it is, or replaces the one with that id. What follows from its state and
    /// its launch profile (its ARN, `stopAt`, `terminateAt`, the status code, the profile's modes)
    /// is filled in where it is absent.
    ///
    /// # Errors
    /// There is no such studio, or the session names a launch profile that the studio does not have.
    pub fn add_session(&mut self, studio: &str, mut session: Session) -> Result<(), Refusal> {
        let timings = self.timings;
        let held = self.held_mut(studio)?;
        let profile = match &session.launch_profile_id {
            None => None,
            Some(id) => Some(
                held.profiles
                    .get(id)
                    .ok_or_else(|| Refusal::LaunchProfileNotFound(id.to_string()))?,
            ),
        };
        if let Some(profile) = profile {
            inherit(&mut session, profile);
        }
        session.arn = held.studio.arn_of("streaming-session", session.id.as_str());
        let lifetime = Lifetime::of(&session, profile);
        lifecycle::complete(&mut session, lifetime, &timings);
        let key = (held.studio.id.clone(), session.id.clone());
        let replaced = held.sessions.insert(key.1.clone(), session);
        self.forget_timer(&key, replaced.as_ref());
        self.set_timer(&key);
        Ok(())
    }

    /// Lets everything happen that is due by `now`, in the order of its instants.
    pub fn advance(&mut self, now: Timestamp) {
        while self.pass_next(now) {}
    }

    /// Lets the first event happen that is due by `now`. Says whether there was one.
    fn pass_next(&mut self, now: Timestamp) -> bool {
        if self.timers.first().is_none_or(|(due, ..)| *due > now) {
            return false;
        }
        let Some((at, studio, subject)) = self.timers.pop_first() else { return false };
        match subject {
            Subject::Session(session) => self.pass(at, &(studio, session)),
            Subject::LaunchProfile(profile) => self.pass_profile(at, &studio, &profile),
        }
        true
    }

    /// The next instant at which something happens by itself.
    #[must_use]
    pub fn next_event(&self) -> Option<Timestamp> {
        self.timers.first().map(|(due, ..)| *due)
    }

    /// What callers made happen, oldest first; the newest [`EFFECTS_MAX`].
    #[must_use]
    pub fn effects(&self) -> &VecDeque<Effect> {
        &self.effects
    }

    /// The work that was destroyed, in the order of the instants.
    #[must_use]
    pub fn destroyed(&self) -> &[Destroyed] {
        &self.destroyed
    }

    /// A page of the studios after the id `after`.
    #[must_use]
    pub fn studios(&self, after: Option<&str>, limit: usize) -> Page<'_, Studio> {
        page(self.studios.range::<str, _>(from(after)).map(|(_, held)| &*held.studio), limit)
    }

    /// One studio.
    ///
    /// # Errors
    /// There is no such studio.
    pub fn studio(&self, studio: &str) -> Result<&Studio, Refusal> {
        Ok(&self.held(studio)?.studio)
    }

    /// A page of the launch profiles after the id `after`.
    ///
    /// # Errors
    /// There is no such studio.
    pub fn launch_profiles(
        &self,
        studio: &str,
        filter: &LaunchProfileFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<'_, LaunchProfile>, Refusal> {
        let held = self.held(studio)?;
        let rest = held.profiles.range::<str, _>(from(after)).map(|(_, profile)| profile);
        Ok(page(rest.filter(|profile| filter.takes(profile, &held.members)), limit))
    }

    /// One launch profile.
    ///
    /// # Errors
    /// There is no such studio or no such launch profile.
    pub fn launch_profile(&self, studio: &str, profile: &str) -> Result<&LaunchProfile, Refusal> {
        let profiles = &self.held(studio)?.profiles;
        profiles.get(profile).ok_or_else(|| Refusal::LaunchProfileNotFound(profile.to_owned()))
    }

    /// A page of the streaming images after the id `after`, those of one owner where one is named.
    ///
    /// # Errors
    /// There is no such studio.
    pub fn images(
        &self,
        studio: &str,
        owner: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<'_, StreamingImage>, Refusal> {
        let rest = self.held(studio)?.images.range::<str, _>(from(after)).map(|(_, image)| image);
        Ok(page(rest.filter(|image| owner.is_none_or(|owner| owner == image.owner)), limit))
    }

    /// One streaming image.
    ///
    /// # Errors
    /// There is no such studio or no such image.
    pub fn image(&self, studio: &str, image: &str) -> Result<&StreamingImage, Refusal> {
        let images = &self.held(studio)?.images;
        images.get(image).ok_or_else(|| Refusal::ImageNotFound(image.to_owned()))
    }

    /// A page of the studio components after the id `after`.
    ///
    /// # Errors
    /// There is no such studio.
    pub fn components(
        &self,
        studio: &str,
        filter: &ComponentFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<'_, StudioComponent>, Refusal> {
        let components = &self.held(studio)?.components;
        let rest = components.range::<str, _>(from(after)).map(|(_, component)| component);
        Ok(page(rest.filter(|component| filter.takes(component)), limit))
    }

    /// One studio component.
    ///
    /// # Errors
    /// There is no such studio or no such component.
    pub fn component(&self, studio: &str, component: &str) -> Result<&StudioComponent, Refusal> {
        let components = &self.held(studio)?.components;
        components.get(component).ok_or_else(|| Refusal::ComponentNotFound(component.to_owned()))
    }

    /// Which of its states a studio is in, as far as its sessions, launch profiles and members are concerned.
    ///
    /// # Errors
    /// There is no such studio.
    pub fn edition(&self, studio: &str) -> Result<Edition, Refusal> {
        let Held { studio, profiles, sessions, members, .. } = self.held(studio)?;
        Ok(Edition([studio.stamp(), profiles.stamp(), sessions.stamp(), members.stamp()]))
    }

    /// A page of the sessions after the id `after`, DELETED ones among them.
    ///
    /// # Errors
    /// There is no such studio.
    pub fn sessions(
        &mut self,
        studio: &str,
        filter: &SessionFilter,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<'_, Session>, Refusal> {
        self.advance(now);
        let rest =
            self.held(studio)?.sessions.range::<str, _>(from(after)).map(|(_, session)| session);
        Ok(page(rest.filter(|session| filter.takes(session)), limit))
    }

    /// One session.
    ///
    /// # Errors
    /// There is no such studio or no such session.
    pub fn session(
        &mut self,
        studio: &str,
        session: &str,
        now: Timestamp,
    ) -> Result<&Session, Refusal> {
        self.advance(now);
        let sessions = &self.held(studio)?.sessions;
        sessions.get(session).ok_or_else(|| Refusal::SessionNotFound(session.to_owned()))
    }

    /// Changes a session behind the service's back, for simulations of what no request could bring
    /// about.
    ///
    /// # Errors
    /// There is no such studio or no such session.
    pub fn amend_session(
        &mut self,
        studio: &str,
        session: &str,
        now: Timestamp,
        amend: impl FnOnce(&mut Session),
    ) -> Result<(), Refusal> {
        self.advance(now);
        let key = self.key(studio, session)?;
        self.with_session(&key, |session, _, _| amend(session));
        Ok(())
    }

    /// Changes a launch profile behind the service's back. Clocks that run already stay as they
    /// are.
    ///
    /// # Errors
    /// There is no such studio or no such launch profile.
    pub fn amend_launch_profile(
        &mut self,
        studio: &str,
        profile: &str,
        amend: impl FnOnce(&mut LaunchProfile),
    ) -> Result<(), Refusal> {
        let profiles = &mut self.held_mut(studio)?.profiles;
        amend(
            profiles
                .get_mut(profile)
                .ok_or_else(|| Refusal::LaunchProfileNotFound(profile.to_owned()))?,
        );
        Ok(())
    }

    fn held(&self, studio: &str) -> Result<&Held, Refusal> {
        self.studios.get(studio).ok_or_else(|| Refusal::StudioNotFound(studio.to_owned()))
    }

    fn held_mut(&mut self, studio: &str) -> Result<&mut Held, Refusal> {
        self.studios.get_mut(studio).ok_or_else(|| Refusal::StudioNotFound(studio.to_owned()))
    }

    fn key(&self, studio: &str, session: &str) -> Result<(StudioId, SessionId), Refusal> {
        let held = self.held(studio)?;
        match held.sessions.get_key_value(session) {
            Some((id, _)) => Ok((held.studio.id.clone(), id.clone())),
            None => Err(Refusal::SessionNotFound(session.to_owned())),
        }
    }

    /// Runs `change` on a session that is known to exist, and keeps its timer true.
    fn with_session<T>(
        &mut self,
        key: &(StudioId, SessionId),
        change: impl FnOnce(&mut Session, Lifetime, &Timings) -> T,
    ) -> Option<T> {
        let held = self.studios.get_mut(&key.0)?;
        let session = held.sessions.get_mut(&key.1)?;
        if let Some(due) = lifecycle::next_event(session) {
            self.timers.remove(&timer(due, key));
        }
        let before = session.state.clone();
        let profile = session.launch_profile_id.as_ref().and_then(|id| held.profiles.get(id));
        let lifetime = Lifetime::of(session, profile);
        let result = change(session, lifetime, &self.timings);
        if session.state != before {
            held.follow(&key.1, &before);
        }
        self.set_timer(key);
        Some(result)
    }

    fn pass(&mut self, at: Timestamp, key: &(StudioId, SessionId)) {
        let how = self.with_session(key, |session, lifetime, timings| {
            lifecycle::pass_event(session, lifetime, timings, at)
        });
        if let Some(how) = how.flatten() {
            self.destroyed.push(Destroyed {
                at,
                studio: key.0.clone(),
                session: key.1.clone(),
                how,
            });
        }
    }

    fn set_timer(&mut self, key: &(StudioId, SessionId)) {
        let session = self.studios.get(&key.0).and_then(|held| held.sessions.get(&key.1));
        if let Some(due) = session.and_then(lifecycle::next_event) {
            self.timers.insert(timer(due, key));
        }
    }

    fn forget_timer(&mut self, key: &(StudioId, SessionId), session: Option<&Session>) {
        if let Some(due) = session.and_then(lifecycle::next_event) {
            self.timers.remove(&timer(due, key));
        }
    }
}

impl Held {
    /// What follows from a session's new state for its streams and backups.
    fn follow(&mut self, session: &SessionId, before: &SessionState) {
        if *before == SessionState::Ready {
            self.end_streams(session);
        }
        self.follow_backups(session, before);
    }
}

/// A session takes its modes and sizes from its launch profile when it comes into being.
fn inherit(session: &mut Session, profile: &LaunchProfile) {
    let stream = &profile.stream;
    let fill = |own: &mut Option<Mode>, theirs: &Option<Mode>| {
        if own.is_none() {
            own.clone_from(theirs);
        }
    };
    fill(&mut session.session_persistence_mode, &stream.session_persistence_mode);
    fill(&mut session.automatic_termination_mode, &stream.automatic_termination_mode);
    session.volume_configuration = session.volume_configuration.or(stream.volume_configuration);
    if let (Some(backup), None) = (&stream.session_backup, &session.backup_mode) {
        session.backup_mode = Some(backup.mode.clone());
        session.max_backups_to_retain = backup.max_backups_to_retain;
    }
    if session.ec2_instance_type.is_none() {
        session.ec2_instance_type = stream.ec2_instance_types.first().cloned();
    }
    if session.streaming_image_id.is_none() {
        session.streaming_image_id = stream.streaming_image_ids.first().cloned();
    }
}

fn timer(due: Timestamp, key: &(StudioId, SessionId)) -> Timer {
    (due, key.0.clone(), Subject::Session(key.1.clone()))
}

fn from(after: Option<&str>) -> (Bound<&str>, Bound<&str>) {
    (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

fn page<'a, T>(mut rest: impl Iterator<Item = &'a T>, limit: usize) -> Page<'a, T> {
    let items = rest.by_ref().take(limit).collect();
    Page { items, more: rest.next().is_some() }
}

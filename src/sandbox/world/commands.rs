//! What callers may do to a world: stop, start, create, delete, tag, untag.
//!
//! The server uses these for its requests, and simulated artists use them directly.

use jiff::Timestamp;

use super::lifecycle::{self, Timings};
use super::nouns::{
    LaunchProfileId, Session, SessionId, SessionState, StudioId, Tags, VolumeRetentionMode,
};
use super::refusal::{Refusal, TAG_KEY_LENGTH_MAX, TAG_VALUE_LENGTH_MAX, TAGS_MAX};
use super::{EFFECTS_MAX, Effect, Operation, World, ids};

/// Who asks, and the client token of the request.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    pub principal: &'a str,
    pub token: Option<&'a str>,
}

impl<'a> Caller<'a> {
    /// A caller who sends no client token.
    #[must_use]
    pub fn new(principal: &'a str) -> Self {
        Self { principal, token: None }
    }

    /// The same caller with a client token.
    #[must_use]
    pub fn with_token(self, token: &'a str) -> Self {
        Self { token: Some(token), ..self }
    }
}

/// What a session is created from; absent members come from the launch profile.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub launch_profile: LaunchProfileId,
    pub owned_by: String,
    pub ec2_instance_type: Option<String>,
    pub streaming_image_id: Option<String>,
    pub tags: Tags,
}

impl World {
    /// Stops a READY session. Where the launch profile forbids stopping, the request is taken all
    /// the same, and the session ends in STOP_FAILED.
    ///
    /// # Errors
    /// Conflict while another operation is under way; validation in every other state but READY, and for a client token
    /// that is malformed or was used otherwise; not found.
    pub fn stop(
        &mut self,
        studio: &str,
        session: &str,
        retention: Option<VolumeRetentionMode>,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<Session, Refusal> {
        let parameters =
            format!("{studio}\n{session}\n{}", retention.as_ref().map_or("", |mode| mode.as_str()));
        let operation = Operation::StopStreamingSession;
        self.change_once(
            operation,
            studio,
            session,
            parameters,
            caller,
            now,
            |session, timings, at| {
                allow(session, operation, &[SessionState::Ready])?;
                if retention.is_some() {
                    session.volume_retention_mode = retention;
                }
                lifecycle::begin_stop(session, Some(caller.principal), timings, at);
                Ok(())
            },
        )
    }

    /// Starts a session that is STOPPED, or whose last start failed. There are no backups: any
    /// `backup` is not found.
    ///
    /// # Errors
    /// As for [`World::stop`].
    pub fn start(
        &mut self,
        studio: &str,
        session: &str,
        backup: Option<&str>,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<Session, Refusal> {
        let parameters = format!("{studio}\n{session}\n{}", backup.unwrap_or_default());
        let operation = Operation::StartStreamingSession;
        self.change_once(
            operation,
            studio,
            session,
            parameters,
            caller,
            now,
            |session, timings, at| {
                if let Some(backup) = backup {
                    return Err(Refusal::BackupNotFound(backup.to_owned()));
                }
                allow(session, operation, &[SessionState::Stopped, SessionState::StartFailed])?;
                lifecycle::begin_start(session, caller.principal, timings, at);
                Ok(())
            },
        )
    }

    /// Creates a session for an artist.
    ///
    /// # Errors
    /// Quota when the studio is full; not found; validation for a malformed or reused client token, and for bad tags.
    pub fn create_session(
        &mut self,
        studio: &str,
        new: NewSession,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<Session, Refusal> {
        let at = self.bring_to(now);
        let operation = Operation::CreateStreamingSession;
        let parameters = format!("{studio}\n{new:?}");
        if let Some(answered) = self.tokens.replay(operation, caller.token, &parameters)? {
            return Ok(answered);
        }
        check_tags(&new.tags)?;
        self.check_quota(studio)?;
        let id = ids::resource_id(&format!("{studio} session created {}", self.created));
        let mut session = Session::new(&id, SessionState::CreateInProgress);
        session.launch_profile_id = Some(new.launch_profile);
        session.owned_by = Some(new.owned_by);
        session.ec2_instance_type = new.ec2_instance_type;
        session.streaming_image_id = new.streaming_image_id;
        session.tags = new.tags;
        session.created_at = Some(at);
        session.created_by = Some(caller.principal.to_owned());
        session.updated_by = Some(caller.principal.to_owned());
        self.add_session(studio, session)?;
        self.created += 1;
        let created = self.session(studio, &id, at)?.clone();
        self.note(operation, &id, caller, at);
        self.tokens.remember(operation, caller.token, parameters, &created);
        Ok(created)
    }

    /// Deletes a session that is not changing already. Work deleted by its owner does not count as
    /// destroyed.
    ///
    /// # Errors
    /// As for [`World::stop`].
    pub fn delete_session(
        &mut self,
        studio: &str,
        session: &str,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<Session, Refusal> {
        let parameters = format!("{studio}\n{session}");
        let operation = Operation::DeleteStreamingSession;
        self.change_once(
            operation,
            studio,
            session,
            parameters,
            caller,
            now,
            |session, timings, at| {
                let origins = [
                    SessionState::Ready,
                    SessionState::Stopped,
                    SessionState::CreateFailed,
                    SessionState::DeleteFailed,
                    SessionState::StopFailed,
                    SessionState::StartFailed,
                ];
                allow(session, operation, &origins)?;
                lifecycle::begin_delete(session, Some(caller.principal), timings, at);
                Ok(())
            },
        )
    }

    /// Adds tags to the studio, launch profile or session of that ARN; a key that is there already
    /// gets the new value.
    ///
    /// # Errors
    /// Not found; validation for keys and values out of bounds; quota for more than [`TAGS_MAX`] tags.
    pub fn tag(
        &mut self,
        arn: &str,
        tags: &Tags,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let at = self.bring_to(now);
        check_tags(tags)?;
        let held = self.tags_mut(arn)?;
        let count = held.len() + tags.keys().filter(|key| !held.contains_key(*key)).count();
        if count > TAGS_MAX {
            return Err(Refusal::TooManyTags { resource: arn.to_owned(), count });
        }
        held.extend(tags.iter().map(|(key, value)| (key.clone(), value.clone())));
        self.note(Operation::TagResource, arn, caller, at);
        Ok(())
    }

    /// Takes tags away; keys that are not there do not matter.
    ///
    /// # Errors
    /// Not found.
    pub fn untag(
        &mut self,
        arn: &str,
        keys: &[String],
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let at = self.bring_to(now);
        let held = self.tags_mut(arn)?;
        for key in keys {
            held.remove(key);
        }
        self.note(Operation::UntagResource, arn, caller, at);
        Ok(())
    }

    /// The tags of the studio, launch profile or session of that ARN.
    ///
    /// # Errors
    /// Not found.
    pub fn tags(&mut self, arn: &str, now: Timestamp) -> Result<&Tags, Refusal> {
        self.advance(now);
        Ok(self.tags_mut(arn)?)
    }

    /// The studio in which the ARN's resource lies.
    #[must_use]
    pub fn studio_of(&self, arn: &str) -> Option<&StudioId> {
        let (kind, id) = arn_tail(arn)?;
        let holds = |(_, held): &(&StudioId, &super::Held)| match kind {
            "studio" => held.studio.arn() == arn,
            "launch-profile" => {
                held.profiles.contains_key(id) && held.studio.arn_of(kind, id) == arn
            }
            "streaming-session" => held.sessions.get(id).is_some_and(|session| session.arn == arn),
            _ => false,
        };
        self.studios.iter().find(holds).map(|(id, _)| id)
    }

    /// Brings the world up to `now`, and gives the instant at which a request made now happens:
    /// whole seconds.
    fn bring_to(&mut self, now: Timestamp) -> Timestamp {
        self.advance(now);
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    #[expect(clippy::too_many_arguments, reason = "the request's own members, and what it does")]
    fn change_once(
        &mut self,
        operation: Operation,
        studio: &str,
        session: &str,
        parameters: String,
        caller: Caller<'_>,
        now: Timestamp,
        change: impl FnOnce(&mut Session, &Timings, Timestamp) -> Result<(), Refusal>,
    ) -> Result<Session, Refusal> {
        let at = self.bring_to(now);
        if let Some(answered) = self.tokens.replay(operation, caller.token, &parameters)? {
            return Ok(answered);
        }
        let key: (StudioId, SessionId) = self.key(studio, session)?;
        let changed = self.with_session(&key, |session, _, timings| {
            change(session, timings, at)?;
            Ok(session.clone())
        });
        let changed =
            changed.unwrap_or_else(|| Err(Refusal::SessionNotFound(session.to_owned())))?;
        self.note(operation, session, caller, at);
        self.tokens.remember(operation, caller.token, parameters, &changed);
        Ok(changed)
    }

    fn note(&mut self, operation: Operation, subject: &str, caller: Caller<'_>, at: Timestamp) {
        if self.effects.len() == EFFECTS_MAX {
            self.effects.pop_front();
        }
        self.effects.push_back(Effect {
            at,
            operation,
            subject: subject.to_owned(),
            principal: caller.principal.to_owned(),
            token: caller.token.map(str::to_owned),
        });
    }

    fn check_quota(&self, studio: &str) -> Result<(), Refusal> {
        let held = self.held(studio)?;
        let Some(quota) = held.studio.session_quota else {
            return Ok(());
        };
        let count =
            held.sessions.values().filter(|session| session.state != SessionState::Deleted).count();
        if count < quota {
            Ok(())
        } else {
            Err(Refusal::SessionQuota { studio: studio.to_owned(), quota })
        }
    }

    fn tags_mut(&mut self, arn: &str) -> Result<&mut Tags, Refusal> {
        let found = self.studio_of(arn).cloned().zip(arn_tail(arn));
        let tags = found.and_then(|(studio, (kind, id))| {
            let held = self.studios.get_mut(&studio)?;
            match kind {
                "studio" => Some(&mut held.studio.tags),
                "launch-profile" => held.profiles.get_mut(id).map(|profile| &mut profile.tags),
                _ => held.sessions.get_mut(id).map(|session| &mut session.tags),
            }
        });
        tags.ok_or_else(|| Refusal::ResourceNotFound(arn.to_owned()))
    }
}

/// Refuses an operation that the session's state does not allow. A transition passes by itself, so
/// it is a conflict; any other state does not, and asking again is useless, so it is a mistake in
/// the request. The service documents neither.
fn allow(session: &Session, operation: Operation, origins: &[SessionState]) -> Result<(), Refusal> {
    if origins.contains(&session.state) {
        return Ok(());
    }
    let (id, state) = (session.id.to_string(), session.state.clone());
    match state {
        SessionState::CreateInProgress
        | SessionState::DeleteInProgress
        | SessionState::StopInProgress
        | SessionState::StartInProgress => Err(Refusal::AnotherOperation { session: id, state }),
        SessionState::Ready
        | SessionState::Deleted
        | SessionState::CreateFailed
        | SessionState::DeleteFailed
        | SessionState::Stopped
        | SessionState::StopFailed
        | SessionState::StartFailed
        | SessionState::Other(_) => Err(Refusal::NotFromState { session: id, state, operation }),
    }
}

fn check_tags(tags: &Tags) -> Result<(), Refusal> {
    for (key, value) in tags {
        let key_length = key.chars().count();
        if key_length == 0 || key_length > TAG_KEY_LENGTH_MAX || key.starts_with("aws:") {
            return Err(Refusal::TagKey(key.clone()));
        }
        let length = value.chars().count();
        if length > TAG_VALUE_LENGTH_MAX {
            return Err(Refusal::TagValue { key: key.clone(), length });
        }
    }
    Ok(())
}

/// The kind and the id at the end of an ARN.
fn arn_tail(arn: &str) -> Option<(&str, &str)> {
    arn.splitn(6, ':').nth(5)?.split_once('/')
}

//! What callers may do to sessions: stop, start, create, delete.
//!
//! The server uses these for its requests, and simulated artists use them directly. What may be done
//! to launch profiles, members, tags and streams has a file each.

use jiff::Timestamp;

use super::lifecycle::{self, Timings};
use super::nouns::{
    LaunchProfileId, ResourceState, Session, SessionState, Tags, VolumeRetentionMode,
};
use super::refusal::Refusal;
use super::tags::check_tags;
use super::tokens::Remembered;
use super::{EFFECTS_MAX, Effect, Operation, World, ids, profiles};

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
        self.once(operation, parameters, caller, now, |world, at| {
            world.change(studio, session, |session, timings| {
                allow(session, operation, &[SessionState::Ready])?;
                if retention.is_some() {
                    session.volume_retention_mode = retention;
                }
                lifecycle::begin_stop(session, Some(caller.principal), timings, at);
                Ok(())
            })
        })
    }

    /// Starts a session that is STOPPED, or whose last start failed, from a READY backup of its own
    /// where one is named.
    ///
    /// # Errors
    /// As for [`World::stop`]; not found for the backup, conflict while it is being made, and
    /// validation where it failed or is of another session.
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
        self.once(operation, parameters, caller, now, |world, at| {
            if let Some(backup) = backup {
                world.check_backup(studio, session, backup)?;
            }
            world.change(studio, session, |session, timings| {
                allow(session, operation, &[SessionState::Stopped, SessionState::StartFailed])?;
                lifecycle::begin_start(session, caller.principal, backup, timings, at);
                Ok(())
            })
        })
    }

    /// Creates a session for an artist.
    ///
    /// # Errors
    /// Quota when the studio is full; not found; conflict while the launch profile changes; validation for a malformed or
    /// reused client token, for bad tags, and for what the launch profile does not offer.
    pub fn create_session(
        &mut self,
        studio: &str,
        new: NewSession,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<Session, Refusal> {
        let operation = Operation::CreateStreamingSession;
        let parameters = format!("{studio}\n{new:?}");
        self.once(operation, parameters, caller, now, |world, at| {
            check_tags(&new.tags)?;
            world.check_offer(studio, &new)?;
            world.check_quota(studio)?;
            let id = ids::resource_id(&format!("{studio} session created {}", *world.created));
            let mut session = Session::new(&id, SessionState::CreateInProgress);
            session.launch_profile_id = Some(new.launch_profile);
            session.owned_by = Some(new.owned_by);
            session.ec2_instance_type = new.ec2_instance_type;
            session.streaming_image_id = new.streaming_image_id;
            session.tags = new.tags;
            session.created_at = Some(at);
            session.created_by = Some(caller.principal.to_owned());
            session.updated_by = Some(caller.principal.to_owned());
            world.add_session(studio, session)?;
            *world.created.change() += 1;
            let created = world.session(studio, &id, at)?.clone();
            Ok((id, created))
        })
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
        self.once(operation, parameters, caller, now, |world, at| {
            world.change(studio, session, |session, timings| {
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
            })
        })
    }

    /// Brings the world up to `now`, and gives the instant at which a request made now happens:
    /// whole seconds.
    pub(super) fn bring_to(&mut self, now: Timestamp) -> Timestamp {
        self.advance(now);
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// Answers a repetition from its client token; else does what is asked, and remembers the answer
    /// and the effect. What is asked answers with the id of what it changed, too.
    pub(super) fn once<T: Remembered>(
        &mut self,
        operation: Operation,
        parameters: String,
        caller: Caller<'_>,
        now: Timestamp,
        act: impl FnOnce(&mut Self, Timestamp) -> Result<(String, T), Refusal>,
    ) -> Result<T, Refusal> {
        let at = self.bring_to(now);
        if let Some(answered) = self.tokens.replay(operation, caller.token, &parameters)? {
            return Ok(answered);
        }
        let (subject, answer) = act(self, at)?;
        self.note(operation, &subject, caller, at);
        self.tokens.remember(operation, caller.token, parameters, &answer);
        Ok(answer)
    }

    /// Changes a session, and gives its id and what it is then.
    fn change(
        &mut self,
        studio: &str,
        session: &str,
        change: impl FnOnce(&mut Session, &Timings) -> Result<(), Refusal>,
    ) -> Result<(String, Session), Refusal> {
        let key = self.key(studio, session)?;
        let changed = self.with_session(&key, |session, _, timings| {
            change(session, timings)?;
            Ok(session.clone())
        });
        let changed =
            changed.unwrap_or_else(|| Err(Refusal::SessionNotFound(session.to_owned())))?;
        Ok((session.to_owned(), changed))
    }

    pub(super) fn note(
        &mut self,
        operation: Operation,
        subject: &str,
        caller: Caller<'_>,
        at: Timestamp,
    ) {
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

    /// Whether the launch profile is there and offers what the session is to have.
    fn check_offer(&self, studio: &str, new: &NewSession) -> Result<(), Refusal> {
        let profile = self.launch_profile(studio, new.launch_profile.as_str())?;
        if profile.state == ResourceState::Deleted {
            return Err(Refusal::LaunchProfileNotFound(profile.id.to_string()));
        }
        profiles::allow(profile, Operation::CreateStreamingSession, &[ResourceState::Ready])?;
        let offered = |parameter, found: &Option<String>, valid: &[String]| match found {
            Some(found) if !valid.contains(found) => {
                Err(Refusal::NotOffered { parameter, found: found.clone(), valid: valid.to_vec() })
            }
            _ => Ok(()),
        };
        let stream = &profile.stream;
        offered("ec2InstanceType", &new.ec2_instance_type, &stream.ec2_instance_types)?;
        offered("streamingImageId", &new.streaming_image_id, &stream.streaming_image_ids)
    }
}

/// Refuses an operation that the session's state does not allow. A transition passes by itself, so
/// it is a conflict; any other state does not, and asking again is useless, so it is a mistake in
/// the request. The service documents neither.
pub(super) fn allow(
    session: &Session,
    operation: Operation,
    origins: &[SessionState],
) -> Result<(), Refusal> {
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

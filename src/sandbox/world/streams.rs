//! Streams: connections to a READY session.
//!
//! A stream waits for no event: what it is follows from its instants, and its session's end sets the
//! last of them.

use jiff::{SignedDuration, Timestamp};

use super::commands::{Caller, allow};
use super::lifecycle::later;
use super::nouns::{SessionId, SessionState};
use super::refusal::Refusal;
use super::resources::{Stream, StreamState};
use super::{Held, Operation, World, ids};

/// How long a stream lives where the caller does not say; the service publishes no default.
pub const STREAM_SECONDS_DEFAULT: u32 = 120;
/// How many streams that are not DELETED a session may have, and how many are remembered.
pub const STREAMS_MAX: usize = 20;

impl World {
    /// Creates a stream of a READY session.
    ///
    /// # Errors
    /// Conflict while another operation is under way, and validation in every other state but READY;
    /// quota for more than [`STREAMS_MAX`] streams; not found; validation for a malformed or reused client token.
    pub fn create_stream(
        &mut self,
        studio: &str,
        session: &str,
        expiration_seconds: Option<u32>,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<Stream, Refusal> {
        let operation = Operation::CreateStreamingSessionStream;
        let parameters = format!("{studio}\n{session}\n{expiration_seconds:?}");
        self.once(operation, parameters, caller, now, |world, at| {
            allow(world.session(studio, session, at)?, operation, &[SessionState::Ready])?;
            let (key, timings) = (world.key(studio, session)?, world.timings);
            let number = *world.created;
            let held = world.held_mut(studio)?;
            let lives = expiration_seconds.unwrap_or(STREAM_SECONDS_DEFAULT);
            let expires_at = later(at, SignedDuration::from_secs(i64::from(lives)));
            let id = ids::resource_id(&format!("{studio} stream {session} {number}"));
            let stream = Stream {
                url: format!(
                    "https://{}.nimblestudio.{}.amazonaws.com/stream/{id}",
                    held.studio.name, held.studio.region
                ),
                id: id.clone(),
                created_at: at,
                created_by: caller.principal.to_owned(),
                owned_by: held.sessions.get(&key.1).and_then(|held| held.owned_by.clone()),
                expires_at,
                ready_at: later(at, timings.stream),
                ends_at: expires_at,
                deletion: timings.stream,
            };
            held.keep_stream(key.1, stream.clone(), at)?;
            *world.created.change() += 1;
            Ok((id, stream))
        })
    }

    /// One stream of a session.
    ///
    /// # Errors
    /// There is no such studio, session or stream.
    pub fn stream(&self, studio: &str, session: &str, stream: &str) -> Result<&Stream, Refusal> {
        let (_, session) = self.key(studio, session)?;
        let streams = self.held(studio)?.streams.get(&session);
        let found = streams.and_then(|streams| streams.iter().find(|held| held.id == stream));
        found.ok_or_else(|| Refusal::StreamNotFound(stream.to_owned()))
    }
}

impl Held {
    /// The oldest that are DELETED are forgotten.
    fn keep_stream(
        &mut self,
        session: SessionId,
        stream: Stream,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let streams = self.streams.entry(session.clone(), Vec::new);
        let is_gone = |stream: &Stream| stream.state_at(at).0 == StreamState::Deleted;
        while streams.len() >= STREAMS_MAX {
            let Some(gone) = streams.iter().position(is_gone) else {
                let session = session.to_string();
                return Err(Refusal::StreamQuota { session, quota: STREAMS_MAX });
            };
            streams.remove(gone);
        }
        streams.push(stream);
        Ok(())
    }

    /// The streams of a session that is no longer READY end.
    pub(super) fn end_streams(&mut self, session: &SessionId) {
        let Some(at) = self.sessions.get(session).and_then(|session| session.updated_at) else {
            return;
        };
        for stream in self.streams.get_mut(session).into_iter().flatten() {
            stream.ends_at = stream.ends_at.min(at);
        }
    }
}

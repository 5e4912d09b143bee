//! A studio behind its gate: each call asks leave, and tells what came of it.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Lane;
use super::breaker::Sign;
use crate::ids::SessionId;
use crate::inventory::{Gap, Problem, Session, Snapshot, Wanted};
use crate::provider::{Accepted, ClientToken, Provider, ProviderError};

/// A provider that is asked only as its gate allows.
///
/// Readings wait where they must. What changes something never waits here: its intent is durable and
/// its session was read just now, so that it is made at once, or not at all.
#[derive(Debug, Clone)]
pub struct Gated {
    inner: Arc<dyn Provider>,
    lane: Arc<Lane>,
}

impl Gated {
    /// Puts a studio behind its lane.
    #[must_use]
    pub fn new(inner: Arc<dyn Provider>, lane: Arc<Lane>) -> Self {
        Self { inner, lane }
    }

    async fn read_studio(&self) -> Snapshot {
        self.lane.keep_pace().await;
        let _turn = match self.lane.leave(&*self.inner).await {
            Ok(turn) => turn,
            Err(why) => return self.unasked(why),
        };
        let steps = self.lane.steps();
        let snapshot = self.inner.observe().await;
        self.lane.note(Sign::of_snapshot(&snapshot), steps);
        snapshot
    }

    /// What is known of a studio that is not asked: nothing, and why.
    fn unasked(&self, why: String) -> Snapshot {
        let gap = Gap { wanted: Wanted::Sessions, problem: Problem::NotAsked, detail: why };
        Snapshot::unread(self.lane.now(), vec![gap])
    }

    async fn read_session(&self, session: &SessionId) -> Result<Session, ProviderError> {
        let leave = self.lane.leave(&*self.inner).await;
        let _turn = leave.map_err(|why| not_asked("GetStreamingSession", why))?;
        self.noted(self.inner.read(session)).await
    }

    /// Makes a call that changes something, if it may be made at once.
    async fn change<T>(
        &self,
        operation: &'static str,
        call: BoxFuture<'_, Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        match self.lane.withheld() {
            Some(why) => Err(not_asked(operation, why)),
            None => self.noted(call).await,
        }
    }

    async fn noted<T>(
        &self,
        call: BoxFuture<'_, Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let steps = self.lane.steps();
        let answer = call.await;
        self.lane.note(Sign::of_answer(&answer), steps);
        answer
    }
}

fn not_asked(operation: &'static str, detail: String) -> ProviderError {
    ProviderError { problem: Problem::NotAsked, operation, detail, request_id: None }
}

impl Provider for Gated {
    fn observe(&self) -> BoxFuture<'_, Snapshot> {
        Box::pin(self.read_studio())
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        self.inner.probe()
    }

    fn read<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Session, ProviderError>> {
        Box::pin(self.read_session(session))
    }

    // The calls below are made when they are polled, which one that is withheld never is.

    fn stop<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        let call = Box::pin(async move { self.inner.stop(session, token).await });
        Box::pin(self.change("StopStreamingSession", call))
    }

    fn start<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        let call = Box::pin(async move { self.inner.start(session, token).await });
        Box::pin(self.change("StartStreamingSession", call))
    }

    fn tag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        let call = Box::pin(async move { self.inner.tag(session, key, value).await });
        Box::pin(self.change("TagResource", call))
    }

    fn untag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        let call = Box::pin(async move { self.inner.untag(session, key).await });
        Box::pin(self.change("UntagResource", call))
    }
}

//! A provider that fails as it is told to, in front of one that works.
//!
//! Faults are laid over a provider from outside, so that no provider has a mode for tests.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, pending};

use super::{Accepted, ClientToken, Provider, ProviderError};
use crate::ids::SessionId;
use crate::inventory::{Gap, Problem, Session, Snapshot, Wanted};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A reading of the studio never ends.
    HangingList,
    /// A reading of the studio lacks this much of its sessions, and says why.
    PartialList(Problem),
    /// A call that changes something is not made, and this is the answer.
    Refusal(Problem),
    /// A call that changes something is made, and its answer is lost.
    LostAnswer,
}

/// A provider with faults; without any it is the one behind it.
#[derive(Debug, Clone)]
pub struct Faulty {
    inner: Arc<dyn Provider>,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Faulty {
    /// Stands in front of `inner`, without faults at first.
    #[must_use]
    pub fn new(inner: Arc<dyn Provider>) -> Self {
        Self { inner, fault: Arc::default() }
    }

    /// From now on this goes wrong, or nothing.
    pub fn set(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn fault(&self) -> Option<Fault> {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a changing call as faults have it.
    async fn changing<T>(
        &self,
        operation: &'static str,
        call: BoxFuture<'_, Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let failed = |problem| ProviderError {
            problem,
            operation,
            detail: "a fault on purpose".to_owned(),
            request_id: None,
        };
        match self.fault() {
            Some(Fault::Refusal(problem)) => Err(failed(problem)),
            Some(Fault::LostAnswer) => {
                call.await?;
                Err(failed(Problem::Unreachable))
            }
            Some(Fault::HangingList | Fault::PartialList(_)) | None => call.await,
        }
    }
}

impl Provider for Faulty {
    fn observe(&self) -> BoxFuture<'_, Snapshot> {
        Box::pin(async move {
            match self.fault() {
                Some(Fault::HangingList) => pending().await,
                Some(Fault::PartialList(problem)) => {
                    let mut snapshot = self.inner.observe().await;
                    let half = snapshot.sessions.len() / 2;
                    let lost = snapshot.sessions.keys().nth(half).cloned();
                    if let Some(lost) = lost {
                        snapshot.sessions.split_off(&lost);
                    }
                    let detail = "a fault on purpose".to_owned();
                    snapshot.gaps.push(Gap { wanted: Wanted::Sessions, problem, detail });
                    snapshot
                }
                Some(Fault::Refusal(_) | Fault::LostAnswer) | None => self.inner.observe().await,
            }
        })
    }

    fn read<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Session, ProviderError>> {
        self.inner.read(session)
    }

    fn stop<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        // The call is made when it is polled, which a refusal never does.
        let call = Box::pin(async move { self.inner.stop(session, token).await });
        Box::pin(self.changing("StopStreamingSession", call))
    }

    fn start<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        let call = Box::pin(async move { self.inner.start(session, token).await });
        Box::pin(self.changing("StartStreamingSession", call))
    }

    fn tag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        let call = Box::pin(async move { self.inner.tag(session, key, value).await });
        Box::pin(self.changing("TagResource", call))
    }

    fn untag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        let call = Box::pin(async move { self.inner.untag(session, key).await });
        Box::pin(self.changing("UntagResource", call))
    }
}

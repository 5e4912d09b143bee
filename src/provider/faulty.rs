//! A provider that fails as it is told to, in front of one that works.
//!
//! Faults are laid over a provider from outside, so that no provider has a mode for tests.

use std::sync::Arc;

use futures_util::future::{BoxFuture, pending};
use tokio::sync::watch;

use super::{Accepted, ClientToken, Provider, ProviderError};
use crate::ids::SessionId;
use crate::inventory::{Gap, Problem, Session, Snapshot, Wanted};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A reading of the studio does not end before this is over.
    HangingList,
    /// A reading of the studio lacks this much of its sessions, and says why.
    PartialList(Problem),
    /// A call that changes something is not made, and this is the answer.
    Refusal(Problem),
    /// A call that changes something is made, and its answer is lost.
    LostAnswer,
    /// A call that changes something is not made, and never ends.
    HangingCalls,
    /// No call is made, whatever it is, and this is the answer.
    Outage(Problem),
}

/// A provider with faults; without any it is the one behind it.
#[derive(Debug, Clone)]
pub struct Faulty {
    inner: Arc<dyn Provider>,
    fault: Arc<watch::Sender<Option<Fault>>>,
}

impl Faulty {
    /// Stands in front of `inner`, without faults at first.
    #[must_use]
    pub fn new(inner: Arc<dyn Provider>) -> Self {
        Self { inner, fault: Arc::default() }
    }

    /// From now on this goes wrong, or nothing.
    pub fn set(&self, fault: Option<Fault>) {
        self.fault.send_replace(fault);
    }

    fn fault(&self) -> Option<Fault> {
        *self.fault.borrow()
    }

    /// Ends once no reading of the studio hangs any more.
    async fn list_goes_on(&self) {
        let mut fault = self.fault.subscribe();
        // Whoever would tell is the one that waits, and so cannot be gone.
        drop(fault.wait_for(|fault| *fault != Some(Fault::HangingList)).await);
    }

    /// Makes a changing call as faults have it.
    async fn changing<T>(
        &self,
        operation: &'static str,
        call: BoxFuture<'_, Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        match self.fault() {
            Some(Fault::Refusal(problem) | Fault::Outage(problem)) => {
                Err(failed(operation, problem))
            }
            Some(Fault::LostAnswer) => {
                call.await?;
                Err(failed(operation, Problem::Unreachable))
            }
            Some(Fault::HangingCalls) => pending().await,
            Some(Fault::HangingList | Fault::PartialList(_)) | None => call.await,
        }
    }

    /// Reads something as faults have it.
    async fn reading<T>(
        &self,
        operation: &'static str,
        call: BoxFuture<'_, Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        match self.fault() {
            Some(Fault::Outage(problem)) => Err(failed(operation, problem)),
            Some(
                Fault::HangingList
                | Fault::PartialList(_)
                | Fault::Refusal(_)
                | Fault::LostAnswer
                | Fault::HangingCalls,
            )
            | None => call.await,
        }
    }
}

/// What is said of everything that goes wrong here.
const DETAIL: &str = "a fault on purpose";

fn failed(operation: &'static str, problem: Problem) -> ProviderError {
    ProviderError { problem, operation, detail: DETAIL.to_owned(), request_id: None }
}

fn gap(problem: Problem) -> Gap {
    Gap { wanted: Wanted::Sessions, problem, detail: DETAIL.to_owned() }
}

impl Provider for Faulty {
    fn observe(&self) -> BoxFuture<'_, Snapshot> {
        Box::pin(async move {
            self.list_goes_on().await;
            match self.fault() {
                Some(Fault::PartialList(problem)) => {
                    let mut snapshot = self.inner.observe().await;
                    let half = snapshot.sessions.len() / 2;
                    let lost = snapshot.sessions.keys().nth(half).cloned();
                    if let Some(lost) = lost {
                        snapshot.sessions.split_off(&lost);
                    }
                    snapshot.gaps.push(gap(problem));
                    snapshot
                }
                Some(Fault::Outage(problem)) => {
                    let Snapshot { began, .. } = self.inner.observe().await;
                    Snapshot::unread(began, vec![gap(problem)])
                }
                Some(
                    Fault::HangingList
                    | Fault::Refusal(_)
                    | Fault::LostAnswer
                    | Fault::HangingCalls,
                )
                | None => self.inner.observe().await,
            }
        })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        let call = Box::pin(async move { self.inner.probe().await });
        Box::pin(self.reading("GetStudio", call))
    }

    fn read<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Session, ProviderError>> {
        let call = Box::pin(async move { self.inner.read(session).await });
        Box::pin(self.reading("GetStreamingSession", call))
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

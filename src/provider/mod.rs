//! The port to whoever runs the machines.
//!
//! A [`Provider`] speaks for one studio. It translates everything peculiar to its service before it
//! answers: above this port there is only `inventory`. Start with [`Provider::observe`].

pub mod administer;
pub mod direct;
pub mod faulty;
pub mod gate;
pub mod nimble;

use std::fmt;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;

pub use administer::{Administer, Directory};

use crate::ids::SessionId;
use crate::inventory::{Gap, Problem, Session, Snapshot};

/// What a probe is called where the service has no name for it.
const PROBE: &str = "a probe";

/// One studio, as it can be asked and acted upon.
pub trait Provider: Send + Sync + fmt::Debug {
    /// Reads the whole studio. What could not be read becomes a gap of the snapshot, never an
    /// absence.
    fn observe(&self) -> BoxFuture<'_, Snapshot>;

    /// Asks the service one cheap question, once, to learn whether it answers at all: any refusal is
    /// an answer. Where nothing is cheaper, the studio is read.
    fn probe(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        Box::pin(async move {
            let Snapshot { sessions, profiles, gaps, .. } = self.observe().await;
            let is_empty = sessions.is_empty() && profiles.is_empty();
            match gaps.into_iter().next().filter(|_| is_empty) {
                None => Ok(()),
                Some(Gap { problem, detail, .. }) => {
                    Err(ProviderError { problem, operation: PROBE, detail, request_id: None })
                }
            }
        })
    }

    /// Reads one session afresh, with the launch profile it depends on.
    fn read<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Session, ProviderError>>;

    /// Asks for a session to be stopped. Success means accepted, not stopped. Volumes are always
    /// retained where that can be said; nothing here can express their deletion.
    fn stop<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>>;

    /// Asks for a session to be started. Success means accepted, not started.
    fn start<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>>;

    /// Sets one label of a session.
    fn tag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>>;

    /// Removes one label of a session.
    fn untag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>>;
}

/// Whoever counts the calls of a service.
pub trait Meter: Send + Sync + fmt::Debug {
    /// A call of this name came to an end after so long, its repetitions included.
    fn called(&self, operation: &'static str, outcome: Result<(), Problem>, took: SignedDuration);
}

/// What makes a repeated call have one effect: 1 to 64 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientToken(pub String);

/// The service took the call.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The session as the service answered it.
    pub session: Session,
    /// The service's name for the call.
    pub request_id: Option<String>,
}

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {problem}: {detail}")]
pub struct ProviderError {
    /// The first question: what happened.
    pub problem: Problem,
    /// The service's name of the operation.
    pub operation: &'static str,
    /// The service's own words, bounded and free of secrets.
    pub detail: String,
    /// The service's name for the call, where it gave one.
    pub request_id: Option<String>,
}

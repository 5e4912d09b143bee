//! The gate: what may still stand in the way of a call whose plan was made some time ago.
//!
//! A person may pause a studio between a plan and its calls, the clock may be set, and plans overlap. So each
//! call asks once more, just before its intent is recorded and again just before it is made. Whoever knows the
//! log answers.

use std::fmt;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::audit::record::JournalError;
use crate::clock::Clock;
use crate::ids::{SessionId, StudioId};
use crate::plan::{Action, Decision, History, Reason};
use crate::policy::Brake;
use crate::provider::ClientToken;

/// What is asked before a call.
pub trait Gate: Send + Sync + fmt::Debug {
    /// The time. Where the clock jumped, the log says so before anybody is told: what the brake counts would
    /// seem to be older, or younger, than it is.
    fn time<'a>(&'a self, clock: &'a dyn Clock) -> BoxFuture<'a, Result<Timestamp, JournalError>>;

    /// Why a studio is to be left alone that was not held by its plan: somebody paused it, or the clock jumped.
    fn held(&self, studio: &StudioId, now: Timestamp) -> Option<Reason>;

    /// What the log says of a session by now: a veto may have answered while its call waited for its turn.
    fn history(&self, studio: &StudioId, session: &SessionId) -> History;

    /// Whether the log says that something else was decided about the session of this decision, since that was; `run`
    /// is the start by which it was decided.
    fn is_decided_otherwise(
        &self,
        studio: &StudioId,
        decision: &Decision,
        run: Option<Timestamp>,
    ) -> bool;

    /// Lets one call be announced under this token, or says which brake does not.
    ///
    /// # Errors
    /// One more would be more than the brake allows.
    fn admit(
        &self,
        studio: &StudioId,
        brake: Brake,
        action: Action,
        token: &ClientToken,
        now: Timestamp,
    ) -> Result<Admission, Reason>;
}

/// A place that is taken from the brake until the intent is in the log, where it counts by itself; or until
/// it turns out that it does not get there.
#[must_use = "a place is given back when this is dropped"]
pub struct Admission(Option<Box<dyn FnOnce() + Send>>);

impl Admission {
    /// A place; `give_back` is called once it is not needed any more.
    pub fn new(give_back: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(give_back)))
    }

    /// For what counts already.
    pub fn counted() -> Self {
        Self(None)
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Admission").field(&self.0.is_some()).finish()
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(give_back) = self.0.take() {
            give_back();
        }
    }
}

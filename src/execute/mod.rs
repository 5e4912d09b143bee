//! One bounded attempt for each action of a plan.
//!
//! Between a plan and its call stand: a fresh reading, the same decision made again, the instant
//! after which it is too late, and a durable record of the intent. So a plan can be narrowed here and
//! never widened. What came of an attempt is an [`Outcome`]; whoever called decides when to try again.
//! Start at [`stop`].

mod records;
mod token;
mod watch;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use records::{seen_data, session_subject};
pub use token::client_token;
pub use watch::{ARRIVAL_MAX, Arrival, arrival, unseen};

use crate::audit::record::{Data, Journal, JournalError, Kind, Record};
use crate::clock::Clock;
use crate::inventory::Session;
use crate::plan::{Action, Decision, SessionHistory, Verdict};
use crate::policy::{Mode, Policy, StudioPolicy};
use crate::provider::{Accepted, ProviderError};
use crate::{plan, provider::Provider};

/// How old the reading of a session may be when it is called upon. Two SDK timeouts fit in.
const READING_AGE_MAX: SignedDuration = SignedDuration::from_secs(60);

/// What an attempt works with: all of one studio.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// The studio's part of it.
    pub studio: Arc<StudioPolicy>,
    /// Whoever runs its machines.
    pub provider: Arc<dyn Provider>,
    /// Where everything is recorded before and after.
    pub journal: Arc<dyn Journal>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Bounds the calls in flight for this studio.
    pub permits: Arc<Semaphore>,
    /// Once cancelled, no new call begins.
    pub ending: CancellationToken,
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Outcome {
    /// Nothing was called, since the mode is `observe`.
    Withheld,
    /// Nothing was called: too much time had passed, or the program is ending.
    Withdrawn,
    /// Read again, the session is to be left alone, for this reason.
    Dropped(Box<Decision>),
    /// The session could not be read again, so nothing was asked of it.
    Unread(ProviderError),
    /// The service took the call.
    Accepted,
    /// The service refused; nothing was changed.
    Rejected(ProviderError),
    /// Nobody knows whether anything was changed.
    Unanswered(ProviderError),
    /// A record could not be made durable.
    Unrecorded(JournalError),
    /// The program is ending; nothing was called.
    Ending,
}

/// Stops one session, if it still is to be stopped.
pub async fn stop(workshop: &Workshop, decision: &Decision, history: &SessionHistory) -> Outcome {
    let Ok(_permit) = workshop.permits.acquire().await else { return Outcome::Ending };
    if workshop.ending.is_cancelled() {
        return Outcome::Ending;
    }
    let read_at = workshop.clock.monotonic();
    let session = match workshop.provider.read(&decision.session).await {
        Ok(session) => session,
        Err(error) => return unread(workshop, decision, error).await,
    };
    let again = match decide_again(workshop, decision, &session, history) {
        Ok(again) => again,
        Err(dropped) => return drop_stop(workshop, &session, dropped).await,
    };
    let fresh = Fresh { read_at, session };
    let session = &fresh.session;
    match again.mode {
        Mode::Observe => {
            let data = records::decided(workshop, session, &again);
            commit(workshop, Kind::StopWithheld, session, data)
                .await
                .err()
                .unwrap_or(Outcome::Withheld)
        }
        Mode::Enforce => call(workshop, &fresh, &again, history).await,
    }
}

/// Decides again. The answer may only be the same or less.
fn decide_again(
    workshop: &Workshop,
    decision: &Decision,
    session: &Session,
    history: &SessionHistory,
) -> Result<Decision, Box<Decision>> {
    let now = workshop.clock.now();
    let mut past = plan::History::default();
    past.sessions.insert(session.id.clone(), history.clone());
    let again = plan::decide_again(&workshop.policy, &workshop.studio, session, &past, now);
    let in_time = decision.not_after.is_none_or(|not_after| now < not_after);
    // Another due instant belongs to another run or another policy; its own plan will come.
    let same = again.verdict() == Verdict::Stop && again.due == decision.due;
    let mode = again.mode.min(decision.mode);
    let not_after = earlier(decision.not_after, again.not_after);
    if same && in_time { Ok(Decision { mode, not_after, ..again }) } else { Err(Box::new(again)) }
}

/// The earlier of two bounds, where there are any.
fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// A session, and when it was read.
struct Fresh {
    read_at: SignedDuration,
    session: Session,
}

/// The call itself, between its two records.
async fn call(
    workshop: &Workshop,
    fresh: &Fresh,
    decision: &Decision,
    history: &SessionHistory,
) -> Outcome {
    let session = &fresh.session;
    let attempt = session.start().map_or(0, |run| history.attempt(run));
    let token = client_token(&workshop.studio.id, session, Action::Stop, attempt);
    let intent = Data {
        attempt: Some(attempt),
        client_token: Some(token.0.clone()),
        not_after: decision.not_after,
        ends_itself: records::ending(session),
        ..records::decided(workshop, session, decision)
    };
    if let Err(outcome) = commit(workshop, Kind::StopIntended, session, intent).await {
        return outcome;
    }
    if let Some(why) = second_thought(workshop, fresh, decision) {
        return withdraw(workshop, session, why, token.0, attempt).await;
    }
    let answer = workshop.provider.stop(session, &token).await;
    let base = Data {
        attempt: Some(attempt),
        client_token: Some(token.0),
        ..records::seen(workshop, session)
    };
    conclude(workshop, session, answer, base).await
}

/// Records what the service said.
async fn conclude(
    workshop: &Workshop,
    session: &Session,
    answer: Result<Accepted, ProviderError>,
    base: Data,
) -> Outcome {
    let (kind, data, outcome) = match answer {
        Ok(accepted) => {
            let data = Data {
                request_id: accepted.request_id,
                state_after: Some(accepted.session.state.to_string()),
                ..base
            };
            (Kind::StopAccepted, data, Outcome::Accepted)
        }
        Err(error) => {
            let data = Data {
                request_id: error.request_id.clone(),
                error: Some(records::error(&error)),
                ..base
            };
            if error.problem.proves_no_effect() {
                (Kind::StopRejected, data, Outcome::Rejected(error))
            } else {
                (Kind::StopUnanswered, data, Outcome::Unanswered(error))
            }
        }
    };
    commit(workshop, kind, session, data).await.err().unwrap_or(outcome)
}

/// Why a call is not made after all. Making its intent durable takes time: a slow disk, a paused
/// machine.
fn second_thought(workshop: &Workshop, fresh: &Fresh, decision: &Decision) -> Option<&'static str> {
    let age = workshop.clock.monotonic() - fresh.read_at;
    let is_late = decision.not_after.is_some_and(|not_after| workshop.clock.now() >= not_after);
    if workshop.ending.is_cancelled() {
        Some("the program is ending")
    } else if is_late {
        Some("its window closed before the call")
    } else if age > READING_AGE_MAX {
        Some("the session was read too long ago")
    } else {
        None
    }
}

/// Takes an intent back whose call was not made.
async fn withdraw(
    workshop: &Workshop,
    session: &Session,
    why: &'static str,
    token: String,
    attempt: u32,
) -> Outcome {
    let data = Data {
        attempt: Some(attempt),
        client_token: Some(token),
        note: Some(format!("no call was made: {why}")),
        ..records::seen(workshop, session)
    };
    commit(workshop, Kind::StopWithdrawn, session, data).await.err().unwrap_or(Outcome::Withdrawn)
}

async fn drop_stop(workshop: &Workshop, session: &Session, dropped: Box<Decision>) -> Outcome {
    let data = records::decided(workshop, session, &dropped);
    let committed = commit(workshop, Kind::StopDropped, session, data).await;
    committed.err().unwrap_or(Outcome::Dropped(dropped))
}

async fn unread(workshop: &Workshop, decision: &Decision, error: ProviderError) -> Outcome {
    let data = Data {
        error: Some(records::error(&error)),
        note: Some("it could not be read again before its stop, so it was left alone".to_owned()),
        policy: Some(workshop.policy.hash.to_string()),
        studio: Some(workshop.studio.id.to_string()),
        ..Data::from(decision)
    };
    let subject = session_subject(&workshop.studio.id, &decision.session);
    let record = Record { time: workshop.clock.now(), kind: Kind::StopDropped, subject, data };
    match workshop.journal.commit(vec![record]).await {
        Ok(_) => Outcome::Unread(error),
        Err(error) => Outcome::Unrecorded(error),
    }
}

async fn commit(
    workshop: &Workshop,
    kind: Kind,
    session: &Session,
    data: Data,
) -> Result<(), Outcome> {
    let subject = session_subject(&workshop.studio.id, &session.id);
    let record = Record { time: workshop.clock.now(), kind, subject, data };
    workshop.journal.commit(vec![record]).await.map(drop).map_err(Outcome::Unrecorded)
}

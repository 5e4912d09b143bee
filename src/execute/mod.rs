//! One bounded attempt for each action of a plan.
//!
//! Between a plan and its call stand: a fresh reading, the same decision made again, the instant
//! after which it is too late, and a durable record of the intent. So a plan can be narrowed here and
//! never widened. What came of an attempt is an [`Outcome`]; whoever called decides when to try again.
//! A start is as careful as a stop: both go the same way. Start at [`attempt`].

mod gate;
mod mark;
mod order;
mod records;
mod token;
mod watch;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

pub use gate::{Admission, Gate};
pub use mark::{Mark, mark, marks};
pub use order::{Order, orders};
pub use records::{seen_data, session_subject};
pub use token::{client_token, client_token_by_hand, client_token_of_profile};
pub use watch::{Arrival, Known, arrival, arrival_max, unseen};

use crate::audit::record::{Data, Deed, Journal, JournalError, Record, Stage};
use crate::clock::Clock;
use crate::inventory::{Doubt, Problem, Session, SessionState, Stopping, Transition};
use crate::plan::{Action, Decision, History, Reason, SessionHistory};
use crate::policy::{Mode, Policy, StudioPolicy};
use crate::provider::gate::{Lane, Permit, Urgency};
use crate::provider::{Accepted, ClientToken, ProviderError};
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
    /// What may stand in the way of a call, whatever its plan says.
    pub gate: Arc<dyn Gate>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Bounds the calls in flight, together with the other studios of the same account and region.
    pub permits: Arc<Lane>,
    /// Once cancelled, no new call begins.
    pub ending: CancellationToken,
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Outcome {
    /// Nothing was called, since the mode is `observe`.
    Withheld,
    /// Nothing was called: too much time had passed, or the program or its policy is ending.
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
    /// The program or its policy is ending; nothing was called.
    Ending,
    /// The attempt broke down by a fault of the program. Nobody knows whether anything was changed.
    Broken,
}

/// Asks of one session what was decided, if it still is to be asked. One that panics is an attempt that
/// came to nothing: the session is not let alone for it, and the others do not notice.
pub async fn attempt(workshop: &Workshop, order: &Order) -> Outcome {
    AssertUnwindSafe(make(workshop, order)).catch_unwind().await.unwrap_or(Outcome::Broken)
}

async fn make(workshop: &Workshop, order: &Order) -> Outcome {
    let is_rescue = order.decision.reason.is_rescue();
    let urgency = if is_rescue { Urgency::Urgent } else { Urgency::Usual };
    let Some(_permit) = permit(workshop, urgency).await else { return Outcome::Ending };
    let read_at = [workshop.clock.monotonic(), wall(workshop)];
    let session = match workshop.provider.read(&order.decision.session).await {
        Ok(session) => session,
        Err(error) => return unread(workshop, order, error).await,
    };
    let planned = order.decision.clone();
    let fresh = Fresh { action: order.action, read_at, session, planned };
    if let Err(error) = workshop.gate.time(workshop.clock.as_ref()).await {
        return Outcome::Unrecorded(error);
    }
    let history = workshop.gate.history(&workshop.studio.id, &order.decision.session);
    let again = decide_again(workshop, order, &fresh.session, &history);
    let again = match again.and_then(|again| not_held(workshop, again)) {
        Ok(again) => again,
        Err(dropped) => return drop_action(workshop, &fresh, dropped).await,
    };
    match again.mode {
        Mode::Observe => withhold(workshop, &fresh, &again).await,
        Mode::Enforce => call(workshop, &fresh, &again, history.of(&again.session)).await,
    }
}

/// Waits for leave to make calls; there is none once the program is ending.
async fn permit(workshop: &Workshop, urgency: Urgency) -> Option<Permit> {
    let permit = workshop.permits.acquire(urgency);
    let permit = workshop.ending.run_until_cancelled(permit).await?.ok()?;
    (!workshop.ending.is_cancelled()).then_some(permit)
}

/// Decides again. The answer may only be the same or less.
fn decide_again(
    workshop: &Workshop,
    order: &Order,
    session: &Session,
    history: &History,
) -> Result<Decision, Box<Decision>> {
    let now = workshop.clock.now();
    let again = plan::decide_again(&workshop.policy, &workshop.studio, session, history, now);
    narrowed(order, session, again, now)
}

/// What is held since it was planned is left alone.
fn not_held(workshop: &Workshop, again: Decision) -> Result<Decision, Box<Decision>> {
    match held(workshop, &again) {
        None => Ok(again),
        Some(reason) => Err(Box::new(Decision { reason, ..again })),
    }
}

/// Why nothing is to be done by now. Who pauses a studio, or sets a clock, does not want work to be destroyed
/// meanwhile.
fn held(workshop: &Workshop, decision: &Decision) -> Option<Reason> {
    let held = || workshop.gate.held(&workshop.studio.id, workshop.clock.now());
    (!decision.reason.is_rescue()).then(held).flatten()
}

/// What is left of an order when the same question has been asked of a fresh reading.
fn narrowed(
    order: &Order,
    session: &Session,
    again: Decision,
    now: Timestamp,
) -> Result<Decision, Box<Decision>> {
    let Order { action, run, decision } = order;
    let in_time = decision.not_after.is_none_or(|not_after| now < not_after);
    // Another run or another aim belongs to another policy or another stop or start; its own plan will
    // come.
    let aims = aim(*action, decision);
    // What is to be saved is saved, though the list tells its stop by whole seconds and its own reading does not.
    let is_second = |(one, other): (Timestamp, Timestamp)| one.as_second() == other.as_second();
    let is_near = aims == Some(Aim::Rescue) && run.zip(action.run(session)).is_some_and(is_second);
    let is_run = run.is_some() && (action.run(session) == *run || is_near);
    let same =
        order::action(again.verdict()) == Some(*action) && is_run && aim(*action, &again) == aims;
    let mode = again.mode.min(decision.mode);
    let not_after = earlier(decision.not_after, again.not_after);
    if same && in_time {
        Ok(Decision { mode, not_after, ..again })
    } else if in_time && is_rescued_all_the_same(order, session) {
        Ok(decision.clone())
    } else {
        Err(Box::new(again))
    }
}

/// Whether what was planned to save a session is done although nobody can tell any more what its launch profile
/// says: it is off since the same stop. Whoever starts it without need endangers nothing.
fn is_rescued_all_the_same(order: &Order, session: &Session) -> bool {
    let Order { action, run, decision } = order;
    let is_off =
        matches!(session.state, SessionState::Stopped | SessionState::Failed(Transition::Start));
    let is_in_doubt = matches!(session.stopping, Stopping::Unclear(Doubt::NoLaunchProfile));
    let is_same = run.is_some() && action.run(session) == *run;
    decision.reason.is_rescue() && is_off && is_in_doubt && is_same
}

/// What a decision to act is about, beside the run.
#[derive(Debug, PartialEq)]
enum Aim {
    /// To stop what is due at this instant.
    Due(Option<Timestamp>),
    /// To start for when the window closes.
    Close(Timestamp),
    /// To start before it is destroyed. When that is may be told otherwise by a fresh reading, which
    /// knows the launch profile: the stop before it says enough.
    Rescue,
}

fn aim(action: Action, decision: &Decision) -> Option<Aim> {
    match (action, &decision.reason) {
        (Action::Stop, _) => Some(Aim::Due(decision.due)),
        (Action::Start, Reason::Resume { closes }) => Some(Aim::Close(*closes)),
        (Action::Start, Reason::Rescue { .. }) => Some(Aim::Rescue),
        // Nothing else asks for a start.
        (Action::Start, _) => None,
    }
}

/// The earlier of two bounds, where there are any.
fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// A session of which something is asked, and when it was read.
struct Fresh {
    action: Action,
    /// By the monotonic clock, which stands still while the machine sleeps, and by the wall clock, which
    /// may be set.
    read_at: [SignedDuration; 2],
    session: Session,
    /// What was decided about it before.
    planned: Decision,
}

impl Fresh {
    /// How long ago it was read, by the clock that says more.
    fn age(&self, workshop: &Workshop) -> SignedDuration {
        let [monotonic, on_the_wall] = self.read_at;
        let passed = workshop.clock.monotonic() - monotonic;
        passed.max((wall(workshop) - on_the_wall).abs())
    }
}

fn wall(workshop: &Workshop) -> SignedDuration {
    workshop.clock.now().as_duration()
}

/// The call itself, between its two records.
async fn call(
    workshop: &Workshop,
    fresh: &Fresh,
    decision: &Decision,
    history: &SessionHistory,
) -> Outcome {
    let Fresh { action, session, .. } = fresh;
    let attempt = action.run(session).map_or(0, |run| history.next_attempt(*action, run));
    let token = client_token(&workshop.studio.id, session, *action, attempt);
    let admission = match admit(workshop, fresh, &token, decision) {
        Ok(admission) => admission,
        Err(dropped) => return drop_action(workshop, fresh, dropped).await,
    };
    let intent = Data {
        attempt: Some(attempt),
        client_token: Some(token.0.clone()),
        not_after: decision.not_after,
        needed_until: decision.needed_until,
        destroyed_after: records::destroyed_after(*action, session),
        ends_itself: records::ending(session),
        ..records::decided(workshop, session, decision)
    };
    let intended = commit(workshop, fresh, Stage::Intended, intent).await;
    drop(admission);
    if let Err(outcome) = intended {
        return outcome;
    }
    let base = Data {
        attempt: Some(attempt),
        client_token: Some(token.0.clone()),
        ..records::seen(workshop, session)
    };
    if let Some(why) = second_thought(workshop, fresh, decision) {
        return withdraw(workshop, fresh, why, base).await;
    }
    let answer = match action {
        Action::Stop => workshop.provider.stop(session, &token).await,
        Action::Start => workshop.provider.start(session, &token).await,
    };
    conclude(workshop, fresh, answer, base).await
}

/// Takes a place from the brake. Only stops are bounded here: that a start waits for the next hour endangers
/// more than one that comes too many.
fn admit(
    workshop: &Workshop,
    fresh: &Fresh,
    token: &ClientToken,
    decision: &Decision,
) -> Result<Admission, Box<Decision>> {
    match fresh.action {
        Action::Start => Ok(Admission::counted()),
        Action::Stop => {
            let (now, StudioPolicy { id, brake, .. }) = (workshop.clock.now(), &*workshop.studio);
            let admitted = workshop.gate.admit(id, *brake, fresh.action, token, now);
            admitted.map_err(|reason| Box::new(Decision { reason, ..decision.clone() }))
        }
    }
}

/// Records what the service said.
async fn conclude(
    workshop: &Workshop,
    fresh: &Fresh,
    answer: Result<Accepted, ProviderError>,
    base: Data,
) -> Outcome {
    let (stage, data, outcome) = match answer {
        Ok(accepted) => {
            // A session that shows no stop yet may still tell who made the one before.
            let is_on = accepted.session.state == SessionState::Ready;
            let shows_our_stop = fresh.action == Action::Stop && !is_on;
            let data = Data {
                request_id: accepted.request_id,
                state_after: Some(accepted.session.state.to_string()),
                stopped_by: accepted.session.stopped_by.filter(|_| shows_our_stop),
                ..base
            };
            (Stage::Accepted, data, Outcome::Accepted)
        }
        Err(error) if error.problem == Problem::NotAsked => {
            return withdraw(workshop, fresh, &error.detail, base).await;
        }
        Err(error) => {
            let data = Data {
                request_id: error.request_id.clone(),
                error: Some(records::error(&error)),
                ..base
            };
            if error.problem.proves_no_effect() {
                (Stage::Rejected, data, Outcome::Rejected(error))
            } else {
                (Stage::Unanswered, data, Outcome::Unanswered(error))
            }
        }
    };
    commit(workshop, fresh, stage, data).await.err().unwrap_or(outcome)
}

/// Why a call is not made after all. Making its intent durable takes time: a slow disk, a paused
/// machine.
fn second_thought(workshop: &Workshop, fresh: &Fresh, decision: &Decision) -> Option<&'static str> {
    let age = fresh.age(workshop);
    let is_late = decision.not_after.is_some_and(|not_after| workshop.clock.now() >= not_after);
    if workshop.ending.is_cancelled() {
        Some("the program, or its policy, is ending")
    } else if is_late {
        Some(match fresh.action {
            Action::Stop => "its window closed before the call",
            Action::Start => "the time for starting it was over before the call",
        })
    } else if let Some(reason) = held(workshop, decision) {
        let is_paused = matches!(reason, Reason::Paused { .. });
        Some(if is_paused {
            "it was paused before the call"
        } else {
            "the clock jumped before the call"
        })
    } else if age > READING_AGE_MAX {
        Some("the session was read too long ago")
    } else if fresh.action == Action::Stop && is_decided_otherwise(workshop, fresh) {
        Some("something else was decided about it before the call")
    } else {
        None
    }
}

/// Whether another scan has come to something else meanwhile: it may have seen a keep that was not there yet when the
/// session was read.
fn is_decided_otherwise(workshop: &Workshop, fresh: &Fresh) -> bool {
    let Fresh { action, session, planned, .. } = fresh;
    workshop.gate.is_decided_otherwise(&workshop.studio.id, planned, action.run(session))
}

/// Takes an intent back whose call was not made.
async fn withdraw(workshop: &Workshop, fresh: &Fresh, why: &str, base: Data) -> Outcome {
    let data = Data { note: Some(format!("no call was made: {why}")), ..base };
    commit(workshop, fresh, Stage::Withdrawn, data).await.err().unwrap_or(Outcome::Withdrawn)
}

async fn withhold(workshop: &Workshop, fresh: &Fresh, decision: &Decision) -> Outcome {
    let data = records::decided(workshop, &fresh.session, decision);
    commit(workshop, fresh, Stage::Withheld, data).await.err().unwrap_or(Outcome::Withheld)
}

async fn drop_action(workshop: &Workshop, fresh: &Fresh, dropped: Box<Decision>) -> Outcome {
    let data = records::decided(workshop, &fresh.session, &dropped);
    let committed = commit(workshop, fresh, Stage::Dropped, data).await;
    committed.err().unwrap_or(Outcome::Dropped(dropped))
}

async fn unread(workshop: &Workshop, order: &Order, error: ProviderError) -> Outcome {
    let Order { action, run, decision } = order;
    let data = Data {
        error: Some(records::error(&error)),
        note: Some(format!("it could not be read again before its {action}, and was left alone")),
        policy: Some(workshop.policy.hash.to_string()),
        studio: Some(workshop.studio.id.to_string()),
        stopped_at: records::stop_before(*action, *run),
        ..Data::from(decision)
    };
    let subject = session_subject(&workshop.studio.id, &decision.session);
    let kind = Deed { action: *action, stage: Stage::Dropped }.kind();
    let record = Record { time: workshop.clock.now(), kind, subject, data };
    match workshop.journal.commit(vec![record]).await {
        Ok(_) => Outcome::Unread(error),
        Err(error) => Outcome::Unrecorded(error),
    }
}

/// Makes durable how far the action has come.
async fn commit(
    workshop: &Workshop,
    fresh: &Fresh,
    stage: Stage,
    data: Data,
) -> Result<(), Outcome> {
    let Fresh { action, session, .. } = fresh;
    let stopped_at = records::stop_before(*action, action.run(session));
    let data = Data { stopped_at, ..data };
    let kind = Deed { action: *action, stage }.kind();
    let subject = session_subject(&workshop.studio.id, &session.id);
    let record = Record { time: workshop.clock.now(), kind, subject, data };
    workshop.journal.commit(vec![record]).await.map(drop).map_err(Outcome::Unrecorded)
}

#[cfg(test)]
mod tests;

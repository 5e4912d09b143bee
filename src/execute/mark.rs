//! Marks: a proven stop of ours, told by a tag on the session itself, so that it is known to be ours
//! where the log is not.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use jiff::Timestamp;

use super::{Workshop, permit, records, session_subject};
use crate::audit::record::{Data, JournalError, Kind, Record};
use crate::inventory::{Session, Snapshot};
use crate::plan::{Plan, TAG_STOPPED};
use crate::policy::Mode;
use crate::provider::ProviderError;
use crate::provider::gate::Urgency;

/// What came of marking a stop.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Mark {
    /// The session carries the mark.
    Set,
    /// It could not be marked, or nobody knows; it is not tried again.
    Failed(ProviderError),
    /// A record could not be made durable.
    Unrecorded(JournalError),
    /// The program or its policy is ending; nothing was called.
    Ending,
    /// The studio is paused, or the clock jumped; nothing was called.
    Held,
    /// It broke down by a fault of the program; it is not tried again.
    Broken,
}

/// The sessions of a plan that are to be marked, with the instants of their stops. In a studio that
/// is held nothing is changed, and in `observe` neither.
pub fn marks<'a>(
    plan: &'a Plan,
    snapshot: &'a Snapshot,
) -> impl Iterator<Item = (&'a Session, Timestamp)> {
    let decisions = plan.decisions.iter().filter(|_| plan.hold.is_none());
    decisions.filter_map(|decision| {
        let stopped_at = decision.mark.filter(|_| decision.mode == Mode::Enforce)?;
        Some((snapshot.sessions.get(&decision.session)?.as_ref(), stopped_at))
    })
}

/// Tags one session with the instant of its stop. It needs no fresh reading: the mark of a stop says
/// nothing once there is another.
pub async fn mark(workshop: &Workshop, session: &Session, stopped_at: Timestamp) -> Mark {
    let made = AssertUnwindSafe(make(workshop, session, stopped_at));
    made.catch_unwind().await.unwrap_or(Mark::Broken)
}

async fn make(workshop: &Workshop, session: &Session, stopped_at: Timestamp) -> Mark {
    let Some(_permit) = permit(workshop, Urgency::Usual).await else { return Mark::Ending };
    if let Some(mark) = not_now(workshop) {
        return mark;
    }
    let data = || Data { stopped_at: Some(stopped_at), ..records::seen(workshop, session) };
    if let Err(error) = commit(workshop, session, Kind::MarkIntended, data()).await {
        return Mark::Unrecorded(error);
    }
    // Making that durable takes time.
    if let Some(mark) = not_now(workshop) {
        let why = "no call was made: it was paused, or the program is ending";
        let data = Data { note: Some(why.to_owned()), ..data() };
        let recorded = commit(workshop, session, Kind::MarkFailed, data).await;
        return recorded.err().map_or(mark, Mark::Unrecorded);
    }
    let answer = workshop.provider.tag(session, TAG_STOPPED, &stopped_at.to_string()).await;
    let (kind, data, outcome) = match answer {
        Ok(()) => (Kind::MarkSet, data(), Mark::Set),
        Err(error) => {
            let data = Data {
                request_id: error.request_id.clone(),
                error: Some(records::error(&error)),
                ..data()
            };
            (Kind::MarkFailed, data, Mark::Failed(error))
        }
    };
    commit(workshop, session, kind, data).await.err().map_or(outcome, Mark::Unrecorded)
}

/// Why nothing is to be changed by now, if it is not.
fn not_now(workshop: &Workshop) -> Option<Mark> {
    if workshop.ending.is_cancelled() {
        return Some(Mark::Ending);
    }
    let held = workshop.gate.held(&workshop.studio.id, workshop.clock.now());
    held.map(|_| Mark::Held)
}

async fn commit(
    workshop: &Workshop,
    session: &Session,
    kind: Kind,
    data: Data,
) -> Result<(), JournalError> {
    let subject = session_subject(&workshop.studio.id, &session.id);
    let record = Record { time: workshop.clock.now(), kind, subject, data };
    workshop.journal.commit(vec![record]).await.map(drop)
}

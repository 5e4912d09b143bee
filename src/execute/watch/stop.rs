//! Whether a stop has arrived.

use super::{Arrival, Watch};
use crate::inventory::{Session, SessionState, Transition};

pub(super) fn arrival(watch: &Watch<'_>, session: &Session) -> Arrival {
    match &session.state {
        SessionState::Stopped => stopped(watch, session).unwrap_or(Arrival::Failed),
        SessionState::Ready
        | SessionState::Transitional(Transition::Start | Transition::Create)
        | SessionState::Failed(Transition::Start | Transition::Create) => running(watch, session),
        SessionState::Failed(Transition::Stop | Transition::Delete)
        | SessionState::Transitional(Transition::Delete)
        | SessionState::Deleted => Arrival::Failed,
        SessionState::Transitional(Transition::Stop)
        | SessionState::Unknown(_)
        | SessionState::Missing => watch.under_way(),
    }
}

/// A session that is on: it was stopped and started again, or nothing has come of the stop.
fn running(watch: &Watch<'_>, session: &Session) -> Arrival {
    let restarted = session.start().is_some_and(|start| start > watch.intent.run);
    if !restarted {
        return watch.not_begun();
    }
    match stopped(watch, session) {
        Some(proven) if session.stopped_at.is_some() => proven,
        _ => Arrival::Failed,
    }
}

/// The proof that a session was stopped by what was asked for, if its last stop can be that.
fn stopped(watch: &Watch<'_>, session: &Session) -> Option<Arrival> {
    let Some(stopped_at) = session.stopped_at else {
        // The service took our call and says STOPPED without saying since when.
        return watch.intent.accepted.then_some(Arrival::Proven(None));
    };
    let is_another_s = watch.intent.is_another_s(watch.known.us, session.stopped_by.as_deref());
    // A call that the service took was made while the session ran: by its own clock too, whatever ours
    // shows, the first stop of that run is what came of it.
    let may_be_ours = watch.intent.accepted || watch.may_have_led_to(stopped_at);
    // What ended a run that began after it was stopped is somebody else's.
    let run = watch.intent.run;
    let is_of_another_run = session.start().is_some_and(|start| start > run && start <= stopped_at);
    let is_ours = may_be_ours && stopped_at >= run && !is_of_another_run;
    (is_ours && !is_another_s).then_some(Arrival::Proven(Some(stopped_at)))
}

//! Whether a start has arrived.

use super::{Arrival, Watch};
use crate::inventory::{Session, SessionState, Transition};

pub(super) fn arrival(watch: &Watch<'_>, session: &Session) -> Arrival {
    match &session.state {
        SessionState::Ready => ready(watch, session),
        SessionState::Stopped
        | SessionState::Transitional(Transition::Stop)
        | SessionState::Failed(Transition::Stop) => off(watch, session),
        SessionState::Failed(Transition::Start) => failed_or_before(watch, session),
        SessionState::Transitional(Transition::Start | Transition::Create)
        | SessionState::Unknown(_)
        | SessionState::Missing => watch.under_way(),
        SessionState::Failed(Transition::Create | Transition::Delete)
        | SessionState::Transitional(Transition::Delete)
        | SessionState::Deleted => Arrival::Failed,
    }
}

/// A session that is on: started after the stop, or seen as it was before.
fn ready(watch: &Watch<'_>, session: &Session) -> Arrival {
    match session.start() {
        Some(start) if start > watch.intent.run => on_since(watch, session),
        // The service took our call and says READY without saying since when.
        None if watch.intent.accepted => Arrival::Proven(None),
        Some(_) | None => watch.not_begun(),
    }
}

/// A session that was on after the stop: by our call, or by a person. Nothing but a start that the
/// service took from us, or one that fits a call without an answer, is ours; another one ends the
/// attempt all the same, since the session has a new run.
fn on_since(watch: &Watch<'_>, session: &Session) -> Arrival {
    match session.start() {
        Some(start) if watch.intent.accepted || watch.may_have_led_to(start) => {
            Arrival::Proven(Some(start))
        }
        Some(_) | None => watch.in_vain(),
    }
}

/// A session that is off, or about to be: still, or again. Only what is READY can be stopped, so a
/// stop after the start shows that it arrived.
fn off(watch: &Watch<'_>, session: &Session) -> Arrival {
    let run = watch.intent.run;
    let stopped_anew = session.stopped_at.is_some_and(|stopped_at| stopped_at > run);
    let started = session.start().is_some_and(|start| start > run);
    match (stopped_anew, started) {
        (true, true) => on_since(watch, session),
        (true, false) => watch.in_vain(),
        (false, _) => failed_or_before(watch, session),
    }
}

/// A session that did not get READY: it began to start by our call and failed, or is seen as it was
/// before the call.
fn failed_or_before(watch: &Watch<'_>, session: &Session) -> Arrival {
    match session.start() {
        Some(start) if start > watch.intent.run && watch.may_have_led_to(start) => Arrival::Failed,
        Some(_) | None => watch.not_begun(),
    }
}

//! The chain for a session that is STOPPED.

use jiff::{SignedDuration, Timestamp};

use super::case::Case;
use super::hold::{held, look_at_hold};
use super::line::Line;
use super::{Reason, moved};

/// How long before the service destroys a session a person is told: time enough to do something by
/// hand.
pub(super) const TERMINATION_ALARM: SignedDuration = SignedDuration::from_hours(4);

pub(super) const CHAIN: &[Line] = &[
    Line { number: 1, question: "is it about to be destroyed?", ask: near_end, look: look_at_end },
    Line {
        number: 2,
        question: "is the studio read whole, and ours?",
        ask: held,
        look: look_at_hold,
    },
    Line { number: 5, question: "then leave it off", ask: off, look: look_at_stop },
];

/// The stop of ours that the session's tag should tell of and does not.
pub(super) fn mark(_case: &Case<'_>) -> Option<Timestamp> {
    None
}

fn near_end(case: &Case<'_>) -> Option<Reason> {
    let terminate_at = case.session.terminate_at?;
    (alarm_at(case)? <= case.now).then_some(Reason::TerminationNear { terminate_at })
}

/// When a person is told.
pub(super) fn alarm_at(case: &Case<'_>) -> Option<Timestamp> {
    case.session.terminate_at.map(|at| moved(at, -TERMINATION_ALARM))
}

fn off(_case: &Case<'_>) -> Option<Reason> {
    Some(Reason::Stopped)
}

fn look_at_end(case: &Case<'_>) -> String {
    match case.session.terminate_at {
        Some(at) => format!("the service will destroy it at {at}"),
        None => "nothing says that it will be".to_owned(),
    }
}

fn look_at_stop(case: &Case<'_>) -> String {
    let since = case.session.stopped_at.map_or("unknown".to_owned(), |at| at.to_string());
    format!("state {}, stopped {since}", case.session.state)
}

//! What the service shows that is not so, or that the studio itself could not bring about.

use std::sync::Arc;

use super::faults::Fault;
use super::ground::{Ground, locked};
use crate::ids::AccountId;
use crate::inventory::{Doubt, Gap, Problem, Session, SessionState, Snapshot, Stopping, Wanted};
use jiff::SignedDuration;

/// The faults that show a session otherwise than it is.
const SESSIONS: &[Fault] = &[
    Fault::StartUnknown,
    Fault::StartInFuture,
    Fault::VolumesDeleted,
    Fault::ModeUnknown,
    Fault::StateUnknown,
    Fault::ProfileUnknown,
    Fault::OwnerUnknown,
    Fault::EndUnknown,
];

/// A listing as the weather has it.
pub(super) fn snapshot(ground: &Ground, snapshot: &mut Snapshot) {
    if locked(&ground.weather).is_calm() {
        return;
    }
    if ground.lies_over(SESSIONS) {
        for session in snapshot.sessions.values_mut() {
            self::session(ground, Arc::make_mut(session));
        }
    }
    if ground.prevails(Fault::WrongAccount) {
        snapshot.accounts = vec![AccountId::from("999999999999")];
    }
    if ground.prevails(Fault::NoAccount) {
        snapshot.accounts = Vec::new();
    }
    if ground.strikes(Fault::PartialList) {
        let half = snapshot.sessions.keys().nth(snapshot.sessions.len() / 2).cloned();
        if let Some(half) = half {
            snapshot.sessions.split_off(&half);
        }
        let detail = "a fault on purpose".to_owned();
        let gap = Gap { wanted: Wanted::Sessions, problem: Problem::ServerError, detail };
        snapshot.gaps.push(gap);
    }
    if ground.strikes(Fault::VanishingSession) {
        let count = snapshot.sessions.len();
        let which = ground.draw(|chance| chance.below(count));
        if let Some(id) = snapshot.sessions.keys().nth(which).cloned() {
            snapshot.sessions.remove(&id);
        }
    }
}

/// A session as the weather has it; the same wherever it is looked at in one spell.
pub(super) fn session(ground: &Ground, session: &mut Session) {
    // Each fault is about some of the sessions, not about all.
    let number = session.id.as_str().bytes().map(usize::from).sum::<usize>();
    let is_about = |fault: Fault| (number + fault as usize).is_multiple_of(4);
    let shows = |fault: Fault| is_about(fault) && ground.prevails(fault);
    if shows(Fault::StartUnknown) {
        (session.started_at, session.created_at) = (None, None);
    }
    if shows(Fault::StartInFuture) {
        session.started_at = session.started_at.map(|at| at + SignedDuration::from_hours(24 * 9));
    }
    if shows(Fault::VolumesDeleted) {
        session.stopping = Stopping::Unclear(Doubt::VolumesDeleted);
    }
    if shows(Fault::ModeUnknown) {
        let value = "SOMETIMES".to_owned();
        session.stopping = Stopping::Unclear(Doubt::UnknownMode { field: "mode", value });
    }
    if shows(Fault::StateUnknown) {
        session.state = SessionState::Unknown("DREAMING".to_owned());
    }
    if shows(Fault::ProfileUnknown) {
        session.launch_profile_name = None;
        session.stopping = Stopping::Unclear(Doubt::NoLaunchProfile);
    }
    if shows(Fault::OwnerUnknown) {
        session.owner = None;
    }
    if shows(Fault::EndUnknown) {
        session.terminate_at = None;
    }
}

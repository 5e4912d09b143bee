//! Who else acts in a studio: artists, administrators, and the hardware.

use jiff::SignedDuration;

use super::chance::Chance;
use super::faults::Fault;
use super::ground::{Ground, locked};
use super::rules::{AT_HOME, LATE, RENDERS, STUDIO, SUPERVISOR, UNSCHEDULED};
use crate::clock::Clock;
use crate::sandbox::world::{Caller, NewSession, Session, SessionState, Tags};

/// Who artists are to the service.
const ARTIST: &str = "artist";

/// What somebody may do at any time, the more often the more often it stands here.
const ACTS: &[Fault] = &[
    Fault::ArtistStarts,
    Fault::ArtistStarts,
    Fault::ArtistStarts,
    Fault::ArtistStarts,
    Fault::ArtistStops,
    Fault::ArtistKeeps,
    Fault::ArtistKeepsUntil,
    Fault::ArtistUnkeeps,
    Fault::ArtistUnkeeps,
    Fault::ArtistUnkeeps,
    Fault::TagGarbled,
    Fault::TagRender,
    Fault::TagSchedule,
    Fault::TagLate,
    Fault::TagLate,
    Fault::Deletes,
    Fault::Creates,
    Fault::CreatesMany,
    Fault::DeletesMany,
    Fault::ProfileChanges,
    Fault::ProfileForbids,
    Fault::NoCapacity,
    Fault::StopFails,
];

/// The same where nothing goes wrong: a studio keeps its size.
const CALM_ACTS: &[Fault] = &[
    Fault::ArtistStarts,
    Fault::ArtistStarts,
    Fault::ArtistStarts,
    Fault::ArtistStarts,
    Fault::ArtistStops,
    Fault::ArtistStops,
    Fault::ArtistKeeps,
    Fault::ArtistKeepsUntil,
    Fault::ArtistUnkeeps,
    Fault::ArtistUnkeeps,
];

/// The profiles that a studio has; see `studio`.
pub(super) const PROFILES: &[&str] = &["persistent", "long", "short", "forbidding", "observed"];

/// Somebody does something.
pub(super) fn act(ground: &Ground) {
    let acts = if locked(&ground.weather).is_calm() { CALM_ACTS } else { ACTS };
    let act = ground.draw(|chance| chance.one_of(acts));
    let sessions = ground.sessions();
    if sessions.is_empty() {
        return create(ground, 1);
    }
    let session = ground.draw(|chance| sessions[chance.below(sessions.len())].clone());
    match act {
        Fault::ArtistStarts => start(ground, &sessions),
        Fault::ArtistStops => stop(ground, &session),
        Fault::ArtistKeeps => tag(ground, act, &session, "lightsout:keep", "always"),
        Fault::ArtistKeepsUntil => {
            let hours = SignedDuration::from_hours(ground.draw(|chance| chance.between(1, 30)));
            let until = (ground.service.now() + hours).to_string();
            tag(ground, act, &session, "lightsout:keep-until", &until);
        }
        Fault::ArtistUnkeeps => unkeep(ground, &session),
        Fault::TagGarbled => tag(ground, act, &session, "lightsout:keep-until", "tomorrow"),
        Fault::TagRender => tag(ground, act, &session, RENDERS.0, RENDERS.1),
        Fault::TagSchedule => reschedule(ground, act, &session, AT_HOME),
        Fault::TagLate => reschedule(ground, act, &session, LATE),
        Fault::Deletes => delete(ground, &session),
        Fault::Creates => create(ground, 1),
        Fault::CreatesMany => create(ground, 14),
        Fault::DeletesMany => {
            ground.count(act);
            sessions.iter().skip(2).for_each(|session| delete(ground, session));
        }
        Fault::ProfileChanges => profile(ground),
        Fault::ProfileForbids => forbid(ground),
        Fault::NoCapacity => {
            amend(ground, act, &session, |session| session.failures.fails_to_start = 2)
        }
        Fault::StopFails => {
            amend(ground, act, &session, |session| session.failures.fails_to_stop = true)
        }
        _ => {}
    }
}

/// Everybody comes in: what is off is started by its artist.
pub(super) fn come_in(ground: &Ground) {
    for session in ground.sessions() {
        if session.state == SessionState::Stopped && ground.draw(|chance| !chance.once_in(4)) {
            ground.count(Fault::ArtistStarts);
            start_one(ground, &session);
        }
    }
}

/// The hardware works again, and keeps of all kinds are taken away: for the end of a simulation.
pub(super) fn calm(ground: &Ground) {
    let now = ground.service.now();
    for session in ground.sessions() {
        let _ = ground.world().amend_session(STUDIO, session.id.as_str(), now, |session| {
            session.failures.fails_to_stop = false;
            session.failures.fails_to_start = 0;
        });
        unkeep(ground, &session);
    }
}

/// Just before the last look at a session, and between it and the call.
pub(super) fn race(ground: &Ground, id: &str) {
    let Some((session, _)) = ground.truth(id) else { return };
    if ground.strikes(Fault::KeepRace) {
        tag(ground, Fault::KeepRace, &session, "lightsout:keep", "wait");
    }
    if ground.strikes(Fault::StopRace) {
        stop(ground, &session);
    }
}

fn start(ground: &Ground, sessions: &[Session]) {
    let off = |session: &&Session| {
        matches!(session.state, SessionState::Stopped | SessionState::StartFailed)
    };
    let off: Vec<&Session> = sessions.iter().filter(off).collect();
    if off.is_empty() {
        return;
    }
    ground.count(Fault::ArtistStarts);
    start_one(ground, ground.draw(|chance| off[chance.below(off.len())]));
}

fn start_one(ground: &Ground, session: &Session) {
    let now = ground.service.now();
    // Refused where it is on its way already; then there is nothing to do.
    let _ = ground.world().start(STUDIO, session.id.as_str(), None, Caller::new(ARTIST), now);
}

fn stop(ground: &Ground, session: &Session) {
    // Nobody stops a machine whose launch profile forbids it, or whose work would be gone by then.
    let is_safe = ground.truth(session.id.as_str()).is_some_and(|(session, _)| {
        session.launch_profile_id.is_some_and(|id| id.as_str() == PROFILES[0])
    });
    if is_safe {
        ground.count(Fault::ArtistStops);
        let now = ground.service.now();
        let _ = ground.world().stop(STUDIO, session.id.as_str(), None, Caller::new(ARTIST), now);
    }
}

fn delete(ground: &Ground, session: &Session) {
    let now = ground.service.now();
    let caller = Caller::new(ARTIST);
    if ground.world().delete_session(STUDIO, session.id.as_str(), caller, now).is_ok() {
        ground.count(Fault::Deletes);
    }
}

fn create(ground: &Ground, count: usize) {
    let now = ground.service.now();
    for _ in 0..count {
        let new = ground.draw(new_session);
        let _ = ground.world().create_session(STUDIO, new, Caller::new(ARTIST), now);
    }
    ground.count(if count == 1 { Fault::Creates } else { Fault::CreatesMany });
}

fn new_session(chance: &mut Chance) -> NewSession {
    NewSession {
        launch_profile: chance.one_of(PROFILES).into(),
        owned_by: owner(chance),
        ec2_instance_type: None,
        streaming_image_id: None,
        tags: Tags::new(),
    }
}

/// One of a few artists; now and then the supervisor.
pub(super) fn owner(chance: &mut Chance) -> String {
    match chance.below(9) {
        0 => SUPERVISOR.to_owned(),
        1 => UNSCHEDULED.to_owned(),
        who => format!("artist-{who}"),
    }
}

fn tag(ground: &Ground, fault: Fault, session: &Session, key: &str, value: &str) {
    ground.count(fault);
    let now = ground.service.now();
    locked(&ground.tagged).insert(session.id.to_string(), now);
    let tags = Tags::from([(key.to_owned(), value.to_owned())]);
    let _ = ground.world().tag(&session.arn, &tags, Caller::new(ARTIST), now);
}

fn reschedule(ground: &Ground, fault: Fault, session: &Session, schedule: &str) {
    locked(&ground.rescheduled).insert(session.id.to_string(), ground.service.now());
    tag(ground, fault, session, "lightsout:schedule", schedule);
}

/// An artist who has read a warning of ours may ask for a little more time.
pub(super) fn answer_warning(ground: &Ground, id: &str) {
    let Some((session, _)) = ground.truth(id) else { return };
    if ground.strikes(Fault::AnswersWarning) {
        let more = SignedDuration::from_mins(ground.draw(|chance| chance.between(1, 120)));
        let until = (ground.service.now() + more).to_string();
        tag(ground, Fault::AnswersWarning, &session, "lightsout:keep-until", &until);
    }
}

fn unkeep(ground: &Ground, session: &Session) {
    let now = ground.service.now();
    if session.tags.contains_key("lightsout:schedule") {
        locked(&ground.rescheduled).insert(session.id.to_string(), now);
    }
    let keys: Vec<String> =
        session.tags.keys().filter(|key| *key != "lightsout:stopped").cloned().collect();
    if !keys.is_empty() {
        ground.count(Fault::ArtistUnkeeps);
        locked(&ground.tagged).insert(session.id.to_string(), now);
        let _ = ground.world().untag(&session.arn, &keys, Caller::new(ARTIST), now);
    }
}

fn profile(ground: &Ground) {
    ground.count(Fault::ProfileChanges);
    locked(&ground.edited).push(ground.service.now());
    let minutes = ground.draw(|chance| chance.one_of(&[120, 960, 1440, 5760]));
    let _ = ground.world().amend_launch_profile(STUDIO, "short", |profile| {
        profile.stream.max_stopped_session_length_in_minutes = Some(minutes);
    });
}

/// Sessions of one launch profile may not be stopped any more, or may again.
fn forbid(ground: &Ground) {
    ground.count(Fault::ProfileForbids);
    locked(&ground.edited).push(ground.service.now());
    let _ = ground.world().amend_launch_profile(STUDIO, "long", |profile| {
        let minutes = &mut profile.stream.max_stopped_session_length_in_minutes;
        *minutes = if minutes.is_some() { None } else { Some(5_760) };
    });
}

fn amend(ground: &Ground, fault: Fault, session: &Session, amend: impl FnOnce(&mut Session)) {
    ground.count(fault);
    let now = ground.service.now();
    let _ = ground.world().amend_session(STUDIO, session.id.as_str(), now, amend);
}

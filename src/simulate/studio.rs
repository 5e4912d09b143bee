//! The studio that a simulation begins with, drawn from a seed.

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::people::{PROFILES, owner};
use super::rules::{ACCOUNT, STUDIO};
use crate::sandbox::World;
use crate::sandbox::world::{
    LaunchProfile, Mode, Refusal, Session, SessionState, Studio, Tags, Timings,
};

/// A studio with some sessions, as many as asked for, most of them in use.
///
/// # Errors
/// The world refuses what it is given.
pub(super) fn draw(chance: &mut Chance, sessions: usize, now: Timestamp) -> Result<World, Refusal> {
    let mut world = World::new(Timings::default());
    world.add_studio(Studio::new(STUDIO, ACCOUNT, "simulated"));
    for name in PROFILES {
        world.add_launch_profile(STUDIO, profile(name))?;
    }
    for number in 0..sessions {
        let id = format!("session-{number:04}");
        world.add_session(STUDIO, session(chance, &id, now))?;
    }
    Ok(world)
}

/// How long sessions live by themselves, and whether they may be stopped.
fn profile(name: &str) -> LaunchProfile {
    let mut profile = LaunchProfile::new(name, name);
    let stream = &mut profile.stream;
    stream.max_session_length_in_minutes = Some(43_200);
    match name {
        "persistent" | "observed" => {
            stream.session_persistence_mode = Some(Mode::Activated);
            stream.automatic_termination_mode = Some(Mode::Deactivated);
        }
        "long" => stream.max_stopped_session_length_in_minutes = Some(5_760),
        "short" => stream.max_stopped_session_length_in_minutes = Some(960),
        _ => stream.max_session_length_in_minutes = Some(690),
    }
    profile
}

fn session(chance: &mut Chance, id: &str, now: Timestamp) -> Session {
    let mut session = Session::new(id, SessionState::Ready);
    let days = SignedDuration::from_hours(24 * chance.between(1, 60));
    let hours = SignedDuration::from_mins(chance.between(5, 20 * 60));
    session.launch_profile_id = Some(chance.one_of(PROFILES).into());
    session.owned_by = Some(owner(chance));
    session.created_at = Some(now - days);
    session.started_at = Some(now - hours);
    session.tags = Tags::new();
    if chance.once_in(5) {
        session.state = SessionState::Stopped;
        session.started_at = Some(now - hours - SignedDuration::from_hours(4));
        session.stopped_at = Some(now - hours);
        session.stopped_by = Some("artist".to_owned());
    }
    session
}

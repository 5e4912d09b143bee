//! The simulated artists: who comes when, and what they do to their machines.
//!
//! They live by a diary that follows from the ids of their sessions, so a week comes out the same
//! each time. They come in by the sandbox's own door, as artists do by their portal.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::story;
use crate::clock::Clock;
use crate::sandbox::World;
use crate::sandbox::world::{Caller, Mode, Session, SessionFilter, SessionState};

/// What an artist does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// Comes in, and starts the machine if it is off.
    ComeIn,
    /// Goes home, and stops the machine if it is on: some always do.
    GoHome,
    /// Comes back in the evening or at the weekend.
    ComeBack,
}

/// One line of the diary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    at: Timestamp,
    act: Act,
    artist: Artist,
}

/// Somebody with a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Artist {
    studio: String,
    session: String,
    owner: String,
    /// Whether the machine may be left off overnight: nobody stops one that would be gone by then.
    stops_safely: bool,
}

/// A stopped machine that lives this long is there in the morning.
const OVERNIGHT_MINUTES: u32 = 24 * 60;

/// Everything that every artist will do.
pub(super) fn diary(world: &Mutex<World>, start: Timestamp, end: Timestamp) -> Vec<Entry> {
    let zone = TimeZone::get("America/Los_Angeles").unwrap_or(TimeZone::UTC);
    let mut diary = Vec::new();
    for artist in artists(world, start) {
        let mut day = zone.to_datetime(start).date();
        while zone.to_timestamp(day.at(0, 0, 0, 0)).is_ok_and(|midnight| midnight < end) {
            for (time, act) in habits(&artist, day.weekday(), day.at(0, 0, 0, 0)) {
                let Ok(at) = zone.to_timestamp(time) else { continue };
                diary.push(Entry { at, act, artist: artist.clone() });
            }
            day = day.saturating_add(1.day());
        }
    }
    diary.retain(|entry| start < entry.at && entry.at < end);
    diary.sort();
    diary
}

/// Everybody with a machine in any studio.
fn artists(world: &Mutex<World>, now: Timestamp) -> Vec<Artist> {
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    let studios = world.studios(None, usize::MAX).items;
    let studios: Vec<String> = studios.iter().map(|studio| studio.id.as_str().to_owned()).collect();
    let mut artists = Vec::new();
    for studio in studios {
        let everything = SessionFilter::default();
        let Ok(page) = world.sessions(&studio, &everything, None, usize::MAX, now) else {
            continue;
        };
        let sessions: Vec<Session> = page.items.into_iter().cloned().collect();
        for session in sessions {
            artists.push(Artist {
                stops_safely: stops_safely(&world, &studio, &session),
                studio: studio.clone(),
                session: session.id.as_str().to_owned(),
                owner: session.owned_by.unwrap_or_default(),
            });
        }
    }
    artists
}

fn stops_safely(world: &World, studio: &str, session: &Session) -> bool {
    let profile = session.launch_profile_id.as_ref();
    let Some(Ok(profile)) = profile.map(|id| world.launch_profile(studio, id.as_str())) else {
        return false;
    };
    let stopped = profile.stream.max_stopped_session_length_in_minutes.unwrap_or(0);
    let persists = profile.stream.session_persistence_mode == Some(Mode::Activated);
    let terminates = profile.stream.automatic_termination_mode == Some(Mode::Activated);
    stopped >= OVERNIGHT_MINUTES || (persists && !terminates)
}

/// What one artist does on one day.
fn habits(artist: &Artist, weekday: Weekday, midnight: DateTime) -> Vec<(DateTime, Act)> {
    // A number of the artist's own; what it is does not matter, only that it stays.
    let bytes = artist.session.bytes();
    let habit = bytes.fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let minute = i64::from(habit % 60);
    let at = |hour: i64, minute: i64| midnight.saturating_add((hour * 60 + minute).minutes());
    let is_weekend = matches!(weekday, Weekday::Saturday | Weekday::Sunday);
    let mut acts = Vec::new();
    if !is_weekend {
        acts.push((at(8, 30 + minute), Act::ComeIn));
    }
    // Nobody who goes home on a Friday leaves a machine off that would be gone on Monday.
    if !is_weekend && weekday != Weekday::Friday && artist.stops_safely && habit % 5 == 0 {
        acts.push((at(18, 30 + minute / 2), Act::GoHome));
    }
    let is_late_night = matches!(weekday, Weekday::Tuesday | Weekday::Thursday);
    if is_late_night && habit % 9 == 1 {
        acts.push((at(22, minute / 3), Act::ComeBack));
    }
    if weekday == Weekday::Saturday && habit % 11 == 2 {
        acts.push((at(11, minute), Act::ComeBack));
    }
    acts
}

/// Lives by the diary, and tells of it.
pub(super) async fn live(diary: Vec<Entry>, world: Arc<Mutex<World>>, clock: Arc<dyn Clock>) {
    let mut entries = diary.into_iter().peekable();
    let mut alike = 0;
    while let Some(Entry { at, act, artist }) = entries.next() {
        clock.sleep_until(at).await;
        let done =
            does(&mut world.lock().unwrap_or_else(PoisonError::into_inner), at, act, &artist);
        alike += usize::from(done);
        let is_last = entries.peek().is_none_or(|next| next.act != act);
        match act {
            Act::ComeBack if done => story::comes_back(at, &artist.session),
            Act::ComeIn if is_last => story::artists(at, alike, "have come in and started theirs"),
            Act::GoHome if is_last => story::artists(at, alike, "have gone home, theirs stopped"),
            Act::ComeIn | Act::GoHome | Act::ComeBack => {}
        }
        if is_last {
            alike = 0;
        }
    }
}

/// Does what the diary says, if there is anything to do.
fn does(world: &mut World, at: Timestamp, act: Act, artist: &Artist) -> bool {
    let (studio, session) = (artist.studio.as_str(), artist.session.as_str());
    let caller = Caller::new(&artist.owner);
    let state = world.session(studio, session, at).map(|found| found.state.clone());
    let done = match (act, state) {
        (Act::ComeIn | Act::ComeBack, Ok(SessionState::Stopped)) => {
            world.start(studio, session, None, caller, at)
        }
        (Act::GoHome, Ok(SessionState::Ready)) => world.stop(studio, session, None, caller, at),
        // A machine that is on needs no start, and one that is off no stop.
        _ => return false,
    };
    done.is_ok()
}

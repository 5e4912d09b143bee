//! Makes what changed last: it is on the disk before it is answered.
//!
//! What a request changed goes to the state file in one transaction, together with what time changed
//! since the one before. What time alone changes is not written: it follows from instants, and
//! happens again when the file is opened.

use std::sync::{MutexGuard, PoisonError};

use jiff::Timestamp;

use super::Shared;
use crate::sandbox::clock::{ClockChange, ClockError, ClockFacts};
use crate::sandbox::state::{Beside, StateFile};
use crate::sandbox::wire::{Failure, FailureKind};
use crate::sandbox::world::World;

/// Why the clock was not changed.
pub(super) enum NotSet {
    Clock(ClockError),
    State(Failure),
}

impl Shared {
    /// Looks at the world as it is now.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&mut World, Timestamp) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut world = self.world();
        self.recover(&mut world)?;
        look(&mut world, self.clock.now())
    }

    /// Changes the world, and keeps what changed. What is refused changes nothing but what time does.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut World, Timestamp) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut world = self.world();
        self.recover(&mut world)?;
        let now = self.clock.now();
        let changed = change(&mut world, now)?;
        self.keep(&mut world, self.clock.facts(), now)?;
        Ok(changed)
    }

    /// Changes the clock, and keeps that. The world is brought up to what it shows then.
    pub(super) fn change_clock(&self, change: ClockChange) -> Result<(), NotSet> {
        let mut world = self.world();
        self.recover(&mut world).map_err(NotSet::State)?;
        let facts = self.clock.changed(change).map_err(NotSet::Clock)?;
        self.keep(&mut world, facts, facts.showed).map_err(NotSet::State)?;
        self.clock.set(facts);
        world.advance(facts.showed);
        Ok(())
    }

    fn keep(&self, world: &mut World, clock: ClockFacts, shown: Timestamp) -> Result<(), Failure> {
        let Some(mut state) = self.state() else { return Ok(()) };
        let changes = world.take_changes();
        if changes.is_empty() && state.beside().clock == clock {
            return Ok(());
        }
        let number = state.beside().number;
        let beside = Beside { clock, shown, ..*state.beside() };
        let Err(error) = state.keep(&changes, beside) else { return Ok(()) };
        tracing::error!(%error, "the state file could not be written");
        let found = self.reload(world, &mut state);
        Err(failure(match found {
            Err(_) => "whether it was done is not known before the state file can be read again",
            Ok(found) if found > number => "it was done all the same",
            Ok(_) => "nothing was done",
        }))
    }

    /// After something could not be written and the file could not be read either, nobody knows what
    /// the world is like. So it is read before anything else is done.
    fn recover(&self, world: &mut World) -> Result<(), Failure> {
        match self.state() {
            Some(mut state) if state.is_lost() => self.reload(world, &mut state).map(drop),
            Some(_) | None => Ok(()),
        }
    }

    /// Goes by what the file says, and gives the number of the last change in it.
    fn reload(&self, world: &mut World, state: &mut StateFile) -> Result<u64, Failure> {
        match state.reload() {
            Ok(kept) => {
                *world = kept.world;
                self.clock.set(kept.beside.clock);
                tracing::warn!(change = kept.beside.number, "the state file was read again");
                Ok(kept.beside.number)
            }
            Err(error) => {
                tracing::error!(%error, "the state file could not be read again");
                Err(failure("nothing is done before it can be read again"))
            }
        }
    }

    fn state(&self) -> Option<MutexGuard<'_, StateFile>> {
        let state = self.state.as_ref()?;
        Some(state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn failure(what: &str) -> Failure {
    let message = format!("the state file of the sandbox cannot be written: {what}");
    Failure::new(FailureKind::Internal, "STATE_FILE", message)
}

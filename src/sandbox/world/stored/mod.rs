//! A world as entries of tables, for whoever keeps it: each thing is one entry, so that what changes
//! is small.
//!
//! The world knows nothing of files. It tells what changed ([`World::take_changes`]) and comes back
//! from all entries ([`Restoring`]). What follows from others is no entry: timers follow from
//! instants, so that what was to happen meanwhile happens when the world is looked at again. The
//! effects and the destroyed work are of one run, and are not kept. `codec.rs` says how a value
//! becomes bytes, and `members.rs` which members each noun has.

pub(in crate::sandbox) mod codec;
mod members;

#[cfg(test)]
mod tests;

#[cfg(test)]
use std::collections::BTreeMap;

use self::codec::{decoded, encoded};
use super::lifecycle::{self, Timings};
use super::nouns::{LaunchProfile, LaunchProfileId, Session, SessionId, Studio, StudioId};
use super::resources::{Backup, Members, Stream, StreamingImage, StudioComponent};
use super::tokens::{Answered, Tokens};
use super::{Held, Marked, Subject, Timer, World, timer};

/// The version of what the entries hold. Whoever changes that raises it.
pub const SCHEMA: u32 = 1;

macro_rules! tables {
    ($($(#[$doc:meta])* $variant:ident => $name:literal),+ $(,)?) => {
        /// The tables that a world is kept in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Table {
            $($(#[$doc])* $variant,)+
        }

        impl Table {
            /// Every table, in the order in which a world comes back from them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

tables! {
    /// Its one entry is what belongs to no studio.
    World => "world",
    Studios => "studios",
    /// The administrators of a studio, all in one entry.
    Members => "members",
    LaunchProfiles => "launch profiles",
    Images => "images",
    Components => "components",
    Sessions => "sessions",
    Backups => "backups",
    /// The streams of a session, all in one entry.
    Streams => "streams",
    /// What was answered to which client token.
    Tokens => "tokens",
}

/// An entry that is new or different; without a value it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub table: Table,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

/// An entry that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry of the table of {} cannot be read: {why}", table.name())]
pub struct Unreadable {
    pub table: Table,
    pub why: &'static str,
}

impl World {
    /// Notes from now on what changes; all that is there counts as changed.
    pub fn track(&mut self) {
        self.tracks = true;
        self.created.mark(true);
        self.tokens.answers.track();
        for studio in self.studio_ids() {
            if let Some(held) = self.studios.get_mut(&studio) {
                held.track();
            }
        }
    }

    /// What changed since this was asked last, each entry as it is now. Nothing, where it is not noted.
    #[must_use]
    pub fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        if !self.tracks {
            return changes;
        }
        if self.created.take_touched() {
            let value = Some(encoded(&(self.timings, *self.created)));
            changes.push(Change { table: Table::World, key: Vec::new(), value });
        }
        for studio in self.studio_ids() {
            if let Some(held) = self.studios.get_mut(&studio) {
                held.take_changes(&mut changes);
            }
        }
        for number in self.tokens.answers.take_touched() {
            let value = self.tokens.answers.get(&number).map(encoded);
            changes.push(Change { table: Table::Tokens, key: encoded(&number), value });
        }
        changes
    }

    fn studio_ids(&self) -> Vec<StudioId> {
        self.studios.keys().cloned().collect()
    }
}

/// A world that comes back entry by entry, and then notes what changes.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Restoring {
    world: World,
}

impl Restoring {
    /// Takes an entry. Those of a table come after those of the tables before it in [`Table::ALL`].
    ///
    /// # Errors
    /// It is none, or of something that is not there.
    pub(in crate::sandbox) fn take(
        &mut self,
        table: Table,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), Unreadable> {
        self.put(table, key, value).map_err(|why| Unreadable { table, why })
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
        match table {
            Table::World => {
                let (timings, created): (Timings, u64) = decoded(value)?;
                self.world.timings = timings;
                self.world.created = Marked::new(created);
            }
            Table::Studios => {
                let studio: Studio = decoded(value)?;
                self.world.studios.insert(decoded(key)?, Held::new(studio));
            }
            Table::Members => {
                let studio: StudioId = decoded(key)?;
                self.held(&studio)?.members = Marked::new(decoded::<Members>(value)?);
            }
            Table::LaunchProfiles => {
                let (studio, id): (StudioId, LaunchProfileId) = decoded(key)?;
                let profile: LaunchProfile = decoded(value)?;
                if let Some(transition) = &profile.transition {
                    let subject = Subject::LaunchProfile(id.clone());
                    let timer: Timer = (transition.ends, studio.clone(), subject);
                    self.world.timers.insert(timer);
                }
                self.held(&studio)?.profiles.insert(id, profile);
            }
            Table::Images => {
                let (studio, id): (StudioId, String) = decoded(key)?;
                self.held(&studio)?.images.insert(id, decoded::<StreamingImage>(value)?);
            }
            Table::Components => {
                let (studio, id): (StudioId, String) = decoded(key)?;
                self.held(&studio)?.components.insert(id, decoded::<StudioComponent>(value)?);
            }
            Table::Sessions => {
                let session: Session = decoded(value)?;
                let key: (StudioId, SessionId) = decoded(key)?;
                if let Some(due) = lifecycle::next_event(&session) {
                    self.world.timers.insert(timer(due, &key));
                }
                self.held(&key.0)?.sessions.insert(key.1, session);
            }
            Table::Backups => {
                let (studio, _): (StudioId, String) = decoded(key)?;
                self.held(&studio)?.keep_backup(decoded::<Backup>(value)?);
            }
            Table::Streams => {
                let (studio, session): (StudioId, SessionId) = decoded(key)?;
                self.held(&studio)?.streams.insert(session, decoded::<Vec<Stream>>(value)?);
            }
            Table::Tokens => {
                let tokens: &mut Tokens = &mut self.world.tokens;
                tokens.keep(decoded(key)?, decoded::<Answered>(value)?);
            }
        }
        Ok(())
    }

    pub(in crate::sandbox) fn finish(mut self) -> World {
        let world = &mut self.world;
        world.tracks = true;
        world.created.mark(false);
        world.tokens.answers.track_anew();
        world.studios.values_mut().for_each(Held::track_anew);
        self.world
    }

    fn held(&mut self, studio: &StudioId) -> Result<&mut Held, &'static str> {
        self.world.studios.get_mut(studio).ok_or("its studio is not there")
    }
}

/// Does the same to each part of a studio that notes its changes.
macro_rules! each_part {
    ($held:ident, $part:ident => $do:expr) => {{
        let Held {
            studio: _,
            profiles,
            sessions,
            members: _,
            images,
            components,
            backups,
            backups_of: _,
            streams,
        } = $held;
        {
            let $part = profiles;
            $do;
        }
        {
            let $part = sessions;
            $do;
        }
        {
            let $part = images;
            $do;
        }
        {
            let $part = components;
            $do;
        }
        {
            let $part = backups;
            $do;
        }
        {
            let $part = streams;
            $do;
        }
    }};
}

impl Held {
    pub(super) fn track(&mut self) {
        self.studio.mark(true);
        self.members.mark(true);
        each_part!(self, part => part.track());
    }

    fn track_anew(&mut self) {
        self.studio.mark(false);
        self.members.mark(false);
        each_part!(self, part => part.track_anew());
    }

    fn take_changes(&mut self, changes: &mut Vec<Change>) {
        let id = self.studio.id.clone();
        let mut tell = |table, key, value| changes.push(Change { table, key, value });
        if self.studio.take_touched() {
            tell(Table::Studios, encoded(&id), Some(encoded(&*self.studio)));
        }
        if self.members.take_touched() {
            tell(Table::Members, encoded(&id), Some(encoded(&*self.members)));
        }
        macro_rules! told {
            ($part:ident, $table:ident) => {
                for key in self.$part.take_touched() {
                    let value = self.$part.get(&key).map(encoded);
                    tell(Table::$table, encoded(&(id.clone(), key)), value);
                }
            };
        }
        told!(profiles, LaunchProfiles);
        told!(images, Images);
        told!(components, Components);
        told!(sessions, Sessions);
        told!(backups, Backups);
        told!(streams, Streams);
    }
}

/// A world as all its entries, for tests that compare worlds.
#[cfg(test)]
pub(super) fn all_entries(world: &World) -> BTreeMap<(Table, Vec<u8>), Vec<u8>> {
    let mut world = world.clone();
    world.track();
    let entries = world.take_changes().into_iter();
    entries.filter_map(|entry| Some(((entry.table, entry.key), entry.value?))).collect()
}

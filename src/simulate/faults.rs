//! What goes wrong, and when: the weather of a simulation.
//!
//! A seed draws some spells. During a spell one fault strikes now and then; the last day has none, so
//! that it can be seen that everything is made good.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;

/// Declares the faults with their names, in one place.
macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Something that goes wrong, or that somebody does at an awkward moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Fault] = &[$(Fault::$name),*];

            /// Its name, for counts.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

faults! {
    /// A call is refused for want of patience.
    Throttled = "api.throttled",
    /// A call fails inside the service, without effect.
    ServerError = "api.server_error",
    /// A call is not answered, and had no effect.
    TimedOut = "api.timed_out",
    /// There is no connection.
    Unreachable = "api.unreachable",
    /// The service says no.
    Denied = "api.denied",
    /// The credentials are too old.
    Expired = "api.credentials_expired",
    /// The call has its effect and its answer is lost.
    LostAnswer = "api.lost_answer",
    /// The call is not answered, and has its effect a little later.
    LateEffect = "api.late_effect",
    /// An answer takes long.
    SlowAnswer = "api.slow_answer",
    /// A listing lacks a part, and says so.
    PartialList = "api.partial_list",
    /// A listing shows the studio as it was some minutes ago.
    StaleList = "api.stale_list",
    /// A listing lacks one session, and does not say so.
    VanishingSession = "api.vanishing_session",
    /// A listing names another account.
    WrongAccount = "api.wrong_account",
    /// A listing names no account.
    NoAccount = "api.no_account",
    /// A session says neither when it was started nor when it was made.
    StartUnknown = "api.start_unknown",
    /// A session says that it was started tomorrow.
    StartInFuture = "api.start_in_future",
    /// A session says that its volumes are deleted when it stops.
    VolumesDeleted = "api.volumes_deleted",
    /// A session has a mode that nobody knows.
    ModeUnknown = "api.mode_unknown",
    /// A session is in a state that nobody knows.
    StateUnknown = "api.state_unknown",
    /// A session's launch profile is not listed.
    ProfileUnknown = "api.profile_unknown",
    /// A session does not say whose it is.
    OwnerUnknown = "api.owner_unknown",
    /// A stopped session does not say when it will be destroyed.
    EndUnknown = "api.end_unknown",
    /// A veto says that a session is busy.
    VetoBusy = "veto.busy",
    /// A veto gives no answer.
    VetoFails = "veto.fails",
    /// A veto takes long.
    VetoSlow = "veto.slow",
    /// Somebody pauses everything.
    Pauses = "people.pause",
    /// Somebody lets it go on.
    Resumes = "people.resume",
    /// Somebody approves what is held.
    Approves = "people.approve",
    /// A write fails.
    WriteFails = "disk.write_fails",
    /// A write is cut short: the disk is full.
    DiskFull = "disk.full",
    /// A sync fails.
    SyncFails = "disk.sync_fails",
    /// A commit takes long.
    SlowDisk = "disk.slow",
    /// The file cannot even be opened.
    OpenFails = "disk.open_fails",
    /// What was written and not synced is torn by a crash.
    TornWrite = "disk.torn_write",
    /// What was written and not synced is lost by a crash.
    LostWrite = "disk.lost_write",
    /// The process is killed.
    Crash = "process.crash",
    /// The process is ended in order and started again.
    Restart = "process.restart",
    /// The same at a point at which it waits for something.
    Told = "process.told",
    /// It is started again with another policy.
    PolicyChanges = "process.policy_changes",
    /// Another policy is read while it runs.
    Reload = "process.reload",
    /// A file with a mistake is read while it runs.
    BadReload = "process.bad_reload",
    /// The process stays down for a while.
    Downtime = "process.downtime",
    /// The wall clock is set back.
    ClockBack = "clock.back",
    /// The wall clock is set forward.
    ClockForward = "clock.forward",
    /// The machine is suspended.
    Suspend = "clock.suspend",
    /// An artist starts a machine.
    ArtistStarts = "people.start",
    /// An artist stops a machine.
    ArtistStops = "people.stop",
    /// An artist asks to keep a machine.
    ArtistKeeps = "people.keep",
    /// An artist keeps a machine until an instant.
    ArtistKeepsUntil = "people.keep_until",
    /// An artist who is warned keeps the machine for a little longer.
    AnswersWarning = "people.answers_warning",
    /// A keep is taken away.
    ArtistUnkeeps = "people.unkeep",
    /// A tag of ours is written that nobody can read.
    TagGarbled = "people.tag_garbled",
    /// A session gets the tag of a rule that keeps it.
    TagRender = "people.tag_render",
    /// A session is told to follow its owner's zone, which is known of one only.
    TagSchedule = "people.tag_schedule",
    /// A session is told to follow another schedule.
    TagLate = "people.tag_late",
    /// An artist keeps a machine after it was read and before it is stopped.
    KeepRace = "race.keep",
    /// An artist stops a machine after it was read and before it is stopped.
    StopRace = "race.stop",
    /// A session is deleted.
    Deletes = "people.delete",
    /// A session is created.
    Creates = "people.create",
    /// Many sessions are created at once.
    CreatesMany = "people.create_many",
    /// Many sessions are deleted at once.
    DeletesMany = "people.delete_many",
    /// An administrator changes how long a stopped session lives.
    ProfileChanges = "people.profile",
    /// An administrator forbids to stop what could be stopped, or allows it again.
    ProfileForbids = "people.profile_forbids",
    /// A start fails for want of capacity.
    NoCapacity = "service.no_capacity",
    /// A stop fails.
    StopFails = "service.stop_fails",
}

/// How often each of several things happened.
pub type Counts = BTreeMap<&'static str, u64>;

/// A time in which a fault strikes now and then.
#[derive(Debug, Clone, Copy)]
struct Spell {
    fault: Fault,
    from: Timestamp,
    to: Timestamp,
    once_in: usize,
}

/// The spells of one simulation, and how often each fault has struck.
#[derive(Debug)]
pub(super) struct Weather {
    spells: Vec<Spell>,
    chance: Chance,
    pub(super) counts: Counts,
}

/// The faults of calls and disks, which strike in spells; the others are acts with their own instants.
const SPELLS: &[Fault] = &[
    Fault::Throttled,
    Fault::ServerError,
    Fault::TimedOut,
    Fault::Unreachable,
    Fault::Denied,
    Fault::Expired,
    Fault::LostAnswer,
    Fault::LostAnswer,
    Fault::LateEffect,
    Fault::LateEffect,
    Fault::SlowAnswer,
    Fault::PartialList,
    Fault::StaleList,
    Fault::VanishingSession,
    Fault::WrongAccount,
    Fault::NoAccount,
    Fault::StartUnknown,
    Fault::StartInFuture,
    Fault::VolumesDeleted,
    Fault::ModeUnknown,
    Fault::StateUnknown,
    Fault::ProfileUnknown,
    Fault::OwnerUnknown,
    Fault::EndUnknown,
    Fault::EndUnknown,
    Fault::VetoBusy,
    Fault::VetoBusy,
    Fault::VetoFails,
    Fault::VetoFails,
    Fault::VetoSlow,
    Fault::VetoSlow,
    Fault::SlowDisk,
    Fault::OpenFails,
    Fault::WriteFails,
    Fault::DiskFull,
    Fault::SyncFails,
    Fault::AnswersWarning,
    Fault::AnswersWarning,
    Fault::KeepRace,
    Fault::StopRace,
];

impl Weather {
    /// Draws the spells between two instants.
    pub(super) fn draw(mut chance: Chance, from: Timestamp, to: Timestamp) -> Self {
        let span = from.duration_until(to).as_mins();
        let spells = (0..chance.between(4, 17)).map(|_| {
            let from = from + SignedDuration::from_mins(chance.between(0, span));
            let lasts = SignedDuration::from_mins(chance.one_of(&[10, 60, 300, 900]));
            let (fault, once_in) = (chance.one_of(SPELLS), chance.one_of(&[1, 2, 4, 10]));
            Spell { fault, from, to: (from + lasts).min(to), once_in }
        });
        Self { spells: spells.collect(), chance, counts: Counts::new() }
    }

    /// No fault ever.
    pub(super) fn calm(chance: Chance) -> Self {
        Self { spells: Vec::new(), chance, counts: Counts::new() }
    }

    /// Whether a fault strikes now; if so it is counted.
    pub(super) fn strikes(&mut self, fault: Fault, now: Timestamp) -> bool {
        let Some(once_in) = self.spell(fault, now) else { return false };
        let strikes = self.chance.once_in(once_in);
        if strikes {
            self.count(fault);
        }
        strikes
    }

    /// Whether there is any weather at all.
    pub(super) fn is_calm(&self) -> bool {
        self.spells.is_empty()
    }

    /// Whether the disk may fail now.
    pub(super) fn is_disk_in_doubt(&self, now: Timestamp) -> bool {
        let faults = [Fault::WriteFails, Fault::DiskFull, Fault::SyncFails, Fault::OpenFails];
        self.lies_over(&faults, now)
    }

    /// Whether no fault's time lies between two instants.
    pub(super) fn is_clear(&self, from: Timestamp, to: Timestamp) -> bool {
        self.spells.iter().all(|spell| spell.to <= from || to < spell.from)
    }

    /// Whether it is the time of any of these faults.
    pub(super) fn lies_over(&self, faults: &[Fault], now: Timestamp) -> bool {
        faults.iter().any(|fault| self.spell(*fault, now).is_some())
    }

    /// As [`Weather::strikes`], for what lasts as long as its spell.
    pub(super) fn prevails(&mut self, fault: Fault, now: Timestamp) -> bool {
        let prevails = self.spell(fault, now).is_some();
        if prevails {
            self.count(fault);
        }
        prevails
    }

    pub(super) fn count(&mut self, fault: Fault) {
        *self.counts.entry(fault.name()).or_default() += 1;
    }

    pub(super) fn chance(&mut self) -> &mut Chance {
        &mut self.chance
    }

    fn spell(&self, fault: Fault, now: Timestamp) -> Option<usize> {
        let mut spells = self.spells.iter();
        let spell =
            spells.find(|spell| spell.fault == fault && spell.from <= now && now < spell.to);
        spell.map(|spell| spell.once_in)
    }
}

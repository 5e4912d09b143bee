//! Validated policy: what somebody wants, with nothing left to check.
//!
//! Values here come from `config`, which refuses what is wrong; so a [`Policy`] has no invalid form.
//! It never knows which sessions exist, what time it is, or what a file looks like. Read [`Policy`],
//! then [`Settings`], then [`schedule::Schedule`].

pub mod calendar;
pub mod matcher;
pub mod people;
pub mod schedule;
pub mod studio;
pub mod veto;
mod window;

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;

pub use calendar::Calendar;
pub use matcher::{Glob, Matcher};
pub use people::{People, Person};
pub use schedule::{Schedule, Timetable};
pub use studio::{Brake, Connection, Rule, Secret, StudioPolicy, is_loopback};
pub use veto::Veto;
pub use window::Window;

use crate::ids::{CalendarName, InstanceType, PolicyHash, ScheduleName, StudioId, VetoName};

/// The whole of one configuration, as it takes effect.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What identifies this text of the policy in records.
    pub hash: PolicyHash,
    /// How the daemon itself runs.
    pub daemon: DaemonPolicy,
    /// Where actions are recorded.
    pub audit_path: PathBuf,
    /// When the log goes on in a new file.
    pub audit_rotation: AuditRotation,
    /// Whether each record is printed, too.
    pub audit_stdout: bool,
    /// Where the program is looked at from outside, if anywhere.
    pub http: Option<HttpPolicy>,
    /// Every schedule, by name: rules and tags refer to them.
    pub schedules: BTreeMap<ScheduleName, Arc<Timetable>>,
    /// Every calendar, by name; the schedules that it changes hold it too.
    pub calendars: BTreeMap<CalendarName, Arc<Calendar>>,
    /// Every veto, by name; the settings that name it hold it too.
    pub vetoes: BTreeMap<VetoName, Arc<Veto>>,
    /// Who the owners are.
    pub people: People,
    /// The studios, by id.
    pub studios: BTreeMap<StudioId, StudioPolicy>,
    /// USD an hour by instance type, over the built-in table.
    pub prices: BTreeMap<InstanceType, f64>,
}

/// Modes in words: `enforce and observe`.
#[must_use]
pub fn in_words(modes: &BTreeSet<Mode>) -> String {
    modes.iter().rev().map(Mode::to_string).collect::<Vec<_>>().join(" and ")
}

impl Policy {
    /// The modes that its studios and rules have, in words.
    #[must_use]
    pub fn modes(&self) -> String {
        let modes: BTreeSet<Mode> = self.studios.values().flat_map(StudioPolicy::modes).collect();
        in_words(&modes)
    }

    /// Forces `observe` everywhere: what `--dry-run` means.
    #[must_use]
    pub fn observing(mut self) -> Self {
        for studio in self.studios.values_mut() {
            studio.settings.mode = Mode::Observe;
            for rule in &mut studio.rules {
                rule.settings.mode = Mode::Observe;
            }
        }
        self
    }
}

/// When the log goes on in a new file. What is `None` is no reason to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditRotation {
    /// Once the file has so many bytes.
    pub size: Option<u64>,
    /// Once its first record is so old.
    pub age: Option<SignedDuration>,
}

/// Where the program is looked at from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPolicy {
    /// Where it listens. Where others than this machine can connect, there is a token.
    pub listen: SocketAddr,
    /// The file with what whoever looks has to know.
    pub token_file: Option<PathBuf>,
}

/// How the daemon itself runs.
#[derive(Debug, Clone)]
pub struct DaemonPolicy {
    /// When it looks at the studios, whatever else wakes it.
    pub scan: Scan,
    /// Where it keeps what is not the audit log.
    pub state_dir: PathBuf,
    /// How many calls may be in flight to one account, region and endpoint.
    pub concurrency: usize,
}

/// The rhythm of scans.
#[derive(Debug, Clone)]
pub enum Scan {
    /// This long after the last one.
    Every(SignedDuration),
    /// At the instants of a cron expression, read in UTC.
    Cron(schedule::CronExpression),
}

/// Whether actions are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Decide and record; call nothing that changes anything.
    Observe,
    /// Decide, record and act.
    Enforce,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Observe => "observe",
            Self::Enforce => "enforce",
        })
    }
}

/// What applies to one session once rule, studio, defaults and built-in defaults are laid over each
/// other.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether actions are carried out.
    pub mode: Mode,
    /// The idle hours, if any.
    pub schedule: Option<Arc<Timetable>>,
    /// How long after its start no schedule may stop a session.
    pub lease: SignedDuration,
    /// A stop that would last shorter than this is not made.
    pub least_stop: SignedDuration,
    /// How long a session may run, whatever the hour.
    pub max_uptime: Option<SignedDuration>,
    /// How long before the due instant each warning is given, longest first.
    pub warn: Vec<SignedDuration>,
    /// Who is asked before a stop whether the session is busy.
    pub veto: Vec<Arc<Veto>>,
    /// What to do where a stopped session would be destroyed before people are back.
    pub preserve: Preserve,
    /// By how much a stopped machine must outlive its window.
    pub return_margin: SignedDuration,
    /// Whether what we stopped is started again.
    pub start: Start,
    /// How long before its window closes a session is started again.
    pub start_lead: SignedDuration,
    /// How long after its window closed a start may still be made.
    pub catch_up: SignedDuration,
    /// How long ahead a keep by tag may end at the most.
    pub keep_max: Option<SignedDuration>,
    /// How long before it ends a keep by tag is reminded of.
    pub keep_remind: Option<SignedDuration>,
}

impl Settings {
    /// The built-in defaults, which `[defaults]`, studios and rules change.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            mode: Mode::Observe,
            schedule: None,
            lease: SignedDuration::from_hours(2),
            least_stop: SignedDuration::from_mins(30),
            max_uptime: None,
            warn: vec![SignedDuration::from_mins(15)],
            veto: Vec::new(),
            preserve: Preserve::Refuse,
            return_margin: SignedDuration::from_hours(8),
            start: Start::Never,
            start_lead: SignedDuration::from_mins(10),
            catch_up: SignedDuration::from_hours(1),
            keep_max: None,
            keep_remind: Some(SignedDuration::from_hours(1)),
        }
    }
}

/// What to do where stopping a session would lead to its destruction before people are back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preserve {
    /// Leave it running and say so.
    Refuse,
    /// Stop it, and start it again before it would be destroyed, until people are back.
    Rotate,
    /// Stop it: a person has said that its work may be lost.
    Allow,
}

/// How long before its end a session that is off is started under [`Preserve::Rotate`]: time enough for several
/// attempts where there is no capacity, each of which takes minutes to fail.
pub const RESCUE_MARGIN: SignedDuration = SignedDuration::from_mins(30);

/// How long a stopped session has to live to be rotated. Of less, the margin and the warnings of each
/// round leave too little, and a single failure destroys its work.
pub const ROTATED_AT_LEAST: SignedDuration = SignedDuration::from_hours(2);

/// Whether what we stopped is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It stays off until a person starts it.
    Never,
    /// What we stopped in a window is started again for when the window closes.
    Resume,
}

impl fmt::Display for Preserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Refuse => "refuse",
            Self::Rotate => "rotate",
            Self::Allow => "allow",
        })
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Never => "never",
            Self::Resume => "resume",
        })
    }
}

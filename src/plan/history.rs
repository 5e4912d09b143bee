//! What has been done before, as far as a decision depends on it.
//!
//! A value like the snapshot: `audit` builds it from the log, and nothing here knows of files.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{Action, Approvals, Inventory, Latch, Pause};
use crate::ids::{PolicyHash, SessionId, VetoName};
use crate::policy::Mode;

/// What two clocks may differ by without anybody being wrong.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// The past of one studio.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The sessions that have a past.
    pub sessions: BTreeMap<SessionId, SessionHistory>,
    /// When stops were asked for, in the order of the log: what the brake counts. Those of the last
    /// hour suffice.
    pub stops: Vec<Timestamp>,
    /// The same for starts.
    pub starts: Vec<Timestamp>,
    /// Until when a person wants nothing done in the studio.
    pub paused: Option<Pause>,
    /// What a person has let pass.
    pub approved: Approvals,
    /// The brakes that hold stops, by the mode of those that they hold.
    pub braked: BTreeMap<Mode, Latch>,
    /// The sessions that the log knows, and when each was to be stopped by the last decision about it.
    pub known: BTreeMap<SessionId, Option<Timestamp>>,
    /// What is known of all of them together.
    pub inventory: Inventory,
    /// The policy by which the studio was last looked after.
    pub policy: Option<PolicyHash>,
    /// The policy that is held, for what it makes due at once.
    pub held_policy: Option<PolicyHash>,
    /// The last time that the clock was set, or the machine slept.
    pub clock_jump: Option<ClockJump>,
    /// How far the wall clock is behind the service's, as the last stop of ours showed, or the service said;
    /// negative where it is ahead.
    pub clock_behind: Option<SignedDuration>,
}

/// How far the wall clock is behind the service's; or ahead of it, where that is less than nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockError(SignedDuration);

impl ClockError {
    /// By how much it is behind.
    #[must_use]
    pub fn behind(self) -> SignedDuration {
        self.0.max(SignedDuration::ZERO)
    }

    /// By how much it is ahead, where that is more than two clocks differ by.
    #[must_use]
    pub fn ahead(self) -> SignedDuration {
        if -self.0 < CLOCKS_DIFFER { SignedDuration::ZERO } else { -self.0 }
    }
}

impl History {
    /// The past of a studio of which nothing is known.
    pub const EMPTY: Self = Self {
        sessions: BTreeMap::new(),
        stops: Vec::new(),
        starts: Vec::new(),
        paused: None,
        approved: Approvals::NONE,
        braked: BTreeMap::new(),
        known: BTreeMap::new(),
        inventory: Inventory::EMPTY,
        policy: None,
        held_policy: None,
        clock_jump: None,
        clock_behind: None,
    };

    /// The past of one session; most have none.
    #[must_use]
    pub fn of(&self, session: &SessionId) -> &SessionHistory {
        self.sessions.get(session).unwrap_or(SessionHistory::none())
    }

    /// How far the wall clock is known to be from the service's.
    #[must_use]
    pub fn clock_error(&self) -> ClockError {
        ClockError(self.clock_behind.unwrap_or_default())
    }

    /// What a decision about one session alone depends on.
    #[must_use]
    pub fn only(&self, session: &SessionId) -> Self {
        let past = self.sessions.get(session).map(|past| (session.clone(), past.clone()));
        let (sessions, clock_behind) = (past.into_iter().collect(), self.clock_behind);
        Self { sessions, clock_behind, paused: self.paused.clone(), ..Self::EMPTY }
    }

    /// Whether an action was asked for under this token, and its end is not known.
    #[must_use]
    pub fn asked_under(&self, action: Action, token: &str) -> bool {
        let open = self.sessions.values().filter_map(|past| past.open_intent(action));
        open.map(|open| &open.token).any(|open| open == token)
    }

    /// When the last pause ended by itself, if it did: what was announced before is an old story.
    pub(super) fn unpaused_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.paused.as_ref().map(|pause| pause.until).filter(|until| *until <= now)
    }
}

/// The wall clock went another way than time did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockJump {
    /// What it showed when that was noticed.
    pub at: Timestamp,
    /// By how much it had gone too far; negative where it went back.
    pub by: SignedDuration,
}

impl ClockJump {
    /// A difference between the wall clock and the monotonic clock up to this is no jump: clocks are
    /// corrected in small steps all the time.
    pub const STEP_MAX: SignedDuration = SignedDuration::from_mins(2);
}

/// The past of one session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionHistory {
    /// The warnings given in its present run.
    pub warnings: Vec<WarningGiven>,
    /// What each veto said last, about one due instant of its present run.
    pub vetoes: BTreeMap<VetoName, VetoGiven>,
    /// How many attempts to stop its present run have come to a known end.
    pub attempts: Option<Attempts>,
    /// A stop that was asked for and whose end is not known.
    pub open: Option<OpenIntent>,
    /// The last stop of ours that was proven.
    pub ours: Option<OurStop>,
    /// The instant of the last stop that we made and that was proven, whoever it is off for since: what we put off is
    /// not to be destroyed.
    pub put_off: Option<Timestamp>,
    /// Until when its work was to live when we put it off.
    pub needed_until: Option<Timestamp>,
    /// For how long it was to live then, by its launch profile.
    pub destroyed_after: Option<SignedDuration>,
    /// The due instant of the stop that was withheld last, in `observe`.
    pub withheld: Option<Timestamp>,
    /// How many attempts to start it again have come to a known end; their run is the instant of
    /// the stop before them.
    pub start_attempts: Option<Attempts>,
    /// A start that was asked for and whose end is not known; its run is the instant of the stop
    /// before it.
    pub starting: Option<OpenIntent>,
    /// The instant of the stop after which a start was withheld last, in `observe`.
    pub start_withheld: Option<Timestamp>,
    /// The instant of the stop that was marked last, or was to be: one that could not be marked is
    /// not marked again.
    pub marked: Option<Timestamp>,
    /// The last run that we began to rescue the session.
    pub rescued: Option<RescuedRun>,
    /// The keep whose end was announced last.
    pub reminded: Option<KeepReminder>,
}

impl SessionHistory {
    const NONE: Self = Self {
        warnings: Vec::new(),
        vetoes: BTreeMap::new(),
        attempts: None,
        open: None,
        ours: None,
        put_off: None,
        needed_until: None,
        destroyed_after: None,
        withheld: None,
        start_attempts: None,
        starting: None,
        start_withheld: None,
        marked: None,
        rescued: None,
        reminded: None,
    };

    /// The past of a session of which nothing is known.
    #[must_use]
    pub fn none() -> &'static Self {
        static NONE: SessionHistory = SessionHistory::NONE;
        &NONE
    }

    /// Whether the run that began at `start` is one that we began to rescue the session, and that nobody
    /// asked for.
    #[must_use]
    pub fn is_rescued(&self, start: Timestamp) -> bool {
        self.rescued.is_some_and(|run| run.start == start)
    }

    /// Whether a stop by us of the run that began at `start` is ours. What a person stopped and we
    /// rescued is off again as the person wanted it, and stays off.
    #[must_use]
    pub fn is_stop_ours(&self, start: Timestamp) -> bool {
        let rescued = self.rescued.filter(|run| run.start == start);
        rescued.is_none_or(|run| run.stopped_by == StoppedBy::Us)
    }

    /// The number of the next attempt to stop the run that began at `run`.
    #[must_use]
    pub fn attempt(&self, run: Timestamp) -> u32 {
        self.attempts.filter(|attempts| attempts.run == run).map_or(0, |attempts| attempts.ended)
    }

    /// The number of the next attempt to start it again after the stop at `stopped_at`.
    #[must_use]
    pub fn start_attempt(&self, stopped_at: Timestamp) -> u32 {
        let attempts = self.start_attempts.filter(|attempts| attempts.run == stopped_at);
        attempts.map_or(0, |attempts| attempts.ended)
    }

    /// The number of the next attempt of an action; the run of a start is the stop before it.
    #[must_use]
    pub fn next_attempt(&self, action: Action, run: Timestamp) -> u32 {
        match action {
            Action::Stop => self.attempt(run),
            Action::Start => self.start_attempt(run),
        }
    }

    /// What was asked for and whose end is not known.
    #[must_use]
    pub fn open_intent(&self, action: Action) -> Option<&OpenIntent> {
        match action {
            Action::Stop => self.open.as_ref(),
            Action::Start => self.starting.as_ref(),
        }
    }
}

/// One announcement that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarningGiven {
    /// The start of the run it was about.
    pub run: Timestamp,
    /// The due instant it was about.
    pub due: Timestamp,
    /// How long before the due instant it belongs.
    pub lead: SignedDuration,
    /// Whether anybody could hear it.
    pub mode: Mode,
    /// When it was given: how long it is out is told by it.
    pub at: Timestamp,
    /// The earliest instant at which a clock says that it was given: what took it back is told by it.
    pub said: Timestamp,
}

/// The end of a keep, announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepReminder {
    /// The end of the keep.
    pub until: Timestamp,
    /// Whether anybody could hear it.
    pub mode: Mode,
}

/// One answer of a veto.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VetoGiven {
    /// The start of the run it was about.
    pub run: Timestamp,
    /// The due instant it was about.
    pub due: Timestamp,
    /// When the first answer about both was given.
    pub since: Timestamp,
    /// When this one was given.
    pub at: Timestamp,
    /// What it says.
    pub says: VetoSays,
}

/// What a veto says of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VetoSays {
    /// Nothing is against a stop.
    Clear,
    /// The session is in use.
    Busy {
        /// By what, in the veto's words; they may be empty.
        words: String,
    },
    /// Nobody knows: the veto gave no answer, or none that can be understood.
    Failed {
        /// What went wrong.
        words: String,
    },
}

impl fmt::Display for VetoSays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear => f.write_str("clear"),
            Self::Busy { words } if words.is_empty() => f.write_str("busy"),
            Self::Busy { words } => write!(f, "busy ({words})"),
            Self::Failed { words } => write!(f, "failed ({words})"),
        }
    }
}

/// Attempts that came to a known end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// The start of the run they were about.
    pub run: Timestamp,
    /// How many.
    pub ended: u32,
    /// When the last of them ended.
    pub last: Timestamp,
}

/// A call that was announced in the log and whose end is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIntent {
    /// The start of the run it was about.
    pub run: Timestamp,
    /// The client token of the call.
    pub token: String,
    /// When it was announced last.
    pub at: Timestamp,
    /// When it was first announced under this token: what it led to may have begun then.
    pub since: Timestamp,
    /// Whether the service is known to have taken it.
    pub accepted: bool,
    /// Whether it was announced before under the same token, and nobody knows what came of that.
    pub repeats: bool,
    /// How often its repetition was refused, which says nothing of the first call.
    pub refused: u32,
    /// Whether it was already called late.
    pub late: bool,
    /// Where it is a start that is to rescue the session: whose the stop before it was.
    pub rescue: Option<StoppedBy>,
    /// Where it is a stop: until when the session's work is to live after it.
    pub needed_until: Option<Timestamp>,
    /// Where it is a stop: how long after it the service destroys the session, by the launch profile of then.
    pub destroyed_after: Option<SignedDuration>,
}

impl OpenIntent {
    /// Whether somebody else than `us` did it, as the service names who did. Whom it names counts where nothing
    /// else tells: a call that it took is ours by whatever name, and who we are may change from one start of
    /// the program to the next.
    #[must_use]
    pub fn is_another_s(&self, us: Option<&str>, by: Option<&str>) -> bool {
        !self.accepted && us.zip(by).is_some_and(|(us, by)| us != by)
    }
}

/// Whose a stop was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoppedBy {
    /// Ours.
    Us,
    /// A person's, the service's, or nobody knows.
    Another,
}

impl fmt::Display for StoppedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Us => "us",
            Self::Another => "another",
        })
    }
}

/// A run that we began so that the session is not destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RescuedRun {
    /// When it began.
    pub start: Timestamp,
    /// When the stop before it was, by the service's clock as well.
    pub stopped_at: Option<Timestamp>,
    /// Whose that was.
    pub stopped_by: StoppedBy,
}

/// A stop of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OurStop {
    /// The service's own instant of it.
    pub stopped_at: Timestamp,
}

//! `preserve = "rotate"`: what is off, and would be destroyed before people are back, is started in
//! time and stopped again.
//!
//! A rescue endangers nothing and its want destroys work, so it needs less than any other action: the
//! right account, and the session itself. Neither the brake prevents it, nor a keep, nor a doubt about the
//! rest of the studio. Start at [`Rescue::of`].

use std::cmp::Reverse;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::case::Case;
use super::stopped::stopped_by_us;
use super::{ClockError, Reason, StoppedBy, moved};
use crate::inventory::{Session, SessionState, Stopping, Transition};
use crate::policy::{Mode, Preserve, RESCUE_MARGIN, ROTATED_AT_LEAST, Schedule, Settings, Window};

/// How long before its end a session that should be on by now is in danger, whatever the cause.
const DANGER: SignedDuration = SignedDuration::from_mins(15);

/// How long a session has to have been off before its rescue for another stop to be worth it: half of what is
/// left of the least. What is started sooner is by a clock that is far ahead, or by a launch profile that was
/// changed since, and so it would be all night.
const OFF_AT_LEAST: SignedDuration = SignedDuration::from_mins(45);

/// How long one that was off for less is let alone.
const LET_ALONE: SignedDuration = SignedDuration::from_hours(12);

/// When the service destroys a session that is off, as far as anything tells: the earliest instant.
#[must_use]
pub fn terminates_at(session: &Session) -> Option<Timestamp> {
    ends_of(session).into_iter().flatten().min()
}

/// When the service destroys a session that is off: as it says itself, and by the clock that its stop
/// set off. Where they differ nobody knows which counts.
fn ends_of(session: &Session) -> [Option<Timestamp>; 2] {
    if !is_off(session) {
        return [None, None];
    }
    let by_clock = match session.stopping {
        Stopping::Allowed { destroyed_after } => session.stopped_at.zip(destroyed_after),
        Stopping::Forbidden(_) | Stopping::Unclear(_) => None,
    };
    [session.terminate_at, by_clock.map(|(stopped_at, after)| moved(stopped_at, after))]
}

fn is_off(session: &Session) -> bool {
    match session.state {
        SessionState::Stopped | SessionState::Failed(Transition::Start) => true,
        SessionState::Ready
        | SessionState::Transitional(_)
        | SessionState::Failed(Transition::Create | Transition::Stop | Transition::Delete)
        | SessionState::Deleted
        | SessionState::Unknown(_)
        | SessionState::Missing => false,
    }
}

/// The same of the session of a case, the earliest. Where nothing tells any more, since its launch profile is another
/// by now, or is gone, what we put off has the end that it had when we did so.
pub(super) fn end(case: &Case<'_>) -> Option<Timestamp> {
    ends(case).min()
}

fn ends(case: &Case<'_>) -> impl Iterator<Item = Timestamp> + use<> {
    // What is still there long after it has another end, or none.
    let of_then = end_of_then(case).filter(|end| case.now < disproved(*end, case.clock_error));
    ends_of(case.session).into_iter().flatten().chain(of_then)
}

/// The end that it had when we put it off, where nothing tells of one.
fn end_of_then(case: &Case<'_>) -> Option<Timestamp> {
    let is_untold = is_off(case.session) && ends_of(case.session) == [None, None];
    let put_off = case.history.put_off.filter(|_| is_untold && is_last_put_off(case))?;
    case.history.destroyed_after.map(|after| moved(put_off, after))
}

/// When an end that nothing tells of shows not to have been one.
fn disproved(end: Timestamp, clock_error: ClockError) -> Timestamp {
    moved(moved(end, RESCUE_MARGIN), clock_error.ahead())
}

/// When it shows that a session has no end.
pub(super) fn end_turn(case: &Case<'_>) -> Option<Timestamp> {
    end_of_then(case).map(|end| disproved(end, case.clock_error))
}

/// How a session that is off is kept from being destroyed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rescue<'a> {
    /// When the service would destroy it.
    pub(super) terminate_at: Timestamp,
    /// When the window closes within which, or soon after which, that would be.
    pub(super) closes: Timestamp,
    /// From when on it is started.
    pub(super) begins: Timestamp,
    /// From when on it is in danger.
    pub(super) endangered: Timestamp,
    /// From when on people are back, and whatever is still off is theirs.
    pub(super) ends: Timestamp,
    /// The settings that ask for it.
    pub(super) settings: &'a Settings,
}

impl<'a> Rescue<'a> {
    /// Where the session is rotated, or was put off by us, and would be destroyed before people are back from a window
    /// that closes: the first rescue that is not over.
    pub(super) fn of(case: &Case<'a>) -> Option<Self> {
        // What a start would be about: without it, none could be told from another.
        case.session.stopped_at.filter(|_| !case.is_foreign)?;
        let rescues = saving(case).flat_map(|settings| Self::under(case, settings));
        // Where nobody can tell which rule it is about, the one that acts counts.
        rescues
            .filter(|rescue| case.now < rescue.ends)
            .min_by_key(|rescue| (Reverse(rescue.settings.mode), rescue.begins))
    }

    /// Those under some settings, by each end that the session may have.
    fn under(case: &Case<'a>, settings: &'a Settings) -> Vec<Self> {
        let schedules = case.schedules_to_rescue_by(settings);
        let rescues = ends(case).flat_map(|end| {
            let by = |schedule: &&Schedule| {
                let rescue = Self::from(end, case.clock_error, schedule, settings)?;
                rescue.is_owed(case, schedule).then_some(rescue)
            };
            // By no hours at all, or by some that never end: people may be back at any time.
            let is_own = std::ptr::eq(settings, case.settings);
            let closes = |schedule: &&Schedule| {
                let window = schedule.window_after(moved(end, -settings.return_margin));
                window.is_none_or(|window| window.closes < Timestamp::MAX)
            };
            let is_timeless = is_own && is_put_off(case) && !schedules.iter().any(closes);
            let without = is_timeless.then(|| Self::at(end, case.clock_error, end, settings));
            // By hours that are others by now its owner may be expected back sooner, and not know it.
            let promised = case.history.needed_until.filter(|_| is_own && is_last_put_off(case));
            let promised = promised.filter(|until| end < *until).map(|until| Self {
                closes: until,
                ends: moved(until, case.clock_error.ahead()),
                ..Self::at(end, case.clock_error, until, settings)
            });
            schedules.iter().filter_map(by).chain(without).chain(promised).collect::<Vec<_>>()
        });
        rescues.collect()
    }

    fn from(
        terminate_at: Timestamp,
        clock_error: ClockError,
        schedule: &Schedule,
        settings: &'a Settings,
    ) -> Option<Self> {
        // The first window from which people are not back by then.
        let window = schedule.window_after(moved(terminate_at, -settings.return_margin))?;
        let rescue = Self::at(terminate_at, clock_error, window.closes, settings);
        (window.opens <= terminate_at && rescue.ends < Timestamp::MAX).then_some(rescue)
    }

    fn at(
        terminate_at: Timestamp,
        clock_error: ClockError,
        closes: Timestamp,
        settings: &'a Settings,
    ) -> Self {
        // What our clock shows when the service ends it.
        let ends_by_us = moved(terminate_at, -clock_error.behind());
        Self {
            terminate_at,
            closes,
            begins: moved(ends_by_us, -RESCUE_MARGIN),
            endangered: moved(ends_by_us, -DANGER),
            // By a clock that is ahead people seem to be back too early.
            ends: moved(moved(closes, settings.return_margin), clock_error.ahead()),
            settings,
        }
    }

    /// Whether it is asked for; or the session was put off by us, under whatever policy, and would be destroyed
    /// before anybody is back from those idle hours.
    fn is_owed(&self, case: &Case<'_>, schedule: &Schedule) -> bool {
        let outlives = |stopped_at| {
            let Some(window) = schedule.window_after(stopped_at) else { return true };
            // An hour that a calendar opens in the middle of them brings nobody back.
            let margin = self.settings.return_margin;
            let is_one = self.closes == window.closes;
            let back = if is_one {
                window.closes
            } else {
                schedule.after_hours_of_work(window.closes, margin)
            };
            self.terminate_at >= back
        };
        match self.settings.preserve {
            Preserve::Rotate => true,
            Preserve::Refuse => case.session.stopped_at.is_some_and(|at| !outlives(at)),
            Preserve::Allow => false,
        }
    }

    /// The same, where it is time for it. While the session is still there it is not too late.
    pub(super) fn now(case: &Case<'a>) -> Option<Self> {
        Self::of(case).filter(|rescue| rescue.begins <= case.now)
    }

    /// When the answer may become another because of it.
    pub(super) fn turns(self) -> [Timestamp; 3] {
        [self.begins, self.endangered, self.ends]
    }

    pub(super) fn reason(self, case: &Case<'_>, stopped_by: StoppedBy) -> Reason {
        Reason::Rescue {
            terminate_at: self.terminate_at,
            closes: self.closes,
            failures: failures(case),
            is_observed: self.settings.mode == Mode::Observe,
            is_late: self.endangered <= case.now,
            stopped_by,
        }
    }
}

/// The settings by which it is rescued: those that rotate it, its own or of any rule of which nobody can tell
/// whether it is about it, since what the session does not say in a partial list it may say when it is read again.
/// What we put off was to live: where the policy says by now that such a machine is not to be put off, it is
/// saved as well.
fn saving<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Settings> + use<'a> {
    let unclear = case.unclear.iter().map(|(rule, _)| &rule.settings);
    let is_put_off = is_put_off(case);
    let all = std::iter::once(case.settings).chain(unclear).collect::<Vec<_>>();
    all.into_iter().filter(move |settings| match settings.preserve {
        Preserve::Rotate => true,
        Preserve::Refuse => is_put_off,
        Preserve::Allow => false,
    })
}

/// Whether it is off by a stop of ours, whoever it is off for.
fn is_put_off(case: &Case<'_>) -> bool {
    is_last_put_off(case) || stopped_by_us(case).is_some()
}

/// Whether it is off by the stop of ours that the log told of last.
fn is_last_put_off(case: &Case<'_>) -> bool {
    case.session.stopped_at.is_some_and(|at| case.history.put_off == Some(at))
}

/// How many attempts to start it have come to nothing since its stop, as far as that is known.
fn failures(case: &Case<'_>) -> u32 {
    let Some(stopped_at) = case.session.stopped_at else { return 0 };
    let open = case.history.starting.as_ref().filter(|open| open.run == stopped_at);
    let in_doubt = open.map_or(0, |open| open.refused.saturating_add(u32::from(open.repeats)));
    case.history.start_attempt(stopped_at).saturating_add(in_doubt)
}

/// Whether a session that would not outlive its window is stopped all the same, because it will be
/// rescued: `window` is the one that it would have to outlive, `stop` when it is stopped.
pub(super) fn unrotated(
    after: SignedDuration,
    window: Option<Window>,
    stop: Timestamp,
) -> Option<Unrotated> {
    let Some(window) = window.filter(|window| window.closes < Timestamp::MAX) else {
        return Some(Unrotated::NoReturn);
    };
    if after < ROTATED_AT_LEAST {
        Some(Unrotated::TooShort)
    } else if moved(stop, after) < rotates_until(window) {
        Some(Unrotated::BeforeIdleHours)
    } else {
        None
    }
}

/// Until when a session is let alone that had to be rescued almost as soon as it was off.
pub(super) fn let_alone_until(case: &Case<'_>) -> Option<Timestamp> {
    let start = case.session.start()?;
    let run = case.history.rescued.filter(|run| run.start == start)?;
    let off = run.stopped_at?.duration_until(start);
    (off < OFF_AT_LEAST).then(|| moved(start, LET_ALONE))
}

/// How long a session that we rescued lived when it was off, whatever its launch profile says by now.
pub(super) fn lived(case: &Case<'_>) -> Option<SignedDuration> {
    let start = case.session.start()?;
    let run = case.history.rescued.filter(|run| run.start == start)?;
    Some(run.stopped_at?.duration_until(start).saturating_add(RESCUE_MARGIN))
}

/// Until when a session has to live after its stop to be rescued in a window: its rescue is to begin within
/// it, by a clock that is off by less than the margin.
pub(super) fn rotates_until(window: Window) -> Timestamp {
    moved(window.opens, RESCUE_MARGIN)
}

/// Why a session is not rotated that would be destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unrotated {
    /// The policy does not ask for it.
    NotAsked,
    /// It would live for too short a time after each stop.
    TooShort,
    /// No window says when people are back.
    NoReturn,
    /// It would be destroyed before the idle hours begin in which it is rescued.
    BeforeIdleHours,
    /// When it was stopped last, it had to be rescued almost at once.
    RescuedAtOnce,
}

impl Unrotated {
    /// The stable name, for records and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::TooShort => "too_short",
            Self::NoReturn => "no_return",
            Self::BeforeIdleHours => "before_idle_hours",
            Self::RescuedAtOnce => "rescued_at_once",
        }
    }
}

/// What would allow the stop.
impl fmt::Display for Unrotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longer = "a longer stopped length or a shorter window would allow it";
        match self {
            Self::NotAsked => f.write_str(
                "a longer stopped length, a shorter window or preserve = \"rotate\" would allow it",
            ),
            Self::TooShort => {
                write!(f, "{longer}; to be rotated it must live for {ROTATED_AT_LEAST:#}")
            }
            Self::NoReturn => f.write_str(
                "a schedule whose idle hours end or preserve = \"allow\" would allow it",
            ),
            Self::BeforeIdleHours => {
                write!(f, "{longer}; to be rotated it must live until idle hours begin")
            }
            Self::RescuedAtOnce => write!(
                f,
                "it had to be started again within {OFF_AT_LEAST:#} of its last stop, and is let alone for \
                 {LET_ALONE:#}; is the clock of this host right?"
            ),
        }
    }
}

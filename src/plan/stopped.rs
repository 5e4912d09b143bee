//! The chain for a session that is STOPPED.

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, TAG_STOPPED};
use super::hold::{held, look_at_hold};
use super::keeps::{kept, look_at_keeps};
use super::line::{Line, look_at_mode};
use super::rescue::{Rescue, end, end_turn};
use super::{Reason, StoppedBy, Verdict, moved};
use crate::inventory::SessionState;
use crate::policy::{Mode, Start};

/// How long before the service destroys a session a person is told: time enough to do something by
/// hand.
pub(super) const TERMINATION_ALARM: SignedDuration = SignedDuration::from_hours(4);

pub(super) static CHAIN: &[Line] = &[
    Line { number: 1, question: "is it about to be destroyed?", ask: near_end, look: look_at_end },
    Line {
        number: 2,
        question: "may anything be done in the studio?",
        ask: held,
        look: look_at_hold,
    },
    Line { number: 3, question: "does somebody keep it?", ask: kept, look: look_at_keeps },
    Line { number: 4, question: "is today closed?", ask: closed_day, look: look_at_closed },
    Line {
        number: 5,
        question: "did we stop it, to start it again?",
        ask: off,
        look: look_at_stop,
    },
    Line { number: 6, question: "is it time?", ask: not_now, look: look_at_time },
    Line { number: 7, question: "then start it", ask: start, look: look_at_mode },
];

/// When a session that we stopped is started again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resumption {
    /// When the window closes in which it was stopped; if it was stopped outside of one, the next.
    pub(super) closes: Timestamp,
    /// From when on it may be started.
    pub(super) starts: Timestamp,
    /// When it may no longer be.
    pub(super) expires: Timestamp,
}

impl Resumption {
    /// Where the session is one that we stopped, and whose window will close.
    pub(super) fn of(case: &Case<'_>) -> Option<Self> {
        let settings = case.settings;
        let stopped_at = stopped_by_us(case).filter(|_| settings.start == Start::Resume)?;
        let schedule = case.schedule?;
        let window = schedule.window_after(stopped_at)?;
        let closes = Some(window.closes).filter(|closes| *closes < Timestamp::MAX)?;
        let next = schedule.window_after(closes).map_or(Timestamp::MAX, |next| next.opens);
        Some(Self {
            closes,
            starts: moved(closes, -settings.start_lead).max(window.opens),
            // Nothing is started into the next idle hours.
            expires: moved(closes, settings.catch_up).min(next),
        })
    }
}

/// The instant of the stop, if it was ours: the log has its proven outcome, or the tag tells of it.
pub(super) fn stopped_by_us(case: &Case<'_>) -> Option<Timestamp> {
    let stopped_at = case.session.stopped_at?;
    let by_log = case.history.ours.is_some_and(|ours| ours.stopped_at == stopped_at);
    (by_log || marked_at(case) == Some(stopped_at)).then_some(stopped_at)
}

/// The stop that the tag tells of.
fn marked_at(case: &Case<'_>) -> Option<Timestamp> {
    case.session.tags.get(TAG_STOPPED)?.trim().parse().ok()
}

/// The stop of ours that the session's tag should tell of and does not.
pub(super) fn mark(case: &Case<'_>) -> Option<Timestamp> {
    let is_wanted = case.session.state == SessionState::Stopped
        && case.settings.start == Start::Resume
        && case.settings.mode == Mode::Enforce
        && case.hold.is_none();
    let ours = case.history.ours.map(|ours| ours.stopped_at).filter(|_| is_wanted)?;
    let is_told = marked_at(case) == Some(ours) || case.history.marked == Some(ours);
    (case.session.stopped_at == Some(ours) && !is_told).then_some(ours)
}

/// When the answer about a session that is off may become another, whatever it is.
pub(super) fn next_change(case: &Case<'_>) -> Option<Timestamp> {
    let rescue = Rescue::of(case).into_iter().flat_map(Rescue::turns);
    let turns = rescue.chain(alarm_at(case)).chain(end_turn(case)).chain(resumption_turn(case));
    turns.filter(|instant| *instant > case.now).min()
}

/// When the answer about a session that is to be started again may become another.
fn resumption_turn(case: &Case<'_>) -> Option<Timestamp> {
    let Resumption { starts, expires, .. } = Resumption::of(case)?;
    let closed = case.schedule?.closed_between(case.now, expires);
    let closed = closed.first().into_iter().flat_map(|closed| [closed.opens, closed.closes]);
    [starts, expires].into_iter().chain(closed).filter(|instant| *instant > case.now).min()
}

/// Whether a start of ours failed after the stop that it is in.
pub(super) fn was_tried(case: &Case<'_>) -> bool {
    let stopped_at = case.session.stopped_at;
    case.history.start_attempts.is_some_and(|attempts| Some(attempts.run) == stopped_at)
}

/// A rescue, or an alarm; neither where it is to be started now, or will be in time, which ends the
/// danger.
fn near_end(case: &Case<'_>) -> Option<Reason> {
    if let Some(rescue) = Rescue::now(case) {
        let ours = stopped_by_us(case).map(|_| StoppedBy::Us);
        return Some(rescue.reason(case, ours.unwrap_or(StoppedBy::Another)));
    }
    let terminate_at = end(case)?;
    if case.now < alarm_at(case)? || will_be_rescued(case) {
        return None;
    }
    let answer = CHAIN[1..].iter().find_map(|line| (line.ask)(case));
    // What is only observed is not started.
    let is_started = case.settings.mode == Mode::Enforce
        && answer.is_some_and(|reason| reason.verdict() == Verdict::Start);
    (!is_started).then_some(Reason::TerminationNear { terminate_at })
}

/// The alarm for what is off since its start failed, and will be destroyed so.
pub(super) fn failed_near_end(case: &Case<'_>) -> Option<Reason> {
    let terminate_at = end(case)?;
    let is_near = alarm_at(case)? <= case.now && case.now < terminate_at && !will_be_rescued(case);
    is_near.then_some(Reason::TerminationNear { terminate_at })
}

/// Whether it is yet to be rescued, from the first end that threatens, and not only in observation.
fn will_be_rescued(case: &Case<'_>) -> bool {
    rescue_to_come(case).is_some()
}

fn rescue_to_come<'a>(case: &Case<'a>) -> Option<Rescue<'a>> {
    let rescue = Rescue::of(case).filter(|rescue| rescue.settings.mode == Mode::Enforce)?;
    (Some(rescue.terminate_at) == end(case)).then_some(rescue)
}

/// Until when nobody has to see to what is off: it is to be started before the service destroys it.
pub(super) fn safe_until(case: &Case<'_>) -> Option<Timestamp> {
    rescue_to_come(case).map(|rescue| rescue.endangered)
}

/// When a person is told.
pub(super) fn alarm_at(case: &Case<'_>) -> Option<Timestamp> {
    end(case).map(|at| moved(at, -TERMINATION_ALARM - case.clock_error.behind()))
}

/// Only what could be started has a reason to wait for the end of a closed day.
fn closed_day(case: &Case<'_>) -> Option<Reason> {
    let resumption = Resumption::of(case)?;
    let closed = case.schedule?.closed_at(case.now)?;
    (case.now < resumption.expires).then_some(Reason::ClosedDay { until: closed.closes })
}

fn off(case: &Case<'_>) -> Option<Reason> {
    match case.settings.start {
        Start::Never => Some(Reason::Stopped),
        Start::Resume if stopped_by_us(case).is_none() => Some(Reason::NotOurs),
        Start::Resume => case
            .owner_zone_unknown()
            .or_else(|| Resumption::of(case).is_none().then_some(Reason::Stopped)),
    }
}

fn not_now(case: &Case<'_>) -> Option<Reason> {
    let Resumption { closes, starts, expires } = Resumption::of(case)?;
    if case.now < starts {
        return Some(Reason::StartNotDue { start: starts, closes });
    }
    (case.now >= expires).then_some(Reason::StartExpired { closes, expired: expires })
}

fn start(case: &Case<'_>) -> Option<Reason> {
    let resume = || Resumption::of(case).map(|found| Reason::Resume { closes: found.closes });
    // Whatever does not answer leaves it off.
    case.brake.cloned().or_else(resume).or(Some(Reason::Stopped))
}

fn look_at_end(case: &Case<'_>) -> String {
    let Some(at) = end(case) else {
        return "nothing says that it will be".to_owned();
    };
    let preserve = case.settings.preserve;
    match Rescue::of(case) {
        Some(Rescue { begins, .. }) => {
            format!("the service will destroy it at {at}; to be rescued from {begins} on")
        }
        None => format!("the service will destroy it at {at}; preserve {preserve}, no rescue"),
    }
}

fn look_at_closed(case: &Case<'_>) -> String {
    match case.schedule.and_then(|schedule| schedule.closed_at(case.now)) {
        Some(closed) => format!("closed from {} to {}", closed.opens, closed.closes),
        None => "no calendar says so".to_owned(),
    }
}

fn look_at_stop(case: &Case<'_>) -> String {
    let since = case.session.stopped_at.map_or("unknown".to_owned(), |at| at.to_string());
    let start = case.settings.start;
    let ours = if stopped_by_us(case).is_some() { "by us" } else { "not by us" };
    format!("state {}, stopped {since}, {ours}; start {start}", case.session.state)
}

fn look_at_time(case: &Case<'_>) -> String {
    let settings = case.settings;
    let lead = format!("start_lead {:#}, catch_up {:#}", settings.start_lead, settings.catch_up);
    match Resumption::of(case) {
        Some(Resumption { closes, starts, expires }) => {
            format!("its window closes at {closes}; {lead}: from {starts} until {expires}")
        }
        None => format!("no window that will close; {lead}"),
    }
}

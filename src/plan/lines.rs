//! The order of questions: the first line that answers decides.
//!
//! Each line is a guard that returns its reason, or nothing. [`decide`] asks until one answers;
//! [`steps`] asks all of them and tells what each looked at.

use jiff::{SignedDuration, Timestamp};

use super::case::Case;
use super::due::{Cause, Due, is_too_short};
use super::hold::{held, look_at_hold};
use super::keeps::{fits_from, kept_running, kept_until, look_at_keeps, reminder};
use super::line::{Line, Step, look_at_mode};
use super::rescue::{Rescue, Unrotated, let_alone_until, lived, rotates_until, unrotated};
use super::veto::{look_at_vetoes, overruled, to_ask, vetoed};
use super::warning::{Warnings, earliest_stop, late_waits, next_warning, warnings};
use super::{Announcement, Decision, Reason, moved, stopped, veto};
use crate::inventory::{Doubt, SessionState, Stopping, Transition};
use crate::policy::{Brake, Mode, Preserve, Schedule, Settings, Window};

/// How far in the future a start may seem to lie, for clocks that differ a little.
const START_AHEAD_MAX: SignedDuration = SignedDuration::from_mins(2);

/// No session of today was started before 2000-01-01: an instant before it is a zero that was read as
/// one.
const START_EARLIEST: Timestamp = Timestamp::constant(946_684_800, 0);

/// How long a decision to stop stands when no window ends it.
const STOP_STANDS_MAX: SignedDuration = SignedDuration::from_mins(15);

/// The line that asks when a session is due.
const LINE_OF_DUE: u8 = 5;

/// The line that asks vetoes.
const LINE_OF_VETOES: u8 = 7;

/// The chain for a session that is not STOPPED.
const RUNNING: &[Line] = &[
    Line {
        number: 1,
        question: "may anything be done in the studio?",
        ask: endangered_or_held,
        look: look_at_hold,
    },
    Line { number: 2, question: "is it READY, with a start?", ask: unready, look: look_at_state },
    Line { number: 3, question: "does somebody keep it?", ask: kept_running, look: look_at_keeps },
    Line { number: 4, question: "may it be stopped?", ask: unstoppable, look: look_at_stopping },
    Line { number: 5, question: "is it due?", ask: not_due, look: look_at_due },
    Line { number: 6, question: "is the stop worth it?", ask: too_short, look: look_at_least_stop },
    Line { number: 7, question: "is it busy?", ask: vetoed, look: look_at_vetoes },
    Line { number: 8, question: "would its work survive?", ask: destroyed, look: look_at_survival },
    Line { number: 9, question: "was it warned?", ask: warned, look: look_at_warnings },
    Line { number: 10, question: "does the brake allow it?", ask: braked, look: look_at_brake },
    Line { number: 11, question: "then stop it", ask: stop, look: look_at_mode },
];

/// The line that a session comes to in the end, whatever its state.
fn chain(case: &Case<'_>) -> &'static [Line] {
    match case.session.state {
        SessionState::Stopped => stopped::CHAIN,
        // A start of ours that failed is tried again, and so is anybody's, before it is destroyed.
        SessionState::Failed(Transition::Start)
            if stopped::was_tried(case) || Rescue::now(case).is_some() =>
        {
            stopped::CHAIN
        }
        SessionState::Ready
        | SessionState::Transitional(_)
        | SessionState::Failed(_)
        | SessionState::Deleted
        | SessionState::Unknown(_)
        | SessionState::Missing => RUNNING,
    }
}

fn is_off(case: &Case<'_>) -> bool {
    std::ptr::eq(chain(case), stopped::CHAIN)
}

/// The decision: the first answer.
pub(super) fn decide(case: &Case<'_>) -> Decision {
    let answer = |line: &Line| (line.ask)(case).map(|reason| (line.number, reason));
    // The last line of each chain always answers; were it changed not to, nothing would be done.
    let (number, reason) = chain(case).iter().find_map(answer).unwrap_or((0, Reason::NeverDue));
    // What answers before the question of when it is due says nothing of that.
    let is_about_due = number >= LINE_OF_DUE && !is_off(case);
    let asks = number >= LINE_OF_VETOES && !is_off(case) && !reason.is_brake();
    Decision {
        session: case.session.id.clone(),
        rule: case.rule.map(|rule| rule.name.clone()),
        mode: mode(case, &reason),
        due: case.due.as_ref().filter(|_| is_about_due).map(|due| due.at),
        next_change: next_change(case, &reason),
        not_after: not_after(case, &reason),
        needed_until: promised_until(case, &reason),
        mark: stopped::mark(case),
        asks: if asks { to_ask(case) } else { Vec::new() },
        safe_until: is_off(case).then(|| stopped::safe_until(case)).flatten(),
        reason,
    }
}

/// Whether the verdict is carried out: as the settings say from which it follows.
fn mode(case: &Case<'_>, reason: &Reason) -> Mode {
    let rescue = Rescue::of(case).filter(|_| reason.is_rescue());
    rescue.map_or(case.settings.mode, |rescue| rescue.settings.mode)
}

/// Every question, with what it looked at.
pub(super) fn steps(case: &Case<'_>) -> Vec<Step> {
    let mut decided = false;
    let ask = |line: &Line| {
        let answer = (line.ask)(case);
        let decides = answer.is_some() && !decided;
        decided |= decides;
        let looked_at = (line.look)(case);
        Step { line: line.number, question: line.question, looked_at, answer, decides }
    };
    chain(case).iter().map(ask).collect()
}

/// What nobody is to miss for a hold or a keep: that the service is about to destroy it, and that nothing
/// which is done here prevents it.
fn endangered_or_held(case: &Case<'_>) -> Option<Reason> {
    endangered(case).filter(|_| !case.is_foreign).or_else(|| held(case))
}

fn endangered(case: &Case<'_>) -> Option<Reason> {
    match case.session.state {
        // A start that failed has saved nothing.
        SessionState::Failed(Transition::Start) => stopped::failed_near_end(case),
        SessionState::Ready if destruction_alarm_at(case)? <= case.now => unstoppable(case),
        _ => None,
    }
}

/// When a person is told that the service is about to destroy what runs and cannot be stopped.
fn destruction_alarm_at(case: &Case<'_>) -> Option<Timestamp> {
    let Stopping::Forbidden(_) = case.session.stopping else { return None };
    ending_alarm_at(case).filter(|_| case.session.ends_itself.is_some_and(|ending| ending.destroys))
}

fn unready(case: &Case<'_>) -> Option<Reason> {
    let state = &case.session.state;
    match state {
        SessionState::Ready | SessionState::Stopped => {}
        SessionState::Transitional(_) => {
            return Some(Reason::Transitional { state: state.clone() });
        }
        SessionState::Failed(_) => {
            let status = case.session.status.clone();
            return Some(Reason::Failed { state: state.clone(), status });
        }
        SessionState::Deleted => return Some(Reason::Deleted),
        SessionState::Unknown(_) | SessionState::Missing => {
            return Some(Reason::StateUnknown { state: state.clone() });
        }
    }
    let Some(start) = case.session.start() else { return Some(Reason::StartUnknown) };
    // A machine that runs was started after it was last stopped, and not before there were any. A list
    // from before a stop that we proved shows the run that it ended.
    let ended = case.session.stopped_at.max(case.history.ours.map(|ours| ours.stopped_at));
    if ended.is_some_and(|ended| ended > start) || start < START_EARLIEST {
        return Some(Reason::StartUnknown);
    }
    if start > moved(case.now, START_AHEAD_MAX) {
        return Some(Reason::StartInFuture { start });
    }
    match &case.session.stopping {
        Stopping::Unclear(Doubt::VolumesDeleted) => Some(Reason::VolumesDeleted),
        Stopping::Unclear(Doubt::UnknownMode { field, value }) => {
            Some(Reason::ModeUnknown { field, value: value.clone() })
        }
        Stopping::Unclear(Doubt::NoLaunchProfile)
        | Stopping::Allowed { .. }
        | Stopping::Forbidden(_) => None,
    }
}

fn unstoppable(case: &Case<'_>) -> Option<Reason> {
    match &case.session.stopping {
        Stopping::Allowed { .. } => None,
        Stopping::Forbidden(forbidden) => Some(Reason::NotStoppable {
            remedy: forbidden.remedy,
            ending: case.session.ends_itself,
            is_near: ending_alarm_at(case).is_some_and(|at| at <= case.now),
        }),
        // Line 2 has answered the other doubts.
        Stopping::Unclear(_) => Some(Reason::ProfileUnknown),
    }
}

/// When a person is told that the service is about to end a session by itself.
fn ending_alarm_at(case: &Case<'_>) -> Option<Timestamp> {
    let before = stopped::TERMINATION_ALARM + case.clock_error.behind();
    case.session.ends_itself.map(|ending| moved(ending.at, -before))
}

fn not_due(case: &Case<'_>) -> Option<Reason> {
    if let Some(unknown) = case.owner_zone_unknown() {
        return Some(unknown);
    }
    let Some(due) = &case.due else { return Some(Reason::NeverDue) };
    if due.at <= case.now {
        return None;
    }
    // A warning comes before its stop is due, and only where the stop would follow.
    let stands_in_the_way = too_short(case).is_some();
    let would_follow = !stands_in_the_way && destroyed_at(case, due, due.at).is_none();
    if let Some(warning) = would_follow.then(|| warning_now(case, due)).flatten() {
        return Some(warning);
    }
    Some(Reason::NotDue { due: due.at, cause: due.cause.clone() })
}

fn warning_now(case: &Case<'_>, due: &Due) -> Option<Reason> {
    match warnings(case, due) {
        Warnings::Give(announcement) => {
            Some(Reason::Warning { due: due.at, cause: due.cause.clone(), announcement })
        }
        Warnings::WaitUntil(_) | Warnings::Done => None,
    }
}

fn too_short(case: &Case<'_>) -> Option<Reason> {
    let due = case.due.as_ref()?;
    let Cause::IdleHours { window, .. } = &due.cause else { return None };
    let least_stop = case.settings.least_stop;
    // Nobody is warned of a stop that will not be made, since its warning comes too late.
    is_too_short(due, least_stop, earliest_stop(case, due))
        .then_some(Reason::StopTooShort { closes: window.closes, least_stop })
}

pub(super) fn destroyed(case: &Case<'_>) -> Option<Reason> {
    let due = case.due.as_ref()?;
    destroyed_at(case, due, case.now.max(due.at))
}

/// The data-loss guard, for a stop at `stop`: where stopping starts a termination clock, the machine
/// has to outlive the window, and by the margin.
fn destroyed_at(case: &Case<'_>, due: &Due, stop: Timestamp) -> Option<Reason> {
    let after = destroyed_after(case)?;
    let window = outlived(case, due);
    // The service counts from its own clock.
    let by_service = moved(stop, -case.clock_error.ahead());
    let needed_until = window.map(|window| needed_until(case, window));
    let lives = needed_until
        .is_some_and(|until| moved(by_service, after) >= until && until < Timestamp::MAX);
    let unrotated = unrotated(after, window, by_service).filter(|_| !lives);
    let unrotated = match case.settings.preserve {
        Preserve::Allow => return None,
        // By a clock that is ahead it lives long enough, and is rescued all the same.
        Preserve::Rotate => unrotated.or_else(|| rescued_at_once(case, stop))?,
        Preserve::Refuse if lives => return None,
        Preserve::Refuse => unrotated.unwrap_or(Unrotated::NotAsked),
    };
    Some(Reason::WouldBeDestroyed { destroyed_after: after, needed_until, unrotated })
}

/// For how long it lives after a stop, where the stop starts a clock. Where it is not to be endangered, and had to be
/// saved all the same, that showed for how long.
fn destroyed_after(case: &Case<'_>) -> Option<SignedDuration> {
    let Stopping::Allowed { destroyed_after: Some(after) } = case.session.stopping else {
        return None;
    };
    let lived = lived(case).filter(|_| case.settings.preserve == Preserve::Refuse);
    Some(lived.map_or(after, |lived| after.min(lived)))
}

/// What is rescued as soon as it is off would go on and off all night.
fn rescued_at_once(case: &Case<'_>, stop: Timestamp) -> Option<Unrotated> {
    let is_let_alone = let_alone_until(case).is_some_and(|until| stop < until);
    is_let_alone.then_some(Unrotated::RescuedAtOnce)
}

fn warned(case: &Case<'_>) -> Option<Reason> {
    // Before it is due, line 5 sees to the warnings.
    let due = case.due.as_ref().filter(|due| due.at <= case.now)?;
    match warnings(case, due) {
        Warnings::Give(announcement) => {
            Some(Reason::Warning { due: due.at, cause: due.cause.clone(), announcement })
        }
        Warnings::WaitUntil(stop_at) => Some(Reason::WarningOut { due: due.at, stop_at }),
        Warnings::Done => None,
    }
}

fn braked(case: &Case<'_>) -> Option<Reason> {
    let due = case.due.as_ref()?;
    case.brake.filter(|_| due.at <= case.now).cloned()
}

fn stop(case: &Case<'_>) -> Option<Reason> {
    let due = case.due.as_ref()?;
    (due.at <= case.now).then(|| Reason::Due {
        due: due.at,
        cause: due.cause.clone(),
        overruled: overruled(case, due),
    })
}

/// When a decision may become another by the passing of time alone.
fn next_change(case: &Case<'_>, reason: &Reason) -> Option<Timestamp> {
    let change = change_of(case, reason);
    if is_off(case) {
        // Whatever keeps it off: it may come near its end, and it may be started instead.
        let turns = stopped::next_change(case).into_iter();
        return turns.chain(change).filter(|at| *at > case.now).min();
    }
    let change = first_to_come(case, [change, endangered_at(case)]);
    // With a calendar that lifts `max_uptime`, the due instant may become another at its beginning.
    let schedule = case.schedule.filter(|_| case.uptime_over.is_some());
    let until = change.unwrap_or(Timestamp::MAX);
    schedule.and_then(|schedule| schedule.opening_between(case.now, until)).or(change)
}

/// When it comes near its end, whoever holds or keeps it.
fn endangered_at(case: &Case<'_>) -> Option<Timestamp> {
    match case.session.state {
        SessionState::Failed(Transition::Start) => {
            first_to_come(case, [stopped::alarm_at(case), rescue_begins(case)])
        }
        SessionState::Ready => destruction_alarm_at(case),
        _ => None,
    }
}

fn rescue_begins(case: &Case<'_>) -> Option<Timestamp> {
    Rescue::of(case).map(|rescue| rescue.begins)
}

fn first_to_come(case: &Case<'_>, instants: [Option<Timestamp>; 2]) -> Option<Timestamp> {
    instants.into_iter().flatten().filter(|at| *at > case.now).min()
}

/// When the answer of a reason may become another, calendars apart.
fn change_of(case: &Case<'_>, reason: &Reason) -> Option<Timestamp> {
    match reason {
        Reason::Paused { until, .. } => Some(*until),
        Reason::StartInFuture { start } => Some(moved(*start, -START_AHEAD_MAX)),
        Reason::TagKeepUntil { until } => Some(keep_turn(case, *until)),
        Reason::KeepTooLong { until, keep_max, .. } => until.map(|until| fits_from(until, *keep_max)),
        Reason::KeepEnding { until, .. } | Reason::ClockJumped { until, .. } => Some(*until),
        Reason::NotDue { due, .. } => {
            let warning = case.due.as_ref().and_then(|due| next_warning(case, due));
            Some(warning.map_or(*due, |warning| warning.min(*due)))
        }
        Reason::StopTooShort { closes, .. } => {
            let over = case.uptime_over.filter(|over| *over > case.now);
            over.into_iter().chain([*closes]).chain(pointless_at(case)).min()
        }
        Reason::WouldBeDestroyed { .. } => {
            let pointless = pointless_at(case).into_iter().chain(unwarnable_at(case));
            destruction_may_change(case).into_iter().chain(pointless).min()
        }
        Reason::Warning { announcement: Announcement { stop_at, .. }, .. }
        | Reason::WarningOut { stop_at, .. } => warning_turn(case, *stop_at),
        Reason::Due { .. } => {
            let ends = pointless_at(case).or_else(|| not_after(case, reason)).into_iter();
            ends.chain(veto::next_change(case)).chain(destruction_may_change(case)).min()
        }
        Reason::Busy { .. } | Reason::VetoFailed { .. } | Reason::VetoUnasked { .. } => {
            let asked = veto::next_change(case).into_iter();
            let pointless = pointless_at(case).into_iter().chain(unwarnable_at(case));
            asked.chain(pointless).chain(destruction_may_change(case)).min()
        }
        Reason::NotStoppable { .. } => ending_alarm_at(case).filter(|at| *at > case.now),
        // What keeps it from being started may end before it does.
        Reason::TerminationNear { terminate_at } => {
            first_to_come(case, [Some(*terminate_at), kept_until(case.session)])
        }
        Reason::Failed { .. } => rescue_begins(case),
        Reason::ListingIncomplete { .. }
        | Reason::AccountMismatch { .. }
        | Reason::AccountUnknown { .. }
        | Reason::ClockInDoubt { .. }
        | Reason::InventoryChanged { .. }
        | Reason::PolicyChanged { .. }
        | Reason::Transitional { .. }
        | Reason::StateUnknown { .. }
        | Reason::Deleted
        | Reason::StartUnknown
        | Reason::VolumesDeleted
        | Reason::ModeUnknown { .. }
        | Reason::RuleUnclear { .. }
        | Reason::RuleKeep { .. }
        | Reason::TagKeep { .. }
        | Reason::TagUnreadable { .. }
        | Reason::ProfileUnknown
        | Reason::OwnerZoneUnknown { .. }
        | Reason::Brake { .. }
        | Reason::BrakeLatched { .. }
        // What is off has the turns of all that is off.
        | Reason::Stopped
        | Reason::NotOurs
        | Reason::ClosedDay { .. }
        | Reason::StartNotDue { .. }
        | Reason::StartExpired { .. }
        | Reason::Resume { .. }
        | Reason::Rescue { .. }
        | Reason::NeverDue => None,
    }
}

/// When the answer of a keep becomes another that ends: its end is announced before, of a machine that runs.
fn keep_turn(case: &Case<'_>, until: Timestamp) -> Timestamp {
    let reminder = reminder(case, until).filter(|at| *at > case.now && !is_off(case));
    reminder.map_or(until, |at| at.min(until))
}

/// When the answer of one that is warned becomes another.
fn warning_turn(case: &Case<'_>, stop_at: Timestamp) -> Option<Timestamp> {
    let warning = case.due.as_ref().and_then(|due| next_warning(case, due));
    let asked = veto::next_change(case);
    let pointless = pointless_at(case).into_iter().chain(unwarnable_at(case));
    let pointless = pointless.chain(destruction_may_change(case));
    warning.into_iter().chain(pointless).chain([stop_at]).chain(asked).min()
}

/// The first second from which on a stop by idle hours would last too short, if that is yet to come.
fn pointless_at(case: &Case<'_>) -> Option<Timestamp> {
    let Cause::IdleHours { window, .. } = &case.due.as_ref()?.cause else { return None };
    let last = moved(window.closes, -case.settings.least_stop);
    let first = moved(last, SignedDuration::from_secs(1)).min(window.closes);
    Some(first).filter(|first| *first > case.now)
}

/// The first second from which on a stop by idle hours would last too short if a warning of it were given
/// only then, if that is yet to come.
fn unwarnable_at(case: &Case<'_>) -> Option<Timestamp> {
    let Cause::IdleHours { window, .. } = &case.due.as_ref()?.cause else { return None };
    let last = moved(window.closes, -case.settings.least_stop);
    let second = SignedDuration::from_secs(1);
    let instants = late_waits(case.settings).map(|wait| moved(moved(last, -wait), second));
    instants.filter(|instant| *instant > case.now).min()
}

/// When a stop that would have led to destruction would no longer: as the window goes by, less of it
/// is left to outlive; so a long window is refused at its beginning and allowed towards its end. One that
/// is rotated has to live until its window opens.
fn destruction_may_change(case: &Case<'_>) -> Option<Timestamp> {
    let after = destroyed_after(case)?;
    let window = outlived(case, case.due.as_ref()?)?;
    let lives = after - case.clock_error.ahead();
    let survives = moved(needed_until(case, window), -lives);
    let rotates = moved(rotates_until(window), -lives);
    let instants = [survives, rotates, window.closes].into_iter().chain(case.uptime_over);
    let instants = instants.chain(let_alone_until(case));
    instants.filter(|instant| *instant > case.now).min()
}

/// Until when a machine has to live that is off in a window: people are back, and have had time to see to it.
fn needed_until(case: &Case<'_>, window: Window) -> Timestamp {
    let margin = case.settings.return_margin;
    let by_schedule = |schedule: &Schedule| schedule.after_hours_of_work(window.closes, margin);
    case.schedule.map_or_else(|| moved(window.closes, margin), by_schedule)
}

/// Until when the work of what is stopped now has to live: whatever the policy says by then, it was put off on that
/// condition.
fn promised_until(case: &Case<'_>, reason: &Reason) -> Option<Timestamp> {
    destroyed_after(case).filter(|_| {
        matches!(reason, Reason::Due { .. }) && case.settings.preserve != Preserve::Allow
    })?;
    let window = outlived(case, case.due.as_ref()?)?;
    Some(needed_until(case, window)).filter(|until| *until < Timestamp::MAX)
}

/// The window that a machine has to outlive which is stopped at that due instant.
fn outlived(case: &Case<'_>, due: &Due) -> Option<Window> {
    match &due.cause {
        Cause::IdleHours { window, .. } => Some(*window),
        Cause::MaxUptime { .. } => case.window(),
    }
}

/// The instant at or after which an action must not begin.
fn not_after(case: &Case<'_>, reason: &Reason) -> Option<Timestamp> {
    if let Reason::Resume { .. } = reason {
        return stopped::Resumption::of(case).map(|resumption| resumption.expires);
    }
    if let Reason::Rescue { .. } = reason {
        return Rescue::of(case).map(|rescue| rescue.ends);
    }
    let Reason::Due { cause, .. } = reason else { return None };
    Some(match cause {
        Cause::IdleHours { window, .. } => window.closes,
        Cause::MaxUptime { .. } => moved(case.now, STOP_STANDS_MAX),
    })
}

fn look_at_state(case: &Case<'_>) -> String {
    let start = case.session.start().map_or("unknown".to_owned(), |start| start.to_string());
    format!("state {}, started {start}", case.session.state)
}

fn look_at_stopping(case: &Case<'_>) -> String {
    let profile = case.session.launch_profile_name.as_deref().unwrap_or("(unknown)");
    let stopping = match &case.session.stopping {
        Stopping::Allowed { destroyed_after: None } => "allows stopping, without an end".to_owned(),
        Stopping::Allowed { destroyed_after: Some(after) } => {
            format!("allows stopping, for at most {after:#}")
        }
        Stopping::Forbidden(_) => "forbids stopping".to_owned(),
        Stopping::Unclear(_) => "leaves it open".to_owned(),
    };
    format!("launch profile {profile:?} {stopping}")
}

fn look_at_due(case: &Case<'_>) -> String {
    let settings = case.settings;
    let schedule =
        case.schedule.map_or("no schedule".to_owned(), |s| format!("schedule `{}`", s.name));
    let uptime = settings.max_uptime.map_or("none".to_owned(), |limit| format!("{limit:#}"));
    let due = match &case.due {
        Some(due) => format!("due {} by {}", due.at, due.cause),
        None => "never due".to_owned(),
    };
    if case.is_rescued() {
        return format!("{schedule}; started to rescue it, so no lease and no max_uptime: {due}");
    }
    let ahead = case.clock_error.ahead();
    let clock = match ahead.is_zero() {
        true => String::new(),
        false => format!(", with a clock that is ahead by {ahead:#}"),
    };
    format!("{schedule}, lease {:#}, max_uptime {uptime}{clock}: {due}", settings.lease)
}

fn look_at_least_stop(case: &Case<'_>) -> String {
    let window = case
        .window()
        .map_or("no window".to_owned(), |w| format!("window {} to {}", w.opens, w.closes));
    format!("{window}, least_stop {:#}", case.settings.least_stop)
}

fn look_at_survival(case: &Case<'_>) -> String {
    let Settings { preserve, return_margin, .. } = case.settings;
    format!("preserve {preserve}, return_margin {return_margin:#}")
}

fn look_at_warnings(case: &Case<'_>) -> String {
    let Some(due) = &case.due else { return "nothing to warn of".to_owned() };
    let leads: Vec<String> = case.settings.warn.iter().map(|lead| format!("{lead:#}")).collect();
    let given = case.history.warnings.iter().filter(|warning| warning.due == due.at).count();
    if leads.is_empty() {
        return "the policy asks for no warning".to_owned();
    }
    format!("warn {}; {given} given for this due instant", leads.join(", "))
}

fn look_at_brake(case: &Case<'_>) -> String {
    let Brake { per_scan, per_hour } = case.studio.brake;
    format!("brake per_scan {per_scan}, per_hour {per_hour}")
}

//! The order of questions: the first line that answers decides.
//!
//! Each line is a guard that returns its reason, or nothing. [`decide`] asks until one answers;
//! [`steps`] asks all of them and tells what each looked at.

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, TAG_KEEP, TAG_KEEP_UNTIL, TAG_PREFIX, TAG_SCHEDULE, TAG_STOPPED};
use super::due::{Cause, Due, is_too_short};
use super::hold::{held, look_at_hold};
use super::line::{Line, Step};
use super::warning::{Warnings, next_warning, warnings};
use super::{Decision, Reason, moved, stopped};
use crate::inventory::{Doubt, SessionState, Stopping, Transition};
use crate::policy::{Brake, Preserve};

/// How far in the future a start may seem to lie, for clocks that differ a little.
const START_AHEAD_MAX: SignedDuration = SignedDuration::from_mins(2);

/// No session of today was started before 2000-01-01: an instant before it is a zero that was read as
/// one.
const START_EARLIEST: Timestamp = Timestamp::constant(946_684_800, 0);

/// How long a decision to stop stands when no window ends it.
const STOP_STANDS_MAX: SignedDuration = SignedDuration::from_mins(15);

/// The line that asks when a session is due.
const LINE_OF_DUE: u8 = 5;

/// The chain for a session that is not STOPPED.
const RUNNING: &[Line] = &[
    Line {
        number: 1,
        question: "is the studio read whole, and ours?",
        ask: held,
        look: look_at_hold,
    },
    Line { number: 2, question: "is it READY, with a start?", ask: unready, look: look_at_state },
    Line { number: 3, question: "does somebody keep it?", ask: kept, look: look_at_keeps },
    Line { number: 4, question: "may it be stopped?", ask: unstoppable, look: look_at_stopping },
    Line { number: 5, question: "is it due?", ask: not_due, look: look_at_due },
    Line { number: 6, question: "is the stop worth it?", ask: too_short, look: look_at_least_stop },
    Line { number: 8, question: "would its work survive?", ask: destroyed, look: look_at_survival },
    Line { number: 9, question: "was it warned?", ask: warned, look: look_at_warnings },
    Line { number: 10, question: "does the brake allow it?", ask: braked, look: look_at_brake },
    Line { number: 11, question: "then stop it", ask: stop, look: look_at_mode },
];

/// The line that a session comes to in the end, whatever its state.
fn chain(case: &Case<'_>) -> &'static [Line] {
    match case.session.state {
        SessionState::Stopped => stopped::CHAIN,
        // A start of ours that failed is tried again.
        SessionState::Failed(Transition::Start) if stopped::was_tried(case) => stopped::CHAIN,
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
    Decision {
        session: case.session.id.clone(),
        rule: case.rule.map(|rule| rule.name.clone()),
        mode: case.settings.mode,
        due: case.due.as_ref().filter(|_| is_about_due).map(|due| due.at),
        next_change: next_change(case, &reason),
        not_after: not_after(case, &reason),
        mark: stopped::mark(case),
        reason,
    }
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
    // A machine that runs was started after it was last stopped, and not before there were any.
    let is_stale = case.session.stopped_at.is_some_and(|stopped| stopped > start);
    if is_stale || start < START_EARLIEST {
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

pub(super) fn kept(case: &Case<'_>) -> Option<Reason> {
    if let Some(rule) = case.rule.filter(|rule| rule.keep) {
        return Some(Reason::RuleKeep { rule: rule.name.clone() });
    }
    if let Some((rule, missing)) = case.unclear {
        return Some(Reason::RuleUnclear { rule: rule.name.clone(), missing });
    }
    kept_by_tag(case)
}

/// What the tags of ours say. One that cannot be read counts as keep, even beside one that can.
fn kept_by_tag(case: &Case<'_>) -> Option<Reason> {
    let mut kept = None;
    for (tag, value) in &case.session.tags {
        if !tag.to_ascii_lowercase().starts_with(TAG_PREFIX) {
            continue;
        }
        let unreadable = || Reason::TagUnreadable { tag: tag.clone(), value: value.clone() };
        let found = match tag.as_str() {
            TAG_KEEP if is_refusal(value) => Some(unreadable()),
            TAG_KEEP => Some(Reason::TagKeep { value: value.clone() }),
            TAG_KEEP_UNTIL => match value.trim().parse::<Timestamp>() {
                Ok(until) if until > case.now => Some(Reason::TagKeepUntil { until }),
                Ok(_) => None,
                Err(_) => Some(unreadable()),
            },
            TAG_SCHEDULE => case.names_unknown_schedule().map(|_| unreadable()),
            TAG_STOPPED => None,
            _ => Some(unreadable()),
        };
        let is_worse = matches!(found, Some(Reason::TagUnreadable { .. }));
        if kept.is_none() || is_worse {
            kept = found.or(kept);
        }
    }
    kept
}

/// Whether the value of a keep tag seems to say the opposite of keep, or nothing.
fn is_refusal(value: &str) -> bool {
    let word = value.trim().to_ascii_lowercase();
    ["", "false", "no", "off", "0", "never", "none"].contains(&word.as_str())
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
    case.session.ends_itself.map(|ending| moved(ending.at, -stopped::TERMINATION_ALARM))
}

/// The name of the schedule that applies and of which nobody knows in which time zone.
pub(super) fn owner_zone_unknown(case: &Case<'_>) -> Option<Reason> {
    let timetable = case.timetable.filter(|_| case.schedule.is_none())?;
    Some(Reason::OwnerZoneUnknown { schedule: timetable.name().clone() })
}

fn not_due(case: &Case<'_>) -> Option<Reason> {
    if let Some(unknown) = owner_zone_unknown(case) {
        return Some(unknown);
    }
    let Some(due) = &case.due else { return Some(Reason::NeverDue) };
    if due.at <= case.now {
        return None;
    }
    // A warning comes before its stop is due, and only where the stop would follow.
    let stands_in_the_way = is_too_short(due, case.settings.least_stop, due.at);
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
    is_too_short(due, least_stop, case.now.max(due.at))
        .then_some(Reason::StopTooShort { closes: window.closes, least_stop })
}

fn destroyed(case: &Case<'_>) -> Option<Reason> {
    let due = case.due.as_ref()?;
    destroyed_at(case, due, case.now.max(due.at))
}

/// The data-loss guard, for a stop at `stop`: where stopping starts a termination clock, the machine
/// has to outlive the window, and by the margin.
fn destroyed_at(case: &Case<'_>, due: &Due, stop: Timestamp) -> Option<Reason> {
    let Stopping::Allowed { destroyed_after: Some(after) } = case.session.stopping else {
        return None;
    };
    match case.settings.preserve {
        Preserve::Allow => return None,
        Preserve::Refuse => {}
    }
    let window = match &due.cause {
        Cause::IdleHours { window, .. } => Some(*window),
        Cause::MaxUptime { .. } => case.window(),
    };
    let needed_until = window.map(|window| moved(window.closes, case.settings.return_margin));
    let lives =
        needed_until.is_some_and(|until| moved(stop, after) >= until && until < Timestamp::MAX);
    (!lives).then_some(Reason::WouldBeDestroyed { destroyed_after: after, needed_until })
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
    (due.at <= case.now).then(|| Reason::Due { due: due.at, cause: due.cause.clone() })
}

/// When a decision may become another by the passing of time alone.
fn next_change(case: &Case<'_>, reason: &Reason) -> Option<Timestamp> {
    match reason {
        Reason::StartInFuture { start } => Some(moved(*start, -START_AHEAD_MAX)),
        Reason::TagKeepUntil { until } => Some(*until),
        Reason::NotDue { due, .. } => {
            let warning = case.due.as_ref().and_then(|due| next_warning(case, due));
            Some(warning.map_or(*due, |warning| warning.min(*due)))
        }
        Reason::StopTooShort { closes, .. } => {
            let over = case.uptime_over;
            over.filter(|over| *over > case.now).into_iter().chain([*closes]).min()
        }
        Reason::WouldBeDestroyed { .. } => destruction_may_change(case),
        Reason::Warning { announcement, .. } => {
            let next = case.due.as_ref().and_then(|due| next_warning(case, due));
            Some(next.map_or(announcement.stop_at, |next| next.min(announcement.stop_at)))
        }
        Reason::WarningOut { stop_at, .. } => Some(*stop_at),
        Reason::Due { .. } => not_after(case, reason),
        Reason::NotStoppable { .. } => ending_alarm_at(case).filter(|at| *at > case.now),
        Reason::Stopped | Reason::NotOurs | Reason::StartExpired { .. } => {
            stopped::alarm_at(case).filter(|at| *at > case.now)
        }
        Reason::ClosedDay { until } => Some(*until),
        Reason::StartNotDue { start, .. } => Some(*start),
        Reason::Resume { .. } => not_after(case, reason),
        Reason::TerminationNear { terminate_at } => Some(*terminate_at).filter(|at| *at > case.now),
        Reason::ListingIncomplete { .. }
        | Reason::AccountMismatch { .. }
        | Reason::AccountUnknown { .. }
        | Reason::ClockInDoubt { .. }
        | Reason::Transitional { .. }
        | Reason::Failed { .. }
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
        | Reason::NeverDue => None,
    }
}

/// When a stop that would have led to destruction would no longer: as the window goes by, less of it
/// is left to outlive; so a long window is refused at its beginning and allowed towards its end.
fn destruction_may_change(case: &Case<'_>) -> Option<Timestamp> {
    let Stopping::Allowed { destroyed_after: Some(after) } = case.session.stopping else {
        return None;
    };
    let window = case.window()?;
    let survives = moved(moved(window.closes, case.settings.return_margin), -after);
    [survives, window.closes].into_iter().filter(|instant| *instant > case.now).min()
}

/// The instant at or after which an action must not begin.
fn not_after(case: &Case<'_>, reason: &Reason) -> Option<Timestamp> {
    if let Reason::Resume { .. } = reason {
        return stopped::Resumption::of(case).map(|resumption| resumption.expires);
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

pub(super) fn look_at_keeps(case: &Case<'_>) -> String {
    let rule =
        case.rule.map_or("no rule matches".to_owned(), |rule| format!("rule `{}`", rule.name));
    let ours = |tag: &&String| tag.to_ascii_lowercase().starts_with(TAG_PREFIX);
    let tags: Vec<&str> = case.session.tags.keys().filter(ours).map(String::as_str).collect();
    if tags.is_empty() {
        format!("{rule}; no tag of ours")
    } else {
        format!("{rule}; tags {}", tags.join(", "))
    }
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
    format!("{schedule}, lease {:#}, max_uptime {uptime}: {due}", settings.lease)
}

fn look_at_least_stop(case: &Case<'_>) -> String {
    let window = case
        .window()
        .map_or("no window".to_owned(), |w| format!("window {} to {}", w.opens, w.closes));
    format!("{window}, least_stop {:#}", case.settings.least_stop)
}

fn look_at_survival(case: &Case<'_>) -> String {
    let preserve = match case.settings.preserve {
        Preserve::Refuse => "refuse",
        Preserve::Allow => "allow",
    };
    format!("preserve {preserve}, return_margin {:#}", case.settings.return_margin)
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

pub(super) fn look_at_mode(case: &Case<'_>) -> String {
    format!("mode {}", case.settings.mode)
}

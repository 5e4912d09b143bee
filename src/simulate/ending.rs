//! How a story has to end: after a calm day all that is due has been done.

use jiff::{SignedDuration, Timestamp};

use super::ground::{Ground, locked};
use super::hours::Idle;
use super::rules::{OBSERVED, Preserve, Rules, SUPERVISOR, UNSCHEDULED};
use crate::audit::record::{Kind, Record};
use crate::clock::Clock;
use crate::sandbox::world::{HowDestroyed, Mode, SessionState};

/// How long after the weather a rescue may still come too late.
const RESCUE_MAX: SignedDuration = SignedDuration::from_hours(1);

/// How wrong the daemon's clock may be for a rescue in time.
const CLOCK_ERROR_MAX: SignedDuration = SignedDuration::from_mins(20);

/// How long a session may be due at the end: two scans, a late warning, and the longest rest after
/// calls that came to nothing.
fn allowed(rules: &Rules) -> SignedDuration {
    rules.scan * 2 + SignedDuration::from_mins(25)
}

/// When a story ends that may end at `earliest`: where there are idle hours soon, well within them.
pub(super) fn instant(rules: &Rules, earliest: Timestamp) -> Timestamp {
    let within = SignedDuration::from_hours(4 * 24);
    let opens = rules.hours.next_idle(earliest, within);
    opens.map_or(earliest, |opens| opens + allowed(rules) + SignedDuration::from_mins(40))
}

/// Looks at what is still on.
pub(super) fn check(ground: &Ground, records: &[Record], calm: Timestamp) {
    let rules = locked(&ground.rules).clone();
    let now = ground.clock.now();
    for session in ground.sessions() {
        let Some((_, profile)) = ground.truth(session.id.as_str()) else { continue };
        let on = |mode: &Option<Mode>| *mode == Some(Mode::Activated);
        let persists = on(&session.session_persistence_mode);
        let is_exempt = session.owned_by.as_deref() == Some(SUPERVISOR)
            || session.owned_by.as_deref() == Some(UNSCHEDULED)
            || profile.name == OBSERVED
            // What only some policies stop is judged when it is stopped.
            || !persists
            || session.tags.keys().any(|key| key != "lightsout:stopped");
        let Some(start) = session.started_at.max(session.created_at) else { continue };
        let since = now - allowed(&rules);
        let lease_is_over = start + rules.lease <= since;
        let is_due = lease_is_over && has_been_idle(&rules, since, now);
        let many = rules.per_scan < 100 || rules.per_hour < 100;
        if session.state == SessionState::Ready && is_due && !is_exempt && !many {
            let what = format!("{} runs since {start}", session.id);
            ground.find("all that is due is stopped in the end", what);
        }
    }
    lost(ground, &rules, records, calm);
}

fn has_been_idle(rules: &Rules, since: Timestamp, now: Timestamp) -> bool {
    let mut at = since;
    while at <= now {
        if rules.hours.idle(at) != Idle::Yes {
            return false;
        }
        at += SignedDuration::from_mins(5);
    }
    // Not in the last moments of a window either.
    rules.hours.idle(now + rules.least_stop + SignedDuration::from_mins(20)) == Idle::Yes
}

/// In the calm nothing is destroyed that was to be saved: whoever rotates is there in time. By a clock
/// that is wrong by more than the margin nobody can be, unless a stop has shown how late it is.
fn lost(ground: &Ground, rules: &Rules, records: &[Record], calm: Timestamp) {
    let error = ground.service.error();
    let shown = if error.abs() <= CLOCK_ERROR_MAX {
        Some(calm)
    } else {
        shown_late(records).filter(|_| error.is_negative())
    };
    let Some(since) = shown.map(|shown| shown.max(calm) + RESCUE_MAX) else { return };
    let destroyed = ground.world().destroyed().to_vec();
    for loss in destroyed.iter().filter(|loss| loss.at > since) {
        let Some((session, _)) = ground.truth(loss.session.as_str()) else { continue };
        let is_exempt = [SUPERVISOR, UNSCHEDULED].map(Some).contains(&session.owned_by.as_deref());
        let while_stopped = loss.how == HowDestroyed::TerminatedWhileStopped;
        let in_idle_hours = rules.hours.idle(loss.at) == Idle::Yes;
        let is_saved = rules.preserve == Preserve::Rotate && !is_exempt;
        if while_stopped && in_idle_hours && is_saved {
            ground.find("no work is destroyed", format!("{} at {}", loss.session, loss.at));
        }
    }
}

/// When a stop first showed how far the daemon's clock is behind, since that was last set.
fn shown_late(records: &[Record]) -> Option<Timestamp> {
    let is_set = |record: &&Record| record.kind == Kind::ClockJumped;
    let set = records.iter().rev().find(is_set).map(|record| record.time);
    let stops = records.iter().filter(|record| record.kind == Kind::StopProven);
    let since = stops.filter(|record| set.is_none_or(|set| record.time > set));
    since.filter_map(|record| record.data.stopped_at.filter(|at| *at > record.time)).next()
}

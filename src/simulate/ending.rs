//! How a story has to end: after a calm day all that is due has been done.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};

use super::ground::{Ground, US, locked};
use super::hours::Idle;
use super::ledgers::Judged;
use super::rules::{OBSERVED, Preserve, Rules, STUDIO, SUPERVISOR, UNSCHEDULED};
use crate::audit::record::Kind;
use crate::audit::replay::StudioPast;
use crate::clock::Clock;
use crate::inventory::clocks_apart;
use crate::plan::{Decision, Verdict, plan};
use crate::policy::{self, Policy};
use crate::provider::Provider;
use crate::provider::direct::Direct;
use crate::sandbox::world::{Destroyed, HowDestroyed, Mode, Session, SessionState};

/// How long after the weather a rescue may still come too late.
const RESCUE_MAX: SignedDuration = SignedDuration::from_hours(1);

/// How long nothing may have gone wrong for a rescue to come in time.
const CALM_MIN: SignedDuration = SignedDuration::from_hours(2);

/// How wrong the daemon's clock may be for a rescue in time.
const CLOCK_ERROR_MAX: SignedDuration = SignedDuration::from_mins(20);

/// How long after the weather what we stop is looked for in the morning.
const SETTLED: SignedDuration = SignedDuration::from_hours(1);

/// How far a search for the end of idle hours goes.
const SEARCH: SignedDuration = SignedDuration::from_hours(48);

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

/// Looks at what is still off in a calm morning: what we stopped is there again when people come in.
pub(super) fn morning(ground: &Ground, calm: Timestamp) {
    let rules = locked(&ground.rules).clone();
    let is_bounded = rules.per_scan < 100 || rules.per_hour < 100;
    if !rules.resume || rules.observes || is_bounded || !ground.service.error().is_zero() {
        return;
    }
    for session in ground.sessions() {
        let Some(stopped) = session.stopped_at.filter(|at| *at > calm + SETTLED) else { continue };
        let is_us = |who: &Option<String>| who.as_deref() == Some(US);
        let is_another_s = is_us(&session.started_by)
            && locked(&ground.off_for_others).contains(session.id.as_str());
        let is_ours = is_us(&session.stopped_by) && !is_another_s;
        let is_off = session.state == SessionState::Stopped && is_ours;
        if is_off && !is_exempt(ground, &session) && is_missed(ground, &rules, stopped) {
            let what = format!("{} is off since {stopped}", session.id);
            ground.find("what we stopped is started again", what);
        }
    }
}

/// Whether people have come in, long enough ago, since a stop in idle hours.
fn is_missed(ground: &Ground, rules: &Rules, stopped: Timestamp) -> bool {
    let (now, hours) = (ground.service.now(), &rules.hours);
    let opens = hours.next_working(stopped, SEARCH).filter(|_| hours.idle(stopped) == Idle::Yes);
    opens.is_some_and(|opens| {
        let since = opens.duration_until(now);
        let is_over =
            allowed(rules) < since && since <= allowed(rules) + SignedDuration::from_hours(1);
        // Whoever is in between two idle hours has not come in.
        is_over && hours.next_idle(opens, since).is_none()
    })
}

/// Whether the service tells another time than the daemon's clock shows: then nothing is due.
fn is_held(ground: &Ground) -> bool {
    ground.clock_ahead().and_then(clocks_apart).is_some()
}

/// Whom no schedule of the studio concerns.
fn is_exempt(ground: &Ground, session: &Session) -> bool {
    let owners = [SUPERVISOR, UNSCHEDULED].map(Some);
    let truth = ground.truth(session.id.as_str());
    owners.contains(&session.owned_by.as_deref())
        || truth.is_none_or(|(_, profile)| profile.name == OBSERVED)
        || session.tags.keys().any(|key| key != "lightsout:stopped")
}

/// Whoever plans once more when all is done finds nothing to do.
pub(super) fn plans_nothing(ground: &Ground, policy: &Policy, past: &StudioPast) {
    let Some(studio) = policy.studios.values().next() else { return };
    let clock: Arc<dyn Clock> = Arc::new(ground.service.clone());
    drop(ground.world());
    let provider = Direct::new(STUDIO.into(), Arc::clone(&ground.world), clock, US);
    let Some(mut snapshot) = provider.observe().now_or_never() else { return };
    snapshot.gaps.extend(ground.clock_ahead().and_then(clocks_apart));
    let now = ground.clock.now();
    let planned_at = |at| plan(policy, studio, &snapshot, &past.history, at);
    let (planned, before) = (planned_at(now), planned_at(now - allowed(&locked(&ground.rules))));
    for decision in &planned.decisions {
        let verdict = decision.verdict();
        let is_same = |before: &Arc<Decision>| {
            before.session == decision.session && before.verdict() == verdict
        };
        let is_asked = [Verdict::Stop, Verdict::Start].contains(&verdict)
            && decision.mode == policy::Mode::Enforce;
        if is_asked && before.decisions.iter().any(is_same) {
            let what = format!("{verdict} of {}: {}", decision.session, decision.reason);
            ground.find("planning again changes nothing", what);
        }
    }
}

/// Looks at what is still on.
pub(super) fn check(ground: &Ground, records: &[Judged], calm: Timestamp) {
    let rules = locked(&ground.rules).clone();
    let now = ground.clock.now();
    for session in ground.sessions() {
        let on = |mode: &Option<Mode>| *mode == Some(Mode::Activated);
        let persists = on(&session.session_persistence_mode);
        // What only some policies stop is judged when it is stopped.
        let is_exempt = !persists || rules.observes || is_exempt(ground, &session);
        let is_exempt = is_exempt || is_held(ground);
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
    lost(ground, records, calm);
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

/// In the calm nothing is destroyed that was to be saved, nor in any hours that are as calm: whoever rotates
/// is there in time. By a clock that is wrong by more than the margin nobody can be, unless a stop has shown
/// how late it is, or the service tells.
fn lost(ground: &Ground, records: &[Judged], calm: Timestamp) {
    let error = ground.service.error();
    let shown = if ground.tells_time || error.abs() <= CLOCK_ERROR_MAX {
        Some(calm)
    } else {
        shown_late(records).filter(|_| error.is_negative())
    };
    let since = shown.map(|shown| shown.max(calm) + RESCUE_MAX);
    let is_calm = |loss: &&Destroyed| {
        // What its tags said by then nobody remembers.
        let was_tagged = || locked(&ground.tagged).contains_key(loss.session.as_str());
        let was_calm = || was_calm(ground, loss.at - CALM_MIN, loss.at) && !was_tagged();
        since.is_some_and(|since| loss.at > since) || loss.at < calm && was_calm()
    };
    let destroyed = ground.world().destroyed().to_vec();
    for loss in destroyed.iter().filter(is_calm) {
        let Some((session, _)) = ground.truth(loss.session.as_str()) else { continue };
        // Whose life was shortened when it was off already may be past its end at once.
        let was_edited =
            |at: &Timestamp| session.stopped_at.is_none_or(|since| since <= *at) && *at <= loss.at;
        let was_edited = loss.at < calm && locked(&ground.edited).iter().any(was_edited);
        let is_exempt = is_exempt(ground, &session) || was_edited;
        let while_stopped = loss.how == HowDestroyed::TerminatedWhileStopped;
        let in_force = locked(&ground.in_force);
        let rules = in_force.iter().rfind(|(since, _)| *since <= loss.at).map(|(_, rules)| rules);
        let Some(rules) = rules else { continue };
        let in_idle_hours = rules.hours.idle(loss.at) == Idle::Yes;
        let is_saved = rules.preserve == Preserve::Rotate && !is_exempt && !rules.observes;
        if while_stopped && in_idle_hours && is_saved {
            ground.find("no work is destroyed", format!("{} at {}", loss.session, loss.at));
        }
    }
}

/// Whether nothing at all was wrong from one instant to another, and the clock never was where nobody tells of it.
fn was_calm(ground: &Ground, from: Timestamp, to: Timestamp) -> bool {
    let is_outside = |(began, ended): &(Timestamp, Timestamp)| *ended < from || to < *began;
    locked(&ground.weather).is_clear(from, to)
        && locked(&ground.unsettled).iter().all(is_outside)
        && (ground.tells_time || ground.service.was_never_set())
}

/// When a stop first showed how far the daemon's clock is behind, since that was last set.
fn shown_late(records: &[Judged]) -> Option<Timestamp> {
    let is_set = |record: &&Judged| record.kind == Kind::ClockJumped;
    let set = records.iter().rev().find(is_set).map(|record| record.time);
    let stops = records.iter().filter(|record| record.kind == Kind::StopProven);
    let since = stops.filter(|record| set.is_none_or(|set| record.time > set));
    since.filter_map(|record| record.stopped_at.filter(|at| *at > record.time)).next()
}

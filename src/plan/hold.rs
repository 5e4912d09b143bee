//! Line 1: whether anything may be done in a studio at all.

use jiff::{SignedDuration, Timestamp};

use super::case::Case;
use super::sudden::inventory_changed;
use super::{ClockJump, History, Reason, moved};
use crate::inventory::Snapshot;
use crate::policy::StudioPolicy;

/// How long after a jump of the clock a scan may confirm it: time enough for whoever sets a clock to
/// set it once more.
const CLOCK_CONFIRMED_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// Why the whole studio is left alone, if it is: by what is seen, or by what a person or the log says.
/// What only the decisions show is asked once all are made; see `sudden`.
pub(super) fn of_studio(
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    history: &History,
    now: Timestamp,
) -> Option<Reason> {
    of_snapshot(studio, snapshot, now)
        .or_else(|| of_past(history, now))
        .or_else(|| inventory_changed(snapshot, history, now))
}

/// Why a studio is left alone that was not, though neither it nor its past is another: by the clock.
pub(super) fn by_time(snapshot: &Snapshot, history: &History, now: Timestamp) -> Option<Reason> {
    clock_doubt(snapshot, now).or_else(|| of_past(history, now))
}

pub(super) fn of_past(history: &History, now: Timestamp) -> Option<Reason> {
    clock_jumped(history, now).or_else(|| paused(history, now))
}

/// Why the whole studio is left alone by what is seen of it.
pub(super) fn of_snapshot(
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Option<Reason> {
    listing_incomplete(snapshot)
        .or_else(|| account_doubt(studio, snapshot))
        .or_else(|| clock_doubt(snapshot, now))
}

fn listing_incomplete(snapshot: &Snapshot) -> Option<Reason> {
    let gap = snapshot.gaps.first()?;
    Some(Reason::ListingIncomplete {
        wanted: gap.wanted,
        problem: gap.problem,
        detail: gap.detail.clone(),
    })
}

/// Why the studio may be another's, whether or not it was read whole.
#[must_use]
pub fn account_doubt(studio: &StudioPolicy, snapshot: &Snapshot) -> Option<Reason> {
    let configured = studio.connection.account.as_ref()?;
    if snapshot.accounts.is_empty() {
        return Some(Reason::AccountUnknown { configured: configured.clone() });
    }
    let other = snapshot.accounts.iter().find(|account| *account != configured)?;
    Some(Reason::AccountMismatch { configured: configured.clone(), found: other.clone() })
}

fn clock_doubt(snapshot: &Snapshot, now: Timestamp) -> Option<Reason> {
    (now < snapshot.began).then_some(Reason::ClockInDoubt { listed: snapshot.began })
}

fn paused(history: &History, now: Timestamp) -> Option<Reason> {
    let pause = history.paused.as_ref().filter(|pause| pause.holds_at(now))?;
    Some(Reason::Paused { until: pause.until, who: pause.who.clone() })
}

/// What is due by a clock that was just set is anybody's guess, until it has gone on as time does. A
/// jump that lies further ahead than a step of the clock says nothing of now.
fn clock_jumped(history: &History, now: Timestamp) -> Option<Reason> {
    let ClockJump { at, by } = history.clock_jump?;
    let until = moved(at, CLOCK_CONFIRMED_AFTER);
    let is_fresh = moved(at, -ClockJump::STEP_MAX) <= now && now < until;
    is_fresh.then_some(Reason::ClockJumped { by, until })
}

/// The guard: a hold of the studio answers for each of its sessions.
pub(super) fn held(case: &Case<'_>) -> Option<Reason> {
    case.hold.cloned()
}

pub(super) fn look_at_hold(case: &Case<'_>) -> String {
    match (case.hold, &case.studio.connection.account) {
        (Some(_), _) => "no".to_owned(),
        (None, Some(account)) => format!("every page was read, in account {account}"),
        (None, None) => "every page was read; the policy names no account".to_owned(),
    }
}

//! Line 1: whether anything may be done in a studio at all.

use jiff::Timestamp;

use super::Reason;
use super::case::Case;
use crate::inventory::Snapshot;
use crate::policy::StudioPolicy;

/// Why the whole studio is left alone, if it is.
pub(super) fn of_studio(
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
pub(super) fn account_doubt(studio: &StudioPolicy, snapshot: &Snapshot) -> Option<Reason> {
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

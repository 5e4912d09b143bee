//! Line 1 as well: changes that come too suddenly to be believed at once.
//!
//! Against what the log knows, a listing may lack many sessions or show many new ones: one further
//! listing has to confirm that, or a person. And another policy may make many sessions due from one scan
//! to the next: that waits for a person. Who does neither is not held for ever: what does not change
//! further is confirmed by the next listing, and a policy that makes nothing more due holds nothing.
//! While the numbers go on changing by more than a tenth from listing to listing nothing confirms them.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Decision, History, Reason};
use crate::ids::{PolicyHash, SessionId};
use crate::inventory::Snapshot;
use crate::policy::Policy;

/// So many may come, go or become due at once in a studio of any size: below it a share says nothing.
pub const FEW: usize = 10;

/// How long after a listing that is in doubt the next one begins at the earliest that confirms it: time
/// enough for the service to get over a moment in which it lost sight of some.
pub const CONFIRMED_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// What the log knows of the sessions of a studio as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The listing that is in doubt.
    pub doubt: Option<InventoryDoubt>,
    /// How many of the sessions that the log knows are confirmed to be gone and not yet recorded so.
    pub gone: usize,
}

impl Inventory {
    pub(super) const EMPTY: Self = Self { doubt: None, gone: 0 };
}

/// A listing that showed too sudden a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InventoryDoubt {
    /// When it was doubted.
    pub at: Timestamp,
    /// How many sessions it showed.
    pub seen: usize,
    /// How many it lacked that are known.
    pub missing: usize,
}

/// How a listing differs from what the log knows, where that is sudden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InventoryChange {
    /// How many sessions were known.
    pub before: usize,
    /// How many are seen.
    pub now: usize,
    /// How many of those known are lacking, counted as the log counts them.
    pub missing: usize,
    /// How many of those seen are new.
    pub new: usize,
}

impl InventoryChange {
    /// Compares a whole listing with what the log knows. A log that knows nothing doubts nothing.
    fn of(snapshot: &Snapshot, history: &History) -> Option<Self> {
        Self::between(snapshot, history).filter(|change| change.is_sudden(history))
    }

    /// What is to be recorded of a listing that nobody doubts any more: a sudden change, or that some are
    /// back that were confirmed to be gone; when they are lacking again, that is to be doubted again.
    #[must_use]
    pub fn confirmed(snapshot: &Snapshot, history: &History) -> Option<Self> {
        let change = Self::between(snapshot, history)?;
        let is_regained = change.missing < history.inventory.gone;
        (is_regained || change.is_sudden(history)).then_some(change)
    }

    fn is_sudden(&self, history: &History) -> bool {
        let Self { before, missing, new, .. } = *self;
        let lost = missing.saturating_sub(history.inventory.gone);
        lost > FEW.max(before / 2) || new > FEW.max(before)
    }

    fn between(snapshot: &Snapshot, history: &History) -> Option<Self> {
        if history.known.is_empty() {
            return None;
        }
        let now = snapshot.sessions.len();
        let missing = lacking(history.known.keys(), snapshot.sessions.keys()).count();
        let new = now.saturating_sub(history.known.len().saturating_sub(missing));
        let before = history.known.len().saturating_sub(history.inventory.gone);
        Some(Self { before, now, missing, new })
    }

    /// Whether the listing that was doubted before showed about the same.
    fn is_about(&self, doubt: &InventoryDoubt) -> bool {
        about_same(self.now, doubt.seen) && about_same(self.missing, doubt.missing)
    }
}

/// Those of the first that are not among the second, both in their order: one walk, since it is asked of
/// every scan.
pub fn lacking<'a, 'b>(
    known: impl Iterator<Item = &'a SessionId>,
    seen: impl Iterator<Item = &'b SessionId>,
) -> impl Iterator<Item = &'a SessionId> {
    let mut seen = seen.peekable();
    known.filter(move |id| {
        loop {
            match seen.peek().map(|other| (*other).cmp(*id)) {
                Some(Ordering::Less) => drop(seen.next()),
                Some(Ordering::Equal) => return seen.next().is_none(),
                Some(Ordering::Greater) | None => return true,
            }
        }
    })
}

/// Whether two numbers differ by no more than a few, or a tenth.
fn about_same(one: usize, other: usize) -> bool {
    one.abs_diff(other) <= FEW.max(one.max(other) / 10)
}

/// Whether the number of sessions changed too suddenly, and nothing confirms it.
pub(super) fn inventory_changed(
    snapshot: &Snapshot,
    history: &History,
    now: Timestamp,
) -> Option<Reason> {
    let change = InventoryChange::of(snapshot, history)?;
    let confirmed = history.inventory.doubt.is_some_and(|doubt| {
        change.is_about(&doubt) && doubt.at.duration_until(snapshot.began) >= CONFIRMED_AFTER
    });
    let approved =
        history.approved.inventory.as_ref().is_some_and(|approval| {
            approval.holds_at(now) && about_same(change.now, approval.count)
        });
    let InventoryChange { before, now, missing, new } = change;
    (!confirmed && !approved).then_some(Reason::InventoryChanged { before, now, missing, new })
}

/// Whether a policy is another than the one by which the studio was last looked after.
fn is_another(policy: &Policy, history: &History) -> bool {
    history.policy.as_ref().is_some_and(|last| *last != policy.hash)
}

/// Whether a changed policy makes too many sessions due at once, and nobody has approved that.
///
/// Once it did, it holds until nothing more is due by it than was due before: a person who stops some
/// by hand has not approved the rest.
pub(super) fn policy_changed(
    policy: &Policy,
    decisions: &[Arc<Decision>],
    history: &History,
    now: Timestamp,
) -> Option<Reason> {
    if !is_another(policy, history) {
        return None;
    }
    let was_due = |decision: &&Arc<Decision>| {
        let due = history.known.get(&decision.session).copied().flatten();
        due.is_some_and(|due| due <= now)
    };
    let before = decisions.iter().filter(was_due).count();
    let due = || decisions.iter().filter(|decision| is_due(decision, now));
    let (count, more) = (due().count(), due().filter(|decision| !was_due(decision)).count());
    let is_held = holds(history.held_policy.as_ref(), &policy.hash);
    let is_sudden = more > FEW.max(decisions.len() / 4) || (is_held && more > 0);
    let approved = history.approved.policy.as_ref().is_some_and(|approval| {
        approval.holds_at(now)
            && count <= approval.count
            && holds(approval.policy.as_ref(), &policy.hash)
    });
    (is_sudden && !approved).then_some(Reason::PolicyChanged { before, now: count })
}

fn holds(one: Option<&PolicyHash>, other: &PolicyHash) -> bool {
    one == Some(other)
}

/// Whether a session is to be stopped now, or as soon as its warnings have been out.
pub(super) fn is_due(decision: &Decision, now: Timestamp) -> bool {
    let leads_to_a_stop = match &decision.reason {
        Reason::Due { .. }
        | Reason::Warning { .. }
        | Reason::WarningOut { .. }
        | Reason::VetoUnasked { .. } => true,
        Reason::ListingIncomplete { .. }
        | Reason::AccountMismatch { .. }
        | Reason::AccountUnknown { .. }
        | Reason::ClockInDoubt { .. }
        | Reason::ClockJumped { .. }
        | Reason::Paused { .. }
        | Reason::InventoryChanged { .. }
        | Reason::PolicyChanged { .. }
        | Reason::Transitional { .. }
        | Reason::Failed { .. }
        | Reason::StateUnknown { .. }
        | Reason::Deleted
        | Reason::StartUnknown
        | Reason::StartInFuture { .. }
        | Reason::VolumesDeleted
        | Reason::ModeUnknown { .. }
        | Reason::RuleKeep { .. }
        | Reason::RuleUnclear { .. }
        | Reason::TagKeep { .. }
        | Reason::KeepTooLong { .. }
        | Reason::KeepEnding { .. }
        | Reason::TagKeepUntil { .. }
        | Reason::TagUnreadable { .. }
        | Reason::ProfileUnknown
        | Reason::NotStoppable { .. }
        | Reason::NeverDue
        | Reason::NotDue { .. }
        | Reason::StopTooShort { .. }
        | Reason::WouldBeDestroyed { .. }
        | Reason::OwnerZoneUnknown { .. }
        | Reason::Busy { .. }
        | Reason::VetoFailed { .. }
        // The brake is asked later.
        | Reason::Brake { .. }
        | Reason::BrakeLatched { .. }
        | Reason::Stopped
        | Reason::ClosedDay { .. }
        | Reason::NotOurs
        | Reason::StartNotDue { .. }
        | Reason::StartExpired { .. }
        | Reason::Resume { .. }
        | Reason::Rescue { .. }
        | Reason::TerminationNear { .. } => false,
    };
    leads_to_a_stop && decision.due.is_some_and(|due| due <= now)
}

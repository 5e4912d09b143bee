//! Line 10: how much may be stopped, or started, at a time.
//!
//! The one question that is not about a session alone: it is asked once all are decided. What is under
//! way already, or was withheld already, is not counted again. Two things hold of every studio: the
//! stops that come of one plan are at most `per_scan`, and in no sixty minutes are more announced than
//! `per_hour`; each, while a person has approved more, up to what was approved. [`one_more`] holds
//! plans that overlap to the second.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Action, Approval, BrakeBound, Decision, History, Reason, Verdict, moved, sudden};
use crate::ids::{PolicyHash, SessionId};
use crate::inventory::Session;
use crate::policy::{Brake, Mode};

/// What the hour of `per_hour` is.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A brake that holds stops: until somebody raises its bound or approves, or nothing is due any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latch {
    /// The bound that there were too many for.
    pub bound: BrakeBound,
    /// What it was.
    pub limit: u32,
}

impl Latch {
    /// Whether the policy allows more than it did.
    fn is_raised(self, brake: Brake) -> bool {
        let limit = match self.bound {
            BrakeBound::PerScan => brake.per_scan,
            BrakeBound::PerHour | BrakeBound::HalfPerHour => brake.per_hour,
        };
        limit > self.limit
    }
}

/// What was asked for already, and of which sessions.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) brake: Brake,
    pub(super) policy: &'a PolicyHash,
    pub(super) history: &'a History,
    pub(super) sessions: &'a BTreeMap<SessionId, Arc<Session>>,
}

/// Why actions of each kind and mode are held, where they are, and how many of them pass all the same.
pub(super) struct Brakes(Vec<Braked>);

/// One kind of action in one mode, of which not all pass.
struct Braked {
    action: Action,
    mode: Mode,
    /// How many pass that are asked for the first time.
    first: usize,
    /// How many pass that the service has refused before.
    again: usize,
    reason: Reason,
}

impl Brakes {
    /// Counts what would be done. What is only observed counts as if it were enforced, for what is
    /// observed, and not at all for what is enforced.
    ///
    /// Of too many stops none passes: more than anybody expected are due, and one that is wrong cannot
    /// be told from the others. A start endangers nothing, and those of a morning all come at once; so
    /// as many pass as the bound allows, and the others follow. What the service refused before has the
    /// room that the others leave, and of an hour no more than half, so that it keeps nobody else on.
    pub(super) fn over(decisions: &[Arc<Decision>], known: Known<'_>, now: Timestamp) -> Self {
        let (brake, history) = (known.brake, known.history);
        let mut found = Vec::new();
        for action in Action::ALL.iter().copied() {
            let used = used_in_the_hour(history, action, now);
            let approval = in_force(history, action, Some(known.policy), now);
            let allowed = allowed(brake, approval, used);
            let new: Vec<_> = decisions.iter().filter(|d| is_new(d, action, known)).collect();
            for mode in [Mode::Observe, Mode::Enforce] {
                if !new.iter().any(|decision| decision.mode == mode) {
                    found.extend(still_latched(decisions, known, (action, mode), now));
                    continue;
                }
                let counted = || new.iter().filter(|decision| decision.mode >= mode);
                let again = count(counted().filter(|d| was_refused(d, action, history)).count());
                let first = count(counted().count()).saturating_sub(again);
                let asked = Asked { action, first, again, used };
                // What was looked at and approved is held by no latch.
                let covered =
                    approval.is_some_and(|approval| size(asked.wanted()) <= approval.left);
                let latch = history.braked.get(&mode).copied();
                let latch = latch.filter(|latch| !covered && !latch.is_raised(brake));
                found.extend(asked.braked(mode, allowed, latch));
            }
        }
        Self(found)
    }

    /// Holds what is over the bound.
    pub(super) fn apply(&self, decisions: &mut [Arc<Decision>], known: Known<'_>) {
        for Braked { action, mode, first, again, reason } in &self.0 {
            let (mut first, mut again) = (*first, *again);
            let is_about = |d: &&mut Arc<Decision>| d.mode == *mode && is_new(d, *action, known);
            for decision in decisions.iter_mut().filter(is_about) {
                let is_again = was_refused(decision, *action, known.history);
                let left = if is_again { &mut again } else { &mut first };
                if *left > 0 {
                    *left -= 1;
                    continue;
                }
                let decision = Arc::make_mut(decision);
                decision.reason = reason.clone();
                // What is off may come near its end meanwhile.
                decision.next_change = decision.next_change.filter(|_| *action == Action::Start);
                decision.not_after = None;
                decision.asks.clear();
            }
        }
    }

    /// The reasons, what is enforced first.
    pub(super) fn reasons(&self) -> Vec<Reason> {
        let mut found: Vec<_> = self.0.iter().collect();
        found.sort_by_key(|braked| (std::cmp::Reverse(braked.mode), braked.action));
        found.into_iter().map(|braked| braked.reason.clone()).collect()
    }

    /// The modes in which no stop passes, and what keeps it so from now on.
    pub(super) fn latches(&self) -> BTreeMap<Mode, Latch> {
        let latch = |braked: &Braked| {
            let latch = match braked.reason {
                Reason::BrakeLatched { bound, limit, .. } => Latch { bound, limit },
                Reason::Brake { action: Action::Stop, bound, limit, .. } if braked.first == 0 => {
                    Latch { bound, limit }
                }
                _ => return None,
            };
            Some((braked.mode, latch))
        };
        self.0.iter().filter_map(latch).collect()
    }
}

/// The latch of a mode in which nothing is to be stopped at this instant, where something is due all the same:
/// what is warned anew, or asked about, is not gone.
fn still_latched(
    decisions: &[Arc<Decision>],
    known: Known<'_>,
    (action, mode): (Action, Mode),
    now: Timestamp,
) -> Option<Braked> {
    let latch = known.history.braked.get(&mode).filter(|latch| !latch.is_raised(known.brake))?;
    let due = decisions.iter().filter(|d| d.mode == mode && sudden::is_due(d, now)).count();
    let approval = in_force(known.history, action, Some(known.policy), now);
    let covered = approval.is_some_and(|approval| due <= approval.left);
    if action != Action::Stop || due == 0 || covered {
        return None;
    }
    let Latch { bound, limit } = *latch;
    let reason = Reason::BrakeLatched { bound, limit, count: count(due) };
    Some(Braked { action, mode, first: 0, again: 0, reason })
}

/// How much is asked for of one action.
#[derive(Clone, Copy)]
struct Asked {
    action: Action,
    /// How many for the first time.
    first: u32,
    /// How many that the service has refused before.
    again: u32,
    /// How many were asked for in the hour up to now.
    used: u32,
}

impl Asked {
    fn braked(self, mode: Mode, allowed: Brake, latch: Option<Latch>) -> Option<Braked> {
        let Self { action, first, used, .. } = self;
        if let Some(reason) = self.exceeded(allowed, first).or_else(|| self.latched(latch?)) {
            let passing = match action {
                Action::Stop => 0,
                Action::Start => allowed.per_scan.min(allowed.per_hour.saturating_sub(used)),
            };
            return Some(Braked { action, mode, first: size(passing), again: 0, reason });
        }
        let (room, reason) = self.crowded(allowed)?;
        Some(Braked { action, mode, first: usize::MAX, again: size(room), reason })
    }

    /// How many of those that were refused before there is room for, where it is not all of them.
    fn crowded(self, allowed: Brake) -> Option<(u32, Reason)> {
        let Self { action, first, again, used } = self;
        let half = allowed.per_hour.div_ceil(2);
        let of_the_scan = allowed.per_scan.saturating_sub(first);
        let of_the_hour = half.saturating_sub(used.saturating_add(first));
        let (bound, limit, count) = if again > of_the_scan {
            (BrakeBound::PerScan, allowed.per_scan, first.saturating_add(again))
        } else if again > of_the_hour {
            (BrakeBound::HalfPerHour, half, used.saturating_add(first).saturating_add(again))
        } else {
            return None;
        };
        Some((of_the_scan.min(of_the_hour), Reason::Brake { action, bound, limit, count }))
    }

    fn exceeded(self, allowed: Brake, wanted: u32) -> Option<Reason> {
        let in_the_hour = wanted.saturating_add(self.used);
        let scan_is_over = wanted > allowed.per_scan;
        let (bound, limit, count) = match (scan_is_over, in_the_hour > allowed.per_hour) {
            (true, _) => (BrakeBound::PerScan, allowed.per_scan, wanted),
            (false, true) => (BrakeBound::PerHour, allowed.per_hour, in_the_hour),
            (false, false) => return None,
        };
        (wanted > 0).then_some(Reason::Brake { action: self.action, bound, limit, count })
    }

    /// Why stops stay held that are no more than the bounds allow: there were too many, and nobody has
    /// said anything since.
    fn latched(self, Latch { bound, limit }: Latch) -> Option<Reason> {
        // Those that stand: an approval lets pass no more than them.
        let count = self.wanted();
        let is_stop = self.action == Action::Stop;
        is_stop.then_some(Reason::BrakeLatched { bound, limit, count })
    }

    fn wanted(self) -> u32 {
        self.first.saturating_add(self.again)
    }
}

/// What a person has approved of what this policy holds, and has not ended yet.
fn in_force<'a>(
    history: &'a History,
    action: Action,
    policy: Option<&PolicyHash>,
    now: Timestamp,
) -> Option<&'a Approval> {
    let approved = history.approved.of(action);
    approved.filter(|approval| approval.holds_at(now) && approval.policy.as_ref() == policy)
}

/// The bounds with what a person has approved. None is none, whoever approves what.
/// Of an hour that is what was asked for in it already, `used`, and what is left of the approval.
fn allowed(brake: Brake, approval: Option<&Approval>, used: u32) -> Brake {
    let Some(approval) = approval else { return brake };
    let at_least = |bound: u32, approved: usize| match bound {
        0 => 0,
        bound => bound.max(count(approved)),
    };
    Brake {
        per_scan: at_least(brake.per_scan, approval.left),
        per_hour: at_least(brake.per_hour, approval.count.min(size(used) + approval.left)),
    }
}

/// Why one more action may not be announced at this instant, where `pending` are about to be.
///
/// Plans overlap: what one let through may be announced only after the next was made, which saw the
/// studio otherwise. Asked at each announcement, this keeps the hour's bound whatever the plans say; and
/// what waited while a brake engaged is held by it, as what is planned after it.
#[must_use]
pub fn one_more(
    brake: Brake,
    history: &History,
    action: Action,
    now: Timestamp,
    pending: usize,
) -> Option<Reason> {
    let used = used_in_the_hour(history, action, now).saturating_add(count(pending));
    let asked = Asked { action, first: 1, again: 0, used };
    let approval = in_force(history, action, history.policy.as_ref(), now);
    let Brake { per_hour, .. } = allowed(brake, approval, used);
    let per_scan = if brake.per_scan == 0 { 0 } else { u32::MAX };
    let exceeded = asked.exceeded(Brake { per_scan, per_hour }, 1);
    let is_approved = approval.is_some_and(|approval| approval.left > pending);
    let latch = history.braked.get(&Mode::Enforce).copied();
    let latch = latch.filter(|latch| !is_approved && !latch.is_raised(brake));
    exceeded.or_else(|| asked.latched(latch?))
}

/// How many actions were asked for in the hour up to now: what the brake of an hour counts.
#[must_use]
pub fn used_in_the_hour(history: &History, action: Action, now: Timestamp) -> u32 {
    let asked = match action {
        Action::Stop => &history.stops,
        Action::Start => &history.starts,
    };
    let since = moved(now, -HOUR);
    count(asked.iter().filter(|at| **at > since).count())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Whether a decision asks for an action that was not asked for yet; where the brake lets nothing through,
/// asking once more is asking.
fn is_new(decision: &Decision, action: Action, known: Known<'_>) -> bool {
    match (action, decision.verdict()) {
        (Action::Stop, Verdict::Stop) => is_new_stop(decision, known),
        // What its vetoes are asked about would be stopped, as far as anybody knows. Were it not counted,
        // their answers would let through one by one what is too much at once.
        (Action::Stop, Verdict::Keep) if decision.reason.is_unasked() => {
            is_new_stop(decision, known)
        }
        // What would be destroyed meanwhile does not wait.
        (Action::Start, Verdict::Start) if decision.reason.is_rescue() => false,
        (Action::Start, Verdict::Start) => {
            let past = known.history.of(&decision.session);
            // The tag alone may tell that its stop was ours.
            let session = known.sessions.get(&decision.session);
            let stopped_at = session.and_then(|session| session.stopped_at);
            let is_withheld = past.start_withheld.is_some() && past.start_withheld == stopped_at;
            let is_first = past.starting.is_none() || known.brake.is_none();
            is_first && !(is_withheld && decision.mode == Mode::Observe)
        }
        (
            Action::Stop | Action::Start,
            Verdict::Stop | Verdict::Start | Verdict::Warn | Verdict::Keep | Verdict::Hold,
        ) => false,
    }
}

fn is_new_stop(decision: &Decision, known: Known<'_>) -> bool {
    let past = known.history.of(&decision.session);
    let is_withheld = past.withheld.is_some() && past.withheld == decision.due;
    let is_first = past.open.is_none() || known.brake.is_none();
    is_first && !(is_withheld && decision.mode == Mode::Observe)
}

/// Whether the service has refused it already: it is asked for again now and then, and stops nobody
/// meanwhile.
fn was_refused(decision: &Decision, action: Action, history: &History) -> bool {
    let past = history.of(&decision.session);
    let attempts = match action {
        Action::Stop => past.attempts.filter(|a| decision.due.is_none_or(|due| a.last >= due)),
        Action::Start => past.start_attempts,
    };
    attempts.is_some_and(|attempts| attempts.ended > 0)
}

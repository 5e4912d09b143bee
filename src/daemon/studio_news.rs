//! What a scan says of a studio as a whole that the log does not say yet: holds, brakes, the policy by
//! which it is looked after, and that a sudden change is true.

use crate::audit::record::{Data, Kind, ReasonData, Record};
use crate::audit::replay::{Fingerprint, Held, StudioPast};
use crate::execute::Workshop;
use crate::ids::PolicyHash;
use crate::inventory::Snapshot;
use crate::plan::{BrakeBound, InventoryChange, Latch, Plan, Reason, Verdict};
use crate::policy::Mode;

pub(super) fn studio_news(
    workshop: &Workshop,
    snapshot: &Snapshot,
    plan: &Plan,
    past: &StudioPast,
) -> Vec<Record> {
    let mut records = Vec::from_iter(hold_news(workshop, plan, past));
    if plan.hold.is_none() {
        records.extend(policy_news(workshop, plan, past));
        records.extend(inventory_news(workshop, snapshot, plan, past));
        records.extend(brake_news(workshop, plan, past));
    }
    records
}

fn record(workshop: &Workshop, plan: &Plan, kind: Kind, data: Data) -> Record {
    let studio = workshop.studio.id.to_string();
    let policy = Some(workshop.policy.hash.to_string());
    let data = Data { studio: Some(studio.clone()), policy, ..data };
    Record { time: plan.at, kind, subject: studio, data }
}

/// The hold of the studio, if it is another than before.
fn hold_news(workshop: &Workshop, plan: &Plan, past: &StudioPast) -> Option<Record> {
    let hold = plan.holds().next();
    let data = Data {
        verdict: hold.map(|_| Verdict::Hold.to_string()),
        reason: hold.map(Into::into),
        note: Some(format!("{} sessions were seen", plan.decisions.len())),
        ..Data::default()
    };
    let kind = match (hold, &past.held) {
        (Some(reason), Some(held)) if is_told(held, &data, reason, &workshop.policy.hash) => {
            return None;
        }
        (Some(_), _) => Kind::StudioHeld,
        (None, Some(_)) => Kind::StudioResumed,
        (None, None) => return None,
    };
    Some(record(workshop, plan, kind, data))
}

/// Whether a hold is the one that the log tells of. It is told again where the numbers that a person
/// would approve have grown, where another policy holds it, of which an approval would not be, and where
/// a listing that is to be confirmed has become another.
fn is_told(held: &Held, data: &Data, reason: &Reason, policy: &PolicyHash) -> bool {
    let number = |name| {
        let told = held.reason.as_ref().and_then(|reason| reason.values.get(name));
        told.and_then(|told| told.parse::<usize>().ok())
    };
    let is_of_policy = held.policy.as_deref() == Some(policy.as_str());
    let is_same = held.fingerprint == Fingerprint::of(data);
    let is_up_to_date = match reason {
        Reason::Brake { count, .. } | Reason::BrakeLatched { count, .. } => {
            let count = usize::try_from(*count);
            is_of_policy && count.is_ok_and(|count| number("count").is_some_and(|n| count <= n))
        }
        Reason::PolicyChanged { now, .. } => {
            is_of_policy && number("now").is_some_and(|told| *now <= told)
        }
        Reason::InventoryChanged { now, missing, .. } => {
            (number("now"), number("missing")) == (Some(*now), Some(*missing))
        }
        _ => true,
    };
    is_same && is_up_to_date
}

/// That the studio is looked after by another policy than before.
fn policy_news(workshop: &Workshop, plan: &Plan, past: &StudioPast) -> Option<Record> {
    let is_known = past.history.policy.as_ref() == Some(&workshop.policy.hash);
    (!is_known).then(|| record(workshop, plan, Kind::PolicyApplied, Data::default()))
}

/// That a sudden change is true: this listing confirms it, or a person has; or that it is no longer.
fn inventory_news(
    workshop: &Workshop,
    snapshot: &Snapshot,
    plan: &Plan,
    past: &StudioPast,
) -> Option<Record> {
    let change = InventoryChange::confirmed(snapshot, &past.history)?;
    let InventoryChange { before, now, missing, new } = change;
    let reason = ReasonData::from(&Reason::InventoryChanged { before, now, missing, new });
    let reason = Some(ReasonData { alarm: false, ..reason });
    Some(record(workshop, plan, Kind::InventoryConfirmed, Data { reason, ..Data::default() }))
}

/// The brakes that let no stop pass from now on, and those that do again.
fn brake_news(workshop: &Workshop, plan: &Plan, past: &StudioPast) -> Vec<Record> {
    let known = &past.history.braked;
    let engaged = plan.latches.iter().filter(|(mode, latch)| known.get(mode) != Some(latch));
    let engaged = engaged.map(|(mode, latch)| {
        let data = Data { reason: Some(latched(plan, *latch)), ..of_mode(*mode) };
        record(workshop, plan, Kind::BrakeEngaged, data)
    });
    let released = known.keys().filter(|mode| !plan.latches.contains_key(mode));
    let released = released.map(|mode| record(workshop, plan, Kind::BrakeReleased, of_mode(*mode)));
    engaged.chain(released).collect()
}

fn of_mode(mode: Mode) -> Data {
    Data { mode: Some(mode.to_string()), ..Data::default() }
}

/// The reason of the brake that a latch comes from.
fn latched(plan: &Plan, latch: Latch) -> ReasonData {
    let is_of = |bound: BrakeBound, limit: u32| (bound, limit) == (latch.bound, latch.limit);
    let reason = plan.brakes.iter().find(|reason| match reason {
        Reason::Brake { bound, limit, .. } | Reason::BrakeLatched { bound, limit, .. } => {
            is_of(*bound, *limit)
        }
        _ => false,
    });
    let Latch { bound, limit } = latch;
    reason.map_or_else(|| (&Reason::BrakeLatched { bound, limit, count: 0 }).into(), Into::into)
}

//! What is known of a studio as a whole, as a part of a checkpoint, and back.

use jiff::SignedDuration;

use super::mode_of;
use crate::audit::record::checkpoint::{
    ApprovalCheckpoint, ControlCheckpoint, DoubtCheckpoint, JumpCheckpoint, LatchCheckpoint,
    PauseCheckpoint,
};
use crate::ids::PolicyHash;
use crate::plan::{
    Approval, Approvals, BrakeBound, ClockJump, History, Inventory, InventoryDoubt, Latch, Pause,
};

/// What there is to say of a studio as a whole, if there is anything; and the history, of which the
/// caller takes the rest.
pub(super) fn data(history: &History) -> (&History, Option<ControlCheckpoint>) {
    let History {
        // The caller's.
        sessions: _,
        stops: _,
        starts: _,
        known: _,
        paused,
        approved,
        braked,
        inventory: Inventory { doubt, gone },
        policy,
        held_policy,
        clock_jump,
        clock_behind,
    } = history;
    let pause = |Pause { until, who }: &Pause| PauseCheckpoint { until: *until, who: who.clone() };
    let doubt = doubt.as_ref().map(|doubt| {
        let InventoryDoubt { at, seen, missing } = *doubt;
        DoubtCheckpoint { at, seen, missing }
    });
    let jump = |ClockJump { at, by }: &ClockJump| JumpCheckpoint { at: *at, by: by.to_string() };
    let braked = braked.iter().map(|(mode, Latch { bound, limit })| LatchCheckpoint {
        mode: mode.to_string(),
        bound: bound.to_string(),
        limit: *limit,
    });
    let control = ControlCheckpoint {
        paused: paused.as_ref().map(pause),
        approvals: approvals_data(approved),
        braked: braked.collect(),
        doubt,
        gone: *gone,
        policy: policy.as_ref().map(ToString::to_string),
        held_policy: held_policy.as_ref().map(ToString::to_string),
        clock_jump: clock_jump.as_ref().map(jump),
        clock_behind: clock_behind.map(|by| by.as_secs()),
    };
    (history, Some(control).filter(|control| *control != ControlCheckpoint::default()))
}

/// Learns what a part says of a studio as a whole. What this version cannot read it does not know.
pub(super) fn take(history: &mut History, data: &ControlCheckpoint) {
    let ControlCheckpoint {
        paused,
        approvals,
        braked,
        doubt,
        gone,
        policy,
        held_policy,
        clock_jump,
        clock_behind,
    } = data.clone();
    let hash = |text: String| PolicyHash::from(text.as_str());
    history.paused = paused.map(|PauseCheckpoint { until, who }| Pause { until, who });
    history.approved = approvals_of(approvals);
    history.braked = braked
        .into_iter()
        .filter_map(|LatchCheckpoint { mode, bound, limit }| {
            let bounds = [BrakeBound::PerScan, BrakeBound::PerHour];
            let bound = bounds.into_iter().find(|known| known.to_string() == bound)?;
            Some((mode_of(Some(&mode)), Latch { bound, limit }))
        })
        .collect();
    let doubt =
        doubt.map(|DoubtCheckpoint { at, seen, missing }| InventoryDoubt { at, seen, missing });
    history.inventory = Inventory { doubt, gone };
    history.policy = policy.map(hash);
    history.held_policy = held_policy.map(hash);
    history.clock_jump = clock_jump.and_then(|JumpCheckpoint { at, by }| {
        Some(ClockJump { at, by: by.parse::<SignedDuration>().ok()? })
    });
    history.clock_behind = clock_behind.map(SignedDuration::from_secs);
}

fn approvals_data(approved: &Approvals) -> Vec<ApprovalCheckpoint> {
    let Approvals { stops, starts, inventory, policy } = approved;
    let all = [("stops", stops), ("starts", starts), ("inventory", inventory), ("policy", policy)];
    let data = |(of, approval): (&str, &Option<Approval>)| {
        let Approval { count, left, until, policy } = approval.clone()?;
        let policy = policy.map(|hash| hash.to_string());
        Some(ApprovalCheckpoint { of: of.to_owned(), count, left, until, policy })
    };
    all.into_iter().filter_map(data).collect()
}

fn approvals_of(data: Vec<ApprovalCheckpoint>) -> Approvals {
    let mut approved = Approvals::default();
    for ApprovalCheckpoint { of, count, left, until, policy } in data {
        let policy = policy.map(|text| PolicyHash::from(text.as_str()));
        let approval = Some(Approval { count, left, until, policy });
        match of.as_str() {
            "stops" => approved.stops = approval,
            "starts" => approved.starts = approval,
            "inventory" => approved.inventory = approval,
            "policy" => approved.policy = approval,
            // Of what this version does not hold.
            _ => {}
        }
    }
    approved
}

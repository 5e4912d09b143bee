//! What is shown of a change of a launch profile, and what came of it: lines for people, and one object for
//! programs.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Serialize;

use super::super::super::Failure;
use super::super::{OnIt, sentence};
use crate::inventory::Stopping;
use crate::provider::administer::{Change, Proposal};

/// How it ended, where nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    NothingToChange,
    DryRun,
    /// The service took it; it was not waited for.
    Accepted,
    /// It is in force.
    Done,
}

impl Outcome {
    fn code(self) -> &'static str {
        match self {
            Self::NothingToChange => "nothing_to_change",
            Self::DryRun => "dry_run",
            Self::Accepted => "accepted",
            Self::Done => "done",
        }
    }

    pub(super) fn words(self, name: &str) -> String {
        match self {
            Self::NothingToChange => "there is nothing to change".to_owned(),
            Self::DryRun => "nothing was done: --dry-run".to_owned(),
            Self::Accepted => format!("{name}: accepted"),
            Self::Done => format!("{name}: READY, and as it was asked for"),
        }
    }
}

/// Whether anything that is off would be destroyed sooner than today. What is off under a launch profile that
/// forbids it has no end that anybody knows.
pub(super) fn is_sooner(proposal: &Proposal, on_it: OnIt) -> bool {
    let off = |stopping: &Stopping| match stopping {
        Stopping::Allowed { destroyed_after } => {
            Some(destroyed_after.unwrap_or(SignedDuration::MAX))
        }
        Stopping::Forbidden(_) | Stopping::Unclear(_) => None,
    };
    let without_end = (on_it.off > 0).then_some(SignedDuration::MAX);
    let today = off(&proposal.before).or(without_end);
    today.zip(off(&proposal.after)).is_some_and(|(today, then)| then < today)
}

/// What is changed, and what that means.
pub(super) fn shown(place: &str, proposal: &Proposal, on_it: OnIt) -> Vec<String> {
    let OnIt { all, off } = on_it;
    let name = proposal.name.as_deref().unwrap_or("without a name");
    let mut lines = vec![format!("{place}, {name:?}: sessions on it: {all}, of them off: {off}")];
    let or_absent = |text: &Option<String>| text.clone().unwrap_or_else(|| "absent".to_owned());
    for (member, change) in &proposal.changes {
        let (from, to) = (or_absent(&change.from), or_absent(&change.to));
        lines.push(format!("  {member}: {from} -> {to}"));
    }
    let kept = proposal.untouched.join(", ");
    lines.push(format!("  written back as they are: {kept}"));
    lines.push(format!("  today: {}", today(&proposal.before)));
    if proposal.changes.is_empty() {
        return lines;
    }
    lines.push(format!("  then: {}", sentence(&proposal.after)));
    if is_sooner(proposal, on_it) {
        lines.push(
            "  WORK IS DESTROYED SOONER THAN TODAY: also of sessions that are there, and of those that \
             are off"
                .to_owned(),
        );
    }
    if proposal.changes.len() > 1 {
        lines.push(
            "  the service takes a stopped length only where both modes are ACTIVATED; sessions that \
             are there keep the modes that they were launched with"
                .to_owned(),
        );
    }
    lines
}

fn today(before: &Stopping) -> String {
    match before {
        Stopping::Forbidden(_) => "its sessions may not be stopped, and the service destroys each \
                                   that reaches its longest run"
            .to_owned(),
        Stopping::Allowed { .. } | Stopping::Unclear(_) => sentence(before),
    }
}

/// What was shown and what came of it, in the stable form for programs.
#[derive(Debug, Serialize)]
pub(super) struct Printed {
    studio: String,
    launch_profile: String,
    launch_profile_name: Option<String>,
    sessions: usize,
    /// How many of them are off.
    off: usize,
    changes: BTreeMap<String, Member>,
    /// The members that are written back as they were read.
    untouched: Vec<String>,
    /// How long what is off may stay so, today; nothing where that has no end, or stopping is forbidden.
    destroyed_after_seconds_today: Option<i64>,
    /// The same, then.
    destroyed_after_seconds: Option<i64>,
    /// Whether anything that is off would be destroyed sooner than today.
    destroys_sooner: bool,
    /// `nothing_to_change`, `dry_run`, `accepted`, `done`, or `failed`.
    pub(super) outcome: &'static str,
    /// Why, where it failed.
    pub(super) error: Option<String>,
}

/// One member before and after; nothing where it is absent.
#[derive(Debug, Serialize)]
struct Member {
    from: Option<String>,
    to: Option<String>,
}

impl Printed {
    pub(super) fn new(
        studio: String,
        proposal: &Proposal,
        on_it: OnIt,
        end: &Result<Outcome, Failure>,
    ) -> Self {
        let after = |stopping: &Stopping| match stopping {
            Stopping::Allowed { destroyed_after } => destroyed_after.map(|after| after.as_secs()),
            Stopping::Forbidden(_) | Stopping::Unclear(_) => None,
        };
        let member = |(name, change): (&String, &Change)| {
            (name.clone(), Member { from: change.from.clone(), to: change.to.clone() })
        };
        Self {
            studio,
            launch_profile: proposal.profile.to_string(),
            launch_profile_name: proposal.name.clone(),
            sessions: on_it.all,
            off: on_it.off,
            changes: proposal.changes.iter().map(member).collect(),
            untouched: proposal.untouched.clone(),
            destroyed_after_seconds_today: after(&proposal.before),
            destroyed_after_seconds: after(&proposal.after),
            destroys_sooner: is_sooner(proposal, on_it),
            outcome: end.as_ref().map_or("failed", |outcome| outcome.code()),
            error: end.as_ref().err().map(ToString::to_string),
        }
    }
}

//! Why: the closed list of reasons, each with its data, a stable code, a verdict and a sentence.

mod values;
mod words;

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{Action, Announcement, Cause, StoppedBy, Unrotated, Verdict};
use crate::ids::{AccountId, RuleName, ScheduleName, VetoName};
use crate::inventory::{Ending, Problem, SessionState, Wanted};

/// The name of the value that says whose a stop was.
pub const STOPPED_BY: &str = "stopped_by";

/// Why a session is decided about as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Line 1: part of the studio could not be read.
    ListingIncomplete {
        /// What was asked for.
        wanted: Wanted,
        /// What happened.
        problem: Problem,
        /// The provider's words.
        detail: String,
    },
    /// Line 1: the studio belongs to another account than the policy says.
    AccountMismatch {
        /// The account in the policy.
        configured: AccountId,
        /// The account that the resources name.
        found: AccountId,
    },
    /// Line 1: an account is configured, and nothing tells whose the studio is.
    AccountUnknown {
        /// The account in the policy.
        configured: AccountId,
    },
    /// Line 1: the clock shows less than it did.
    ClockInDoubt {
        /// When the listing began, later than now.
        listed: Timestamp,
    },
    /// Line 1: a person wants nothing done for now.
    Paused {
        /// When that ends.
        until: Timestamp,
        /// Who said so.
        who: String,
    },
    /// Line 1: many sessions came or went since the last listing, and nothing confirms it yet.
    InventoryChanged {
        /// How many were known.
        before: usize,
        /// How many are seen.
        now: usize,
        /// How many of those known are lacking.
        missing: usize,
        /// How many of those seen are new.
        new: usize,
    },
    /// Line 1: by a changed policy many more sessions are due at once.
    PolicyChanged {
        /// How many were due by the policy before.
        before: usize,
        /// How many are due now.
        now: usize,
    },
    /// Line 1: the clock was set, or the machine slept, and no scan has confirmed it yet.
    ClockJumped {
        /// By how much it went too far; negative where it went back.
        by: SignedDuration,
        /// When a scan may confirm it.
        until: Timestamp,
    },
    /// Line 2: on its way from one state to another.
    Transitional {
        /// The state.
        state: SessionState,
    },
    /// Line 2: a transition failed.
    Failed {
        /// The state.
        state: SessionState,
        /// The provider's finer word.
        status: Option<String>,
    },
    /// Line 2: a state that we do not know, or none at all.
    StateUnknown {
        /// The word.
        state: SessionState,
    },
    /// Line 2: no longer there.
    Deleted,
    /// Line 2: neither a start nor a creation is known.
    StartUnknown,
    /// Line 2: it starts in the future.
    StartInFuture {
        /// When.
        start: Timestamp,
    },
    /// Line 2: stopping would delete its volumes.
    VolumesDeleted,
    /// Line 2: a mode that we do not know.
    ModeUnknown {
        /// The provider's name of it.
        field: &'static str,
        /// The word.
        value: String,
    },
    /// Line 3: a rule exempts it.
    RuleKeep {
        /// The rule.
        rule: RuleName,
    },
    /// Line 3: a rule may exempt it, and the session does not say enough to tell.
    RuleUnclear {
        /// The rule.
        rule: RuleName,
        /// What the session does not say.
        missing: &'static str,
    },
    /// Line 3: a tag exempts it.
    TagKeep {
        /// The tag's value.
        value: String,
    },
    /// Line 3: a tag exempts it for now.
    TagKeepUntil {
        /// Until when.
        until: Timestamp,
    },
    /// Line 3: a tag exempts it for longer than the policy allows, and counts all the same.
    KeepTooLong {
        /// The tag's value.
        value: String,
        /// Until when; `None`: without an end.
        until: Option<Timestamp>,
        /// What the policy allows.
        keep_max: SignedDuration,
    },
    /// Line 3: the end of what exempts it is announced now.
    KeepEnding {
        /// When it ends.
        until: Timestamp,
        /// How long before.
        lead: SignedDuration,
    },
    /// Line 3: a tag of ours that cannot be read, which counts as keep.
    TagUnreadable {
        /// The tag.
        tag: String,
        /// Its value.
        value: String,
    },
    /// Line 4: its launch profile is not known, so nobody can say whether it may be stopped.
    ProfileUnknown,
    /// Line 4: its launch profile forbids stopping.
    NotStoppable {
        /// How an administrator could allow it.
        remedy: &'static str,
        /// When and how the service ends it by itself.
        ending: Option<Ending>,
        /// Whether that is soon.
        is_near: bool,
    },
    /// Line 5: nothing says when it should be stopped.
    NeverDue,
    /// Line 5: its time has not come.
    NotDue {
        /// When it comes.
        due: Timestamp,
        /// What says so.
        cause: Cause,
    },
    /// Line 6: the idle hours end too soon.
    StopTooShort {
        /// When they end.
        closes: Timestamp,
        /// What would be worth it.
        least_stop: SignedDuration,
    },
    /// Line 7: a veto says that it is busy.
    Busy {
        /// The veto.
        veto: VetoName,
        /// Its words; they may be empty.
        words: String,
        /// When it is asked again.
        asks_again: Timestamp,
        /// How long it may keep the session at the most.
        until: Timestamp,
    },
    /// Line 7: a veto gave no answer that can be understood, which counts as busy.
    VetoFailed {
        /// The veto.
        veto: VetoName,
        /// What went wrong.
        words: String,
        /// When it is asked again.
        asks_again: Timestamp,
        /// How long it may keep the session at the most.
        until: Timestamp,
    },
    /// Line 7: vetoes have yet to be asked.
    VetoUnasked {
        /// Which.
        vetoes: Vec<VetoName>,
    },
    /// Line 8: a stopped machine would be destroyed before people are back.
    WouldBeDestroyed {
        /// How long it lives when stopped.
        destroyed_after: SignedDuration,
        /// How long it must live: the window's close and the margin. `None`: nothing says when
        /// people are back.
        needed_until: Option<Timestamp>,
        /// Why it is not rotated.
        unrotated: Unrotated,
    },
    /// Line 9: a stop is announced now.
    Warning {
        /// The due instant.
        due: Timestamp,
        /// What makes it due.
        cause: Cause,
        /// What is announced.
        announcement: Announcement,
    },
    /// Line 9: a stop waits until its warnings have been out.
    WarningOut {
        /// The due instant.
        due: Timestamp,
        /// When the stop follows.
        stop_at: Timestamp,
    },
    /// Line 11: it is due.
    Due {
        /// Since when.
        due: Timestamp,
        /// What says so.
        cause: Cause,
        /// The vetoes that still speak against it, and have kept it for as long as they may.
        overruled: Vec<VetoName>,
    },
    /// Line 5: it follows its owner's time zone, which the policy does not name.
    OwnerZoneUnknown {
        /// The schedule that does so.
        schedule: ScheduleName,
    },
    /// Line 10: more would be stopped, or started, than the brake allows.
    Brake {
        /// What would be asked of it.
        action: Action,
        /// Which bound.
        bound: BrakeBound,
        /// The bound itself.
        limit: u32,
        /// How many there would be, those of the last hour included where the bound is the hour's.
        count: u32,
    },
    /// Line 10: more would have been stopped than the brake allows, and nobody has said anything since.
    BrakeLatched {
        /// Which bound.
        bound: BrakeBound,
        /// What it was.
        limit: u32,
        /// How many there would be now.
        count: u32,
    },
    /// It is off, and nothing is to start it.
    Stopped,
    /// It is off, and today nobody works.
    ClosedDay {
        /// When that ends.
        until: Timestamp,
    },
    /// It is off, and not by a stop of ours: what a person stopped stays off.
    NotOurs,
    /// It is off until shortly before its window closes.
    StartNotDue {
        /// When it is to be started.
        start: Timestamp,
        /// When the window closes.
        closes: Timestamp,
    },
    /// It is off, and the time for starting it again has passed.
    StartExpired {
        /// When the window closed.
        closes: Timestamp,
        /// When the time was over.
        expired: Timestamp,
    },
    /// It was stopped by us in a window that now ends.
    Resume {
        /// When the window closes.
        closes: Timestamp,
    },
    /// It is off and would be destroyed by the service before people are back: it is started.
    Rescue {
        /// When it would be.
        terminate_at: Timestamp,
        /// When the window closes.
        closes: Timestamp,
        /// How many attempts to start it came to nothing.
        failures: u32,
        /// Whether it is only observed, so that a person has to start it.
        is_observed: bool,
        /// Whether it should be on by now.
        is_late: bool,
        /// Whose the stop before it was.
        stopped_by: StoppedBy,
    },
    /// It is off and will soon be destroyed by the service.
    TerminationNear {
        /// When.
        terminate_at: Timestamp,
    },
}

/// The bounds of a brake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BrakeBound {
    /// On one scan.
    PerScan,
    /// On sixty minutes.
    PerHour,
    /// The half of that which is left to what the service refused before.
    HalfPerHour,
}

impl fmt::Display for BrakeBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PerScan => "per_scan",
            Self::PerHour => "per_hour",
            Self::HalfPerHour => "half_per_hour",
        })
    }
}

impl Reason {
    /// The stable name, for records and programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ListingIncomplete { .. } => "listing_incomplete",
            Self::AccountMismatch { .. } => "account_mismatch",
            Self::AccountUnknown { .. } => "account_unknown",
            Self::ClockInDoubt { .. } => "clock_in_doubt",
            Self::ClockJumped { .. } => "clock_jumped",
            Self::Paused { .. } => "paused",
            Self::InventoryChanged { .. } => "inventory_changed",
            Self::PolicyChanged { .. } => "policy_changed",
            Self::Transitional { .. } => "transitional",
            Self::Failed { .. } => "failed",
            Self::StateUnknown { .. } => "state_unknown",
            Self::Deleted => "deleted",
            Self::StartUnknown => "start_unknown",
            Self::StartInFuture { .. } => "start_in_future",
            Self::VolumesDeleted => "volumes_deleted",
            Self::ModeUnknown { .. } => "mode_unknown",
            Self::RuleKeep { .. } => "rule_keep",
            Self::RuleUnclear { .. } => "rule_unclear",
            Self::TagKeep { .. } => "tag_keep",
            Self::TagKeepUntil { .. } => "tag_keep_until",
            Self::TagUnreadable { .. } => "tag_unreadable",
            Self::KeepTooLong { .. } => "keep_too_long",
            Self::KeepEnding { .. } => "keep_ending",
            Self::ProfileUnknown => "profile_unknown",
            Self::NotStoppable { .. } => "not_stoppable",
            Self::NeverDue => "never_due",
            Self::NotDue { .. } => "not_due",
            Self::StopTooShort { .. } => "stop_too_short",
            Self::Busy { .. } => "busy",
            Self::VetoFailed { .. } => "veto_failed",
            Self::VetoUnasked { .. } => "veto_unasked",
            Self::WouldBeDestroyed { .. } => "would_be_destroyed",
            Self::Warning { .. } => "warning",
            Self::WarningOut { .. } => "warning_out",
            Self::Due { cause: Cause::IdleHours { .. }, .. } => "idle_hours",
            Self::Due { cause: Cause::MaxUptime { .. }, .. } => "max_uptime",
            Self::OwnerZoneUnknown { .. } => "owner_zone_unknown",
            Self::Brake { .. } => "brake",
            Self::BrakeLatched { .. } => "brake_latched",
            Self::Stopped => "stopped",
            Self::ClosedDay { .. } => "closed_day",
            Self::NotOurs => "not_ours",
            Self::StartNotDue { .. } => "start_not_due",
            Self::StartExpired { .. } => "start_expired",
            Self::Resume { .. } => "resume",
            Self::Rescue { .. } => "rescue",
            Self::TerminationNear { .. } => "termination_near",
        }
    }

    /// Whether it is the brake that holds.
    #[must_use]
    pub fn is_brake(&self) -> bool {
        matches!(self, Self::Brake { .. } | Self::BrakeLatched { .. })
    }

    /// Whether it is only that vetoes have yet to be asked.
    #[must_use]
    pub fn is_unasked(&self) -> bool {
        matches!(self, Self::VetoUnasked { .. })
    }

    /// Whether it is a start without which work would be destroyed.
    #[must_use]
    pub fn is_rescue(&self) -> bool {
        matches!(self, Self::Rescue { .. })
    }

    /// What follows from it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::ListingIncomplete { .. }
            | Self::AccountMismatch { .. }
            | Self::AccountUnknown { .. }
            | Self::ClockInDoubt { .. }
            | Self::ClockJumped { .. }
            | Self::Paused { .. }
            | Self::InventoryChanged { .. }
            | Self::PolicyChanged { .. }
            | Self::Brake { .. }
            | Self::BrakeLatched { .. } => Verdict::Hold,
            Self::Transitional { .. }
            | Self::Failed { .. }
            | Self::StateUnknown { .. }
            | Self::Deleted
            | Self::StartUnknown
            | Self::StartInFuture { .. }
            | Self::VolumesDeleted
            | Self::ModeUnknown { .. }
            | Self::RuleUnclear { .. }
            | Self::RuleKeep { .. }
            | Self::TagKeep { .. }
            | Self::TagKeepUntil { .. }
            | Self::TagUnreadable { .. }
            | Self::KeepTooLong { .. }
            | Self::ProfileUnknown
            | Self::NotStoppable { .. }
            | Self::NeverDue
            | Self::NotDue { .. }
            | Self::StopTooShort { .. }
            | Self::Busy { .. }
            | Self::VetoFailed { .. }
            | Self::VetoUnasked { .. }
            | Self::WouldBeDestroyed { .. }
            | Self::WarningOut { .. }
            | Self::OwnerZoneUnknown { .. }
            | Self::Stopped
            | Self::ClosedDay { .. }
            | Self::NotOurs
            | Self::StartNotDue { .. }
            | Self::StartExpired { .. }
            | Self::TerminationNear { .. } => Verdict::Keep,
            Self::Resume { .. } | Self::Rescue { .. } => Verdict::Start,
            Self::Warning { .. } | Self::KeepEnding { .. } => Verdict::Warn,
            Self::Due { .. } => Verdict::Stop,
        }
    }

    /// Whether a person should look at it, rather than read it in a report.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        match self {
            Self::ListingIncomplete { .. }
            | Self::AccountMismatch { .. }
            | Self::AccountUnknown { .. }
            | Self::ClockInDoubt { .. }
            | Self::ClockJumped { .. }
            | Self::Paused { .. }
            | Self::InventoryChanged { .. }
            | Self::PolicyChanged { .. }
            | Self::StateUnknown { .. }
            | Self::StartUnknown
            | Self::StartInFuture { .. }
            | Self::VolumesDeleted
            | Self::ModeUnknown { .. }
            | Self::RuleUnclear { .. }
            | Self::TagUnreadable { .. }
            | Self::KeepTooLong { .. }
            | Self::ProfileUnknown
            | Self::OwnerZoneUnknown { .. }
            | Self::Brake { .. }
            | Self::BrakeLatched { .. }
            | Self::VetoFailed { .. }
            | Self::StartExpired { .. }
            | Self::TerminationNear { .. } => true,
            Self::Rescue { failures, is_observed, is_late, .. } => {
                *failures > 0 || *is_observed || *is_late
            }
            Self::WouldBeDestroyed { unrotated, .. } => *unrotated == Unrotated::RescuedAtOnce,
            Self::NotStoppable { ending, is_near, .. } => {
                *is_near && ending.is_some_and(|ending| ending.destroys)
            }
            Self::Failed { .. }
            | Self::Transitional { .. }
            | Self::Deleted
            | Self::RuleKeep { .. }
            | Self::TagKeep { .. }
            | Self::TagKeepUntil { .. }
            | Self::KeepEnding { .. }
            | Self::NeverDue
            | Self::NotDue { .. }
            | Self::StopTooShort { .. }
            | Self::Busy { .. }
            | Self::VetoUnasked { .. }
            | Self::Warning { .. }
            | Self::WarningOut { .. }
            | Self::Due { .. }
            | Self::Stopped
            | Self::ClosedDay { .. }
            | Self::NotOurs
            | Self::StartNotDue { .. }
            | Self::Resume { .. } => false,
        }
    }
}

/// Which way a clock jumped.
pub(super) fn direction(by: SignedDuration) -> &'static str {
    if by.is_negative() { "back" } else { "forward" }
}

fn durations(durations: &[SignedDuration]) -> String {
    let texts: Vec<String> = durations.iter().map(|duration| format!("{duration:#}")).collect();
    texts.join(", ")
}

/// Names of vetoes in a line, each between two of these.
pub(super) fn names(vetoes: &[VetoName], quote: &str) -> String {
    let names: Vec<String> = vetoes.iter().map(|name| format!("{quote}{name}{quote}")).collect();
    names.join(", ")
}

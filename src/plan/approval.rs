//! What a person has said about a whole studio: that it is paused, or what of a hold may pass.
//!
//! Both end by themselves at an instant that was named when they were said.

use jiff::Timestamp;

use super::Action;
use crate::ids::PolicyHash;

/// A person wants nothing done in a studio for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// When it ends.
    pub until: Timestamp,
    /// Who said so.
    pub who: String,
}

impl Pause {
    /// Whether it is in force.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// A person has looked at a hold and lets pass what stood then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// How many stood when it was given; no more than these may pass.
    pub count: usize,
    /// How many of them have not passed yet.
    pub left: usize,
    /// When it ends.
    pub until: Timestamp,
    /// The policy in force when it was given.
    pub policy: Option<PolicyHash>,
}

impl Approval {
    /// Whether it is in force.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// The last approval of each kind of hold that can be approved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvals {
    /// Of stops over the brake.
    pub stops: Option<Approval>,
    /// Of starts over the brake.
    pub starts: Option<Approval>,
    /// Of sessions that came or went all at once; counts the sessions seen.
    pub inventory: Option<Approval>,
    /// Of what a changed policy makes due; counts the sessions that are due.
    pub policy: Option<Approval>,
}

impl Approvals {
    /// No approval.
    pub const NONE: Self = Self { stops: None, starts: None, inventory: None, policy: None };

    /// What was approved of the brake.
    #[must_use]
    pub fn of(&self, action: Action) -> Option<&Approval> {
        match action {
            Action::Stop => self.stops.as_ref(),
            Action::Start => self.starts.as_ref(),
        }
    }

    /// Whether any is in force.
    #[must_use]
    pub fn any_holds_at(&self, now: Timestamp) -> bool {
        let Self { stops, starts, inventory, policy } = self;
        [stops, starts, inventory, policy].into_iter().flatten().any(|one| one.holds_at(now))
    }

    /// One more action was announced.
    pub fn passes(&mut self, action: Action) {
        let approval = match action {
            Action::Stop => &mut self.stops,
            Action::Start => &mut self.starts,
        };
        if let Some(approval) = approval {
            approval.left = approval.left.saturating_sub(1);
        }
    }
}

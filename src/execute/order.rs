//! What is to be carried out of a plan.

use jiff::Timestamp;

use crate::inventory::Snapshot;
use crate::plan::{Action, Decision, Plan, Verdict};

/// One action of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// What is to be asked of the session.
    pub action: Action,
    /// The run that it is about, as the session was seen when it was decided; see [`Action::run`].
    pub run: Option<Timestamp>,
    /// The decision.
    pub decision: Decision,
}

impl Order {
    /// Whether work is destroyed without it.
    #[must_use]
    pub fn is_rescue(&self) -> bool {
        self.decision.reason.is_rescue()
    }
}

/// The actions of a plan, in its order.
pub fn orders(plan: &Plan, snapshot: &Snapshot) -> impl Iterator<Item = Order> {
    plan.decisions.iter().filter_map(|decision| {
        let action = action(decision.verdict())?;
        let session = snapshot.sessions.get(&decision.session);
        let run = session.and_then(|session| action.run(session));
        Some(Order { action, run, decision: Decision::clone(decision) })
    })
}

/// What a verdict asks of a session.
pub(super) fn action(verdict: Verdict) -> Option<Action> {
    match verdict {
        Verdict::Stop => Some(Action::Stop),
        Verdict::Start => Some(Action::Start),
        Verdict::Warn | Verdict::Keep | Verdict::Hold => None,
    }
}

//! What was decided before, and what it rests on: where that is the same, so is the decision.
//!
//! A large studio is looked at every few minutes, and nearly every decision in it is to go on as before.
//! Each says until when it stands by the passing of time alone; so while neither the session nor its past
//! has changed, nor anything that is common to all, it need not be made again. A debug build makes it all
//! the same, and compares.

use std::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::case::Common;
use super::{
    Action, Cause, ClockError, Decision, History, Plan, Reason, SessionHistory, Verdict, hold,
    moved, used_in_the_hour,
};
use crate::ids::{PolicyHash, SessionId, StudioId};
use crate::inventory::{Session, Snapshot};
use crate::policy::matcher::RuleLookup;

/// What next changes are exact to: within the second before one, the answer may be the next already.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The decisions of the plan before, each with what it rests on.
#[derive(Debug, Clone, Default)]
pub struct Precedents {
    /// What all of them rest on; nothing, where there are none.
    basis: Option<Basis>,
    /// In the order of the sessions.
    #[expect(clippy::vec_box, reason = "each is moved from one list to the next")]
    cases: Vec<Box<Precedent>>,
}

/// What is common to the decisions of a plan, but for the instant, which only goes on.
#[derive(Debug, Clone, PartialEq)]
struct Basis {
    policy: PolicyHash,
    studio: StudioId,
    is_foreign: bool,
    clock_error: ClockError,
    unpaused_at: Option<Timestamp>,
}

/// One decision.
#[derive(Debug, Clone)]
struct Precedent {
    session: Arc<Session>,
    past: SessionHistory,
    at: Timestamp,
    decision: Arc<Decision>,
}

impl Precedent {
    fn holds(&self, session: &Arc<Session>, past: &SessionHistory, now: Timestamp) -> bool {
        let is_same = Arc::ptr_eq(&self.session, session) || self.session == *session;
        self.stands_at(now) && is_same && self.past == *past
    }

    fn stands_at(&self, now: Timestamp) -> bool {
        let until = self.decision.next_change.map(|change| moved(change, -SECOND));
        let is_of_now = self.at <= now && until.is_none_or(|until| now <= until);
        is_of_now && stands(&self.decision)
    }
}

/// Whether a decision says the same at each instant until its next change. What is called upon at once has
/// no need to, and a stop by uptime may wait so long from now.
fn stands(decision: &Decision) -> bool {
    match &decision.reason {
        Reason::Due { cause, .. } => matches!(cause, Cause::IdleHours { .. }),
        reason => reason.verdict() == Verdict::Keep,
    }
}

impl Precedents {
    /// Whether the plan that left them is what would be planned now, where all of it rests on the same but the
    /// instant: the sessions as they were seen, the policy and the past. So it is where no decision comes to
    /// its change by the passing of time alone, nor what holds the studio or lets something pass.
    #[must_use]
    pub fn stand(
        &self,
        plan: &Plan,
        snapshot: &Snapshot,
        history: &History,
        now: Timestamp,
    ) -> bool {
        let is_held = || plan.hold.is_some() || hold::by_time(snapshot, history, now).is_some();
        // What somebody let pass may be held again when that ends, and what is held pass with the hour.
        let is_approved = || history.approved.any_holds_at(plan.at);
        let used = |action: &Action| used_in_the_hour(history, *action, plan.at) > 0;
        let is_counting = || Action::ALL.iter().any(used) && !plan.is_all_kept();
        let stand = || self.cases.iter().all(|case| case.stands_at(now));
        self.basis.is_some() && !is_held() && !is_approved() && !is_counting() && stand()
    }

    /// Decides about every session of a snapshot, and remembers that instead.
    pub(super) fn decide_all(
        &mut self,
        common: Common<'_>,
        snapshot: &Snapshot,
        history: &History,
    ) -> Vec<Arc<Decision>> {
        let basis = Basis::of(common);
        let is_followed = common.hold.is_none() && self.basis.as_ref() == Some(&basis);
        let before = std::mem::take(&mut self.cases);
        let mut before = before.into_iter().filter(|_| is_followed).peekable();
        self.basis = common.hold.is_none().then_some(basis);
        let mut pasts = Pasts::of(&history.sessions);
        let mut rules = RuleLookup::new(&common.studio.rules);
        let mut decisions = Vec::with_capacity(snapshot.sessions.len());
        for (id, session) in &snapshot.sessions {
            let past = pasts.of_next(id);
            let precedent = next_of(&mut before, |precedent| precedent.session.id.cmp(id))
                .filter(|precedent| precedent.holds(session, past, common.now));
            let case = match precedent {
                Some(mut precedent) => {
                    debug_assert_eq!(
                        *precedent.decision,
                        super::decide(common, session, past, &mut rules),
                        "a decision of {} stands that would be another",
                        precedent.at
                    );
                    // One that is the same is not kept twice.
                    precedent.session = Arc::clone(session);
                    precedent
                }
                None => {
                    let decision = Arc::new(super::decide(common, session, past, &mut rules));
                    let (session, past) = (Arc::clone(session), past.clone());
                    Box::new(Precedent { session, past, at: common.now, decision })
                }
            };
            decisions.push(Arc::clone(&case.decision));
            self.cases.push(case);
        }
        decisions
    }
}

/// The item that is looked for, in an order in which everything is looked for.
fn next_of<T>(
    items: &mut Peekable<impl Iterator<Item = T>>,
    compare: impl Fn(&T) -> Ordering,
) -> Option<T> {
    loop {
        match items.peek().map(&compare)? {
            Ordering::Less => drop(items.next()),
            Ordering::Equal => return items.next(),
            Ordering::Greater => return None,
        }
    }
}

impl Basis {
    fn of(common: Common<'_>) -> Self {
        let Common { policy, studio, hold: _, is_foreign, clock_error, unpaused_at, now: _ } =
            common;
        let (policy, studio) = (policy.hash.clone(), studio.id.clone());
        Self { policy, studio, is_foreign, clock_error, unpaused_at }
    }
}

/// The pasts of sessions that are asked for in their order: one walk, since it is asked of every scan.
struct Pasts<'a>(Peekable<btree_map::Iter<'a, SessionId, SessionHistory>>);

impl<'a> Pasts<'a> {
    fn of(sessions: &'a BTreeMap<SessionId, SessionHistory>) -> Self {
        Self(sessions.iter().peekable())
    }

    fn of_next(&mut self, session: &SessionId) -> &'a SessionHistory {
        let found = next_of(&mut self.0, |(id, _)| (*id).cmp(session));
        found.map_or(SessionHistory::none(), |(_, past)| past)
    }
}

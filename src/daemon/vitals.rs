//! What the loops tell of themselves as they go, for whoever looks at the program from outside: the health file,
//! the supervisor, the metrics. They say each thing once, here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::pulse::Pulse;
use super::reload::Outcome;
use super::trouble::{Trouble, Vain};
use crate::execute;
use crate::ids::{SessionId, StudioId};
use crate::inventory::{SessionState, Snapshot};
use crate::metrics::{Metrics, ScanOutcome};
use crate::plan::{Action, Plan, Verdict, terminates_at};
use crate::policy::Policy;
use crate::report::Prices;

/// How a state is called that the service has and this program does not know.
const UNKNOWN_STATE: &str = "unknown";

/// What the loops tell.
#[derive(Debug, Default)]
pub(super) struct Vitals {
    known: Mutex<Known>,
    metrics: Option<Arc<Metrics>>,
    /// Whether they make progress.
    pub(super) pulse: Pulse,
    /// That there is something new.
    pub(super) changed: Notify,
}

/// All that they have told.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The policy in force.
    pub(super) policy: Option<Arc<Policy>>,
    /// What is wrong with the disk of the log, while nothing is written to it.
    pub(super) disk: Option<String>,
    /// Why the policy file was refused, if it was when it was last read.
    pub(super) refused: Option<String>,
    /// What each studio's last scan saw.
    pub(super) studios: BTreeMap<StudioId, Glance>,
    /// From when on each studio was to be scanned.
    pub(super) awaited: BTreeMap<StudioId, Timestamp>,
    /// When each studio was looked after last, by the monotonic clock; also those that are none of the policy's.
    attended: BTreeMap<StudioId, SignedDuration>,
    /// What comes to nothing again and again.
    pub(super) trouble: Trouble,
    /// Whether any scan has begun.
    pub(super) has_begun: bool,
}

/// What a scan saw, in short.
#[derive(Debug, Clone, Default)]
pub(super) struct Glance {
    /// When.
    pub(super) at: Timestamp,
    /// When the last scan was that read the studio whole.
    pub(super) whole: Option<Timestamp>,
    /// How many sessions there are, by state and verdict.
    pub(super) sessions: BTreeMap<(String, Verdict), usize>,
    /// How many are due.
    pub(super) due: usize,
    /// When the next one that is off will be destroyed; but not what is to be started before that.
    pub(super) next_termination: Option<Timestamp>,
    /// How many are off, and are to be started before they would be destroyed.
    pub(super) to_rescue: usize,
    /// When a decision changes next by itself.
    pub(super) next_change: Option<Timestamp>,
    /// When the studio is looked at again.
    pub(super) next_scan: Option<Timestamp>,
}

impl Glance {
    /// What a plan and its snapshot come to.
    pub(super) fn of(plan: &Plan, snapshot: &Snapshot) -> Self {
        let mut glance = Self { at: plan.at, next_change: plan.next_change(), ..Self::default() };
        glance.whole = snapshot.gaps.is_empty().then_some(plan.at);
        let mut counted: BTreeMap<(&SessionState, Verdict), usize> = BTreeMap::new();
        // There is one decision for each session, in the same order.
        for (decision, session) in plan.decisions.iter().zip(snapshot.sessions.values()) {
            *counted.entry((&session.state, decision.verdict())).or_default() += 1;
            glance.due += usize::from(decision.due.is_some_and(|due| due <= plan.at));
            let is_safe = decision.safe_until.is_some_and(|until| plan.at < until);
            let end = terminates_at(session).filter(|_| !is_safe);
            glance.next_termination = glance.next_termination.into_iter().chain(end).min();
            glance.to_rescue += usize::from(decision.safe_until.is_some());
        }
        for ((state, verdict), count) in counted {
            let state = match state {
                SessionState::Unknown(_) | SessionState::Missing => UNKNOWN_STATE.to_owned(),
                state => state.to_string(),
            };
            *glance.sessions.entry((state, verdict)).or_default() += count;
        }
        glance
    }
}

impl Vitals {
    /// None yet; what is told is counted as well.
    pub(super) fn counting(metrics: Option<Arc<Metrics>>) -> Self {
        Self { metrics, ..Self::default() }
    }

    /// How many sessions of a studio are to be started before they would be destroyed, as it was seen last.
    pub(super) fn to_rescue(&self, studio: &StudioId) -> usize {
        self.lock().studios.get(studio).map_or(0, |seen| seen.to_rescue)
    }

    /// A policy is in force from now on.
    pub(super) fn in_force(&self, policy: &Arc<Policy>) {
        let mut known = self.lock();
        known.policy = Some(Arc::clone(policy));
        known.studios.retain(|studio, _| policy.studios.contains_key(studio));
        known.awaited.retain(|studio, _| policy.studios.contains_key(studio));
        known.trouble.retain(|studio| policy.studios.contains_key(studio));
        if let Some(metrics) = &self.metrics {
            metrics.count_from_now(policy.studios.keys().cloned());
            metrics.price_by(Prices::new(&policy.prices));
            policy.studios.keys().for_each(|studio| metrics.introduce(studio.as_str()));
        }
    }

    /// A scan begins.
    pub(super) fn begins(&self, studio: &StudioId, now: SignedDuration) {
        let mut known = self.lock();
        let studios = known.policy.as_ref().map_or(1, |policy| policy.studios.len());
        self.pulse.scans(studio, studios, now);
        if !std::mem::replace(&mut known.has_begun, true) {
            self.changed.notify_one();
        }
    }

    /// A scan came to its end after so long.
    pub(super) fn scanned(&self, studio: &StudioId, glance: Glance, took: SignedDuration) {
        let outcome = match glance.whole {
            Some(_) => ScanOutcome::Whole,
            None => ScanOutcome::Partial,
        };
        let mut known = self.lock();
        let before = known.studios.get(studio).map(|before| (before.whole, before.to_rescue));
        let (whole, to_rescue) = before.unwrap_or_default();
        // What was not read whole does not say that anything is out of danger.
        let to_rescue = if glance.whole.is_some() { 0 } else { to_rescue };
        let (whole, to_rescue) = (glance.whole.or(whole), glance.to_rescue.max(to_rescue));
        let glance = Glance { whole, to_rescue, ..glance };
        known.studios.insert(studio.clone(), glance);
        drop(known);
        self.count(studio, outcome, took);
    }

    /// A studio was looked at, and what there was to record of it is recorded.
    pub(super) fn attended(&self, studio: &StudioId, now: SignedDuration) {
        self.lock().attended.insert(studio.clone(), now);
    }

    /// How long ago a studio was looked after last; nothing where it was not yet.
    pub(super) fn unattended(&self, studio: &StudioId, now: SignedDuration) -> SignedDuration {
        self.lock().attended.get(studio).map_or(SignedDuration::ZERO, |before| now - *before)
    }

    /// An attempt upon a session ended.
    pub(super) fn attempted(
        &self,
        studio: &StudioId,
        attempt: (&SessionId, Action),
        outcome: &execute::Outcome,
        is_rescue: bool,
    ) {
        let mut known = self.lock();
        let before = known.trouble.of(studio);
        known.trouble.ended(studio, attempt, outcome, is_rescue);
        let is_changed = known.trouble.of(studio) != before;
        drop(known);
        if is_changed {
            self.changed.notify_one();
        }
    }

    /// A studio was planned for anew.
    pub(super) fn planned(&self, studio: &StudioId, plan: &Plan, vain: Vec<Vain>) {
        self.lock().trouble.planned(studio, plan, vain);
    }

    /// A scan could not be recorded; the studio is looked at again then.
    pub(super) fn scan_failed(&self, studio: &StudioId, again: Timestamp, took: SignedDuration) {
        if let Some(glance) = self.lock().studios.get_mut(studio) {
            glance.next_scan = Some(again);
        }
        self.count(studio, ScanOutcome::Failed, took);
    }

    fn count(&self, studio: &StudioId, outcome: ScanOutcome, took: SignedDuration) {
        if let Some(metrics) = &self.metrics {
            metrics.scanned(studio.as_str(), outcome, took);
        }
        self.changed.notify_one();
    }

    /// The policy file was read again.
    pub(super) fn policy_read(&self, outcome: Outcome) {
        if let Some(metrics) = &self.metrics {
            metrics.policy_read(outcome.result());
        }
        self.lock().refused = outcome.refused();
        self.changed.notify_one();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the program is at, in a line; nothing before the first scan has ended.
    pub(super) fn in_words(&self, held: usize) -> Option<String> {
        let known = self.lock();
        let next = known.studios.values().filter_map(|glance| glance.next_scan).min();
        let next = next.filter(|_| !known.studios.is_empty())?;
        let glances = || known.studios.values();
        let sessions: usize = glances().flat_map(|glance| glance.sessions.values()).sum();
        let due: usize = glances().map(|glance| glance.due).sum();
        let next = next.strftime("%Y-%m-%dT%H:%M:%SZ");
        Some(format!("{sessions} sessions, {due} due; {held} studios held; next scan at {next}"))
    }
}

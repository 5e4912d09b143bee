//! One scan of one studio, to its proven end.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Ledger;
use super::news::Missing;
use super::scan::{Arrivals, scan, settle};
use super::studio::{WATCH_FIRST, is_done_already, later, log_outcome, longer, stops};
use crate::execute::{self, Outcome, Workshop};
use crate::ids::SessionId;
use crate::plan::Plan;

/// What one scan of every studio came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Summary {
    /// Sessions decided about.
    pub sessions: usize,
    /// Studios that were held as a whole.
    pub held: usize,
    /// Stops that were proven.
    pub stopped: usize,
    /// Stops that were withheld, in `observe`.
    pub withheld: usize,
    /// Stops that were dropped when the session was read again.
    pub dropped: usize,
    /// Stops that could not be asked for, were refused, or did not arrive.
    pub failed: usize,
    /// Stops that had not arrived when the wait for them ended.
    pub late: usize,
    /// Whether the program was told to end before it was done.
    pub interrupted: bool,
}

impl Summary {
    /// Whether all that was to be done was done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.held == 0 && self.failed == 0 && self.late == 0 && !self.interrupted
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.held += other.held;
        self.stopped += other.stopped;
        self.withheld += other.withheld;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.late += other.late;
    }
}

/// Looks once, acts, and waits until every stop has arrived or is late.
pub(super) async fn once(workshop: Workshop, ledger: Arc<Ledger>) -> Summary {
    let ending = workshop.ending.clone();
    let mut summary = Summary::default();
    // One listing shows of no session that it is gone.
    let mut missing = Missing::default();
    let scanned = match ending.run_until_cancelled(scan(&workshop, &ledger, &mut missing)).await {
        None => return summary,
        Some(Err(error)) => {
            tracing::error!(%error, "nothing was done: the log cannot be written");
            summary.failed += 1;
            return summary;
        }
        Some(Ok(scanned)) => scanned,
    };
    summary.sessions = scanned.plan.decisions.len();
    summary.held = usize::from(scanned.plan.hold.is_some());
    let mut arrivals = Arrivals::default();
    arrivals.add(scanned.arrivals);
    let mut unanswered = Vec::new();
    for (session, outcome) in attempt_all(&workshop, &ledger, &scanned.plan).await {
        let may_arrive = matches!(outcome, Outcome::Accepted | Outcome::Unanswered(_));
        arrivals.pending += usize::from(may_arrive);
        summary.count(&outcome);
        if outcome != Outcome::Accepted && may_arrive {
            unanswered.push(session);
        }
    }
    if ending.run_until_cancelled(wait(&workshop, &ledger, &mut arrivals)).await.is_none() {
        summary.late += arrivals.pending;
    }
    // What had no answer was done all the same where a listing proved it.
    let open = |session: &&SessionId| {
        ledger.with(&workshop.studio.id, |past| {
            past.history.of(session).open.as_ref().is_some_and(|intent| !intent.late)
        })
    };
    summary.failed += unanswered.iter().filter(open).count();
    summary.stopped += arrivals.proven;
    summary.failed += arrivals.failed;
    summary.late += arrivals.late;
    summary
}

async fn attempt_all(
    workshop: &Workshop,
    ledger: &Ledger,
    plan: &Plan,
) -> Vec<(SessionId, Outcome)> {
    let attempt = async |decision: &crate::plan::Decision| {
        let past = ledger.with(&plan.studio, |past| past.history.of(&decision.session).clone());
        if is_done_already(decision, &past) {
            return None;
        }
        let outcome = execute::stop(workshop, decision, &past).await;
        log_outcome(workshop.studio.label(), &decision.session, &outcome);
        Some((decision.session.clone(), outcome))
    };
    let attempts: FuturesUnordered<_> = stops(plan).map(attempt).collect();
    attempts.collect::<Vec<_>>().await.into_iter().flatten().collect()
}

/// Lists again until nothing that was asked for is pending.
async fn wait(workshop: &Workshop, ledger: &Ledger, arrivals: &mut Arrivals) {
    let mut pause = WATCH_FIRST;
    while arrivals.pending > 0 {
        workshop.clock.sleep_until(later(workshop.clock.now(), pause)).await;
        pause = longer(pause);
        let snapshot = workshop.provider.observe().await;
        match settle(workshop, ledger, &snapshot).await {
            Ok(more) => arrivals.add(more),
            Err(error) => {
                tracing::error!(%error, "the wait for stops ended: the log cannot be written");
                arrivals.late += arrivals.pending;
                return;
            }
        }
    }
}

impl Summary {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Withheld => self.withheld += 1,
            Outcome::Dropped(_) => self.dropped += 1,
            // The listing tells what became of these.
            Outcome::Accepted | Outcome::Unanswered(_) | Outcome::Ending => {}
            Outcome::Withdrawn
            | Outcome::Unread(_)
            | Outcome::Rejected(_)
            | Outcome::Unrecorded(_) => self.failed += 1,
        }
    }
}

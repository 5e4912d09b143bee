//! One scan of one studio, to its proven end.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Ledger;
use super::asking::Asking;
use super::scan::{Arrivals, Memory, Scan, Unrecorded, scan, settle};
use super::singly::look_at;
use super::studio::{InFlight, WATCH_FIRST, is_held, longer};
use super::tasks::{is_done_already, log_mark, log_outcome, rests_until};
use crate::audit::record::JournalError;
use crate::execute::{Mark, Order, Outcome, Workshop, attempt, mark, marks, orders};
use crate::ids::SessionId;
use crate::inventory::Snapshot;
use crate::plan::{self, Action, Decision, Reason, Verdict};
use crate::policy::Mode;
use crate::veto::Vetoes;

/// What one scan of every studio came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Summary {
    /// Sessions decided about.
    pub sessions: usize,
    /// Studios that were held, as a whole or by the brake.
    pub held: usize,
    /// Stops that were proven.
    pub stopped: usize,
    /// Starts that were proven.
    pub started: usize,
    /// Stops and starts that were withheld, in `observe`.
    pub withheld: usize,
    /// Those that were dropped when the session was read again.
    pub dropped: usize,
    /// Those that could not be asked for, were refused, or did not arrive.
    pub failed: usize,
    /// Those that were refused or failed before, and rest until they are asked for again.
    pub resting: usize,
    /// Those of which a veto that is to be asked had not been when all that was asked had answered.
    pub unasked: usize,
    /// Those that are due, and were only warned: another run stops them.
    pub warned: usize,
    /// Those that had not arrived when the wait for them ended.
    pub late: usize,
    /// Whether the program was told to end before it was done.
    pub interrupted: bool,
}

impl Summary {
    /// Whether all that was to be done was done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let undone = self.held + self.failed + self.resting + self.unasked + self.late;
        undone == 0 && !self.interrupted
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.held += other.held;
        self.stopped += other.stopped;
        self.started += other.started;
        self.withheld += other.withheld;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.resting += other.resting;
        self.unasked += other.unasked;
        self.warned += other.warned;
        self.late += other.late;
    }
}

/// Looks once, asks who has a veto, acts, and waits until every stop and start has arrived or is late.
pub(super) async fn once(
    workshop: Workshop,
    ledger: Arc<Ledger>,
    vetoes: Arc<dyn Vetoes>,
) -> Summary {
    let ending = workshop.ending.clone();
    let mut summary = Summary::default();
    let mut arrivals = Arrivals::default();
    let mut memory = Memory::default();
    let looked = look(&workshop, &ledger, Asking::new(vetoes), &mut memory, &mut arrivals);
    let mut scanned = match ending.run_until_cancelled(looked).await {
        None => return summary,
        Some(Err(Unrecorded { error, scan })) => {
            tracing::error!(%error, "nothing was done: the log cannot be written");
            summary.failed += 1;
            // There may be room for less.
            if let Some(scan) = scan {
                let (rescues, _) = attempt_all(&workshop, &ledger, &scan, Order::is_rescue).await;
                rescues.iter().for_each(|(.., outcome)| summary.count(outcome));
            }
            return summary;
        }
        Some(Ok(scanned)) => scanned,
    };
    summary.sessions = scanned.plan.decisions.len();
    summary.held = usize::from(is_held(&scanned.plan));
    summary.warned = warned(&scanned);
    let decisions = scanned.plan.decisions.iter();
    summary.unasked = decisions.filter(|decision| decision.reason.is_unasked()).count();
    let mut unanswered = Vec::new();
    let (attempts, resting) = attempt_all(&workshop, &ledger, &scanned, |_| true).await;
    summary.resting = resting;
    for (session, action, outcome) in attempts {
        let may_arrive = matches!(outcome, Outcome::Accepted | Outcome::Unanswered(_));
        arrivals.pending += usize::from(may_arrive);
        summary.count(&outcome);
        if outcome != Outcome::Accepted && may_arrive {
            unanswered.push((session, action));
        }
    }
    let waited = wait(&workshop, &ledger, &mut arrivals, &mut scanned.snapshot);
    let _ = ending.run_until_cancelled(waited).await;
    mark_all(&workshop, &ledger, &scanned.snapshot).await;
    let confirmed = confirm_missing(&workshop, &ledger, &mut memory, &mut arrivals);
    match ending.run_until_cancelled(confirmed).await {
        None | Some(Ok(())) => {}
        Some(Err(error)) => {
            tracing::error!(%error, "that sessions are gone could not be recorded");
            summary.failed += 1;
        }
    }
    // What had no answer was done all the same where a listing proved it.
    let open = |(session, action): &&(SessionId, Action)| {
        ledger.with(&workshop.studio.id, |past| {
            past.history.of(session).open_intent(*action).is_some_and(|intent| !intent.late)
        })
    };
    summary.failed += unanswered.iter().filter(open).count();
    summary.stopped += arrivals.stopped;
    summary.started += arrivals.started;
    summary.failed += arrivals.failed;
    // What is pending when nobody waits any more, since the program is to end or the log cannot be written.
    summary.late += arrivals.late + arrivals.pending;
    summary
}

/// How many are due, and are only warned.
fn warned(Scan { plan, .. }: &Scan) -> usize {
    let is_warned = |decision: &&Arc<Decision>| {
        let is_due = decision.due.is_some_and(|due| due <= plan.at);
        is_due && decision.mode == Mode::Enforce && decision.verdict() == Verdict::Warn
    };
    plan.decisions.iter().filter(is_warned).count()
}

/// One scan, and another one where vetoes had to be asked first: the stops follow from their answers.
async fn look(
    workshop: &Workshop,
    ledger: &Arc<Ledger>,
    mut asking: Asking,
    memory: &mut Memory,
    arrivals: &mut Arrivals,
) -> Result<Scan, Unrecorded> {
    let mut scanned = scan(workshop, ledger, memory).await?;
    arrivals.add(scanned.arrivals);
    asking.begin(workshop, ledger, &scanned, &InFlight::default());
    if asking.finish().await {
        scanned = scan(workshop, ledger, memory).await?;
        arrivals.add(scanned.arrivals);
    }
    Ok(scanned)
}

/// Looks again where sessions are missing, once that can show that they are gone: one listing does not, and
/// who looks once and again would never know it. What is due by then is left to the next time.
async fn confirm_missing(
    workshop: &Workshop,
    ledger: &Ledger,
    memory: &mut Memory,
    arrivals: &mut Arrivals,
) -> Result<(), JournalError> {
    let Some(wait) = memory.missing.confirmed_after(workshop.clock.now()) else { return Ok(()) };
    workshop.clock.sleep(wait).await;
    let scanned = scan(workshop, ledger, memory).await.map_err(|unrecorded| unrecorded.error)?;
    arrivals.add(scanned.arrivals);
    Ok(())
}

/// Attempts what does not rest. Answers with what came of it, and with how many do rest: whoever looks
/// once and again must not make a call each time that cannot succeed.
async fn attempt_all(
    workshop: &Workshop,
    ledger: &Ledger,
    Scan { plan, snapshot, .. }: &Scan,
    is_made: impl Fn(&Order) -> bool,
) -> (Vec<(SessionId, Action, Outcome)>, usize) {
    let attempt = async |order: Order| {
        let outcome = attempt(workshop, &order).await;
        let session = order.decision.session.clone();
        log_outcome(workshop.studio.label(), &session, order.action, &outcome);
        (session, order.action, outcome)
    };
    let mut resting = 0;
    let attempts = FuturesUnordered::new();
    for order in orders(plan, snapshot).filter(is_made) {
        let session = &order.decision.session;
        let past = ledger.with(&plan.studio, |past| past.history.of(session).clone());
        if let Some(until) = rests_until(&order, &past).filter(|until| *until > plan.at) {
            let (studio, action) = (workshop.studio.label(), order.action);
            tracing::warn!(studio, %session, %until, "the {action} came to nothing before, and rests");
            resting += 1;
        } else if !is_done_already(&order, &past) {
            attempts.push(attempt(order));
        }
    }
    (attempts.collect().await, resting)
}

/// Marks the stops that have been proven by now, in the studio as it was seen last.
async fn mark_all(workshop: &Workshop, ledger: &Ledger, snapshot: &Snapshot) {
    let now = workshop.clock.now();
    let plan = ledger.with(&workshop.studio.id, |past| {
        plan::plan(&workshop.policy, &workshop.studio, snapshot, &past.history, now)
    });
    for (session, stopped_at) in marks(&plan, snapshot) {
        let marked = mark(workshop, session, stopped_at).await;
        log_mark(workshop.studio.label(), &session.id, &marked);
        if matches!(marked, Mark::Unrecorded(_) | Mark::Ending | Mark::Held) {
            return;
        }
    }
}

/// Lists again until nothing that was asked for is pending; `snapshot` is what was seen last.
async fn wait(
    workshop: &Workshop,
    ledger: &Ledger,
    arrivals: &mut Arrivals,
    snapshot: &mut Snapshot,
) {
    let mut pause = WATCH_FIRST;
    while arrivals.pending > 0 {
        workshop.clock.sleep(pause).await;
        pause = longer(pause);
        *snapshot = look_at(workshop, ledger).await;
        match settle(workshop, ledger, snapshot).await {
            Ok(more) => arrivals.add(more),
            Err(error) => {
                tracing::error!(%error, "the wait for arrivals ended: the log cannot be written");
                return;
            }
        }
    }
}

impl Summary {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Withheld => self.withheld += 1,
            // Whoever planned it had read more.
            Outcome::Dropped(decision)
                if matches!(
                    decision.reason,
                    Reason::ProfileUnknown | Reason::RuleUnclear { .. }
                ) =>
            {
                self.failed += 1;
            }
            Outcome::Dropped(decision) => {
                self.dropped += 1;
                // A person, or the hour's brake, was quicker than the plan.
                self.held = self.held.max(usize::from(decision.verdict() == Verdict::Hold));
            }
            // The listing tells what became of these.
            Outcome::Accepted | Outcome::Unanswered(_) | Outcome::Ending => {}
            Outcome::Withdrawn
            | Outcome::Unread(_)
            | Outcome::Rejected(_)
            | Outcome::Unrecorded(_)
            | Outcome::Broken => self.failed += 1,
        }
    }
}

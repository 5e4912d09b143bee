//! One look at one studio: what is seen, what is decided, and what of it is new.

use super::Ledger;
use super::news::{Missing, commit, record_news};
use crate::audit::record::{Data, JournalError, Kind, Record};
use crate::execute::{Arrival, Workshop, arrival, seen_data, session_subject, unseen};
use crate::ids::SessionId;
use crate::inventory::{Session, SessionState, Snapshot, Transition};
use crate::plan::{History, OpenIntent, Plan, Reason, hold_of, plan};

/// What a scan came to.
#[derive(Debug)]
pub(super) struct Scan {
    /// The decisions.
    pub(super) plan: Plan,
    /// Stops that failed to arrive, or are late, found in this scan.
    pub(super) arrivals: Arrivals,
}

/// What became of stops that were asked for earlier.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Arrivals {
    pub(super) proven: usize,
    pub(super) failed: usize,
    pub(super) late: usize,
    /// Still to be waited for.
    pub(super) pending: usize,
}

/// Reads the studio, records what has arrived and what is decided anew, and answers with the plan.
/// Without an error everything in it is on disk, and only then may it be acted upon.
pub(super) async fn scan(
    workshop: &Workshop,
    ledger: &Ledger,
    missing: &mut Missing,
) -> Result<Scan, JournalError> {
    let snapshot = workshop.provider.observe().await;
    let arrivals = settle(workshop, ledger, &snapshot).await?;
    let now = workshop.clock.now();
    let plan = ledger.with(&workshop.studio.id, |past| {
        plan(&workshop.policy, &workshop.studio, &snapshot, &past.history, now)
    });
    record_news(workshop, ledger, &snapshot, &plan, missing).await?;
    Ok(Scan { plan, arrivals })
}

/// Records what became of the stops that were asked for.
pub(super) async fn settle(
    workshop: &Workshop,
    ledger: &Ledger,
    snapshot: &Snapshot,
) -> Result<Arrivals, JournalError> {
    let now = workshop.clock.now();
    let hold = hold_of(&workshop.studio, snapshot, now);
    // What is seen in another studio than ours proves nothing here.
    let is_foreign = hold.as_ref().is_some_and(|reason| !is_incomplete(reason));
    let open = ledger.with(&workshop.studio.id, |past| open_intents(&past.history));
    let mut arrivals = Arrivals::default();
    let mut records = Vec::new();
    for (id, intent) in open {
        let session = snapshot.sessions.get(&id).filter(|_| !is_foreign);
        // Not seen is not gone while the listing is not whole.
        let is_hidden = session.is_none() && hold.is_some();
        let arrival = if is_hidden { unseen(&intent, now) } else { arrival(&intent, session, now) };
        let (kind, stopped_at) = match arrival {
            Arrival::Proven(stopped_at) => (Kind::StopProven, stopped_at),
            Arrival::Failed => (Kind::StopFailed, None),
            Arrival::Late => (Kind::StopLate, None),
            Arrival::Lapsed => (Kind::StopLapsed, None),
            Arrival::Pending => {
                arrivals.pending +=
                    usize::from(intent.accepted || session.is_some_and(is_stopping));
                continue;
            }
        };
        arrivals.count(arrival);
        if arrival == Arrival::Late && intent.late {
            continue;
        }
        let mut seen = session.map(seen_data).unwrap_or_default();
        seen.started_at = Some(intent.run);
        let data = Data {
            studio: Some(workshop.studio.id.to_string()),
            session: Some(id.to_string()),
            policy: Some(workshop.policy.hash.to_string()),
            client_token: Some(intent.token),
            state_after: Some(session.map_or("(gone)".to_owned(), |s| s.state.to_string())),
            stopped_at,
            seen: Some(seen),
            ..Data::default()
        };
        let subject = session_subject(&workshop.studio.id, &id);
        records.push(Record { time: now, kind, subject, data });
    }
    commit(workshop, ledger, records).await?;
    Ok(arrivals)
}

impl Arrivals {
    fn count(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Proven(_) => self.proven += 1,
            Arrival::Failed | Arrival::Lapsed => self.failed += 1,
            Arrival::Late => self.late += 1,
            Arrival::Pending => self.pending += 1,
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.proven += other.proven;
        self.failed += other.failed;
        // Each look counts these afresh.
        self.late = other.late;
        self.pending = other.pending;
    }
}

/// Whether a hold is for want of a part, so that what was seen is nevertheless true.
fn is_incomplete(reason: &Reason) -> bool {
    matches!(reason, Reason::ListingIncomplete { .. })
}

/// Whether something is under way, even if the answer to the call that began it was lost.
fn is_stopping(session: &Session) -> bool {
    session.state == SessionState::Transitional(Transition::Stop)
}

fn open_intents(history: &History) -> Vec<(SessionId, OpenIntent)> {
    let open = |(id, session): (&SessionId, &crate::plan::SessionHistory)| {
        session.open.clone().map(|intent| (id.clone(), intent))
    };
    history.sessions.iter().filter_map(open).collect()
}

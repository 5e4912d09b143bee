//! One look at one studio: what is seen, what is decided, and what of it is new.

use std::sync::Arc;

use jiff::Timestamp;

use super::Ledger;
use super::clocks::{clocks_news, compare_clocks, has_jumped};
use super::news::{Missing, Told, commit, record_news};
use super::singly::look_at;
use crate::audit::record::{Data, Deed, JournalError, Record, Stage};
use crate::execute::{Arrival, Known, Workshop, arrival, seen_data, session_subject, unseen};
use crate::ids::SessionId;
use crate::inventory::{Session, SessionState, Snapshot, Transition};
use crate::plan::{
    Action, History, OpenIntent, Plan, Precedents, Reason, SessionHistory, hold_of, plan,
    plan_again,
};

/// What a scan came to.
#[derive(Debug)]
pub(super) struct Scan {
    /// The decisions.
    pub(super) plan: Plan,
    /// What they are about.
    pub(super) snapshot: Snapshot,
    /// What became, until this scan, of what was asked for earlier.
    pub(super) arrivals: Arrivals,
    /// The edition of the log that it rests on, where it had nothing to record and nothing is waited for.
    rests_on: Option<u64>,
}

/// What became of stops and starts that were asked for earlier.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Arrivals {
    pub(super) stopped: usize,
    pub(super) started: usize,
    pub(super) failed: usize,
    pub(super) late: usize,
    /// Still to be waited for.
    pub(super) pending: usize,
}

/// What is remembered from one look at a studio to the next. The log knows all that matters of it.
#[derive(Debug, Default)]
pub(super) struct Memory {
    precedents: Precedents,
    pub(super) told: Told,
    pub(super) missing: Missing,
    /// The last one, which most are the same as.
    pub(super) last: Option<Scan>,
}

/// A scan of which not all could be recorded.
#[derive(Debug)]
pub(super) struct Unrecorded {
    pub(super) error: JournalError,
    /// What was planned all the same. Nothing of it may be done but what saves work, which is recorded by itself.
    pub(super) scan: Option<Box<Scan>>,
}

impl From<JournalError> for Unrecorded {
    fn from(error: JournalError) -> Self {
        Self { error, scan: None }
    }
}

/// Reads the studio, records what has arrived and what is decided anew, and answers with the plan.
/// Without an error everything in it is on disk, and only then may it be acted upon.
pub(super) async fn scan(
    workshop: &Workshop,
    ledger: &Ledger,
    memory: &mut Memory,
) -> Result<Scan, Unrecorded> {
    let snapshot = look_at(workshop, ledger).await;
    let last = memory.last.take();
    let now = ledger.time(workshop.clock.as_ref()).await?;
    let precedents = &memory.precedents;
    let stands = |last: &Scan| last.stands(ledger, workshop, precedents, &snapshot, now);
    if let Some(last) = last.filter(stands) {
        let plan = Plan { at: now, ..last.plan };
        // What is the same is not kept twice.
        let Snapshot { began, clock_ahead, .. } = snapshot;
        let snapshot = Snapshot { began, clock_ahead, ..last.snapshot };
        return Ok(Scan { plan, snapshot, arrivals: Arrivals::default(), ..last });
    }
    let settled = match compare_clocks(workshop, ledger, &snapshot).await {
        Ok(()) => settle(workshop, ledger, &snapshot).await,
        Err(error) => Err(error),
    };
    let now = ledger.time(workshop.clock.as_ref()).await?;
    let edition = ledger.edition();
    let plan = ledger.with(&workshop.studio.id, |past| {
        let Workshop { policy, studio, .. } = workshop;
        plan_again(policy, studio, &snapshot, &past.history, now, &mut memory.precedents)
    });
    let recorded = match settled {
        Ok(arrivals) => {
            record_news(workshop, ledger, &snapshot, &plan, memory).await.map(|()| arrivals)
        }
        Err(error) => Err(error),
    };
    let arrivals = match recorded {
        Ok(arrivals) => arrivals,
        Err(error) => {
            let scan = Scan { plan, snapshot, arrivals: Arrivals::default(), rests_on: None };
            return Err(Unrecorded { error, scan: Some(Box::new(scan)) });
        }
    };
    let awaits = ledger.with(&workshop.studio.id, |past| awaits_any(&past.history));
    let is_quiet = ledger.edition() == edition && !awaits && memory.missing.is_empty();
    Ok(Scan { plan, snapshot, arrivals, rests_on: is_quiet.then_some(edition) })
}

impl Scan {
    /// Whether another look at the studio comes to the same, and has nothing to record either. A debug build
    /// looks all the same, and compares.
    fn stands(
        &self,
        ledger: &Ledger,
        workshop: &Workshop,
        precedents: &Precedents,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> bool {
        let is_same = self.rests_on == Some(ledger.edition())
            && self.snapshot.shows_what(snapshot)
            && clocks_news(workshop, ledger, snapshot, now).is_none();
        let Workshop { policy, studio, .. } = workshop;
        is_same
            && ledger.with(&studio.id, |past| {
                let stands = precedents.stand(&self.plan, snapshot, &past.history, now);
                debug_assert!(
                    !stands
                        || plan(policy, studio, snapshot, &past.history, now)
                            == Plan { at: now, ..self.plan.clone() },
                    "a plan of {} stands that would be another",
                    self.plan.at
                );
                stands
            })
    }
}

/// Records what became of the stops and starts that were asked for.
pub(super) async fn settle(
    workshop: &Workshop,
    ledger: &Ledger,
    snapshot: &Snapshot,
) -> Result<Arrivals, JournalError> {
    let now = ledger.time(workshop.clock.as_ref()).await?;
    let (hold, has_jumped, open, us, clock_behind) = ledger.with(&workshop.studio.id, |past| {
        let open = open_intents(&past.history);
        let hold = || hold_of(&workshop.studio, snapshot, &past.history, now);
        let hold = if open.is_empty() { None } else { hold() };
        let clock_behind = past.history.clock_behind.unwrap_or_default();
        (hold, has_jumped(&past.history, now), open, past.us.clone(), clock_behind)
    });
    // What is seen in another studio than ours proves nothing here.
    let is_foreign = hold.as_ref().is_some_and(|reason| !shows_what_is(reason));
    let known = Known { us: us.as_deref(), clock_behind };
    let mut arrivals = Arrivals::default();
    let mut records = Vec::new();
    for Open { id, action, intent } in open {
        let session = snapshot.sessions.get(&id).map(Arc::as_ref).filter(|_| !is_foreign);
        // Not seen is not gone while the listing is not whole, or lacks too many.
        let is_hidden = session.is_none() && hold.is_some();
        let arrival = if is_hidden {
            unseen(action, &intent, now)
        } else {
            arrival(action, &intent, session, known, now)
        };
        // How long it has been waited for is in doubt as well; what was proven is proven.
        let is_told = !has_jumped || matches!(arrival, Arrival::Proven(_));
        let arrival = if is_told { arrival } else { Arrival::Pending };
        arrivals.count(action, arrival, &intent, session);
        let Some(stage) = stage(arrival).filter(|stage| *stage != Stage::Late || !intent.late)
        else {
            continue;
        };
        let kind = Deed { action, stage }.kind();
        let subject = session_subject(&workshop.studio.id, &id);
        let data = arrived(workshop, id, action, intent, session, arrival);
        records.push(Record { time: now, kind, subject, data });
    }
    commit(workshop, ledger, records).await?;
    Ok(arrivals)
}

/// What a listing showed of an action, for its record.
fn arrived(
    workshop: &Workshop,
    id: SessionId,
    action: Action,
    intent: OpenIntent,
    session: Option<&Session>,
    arrival: Arrival,
) -> Data {
    let mut seen = session.map(seen_data).unwrap_or_default();
    let stopped_at = match (action, arrival) {
        (Action::Stop, Arrival::Proven(stopped_at)) => stopped_at,
        (Action::Stop, Arrival::Failed | Arrival::Pending | Arrival::Late | Arrival::Lapsed) => {
            None
        }
        (Action::Start, _) => Some(intent.run),
    };
    let started_by = match action {
        // The run that it is about, which may be over.
        Action::Stop => {
            seen.started_at = Some(intent.run);
            None
        }
        // The run that it led to, where there is one.
        Action::Start => session.and_then(|session| session.started_by.clone()),
    };
    Data {
        studio: Some(workshop.studio.id.to_string()),
        session: Some(id.to_string()),
        policy: Some(workshop.policy.hash.to_string()),
        client_token: Some(intent.token),
        state_after: Some(session.map_or("(gone)".to_owned(), |s| s.state.to_string())),
        stopped_at,
        started_by,
        seen: Some(seen),
        ..Data::default()
    }
}

/// What there is to record of an arrival: of what is still waited for, nothing.
fn stage(arrival: Arrival) -> Option<Stage> {
    match arrival {
        Arrival::Proven(_) => Some(Stage::Proven),
        Arrival::Failed => Some(Stage::Failed),
        Arrival::Late => Some(Stage::Late),
        Arrival::Lapsed => Some(Stage::Lapsed),
        Arrival::Pending => None,
    }
}

impl Arrivals {
    fn count(
        &mut self,
        action: Action,
        arrival: Arrival,
        intent: &OpenIntent,
        session: Option<&Session>,
    ) {
        match (arrival, action) {
            (Arrival::Proven(_), Action::Stop) => self.stopped += 1,
            (Arrival::Proven(_), Action::Start) => self.started += 1,
            (Arrival::Failed | Arrival::Lapsed, _) => self.failed += 1,
            (Arrival::Late, _) => self.late += 1,
            (Arrival::Pending, _) => {
                let is_under_way =
                    intent.accepted || session.is_some_and(|session| is_moving(session, action));
                self.pending += usize::from(is_under_way);
            }
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.stopped += other.stopped;
        self.started += other.started;
        self.failed += other.failed;
        // Each look counts these afresh.
        self.late = other.late;
        self.pending = other.pending;
    }
}

/// Whether what was seen is true nevertheless: a hold may be for want of a part, or about the time.
fn shows_what_is(reason: &Reason) -> bool {
    // All other holds are about what is to be done, not about whose studio it is.
    !matches!(
        reason,
        Reason::AccountMismatch { .. }
            | Reason::AccountUnknown { .. }
            | Reason::ClockInDoubt { .. }
    )
}

/// Whether something is under way, even if the answer to the call that began it was lost.
fn is_moving(session: &Session, action: Action) -> bool {
    let transition = match action {
        Action::Stop => Transition::Stop,
        Action::Start => Transition::Start,
    };
    session.state == SessionState::Transitional(transition)
}

/// Something that was asked for and whose end is not known.
struct Open {
    id: SessionId,
    action: Action,
    intent: OpenIntent,
}

fn open_intents(history: &History) -> Vec<Open> {
    let of_session = |(id, past): (&SessionId, &SessionHistory)| {
        let open = |action: &Action| {
            let intent = past.open_intent(*action)?.clone();
            Some(Open { id: id.clone(), action: *action, intent })
        };
        Action::ALL.iter().filter_map(open).collect::<Vec<_>>()
    };
    let is_open = |(_, past): &(&SessionId, &SessionHistory)| is_open(past);
    history.sessions.iter().filter(is_open).flat_map(of_session).collect()
}

/// Whether anything was asked for whose end is not known.
fn awaits_any(history: &History) -> bool {
    history.sessions.values().any(is_open)
}

fn is_open(past: &SessionHistory) -> bool {
    Action::ALL.iter().any(|action| past.open_intent(*action).is_some())
}

//! What a scan says that the log does not say yet.
//!
//! A decision is recorded when it is another than the last one, a hold when it begins, changes or
//! ends, a session's end when whole listings lack it that begin a minute apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Ledger;
use super::scan::Memory;
use super::studio_news::studio_news;
use crate::audit::record::{Data, Deed, Journal, JournalError, Kind, Record, Stage};
use crate::audit::replay::{Fingerprint, StudioPast};
use crate::execute::{Workshop, seen_data, session_subject};
use crate::ids::SessionId;
use crate::inventory::Snapshot;
use crate::plan::{Action, CONFIRMED_AFTER, Decision, Plan, Reason, Verdict, VetoSays, lacking};

/// How many records are gathered before they are committed: it bounds the memory they take.
const RECORDS_PER_COMMIT: usize = 500;

/// How long after its instant a warning is out, at the latest, to count from then.
const OUT_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// The code of a start that was not made in its time.
const EXPIRED: &str = "start_expired";

/// The sessions that whole listings lack, and since when. A row can be missed when it moves from one page
/// to another while both are read; what listings lack that are a while apart is gone, unless something
/// that was asked of it has not ended.
#[derive(Debug, Default)]
pub(super) struct Missing(BTreeMap<SessionId, Timestamp>);

impl Missing {
    /// Whether none is.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long after this instant another listing may show that they are gone; nothing where none is
    /// missing.
    pub(super) fn confirmed_after(&self, now: Timestamp) -> Option<SignedDuration> {
        let latest = self.0.values().max()?;
        let left = CONFIRMED_AFTER - latest.duration_until(now);
        Some(left.clamp(SignedDuration::ZERO, CONFIRMED_AFTER))
    }

    /// The sessions that are gone, now that there is another whole listing.
    fn gone(&mut self, past: &StudioPast, snapshot: &Snapshot) -> BTreeSet<SessionId> {
        let began = snapshot.began;
        let lacking = lacking(past.decisions.keys(), snapshot.sessions.keys());
        let since = |id: &SessionId| self.0.get(id).copied().unwrap_or(began).min(began);
        self.0 = lacking.map(|id| (id.clone(), since(id))).collect();
        let is_gone = |(id, since): &(&SessionId, &Timestamp)| {
            let past = past.history.of(id);
            let is_open = Action::ALL.iter().any(|action| past.open_intent(*action).is_some());
            since.duration_until(began) >= CONFIRMED_AFTER && !is_open
        };
        self.0.iter().filter(is_gone).map(|(id, _)| id.clone()).collect()
    }
}

/// What the decisions of the last plan say in short: most are those of this one.
#[derive(Debug, Default)]
pub(super) struct Told(Vec<(Arc<Decision>, Option<Timestamp>, Fingerprint)>);

impl Told {
    /// What the decisions of a plan say in short, in its order.
    fn of(&mut self, plan: &Plan, snapshot: &Snapshot) {
        let mut before = std::mem::take(&mut self.0).into_iter().peekable();
        let mut sessions = snapshot.sessions.values();
        let say = |decision: &Arc<Decision>| {
            while before.next_if(|(other, ..)| other.session < decision.session).is_some() {}
            // There is one decision for each session, in the same order.
            let session = sessions.next();
            let run = || session.and_then(|session| session.start());
            // The very same decision is about the same run.
            let is_same = |(other, of, _): &(Arc<Decision>, Option<Timestamp>, Fingerprint)| {
                Arc::ptr_eq(other, decision) || (other == decision && *of == run())
            };
            before.next_if(is_same).unwrap_or_else(|| {
                let says = Fingerprint::of_decision(decision, run());
                (Arc::clone(decision), run(), says)
            })
        };
        self.0 = plan.decisions.iter().map(say).collect();
    }
}

/// Records what a plan says that the log does not say yet: in parts, since the first scan of a large
/// studio has news of every session.
pub(super) async fn record_news(
    workshop: &Workshop,
    ledger: &Ledger,
    snapshot: &Snapshot,
    plan: &Plan,
    memory: &mut Memory,
) -> Result<(), JournalError> {
    let studio = &workshop.studio.id;
    let mut records = ledger.with(studio, |past| studio_news(workshop, snapshot, plan, past));
    memory.told.of(plan, snapshot);
    for decisions in memory.told.0.chunks(RECORDS_PER_COMMIT) {
        ledger.with(studio, |past| {
            // Both are in the order of the sessions: one walk, since it is asked of every scan.
            let first = decisions.first().map(|(decision, ..)| &decision.session);
            let known = first.map(|first| past.decisions.range(first..));
            let mut known = known.into_iter().flatten().peekable();
            for (decision, _, says) in decisions {
                while known.next_if(|(id, _)| **id < decision.session).is_some() {}
                let said = known.next_if(|(id, _)| **id == decision.session);
                let is_new = said.is_none_or(|(_, said)| said != says);
                records.extend(decision_news(workshop, snapshot, plan.at, decision, is_new));
            }
        });
        if records.len() >= RECORDS_PER_COMMIT {
            commit(workshop, ledger, std::mem::take(&mut records)).await?;
        }
    }
    if plan.hold.is_none() {
        let gone = ledger.with(studio, |past| memory.missing.gone(past, snapshot));
        records.extend(gone.iter().map(|id| vanished(workshop, id, plan.at)));
    }
    commit(workshop, ledger, records).await
}

pub(super) async fn commit(
    workshop: &Workshop,
    ledger: &Ledger,
    records: Vec<Record>,
) -> Result<(), JournalError> {
    log_news(workshop, &records);
    let began = workshop.clock.monotonic();
    let records = ledger.commit(records).await?;
    if workshop.clock.monotonic() - began < OUT_WITHIN {
        return Ok(());
    }
    // Nobody could hear it before it was out: by the disk's fault nobody has less time.
    let now = ledger.time(workshop.clock.as_ref()).await?;
    let warnings = records.into_iter().filter(|record| record.kind == Kind::WarningGiven);
    let again = warnings.map(|record| Record { time: now, ..record }).collect();
    ledger.commit(again).await.map(drop)
}

/// The decision, if it is another than before, and what it announces, if it does.
fn decision_news(
    workshop: &Workshop,
    snapshot: &Snapshot,
    time: Timestamp,
    decision: &Decision,
    is_new: bool,
) -> Vec<Record> {
    let announced = announced(decision);
    if !is_new && announced.is_none() {
        return Vec::new();
    }
    let seen = snapshot.sessions.get(&decision.session).map(|session| seen_data(session));
    let data = Data {
        studio: Some(workshop.studio.id.to_string()),
        policy: Some(workshop.policy.hash.to_string()),
        seen,
        ..Data::from(decision)
    };
    let subject = session_subject(&workshop.studio.id, &decision.session);
    let record = |kind, data| Record { time, kind, subject: subject.clone(), data };
    let announced = announced.map(|Announced { kind, leads, until }| {
        record(kind, Data { leads: Some(leads), until, ..data.clone() })
    });
    let decided = is_new.then(|| record(Kind::SessionDecided, data));
    decided.into_iter().chain(announced).collect()
}

/// What a decision announces.
struct Announced {
    kind: Kind,
    leads: Vec<i64>,
    until: Option<Timestamp>,
}

fn announced(decision: &Decision) -> Option<Announced> {
    match &decision.reason {
        Reason::Warning { announcement, .. } => {
            let leads = announcement.leads.iter().map(jiff::SignedDuration::as_secs).collect();
            Some(Announced { kind: Kind::WarningGiven, leads, until: None })
        }
        Reason::KeepEnding { until, lead } => {
            let (leads, until) = (vec![lead.as_secs()], Some(*until));
            Some(Announced { kind: Kind::KeepReminded, leads, until })
        }
        _ => None,
    }
}

fn vanished(workshop: &Workshop, session: &SessionId, now: Timestamp) -> Record {
    let data = Data {
        studio: Some(workshop.studio.id.to_string()),
        session: Some(session.to_string()),
        ..Data::default()
    };
    let subject = session_subject(&workshop.studio.id, session);
    Record { time: now, kind: Kind::SessionVanished, subject, data }
}

/// Says on the debug log what a person may want to see at once.
fn log_news(workshop: &Workshop, records: &[Record]) {
    let studio = workshop.studio.label();
    for Record { kind, data, .. } in records {
        let session = data.session.as_deref().unwrap_or_default();
        let reason = data.reason.as_ref();
        let why = reason.map_or("", |reason| reason.text.as_str());
        match kind {
            Kind::StudioHeld => tracing::warn!(studio, why, "the studio is held"),
            Kind::StudioResumed => tracing::info!(studio, "the studio is held no longer"),
            Kind::StudioUnattended => tracing::warn!(
                studio,
                "the studio is looked after again, and whoever was warned before is warned anew"
            ),
            Kind::BrakeEngaged => tracing::warn!(studio, why, "no stop passes the brake"),
            Kind::InventoryConfirmed => tracing::info!(studio, why, "the listing is confirmed"),
            Kind::ClockCompared => tracing::warn!(studio, why, "the service tells its time"),
            Kind::WarningGiven => tracing::info!(studio, session, why, "warned"),
            Kind::KeepReminded => tracing::info!(studio, session, why, "a keep ends soon"),
            Kind::VetoAnswered => log_answer(studio, session, data),
            Kind::SessionDecided if reason.is_some_and(|reason| reason.code == EXPIRED) => {
                tracing::warn!(studio, session, why, "it was not started in time");
            }
            // What holds a studio was said once, of all its sessions.
            Kind::SessionDecided if reason.is_some_and(|reason| reason.alarm) && !is_held(data) => {
                tracing::warn!(studio, session, why, "look at this");
            }
            _ => match kind.deed() {
                Some(deed) => log_deed(studio, session, deed, data),
                None => tracing::debug!(studio, session, why, "{kind}"),
            },
        }
    }
}

fn is_held(data: &Data) -> bool {
    data.verdict.as_ref().is_some_and(|verdict| *verdict == Verdict::Hold.to_string())
}

/// Says on the debug log what a veto said.
fn log_answer(studio: &str, session: &str, data: &Data) {
    let Some(veto) = &data.veto else { return };
    let (name, says) = (veto.name.as_str(), veto.says());
    match says {
        VetoSays::Clear => tracing::debug!(studio, session, veto = name, "not busy"),
        VetoSays::Busy { words } => tracing::info!(studio, session, veto = name, words, "busy"),
        VetoSays::Failed { words } => {
            tracing::warn!(studio, session, veto = name, words, "a veto gave no answer");
        }
    }
}

/// Says on the debug log what a listing showed of an action.
fn log_deed(studio: &str, session: &str, Deed { action, stage }: Deed, data: &Data) {
    let state = data.state_after.as_deref().unwrap_or_default();
    match stage {
        Stage::Proven => match action {
            Action::Stop => tracing::info!(studio, session, "stopped"),
            Action::Start => tracing::info!(studio, session, "started"),
        },
        Stage::Failed => tracing::warn!(studio, session, state, "the {action} failed"),
        Stage::Late => tracing::warn!(studio, session, "the {action} is late"),
        Stage::Lapsed => tracing::warn!(studio, session, state, "nothing came of the {action}"),
        Stage::Intended
        | Stage::Withheld
        | Stage::Dropped
        | Stage::Withdrawn
        | Stage::Accepted
        | Stage::Rejected
        | Stage::Unanswered => tracing::debug!(studio, session, "{action}: {stage:?}"),
    }
}

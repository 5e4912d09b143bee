//! What was saved: stops that were proven, hours not paid for, and what was left running and why.
//!
//! Only hours that we caused count: from a proven stop of ours to the earliest of the session's
//! next start, its end, and the instant at which the service would have ended it by itself. Where
//! the log leaves a doubt, the smaller figure is taken.

use std::borrow::{Borrow, Cow};
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::Prices;
use crate::audit::record::{Data, Kind, Record};
use crate::ids::{InstanceType, SessionId, StudioId};

/// The codes of `keep` that mean: it ran although nobody needed it to, and here is why it was left.
/// Waiting for the due instant, being off or on the way there is no refusal.
const REFUSALS: &[&str] = &[
    "failed",
    "keep_too_long",
    "mode_unknown",
    "not_stoppable",
    "profile_unknown",
    "rule_keep",
    "start_in_future",
    "start_unknown",
    "state_unknown",
    "stop_too_short",
    "tag_keep",
    "tag_keep_until",
    "tag_unreadable",
    "volumes_deleted",
    "would_be_destroyed",
];

/// The code of a start that saves work from being destroyed; whose stop is before it, and that it is ours.
const RESCUE: &str = "rescue";
const STOPPED_BY: &str = "stopped_by";
const US: &str = "us";

/// The figures of every studio, and of all together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Savings {
    /// By studio.
    pub studios: BTreeMap<StudioId, Figures>,
    /// Their sum.
    pub total: Figures,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Stops of ours that were proven.
    pub stops: u64,
    /// How many of those machines are still off.
    pub still_off: u64,
    /// Stops whose hours have no bound by the service's own ending, because the log names none.
    pub without_own_ending: u64,
    /// How long machines were off because of us.
    pub off: SignedDuration,
    /// What that would have cost in USD, as far as prices are known.
    pub usd: f64,
    /// The part of `off` that has no price, by instance type; `unknown` where the type is not known.
    pub unpriced: BTreeMap<InstanceType, SignedDuration>,
    /// How many sessions were left running for a reason of their own, by the reason's code.
    pub refusals: BTreeMap<String, u64>,
}

impl Figures {
    /// `off` in hours.
    #[must_use]
    pub fn hours(&self) -> f64 {
        self.off.as_secs_f64() / 3600.0
    }

    fn add(&mut self, other: &Self) {
        self.stops += other.stops;
        self.still_off += other.still_off;
        self.without_own_ending += other.without_own_ending;
        self.off = self.off.saturating_add(other.off);
        self.usd += other.usd;
        for (name, off) in &other.unpriced {
            let sum = self.unpriced.entry(name.clone()).or_default();
            *sum = sum.saturating_add(*off);
        }
        for (code, sessions) in &other.refusals {
            *self.refusals.entry(code.clone()).or_default() += sessions;
        }
    }
}

impl Savings {
    /// Folds records in the order of the log; `now` ends the hours of what is still off.
    #[must_use]
    pub fn fold<R: Borrow<Record>>(
        records: impl IntoIterator<Item = R>,
        prices: &Prices,
        now: Timestamp,
    ) -> Self {
        let mut fold = SavingsFold::new(prices);
        for record in records {
            fold.add(record.borrow());
        }
        fold.finish(now)
    }
}

/// The fold for those who have one record at a time.
#[derive(Debug)]
pub struct SavingsFold<'a> {
    prices: Cow<'a, Prices>,
    studios: BTreeMap<StudioId, StudioFold>,
    /// Whether it is remembered which sessions were left running, whatever became of them.
    remembers_refusals: bool,
}

#[derive(Debug, Default)]
struct StudioFold {
    figures: Figures,
    refused: BTreeMap<String, BTreeSet<SessionId>>,
    sessions: BTreeMap<SessionId, SessionFold>,
}

/// What is known of a session between its records.
#[derive(Debug, Clone, Default)]
struct SessionFold {
    instance_type: Option<InstanceType>,
    /// When the service would end the present run, as the last intent says.
    ends_itself: Option<Timestamp>,
    /// The last stop of ours that was counted.
    counted: Option<Timestamp>,
    off: Option<Off>,
    /// The last run that we began so that it is not destroyed.
    rescued: Option<Rescued>,
}

/// A run that nobody asked for.
#[derive(Debug, Clone, Copy)]
struct Rescued {
    /// When it began, once that is proven.
    start: Option<Timestamp>,
    /// Whether the stop before it was ours.
    is_ours: bool,
    /// When the service would have ended the run before that stop.
    ends_itself: Option<Timestamp>,
}

/// A machine that is off because of us.
#[derive(Debug, Clone, Copy)]
struct Off {
    from: Timestamp,
    ends_itself: Option<Timestamp>,
}

impl<'a> SavingsFold<'a> {
    /// A fold over no records yet.
    #[must_use]
    pub fn new(prices: &'a Prices) -> Self {
        let (prices, studios) = (Cow::Borrowed(prices), BTreeMap::new());
        Self { prices, studios, remembers_refusals: true }
    }

    /// The same, for those who go on folding for as long as they live: only of sessions that are there is
    /// anything remembered, and so no refusals are.
    #[must_use]
    pub fn owning(prices: Prices) -> SavingsFold<'static> {
        let (prices, studios) = (Cow::Owned(prices), BTreeMap::new());
        SavingsFold { prices, studios, remembers_refusals: false }
    }

    /// What is off from now on, or still, has these prices.
    pub fn price_by(&mut self, prices: Prices) {
        self.prices = Cow::Owned(prices);
    }

    /// Takes one record; records come in the order of the log.
    pub fn add(&mut self, record: &Record) {
        let data = &record.data;
        let (Some(studio), Some(session)) = (&data.studio, &data.session) else { return };
        let studio = self.studios.entry(studio.as_str().into()).or_default();
        let session: SessionId = session.as_str().into();
        if self.remembers_refusals {
            studio.refuse(&session, record);
        }
        studio.add(session, record, &self.prices);
    }

    /// The figures of one studio until now, without an end to the fold.
    #[must_use]
    pub fn so_far(&self, studio: &StudioId, now: Timestamp) -> Figures {
        let studio = self.studios.get(studio);
        studio.map(|studio| studio.figures(&self.prices, now)).unwrap_or_default()
    }

    /// The figures, with `now` as the end of what is still off.
    #[must_use]
    pub fn finish(self, now: Timestamp) -> Savings {
        let mut savings = Savings::default();
        for (id, studio) in self.studios {
            let figures = studio.figures(&self.prices, now);
            savings.total.add(&figures);
            savings.studios.insert(id, figures);
        }
        savings
    }
}

impl StudioFold {
    fn refuse(&mut self, id: &SessionId, record: &Record) {
        if let (Kind::SessionDecided, Some(code)) = (&record.kind, refusal(&record.data)) {
            self.refused.entry(code.to_owned()).or_default().insert(id.clone());
        }
    }

    fn add(&mut self, id: SessionId, record: &Record, prices: &Prices) {
        let Self { figures, sessions, .. } = self;
        let data = &record.data;
        let shows_it = matches!(
            record.kind,
            Kind::SessionDecided
                | Kind::StopIntended
                | Kind::StopProven
                | Kind::StartIntended
                | Kind::StartProven
        );
        // Of one that is gone the end of a call may come late.
        let session = if shows_it {
            sessions.entry(id.clone()).or_default()
        } else if let Some(known) = sessions.get_mut(&id) {
            known
        } else {
            return;
        };
        if let Some(end) = session.end_of_off(record) {
            session.close(end, figures, prices);
        }
        session.see(data);
        match record.kind {
            Kind::StopIntended => session.ends_itself = data.ends_itself.as_ref().map(|e| e.at),
            Kind::StopProven => session.stopped(record, figures, prices),
            Kind::StartIntended => session.rescued = session.rescue(data),
            Kind::StartProven => session.began(data),
            Kind::SessionVanished => drop(sessions.remove(&id)),
            _ => {}
        }
    }

    fn figures(&self, prices: &Prices, now: Timestamp) -> Figures {
        let mut figures = self.figures.clone();
        for session in self.sessions.values().filter(|session| session.off.is_some()) {
            figures.still_off += 1;
            session.clone().close(now, &mut figures, prices);
        }
        let count = |(code, sessions): (&String, &BTreeSet<_>)| {
            let sessions = sessions.len() as u64;
            (code.clone(), sessions)
        };
        figures.refusals = self.refused.iter().map(count).collect();
        figures
    }
}

impl SessionFold {
    /// When the session stopped being off, if this record shows that it did.
    fn end_of_off(&self, record: &Record) -> Option<Timestamp> {
        let from = self.off?.from;
        if record.kind == Kind::SessionVanished {
            return Some(record.time);
        }
        let seen = record.data.seen.as_ref()?;
        if let Some(start) = seen.started_at.filter(|start| *start > from) {
            return Some(start);
        }
        // A machine that somebody deleted would not have run on without us.
        seen.state.starts_with("DELETE").then_some(record.time)
    }

    fn see(&mut self, data: &Data) {
        let seen = data.seen.as_ref().and_then(|seen| seen.instance_type.as_deref());
        if let Some(instance_type) = seen {
            self.instance_type = Some(instance_type.into());
        }
    }

    fn stopped(&mut self, record: &Record, figures: &mut Figures, prices: &Prices) {
        // Without the service's instant, the later one at which we saw it counts.
        let from = record.data.stopped_at.unwrap_or(record.time);
        if self.counted.is_some_and(|counted| from <= counted) {
            return;
        }
        // A stop after a stop, and no start seen between them: nothing tells how long it was off.
        if let Some(off) = self.off {
            self.close(off.from, figures, prices);
        }
        let mut ends_itself = self.ends_itself.take();
        if let Some(rescued) = self.rescued_run(&record.data) {
            // What a person had turned off would be off without us.
            if !rescued.is_ours {
                self.counted = Some(from);
                return;
            }
            ends_itself = ends_itself.into_iter().chain(rescued.ends_itself).min();
        }
        figures.stops += 1;
        figures.without_own_ending += u64::from(ends_itself.is_none());
        self.counted = Some(from);
        self.off = Some(Off { from, ends_itself });
    }

    /// The rescue that is asked for, if it is one.
    fn rescue(&self, data: &Data) -> Option<Rescued> {
        let reason = data.reason.as_ref().filter(|reason| reason.code == RESCUE)?;
        let is_ours = reason.values.get(STOPPED_BY).is_some_and(|by| by == US);
        let ends_itself = self.off.and_then(|off| off.ends_itself);
        Some(Rescued { start: None, is_ours, ends_itself })
    }

    fn began(&mut self, data: &Data) {
        if let Some(rescued) = &mut self.rescued {
            rescued.start = started(data);
        }
    }

    /// The rescue that the run of a record began with, if it did.
    fn rescued_run(&self, data: &Data) -> Option<Rescued> {
        self.rescued.filter(|rescued| rescued.start.is_some() && rescued.start == started(data))
    }

    fn close(&mut self, end: Timestamp, figures: &mut Figures, prices: &Prices) {
        let Some(Off { from, ends_itself }) = self.off.take() else { return };
        let end = ends_itself.map_or(end, |ends_itself| end.min(ends_itself));
        let off = from.duration_until(end).max(SignedDuration::ZERO);
        figures.off = figures.off.saturating_add(off);
        let unknown = || InstanceType::from("unknown");
        let instance_type = self.instance_type.clone().unwrap_or_else(unknown);
        match prices.per_hour(&instance_type) {
            Some(price) => figures.usd += price * off.as_secs_f64() / 3600.0,
            None => {
                let sum = figures.unpriced.entry(instance_type).or_default();
                *sum = sum.saturating_add(off);
            }
        }
    }
}

/// When the run began that a record is about.
fn started(data: &Data) -> Option<Timestamp> {
    data.seen.as_ref()?.started_at
}

/// The code under which a decision counts as a refusal.
fn refusal(data: &Data) -> Option<&str> {
    let code = data.reason.as_ref()?.code.as_str();
    (data.verdict.as_deref() == Some("keep") && REFUSALS.contains(&code)).then_some(code)
}

#[cfg(test)]
mod tests;

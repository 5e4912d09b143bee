//! What the program is seen by from outside, in numbers: Prometheus metrics.
//!
//! No figure is worked out here a second time. Counters are a fold over the records of the audit log, shown
//! when they are durable; what was saved comes from the fold that every report uses; gauges are a [`Sample`] of what
//! the daemon knows at the moment of asking. Start at [`Metrics`], then read `families`.

mod families;
mod sample;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use prometheus::{Encoder, Registry, TextEncoder};

pub use families::{FAMILIES, Family, Kind};
pub use sample::{Api, Audit, Sample, Studio};

use crate::audit::record::{Data, Deed, Kind as RecordKind, Record, Stage};
use crate::ids::StudioId;
use crate::inventory::Problem;
use crate::plan::Action;
use crate::provider::Meter;
use crate::report::{Prices, SavingsFold};
use families::Families;

/// How often the head of the log is another series: each is kept by whoever scrapes.
const HEAD_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What a label says of which nothing is known.
const UNKNOWN: &str = "unknown";

/// The media type of what [`Metrics::text`] answers with.
pub const MEDIA_TYPE: &str = prometheus::TEXT_FORMAT;

/// The metrics cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("the metrics cannot be told: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// How a scan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanOutcome {
    /// The studio was read whole, and what is new was recorded.
    Whole,
    /// Something could not be read.
    Partial,
    /// The log could not be written.
    Failed,
}

/// What came of a policy file that was read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReloadResult {
    /// It is in force.
    Applied,
    /// It was in force already.
    Unchanged,
    /// It cannot take effect.
    Refused,
    /// That it takes effect could not be recorded.
    Failed,
}

/// Every metric of one process.
pub struct Metrics {
    registry: Registry,
    families: Families,
    savings: Mutex<Savings>,
    /// The head of the log that is told, since when.
    head: Mutex<Option<(Timestamp, u64, String)>>,
}

/// What was saved since this process began to count.
struct Savings {
    fold: SavingsFold<'static>,
    /// What the log told of before, by studio: whoever counted then has told of it.
    before: BTreeMap<StudioId, (f64, f64)>,
    began: Timestamp,
    /// What was told last: what is known later may be less, and a counter never goes back.
    told: BTreeMap<StudioId, (f64, f64)>,
}

impl ScanOutcome {
    const ALL: [Self; 3] = [Self::Whole, Self::Partial, Self::Failed];

    fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

impl ReloadResult {
    const ALL: [Self; 4] = [Self::Applied, Self::Unchanged, Self::Refused, Self::Failed];

    fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Nothing counted yet, by a process that began at this instant. What it is shown until it is
    /// [told to count](Self::count_from_now) is the past.
    ///
    /// # Errors
    /// Two metrics have one name, or one has none that is allowed.
    pub fn new(prices: Prices, began: Timestamp) -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let families = Families::registered(&registry)?;
        let savings = Mutex::new(Savings {
            fold: SavingsFold::owning(prices),
            before: BTreeMap::new(),
            began,
            told: BTreeMap::new(),
        });
        for result in ReloadResult::ALL {
            families.reloads.with_label_values(&[result.word()]);
        }
        let none: [&str; 0] = [];
        for counter in [&families.audit_records, &families.audit_failures, &families.clock_jumps] {
            counter.with_label_values(&none);
        }
        Ok(Self { registry, families, savings, head: Mutex::default() })
    }

    /// A record of before this process.
    pub fn recall(&self, record: &Record) {
        lock(&self.savings).fold.add(record);
    }

    /// What comes from now on is this process's own.
    pub fn count_from_now(&self, studios: impl IntoIterator<Item = StudioId>) {
        let mut savings = lock(&self.savings);
        let began = savings.began;
        for id in studios {
            let figures = savings.fold.so_far(&id, began);
            savings.before.entry(id).or_insert((figures.off.as_secs_f64(), figures.usd));
        }
    }

    /// What has no end yet is priced so from now on.
    pub fn price_by(&self, prices: Prices) {
        lock(&self.savings).fold.price_by(prices);
    }

    /// A studio is looked after: what can happen there has not happened yet.
    pub fn introduce(&self, studio: &str) {
        let Families { stops, starts, scans, warnings, .. } = &self.families;
        for stage in Stage::ALL {
            stops.with_label_values(&[studio, stage_word(Action::Stop, *stage).as_str()]);
            starts.with_label_values(&[studio, stage_word(Action::Start, *stage).as_str()]);
        }
        for outcome in ScanOutcome::ALL {
            scans.with_label_values(&[studio, outcome.word()]);
        }
        warnings.with_label_values(&[studio]);
    }

    /// Records that are durable.
    pub fn recorded(&self, records: &[Record]) {
        let none: [&str; 0] = [];
        self.families.audit_records.with_label_values(&none).inc_by(number(records.len()));
        let mut savings = lock(&self.savings);
        for record in records {
            savings.fold.add(record);
            self.count(record);
        }
    }

    fn count(&self, Record { kind, data, .. }: &Record) {
        let families = &self.families;
        let studio = data.studio.as_deref().unwrap_or(UNKNOWN);
        let reason = reason(data);
        let none: [&str; 0] = [];
        match kind {
            RecordKind::SessionDecided => {
                let verdict = data.verdict.as_deref().unwrap_or(UNKNOWN);
                families.decisions.with_label_values(&[studio, verdict, reason]).inc();
            }
            RecordKind::StudioHeld => families.holds.with_label_values(&[studio, reason]).inc(),
            RecordKind::WarningGiven => families.warnings.with_label_values(&[studio]).inc(),
            RecordKind::ClockJumped => families.clock_jumps.with_label_values(&none).inc(),
            RecordKind::VetoAnswered => {
                let said = data.veto.as_ref().map(|veto| (veto.name.as_str(), veto.says.as_str()));
                let (name, says) = said.unwrap_or((UNKNOWN, UNKNOWN));
                families.vetoes.with_label_values(&[name, says]).inc();
            }
            _ => {
                let Some(Deed { action, stage }) = kind.deed() else { return };
                let outcomes = match action {
                    Action::Stop => &families.stops,
                    Action::Start => &families.starts,
                };
                outcomes.with_label_values(&[studio, stage_word(action, stage).as_str()]).inc();
            }
        }
    }

    /// A commit failed.
    pub fn not_recorded(&self) {
        let none: [&str; 0] = [];
        self.families.audit_failures.with_label_values(&none).inc();
    }

    /// A scan came to its end, after so long.
    pub fn scanned(&self, studio: &str, outcome: ScanOutcome, took: SignedDuration) {
        self.families.scans.with_label_values(&[studio, outcome.word()]).inc();
        let took = took.as_secs_f64().max(0.0);
        self.families.scan_duration.with_label_values(&[studio]).observe(took);
    }

    /// The policy file was read again.
    pub fn policy_read(&self, result: ReloadResult) {
        self.families.reloads.with_label_values(&[result.word()]).inc();
    }

    /// Everything, in the text format 0.0.4.
    ///
    /// # Errors
    /// It cannot be written down.
    pub fn text(&self, sample: &Sample) -> Result<String, MetricsError> {
        self.set(sample);
        self.save(sample);
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// What was saved, as far as the studios were seen: until its last scan a machine that was off is known to
    /// have been so.
    fn save(&self, sample: &Sample) {
        let Savings { fold, before, began, told } = &mut *lock(&self.savings);
        for studio in &sample.studios {
            let (id, name) = (&studio.id, studio.id.as_str());
            let known = studio.last_whole_scan.unwrap_or(*began).max(*began);
            let figures = fold.so_far(id, known);
            let (seconds_before, dollars_before) = before.get(id).copied().unwrap_or_default();
            let told = told.entry(id.clone()).or_default();
            told.0 = (figures.off.as_secs_f64() - seconds_before).max(told.0);
            told.1 = (figures.usd - dollars_before).max(told.1);
            for (counter, value) in
                [(&self.families.saved_seconds, told.0), (&self.families.saved_dollars, told.1)]
            {
                let counter = counter.with_label_values(&[name]);
                counter.reset();
                counter.inc_by(value);
            }
        }
    }
}

impl Meter for Metrics {
    fn called(&self, operation: &'static str, outcome: Result<(), Problem>, took: SignedDuration) {
        let word = outcome.err().map_or("ok", Problem::code);
        self.families.api_calls.with_label_values(&[operation, word]).inc();
        let took = took.as_secs_f64().max(0.0);
        self.families.api_call_duration.with_label_values(&[operation]).observe(took);
    }
}

fn reason(data: &Data) -> &str {
    data.reason.as_ref().map_or(UNKNOWN, |reason| reason.code.as_str())
}

/// How far an action has come, as its record says it.
fn stage_word(action: Action, stage: Stage) -> String {
    let kind = Deed { action, stage }.kind();
    kind.as_str().rsplit('.').next().unwrap_or(UNKNOWN).to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a floating point number")]
fn number(count: usize) -> f64 {
    count as f64
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

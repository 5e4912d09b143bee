//! The data of each reason by name, for records and programs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Reason, STOPPED_BY, direction, durations, names};
use crate::inventory::Ending;
use crate::plan::{Action, Cause};

impl Reason {
    /// Its data by name, for records: instants as RFC 3339, durations as `2h 30m`.
    #[must_use]
    pub fn values(&self) -> BTreeMap<&'static str, String> {
        match self {
            Self::ListingIncomplete { wanted, problem, detail } => BTreeMap::from([
                ("wanted", wanted.to_string()),
                ("problem", problem.code().to_owned()),
                ("detail", detail.clone()),
            ]),
            Self::AccountMismatch { configured, found } => BTreeMap::from([
                ("configured", configured.to_string()),
                ("found", found.to_string()),
            ]),
            Self::AccountUnknown { configured } => {
                BTreeMap::from([("configured", configured.to_string())])
            }
            Self::ClockInDoubt { listed } => BTreeMap::from([("listed", listed.to_string())]),
            Self::ClockJumped { by, until } => BTreeMap::from([
                ("by", format!("{:#}", by.abs())),
                ("direction", direction(*by).to_owned()),
                ("until", until.to_string()),
            ]),
            Self::Paused { until, who } => {
                BTreeMap::from([("until", until.to_string()), ("who", who.clone())])
            }
            Self::InventoryChanged { before, now, missing, new } => BTreeMap::from([
                ("before", before.to_string()),
                ("now", now.to_string()),
                ("missing", missing.to_string()),
                ("new", new.to_string()),
            ]),
            Self::PolicyChanged { before, now } => {
                BTreeMap::from([("before", before.to_string()), ("now", now.to_string())])
            }
            Self::Transitional { state } | Self::StateUnknown { state } => {
                BTreeMap::from([("state", state.to_string())])
            }
            Self::Failed { state, status } => {
                let status = status.iter().map(|status| ("status", status.clone()));
                [("state", state.to_string())].into_iter().chain(status).collect()
            }
            Self::StartInFuture { start } => BTreeMap::from([("start", start.to_string())]),
            Self::ModeUnknown { field, value } => {
                BTreeMap::from([("field", (*field).to_owned()), ("value", value.clone())])
            }
            Self::RuleKeep { rule } => BTreeMap::from([("rule", rule.to_string())]),
            Self::RuleUnclear { rule, missing } => {
                BTreeMap::from([("rule", rule.to_string()), ("missing", (*missing).to_owned())])
            }
            Self::TagKeep { value } => BTreeMap::from([("value", value.clone())]),
            Self::TagKeepUntil { until } => BTreeMap::from([("until", until.to_string())]),
            Self::TagUnreadable { tag, value } => {
                BTreeMap::from([("tag", tag.clone()), ("value", value.clone())])
            }
            Self::KeepTooLong { value, until, keep_max } => {
                let until = until.iter().map(|until| ("until", until.to_string()));
                let rest = [("value", value.clone()), ("keep_max", format!("{keep_max:#}"))];
                rest.into_iter().chain(until).collect()
            }
            Self::KeepEnding { until, lead } => BTreeMap::from([
                ("until", until.to_string()),
                ("leads", durations(std::slice::from_ref(lead))),
            ]),
            Self::NotStoppable { remedy, ending, .. } => ending_values(remedy, *ending),
            Self::NotDue { due, cause } => due_values(*due, cause),
            Self::Due { due, cause, overruled } => {
                let mut values = due_values(*due, cause);
                if !overruled.is_empty() {
                    values.insert("overruled", names(overruled, ""));
                }
                values
            }
            Self::StopTooShort { closes, least_stop } => BTreeMap::from([
                ("closes", closes.to_string()),
                ("least_stop", format!("{least_stop:#}")),
            ]),
            Self::Busy { veto, words, asks_again, until }
            | Self::VetoFailed { veto, words, asks_again, until } => BTreeMap::from([
                ("veto", veto.to_string()),
                ("words", words.clone()),
                ("asks_again", asks_again.to_string()),
                ("until", until.to_string()),
            ]),
            Self::VetoUnasked { vetoes } => BTreeMap::from([("vetoes", names(vetoes, ""))]),
            Self::WouldBeDestroyed { destroyed_after, needed_until, unrotated } => {
                let needed = needed_until.iter().map(|until| ("needed_until", until.to_string()));
                let after = ("destroyed_after", format!("{destroyed_after:#}"));
                let unrotated = ("unrotated", unrotated.name().to_owned());
                [after, unrotated].into_iter().chain(needed).collect()
            }
            Self::Rescue { terminate_at, closes, failures, is_observed, is_late, stopped_by } => {
                BTreeMap::from([
                    ("terminate_at", terminate_at.to_string()),
                    ("closes", closes.to_string()),
                    ("failures", failures.to_string()),
                    ("observed", is_observed.to_string()),
                    ("late", is_late.to_string()),
                    (STOPPED_BY, stopped_by.to_string()),
                ])
            }
            Self::Warning { due, cause, announcement } => {
                let mut values = due_values(*due, cause);
                values.insert("leads", durations(&announcement.leads));
                values.insert("stop_at", announcement.stop_at.to_string());
                values
            }
            Self::WarningOut { due, stop_at } => {
                BTreeMap::from([("due", due.to_string()), ("stop_at", stop_at.to_string())])
            }
            Self::TerminationNear { terminate_at } => {
                BTreeMap::from([("terminate_at", terminate_at.to_string())])
            }
            Self::OwnerZoneUnknown { schedule } => {
                BTreeMap::from([("schedule", schedule.to_string())])
            }
            Self::Brake { action, bound, limit, count } => BTreeMap::from([
                ("action", action.to_string()),
                ("bound", bound.to_string()),
                ("limit", limit.to_string()),
                ("count", count.to_string()),
            ]),
            Self::BrakeLatched { bound, limit, count } => BTreeMap::from([
                ("action", Action::Stop.to_string()),
                ("bound", bound.to_string()),
                ("limit", limit.to_string()),
                ("count", count.to_string()),
            ]),
            Self::ClosedDay { until } => BTreeMap::from([("until", until.to_string())]),
            Self::StartNotDue { start, closes } => {
                BTreeMap::from([("start", start.to_string()), ("closes", closes.to_string())])
            }
            Self::StartExpired { closes, expired } => {
                BTreeMap::from([("closes", closes.to_string()), ("expired", expired.to_string())])
            }
            Self::Resume { closes } => BTreeMap::from([("closes", closes.to_string())]),
            Self::Deleted
            | Self::StartUnknown
            | Self::VolumesDeleted
            | Self::ProfileUnknown
            | Self::NeverDue
            | Self::NotOurs
            | Self::Stopped => BTreeMap::new(),
        }
    }
}

fn ending_values(remedy: &str, ending: Option<Ending>) -> BTreeMap<&'static str, String> {
    let mut values = BTreeMap::from([("remedy", remedy.to_owned())]);
    if let Some(ending) = ending {
        values.insert("ends_at", ending.at.to_string());
        values.insert("destroys", ending.destroys.to_string());
    }
    values
}

fn due_values(due: Timestamp, cause: &Cause) -> BTreeMap<&'static str, String> {
    let mut values = BTreeMap::from([("due", due.to_string())]);
    match cause {
        Cause::IdleHours { schedule, window, leased } => {
            values.insert("schedule", schedule.to_string());
            values.insert("opens", window.opens.to_string());
            values.insert("closes", window.closes.to_string());
            values.insert("leased", leased.to_string());
        }
        Cause::MaxUptime { limit } => {
            values.insert("max_uptime", format!("{limit:#}"));
        }
    }
    values
}

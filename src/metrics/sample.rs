//! What the daemon knows at the moment of asking, and the gauges that are set by it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::families::Families;
use super::{HEAD_EVERY, Metrics, lock, number};
use crate::ids::StudioId;
use crate::plan::Verdict;

/// What is known now.
#[derive(Debug, Default)]
pub struct Sample {
    /// When that is.
    pub at: Timestamp,
    /// The program's version.
    pub version: &'static str,
    /// That of its time zone data.
    pub time_zones: &'static str,
    /// The policy in force.
    pub policy: String,
    /// Whether the policy file was refused when it was last read.
    pub policy_refused: bool,
    /// Whether the program makes progress.
    pub is_alive: bool,
    /// How many problems there are.
    pub problems: usize,
    /// The studios.
    pub studios: Vec<Studio>,
    /// The APIs that are asked.
    pub apis: Vec<Api>,
    /// The audit log.
    pub audit: Audit,
}

/// What is known of one studio.
#[derive(Debug)]
pub struct Studio {
    /// Its id.
    pub id: StudioId,
    /// What people call it.
    pub name: String,
    /// How many sessions there are, by state and verdict.
    pub sessions: BTreeMap<(String, Verdict), usize>,
    /// How many are due.
    pub due: usize,
    /// When the next one that is off will be destroyed.
    pub next_termination: Option<Timestamp>,
    /// When it was last scanned.
    pub last_scan: Option<Timestamp>,
    /// When it was last read whole.
    pub last_whole_scan: Option<Timestamp>,
    /// When it is looked at again.
    pub next_scan: Option<Timestamp>,
    /// When a decision changes next by itself.
    pub next_change: Option<Timestamp>,
    /// Why it is held, by the code of the reason.
    pub held: Option<String>,
    /// Whether a person wants nothing done.
    pub is_paused: bool,
    /// Whether the brake lets no stop pass.
    pub is_braked: bool,
    /// How many stops one scan, and one hour, may bring.
    pub brake: (u32, u32),
    /// How many stops, and starts, the last hour has had.
    pub used: (u32, u32),
}

/// One API.
#[derive(Debug)]
pub struct Api {
    /// Which one.
    pub label: String,
    /// Whether it is asked rarely.
    pub is_open: bool,
}

/// The audit log.
#[derive(Debug, Default)]
pub struct Audit {
    /// The number and the hash of its last record.
    pub head: Option<(u64, String)>,
    /// Whether it can be written.
    pub is_writable: bool,
    /// Whether it should go on in a new file and cannot.
    pub is_unrotated: bool,
    /// How many records were not printed.
    pub not_printed: u64,
}

/// What the label of a hold by the clock begins with.
const CLOCK: &str = "clock_";

/// The label of a hold by a pause.
const PAUSED: &str = "paused";

impl Metrics {
    /// Sets every gauge; of what is no more, none is left.
    pub(super) fn set(&self, sample: &Sample) {
        let families = &self.families;
        families.forget();
        let none: [&str; 0] = [];
        families.build.with_label_values(&[sample.version, sample.time_zones]).set(1.0);
        families.policy.with_label_values(&[&sample.policy]).set(1.0);
        families.policy_refused.with_label_values(&none).set(yes(sample.policy_refused));
        families.alive.with_label_values(&none).set(yes(sample.is_alive));
        families.problems.with_label_values(&none).set(number(sample.problems));
        for Api { label, is_open } in &sample.apis {
            let open = families.breaker_open.with_label_values(&[label]);
            open.set(open.get().max(yes(*is_open)));
        }
        sample.studios.iter().for_each(|studio| families.set_studio(studio));
        self.set_audit(sample);
    }

    fn set_audit(&self, Sample { at, audit, .. }: &Sample) {
        let families = &self.families;
        let none: [&str; 0] = [];
        families.audit_writable.with_label_values(&none).set(yes(audit.is_writable));
        families.audit_rotation_failing.with_label_values(&none).set(yes(audit.is_unrotated));
        let dropped = families.audit_stdout_dropped.with_label_values(&none);
        dropped.reset();
        dropped.inc_by(float(audit.not_printed));
        let Some((sequence, hash)) = &audit.head else { return };
        families.audit_sequence.with_label_values(&none).set(float(*sequence));
        let mut told = lock(&self.head);
        let is_old =
            |(since, ..): &(Timestamp, u64, String)| since.duration_until(*at).abs() >= HEAD_EVERY;
        if told.as_ref().is_none_or(is_old) {
            *told = Some((*at, *sequence, hash.clone()));
        }
        if let Some((_, sequence, hash)) = &*told {
            let labels = [sequence.to_string(), hash.clone()];
            families.audit_head.with_label_values(&labels).set(1.0);
        }
    }
}

impl Families {
    /// Forgets every series that is told afresh each time.
    fn forget(&self) {
        let Self { build, policy, studio, sessions, sessions_due, .. } = self;
        let Self { next_termination, last_scan, last_whole_scan, .. } = self;
        let Self { held, clock_in_doubt, paused, brake_engaged, .. } = self;
        let Self { brake_limit, brake_used, next_scan, next_change, .. } = self;
        let Self { breaker_open, audit_head, .. } = self;
        for family in [
            build,
            policy,
            studio,
            sessions,
            sessions_due,
            next_termination,
            last_scan,
            last_whole_scan,
            held,
            clock_in_doubt,
            paused,
            brake_engaged,
            brake_limit,
            brake_used,
            next_scan,
            next_change,
            breaker_open,
            audit_head,
        ] {
            family.reset();
        }
    }

    fn set_studio(&self, studio: &Studio) {
        let id = studio.id.as_str();
        self.studio.with_label_values(&[id, studio.name.as_str()]).set(1.0);
        for ((state, verdict), count) in &studio.sessions {
            let labels = [id, state.as_str(), &verdict.to_string()];
            self.sessions.with_label_values(&labels).set(number(*count));
        }
        self.sessions_due.with_label_values(&[id]).set(number(studio.due));
        for (gauge, at) in [
            (&self.next_termination, studio.next_termination),
            (&self.last_scan, studio.last_scan),
            (&self.last_whole_scan, studio.last_whole_scan),
            (&self.next_scan, studio.next_scan),
            (&self.next_change, studio.next_change),
        ] {
            if let Some(at) = at {
                gauge.with_label_values(&[id]).set(seconds(at));
            }
        }
        let is_clock = studio.held.as_ref().is_some_and(|reason| reason.starts_with(CLOCK));
        let is_for_pause = studio.held.as_ref().is_some_and(|reason| reason == PAUSED);
        for (gauge, value) in [
            (&self.held, studio.held.is_some()),
            (&self.clock_in_doubt, is_clock),
            (&self.paused, studio.is_paused && is_for_pause),
            (&self.brake_engaged, studio.is_braked),
        ] {
            gauge.with_label_values(&[id]).set(yes(value));
        }
        let (per_scan, per_hour) = studio.brake;
        self.brake_limit.with_label_values(&[id, "per_scan"]).set(per_scan.into());
        self.brake_limit.with_label_values(&[id, "per_hour"]).set(per_hour.into());
        let (stops, starts) = studio.used;
        self.brake_used.with_label_values(&[id, "stop"]).set(stops.into());
        self.brake_used.with_label_values(&[id, "start"]).set(starts.into());
    }
}

fn yes(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// Unix time.
fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a floating point number")]
fn float(number: u64) -> f64 {
    number as f64
}

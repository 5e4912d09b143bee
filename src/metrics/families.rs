//! Every metric of the program, in one table: its name, its labels, and what it tells.
//!
//! Names follow the conventions of Prometheus: base units, `_total` for what only grows. No label has values
//! without a bound: studios and APIs are the policy's, operations, states, verdicts, reasons and outcomes
//! are the program's own words.

use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until the program starts again.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many values were so large at the most.
    Histogram,
}

impl Kind {
    /// As the text format calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric, with all its series.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What its series are told apart by.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

/// From the time of a small studio on this machine to that of a large one through a slow API.
const SECONDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

macro_rules! collector {
    (Counter) => {
        CounterVec
    };
    (Gauge) => {
        GaugeVec
    };
    (Histogram) => {
        HistogramVec
    };
}

macro_rules! made {
    (Counter, $name:literal, $help:literal, $labels:expr) => {
        CounterVec::new(Opts::new($name, $help), $labels)
    };
    (Gauge, $name:literal, $help:literal, $labels:expr) => {
        GaugeVec::new(Opts::new($name, $help), $labels)
    };
    (Histogram, $name:literal, $help:literal, $labels:expr) => {
        HistogramVec::new(HistogramOpts::new($name, $help).buckets(SECONDS.to_vec()), $labels)
    };
}

macro_rules! families {
    ($($field:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        /// Every metric, in the order in which they are told of.
        pub const FAMILIES: &[Family] = &[
            $(Family { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help },)*
        ];

        /// The metrics, each with its series.
        #[derive(Debug)]
        pub(super) struct Families {
            $(pub(super) $field: collector!($kind),)*
        }

        impl Families {
            /// All of them, in one registry.
            pub(super) fn registered(registry: &Registry) -> prometheus::Result<Self> {
                $(
                    let $field = made!($kind, $name, $help, &[$($label),*])?;
                    registry.register(Box::new($field.clone()))?;
                )*
                Ok(Self { $($field,)* })
            }
        }
    };
}

families! {
    build: Gauge "lightsout_build_info" ["version", "time_zones"]
        "The program's version, and that of its time zone data; always 1.";
    policy: Gauge "lightsout_policy_info" ["hash"]
        "The policy in force, by the SHA-256 of its file; always 1.";
    studio: Gauge "lightsout_studio_info" ["studio", "name"]
        "The name that the policy gives a studio; always 1.";
    alive: Gauge "lightsout_alive" []
        "Whether the program makes progress, as its watchdog is told.";
    problems: Gauge "lightsout_problems" []
        "How many problems health.json tells of.";
    sessions: Gauge "lightsout_sessions" ["studio", "state", "verdict"]
        "Sessions by their state and what was decided about them, as the last scan saw them.";
    sessions_due: Gauge "lightsout_sessions_due" ["studio"]
        "Sessions whose instant to be stopped had come by the last scan.";
    next_termination: Gauge "lightsout_next_termination_timestamp_seconds" ["studio"]
        "When the service will destroy the next session that is off, as far as anything tells; absent where it will destroy none. What is to be rescued before that counts from 15 minutes before it on.";
    decisions: Counter "lightsout_decisions_total" ["studio", "verdict", "reason"]
        "Decisions about sessions that were another than before, by the code of their reason; a refusal is a keep.";
    warnings: Counter "lightsout_warnings_total" ["studio"]
        "Warnings of stops that were given.";
    vetoes: Counter "lightsout_veto_answers_total" ["veto", "answer"]
        "Answers of vetoes; one that failed counts as busy.";
    stops: Counter "lightsout_stops_total" ["studio", "outcome"]
        "Stops by how far they came; each is counted at every stage that it reaches.";
    starts: Counter "lightsout_starts_total" ["studio", "outcome"]
        "Starts by how far they came; each is counted at every stage that it reaches.";
    saved_seconds: Counter "lightsout_saved_seconds_total" ["studio"]
        "How long machines were off because of the program, since it started.";
    saved_dollars: Counter "lightsout_saved_dollars_total" ["studio"]
        "What that would have cost in USD, as far as prices are known.";
    held: Gauge "lightsout_studio_held" ["studio"]
        "Whether anything in a studio is held.";
    clock_in_doubt: Gauge "lightsout_clock_in_doubt" ["studio"]
        "Whether a studio is held since the clock is in doubt.";
    holds: Counter "lightsout_holds_total" ["studio", "reason"]
        "Holds that began or changed, by the code of their reason.";
    paused: Gauge "lightsout_paused" ["studio"]
        "Whether a person wants nothing done in a studio, and nothing else holds it.";
    brake_engaged: Gauge "lightsout_brake_engaged" ["studio"]
        "Whether the brake lets no stop pass.";
    brake_limit: Gauge "lightsout_brake_limit" ["studio", "bound"]
        "How many stops the brake allows: in one scan, in one hour.";
    brake_used: Gauge "lightsout_brake_used" ["studio", "action"]
        "How many stops, or starts, were asked for in the last hour, as the brake counts them.";
    scans: Counter "lightsout_scans_total" ["studio", "outcome"]
        "Scans that ended: whole, partial where something could not be read, failed where the log could not be written.";
    scan_duration: Histogram "lightsout_scan_duration_seconds" ["studio"]
        "How long scans took, from the first call to the last record.";
    last_scan: Gauge "lightsout_last_scan_timestamp_seconds" ["studio"]
        "When a studio was last scanned; absent before the first scan.";
    last_whole_scan: Gauge "lightsout_last_whole_scan_timestamp_seconds" ["studio"]
        "When a studio was last scanned and read whole; absent before that.";
    next_scan: Gauge "lightsout_next_scan_timestamp_seconds" ["studio"]
        "When a studio is looked at again.";
    next_change: Gauge "lightsout_next_change_timestamp_seconds" ["studio"]
        "When a decision about a session of a studio changes next by itself; absent where none does.";
    api_calls: Counter "lightsout_api_calls_total" ["operation", "outcome"]
        "Calls of the service's API; ok, or the kind of problem.";
    api_call_duration: Histogram "lightsout_api_call_duration_seconds" ["operation"]
        "How long calls took, with their repetitions.";
    breaker_open: Gauge "lightsout_api_breaker_open" ["api"]
        "Whether an API that keeps failing is asked rarely.";
    audit_sequence: Gauge "lightsout_audit_sequence"
        [] "The number of the last record of the audit log.";
    audit_head: Gauge "lightsout_audit_head_info" ["sequence", "hash"]
        "The number and the hash of a record that was the last one within the hour; always 1, and one series at a time.";
    audit_records: Counter "lightsout_audit_records_total" []
        "Records that were made durable.";
    audit_failures: Counter "lightsout_audit_write_failures_total" []
        "Commits to the audit log that failed.";
    audit_writable: Gauge "lightsout_audit_writable" []
        "Whether the audit log can be written, as the last commit showed.";
    audit_rotation_failing: Gauge "lightsout_audit_rotation_failing" []
        "Whether the audit log should go on in a new file and cannot.";
    audit_stdout_dropped: Counter "lightsout_audit_stdout_dropped_total" []
        "Records that are in the audit log and were not printed on standard output, since nobody read it.";
    clock_jumps: Counter "lightsout_clock_jumps_total" []
        "Jumps of the wall clock that were noticed.";
    reloads: Counter "lightsout_policy_reloads_total" ["result"]
        "Times that the policy file was read again: applied, unchanged, refused, or failed where that could not be recorded.";
    policy_refused: Gauge "lightsout_policy_refused" []
        "Whether the policy file was refused when it was last read; the one before it is in force.";
}

//! Faults: what the server can be told to do wrong, for one studio, one operation, or some requests
//! among many.
//!
//! The set is shared with the running server, so that it may be changed while it runs. `rule.rs` says
//! which requests a fault strikes; [`super::faultplan`] reads rules from a file.

mod rule;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

pub use self::rule::FaultRule;
pub(super) use self::rule::{Facts, Matching};
use super::world::Operation;

/// How many rules a set may have.
pub const RULES_MAX: usize = 1_000;

/// One way to do it wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 403 AccessDeniedException.
    Denied,
    /// 403 ExpiredTokenException.
    CredentialsExpired,
    /// 402 ServiceQuotaExceededException.
    QuotaExceeded,
    /// 409 ConflictException.
    Conflict,
    /// 429 ThrottlingException.
    Throttled,
    /// 429 for what goes beyond so many requests a second. As many as `burst` may come at once.
    RateLimit { per_second: u32, burst: u32 },
    /// 500 InternalServerErrorException.
    InternalError,
    /// 503 with a page of HTML, as a proxy on the way would send it.
    Html503,
    /// 200 with JSON that ends in the middle, under headers that are right for the part that is
    /// sent.
    TruncatedJson,
    /// 200 with a body that looks like JSON and is not.
    MalformedJson,
    /// The headers promise the whole body, and the connection ends in the middle of it.
    CutOff,
    /// A list of empty pages that never ends, with a fresh `nextToken` on each.
    EndlessToken,
    /// A list that answers its first page over and over, always with the same `nextToken`.
    RepeatingToken,
    /// 400 to a request with a `nextToken`: it is too old.
    ExpiredPageToken,
    /// A member of the answer has a value that is not in the model.
    UnknownValue { member: String, value: String, sessions: Option<BTreeSet<String>> },
    /// Members are left out of the answer.
    MissingMembers { members: BTreeSet<String>, sessions: Option<BTreeSet<String>> },
    /// A list is up to this old.
    StaleList { age: SignedDuration },
    /// These sessions are in no list, and not found.
    VanishingSession { sessions: BTreeSet<String> },
    /// The session is started anew by its owner: right after it was read, or right before it is
    /// stopped.
    RestartRace,
    /// The server's clock is so far ahead: its `Date`, and every instant in the answer.
    ClockSkew { by: SignedDuration },
    /// The request takes so much longer. What else strikes it strikes it as well.
    Latency { by: SignedDuration },
    /// 200 with a body of so many bytes that begins like JSON; it is sent without being held in
    /// memory.
    HugeBody { bytes: u64 },
    /// The effect happens; the answer begins and does not go on, and the connection stays open.
    Stall,
    /// No effect and no answer, and the connection stays open.
    Silence,
    /// No effect and no answer: the connection is reset.
    Reset,
    /// The effect happens, and then the connection is closed without an answer.
    LostAnswer,
}

impl Fault {
    /// The name in fault plans and in the log of requests.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::CredentialsExpired => "credentials_expired",
            Self::QuotaExceeded => "quota",
            Self::Conflict => "conflict",
            Self::Throttled => "throttle",
            Self::RateLimit { .. } => "rate_limit",
            Self::InternalError => "error_500",
            Self::Html503 => "html_503",
            Self::TruncatedJson => "truncated_json",
            Self::MalformedJson => "malformed_json",
            Self::CutOff => "cut_off",
            Self::EndlessToken => "endless_token",
            Self::RepeatingToken => "repeating_token",
            Self::ExpiredPageToken => "expired_token",
            Self::UnknownValue { .. } => "unknown_value",
            Self::MissingMembers { .. } => "missing_members",
            Self::StaleList { .. } => "stale_list",
            Self::VanishingSession { .. } => "vanishing_session",
            Self::RestartRace => "restart_race",
            Self::ClockSkew { .. } => "clock_skew",
            Self::Latency { .. } => "latency",
            Self::HugeBody { .. } => "huge_body",
            Self::Stall => "stall",
            Self::Silence => "silence",
            Self::Reset => "reset",
            Self::LostAnswer => "lost_answer",
        }
    }

    /// Whether the fault means anything for an operation.
    #[must_use]
    pub fn concerns(&self, operation: Operation) -> bool {
        match self {
            Self::EndlessToken
            | Self::RepeatingToken
            | Self::ExpiredPageToken
            | Self::StaleList { .. } => operation.is_list(),
            Self::VanishingSession { .. } => {
                operation == Operation::ListStreamingSessions || operation.is_of_session()
            }
            Self::RestartRace => matches!(
                operation,
                Operation::GetStreamingSession | Operation::StopStreamingSession
            ),
            Self::Denied
            | Self::CredentialsExpired
            | Self::QuotaExceeded
            | Self::Conflict
            | Self::Throttled
            | Self::RateLimit { .. }
            | Self::InternalError
            | Self::Html503
            | Self::TruncatedJson
            | Self::MalformedJson
            | Self::CutOff
            | Self::UnknownValue { .. }
            | Self::MissingMembers { .. }
            | Self::ClockSkew { .. }
            | Self::Latency { .. }
            | Self::HugeBody { .. }
            | Self::Stall
            | Self::Silence
            | Self::Reset
            | Self::LostAnswer => true,
        }
    }
}

/// A rule of a set, and what it has done so far.
#[derive(Clone, Debug)]
pub struct FaultStatus {
    /// Its number in the set; no other rule of this set ever has it.
    pub id: u64,
    pub rule: FaultRule,
}

/// What strikes one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Struck {
    pub(super) latency: Option<SignedDuration>,
    pub(super) fault: Option<Fault>,
    /// How the rules are called that struck, in their order.
    pub(super) names: Vec<String>,
}

/// The faults of a running server; clones share one set.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    set: Arc<Mutex<Set>>,
}

#[derive(Debug, Default)]
struct Set {
    last_id: u64,
    rules: Vec<FaultStatus>,
}

impl Faults {
    /// Adds a rule. Of several that concern a request, the first that strikes counts, and beside it
    /// the first that only takes time.
    pub fn add(&self, rule: FaultRule) {
        self.insert(rule);
    }

    /// Adds a rule, and gives its number.
    pub fn insert(&self, rule: FaultRule) -> u64 {
        let mut set = self.set();
        set.last_id += 1;
        let id = set.last_id;
        set.rules.push(FaultStatus { id, rule });
        id
    }

    /// The rules in their order, with what they have done so far.
    #[must_use]
    pub fn list(&self) -> Vec<FaultStatus> {
        self.set().rules.clone()
    }

    /// Takes one rule away; says whether it was there.
    pub fn remove(&self, id: u64) -> bool {
        let mut set = self.set();
        let before = set.rules.len();
        set.rules.retain(|status| status.id != id);
        set.rules.len() < before
    }

    /// Takes every rule away.
    pub fn clear(&self) {
        self.set().rules.clear();
    }

    pub(super) fn pick(&self, facts: &Facts<'_>, now: Timestamp) -> Struck {
        let mut struck = Struck::default();
        for FaultStatus { rule, .. } in &mut self.set().rules {
            let is_taken = match rule.fault() {
                Fault::Latency { .. } => struck.latency.is_some(),
                _ => struck.fault.is_some(),
            };
            if is_taken || !rule.concerns(facts) || !rule.strike(now) {
                continue;
            }
            struck.names.push(rule.title());
            match rule.fault() {
                Fault::Latency { by } => struck.latency = Some(*by),
                fault => struck.fault = Some(fault.clone()),
            }
        }
        struck
    }

    fn set(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

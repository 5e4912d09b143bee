//! Faults: what the server can be told to do wrong, for one studio, one operation, or some requests
//! among many.
//!
//! The set is shared with the running server, so that it may be changed while it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::world::Operation;

/// One way to do it wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 403 AccessDeniedException.
    Denied,
    /// 403 ExpiredTokenException.
    CredentialsExpired,
    /// 402 ServiceQuotaExceededException.
    QuotaExceeded,
    /// 429 ThrottlingException.
    Throttled,
    /// 500 InternalServerErrorException.
    InternalError,
    /// 503 with a page of HTML, as a proxy on the way would send it.
    Html503,
    /// 200 with JSON that ends in the middle, under headers that are right for the part that is
    /// sent.
    TruncatedJson,
    /// A list of empty pages that never ends, with a fresh `nextToken` on each.
    EndlessToken,
    /// A list that answers its first page over and over, always with the same `nextToken`.
    RepeatingToken,
    /// 200 with a body of so many bytes that begins like JSON; it is sent without being held in
    /// memory.
    HugeBody { bytes: u64 },
    /// No answer, and the connection stays open.
    Silence,
    /// The effect happens, and then the connection is closed without an answer.
    LostAnswer,
}

impl Fault {
    /// Whether the fault means anything for an operation.
    fn concerns(&self, operation: Operation) -> bool {
        match self {
            Self::EndlessToken | Self::RepeatingToken => operation.is_list(),
            Self::Denied
            | Self::CredentialsExpired
            | Self::QuotaExceeded
            | Self::Throttled
            | Self::InternalError
            | Self::Html503
            | Self::TruncatedJson
            | Self::HugeBody { .. }
            | Self::Silence
            | Self::LostAnswer => true,
        }
    }
}

/// When a fault strikes: by default, at each request.
#[derive(Clone, Debug)]
pub struct FaultRule {
    fault: Fault,
    studio: Option<String>,
    operation: Option<Operation>,
    skip: u64,
    times: Option<u64>,
}

impl FaultRule {
    /// A fault at each request.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, studio: None, operation: None, skip: 0, times: None }
    }

    /// Only at requests for this studio.
    #[must_use]
    pub fn studio(self, studio: &str) -> Self {
        Self { studio: Some(studio.to_owned()), ..self }
    }

    /// Only at requests for this operation.
    #[must_use]
    pub fn operation(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Lets so many requests that it would concern pass first.
    #[must_use]
    pub fn after(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// Strikes so many times, and then no more.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    fn concerns(&self, studio: Option<&str>, operation: Operation) -> bool {
        self.operation.is_none_or(|wanted| wanted == operation)
            && (self.studio.is_none() || self.studio.as_deref() == studio)
            && self.fault.concerns(operation)
    }

    /// Counts a request that the rule concerns; says whether it is struck.
    fn strike(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(times) => {
                *times -= 1;
                true
            }
        }
    }
}

/// The faults of a running server; clones share one set.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<FaultRule>>>,
}

impl Faults {
    /// Adds a rule. Of several that concern a request, the first that strikes counts.
    pub fn add(&self, rule: FaultRule) {
        self.rules().push(rule);
    }

    /// Takes every rule away.
    pub fn clear(&self) {
        self.rules().clear();
    }

    pub(super) fn pick(&self, studio: Option<&str>, operation: Operation) -> Option<Fault> {
        let mut rules = self.rules();
        let mut concerned = rules.iter_mut().filter(|rule| rule.concerns(studio, operation));
        concerned.find_map(|rule| rule.strike().then(|| rule.fault.clone()))
    }

    fn rules(&self) -> MutexGuard<'_, Vec<FaultRule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_where_and_as_often_as_it_says() {
        let faults = Faults::default();
        let stop = Operation::StopStreamingSession;
        faults
            .add(FaultRule::new(Fault::Throttled).studio("one").operation(stop).after(1).times(2));
        assert_eq!(faults.pick(Some("two"), stop), None);
        assert_eq!(faults.pick(Some("one"), Operation::GetStudio), None);
        assert_eq!(faults.pick(None, stop), None);
        let struck: Vec<bool> = (0..5).map(|_| faults.pick(Some("one"), stop).is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
    }

    #[test]
    fn a_later_rule_takes_over_when_the_first_is_used_up() {
        let faults = Faults::default();
        faults.add(FaultRule::new(Fault::Denied).times(1));
        faults.add(FaultRule::new(Fault::InternalError));
        assert_eq!(faults.pick(None, Operation::ListStudios), Some(Fault::Denied));
        assert_eq!(faults.pick(None, Operation::ListStudios), Some(Fault::InternalError));
        faults.clear();
        assert_eq!(faults.pick(None, Operation::ListStudios), None);
    }

    #[test]
    fn faults_of_paging_concern_lists_only() {
        let faults = Faults::default();
        faults.add(FaultRule::new(Fault::EndlessToken));
        assert_eq!(faults.pick(None, Operation::GetStudio), None);
        assert_eq!(faults.pick(None, Operation::ListStreamingSessions), Some(Fault::EndlessToken));
    }
}

//! When the SDK's own repetitions of a call end: where everything fails, they only multiply it.
//!
//! A call is attempted up to three times, which saves a long listing from one bad moment. In an outage the
//! same would treble the calls of every studio at once. So all clients of one connection count their
//! failed attempts together, and after so many in a row a call has a single one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_nimble::config::interceptors::{FinalizerInterceptorContextRef, InterceptorContext};
use aws_sdk_nimble::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_nimble::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// How many attempts in a row may fail before none is repeated. Two studios that have a bad moment at
/// the same time, with two lists each, still have all their attempts.
pub(super) const FAILURES_MAX: u32 = 9;

/// The attempts of one connection that failed since the last that was answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Patience(Arc<AtomicU32>);

#[dyn_dispatch_hint]
impl Intercept for Patience {
    fn name(&self) -> &'static str {
        "patience"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let status = context.response().map(|response| response.status().as_u16());
        let is_answered = match status {
            // A refusal is an answer.
            Some(status) if (400..500).contains(&status) => true,
            Some(_) | None => !context.inner().is_failed(),
        };
        self.count(is_answered);
        Ok(())
    }
}

/// May be asked more than once about an attempt, so nothing is counted here.
impl ClassifyRetry for Patience {
    fn classify_retry(&self, _: &InterceptorContext) -> RetryAction {
        if self.is_over() { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "patience"
    }
}

impl Patience {
    fn count(&self, is_answered: bool) {
        if is_answered {
            self.0.store(0, Ordering::Relaxed);
        } else {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= FAILURES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_so_many_failures_in_a_row_nothing_is_repeated_until_there_is_an_answer() {
        let (patience, other) = (Patience::default(), Patience::default());
        let shared = patience.clone();
        for _ in 0..FAILURES_MAX {
            assert!(!patience.is_over());
            shared.count(false);
        }
        assert!(patience.is_over());
        assert!(!other.is_over());
        shared.count(true);
        assert!(!patience.is_over());
    }
}

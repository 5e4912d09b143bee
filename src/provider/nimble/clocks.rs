//! What time it is where the service is, by the `Date` of its answers.
//!
//! The SDK signs by the service's clock once it knows that, so that no answer ever tells that ours is wrong: by a
//! clock that is nine hours ahead everybody would be sent home at noon, and be it ever so loud in the log. So a studio
//! whose service has another time is one that was not read whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_nimble::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_nimble::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_nimble::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use jiff::{RoundMode, SignedDuration, SignedDurationRound, Timestamp, Unit};

use crate::clock::Clock;
use crate::inventory::{Gap, Problem, Wanted};

/// How far clocks may be apart. The service takes no signature that is older than five minutes, so that without
/// the SDK's correction this would be found out soon after.
const APART_MAX: SignedDuration = SignedDuration::from_mins(4);

/// Both clocks, as the last answer showed them.
#[derive(Debug, Clone)]
pub(super) struct Clocks {
    ours: Arc<dyn Clock>,
    /// By how much ours is ahead.
    ahead: Arc<Mutex<Option<SignedDuration>>>,
    /// Whether it was the service that said so: over a connection that anybody may answer, it is anybody's clock.
    is_secure: Arc<AtomicBool>,
}

impl Clocks {
    pub(super) fn new(ours: Arc<dyn Clock>) -> Self {
        Self { ours, ahead: Arc::default(), is_secure: Arc::default() }
    }

    /// By how much ours is ahead of whoever answered last, to the second.
    pub(super) fn ahead(&self) -> Option<SignedDuration> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be said of clocks that are too far apart.
    pub(super) fn gap(&self) -> Option<Gap> {
        let ahead = self.ahead().filter(|_| self.is_secure.load(Ordering::Relaxed))?;
        let apart = ahead.abs();
        if apart <= APART_MAX {
            return None;
        }
        // To five minutes, so that it stays the same from one reading to the next.
        let round = SignedDurationRound::new().smallest(Unit::Minute).increment(5);
        let apart = apart.round(round.mode(RoundMode::Ceil)).unwrap_or(apart);
        let way = if ahead.is_negative() { "behind" } else { "ahead of" };
        let detail = format!("the clock of this host is {way} the service's by some {apart:#}");
        Some(Gap { wanted: Wanted::Clock, problem: Problem::Conflict, detail })
    }

    fn note(&self, date: Option<Timestamp>) {
        let ahead = date.map(|date| date.duration_until(self.ours.now()));
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
    }
}

#[dyn_dispatch_hint]
impl Intercept for Clocks {
    fn name(&self) -> &'static str {
        "clocks"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_secure = context.request().uri().starts_with("https:");
        self.is_secure.store(is_secure, Ordering::Relaxed);
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        self.note(date.map(|date| date.timestamp()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimulatedClock;

    #[test]
    fn clocks_that_are_too_far_apart_are_told_and_only_by_the_service_itself() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let clocks = Clocks::new(Arc::new(SimulatedClock::new(now)));
        let said = |minutes: i64, is_secure| {
            clocks.is_secure.store(is_secure, Ordering::Relaxed);
            clocks.note(Some(now - SignedDuration::from_mins(minutes)));
            clocks.gap().map(|gap| gap.detail)
        };
        let words = |words: &str| Some(format!("the clock of this host is {words}"));
        assert_eq!(said(9 * 60, true), words("ahead of the service's by some 9h"));
        assert_eq!(said(-51, true), words("behind the service's by some 55m"));
        assert_eq!((said(4, true), said(-4, true)), (None, None));
        assert_eq!(said(9 * 60, false), None);
        assert_eq!(clocks.ahead(), Some(SignedDuration::from_hours(9)));
        // What no answer tells nobody knows.
        clocks.note(None);
        assert_eq!((clocks.gap(), clocks.ahead()), (None, None));
    }
}

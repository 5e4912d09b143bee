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
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;

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

    /// The same, where it was the service itself.
    pub(super) fn told_ahead(&self) -> Option<SignedDuration> {
        self.ahead().filter(|_| self.is_secure.load(Ordering::Relaxed))
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
    fn the_time_of_another_counts_where_it_is_the_service_itself() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let clocks = Clocks::new(Arc::new(SimulatedClock::new(now)));
        let told = |hours: i64, is_secure| {
            clocks.is_secure.store(is_secure, Ordering::Relaxed);
            clocks.note(Some(now - SignedDuration::from_hours(hours)));
            clocks.told_ahead()
        };
        assert_eq!(told(9, true), Some(SignedDuration::from_hours(9)));
        assert_eq!(told(-1, true), Some(SignedDuration::from_hours(-1)));
        assert_eq!(told(9, false), None);
        assert_eq!(clocks.ahead(), Some(SignedDuration::from_hours(9)));
        // What no answer tells nobody knows.
        clocks.note(None);
        assert_eq!((clocks.told_ahead(), clocks.ahead()), (None, None));
    }
}

//! What time it is where the service is, by the `Date` of its answers.
//!
//! The SDK signs by the service's clock once it knows that, so that no answer ever tells that ours is wrong: by a
//! clock that is nine hours ahead everybody would be sent home at noon, and be it ever so loud in the log. So a studio
//! whose service has another time is one that was not read whole.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_nimble::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_nimble::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_nimble::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;

/// How long ago an answer may have been asked for to tell what time it is: one that waited while the machine slept
/// tells when it fell asleep.
const ANSWERED_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// How far our clock may go another way than time does for what was compared with it to be true still.
const STEP_MAX: SignedDuration = SignedDuration::from_mins(2);

/// Both clocks, as the last answer showed them.
#[derive(Debug, Clone)]
pub(super) struct Clocks {
    ours: Arc<dyn Clock>,
    told: Arc<Mutex<Option<Told>>>,
}

/// What an answer told.
#[derive(Debug, Clone, Copy)]
struct Told {
    /// By how much our clock is ahead.
    ahead: SignedDuration,
    /// Whether it was the service that said so: over a connection that anybody may answer, it is anybody's clock.
    is_secure: bool,
    /// What our clock showed.
    wall: Timestamp,
    /// When that was.
    monotonic: SignedDuration,
}

/// A request on its way.
#[derive(Debug, Clone, Copy)]
struct Sent {
    at: Timestamp,
    is_secure: bool,
}

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

impl Clocks {
    pub(super) fn new(ours: Arc<dyn Clock>) -> Self {
        Self { ours, told: Arc::default() }
    }

    /// By how much ours is ahead of whoever answered last, to the second.
    pub(super) fn ahead(&self) -> Option<SignedDuration> {
        self.told().map(|told| told.ahead)
    }

    /// The same, where it was the service itself, which has answered since, and nobody has set our clock meanwhile.
    pub(super) fn ahead_since(&self, monotonic: SignedDuration) -> Option<SignedDuration> {
        let told = self.told().filter(|told| told.is_secure && monotonic <= told.monotonic)?;
        let passed = self.ours.monotonic() - told.monotonic;
        let went = told.wall.duration_until(self.ours.now());
        ((went - passed).abs() <= STEP_MAX).then_some(told.ahead)
    }

    fn told(&self) -> Option<Told> {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, date: Option<Timestamp>, sent: Sent) {
        let (wall, monotonic) = (self.ours.now(), self.ours.monotonic());
        if sent.at.duration_until(wall).abs() > ANSWERED_WITHIN {
            return;
        }
        let ahead = date.map(|date| date.duration_until(wall));
        let is_secure = sent.is_secure;
        let told = ahead.map(|ahead| Told { ahead, is_secure, wall, monotonic });
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = told;
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
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_secure = context.request().uri().starts_with("https:");
        bag.interceptor_state().store_put(Sent { at: self.ours.now(), is_secure });
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        // What somebody kept for a while tells when that was.
        let is_kept = headers.get("age").is_some_and(|age| age.trim() != "0");
        if let Some(sent) = bag.load::<Sent>().filter(|_| !is_kept) {
            let date = headers.get("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
            self.note(date.map(|date| date.timestamp()), *sent);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimulatedClock;

    fn hours(hours: i64) -> SignedDuration {
        SignedDuration::from_hours(hours)
    }

    #[test]
    fn the_time_of_another_counts_where_it_is_the_service_itself_and_while_it_is_true() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let clock = SimulatedClock::new(now);
        let clocks = Clocks::new(Arc::new(clock.clone()));
        let told = |ahead: i64, is_secure| {
            let sent = Sent { at: clock.now(), is_secure };
            clocks.note(Some(clock.now() - hours(ahead)), sent);
            clocks.ahead_since(SignedDuration::ZERO)
        };
        assert_eq!(told(9, true), Some(hours(9)));
        assert_eq!(told(-1, true), Some(hours(-1)));
        assert_eq!(told(9, false), None);
        assert_eq!(clocks.ahead(), Some(hours(9)));
        // An answer of before tells nothing of now, nor does one that was on its way for long.
        assert_eq!(told(9, true), Some(hours(9)));
        assert_eq!(clocks.ahead_since(SignedDuration::from_secs(1)), None);
        let before = Sent { at: now - SignedDuration::from_secs(61), is_secure: true };
        clocks.note(Some(now), before);
        assert_eq!(clocks.ahead(), Some(hours(9)));
        // Nor does any once the clock was set.
        clock.jump(hours(-9));
        assert_eq!(clocks.ahead_since(SignedDuration::ZERO), None);
        assert_eq!(told(0, true), Some(hours(0)));
        // What no answer tells nobody knows.
        clocks.note(None, Sent { at: clock.now(), is_secure: true });
        assert_eq!((clocks.ahead_since(SignedDuration::ZERO), clocks.ahead()), (None, None));
    }
}

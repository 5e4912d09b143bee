//! The program's clock in the two shapes in which the SDK asks for time.
//!
//! With it, simulated time drives the SDK's timeouts, retries and expiries too.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use futures_util::future::BoxFuture;
use jiff::SignedDuration;

use crate::clock::Clock;

/// The clock, as the SDK knows clocks.
#[derive(Debug, Clone)]
pub(super) struct SdkTime(pub(super) Arc<dyn Clock>);

impl TimeSource for SdkTime {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

impl AsyncSleep for SdkTime {
    fn sleep(&self, duration: Duration) -> Sleep {
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Sleep::new(Exclusive(Mutex::new(self.0.sleep(duration))))
    }
}

/// The SDK wants a future that can be shared between threads; behind a mutex any future can. Only
/// polling touches it, which is exclusive already, so the mutex is never locked.
struct Exclusive(Mutex<BoxFuture<'static, ()>>);

impl Future for Exclusive {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll(context)
    }
}

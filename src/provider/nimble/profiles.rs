//! Launch profiles read afresh, shared between the sessions that are about to be acted upon.
//!
//! A hundred sessions of one profile would otherwise read it a hundred times within seconds. A
//! reading that failed is shared only with those who were waiting for it, and never kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use jiff::SignedDuration;

use super::translate::Profile;
use crate::ids::LaunchProfileId;
use crate::provider::ProviderError;

/// How old a reading may be that is used instead of a new one. It is of the order of what passes
/// between the reading and the call anyway.
pub(super) const PROFILE_FRESH: SignedDuration = SignedDuration::from_secs(30);

/// A launch profile; `None` if the service says that there is none of that id.
pub(super) type ProfileAnswer = Result<Option<Arc<Profile>>, ProviderError>;

/// The readings that are under way or still fresh.
#[derive(Debug, Default)]
pub(super) struct ProfileReadings(Mutex<BTreeMap<LaunchProfileId, Reading>>);

#[derive(Debug)]
struct Reading {
    /// By monotonic time. What the reading says is at least as new.
    began: SignedDuration,
    answer: Shared<BoxFuture<'static, ProfileAnswer>>,
}

impl Reading {
    fn is_usable(&self, now: SignedDuration) -> bool {
        now - self.began < PROFILE_FRESH && !matches!(self.answer.peek(), Some(Err(_)))
    }
}

impl ProfileReadings {
    /// The profile, from a usable reading or by a new one, which `read` begins.
    pub(super) async fn get(
        &self,
        id: &LaunchProfileId,
        now: SignedDuration,
        read: impl FnOnce() -> BoxFuture<'static, ProfileAnswer>,
    ) -> ProfileAnswer {
        self.answer(id, now, read).await
    }

    fn answer(
        &self,
        id: &LaunchProfileId,
        now: SignedDuration,
        read: impl FnOnce() -> BoxFuture<'static, ProfileAnswer>,
    ) -> Shared<BoxFuture<'static, ProfileAnswer>> {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readings.retain(|_, reading| reading.is_usable(now));
        let reading = readings
            .entry(id.clone())
            .or_insert_with(|| Reading { began: now, answer: read().shared() });
        reading.answer.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::provider::nimble::calls::Call;
    use crate::provider::nimble::errors::garbled;

    /// Reads with an outcome of its own, and counts.
    struct Source(AtomicUsize);

    impl Source {
        fn read(&self, answer: ProfileAnswer) -> BoxFuture<'static, ProfileAnswer> {
            self.0.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                answer
            }
            .boxed()
        }

        fn count(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn found() -> ProfileAnswer {
        Ok(Some(Arc::new(Profile { name: None, modes: None })))
    }

    const ZERO: SignedDuration = SignedDuration::ZERO;

    #[tokio::test]
    async fn readers_at_once_share_one_call_and_later_ones_while_it_is_fresh() {
        let (readings, source) = (ProfileReadings::default(), Source(AtomicUsize::new(0)));
        let id = LaunchProfileId::from("p");
        let get = |now| readings.get(&id, now, || source.read(found()));
        let (one, other) = futures_util::join!(get(ZERO), get(ZERO));
        assert_eq!((one, other, source.count()), (found(), found(), 1));
        assert_eq!(get(PROFILE_FRESH - SignedDuration::from_nanos(1)).await, found());
        assert_eq!(source.count(), 1);
        assert_eq!(get(PROFILE_FRESH).await, found());
        assert_eq!(source.count(), 2);
    }

    #[tokio::test]
    async fn a_failure_is_told_to_those_who_wait_and_then_forgotten() {
        let (readings, source) = (ProfileReadings::default(), Source(AtomicUsize::new(0)));
        let id = LaunchProfileId::from("p");
        let failing = || source.read(Err(garbled(Call::GetLaunchProfile, "no")));
        let (one, other) =
            futures_util::join!(readings.get(&id, ZERO, failing), readings.get(&id, ZERO, failing));
        assert!(one.is_err() && other.is_err());
        assert_eq!(source.count(), 1);
        assert_eq!(readings.get(&id, ZERO, || source.read(found())).await, found());
        assert_eq!(source.count(), 2);
    }
}

//! A policy in force, with the loops that follow it.
//!
//! When another policy takes its place the loops of the old one end as they do at the end of the
//! program: no new call begins, those in flight are waited for, and what has no answer by then is
//! recorded so. Only then do the loops of the new one begin, from what the log says.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use jiff::SignedDuration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::asking::Asking;
use super::vitals::Vitals;
use super::{AFTER_PANIC, Ledger, studio, switches};
use crate::audit::record::Journal;
use crate::clock::Clock;
use crate::execute::{Gate, Workshop};
use crate::policy::{Policy, StudioPolicy};
use crate::provider::Provider;
use crate::provider::gate::{Gated, Gates};
use crate::switch::Switchboard;
use crate::veto::Vetoes;

/// How soon a request is looked at again that could not be recorded: who says stop must not wait for the
/// next one who does.
const REQUEST_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// Reaches a studio; it must not wait for it.
type Connect = dyn Fn(&StudioPolicy) -> Arc<dyn Provider> + Send + Sync;

/// What all generations share.
pub(super) struct Grounds {
    pub(super) ledger: Arc<Ledger>,
    pub(super) vitals: Arc<Vitals>,
    pub(super) clock: Arc<dyn Clock>,
    /// The end of the program.
    pub(super) ending: CancellationToken,
    pub(super) vetoes: Arc<dyn Vetoes>,
    pub(super) switchboard: Option<Arc<dyn Switchboard>>,
    pub(super) gates: Arc<Gates>,
    pub(super) connect: Box<Connect>,
}

impl fmt::Debug for Grounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grounds").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

impl Grounds {
    /// What each studio of a policy is looked after with, until `ending`.
    pub(super) fn workshops(
        &self,
        policy: &Arc<Policy>,
        ending: &CancellationToken,
    ) -> Vec<Workshop> {
        let workshop = |studio: &StudioPolicy| {
            let lane = self.gates.lane(&studio.id, &studio.connection, policy.daemon.concurrency);
            Workshop {
                policy: Arc::clone(policy),
                studio: Arc::new(studio.clone()),
                provider: Arc::new(Gated::new((self.connect)(studio), Arc::clone(&lane))),
                journal: Arc::clone(&self.ledger) as Arc<dyn Journal>,
                gate: Arc::clone(&self.ledger) as Arc<dyn Gate>,
                clock: Arc::clone(&self.clock),
                permits: lane,
                ending: ending.clone(),
            }
        };
        let workshops = policy.studios.values().map(workshop).collect();
        self.gates.forget_unused();
        workshops
    }

    /// Takes what people have asked for until now.
    pub(super) async fn hear(&self, policy: &Policy) {
        if let Some(switchboard) = &self.switchboard {
            switches::take(switchboard.as_ref(), &self.ledger, policy, self.clock.as_ref()).await;
        }
    }

    /// Takes what people ask for, until `ending`.
    pub(super) fn listen(
        &self,
        policy: &Arc<Policy>,
        ending: &CancellationToken,
    ) -> Option<impl Future<Output = ()> + Send + 'static> {
        let hearing = Hearing {
            switchboard: self.switchboard.clone()?,
            policy: Arc::clone(policy),
            ledger: Arc::clone(&self.ledger),
            clock: Arc::clone(&self.clock),
            ending: ending.clone(),
        };
        Some(hearing.go_on())
    }
}

/// Where people are heard, and what they say is told.
struct Hearing {
    switchboard: Arc<dyn Switchboard>,
    policy: Arc<Policy>,
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    ending: CancellationToken,
}

impl Hearing {
    /// Listens, and after a panic again: who says stop is to be heard.
    async fn go_on(self) {
        while AssertUnwindSafe(self.listen()).catch_unwind().await.is_err() {
            tracing::error!("what people ask for is heard no longer; it is again in a minute");
            let pause = self.clock.sleep(AFTER_PANIC);
            if self.ending.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    async fn listen(&self) {
        let Self { switchboard, policy, ledger, clock, ending } = self;
        // What could not be recorded, also before this began, is not forgotten until somebody says
        // something else.
        let mut are_taken = false;
        loop {
            let wait = async {
                tokio::select! {
                    biased;
                    () = switchboard.wait() => {}
                    () = clock.sleep(REQUEST_AGAIN), if !are_taken => {}
                }
            };
            if ending.run_until_cancelled(wait).await.is_none() {
                return;
            }
            are_taken = switches::take(switchboard.as_ref(), ledger, policy, clock.as_ref()).await;
        }
    }
}

/// The loops of one policy.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) policy: Arc<Policy>,
    ending: CancellationToken,
    studios: JoinSet<()>,
}

impl Generation {
    /// Begins to look after the studios of a policy.
    pub(super) fn begin(policy: Arc<Policy>, grounds: &Grounds) -> Self {
        let ending = grounds.ending.child_token();
        grounds.vitals.in_force(&policy);
        let mut studios = JoinSet::new();
        for workshop in grounds.workshops(&policy, &ending) {
            let (ledger, vitals) = (Arc::clone(&grounds.ledger), Arc::clone(&grounds.vitals));
            studios.spawn(look_after(workshop, ledger, vitals, Arc::clone(&grounds.vetoes)));
        }
        if let Some(listening) = grounds.listen(&policy, &ending) {
            studios.spawn(listening);
        }
        Self { policy, ending, studios }
    }

    /// Waits until every loop has ended.
    pub(super) async fn ended(&mut self) {
        while let Some(ended) = self.studios.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a studio is looked after no longer");
            }
        }
    }

    /// Tells every loop to end, and waits until all have and all that they did is known.
    pub(super) async fn end(mut self, ledger: &Ledger) {
        self.ending.cancel();
        self.ended().await;
        ledger.settled().await;
    }
}

/// Runs the loop of a studio until its generation ends. A loop that panics is begun again: everything it
/// knew is in the log, and the others go on meanwhile.
async fn look_after(
    workshop: Workshop,
    ledger: Arc<Ledger>,
    vitals: Arc<Vitals>,
    vetoes: Arc<dyn Vetoes>,
) {
    let looks = Arc::clone(&vitals);
    loop {
        let (ledger, vitals) = (Arc::clone(&ledger), Arc::clone(&vitals));
        let asking = Asking::new(Arc::clone(&vetoes));
        let studio = studio::Studio::new(workshop.clone(), ledger, vitals, asking);
        let id = &workshop.studio.id;
        let Err(error) = tokio::spawn(studio.run()).await else { return looks.pulse.ends(id) };
        looks.pulse.rests(id, AFTER_PANIC, workshop.clock.monotonic());
        let studio = workshop.studio.label();
        tracing::error!(studio, %error, "the loop of a studio ended by itself; it begins again");
        let pause = workshop.clock.sleep(AFTER_PANIC);
        if workshop.ending.run_until_cancelled(pause).await.is_none() {
            return looks.pulse.ends(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::future::BoxFuture;

    use super::*;
    use crate::audit::MemoryJournal;
    use crate::audit::replay::Replay;
    use crate::clock::SimulatedClock;
    use crate::config;
    use crate::switch::{MemorySwitchboard, Request, Wish};

    /// One at which nobody can wait the first time.
    #[derive(Debug, Default)]
    struct Startling {
        inner: MemorySwitchboard,
        has_broken: AtomicBool,
    }

    impl Switchboard for Startling {
        fn waiting(&self) -> BoxFuture<'_, Vec<Request>> {
            self.inner.waiting()
        }

        fn taken(&self, request: &Request) -> BoxFuture<'_, ()> {
            self.inner.taken(request)
        }

        fn refused(&self, request: &Request, why: String) -> BoxFuture<'_, ()> {
            self.inner.refused(request, why)
        }

        fn wait(&self) -> BoxFuture<'_, ()> {
            assert!(self.has_broken.swap(true, Ordering::Relaxed), "it is made to panic");
            self.inner.wait()
        }
    }

    #[tokio::test]
    async fn who_panics_while_listening_listens_again_a_minute_later() {
        let clock = SimulatedClock::new("2026-11-20T04:00:00Z".parse().unwrap());
        let journal = Arc::new(MemoryJournal::new());
        let ledger = Arc::new(Ledger::new(journal as Arc<dyn Journal>, Replay::default()));
        let switchboard = Arc::new(Startling::default());
        let policy = "version = 1\n[audit]\npath = \"audit.jsonl\"\n[[studio]]\nid = \"us-west-2:stid-EXAMPLE11111\"\n";
        let loaded = config::parse("policy.toml", policy, Path::new(""));
        let hearing = Hearing {
            switchboard: Arc::clone(&switchboard) as Arc<dyn Switchboard>,
            policy: Arc::new(
                loaded.unwrap_or_else(|found| panic!("{}", found.render(false))).policy,
            ),
            ledger: Arc::clone(&ledger),
            clock: Arc::new(clock.clone()),
            ending: CancellationToken::new(),
        };
        let now = clock.now();
        let until = now + SignedDuration::from_hours(1);
        let wish = Wish::Pause { studio: None, until, note: None };
        switchboard.inner.add(Request { id: "1".to_owned(), at: now, who: "ada".to_owned(), wish });
        drop(tokio::spawn(hearing.go_on()));
        let is_paused = || ledger.with(&"any".into(), |past| past.history.paused.is_some());
        clock.drive(now + SignedDuration::from_secs(59)).await;
        assert!(!is_paused());
        clock.drive(now + SignedDuration::from_secs(70)).await;
        assert!(is_paused());
    }
}

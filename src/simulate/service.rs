//! The service as the daemon meets it: the simulated studio, with faults in between.
//!
//! Each call passes a point of the daemon's life before and after, takes some time, and may go wrong as
//! the weather has it. Before a call that changes something has its effect, it is judged by `judge`.

use std::fmt;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use super::disk::DiskHandle;
use super::faults::Fault;
use super::ground::{Call, Ground, LateCall, US, locked};
use super::lifeline::Lifeline;
use super::people;
use super::rules::{ACCOUNT, STUDIO};
use super::{disguise, judge};
use crate::clock::Clock;
use crate::ids::SessionId;
use crate::inventory::{Gap, Problem, Session, Snapshot, Wanted, clocks_apart};
use crate::plan::Action;
use crate::provider::direct::Direct;
use crate::provider::{Accepted, ClientToken, Provider, ProviderError};

/// The studio through the weather.
pub(super) struct Service {
    ground: Arc<Ground>,
    direct: Direct,
    lifeline: Arc<Lifeline>,
    disk: DiskHandle,
    /// Listings of the last minutes with their instants, for those that lag behind.
    listings: Mutex<Vec<(Timestamp, Snapshot)>>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

/// The faults of a call that has no effect, and how it is answered.
const REFUSALS: &[(Fault, Problem)] = &[
    (Fault::Throttled, Problem::Throttled),
    (Fault::ServerError, Problem::ServerError),
    (Fault::TimedOut, Problem::TimedOut),
    (Fault::Unreachable, Problem::Unreachable),
    (Fault::Denied, Problem::Denied),
    (Fault::Expired, Problem::CredentialsExpired),
];

/// How often a studio may be listed in an hour: each life begins with it, and each session has its instants.
const LISTS_MAX: usize = 300;
/// How often one session may be read in an hour: before each call, and at each look where the list is refused.
const READS_MAX: usize = 60;
/// How often it may be asked for in an hour that one session stops, or its mark.
const STOPS_MAX: usize = 12;
/// How often one session may really stop in an hour, whoever starts it in between.
const STOPPED_MAX: usize = 4;
/// The same for a start: a rescue that comes to nothing is made again within two minutes.
const STARTS_MAX: usize = 30;

/// How many listings are kept.
const LISTINGS_MAX: usize = 4;

impl Service {
    pub(super) fn new(ground: Arc<Ground>, lifeline: Arc<Lifeline>, disk: DiskHandle) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ground.service.clone());
        let direct = Direct::new(STUDIO.into(), Arc::clone(&ground.world), clock, US);
        Self { ground, direct, lifeline, disk, listings: Mutex::default() }
    }

    /// The time that a call takes on its way.
    async fn travel(&self) {
        self.lifeline.point().await;
        let slow = self.ground.strikes(Fault::SlowAnswer);
        let millis = self.ground.draw(|chance| chance.between(20, 900));
        let millis = if slow { millis * 30 } else { millis };
        self.ground.clock.sleep(SignedDuration::from_millis(millis)).await;
        self.lifeline.point().await;
    }

    fn refusal(&self) -> Option<Problem> {
        let strikes = |(fault, _): &&(Fault, Problem)| self.ground.strikes(*fault);
        REFUSALS.iter().find(strikes).map(|(_, problem)| *problem)
    }

    async fn list(&self) -> Snapshot {
        self.ground.asks(Call::List, LISTS_MAX);
        let began = self.ground.clock.now();
        self.travel().await;
        if let Some(problem) = self.refusal() {
            locked(&self.ground.shown).is_doubtful = true;
            return unread(began, problem);
        }
        drop(self.ground.world());
        let mut snapshot = self.direct.observe().await;
        snapshot.began = began;
        let mut shows = self.ground.service.now();
        let stale = self.remember(&snapshot, shows);
        if let Some((at, stale)) = stale.filter(|_| self.ground.strikes(Fault::StaleList)) {
            (shows, snapshot) = (at, Snapshot { began, ..stale });
        }
        disguise::snapshot(&self.ground, &mut snapshot);
        snapshot.clock_ahead = self.ground.clock_ahead();
        snapshot.gaps.extend(snapshot.clock_ahead.and_then(clocks_apart));
        self.travel().await;
        let is_whole = snapshot.gaps.is_empty() && snapshot.accounts == [ACCOUNT.into()];
        let mut shown = locked(&self.ground.shown);
        shown.is_doubtful = !is_whole;
        if is_whole {
            shown.whole_at = Some(self.ground.service.now());
            shown.shows = Some(shows);
        }
        snapshot
    }

    /// Keeps a listing, and gives the oldest that is kept.
    fn remember(&self, snapshot: &Snapshot, at: Timestamp) -> Option<(Timestamp, Snapshot)> {
        if locked(&self.ground.weather).is_calm() {
            return None;
        }
        let mut listings = locked(&self.listings);
        listings.push((at, snapshot.clone()));
        if listings.len() > LISTINGS_MAX {
            listings.remove(0);
        }
        listings.first().cloned()
    }

    async fn look(&self, id: &SessionId) -> Result<Session, ProviderError> {
        self.ground.asks(Call::Read(id.to_string()), READS_MAX);
        people::race(&self.ground, id.as_str());
        self.travel().await;
        if let Some(problem) = self.refusal() {
            return Err(failed("GetStreamingSession", problem));
        }
        drop(self.ground.world());
        let mut session = self.direct.read(id).await?;
        locked(&self.ground.looked).insert(id.to_string(), self.ground.service.now());
        disguise::session(&self.ground, &mut session);
        people::race(&self.ground, id.as_str());
        self.travel().await;
        Ok(session)
    }

    async fn change(
        &self,
        action: Action,
        session: &Session,
        token: &ClientToken,
    ) -> Result<Accepted, ProviderError> {
        let operation = match action {
            Action::Stop => "StopStreamingSession",
            Action::Start => "StartStreamingSession",
        };
        let most = if action == Action::Stop { STOPS_MAX } else { STARTS_MAX };
        self.ground.asks(Call::Change(action, session.id.to_string()), most);
        self.lifeline.point().await;
        judge::call(&self.ground, &self.disk, action, session.id.as_str(), &token.0);
        self.travel().await;
        if let Some(problem) = self.refusal() {
            return Err(failed(operation, problem));
        }
        if self.ground.strikes(Fault::LateEffect) {
            self.put_off(action, session, token);
            return Err(failed(operation, Problem::TimedOut));
        }
        drop(self.ground.world());
        let answer = match action {
            Action::Stop => self.direct.stop(session, token).await,
            Action::Start => self.direct.start(session, token).await,
        };
        if answer.is_ok() && action == Action::Stop {
            // A machine must not go off and on all night.
            self.ground.asks(Call::Stopped(session.id.to_string()), STOPPED_MAX);
        }
        self.travel().await;
        if answer.is_ok() && self.ground.strikes(Fault::LostAnswer) {
            let lost = [Problem::TimedOut, Problem::ServerError, Problem::Garbled];
            return Err(failed(operation, self.ground.draw(|chance| chance.one_of(&lost))));
        }
        answer
    }

    /// The service carries the call out when nobody waits for it any more.
    fn put_off(&self, action: Action, session: &Session, token: &ClientToken) {
        let later = self.ground.draw(|chance| chance.between(1, 60));
        locked(&self.ground.late).push(LateCall {
            at: self.ground.service.now() + SignedDuration::from_secs(later),
            action,
            session: session.id.to_string(),
            token: token.0.clone(),
            retains: session.retains_volumes,
        });
    }

    async fn mark(&self, session: &Session, key: &str, value: &str) -> Result<(), ProviderError> {
        self.ground.asks(Call::Mark(session.id.to_string()), STOPS_MAX);
        self.lifeline.point().await;
        judge::mark(&self.ground, session.id.as_str(), value);
        self.travel().await;
        if let Some(problem) = self.refusal() {
            return Err(failed("TagResource", problem));
        }
        drop(self.ground.world());
        let answer = self.direct.tag(session, key, value).await;
        self.travel().await;
        answer
    }
}

fn failed(operation: &'static str, problem: Problem) -> ProviderError {
    let detail = "a fault on purpose".to_owned();
    ProviderError { problem, operation, detail, request_id: None }
}

fn unread(began: Timestamp, problem: Problem) -> Snapshot {
    let detail = "a fault on purpose".to_owned();
    Snapshot::unread(began, vec![Gap { wanted: Wanted::Sessions, problem, detail }])
}

impl Provider for Service {
    fn observe(&self) -> BoxFuture<'_, Snapshot> {
        Box::pin(self.list())
    }

    fn read<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Session, ProviderError>> {
        Box::pin(self.look(session))
    }

    fn stop<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        Box::pin(self.change(Action::Stop, session, token))
    }

    fn start<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        Box::pin(self.change(Action::Start, session, token))
    }

    fn tag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.mark(session, key, value))
    }

    fn untag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.ground.find("no call that nothing asks for", format!("{} loses {key}", session.id));
        self.direct.untag(session, key)
    }
}

//! The adapter to the studio service: the only place in the program that names the SDK.
//!
//! It speaks the API of 2020-08-01 and translates everything peculiar to it before it answers. It
//! knows nothing of policy beyond how a studio is reached, and it decides nothing: what it could not
//! learn it says. Start with [`Connections`], then [`NimbleStudio`]; the rule that matters most is in
//! `stopping`.

mod administer;
mod calls;
mod clocks;
mod connect;
mod directory;
mod errors;
mod examine;
mod http;
mod iam;
mod members;
mod observe;
mod pages;
mod patience;
mod profiles;
mod shape;
mod stand_in;
pub(in crate::provider) mod stopping;
mod time;
mod translate;

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_nimble::Client;
use aws_sdk_nimble::operation::RequestId;
use aws_sdk_nimble::types::{StreamingSession, VolumeRetentionMode};
use futures_util::future::{BoxFuture, join};
use futures_util::{FutureExt, TryFutureExt};
use jiff::SignedDuration;

pub use administer::STOPPED_LENGTH_MAX;
pub use calls::{Call, Caller};
pub use connect::Connections;
pub use directory::NimbleDirectory;
pub use examine::{Examined, Tried};
pub use iam::{Place, policy as iam_policy};
pub use stand_in::{Answer, StandIn};

use crate::clock::Clock;
use crate::ids::{AccountId, LaunchProfileId, SessionId, StudioId};
use crate::inventory::{Problem, Session, Snapshot, clocks_apart};
use crate::provider::{Accepted, ClientToken, Provider, ProviderError};
use connect::{LazyClient, with_own_retries, without_retries};
use errors::{garbled, one_line, provider_error};
use profiles::{ProfileAnswer, ProfileReadings};

/// How long after a call began it is made again with new credentials. What was read before it, and judged, is a minute
/// old at most then.
const RENEWED_WITHIN: SignedDuration = SignedDuration::from_secs(20);

/// One studio of the service.
pub struct NimbleStudio {
    id: StudioId,
    account: Option<AccountId>,
    /// Whether it is to be read what owners are in the studio.
    asks_roles: bool,
    clock: Arc<dyn Clock>,
    shared: Arc<LazyClient>,
    clients: Mutex<Option<Arc<Clients>>>,
    profiles: ProfileReadings,
    /// How often it was probed.
    probes: AtomicU32,
}

/// What a studio makes of the client that it shares.
#[derive(Debug)]
struct Clients {
    /// Which of the shared clients they are made of.
    number: u64,
    /// With the retries of this studio alone.
    reading: Client,
    /// For calls that change something, which are never repeated within a call.
    acting: Client,
}

/// Only the id: a connection may hold what must not reach any output.
impl fmt::Debug for NimbleStudio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NimbleStudio").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Provider for NimbleStudio {
    fn observe(&self) -> BoxFuture<'_, Snapshot> {
        self.read_studio().boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        self.probe_studio().boxed()
    }

    fn read<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Session, ProviderError>> {
        self.read_session(session).boxed()
    }

    fn stop<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        self.stop_session(session, token).boxed()
    }

    fn start<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        self.start_session(session, token).boxed()
    }

    fn tag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.set_tag(session, key, value).boxed()
    }

    fn untag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.remove_tag(session, key).boxed()
    }
}

impl NimbleStudio {
    fn new(
        id: StudioId,
        account: Option<AccountId>,
        asks_roles: bool,
        clock: Arc<dyn Clock>,
        shared: Arc<LazyClient>,
    ) -> Self {
        let (clients, profiles) = (Mutex::default(), ProfileReadings::default());
        let probes = AtomicU32::default();
        Self { id, account, asks_roles, clock, shared, clients, profiles, probes }
    }

    async fn clients(&self) -> Arc<Clients> {
        let (number, shared) = self.shared.get().await;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let current = clients.as_ref().filter(|clients| clients.number == number);
        let current = current.cloned().unwrap_or_else(|| {
            let (reading, acting) = (with_own_retries(&shared), without_retries(&shared));
            Arc::new(Clients { number, reading, acting })
        });
        *clients = Some(Arc::clone(&current));
        current
    }

    /// Makes a call that reads something.
    async fn reading<T, Answer>(&self, call: impl Fn(Client) -> Answer) -> Result<T, ProviderError>
    where
        Answer: Future<Output = Result<T, ProviderError>>,
    {
        self.with_credentials(|clients| call(clients.reading.clone())).await
    }

    /// Makes a call that is not repeated, unless it is certain to have had no effect.
    async fn acting<T, Answer>(&self, call: impl Fn(Client) -> Answer) -> Result<T, ProviderError>
    where
        Answer: Future<Output = Result<T, ProviderError>>,
    {
        self.with_credentials(|clients| call(clients.acting.clone())).await
    }

    /// Makes a call, and once more with new credentials where the ones that it was made with had expired, or by the
    /// service's time where ours is another. Either is told before anything is done: of two such calls one at most
    /// has an effect, and both carry the same token.
    async fn with_credentials<T, Answer>(
        &self,
        call: impl Fn(&Clients) -> Answer,
    ) -> Result<T, ProviderError>
    where
        Answer: Future<Output = Result<T, ProviderError>>,
    {
        let clients = self.clients().await;
        let number = clients.number;
        let times = || [self.clock.monotonic(), self.clock.now().as_duration()];
        let [began, began_on_the_wall] = times();
        let is_late = || {
            let [now, now_on_the_wall] = times();
            (now - began).max((now_on_the_wall - began_on_the_wall).abs()) > RENEWED_WITHIN
        };
        let is_apart = || {
            let ahead = self.shared.clocks.ahead_since(began);
            ahead.and_then(clocks_apart).is_some()
        };
        let answer = call(&clients).await;
        match answer.as_ref().err().map(|error| error.problem) {
            Some(Problem::CredentialsExpired) => {
                self.shared.renew(number);
                let clients = self.clients().await;
                // A disk that hangs may have held the new ones, and what was looked at before the call is old.
                if is_late() {
                    return answer;
                }
                call(&clients).await
            }
            // It was signed by our clock, and the service has another time: by the answer the SDK learns of it, for
            // this client.
            Some(Problem::Denied) if is_apart() && !is_late() => call(&clients).await,
            // Nothing was sent. The next call looks for credentials afresh, in files that may have been
            // put right since.
            Some(Problem::NoCredentials) => {
                self.shared.renew(number);
                answer
            }
            _ => answer,
        }
    }

    /// Reads the studio alone, or a launch profile, in a single attempt: by turns, since a service may have recovered
    /// but for one operation.
    async fn probe_studio(&self) -> Result<(), ProviderError> {
        if self.probes.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            return self.probe_profiles().await;
        }
        let output = self.acting(|client| {
            let call = client.get_studio().studio_id(self.id.as_str());
            let answer = call.send().map_err(|error| provider_error(Call::GetStudio, &error));
            self.shared.measured(Call::GetStudio, answer)
        });
        output.await.map(drop)
    }

    async fn probe_profiles(&self) -> Result<(), ProviderError> {
        const OPERATION: Call = Call::ListLaunchProfiles;
        let output = self.acting(|client| {
            let call = client.list_launch_profiles().studio_id(self.id.as_str()).max_results(1);
            let answer = call.send().map_err(|error| provider_error(OPERATION, &error));
            self.shared.measured(OPERATION, answer)
        });
        output.await.map(drop)
    }

    async fn read_session(&self, id: &SessionId) -> Result<Session, ProviderError> {
        const OPERATION: Call = Call::GetStreamingSession;
        let output = self.reading(|client| {
            let call =
                client.get_streaming_session().studio_id(self.id.as_str()).session_id(id.as_str());
            let answer = call.send().map_err(|error| provider_error(OPERATION, &error));
            self.shared.measured(OPERATION, answer)
        });
        let answer =
            output.await?.session.ok_or_else(|| garbled(OPERATION, "there is no session in it"))?;
        let profile = async {
            // Without it the session is not stopped; but it may have to be started, for which nobody needs it.
            let id = answer.launch_profile_id.as_deref()?;
            unread(self.read_profile(&id.into()).await)
        };
        // The same: whose owner's role is not known is kept where a rule goes by that.
        let owner = answer.owned_by.clone().map(Into::into);
        let role = async { unread(self.read_role(owner.as_ref()).await) };
        // At once, since a rescue waits for both, however long they take.
        let (profile, studio_role) = join(profile, role).await;
        let session = translate::session(answer, profile.as_deref())
            .filter(|session| session.id == *id)
            .ok_or_else(|| garbled(OPERATION, "it is about another session"))?;
        let account = session.arn.as_deref().and_then(translate::account);
        if self.account.is_some() && account.is_some() && account != self.account {
            return Err(garbled(OPERATION, "it is another account's"));
        }
        Ok(Session { studio_role, ..session })
    }

    async fn read_profile(&self, id: &LaunchProfileId) -> ProfileAnswer {
        self.reading(|client| {
            let shared = Arc::clone(&self.shared);
            let read = || read_profile(client, shared, self.id.clone(), id.clone()).boxed();
            self.profiles.get(id, self.clock.monotonic(), read)
        })
        .await
    }

    /// `RETAIN` is said wherever it means something. Deletion is never said.
    async fn stop_session(
        &self,
        session: &Session,
        token: &ClientToken,
    ) -> Result<Accepted, ProviderError> {
        const OPERATION: Call = Call::StopStreamingSession;
        let retention = session.retains_volumes.then_some(VolumeRetentionMode::Retain);
        let output = self.acting(|client| {
            let call = client
                .stop_streaming_session()
                .studio_id(self.id.as_str())
                .session_id(session.id.as_str())
                .client_token(&token.0)
                .set_volume_retention_mode(retention.clone());
            let answer = call.send().map_err(|error| provider_error(OPERATION, &error));
            self.shared.measured(OPERATION, answer)
        });
        let output = output.await?;
        let request_id = output.request_id().map(one_line);
        accepted(OPERATION, session, output.session, request_id)
    }

    async fn start_session(
        &self,
        session: &Session,
        token: &ClientToken,
    ) -> Result<Accepted, ProviderError> {
        const OPERATION: Call = Call::StartStreamingSession;
        let output = self.acting(|client| {
            let call = client
                .start_streaming_session()
                .studio_id(self.id.as_str())
                .session_id(session.id.as_str())
                .client_token(&token.0);
            let answer = call.send().map_err(|error| provider_error(OPERATION, &error));
            self.shared.measured(OPERATION, answer)
        });
        let output = output.await?;
        let request_id = output.request_id().map(one_line);
        accepted(OPERATION, session, output.session, request_id)
    }

    async fn set_tag(
        &self,
        session: &Session,
        key: &str,
        value: &str,
    ) -> Result<(), ProviderError> {
        const OPERATION: Call = Call::TagResource;
        let arn = arn(OPERATION, session)?;
        let output = self.acting(|client| {
            let call = client.tag_resource().resource_arn(arn).tags(key, value);
            let answer = call.send().map_err(|error| provider_error(OPERATION, &error));
            self.shared.measured(OPERATION, answer)
        });
        output.await.map(drop)
    }

    async fn remove_tag(&self, session: &Session, key: &str) -> Result<(), ProviderError> {
        const OPERATION: Call = Call::UntagResource;
        let arn = arn(OPERATION, session)?;
        let output = self.acting(|client| {
            let call = client.untag_resource().resource_arn(arn).tag_keys(key);
            let answer = call.send().map_err(|error| provider_error(OPERATION, &error));
            self.shared.measured(OPERATION, answer)
        });
        output.await.map(drop)
    }
}

/// What could not be read is not known.
fn unread<T>(answer: Result<Option<T>, ProviderError>) -> Option<T> {
    answer.unwrap_or_else(|error| {
        tracing::warn!(%error, "a part of a session that was read again is not known");
        None
    })
}

/// A profile that is not there is an answer: its sessions are left in doubt, and not unread.
async fn read_profile(
    client: Client,
    shared: Arc<LazyClient>,
    studio: StudioId,
    id: LaunchProfileId,
) -> ProfileAnswer {
    const OPERATION: Call = Call::GetLaunchProfile;
    let call =
        client.get_launch_profile().studio_id(studio.as_str()).launch_profile_id(id.as_str());
    let answer = call.send().map_err(|error| provider_error(OPERATION, &error));
    match shared.measured(OPERATION, answer).await {
        Ok(output) => {
            let answer = output
                .launch_profile
                .filter(|profile| profile.launch_profile_id.as_deref() == Some(id.as_str()))
                .ok_or_else(|| garbled(OPERATION, "it is about another launch profile"))?;
            Ok(Some(Arc::new(translate::profile(answer))))
        }
        Err(error) if error.problem == Problem::Gone => Ok(None),
        Err(error) => Err(error),
    }
}

fn accepted(
    call: Call,
    asked: &Session,
    answer: Option<StreamingSession>,
    request_id: Option<String>,
) -> Result<Accepted, ProviderError> {
    match answer.and_then(|answer| translate::answered(answer, asked)) {
        Some(session) => Ok(Accepted { session, request_id }),
        None => {
            let error = garbled(call, "it is not about the session");
            Err(ProviderError { request_id, ..error })
        }
    }
}

fn arn(call: Call, session: &Session) -> Result<&str, ProviderError> {
    session.arn.as_deref().ok_or_else(|| ProviderError {
        problem: Problem::Refused,
        operation: call.name(),
        detail: "the session came without an ARN to name it by".to_owned(),
        request_id: None,
    })
}

#[cfg(test)]
mod tests;

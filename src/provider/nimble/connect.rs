//! Clients of the SDK: one for each distinct connection, made at its first call.
//!
//! Nothing here reaches the network by itself. Credentials are asked for by the first call of each
//! client, so that what is wrong with one connection is a problem of its own studios only.

use std::collections::BTreeMap;
use std::env;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_nimble::Client;
use aws_sdk_nimble::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_nimble::config::timeout::TimeoutConfig;
use aws_sdk_nimble::config::{
    Builder, SharedCredentialsProvider, SharedHttpClient, StalledStreamProtectionConfig,
};
use tokio::sync::OnceCell;

use super::calls::Call;
use super::clocks::Clocks;
use super::http::BoundedHttp;
use super::patience::Patience;
use super::stand_in::StandIn;
use super::time::SdkTime;
use super::{NimbleDirectory, NimbleStudio};
use crate::clock::Clock;
use crate::policy::{Connection, StudioPolicy, is_loopback};
use crate::provider::{Meter, ProviderError};

/// How long a connection may take to be made. The SDK's own default, named.
const CONNECT_WAIT: Duration = Duration::from_millis(3100);

/// How long one attempt may take: credentials, sending, and reading the answer whole.
const ATTEMPT_WAIT: Duration = Duration::from_secs(10);

/// How long a call may take, with all its attempts and the pauses between them.
const CALL_WAIT: Duration = Duration::from_secs(30);

/// How long credentials may take. It is shorter than [`ATTEMPT_WAIT`], so that a machine without any
/// says that it has none, rather than that the service did not answer.
const CREDENTIALS_WAIT: Duration = Duration::from_secs(8);

/// How often a call is attempted, unless everything fails; see `patience`. The loop comes round again
/// anyway.
const ATTEMPTS_MAX: u32 = 3;

/// The role session name: it makes our own stops recognisable in the service's records.
const ROLE_SESSION_NAME: &str = "lightsout";

/// The key with which calls to a sandbox are signed. It opens nothing.
const SANDBOX_KEY: (&str, &str) = ("SANDBOX", "sandbox");

/// Every connection of the program.
#[derive(Debug)]
pub struct Connections {
    clock: Arc<dyn Clock>,
    http: SharedHttpClient,
    /// Weak, so that a connection that no studio uses any more goes with its credentials.
    clients: Mutex<BTreeMap<Connection, Weak<LazyClient>>>,
    meter: Option<Arc<dyn Meter>>,
}

impl Connections {
    /// No connection yet. All time of all calls is `clock`'s.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::over(clock, None)
    }

    /// No connection, ever: every request is answered by `stand_in`, whatever its endpoint.
    #[must_use]
    pub fn answered_by(clock: Arc<dyn Clock>, stand_in: Arc<dyn StandIn>) -> Self {
        Self::over(clock, Some(stand_in))
    }

    fn over(clock: Arc<dyn Clock>, stand_in: Option<Arc<dyn StandIn>>) -> Self {
        let http = SharedHttpClient::new(BoundedHttp::new(Arc::clone(&clock), stand_in));
        Self { clock, http, clients: Mutex::default(), meter: None }
    }

    /// Each call of a studio is told to this meter.
    #[must_use]
    pub fn metered(self, meter: Arc<dyn Meter>) -> Self {
        Self { meter: Some(meter), ..self }
    }

    /// The studio, over the connection that it shares with all studios of the same account, region,
    /// endpoint, role and profile. Nothing is called and no file is read before its first call.
    #[must_use]
    pub fn connect(&self, studio: &StudioPolicy) -> NimbleStudio {
        let client = self.client(&studio.connection);
        NimbleStudio::new(
            studio.id.clone(),
            studio.connection.account.clone(),
            studio.asks_roles,
            Arc::clone(&self.clock),
            client,
        )
    }

    /// Which studios a connection's credentials can see in its region. Nothing is called before it is
    /// asked.
    #[must_use]
    pub fn directory(&self, connection: &Connection) -> NimbleDirectory {
        NimbleDirectory::new(Arc::clone(&self.clock), self.client(connection))
    }

    fn client(&self, connection: &Connection) -> Arc<LazyClient> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|_, client| client.strong_count() > 0);
        if let Some(client) = clients.get(connection).and_then(Weak::upgrade) {
            return client;
        }
        let client = Arc::new(LazyClient {
            connection: connection.clone(),
            clock: Arc::clone(&self.clock),
            http: self.http.clone(),
            patience: Patience::default(),
            clocks: Clocks::new(Arc::clone(&self.clock)),
            meter: self.meter.clone(),
            current: Mutex::default(),
        });
        clients.insert(connection.clone(), Arc::downgrade(&client));
        client
    }
}

/// A client that is made when it is first needed, and made anew when its credentials are no good any
/// more.
#[derive(Debug)]
pub(super) struct LazyClient {
    connection: Connection,
    clock: Arc<dyn Clock>,
    http: SharedHttpClient,
    patience: Patience,
    pub(super) clocks: Clocks,
    meter: Option<Arc<dyn Meter>>,
    current: Mutex<Arc<Generation>>,
}

/// One of the clients that a connection has had.
#[derive(Debug, Default)]
struct Generation {
    number: u64,
    client: OnceCell<Client>,
}

impl LazyClient {
    /// The client, and which of them it is.
    pub(super) async fn get(&self) -> (u64, Client) {
        let current = Arc::clone(&self.current());
        let client = current.client.get_or_init(|| self.make()).await;
        (current.number, client.clone())
    }

    /// The client of this number is of no use any more: the next is made from shared configuration
    /// files that are read again, without any credentials that were remembered. Of all who find that out
    /// at once only the first changes anything.
    pub(super) fn renew(&self, number: u64) {
        let mut current = self.current();
        if current.number == number {
            *current = Arc::new(Generation { number: number + 1, client: OnceCell::new() });
        }
    }

    /// Makes a call, and tells the meter what came of it.
    pub(super) async fn measured<T>(
        &self,
        operation: Call,
        call: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let Some(meter) = &self.meter else { return call.await };
        let began = self.clock.monotonic();
        let answer = call.await;
        let outcome = answer.as_ref().map(drop).map_err(|error| error.problem);
        meter.called(operation.name(), outcome, self.clock.monotonic() - began);
        answer
    }

    fn current(&self) -> MutexGuard<'_, Arc<Generation>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn make(&self) -> Client {
        // Shared configuration files are read here, which takes real time.
        let _hold = self.clock.hold("shared configuration");
        let shared = self.shared_config().await;
        let mut builder = Builder::from(&shared)
            .interceptor(self.patience.clone())
            .interceptor(self.clocks.clone())
            .retry_classifier(self.patience.clone());
        // Set here and not on the shared configuration, which is STS's as well.
        if let Some(url) = &self.connection.endpoint_url {
            builder = builder.endpoint_url(url);
        }
        if let Some(role) = &self.connection.role_arn {
            builder = builder.credentials_provider(self.assume(role, &shared).await);
        }
        Client::from_conf(builder.build())
    }

    async fn shared_config(&self) -> SdkConfig {
        let time = SdkTime(Arc::clone(&self.clock));
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.connection.region.as_str().to_owned()))
            .http_client(self.http.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
            .timeout_config(timeouts())
            .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_WAIT).build())
            // It measures throughput, which says nothing of answers this small; the timeout of an
            // attempt already bounds how long one may dribble.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .time_source(time.clone())
            .sleep_impl(time);
        if let Some(profile) = &self.connection.profile {
            loader = loader.profile_name(profile).credentials_provider(self.only(profile));
        }
        if signs_as_sandbox(&self.connection, |name| env::var(name).ok()) {
            loader = loader.credentials_provider(sandbox_credentials());
        }
        loader.load().await
    }

    /// The credentials of a profile, and no others. The SDK's own chain would ask the environment first, and this
    /// machine's role where the name is mistyped: an administrator's keys, where the policy names narrow ones.
    fn only(&self, profile: &str) -> ProfileFileCredentialsProvider {
        let time = SdkTime(Arc::clone(&self.clock));
        let config = ProviderConfig::without_region()
            .with_region(Some(Region::new(self.connection.region.as_str().to_owned())))
            .with_http_client(self.http.clone())
            .with_time_source(time.clone())
            .with_sleep_impl(time);
        ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile).build()
    }

    async fn assume(&self, role: &str, shared: &SdkConfig) -> SharedCredentialsProvider {
        let mut provider =
            AssumeRoleProvider::builder(role).session_name(ROLE_SESSION_NAME).configure(shared);
        if let Some(external_id) = &self.connection.external_id {
            provider = provider.external_id(&external_id.0);
        }
        SharedCredentialsProvider::new(provider.build().await)
    }
}

/// The client of one studio. Connections and credentials stay those of `shared`; but a studio that
/// fails must not use up the retries of the others.
pub(super) fn with_own_retries(shared: &Client) -> Client {
    let partition = RetryPartition::custom("lightsout").build();
    Client::from_conf(shared.config().to_builder().retry_partition(partition).build())
}

/// The client for calls that change something: one attempt each. The SDK would repeat a call whose
/// answer was lost and then report only the answer to the repetition, such as a conflict with its own
/// first effect. The loop above repeats such a call itself, under the same token, and knows that it does.
pub(super) fn without_retries(shared: &Client) -> Client {
    Client::from_conf(shared.config().to_builder().retry_config(RetryConfig::disabled()).build())
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_WAIT)
        .operation_attempt_timeout(ATTEMPT_WAIT)
        .operation_timeout(CALL_WAIT)
        .build()
}

fn sandbox_credentials() -> Credentials {
    let (id, secret) = SANDBOX_KEY;
    Credentials::new(id, secret, None, None, "sandbox")
}

/// Whether calls are signed with a fixed key: to an endpoint on this very machine, where nobody has
/// configured credentials. A sandbox checks no signature, and trying it must need no account.
fn signs_as_sandbox(connection: &Connection, variable: impl Fn(&str) -> Option<String>) -> bool {
    let said = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let is_configured = connection.profile.is_some()
        || connection.role_arn.is_some()
        || said("AWS_ACCESS_KEY_ID").is_some();
    // The SDK goes by these two only where nobody says that it is not to.
    let is_ignored = || {
        let said = said("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        said.is_some_and(|said| said.trim().eq_ignore_ascii_case("true"))
    };
    let of_environment = || {
        let said = || said("AWS_ENDPOINT_URL_NIMBLE").or_else(|| said("AWS_ENDPOINT_URL"));
        if is_ignored() { None } else { said() }
    };
    let endpoint = connection.endpoint_url.clone().or_else(of_environment);
    !is_configured && endpoint.is_some_and(|url| is_here(&url))
}

fn is_here(url: &str) -> bool {
    let Ok(uri) = url.parse::<hyper::Uri>() else { return false };
    is_loopback(uri.host().unwrap_or_default().trim_matches(['[', ']']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(endpoint: Option<&str>) -> Connection {
        Connection {
            region: "us-west-2".into(),
            account: None,
            role_arn: None,
            external_id: None,
            profile: None,
            endpoint_url: endpoint.map(str::to_owned),
        }
    }

    #[test]
    fn only_an_endpoint_on_this_machine_without_credentials_is_signed_as_a_sandbox() {
        let nothing = |_: &str| None;
        for (endpoint, expected) in [
            (Some("http://127.0.0.1:9471"), true),
            (Some("http://127.8.8.8"), true),
            (Some("http://[::1]:9471/"), true),
            (Some("http://LOCALHOST:1"), true),
            (Some("http://film.localhost:1"), true),
            (Some("https://nimble.us-west-2.amazonaws.com"), false),
            (Some("http://127.0.0.1.example.com"), false),
            (Some("http://10.0.0.1:9471"), false),
            (Some("nonsense\n"), false),
            (None, false),
        ] {
            let actual = signs_as_sandbox(&connection(endpoint), nothing);
            assert_eq!(actual, expected, "{endpoint:?}");
        }
    }

    #[test]
    fn configured_credentials_are_never_replaced_by_the_sandbox_key() {
        let here = connection(Some("http://127.0.0.1:9471"));
        let key = |name: &str| (name == "AWS_ACCESS_KEY_ID").then(|| "AKIA".to_owned());
        assert!(!signs_as_sandbox(&here, key));
        let profile = Connection { profile: Some("studio".into()), ..here.clone() };
        assert!(!signs_as_sandbox(&profile, |_| None));
        let role = Connection { role_arn: Some("arn:aws:iam::1:role/a".into()), ..here };
        assert!(!signs_as_sandbox(&role, |_| None));
    }

    #[test]
    fn the_endpoint_of_the_environment_counts_where_none_is_configured() {
        let local = |name: &str| {
            (name == "AWS_ENDPOINT_URL_NIMBLE").then(|| "http://localhost:9471".to_owned())
        };
        assert!(signs_as_sandbox(&connection(None), local));
        assert!(!signs_as_sandbox(&connection(Some("https://example.com")), local));
        // Where the SDK is not to go by it, the call goes to the service itself.
        let ignored = |name: &str| match name {
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" => Some("TRUE".to_owned()),
            _ => local(name),
        };
        assert!(!signs_as_sandbox(&connection(None), ignored));
        let empty = |name: &str| (name == "AWS_ACCESS_KEY_ID").then(String::new);
        assert!(signs_as_sandbox(&connection(Some("http://localhost:9471")), empty));
    }
}

//! The HTTP client under the SDK: every answer is read whole, within a bound, before the SDK sees it.
//!
//! Reading here rather than in the SDK has three uses. An answer over the bound, or of a shape that the
//! SDK had better not read, is an error that is not tried again; the clock is held from the sending of a
//! request to the last byte of its answer; and the SDK's timeout of an attempt covers both. Certificates
//! are loaded when the first `https` request is made, so that a sandbox never pays for them. Connections that left
//! a request without its answer are not used again: over HTTP/2 all requests share one, and one that is dead looks
//! like one that is slow until the system gives it up, a quarter of an hour later.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider as TlsProvider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::shape;
use super::stand_in::{StandIn, stood_in};
use super::time::SdkTime;
use crate::clock::{Clock, Hold};

/// The longest answer that is read, in bytes. A page of a hundred sessions has some 100 kB.
pub(super) const BODY_MAX: usize = 8 * 1024 * 1024;

/// How many idle connections are kept for each host: a little more than a studio's usual
/// concurrency, so that a burst does not end in a burst of handshakes.
const IDLE_CONNECTIONS_MAX: usize = 64;

/// An answer was longer than [`BODY_MAX`].
#[derive(Debug)]
pub(super) struct AnswerTooLarge;

impl fmt::Display for AnswerTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer has more than {BODY_MAX} bytes")
    }
}

impl Error for AnswerTooLarge {}

/// Connections for every client of the adapter, kept open between calls.
#[derive(Debug)]
pub(super) struct BoundedHttp {
    clock: Arc<dyn Clock>,
    stand_in: Option<Arc<dyn StandIn>>,
    /// By the timeouts that the SDK asks for; there are few sets of these.
    connectors: Mutex<HashMap<Timeouts, SharedHttpConnector>>,
}

/// The connect and the read timeout.
type Timeouts = (Option<Duration>, Option<Duration>);

impl BoundedHttp {
    /// Over the network, or with somebody who answers in its place.
    pub(super) fn new(clock: Arc<dyn Clock>, stand_in: Option<Arc<dyn StandIn>>) -> Self {
        Self { clock, stand_in, connectors: Mutex::default() }
    }
}

impl HttpClient for BoundedHttp {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let connector = connectors.entry(timeouts).or_insert_with(|| {
            let way = match &self.stand_in {
                Some(stand_in) => Way::StandIn(Arc::clone(stand_in)),
                None => Way::Network(Arc::new(Network::new(&self.clock, settings.clone()))),
            };
            SharedHttpConnector::new(BoundedConnector { clock: Arc::clone(&self.clock), way })
        });
        connector.clone()
    }
}

#[derive(Debug)]
struct BoundedConnector {
    clock: Arc<dyn Clock>,
    way: Way,
}

/// Where requests go.
#[derive(Debug)]
enum Way {
    Network(Arc<Network>),
    StandIn(Arc<dyn StandIn>),
}

#[derive(Debug)]
struct Network {
    clock: Arc<dyn Clock>,
    settings: HttpConnectorSettings,
    plain: Connector,
    /// While every request that it was used for had its answer.
    secure: Mutex<Option<Arc<Connector>>>,
}

impl Network {
    fn new(clock: &Arc<dyn Clock>, settings: HttpConnectorSettings) -> Self {
        let clock = Arc::clone(clock);
        let plain = builder(&clock, &settings).build_http();
        Self { clock, settings, plain, secure: Mutex::default() }
    }

    fn send(self: &Arc<Self>, request: HttpRequest) -> HttpConnectorFuture {
        if !request.uri().starts_with("https:") {
            let answer = self.plain.call(request);
            return HttpConnectorFuture::new(async move { read_whole(answer.await?).await });
        }
        let used = self.secure();
        let answer = used.call(request);
        let mut waiting = Waiting { network: Arc::clone(self), used: Some(used) };
        HttpConnectorFuture::new(async move {
            let whole = read_whole(answer.await?).await;
            if whole.is_ok() {
                waiting.is_over();
            }
            whole
        })
    }

    /// Only `https` goes through a proxy of the environment: plain requests are for sandboxes and
    /// for the metadata services of the machine itself.
    fn secure(&self) -> Arc<Connector> {
        let connector = || {
            builder(&self.clock, &self.settings)
                .proxy_config(ProxyConfig::from_env())
                .tls_provider(TlsProvider::Rustls(CryptoMode::Ring))
                .build()
        };
        let mut kept = self.secure.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kept.get_or_insert_with(|| Arc::new(connector())))
    }
}

/// A request on its way, over connections that are kept. Where it ends without an answer, in whatever way, new
/// requests get connections of their own; those that are under way go on with theirs.
struct Waiting {
    network: Arc<Network>,
    /// Until it is answered.
    used: Option<Arc<Connector>>,
}

impl Waiting {
    fn is_over(&mut self) {
        self.used = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(used) = &self.used else { return };
        let mut kept = self.network.secure.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take_if(|kept| Arc::ptr_eq(kept, used));
    }
}

fn builder(clock: &Arc<dyn Clock>, settings: &HttpConnectorSettings) -> ConnectorBuilder {
    Connector::builder()
        .connector_settings(settings.clone())
        .sleep_impl(SdkTime(Arc::clone(clock)))
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
}

impl HttpConnector for BoundedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let hold = hold(&*self.clock, &request);
        let answer = match &self.way {
            Way::Network(network) => network.send(request),
            Way::StandIn(stand_in) => {
                let answer = stood_in(&**stand_in, &request);
                HttpConnectorFuture::new(async move { read_whole(answer?).await })
            }
        };
        HttpConnectorFuture::new(async move {
            let whole = answer.await;
            drop(hold);
            whole
        })
    }
}

/// Holds the clock under `INVOCATION/ATTEMPT`, which whoever answers can tell from the headers.
fn hold(clock: &dyn Clock, request: &HttpRequest) -> Hold {
    let headers = request.headers();
    let invocation = headers.get("amz-sdk-invocation-id").unwrap_or_default();
    let attempt = headers.get("amz-sdk-request").and_then(attempt).unwrap_or_default();
    clock.hold(&format!("{invocation}/{attempt}"))
}

fn attempt(header: &str) -> Option<&str> {
    header.split(';').find_map(|part| part.trim().strip_prefix("attempt="))
}

async fn read_whole(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let announced = response.headers().get("content-length").and_then(|text| text.parse().ok());
    if announced.is_some_and(|length: u64| length > BODY_MAX as u64) {
        return Err(ConnectorError::other(AnswerTooLarge.into(), None));
    }
    let body = read_bounded(response.take_body()).await?;
    shape::check(&body).map_err(|shape| ConnectorError::other(shape.into(), None))?;
    let nulls = shape::nulls(&body).map_err(|shape| ConnectorError::other(shape.into(), None))?;
    *response.body_mut() = if nulls.is_empty() {
        SdkBody::from(body)
    } else {
        let mut body = body.to_vec();
        for (at, instead) in nulls {
            body[at..at + instead.len()].copy_from_slice(instead);
        }
        SdkBody::from(body)
    };
    Ok(response)
}

/// An error without a kind is one that the SDK does not try again; a broken connection it does.
async fn read_bounded(body: SdkBody) -> Result<Bytes, ConnectorError> {
    match Limited::new(body, BODY_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(ConnectorError::other(AnswerTooLarge.into(), None))
        }
        Err(error) => Err(ConnectorError::io(error)),
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
    use tokio::net::TcpListener;

    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn connections_that_left_a_request_without_its_answer_are_not_used_again() {
        // It is connected to, and says nothing.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("https://{}/", silent.local_addr().unwrap());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let settings = HttpConnectorSettings::builder().build();
        let network = Arc::new(Network::new(&clock, settings));
        let request = || HttpRequest::get(&uri).unwrap();
        let (first, second) = (network.send(request()), network.send(request()));
        let used = network.secure();
        tokio::select! {
            _ = first => panic!("nobody answers"),
            accepted = silent.accept() => drop(accepted.unwrap()),
        }
        let next = network.secure();
        assert!(!Arc::ptr_eq(&used, &next), "the next request would wait for the same connection");
        // One that was sent before says nothing of the connections that there are by now.
        drop(second);
        assert!(Arc::ptr_eq(&next, &network.secure()));
    }
}

//! An embedded Nimble Studio: a real HTTP/1.1 server on loopback that speaks the wire protocol of
//! Amazon Nimble Studio (2020-08-01) over a simulated studio.
//!
//! It exists so that the whole program can be tried, tested and shown against the real protocol and
//! without an account. It uses nothing else of this crate but the way in which connections are taken
//! in. It must never listen on anything but
//! loopback: whoever reaches it may do what they like with it.
//!
//! [`world`] is the pure state machine and has two doors: this server, and its own methods, through
//! which simulated artists and the tests of the core come in. [`worldfile`] sets a world up from
//! TOML; [`faults`] make the server misbehave, and [`faultplan`] reads them from TOML; [`signature`] tells
//! callers apart; [`requests`] is its log, and [`violation`] what it finds wrong in them.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use lightsout::clock::{Clock, SystemClock};
//! use lightsout::sandbox::{Sandbox, SandboxOptions, worldfile};
//!
//! let system = SystemClock::new();
//! let loaded = worldfile::shipped(system.now())?;
//! let options = SandboxOptions::new(Arc::new(move || system.now())).for_world(&loaded);
//! let sandbox = Sandbox::bind("127.0.0.1:9471".parse()?, loaded.world, options).await?;
//! sandbox.serve(std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

pub mod clock;
pub mod faultplan;
pub mod faults;
pub mod requests;
mod server;
pub mod signature;
pub mod state;
pub mod violation;
mod wire;
pub mod world;
pub mod worldfile;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::net::TcpListener;

pub use clock::{ClockChange, ClockFacts, StudioClock};
pub use faultplan::FaultPlanError;
pub use faults::{Fault, FaultRule, Faults};
pub use requests::{RequestLog, RequestRecord, Requests};
pub use signature::{Credential, Credentials, Secret};
pub use state::StateFile;
pub use violation::Violation;
pub use world::World;
pub use worldfile::{LoadedWorld, WorldFileError};

use server::Shared;

/// How many items a page has where nobody says otherwise.
pub const PAGE_SIZE: usize = 100;
/// Who the callers of the server are where nobody says otherwise: an assumed role, as the service
/// shows it.
pub const PRINCIPAL: &str = "AROASANDBOX:lightsout";

/// What tells the server the time: whoever embeds it brings one.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What lets the server wait in real time, for [`Fault::Latency`].
pub type Sleep = Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// Called when [`Fault::Silence`] begins, with `<amz-sdk-invocation-id>/<attempt>` of the request.
pub type SilenceHook = Arc<dyn Fn(&str) + Send + Sync>;

/// How a sandbox behaves.
#[derive(Clone)]
pub struct SandboxOptions {
    /// The time of the world.
    pub clock: StudioClock,
    /// The time of the machine: that of signatures, of the header `Date`, and of rates and latencies.
    pub wall: Clock,
    pub sleep: Sleep,
    /// The most items on a page; zero counts as one.
    pub page_size: usize,
    /// Who the callers of the server are, in `startedBy`, `stoppedBy` and `updatedBy`, where there are
    /// no credentials.
    pub principal: String,
    /// Whose requests are taken. Without them nothing is checked, and everybody is `principal`.
    pub credentials: Option<Credentials>,
    /// Where a line is written for each request.
    pub request_log: Option<RequestLog>,
    pub on_silence: Option<SilenceHook>,
    /// Where the world is kept, which came from there.
    pub state: Option<Arc<Mutex<StateFile>>>,
}

impl SandboxOptions {
    /// What applies where nobody says otherwise, under this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            wall: Arc::clone(&clock),
            clock: StudioClock::following(clock),
            sleep: Arc::new(|length| Box::pin(sleep(length))),
            page_size: PAGE_SIZE,
            principal: PRINCIPAL.to_owned(),
            credentials: None,
            request_log: None,
            on_silence: None,
            state: None,
        }
    }

    /// Takes over the settings that a world file has for its server.
    #[must_use]
    pub fn for_world(self, loaded: &LoadedWorld) -> Self {
        Self { page_size: loaded.page_size.unwrap_or(self.page_size), ..self }
    }
}

/// Waits for the machine, whatever the world's clock shows.
#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox uses nothing of the crate, and a client waits for it in real time"
)]
async fn sleep(length: Duration) {
    tokio::time::sleep(length).await;
}

/// A sandbox that listens, and serves as soon as [`Sandbox::serve`] is polled.
pub struct Sandbox {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Sandbox {
    /// Listens on a loopback address; port 0 takes any free one.
    ///
    /// # Errors
    /// The address is not a loopback address, or cannot be listened on.
    pub async fn bind(
        address: SocketAddr,
        world: World,
        options: SandboxOptions,
    ) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let message = format!(
                "the sandbox is for this machine alone and listens on loopback only: use 127.0.0.1 or [::1] in place of {}",
                address.ip()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Shared {
            world: Arc::new(Mutex::new(world)),
            clock: options.clock,
            wall: options.wall,
            sleep: options.sleep,
            faults: Faults::default(),
            requests: Requests::with_lines(options.request_log),
            page_size: options.page_size.max(1),
            principal: options.principal,
            credentials: options.credentials,
            on_silence: options.on_silence,
            state: options.state,
            serial: AtomicU64::new(0),
            stale: Mutex::new(None),
            address,
        };
        Ok(Self { listener, address, shared: Arc::new(shared) })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint to give to a client.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The world behind the server. Requests wait while it is locked.
    #[must_use]
    pub fn world(&self) -> Arc<Mutex<World>> {
        Arc::clone(&self.shared.world)
    }

    /// The faults of the server; the handle stays good while it serves.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.shared.faults.clone()
    }

    /// The log of requests; the handle stays good while it serves.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.shared.requests.clone()
    }

    /// Serves until `shutdown` is over. Connections that are still open then are dropped, answered
    /// or not.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        server::serve(self.listener, self.shared, shutdown).await;
    }
}

//! Three studios behind one HTTP server, the real adapter, and one daemon for all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lightsout::audit::memory::MemoryJournal;
use lightsout::audit::record::{Journal, Kind, Record};
use lightsout::audit::replay::Replay;
use lightsout::clock::{Clock, SimulatedClock};
use lightsout::daemon::{Daemon, Ledger};
use lightsout::policy::Policy;
use lightsout::provider::nimble::Connections;
use lightsout::sandbox::world::{Effect, Operation};
use lightsout::sandbox::{Faults, RequestRecord, Requests, Sandbox, SandboxOptions, worldfile};
use lightsout::veto::CommandVetoes;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::common::{ACCOUNT, PROFILES};
use crate::rig::{at, policy};

/// The studio that things go wrong in. It is the second of three, whatever they are sorted by.
pub(crate) const BROKEN: &str = "us-west-2:stid-EXAMPLE22222";
pub(crate) const HEALTHY: [&str; 2] =
    ["us-west-2:stid-EXAMPLE11111", "us-west-2:stid-EXAMPLE33333"];

const START: &str = "19:01:00";

/// In each studio: one that is due when the idle hours begin, one whose lease ends later, one that
/// nobody may stop, and one that is off; on two pages.
fn world_text() -> String {
    let studio = |number: usize, id: &str| {
        format!(
            r#"
[[studio]]
id = "{id}"
account = "{ACCOUNT}"
name = "studio{number}"
{PROFILES}
[[studio.session]]
id = "day-{number}"
profile = "persistent"
owner = "owner-1"
started = "-9h"

[[studio.session]]
id = "evening-{number}"
profile = "persistent"
owner = "owner-2"
started = "2026-11-20T18:23:45-08:00"

[[studio.session]]
id = "forbidden-{number}"
profile = "forbidding"
started = "-9h"

[[studio.session]]
id = "off-{number}"
profile = "persistent"
state = "STOPPED"
started = "-29h"
stopped = "-20h"
"#
        )
    };
    let studios = [HEALTHY[0], BROKEN, HEALTHY[1]];
    let studios: String = studios.iter().zip(1..).map(|(id, number)| studio(number, id)).collect();
    format!("[settings]\npage_size = 3\nstop_time = \"90s\"\n{studios}")
}

/// The studios, their daemon, and what both have done.
pub(crate) struct Studios {
    pub(crate) clock: SimulatedClock,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
    pub(crate) journal: Arc<MemoryJournal>,
    world: Arc<std::sync::Mutex<lightsout::sandbox::World>>,
    server: JoinHandle<()>,
    ending: CancellationToken,
}

impl Drop for Studios {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Studios {
    /// Serves the studios and starts the daemon, at one minute past seven.
    pub(crate) async fn started(before: impl FnOnce(&Faults)) -> Self {
        let policy = |endpoint: &str| policy("10m", &studio_policies(endpoint));
        Self::of(START, &world_text(), policy, before).await
    }

    /// The same for other studios, at another time; `policy` is told where they are served.
    pub(crate) async fn of(
        start: &str,
        world: &str,
        policy: impl FnOnce(&str) -> Policy,
        before: impl FnOnce(&Faults),
    ) -> Self {
        let clock = SimulatedClock::new(at(start));
        let loaded = worldfile::parse(world, "world.toml", at(start)).unwrap();
        let (time, stalled) = (clock.clone(), clock.clone());
        let options = SandboxOptions {
            on_silence: Some(Arc::new(move |call: &str| stalled.stalled(call))),
            ..SandboxOptions::new(Arc::new(move || time.now())).for_world(&loaded)
        };
        let sandbox =
            Sandbox::bind("127.0.0.1:0".parse().unwrap(), loaded.world, options).await.unwrap();
        let endpoint = sandbox.endpoint_url();
        let (faults, requests, world) = (sandbox.faults(), sandbox.requests(), sandbox.world());
        before(&faults);
        let server = tokio::spawn(sandbox.serve(std::future::pending()));
        let journal = Arc::new(MemoryJournal::new());
        let ledger = Ledger::new(Arc::clone(&journal) as Arc<dyn Journal>, Replay::default());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let connections = Connections::new(Arc::clone(&shared));
        let ending = CancellationToken::new();
        let daemon = Daemon::new(
            policy(&endpoint),
            Arc::new(ledger),
            Arc::clone(&shared),
            ending.clone(),
            Arc::new(CommandVetoes::new(shared)),
            move |studio| Arc::new(connections.connect(studio)),
        );
        tokio::spawn(daemon.run());
        Self { clock, faults, requests, journal, world, server, ending }
    }

    pub(crate) async fn until(&self, time: &str) {
        self.clock.drive(at(time)).await;
    }

    pub(crate) async fn pass(&self, hours: i64) {
        self.clock.drive(self.clock.now() + SignedDuration::from_hours(hours)).await;
    }

    /// What callers made happen in a studio.
    pub(crate) fn effects(&self, studio: &str) -> Vec<Effect> {
        let world = self.world.lock().unwrap();
        let number = number(studio);
        world.effects().iter().filter(|effect| effect.subject.ends_with(&number)).cloned().collect()
    }

    pub(crate) fn records(&self, studio: &str, kind: &Kind) -> Vec<Record> {
        let of_studio = |record: &Record| record.data.studio.as_deref() == Some(studio);
        let records = self.journal.records().into_iter();
        records.filter(|record| of_studio(record) && record.kind == *kind).collect()
    }

    /// Every request for a studio, in the order of their instants. Two lists are read side by side,
    /// so within one instant the order is nobody's promise, and they are sorted.
    pub(crate) fn calls(&self, studio: &str) -> Vec<Call> {
        let of_studio = |request: &RequestRecord| request.studio.as_deref() == Some(studio);
        let requests = self.requests.recent().into_iter().filter(of_studio);
        let mut calls: Vec<Call> = requests.map(Call::from).collect();
        calls.sort();
        calls
    }

    /// The tokens of the stops that were asked for, by session.
    pub(crate) fn stop_tokens(&self, studio: &str) -> BTreeMap<String, Vec<String>> {
        let mut tokens: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for call in self.calls(studio) {
            if call.operation == Operation::StopStreamingSession.name() {
                tokens.entry(call.session.unwrap()).or_default().push(call.token.unwrap());
            }
        }
        tokens
    }

    /// Ends the daemon, and checks what holds for every evening: no request was one that the
    /// contract does not allow, and nobody asked anything of what may not be stopped.
    pub(crate) async fn end(self) {
        self.ending.cancel();
        let soon = self.clock.now() + SignedDuration::from_mins(1);
        self.clock.drive(soon).await;
        assert_eq!(self.journal.records().last().unwrap().kind, Kind::DaemonStopped);
        for request in self.requests.recent() {
            assert_ne!(request.status, Some(400), "{request:?}");
            assert_ne!(request.operation, Operation::Unserved, "{request:?}");
            let session = request.session.as_deref().unwrap_or_default();
            assert!(!session.starts_with("forbidden"), "{request:?}");
        }
    }
}

/// A request, without what differs from run to run by chance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) at: Timestamp,
    pub(crate) operation: &'static str,
    pub(crate) session: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) status: Option<u16>,
}

impl From<RequestRecord> for Call {
    fn from(request: RequestRecord) -> Self {
        let RequestRecord { at, operation, session, client_token: token, status, .. } = request;
        Self { at, operation: operation.name(), session, token, status }
    }
}

/// The end of the ids of a studio's sessions.
fn number(studio: &str) -> String {
    format!("-{}", studio.chars().next_back().unwrap())
}

/// The same connection for all, which is where one could hinder another.
fn studio_policies(endpoint: &str) -> String {
    let studio = |id: &&str| {
        format!(
            "[[studio]]\nid = \"{id}\"\naccount = \"111122223333\"\nendpoint_url = \"{endpoint}\"\n\
             schedule = \"nights\"\nlease = \"2h\"\nwarn = [\"30m\", \"5m\"]\n\n"
        )
    };
    [HEALTHY[0], BROKEN, HEALTHY[1]].iter().map(studio).collect()
}

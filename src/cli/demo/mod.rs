//! `lightsout demo`: the real daemon, over HTTP, against a simulated studio, for a simulated week.
//!
//! Nothing in it is played: the daemon, the adapter, the SDK, the sandbox's server and the audit log
//! are those of every other command. Only the clock is simulated, and the artists.

mod artists;
mod story;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::audit::record::Journal;
use crate::audit::replay::Replay;
use crate::audit::writer::LogWriter;
use crate::clock::{Clock, SimulatedClock};
use crate::config;
use crate::daemon::{Daemon, Ledger};
use crate::policy::Policy;
use crate::provider::nimble::Connections;
use crate::sandbox::{Requests, Sandbox, SandboxOptions, World, worldfile};
use crate::veto::CommandVetoes;
use story::Teller;

/// A Monday morning in the studio's own zone, when everybody is about to come in.
const START: &str = "2026-11-16T08:00:00-08:00";

/// The policy that the demonstration runs.
const POLICY: &str = include_str!("../../../config/demo.toml");

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How many days to simulate.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,

    /// Where to put the audit log; by default a new directory among the temporary ones.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let start: Timestamp =
        START.parse().map_err(|error: jiff::Error| Failure::Failed(error.to_string()))?;
    let end = start + SignedDuration::from_hours(24 * i64::from(arguments.days));
    let directory = arguments.dir.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("lightsout-demo-{}", std::process::id()))
    });
    let policy = policy(directory.join("audit.jsonl"))?;
    super::runtime()?.block_on(demo(policy, start, end))
}

fn policy(audit_path: PathBuf) -> Result<Policy, Failure> {
    let loaded = config::parse("config/demo.toml", POLICY, std::path::Path::new(""))
        .map_err(config::ConfigError::Invalid)?;
    Ok(Policy { audit_path, ..loaded.policy })
}

async fn demo(mut policy: Policy, start: Timestamp, end: Timestamp) -> Result<(), Failure> {
    let simulated = SimulatedClock::new(start);
    let clock: Arc<dyn Clock> = Arc::new(simulated.clone());
    let sandbox = open_sandbox(&clock).await?;
    let (world, requests) = (sandbox.world(), sandbox.requests());
    for studio in policy.studios.values_mut() {
        studio.connection.endpoint_url = Some(sandbox.endpoint_url());
    }
    let ending = CancellationToken::new();
    let served = tokio::spawn(sandbox.serve(ending.clone().cancelled_owned()));
    let teller = open_log(&policy, &clock)?;
    story::prologue(&policy, &world, start);
    let diary = artists::diary(&world, start, end);
    tokio::spawn(artists::live(diary, Arc::clone(&world), Arc::clone(&clock)));
    let connections = Connections::new(Arc::clone(&clock));
    let ledger = Ledger::new(Arc::clone(&teller) as Arc<dyn Journal>, Replay::default());
    let stopping = ending.child_token();
    let daemon = Daemon::new(
        policy.clone(),
        Arc::new(ledger),
        Arc::clone(&clock),
        stopping.clone(),
        Arc::new(CommandVetoes::new(Arc::clone(&clock))),
        move |studio| Arc::new(connections.connect(studio)),
    );
    let daemon = tokio::spawn(daemon.run());
    simulated.drive(end).await;
    stopping.cancel();
    let ended = daemon.await.map_err(|error| Failure::Failed(error.to_string()))?;
    ended.map_err(|error| Failure::Failed(error.to_string()))?;
    ending.cancel();
    served.await.map_err(|error| Failure::Failed(error.to_string()))?;
    epilogue(&policy, &teller, &world, &requests, end)
}

async fn open_sandbox(clock: &Arc<dyn Clock>) -> Result<Sandbox, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let loaded = worldfile::shipped(clock.now()).map_err(|error| failed(&error))?;
    let time = Arc::clone(clock);
    let options = SandboxOptions::new(Arc::new(move || time.now())).for_world(&loaded);
    let anywhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    Sandbox::bind(anywhere, loaded.world, options).await.map_err(|error| failed(&error))
}

fn open_log(policy: &Policy, clock: &Arc<dyn Clock>) -> Result<Arc<Teller>, Failure> {
    let (writer, opened) =
        LogWriter::open(&policy.audit_path, policy.audit_rotation, Arc::clone(clock))
            .map_err(|error| Failure::of(&error))?;
    if opened.records > 0 {
        let path = policy.audit_path.display();
        return Err(Failure::Usage(format!("{path} exists; the demo begins a log of its own")));
    }
    Ok(Arc::new(Teller::new(writer)))
}

fn epilogue(
    policy: &Policy,
    teller: &Teller,
    world: &Mutex<World>,
    requests: &Requests,
    end: Timestamp,
) -> Result<(), Failure> {
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    world.advance(end);
    story::epilogue(policy, &teller.records(), &world, requests, end);
    let path = policy.audit_path.display();
    let verified =
        crate::audit::reader::verify(&policy.audit_path).map_err(|error| Failure::of(&error))?;
    anstream::println!("The audit log: {path}, {} records, whole.", verified.records);
    anstream::println!("Read it with: lightsout audit show --file {path}");
    Ok(())
}

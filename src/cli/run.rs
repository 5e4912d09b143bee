//! `lightsout run`: the daemon.

use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::studios::Torn;
use super::{Failure, load};
use crate::audit::reader;
use crate::audit::writer::LogWriter;
use crate::clock::{Clock, SystemClock};
use crate::daemon::{Daemon, Ledger, Summary};
use crate::policy::Policy;
use crate::provider::nimble::Connections;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Look once, act, wait for every stop and start to arrive, and exit: 1 if anything was held,
    /// failed or late, or rests since it failed in an earlier run.
    #[arg(long)]
    once: bool,

    /// Call nothing that changes anything, whatever the policy says; decisions are recorded as
    /// `observe`.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let policy = load(path)?;
    let policy = if arguments.dry_run { policy.observing() } else { policy };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let ledger = open_ledger(&policy, &clock)?;
    super::runtime()?.block_on(async {
        let ending = CancellationToken::new();
        end_on_signal(&ending)?;
        let connections = Connections::new(Arc::clone(&clock));
        let daemon = Daemon::new(policy, ledger, clock, ending, |studio| {
            Arc::new(connections.connect(studio))
        });
        let failed = |error: crate::audit::record::JournalError| Failure::Failed(error.to_string());
        if !arguments.once {
            return daemon.run().await.map_err(failed);
        }
        let summary = daemon.once().await.map_err(failed)?;
        say(&summary);
        if summary.is_done() { Ok(()) } else { Err(Failure::Said) }
    })
}

/// Opens the log, and learns from it what was done before.
fn open_ledger(policy: &Policy, clock: &Arc<dyn Clock>) -> Result<Arc<Ledger>, Failure> {
    let path = &policy.audit_path;
    let (writer, opened) =
        LogWriter::open(path, Arc::clone(clock)).map_err(|error| Failure::of(&error))?;
    if let Some(repaired) = &opened.repaired {
        tracing::warn!(bytes = repaired.bytes, "a torn last line of the audit log was cut");
    }
    // Read after the repair, so that a torn line is not in it. Whoever acts by a log must know that it
    // is the one that was written.
    let _verified = reader::verify(path).map_err(|error| Failure::at(path, &error))?;
    let past = super::studios::past(path, Torn::Refused)?;
    Ok(Arc::new(Ledger::new(Arc::new(writer), past)))
}

/// The first SIGTERM or SIGINT ends the program in order; a second one at once.
fn end_on_signal(ending: &CancellationToken) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::Failed(format!("signals cannot be heard: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let ending = ending.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if ending.is_cancelled() {
                tracing::warn!("told twice to end: calls in flight are left to themselves");
                std::process::exit(1);
            }
            tracing::info!("ending: no new call, calls in flight are waited for");
            ending.cancel();
        }
    });
    Ok(())
}

fn say(summary: &Summary) {
    let Summary {
        sessions, stopped, started, withheld, dropped, held, failed, resting, late, ..
    } = summary;
    anstream::eprintln!(
        "{sessions} sessions: {stopped} stopped, {started} started, {withheld} withheld, \
         {dropped} dropped, {failed} failed, {resting} resting, {late} late; {held} studios held"
    );
}

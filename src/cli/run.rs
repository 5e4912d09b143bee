//! `lightsout run`: the daemon, and what signals ask of it.

mod lost;
mod outside;

use std::path::Path;
use std::sync::Arc;
use std::{process, thread};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::lost::Found;
pub(super) use self::lost::Lost;
pub(super) use self::outside::token;
use super::{Failure, debug_log, load_to_act};
use crate::audit::Beside;
use crate::audit::record::JournalError;
use crate::audit::replay::control::NOBODY_FOR;
use crate::audit::writer::{LogWriter, OpenError};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, ConfigError, Severity};
use crate::daemon::{
    Audit, Daemon, Health, HealthReport, Ledger, Refusal, Reload, StateDir, StateError, Summary,
};
use crate::files;
use crate::metrics::Metrics;
use crate::policy::{Policy, StudioPolicy};
use crate::provider::nimble::Connections;
use crate::provider::{Meter, Provider};
use crate::supervise::{Notice, Supervisor};
use crate::switch::Spool;
use crate::veto::CommandVetoes;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Look once, act, wait for every stop and start to arrive, and exit: 1 if anything was held,
    /// failed or late, rests since it failed in an earlier run, or is still to be asked about. Where a
    /// session is missing it looks again a minute later.
    #[arg(long)]
    once: bool,

    /// Call nothing that changes anything, whatever the policy says; decisions are recorded as
    /// `observe`.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let runtime = super::runtime()?;
    // Whoever asks for a reload while the log is being read does not end the program.
    let hangup =
        (!arguments.once).then(|| runtime.block_on(async { signal(SignalKind::hangup()) }));
    let hangup = hangup.transpose().map_err(unheard)?;
    let policy = in_effect(load_to_act(path).map_err(unread)?, arguments.dry_run);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    // Held until the end of this function: another daemon would know nothing of what this one does.
    let state = StateDir::take(&policy.daemon.state_dir).map_err(|error| match error {
        StateError::Exposed(_) => Failure::unfit(&error),
        // Another may end, and a disk that refuses may recover.
        StateError::Locked { .. } | StateError::Io { .. } => Failure::of(&error),
    })?;
    let supervisor = outside::supervisor()?;
    let metrics = outside::metrics(&policy, clock.now())?;
    let (log, stood_at) = (policy.audit_path.clone(), stood_at(state.path())?);
    unexposed(&log)?;
    let lost = Lost::of(&log, stood_at.as_ref()).map_err(|error| Failure::of(&error))?;
    let (ledger, found) = open_ledger(&policy, &clock, metrics.as_ref(), supervisor.as_ref())?;
    let found = Found { lost, is_vouched: stood_at.is_some(), ..found };
    let state = Arc::new(state);
    let done = runtime.block_on(async {
        let ending = CancellationToken::new();
        end_on_signal(&ending)?;
        let failed = |error: JournalError| Failure::Failed(error.to_string());
        let spool = Spool::of(&policy.daemon.state_dir, Arc::clone(&clock));
        found.tell(&ledger, &spool, clock.now()).await.map_err(failed)?;
        if found.lost.is_some() {
            Health::forget(state.path()).map_err(|error| Failure::of(&error))?;
        }
        let mut connections = Connections::new(Arc::clone(&clock));
        if let Some(metrics) = &metrics {
            connections = connections.metered(Arc::clone(metrics) as Arc<dyn Meter>);
        }
        let http = policy.http.clone().filter(|_| !arguments.once);
        let endpoint = outside::endpoint(http.as_ref(), &state).await?;
        let connect = move |studio: &StudioPolicy| -> Arc<dyn Provider> {
            Arc::new(connections.connect(studio))
        };
        let vetoes = Arc::new(CommandVetoes::new(Arc::clone(&clock)));
        let daemon = Daemon::new(policy, ledger, clock, ending, vetoes, connect);
        let daemon = daemon.hearing(Arc::new(spool));
        let daemon = match HealthReport::in_directory(state.path(), &log) {
            Ok(health) => daemon.telling(health),
            Err(error) => {
                tracing::warn!(%error, "the health of the program will not be told");
                daemon
            }
        };
        if let Some(hangup) = hangup {
            let reloads = reload_on_signal(hangup, path, arguments.dry_run, supervisor.clone());
            let mut daemon = daemon.reloading(reloads);
            if let Some(supervisor) = supervisor {
                daemon = daemon.supervised(supervisor);
            }
            if let Some(endpoint) = endpoint {
                daemon = daemon.seen_at(endpoint);
            }
            return daemon.run().await.map_err(failed);
        }
        let summary = daemon.once().await.map_err(failed)?;
        say(&summary);
        if summary.is_done() { Ok(()) } else { Err(Failure::Said) }
    });
    // Nothing of it goes on once the state directory is another's.
    if comes_to_rest(runtime, told_to_end())? { done } else { end_at_once() }
}

/// Waits for what is not over, unless `told` comes before: a thread that waits for a disk has no bound. Whether
/// all of it is over.
fn comes_to_rest(runtime: Runtime, told: impl Future<Output = ()>) -> Result<bool, Failure> {
    let (over, is_over) = oneshot::channel::<()>();
    thread::spawn(move || {
        drop(runtime);
        drop(over);
    });
    Ok(super::runtime()?.block_on(async {
        tokio::select! {
            _ = is_over => true,
            () = told => false,
        }
    }))
}

/// Comes when a signal says that the program is to end.
async fn told_to_end() {
    let heard = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    // Whoever cannot hear signals waits; the operating system has no bound for that.
    let (Ok(mut terminate), Ok(mut interrupt)) = heard else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn end_at_once() -> ! {
    tracing::warn!("told to end at once: what is not over is left to itself");
    debug_log::finish();
    process::exit(1);
}

/// Where the log stood. Were it not known for a moment, a loss of its end would be forgotten for good.
fn stood_at(state: &Path) -> Result<Option<Audit>, Failure> {
    Health::log_stood_at(state).map_err(|error| {
        let state = state.display();
        Failure::Failed(format!(
            "health.json in {state}, which tells where the log stood, cannot be read: {error}"
        ))
    })
}

/// What cannot be read may be read at the next start, and whoever starts the program has to try: what is off may
/// have to be started by then.
fn unread(failure: Failure) -> Failure {
    match failure {
        Failure::Config(error) if error.is_unread() => Failure::Unread(error),
        other => other,
    }
}

/// What a policy means for this process.
fn in_effect(policy: Policy, dry_run: bool) -> Policy {
    if dry_run { policy.observing() } else { policy }
}

/// Refuses a log that others may write, or put another in the place of.
pub(super) fn unexposed(log: &Path) -> Result<(), Failure> {
    let directory = files::directory_of(log);
    let looked = [
        ("the directory of the audit log", files::directory_exposed_at(directory)),
        ("the audit log", files::exposed_at(log)),
    ];
    for (what, looked) in looked {
        match looked {
            Ok(None) => {}
            Ok(Some(exposed)) => return Err(Failure::Unfit(format!("{what} {exposed}"))),
            Err(error) => {
                let path = log.display();
                let words = format!("the audit log {path} cannot be looked at: {error}");
                return Err(Failure::Failed(words));
            }
        }
    }
    Ok(())
}

/// Opens the log, and learns from it what was done before.
fn open_ledger(
    policy: &Policy,
    clock: &Arc<dyn Clock>,
    metrics: Option<&Arc<Metrics>>,
    supervisor: Option<&Arc<dyn Supervisor>>,
) -> Result<(Arc<Ledger>, Found), Failure> {
    let path = &policy.audit_path;
    let mut reader = outside::Reader::new(metrics, supervisor, &**clock);
    let beside = Beside { show: &mut |record| reader.show(record), echo: outside::echo(policy)? };
    let opened = LogWriter::open_beside(path, policy.audit_rotation, Arc::clone(clock), beside);
    let (writer, opened) = opened.map_err(|error| match error {
        OpenError::Broken { .. } => Failure::unfit(&error),
        OpenError::Locked { .. } | OpenError::Io { .. } => Failure::of(&error),
    })?;
    if let Some(repaired) = &opened.repaired {
        tracing::warn!(bytes = repaired.bytes, "a torn last line of the audit log was cut");
    }
    let has_hole = opened.repaired.is_some_and(|torn| torn.has_hole);
    let found = Found { is_rolled_back: opened.is_rolled_back, has_hole, ..Found::default() };
    let ledger = Ledger::new(Arc::new(writer), opened.past);
    let ledger = Arc::new(match metrics {
        Some(metrics) => ledger.counted(Arc::clone(metrics)),
        None => ledger,
    });
    Ok((ledger, found))
}

/// The first SIGTERM or SIGINT ends the program in order; a second one at once.
fn end_on_signal(ending: &CancellationToken) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let ending = ending.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if ending.is_cancelled() {
                end_at_once();
            }
            tracing::info!("ending: no new call, calls in flight are waited for");
            ending.cancel();
        }
    });
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` takes")]
fn unheard(error: std::io::Error) -> Failure {
    Failure::Failed(format!("signals cannot be heard: {error}"))
}

/// Each SIGHUP reads the policy file again, beside the loops, and whole before anything of it is used.
fn reload_on_signal(
    mut hangup: Signal,
    path: &Path,
    dry_run: bool,
    supervisor: Option<Arc<dyn Supervisor>>,
) -> mpsc::Receiver<Reload> {
    let (sender, reloads) = mpsc::channel(1);
    let path = path.to_owned();
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("reading {} again", path.display());
            if let Some(supervisor) = &supervisor {
                supervisor.tell(Notice::Reloading);
            }
            let path = path.clone();
            let read = tokio::task::spawn_blocking(move || read_again(&path, dry_run)).await;
            let reload = read.unwrap_or_else(|error| {
                Reload::Refused(Refusal {
                    hash: None,
                    errors: 1,
                    messages: vec![error.to_string()],
                })
            });
            if sender.send(reload).await.is_err() {
                return;
            }
        }
    });
    reloads
}

/// Reads the policy file while it may be wrong: the program goes on in any case.
fn read_again(path: &Path, dry_run: bool) -> Reload {
    match load_to_act(path) {
        Ok(policy) => Reload::Read(Box::new(in_effect(policy, dry_run))),
        Err(failure) => Reload::Refused(refusal(path, &failure)),
    }
}

/// Tells the debug log all of why a file is refused, and answers with what is to be recorded of it.
fn refusal(path: &Path, failure: &Failure) -> Refusal {
    let hash = config::hash_of(path);
    if let Failure::Config(ConfigError::Invalid(diagnostics)) = failure {
        tracing::error!("{} is refused:\n{}", path.display(), diagnostics.render(false));
        let errors = diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let messages: Vec<String> = errors.map(|found| found.message.clone()).collect();
        return Refusal { hash, errors: messages.len(), messages };
    }
    let messages = match failure {
        Failure::Config(error) => vec![format!("{error}{}", super::output::sources(error))],
        Failure::Exposed(found) => found.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    };
    tracing::error!("{} is refused: {}", path.display(), messages.join("; "));
    Refusal { hash, errors: messages.len(), messages }
}

fn say(summary: &Summary) {
    let Summary {
        sessions,
        stopped,
        started,
        withheld,
        dropped,
        held,
        failed,
        resting,
        unasked,
        warned,
        late,
        interrupted: _,
    } = summary;
    let unasked = match unasked {
        0 => String::new(),
        count => format!(", {count} still to be asked about"),
    };
    let warned = match warned {
        0 => String::new(),
        count => format!(", {count} due and warned, for a run within {NOBODY_FOR:#} to stop"),
    };
    anstream::eprintln!(
        "{sessions} sessions: {stopped} stopped, {started} started, {withheld} withheld, \
         {dropped} dropped, {failed} failed, {resting} resting, {late} late{unasked}{warned}; {held} studios held"
    );
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_log_that_others_may_put_another_in_the_place_of_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("audit.jsonl");
        let set_mode = |mode| fs::set_permissions(directory.path(), Permissions::from_mode(mode));
        assert!(unexposed(&log).is_ok(), "there need be none yet");
        set_mode(0o777).unwrap();
        let refused = unexposed(&log).unwrap_err().to_string();
        let remedy = format!("type: chmod go-w {}", directory.path().display());
        assert!(
            refused.contains("directory of the audit log") && refused.contains(&remedy),
            "{refused}"
        );
        set_mode(0o700).unwrap();
        assert!(unexposed(&log).is_ok());
    }

    #[test]
    fn a_thread_that_waits_for_a_disk_is_waited_for_until_somebody_says_to_end() {
        let hanging = || {
            let runtime = super::super::runtime().unwrap();
            let (disk, answer) = mpsc::channel::<()>();
            runtime.spawn_blocking(move || answer.recv());
            (runtime, disk)
        };
        let (runtime, _disk) = hanging();
        assert!(!comes_to_rest(runtime, async {}).unwrap());
        let (runtime, disk) = hanging();
        let answers = async {
            drop(disk);
            std::future::pending().await
        };
        assert!(comes_to_rest(runtime, answers).unwrap());
    }
}

//! What the daemon is seen by from outside: its supervisor, its metrics, its listener, its standard output.

use std::io::{self, Read as _};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;

use super::super::Failure;
use crate::audit::Echo;
use crate::audit::record::Record;
use crate::clock::Clock;
use crate::daemon::{Endpoint, StateDir, Token};
use crate::files;
use crate::metrics::Metrics;
use crate::policy::{HttpPolicy, Policy};
use crate::report::Prices;
use crate::supervise::{Notice, ServiceManager, Supervisor};

/// How long a token is at the least: sixteen random letters are not guessed.
const TOKEN_CHARS_MIN: usize = 16;

/// How long its file is at the most.
const TOKEN_BYTES_MAX: u64 = 4096;

/// How much longer the start is said to take each time, while a log is read.
const START_TAKES: SignedDuration = SignedDuration::from_secs(60);

/// How often it is said.
const START_TOLD_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// After how many records the clock is looked at.
const RECORDS_BETWEEN: u64 = 1024;

/// The service manager that started this process, if one did.
pub(super) fn supervisor() -> Result<Option<Arc<dyn Supervisor>>, Failure> {
    let manager = ServiceManager::of_environment().map_err(|error| Failure::of(&error))?;
    Ok(manager.map(|manager| Arc::new(manager) as Arc<dyn Supervisor>))
}

/// Metrics, where anybody can ask for them.
pub(super) fn metrics(policy: &Policy, began: Timestamp) -> Result<Option<Arc<Metrics>>, Failure> {
    if policy.http.is_none() {
        return Ok(None);
    }
    let metrics = Metrics::new(Prices::new(&policy.prices), began);
    Ok(Some(Arc::new(metrics.map_err(|error| Failure::of(&error))?)))
}

/// Each record once more on standard output, where the policy wants it.
pub(super) fn echo(policy: &Policy) -> Result<Option<Arc<Echo>>, Failure> {
    if !policy.audit_stdout {
        return Ok(None);
    }
    // Not through the library's own buffer, which may keep what is to be read now.
    let out = std::io::stdout().as_fd().try_clone_to_owned();
    let echo = out.and_then(|out| Echo::to(std::fs::File::from(out)));
    Ok(Some(Arc::new(echo.map_err(|error| Failure::of(&error))?)))
}

/// Who is shown the past while it is read: the metrics, and a supervisor who would lose patience.
pub(super) struct Reader<'a> {
    pub(super) metrics: Option<&'a Arc<Metrics>>,
    pub(super) supervisor: Option<&'a Arc<dyn Supervisor>>,
    pub(super) clock: &'a dyn Clock,
    read: u64,
    told: SignedDuration,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        metrics: Option<&'a Arc<Metrics>>,
        supervisor: Option<&'a Arc<dyn Supervisor>>,
        clock: &'a dyn Clock,
    ) -> Self {
        Self { metrics, supervisor, clock, read: 0, told: clock.monotonic() }
    }

    pub(super) fn show(&mut self, record: &Record) {
        if let Some(metrics) = self.metrics {
            metrics.recall(record);
        }
        self.read += 1;
        let Some(supervisor) =
            self.supervisor.filter(|_| self.read.is_multiple_of(RECORDS_BETWEEN))
        else {
            return;
        };
        let now = self.clock.monotonic();
        if now - self.told >= START_TOLD_EVERY {
            self.told = now;
            supervisor.tell(Notice::StartTakes(START_TAKES));
            supervisor.tell(Notice::Status(format!("reading the log: {} records", self.read)));
        }
    }
}

/// The listener that the policy wants, if it wants one.
pub(super) async fn endpoint(
    http: Option<&HttpPolicy>,
    state: &Arc<StateDir>,
) -> Result<Option<Endpoint>, Failure> {
    let Some(HttpPolicy { listen, token_file }) = http else { return Ok(None) };
    let token = token_file.as_deref().map(token).transpose()?;
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        let words = format!("`[http] listen`: nobody can listen on {listen}: {error}");
        match error.kind() {
            // Whoever has it may end, and an interface may come up.
            io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable => Failure::Failed(words),
            _ => Failure::Unfit(words),
        }
    })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "metrics are told over HTTP");
    }
    Ok(Some(Endpoint::new(listener, token, Arc::clone(state))))
}

/// Reads a token. What is wrong with it never shows what it is.
pub(in crate::cli) fn token(path: &Path) -> Result<Token, Failure> {
    let place = path.display();
    let unread = |error: io::Error| {
        let words = format!("the token file {place} cannot be read: {error}");
        match error.kind() {
            io::ErrorKind::IsADirectory
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidData => Failure::Unfit(words),
            // A disk that refuses may recover, and one that is not there yet may come.
            _ => Failure::Failed(words),
        }
    };
    if let Some(exposed) = files::readable_at(path).map_err(unread)? {
        return Err(Failure::Unfit(format!("the token file {exposed}")));
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unread)?;
    file.take(TOKEN_BYTES_MAX).read_to_string(&mut text).map_err(unread)?;
    let token = text.trim();
    if token.chars().count() < TOKEN_CHARS_MIN || token.contains(char::is_whitespace) {
        return Err(Failure::Unfit(format!(
            "the token file {place} has to hold one word of {TOKEN_CHARS_MIN} characters or more; \
             type: (umask 077; openssl rand -hex 32 > {place})"
        )));
    }
    Ok(Token::of(token))
}

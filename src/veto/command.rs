//! Vetoes as commands: each is begun, told, listened to and ended, all of it within bounds.
//!
//! A command runs in a process group of its own, and whatever is left of the group when there is an answer,
//! when there can be none any more, or when nobody waits for one, is killed.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use futures_util::future::BoxFuture;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::answer::{self, Fault};
use super::{Question, Vetoes};
use crate::clock::Clock;
use crate::plan::VetoSays;
use crate::policy::Veto;

/// How many commands run at a time, for all studios: a morning's two hundred questions are through in a
/// minute where each takes two seconds, and a machine that runs this daemon can bear as many.
const COMMANDS_MAX: usize = 8;

/// How many have been begun and not ended, killed or not: one that its disk holds cannot be killed. Those that are
/// just being killed leave room for as many that run.
pub(super) const UNENDED_MAX: usize = 2 * COMMANDS_MAX;

/// How much a command may print. An answer has a few hundred bytes.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024;

/// How much of what it says on standard error is shown in the debug log.
const TALK_BYTES_MAX: usize = 4 * 1024;

/// Why none is begun, where as many as may be there have not come to run, or do not end.
const STUCK: &str =
    "the programs of earlier questions have not ended, as on a disk that does not answer";

/// What a command finds in its environment, where the daemon has it: what programs need to run at all. The
/// daemon's credentials are not among it.
pub(super) const ENVIRONMENT: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

/// Vetoes whose commands are run.
#[derive(Debug)]
pub struct CommandVetoes {
    clock: Arc<dyn Clock>,
    environment: Vec<(OsString, OsString)>,
    turns: Semaphore,
    /// Taken by a command until it has ended, however long that takes.
    pub(super) unended: Arc<Semaphore>,
}

impl CommandVetoes {
    /// Runs commands in what is left of this process's own environment.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let kept = |name: &&str| Some((OsString::from(*name), env::var_os(name)?));
        Self::with_environment(clock, ENVIRONMENT.iter().filter_map(kept).collect())
    }

    /// Runs commands in this environment.
    #[must_use]
    pub fn with_environment(clock: Arc<dyn Clock>, environment: Vec<(OsString, OsString)>) -> Self {
        let (turns, unended) = (Semaphore::new(COMMANDS_MAX), Semaphore::new(UNENDED_MAX));
        Self { clock, environment, turns, unended: Arc::new(unended) }
    }

    async fn run(&self, veto: &Veto, question: &Question) -> Result<VetoSays, Fault> {
        // A simulated clock stands still while a command runs.
        let _hold = self.clock.hold("veto");
        tokio::select! {
            biased;
            said = converse(veto, question, self.begin(veto)) => said,
            () = self.clock.sleep(veto.timeout) => Err(Fault::Late(veto.timeout)),
        }
    }

    /// Begins a command. The operating system makes whoever does that wait until the program is there, on a
    /// file system that does not answer for ever; so it is left to a thread that nobody has to wait for.
    async fn begin(&self, veto: &Veto) -> Result<Running, Fault> {
        let place = Arc::clone(&self.unended).try_acquire_owned();
        let place = place.map_err(|_| Fault::Begin(io::Error::other(STUCK)))?;
        let command = command(veto, &self.environment).map_err(Fault::Begin)?;
        let (begun, answer) = oneshot::channel();
        let begin = move || {
            let running = Running::new(command, place);
            // Where nobody waits any more it is killed, with all that it began.
            let _ = begun.send(running);
        };
        let thread = thread::Builder::new().name("veto".to_owned());
        thread.spawn(begin).map_err(Fault::Begin)?;
        let ended = |_| io::Error::other("the thread that was to begin it ended");
        answer.await.map_err(ended).flatten().map_err(Fault::Begin)
    }
}

impl Vetoes for CommandVetoes {
    fn ask<'a>(&'a self, veto: &'a Veto, question: &'a Question) -> BoxFuture<'a, VetoSays> {
        Box::pin(async move {
            // The semaphore is never closed, so there is always a turn.
            let _turn = self.turns.acquire().await;
            self.run(veto, question).await.unwrap_or_else(VetoSays::from)
        })
    }
}

/// Tells a command what it is asked, and hears it out. Dropped, it leaves nothing behind.
async fn converse(
    veto: &Veto,
    question: &Question,
    begin: impl Future<Output = Result<Running, Fault>>,
) -> Result<VetoSays, Fault> {
    // Heard from before the command begins, so that its end is not missed.
    let mut ends = signal(SignalKind::child())?;
    let mut running = begin.await?;
    let stdin = running.child.stdin.take().map(ChildStdin::from_std).transpose()?;
    let stdout = running.child.stdout.take().map(ChildStdout::from_std).transpose()?;
    let stderr = running.child.stderr.take().map(ChildStderr::from_std).transpose()?;
    let told = tell(stdin, question);
    let printed = hear(stdout);
    let ended = async {
        running.has_ended(&mut ends).await?;
        // What it began and left behind may hold its output open.
        running.kill();
        Ok(())
    };
    let mut talk = Vec::new();
    let output = tokio::select! {
        biased;
        done = async { tokio::try_join!(ended, printed, told) } => done.map(|((), output, ())| output),
        never = overhear(stderr, &mut talk) => match never {},
    };
    if !talk.is_empty() {
        let talk = String::from_utf8_lossy(&talk);
        tracing::debug!(veto = veto.name.as_str(), session = question.session, %talk, "it says");
    }
    // Where it went wrong it may still run, and is not waited for.
    let output = output?;
    answer::read(running.reap()?, &output)
}

fn command(veto: &Veto, environment: &[(OsString, OsString)]) -> io::Result<Command> {
    let Some((program, arguments)) = veto.command.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no program"));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    Ok(command)
}

/// Writes the question. A command need not read it.
async fn tell(stdin: Option<ChildStdin>, question: &Question) -> Result<(), Fault> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    let mut line = serde_json::to_vec(question).map_err(io::Error::from)?;
    line.push(b'\n');
    match stdin.write_all(&line).await {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Reads what it prints, to the end.
async fn hear(stdout: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, Fault> {
    let mut output = Vec::new();
    if let Some(stdout) = stdout {
        stdout.take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut output).await?;
    }
    if output.len() as u64 > OUTPUT_BYTES_MAX {
        return Err(Fault::TooLong(OUTPUT_BYTES_MAX));
    }
    Ok(output)
}

/// Reads what it says besides, keeps the beginning, and waits for ever: nothing depends on it.
async fn overhear(
    stderr: Option<impl AsyncRead + Unpin>,
    kept: &mut Vec<u8>,
) -> std::convert::Infallible {
    let mut part = [0; 1024];
    if let Some(mut stderr) = stderr {
        while let Ok(length @ 1..) = stderr.read(&mut part).await {
            let room = TALK_BYTES_MAX.saturating_sub(kept.len());
            kept.extend_from_slice(&part[..length.min(room)]);
        }
    }
    std::future::pending().await
}

/// A command that runs, with its process group, which is killed when it is dropped. It is not reaped before
/// that, so its number is nobody else's.
struct Running {
    child: Child,
    group: Pid,
    is_reaped: bool,
    place: Option<OwnedSemaphorePermit>,
}

impl Running {
    fn new(mut command: Command, place: OwnedSemaphorePermit) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let Some(group) = group else {
            child.kill()?;
            return Err(io::Error::other("it has no process number"));
        };
        Ok(Self { child, group, is_reaped: false, place: Some(place) })
    }

    /// Waits until it has ended, and leaves it unreaped.
    async fn has_ended(&self, ends: &mut tokio::signal::unix::Signal) -> io::Result<()> {
        let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(self.group), peek)?.is_none() {
            ends.recv().await;
        }
        Ok(())
    }

    fn kill(&self) {
        // Nobody is left where this fails.
        let _ = kill_process_group(self.group, Signal::KILL);
    }

    /// How it ended, once it has.
    fn reap(mut self) -> io::Result<ExitStatus> {
        self.kill();
        self.is_reaped = true;
        self.child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_reaped {
            return;
        }
        self.kill();
        let (pid, reaped) = (WaitId::Pid(self.group), WaitIdOptions::EXITED);
        // It ends at once; where its disk does not answer it takes longer, and nobody waits for that.
        let reaper = thread::Builder::new().name("reaper".to_owned());
        let place = self.place.take();
        let reap = move || {
            let _place = place;
            waitid(pid, reaped)
        };
        if let Err(error) = reaper.spawn(reap) {
            tracing::warn!(%error, "the command of a veto is killed, and its number not given back");
        }
    }
}

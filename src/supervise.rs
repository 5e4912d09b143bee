//! Whoever supervises the program, and what it is told: a service manager that speaks systemd's protocol.
//!
//! Told is only what somebody who waits or decides needs: that work has begun, that the policy is read
//! again, that the end has begun, and that the program still makes progress. When that is so is the
//! `daemon`'s to know. Messages leave in a thread of their own: a service manager that does not listen must not hold
//! up the loop. Start at [`Supervisor`].

use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use sd_notify::NotifyState;

/// How many messages may wait to be sent. A service manager that lets so many wait is not listening.
const WAITING_MAX: usize = 64;

/// How long the end of the program waits for the last messages to be sent.
const LAST_WORDS_WAIT: Duration = Duration::from_secs(1);

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The program does its work: after its start, and after it has read its policy again.
    Ready,
    /// It reads its policy again.
    Reloading,
    /// It ends.
    Stopping,
    /// It makes progress.
    Alive,
    /// What it is at, in a line for people.
    Status(String),
    /// Its start takes this much longer than is usual.
    StartTakes(SignedDuration),
}

/// Whoever supervises the program.
pub trait Supervisor: Send + Sync + fmt::Debug {
    /// Tells it something, at once and without waiting.
    fn tell(&self, notice: Notice);

    /// How long it waits for a sign of progress before it ends the program, if it ever does.
    fn patience(&self) -> Option<SignedDuration>;
}

/// The service manager that started the program, where `NOTIFY_SOCKET` names one.
#[derive(Debug)]
pub struct ServiceManager {
    queue: Option<SyncSender<Notice>>,
    /// Ends when all is sent.
    sent: Mutex<Receiver<()>>,
    patience: Option<SignedDuration>,
}

impl ServiceManager {
    /// The one that the environment names, if it does.
    ///
    /// # Errors
    /// The operating system has no thread for it.
    pub fn of_environment() -> io::Result<Option<Self>> {
        if std::env::var_os("NOTIFY_SOCKET").is_none() {
            return Ok(None);
        }
        let patience = sd_notify::watchdog_enabled().and_then(|wait| wait.try_into().ok());
        let (queue, notices) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("supervisor".to_owned());
        // Nobody joins it: a service manager that hangs must not keep the program from ending.
        let (sending, sent) = sync_channel(0);
        let send = move || {
            send_all(&notices);
            drop(sending);
        };
        drop(thread.spawn(send)?);
        Ok(Some(Self { queue: Some(queue), sent: Mutex::new(sent), patience }))
    }
}

impl Supervisor for ServiceManager {
    fn tell(&self, notice: Notice) {
        if let Some(queue) = &self.queue {
            // One that has let so many wait has no use for another.
            let _ = queue.try_send(notice);
        }
    }

    fn patience(&self) -> Option<SignedDuration> {
        self.patience
    }
}

impl Drop for ServiceManager {
    fn drop(&mut self) {
        drop(self.queue.take());
        let sent = self.sent.get_mut().unwrap_or_else(PoisonError::into_inner);
        // What is not sent by then is not sent.
        let _ = sent.recv_timeout(LAST_WORDS_WAIT);
    }
}

fn send_all(notices: &Receiver<Notice>) {
    let mut has_failed = false;
    while let Ok(notice) = notices.recv() {
        let sent = send(&notice);
        if let Err(error) = &sent
            && !has_failed
        {
            tracing::warn!(%error, "the service manager cannot be told anything");
        }
        has_failed = sent.is_err();
    }
}

fn send(notice: &Notice) -> io::Result<()> {
    match notice {
        Notice::Ready => sd_notify::notify(&[NotifyState::Ready]),
        // The manager takes the two together, or takes the reload for one that failed.
        Notice::Reloading => {
            sd_notify::notify(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?])
        }
        Notice::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        Notice::Alive => sd_notify::notify(&[NotifyState::Watchdog]),
        Notice::Status(line) => {
            let line = line.replace(char::is_control, " ");
            sd_notify::notify(&[NotifyState::Status(&line)])
        }
        Notice::StartTakes(time) => {
            let time = Duration::try_from(*time).unwrap_or_default().as_micros();
            let time = u32::try_from(time).unwrap_or(u32::MAX);
            sd_notify::notify(&[NotifyState::ExtendTimeoutUsec(time)])
        }
    }
}

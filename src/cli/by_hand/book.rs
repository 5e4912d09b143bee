//! Where it is recorded: in the log itself, or by the daemon that writes it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::Failure;
use crate::audit::record::{Journal, Record};
use crate::audit::{LogWriter, OpenError};
use crate::clock::Clock;
use crate::daemon::{lock_file, told_of_profile, told_record};
use crate::files::{self, Exposed, FileLock};
use crate::ids::{LaunchProfileId, SessionId, StudioId};
use crate::policy::Policy;
use crate::switch::{Changed, Request, Spool, SpoolError, TEXT_MAX, Told, Wish};

/// How long the daemon has to record it.
const TAKEN_WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// How often is looked whether it has.
const LOOK_EVERY: SignedDuration = SignedDuration::from_millis(100);

/// What is recorded of one session, or of one launch profile.
pub(in crate::cli) enum Entry {
    OfSession {
        studio: StudioId,
        session: SessionId,
        told: Told,
    },
    OfProfile {
        studio: StudioId,
        profile: LaunchProfileId,
        changes: BTreeMap<String, Changed>,
        told: Told,
    },
}

impl Entry {
    fn record(&self, who: &str, now: Timestamp) -> Record {
        match self {
            Self::OfSession { studio, session, told } => {
                told_record(studio, session, told, who, now)
            }
            Self::OfProfile { studio, profile, changes, told } => {
                told_of_profile(studio, profile, changes, told, who, now)
            }
        }
    }

    fn wish(self) -> Wish {
        match self {
            Self::OfSession { studio, session, told } => Wish::Tell { studio, session, told },
            Self::OfProfile { studio, profile, changes, told } => {
                Wish::TellOfProfile { studio, profile, changes, told }
            }
        }
    }
}

/// Refuses to write a log beside a daemon that writes another, or is about to take this one.
fn no_daemon_elsewhere(state: &Path) -> Result<(), Failure> {
    let lock = lock_file(state);
    // What the kernel lists may be a file of that number on another disk.
    let is_free = || File::open(&lock).is_ok_and(|file| FileLock::take(file).is_ok());
    match files::lock_holder(&lock) {
        Ok(Some(process)) if !is_free() => Err(Failure::Failed(format!(
            "a daemon (process {process}) runs with the state directory {} and does not write the audit log that the \
             policy names: either it has only begun, so try again; or `[audit] path` was changed since, so start it \
             anew; nothing was done",
            state.display()
        ))),
        // None runs, or none that can be seen from here.
        Ok(Some(_) | None) | Err(_) => Ok(()),
    }
}

pub(in crate::cli) struct Book {
    who: String,
    clock: Arc<dyn Clock>,
    place: Place,
}

enum Place {
    /// Nobody else writes the log.
    Log(LogWriter),
    /// A daemon does.
    Daemon(Spool),
}

impl Book {
    pub(in crate::cli) fn open(
        policy: &Policy,
        who: String,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        super::super::run::unexposed(&policy.audit_path)?;
        // Whoever may write everything must not make files there that the daemon could not write.
        if let Ok(Some(exposed @ Exposed::Owner { .. })) =
            files::exposed_at(&policy.daemon.state_dir)
        {
            return Err(Failure::Failed(exposed.to_string()));
        }
        let place =
            match LogWriter::open(&policy.audit_path, policy.audit_rotation, Arc::clone(&clock)) {
                Ok((log, _)) => {
                    no_daemon_elsewhere(&policy.daemon.state_dir)?;
                    Place::Log(log)
                }
                Err(OpenError::Locked { .. }) => {
                    let spool = Spool::of(&policy.daemon.state_dir, Arc::clone(&clock));
                    return Ok(Self::of_daemon(spool, who, clock));
                }
                Err(error) => return Err(Failure::of(&error)),
            };
        Ok(Self { who, clock, place })
    }

    /// One that a daemon writes.
    pub(super) fn of_daemon(spool: Spool, who: String, clock: Arc<dyn Clock>) -> Self {
        Self { who, clock, place: Place::Daemon(spool) }
    }

    /// Returns once all of it survives a power failure.
    pub(in crate::cli) async fn record(
        &self,
        entries: Vec<Entry>,
        late: Late,
    ) -> Result<(), Unrecorded> {
        match &self.place {
            Place::Log(log) => {
                let now = self.clock.now();
                let records = entries.iter().map(|entry| entry.record(&self.who, now)).collect();
                let recorded = log.commit(records).await;
                recorded.map(drop).map_err(|error| Unrecorded::none(Failure::of(&error)))
            }
            Place::Daemon(spool) => self.hand_over(spool, entries, late).await,
        }
    }

    async fn hand_over(
        &self,
        spool: &Spool,
        entries: Vec<Entry>,
        late: Late,
    ) -> Result<(), Unrecorded> {
        let mut requests: Vec<Request> = Vec::new();
        let end = self.clock.monotonic().saturating_add(TAKEN_WITHIN);
        for entry in entries {
            let wish = entry.wish();
            let added = loop {
                match spool.add(&self.who, wish.clone()) {
                    // What is done has to be told; the daemon takes what others have put there.
                    Err(SpoolError::Full) if late == Late::Left && self.clock.monotonic() < end => {
                        self.clock.sleep(LOOK_EVERY).await;
                    }
                    added => break added,
                }
            };
            match added {
                Ok(request) => requests.push(request),
                Err(error) => return Err(given_up(spool, &requests, late, Failure::of(&error))),
            }
        }
        while requests.iter().any(|request| spool.waits(request)) {
            if self.clock.monotonic() >= end {
                let why = Failure::Failed(format!(
                    "the daemon that writes the log has not recorded it within {TAKEN_WITHIN:#}"
                ));
                return Err(given_up(spool, &requests, late, why));
            }
            self.clock.sleep(LOOK_EVERY).await;
        }
        if requests.iter().any(|request| spool.is_refused(request)) {
            let why = "the daemon that writes the log does not record it; its own log says why";
            return Err(given_up(spool, &requests, late, Failure::Failed(why.to_owned())));
        }
        Ok(())
    }
}

/// What becomes of what the daemon has not recorded in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Late {
    /// It is taken back: of what is not done, nothing is to be said.
    TakenBack,
    /// It is left for when the daemon comes to it: it tells what was done.
    Left,
}

/// Not all of it was recorded.
pub(in crate::cli) struct Unrecorded {
    pub(in crate::cli) why: Failure,
    /// Which of the entries are in the log all the same, or may get there.
    pub(in crate::cli) recorded: Vec<usize>,
}

impl Unrecorded {
    fn none(why: Failure) -> Self {
        Self { why, recorded: Vec::new() }
    }
}

fn given_up(spool: &Spool, requests: &[Request], late: Late, why: Failure) -> Unrecorded {
    let is_recorded = |request: &Request| match late {
        Late::Left => !spool.is_refused(request),
        Late::TakenBack => match spool.withdraw(request) {
            Ok(was_there) => !was_there && !spool.is_refused(request),
            Err(error) => {
                tracing::warn!(%error, "a request stays, and will be recorded late");
                true
            }
        },
    };
    let requests = requests.iter().enumerate();
    let recorded = requests.filter(|(_, request)| is_recorded(request)).map(|(place, _)| place);
    Unrecorded { why, recorded: recorded.collect() }
}

/// The service's words as a remark that fits into the log.
pub(in crate::cli) fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line = line.trim().to_owned();
    while line.len() > TEXT_MAX {
        line.pop();
    }
    if line.is_empty() { "it said nothing".to_owned() } else { line }
}

//! Where it is recorded: in the log itself, or by the daemon that writes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::Failure;
use crate::audit::record::{Journal, Record};
use crate::audit::{LogWriter, OpenError};
use crate::clock::Clock;
use crate::daemon::{told_of_profile, told_record};
use crate::ids::{LaunchProfileId, SessionId, StudioId};
use crate::policy::Policy;
use crate::switch::{Changed, Request, Spool, TEXT_MAX, Told, Wish};

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
        let place =
            match LogWriter::open(&policy.audit_path, policy.audit_rotation, Arc::clone(&clock)) {
                Ok((log, _)) => Place::Log(log),
                Err(OpenError::Locked { .. }) => {
                    Place::Daemon(Spool::of(&policy.daemon.state_dir, Arc::clone(&clock)))
                }
                Err(error) => return Err(Failure::of(&error)),
            };
        Ok(Self { who, clock, place })
    }

    /// Returns once all of it survives a power failure.
    pub(in crate::cli) async fn record(&self, entries: Vec<Entry>) -> Result<(), Failure> {
        match &self.place {
            Place::Log(log) => {
                let now = self.clock.now();
                let records = entries.iter().map(|entry| entry.record(&self.who, now)).collect();
                log.commit(records).await.map(drop).map_err(|error| Failure::of(&error))
            }
            Place::Daemon(spool) => self.hand_over(spool, entries).await,
        }
    }

    async fn hand_over(&self, spool: &Spool, entries: Vec<Entry>) -> Result<(), Failure> {
        let mut requests: Vec<Request> = Vec::new();
        for entry in entries {
            match spool.add(&self.who, entry.wish()) {
                Ok(request) => requests.push(request),
                Err(error) => {
                    withdraw(spool, &requests);
                    return Err(Failure::of(&error));
                }
            }
        }
        let end = self.clock.monotonic().saturating_add(TAKEN_WITHIN);
        while requests.iter().any(|request| spool.waits(request)) {
            if self.clock.monotonic() >= end {
                withdraw(spool, &requests);
                return Err(Failure::Failed(format!(
                    "the daemon that writes the log has not recorded it within {TAKEN_WITHIN:#}"
                )));
            }
            self.clock.sleep(LOOK_EVERY).await;
        }
        if requests.iter().any(|request| spool.is_refused(request)) {
            return Err(Failure::Failed(
                "the daemon that writes the log does not record it; its own log says why"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

fn withdraw(spool: &Spool, requests: &[Request]) {
    for request in requests {
        if let Err(error) = spool.withdraw(request) {
            tracing::warn!(%error, "a request stays, and will be recorded late");
        }
    }
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

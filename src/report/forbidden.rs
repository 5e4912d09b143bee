//! How long sessions ran that were kept because their launch profile forbids to stop them.
//!
//! The log says when a session was first decided about so, and when otherwise; who was kept when the log
//! ends may still be there. What nobody saw does not count: where the daemon was down meanwhile, a session
//! ran on only if its later records are about the same run. Whether the hours were idle is not known here.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::audit::record::{Data, Kind, Record, SeenData};
use crate::ids::{SessionId, StudioId};

/// The code of the reason.
const FORBIDDEN: &str = "not_stoppable";

/// A time for which a session was kept for that reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where.
    pub studio: StudioId,
    /// Which session.
    pub session: SessionId,
    /// What was seen of it.
    pub seen: SeenData,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// The fold, one record at a time.
#[derive(Debug, Default)]
pub struct ForbiddenFold {
    open: BTreeMap<(StudioId, SessionId), Open>,
    closed: Vec<Kept>,
    last: Option<Timestamp>,
}

#[derive(Debug)]
struct Open {
    seen: SeenData,
    from: Timestamp,
    /// The last instant that is certain, where the daemon was down since.
    certain: Option<Timestamp>,
}

impl ForbiddenFold {
    /// Takes one record; records come in the order of the log.
    pub fn add(&mut self, record: &Record) {
        // A daemon that was killed has not said when; what it recorded last it has lived to see.
        if record.kind == Kind::DaemonStarted {
            let last = self.last.unwrap_or(record.time);
            for open in self.open.values_mut() {
                open.certain = open.certain.or(Some(last));
            }
        }
        self.last = Some(record.time);
        let Data { studio: Some(studio), session: Some(session), .. } = &record.data else {
            return;
        };
        let key = (studio.as_str().into(), session.as_str().into());
        match record.kind {
            Kind::SessionDecided => {
                self.close(&key, record);
                if let Some(open) = opened(record) {
                    self.open.insert(key, open);
                }
            }
            Kind::SessionVanished => self.close(&key, record),
            _ => {}
        }
    }

    /// All of it; `runs` tells of a session the start of the run that it is in at `now`.
    #[must_use]
    pub fn finish(
        mut self,
        runs: impl Fn(&StudioId, &SessionId) -> Option<Timestamp>,
        now: Timestamp,
    ) -> Vec<Kept> {
        let last = self.last.unwrap_or(now);
        for (key, open) in std::mem::take(&mut self.open) {
            let is_same =
                open.seen.started_at.is_some() && runs(&key.0, &key.1) == open.seen.started_at;
            let until = if is_same { now } else { open.certain.unwrap_or(last) };
            self.end(key, open, until);
        }
        self.closed
    }

    fn close(&mut self, key: &(StudioId, SessionId), record: &Record) {
        let Some(open) = self.open.remove(key) else { return };
        let next = record.data.seen.as_ref().and_then(|seen| seen.started_at);
        let is_same = next.is_some() && next == open.seen.started_at;
        let until = match open.certain {
            Some(certain) if !is_same => certain,
            _ => record.time,
        };
        self.end(key.clone(), open, until);
    }

    fn end(&mut self, key: (StudioId, SessionId), open: Open, until: Timestamp) {
        let ((studio, session), Open { seen, from, .. }) = (key, open);
        if from < until {
            self.closed.push(Kept { studio, session, seen, from, until });
        }
    }
}

fn opened(record: &Record) -> Option<Open> {
    let data = &record.data;
    let is_kept =
        data.reason.as_ref()?.code == FORBIDDEN && data.verdict.as_deref() == Some("keep");
    let seen = data.seen.clone().filter(|_| is_kept)?;
    Some(Open { seen, from: record.time, certain: None })
}

#[cfg(test)]
mod tests;

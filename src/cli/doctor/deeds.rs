//! What the log says of calls that change something: whether the service took the last one, or denied it.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use crate::audit::reader;
use crate::audit::record::{Kind, Record};
use crate::ids::StudioId;
use crate::inventory::Problem;
use crate::provider::nimble::Call;

/// The last answer to each call, by studio.
#[derive(Debug, Default)]
pub(super) struct Deeds(BTreeMap<(String, &'static str), Deed>);

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) at: Timestamp,
    pub(super) is_denied: bool,
}

impl Deeds {
    /// The last answer to a call in a studio, where one said whether it is permitted.
    pub(super) fn last(&self, studio: &StudioId, call: Call) -> Option<Deed> {
        self.0.get(&(studio.to_string(), call.name())).copied()
    }

    fn note(&mut self, record: &Record) {
        let call = match record.kind {
            Kind::StopAccepted | Kind::StopRejected => Call::StopStreamingSession,
            Kind::StartAccepted | Kind::StartRejected => Call::StartStreamingSession,
            Kind::MarkSet | Kind::MarkFailed => Call::TagResource,
            _ => return,
        };
        let problem = record.data.error.as_ref().map(|error| error.problem.as_str());
        let is_denied = problem == Some(Problem::Denied.code());
        // Any other failure says nothing of permission.
        if problem.is_some() && !is_denied {
            return;
        }
        let Some(studio) = record.data.studio.clone() else { return };
        self.0.insert((studio, call.name()), Deed { at: record.time, is_denied });
    }
}

/// Reads the newest part of a log, as far as it can be read.
pub(super) fn read(path: &Path) -> Deeds {
    let mut deeds = Deeds::default();
    for line in reader::read_recent(path).into_iter().flatten().flatten() {
        deeds.note(&line.record);
    }
    deeds
}

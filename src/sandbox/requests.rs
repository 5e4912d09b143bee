//! The log of requests, for tests and for whoever watches the sandbox: in memory, and as JSON lines
//! for a file or a stream.
//!
//! A line never has a header but those that are named in it, and never a signature.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::violation::Violation;
use super::world::Operation;

/// How many requests are remembered one by one; the counts go on for ever.
pub const REQUESTS_MAX: usize = 10_000;

/// How many pairs of a studio and an operation are counted apart.
const COUNTS_MAX: usize = 10_000;

/// One request, as it came in and as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    pub at: Timestamp,
    pub operation: Operation,
    pub studio: Option<String>,
    pub session: Option<String>,
    pub client_token: Option<String>,
    /// The SDK's name for one call, over all its attempts.
    pub invocation: Option<String>,
    /// The SDK's count of its attempts at the call, from 1.
    pub attempt: Option<u64>,
    /// Who asked, as far as that is known; with credentials, only where the signature was good.
    pub principal: Option<String>,
    /// Nothing when no answer was given.
    pub status: Option<u16>,
    /// The type of the error that was answered.
    pub error_type: Option<&'static str>,
    /// From the arrival of the request to its answer, by the clock of signatures.
    pub latency: SignedDuration,
    /// The faults that struck it, with the names of their rules.
    pub faults: Vec<String>,
    pub violations: Vec<Violation>,
}

impl RequestRecord {
    /// The request as one line of JSON, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        // Text, numbers, and lists of text: there is nothing that JSON could not say.
        serde_json::to_string(&self.shape()).unwrap_or_default()
    }

    /// The same, with no text longer than is shown: a request may be as long as its path.
    fn bounded(self) -> Self {
        let text = |text: Option<String>| text.map(|text| shortened(&text));
        Self {
            studio: text(self.studio),
            session: text(self.session),
            client_token: text(self.client_token),
            invocation: text(self.invocation),
            principal: text(self.principal),
            ..self
        }
    }

    pub(super) fn shape(&self) -> impl Serialize {
        let violations = self.violations.iter().map(|violation| ViolationShape {
            code: violation.code(),
            message: shortened(&violation.to_string()),
        });
        let text = |text: &Option<String>| text.as_deref().map(shortened);
        RecordShape {
            time: self.at,
            operation: self.operation.name(),
            studio: text(&self.studio),
            session: text(&self.session),
            client_token: text(&self.client_token),
            invocation: text(&self.invocation),
            attempt: self.attempt,
            principal: text(&self.principal),
            status: self.status,
            error_type: self.error_type,
            latency_micros: self.latency.as_micros(),
            faults: self.faults.clone(),
            violations: violations.collect(),
        }
    }
}

/// How much of a text of the client's a line repeats, in characters.
const TEXT_LENGTH_MAX: usize = 300;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_LENGTH_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// What is unknown is null, so that each line has each key.
#[derive(Serialize)]
struct RecordShape {
    time: Timestamp,
    operation: &'static str,
    studio: Option<String>,
    session: Option<String>,
    client_token: Option<String>,
    invocation: Option<String>,
    attempt: Option<u64>,
    principal: Option<String>,
    status: Option<u16>,
    error_type: Option<&'static str>,
    latency_micros: i128,
    faults: Vec<String>,
    violations: Vec<ViolationShape>,
}

#[derive(Serialize)]
struct ViolationShape {
    code: &'static str,
    message: String,
}

/// Where the lines of requests go.
#[derive(Clone)]
pub struct RequestLog {
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl RequestLog {
    /// Writes a line for each request as soon as it is answered.
    #[must_use]
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self { writer: Arc::new(Mutex::new(Box::new(writer))) }
    }

    /// A line that cannot be written is told of in the debug log: the answer matters more.
    fn write(&self, record: &RequestRecord) {
        let line = record.line() + "\n";
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writer.write_all(line.as_bytes()).and_then(|()| writer.flush()) {
            tracing::warn!(%error, "a request could not be written to the log of requests");
        }
    }
}

impl fmt::Debug for RequestLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestLog")
    }
}

/// The requests of a running server; clones share one log.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    log: Arc<Mutex<Log>>,
    lines: Option<RequestLog>,
}

#[derive(Debug, Default)]
struct Log {
    recent: VecDeque<RequestRecord>,
    counts: BTreeMap<(Option<String>, Operation), u64>,
}

impl Requests {
    /// A log that is written to lines as well.
    pub(super) fn with_lines(lines: Option<RequestLog>) -> Self {
        Self { lines, ..Self::default() }
    }

    /// The newest [`REQUESTS_MAX`] requests, oldest first.
    #[must_use]
    pub fn recent(&self) -> Vec<RequestRecord> {
        self.log().recent.iter().cloned().collect()
    }

    /// How many requests there were for each studio and operation. A request that names no studio
    /// counts under none.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(Option<String>, Operation), u64> {
        self.log().counts.clone()
    }

    /// How many requests there were for an operation, over all studios.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        self.log()
            .counts
            .iter()
            .filter(|((_, of), _)| *of == operation)
            .map(|(_, count)| count)
            .sum()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.log() = Log::default();
    }

    pub(super) fn note(&self, record: RequestRecord) {
        let record = record.bounded();
        if let Some(lines) = &self.lines {
            lines.write(&record);
        }
        let mut log = self.log();
        let counted = (record.studio.clone(), record.operation);
        let is_room = log.counts.len() < COUNTS_MAX || log.counts.contains_key(&counted);
        // Whoever makes names up has them counted under none.
        let counted = if is_room { counted } else { (None, record.operation) };
        *log.counts.entry(counted).or_default() += 1;
        if log.recent.len() == REQUESTS_MAX {
            log.recent.pop_front();
        }
        log.recent.push_back(record);
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

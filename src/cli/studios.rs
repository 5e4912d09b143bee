//! What several commands need: the studios read, and the past from the log.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use super::Failure;
use crate::audit::reader;
use crate::audit::replay::Replay;
use crate::clock::{Clock, SystemClock};
use crate::ids::StudioId;
use crate::inventory::Snapshot;
use crate::plan::History;
use crate::policy::{Policy, StudioPolicy};
use crate::provider::Provider;
use crate::provider::nimble::Connections;

/// Every studio of a policy, as it is now.
pub(super) struct Seen<'a> {
    /// The instant after the last was read.
    pub(super) now: Timestamp,
    /// The studios with what was seen of them, by id.
    pub(super) studios: Vec<(&'a StudioPolicy, Snapshot)>,
    past: Replay,
}

impl Seen<'_> {
    /// What the log says of a studio.
    pub(super) fn history(&self, studio: &StudioId) -> &History {
        &self.past.studio(studio).history
    }
}

/// Reads every studio, side by side, and the log.
pub(super) fn read(policy: &Policy) -> Result<Seen<'_>, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let connections = Connections::new(Arc::clone(&clock));
    let studios = super::runtime()?.block_on(async {
        let reads = policy.studios.values().map(async |studio| {
            let provider = connections.connect(studio);
            (studio, provider.observe().await)
        });
        join_all(reads).await
    });
    let past = past(&policy.audit_path)?;
    Ok(Seen { now: clock.now(), studios, past })
}

/// What the log says; a log that does not exist yet says nothing.
fn past(path: &Path) -> Result<Replay, Failure> {
    let mut replay = Replay::default();
    let lines = match reader::read_recent(path) {
        Ok(lines) => lines,
        Err(error) if error.is_absence() => return Ok(replay),
        Err(error) => return Err(Failure::of(&error)),
    };
    for line in lines {
        match line {
            Ok(line) => replay.apply(&line.record),
            // A daemon that is writing now may be in the middle of it.
            Err(reader::ReadError::Torn { .. }) => {}
            Err(error) => return Err(Failure::of(&error)),
        }
    }
    Ok(replay)
}

/// An instant as people type it: RFC 3339, or `+2h` from now, or `-2h` before it.
pub(super) fn instant(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::Usage(format!(
            "{text:?} is not an instant ({error}); write one like 2026-11-20T20:00:00-08:00, \
             or +2h for two hours from now, or -2h for two hours ago"
        ))
    };
    let Some(distance) = text.strip_prefix(['+', '-']) else {
        return text.parse().map_err(|error: jiff::Error| wrong(&error));
    };
    if !distance.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(wrong(&"a distance begins with a number"));
    }
    let span: Span = distance.parse().map_err(|error: jiff::Error| wrong(&error))?;
    let distance: SignedDuration =
        span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| wrong(&error))?;
    let distance = if text.starts_with('-') { -distance } else { distance };
    now.checked_add(distance).map_err(|error| wrong(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_absolute_or_a_distance_from_now() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let read = |text: &str| instant(text, now).map(|at| at.to_string()).ok();
        assert_eq!(read("2026-11-20T20:00:00-08:00").as_deref(), Some("2026-11-21T04:00:00Z"));
        assert_eq!(read("+1d 30m").as_deref(), Some("2026-11-21T12:30:00Z"));
        assert_eq!(read("-2h").as_deref(), Some("2026-11-20T10:00:00Z"));
        for wrong in ["", "tonight", "2026-11-20T20:00:00", "+", "--2h", "+20000y"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}

//! What several commands need: the studios read, and the past from the log.

use std::path::Path;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::Serialize;

use super::{Failure, output};
use crate::audit::reader;
use crate::audit::replay::Replay;
use crate::clock::{Clock, SystemClock};
use crate::daemon::record_of_request;
use crate::ids::{SessionId, StudioId};
use crate::inventory::Snapshot;
use crate::plan::History;
use crate::policy::{Policy, StudioPolicy};
use crate::provider::Provider;
use crate::provider::nimble::Connections;
use crate::switch::{Request, Spool};

/// What is wrong with a studio, in words.
#[derive(Debug, Serialize)]
pub(super) struct Notice {
    studio: String,
    studio_name: Option<String>,
    text: String,
}

impl Notice {
    pub(super) fn of(studio: &StudioPolicy, text: String) -> Self {
        Self { studio: studio.id.to_string(), studio_name: studio.name.clone(), text }
    }

    /// In a line, with what stands between the studio and the words.
    pub(super) fn line(&self, between: &str) -> String {
        let Self { studio, studio_name, text } = self;
        format!("{}{between}{text}", studio_name.as_ref().unwrap_or(studio))
    }
}

/// How many are asked at once where no policy says how many calls may be in flight.
pub(super) const AT_ONCE: usize = 16;

/// Asks each, so many at once, and answers in their order.
pub(super) async fn side_by_side<T>(
    asked: impl IntoIterator<Item = impl Future<Output = T>>,
    at_once: usize,
) -> Vec<T> {
    stream::iter(asked).buffered(at_once).collect().await
}

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
    read_of(policy, None)
}

/// The same, of one studio where one is named.
pub(super) fn read_of<'a>(
    policy: &'a Policy,
    only: Option<&'a StudioPolicy>,
) -> Result<Seen<'a>, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let connections = Connections::new(Arc::clone(&clock));
    let studios = super::runtime()?.block_on(async {
        let wanted =
            policy.studios.values().filter(|studio| only.is_none_or(|o| o.id == studio.id));
        let reads = wanted.map(async |studio| {
            let provider = connections.connect(studio);
            (studio, provider.observe().await)
        });
        side_by_side(reads, policy.daemon.concurrency).await
    });
    // What is taken in between is then in both, and counts once.
    let waiting = waiting(policy, &clock);
    let mut past = past(&policy.audit_path)?;
    for request in &waiting {
        if !past.has_taken(&request.id) {
            past.apply(&record_of_request(request, clock.now()));
        }
    }
    Ok(Seen { now: clock.now(), studios, past })
}

/// The requests that a daemon of this policy will take: they count from the next scan on, or from the
/// next start.
fn waiting(policy: &Policy, clock: &Arc<dyn Clock>) -> Vec<Request> {
    let spool = Spool::of(&policy.daemon.state_dir, Arc::clone(clock));
    let mut waiting = spool.look().unwrap_or_else(|error| {
        tracing::warn!("requests that wait are not counted: {error}{}", output::sources(&error));
        Vec::new()
    });
    let is_ours = |request: &Request| {
        request.wish.studio().is_none_or(|studio| policy.studios.contains_key(studio))
    };
    waiting.retain(is_ours);
    waiting
}

/// The studio that a person names: by its id, or by the name that the policy gives it.
pub(super) fn named<'a>(policy: &'a Policy, name: &str) -> Result<&'a StudioPolicy, Failure> {
    let is_meant =
        |studio: &&StudioPolicy| studio.id.as_str() == name || studio.name.as_deref() == Some(name);
    let found: Vec<_> = policy.studios.values().filter(is_meant).collect();
    if let [studio] = found[..] {
        return Ok(studio);
    }
    let known: Vec<&str> = policy.studios.values().map(|studio| studio.id.as_str()).collect();
    let wrong = if found.is_empty() { "no studio" } else { "more than one studio" };
    let known = known.join(", ");
    Err(Failure::Usage(format!("{wrong} {name:?} in the policy; its studios are {known}")))
}

/// The session that is meant by its id or by STUDIO/SESSION, and the studio where that is named.
pub(super) fn session<'a>(
    policy: &'a Policy,
    name: &str,
) -> Result<(Option<&'a StudioPolicy>, SessionId), Failure> {
    match name.rsplit_once('/') {
        Some((place, id)) => Ok((Some(named(policy, place)?), id.into())),
        None => Ok((None, name.into())),
    }
}

/// A length of time as people type it, which must end: `2h`, `1h 30m`.
pub(super) fn length(text: &str, longest: SignedDuration) -> Result<SignedDuration, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::Usage(format!(
            "{text:?} is not a length of time ({error}); write one like 2h or 1h 30m"
        ))
    };
    let span: Span = text.parse().map_err(|error: jiff::Error| wrong(&error))?;
    let length: SignedDuration =
        span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| wrong(&error))?;
    if length <= SignedDuration::ZERO || length > longest {
        return Err(wrong(&format!("it must be longer than nothing, and at most {longest:#}")));
    }
    Ok(length)
}

/// What the log says; a log that does not exist yet says nothing.
pub(super) fn past(path: &Path) -> Result<Replay, Failure> {
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
    fn a_length_of_time_ends() {
        let read = |text: &str| length(text, SignedDuration::from_hours(48)).ok();
        assert_eq!(read("2h"), Some(SignedDuration::from_hours(2)));
        assert_eq!(read("1h 30m"), Some(SignedDuration::from_mins(90)));
        assert_eq!(read("2d"), Some(SignedDuration::from_hours(48)));
        for wrong in ["", "2", "0h", "-2h", "2d 1s", "for ever", "1mo"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

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

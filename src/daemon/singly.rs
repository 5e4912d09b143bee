//! What we put off is read one by one where the list of sessions cannot be read: a row that nobody understands takes its
//! whole page with it, and the pages after that, and the service answers about each of the others all the same.

use std::sync::Arc;

use futures_util::StreamExt;
use jiff::SignedDuration;

use super::Ledger;
use crate::execute::Workshop;
use crate::ids::SessionId;
use crate::inventory::{Problem, Session, Snapshot, Wanted};
use crate::policy::Preserve;
use crate::provider::ProviderError;
use crate::provider::gate::Urgency;

/// How many are read at a time.
const AT_A_TIME: usize = 4;

/// How long that may take in all: the rescue of what the list does show waits behind it.
const TAKES_MAX: SignedDuration = SignedDuration::from_mins(2);

/// What a studio looks like: what is listed, and where the list has a gap and this is no outage, what we have put off
/// and it lacks. The studio is held for the gap as ever; what is about to be destroyed can be started.
pub(super) async fn look_at(workshop: &Workshop, ledger: &Ledger) -> Snapshot {
    let mut snapshot = workshop.provider.observe().await;
    let settings = workshop.studio.rules.iter().map(|rule| &rule.settings);
    let mut settings = settings.chain([&workshop.studio.settings]);
    let is_asked = settings.any(|settings| settings.preserve != Preserve::Allow);
    // Whoever answered a part of it is there.
    let is_there = !snapshot.sessions.is_empty() || !snapshot.profiles.is_empty();
    let is_unread = snapshot.gaps.iter().any(|gap| {
        gap.wanted == Wanted::Sessions
            && match gap.problem {
                Problem::Garbled | Problem::TooLarge | Problem::EndlessPages | Problem::Denied => {
                    true
                }
                Problem::ServerError
                | Problem::Throttled
                | Problem::TimedOut
                | Problem::Unreachable
                | Problem::Gone
                | Problem::Conflict
                | Problem::Refused => is_there,
                Problem::NoCredentials | Problem::CredentialsExpired | Problem::NotAsked => false,
            }
    });
    if is_asked && is_unread {
        let lacking = lacking(workshop, ledger, &snapshot);
        let late = workshop.clock.sleep(TAKES_MAX);
        tokio::select! {
            biased;
            () = read_singly(workshop, &lacking, &mut snapshot) => {}
            () = late => {
                let studio = workshop.studio.label();
                tracing::warn!(studio, "not all that was put off could be read one by one in time");
            }
        }
    }
    snapshot
}

async fn read_singly(workshop: &Workshop, lacking: &[SessionId], snapshot: &mut Snapshot) {
    let mut reads = Vec::with_capacity(lacking.len());
    for session in lacking {
        reads.push(read(workshop, session));
    }
    let mut reads = futures_util::stream::iter(reads).buffered(AT_A_TIME);
    while let Some(read) = reads.next().await {
        match read {
            Ok(session) => {
                // None of another account's is read. Where no list tells whose they are, this does.
                if snapshot.accounts.is_empty() && session.arn.is_some() {
                    snapshot.accounts.extend(workshop.studio.connection.account.clone());
                }
                snapshot.sessions.insert(session.id.clone(), Arc::new(session));
            }
            // That is about this one: it may be the one that spoils the list.
            Err(error) if is_of_one(error.problem) => {}
            // Who does not answer about one will not about the others.
            Err(_) => break,
        }
    }
}

async fn read(workshop: &Workshop, session: &SessionId) -> Result<Session, ProviderError> {
    // It keeps the pace of all calls; where there is no leave the end is near.
    let _permit = workshop.permits.acquire(Urgency::Usual).await;
    workshop.provider.read(session).await
}

fn is_of_one(problem: Problem) -> bool {
    matches!(
        problem,
        Problem::Gone | Problem::Garbled | Problem::TooLarge | Problem::Refused | Problem::Conflict
    )
}

/// The sessions that we put off, or have asked to be off, and that the list lacks; what has been off for longest first.
fn lacking(workshop: &Workshop, ledger: &Ledger, snapshot: &Snapshot) -> Vec<SessionId> {
    let mut lacking: Vec<_> = ledger.with(&workshop.studio.id, |past| {
        let sessions = past.history.sessions.iter();
        let put_off = sessions.filter_map(|(id, past)| {
            let asked = past.open.as_ref().map(|open| open.since);
            Some((past.put_off.max(asked)?, id.clone()))
        });
        put_off.filter(|(_, id)| !snapshot.sessions.contains_key(id)).collect()
    });
    lacking.sort_unstable();
    lacking.into_iter().map(|(_, id)| id).collect()
}

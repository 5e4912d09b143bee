//! What we put off is read one by one where the list of sessions cannot be read: a row that nobody understands takes its
//! whole page with it, and the pages after that, and the service answers about each of the others all the same.

use std::cmp::Reverse;
use std::sync::Arc;

use futures_util::StreamExt;

use super::Ledger;
use crate::execute::Workshop;
use crate::ids::SessionId;
use crate::inventory::{Problem, Snapshot, Wanted};
use crate::policy::Preserve;

/// How many are read at a scan, and how many of them at a time.
const READ_MAX: usize = 256;
const AT_A_TIME: usize = 8;

/// Adds to what was seen what we have put off and the list lacks, if it has a gap that is no outage. The studio is
/// held for the gap as before; what is about to be destroyed can be started.
pub(super) async fn read_put_off(workshop: &Workshop, ledger: &Ledger, snapshot: &mut Snapshot) {
    let settings = workshop.studio.rules.iter().map(|rule| &rule.settings);
    let mut settings = settings.chain([&workshop.studio.settings]);
    let is_asked = settings.any(|settings| settings.preserve != Preserve::Allow);
    let is_unread = snapshot.gaps.iter().any(|gap| {
        gap.wanted == Wanted::Sessions
            && matches!(
                gap.problem,
                Problem::Garbled | Problem::TooLarge | Problem::EndlessPages | Problem::Denied
            )
    });
    if !is_asked || !is_unread {
        return;
    }
    let lacking = lacking(workshop, ledger, snapshot);
    let mut read = Vec::with_capacity(lacking.len());
    for session in &lacking {
        read.push(workshop.provider.read(session));
    }
    // Who does not answer about one will not about the others.
    let mut read = futures_util::stream::iter(read).buffered(AT_A_TIME);
    while let Some(Ok(session)) = read.next().await {
        snapshot.sessions.insert(session.id.clone(), Arc::new(session));
    }
}

/// The sessions that we put off and the list lacks, what was stopped last first.
fn lacking(workshop: &Workshop, ledger: &Ledger, snapshot: &Snapshot) -> Vec<SessionId> {
    let mut lacking: Vec<_> = ledger.with(&workshop.studio.id, |past| {
        let sessions = past.history.sessions.iter();
        let put_off = sessions.filter_map(|(id, past)| Some((Reverse(past.put_off?), id.clone())));
        put_off.filter(|(_, id)| !snapshot.sessions.contains_key(id)).collect()
    });
    lacking.sort_unstable();
    lacking.into_iter().take(READ_MAX).map(|(_, id)| id).collect()
}

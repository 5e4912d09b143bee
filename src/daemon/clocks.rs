//! What time it is where the service is: recorded before anything is read by it.

use jiff::{SignedDuration, Timestamp};

use super::Ledger;
use super::news::commit;
use crate::audit::StudioPast;
use crate::audit::record::{Data, JournalError, Kind, ReasonData, Record};
use crate::audit::replay::BEHIND;
use crate::execute::Workshop;
use crate::inventory::{CLOCKS_APART_MAX, Snapshot, clocks_in_words};
use crate::plan::{History, Reason, held_since};

/// Records what the service says of its clock, where the log says otherwise: before anything is read by it.
pub(super) async fn compare_clocks(
    workshop: &Workshop,
    ledger: &Ledger,
    snapshot: &Snapshot,
) -> Result<(), JournalError> {
    let now = ledger.time(workshop.clock.as_ref()).await?;
    let record = clocks_news(workshop, ledger, snapshot, now);
    commit(workshop, ledger, record.into_iter().collect()).await
}

/// The record of it, where there is one to make.
pub(super) fn clocks_news(
    workshop: &Workshop,
    ledger: &Ledger,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Option<Record> {
    let (studio, ahead) = (&workshop.studio.id, snapshot.clock_ahead?);
    let said =
        |past: &StudioPast| compared(past, ahead).filter(|_| !has_jumped(&past.history, now));
    let reason = ledger.with(studio, said)?;
    let data = Data {
        studio: Some(studio.to_string()),
        policy: Some(workshop.policy.hash.to_string()),
        reason: Some(reason),
        ..Data::default()
    };
    Some(Record { time: now, kind: Kind::ClockCompared, subject: studio.to_string(), data })
}

/// Whether our clock was just set: what was compared with it may have been before that.
pub(super) fn has_jumped(history: &History, now: Timestamp) -> bool {
    matches!(held_since(history, now), Some(Reason::ClockJumped { .. }))
}

/// What there is to say of a clock that is so far ahead of the service's, where that is not what the log says.
fn compared(past: &StudioPast, ahead: SignedDuration) -> Option<ReasonData> {
    let behind = -SignedDuration::from_secs(ahead.as_secs());
    let known = past.history.clock_behind.unwrap_or_default();
    if (behind - known).abs() <= CLOCKS_APART_MAX {
        return None;
    }
    let is_wrong = behind.abs() > CLOCKS_APART_MAX;
    let right = "the clock of this host shows the same as the service's";
    Some(ReasonData {
        code: "clock_compared".to_owned(),
        values: [(BEHIND.to_owned(), behind.as_secs().to_string())].into(),
        text: if is_wrong { clocks_in_words(ahead) } else { right.to_owned() },
        alarm: is_wrong,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_by_no_more_than_clocks_may_is_no_news() {
        let news = |known: i64, says: i64| {
            let mut past = StudioPast::default();
            past.history.clock_behind = Some(SignedDuration::from_secs(known));
            let said = compared(&past, -SignedDuration::from_secs(says));
            said.map(|reason| reason.values[BEHIND].clone())
        };
        assert_eq!((news(0, 240), news(0, -240)), (None, None));
        assert_eq!(news(0, 241), Some("241".to_owned()));
        assert_eq!(news(18_000, 17_800), None);
        assert_eq!(news(18_000, -2), Some("-2".to_owned()));
    }
}

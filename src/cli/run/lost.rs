//! A log that is shorter than it was when the daemon last told of it: its end is lost, and with it perhaps a pause, a
//! brake that held, or what was asked for and not seen to end.

use jiff::{SignedDuration, Timestamp};

use crate::audit::record::{Data, Kind, ReasonData, Record};

/// How long nothing is done where nobody says otherwise.
const PAUSED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Who pauses, for people.
const WHO: &str = "lightsout";

/// What is to be recorded where the log stood at `before` and has `records` now: that, and a pause. On doubt nothing
/// is done.
pub(super) fn records(before: Option<u64>, records: u64, now: Timestamp) -> Vec<Record> {
    let Some(before) = before.filter(|before| *before > records) else { return Vec::new() };
    tracing::error!(before, records, "the end of the audit log is lost; nothing is done for a day");
    let text = format!(
        "the log stood at record {before} when the daemon last told of it, and has {records}: what came after is \
         lost, and with it perhaps a pause or a brake; nothing is done for a day, or until `lightsout resume`"
    );
    let values = [("before", before), ("last", records)];
    let reason = ReasonData {
        code: "end_lost".to_owned(),
        values: values.map(|(name, value)| (name.to_owned(), value.to_string())).into(),
        text: text.clone(),
        alarm: true,
    };
    let repaired = Data { reason: Some(reason), ..Data::default() };
    let until = now.checked_add(PAUSED_FOR).unwrap_or(Timestamp::MAX);
    let note = Some("the end of the audit log is lost".to_owned());
    let paused = Data { who: Some(WHO.to_owned()), until: Some(until), note, ..Data::default() };
    let record = |kind, data| Record { time: now, kind, subject: String::new(), data };
    vec![record(Kind::LogRepaired, repaired), record(Kind::DaemonPaused, paused)]
}

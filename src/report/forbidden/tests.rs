use super::*;
use crate::audit::record::ReasonData;

fn at(text: &str) -> Timestamp {
    format!("2026-11-20T{text}:00Z").parse().unwrap()
}

fn record(time: &str, kind: Kind, code: Option<&str>, started: &str) -> Record {
    let reason = code.map(|code| ReasonData {
        code: code.to_owned(),
        values: BTreeMap::new(),
        text: String::new(),
        alarm: false,
    });
    let seen = code.map(|_| SeenData { started_at: Some(at(started)), ..SeenData::default() });
    let data = Data {
        studio: Some("stid".to_owned()),
        session: Some("one".to_owned()),
        verdict: Some("keep".to_owned()),
        reason,
        seen,
        ..Data::default()
    };
    Record { time: at(time), kind, subject: String::new(), data }
}

fn kept(time: &str) -> Record {
    record(time, Kind::SessionDecided, Some("not_stoppable"), "01:00")
}

fn daemon(time: &str) -> Record {
    let data = Data::default();
    Record { time: at(time), kind: Kind::DaemonStarted, subject: String::new(), data }
}

/// The spans that these records leave at noon, when the session's run is the one that began then.
fn spans(records: &[Record], runs: Option<&str>) -> Vec<(String, String)> {
    let mut fold = ForbiddenFold::default();
    records.iter().for_each(|record| fold.add(record));
    let found = fold.finish(|_, _| runs.map(at), at("12:00"));
    let text = |at: Timestamp| at.strftime("%H:%M").to_string();
    found.into_iter().map(|kept| (text(kept.from), text(kept.until))).collect()
}

fn span(from: &str, until: &str) -> Vec<(String, String)> {
    vec![(from.to_owned(), until.to_owned())]
}

#[test]
fn it_lasts_until_another_decision_or_the_last_sight() {
    let other = record("06:00", Kind::SessionDecided, Some("not_due"), "01:00");
    assert_eq!(spans(&[kept("02:00"), other], None), span("02:00", "06:00"));
    let gone = record("05:00", Kind::SessionVanished, None, "");
    assert_eq!(spans(&[kept("02:00"), gone], None), span("02:00", "05:00"));
}

#[test]
fn who_is_still_in_the_same_run_was_in_it_until_now() {
    assert_eq!(spans(&[kept("02:00"), daemon("09:00")], Some("01:00")), span("02:00", "12:00"));
    // In another run, or not there: until the log was last written.
    let records = [kept("02:00"), record("04:00", Kind::WarningGiven, None, "")];
    assert_eq!(spans(&records, Some("11:00")), span("02:00", "04:00"));
    assert_eq!(spans(&records, None), span("02:00", "04:00"));
}

#[test]
fn what_nobody_saw_counts_only_where_the_run_is_the_same_after_it() {
    let down = |after: Record| {
        [kept("02:00"), record("03:00", Kind::WarningGiven, None, ""), daemon("09:00"), after]
    };
    let same = record("10:00", Kind::SessionDecided, Some("not_due"), "01:00");
    assert_eq!(spans(&down(same), None), span("02:00", "10:00"));
    let other = record("10:00", Kind::SessionDecided, Some("not_due"), "08:00");
    assert_eq!(spans(&down(other), None), span("02:00", "03:00"));
    let gone = record("10:00", Kind::SessionVanished, None, "");
    assert_eq!(spans(&down(gone), None), span("02:00", "03:00"));
}

#[test]
fn other_reasons_and_other_verdicts_are_not_counted() {
    let tag = record("02:00", Kind::SessionDecided, Some("tag_keep"), "01:00");
    assert_eq!(spans(&[tag], Some("01:00")), []);
    let mut held = kept("02:00");
    held.data.verdict = Some("hold".to_owned());
    assert_eq!(spans(&[held], Some("01:00")), []);
}

use super::*;
use crate::audit::record::{EndingData, ReasonData, SeenData};

const STOP: &str = "2026-11-20T04:00:00Z";
const NOW: &str = "2026-11-20T14:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn record(kind: Kind, time: &str, started: &str) -> Record {
    let seen = SeenData {
        state: "READY".to_owned(),
        instance_type: Some("g5.4xlarge".to_owned()),
        started_at: Some(at(started)),
        ..SeenData::default()
    };
    let data = Data {
        studio: Some("st".to_owned()),
        session: Some("s".to_owned()),
        mode: Some("enforce".to_owned()),
        seen: Some(seen),
        ..Data::default()
    };
    Record { time: at(time), kind, subject: String::new(), data }
}

/// The two records of a stop at [`STOP`] of a run that the service would have ended at `ends`.
fn stop(ends: Option<&str>) -> Vec<Record> {
    let mut intent = record(Kind::StopIntended, STOP, "2026-11-19T17:00:00Z");
    intent.data.ends_itself = ends.map(|ends| EndingData { at: at(ends), destroys: false });
    let mut proven = record(Kind::StopProven, "2026-11-20T04:05:00Z", "2026-11-19T17:00:00Z");
    proven.data.stopped_at = Some(at(STOP));
    vec![intent, proven]
}

fn folded(records: &[Record]) -> Figures {
    let prices = Prices::new(&BTreeMap::from([("mine".into(), 10.0)]));
    let savings = Savings::fold(records, &prices, at(NOW));
    savings.studios.get(&"st".into()).inspect(|figures| assert_eq!(**figures, savings.total));
    savings.total
}

/// The hours counted for a stop with a far ending, followed by `then`.
fn hours(then: impl IntoIterator<Item = Record>) -> f64 {
    let mut records = stop(Some("2026-12-24T00:00:00Z"));
    records.extend(then);
    folded(&records).hours()
}

#[test]
fn hours_end_at_the_next_start_of_whoever() {
    let seen = |started| record(Kind::SessionDecided, "2026-11-20T09:30:00Z", started);
    assert_eq!(hours([seen("2026-11-20T09:00:00Z")]), 5.0);
    assert_eq!(hours([seen(STOP)]), 10.0);
    assert_eq!(hours([seen("2026-11-20T09:00:00Z"), seen("2026-11-20T12:00:00Z")]), 5.0);
}

#[test]
fn hours_end_at_a_start_of_ours_and_not_before_it_began() {
    let of = |kind: Kind, time: &str, started: &str| {
        let mut record = record(kind, time, started);
        record.data.stopped_at = Some(at(STOP));
        record
    };
    let before = "2026-11-19T17:00:00Z";
    let begun = "2026-11-20T09:00:00Z";
    let asked = [
        of(Kind::MarkIntended, "2026-11-20T04:05:00Z", before),
        of(Kind::MarkSet, "2026-11-20T04:05:00Z", before),
        of(Kind::StartIntended, "2026-11-20T08:59:59Z", before),
        of(Kind::StartAccepted, "2026-11-20T09:00:00Z", before),
    ];
    assert_eq!(hours(asked.clone()), 10.0, "nothing shows yet that it began to start");
    let proven = of(Kind::StartProven, "2026-11-20T09:05:00Z", begun);
    assert_eq!(hours(asked.clone().into_iter().chain([proven])), 5.0);
    // One that failed may have cost something: the smaller figure is taken.
    let failed = of(Kind::StartFailed, "2026-11-20T09:05:00Z", begun);
    assert_eq!(hours(asked.into_iter().chain([failed])), 5.0);
}

/// A rescue from a stop of `stopped_by` that led to a run from 09:00 on, and the stop of that run at 09:20, which
/// the service would have ended at 13:00.
fn rotated(stopped_by: &str) -> Vec<Record> {
    let before = "2026-11-19T17:00:00Z";
    let begun = "2026-11-20T09:00:00Z";
    let mut intent = record(Kind::StartIntended, "2026-11-20T08:59:59Z", before);
    let values = BTreeMap::from([("stopped_by".to_owned(), stopped_by.to_owned())]);
    let (code, text) = ("rescue".to_owned(), String::new());
    intent.data.reason = Some(ReasonData { code, values, text, alarm: false });
    let proven = record(Kind::StartProven, "2026-11-20T09:05:00Z", begun);
    let mut stop = record(Kind::StopIntended, "2026-11-20T09:20:00Z", begun);
    let ends = EndingData { at: at("2026-11-20T13:00:00Z"), destroys: false };
    stop.data.ends_itself = Some(ends);
    let mut stopped = record(Kind::StopProven, "2026-11-20T09:25:00Z", begun);
    stopped.data.stopped_at = Some(at("2026-11-20T09:20:00Z"));
    vec![intent, proven, stop, stopped]
}

#[test]
fn what_a_person_turned_off_saves_nothing_after_its_rescue() {
    let figures = folded(&rotated("another"));
    assert_eq!((figures.hours(), figures.stops, figures.still_off), (0.0, 0, 0));
    // Whoever starts it after that begins another run, and its stop counts.
    let mut later = stop(Some("2026-12-24T00:00:00Z"));
    for record in &mut later {
        record.data.seen.as_mut().unwrap().started_at = Some(at("2026-11-20T10:00:00Z"));
        record.time = at("2026-11-20T12:00:00Z");
    }
    later[1].data.stopped_at = Some(at("2026-11-20T12:00:00Z"));
    let figures = folded(&[rotated("another"), later].concat());
    assert_eq!((figures.hours(), figures.stops), (2.0, 1));
}

#[test]
fn hours_after_a_rescue_end_when_the_run_before_it_would_have() {
    let with = |ends| folded(&[stop(ends), rotated("us")].concat()).hours();
    assert_eq!(with(Some("2026-11-20T08:00:00Z")), 4.0);
    // From 04:00 to 09:00, and from 09:20 to 11:00.
    assert!((with(Some("2026-11-20T11:00:00Z")) - (5.0 + 100.0 / 60.0)).abs() < 1e-9);
    // The rescued run would have ended at 13:00.
    assert!((with(Some("2026-12-24T00:00:00Z")) - (5.0 + 220.0 / 60.0)).abs() < 1e-9);
}

#[test]
fn hours_end_when_the_session_is_gone() {
    let mut deleted = record(Kind::SessionDecided, "2026-11-20T07:00:00Z", "2026-11-19T17:00:00Z");
    deleted.data.seen.as_mut().unwrap().state = "DELETE_IN_PROGRESS".to_owned();
    let mut vanished = record(Kind::SessionVanished, "2026-11-20T06:00:00Z", STOP);
    vanished.data.seen = None;
    assert_eq!(hours([vanished.clone()]), 2.0);
    assert_eq!(hours([deleted, vanished]), 3.0);
}

#[test]
fn hours_end_when_the_service_would_have_ended_the_session_itself() {
    let started = || record(Kind::SessionDecided, "2026-11-20T13:30:00Z", "2026-11-20T13:00:00Z");
    let with = |ends| folded(&[stop(ends), vec![started()]].concat());
    assert_eq!(with(Some("2026-11-20T05:00:00Z")).hours(), 1.0);
    assert_eq!(with(Some("2026-11-20T03:00:00Z")).hours(), 0.0);
    let unbounded = with(None);
    assert_eq!((unbounded.hours(), unbounded.without_own_ending), (9.0, 1));
    assert_eq!(with(Some("2026-11-20T05:00:00Z")).without_own_ending, 0);
}

#[test]
fn hours_end_now_while_it_is_off() {
    let figures = folded(&stop(Some("2026-12-24T00:00:00Z")));
    assert_eq!((figures.hours(), figures.stops, figures.still_off), (10.0, 1, 1));
    assert!((figures.usd - 16.24).abs() < 1e-9, "{}", figures.usd);
}

#[test]
fn only_a_proven_stop_counts_and_only_once() {
    let proven = || stop(Some("2026-12-24T00:00:00Z"));
    for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::StopProven) {
        let mut records = proven();
        records[1].kind = kind.clone();
        let figures = folded(&records);
        assert_eq!((figures.stops, figures.off), (0, SignedDuration::ZERO), "{kind}");
    }
    let twice = folded(&[proven(), vec![proven().remove(1)]].concat());
    assert_eq!((twice.stops, twice.hours()), (1, 10.0));
}

#[test]
fn a_second_stop_without_a_start_between_them_ends_the_first_at_once() {
    let mut again = stop(Some("2026-12-24T00:00:00Z"));
    again[1].data.stopped_at = Some(at("2026-11-20T12:00:00Z"));
    let figures = folded(&[stop(Some("2026-12-24T00:00:00Z")), again].concat());
    assert_eq!((figures.stops, figures.hours()), (2, 2.0));
}

#[test]
fn a_stop_without_the_services_instant_counts_from_when_it_was_seen() {
    let mut records = stop(Some("2026-12-24T00:00:00Z"));
    records[1].data.stopped_at = None;
    assert_eq!(folded(&records).off, SignedDuration::from_mins(9 * 60 + 55));
}

#[test]
fn hours_without_a_price_are_told_apart() {
    let priced = |instance_type: Option<&str>| {
        let mut records = stop(Some("2026-12-24T00:00:00Z"));
        for record in &mut records {
            record.data.seen.as_mut().unwrap().instance_type = instance_type.map(str::to_owned);
        }
        let Figures { usd, unpriced, .. } = folded(&records);
        (usd, unpriced)
    };
    let ten = SignedDuration::from_hours(10);
    assert_eq!(priced(Some("mine")), (100.0, BTreeMap::new()));
    assert_eq!(priced(Some("p9.mega")), (0.0, [("p9.mega".into(), ten)].into()));
    assert_eq!(priced(None), (0.0, [("unknown".into(), ten)].into()));
}

#[test]
fn refusals_count_sessions_by_reason() {
    let decided = |session: &str, verdict: &str, code: &str| {
        let mut record = record(Kind::SessionDecided, STOP, "2026-11-19T17:00:00Z");
        let (values, text) = (BTreeMap::new(), String::new());
        let reason = ReasonData { code: code.to_owned(), values, text, alarm: false };
        record.data.session = Some(session.to_owned());
        record.data.verdict = Some(verdict.to_owned());
        record.data.reason = Some(reason);
        record
    };
    let figures = folded(&[
        decided("a", "keep", "rule_keep"),
        decided("a", "keep", "not_due"),
        decided("a", "keep", "rule_keep"),
        decided("b", "keep", "rule_keep"),
        decided("b", "keep", "would_be_destroyed"),
        decided("c", "stop", "rule_keep"),
        decided("c", "keep", "stopped"),
        decided("c", "keep", "of_another_version"),
    ]);
    let expected = [("rule_keep".to_owned(), 2), ("would_be_destroyed".to_owned(), 1)];
    assert_eq!(figures.refusals, expected.into());
}

#[test]
fn studios_add_up() {
    let mut records = stop(Some("2026-12-24T00:00:00Z"));
    for mut record in stop(Some("2026-11-20T05:00:00Z")) {
        record.data.studio = Some("other".to_owned());
        records.push(record);
    }
    let savings = Savings::fold(&records, &Prices::new(&BTreeMap::new()), at(NOW));
    assert_eq!(savings.studios.len(), 2);
    assert_eq!((savings.total.stops, savings.total.hours()), (2, 11.0));
}

//! What is told comes from records and from what is known, and follows the conventions.

use std::collections::BTreeSet;

use super::*;
use crate::audit::record::{EndingData, ReasonData, SeenData, VetoData};
use crate::plan::Verdict;

const STUDIO: &str = "us-west-2:stid-1";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn metrics() -> Metrics {
    let metrics = Metrics::new(Prices::new(&BTreeMap::new()), at("2026-11-20T00:00:00Z")).unwrap();
    metrics.count_from_now([STUDIO.into()]);
    metrics.introduce(STUDIO);
    metrics
}

fn studio(scanned: &str) -> Studio {
    Studio {
        id: STUDIO.into(),
        name: "Feature".to_owned(),
        sessions: [(("READY".to_owned(), Verdict::Keep), 3)].into(),
        due: 2,
        next_termination: Some(at("2026-11-21T00:00:00Z")),
        last_scan: Some(at(scanned)),
        last_whole_scan: Some(at(scanned)),
        next_scan: Some(at("2026-11-20T04:05:00.5Z")),
        next_change: None,
        held: Some("clock_jumped".to_owned()),
        is_paused: true,
        is_braked: false,
        brake: (500, 1000),
        used: (4, 5),
    }
}

fn sample(at_instant: &str, scanned: &str) -> Sample {
    Sample {
        at: at(at_instant),
        version: "1.2.3",
        time_zones: "2026a",
        policy: "abc".to_owned(),
        is_alive: true,
        problems: 1,
        studios: vec![studio(scanned)],
        apis: vec![Api { label: "us-west-2".to_owned(), is_open: true }],
        audit: Audit { head: Some((7, "f00".to_owned())), is_writable: true, ..Audit::default() },
        ..Sample::default()
    }
}

/// The value of a series, as the text has it.
fn value(text: &str, series: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned))
}

fn record(kind: RecordKind, time: &str, data: Data) -> Record {
    let data = Data { studio: Some(STUDIO.to_owned()), session: Some("one".to_owned()), ..data };
    Record { time: at(time), kind, subject: String::new(), data }
}

fn reason(code: &str) -> Option<ReasonData> {
    let (code, values, text) = (code.to_owned(), BTreeMap::new(), String::new());
    Some(ReasonData { code, values, text, alarm: false })
}

fn seen(state: &str, started: &str) -> Option<SeenData> {
    Some(SeenData {
        state: state.to_owned(),
        instance_type: Some("g5.xlarge".to_owned()),
        started_at: Some(at(started)),
        ..SeenData::default()
    })
}

/// A stop of ours at this hour of the day.
fn stopped(hour: u8, ends_itself: Option<&str>) -> [Record; 2] {
    let time = format!("2026-11-20T{hour:02}:00:00Z");
    let ends_itself = ends_itself.map(|end| EndingData { at: at(end), destroys: true });
    let started = "2026-11-19T00:00:00Z";
    let intended = Data { ends_itself, seen: seen("READY", started), ..Data::default() };
    let proven =
        Data { stopped_at: Some(at(&time)), seen: seen("STOPPED", started), ..Data::default() };
    [
        record(RecordKind::StopIntended, &time, intended),
        record(RecordKind::StopProven, &time, proven),
    ]
}

#[test]
fn names_are_told_once_and_follow_the_conventions() {
    let mut names = BTreeSet::new();
    for family in FAMILIES {
        assert!(names.insert(family.name), "{}", family.name);
        assert!(family.name.starts_with("lightsout_"), "{}", family.name);
        let is_total = family.name.ends_with("_total");
        assert_eq!(is_total, family.kind == Kind::Counter, "{}", family.name);
        assert!(family.help.ends_with('.'), "{}", family.name);
    }
}

#[test]
fn a_pause_is_told_of_where_it_is_what_holds() {
    let mut sample = sample("2026-11-20T04:00:00Z", "2026-11-20T04:00:00Z");
    sample.studios[0].held = Some("paused".to_owned());
    let text = metrics().text(&sample).unwrap();
    assert!(text.contains("\nlightsout_paused{studio=\"us-west-2:stid-1\"} 1\n"), "{text}");
}

#[test]
fn gauges_say_what_is_known_and_forget_what_is_no_more() {
    let metrics = metrics();
    let text = metrics.text(&sample("2026-11-20T04:00:00Z", "2026-11-20T04:00:00Z")).unwrap();
    for (series, expected) in [
        ("lightsout_build_info{time_zones=\"2026a\",version=\"1.2.3\"}", "1"),
        ("lightsout_sessions{state=\"READY\",studio=\"us-west-2:stid-1\",verdict=\"keep\"}", "3"),
        ("lightsout_sessions_due{studio=\"us-west-2:stid-1\"}", "2"),
        ("lightsout_studio_held{studio=\"us-west-2:stid-1\"}", "1"),
        ("lightsout_clock_in_doubt{studio=\"us-west-2:stid-1\"}", "1"),
        // Whoever is told of a pause is not told of what is wrong besides.
        ("lightsout_paused{studio=\"us-west-2:stid-1\"}", "0"),
        ("lightsout_brake_engaged{studio=\"us-west-2:stid-1\"}", "0"),
        ("lightsout_brake_limit{bound=\"per_hour\",studio=\"us-west-2:stid-1\"}", "1000"),
        ("lightsout_brake_used{action=\"start\",studio=\"us-west-2:stid-1\"}", "5"),
        ("lightsout_next_scan_timestamp_seconds{studio=\"us-west-2:stid-1\"}", "1795147500.5"),
        ("lightsout_api_breaker_open{api=\"us-west-2\"}", "1"),
        ("lightsout_audit_sequence", "7"),
        ("lightsout_audit_head_info{hash=\"f00\",sequence=\"7\"}", "1"),
        ("lightsout_audit_writable", "1"),
        ("lightsout_audit_write_failures_total", "0"),
        ("lightsout_policy_reloads_total{result=\"refused\"}", "0"),
        ("lightsout_stops_total{outcome=\"proven\",studio=\"us-west-2:stid-1\"}", "0"),
        ("lightsout_starts_total{outcome=\"lapsed\",studio=\"us-west-2:stid-1\"}", "0"),
    ] {
        assert_eq!(value(&text, series).as_deref(), Some(expected), "{series}\n{text}");
    }
    assert!(!text.contains("lightsout_next_change"), "none is known");
    let none = Sample { at: at("2026-11-20T04:30:00Z"), ..Sample::default() };
    let text = metrics.text(&none).unwrap();
    for gone in ["lightsout_sessions{", "lightsout_studio_held{", "lightsout_api_breaker_open{"] {
        assert!(!text.contains(gone), "{gone}");
    }
}

#[test]
fn the_head_of_the_log_is_another_series_once_an_hour_at_the_most() {
    let metrics = metrics();
    let head = |time: &str, sequence: u64| {
        let audit = Audit { head: Some((sequence, format!("h{sequence}"))), ..Audit::default() };
        let text = metrics.text(&Sample { at: at(time), audit, ..Sample::default() }).unwrap();
        let told = text.lines().filter(|line| line.starts_with("lightsout_audit_head_info"));
        told.map(|line| line.split('"').nth(3).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(head("2026-11-20T04:00:00Z", 1), ["1"]);
    assert_eq!(head("2026-11-20T04:59:59Z", 500), ["1"]);
    assert_eq!(head("2026-11-20T05:00:00Z", 600), ["600"]);
}

#[test]
fn records_are_counted_once_they_are_durable() {
    let metrics = metrics();
    let decided = Data {
        verdict: Some("keep".to_owned()),
        reason: reason("not_stoppable"),
        ..Data::default()
    };
    let time = "2026-11-20T04:00:00Z";
    let veto = VetoData { name: "farm".to_owned(), says: "busy".to_owned(), words: String::new() };
    let records = [
        record(RecordKind::SessionDecided, time, decided),
        record(RecordKind::StudioHeld, time, Data { reason: reason("paused"), ..Data::default() }),
        record(RecordKind::WarningGiven, time, Data::default()),
        record(RecordKind::VetoAnswered, time, Data { veto: Some(veto), ..Data::default() }),
        record(RecordKind::StartRejected, time, Data::default()),
        record(RecordKind::ClockJumped, time, Data::default()),
        record(RecordKind::Other("lightsout.moon.landed".to_owned()), time, Data::default()),
    ];
    metrics.recorded(&records);
    metrics.not_recorded();
    metrics.policy_read(ReloadResult::Refused);
    metrics.scanned(STUDIO, ScanOutcome::Partial, SignedDuration::from_millis(1500));
    metrics.called("GetStudio", Err(Problem::Throttled), SignedDuration::from_millis(20));
    metrics.called("GetStudio", Ok(()), SignedDuration::from_millis(20));
    let text = metrics.text(&sample(time, time)).unwrap();
    for (series, expected) in [
        ("lightsout_audit_records_total", "7"),
        ("lightsout_audit_write_failures_total", "1"),
        (
            "lightsout_decisions_total{reason=\"not_stoppable\",studio=\"us-west-2:stid-1\",verdict=\"keep\"}",
            "1",
        ),
        ("lightsout_holds_total{reason=\"paused\",studio=\"us-west-2:stid-1\"}", "1"),
        ("lightsout_warnings_total{studio=\"us-west-2:stid-1\"}", "1"),
        ("lightsout_veto_answers_total{answer=\"busy\",veto=\"farm\"}", "1"),
        ("lightsout_starts_total{outcome=\"rejected\",studio=\"us-west-2:stid-1\"}", "1"),
        ("lightsout_clock_jumps_total", "1"),
        ("lightsout_policy_reloads_total{result=\"refused\"}", "1"),
        ("lightsout_scans_total{outcome=\"partial\",studio=\"us-west-2:stid-1\"}", "1"),
        ("lightsout_scan_duration_seconds_sum{studio=\"us-west-2:stid-1\"}", "1.5"),
        ("lightsout_api_calls_total{operation=\"GetStudio\",outcome=\"throttled\"}", "1"),
        ("lightsout_api_calls_total{operation=\"GetStudio\",outcome=\"ok\"}", "1"),
        ("lightsout_api_call_duration_seconds_count{operation=\"GetStudio\"}", "2"),
    ] {
        assert_eq!(value(&text, series).as_deref(), Some(expected), "{series}\n{text}");
    }
}

fn saved(metrics: &Metrics, scanned: &str) -> (f64, f64) {
    let text = metrics.text(&sample(scanned, scanned)).unwrap();
    let number = |name: &str| {
        let series = format!("lightsout_saved_{name}_total{{studio=\"{STUDIO}\"}}");
        value(&text, &series).unwrap().parse::<f64>().unwrap()
    };
    (number("seconds"), number("dollars"))
}

#[test]
fn what_is_saved_is_what_the_report_says_of_the_same_records_until_the_last_whole_scan() {
    let metrics = metrics();
    let prices = Prices::new(&BTreeMap::new());
    let records = stopped(2, Some("2026-11-20T06:00:00Z"));
    metrics.recorded(&records);
    for scanned in ["2026-11-20T03:30:00Z", "2026-11-20T05:00:00Z", "2026-11-20T09:00:00Z"] {
        let figures = crate::report::Savings::fold(&records, &prices, at(scanned)).total;
        assert!(figures.usd > 0.0);
        assert_eq!(saved(&metrics, scanned), (figures.off.as_secs_f64(), figures.usd), "{scanned}");
    }
    assert!((saved(&metrics, "2026-11-20T09:00:00Z").0 - 4.0 * 3600.0).abs() < 1e-6);
}

#[test]
fn what_another_process_has_told_of_is_not_told_again_and_what_is_off_goes_on() {
    let began = at("2026-11-20T05:00:00Z");
    let metrics = Metrics::new(Prices::new(&BTreeMap::new()), began).unwrap();
    stopped(2, None).iter().for_each(|record| metrics.recall(record));
    metrics.count_from_now([STUDIO.into()]);
    let seconds = |scanned| saved(&metrics, scanned).0;
    assert!(seconds("2026-11-20T05:00:00Z").abs() < 1e-6);
    assert!((seconds("2026-11-20T06:00:00Z") - 3600.0).abs() < 1e-6);
    let text = metrics.text(&sample("2026-11-20T06:00:00Z", "2026-11-20T06:00:00Z")).unwrap();
    assert_eq!(value(&text, "lightsout_audit_records_total").as_deref(), Some("0"));
}

#[test]
fn a_counter_never_goes_back_though_what_is_known_later_is_less() {
    let metrics = metrics();
    metrics.recorded(&stopped(2, None));
    let before = saved(&metrics, "2026-11-20T06:00:00Z");
    // It was started in between, by a clock that is ahead of the scan's.
    let back = Data { seen: seen("READY", "2026-11-20T05:00:00Z"), ..Data::default() };
    metrics.recorded(&[record(RecordKind::SessionDecided, "2026-11-20T06:05:00Z", back)]);
    assert_eq!(saved(&metrics, "2026-11-20T06:05:00Z"), before);
}

/// `LIGHTSOUT_BLESS=1` writes the table.
#[test]
fn the_page_has_every_metric() {
    const MARKS: [&str; 2] = ["<!-- metrics -->\n", "<!-- /metrics -->"];
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(MARKS[0]).unwrap();
    let (told, after) = rest.split_once(MARKS[1]).unwrap();
    let row = |family: &Family| {
        let Family { name, kind, labels, help } = family;
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `{name}` | {} | {} | {help} |\n", kind.word(), labels.join(", "))
    };
    let rows: String = FAMILIES.iter().map(row).collect();
    let table = format!("| metric | is a | by | what it tells |\n|---|---|---|---|\n{rows}");
    if std::env::var_os("LIGHTSOUT_BLESS").is_some() {
        let page = format!("{before}{}{table}{}{after}", MARKS[0], MARKS[1]);
        std::fs::write(path, page).unwrap();
        return;
    }
    assert_eq!(told, table, "LIGHTSOUT_BLESS=1 writes it");
}

/// Every word of a text that is the name of a metric, or should be.
fn named(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c: char| !is_name(c));
    words.filter(|word| word.starts_with("lightsout_")).collect()
}

/// Whether a series of this name comes from a metric: a histogram has three.
fn is_told(name: &str) -> bool {
    FAMILIES.iter().any(|family| {
        let ends: &[&str] = match family.kind {
            Kind::Histogram => &["_bucket", "_sum", "_count"],
            Kind::Counter | Kind::Gauge => &[""],
        };
        name.strip_prefix(family.name).is_some_and(|end| ends.contains(&end))
    })
}

#[test]
fn dashboard_and_rules_name_nothing_that_is_not_told() {
    let dashboard = include_str!("../../deploy/observe/dashboard.json");
    let rules = include_str!("../../deploy/observe/alerts.yml");
    let tests = include_str!("../../deploy/observe/alerts.test.yml");
    for text in [dashboard, rules, tests] {
        let named = named(text);
        assert!(named.len() >= 15, "{named:?}");
        let unknown: Vec<_> = named.into_iter().filter(|name| !is_told(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
    let shown = named(dashboard);
    let base = |name: &str| {
        let names = FAMILIES.iter().map(|family| family.name);
        names.filter(|family| name.starts_with(family)).max_by_key(|family| family.len())
    };
    let shown: BTreeSet<_> = shown.into_iter().filter_map(base).collect();
    let left: Vec<_> = FAMILIES.iter().filter(|family| !shown.contains(family.name)).collect();
    assert!(left.is_empty(), "the dashboard does not show {left:?}");
}

#[test]
fn a_name_that_is_misspelt_is_noticed() {
    assert!(is_told("lightsout_scan_duration_seconds_bucket") && is_told("lightsout_alive"));
    for wrong in ["lightsout_scan_duration_seconds", "lightsout_alive_total", "lightsout_aliv"] {
        assert!(!is_told(wrong), "{wrong}");
    }
}

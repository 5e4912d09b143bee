//! The instants of entries.

use proptest::prelude::*;

use super::*;

const WIDE: (&str, &str) = ("1900-01-01T00Z", "2200-01-01T00Z");

#[track_caller]
fn check(entry: &str, zone: &str, from: &str, to: &str, expected: &[&str]) {
    assert_eq!(spans(&calendar(&[entry]), zone, from, to), expected, "{entry} in {zone}");
}

#[track_caller]
fn check_whole(entry: &str, zone: &str, expected: &[&str]) {
    check(entry, zone, WIDE.0, WIDE.1, expected);
}

#[test]
fn a_day_is_from_its_midnight_to_the_next() {
    check_whole("2026-12-24", "UTC", &["2026-12-24T00:00:00Z 2026-12-25T00:00:00Z"]);
    check_whole(
        "2026-12-24..2027-01-01",
        "America/Los_Angeles",
        &["2026-12-24T08:00:00Z 2027-01-02T08:00:00Z"],
    );
    check_whole("2026-12-24", "Asia/Kolkata", &["2026-12-23T18:30:00Z 2026-12-24T18:30:00Z"]);
    check_whole("2026-12-24", "Pacific/Kiritimati", &["2026-12-23T10:00:00Z 2026-12-24T10:00:00Z"]);
}

#[test]
fn days_of_clock_changes_are_longer_or_shorter() {
    check_whole("2026-03-08", "America/New_York", &["2026-03-08T05:00:00Z 2026-03-09T04:00:00Z"]);
    check_whole("2026-11-01", "America/New_York", &["2026-11-01T04:00:00Z 2026-11-02T05:00:00Z"]);
    check_whole(
        "2026-10-04",
        "Australia/Lord_Howe",
        &["2026-10-03T13:30:00Z 2026-10-04T13:00:00Z"],
    );
}

#[test]
fn a_midnight_that_is_skipped_moves_forward_by_the_gap() {
    check_whole("2017-10-15", "America/Sao_Paulo", &["2017-10-15T03:00:00Z 2017-10-16T02:00:00Z"]);
    check_whole("2017-10-14", "America/Sao_Paulo", &["2017-10-14T03:00:00Z 2017-10-15T03:00:00Z"]);
    check_whole("2024-03-31", "Asia/Beirut", &["2024-03-30T22:00:00Z 2024-03-31T21:00:00Z"]);
}

#[test]
fn a_midnight_that_comes_twice_is_the_first() {
    // In Havana 01:00 became 00:00, so the day of the change begins once and is long.
    check_whole("2025-11-02", "America/Havana", &["2025-11-02T04:00:00Z 2025-11-03T05:00:00Z"]);
    // In the Azores the change at 01:00 led back to 00:00.
    check_whole("2025-10-26", "Atlantic/Azores", &["2025-10-26T00:00:00Z 2025-10-27T01:00:00Z"]);
    // In Asuncion 00:00 became 23:00: the evening before came twice.
    check_whole("2024-03-23", "America/Asuncion", &["2024-03-23T03:00:00Z 2024-03-24T04:00:00Z"]);
}

#[test]
fn a_day_that_a_zone_skipped_is_nothing() {
    check_whole("2011-12-30", "Pacific/Apia", &[]);
    let skipped = calendar(&["2011-12-30"]);
    assert_eq!(skipped.ends(&zone("Pacific/Apia")), Some(at("2011-12-30T10:00:00Z")));
    check_whole(
        "2011-12-29..2011-12-31",
        "Pacific/Apia",
        &["2011-12-29T10:00:00Z 2011-12-31T10:00:00Z"],
    );
}

#[test]
fn times_in_a_gap_and_in_a_fold() {
    let zone = "America/New_York";
    let gap = "2026-03-08 02:15 .. 2026-03-08 02:45";
    check_whole(gap, zone, &["2026-03-08T07:15:00Z 2026-03-08T07:45:00Z"]);
    let fold = "2026-11-01 01:30 .. 2026-11-01 02:30";
    check_whole(fold, zone, &["2026-11-01T05:30:00Z 2026-11-01T07:30:00Z"]);
    // 02:30 moves to 03:30, which is later than 03:15: nothing is left.
    check_whole("2026-03-08 02:30 .. 2026-03-08 03:15", zone, &[]);
    check_whole("2026-03-08 02:30 .. 2026-03-08 03:30", zone, &[]);
    check_whole(
        "2026-03-08 02:30 .. 2026-03-08 03:31",
        zone,
        &["2026-03-08T07:30:00Z 2026-03-08T07:31:00Z"],
    );
}

#[test]
fn days_of_every_year_come_back() {
    check(
        "07-04",
        "UTC",
        "2025-01-01T00Z",
        "2027-01-01T00Z",
        &["2025-07-04T00:00:00Z 2025-07-05T00:00:00Z", "2026-07-04T00:00:00Z 2026-07-05T00:00:00Z"],
    );
    assert_eq!(calendar(&["07-04"]).ends(&TimeZone::UTC), None);
}

#[test]
fn days_over_the_new_year_are_one_span() {
    let entry = "12-24..01-01";
    check(
        entry,
        "UTC",
        "2025-06-01T00Z",
        "2027-06-01T00Z",
        &["2025-12-24T00:00:00Z 2026-01-02T00:00:00Z", "2026-12-24T00:00:00Z 2027-01-02T00:00:00Z"],
    );
    // Seen from after the new year, what began in the old one goes on.
    check(
        entry,
        "UTC",
        "2026-01-01T12:00Z",
        "2026-02-01T00Z",
        &["2026-01-01T12:00:00Z 2026-01-02T00:00:00Z"],
    );
}

#[test]
fn the_29th_of_february_is_in_leap_years_only() {
    check(
        "02-29",
        "UTC",
        "2025-01-01T00Z",
        "2029-01-01T00Z",
        &["2028-02-29T00:00:00Z 2028-03-01T00:00:00Z"],
    );
    check(
        "02-29",
        "UTC",
        "2096-03-01T00Z",
        "2104-03-01T00Z",
        &["2104-02-29T00:00:00Z 2104-03-01T00:00:00Z"],
    );
    check(
        "02-29..03-02",
        "UTC",
        "2027-01-01T00Z",
        "2029-01-01T00Z",
        &["2027-03-01T00:00:00Z 2027-03-03T00:00:00Z", "2028-02-29T00:00:00Z 2028-03-03T00:00:00Z"],
    );
    check(
        "02-27..02-29",
        "UTC",
        "2027-01-01T00Z",
        "2029-01-01T00Z",
        &["2027-02-27T00:00:00Z 2027-03-01T00:00:00Z", "2028-02-27T00:00:00Z 2028-03-01T00:00:00Z"],
    );
    check(
        "12-31..02-29",
        "UTC",
        "2026-06-01T00Z",
        "2028-06-01T00Z",
        &["2026-12-31T00:00:00Z 2027-03-01T00:00:00Z", "2027-12-31T00:00:00Z 2028-03-01T00:00:00Z"],
    );
}

#[test]
fn days_that_are_all_the_year_leave_no_gap() {
    for entry in ["01-01..12-31", "03-01..02-29", "02-29..02-28"] {
        check(
            entry,
            "America/New_York",
            "2026-01-15T00Z",
            "2029-01-15T00Z",
            &["2026-01-15T00:00:00Z 2029-01-15T00:00:00Z"],
        );
    }
}

#[test]
fn entries_that_touch_or_overlap_are_one_span() {
    let entries = ["2026-05-01", "2026-05-02 12:00 .. 2026-05-03 06:00", "2026-05-02", "05-04"];
    assert_eq!(
        spans(&calendar(&entries), "UTC", "2026-01-01T00Z", "2027-01-01T00Z"),
        ["2026-05-01T00:00:00Z 2026-05-03T06:00:00Z", "2026-05-04T00:00:00Z 2026-05-05T00:00:00Z",]
    );
}

#[test]
fn spans_are_cut_off_at_the_range() {
    check(
        "2026-05-01..2026-05-09",
        "UTC",
        "2026-05-02T06:00Z",
        "2026-05-03T00Z",
        &["2026-05-02T06:00:00Z 2026-05-03T00:00:00Z"],
    );
    check("2026-05-01", "UTC", "2026-05-02T00Z", "2026-05-03T00Z", &[]);
    check("2026-05-01", "UTC", "2026-04-30T00Z", "2026-05-01T00Z", &[]);
    check("2026-05-01", "UTC", "2026-05-01T06:00Z", "2026-05-01T06:00Z", &[]);
    check("2026-05-01", "UTC", "2026-05-02T00Z", "2026-05-01T00Z", &[]);
}

#[test]
fn the_ends_of_time_are_no_mistake() {
    let all = calendar(&["0001-01-01..9999-12-31", "02-29", "12-24..01-01"]);
    for name in ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"] {
        let found = all.spans(&zone(name), Timestamp::MIN, Timestamp::MAX);
        assert_eq!(found.last().map(|window| window.closes), Some(Timestamp::MAX), "{name}");
    }
    let last = calendar(&["9999-12-31"]);
    assert_eq!(last.ends(&TimeZone::UTC), Some(Timestamp::MAX));
}

#[test]
fn a_calendar_ends_with_the_last_of_its_entries() {
    let zone = zone("America/Los_Angeles");
    let some = calendar(&["2026-12-24", "2026-11-27 20:00 .. 2026-11-30 07:00"]);
    assert_eq!(some.ends(&zone), Some(at("2026-12-25T08:00:00Z")));
    assert_eq!(calendar(&[]).ends(&zone), Some(Timestamp::MIN));
    assert_eq!(calendar(&["2026-12-24", "01-01"]).ends(&zone), None);
}

/// Zones with every kind of oddity.
const ZONES: &[&str] = &[
    "UTC",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
];

fn event() -> impl Strategy<Value = Entry> {
    let start = || {
        (2009i16..2020, 1i8..=12, 1i8..=28, 0i8..24)
            .prop_map(|(year, month, day, hour)| Date::constant(year, month, day).at(hour, 0, 0, 0))
    };
    let hours = || prop_oneof![0i64..30, 0i64..2_000].prop_map(SignedDuration::from_hours);
    let length = (hours(), hours()).prop_map(|(civil, exact)| Length { civil, exact });
    (prop::option::of(0..ZONES.len()), prop::collection::vec(start(), 1..5), length).prop_map(
        |(name, starts, length)| {
            let zone = name.map(|name| zone(ZONES[name]));
            Entry::Event(Event::new("test".to_owned(), zone, starts, length, false))
        },
    )
}

fn entry() -> impl Strategy<Value = Entry> {
    let day = || (2009i16..2020, 1i8..=12, 1i8..=28).prop_map(|(y, m, d)| Date::constant(y, m, d));
    let year_day =
        || (1i8..=12, 1i8..=31).prop_filter_map("no such day", |(m, d)| YearDay::new(m, d));
    let time = || (day(), 0i8..24, 0i8..60).prop_map(|(day, h, m)| day.at(h, m, 0, 0));
    prop_oneof![
        (day(), 0i64..40).prop_map(|(first, days)| {
            Entry::Days { first, last: first.saturating_add(jiff::Span::new().days(days)) }
        }),
        (year_day(), year_day()).prop_map(|(first, last)| Entry::Yearly { first, last }),
        event(),
        year_day().prop_map(|day| Entry::Yearly { first: day, last: day }),
        (time(), 1i64..5_000).prop_map(|(from, minutes)| {
            Entry::Times { from, to: from.saturating_add(jiff::Span::new().minutes(minutes)) }
        }),
    ]
}

fn assert_cuts_do_not_matter(
    calendar: &Calendar,
    zone: &TimeZone,
    [from, cut, to]: [Timestamp; 3],
) {
    let whole = calendar.spans(zone, from, to);
    for window in &whole {
        assert!(from <= window.opens && window.opens < window.closes && window.closes <= to);
    }
    for pair in whole.windows(2) {
        assert!(pair[0].closes < pair[1].opens, "{pair:?}");
    }
    // Nor does it matter how far away something begins or ends.
    let cut_off =
        |window: &Window| Window { opens: window.opens.max(from), closes: window.closes.min(to) };
    let wide = calendar.spans(zone, at(WIDE.0), at(WIDE.1));
    let wide = wide.iter().map(cut_off).filter(|window| window.opens < window.closes);
    assert_eq!(wide.collect::<Vec<_>>(), whole);
    let parts = [calendar.spans(zone, from, cut), calendar.spans(zone, cut, to)].concat();
    assert_eq!(merge(parts), whole);
}

/// Three instants between 2009 and 2021, in order, often near to each other.
fn cuts() -> impl Strategy<Value = [Timestamp; 3]> {
    // Clock changes and midnights are at whole quarters of hours.
    const QUARTER: i64 = 900;
    let reach = || prop_oneof![0i64..100, 0i64..10_000, 0i64..200_000];
    (1_230_768_000 / QUARTER..1_420_070_400 / QUARTER, reach(), reach()).prop_map(
        |(first, second, third)| {
            [first, first + second, first + second + third]
                .map(|quarters| Timestamp::from_second(quarters * QUARTER).unwrap())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_do_not_depend_on_how_a_range_is_cut(
        entries in prop::collection::vec(entry(), 0..6), name in 0..ZONES.len(), cuts in cuts()
    ) {
        let calendar = Calendar { name: "test".into(), effect: Effect::Open, entries };
        assert_cuts_do_not_matter(&calendar, &zone(ZONES[name]), cuts);
    }

    #[test]
    fn an_instant_is_in_a_span_if_its_civil_day_is_meant(
        entry in entry(), name in 0..ZONES.len(), year in 2010i16..2020, is_first in any::<bool>(),
        quarters in -300i64..300
    ) {
        let zone = zone(ZONES[name]);
        // Near an end of the entry.
        let near = match &entry {
            Entry::Days { first, last } => if is_first { *first } else { *last },
            Entry::Yearly { first, last } => {
                let day = if is_first { first.first_in(year) } else { last.last_in(year) };
                day.unwrap()
            }
            Entry::Times { .. } | Entry::Event(_) => return Ok(()),
        };
        let midnight = TimeZone::UTC.to_timestamp(midnight(near)).unwrap();
        let instant = Timestamp::from_second(midnight.as_second() + quarters * 900).unwrap();
        let day = zone.to_datetime(instant).date();
        let year_day = YearDay::new(day.month(), day.day()).unwrap();
        let is_meant = match &entry {
            Entry::Days { first, last } => *first <= day && day <= *last,
            Entry::Yearly { first, last } if first <= last => *first <= year_day && year_day <= *last,
            Entry::Yearly { first, last } => *first <= year_day || year_day <= *last,
            Entry::Times { .. } | Entry::Event(_) => return Ok(()),
        };
        let next = Timestamp::from_second(instant.as_second() + 1).unwrap();
        let calendar = Calendar { name: "test".into(), effect: Effect::Open, entries: vec![entry] };
        prop_assert_eq!(!calendar.spans(&zone, instant, next).is_empty(), is_meant);
    }

    #[test]
    fn text_that_is_read_is_read_the_same_again(text in "[0-9:.T -]{0,40}") {
        if let Ok(entry) = text.parse::<Entry>() {
            prop_assert_eq!(entry.to_string().parse::<Entry>().unwrap(), entry);
        }
    }

    #[test]
    fn arbitrary_text_is_read_or_refused(text in "\\PC{0,80}") {
        if let Err(error) = text.parse::<Entry>() {
            prop_assert!(error.to_string().len() < 300);
        }
    }
}

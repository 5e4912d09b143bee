//! Events that recur, and what changes single occurrences.

use super::*;

const WEEKLY: &str = "DTSTART;TZID=America/New_York:20260302T080000\nDURATION:PT1H\n\
                      RRULE:FREQ=WEEKLY;COUNT=3";

#[track_caller]
fn check(lines: &str, expected: &[&str]) {
    assert_eq!(spans(&event(lines), "UTC"), expected, "{lines}");
    assert_eq!(complaints(&event(lines)), [""; 0]);
}

#[test]
fn occurrences_are_civil_times_of_the_zone() {
    check(
        WEEKLY,
        &[
            "2026-03-02 13:00 - 2026-03-02 14:00",
            "2026-03-09 12:00 - 2026-03-09 13:00",
            "2026-03-16 12:00 - 2026-03-16 13:00",
        ],
    );
}

#[test]
fn occurrences_of_an_end_have_one_exact_length() {
    let lines = "DTSTART;TZID=America/New_York:20260306T200000\n\
                 DTEND;TZID=America/New_York:20260307T070000\nRRULE:FREQ=DAILY;COUNT=2";
    // The second night is an hour shorter by the clock: 20:00 to 08:00.
    check(lines, &["2026-03-07 01:00 - 2026-03-07 12:00", "2026-03-08 01:00 - 2026-03-08 12:00"]);
}

#[test]
fn occurrences_in_a_gap_and_in_a_fold() {
    let lines = "DTSTART;TZID=America/New_York:20260307T023000\nDURATION:PT30M\n\
                 RRULE:FREQ=DAILY;COUNT=3";
    check(
        lines,
        &[
            "2026-03-07 07:30 - 2026-03-07 08:00",
            "2026-03-08 07:30 - 2026-03-08 08:00",
            "2026-03-09 06:30 - 2026-03-09 07:00",
        ],
    );
    let lines = "DTSTART;TZID=America/New_York:20261031T013000\nDURATION:PT30M\n\
                 RRULE:FREQ=DAILY;COUNT=3";
    check(
        lines,
        &[
            "2026-10-31 05:30 - 2026-10-31 06:00",
            "2026-11-01 05:30 - 2026-11-01 06:00",
            "2026-11-02 06:30 - 2026-11-02 07:00",
        ],
    );
}

#[test]
fn the_last_time_counts_in_the_zone_of_the_event() {
    let until = |start: &str, until: &str| {
        let lines = format!("DTSTART{start}\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL={until}");
        spans(&event(&lines), "America/New_York").len()
    };
    // 08:00 in New York is 13:00 in UTC.
    let zoned = ";TZID=America/New_York:20260105T080000";
    assert_eq!(until(zoned, "20260107T130000Z"), 3);
    assert_eq!(until(zoned, "20260107T125959Z"), 2);
    assert_eq!(until(zoned, "20260107T080000"), 3);
    assert_eq!(until(zoned, "20260107T075959"), 2);
    assert_eq!(until(zoned, "20260105T130000Z"), 1);
    // 22:00 in New York is 03:00 on the next day in UTC: `20260108T030000Z` is the 7th.
    let late = ";TZID=America/New_York:20260105T220000";
    assert_eq!(until(late, "20260108T030000Z"), 3);
    assert_eq!(until(late, "20260108T025959Z"), 2);
    assert_eq!(until(":20260105T080000Z", "20260107T080000Z"), 3);
    assert_eq!(until(":20260105T080000", "20260107T080000"), 3);
    let days = "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;INTERVAL=2;UNTIL=20260109";
    assert_eq!(spans(&event(days), "UTC").len(), 3);
}

#[test]
fn a_last_time_in_a_gap_counts() {
    // The occurrence at 02:30 on March 8th is moved to 03:30, which is 07:30 in UTC.
    let lines = "DTSTART;TZID=America/New_York:20260307T023000\nDURATION:PT30M\n\
                 RRULE:FREQ=DAILY;UNTIL=20260308T073000Z";
    assert_eq!(spans(&event(lines), "UTC").len(), 2);
}

#[test]
fn occurrences_may_be_left_out() {
    let kept = ["2026-03-02 13:00 - 2026-03-02 14:00", "2026-03-16 12:00 - 2026-03-16 13:00"];
    for left_out in [
        "EXDATE;TZID=America/New_York:20260309T080000",
        "EXDATE:20260309T120000Z",
        "EXDATE;TZID=Europe/London:20260309T120000",
        "EXDATE;VALUE=DATE:20260309",
        "EXDATE;VALUE=DATE-TIME:20260309T120000Z",
    ] {
        check(&format!("{WEEKLY}\n{left_out}"), &kept);
    }
    let two = "EXDATE;TZID=America/New_York:20260302T080000,20260316T080000";
    check(&format!("{WEEKLY}\n{two}"), &["2026-03-09 12:00 - 2026-03-09 13:00"]);
    let lines = "EXDATE:20260302T130000Z\nEXDATE:20260309T120000Z";
    check(&format!("{WEEKLY}\n{lines}"), &["2026-03-16 12:00 - 2026-03-16 13:00"]);
}

#[test]
fn days_may_be_left_out_in_both_spellings() {
    for left_out in ["EXDATE;VALUE=DATE:20260102", "EXDATE:20260102T000000"] {
        let lines = "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=3";
        check(
            &format!("{lines}\n{left_out}"),
            &["2026-01-01 00:00 - 2026-01-02 00:00", "2026-01-03 00:00 - 2026-01-04 00:00"],
        );
    }
}

#[test]
fn an_occurrence_in_a_gap_may_be_left_out_by_its_instant() {
    let lines = "DTSTART;TZID=America/New_York:20260307T023000\nDURATION:PT30M\n\
                 RRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260308T073000Z";
    check(lines, &["2026-03-07 07:30 - 2026-03-07 08:00"]);
}

#[test]
fn what_leaves_out_nothing_is_doubted() {
    let text = event(&format!("{WEEKLY}\nEXDATE:20260309T130000Z\nEXDATE;VALUE=DATE:20260310"));
    let expected = [
        "11 (Holiday): no occurrence of the event begins then, so nothing is left out",
        "12 (Holiday): no occurrence of the event begins then, so nothing is left out",
    ];
    assert_eq!(complaints(&text), expected);
    assert_eq!(spans(&text, "UTC").len(), 3);
}

#[test]
fn dates_may_be_added() {
    let start = "DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20260103";
    check(
        &format!("{start}\nRDATE;VALUE=DATE:20260201,20260301"),
        &[
            "2026-01-01 00:00 - 2026-01-03 00:00",
            "2026-02-01 00:00 - 2026-02-03 00:00",
            "2026-03-01 00:00 - 2026-03-03 00:00",
        ],
    );
    check(
        &format!("{WEEKLY}\nRDATE:20260401T120000Z\nEXDATE:20260309T120000Z,20260316T120000Z"),
        &["2026-03-02 13:00 - 2026-03-02 14:00", "2026-04-01 12:00 - 2026-04-01 13:00"],
    );
    let periods = "RDATE;VALUE=PERIOD:20260401T120000Z/20260401T180000Z,20260402T120000Z/PT2H";
    let once = "DTSTART:20260331T120000Z\nDURATION:PT1H";
    check(
        &format!("{once}\n{periods}"),
        &[
            "2026-03-31 12:00 - 2026-03-31 13:00",
            "2026-04-01 12:00 - 2026-04-01 18:00",
            "2026-04-02 12:00 - 2026-04-02 14:00",
        ],
    );
}

/// The weekly event, and another with the same UID.
fn with_change(lines: &str) -> String {
    event(WEEKLY).replace(
        "END:VCALENDAR",
        &format!("BEGIN:VEVENT\nUID:1\n{lines}\nEND:VEVENT\nEND:VCALENDAR"),
    )
}

#[test]
fn an_occurrence_may_be_moved() {
    for id in
        ["RECURRENCE-ID;TZID=America/New_York:20260309T080000", "RECURRENCE-ID:20260309T120000Z"]
    {
        let text = with_change(&format!("{id}\nDTSTART:20260310T120000Z\nDURATION:PT3H"));
        assert_eq!(complaints(&text), [""; 0]);
        assert_eq!(
            spans(&text, "UTC"),
            [
                "2026-03-02 13:00 - 2026-03-02 14:00",
                "2026-03-10 12:00 - 2026-03-10 15:00",
                "2026-03-16 12:00 - 2026-03-16 13:00",
            ]
        );
    }
}

#[test]
fn an_occurrence_may_be_cancelled() {
    let text = with_change("RECURRENCE-ID:20260309T120000Z\nSTATUS:CANCELLED");
    assert_eq!(complaints(&text), [""; 0]);
    assert_eq!(spans(&text, "UTC").len(), 2);
}

#[test]
fn the_change_of_an_event_that_is_elsewhere_is_an_event() {
    let text = event("RECURRENCE-ID:20260309T120000Z\nDTSTART:20260310T120000Z\nDURATION:PT3H");
    assert_eq!(spans(&text, "UTC"), ["2026-03-10 12:00 - 2026-03-10 15:00"]);
}

#[test]
fn changes_that_nobody_can_follow_are_refused() {
    let doubtful =
        with_change("RECURRENCE-ID:20260309T130000Z\nDTSTART:20260310T120000Z\nDURATION:PT3H");
    assert_eq!(
        complaints(&doubtful),
        ["14 (Holiday): no occurrence of the event begins then, so nothing is left out",]
    );
    assert_eq!(spans(&doubtful, "UTC").len(), 4);
    let change = "RECURRENCE-ID:20260309T120000Z\nDTSTART:20260310T120000Z\nDURATION:PT3H";
    let twice = with_change(&format!("{change}\nEND:VEVENT\nBEGIN:VEVENT\nUID:1\n{change}"));
    assert_eq!(
        complaints(&twice),
        ["20 (Holiday): this occurrence was changed before, in line 14"]
    );
    let later = with_change(&change.replace("ID:", "ID;RANGE=THISANDFUTURE:"));
    assert_eq!(
        complaints(&later),
        ["14 (1): `RECURRENCE-ID;RANGE=THISANDFUTURE:20260309T120000Z` is not supported",]
    );
    let day =
        with_change("RECURRENCE-ID;VALUE=DATE:20260309\nDTSTART:20260310T120000Z\nDURATION:PT3H");
    assert_eq!(complaints(&day), ["14 (Holiday): `RECURRENCE-ID` is of another kind than DTSTART"]);
    let cancelled = with_change(change).replace("DURATION:PT1H", "DURATION:PT1H\nSTATUS:CANCELLED");
    assert_eq!(
        complaints(&cancelled),
        ["13 (1): the event changes an occurrence of one that is cancelled"]
    );
    let same = with_change("DTSTART:20260310T120000Z\nDURATION:PT3H");
    assert_eq!(complaints(&same), ["12 (1): an event with this UID was there before, in line 4"]);
}

#[test]
fn what_recurs_for_ever_has_no_end_and_what_is_counted_has_one() {
    let utc = TimeZone::UTC;
    let ends = |rule: &str| {
        let text = event(&format!("DTSTART;VALUE=DATE:20260704\n{rule}"));
        calendar(&text).ends(&utc).map(|end| end.to_string())
    };
    assert_eq!(ends("RRULE:FREQ=YEARLY"), None);
    assert_eq!(ends("RRULE:FREQ=YEARLY;UNTIL=20300704").as_deref(), Some("2030-07-05T00:00:00Z"));
    assert_eq!(ends("RRULE:FREQ=YEARLY;COUNT=2").as_deref(), Some("2027-07-05T00:00:00Z"));
    assert_eq!(ends("DURATION:P2D").as_deref(), Some("2026-07-06T00:00:00Z"));
    assert_eq!(
        ends("RRULE:FREQ=YEARLY;COUNT=2\nEXDATE;VALUE=DATE:20270704").as_deref(),
        Some("2026-07-05T00:00:00Z")
    );
}

#[test]
fn decades_ahead_occurrences_are_still_there() {
    let text = event("DTSTART;VALUE=DATE:20260704\nRRULE:FREQ=YEARLY");
    let found = spans_between(&text, "UTC", "2099-01-01T00Z", "2100-01-01T00Z");
    assert_eq!(found, ["2099-07-04 00:00 - 2099-07-05 00:00"]);
}

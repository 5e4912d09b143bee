//! Files that are refused, and why.

use super::*;

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert!(read(text.as_bytes()).is_err(), "{text}");
    assert_eq!(complaints(text), expected, "{text}");
}

/// An event of these lines, of which the first is line 8, is refused with this.
#[track_caller]
fn check_event(lines: &str, expected: &str) {
    let (line, fault) = expected.split_once(' ').unwrap();
    check(&event(lines), &[&format!("{line} (Holiday): {fault}")]);
}

#[test]
fn err_files() {
    check("", &["1: the calendar file does not begin as one"]);
    check("\n\n", &["1: the calendar file does not begin as one"]);
    check("<!DOCTYPE html>\n", &["1: the calendar file does not begin as one"]);
    check("BEGIN:VEVENT\nEND:VEVENT\n", &["1: the calendar file does not begin as one"]);
    check(&file(""), &["1: the calendar file has no events"]);
    check(
        &file("BEGIN:VEVENT\nDTSTART:20260101"),
        &["6: `END:VCALENDAR` ends what was not begun last"],
    );
    check("BEGIN:VCALENDAR\nVERSION:2.0\n", &["1: `BEGIN:VCALENDAR` has no end"]);
    check("BEGIN:VCALENDAR\nEND:VEVENT\n", &["2: `END:VEVENT` ends what was not begun last"]);
    check("END:VCALENDAR\n", &["1: `END:VCALENDAR` ends what was not begun last"]);
    check(
        &(event("DTSTART:20260101") + "X-A:1\n"),
        &["11: the calendar file does not begin as one"],
    );
    check(
        &"BEGIN:VCALENDAR\n".repeat(100_000),
        &["9: the components of the calendar file are nested too deep"],
    );
    check(
        &file("VERSION:1.0\nBEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT"),
        &["4: `VERSION:1.0` is not of a calendar that can be read"],
    );
    check(
        &file("METHOD:CANCEL\nBEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT"),
        &["4: `METHOD:CANCEL` is not of a calendar that can be read"],
    );
    check(
        &file("CALSCALE:HEBREW\nBEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT"),
        &["4: `CALSCALE:HEBREW` is not of a calendar that can be read"],
    );
    let not_text = read(b"BEGIN:VCALENDAR\nX:\xff\nEND:VCALENDAR").unwrap_err();
    assert_eq!((not_text[0].line, &not_text[0].fault), (2, &Fault::NotUtf8));
}

#[test]
fn err_lines() {
    for line in ["garbage", "garbage in", ":20260101", "DT START:20260101", "DTSTART;=x"] {
        let found = complaints(&event(&format!("DTSTART:20260101\n{line}")));
        assert_eq!(found, [format!("9: `{line}` is not a line of a calendar file")]);
    }
}

#[test]
fn err_times() {
    check_event("X-NOTHING:1", "4 the event has no DTSTART");
    check_event("DTSTART:20260101\nDTSTART:20260102", "9 the event has more than one DTSTART");
    for value in [
        "2026-01-01",
        "20260230",
        "20260101T2500",
        "20260101T250000",
        "20260101T000000+01",
        "",
        "18991231",
        "22000101",
        "20260101,20260102",
        "20260101T235960Z",
    ] {
        check_event(&format!("DTSTART:{value}"), &format!("8 `DTSTART:{value}` cannot be read"));
    }
    check_event(
        "DTSTART;VALUE=DATE:20260101T000000",
        "8 `DTSTART;VALUE=DATE:20260101T000000` cannot be read",
    );
    check_event(
        "DTSTART;VALUE=DATE-TIME:20260101",
        "8 `DTSTART;VALUE=DATE-TIME:20260101` cannot be read",
    );
    check_event("DTSTART;VALUE=TEXT:20260101", "8 `DTSTART;VALUE=TEXT:20260101` cannot be read");
}

#[test]
fn err_zones() {
    check_event(
        "DTSTART;TZID=Pacific Standard Time:20260101T080000\nDURATION:PT1H",
        "8 unknown time zone \"Pacific Standard Time\"",
    );
    check_event(
        "DTSTART;TZID=/x/y/Nowhere:20260101T080000",
        "8 unknown time zone \"/x/y/Nowhere\"",
    );
    check_event("DTSTART;TZID=:20260101T080000", "8 unknown time zone \"\"");
    check_event("DTSTART;TZID=Europe/Paris:20260101T080000Z", "8 a time has both a TZID and a `Z`");
    check_event("DTSTART;TZID=Europe/Paris;VALUE=DATE:20260101", "8 a whole day has a TZID");
    check_event(
        "DTSTART:20260101T080000Z\nDTEND;TZID=X:20260101T090000",
        "9 unknown time zone \"X\"",
    );
}

#[test]
fn err_lengths() {
    let day = "DTSTART;VALUE=DATE:20261224";
    let time = "DTSTART:20261224T080000Z";
    for (lines, expected) in [
        (
            format!("{day}\nDTEND:20261225\nDURATION:P1D"),
            "10 the event has both DTEND and DURATION",
        ),
        (format!("{day}\nDTEND;VALUE=DATE:20261223"), "9 the event ends before it begins"),
        (format!("{day}\nDTEND:20261224"), "9 the event ends on the day on which it begins"),
        (format!("{day}\nDTEND:20261225T000000Z"), "9 DTSTART and DTEND are of different kinds"),
        (format!("{day}\nDTEND:20261225T000000"), "9 DTSTART and DTEND are of different kinds"),
        (format!("{time}\nDTEND:20261225"), "9 DTSTART and DTEND are of different kinds"),
        (format!("{time}\nDTEND:20261224T090000"), "9 DTSTART and DTEND are of different kinds"),
        (format!("{time}\nDTEND:20261224T075959Z"), "9 the event ends before it begins"),
        (format!("{day}\nDTEND:20461224"), "9 the event lasts longer than ten years"),
        (format!("{day}\nDURATION:PT24H"), "9 the length of whole days is not in days"),
        (format!("{time}\nDURATION:-PT1H"), "9 `DURATION:-PT1H` cannot be read"),
        (format!("{time}\nDURATION:P1M"), "9 `DURATION:P1M` cannot be read"),
        (format!("{time}\nDURATION:PT0S"), "9 `DURATION:PT0S` cannot be read"),
        (format!("{time}\nDURATION:1H"), "9 `DURATION:1H` cannot be read"),
        (format!("{time}\nDURATION:P99999999W"), "9 `DURATION:P99999999W` cannot be read"),
    ] {
        check_event(&lines, expected);
    }
    let moment = event(time);
    assert_eq!(
        complaints(&moment),
        ["4 (Holiday): the event takes no time, so it changes nothing"]
    );
    assert!(calendar(&moment).entries.is_empty());
}

#[test]
fn err_exceptions() {
    let day = "DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=DAILY;COUNT=3";
    let time = "DTSTART:20261224T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3";
    let kind = |line: &str, text: &str| format!("{line} `{text}` is of another kind than DTSTART");
    check_event(&format!("{day}\nEXDATE:20261225T080000"), &kind("10", "EXDATE:20261225T080000"));
    check_event(&format!("{day}\nEXDATE:20261225T000000Z"), &kind("10", "EXDATE:20261225T000000Z"));
    check_event(
        &format!("{time}\nEXDATE:20261225T080000Z"),
        &kind("11", "EXDATE:20261225T080000Z"),
    );
    check_event(&format!("{day}\nRDATE:20261225T080000Z"), &kind("10", "RDATE:20261225T080000Z"));
    check_event(
        &format!("{time}\nRDATE;VALUE=DATE:20261225"),
        &kind("11", "RDATE;VALUE=DATE:20261225"),
    );
    check_event(&format!("{day}\nEXDATE:20261225,x"), "10 `EXDATE:20261225,x` cannot be read");
    check_event(&format!("{day}\nEXRULE:FREQ=DAILY"), "10 `EXRULE:FREQ=DAILY` is not supported");
    check_event(&format!("{day}\nRRULE:FREQ=DAILY"), "10 the event has more than one RRULE");
}

#[test]
fn err_last_times() {
    let rule = |start: &str, until: &str| format!("{start}\nRRULE:FREQ=DAILY;UNTIL={until}");
    let kind = |until: &str| format!("9 UNTIL is of another kind than DTSTART: `{until}`");
    for (start, until) in [
        ("DTSTART:20260101", "20260105T000000Z"),
        ("DTSTART:20260101", "20260105T000000"),
        ("DTSTART:20260101T080000Z", "20260105"),
        ("DTSTART:20260101T080000", "20260105"),
        ("DTSTART:20260101T080000", "20260105T080000Z"),
        ("DTSTART:20260101", "TOMORROW"),
    ] {
        check_event(&rule(start, until), &kind(until));
    }
    check_event(&rule("DTSTART:20260105", "20260101"), "9 UNTIL is before DTSTART");
    check_event(
        "DTSTART:20260105\nRRULE:FREQ=DAILY;BYHOUR=8",
        "9 the rule says hours of whole days",
    );
}

#[test]
fn days_that_are_only_observed_are_doubted_once() {
    let one = |uid: u8, name: &str, more: &str| {
        format!(
            "BEGIN:VEVENT\nUID:{uid}\nSUMMARY:{name}\nDTSTART:2026010{uid}\n{more}\nEND:VEVENT\n"
        )
    };
    const OBSERVANCE: &str =
        r"DESCRIPTION:Observance\nTo hide observances\, go to Google Calendar Settings";
    let holiday = one(1, "New Year's Day", "DESCRIPTION:Public holiday");
    let cancelled = one(2, "Carers' Day", &format!("{OBSERVANCE}\nSTATUS:CANCELLED"));
    let eve = one(3, "Eve", OBSERVANCE);
    let other = one(4, "Tax Day", "DESCRIPTION:OBSERVANCE");
    let without = file(&format!("{holiday}{cancelled}"));
    assert_eq!(complaints(&without), [""; 0]);
    let one = file(&format!("{holiday}{cancelled}{eve}"));
    assert_eq!(
        complaints(&one),
        ["17 (Eve): an event of the calendar file is an observance, on which most people work"]
    );
    let both = file(&format!("{holiday}{eve}{other}"));
    assert_eq!(
        complaints(&both),
        ["10 (Eve): 2 events of the calendar file are observances, on which most people work"]
    );
    assert_eq!(calendar(&both).entries.len(), 3);
}

#[test]
fn all_that_is_wrong_is_told_in_the_order_of_the_file_and_not_more_than_ten() {
    let events: String = (0..20).map(|n| format!("BEGIN:VEVENT\nUID:{n}\nEND:VEVENT\n")).collect();
    let found = complaints(&file(&events));
    assert_eq!(found.len(), 10);
    assert_eq!(found[0], "4 (0): the event has no DTSTART");
    assert_eq!(found[9], "31 (9): the event has no DTSTART");
}

#[test]
fn there_are_bounds() {
    let events = |count: usize, lines: &str| {
        let one = |n: usize| format!("BEGIN:VEVENT\nUID:{n}\n{lines}\nEND:VEVENT\n");
        file(&(0..count).map(one).collect::<String>())
    };
    let found = complaints(&events(EVENTS_MAX + 1, "DTSTART:20260101"));
    assert_eq!(found, ["20004: the calendar file has more than 5000 events"]);
    let found = complaints(&events(RULES_MAX + 1, "DTSTART:20260101\nRRULE:FREQ=YEARLY;COUNT=2"));
    assert_eq!(found, ["2507 (500): more than 500 events of the calendar file recur by a rule"]);
    let found = complaints(&events(8, "DTSTART:20260101\nRRULE:FREQ=DAILY"));
    assert_eq!(found[0], "42 (7): the events of the calendar file recur more than 200000 times");
}

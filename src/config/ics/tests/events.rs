//! Single events.

use super::*;

#[track_caller]
fn check(lines: &str, zone: &str, expected: &[&str]) {
    assert_eq!(spans(&event(lines), zone), expected, "{lines} in {zone}");
    assert!(complaints(&event(lines)).is_empty());
}

#[test]
fn whole_days_are_days_of_whoever_asks() {
    let lines = "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227";
    check(lines, "America/Los_Angeles", &["2026-12-24 08:00 - 2026-12-27 08:00"]);
    check(lines, "Asia/Kolkata", &["2026-12-23 18:30 - 2026-12-26 18:30"]);
    check("DTSTART;VALUE=DATE:20261224", "UTC", &["2026-12-24 00:00 - 2026-12-25 00:00"]);
    check("DTSTART:20261224", "UTC", &["2026-12-24 00:00 - 2026-12-25 00:00"]);
    let weeks = "DTSTART;VALUE=DATE:20261224\nDURATION:P1W";
    check(weeks, "UTC", &["2026-12-24 00:00 - 2026-12-31 00:00"]);
}

#[test]
fn whole_days_follow_the_clock() {
    let lines = "DTSTART;VALUE=DATE:20260308";
    check(lines, "America/New_York", &["2026-03-08 05:00 - 2026-03-09 04:00"]);
    check("DTSTART;VALUE=DATE:20111230", "Pacific/Apia", &[]);
    check(
        "DTSTART;VALUE=DATE:20171015",
        "America/Sao_Paulo",
        &["2017-10-15 03:00 - 2017-10-16 02:00"],
    );
}

#[test]
fn times_in_utc_and_in_a_zone_are_instants() {
    let utc = "DTSTART:20261224T180000Z\nDTEND:20261225T060000Z";
    let zoned =
        "DTSTART;TZID=Europe/Paris:20261224T190000\nDTEND;TZID=Europe/Paris:20261225T070000";
    let mixed = "DTSTART;TZID=\"Europe/Paris\":20261224T190000\nDTEND:20261225T060000Z";
    for lines in [utc, zoned, mixed] {
        for zone in ["UTC", "America/Los_Angeles"] {
            check(lines, zone, &["2026-12-24 18:00 - 2026-12-25 06:00"]);
        }
    }
}

#[test]
fn floating_times_are_times_of_whoever_asks() {
    let lines = "DTSTART:20261224T190000\nDTEND:20261225T070000";
    check(lines, "America/Los_Angeles", &["2026-12-25 03:00 - 2026-12-25 15:00"]);
    check(lines, "UTC", &["2026-12-24 19:00 - 2026-12-25 07:00"]);
}

#[test]
fn days_of_a_duration_are_civil_and_hours_are_exact() {
    let start = "DTSTART;TZID=America/New_York:20260307T120000\nDURATION";
    check(&format!("{start}:P1D"), "UTC", &["2026-03-07 17:00 - 2026-03-08 16:00"]);
    check(&format!("{start}:PT24H"), "UTC", &["2026-03-07 17:00 - 2026-03-08 17:00"]);
    check(&format!("{start}:P1DT90M"), "UTC", &["2026-03-07 17:00 - 2026-03-08 17:30"]);
}

#[test]
fn names_of_zones_may_have_a_prefix_or_a_location() {
    for name in [
        "/freeassociation.sourceforge.net/America/New_York",
        "/citadel.org/20210210_1/America/New_York",
        "america/new_york",
    ] {
        let lines = format!("DTSTART;TZID={name}:20260701T080000\nDURATION:PT1H");
        check(&lines, "UTC", &["2026-07-01 12:00 - 2026-07-01 13:00"]);
    }
    let zone = "BEGIN:VTIMEZONE\nTZID:Eastern\nX-LIC-LOCATION:America/New_York\n\
                BEGIN:STANDARD\nDTSTART:19671029T020000\nTZOFFSETTO:-0500\nTZOFFSETFROM:-0400\n\
                END:STANDARD\nEND:VTIMEZONE";
    let dated = "BEGIN:VEVENT\nDTSTART;TZID=Eastern:20260701T080000\nDURATION:PT1H\nEND:VEVENT";
    // The zone may come before the event or after it.
    for lines in [format!("{zone}\n{dated}"), format!("{dated}\n{zone}")] {
        assert_eq!(spans(&file(&lines), "UTC"), ["2026-07-01 12:00 - 2026-07-01 13:00"]);
    }
}

#[test]
fn what_is_not_about_the_time_does_not_matter() {
    let lines = "TRANSP:TRANSPARENT\nSTATUS:TENTATIVE\nX-FOO;X-BAR=\"a;b:c\":d\nDESCRIPTION:a\\, b\n\
                 ATTENDEE;CN=\"A, B\":mailto:a@example.com\nDTSTART;VALUE=DATE:20261224\n\
                 BEGIN:VALARM\nTRIGGER:-PT15M\nDTSTART:nonsense\nEND:VALARM";
    check(lines, "UTC", &["2026-12-24 00:00 - 2026-12-25 00:00"]);
    let todo =
        "BEGIN:VTODO\nDTSTART:nonsense\nEND:VTODO\nBEGIN:VEVENT\nDTSTART:20261224\nEND:VEVENT";
    assert_eq!(spans(&file(todo), "UTC"), ["2026-12-24 00:00 - 2026-12-25 00:00"]);
}

#[test]
fn cancelled_events_do_not_count() {
    let text = event("STATUS:CANCELLED\nDTSTART;VALUE=DATE:20261224");
    assert!(calendar(&text).entries.is_empty() && complaints(&text).is_empty());
    // Whatever it says.
    let text = event("STATUS:cancelled\nDTSTART:never");
    assert!(calendar(&text).entries.is_empty() && complaints(&text).is_empty());
}

#[test]
fn lines_may_be_folded_within_a_character_and_end_in_any_way() {
    let text = event("DTSTART;VALUE=DATE:20261224\nDESCRIPTION:Fête");
    let folded = text.replace("2026", "20\r\n\t26").replace("VALUE", "VAL\n UE");
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    for byte in folded.bytes() {
        bytes.push(byte);
        if byte == 0xc3 {
            bytes.extend_from_slice(b"\r\n ");
        }
    }
    let entries = read(&bytes).unwrap().entries;
    assert_eq!(entries, calendar(&text).entries);
    assert_eq!(calendar(&text.replace("\r\n", "\n")).entries, entries);
}

#[test]
fn names_are_case_insensitive_and_summaries_are_kept_short() {
    let text = "begin:vcalendar\nbegin:vevent\nsummary:Joyeux Noël\\, toute la journée\\nà tous\n\
                dtstart;value=date:20261225\nend:vevent\nend:vcalendar";
    let calendar = calendar(text);
    assert_eq!(calendar.entries[0].to_string(), "Joyeux Noël, toute la journée à tous");
    let long = event("DTSTART:20261225").replace("Holiday", &"x".repeat(1_000));
    assert_eq!(super::calendar(&long).entries[0].to_string().len(), 63);
}

#[test]
fn a_file_may_have_several_calendars() {
    let text = event("DTSTART:20261224") + &event("DTSTART:20261225").replace("UID:1", "UID:2");
    assert_eq!(spans(&text, "UTC"), ["2026-12-24 00:00 - 2026-12-26 00:00"]);
}

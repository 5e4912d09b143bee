//! Calendars: what they mean, and what is wrong with them.

use super::*;
use crate::policy::calendar::{Effect, Entry};

/// The sound file with a calendar that its schedule uses.
fn calendar(lines: &str) -> String {
    with_calendars("[\"holidays\"]", &format!("[calendar.holidays]\n{lines}\n"))
}

/// The sound file with this list of calendars in its schedule, and these tables.
fn with_calendars(list: &str, tables: &str) -> String {
    let text = replaced("[[studio]]", &format!("{tables}\n[[studio]]"));
    text.replacen("zone =", &format!("calendars = {list}\nzone ="), 1)
}

fn dates(list: &str) -> String {
    calendar(&format!("effect = \"closed\"\ndates = {list}"))
}

fn entries(policy: &Policy) -> Vec<String> {
    let calendar = policy.calendars.values().next().unwrap();
    calendar.entries.iter().map(Entry::to_string).collect()
}

#[test]
fn a_schedule_has_the_calendars_that_it_names_in_its_order() {
    let tables = "[calendar.holidays]\neffect = \"closed\"\ndates = \"07-04\"\n\
                  [calendar.crunch]\neffect = \"open\"\n\
                  dates = [\"2026-11-27 20:00 .. 2026-11-30 07:00\", \"2026-12-01\"]\n";
    let policy = sound(&with_calendars("[\"holidays\", \"crunch\"]", tables));
    let schedule = policy.schedules.values().next().unwrap().of(None).unwrap();
    let shown: Vec<(&str, Effect, usize)> = schedule
        .calendars
        .iter()
        .map(|calendar| (calendar.name.as_str(), calendar.effect, calendar.entries.len()))
        .collect();
    assert_eq!(shown, [("holidays", Effect::Closed, 1), ("crunch", Effect::Open, 2)]);
    let names: Vec<&str> = policy.calendars.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["crunch", "holidays"]);
}

#[test]
fn all_forms_of_dates_are_read() {
    let forms = "[\"2026-12-24\", \"2026-12-24..2027-01-01\", \"07-04\", \"12-24 .. 01-01\", 2026-05-01,\n\
                 \"2026-11-27 20:00 .. 2026-11-30 07:00\", \"2026-11-27T20:00..2026-11-28 24:00\"]";
    let expected = [
        "2026-12-24",
        "2026-12-24..2027-01-01",
        "07-04",
        "12-24..01-01",
        "2026-05-01",
        "2026-11-27 20:00 .. 2026-11-30 07:00",
        "2026-11-27 20:00 .. 2026-11-29 00:00",
    ];
    assert_eq!(entries(&sound(&dates(forms))), expected);
}

#[test]
fn an_empty_list_of_calendars_says_that_there_are_none() {
    let policy = sound(&with_calendars("[]", ""));
    assert!(policy.schedules.values().next().unwrap().of(None).unwrap().calendars.is_empty());
}

#[test]
fn wrong_calendars_are_explained() {
    check("calendar_effect_missing", &calendar("dates = \"07-04\""));
    check("calendar_effect_unknown", &calendar("effect = \"close\"\ndates = \"07-04\""));
    check("calendar_dates_missing", &calendar("effect = \"closed\""));
    check("calendar_unknown_key", &calendar("effect = \"open\"\ndate = \"07-04\""));
    check("calendar_not_a_table", &top("calendar = \"holidays\""));
    check(
        "calendar_without_a_name",
        &top("[calendar.\" \"]\neffect = \"open\"\ndates = \"07-04\""),
    );
    check("calendars_at_the_top", &top("calendars = [\"holidays\"]"));
}

#[test]
fn wrong_references_to_calendars_are_explained() {
    let holidays = "[calendar.holidays]\neffect = \"closed\"\ndates = \"07-04\"\n";
    check("calendar_misspelt", &with_calendars("[\"holiday\"]", holidays));
    check("calendar_unknown", &with_calendars("[\"holidays\", \"crunch\"]", holidays));
    check("calendar_unknown_where_there_is_none", &with_calendars("\"crunch\"", ""));
    check("calendar_twice", &with_calendars("[\"holidays\", \"holidays\"]", holidays));
    check("calendar_unused", &with_calendars("[]", holidays));
    check("calendars_as_numbers", &with_calendars("[1]", holidays));
    let many: Vec<String> = (0..51).map(|number| format!("\"c{number}\"")).collect();
    check("calendars_too_many", &with_calendars(&format!("[{}]", many.join(",")), holidays));
}

#[test]
fn wrong_dates_are_explained() {
    check("dates_empty_list", &dates("[]"));
    check("dates_empty", &dates("[\"\"]"));
    check("dates_number", &dates("[20261224]"));
    check("dates_time_of_toml", &dates("[2026-11-27 20:00:00]"));
    check("dates_not_a_day", &dates("[\"12/24/2026\"]"));
    check("dates_no_such_day", &dates("[\"2026-02-30\", \"02-30\", \"2026-02-29..2026-03-01\"]"));
    check("dates_open_range", &dates("[\"2026-12-24..\"]"));
    check("dates_three_ends", &dates("[\"12-24..12-25..12-26\"]"));
    check("dates_backwards", &dates("[\"2027-01-01..2026-12-24\"]"));
    check("dates_year_at_one_end", &dates("[\"2026-12-24..01-01\"]"));
    check("dates_hours_at_one_end", &dates("[\"2026-11-27 20:00 .. 2026-11-30\"]"));
    check("dates_hours_every_year", &dates("[\"12-24 12:00 .. 12-26 00:00\"]"));
    check("dates_time_alone", &dates("[\"2026-11-27 20:00\"]"));
    check("dates_time_of_day", &dates("[\"2026-11-27 8pm .. 2026-11-30 07:00\"]"));
    check("dates_no_length", &dates("[\"2026-11-27 20:00 .. 2026-11-27 20:00\"]"));
    let many: Vec<&str> = vec!["\"07-04\""; 1_001];
    let found = parsed(&dates(&format!("[{}]", many.join(",")))).unwrap_err();
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["too-many"]);
}

const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\n\
     UID:1\r\nSUMMARY:Independence Day\r\nDTSTART;VALUE=DATE:20260704\r\nRRULE:FREQ=YEARLY\r\n\
     END:VEVENT\r\nEND:VCALENDAR\r\n";

/// A directory in which these files lie.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// The sound file with a calendar of these lines, read from beside these files.
fn beside(files: &[(&str, &str)], lines: &str) -> Loaded {
    let text = calendar(&format!("effect = \"closed\"\n{lines}"));
    let loaded = parse("lightsout.toml", &text, directory(files).path());
    loaded.unwrap_or_else(|found| panic!("{}", found.render(false)))
}

/// Compares what is found with the snapshot of a name. The directory is called `/etc/lightsout` in it.
fn check_beside(name: &str, files: &[(&str, &str)], ics: &str) {
    let directory = directory(files);
    let text = calendar(&format!("effect = \"closed\"\nics = {ics}"));
    let found = match parse("lightsout.toml", &text, directory.path()) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    let path = directory.path().display().to_string();
    snapshot(name, &found.render(false).replace(&path, "/etc/lightsout"));
}

#[test]
fn calendar_files_are_read_from_beside_the_policy_file() {
    let other = HOLIDAYS.replace("0704", "1225").replace("RRULE:FREQ=YEARLY\r\n", "");
    let files = [("a.ics", HOLIDAYS), ("b.ics", &other)];
    let loaded = beside(&files, "ics = [\"a.ics\", \"./b.ics\"]\ndates = \"07-05\"");
    assert!(loaded.warnings.is_empty());
    let calendar = loaded.policy.calendars.values().next().unwrap();
    let zone = &loaded.policy.schedules.values().next().unwrap().of(None).unwrap().zone;
    let (from, to) = ("2026-01-01T00Z".parse().unwrap(), "2027-12-01T00Z".parse().unwrap());
    let spans = calendar.spans(zone, from, to);
    let spans = spans.iter().map(|span| format!("{} {}", span.opens, span.closes));
    assert_eq!(
        spans.collect::<Vec<_>>(),
        [
            "2026-07-04T07:00:00Z 2026-07-06T07:00:00Z",
            "2026-12-25T08:00:00Z 2026-12-26T08:00:00Z",
            "2027-07-04T07:00:00Z 2027-07-06T07:00:00Z",
        ]
    );
    assert_eq!(calendar.ends(zone), None);
}

#[test]
fn the_hash_is_of_the_calendar_files_too() {
    let hash = |files: &[(&str, &str)]| beside(files, r#"ics = ["a.ics", "b.ics"]"#).policy.hash;
    let other = HOLIDAYS.replace("0704", "1225");
    let other = other.as_str();
    let first = hash(&[("a.ics", HOLIDAYS), ("b.ics", other)]);
    assert_eq!(first.as_str().len(), 64);
    assert_eq!(first, hash(&[("a.ics", HOLIDAYS), ("b.ics", other)]));
    assert_ne!(first, hash(&[("a.ics", other), ("b.ics", HOLIDAYS)]));
    assert_ne!(first, hash(&[("a.ics", HOLIDAYS), ("b.ics", HOLIDAYS)]));
    let longer = format!("{HOLIDAYS}\r\n");
    assert_ne!(first, hash(&[("a.ics", &longer), ("b.ics", other)]));
}

#[test]
fn wrong_calendar_files_are_explained() {
    let file = |text: &str| {
        let lines = format!(
            "BEGIN:VEVENT\r\nUID:2\r\nSUMMARY:Eid\\, first day\r\n{text}\r\nEND:VEVENT\r\n"
        );
        HOLIDAYS.replace("END:VCALENDAR", &format!("{lines}END:VCALENDAR"))
    };
    let check_file = |name: &str, text: &str| check_beside(name, &[("a.ics", text)], "\"a.ics\"");
    check_beside("ics_missing", &[], "[\"a.ics\", \"b.ics\"]");
    check_beside("ics_directory", &[], "\".\"");
    check_beside("ics_address", &[], "\"https://example.com/a.ics\"");
    check_beside("ics_tilde", &[], "\"~/a.ics\"");
    check_beside("ics_empty_list", &[], "[]");
    check_beside("ics_number", &[], "1");
    check_file("ics_too_large", &"\n".repeat(1 << 20 | 1));
    check_file("ics_web_page", "<!DOCTYPE html>\n<html>\n");
    check_file("ics_without_events", "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n");
    check_file("ics_cut_off", &HOLIDAYS[..150]);
    check_file(
        "ics_zone",
        &file("DTSTART;TZID=Arabian Standard Time:20260320T000000\r\nDURATION:P1D"),
    );
    check_file("ics_no_start", &file("DTEND;VALUE=DATE:20260321"));
    check_file("ics_end_before", &file("DTSTART;VALUE=DATE:20260320\r\nDTEND;VALUE=DATE:20260319"));
    check_file("ics_rule", &file("DTSTART;VALUE=DATE:20260320\r\nRRULE:FREQ=YEARLY;BYEASTER=0"));
    check_file(
        "ics_rule_too_often",
        &file("DTSTART:20260320T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=SECONDLY"),
    );
    check_file(
        "ics_rule_elsewhere",
        &file("DTSTART;VALUE=DATE:20260320\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO"),
    );
    check_file("ics_all_cancelled", &HOLIDAYS.replace("RRULE:FREQ=YEARLY", "STATUS:CANCELLED"));
    check_file("ics_doubtful", &file("DTSTART;VALUE=DATE:20260320\r\nEXDATE;VALUE=DATE:20260321"));
    check_file(
        "ics_observances",
        &file("DTSTART;VALUE=DATE:20260320\r\nDESCRIPTION:Observance\\nTo hide observances"),
    );
    check_file(
        "ics_several_mistakes",
        &file("DTSTART:soon\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART:later"),
    );
}

#[test]
fn a_calendar_file_that_is_not_text_is_refused_with_its_line() {
    let directory = directory(&[]);
    fs::write(directory.path().join("a.ics"), b"BEGIN:VCALENDAR\nX-A:\xff\nEND:VCALENDAR\n")
        .unwrap();
    let text = calendar("effect = \"closed\"\nics = \"a.ics\"");
    let found = parse("lightsout.toml", &text, directory.path()).unwrap_err();
    let only = found.iter().next().unwrap();
    assert_eq!((only.code, only.primary.text.as_str()), ("bad-ics", "in line 2 of this file"));
    assert_eq!(&text[only.primary.span.clone()], "\"a.ics\"");
}

#[test]
fn no_more_files_are_read_than_a_bound() {
    let directory = directory(&[("a.ics", HOLIDAYS)]);
    let list = vec!["\"a.ics\""; 101].join(", ");
    let text = calendar(&format!("effect = \"closed\"\nics = [{list}]"));
    let found = parse("lightsout.toml", &text, directory.path()).unwrap_err();
    let found: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(found, ["this file names more than 100 calendar files"]);
}

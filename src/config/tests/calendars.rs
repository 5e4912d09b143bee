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

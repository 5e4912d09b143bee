//! The text of entries.

use super::*;

fn parsed(text: &str) -> String {
    text.parse::<Entry>().unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
}

fn error(text: &str) -> EntryError {
    match text.parse::<Entry>() {
        Ok(entry) => panic!("{text} was read as {entry}"),
        Err(error) => error,
    }
}

#[test]
fn days() {
    for (text, shown) in [
        ("2026-12-24", "2026-12-24"),
        (" 2026-12-24 ", "2026-12-24"),
        ("2026-12-24..2026-12-24", "2026-12-24"),
        ("2026-12-24..2027-01-01", "2026-12-24..2027-01-01"),
        ("2026-12-24  ..\t2027-01-01", "2026-12-24..2027-01-01"),
        ("2028-02-29", "2028-02-29"),
        ("0001-01-01..9999-12-31", "0001-01-01..9999-12-31"),
    ] {
        assert_eq!(parsed(text), shown, "{text}");
    }
}

#[test]
fn err_days() {
    use EntryError::{Backwards, Day, Empty, Ends, Impossible, Open};
    let day = |text: &str| Day(text.to_owned());
    let no = |text: &str| Impossible(text.to_owned());
    for (text, expected) in [
        ("", Empty),
        ("  ", Empty),
        ("..", Open),
        ("2026-12-24..", Open),
        ("..2026-12-24", Open),
        ("2026-12-24..2026-12-25..2026-12-26", Ends(3)),
        ("2026-12-24....2026-12-26", Ends(3)),
        ("2026-12-24...2026-12-26", day(".2026-12-26")),
        ("2026-12-24..=2026-12-26", day("=2026-12-26")),
        ("2026-12", day("2026-12")),
        ("2026", day("2026")),
        ("2026-1-1", day("2026-1-1")),
        ("26-01-01", day("26-01-01")),
        ("+2026-01-01", day("+2026-01-01")),
        ("-2026-01-01", day("-2026-01-01")),
        ("2026/12/24", day("2026/12/24")),
        ("24.12.2026", day("24.12.2026")),
        ("20261224", day("20261224")),
        ("2026-12-24 - 2027-01-01", EntryError::Time("- 2027-01-01".to_owned())),
        ("Christmas", day("Christmas")),
        ("٢٠٢٦-12-24", day("٢٠٢٦-12-24")),
        ("2026-02-29", no("2026-02-29")),
        ("2026-04-31", no("2026-04-31")),
        ("2026-13-01", no("2026-13-01")),
        ("2026-00-10", no("2026-00-10")),
        ("2026-01-00", no("2026-01-00")),
        ("0000-01-01", no("0000-01-01")),
        ("2027-01-01..2026-12-24", Backwards),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn days_of_every_year() {
    for (text, shown) in [
        ("07-04", "07-04"),
        ("02-29", "02-29"),
        ("12-24..12-26", "12-24..12-26"),
        ("12-24..01-01", "12-24..01-01"),
        ("02-29 .. 03-02", "02-29..03-02"),
    ] {
        assert_eq!(parsed(text), shown, "{text}");
    }
}

#[test]
fn err_days_of_every_year() {
    use EntryError::{Day, Impossible, OneYear, YearlyTime};
    for (text, expected) in [
        ("7-4", Day("7-4".to_owned())),
        ("02-30", Impossible("02-30".to_owned())),
        ("13-01", Impossible("13-01".to_owned())),
        ("00-01", Impossible("00-01".to_owned())),
        ("2026-12-24..01-01", OneYear),
        ("12-24..2027-01-01", OneYear),
        ("12-24..2027-01-01 07:00", OneYear),
        ("07-04 12:00", YearlyTime),
        ("12-24 12:00..12-26 24:00", YearlyTime),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn times() {
    for (text, shown) in [
        ("2026-11-27 20:00 .. 2026-11-30 07:00", "2026-11-27 20:00 .. 2026-11-30 07:00"),
        ("2026-11-27T20:00..2026-11-30T07:00", "2026-11-27 20:00 .. 2026-11-30 07:00"),
        ("2026-11-27  20:00..2026-11-27  20:01", "2026-11-27 20:00 .. 2026-11-27 20:01"),
        ("2026-11-27 00:00 .. 2026-11-27 24:00", "2026-11-27 00:00 .. 2026-11-28 00:00"),
        ("9999-12-31 00:00 .. 9999-12-31 24:00", "9999-12-31 00:00 .. 9999-12-31 23:59"),
    ] {
        assert_eq!(parsed(text), shown, "{text}");
    }
}

#[test]
fn err_times() {
    use EntryError::{Backwards, Nothing, OneTime, Time, TimeAlone};
    let time = |text: &str| Time(text.to_owned());
    for (text, expected) in [
        ("2026-11-27 20:00", TimeAlone),
        ("2026-11-27 24:00", TimeAlone),
        ("2026-11-27 20:00 .. 2026-11-30", OneTime),
        ("2026-11-27 .. 2026-11-30 07:00", OneTime),
        ("2026-11-27 .. 2026-11-30 24:00", OneTime),
        ("2026-11-27 24:00 .. 2026-11-30 07:00", time("24:00")),
        ("2026-11-27 20:00 .. 2026-11-30 24:01", time("24:01")),
        ("2026-11-27 8:00 .. 2026-11-30 07:00", time("8:00")),
        ("2026-11-27 20 .. 2026-11-30 07:00", time("20")),
        ("2026-11-27 20:00:00 .. 2026-11-30 07:00", time("20:00:00")),
        ("2026-11-27 20:00Z .. 2026-11-30 07:00", time("20:00Z")),
        ("2026-11-27 20:60 .. 2026-11-30 07:00", time("20:60")),
        ("2026-11-30 07:00 .. 2026-11-27 20:00", Backwards),
        ("2026-11-27 20:00 .. 2026-11-27 20:00", Nothing),
        ("2026-11-28 00:00 .. 2026-11-27 24:00", Nothing),
        ("2026-11-27 20:00 .. 2026-11-27", OneTime),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn every_error_says_what_to_type_and_stays_short() {
    let long = "x".repeat(10_000);
    for text in ["", "..", "a..b..c", "2026-02-30", &long, &format!("2026-01-01 {long} .. 01-01")] {
        let error = error(text);
        assert!(error.to_string().len() < 200 && !error.help().is_empty(), "{error}");
    }
}

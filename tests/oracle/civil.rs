//! The civil calendar by counting: one row a day from the first of 1970, with the rule of leap years
//! and nothing else.
//!
//! Days are counted from 1970-01-01; civil times are seconds since its midnight, as if every day had
//! 86,400 of them and no zone existed.

use std::sync::OnceLock;

use jiff::civil::DateTime;

pub const DAY: i64 = 86_400;

const FIRST_YEAR: i64 = 1970;
const LAST_YEAR: i64 = 2065;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    pub year: i64,
    pub month: u32,
    pub day: u32,
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub fn month_length(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn table() -> &'static [Date] {
    static TABLE: OnceLock<Vec<Date>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut days = Vec::new();
        for year in FIRST_YEAR..=LAST_YEAR {
            for month in 1..=12 {
                for day in 1..=month_length(year, month) {
                    days.push(Date { year, month, day });
                }
            }
        }
        days
    })
}

/// The date of a day.
pub fn date(day: i64) -> Date {
    table()[day as usize]
}

/// The day of a date, where its month has such a day.
pub fn day(year: i64, month: u32, day: u32) -> Option<i64> {
    table().binary_search(&Date { year, month, day }).ok().map(|row| row as i64)
}

/// 0 is Sunday. The first day of 1970 was a Thursday.
pub fn weekday(day: i64) -> u32 {
    ((day + 4) % 7) as u32
}

/// The day on which a civil time lies.
pub fn day_of(civil: i64) -> i64 {
    civil.div_euclid(DAY)
}

/// A civil time as jiff says it.
pub fn of_jiff(civil: DateTime) -> i64 {
    let (month, of_month) = (civil.month() as u32, civil.day() as u32);
    let day = day(i64::from(civil.year()), month, of_month).unwrap();
    let minutes = i64::from(civil.hour()) * 60 + i64::from(civil.minute());
    day * DAY + minutes * 60 + i64::from(civil.second())
}

/// A civil time, for people.
pub fn show(civil: i64) -> String {
    let Date { year, month, day } = date(day_of(civil));
    let second = civil.rem_euclid(DAY);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02}", second % 60)
}

#[test]
fn the_counted_calendar_has_the_days_that_everybody_knows() {
    let known = [
        ((1970, 1, 1), 0, 4),
        ((2000, 2, 29), 11_016, 2),
        ((2011, 12, 30), 15_338, 5),
        ((2026, 11, 25), 20_782, 3),
        ((2037, 12, 31), 24_836, 4),
    ];
    for ((year, month, of_month), count, of_week) in known {
        assert_eq!(day(year, month, of_month), Some(count), "{year}-{month}-{of_month}");
        assert_eq!(date(count), Date { year, month, day: of_month });
        assert_eq!(weekday(count), of_week, "{year}-{month}-{of_month}");
    }
    assert_eq!(day(2027, 2, 29), None);
    assert_eq!(day(2026, 11, 31), None);
}

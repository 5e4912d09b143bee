//! Recurrence rules against the examples of RFC 5545, section 3.8.5.3, and against a reading of the
//! standard that looks at each day by itself.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday};
use proptest::prelude::*;

use super::super::recurrence::{HORIZON, Rule, RuleError};

fn civil(text: &str) -> DateTime {
    text.parse().unwrap()
}

/// The first days of a rule, or all of them where there are fewer.
fn days(start: &str, rule: &str, count: usize) -> Vec<String> {
    let start = civil(&format!("{start}T09:00"));
    let expanded = rule.parse::<Rule>().unwrap().expand(start, None, false).unwrap();
    let at_nine = expanded.starts.iter().all(|start| start.hour() == 9 && start.minute() == 0);
    assert!(at_nine, "{rule}");
    let days = expanded.starts.iter().take(count).map(|start| start.date().to_string());
    days.collect()
}

/// Checks a rule: each year is followed by its days.
#[track_caller]
fn check(start: &str, rule: &str, expected: &str) {
    let mut year = "";
    let mut all = Vec::new();
    for word in expected.split_whitespace() {
        match word.len() {
            4 => year = word,
            _ => all.push(format!("{year}-{word}")),
        }
    }
    // One more than expected, where the rule ends by itself.
    let count = all.len() + usize::from(rule.contains("COUNT"));
    assert_eq!(days(start, rule, count), all, "{rule}");
}

#[test]
fn examples_of_the_standard_by_day_and_week() {
    let start = "1997-09-02";
    check(
        start,
        "FREQ=DAILY;COUNT=10",
        "1997 09-02 09-03 09-04 09-05 09-06 09-07 09-08 09-09 09-10 09-11",
    );
    check(
        start,
        "FREQ=DAILY;INTERVAL=2",
        "1997 09-02 09-04 09-06 09-08 09-10 09-12 09-14 09-16 09-18 09-20 09-22 09-24 09-26 09-28 09-30 10-02",
    );
    check(start, "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997 09-02 09-12 09-22 10-02 10-12");
    check(
        start,
        "FREQ=WEEKLY;COUNT=10",
        "1997 09-02 09-09 09-16 09-23 09-30 10-07 10-14 10-21 10-28 11-04",
    );
    check(
        start,
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        "1997 09-02 09-16 09-30 10-14 10-28 11-11 11-25 12-09 12-23 1998 01-06 01-20",
    );
    check(
        start,
        "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
        "1997 09-02 09-04 09-09 09-11 09-16 09-18 09-23 09-25 09-30 10-02",
    );
    check(
        "1997-09-01",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE,FR",
        "1997 09-01 09-03 09-05 09-15 09-17 09-19 09-29 10-01 10-03 10-13 10-15 10-17 10-27 10-29 10-31 11-10 11-12 11-14 11-24 11-26 11-28 12-08 12-10 12-12 12-22",
    );
    check(
        start,
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        "1997 09-02 09-04 09-16 09-18 09-30 10-02 10-14 10-16",
    );
    check(
        "1997-08-05",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        "1997 08-05 08-10 08-19 08-24",
    );
    check(
        "1997-08-05",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        "1997 08-05 08-17 08-19 08-31",
    );
}

#[test]
fn examples_of_the_standard_by_month() {
    let start = "1997-09-02";
    check(
        "1997-09-05",
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        "1997 09-05 10-03 11-07 12-05 1998 01-02 02-06 03-06 04-03 05-01 06-05",
    );
    check(
        "1997-09-07",
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "1997 09-07 09-28 11-02 11-30 1998 01-04 01-25 03-01 03-29 05-03 05-31",
    );
    check(
        "1997-09-22",
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        "1997 09-22 10-20 11-17 12-22 1998 01-19 02-16",
    );
    check(
        "1997-09-28",
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "1997 09-28 10-29 11-28 12-29 1998 01-29 02-26",
    );
    check(
        start,
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        "1997 09-02 09-15 10-02 10-15 11-02 11-15 12-02 12-15 1998 01-02 01-15",
    );
    check(
        "1997-09-30",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "1997 09-30 10-01 10-31 11-01 11-30 12-01 12-31 1998 01-01 01-31 02-01",
    );
    check(
        "1997-09-10",
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997 09-10 09-11 09-12 09-13 09-14 09-15 1999 03-10 03-11 03-12 03-13",
    );
    check(
        start,
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        "1997 09-02 09-09 09-16 09-23 09-30 11-04 11-11 11-18 11-25 1998 01-06 01-13 01-20 01-27 03-03 03-10 03-17 03-24 03-31",
    );
    check(
        "1997-09-13",
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "1997 09-13 10-11 11-08 12-13 1998 01-10 02-07 03-07 04-11 05-09 06-13",
    );
    check("1997-09-04", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997 09-04 10-07 11-06");
    check(
        "1997-09-29",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        "1997 09-29 10-30 11-27 12-30 1998 01-29 02-26 03-30",
    );
    check(
        "2007-01-15",
        "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
        "2007 01-15 01-30 02-15 03-15 03-30",
    );
}

#[test]
fn examples_of_the_standard_by_year() {
    check(
        "1997-06-10",
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997 06-10 07-10 1998 06-10 07-10 1999 06-10 07-10 2000 06-10 07-10 2001 06-10 07-10",
    );
    check(
        "1997-03-10",
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997 03-10 1999 01-10 02-10 03-10 2001 01-10 02-10 03-10 2003 01-10 02-10 03-10",
    );
    check(
        "1997-01-01",
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997 01-01 04-10 07-19 2000 01-01 04-09 07-18 2003 01-01 04-10 07-19 2006 01-01",
    );
    check("1997-05-19", "FREQ=YEARLY;BYDAY=20MO", "1997 05-19 1998 05-18 1999 05-17");
    check("1997-05-12", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997 05-12 1998 05-11 1999 05-17");
    check(
        "1997-03-13",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "1997 03-13 03-20 03-27 1998 03-05 03-12 03-19 03-26 1999 03-04 03-11 03-18 03-25",
    );
    check(
        "1997-06-05",
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "1997 06-05 06-12 06-19 06-26 07-03 07-10 07-17 07-24 07-31 08-07 08-14 08-21 08-28 1998 06-04",
    );
    check(
        "1996-11-05",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "1996 11-05 2000 11-07 2004 11-02",
    );
    let january = "FREQ=YEARLY;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA";
    let found = days("1998-01-01", january, 94);
    assert_eq!((found[0].as_str(), found[92].as_str()), ("1998-01-01", "2000-01-31"));
    assert_eq!(found[93], "2001-01-01");
    assert_eq!(days("1998-01-01", "FREQ=DAILY;BYMONTH=1", 94), found);
}

#[test]
fn the_last_time_of_a_rule_counts() {
    let rule: Rule = "FREQ=DAILY".parse().unwrap();
    let expand = |until: &str| rule.expand(civil("1997-09-02T09:00"), Some(civil(until)), false);
    // The example of the standard: until December 24th at midnight in UTC.
    let found = expand("1997-12-23T19:00").unwrap();
    assert_eq!((found.starts.len(), found.is_endless), (113, false));
    assert_eq!(found.starts[112], civil("1997-12-23T09:00"));
    assert_eq!(expand("1997-09-03T09:00").unwrap().starts.len(), 2);
    assert_eq!(expand("1997-09-03T08:59:59").unwrap().starts.len(), 1);
}

#[test]
fn the_friday_that_is_the_13th_needs_no_friday_to_begin_with() {
    let rule: Rule = "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13".parse().unwrap();
    let start = civil("1997-09-02T09:00");
    let found = rule.expand(start, None, true).unwrap();
    let first: Vec<String> = found.starts[..5].iter().map(|it| it.date().to_string()).collect();
    assert_eq!(first, ["1998-02-13", "1998-03-13", "1998-11-13", "1999-08-13", "2000-10-13"]);
    let first = civil("1998-02-13T09:00");
    assert_eq!(rule.expand(start, None, false), Err(RuleError::FirstIs(first)));
    let counted: Rule = "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3".parse().unwrap();
    assert_eq!(counted.expand(start, None, true), Err(RuleError::FirstIs(first)));
}

#[test]
fn hours_of_a_day() {
    let rule: Rule = "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40;COUNT=8".parse().unwrap();
    let found = rule.expand(civil("1997-09-02T09:00"), None, false).unwrap();
    let shown: Vec<String> =
        found.starts.iter().map(|it| it.strftime("%d %H:%M").to_string()).collect();
    assert_eq!(
        shown,
        [
            "02 09:00", "02 09:20", "02 09:40", "02 10:00", "02 10:20", "02 10:40", "03 09:00",
            "03 09:20"
        ]
    );
}

#[test]
fn leap_days_are_not_moved() {
    check("2024-02-29", "FREQ=YEARLY;COUNT=4", "2024 02-29 2028 02-29 2032 02-29 2036 02-29");
    check("2026-01-31", "FREQ=MONTHLY;COUNT=4", "2026 01-31 03-31 05-31 07-31");
}

#[test]
fn what_is_written_in_another_way_means_the_same() {
    for rule in
        ["freq=daily;count=2", "COUNT=2;FREQ=DAILY", "FREQ=DAILY;COUNT=2;", " FREQ=DAILY;COUNT=02"]
    {
        check("1997-09-02", &rule.to_uppercase(), "1997 09-02 09-03");
        assert_eq!(days("1997-09-02", rule, 9).len(), 2);
    }
    check("2026-11-26", "FREQ=YEARLY;BYMONTH=11;BYDAY=+4TH;COUNT=2", "2026 11-26 2027 11-25");
}

#[test]
fn rules_end_at_the_horizon() {
    let rule: Rule = "FREQ=YEARLY".parse().unwrap();
    let found = rule.expand(civil("2026-07-04T00:00"), None, false).unwrap();
    assert_eq!((found.starts.len(), found.is_endless), (74, true));
    assert!(found.starts.iter().all(|start| *start < HORIZON));
    let found = rule.expand(civil("2026-07-04T00:00"), Some(civil("2150-01-01T00:00")), false);
    assert!(found.unwrap().is_endless);
    assert_eq!(rule.expand(civil("2100-07-04T00:00"), None, false), Err(RuleError::Never));
}

#[test]
fn err_rules() {
    use RuleError::{Alone, Combination, NoFrequency, Part, TooOften, Twice, TwoEnds};
    let part = |text: &str| Part(text.to_owned());
    let combination = |text: &str| Combination(text.to_owned());
    for (rule, expected) in [
        ("", part("")),
        ("DAILY", part("DAILY")),
        ("FREQ", part("FREQ")),
        ("FREQ=", part("FREQ=")),
        ("FREQ=FORTNIGHTLY", part("FREQ=FORTNIGHTLY")),
        ("COUNT=3", NoFrequency),
        ("FREQ=SECONDLY", TooOften("SECONDLY".to_owned())),
        ("FREQ=MINUTELY;COUNT=1", TooOften("MINUTELY".to_owned())),
        ("FREQ=HOURLY", TooOften("HOURLY".to_owned())),
        ("FREQ=DAILY;FREQ=DAILY", Twice("FREQ".to_owned())),
        ("FREQ=DAILY;;COUNT=1", part("")),
        ("FREQ=DAILY;COUNT=0", part("COUNT=0")),
        ("FREQ=DAILY;COUNT=-1", part("COUNT=-1")),
        ("FREQ=DAILY;COUNT=1.5", part("COUNT=1.5")),
        ("FREQ=DAILY;INTERVAL=0", part("INTERVAL=0")),
        ("FREQ=DAILY;INTERVAL=10000", part("INTERVAL=10000")),
        ("FREQ=DAILY;UNTIL=", part("UNTIL=")),
        ("FREQ=DAILY;COUNT=1;UNTIL=20260101", TwoEnds),
        ("FREQ=DAILY;WKST=MONDAY", part("WKST=MONDAY")),
        ("FREQ=DAILY;BYDAY=", part("BYDAY=")),
        ("FREQ=DAILY;BYDAY=MO,,TU", part("BYDAY=MO,,TU")),
        ("FREQ=DAILY;BYDAY=XX", part("BYDAY=XX")),
        ("FREQ=MONTHLY;BYDAY=0MO", part("BYDAY=0MO")),
        ("FREQ=MONTHLY;BYDAY=54MO", part("BYDAY=54MO")),
        ("FREQ=MONTHLY;BYDAY=XMO", part("BYDAY=XMO")),
        ("FREQ=MONTHLY;BYDAY=1É", part("BYDAY=1É")),
        ("FREQ=MONTHLY;BYMONTHDAY=32", part("BYMONTHDAY=32")),
        ("FREQ=MONTHLY;BYMONTHDAY=0", part("BYMONTHDAY=0")),
        ("FREQ=YEARLY;BYMONTH=13", part("BYMONTH=13")),
        ("FREQ=YEARLY;BYMONTH=-1", part("BYMONTH=-1")),
        ("FREQ=YEARLY;BYWEEKNO=54;BYDAY=MO", part("BYWEEKNO=54")),
        ("FREQ=YEARLY;BYYEARDAY=367", part("BYYEARDAY=367")),
        ("FREQ=DAILY;BYHOUR=24", part("BYHOUR=24")),
        ("FREQ=DAILY;BYSECOND=60", part("BYSECOND=60")),
        ("FREQ=YEARLY;BYEASTER=0", part("BYEASTER=0")),
        ("FREQ=YEARLY;RSCALE=HEBREW", part("RSCALE=HEBREW")),
        ("FREQ=YEARLY;X-NAME=1", part("X-NAME=1")),
        ("FREQ=MONTHLY;BYSETPOS=1", Alone("BYSETPOS")),
        ("FREQ=YEARLY;BYWEEKNO=20", Alone("BYWEEKNO")),
        ("FREQ=WEEKLY;BYDAY=1MO", combination("BYDAY=1MO")),
        ("FREQ=DAILY;BYDAY=MO,-1FR", combination("BYDAY=MO,-1FR")),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", combination("BYDAY=1MO")),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", RuleError::Weeks("1".to_owned())),
        ("FREQ=YEARLY;BYWEEKNO=20,-52;BYDAY=MO", RuleError::Weeks("20,-52".to_owned())),
        ("FREQ=MONTHLY;BYDAY=MO,1TU", combination("BYDAY=MO,1TU")),
        ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1", combination("BYSETPOS")),
        ("FREQ=WEEKLY;BYMONTHDAY=1", combination("BYMONTHDAY")),
        ("FREQ=MONTHLY;BYYEARDAY=1", combination("BYYEARDAY")),
        ("FREQ=MONTHLY;BYWEEKNO=1;BYDAY=MO", combination("BYWEEKNO")),
    ] {
        let error = rule.parse::<Rule>().unwrap_err();
        assert!(!error.help().is_empty());
        assert_eq!(error, expected, "{rule}");
    }
}

#[test]
fn err_expanding() {
    let expand =
        |rule: &str| rule.parse::<Rule>().unwrap().expand(civil("2026-01-01T09:00"), None, false);
    assert_eq!(expand("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), Err(RuleError::Never));
    assert_eq!(expand("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), Err(RuleError::Never));
    assert_eq!(expand("FREQ=YEARLY;BYMONTH=7"), Err(RuleError::FirstIs(civil("2026-07-01T09:00"))));
    let often = "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,1,2";
    assert_eq!(expand(often), Err(RuleError::TooMany));
    assert_eq!(expand("FREQ=DAILY;COUNT=60000").map(|found| found.starts.len()), Ok(27_028));
    let shown = RuleError::FirstIs(civil("2026-07-01T00:00"));
    assert_eq!(shown.to_string(), "the first day by its rule is 20260701, and DTSTART is another");
}

/// A rule as a question about single days, for whole days and weeks from Monday.
#[derive(Debug, Clone)]
struct Question {
    frequency: &'static str,
    interval: i64,
    months: Vec<i8>,
    month_days: Vec<i8>,
    year_days: Vec<i16>,
    weeks: Vec<i8>,
    /// Which of the weekday there is, or 0, and the weekday.
    weekdays: Vec<(i8, Weekday)>,
    /// Which of the days of a day, week, month or year.
    positions: Vec<i16>,
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

fn list<T: ToString>(key: &str, items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    if items.is_empty() { String::new() } else { format!(";{key}={}", items.join(",")) }
}

impl Question {
    fn text(&self) -> String {
        let weekdays: Vec<String> = self
            .weekdays
            .iter()
            .map(|(count, weekday)| {
                let name = WEEKDAYS.iter().find(|(_, it)| it == weekday).unwrap().0;
                if *count == 0 { name.to_owned() } else { format!("{count}{name}") }
            })
            .collect();
        format!(
            "FREQ={};INTERVAL={}{}{}{}{}{}{}",
            self.frequency,
            self.interval,
            list("BYMONTH", &self.months),
            list("BYMONTHDAY", &self.month_days),
            list("BYYEARDAY", &self.year_days),
            list("BYWEEKNO", &self.weeks),
            list("BYDAY", &weekdays),
            list("BYSETPOS", &self.positions),
        )
    }

    /// The number of the day, week, month or year that a day belongs to.
    fn period(&self, day: Date) -> i64 {
        let days = |day: Date| i64::from(Date::constant(1990, 1, 1).until(day).unwrap().get_days());
        match self.frequency {
            "DAILY" => days(day),
            // The 1st of January 1990 was a Monday.
            "WEEKLY" => days(day) / 7,
            "MONTHLY" => i64::from(day.year()) * 12 + i64::from(day.month()),
            // Weeks belong to years of their own, and to one year at the edge of two.
            _ if !self.weeks.is_empty() => i64::from(day.iso_week_date().year()),
            _ => i64::from(day.year()),
        }
    }

    fn is_bare(&self) -> bool {
        self.month_days.is_empty()
            && self.year_days.is_empty()
            && self.weeks.is_empty()
            && self.weekdays.is_empty()
    }

    fn means(&self, start: Date, day: Date) -> bool {
        (self.period(day) - self.period(start)) % self.interval == 0 && self.names(start, day)
    }

    /// The days of a rule, of those that are given, which begin with a whole period; `start` is one
    /// of them.
    fn days(&self, start: Date, all: impl Iterator<Item = Date>) -> Vec<Date> {
        let mut periods: BTreeMap<i64, Vec<Date>> = BTreeMap::new();
        for day in all.filter(|day| self.means(start, *day)) {
            periods.entry(self.period(day)).or_default().push(day);
        }
        let chosen = |days: Vec<Date>| {
            let length = i16::try_from(days.len()).unwrap();
            let is_chosen = move |place: i16| {
                self.positions.is_empty()
                    || [place, place - length - 1].iter().any(|it| self.positions.contains(it))
            };
            (1i16..).zip(days).filter(move |(place, _)| is_chosen(*place)).map(|(_, day)| day)
        };
        periods.into_values().flat_map(chosen).collect()
    }

    fn names(&self, start: Date, day: Date) -> bool {
        let from_end = |number: i16, length: i16| number - length - 1;
        let (in_month, in_year) = (i16::from(day.day()), day.day_of_year());
        let month_day = |wanted: &i8| {
            [in_month, from_end(in_month, i16::from(day.days_in_month()))]
                .contains(&i16::from(*wanted))
        };
        let year_day =
            |wanted: &i16| [in_year, from_end(in_year, day.days_in_year())].contains(wanted);
        let iso = day.iso_week_date();
        let week = |wanted: &i8| {
            let (week, length) = (i16::from(iso.week()), i16::from(iso.weeks_in_year()));
            [week, from_end(week, length)].contains(&i16::from(*wanted))
        };
        let within_month = self.frequency == "MONTHLY" || !self.months.is_empty();
        let weekday = |(count, weekday): &(i8, Weekday)| {
            let (place, length) = match within_month {
                true => (in_month, i16::from(day.days_in_month())),
                false => (in_year, day.days_in_year()),
            };
            let (first, last) = ((place - 1) / 7 + 1, -((length - place) / 7 + 1));
            day.weekday() == *weekday && (*count == 0 || [first, last].contains(&i16::from(*count)))
        };
        fn any<T>(list: &[T], is_it: impl Fn(&T) -> bool) -> bool {
            list.is_empty() || list.iter().any(is_it)
        }
        let by_start = !self.is_bare()
            || match self.frequency {
                "DAILY" => true,
                "WEEKLY" => day.weekday() == start.weekday(),
                "MONTHLY" => day.day() == start.day(),
                _ => {
                    day.day() == start.day()
                        && (!self.months.is_empty() || day.month() == start.month())
                }
            };
        by_start
            && any(&self.months, |month| *month == day.month())
            && any(&self.month_days, month_day)
            && any(&self.year_days, year_day)
            && any(&self.weeks, week)
            && any(&self.weekdays, weekday)
    }
}

fn question() -> impl Strategy<Value = Question> {
    let signed = |most: i16| prop_oneof![1..=most, -most..=-1];
    let few = |strategy: BoxedStrategy<i16>, most: usize| prop::collection::vec(strategy, 0..=most);
    let small = |list: Vec<i16>| -> Vec<i8> {
        list.into_iter().map(|it| i8::try_from(it).unwrap()).collect()
    };
    (
        prop::sample::select(vec!["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
        prop_oneof![3 => Just(1i64), 2 => 2i64..5],
        few((1i16..=12).boxed(), 3),
        few(signed(31).boxed(), 3),
        few(signed(366).boxed(), 3),
        few(prop_oneof![2i16..=51, -51i16..=-2].boxed(), 2),
        prop::collection::vec((prop_oneof![-4i16..0, 1i16..=5], 0usize..7), 0..4),
        (few(prop_oneof![1i16..4, -3i16..0].boxed(), 2), prop::array::uniform5(any::<bool>())),
    )
        .prop_map(
            move |(frequency, interval, months, month_days, year_days, weeks, days, rest)| {
                let (places, has) = rest;
                let is_yearly = frequency == "YEARLY";
                let has_weeks = is_yearly && has[0] && !days.is_empty();
                let is_numbered = (frequency == "MONTHLY" || is_yearly) && !has_weeks && has[1];
                let weekday = |(count, day): (i16, usize)| {
                    let count = if is_numbered { i8::try_from(count).unwrap() } else { 0 };
                    (count, WEEKDAYS[day].1)
                };
                let when =
                    |is_there: bool, list: Vec<i16>| if is_there { list } else { Vec::new() };
                let question = Question {
                    frequency,
                    interval,
                    months: small(months),
                    month_days: small(when(frequency != "WEEKLY" && has[2], month_days)),
                    year_days: when(is_yearly && has[3], year_days),
                    weeks: small(when(has_weeks, weeks)),
                    weekdays: days.into_iter().map(weekday).collect(),
                    positions: Vec::new(),
                };
                let is_empty = question.is_bare() && question.months.is_empty();
                let has_places = has[4] && !is_empty && frequency != "WEEKLY";
                Question { positions: when(has_places, places), ..question }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_means_each_day_that_the_standard_says(question in question(), first in 0i64..4_000) {
        let first = Date::constant(2016, 1, 1).saturating_add(first.days());
        let end = first.saturating_add(6.years());
        let all = |from: Date, to: Date| {
            std::iter::successors(Some(from), |day| day.tomorrow().ok()).take_while(move |day| *day < to)
        };
        // Any day that the rule could begin with tells which periods count, and so which days.
        let Some(any) = all(first, end).find(|day| question.means(*day, *day)) else { return Ok(()) };
        let (from, to) = (first.saturating_sub(2.years()), end.saturating_add(2.years()));
        let days = question.days(any, all(from, to));
        let expected: Vec<Date> = days.into_iter().filter(|day| first <= *day && *day < end).collect();
        let Some(start) = expected.first().copied() else { return Ok(()) };
        let rule: Rule = question.text().parse().unwrap();
        let until = end.to_datetime(jiff::civil::Time::midnight());
        let found = rule.expand(start.at(9, 0, 0, 0), Some(until), false);
        let found: Vec<Date> = found.unwrap().starts.iter().map(|start| start.date()).collect();
        let differs = found.iter().zip(&expected).find(|(found, expected)| found != expected);
        prop_assert_eq!((differs, found.len()), (None, expected.len()), "{}", question.text());
    }
}

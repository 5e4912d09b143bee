//! Cron expressions as data, with the meaning of crontab(5): each field is a set of numbers, and a
//! minute fires when each of its numbers is in its set.

use std::fmt;

use super::civil::{self, Date};

const WEEKDAYS: [&str; 8] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 13] =
    ["", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// One part of a field, between commas.
#[derive(Debug, Clone, Copy)]
pub enum Item {
    /// `*`
    All,
    /// `*/step`
    Every(u32),
    /// `value`
    One(u32),
    /// `first-last`
    Run(u32, u32),
    /// `first-last/step`
    RunEvery(u32, u32, u32),
}

#[derive(Debug, Clone)]
pub struct Field {
    items: Vec<Item>,
    /// Whether months and weekdays are written by name.
    named: bool,
}

/// `[second] minute hour day-of-month month day-of-week [year]`.
#[derive(Debug, Clone)]
pub struct Expression {
    pub second: Option<Field>,
    pub minute: Field,
    pub hour: Field,
    pub day: Field,
    pub month: Field,
    pub weekday: Field,
    /// Only with `second`.
    pub year: Option<Field>,
}

impl Field {
    pub fn all() -> Self {
        Self::of(vec![Item::All])
    }

    pub fn one(value: u32) -> Self {
        Self::of(vec![Item::One(value)])
    }

    pub fn of(items: Vec<Item>) -> Self {
        Self { items, named: false }
    }

    pub fn named(items: Vec<Item>) -> Self {
        Self { items, named: true }
    }

    /// The numbers in it, from `low` to `high` where it does not say.
    fn values(&self, low: u32, high: u32) -> Vec<u32> {
        let run = |first: u32, last: u32, step: u32| -> Vec<u32> {
            let (first, last) = (first as usize, last as usize);
            // Weekdays by name may go over the end of the week: Fri-Mon.
            let last = if last < first { last + 7 } else { last };
            (first..=last).step_by(step as usize).map(|value| value as u32).collect()
        };
        let item = |item: &Item| match *item {
            Item::All => run(low, high, 1),
            Item::Every(step) => run(low, high, step),
            Item::One(value) => vec![value],
            Item::Run(first, last) => run(first, last, 1),
            Item::RunEvery(first, last, step) => run(first, last, step),
        };
        self.items.iter().flat_map(item).collect()
    }

    fn show(&self, names: &[&str]) -> String {
        let value = |value: u32| match names.get(value as usize) {
            Some(name) if self.named => (*name).to_owned(),
            _ => value.to_string(),
        };
        let item = |item: &Item| match *item {
            Item::All => "*".to_owned(),
            Item::Every(step) => format!("*/{step}"),
            Item::One(one) => value(one),
            Item::Run(first, last) => format!("{}-{}", value(first), value(last)),
            Item::RunEvery(first, last, step) => {
                format!("{}-{}/{step}", value(first), value(last))
            }
        };
        self.items.iter().map(item).collect::<Vec<_>>().join(",")
    }
}

/// An expression with its sets written out.
pub struct Fires {
    /// Seconds of the day, in order.
    pub times: Vec<i64>,
    days: [bool; 32],
    months: [bool; 13],
    weekdays: [bool; 7],
    /// None: every year.
    years: Option<Vec<u32>>,
}

fn set<const SIZE: usize>(values: impl IntoIterator<Item = u32>) -> [bool; SIZE] {
    let mut set = [false; SIZE];
    values.into_iter().for_each(|value| set[value as usize] = true);
    set
}

impl Fires {
    pub fn on(&self, day: i64) -> bool {
        let Date { year, month, day: of_month } = civil::date(day);
        self.days[of_month as usize]
            && self.months[month as usize]
            && self.weekdays[civil::weekday(day) as usize]
            && self.years.as_ref().is_none_or(|years| years.contains(&(year as u32)))
    }
}

impl Expression {
    pub fn daily(minute: Field, hour: Field) -> Self {
        let (day, month, weekday) = (Field::all(), Field::all(), Field::all());
        Self { second: None, minute, hour, day, month, weekday, year: None }
    }

    pub fn fires(&self) -> Fires {
        let second = self.second.as_ref().map_or_else(|| vec![0], |field| field.values(0, 59));
        let (minute, hour) = (self.minute.values(0, 59), self.hour.values(0, 23));
        let mut times = Vec::new();
        for hour in &hour {
            for minute in &minute {
                let seconds = second.iter().map(|second| (hour * 60 + minute) * 60 + second);
                times.extend(seconds.map(i64::from));
            }
        }
        times.sort_unstable();
        times.dedup();
        Fires {
            times,
            days: set(self.day.values(1, 31)),
            months: set(self.month.values(1, 12)),
            // 0 and 7 are Sunday.
            weekdays: set(self.weekday.values(0, 6).iter().map(|weekday| weekday % 7)),
            years: self.year.as_ref().map(|field| field.values(1970, 2099)),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(second) = &self.second {
            write!(f, "{} ", second.show(&[]))?;
        }
        let (minute, hour) = (self.minute.show(&[]), self.hour.show(&[]));
        let (day, month) = (self.day.show(&[]), self.month.show(&MONTHS));
        write!(f, "{minute} {hour} {day} {month} {}", self.weekday.show(&WEEKDAYS))?;
        match &self.year {
            Some(year) => write!(f, " {}", year.show(&[])),
            None => Ok(()),
        }
    }
}

#[test]
fn an_expression_is_written_and_read_alike() {
    let expression = Expression {
        second: Some(Field::one(30)),
        minute: Field::of(vec![Item::Every(20)]),
        hour: Field::of(vec![Item::RunEvery(8, 12, 2), Item::One(23)]),
        month: Field::named(vec![Item::Run(2, 3), Item::One(11)]),
        weekday: Field::named(vec![Item::Run(5, 1)]),
        year: Some(Field::of(vec![Item::Run(2026, 2027)])),
        ..Expression::daily(Field::all(), Field::all())
    };
    assert_eq!(expression.to_string(), "30 */20 8-12/2,23 * Feb-Mar,Nov Fri-Mon 2026-2027");
    let fires = expression.fires();
    assert_eq!(fires.times.len(), 12);
    assert_eq!(fires.times[..4], [28_830, 30_030, 31_230, 36_030]);
    let on = |year, month, day| fires.on(civil::day(year, month, day).unwrap());
    assert!(on(2026, 11, 27) && on(2026, 11, 30) && on(2027, 2, 28));
    assert!(!on(2026, 11, 26) && !on(2026, 12, 4) && !on(2028, 2, 27));
}

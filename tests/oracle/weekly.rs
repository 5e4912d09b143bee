//! Weekly windows as data: what they mean and how they are written, both from the same fields.

use std::fmt;

use super::civil::{self, DAY, Date};

const NAMES: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// One weekday or a run of them, which may go over the end of the week. 0 is Sunday.
#[derive(Debug, Clone, Copy)]
pub enum Days {
    One(u32),
    Run(u32, u32),
}

/// Which of its weekday's days in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nth {
    /// Counted from 1 to 5.
    Count(u32),
    Run(u32, u32),
    Last,
}

/// Minutes of the day; an end of 1440 is `24:00`.
#[derive(Debug, Clone, Copy)]
pub struct Hours {
    pub opens: i64,
    pub closes: i64,
}

/// `1st Mon,Wed-Fri 20:00-07:00`.
#[derive(Debug, Clone)]
pub struct Weekly {
    /// Empty: every one.
    pub nth: Vec<Nth>,
    pub days: Vec<Days>,
    /// None: whole days.
    pub hours: Option<Hours>,
}

impl Days {
    pub fn contains(&self, weekday: u32) -> bool {
        match *self {
            Self::One(one) => weekday == one,
            Self::Run(first, last) if first <= last => first <= weekday && weekday <= last,
            Self::Run(first, last) => weekday >= first || weekday <= last,
        }
    }
}

impl Nth {
    fn holds(self, day: i64) -> bool {
        let Date { year, month, day } = civil::date(day);
        match self {
            Self::Count(count) => (day - 1) / 7 + 1 == count,
            Self::Run(first, last) => first <= (day - 1) / 7 + 1 && (day - 1) / 7 < last,
            Self::Last => day + 7 > civil::month_length(year, month),
        }
    }
}

impl Weekly {
    pub fn opens_on(&self, day: i64) -> bool {
        let weekday = civil::weekday(day);
        self.days.iter().any(|days| days.contains(weekday))
            && (self.nth.is_empty() || self.nth.iter().any(|nth| nth.holds(day)))
    }

    /// The civil times of the window that opens on a day that is one of its days.
    pub fn window(&self, day: i64) -> (i64, i64) {
        let midnight = day * DAY;
        let Some(Hours { opens, closes }) = self.hours else {
            return (midnight, midnight + DAY);
        };
        // An end at or before its start means the next day.
        let next_day = if closes <= opens { DAY } else { 0 };
        (midnight + opens * 60, midnight + closes * 60 + next_day)
    }
}

impl fmt::Display for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = ["", "1st", "2nd", "3rd", "4th", "5th"];
        match *self {
            Self::Count(count) => f.write_str(words[count as usize]),
            Self::Run(first, last) => {
                write!(f, "{}-{}", words[first as usize], words[last as usize])
            }
            Self::Last => f.write_str("last"),
        }
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::One(day) => f.write_str(NAMES[day as usize]),
            Self::Run(first, last) => {
                write!(f, "{}-{}", NAMES[first as usize], NAMES[last as usize])
            }
        }
    }
}

impl fmt::Display for Weekly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.nth.is_empty() {
            let nth: Vec<String> = self.nth.iter().map(Nth::to_string).collect();
            write!(f, "{} ", nth.join(","))?;
        }
        let days: Vec<String> = self.days.iter().map(Days::to_string).collect();
        f.write_str(&days.join(","))?;
        if let Some(Hours { opens, closes }) = self.hours {
            let (from, to) = ((opens / 60, opens % 60), (closes / 60, closes % 60));
            write!(f, " {:02}:{:02}-{:02}:{:02}", from.0, from.1, to.0, to.1)?;
        }
        Ok(())
    }
}

#[test]
fn weekly_windows_are_written_and_read_alike() {
    let window = Weekly {
        nth: Vec::new(),
        days: vec![Days::Run(5, 0), Days::One(2)],
        hours: Some(Hours { opens: 20 * 60, closes: 7 * 60 }),
    };
    assert_eq!(window.to_string(), "Fri-Sun,Tue 20:00-07:00");
    // 2026-11-25 is a Wednesday.
    let wednesday = civil::day(2026, 11, 25).unwrap();
    let open: Vec<i64> = (0..7).filter(|ahead| window.opens_on(wednesday + ahead)).collect();
    assert_eq!(open, [2, 3, 4, 6]);
    let (opens, closes) = window.window(wednesday);
    assert_eq!(civil::show(opens), "2026-11-25 20:00:00");
    assert_eq!(civil::show(closes), "2026-11-26 07:00:00");
}

#[test]
fn an_nth_weekday_is_counted_in_its_month() {
    let days = |nth, weekday| {
        let window = Weekly { nth: vec![nth], days: vec![Days::One(weekday)], hours: None };
        let first = civil::day(2026, 11, 1).unwrap();
        let open = (0..61).filter(|ahead| window.opens_on(first + ahead));
        open.map(|ahead| civil::show((first + ahead) * DAY)[5..10].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(days(Nth::Count(1), 1), ["11-02", "12-07"]);
    assert_eq!(days(Nth::Count(5), 1), ["11-30"]);
    assert_eq!(days(Nth::Run(2, 3), 1), ["11-09", "11-16", "12-14", "12-21"]);
    assert_eq!(days(Nth::Last, 1), ["11-30", "12-28"]);
    assert_eq!(days(Nth::Last, 0), ["11-29", "12-27"]);
}

//! Writes windows down as idle hours, in either form: the wanted ones, and others beside them.

use lightsout::policy::calendar::Effect;

use super::calendars;
use super::civil::{self, Date};
use super::crontab::{Expression, Field, Item};
use super::placements::{MINUTES, Placement};
use super::subject::Idle;
use super::weekly::{Days, Hours, Nth, Weekly};
use lightsout::simulate::Chance;

/// Of every so many schedules that would be idle for good, one is: both sides look for years before
/// they say so.
const ALWAYS_EACH: usize = 6;

/// The wanted windows as weekly ones; None where one is longer than a day.
pub fn weekly(windows: &[(i64, i64)], placement: Placement, chance: &mut Chance) -> Option<Idle> {
    let mut written = Vec::new();
    for (opens, closes) in windows {
        if closes - opens > MINUTES || closes <= opens {
            return None;
        }
        let day = opens.div_euclid(MINUTES);
        let days = if placement.is_daily() {
            vec![Days::Run(1, 0)]
        } else {
            days_with(civil::weekday(day), closes - opens == MINUTES, chance)
        };
        let nth = if chance.once_in(5) { nth_of(day, chance) } else { Vec::new() };
        written.push(Weekly { nth, days, hours: hours(*opens, *closes, chance) });
    }
    if chance.once_in(3) {
        written.push(any_weekly(chance));
    }
    chance.shuffle(&mut written);
    Some(Idle::Weekly(written))
}

/// Any weekly window whatever.
pub fn any_weekly(chance: &mut Chance) -> Weekly {
    let opens = chance.between(0, MINUTES - 1);
    let closes = if chance.once_in(6) { MINUTES } else { chance.between(0, MINUTES - 1) };
    let (opens, closes) = match chance.below(3) {
        // The hours that people write.
        0 => (opens / 60 * 60, closes / 60 * 60),
        1 => (opens / 15 * 15, closes / 15 * 15),
        _ => (opens, closes),
    };
    let weekday = chance.below(7) as u32;
    let hours = (!chance.once_in(8)).then_some(Hours { opens, closes });
    let nth = if chance.once_in(5) { any_nth(chance) } else { Vec::new() };
    Weekly { nth, days: days_with(weekday, hours.is_none(), chance), hours }
}

/// Some days of the week, that of a window among them.
fn days_with(weekday: u32, is_whole: bool, chance: &mut Chance) -> Vec<Days> {
    let other = |chance: &mut Chance| chance.below(7) as u32;
    match chance.below(6) {
        2 if !is_whole || chance.once_in(ALWAYS_EACH) => vec![Days::Run(1, 0)],
        0..=2 => vec![Days::One(weekday)],
        3 => vec![Days::One(other(chance)), Days::One(weekday)],
        4 => {
            let ahead = chance.value(1, 6);
            vec![Days::Run(weekday, (weekday + ahead) % 7)]
        }
        _ => {
            let (behind, single) = (chance.value(1, 6), other(chance));
            vec![Days::Run((weekday + 7 - behind) % 7, weekday), Days::One(single)]
        }
    }
}

/// Some weeks of a month, that of a day among them.
fn nth_of(day: i64, chance: &mut Chance) -> Vec<Nth> {
    let Date { year, month, day } = civil::date(day);
    let count = (day - 1) / 7 + 1;
    if day + 7 > civil::month_length(year, month) && chance.once_in(2) {
        return vec![Nth::Last];
    }
    let mut nth = match chance.below(3) {
        0 => vec![Nth::Run(chance.value(1, count), chance.value(count, 5))],
        1 => vec![Nth::Count(chance.value(1, 5)), Nth::Count(count)],
        _ => vec![Nth::Count(count)],
    };
    if chance.once_in(8) {
        nth.push(Nth::Last);
    }
    nth
}

fn any_nth(chance: &mut Chance) -> Vec<Nth> {
    let count = chance.value(1, 5);
    vec![if chance.once_in(4) { Nth::Last } else { Nth::Count(count) }]
}

/// The hours of a window of at most a day, in one of the ways in which they can be written.
fn hours(opens: i64, closes: i64, chance: &mut Chance) -> Option<Hours> {
    let (from, to) = (opens.rem_euclid(MINUTES), closes.rem_euclid(MINUTES));
    if from == 0 && to == 0 && chance.once_in(2) {
        return None;
    }
    let ends_its_day = to == 0 && chance.once_in(2);
    Some(Hours { opens: from, closes: if ends_its_day { MINUTES } else { to } })
}

/// The wanted window as a pair of cron expressions.
pub fn cron((opens, closes): (i64, i64), placement: Placement, chance: &mut Chance) -> Idle {
    let is_long = closes - opens > MINUTES;
    let is_always = closes - opens == MINUTES && !chance.once_in(ALWAYS_EACH);
    let style = match chance.below(8) {
        // The next close of a daily or weekly expression could come too early.
        _ if is_long => On::Date,
        _ if placement.is_daily() => On::Daily,
        _ if chance.once_in(40) => On::Year,
        0 | 1 if !is_always => On::Daily,
        0..=3 => On::Weekday,
        4 => On::WeekdayOfMonth,
        5 => On::DayOfMonth,
        6 => On::Steps,
        _ => On::Date,
    };
    let closing = match style {
        On::Date | On::Year if is_long || chance.once_in(3) => On::Date,
        On::DayOfMonth if chance.once_in(3) => On::DayOfMonth,
        On::Weekday | On::WeekdayOfMonth if chance.once_in(3) => On::Weekday,
        _ => On::Daily,
    };
    let with_extras = placement == Placement::Anywhere;
    Idle::Cron {
        opens: Box::new(expression(opens, style, with_extras, chance)),
        closes: Box::new(expression(closes, closing, with_extras, chance)),
    }
}

/// What restricts the days of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Daily,
    Weekday,
    WeekdayOfMonth,
    DayOfMonth,
    Steps,
    Date,
    Year,
}

/// An expression that fires at a civil minute, among others.
fn expression(at: i64, style: On, with_extras: bool, chance: &mut Chance) -> Expression {
    let day = at.div_euclid(MINUTES);
    let Date { year, month, day: of_month } = civil::date(day);
    let minute = minute_field((at % 60) as u32, with_extras, chance);
    let hour = hour_field((at / 60 % 24) as u32, with_extras, chance);
    let mut written = Expression::daily(minute, hour);
    match style {
        On::Daily => {}
        On::Weekday => written.weekday = weekday_field(civil::weekday(day), chance),
        On::WeekdayOfMonth => {
            written.weekday = weekday_field(civil::weekday(day), chance);
            written.month = month_field(month, chance);
        }
        On::DayOfMonth => written.day = day_field(of_month, chance),
        On::Steps => {
            let step = chance.value(2, 10);
            // `*/step` counts from the first of the month.
            written.day = if of_month % step == 1 {
                Field::of(vec![Item::Every(step)])
            } else {
                Field::of(vec![Item::RunEvery(of_month, 31, step)])
            };
        }
        On::Date | On::Year => {
            written.day = Field::one(of_month);
            written.month = month_field(month, chance);
        }
    }
    if style == On::Year {
        let last = year as u32 + chance.value(0, 3);
        written.second = Some(Field::one(0));
        written.year = Some(Field::of(vec![Item::Run(year as u32, last)]));
    } else if chance.once_in(12) {
        let second = if with_extras { chance.value(0, 59) } else { 0 };
        written.second = Some(Field::one(second));
    }
    written
}

fn minute_field(minute: u32, with_extras: bool, chance: &mut Chance) -> Field {
    match chance.below(4) {
        0 if with_extras && minute.is_multiple_of(15) => Field::of(vec![Item::Every(15)]),
        1 if with_extras => Field::of(vec![Item::One(chance.value(0, 59)), Item::One(minute)]),
        _ => Field::one(minute),
    }
}

fn hour_field(hour: u32, with_extras: bool, chance: &mut Chance) -> Field {
    match chance.below(6) {
        0 if with_extras => Field::of(vec![Item::Run(hour, (hour + 2).min(23))]),
        1 if with_extras => Field::of(vec![Item::RunEvery(hour % 6, 23, 6), Item::One(hour)]),
        2 if with_extras && hour.is_multiple_of(4) => Field::of(vec![Item::Every(4)]),
        3 if with_extras => Field::of(vec![Item::One(chance.value(0, 23)), Item::One(hour)]),
        _ => Field::one(hour),
    }
}

fn day_field(of_month: u32, chance: &mut Chance) -> Field {
    let other = chance.value(1, 31);
    match chance.below(4) {
        0 => Field::one(of_month),
        1 => Field::of(vec![Item::Run(of_month, (of_month + chance.value(0, 4)).min(31))]),
        2 => Field::of(vec![Item::One(other), Item::One(of_month)]),
        // The months' ends.
        _ => Field::of(vec![Item::One(of_month), Item::Run(28, 31)]),
    }
}

fn month_field(month: u32, chance: &mut Chance) -> Field {
    let other = chance.value(1, 12);
    match chance.below(5) {
        0 => Field::named(vec![Item::One(month)]),
        1 => Field::one(month),
        2 => Field::of(vec![Item::One(other), Item::One(month)]),
        3 => Field::named(vec![Item::Run(month.min(other), month.max(other))]),
        _ => Field::of(vec![Item::RunEvery(month, 12, chance.value(1, 4))]),
    }
}

fn weekday_field(weekday: u32, chance: &mut Chance) -> Field {
    let other = chance.below(7) as u32;
    match chance.below(8) {
        0 => Field::one(if weekday == 0 { 7 } else { weekday }),
        1 => Field::one(weekday),
        2 => Field::named(vec![Item::One(weekday)]),
        3 => Field::of(vec![Item::Run(weekday.min(other), weekday.max(other))]),
        // By name, a run may go over the end of the week.
        4 => Field::named(vec![Item::Run(weekday, other)]),
        5 => Field::named(vec![Item::One(other), Item::One(weekday)]),
        // 7 ends a run on Sunday.
        6 if weekday > 0 => Field::of(vec![Item::Run(weekday, 7)]),
        _ => Field::of(vec![Item::RunEvery(weekday % 2, 6, 2)]),
    }
}

/// Calendars near a civil minute: what is closed, what is open, by days and by times.
pub fn some_calendars(
    minute: i64,
    windows: &[(i64, i64)],
    chance: &mut Chance,
) -> Vec<calendars::Days> {
    let mut some = Vec::new();
    for _ in 0..1 + chance.below(2) {
        let effect = chance.one_of(&[Effect::Closed, Effect::Open]);
        let mut dates = vec![some_dates(minute, windows, chance)];
        if chance.once_in(3) {
            dates.push(some_dates(minute, windows, chance));
        }
        some.push(calendars::Days { effect, dates });
    }
    some
}

fn some_dates(minute: i64, windows: &[(i64, i64)], chance: &mut Chance) -> calendars::Dates {
    let day = minute.div_euclid(MINUTES) + chance.between(-1, 1);
    let of_year = |day| {
        let Date { month, day, .. } = civil::date(day);
        (month, day)
    };
    match chance.below(8) {
        0 => calendars::Dates::Day(day),
        1 => calendars::Dates::Run(day, day + chance.between(0, 3)),
        2 => calendars::Dates::Yearly(of_year(day), of_year(day)),
        3 => calendars::Dates::Yearly(
            of_year(day - chance.between(0, 5)),
            of_year(day + chance.between(0, 2)),
        ),
        // What begins where a window ends, and what ends where it begins.
        4 => {
            let closes = windows[0].1;
            calendars::Dates::Times(closes * 60, (closes + chance.between(1, 600)) * 60)
        }
        5 => {
            let opens = windows[0].0;
            calendars::Dates::Times((opens - chance.between(1, 600)) * 60, opens * 60)
        }
        _ => {
            let from = minute + chance.between(-180, 180);
            let longest = chance.one_of(&[180, 180 + MINUTES]);
            calendars::Dates::Times(from * 60, (from + chance.between(1, longest)) * 60)
        }
    }
}

//! Local time, as people write and read it: `Fri 2026-11-20 19:30`, and where a night has the hour
//! twice, `01:30 PST`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// Reads what a line begins with: an instant. The date may be left out where it is the one before.
/// Answers with the rest of the line, too.
pub(crate) fn read<'a>(
    line: &'a str,
    before: Option<Date>,
    zone: &TimeZone,
) -> Result<(Date, Timestamp, &'a str), String> {
    let (first, rest) = word(line);
    let (weekday, first, rest) = match first.parse::<Date>() {
        Err(_) if first.len() == 3 => {
            let (date, rest) = word(rest);
            (Some(first), date, rest)
        }
        _ => (None, first, rest),
    };
    let (date, time, rest) = match first.parse::<Date>() {
        Ok(date) => {
            let (time, rest) = word(rest);
            (date, time, rest)
        }
        Err(_) => (before.ok_or("the first line needs a date")?, first, rest),
    };
    if let Some(weekday) = weekday {
        let found = date.strftime("%a").to_string();
        if found != weekday {
            return Err(format!("{date} is a {found}"));
        }
    }
    let time: Time = time.parse().map_err(|_| format!("{time:?} is not a time of the day"))?;
    let (abbreviation, after) = word(rest);
    let instants = instants(date.to_datetime(time), zone);
    let named = instants.iter().find(|at| zone.to_offset_info(**at).abbreviation() == abbreviation);
    match (named, instants.as_slice()) {
        (Some(at), _) => Ok((date, *at, after)),
        (None, [at]) => Ok((date, *at, rest)),
        (None, []) => Err(format!("{date} {time} does not exist there")),
        (None, _) => Err(format!("{date} {time} comes twice: which one?")),
    }
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

/// The instants at which clocks show this: one, none, or two.
fn instants(civil: DateTime, zone: &TimeZone) -> Vec<Timestamp> {
    let found = zone.to_ambiguous_timestamp(civil);
    let mut instants: Vec<Timestamp> =
        [found.earlier(), found.later()].into_iter().filter_map(Result::ok).collect();
    instants.retain(|at| zone.to_datetime(*at) == civil);
    instants.dedup();
    instants
}

/// The time of the day, with seconds only where it has some.
pub(crate) fn time(at: Timestamp, zone: &TimeZone) -> String {
    let civil = zone.to_datetime(at);
    let format = if civil.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    let time = civil.strftime(format).to_string();
    match instants(civil, zone).len() {
        1 => time,
        _ => format!("{time} {}", zone.to_offset_info(at).abbreviation()),
    }
}

pub(crate) fn day(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%a %Y-%m-%d").to_string()
}

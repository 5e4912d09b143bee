//! Recurrence rules (RFC 5545, section 3.3.10) as the days that they mean; the only file that names
//! `ical`.
//!
//! That crate expands, on the civil calendar. It is lenient where the standard leaves a rule without a
//! meaning, so each part is judged here first and handed to it in one form. Start at [`Rule`].

use std::fmt;
use std::str::FromStr;

use ical::recur::expand::IcalRecurExpand;
use ical::recur::{IcalRecurDateTime, IcalRecurRule};
use jiff::civil::{Date, DateTime, Time};

use crate::text::one_line;

/// Until when what recurs is written out. The rules of time zones are a guess long before.
pub(super) const HORIZON: DateTime = Date::constant(2100, 1, 1).at(0, 0, 0, 0);

/// How often one rule may recur until then: more than once a day for the whole time since 1970.
pub(super) const OCCURRENCES_MAX: usize = 50_000;

/// A rule whose parts are good by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    /// The parts but `UNTIL`, in capital letters.
    text: String,
    /// The text of `UNTIL`, which only an event's beginning gives a meaning.
    pub(super) until: Option<String>,
    /// Whether it ends by itself after some occurrences.
    is_counted: bool,
    /// Whether it says hours, minutes or seconds.
    pub(super) has_times: bool,
}

/// What a rule comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expanded {
    /// Every beginning before the horizon, in order.
    pub(super) starts: Vec<DateTime>,
    /// Whether there are more.
    pub(super) is_endless: bool,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::config) enum RuleError {
    #[error("`{0}` is not a part of a recurrence rule")]
    Part(String),
    #[error("the rule has `{0}` twice")]
    Twice(String),
    #[error("the rule has no FREQ")]
    NoFrequency,
    #[error("the rule recurs within a day: FREQ={0}")]
    TooOften(String),
    #[error("the rule has both COUNT and UNTIL")]
    TwoEnds,
    #[error("`{0}` stands without the days that it chooses from")]
    Alone(&'static str),
    #[error("`BYWEEKNO={0}` has weeks that may be in two years")]
    Weeks(String),
    #[error("`{0}` does not go with this FREQ")]
    Combination(String),
    #[error("the first day by its rule is {}, and DTSTART is another", compact(*.0))]
    FirstIs(DateTime),
    #[error("no day satisfies the rule before {}", HORIZON.date())]
    Never,
    #[error("it recurs more than {OCCURRENCES_MAX} times before {}", HORIZON.date())]
    TooMany,
    #[error("the rule has no meaning: {0}")]
    Meaning(String),
}

impl RuleError {
    /// What would be right, for people.
    pub(super) fn help(&self) -> String {
        match self {
            Self::Part(_) | Self::NoFrequency => {
                "write a rule as in RFC 5545: RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH".to_owned()
            }
            Self::Twice(part) => format!("leave one `{part}` out"),
            Self::TooOften(_) => {
                "FREQ is YEARLY, MONTHLY, WEEKLY or DAILY; say the length with DTEND".to_owned()
            }
            Self::TwoEnds => "leave COUNT or UNTIL out".to_owned(),
            Self::Alone(_) => {
                "add the days, as in BYDAY=MO,TU;BYSETPOS=1 or BYWEEKNO=20;BYDAY=MO".to_owned()
            }
            Self::Weeks(_) => {
                "choose weeks from 2 to 51, or write the days as events of their own".to_owned()
            }
            Self::Combination(_) => "numbered days (1MO) go with MONTHLY and YEARLY and not with \
                 plain ones, BYMONTHDAY and BYSETPOS not with WEEKLY, BYYEARDAY and BYWEEKNO with \
                 YEARLY only"
                .to_owned(),
            Self::FirstIs(first) => format!(
                "write {} in DTSTART, or change the rule: RFC 5545 leaves open what such an event means",
                compact(*first)
            ),
            Self::Never => "choose days that exist, or leave the event out".to_owned(),
            Self::TooMany => "write the hours as `idle` windows of a schedule instead".to_owned(),
            Self::Meaning(_) => "write a simpler rule, or `dates` in the policy file".to_owned(),
        }
    }
}

/// The parts that are lists of numbers, with the least and the most, and whether a sign may count
/// from the end.
const NUMBERS: &[(&str, i16, i16, bool)] = &[
    ("BYMONTH", 1, 12, false),
    ("BYMONTHDAY", 1, 31, true),
    ("BYYEARDAY", 1, 366, true),
    ("BYWEEKNO", 1, 53, true),
    ("BYSETPOS", 1, 366, true),
    ("BYHOUR", 0, 23, false),
    ("BYMINUTE", 0, 59, false),
    ("BYSECOND", 0, 59, false),
];

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// The longest pause that a rule may name. It is far beyond the horizon for years.
const INTERVAL_MAX: u16 = 9_999;

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let text = text.trim().to_ascii_uppercase();
        let mut parts: Vec<(&str, &str)> = Vec::new();
        // Some programs end the list as they separate it.
        for part in text.strip_suffix(';').unwrap_or(&text).split(';') {
            let (key, value) = part.split_once('=').ok_or_else(|| wrong(part))?;
            if parts.iter().any(|(earlier, _)| *earlier == key) {
                return Err(RuleError::Twice(bounded(key)));
            }
            if !is_part(key, value) {
                return Err(wrong(part));
            }
            parts.push((key, value));
        }
        let find = |key: &str| parts.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        judge(find)?;
        let until = find("UNTIL").map(str::to_owned);
        let kept = parts.iter().filter(|(key, _)| *key != "UNTIL");
        Ok(Self {
            text: kept.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(";"),
            until,
            is_counted: find("COUNT").is_some(),
            has_times: ["BYHOUR", "BYMINUTE", "BYSECOND"].iter().any(|key| find(key).is_some()),
        })
    }
}

/// A civil time as a file has it; midnight stands for its day.
fn compact(civil: DateTime) -> String {
    let format = if civil.time() == Time::midnight() { "%Y%m%d" } else { "%Y%m%dT%H%M%S" };
    civil.strftime(format).to_string()
}

fn wrong(part: &str) -> RuleError {
    RuleError::Part(bounded(part))
}

fn bounded(text: &str) -> String {
    one_line(text, 60)
}

/// Whether a part is one that RFC 5545 knows, with a value that it allows there.
fn is_part(key: &str, value: &str) -> bool {
    let list = |is_one: &dyn Fn(&str) -> bool| value.split(',').all(is_one);
    match key {
        "FREQ" => ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]
            .contains(&value),
        // Its form depends on DTSTART, and is judged with it.
        "UNTIL" => !value.is_empty(),
        "COUNT" => number(value, false).is_some_and(|count| count >= 1),
        "INTERVAL" => number(value, false)
            .is_some_and(|interval| (1..=i32::from(INTERVAL_MAX)).contains(&interval)),
        "WKST" => WEEKDAYS.contains(&value),
        "BYDAY" => list(&|day| weekday(day).is_some()),
        _ => NUMBERS.iter().find(|(name, ..)| *name == key).is_some_and(
            |(_, least, most, signed)| {
                let range = i32::from(*least)..=i32::from(*most);
                list(&|text| {
                    number(text, *signed).is_some_and(|number| range.contains(&number.abs()))
                })
            },
        ),
    }
}

/// A number of at most six digits, with a sign where one may count from the end.
fn number(text: &str, is_signed: bool) -> Option<i32> {
    let digits = if is_signed { text.strip_prefix(['+', '-']).unwrap_or(text) } else { text };
    let is_number = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// A day of the week and which of them it is; 0 for all.
fn weekday(text: &str) -> Option<i32> {
    let (count, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    if !WEEKDAYS.contains(&day) {
        return None;
    }
    match count {
        "" => Some(0),
        count => number(count, true).filter(|count| (1..=53).contains(&count.abs())),
    }
}

/// What parts do not go together (RFC 5545, section 3.3.10).
fn judge<'a>(find: impl Fn(&str) -> Option<&'a str>) -> Result<(), RuleError> {
    let frequency = find("FREQ").ok_or(RuleError::NoFrequency)?;
    if !["YEARLY", "MONTHLY", "WEEKLY", "DAILY"].contains(&frequency) {
        return Err(RuleError::TooOften(frequency.to_owned()));
    }
    if find("COUNT").is_some() && find("UNTIL").is_some() {
        return Err(RuleError::TwoEnds);
    }
    let chooses_from = NUMBERS.iter().map(|(name, ..)| *name).chain(["BYDAY"]);
    if find("BYSETPOS").is_some()
        && chooses_from.filter(|key| *key != "BYSETPOS").all(|key| find(key).is_none())
    {
        return Err(RuleError::Alone("BYSETPOS"));
    }
    let refuse = |key: &str, allowed: &[&str]| match find(key) {
        Some(_) if !allowed.contains(&frequency) => Err(RuleError::Combination(key.to_owned())),
        _ => Ok(()),
    };
    refuse("BYWEEKNO", &["YEARLY"])?;
    refuse("BYYEARDAY", &["YEARLY"])?;
    refuse("BYMONTHDAY", &["YEARLY", "MONTHLY", "DAILY"])?;
    // The standard allows it; some programs take the first week for one that begins with DTSTART.
    refuse("BYSETPOS", &["YEARLY", "MONTHLY", "DAILY"])?;
    let days = find("BYDAY").unwrap_or_default();
    let is_numbered = days.split(',').any(|day| weekday(day).is_some_and(|count| count != 0));
    let is_plain = days.split(',').any(|day| weekday(day) == Some(0));
    let takes_numbers =
        frequency == "MONTHLY" || (frequency == "YEARLY" && find("BYWEEKNO").is_none());
    // Some programs take the days of such weeks for those of the year in which they are.
    let weeks = find("BYWEEKNO").unwrap_or_default();
    let is_at_the_edge = |week: i32| !(2..=51).contains(&week.abs());
    if weeks.split(',').filter_map(|week| number(week, true)).any(is_at_the_edge) {
        return Err(RuleError::Weeks(bounded(weeks)));
    }
    // The standard takes the day from DTSTART then, and most programs take the whole week.
    if find("BYWEEKNO").is_some() && find("BYDAY").is_none() {
        return Err(RuleError::Alone("BYWEEKNO"));
    }
    // Of `MO,1TU` some programs make `1TU`.
    if is_numbered && (is_plain || !takes_numbers) {
        return Err(RuleError::Combination(format!("BYDAY={days}")));
    }
    Ok(())
}

impl Rule {
    /// Every beginning of an event that first begins at `start` and last at or before `until`.
    ///
    /// RFC 5545, section 3.8.5.3: a `start` that is not by the rule has no defined meaning; but where
    /// it is left out, and nobody counts, it does not matter.
    pub(super) fn expand(
        &self,
        start: DateTime,
        until: Option<DateTime>,
        is_start_left_out: bool,
    ) -> Result<Expanded, RuleError> {
        let meaning = |error: &dyn fmt::Display| {
            let text = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            RuleError::Meaning(one_line(&text, 120))
        };
        let mut rule = IcalRecurRule::parse(&self.text).map_err(|error| meaning(&error))?;
        let last = until.unwrap_or(DateTime::MAX);
        // No day beyond is looked for, however long a rule has none.
        rule.until = Some(to_ical(last.min(HORIZON)));
        let fires = IcalRecurExpand::new(rule, to_ical(start)).map_while(from_ical);
        let starts: Vec<DateTime> = fires
            .take_while(|fire| *fire < HORIZON && *fire <= last)
            .take(OCCURRENCES_MAX + 1)
            .collect();
        match starts.first() {
            None => Err(RuleError::Never),
            Some(first) if *first != start && (self.is_counted || !is_start_left_out) => {
                Err(RuleError::FirstIs(*first))
            }
            Some(_) if starts.len() > OCCURRENCES_MAX => Err(RuleError::TooMany),
            Some(_) => {
                let is_endless = !self.is_counted && last >= HORIZON;
                Ok(Expanded { starts, is_endless })
            }
        }
    }
}

fn to_ical(civil: DateTime) -> IcalRecurDateTime {
    let unsigned = |number: i8| u8::try_from(number).unwrap_or(0);
    IcalRecurDateTime {
        year: civil.year().into(),
        month: unsigned(civil.month()),
        day: unsigned(civil.day()),
        hour: unsigned(civil.hour()),
        minute: unsigned(civil.minute()),
        second: unsigned(civil.second()),
    }
}

fn from_ical(fire: IcalRecurDateTime) -> Option<DateTime> {
    let signed = |number: u8| i8::try_from(number).ok();
    let year = i16::try_from(fire.year).ok()?;
    let (month, day) = (signed(fire.month)?, signed(fire.day)?);
    let (hour, minute, second) = (signed(fire.hour)?, signed(fire.minute)?, signed(fire.second)?);
    DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

//! What can be wrong with a calendar file, in words.
//!
//! Start at [`Complaint`].

use super::recurrence::RuleError;
use super::{EVENTS_MAX, OCCURRENCES_MAX, RULES_MAX};

/// Something that is wrong, or doubtful, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct Complaint {
    /// The line of the file, counted from 1.
    pub(in crate::config) line: usize,
    /// What the event is called, if it is about one.
    pub(in crate::config) event: Option<String>,
    pub(in crate::config) fault: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::config) enum Fault {
    #[error("a line of the calendar file is not UTF-8 text")]
    NotUtf8,
    #[error("the calendar file does not begin as one")]
    NoCalendar(String),
    #[error("`{0}` is not a line of a calendar file")]
    Line(String),
    #[error("the components of the calendar file are nested too deep")]
    TooDeep,
    #[error("`{0}` ends what was not begun last")]
    WrongEnd(String),
    #[error("`BEGIN:{0}` has no end")]
    Unclosed(String),
    #[error("`{0}` is not of a calendar that can be read")]
    Kind(String),
    #[error("the calendar file has no events")]
    NoEvents,
    #[error("the calendar file has more than {EVENTS_MAX} events")]
    TooManyEvents,
    #[error("more than {RULES_MAX} events of the calendar file recur by a rule")]
    TooManyRules,
    #[error("the events of the calendar file recur more than {OCCURRENCES_MAX} times")]
    TooManyOccurrences,
    #[error("the event has no {0}")]
    Missing(&'static str),
    #[error("the event has more than one {0}")]
    Repeated(&'static str),
    #[error("`{0}` cannot be read")]
    Value(String),
    #[error("`{0}` is not supported")]
    Unsupported(String),
    #[error("unknown time zone {0:?}")]
    Zone(String),
    #[error("a time has both a TZID and a `Z`")]
    ZoneOfUtc,
    #[error("a whole day has a TZID")]
    ZoneOfDay,
    #[error("the event has both DTEND and DURATION")]
    TwoEnds,
    #[error("DTSTART and DTEND are of different kinds")]
    EndKind,
    #[error("the event ends before it begins")]
    EndsBefore,
    #[error("the event ends on the day on which it begins")]
    EndIsStart,
    #[error("the event lasts longer than ten years")]
    TooLong,
    #[error("the length of whole days is not in days")]
    DaysInHours,
    #[error("UNTIL is of another kind than DTSTART: `{0}`")]
    UntilKind(String),
    #[error("UNTIL is before DTSTART")]
    UntilBefore,
    #[error("the rule says hours of whole days")]
    HoursOfDays,
    #[error("{0}")]
    Rule(RuleError),
    #[error("`{0}` is of another kind than DTSTART")]
    OtherKind(String),
    #[error("an event with this UID was there before, in line {0}")]
    SameUid(usize),
    #[error("this occurrence was changed before, in line {0}")]
    SameOccurrence(usize),
    #[error("the event changes an occurrence of one that is cancelled")]
    OfCancelled,
    #[error("the event takes no time, so it changes nothing")]
    NoTime,
    #[error("no occurrence of the event begins then, so nothing is left out")]
    NoOccurrence,
    #[error("{}, on which most people work", observances(*.0))]
    Observances(usize),
}

fn observances(count: usize) -> String {
    match count {
        1 => "an event of the calendar file is an observance".to_owned(),
        _ => format!("{count} events of the calendar file are observances"),
    }
}

impl Fault {
    /// What to do about it.
    pub(in crate::config) fn help(&self) -> String {
        let help = match self {
            Self::NotUtf8 => "save the file as UTF-8",
            Self::NoCalendar(_) | Self::Line(_) => {
                "give the path of an iCalendar file (RFC 5545), which begins with BEGIN:VCALENDAR; \
                 a web page with a calendar is none"
            }
            Self::TooDeep | Self::WrongEnd(_) | Self::Unclosed(_) => {
                "let each BEGIN have its END; is the file whole?"
            }
            Self::Kind(_) => {
                "export a calendar of VERSION 2.0 on the Gregorian scale, as METHOD:PUBLISH"
            }
            Self::NoEvents => "give a file with events, or leave it out",
            Self::TooManyEvents | Self::TooManyRules | Self::TooManyOccurrences => {
                "leave out what is long over, or divide the file"
            }
            Self::Missing(name) => return format!("add a {name} to it, or leave the event out"),
            Self::Repeated(name) => return format!("leave one {name} out"),
            Self::Value(_) => {
                "days are written as 20261224, times as 20261224T200000 or 20261224T200000Z, \
                 lengths as P1D or PT12H, in the years 1900 to 2199"
            }
            Self::Unsupported(_) => "write its dates as an event of their own",
            Self::Zone(_) => {
                "use IANA names in TZID, as in TZID=America/New_York, or add an X-LIC-LOCATION \
                 with one to its VTIMEZONE"
            }
            Self::ZoneOfUtc => "leave one of the two out",
            Self::ZoneOfDay => {
                "leave the TZID out: a whole day is meant in the zone of the schedule"
            }
            Self::TwoEnds => "leave one of the two out",
            Self::EndKind => {
                "write both as days, both with a zone (a TZID or a `Z`), or both without"
            }
            Self::EndsBefore => "write a later DTEND",
            Self::EndIsStart => {
                "write the day after the last one in DTEND, or leave DTEND out for a single day"
            }
            Self::TooLong => "write a shorter one, or a day that recurs",
            Self::DaysInHours => "write a DURATION such as P1D or P2W",
            Self::UntilKind(_) => {
                "write UNTIL as DTSTART is: a day with a day, a time in UTC (20261231T235959Z) \
                 where DTSTART has a zone, a time without a zone where it has none"
            }
            Self::UntilBefore => "write a later UNTIL, or leave the event out",
            Self::HoursOfDays => "leave BYHOUR, BYMINUTE and BYSECOND out",
            Self::Rule(error) => return error.help(),
            Self::OtherKind(_) => "write it as DTSTART is: a day, or a time with a zone or without",
            Self::SameUid(_) => "give each event a UID of its own",
            Self::SameOccurrence(_) => "keep the one that is right",
            Self::OfCancelled => "leave it out, or leave out the STATUS:CANCELLED",
            Self::NoTime => "add a DTEND or a DURATION, or leave the event out",
            Self::NoOccurrence => {
                "check its date and zone; a part of a series that is no more can be left out"
            }
            Self::Observances(_) => {
                "leave them out, or in the calendar's own settings hide observances and export again"
            }
        };
        help.to_owned()
    }
}

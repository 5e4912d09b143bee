//! Calendar files: what they mean, and what is wrong with them.

mod events;
mod faults;
mod mutations;
mod rules;
mod series;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::policy::Calendar;
use crate::policy::calendar::Effect;

/// A file with these lines in its calendar.
fn file(lines: &str) -> String {
    let lines = lines.trim();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{lines}\r\nEND:VCALENDAR\r\n")
}

/// A file with one event of these lines.
fn event(lines: &str) -> String {
    let lines = lines.trim();
    file(&format!(
        "BEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\nSUMMARY:Holiday\n{lines}\nEND:VEVENT"
    ))
}

/// What is found in a file: the line, the event and the fault of each complaint.
fn complaints(text: &str) -> Vec<String> {
    let list = match read(text.as_bytes()) {
        Ok(read) => read.doubts.into_list(),
        Err(list) => {
            assert!(!list.is_empty() && list.len() <= COMPLAINTS_MAX);
            list
        }
    };
    let one = |complaint: Complaint| {
        assert!(!complaint.fault.help().is_empty());
        let event = complaint.event.map(|name| format!(" ({name})")).unwrap_or_default();
        format!("{}{event}: {}", complaint.line, complaint.fault)
    };
    list.into_iter().map(one).collect()
}

fn calendar(text: &str) -> Calendar {
    match read(text.as_bytes()) {
        Ok(read) => Calendar { name: "test".into(), effect: Effect::Closed, entries: read.entries },
        Err(list) => panic!("{list:#?}"),
    }
}

/// The spans of a file within a range, in a zone, each in UTC.
fn spans_between(text: &str, zone: &str, from: &str, to: &str) -> Vec<String> {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let found = calendar(text).spans(&TimeZone::get(zone).unwrap(), at(from), at(to));
    let shown = |instant: Timestamp| instant.strftime("%Y-%m-%d %H:%M").to_string();
    found.iter().map(|span| format!("{} - {}", shown(span.opens), shown(span.closes))).collect()
}

/// The same within the years from 1990 to 2030.
fn spans(text: &str, zone: &str) -> Vec<String> {
    spans_between(text, zone, "1990-01-01T00Z", "2030-01-01T00Z")
}

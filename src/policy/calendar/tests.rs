//! What the entries of calendars mean, and which instants they are.

mod grammar;
mod spans;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn calendar(entries: &[&str]) -> Calendar {
    Calendar {
        name: "test".into(),
        effect: Effect::Closed,
        entries: entries.iter().map(|entry| entry.parse().unwrap()).collect(),
    }
}

/// The spans of a calendar in a zone within a range, in UTC.
fn spans(calendar: &Calendar, name: &str, from: &str, to: &str) -> Vec<String> {
    let found = calendar.spans(&zone(name), at(from), at(to));
    found.iter().map(|window| format!("{} {}", window.opens, window.closes)).collect()
}

//! How data is laid out for people. Nothing here decides anything.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Failure;
use crate::plan::Verdict;

/// The two streams of a command.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    /// Standard output.
    Data,
    /// Standard error.
    Talk,
}

/// How wide a table is made where no terminal says how wide it is.
const WIDTH_ELSEWHERE: u16 = 160;

/// Whether a stream is shown in colour: only on a terminal, and not where `NO_COLOR` is set.
pub(super) fn colour(stream: Stream) -> bool {
    let choice = match stream {
        Stream::Data => anstream::AutoStream::choice(&std::io::stdout()),
        Stream::Talk => anstream::AutoStream::choice(&std::io::stderr()),
    };
    choice != anstream::ColorChoice::Never
}

/// Says a line on standard output, while something is done: who does not read it hinders nothing.
pub(super) fn say(line: &str) {
    let _ = writeln!(anstream::stdout(), "{line}");
}

/// Prints a value for programs.
///
/// # Errors
/// It cannot be written as JSON.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::of(&error))?;
    anstream::println!("{text}");
    Ok(())
}

/// A table without lines, as wide as the terminal that shows it.
pub(super) fn table(header: &[&str]) -> Table {
    let width = terminal_size::terminal_size_of(std::io::stdout());
    let width = width.map_or(WIDTH_ELSEWHERE, |(width, _)| width.0);
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width).set_header(header);
    // Who looks for a session looks for all of its id.
    let whole = header.iter().position(|name| *name == "SESSION");
    if let Some(column) = whole.and_then(|number| table.column_mut(number)) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    table
}

/// A row of a table of things in studios: the studio's id, its name if it has one, and the cells.
pub(super) type StudioRow<'a, const CELLS: usize> = (&'a str, Option<&'a str>, [String; CELLS]);

/// A table of things in studios. Where there is one studio only, everybody knows which.
pub(super) fn table_of_studios<'a, const CELLS: usize>(
    header: &[&str; CELLS],
    rows: impl Iterator<Item = StudioRow<'a, CELLS>>,
) -> Table {
    let rows: Vec<_> = rows.collect();
    let is_one = rows.iter().all(|(studio, ..)| *studio == rows[0].0);
    let place = if is_one { &[][..] } else { &["STUDIO"] };
    let mut table = table(&[place, header].concat());
    for (studio, name, cells) in rows {
        let place = (!is_one).then(|| name.unwrap_or(studio).to_owned());
        table.add_row(place.into_iter().chain(cells));
    }
    table
}

/// Prints a table, each line without the blanks at its end.
pub(super) fn print(table: &Table) {
    for line in table.lines() {
        anstream::println!("{}", plain(line.trim_end()));
    }
}

/// A text that may hold what strangers wrote, such as a name or a tag, without what would move a terminal's
/// cursor, colour it or turn the order of its letters round.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let is_harmful = |character: char| {
        character.is_control()
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    match text.contains(is_harmful) {
        true => Cow::Owned(text.replace(is_harmful, "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

/// An instant as people at a place read it: `Fri 2026-11-20 20:00 -08:00`.
pub(super) fn local(instant: Timestamp, zone: &TimeZone) -> String {
    match endless(instant) {
        Some(word) => word.to_owned(),
        None => instant.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %:z").to_string(),
    }
}

/// An instant in UTC, to the minute.
pub(super) fn utc(instant: Timestamp) -> String {
    match endless(instant) {
        Some(word) => word.to_owned(),
        None => instant.strftime("%Y-%m-%d %H:%MZ").to_string(),
    }
}

fn endless(instant: Timestamp) -> Option<&'static str> {
    match instant {
        _ if instant == Timestamp::MIN => Some("always"),
        _ if instant == Timestamp::MAX => Some("never"),
        _ => None,
    }
}

/// A length of time in hours, and minutes where it has any: `11h`, `10h 30m`.
pub(super) fn hours(length: SignedDuration) -> String {
    let minutes = length.as_mins();
    match (minutes / 60, minutes % 60) {
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}

/// A length of time as it may be typed, without blanks: `14d`, `36h`, `1h30m`.
pub(super) fn length(length: SignedDuration) -> String {
    const DAY: i64 = 86_400;
    match length.as_secs() {
        seconds if seconds >= 2 * DAY && seconds % DAY == 0 => format!("{}d", seconds / DAY),
        _ => format!("{length:#}").replace(' ', ""),
    }
}

/// A verdict as it is marked for people; the word is the same without the colour.
pub(super) fn verdict_style(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Stop => AnsiColor::Red,
        Verdict::Start => AnsiColor::Green,
        Verdict::Warn => AnsiColor::Yellow,
        Verdict::Hold => AnsiColor::Magenta,
        Verdict::Keep => return Style::new(),
    };
    colour.on_default().bold()
}

/// The chain of causes of an error, each after a colon.
pub(super) fn sources(error: &dyn Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

/// Prints a table whose first column is a verdict, with that word in its colour.
pub(super) fn print_marked(table: &Table) {
    for line in table.lines() {
        let line = plain(line.trim_end());
        let word = line.split_whitespace().next().unwrap_or_default();
        let verdicts = [Verdict::Stop, Verdict::Start, Verdict::Warn, Verdict::Keep, Verdict::Hold];
        let found = verdicts.into_iter().find(|verdict| verdict.to_string() == word);
        // A cell that wraps begins its next line with blanks, so only a row's first line is marked.
        match (found, line.split_once(word)) {
            (Some(verdict), Some((before, after))) if before.len() <= 1 => {
                let style = verdict_style(verdict);
                anstream::println!("{before}{style}{word}{style:#}{after}");
            }
            _ => anstream::println!("{line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_wrote_does_not_reach_the_terminal_as_a_command() {
        assert_eq!(plain("Übung \u{1f5a5} [A]"), "Übung \u{1f5a5} [A]");
        assert_eq!(
            plain("a\u{1b}[2Jb\u{9b}c\r\u{202e}d"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}\u{fffd}d"
        );
    }
}

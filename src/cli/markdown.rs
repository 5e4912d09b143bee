//! Data as Markdown, for a comment on a pull request: tables, and details that are folded away.
//!
//! What people call things is shown as it is and does nothing: it ends no cell, begins no tag, makes no link and
//! calls nobody. A page is bounded, since a comment is. Start at [`Page`].

use std::fmt::Write as _;

/// How many rows of a table are shown: a comment has room for some 65,000 characters.
const ROWS_MAX: usize = 100;

/// How many characters of a cell are shown.
const CELL_MAX: usize = 300;

/// How many characters are shown of what a terminal would show.
const BLOCK_MAX: usize = 20_000;

/// What stands where something was left out.
const MORE: &str = "…";

/// A page as it grows.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    /// A heading; `words` are Markdown.
    pub(super) fn heading(&mut self, words: &str) {
        self.block(&format!("### {words}"));
    }

    /// A paragraph; `words` are Markdown.
    pub(super) fn paragraph(&mut self, words: &str) {
        self.block(words);
    }

    /// A table whose cells are Markdown in one line, as [`text`] and [`code`] make them. One without rows is not
    /// shown.
    pub(super) fn table(&mut self, header: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        let mut table = line(header.iter().copied());
        table.push_str(&line(header.iter().map(|_| "---")));
        for row in rows.iter().take(ROWS_MAX) {
            table.push_str(&line(row.iter().map(String::as_str)));
        }
        self.block(table.trim_end());
        if let Some(left) = rows.len().checked_sub(ROWS_MAX).filter(|left| *left > 0) {
            self.paragraph(&format!("{MORE} and {left} more"));
        }
    }

    /// What is folded away behind a summary, in which Markdown does not count: words, and what [`code_in_summary`]
    /// makes.
    pub(super) fn details(&mut self, summary: &str, fill: impl FnOnce(&mut Self)) {
        self.block(&format!("<details><summary>{summary}</summary>"));
        fill(self);
        self.block("</details>");
    }

    /// Lines as a terminal would show them.
    pub(super) fn lines(&mut self, lines: &str) {
        let shown: String = lines.chars().take(BLOCK_MAX).collect();
        let more = if shown.len() < lines.len() { MORE } else { "" };
        let shown: String =
            shown.chars().map(|c| if is_hidden(c) && c != '\n' { '?' } else { c }).collect();
        let fence = "`".repeat(longest_run(&shown).max(2) + 1);
        self.block(&format!("{fence}text\n{}{more}\n{fence}", shown.trim_end()));
    }

    /// The whole of it.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn block(&mut self, block: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(block);
        self.text.push('\n');
    }
}

/// A row of a table.
fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<&str> = cells.collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A sentence of the program's own, in which a name stands between two `` ` ``.
pub(super) fn sentence(words: &str) -> String {
    let parts: Vec<&str> = words.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // One of them has no other, so none says anything.
        return text(words);
    }
    let part = |(index, part): (usize, &&str)| match (index % 2, part.is_empty()) {
        (0, _) | (_, true) => text(part),
        (_, false) => code(part),
    };
    parts.iter().enumerate().map(part).collect()
}

/// Words, which may have in them what people call things.
pub(super) fn text(words: &str) -> String {
    let words = visible(words);
    let mut escaped = String::new();
    let mut rest = words.chars().peekable();
    let mut is_in_word = false;
    while let Some(character) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        match character {
            // Whoever is called so gets a message, and whatever has that number is linked, even where the sign is
            // an entity; what has no width comes between.
            '@' | '#' => push(&mut escaped, format_args!("{character}&#8203;")),
            // The beginning of an address of the web.
            ':' if next == '/' => escaped.push_str(":&#8203;"),
            'w' if next == 'w' => escaped.push_str("w&#8203;"),
            // It marks no word in the middle of one.
            '_' if is_in_word && next.is_ascii_alphanumeric() => escaped.push('_'),
            '&' | '<' | '>' | '|' | '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '$' => {
                push(&mut escaped, format_args!("&#{};", u32::from(character)));
            }
            _ => escaped.push(character),
        }
        is_in_word = character.is_ascii_alphanumeric();
    }
    escaped
}

/// A name or a value.
pub(super) fn code(value: &str) -> String {
    let value = visible(value);
    if value.trim().is_empty() {
        return "(empty)".to_owned();
    }
    // In a table a sign before a line that divides cells is taken away, so these are told in the other way.
    let is_plain = !value.contains(['`', '|', '\\']) && value.trim() == value;
    if is_plain { format!("`{value}`") } else { tagged(&value) }
}

/// The same for a summary.
pub(super) fn code_in_summary(value: &str) -> String {
    tagged(&visible(value))
}

/// Where Markdown counts, and where it does not.
fn tagged(value: &str) -> String {
    let mut escaped = String::from("<code>");
    for character in value.chars() {
        if character.is_ascii_punctuation() {
            push(&mut escaped, format_args!("&#{};", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped + "</code>"
}

/// A value where there is one.
pub(super) fn code_or_dash(value: Option<&str>) -> String {
    value.map_or_else(|| "-".to_owned(), code)
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(part);
}

/// The same in one line, bounded, with nothing in it that is not seen or turns the rest around.
fn visible(text: &str) -> String {
    let mut seen = String::new();
    for (count, character) in text.chars().enumerate() {
        match character {
            _ if count == CELL_MAX => {
                seen.push_str(MORE);
                break;
            }
            '\n' | '\r' | '\t' => seen.push(' '),
            _ if is_hidden(character) => {
                push(&mut seen, format_args!("(U+{:04X})", u32::from(character)));
            }
            _ => seen.push(character),
        }
    }
    seen
}

/// Whether a character cannot be seen: it controls a terminal, has no width, or turns the direction of writing.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'
        )
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests;

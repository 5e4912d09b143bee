//! What is wrong with a file: the place, what was found, what is valid, and what to type.
//!
//! Knows nothing of TOML or of policy. Start at [`Diagnostic`].

use std::ops::Range;

use serde_json::{Value, json};

use super::{render, secrets};
use crate::files::Exposed;

/// A range of bytes of the file's text.
pub type Span = Range<usize>;

/// The code of a calendar file that cannot be read.
pub(super) const UNREADABLE_ICS: &str = "unreadable-ics";

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file does not take effect.
    Error,
    /// The file takes effect; this is probably not what was meant.
    Warning,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place and what is to be seen there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there; may be empty.
    pub text: String,
}

/// One mistake, or one doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name of the kind of mistake, such as `unknown-key`.
    pub code: &'static str,
    /// What is wrong, in one clause.
    pub message: String,
    /// Where it is.
    pub primary: Label,
    /// Other places that have to do with it, such as a first definition.
    pub related: Vec<Label>,
    /// What helps to understand it.
    pub notes: Vec<String>,
    /// What to type instead.
    pub help: Vec<String>,
}

impl Diagnostic {
    pub(super) fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message.into())
    }

    pub(super) fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message.into())
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: String) -> Self {
        let primary = Label { span, text: String::new() };
        let (related, notes, help) = (Vec::new(), Vec::new(), Vec::new());
        Self { severity, code, message, primary, related, notes, help }
    }

    pub(super) fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    pub(super) fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { span, text: text.into() });
        self
    }

    pub(super) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

/// Where both phases note what they find.
#[derive(Debug)]
pub(super) struct Sink {
    list: Vec<Diagnostic>,
    secrets: Vec<Span>,
    exposed: Vec<Exposed>,
    /// Whether the tree was recovered from broken text; then absence proves nothing.
    syntax_is_broken: bool,
}

impl Sink {
    pub(super) fn new(syntax_is_broken: bool) -> Self {
        Self { list: Vec::new(), secrets: Vec::new(), exposed: Vec::new(), syntax_is_broken }
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Notes that something is not there, unless broken syntax may have swallowed it.
    pub(super) fn push_absence(&mut self, diagnostic: Diagnostic) {
        if !self.syntax_is_broken {
            self.push(diagnostic);
        }
    }

    /// Notes that a value must not be shown.
    pub(super) fn hide(&mut self, secret: Span) {
        self.secrets.push(secret);
    }

    /// Notes that others may change a file of which the policy is made.
    pub(super) fn expose(&mut self, exposed: Vec<Exposed>) {
        self.exposed.extend(exposed);
    }

    pub(super) fn take_exposed(&mut self) -> Vec<Exposed> {
        std::mem::take(&mut self.exposed)
    }

    /// The text without its secrets.
    pub(super) fn masked(&self, text: &str) -> String {
        secrets::masked(text, &self.secrets)
    }

    pub(super) fn has_errors(&self) -> bool {
        self.list.iter().any(|found| found.severity == Severity::Error)
    }

    pub(super) fn into_list(self) -> Vec<Diagnostic> {
        self.list
    }
}

/// Everything that was found in one file, in the order of its text.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    file_name: String,
    /// The text with its secrets blotted out, byte for byte as long as the original.
    source: String,
    list: Vec<Diagnostic>,
}

/// How many are kept: a file that is no configuration at all would have one in each line.
const KEPT_MAX: usize = 1_000;

impl Diagnostics {
    /// `source` is the masked text.
    pub(super) fn new(file_name: &str, source: String, mut list: Vec<Diagnostic>) -> Self {
        for diagnostic in &mut list {
            clamp(&source, &mut diagnostic.primary.span);
            for label in &mut diagnostic.related {
                clamp(&source, &mut label.span);
            }
        }
        list.sort_by_key(|found| {
            (found.primary.span.start, found.primary.span.end, found.severity)
        });
        list.dedup();
        // Errors must not be lost among warnings: they decide.
        if list.len() > KEPT_MAX {
            list.sort_by_key(|found| found.severity);
            list.truncate(KEPT_MAX);
            list.sort_by_key(|found| (found.primary.span.start, found.primary.span.end));
        }
        Self { file_name: file_name.to_owned(), source, list }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them keeps the file from taking effect.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.iter().any(|found| found.severity == Severity::Error)
    }

    /// Whether all that keeps the file from taking effect is that calendar files cannot be read.
    #[must_use]
    pub(super) fn are_unread(&self) -> bool {
        let mut errors = self.iter().filter(|found| found.severity == Severity::Error);
        self.has_errors() && errors.all(|found| found.code == UNREADABLE_ICS)
    }

    /// All of them, in the order of the text.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// The number of errors and of warnings, in words.
    #[must_use]
    pub fn summary(&self) -> String {
        let errors = self.iter().filter(|found| found.severity == Severity::Error).count();
        let counted = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            _ => format!("{count} {word}s"),
        };
        match (errors, self.len() - errors) {
            (errors, 0) => counted(errors, "error"),
            (0, warnings) => counted(warnings, "warning"),
            (errors, warnings) => {
                format!("{} and {}", counted(errors, "error"), counted(warnings, "warning"))
            }
        }
    }

    /// The text for people, each with its lines of the file.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        render::render(&self.file_name, &self.source, &self.list, colour)
    }

    /// The line and the column of a byte, both counted from 1; columns count characters.
    #[must_use]
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let before = self.source.get(..byte).unwrap_or(&self.source);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The same for programs: an array of objects.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.iter().map(|found| self.one_to_json(found)).collect()
    }

    fn one_to_json(&self, found: &Diagnostic) -> Value {
        let (line, column) = self.position(found.primary.span.start);
        let (end_line, end_column) = self.position(found.primary.span.end);
        json!({
            "code": found.code,
            "severity": found.severity.as_str(),
            "message": found.message,
            "file": self.file_name,
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
            "notes": found.notes,
            "help": found.help,
        })
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Moves a span to the boundaries of characters that exist.
fn clamp(text: &str, span: &mut Span) {
    let start = text.floor_char_boundary(span.start);
    *span = start..text.floor_char_boundary(span.end).max(start);
}

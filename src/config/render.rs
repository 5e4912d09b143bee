//! Diagnostics as text for people, in the manner of rustc.
//!
//! Sees only the masked source. Start at [`render`].

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Severity};

/// How many are shown: a file that is no configuration at all would fill the screen for minutes.
const SHOWN_MAX: usize = 100;

/// All diagnostics, a blank line between them, ending in a newline; empty where there are none.
pub(super) fn render(file: &str, source: &str, list: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for (index, diagnostic) in list.iter().take(SHOWN_MAX).enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text.push_str(&renderer.render(&[group(file, source, diagnostic)]));
        text.push('\n');
    }
    if let Some(more) = list.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
        text.push_str(&format!("\n... and {more} more\n"));
    }
    text
}

fn group<'a>(file: &'a str, source: &'a str, diagnostic: &'a Diagnostic) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let primary = &diagnostic.primary;
    let snippet = Snippet::source(source)
        .path(file)
        .annotation(annotation(AnnotationKind::Primary, primary.span.clone(), &primary.text))
        .annotations(
            diagnostic
                .related
                .iter()
                .map(|label| annotation(AnnotationKind::Context, label.span.clone(), &label.text)),
        );
    level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code)
        .element(snippet)
        .elements(diagnostic.notes.iter().map(|note| Level::NOTE.message(note.as_str())))
        .elements(diagnostic.help.iter().map(|help| Level::HELP.message(help.as_str())))
}

fn annotation(kind: AnnotationKind, span: std::ops::Range<usize>, text: &str) -> Annotation<'_> {
    let annotation = kind.span(span);
    if text.is_empty() { annotation } else { annotation.label(text) }
}

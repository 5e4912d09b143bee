//! One line of a chain of questions, and what became of it.

use super::Reason;
use super::case::Case;

/// One question of the chain, as it was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The number of the line, as the documentation counts them.
    pub line: u8,
    /// What it asks.
    pub question: &'static str,
    /// What it looked at, in words.
    pub looked_at: String,
    /// Its answer, if it had one.
    pub answer: Option<Reason>,
    /// Whether it is the one that decided.
    pub decides: bool,
}

/// One line of the chain.
pub(super) struct Line {
    pub(super) number: u8,
    pub(super) question: &'static str,
    pub(super) ask: fn(&Case<'_>) -> Option<Reason>,
    pub(super) look: fn(&Case<'_>) -> String,
}

pub(super) fn look_at_mode(case: &Case<'_>) -> String {
    format!("mode {}", case.settings.mode)
}

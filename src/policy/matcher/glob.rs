//! Patterns.

use std::fmt;

use wildmatch::WildMatch;

/// A pattern in which `*` stands for any text and `?` for one character.
#[derive(Debug, Clone, PartialEq)]
pub struct Glob(WildMatch);

impl Glob {
    /// Reads a pattern; every text is one.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(WildMatch::new(pattern))
    }

    /// Whether the whole of `text` agrees.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }

    /// Whether this provably agrees with every text that `other` agrees with: it is the same
    /// pattern, or `*`, or `other` is a plain text that it agrees with.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let (own, other) = (self.to_string(), other.to_string());
        let is_plain = !other.contains(['*', '?']);
        own == other
            || (!own.is_empty() && own.chars().all(|c| c == '*'))
            || (is_plain && self.matches(&other))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

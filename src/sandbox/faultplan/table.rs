//! Tables and values of a fault plan, each with its place, and the mistakes that are found in them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use toml::de::{DeTable, DeValue};

use super::FaultPlanMistake;

/// How near a misspelt word must be for a guess at what was meant.
const GUESS_SIMILARITY: f64 = 0.75;

/// The mistakes of one text.
pub(super) struct Sink {
    newlines: Vec<usize>,
    mistakes: Vec<FaultPlanMistake>,
}

impl Sink {
    pub(super) fn new(text: &str) -> Self {
        let newlines = text.match_indices('\n').map(|(offset, _)| offset).collect();
        Self { newlines, mistakes: Vec::new() }
    }

    pub(super) fn tell(&mut self, offset: usize, message: String) {
        let line = self.newlines.partition_point(|newline| *newline < offset) + 1;
        self.mistakes.push(FaultPlanMistake { line, message });
    }

    /// The mistakes in the order of the lines, each once.
    pub(super) fn into_mistakes(mut self) -> Vec<FaultPlanMistake> {
        self.mistakes.sort();
        self.mistakes.dedup();
        self.mistakes
    }
}

/// A table.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    offset: usize,
    entries: &'a DeTable<'a>,
}

impl<'a> Table<'a> {
    pub(super) fn root(entries: &'a DeTable<'a>) -> Self {
        Self { offset: 0, entries }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn get(&self, key: &str) -> Option<Found<'a>> {
        let (_, value) = self.entries.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(Found { offset: value.span().start, value: value.get_ref() })
    }

    /// The keys, each with its place.
    pub(super) fn keys(&self) -> impl Iterator<Item = (usize, &'a str)> {
        self.entries.keys().map(|key| (key.span().start, key.get_ref().as_ref()))
    }

    pub(super) fn tell(&self, sink: &mut Sink, message: String) {
        sink.tell(self.offset, message);
    }

    /// Tells of every key that is not one of these.
    pub(super) fn keys_are(&self, valid: &[&str], place: &str, sink: &mut Sink) {
        for (offset, key) in self.keys().filter(|(_, key)| !valid.contains(key)) {
            let guess = guess(key, valid.iter().copied());
            let valid = names(valid.iter().copied());
            sink.tell(offset, format!("unknown key {key:?} {place}{guess}: valid are {valid}"));
        }
    }
}

/// A value.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    offset: usize,
    value: &'a DeValue<'a>,
}

impl<'a> Found<'a> {
    pub(super) fn tell(&self, sink: &mut Sink, message: String) {
        sink.tell(self.offset, message);
    }

    pub(super) fn tell_unknown<'n>(
        &self,
        sink: &mut Sink,
        what: &str,
        found: &str,
        valid: impl Iterator<Item = &'n str> + Clone,
    ) {
        let guess = guess(found, valid.clone());
        self.tell(sink, format!("unknown {what} {found:?}{guess}: valid are {}", names(valid)));
    }

    fn tell_type(&self, sink: &mut Sink, wanted: &str) {
        let found = self.value.type_str();
        self.tell(sink, format!("this is of type {found}: it must be {wanted}"));
    }

    /// Text that is not empty.
    pub(super) fn text(&self, sink: &mut Sink) -> Option<String> {
        match self.value {
            DeValue::String(text) if text.is_empty() => {
                self.tell(sink, "the text is empty: leave the key out".to_owned());
                None
            }
            DeValue::String(text) => Some(text.to_string()),
            _ => {
                self.tell_type(sink, "a text in quotes");
                None
            }
        }
    }

    /// The entries of a list, or the value itself as the only one.
    pub(super) fn entries(&self) -> Vec<Found<'a>> {
        match self.value {
            DeValue::Array(array) => array
                .iter()
                .map(|entry| Found { offset: entry.span().start, value: entry.get_ref() })
                .collect(),
            _ => vec![*self],
        }
    }

    /// A text, or a list of texts that is not empty.
    pub(super) fn texts(&self, sink: &mut Sink) -> Option<BTreeSet<String>> {
        let entries = self.entries();
        if entries.is_empty() {
            self.tell(sink, "the list is empty: name at least one".to_owned());
            return None;
        }
        let texts: Vec<Option<String>> = entries.iter().map(|entry| entry.text(sink)).collect();
        texts.into_iter().collect()
    }

    pub(super) fn table(&self, sink: &mut Sink) -> Option<Table<'a>> {
        match self.value {
            DeValue::Table(entries) => Some(Table { offset: self.offset, entries }),
            _ => {
                self.tell_type(sink, "a table like { studio = \"…\" }");
                None
            }
        }
    }

    /// The tables of a list.
    pub(super) fn tables(&self, heading: &str, sink: &mut Sink) -> Vec<Table<'a>> {
        let DeValue::Array(_) = self.value else {
            self.tell(sink, format!("this must be a list of tables: write {heading}"));
            return Vec::new();
        };
        self.entries().iter().filter_map(|entry| entry.table(sink)).collect()
    }

    /// A whole number.
    pub(super) fn whole(&self, least: u64, most: u64, sink: &mut Sink) -> Option<u64> {
        let DeValue::Integer(integer) = self.value else {
            self.tell_type(sink, "a whole number");
            return None;
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.tell(sink, format!("{integer} is out of bounds: valid are {least} to {most}"));
        }
        number
    }

    /// A number above 0 and up to 1.
    pub(super) fn probability(&self, sink: &mut Sink) -> Option<f64> {
        let text = match self.value {
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(integer) => integer.as_str(),
            _ => {
                self.tell_type(sink, "a number like 0.1");
                return None;
            }
        };
        let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 1.0);
        if number.is_none() {
            self.tell(sink, format!("{text} is no probability: it is above 0 and at most 1"));
        }
        number
    }

    /// A length of time; a negative one only where `is_signed`. A day has 24 hours here.
    pub(super) fn length(&self, is_signed: bool, sink: &mut Sink) -> Option<SignedDuration> {
        let text = self.text(sink)?;
        let span = text.parse::<Span>().ok();
        let length =
            span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let length =
            length.filter(|length| !length.is_zero() && (is_signed || length.is_positive()));
        if length.is_none() {
            let valid =
                if is_signed { "\"90s\", \"2h\" or \"-10m\"" } else { "\"250ms\" or \"90s\"" };
            self.tell(sink, format!("{text:?} is not a length of time: write it like {valid}"));
        }
        length
    }
}

/// Words with commas between them.
pub(super) fn names<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

pub(super) fn guess<'a>(found: &str, valid: impl Iterator<Item = &'a str>) -> String {
    let near = valid.map(|word| (strsim::jaro_winkler(found, word), word));
    let near = near.filter(|(similarity, _)| *similarity >= GUESS_SIMILARITY);
    let nearest = near.max_by(|one, other| one.0.total_cmp(&other.0));
    nearest.map_or_else(String::new, |(_, word)| format!(" (did you mean {word:?}?)"))
}

//! The rule of each of many sessions.
//!
//! Sessions share a few owners, profiles and types, so what each value means for all the rules is
//! worked out once and kept as sets of rules; the rule of a session then follows from a handful of
//! sets. The answer is that of asking every rule in turn, and a test compares the two.

use std::collections::{BTreeSet, HashMap};

use super::{Candidate, Criteria, Field, Judgement, Matcher, agree};
use crate::policy::Rule;

/// Which rules a value rules out.
#[derive(Debug, Clone)]
struct Verdicts {
    /// Those that want another value.
    against: Set,
    /// Those that want a value and cannot tell, as the session does not say it.
    unclear: Set,
}

impl Verdicts {
    fn none(rules: usize) -> Self {
        Self { against: Set::none(rules), unclear: Set::none(rules) }
    }
}

/// What tells values of one member apart: an id and a name, the value of a tag.
type Key<'a> = [Option<&'a str>; 2];

/// Rules of which nobody can tell whether they match, each with what the session does not say.
pub type Unclear<'a> = Vec<(&'a Rule, &'static str)>;

/// Finds the rules of sessions, and remembers.
#[derive(Debug)]
pub struct RuleLookup<'a> {
    rules: &'a [Rule],
    /// The members that any rule asks about.
    fields: Vec<(Field, HashMap<Key<'a>, Verdicts>)>,
    /// The tags that any rule asks about.
    tags: Vec<(&'a str, HashMap<Key<'a>, Verdicts>)>,
    persistence: HashMap<Option<bool>, Verdicts>,
    asks_persistence: bool,
    /// What is found about the session at hand.
    at_hand: Verdicts,
}

impl<'a> RuleLookup<'a> {
    /// A lookup in these rules, of which the first that matches counts.
    #[must_use]
    pub fn new(rules: &'a [Rule]) -> Self {
        let asked = |field: &Field| criteria(rules).any(|(_, c)| !field.wanted(c).is_empty());
        let fields = Field::ALL.into_iter().filter(asked).map(|field| (field, HashMap::new()));
        let keys: BTreeSet<&str> =
            criteria(rules).flat_map(|(_, c)| c.tag.keys()).map(String::as_str).collect();
        Self {
            rules,
            fields: fields.collect(),
            tags: keys.into_iter().map(|key| (key, HashMap::new())).collect(),
            persistence: HashMap::new(),
            asks_persistence: criteria(rules).any(|(_, c)| c.persistence.is_some()),
            at_hand: Verdicts::none(rules.len()),
        }
    }

    /// The first rule that matches, and those before it of which nobody can tell whether they do, with
    /// what the session does not say.
    pub fn find(&mut self, candidate: &Candidate<'a>) -> (Option<&'a Rule>, Unclear<'a>) {
        let Verdicts { against, unclear } = &mut self.at_hand;
        against.clear();
        unclear.clear();
        let rules = self.rules;
        let mut add = |verdicts: &Verdicts| {
            against.add(&verdicts.against);
            unclear.add(&verdicts.unclear);
        };
        for (field, known) in &mut self.fields {
            let found = field.of(candidate);
            if *field == Field::Session {
                // No two sessions have the same id; nothing is to be remembered.
                add(&by_field(rules, *field, found));
            } else {
                add(known.entry(found).or_insert_with(|| by_field(rules, *field, found)));
            }
        }
        for (key, known) in &mut self.tags {
            let value = candidate.tags.get(*key).map(String::as_str);
            add(known.entry([value, value]).or_insert_with(|| by_tag(rules, key, value)));
        }
        if self.asks_persistence {
            let found = candidate.persistence;
            add(self.persistence.entry(found).or_insert_with(|| by_persistence(rules, found)));
        }
        first(rules, candidate, against, unclear)
    }
}

/// The first match among the rules that nothing speaks against.
fn first<'a>(
    rules: &'a [Rule],
    candidate: &Candidate<'a>,
    against: &Set,
    unclear: &Set,
) -> (Option<&'a Rule>, Unclear<'a>) {
    let mut unclear_before = Vec::new();
    for (index, rule) in rules.iter().enumerate().filter(|(index, _)| !against.has(*index)) {
        let is_plain = match &rule.matcher {
            Matcher::All => true,
            Matcher::Where(criteria) => criteria.not.is_empty(),
        };
        if is_plain && !unclear.has(index) {
            return (Some(rule), unclear_before);
        }
        match rule.matcher.judge(candidate) {
            Judgement::Match => return (Some(rule), unclear_before),
            Judgement::Unclear(what) => unclear_before.push((rule, what)),
            Judgement::Mismatch => {}
        }
    }
    (None, unclear_before)
}

fn criteria(rules: &[Rule]) -> impl Iterator<Item = (usize, &Criteria)> {
    rules.iter().enumerate().filter_map(|(index, rule)| match &rule.matcher {
        Matcher::All => None,
        Matcher::Where(criteria) => Some((index, criteria)),
    })
}

/// The verdicts on a value: for each rule whether it agrees, and whether the value is known.
fn verdicts(rules: &[Rule], is_known: bool, agrees: impl Fn(&Criteria) -> bool) -> Verdicts {
    let mut verdicts = Verdicts::none(rules.len());
    for (index, _) in criteria(rules).filter(|(_, criteria)| !agrees(criteria)) {
        let set = if is_known { &mut verdicts.against } else { &mut verdicts.unclear };
        set.insert(index);
    }
    verdicts
}

fn by_field(rules: &[Rule], field: Field, found: Key<'_>) -> Verdicts {
    verdicts(rules, !found.contains(&None), |criteria| {
        let wanted = field.wanted(criteria);
        wanted.is_empty() || found.iter().flatten().any(|text| agree(wanted, text))
    })
}

fn by_tag(rules: &[Rule], key: &str, value: Option<&str>) -> Verdicts {
    // A tag that is absent is known to be absent.
    verdicts(rules, true, |criteria| {
        let wanted = criteria.tag.get(key);
        wanted.is_none_or(|wanted| value.is_some_and(|value| agree(wanted, value)))
    })
}

fn by_persistence(rules: &[Rule], found: Option<bool>) -> Verdicts {
    verdicts(rules, found.is_some(), |criteria| {
        criteria.persistence.is_none_or(|wanted| found == Some(wanted))
    })
}

/// A set of rules, by their places.
#[derive(Debug, Clone)]
struct Set(Box<[u64]>);

impl Set {
    fn none(rules: usize) -> Self {
        Self(vec![0; rules.div_ceil(64)].into())
    }

    fn insert(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    fn has(&self, index: usize) -> bool {
        self.0[index / 64] & 1 << (index % 64) != 0
    }

    fn clear(&mut self) {
        self.0.fill(0);
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own |= other);
    }
}

//! Which sessions a rule is about.

use std::collections::BTreeMap;
use std::fmt;

use wildmatch::WildMatch;

/// The sessions of a studio that a rule matches: every member that is given must agree.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    /// Every session; the file has to say so on purpose.
    All,
    /// Those that agree with each list that is not empty; of a list, one entry suffices.
    Where(Criteria),
}

/// What is asked of a session. An empty list asks nothing; not all of them are empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Criteria {
    /// Owner ids.
    pub owner: Vec<Glob>,
    /// Launch profile ids or names.
    pub launch_profile: Vec<Glob>,
    /// Instance types.
    pub instance_type: Vec<Glob>,
    /// Tags that must be there, each with a value that agrees.
    pub tag: BTreeMap<String, Vec<Glob>>,
}

/// Whether a session is meant by a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is.
    Match,
    /// It is not.
    Mismatch,
    /// Everything agrees but this, of which the session says nothing; so nobody can tell.
    Unclear(&'static str),
}

/// What a matcher may look at.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The owner's id.
    pub owner: Option<&'a str>,
    /// The launch profile's id.
    pub launch_profile: Option<&'a str>,
    /// The launch profile's name.
    pub launch_profile_name: Option<&'a str>,
    /// The instance type.
    pub instance_type: Option<&'a str>,
    /// The tags.
    pub tags: &'a BTreeMap<String, String>,
}

impl Matcher {
    /// Whether a session is meant.
    #[must_use]
    pub fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        match self {
            Self::All => Judgement::Match,
            Self::Where(criteria) => criteria.judge(candidate),
        }
    }

    /// Whether this provably matches every session that `other` matches.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Where(_), Self::All) => false,
            (Self::Where(wide), Self::Where(narrow)) => wide.covers(narrow),
        }
    }

    /// The first thing asked that a session does not meet, for people.
    #[must_use]
    pub fn mismatch(&self, candidate: &Candidate<'_>) -> Option<String> {
        match self {
            Self::All => None,
            Self::Where(criteria) => {
                criteria.mismatch(candidate).map(|mismatch| mismatch.to_string())
            }
        }
    }
}

/// One criterion: its name, the patterns, and what a session has for it: an id and a name, or the same
/// twice.
type Asked<'a> = (&'static str, &'a [Glob], [Option<&'a str>; 2]);

/// The first criterion that a session does not meet.
struct Mismatch<'a> {
    what: &'a str,
    wanted: &'a [Glob],
    found: Option<&'a str>,
    /// What the session does not say, where that is why.
    unknown: Option<&'static str>,
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is ", self.what)?;
        match self.found {
            Some(found) => write!(f, "{found:?}")?,
            None => f.write_str("absent")?,
        }
        f.write_str(", not ")?;
        for (index, glob) in self.wanted.iter().enumerate() {
            let separator = if index == 0 { "" } else { " or " };
            write!(f, "{separator}\"{glob}\"")?;
        }
        Ok(())
    }
}

impl Criteria {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.owner.is_empty()
            && self.launch_profile.is_empty()
            && self.instance_type.is_empty()
            && self.tag.is_empty()
    }

    /// Whether whatever meets `narrow` meets these as well.
    fn covers(&self, narrow: &Self) -> bool {
        let lists: [(&[Glob], &[Glob]); 3] = [
            (&self.owner, &narrow.owner),
            (&self.launch_profile, &narrow.launch_profile),
            (&self.instance_type, &narrow.instance_type),
        ];
        lists.iter().all(|(wide, narrow)| wide.is_empty() || cover(wide, narrow))
            && self
                .tag
                .iter()
                .all(|(key, wide)| narrow.tag.get(key).is_some_and(|narrow| cover(wide, narrow)))
    }

    /// A mismatch that is certain decides; only where there is none does something unknown count.
    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let mut judgement = Judgement::Match;
        for mismatch in self.mismatches(candidate) {
            match mismatch.unknown {
                None => return Judgement::Mismatch,
                Some(what) => judgement = Judgement::Unclear(what),
            }
        }
        judgement
    }

    fn mismatch<'a>(&'a self, candidate: &Candidate<'a>) -> Option<Mismatch<'a>> {
        let certain = self.mismatches(candidate).find(|mismatch| mismatch.unknown.is_none());
        certain.or_else(|| self.mismatches(candidate).next())
    }

    fn mismatches<'a>(&'a self, candidate: &Candidate<'a>) -> impl Iterator<Item = Mismatch<'a>> {
        let &Candidate { owner, launch_profile, launch_profile_name, instance_type, tags } =
            candidate;
        let lists: [Asked<'a>; 3] = [
            ("owner", &self.owner, [owner, owner]),
            ("launch profile", &self.launch_profile, [launch_profile, launch_profile_name]),
            ("instance type", &self.instance_type, [instance_type, instance_type]),
        ];
        let lists = lists.into_iter().filter_map(|(what, wanted, found)| {
            let agrees = wanted.is_empty() || found.iter().flatten().any(|text| any(wanted, text));
            let unknown = found.contains(&None).then_some(what);
            let found = found.into_iter().flatten().last();
            (!agrees).then_some(Mismatch { what, wanted, found, unknown })
        });
        // A tag that is absent is known to be absent.
        let tags = self.tag.iter().filter_map(|(key, wanted)| {
            let found = tags.get(key).map(String::as_str);
            let agrees = found.is_some_and(|value| any(wanted, value));
            (!agrees).then_some(Mismatch { what: key, wanted, found, unknown: None })
        });
        lists.chain(tags)
    }
}

fn any(globs: &[Glob], text: &str) -> bool {
    globs.iter().any(|glob| glob.matches(text))
}

/// Whether each of some narrow patterns is covered by a wide one; of none, nothing is.
fn cover(wide: &[Glob], narrow: &[Glob]) -> bool {
    let covered = |narrow: &Glob| wide.iter().any(|wide| wide.covers(narrow));
    !narrow.is_empty() && narrow.iter().all(covered)
}

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

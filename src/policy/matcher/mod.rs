//! Which sessions a rule is about.
//!
//! Start at [`Matcher`]; `lookup` finds the rule of each of many sessions quickly.

mod glob;
mod lookup;

use std::collections::BTreeMap;
use std::fmt;

pub use glob::Glob;
pub use lookup::{RuleLookup, Unclear};

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
    /// What owners are in the studio.
    pub studio_role: Vec<Glob>,
    /// Launch profile ids or names.
    pub launch_profile: Vec<Glob>,
    /// Instance types.
    pub instance_type: Vec<Glob>,
    /// Session ids.
    pub session: Vec<Glob>,
    /// Streaming image ids.
    pub streaming_image: Vec<Glob>,
    /// Whether its volumes outlive a stop.
    pub persistence: Option<bool>,
    /// Tags that must be there, each with a value that agrees.
    pub tag: BTreeMap<String, Vec<Glob>>,
    /// Whoever any of these means is not meant.
    pub not: Vec<Criteria>,
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
    /// The session's own id.
    pub session: &'a str,
    /// The owner's id.
    pub owner: Option<&'a str>,
    /// What the owner is in the studio.
    pub studio_role: Option<&'a str>,
    /// The launch profile's id.
    pub launch_profile: Option<&'a str>,
    /// The launch profile's name.
    pub launch_profile_name: Option<&'a str>,
    /// The instance type.
    pub instance_type: Option<&'a str>,
    /// The streaming image's id.
    pub streaming_image: Option<&'a str>,
    /// Whether its volumes outlive a stop.
    pub persistence: Option<bool>,
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

    /// Whether it goes by what an owner is in the studio.
    #[must_use]
    pub fn asks_roles(&self) -> bool {
        match self {
            Self::All => false,
            Self::Where(criteria) => criteria.asks_roles(),
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

    /// Whether this provably matches no session: its `not` takes away all that the rest means.
    #[must_use]
    pub fn is_void(&self) -> bool {
        match self {
            Self::All => false,
            Self::Where(criteria) => {
                let rest = Criteria { not: Vec::new(), ..criteria.clone() };
                criteria.not.iter().any(|not| not.covers(&rest))
            }
        }
    }

    /// The first thing asked that a session does not meet, for people.
    #[must_use]
    pub fn mismatch(&self, candidate: &Candidate<'_>) -> Option<String> {
        match self {
            Self::All => None,
            Self::Where(criteria) => {
                let mismatch = criteria.mismatch(candidate).map(|mismatch| mismatch.to_string());
                mismatch.or_else(|| criteria.excluded(candidate))
            }
        }
    }
}

/// One of the members that hold patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Owner,
    StudioRole,
    LaunchProfile,
    InstanceType,
    Session,
    StreamingImage,
}

impl Field {
    const ALL: [Self; 6] = [
        Self::Owner,
        Self::StudioRole,
        Self::LaunchProfile,
        Self::InstanceType,
        Self::Session,
        Self::StreamingImage,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::StudioRole => "owner's studio role",
            Self::LaunchProfile => "launch profile",
            Self::InstanceType => "instance type",
            Self::Session => "session",
            Self::StreamingImage => "streaming image",
        }
    }

    /// What a session has for it: an id and a name, or the same twice.
    fn of<'a>(self, candidate: &Candidate<'a>) -> [Option<&'a str>; 2] {
        let one = match self {
            Self::LaunchProfile => {
                return [candidate.launch_profile, candidate.launch_profile_name];
            }
            Self::Owner => candidate.owner,
            Self::StudioRole => candidate.studio_role,
            Self::InstanceType => candidate.instance_type,
            Self::Session => Some(candidate.session),
            Self::StreamingImage => candidate.streaming_image,
        };
        [one, one]
    }

    fn wanted(self, criteria: &Criteria) -> &[Glob] {
        match self {
            Self::Owner => &criteria.owner,
            Self::StudioRole => &criteria.studio_role,
            Self::LaunchProfile => &criteria.launch_profile,
            Self::InstanceType => &criteria.instance_type,
            Self::Session => &criteria.session,
            Self::StreamingImage => &criteria.streaming_image,
        }
    }
}

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
        if self.wanted.is_empty() { f.write_str("as asked") } else { Ok(()) }
    }
}

impl Criteria {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        Field::ALL.iter().all(|field| field.wanted(self).is_empty())
            && self.persistence.is_none()
            && self.tag.is_empty()
            && self.not.is_empty()
    }

    fn asks_roles(&self) -> bool {
        !self.studio_role.is_empty() || self.not.iter().any(Self::asks_roles)
    }

    /// Whether whatever meets `narrow` meets these as well.
    fn covers(&self, narrow: &Self) -> bool {
        let lists = Field::ALL.iter().all(|field| {
            let (wide, narrow) = (field.wanted(self), field.wanted(narrow));
            wide.is_empty() || cover(wide, narrow)
        });
        lists
            && self.persistence.is_none_or(|wide| narrow.persistence == Some(wide))
            && self
                .tag
                .iter()
                .all(|(key, wide)| narrow.tag.get(key).is_some_and(|narrow| cover(wide, narrow)))
            // What this leaves out, the narrow one has to leave out as well.
            && self.not.iter().all(|own| narrow.not.iter().any(|other| other.covers(own)))
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
        for not in &self.not {
            match not.judge(candidate) {
                Judgement::Match => return Judgement::Mismatch,
                Judgement::Unclear(what) => judgement = Judgement::Unclear(what),
                Judgement::Mismatch => {}
            }
        }
        judgement
    }

    fn mismatch<'a>(&'a self, candidate: &Candidate<'a>) -> Option<Mismatch<'a>> {
        let certain = self.mismatches(candidate).find(|mismatch| mismatch.unknown.is_none());
        certain.or_else(|| self.mismatches(candidate).next())
    }

    fn mismatches<'a>(&'a self, candidate: &Candidate<'a>) -> impl Iterator<Item = Mismatch<'a>> {
        let candidate = *candidate;
        let lists = Field::ALL.into_iter().filter_map(move |field| {
            let (wanted, found) = (field.wanted(self), field.of(&candidate));
            let agrees =
                wanted.is_empty() || found.iter().flatten().any(|text| agree(wanted, text));
            let unknown = found.contains(&None).then_some(field.name());
            let found = found.into_iter().flatten().last();
            (!agrees).then_some(Mismatch { what: field.name(), wanted, found, unknown })
        });
        // A tag that is absent is known to be absent.
        let tags = self.tag.iter().filter_map(move |(key, wanted)| {
            let found = candidate.tags.get(key).map(String::as_str);
            let agrees = found.is_some_and(|value| agree(wanted, value));
            (!agrees).then_some(Mismatch { what: key, wanted, found, unknown: None })
        });
        lists.chain(tags).chain(self.persistence_mismatch(candidate.persistence))
    }

    fn persistence_mismatch(&self, found: Option<bool>) -> Option<Mismatch<'_>> {
        let what = "persistence";
        self.persistence.filter(|wanted| found != Some(*wanted)).map(|_| Mismatch {
            what,
            wanted: &[],
            found: found.map(|found| if found { "true" } else { "false" }),
            unknown: found.is_none().then_some(what),
        })
    }

    /// Why a session that meets all else is not meant, for people.
    fn excluded(&self, candidate: &Candidate<'_>) -> Option<String> {
        self.not.iter().find_map(|not| match not.judge(candidate) {
            Judgement::Match => Some("it is what `not` leaves out".to_owned()),
            Judgement::Unclear(what) => {
                Some(format!("it may be what `not` leaves out: its {what} is not known"))
            }
            Judgement::Mismatch => None,
        })
    }
}

fn agree(globs: &[Glob], text: &str) -> bool {
    globs.iter().any(|glob| glob.matches(text))
}

/// Whether each of some narrow patterns is covered by a wide one; of none, nothing is.
fn cover(wide: &[Glob], narrow: &[Glob]) -> bool {
    let covered = |narrow: &Glob| wide.iter().any(|wide| wide.covers(narrow));
    !narrow.is_empty() && narrow.iter().all(covered)
}

#[cfg(test)]
mod tests;

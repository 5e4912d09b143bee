//! Which requests a fault strikes: those that match, from the nth on, so many times, or by chance.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use wildmatch::WildMatch;

use super::Fault;
use crate::sandbox::world::Operation;

/// What rules tell requests apart by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) operation: Operation,
    pub(crate) studio: Option<&'a str>,
    pub(crate) session: Option<&'a str>,
    pub(crate) launch_profile: Option<&'a str>,
    pub(crate) client_token: Option<&'a str>,
    /// As the request names it, signed or not.
    pub(crate) access_key: Option<&'a str>,
    /// The SDK's count of its attempts at one call, from 1.
    pub(crate) attempt: Option<u64>,
    pub(crate) has_page_token: bool,
}

impl Facts<'_> {
    #[cfg(test)]
    pub(crate) fn of(operation: Operation) -> Self {
        Self {
            operation,
            studio: None,
            session: None,
            launch_profile: None,
            client_token: None,
            access_key: None,
            attempt: None,
            has_page_token: false,
        }
    }

    fn text(&self, matching: Matching) -> Option<&str> {
        match matching {
            Matching::Studio => self.studio,
            Matching::Session => self.session,
            Matching::LaunchProfile => self.launch_profile,
            Matching::ClientToken => self.client_token,
            Matching::AccessKey => self.access_key,
        }
    }
}

/// What a request has that a pattern may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Matching {
    Studio,
    Session,
    LaunchProfile,
    ClientToken,
    AccessKey,
}

impl Matching {
    pub(crate) const ALL: &'static [Self] =
        &[Self::Studio, Self::Session, Self::LaunchProfile, Self::ClientToken, Self::AccessKey];

    /// The key in a fault plan.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Studio => "studio",
            Self::Session => "session",
            Self::LaunchProfile => "launch_profile",
            Self::ClientToken => "client_token",
            Self::AccessKey => "access_key",
        }
    }
}

/// When a fault strikes: by default, at each request.
#[derive(Clone, Debug)]
pub struct FaultRule {
    fault: Fault,
    name: Option<String>,
    operations: Option<BTreeSet<Operation>>,
    /// Patterns with `*` and `?`, each beside its text.
    patterns: Vec<(Matching, String, WildMatch)>,
    attempt: Option<u64>,
    skip: u64,
    times: Option<u64>,
    chance: Option<Chance>,
    bucket: Option<Bucket>,
    seen: u64,
    struck: u64,
}

impl FaultRule {
    /// A fault at each request.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            name: None,
            operations: None,
            patterns: Vec::new(),
            attempt: None,
            skip: 0,
            times: None,
            chance: None,
            bucket: None,
            seen: 0,
            struck: 0,
        }
    }

    /// Gives the rule a name for the log of requests.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// Only at requests for this studio; a pattern with `*` and `?`, as for all that follow.
    #[must_use]
    pub fn studio(self, studio: &str) -> Self {
        self.matching(Matching::Studio, studio)
    }

    /// Only at requests whose path names this session.
    #[must_use]
    pub fn session(self, session: &str) -> Self {
        self.matching(Matching::Session, session)
    }

    /// Only at requests whose path names this launch profile.
    #[must_use]
    pub fn launch_profile(self, profile: &str) -> Self {
        self.matching(Matching::LaunchProfile, profile)
    }

    /// Only at requests with this client token.
    #[must_use]
    pub fn client_token(self, token: &str) -> Self {
        self.matching(Matching::ClientToken, token)
    }

    /// Only at requests that name this access key.
    #[must_use]
    pub fn access_key(self, key: &str) -> Self {
        self.matching(Matching::AccessKey, key)
    }

    pub(crate) fn matching(mut self, matching: Matching, pattern: &str) -> Self {
        self.patterns.push((matching, pattern.to_owned(), WildMatch::new(pattern)));
        self
    }

    /// Only at this attempt of the SDK at a call, counted from 1.
    #[must_use]
    pub fn attempt(self, attempt: u64) -> Self {
        Self { attempt: Some(attempt), ..self }
    }

    /// Only at requests for this operation, or for one that was named so before.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operations.get_or_insert_default().insert(operation);
        self
    }

    /// Lets so many requests that it would concern pass first.
    #[must_use]
    pub fn after(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// Strikes so many times, and then no more.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Strikes with this probability, of 0 to 1: the same requests for the same seed.
    #[must_use]
    pub fn by_chance(self, probability: f64, seed: u64) -> Self {
        Self { chance: Some(Chance { probability, seed }), ..self }
    }

    /// What it does.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The operations that it is bound to; nothing where it is bound to none.
    #[must_use]
    pub fn operations(&self) -> Option<&BTreeSet<Operation>> {
        self.operations.as_ref()
    }

    /// What it asks of a request, as a fault plan has it: key and pattern.
    pub fn patterns(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.patterns.iter().map(|(matching, text, _)| (matching.key(), text.as_str()))
    }

    /// How many requests it concerned, and how many of them it struck.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.seen, self.struck)
    }

    /// How many more it may strike; nothing where that is not bounded.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.times.map(|times| times.saturating_sub(self.struck))
    }

    /// The code of its fault, and its name where it has one.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.name {
            None => self.fault.code().to_owned(),
            Some(name) => format!("{} ({name})", self.fault.code()),
        }
    }

    pub(super) fn concerns(&self, facts: &Facts<'_>) -> bool {
        let is_of_fault = match &self.fault {
            Fault::ExpiredPageToken => facts.has_page_token,
            Fault::VanishingSession { sessions } => {
                facts.session.is_none_or(|session| sessions.contains(session))
            }
            _ => true,
        };
        is_of_fault
            && self.fault.concerns(facts.operation)
            && self.operations.as_ref().is_none_or(|wanted| wanted.contains(&facts.operation))
            && self.attempt.is_none_or(|wanted| facts.attempt == Some(wanted))
            && self.patterns.iter().all(|(matching, _, pattern)| {
                facts.text(*matching).is_some_and(|text| pattern.matches(text))
            })
    }

    /// Counts a request that the rule concerns; says whether it is struck.
    pub(super) fn strike(&mut self, now: Timestamp) -> bool {
        self.seen += 1;
        let is_struck = self.seen > self.skip
            && self.times.is_none_or(|times| self.struck < times)
            && self.chance.is_none_or(|chance| chance.strikes(self.seen))
            && self.is_over_limit(now);
        self.struck += u64::from(is_struck);
        is_struck
    }

    /// Whether a request goes beyond the rate that is allowed. Any other fault allows none.
    fn is_over_limit(&mut self, now: Timestamp) -> bool {
        match self.fault {
            Fault::RateLimit { per_second, burst } => {
                let full = Bucket { left: f64::from(burst), at: now };
                !self.bucket.get_or_insert(full).take(per_second, burst, now)
            }
            _ => true,
        }
    }
}

/// Chance that is the same at each run.
#[derive(Clone, Copy, Debug)]
struct Chance {
    probability: f64,
    seed: u64,
}

impl Chance {
    fn strikes(self, request: u64) -> bool {
        let digest = Sha256::digest(format!("{} {request}", self.seed));
        let number = digest.iter().take(6).fold(0, |number, byte| number * 256 + u64::from(*byte));
        // 48 bits are a number that a float holds exactly.
        (number as f64) < self.probability * (1_u64 << 48) as f64
    }
}

/// Requests that may still be made; it fills with time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Bucket {
    fn take(&mut self, per_second: u32, burst: u32, now: Timestamp) -> bool {
        let passed = now.duration_since(self.at).max(SignedDuration::ZERO).as_secs_f64();
        self.left = (self.left + passed * f64::from(per_second)).min(f64::from(burst));
        self.at = now;
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }
}

//! One studio's policy: where it is, and which settings apply to whom.

use core::net::IpAddr;
use std::collections::BTreeSet;
use std::fmt;

use super::{Matcher, Mode, Settings};
use crate::ids::{AccountId, Region, RuleName, StudioId};

/// What applies to the sessions of one studio.
#[derive(Debug, Clone)]
pub struct StudioPolicy {
    /// The studio.
    pub id: StudioId,
    /// What people call it.
    pub name: Option<String>,
    /// How it is reached.
    pub connection: Connection,
    /// What applies where no rule matches.
    pub settings: Settings,
    /// In the order of the file; the first that matches wins.
    pub rules: Vec<Rule>,
    /// How much may be stopped, or started, at a time.
    pub brake: Brake,
    /// Whether a rule goes by what an owner is in the studio: only then is that read.
    pub asks_roles: bool,
}

/// A bound on how much one scan or one hour may stop; the same for starts. Zero means none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brake {
    /// In one scan.
    pub per_scan: u32,
    /// In any sixty minutes.
    pub per_hour: u32,
}

impl Brake {
    /// Whether it lets nothing through, whatever was let through before.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.per_scan == 0 || self.per_hour == 0
    }
}

impl Default for Brake {
    fn default() -> Self {
        Self { per_scan: 500, per_hour: 1_000 }
    }
}

impl StudioPolicy {
    /// The name for people: the given one, else the id.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(self.id.as_str())
    }

    /// The modes that it and its rules have.
    #[must_use]
    pub fn modes(&self) -> BTreeSet<Mode> {
        let of_rules = self.rules.iter().map(|rule| rule.settings.mode);
        of_rules.chain([self.settings.mode]).collect()
    }
}

/// How a studio is reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    /// The region whose endpoint serves it.
    pub region: Region,
    /// The account that must stand behind it, where the file names one.
    pub account: Option<AccountId>,
    /// The role to assume.
    pub role_arn: Option<String>,
    /// What the role asks to be told.
    pub external_id: Option<Secret>,
    /// The profile of the shared AWS configuration to use; no other credentials count then.
    pub profile: Option<String>,
    /// An endpoint other than the region's own.
    pub endpoint_url: Option<String>,
}

/// Whether a host, without brackets, is this very machine by its name or number.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Settings for the sessions that match.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, for people and records.
    pub name: RuleName,
    /// Which sessions.
    pub matcher: Matcher,
    /// Whether they are exempt.
    pub keep: bool,
    /// What applies to them, complete.
    pub settings: Settings,
}

/// A text that must not reach any output.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

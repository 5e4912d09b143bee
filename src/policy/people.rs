//! The people behind the sessions, as far as the policy file names them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::Secret;
use crate::ids::OwnerId;

/// Owners by id.
pub type People = BTreeMap<OwnerId, Person>;

/// What the file says of one owner.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// What people call them.
    pub name: Option<String>,
    /// Where their evenings are.
    pub zone: Option<TimeZone>,
    /// Where they can be told something.
    pub address: Option<Secret>,
}

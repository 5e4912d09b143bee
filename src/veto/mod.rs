//! Whoever is asked whether a session is busy: the port, and commands behind it.
//!
//! What follows from an answer is decided in `plan`; nothing here knows of schedules, records or calls.
//! Whatever is not a clear answer counts as none. Start at [`Vetoes`], then read [`command`].

mod answer;
pub mod command;

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;

pub use command::CommandVetoes;

use crate::ids::StudioId;
use crate::inventory::Session;
use crate::plan::VetoSays;
use crate::policy::Veto;

/// Who can ask vetoes.
pub trait Vetoes: Send + Sync + fmt::Debug {
    /// Asks one about one session. There is always an answer, and it comes in bounded time from the moment
    /// at which it is this question's turn. A question that is dropped leaves nothing behind.
    fn ask<'a>(&'a self, veto: &'a Veto, question: &'a Question) -> BoxFuture<'a, VetoSays>;
}

/// What is asked: the session, as `docs/vetoes.md` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The studio's id.
    pub studio: String,
    /// The session's id.
    pub session: String,
    /// Its owner's id.
    pub owner: Option<String>,
    /// Its launch profile's id.
    pub launch_profile: Option<String>,
    /// Its launch profile's name.
    pub launch_profile_name: Option<String>,
    /// Its instance type.
    pub instance_type: Option<String>,
    /// When its run began.
    pub started_at: Option<Timestamp>,
    /// Since when it is to be stopped.
    pub due: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Question {
    /// The question whether a session is busy that is due since `due`.
    #[must_use]
    pub fn new(studio: &StudioId, session: &Session, due: Timestamp) -> Self {
        Self {
            studio: studio.to_string(),
            session: session.id.to_string(),
            owner: session.owner.as_ref().map(ToString::to_string),
            launch_profile: session.launch_profile.as_ref().map(ToString::to_string),
            launch_profile_name: session.launch_profile_name.clone(),
            instance_type: session.instance_type.as_ref().map(ToString::to_string),
            started_at: session.start(),
            due,
            tags: session.tags.clone(),
        }
    }
}

#[cfg(test)]
mod tests;

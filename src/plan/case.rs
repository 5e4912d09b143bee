//! One session with all that a decision about it may look at.

use std::sync::Arc;

use jiff::Timestamp;

use super::due::{Candidates, Due};
use super::windows::WindowLookup;
use super::{Reason, SessionHistory};
use crate::ids::{LaunchProfileId, OwnerId, RuleName, ScheduleName};
use crate::inventory::Session;
use crate::policy::matcher::{Candidate, Judgement};
use crate::policy::{Policy, Rule, Schedule, Settings, StudioPolicy, Window};

/// The tag that exempts a session: `always`, or a reason.
pub(super) const TAG_KEEP: &str = "lightsout:keep";
/// The tag that exempts a session until an instant.
pub(super) const TAG_KEEP_UNTIL: &str = "lightsout:keep-until";
/// The tag that names another schedule.
pub(super) const TAG_SCHEDULE: &str = "lightsout:schedule";
/// The tag that marks a stop of ours.
pub(super) const TAG_STOPPED: &str = "lightsout:stopped";
/// What begins every tag of ours.
pub(super) const TAG_PREFIX: &str = "lightsout:";

/// One session, and what applies to it.
pub(super) struct Case<'a> {
    pub now: Timestamp,
    pub studio: &'a StudioPolicy,
    pub session: &'a Session,
    pub hold: Option<&'a Reason>,
    pub history: &'a SessionHistory,
    pub rule: Option<&'a Rule>,
    /// The first rule of which nobody can tell whether it matches, and what the session does not say.
    pub unclear: Option<(&'a Rule, &'static str)>,
    pub settings: &'a Settings,
    /// The idle hours that apply: the tag's, else the settings'.
    pub schedule: Option<&'a Schedule>,
    /// When it is due, where it has a start and anything says so.
    pub due: Option<Due>,
    windows: &'a WindowLookup,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        policy: &'a Policy,
        studio: &'a StudioPolicy,
        session: &'a Session,
        hold: Option<&'a Reason>,
        history: &'a SessionHistory,
        now: Timestamp,
        windows: &'a WindowLookup,
    ) -> Self {
        let (rule, unclear) = matching_rule(studio, session);
        let settings = rule.map_or(&studio.settings, |rule| &rule.settings);
        let tagged = session.tags.get(TAG_SCHEDULE);
        let tagged =
            tagged.and_then(|name| policy.schedules.get(&ScheduleName::from(name.as_str())));
        let schedule = tagged.or(settings.schedule.as_ref()).map(Arc::as_ref);
        let due = session.start().and_then(|start| {
            Candidates::new(settings, schedule, start, now, windows)
                .earliest(settings.least_stop, now)
        });
        let is_tag_known = tagged.is_some() || !session.tags.contains_key(TAG_SCHEDULE);
        // A schedule that cannot be found must not leave another one in force; line 3 keeps it.
        let due = due.filter(|_| is_tag_known);
        Self {
            now,
            studio,
            session,
            hold,
            history,
            rule,
            unclear,
            settings,
            schedule,
            due,
            windows,
        }
    }

    /// Whether the session names a schedule by tag that does not exist.
    pub(super) fn names_unknown_schedule(&self) -> Option<&'a str> {
        let name = self.session.tags.get(TAG_SCHEDULE)?;
        let found = self.schedule.is_some_and(|schedule| schedule.name.as_str() == name);
        (!found).then_some(name.as_str())
    }

    /// The window that is open, or the next one, of the schedule that applies.
    pub(super) fn window(&self) -> Option<Window> {
        self.windows.window_after(self.schedule?, self.now)
    }

    /// The rules that were asked, and why each but the last did not match.
    pub(super) fn rule_trail(&self) -> Vec<(RuleName, Option<String>)> {
        let candidate = candidate(self.session);
        let mut trail = Vec::new();
        for rule in &self.studio.rules {
            let mismatch = rule.matcher.mismatch(&candidate);
            let matched = mismatch.is_none();
            trail.push((rule.name.clone(), mismatch));
            if matched {
                break;
            }
        }
        trail
    }
}

/// The first rule that matches, and the first before it that may.
fn matching_rule<'a>(
    studio: &'a StudioPolicy,
    session: &Session,
) -> (Option<&'a Rule>, Option<(&'a Rule, &'static str)>) {
    let candidate = candidate(session);
    let mut unclear = None;
    for rule in &studio.rules {
        match rule.matcher.judge(&candidate) {
            Judgement::Match => return (Some(rule), unclear),
            Judgement::Unclear(what) => unclear = unclear.or(Some((rule, what))),
            Judgement::Mismatch => {}
        }
    }
    (None, unclear)
}

fn candidate(session: &Session) -> Candidate<'_> {
    Candidate {
        owner: session.owner.as_ref().map(OwnerId::as_str),
        launch_profile: session.launch_profile.as_ref().map(LaunchProfileId::as_str),
        launch_profile_name: session.launch_profile_name.as_deref(),
        instance_type: session.instance_type.as_ref().map(crate::ids::InstanceType::as_str),
        tags: &session.tags,
    }
}

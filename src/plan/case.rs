//! One session with all that a decision about it may look at.

use std::sync::Arc;

use jiff::Timestamp;

use super::due::{Candidates, Due, Run};
use super::{ClockError, Reason, SessionHistory, moved};
use crate::ids::{
    InstanceType, LaunchProfileId, OwnerId, RuleName, ScheduleName, StreamingImageId, StudioRole,
};
use crate::inventory::Session;
use crate::policy::matcher::{Candidate, RuleLookup, Unclear};
use crate::policy::{Policy, Rule, Schedule, Settings, StudioPolicy, Timetable, Window};

/// The tag that exempts a session: `always`, or a reason.
pub const TAG_KEEP: &str = "lightsout:keep";
/// The tag that exempts a session until an instant.
pub const TAG_KEEP_UNTIL: &str = "lightsout:keep-until";
/// The tag that names another schedule.
pub(super) const TAG_SCHEDULE: &str = "lightsout:schedule";
/// The tag that marks a stop of ours.
pub const TAG_STOPPED: &str = "lightsout:stopped";
/// What begins every tag of ours.
pub const TAG_PREFIX: &str = "lightsout:";

/// One session, and what applies to it.
pub(super) struct Case<'a> {
    pub now: Timestamp,
    pub policy: &'a Policy,
    pub studio: &'a StudioPolicy,
    pub session: &'a Session,
    pub hold: Option<&'a Reason>,
    /// Whether the studio may be another's: then nothing at all is done there.
    pub is_foreign: bool,
    /// How far `now` is from the service's clock, as far as that is known.
    pub clock_error: ClockError,
    /// When the last pause ended by itself.
    pub unpaused_at: Option<Timestamp>,
    /// Why the brake would hold an action, where that is known already.
    pub brake: Option<&'a Reason>,
    pub history: &'a SessionHistory,
    pub rule: Option<&'a Rule>,
    /// The rules before it of which nobody can tell whether they match, and what the session does not say.
    pub unclear: Unclear<'a>,
    pub settings: &'a Settings,
    /// What names the idle hours that apply: the tag, else the settings.
    pub timetable: Option<&'a Timetable>,
    /// The idle hours that apply; none where nobody knows the time zone that they are meant in.
    pub schedule: Option<&'a Schedule>,
    /// When it is due, where it has a start and anything says so.
    pub due: Option<Due>,
    /// When it has run for too long, where that is limited.
    pub uptime_over: Option<Timestamp>,
}

/// What all the cases of one plan share.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub policy: &'a Policy,
    pub studio: &'a StudioPolicy,
    pub hold: Option<&'a Reason>,
    pub is_foreign: bool,
    pub clock_error: ClockError,
    pub unpaused_at: Option<Timestamp>,
    pub now: Timestamp,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        common: Common<'a>,
        session: &'a Session,
        history: &'a SessionHistory,
        rules: &mut RuleLookup<'a>,
    ) -> Self {
        let Common { policy, studio, hold, is_foreign, clock_error, unpaused_at, now } = common;
        let (rule, unclear) = rules.find(&candidate(session));
        let settings = rule.map_or(&studio.settings, |rule| &rule.settings);
        let timetable = timetable(policy, session, settings);
        let schedule = timetable.and_then(|timetable| schedule(timetable, session));
        let is_missing = timetable.is_none() && session.tags.contains_key(TAG_SCHEDULE);
        let is_known = !is_missing && schedule.is_some() == timetable.is_some();
        let run = session.start().filter(|_| is_known);
        // The service says when a run began: by a clock that is ahead it would be over too early.
        let by_us = |start| moved(start, clock_error.ahead());
        let of_run = |start| Run { start: by_us(start), is_rescued: history.is_rescued(start) };
        let run = run.map(of_run);
        let candidates = run.map(|run| Candidates::new(settings, schedule, run, now));
        let uptime_over = candidates.as_ref().and_then(Candidates::uptime_over);
        let due = candidates.and_then(|found| found.earliest(settings.least_stop, now));
        Self {
            now,
            policy,
            studio,
            session,
            hold,
            is_foreign,
            clock_error,
            unpaused_at,
            brake: None,
            history,
            rule,
            unclear,
            settings,
            timetable,
            schedule,
            due,
            uptime_over,
        }
    }

    /// Whether the session names a schedule by tag that does not exist.
    pub(super) fn names_unknown_schedule(&self) -> Option<&'a str> {
        let name = self.session.tags.get(TAG_SCHEDULE)?;
        let found = self.timetable.is_some_and(|timetable| timetable.name().as_str() == name);
        (!found).then_some(name.as_str())
    }

    /// Why its idle hours are not known: they follow its owner's time zone, which nobody knows.
    pub(super) fn owner_zone_unknown(&self) -> Option<Reason> {
        let timetable = self.timetable.filter(|_| self.schedule.is_none())?;
        Some(Reason::OwnerZoneUnknown { schedule: timetable.name().clone() })
    }

    /// The idle hours that would apply under other settings.
    pub(super) fn schedule_under(&self, settings: &'a Settings) -> Option<&'a Schedule> {
        schedule(timetable(self.policy, self.session, settings)?, self.session)
    }

    /// The idle hours by which it is rescued under these settings: a tag that nobody understands, or an owner of
    /// whom nobody knows the time zone, keeps it from being stopped, and from nothing that saves it. Where it
    /// is not known whose hours count, those of each owner may.
    pub(super) fn schedules_to_rescue_by(&self, settings: &'a Settings) -> Vec<&'a Schedule> {
        let by_settings = || schedule(settings.schedule.as_ref()?, self.session);
        if let Some(schedule) = self.schedule_under(settings).or_else(by_settings) {
            return vec![schedule];
        }
        let named = timetable(self.policy, self.session, settings);
        let named = named.into_iter().chain(settings.schedule.as_deref());
        named.flat_map(Timetable::schedules).map(|(_, schedule)| schedule.as_ref()).collect()
    }

    /// Whether it runs because we rescued it, and for nobody.
    pub(super) fn is_rescued(&self) -> bool {
        self.session.start().is_some_and(|start| self.history.is_rescued(start))
    }

    /// The window that is open, or the next one, of the schedule that applies.
    pub(super) fn window(&self) -> Option<Window> {
        self.schedule?.window_after(self.now)
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

/// What names the idle hours of a session under some settings: its tag, else they. A schedule that cannot
/// be found must not leave another one in force; line 3 keeps it.
fn timetable<'a>(
    policy: &'a Policy,
    session: &Session,
    settings: &'a Settings,
) -> Option<&'a Timetable> {
    let tagged = session.tags.get(TAG_SCHEDULE);
    let found = tagged.map(|name| policy.schedules.get(&ScheduleName::from(name.as_str())));
    found.unwrap_or(settings.schedule.as_ref()).map(Arc::as_ref)
}

fn schedule<'a>(timetable: &'a Timetable, session: &Session) -> Option<&'a Schedule> {
    timetable.of(session.owner.as_ref()).map(Arc::as_ref)
}

/// What a matcher may look at of a session.
#[must_use]
pub fn candidate(session: &Session) -> Candidate<'_> {
    Candidate {
        session: session.id.as_str(),
        owner: session.owner.as_ref().map(OwnerId::as_str),
        studio_role: session.studio_role.map(StudioRole::as_str),
        launch_profile: session.launch_profile.as_ref().map(LaunchProfileId::as_str),
        launch_profile_name: session.launch_profile_name.as_deref(),
        instance_type: session.instance_type.as_ref().map(InstanceType::as_str),
        streaming_image: session.streaming_image.as_ref().map(StreamingImageId::as_str),
        persistence: session.persistence,
        tags: &session.tags,
    }
}

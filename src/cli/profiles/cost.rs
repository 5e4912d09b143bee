//! What it costs that stopping is forbidden: the idle hours, by the policy as it is now, of sessions that
//! the log says were kept for that reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::super::Failure;
use crate::audit::reader;
use crate::ids::{InstanceType, LaunchProfileId, SessionId, StudioId};
use crate::inventory::{Session, SessionState, Snapshot};
use crate::plan::candidate;
use crate::policy::matcher::{Candidate, RuleLookup};
use crate::policy::{Settings, StudioPolicy};
use crate::report::{ForbiddenFold, Kept, Prices};

/// What one launch profile has cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cost {
    /// The name by which the log knows it.
    pub(super) name: Option<String>,
    /// The sessions that ran.
    pub(super) sessions: BTreeSet<SessionId>,
    /// For how long, together.
    pub(super) idle: SignedDuration,
    /// In USD, as far as prices are known.
    pub(super) usd: f64,
    /// The part of `idle` that has no price.
    pub(super) unpriced: SignedDuration,
}

/// By studio and launch profile.
pub(super) type Costs = BTreeMap<StudioId, BTreeMap<LaunchProfileId, Cost>>;

/// The log as far as it goes back.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Its first instant.
    pub(super) begins: Option<Timestamp>,
    pub(super) fold: ForbiddenFold,
}

/// Reads all files of the log; one that does not exist yet says nothing.
pub(super) fn read(path: &Path) -> Result<Log, Failure> {
    let mut log = Log::default();
    let lines = match reader::read(path) {
        Ok(lines) => lines,
        Err(error) if error.is_absence() => return Ok(log),
        Err(error) => return Err(Failure::of(&error)),
    };
    for line in lines {
        match line {
            Ok(line) => {
                log.begins = log.begins.or(Some(line.record.time));
                log.fold.add(&line.record);
            }
            // A daemon that is writing now may be in the middle of it.
            Err(reader::ReadError::Torn { .. }) => {}
            Err(error) => return Err(Failure::of(&error)),
        }
    }
    Ok(log)
}

impl Log {
    /// What it costs in the studios that were read, from `since` on.
    pub(super) fn costs(
        self,
        seen: &[(&StudioPolicy, Snapshot)],
        since: Option<Timestamp>,
        prices: &Prices,
        now: Timestamp,
    ) -> Costs {
        let studios: BTreeMap<&StudioId, (&StudioPolicy, &Snapshot)> =
            seen.iter().map(|(studio, snapshot)| (&studio.id, (*studio, snapshot))).collect();
        let session = |studio: &StudioId, id: &SessionId| {
            let (_, snapshot) = studios.get(studio)?;
            snapshot.sessions.get(id).filter(|session| session.state != SessionState::Deleted)
        };
        let runs = |studio: &StudioId, id: &SessionId| session(studio, id)?.start();
        let mut costs = Costs::new();
        for kept in self.fold.finish(runs, now) {
            let Some((studio, _)) = studios.get(&kept.studio) else { continue };
            let Some(profile) = kept.seen.launch_profile.as_deref() else { continue };
            let now_there = session(&kept.studio, &kept.session).map(AsRef::as_ref);
            let idle = idle(studio, &kept, now_there, since);
            if idle > SignedDuration::ZERO {
                let profiles = costs.entry(kept.studio.clone()).or_default();
                profiles.entry(profile.into()).or_default().add(&kept, idle, prices);
            }
        }
        costs
    }
}

impl Cost {
    fn add(&mut self, kept: &Kept, idle: SignedDuration, prices: &Prices) {
        self.name = kept.seen.launch_profile_name.clone().or_else(|| self.name.take());
        self.sessions.insert(kept.session.clone());
        self.idle = self.idle.saturating_add(idle);
        let kind = kept.seen.instance_type.as_deref().map(InstanceType::from);
        match kind.and_then(|kind| prices.per_hour(&kind)) {
            Some(price) => self.usd += price * idle.as_secs_f64() / 3600.0,
            None => self.unpriced = self.unpriced.saturating_add(idle),
        }
    }
}

/// The part of it in which the session would have been stopped by its schedule: in windows, after its
/// lease, where the rest of the window is worth a stop.
fn idle(
    studio: &StudioPolicy,
    kept: &Kept,
    session: Option<&Session>,
    since: Option<Timestamp>,
) -> SignedDuration {
    let owner = kept.seen.owner.as_deref().map(Into::into);
    let settings = settings(studio, kept, session);
    let schedule = settings
        .and_then(|settings| Some((settings, settings.schedule.as_ref()?.of(owner.as_ref())?)));
    let Some((settings, schedule)) = schedule else { return SignedDuration::ZERO };
    let leased = kept.seen.started_at.and_then(|start| start.checked_add(settings.lease).ok());
    let from = since.map_or(kept.from, |since| since.max(kept.from));
    let windows = schedule.windows_between(from, kept.until).into_iter();
    let lengths = windows.map(|window| {
        let due = leased.map_or(window.opens, |leased| leased.max(window.opens));
        let is_worth_it = due.duration_until(window.closes) >= settings.least_stop;
        let length = due.max(from).duration_until(window.closes.min(kept.until));
        if is_worth_it { length.max(SignedDuration::ZERO) } else { SignedDuration::ZERO }
    });
    lengths.fold(SignedDuration::ZERO, SignedDuration::saturating_add)
}

/// What applies to the session; nothing where the log does not say enough of it to tell.
fn settings<'a>(
    studio: &'a StudioPolicy,
    kept: &Kept,
    session: Option<&Session>,
) -> Option<&'a Settings> {
    let (seen, tags) = (&kept.seen, BTreeMap::new());
    let from_log = Candidate {
        session: kept.session.as_str(),
        owner: seen.owner.as_deref(),
        studio_role: None,
        launch_profile: seen.launch_profile.as_deref(),
        launch_profile_name: seen.launch_profile_name.as_deref(),
        instance_type: seen.instance_type.as_deref(),
        streaming_image: None,
        persistence: None,
        tags: &tags,
    };
    let candidate = session.map_or(from_log, candidate);
    let (rule, unclear) = find(studio, &candidate);
    if unclear {
        return None;
    }
    match rule {
        Some(index) => Some(&studio.rules[index].settings),
        None => Some(&studio.settings),
    }
}

/// The rule that matches, by its place, and whether another before it may.
fn find(studio: &StudioPolicy, candidate: &Candidate<'_>) -> (Option<usize>, bool) {
    let mut rules = RuleLookup::new(&studio.rules);
    let (rule, unclear) = rules.find(candidate);
    let place = |wanted: &crate::policy::Rule| {
        studio.rules.iter().position(|rule| std::ptr::eq(rule, wanted))
    };
    (rule.and_then(place), !unclear.is_empty())
}

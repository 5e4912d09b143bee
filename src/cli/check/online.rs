//! What the studios say to a policy: launch profiles that its windows outlast, rules that are about
//! nobody.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::{markdown, output, studios};
use crate::ids::LaunchProfileId;
use crate::inventory::{LaunchProfile, Snapshot, Stopping};
use crate::plan::{hold_of, plan};
use crate::policy::{
    Matcher, Policy, Preserve, ROTATED_AT_LEAST, Schedule, Settings, StudioPolicy, Window,
};

/// How far ahead windows are looked at.
const AHEAD: SignedDuration = SignedDuration::from_hours(400 * 24);

/// One thing to look at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    studio: String,
    code: &'static str,
    message: String,
    help: String,
    is_failure: bool,
}

impl Finding {
    fn warning(studio: &StudioPolicy, code: &'static str, message: String, help: &str) -> Self {
        let (studio, help) = (studio.id.to_string(), help.to_owned());
        Self { studio, code, message, help, is_failure: false }
    }

    /// Whether it says that nothing could be found out.
    pub(super) fn is_failure(&self) -> bool {
        self.is_failure
    }

    pub(super) fn print(&self) {
        let Self { studio, code, message, help, is_failure } = self;
        let severity = if *is_failure { "error" } else { "warning" };
        anstream::println!(
            "{severity}[{code}]: {message}\n  --> studio {studio}\n   = help: {help}\n"
        );
    }

    /// A row of a table in Markdown.
    pub(super) fn to_row(&self) -> Vec<String> {
        let Self { studio, code, message, help, is_failure } = self;
        let severity = if *is_failure { "error" } else { "warning" };
        let [message, help] = [message, help].map(|words| markdown::sentence(words));
        vec![format!("**{severity}** `{code}`"), markdown::code(studio), message, help]
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "code": self.code,
            "severity": if self.is_failure { "error" } else { "warning" },
            "studio": self.studio,
            "message": self.message,
            "help": [self.help],
        })
    }
}

/// Everything found in the studios that were read.
pub(super) fn findings(policy: &Policy, seen: &studios::Seen<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (studio, snapshot) in &seen.studios {
        if let Some(reason) = hold_of(studio, snapshot, seen.history(&studio.id), seen.now) {
            let help = format!("see to it that there is {}", reason.remedy());
            let finding = Finding::warning(studio, reason.code(), reason.to_string(), &help);
            found.push(Finding { is_failure: true, ..finding });
            continue;
        }
        let profiles = snapshot.profiles.iter();
        found.extend(profiles.flat_map(|(id, profile)| of_profile(studio, id, profile, seen.now)));
        found.extend(rules_about_nobody(policy, studio, snapshot, seen));
    }
    found
}

/// What the policy of a studio means for the sessions of one launch profile.
fn of_profile(
    studio: &StudioPolicy,
    id: &LaunchProfileId,
    profile: &LaunchProfile,
    now: Timestamp,
) -> Vec<Finding> {
    let name = profile.name.as_deref().unwrap_or(id.as_str());
    match &profile.stopping {
        Stopping::Allowed { destroyed_after: None } => Vec::new(),
        Stopping::Allowed { destroyed_after: Some(after) } => {
            let applying = applying(studio, id, profile).into_iter();
            let found = applying.filter_map(|(who, settings)| {
                outlasted(name, *after, &who, settings, now).map(|message| (settings, message))
            });
            found
                .map(|(settings, message)| {
                    let help = match settings.preserve {
                        Preserve::Refuse | Preserve::Rotate => {
                            "lengthen the stopped length of the launch profile, or shorten the windows"
                        }
                        Preserve::Allow => "write preserve = \"refuse\", unless that work may be lost",
                    };
                    Finding::warning(studio, "stopped-length", message, help)
                })
                .collect()
        }
        Stopping::Forbidden(forbidden) => {
            let message =
                format!("launch profile {name:?} forbids stopping: its sessions are kept");
            let help = format!("to allow it, {}", forbidden.remedy);
            vec![Finding::warning(studio, "profile-not-stoppable", message, &help)]
        }
        Stopping::Unclear(_) => {
            let message = format!(
                "launch profile {name:?} leaves open what stopping does: its sessions are kept"
            );
            vec![Finding::warning(studio, "profile-unclear", message, "look at its modes")]
        }
    }
}

/// The settings that sessions of a profile may have: the studio's, and those of rules about it; of
/// those that are alike here, the first, with the names of all.
fn applying<'a>(
    studio: &'a StudioPolicy,
    id: &LaunchProfileId,
    profile: &LaunchProfile,
) -> Vec<(String, &'a Settings)> {
    let is_about = |matcher: &Matcher| match matcher {
        Matcher::All => true,
        Matcher::Where(criteria) => {
            let names = [Some(id.as_str()), profile.name.as_deref()];
            let wanted = &criteria.launch_profile;
            wanted.is_empty()
                || names.iter().flatten().any(|name| wanted.iter().any(|glob| glob.matches(name)))
        }
    };
    let rules = studio.rules.iter().filter(|rule| !rule.keep && is_about(&rule.matcher));
    let rules = rules.map(|rule| (format!("rule `{}`", rule.name), &rule.settings));
    let mut found: Vec<(String, &Settings)> = vec![("the studio".to_owned(), &studio.settings)];
    for (who, settings) in rules {
        match found.iter_mut().find(|(_, known)| is_alike(known, settings)) {
            Some((all, _)) => *all = format!("{all}, {who}"),
            None => found.push((who, settings)),
        }
    }
    found
}

fn is_alike(one: &Settings, other: &Settings) -> bool {
    let name = |settings: &Settings| settings.schedule.as_ref().map(|s| s.name().clone());
    name(one) == name(other)
        && one.return_margin == other.return_margin
        && one.preserve == other.preserve
}

/// The windows that a stopped session would not outlive, in words.
fn outlasted(
    profile: &str,
    after: SignedDuration,
    who: &str,
    settings: &Settings,
    now: Timestamp,
) -> Option<String> {
    let timetable = settings.schedule.as_ref()?;
    let until = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    let schedules = timetable.schedules();
    let (_, schedule): (_, &std::sync::Arc<Schedule>) = *schedules.first()?;
    let windows = schedule.windows_between(now, until);
    let needs = |window: &Window| {
        let until = schedule.after_hours_of_work(window.closes, settings.return_margin);
        window.opens.duration_until(until)
    };
    let is_rotated = |window: &Window| {
        settings.preserve == Preserve::Rotate
            && after >= ROTATED_AT_LEAST
            && window.closes < Timestamp::MAX
    };
    let is_outlasted = |window: &&Window| needs(window) > after && !is_rotated(window);
    let longer: Vec<_> = windows.iter().filter(is_outlasted).collect();
    let longest = longer.iter().max_by_key(|window| window.length())?;
    let outcome = match settings.preserve {
        Preserve::Refuse => "keeps its sessions running then",
        Preserve::Rotate => "cannot rotate its sessions, and keeps them running then",
        Preserve::Allow => "lets their work be destroyed then",
    };
    let preserve = settings.preserve;
    Some(format!(
        "launch profile {profile:?} lets a stopped session live for {after:#}; {} of {} windows of \
         schedule `{}` in 400 days need more, the longest from {} for {} and the return_margin; \
         for {who}, preserve = \"{preserve}\" {outcome}",
        longer.len(),
        windows.len(),
        schedule.name,
        output::local(longest.opens, &schedule.zone),
        output::hours(longest.length()),
    ))
}

/// Rules that are about no session that is there now.
fn rules_about_nobody(
    policy: &Policy,
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    seen: &studios::Seen<'_>,
) -> Vec<Finding> {
    let plan = plan(policy, studio, snapshot, seen.history(&studio.id), seen.now);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in plan.decisions.iter().filter_map(|decision| decision.rule.as_ref()) {
        *counts.entry(rule.as_str()).or_default() += 1;
    }
    let has_sessions = !snapshot.sessions.is_empty();
    let none =
        studio.rules.iter().filter(|rule| has_sessions && !counts.contains_key(rule.name.as_str()));
    none.map(|rule| {
        let message =
            format!("rule `{}` is about none of the sessions that are there now", rule.name);
        let help = "`lightsout explain SESSION` shows why a rule does not match";
        Finding::warning(studio, "rule-about-nobody", message, help)
    })
    .collect()
}

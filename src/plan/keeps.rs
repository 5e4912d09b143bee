//! Line 3: who exempts a session.

use jiff::{SignedDuration, Timestamp};

use super::case::{Case, TAG_KEEP, TAG_KEEP_UNTIL, TAG_PREFIX, TAG_SCHEDULE, TAG_STOPPED};
use super::{Reason, moved};
use crate::inventory::Session;

/// By how much the end of a keep may lie further ahead than the policy says, for clocks that differ a little.
const KEEP_AHEAD_MAX: SignedDuration = SignedDuration::from_mins(2);

pub(super) fn kept(case: &Case<'_>) -> Option<Reason> {
    kept_by_rule(case).or_else(|| kept_by_tag(case))
}

pub(super) fn kept_by_rule(case: &Case<'_>) -> Option<Reason> {
    if let Some(rule) = case.rule.filter(|rule| rule.keep) {
        return Some(Reason::RuleKeep { rule: rule.name.clone() });
    }
    let (rule, missing) = case.unclear.first()?;
    Some(Reason::RuleUnclear { rule: rule.name.clone(), missing })
}

/// The same for a session that runs: the end of a keep is announced once, some time before it.
pub(super) fn kept_running(case: &Case<'_>) -> Option<Reason> {
    let reason = kept(case)?;
    let Reason::TagKeepUntil { until } = reason else { return Some(reason) };
    match reminder(case, until) {
        Some(at) if at <= case.now => {
            let lead = case.settings.keep_remind.unwrap_or_default();
            Some(Reason::KeepEnding { until, lead })
        }
        Some(_) | None => Some(reason),
    }
}

/// When the end of a keep is to be announced, where it is not yet. What was only planned, in `observe`, was
/// heard by nobody and does not count in `enforce`.
pub(super) fn reminder(case: &Case<'_>, until: Timestamp) -> Option<Timestamp> {
    let lead = case.settings.keep_remind?;
    let given = case.history.reminded;
    let is_given =
        given.is_some_and(|given| given.until == until && given.mode >= case.settings.mode);
    (!is_given).then(|| moved(until, -lead))
}

/// From when on a keep is no longer than the policy allows, where it is now: clocks differ a little, so
/// that it may end somewhat later than the policy says. One without an end always is too long.
pub(super) fn fits_from(until: Timestamp, keep_max: SignedDuration) -> Timestamp {
    moved(moved(until, -keep_max), -KEEP_AHEAD_MAX)
}

/// What keeps a session: a rule, or its tags, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The rule that keeps it, or may.
    pub rule: Option<Reason>,
    /// What its tags say, where that keeps it.
    pub tag: Option<Reason>,
}

/// What the tags of ours say. One that cannot be read counts as keep, even beside one that can.
pub(super) fn kept_by_tag(case: &Case<'_>) -> Option<Reason> {
    let mut kept = None;
    for (tag, value) in &case.session.tags {
        if !tag.to_ascii_lowercase().starts_with(TAG_PREFIX) {
            continue;
        }
        let unreadable = || Reason::TagUnreadable { tag: tag.clone(), value: value.clone() };
        let found = match tag.as_str() {
            TAG_KEEP if is_refusal(value) => Some(unreadable()),
            TAG_KEEP => Some(match case.settings.keep_max {
                Some(keep_max) => too_long(value, None, keep_max),
                None => Reason::TagKeep { value: value.clone() },
            }),
            TAG_KEEP_UNTIL => match kept_until(case.session) {
                Some(until) if until > case.now => Some(match case.settings.keep_max {
                    Some(keep_max) if case.now < fits_from(until, keep_max) => {
                        too_long(value, Some(until), keep_max)
                    }
                    Some(_) | None => Reason::TagKeepUntil { until },
                }),
                Some(_) => None,
                None => Some(unreadable()),
            },
            TAG_SCHEDULE => case.names_unknown_schedule().map(|_| unreadable()),
            TAG_STOPPED => None,
            _ => Some(unreadable()),
        };
        let is_worse = matches!(found, Some(Reason::TagUnreadable { .. }));
        if kept.is_none() || is_worse {
            kept = found.or(kept);
        }
    }
    kept
}

/// A tag that keeps for longer than the policy allows. It counts: what is kept costs money, and what is
/// stopped against somebody's word may cost work; so a person is told, and nothing is stopped.
fn too_long(value: &str, until: Option<Timestamp>, keep_max: SignedDuration) -> Reason {
    Reason::KeepTooLong { value: value.to_owned(), until, keep_max }
}

/// Until when the tag keeps, or kept, a session, where it can be read.
#[must_use]
pub fn kept_until(session: &Session) -> Option<Timestamp> {
    session.tags.get(TAG_KEEP_UNTIL)?.trim().parse().ok()
}

/// Whether the value of a keep tag seems to say the opposite of keep, or nothing.
fn is_refusal(value: &str) -> bool {
    let word = value.trim().to_ascii_lowercase();
    ["", "false", "no", "off", "0", "never", "none"].contains(&word.as_str())
}

pub(super) fn look_at_keeps(case: &Case<'_>) -> String {
    let rule =
        case.rule.map_or("no rule matches".to_owned(), |rule| format!("rule `{}`", rule.name));
    let ours = |tag: &&String| tag.to_ascii_lowercase().starts_with(TAG_PREFIX);
    let tags: Vec<&str> = case.session.tags.keys().filter(ours).map(String::as_str).collect();
    if tags.is_empty() {
        return format!("{rule}; no tag of ours");
    }
    let settings = case.settings;
    let [max, remind] = [settings.keep_max, settings.keep_remind]
        .map(|length| length.map_or("none".to_owned(), |length| format!("{length:#}")));
    let given = match (kept_until(case.session), case.history.reminded) {
        (Some(until), Some(given)) if given.until == until => ", given",
        _ => "",
    };
    format!("{rule}; tags {}; keep_max {max}, keep_remind {remind}{given}", tags.join(", "))
}

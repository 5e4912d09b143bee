//! Line 3: who exempts a session.

use jiff::Timestamp;

use super::Reason;
use super::case::{Case, TAG_KEEP, TAG_KEEP_UNTIL, TAG_PREFIX, TAG_SCHEDULE, TAG_STOPPED};
use crate::inventory::Session;

pub(super) fn kept(case: &Case<'_>) -> Option<Reason> {
    if let Some(rule) = case.rule.filter(|rule| rule.keep) {
        return Some(Reason::RuleKeep { rule: rule.name.clone() });
    }
    if let Some((rule, missing)) = case.unclear {
        return Some(Reason::RuleUnclear { rule: rule.name.clone(), missing });
    }
    kept_by_tag(case)
}

/// What the tags of ours say. One that cannot be read counts as keep, even beside one that can.
fn kept_by_tag(case: &Case<'_>) -> Option<Reason> {
    let mut kept = None;
    for (tag, value) in &case.session.tags {
        if !tag.to_ascii_lowercase().starts_with(TAG_PREFIX) {
            continue;
        }
        let unreadable = || Reason::TagUnreadable { tag: tag.clone(), value: value.clone() };
        let found = match tag.as_str() {
            TAG_KEEP if is_refusal(value) => Some(unreadable()),
            TAG_KEEP => Some(Reason::TagKeep { value: value.clone() }),
            TAG_KEEP_UNTIL => match kept_until(case.session) {
                Some(until) if until > case.now => Some(Reason::TagKeepUntil { until }),
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
        format!("{rule}; no tag of ours")
    } else {
        format!("{rule}; tags {}", tags.join(", "))
    }
}

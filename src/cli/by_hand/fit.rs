//! Whether a person may do it to a session: what would destroy work, or could not succeed, is refused.

use jiff::{SignedDuration, Timestamp};

use super::Deed;
use crate::cli::output;
use crate::inventory::{Session, SessionState, Stopping, Transition};
use crate::plan::{TAG_KEEP, TAG_KEEP_UNTIL, TAG_PREFIX, TAG_STOPPED, kept_until, settings_of};
use crate::policy::{Policy, StudioPolicy};

/// What `keep --always` writes.
pub(super) const ALWAYS: &str = "always";

/// The answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It may; this is what there is to know first.
    Yes(String),
    /// It may not, since.
    No(String),
}

pub(super) fn judge(
    policy: &Policy,
    studio: &StudioPolicy,
    session: &Session,
    deed: Deed,
    now: Timestamp,
) -> Fit {
    let against = match deed {
        Deed::Stop { accept_destruction, .. } => against_stop(session, accept_destruction, now),
        Deed::Start { .. } => against_start(session),
        Deed::Keep { until, replace } => against_keep(studio, session, until, now).or_else(|| {
            let stronger = stronger(session, until).filter(|_| !replace);
            stronger.map(|standing| format!("{standing}; if that is to go, say --replace"))
        }),
        Deed::Unkeep => (!is_kept(session)).then(|| match other(session) {
            Some((tag, value)) => format!(
                "no tag keeps it that unkeep takes away; what it has is {tag} = {value:?}, which whoever may change \
                 any tag corrects or removes"
            ),
            None => "no tag keeps it".to_owned(),
        }),
    };
    match against {
        Some(why) => Fit::No(why),
        None => Fit::Yes(words(policy, session, deed, now)),
    }
}

fn against_stop(session: &Session, accepts: bool, now: Timestamp) -> Option<String> {
    if session.state != SessionState::Ready {
        return Some(format!("it is {}, and only a READY session can be stopped", session.state));
    }
    match &session.stopping {
        Stopping::Forbidden(forbidden) => Some(format!(
            "its launch profile does not permit stopping; what would help: {}",
            forbidden.remedy
        )),
        Stopping::Unclear(_) => Some("nobody can tell whether it may be stopped".to_owned()),
        Stopping::Allowed { destroyed_after: Some(after) } if !accepts => {
            Some(destroyed(*after, now))
        }
        Stopping::Allowed { .. } => None,
    }
}

fn destroyed(after: SignedDuration, now: Timestamp) -> String {
    let at = now.checked_add(after).unwrap_or(Timestamp::MAX);
    format!(
        "once it is off for {} the service destroys it with its work, at {}, unless it is started \
         before; if that is meant, say --accept-destruction",
        output::hours(after),
        output::utc(at)
    )
}

fn against_start(session: &Session) -> Option<String> {
    match session.state {
        SessionState::Stopped | SessionState::Failed(Transition::Start) => None,
        _ => Some(format!("it is {}, and only a STOPPED session can be started", session.state)),
    }
}

fn against_keep(
    studio: &StudioPolicy,
    session: &Session,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Option<String> {
    if session.state == SessionState::Deleted {
        return Some("it is DELETED".to_owned());
    }
    let keep_max = settings_of(studio, session).keep_max?;
    let latest = now.checked_add(keep_max).unwrap_or(Timestamp::MAX);
    let is_short = until.is_some_and(|until| until <= latest);
    let length = output::length(keep_max);
    (!is_short).then(|| {
        format!(
            "by keep_max it may be kept for {length} at the most, until {}; say --for {length}",
            output::utc(latest)
        )
    })
}

/// What keeps a session already, where that is more than to keep it until then.
pub(super) fn stronger(session: &Session, until: Option<Timestamp>) -> Option<String> {
    let words = session.tags.get(TAG_KEEP);
    if let Some(words) = words.filter(|words| until.is_some() || *words != ALWAYS) {
        return Some(format!("it is kept without an end, by {TAG_KEEP} = {words:?}"));
    }
    let (tag, until) = session.tags.get(TAG_KEEP_UNTIL).zip(until)?;
    // What cannot be read counts as a keep without an end.
    let Some(standing) = kept_until(session) else {
        return Some(format!("it is kept by {TAG_KEEP_UNTIL} = {tag:?}, which cannot be read"));
    };
    (until < standing)
        .then(|| format!("it is kept for longer already, until {}", output::utc(standing)))
}

/// What is otherwise about a session by now than it was shown, so that whoever was asked did not mean this.
pub(super) fn changed(shown: &Session, now: &Session, deed: Deed) -> Option<String> {
    if (now.start(), now.stopped_at) != (shown.start(), shown.stopped_at) {
        return Some("it was started or stopped meanwhile".to_owned());
    }
    // Whoever lets it go, or replaces what keeps it, means what they were shown.
    let may_not_go =
        matches!(deed, Deed::Stop { .. } | Deed::Unkeep | Deed::Keep { replace: true, .. });
    let keeps = standing(now).filter(|keeps| standing(shown).as_ref() != Some(keeps));
    let keeps = keeps.filter(|_| may_not_go);
    keeps.map(|keeps| format!("somebody keeps it otherwise meanwhile, by {keeps}"))
}

/// The tags that keep a session, as they stand.
pub(super) fn standing(session: &Session) -> Option<String> {
    let tags = [TAG_KEEP, TAG_KEEP_UNTIL].into_iter();
    let tags = tags.filter_map(|tag| Some(format!("{tag} = {:?}", session.tags.get(tag)?)));
    let tags: Vec<String> = tags.collect();
    (!tags.is_empty()).then(|| tags.join(", "))
}

pub(super) fn is_kept(session: &Session) -> bool {
    [TAG_KEEP, TAG_KEEP_UNTIL].iter().any(|tag| session.tags.contains_key(*tag))
}

/// A tag of ours that says something else, or nothing that anybody can read.
fn other(session: &Session) -> Option<(&String, &String)> {
    let known = [TAG_KEEP, TAG_KEEP_UNTIL, TAG_STOPPED];
    session.tags.iter().find(|(tag, _)| {
        tag.to_ascii_lowercase().starts_with(TAG_PREFIX) && !known.contains(&tag.as_str())
    })
}

/// Whose it is, what it is doing, and what is done to it.
fn words(policy: &Policy, session: &Session, deed: Deed, now: Timestamp) -> String {
    let owner = session.owner.as_ref();
    let name = owner.and_then(|owner| policy.people.get(owner)?.name.clone());
    let owner = name.or_else(|| owner.map(ToString::to_string));
    let owner = owner.map_or("nobody known".to_owned(), |owner| owner);
    let profile = session.launch_profile_name.as_deref().unwrap_or("unknown launch profile");
    let mut words = format!("of {owner}, {profile}, {}", session.state);
    if let Some(since) = session.start().filter(|_| session.state == SessionState::Ready) {
        words += &format!(" since {}", output::utc(since));
    }
    if is_kept(session) {
        let has_end = !session.tags.contains_key(TAG_KEEP);
        words += &match kept_until(session).filter(|_| has_end) {
            Some(until) if until <= now => {
                format!("; a tag kept it until {}, which is over", output::utc(until))
            }
            Some(until) => format!("; a tag keeps it until {}", output::utc(until)),
            None => "; a tag keeps it".to_owned(),
        };
    }
    match deed {
        Deed::Keep { until: Some(until), .. } => {
            words += &format!("; kept until {}", output::utc(until))
        }
        Deed::Keep { until: None, .. } => words += "; kept until somebody takes that away",
        Deed::Stop { .. } | Deed::Start { .. } | Deed::Unkeep => {}
    }
    words
}

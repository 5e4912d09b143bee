//! Line 9: the announcements that go before a stop, and how long a stop waits for them.

use jiff::{SignedDuration, Timestamp};

use super::case::Case;
use super::keeps::kept_until;
use super::{Due, moved};
use crate::policy::Settings;

/// How long before its time a warning may have been given that counts: by a clock that was set right since, one may
/// be hours old.
const EARLY_MAX: SignedDuration = SignedDuration::from_hours(1);

/// How long a stop waits at the most for a warning that was given late.
const LATE_WARNING_WAIT_MAX: SignedDuration = SignedDuration::from_mins(15);

/// Announcements that are to be made now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The leads whose time has come, longest first.
    pub leads: Vec<SignedDuration>,
    /// When the session will be stopped if nothing else happens.
    pub stop_at: Timestamp,
}

/// What the warnings of a session that is due at some instant ask for now.
pub(super) enum Warnings {
    /// These are to be given now.
    Give(Announcement),
    /// All whose time has come are given; the stop is to wait until then.
    WaitUntil(Timestamp),
    /// Nothing stands before the stop.
    Done,
}

/// What is to be said now about a due instant.
pub(super) fn warnings(case: &Case<'_>, due: &Due) -> Warnings {
    let mut owed = Vec::new();
    let mut stop_at = due.at;
    for lead in &case.settings.warn {
        let given = given_at(case, due, *lead);
        let is_time = moved(due.at, -*lead) <= case.now;
        if given.is_none() && !is_time {
            continue;
        }
        if given.is_none() {
            owed.push(*lead);
        }
        let heard = moved(given.unwrap_or(case.now), (*lead).min(LATE_WARNING_WAIT_MAX));
        stop_at = stop_at.max(heard);
    }
    if !owed.is_empty() {
        return Warnings::Give(Announcement { leads: owed, stop_at });
    }
    if case.now < stop_at { Warnings::WaitUntil(stop_at) } else { Warnings::Done }
}

/// When the stop would be made, its warnings included.
pub(super) fn earliest_stop(case: &Case<'_>, due: &Due) -> Timestamp {
    let at = case.now.max(due.at);
    match warnings(case, due) {
        Warnings::Give(Announcement { stop_at, .. }) | Warnings::WaitUntil(stop_at) => {
            stop_at.max(at)
        }
        Warnings::Done => at,
    }
}

/// For how long a stop would wait for each of its warnings, if they were given late.
pub(super) fn late_waits(settings: &Settings) -> impl Iterator<Item = SignedDuration> {
    settings.warn.iter().map(|lead| (*lead).min(LATE_WARNING_WAIT_MAX))
}

/// The next instant at which a warning that is not yet given is to be given.
pub(super) fn next_warning(case: &Case<'_>, due: &Due) -> Option<Timestamp> {
    let instants = case.settings.warn.iter().map(|lead| moved(due.at, -*lead));
    instants.filter(|instant| *instant > case.now).min()
}

/// The end of the last keep or pause that is over: what was said before was taken back by it.
pub(super) fn taken_back(case: &Case<'_>) -> Option<Timestamp> {
    let kept_until = kept_until(case.session).filter(|until| *until <= case.now);
    kept_until.max(case.unpaused_at)
}

/// When the warning was given that belongs to this run, this due instant and this lead. One that
/// was only planned, in `observe`, was heard by nobody and does not count in `enforce`; and one from before
/// a keep or a pause that is over was taken back by it. One that was given long before its time is forgotten by then.
fn given_at(case: &Case<'_>, due: &Due, lead: SignedDuration) -> Option<Timestamp> {
    let run = case.session.start()?;
    let taken_back = taken_back(case);
    case.history
        .warnings
        .iter()
        .filter(|given| {
            given.run == run
                && given.due == due.at
                && given.lead == lead
                && given.mode >= case.settings.mode
                && taken_back.is_none_or(|until| until <= given.said)
                && moved(due.at, -lead - EARLY_MAX) <= given.at
        })
        .map(|given| given.at)
        // Who was warned again, after a keep that nothing tells of any more, waits for the later one.
        .max()
}

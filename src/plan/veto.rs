//! Line 7: what vetoes say of a session that is otherwise due, and which of them are to be asked.
//!
//! Nobody is asked in here. An answer is a fact in the history; where one is missing the session is kept
//! and the decision names the veto, for whoever can ask.

use std::sync::Arc;

use jiff::Timestamp;

use super::case::Case;
use super::due::Due;
use super::warning::taken_back;
use super::{Reason, VetoGiven, VetoSays, lines, moved};
use crate::ids::VetoName;
use crate::policy::{Mode, Veto};

/// How a veto stands to a stop that is due.
enum Standing<'a> {
    /// It was not asked, or so long ago that its answer counts no more.
    Unasked,
    /// It has nothing against the stop.
    Clear,
    /// It keeps the session, at the longest until then.
    Keeps(&'a VetoGiven, Timestamp),
    /// It has kept the session for as long as it may, and is asked no more.
    Over(Timestamp),
}

/// The due instant, where vetoes are heard: the stop is due, and nothing after them would prevent it for
/// good. A stop that was withheld in `observe` was shown, and shows nothing new when asked about again.
fn heard<'a>(case: &'a Case<'_>) -> Option<&'a Due> {
    let due = case.due.as_ref().filter(|due| due.at <= case.now)?;
    let is_shown = case.settings.mode == Mode::Observe && case.history.withheld == Some(due.at);
    let is_asked = !case.settings.veto.is_empty() && !is_shown;
    (is_asked && lines::destroyed(case).is_none()).then_some(due)
}

/// What a veto said last about this run and this due instant. What it said before a keep or a pause that is over is
/// past: a render goes on for as long as if nobody had asked before.
fn given<'a>(case: &'a Case<'_>, due: &Due, veto: &Veto) -> Option<&'a VetoGiven> {
    let given = case.history.vetoes.get(&veto.name)?;
    let is_past = taken_back(case).is_some_and(|until| given.at < until);
    let is_about = Some(given.run) == case.session.start() && given.due == due.at;
    (is_about && !is_past).then_some(given)
}

/// When a veto that gave an answer has to let the session go: a keep or a pause meanwhile uses up nothing of that.
fn ends(case: &Case<'_>, given: &VetoGiven, veto: &Veto) -> Timestamp {
    let since = given.since.max(given.due);
    moved(taken_back(case).map_or(since, |until| until.max(since)), veto.defer_max)
}

/// Until when an answer counts. What keeps a session does so until the next one is there; what lets it be stopped does so
/// no longer than until it is asked for again, since the next one may say otherwise and be lost.
fn counts_until(given: &VetoGiven, veto: &Veto) -> Timestamp {
    let age = match &given.says {
        VetoSays::Clear => veto.every,
        VetoSays::Busy { .. } | VetoSays::Failed { .. } => veto.counts_for(),
    };
    moved(given.at, age)
}

fn standing<'a>(case: &'a Case<'_>, due: &Due, veto: &Veto) -> Standing<'a> {
    let Some(given) = given(case, due, veto) else { return Standing::Unasked };
    let ends = ends(case, given, veto);
    // An answer from the future is one of a clock that went back since.
    let counts = given.at <= case.now && case.now < counts_until(given, veto);
    match &given.says {
        // Whoever had nothing against it has kept nothing.
        VetoSays::Busy { .. } | VetoSays::Failed { .. } if ends <= case.now => Standing::Over(ends),
        _ if !counts => Standing::Unasked,
        VetoSays::Clear => Standing::Clear,
        VetoSays::Busy { .. } | VetoSays::Failed { .. } => Standing::Keeps(given, ends),
    }
}

/// The guard. What failed comes before what is busy, since a person should look at it.
pub(super) fn vetoed(case: &Case<'_>) -> Option<Reason> {
    let due = heard(case)?;
    let mut failed = None;
    let mut busy = None;
    let mut unasked = Vec::new();
    for veto in &case.settings.veto {
        match standing(case, due, veto) {
            Standing::Clear | Standing::Over(_) => {}
            Standing::Unasked => unasked.push(veto.name.clone()),
            Standing::Keeps(given, until) => {
                let (veto, asks_again) = (veto.name.clone(), moved(given.at, veto.every));
                match &given.says {
                    VetoSays::Clear => {}
                    VetoSays::Busy { words } => {
                        let words = words.clone();
                        busy.get_or_insert(Reason::Busy { veto, words, asks_again, until });
                    }
                    VetoSays::Failed { words } => {
                        let words = words.clone();
                        failed.get_or_insert(Reason::VetoFailed { veto, words, asks_again, until });
                    }
                }
            }
        }
    }
    // Nobody is asked about what the brake holds: it counts this as a stop already.
    let is_asked = !unasked.is_empty() && case.brake.is_none();
    failed.or(busy).or_else(|| is_asked.then_some(Reason::VetoUnasked { vetoes: unasked }))
}

/// The vetoes that would keep it still, had they not done so for as long as they may.
pub(super) fn overruled(case: &Case<'_>, due: &Due) -> Vec<VetoName> {
    let is_over = |veto: &&Arc<Veto>| {
        let given = given(case, due, veto).filter(|given| given.says != VetoSays::Clear);
        given.is_some_and(|given| ends(case, given, veto) <= case.now)
    };
    case.settings.veto.iter().filter(is_over).map(|veto| veto.name.clone()).collect()
}

/// The vetoes that are to be asked now: those that said nothing yet, and those whose answer has become old.
pub(super) fn to_ask(case: &Case<'_>) -> Vec<Arc<Veto>> {
    let Some(due) = heard(case) else { return Vec::new() };
    let is_asked = |veto: &&Arc<Veto>| match standing(case, due, veto) {
        Standing::Unasked => true,
        Standing::Over(_) => false,
        Standing::Clear | Standing::Keeps(..) => {
            given(case, due, veto).is_none_or(|given| moved(given.at, veto.every) <= case.now)
        }
    };
    case.settings.veto.iter().filter(is_asked).cloned().collect()
}

/// When an answer becomes old, counts no more, or may keep the session no longer.
pub(super) fn next_change(case: &Case<'_>) -> Option<Timestamp> {
    let due = heard(case)?;
    let of_one = |veto: &Arc<Veto>| {
        let given = given(case, due, veto)?;
        let ends = Some(ends(case, given, veto)).filter(|_| given.says != VetoSays::Clear);
        if ends.is_some_and(|ends| ends <= case.now) {
            return None;
        }
        let ages = [moved(given.at, veto.every), counts_until(given, veto)];
        let instants = ages.into_iter().chain([given.at]).chain(ends);
        instants.filter(|instant| *instant > case.now).min()
    };
    case.settings.veto.iter().filter_map(of_one).min()
}

pub(super) fn look_at_vetoes(case: &Case<'_>) -> String {
    if case.settings.veto.is_empty() {
        return "no veto applies".to_owned();
    }
    let names = || case.settings.veto.iter().map(|veto| format!("`{}`", veto.name));
    let Some(due) = heard(case) else {
        return format!("{}: not asked now", names().collect::<Vec<_>>().join(", "));
    };
    let of_one = |veto: &Arc<Veto>| {
        let said = match (standing(case, due, veto), given(case, due, veto)) {
            (Standing::Unasked, None) => "not asked".to_owned(),
            (Standing::Unasked, Some(given)) => {
                format!("{} at {}, which counts no more", given.says, given.at)
            }
            (Standing::Over(ended), _) => {
                format!("counts no more since {ended}, after defer_max {:#}", veto.defer_max)
            }
            (Standing::Clear | Standing::Keeps(..), Some(given)) => {
                format!("{} at {}", given.says, given.at)
            }
            // Both come of an answer.
            (Standing::Clear | Standing::Keeps(..), None) => "not known".to_owned(),
        };
        format!("`{}`: {said}", veto.name)
    };
    case.settings.veto.iter().map(of_one).collect::<Vec<_>>().join("; ")
}

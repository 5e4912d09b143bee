//! What comes to nothing: the sessions whose stops and starts fail again and again, so that whoever looks from outside
//! learns of it although every scan is in order.

use std::collections::BTreeMap;

use crate::execute::Outcome;
use crate::ids::{SessionId, StudioId};
use crate::plan::{Action, Plan, Verdict};

/// How often something comes to nothing before it is told of: once may be one lost call.
const ATTEMPTS_MIN: u32 = 3;

/// One session that is to be stopped or started, and how that went so far.
#[derive(Debug)]
struct Failing {
    attempts: u32,
    is_rescue: bool,
    why: String,
}

/// What failed and was not done since.
#[derive(Debug, Default)]
pub(super) struct Trouble(BTreeMap<StudioId, BTreeMap<(SessionId, Action), Failing>>);

impl Trouble {
    /// An attempt ended.
    pub(super) fn ended(
        &mut self,
        studio: &StudioId,
        (session, action): (&SessionId, Action),
        outcome: &Outcome,
        is_rescue: bool,
    ) {
        let key = (session.clone(), action);
        let why = match outcome {
            Outcome::Unread(error) | Outcome::Rejected(error) | Outcome::Unanswered(error) => {
                error.to_string()
            }
            Outcome::Broken => "a fault of the program, see its debug log".to_owned(),
            // The log tells of itself.
            Outcome::Unrecorded(_) | Outcome::Withdrawn | Outcome::Ending => return,
            Outcome::Accepted | Outcome::Withheld | Outcome::Dropped(_) => {
                if let Some(failing) = self.0.get_mut(studio) {
                    failing.remove(&key);
                }
                return;
            }
        };
        let failing = self.0.entry(studio.clone()).or_default();
        let attempts = failing.get(&key).map_or(0, |before| before.attempts).saturating_add(1);
        failing.insert(key, Failing { attempts, is_rescue, why });
    }

    /// Only these studios are looked after from now on.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&StudioId) -> bool) {
        self.0.retain(|studio, _| is_kept(studio));
    }

    /// What nobody asks for any more is no trouble; what a brake or a hold keeps waiting is.
    pub(super) fn planned(&mut self, studio: &StudioId, plan: &Plan) {
        let Some(failing) = self.0.get_mut(studio).filter(|failing| !failing.is_empty()) else {
            return;
        };
        let is_wanted = |session: &SessionId| {
            let found = plan.decisions.binary_search_by(|decision| decision.session.cmp(session));
            let verdict = found.ok().and_then(|at| plan.decisions.get(at)).map(|d| d.verdict());
            matches!(verdict, Some(Verdict::Stop | Verdict::Start | Verdict::Hold))
        };
        failing.retain(|(session, _), _| is_wanted(session));
    }

    /// What a person should know of a studio.
    pub(super) fn of(&self, studio: &StudioId) -> Option<String> {
        let failing = self.0.get(studio)?;
        let is_told = |(_, failing): &(&(SessionId, Action), &Failing)| {
            failing.is_rescue || failing.attempts >= ATTEMPTS_MIN
        };
        let told = || failing.iter().filter(is_told);
        let rescues = told().filter(|(_, failing)| failing.is_rescue).count();
        let ((session, action), last) = told().max_by_key(|(_, failing)| failing.is_rescue)?;
        let others = match told().count() {
            1 => String::new(),
            count => format!(" and {} others", count - 1),
        };
        let danger = if rescues > 0 { "; its work would be destroyed" } else { "" };
        let Failing { attempts, why, .. } = last;
        Some(format!(
            "{attempts} attempts to {action} {session} came to nothing{others}, the last: {why}{danger}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::inventory::Problem;
    use crate::provider::ProviderError;

    fn denied() -> ProviderError {
        let (problem, operation) = (Problem::Denied, "GetStreamingSession");
        ProviderError { problem, operation, detail: "no".to_owned(), request_id: None }
    }

    #[test]
    fn what_fails_again_and_again_is_told_until_it_is_done_or_nobody_asks_for_it() {
        let (studio, session) = (StudioId::from("studio"), SessionId::from("one"));
        let mut trouble = Trouble::default();
        let mut end = |outcome: &Outcome, is_rescue| {
            let action = if is_rescue { Action::Start } else { Action::Stop };
            trouble.ended(&studio, (&session, action), outcome, is_rescue);
            trouble.of(&studio)
        };
        let unread = Outcome::Unread(denied());
        assert_eq!([end(&unread, false), end(&unread, false)], [None, None]);
        let told = end(&Outcome::Rejected(denied()), false).unwrap();
        assert!(told.starts_with("3 attempts to stop one came to nothing, the last: "), "{told}");
        assert_eq!(end(&Outcome::Accepted, false), None);
        // A rescue is told of at once.
        assert!(end(&unread, true).unwrap().ends_with("its work would be destroyed"));
        let plan = Plan {
            studio: studio.clone(),
            at: Timestamp::UNIX_EPOCH,
            hold: None,
            brakes: Vec::new(),
            latches: BTreeMap::default(),
            decisions: Vec::new(),
        };
        trouble.planned(&studio, &plan);
        assert_eq!(trouble.of(&studio), None);
    }
}

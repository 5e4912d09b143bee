//! What comes to nothing: the sessions whose stops and starts fail again and again, so that whoever looks from outside
//! learns of it although every scan is in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::execute::Outcome;
use crate::ids::{SessionId, StudioId};
use crate::inventory::{SessionState, Snapshot, Transition};
use crate::plan::{Action, Decision, History, OpenIntent, Plan, Reason, SessionHistory, Verdict};

/// How often something comes to nothing before it is told of: once may be one lost call.
const ATTEMPTS_MIN: u32 = 3;

/// One session that is to be stopped or started, and how that went so far.
#[derive(Debug)]
struct Failing {
    attempts: u32,
    is_rescue: bool,
    /// Whether nothing more will be asked for, or comes of it.
    is_stuck: bool,
    why: String,
}

/// What was asked of a session, and has come to a known end in vain, as the log tells.
#[derive(Debug)]
pub(super) struct Vain {
    session: SessionId,
    action: Action,
    attempts: u32,
    is_rescue: bool,
    is_stuck: bool,
}

/// What the log tells of what is still to be done in a studio, or is being tried again.
pub(super) fn in_vain(plan: &Plan, snapshot: &Snapshot, history: &History) -> Vec<Vain> {
    let is_late = |open: &Option<OpenIntent>| open.as_ref().is_some_and(|open| open.late);
    let tried = history.sessions.iter().filter(|(_, past)| {
        let is_tried = past.attempts.is_some() || past.start_attempts.is_some();
        is_tried || is_late(&past.open) || is_late(&past.starting)
    });
    let of = |(id, past): (&SessionId, &SessionHistory)| {
        let (session, decision) = (snapshot.sessions.get(id)?, decision_about(plan, id)?);
        let (action, attempts) = match session.state {
            SessionState::Ready
            | SessionState::Transitional(Transition::Stop)
            | SessionState::Failed(Transition::Stop) => {
                (Action::Stop, past.attempt(session.start()?))
            }
            _ => (Action::Start, past.start_attempt(session.stopped_at?)),
        };
        let open = if action == Action::Stop { &past.open } else { &past.starting };
        // Nobody asks again for what failed in this way, nor for what does not end.
        let is_stuck = match session.state {
            SessionState::Failed(Transition::Stop) => attempts > 0,
            SessionState::Transitional(_) => is_late(open),
            _ => false,
        };
        let is_tried = matches!(decision.verdict(), Verdict::Stop | Verdict::Start | Verdict::Hold)
            || matches!(session.state, SessionState::Transitional(_));
        let is_rescue = action == Action::Start
            && (decision.reason.is_rescue()
                || past.starting.as_ref().is_some_and(|open| open.rescue.is_some()));
        let session = id.clone();
        let is_told = is_stuck || is_tried && attempts > 0;
        is_told.then_some(Vain { session, action, attempts, is_rescue, is_stuck })
    };
    tried.filter_map(of).collect()
}

fn decision_about<'a>(plan: &'a Plan, session: &SessionId) -> Option<&'a Decision> {
    let found = plan.decisions.binary_search_by(|decision| decision.session.cmp(session));
    plan.decisions.get(found.ok()?).map(Arc::as_ref)
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
            // The list says stop, and whatever is read before that tells too little, or of another run: nothing will
            // ever come of it.
            Outcome::Dropped(decision)
                if decision.verdict() == Verdict::Stop
                    || matches!(
                        decision.reason,
                        Reason::ProfileUnknown | Reason::RuleUnclear { .. }
                    ) =>
            {
                decision.reason.to_string()
            }
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
        failing.insert(key, Failing { attempts, is_rescue, is_stuck: false, why });
    }

    /// Only these studios are looked after from now on.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&StudioId) -> bool) {
        self.0.retain(|studio, _| is_kept(studio));
    }

    /// What nobody asks for any more is no trouble; what a brake or a hold keeps waiting is. So is what the service
    /// took, and nothing came of it, again and again.
    pub(super) fn planned(&mut self, studio: &StudioId, plan: &Plan, vain: Vec<Vain>) {
        let failing = self.0.entry(studio.clone()).or_default();
        let is_wanted = |session: &SessionId| {
            let verdict = decision_about(plan, session).map(Decision::verdict);
            matches!(verdict, Some(Verdict::Stop | Verdict::Start | Verdict::Hold))
        };
        failing.retain(|(session, _), _| is_wanted(session));
        failing.values_mut().for_each(|failing| failing.is_stuck = false);
        for Vain { session, action, attempts, is_rescue, is_stuck } in vain {
            let why = "the service took it, and nothing came of it".to_owned();
            let attempts = attempts.max(1);
            let new = Failing { attempts, is_rescue, is_stuck, why };
            let told = failing.entry((session, action)).or_insert(new);
            told.attempts = told.attempts.max(attempts);
            told.is_rescue |= is_rescue;
            told.is_stuck |= is_stuck;
        }
    }

    /// What a person should know of a studio.
    pub(super) fn of(&self, studio: &StudioId) -> Option<String> {
        let failing = self.0.get(studio)?;
        let is_told = |(_, failing): &(&(SessionId, Action), &Failing)| {
            failing.is_rescue || failing.is_stuck || failing.attempts >= ATTEMPTS_MIN
        };
        let told = || failing.iter().filter(is_told);
        let rescues = told().filter(|(_, failing)| failing.is_rescue).count();
        let ((session, action), last) = told().max_by_key(|(_, failing)| failing.is_rescue)?;
        let others = match told().count() {
            1 => String::new(),
            2 => " and 1 other".to_owned(),
            count => format!(" and {} others", count - 1),
        };
        let danger = if rescues > 0 { "; its work would be destroyed" } else { "" };
        let Failing { attempts, why, .. } = last;
        let noun = if *attempts == 1 { "attempt" } else { "attempts" };
        Some(format!(
            "{attempts} {noun} to {action} {session} came to nothing{others}, the last: {why}{danger}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::tasks::tests::decided;
    use super::*;
    use crate::inventory::{Doubt, Problem, Session, Stopping};
    use crate::plan::{Attempts, StoppedBy};
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
        trouble.planned(&studio, &plan, Vec::new());
        assert_eq!(trouble.of(&studio), None);
    }

    /// A session that is off, or on its way, and of which so many starts have failed.
    fn failed(state: SessionState, ended: u32, rescue: bool, late: bool) -> Option<String> {
        let at = Timestamp::UNIX_EPOCH;
        let (studio, id) = (StudioId::from("studio"), SessionId::from("one"));
        let session = Session {
            id: id.clone(),
            arn: None,
            state,
            status: None,
            owner: None,
            launch_profile: None,
            launch_profile_name: None,
            instance_type: None,
            studio_role: None,
            streaming_image: None,
            persistence: None,
            created_at: Some(at),
            started_at: Some(at),
            stopped_at: Some(at),
            started_by: None,
            stopped_by: None,
            terminate_at: None,
            ends_itself: None,
            stopping: Stopping::Unclear(Doubt::NoLaunchProfile),
            retains_volumes: false,
            tags: BTreeMap::new(),
        };
        let (terminate_at, closes, failures) = (at, at, ended);
        let reason = match (&session.state, rescue) {
            (SessionState::Transitional(_) | SessionState::Failed(Transition::Stop), _) => {
                Reason::Deleted
            }
            (_, true) => {
                let (is_observed, is_late, stopped_by) = (false, false, StoppedBy::Us);
                Reason::Rescue { terminate_at, closes, failures, is_observed, is_late, stopped_by }
            }
            (_, false) => Reason::Resume { closes },
        };
        let decision = decided(&id, reason);
        let (holds, decisions) = (None, vec![Arc::new(decision)]);
        let plan = Plan {
            studio: studio.clone(),
            at,
            hold: holds,
            brakes: Vec::new(),
            latches: BTreeMap::default(),
            decisions,
        };
        let mut snapshot = Snapshot::unread(at, Vec::new());
        snapshot.sessions.insert(id.clone(), Arc::new(session));
        let start_attempts = Some(Attempts { run: at, ended, last: at });
        let starting = (rescue || late).then(|| OpenIntent {
            run: at,
            token: String::new(),
            at,
            since: at,
            accepted: true,
            repeats: false,
            refused: 0,
            late,
            rescue: rescue.then_some(StoppedBy::Us),
            needed_until: None,
            destroyed_after: None,
        });
        let attempts = start_attempts;
        let past =
            SessionHistory { attempts, start_attempts, starting, ..SessionHistory::default() };
        let history = History { sessions: BTreeMap::from([(id, past)]), ..History::default() };
        let mut trouble = Trouble::default();
        trouble.planned(&studio, &plan, in_vain(&plan, &snapshot, &history));
        trouble.of(&studio)
    }

    #[test]
    fn what_the_service_takes_and_does_not_do_is_told_as_well() {
        let on_its_way = || SessionState::Transitional(Transition::Start);
        let told = failed(SessionState::Stopped, 3, false, false).unwrap();
        assert!(
            told.starts_with("3 attempts to start one came to nothing, the last: the service took")
        );
        assert_eq!(failed(SessionState::Stopped, 2, false, false), None);
        assert!(failed(on_its_way(), 3, false, false).is_some());
        // A rescue at the first time, also while the next is on its way.
        let told = failed(SessionState::Failed(Transition::Start), 1, true, false).unwrap();
        assert!(told.ends_with("; its work would be destroyed"), "{told}");
        assert!(failed(on_its_way(), 1, true, false).is_some());
        assert_eq!(failed(on_its_way(), 0, true, false), None);
        // What the service gave up nobody asks for again, and what does not end nobody can.
        let gave_up = || SessionState::Failed(Transition::Stop);
        assert!(failed(gave_up(), 1, false, false).unwrap().starts_with("1 attempt to stop one "));
        assert_eq!(failed(gave_up(), 0, false, false), None);
        assert!(failed(on_its_way(), 0, false, true).is_some());
    }

    #[test]
    fn what_can_be_listed_and_not_be_read_is_told_in_the_end() {
        let (studio, session) = (StudioId::from("studio"), SessionId::from("one"));
        let mut trouble = Trouble::default();
        let mut drop_for = |reason| {
            let decision = decided(&session, reason);
            let dropped = Outcome::Dropped(Box::new(decision));
            trouble.ended(&studio, (&session, Action::Stop), &dropped, false);
            trouble.of(&studio).is_some()
        };
        assert_eq!([0; 3].map(|_| drop_for(Reason::ProfileUnknown)), [false, false, true]);
        assert!(!drop_for(Reason::Stopped));
        // So is what its own reading tells another start of than the list does, each time.
        let (due, limit) = (Timestamp::UNIX_EPOCH, jiff::SignedDuration::from_hours(9));
        let mut stop = || {
            let cause = crate::plan::Cause::MaxUptime { limit };
            drop_for(Reason::Due { due, cause, overruled: Vec::new() })
        };
        assert_eq!([0; 3].map(|_| stop()), [false, false, true]);
    }
}

//! The decision: a pure function from policy, snapshot, history and an instant to a [`Plan`].
//!
//! Nothing in this room reads a clock, a file, the network, the environment or a random number, and
//! nothing logs. Dry run, review, explanation and the daemon all call [`plan`], so what is read in
//! one is what the others do. On doubt the answer is `keep` or `hold`, with its reason.
//!
//! Read [`plan`], then `lines`, which is the order of questions, then `reason`.

mod approval;
mod brake;
mod case;
mod due;
mod forecast;
mod history;
mod hold;
mod keeps;
mod line;
mod lines;
mod precedent;
mod reason;
mod remedy;
mod rescue;
mod stopped;
mod sudden;
mod veto;
mod warning;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use approval::{Approval, Approvals, Pause};
pub use brake::{Latch, one_more, used_in_the_hour};
pub use case::{TAG_KEEP, TAG_KEEP_UNTIL, TAG_PREFIX, TAG_STOPPED, candidate};
pub use due::{Cause, Due};
pub use forecast::{Event, Foreseen, first_brake, forecast};
pub use history::{
    Attempts, ClockError, ClockJump, History, KeepReminder, OpenIntent, OurStop, RescuedRun,
    SessionHistory, StoppedBy, VetoGiven, VetoSays, WarningGiven,
};
pub use hold::account_doubt;
pub use keeps::{Kept, kept_until};
pub use line::Step;
pub use precedent::Precedents;
pub use reason::{BrakeBound, Reason, STOPPED_BY};
pub use rescue::{Unrotated, terminates_at};
pub use sudden::{CONFIRMED_AFTER, FEW, Inventory, InventoryChange, InventoryDoubt, lacking};
pub use warning::Announcement;

use crate::ids::{RuleName, SessionId, StudioId};
use crate::inventory::{Session, Snapshot};
use crate::policy::matcher::RuleLookup;
use crate::policy::{Mode, Policy, Settings, StudioPolicy, Veto};
use case::{Case, Common};

/// What is to be done about every session of one studio, and why. It is never changed: who carries
/// it out may only do less.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Plan {
    /// The studio.
    pub studio: StudioId,
    /// The instant for which it was made.
    pub at: Timestamp,
    /// Why nothing is done in the whole studio, where that is so.
    pub hold: Option<Reason>,
    /// Where more would be stopped, or started, than the brake allows.
    pub brakes: Vec<Reason>,
    /// The brakes by which no stop passes, by the mode of those that they hold: what holds from now on.
    pub latches: BTreeMap<Mode, Latch>,
    /// One decision for each session that was seen, by session id.
    pub decisions: Vec<Arc<Decision>>,
}

impl Plan {
    /// Why anything in the studio is held: the studio as a whole, or what the brake stands on.
    pub fn holds(&self) -> impl Iterator<Item = &Reason> {
        self.hold.iter().chain(&self.brakes)
    }

    /// Whether every session is left as it is, each for a reason of its own.
    fn is_all_kept(&self) -> bool {
        self.decisions.iter().all(|decision| decision.verdict() == Verdict::Keep)
    }

    /// The earliest instant at which a decision may become another without anything else happening.
    #[must_use]
    pub fn next_change(&self) -> Option<Timestamp> {
        self.decisions.iter().filter_map(|decision| decision.next_change).min()
    }
}

/// What is to be done about one session.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The session.
    pub session: SessionId,
    /// Why; what follows from it is [`Reason::verdict`].
    pub reason: Reason,
    /// The rule that applies, if one matched.
    pub rule: Option<RuleName>,
    /// Whether the verdict is carried out.
    pub mode: Mode,
    /// When the session is to be stopped, as far as can be told now.
    pub due: Option<Timestamp>,
    /// When this decision may become another by the passing of time alone.
    pub next_change: Option<Timestamp>,
    /// An action may not begin at or after this instant.
    pub not_after: Option<Timestamp>,
    /// Until when its work has to live once it is stopped; nothing where no stop endangers it, or a person allows it.
    pub needed_until: Option<Timestamp>,
    /// The instant of a proven stop of ours that the session's tag does not tell of yet, and should,
    /// since the session is to be started again.
    pub mark: Option<Timestamp>,
    /// The vetoes that are to be asked about it now; the stop waits for those that said nothing yet.
    pub asks: Vec<Arc<Veto>>,
    /// Until when nobody has to see to it that it is off and would be destroyed, since it is to be started
    /// before that.
    pub safe_until: Option<Timestamp>,
}

impl Decision {
    /// What is to be done.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.reason.verdict()
    }
}

/// The kinds of decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Stop it.
    Stop,
    /// Start it.
    Start,
    /// Announce that it will be stopped.
    Warn,
    /// Leave it as it is, for a reason of its own.
    Keep,
    /// Leave it as it is, because nothing is certain enough.
    Hold,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Warn => "warn",
            Self::Keep => "keep",
            Self::Hold => "hold",
        })
    }
}

/// What may be asked of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// To stop.
    Stop,
    /// To start.
    Start,
}

impl Action {
    /// Both of them.
    pub const ALL: &'static [Self] = &[Self::Stop, Self::Start];

    /// What the action is about: the start of the run that is to end, or the stop that is to. An
    /// action about another one is another action.
    #[must_use]
    pub fn run(self, session: &Session) -> Option<Timestamp> {
        match self {
            Self::Stop => session.start(),
            Self::Start => session.stopped_at,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stop => "stop",
            Self::Start => "start",
        })
    }
}

/// Decides about every session of a snapshot.
pub fn plan(
    policy: &Policy,
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    history: &History,
    now: Timestamp,
) -> Plan {
    plan_again(policy, studio, snapshot, history, now, &mut Precedents::default())
}

/// The same, for who decides again and again: `before` is what the last time left, and what this one
/// leaves. It changes no decision, and spares most.
pub fn plan_again(
    policy: &Policy,
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    history: &History,
    now: Timestamp,
    before: &mut Precedents,
) -> Plan {
    let mut hold = hold::of_studio(studio, snapshot, history, now);
    let is_foreign = hold::account_doubt(studio, snapshot).is_some();
    let (clock_error, unpaused_at) = (history.clock_error(), history.unpaused_at(now));
    let common =
        Common { policy, studio, hold: hold.as_ref(), is_foreign, clock_error, unpaused_at, now };
    let mut decisions = before.decide_all(common, snapshot, history);
    let held = match common.hold {
        Some(_) => None,
        None => sudden::policy_changed(policy, &decisions, history, now),
    };
    if held.is_some() {
        let common = Common { hold: held.as_ref(), ..common };
        decisions = before.decide_all(common, snapshot, history);
        hold = held;
    }
    let (brake, sessions) = (studio.brake, &*snapshot.sessions);
    let known = brake::Known { brake, policy: &policy.hash, history, sessions };
    let brakes = brake::Brakes::over(&decisions, known, now);
    brakes.apply(&mut decisions, known);
    let (studio, latches) = (studio.id.clone(), brakes.latches());
    Plan { studio, at: now, hold, brakes: brakes.reasons(), latches, decisions }
}

fn decide<'a>(
    common: Common<'a>,
    session: &'a Session,
    past: &'a SessionHistory,
    rules: &mut RuleLookup<'a>,
) -> Decision {
    lines::decide(&Case::new(common, session, past, rules))
}

/// Why a whole studio is to be left alone, as far as its snapshot and its past tell.
#[must_use]
pub fn hold_of(
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    history: &History,
    now: Timestamp,
) -> Option<Reason> {
    hold::of_studio(studio, snapshot, history, now)
}

/// Why a studio that was not held when it was looked at is to be left alone since: the clock jumped, or a person
/// said so.
#[must_use]
pub fn held_since(history: &History, now: Timestamp) -> Option<Reason> {
    hold::of_past(history, now)
}

/// Decides about one session again, read afresh in a studio that was not held, or held and the session to
/// be rescued.
///
/// This is what stands between a plan and its action: the snapshot may be a minute old. The brake is
/// the plan's: of what it let through, no more comes of it here.
#[must_use]
pub fn decide_again(
    policy: &Policy,
    studio: &StudioPolicy,
    session: &Session,
    history: &History,
    now: Timestamp,
) -> Decision {
    let (clock_error, unpaused_at) = (history.clock_error(), history.unpaused_at(now));
    let common =
        Common { policy, studio, hold: None, is_foreign: false, clock_error, unpaused_at, now };
    decide(common, session, history.of(&session.id), &mut RuleLookup::new(&studio.rules))
}

/// The settings that apply to a session: those of its rule, else its studio's.
#[must_use]
pub fn settings_of<'a>(studio: &'a StudioPolicy, session: &'a Session) -> &'a Settings {
    let (rule, _) = RuleLookup::new(&studio.rules).find(&candidate(session));
    rule.map_or(&studio.settings, |rule| &rule.settings)
}

/// What keeps each session of a snapshot, whatever else is decided about it.
#[must_use]
pub fn kept(
    policy: &Policy,
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    now: Timestamp,
) -> BTreeMap<SessionId, Kept> {
    let (hold, is_foreign, clock_error) = (None, false, ClockError::default());
    let common = Common { policy, studio, hold, is_foreign, clock_error, unpaused_at: None, now };
    let mut rules = RuleLookup::new(&studio.rules);
    let mut kept = BTreeMap::new();
    for (id, session) in &snapshot.sessions {
        let case = Case::new(common, session, SessionHistory::none(), &mut rules);
        let (rule, tag) = (keeps::kept_by_rule(&case), keeps::kept_by_tag(&case));
        kept.insert(id.clone(), Kept { rule, tag });
    }
    kept
}

/// The whole chain of questions about one session of a snapshot, with the answer of each.
#[must_use]
pub fn explain(
    policy: &Policy,
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    session: &Session,
    history: &History,
    now: Timestamp,
) -> Explanation {
    let planned = plan(policy, studio, snapshot, history, now);
    let braked = planned.decisions.iter().find(|decision| decision.session == session.id);
    let braked = braked.map(|decision| &decision.reason).filter(|reason| reason.is_brake());
    let is_foreign = hold::account_doubt(studio, snapshot).is_some();
    let (hold, clock_error) = (planned.hold.as_ref(), history.clock_error());
    let unpaused_at = history.unpaused_at(now);
    let common = Common { policy, studio, hold, is_foreign, clock_error, unpaused_at, now };
    let mut rules = RuleLookup::new(&studio.rules);
    let case = Case::new(common, session, history.of(&session.id), &mut rules);
    let case = Case { brake: braked, ..case };
    Explanation {
        decision: lines::decide(&case),
        rules: case.rule_trail(),
        steps: lines::steps(&case),
    }
}

/// Why one session is decided about as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The decision that [`plan`] makes.
    pub decision: Decision,
    /// For each rule up to the one that matched: its name and why it did not match, if so.
    pub rules: Vec<(RuleName, Option<String>)>,
    /// Each question in order, up to and beyond the one that answered.
    pub steps: Vec<Step>,
}

/// An instant moved by a duration, kept within the range of instants.
fn moved(instant: Timestamp, by: SignedDuration) -> Timestamp {
    let edge = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    instant.checked_add(by).unwrap_or(edge)
}

#[cfg(test)]
mod tests;

//! The loop of one studio: scan, act, sleep until something can change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::asking::Asking;
use super::news::commit;
use super::scan::{Arrivals, Memory, Scan, Unrecorded, scan};
use super::tasks::{
    Done, Look, REST_FIRST, is_done_already, log_mark, log_outcome, looks_again, rests_until,
};
use super::trouble::in_vain;
use super::vitals::{Glance, Vitals};
use super::{ENDING_MAX, Ledger};
use crate::audit::StudioPast;
use crate::audit::record::{Data, Deed, Journal, JournalError, Kind, Record, Stage};
use crate::audit::replay::control::WARNED_FOR;
use crate::execute::{Order, Workshop, attempt, mark, marks, orders, session_subject};
use crate::ids::SessionId;
use crate::plan::{Action, CONFIRMED_AFTER, Plan, Reason};
use crate::policy;

/// The shortest time between two looks at a studio, whatever asks for one but a person, whose word counts at once.
pub(super) const REST_MIN: SignedDuration = SignedDuration::from_secs(1);

/// How soon a studio is looked at again that was held, could not be recorded, or had an attempt that
/// came to no answer; however rare its scans are.
pub(super) const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// How long after a call was accepted its effect is looked for first; then twice as long, and so on.
pub(super) const WATCH_FIRST: SignedDuration = SignedDuration::from_secs(2);

/// How long the pause between two such looks becomes.
const WATCH_PAUSE_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Whether a studio has been looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attended {
    Always,
    /// Not for long, and somebody was warned before that: what was planned is to be planned anew.
    Again,
}

/// One studio, looked after.
pub(super) struct Studio {
    workshop: Workshop,
    ledger: Arc<Ledger>,
    vitals: Arc<Vitals>,
    tasks: JoinSet<(SessionId, Done)>,
    in_flight: InFlight,
    /// The sessions whose stop is being marked.
    marking: BTreeSet<SessionId>,
    asking: Asking,
    watch_pause: SignedDuration,
    memory: Memory,
    /// Tells when a person has said something.
    switched: watch::Receiver<()>,
}

impl Studio {
    pub(super) fn new(
        workshop: Workshop,
        ledger: Arc<Ledger>,
        vitals: Arc<Vitals>,
        asking: Asking,
    ) -> Self {
        Self {
            workshop,
            switched: ledger.switched(),
            ledger,
            vitals,
            tasks: JoinSet::new(),
            in_flight: InFlight::default(),
            marking: BTreeSet::new(),
            asking,
            watch_pause: WATCH_FIRST,
            memory: Memory::default(),
        }
    }

    /// Until the program ends, or another policy takes the place of this one.
    pub(super) async fn run(mut self) {
        let ending = self.workshop.ending.clone();
        loop {
            let began = self.workshop.clock.now();
            self.vitals.begins(&self.workshop.studio.id, self.workshop.clock.monotonic());
            // What was said until now is seen by this scan.
            self.switched.mark_unchanged();
            // Reading a studio may be broken off at any point; what acts runs in tasks of its own.
            let Some(wake) = ending.run_until_cancelled(self.scan_and_act(began)).await else {
                break;
            };
            self.rests(self.workshop.clock.now().duration_until(wake));
            if ending.run_until_cancelled(self.rest(wake)).await.is_none() {
                break;
            }
        }
        self.end().await;
    }

    /// Says how long this loop has nothing to do by itself.
    fn rests(&self, rest: SignedDuration) {
        let Workshop { studio, clock, .. } = &self.workshop;
        self.vitals.pulse.rests(&studio.id, rest, clock.monotonic());
    }

    /// One scan. Answers with the instant of the next.
    async fn scan_and_act(&mut self, began: Timestamp) -> Timestamp {
        let began_monotonic = self.workshop.clock.monotonic();
        let scanned = scan(&self.workshop, &self.ledger, &mut self.memory).await;
        let scanned = match scanned {
            Ok(scan) => match self.attend().await {
                Ok(attended) => Ok((scan, attended)),
                Err(error) => Err(Unrecorded { error, scan: Some(Box::new(scan)) }),
            },
            Err(unrecorded) => Err(unrecorded),
        };
        let took = self.workshop.clock.monotonic() - began_monotonic;
        let id = &self.workshop.studio.id.clone();
        match scanned {
            Ok((scan, attended)) => {
                let glance = Glance::of(&scan.plan, &scan.snapshot);
                let change = match attended {
                    Attended::Always => self.follow(&scan),
                    Attended::Again => {
                        self.act(&scan, Order::is_rescue).into_iter().chain([began]).min()
                    }
                };
                let vain = |past: &StudioPast| in_vain(&scan.plan, &scan.snapshot, &past.history);
                self.vitals.planned(id, &scan.plan, self.ledger.with(id, vain));
                let wake = self.next_look(began, change);
                let studio = self.workshop.studio.label();
                tracing::debug!(studio, sessions = scan.plan.decisions.len(), "scanned");
                self.vitals.scanned(id, Glance { next_scan: Some(wake), ..glance }, took);
                self.memory.last = Some(scan);
                wake
            }
            Err(Unrecorded { error, scan }) => {
                let studio = self.workshop.studio.label();
                tracing::error!(studio, %error, "nothing is done until the log can be written");
                // There may be room for less.
                let retry = scan.and_then(|scan| self.act(&scan, Order::is_rescue));
                let wake = self.next_look(began, retry.into_iter().chain([self.soon()]).min());
                self.vitals.scan_failed(id, wake, took);
                wake
            }
        }
    }

    /// Says that the studio is looked after again, where it could not be for long, though nothing held it: the disk was
    /// full, the process stood still, or the policy had left it out. Whoever was warned before is to be warned anew.
    async fn attend(&self) -> Result<Attended, JournalError> {
        let Workshop { studio, clock, policy, .. } = &self.workshop;
        let since = clock.monotonic();
        let away = self.vitals.unattended(&studio.id, since);
        let now = self.ledger.time(clock.as_ref()).await?;
        let is_again =
            away >= WARNED_FOR && self.ledger.with(&studio.id, |past| past.has_overdue(now));
        if is_again {
            let away = SignedDuration::from_mins(away.as_mins());
            let data = Data {
                studio: Some(studio.id.to_string()),
                policy: Some(policy.hash.to_string()),
                note: Some(format!("it could not be looked after for {away:#}")),
                ..Data::default()
            };
            let (kind, subject) = (Kind::StudioUnattended, studio.id.to_string());
            commit(&self.workshop, &self.ledger, vec![Record { time: now, kind, subject, data }])
                .await?;
        }
        self.vitals.attended(&studio.id, since);
        Ok(if is_again { Attended::Again } else { Attended::Always })
    }

    /// Does what a scan asks for. Answers with when it asks for another.
    fn follow(&mut self, scan: &Scan) -> Option<Timestamp> {
        let retry = self.act(scan, |_| true);
        self.set_marks(scan);
        self.asking.begin(&self.workshop, &self.ledger, scan, &self.in_flight);
        let watch = self.next_watch(scan.arrivals);
        // One that came while this scan was recorded is due at once.
        let change = scan.plan.next_change();
        let again = self.looks_again(&scan.plan);
        change.into_iter().chain(watch).chain(retry).chain(again).min()
    }

    /// When the studio is looked at again: regularly, or sooner where something asks for it.
    fn next_look(&self, began: Timestamp, change: Option<Timestamp>) -> Timestamp {
        let now = self.workshop.clock.now();
        let regular = next_scan(&self.workshop.policy.daemon.scan, began, now);
        change.map_or(regular, |change| change.min(regular)).max(later(now, REST_MIN))
    }

    /// When a studio is looked at again in which something is held.
    fn looks_again(&self, plan: &Plan) -> Option<Timestamp> {
        let now = self.workshop.clock.now();
        match &plan.hold {
            // It asks for another listing, and nothing more.
            Some(Reason::InventoryChanged { .. }) => Some(later(now, CONFIRMED_AFTER)),
            Some(_) => Some(self.soon()),
            None => is_held(plan).then(|| self.soon()),
        }
    }

    /// When a studio is looked at again that could not be looked at or acted upon: to look before the
    /// API is asked again is of no use.
    fn soon(&self) -> Timestamp {
        let asked = self.workshop.permits.asks_again();
        asked.unwrap_or_else(|| later(self.workshop.clock.now(), LOOK_AGAIN))
    }

    /// Begins an attempt for each action that is not already under way. Answers with the earliest
    /// instant at which one that came to nothing may be attempted again.
    fn act(
        &mut self,
        Scan { plan, snapshot, .. }: &Scan,
        is_made: impl Fn(&Order) -> bool,
    ) -> Option<Timestamp> {
        if self.tasks.is_empty() {
            // One that ended by itself did not say which session it was about.
            self.in_flight.clear();
            self.marking.clear();
        }
        let mut retry: Option<Timestamp> = None;
        for order in orders(plan, snapshot).filter(is_made) {
            let session = order.decision.session.clone();
            let past = self.ledger.with(&plan.studio, |past| past.history.of(&session).clone());
            if let Some(rests) = rests_until(&order, &past).filter(|at| *at > plan.at) {
                retry = Some(retry.map_or(rests, |earlier| earlier.min(rests)));
                continue;
            }
            // A mark, or another attempt, may wait for its turn for hours, and a rescue must not.
            let is_rescue = order.is_rescue();
            let is_marked = self.marking.contains(&session) && !is_rescue;
            let is_under_way = is_marked || self.in_flight.bars(&session, is_rescue);
            if is_done_already(&order, &past) || is_under_way {
                continue;
            }
            self.in_flight.begin(&session, is_rescue, order.action);
            let workshop = self.workshop.clone();
            self.tasks.spawn(async move {
                let outcome = attempt(&workshop, &order).await;
                (session, Done::Attempt { action: order.action, is_rescue, outcome })
            });
        }
        retry
    }

    /// Marks the proven stops of ours that are to be told by a tag.
    fn set_marks(&mut self, Scan { plan, snapshot, .. }: &Scan) {
        for (session, stopped_at) in marks(plan, snapshot) {
            if self.in_flight.holds(&session.id) || !self.marking.insert(session.id.clone()) {
                continue;
            }
            let (workshop, session) = (self.workshop.clone(), session.clone());
            self.tasks.spawn(async move {
                let marked = mark(&workshop, &session, stopped_at).await;
                (session.id, Done::Mark(marked))
            });
        }
    }

    /// When to look for what is under way.
    fn next_watch(&mut self, arrivals: Arrivals) -> Option<Timestamp> {
        if arrivals.pending == 0 {
            self.watch_pause = WATCH_FIRST;
            return None;
        }
        let pause = self.watch_pause;
        self.watch_pause = longer(pause);
        Some(later(self.workshop.clock.now(), pause))
    }

    /// Sleeps, and takes in what came of tasks; what was accepted is soon looked for.
    async fn rest(&mut self, mut wake: Timestamp) {
        let clock = Arc::clone(&self.workshop.clock);
        let mut rested = clock.monotonic() + clock.now().duration_until(wake);
        loop {
            let (at, after) = (clock.sleep_until(wake), clock.sleep(rested - clock.monotonic()));
            tokio::select! {
                // In this order each time, so that a simulation can be repeated.
                biased;
                () = at => return,
                // A clock that was set back would otherwise be waited for all over again.
                () = after => return,
                Ok(()) = self.switched.changed() => return,
                Some(ended) = self.asking.next() => {
                    if let Some(pause) = self.asking.take_in(ended) {
                        wake = wake.min(later(clock.now(), pause));
                    }
                }
                Some(ended) = self.tasks.join_next() => {
                    if let Some(again) = self.take_in(ended) {
                        wake = wake.min(again);
                    }
                }
            }
            rested = rested.min(clock.monotonic() + clock.now().duration_until(wake));
        }
    }

    /// Answers with when the studio is to be looked at again because of it, if it is.
    fn take_in(
        &mut self,
        ended: Result<(SessionId, Done), tokio::task::JoinError>,
    ) -> Option<Timestamp> {
        let (session, done) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                tracing::error!(%error, "a task ended by itself");
                return None;
            }
        };
        let studio = self.workshop.studio.label();
        match done {
            Done::Attempt { action, is_rescue, outcome } => {
                self.in_flight.end(&session, is_rescue);
                log_outcome(studio, &session, action, &outcome);
                let attempt = (&session, action);
                self.vitals.attempted(&self.workshop.studio.id, attempt, &outcome, is_rescue);
                match looks_again(&outcome, is_rescue)? {
                    Look::Watch => Some(later(self.workshop.clock.now(), self.watch_pause)),
                    Look::AfterRest => Some(later(self.workshop.clock.now(), REST_FIRST)),
                    Look::AfterDisk => Some(later(self.workshop.clock.now(), REST_FIRST * 2)),
                    Look::Soon => Some(self.soon()),
                }
            }
            Done::Mark(mark) => {
                self.marking.remove(&session);
                log_mark(studio, &session, &mark);
                None
            }
        }
    }

    /// Waits for calls in flight, as long as may be, and records the rest as unanswered.
    async fn end(&mut self) {
        self.rests(ENDING_MAX);
        let deadline = self.workshop.clock.sleep(ENDING_MAX);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                biased;
                () = &mut deadline => break,
                ended = self.tasks.join_next() => match ended {
                    Some(ended) => { self.take_in(ended); }
                    None => break,
                },
            }
        }
        // Nothing of this policy's is still to be recorded once the next takes its place.
        self.asking.end().await;
        self.tasks.shutdown().await;
        // Of a mark its intent says that it was begun, and it is not tried again.
        let unanswered = self.in_flight.all();
        let unanswered =
            unanswered.filter_map(|(session, action)| self.unanswered(session, action));
        if let Err(error) = self.ledger.commit(unanswered.collect()).await {
            tracing::error!(%error, "calls without an answer could not be recorded");
        }
    }

    fn unanswered(&self, session: &SessionId, action: Action) -> Option<Record> {
        let studio = &self.workshop.studio.id;
        let open = |past: &StudioPast| past.history.of(session).open_intent(action).cloned();
        let intent = self.ledger.with(studio, open)?;
        let data = Data {
            studio: Some(studio.to_string()),
            session: Some(session.to_string()),
            client_token: Some(intent.token),
            note: Some("the program, or its policy, ended before the answer".to_owned()),
            ..Data::default()
        };
        let subject = session_subject(studio, session);
        let kind = Deed { action, stage: Stage::Unanswered }.kind();
        Some(Record { time: self.workshop.clock.now(), kind, subject, data })
    }
}

/// The attempts under way: of each session one that is usual, and one that rescues it.
#[derive(Debug, Default)]
pub(super) struct InFlight(BTreeMap<(SessionId, bool), Action>);

impl InFlight {
    fn begin(&mut self, session: &SessionId, is_rescue: bool, action: Action) {
        self.0.insert((session.clone(), is_rescue), action);
    }

    fn end(&mut self, session: &SessionId, is_rescue: bool) {
        self.0.remove(&(session.clone(), is_rescue));
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether any is under way about a session.
    pub(super) fn holds(&self, session: &SessionId) -> bool {
        self.bars(session, false)
    }

    /// Whether one is under way that another has to wait for. A rescue waits for a rescue alone: two starts of
    /// one stop carry one token, and each reads the session before.
    fn bars(&self, session: &SessionId, is_rescue: bool) -> bool {
        let has = |is_rescue| self.0.contains_key(&(session.clone(), is_rescue));
        has(true) || (!is_rescue && has(false))
    }

    /// The sessions, each with what is attempted, once.
    fn all(&self) -> impl Iterator<Item = (&SessionId, Action)> {
        let is_other = |session: &SessionId, action: &Action| {
            self.0.get(&(session.clone(), false)) != Some(action)
        };
        let all = self.0.iter();
        let once = all
            .filter(move |((session, is_rescue), action)| !*is_rescue || is_other(session, action));
        once.map(|((session, _), action)| (session, *action))
    }
}

/// Whether anything in a studio is held.
pub(super) fn is_held(plan: &Plan) -> bool {
    plan.holds().next().is_some()
}

/// The pause after this one.
pub(super) fn longer(pause: SignedDuration) -> SignedDuration {
    pause.saturating_mul(2).min(WATCH_PAUSE_MAX)
}

fn next_scan(scan: &policy::Scan, began: Timestamp, now: Timestamp) -> Timestamp {
    /// Where a cron expression has no fire left.
    const WITHOUT_FIRES: SignedDuration = SignedDuration::from_hours(24);
    match scan {
        policy::Scan::Every(interval) => later(began.min(now), *interval),
        policy::Scan::Cron(expression) => {
            expression.next_utc(now).unwrap_or_else(|| later(now, WITHOUT_FIRES))
        }
    }
}

pub(super) fn later(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rescue_waits_for_a_rescue_alone_and_everything_else_for_both() {
        let session: SessionId = "s".into();
        let mut in_flight = InFlight::default();
        let bars =
            |in_flight: &InFlight| [false, true].map(|rescue| in_flight.bars(&session, rescue));
        assert_eq!(bars(&in_flight), [false, false]);
        in_flight.begin(&session, false, Action::Start);
        assert_eq!(bars(&in_flight), [true, false]);
        in_flight.begin(&session, true, Action::Start);
        assert_eq!(bars(&in_flight), [true, true]);
        assert_eq!(in_flight.all().collect::<Vec<_>>(), [(&session, Action::Start)]);
        in_flight.end(&session, false);
        assert_eq!(bars(&in_flight), [true, true]);
        in_flight.end(&session, true);
        assert_eq!(bars(&in_flight), [false, false]);
    }
}

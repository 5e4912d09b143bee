//! The loop of one studio: scan, act, sleep until something can change.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::news::Missing;
use super::scan::{Arrivals, scan};
use super::{ENDING_MAX, Ledger};
use crate::audit::record::{Data, Journal, Kind, Record};
use crate::execute::{self, Outcome, Workshop, session_subject};
use crate::ids::SessionId;
use crate::plan::{Decision, Plan, SessionHistory, Verdict};
use crate::policy::{Mode, Scan};

/// The shortest time between two looks at a studio, whatever asks for one.
const REST_MIN: SignedDuration = SignedDuration::from_secs(1);

/// How soon a studio is looked at again that was held, could not be recorded, or had a session that
/// could not be read before its stop; however rare its scans are.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// How long after a stop was accepted it is looked for first; then twice as long, and so on.
pub(super) const WATCH_FIRST: SignedDuration = SignedDuration::from_secs(2);

/// How long the pause between two looks for a stop becomes.
const WATCH_PAUSE_MAX: SignedDuration = SignedDuration::from_secs(60);

/// One studio, looked after.
pub(super) struct Studio {
    workshop: Workshop,
    ledger: Arc<Ledger>,
    attempts: JoinSet<(SessionId, Outcome)>,
    in_flight: BTreeSet<SessionId>,
    watch_pause: SignedDuration,
    missing: Missing,
}

impl Studio {
    pub(super) fn new(workshop: Workshop, ledger: Arc<Ledger>) -> Self {
        Self {
            workshop,
            ledger,
            attempts: JoinSet::new(),
            in_flight: BTreeSet::new(),
            watch_pause: WATCH_FIRST,
            missing: Missing::default(),
        }
    }

    /// Until the program ends.
    pub(super) async fn run(mut self) {
        let ending = self.workshop.ending.clone();
        loop {
            let began = self.workshop.clock.now();
            // Reading a studio may be broken off at any point; what acts runs in tasks of its own.
            let Some(wake) = ending.run_until_cancelled(self.scan_and_act(began)).await else {
                break;
            };
            if ending.run_until_cancelled(self.rest(wake)).await.is_none() {
                break;
            }
        }
        self.end().await;
    }

    /// One scan. Answers with the instant of the next.
    async fn scan_and_act(&mut self, began: Timestamp) -> Timestamp {
        let studio = self.workshop.studio.label().to_owned();
        let change = match scan(&self.workshop, &self.ledger, &mut self.missing).await {
            Ok(scan) => {
                let retry = self.act(&scan.plan);
                let watch = self.next_watch(scan.arrivals);
                // One that came while this scan was recorded is due at once.
                let change = scan.plan.next_change();
                let again = scan.plan.hold.is_some().then(|| self.soon());
                tracing::debug!(studio, sessions = scan.plan.decisions.len(), "scanned");
                change.into_iter().chain(watch).chain(retry).chain(again).min()
            }
            Err(error) => {
                tracing::error!(studio, %error, "nothing is done until the log can be written");
                Some(self.soon())
            }
        };
        let now = self.workshop.clock.now();
        let regular = next_scan(&self.workshop.policy.daemon.scan, began, now);
        change.map_or(regular, |change| change.min(regular)).max(later(now, REST_MIN))
    }

    fn soon(&self) -> Timestamp {
        later(self.workshop.clock.now(), LOOK_AGAIN)
    }

    /// Begins an attempt for each stop that is not already under way. Answers with the earliest
    /// instant at which one that was refused may be attempted again.
    fn act(&mut self, plan: &Plan) -> Option<Timestamp> {
        if self.attempts.is_empty() {
            // One that ended by itself did not say which session it was about.
            self.in_flight.clear();
        }
        let mut retry: Option<Timestamp> = None;
        for decision in stops(plan) {
            let past =
                self.ledger.with(&plan.studio, |past| past.history.of(&decision.session).clone());
            if let Some(rests) = rests_until(&past, decision.due).filter(|at| *at > plan.at) {
                retry = Some(retry.map_or(rests, |earlier| earlier.min(rests)));
                continue;
            }
            if is_done_already(decision, &past) || !self.in_flight.insert(decision.session.clone())
            {
                continue;
            }
            let (workshop, decision) = (self.workshop.clone(), decision.clone());
            self.attempts.spawn(async move {
                let outcome = execute::stop(&workshop, &decision, &past).await;
                (decision.session, outcome)
            });
        }
        retry
    }

    /// When to look for stops that are under way.
    fn next_watch(&mut self, arrivals: Arrivals) -> Option<Timestamp> {
        if arrivals.pending == 0 {
            self.watch_pause = WATCH_FIRST;
            return None;
        }
        let pause = self.watch_pause;
        self.watch_pause = longer(pause);
        Some(later(self.workshop.clock.now(), pause))
    }

    /// Sleeps, and takes in what attempts came to; a stop that was accepted is soon looked for.
    async fn rest(&mut self, mut wake: Timestamp) {
        loop {
            let sleep = self.workshop.clock.sleep_until(wake);
            tokio::select! {
                () = sleep => return,
                Some(ended) = self.attempts.join_next() => {
                    let now = self.workshop.clock.now();
                    match self.take_in(ended) {
                        Some(Outcome::Accepted) => wake = wake.min(later(now, self.watch_pause)),
                        Some(Outcome::Unread(_)) => wake = wake.min(self.soon()),
                        _ => {}
                    }
                }
            }
        }
    }

    fn take_in(
        &mut self,
        ended: Result<(SessionId, Outcome), tokio::task::JoinError>,
    ) -> Option<Outcome> {
        match ended {
            Ok((session, outcome)) => {
                self.in_flight.remove(&session);
                log_outcome(self.workshop.studio.label(), &session, &outcome);
                Some(outcome)
            }
            Err(error) => {
                tracing::error!(%error, "an attempt ended by itself");
                None
            }
        }
    }

    /// Waits for calls in flight, as long as may be, and records the rest as unanswered.
    async fn end(&mut self) {
        let deadline = self.workshop.clock.sleep(ENDING_MAX);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                () = &mut deadline => break,
                ended = self.attempts.join_next() => match ended {
                    Some(ended) => { self.take_in(ended); }
                    None => return,
                },
            }
        }
        self.attempts.shutdown().await;
        let open = |session: &SessionId| {
            self.ledger.with(&self.workshop.studio.id, |past| past.history.of(session).open.clone())
        };
        let unanswered = |session: &SessionId| {
            let intent = open(session)?;
            let data = Data {
                studio: Some(self.workshop.studio.id.to_string()),
                session: Some(session.to_string()),
                client_token: Some(intent.token),
                note: Some("the program ended before the answer".to_owned()),
                ..Data::default()
            };
            let subject = session_subject(&self.workshop.studio.id, session);
            let time = self.workshop.clock.now();
            Some(Record { time, kind: Kind::StopUnanswered, subject, data })
        };
        let records = self.in_flight.iter().filter_map(unanswered).collect();
        if let Err(error) = self.ledger.commit(records).await {
            tracing::error!(%error, "calls without an answer could not be recorded");
        }
    }
}

/// The decisions that ask for a stop.
pub(super) fn stops(plan: &Plan) -> impl Iterator<Item = &Decision> {
    plan.decisions.iter().filter(|decision| match decision.verdict() {
        Verdict::Stop => true,
        Verdict::Start | Verdict::Warn | Verdict::Keep | Verdict::Hold => false,
    })
}

/// Whether nothing is left to do about a stop but to wait: the service took the call and has not yet
/// come to an end, or the stop was withheld already and would only be withheld again.
pub(super) fn is_done_already(decision: &Decision, past: &SessionHistory) -> bool {
    match decision.mode {
        Mode::Observe => past.withheld.is_some() && past.withheld == decision.due,
        Mode::Enforce => past.open.as_ref().is_some_and(|intent| intent.accepted),
    }
}

/// Until when a session whose stop was refused is let alone: a minute after the first refusal, then
/// twice as long, up to an hour, so that a call that cannot succeed is not made all night.
pub(super) fn rests_until(past: &SessionHistory, due: Option<Timestamp>) -> Option<Timestamp> {
    const FIRST_SECS: i64 = 60;
    const DOUBLINGS_MAX: u32 = 6;
    let attempts = past.attempts?;
    // Attempts of an earlier due instant, such as last night's, are no reason to wait.
    let is_about_this = due.is_none_or(|due| attempts.last >= due);
    let doublings = attempts.ended.saturating_sub(1).min(DOUBLINGS_MAX);
    let rest =
        SignedDuration::from_secs(FIRST_SECS << doublings).min(SignedDuration::from_hours(1));
    is_about_this.then(|| later(attempts.last, rest))
}

/// The pause after this one.
pub(super) fn longer(pause: SignedDuration) -> SignedDuration {
    pause.saturating_mul(2).min(WATCH_PAUSE_MAX)
}

fn next_scan(scan: &Scan, began: Timestamp, now: Timestamp) -> Timestamp {
    /// Where a cron expression has no fire left.
    const WITHOUT_FIRES: SignedDuration = SignedDuration::from_hours(24);
    match scan {
        Scan::Every(interval) => later(began, *interval),
        Scan::Cron(expression) => {
            expression.next_utc(now).unwrap_or_else(|| later(now, WITHOUT_FIRES))
        }
    }
}

pub(super) fn later(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Says on the debug log what came of an attempt.
pub(super) fn log_outcome(studio: &str, session: &SessionId, outcome: &Outcome) {
    let session = session.as_str();
    match outcome {
        Outcome::Accepted => tracing::info!(studio, session, "stop accepted"),
        Outcome::Withheld => tracing::info!(studio, session, "stop withheld: mode is observe"),
        Outcome::Dropped(decision) => {
            tracing::info!(studio, session, why = %decision.reason, "stop dropped");
        }
        Outcome::Unread(error) | Outcome::Rejected(error) => {
            tracing::warn!(studio, session, %error, "not stopped");
        }
        Outcome::Unanswered(error) => {
            tracing::warn!(studio, session, %error, "nobody knows whether it was stopped");
        }
        Outcome::Unrecorded(error) => tracing::error!(studio, session, %error, "no further action"),
        Outcome::Withdrawn => tracing::warn!(studio, session, "not stopped: too late, or ending"),
        Outcome::Ending => tracing::info!(studio, session, "not stopped: the program is ending"),
    }
}

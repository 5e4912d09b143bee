//! The vetoes of one studio that are being asked.
//!
//! Each question has a task of its own, so a command that hangs delays nobody's stop. An answer is recorded
//! by its task; the next look at the studio finds it in the log's memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::{JoinError, JoinSet};

use super::Ledger;
use super::news::commit;
use super::scan::Scan;
use super::studio::{InFlight, LOOK_AGAIN, REST_MIN};
use crate::audit::record::{Data, JournalError, Kind, Record, VetoData};
use crate::execute::{Workshop, seen_data, session_subject};
use crate::ids::{SessionId, VetoName};
use crate::inventory::Session;
use crate::plan::{Decision, VetoSays};
use crate::policy::Veto;
use crate::veto::{Question, Vetoes};

/// How long answers are gathered before the studio is looked at because of them, while others are still
/// waited for: of two hundred answers each would otherwise lead to a listing.
const GATHERED_FOR: SignedDuration = SignedDuration::from_secs(5);

/// The same for answers by which nothing can be stopped: what they say is to be seen, and in no hurry.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(1);

/// What came of one question, once it is over: whether anything may be stopped by its answer.
type Ended = (SessionId, VetoName, Result<bool, JournalError>);

/// The questions under way, each once.
#[derive(Debug)]
pub(super) struct Asking {
    vetoes: Arc<dyn Vetoes>,
    tasks: JoinSet<Ended>,
    under_way: BTreeSet<(SessionId, VetoName)>,
}

impl Asking {
    pub(super) fn new(vetoes: Arc<dyn Vetoes>) -> Self {
        Self { vetoes, tasks: JoinSet::new(), under_way: BTreeSet::new() }
    }

    /// Asks what a plan names and is not being asked, but for sessions of which something is asked already.
    pub(super) fn begin(
        &mut self,
        workshop: &Workshop,
        ledger: &Arc<Ledger>,
        Scan { plan, snapshot, .. }: &Scan,
        in_flight: &InFlight,
    ) {
        if self.tasks.is_empty() {
            // One that ended by itself did not say which question it was.
            self.under_way.clear();
        }
        let decisions = plan.decisions.iter();
        let asks = decisions.filter(|decision| !decision.asks.is_empty());
        for decision in asks.filter(|decision| !in_flight.holds(&decision.session)) {
            let session = snapshot.sessions.get(&decision.session);
            let Some((session, due)) = session.zip(decision.due) else { continue };
            for veto in &decision.asks {
                if self.under_way.insert((session.id.clone(), veto.name.clone())) {
                    let asked = Asked {
                        veto: Arc::clone(veto),
                        session: Arc::clone(session),
                        decision: Arc::clone(decision),
                        due,
                    };
                    let (workshop, ledger) = (workshop.clone(), Arc::clone(ledger));
                    let vetoes = Arc::clone(&self.vetoes);
                    self.tasks.spawn(async move {
                        let recorded = asked.answer(&workshop, &ledger, vetoes.as_ref()).await;
                        (asked.session.id.clone(), asked.veto.name.clone(), recorded)
                    });
                }
            }
        }
    }

    /// The end of the next question; never, where none is under way.
    pub(super) async fn next(&mut self) -> Option<Result<Ended, JoinError>> {
        self.tasks.join_next().await
    }

    /// Answers with how soon the studio is to be looked at because a question is over.
    pub(super) fn take_in(&mut self, ended: Result<Ended, JoinError>) -> Option<SignedDuration> {
        match ended {
            Ok((session, veto, recorded)) => {
                self.under_way.remove(&(session, veto));
                match recorded {
                    Ok(true) => {}
                    Ok(false) => return Some(KEPT_FOR),
                    Err(error) => {
                        tracing::error!(%error, "an answer that cannot be recorded does not count");
                        return Some(LOOK_AGAIN);
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "a question ended by itself");
                return Some(LOOK_AGAIN);
            }
        }
        Some(if self.tasks.is_empty() { REST_MIN } else { GATHERED_FOR })
    }

    /// Breaks off what is being asked, and ends once nothing of it is left.
    pub(super) async fn end(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Waits for every answer. Answers with whether there was any to wait for.
    pub(super) async fn finish(&mut self) -> bool {
        let any = !self.tasks.is_empty();
        while let Some(ended) = self.next().await {
            self.take_in(ended);
        }
        any
    }
}

/// One question.
struct Asked {
    veto: Arc<Veto>,
    session: Arc<Session>,
    decision: Arc<Decision>,
    due: Timestamp,
}

impl Asked {
    /// Asks, and makes the answer durable; answers with whether it keeps nobody. When the program ends, the
    /// question is dropped.
    async fn answer(
        &self,
        workshop: &Workshop,
        ledger: &Ledger,
        vetoes: &dyn Vetoes,
    ) -> Result<bool, JournalError> {
        let question = Question::new(&workshop.studio.id, &self.session, self.due);
        let asked = vetoes.ask(&self.veto, &question);
        let Some(says) = workshop.ending.run_until_cancelled(asked).await else { return Ok(false) };
        let data = Data {
            studio: Some(workshop.studio.id.to_string()),
            session: Some(self.session.id.to_string()),
            mode: Some(self.decision.mode.to_string()),
            rule: self.decision.rule.as_ref().map(ToString::to_string),
            due: Some(self.due),
            policy: Some(workshop.policy.hash.to_string()),
            seen: Some(seen_data(&self.session)),
            veto: Some(VetoData::new(&self.veto.name, &says)),
            ..Data::default()
        };
        let subject = session_subject(&workshop.studio.id, &self.session.id);
        let record = Record { time: workshop.clock.now(), kind: Kind::VetoAnswered, subject, data };
        commit(workshop, ledger, vec![record]).await?;
        Ok(matches!(says, VetoSays::Clear))
    }
}

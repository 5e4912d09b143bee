//! Who is asked whether a session is busy.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;

use super::faults::Fault;
use super::ground::{Ground, locked};
use super::lifeline::Lifeline;
use crate::clock::Clock;
use crate::plan::VetoSays;
use crate::policy::Veto;
use crate::veto::{Question, Vetoes};

/// A render farm that has the weather for it.
#[derive(Debug)]
pub(super) struct Farm {
    ground: Arc<Ground>,
    lifeline: Arc<Lifeline>,
}

impl Farm {
    pub(super) fn new(ground: Arc<Ground>, lifeline: Arc<Lifeline>) -> Self {
        Self { ground, lifeline }
    }
}

impl Vetoes for Farm {
    fn ask<'a>(&'a self, _veto: &'a Veto, question: &'a Question) -> BoxFuture<'a, VetoSays> {
        Box::pin(async move {
            self.lifeline.point().await;
            let slow = self.ground.strikes(Fault::VetoSlow);
            let millis = self.ground.draw(|chance| chance.between(20, 500));
            let millis = if slow { millis * 20 } else { millis };
            self.ground.clock.sleep(SignedDuration::from_millis(millis)).await;
            self.lifeline.point().await;
            let session = question.session.clone();
            locked(&self.ground.asked).insert(session, self.ground.clock.now());
            let mut busy = locked(&self.ground.busy);
            if self.ground.strikes(Fault::VetoFails) {
                // Whatever is no answer counts as busy.
                busy.insert(question.session.clone(), self.ground.clock.now());
                return VetoSays::Failed { words: "it said nothing".to_owned() };
            }
            if self.ground.strikes(Fault::VetoBusy) {
                busy.insert(question.session.clone(), self.ground.clock.now());
                return VetoSays::Busy { words: "it renders".to_owned() };
            }
            busy.remove(&question.session);
            VetoSays::Clear
        })
    }
}

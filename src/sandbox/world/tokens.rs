//! Client tokens: the same token with the same parameters is answered as before and does nothing
//! further; with other parameters it is refused.

use std::collections::{BTreeMap, VecDeque};

use super::Operation;
use super::nouns::Session;
use super::refusal::{CLIENT_TOKEN_LENGTH_MAX, Refusal};

/// How many tokens are remembered; the oldest is forgotten first. The service publishes no lifetime
/// of a token.
pub const TOKENS_MAX: usize = 50_000;

/// What was answered to which token.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    answers: BTreeMap<(Operation, String), Answered>,
    order: VecDeque<(Operation, String)>,
}

#[derive(Clone, Debug)]
struct Answered {
    parameters: String,
    session: Box<Session>,
}

impl Tokens {
    /// The answer that was given before to this very request, if there was one.
    pub(super) fn replay(
        &self,
        operation: Operation,
        token: Option<&str>,
        parameters: &str,
    ) -> Result<Option<Session>, Refusal> {
        let Some(token) = token else { return Ok(None) };
        let length = token.chars().count();
        if length == 0 || length > CLIENT_TOKEN_LENGTH_MAX {
            return Err(Refusal::TokenLength(length));
        }
        match self.answers.get(&(operation, token.to_owned())) {
            None => Ok(None),
            Some(answered) if answered.parameters == parameters => {
                Ok(Some((*answered.session).clone()))
            }
            Some(_) => Err(Refusal::TokenReused(token.to_owned())),
        }
    }

    /// Remembers a success; a request that was refused may be made again with its token.
    pub(super) fn remember(
        &mut self,
        operation: Operation,
        token: Option<&str>,
        parameters: String,
        session: &Session,
    ) {
        let Some(token) = token else { return };
        let key = (operation, token.to_owned());
        self.order.push_back(key.clone());
        self.answers.insert(key, Answered { parameters, session: Box::new(session.clone()) });
        while self.order.len() > TOKENS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.answers.remove(&oldest);
            }
        }
    }
}

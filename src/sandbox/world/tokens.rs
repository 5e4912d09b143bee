//! Client tokens: the same token with the same parameters is answered as before and does nothing
//! further; with other parameters it is refused.

use std::collections::BTreeMap;

use super::Operation;
use super::nouns::{LaunchProfile, Session};
use super::refusal::{CLIENT_TOKEN_LENGTH_MAX, Refusal};
use super::resources::{Member, Stream};
use super::tracked::Tracked;

/// How many tokens are remembered; the oldest is forgotten first. The service publishes no lifetime
/// of a token.
pub const TOKENS_MAX: usize = 50_000;

/// What was answered to which token.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    /// By the order in which they came.
    pub(super) answers: Tracked<u64, Answered>,
    numbers: BTreeMap<(Operation, String), u64>,
}

#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) operation: Operation,
    pub(super) token: String,
    pub(super) parameters: String,
    pub(super) answer: Answer,
}

/// What a change was answered with.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Session(Box<Session>),
    LaunchProfile(Box<LaunchProfile>),
    Member(Box<Member>),
    Stream(Box<Stream>),
    /// Nothing but success.
    Done,
}

/// A type of answer that a token can bring back.
pub(super) trait Remembered: Clone {
    fn into_answer(self) -> Answer;

    /// Nothing where another operation gave the answer, which its key prevents.
    fn of_answer(answer: Answer) -> Option<Self>;
}

macro_rules! remembered {
    ($($type:ty => $variant:ident),+ $(,)?) => {
        $(impl Remembered for $type {
            fn into_answer(self) -> Answer {
                Answer::$variant(Box::new(self))
            }

            fn of_answer(answer: Answer) -> Option<Self> {
                match answer {
                    Answer::$variant(answer) => Some(*answer),
                    _ => None,
                }
            }
        })+
    };
}

remembered! {
    Session => Session,
    LaunchProfile => LaunchProfile,
    Member => Member,
    Stream => Stream,
}

impl Remembered for () {
    fn into_answer(self) -> Answer {
        Answer::Done
    }

    fn of_answer(answer: Answer) -> Option<Self> {
        matches!(answer, Answer::Done).then_some(())
    }
}

impl Tokens {
    /// The answer that was given before to this very request, if there was one.
    pub(super) fn replay<T: Remembered>(
        &self,
        operation: Operation,
        token: Option<&str>,
        parameters: &str,
    ) -> Result<Option<T>, Refusal> {
        let Some(token) = token else { return Ok(None) };
        let length = token.chars().count();
        if length == 0 || length > CLIENT_TOKEN_LENGTH_MAX {
            return Err(Refusal::TokenLength(length));
        }
        let number = self.numbers.get(&(operation, token.to_owned()));
        match number.and_then(|number| self.answers.get(number)) {
            None => Ok(None),
            Some(answered) if answered.parameters == parameters => {
                Ok(T::of_answer(answered.answer.clone()))
            }
            Some(_) => Err(Refusal::TokenReused(token.to_owned())),
        }
    }

    /// Remembers a success; a request that was refused may be made again with its token.
    pub(super) fn remember<T: Remembered>(
        &mut self,
        operation: Operation,
        token: Option<&str>,
        parameters: String,
        answer: &T,
    ) {
        let Some(token) = token else { return };
        let number = self.answers.last_key_value().map_or(0, |(number, _)| number + 1);
        let token = token.to_owned();
        let answer = answer.clone().into_answer();
        self.keep(number, Answered { operation, token, parameters, answer });
        while self.answers.len() > TOKENS_MAX {
            let Some((&oldest, _)) = self.answers.first_key_value() else { return };
            if let Some(forgotten) = self.answers.remove(&oldest) {
                self.numbers.remove(&(forgotten.operation, forgotten.token));
            }
        }
    }

    /// Takes an answer under its number.
    pub(super) fn keep(&mut self, number: u64, answered: Answered) {
        self.numbers.insert((answered.operation, answered.token.clone()), number);
        self.answers.insert(number, answered);
    }
}

//! What came of a command, as an answer: a verdict, or why there is none.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use jiff::SignedDuration;
use serde::Deserialize;

use crate::plan::VetoSays;
use crate::text::one_line;

/// How much of its words is kept, in characters: a sentence, for a table and a record.
const WORDS_MAX: usize = 200;

/// Why there is no answer. None of these repeats what a command printed: nobody knows what that is.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("it could not be begun: {0}")]
    Begin(io::Error),
    #[error("it could not be talked to: {0}")]
    Talk(#[from] io::Error),
    #[error("it did not answer within {0:#}")]
    Late(SignedDuration),
    #[error("its output is longer than {0} bytes")]
    TooLong(u64),
    #[error("{}", ended(*.0))]
    Ended(ExitStatus),
    #[error("it said nothing")]
    Silent,
    #[error("its output is not an object with `busy`, see line {line}, column {column}")]
    Garbled {
        /// From 1.
        line: usize,
        /// From 1; 0 is the end of the line before.
        column: usize,
    },
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit status {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "nobody knows how it ended".to_owned(),
    }
}

/// What a command may print. Members that are not known are passed over.
#[derive(Deserialize)]
struct Verdict {
    busy: bool,
    #[serde(default)]
    reason: Option<String>,
}

/// Reads what a command that has ended printed.
pub(super) fn read(status: ExitStatus, output: &[u8]) -> Result<VetoSays, Fault> {
    if !status.success() {
        return Err(Fault::Ended(status));
    }
    if output.trim_ascii().is_empty() {
        return Err(Fault::Silent);
    }
    let verdict: Verdict = serde_json::from_slice(output)
        .map_err(|error| Fault::Garbled { line: error.line(), column: error.column() })?;
    Ok(match verdict {
        Verdict { busy: true, reason } => {
            VetoSays::Busy { words: one_line(&reason.unwrap_or_default(), WORDS_MAX) }
        }
        Verdict { busy: false, .. } => VetoSays::Clear,
    })
}

impl From<Fault> for VetoSays {
    fn from(fault: Fault) -> Self {
        Self::Failed { words: one_line(&fault.to_string(), WORDS_MAX) }
    }
}

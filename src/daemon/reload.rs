//! What a reload brings: a policy that was read whole, or why there is none.
//!
//! Reading the file is somebody else's; here is decided whether what was read may take effect in a
//! program that runs.

use std::path::Path;

use crate::audit::record::{Data, ErrorData, Kind, Record};
use crate::ids::{PolicyHash, StudioId};
use crate::metrics::ReloadResult;
use crate::policy::Policy;
use crate::text::one_line;

/// How many of a refusal's messages are recorded, and how long each may be: enough to know which
/// mistake it is; `lightsout check` shows all of them.
const MESSAGES_MAX: usize = 3;
const MESSAGE_CHARS_MAX: usize = 200;

/// What somebody read who was asked to read the policy again.
#[derive(Debug, Clone)]
pub enum Reload {
    /// A policy without a mistake.
    Read(Box<Policy>),
    /// A file that cannot take effect.
    Refused(Refusal),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in force.
    Applied,
    /// It was in force already.
    Unchanged,
    /// It cannot take effect, for this reason.
    Refused(String),
    /// That it takes effect could not be recorded.
    Unrecorded(String),
}

impl Outcome {
    /// Why the file is not the policy in force, if it is not.
    pub(super) fn refused(self) -> Option<String> {
        match self {
            Self::Applied | Self::Unchanged => None,
            Self::Refused(why) | Self::Unrecorded(why) => Some(why),
        }
    }

    pub(super) fn result(&self) -> ReloadResult {
        match self {
            Self::Applied => ReloadResult::Applied,
            Self::Unchanged => ReloadResult::Unchanged,
            Self::Refused(_) => ReloadResult::Refused,
            Self::Unrecorded(_) => ReloadResult::Failed,
        }
    }
}

/// Why a file cannot take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What identifies the file's text, where it could be read.
    pub hash: Option<PolicyHash>,
    /// How many errors there are.
    pub errors: usize,
    /// What they say, without any secret; the first of them suffice.
    pub messages: Vec<String>,
}

impl Refusal {
    /// Why a policy cannot take the place of another while the program runs, if it cannot: what these
    /// keys name is open, and locked, until it ends; and who leaves a studio out would have destroyed what is
    /// `to_rescue` there.
    pub(super) fn of_change(
        old: &Policy,
        new: &Policy,
        to_rescue: impl Fn(&StudioId) -> usize,
    ) -> Option<Self> {
        let path = |path: &Path| path.display().to_string();
        let stdout = |policy: &Policy| policy.audit_stdout.to_string();
        let keys = [
            ("[audit] path", path(&old.audit_path), path(&new.audit_path)),
            ("[audit] stdout", stdout(old), stdout(new)),
            ("[daemon] state_dir", path(&old.daemon.state_dir), path(&new.daemon.state_dir)),
            ("[http] listen", listen(old), listen(new)),
            ("[http] token_file", token_file(old), token_file(new)),
        ];
        let changed = keys.into_iter().filter(|(_, old, new)| old != new);
        let changed = changed.map(|(key, old, new)| {
            format!("{key} cannot change from {old} to {new} while the program runs; restart it")
        });
        let left_out = old.studios.keys().filter(|studio| !new.studios.contains_key(*studio));
        let left_out = left_out.filter_map(|studio| match to_rescue(studio) {
            0 => None,
            count => Some(format!(
                "{studio} cannot be left out while sessions of it have to be started before they would be destroyed \
                 ({count} now); type `lightsout pause` instead"
            )),
        });
        let messages: Vec<String> = changed.chain(left_out).collect();
        if messages.is_empty() {
            return None;
        }
        Some(Self { hash: Some(new.hash.clone()), errors: messages.len(), messages })
    }

    /// The refusal in a line, bounded.
    pub(super) fn in_words(&self) -> String {
        let shortened = |message: &String| one_line(message, MESSAGE_CHARS_MAX);
        let shown = self.messages.iter().take(MESSAGES_MAX).map(shortened);
        let shown = shown.collect::<Vec<_>>().join("; ");
        let left = self.errors.saturating_sub(self.messages.len().min(MESSAGES_MAX));
        if left == 0 { shown } else { format!("{shown}; and {left} more") }
    }

    /// Its record.
    pub(super) fn record(&self, time: jiff::Timestamp, in_force: &PolicyHash) -> Record {
        let error = ErrorData {
            problem: "policy_refused".to_owned(),
            operation: None,
            detail: self.in_words(),
        };
        let data = Data {
            policy: self.hash.as_ref().map(ToString::to_string),
            error: Some(error),
            note: Some(format!("{} errors; policy {in_force} stays in force", self.errors)),
            ..Data::default()
        };
        Record { time, kind: Kind::PolicyRefused, subject: String::new(), data }
    }
}

fn listen(policy: &Policy) -> String {
    policy.http.as_ref().map_or("nothing".to_owned(), |http| http.listen.to_string())
}

fn token_file(policy: &Policy) -> String {
    let file = policy.http.as_ref().and_then(|http| http.token_file.as_ref());
    file.map_or("nothing".to_owned(), |file| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(errors: usize, messages: &[&str]) -> Refusal {
        let messages = messages.iter().map(|message| (*message).to_owned()).collect();
        Refusal { hash: None, errors, messages }
    }

    #[test]
    fn a_refusal_is_told_in_a_bounded_line() {
        assert_eq!(refusal(1, &["no such zone"]).in_words(), "no such zone");
        assert_eq!(refusal(4, &["a", "b\nc", "d", "e"]).in_words(), "a; b c; d; and 1 more");
        let long = "x".repeat(300);
        let told = refusal(1, &[&long]).in_words();
        assert_eq!(told, format!("{}...", "x".repeat(200)));
    }
}

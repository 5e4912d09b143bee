//! The client token: the same decision made twice is one effect, the next one is a new one.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::ids::{LaunchProfileId, StudioId};
use crate::inventory::Session;
use crate::plan::Action;
use crate::provider::ClientToken;

/// A hash of studio, session, action, request body, the run (its start; for a start, the stop before
/// it) and the number of the attempt: 64 hexadecimal digits, as many as the service allows.
#[must_use]
pub fn client_token(
    studio: &StudioId,
    session: &Session,
    action: Action,
    attempt: u32,
) -> ClientToken {
    let run = action.run(session).map_or_else(String::new, |instant| instant.to_string());
    let verb = action.to_string();
    let body = match action {
        Action::Stop if session.retains_volumes => "RETAIN",
        Action::Stop | Action::Start => "",
    };
    let attempt = attempt.to_string();
    hashed(&[studio.as_str(), session.id.as_str(), &verb, body, &run, &attempt])
}

/// The token of a call that a person makes by a command at this instant.
#[must_use]
pub fn client_token_by_hand(
    studio: &StudioId,
    session: &Session,
    verb: &str,
    at: Timestamp,
) -> ClientToken {
    hashed(&["by hand", studio.as_str(), session.id.as_str(), verb, &at.to_string()])
}

/// The same for a call that changes a launch profile to what `body` says.
#[must_use]
pub fn client_token_of_profile(
    studio: &StudioId,
    profile: &LaunchProfileId,
    body: &str,
    at: Timestamp,
) -> ClientToken {
    let at = at.to_string();
    hashed(&["by hand", "launch profile", studio.as_str(), profile.as_str(), body, &at])
}

fn hashed(parts: &[&str]) -> ClientToken {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        // A separator that no part contains keeps different parts from joining to the same text.
        hash.update([0]);
    }
    ClientToken(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

//! An artist who starts a session anew, all at once: for simulations of a race.

use jiff::Timestamp;

use super::World;
use super::lifecycle;
use super::nouns::SessionState;
use super::refusal::Refusal;

impl World {
    /// Begins a new run of a session by its owner, READY at once, as if it had been stopped and started
    /// by hand within this second. Says whether it did: a session in transition or failed, and one of
    /// nobody, stay as they are.
    ///
    /// # Errors
    /// There is no such studio or no such session.
    pub fn restart_at_once(
        &mut self,
        studio: &str,
        session: &str,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let at = self.bring_to(now);
        let key = self.key(studio, session)?;
        let restarted = self.with_session(&key, |session, lifetime, timings| {
            let Some(owner) = session.owned_by.clone() else { return false };
            if !matches!(session.state, SessionState::Ready | SessionState::Stopped) {
                return false;
            }
            lifecycle::begin_start(session, &owner, None, timings, at);
            lifecycle::pass_event(session, lifetime, timings, at);
            true
        });
        Ok(restarted.unwrap_or(false))
    }
}

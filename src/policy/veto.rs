//! A veto: a command that is asked whether a session that is otherwise due is busy.

use jiff::SignedDuration;

use crate::ids::VetoName;

/// How long an answer still keeps a session while another one is asked for: in it the command waits for its turn
/// and runs.
const GRACE: SignedDuration = SignedDuration::from_mins(2);

/// One `[veto.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veto {
    /// Its name.
    pub name: VetoName,
    /// The program and its arguments; at least the program. No shell sees them.
    pub command: Vec<String>,
    /// How long the command may take to answer.
    pub timeout: SignedDuration,
    /// How long it may keep a session, from the due instant on; where it was first asked later, or was clear
    /// in between, from then.
    pub defer_max: SignedDuration,
    /// How old an answer may become before it is asked for again.
    pub every: SignedDuration,
}

impl Veto {
    /// How long an answer keeps a session: until the next one should be there.
    #[must_use]
    pub fn counts_for(&self) -> SignedDuration {
        self.every.saturating_add(self.timeout).saturating_add(GRACE)
    }
}

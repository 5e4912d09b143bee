//! Deeds: how far an action has come, and the kind of record that tells of it.
//!
//! What is asked of a session runs through the same stages whatever it is; one table says which
//! kind belongs to which stage of which action, and whoever reads or writes records goes by it.

use super::Kind;
use crate::plan::Action;

/// One stage of one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deed {
    /// What is asked of the session.
    pub action: Action,
    /// How far it has come.
    pub stage: Stage,
}

/// Declares the stages with the kinds of a stop and of a start.
macro_rules! stages {
    ($($(#[$doc:meta])* $stage:ident: $stop:ident, $start:ident;)*) => {
        /// How far an action has come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Stage {
            $($(#[$doc])* $stage,)*
        }

        impl Stage {
            /// Every stage, in the order of an action's life.
            pub const ALL: &'static [Stage] = &[$(Stage::$stage),*];
        }

        impl Deed {
            /// The kind of record that tells of it.
            #[must_use]
            pub fn kind(self) -> Kind {
                match (self.action, self.stage) {
                    $((Action::Stop, Stage::$stage) => Kind::$stop,)*
                    $((Action::Start, Stage::$stage) => Kind::$start,)*
                }
            }
        }

        impl Kind {
            /// The deed that a record of this kind tells of, if it does.
            #[must_use]
            pub fn deed(&self) -> Option<Deed> {
                let (action, stage) = match self {
                    $(Self::$stop => (Action::Stop, Stage::$stage),)*
                    $(Self::$start => (Action::Start, Stage::$stage),)*
                    _ => return None,
                };
                Some(Deed { action, stage })
            }
        }
    };
}

stages! {
    /// The call follows.
    Intended: StopIntended, StartIntended;
    /// No call is made, since the mode is `observe`.
    Withheld: StopWithheld, StartWithheld;
    /// Read again, the session is to be left alone.
    Dropped: StopDropped, StartDropped;
    /// The intent was taken back: no call was made.
    Withdrawn: StopWithdrawn, StartWithdrawn;
    /// The service took the call.
    Accepted: StopAccepted, StartAccepted;
    /// The service refused the call, which had no effect.
    Rejected: StopRejected, StartRejected;
    /// Nobody knows whether the call had an effect.
    Unanswered: StopUnanswered, StartUnanswered;
    /// A listing shows that it was done.
    Proven: StopProven, StartProven;
    /// A listing shows that it was not done, and will not be by this attempt.
    Failed: StopFailed, StartFailed;
    /// A call without an answer has led to nothing.
    Lapsed: StopLapsed, StartLapsed;
    /// It takes longer than the service allows itself.
    Late: StopLate, StartLate;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_a_stop_or_a_start_is_a_stage_of_it_and_no_other_is() {
        for kind in Kind::ALL {
            let noun = kind.as_str().split('.').nth(1);
            let deed = kind.deed();
            let action = deed.map(|deed| deed.action.to_string());
            assert_eq!(action.as_deref(), noun.filter(|noun| ["stop", "start"].contains(noun)));
            assert!(deed.is_none_or(|deed| deed.kind() == *kind), "{kind}");
        }
    }

    #[test]
    fn both_actions_call_their_stages_the_same() {
        for stage in Stage::ALL {
            let verb = |action| {
                let kind = Deed { action, stage: *stage }.kind();
                kind.as_str().rsplit('.').next().unwrap().to_owned()
            };
            assert_eq!(verb(Action::Stop), verb(Action::Start));
        }
    }
}

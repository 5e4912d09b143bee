//! What would change an answer: for people who read why and want it otherwise.

use super::{Action, BrakeBound, Cause, Reason, Unrotated, reason};
use crate::inventory::Wanted;

impl Reason {
    /// What would have to be so for the answer to be another, apart from time passing.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::ListingIncomplete { wanted: Wanted::Clock, .. } => {
                "the right time on this host; `timedatectl` shows whether it is kept".to_owned()
            }
            Self::ListingIncomplete { wanted, .. } => {
                format!("a reading of all the {wanted}; `lightsout plan` shows whether it succeeds")
            }
            Self::AccountMismatch { .. } => {
                "`account` in the policy, or credentials of that account".to_owned()
            }
            Self::AccountUnknown { .. } => {
                "permission to read the studio, its sessions or its launch profiles".to_owned()
            }
            Self::ClockInDoubt { .. } => {
                "a clock that goes forward; the next scan asks again".to_owned()
            }
            Self::ClockJumped { .. } => {
                "a clock that goes on as time does; the scan a minute later asks again".to_owned()
            }
            Self::Paused { .. } => {
                "`lightsout resume`, or `lightsout resume STUDIO` for this studio alone".to_owned()
            }
            Self::InventoryChanged { .. } => {
                "another listing, a minute later, that shows about the same; or `lightsout approve \
                 STUDIO`"
                    .to_owned()
            }
            Self::PolicyChanged { .. } => {
                "`lightsout approve STUDIO`, or the policy as it was before".to_owned()
            }
            Self::Transitional { .. } => "the end of the transition".to_owned(),
            Self::Failed { .. } => "a person who starts, stops or deletes it".to_owned(),
            Self::StateUnknown { .. } | Self::ModeUnknown { .. } => {
                "a version of lightsout that knows the word".to_owned()
            }
            Self::Deleted => "nothing; it is gone".to_owned(),
            Self::StartUnknown | Self::StartInFuture { .. } => {
                "a start of it that the service tells plausibly".to_owned()
            }
            Self::VolumesDeleted => "a session whose volumes are retained when it stops".to_owned(),
            Self::RuleKeep { rule } => {
                format!("rule `{rule}`: its `match`, or its `keep`; or a rule before it")
            }
            Self::RuleUnclear { rule, missing } => {
                format!("the session's {missing}, or a rule `{rule}` that does not ask for it")
            }
            Self::TagKeep { .. } => "the tag lightsout:keep taken away".to_owned(),
            Self::TagKeepUntil { .. } => {
                "the tag lightsout:keep-until taken away, or an earlier instant in it".to_owned()
            }
            Self::KeepTooLong { keep_max, .. } => format!(
                "`lightsout keep SESSION --for '{keep_max:#}'` or for less, `lightsout unkeep SESSION`, or a \
                 longer `keep_max`"
            ),
            Self::KeepEnding { .. } => {
                "`lightsout keep SESSION --until TIME`, with a later one; or a shorter `keep_remind`"
                    .to_owned()
            }
            Self::TagUnreadable { tag, .. } => {
                format!("the tag {tag} corrected or taken away")
            }
            Self::ProfileUnknown => "permission to read its launch profile".to_owned(),
            Self::NotStoppable { remedy, .. } => {
                format!("its launch profile; an administrator can {remedy}")
            }
            Self::OwnerZoneUnknown { .. } => {
                "the owner's `zone` in [people], or a schedule with a zone of its own".to_owned()
            }
            Self::NeverDue => "a `schedule` or a `max_uptime` that applies to it".to_owned(),
            Self::NotDue { cause, .. } | Self::Warning { cause, .. } | Self::Due { cause, .. } => {
                due_remedy(cause)
            }
            Self::StopTooShort { .. } => "a shorter `least_stop`".to_owned(),
            Self::Busy { veto, .. } => {
                format!("the end of what keeps it busy, or a shorter `defer_max` in [veto.{veto}]")
            }
            Self::VetoFailed { veto, .. } => format!(
                "a command of [veto.{veto}] that answers; run it by hand, with a session on its \
                 standard input, to see what it says"
            ),
            Self::VetoUnasked { vetoes } => format!(
                "the answer of {}; the daemon asks, and `plan` and `explain` do not",
                reason::names(vetoes, "`")
            ),
            Self::WouldBeDestroyed { unrotated, .. } => {
                let rotate = match unrotated {
                    Unrotated::NotAsked => "preserve = \"rotate\", which has it rescued in time, ",
                    Unrotated::TooShort
                    | Unrotated::NoReturn
                    | Unrotated::BeforeIdleHours
                    | Unrotated::RescuedAtOnce => "",
                };
                format!(
                    "a longer stopped length of its launch profile, a shorter `return_margin`, \
                     shorter idle hours, {rotate}or preserve = \"allow\", which risks its work"
                )
            }
            Self::WarningOut { .. } => "shorter leads in `warn`; or a keep before then".to_owned(),
            Self::Brake { bound: BrakeBound::HalfPerHour, .. } => {
                "the end of the hour, or a higher `brake`".to_owned()
            }
            Self::Brake { action: Action::Stop, .. } => {
                "`lightsout approve STUDIO`, a higher `brake`, or nothing that is due any more"
                    .to_owned()
            }
            Self::Brake { action: Action::Start, .. } => "`lightsout approve STUDIO`, a higher \
                 `brake`, or fewer sessions to start at once"
                .to_owned(),
            Self::BrakeLatched { .. } => {
                "`lightsout approve STUDIO`, a higher `brake`, or nothing that is due any more"
                    .to_owned()
            }
            Self::Stopped => {
                "a person who starts it; or start = \"resume\" before it is stopped".to_owned()
            }
            Self::NotOurs => "a person who starts it".to_owned(),
            Self::ClosedDay { .. } => "a person who starts it; or another calendar".to_owned(),
            Self::StartNotDue { .. } => {
                "a person who starts it; or a longer `start_lead`".to_owned()
            }
            Self::StartExpired { .. } => {
                "a person who starts it; a longer `catch_up` the next time".to_owned()
            }
            Self::Resume { .. } => "a tag lightsout:keep, which leaves it as it is".to_owned(),
            Self::Rescue { is_observed: true, .. } => {
                "a person who starts it, soon; or mode = \"enforce\"".to_owned()
            }
            Self::Rescue { .. } => "a person who starts it, or deletes it".to_owned(),
            Self::TerminationNear { .. } => "a person who starts it, soon".to_owned(),
        }
    }
}

fn due_remedy(cause: &Cause) -> String {
    match cause {
        Cause::IdleHours { schedule, leased: false, .. } => format!(
            "a keep (a rule, or a tag lightsout:keep-until), or other hours in schedule `{schedule}`"
        ),
        Cause::IdleHours { leased: true, .. } => {
            "a keep (a rule, or a tag lightsout:keep-until), or a longer `lease`".to_owned()
        }
        Cause::MaxUptime { .. } => {
            "a keep (a rule, or a tag lightsout:keep-until), or a longer `max_uptime`".to_owned()
        }
    }
}

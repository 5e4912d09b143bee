//! The sentence of each reason, for people.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{BrakeBound, Reason, direction, durations, names};
use crate::inventory::{Ending, Wanted};
use crate::plan::Announcement;

/// An instant for people: UTC to the minute, or to the second where it has seconds.
struct At(Timestamp);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Timestamp::MAX {
            return f.write_str("the end of time");
        }
        let civil = TimeZone::UTC.to_datetime(self.0);
        let format = if civil.second() == 0 { "%Y-%m-%d %H:%MZ" } else { "%Y-%m-%d %H:%M:%SZ" };
        write!(f, "{}", civil.strftime(format))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ListingIncomplete { wanted: Wanted::Clock, detail, .. } => f.write_str(detail),
            Self::ListingIncomplete { wanted, problem, detail } => {
                write!(f, "the {wanted} could not be read whole: {problem}")?;
                if detail.is_empty() { Ok(()) } else { write!(f, " ({detail})") }
            }
            Self::AccountMismatch { configured, found } => {
                write!(f, "the studio is in account {found}, and the policy says {configured}")
            }
            Self::AccountUnknown { configured } => {
                write!(f, "the policy says account {configured}, and nothing tells the studio's")
            }
            Self::ClockInDoubt { listed } => {
                write!(f, "the clock went back: the listing began at {}", At(*listed))
            }
            Self::Paused { until, who } => {
                write!(f, "{who} wants nothing done until {}", At(*until))
            }
            Self::InventoryChanged { before, now, missing, new } => write!(
                f,
                "{before} sessions were known, and {now} are seen: {missing} are missing and {new} \
                 are new, which another listing has to confirm"
            ),
            Self::PolicyChanged { before, now } => write!(
                f,
                "the policy was changed: {now} sessions are due now, where {before} were due before"
            ),
            Self::ClockJumped { by, until } => write!(
                f,
                "the clock jumped {} by {:#}; nothing is done before {}",
                direction(*by),
                by.abs(),
                At(*until)
            ),
            Self::Transitional { state } => write!(f, "it is {state}"),
            Self::Failed { state, status: Some(status) } => write!(f, "it is {state} ({status})"),
            Self::Failed { state, status: None } => write!(f, "it is {state}"),
            Self::StateUnknown { state } => write!(f, "its state {state} is not known to us"),
            Self::Deleted => f.write_str("it was deleted"),
            Self::StartUnknown => f.write_str("nothing tells when it started"),
            Self::StartInFuture { start } => {
                write!(f, "it starts in the future, at {}", At(*start))
            }
            Self::VolumesDeleted => f.write_str("stopping it would delete its volumes"),
            Self::ModeUnknown { field, value } => {
                write!(f, "its {field} is {value:?}, which is not known to us")
            }
            Self::RuleKeep { rule } => write!(f, "rule `{rule}` keeps it"),
            Self::RuleUnclear { rule, missing } => write!(
                f,
                "nobody can tell whether rule `{rule}` is about it, since its {missing} is not known"
            ),
            Self::TagKeep { value } => write!(f, "its tag lightsout:keep says {value:?}"),
            Self::TagKeepUntil { until } => write!(f, "its tag keeps it until {}", At(*until)),
            Self::TagUnreadable { tag, value } => {
                write!(f, "its tag {tag} = {value:?} cannot be read, which counts as keep")
            }
            Self::KeepTooLong { until: Some(until), keep_max, .. } => write!(
                f,
                "its tag keeps it until {}, further ahead than the keep_max of {keep_max:#}; it counts \
                 all the same",
                At(*until)
            ),
            Self::KeepTooLong { value, until: None, keep_max } => write!(
                f,
                "its tag lightsout:keep says {value:?}, without an end, and keep_max is {keep_max:#}; it \
                 counts all the same"
            ),
            Self::KeepEnding { until, lead } => {
                write!(f, "its tag keeps it until {}, reminded {lead:#} ahead", At(*until))
            }
            Self::ProfileUnknown => f.write_str(
                "its launch profile is not known, so nothing tells whether it may be stopped",
            ),
            Self::NotStoppable { remedy, ending, .. } => {
                write!(f, "its launch profile forbids stopping; to allow it, {remedy}")?;
                match ending {
                    Some(Ending { at, destroys: true }) => {
                        write!(f, "; the service will destroy it at {}", At(*at))
                    }
                    Some(Ending { at, destroys: false }) => {
                        write!(f, "; the service will stop it at {}", At(*at))
                    }
                    None => Ok(()),
                }
            }
            Self::NeverDue => f.write_str("no schedule and no max_uptime applies to it"),
            Self::NotDue { due, cause } => write!(f, "it is due at {}: {cause}", At(*due)),
            Self::StopTooShort { closes, least_stop } => {
                write!(
                    f,
                    "idle hours end at {}; a stop would last shorter than the least_stop of {least_stop:#}",
                    At(*closes)
                )
            }
            Self::Busy { veto, words, until, .. } => {
                write!(f, "veto `{veto}` says that it is busy")?;
                if !words.is_empty() {
                    write!(f, ": {words}")?;
                }
                write!(f, "; this counts until {} at the latest", At(*until))
            }
            Self::VetoFailed { veto, words, until, .. } => write!(
                f,
                "veto `{veto}` gave no answer, which counts as busy until {} at the latest: {words}",
                At(*until)
            ),
            Self::VetoUnasked { vetoes } => {
                write!(f, "it is due, and is to be asked about first: {}", names(vetoes, "`"))
            }
            Self::WouldBeDestroyed { destroyed_after, needed_until, unrotated } => {
                write!(f, "stopped, it would be destroyed after {destroyed_after:#}, ")?;
                match needed_until {
                    Some(until) => write!(f, "and must live until {}", At(*until))?,
                    None => f.write_str("and nothing tells when people are back")?,
                }
                write!(f, "; {unrotated}")
            }
            Self::Warning { due, cause, announcement } => {
                let Announcement { leads, stop_at } = announcement;
                write!(f, "it is due at {}: {cause}; ", At(*due))?;
                write!(f, "warned {} ahead, it stops at {}", durations(leads), At(*stop_at))
            }
            Self::WarningOut { due, stop_at } => {
                write!(f, "it was due at {} and is warned; it stops at {}", At(*due), At(*stop_at))
            }
            Self::Due { due, cause, overruled } => {
                write!(f, "it was due at {}: {cause}", At(*due))?;
                if overruled.is_empty() {
                    return Ok(());
                }
                write!(f, "; kept for as long as it may be by {}", names(overruled, "`"))
            }
            Self::OwnerZoneUnknown { schedule } => write!(
                f,
                "schedule `{schedule}` follows its owner's time zone, and [people] does not name it"
            ),
            Self::Brake { bound: BrakeBound::HalfPerHour, limit, count, .. } => write!(
                f,
                "the brake holds: it was refused before, and with it there would be {count}, where \
                 half of per_hour is {limit}"
            ),
            Self::Brake { action, bound, limit, count } => write!(
                f,
                "the brake holds: with this {action} there would be {count}, and {bound} is {limit}"
            ),
            Self::BrakeLatched { bound, limit, count } => write!(
                f,
                "the brake still holds: there were more stops than {bound} {limit} allows; there would be \
                 {count} now, and nobody has approved them"
            ),
            Self::Stopped => f.write_str("it is off"),
            Self::ClosedDay { until } => {
                write!(f, "it is off, and nothing is started on a closed day, until {}", At(*until))
            }
            Self::NotOurs => f.write_str("it is off, and not by us; it stays off"),
            Self::StartNotDue { start, closes } => {
                write!(f, "it is off until {}: its window closes at {}", At(*start), At(*closes))
            }
            Self::StartExpired { closes, expired } => write!(
                f,
                "it is off: its window closed at {}, and a start could be made until {}",
                At(*closes),
                At(*expired)
            ),
            Self::Resume { closes } => {
                write!(f, "we stopped it in the window that closes at {}", At(*closes))
            }
            Self::Rescue { terminate_at, closes, failures, is_observed, is_late, .. } => {
                let (at, closes) = (At(*terminate_at), At(*closes));
                write!(f, "the service would destroy it at {at}; its window closes at {closes}")?;
                match failures {
                    0 => {}
                    1 => f.write_str("; an attempt to start it came to nothing")?,
                    _ => write!(f, "; {failures} attempts to start it came to nothing")?,
                }
                if *is_observed {
                    f.write_str("; mode observe leaves it to a person")?;
                }
                if *is_late { f.write_str("; it should be on by now") } else { Ok(()) }
            }
            Self::TerminationNear { terminate_at } => {
                write!(f, "it is off, and the service will destroy it at {}", At(*terminate_at))
            }
        }
    }
}

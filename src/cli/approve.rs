//! `lightsout approve`: what is held in a studio may pass, up to the number that is held now.

use std::path::Path;

use super::handing::{Handing, hand_over, until};
use super::{Failure, load, studios};
use crate::audit::record::ReasonData;
use crate::audit::replay::control::approvable;
use crate::clock::{Clock, SystemClock};
use crate::plan::BrakeBound;
use crate::policy::StudioPolicy;
use crate::switch::{APPROVAL_MAX, Approved, Wish};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The studio, by its id or its name in the policy.
    studio: String,

    /// How long it may be used; it ends by itself. At most a day.
    #[arg(long = "for", value_name = "DURATION", default_value = "1h")]
    length: String,

    #[command(flatten)]
    handing: Handing,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let policy = load(path)?;
    let studio = studios::named(&policy, &arguments.studio)?;
    let length = studios::length(&arguments.length, APPROVAL_MAX)?;
    let past = studios::past(&policy.audit_path)?;
    let Some(held) = &past.studio(&studio.id).held else {
        let label = studio.label();
        return Err(Failure::Failed(format!(
            "by the log nothing is held in {label}; nothing to approve"
        )));
    };
    let reason = held.reason.as_ref().ok_or_else(|| refusal(studio, &held.text))?;
    let (count, what) = passing(studio, reason)?;
    let (until, words) = until(SystemClock::new().now(), length);
    let announcement = format!(
        "held in {}: {}\napproval of up to {count} {what} {words}",
        studio.label(),
        held.text
    );
    let ReasonData { code, values, .. } = reason.clone();
    let held = Approved { code, values, policy: held.policy.clone() };
    let wish = Wish::Approve { studio: studio.id.clone(), until, held };
    hand_over(&arguments.handing.state_dir(&policy), &arguments.handing, wish, &announcement)
}

/// What an approval would let pass.
fn passing(studio: &StudioPolicy, reason: &ReasonData) -> Result<(usize, &'static str), Failure> {
    let bound = reason.values.get("bound").map(String::as_str);
    if bound.is_some() && (studio.brake.per_scan == 0 || studio.brake.per_hour == 0) {
        return Err(Failure::Failed(
            "the policy says `brake` 0, which is none at all; a higher number in the policy allows some"
                .to_owned(),
        ));
    }
    if bound == Some(BrakeBound::HalfPerHour.to_string().as_str()) {
        return Err(Failure::Failed(
            "what is held was refused by the service before, and waits for its turn by itself"
                .to_owned(),
        ));
    }
    approvable(reason).ok_or_else(|| refusal(studio, &reason.text))
}

fn refusal(studio: &StudioPolicy, text: &str) -> Failure {
    let label = studio.label();
    Failure::Failed(format!("what holds {label} cannot be approved: {text}"))
}

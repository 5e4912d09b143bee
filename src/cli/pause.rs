//! `lightsout pause`: nothing is done for a while.

use std::path::Path;

use jiff::Timestamp;

use super::handing::{Address, Handing, hand_over, plain, until};
use super::{Failure, output, studios};
use crate::clock::{Clock, SystemClock};
use crate::switch::{PAUSE_MAX, Wish};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The studio, by its id or its name in the policy; all of them where none is named.
    studio: Option<String>,

    /// How long; it ends by itself. At most 30 days.
    #[arg(long = "for", value_name = "DURATION", default_value = "2h")]
    length: String,

    /// Why, for the log.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    #[command(flatten)]
    handing: Handing,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let address = Address::find(path, arguments.studio.as_deref(), &arguments.handing)?;
    let length = studios::length(&arguments.length, PAUSE_MAX)?;
    let note = arguments.reason.clone();
    note.iter().try_for_each(|note| plain("--reason", note))?;
    let (until, words) = until(SystemClock::new().now(), length);
    let place = address.place();
    let announcement =
        format!("pause of {place} {words}: no stop, no start but a rescue, no warning, no tag");
    let wish = Wish::Pause { studio: address.studio(), until, note };
    hand_over(&address.state_dir, &arguments.handing, wish, &announcement)?;
    say_what_stands(&address, until);
    Ok(())
}

/// Says which studios are paused for longer than was asked for: one pause shortens no other. What is wrong with the
/// file or the log is told elsewhere.
fn say_what_stands(address: &Address, until: Timestamp) {
    let Some(policy) = &address.policy else { return };
    let Ok(past) = studios::past(&policy.audit_path) else { return };
    let named = address.studio();
    for studio in policy.studios.values() {
        let paused = past.studio(&studio.id).history.paused.as_ref();
        let is_named = named.as_ref().is_none_or(|named| *named == studio.id);
        if let Some(pause) = paused.filter(|pause| is_named && pause.until > until) {
            output::say(&format!(
                "{} stays paused until {}, as {} asked before: a shorter pause shortens no other, lightsout resume \
                 ends it",
                studio.label(),
                output::utc(pause.until),
                pause.who
            ));
        }
    }
}

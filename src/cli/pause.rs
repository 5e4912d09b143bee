//! `lightsout pause`: nothing is done for a while.

use std::path::Path;

use super::handing::{Address, Handing, hand_over, plain, until};
use super::{Failure, studios};
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
    let address = Address::find(path, arguments.studio.as_deref())?;
    let length = studios::length(&arguments.length, PAUSE_MAX)?;
    let note = arguments.reason.clone();
    note.iter().try_for_each(|note| plain("--reason", note))?;
    let (until, words) = until(SystemClock::new().now(), length);
    let place = address.place();
    anstream::println!(
        "pause of {place} {words}: no stop, no start but a rescue, no warning, no tag"
    );
    let wish = Wish::Pause { studio: address.studio(), until, note };
    hand_over(&address.state_dir, &arguments.handing, wish)
}

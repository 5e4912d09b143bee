//! `lightsout keep` and `unkeep`: sessions that are not to be stopped, by the tags that say so.

use std::path::Path;

use jiff::Timestamp;

use super::by_hand::{self, Asked, Choice, Deed};
use super::{Failure, studios};
use crate::clock::{Clock, SystemClock};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("ends").required(true))]
pub(super) struct KeepArguments {
    /// Until then: RFC 3339, or `+3d`.
    #[arg(long, value_name = "TIME", group = "ends")]
    until: Option<String>,

    /// For so long, as in `3d`.
    #[arg(long = "for", value_name = "DURATION", group = "ends")]
    length: Option<String>,

    /// Until somebody takes it away.
    #[arg(long, group = "ends")]
    always: bool,

    /// Replace also a keep that lasts longer, or that says why in words of its own.
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    choice: Choice,

    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Args)]
pub(super) struct UnkeepArguments {
    #[command(flatten)]
    choice: Choice,

    #[command(flatten)]
    asked: Asked,
}

pub(super) fn keep(path: &Path, arguments: &KeepArguments) -> Result<(), Failure> {
    let now = SystemClock::new().now();
    let deed = Deed::Keep { until: until(arguments, now)?, replace: arguments.replace };
    by_hand::perform(path, &arguments.choice.which()?, &arguments.asked, deed)
}

pub(super) fn unkeep(path: &Path, arguments: &UnkeepArguments) -> Result<(), Failure> {
    by_hand::perform(path, &arguments.choice.which()?, &arguments.asked, Deed::Unkeep)
}

/// When it ends, if it does: in whole seconds, as the tag says it.
fn until(arguments: &KeepArguments, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    let until = match (&arguments.until, &arguments.length) {
        (Some(text), _) => studios::instant(text, now)?,
        (None, Some(text)) => studios::instant(&format!("+{}", text.trim_start_matches('+')), now)?,
        (None, None) => return Ok(None),
    };
    let until = Timestamp::from_second(until.as_second()).unwrap_or(until);
    if until <= now {
        return Err(Failure::Usage(format!("{until} is past: nothing would be kept")));
    }
    Ok(Some(until))
}

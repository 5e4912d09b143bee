//! `lightsout health`: whether the daemon is well, for whoever probes it.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Failure, Format, with_causes};
use crate::clock::{Clock, SystemClock};
use crate::config;
use crate::daemon::Health;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The daemon's state directory, where the policy file is not to be read for it.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,

    /// Exit 0 while it says anything but that it has ended, well or not: for whoever starts it anew otherwise.
    /// What is held or paused would only be without a daemon then.
    #[arg(long)]
    alive: bool,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: Format,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let told = read(path, arguments);
    let is_well = told
        .as_ref()
        .is_ok_and(|health| health.healthy || (arguments.alive && !health.has_ended()));
    match (&told, arguments.format) {
        (Ok(health), Format::Table) => anstream::println!("{}", in_words(health)),
        (Err(why), Format::Table) => anstream::println!("not healthy: {why}"),
        (Ok(health), Format::Json) => {
            let health = serde_json::to_string(health);
            anstream::println!("{}", health.map_err(|error| Failure::of(&error))?);
        }
        (Err(why), Format::Json) => {
            anstream::println!("{}", json!({ "healthy": false, "problems": [why] }));
        }
    }
    if is_well { Ok(()) } else { Err(Failure::Said) }
}

/// What the daemon says of itself, or why nobody can tell: where it would be found is in the policy file.
fn read(path: &Path, arguments: &Arguments) -> Result<Health, String> {
    let state_dir = match &arguments.state_dir {
        Some(directory) => directory.clone(),
        None => config::state_dir(path).map_err(|error| with_causes(&error))?,
    };
    let health = Health::read(&state_dir, SystemClock::new().now());
    health.map_err(|error| with_causes(&error))
}

fn in_words(health: &Health) -> String {
    let Health { healthy, since, at, problems, .. } = health;
    if *healthy {
        return format!("healthy since {since}; told at {at}");
    }
    let problems = problems.join("; ").replace(char::is_control, " ");
    format!("not healthy since {since}: {problems}")
}

//! `lightsout check`: the configuration, with every mistake at once, and what it will lead to.

mod online;

use std::path::Path;

use serde_json::{Value, json};

use super::{Failure, Format, output, studios};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, ConfigError, Diagnostics, Loaded};
use crate::files::Exposed;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Read the studios too, and check the policy against their launch profiles and sessions.
    #[arg(long)]
    online: bool,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: Format,

    /// Print the JSON Schema of a policy file instead, for editors.
    #[arg(long)]
    schema: bool,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.schema {
        anstream::print!("{}", config::schema::text());
        return Ok(());
    }
    let now = SystemClock::new().now();
    let loaded = match config::check(path, now) {
        Ok(loaded) => loaded,
        Err(ConfigError::Invalid(diagnostics)) if arguments.format == Format::Json => {
            anstream::println!("{}", diagnostics.to_json());
            return Err(Failure::Shown);
        }
        Err(error) => return Err(error.into()),
    };
    let findings = if arguments.online {
        online::findings(&loaded.policy, &studios::read(&loaded.policy)?)
    } else {
        Vec::new()
    };
    let exposed = &loaded.exposed;
    match arguments.format {
        Format::Json => {
            let mut printed = loaded.warnings.to_json();
            if let Some(list) = printed.as_array_mut() {
                list.extend(exposed.iter().map(exposed_to_json));
                list.extend(findings.iter().map(online::Finding::to_json));
            }
            anstream::println!("{printed}");
        }
        Format::Table => {
            show(&loaded.warnings);
            exposed.iter().for_each(|exposed| anstream::println!("error[exposed-file]: {exposed}"));
            findings.iter().for_each(online::Finding::print);
            if exposed.is_empty() {
                summarize(path, &loaded, findings.len());
            }
        }
    }
    if !exposed.is_empty() {
        return Err(Failure::Shown);
    }
    // A studio that could not be read says nothing of whether its policy fits it.
    if findings.iter().any(online::Finding::is_failure) { Err(Failure::Said) } else { Ok(()) }
}

fn exposed_to_json(exposed: &Exposed) -> Value {
    json!({ "code": "exposed-file", "severity": "error", "message": exposed.to_string() })
}

fn show(diagnostics: &Diagnostics) {
    if !diagnostics.is_empty() {
        anstream::println!("{}", diagnostics.render(output::colour(output::Stream::Data)));
    }
}

fn summarize(path: &Path, loaded: &Loaded, findings: usize) {
    let policy = &loaded.policy;
    let rules: usize = policy.studios.values().map(|studio| studio.rules.len()).sum();
    anstream::println!(
        "{}: good. Mode: {}, studios: {}, rules: {rules}, schedules: {}, warnings: {}.",
        path.display(),
        loaded.mode,
        policy.studios.len(),
        policy.schedules.len(),
        loaded.warnings.len() + findings,
    );
}

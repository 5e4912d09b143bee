//! `lightsout check`: the configuration, with every mistake at once.

use std::path::Path;

use super::{Failure, Format, output};
use crate::config::{self, ConfigError, Diagnostics};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
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
    match config::load(path) {
        Ok(loaded) => {
            show(&loaded.warnings, arguments.format);
            if arguments.format == Format::Table {
                let policy = &loaded.policy;
                let rules: usize = policy.studios.values().map(|studio| studio.rules.len()).sum();
                anstream::println!(
                    "{}: good. Mode: {}, studios: {}, rules: {rules}, schedules: {}, warnings: {}.",
                    path.display(),
                    loaded.mode,
                    policy.studios.len(),
                    policy.schedules.len(),
                    loaded.warnings.len(),
                );
            }
            Ok(())
        }
        Err(ConfigError::Invalid(diagnostics)) if arguments.format == Format::Json => {
            show(&diagnostics, arguments.format);
            Err(Failure::Shown)
        }
        Err(error) => Err(error.into()),
    }
}

fn show(diagnostics: &Diagnostics, format: Format) {
    match format {
        Format::Json => anstream::println!("{}", diagnostics.to_json()),
        Format::Table if diagnostics.is_empty() => {}
        Format::Table => {
            anstream::println!("{}", diagnostics.render(output::colour(output::Stream::Data)));
        }
    }
}

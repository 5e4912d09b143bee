//! `lightsout man DIRECTORY`: the manual pages, one a command, from the command line's definition.

use std::path::PathBuf;

use clap::CommandFactory;

use super::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where to write them.
    directory: PathBuf,
}

pub(super) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let directory = &arguments.directory;
    std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(super::Arguments::command(), directory))
        .map_err(|error| Failure::Failed(format!("{}: {error}", directory.display())))
}

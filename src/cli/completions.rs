//! `lightsout completions SHELL`: what makes a shell complete the command line.

use clap::CommandFactory;

use super::Failure;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// For which shell.
    shell: clap_complete::Shell,
}

#[expect(clippy::unnecessary_wraps, reason = "as every other command")]
pub(super) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    let mut command = super::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "lightsout", &mut script);
    anstream::print!("{}", String::from_utf8_lossy(&script));
    Ok(())
}

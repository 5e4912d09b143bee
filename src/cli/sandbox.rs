//! `lightsout sandbox`: the embedded Nimble Studio alone.

mod lasting;
mod surroundings;

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};

use self::lasting::Lasting;
use self::surroundings::Surroundings;
use super::Failure;
use crate::sandbox::Sandbox;

/// The largest world file or fault plan that is read.
const FILE_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where to listen; only loopback, for it is for this machine alone. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9471")]
    listen: SocketAddr,

    /// The world to serve; by default the studio of some forty artists that the program ships.
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,

    #[command(flatten)]
    lasting: Lasting,

    #[command(flatten)]
    surroundings: Surroundings,
}

pub(super) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let rules = arguments.surroundings.rules()?;
    let begun = arguments.lasting.begin(arguments.world.as_deref())?;
    let options = arguments.surroundings.applied(begun.options)?;
    super::runtime()?.block_on(async {
        let sandbox = Sandbox::bind(arguments.listen, begun.world, options)
            .await
            .map_err(|error| Failure::Failed(format!("{}: {error}", arguments.listen)))?;
        rules.into_iter().for_each(|rule| sandbox.faults().add(rule));
        // A program that started this one reads the address here, once it can be called.
        anstream::println!("{}", sandbox.endpoint_url());
        anstream::eprintln!("the sandbox studio is served until this is interrupted");
        sandbox.serve(interrupted()?).await;
        Ok(())
    })
}

/// The text of a file, which is bounded like everything that is read.
fn read(path: &Path, what: &str) -> Result<String, Failure> {
    let wrong = |what: String| Failure::Usage(format!("{}: {what}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    match read.map_err(|error| wrong(error.to_string()))? as u64 {
        length if length > FILE_BYTES_MAX => {
            Err(wrong(format!("{what} has at most {FILE_BYTES_MAX} bytes")))
        }
        _ => Ok(text),
    }
}

/// Ends with the first SIGTERM or SIGINT.
fn interrupted() -> Result<impl Future<Output = ()>, Failure> {
    let failed =
        |error: std::io::Error| Failure::Failed(format!("signals cannot be heard: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

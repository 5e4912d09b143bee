//! `lightsout init`: looks for studios and their launch profiles, and writes a policy to start from.
//!
//! It changes nothing anywhere, works before there is any policy, and never writes over a file. What it
//! writes is read like any policy before anybody gets it: without a mistake and without a warning.

mod text;

#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use self::text::Found;
use super::list_studios::{plain_connection, region_of, see};
use super::{Failure, output, studios};
use crate::clock::{Clock, SystemClock};
use crate::config;
use crate::ids::Region;
use crate::policy::{Brake, Connection, Settings, StudioPolicy};
use crate::provider::Provider;
use crate::provider::administer::FoundStudio;
use crate::provider::nimble::Connections;

/// By whose region a call is signed where an endpoint is named and no region.
const REGION_OF_ENDPOINTS: &str = "us-west-2";

/// The file's mode: nobody else may write what the daemon acts by.
const FILE_MODE: u32 = 0o644;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Look in this region; by default in that of the environment (`AWS_REGION`).
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,

    /// Ask this endpoint, such as a sandbox, in place of the region's own.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,

    /// Write it to this file, which must not exist; by default to standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { region, endpoint_url, output } = arguments;
    if let Some(path) = output.as_ref().filter(|path| path.symlink_metadata().is_ok()) {
        return Err(exists(path));
    }
    let regions = regions(region, endpoint_url.is_some(), |name| std::env::var(name).ok())?;
    let connections: Vec<Connection> =
        regions.iter().map(|region| plain_connection(region, endpoint_url.as_deref())).collect();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    // An endpoint or a region that no policy may name is not called either.
    for connection in &connections {
        let nobody = FoundStudio {
            id: "stid-nobody".into(),
            name: None,
            display_name: None,
            account: None,
            region: None,
            state: None,
        };
        let connection = Connection { endpoint_url: endpoint_url.clone(), ..connection.clone() };
        let nobody = Found::new(nobody, connection, None);
        check(&text::policy(&[nobody], clock.now()), clock.now())?;
    }
    let found = super::runtime()?.block_on(discover(&clock, connections))?;
    let now = clock.now();
    let text = text::policy(&found, now);
    check(&text, now)?;
    match output {
        None => anstream::print!("{text}"),
        Some(path) => {
            write(path, &text)?;
            let path = path.display();
            anstream::eprintln!(
                "{path}: written, with {} studios. `lightsout -c {path} check --online` and then `plan` \
                 say what it would do",
                found.len()
            );
        }
    }
    Ok(())
}

/// Where to look.
fn regions(
    named: &[String],
    has_endpoint: bool,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, Failure> {
    if !named.is_empty() {
        let mut regions: Vec<String> = Vec::new();
        for region in named {
            if !regions.contains(region) {
                regions.push(region.clone());
            }
        }
        return Ok(regions);
    }
    let of_environment =
        ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| variable(name));
    let of_endpoint = || has_endpoint.then(|| REGION_OF_ENDPOINTS.to_owned());
    match of_environment.filter(|region| !region.is_empty()).or_else(of_endpoint) {
        Some(region) => Ok(vec![region]),
        None => Err(Failure::Usage(
            "nothing says where to look; write --region us-west-2, once for each region".to_owned(),
        )),
    }
}

/// All studios, each with what is in it.
async fn discover(
    clock: &Arc<dyn Clock>,
    connections: Vec<Connection>,
) -> Result<Vec<Found>, Failure> {
    let mut studios: Vec<(FoundStudio, Connection)> = Vec::new();
    for (asked, found, gap) in see(clock, connections).await {
        if let Some(gap) = gap {
            let (region, problem, detail) = (&asked.region, gap.problem, &gap.detail);
            return Err(Failure::Failed(format!(
                "the studios of {region} could not be listed: {problem}: {detail}; nothing was written"
            )));
        }
        for studio in found {
            let region: Region = region_of(&studio, &asked.region);
            let is_known = studios
                .iter()
                .any(|(known, connection)| known.id == studio.id && connection.region == region);
            if !is_known {
                studios.push((studio, Connection { region, ..asked.clone() }));
            }
        }
    }
    if studios.is_empty() {
        return Err(Failure::Failed(
            "there is no studio that these credentials can see; nothing was written".to_owned(),
        ));
    }
    let connections = Connections::new(Arc::clone(clock));
    let looks = studios.into_iter().map(async |(studio, connection)| {
        let policy = StudioPolicy {
            id: studio.id.clone(),
            name: None,
            connection: connection.clone(),
            settings: Settings::built_in(),
            rules: Vec::new(),
            brake: Brake::default(),
            asks_roles: false,
        };
        let snapshot = connections.connect(&policy).observe().await;
        Found::new(studio, connection, Some(snapshot))
    });
    Ok(studios::side_by_side(looks, studios::AT_ONCE).await)
}

/// Reads it as `check` does.
fn check(text: &str, now: Timestamp) -> Result<(), Failure> {
    let wrong = |diagnostics: &config::Diagnostics| {
        let found = diagnostics.render(output::colour(output::Stream::Talk));
        anstream::eprintln!("{found}");
        Failure::Usage("no good policy comes of this; nothing was written".to_owned())
    };
    match config::parse_at("the policy to be written", text, Path::new(""), Some(now)) {
        Ok(loaded) if loaded.warnings.is_empty() => Ok(()),
        Ok(loaded) => Err(wrong(&loaded.warnings)),
        Err(diagnostics) => Err(wrong(&diagnostics)),
    }
}

fn exists(path: &Path) -> Failure {
    Failure::Failed(format!("{} is there already; nothing was written", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(path),
        _ => Failure::Failed(format!("{} cannot be written: {error}", path.display())),
    };
    let options = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).to_owned();
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

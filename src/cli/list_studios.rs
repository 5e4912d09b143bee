//! `lightsout studios`: the studios that the credentials can see, and whether the policy looks after them.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use comfy_table::Table;
use jiff::Timestamp;
use serde::Serialize;

use super::{Failure, Format, load, output, studios};
use crate::clock::{Clock, SystemClock};
use crate::config::ConfigError;
use crate::ids::Region;
use crate::inventory::Gap;
use crate::policy::{Connection, Policy, StudioPolicy};
use crate::provider::Directory;
use crate::provider::administer::FoundStudio;
use crate::provider::nimble::Connections;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// In this region, with the credentials that the policy has for it, or else those of the environment;
    /// by default in each region of the policy.
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: Format,
}

/// One studio in the stable form for programs.
#[derive(Debug, Serialize)]
struct Row {
    studio: String,
    /// Its name for people, or its short one.
    name: Option<String>,
    account: Option<String>,
    region: String,
    /// Nothing where it is in the policy and was not seen.
    state: Option<String>,
    /// Whether the policy looks after it: `yes`, `no`, or `another account` where the policy names one
    /// that is not the studio's, so that nothing is done there.
    looked_after: &'static str,
    /// Its name in the policy.
    policy_name: Option<String>,
    /// Its mode there; a rule may say otherwise.
    mode: Option<String>,
}

#[derive(Debug, Serialize)]
struct Printed {
    at: Timestamp,
    studios: Vec<Row>,
    /// The regions whose studios could not be listed, or not all of them.
    unread: Vec<Unread>,
}

#[derive(Debug, Serialize)]
struct Unread {
    region: String,
    text: String,
}

/// What one connection has seen.
type Seen = (Connection, Vec<FoundStudio>, Option<Gap>);

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let policy = match load(path) {
        Ok(policy) => Some(policy),
        // Who looks for studios may have none in a policy yet.
        Err(Failure::Config(ConfigError::Read { source, .. }))
            if source.kind() == io::ErrorKind::NotFound && !arguments.region.is_empty() =>
        {
            tracing::warn!("there is no policy at {}", path.display());
            None
        }
        Err(failure) => return Err(failure),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let connections = connections(policy.as_ref(), &arguments.region);
    let seen = super::runtime()?.block_on(see(&clock, connections));
    let printed = printed(policy.as_ref(), seen, clock.now());
    match arguments.format {
        Format::Json => output::json(&printed)?,
        Format::Table => {
            for Unread { region, text } in &printed.unread {
                anstream::println!("{region} could not be read whole: {text}");
            }
            if printed.studios.is_empty() {
                anstream::println!("there is no studio that these credentials can see");
            } else {
                output::print(&table(&printed.studios));
            }
        }
    }
    if printed.unread.is_empty() { Ok(()) } else { Err(Failure::Said) }
}

/// Asks all of the connections, side by side.
pub(super) async fn see(clock: &Arc<dyn Clock>, connections: Vec<Connection>) -> Vec<Seen> {
    let all = Connections::new(Arc::clone(clock));
    let asked = connections.into_iter().map(async |connection| {
        let directory = all.directory(&connection);
        let (found, gap) = directory.studios().await;
        (connection, found, gap)
    });
    studios::side_by_side(asked, studios::AT_ONCE).await
}

/// A connection by what the environment has.
pub(super) fn plain_connection(region: &str, endpoint_url: Option<&str>) -> Connection {
    Connection {
        region: region.into(),
        account: None,
        role_arn: None,
        external_id: None,
        profile: None,
        endpoint_url: endpoint_url.map(str::to_owned),
    }
}

/// What to ask: the policy's connections, each once, in the wanted regions.
fn connections(policy: Option<&Policy>, regions: &[String]) -> Vec<Connection> {
    let of_policy = policy.into_iter().flat_map(|policy| policy.studios.values());
    let of_policy =
        of_policy.map(|studio| Connection { account: None, ..studio.connection.clone() });
    let is_wanted = |connection: &Connection| {
        regions.is_empty() || regions.iter().any(|region| region == connection.region.as_str())
    };
    let mut all: BTreeSet<Connection> = of_policy.filter(is_wanted).collect();
    for region in regions {
        if all.iter().all(|connection| connection.region.as_str() != region) {
            all.insert(plain_connection(region, None));
        }
    }
    all.into_iter().collect()
}

/// The id without its region, as the service's ARNs have it.
fn bare(id: &str) -> &str {
    id.split_once(':').map_or(id, |(_, bare)| bare)
}

/// Where a studio is: as it says, as its id says, or where it was asked for.
pub(super) fn region_of(studio: &FoundStudio, asked: &Region) -> Region {
    let by_id = || studio.id.as_str().split_once(':').map(|(region, _)| Region::from(region));
    studio.region.clone().or_else(by_id).unwrap_or_else(|| asked.clone())
}

fn printed(policy: Option<&Policy>, seen: Vec<Seen>, now: Timestamp) -> Printed {
    let mut rows: BTreeMap<(Region, String), Row> = BTreeMap::new();
    let mut unread = Vec::new();
    let mine = || policy.into_iter().flat_map(|policy| policy.studios.values());
    let asked: BTreeSet<Region> = seen.iter().map(|(asked, ..)| asked.region.clone()).collect();
    for (connection, found, gap) in seen {
        for studio in found {
            let region = region_of(&studio, &connection.region);
            let key = (region.clone(), bare(studio.id.as_str()).to_owned());
            let is_same = |mine: &&StudioPolicy| {
                mine.connection.region == region && bare(mine.id.as_str()) == key.1
            };
            let row = row(studio, region.clone(), mine().find(is_same));
            rows.insert(key, row);
        }
        unread.extend(gap.map(|gap| Unread {
            region: connection.region.to_string(),
            text: format!("{}: {}", gap.problem, gap.detail),
        }));
    }
    for studio in mine().filter(|studio| asked.contains(&studio.connection.region)) {
        let region = studio.connection.region.clone();
        let key = (region.clone(), bare(studio.id.as_str()).to_owned());
        rows.entry(key).or_insert_with(|| unseen(studio, region));
    }
    Printed { at: now, studios: rows.into_values().collect(), unread }
}

fn row(studio: FoundStudio, region: Region, mine: Option<&StudioPolicy>) -> Row {
    let configured = mine.and_then(|mine| mine.connection.account.as_ref());
    let looked_after = match mine {
        None => "no",
        Some(_) if configured.is_some() && configured != studio.account.as_ref() => {
            "another account"
        }
        Some(_) => "yes",
    };
    Row {
        studio: studio.id.to_string(),
        name: studio.display_name.or(studio.name),
        account: studio.account.map(|account| account.to_string()),
        region: region.to_string(),
        state: Some(studio.state.unwrap_or_else(|| "unknown".to_owned())),
        looked_after,
        policy_name: mine.and_then(|mine| mine.name.clone()),
        mode: mine.map(|mine| mine.settings.mode.to_string()),
    }
}

/// A studio of the policy that no credentials of it can see.
fn unseen(studio: &StudioPolicy, region: Region) -> Row {
    Row {
        studio: studio.id.to_string(),
        name: None,
        account: studio.connection.account.as_ref().map(ToString::to_string),
        region: region.to_string(),
        state: None,
        looked_after: "yes",
        policy_name: studio.name.clone(),
        mode: Some(studio.settings.mode.to_string()),
    }
}

fn table(rows: &[Row]) -> Table {
    let header = ["STUDIO", "NAME", "ACCOUNT", "REGION", "STATE", "LOOKED AFTER", "AS", "MODE"];
    let mut table = output::table(&header);
    for row in rows {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        table.add_row([
            row.studio.clone(),
            or_dash(&row.name),
            or_dash(&row.account),
            row.region.clone(),
            row.state.clone().unwrap_or_else(|| "not seen".to_owned()),
            row.looked_after.to_owned(),
            or_dash(&row.policy_name),
            or_dash(&row.mode),
        ]);
    }
    table
}

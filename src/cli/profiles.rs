//! `lightsout profiles`: which launch profiles forbid stopping, who is on them, and what that costs by
//! the log.

mod allow_stop;
mod cost;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use comfy_table::Table;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use self::cost::{Cost, Costs};
use super::studios::Notice;
use super::{Failure, Format, load, output, studios};
use crate::ids::LaunchProfileId;
use crate::inventory::{LaunchProfile, Session, SessionState, Snapshot, Stopping};
use crate::plan::hold_of;
use crate::policy::StudioPolicy;
use crate::report::Prices;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    list: List,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Let sessions of a launch profile be stopped: shown, confirmed, recorded, and waited for.
    AllowStop(allow_stop::Arguments),
}

#[derive(Debug, clap::Args)]
struct List {
    /// The studio, by its id or its name in the policy; all of them where none is named.
    studio: Option<String>,

    /// What it costs from then on: RFC 3339, or `-7d`; by default as far as the log goes back.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: Format,
}

/// One launch profile in the stable form for programs.
#[derive(Debug, Serialize)]
struct Row {
    studio: String,
    studio_name: Option<String>,
    launch_profile: String,
    launch_profile_name: Option<String>,
    /// `allowed`, `forbidden`, `unclear`, or `gone` where only the log knows it.
    stopping: &'static str,
    /// How long what is stopped may stay off, where that ends.
    destroyed_after_seconds: Option<i64>,
    /// What that means, and what would allow stopping where it is forbidden.
    text: String,
    sessions: usize,
    /// How many of them are not off.
    running: usize,
    /// How many sessions the log saw running in idle hours because stopping is forbidden.
    idle_sessions: usize,
    /// For how long, together.
    idle_hours: f64,
    /// What that has cost, in USD: an estimate by the price table.
    idle_cost_usd: f64,
    /// The part of the hours whose price is not known.
    unpriced_hours: f64,
}

#[derive(Debug, Serialize)]
struct Printed {
    at: Timestamp,
    /// From when on the log was read; nothing where there is none.
    since: Option<Timestamp>,
    profiles: Vec<Row>,
    /// The studios that could not be read whole, or are held for another reason.
    holds: Vec<Notice>,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Some(Command::AllowStop(arguments)) => allow_stop::main(path, arguments),
        None => list(path, &arguments.list),
    }
}

fn list(path: &Path, arguments: &List) -> Result<(), Failure> {
    let policy = load(path)?;
    let named = arguments.studio.as_deref();
    let only = named.map(|name| studios::named(&policy, name)).transpose()?;
    let seen = studios::read_of(&policy, only)?;
    let since = arguments.since.as_deref();
    let since = since.map(|text| studios::instant(text, seen.now)).transpose()?;
    let prices = Prices::new(&policy.prices);
    let log = cost::read(&policy.audit_path)?;
    let since = log.begins.map(|begins| since.map_or(begins, |since| since.max(begins)));
    let costs = log.costs(&seen.studios, since, &prices, seen.now);
    let mut printed = Printed { at: seen.now, since, profiles: Vec::new(), holds: Vec::new() };
    for (studio, snapshot) in &seen.studios {
        if let Some(reason) = hold_of(studio, snapshot, seen.history(&studio.id), seen.now) {
            printed.holds.push(Notice::of(studio, reason.to_string()));
        }
        printed.profiles.extend(rows(studio, snapshot, &costs));
    }
    match arguments.format {
        Format::Json => output::json(&printed)?,
        Format::Table => show(&printed, &prices),
    }
    if printed.holds.is_empty() { Ok(()) } else { Err(Failure::Said) }
}

/// The launch profiles that are there, and those that only the log knows, by name.
fn rows(studio: &StudioPolicy, snapshot: &Snapshot, costs: &Costs) -> Vec<Row> {
    let none = BTreeMap::new();
    let costs = costs.get(&studio.id).unwrap_or(&none);
    let there = snapshot.profiles.iter();
    let there = there.map(|(id, profile)| row(studio, snapshot, id, Some(profile), costs.get(id)));
    let gone = costs.iter().filter(|(id, _)| !snapshot.profiles.contains_key(*id));
    let gone = gone.map(|(id, cost)| row(studio, snapshot, id, None, Some(cost)));
    let mut rows: Vec<Row> = there.chain(gone).collect();
    rows.sort_by_key(|row| (row.launch_profile_name.clone(), row.launch_profile.clone()));
    rows
}

fn row(
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    id: &LaunchProfileId,
    profile: Option<&LaunchProfile>,
    cost: Option<&Cost>,
) -> Row {
    let none = Cost::default();
    let cost = cost.unwrap_or(&none);
    let on_it = OnIt::of(snapshot, id);
    let stopping = profile.map(|profile| &profile.stopping);
    let hours = |length: SignedDuration| hundredths(length.as_secs_f64() / 3600.0);
    Row {
        studio: studio.id.to_string(),
        studio_name: studio.name.clone(),
        launch_profile: id.to_string(),
        launch_profile_name: profile.map_or_else(|| cost.name.clone(), |p| p.name.clone()),
        stopping: match stopping {
            Some(Stopping::Allowed { .. }) => "allowed",
            Some(Stopping::Forbidden(_)) => "forbidden",
            Some(Stopping::Unclear(_)) => "unclear",
            None => "gone",
        },
        destroyed_after_seconds: match stopping {
            Some(Stopping::Allowed { destroyed_after }) => {
                destroyed_after.map(|after| after.as_secs())
            }
            _ => None,
        },
        text: stopping.map_or_else(|| "it is not there any more".to_owned(), sentence),
        sessions: on_it.all,
        running: on_it.all - on_it.off,
        idle_sessions: cost.sessions.len(),
        idle_hours: hours(cost.idle),
        idle_cost_usd: hundredths(cost.usd),
        unpriced_hours: hours(cost.unpriced),
    }
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// How many sessions are on a launch profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OnIt {
    all: usize,
    off: usize,
}

impl OnIt {
    fn of(snapshot: &Snapshot, profile: &LaunchProfileId) -> Self {
        let is_there = |session: &&Session| {
            session.launch_profile.as_ref() == Some(profile)
                && session.state != SessionState::Deleted
        };
        let on_it = snapshot.sessions.values().map(AsRef::as_ref).filter(is_there);
        on_it.fold(Self { all: 0, off: 0 }, |Self { all, off }, session| Self {
            all: all + 1,
            off: off + usize::from(session.state == SessionState::Stopped),
        })
    }
}

/// What stopping a session that is launched from it does.
fn sentence(stopping: &Stopping) -> String {
    match stopping {
        Stopping::Allowed { destroyed_after: None } => {
            "its sessions may be stopped, and stay off for as long as anybody likes".to_owned()
        }
        Stopping::Allowed { destroyed_after: Some(after) } => format!(
            "its sessions may be stopped; one that is off for {} the service destroys with its work",
            output::hours(*after)
        ),
        Stopping::Forbidden(forbidden) => {
            format!("its sessions may not be stopped; to allow it, {}", forbidden.remedy)
        }
        Stopping::Unclear(doubt) => format!("nobody can tell what stopping does: {doubt}"),
    }
}

fn show(printed: &Printed, prices: &Prices) {
    for held in &printed.holds {
        anstream::println!("{}", held.line(" is held: "));
    }
    if printed.profiles.is_empty() {
        anstream::println!("there is no launch profile");
        return;
    }
    output::print(&table(&printed.profiles));
    for line in summary(printed, prices) {
        anstream::println!("{line}");
    }
}

fn table(rows: &[Row]) -> Table {
    let header = ["PROFILE", "ID", "STOPPING", "SESSIONS", "RUNNING", "IDLE, KEPT ON", "COST"];
    let cells =
        rows.iter().map(|row| (row.studio.as_str(), row.studio_name.as_deref(), cells(row)));
    output::table_of_studios(&header, cells)
}

fn cells(row: &Row) -> [String; 7] {
    let after = row.destroyed_after_seconds.map(SignedDuration::from_secs);
    let stopping = match (row.stopping, after) {
        ("allowed", Some(after)) => format!("yes, for {}", output::hours(after)),
        ("allowed", None) => "yes".to_owned(),
        ("forbidden", _) => "no".to_owned(),
        (other, _) => other.to_owned(),
    };
    let has_cost = row.idle_sessions > 0;
    let cost = match has_cost {
        true if row.unpriced_hours > 0.0 && row.idle_cost_usd <= 0.0 => "unknown".to_owned(),
        true => format!("${:.2}", row.idle_cost_usd),
        false => "-".to_owned(),
    };
    [
        row.launch_profile_name.clone().unwrap_or_else(|| "-".to_owned()),
        row.launch_profile.clone(),
        stopping,
        row.sessions.to_string(),
        row.running.to_string(),
        if has_cost { format!("{:.1}h", row.idle_hours) } else { "-".to_owned() },
        cost,
    ]
}

fn summary(printed: &Printed, prices: &Prices) -> Vec<String> {
    let rows = &printed.profiles;
    let forbidding = rows.iter().filter(|row| row.stopping == "forbidden").count();
    let mut lines = vec![format!("{forbidding} of {} launch profiles forbid stopping", rows.len())];
    match printed.since {
        None => lines.push("there is no log yet that could tell what that costs".to_owned()),
        Some(since) => {
            let sessions: usize = rows.iter().map(|row| row.idle_sessions).sum();
            let sum = |of: fn(&Row) -> f64| rows.iter().map(of).sum::<f64>();
            let unpriced = sum(|row| row.unpriced_hours);
            let without = match unpriced > 0.0 {
                true => format!("; without {unpriced:.1}h whose price is not known"),
                false => String::new(),
            };
            lines.push(format!(
                "by the log since {} that kept {sessions} sessions on for {:.1}h of their idle hours, \
                 for about ${:.2} by on-demand prices of {} or the policy's own{without}",
                output::utc(since),
                sum(|row| row.idle_hours),
                sum(|row| row.idle_cost_usd),
                prices.built_in_date(),
            ));
        }
    }
    if forbidding > 0 {
        let how = "to allow it: lightsout profiles allow-stop PROFILE --stopped-length 2d";
        lines.push(how.to_owned());
    }
    lines
}

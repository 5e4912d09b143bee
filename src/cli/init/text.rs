//! The text of a policy to start from.
//!
//! Names come from the service and may hold anything: in a value they are quoted, in a comment they are one
//! line without control characters.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::cli::output;
use crate::ids::LaunchProfileId;
use crate::inventory::{LaunchProfile, SessionState, Snapshot, Stopping};
use crate::policy::Connection;
use crate::provider::administer::FoundStudio;
use crate::text::one_line;

/// The time zone of most who work in a region, as a guess: what is written says that it is one.
const ZONES: &[(&str, &str)] = &[
    ("us-east-1", "America/New_York"),
    ("us-east-2", "America/New_York"),
    ("us-west-2", "America/Los_Angeles"),
    ("ca-central-1", "America/Toronto"),
    ("eu-central-1", "Europe/Berlin"),
    ("eu-north-1", "Europe/Stockholm"),
    ("eu-west-1", "Europe/Dublin"),
    ("eu-west-2", "Europe/London"),
    ("ap-northeast-1", "Asia/Tokyo"),
    ("ap-southeast-1", "Asia/Singapore"),
    ("ap-southeast-2", "Australia/Sydney"),
];

/// How long a name in a comment may be, in characters.
const NAME_MAX: usize = 80;

/// A studio and what is in it.
pub(super) struct Found {
    studio: FoundStudio,
    connection: Connection,
    /// Nothing where nobody has looked.
    snapshot: Option<Snapshot>,
}

impl Found {
    pub(super) fn new(
        studio: FoundStudio,
        connection: Connection,
        snapshot: Option<Snapshot>,
    ) -> Self {
        Self { studio, connection, snapshot }
    }

    fn zone(&self) -> &'static str {
        let region = self.connection.region.as_str();
        ZONES.iter().find(|(known, _)| *known == region).map_or("UTC", |(_, zone)| zone)
    }

    /// Whose it is, as far as everything that was seen says the same.
    fn account(&self) -> Option<&str> {
        let mut accounts = self.snapshot.iter().flat_map(|snapshot| &snapshot.accounts);
        let account = self.studio.account.as_ref()?;
        accounts.all(|other| other == account).then(|| account.as_str())
    }

    fn name(&self) -> Option<&str> {
        let name = self.studio.display_name.as_deref().or(self.studio.name.as_deref());
        let is_plain = |name: &&str| !name.trim().is_empty() && !name.chars().any(char::is_control);
        name.filter(is_plain)
    }
}

/// The whole file.
pub(super) fn policy(found: &[Found], now: Timestamp) -> String {
    let schedules = schedules(found);
    let mut text = head(now);
    for (zone, name) in &schedules {
        text += &schedule(zone, name);
    }
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for name in found.iter().filter_map(Found::name) {
        *names.entry(name).or_default() += 1;
    }
    for one in found {
        // A name that two have says nothing.
        let name = one.name().filter(|name| names[name] == 1);
        text += &studio(one, name, &schedules[one.zone()]);
    }
    text
}

fn head(now: Timestamp) -> String {
    format!(
        r#"# A policy to start from, written by `lightsout init` at {}.
#
# It only looks: in mode "observe" the daemon changes nothing. Before it acts:
#   lightsout -c FILE check --online     what is wrong with it, and which windows are too long for whom
#   lightsout -c FILE plan --at +12h     what would be decided about each session tonight
#   lightsout -c FILE run --dry-run      the daemon without any effect; `audit show` says what it would have done
# then write the hours of the artists below, and mode = "enforce"; for one studio or one rule first, if you like.

version = 1
mode = "observe"

# Where the daemon keeps its state and its log; both must be its own. These are the defaults:
# [daemon]
# state_dir = "/var/lib/lightsout"
# [audit]
# path = "/var/log/lightsout/audit.jsonl"
"#,
        output::utc(now)
    )
}

/// The name of the schedule of each time zone.
fn schedules(found: &[Found]) -> BTreeMap<&'static str, String> {
    let zones: BTreeMap<&str, String> =
        found.iter().map(|one| (one.zone(), one.connection.region.to_string())).collect();
    let is_one = zones.len() == 1;
    let name =
        |region: String| if is_one { "nights".to_owned() } else { format!("nights-{region}") };
    zones.into_iter().map(|(zone, region)| (zone, name(region))).collect()
}

fn schedule(zone: &str, name: &str) -> String {
    format!(
        r#"
# The hours in which a session should be off. The zone is a guess by the region: write the artists' own.
[schedule.{name}]
zone = {}
idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]
"#,
        quoted(zone)
    )
}

fn studio(found: &Found, name: Option<&str>, schedule: &str) -> String {
    let Found { studio, connection, snapshot } = found;
    let mut text = format!("\n[[studio]]\nid = {}\n", quoted(studio.id.as_str()));
    if let Some(name) = name {
        line(&mut text, &format!("name = {}", quoted(name)));
    }
    line(&mut text, &format!("region = {}", quoted(connection.region.as_str())));
    match found.account() {
        Some(account) => {
            line(&mut text, "# Where another account answers, nothing is stopped.");
            line(&mut text, &format!("account = {}", quoted(account)));
        }
        None => line(
            &mut text,
            "# Nothing tells for certain whose it is. Write its account: where another one answers, nothing \
             is stopped.",
        ),
    }
    if let Some(url) = &connection.endpoint_url {
        line(&mut text, &format!("endpoint_url = {}", quoted(url)));
    }
    line(&mut text, &format!("schedule = {}", quoted(schedule)));
    if let Some(snapshot) = snapshot {
        text += &profiles(snapshot);
    }
    text
}

/// What is in it, as comments.
fn profiles(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for gap in &snapshot.gaps {
        let (wanted, problem) = (gap.wanted, gap.problem);
        let detail = one_line(&gap.detail, NAME_MAX);
        comment(&mut text, &format!("The {wanted} could not be read whole: {problem}: {detail}"));
    }
    let live = |id: Option<&LaunchProfileId>| {
        let sessions = snapshot.sessions.values();
        let sessions = sessions.filter(|session| session.state != SessionState::Deleted);
        let on_it =
            sessions.filter(|session| id.is_none() || session.launch_profile.as_ref() == id);
        on_it.count()
    };
    comment(
        &mut text,
        &format!(
            "Launch profiles: {}, sessions: {}, when this was written.",
            snapshot.profiles.len(),
            live(None)
        ),
    );
    let mut profiles: Vec<_> = snapshot.profiles.iter().collect();
    profiles.sort_by_key(|(id, profile)| (&profile.name, *id));
    for (id, profile) in profiles {
        text += &of_profile(id, profile, live(Some(id)));
    }
    text
}

fn of_profile(id: &LaunchProfileId, profile: &LaunchProfile, sessions: usize) -> String {
    let mut text = String::new();
    let name = one_line(profile.name.as_deref().unwrap_or("without a name"), NAME_MAX);
    comment(
        &mut text,
        &format!("  {name} ({}), sessions: {sessions}", one_line(id.as_str(), NAME_MAX)),
    );
    match &profile.stopping {
        Stopping::Allowed { destroyed_after: None } => {
            comment(&mut text, "    may be stopped, and stay off for as long as anybody likes.")
        }
        Stopping::Allowed { destroyed_after: Some(after) } => {
            let after = output::hours(*after);
            comment(
                &mut text,
                &format!(
                    "    may be stopped; one that is off for {after} the service destroys with its work. \
                     A window that is"
                ),
            );
            comment(
                &mut text,
                "    too long for that stops none of them, unless `preserve` says otherwise.",
            );
        }
        Stopping::Forbidden(forbidden) => {
            comment(&mut text, "    FORBIDS STOPPING: its sessions are kept on. To allow it,");
            comment(&mut text, &format!("    {};", forbidden.remedy));
            let id = one_line(id.as_str(), NAME_MAX);
            comment(
                &mut text,
                &format!("    or: lightsout -c FILE profiles allow-stop {id} --stopped-length 2d"),
            );
        }
        Stopping::Unclear(doubt) => {
            let doubt = one_line(&doubt.to_string(), NAME_MAX);
            comment(
                &mut text,
                &format!(
                    "    leaves open what stopping does, so its sessions are kept on: {doubt}."
                ),
            );
        }
    }
    text
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn comment(text: &mut String, words: &str) {
    line(text, &format!("# {words}"));
}

/// A value of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

//! `lightsout sessions`: what there is, whose it is, what becomes of it, and what it has cost so far.

use std::cmp::Reverse;
use std::path::Path;

use comfy_table::Table;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::studios::Notice;
use super::{Failure, Format, load, output, studios};
use crate::audit::record::ReasonData;
use crate::ids::{InstanceType, LaunchProfileId, OwnerId, StudioRole};
use crate::inventory::{Session, SessionState};
use crate::plan::{Decision, Plan, candidate, kept_until, plan};
use crate::policy::matcher::{Criteria, Judgement};
use crate::policy::{Glob, Matcher, People, Policy, StudioPolicy};
use crate::report::Prices;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The studio, by its id or its name in the policy; all of them where none is named.
    studio: Option<String>,

    #[command(flatten)]
    filter: Filter,

    /// What to sort by; of equal ones, the id decides.
    #[arg(long, value_name = "COLUMN", default_value = "next")]
    sort: Sort,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: Format,
}

/// Which sessions are shown: those that agree with every option that is given. Of an option that is
/// given several times, one suffices. `*` stands for any text, `?` for one character.
#[derive(Debug, Default, clap::Args)]
struct Filter {
    /// In this state, as in READY.
    #[arg(long, value_name = "STATE")]
    state: Vec<String>,

    /// Of this owner: the id, or the name that `[people]` gives it.
    #[arg(long, value_name = "PATTERN")]
    owner: Vec<String>,

    /// Launched from this launch profile: its id or its name.
    #[arg(long, value_name = "PATTERN")]
    profile: Vec<String>,

    /// On this instance type.
    #[arg(long, value_name = "PATTERN")]
    instance_type: Vec<String>,

    /// With this tag.
    #[arg(long, value_name = "KEY=PATTERN", value_parser = tag)]
    tag: Vec<(String, String)>,

    /// With this verdict, as in `stop`.
    #[arg(long, value_name = "VERDICT")]
    verdict: Vec<String>,

    /// For this reason, as in `not_stoppable`.
    #[arg(long, value_name = "CODE")]
    reason: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Sort {
    /// Who changes next comes first.
    Next,
    /// Whose run is the longest.
    Uptime,
    /// Whose run has cost the most.
    Cost,
    /// By the name of the owner.
    Owner,
    /// By the name of the launch profile.
    Profile,
    /// By the state.
    State,
}

fn tag(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = pair.ok_or("write KEY=PATTERN, as in show=heron")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// One session in the stable form for programs.
#[derive(Debug, Serialize)]
struct Row {
    studio: String,
    studio_name: Option<String>,
    session: String,
    owner: Option<String>,
    owner_name: Option<String>,
    /// What the owner is in the studio, where a rule asks for that.
    studio_role: Option<&'static str>,
    launch_profile: Option<String>,
    launch_profile_name: Option<String>,
    instance_type: Option<String>,
    state: String,
    /// The start of the run, of a machine that runs.
    running_since: Option<Timestamp>,
    uptime_seconds: Option<i64>,
    stopped_at: Option<Timestamp>,
    verdict: String,
    reason: String,
    text: String,
    alarm: bool,
    mode: String,
    due: Option<Timestamp>,
    next_change: Option<Timestamp>,
    kept_until: Option<Timestamp>,
    /// What the run has cost so far, in USD: an estimate by the price table. Nothing where that does not
    /// know the instance type.
    run_cost_usd: Option<f64>,
    tags: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Printed {
    at: Timestamp,
    sessions: Vec<Row>,
    /// The studios that could not be read whole, or are held for another reason.
    holds: Vec<Notice>,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let policy = load(path)?;
    let named = arguments.studio.as_deref();
    let only = named.map(|name| studios::named(&policy, name)).transpose()?;
    let filter = arguments.filter.read(&policy.people)?;
    let seen = studios::read_of(&policy, only)?;
    let prices = Prices::new(&policy.prices);
    let mut printed = Printed { at: seen.now, sessions: Vec::new(), holds: Vec::new() };
    for (studio, snapshot) in &seen.studios {
        let plan = plan(&policy, studio, snapshot, seen.history(&studio.id), seen.now);
        let held = |reason: &crate::plan::Reason| Notice::of(studio, reason.to_string());
        printed.holds.extend(plan.holds().map(held));
        printed.sessions.extend(rows(&policy, studio, &plan, &prices, |decision| {
            let session = &snapshot.sessions[&decision.session];
            filter.takes(session, decision).then_some(session)
        }));
    }
    arguments.sort.order(&mut printed.sessions);
    match arguments.format {
        Format::Json => output::json(&printed)?,
        Format::Table => show(&printed, &prices),
    }
    if printed.holds.is_empty() { Ok(()) } else { Err(Failure::Said) }
}

fn rows<'a>(
    policy: &Policy,
    studio: &StudioPolicy,
    plan: &'a Plan,
    prices: &Prices,
    taken: impl Fn(&Decision) -> Option<&'a Session>,
) -> Vec<Row> {
    let decisions = plan.decisions.iter();
    let found = decisions.filter_map(|decision| Some((decision, taken(decision)?)));
    found
        .map(|(decision, session)| row(policy, studio, plan.at, decision, session, prices))
        .collect()
}

fn row(
    policy: &Policy,
    studio: &StudioPolicy,
    now: Timestamp,
    decision: &Decision,
    session: &Session,
    prices: &Prices,
) -> Row {
    let ReasonData { code, text, alarm, .. } = (&decision.reason).into();
    let running_since = session.start().filter(|_| is_paid_for(&session.state));
    let uptime = running_since.map(|since| since.duration_until(now).max(SignedDuration::ZERO));
    let price = session.instance_type.as_ref().and_then(|kind| prices.per_hour(kind));
    let cents = |(uptime, price): (SignedDuration, f64)| {
        (uptime.as_secs_f64() / 3600.0 * price * 100.0).round() / 100.0
    };
    let name = session.owner.as_ref().and_then(|owner| policy.people.get(owner)?.name.clone());
    Row {
        studio: studio.id.to_string(),
        studio_name: studio.name.clone(),
        session: session.id.to_string(),
        owner: session.owner.as_ref().map(OwnerId::to_string),
        owner_name: name,
        studio_role: session.studio_role.map(StudioRole::as_str),
        launch_profile: session.launch_profile.as_ref().map(LaunchProfileId::to_string),
        launch_profile_name: session.launch_profile_name.clone(),
        instance_type: session.instance_type.as_ref().map(InstanceType::to_string),
        state: session.state.to_string(),
        running_since,
        uptime_seconds: uptime.map(|uptime| uptime.as_secs()),
        stopped_at: session.stopped_at.filter(|_| session.state == SessionState::Stopped),
        verdict: decision.verdict().to_string(),
        reason: code,
        text,
        alarm,
        mode: decision.mode.to_string(),
        due: decision.due,
        next_change: decision.next_change,
        kept_until: kept_until(session),
        run_cost_usd: uptime.zip(price).map(cents),
        tags: session.tags.clone(),
    }
}

/// Whether a machine in this state is running, as far as anybody can tell.
fn is_paid_for(state: &SessionState) -> bool {
    match state {
        SessionState::Ready
        | SessionState::Transitional(_)
        | SessionState::Failed(_)
        | SessionState::Unknown(_)
        | SessionState::Missing => true,
        SessionState::Stopped | SessionState::Deleted => false,
    }
}

/// A filter, ready to be asked.
#[derive(Debug)]
struct Wanted {
    matcher: Matcher,
    states: Vec<String>,
    verdicts: Vec<String>,
    reasons: Vec<String>,
}

impl Filter {
    fn read(&self, people: &People) -> Result<Wanted, Failure> {
        let globs = |texts: &[String]| texts.iter().map(|text| Glob::new(text)).collect();
        let mut criteria = Criteria {
            owner: owners(&self.owner, people),
            launch_profile: globs(&self.profile),
            instance_type: globs(&self.instance_type),
            ..Criteria::default()
        };
        for (key, value) in &self.tag {
            criteria.tag.entry(key.clone()).or_default().push(Glob::new(value));
        }
        let verdicts = ["stop", "start", "warn", "keep", "hold"];
        if let Some(unknown) = self.verdict.iter().find(|word| !verdicts.contains(&word.as_str())) {
            let valid = verdicts.join(", ");
            return Err(Failure::Usage(format!("--verdict {unknown:?}: valid are {valid}")));
        }
        let matcher = if criteria.is_empty() { Matcher::All } else { Matcher::Where(criteria) };
        let states = self.state.iter().map(|state| state.to_ascii_uppercase()).collect();
        let (verdicts, reasons) = (self.verdict.clone(), self.reason.clone());
        Ok(Wanted { matcher, states, verdicts, reasons })
    }
}

/// The patterns for owner ids: each as it is, and the ids of those whose name agrees with it.
pub(super) fn owners(patterns: &[String], people: &People) -> Vec<Glob> {
    let named = |glob: &Glob| {
        let of_person = |(id, person): (&OwnerId, &crate::policy::Person)| {
            let agrees = person.name.as_deref().is_some_and(|name| glob.matches(name));
            agrees.then(|| Glob::new(id.as_str()))
        };
        people.iter().filter_map(of_person).collect::<Vec<_>>()
    };
    let globs = patterns.iter().map(|text| Glob::new(text));
    globs.flat_map(|glob| named(&glob).into_iter().chain([glob])).collect()
}

impl Wanted {
    fn takes(&self, session: &Session, decision: &Decision) -> bool {
        let is_one_of =
            |texts: &[String], text: &str| texts.is_empty() || texts.iter().any(|t| t == text);
        self.matcher.judge(&candidate(session)) == Judgement::Match
            && is_one_of(&self.states, &session.state.to_string())
            && is_one_of(&self.verdicts, &decision.verdict().to_string())
            && is_one_of(&self.reasons, decision.reason.code())
    }
}

impl Sort {
    /// Whoever has nothing to sort by comes last.
    fn order(self, rows: &mut [Row]) {
        let id = |row: &Row| (row.studio.clone(), row.session.clone());
        match self {
            Self::Next => {
                rows.sort_by_key(|row| (row.next_change.unwrap_or(Timestamp::MAX), id(row)))
            }
            Self::Uptime => rows.sort_by_key(|row| (Reverse(row.uptime_seconds), id(row))),
            Self::Cost => rows.sort_by_key(|row| {
                let cents = row.run_cost_usd.map(|usd| (usd * 100.0).round());
                // Cents of one machine are far from what this rounds.
                #[expect(clippy::cast_possible_truncation, reason = "cents of one machine's run")]
                (Reverse(cents.map(|cents| cents as i64)), id(row))
            }),
            Self::Owner => rows.sort_by_key(|row| {
                let owner = row.owner_name.clone().or_else(|| row.owner.clone());
                (owner.is_none(), owner, id(row))
            }),
            Self::Profile => rows.sort_by_key(|row| {
                let profile =
                    row.launch_profile_name.clone().or_else(|| row.launch_profile.clone());
                (profile.is_none(), profile, id(row))
            }),
            Self::State => rows.sort_by_key(|row| (row.state.clone(), id(row))),
        }
    }
}

fn show(printed: &Printed, prices: &Prices) {
    for held in &printed.holds {
        anstream::println!("{}", held.line(" is held: "));
    }
    if printed.sessions.is_empty() {
        anstream::println!("no session agrees");
        return;
    }
    output::print(&table(&printed.sessions, printed.at));
    anstream::println!("{}", total(&printed.sessions, prices));
}

fn table(rows: &[Row], now: Timestamp) -> Table {
    let header =
        ["SESSION", "OWNER", "PROFILE", "TYPE", "STATE", "UP", "COST", "VERDICT", "REASON", "NEXT"];
    let cells =
        rows.iter().map(|row| (row.studio.as_str(), row.studio_name.as_deref(), cells(row, now)));
    output::table_of_studios(&header, cells)
}

fn cells(row: &Row, now: Timestamp) -> [String; 10] {
    let or_dash = |text: Option<&String>| text.map_or("-".to_owned(), String::clone);
    let uptime = row.uptime_seconds.map(|secs| output::hours(SignedDuration::from_secs(secs)));
    let cost = match (row.run_cost_usd, row.running_since) {
        (Some(usd), _) => format!("${usd:.2}"),
        (None, Some(_)) => "unknown".to_owned(),
        (None, None) => "-".to_owned(),
    };
    [
        row.session.clone(),
        or_dash(row.owner_name.as_ref().or(row.owner.as_ref())),
        or_dash(row.launch_profile_name.as_ref().or(row.launch_profile.as_ref())),
        or_dash(row.instance_type.as_ref()),
        row.state.clone(),
        or_dash(uptime.as_ref()),
        cost,
        row.verdict.clone(),
        row.reason.clone(),
        row.next_change.map_or("-".to_owned(), |at| next(at, now)),
    ]
}

/// When something changes: how far away it is, and the instant.
fn next(at: Timestamp, now: Timestamp) -> String {
    let away = now.duration_until(at);
    if away.is_positive() {
        format!("in {}, {}", output::hours(away), output::utc(at))
    } else {
        "now".to_owned()
    }
}

fn total(rows: &[Row], prices: &Prices) -> String {
    let running = rows.iter().filter(|row| row.running_since.is_some());
    let (count, unknown) = running.fold((0, 0), |(count, unknown), row| {
        (count + 1, unknown + usize::from(row.run_cost_usd.is_none()))
    });
    let usd: f64 = rows.iter().filter_map(|row| row.run_cost_usd).sum();
    let unknown = match unknown {
        0 => String::new(),
        some => format!("; without {some} whose price is not known"),
    };
    let date = prices.built_in_date();
    format!(
        "{} sessions, {count} of them running, whose runs have cost about ${usd:.2} so far, by \
         on-demand prices of {date} or the policy's own{unknown}",
        rows.len()
    )
}

#[cfg(test)]
mod tests;

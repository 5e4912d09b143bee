//! `lightsout plan`: every session's decision, and nothing changed.

use std::path::Path;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::{Failure, Format, load, output, studios};
use crate::audit::record::ReasonData;
use crate::inventory::{Session, Snapshot};
use crate::plan::{self, Decision, History, KeepReminder, Plan, Reason, Verdict, WarningGiven};
use crate::policy::{Mode, Policy, StudioPolicy};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Decide as at this coming instant (RFC 3339, or `+2h`), with the sessions as they are now.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: Format,
}

/// The stable form for programs.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    at: Timestamp,
    mode: String,
    holds: Vec<Hold<'a>>,
    decisions: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Hold<'a> {
    studio: &'a str,
    #[serde(flatten)]
    reason: ReasonRow,
}

/// A reason in the stable form: its code under `reason`, and its data beside it.
#[derive(Debug, Serialize)]
struct ReasonRow {
    reason: String,
    text: String,
    values: std::collections::BTreeMap<String, String>,
    alarm: bool,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    studio: &'a str,
    session: &'a str,
    verdict: String,
    #[serde(flatten)]
    reason: ReasonRow,
    mode: String,
    rule: Option<&'a str>,
    due: Option<Timestamp>,
    next_change: Option<Timestamp>,
    state: String,
    owner: Option<&'a str>,
    launch_profile: Option<&'a str>,
    launch_profile_name: Option<&'a str>,
    instance_type: Option<&'a str>,
    started_at: Option<Timestamp>,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let policy = load(path)?;
    let seen = studios::read(&policy)?;
    let at = match &arguments.at {
        None => seen.now,
        Some(text) => coming(text, seen.now)?,
    };
    let plans: Vec<(&StudioPolicy, &Snapshot, Plan)> = seen
        .studios
        .iter()
        .map(|(studio, snapshot)| {
            let history = seen.history(&studio.id);
            (*studio, snapshot, plan_at(&policy, studio, snapshot, history, seen.now, at))
        })
        .collect();
    match arguments.format {
        Format::Json => print_json(&policy, at, &plans)?,
        Format::Table => print_table(at, &plans),
    }
    let held = plans.iter().any(|(_, _, plan)| plan.holds().next().is_some());
    if held { Err(Failure::Said) } else { Ok(()) }
}

fn coming(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let at = studios::instant(text, now)?;
    if at < now {
        return Err(Failure::Usage(format!(
            "{at} is past; `lightsout explain SESSION --at TIME` answers for the past, from the log"
        )));
    }
    Ok(at)
}

/// Decides as at a coming instant.
fn plan_at(
    policy: &Policy,
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    history: &History,
    now: Timestamp,
    at: Timestamp,
) -> Plan {
    let history = assuming_warnings(policy, studio, snapshot, history, now, at);
    plan::plan(policy, studio, snapshot, &history, at)
}

/// The past as it will be at a coming instant, if the warnings that come before it are given in
/// time. What was warned of already stays as it is.
pub(super) fn assuming_warnings(
    policy: &Policy,
    studio: &StudioPolicy,
    snapshot: &Snapshot,
    history: &History,
    now: Timestamp,
    at: Timestamp,
) -> History {
    let mut assumed = history.clone();
    if at <= now {
        return assumed;
    }
    for decision in plan::plan(policy, studio, snapshot, history, at).decisions {
        if let Reason::KeepEnding { until, lead } = decision.reason {
            // At its own instant it is not yet given.
            if until.checked_sub(lead).is_ok_and(|given| given.max(now) < at) {
                let past = assumed.sessions.entry(decision.session.clone()).or_default();
                past.reminded = Some(KeepReminder { until, mode: decision.mode });
            }
        }
        let Reason::Warning { due, announcement, .. } = &decision.reason else { continue };
        let Some(session) = snapshot.sessions.get(&decision.session) else { continue };
        let Some(run) = session.start() else { continue };
        // Who is kept or in a pause until then is warned when that is over.
        let paused = history.paused.as_ref().map(|pause| pause.until);
        let free = plan::kept_until(session).max(paused).filter(|until| *until <= at);
        let earliest = free.map_or(now, |until| until.max(now));
        let past = assumed.sessions.entry(decision.session.clone()).or_default();
        for lead in &announcement.leads {
            let given = due.checked_sub(*lead).unwrap_or(now).max(earliest);
            let mode = decision.mode;
            let (due, lead) = (*due, *lead);
            past.warnings.push(WarningGiven { run, due, lead, mode, at: given, said: given });
        }
    }
    assumed
}

fn print_json(
    policy: &Policy,
    at: Timestamp,
    plans: &[(&StudioPolicy, &Snapshot, Plan)],
) -> Result<(), Failure> {
    let decisions = plans.iter().flat_map(|(_, snapshot, plan)| {
        let decisions = plan.decisions.iter();
        decisions.map(|decision| row(plan, decision, &snapshot.sessions[&decision.session]))
    });
    let holds = plans.iter().flat_map(|(_, _, plan)| {
        let hold = |reason| Hold { studio: plan.studio.as_str(), reason: reason_row(reason) };
        plan.holds().map(hold)
    });
    let printed = Printed {
        at,
        mode: strongest_mode(policy).to_string(),
        holds: holds.collect(),
        decisions: decisions.collect(),
    };
    output::json(&printed)
}

/// `enforce` where any session may be acted upon, else `observe`.
fn strongest_mode(policy: &Policy) -> Mode {
    let modes = policy.studios.values().flat_map(|studio| {
        studio.rules.iter().map(|rule| rule.settings.mode).chain([studio.settings.mode])
    });
    modes.max().unwrap_or(Mode::Observe)
}

fn row<'a>(plan: &'a Plan, decision: &'a Decision, session: &'a Session) -> Row<'a> {
    Row {
        studio: plan.studio.as_str(),
        session: decision.session.as_str(),
        verdict: decision.verdict().to_string(),
        reason: reason_row(&decision.reason),
        mode: decision.mode.to_string(),
        rule: decision.rule.as_ref().map(crate::ids::RuleName::as_str),
        due: decision.due,
        next_change: decision.next_change,
        state: session.state.to_string(),
        owner: session.owner.as_ref().map(crate::ids::OwnerId::as_str),
        launch_profile: session.launch_profile.as_ref().map(crate::ids::LaunchProfileId::as_str),
        launch_profile_name: session.launch_profile_name.as_deref(),
        instance_type: session.instance_type.as_ref().map(crate::ids::InstanceType::as_str),
        started_at: session.start(),
    }
}

fn reason_row(reason: &Reason) -> ReasonRow {
    let ReasonData { code, values, text, alarm } = reason.into();
    ReasonRow { reason: code, text, values, alarm }
}

fn print_table(at: Timestamp, plans: &[(&StudioPolicy, &Snapshot, Plan)]) {
    for (studio, snapshot, plan) in plans {
        anstream::println!("{} at {at}", studio.label());
        for reason in plan.holds() {
            anstream::println!("  held: {reason}");
        }
        let mut table =
            output::table(&["VERDICT", "MODE", "SESSION", "PROFILE", "STATE", "RULE", "REASON"]);
        let mut decisions: Vec<&Decision> = plan.decisions.iter().map(Arc::as_ref).collect();
        decisions.sort_by_key(|decision| (decision.verdict(), decision.due, &decision.session));
        for decision in decisions {
            let session = &snapshot.sessions[&decision.session];
            table.add_row(vec![
                decision.verdict().to_string(),
                decision.mode.to_string(),
                decision.session.to_string(),
                session.launch_profile_name.clone().unwrap_or_else(|| "-".to_owned()),
                session.state.to_string(),
                decision.rule.as_ref().map_or("-".to_owned(), ToString::to_string),
                decision.reason.to_string(),
            ]);
        }
        if !plan.decisions.is_empty() {
            output::print_marked(&table);
        }
        anstream::println!("{}", tally(plan));
        anstream::println!();
    }
}

fn tally(plan: &Plan) -> String {
    let count = |verdict| plan.decisions.iter().filter(|d| d.verdict() == verdict).count();
    let all = [Verdict::Stop, Verdict::Start, Verdict::Warn, Verdict::Keep, Verdict::Hold];
    let counts: Vec<String> =
        all.iter().map(|verdict| format!("{} {verdict}", count(*verdict))).collect();
    format!("{} sessions: {}", plan.decisions.len(), counts.join(", "))
}

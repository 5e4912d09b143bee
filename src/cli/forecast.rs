//! `lightsout forecast`: the windows to come, and what will happen to each session now known.

mod calendar;

use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(super) use self::calendar::Lookout;
use super::markdown::{self, Page};
use super::{Failure, ReviewFormat, load, output, studios};
use crate::clock::{Clock, SystemClock};
use crate::plan::{Decision, Event, Foreseen, Reason, Verdict, first_brake, forecast};
use crate::policy::{Policy, StudioPolicy};

/// How far ahead is looked at the most: a year and a day show every season.
const DAYS_MAX: u32 = 366;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// From when on (RFC 3339, or `+2d`); now, where nothing is said.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,

    /// For how many days.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
    days: u32,

    /// Show the windows only, and ask no service.
    #[arg(long)]
    offline: bool,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: ReviewFormat,
}

/// What will happen in one studio.
pub(super) struct StudioForecast<'a> {
    pub(super) studio: &'a StudioPolicy,
    /// Why nothing is done there now.
    hold: Option<Reason>,
    pub(super) events: Vec<Foreseen>,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let policy = load(path)?;
    let now = SystemClock::new().now();
    let from = match &arguments.from {
        Some(text) => studios::instant(text, now)?,
        None => now,
    };
    let to = days_after(from, arguments.days)?;
    let lookout = Lookout::new(&policy, from, to);
    let seen = if arguments.offline { None } else { Some(studios::read(&policy)?) };
    let studios = seen.as_ref().map(|seen| foresee(&policy, seen, from, to)).unwrap_or_default();
    match arguments.format {
        ReviewFormat::Json => anstream::println!("{:#}", to_json(&lookout, &studios)),
        ReviewFormat::Table => {
            lookout.print();
            studios.iter().for_each(print_studio);
        }
        ReviewFormat::Markdown => anstream::print!("{}", to_markdown(&lookout, &studios)),
    }
    let is_held = studios.iter().any(|studio| studio.hold.is_some());
    if is_held { Err(Failure::Said) } else { Ok(()) }
}

/// The instant a number of days later.
pub(super) fn days_after(from: Timestamp, days: u32) -> Result<Timestamp, Failure> {
    let length = SignedDuration::from_hours(24 * i64::from(days));
    from.checked_add(length).map_err(|error| Failure::Usage(error.to_string()))
}

/// What will happen to the sessions that were seen, in `[from, to)`.
pub(super) fn foresee<'a>(
    policy: &'a Policy,
    seen: &studios::Seen<'a>,
    from: Timestamp,
    to: Timestamp,
) -> Vec<StudioForecast<'a>> {
    let one = |(studio, snapshot): &(&'a StudioPolicy, _)| {
        let history = seen.history(&studio.id);
        let events = forecast(policy, studio, snapshot, history, seen.now, to);
        StudioForecast {
            studio,
            hold: crate::plan::plan(policy, studio, snapshot, history, seen.now).hold,
            events: since(events, from),
        }
    };
    seen.studios.iter().map(one).collect()
}

/// The events from an instant on, and before them what holds at that instant.
fn since(events: Vec<Foreseen>, from: Timestamp) -> Vec<Foreseen> {
    let (before, mut after): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event.at < from);
    let mut standing = std::collections::BTreeMap::new();
    for event in before {
        standing.insert(event.session.clone(), event);
    }
    let is_told =
        |event: &Foreseen| after.iter().any(|e| e.at == from && e.session == event.session);
    let standing: Vec<_> = standing.into_values().filter(|event| !is_told(event)).collect();
    after.splice(0..0, standing);
    after
}

/// The zone in which a studio's sessions are shown: that of its schedule.
pub(super) fn zone(studio: &StudioPolicy) -> TimeZone {
    let schedule = studio.settings.schedule.as_ref().and_then(|timetable| timetable.of(None));
    schedule.map_or(TimeZone::UTC, |schedule| schedule.zone.clone())
}

fn print_studio(forecast: &StudioForecast<'_>) {
    let StudioForecast { studio, hold, events } = forecast;
    let zone = zone(studio);
    anstream::println!("{}", studio.label());
    if let Some(reason) = hold {
        anstream::println!("  held now: {reason}; what follows assumes that it is not");
    }
    if let Some((at, reason)) = first_brake(studio, events) {
        anstream::println!("  at {}: {reason}", output::local(at, &zone));
    }
    let mut table = output::table(&["VERDICT", "MODE", "LOCAL TIME", "UTC", "SESSION", "REASON"]);
    for Foreseen { at, session, event } in events.iter().filter(|event| !is_echo(events, event)) {
        let [verdict, mode, reason] = words(event);
        let (local, utc) = (output::local(*at, &zone), output::utc(*at));
        table.add_row(vec![verdict, mode, local, utc, session.to_string(), reason]);
    }
    if events.is_empty() {
        anstream::println!("  no session is known");
    } else {
        output::print_marked(&table);
    }
    anstream::println!();
}

/// Whether an event only says what follows at once from another: that what was stopped is off.
fn is_echo(events: &[Foreseen], event: &Foreseen) -> bool {
    let is_keep = |event: &Foreseen| match event.event.decision().map(Decision::verdict) {
        Some(Verdict::Keep | Verdict::Hold) => true,
        Some(Verdict::Stop | Verdict::Start | Verdict::Warn) | None => false,
    };
    let first = events.partition_point(|other| other.at < event.at);
    let together = events[first..].iter().take_while(|other| other.at == event.at);
    let mut own = together.filter(|other| other.session == event.session);
    is_keep(event) && own.any(|other| !is_keep(other))
}

/// Verdict, mode and reason of an event.
pub(super) fn words(event: &Event) -> [String; 3] {
    match event {
        Event::Decided(decision) => {
            [decision.verdict().to_string(), decision.mode.to_string(), decision.reason.to_string()]
        }
        Event::Ended(ending) => {
            let what = if ending.destroys { "destroys" } else { "stops" };
            ["-".to_owned(), "-".to_owned(), format!("the service {what} it by itself")]
        }
    }
}

fn to_markdown(lookout: &Lookout<'_>, studios: &[StudioForecast<'_>]) -> String {
    let mut page = Page::default();
    page.heading(&format!("Forecast: {}", lookout.span()));
    lookout.add_to(&mut page);
    studios.iter().for_each(|studio| add_studio(&mut page, studio));
    page.into_text()
}

fn add_studio(page: &mut Page, forecast: &StudioForecast<'_>) {
    let StudioForecast { studio, hold, events } = forecast;
    let zone = zone(studio);
    let label = markdown::code(studio.label());
    if let Some(reason) = hold {
        let reason = markdown::sentence(&reason.to_string());
        page.paragraph(&format!(
            "Studio {label} is held now: {reason}; what follows assumes that it is not."
        ));
    }
    if let Some((at, reason)) = first_brake(studio, events) {
        let (at, reason) = (output::local(at, &zone), markdown::sentence(&reason.to_string()));
        page.paragraph(&format!("Studio {label} at {at}: {reason}."));
    }
    let row = |foreseen: &Foreseen| {
        let [verdict, mode, reason] = words(&foreseen.event);
        let session = markdown::code(foreseen.session.as_str());
        vec![output::local(foreseen.at, &zone), session, verdict, mode, markdown::sentence(&reason)]
    };
    let shown = events.iter().filter(|event| !is_echo(events, event));
    let rows: Vec<_> = shown.map(row).collect();
    let verdicts = |verdict: Verdict| {
        let is_it =
            |event: &&Foreseen| event.event.decision().map(Decision::verdict) == Some(verdict);
        events.iter().filter(is_it).count()
    };
    let (stops, starts) = (verdicts(Verdict::Stop), verdicts(Verdict::Start));
    let summary = markdown::code_in_summary(studio.label());
    page.details(&format!("Studio {summary}: {stops} stops, {starts} starts"), |page| {
        if rows.is_empty() {
            page.paragraph("No session is known.");
        }
        page.table(&["when", "session", "what", "mode", "why"], &rows);
    });
}

fn to_json(lookout: &Lookout<'_>, studios: &[StudioForecast<'_>]) -> Value {
    let mut printed = lookout.to_json();
    let sessions = studios.iter().flat_map(|forecast| {
        let studio = forecast.studio.id.as_str();
        forecast.events.iter().map(move |event| event_json(studio, event))
    });
    let brakes = studios.iter().filter_map(|StudioForecast { studio, events, .. }| {
        let (at, reason) = first_brake(studio, events)?;
        Some(json!({ "studio": studio.id.as_str(), "at": at, "text": reason.to_string() }))
    });
    let holds = studios.iter().filter_map(|StudioForecast { studio, hold, .. }| {
        let reason = hold.as_ref()?;
        let text = reason.to_string();
        Some(json!({ "studio": studio.id.as_str(), "reason": reason.code(), "text": text }))
    });
    printed["sessions"] = sessions.collect();
    printed["brakes"] = brakes.collect();
    printed["holds"] = holds.collect();
    printed
}

fn event_json(studio: &str, foreseen: &Foreseen) -> Value {
    let Foreseen { at, session, event } = foreseen;
    let [verdict, mode, text] = words(event);
    let decision = event.decision();
    json!({
        "at": at,
        "studio": studio,
        "session": session.as_str(),
        "verdict": decision.map(|_| verdict),
        "reason": decision.map_or("ended_by_service", |decision| decision.reason.code()),
        "mode": decision.map(|_| mode),
        "rule": decision.and_then(|d| d.rule.as_ref()).map(ToString::to_string),
        "text": text,
        "alarm": decision.is_some_and(|decision| decision.reason.is_alarm()),
    })
}

#[cfg(test)]
mod tests;

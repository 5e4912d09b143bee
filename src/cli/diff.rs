//! `lightsout diff`: what another policy would change, in settings, in windows and for each session.

mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use self::settings::{Change, changes};
use super::forecast::{Lookout, days_after, words};
use super::markdown::{self, Page};
use super::{Failure, ReviewFormat, load, output, studios};
use crate::clock::{Clock, SystemClock};
use crate::ids::{SessionId, StudioId};
use crate::plan::{Event, Foreseen, Reason, Verdict, forecast};
use crate::policy::{Policy, Window};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The policy as it is.
    old: PathBuf,

    /// The policy as it is to be; its studios are read, and its log.
    new: PathBuf,

    /// From when on (RFC 3339, or `+2d`); now, where nothing is said.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,

    /// For how many days.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,

    /// Compare settings and windows only, and ask no service.
    #[arg(long)]
    offline: bool,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: ReviewFormat,
}

/// What would be another.
struct Differences {
    settings: Vec<Change>,
    windows: Vec<WindowChange>,
    sessions: Vec<SessionChange>,
}

/// A window that one of the policies has alone.
struct WindowChange {
    schedule: String,
    zone: TimeZone,
    window: Window,
    side: Side,
}

/// What one of the policies alone would do with a session.
struct SessionChange {
    studio: StudioId,
    session: SessionId,
    zone: TimeZone,
    at: Timestamp,
    event: Event,
    side: Side,
}

/// Which of the policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Old,
    New,
}

impl Side {
    fn mark(self) -> &'static str {
        match self {
            Self::Old => "-",
            Self::New => "+",
        }
    }

    /// The same where a sign would begin a list.
    fn word(self) -> String {
        match self {
            Self::Old => "before".to_owned(),
            Self::New => "after".to_owned(),
        }
    }
}

impl WindowChange {
    fn to_row(&self) -> Vec<String> {
        let Self { schedule, zone, window, side } = self;
        let at = |instant| output::local(instant, zone);
        let schedule = markdown::code(schedule);
        vec![side.word(), schedule, at(window.opens), at(window.closes)]
    }
}

impl SessionChange {
    fn to_row(&self) -> Vec<String> {
        let [verdict, mode, reason] = words(&self.event);
        vec![
            self.side.word(),
            markdown::code(self.studio.as_str()),
            markdown::code(self.session.as_str()),
            output::local(self.at, &self.zone),
            verdict,
            mode,
            markdown::sentence(&reason),
        ]
    }
}

pub(super) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let (old, new) = (load(&arguments.old)?, load(&arguments.new)?);
    let now = SystemClock::new().now();
    let from = match &arguments.from {
        Some(text) => studios::instant(text, now)?,
        None => now,
    };
    let to = days_after(from, arguments.days)?;
    let sessions = if arguments.offline {
        Vec::new()
    } else {
        let wanted = asking_as(new.clone(), &old);
        let seen = studios::read(&wanted)?;
        session_changes(&old, &new, &seen, from, to)?
    };
    let differences = Differences {
        settings: changes(&old, &new),
        windows: window_changes(&old, &new, from, to),
        sessions,
    };
    match arguments.format {
        ReviewFormat::Json => anstream::println!("{:#}", differences.to_json(from, to)),
        ReviewFormat::Table => differences.print([&arguments.old, &arguments.new], [from, to]),
        ReviewFormat::Markdown => {
            anstream::print!("{}", differences.to_markdown(from, to, arguments.offline));
        }
    }
    if differences.are_none() { Ok(()) } else { Err(Failure::Differs) }
}

fn window_changes(old: &Policy, new: &Policy, from: Timestamp, to: Timestamp) -> Vec<WindowChange> {
    let windows = |policy: &Policy| -> BTreeMap<(String, Window), TimeZone> {
        let lookout = Lookout::new(policy, from, to);
        lookout.windows().map(|(name, zone, window)| ((name, window), zone)).collect()
    };
    let (before, after) = (windows(old), windows(new));
    let only = |one: &BTreeMap<(String, Window), TimeZone>, other: &BTreeMap<_, _>, side| {
        let alone = one.iter().filter(|(key, _)| !other.contains_key(*key));
        let change = |((schedule, window), zone): (&(String, Window), &TimeZone)| WindowChange {
            schedule: schedule.clone(),
            zone: zone.clone(),
            window: *window,
            side,
        };
        alone.map(change).collect::<Vec<_>>()
    };
    let mut changes = only(&before, &after, Side::Old);
    changes.extend(only(&after, &before, Side::New));
    changes.sort_by(|a, b| (&a.schedule, a.window, a.side).cmp(&(&b.schedule, b.window, b.side)));
    changes
}

/// A policy by which is read what either asks for.
fn asking_as(mut policy: Policy, other: &Policy) -> Policy {
    for (id, studio) in &mut policy.studios {
        studio.asks_roles |= other.studios.get(id).is_some_and(|other| other.asks_roles);
    }
    policy
}

/// What both policies would do with the sessions that are there. A studio that is held tells nothing.
fn session_changes(
    old: &Policy,
    new: &Policy,
    seen: &studios::Seen<'_>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<SessionChange>, Failure> {
    let mut changes = Vec::new();
    for (studio, snapshot) in &seen.studios {
        if let Some(gap) = snapshot.gaps.first() {
            let (label, wanted, problem) = (studio.label(), gap.wanted, gap.problem);
            return Err(Failure::Failed(format!(
                "{label}: the {wanted} could not be read whole: {problem}; --offline compares without"
            )));
        }
        let history = seen.history(&studio.id);
        let events = |policy: &Policy| {
            let studio = policy.studios.get(&studio.id);
            studio.map_or_else(Vec::new, |studio| {
                forecast(policy, studio, snapshot, history, seen.now, to)
            })
        };
        let zone = super::forecast::zone(studio);
        let found = only_in_one(events(old), events(new));
        changes.extend(found.into_iter().filter(|(_, foreseen)| foreseen.at >= from).map(
            |(side, Foreseen { at, session, event })| {
                let (studio, zone) = (studio.id.clone(), zone.clone());
                SessionChange { studio, session, zone, at, event, side }
            },
        ));
    }
    Ok(changes)
}

/// What of two forecasts is in one of them alone, session by session.
fn only_in_one(old: Vec<Foreseen>, new: Vec<Foreseen>) -> Vec<(Side, Foreseen)> {
    /// What makes two events the same for a reader.
    fn key(foreseen: &Foreseen) -> (SessionId, Timestamp, [String; 3]) {
        (foreseen.session.clone(), foreseen.at, words(&foreseen.event))
    }
    /// Whether it only says that nothing is done now, or what follows from what was done.
    fn is_routine(foreseen: &Foreseen) -> bool {
        let is_routine = |reason: &Reason| {
            matches!(
                reason,
                Reason::NotDue { .. }
                    | Reason::WarningOut { .. }
                    | Reason::Stopped
                    | Reason::NotOurs
                    | Reason::StartNotDue { .. }
            )
        };
        foreseen.event.decision().is_some_and(|decision| is_routine(&decision.reason))
    }
    let news = |events: Vec<Foreseen>| -> Vec<Foreseen> {
        events.into_iter().filter(|event| !is_routine(event)).collect()
    };
    let (old, new) = (news(old), news(new));
    let keys = |events: &[Foreseen]| events.iter().map(key).collect::<BTreeSet<_>>();
    let (before, after) = (keys(&old), keys(&new));
    let gone = old.into_iter().filter(|event| !after.contains(&key(event)));
    let come = new.into_iter().filter(|event| !before.contains(&key(event)));
    let mut found: Vec<(Side, Foreseen)> =
        gone.map(|event| (Side::Old, event)).chain(come.map(|event| (Side::New, event))).collect();
    found.sort_by(|(a_side, a), (b_side, b)| {
        (&a.session, a.at, a_side).cmp(&(&b.session, b.at, b_side))
    });
    found
}

impl Differences {
    fn are_none(&self) -> bool {
        self.settings.is_empty() && self.windows.is_empty() && self.sessions.is_empty()
    }

    fn print(&self, [old, new]: [&Path; 2], [from, to]: [Timestamp; 2]) {
        anstream::println!("--- {}", old.display());
        anstream::println!("+++ {}", new.display());
        anstream::println!("from {} to {}", output::utc(from), output::utc(to));
        if self.are_none() {
            anstream::println!("no difference");
        }
        heading("settings", self.settings.len());
        for change in &self.settings {
            let [old, new] = change.excerpts().map(|value| value.unwrap_or_else(|| "-".to_owned()));
            anstream::println!("  {}: {} {old} -> {new}", change.place, change.key);
        }
        heading("windows", self.windows.len());
        for WindowChange { schedule, zone, window, side } in &self.windows {
            let (opens, closes) =
                (output::local(window.opens, zone), output::local(window.closes, zone));
            anstream::println!("{} {schedule}: {opens} to {closes}", side.mark());
        }
        heading("sessions", self.sessions.len());
        let mut last = None;
        for change in &self.sessions {
            if last != Some(&change.session) {
                anstream::println!("  {} of {}", change.session, change.studio);
            }
            last = Some(&change.session);
            let [verdict, mode, reason] = words(&change.event);
            let style = change.event.decision().map(|d| output::verdict_style(d.verdict()));
            let style = style.unwrap_or_default();
            let (mark, at) = (change.side.mark(), output::local(change.at, &change.zone));
            anstream::println!("{mark}   {at} {style}{verdict}{style:#} ({mode}) {reason}");
        }
        if !self.sessions.is_empty() {
            anstream::println!("\n{}", self.tally());
        }
    }

    /// How many stops and starts each policy has alone.
    fn tally(&self) -> String {
        let count = |side, verdict| {
            let is_one = |change: &&SessionChange| {
                let found = change.event.decision().map(crate::plan::Decision::verdict);
                change.side == side && found == Some(verdict)
            };
            self.sessions.iter().filter(is_one).count()
        };
        format!(
            "stops: {} fewer, {} more; starts: {} fewer, {} more",
            count(Side::Old, Verdict::Stop),
            count(Side::New, Verdict::Stop),
            count(Side::Old, Verdict::Start),
            count(Side::New, Verdict::Start),
        )
    }

    /// The settings in full, since they are what was written; what follows from them folded away.
    fn to_markdown(&self, from: Timestamp, to: Timestamp, offline: bool) -> String {
        let mut page = Page::default();
        page.heading("What changes");
        if self.are_none() {
            page.paragraph("Nothing: both policies come to the same.");
        }
        let row = |change: &Change| {
            let [old, new] =
                change.excerpts().map(|value| markdown::code_or_dash(value.as_deref()));
            vec![markdown::text(&change.place), markdown::code(change.key), old, new]
        };
        let settings: Vec<_> = self.settings.iter().map(row).collect();
        page.table(&["where", "setting", "before", "after"], &settings);
        let count = |side| self.windows.iter().filter(|change| change.side == side).count();
        let (gone, come) = (count(Side::Old), count(Side::New));
        if !self.windows.is_empty() {
            page.details(&format!("Windows: {gone} fewer, {come} more"), |page| {
                let rows: Vec<_> = self.windows.iter().map(WindowChange::to_row).collect();
                page.table(&["", "schedule", "opens", "closes"], &rows);
            });
        }
        if !self.sessions.is_empty() {
            page.details(&format!("Sessions ({})", self.tally()), |page| {
                let rows: Vec<_> = self.sessions.iter().map(SessionChange::to_row).collect();
                page.table(&["", "studio", "session", "when", "what", "mode", "why"], &rows);
            });
        }
        let looked =
            if offline { "windows only; no studio was asked" } else { "windows and sessions" };
        let (from, to) = (output::utc(from), output::utc(to));
        page.paragraph(&format!("Looked at: {looked}, from {from} to {to}."));
        page.into_text()
    }

    fn to_json(&self, from: Timestamp, to: Timestamp) -> Value {
        let settings = self.settings.iter().map(|Change { place, key, old, new }| {
            json!({ "place": place, "key": key, "old": old, "new": new })
        });
        let windows = self.windows.iter().map(|change| {
            json!({
                "side": change.side.mark(),
                "schedule": change.schedule,
                "opens": change.window.opens,
                "closes": change.window.closes,
            })
        });
        let sessions = self.sessions.iter().map(|change| {
            let [verdict, mode, text] = words(&change.event);
            let reason = change.event.decision().map(|decision| decision.reason.code());
            json!({
                "side": change.side.mark(),
                "studio": change.studio.as_str(),
                "session": change.session.as_str(),
                "at": change.at,
                "verdict": verdict,
                "mode": mode,
                "reason": reason,
                "text": text,
            })
        });
        json!({
            "from": from,
            "to": to,
            "settings": settings.collect::<Value>(),
            "windows": windows.collect::<Value>(),
            "sessions": sessions.collect::<Value>(),
        })
    }
}

fn heading(what: &str, count: usize) {
    if count > 0 {
        anstream::println!("\n{what}: {count}");
    }
}

#[cfg(test)]
mod tests;

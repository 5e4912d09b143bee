//! The transcript: the log of the daemon in the log's order, with what people and fate did between.

use std::fmt::Write;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use lightsout::audit::record::{Kind, ReasonData, Record};
use lightsout::sandbox::world::{Destroyed, HowDestroyed};

use crate::local;
use crate::story::Line;

/// What stands in the place of a session where the studio as a whole is meant.
const STUDIO: &str = "(studio)";

pub(crate) struct Transcript {
    zone: TimeZone,
    day: String,
    lines: String,
}

impl Transcript {
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self { zone, day: String::new(), lines: String::new() }
    }

    pub(crate) fn text(self) -> String {
        self.lines.trim_start().to_owned()
    }

    /// What somebody did.
    pub(crate) fn act(&mut self, line: &Line) {
        self.line(line.at, &format!("> {}", line.text));
    }

    /// What was recorded, and what was lost, in the order of time.
    pub(crate) fn events(&mut self, records: &[Record], losses: &[Destroyed]) {
        // The first policy comes with the daemon's start.
        let is_start = |record: &Record| record.kind == Kind::DaemonStarted;
        let news = records.iter().enumerate().filter(|(index, record)| {
            let before = index.checked_sub(1).map(|before| &records[before]);
            record.kind != Kind::PolicyLoaded || !before.is_some_and(is_start)
        });
        let told = news.filter_map(|(_, record)| Some((record.time, told(record, &self.zone)?)));
        let lost = losses.iter().map(|loss| (loss.at, format!("> {}", lost(loss))));
        let mut events: Vec<(Timestamp, String)> = told.chain(lost).collect();
        events.sort_by_key(|(at, _)| *at);
        for (at, what) in events {
            self.line(at, &what);
        }
    }

    /// A record by itself, for a complaint about it.
    pub(crate) fn line_of(&self, record: &Record) -> String {
        let told = told(record, &self.zone).unwrap_or_else(|| short(&record.kind).to_owned());
        let (day, time) =
            (local::day(record.time, &self.zone), local::time(record.time, &self.zone));
        format!("{day} {time} {told}")
    }

    fn line(&mut self, at: Timestamp, what: &str) {
        let day = local::day(at, &self.zone);
        if day != self.day {
            writeln!(self.lines, "\n{day}").unwrap();
            self.day = day;
        }
        writeln!(self.lines, "  {:<9} {what}", local::time(at, &self.zone)).unwrap();
    }
}

fn lost(loss: &Destroyed) -> String {
    let how = match loss.how {
        HowDestroyed::TerminatedWhileStopped => "which had been off for too long",
        HowDestroyed::TerminatedWhileRunning => "which had run for too long",
        HowDestroyed::VolumeDeleted => "by a stop that deletes its volumes",
    };
    format!("the service destroys {}, {how}", loss.session)
}

/// A record in a line; nothing where it says no more than the one before it.
fn told(record: &Record, zone: &TimeZone) -> Option<String> {
    let what = match &record.kind {
        Kind::DaemonStarted | Kind::DaemonStopped => return Some(short(&record.kind).to_owned()),
        Kind::DaemonPaused | Kind::DaemonResumed | Kind::StudioApproved => said(record, zone),
        Kind::BrakeEngaged | Kind::BrakeReleased | Kind::InventoryConfirmed => {
            short(&record.kind).to_owned()
        }
        // It comes with the daemon's start.
        Kind::PolicyApplied => return None,
        Kind::PolicyLoaded => return Some(short(&record.kind).to_owned()),
        Kind::PolicyRefused => {
            let error = record.data.error.as_ref().map_or("?", |error| error.detail.as_str());
            return Some(format!("{}: {error}", short(&record.kind)));
        }
        Kind::StudioHeld | Kind::SessionDecided => decided(record),
        Kind::WarningGiven => format!("warning.given ahead by {}", leads(record)),
        Kind::KeepReminded => format!("keep.reminded ahead by {}", leads(record)),
        Kind::VetoAnswered => format!("veto.answered: {}", answered(record)),
        kind => deed(kind, record, zone),
    };
    let session = record.data.session.as_deref().unwrap_or(STUDIO);
    Some(format!("{session:<8}  {what}"))
}

/// What a person said.
fn said(record: &Record, zone: &TimeZone) -> String {
    let Record { kind, data, .. } = record;
    let who = data.who.as_deref().unwrap_or("nobody");
    let until = data.until.map(|until| format!(" until {}", local::time(until, zone)));
    let count = data.reason.as_ref().and_then(|reason| {
        let values = &reason.values;
        values.get("count").or_else(|| values.get("now"))
    });
    let count = count.map(|count| format!(" up to {count}"));
    let [until, count] = [until, count].map(Option::unwrap_or_default);
    format!("{}: by {who}{count}{until}", short(kind))
}

fn short(kind: &Kind) -> &str {
    kind.as_str().trim_start_matches("lightsout.")
}

/// Verdict, code, what else is worth a look, and the sentence.
fn decided(record: &Record) -> String {
    let data = &record.data;
    let verdict = data.verdict.as_deref().unwrap_or("?");
    let Some(reason) = &data.reason else { return verdict.to_owned() };
    let rule = data.rule.as_ref().map(|rule| format!("rule {rule}"));
    let mode = data.mode.as_ref().filter(|mode| *mode != "enforce").cloned();
    let alarm = reason.alarm.then(|| "alarm".to_owned());
    let notes: Vec<String> = [rule, mode, alarm].into_iter().flatten().collect();
    let notes = if notes.is_empty() { notes.concat() } else { format!(" [{}]", notes.join(", ")) };
    let ReasonData { code, text, .. } = reason;
    format!("{verdict:<5} {code}{notes}: {text}")
}

fn answered(record: &Record) -> String {
    let veto = record.data.veto.as_ref();
    veto.map_or_else(|| "?".to_owned(), |veto| format!("{} {}", veto.name, veto.says()))
}

fn leads(record: &Record) -> String {
    let leads = record.data.leads.iter().flatten();
    let leads = leads.map(|secs| format!("{:#}", SignedDuration::from_secs(*secs)));
    leads.collect::<Vec<_>>().join(", ")
}

fn deed(kind: &Kind, record: &Record, zone: &TimeZone) -> String {
    let data = &record.data;
    let again = data.attempt.filter(|attempt| *attempt > 0);
    let again = again.map(|attempt| format!("attempt {}", attempt + 1));
    let dropped = matches!(kind, Kind::StopDropped | Kind::StartDropped);
    let reason = data.reason.as_ref().filter(|_| dropped).map(|reason| reason.code.clone());
    let since = data.stopped_at.filter(|_| matches!(kind, Kind::StopProven | Kind::MarkSet));
    let since = since.map(|at| format!("off since {}", local::time(at, zone)));
    let is_awry = matches!(kind, Kind::StopFailed | Kind::StartFailed | Kind::StopLapsed);
    let state = data.state_after.clone().filter(|_| is_awry);
    let error = data.error.as_ref().map(|error| error.problem.clone());
    let details = [again, reason, since, state, error, data.note.clone()];
    let details: Vec<String> = details.into_iter().flatten().collect();
    if details.is_empty() {
        short(kind).to_owned()
    } else {
        format!("{}: {}", short(kind), details.join(", "))
    }
}

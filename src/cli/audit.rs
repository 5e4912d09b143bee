//! `lightsout audit`: the log, verified and shown.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Failure, Format, load, output, studios};
use crate::audit::chain::Line;
use crate::audit::reader::{self, Noted, ReadError, Verified};
use crate::audit::record::{Data, Kind, Record};
use crate::clock::{Clock, SystemClock};
use crate::policy::Policy;

/// What every kind begins with.
const PREFIX: &str = "lightsout.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check the chain of the log: every byte of every line of every file. Exit 1 where it is broken.
    Verify {
        /// Single files, each by itself; by default the whole log, older files included.
        #[arg(value_name = "FILE", conflicts_with = "current")]
        files: Vec<PathBuf>,

        /// The log, by its current file; by default that of the policy.
        #[arg(long = "file", id = "current", value_name = "FILE")]
        current: Option<PathBuf>,

        /// A record that has to be there, by its number and its hash, as the daemon told of it: its end was not
        /// cut off. May be given more than once.
        #[arg(long = "head", value_name = "NUMBER:HASH", conflicts_with = "files")]
        heads: Vec<Noted>,
    },
    /// Show records of the log.
    Show(Show),
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The log; by default that of the policy.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Only records about this studio, by its id or, without --file, its name in the policy.
    #[arg(long, value_name = "STUDIO")]
    studio: Option<String>,

    /// Only records about this session, by its id or as STUDIO/SESSION.
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,

    /// Only this kind, such as `stop.proven`, or all that begin like `stop`.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,

    /// Only records at or after this instant (RFC 3339, or `-2h`).
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,

    /// Only the last so many.
    #[arg(long, value_name = "N")]
    last: Option<usize>,

    /// How to print; `json` is one object a line.
    #[arg(long, default_value = "table")]
    format: Format,
}

pub(super) fn main(config: &Path, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Verify { files, current, heads } if files.is_empty() => {
            verify_log(&log_path(config, current.as_deref())?, heads)
        }
        Command::Verify { files, .. } => verify_each(files),
        Command::Show(show) => show_records(config, show),
    }
}

fn log_path(config: &Path, file: Option<&Path>) -> Result<PathBuf, Failure> {
    match file {
        Some(file) => Ok(file.to_owned()),
        None => Ok(load(config)?.audit_path),
    }
}

fn verify_log(path: &Path, heads: &[Noted]) -> Result<(), Failure> {
    let verified = reader::verify_noted(path, heads).map_err(|error| Failure::of(&error))?;
    say_whole(path, &verified);
    said_torn(&verified)
}

/// Checks each file, and goes on with the next whatever is found.
fn verify_each(files: &[PathBuf]) -> Result<(), Failure> {
    let mut failed = Ok(());
    for path in files {
        let checked = reader::verify_file(path).map_err(|error| Failure::of(&error));
        let checked = checked.and_then(|verified| {
            say_whole(path, &verified);
            said_torn(&verified)
        });
        if let Err(failure) = checked {
            failure.print();
            failed = Err(Failure::Said);
        }
    }
    failed
}

fn say_whole(path: &Path, verified: &Verified) {
    let Verified { begins, sequence, records, files, head, torn: _ } = verified;
    let files = if *files > 1 { format!(" in {files} files") } else { String::new() };
    let path = path.display();
    anstream::println!("{path}: whole. {records} records{files}, head {head}");
    if *begins > 1 {
        anstream::println!(
            "{path}: it begins at sequence {begins} with a checkpoint and ends at {sequence}; what \
             came before is in files that are not here"
        );
    }
}

fn said_torn(verified: &Verified) -> Result<(), Failure> {
    match verified.torn {
        None => Ok(()),
        Some(bytes) => Err(Failure::Failed(format!(
            "{bytes} bytes of a line without end follow: a writer was cut off, or is writing now; \
             `lightsout run` cuts them and records that it did"
        ))),
    }
}

fn show_records(config: &Path, show: &Show) -> Result<(), Failure> {
    let policy = show.file.is_none().then(|| load(config)).transpose()?;
    let path = show.file.as_deref().or(policy.as_ref().map(|policy| policy.audit_path.as_path()));
    let path = path.unwrap_or(Path::new(""));
    let wanted = Wanted::of(show, policy.as_ref())?;
    let (format, last) = (show.format, show.last);
    let mut page = Page { format, last, lines: VecDeque::new(), is_next: false };
    let mut read = Ok(());
    for line in reader::read(path).map_err(|error| Failure::of(&error))? {
        match line {
            Ok(line) if wanted.takes(&line.record) => page.add(line),
            // A daemon that is writing now may be in the middle of it.
            Ok(_) | Err(ReadError::Torn { .. }) => {}
            Err(error) => {
                Failure::of(&error).print();
                read = Err(Failure::Said);
            }
        }
    }
    page.print();
    read
}

/// Records that are to be printed together: a log may be larger than the memory.
struct Page {
    format: Format,
    /// How many to keep, where only the last are wanted.
    last: Option<usize>,
    lines: VecDeque<Line>,
    /// Whether there was one before.
    is_next: bool,
}

impl Page {
    /// How many records make a page.
    const LINES: usize = 1024;

    fn add(&mut self, line: Line) {
        self.lines.push_back(line);
        match self.last {
            Some(last) if self.lines.len() > last => drop(self.lines.pop_front()),
            None if self.lines.len() == Self::LINES => {
                self.print();
                self.lines.clear();
                self.is_next = true;
            }
            Some(_) | None => {}
        }
    }

    fn print(&self) {
        match self.format {
            Format::Json => self.lines.iter().for_each(print_json),
            Format::Table if self.is_next && self.lines.is_empty() => {}
            Format::Table if self.lines.is_empty() => anstream::eprintln!("no record agrees"),
            Format::Table => print_table(&self.lines),
        }
    }
}

fn print_json(line: &Line) {
    let printed = serde_json::json!({
        "sequence": line.sequence,
        "time": line.record.time,
        "type": line.record.kind.as_str(),
        "subject": line.record.subject,
        "data": line.record.data,
        "prevhash": line.prevhash.as_str(),
        "hash": line.hash.as_str(),
    });
    anstream::println!("{printed}");
}

/// Which records are shown.
struct Wanted<'a> {
    studio: Option<String>,
    session: Option<&'a str>,
    kind: Option<&'a str>,
    since: Option<Timestamp>,
}

impl<'a> Wanted<'a> {
    fn of(show: &'a Show, policy: Option<&Policy>) -> Result<Self, Failure> {
        let now = SystemClock::new().now();
        let since = show.since.as_deref().map(|text| studios::instant(text, now)).transpose()?;
        let kind = show.kind.as_deref().map(|kind| kind.strip_prefix(PREFIX).unwrap_or(kind));
        if let Some(kind) = kind.filter(|kind| !Kind::ALL.iter().any(|known| is_of(known, kind))) {
            return Err(Failure::Usage(format!(
                "--kind {kind:?}: no record is of such a kind; docs/audit-log.md has them all, as stop.proven"
            )));
        }
        let split = show.session.as_deref().map(|name| match name.rsplit_once('/') {
            Some((place, id)) => (Some(place), id),
            None => (None, name),
        });
        let place = show.studio.as_deref().or(split.and_then(|(place, _)| place));
        // The log knows ids; and studios that are in the policy no longer.
        let id = |place: &str| {
            let mut studios = policy.iter().flat_map(|policy| policy.studios.values());
            let named = studios.find(|studio| studio.name.as_deref() == Some(place));
            named.map_or_else(|| place.to_owned(), |studio| studio.id.to_string())
        };
        Ok(Self { studio: place.map(id), session: split.map(|(_, id)| id), kind, since })
    }

    fn takes(&self, record: &Record) -> bool {
        let agrees = |wanted: Option<&str>, found: &Option<String>| {
            wanted.is_none_or(|wanted| found.as_deref() == Some(wanted))
        };
        agrees(self.studio.as_deref(), &record.data.studio)
            && agrees(self.session, &record.data.session)
            && self.kind.is_none_or(|kind| is_of(&record.kind, kind))
            && self.since.is_none_or(|since| record.time >= since)
    }
}

/// Whether a kind is the one that is wanted, or begins like it.
fn is_of(kind: &Kind, wanted: &str) -> bool {
    let kind = kind.as_str();
    let kind = kind.strip_prefix(PREFIX).unwrap_or(kind);
    kind == wanted || kind.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

fn print_table(lines: &VecDeque<Line>) {
    let mut table = output::table(&["SEQUENCE", "TIME", "KIND", "MODE", "SESSION", "WHAT"]);
    for line in lines {
        let data = &line.record.data;
        let kind = line.record.kind.as_str();
        table.add_row(vec![
            line.sequence.to_string(),
            line.record.time.to_string(),
            kind.strip_prefix("lightsout.").unwrap_or(kind).to_owned(),
            data.mode.clone().unwrap_or_else(|| "-".to_owned()),
            data.session.clone().unwrap_or_else(|| "-".to_owned()),
            what(&line.record),
        ]);
    }
    output::print(&table);
}

/// Who paused, resumed or approved what, and until when.
fn said(record: &Record) -> Option<String> {
    let Data { who, studio, until, .. } = &record.data;
    let is_it =
        matches!(record.kind, Kind::DaemonPaused | Kind::DaemonResumed | Kind::StudioApproved);
    let who = who.as_ref().filter(|_| is_it)?;
    let until = until.map_or_else(String::new, |until| format!(", until {}", output::utc(until)));
    Some(format!("{}, by {who}{until}", studio.as_deref().unwrap_or("all studios")))
}

/// The part of a record that a person reads first.
fn what(record: &Record) -> String {
    let data = &record.data;
    let by_hand = data.who.iter().zip(&data.action).map(|(who, action)| format!("{who}: {action}"));
    let control = said(record).into_iter();
    let profile = data.launch_profile.iter().map(|id| format!("launch profile {id}"));
    let or_absent = |text: &Option<String>| text.clone().unwrap_or_else(|| "absent".to_owned());
    let changes = data.changes.iter().flatten().map(|(member, change)| {
        format!("{member} {} -> {}", or_absent(&change.from), or_absent(&change.to))
    });
    let verdict = data.verdict.iter().cloned();
    let reason = data.reason.iter().map(|reason| reason.text.clone());
    let error = data.error.iter().map(|error| format!("{}: {}", error.problem, error.detail));
    let state = data.state_after.iter().map(|state| format!("now {state}"));
    let veto = data.veto.iter().map(|veto| format!("{}: {}", veto.name, veto.says()));
    let checkpoint = data.checkpoint.iter().map(|c| format!("part {} of {}", c.part, c.parts));
    let parts: Vec<String> = by_hand
        .chain(control)
        .chain(profile)
        .chain(changes)
        .chain(veto)
        .chain(verdict)
        .chain(reason)
        .chain(error)
        .chain(state)
        .chain(checkpoint)
        .chain(data.note.clone())
        .collect();
    parts.join("; ")
}

//! Calendars by name, the files that they name, and which schedules refer to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::super::diagnostic::{Diagnostic, Sink, Span, UNREADABLE_ICS};
use super::super::file::calendar::CalendarFile;
use super::super::ics::{self, Complaint};
use super::super::suggest::{closest, quoted};
use super::super::table::{Field, Located};
use super::super::{Read, read_bounded};
use crate::ids::CalendarName;
use crate::policy::Calendar;
use crate::policy::calendar::Entry;

/// How many calendar files one configuration may name; each is read whole.
const ICS_FILES_MAX: usize = 100;

/// The calendars of the file. One that was refused keeps its name, so that it can be referred to.
pub(super) struct Calendars {
    by_name: BTreeMap<String, (Span, Option<Arc<Calendar>>)>,
    used: BTreeSet<String>,
}

impl Calendars {
    /// Reads the calendar files too, and adds what is in them to the digest.
    pub(super) fn lower(
        files: &[Located<CalendarFile>],
        base_dir: &Path,
        digest: &mut Sha256,
        sink: &mut Sink,
    ) -> Self {
        let mut reader = Reader { base_dir, digest, files_left: ICS_FILES_MAX };
        let mut lowered = |file: &Located<CalendarFile>| {
            let calendar = lower(file, &mut reader, sink).map(Arc::new);
            (file.value.name.clone(), (file.span.clone(), calendar))
        };
        let by_name = files.iter().map(&mut lowered).collect();
        Self { by_name, used: BTreeSet::new() }
    }

    /// The calendars of these names, each once. What no calendar has as its name is reported, and
    /// what was refused is left out: the file does not take effect then.
    pub(super) fn find(
        &mut self,
        names: &[Located<String>],
        sink: &mut Sink,
    ) -> Vec<Arc<Calendar>> {
        let mut first: BTreeMap<&str, &Span> = BTreeMap::new();
        let mut found = Vec::new();
        for name in names {
            if let Some(first) = first.insert(&name.value, &name.span) {
                let message = format!("the calendar {} is there twice", quoted(&name.value));
                sink.push(
                    Diagnostic::error("duplicate-calendar", name.span.clone(), message)
                        .related(first.clone(), "first here")
                        .help("leave one of them out"),
                );
            } else if let Some((_, calendar)) = self.by_name.get(&name.value) {
                self.used.insert(name.value.clone());
                found.extend(calendar.clone());
            } else {
                self.explain_unknown(name, sink);
            }
        }
        found
    }

    fn explain_unknown(&mut self, name: &Located<String>, sink: &mut Sink) {
        let message = format!("no calendar has the name {}", quoted(&name.value));
        let diagnostic = Diagnostic::error("unknown-calendar", name.span.clone(), message);
        let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        sink.push(if let Some(meant) = closest(&name.value, names.iter().copied()) {
            let span = self.by_name[meant].0.clone();
            diagnostic
                .related(span, "this one has a similar name")
                .help(format!("did you mean \"{meant}\"?"))
        } else if names.is_empty() {
            diagnostic.help(format!(
                "write a table `[calendar.{}]` with its `effect` and its `dates`",
                name.value
            ))
        } else {
            // So many names as anyone reads; a file may have more.
            const SHOWN_MAX: usize = 20;
            let shown: Vec<String> =
                names.iter().take(SHOWN_MAX).map(|name| quoted(name)).collect();
            let more = if names.len() > SHOWN_MAX { ", ..." } else { "" };
            diagnostic
                .label(format!("valid: {}{more}", shown.join(", ")))
                .help(format!("name one of these, or write a table `[calendar.{}]`", name.value))
        });
    }

    pub(super) fn warn_of_unused(&self, sink: &mut Sink) {
        for (name, (span, _)) in &self.by_name {
            if !self.used.contains(name) {
                let message = format!("no schedule uses the calendar {}", quoted(name));
                sink.push(
                    Diagnostic::warning("unused-calendar", span.clone(), message)
                        .label("so its days change nothing")
                        .help(format!(
                            "write `calendars = [\"{name}\"]` in a schedule, or leave the calendar out"
                        )),
                );
            }
        }
    }

    pub(super) fn into_policy(self) -> BTreeMap<CalendarName, Arc<Calendar>> {
        let entries = self.by_name.into_iter();
        entries.filter_map(|(name, (_, calendar))| Some((name.into(), calendar?))).collect()
    }
}

fn lower(
    file: &Located<CalendarFile>,
    reader: &mut Reader<'_>,
    sink: &mut Sink,
) -> Option<Calendar> {
    let CalendarFile { name, effect, dates, ics } = &file.value;
    if effect.is_absent() {
        let message = format!("the calendar {} has no `effect`", quoted(name));
        sink.push_absence(Diagnostic::error("missing-key", file.span.clone(), message).help(
            "write `effect = \"closed\"` (idle all day) or `effect = \"open\"` (no idle hours)",
        ));
    }
    if dates.is_absent() && ics.is_absent() {
        let message = format!("the calendar {} has neither `dates` nor `ics`", quoted(name));
        sink.push_absence(
            Diagnostic::error("missing-key", file.span.clone(), message)
                .help("write for example `dates = [\"2026-12-24..2027-01-01\", \"07-04\"]`"),
        );
    }
    let (entries, effect) = (entries(dates, ics, reader, sink), effect.value());
    let (entries, effect) = (entries?, *effect?);
    if entries.is_empty() && !(dates.is_absent() && ics.is_absent()) {
        let message = format!("the calendar {} has no days", quoted(name));
        sink.push(
            Diagnostic::warning("empty-calendar", file.span.clone(), message)
                .label("all its events are cancelled, left out or without length")
                .help("leave the calendar out, or check its file"),
        );
    }
    Some(Calendar { name: name.as_str().into(), effect, entries })
}

/// The entries of both keys; `None` where they are not all known.
fn entries(
    dates: &Field<Vec<Entry>>,
    ics: &Field<Vec<Located<String>>>,
    reader: &mut Reader<'_>,
    sink: &mut Sink,
) -> Option<Vec<Entry>> {
    let paths = match ics {
        Field::Absent => &[][..],
        Field::Wrong => return None,
        Field::Given(paths) => &paths.value,
    };
    // Every file is read, so that all mistakes are found in one run.
    let events: Vec<_> = paths.iter().map(|path| reader.read(path, sink)).collect();
    let mut entries = match dates {
        Field::Absent => Vec::new(),
        Field::Wrong => return None,
        Field::Given(dates) => dates.value.clone(),
    };
    for events in events {
        entries.extend(events?);
    }
    Some(entries)
}

/// Reads the calendar files of one configuration.
struct Reader<'a> {
    base_dir: &'a Path,
    digest: &'a mut Sha256,
    files_left: usize,
}

impl Reader<'_> {
    /// The entries that a file means, or `None` where they are not all known.
    fn read(&mut self, path: &Located<String>, sink: &mut Sink) -> Option<Vec<Entry>> {
        let Some(left) = self.files_left.checked_sub(1) else {
            let message = format!("this file names more than {ICS_FILES_MAX} calendar files");
            sink.push(
                Diagnostic::error("too-many", path.span.clone(), message)
                    .help("join files: one may have many events"),
            );
            return None;
        };
        self.files_left = left;
        let shown = self.base_dir.join(&path.value);
        let Read { bytes, exposed } = match read_file(&shown) {
            Ok(read) => read,
            Err(error) => {
                sink.push(unreadable(path, &shown, &error));
                return None;
            }
        };
        sink.expose(exposed);
        // No text has a zero in it, and each length says where its bytes end: what was added is
        // told apart from all else.
        self.digest.update([0]);
        self.digest.update((bytes.len() as u64).to_le_bytes());
        self.digest.update(&bytes);
        match ics::read(&bytes) {
            Ok(read) => {
                for doubt in read.doubts.into_list() {
                    let found = Diagnostic::warning("doubtful-ics", path.span.clone(), "");
                    sink.push(explain(found, &shown, doubt));
                }
                Some(read.entries)
            }
            Err(complaints) => {
                for complaint in complaints {
                    let found = Diagnostic::error("bad-ics", path.span.clone(), "");
                    sink.push(explain(found, &shown, complaint));
                }
                None
            }
        }
    }
}

fn read_file(path: &Path) -> io::Result<Read> {
    // What is not a file might never end, or never begin.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    read_bounded(path)
}

fn unreadable(path: &Located<String>, shown: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("cannot read the calendar file {}", shown.display());
    Diagnostic::error(UNREADABLE_ICS, path.span.clone(), message)
        .label(error.to_string())
        .help("write its path, absolute or relative to the directory of this file")
}

/// What is wrong with a file, where in it, and what to do.
fn explain(mut found: Diagnostic, path: &Path, complaint: Complaint) -> Diagnostic {
    let Complaint { line, event, fault } = complaint;
    found.message = fault.to_string();
    let event = event.map(|name| format!(", in the event {}", quoted(&name)));
    let place = format!("{}, line {line}{}", path.display(), event.unwrap_or_default());
    found.label(format!("in line {line} of this file")).note(place).help(fault.help())
}

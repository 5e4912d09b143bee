//! Vetoes by name, and who refers to them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{env, fs, thread};

use jiff::SignedDuration;

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::file::settings::SettingsFile;
use super::super::file::veto::{HELP_COMMAND, VetoFile};
use super::super::suggest::{closest, quoted};
use super::super::table::Located;
use crate::files::{self, Exposed, GroupMayWrite};
use crate::ids::VetoName;
use crate::policy::Veto;

pub(in crate::config) const TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
pub(in crate::config) const DEFER_MAX: SignedDuration = SignedDuration::from_hours(6);
pub(in crate::config) const EVERY: SignedDuration = SignedDuration::from_mins(5);

/// How long the disk with the program of a veto may take to say whose it is.
const DISK_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The vetoes of the file. One that was refused keeps its name, so that it can be referred to.
pub(super) struct Vetoes {
    by_name: BTreeMap<String, (Span, Option<Arc<Veto>>)>,
    used: BTreeSet<String>,
}

impl Vetoes {
    pub(super) fn lower(files: &[Located<VetoFile>], base_dir: &Path, sink: &mut Sink) -> Self {
        let mut lowered = |file: &Located<VetoFile>| {
            let veto = lower(file, base_dir, sink).map(Arc::new);
            (file.value.name.clone(), (file.span.clone(), veto))
        };
        let by_name = files.iter().map(&mut lowered).collect();
        Self { by_name, used: BTreeSet::new() }
    }

    /// Reports names that no veto has, and those that are there twice.
    pub(super) fn check_references(&mut self, settings: &SettingsFile, sink: &mut Sink) {
        let names = settings.veto.value().map_or(&[][..], Vec::as_slice);
        let mut first: BTreeMap<&str, &Span> = BTreeMap::new();
        for name in names {
            if let Some(first) = first.insert(&name.value, &name.span) {
                let message = format!("the veto {} is there twice", quoted(&name.value));
                sink.push(
                    Diagnostic::error("duplicate-veto", name.span.clone(), message)
                        .related(first.clone(), "first here")
                        .help("leave one of them out"),
                );
            } else if self.by_name.contains_key(&name.value) {
                self.used.insert(name.value.clone());
            } else {
                self.explain_unknown(name, sink);
            }
        }
    }

    fn explain_unknown(&mut self, name: &Located<String>, sink: &mut Sink) {
        let message = format!("no veto has the name {}", quoted(&name.value));
        let diagnostic = Diagnostic::error("unknown-veto", name.span.clone(), message);
        let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        sink.push(if let Some(meant) = closest(&name.value, names.iter().copied()) {
            // What somebody meant to refer to is not unused.
            self.used.insert(meant.to_owned());
            let span = self.by_name[meant].0.clone();
            diagnostic
                .related(span, "this one has a similar name")
                .help(format!("did you mean \"{meant}\"?"))
        } else if names.is_empty() {
            diagnostic.help(format!("write a table `[veto.{}]` with its `command`", name.value))
        } else {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            diagnostic
                .label(format!("valid: {}", names.join(", ")))
                .help(format!("name one of these, or write a table `[veto.{}]`", name.value))
        });
    }

    /// The veto of a name; `None` where it was refused or does not exist.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Veto>> {
        self.by_name.get(name).and_then(|(_, veto)| veto.clone())
    }

    pub(super) fn warn_of_unused(&self, sink: &mut Sink) {
        for (name, (span, _)) in &self.by_name {
            if !self.used.contains(name) {
                let message = format!("nothing in this file uses the veto {}", quoted(name));
                sink.push(
                    Diagnostic::warning("unused-veto", span.clone(), message)
                        .label("so nobody is asked")
                        .help(format!(
                            "write `veto = [\"{name}\"]` in a studio, or leave the veto out"
                        )),
                );
            }
        }
    }

    pub(super) fn into_policy(self) -> BTreeMap<VetoName, Arc<Veto>> {
        let entries = self.by_name.into_iter();
        entries.filter_map(|(name, (_, veto))| Some((name.into(), veto?))).collect()
    }
}

fn lower(file: &Located<VetoFile>, base_dir: &Path, sink: &mut Sink) -> Option<Veto> {
    let VetoFile { name, command, timeout, defer_max, every } = &file.value;
    if command.is_absent() {
        let message = format!("the veto {} has no `command`", quoted(name));
        sink.push_absence(
            Diagnostic::error("missing-key", file.span.clone(), message).help(HELP_COMMAND),
        );
    }
    let mut command = command.value()?.clone();
    // A name alone is looked for in PATH; a path begins where the file is.
    if let Some(program) = command.first_mut().filter(|program| program.contains('/')) {
        *program = base_dir.join(&*program).display().to_string();
    }
    if let Some((program, arguments)) = command.split_first() {
        sink.expose(exposed(vec![program.clone()]));
        sink.expose(exposed(scripts(program, arguments)));
    }
    Some(Veto {
        name: name.as_str().into(),
        command,
        timeout: timeout.value().copied().unwrap_or(TIMEOUT),
        defer_max: defer_max.value().copied().unwrap_or(DEFER_MAX),
        every: every.value().copied().unwrap_or(EVERY),
    })
}

/// What of the arguments may be the script that is run: where the program runs scripts, the first path from the root.
/// What follows may be its data. Who runs interpreters may be given one of those first.
fn scripts(program: &str, arguments: &[String]) -> Vec<String> {
    const INTERPRETERS: [&str; 10] =
        ["sh", "bash", "dash", "zsh", "ksh", "perl", "ruby", "node", "env", "uv"];
    let name = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or(program);
    if !name.starts_with("python") && !INTERPRETERS.contains(&name) {
        return Vec::new();
    }
    let count = if ["env", "uv"].contains(&name) { 2 } else { 1 };
    let paths = arguments.iter().filter(|word| word.starts_with('/'));
    paths.take(count).cloned().collect()
}

/// What lets others change the programs that are run: whoever may does as the daemon's user what they like. Of a
/// program that is not there, or on a disk that does not answer, nothing is known; nor can it be run.
fn exposed(programs: Vec<String>) -> Vec<Exposed> {
    if programs.is_empty() {
        return Vec::new();
    }
    let (found, answer) = mpsc::channel();
    let look = move || found.send(programs.iter().flat_map(|it| exposed_now(it)).collect());
    let looked = thread::Builder::new().spawn(look);
    looked.ok().and_then(|_| answer.recv_timeout(DISK_ANSWERS_WITHIN).ok()).unwrap_or_default()
}

fn exposed_now(program: &str) -> Vec<Exposed> {
    let in_path = || {
        let directories = env::var_os("PATH").unwrap_or_default();
        let mut places = env::split_paths(&directories).map(|directory| directory.join(program));
        places.find(|place| place.is_file())
    };
    let place = if program.contains('/') { Some(PathBuf::from(program)) } else { in_path() };
    let found = place.and_then(|place| fs::metadata(&place).ok().map(|found| (place, found)));
    let Some((place, found)) = found.filter(|(_, found)| found.is_file()) else {
        return Vec::new();
    };
    let written = files::exposed(&place, &found, GroupMayWrite::OwnersPrivate);
    written.into_iter().chain(files::replaceable(&place)).collect()
}

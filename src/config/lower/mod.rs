//! From the file types to the policy: what is absent, what refers to what, what contradicts what.
//!
//! Every value has been judged by itself before. A value that was refused counts as unknown here,
//! so that one mistake is reported once. Start at [`lower`].

mod calendar;
mod http;
mod rule;
mod schedule;
mod settings;
mod studio;
pub(super) mod veto;

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use sha2::{Digest, Sha256};

use self::calendar::Calendars;
use self::schedule::Schedules;
use self::settings::{Layers, Names};
use self::veto::Vetoes;
use super::diagnostic::{Diagnostic, Sink};
use super::file::File;
use super::file::people::PersonFile;
use crate::ids::{InstanceType, PolicyHash};
use crate::policy::{AuditRotation, DaemonPolicy, People, Person, Policy, Scan};

pub(super) const SCAN: SignedDuration = SignedDuration::from_mins(5);
/// Where the state is, unless the file says otherwise.
pub const STATE_DIR: &str = "/var/lib/lightsout";
pub(super) const AUDIT_PATH: &str = "/var/log/lightsout/audit.jsonl";
pub(super) const AUDIT_STDOUT: bool = false;
pub(super) const CONCURRENCY: usize = 16;
/// What the daemon has in its state directory.
const OF_THE_DAEMON: [&str; 3] = ["lock", "health.json", "requests"];
pub(super) const ROTATE_SIZE: u64 = 64_000_000;
pub(super) const ROTATE_AGE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The policy that a file means. It counts only where the sink has no error in the end.
///
/// `digest` has taken the text of the file; it takes what else the policy is made of, and becomes
/// the policy's hash.
pub(super) fn lower(
    file: &File,
    mut digest: Sha256,
    base_dir: &Path,
    sink: &mut Sink,
) -> Option<Policy> {
    contradicting_modes(file, sink);
    contradicting_places(file, base_dir, sink);
    let http = http::lower(file, base_dir, sink);
    let people = people(file);
    let mut calendars = Calendars::lower(&file.calendars, base_dir, &mut digest, sink);
    let schedules = Schedules::lower(&file.schedules, &mut calendars, &people, sink);
    let vetoes = Vetoes::lower(&file.vetoes, base_dir, sink);
    let mut names = Names { schedules, vetoes };
    names.check_references(&file.defaults.settings, sink);
    let layers = Layers::of_file(file);
    let studios = studio::lower_all(file, &layers, &mut names, sink);
    let Names { schedules, vetoes } = names;
    // What nothing seems to use may be what a mistake elsewhere meant.
    if !sink.has_errors() {
        schedules.warn_of_unused(sink);
        calendars.warn_of_unused(sink);
        vetoes.warn_of_unused(sink);
    }
    if file.names_no_studio {
        let message = "the file names no studio";
        sink.push_absence(
            Diagnostic::error("missing-key", 0..0, message)
                .help("write a table `[[studio]]` with its `id` for each studio"),
        );
    }
    // A studio that was dropped has been reported; this only makes sure that none gets lost.
    if studios.is_empty() || studios.len() != file.studios.len() {
        return None;
    }
    let prices = file.prices.iter();
    Some(Policy {
        hash: hash(digest),
        daemon: daemon(file, base_dir),
        audit_path: path(file.audit.path.value(), AUDIT_PATH, base_dir),
        audit_rotation: audit_rotation(file),
        audit_stdout: file.audit.stdout.value().copied().unwrap_or(AUDIT_STDOUT),
        http,
        schedules: schedules.into_policy(),
        calendars: calendars.into_policy(),
        vetoes: vetoes.into_policy(),
        people,
        studios,
        prices: prices.map(|(name, price)| (InstanceType::from(name.as_str()), *price)).collect(),
    })
}

fn people(file: &File) -> People {
    let person = |file: &PersonFile| Person {
        name: file.name.value().cloned(),
        zone: file.zone.value().cloned(),
        address: file.address.value().cloned(),
    };
    file.people.iter().map(|file| (file.id.as_str().into(), person(file))).collect()
}

/// A digest in hexadecimal.
pub(super) fn hash(digest: Sha256) -> PolicyHash {
    use std::fmt::Write;
    let mut hex = String::with_capacity(64);
    for byte in digest.finalize() {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex.into()
}

fn daemon(file: &File, base_dir: &Path) -> DaemonPolicy {
    let daemon = &file.daemon;
    DaemonPolicy {
        scan: daemon.scan.value().cloned().unwrap_or(Scan::Every(SCAN)),
        state_dir: state_dir(file, base_dir),
        concurrency: daemon.concurrency.value().copied().unwrap_or(CONCURRENCY),
    }
}

pub(super) fn state_dir(file: &File, base_dir: &Path) -> PathBuf {
    path(file.daemon.state_dir.value(), STATE_DIR, base_dir)
}

/// The log must not be what the daemon keeps for itself in the state directory.
fn contradicting_places(file: &File, base_dir: &Path, sink: &mut Sink) {
    let Some(given) = file.audit.path.given() else { return };
    let (log, state) = (base_dir.join(&given.value), state_dir(file, base_dir));
    if OF_THE_DAEMON.iter().any(|name| log == state.join(name)) {
        let message = "the audit log would be a file that the daemon keeps for itself";
        sink.push(
            Diagnostic::error("contradicting-places", given.span.clone(), message)
                .label("in the `state_dir`, of that name")
                .help("give the log another name, as in \"audit.jsonl\""),
        );
    }
}

fn audit_rotation(file: &File) -> AuditRotation {
    let audit = &file.audit;
    AuditRotation {
        size: audit.rotate_size.value().copied().unwrap_or(Some(ROTATE_SIZE)),
        age: audit.rotate_age.value().copied().unwrap_or(Some(ROTATE_AGE)),
    }
}

/// Joining an absolute path replaces the base.
fn path(given: Option<&String>, default: &str, base_dir: &Path) -> PathBuf {
    base_dir.join(given.map_or(default, String::as_str))
}

/// The top of the file and `[defaults]` are one place to say the mode in.
fn contradicting_modes(file: &File, sink: &mut Sink) {
    let (Some(top), Some(default)) = (file.mode.given(), file.defaults.settings.mode.given())
    else {
        return;
    };
    if top.value != default.value {
        let message = "the file says its mode twice, and differently";
        sink.push(
            Diagnostic::error("contradicting-modes", default.span.clone(), message)
                .label(format!("here it is {}", default.value))
                .related(top.span.clone(), format!("here it is {}", top.value))
                .help("leave one of them out"),
        );
    }
}

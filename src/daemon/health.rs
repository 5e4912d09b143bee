//! What the program says of its own health, in a file that whoever watches it may read.
//!
//! Best effort: a thread of its own writes the file, only the latest matters, and nobody waits for it.
//! What is said comes from the ledger and from what the loops tell as they go.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::vitals::Vitals;
use super::{Ledger, LogHealth, state};
use crate::audit::record::Journal;
use crate::files::{Room, directory_of};
use crate::ids::StudioId;
use crate::policy::{Policy, Scan};

/// How old what the file says may become while the program runs, where scans do not follow each other
/// faster: whoever watches it can tell one that hangs, and a disk that hangs is told of.
const TOLD_EVERY_MAX: SignedDuration = SignedDuration::from_mins(5);

/// How many times as old what the file says is nobody's word any more.
const STALE_AFTER: i32 = 3;

/// It is not called that sooner: a machine may be busy for a while.
const STALE_MIN: SignedDuration = SignedDuration::from_mins(1);

/// More than such a file ever has, with each of five hundred studios in it held and overdue.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// How far the clock of whoever reads it may be behind.
const CLOCKS_APART_MAX: SignedDuration = SignedDuration::from_mins(2);

/// How many scans a studio may go without before a person should look at it: one may be cut short.
const SCANS_MISSED_MAX: i32 = 3;

/// A studio is not called overdue before this, however fast its scans follow each other: to list a large one
/// through a slow API, and to record what is new of it, takes minutes.
const OVERDUE_MIN: SignedDuration = SignedDuration::from_mins(15);

/// How long the end of the program waits for the last words to be written.
const LAST_WORDS_WAIT: Duration = Duration::from_secs(1);

/// The one problem of a program that has ended.
const ENDED: &str = "the program has ended";

/// The name of the file in the state directory.
const FILE: &str = "health.json";

/// What the file says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Whether all is as it should be.
    pub healthy: bool,
    /// Since when that is so.
    pub since: Timestamp,
    /// When this was written.
    pub at: Timestamp,
    /// Until when it counts: by then it is written again, as long as the program goes on.
    pub until: Timestamp,
    /// What a person should look at.
    pub problems: Vec<String>,
    /// Where the log stands.
    pub audit: Option<Audit>,
    /// The policy in force.
    pub policy: String,
    /// The number of the process.
    pub pid: u32,
    /// When each studio was last scanned.
    pub scans: BTreeMap<String, Timestamp>,
}

/// Why there is nothing to go by.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// The file is not there, or cannot be read.
    #[error("{} cannot be read", path.display())]
    Unread {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What it says is too old.
    #[error("{} was last written at {at}, and counted until {until}", path.display())]
    Stale {
        /// The file.
        path: PathBuf,
        /// When it was written.
        at: Timestamp,
        /// Until when it counted.
        until: Timestamp,
    },
    /// What it says is of the future.
    #[error("{} was written at {at}, which is still to come: one of the clocks is wrong", path.display())]
    Future {
        /// The file.
        path: PathBuf,
        /// When it says it was written.
        at: Timestamp,
    },
}

impl Health {
    /// What the program that has this state directory says of its health, unless that is too old.
    ///
    /// # Errors
    /// Nobody has said anything that counts now.
    pub fn read(state: &Path, now: Timestamp) -> Result<Self, Unhealthy> {
        let path = state.join(FILE);
        match Self::read_file(&path) {
            Err(source) => Err(Unhealthy::Unread { path, source }),
            Ok(Self { at, until, .. }) if now > until => Err(Unhealthy::Stale { path, at, until }),
            Ok(Self { at, .. }) if now.duration_until(at) > CLOCKS_APART_MAX => {
                Err(Unhealthy::Future { path, at })
            }
            Ok(health) => Ok(health),
        }
    }

    /// Whether the program said that there will be no more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.problems.iter().any(|problem| problem == ENDED)
    }

    /// Where the log stood when it was last told of, however long ago; nothing where that is not known. A record
    /// is durable before it is told of here.
    ///
    /// # Errors
    /// The file is there and cannot be read now: it may tell later.
    pub fn log_stood_at(state: &Path) -> io::Result<Option<Audit>> {
        use io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
        match Self::read_file(&state.join(FILE)) {
            Ok(health) => Ok(health.audit),
            Err(error) if error.kind() == NotFound => Ok(None),
            Err(error) if matches!(error.kind(), InvalidData | UnexpectedEof) => {
                tracing::warn!(%error, "health.json does not tell where the log stood: whether its end is lost is not known");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Forgets what was told: it is of a log that is no more.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be removed.
    pub fn forget(state: &Path) -> io::Result<()> {
        match fs::remove_file(state.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn read_file(path: &Path) -> io::Result<Self> {
        let mut text = String::new();
        File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        Ok(serde_json::from_str(&text)?)
    }
}

/// Where the log stands: one that is later found shorter was cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// The number of the last record.
    pub sequence: u64,
    /// Its hash.
    pub head: String,
}

/// Tells the health, to a file.
#[derive(Debug)]
pub struct HealthReport {
    file: Writer,
    since: Option<(bool, Timestamp)>,
}

impl HealthReport {
    /// A report in the state directory, which is written from now on. The disk of the log is looked at on the way:
    /// one that is full shows otherwise only where something is to be recorded, and that may be a rescue.
    ///
    /// # Errors
    /// The operating system has no thread for it.
    pub fn in_directory(state: &Path, log: &Path) -> std::io::Result<Self> {
        let directory = directory_of(log).to_owned();
        let look = move || match Room::at(&directory) {
            Ok(room) => room.trouble(),
            Err(error) => Some(format!("it cannot be looked at: {error}")),
        };
        Ok(Self { file: Writer::start(state.join(FILE), look)?, since: None })
    }

    /// Says how things are.
    pub(super) fn tell(
        &mut self,
        vitals: &Vitals,
        ledger: &Ledger,
        policy: &Policy,
        at: Timestamp,
    ) {
        vitals.lock().disk = self.file.0.lock().disk.clone();
        self.write(problems(vitals, ledger, policy, at), vitals, ledger, policy, at);
    }

    /// Says that there will be no more.
    pub(super) fn end(&mut self, vitals: &Vitals, ledger: &Ledger, policy: &Policy, at: Timestamp) {
        self.write(vec![ENDED.to_owned()], vitals, ledger, policy, at);
    }

    fn write(
        &mut self,
        problems: Vec<String>,
        vitals: &Vitals,
        ledger: &Ledger,
        policy: &Policy,
        at: Timestamp,
    ) {
        let healthy = problems.is_empty();
        let since = self.since.filter(|(before, _)| *before == healthy).map_or(at, |(_, at)| at);
        self.since = Some((healthy, since));
        let audit = ledger
            .head()
            .map(|head| Audit { sequence: head.sequence, head: head.hash.to_string() });
        let known = vitals.lock();
        let scan = |id: &StudioId| Some((id.to_string(), known.studios.get(id)?.at));
        let scans = policy.studios.keys().filter_map(scan);
        let counts_for = told_every(&policy.daemon.scan).saturating_mul(STALE_AFTER).max(STALE_MIN);
        let health = Health {
            healthy,
            since,
            at,
            until: at.checked_add(counts_for).unwrap_or(Timestamp::MAX),
            problems,
            audit,
            policy: policy.hash.to_string(),
            pid: std::process::id(),
            scans: scans.collect(),
        };
        match serde_json::to_string(&health) {
            Ok(text) => self.file.write(text + "\n"),
            Err(error) => tracing::warn!(%error, "the health of the program cannot be told"),
        }
    }
}

/// How often it is told at the least.
pub(super) fn told_every(scan: &Scan) -> SignedDuration {
    match scan {
        Scan::Every(interval) => TOLD_EVERY_MAX.min(*interval),
        Scan::Cron(_) => TOLD_EVERY_MAX,
    }
}

/// Everything that a person should look at.
pub(super) fn problems(
    vitals: &Vitals,
    ledger: &Ledger,
    policy: &Policy,
    at: Timestamp,
) -> Vec<String> {
    let log = match ledger.health(at) {
        LogHealth::Sound => None,
        LogHealth::Failing { since, detail } => {
            Some(format!("the audit log cannot be written since {since}: {detail}"))
        }
    };
    let disk = vitals.lock().disk.clone();
    let disk = disk.map(|trouble| format!("the disk of the audit log is in trouble: {trouble}"));
    let unrotated = ledger.unrotated();
    let unrotated = unrotated.map(|why| format!("the audit log cannot go on in a new file, {why}"));
    let refused = vitals.lock().refused.clone();
    let refused = refused
        .map(|why| format!("the policy file is refused, the one before it is in force: {why}"));
    let held = policy.studios.values().filter_map(|studio| {
        let why =
            ledger.with(&studio.id, |past| past.held.as_ref().map(|held| held.text.clone()))?;
        Some(format!("{} is held: {why}", studio.label()))
    });
    let failing = policy.studios.values().filter_map(|studio| {
        let what = vitals.lock().trouble.of(&studio.id)?;
        Some(format!("in {} {what}", studio.label()))
    });
    let found =
        log.into_iter().chain(disk).chain(unrotated).chain(refused).chain(held).chain(failing);
    found.chain(overdue(vitals, policy, at)).collect()
}

/// The studios that are not scanned as they should be: their loop hangs, or breaks again and again.
fn overdue(vitals: &Vitals, policy: &Policy, at: Timestamp) -> Vec<String> {
    let mut known = vitals.lock();
    let overdue = policy.studios.values().filter_map(|studio| {
        let awaited = *known.awaited.entry(studio.id.clone()).or_insert(at);
        let since = known.studios.get(&studio.id).map_or(awaited, |glance| glance.at);
        let is_overdue = is_overdue(&policy.daemon.scan, since, at);
        is_overdue.then(|| format!("{} was not scanned since {since}", studio.label()))
    });
    overdue.collect()
}

/// Whether a studio that was scanned last at `since` should have been again by now, whichever way the clock
/// was set meanwhile.
fn is_overdue(scan: &Scan, since: Timestamp, now: Timestamp) -> bool {
    let allowed = match scan {
        Scan::Every(interval) => interval.saturating_mul(SCANS_MISSED_MAX),
        Scan::Cron(expression) => {
            let missed = (0..SCANS_MISSED_MAX).try_fold(since, |at, _| expression.next_utc(at));
            missed.map_or(SignedDuration::MAX, |last| since.duration_until(last))
        }
    };
    since.duration_until(now).abs() > allowed.max(OVERDUE_MIN)
}

/// The thread that writes the file, and what it is to write next.
#[derive(Debug)]
struct Writer(Arc<Desk>);

#[derive(Debug, Default)]
struct Desk {
    paper: Mutex<Paper>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Paper {
    next: Option<String>,
    /// What is wrong with the disk of the log, as it was when the last was written.
    disk: Option<String>,
    is_writing: bool,
    is_over: bool,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Paper> {
        self.paper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn start(
        path: PathBuf,
        look: impl Fn() -> Option<String> + Send + 'static,
    ) -> std::io::Result<Self> {
        let desk = Arc::new(Desk::default());
        let theirs = Arc::clone(&desk);
        let thread = std::thread::Builder::new().name("health".to_owned());
        // Nobody joins it: a disk that hangs must not keep the program from ending.
        drop(thread.spawn(move || keep_writing(&theirs, &path, &look))?);
        Ok(Self(desk))
    }

    fn write(&self, text: String) {
        self.0.lock().next = Some(text);
        self.0.changed.notify_all();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut paper = self.0.lock();
        paper.is_over = true;
        self.0.changed.notify_all();
        let is_busy = |paper: &mut Paper| paper.is_writing || paper.next.is_some();
        // What is not written by then is not written.
        drop(self.0.changed.wait_timeout_while(paper, LAST_WORDS_WAIT, is_busy));
    }
}

fn keep_writing(desk: &Desk, path: &Path, look: &dyn Fn() -> Option<String>) {
    let mut has_failed = false;
    let mut paper = desk.lock();
    loop {
        let Some(text) = paper.next.take() else {
            if paper.is_over {
                return;
            }
            paper = desk.changed.wait(paper).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        paper.is_writing = true;
        drop(paper);
        let written = state::replace(path, &text);
        if let Err(error) = &written
            && !has_failed
        {
            tracing::warn!(%error, "{} cannot be written", path.display());
        }
        has_failed = written.is_err();
        let disk = look();
        paper = desk.lock();
        paper.disk = disk;
        paper.is_writing = false;
        desk.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::audit::record::{Data, Kind, Record};
    use crate::audit::{MemoryJournal, Replay};
    use crate::daemon::reload::Outcome;
    use crate::daemon::vitals::Glance;

    const POLICY: &str = r#"
version = 1
[[studio]]
id = "us-west-2:stid-1"
name = "Feature"
max_uptime = "14h"
[[studio]]
id = "us-west-2:stid-2"
max_uptime = "14h"
"#;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// What the file says once this was done.
    fn told(
        act: impl FnOnce(&mut dyn FnMut(Timestamp), &Vitals, &Ledger, &MemoryJournal),
    ) -> Value {
        let base = tempfile::tempdir().unwrap();
        let policy = crate::config::parse("policy.toml", POLICY, Path::new("")).unwrap().policy;
        let journal = Arc::new(MemoryJournal::new());
        let shared = Arc::clone(&journal) as Arc<dyn Journal>;
        let (vitals, ledger) = (Vitals::default(), Ledger::new(shared, Replay::default()));
        let mut report =
            HealthReport::in_directory(base.path(), &base.path().join("audit.jsonl")).unwrap();
        act(&mut |at| report.tell(&vitals, &ledger, &policy, at), &vitals, &ledger, &journal);
        drop(report);
        let text = std::fs::read_to_string(base.path().join(FILE)).unwrap();
        let mut told: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(told["pid"].take(), std::process::id());
        assert_eq!(told["policy"].take(), policy.hash.as_str());
        told
    }

    fn scanned(vitals: &Vitals, studio: &str, at: Timestamp) {
        let glance = Glance { at, ..Glance::default() };
        vitals.scanned(&studio.into(), glance, SignedDuration::ZERO);
    }

    /// Commits a record; whether it succeeded.
    fn commit(ledger: &Ledger, record: Record) -> bool {
        futures_util::FutureExt::now_or_never(ledger.commit(vec![record])).unwrap().is_ok()
    }

    fn held() -> Record {
        let data = Data {
            studio: Some("us-west-2:stid-1".to_owned()),
            note: Some("nobody knows".to_owned()),
            ..Data::default()
        };
        let time = at("2026-11-20T04:00:00Z");
        Record { time, kind: Kind::StudioHeld, subject: String::new(), data }
    }

    #[test]
    fn who_is_well_says_since_when_and_when_each_studio_was_scanned() {
        let told = told(|tell, vitals, _, _| {
            tell(at("2026-11-20T04:00:00Z"));
            scanned(vitals, "us-west-2:stid-1", at("2026-11-20T04:05:00Z"));
            // No longer a studio of the policy.
            scanned(vitals, "us-west-2:stid-9", at("2026-11-20T04:05:00Z"));
            tell(at("2026-11-20T04:05:01Z"));
        });
        let expected = json!({
            "healthy": true,
            "since": "2026-11-20T04:00:00Z",
            "at": "2026-11-20T04:05:01Z",
            "until": "2026-11-20T04:20:01Z",
            "problems": [],
            "audit": null,
            "policy": null,
            "pid": null,
            "scans": { "us-west-2:stid-1": "2026-11-20T04:05:00Z" },
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn each_problem_is_named_and_its_end_is_noticed() {
        let all = told(|tell, vitals, ledger, journal| {
            assert!(commit(ledger, held()));
            vitals.policy_read(Outcome::Refused("no such zone".to_owned()));
            tell(at("2026-11-20T04:00:00Z"));
            journal.fail(true);
            assert!(!commit(ledger, held()));
            tell(at("2026-11-20T04:05:00Z"));
        });
        let problems = json!([
            "the audit log cannot be written since 2026-11-20T04:00:00Z: it is made to fail",
            "the policy file is refused, the one before it is in force: no such zone",
            "Feature is held: nobody knows",
        ]);
        assert_eq!((&all["healthy"], &all["problems"]), (&json!(false), &problems));
        assert_eq!(all["since"], "2026-11-20T04:00:00Z");
        let over = told(|tell, vitals, ledger, journal| {
            journal.fail(true);
            assert!(!commit(ledger, held()));
            vitals.policy_read(Outcome::Refused("no such zone".to_owned()));
            tell(at("2026-11-20T04:00:00Z"));
            journal.fail(false);
            assert!(commit(ledger, Record { kind: Kind::StudioResumed, ..held() }));
            vitals.policy_read(Outcome::Applied);
            tell(at("2026-11-20T04:05:00Z"));
        });
        assert_eq!((&over["healthy"], &over["problems"]), (&json!(true), &json!([])));
        assert_eq!(over["since"], "2026-11-20T04:05:00Z");
    }

    #[test]
    fn a_studio_that_is_not_scanned_any_more_is_a_problem() {
        let told_at = |time: &str| {
            let told = told(|tell, vitals, _, _| {
                tell(at("2026-11-20T04:00:00Z"));
                scanned(vitals, "us-west-2:stid-1", at("2026-11-20T04:10:00Z"));
                tell(at(time));
            });
            told["problems"].clone()
        };
        let never = "us-west-2:stid-2 was not scanned since 2026-11-20T04:00:00Z";
        let again = "Feature was not scanned since 2026-11-20T04:10:00Z";
        assert_eq!(told_at("2026-11-20T04:15:00Z"), json!([]));
        assert_eq!(told_at("2026-11-20T04:15:01Z"), json!([never]));
        assert_eq!(told_at("2026-11-20T04:25:01Z"), json!([again, never]));
        // The clock was set back, and nothing comes of it.
        assert_eq!(told_at("2026-11-20T03:30:00Z"), json!([again, never]));
    }

    #[test]
    fn how_long_a_scan_may_be_missing_goes_by_the_rhythm() {
        let since = at("2026-11-20T04:00:00Z");
        let is_overdue = |scan: &str, time: &str| {
            let text = POLICY.replace(
                "[[studio]]\nid = \"us-west-2:stid-1\"",
                &format!("[daemon]\nscan = \"{scan}\"\n[[studio]]\nid = \"us-west-2:stid-1\""),
            );
            let policy = crate::config::parse("policy.toml", &text, Path::new("")).unwrap().policy;
            super::is_overdue(&policy.daemon.scan, since, at(time))
        };
        for (scan, just) in [
            ("30s", "2026-11-20T04:15:00Z"),
            ("1h", "2026-11-20T07:00:00Z"),
            ("0 6 * * *", "2026-11-22T06:00:00Z"),
        ] {
            assert!(!is_overdue(scan, just), "{scan}");
            let later = (at(just) + SignedDuration::from_secs(1)).to_string();
            assert!(is_overdue(scan, &later), "{scan}");
        }
    }

    #[test]
    fn a_disk_that_is_full_is_told_before_anything_is_to_be_recorded() {
        let base = tempfile::tempdir().unwrap();
        let policy = crate::config::parse("policy.toml", POLICY, Path::new("")).unwrap().policy;
        let journal = Arc::new(MemoryJournal::new()) as Arc<dyn Journal>;
        let (vitals, ledger) = (Vitals::default(), Ledger::new(journal, Replay::default()));
        let look = || Some("0 kB of it are free".to_owned());
        let file = Writer::start(base.path().join(FILE), look).unwrap();
        let mut report = HealthReport { file, since: None };
        report.tell(&vitals, &ledger, &policy, at("2026-11-20T04:00:00Z"));
        let desk = Arc::clone(&report.file.0);
        let is_busy = |paper: &mut Paper| paper.is_writing || paper.next.is_some();
        drop(desk.changed.wait_while(desk.lock(), is_busy).unwrap());
        report.tell(&vitals, &ledger, &policy, at("2026-11-20T04:05:00Z"));
        let problems = problems(&vitals, &ledger, &policy, at("2026-11-20T04:05:00Z"));
        assert_eq!(problems, ["the disk of the audit log is in trouble: 0 kB of it are free"]);
    }

    #[test]
    fn what_told_where_the_log_stood_and_cannot_be_read_now_is_not_forgotten() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join(FILE);
        assert_eq!(Health::log_stood_at(base.path()).unwrap(), None, "there is none yet");
        for garbled in ["", "{", "{}", "[1]"] {
            std::fs::write(&path, garbled).unwrap();
            assert_eq!(Health::log_stood_at(base.path()).unwrap(), None, "{garbled:?}");
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(Health::log_stood_at(base.path()).is_err());
    }

    #[test]
    fn the_last_words_are_written_before_the_end() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("health.json");
        let writer = Writer::start(path.clone(), || None).unwrap();
        for number in 0..100 {
            writer.write(number.to_string());
        }
        drop(writer);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "99");
    }

    #[test]
    fn a_file_that_cannot_be_written_stops_nobody() {
        let base = tempfile::tempdir().unwrap();
        let writer = Writer::start(base.path().join("missing/health.json"), || None).unwrap();
        writer.write("one".to_owned());
        writer.write("two".to_owned());
        drop(writer);
        assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
    }
}

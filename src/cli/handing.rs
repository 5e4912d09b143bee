//! How a command hands a request to the daemon, and says what became of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;

use super::{Failure, load, output, studios};
use crate::clock::{Clock, SystemClock};
use crate::config;
use crate::daemon::lock_file;
use crate::files;
use crate::ids::StudioId;
use crate::policy::Policy;
use crate::switch::{Request, Spool, TEXT_MAX, Wish, is_plain};

/// How often is looked whether the daemon has taken it.
const LOOK_EVERY: SignedDuration = SignedDuration::from_millis(100);

/// What all requests have in common.
#[derive(Debug, clap::Args)]
pub(super) struct Handing {
    /// Who asks, for the log; by default the login name.
    #[arg(long = "as", value_name = "NAME")]
    who: Option<String>,

    /// How long to wait for a daemon to take it: 0s does not.
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    wait: String,

    /// The daemon's state directory, where the policy file does not tell it.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

impl Handing {
    /// Where requests go to, where the policy can be read.
    pub(super) fn state_dir(&self, policy: &Policy) -> PathBuf {
        self.state_dir.as_ref().unwrap_or(&policy.daemon.state_dir).clone()
    }

    /// The same, where it has mistakes, or is not there: what a daemon goes by that runs.
    fn state_dir_beside(&self, path: &Path) -> Result<PathBuf, Failure> {
        let said = self.state_dir.clone().or_else(|| config::state_dir(path).ok());
        let is_taken = |usual: &PathBuf| {
            files::lock_holder(&lock_file(usual)).is_ok_and(|holder| holder.is_some())
        };
        let usual = || Some(PathBuf::from(config::STATE_DIR)).filter(is_taken);
        said.or_else(usual).ok_or_else(|| {
            Failure::Usage(
                "nothing tells where a daemon looks for requests; write it as --state-dir DIR"
                    .to_owned(),
            )
        })
    }
}

/// Where a daemon looks for requests, and what a request is about.
pub(super) struct Address {
    pub(super) state_dir: PathBuf,
    /// What the file says, unless there are mistakes in it.
    pub(super) policy: Option<Policy>,
    /// The studio that is named, and what people call it.
    studio: Option<(StudioId, String)>,
}

impl Address {
    /// By the policy. A daemon goes on by what the file said before while there are mistakes in it, and must be
    /// told to wait all the same: then a studio goes by its id, and the daemon refuses one that it does not know.
    pub(super) fn find(
        path: &Path,
        named: Option<&str>,
        handing: &Handing,
    ) -> Result<Self, Failure> {
        match load(path) {
            Ok(policy) => {
                let studio = named.map(|name| studios::named(&policy, name)).transpose()?;
                let studio = studio.map(|studio| (studio.id.clone(), studio.label().to_owned()));
                let state_dir = handing.state_dir(&policy);
                Ok(Self { state_dir, policy: Some(policy), studio })
            }
            Err(wrong) => {
                wrong.print();
                let state_dir = handing.state_dir_beside(path)?;
                let studio = named.map(by_id).transpose()?;
                Ok(Self { state_dir, policy: None, studio })
            }
        }
    }

    pub(super) fn studio(&self) -> Option<StudioId> {
        self.studio.as_ref().map(|(id, _)| id.clone())
    }

    /// What it is about, for people.
    pub(super) fn place(&self) -> &str {
        self.studio.as_ref().map_or("all studios", |(_, label)| label)
    }
}

/// A studio whose names nobody can tell.
fn by_id(named: &str) -> Result<(StudioId, String), Failure> {
    if named.contains(':') {
        return Ok((named.into(), named.to_owned()));
    }
    Err(Failure::Usage(format!(
        "the names of studios cannot be read; write the id of {named:?}, as in us-west-2:stid-EXAMPLE11111, or none for \
         all studios"
    )))
}

/// Hands a request over, says what it is, waits for it to be taken, and says whether it was.
pub(super) fn hand_over(
    state_dir: &Path,
    handing: &Handing,
    wish: Wish,
    announcement: &str,
) -> Result<(), Failure> {
    let wait: SignedDuration = handing.wait.parse().map_err(|error: jiff::Error| {
        Failure::Usage(format!("--wait {:?}: {error}; write one like 10s", handing.wait))
    })?;
    let who = who(handing.who.as_deref())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let spool = Spool::of(state_dir, Arc::clone(&clock));
    let request = spool.add(&who, wish).map_err(|error| Failure::of(&error))?;
    output::say(announcement);
    super::runtime()?.block_on(until_taken(&spool, &request, clock.as_ref(), wait));
    if spool.is_refused(&request) {
        return Err(Failure::Failed(
            "the daemon does not follow it; its log on standard error says why".to_owned(),
        ));
    }
    if !spool.waits(&request) {
        output::say("taken");
        return Ok(());
    }
    if wait.is_zero() {
        output::say("no daemon has taken it yet; it will count when one runs");
        return Ok(());
    }
    // Whoever waits for it goes on as if it counted.
    Err(Failure::Failed(format!(
        "no daemon has taken it within {wait:#}; it will count when one runs with the state directory {}",
        state_dir.display()
    )))
}

async fn until_taken(spool: &Spool, request: &Request, clock: &dyn Clock, wait: SignedDuration) {
    let end = clock.monotonic().saturating_add(wait);
    while spool.waits(request) && clock.monotonic() < end {
        clock.sleep(LOOK_EVERY).await;
    }
}

/// Who asks: as it is said, else who logged in.
pub(super) fn who(said: Option<&str>) -> Result<String, Failure> {
    let login =
        || ["SUDO_USER", "LOGNAME", "USER"].iter().find_map(|name| std::env::var(name).ok());
    let Some(who) = said.map(ToOwned::to_owned).or_else(login) else {
        return Err(Failure::Usage("nothing says who you are; write --as NAME".to_owned()));
    };
    plain("--as", &who)?;
    Ok(who)
}

/// What is written into the log as it is.
pub(super) fn plain(option: &str, text: &str) -> Result<(), Failure> {
    if is_plain(text) {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{option} {text:?}: write one line of at most {TEXT_MAX} bytes that is not empty"
    )))
}

/// An instant for people, and how far away it is.
pub(super) fn until(
    clock_now: jiff::Timestamp,
    length: SignedDuration,
) -> (jiff::Timestamp, String) {
    let until = clock_now.checked_add(length).unwrap_or(jiff::Timestamp::MAX);
    (until, format!("until {} (for {length:#})", output::utc(until)))
}

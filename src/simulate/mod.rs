//! The simulator: the real daemon, its log and its executor, in a studio where everything goes wrong.
//!
//! One seed is one story of some days: a policy, a studio, artists, an administrator, a service that
//! throttles, hangs, answers late and shows what is not so, a disk that fails and fills up, a clock
//! that jumps, and a process that is killed at any point at which it waits. All of it is drawn from the
//! seed, and time, calls and disk are simulated, so the same seed of the same build is the same story.
//! What is simulated is what stands behind the ports; the plan, the executor, the loop and the writer
//! of the log are those of the program.
//!
//! Whoever judges reads the policy by itself (`rules`, `hours`) and the studio as it really is: each
//! changing call at its moment (`judge`), the log as a whole (`reading`, `ledgers`), and at the end, after a calm
//! day, whether all that is due has been done (`ending`). Start at [`run`], then `story`.

mod chance;
mod desk;
mod disguise;
mod disk;
mod ending;
mod farm;
mod faults;
mod ground;
mod hours;
mod judge;
mod ledgers;
mod lifeline;
mod panics;
mod people;
mod reading;
mod rules;
mod service;
mod story;
mod studio;

use jiff::{SignedDuration, Timestamp};

pub use chance::Chance;
pub use faults::{Counts, Fault};
pub use ground::Finding;

/// How large a simulation is.
#[derive(Debug, Clone)]
pub struct Shape {
    /// How many days of weather there are; a calm day follows.
    pub days: i64,
    /// How many sessions the studio begins with.
    pub sessions: usize,
    /// Whether anything goes wrong.
    pub is_stormy: bool,
    /// How often the studio is looked at; drawn where it is not said.
    pub scan: Option<SignedDuration>,
}

impl Default for Shape {
    fn default() -> Self {
        Self { days: 7, sessions: 6, is_stormy: true, scan: None }
    }
}

/// What came of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What must not be, in the order in which it was found. There should be nothing.
    pub findings: Vec<Finding>,
    /// How often each fault struck.
    pub faults: Counts,
    /// How often each reason was recorded.
    pub reasons: std::collections::BTreeMap<String, u64>,
    /// How many records the log has.
    pub records: u64,
    /// How many stops of ours the service carried out.
    pub stops: u64,
    /// The same for starts.
    pub starts: u64,
    /// How often the daemon was started.
    pub lives: u64,
    /// The hash of the last record, and so of the whole log: two runs of a seed agree in it.
    pub head: String,
    /// What time was simulated.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// Plays the story of a seed.
pub fn run(seed: u64, shape: &Shape) -> Outcome {
    story::Story::draw(seed, shape).play().0
}

/// Plays the story of a seed, and gives its audit log as well.
pub fn run_with_log(seed: u64, shape: &Shape) -> (Outcome, Vec<u8>) {
    let (outcome, disk) = story::Story::draw(seed, shape).play();
    let mut log = Vec::new();
    disk.each_line(|line| log.extend_from_slice(line));
    (outcome, log)
}

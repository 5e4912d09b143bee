//! `lightsout simulate`: the daemon's stories in which everything goes wrong, by their seeds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;

use super::Failure;
use crate::simulate::{Fault, Outcome, Shape, run, run_with_log};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The seed of the story; of the first, where there are several.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// How many seeds to play, from the first on.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seeds: u64,

    /// How many days of weather each story has; a calm day follows.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(i64).range(1..=3660))]
    days: i64,

    /// How many sessions the studio begins with.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=5000))]
    sessions: u16,

    /// Let nothing go wrong.
    #[arg(long)]
    calm: bool,

    /// How often the studio is looked at, in minutes; drawn from the seed where it is not said.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(i64).range(1..=1440))]
    scan: Option<i64>,

    /// Fail if any kind of fault, or any of the reasons that were met at all, came up less often than
    /// this over all seeds.
    #[arg(long, value_name = "N", default_value_t = 0)]
    least: u64,

    /// Write the audit log of the story there; for one seed.
    #[arg(long, value_name = "FILE", conflicts_with = "seeds")]
    log_file: Option<std::path::PathBuf>,

    /// How many stories to play at a time.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
}

pub(super) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let shape = Shape {
        days: arguments.days,
        sessions: usize::from(arguments.sessions),
        is_stormy: !arguments.calm,
        scan: arguments.scan.map(SignedDuration::from_mins),
    };
    if let Some(path) = &arguments.log_file {
        let (_, log) = run_with_log(arguments.seed, &shape);
        let written = std::fs::write(path, log);
        written.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    }
    let total = play(arguments, &shape);
    anstream::print!("{}", total.text(arguments.seeds));
    let rare = total.rare(arguments.least);
    if !rare.is_empty() {
        let rare = rare.join(", ");
        return Err(Failure::Failed(format!("less than {} times: {rare}", arguments.least)));
    }
    match total.broken.len() {
        0 => Ok(()),
        broken => {
            Err(Failure::Failed(format!("{broken} of {} seeds break a rule", arguments.seeds)))
        }
    }
}

/// What all stories came to.
#[derive(Debug, Default)]
struct Total {
    days: i64,
    records: u64,
    stops: u64,
    starts: u64,
    lives: u64,
    faults: BTreeMap<&'static str, u64>,
    reasons: BTreeMap<String, u64>,
    broken: Vec<Outcome>,
}

fn play(arguments: &Arguments, shape: &Shape) -> Total {
    let next = AtomicU64::new(arguments.seed);
    let end = arguments.seed.saturating_add(arguments.seeds);
    let play = || {
        let mut total = Total::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return total;
            }
            total.add(run(seed, shape));
        }
    };
    let mut total = Total::default();
    std::thread::scope(|scope| {
        let players: Vec<_> = (0..arguments.threads).map(|_| scope.spawn(play)).collect();
        for player in players {
            match player.join() {
                Ok(played) => total.merge(played),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    total.broken.sort_by_key(|outcome| outcome.seed);
    total
}

impl Total {
    fn add(&mut self, outcome: Outcome) {
        self.days += outcome.from.duration_until(outcome.to).as_hours() / 24;
        self.records += outcome.records;
        self.stops += outcome.stops;
        self.starts += outcome.starts;
        self.lives += outcome.lives;
        for (name, count) in &outcome.faults {
            *self.faults.entry(name).or_default() += count;
        }
        for (code, count) in &outcome.reasons {
            *self.reasons.entry(code.clone()).or_default() += count;
        }
        if !outcome.findings.is_empty() {
            self.broken.push(outcome);
        }
    }

    fn merge(&mut self, other: Self) {
        self.days += other.days;
        self.records += other.records;
        self.stops += other.stops;
        self.starts += other.starts;
        self.lives += other.lives;
        for (name, count) in other.faults {
            *self.faults.entry(name).or_default() += count;
        }
        for (code, count) in other.reasons {
            *self.reasons.entry(code).or_default() += count;
        }
        self.broken.extend(other.broken);
    }

    fn rare(&self, least: u64) -> Vec<String> {
        let faults = Fault::ALL.iter().map(|fault| fault.name());
        let faults = faults.map(|name| (name, self.faults.get(name).copied().unwrap_or(0)));
        let reasons = self.reasons.iter().map(|(code, count)| (code.as_str(), *count));
        let rare = faults.chain(reasons).filter(|(_, count)| *count < least);
        rare.map(|(name, count)| format!("{name} ({count})")).collect()
    }

    fn text(&self, seeds: u64) -> String {
        use std::fmt::Write as _;
        /// How many findings of one seed are shown.
        const SHOWN_MAX: usize = 5;
        let Self { days, records, stops, starts, lives, .. } = self;
        let mut text = format!(
            "{seeds} seeds, {days} days: {records} records, {stops} stops, {starts} starts, \
             {lives} lives of the daemon\n"
        );
        for (name, count) in &self.faults {
            let _ = writeln!(text, "fault   {name:24} {count:>9}");
        }
        for (code, count) in &self.reasons {
            let _ = writeln!(text, "reason  {code:24} {count:>9}");
        }
        for outcome in &self.broken {
            for finding in outcome.findings.iter().take(SHOWN_MAX) {
                let version = env!("LIGHTSOUT_VERSION");
                let _ = writeln!(text, "seed {} of version {version}: {finding}", outcome.seed);
            }
        }
        text
    }
}

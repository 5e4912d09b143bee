//! The world of `lightsout sandbox` and its clock: where they come from, and where they are kept.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};

use crate::cli::Failure;
use crate::clock::{Clock, SystemClock};
use crate::sandbox::clock::ClockError;
use crate::sandbox::state::{Beside, Kept, StateError, StateProblem};
use crate::sandbox::{
    self, ClockChange, ClockFacts, LoadedWorld, SandboxOptions, StateFile, StudioClock, World,
    worldfile,
};

#[derive(Debug, clap::Args)]
pub(super) struct Lasting {
    /// Where the world is kept over restarts, its clock too: every change is on the disk before it is
    /// answered. A file that does not exist yet is made, with the world of --world.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// How many times faster than real time its clock runs; 1 where nobody says otherwise.
    #[arg(long, value_name = "FACTOR")]
    speed: Option<f64>,

    /// What its clock shows at first; by default the time of this machine. A clock that is kept can
    /// be advanced so, and is never set back.
    #[arg(long, value_name = "TIME")]
    start: Option<Timestamp>,

    /// Whether its clock runs; `/_sandbox/clock` changes that, and advances it (docs/sandbox.md).
    #[arg(long, value_name = "HOW")]
    clock: Option<Pace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pace {
    /// It goes on, as fast as --speed says.
    Running,
    /// It stands still.
    Frozen,
}

/// A world to serve, and how.
pub(super) struct Begun {
    pub(super) world: World,
    pub(super) options: SandboxOptions,
}

impl Lasting {
    /// Takes the world from the state file, or else from the world file or the program's own.
    pub(super) fn begin(&self, world_file: Option<&Path>) -> Result<Begun, Failure> {
        match &self.state {
            None => self.begin_anew(world_file),
            Some(path) => match StateFile::find(path).map_err(told)? {
                None => self.begin_keeping(path, world_file),
                Some((state, kept)) => {
                    if let Some(unused) = world_file {
                        anstream::eprintln!(
                            "{} holds a world already: {} is not used",
                            path.display(),
                            unused.display()
                        );
                    }
                    self.go_on(state, kept)
                }
            },
        }
    }

    fn begin_anew(&self, world_file: Option<&Path>) -> Result<Begun, Failure> {
        let clock = self.fresh_clock()?;
        let loaded = load(world_file, clock.now())?;
        let options = options(clock).for_world(&loaded);
        Ok(Begun { world: loaded.world, options })
    }

    fn begin_keeping(&self, path: &Path, world_file: Option<&Path>) -> Result<Begun, Failure> {
        let clock = self.fresh_clock()?;
        let shown = clock.now();
        let LoadedWorld { mut world, page_size } = load(world_file, shown)?;
        let beside = Beside { number: 0, page_size, clock: clock.facts(), shown };
        let state = StateFile::create(path, &mut world, beside).map_err(told)?;
        Ok(Self::kept(world, state, options(clock)))
    }

    fn go_on(&self, mut state: StateFile, kept: Kept) -> Result<Begun, Failure> {
        let beside = kept.beside;
        let clock = StudioClock::of(machine(), beside.clock, beside.shown);
        let change = self.change(self.advance(&clock)?);
        if !change.is_none() {
            let facts = clock.changed(change).map_err(usage)?;
            let beside = Beside { clock: facts, shown: facts.showed, ..beside };
            state.keep(&[], beside).map_err(told)?;
            clock.set(facts);
        }
        Ok(Self::kept(kept.world, state, options(clock)))
    }

    fn kept(world: World, state: StateFile, options: SandboxOptions) -> Begun {
        let page_size = state.beside().page_size.unwrap_or(options.page_size);
        let state = Some(Arc::new(Mutex::new(state)));
        Begun { world, options: SandboxOptions { page_size, state, ..options } }
    }

    /// A clock that nobody has seen yet.
    fn fresh_clock(&self) -> Result<StudioClock, Failure> {
        let machine = machine();
        let since = machine();
        let showed = self.start.unwrap_or(since);
        let facts = ClockFacts { since, showed, speed: 1.0, frozen: false };
        let facts = facts.changed(self.change(None)).map_err(usage)?;
        Ok(StudioClock::of(machine, facts, showed))
    }

    /// How far a clock that was seen is advanced by `--start`.
    fn advance(&self, clock: &StudioClock) -> Result<Option<SignedDuration>, Failure> {
        let (Some(start), shows) = (self.start, clock.now()) else { return Ok(None) };
        if start < shows {
            return Err(Failure::Usage(format!(
                "--start {start}: the clock that is kept shows {shows} already, and is never set back"
            )));
        }
        Ok(Some(start.duration_since(shows)))
    }

    /// What the arguments say of a clock.
    fn change(&self, advance: Option<SignedDuration>) -> ClockChange {
        let frozen = self.clock.map(|pace| pace == Pace::Frozen);
        ClockChange { advance, frozen, speed: self.speed }
    }
}

fn usage(error: ClockError) -> Failure {
    Failure::Usage(error.to_string())
}

fn load(world_file: Option<&Path>, start: Timestamp) -> Result<LoadedWorld, Failure> {
    let loaded = match world_file {
        None => worldfile::shipped(start),
        Some(path) => {
            let text = super::read(path, "a world file")?;
            worldfile::parse(&text, &path.display().to_string(), start)
        }
    };
    loaded.map_err(|error| Failure::Usage(error.to_string()))
}

fn options(clock: StudioClock) -> SandboxOptions {
    SandboxOptions { clock, ..SandboxOptions::new(machine()) }
}

fn machine() -> sandbox::Clock {
    let system = SystemClock::new();
    Arc::new(move || system.now())
}

/// A file that cannot be what it is to be is a mistake of who typed it; one that fails is not.
fn told(error: StateError) -> Failure {
    match error.problem {
        StateProblem::NoFile | StateProblem::NotOurs | StateProblem::OtherSchema { .. } => {
            Failure::Usage(error.to_string())
        }
        StateProblem::Io(_)
        | StateProblem::InUse
        | StateProblem::Damaged(_)
        | StateProblem::Taken => Failure::Failed(error.to_string()),
    }
}

//! The command line: one file a command.
//!
//! Standard output is data, standard error is talk. Exit 0: done; 1: something failed or was held;
//! 2: the command line or the configuration is wrong; 3: two policies differ; 78: the daemon cannot run before a
//! person has looked. Start at [`main`].

mod approve;
mod audit;
mod by_hand;
mod check;
mod completions;
mod debug_log;
mod demo;
mod diff;
mod doctor;
mod explain;
mod forecast;
mod handing;
mod health;
mod iam;
mod init;
mod keep;
mod keeps;
mod list_studios;
mod man;
mod markdown;
mod output;
mod pause;
mod plan;
mod profiles;
mod resume;
mod run;
mod sandbox;
mod sessions;
mod simulate;
mod studios;

use std::any::Any;
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{self, ConfigError, Loaded};
use crate::files::Exposed;
use crate::policy::Policy;

/// What the help ends with.
const EXAMPLES: &str = "\
Examples:
  lightsout demo                               see the whole of it in under a minute
  lightsout sandbox                            a studio to try policies on
  lightsout -c studio.toml check               every mistake of a policy at once
  lightsout -c studio.toml plan --at +12h      what will be decided tonight
  lightsout -c studio.toml forecast --days 14  the windows and stops of two weeks
  lightsout -c studio.toml explain SESSION     why one machine is on, or off
  lightsout -c studio.toml run --dry-run       the daemon, without any effect
  lightsout -c studio.toml sessions            whose each machine is, and what it has cost
  lightsout -c studio.toml keep SESSION --for 3d    leave one machine alone
  lightsout -c studio.toml keeps               what is exempt, since when, by whom and until when
  lightsout -c studio.toml profiles            which launch profiles forbid stopping, and what that costs
  lightsout init --region us-west-2            look for studios, and write a policy to start from
  lightsout -c studio.toml pause --for 2h      do nothing for two hours, in every studio
  lightsout -c studio.toml audit show --kind stop --since 2026-11-20T00:00:00Z

Exit status: 0 done; 1 something failed or was held; 2 the command line or the policy is wrong;
3 two policies differ; 78 a person has to look at the installation first: who may write the state
or the log, a broken log, a token file.";

/// How a panic begins that comes of a standard output which cannot be written.
const UNPRINTED: &str = "failed printing to stdout";

/// What is logged where nobody says otherwise.
const LOG_DEFAULT: &str = "info";

/// Turns studio workstations off when nobody should be paying for them, and says why for each.
///
/// A policy file says when a studio's streaming sessions are idle. lightsout lists them, decides about
/// each, and stops those that are due, where their launch profile permits it; every decision and
/// every call goes to an audit log. In mode `observe`, the default, the daemon changes nothing.
#[derive(Debug, Parser)]
#[command(name = "lightsout", version = env!("LIGHTSOUT_VERSION"), propagate_version = true, after_help = EXAMPLES)]
struct Arguments {
    /// The policy file.
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        env = "LIGHTSOUT_CONFIG",
        default_value = "/etc/lightsout/lightsout.toml"
    )]
    config: PathBuf,

    /// What to log on standard error, such as `warn` or `lightsout=debug`.
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        env = "LIGHTSOUT_LOG",
        default_value = LOG_DEFAULT
    )]
    log: String,

    /// How to log.
    #[arg(long, global = true, value_name = "FORM", default_value = "text")]
    log_format: LogFormat,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How a command prints its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for people.
    Table,
    /// JSON for programs; its form is stable.
    Json,
}

/// The same, of what may be looked at in a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReviewFormat {
    /// A table for people.
    Table,
    /// JSON for programs; its form is stable.
    Json,
    /// Markdown for a comment on a pull request.
    Markdown,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look after the studios of the policy: the daemon.
    Run(run::Arguments),
    /// Tell whether the daemon is well, by what it says of itself in its state directory. For probes: exit 0 or 1,
    /// and nothing is asked of anybody.
    Health(health::Arguments),
    /// Stop everything: nothing is stopped, started or tagged for a while, in one studio or in all.
    Pause(pause::Arguments),
    /// End a pause before its time.
    Resume(resume::Arguments),
    /// Stop sessions by hand, and wait until they are off. The daemon does not start them again but to rescue them.
    Stop(by_hand::StopArguments),
    /// Start sessions by hand, and wait until they are ready.
    Start(by_hand::StartArguments),
    /// Exempt sessions from being stopped, until an instant or always.
    Keep(keep::KeepArguments),
    /// Take away what exempts sessions.
    Unkeep(keep::UnkeepArguments),
    /// List what is exempt by tags: since when, by whom, until when, why; and how many sessions a rule keeps.
    Keeps(keeps::Arguments),
    /// Let pass what is held in a studio: up to the number that is held now, for a while.
    Approve(approve::Arguments),
    /// Show what would be decided about every session, now or at a coming instant. Changes nothing.
    Plan(plan::Arguments),
    /// List the sessions: whose they are, what is decided about them, what they have cost. Changes nothing.
    Sessions(sessions::Arguments),
    /// List the studios that the credentials can see, and whether the policy looks after them. Changes
    /// nothing.
    Studios(list_studios::Arguments),
    /// Look for studios and launch profiles, and write a policy to start from. Needs no policy yet, and
    /// changes nothing.
    Init(init::Arguments),
    /// List the launch profiles: which forbid stopping, who is on them, and what that costs by the log; and
    /// let the sessions of one be stopped.
    Profiles(profiles::Arguments),
    /// Show why one session is decided about as it is: every question, in order.
    Explain(explain::Arguments),
    /// Show the windows to come, and what will happen to each session. Changes nothing.
    Forecast(forecast::Arguments),
    /// Show what another policy would change. Exit 0: nothing; 3: something.
    Diff(diff::Arguments),
    /// Check the policy file, and show every mistake in it.
    Check(check::Arguments),
    /// Look whether all is there that the daemon needs, on this machine and at the service, and say what to do
    /// where it is not.
    Doctor(doctor::Arguments),
    /// Run the daemon against a simulated studio for a week, in under a minute.
    Demo(demo::Arguments),
    /// Serve the embedded Nimble Studio on loopback.
    Sandbox(sandbox::Arguments),
    /// Play the daemon's stories in which everything goes wrong, and judge them. Touches nothing.
    Simulate(simulate::Arguments),
    /// Read the audit log.
    Audit(audit::Arguments),
    /// Print the policy for IAM that the daemon, or a person, needs.
    Iam(iam::Arguments),
    /// Print what makes a shell complete the commands and their options.
    Completions(completions::Arguments),
    /// Write the manual pages into a directory.
    #[command(hide = true)]
    Man(man::Arguments),
}

/// What the daemon exits with where it cannot run before a person has looked: `EX_CONFIG` of sysexits.h.
const UNFIT: u8 = 78;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The policy file is wrong, or cannot be read.
    #[error("the configuration is wrong")]
    Config(#[from] ConfigError),
    /// The policy file, or one that it names, may be changed by others.
    #[error("the policy is refused, since others may change it")]
    Exposed(Vec<Exposed>),
    /// The policy file is wrong, and what is wrong was printed as data.
    #[error("the configuration is wrong")]
    Shown,
    /// An argument is wrong.
    #[error("{0}")]
    Usage(String),
    /// The policy could not be read now, and may be later.
    #[error("{0}")]
    Unread(ConfigError),
    /// Two policies differ, and it was shown how.
    #[error("the policies differ")]
    Differs,
    /// Something failed, and was already said.
    #[error("something failed or was held")]
    Said,
    /// Something failed.
    #[error("{0}")]
    Failed(String),
    /// The machine is not set up for the daemon: to start it again is of no use before a person has looked.
    #[error("{0}")]
    Unfit(String),
}

impl Failure {
    /// An error with its causes.
    fn of(error: &dyn std::error::Error) -> Self {
        Self::Failed(with_causes(error))
    }

    /// The same, of a machine that is not set up for the daemon.
    fn unfit(error: &dyn std::error::Error) -> Self {
        Self::Unfit(with_causes(error))
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Exposed(_) | Self::Shown | Self::Usage(_) => ExitCode::from(2),
            Self::Said | Self::Failed(_) | Self::Unread(_) => ExitCode::from(1),
            Self::Differs => ExitCode::from(3),
            Self::Unfit(_) => ExitCode::from(UNFIT),
        }
    }

    /// Says it on standard error. Who does not read that hinders nothing.
    fn print(&self) {
        let text = match self {
            Self::Config(ConfigError::Invalid(diagnostics))
            | Self::Unread(ConfigError::Invalid(diagnostics)) => {
                diagnostics.render(output::colour(output::Stream::Talk))
            }
            Self::Config(error) | Self::Unread(error) => {
                format!("lightsout: {error}{}", output::sources(error))
            }
            Self::Exposed(found) => {
                let lines = found.iter().map(|exposed| format!("lightsout: {exposed}"));
                lines.collect::<Vec<_>>().join("\n")
            }
            Self::Said | Self::Shown | Self::Differs => return,
            Self::Usage(_) | Self::Failed(_) | Self::Unfit(_) => format!("lightsout: {self}"),
        };
        let _ = writeln!(anstream::stderr(), "{text}");
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    format!("{error}{}", output::sources(error))
}

/// Runs the command that the process's arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    say_panics();
    if let Err(message) = start_logging(&arguments) {
        anstream::eprintln!("lightsout: {message}");
        return ExitCode::from(2);
    }
    // What a panic says is said before the end, wherever it goes.
    let done = panic::catch_unwind(AssertUnwindSafe(|| dispatch(arguments)));
    debug_log::finish();
    let done = done.unwrap_or_else(|panicked| match unprinted(&*panicked) {
        Some(why) => Err(Failure::Failed(why.to_owned())),
        None => panic::resume_unwind(panicked),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}

/// A standard output that cannot be written is a failure like others, and no fault of the program.
fn say_panics() {
    let say = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        if unprinted(panicked.payload()).is_none() {
            say(panicked);
        }
    }));
}

/// Why standard output could not be written, where that is what somebody panicked of.
fn unprinted(panicked: &(dyn Any + Send)) -> Option<&str> {
    panicked.downcast_ref::<String>().map(String::as_str).filter(|why| why.starts_with(UNPRINTED))
}

fn dispatch(arguments: Arguments) -> Result<(), Failure> {
    let config = arguments.config;
    match arguments.command {
        Command::Run(arguments) => run::main(&config, &arguments),
        Command::Health(arguments) => health::main(&config, &arguments),
        Command::Pause(arguments) => pause::main(&config, &arguments),
        Command::Resume(arguments) => resume::main(&config, &arguments),
        Command::Stop(arguments) => by_hand::stop(&config, &arguments),
        Command::Start(arguments) => by_hand::start(&config, &arguments),
        Command::Keep(arguments) => keep::keep(&config, &arguments),
        Command::Unkeep(arguments) => keep::unkeep(&config, &arguments),
        Command::Keeps(arguments) => keeps::main(&config, &arguments),
        Command::Approve(arguments) => approve::main(&config, &arguments),
        Command::Plan(arguments) => plan::main(&config, &arguments),
        Command::Sessions(arguments) => sessions::main(&config, &arguments),
        Command::Studios(arguments) => list_studios::main(&config, &arguments),
        Command::Init(arguments) => init::main(&arguments),
        Command::Profiles(arguments) => profiles::main(&config, &arguments),
        Command::Explain(arguments) => explain::main(&config, &arguments),
        Command::Forecast(arguments) => forecast::main(&config, &arguments),
        Command::Diff(arguments) => diff::main(&arguments),
        Command::Check(arguments) => check::main(&config, &arguments),
        Command::Doctor(arguments) => doctor::main(&config, &arguments),
        Command::Demo(arguments) => demo::main(&arguments),
        Command::Sandbox(arguments) => sandbox::main(&arguments),
        Command::Simulate(arguments) => simulate::main(&arguments),
        Command::Audit(arguments) => audit::main(&config, &arguments),
        Command::Iam(arguments) => iam::main(&arguments),
        Command::Completions(arguments) => completions::main(&arguments),
        Command::Man(arguments) => man::main(&arguments),
    }
}

fn start_logging(arguments: &Arguments) -> Result<(), String> {
    // The demonstration tells its own story, and in a simulation nothing is for real; the daemon's log
    // would only interrupt them.
    let filter = match arguments.command {
        _ if arguments.log != LOG_DEFAULT => &arguments.log,
        Command::Demo(_) => "error",
        Command::Simulate(_) => "off",
        _ => &arguments.log,
    };
    let filter: Targets = filter.parse().map_err(|error| format!("--log {filter:?}: {error}"))?;
    let filter = filter.and(filter_fn(|metadata| !may_hold_secrets(metadata)));
    let writer = match arguments.command {
        Command::Run(_) => {
            let lines = debug_log::begin(arguments.log_format);
            let lines =
                lines.map_err(|error| format!("the debug log cannot be written: {error}"))?;
            // The usual hook would wait for whoever does not read standard error.
            panic::set_hook(Box::new(|panicked| tracing::error!("{panicked}")));
            BoxMakeWriter::new(move || lines.clone())
        }
        _ => BoxMakeWriter::new(std::io::stderr),
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let registry = tracing_subscriber::registry();
    match arguments.log_format {
        LogFormat::Text => {
            let layer = layer.with_ansi(output::colour(output::Stream::Talk));
            registry.with(layer.with_filter(filter)).init();
        }
        LogFormat::Json => registry.with(layer.json().with_filter(filter)).init(),
    }
    Ok(())
}

/// Whether an event may show a request or an answer as it is, with the keys in it, whatever filter is asked
/// for: what the HTTP stack says below `info` does, and what the SDK says at all. It shows access keys, external
/// ids and the words of a program that gives credentials; what has gone wrong is in our own errors.
fn may_hold_secrets(metadata: &tracing::Metadata<'_>) -> bool {
    const STACKS: [&str; 5] = ["hyper", "h2", "rustls", "reqwest", "tower"];
    let is_from = |stack: &&str| metadata.target().starts_with(*stack);
    let is_low = *metadata.level() > tracing::Level::INFO;
    is_from(&"aws_") || (is_low && STACKS.iter().any(is_from))
}

/// Reads the policy file, and says what it warns of.
fn load(path: &std::path::Path) -> Result<Policy, Failure> {
    let loaded = config::load(path)?;
    warn(path, &loaded);
    for exposed in &loaded.exposed {
        tracing::warn!("{exposed}; `run` refuses it until then");
    }
    Ok(loaded.policy)
}

/// The same for whoever acts by it: nobody else may be able to change it.
fn load_to_act(path: &std::path::Path) -> Result<Policy, Failure> {
    let loaded = config::load(path)?;
    warn(path, &loaded);
    if loaded.exposed.is_empty() {
        Ok(loaded.policy)
    } else {
        Err(Failure::Exposed(loaded.exposed))
    }
}

fn warn(path: &std::path::Path, loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!("{}: {}", path.display(), warning.message);
    }
}

/// The runtime of a command: one thread, since the work is waiting.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("the runtime cannot start: {error}")))
}

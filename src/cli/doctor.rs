//! `lightsout doctor`: whether all is there that the daemon needs, and what to do where it is not.
//!
//! It changes nothing but a small file of its own in each directory, which it removes again, and it takes no
//! lock: a daemon that runs goes on undisturbed.

mod host;
mod service;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::{Failure, Format, output};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, ConfigError};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Look at this machine alone: the service is not called.
    #[arg(long)]
    offline: bool,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: Format,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// What it is about.
    about: String,
    state: State,
    /// What was found.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Failed,
}

impl Finding {
    fn ok(about: impl Into<String>, found: impl Into<String>) -> Self {
        Self { about: about.into(), state: State::Ok, found: found.into(), advice: None }
    }

    fn warning(
        about: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { state: State::Warning, advice: Some(advice.into()), ..Self::ok(about, found) }
    }

    fn failed(
        about: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { state: State::Failed, ..Self::warning(about, found, advice) }
    }
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let findings = examine(path, arguments.offline)?;
    let has_failed = findings.iter().any(|finding| finding.state == State::Failed);
    match arguments.format {
        Format::Table => print(&findings),
        Format::Json => {
            let printed = serde_json::json!({ "ok": !has_failed, "findings": findings });
            let text = serde_json::to_string_pretty(&printed);
            anstream::println!("{}", text.map_err(|error| Failure::of(&error))?);
        }
    }
    if has_failed { Err(Failure::Said) } else { Ok(()) }
}

fn examine(path: &Path, offline: bool) -> Result<Vec<Finding>, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let loaded = match config::check(path, clock.now()) {
        Ok(loaded) => loaded,
        Err(error @ ConfigError::Invalid(_)) => return Err(error.into()),
        Err(error) => {
            let found = format!("{error}{}", output::sources(&error));
            let advice = "name it by --config, or write one: lightsout init --help";
            return Ok(vec![Finding::failed("policy", found, advice)]);
        }
    };
    let mut findings = vec![host::policy(path, &loaded)];
    findings.extend(loaded.exposed.iter().map(|exposed| {
        Finding::failed("policy", exposed.to_string(), "the daemon refuses to act by it until then")
    }));
    let policy = &loaded.policy;
    findings.push(host::time_zones(clock.now()));
    findings.extend(host::state(policy, clock.now()));
    findings.extend(host::audit(policy));
    findings.extend(host::pauses(policy, &clock));
    if !offline {
        findings.extend(service::examine(policy, &clock)?);
    }
    Ok(findings)
}

fn print(findings: &[Finding]) {
    let mut table = output::table(&["", "about", "found", "what to do"]);
    for Finding { about, state, found, advice } in findings {
        let mark = match state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Failed => "FAILED",
        };
        table.add_row([mark, about, found, advice.as_deref().unwrap_or_default()]);
    }
    output::print(&table);
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    let (failed, warned) = (count(State::Failed), count(State::Warning));
    anstream::println!("{} looked at: {failed} failed, {warned} to look into.", findings.len());
}

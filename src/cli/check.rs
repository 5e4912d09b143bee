//! `lightsout check`: the configuration, with every mistake at once, and what it will lead to.

mod online;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::markdown::{self, Page};
use super::{Failure, ReviewFormat, output, studios};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, ConfigError, Diagnostic, Diagnostics, Loaded};
use crate::files::Exposed;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Policy files to check in place of the one that `--config` names.
    files: Vec<PathBuf>,

    /// Read the studios too, and check the policy against their launch profiles and sessions.
    #[arg(long)]
    online: bool,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: ReviewFormat,

    /// Print the JSON Schema of a policy file instead, for editors.
    #[arg(long)]
    schema: bool,
}

/// One file, and what was found.
struct Checked<'a> {
    path: &'a Path,
    what: Result<Loaded, ConfigError>,
    findings: Vec<online::Finding>,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.schema {
        anstream::print!("{}", config::schema::text());
        return Ok(());
    }
    let now = SystemClock::new().now();
    let named = arguments.files.iter().map(PathBuf::as_path);
    let files: Vec<&Path> = if arguments.files.is_empty() { vec![path] } else { named.collect() };
    let checked = files.into_iter().map(|path| Checked::of(path, arguments.online, now));
    let checked = checked.collect::<Result<Vec<_>, _>>()?;
    match arguments.format {
        ReviewFormat::Json => {
            let list: Value = checked.iter().flat_map(Checked::to_json).collect();
            anstream::println!("{list}");
        }
        ReviewFormat::Table => checked.iter().for_each(Checked::print),
        ReviewFormat::Markdown => {
            let mut page = Page::default();
            checked.iter().for_each(|checked| checked.add_to(&mut page));
            anstream::print!("{}", page.into_text());
        }
    }
    end(checked, arguments.format)
}

/// The first file that takes no effect decides.
fn end(checked: Vec<Checked<'_>>, format: ReviewFormat) -> Result<(), Failure> {
    let mut is_silent = false;
    let mut wrong = None;
    for Checked { what, findings, .. } in checked {
        // A studio that could not be read says nothing of whether its policy fits it.
        is_silent |= findings.iter().any(online::Finding::is_failure);
        match what {
            Ok(loaded) if loaded.exposed.is_empty() => {}
            Ok(_) => wrong = wrong.or(Some(Failure::Shown)),
            Err(ConfigError::Invalid(_)) if format != ReviewFormat::Table => {
                wrong = wrong.or(Some(Failure::Shown));
            }
            Err(error) => {
                let failure = Failure::from(error);
                failure.print();
                wrong = wrong.or(Some(Failure::Shown));
            }
        }
    }
    match wrong {
        Some(failure) => Err(failure),
        None if is_silent => Err(Failure::Said),
        None => Ok(()),
    }
}

impl<'a> Checked<'a> {
    fn of(path: &'a Path, online: bool, now: Timestamp) -> Result<Self, Failure> {
        let what = config::check(path, now);
        let findings = match &what {
            Ok(loaded) if online => {
                online::findings(&loaded.policy, &studios::read(&loaded.policy)?)
            }
            Ok(_) | Err(_) => Vec::new(),
        };
        Ok(Self { path, what, findings })
    }

    fn diagnostics(&self) -> Option<&Diagnostics> {
        match &self.what {
            Ok(loaded) => Some(&loaded.warnings),
            Err(ConfigError::Invalid(diagnostics)) => Some(diagnostics),
            Err(ConfigError::Read { .. }) => None,
        }
    }

    fn exposed(&self) -> &[Exposed] {
        self.what.as_ref().map_or(&[], |loaded| &loaded.exposed)
    }

    fn to_json(&self) -> Vec<Value> {
        let mut list = Vec::new();
        if let Some(Value::Array(diagnostics)) = self.diagnostics().map(Diagnostics::to_json) {
            list.extend(diagnostics);
        }
        list.extend(self.exposed().iter().map(exposed_to_json));
        list.extend(self.findings.iter().map(online::Finding::to_json));
        list
    }

    /// As data; what keeps the file from taking effect is said elsewhere.
    fn print(&self) {
        let Ok(loaded) = &self.what else { return };
        if !loaded.warnings.is_empty() {
            anstream::println!("{}", loaded.warnings.render(output::colour(output::Stream::Data)));
        }
        let exposed = &loaded.exposed;
        exposed.iter().for_each(|exposed| anstream::println!("error[exposed-file]: {exposed}"));
        self.findings.iter().for_each(online::Finding::print);
        if exposed.is_empty() {
            anstream::println!("{}: good. {}", self.path.display(), self.summary(loaded));
        }
    }

    fn summary(&self, loaded: &Loaded) -> String {
        let policy = &loaded.policy;
        let rules: usize = policy.studios.values().map(|studio| studio.rules.len()).sum();
        format!(
            "Mode: {}, studios: {}, rules: {rules}, schedules: {}, warnings: {}.",
            policy.modes(),
            policy.studios.len(),
            policy.schedules.len(),
            loaded.warnings.len() + self.findings.len(),
        )
    }

    fn add_to(&self, page: &mut Page) {
        let path = markdown::code(&self.path.display().to_string());
        match &self.what {
            Ok(loaded) if loaded.exposed.is_empty() => {
                page.heading("Check: good");
                page.paragraph(&format!("{path}: {}", self.summary(loaded)));
            }
            Ok(_) => {
                page.heading("Check: refused");
                page.paragraph(&format!("{path}: others may change it, so no daemon acts by it."));
            }
            Err(ConfigError::Invalid(diagnostics)) => {
                page.heading(&format!("Check: {}", diagnostics.summary()));
                page.paragraph(&format!("{path} does not take effect."));
            }
            Err(error @ ConfigError::Read { .. }) => {
                page.heading("Check: unread");
                let why = markdown::text(&format!("{error}{}", output::sources(error)));
                page.paragraph(&format!("{path}: {why}."));
            }
        }
        let diagnostics = self.diagnostics().filter(|diagnostics| !diagnostics.is_empty());
        let found = diagnostics.into_iter().flatten();
        let mut rows: Vec<_> = found.map(|found| self.to_row(found)).collect();
        rows.extend(self.exposed().iter().map(|exposed| {
            let what = markdown::text(&exposed.to_string());
            vec!["**error** `exposed-file`".to_owned(), "-".to_owned(), what, String::new()]
        }));
        rows.extend(self.findings.iter().map(online::Finding::to_row));
        page.table(&["", "where", "what", "what to do"], &rows);
        if let Some(diagnostics) = diagnostics {
            page.details("As a terminal shows it", |page| page.lines(&diagnostics.render(false)));
        }
    }

    fn to_row(&self, found: &Diagnostic) -> Vec<String> {
        let Diagnostic { severity, code, message, primary, related: _, notes, help } = found;
        let place = self.diagnostics().map(|found| found.position(primary.span.start));
        let place = place.map(|(line, column)| format!("{line}:{column}")).unwrap_or_default();
        let what = [std::slice::from_ref(message), notes].concat().join("; ");
        let (what, help) = (markdown::sentence(&what), markdown::sentence(&help.join("; ")));
        vec![format!("**{}** `{code}`", severity.as_str()), place, what, help]
    }
}

fn exposed_to_json(exposed: &Exposed) -> Value {
    json!({ "code": "exposed-file", "severity": "error", "message": exposed.to_string() })
}

#[cfg(test)]
mod tests;

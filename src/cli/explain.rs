//! `lightsout explain`: every question about one session, in order, and its answer.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::{Failure, Format, forecast, load, output, plan, studios};
use crate::audit::reader;
use crate::audit::record::{Kind, Record};
use crate::clock::{Clock, SystemClock};
use crate::ids::SessionId;
use crate::inventory::{Session, Snapshot};
use crate::plan::{
    Decision, Explanation, Foreseen, History, Verdict, explain, forecast as foresee,
};
use crate::policy::{Policy, StudioPolicy};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The session, by its id or as STUDIO/SESSION.
    session: String,

    /// Explain as at this instant (RFC 3339, `+2h` or `-2h`). A past one is answered from the audit log.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,

    /// How to print.
    #[arg(long, default_value = "table")]
    format: Format,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let policy = load(path)?;
    let (place, id) = studios::session(&policy, &arguments.session)?;
    let now = SystemClock::new().now();
    let at = arguments.at.as_deref().map(|text| studios::instant(text, now)).transpose()?;
    if let Some(at) = at.filter(|at| *at < now) {
        return from_log(&policy, &id, at, arguments.format);
    }
    let seen = studios::read_of(&policy, place)?;
    let at = at.unwrap_or(seen.now).max(seen.now);
    let found = seen.studios.iter().find_map(|(studio, snapshot)| {
        snapshot.sessions.get(&id).map(|session| (*studio, snapshot, session))
    });
    let Some((studio, snapshot, session)) = found else {
        return Err(not_found(&id, &seen.studios));
    };
    let history = seen.history(&studio.id);
    let assumed = plan::assuming_warnings(&policy, studio, snapshot, history, seen.now, at);
    let explanation = explain(&policy, studio, snapshot, session, &assumed, at);
    match arguments.format {
        Format::Json => print_json(studio, session, at, &explanation),
        Format::Table => {
            print_text(studio, session, history, at, &explanation);
            let until = at.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
            let alone = Snapshot {
                sessions: std::iter::once((id.clone(), session.clone())).collect(),
                ..(*snapshot).clone()
            };
            print_future(studio, &foresee(&policy, studio, &alone, &assumed, at, until));
        }
    }
    Ok(())
}

fn not_found(id: &SessionId, studios: &[(&StudioPolicy, Snapshot)]) -> Failure {
    let unread: Vec<&str> = studios
        .iter()
        .filter(|(_, snapshot)| !snapshot.gaps.is_empty())
        .map(|(studio, _)| studio.label())
        .collect();
    let known: usize = studios.iter().map(|(_, snapshot)| snapshot.sessions.len()).sum();
    if unread.is_empty() {
        return Failure::Failed(format!(
            "no session {id} among the {known} of this policy's studios; `lightsout plan` lists them"
        ));
    }
    let unread = unread.join(", ");
    Failure::Failed(format!("no session {id} was seen, and {unread} could not be read whole"))
}

fn print_text(
    studio: &StudioPolicy,
    session: &Session,
    history: &History,
    at: Timestamp,
    explanation: &Explanation,
) {
    let decision = &explanation.decision;
    let style = output::verdict_style(decision.verdict());
    anstream::println!("session {} of {} at {at}", session.id, studio.label());
    anstream::println!(
        "{style}{}{style:#} ({}): {}",
        decision.verdict(),
        decision.mode,
        output::plain(&decision.reason.to_string())
    );
    anstream::println!();
    for (name, mismatch) in &explanation.rules {
        match mismatch {
            Some(why) => {
                anstream::println!("  rule `{name}` does not match: {}", output::plain(why));
            }
            None => anstream::println!("  rule `{name}` matches"),
        }
    }
    for step in &explanation.steps {
        let mark = if step.decides { ">" } else { " " };
        anstream::println!("{mark} {:>2}. {}", step.line, step.question);
        anstream::println!("      {}", output::plain(&step.looked_at));
        if let Some(answer) = &step.answer {
            let words = answer.to_string();
            anstream::println!("      {}: {}", answer.verdict(), output::plain(&words));
        }
    }
    anstream::println!();
    for warning in &history.of(&session.id).warnings {
        anstream::println!(
            "  warned {:#} ahead of {} at {} ({})",
            warning.lead,
            warning.due,
            warning.at,
            warning.mode
        );
    }
    if let Some(given) = history.of(&session.id).reminded {
        anstream::println!("  reminded that its keep ends at {} ({})", given.until, given.mode);
    }
    match decision.next_change {
        Some(next) => anstream::println!("next change: {next}"),
        None => anstream::println!("next change: none by the passing of time alone"),
    }
    anstream::println!("what would change it: {}", decision.reason.remedy());
}

/// How far ahead is told what happens next.
const AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What happens to the session next, if nobody does anything.
fn print_future(studio: &StudioPolicy, events: &[Foreseen]) {
    let zone = forecast::zone(studio);
    let events = events.iter().skip(1);
    let shown: Vec<&Foreseen> =
        events.filter(|event| event.event.decision().is_none_or(acts)).collect();
    anstream::println!();
    if shown.is_empty() {
        anstream::println!("in the next 7 days nothing is done to it, if all stays as it is");
        return;
    }
    anstream::println!("in the next 7 days, if nobody does anything:");
    for Foreseen { at, event, .. } in shown {
        let [verdict, mode, reason] = forecast::words(event);
        let (at, reason) = (output::local(*at, &zone), output::plain(&reason));
        anstream::println!("  {at} {verdict} ({mode}): {reason}");
    }
}

/// Whether something is done about it, or something is to be looked at.
fn acts(decision: &Decision) -> bool {
    match decision.verdict() {
        Verdict::Stop | Verdict::Start | Verdict::Warn => true,
        Verdict::Keep | Verdict::Hold => decision.reason.is_alarm(),
    }
}

fn print_json(studio: &StudioPolicy, session: &Session, at: Timestamp, explanation: &Explanation) {
    let Explanation { decision, rules, steps } = explanation;
    let rules: Vec<_> = rules
        .iter()
        .map(|(name, mismatch)| serde_json::json!({ "rule": name.as_str(), "mismatch": mismatch }))
        .collect();
    let steps: Vec<_> = steps
        .iter()
        .map(|step| {
            serde_json::json!({
                "line": step.line,
                "question": step.question,
                "looked_at": step.looked_at,
                "answer": step.answer.as_ref().map(crate::plan::Reason::code),
                "text": step.answer.as_ref().map(ToString::to_string),
                "decides": step.decides,
            })
        })
        .collect();
    let printed = serde_json::json!({
        "at": at,
        "studio": studio.id.as_str(),
        "session": session.id.as_str(),
        "verdict": decision.verdict().to_string(),
        "reason": decision.reason.code(),
        "text": decision.reason.to_string(),
        "mode": decision.mode.to_string(),
        "rule": decision.rule.as_ref().map(crate::ids::RuleName::as_str),
        "due": decision.due,
        "next_change": decision.next_change,
        "would_change": decision.reason.remedy(),
        "rules": rules,
        "steps": steps,
    });
    anstream::println!("{printed:#}");
}

/// What the log says was decided last, at or before an instant.
fn from_log(policy: &Policy, id: &SessionId, at: Timestamp, format: Format) -> Result<(), Failure> {
    let mut last: Option<Record> = None;
    for line in reader::read(&policy.audit_path).map_err(|error| Failure::of(&error))? {
        let record = match line {
            Ok(line) => line.record,
            // A daemon that is writing now may be in the middle of it.
            Err(reader::ReadError::Torn { .. }) => break,
            Err(error) => return Err(Failure::of(&error)),
        };
        let is_about = record.data.session.as_deref() == Some(id.as_str());
        if is_about && record.kind == Kind::SessionDecided && record.time <= at {
            last = Some(record);
        }
    }
    let Some(record) = last else {
        return Err(Failure::Failed(format!("the log has no decision about {id} up to {at}")));
    };
    let data = &record.data;
    if format == Format::Json {
        anstream::println!("{:#}", serde_json::json!({ "at": record.time, "data": data }));
        return Ok(());
    }
    let verdict = data.verdict.as_deref().unwrap_or("-");
    let text = data.reason.as_ref().map_or("-", |reason| reason.text.as_str());
    anstream::println!("session {id} at {at}: {verdict}, decided at {}", record.time);
    anstream::println!("  {}", output::plain(text));
    Ok(())
}

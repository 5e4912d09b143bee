//! `lightsout profiles allow-stop`: a launch profile is read, shown with what changes, confirmed, recorded
//! with who asked, written back whole, and waited for.
//!
//! What would destroy work sooner than today is said, and done only where that is accepted by name.

mod shown;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;

use self::shown::{Outcome, Printed, is_sooner, shown};
use super::super::by_hand::book::{Book, Entry, Late, Unrecorded, one_line};
use super::super::by_hand::confirm;
use super::super::handing::{plain, who};
use super::super::{Failure, Format, load_to_act, output, studios};
use super::OnIt;
use crate::clock::{Clock, SystemClock};
use crate::execute::client_token_of_profile;
use crate::ids::LaunchProfileId;
use crate::inventory::{Problem, Snapshot};
use crate::policy::{Policy, StudioPolicy};
use crate::provider::administer::{Administer, Progress, Proposal};
use crate::provider::nimble::{Connections, NimbleStudio, STOPPED_LENGTH_MAX};
use crate::provider::{Provider, ProviderError};
use crate::switch::{ByHand, Changed, Stage, Told};

/// How often is looked whether the change has arrived.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// How long it is waited for: as long as the service's own waiter does.
const WAIT_MAX: SignedDuration = SignedDuration::from_secs(750);

/// What a call is called that was not made, since its intent could not be recorded.
const RECORD: &str = "the record";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The launch profile, by its id or its name, or as STUDIO/PROFILE.
    profile: String,

    /// How long a stopped session may stay off before the service destroys it, as in `2d`; 96h at most.
    #[arg(long, value_name = "DURATION")]
    stopped_length: String,

    /// Also where what is off would be destroyed sooner than today.
    #[arg(long)]
    accept_destruction: bool,

    /// Why, for the log.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// Who asks, for the log; by default the login name.
    #[arg(long = "as", value_name = "NAME")]
    who: Option<String>,

    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,

    /// Do not ask whether it is meant.
    #[arg(long)]
    yes: bool,

    /// Do not wait until the launch profile is ready again.
    #[arg(long)]
    no_wait: bool,

    /// How to print; `json` is one object, at the end.
    #[arg(long, default_value = "table")]
    format: Format,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let stopped = stopped_length(&arguments.stopped_length)?;
    let policy = load_to_act(path)?;
    let who = who(arguments.who.as_deref())?;
    arguments.reason.iter().try_for_each(|reason| plain("--reason", reason))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    super::super::runtime()?.block_on(async {
        let target = find(&policy, &clock, &arguments.profile).await?;
        let proposal = target.propose(stopped).await?;
        let lines = shown(&target.name(), &proposal, target.on_it);
        // Whoever is asked sees what it is about, wherever the data goes.
        lines.iter().for_each(|line| match arguments.format {
            Format::Json => anstream::eprintln!("{line}"),
            _ => anstream::println!("{line}"),
        });
        let end = carry_out(&policy, &clock, arguments, who, &target, &proposal).await;
        match (arguments.format, &end) {
            (Format::Json, end) => {
                let studio = target.studio.id.to_string();
                let printed = Printed::new(studio, &proposal, target.on_it, end);
                output::json(&printed)?;
            }
            (Format::Table, Ok(outcome)) => {
                anstream::println!("{}", outcome.words(&target.name()));
            }
            (Format::Table, Err(_)) => {}
        }
        end.map(drop)
    })
}

/// Does what was shown, where nothing speaks against it.
async fn carry_out(
    policy: &Policy,
    clock: &Arc<dyn Clock>,
    arguments: &Arguments,
    who: String,
    target: &Target<'_>,
    proposal: &Proposal,
) -> Result<Outcome, Failure> {
    if proposal.changes.is_empty() {
        return Ok(Outcome::NothingToChange);
    }
    if is_sooner(proposal, target.on_it) && !arguments.accept_destruction {
        return Err(Failure::Failed(
            "nothing was done: it would destroy work sooner than today; if that is meant, say \
             --accept-destruction"
                .to_owned(),
        ));
    }
    if arguments.dry_run {
        return Ok(Outcome::DryRun);
    }
    confirm("change it so?", arguments.yes)?;
    let book = Book::open(policy, who, Arc::clone(clock))?;
    let note = arguments.reason.clone();
    let changed = target.change(&book, &**clock, proposal, note).await;
    // The log is free again for a daemon that starts meanwhile.
    drop(book);
    changed?;
    if arguments.no_wait {
        return Ok(Outcome::Accepted);
    }
    arrive(&**clock, &target.studio_client, &target.name(), proposal).await?;
    Ok(Outcome::Done)
}

/// A length that the service can be told.
fn stopped_length(text: &str) -> Result<SignedDuration, Failure> {
    let length = studios::length(text, STOPPED_LENGTH_MAX)?;
    if SignedDuration::from_mins(length.as_mins()) == length {
        return Ok(length);
    }
    Err(Failure::Usage(format!("--stopped-length {text:?}: the service counts in whole minutes")))
}

/// The launch profile that is meant.
struct Target<'a> {
    studio: &'a StudioPolicy,
    studio_client: NimbleStudio,
    profile: LaunchProfileId,
    on_it: OnIt,
}

/// A studio as it was read.
type Seen<'a> = (&'a StudioPolicy, NimbleStudio, Snapshot);

async fn find<'a>(
    policy: &'a Policy,
    clock: &Arc<dyn Clock>,
    name: &str,
) -> Result<Target<'a>, Failure> {
    let connections = Connections::new(Arc::clone(clock));
    let reads = policy.studios.values().map(async |studio| {
        let client = connections.connect(studio);
        let snapshot = client.observe().await;
        (studio, client, snapshot)
    });
    let seen: Vec<Seen<'_>> = studios::side_by_side(reads, policy.daemon.concurrency).await;
    let (index, profile) = meant(policy, &seen, name)?;
    let Some((studio, studio_client, snapshot)) = seen.into_iter().nth(index) else {
        return Err(Failure::Failed("nothing was done".to_owned()));
    };
    // Who is on a launch profile is part of what is shown.
    if let Some(gap) = snapshot.gaps.first() {
        let (label, wanted, detail) = (studio.label(), gap.wanted, &gap.detail);
        let problem = gap.problem;
        return Err(Failure::Failed(format!(
            "{label}: the {wanted} could not be read: {problem}: {detail}; nothing was done"
        )));
    }
    if let Some(doubt) = crate::plan::account_doubt(studio, &snapshot) {
        return Err(Failure::Failed(format!("{}: {doubt}; nothing was done", studio.label())));
    }
    let on_it = OnIt::of(&snapshot, &profile);
    Ok(Target { studio, studio_client, profile, on_it })
}

/// Which of the studios, and which launch profile in it.
fn meant(
    policy: &Policy,
    seen: &[Seen<'_>],
    name: &str,
) -> Result<(usize, LaunchProfileId), Failure> {
    let in_studios = |only: Option<&StudioPolicy>, name: &str| {
        let places = seen.iter().enumerate();
        let places = places
            .filter(|(_, (studio, ..))| only.is_none_or(|only| only.id == studio.id))
            .flat_map(|(index, (.., snapshot))| {
                let is_meant =
                    |(id, profile): &(&LaunchProfileId, &_)| is_called(id, profile, name);
                let found = snapshot.profiles.iter().filter(is_meant);
                found.map(move |(id, _)| (index, id.clone())).collect::<Vec<_>>()
            });
        places.collect::<Vec<_>>()
    };
    let mut found = in_studios(None, name);
    // A name may have a slash in it.
    if let Some((studio, name)) = name.split_once('/').filter(|_| found.is_empty()) {
        found = in_studios(Some(studios::named(policy, studio)?), name);
    }
    if let [one] = &found[..] {
        return Ok(one.clone());
    }
    let gaps = seen.iter().flat_map(|(studio, _, snapshot)| {
        let gaps = snapshot.gaps.iter();
        gaps.map(|gap| format!("; {} could not be read: {}", studio.label(), gap.detail))
    });
    let gaps: String = gaps.collect();
    let wrong = match found.len() {
        0 => "there is no launch profile",
        _ => "more than one launch profile is called",
    };
    Err(Failure::Failed(format!("{wrong} {name:?}{gaps}; nothing was done")))
}

fn is_called(id: &LaunchProfileId, profile: &crate::inventory::LaunchProfile, name: &str) -> bool {
    id.as_str() == name || profile.name.as_deref() == Some(name)
}

impl Target<'_> {
    fn name(&self) -> String {
        format!("{}/{}", self.studio.label(), self.profile)
    }

    async fn propose(&self, stopped: SignedDuration) -> Result<Proposal, Failure> {
        let nothing =
            |why: String| Failure::Failed(format!("{}: {why}; nothing was done", self.name()));
        let proposal = self.studio_client.propose(&self.profile, stopped).await;
        let proposal = proposal.map_err(|unfit| nothing(unfit.to_string()))?;
        // The list may say less of whose it is than the launch profile itself.
        match (&self.studio.connection.account, &proposal.account) {
            (Some(configured), found) if found.as_ref() != Some(configured) => {
                let found = found.as_ref().map_or("unknown", |account| account.as_str());
                Err(nothing(format!("its account is {found}, and the policy says {configured}")))
            }
            _ => Ok(proposal),
        }
    }

    /// Records the intent, asks for the change, and records what came of it.
    async fn change(
        &self,
        book: &Book,
        clock: &dyn Clock,
        proposal: &Proposal,
        note: Option<String>,
    ) -> Result<(), Failure> {
        let body = format!("{:?}", proposal.changes);
        let (studio, profile) = (&self.studio.id, &self.profile);
        let token = client_token_of_profile(studio, profile, &body, clock.now());
        let told = Told {
            action: ByHand::AllowStop,
            stage: Stage::Intended,
            until: None,
            note,
            client_token: Some(token.0.clone()),
            request_id: None,
            problem: None,
            detail: None,
        };
        let intent = vec![self.entry(proposal, told.clone())];
        if let Err(Unrecorded { why, recorded }) = book.record(intent, Late::TakenBack).await {
            if !recorded.is_empty() {
                self.call_off(book, proposal, told).await;
            }
            return Err(why);
        }
        let answer = self.studio_client.change(proposal, &token).await;
        let ends = vec![self.entry(proposal, end(told, &answer))];
        let recorded = book.record(ends, Late::Left).await;
        // What was done is done; that it could not be recorded is said last.
        recorded.map_err(|unrecorded| unrecorded.why)?;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.problem.proves_no_effect() => {
                Err(Failure::Failed(format!("{}: {error}", self.name())))
            }
            Err(error) => Err(Failure::Failed(format!(
                "{}: {error}; it may be done all the same, which lightsout profiles shows",
                self.name()
            ))),
        }
    }

    /// Records that nothing was called: the intent may get into the log late.
    async fn call_off(&self, book: &Book, proposal: &Proposal, told: Told) {
        let detail = "it could not be recorded in time that it was to be done".to_owned();
        let (problem, request_id) = (Problem::NotAsked, None);
        let error = ProviderError { problem, operation: RECORD, detail, request_id };
        let ends = vec![self.entry(proposal, end(told, &Err(error)))];
        if let Err(Unrecorded { why, .. }) = book.record(ends, Late::Left).await {
            tracing::warn!(%why, "that nothing was called is not recorded yet");
        }
    }

    fn entry(&self, proposal: &Proposal, told: Told) -> Entry {
        let changed = |text: &Option<String>| text.as_deref().map(one_line);
        let changes = proposal.changes.iter().map(|(member, change)| {
            let changed = Changed { from: changed(&change.from), to: changed(&change.to) };
            (member.clone(), changed)
        });
        Entry::OfProfile {
            studio: self.studio.id.clone(),
            profile: self.profile.clone(),
            changes: changes.collect::<BTreeMap<_, _>>(),
            told,
        }
    }
}

fn end(told: Told, answer: &Result<Option<String>, ProviderError>) -> Told {
    match answer {
        Ok(request_id) => {
            let request_id = request_id.as_deref().map(one_line);
            Told { stage: Stage::Accepted, request_id, ..told }
        }
        Err(error) => {
            let has_no_effect = error.problem.proves_no_effect();
            Told {
                stage: if has_no_effect { Stage::Rejected } else { Stage::Unanswered },
                request_id: error.request_id.as_deref().map(one_line),
                problem: Some(error.problem.code().to_owned()),
                detail: Some(one_line(&error.detail)),
                ..told
            }
        }
    }
}

/// Waits until the change is in force, or has come to nothing.
async fn arrive(
    clock: &dyn Clock,
    administer: &dyn Administer,
    name: &str,
    proposal: &Proposal,
) -> Result<(), Failure> {
    let end = clock.monotonic().saturating_add(WAIT_MAX);
    loop {
        let last = match administer.progress(proposal).await {
            Ok(Progress::Done) => return Ok(()),
            Ok(Progress::Failed(why)) => return Err(Failure::Failed(format!("{name}: {why}"))),
            Ok(Progress::Otherwise(members)) => {
                let members = members.join(", ");
                return Err(Failure::Failed(format!(
                    "{name}: READY, and not as it was asked for: look at {members}"
                )));
            }
            Ok(Progress::Under(state)) => state,
            // A read that fails is no answer; the next one may be.
            Err(error) => error.to_string(),
        };
        if clock.monotonic() >= end {
            return Err(Failure::Failed(format!("{name}: still {last} after {WAIT_MAX:#}")));
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

//! What a person does to sessions by hand: each is looked at, shown and confirmed, put into the log with
//! who asked, and only then called.
//!
//! The log is the daemon's while one runs: then what is to be recorded is handed over as a pause is, and
//! nothing is called before it is recorded. Start at [`perform`].

pub(super) mod book;
mod choice;
mod fit;

#[cfg(test)]
mod tests;

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};

use self::book::{Book, Entry, Late, Unrecorded};
pub(super) use self::choice::{Choice, Which};
use self::fit::Fit;
use super::handing::{plain, who};
use super::{Failure, load_to_act, output};
use crate::clock::{Clock, SystemClock};
use crate::execute::client_token_by_hand;
use crate::inventory::{Problem, Session, SessionState};
use crate::plan::{TAG_KEEP, TAG_KEEP_UNTIL};
use crate::policy::{Policy, StudioPolicy};
use crate::provider::{ClientToken, Provider, ProviderError};
use crate::switch::{ByHand, Stage, Told};

/// How many sessions are recorded and called side by side.
const BATCH: usize = 32;

/// How often is looked whether a session has arrived.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// How long a session is waited for: a stop and a start take at most so long, by the service's own waiters.
const WAIT_MAX: SignedDuration = SignedDuration::from_mins(30);

/// What a call is called that was not made, since another look at the session spoke against it.
const LOOK: &str = "another look";

/// What a call is called that was not made, since its intent could not be recorded.
const RECORD: &str = "the record";

/// What all of these commands have in common.
#[derive(Debug, clap::Args)]
pub(super) struct Asked {
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
}

#[derive(Debug, clap::Args)]
pub(super) struct StopArguments {
    /// The sessions, each by its id or as STUDIO/SESSION.
    #[arg(required = true, value_name = "SESSION")]
    sessions: Vec<String>,

    #[command(flatten)]
    asked: Asked,

    /// Stop also what the service destroys when it was off for long enough.
    #[arg(long)]
    accept_destruction: bool,

    /// Do not wait until they are off.
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct StartArguments {
    /// The sessions, each by its id or as STUDIO/SESSION.
    #[arg(required = true, value_name = "SESSION")]
    sessions: Vec<String>,

    #[command(flatten)]
    asked: Asked,

    /// Do not wait until they are ready.
    #[arg(long)]
    no_wait: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deed {
    Stop { accept_destruction: bool, waits: bool },
    Start { waits: bool },
    Keep { until: Option<Timestamp>, replace: bool },
    Unkeep,
}

impl Deed {
    fn action(self) -> ByHand {
        match self {
            Self::Stop { .. } => ByHand::Stop,
            Self::Start { .. } => ByHand::Start,
            Self::Keep { .. } => ByHand::Keep,
            Self::Unkeep => ByHand::Unkeep,
        }
    }

    /// The state to wait for.
    fn goal(self) -> Option<SessionState> {
        match self {
            Self::Stop { waits: true, .. } => Some(SessionState::Stopped),
            Self::Start { waits: true } => Some(SessionState::Ready),
            Self::Stop { .. } | Self::Start { .. } | Self::Keep { .. } | Self::Unkeep => None,
        }
    }
}

pub(super) fn stop(path: &Path, arguments: &StopArguments) -> Result<(), Failure> {
    let StopArguments { sessions, asked, accept_destruction, no_wait } = arguments;
    let (accept_destruction, waits) = (*accept_destruction, !no_wait);
    perform(path, &Which::Named(sessions), asked, Deed::Stop { accept_destruction, waits })
}

pub(super) fn start(path: &Path, arguments: &StartArguments) -> Result<(), Failure> {
    let StartArguments { sessions, asked, no_wait } = arguments;
    perform(path, &Which::Named(sessions), asked, Deed::Start { waits: !no_wait })
}

/// Does it, to all of the sessions or, where anything speaks against one, to none.
pub(super) fn perform(
    path: &Path,
    which: &Which<'_>,
    asked: &Asked,
    deed: Deed,
) -> Result<(), Failure> {
    let policy = load_to_act(path)?;
    let who = who(asked.who.as_deref())?;
    asked.reason.iter().try_for_each(|reason| plain("--reason", reason))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    super::runtime()?.block_on(async {
        let targets = choice::find(&policy, &clock, which, deed).await?;
        let targets = fit(&policy, targets, deed, clock.now())?;
        if asked.dry_run {
            anstream::println!("nothing was done: --dry-run");
            return Ok(());
        }
        confirm(&format!("{} {} of them?", deed.action(), targets.len()), asked.yes)?;
        let book = Book::open(&policy, who, Arc::clone(&clock))?;
        let hand = Hand { policy: &policy, book, clock, deed, note: asked.reason.clone() };
        let (done, recorded) = hand.all(targets).await;
        // The log is free again for a daemon that starts meanwhile.
        let Hand { book, clock, .. } = hand;
        drop(book);
        // Whatever could not be recorded, what was called is followed.
        recorded.as_ref().err().inspect(|why| why.print());
        let arrived = arrive(&clock, deed, done).await;
        recorded.map_err(|_| Failure::Said).and(arrived)
    })
}

/// One session that is meant.
struct Target<'a> {
    studio: &'a StudioPolicy,
    provider: Arc<dyn Provider>,
    /// As it was read by itself, just before.
    session: Session,
}

impl Target<'_> {
    fn name(&self) -> String {
        format!("{}/{}", self.studio.label(), self.session.id)
    }
}

/// Shows each with what will be done to it. Where anything speaks against one nothing is done to any.
fn fit<'a>(
    policy: &Policy,
    targets: Vec<Target<'a>>,
    deed: Deed,
    now: Timestamp,
) -> Result<Vec<Target<'a>>, Failure> {
    let mut is_fit = true;
    for target in &targets {
        let name = target.name();
        match fit::judge(policy, target.studio, &target.session, deed, now) {
            Fit::Yes(words) => {
                // Nobody means what could not be shown.
                anstream::println!("{} {name}: {}", deed.action(), output::plain(&words));
            }
            Fit::No(why) => {
                is_fit = false;
                anstream::eprintln!("{name}: {why}");
            }
        }
    }
    if is_fit { Ok(targets) } else { Err(Failure::Failed("nothing was done".to_owned())) }
}

/// Asks whether it is meant, on a terminal.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Failure::Usage(
            "nothing was done: nobody can be asked whether it is meant; say --yes".to_owned(),
        ));
    }
    anstream::eprint!("{question} [y/N] ");
    let mut answer = String::new();
    let read = input.lock().read_line(&mut answer);
    let is_meant = read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str());
    if is_meant { Ok(()) } else { Err(Failure::Failed("nothing was done".to_owned())) }
}

/// Who does it, and what to each.
struct Hand<'a> {
    policy: &'a Policy,
    book: Book,
    clock: Arc<dyn Clock>,
    deed: Deed,
    note: Option<String>,
}

/// What came of it: the service's name for the call, where it gave one.
type Answer = Result<Option<String>, Failed>;

/// Why it was not done.
struct Failed {
    error: ProviderError,
    /// Whether one of two calls was made, so that it is half done.
    is_half_done: bool,
}

impl Failed {
    /// Whether nobody can tell that nothing came of it.
    fn may_be_done(&self) -> bool {
        !self.error.problem.proves_no_effect()
    }
}

impl From<ProviderError> for Failed {
    fn from(error: ProviderError) -> Self {
        Self { error, is_half_done: false }
    }
}

/// What was called, and what came of it.
type Done<'a> = Vec<(Target<'a>, Answer)>;

impl Hand<'_> {
    /// Does it to all of them, some side by side, until something cannot be recorded.
    async fn all<'t>(&self, targets: Vec<Target<'t>>) -> (Done<'t>, Result<(), Failure>) {
        let mut done = Vec::new();
        let mut targets = targets.into_iter();
        loop {
            let left = targets.len();
            let batch: Vec<Target<'_>> = targets.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return (done, Ok(()));
            }
            match self.batch(batch).await {
                Ok((more, recorded)) => {
                    done.extend(more);
                    if recorded.is_err() {
                        return (done, recorded);
                    }
                }
                Err(why) => {
                    let words = format!("nothing was done to {left} of them: {why}");
                    return (done, Err(Failure::Failed(words)));
                }
            }
        }
    }

    /// What came of the calls, and whether that was recorded. Where the intents cannot be, nothing is called.
    async fn batch<'t>(
        &self,
        batch: Vec<Target<'t>>,
    ) -> Result<(Done<'t>, Result<(), Failure>), Failure> {
        let tokens: Vec<String> = batch.iter().map(|target| self.token(target)).collect();
        let intents = batch
            .iter()
            .zip(&tokens)
            .map(|(target, token)| entry(target, self.told(Stage::Intended, target, token)));
        if let Err(Unrecorded { why, recorded }) =
            self.book.record(intents.collect(), Late::TakenBack).await
        {
            self.call_off(&batch, &tokens, &recorded).await;
            return Err(why);
        }
        let calls = batch.iter().zip(&tokens).map(|(target, token)| async {
            let session = self.look_again(target).await?;
            carry_out(self.deed, target.provider.as_ref(), &session, token).await
        });
        let answers = join_all(calls).await;
        let ends = batch.iter().zip(&tokens).zip(&answers);
        let ends =
            ends.map(|((target, token), answer)| entry(target, self.end(target, token, answer)));
        let recorded = self.book.record(ends.collect(), Late::Left).await;
        for (target, answer) in batch.iter().zip(&answers) {
            say(target, self.deed, answer);
        }
        let recorded = recorded.map_err(|Unrecorded { why, .. }| {
            Failure::Failed(format!("what was done is not in the log yet: {why}"))
        });
        Ok((batch.into_iter().zip(answers).collect(), recorded))
    }

    /// Records of those whose intents are in the log that nothing was called: not all could be recorded.
    async fn call_off(&self, batch: &[Target<'_>], tokens: &[String], recorded: &[usize]) {
        let detail = "what was to be done to others with it could not be recorded".to_owned();
        let (problem, request_id) = (Problem::NotAsked, None);
        let error = ProviderError { problem, operation: RECORD, detail, request_id };
        let answer: Answer = Err(error.into());
        let of_place = |place: &usize| Some((batch.get(*place)?, tokens.get(*place)?));
        let ends = recorded.iter().filter_map(of_place);
        let ends =
            ends.map(|(target, token)| entry(target, self.end(target, token, &answer))).collect();
        if let Err(Unrecorded { why, .. }) = self.book.record(ends, Late::Left).await {
            tracing::warn!(%why, "that nothing was called is not recorded yet");
        }
    }

    /// Reads it once more, right before the call: a person may have thought for long, and what is done
    /// is to be about what they were shown.
    async fn look_again(&self, target: &Target<'_>) -> Result<Session, ProviderError> {
        let shown = &target.session;
        let now = target.provider.read(&shown.id).await?;
        let judged = fit::judge(self.policy, target.studio, &now, self.deed, self.clock.now());
        let why = match (judged, fit::changed(shown, &now, self.deed)) {
            (Fit::Yes(_), None) => return Ok(now),
            (Fit::Yes(_), Some(why)) | (Fit::No(why), _) => why,
        };
        let (problem, request_id) = (Problem::NotAsked, None);
        Err(ProviderError { problem, operation: LOOK, detail: why, request_id })
    }

    /// Two commands are two requests, so that neither is answered as the other was.
    fn token(&self, target: &Target<'_>) -> String {
        let verb = self.deed.action().to_string();
        client_token_by_hand(&target.studio.id, &target.session, &verb, self.clock.now()).0
    }

    fn told(&self, stage: Stage, target: &Target<'_>, token: &str) -> Told {
        let (until, has_token) = match self.deed {
            Deed::Keep { until, .. } => (until, false),
            Deed::Unkeep => (crate::plan::kept_until(&target.session), false),
            Deed::Stop { .. } | Deed::Start { .. } => (None, true),
        };
        // What is taken away can be put back by the log.
        let is_intent = stage == Stage::Intended;
        let detail = fit::standing(&target.session).filter(|_| is_intent && !has_token);
        Told {
            action: self.deed.action(),
            stage,
            until,
            note: self.note.clone(),
            client_token: has_token.then(|| token.to_owned()),
            request_id: None,
            problem: None,
            detail: detail.map(|tags| book::one_line(&format!("it had {tags}"))),
        }
    }

    fn end(&self, target: &Target<'_>, token: &str, answer: &Answer) -> Told {
        let told = |stage| self.told(stage, target, token);
        match answer {
            Ok(request_id) => {
                let request_id = request_id.as_deref().map(book::one_line);
                Told { request_id, ..told(Stage::Accepted) }
            }
            Err(Failed { error, is_half_done }) => {
                let has_no_effect = error.problem.proves_no_effect() && !is_half_done;
                let stage = if has_no_effect { Stage::Rejected } else { Stage::Unanswered };
                let problem = Some(error.problem.code().to_owned());
                let detail = Some(book::one_line(&error.detail));
                let request_id = error.request_id.as_deref().map(book::one_line);
                Told { request_id, problem, detail, ..told(stage) }
            }
        }
    }
}

/// Makes the call; of a keep, the calls. What is set comes before what is taken away, so that a session is
/// kept by one tag too many rather than by none.
async fn carry_out(deed: Deed, provider: &dyn Provider, session: &Session, token: &str) -> Answer {
    let token = ClientToken(token.to_owned());
    let tags = async |set: Option<(&str, &str)>, taken: &[&str]| {
        let mut is_half_done = false;
        if let Some((key, value)) = set {
            provider.tag(session, key, value).await?;
            is_half_done = true;
        }
        for key in taken.iter().filter(|key| session.tags.contains_key(**key)) {
            let untagged = provider.untag(session, key).await;
            untagged.map_err(|error| Failed { error, is_half_done })?;
            is_half_done = true;
        }
        // Two who keep it at once, each by another tag, must not take away each other's.
        let takes = taken.iter().any(|key| session.tags.contains_key(*key));
        if let Some((key, value)) = set.filter(|_| takes) {
            let now = provider.read(&session.id).await;
            let now = now.map_err(|error| Failed { error, is_half_done })?;
            if !now.tags.contains_key(key) {
                let tagged = provider.tag(session, key, value).await;
                tagged.map_err(|error| Failed { error, is_half_done })?;
            }
        }
        Ok(None)
    };
    match deed {
        Deed::Stop { .. } => Ok(provider.stop(session, &token).await?.request_id),
        Deed::Start { .. } => Ok(provider.start(session, &token).await?.request_id),
        Deed::Keep { until: Some(until), .. } => {
            tags(Some((TAG_KEEP_UNTIL, &until.to_string())), &[TAG_KEEP]).await
        }
        Deed::Keep { until: None, .. } => {
            tags(Some((TAG_KEEP, fit::ALWAYS)), &[TAG_KEEP_UNTIL]).await
        }
        Deed::Unkeep => tags(None, &[TAG_KEEP, TAG_KEEP_UNTIL]).await,
    }
}

/// Says what came of a call.
fn say(target: &Target<'_>, deed: Deed, answer: &Answer) {
    match answer {
        Err(failed @ Failed { error, is_half_done }) => {
            let half = match is_half_done {
                true => "; it is half done",
                false if failed.may_be_done() => "; it may be done all the same",
                false => "",
            };
            anstream::eprintln!("{}: {error}{half}", target.name());
        }
        Ok(_) if deed.goal().is_none() => output::say(&format!("{}: done", target.name())),
        Ok(_) => {}
    }
}

/// Waits for what was called, where that is wanted.
async fn arrive(clock: &Arc<dyn Clock>, deed: Deed, done: Done<'_>) -> Result<(), Failure> {
    let arrivals = done.iter().map(async |(target, answer)| match (answer, deed.goal()) {
        (Err(failed), Some(goal)) if failed.may_be_done() => {
            has_begun(target).await && arrives(clock, target, &goal).await
        }
        (Err(_), _) => false,
        (Ok(_), None) => true,
        (Ok(_), Some(goal)) => arrives(clock, target, &goal).await,
    });
    // Of all at once each look would be hundreds of calls, which the daemon has to make way for.
    let arrived: Vec<bool> = stream::iter(arrivals).buffered(BATCH).collect().await;
    let is_done = arrived.into_iter().all(|arrived| arrived);
    if is_done { Ok(()) } else { Err(Failure::Said) }
}

/// Whether something came of a call that nobody answered.
async fn has_begun(target: &Target<'_>) -> bool {
    let session = target.provider.read(&target.session.id).await;
    let has_begun = session.is_ok_and(|session| session.state != target.session.state);
    if !has_begun {
        let state = &target.session.state;
        anstream::eprintln!("{}: {state}; nothing shows that it was done", target.name());
    }
    has_begun
}

async fn arrives(clock: &Arc<dyn Clock>, target: &Target<'_>, goal: &SessionState) -> bool {
    let name = target.name();
    let end = clock.monotonic().saturating_add(WAIT_MAX);
    let mut state = target.session.state.clone();
    loop {
        // A read that fails is no answer; the next one may be.
        if let Ok(session) = target.provider.read(&target.session.id).await {
            state = session.state;
        }
        if state == *goal {
            output::say(&format!("{name}: {state}"));
            return true;
        }
        if matches!(state, SessionState::Failed(_) | SessionState::Deleted) {
            anstream::eprintln!("{name}: {state}");
            return false;
        }
        if clock.monotonic() >= end {
            anstream::eprintln!("{name}: still {state} after {WAIT_MAX:#}");
            return false;
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

fn entry(target: &Target<'_>, told: Told) -> Entry {
    let (studio, session) = (target.studio.id.clone(), target.session.id.clone());
    Entry::OfSession { studio, session, told }
}

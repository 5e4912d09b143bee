use super::fit::judge;
use std::sync::Mutex;

use super::*;
use crate::clock::SimulatedClock;
use crate::inventory::{Forbidden, Stopping};
use crate::provider::direct::Direct;
use crate::sandbox::World;
use crate::switch::{Spool, Switchboard, Wish};

fn session(state: SessionState, stopping: Stopping) -> Session {
    Session {
        id: "one".into(),
        arn: None,
        state,
        status: None,
        owner: Some("9067aaaa".into()),
        launch_profile: None,
        launch_profile_name: Some("Comp".into()),
        instance_type: None,
        studio_role: None,
        streaming_image: None,
        persistence: None,
        created_at: Some(at("2026-11-20T09:00:00Z")),
        started_at: None,
        stopped_at: None,
        started_by: None,
        stopped_by: None,
        terminate_at: None,
        ends_itself: None,
        stopping,
        retains_volumes: false,
        tags: std::collections::BTreeMap::new(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What is said of it on a Friday evening.
fn said(session: &Session, deed: Deed) -> String {
    said_by("", session, deed)
}

/// The same by a policy whose studio says more.
fn said_by(settings: &str, session: &Session, deed: Deed) -> String {
    let policy = r#"
version = 1
[people."9067aaaa"]
name = "Ada"
[[studio]]
id = "us-west-2:stid-1"
max_uptime = "14h"
"#;
    let policy = format!("{policy}{settings}");
    let policy = crate::config::parse("policy.toml", &policy, Path::new("")).unwrap().policy;
    let studio = &policy.studios[&"us-west-2:stid-1".into()];
    match judge(&policy, studio, session, deed, at("2026-11-20T20:00:00Z")) {
        Fit::Yes(words) => format!("yes: {words}"),
        Fit::No(why) => format!("no: {why}"),
    }
}

const STOP: Deed = Deed::Stop { accept_destruction: false, waits: true };
const START: Deed = Deed::Start { waits: true };
const FREE: Stopping = Stopping::Allowed { destroyed_after: None };

#[test]
fn only_what_runs_and_may_be_stopped_is_stopped() {
    let ready = session(SessionState::Ready, FREE);
    assert_eq!(said(&ready, STOP), "yes: of Ada, Comp, READY since 2026-11-20 09:00Z");
    let off = session(SessionState::Stopped, FREE);
    assert_eq!(said(&off, STOP), "no: it is STOPPED, and only a READY session can be stopped");
    let forbidden = Stopping::Forbidden(Forbidden { remedy: "a longer length" });
    let forbidden = session(SessionState::Ready, forbidden);
    assert_eq!(
        said(&forbidden, STOP),
        "no: its launch profile does not permit stopping; what would help: a longer length"
    );
}

#[test]
fn what_would_be_destroyed_is_stopped_only_where_that_is_accepted() {
    let after = SignedDuration::from_hours(48);
    let doomed = session(SessionState::Ready, Stopping::Allowed { destroyed_after: Some(after) });
    assert_eq!(
        said(&doomed, STOP),
        "no: once it is off for 48h the service destroys it with its work, at 2026-11-22 20:00Z, \
         unless it is started before; if that is meant, say --accept-destruction"
    );
    let accepted = Deed::Stop { accept_destruction: true, waits: true };
    assert!(said(&doomed, accepted).starts_with("yes"));
}

#[test]
fn what_is_kept_is_told_and_can_be_let_go() {
    let mut kept = session(SessionState::Ready, FREE);
    assert_eq!(said(&kept, Deed::Unkeep), "no: no tag keeps it");
    kept.tags.insert(TAG_KEEP_UNTIL.to_owned(), "2026-11-22T08:00:00Z".to_owned());
    let expected =
        "yes: of Ada, Comp, READY since 2026-11-20 09:00Z; a tag keeps it until 2026-11-22 08:00Z";
    assert_eq!(said(&kept, STOP), expected);
    assert_eq!(said(&kept, Deed::Unkeep), expected);
    kept.tags.insert(TAG_KEEP_UNTIL.to_owned(), "2024-03-01T07:00:00Z".to_owned());
    assert_eq!(
        said(&kept, STOP),
        "yes: of Ada, Comp, READY since 2026-11-20 09:00Z; a tag kept it until 2024-03-01 07:00Z, which is over"
    );
    let mut misspelt = session(SessionState::Ready, FREE);
    misspelt.tags.insert("lightsout:keep-util".to_owned(), "2026-12-24".to_owned());
    let refused = said(&misspelt, Deed::Unkeep);
    assert!(refused.contains("what it has is lightsout:keep-util = \"2026-12-24\""), "{refused}");
    let gone = session(SessionState::Deleted, FREE);
    assert_eq!(said(&gone, Deed::Keep { until: None, replace: false }), "no: it is DELETED");
}

#[test]
fn who_is_kept_or_comes_back_while_somebody_is_asked_is_not_stopped() {
    let shown = session(SessionState::Ready, FREE);
    assert_eq!(fit::changed(&shown, &shown, STOP), None);
    let mut kept = shown.clone();
    kept.tags.insert(TAG_KEEP.to_owned(), "render".to_owned());
    let said = fit::changed(&shown, &kept, STOP).unwrap();
    assert_eq!(said, r#"somebody keeps it otherwise meanwhile, by lightsout:keep = "render""#);
    // What was shown as kept was meant all the same, and so is what is kept no longer.
    assert_eq!(fit::changed(&kept, &kept, STOP), None);
    assert_eq!(fit::changed(&kept, &shown, STOP), None);
    // Nor is a keep taken away that nobody was shown.
    let replaced = Deed::Keep { until: None, replace: true };
    for deed in [Deed::Unkeep, replaced] {
        assert_eq!(fit::changed(&shown, &kept, deed).as_deref(), Some(said.as_str()));
    }
    assert_eq!(fit::changed(&shown, &kept, Deed::Keep { until: None, replace: false }), None);
    let again = Session { started_at: Some(at("2026-11-20T10:00:00Z")), ..shown.clone() };
    let said = fit::changed(&shown, &again, STOP).unwrap();
    assert_eq!(said, "it was started or stopped meanwhile");
}

#[test]
fn a_keep_is_not_made_weaker_unless_that_is_meant() {
    let with = |tag: &str, value: &str| {
        let mut kept = session(SessionState::Ready, FREE);
        kept.tags.insert(tag.to_owned(), value.to_owned());
        kept
    };
    let keep = |until: Option<&str>, replace| Deed::Keep { until: until.map(at), replace };
    let (sooner, later) = (Some("2026-11-22T07:59:59Z"), Some("2026-11-22T08:00:00Z"));
    let words = with(TAG_KEEP, "sim runs until the delivery");
    for until in [sooner, None] {
        let said = said(&words, keep(until, false));
        assert_eq!(
            said,
            "no: it is kept without an end, by lightsout:keep = \"sim runs until the delivery\"; if that \
             is to go, say --replace"
        );
    }
    assert!(said(&words, keep(sooner, true)).starts_with("yes"));
    let until = with(TAG_KEEP_UNTIL, "2026-11-22T08:00:00Z");
    assert_eq!(
        said(&until, keep(sooner, false)),
        "no: it is kept for longer already, until 2026-11-22 08:00Z; if that is to go, say --replace"
    );
    assert!(said(&until, keep(later, false)).starts_with("yes"));
    assert!(said(&until, keep(None, false)).starts_with("yes"));
    let unreadable = with(TAG_KEEP_UNTIL, "next week");
    assert_eq!(
        said(&unreadable, keep(later, false)),
        "no: it is kept by lightsout:keep-until = \"next week\", which cannot be read; if that is to go, \
         say --replace"
    );
    assert!(said(&unreadable, keep(None, false)).starts_with("yes"));
    let always = with(TAG_KEEP, "always");
    assert!(said(&always, keep(None, false)).starts_with("yes"));
    assert!(said(&always, keep(later, false)).starts_with("no"));
}

#[test]
fn only_what_is_off_is_started() {
    let off = session(SessionState::Stopped, FREE);
    assert_eq!(said(&off, START), "yes: of Ada, Comp, STOPPED");
    let on = session(SessionState::Ready, FREE);
    assert_eq!(said(&on, START), "no: it is READY, and only a STOPPED session can be started");
}

/// A studio with a daemon that writes the log, and whoever does something beside it.
struct Beside {
    policy: Policy,
    simulated: SimulatedClock,
    clock: Arc<dyn Clock>,
    state: tempfile::TempDir,
    provider: Arc<dyn Provider>,
}

impl Beside {
    fn new() -> Self {
        const STUDIO: &str = "us-west-2:stid-1";
        let policy = format!("version = 1\n[[studio]]\nid = \"{STUDIO}\"\nmax_uptime = \"14h\"\n");
        let policy = crate::config::parse("policy.toml", &policy, Path::new("")).unwrap().policy;
        let simulated = SimulatedClock::new(at("2026-11-20T20:00:00Z"));
        let clock: Arc<dyn Clock> = Arc::new(simulated.clone());
        let world = Arc::new(Mutex::new(World::default()));
        let direct = Direct::new(STUDIO.into(), world, Arc::clone(&clock), "ada");
        let state = tempfile::tempdir().unwrap();
        Self { policy, simulated, clock, state, provider: Arc::new(direct) }
    }

    fn spool(&self) -> Spool {
        Spool::of(self.state.path(), Arc::clone(&self.clock))
    }

    fn hand(&self) -> Hand<'_> {
        let clock = Arc::clone(&self.clock);
        let book = Book::of_daemon(self.spool(), "ada".to_owned(), Arc::clone(&clock));
        Hand { policy: &self.policy, book, clock, deed: STOP, note: None }
    }

    fn target(&self, id: &str) -> Target<'_> {
        Target {
            studio: self.policy.studios.values().next().unwrap(),
            provider: Arc::clone(&self.provider),
            session: Session { id: id.into(), ..session(SessionState::Ready, FREE) },
        }
    }

    /// What comes of it while the daemon takes nothing more.
    async fn untaken<T>(&self, doing: impl Future<Output = T>) -> T {
        let end = self.clock.now() + SignedDuration::from_mins(2);
        tokio::select! {
            biased;
            done = doing => done,
            () = self.simulated.drive(end) => panic!("nobody gave it up"),
        }
    }
}

#[tokio::test]
async fn what_was_done_is_told_though_it_could_not_be_recorded() {
    let beside = Beside::new();
    let hand = beside.hand();
    let targets = (0..=BATCH).map(|number| beside.target(&format!("{number:02}"))).collect();
    let mut stops = Box::pin(hand.all(targets));
    assert!(futures_util::poll!(&mut stops).is_pending());
    // The daemon takes the intents of the first batch, and then nothing.
    for intent in beside.spool().waiting().await {
        beside.spool().taken(&intent).await;
    }
    let (done, recorded) = beside.untaken(stops).await;
    let why = recorded.unwrap_err().to_string();
    assert!(why.starts_with("what was done is not in the log yet: the daemon that"), "{why}");
    assert_eq!(done.len(), BATCH);
    // Where it does not take the intents either, nothing is called.
    let (done, recorded) = beside.untaken(hand.all(vec![beside.target("one")])).await;
    let why = recorded.unwrap_err().to_string();
    assert!(done.is_empty() && why.starts_with("nothing was done to 1 of them: "), "{why}");
}

#[tokio::test]
async fn where_not_all_intents_are_recorded_those_that_are_get_an_outcome() {
    let beside = Beside::new();
    let (hand, spool) = (beside.hand(), || beside.spool());
    let targets = ["one", "two", "three"].map(|id| beside.target(id));
    let mut stops = Box::pin(hand.batch(targets.into()));
    assert!(futures_util::poll!(&mut stops).is_pending());
    // The daemon takes the first, refuses the second, and does not come to the third.
    let waiting = spool().waiting().await;
    spool().taken(&waiting[0]).await;
    spool().refused(&waiting[1], "not followed".to_owned()).await;
    let stopped = beside.untaken(stops).await;
    assert!(stopped.is_err());
    let left = spool().look().unwrap().into_iter().map(|request| match request.wish {
        Wish::Tell { session, told, .. } => (session.to_string(), told.stage, told.problem),
        other => panic!("{other:?}"),
    });
    let not_called = ("one".to_owned(), Stage::Rejected, Some("not_asked".to_owned()));
    assert_eq!(left.collect::<Vec<_>>(), [not_called], "it waits for the daemon");
}

#[test]
fn what_the_service_says_becomes_one_line_that_fits() {
    assert_eq!(book::one_line("two\nlines"), "two lines");
    assert_eq!(book::one_line(" \n "), "it said nothing");
    assert_eq!(book::one_line(&"é".repeat(400)).len(), crate::switch::TEXT_MAX);
}

#[test]
fn a_keep_that_is_too_long_is_refused_with_what_to_type() {
    let ready = session(SessionState::Ready, FREE);
    let keep = |until: Option<&str>| Deed::Keep { until: until.map(at), replace: false };
    let by = |settings: &str, until| said_by(settings, &ready, keep(until));
    let refused = "no: by keep_max it may be kept for 14d at the most, until 2026-12-04 20:00Z; say --for 14d";
    assert_eq!(by("keep_max = \"14d\"", None), refused);
    assert_eq!(by("keep_max = \"14d\"", Some("2026-12-04T20:00:01Z")), refused);
    assert!(by("keep_max = \"14d\"", Some("2026-12-04T20:00:00Z")).starts_with("yes"));
    assert!(by("", None).starts_with("yes"));
    // The rule that the session falls under says more.
    let rule = "keep_max = \"14d\"\n[[studio.rule]]\nname = \"a\"\nmatch = { owner = \"9067*\" }\nkeep_max = ";
    assert!(by(&format!("{rule}\"off\""), None).starts_with("yes"));
    assert!(by(&format!("{rule}\"36h\""), None).ends_with("say --for 36h"));
    assert!(by(&format!("{rule}\"90m\""), None).ends_with("say --for 1h30m"));
}

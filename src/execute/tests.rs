mod late;

use std::path::Path;
use std::sync::Mutex;

use futures_util::future::BoxFuture;

use super::*;
use crate::audit::memory::MemoryJournal;
use crate::audit::record::Kind;
use crate::audit::replay::Replay;
use crate::clock::SimulatedClock;
use crate::config;
use crate::ids::StudioId;
use crate::inventory::Problem;
use crate::plan::ClockJump;
use crate::provider::direct::Direct;
use crate::provider::faulty::{Fault, Faulty};
use crate::provider::gate::{Gated, Gates};
use crate::sandbox::World;
use crate::sandbox::world::{Caller, Effect, Operation};
use crate::sandbox::worldfile;

const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";

/// The window closes at 07:00, so a start is due from 06:50 and may be made until 08:00.
const CLOSES: &str = "07:00:00";

fn at(time: &str) -> Timestamp {
    format!("2026-11-20T{time}-08:00").parse().unwrap()
}

fn policy() -> Policy {
    policy_with("")
}

fn policy_with(settings: &str) -> Policy {
    let text = format!(
        r#"
version = 1
mode = "enforce"
[audit]
path = "audit.jsonl"
[schedule.nights]
zone = "America/Los_Angeles"
idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]
[[studio]]
id = "{STUDIO}"
schedule = "nights"
start = "resume"
{settings}
"#
    );
    match config::parse("policy.toml", &text, Path::new("")) {
        Ok(loaded) => loaded.policy,
        Err(found) => panic!("{}", found.render(false)),
    }
}

fn world(session: &str) -> World {
    let text = format!(
        r#"
[[studio]]
id = "{STUDIO}"
account = "111122223333"
name = "feature"
[[studio.profile]]
id = "persistent"
name = "Persistent"
max_session_length_in_minutes = 43200
session_persistence_mode = "ACTIVATED"
automatic_termination_mode = "DEACTIVATED"
[[studio.session]]
id = "artist"
profile = "persistent"
created = "-30d"
started = "2026-11-19T09:00:00-08:00"
stopped = "2026-11-19T20:00:00-08:00"
state = "STOPPED"
{session}
"#
    );
    worldfile::parse(&text, "world.toml", at("06:50:00")).unwrap().world
}

/// A journal that takes its time, by the clock.
#[derive(Debug)]
struct SlowJournal {
    inner: Arc<MemoryJournal>,
    clock: SimulatedClock,
    takes: SignedDuration,
}

impl Journal for SlowJournal {
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        Box::pin(async move {
            self.clock.drive(self.clock.now() + self.takes).await;
            self.inner.commit(records).await
        })
    }
}

/// At 06:50 in the morning, a session that we stopped at 20:00.
struct Morning {
    workshop: Workshop,
    world: Arc<Mutex<World>>,
    clock: SimulatedClock,
    faulty: Faulty,
    journal: Arc<MemoryJournal>,
    gate: Arc<Door>,
}

/// A gate that is paused when a test says so; and as a slow disk, perhaps only the second time that it
/// is asked.
#[derive(Debug, Default)]
struct Door {
    /// How often it is still open.
    shuts_after: Mutex<Option<u32>>,
    /// That the clock has jumped, which it knows once it is asked for the time.
    jumped: Mutex<Option<ClockJump>>,
    knows: Mutex<Option<ClockJump>>,
    /// What was decided last.
    decided: Mutex<Option<Decision>>,
    journal: Arc<MemoryJournal>,
}

impl Door {
    fn shuts_after(&self, times: u32) {
        *self.shuts_after.lock().unwrap() = Some(times);
    }
}

impl Gate for Door {
    fn time<'a>(&'a self, clock: &'a dyn Clock) -> BoxFuture<'a, Result<Timestamp, JournalError>> {
        *self.knows.lock().unwrap() = *self.jumped.lock().unwrap();
        Box::pin(async move { Ok(clock.now()) })
    }

    fn held(&self, _: &StudioId, now: Timestamp) -> Option<Reason> {
        let clock_jump = *self.knows.lock().unwrap();
        if clock_jump.is_some() {
            return plan::held_since(&History { clock_jump, ..History::default() }, now);
        }
        let mut times = self.shuts_after.lock().unwrap();
        let left = times.as_mut()?;
        let is_shut = *left == 0;
        *left = left.saturating_sub(1);
        let until = now + SignedDuration::from_hours(1);
        is_shut.then(|| Reason::Paused { until, who: "ada".to_owned() })
    }

    /// In the beginning, that the stop was ours.
    fn history(&self, studio: &StudioId, _: &crate::ids::SessionId) -> History {
        let mut replay = Replay::default();
        let data = Data {
            studio: Some(STUDIO.to_owned()),
            session: Some("artist".to_owned()),
            stopped_at: Some("2026-11-20T04:00:00Z".parse().unwrap()),
            ..Data::default()
        };
        let (time, kind) = (at("00:00:00"), Kind::StopProven);
        replay.apply(&Record { time, kind, subject: String::new(), data });
        self.journal.records().iter().for_each(|record| replay.apply(record));
        replay.studio(studio).history.clone()
    }

    fn is_decided_otherwise(
        &self,
        _: &StudioId,
        decision: &Decision,
        _: Option<Timestamp>,
    ) -> bool {
        self.decided.lock().unwrap().as_ref().is_some_and(|last| last != decision)
    }

    fn admit(
        &self,
        _: &StudioId,
        _: crate::policy::Brake,
        _: Action,
        _: &ClientToken,
        _: Timestamp,
    ) -> Result<Admission, Reason> {
        Ok(Admission::counted())
    }
}

impl Morning {
    fn new() -> Self {
        Self::with("", "")
    }

    /// The same session, which the service destroys at 07:10, before people are back.
    fn in_danger() -> Self {
        let terminate_at = r#"terminate_at = "2026-11-20T07:10:00-08:00""#;
        Self::with("preserve = \"rotate\"", terminate_at)
    }

    fn with(settings: &str, session: &str) -> Self {
        let clock = SimulatedClock::new(at("06:50:00"));
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let world = Arc::new(Mutex::new(world(session)));
        let direct = Direct::new(STUDIO.into(), Arc::clone(&world), shared, "AROATEST:lightsout");
        let faulty = Faulty::new(Arc::new(direct));
        let journal = Arc::new(MemoryJournal::new());
        let gate = Arc::new(Door { journal: Arc::clone(&journal), ..Door::default() });
        let policy = Arc::new(policy_with(settings));
        let studio = Arc::new(policy.studios[&STUDIO.into()].clone());
        let gates = Gates::new(Arc::new(clock.clone()));
        let workshop = Workshop {
            permits: gates.lane(&studio.id, &studio.connection, 1),
            studio,
            policy,
            provider: Arc::new(faulty.clone()),
            journal: Arc::clone(&journal) as Arc<dyn Journal>,
            gate: Arc::clone(&gate) as Arc<dyn Gate>,
            clock: Arc::new(clock.clone()),
            ending: CancellationToken::new(),
        };
        Self { workshop, world, clock, faulty, journal, gate }
    }

    /// Something that was read in this moment, and is to be started as an order says.
    fn just_read(&self, session: Session, order: &Order) -> Fresh {
        let read_at = [self.clock.monotonic(), self.clock.now().as_duration()];
        let planned = order.decision.clone();
        Fresh { action: Action::Start, read_at, session, planned }
    }

    /// What the log says so far.
    fn history(&self) -> plan::History {
        self.gate.history(&STUDIO.into(), &"artist".into())
    }

    async fn order(&self) -> Order {
        let snapshot = self.workshop.provider.observe().await;
        let Workshop { policy, studio, clock, .. } = &self.workshop;
        let plan = plan::plan(policy, studio, &snapshot, &self.history(), clock.now());
        let order = orders(&plan, &snapshot).next();
        order.unwrap_or_else(|| panic!("nothing is to be done: {plan:?}"))
    }

    async fn attempt(&self, order: &Order) -> Outcome {
        attempt(&self.workshop, order).await
    }

    fn change(&self, act: impl FnOnce(&mut World, Timestamp)) {
        act(&mut self.world.lock().unwrap(), self.clock.now());
    }

    fn effects(&self) -> Vec<Effect> {
        self.world.lock().unwrap().effects().iter().cloned().collect()
    }

    fn kinds(&self) -> Vec<Kind> {
        self.journal.records().into_iter().map(|record| record.kind).collect()
    }
}

#[tokio::test]
async fn a_start_is_announced_called_and_recorded() {
    let morning = Morning::new();
    let order = morning.order().await;
    assert_eq!((order.action, order.run), (Action::Start, Some(at("00:00:00") - hours(4))));
    assert_eq!(morning.attempt(&order).await, Outcome::Accepted);
    assert_eq!(morning.kinds(), [Kind::StartIntended, Kind::StartAccepted]);
    let records = morning.journal.records();
    let intent = &records[0].data;
    assert_eq!((intent.stopped_at, intent.not_after), (order.run, Some(at("08:00:00"))));
    assert_eq!((intent.attempt, intent.mode.as_deref()), (Some(0), Some("enforce")));
    assert_eq!(intent.reason.as_ref().unwrap().code, "resume");
    assert_eq!(records[1].data.stopped_at, order.run);
    assert_eq!(records[1].data.state_after.as_deref(), Some("START_IN_PROGRESS"));
    let effects = morning.effects();
    assert_eq!((effects.len(), effects[0].operation), (1, Operation::StartStreamingSession));
    assert_eq!(effects[0].token, intent.client_token);
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[tokio::test]
async fn an_attempt_that_is_known_to_have_ended_is_followed_by_another_and_no_other() {
    let morning = Morning::new();
    let order = morning.order().await;
    let mut tokens = Vec::new();
    let problems = [Some(Problem::TimedOut), Some(Problem::Refused), Some(Problem::Throttled)];
    // The refusal of a repetition says nothing of the call before it.
    for problem in problems.into_iter().chain([None]) {
        morning.faulty.set(problem.map(Fault::Refusal));
        let outcome = morning.attempt(&order).await;
        assert_eq!(outcome == Outcome::Accepted, problem.is_none(), "{outcome:?}");
        let last = morning.journal.records().pop().unwrap();
        tokens.push(last.data.client_token.unwrap());
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    let fresh = Morning::new();
    fresh.faulty.set(Some(Fault::Refusal(Problem::Refused)));
    let order = fresh.order().await;
    assert!(matches!(fresh.attempt(&order).await, Outcome::Rejected(_)));
    fresh.faulty.set(None);
    assert_eq!(fresh.attempt(&order).await, Outcome::Accepted);
    let attempts: Vec<_> = fresh.journal.records().iter().map(|r| r.data.attempt).collect();
    assert_eq!(attempts, [Some(0), Some(0), Some(1), Some(1)]);
}

/// Something is otherwise when the session is read again: nothing is called, and it is said why.
async fn check_dropped(change: impl FnOnce(&Morning, &mut Order), code: &str) {
    let morning = Morning::new();
    let mut order = morning.order().await;
    change(&morning, &mut order);
    let effects = morning.effects().len();
    let outcome = morning.attempt(&order).await;
    let Outcome::Dropped(decision) = outcome else { panic!("{code}: {outcome:?}") };
    assert_eq!(decision.reason.code(), code);
    let dropped = Deed { action: order.action, stage: Stage::Dropped }.kind();
    assert_eq!((morning.kinds(), morning.effects().len()), (vec![dropped], effects));
}

#[tokio::test]
async fn what_is_otherwise_when_it_is_read_again_is_left_alone() {
    let artist = Caller::new("owner-1");
    let start = |world: &mut World, now| {
        world.start(STUDIO, "artist", None, artist, now).unwrap();
    };
    check_dropped(|morning, _| morning.change(start), "transitional").await;
    let stopped_again = |morning: &Morning, _: &mut Order| {
        morning.change(|world, now| {
            let amend =
                |session: &mut crate::sandbox::world::Session| session.stopped_at = Some(now);
            world.amend_session(STUDIO, "artist", now, amend).unwrap();
        });
    };
    check_dropped(stopped_again, "not_ours").await;
    // Another close is another plan's; so is another stop.
    let other_close = |_: &Morning, order: &mut Order| {
        order.decision.reason = Reason::Resume { closes: at("06:00:00") };
    };
    check_dropped(other_close, "resume").await;
    let same_close = Reason::Resume { closes: at(CLOSES) };
    let other_run = move |_: &Morning, order: &mut Order| {
        assert_eq!(order.decision.reason, same_close);
        order.run = Some(at("05:00:00"));
    };
    check_dropped(other_run, "resume").await;
    check_dropped(|_, order| order.run = None, "resume").await;
    check_dropped(|_, order| order.action = Action::Stop, "resume").await;
    let too_late = |_: &Morning, order: &mut Order| order.decision.not_after = Some(at("06:50:00"));
    check_dropped(too_late, "resume").await;
}

#[tokio::test]
async fn a_mode_is_never_stronger_than_planned() {
    let morning = Morning::new();
    let mut order = morning.order().await;
    order.decision.mode = Mode::Observe;
    assert_eq!(morning.attempt(&order).await, Outcome::Withheld);
    assert_eq!((morning.kinds(), morning.effects()), (vec![Kind::StartWithheld], vec![]));
    assert_eq!(morning.journal.records()[0].data.stopped_at, order.run);
    assert_eq!(morning.history().of(&"artist".into()).start_withheld, order.run);
}

/// An attempt at an instant, with a log that takes its time.
async fn slow(time: &str, takes: SignedDuration) -> (Outcome, Morning) {
    let mut morning = Morning::new();
    morning.clock.drive(at(time)).await;
    let order = morning.order().await;
    let (inner, clock) = (Arc::clone(&morning.journal), morning.clock.clone());
    morning.workshop.journal = Arc::new(SlowJournal { inner, clock, takes });
    let outcome = morning.attempt(&order).await;
    (outcome, morning)
}

#[tokio::test]
async fn no_call_is_made_upon_an_old_reading_or_after_its_time() {
    let old = slow("06:50:00", SignedDuration::from_secs(61)).await;
    let late = slow("07:59:30", SignedDuration::from_secs(30)).await;
    let why = ["the session was read too long ago", "the time for starting it was over"];
    for ((outcome, morning), why) in [old, late].into_iter().zip(why) {
        assert_eq!(outcome, Outcome::Withdrawn);
        assert_eq!(morning.kinds(), [Kind::StartIntended, Kind::StartWithdrawn]);
        assert_eq!(morning.effects(), []);
        let note = morning.journal.records()[1].data.note.clone().unwrap();
        assert!(note.contains(why), "{note}");
        assert_eq!(morning.history().of(&"artist".into()).starting, None);
    }
    let (outcome, _) = slow("07:59:30", SignedDuration::from_secs(29)).await;
    assert_eq!(outcome, Outcome::Accepted);
}

#[tokio::test]
async fn without_a_durable_intent_nothing_is_called() {
    let morning = Morning::new();
    let order = morning.order().await;
    morning.journal.fail(true);
    assert!(matches!(morning.attempt(&order).await, Outcome::Unrecorded(_)));
    assert_eq!(morning.effects(), []);
    morning.journal.fail(false);
    morning.workshop.ending.cancel();
    assert_eq!(morning.attempt(&order).await, Outcome::Ending);
    assert_eq!((morning.kinds(), morning.effects()), (vec![], vec![]));
}

#[tokio::test]
async fn what_cannot_be_read_again_is_left_alone() {
    let morning = Morning::new();
    let mut order = morning.order().await;
    order.decision.session = "nobody".into();
    assert!(matches!(morning.attempt(&order).await, Outcome::Unread(_)));
    let records = morning.journal.records();
    assert_eq!(
        (records[0].kind.clone(), records[0].data.stopped_at),
        (Kind::StartDropped, order.run)
    );
}

#[tokio::test]
async fn a_pause_after_the_plan_lets_nothing_through() {
    let morning = Morning::new();
    let order = morning.order().await;
    morning.gate.shuts_after(0);
    let Outcome::Dropped(decision) = morning.attempt(&order).await else { panic!("it is paused") };
    assert_eq!(decision.reason.code(), "paused");
    assert_eq!((morning.kinds(), morning.effects()), (vec![Kind::StartDropped], vec![]));
    assert_eq!(marked(&morning).await, Some(Mark::Held));
    assert_eq!((morning.kinds(), morning.effects()), (vec![Kind::StartDropped], vec![]));
}

#[tokio::test]
async fn a_jump_of_the_clock_after_the_plan_lets_nothing_through_but_rescues() {
    let jumped = |morning: &Morning| {
        let jump = ClockJump { at: morning.clock.now(), by: hours(2) };
        *morning.gate.jumped.lock().unwrap() = Some(jump);
    };
    let morning = Morning::new();
    let order = morning.order().await;
    jumped(&morning);
    let Outcome::Dropped(decision) = morning.attempt(&order).await else { panic!("it was called") };
    assert_eq!(decision.reason.code(), "clock_jumped");
    assert_eq!((morning.kinds(), morning.effects()), (vec![Kind::StartDropped], vec![]));
    let morning = Morning::in_danger();
    let order = morning.order().await;
    jumped(&morning);
    assert_eq!(morning.attempt(&order).await, Outcome::Accepted);
}

#[tokio::test]
async fn a_pause_between_the_plan_and_its_call_lets_rescues_through() {
    let morning = Morning::in_danger();
    let order = morning.order().await;
    morning.gate.shuts_after(0);
    assert_eq!(morning.attempt(&order).await, Outcome::Accepted);
}

#[tokio::test]
async fn a_pause_while_the_intent_is_written_takes_it_back() {
    let morning = Morning::new();
    let order = morning.order().await;
    morning.gate.shuts_after(1);
    assert_eq!(morning.attempt(&order).await, Outcome::Withdrawn);
    assert_eq!(morning.kinds(), [Kind::StartIntended, Kind::StartWithdrawn]);
    let note = morning.journal.records()[1].data.note.clone();
    assert_eq!(note.as_deref(), Some("no call was made: it was paused before the call"));
    assert_eq!(morning.effects(), []);
}

#[tokio::test]
async fn a_rescue_is_called_as_any_start_and_may_be_made_until_people_are_back() {
    let morning = Morning::in_danger();
    let order = morning.order().await;
    assert_eq!(morning.attempt(&order).await, Outcome::Accepted);
    assert_eq!(morning.kinds(), [Kind::StartIntended, Kind::StartAccepted]);
    let intent = &morning.journal.records()[0].data;
    assert_eq!(intent.reason.as_ref().unwrap().code, "rescue");
    assert_eq!((intent.stopped_at, intent.not_after), (order.run, Some(at("15:00:00"))));
    assert_eq!(morning.history().starts, [], "the brake counts no rescue");
}

#[tokio::test]
async fn a_rescue_is_made_although_the_studio_is_held_and_nothing_else_is() {
    let morning = Morning::in_danger();
    let mut snapshot = morning.workshop.provider.observe().await;
    let gap = crate::inventory::Gap {
        wanted: crate::inventory::Wanted::LaunchProfiles,
        problem: Problem::Throttled,
        detail: String::new(),
    };
    snapshot.gaps.push(gap);
    let Workshop { policy, studio, clock, .. } = &morning.workshop;
    let plan = plan::plan(policy, studio, &snapshot, &morning.history(), clock.now());
    assert!(plan.hold.is_some());
    assert_eq!(marks(&plan, &snapshot).count(), 0);
    let order = orders(&plan, &snapshot).next().unwrap();
    assert_eq!(morning.attempt(&order).await, Outcome::Accepted);
    // Without the danger there is nothing to be done while it is held.
    let snapshot = crate::inventory::Snapshot {
        gaps: snapshot.gaps,
        ..Morning::new().workshop.provider.observe().await
    };
    let plan = plan::plan(policy, studio, &snapshot, &morning.history(), at("06:52:00"));
    assert_eq!(orders(&plan, &snapshot).count(), 0);
}

#[tokio::test]
async fn a_fresh_reading_may_tell_another_end_of_what_is_rescued() {
    let morning = Morning::in_danger();
    let mut order = morning.order().await;
    let Reason::Rescue { terminate_at, closes, .. } = &mut order.decision.reason else {
        panic!("{:?}", order.decision.reason)
    };
    (*terminate_at, *closes) = (at("07:05:00"), at("06:00:00"));
    assert_eq!(morning.attempt(&order).await, Outcome::Accepted);
    // What was to be started for the morning is another plan's.
    let morning = Morning::in_danger();
    let mut order = morning.order().await;
    order.decision.reason = Reason::Resume { closes: at(CLOSES) };
    let Outcome::Dropped(decision) = morning.attempt(&order).await else { panic!("it was called") };
    assert_eq!(decision.reason.code(), "rescue");
}

#[tokio::test]
async fn a_rescue_is_made_although_its_launch_profile_cannot_be_read_again() {
    // Only the clock that its stop set off says when it ends, and that is the profile's.
    let morning = Morning::in_danger();
    let order = morning.order().await;
    let session = morning.workshop.provider.read(&order.decision.session).await.unwrap();
    let read = |stopping| Session { terminate_at: None, stopping, ..session.clone() };
    let unread = read(Stopping::Unclear(Doubt::NoLaunchProfile));
    let again = || {
        let Workshop { policy, studio, clock, .. } = &morning.workshop;
        plan::decide_again(policy, studio, &unread, &morning.history(), clock.now())
    };
    assert!(!again().reason.is_rescue());
    let now = morning.clock.now();
    let stands = narrowed(&order, &unread, again(), now).unwrap();
    assert_eq!((stands.reason.code(), stands.mode), ("rescue", Mode::Enforce));
    // Not one that is known to be in no danger, of another stop, on already, or too late.
    let lasting = read(Stopping::Allowed { destroyed_after: None });
    assert!(narrowed(&order, &lasting, again(), now).is_err());
    let another = Session { stopped_at: Some(at("05:00:00")), ..unread.clone() };
    assert!(narrowed(&order, &another, again(), now).is_err());
    let on = Session { state: SessionState::Ready, ..unread.clone() };
    assert!(narrowed(&order, &on, again(), now).is_err());
    assert!(narrowed(&order, &unread, again(), at("15:00:00")).is_err());
}

#[tokio::test]
async fn what_is_no_longer_in_danger_is_not_rescued() {
    let morning = Morning::in_danger();
    let order = morning.order().await;
    morning.change(|world, now| {
        world.start(STUDIO, "artist", None, Caller::new("owner-1"), now).unwrap();
    });
    assert!(matches!(morning.attempt(&order).await, Outcome::Dropped(_)));
    let morning = Morning::in_danger();
    let mut order = morning.order().await;
    let run = order.run.replace(at("05:00:00"));
    assert!(matches!(morning.attempt(&order).await, Outcome::Dropped(_)));
    assert_eq!(morning.effects(), []);
    order.run = run.map(|run| run + SignedDuration::from_millis(417));
    assert_eq!(morning.attempt(&order).await, Outcome::Accepted);
}

async fn marked(morning: &Morning) -> Option<Mark> {
    let Workshop { policy, studio, clock, provider, .. } = &morning.workshop;
    let snapshot = provider.observe().await;
    let plan = plan::plan(policy, studio, &snapshot, &morning.history(), clock.now());
    let (session, stopped_at) = marks(&plan, &snapshot).next()?;
    Some(mark(&morning.workshop, session, stopped_at).await)
}

#[tokio::test]
async fn a_stop_is_marked_once_with_its_own_instant() {
    let morning = Morning::new();
    assert_eq!(marked(&morning).await, Some(Mark::Set));
    assert_eq!(morning.kinds(), [Kind::MarkIntended, Kind::MarkSet]);
    let session = morning.workshop.provider.read(&"artist".into()).await.unwrap();
    assert_eq!(session.tags["lightsout:stopped"], "2026-11-20T04:00:00Z");
    assert_eq!(marked(&morning).await, None);
    // The tag alone suffices to know our stop.
    drop(morning.journal.take());
    assert_eq!(marked(&morning).await, None);
}

#[tokio::test]
async fn a_pause_while_the_record_of_a_mark_is_written_prevents_the_mark() {
    let morning = Morning::new();
    morning.gate.shuts_after(1);
    assert_eq!(marked(&morning).await, Some(Mark::Held));
    assert_eq!(morning.kinds(), [Kind::MarkIntended, Kind::MarkFailed]);
    assert!(morning.journal.records()[1].data.note.is_some());
    assert_eq!(morning.effects(), []);
}

#[tokio::test]
async fn a_stop_that_could_not_be_marked_is_not_marked_again() {
    let morning = Morning::new();
    morning.faulty.set(Some(Fault::Refusal(Problem::Denied)));
    assert!(matches!(marked(&morning).await, Some(Mark::Failed(_))));
    assert_eq!(morning.kinds(), [Kind::MarkIntended, Kind::MarkFailed]);
    assert_eq!(morning.journal.records()[1].data.error.as_ref().unwrap().problem, "denied");
    morning.faulty.set(None);
    assert_eq!(marked(&morning).await, None);
    let unrecorded = Morning::new();
    unrecorded.journal.fail(true);
    assert!(matches!(marked(&unrecorded).await, Some(Mark::Unrecorded(_))));
    assert_eq!(unrecorded.effects(), []);
}

#[tokio::test]
async fn nothing_is_marked_in_observe_in_a_studio_that_is_held_or_at_the_end() {
    let mut morning = Morning::new();
    morning.workshop.ending.cancel();
    assert_eq!(marked(&morning).await, Some(Mark::Ending));
    let snapshot = morning.workshop.provider.observe().await;
    let order = Morning::new().order().await;
    let decision = Decision { mark: Some(at("04:00:00")), ..order.decision };
    let (studio, at, brakes) = (STUDIO.into(), at("06:50:00"), Vec::new());
    let latches = std::collections::BTreeMap::new();
    let decisions = vec![Arc::new(decision)];
    let plan = plan::Plan { studio, at, hold: None, brakes, latches, decisions };
    assert_eq!(marks(&plan, &snapshot).count(), 1);
    let mut observing = plan.clone();
    Arc::make_mut(&mut observing.decisions[0]).mode = Mode::Observe;
    assert_eq!(marks(&observing, &snapshot).count(), 0);
    let hold = Some(Reason::ClockInDoubt { listed: at });
    let held = plan::Plan { hold, ..plan };
    assert_eq!(marks(&held, &snapshot).count(), 0);
    morning.workshop.policy = Arc::new(policy().observing());
    morning.workshop.studio = Arc::new(morning.workshop.policy.studios[&STUDIO.into()].clone());
    assert_eq!(marked(&morning).await, None);
    assert_eq!((morning.kinds(), morning.effects()), (vec![], vec![]));
}

#[tokio::test]
async fn a_start_has_another_token_for_another_stop_and_attempt_and_than_a_stop() {
    let provider = Morning::new().workshop.provider;
    let mut session = provider.read(&"artist".into()).await.unwrap();
    let token = |session: &Session, action, attempt| {
        client_token(&STUDIO.into(), session, action, attempt).0
    };
    let first = token(&session, Action::Start, 0);
    assert_eq!(first.len(), 64);
    let mut tokens =
        vec![first.clone(), token(&session, Action::Start, 1), token(&session, Action::Stop, 0)];
    // A start has no body, so what a stop would say there does not matter.
    session.retains_volumes = !session.retains_volumes;
    assert_eq!(token(&session, Action::Start, 0), first);
    session.stopped_at = Some(at("05:00:00"));
    tokens.push(token(&session, Action::Start, 0));
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 4);
}

use std::collections::BTreeMap;

use futures_util::future::{BoxFuture, join_all, pending};

use super::breaker::{FAILURES_MAX, PAUSE_FIRST, PROBE_TURN};
use super::*;
use crate::clock::SimulatedClock;
use crate::ids::SessionId;
use crate::inventory::{Gap, Session, Snapshot, Stopping, Wanted};
use crate::provider::{Accepted, ClientToken};

/// A studio that answers every call alike, and notes each.
#[derive(Debug, Clone, Default)]
struct Stub {
    /// Nothing is an answer.
    problem: Arc<Mutex<Option<Problem>>>,
    hangs: Arc<AtomicBool>,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl Stub {
    fn fails(&self, problem: Option<Problem>) {
        *self.problem.lock().unwrap() = problem;
    }

    fn hangs(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::Relaxed);
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    async fn answer(&self, operation: &'static str) -> Result<(), ProviderError> {
        self.calls.lock().unwrap().push(operation);
        if self.hangs.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
        tokio::task::yield_now().await;
        let problem = *self.problem.lock().unwrap();
        let error =
            |problem| ProviderError { problem, operation, detail: String::new(), request_id: None };
        problem.map_or(Ok(()), |problem| Err(error(problem)))
    }
}

impl Provider for Stub {
    fn observe(&self) -> BoxFuture<'_, Snapshot> {
        Box::pin(async move {
            let wanted = Wanted::Sessions;
            let gap = |ProviderError { problem, detail, .. }| Gap { wanted, problem, detail };
            let gap = self.answer("observe").await.err().map(gap);
            Snapshot::unread(Timestamp::UNIX_EPOCH, gap.into_iter().collect())
        })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        Box::pin(self.answer("probe"))
    }

    fn read<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Result<Session, ProviderError>> {
        Box::pin(async move { self.answer("read").await.map(|()| session(id)) })
    }

    fn stop<'a>(
        &'a self,
        session: &'a Session,
        _: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        let accepted = || Accepted { session: session.clone(), request_id: None };
        Box::pin(async move { self.answer("stop").await.map(|()| accepted()) })
    }

    fn start<'a>(
        &'a self,
        session: &'a Session,
        _: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        let accepted = || Accepted { session: session.clone(), request_id: None };
        Box::pin(async move { self.answer("start").await.map(|()| accepted()) })
    }

    fn tag<'a>(
        &'a self,
        _: &'a Session,
        _: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.answer("tag"))
    }

    fn untag<'a>(&'a self, _: &'a Session, _: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.answer("untag"))
    }
}

fn session(id: &SessionId) -> Session {
    Session {
        id: id.clone(),
        arn: None,
        state: crate::inventory::SessionState::Ready,
        status: None,
        owner: None,
        launch_profile: None,
        launch_profile_name: None,
        instance_type: None,
        studio_role: None,
        streaming_image: None,
        persistence: None,
        created_at: None,
        started_at: None,
        stopped_at: None,
        started_by: None,
        stopped_by: None,
        terminate_at: None,
        ends_itself: None,
        retains_volumes: false,
        stopping: Stopping::Allowed { destroyed_after: None },
        tags: BTreeMap::new(),
    }
}

fn connection(account: Option<&str>) -> Connection {
    Connection {
        region: "us-west-2".into(),
        account: account.map(Into::into),
        role_arn: None,
        external_id: None,
        profile: None,
        endpoint_url: None,
    }
}

/// Two studios of one account and region.
struct Pair {
    clock: SimulatedClock,
    lanes: [Arc<Lane>; 2],
    stubs: [Stub; 2],
    studios: [Gated; 2],
}

impl Pair {
    fn new(concurrency: usize) -> Self {
        let clock = SimulatedClock::new("2026-11-21T04:00:00Z".parse().unwrap());
        let gates = Gates::new(Arc::new(clock.clone()));
        let lanes = ["one", "two"].map(|studio| {
            gates.lane(&studio.into(), &connection(Some("111122223333")), concurrency)
        });
        let stubs = [Stub::default(), Stub::default()];
        let gated = |number: usize| {
            let stub: &Stub = &stubs[number];
            Gated::new(Arc::new(stub.clone()), Arc::clone(&lanes[number]))
        };
        let studios = [gated(0), gated(1)];
        Self { clock, lanes, stubs, studios }
    }

    async fn pass(&self, time: SignedDuration) {
        self.clock.drive(self.clock.now() + time).await;
    }

    /// The first studio fails until its API is asked no more.
    async fn opened(&self) {
        self.stubs[0].fails(Some(Problem::TimedOut));
        for _ in 0..FAILURES_MAX {
            self.studios[0].observe().await;
        }
        assert_eq!(self.stubs[0].take(), vec!["observe"; FAILURES_MAX as usize]);
    }

    fn problem(snapshot: &Snapshot) -> Option<Problem> {
        snapshot.gaps.first().map(|gap| gap.problem)
    }
}

#[test]
fn studios_share_a_gate_by_account_region_and_endpoint() {
    let gates = Gates::new(Arc::new(SimulatedClock::new(Timestamp::UNIX_EPOCH)));
    let lane = |connection: &Connection| gates.lane(&"one".into(), connection, 16);
    let ours = connection(Some("111122223333"));
    let one = lane(&ours);
    let shares = |other: Connection| Arc::ptr_eq(&one.gate, &lane(&other).gate);
    let with_role = Connection { role_arn: Some("arn".into()), ..ours.clone() };
    assert!(shares(with_role.clone()), "calls are counted by account, whoever makes them");
    assert!(!shares(connection(Some("444455556666"))));
    assert!(!shares(connection(None)));
    assert!(!shares(Connection { region: "eu-west-1".into(), ..ours.clone() }));
    assert!(!shares(Connection { endpoint_url: Some("http://x".into()), ..ours }));
    let unknown = lane(&connection(None));
    let other_role = lane(&Connection { account: None, ..with_role });
    assert!(Arc::ptr_eq(&unknown.gate, &lane(&connection(None)).gate));
    assert!(!Arc::ptr_eq(&unknown.gate, &other_role.gate));
}

#[tokio::test]
async fn one_studio_can_take_all_calls_but_the_one_of_each_other() {
    let pair = Pair::new(4);
    let [one, other] = &pair.lanes;
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.push(one.acquire(Urgency::Usual).await.unwrap());
    }
    assert!(futures_util::poll!(Box::pin(one.acquire(Urgency::Usual))).is_pending());
    let own = other.acquire(Urgency::Usual).await.unwrap();
    assert!(futures_util::poll!(Box::pin(other.acquire(Urgency::Usual))).is_pending());
    drop(taken.pop());
    let more = other.acquire(Urgency::Usual).await.unwrap();
    assert!(futures_util::poll!(Box::pin(one.acquire(Urgency::Usual))).is_pending());
    drop((own, more));
}

#[tokio::test]
async fn what_is_urgent_waits_for_what_is_in_flight_and_not_for_what_waits() {
    let pair = Pair::new(1);
    let [lane, _] = &pair.lanes;
    let in_flight = lane.acquire(Urgency::Usual).await.unwrap();
    let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(lane.acquire(Urgency::Usual))).collect();
    for stop in &mut waiting {
        assert!(futures_util::poll!(stop).is_pending());
    }
    let mut rescue = Box::pin(lane.acquire(Urgency::Urgent));
    assert!(futures_util::poll!(&mut rescue).is_pending());
    drop(in_flight);
    let mut before = 0;
    while futures_util::poll!(&mut rescue).is_pending() {
        assert!(futures_util::poll!(&mut waiting[before]).is_ready(), "nobody goes");
        before += 1;
    }
    assert_eq!(before, 1, "who was the first to wait goes before it, and nobody else");
}

#[tokio::test]
async fn what_is_urgent_goes_first_at_a_slow_pace_and_leaves_a_turn_to_the_others() {
    let pair = Pair::new(16);
    let lane = &pair.lanes[0];
    pair.stubs[0].fails(Some(Problem::Throttled));
    pair.studios[0].observe().await;
    let order = Mutex::new(String::new());
    let begin = |urgency, letter: char| {
        let order = &order;
        async move {
            let permit = lane.acquire(urgency).await.unwrap();
            order.lock().unwrap().push(letter);
            drop(permit);
        }
    };
    let usual = (0..3).map(|_| begin(Urgency::Usual, 'u'));
    let urgent = (0..6).map(|_| begin(Urgency::Urgent, 'R'));
    let all = futures_util::future::join(join_all(usual), join_all(urgent));
    let began = pair.clock.now();
    tokio::select! {
        biased;
        _ = all => {}
        () = pair.clock.drive(began + SignedDuration::from_hours(1)) => panic!("it took an hour"),
    }
    assert_eq!(order.into_inner().unwrap(), "RRRRuRRuu");
    let took = began.duration_until(pair.clock.now());
    assert_eq!(took, pace::INTERVAL_FIRST * 9, "one at a time, whoever begins");
}

#[tokio::test]
async fn a_studio_whose_last_call_failed_has_one_call_alone() {
    let pair = Pair::new(8);
    let lane = &pair.lanes[0];
    pair.stubs[0].fails(Some(Problem::TimedOut));
    pair.studios[0].observe().await;
    let own = lane.acquire(Urgency::Usual).await.unwrap();
    let mut waiting = Box::pin(lane.acquire(Urgency::Usual));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    pair.stubs[0].fails(None);
    pair.studios[0].observe().await;
    assert!(
        futures_util::poll!(&mut waiting).is_ready(),
        "it does not wait for the one that hangs"
    );
    drop((
        own,
        lane.acquire(Urgency::Usual).await.unwrap(),
        lane.acquire(Urgency::Usual).await.unwrap(),
    ));
}

#[tokio::test]
async fn while_the_breaker_is_open_nothing_is_called_and_it_is_said_why() {
    let pair = Pair::new(16);
    pair.opened().await;
    let [studio, _] = &pair.studios;
    let snapshot = studio.observe().await;
    assert_eq!(Pair::problem(&snapshot), Some(Problem::NotAsked));
    insta::assert_snapshot!(
        snapshot.gaps[0].detail,
        @"the API of account 111122223333 in us-west-2 has failed 5 times in a row, the last time because there was no answer in time; it is asked again at 2026-11-21T04:00:30Z"
    );
    let asked = session(&"s-1".into());
    let token = ClientToken("t".to_owned());
    let answers = [
        studio.read(&asked.id).await.map(drop),
        studio.stop(&asked, &token).await.map(drop),
        studio.start(&asked, &token).await.map(drop),
        studio.tag(&asked, "key", "value").await,
        studio.untag(&asked, "key").await,
    ];
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!(error.problem, Problem::NotAsked, "{error}");
        assert!(error.problem.proves_no_effect());
    }
    assert_eq!(pair.stubs[0].take(), [""; 0]);
    let again = pair.lanes[0].asks_again().unwrap();
    assert_eq!(pair.clock.now().duration_until(again), PAUSE_FIRST);
}

#[tokio::test]
async fn after_the_pause_there_is_one_probe_for_all_who_ask() {
    let pair = Pair::new(16);
    pair.opened().await;
    let id = SessionId::from("s-1");
    pair.pass(PAUSE_FIRST).await;
    let studio = &pair.studios[0];
    let asked = session(&id);
    let token = ClientToken("t".to_owned());
    let stop = studio.stop(&asked, &token).await;
    assert_eq!(stop.unwrap_err().problem, Problem::NotAsked, "a stop is no probe");
    let reads = join_all((0..10).map(|_| studio.read(&id))).await;
    assert!(reads.iter().all(|read| read.as_ref().unwrap_err().problem == Problem::NotAsked));
    assert_eq!(pair.stubs[0].take(), ["probe"]);
    pair.pass(PAUSE_FIRST * 2 - SignedDuration::from_secs(1)).await;
    assert_eq!(Pair::problem(&studio.observe().await), Some(Problem::NotAsked));
    assert_eq!(pair.stubs[0].take(), [""; 0]);
    pair.pass(SignedDuration::from_secs(1)).await;
    pair.stubs[0].fails(None);
    let reads = join_all((0..10).map(|_| studio.read(&id))).await;
    assert!(reads.iter().all(Result::is_ok));
    assert_eq!(pair.stubs[0].take(), [vec!["probe"], vec!["read"; 10]].concat());
    assert_eq!(pair.lanes[0].asks_again(), None);
}

#[tokio::test]
async fn a_probe_that_is_broken_off_leaves_the_next_one_to_others() {
    let pair = Pair::new(16);
    pair.opened().await;
    pair.pass(PAUSE_FIRST).await;
    pair.stubs[0].hangs(true);
    assert!(futures_util::poll!(pair.studios[0].observe()).is_pending());
    assert_eq!(pair.stubs[0].take(), ["probe"]);
    pair.stubs[0].hangs(false);
    pair.stubs[0].fails(None);
    assert_eq!(Pair::problem(&pair.studios[0].observe().await), None);
}

#[tokio::test]
async fn a_probe_without_an_answer_is_given_up() {
    let pair = Pair::new(16);
    pair.opened().await;
    pair.pass(PAUSE_FIRST).await;
    pair.stubs[0].hangs(true);
    let began = pair.clock.now();
    let end = began + SignedDuration::from_hours(1);
    let snapshot = tokio::select! {
        biased;
        snapshot = pair.studios[0].observe() => snapshot,
        () = pair.clock.drive(end) => panic!("it took an hour"),
    };
    assert_eq!(Pair::problem(&snapshot), Some(Problem::NotAsked));
    assert_eq!(began.duration_until(pair.clock.now()), PROBE_WAIT);
}

#[tokio::test]
async fn what_is_known_of_a_service_outlives_the_lanes_to_it() {
    let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
    let gates = Gates::new(Arc::new(clock.clone()));
    let ours = connection(Some("111122223333"));
    let stub = Stub::default();
    stub.fails(Some(Problem::TimedOut));
    let studio = |connection: &Connection| {
        let lane = gates.lane(&"one".into(), connection, 16);
        gates.forget_unused();
        (Gated::new(Arc::new(stub.clone()), Arc::clone(&lane)), lane)
    };
    let (before, lane) = studio(&ours);
    for _ in 0..FAILURES_MAX {
        before.observe().await;
    }
    let asks_again = lane.asks_again();
    assert!(asks_again.is_some());
    drop((before, lane, stub.take()));
    // Another policy with the same connection: the service is not asked, and the studio is in doubt.
    let (after, lane) = studio(&ours);
    assert_eq!(Pair::problem(&after.observe().await), Some(Problem::NotAsked));
    assert_eq!((stub.take(), lane.asks_again()), (vec![], asks_again));
    assert!(lane.is_in_doubt());
    drop((after, lane));
    // Other credentials may fare better, and are tried at once.
    let (other, lane) = studio(&Connection { role_arn: Some("arn".into()), ..ours.clone() });
    assert!(!lane.is_in_doubt());
    assert_eq!(Pair::problem(&other.observe().await), Some(Problem::TimedOut));
    assert_eq!(stub.take(), ["observe"]);
    drop((other, lane));
    // What nobody leads to is forgotten.
    gates.forget_unused();
    assert_eq!(studio(&ours).1.asks_again(), None);
}

#[tokio::test]
async fn a_studio_that_fails_alone_keeps_no_other_from_asking() {
    let pair = Pair::new(16);
    pair.opened().await;
    assert_eq!(Pair::problem(&pair.studios[1].observe().await), None);
    assert_eq!(pair.stubs[1].take(), ["observe"], "and costs the other no probe");
    assert_eq!(pair.lanes[0].asks_again(), None, "its answer was one of the same API");
}

#[tokio::test]
async fn a_studio_that_hangs_does_not_probe_for_all_each_time() {
    let pair = Pair::new(16);
    pair.opened().await;
    pair.stubs[1].fails(Some(Problem::TimedOut));
    pair.studios[1].observe().await;
    pair.pass(PAUSE_FIRST).await;
    pair.studios[0].observe().await;
    assert_eq!((pair.stubs[0].take(), pair.stubs[1].take()), (vec!["probe"], vec!["observe"]));
    // The second is well again, and the first is the first to ask.
    pair.stubs[1].fails(None);
    pair.pass(PAUSE_FIRST * 2).await;
    assert_eq!(Pair::problem(&pair.studios[0].observe().await), Some(Problem::NotAsked));
    assert_eq!(Pair::problem(&pair.studios[1].observe().await), None);
    assert_eq!((pair.stubs[0].take(), pair.stubs[1].take()), (vec![], vec!["probe", "observe"]));
    assert!(PROBE_TURN < PAUSE_FIRST);
}

#[tokio::test]
async fn who_is_asked_for_patience_calls_more_slowly_at_one_pace_and_no_call_is_dropped() {
    let pair = Pair::new(16);
    let [one, other] = &pair.studios;
    let id = SessionId::from("s-1");
    let asked = session(&id);
    let token = ClientToken("t".to_owned());
    pair.stubs[0].fails(Some(Problem::Throttled));
    let stop = one.stop(&asked, &token).await;
    assert_eq!(stop.unwrap_err().problem, Problem::Throttled);
    let before = pair.clock.now();
    for _ in 0..3 {
        other.observe().await;
        drop(pair.lanes[1].acquire(Urgency::Usual).await.unwrap());
    }
    assert_eq!(pair.clock.now(), before, "nobody has told this one");
    pair.stubs[1].fails(Some(Problem::Throttled));
    other.observe().await;
    pair.stubs.iter().for_each(|stub| stub.fails(None));
    let mut begins = Vec::new();
    for _ in 0..4 {
        let work = async {
            drop(pair.lanes[1].acquire(Urgency::Usual).await.unwrap());
            other.observe().await;
        };
        let end = pair.clock.now() + SignedDuration::from_hours(1);
        tokio::select! {
            biased;
            () = work => {}
            () = pair.clock.drive(end) => panic!("it took an hour"),
        }
        begins.push(pair.clock.monotonic().as_millis());
        // What is asked to change something has waited before.
        assert!(one.stop(&asked, &token).await.is_ok());
    }
    // The pace was made slower twice, to half a second; a permit and a reading wait for it each.
    assert_eq!(begins, [1000, 2000, 3000, 4000]);
    pair.pass(pace::KEPT).await;
    let before = pair.clock.now();
    other.observe().await;
    assert_eq!(pair.clock.now(), before);
}

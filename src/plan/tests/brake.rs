//! Line 10: how much may be stopped at a time.

use super::*;
use crate::policy::Brake;

/// Twenty sessions, all due on Friday at 20:00.
fn twenty(per_scan: u32, per_hour: u32) -> World {
    let mut world = World::new();
    world.studio.brake = Brake { per_scan, per_hour };
    for number in 2..=20 {
        let id: crate::ids::SessionId = format!("session-{number}").into();
        let session = Session { id: id.clone(), ..session() };
        world.snapshot.sessions.insert(id, Arc::new(session));
    }
    world
}

/// How many are stopped, and the reason of those that are not.
fn outcome(world: &World, now: &str) -> (usize, Vec<String>) {
    let World { policy, studio, snapshot, history, .. } = world;
    let plan = plan(policy, studio, snapshot, history, at(now));
    let stops = plan.decisions.iter().filter(|d| d.verdict() == Verdict::Stop).count();
    let held = plan.decisions.iter().filter(|d| d.verdict() == Verdict::Hold);
    assert_eq!(held.count() > 0, !plan.brakes.is_empty());
    (stops, plan.brakes.iter().map(ToString::to_string).collect())
}

#[test]
fn over_a_bound_nothing_is_stopped() {
    assert_eq!(outcome(&twenty(20, 20), "20T20:00:00"), (20, Vec::new()));
    let per_scan = "the brake holds: with this stop there would be 20, and per_scan is 19";
    assert_eq!(outcome(&twenty(19, 20), "20T20:00:00"), (0, vec![per_scan.to_owned()]));
    let per_hour = "the brake holds: with this stop there would be 20, and per_hour is 19";
    assert_eq!(outcome(&twenty(20, 19), "20T20:00:00"), (0, vec![per_hour.to_owned()]));
    let none = "the brake holds: with this stop there would be 20, and per_scan is 0";
    assert_eq!(outcome(&twenty(0, 0), "20T20:00:00"), (0, vec![none.to_owned()]));
    assert_eq!(outcome(&twenty(0, 0), "20T19:00:00"), (0, Vec::new()));
}

#[test]
fn of_too_many_starts_as_many_pass_as_the_bound_allows() {
    let starts = |per_scan, per_hour, used| {
        let mut world = twenty(per_scan, per_hour);
        world.studio.settings.start = crate::policy::Start::Resume;
        world.history.starts = vec![at("20T06:40:00"); used];
        let stopped_at = at("19T20:00:00");
        for session in world.snapshot.sessions.values_mut().map(Arc::make_mut) {
            session.state = SessionState::Stopped;
            session.stopped_at = Some(stopped_at);
            let past = world.history.sessions.entry(session.id.clone()).or_default();
            past.ours = Some(OurStop { stopped_at });
        }
        let World { policy, studio, snapshot, history, .. } = &world;
        let plan = plan(policy, studio, snapshot, history, at("20T06:50:00"));
        let count = |verdict| plan.decisions.iter().filter(|d| d.verdict() == verdict).count();
        (count(Verdict::Start), count(Verdict::Hold), plan.brakes.len())
    };
    assert_eq!(starts(20, 20, 0), (20, 0, 0));
    assert_eq!(starts(5, 20, 0), (5, 15, 1));
    assert_eq!(starts(20, 20, 12), (8, 12, 1));
    assert_eq!(starts(0, 20, 0), (0, 20, 1));
    assert_eq!(starts(5, 20, 20), (0, 20, 1));
}

/// Twenty sessions that we stopped in the evening, as their tags tell and no log does, in `observe`.
fn twenty_asleep(per_scan: u32) -> World {
    let mut world = twenty(per_scan, 40);
    world.studio.settings.start = crate::policy::Start::Resume;
    world.studio.settings.mode = Mode::Observe;
    for session in world.snapshot.sessions.values_mut().map(Arc::make_mut) {
        session.state = SessionState::Stopped;
        session.stopped_at = Some(at("19T20:00:00"));
        session.tags.insert("lightsout:stopped".to_owned(), "2026-11-20T04:00:00Z".to_owned());
    }
    world
}

#[test]
fn a_start_that_was_withheld_is_not_counted_again_whoever_tells_of_its_stop() {
    let held = |withheld: &str| {
        let mut world = twenty_asleep(19);
        let past = world.history.sessions.entry("session-1".into()).or_default();
        past.start_withheld = Some(at(withheld));
        let World { policy, studio, snapshot, history, .. } = &world;
        plan(policy, studio, snapshot, history, at("20T06:50:00")).brakes.len()
    };
    assert_eq!(held("19T20:00:00"), 0);
    assert_eq!(held("18T20:00:00"), 1, "that was another stop");
}

#[test]
fn a_start_that_is_held_still_names_when_its_answer_may_change() {
    let mut world = twenty_asleep(0);
    for session in world.snapshot.sessions.values_mut().map(Arc::make_mut) {
        session.terminate_at = Some(at("20T11:30:00"));
    }
    let decision = world.decide("20T06:50:00");
    assert_eq!((decision.reason.code(), decision.next_change), ("brake", Some(at("20T07:30:00"))));
}

#[test]
fn what_was_refused_does_not_brake_the_others_and_has_the_room_that_they_leave() {
    let mut world = twenty(15, 60);
    for number in 2..=7 {
        let id = format!("session-{number}").into();
        let run = at("20T09:00:00");
        let attempts = Attempts { run, ended: 1, last: at("20T20:00:30") };
        world.history.sessions.entry(id).or_default().attempts = Some(attempts);
    }
    let room = |world: &World| outcome(world, "20T20:05:00");
    let per_scan = "the brake holds: with this stop there would be 20, and per_scan is 15";
    assert_eq!(room(&world), (15, vec![per_scan.to_owned()]));
    world.studio.brake.per_scan = 20;
    assert_eq!(room(&world), (20, Vec::new()));
    // Half of the hour's 60 is theirs; fourteen that were not refused want to be stopped as well.
    world.history.stops = vec![at("20T20:00:00"); 13];
    let half = "the brake holds: it was refused before, and with it there would be 33, where half of per_hour is 30";
    assert_eq!(room(&world), (17, vec![half.to_owned()]));
    assert!(latches(&world, "20T20:05:00").is_empty(), "it is no reason to hold the others");
}

/// The plan of twenty, made and remembered: what holds from then on.
fn latches(world: &World, now: &str) -> BTreeMap<Mode, Latch> {
    let World { policy, studio, snapshot, history, .. } = world;
    plan(policy, studio, snapshot, history, at(now)).latches
}

/// Twenty sessions of which the brake held all, and only so many are still there.
fn latched(per_scan: u32, per_hour: u32, left: usize) -> World {
    let mut world = twenty(per_scan, per_hour);
    world.history.braked = latches(&world, "20T20:00:00");
    assert_eq!(world.history.braked.len(), 1);
    while world.snapshot.sessions.len() > left {
        drop(world.snapshot.sessions.pop_last());
    }
    world
}

fn approval(count: usize) -> Option<Approval> {
    let policy = Some(World::new().policy.hash);
    Some(Approval { count, left: count, until: at("20T22:00:00"), policy })
}

#[test]
fn a_brake_that_held_goes_on_holding_when_fewer_are_due() {
    let world = latched(19, 40, 5);
    let sentence = "the brake still holds: there were more stops than per_scan 19 allows; there would be 5 now, and nobody has approved them";
    assert_eq!(outcome(&world, "20T20:05:00"), (0, vec![sentence.to_owned()]));
    assert_eq!(latches(&world, "20T20:05:00"), world.history.braked);
    world.check("20T20:05:00", &format!("hold! brake_latched: {sentence} | -"));
    // The hour goes by, and it holds.
    let mut world = latched(20, 19, 5);
    assert_eq!(outcome(&world, "20T23:05:00").0, 0);
    // Nothing is due any more: it is over.
    assert!(latches(&world, "23T06:45:00").is_empty());
    world.history.braked.clear();
    assert_eq!(outcome(&world, "23T20:00:00").0, 5);
}

#[test]
fn a_brake_that_holds_ends_when_its_own_bound_is_raised_far_enough() {
    let mut world = latched(15, 40, 18);
    world.studio.brake = Brake { per_scan: 15, per_hour: 1000 };
    assert_eq!(outcome(&world, "20T20:05:00").0, 0);
    world.studio.brake = Brake { per_scan: 17, per_hour: 40 };
    let again = "the brake holds: with this stop there would be 18, and per_scan is 17";
    assert_eq!(outcome(&world, "20T20:05:00"), (0, vec![again.to_owned()]));
    world.studio.brake = Brake { per_scan: 18, per_hour: 40 };
    assert_eq!(outcome(&world, "20T20:05:00").0, 18);
    assert!(latches(&world, "20T20:05:00").is_empty());
}

#[test]
fn an_approval_lets_pass_what_stood_and_no_more_until_it_ends() {
    let mut world = latched(15, 40, 18);
    world.history.approved.stops = approval(17);
    assert_eq!(outcome(&world, "20T20:05:00").0, 0);
    world.history.approved.stops = approval(18);
    assert_eq!(outcome(&world, "20T20:05:00").0, 18);
    assert_eq!(outcome(&world, "20T21:59:59").0, 18);
    assert_eq!(outcome(&world, "20T22:00:00").0, 0);
    // What has passed is used up.
    world.history.approved.stops.as_mut().unwrap().left = 17;
    assert_eq!(outcome(&world, "20T20:05:00").0, 0);
    // Of the hour's bound it is as much as the hour's count.
    let mut world = twenty(40, 25);
    world.history.stops = vec![at("20T19:30:00"); 6];
    world.history.approved.stops = approval(25);
    assert_eq!(outcome(&world, "20T20:00:00").0, 0);
    world.history.approved.stops = approval(26);
    assert_eq!(outcome(&world, "20T20:00:00").0, 20);
    // Starts are not stops.
    let mut world = twenty(15, 40);
    world.history.approved.starts = approval(20);
    assert_eq!(outcome(&world, "20T20:00:00").0, 0);
}

#[test]
fn an_approval_is_of_what_its_policy_holds() {
    let mut world = twenty(15, 40);
    world.history.approved.stops = approval(20);
    assert_eq!(outcome(&world, "20T20:00:00").0, 20);
    world.policy.hash = crate::ids::PolicyHash::from("another");
    assert_eq!(outcome(&world, "20T20:00:00").0, 0);
}

#[test]
fn none_is_none_whoever_approves_what() {
    for (per_scan, per_hour) in [(0, 40), (40, 0), (0, 0)] {
        let mut world = twenty(per_scan, per_hour);
        world.history.approved.stops = approval(20);
        assert_eq!(outcome(&world, "20T20:00:00").0, 0, "{per_scan} {per_hour}");
        let one = one_more(world.studio.brake, &world.history, Action::Stop, at("20T20:00:00"), 0);
        assert!(one.is_some_and(|reason| reason.is_brake()), "{per_scan} {per_hour}");
    }
}

#[test]
fn one_more_is_announced_as_long_as_the_hour_has_room_with_those_about_to_be() {
    let brake = Brake { per_scan: 1, per_hour: 3 };
    let mut history =
        History { stops: vec![at("20T19:00:00"), at("20T19:30:00")], ..History::default() };
    let asks = |history: &History, now, pending| {
        one_more(brake, history, Action::Stop, at(now), pending).map(|reason| reason.to_string())
    };
    let over = "the brake holds: with this stop there would be 4, and per_hour is 3";
    assert_eq!(asks(&history, "20T19:59:59", 0), None);
    assert_eq!(asks(&history, "20T19:59:59", 1).as_deref(), Some(over));
    assert_eq!(asks(&history, "20T20:00:00", 1), None);
    history.approved.stops = approval(4);
    assert!(asks(&history, "20T19:59:59", 1).is_some());
    history.policy = Some(World::new().policy.hash);
    assert_eq!(asks(&history, "20T19:59:59", 1), None);
}

#[test]
fn what_waited_while_a_brake_engaged_is_held_until_somebody_approves_or_raises_it() {
    let brake = Brake { per_scan: 5, per_hour: 40 };
    let mut history = History { policy: Some(World::new().policy.hash), ..History::default() };
    let code = |brake, history: &History, action, pending| {
        let reason = one_more(brake, history, action, at("20T20:00:00"), pending);
        reason.map(|reason| reason.code())
    };
    let asks = |brake, history: &History| code(brake, history, Action::Stop, 0);
    let latch = Latch { bound: BrakeBound::PerScan, limit: 5 };
    history.braked.insert(Mode::Observe, latch);
    assert_eq!(asks(brake, &history), None, "what is only observed holds nothing");
    history.braked.insert(Mode::Enforce, latch);
    assert_eq!(asks(brake, &history), Some("brake_latched"));
    assert_eq!(code(brake, &history, Action::Start, 0), None);
    assert_eq!(asks(Brake { per_scan: 6, ..brake }, &history), None);
    history.approved.stops = approval(2);
    assert_eq!(asks(brake, &history), None);
    assert_eq!(code(brake, &history, Action::Stop, 2), Some("brake_latched"));
}

#[test]
fn the_hour_counts_what_was_asked_for_in_it() {
    let mut world = twenty(20, 25);
    world.history.stops = vec![at("20T19:00:00"); 6];
    assert_eq!(outcome(&world, "20T20:00:00").0, 20);
    world.history.stops = vec![at("20T19:00:01"); 6];
    assert_eq!(outcome(&world, "20T20:00:00").0, 0);
    assert_eq!(outcome(&world, "20T20:00:01").0, 20);
}

#[test]
fn what_is_under_way_is_not_counted_again() {
    let mut world = twenty(19, 40);
    let run = at("20T09:00:00");
    let open = OpenIntent {
        run,
        token: "token".to_owned(),
        at: at("20T20:00:00"),
        since: at("20T20:00:00"),
        accepted: true,
        repeats: false,
        refused: 0,
        late: false,
        rescue: None,
        needed_until: None,
        destroyed_after: None,
    };
    world.history.sessions.entry("session-1".into()).or_default().open = Some(open);
    assert_eq!(outcome(&world, "20T20:01:00").0, 20);
    // Where nothing may pass, it is not asked for once more either.
    world.studio.brake = Brake { per_scan: 0, per_hour: 40 };
    assert_eq!(outcome(&world, "20T20:01:00").0, 0);
}

#[test]
fn what_is_only_observed_does_not_brake_what_is_enforced() {
    let mut world = twenty(10, 40).rule(false, |settings| settings.mode = Mode::Enforce);
    world.studio.settings.mode = Mode::Observe;
    for session in world.snapshot.sessions.values_mut().map(Arc::make_mut).skip(5) {
        session.owner = Some("other".into());
    }
    let World { policy, studio, snapshot, history, .. } = &world;
    let plan = plan(policy, studio, snapshot, history, at("20T20:00:00"));
    let count = |mode, verdict| {
        plan.decisions.iter().filter(|d| d.mode == mode && d.verdict() == verdict).count()
    };
    assert_eq!(count(Mode::Enforce, Verdict::Stop), 5);
    assert_eq!(count(Mode::Observe, Verdict::Hold), 15);
}

#[test]
fn an_explanation_knows_of_the_brake() {
    let world = twenty(19, 40);
    let World { policy, studio, snapshot, history, .. } = &world;
    let session = &snapshot.sessions[&"session-7".into()];
    let explained = explain(policy, studio, snapshot, session, history, at("20T20:00:00"));
    assert_eq!(explained.decision.reason.code(), "brake");
    let step = explained.steps.iter().find(|step| step.decides).unwrap();
    assert_eq!((step.line, step.looked_at.as_str()), (10, "brake per_scan 19, per_hour 40"));
    assert_eq!(world.decide("20T20:00:00").next_change, explained.decision.next_change);
}

//! `preserve = "rotate"`: stopped all the same, rescued before it is destroyed, stopped again.

use super::*;
use crate::plan::{Pause, RescuedRun, StoppedBy};
use crate::policy::{Brake, Start};

/// A session that lives for a day when it is stopped, in a studio that rotates.
pub(super) fn rotating() -> World {
    World::new().settings(|settings| settings.preserve = Preserve::Rotate).session(|session| {
        session.stopping = Stopping::Allowed { destroyed_after: Some(hours(24)) };
    })
}

/// The same, stopped then.
fn off_since(stopped_at: &str) -> World {
    rotating().session(|session| {
        session.state = SessionState::Stopped;
        session.stopped_at = Some(at(stopped_at));
    })
}

/// Stopped on Friday when the idle hours began; destroyed on Saturday at 20:00.
pub(super) fn asleep() -> World {
    off_since("20T20:00:00")
}

pub(super) fn past(world: &mut World) -> &mut SessionHistory {
    world.history.sessions.entry("session-1".into()).or_default()
}

/// Rescued on Saturday evening.
fn rescued() -> World {
    let start = at("21T19:30:00");
    let mut world = rotating().session(|session| {
        session.started_at = Some(start);
        session.stopped_at = Some(at("20T20:00:00"));
    });
    past(&mut world).rescued = Some(run_after(start, "20T20:00:00"));
    world
}

/// A run of ours after a stop of ours.
fn run_after(start: Timestamp, stopped_at: &str) -> RescuedRun {
    RescuedRun { start, stopped_at: Some(at(stopped_at)), stopped_by: StoppedBy::Us }
}

#[test]
fn a_clock_that_is_behind_the_service_s_rescues_by_the_service_s() {
    let mut world = off_since("20T21:00:00");
    let next = |world: &World| world.decide("21T18:00:00").next_change;
    assert_eq!(next(&world), Some(at("21T20:30:00")));
    world.history.clock_behind = Some(hours(1));
    assert_eq!(next(&world), Some(at("21T19:30:00")));
    assert_eq!(world.decide("21T19:30:00").reason.code(), "rescue");
}

#[test]
fn by_a_clock_that_is_ahead_nobody_is_back_before_it_is_so_by_the_service_s() {
    let mut world = asleep();
    let code = |world: &World, time| world.decide(time).reason.code();
    assert_eq!(code(&world, "23T15:00:00"), "termination_near");
    world.history.clock_behind = Some(-hours(44));
    assert_eq!(code(&world, "23T15:00:00"), "rescue");
    assert_eq!(world.decide("23T15:00:00").not_after, Some(at("25T11:00:00")));
    assert_eq!(code(&world, "25T11:00:00"), "termination_near");
}

#[test]
fn by_a_clock_that_is_behind_a_person_is_told_in_time() {
    let mut world = asleep().settings(|settings| settings.mode = Mode::Observe);
    world.history.clock_behind = Some(hours(5));
    assert_eq!(world.decide("21T10:59:59").reason.code(), "stopped");
    assert_eq!(world.decide("21T11:00:00").reason.code(), "termination_near");
    let ends = Ending { at: at("21T20:00:00"), destroys: true };
    let mut running = World::new().session(|session| {
        session.stopping = Stopping::Forbidden(Forbidden { remedy: "allow it" });
        session.ends_itself = Some(ends);
    });
    running.history.clock_behind = Some(hours(5));
    let is_alarm = |time| running.decide(time).reason.is_alarm();
    assert_eq!((is_alarm("21T10:59:59"), is_alarm("21T11:00:00")), (false, true));
}

#[test]
fn an_hour_that_is_open_on_a_saturday_brings_nobody_back() {
    // Stopped on Friday at 20:00 it would live into Sunday, and people are back on Monday.
    let lives_for = |after| {
        let stopping = Stopping::Allowed { destroyed_after: Some(after) };
        let world = World::new().session(|session| session.stopping = stopping);
        world.settings(|settings| settings.schedule = Some(shared(opened())))
    };
    let decision = lives_for(hours(36)).decide("20T20:00:00");
    let Reason::WouldBeDestroyed { needed_until, .. } = decision.reason else { panic!("stopped") };
    // Four hours on Saturday, and four on Monday.
    assert_eq!(needed_until, Some(at("23T11:00:00")));
    assert_eq!(lives_for(hours(63)).decide("20T20:00:00").verdict(), Verdict::Stop);
    assert_eq!(
        lives_for(hours(63) - minutes(1)).decide("20T20:00:00").reason.code(),
        "would_be_destroyed"
    );
}

/// Nights and weekends, of which a calendar opens four hours on a Saturday.
fn opened() -> Arc<Schedule> {
    let idle = ["Sun-Fri 20:00-07:00", "Sat 07:00-10:00", "Sat 14:00-24:00", "Sun"];
    let idle = Idle::Weekly(idle.map(|text| text.parse().unwrap()).into());
    let zone = TimeZone::get("America/Los_Angeles").unwrap();
    Arc::new(Schedule::new("nights".into(), zone, idle, Vec::new()))
}

#[test]
fn what_was_put_off_is_saved_after_an_open_hour_too_under_a_policy_that_would_not_put_it_off() {
    let lives_until = |end: &str| {
        let world = asleep().session(|session| {
            session.stopping = Stopping::Allowed { destroyed_after: None };
            session.terminate_at = Some(at(end));
        });
        let mut world = world.settings(|settings| {
            settings.preserve = Preserve::Refuse;
            settings.schedule = Some(shared(opened()));
        });
        past(&mut world).put_off = Some(at("20T20:00:00"));
        world
    };
    // Four hours on Saturday, of the eight in which people are back.
    assert_eq!(lives_until("22T08:00:00").decide("22T07:30:00").reason.code(), "rescue");
    assert_eq!(lives_until("23T11:00:00").decide("23T10:45:00").reason.code(), "termination_near");
}

#[test]
fn what_had_to_be_saved_where_nothing_is_endangered_is_not_put_off_again() {
    // The launch profile says four days by now, and the service kept to the hour that it said before.
    let start = at("20T20:30:30");
    let long = |preserve| {
        let mut world = rotating().session(|session| {
            session.started_at = Some(start);
            session.stopping = Stopping::Allowed { destroyed_after: Some(hours(96)) };
        });
        past(&mut world).rescued = Some(run_after(start, "20T19:00:00"));
        world.settings(|settings| settings.preserve = preserve)
    };
    assert_eq!(long(Preserve::Rotate).decide("20T21:00:00").verdict(), Verdict::Stop);
    let refusing = long(Preserve::Refuse);
    assert_eq!(refusing.decide("20T21:00:00").reason.code(), "would_be_destroyed");
    let anothers = refusing.session(|session| session.started_at = Some(at("20T20:31:00")));
    assert_eq!(anothers.decide("20T23:00:00").verdict(), Verdict::Stop);
}

#[test]
fn what_would_not_outlive_its_window_is_stopped_where_it_is_rotated() {
    let lives_for = |after| {
        let stopping = Stopping::Allowed { destroyed_after: Some(after) };
        rotating().session(|session| session.stopping = stopping)
    };
    assert_eq!(lives_for(hours(24)).decide("20T20:00:00").verdict(), Verdict::Stop);
    assert_eq!(lives_for(hours(2)).decide("20T20:00:00").verdict(), Verdict::Stop);
    lives_for(minutes(119)).check(
        "20T20:00:00",
        "keep would_be_destroyed: stopped, it would be destroyed after 1h 59m, and must live until 2026-11-23 23:00Z; a longer stopped length or a shorter window would allow it; to be rotated it must live for 2h | 2026-11-23T14:30:01Z",
    );
}

#[test]
fn what_is_rotated_is_warned_too() {
    let world = rotating().settings(|settings| settings.warn = vec![minutes(15)]);
    assert_eq!(world.decide("20T19:45:00").verdict(), Verdict::Warn);
}

#[test]
fn where_nothing_tells_when_people_are_back_nothing_is_rotated() {
    let unscheduled = rotating().settings(|settings| {
        settings.schedule = None;
        settings.max_uptime = Some(hours(4));
    });
    unscheduled.check(
        "20T14:00:00",
        "keep would_be_destroyed: stopped, it would be destroyed after 24h, and nothing tells when people are back; a schedule whose idle hours end or preserve = \"allow\" would allow it | -",
    );
    let always = Idle::Weekly(vec!["Mon-Sun".parse().unwrap()]);
    let always = Arc::new(Schedule::new("nights".into(), nights().zone.clone(), always, vec![]));
    let endless = |world: World| {
        world.settings(|settings| settings.schedule = Some(shared(Arc::clone(&always))))
    };
    assert_eq!(endless(rotating()).decide("20T21:00:00").reason.code(), "would_be_destroyed");
    assert_eq!(endless(asleep()).decide("21T19:45:00").reason.code(), "termination_near");
    // What was put off by hours that ended is saved all the same.
    for preserve in [Preserve::Rotate, Preserve::Refuse] {
        let mut put_off = endless(asleep()).settings(|settings| settings.preserve = preserve);
        past(&mut put_off).put_off = Some(at("20T20:00:00"));
        assert_eq!(put_off.decide("21T19:45:00").reason.code(), "rescue");
    }
}

#[test]
fn a_stop_outside_of_idle_hours_has_to_last_until_they_begin() {
    let over = |after| {
        let world = rotating().settings(|settings| settings.max_uptime = Some(hours(4)));
        let stopping = Stopping::Allowed { destroyed_after: Some(after) };
        world.session(|session| session.stopping = stopping)
    };
    over(hours(5)).check(
        "20T14:00:00",
        "keep would_be_destroyed: stopped, it would be destroyed after 5h, and must live until 2026-11-23 23:00Z; a longer stopped length or a shorter window would allow it; to be rotated it must live until idle hours begin | 2026-11-20T23:30:00Z",
    );
    // By so much that its rescue begins within them, whichever clock is right.
    assert_eq!(over(hours(5)).decide("20T15:29:59").reason.code(), "would_be_destroyed");
    assert_eq!(over(hours(5)).decide("20T15:30:00").reason.code(), "max_uptime");
}

#[test]
fn what_would_be_destroyed_in_idle_hours_is_started_half_an_hour_before() {
    asleep().check("21T19:29:59", "keep stopped: it is off | 2026-11-22T03:30:00Z");
    asleep().check(
        "21T19:30:00",
        "start rescue: the service would destroy it at 2026-11-22 04:00Z; its window closes at 2026-11-23 15:00Z | 2026-11-22T03:45:00Z",
    );
    // While it is there it is not too late.
    assert_eq!(asleep().decide("21T19:30:00").not_after, Some(at("23T15:00:00")));
    asleep().check(
        "21T19:45:00",
        "start! rescue: the service would destroy it at 2026-11-22 04:00Z; its window closes at 2026-11-23 15:00Z; it should be on by now | 2026-11-23T23:00:00Z",
    );
    assert_eq!(asleep().decide("23T14:59:59").verdict(), Verdict::Start);
    assert_eq!(asleep().decide("23T15:00:00").reason.code(), "termination_near");
}

#[test]
fn what_people_come_back_to_is_theirs_to_start() {
    // Monday 07:00 and the margin of 8 hours.
    let ends = |instant: &str| asleep().session(|s| s.terminate_at = Some(at(instant)));
    let destroyed = |instant: &str| {
        let lasting = Stopping::Allowed { destroyed_after: None };
        ends(instant).session(|session| session.stopping = lasting)
    };
    assert_eq!(destroyed("23T14:59:59").decide("23T14:45:00").reason.code(), "rescue");
    assert_eq!(destroyed("23T15:00:00").decide("23T14:45:00").reason.code(), "termination_near");
    // In the hours of work, and in the minute in which the next idle hours begin.
    let second_early = destroyed("23T19:59:59").decide("23T19:45:00");
    assert_eq!(second_early.reason.code(), "termination_near");
    assert_eq!(destroyed("23T20:00:00").decide("23T19:45:00").reason.code(), "rescue");
    // Of two instants either may be the true one: what the service says, and its clock.
    assert_eq!(ends("22T12:00:00").decide("21T19:30:00").reason.code(), "rescue");
    assert_eq!(ends("21T03:00:00").decide("21T02:30:00").reason.code(), "rescue");
    assert_eq!(ends("20T19:59:00").decide("20T19:50:00").reason.code(), "termination_near");
    assert_eq!(ends("20T19:59:00").decide("21T19:30:00").reason.code(), "rescue");
}

#[test]
fn a_rescue_asks_for_rotation_and_for_the_stop_before_it() {
    for preserve in [Preserve::Refuse, Preserve::Allow] {
        let world = asleep().settings(|settings| settings.preserve = preserve);
        assert_eq!(world.decide("21T19:30:00").reason.code(), "termination_near");
    }
    let unsaid = asleep().session(|session| {
        session.stopped_at = None;
        session.terminate_at = Some(at("21T20:00:00"));
    });
    assert_eq!(unsaid.decide("21T19:30:00").reason.code(), "termination_near");
}

#[test]
fn what_we_put_off_is_saved_under_a_policy_that_would_not_put_it_off() {
    let under = |preserve| {
        let mut world = asleep().settings(|settings| settings.preserve = preserve);
        past(&mut world).ours = Some(OurStop { stopped_at: at("20T20:00:00") });
        world
    };
    let refusing = under(Preserve::Refuse);
    assert_eq!(refusing.decide("21T17:00:00").reason.code(), "stopped");
    assert_eq!(refusing.decide("21T19:30:00").reason.code(), "rescue");
    assert_eq!(under(Preserve::Allow).decide("21T19:30:00").reason.code(), "termination_near");
    // Saved, it would not outlive what is left of the window: it stays on.
    let mut on = rescued().settings(|settings| settings.preserve = Preserve::Refuse);
    past(&mut on).ours = Some(OurStop { stopped_at: at("20T20:00:00") });
    assert_eq!(on.decide("21T20:30:00").reason.code(), "would_be_destroyed");
    // When people are back before its end, whatever is off is theirs.
    let back = under(Preserve::Refuse).session(|session| {
        session.terminate_at = Some(at("23T07:00:00"));
        session.stopping = Stopping::Allowed { destroyed_after: Some(hours(59)) };
    });
    assert_eq!(back.decide("23T06:45:00").reason.code(), "termination_near");
}

#[test]
fn what_we_put_off_is_saved_without_hours_and_whoever_it_is_off_for() {
    let code = |world: &World| world.decide("21T19:30:00").reason.code();
    let put_off = |preserve, schedule: Option<Arc<Timetable>>| {
        let mut world = asleep().settings(|settings| {
            (settings.preserve, settings.schedule) = (preserve, schedule);
        });
        past(&mut world).put_off = Some(at("20T20:00:00"));
        world
    };
    // Somebody wrote `schedule = "off"` meanwhile, so that nothing more is stopped.
    assert_eq!(code(&put_off(Preserve::Rotate, None)), "rescue");
    assert_eq!(code(&put_off(Preserve::Refuse, None)), "rescue");
    assert_eq!(code(&put_off(Preserve::Allow, None)), "termination_near");
    assert_eq!(put_off(Preserve::Rotate, None).decide("21T19:29:59").reason.code(), "stopped");
    let by_another = asleep().settings(|settings| settings.schedule = None);
    assert_eq!(code(&by_another), "termination_near");
    // A person had stopped it before it was rescued, and we stopped it again.
    let decision = put_off(Preserve::Refuse, Some(shared(nights()))).decide("21T19:30:00").reason;
    assert!(
        matches!(decision, Reason::Rescue { stopped_by: StoppedBy::Another, .. }),
        "{decision}"
    );
}

#[test]
fn a_rescue_is_not_left_to_observation_where_the_rule_that_acts_may_be_the_session_s() {
    // The launch profile cannot be read, the rule goes by its name, and the studio only observes.
    let mut world = asleep().session(|session| {
        session.launch_profile_name = None;
        session.stopping = Stopping::Unclear(Doubt::NoLaunchProfile);
        session.terminate_at = Some(at("21T20:00:00"));
    });
    let settings = world.studio.settings.clone();
    world.studio.settings.mode = Mode::Observe;
    assert_eq!(world.decide("21T19:30:00").mode, Mode::Observe);
    let criteria = Criteria { launch_profile: vec![Glob::new("Comp*")], ..Criteria::default() };
    let matcher = Matcher::Where(criteria);
    world.studio.rules.push(Rule { name: "comp".into(), matcher, keep: false, settings });
    let decision = world.decide("21T19:30:00");
    assert_eq!((decision.reason.code(), decision.mode), ("rescue", Mode::Enforce));
    // The same where only the rule names hours.
    world.studio.settings.schedule = None;
    assert_eq!(world.decide("21T19:30:00").mode, Mode::Enforce);
}

#[test]
fn by_a_clock_that_is_known_to_be_ahead_what_is_put_off_has_to_live_longer() {
    let of = |preserve, after, ahead: SignedDuration| {
        let mut world =
            rotating().settings(|settings| settings.preserve = preserve).session(|session| {
                session.stopping = Stopping::Allowed { destroyed_after: Some(after) };
            });
        world.history.clock_behind = Some(-ahead);
        world.decide("20T20:00:00").verdict()
    };
    // The window is 59 hours long, and eight hours are asked for after it.
    assert_eq!(of(Preserve::Refuse, hours(67), hours(0)), Verdict::Stop);
    assert_eq!(of(Preserve::Refuse, hours(68), hours(2)), Verdict::Keep);
    assert_eq!(of(Preserve::Refuse, hours(69), hours(2)), Verdict::Stop);
    // What is rotated has to live until half an hour into the window, by the service's clock.
    assert_eq!(of(Preserve::Rotate, hours(2), hours(1)), Verdict::Stop);
    assert_eq!(of(Preserve::Rotate, hours(2), hours(2)), Verdict::Keep);
}

#[test]
fn a_rescue_that_will_come_needs_no_alarm_unless_it_is_only_observed() {
    assert_eq!(asleep().decide("21T17:00:00").reason.code(), "stopped");
    assert_eq!(asleep().decide("21T17:00:00").safe_until, Some(at("21T19:45:00")));
    let observing = asleep().settings(|settings| settings.mode = Mode::Observe);
    assert_eq!(observing.decide("21T15:59:59").reason.code(), "stopped");
    assert_eq!(observing.decide("21T16:00:00").reason.code(), "termination_near");
    assert_eq!(observing.decide("21T16:00:00").safe_until, None);
    observing.check(
        "21T19:30:00",
        "start! rescue: the service would destroy it at 2026-11-22 04:00Z; its window closes at 2026-11-23 15:00Z; mode observe leaves it to a person | 2026-11-22T03:45:00Z",
    );
    assert_eq!(observing.decide("21T19:30:00").mode, Mode::Observe);
}

#[test]
fn neither_a_keep_nor_a_pause_nor_the_brake_nor_a_doubt_prevents_a_rescue() {
    let is_rescued = |world: &World| world.decide("21T19:30:00").reason.code() == "rescue";
    let kept = asleep().session(|session| {
        session.tags.insert("lightsout:keep".to_owned(), "in repair".to_owned());
    });
    assert!(is_rescued(&kept));
    assert!(is_rescued(&asleep().rule(true, |_| {})));
    let mut paused = asleep();
    paused.history.paused = Some(Pause { until: at("23T08:00:00"), who: "ada".to_owned() });
    assert!(is_rescued(&paused));
    assert_eq!(paused.decide("21T19:29:59").reason.code(), "paused");
    let unknown = ("lightsout:schedule".to_owned(), "evenings".to_owned());
    assert!(is_rescued(&asleep().session(|session| session.tags.extend([unknown]))));
    let mut braked = asleep();
    braked.studio.brake = Brake { per_scan: 0, per_hour: 0 };
    assert!(is_rescued(&braked));
    let mut partial = asleep();
    let (wanted, problem) = (Wanted::Sessions, Problem::Throttled);
    partial.snapshot.gaps.push(Gap { wanted, problem, detail: String::new() });
    assert!(is_rescued(&partial));
    assert_eq!(partial.decide("21T19:29:59").verdict(), Verdict::Hold);
    assert_eq!(partial.decide("21T17:00:00").next_change, Some(at("21T19:30:00")));
    let mut early = asleep();
    early.snapshot.began = at("21T20:30:00");
    assert!(is_rescued(&early));
}

#[test]
fn another_or_an_unknown_account_prevents_a_rescue_even_behind_a_partial_list() {
    let code = |accounts: Vec<AccountId>, is_partial: bool| {
        let mut world = asleep();
        world.snapshot.accounts = accounts;
        let (wanted, problem) = (Wanted::Sessions, Problem::Throttled);
        let gap = Gap { wanted, problem, detail: String::new() };
        world.snapshot.gaps.extend(is_partial.then_some(gap));
        world.decide("21T19:30:00").reason.code()
    };
    for is_partial in [false, true] {
        assert_eq!(code(vec!["999999999999".into()], is_partial), "termination_near");
        assert_eq!(code(Vec::new(), is_partial), "termination_near");
        assert_eq!(code(vec!["111122223333".into()], is_partial), "rescue");
    }
}

#[test]
fn a_rescue_neither_counts_for_the_brake_nor_is_it_counted() {
    let mut world = asleep().settings(|settings| settings.start = Start::Resume);
    world.studio.brake = Brake { per_scan: 1, per_hour: 100 };
    // Another one that is started for the end of the same window, at the same instant.
    let resumed = Session {
        id: "session-2".into(),
        state: SessionState::Stopped,
        stopped_at: Some(at("20T21:00:00")),
        ..session()
    };
    let ours = Some(OurStop { stopped_at: at("20T21:00:00") });
    let history = SessionHistory { ours, ..SessionHistory::default() };
    world.history.sessions.insert(resumed.id.clone(), history);
    world.snapshot.sessions.insert(resumed.id.clone(), Arc::new(resumed));
    let world = world.session(|session| session.terminate_at = Some(at("23T07:10:00")));
    let World { policy, studio, snapshot, history, .. } = &world;
    let plan = plan(policy, studio, snapshot, history, at("23T06:50:00"));
    let codes: Vec<_> = plan.decisions.iter().map(|decision| decision.reason.code()).collect();
    assert_eq!(codes, ["rescue", "resume"]);
}

#[test]
fn a_rescue_that_failed_is_tried_again_and_is_an_alarm() {
    let mut world = asleep().session(|session| {
        session.state = SessionState::Failed(Transition::Start);
        session.started_at = Some(at("21T19:30:00"));
    });
    let attempts = Attempts { run: at("20T20:00:00"), ended: 1, last: at("21T19:34:00") };
    past(&mut world).start_attempts = Some(attempts);
    world.check(
        "21T19:35:00",
        "start! rescue: the service would destroy it at 2026-11-22 04:00Z; its window closes at 2026-11-23 15:00Z; an attempt to start it came to nothing | 2026-11-22T03:45:00Z",
    );
    let open = OpenIntent {
        run: at("20T20:00:00"),
        token: "token".to_owned(),
        at: at("21T19:36:00"),
        since: at("21T19:35:00"),
        accepted: false,
        repeats: true,
        refused: 1,
        late: false,
        rescue: Some(StoppedBy::Us),
        needed_until: None,
        destroyed_after: None,
    };
    past(&mut world).starting = Some(open);
    let text = world.decide("21T19:37:00").reason.to_string();
    assert!(text.ends_with("; 3 attempts to start it came to nothing"), "{text}");
    // Attempts after another stop say nothing of this one.
    past(&mut world).starting = None;
    past(&mut world).start_attempts = Some(Attempts { run: at("19T20:00:00"), ..attempts });
    assert!(!world.decide("21T19:35:00").reason.is_alarm());
}

#[test]
fn what_a_person_could_not_start_is_rescued_too() {
    let world = asleep().session(|session| {
        session.state = SessionState::Failed(Transition::Start);
        session.started_at = Some(at("21T15:00:00"));
    });
    world.check("21T19:29:59", "keep failed: it is START_FAILED | 2026-11-22T03:30:00Z");
    assert_eq!(world.decide("21T19:30:00").reason.code(), "rescue");
    assert_eq!(world.decide("23T15:00:00").reason.code(), "failed");
    let stuck = world.session(|session| session.state = SessionState::Failed(Transition::Stop));
    assert_eq!(stuck.decide("21T19:30:00").reason.code(), "failed");
}

/// It failed to start, and is destroyed on Saturday at 20:00.
fn failed() -> World {
    asleep().settings(|settings| settings.preserve = Preserve::Refuse).session(|session| {
        session.state = SessionState::Failed(Transition::Start);
        session.started_at = Some(at("21T15:00:00"));
    })
}

/// It runs, cannot be stopped, and is ended by the service at the same instant.
fn running_on(destroys: bool) -> World {
    World::new().session(|session| {
        session.stopping = Stopping::Forbidden(Forbidden { remedy: "let it" });
        session.ends_itself = Some(Ending { at: at("21T20:00:00"), destroys });
    })
}

#[test]
fn neither_a_pause_nor_a_keep_hides_that_something_is_about_to_be_destroyed() {
    let paused = |mut world: World| {
        world.history.paused = Some(Pause { until: at("23T08:00:00"), who: "ada".to_owned() });
        world
    };
    let kept = |world: World| {
        let (tag, value) = ("lightsout:keep".to_owned(), "always".to_owned());
        world.session(|session| drop(session.tags.insert(tag, value)))
    };
    for (world, before, code) in [
        (paused(failed()), "paused", "termination_near"),
        (paused(running_on(true)), "paused", "not_stoppable"),
        (kept(running_on(true)), "tag_keep", "not_stoppable"),
    ] {
        let far = world.decide("21T15:59:59");
        assert_eq!((far.reason.code(), far.next_change), (before, Some(at("21T16:00:00"))));
        let near = world.decide("21T16:00:00").reason;
        assert!(near.code() == code && near.is_alarm(), "{near:?}");
    }
    // A machine that the service only stops is in no danger, and another account's is not ours to watch.
    assert_eq!(paused(running_on(false)).decide("21T16:00:00").reason.code(), "paused");
    let mut foreign = failed();
    foreign.snapshot.accounts = vec![AccountId::from("999999999999")];
    assert_eq!(foreign.decide("21T16:00:00").reason.code(), "account_mismatch");
}

#[test]
fn a_rule_of_which_a_partial_list_does_not_tell_may_ask_for_a_rescue() {
    // The launch profiles could not be read, and the rule goes by their names.
    let refusing = asleep().settings(|settings| settings.preserve = Preserve::Refuse);
    let mut world = refusing.session(|session| {
        session.launch_profile_name = None;
        session.stopping = Stopping::Unclear(Doubt::NoLaunchProfile);
        session.terminate_at = Some(at("21T20:00:00"));
    });
    let mode = |world: &World, now| (world.decide(now).reason.code(), world.decide(now).mode);
    world.studio.settings.mode = Mode::Observe;
    let (preserve, mode_of_rule) = (Preserve::Rotate, Mode::Enforce);
    let settings = Settings { preserve, mode: mode_of_rule, ..world.studio.settings.clone() };
    let criteria = Criteria { launch_profile: vec![Glob::new("Comp*")], ..Criteria::default() };
    let matcher = Matcher::Where(criteria);
    world.studio.rules.push(Rule { name: "comp".into(), matcher, keep: false, settings });
    assert_eq!(mode(&world, "21T19:30:00"), ("rescue", Mode::Enforce));
    assert_eq!(mode(&world, "21T19:29:59").1, Mode::Observe);
    // It need not be the first of them.
    let lead = Criteria { launch_profile: vec![Glob::new("Lead*")], ..Criteria::default() };
    let (matcher, settings) = (Matcher::Where(lead), world.studio.settings.clone());
    world.studio.rules.insert(0, Rule { name: "lead".into(), matcher, keep: false, settings });
    assert_eq!(mode(&world, "21T19:30:00"), ("rescue", Mode::Enforce));
    // Read again, it turns out to be another rule's.
    let known = world.session(|session| session.launch_profile_name = Some("Paint".to_owned()));
    assert_eq!(known.decide("21T19:30:00").reason.code(), "termination_near");
}

#[test]
fn what_belongs_to_an_owner_whose_time_zone_nobody_knows_is_rescued_by_the_hours_of_each() {
    let of = |schedules: &[(&str, Arc<Schedule>)]| {
        let named = schedules.iter().map(|(owner, schedule)| ((*owner).into(), schedule.clone()));
        let timetable = Timetable::PerOwner { name: "evenings".into(), schedules: named.collect() };
        asleep().settings(|settings| settings.schedule = Some(Arc::new(timetable)))
    };
    // In the middle of somebody's week-end it is not destroyed; when that is depends on who it is.
    let weekdays = Idle::Weekly(vec!["Mon-Fri 20:00-07:00".parse().unwrap()]);
    let weekdays = Schedule::new("evenings".into(), nights().zone.clone(), weekdays, vec![]);
    let others = of(&[("another", Arc::new(weekdays)), ("other", nights())]);
    assert_eq!(others.decide("21T19:29:59").next_change, Some(at("21T19:30:00")));
    assert_eq!(others.decide("21T19:30:00").reason.code(), "rescue");
    // What runs again is nobody's to stop, as long as nobody knows whose hours count.
    let start = at("21T19:30:00");
    let mut awake = others.session(|session| {
        session.state = SessionState::Ready;
        session.started_at = Some(start);
    });
    past(&mut awake).rescued = Some(run_after(start, "20T20:00:00"));
    assert_eq!(awake.decide("21T22:00:00").reason.code(), "owner_zone_unknown");
    assert_eq!(of(&[]).decide("21T19:45:00").reason.code(), "termination_near");
}

#[test]
fn what_was_rescued_has_no_lease_and_is_warned_late() {
    let world = rescued().settings(|settings| settings.warn = vec![minutes(30), minutes(5)]);
    world.check(
        "21T19:34:00",
        "warn warning: it is due at 2026-11-22 03:30Z: idle hours of schedule `nights`; warned 30m, 5m ahead, it stops at 2026-11-22 03:49Z | 2026-11-22T03:49:00Z",
    );
    let world = world.warned(minutes(30), "21T19:30:00", "21T19:34:00", Mode::Enforce).warned(
        minutes(5),
        "21T19:30:00",
        "21T19:34:00",
        Mode::Enforce,
    );
    assert_eq!(world.decide("21T19:48:59").reason.code(), "warning_out");
    assert_eq!(world.decide("21T19:49:00").verdict(), Verdict::Stop);
}

#[test]
fn what_anybody_else_started_since_has_its_lease() {
    let world = rescued().session(|session| session.started_at = Some(at("21T19:31:00")));
    let decision = world.decide("21T19:34:00");
    assert_eq!((decision.reason.code(), decision.due), ("not_due", Some(at("21T21:31:00"))));
}

#[test]
fn what_had_to_be_rescued_at_once_is_let_alone_for_half_a_day() {
    let start = at("20T21:00:00");
    let rescued_after = |stopped_at: &str| {
        let mut world = rotating().session(|session| session.started_at = Some(start));
        past(&mut world).rescued = Some(run_after(start, stopped_at));
        world
    };
    assert_eq!(rescued_after("20T20:15:00").decide("20T21:30:00").verdict(), Verdict::Stop);
    let world = rescued_after("20T20:15:01");
    let decision = world.decide("20T21:30:00");
    assert_eq!((decision.reason.code(), decision.reason.is_alarm()), ("would_be_destroyed", true));
    assert!(decision.reason.to_string().contains("is the clock of this host right?"));
    assert_eq!(decision.next_change, Some(at("21T09:00:00")));
    assert_eq!(world.decide("21T08:59:59").verdict(), Verdict::Keep);
    assert_eq!(world.decide("21T09:00:00").verdict(), Verdict::Stop);
    // By a clock that is ahead it would live long enough.
    let short = rescued_after("20T20:15:01").session(|session| {
        session.stopping = Stopping::Allowed { destroyed_after: Some(hours(300)) };
    });
    assert_eq!(short.decide("21T08:59:59").reason.code(), "would_be_destroyed");
    // Whoever starts it begins another run.
    let anothers = world.session(|session| session.started_at = Some(at("20T21:00:01")));
    assert_eq!(anothers.decide("21T08:00:00").verdict(), Verdict::Stop);
}

#[test]
fn what_was_rescued_is_stopped_in_idle_hours_alone() {
    let start = at("23T06:10:00");
    let run = run_after(start, "22T06:40:00");
    let mut world = rescued().session(|session| session.started_at = Some(start)).settings(|s| {
        s.max_uptime = Some(hours(4));
    });
    past(&mut world).rescued = Some(run);
    // The window closes within least_stop, and max_uptime is for people.
    assert_eq!(world.decide("23T06:31:00").reason.code(), "stop_too_short");
    assert_eq!(world.decide("23T12:00:00").due, Some(at("23T20:00:00")));
    assert_eq!(world.decide("23T20:00:00").reason.code(), "idle_hours");
}

#[test]
fn a_rotation_goes_on_until_people_are_back() {
    let world = rotating().settings(|settings| {
        settings.warn = vec![minutes(15)];
        settings.start = Start::Resume;
    });
    let World { policy, studio, snapshot, history, .. } = &world;
    let (from, until) = (at("20T19:00:00"), at("23T12:00:00"));
    let events = forecast(policy, studio, snapshot, history, from, until);
    let told = events.iter().filter_map(|Foreseen { at, event, .. }| {
        let decision = event.decision().expect("the service ends nothing");
        let time = at.to_zoned(nights().zone.clone()).strftime("%a %H:%M").to_string();
        (decision.verdict() != Verdict::Keep).then(|| format!("{time} {}", decision.reason.code()))
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "Fri 19:45 warning",
            "Fri 20:00 idle_hours",
            "Sat 19:30 rescue",
            "Sat 19:30 warning",
            "Sat 19:45 idle_hours",
            "Sun 19:15 rescue",
            "Sun 19:15 warning",
            "Sun 19:30 idle_hours",
            "Mon 06:50 resume",
        ]
    );
}

#[test]
fn what_a_person_stopped_and_we_rescued_stays_off_in_the_morning() {
    let world = asleep().settings(|settings| settings.start = Start::Resume);
    let World { policy, studio, snapshot, history, .. } = &world;
    let (from, until) = (at("21T19:00:00"), at("23T12:00:00"));
    let events = forecast(policy, studio, snapshot, history, from, until);
    let codes: Vec<_> =
        events.iter().filter_map(|e| Some(e.event.decision()?.reason.code())).collect();
    let rescue = ["rescue", "idle_hours", "not_ours"];
    assert_eq!(codes, [&["not_ours"][..], &rescue, &rescue].concat());
}

#[test]
fn an_explanation_says_when_it_will_be_rescued() {
    let looked_at = |world: &World, now: &str, line| {
        let World { policy, studio, snapshot, history, .. } = world;
        let session = &snapshot.sessions[&"session-1".into()];
        let explained = explain(policy, studio, snapshot, session, history, at(now));
        explained.steps.into_iter().find(|step| step.line == line).unwrap().looked_at
    };
    assert_eq!(
        looked_at(&asleep(), "21T12:00:00", 1),
        "the service will destroy it at 2026-11-22T04:00:00Z; to be rescued from 2026-11-22T03:30:00Z on"
    );
    assert_eq!(
        looked_at(&rescued(), "21T19:34:00", 5),
        "schedule `nights`; started to rescue it, so no lease and no max_uptime: due 2026-11-22T03:30:00Z by idle hours of schedule `nights`"
    );
}

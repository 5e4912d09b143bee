//! What is decided, line by line; each test names the line it is about.

mod brake;
mod keeps;
mod laws;
mod put_off;
mod rotate;
mod starts;
mod sudden;
mod vetoes;
mod warnings;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::*;
use crate::ids::{AccountId, ScheduleName};
use crate::inventory::{
    Doubt, Ending, Forbidden, Gap, Problem, SessionState, Stopping, Transition, Wanted,
};
use crate::policy::matcher::Criteria;
use crate::policy::schedule::Idle;
use crate::policy::{
    AuditRotation, Connection, DaemonPolicy, Glob, Matcher, Preserve, Rule, Scan, Schedule,
    Settings, Timetable,
};

/// A Friday in Los Angeles, as instants: 2026-11-20T20:00 is when the idle hours begin.
fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}-08:00").parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn shared(schedule: Arc<Schedule>) -> Arc<Timetable> {
    Arc::new(Timetable::Shared(schedule))
}

fn nights() -> Arc<Schedule> {
    let idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"].map(|text| text.parse().unwrap());
    let zone = TimeZone::get("America/Los_Angeles").unwrap();
    let idle = Idle::Weekly(idle.into());
    Arc::new(Schedule::new("nights".into(), zone, idle, Vec::new()))
}

/// A studio with nights, no lease to speak of and no warnings: each test adds what it is about.
struct World {
    policy: Policy,
    studio: StudioPolicy,
    snapshot: Snapshot,
    history: History,
}

impl World {
    fn new() -> Self {
        let settings = Settings {
            mode: Mode::Enforce,
            schedule: Some(shared(nights())),
            warn: Vec::new(),
            keep_remind: None,
            ..Settings::built_in()
        };
        let studio = StudioPolicy {
            id: "us-west-2:stid-EXAMPLE11111".into(),
            name: None,
            connection: Connection {
                region: "us-west-2".into(),
                account: Some("111122223333".into()),
                role_arn: None,
                external_id: None,
                profile: None,
                endpoint_url: None,
            },
            settings,
            rules: Vec::new(),
            brake: crate::policy::Brake::default(),
            asks_roles: false,
        };
        let policy = Policy {
            hash: "0".into(),
            daemon: DaemonPolicy {
                scan: Scan::Every(minutes(5)),
                state_dir: PathBuf::new(),
                concurrency: 16,
            },
            audit_path: PathBuf::new(),
            audit_rotation: AuditRotation::default(),
            audit_stdout: false,
            http: None,
            schedules: BTreeMap::from([(ScheduleName::from("nights"), shared(nights()))]),
            calendars: BTreeMap::new(),
            vetoes: BTreeMap::new(),
            people: BTreeMap::new(),
            studios: BTreeMap::new(),
            prices: BTreeMap::new(),
        };
        let snapshot = Snapshot {
            accounts: vec![AccountId::from("111122223333")],
            ..Snapshot::unread(at("01T00:00:00"), Vec::new())
        };
        Self { policy, studio, snapshot, history: History::default() }.session(|_| {})
    }

    /// Sets up the one session, READY since Friday morning.
    fn session(mut self, change: impl FnOnce(&mut Session)) -> Self {
        let before = self.snapshot.sessions.pop_first();
        let mut session = before.map_or_else(session, |(_, session)| Session::clone(&session));
        change(&mut session);
        self.snapshot.sessions.insert(session.id.clone(), Arc::new(session));
        self
    }

    fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.studio.settings);
        self
    }

    fn rule(mut self, keep: bool, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.studio.settings.clone();
        change(&mut settings);
        let criteria = Criteria { owner: vec![Glob::new("9067*")], ..Criteria::default() };
        let matcher = Matcher::Where(criteria);
        self.studio.rules.push(Rule { name: "artists".into(), matcher, keep, settings });
        self
    }

    fn warned(mut self, lead: SignedDuration, due: &str, given: &str, mode: Mode) -> Self {
        let session = self.snapshot.sessions.first_key_value().unwrap().1;
        let run = session.start().unwrap();
        let past = self.history.sessions.entry(session.id.clone()).or_default();
        past.warnings.push(WarningGiven {
            run,
            due: at(due),
            lead,
            mode,
            at: at(given),
            said: at(given),
        });
        self
    }

    fn decide(&self, now: &str) -> Decision {
        let plan = plan(&self.policy, &self.studio, &self.snapshot, &self.history, at(now));
        assert_eq!(plan.decisions.len(), self.snapshot.sessions.len());
        Decision::clone(&plan.decisions[0])
    }

    /// One line: verdict, code, sentence, next change.
    #[track_caller]
    fn check(&self, now: &str, expected: &str) {
        let decision = self.decide(now);
        let next = decision.next_change.map_or("-".to_owned(), |next| next.to_string());
        let Decision { reason, .. } = &decision;
        let alarm = if reason.is_alarm() { "!" } else { "" };
        let shown = format!("{}{alarm} {}: {reason} | {next}", decision.verdict(), reason.code());
        assert_eq!(shown, expected);
    }
}

fn session() -> Session {
    Session {
        id: "session-1".into(),
        arn: None,
        state: SessionState::Ready,
        status: None,
        owner: Some("9067aaaa".into()),
        launch_profile: Some("lp-1".into()),
        launch_profile_name: Some("Comp".into()),
        instance_type: Some("g5.4xlarge".into()),
        studio_role: None,
        streaming_image: None,
        persistence: Some(false),
        created_at: Some(at("16T09:00:00")),
        started_at: Some(at("20T09:00:00")),
        stopped_at: None,
        started_by: None,
        stopped_by: None,
        terminate_at: None,
        ends_itself: None,
        stopping: Stopping::Allowed { destroyed_after: None },
        retains_volumes: true,
        tags: BTreeMap::new(),
    }
}

fn tagged(key: &str, value: &str) -> World {
    World::new().session(|session| {
        session.tags.insert(key.to_owned(), value.to_owned());
    })
}

#[test]
fn line_1_holds_what_was_not_read_whole() {
    let mut world = World::new();
    world.snapshot.gaps.push(Gap {
        wanted: Wanted::LaunchProfiles,
        problem: Problem::Denied,
        detail: "no permission".into(),
    });
    world.check(
        "20T21:00:00",
        "hold! listing_incomplete: the launch profiles could not be read whole: access was denied (no permission) | -",
    );
}

#[test]
fn line_1_holds_another_or_an_unknown_account() {
    let mut world = World::new();
    world.snapshot.accounts = vec!["111122223333".into(), "999999999999".into()];
    world.check(
        "20T21:00:00",
        "hold! account_mismatch: the studio is in account 999999999999, and the policy says 111122223333 | -",
    );
    world.snapshot.accounts.clear();
    world.check(
        "20T21:00:00",
        "hold! account_unknown: the policy says account 111122223333, and nothing tells the studio's | -",
    );
    world.studio.connection.account = None;
    assert_eq!(world.decide("20T21:00:00").verdict(), Verdict::Stop);
}

#[test]
fn line_1_holds_when_the_clock_went_back() {
    let mut world = World::new();
    world.snapshot.began = at("20T22:00:00");
    world.check(
        "20T21:00:00",
        "hold! clock_in_doubt: the clock went back: the listing began at 2026-11-21 06:00Z | -",
    );
}

#[test]
fn line_1_holds_stops_and_starts_for_a_minute_after_a_jump_of_the_clock() {
    let jumped = |by| {
        let mut world = World::new();
        world.history.clock_jump = Some(ClockJump { at: at("20T21:00:00"), by });
        world
    };
    let forward = "hold! clock_jumped: the clock jumped forward by 2h; nothing is done before 2026-11-21 05:01Z | 2026-11-21T05:01:00Z";
    let back = "hold! clock_jumped: the clock jumped back by 2h; nothing is done before 2026-11-21 05:01Z | 2026-11-21T05:01:00Z";
    for (by, held) in [(hours(2), forward), (hours(-2), back)] {
        let world = jumped(by);
        world.check("20T21:00:00", held);
        world.check("20T21:00:59", held);
        // A small step back is no jump of its own, and ends nothing early.
        world.check("20T20:58:00", held);
        assert_eq!(world.decide("20T21:01:00").verdict(), Verdict::Stop);
        // A jump that a clock showed once and then lost says nothing.
        assert_eq!(world.decide("20T20:57:59").verdict(), Verdict::Stop);
    }
    let off = jumped(hours(2)).settings(|s| s.start = crate::policy::Start::Resume);
    let mut off = off.session(|session| {
        session.state = SessionState::Stopped;
        session.stopped_at = Some(at("19T20:00:00"));
    });
    let past = off.history.sessions.entry("session-1".into()).or_default();
    past.ours = Some(OurStop { stopped_at: at("19T20:00:00") });
    off.history.clock_jump = Some(ClockJump { at: at("20T06:55:00"), by: hours(2) });
    off.check(
        "20T06:55:30",
        "hold! clock_jumped: the clock jumped forward by 2h; nothing is done before 2026-11-20 14:56Z | 2026-11-20T14:56:00Z",
    );
    assert_eq!(off.decide("20T06:56:00").verdict(), Verdict::Start);
}

#[test]
fn line_2_leaves_every_state_but_ready() {
    let state = |state: SessionState| World::new().session(|session| session.state = state);
    let now = "20T21:00:00";
    state(SessionState::Transitional(Transition::Start))
        .check(now, "keep transitional: it is START_IN_PROGRESS | -");
    state(SessionState::Failed(Transition::Stop))
        .session(|session| session.status = Some("INTERNAL_ERROR".into()))
        .check(now, "keep failed: it is STOP_FAILED (INTERNAL_ERROR) | -");
    state(SessionState::Failed(Transition::Stop)).check(now, "keep failed: it is STOP_FAILED | -");
    state(SessionState::Deleted).check(now, "keep deleted: it was deleted | -");
    state(SessionState::Unknown("HIBERNATED".into()))
        .check(now, "keep! state_unknown: its state HIBERNATED is not known to us | -");
    state(SessionState::Missing)
        .check(now, "keep! state_unknown: its state (none) is not known to us | -");
}

#[test]
fn line_2_keeps_without_a_start_or_with_one_in_the_future() {
    let world = World::new().session(|session| {
        session.started_at = None;
        session.created_at = None;
    });
    world.check("20T21:00:00", "keep! start_unknown: nothing tells when it started | -");
    let world = World::new().session(|session| session.started_at = Some(at("20T21:02:01")));
    world.check(
        "20T21:00:00",
        "keep! start_in_future: it starts in the future, at 2026-11-21 05:02:01Z | 2026-11-21T05:00:01Z",
    );
    let world = World::new().session(|session| session.started_at = Some(at("20T21:02:00")));
    assert_eq!(world.decide("20T21:00:00").reason.code(), "not_due");
}

#[test]
fn line_2_does_not_take_a_stale_or_a_zero_instant_for_a_start() {
    // It was created weeks ago and stopped tonight; when it came back is not said.
    let world = World::new().session(|session| {
        session.started_at = None;
        session.stopped_at = Some(at("20T20:05:00"));
    });
    assert_eq!(world.decide("20T22:00:00").reason.code(), "start_unknown");
    let world = World::new().session(|session| {
        session.started_at = Some(Timestamp::UNIX_EPOCH);
        session.created_at = None;
    });
    assert_eq!(world.decide("20T22:00:00").reason.code(), "start_unknown");
}

#[test]
fn line_2_does_not_take_a_list_from_before_our_stop_for_a_run() {
    let stopped = |stopped_at| {
        let mut world = World::new();
        let past = world.history.sessions.entry("session-1".into()).or_default();
        past.ours = Some(OurStop { stopped_at: at(stopped_at) });
        world
    };
    let world = stopped("20T20:05:00");
    assert_eq!(world.decide("20T22:00:00").reason.code(), "start_unknown");
    // It was started again since.
    let world = stopped("20T08:00:00");
    assert_ne!(world.decide("20T22:00:00").reason.code(), "start_unknown");
}

#[test]
fn line_3_keeps_where_nobody_can_tell_which_rule_applies() {
    let world = World::new().rule(true, |_| {}).session(|session| session.owner = None);
    world.check(
        "20T21:00:00",
        "keep! rule_unclear: nobody can tell whether rule `artists` is about it, since its owner is not known | -",
    );
    let other = world.session(|session| session.owner = Some("somebody".into()));
    assert_eq!(other.decide("20T21:00:00").verdict(), Verdict::Stop);
}

#[test]
fn line_2_keeps_what_stopping_might_delete() {
    let doubt = |doubt| World::new().session(|session| session.stopping = Stopping::Unclear(doubt));
    doubt(Doubt::VolumesDeleted)
        .check("20T21:00:00", "keep! volumes_deleted: stopping it would delete its volumes | -");
    let unknown = Doubt::UnknownMode { field: "sessionPersistenceMode", value: "PARTIAL".into() };
    doubt(unknown).check(
        "20T21:00:00",
        "keep! mode_unknown: its sessionPersistenceMode is \"PARTIAL\", which is not known to us | -",
    );
}

#[test]
fn line_3_keeps_by_rule_and_by_tag() {
    World::new()
        .rule(true, |_| {})
        .check("20T21:00:00", "keep rule_keep: rule `artists` keeps it | -");
    tagged("lightsout:keep", "overnight sim")
        .check("20T21:00:00", "keep tag_keep: its tag lightsout:keep says \"overnight sim\" | -");
    let until = tagged("lightsout:keep-until", "2026-11-20T22:00:00-08:00");
    until.check(
        "20T21:59:59",
        "keep tag_keep_until: its tag keeps it until 2026-11-21 06:00Z | 2026-11-21T06:00:00Z",
    );
    assert_eq!(until.decide("20T22:00:00").verdict(), Verdict::Stop);
}

#[test]
fn line_3_keeps_what_it_cannot_read() {
    for (key, value) in [
        ("lightsout:keep", ""),
        ("lightsout:keep", "false"),
        ("lightsout:keep-until", "tomorrow"),
        ("lightsout:keep-until", "2026-11-20T22:00:00"),
        ("lightsout:schedule", "evenings"),
        ("lightsout:kepe", "always"),
        ("LightsOut:Keep", "always"),
    ] {
        let decision = tagged(key, value).decide("20T21:00:00");
        assert_eq!(decision.reason.code(), "tag_unreadable", "{key} = {value:?}");
        assert!(decision.reason.is_alarm());
    }
    tagged("lightsout:kepe", "always").check(
        "20T21:00:00",
        "keep! tag_unreadable: its tag lightsout:kepe = \"always\" cannot be read, which counts as keep | -",
    );
    // One that can be read does not hide one that cannot.
    let both = tagged("lightsout:keep-until", "2026-11-20T20:30:00-08:00")
        .session(|session| drop(session.tags.insert("lightsout:x".into(), "y".into())));
    assert_eq!(both.decide("20T21:00:00").reason.code(), "tag_unreadable");
}

#[test]
fn a_tag_names_another_schedule() {
    let mut world = tagged("lightsout:schedule", "late");
    let idle = vec!["Mon-Sun 23:00-07:00".parse().unwrap()];
    let zone = nights().zone.clone();
    let late = Schedule::new("late".into(), zone, Idle::Weekly(idle), Vec::new());
    world.policy.schedules.insert("late".into(), shared(Arc::new(late)));
    assert_eq!(world.decide("20T21:00:00").due, Some(at("20T23:00:00")));
}

#[test]
fn line_4_keeps_what_its_profile_forbids_to_stop() {
    let forbidden = Stopping::Forbidden(Forbidden { remedy: "set the stopped length above 0" });
    let world = World::new().session(|session| session.stopping = forbidden.clone());
    world.check(
        "20T21:00:00",
        "keep not_stoppable: its launch profile forbids stopping; to allow it, set the stopped length above 0 | -",
    );
    let ending = |destroys| Some(Ending { at: at("20T22:00:00"), destroys });
    let world = World::new().session(|session| {
        session.stopping = forbidden.clone();
        session.ends_itself = ending(true);
    });
    assert!(!world.decide("20T17:59:59").reason.is_alarm());
    assert_eq!(world.decide("20T17:59:59").next_change, Some(at("20T18:00:00")));
    let world = World::new().session(|session| {
        session.stopping = forbidden.clone();
        session.ends_itself = ending(true);
    });
    world.check(
        "20T21:00:00",
        "keep! not_stoppable: its launch profile forbids stopping; to allow it, set the stopped length above 0; the service will destroy it at 2026-11-21 06:00Z | -",
    );
    let world = world.session(|session| session.ends_itself = ending(false));
    world.check(
        "20T21:00:00",
        "keep not_stoppable: its launch profile forbids stopping; to allow it, set the stopped length above 0; the service will stop it at 2026-11-21 06:00Z | -",
    );
    let doubt = Stopping::Unclear(Doubt::NoLaunchProfile);
    World::new().session(|session| session.stopping = doubt).check(
        "20T21:00:00",
        "keep! profile_unknown: its launch profile is not known, so nothing tells whether it may be stopped | -",
    );
}

#[test]
fn line_5_names_the_due_instant() {
    World::new().check(
        "20T19:59:59",
        "keep not_due: it is due at 2026-11-21 04:00Z: idle hours of schedule `nights` | 2026-11-21T04:00:00Z",
    );
    World::new().check(
        "20T20:00:00",
        "stop idle_hours: it was due at 2026-11-21 04:00Z: idle hours of schedule `nights` | 2026-11-23T14:30:01Z",
    );
    World::new()
        .settings(|settings| settings.schedule = None)
        .check("20T21:00:00", "keep never_due: no schedule and no max_uptime applies to it | -");
}

#[test]
fn line_5_does_not_fight_who_comes_back_at_night() {
    let world = World::new().session(|session| session.started_at = Some(at("19T22:10:00")));
    world.check(
        "19T23:00:00",
        "keep not_due: it is due at 2026-11-20 08:10Z: end of its lease, in idle hours of schedule `nights` | 2026-11-20T08:10:00Z",
    );
    assert_eq!(world.decide("20T00:10:00").verdict(), Verdict::Stop);
    // A lease that outlasts the window leaves the session to the next one.
    let early = World::new().session(|session| session.started_at = Some(at("20T06:00:00")));
    assert_eq!(early.decide("20T06:30:00").due, Some(at("20T20:00:00")));
}

#[test]
fn line_5_stops_what_runs_too_long_whatever_the_hour() {
    let world = World::new()
        .settings(|settings| settings.max_uptime = Some(hours(14)))
        .session(|session| session.started_at = Some(at("19T23:30:00")));
    let world = world.settings(|settings| settings.schedule = None);
    world.check(
        "20T13:00:00",
        "keep not_due: it is due at 2026-11-20 21:30Z: its max_uptime of 14h | 2026-11-20T21:30:00Z",
    );
    world.check(
        "20T14:00:00",
        "stop max_uptime: it was due at 2026-11-20 21:30Z: its max_uptime of 14h | 2026-11-20T22:15:00Z",
    );
}

#[test]
fn line_6_leaves_what_would_be_off_for_a_moment_only() {
    let world = World::new().session(|session| session.started_at = Some(at("20T02:00:00")));
    world.check(
        "20T06:30:01",
        "keep stop_too_short: idle hours end at 2026-11-20 15:00Z; a stop would last shorter than the least_stop of 30m | 2026-11-20T15:00:00Z",
    );
    assert_eq!(world.decide("20T06:30:00").verdict(), Verdict::Stop);
    let later = world.settings(|settings| settings.max_uptime = Some(minutes(290)));
    assert_eq!(later.decide("20T06:40:00").next_change, Some(at("20T06:50:00")));
    // An uptime that is over stops it all the same.
    let world = later.settings(|settings| settings.max_uptime = Some(hours(4)));
    assert_eq!(world.decide("20T06:45:00").reason.code(), "max_uptime");
}

#[test]
fn line_8_keeps_what_would_be_destroyed_before_people_are_back() {
    // Friday 20:00 to Monday 07:00 is 59 hours; with the margin of 8 a machine must live for 67.
    let stopped_for = |after| {
        let stopping = Stopping::Allowed { destroyed_after: Some(after) };
        World::new().session(|session| session.stopping = stopping)
    };
    stopped_for(hours(24)).check(
        "20T20:00:00",
        "keep would_be_destroyed: stopped, it would be destroyed after 24h, and must live until 2026-11-23 23:00Z; a longer stopped length, a shorter window or preserve = \"rotate\" would allow it | 2026-11-22T23:00:00Z",
    );
    assert_eq!(stopped_for(hours(67)).decide("20T20:00:00").verdict(), Verdict::Stop);
    let short = stopped_for(hours(67) - SignedDuration::from_secs(1));
    assert_eq!(short.decide("20T20:00:00").reason.code(), "would_be_destroyed");
    // Later in the window less of it is left to outlive.
    assert_eq!(stopped_for(hours(24)).decide("22T15:00:00").verdict(), Verdict::Stop);
    let allowed = stopped_for(hours(24)).settings(|settings| settings.preserve = Preserve::Allow);
    assert_eq!(allowed.decide("20T20:00:00").verdict(), Verdict::Stop);
}

#[test]
fn line_8_keeps_where_nothing_tells_when_people_are_back() {
    let world = World::new()
        .settings(|settings| {
            settings.schedule = None;
            settings.max_uptime = Some(hours(4));
        })
        .session(|session| {
            session.stopping = Stopping::Allowed { destroyed_after: Some(hours(96)) };
        });
    world.check(
        "20T14:00:00",
        "keep would_be_destroyed: stopped, it would be destroyed after 96h, and nothing tells when people are back; a schedule whose idle hours end or preserve = \"allow\" would allow it | -",
    );
}

#[test]
fn a_stopped_session_stays_off_and_its_end_is_announced() {
    let world = World::new().session(|session| {
        session.state = SessionState::Stopped;
        session.terminate_at = Some(at("20T21:00:00"));
    });
    world.check("20T16:59:59", "keep stopped: it is off | 2026-11-21T01:00:00Z");
    world.check(
        "20T17:00:00",
        "keep! termination_near: it is off, and the service will destroy it at 2026-11-21 05:00Z | 2026-11-21T05:00:00Z",
    );
}

#[test]
fn the_first_rule_that_matches_wins_and_its_mode_too() {
    let world = World::new().rule(false, |settings| settings.mode = Mode::Observe);
    let decision = world.decide("20T21:00:00");
    assert_eq!((decision.verdict(), decision.mode), (Verdict::Stop, Mode::Observe));
    assert_eq!(decision.rule, Some("artists".into()));
    let other = world.session(|session| session.owner = Some("other".into()));
    assert_eq!(other.decide("20T21:00:00").mode, Mode::Enforce);
}

#[test]
fn an_explanation_says_what_the_plan_says() {
    let world = World::new().rule(false, |settings| settings.warn = vec![minutes(15)]);
    let session = world.snapshot.sessions.first_key_value().unwrap().1;
    let World { policy, studio, snapshot, history, .. } = &world;
    for now in ["20T19:00:00", "20T19:50:00", "20T21:00:00"] {
        let explained = explain(policy, studio, snapshot, session, history, at(now));
        assert_eq!(explained.decision, world.decide(now));
        let deciding: Vec<_> = explained.steps.iter().filter(|step| step.decides).collect();
        assert_eq!(deciding.len(), 1);
        assert_eq!(deciding[0].answer.as_ref(), Some(&explained.decision.reason));
    }
}

#[test]
fn an_always_idle_schedule_leaves_no_time_to_come_back() {
    let always = Idle::Weekly(vec!["Mon-Sun".parse().unwrap()]);
    let always = Schedule::new("nights".into(), nights().zone.clone(), always, Vec::new());
    let world =
        World::new().settings(|settings| settings.schedule = Some(shared(Arc::new(always))));
    assert_eq!(world.decide("20T21:00:00").due, Some(at("20T11:00:00")));
    let mortal = world.session(|session| {
        session.stopping = Stopping::Allowed { destroyed_after: Some(hours(96)) };
    });
    assert_eq!(mortal.decide("20T21:00:00").reason.code(), "would_be_destroyed");
}

//! What holds for every policy and every session; each law over cases made at random.

use proptest::prelude::*;

use super::*;
use crate::inventory::Transition;
use crate::policy::calendar::{Calendar, Effect, Entry};
use crate::policy::schedule::WeeklyWindow;
use crate::policy::{Brake, Start, Veto};

/// The day on which each case begins: a month with a clock change in most of the zones.
const FIRST_DAY: &str = "2026-10-20T00:00:00Z";
/// How long each case is followed.
const DAYS: i64 = 16;

const ZONES: [&str; 5] =
    ["America/Los_Angeles", "Europe/Dublin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"];

/// What a case is made of.
#[derive(Debug, Clone)]
struct Made {
    zone: &'static str,
    idle: Vec<String>,
    calendars: Vec<(Effect, i64, i64)>,
    settings: Settings,
    sessions: Vec<MadeSession>,
}

#[derive(Debug, Clone)]
struct MadeSession {
    owner: &'static str,
    state: SessionState,
    /// Hours before the first day; a stop lies between it and the first day.
    started: i64,
    stopped: Option<i64>,
    destroyed_after: Option<i64>,
    tag: Option<(&'static str, &'static str)>,
    /// Whether the end of its keep was announced.
    reminded: bool,
    ours: bool,
    /// Hours after the first day at which the service destroys it, if it is off.
    ends: Option<i64>,
}

fn idle() -> impl Strategy<Value = String> {
    let days =
        prop::sample::select(vec!["Mon-Fri", "Sat-Sun", "Sun-Thu", "Mon,Wed", "1st Mon", "Sun"]);
    let hours = (0..24_u32, 0..24_u32, prop::sample::select(vec![0_u32, 15, 30]));
    (days, prop::option::weighted(0.9, hours)).prop_map(|(days, hours)| match hours {
        None => days.to_owned(),
        Some((from, to, minutes)) => format!("{days} {from:02}:{minutes:02}-{to:02}:00"),
    })
}

fn some_settings() -> impl Strategy<Value = Settings> {
    let warn = prop::sample::subsequence(vec![60_i64, 30, 15, 5], 0..3);
    let uptime = prop::option::weighted(0.3, 5..40_i64);
    let start = prop::bool::ANY;
    let preserve = prop_oneof![
        2 => Just(Preserve::Refuse),
        2 => Just(Preserve::Rotate),
        1 => Just(Preserve::Allow),
    ];
    let keep_max = prop::sample::select(vec![None, Some(hours(20)), Some(hours(100))]);
    let keep_remind = prop::sample::select(vec![None, Some(hours(1)), Some(minutes(1_910))]);
    let keeps = (keep_max, keep_remind);
    (0..8_i64, 0..90_i64, uptime, warn, start, preserve, 0..30_i64, keeps).prop_map(
        |(lease, least_stop, uptime, warn, start, preserve, lead, (keep_max, keep_remind))| {
            Settings {
                mode: Mode::Enforce,
                lease: hours(lease),
                least_stop: minutes(least_stop.max(lead + 1)),
                max_uptime: uptime.map(hours),
                warn: warn.into_iter().map(minutes).collect(),
                start: if start { Start::Resume } else { Start::Never },
                start_lead: minutes(lead),
                preserve,
                keep_max,
                keep_remind,
                ..Settings::built_in()
            }
        },
    )
}

fn some_session() -> impl Strategy<Value = MadeSession> {
    let state = prop_oneof![
        6 => Just(SessionState::Ready),
        2 => Just(SessionState::Stopped),
        1 => Just(SessionState::Transitional(Transition::Stop)),
        1 => Just(SessionState::Failed(Transition::Start)),
    ];
    let tag = prop::sample::select(vec![
        None,
        None,
        None,
        Some(("lightsout:keep", "always")),
        Some(("lightsout:keep-until", "2026-10-22T03:20:30Z")),
        Some(("lightsout:keep-until", "2026-10-25T12:00:00Z")),
    ]);
    let destroyed_after = prop::option::weighted(0.4, 10..96_i64);
    let owner = prop::sample::select(vec!["ada", "bob", "cyd"]);
    let ends = prop::option::of(1..60_i64);
    let facts = (prop::bool::ANY, prop::bool::ANY);
    (owner, state, 1..40_i64, destroyed_after, tag, facts, ends).prop_map(
        |(owner, state, started, destroyed_after, tag, (ours, reminded), ends)| {
            let failed = SessionState::Failed(Transition::Start);
            let is_off = state == SessionState::Stopped || state == failed;
            let (stopped, ends) = (is_off.then_some(started / 2), ends.filter(|_| is_off));
            MadeSession {
                owner,
                state,
                started,
                stopped,
                destroyed_after,
                tag,
                reminded,
                ours,
                ends,
            }
        },
    )
}

fn made() -> impl Strategy<Value = Made> {
    let effect = prop_oneof![Just(Effect::Closed), Just(Effect::Open)];
    let calendar = (effect, 0..14_i64, 0..3_i64);
    (
        prop::sample::select(ZONES.to_vec()),
        prop::collection::vec(idle(), 1..4),
        prop::collection::vec(calendar, 0..3),
        some_settings(),
        prop::collection::vec(some_session(), 1..4),
    )
        .prop_map(|(zone, idle, calendars, settings, sessions)| Made {
            zone,
            idle,
            calendars,
            settings,
            sessions,
        })
}

/// How many cases each law is tried on: `LIGHTSOUT_LAW_CASES`, or 400.
fn config() -> ProptestConfig {
    let cases = std::env::var("LIGHTSOUT_LAW_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(400),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn first_day() -> Timestamp {
    FIRST_DAY.parse().unwrap()
}

impl Made {
    /// Leaves out the sessions that are off, where a rescue would be followed by a stop: the more of them
    /// are rescued, the more stops there are.
    fn leave_out_what_is_rescued(&mut self) {
        match self.settings.preserve {
            Preserve::Rotate => self.sessions.retain(|session| session.stopped.is_none()),
            Preserve::Refuse => {
                self.sessions.retain(|session| session.stopped.is_none() || !session.ours);
            }
            Preserve::Allow => {}
        }
    }

    fn schedule(&self, idle: &[String]) -> Arc<Timetable> {
        let idle: Vec<WeeklyWindow> = idle.iter().map(|text| text.parse().unwrap()).collect();
        let zone = TimeZone::get(self.zone).unwrap();
        let day = |days: i64| (first_day() + hours(24 * days)).to_zoned(zone.clone()).date();
        let calendar = |(index, (effect, first, more)): (usize, &(Effect, i64, i64))| {
            let entries = vec![Entry::Days { first: day(*first), last: day(first + more) }];
            let name = format!("calendar-{index}").as_str().into();
            Arc::new(Calendar { name, effect: *effect, entries })
        };
        let calendars = self.calendars.iter().enumerate().map(calendar).collect();
        let idle = Idle::Weekly(idle);
        shared(Arc::new(Schedule::new("made".into(), zone.clone(), idle, calendars)))
    }

    fn world(&self) -> World {
        self.world_with(&self.idle)
    }

    fn world_with(&self, idle: &[String]) -> World {
        let mut world = World::new();
        world.studio.settings = self.settings.clone();
        world.studio.settings.schedule = Some(self.schedule(idle));
        world.snapshot.sessions.clear();
        world.snapshot.began = first_day();
        for (number, made) in self.sessions.iter().enumerate() {
            let session = made.session(number);
            let stopped_at = session.stopped_at.filter(|_| made.ours);
            let past = SessionHistory {
                ours: stopped_at.map(|stopped_at| OurStop { stopped_at }),
                reminded: kept_until(&session)
                    .filter(|_| made.reminded)
                    .map(|until| KeepReminder { until, mode: Mode::Enforce }),
                ..SessionHistory::default()
            };
            world.history.sessions.insert(session.id.clone(), past);
            world.snapshot.sessions.insert(session.id.clone(), Arc::new(session));
        }
        world
    }
}

impl MadeSession {
    fn session(&self, number: usize) -> Session {
        let before = |hours_before: i64| first_day() - hours(hours_before);
        Session {
            id: format!("session-{number}").into(),
            owner: Some(self.owner.into()),
            state: self.state.clone(),
            created_at: Some(before(100)),
            started_at: Some(before(self.started)),
            stopped_at: self.stopped.map(before),
            terminate_at: self.ends.map(|ends| first_day() + hours(ends)),
            stopping: Stopping::Allowed { destroyed_after: self.destroyed_after.map(hours) },
            tags: self.tag.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..session()
        }
    }
}

fn foreseen(world: &World) -> Vec<Foreseen> {
    let World { policy, studio, snapshot, history, .. } = world;
    let until = first_day() + hours(24 * DAYS);
    forecast(policy, studio, snapshot, history, first_day(), until)
}

fn stops(world: &World) -> Vec<(crate::ids::SessionId, Timestamp)> {
    let is_stop = |event: &Foreseen| {
        event.event.decision().is_some_and(|decision| decision.verdict() == Verdict::Stop)
    };
    foreseen(world).into_iter().filter(is_stop).map(|e| (e.session, e.at)).collect()
}

/// When each session is first stopped.
fn first_stops(world: &World) -> BTreeMap<crate::ids::SessionId, Timestamp> {
    stops(world).into_iter().rev().collect()
}

/// That no session is stopped earlier in the second world than in the first.
fn assert_not_earlier(one: &World, other: &World) -> Result<(), TestCaseError> {
    let before = first_stops(one);
    for (session, at) in first_stops(other) {
        let first = before.get(&session).copied().unwrap_or(Timestamp::MAX);
        prop_assert!(at >= first, "{session}: {at} before {first}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    /// What `next_change` is for: until then the same session has the same answer.
    #[test]
    fn between_two_changes_nothing_changes(made in made(), part in 0.0..1.0_f64) {
        let world = made.world();
        let World { policy, studio, snapshot, history, .. } = &world;
        for hour in 0..24 * 4 {
            let now = first_day() + hours(hour);
            for (id, session) in &snapshot.sessions {
                let decision = decide_again(policy, studio, session, history, now);
                let end = first_day() + hours(24 * DAYS);
                let next = decision.next_change.unwrap_or(end).min(end);
                prop_assert!(next > now, "{id} at {now}: {decision:?}");
                let span = next.as_second() - now.as_second() - 1;
                #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any instant between will do")]
                let between = (span as f64 * part) as i64;
                for later in [1, between, span] {
                    let at = now + SignedDuration::from_secs(later.clamp(0, span));
                    let again = decide_again(policy, studio, session, history, at);
                    let same = (again.reason.code(), again.verdict(), again.due)
                        == (decision.reason.code(), decision.verdict(), decision.due);
                    prop_assert!(same, "{id} at {at}, from {now} to {next}: {decision:?} became {again:?}");
                }
            }
        }
    }

    /// The same with vetoes: whatever they said and whenever, until then nothing else is asked either.
    #[test]
    fn between_two_changes_nobody_else_is_asked(
        made in made(), part in 0.0..1.0_f64, (every, defer_max) in (1..20_i64, 1..400_i64),
        said in prop::collection::vec((0..4_u8, -5..60_i64, 0..400_i64), 1..3), is_observed in prop::bool::ANY,
    ) {
        let mut world = made.world();
        let names: Vec<crate::ids::VetoName> = (0..said.len()).map(|n| format!("veto-{n}").into()).collect();
        let veto = |name: &crate::ids::VetoName| Arc::new(Veto {
            name: name.clone(),
            command: vec!["ask".to_owned()],
            timeout: SignedDuration::from_secs(10),
            defer_max: minutes(defer_max),
            every: minutes(every),
        });
        world.studio.settings.veto = names.iter().map(veto).collect();
        if is_observed {
            world.studio.settings.mode = Mode::Observe;
        }
        let World { policy, studio, snapshot, history, .. } = &world;
        for hour in 0..24 * 4 {
            let now = first_day() + hours(hour);
            for (id, session) in &snapshot.sessions {
                let mut history = history.clone();
                let due = decide_again(policy, studio, session, &history, now).due;
                let (Some(run), Some(due)) = (session.start(), due) else { continue };
                let past = history.sessions.entry(id.clone()).or_default();
                for (name, (kind, ago, before)) in names.iter().zip(&said) {
                    let at = now - minutes(*ago);
                    let words = String::new();
                    let says = match kind {
                        0 => continue,
                        1 => VetoSays::Clear,
                        2 => VetoSays::Busy { words },
                        _ => VetoSays::Failed { words },
                    };
                    let given = VetoGiven { run, due, since: at - minutes(*before), at, says };
                    past.vetoes.insert(name.clone(), given);
                }
                let decision = decide_again(policy, studio, session, &history, now);
                let end = first_day() + hours(24 * DAYS);
                let next = decision.next_change.unwrap_or(end).min(end);
                prop_assert!(next > now, "{id} at {now}: {decision:?}");
                let span = next.as_second() - now.as_second() - 1;
                #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any instant between will do")]
                let between = (span as f64 * part) as i64;
                for later in [1, between, span] {
                    let at = now + SignedDuration::from_secs(later.clamp(0, span));
                    let again = decide_again(policy, studio, session, &history, at);
                    let same = (again.reason.code(), again.due, &again.asks)
                        == (decision.reason.code(), decision.due, &decision.asks);
                    prop_assert!(same, "{id} at {at}, from {now} to {next}: {decision:?} became {again:?}");
                }
            }
        }
    }

    /// What was decided before spares work, and changes nothing: neither as time goes on, nor where a
    /// session or its past becomes another meanwhile.
    #[test]
    fn a_plan_with_precedents_is_the_plan_without(
        made in made(), steps in prop::collection::vec((1..5_400_000_i64, 0..8_u8), 40..120),
    ) {
        let World { policy, studio, mut snapshot, mut history } = made.world();
        let (mut now, mut before) = (first_day(), Precedents::default());
        let mut next: Option<Timestamp> = None;
        for (pass, change) in steps {
            now += SignedDuration::from_millis(pass);
            // Instants have fractions, and where something changes they matter.
            // Where all hours are idle the next one is the last there is, which no calendar reaches.
            let next_year = next.filter(|next| *next < first_day() + SignedDuration::from_hours(9000));
            let just_before = next_year.map(|next| next - SignedDuration::from_millis(pass % 1000));
            now = just_before.filter(|at| *at > now && pass % 2 == 0).unwrap_or(now);
            let (id, session) = snapshot.sessions.first_key_value().unwrap();
            let (id, mut session) = (id.clone(), Session::clone(session));
            match change {
                0 => {
                    let is_off = session.state == SessionState::Stopped;
                    session.state = if is_off { SessionState::Ready } else { SessionState::Stopped };
                    session.started_at = if is_off { Some(now) } else { session.started_at };
                    session.stopped_at = if is_off { session.stopped_at } else { Some(now) };
                }
                1 => { session.tags.insert(TAG_KEEP.to_owned(), "always".to_owned()); }
                2 => { session.tags.clear(); }
                3 => {
                    let past = history.sessions.entry(id.clone()).or_default();
                    past.ours = session.stopped_at.map(|stopped_at| OurStop { stopped_at });
                }
                4 => history.clock_behind = Some(minutes(pass % 3)),
                // It has become another, and says the same.
                _ => {}
            }
            snapshot.sessions.insert(id, Arc::new(session));
            snapshot.began = now;
            let again = plan_again(&policy, &studio, &snapshot, &history, now, &mut before);
            next = again.next_change();
            prop_assert_eq!(again, plan(&policy, &studio, &snapshot, &history, now));
        }
    }

    #[test]
    fn planning_is_deterministic_and_apart_from_other_studios(made in made(), other in made()) {
        let world = made.world();
        let mut beside = made.world();
        let foreign = other.world();
        beside.policy.studios.insert("us-west-2:stid-OTHER".into(), foreign.studio);
        let Some(Timetable::Shared(schedule)) = foreign.policy.schedules.values().next().map(Arc::as_ref)
        else { panic!("it is shared") };
        beside.policy.schedules.insert("other".into(), shared(Arc::clone(schedule)));
        prop_assert_eq!(foreseen(&world), foreseen(&made.world()));
        prop_assert_eq!(foreseen(&world), foreseen(&beside));
    }

    /// Each session is decided about by itself: the others change nothing, nor does their order.
    #[test]
    fn a_session_is_decided_about_by_itself(made in made()) {
        let world = made.world();
        let all = foreseen(&world);
        for id in world.snapshot.sessions.keys() {
            let mut alone = made.world();
            alone.snapshot.sessions.retain(|other, _| other == id);
            let own: Vec<Foreseen> = all.iter().filter(|event| event.session == *id).cloned().collect();
            prop_assert_eq!(foreseen(&alone), own);
        }
    }

    #[test]
    fn a_keep_adds_no_stop(made in made(), owner in prop::sample::select(vec!["ada", "bob"])) {
        let world = made.world();
        let mut kept = made.world();
        let criteria = Criteria { owner: vec![Glob::new(owner)], ..Criteria::default() };
        let settings = kept.studio.settings.clone();
        let matcher = Matcher::Where(criteria);
        kept.studio.rules.push(Rule { name: "kept".into(), matcher, keep: true, settings });
        let (before, after) = (stops(&world), stops(&kept));
        prop_assert!(after.iter().all(|stop| before.contains(stop)), "{after:?} of {before:?}");
        let sessions = &kept.snapshot.sessions;
        let is_kept = |id| sessions[id].owner == Some(owner.into());
        prop_assert!(after.iter().all(|(id, _)| !is_kept(id)));
    }

    #[test]
    fn a_keep_tag_adds_no_stop(made in made()) {
        let world = made.world();
        let mut kept = made.world();
        let first = kept.snapshot.sessions.first_entry().unwrap().into_mut();
        Arc::make_mut(first).tags.insert("lightsout:keep-until".to_owned(), "2026-10-28T00:00:00Z".to_owned());
        assert_not_earlier(&world, &kept)?;
    }

    #[test]
    fn more_grace_makes_no_stop_earlier(mut made in made(), more in 1..6_i64) {
        // A warning that comes late postpones its own stop, so that of two due instants the later one
        // may win; grace is compared without.
        made.settings.warn.clear();
        made.leave_out_what_is_rescued();
        let world = made.world();
        for change in [
            (|settings: &mut Settings, more| settings.lease += hours(more)) as fn(&mut Settings, i64),
            |settings, more| settings.least_stop += minutes(10 * more),
            |settings, more| settings.return_margin += hours(more),
            |settings, more| settings.warn.insert(0, minutes(60 + more)),
            |settings, more| settings.max_uptime = settings.max_uptime.map(|limit| limit + hours(more)),
            |settings, _| settings.max_uptime = None,
        ] {
            let mut graceful = made.world();
            change(&mut graceful.studio.settings, more);
            assert_not_earlier(&world, &graceful)?;
        }
    }

    /// A window that ends later stops nobody earlier who was running when it opened.
    #[test]
    fn a_later_end_of_a_window_makes_no_stop_earlier(made in made(), opens in 0..24_u32, length in 1..12_u32) {
        let idle = |length: u32| vec![format!("Mon-Sun {opens:02}:00-{:02}:00", (opens + length) % 24)];
        let mut made = Made {
            settings: Settings {
                lease: hours(0),
                least_stop: minutes(0),
                max_uptime: None,
                start: Start::Never,
                ..made.settings.clone()
            },
            calendars: Vec::new(),
            // A keep that ends within the extension would show a stop there.
            sessions: made.sessions.iter().cloned().map(|s| MadeSession { tag: None, ..s }).collect(),
            ..made
        };
        made.leave_out_what_is_rescued();
        let (short, long) = (made.world_with(&idle(length)), made.world_with(&idle(length + 1)));
        let Some(Timetable::Shared(schedule)) = long.studio.settings.schedule.as_deref() else {
            panic!("it is shared")
        };
        // From the first day on no window of either is open in its extension.
        let is_open = schedule.window_after(first_day()).unwrap().opens <= first_day();
        prop_assume!(!is_open);
        assert_not_earlier(&short, &long)?;
    }

    /// With `rotate` the service destroys nothing in idle hours, nor before people are back from them;
    /// in a studio that is held everything but a rescue is left alone.
    #[test]
    fn what_is_rotated_outlives_its_idle_hours(made in made()) {
        let settings = Settings { preserve: Preserve::Rotate, ..made.settings.clone() };
        let margin = settings.return_margin;
        let made = Made { settings, ..made };
        let world = made.world();
        let Some(Timetable::Shared(schedule)) = world.studio.settings.schedule.as_deref() else {
            panic!("it is shared")
        };
        for event in foreseen(&world) {
            let Event::Ended(Ending { at, destroys: true }) = event.event else { continue };
            let window = schedule.window_after(at - margin).filter(|w| w.opens <= at);
            let window = window.filter(|window| window.closes < Timestamp::MAX);
            prop_assert!(window.is_none(), "{} is destroyed at {at}, in {window:?}", event.session);
        }
        let mut held = made.world();
        let gap = Gap { wanted: Wanted::Sessions, problem: Problem::Denied, detail: String::new() };
        held.snapshot.gaps.push(gap);
        for hour in 0..24 * 4 {
            let now = first_day() + hours(hour);
            let decisions = |world: &World| {
                let World { policy, studio, snapshot, history, .. } = world;
                plan(policy, studio, snapshot, history, now).decisions
            };
            for (whole, held) in decisions(&world).into_iter().zip(decisions(&held)) {
                prop_assert_eq!(whole.reason.is_rescue(), held.reason.is_rescue());
                prop_assert!(held.reason.is_rescue() || held.verdict() != Verdict::Start);
                prop_assert!(held.verdict() != Verdict::Stop && held.verdict() != Verdict::Warn);
            }
        }
    }

    #[test]
    fn the_brake_lets_through_all_or_none(made in made(), per_scan in 0..4_u32) {
        let mut world = made.world();
        world.studio.brake = Brake { per_scan, per_hour: 1_000 };
        for hour in 0..48 {
            let now = first_day() + hours(hour);
            let World { policy, studio, snapshot, history, .. } = &world;
            let plan = plan(policy, studio, snapshot, history, now);
            let count = |verdict| plan.decisions.iter().filter(|d| d.verdict() == verdict).count();
            prop_assert!(count(Verdict::Stop) <= per_scan as usize);
            let is_braked = |d: &&Arc<Decision>| d.verdict() == Verdict::Start && !d.reason.is_rescue();
            prop_assert!(plan.decisions.iter().filter(is_braked).count() <= per_scan as usize);
            prop_assert_eq!(count(Verdict::Hold) > 0, !plan.brakes.is_empty());
        }
    }
}

//! What deciding costs: a cold plan of 5,000 sessions under 50 rules, and the search for the next change
//! of a schedule.
//!
//! `cargo bench --bench plan` prints figures; there is no judgement in them.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use lightsout::clock::{Clock, SystemClock};
use lightsout::config;
use lightsout::inventory::{Session, SessionState, Snapshot, Stopping};
use lightsout::plan::{History, plan};
use lightsout::policy::{Policy, Schedule};

const SESSIONS: usize = 5_000;
const RULES: usize = 50;
const HOLIDAYS: usize = 66;
const PLANS: usize = 51;
const CHANGES: u32 = 200_000;

fn main() {
    let now: Timestamp = "2026-11-20T19:00:00Z".parse().unwrap();
    let snapshot = snapshot(now);
    let history = History::default();

    let figures = (0..PLANS).map(|_| {
        // A policy read anew remembers nothing of the plan before.
        let policy = policy();
        let studio = policy.studios.values().next().unwrap();
        measure(|| {
            let plan = black_box(plan(&policy, studio, &snapshot, &history, now));
            assert!(
                plan.decisions.iter().filter(|d| d.next_change.is_some()).count() > SESSIONS / 2
            );
        }) * 1e3
    });
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    println!(
        "cold plan of {SESSIONS} sessions under {RULES} rules, {PLANS} times: ms min {:.2}, median {:.2}, max {:.2}",
        figures[0],
        figures[PLANS / 2],
        figures[PLANS - 1]
    );
    for timetable in policy().schedules.values() {
        for (_, schedule) in timetable.schedules() {
            changes_in_order(schedule, now);
            changes_anywhere(schedule, now);
        }
    }
}

/// The next instant at which the schedule opens or closes.
fn next_change(schedule: &Schedule, instant: Timestamp) -> Timestamp {
    let window = schedule.window_after(instant).unwrap();
    if window.opens > instant { window.opens } else { window.closes }
}

/// From each change to the next, through centuries: nothing is asked twice.
fn changes_in_order(schedule: &Schedule, now: Timestamp) {
    let mut instant = now;
    let seconds = measure(|| {
        for _ in 0..CHANGES {
            instant = next_change(schedule, black_box(instant));
        }
    });
    let year = instant.to_string();
    println!(
        "next change of `{}`, one after another up to the year {}: {:.0} a second",
        schedule.name,
        &year[..4],
        f64::from(CHANGES) / seconds
    );
}

/// After instants all over the next three years.
fn changes_anywhere(schedule: &Schedule, now: Timestamp) {
    const SPAN_SECS: i64 = 3 * 365 * 86_400;
    let mut state: i64 = 1;
    let seconds = measure(|| {
        for _ in 0..CHANGES {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let instant = now + SignedDuration::from_secs((state >> 16).rem_euclid(SPAN_SECS));
            black_box(next_change(schedule, black_box(instant)));
        }
    });
    println!(
        "next change of `{}`, anywhere in three years: {:.0} a second",
        schedule.name,
        f64::from(CHANGES) / seconds
    );
}

/// How long work takes, in seconds.
fn measure(work: impl FnOnce()) -> f64 {
    let clock = SystemClock::new();
    work();
    clock.monotonic().as_secs_f64()
}

/// Ten windows and sixty-six holidays; each rule is about another owner or another tag, and the last of
/// them is never reached by most sessions.
fn policy() -> Policy {
    let mut text = r#"version = 1
[schedule.weekly]
zone = "America/Los_Angeles"
idle = [
    "Mon 19:00-07:00", "Tue 20:00-07:30", "Wed 20:00-06:00", "Thu 21:00-07:00", "Fri 20:00-24:00",
    "Sat-Sun", "Mon-Fri 12:00-13:00", "1st Wed 07:00-08:00", "last Fri 17:00-20:00", "Sun 20:00-07:00",
]
calendars = ["holidays"]
[schedule.cron]
zone = "Europe/London"
idle = { opens = "0 20 * * Mon-Fri", closes = "0 7 * * Mon-Fri" }
calendars = ["holidays"]
[[studio]]
id = "us-west-2:stid-BENCH"
account = "111122223333"
schedule = "weekly"
max_uptime = "14h"
brake = { per_scan = 5000, per_hour = 5000 }
"#
    .to_owned();
    for rule in 0..RULES {
        let schedule = if rule % 2 == 0 { "weekly" } else { "cron" };
        let table = format!(
            "[[studio.rule]]\nname = \"rule-{rule}\"\nmatch = {{ owner = [\"*-artist-{rule}\"], \
             instance_type = [\"g5.*\", \"g4dn.*\"], tag = {{ dept = [\"comp*\", \"f?\"] }} }}\n\
             schedule = \"{schedule}\"\n"
        );
        text.write_str(&table).unwrap();
    }
    text.push_str("[calendar.holidays]\neffect = \"closed\"\ndates = [\n");
    for holiday in 0..HOLIDAYS {
        // Eleven a year, for six years.
        let (year, month) = (2024 + holiday / 11, 1 + holiday % 11);
        writeln!(text, "\"{year}-{month:02}-{:02}\",", 3 + holiday % 25).unwrap();
    }
    text.push_str("]\n");
    let loaded = config::parse("bench", &text, Path::new("."));
    loaded.unwrap_or_else(|wrong| panic!("{}", wrong.render(false))).policy
}

fn snapshot(now: Timestamp) -> Snapshot {
    let sessions = (0..SESSIONS).map(|number| {
        let session = session(number, now);
        (session.id.clone(), session)
    });
    Snapshot {
        sessions: sessions.map(|(id, session)| (id, std::sync::Arc::new(session))).collect(),
        accounts: vec!["111122223333".into()],
        ..Snapshot::unread(now, Vec::new())
    }
}

/// Half of the sessions belong to owners whom a rule names; each has tags of its own.
fn session(number: usize, now: Timestamp) -> Session {
    let started = now - SignedDuration::from_secs(7 * number as i64);
    let dept = ["comp", "fx", "anim", "light"][number % 4];
    let tags = [("dept", dept.to_owned()), ("asset", format!("asset-{number}"))];
    Session {
        id: format!("session-{number:06}").into(),
        arn: None,
        state: SessionState::Ready,
        status: None,
        owner: Some(format!("9067f1a2b3-artist-{}", number % (2 * RULES)).into()),
        launch_profile: Some("lp-EXAMPLE1".into()),
        launch_profile_name: Some("Comp Workstation".to_owned()),
        instance_type: Some("g5.4xlarge".into()),
        studio_role: None,
        streaming_image: None,
        persistence: Some(false),
        created_at: Some(started),
        started_at: Some(started),
        stopped_at: None,
        started_by: None,
        stopped_by: None,
        terminate_at: None,
        ends_itself: None,
        stopping: Stopping::Allowed { destroyed_after: Some(SignedDuration::from_hours(96)) },
        retains_volumes: false,
        tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    }
}

//! What deciding costs: one plan of 5,000 sessions under 50 rules, and the search for windows.
//!
//! `cargo bench --bench plan` prints figures; there is no judgement in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use lightsout::clock::{Clock, SystemClock};
use lightsout::config;
use lightsout::inventory::{Session, SessionState, Snapshot, Stopping};
use lightsout::plan::{History, plan};
use lightsout::policy::Policy;

const SESSIONS: usize = 5_000;
const RULES: usize = 50;
const PLANS: usize = 51;
const WINDOWS: usize = 20_000;

fn main() {
    let policy = policy();
    let studio = policy.studios.values().next().unwrap();
    let now: Timestamp = "2026-11-20T19:00:00Z".parse().unwrap();
    let snapshot = snapshot(now);
    let history = History::default();

    let figures = (0..PLANS).map(|_| {
        measure(|| drop(black_box(plan(&policy, studio, &snapshot, &history, now)))) * 1e3
    });
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    println!(
        "plan of {SESSIONS} sessions under {RULES} rules, {PLANS} times: ms min {:.2}, median {:.2}, max {:.2}",
        figures[0],
        figures[PLANS / 2],
        figures[PLANS - 1]
    );

    for schedule in policy.schedules.values() {
        let mut instant = now;
        let seconds = measure(|| {
            for _ in 0..WINDOWS {
                let window = schedule.window_after(black_box(instant));
                instant = window.map_or(now, |window| window.closes);
            }
        });
        let a_second = WINDOWS as f64 / seconds;
        println!("next window of `{}`: {a_second:.0} a second", schedule.name);
    }
}

/// How long work takes, in seconds.
fn measure(work: impl FnOnce()) -> f64 {
    let clock = SystemClock::new();
    work();
    clock.monotonic().as_secs_f64()
}

/// Each rule is about another owner; the last of them is never reached by most sessions.
fn policy() -> Policy {
    let mut text = r#"version = 1
[schedule.weekly]
zone = "America/Los_Angeles"
idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]
[schedule.cron]
zone = "Europe/London"
idle = { opens = "0 20 * * Mon-Fri", closes = "0 7 * * Mon-Fri" }
[[studio]]
id = "us-west-2:stid-BENCH"
account = "111122223333"
schedule = "weekly"
max_uptime = "14h"
"#
    .to_owned();
    for rule in 0..RULES {
        let schedule = if rule % 2 == 0 { "weekly" } else { "cron" };
        let table = format!(
            "[[studio.rule]]\nname = \"rule-{rule}\"\nmatch = {{ owner = [\"*-artist-{rule}\"], \
             instance_type = [\"g5.*\", \"g4dn.*\"] }}\nschedule = \"{schedule}\"\n"
        );
        text.write_str(&table).unwrap();
    }
    let loaded = config::parse("bench", &text, Path::new("."));
    loaded.unwrap_or_else(|wrong| panic!("{}", wrong.render(false))).policy
}

fn snapshot(now: Timestamp) -> Snapshot {
    let sessions = (0..SESSIONS).map(|number| {
        let session = session(number, now);
        (session.id.clone(), session)
    });
    Snapshot {
        began: now,
        sessions: sessions.collect(),
        profiles: BTreeMap::new(),
        gaps: Vec::new(),
        accounts: vec!["111122223333".into()],
    }
}

/// Half of the sessions belong to owners whom a rule names.
fn session(number: usize, now: Timestamp) -> Session {
    let started = now - SignedDuration::from_secs(7 * number as i64);
    Session {
        id: format!("session-{number:06}").into(),
        arn: None,
        state: SessionState::Ready,
        status: None,
        owner: Some(format!("9067f1a2b3-artist-{}", number % (2 * RULES)).into()),
        launch_profile: Some("lp-EXAMPLE1".into()),
        launch_profile_name: Some("Comp Workstation".to_owned()),
        instance_type: Some("g5.4xlarge".into()),
        streaming_image: None,
        persistence: Some(false),
        created_at: Some(started),
        started_at: Some(started),
        stopped_at: None,
        stopped_by: None,
        terminate_at: None,
        ends_itself: None,
        stopping: Stopping::Allowed { destroyed_after: Some(SignedDuration::from_hours(96)) },
        retains_volumes: false,
        tags: BTreeMap::from([("dept".to_owned(), "comp".to_owned())]),
    }
}

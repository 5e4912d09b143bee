//! Laws of windows, over random schedules and zones: no night is skipped, nothing flaps, and every way
//! of asking says the same. None of them needs the oracle to know what a window is.

use std::sync::mpsc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lightsout::policy::{Schedule, Window};

use super::cases::{Deck, Form};
use super::civil::{self, DAY};
use super::crontab::{Expression, Field};
use super::placements::MINUTES;
use super::subject::{Idle, Subject};
use super::weekly::{Days, Hours, Weekly};
use super::writing;
use super::zone::{Zone, timestamp};
use lightsout::simulate::Chance;

const SCHEDULES: usize = 3_000;
const SEED: u64 = 7;
/// How long a stretch of a schedule is walked through.
const WALK_DAYS: i64 = 40;

/// Which stretch of a schedule is walked through.
struct Walk {
    from: i64,
    to: i64,
}

/// Random schedules in random zones, each with a walk that goes over a clock change or a month's end.
fn walks(deck: &Deck, mut check: impl FnMut(&Zone, &Subject, &Schedule, &Walk)) {
    for number in 0..SCHEDULES {
        let mut chance = Chance::new(SEED, number as u64);
        let mut case = deck.case(deck.fixed() + number);
        if case.form == Form::Weekly && chance.once_in(2) {
            let windows = (0..1 + chance.below(4)).map(|_| writing::any_weekly(&mut chance));
            case.subject.idle = Idle::Weekly(windows.collect());
        }
        let from = case.anchor.change.instant - chance.between(0, WALK_DAYS / 2 * DAY);
        let zone = deck.zone(&case);
        let schedule = case.subject.schedule(&zone.jiff);
        check(zone, &case.subject, &schedule, &Walk { from, to: from + WALK_DAYS * DAY });
    }
}

/// What a failure is about.
fn about(zone: &Zone, subject: &Subject) -> String {
    format!("zone = \"{}\", {subject}", zone.name)
}

/// The windows of a walk, found by going from one close to the next window.
fn found_by_steps(schedule: &Schedule, walk: &Walk, about: &str) -> Vec<Window> {
    let mut found: Vec<Window> = Vec::new();
    let mut next = schedule.window_after(timestamp(walk.from));
    while let Some(window) = next.filter(|window| window.opens < timestamp(walk.to)) {
        if let Some(last) = found.last() {
            assert!(window.opens > last.closes, "{about}: {last:?} leads to {window:?}");
        }
        assert!(window.opens < window.closes, "{about}: {window:?}");
        found.push(window);
        if window.closes >= timestamp(walk.to) {
            break;
        }
        next = schedule.window_after(window.closes);
    }
    found
}

#[test]
fn windows_are_in_order_apart_and_the_same_from_each_of_their_instants() {
    let deck = Deck::new(SEED);
    walks(&deck, |zone, subject, schedule, walk| {
        let about = about(zone, subject);
        for window in found_by_steps(schedule, walk, &about) {
            if window.opens == Timestamp::MIN || window.closes == Timestamp::MAX {
                // Idle for good: a test of its own is about that. Eight years on, the opening is forgotten.
                continue;
            }
            let length = window.length();
            let (second, instant) = (SignedDuration::from_secs(1), SignedDuration::from_nanos(1));
            for inside in [SignedDuration::ZERO, length / 2, length - second, length - instant] {
                // A window that never closes has no last second that matters.
                let Ok(asked) = window.opens.checked_add(inside) else { continue };
                let same = schedule.window_after(asked);
                assert_eq!(same, Some(window), "{about}: at {asked}");
            }
            if let Ok(before) = window.opens.checked_sub(instant) {
                assert_eq!(schedule.window_after(before), Some(window), "{about}: at {before}");
            }
            if window.closes < Timestamp::MAX {
                let next = schedule.window_after(window.closes);
                assert!(
                    next.is_none_or(|next| next.opens > window.closes),
                    "{about}: {window:?} closes, and {next:?} is open"
                );
            }
        }
    });
}

#[test]
fn a_later_question_never_has_an_earlier_answer() {
    let deck = Deck::new(SEED);
    walks(&deck, |zone, subject, schedule, walk| {
        let mut chance = Chance::new(SEED, walk.from as u64);
        let mut asked: Vec<i64> = (0..12).map(|_| chance.between(walk.from, walk.to)).collect();
        asked.sort_unstable();
        let answers = asked.iter().map(|second| schedule.window_after(timestamp(*second)));
        let answers: Vec<Option<Window>> = answers.collect();
        let in_order = answers.windows(2).all(|pair| match (pair[0], pair[1]) {
            (Some(earlier), Some(later)) => earlier == later || earlier.closes < later.opens,
            (_, None) => true,
            (None, Some(_)) => false,
        });
        assert!(in_order, "{}: {asked:?} lead to {answers:?}", about(zone, subject));
        for (second, answer) in asked.iter().zip(answers) {
            let is_after = answer.is_none_or(|window| window.closes > timestamp(*second));
            assert!(is_after, "{}: {answer:?} is over at {second}", about(zone, subject));
        }
    });
}

#[test]
fn the_list_of_windows_is_what_the_steps_find() {
    let deck = Deck::new(SEED);
    walks(&deck, |zone, subject, schedule, walk| {
        let about = about(zone, subject);
        let steps = found_by_steps(schedule, walk, &about);
        if steps.iter().any(|window| window.closes == Timestamp::MAX) {
            // Idle for good: a test of its own is about that.
            return;
        }
        let (from, to) = (timestamp(walk.from), timestamp(walk.to));
        assert_eq!(schedule.windows_between(from, to), steps, "{about}: {from} .. {to}");
        for window in steps.iter().take(4) {
            let only = [*window];
            // From its first instant, up to its last; and up to just after its opening.
            let after = window.opens.checked_add(SignedDuration::from_nanos(1)).unwrap();
            for (from, to) in [(window.opens, window.closes), (window.opens, after)] {
                assert_eq!(schedule.windows_between(from, to), only, "{about}: {from} .. {to}");
            }
            let Ok(before) = window.opens.checked_sub(SignedDuration::from_nanos(1)) else {
                continue;
            };
            assert_eq!(schedule.windows_between(before, window.opens), [], "{about}: {window:?}");
            assert_eq!(schedule.windows_between(before, after), only, "{about}: {window:?}");
        }
    });
}

/// The next instant at which a schedule turns from busy to idle or back.
fn next_change(schedule: &Schedule, instant: Timestamp) -> Option<Timestamp> {
    let window = schedule.window_after(instant)?;
    Some(if window.contains(instant) { window.closes } else { window.opens })
}

#[test]
fn going_from_change_to_change_goes_forward_and_turns_each_time() {
    let deck = Deck::new(SEED);
    walks(&deck, |zone, subject, schedule, walk| {
        let about = about(zone, subject);
        let is_idle =
            |instant| schedule.window_after(instant).is_some_and(|window| window.contains(instant));
        let mut instant = timestamp(walk.from);
        while let Some(next) =
            next_change(schedule, instant).filter(|next| *next < timestamp(walk.to))
        {
            assert!(next > instant, "{about}: {instant} leads to {next}");
            assert_ne!(is_idle(instant), is_idle(next), "{about}: nothing turns at {next}");
            let before = next.checked_sub(SignedDuration::from_nanos(1)).unwrap();
            assert_eq!(is_idle(instant), is_idle(before), "{about}: it turns before {next}");
            instant = next;
        }
    });
}

/// The civil times at which a schedule says that idle hours open on a day.
fn named(idle: &Idle, day: i64) -> Vec<i64> {
    match idle {
        Idle::Weekly(windows) => {
            let open = windows.iter().filter(|window| window.opens_on(day));
            open.map(|window| window.window(day).0).collect()
        }
        Idle::Cron { opens, .. } => {
            let fires = opens.fires();
            let times = fires.times.iter().filter(|_| fires.on(day));
            times.map(|time| day * DAY + time).collect()
        }
    }
}

#[test]
fn no_night_that_the_schedule_names_is_skipped() {
    let deck = Deck::new(SEED);
    let mut nights = 0;
    walks(&deck, |zone, subject, schedule, walk| {
        if !subject.calendars.is_empty() {
            return;
        }
        for day in civil::day_of(walk.from)..=civil::day_of(walk.to) {
            let offset = zone.offset_at(day * DAY);
            let is_ordinary = (-2..=2).all(|days| zone.offset_at((day + days) * DAY) == offset);
            for civil in named(&subject.idle, day).into_iter().filter(|_| is_ordinary) {
                let opens = timestamp(civil - offset);
                let window = schedule.window_after(opens);
                let is_idle = window.is_some_and(|window| window.contains(opens));
                let about = about(zone, subject);
                assert!(is_idle, "{about}: {} leads to {window:?}", civil::show(civil));
                nights += 1;
            }
        }
    });
    assert!(nights > 10 * SCHEDULES, "{nights} nights only");
}

/// A schedule that is idle for good: one window from the first instant to the last, however it is
/// asked. The list of its windows once had no end, so it is made where it can be given up.
#[test]
fn what_is_always_idle_is_one_window_however_it_is_asked() {
    let weekly = |text: &[(i64, i64)]| {
        let window = |(opens, closes): &(i64, i64)| Weekly {
            nth: Vec::new(),
            days: vec![Days::Run(1, 0)],
            hours: Some(Hours { opens: *opens, closes: *closes }),
        };
        Idle::Weekly(text.iter().map(window).collect())
    };
    let daily = |hour| Expression::daily(Field::one(0), Field::one(hour));
    let always = [
        weekly(&[(0, MINUTES)]),
        weekly(&[(420, 420)]),
        weekly(&[(0, 150), (150, 165), (165, MINUTES)]),
        weekly(&[(1200, 420), (400, 1210)]),
        Idle::Cron { opens: Box::new(daily(7)), closes: Box::new(daily(7)) },
    ];
    for (idle, zone) in always.into_iter().zip([
        "UTC",
        "Europe/Dublin",
        "Pacific/Apia",
        "Australia/Lord_Howe",
        "America/New_York",
    ]) {
        let subject = Subject { idle, calendars: Vec::new() };
        let zone = Zone::read(zone);
        let about = about(&zone, &subject);
        let schedule = subject.schedule(&zone.jiff);
        let whole = Window { opens: Timestamp::MIN, closes: Timestamp::MAX };
        for year in [1990, 2011, 2026, 2037] {
            let from = timestamp(civil::day(year, 3, 1).unwrap() * DAY);
            assert_eq!(schedule.window_after(from), Some(whole), "{about}");
            let (sender, receiver) = mpsc::channel();
            let schedule = schedule.clone();
            std::thread::spawn(move || {
                let to = from + SignedDuration::from_hours(24 * 7);
                sender.send(schedule.windows_between(from, to)).unwrap();
            });
            let found = receiver.recv_timeout(Duration::from_secs(60));
            assert_eq!(found, Ok(vec![whole]), "{about}");
        }
    }
}

#[test]
fn the_clock_changes_of_a_schedule_are_those_of_its_zone() {
    for zone in Zone::all() {
        let subject = Subject {
            idle: Idle::Weekly(vec![writing::any_weekly(&mut Chance::new(SEED, 0))]),
            calendars: Vec::new(),
        };
        let schedule = subject.schedule(&zone.jiff);
        let start = |year| civil::day(year, 1, 1).unwrap() * DAY;
        let (from, to) = (start(1990), start(2038));
        let ours: Vec<(Timestamp, i32, i32)> = zone
            .transitions()
            .filter(|change| from <= change.instant && change.instant < to)
            .map(|change| (timestamp(change.instant), change.before as i32, change.after as i32))
            .collect();
        assert_eq!(schedule.clock_changes(timestamp(from), timestamp(to)), ours, "{}", zone.name);
    }
}

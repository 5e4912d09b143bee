//! A long weekend with machines that the service destroys a day after they were stopped:
//! `preserve = "rotate"`.

use jiff::{SignedDuration, Timestamp};
use lightsout::audit::record::{Kind, Record};
use lightsout::clock::Clock;
use lightsout::daemon::Reload;
use lightsout::ids::AccountId;
use lightsout::inventory::Problem;
use lightsout::provider::faulty::Fault;
use lightsout::report::{Prices, Savings};
use lightsout::sandbox::world::{Caller, Effect, Operation, SessionState};

use crate::rig::{Rig, STUDIO, monday, policy, studio};

/// Destroyed a day after it was stopped.
const MORTAL: &str = r#"
[[studio.profile]]
id = "mortal"
name = "Mortal"
max_session_length_in_minutes = 43200
max_stopped_session_length_in_minutes = 1440

[[studio.session]]
id = "artist"
profile = "mortal"
owner = "owner-1"
created = "-30d"
started = "-9h"
"#;

const SECOND: &str = r#"
[[studio.session]]
id = "second"
profile = "mortal"
owner = "owner-2"
created = "-30d"
started = "-9h"
"#;

const ROTATE: &str = "preserve = \"rotate\"\nstart = \"resume\"";

const STOP: Operation = Operation::StopStreamingSession;
const START: Operation = Operation::StartStreamingSession;

fn saturday(time: &str) -> Timestamp {
    format!("2026-11-21T{time}-08:00").parse().unwrap()
}

fn sunday(time: &str) -> Timestamp {
    format!("2026-11-22T{time}-08:00").parse().unwrap()
}

async fn until(rig: &Rig, instant: Timestamp) {
    rig.clock.drive(instant).await;
}

async fn restart(rig: &mut Rig) {
    rig.end().await;
    rig.start().await;
}

/// When a session was stopped and started, whoever did it.
fn done(rig: &Rig, session: &str) -> Vec<(Operation, Timestamp)> {
    let is_it = |effect: &Effect| effect.subject == session;
    let effects = rig.effects().into_iter().filter(is_it);
    let done = effects.map(|effect| (effect.operation, effect.at));
    done.filter(|(operation, _)| [STOP, START].contains(operation)).collect()
}

fn operations(rig: &Rig, session: &str) -> Vec<Operation> {
    done(rig, session).into_iter().map(|(operation, _)| operation).collect()
}

/// The records whose reason is a rescue.
fn rescues(rig: &Rig, kind: &Kind) -> Vec<Record> {
    let is_rescue =
        |record: &Record| record.data.reason.as_ref().is_some_and(|r| r.code == "rescue");
    rig.of(kind).into_iter().filter(is_rescue).collect()
}

fn is_lost(rig: &Rig) -> bool {
    let now = rig.clock.now();
    let mut world = rig.world();
    world.advance(now);
    !world.destroyed().is_empty()
}

fn artist_starts(rig: &Rig) {
    let (owner, now) = (Caller::new("owner-1"), rig.clock.now());
    rig.world().start(STUDIO, "artist", None, owner, now).unwrap();
}

#[tokio::test]
async fn without_a_rescue_the_work_is_lost() {
    let rig = Rig::started("preserve = \"allow\"", MORTAL).await;
    until(&rig, saturday("19:59:59")).await;
    assert!(!is_lost(&rig));
    until(&rig, saturday("20:00:00")).await;
    assert!(is_lost(&rig));
}

#[tokio::test]
async fn a_studio_whose_machines_are_to_be_rescued_cannot_be_left_out_of_the_policy() {
    let mut rig = Rig::started(ROTATE, MORTAL).await;
    let without = || {
        let mut policy = policy("7m", &studio(ROTATE));
        (policy.studios, policy.hash) = (Default::default(), "another".into());
        Reload::Read(Box::new(policy))
    };
    until(&rig, saturday("12:00:00")).await;
    rig.reload(without()).await;
    let refused = rig.of(&Kind::PolicyRefused).pop().unwrap().data.error.unwrap().detail;
    let words = "cannot be left out while sessions of it have to be started before they would be destroyed \
                 (1 now); type `lightsout pause` instead";
    assert!(refused.ends_with(words), "{refused}");
    until(&rig, monday("06:59:00")).await;
    assert_eq!((is_lost(&rig), rig.state("artist")), (false, SessionState::Ready));
    // What is on is its people's.
    rig.reload(without()).await;
    assert_eq!((rig.count(&Kind::PolicyRefused), rig.count(&Kind::PolicyLoaded)), (1, 2));
}

#[tokio::test]
async fn it_is_stopped_and_rescued_over_the_weekend_and_ready_on_monday() {
    let mut rig = Rig::started(ROTATE, MORTAL).await;
    // The daemon comes and goes: while it is off, between a rescue and its stop, and while it starts.
    for instant in [saturday("12:00:00"), saturday("19:31:00"), saturday("19:40:00")] {
        until(&rig, instant).await;
        restart(&mut rig).await;
    }
    until(&rig, monday("06:59:00")).await;
    assert_eq!((is_lost(&rig), rig.state("artist")), (false, SessionState::Ready));
    let done = done(&rig, "artist");
    assert_eq!(operations(&rig, "artist"), [STOP, START, STOP, START, STOP, START]);
    // Half an hour before the day is over, to the second.
    let day = SignedDuration::from_mins(24 * 60 - 30);
    assert_eq!([done[1].1, done[3].1], [done[0].1 + day, done[2].1 + day]);
    assert_eq!((done[1].1, done[5].1), (saturday("19:30:00"), monday("06:50:00")));
    // It was on for no longer than it takes to start, and to warn who may sit there.
    for pair in [&done[1..3], &done[3..5]] {
        let on = pair[0].1.duration_until(pair[1].1);
        assert!((15..=22).contains(&on.as_mins()), "on for {on:#}");
    }
    assert_eq!(rig.count(&Kind::WarningGiven), 3, "each stop is announced");
    assert_eq!(rescues(&rig, &Kind::StartIntended).len(), 2);
    let alarms = rig.of(&Kind::SessionDecided);
    assert!(alarms.iter().all(|record| !record.data.reason.as_ref().unwrap().alarm));
    // Monday's run has its day of work.
    until(&rig, monday("19:40:00")).await;
    assert_eq!(rig.state("artist"), SessionState::Ready);
}

#[tokio::test]
async fn its_hours_are_saved_but_for_those_of_the_rescues() {
    let rig = Rig::started(ROTATE, MORTAL).await;
    until(&rig, monday("07:30:00")).await;
    let off = done(&rig, "artist");
    let off: SignedDuration = off.chunks(2).map(|pair| pair[0].1.duration_until(pair[1].1)).sum();
    let prices = Prices::new(&Default::default());
    let savings = Savings::fold(rig.journal.records(), &prices, rig.clock.now());
    assert_eq!((savings.total.off, savings.total.stops), (off, 3));
    assert!(savings.total.hours() > 57.0);
}

#[tokio::test]
async fn an_artist_who_starts_it_on_saturday_is_not_fought() {
    let rig = Rig::started(ROTATE, MORTAL).await;
    until(&rig, saturday("19:52:00")).await;
    assert_eq!(rig.state("artist"), SessionState::Stopped);
    artist_starts(&rig);
    until(&rig, saturday("21:51:59")).await;
    assert_eq!(rig.state("artist"), SessionState::Ready);
    until(&rig, saturday("21:53:00")).await;
    assert_eq!(rig.state("artist"), SessionState::StopInProgress);
    until(&rig, monday("07:00:00")).await;
    assert_eq!((is_lost(&rig), rig.state("artist")), (false, SessionState::Ready));
}

#[tokio::test]
async fn an_artist_who_starts_it_after_a_failed_rescue_has_the_lease() {
    let rig = Rig::started(ROTATE, &MORTAL.replace("-9h\"\n", "-9h\"\nfails_to_start = 1\n")).await;
    until(&rig, saturday("19:34:30")).await;
    assert_eq!(rig.count(&Kind::StartFailed), 1);
    artist_starts(&rig);
    until(&rig, saturday("21:34:29")).await;
    assert_eq!(operations(&rig, "artist"), [STOP, START, START]);
    assert_eq!(rig.state("artist"), SessionState::Ready);
}

#[tokio::test]
async fn a_rescue_that_fails_is_made_again_soon_and_a_person_is_told() {
    let rig = Rig::started(ROTATE, &MORTAL.replace("-9h\"\n", "-9h\"\nfails_to_start = 2\n")).await;
    until(&rig, saturday("19:50:00")).await;
    assert_eq!(operations(&rig, "artist"), [STOP, START, START, START]);
    assert_eq!((rig.count(&Kind::StartFailed), rig.state("artist")), (2, SessionState::Ready));
    let failures: Vec<String> = rescues(&rig, &Kind::SessionDecided)
        .iter()
        .map(|record| record.data.reason.as_ref().unwrap())
        .filter(|reason| reason.alarm)
        .map(|reason| reason.values["failures"].clone())
        .collect();
    assert_eq!(failures, ["1", "2"]);
    until(&rig, monday("07:00:00")).await;
    assert!(!is_lost(&rig));
}

#[tokio::test]
async fn a_rescue_that_has_room_in_the_log_waits_for_no_other_record() {
    let (profile, session) = MORTAL.split_at(MORTAL.find("[[studio.session]]").unwrap());
    let named = |number| session.replace("\"artist\"", &format!("\"artist-{number}\""));
    let artists = profile.to_owned() + &(0..6).map(named).collect::<String>();
    let rig = Rig::started(ROTATE, &artists).await;
    until(&rig, saturday("19:20:00")).await;
    // What a scan tells of six at once does not fit any more, and one intent does.
    rig.journal.fail_from(2);
    until(&rig, saturday("19:59:00")).await;
    for number in 0..6 {
        assert_eq!(operations(&rig, &format!("artist-{number}")), [STOP, START]);
    }
    rig.journal.fail_from(0);
    until(&rig, monday("07:00:00")).await;
    assert!(!is_lost(&rig));
}

#[tokio::test]
async fn a_rescue_that_is_accepted_and_does_nothing_is_made_anew_while_there_is_time() {
    let rig = Rig::started(ROTATE, MORTAL).await;
    until(&rig, saturday("19:29:00")).await;
    let before = rig.calls().len();
    rig.door.starts_in_vain(3);
    until(&rig, saturday("20:30:00")).await;
    assert!(!is_lost(&rig));
    let calls = &rig.calls()[before..];
    let tokens: std::collections::BTreeSet<&String> =
        calls.iter().take(4).map(|call| &call.token).collect();
    assert_eq!((tokens.len(), rig.count(&Kind::StartFailed)), (4, 3), "{calls:?}");
    assert_eq!(operations(&rig, "artist"), [STOP, START, STOP], "it has no lease");
}

#[tokio::test]
async fn a_rescue_does_not_wait_for_the_mark_of_its_stop() {
    let rig = Rig::started(ROTATE, MORTAL).await;
    rig.door.tag_takes(SignedDuration::from_hours(24));
    until(&rig, saturday("19:40:00")).await;
    assert_eq!(rig.count(&Kind::MarkIntended), 1);
    assert_eq!(operations(&rig, "artist"), [STOP, START]);
}

#[tokio::test]
async fn a_rescue_does_not_wait_behind_two_hundred_stops() {
    // Ours is off since Friday; two hundred others are due when it is to be rescued, of which each takes half
    // a minute.
    let others = (0..200).map(|number| {
        format!(
            "[[studio.session]]\nid = \"a-{number}\"\nprofile = \"persistent\"\n\
             owner = \"o\"\ncreated = \"-30d\"\nstarted = \"-9h\"\n"
        )
    });
    let settings = format!(
        "{ROTATE}\nwarn = []\nbrake = {{ per_scan = 500, per_hour = 500 }}\n\
         [[studio.rule]]\nname = \"others\"\nmatch = {{ session = \"a-*\" }}\n\
         lease = \"33h 17m\"\n"
    );
    let sessions = MORTAL.to_owned() + &others.collect::<String>();
    let rig = Rig::started(&settings, &sessions).await;
    until(&rig, saturday("19:29:00")).await;
    let before = rig.calls().len();
    rig.door.stop_takes(SignedDuration::from_secs(30));
    until(&rig, saturday("19:32:00")).await;
    let calls = &rig.calls()[before..];
    let place = calls.iter().position(|call| call.session == "artist").unwrap();
    assert!((16..=48).contains(&place), "{place} of {calls:?}");
    assert!(calls[place].at <= saturday("19:31:30"), "{:?}", calls[place]);
}

#[tokio::test]
async fn a_rescue_that_is_refused_is_asked_for_every_two_minutes() {
    let rig = Rig::started(ROTATE, MORTAL).await;
    until(&rig, saturday("19:29:00")).await;
    let before = rig.calls().len();
    rig.faulty.set(Some(Fault::Refusal(Problem::Refused)));
    until(&rig, saturday("19:58:30")).await;
    let calls: Vec<Timestamp> = rig.calls()[before..].iter().map(|call| call.at).collect();
    let pauses = calls.windows(2).map(|pair| pair[0].duration_until(pair[1]).as_secs());
    assert!(pauses.clone().all(|pause| (60..=120).contains(&pause)), "{calls:?}");
    assert!(calls.len() >= 14 && rescues(&rig, &Kind::SessionDecided).len() > 10, "{calls:?}");
    rig.faulty.set(None);
    until(&rig, monday("07:00:00")).await;
    assert!(!is_lost(&rig));
}

#[tokio::test]
async fn a_rescue_whose_answer_is_lost_is_known_for_one() {
    let mut rig = Rig::started(ROTATE, MORTAL).await;
    until(&rig, saturday("19:29:00")).await;
    rig.faulty.set(Some(Fault::LostAnswer));
    until(&rig, saturday("19:31:00")).await;
    rig.faulty.set(None);
    restart(&mut rig).await;
    until(&rig, saturday("19:56:00")).await;
    assert_eq!(rig.count(&Kind::StartAccepted), 0);
    assert_eq!(operations(&rig, "artist"), [STOP, START, STOP], "it has no lease");
}

#[tokio::test]
async fn a_partial_list_prevents_no_rescue_of_what_it_shows() {
    let rig = Rig::started(ROTATE, &[MORTAL, SECOND].concat()).await;
    until(&rig, saturday("19:00:00")).await;
    // The second half is lacking: that is the second session.
    rig.faulty.set(Some(Fault::PartialList(Problem::Throttled)));
    until(&rig, saturday("19:44:00")).await;
    assert_eq!(done(&rig, "artist")[1..], [(START, saturday("19:30:00"))]);
    // What it does not show is read by itself.
    assert_eq!(operations(&rig, "second"), [STOP, START]);
    // They are stopped again once the studio is seen whole.
    rig.faulty.set(None);
    until(&rig, monday("07:00:00")).await;
    assert!(!is_lost(&rig));
    let all = [STOP, START, STOP, START, STOP, START];
    assert_eq!([operations(&rig, "artist"), operations(&rig, "second")], [all, all]);
}

#[tokio::test]
async fn what_we_put_off_is_read_by_itself_where_the_list_cannot_be_read() {
    let others =
        [SECOND.to_owned(), SECOND.replace("second", "sold"), SECOND.replace("second", "third")];
    let rig = Rig::started(ROTATE, &[MORTAL.to_owned(), others.concat()].concat()).await;
    until(&rig, saturday("12:00:00")).await;
    // One row that nobody understands, by itself neither, and others are on its page.
    rig.faulty.set(Some(Fault::PartialList(Problem::Garbled)));
    rig.door.garbles("sold");
    until(&rig, sunday("02:00:00")).await;
    assert_eq!(
        ["artist", "second", "third"].map(|session| operations(&rig, session)),
        [[STOP, START], [STOP, START], [STOP, START]],
    );
    // Nothing else is done, and it is said.
    assert!(rig.of(&Kind::StudioHeld).iter().any(|held| held.time >= saturday("12:00:00")));
    assert_eq!(operations(&rig, "sold"), [STOP]);
}

#[tokio::test]
async fn so_it_is_where_a_part_of_the_list_fails_and_the_service_is_there() {
    let broken = [Problem::ServerError, Problem::Throttled, Problem::TimedOut];
    // So it may say of a token of a page that it does not know any more.
    for problem in broken.into_iter().chain([Problem::Refused, Problem::Conflict]) {
        let rig = Rig::started(ROTATE, MORTAL).await;
        until(&rig, saturday("12:00:00")).await;
        rig.faulty.set(Some(Fault::PartialList(problem)));
        until(&rig, sunday("02:00:00")).await;
        assert_eq!(operations(&rig, "artist"), [STOP, START], "{problem:?}");
    }
}

/// The policy of the weekend, where somebody decides on Saturday that this one is worked through.
fn worked_through(preserve: &str) -> Reload {
    let text = format!(
        "version = 1\nmode = \"enforce\"\n[daemon]\nscan = \"7m\"\n[audit]\npath = \"audit.jsonl\"\n\
         [schedule.nights]\nzone = \"America/Los_Angeles\"\nidle = [\"Mon-Fri 20:00-07:00\", \"Sat 07:00-09:00\"]\n{}",
        studio(&format!("preserve = \"{preserve}\""))
    );
    let loaded = lightsout::config::parse("policy.toml", &text, std::path::Path::new(""));
    Reload::Read(Box::new(loaded.unwrap().policy))
}

#[tokio::test]
async fn what_was_put_off_until_monday_is_saved_though_the_weekend_is_worked_by_now() {
    for (preserve, is_saved) in [("rotate", true), ("refuse", true), ("allow", false)] {
        let mut rig = Rig::started(ROTATE, MORTAL).await;
        until(&rig, saturday("09:30:00")).await;
        rig.reload(worked_through(preserve)).await;
        until(&rig, saturday("21:00:00")).await;
        assert_eq!(is_lost(&rig), !is_saved, "{preserve}");
        let done = operations(&rig, "artist");
        assert_eq!(done, if is_saved { vec![STOP, START] } else { vec![STOP] }, "{preserve}");
    }
}

#[tokio::test]
async fn another_account_s_sessions_are_not_rescued() {
    let rig = Rig::started(ROTATE, MORTAL).await;
    until(&rig, saturday("19:00:00")).await;
    let other = || vec![AccountId::from("999999999999")];
    rig.door.shows_until(saturday("19:50:00"), |seen| seen.accounts = other()).await;
    until(&rig, saturday("19:49:59")).await;
    assert_eq!(operations(&rig, "artist"), [STOP]);
    let last = rig.of(&Kind::SessionDecided).pop().unwrap().data.reason.unwrap();
    assert_eq!((last.code.as_str(), last.alarm), ("termination_near", true));
    until(&rig, saturday("19:56:00")).await;
    assert_eq!(operations(&rig, "artist"), [STOP, START]);
}

#[tokio::test]
async fn what_a_person_stopped_is_rescued_and_stays_off() {
    let rig = Rig::started(ROTATE, MORTAL).await;
    rig.world().stop(STUDIO, "artist", None, Caller::new("owner-1"), rig.clock.now()).unwrap();
    until(&rig, monday("12:00:00")).await;
    let cycle = [STOP, START];
    assert_eq!(operations(&rig, "artist"), [&cycle[..], &cycle, &[STOP]].concat());
    assert_eq!((is_lost(&rig), rig.state("artist")), (false, SessionState::Stopped));
    assert_eq!(rig.verbs("mark"), Vec::<String>::new(), "nothing tells that it is to be started");
}

#[tokio::test]
async fn in_observe_a_rescue_is_withheld_with_an_alarm() {
    let rig = Rig::started(&format!("{ROTATE}\nmode = \"observe\""), MORTAL).await;
    rig.world().stop(STUDIO, "artist", None, Caller::new("owner-1"), rig.clock.now()).unwrap();
    until(&rig, sunday("00:00:00")).await;
    assert_eq!((rig.calls(), is_lost(&rig)), (vec![], true));
    assert_eq!(rescues(&rig, &Kind::StartWithheld).len(), 1);
    let alarms = rig.of(&Kind::SessionDecided).into_iter().filter_map(|record| record.data.reason);
    let alarms: Vec<String> = alarms.filter(|r| r.alarm).map(|reason| reason.code).collect();
    assert_eq!(alarms, ["termination_near", "rescue", "rescue"]);
}

#[tokio::test]
async fn a_daemon_that_comes_back_late_rescues_at_once() {
    let mut rig = Rig::started(ROTATE, MORTAL).await;
    until(&rig, saturday("12:00:00")).await;
    rig.end().await;
    until(&rig, saturday("19:55:00")).await;
    rig.start().await;
    until(&rig, saturday("20:01:00")).await;
    assert!(!is_lost(&rig));
    assert_eq!(done(&rig, "artist")[1..], [(START, saturday("19:55:00"))]);
    assert!(rescues(&rig, &Kind::SessionDecided)[0].data.reason.as_ref().unwrap().alarm);
}

/// The clock of the host falls five hours behind while no daemon runs: nothing in the log shows it.
async fn fall_behind(rig: &mut Rig) {
    until(rig, saturday("10:00:00")).await;
    rig.end().await;
    rig.pass(6).await;
    rig.set_clock(-SignedDuration::from_hours(5));
    rig.start().await;
}

#[tokio::test]
async fn by_a_clock_that_fell_behind_a_rescue_is_in_time_where_the_service_tells_its_own() {
    for tells_time in [false, true] {
        let mut rig = Rig::started(ROTATE, MORTAL).await;
        if tells_time {
            rig.door.tells_time();
        }
        fall_behind(&mut rig).await;
        // It is destroyed at 20:00, when this clock shows 15:00.
        until(&rig, saturday("14:29:00")).await;
        assert_eq!(operations(&rig, "artist"), [STOP]);
        until(&rig, saturday("14:35:00")).await;
        assert_eq!(operations(&rig, "artist").len(), if tells_time { 2 } else { 1 });
        until(&rig, saturday("15:00:00")).await;
        assert_eq!(is_lost(&rig), !tells_time);
    }
}

#[tokio::test]
async fn what_the_service_says_of_the_time_is_recorded_once_and_again_when_the_clock_is_right() {
    let mut rig = Rig::started(ROTATE, MORTAL).await;
    rig.door.tells_time();
    fall_behind(&mut rig).await;
    until(&rig, saturday("12:00:00")).await;
    let said = |rig: &Rig| {
        let reasons = rig.of(&Kind::ClockCompared).into_iter().map(|record| record.data.reason);
        let said = reasons.flatten().map(|reason| (reason.alarm, reason.text));
        said.collect::<Vec<_>>()
    };
    let behind = || (true, "the clock of this host is behind the service's by some 5h".to_owned());
    assert_eq!(said(&rig), [behind()]);
    // Another daemon knows it from the log.
    restart(&mut rig).await;
    until(&rig, saturday("12:30:00")).await;
    assert_eq!(said(&rig), [behind()]);
    // Set right while nobody looks; the rescue is not five hours early by then.
    rig.end().await;
    rig.set_clock(SignedDuration::from_hours(5));
    rig.start().await;
    until(&rig, saturday("19:25:00")).await;
    let right = (false, "the clock of this host shows the same as the service's".to_owned());
    assert_eq!(said(&rig), [behind(), right]);
    assert_eq!(operations(&rig, "artist"), [STOP]);
    until(&rig, saturday("20:01:00")).await;
    assert!(!is_lost(&rig));
}

mod clocks;
mod control;

use super::*;
use crate::audit::record::{SeenData, VetoData};
use crate::audit::samples::{self, at};
use crate::audit::{Line, chain};
use crate::plan::{Cause, ClockJump, Reason, VetoSays};

const STAGES_OF_AN_END: [Stage; 2] = [Stage::Rejected, Stage::Failed];

const STUDIO: &str = "us-west-2:stid-1";
const RUN: &str = "2026-11-19T17:00:00Z";
const LATER_RUN: &str = "2026-11-20T17:00:00Z";

fn record(kind: Kind, change: impl FnOnce(&mut Data)) -> Record {
    let mut record = samples::full(kind, 1);
    record.time = at("2026-11-20T03:30:00Z");
    change(&mut record.data);
    record
}

fn of_run(kind: Kind, run: &str) -> Record {
    record(kind, |data| data.seen.as_mut().unwrap().started_at = Some(at(run)))
}

/// A stage of an action about `run`: the start of what is stopped, or the stop of what is started.
fn deed(action: Action, stage: Stage, run: &str) -> Record {
    record(Deed { action, stage }.kind(), |data| match action {
        Action::Stop => data.seen.as_mut().unwrap().started_at = Some(at(run)),
        Action::Start => data.stopped_at = Some(at(run)),
    })
}

fn tokened(mut record: Record, token: &str, time: &str) -> Record {
    (record.data.client_token, record.time) = (Some(token.to_owned()), at(time));
    record
}

/// The past after `records`, which is the same when they were written and read back.
fn past(records: &[Record]) -> StudioPast {
    let (mut live, mut read) = (Replay::default(), Replay::default());
    records.iter().for_each(|record| live.apply(record));
    for line in samples::log_of(records).split_inclusive(|byte| *byte == b'\n') {
        let line: Line = chain::parse_line(line).unwrap();
        read.apply(&line.record);
    }
    assert_eq!(live, read);
    live.studio(&STUDIO.into()).clone()
}

fn session(records: &[Record]) -> SessionHistory {
    past(records).history.of(&"s1".into()).clone()
}

fn open(accepted: bool) -> Option<OpenIntent> {
    let at = at("2026-11-20T03:30:00Z");
    Some(OpenIntent {
        run: RUN.parse().unwrap(),
        token: "token-1".to_owned(),
        at,
        since: at,
        accepted,
        repeats: false,
        refused: 0,
        late: false,
        rescue: None,
        needed_until: None,
        destroyed_after: None,
    })
}

#[test]
fn an_intent_is_open_until_its_outcome_is_known() {
    for action in Action::ALL.iter().copied() {
        let intent = || deed(action, Stage::Intended, RUN);
        let open_after = |records: &[Record]| session(records).open_intent(action).cloned();
        let after = |stage| open_after(&[intent(), deed(action, stage, RUN)]);
        assert_eq!(open_after(&[intent()]), open(false));
        assert_eq!(after(Stage::Accepted), open(true));
        for stage in [Stage::Unanswered, Stage::Dropped, Stage::Withheld] {
            assert_eq!(after(stage), open(false), "{action} {stage:?}");
        }
        let late = open(false).map(|open| OpenIntent { late: true, ..open });
        assert_eq!(after(Stage::Late), late);
        for stage in [Stage::Proven, Stage::Rejected, Stage::Failed] {
            assert_eq!(after(stage), None, "{action} {stage:?}");
        }
        assert_eq!(open_after(&[deed(action, Stage::Accepted, RUN)]), None);
        let mut bare = intent();
        (bare.data.seen, bare.data.stopped_at, bare.data.client_token) = (None, None, None);
        let open = open_after(&[bare]).unwrap();
        assert_eq!((open.run, open.token.as_str()), (at("2026-11-20T03:30:00Z"), ""));
    }
}

/// An answer of a veto about a due instant of a run.
fn answer(name: &str, says: VetoSays, run: &str, due: &str, time: &str) -> Record {
    let mut record = of_run(Kind::VetoAnswered, run);
    record.data.veto = Some(VetoData::new(&name.into(), &says));
    (record.data.due, record.time) = (Some(at(due)), at(time));
    record
}

#[test]
fn what_a_veto_said_last_is_known_and_since_when() {
    const DUE: &str = "2026-11-20T04:00:00Z";
    const LATER_DUE: &str = "2026-11-20T05:00:00Z";
    const TIMES: [&str; 3] =
        ["2026-11-20T04:00:01Z", "2026-11-20T04:05:00Z", "2026-11-20T05:00:02Z"];
    let busy = || VetoSays::Busy { words: "frame 1".to_owned() };
    let failed = || VetoSays::Failed { words: "silent".to_owned() };
    let first = answer("farm", busy(), RUN, DUE, TIMES[0]);
    let records = [first, answer("farm", VetoSays::Clear, RUN, DUE, TIMES[1])];
    let (run, due, [one, two, three]) = (at(RUN), at(DUE), TIMES.map(at));
    let given = |due, since, at, says| VetoGiven { run, due, since, at, says };
    let farm = |records: &[Record]| session(records).vetoes.get(&"farm".into()).cloned();
    assert_eq!(farm(&records[..1]), Some(given(due, one, one, busy())));
    assert_eq!(farm(&records), Some(given(due, one, two, VetoSays::Clear)));
    // Another due instant is another question; another run leaves nothing of the one before.
    let other_due = answer("farm", failed(), RUN, LATER_DUE, TIMES[2]);
    let expected = Some(given(at(LATER_DUE), three, three, failed()));
    assert_eq!(farm(&[&records[..], &[other_due]].concat()), expected);
    let other_run = answer("licences", busy(), LATER_RUN, LATER_DUE, TIMES[2]);
    let after = session(&[&records[..], &[other_run]].concat());
    assert_eq!(after.vetoes.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["licences"]);
    // A stop ends what was said about it, and so does the end of the session.
    for end in [deed(Action::Stop, Stage::Proven, RUN), of_run(Kind::SessionVanished, RUN)] {
        assert!(session(&[&records[..], &[end]].concat()).vetoes.is_empty());
    }
    // A word of another version is no permission, and what lacks the facts changes nothing.
    let mut unknown = records[1].clone();
    unknown.data.veto.as_mut().unwrap().says = "mostly".to_owned();
    assert!(matches!(farm(&[unknown]).unwrap().says, VetoSays::Failed { .. }));
    let lacks: [fn(&mut Data); 3] =
        [|data| data.veto = None, |data| data.due = None, |data| data.seen = None];
    for lack in lacks {
        let mut bare = records[0].clone();
        lack(&mut bare.data);
        assert_eq!(farm(&[bare]), None);
    }
}

#[test]
fn the_calls_of_one_action_say_nothing_of_the_other() {
    let stopping = session(&[deed(Action::Stop, Stage::Intended, RUN)]);
    assert_eq!((stopping.open, stopping.starting), (open(false), None));
    let records = [Stage::Intended, Stage::Failed].map(|stage| deed(Action::Start, stage, RUN));
    let starting = session(&[&[deed(Action::Stop, Stage::Intended, RUN)], &records[..]].concat());
    assert_eq!((&starting.open, &starting.starting), (&open(false), &None));
    assert_eq!((starting.attempt(at(RUN)), starting.start_attempt(at(RUN))), (0, 1));
}

#[test]
fn only_known_ends_of_a_run_count_as_attempts() {
    for action in Action::ALL.iter().copied() {
        let one = |stage| [deed(action, Stage::Intended, RUN), deed(action, stage, RUN)];
        let [rejected, failed] = STAGES_OF_AN_END.map(one);
        let unanswered = one(Stage::Unanswered);
        let both = session(&[rejected.as_slice(), &unanswered, &failed].concat());
        assert_eq!(both.next_attempt(action, at(RUN)), 2);
        assert_eq!(both.next_attempt(action, at(LATER_RUN)), 0);
        let later = [Stage::Intended, Stage::Rejected].map(|stage| deed(action, stage, LATER_RUN));
        let history = session(&[rejected.as_slice(), &later].concat());
        let last = at("2026-11-20T03:30:00Z");
        let attempts = Some(Attempts { run: at(LATER_RUN), ended: 1, last });
        match action {
            Action::Stop => assert_eq!(history.attempts, attempts),
            Action::Start => assert_eq!(history.start_attempts, attempts),
        }
    }
}

#[test]
fn a_refused_repetition_says_nothing_of_the_call_before_it() {
    for action in Action::ALL.iter().copied() {
        for refusal in [Stage::Rejected, Stage::Withdrawn] {
            let stages = [Stage::Intended, Stage::Unanswered, Stage::Intended, refusal];
            let history = session(&stages.map(|stage| deed(action, stage, RUN)));
            let open = history.open_intent(action);
            assert!(open.is_some_and(|open| open.repeats && !open.accepted));
            assert_eq!(history.next_attempt(action, at(RUN)), 0);
        }
    }
}

#[test]
fn what_was_withdrawn_or_came_to_nothing_is_closed_and_no_attempt() {
    for action in Action::ALL.iter().copied() {
        for end in [Stage::Withdrawn, Stage::Lapsed] {
            let history = session(&[Stage::Intended, end].map(|stage| deed(action, stage, RUN)));
            assert_eq!(history.open_intent(action), None);
            assert_eq!(history.next_attempt(action, at(RUN)), 0);
        }
    }
}

#[test]
fn a_proven_start_ends_its_attempts_and_leaves_our_stop_known() {
    let stages = [Stage::Intended, Stage::Failed, Stage::Intended, Stage::Proven];
    let mut records = vec![deed(Action::Stop, Stage::Proven, RUN)];
    records.extend(stages.map(|stage| deed(Action::Start, stage, LATER_RUN)));
    let history = session(&records);
    assert_eq!((history.starting, history.start_attempts), (None, None));
    assert_eq!(history.ours, Some(OurStop { stopped_at: at("2026-11-20T04:03:00Z") }));
}

/// The intent of a rescue from a stop of ours or another's, the answer, and the proof that it led to a run
/// that began at `start`.
fn rescue(stopped_by: StoppedBy, answer: Stage, start: &str) -> Vec<Record> {
    let mut intent = deed(Action::Start, Stage::Intended, RUN);
    let reason = intent.data.reason.as_mut().unwrap();
    reason.code = RESCUE.to_owned();
    reason.values.insert(STOPPED_BY.to_owned(), stopped_by.to_string());
    let mut proof = deed(Action::Start, Stage::Proven, RUN);
    proof.data.seen.as_mut().unwrap().started_at = Some(at(start));
    vec![intent, deed(Action::Start, answer, RUN), proof]
}

#[test]
fn the_run_that_a_rescue_led_to_is_remembered_whatever_the_answer() {
    for stopped_by in [StoppedBy::Us, StoppedBy::Another] {
        for answer in [Stage::Accepted, Stage::Unanswered] {
            let history = session(&rescue(stopped_by, answer, "2026-11-20T03:30:01Z"));
            let start = at("2026-11-20T03:30:01Z");
            assert_eq!(
                history.rescued,
                Some(RescuedRun { start, stopped_at: Some(at(RUN)), stopped_by })
            );
            assert!(history.is_rescued(start) && !history.is_rescued(at(RUN)));
            assert_eq!(history.is_stop_ours(start), stopped_by == StoppedBy::Us);
            assert!(history.is_stop_ours(at(RUN)));
        }
    }
    let resumed = [Stage::Intended, Stage::Accepted, Stage::Proven];
    assert_eq!(session(&resumed.map(|stage| deed(Action::Start, stage, RUN))).rescued, None);
}

#[test]
fn a_run_that_began_long_after_the_call_is_somebody_s_own() {
    let rescued = |start| session(&rescue(StoppedBy::Us, Stage::Accepted, start)).rescued.is_some();
    assert!(rescued("2026-11-20T03:28:00Z") && rescued("2026-11-20T03:35:00Z"));
    assert!(!rescued("2026-11-20T03:27:59Z") && !rescued("2026-11-20T03:35:01Z"));
    // By the service's clock, where a stop has told how far ours is ahead of it: by four minutes here.
    let by_its_clock = |start| {
        let stop = deed(Action::Stop, Stage::Intended, RUN);
        let mut proven = of_run(Kind::StopProven, RUN);
        (proven.time, proven.data.stopped_at) =
            (stop.time, Some(stop.time - SignedDuration::from_mins(4)));
        let records = [vec![stop, proven], rescue(StoppedBy::Us, Stage::Accepted, start)].concat();
        session(&records).rescued.is_some()
    };
    assert!(by_its_clock("2026-11-20T03:24:00Z") && by_its_clock("2026-11-20T03:31:00Z"));
    assert!(!by_its_clock("2026-11-20T03:23:59Z") && !by_its_clock("2026-11-20T03:31:01Z"));
    // Of two calls under one token, one of which was no rescue, nobody can tell which led to it.
    let mut records = rescue(StoppedBy::Us, Stage::Unanswered, "2026-11-20T03:30:01Z");
    records.insert(0, deed(Action::Start, Stage::Intended, RUN));
    assert_eq!(session(&records).rescued, None);
}

#[test]
fn a_run_that_the_service_says_another_began_is_another_s_unless_it_took_our_call() {
    let rescued = |answer, started_by: Option<&str>| {
        let mut us = deed(Action::Stop, Stage::Accepted, RUN);
        us.data.stopped_by = Some("us:one".to_owned());
        let mut rescue = rescue(StoppedBy::Us, answer, "2026-11-20T03:30:01Z");
        rescue[2].data.started_by = started_by.map(str::to_owned);
        session(&[vec![us], rescue].concat()).rescued.is_some()
    };
    assert!(!rescued(Stage::Unanswered, Some("an-artist")));
    for by in [None, Some("us:one")] {
        assert!(rescued(Stage::Unanswered, by), "{by:?}");
    }
    // Who we are may change from one start of the program to the next.
    assert!(rescued(Stage::Accepted, Some("us:two")));
    // But we own no session: our start had failed, and its owner started it right after.
    let mut records = rescue(StoppedBy::Us, Stage::Accepted, "2026-11-20T03:30:01Z");
    records[2].data.seen.as_mut().unwrap().owner = Some("an-artist".to_owned());
    for (by, is_ours) in [("an-artist", false), ("us:two", true)] {
        records[2].data.started_by = Some(by.to_owned());
        assert_eq!(session(&records).rescued.is_some(), is_ours, "{by}");
    }
}

#[test]
fn a_stop_after_the_rescue_of_what_another_stopped_is_not_ours() {
    let start = "2026-11-20T03:30:01Z";
    let stop = || [Stage::Intended, Stage::Proven].map(|stage| deed(Action::Stop, stage, start));
    let ours = |stopped_by| {
        let records = rescue(stopped_by, Stage::Accepted, start).into_iter().chain(stop());
        session(&records.collect::<Vec<_>>()).ours
    };
    let stopped_at = at("2026-11-20T04:03:00Z");
    assert_eq!(ours(StoppedBy::Us), Some(OurStop { stopped_at }));
    assert_eq!(ours(StoppedBy::Another), None);
}

#[test]
fn the_brake_does_not_count_a_rescue() {
    let past = past(&rescue(StoppedBy::Us, Stage::Accepted, "2026-11-20T03:30:01Z"));
    assert_eq!(past.history.starts, []);
    let reason = Reason::Rescue {
        terminate_at: at(RUN),
        closes: at(LATER_RUN),
        failures: 0,
        is_observed: false,
        is_late: false,
        stopped_by: StoppedBy::Us,
    };
    assert_eq!(reason.code(), RESCUE);
}

#[test]
fn a_stop_is_marked_once_whatever_came_of_it() {
    let mark = |kind| record(kind, |data| data.stopped_at = Some(at(RUN)));
    for end in [Kind::MarkSet, Kind::MarkFailed] {
        let history = session(&[mark(Kind::MarkIntended), mark(end)]);
        assert_eq!(history.marked, Some(at(RUN)));
    }
    assert_eq!(past(&[mark(Kind::MarkSet)]), StudioPast::default());
}

#[test]
fn intents_count_for_the_brake_once_each_and_for_an_hour() {
    for action in Action::ALL.iter().copied() {
        let intent = |token: &str, time: &str| {
            tokened(deed(action, Stage::Intended, RUN), token, &format!("2026-11-20T{time}Z"))
        };
        let counted = |records: &[Record]| {
            let history = past(records).history;
            let (ours, others) = match action {
                Action::Stop => (history.stops, history.starts),
                Action::Start => (history.starts, history.stops),
            };
            assert_eq!(others, []);
            ours.iter().map(|at| at.strftime("%H:%M").to_string()).collect::<Vec<_>>()
        };
        let lapsed = deed(action, Stage::Lapsed, RUN);
        let records = [
            intent("one", "03:00:00"),
            lapsed,
            intent("one", "03:20:00"),
            intent("two", "03:30:00"),
        ];
        // Announced again it counts from then on: a window that begins in between has seen it too.
        assert_eq!(counted(&records), ["03:20", "03:30"]);
        let still = [&records[..], &[intent("three", "04:20:00")]].concat();
        assert_eq!(counted(&still), ["03:20", "03:30", "04:20"]);
        let later = [&records[..], &[intent("three", "04:20:01")]].concat();
        assert_eq!(counted(&later), ["03:30", "04:20"]);
        // Announced again after its hour it is a call of this one.
        let again = [&later[..], &[intent("one", "04:21:00")]].concat();
        assert_eq!(counted(&again), ["03:30", "04:20", "04:21"]);
        let withheld = deed(action, Stage::Withheld, RUN);
        assert_eq!(counted(&[withheld]), Vec::<String>::new());
        let mut nameless = intent("", "03:40:00");
        nameless.data.client_token = None;
        assert_eq!(counted(&[nameless.clone(), nameless]), ["03:40", "03:40"]);
    }
}

#[test]
fn a_proven_stop_is_ours_and_ends_the_warnings_of_its_run() {
    let warned = of_run(Kind::WarningGiven, RUN);
    let history =
        session(&[warned.clone(), of_run(Kind::StopIntended, RUN), of_run(Kind::StopProven, RUN)]);
    assert_eq!(history.ours, Some(OurStop { stopped_at: at("2026-11-20T04:03:00Z") }));
    assert_eq!(history.warnings, []);
    let other = session(&[of_run(Kind::WarningGiven, LATER_RUN), of_run(Kind::StopProven, RUN)]);
    assert_eq!(other.warnings.len(), 2);
    let unknown = record(Kind::StopProven, |data| data.stopped_at = None);
    assert_eq!(session(&[of_run(Kind::StopProven, RUN), unknown]).ours, None);
}

#[test]
fn warnings_are_kept_by_lead_for_the_latest_run() {
    let warned = session(&[of_run(Kind::WarningGiven, RUN)]).warnings;
    let warning = |secs| WarningGiven {
        run: at(RUN),
        due: at("2026-11-20T04:00:00Z"),
        lead: SignedDuration::from_secs(secs),
        mode: Mode::Enforce,
        at: at("2026-11-20T03:30:00Z"),
        said: at("2026-11-20T03:30:00Z"),
    };
    assert_eq!(warned, [warning(1800), warning(300)]);
    let later = session(&[of_run(Kind::WarningGiven, RUN), of_run(Kind::WarningGiven, LATER_RUN)]);
    assert!(later.warnings.iter().all(|warning| warning.run == at(LATER_RUN)));
    let earlier =
        session(&[of_run(Kind::WarningGiven, LATER_RUN), of_run(Kind::WarningGiven, RUN)]);
    assert_eq!(earlier, later);
    let unheard = record(Kind::WarningGiven, |data| data.mode = Some("shout".to_owned()));
    assert_eq!(session(&[unheard]).warnings[0].mode, Mode::Observe);
    for clear in [|data: &mut Data| data.due = None, |data: &mut Data| data.leads = None] {
        assert_eq!(session(&[record(Kind::WarningGiven, clear)]).warnings, []);
    }
    let many: Vec<Record> = (0..40)
        .map(|number| record(Kind::WarningGiven, |data| data.leads = Some(vec![number])))
        .collect();
    let leads: Vec<i64> = session(&many).warnings.iter().map(|w| w.lead.as_secs()).collect();
    assert_eq!(leads, (8..40).collect::<Vec<_>>());
}

#[test]
fn the_keep_whose_end_was_announced_last_is_remembered() {
    let until = "2026-11-21T06:00:00Z";
    let reminded = |until: Option<&str>, mode: &str| {
        record(Kind::KeepReminded, |data| {
            data.until = until.map(at);
            data.mode = Some(mode.to_owned());
        })
    };
    let given = |mode| Some(KeepReminder { until: at(until), mode });
    let earlier = reminded(Some("2026-11-20T06:00:00Z"), "enforce");
    assert_eq!(
        session(&[earlier, reminded(Some(until), "observe")]).reminded,
        given(Mode::Observe)
    );
    assert_eq!(session(&[reminded(Some(until), "enforce")]).reminded, given(Mode::Enforce));
    assert_eq!(session(&[reminded(None, "enforce")]).reminded, None);
}

#[test]
fn what_vanished_has_no_past() {
    let records = Kind::ALL.iter().filter(|kind| **kind != Kind::SessionVanished);
    let mut records: Vec<_> = records.map(|kind| of_run(kind.clone(), RUN)).collect();
    assert_ne!(past(&records), StudioPast::default());
    records.push(of_run(Kind::SessionVanished, RUN));
    let StudioPast { history, decisions, held, .. } = past(&records);
    assert_eq!((history.sessions, decisions, held), Default::default());
    assert_eq!((history.stops.len(), history.starts.len()), (1, 1), "the brake still counts them");
}

#[test]
fn a_studio_is_held_until_it_resumes() {
    let held = record(Kind::StudioHeld, |data| data.session = None);
    let Some(Held { text, fingerprint, .. }) = past(std::slice::from_ref(&held)).held else {
        panic!()
    };
    assert!(text.contains("nights"));
    assert_eq!(fingerprint, Fingerprint::of(&held.data));
    assert_eq!(past(&[held, record(Kind::StudioResumed, |_| {})]).held, None);
    let bare = record(Kind::StudioHeld, |data| data.reason = None);
    assert!(past(&[bare]).held.is_some());
}

#[test]
fn a_stop_that_was_withheld_is_remembered_by_its_due_instant() {
    let withheld = record(Kind::StopWithheld, |_| {});
    let due = withheld.data.due;
    assert!(due.is_some());
    assert_eq!(session(&[withheld]).withheld, due);
}

#[test]
fn the_answers_to_our_stops_tell_who_we_are() {
    let answered = |action, by: Option<&str>| {
        let mut record = deed(action, Stage::Accepted, RUN);
        record.data.stopped_by = by.map(str::to_owned);
        record
    };
    let stop = |by| answered(Action::Stop, by);
    let us = |records: &[Record]| past(records).us;
    assert_eq!(us(&[stop(Some("we"))]).as_deref(), Some("we"));
    assert_eq!(us(&[stop(Some("we")), stop(None)]).as_deref(), Some("we"));
    assert_eq!(us(&[stop(Some("we")), stop(Some("we anew"))]).as_deref(), Some("we anew"));
    assert_eq!(us(&[answered(Action::Start, Some("artist"))]), None);
}

#[test]
fn a_start_that_was_withheld_is_remembered_by_the_stop_before_it() {
    let withheld = deed(Action::Start, Stage::Withheld, RUN);
    assert_eq!(session(&[withheld]).start_withheld, Some(at(RUN)));
}

#[test]
fn other_kinds_and_records_without_a_subject_change_nothing() {
    let other = |kind| past(&[record(kind, |_| {})]);
    let dropped = Kind::StartDropped;
    for kind in [Kind::StopDropped, dropped, Kind::MarkFailed, Kind::Other("x.y".to_owned())] {
        assert_eq!(other(kind), StudioPast::default());
    }
    // Who pauses no studio by name pauses all of them.
    for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::DaemonPaused) {
        let nobody = record(kind.clone(), |data| data.studio = None);
        let mut past = past(&[nobody]);
        assert_eq!(past.history.clock_jump.take().is_some(), *kind == Kind::ClockJumped);
        assert_eq!(past, StudioPast::default());
    }
}

#[test]
fn a_fingerprint_is_of_what_was_decided() {
    let of = |change: fn(&mut Data)| {
        let decided = record(Kind::SessionDecided, change);
        past(&[decided]).decisions[&"s1".into()]
    };
    let plain = of(|_| {});
    assert_eq!(plain, Fingerprint::of(&samples::full(Kind::SessionDecided, 1).data));
    let same: [fn(&mut Data); 3] = [
        |data| data.next_change = None,
        |data| data.policy = None,
        |data| data.reason.as_mut().unwrap().text.clear(),
    ];
    for change in same {
        assert_eq!(of(change), plain);
    }
    let other: [fn(&mut Data); 6] = [
        |data| data.verdict = None,
        |data| data.reason.as_mut().unwrap().code.clear(),
        |data| data.reason.as_mut().unwrap().values.clear(),
        |data| data.rule = None,
        |data| data.due = None,
        |data| data.mode = Some("observe".to_owned()),
    ];
    for change in other {
        assert_ne!(of(change), plain);
    }
}

#[test]
fn a_decision_has_the_fingerprint_of_its_record() {
    let schedule = crate::ids::ScheduleName::from("nights");
    let window = crate::policy::Window { opens: at(RUN), closes: at(LATER_RUN) };
    let idle = Cause::IdleHours { schedule, window, leased: true };
    let reasons = [
        Reason::Stopped,
        Reason::RuleKeep { rule: "leads".into() },
        Reason::NotDue { due: at(LATER_RUN), cause: idle },
        Reason::Due {
            due: at(RUN),
            cause: Cause::MaxUptime { limit: SignedDuration::from_hours(4) },
            overruled: Vec::new(),
        },
    ];
    for (number, reason) in reasons.into_iter().enumerate() {
        let decision = Decision {
            session: "s1".into(),
            reason,
            rule: (number % 2 == 1).then(|| "leads".into()),
            mode: if number < 2 { Mode::Observe } else { Mode::Enforce },
            due: (number > 1).then(|| at(RUN)),
            next_change: Some(at(LATER_RUN)),
            not_after: None,
            needed_until: None,
            mark: None,
            asks: Vec::new(),
            safe_until: None,
        };
        let run = (number % 2 == 0).then(|| at(RUN));
        let seen = SeenData { started_at: run, ..SeenData::default() };
        let data = Data { seen: Some(seen), ..Data::from(&decision) };
        let expected = Fingerprint::of(&data);
        assert_eq!(Fingerprint::of_decision(&decision, run), expected, "{decision:?}");
        assert_ne!(Fingerprint::of_decision(&decision, Some(at(LATER_RUN))), expected);
    }
}

fn jumped(from: Timestamp, to: Timestamp) -> Record {
    Jump { from, to, suspended: SignedDuration::ZERO }.record()
}

#[test]
fn after_a_jump_of_the_clock_everything_is_as_old_as_before() {
    let warned = record(Kind::WarningGiven, |data| {
        data.seen.as_mut().unwrap().started_at = Some(at(RUN));
        data.leads = Some(vec![900]);
    });
    let intended = deed(Action::Stop, Stage::Intended, RUN);
    let failed = deed(Action::Start, Stage::Failed, RUN);
    let answered = record(Kind::VetoAnswered, |data| {
        data.seen.as_mut().unwrap().started_at = Some(at(RUN));
        data.veto = Some(VetoData::new(&"farm".into(), &VetoSays::Clear));
    });
    for (by, to) in [(1, "2026-11-20T04:40:00Z"), (-1, "2026-11-20T02:40:00Z")] {
        let (from, to, by) = (at("2026-11-20T03:40:00Z"), at(to), SignedDuration::from_hours(by));
        let before = [warned.clone(), answered.clone(), intended.clone(), failed.clone()];
        let records = [&before[..], &[jumped(from, to)]].concat();
        let StudioPast { history, .. } = past(&records);
        assert_eq!(history.clock_jump, Some(ClockJump { at: to, by }));
        let asked = at("2026-11-20T03:30:00Z");
        assert_eq!(history.stops, [asked + by]);
        let session = history.of(&"s1".into());
        let given = session.warnings[0];
        assert_eq!(given.at, asked + by);
        // What took it back is told by the service's instants and a person's words, which no clock moves.
        assert_eq!(given.said, asked.min(asked + by));
        assert_eq!(given.due, at("2026-11-20T04:00:00Z"));
        let veto = &session.vetoes[&"farm".into()];
        // What a veto said before a clock was set forward is old, and before it was set back no younger.
        assert_eq!((veto.since, veto.at), (asked + by, asked.min(asked + by)));
        assert_eq!(veto.due, at("2026-11-20T04:00:00Z"));
        // Nobody rests until an hour that the clock has yet to show again; what is compared with the
        // service's instants stays.
        let open = session.open.as_ref().unwrap();
        assert_eq!((open.at, open.since), (asked.min(to), asked));
        assert_eq!(session.start_attempts.unwrap().last, asked.min(to));
    }
}

#[test]
fn what_is_written_by_a_clock_that_was_set_back_hides_that_as_little_as_it_knew_it() {
    let mut replay = Replay::default();
    let at_time = |kind, time: &str| {
        let mut record = record(kind, |_| {});
        record.time = at(time);
        record
    };
    replay.apply(&at_time(Kind::SessionDecided, "2026-11-20T12:00:00Z"));
    for kind in [Kind::LogRepaired, Kind::OperatorIntended, Kind::DaemonStarted] {
        replay.apply(&at_time(kind, "2026-11-20T09:00:00Z"));
        assert_eq!(replay.latest(), Some(at("2026-11-20T12:00:00Z")));
    }
    replay.apply(&jumped(at("2026-11-20T12:00:00Z"), at("2026-11-20T09:00:01Z")));
    assert_eq!(replay.latest(), Some(at("2026-11-20T09:00:01Z")));
    replay.apply(&at_time(Kind::SessionDecided, "2026-11-20T09:05:00Z"));
    assert_eq!(replay.latest(), Some(at("2026-11-20T09:05:00Z")));
}

#[test]
fn every_studio_learns_of_a_jump_and_no_detail_of_it_is_needed() {
    let mut replay = Replay::default();
    replay.apply(&deed(Action::Stop, Stage::Intended, RUN));
    let mut bare = jumped(at("2026-11-20T03:40:00Z"), at("2026-11-20T05:40:00Z"));
    bare.data.reason = None;
    replay.apply(&bare);
    let jump = Some(ClockJump { at: bare.time, by: SignedDuration::ZERO });
    assert_eq!(replay.latest(), Some(bare.time));
    for studio in [STUDIO, "us-west-2:stid-OTHER"] {
        assert_eq!(replay.studio(&studio.into()).history.clock_jump, jump);
    }
    // One of which the log begins to speak later knows of it too.
    replay.apply(&record(Kind::SessionDecided, |data| data.studio = Some("later".to_owned())));
    assert_eq!(replay.studio(&"later".into()).history.clock_jump, jump);
}

#[test]
fn a_studio_of_which_the_log_says_nothing_has_no_decisions_of_others() {
    let mut replay = Replay::default();
    replay.apply(&record(Kind::SessionDecided, |_| {}));
    assert_eq!(replay.studio(&"other".into()), &StudioPast::default());
}

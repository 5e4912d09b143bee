use super::*;
use crate::audit::record::SeenData;
use crate::audit::samples::{self, at};
use crate::audit::{Line, chain};
use crate::plan::{Cause, Reason};

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
        late: false,
    })
}

#[test]
fn an_intent_is_open_until_its_outcome_is_known() {
    let intent = || of_run(Kind::StopIntended, RUN);
    let after = |kind: Kind| session(&[intent(), of_run(kind, RUN)]).open;
    assert_eq!(session(&[intent()]).open, open(false));
    assert_eq!(after(Kind::StopAccepted), open(true));
    assert_eq!(after(Kind::StopUnanswered), open(false));
    assert_eq!(after(Kind::StopLate), open(false).map(|open| OpenIntent { late: true, ..open }));
    for kind in [Kind::StopProven, Kind::StopRejected, Kind::StopFailed] {
        assert_eq!(after(kind.clone()), None, "{kind}");
    }
    assert_eq!(session(&[of_run(Kind::StopAccepted, RUN)]).open, None);
    let bare = record(Kind::StopIntended, |data| {
        (data.seen, data.client_token) = (None, None);
    });
    let open = session(&[bare]).open.unwrap();
    assert_eq!((open.run, open.token.as_str()), (at("2026-11-20T03:30:00Z"), ""));
}

#[test]
fn only_known_ends_of_a_run_count_as_attempts() {
    let one = |kind| [of_run(Kind::StopIntended, RUN), of_run(kind, RUN)];
    let rejected = one(Kind::StopRejected);
    let failed = one(Kind::StopFailed);
    let unanswered = one(Kind::StopUnanswered);
    let both = session(&[rejected.as_slice(), &unanswered, &failed].concat());
    assert_eq!(both.attempt(at(RUN)), 2);
    assert_eq!(both.attempt(at(LATER_RUN)), 0);
    let later = [of_run(Kind::StopIntended, LATER_RUN), of_run(Kind::StopRejected, LATER_RUN)];
    let history = session(&[rejected.as_slice(), &later].concat());
    let last = at("2026-11-20T03:30:00Z");
    assert_eq!(history.attempts, Some(Attempts { run: at(LATER_RUN), ended: 1, last }));
}

#[test]
fn a_refused_repetition_says_nothing_of_the_call_before_it() {
    let (intent, lost) = (of_run(Kind::StopIntended, RUN), of_run(Kind::StopUnanswered, RUN));
    for refusal in [Kind::StopRejected, Kind::StopWithdrawn] {
        let records = [intent.clone(), lost.clone(), intent.clone(), of_run(refusal, RUN)];
        let history = session(&records);
        assert!(history.open.is_some_and(|open| open.repeats && !open.accepted));
        assert_eq!(history.attempts, None);
    }
}

#[test]
fn what_was_withdrawn_or_came_to_nothing_is_closed_and_no_attempt() {
    for end in [Kind::StopWithdrawn, Kind::StopLapsed] {
        let history = session(&[of_run(Kind::StopIntended, RUN), of_run(end, RUN)]);
        assert_eq!((history.open, history.attempts), (None, None));
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
fn what_vanished_has_no_past() {
    let records = Kind::ALL.iter().filter(|kind| **kind != Kind::SessionVanished);
    let mut records: Vec<_> = records.map(|kind| of_run(kind.clone(), RUN)).collect();
    assert_ne!(past(&records), StudioPast::default());
    records.push(of_run(Kind::SessionVanished, RUN));
    assert_eq!(past(&records), StudioPast::default());
}

#[test]
fn a_studio_is_held_until_it_resumes() {
    let held = record(Kind::StudioHeld, |data| data.session = None);
    let Some(Held { text, fingerprint }) = past(std::slice::from_ref(&held)).held else { panic!() };
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
fn other_kinds_and_records_without_a_subject_change_nothing() {
    let other = |kind| past(&[record(kind, |_| {})]);
    for kind in [Kind::StopDropped, Kind::Other("x.y".to_owned())] {
        assert_eq!(other(kind), StudioPast::default());
    }
    for kind in Kind::ALL {
        let nobody = record(kind.clone(), |data| data.studio = None);
        assert_eq!(past(&[nobody]), StudioPast::default());
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
            mark: None,
        };
        let run = (number % 2 == 0).then(|| at(RUN));
        let seen = SeenData { started_at: run, ..SeenData::default() };
        let data = Data { seen: Some(seen), ..Data::from(&decision) };
        let expected = Fingerprint::of(&data);
        assert_eq!(Fingerprint::of_decision(&decision, run), expected, "{decision:?}");
        assert_ne!(Fingerprint::of_decision(&decision, Some(at(LATER_RUN))), expected);
    }
}

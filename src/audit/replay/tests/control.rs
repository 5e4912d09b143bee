//! What the log says of a studio as a whole.

use super::*;
use crate::audit::record::VetoData;
use crate::plan::{BrakeBound, InventoryDoubt, Latch, Pause, VetoSays};

const ANOTHER: &str = "us-west-2:stid-2";

fn said(kind: Kind, request: &str, studio: Option<&str>, until: &str) -> Record {
    record(kind, |data| {
        data.studio = studio.map(str::to_owned);
        (data.until, data.request) = (Some(at(until)), Some(request.to_owned()));
    })
}

fn reasoned(kind: Kind, reason: &Reason, policy: &str) -> Record {
    record(kind, |data| {
        data.reason = Some(reason.into());
        (data.policy, data.until) = (Some(policy.to_owned()), Some(at("2026-11-20T06:00:00Z")));
        data.session = None;
    })
}

fn pauses(records: &[Record]) -> [Option<String>; 2] {
    let mut replay = Replay::default();
    records.iter().for_each(|record| replay.apply(record));
    [STUDIO, ANOTHER].map(|studio| {
        let pause: Option<Pause> = replay.studio(&studio.into()).history.paused.clone();
        pause.map(|pause| pause.until.to_string())
    })
}

#[test]
fn a_pause_is_of_one_studio_or_of_all_until_it_is_over() {
    let (six, seven) = ("2026-11-20T06:00:00Z", "2026-11-20T07:00:00Z");
    let (is_six, is_seven) = (Some(six.to_owned()), Some(seven.to_owned()));
    let pause = |studio, until| said(Kind::DaemonPaused, "r", studio, until);
    let resume = |studio| said(Kind::DaemonResumed, "r", studio, six);
    assert_eq!(pauses(&[pause(None, six)]), [is_six.clone(), is_six.clone()]);
    assert_eq!(pauses(&[pause(Some(STUDIO), six)]), [is_six.clone(), None]);
    // One that is known already by something else, and one that is not.
    let known = [deed(Action::Stop, Stage::Intended, RUN), pause(None, six)];
    assert_eq!(pauses(&known), [is_six.clone(), is_six.clone()]);
    assert_eq!(pauses(&[pause(None, six), resume(Some(STUDIO))]), [None, is_six.clone()]);
    assert_eq!(pauses(&[pause(Some(STUDIO), six), resume(None)]), [None, None]);
    assert_eq!(pauses(&[pause(None, six), resume(None)]), [None, None]);
    // None shortens another.
    let both = [pause(Some(STUDIO), seven), pause(None, six)];
    assert_eq!(pauses(&both), [is_seven.clone(), is_six]);
    assert_eq!(pauses(&[pause(None, six), pause(None, seven)]), [is_seven.clone(), is_seven]);
}

#[test]
fn what_a_pause_took_back_stays_taken_back_whatever_is_said_after_it() {
    // It was given at 03:30.
    let warned = record(Kind::WarningGiven, |data| {
        data.seen.as_mut().unwrap().started_at = Some(at(RUN));
        data.leads = Some(vec![900]);
    });
    let left = |paused_until: &str, then: &Kind| {
        let paused = said(Kind::DaemonPaused, "r1", None, paused_until);
        let mut then = said(then.clone(), "r2", None, "2026-11-20T09:00:00Z");
        then.time = at("2026-11-20T05:00:00Z");
        session(&[warned.clone(), paused, then]).warnings.len()
    };
    for then in &[Kind::DaemonResumed, Kind::DaemonPaused] {
        assert_eq!(left("2026-11-20T05:00:00Z", then), 0, "the pause is over");
        assert_eq!(left("2026-11-20T05:00:01Z", then), 1, "a person ends it, or makes it longer");
        assert_eq!(left("2026-11-20T03:30:00Z", then), 1, "it is of after the pause");
    }
}

#[test]
fn the_latest_requests_are_known() {
    let mut replay = Replay::default();
    for number in 0..2000 {
        let request = format!("{number:04}");
        replay.apply(&said(Kind::DaemonResumed, &request, None, "2026-11-20T06:00:00Z"));
    }
    assert!(!replay.has_taken("0000") && replay.has_taken("1500") && replay.has_taken("1999"));
}

#[test]
fn an_approval_of_more_than_an_hour_s_is_not_of_those_that_were_stopped_before() {
    let bound = BrakeBound::PerHour;
    let brake = Reason::Brake { action: Action::Stop, bound, limit: 2, count: 5 };
    let intents = [("a", "2026-11-20T02:29:59Z"), ("b", "2026-11-20T03:29:00Z")];
    let intents =
        intents.map(|(token, time)| tokened(deed(Action::Stop, Stage::Intended, RUN), token, time));
    let approval = reasoned(Kind::StudioApproved, &brake, "ab");
    let records =
        [&intents[..], &[Record { time: at("2026-11-20T03:30:00Z"), ..approval }]].concat();
    let stops = past(&records).history.approved.stops.unwrap();
    assert_eq!((stops.count, stops.left), (5, 4), "one of the five was stopped in this hour");
}

#[test]
fn an_approval_is_of_what_stood_and_used_up_by_what_passes() {
    let brake =
        Reason::Brake { action: Action::Stop, bound: BrakeBound::PerScan, limit: 500, count: 600 };
    let approved = past(&[reasoned(Kind::StudioApproved, &brake, "ab")]).history.approved;
    let stops = approved.stops.clone().unwrap();
    assert_eq!((stops.count, stops.left, stops.until), (600, 600, at("2026-11-20T06:00:00Z")));
    assert_eq!((approved.starts, approved.inventory, approved.policy), (None, None, None));
    let intents = ["a", "b", "b"].map(|token| {
        tokened(deed(Action::Stop, Stage::Intended, RUN), token, "2026-11-20T03:31:00Z")
    });
    let start = tokened(deed(Action::Start, Stage::Intended, RUN), "c", "2026-11-20T03:31:00Z");
    let records =
        [&[reasoned(Kind::StudioApproved, &brake, "ab")], &intents[..], &[start]].concat();
    let stops = past(&records).history.approved.stops.unwrap();
    assert_eq!((stops.count, stops.left), (600, 598), "one is announced twice, another is a start");
    let policy = Reason::PolicyChanged { before: 3, now: 70 };
    let approved = past(&[reasoned(Kind::StudioApproved, &policy, "ab")]).history.approved;
    let approved = approved.policy.unwrap();
    assert_eq!((approved.count, approved.policy), (70, Some("ab".into())));
    // What cannot be approved, or does not say how many, approves nothing.
    let clock = Reason::ClockInDoubt { listed: at(RUN) };
    let mut bare = reasoned(Kind::StudioApproved, &brake, "ab");
    drop(bare.data.reason.as_mut().unwrap().values.remove("count"));
    for record in [reasoned(Kind::StudioApproved, &clock, "ab"), bare] {
        assert_eq!(past(&[record]), StudioPast::default());
    }
}

#[test]
fn a_brake_holds_in_its_mode_from_its_record_on() {
    let reason = Reason::BrakeLatched { bound: BrakeBound::PerHour, limit: 25, count: 3 };
    let of = |kind, mode: &str| {
        let mut record = reasoned(kind, &reason, "ab");
        record.data.mode = Some(mode.to_owned());
        record
    };
    let latch = Latch { bound: BrakeBound::PerHour, limit: 25 };
    let engaged = [of(Kind::BrakeEngaged, "enforce"), of(Kind::BrakeEngaged, "observe")];
    let both = [(Mode::Observe, latch), (Mode::Enforce, latch)].into();
    assert_eq!(past(&engaged).history.braked, both);
    let released = [&engaged[..], &[of(Kind::BrakeReleased, "observe")]].concat();
    assert_eq!(past(&released).history.braked, [(Mode::Enforce, latch)].into());
    // Another hold of the studio does not end it.
    let clock = Reason::ClockInDoubt { listed: at(RUN) };
    let held = [&released[..], &[reasoned(Kind::StudioHeld, &clock, "ab")]].concat();
    assert_eq!(past(&held).history.braked, [(Mode::Enforce, latch)].into());
}

fn decided(session: &str, reason: &Reason, due: Option<&str>) -> Record {
    let mut record = reasoned(Kind::SessionDecided, reason, "ab");
    record.data.session = Some(session.to_owned());
    record.data.verdict = Some(reason.verdict().to_string());
    record.data.due = due.map(at);
    record
}

fn sudden() -> Reason {
    Reason::InventoryChanged { before: 400, now: 100, missing: 310, new: 10 }
}

#[test]
fn the_sessions_that_are_known_are_those_decided_about_and_when_they_are_due() {
    let cause = Cause::MaxUptime { limit: SignedDuration::ZERO };
    let due = Reason::Due { due: at(RUN), cause, overruled: Vec::new() };
    let known = |records: &[Record]| {
        let known = past(records).history.known.into_iter();
        known.map(|(id, due)| (id.to_string(), due)).collect::<Vec<_>>()
    };
    let first = [decided("s1", &due, Some(RUN)), decided("s2", &Reason::Stopped, Some(RUN))];
    let both = vec![("s1".to_owned(), Some(at(RUN))), ("s2".to_owned(), None)];
    assert_eq!(known(&first), both);
    // A hold of the whole studio says nothing of that, and a sudden listing makes nothing known.
    let clock = Reason::ClockInDoubt { listed: at(RUN) };
    let held = [decided("s1", &clock, None), decided("s3", &sudden(), None)];
    assert_eq!(known(&[&first[..], &held].concat()), both);
    let gone = record(Kind::SessionVanished, |data| data.session = Some("s1".to_owned()));
    assert_eq!(known(&[&first[..], &[gone]].concat()), both[1..]);
    let off = [decided("s1", &Reason::Stopped, None)];
    assert_eq!(known(&[&first[..], &off].concat())[0].1, None);
}

#[test]
fn a_listing_is_in_doubt_until_it_is_confirmed_or_over() {
    let inventory = |records: &[Record]| past(records).history.inventory;
    let held = reasoned(Kind::StudioHeld, &sudden(), "ab");
    let doubt = InventoryDoubt { at: held.time, seen: 100, missing: 310 };
    assert_eq!(inventory(std::slice::from_ref(&held)).doubt, Some(doubt));
    let clock = reasoned(Kind::StudioHeld, &Reason::ClockInDoubt { listed: at(RUN) }, "ab");
    assert_eq!(inventory(&[held.clone(), clock]).doubt, Some(doubt));
    let resumed = reasoned(Kind::StudioResumed, &sudden(), "ab");
    assert_eq!(inventory(&[held.clone(), resumed]).doubt, None);
    let known = decided("s1", &Reason::Stopped, None);
    let confirmed = [held, known, reasoned(Kind::InventoryConfirmed, &sudden(), "ab")];
    let found = inventory(&confirmed);
    assert_eq!((found.doubt, found.gone), (None, 310));
    let gone = record(Kind::SessionVanished, |_| {});
    assert_eq!(inventory(&[&confirmed[..], &[gone.clone(), gone]].concat()).gone, 309);
}

#[test]
fn a_policy_is_held_until_it_is_applied() {
    let policies = |records: &[Record]| {
        let history = past(records).history;
        [history.policy, history.held_policy].map(|hash| hash.map(|hash| hash.to_string()))
    };
    let reason = Reason::PolicyChanged { before: 3, now: 70 };
    let applied = |policy| reasoned(Kind::PolicyApplied, &reason, policy);
    let held = reasoned(Kind::StudioHeld, &reason, "cd");
    let [ab, cd] = ["ab", "cd"].map(|hash| Some(hash.to_owned()));
    assert_eq!(policies(&[applied("ab")]), [ab.clone(), None]);
    assert_eq!(policies(&[applied("ab"), held.clone()]), [ab, cd.clone()]);
    assert_eq!(policies(&[applied("ab"), held, applied("cd")]), [cd, None]);
}

#[test]
fn a_hold_is_remembered_with_what_a_person_would_approve() {
    let reason = Reason::PolicyChanged { before: 3, now: 70 };
    let held = past(&[reasoned(Kind::StudioHeld, &reason, "cd")]).held.unwrap();
    assert_eq!(held.policy.as_deref(), Some("cd"));
    assert_eq!(
        super::super::control::approvable(&held.reason.unwrap()),
        Some((70, "sessions due"))
    );
}

#[test]
fn a_keep_and_an_hour_in_which_the_stop_was_held_take_warnings_back() {
    let after = |then: Record| session(&[of_run(Kind::WarningGiven, RUN), then]).warnings.len();
    let kinds = [
        Kind::StudioResumed,
        Kind::StudioApproved,
        Kind::StudioUnattended,
        Kind::BrakeReleased,
        Kind::DaemonResumed,
        Kind::DaemonStarted,
    ];
    for kind in kinds {
        let brake = |data: &mut Data| {
            let reason = data.reason.as_mut().unwrap();
            reason.code = "brake".to_owned();
            reason.values.insert("count".to_owned(), "3".to_owned());
        };
        let at_time = |time| Record { time: at(time), ..record(kind.clone(), brake) };
        let [soon, late] = ["2026-11-20T05:00:00Z", "2026-11-20T05:00:01Z"].map(at_time);
        assert_eq!((after(soon), after(late)), (2, 0), "{kind}");
    }
    let of = |code: &str| code.to_owned();
    let decided =
        |code| record(Kind::SessionDecided, |data| data.reason.as_mut().unwrap().code = of(code));
    assert_eq!(
        ["tag_keep", "keep_too_long", "not_stoppable", "owner_zone_unknown"]
            .map(|code| after(decided(code))),
        [0, 0, 0, 0]
    );
    assert_eq!(["warning", "profile_unknown"].map(|code| after(decided(code))), [2, 2]);
}

#[test]
fn a_keep_takes_back_what_a_veto_said_and_a_start_does_not() {
    let asked = record(Kind::VetoAnswered, |data| {
        data.seen = of_run(Kind::VetoAnswered, RUN).data.seen;
        data.veto = Some(VetoData::new(&"farm".into(), &VetoSays::Busy { words: "it".to_owned() }));
    });
    let after = |then: Record| session(&[asked.clone(), then]).vetoes.len();
    let decided = |code: &str| {
        record(Kind::SessionDecided, |data| data.reason.as_mut().unwrap().code = code.to_owned())
    };
    assert_eq!(
        ["tag_keep_until", "busy", "veto_unasked"].map(|code| after(decided(code))),
        [0, 1, 1]
    );
    // Of another due instant it has said nothing.
    let due_then = |due: &str| record(Kind::SessionDecided, |data| data.due = Some(at(due)));
    let due = asked.data.due.unwrap().to_string();
    assert_eq!([due.as_str(), "2026-11-20T06:00:00Z"].map(|due| after(due_then(due))), [1, 0]);
    // A veto that keeps it has kept it since it first did, whoever looks meanwhile.
    let late = asked.time + SignedDuration::from_hours(9);
    assert_eq!(after(Record { time: late, ..record(Kind::DaemonStarted, |_| {}) }), 1);
}

#[test]
fn a_hold_that_becomes_a_brake_s_takes_old_warnings_back_as_one_that_ends() {
    let after = |first: &str, then: &str| {
        let held = |code: &str, time: &str| {
            let mut held = record(Kind::StudioHeld, |data| {
                data.reason.as_mut().unwrap().code = code.to_owned()
            });
            held.time = at(time);
            held
        };
        let records = [
            of_run(Kind::WarningGiven, RUN),
            held(first, "2026-11-20T04:10:00Z"),
            held(then, "2026-11-20T09:00:00Z"),
        ];
        session(&records).warnings.len()
    };
    assert_eq!(after("account_unknown", "brake_latched"), 0);
    assert_eq!(after("account_unknown", "listing_incomplete"), 2);
    assert_eq!(after("brake", "brake_latched"), 2);
}

#[test]
fn who_looks_once_every_two_hours_does_not_warn_for_ever() {
    let after = |note: Option<&str>| {
        let mut started = record(Kind::DaemonStarted, |data| data.note = note.map(str::to_owned));
        started.time = at("2026-11-20T06:00:00Z");
        session(&[of_run(Kind::WarningGiven, RUN), started]).warnings.len()
    };
    assert_eq!([after(None), after(Some(crate::audit::replay::control::ONCE))], [0, 2]);
}

#[test]
fn an_instant_that_comes_back_finds_no_warning() {
    let due_at = |due: Option<&str>| {
        let decided = record(Kind::SessionDecided, |data| data.due = due.map(at));
        session(&[of_run(Kind::WarningGiven, RUN), decided]).warnings.len()
    };
    let due = of_run(Kind::WarningGiven, RUN).data.due.unwrap().to_string();
    assert_eq!([Some(due.as_str()), None, Some("2026-11-20T06:00:00Z")].map(due_at), [2, 2, 0]);
}

#[test]
fn who_was_only_observed_meanwhile_is_warned_anew() {
    let after = |mode: &str| {
        let decided = record(Kind::SessionDecided, |data| data.mode = Some(mode.to_owned()));
        session(&[of_run(Kind::WarningGiven, RUN), decided]).warnings.len()
    };
    assert_eq!(["enforce", "observe"].map(after), [2, 0]);
}

#[test]
fn a_machine_that_slept_through_the_night_stops_nobody_on_the_notice_before() {
    let slept = |to: &str| {
        let jump = Jump {
            from: at("2026-11-20T03:35:00Z"),
            to: at(to),
            suspended: at("2026-11-20T03:35:00Z").duration_until(at(to)),
        };
        let resumed = record(Kind::StudioResumed, |_| {});
        let resumed = Record { time: at(to), ..resumed };
        session(&[of_run(Kind::WarningGiven, RUN), jump.record(), resumed]).warnings.len()
    };
    assert_eq!(["2026-11-20T04:40:00Z", "2026-11-20T20:00:00Z"].map(slept), [2, 0]);
}

#[test]
fn who_looks_once_and_was_away_for_half_a_day_warns_anew() {
    let after = |time: &str| {
        let note = Some(crate::audit::replay::control::ONCE.to_owned());
        let started = record(Kind::DaemonStarted, |data| data.note = note);
        let started = Record { time: at(time), ..started };
        session(&[of_run(Kind::WarningGiven, RUN), started]).warnings.len()
    };
    assert_eq!(["2026-11-20T15:29:59Z", "2026-11-20T15:30:00Z"].map(after), [2, 0]);
}

#[test]
fn a_warning_that_was_written_last_counts_from_the_start_after_it() {
    let restarted = "2026-11-20T03:52:00Z";
    let started = record(Kind::DaemonStarted, |_| {});
    let started = Record { time: at(restarted), ..started };
    let said = |records: &[Record]| {
        let warnings = session(records).warnings;
        warnings.into_iter().map(|warning| (warning.at, warning.said)).collect::<Vec<_>>()
    };
    let warned = of_run(Kind::WarningGiven, RUN);
    assert_eq!(said(&[warned.clone(), started.clone()]), [(at(restarted), warned.time); 2]);
    let repaired = Record { kind: Kind::LogRepaired, ..started.clone() };
    let again = [warned.clone(), repaired, started.clone()];
    assert_eq!(said(&again), [(at(restarted), warned.time); 2]);
    // Whatever else was written after it shows that it was out.
    let next = record(Kind::PolicyLoaded, |_| {});
    let next = Record { time: at("2026-11-20T03:31:00Z"), ..next };
    assert_eq!(said(&[warned.clone(), next, started]), [(warned.time, warned.time); 2]);
}

#[test]
fn a_pause_that_a_person_ends_takes_back_what_a_veto_said() {
    let asked = record(Kind::VetoAnswered, |data| {
        data.seen = of_run(Kind::VetoAnswered, RUN).data.seen;
        data.veto = Some(VetoData::new(&"farm".into(), &VetoSays::Busy { words: "it".to_owned() }));
    });
    let paused = record(Kind::DaemonPaused, |data| data.until = Some(at("2026-11-20T09:00:00Z")));
    let resumed = record(Kind::DaemonResumed, |_| {});
    assert_eq!(session(&[asked.clone(), resumed.clone()]).vetoes.len(), 1);
    assert_eq!(session(&[asked, paused, resumed]).vetoes.len(), 0);
}

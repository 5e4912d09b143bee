use proptest::prelude::*;

use super::*;
use crate::audit::chain::{self, LINE_MAX};
use crate::audit::record::{ReasonData, SeenData, VetoData};
use crate::audit::samples;

/// What is read from the lines of these records, on top of what `replay` knows.
fn read_into(mut replay: Replay, records: &[Record]) -> Replay {
    for line in samples::log_of(records).split_inclusive(|byte| *byte == b'\n') {
        assert!(line.len() < LINE_MAX);
        replay.apply(&chain::parse_line(line).unwrap().record);
    }
    replay
}

fn replay_of(records: &[Record]) -> Replay {
    read_into(Replay::default(), records)
}

fn checkpoint_of(replay: &Replay) -> Vec<Record> {
    replay.checkpoint(samples::at("2026-11-21T00:00:00Z"))
}

/// One of a few instants, so that runs, stops and due instants meet again.
fn instant() -> impl Strategy<Value = Timestamp> {
    (0..8_i64, 0..3_i32).prop_map(|(hour, nanosecond)| {
        Timestamp::new(1_795_000_000 + hour * 1800, nanosecond).unwrap()
    })
}

fn maybe<T: Strategy>(strategy: T) -> impl Strategy<Value = Option<T::Value>> {
    proptest::option::weighted(0.8, strategy)
}

/// A reason, often one of those that more is learnt from than that it was given, with what they tell.
fn reason() -> impl Strategy<Value = ReasonData> {
    const LEARNT_FROM: [&str; 12] = [
        "rescue",
        "tag_keep",
        "brake",
        "brake_latched",
        "inventory_changed",
        "policy_changed",
        "clock_jumped",
        "clock_compared",
        "max_uptime",
        "paused",
        "warning",
        "not_due",
    ];
    let code = prop_oneof![
        4 => proptest::sample::select(&LEARNT_FROM[..]).prop_map(str::to_owned),
        1 => "[a-c]{1,3}",
    ];
    let value = |name: &'static str, texts: &'static [&'static str]| {
        maybe(proptest::sample::select(texts)).prop_map(move |text| Some((name, text?.to_owned())))
    };
    let number = |name| maybe(0..9_u32).prop_map(move |number| Some((name, number?.to_string())));
    let values = (
        (number("now"), number("missing"), number("count"), number("limit")),
        value("bound", &["per_scan", "per_hour", "half_per_hour", "?"]),
        value("action", &["stop", "start"]),
        value("stopped_by", &["us", "another"]),
        value("suspended", &["0s", "90s", "?"]),
        value("behind", &["0", "-300", "18000", "?"]),
        maybe(instant()).prop_map(|from| Some(("from", from?.to_string()))),
    );
    (code, values, any::<bool>()).prop_map(|(code, values, alarm)| {
        let ((now, missing, count, limit), bound, action, stopped_by, suspended, behind, from) =
            values;
        let values =
            [now, missing, count, limit, bound, action, stopped_by, suspended, behind, from]
                .into_iter();
        let values = values.flatten().map(|(name, value)| (name.to_owned(), value)).collect();
        ReasonData { text: format!("because of {code}"), code, values, alarm }
    })
}

fn veto() -> impl Strategy<Value = VetoData> {
    let says = proptest::sample::select(vec!["clear", "busy", "failed"]);
    let name = proptest::sample::select(vec!["farm", "licence"]);
    (name, says, "[a-c]{0,2}").prop_map(|(name, says, words)| VetoData {
        name: name.to_owned(),
        says: says.to_owned(),
        words,
    })
}

/// A record of any kind of this version, about one of a few sessions.
fn happening() -> impl Strategy<Value = Record> {
    let kinds: Vec<Kind> =
        Kind::ALL.iter().filter(|kind| **kind != Kind::LogCheckpoint).cloned().collect();
    let kind = proptest::sample::select(kinds);
    let text = |texts: &'static [&'static str]| {
        maybe(proptest::sample::select(texts).prop_map(str::to_owned))
    };
    let of = (text(&["one", "two"]), text(&["s1", "s2", "s3"]), text(&["observe", "enforce", "?"]));
    let instants = (instant(), maybe(instant()), maybe(instant()), maybe(instant()));
    let rest = (
        text(&["token-1", "token-2", "token \"3\""]),
        text(&["we", "somebody"]),
        text(&["we", "somebody"]),
        maybe(proptest::collection::vec(0..4000_i64, 0..20)),
        maybe(reason()),
    );
    let others = (
        text(&["r1", "r2"]),
        text(&["ada", "bob"]),
        text(&["ab", "cd"]),
        text(&["keep", "stop", "hold"]),
        maybe(veto()),
    );
    (kind, of, instants, rest, others).prop_map(|(kind, of, instants, rest, others)| {
        let ((studio, session, mode), (time, due, run, stopped_at)) = (of, instants);
        let (client_token, stopped_by, started_by, leads, reason) = rest;
        let (request, who, policy, verdict, veto) = others;
        let seen = Some(SeenData { started_at: run, ..SeenData::default() });
        let data = Data {
            studio,
            session,
            mode,
            due,
            until: due,
            stopped_at,
            client_token,
            stopped_by,
            started_by,
            leads,
            reason,
            seen,
            request,
            who,
            policy,
            verdict,
            veto,
            ..Data::default()
        };
        Record { time, kind, subject: String::new(), data }
    })
}

fn history(count: usize) -> impl Strategy<Value = Vec<Record>> {
    proptest::collection::vec(happening(), 0..count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_checkpoint_is_the_replay_it_was_made_of(
        before in history(120),
        other in history(20),
        after in history(30),
    ) {
        let replay = replay_of(&before);
        let checkpoint = checkpoint_of(&replay);
        let restored = read_into(replay_of(&other), &checkpoint);
        prop_assert_eq!(&restored, &replay);
        prop_assert_eq!(checkpoint_of(&restored), checkpoint);
        prop_assert_eq!(read_into(restored, &after), read_into(replay, &after));
    }

    #[test]
    fn a_checkpoint_that_is_not_whole_changes_nothing(
        before in history(60),
        other in history(30),
        missing in any::<proptest::sample::Index>(),
    ) {
        let checkpoint = checkpoint_of(&replay_of(&before));
        let known = replay_of(&other);
        let next = samples::full(Kind::DaemonStarted, 1);
        let mut parts = checkpoint.clone();
        parts.remove(missing.index(parts.len()));
        parts.push(next.clone());
        let and_next = |replay: Replay| read_into(replay, std::slice::from_ref(&next));
        prop_assert_eq!(read_into(known.clone(), &parts), and_next(known.clone()));
        let mut broken = checkpoint.clone();
        broken.insert(missing.index(checkpoint.len()), next.clone());
        let is_before = missing.index(checkpoint.len()) == 0;
        let expected = if is_before { replay_of(&checkpoint) } else { known.clone() };
        let broken = [broken, vec![next.clone()]].concat();
        prop_assert_eq!(read_into(known, &broken), and_next(expected));
    }
}

#[test]
fn a_log_that_says_nothing_has_a_checkpoint_of_one_part() {
    let parts = checkpoint_of(&Replay::default());
    let numbers = parts.iter().map(|record| record.data.checkpoint.as_ref().unwrap());
    let numbers: Vec<_> = numbers.map(|part| (part.part, part.parts)).collect();
    assert_eq!(numbers, [(1, 1)]);
    let known = replay_of(&[samples::small(1), samples::full(Kind::StopIntended, 2)]);
    assert_eq!(read_into(known, &parts), Replay::default());
}

#[test]
fn a_large_past_takes_many_lines() {
    let record = |kind: Kind, number: i64| {
        let mut record = samples::full(kind, number);
        record.data.leads = Some((0..32).collect());
        record
    };
    let kinds = [Kind::SessionDecided, Kind::WarningGiven, Kind::StopIntended];
    let numbers = (0..1000).flat_map(|number| kinds.iter().map(move |kind| (kind, number)));
    let records: Vec<Record> = numbers.map(|(kind, number)| record(kind.clone(), number)).collect();
    let replay = replay_of(&records);
    let parts = checkpoint_of(&replay);
    assert!(parts.len() > 10, "{} parts", parts.len());
    let longest = parts.iter().map(|part| samples::log_of(std::slice::from_ref(part)).len()).max();
    assert!(longest.unwrap() < LINE_MAX / 4, "{longest:?} bytes");
    assert_eq!(replay_of(&parts), replay);
}

#[test]
fn what_another_version_adds_is_passed_over() {
    let replay = replay_of(&[
        samples::full(Kind::StopIntended, 1),
        samples::full(Kind::SessionDecided, 1),
        samples::full(Kind::StudioHeld, 1),
    ]);
    let mut parts = checkpoint_of(&replay);
    let part = parts.last_mut().unwrap().data.checkpoint.as_mut().unwrap();
    part.counted.push(CountedCheckpoint {
        action: "reboot".to_owned(),
        client_token: "t".to_owned(),
        at: samples::at("2026-11-20T04:00:00Z"),
    });
    assert_eq!(replay_of(&parts), replay);
    let part = parts.last_mut().unwrap().data.checkpoint.as_mut().unwrap();
    part.sessions.get_mut("s1").unwrap().decided = Some("words".to_owned());
    let restored = replay_of(&parts);
    let studio = restored.studio(&"us-west-2:stid-1".into());
    assert!(studio.decisions.is_empty() && studio.held.is_some());
}

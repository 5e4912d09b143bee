//! Records for the tests of this room.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::chain::Chain;
use super::record::{
    ChangeData, Data, EndingData, ErrorData, Kind, ReasonData, Record, SeenData, VetoData,
};
use crate::clock::{Clock, SimulatedClock};

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(SimulatedClock::new(at("2026-11-20T04:00:00Z")))
}

/// A record of `kind` with every member, about session `number`.
pub(super) fn full(kind: Kind, number: i64) -> Record {
    let time = at("2026-11-20T04:00:00.123456789Z") + SignedDuration::from_secs(number);
    let values = [("due", "2026-11-20T04:00:00Z"), ("schedule", "nights")];
    let reason = ReasonData {
        code: "idle_hours".to_owned(),
        values: values.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        text: "it was due at 2026-11-20 04:00Z: \"nights\"".to_owned(),
        alarm: true,
    };
    let changed = ChangeData { from: None, to: Some("ACTIVATED".to_owned()) };
    let data = Data {
        mode: Some("enforce".to_owned()),
        verdict: Some("stop".to_owned()),
        reason: Some(reason),
        rule: Some("comp".to_owned()),
        due: Some(at("2026-11-20T04:00:00Z")),
        next_change: Some(at("2026-11-20T15:00:00Z")),
        policy: Some("ab".repeat(32)),
        state_after: Some("STOPPED".to_owned()),
        stopped_at: Some(at("2026-11-20T04:03:00Z")),
        stopped_by: Some("AROAEXAMPLE:lightsout".to_owned()),
        started_by: Some("AROAEXAMPLE:lightsout".to_owned()),
        leads: Some(vec![1800, 300]),
        veto: Some(VetoData {
            name: "farm".to_owned(),
            says: "busy".to_owned(),
            words: "frame 12".to_owned(),
        }),
        attempt: Some(0),
        client_token: Some(format!("token-{number}")),
        not_after: Some(at("2026-11-20T15:00:00Z")),
        ends_itself: Some(EndingData { at: at("2026-11-20T12:00:00Z"), destroys: false }),
        request_id: Some("req".to_owned()),
        error: Some(ErrorData {
            problem: "denied".to_owned(),
            operation: Some("StopStreamingSession".to_owned()),
            detail: "no".to_owned(),
        }),
        until: Some(at("2026-11-20T06:00:00Z")),
        who: Some("ada".to_owned()),
        action: Some("allow-stop".to_owned()),
        launch_profile: Some("lp-1".to_owned()),
        changes: Some([("mode".to_owned(), changed)].into()),
        request: Some(format!("request-{number}")),
        version: Some("0.1.0".to_owned()),
        time_zones: Some("2026a".to_owned()),
        note: Some("näh ,\"hash\":\" \n".to_owned()),
        ..about(number)
    };
    Record { time, kind, subject: format!("us-west-2:stid-1/s{number}"), data }
}

/// A small record, about session `number`.
pub(super) fn small(number: i64) -> Record {
    let time = at("2026-11-20T04:00:00Z") + SignedDuration::from_secs(number);
    Record { time, kind: Kind::StopAccepted, subject: format!("s{number}"), data: about(number) }
}

/// The session `number` as it is seen.
pub(super) fn about(number: i64) -> Data {
    let seen = SeenData {
        state: "READY".to_owned(),
        owner: Some("owner".to_owned()),
        launch_profile: Some("lp-1".to_owned()),
        launch_profile_name: Some("Comp".to_owned()),
        instance_type: Some("g5.4xlarge".to_owned()),
        started_at: Some(at("2026-11-19T17:00:00Z")),
    };
    Data {
        studio: Some("us-west-2:stid-1".to_owned()),
        session: Some(format!("s{number}")),
        seen: Some(seen),
        ..Data::default()
    }
}

/// The bytes of a log of these records.
pub(super) fn log_of(records: &[Record]) -> Vec<u8> {
    let (mut chain, mut bytes) = (Chain::EMPTY, Vec::new());
    for record in records {
        chain.push(record, &mut bytes).unwrap();
    }
    bytes
}

/// A log of `count` small records.
pub(super) fn small_log(count: i64) -> Vec<u8> {
    log_of(&(0..count).map(small).collect::<Vec<_>>())
}

pub(super) fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

/// Any record: texts with whatever characters, members present or not.
pub(super) fn any_record() -> impl Strategy<Value = Record> {
    (any_time(), any_kind(), ".{0,12}", any_data()).prop_map(|(time, kind, subject, data)| Record {
        time,
        kind,
        subject,
        data,
    })
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let known = (0..Kind::ALL.len()).prop_map(|index| Kind::ALL[index].clone());
    prop_oneof![known, "other[.][a-z\"]{1,8}".prop_map(Kind::Other)]
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_i64, 0..1_000_000_000_i32)
        .prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap())
}

fn any_text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(any::<String>())
}

fn any_data() -> impl Strategy<Value = Data> {
    let reason = (
        any::<String>(),
        proptest::collection::btree_map(any::<String>(), any::<String>(), 0..4),
        any::<String>(),
        any::<bool>(),
    )
        .prop_map(|(code, values, text, alarm)| ReasonData { code, values, text, alarm });
    let seen = (any::<String>(), any_text(), any_text(), proptest::option::of(any_time()))
        .prop_map(|(state, owner, instance_type, started_at)| SeenData {
            state,
            owner,
            instance_type,
            started_at,
            ..SeenData::default()
        });
    let texts = (any_text(), any_text(), any_text(), any_text(), any_text(), any_text());
    (
        texts,
        proptest::option::of(reason),
        proptest::option::of(seen),
        proptest::option::of(any_time()),
        proptest::option::of(proptest::collection::vec(any::<i64>(), 0..3)),
        proptest::option::of(any::<u32>()),
    )
        .prop_map(
            |((studio, session, mode, verdict, rule, note), reason, seen, due, leads, attempt)| {
                Data {
                    studio,
                    session,
                    mode,
                    verdict,
                    rule,
                    note,
                    reason,
                    seen,
                    due,
                    leads,
                    attempt,
                    ..Data::default()
                }
            },
        )
}

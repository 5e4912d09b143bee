//! What the audit log costs: encoding, committing, reading, verifying.
//!
//! `cargo bench --bench audit` prints figures; there is no judgement in them.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use futures_util::future::join_all;
use lightsout::audit::chain::Chain;
use lightsout::audit::record::{Data, Journal, Kind, ReasonData, Record, SeenData};
use lightsout::audit::{LogWriter, Replay, read, verify};
use lightsout::clock::{Clock, SystemClock};
use lightsout::policy::AuditRotation;

const RECORDS: usize = 300_000;
const COMMITS: usize = 2_000;

fn main() {
    let record = typical();
    let (mut chain, mut bytes) = (Chain::EMPTY, Vec::new());
    chain.push(&record, &mut bytes).unwrap();
    println!("a typical line has {} bytes", bytes.len());

    measure("encode", RECORDS, || {
        for _ in 0..RECORDS {
            bytes.clear();
            chain.push(black_box(&record), &mut bytes).unwrap();
        }
    });

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let (log, _) =
        LogWriter::open(&path, AuditRotation::default(), Arc::new(SystemClock::new())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    measure("commit, one after another", COMMITS, || {
        runtime.block_on(async {
            for _ in 0..COMMITS {
                log.commit(vec![record.clone()]).await.unwrap();
            }
        });
    });
    measure("commit, all together", COMMITS, || {
        let commits = (0..COMMITS).map(|_| log.commit(vec![record.clone()]));
        assert!(runtime.block_on(join_all(commits)).iter().all(Result::is_ok));
    });
    measure("commit, 1000 a batch", RECORDS, || {
        runtime.block_on(async {
            for _ in 0..RECORDS / 1000 {
                log.commit(vec![record.clone(); 1000]).await.unwrap();
            }
        });
    });
    drop(log);

    let count = RECORDS + 2 * COMMITS;
    measure("verify", count, || {
        assert_eq!(verify(&path).unwrap().records, count as u64);
    });
    measure("read and replay", count, || {
        let mut replay = Replay::default();
        for line in read(&path).unwrap() {
            replay.apply(&line.unwrap().record);
        }
        black_box(replay);
    });
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn measure(what: &str, count: usize, work: impl FnOnce()) {
    let clock = SystemClock::new();
    work();
    let each = clock.monotonic().as_secs_f64() / count as f64;
    println!("{what:<28} {:>10.3} µs each {:>12.0} a second", each * 1e6, 1.0 / each);
}

/// A decision about a session, as nearly all records are.
fn typical() -> Record {
    let values = [
        ("due", "2026-11-20T04:00:00Z"),
        ("schedule", "nights"),
        ("opens", "2026-11-20T04:00:00Z"),
        ("closes", "2026-11-20T15:00:00Z"),
    ];
    let values: BTreeMap<_, _> =
        values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let reason = ReasonData {
        code: "not_due".to_owned(),
        values,
        text: "it is due at 2026-11-20 04:00Z: idle hours of `nights`".to_owned(),
        alarm: false,
    };
    let seen = SeenData {
        state: "READY".to_owned(),
        owner: Some("9067c8d2-1f0b-4f3a-8d2e-000000000001".to_owned()),
        launch_profile: Some("lp-EXAMPLE1".to_owned()),
        instance_type: Some("g5.4xlarge".to_owned()),
        started_at: "2026-11-19T17:00:00Z".parse().ok(),
        ..SeenData::default()
    };
    let data = Data {
        studio: Some("us-west-2:stid-EXAMPLE11111".to_owned()),
        session: Some("ss-EXAMPLE000001".to_owned()),
        mode: Some("enforce".to_owned()),
        verdict: Some("keep".to_owned()),
        reason: Some(reason),
        due: "2026-11-20T04:00:00Z".parse().ok(),
        seen: Some(seen),
        ..Data::default()
    };
    Record {
        time: "2026-11-19T20:00:00.123456789Z".parse().unwrap(),
        kind: Kind::SessionDecided,
        subject: "us-west-2:stid-EXAMPLE11111/ss-EXAMPLE000001".to_owned(),
        data,
    }
}

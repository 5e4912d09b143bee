use super::*;
use crate::audit::disk::Disk;
use crate::audit::recall::{ReadBack, read_all};
use crate::audit::replay::Replay;
use crate::audit::samples;
use futures_util::FutureExt;

fn open(path: &std::path::Path) -> (InlineLog, Opened) {
    let disk = Box::new(Disk::open(path).unwrap());
    InlineLog::open(disk, AuditRotation::default(), &samples::clock()).unwrap()
}

#[test]
fn a_commit_needs_no_runtime_and_is_found_again() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("log");
    let records = vec![samples::small(0), samples::small(1)];
    let (log, opened) = open(&path);
    assert_eq!(opened.records, 0);
    let committed = log.commit(records.clone()).now_or_never().expect("a commit waits for nobody");
    assert_eq!(committed.unwrap(), records);
    drop(log);

    let mut past = Replay::default();
    records.iter().for_each(|record| past.apply(record));
    let (log, opened) = open(&path);
    assert_eq!((opened.records, opened.past), (2, past));
    drop(log);

    let ReadBack { lines, torn } = read_all(&mut Disk::open(&path).unwrap()).unwrap();
    let read: Vec<Record> = lines.into_iter().map(|line| line.record).collect();
    assert_eq!((read, torn), (records, 0));
}

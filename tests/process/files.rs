//! The log in more files than one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use lightsout::audit::LogWriter;
use lightsout::audit::record::{Data, Journal, Kind, Record};
use lightsout::clock::SystemClock;
use lightsout::policy::AuditRotation;

use crate::house::{House, always_due, now, text};

fn is_log(name: &str) -> bool {
    name.starts_with("audit.") && name.ends_with(".jsonl")
}

/// Writes records until the log has so many files.
fn write_until(path: &Path, files: usize) {
    let rotation = AuditRotation { size: Some(2000), age: None };
    let (log, _) = LogWriter::open(path, rotation, Arc::new(SystemClock::new())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let directory = path.parent().unwrap();
    for number in 0..100 {
        let data = Data {
            studio: Some("us-west-2:stid-1".to_owned()),
            session: Some(format!("s{}", number % 3)),
            ..Data::default()
        };
        let record = Record {
            time: now() + SignedDuration::from_mins(10 * number),
            kind: Kind::SessionVanished,
            subject: format!("s{number}"),
            data,
        };
        runtime.block_on(log.commit(vec![record])).unwrap();
        let names = std::fs::read_dir(directory).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        if names.filter(|name| is_log(name)).count() == files {
            break;
        }
    }
}

#[test]
fn a_log_in_many_files_is_shown_and_verified_whole_or_file_by_file() {
    let house = House::new(&always_due("http://127.0.0.1:9"));
    let log = house.log();
    write_until(&log, 3);
    let records = house.records();
    let last = records.len();
    let numbers: Vec<u64> = records.iter().map(|r| r["sequence"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=last as u64).collect::<Vec<_>>());
    let verified = house.run(&["audit", "verify"]);
    let head = text(&records[last - 1], "hash");
    let whole = format!("{}: whole. {last} records in 3 files, head {head}\n", log.display());
    assert_eq!((verified.code, verified.stdout), (Some(0), whole), "{}", verified.stderr);

    let mut files: Vec<PathBuf> = std::fs::read_dir(log.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| is_log(path.file_name().unwrap().to_str().unwrap()))
        .collect();
    files.sort();
    let each: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
    let verified = house.run(&[&["audit", "verify"], &each[..]].concat());
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
    assert!(verified.stdout.contains("it begins at sequence "), "{}", verified.stdout);

    // The oldest file may be taken away, and no other.
    let first = log.with_file_name("audit.000000000001.jsonl");
    let kept = std::fs::read(&first).unwrap();
    std::fs::remove_file(&first).unwrap();
    let verified = house.run(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
    assert!(verified.stdout.contains("in 2 files"), "{}", verified.stdout);
    std::fs::write(&first, kept).unwrap();
    let second = records.iter().filter(|record| record["type"] == "lightsout.log.checkpoint");
    let second = second.map(|record| record["sequence"].as_u64().unwrap()).next().unwrap();
    std::fs::remove_file(log.with_file_name(format!("audit.{second:012}.jsonl"))).unwrap();
    let verified = house.run(&["audit", "verify"]);
    assert_eq!(verified.code, Some(1), "{}", verified.stdout);
    let broken = format!("has to be {second}");
    assert!(verified.stderr.contains(&broken), "{}", verified.stderr);
}

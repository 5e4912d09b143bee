mod disk;

use futures_util::FutureExt;

use self::disk::{Fault, Left, Loss, TestDisk};
use super::*;
use crate::audit::inline::InlineLog;
use crate::audit::recall::read_all;
use crate::audit::record::Journal;
use crate::audit::samples;

/// Small, so that a few records lead to a new file.
const ROTATION: AuditRotation = AuditRotation { size: Some(4000), age: None };

fn open(disk: &TestDisk) -> (InlineLog, Opened) {
    open_as(disk, ROTATION).unwrap()
}

fn open_as(disk: &TestDisk, rotation: AuditRotation) -> Result<(InlineLog, Opened), StartError> {
    InlineLog::open(Box::new(disk.clone()), rotation, &samples::clock())
}

/// Commits these records together; whether they are acknowledged.
fn commit(log: &InlineLog, numbers: &[i64]) -> bool {
    let records = numbers.iter().map(|number| record(*number)).collect();
    log.commit(records).now_or_never().unwrap().is_ok()
}

/// The record with this number, of one of a few kinds about one of a few sessions.
fn record(number: i64) -> Record {
    let kinds = [Kind::SessionDecided, Kind::StopIntended, Kind::StopProven, Kind::WarningGiven];
    let kind = kinds[usize::try_from(number % 4).unwrap()].clone();
    let mut record = samples::small(number % 3);
    record.kind = kind;
    record.time += SignedDuration::from_mins(number);
    record.data = Data {
        due: Some(samples::at("2026-11-20T04:00:00Z")),
        leads: Some(vec![300]),
        client_token: Some(format!("token-{}", number % 5)),
        stopped_at: Some(record.time),
        note: Some(number.to_string()),
        ..record.data
    };
    record
}

/// The numbers of the records that a log holds, and the past that they tell, in whatever files.
fn told(disk: &TestDisk) -> (Vec<i64>, Replay) {
    let mut past = Replay::default();
    let lines = read_all(&mut disk.copy()).unwrap().lines;
    let own = lines.iter().map(|line| &line.record);
    let own: Vec<_> = own.filter(|record| record.kind != Kind::LogCheckpoint).collect();
    own.iter().for_each(|record| past.apply(record));
    let ours = [Kind::LogRepaired, Kind::DaemonPaused];
    let numbered = own.iter().filter(|record| !ours.contains(&record.kind));
    let numbers = numbered.map(|record| record.data.note.as_ref().unwrap().parse().unwrap());
    (numbers.collect(), past)
}

/// Commits groups of one to three records until `count` of them; the numbers that were acknowledged,
/// and those that were not.
fn commit_all(log: &InlineLog, count: i64) -> (Vec<i64>, Vec<i64>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let mut next = 0;
    while next < count {
        let group: Vec<i64> = (next..(next + 1 + next % 3).min(count)).collect();
        next += i64::try_from(group.len()).unwrap();
        if commit(log, &group) { good.extend(group) } else { bad.extend(group) }
    }
    (good, bad)
}

fn older_files(disk: &TestDisk) -> usize {
    let files = disk.copy().files().unwrap();
    files.iter().filter(|file| matches!(file, LogFile::Older(_))).count()
}

const RECORDS: i64 = 24;

#[test]
fn a_log_goes_on_in_new_files_and_the_newest_suffices() {
    let disk = TestDisk::default();
    let (log, _) = open(&disk);
    assert!(commit_all(&log, RECORDS).1.is_empty());
    let head = log.head().unwrap();
    drop(log);
    assert!(older_files(&disk) >= 3, "{} older files", older_files(&disk));
    let (numbers, past) = told(&disk);
    assert_eq!(numbers, (0..RECORDS).collect::<Vec<_>>());
    let files = disk.copy().files().unwrap();
    for file in files {
        if file != LogFile::Current {
            disk.take_away(file);
        }
        let (_, opened) = open(&disk);
        assert_eq!(
            (opened.records, opened.hash, opened.repaired),
            (head.sequence, head.hash, None)
        );
        assert_eq!(opened.past, past);
    }
}

#[test]
fn a_file_that_is_old_enough_is_followed_by_a_new_one() {
    let disk = TestDisk::default();
    let rotation = AuditRotation { size: None, age: Some(SignedDuration::from_mins(10)) };
    let (log, _) = open_as(&disk, rotation).unwrap();
    for (number, files) in [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (21, 2)] {
        assert!(commit(&log, &[number]));
        assert_eq!(older_files(&disk), files, "after record {number}");
    }
    drop(log);
    // The age of the current file is known after a restart too.
    let (log, _) = open_as(&disk, rotation).unwrap();
    assert!(commit(&log, &[31]));
    assert_eq!(older_files(&disk), 3);
    // A clock that went backwards makes nothing old.
    assert!(commit(&log, &[1]));
    assert_eq!(older_files(&disk), 3);
}

#[test]
fn a_checkpoint_larger_than_the_bound_does_not_lead_to_one_after_the_other() {
    let disk = TestDisk::default();
    let (log, _) = open_as(&disk, AuditRotation { size: Some(1), age: None }).unwrap();
    commit_all(&log, 60);
    assert!(older_files(&disk) < 20, "{} older files", older_files(&disk));
    assert_eq!(told(&disk).0.len(), 60);
}

#[test]
fn whatever_operation_fails_the_log_goes_on_and_holds_what_it_acknowledged() {
    let operations = {
        let disk = TestDisk::default();
        let (log, _) = open(&disk);
        commit_all(&log, RECORDS);
        disk.operations()
    };
    for at in 0..operations {
        for fault in [Fault::Undone, Fault::Done, Fault::Half] {
            for count in [1, 2, 5] {
                let disk = TestDisk::default();
                disk.fail(at, count, fault);
                let Ok((log, _)) = open_as(&disk, ROTATION) else { continue };
                let (mut good, _) = commit_all(&log, RECORDS);
                disk.heal();
                assert!(commit(&log, &[100]), "{fault:?} at {at}, {count} times");
                good.push(100);
                check_holds(&disk, &good, &format!("{fault:?} at {at}, {count} times"));
                drop(log);
                let (log, _) = open(&disk);
                assert!(commit_all(&log, RECORDS).1.is_empty());
                good.extend(0..RECORDS);
                check_holds(&disk, &good, &format!("{fault:?} at {at}, {count} times, and opened"));
            }
        }
    }
}

#[test]
fn a_rotation_that_fails_stops_nothing_and_is_made_later() {
    for operation in ["create", "sync_names", "rename", "remove"] {
        let disk = TestDisk::default();
        let (log, _) = open(&disk);
        disk.break_operation(Some(operation));
        assert!(commit_all(&log, RECORDS).1.is_empty(), "{operation}");
        let is_made = operation == "remove";
        assert_eq!(older_files(&disk) > 0, is_made, "{operation}");
        assert_eq!(log.unrotated().is_none(), is_made, "{operation}");
        disk.break_operation(None);
        assert!(commit(&log, &[RECORDS + 10]), "{operation}");
        assert!(older_files(&disk) > 0, "{operation}");
        assert_eq!(log.unrotated(), None, "{operation}");
        let all: Vec<i64> = (0..RECORDS).chain([RECORDS + 10]).collect();
        check_holds(&disk, &all, operation);
    }
}

#[test]
fn a_rotation_takes_no_number_that_another_file_has() {
    let disk = TestDisk::default();
    let (log, _) = open(&disk);
    disk.set_content(LogFile::Older(1), b"of somebody else");
    assert!(commit_all(&log, RECORDS).1.is_empty());
    assert_eq!(disk.content(LogFile::Older(1)).unwrap(), b"of somebody else");
    disk.take_away(LogFile::Older(1));
    check_holds(&disk, &(0..RECORDS).collect::<Vec<_>>(), "in one file");
}

/// Requires that the log holds these records, each once and in order, and that a writer that opens
/// it knows what they say.
fn check_holds(disk: &TestDisk, expected: &[i64], when: &str) {
    let (numbers, past) = told(disk);
    assert_eq!(numbers, expected, "{when}");
    let (_, opened) = open(&disk.copy());
    assert_eq!(opened.past, past, "{when}");
}

/// What may be left of what was not synced, for so many changes of names.
fn losses(waiting: usize) -> Vec<Loss> {
    let bytes = [Left::Nothing, Left::Half, Left::Zeros, Left::Hole, Left::All];
    let names = 0..1_u32 << waiting.min(4);
    names.flat_map(|names| bytes.map(|bytes| Loss { names, bytes })).collect()
}

/// Requires that a log after a power failure holds what was acknowledged, and besides it no more than
/// what was being committed then. How many operations it takes to open it.
fn check_recovers(disk: &TestDisk, good: &[i64], in_flight: &[i64], when: &str) -> usize {
    let disk = disk.copy();
    let (log, opened) = open_as(&disk, ROTATION).unwrap_or_else(|e| panic!("{when}: {e}"));
    let operations = disk.operations();
    let (numbers, past) = told(&disk);
    assert!(numbers.starts_with(good), "{when}: {numbers:?} for {good:?}");
    assert!(in_flight.starts_with(&numbers[good.len()..]), "{when}: {numbers:?}");
    assert_eq!(opened.past, past, "{when}");
    let (more, none) = commit_all(&log, 12);
    assert!(none.is_empty(), "{when}");
    let all = [numbers, more].concat();
    check_holds(&disk, &all, when);
    operations
}

/// Requires that a second failure at any operation of the recovery changes nothing.
fn check_recovers_again(disk: &TestDisk, good: &[i64], operations: usize, when: &str) {
    for at in 0..operations {
        let again = disk.copy();
        again.fail(at, 1, Fault::Crash);
        assert!(open_as(&again, ROTATION).is_err(), "{when}");
        let losses = losses(again.waiting());
        for loss in [losses.first(), losses.last()].into_iter().flatten() {
            let disk = again.copy();
            disk.restart(*loss);
            let (_, opened) = open_as(&disk, ROTATION).unwrap_or_else(|e| panic!("{when}: {e}"));
            let (numbers, past) = told(&disk);
            assert!(numbers.starts_with(good), "{when}, and again at {at}");
            assert_eq!(opened.past, past, "{when}, and again at {at}");
        }
    }
}

/// How many operations it takes to write so many records, in more than two files.
fn operations_of(records: i64) -> usize {
    let disk = TestDisk::default();
    let (log, _) = open(&disk);
    commit_all(&log, records);
    assert!(older_files(&disk) >= 2);
    disk.operations()
}

#[test]
fn a_crash_at_any_operation_loses_nothing_that_was_acknowledged() {
    const FEW: i64 = 14;
    for at in 0..operations_of(FEW) {
        for fault in [Fault::Crash, Fault::CrashAfter] {
            let disk = TestDisk::default();
            disk.fail(at, 1, fault);
            let (good, in_flight) = match open_as(&disk, ROTATION) {
                Ok((log, _)) => commit_all(&log, FEW),
                Err(_) => Default::default(),
            };
            for loss in losses(disk.waiting()) {
                let crashed = disk.copy();
                crashed.restart(loss);
                let when = format!("{fault:?} at {at}, {loss:?}");
                let operations = check_recovers(&crashed, &good, &in_flight, &when);
                if loss.bytes == Left::Half {
                    check_recovers_again(&crashed, &good, operations, &when);
                }
            }
        }
    }
}

/// A log in two files, of which the current one begins with a checkpoint of three parts.
fn of_two_files() -> TestDisk {
    let disk = TestDisk::default();
    let (log, _) = open_as(&disk, AuditRotation { size: Some(2500), age: None }).unwrap();
    let mut of_another = record(0);
    of_another.data.studio = Some("us-west-2:stid-2".to_owned());
    log.commit(vec![of_another]).now_or_never().unwrap().unwrap();
    let numbers = 1..;
    numbers.take_while(|number| commit(&log, &[*number]) && older_files(&disk) == 0).count();
    assert!(commit(&log, &[20]) && commit(&log, &[21]));
    assert_eq!(older_files(&disk), 1);
    disk
}

#[test]
fn a_current_file_cut_at_any_byte_loses_only_what_is_behind() {
    let disk = of_two_files();
    let current = disk.content(LogFile::Current).unwrap();
    let parts = current.windows(19).filter(|bytes| bytes == b"lightsout.log.check").count();
    assert_eq!(parts, 3);
    let (all, _) = told(&disk);
    for len in 0..=current.len() {
        let disk = disk.copy();
        disk.set_content(LogFile::Current, &current[..len]);
        let (log, opened) = open(&disk);
        let (numbers, past) = told(&disk);
        let missing = all.len() - numbers.len();
        assert!(all.starts_with(&numbers) && missing <= 2, "cut at {len}: {numbers:?}");
        assert_eq!(opened.past, past, "cut at {len}");
        assert!(commit(&log, &[30]), "cut at {len}");
        check_holds(&disk, &[numbers, vec![30]].concat(), &format!("cut at {len}"));
    }
}

#[test]
fn a_new_file_without_a_whole_checkpoint_falls_back_to_the_one_before() {
    let disk = of_two_files();
    let (all, past) = told(&disk);
    let current = disk.content(LogFile::Current).unwrap();
    let lines: Vec<&[u8]> = current.split_inclusive(|byte| *byte == b'\n').collect();
    // What is written after half a checkpoint, as by a program that did not know of checkpoints.
    let begun = [lines[0]].concat();
    let mut chain = tail::find(
        &mut {
            let disk = disk.copy();
            disk.set_content(LogFile::Current, &begun);
            disk
        },
        LogFile::Current,
    )
    .unwrap()
    .chain;
    let mut bytes = begun.clone();
    chain.push(&record(20), &mut bytes).unwrap();
    chain.push(&record(21), &mut bytes).unwrap();
    disk.set_content(LogFile::Current, &bytes);
    let (_, opened) = open(&disk);
    assert_eq!((told(&disk).0, opened.past), (all, past));
    disk.take_away(LogFile::Older(1));
    let refused = open_as(&disk, ROTATION).unwrap_err().to_string();
    assert_eq!(
        refused,
        "the audit log is broken in Current at line 1: its checkpoint is not whole, and the file \
         before it is missing"
    );
}

#[test]
fn a_hole_that_a_power_failure_left_is_cut_with_an_alarm_and_nothing_else_is() {
    let disk = TestDisk::default();
    let (log, _) = open_as(&disk, AuditRotation { size: None, age: None }).unwrap();
    let (good, _) = commit_all(&log, 30);
    drop(log);
    let content = disk.content(LogFile::Current).unwrap();
    let ends: Vec<usize> = content
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at + 1)
        .collect();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = content.clone();
        change(&mut changed);
        let disk = disk.copy();
        disk.set_content(LogFile::Current, &changed);
        open_as(&disk, ROTATION).map(|(_, opened)| {
            let lines = read_all(&mut disk.copy()).unwrap().lines;
            let alarm = lines.last().unwrap().record.data.reason.as_ref().unwrap().alarm;
            (told(&disk).0.len(), opened.repaired.is_some() && alarm)
        })
    };
    for (line, from) in [(10, 3), (20, 0), (25, 40)] {
        let hole = |bytes: &mut Vec<u8>| bytes[ends[line] + from..ends[line + 2] - 5].fill(0);
        assert_eq!(with(&hole).unwrap(), (line + 1, true), "{line}");
    }
    // More zeros at the end than any line has.
    let long = |bytes: &mut Vec<u8>| bytes.extend(vec![0; 20 << 20]);
    assert_eq!(with(&long).unwrap(), (good.len(), true));
    // Whatever has no zero in it was written by somebody.
    let swapped = |bytes: &mut Vec<u8>| bytes[ends[10] + 30] ^= 1;
    assert!(with(&swapped).is_err());
    // And what was written long after a hole would have been acknowledged.
    let buried = |bytes: &mut Vec<u8>| {
        bytes[ends[10] + 3..ends[11]].fill(0);
        bytes.extend(vec![b'x'; 17 << 20]);
        bytes.push(0);
    };
    assert!(with(&buried).is_err());
}

#[test]
fn an_older_file_that_was_emptied_prevents_no_start() {
    let disk = of_two_files();
    let (all, _) = told(&disk);
    let older = disk.copy().files().unwrap()[0];
    assert!(matches!(older, LogFile::Older(_)));
    disk.set_content(older, b"");
    let (log, opened) = open(&disk);
    assert_eq!(opened.repaired, None);
    assert!(commit(&log, &[all.len() as i64]));
    // Where both are empty nobody knows where it ended.
    disk.set_content(LogFile::Current, b"");
    assert!(open_as(&disk, ROTATION).is_err() || told(&disk).0.is_empty());
}

#[test]
fn a_newest_file_that_somebody_took_is_said_to_be_lost() {
    let disk = of_two_files();
    let (all, _) = told(&disk);
    let emptied = disk.copy();
    emptied.set_content(LogFile::Current, b"");
    disk.take_away(LogFile::Current);
    for disk in [disk, emptied] {
        let (_, opened) = open(&disk);
        let lines = read_all(&mut disk.copy()).unwrap().lines;
        let [.., last, paused] = &lines[..] else { panic!("nothing was recorded") };
        let (last, paused) = (&last.record, &paused.record);
        let reason = last.data.reason.as_ref().unwrap();
        assert_eq!((&last.kind, reason.code.as_str()), (&Kind::LogRepaired, "newest_file_lost"));
        assert!(reason.alarm && reason.values["last"] == (opened.records - 2).to_string());
        // What is lost may have been a pause.
        assert_eq!(paused.kind, Kind::DaemonPaused);
        assert!(paused.data.until > Some(paused.time));
        assert_eq!(told(&disk).0, all[..all.len() - 2]);
        // It is said once.
        assert_eq!(open(&disk).1.records, opened.records);
    }
}

#[test]
fn what_a_killed_process_left_unsynced_is_durable_before_anything_is_acknowledged_after_it() {
    const FEW: i64 = 14;
    for (at, fault) in
        (0..operations_of(FEW)).flat_map(|at| [(at, Fault::Crash), (at, Fault::CrashAfter)])
    {
        let disk = TestDisk::default();
        disk.fail(at, 1, fault);
        if let Ok((log, _)) = open_as(&disk, ROTATION) {
            commit_all(&log, FEW);
        }
        // The process is dead and the machine is not: what waits still waits. Nothing rotates after it.
        let killed = disk.copy();
        let (log, _) = open_as(&killed, AuditRotation { size: None, age: None }).unwrap();
        assert!(commit(&log, &[90]), "{fault:?} at {at}");
        let (numbers, _) = told(&killed);
        for bytes in [Left::Nothing, Left::Zeros] {
            let off = killed.copy();
            off.restart(Loss { names: 0, bytes });
            check_holds(&off, &numbers, &format!("{fault:?} at {at}, and the power fails later"));
        }
    }
}

#[test]
fn a_file_that_does_not_continue_the_one_before_it_is_not_continued() {
    let disk = of_two_files();
    let older = disk.content(LogFile::Older(1)).unwrap();
    let shorter = older[..older.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    disk.set_content(LogFile::Older(1), &older[..shorter]);
    let refused = |disk: &TestDisk| open_as(disk, ROTATION).unwrap_err().to_string();
    let no_link = "the audit log is broken in Current at line 1: it does not continue the file before \
                   it";
    assert_eq!(refused(&disk), no_link);
    // What is no log of ours is not touched, nor replaced by the older file.
    disk.set_content(LogFile::Older(1), &older);
    disk.set_content(LogFile::Current, b"[daemon]\n");
    let foreign = "the audit log is broken in Current at line 1: it is not a record, so the file may \
                   not be an audit log";
    assert_eq!(refused(&disk), foreign);
    assert_eq!(disk.content(LogFile::Current).unwrap(), b"[daemon]\n");
}

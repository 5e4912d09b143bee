use std::collections::VecDeque;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use futures_util::future::join_all;
use tempfile::TempDir;

use super::*;
use crate::audit::chain::Hash;
use crate::audit::disk::Storage;
use crate::audit::files::LogFile;
use crate::audit::reader::{self, Verified};
use crate::audit::record::Kind;
use crate::audit::replay::Replay;
use crate::audit::samples;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn opened(path: &Path) -> (LogWriter, Opened) {
    LogWriter::open(path, AuditRotation::default(), samples::clock()).unwrap()
}

fn refused(path: &Path) -> String {
    let error = LogWriter::open(path, AuditRotation::default(), samples::clock()).unwrap_err();
    error.to_string().replace(&path.display().to_string(), "LOG")
}

fn verified(path: &Path) -> Verified {
    reader::verify(path).unwrap()
}

fn subjects(path: &Path) -> Vec<String> {
    reader::read(path).unwrap().map(|line| line.unwrap().record.subject).collect()
}

/// One thing that goes wrong, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// So many bytes are written, then the disk is full.
    Write(usize),
    /// Everything is written and nothing is durable.
    Sync,
    /// Everything is written, nothing is durable, and it cannot be cut.
    SyncAndCut,
    /// The file cannot be opened anew.
    Reopen,
}

/// A disk on which each commit meets the next fault of a list.
#[derive(Debug)]
struct Faulty {
    disk: Disk,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    fails_to_cut: bool,
}

impl Faulty {
    fn next(&self, matching: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        if matching(*faults.front()?) { faults.pop_front() } else { None }
    }
}

impl Storage for Faulty {
    fn files(&mut self) -> io::Result<Vec<LogFile>> {
        Storage::files(&mut self.disk)
    }

    fn len(&mut self, file: LogFile) -> io::Result<u64> {
        self.disk.len(file)
    }

    fn read_at(&mut self, file: LogFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.read_at(file, buffer, offset)
    }

    fn create(&mut self, file: LogFile) -> io::Result<()> {
        self.disk.create(file)
    }

    fn append(&mut self, file: LogFile, bytes: &[u8]) -> io::Result<()> {
        if let Some(Fault::Write(written)) = self.next(|fault| matches!(fault, Fault::Write(_))) {
            self.disk.append(file, &bytes[..written.min(bytes.len())])?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.disk.append(file, bytes)
    }

    fn sync(&mut self, file: LogFile) -> io::Result<()> {
        match self.next(|fault| matches!(fault, Fault::Sync | Fault::SyncAndCut | Fault::None)) {
            Some(Fault::Sync) => Err(io::Error::other("sync failed")),
            Some(Fault::SyncAndCut) => {
                self.fails_to_cut = true;
                Err(io::Error::other("sync failed"))
            }
            _ => self.disk.sync(file),
        }
    }

    fn cut(&mut self, file: LogFile, len: u64) -> io::Result<()> {
        if std::mem::take(&mut self.fails_to_cut) {
            return Err(io::Error::other("cut failed"));
        }
        self.disk.cut(file, len)
    }

    fn rename(&mut self, from: LogFile, to: LogFile) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&mut self, file: LogFile) -> io::Result<()> {
        self.disk.remove(file)
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.disk.sync_names()
    }

    fn reopen(&mut self) -> io::Result<()> {
        match self.next(|fault| fault == Fault::Reopen) {
            Some(_) => Err(io::Error::other("reopen failed")),
            None => self.disk.reopen(),
        }
    }
}

/// The log at `path`, over a disk with faults.
fn appender(path: &Path, faults: &[Fault]) -> Appender {
    let faults = Arc::new(Mutex::new(faults.iter().copied().collect()));
    let disk = Disk::open(path).unwrap();
    let storage = Faulty { disk, faults, fails_to_cut: false };
    Appender::open(
        Box::new(storage),
        AuditRotation::default(),
        &*samples::clock(),
        Beside { show: &mut |_| {}, echo: None },
    )
    .unwrap()
    .0
}

fn faulty(path: &Path, faults: &[Fault]) -> LogWriter {
    LogWriter::start(appender(path, faults), samples::clock(), None).unwrap()
}

#[test]
fn what_is_committed_is_in_the_file_and_continues_after_reopening() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("var/log/audit.jsonl");
    let (log, found) = opened(&path);
    let past = Replay::default();
    assert_eq!(
        found,
        Opened { records: 0, hash: Hash::ZERO, repaired: None, is_rolled_back: false, past }
    );
    block_on(log.commit(vec![samples::small(0), samples::small(1)])).unwrap();
    assert_eq!(subjects(&path), ["s0", "s1"]);
    drop(log);
    let head = verified(&path).head;
    let (log, found) = opened(&path);
    assert_eq!((found.records, found.hash, found.repaired), (2, head, None));
    block_on(log.commit(vec![samples::small(2)])).unwrap();
    block_on(log.commit(Vec::new())).unwrap();
    assert_eq!(verified(&path).records, 3);
    let sources: Vec<_> = reader::read(&path).unwrap().map(|line| line.unwrap().source).collect();
    assert!(sources.iter().all(|source| *source == sources[0]));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn everybody_who_waits_is_answered() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    let (log, _) = opened(&path);
    let commits = (0..500).map(|number| log.commit(vec![samples::small(number)]));
    let answers = block_on(join_all(commits));
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(verified(&path).records, 500);
}

#[test]
fn what_is_queued_is_written_before_the_log_closes() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    let (log, _) = opened(&path);
    let (answer, answered) = oneshot::channel();
    log.enqueue(Request { records: vec![samples::small(0)], answer }).unwrap();
    drop(log);
    assert_eq!(block_on(answered), Ok(Ok(vec![samples::small(0)])));
    assert_eq!(verified(&path).records, 1);
}

#[test]
fn a_commit_that_nobody_waits_for_is_written_all_the_same() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    let (log, _) = opened(&path);
    block_on(async {
        let mut commit = log.commit(vec![samples::small(0)]);
        // Only a first poll hands it over.
        let _ = futures_util::poll!(&mut commit);
        drop(commit);
        log.commit(vec![samples::small(1)]).await.unwrap();
    });
    assert_eq!(subjects(&path), ["s0", "s1"]);
}

#[test]
fn a_simulated_clock_stands_still_while_a_commit_waits() {
    let directory = TempDir::new().unwrap();
    let clock = crate::clock::SimulatedClock::new(samples::at("2026-11-20T04:00:00Z"));
    let path = directory.path().join("log");
    let (log, _) =
        LogWriter::open(&path, AuditRotation::default(), Arc::new(clock.clone())).unwrap();
    let end = samples::at("2026-11-27T04:00:00Z");
    block_on(async {
        let committed = async {
            log.commit(vec![samples::small(0)]).await.unwrap();
            clock.now()
        };
        let ((), at) = tokio::join!(biased; clock.drive(end), committed);
        assert_eq!(at, samples::at("2026-11-20T04:00:00Z"));
    });
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    let (log, _) = opened(&path);
    assert_eq!(refused(&path), "another process is writing the audit log LOG");
    drop(log);
    let _ = opened(&path);
}

#[test]
fn a_log_cut_at_any_byte_of_its_last_three_records_recovers() {
    let bytes = samples::small_log(5);
    let ends: Vec<usize> =
        (0..bytes.len()).filter(|at| bytes[*at] == b'\n').map(|at| at + 1).collect();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    for len in ends[1]..=bytes.len() {
        samples::write(&path, &bytes[..len]);
        let whole = ends.iter().filter(|end| **end <= len).count();
        let torn = &bytes[ends[whole - 1]..len];
        let (log, found) = opened(&path);
        let repaired = u64::from(!torn.is_empty());
        assert_eq!(found.records, whole as u64 + repaired, "cut at {len}");
        assert_eq!(found.repaired, super::super::tail::torn(torn));
        block_on(log.commit(vec![samples::small(9)])).unwrap();
        drop(log);
        assert_eq!(verified(&path).records, found.records + 1);
        let last = subjects(&path);
        assert_eq!(last[whole..].len() as u64, repaired + 1);
    }
}

#[test]
fn the_only_line_of_a_log_may_be_torn_at_any_byte() {
    let bytes = samples::small_log(1);
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    for len in 1..bytes.len() {
        samples::write(&path, &bytes[..len]);
        let (_, found) = opened(&path);
        assert_eq!((found.records, found.repaired.unwrap().bytes), (1, len as u64));
    }
}

#[test]
fn a_last_line_of_garbage_or_zeros_is_cut_and_told() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    for garbage in [b"{}\n".as_slice(), b"\n", &[0; 5000], b"{\"specversion\":\"1.0\"}\n"] {
        let bytes = samples::small_log(2);
        samples::write(&path, &[bytes.as_slice(), garbage].concat());
        let (log, found) = opened(&path);
        drop(log);
        assert_eq!(found.repaired, super::super::tail::torn(garbage));
        let last = reader::read(&path).unwrap().last().unwrap().unwrap();
        assert_eq!((last.sequence, last.hash), (3, found.hash));
        assert_eq!(last.record.kind, Kind::LogRepaired);
        let reason = last.record.data.reason.unwrap();
        assert_eq!(reason.values["bytes"], garbage.len().to_string());
        assert_eq!(reason.values["sha256"], Hash::of(garbage).to_string());
        assert_eq!(verified(&path).records, 3);
    }
}

#[test]
fn a_log_broken_before_its_last_line_is_not_continued() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    let bytes = samples::small_log(4);
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let check = |lines: &[&[u8]], expected: &str| {
        let bytes = lines.concat();
        samples::write(&path, &bytes);
        let advice = "; look at it with `lightsout audit verify`, then move it away, and any \
                      older files beside it, to begin a new one";
        assert_eq!(refused(&path), format!("the audit log LOG is broken at {expected}{advice}"));
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    };
    let no_link = "it does not continue the line before it";
    check(&[lines[0], lines[2]], &format!("line 2: {no_link}"));
    check(&[lines[0], lines[1], lines[1]], &format!("line 3: {no_link}"));
    check(&[lines[1]], "line 1: its sequence is 2 and has to be 1");
    check(&[lines[0], b"x\n", lines[2]], "line 2: it does not end in a hash");
    check(&[lines[0], b"x\n", b"y\n"], "line 2: it does not end in a hash");
    check(&[lines[0], b"x\n", b"y"], "line 2: it does not end in a hash");
    let foreign = "line 1: it is not a record, so the file may not be an audit log";
    check(&[b"[defaults]\n"], foreign);
    check(&[b"[defaults]"], foreign);
}

#[test]
fn a_line_of_the_greatest_length_is_found_and_a_longer_one_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    let (log, _) = opened(&path);
    let mut long = samples::small(1);
    long.data.note = Some("x".repeat(crate::audit::chain::LINE_MAX - 1000));
    let mut too_long = samples::small(2);
    too_long.data.note = Some("x".repeat(crate::audit::chain::LINE_MAX));
    block_on(async {
        log.commit(vec![samples::small(0), long.clone(), long.clone(), long]).await.unwrap();
        let error = log.commit(vec![samples::small(8), too_long]).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the audit log cannot be written: of a lightsout.stop.accepted record: it is longer \
             than 1048576 bytes"
        );
    });
    drop(log);
    assert_eq!(opened(&path).1.records, 4);
}

#[test]
fn a_commit_that_fails_leaves_nothing_and_the_next_one_recovers() {
    let faults = [
        &[Fault::Write(0)][..],
        &[Fault::Write(10)],
        &[Fault::Write(usize::MAX)],
        &[Fault::Sync],
        &[Fault::SyncAndCut],
    ];
    for fault in faults {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("log");
        // The first commit syncs what was found, and itself.
        let log = faulty(&path, &[&[Fault::None, Fault::None], fault].concat());
        block_on(async {
            log.commit(vec![samples::small(0)]).await.unwrap();
            log.commit(vec![samples::small(1)]).await.unwrap_err();
            if fault != [Fault::SyncAndCut] {
                assert_eq!(subjects(&path), ["s0"], "after {fault:?}");
            }
            log.commit(vec![samples::small(2)]).await.unwrap();
        });
        assert_eq!(subjects(&path), ["s0", "s2"], "after {fault:?}");
        assert_eq!(verified(&path).records, 2);
    }
}

#[test]
fn a_log_that_fails_from_its_first_commit_recovers() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    let log = faulty(&path, &[Fault::Sync, Fault::Reopen, Fault::Sync]);
    block_on(async {
        for _ in 0..3 {
            log.commit(vec![samples::small(0)]).await.unwrap_err();
        }
        log.commit(vec![samples::small(1)]).await.unwrap();
    });
    assert_eq!(subjects(&path), ["s1"]);
}

#[test]
fn a_group_that_fails_fails_for_everybody_in_it() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    let appender = appender(&path, &[Fault::Sync]);
    let (queue, requests) = sync_channel(QUEUE_MAX);
    let answers: Vec<_> = (0..5)
        .map(|number| {
            let (answer, answered) = oneshot::channel();
            queue.send(Request { records: vec![samples::small(number)], answer }).unwrap();
            answered
        })
        .collect();
    drop(queue);
    let shown = Mutex::new(Shown::of(&appender));
    serve(appender, &requests, &shown, &Mutex::default());
    for answer in block_on(join_all(answers)) {
        assert_eq!(answer.unwrap().unwrap_err().detail, "sync failed");
    }
    assert_eq!(verified(&path).records, 0);
}

#[test]
fn a_file_that_something_else_changed_is_not_continued() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    let (log, _) = opened(&path);
    block_on(log.commit(vec![samples::small(0)])).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for changed in [b"".as_slice(), &[bytes.as_slice(), b"x"].concat()] {
        samples::write(&path, changed);
        let error = block_on(log.commit(vec![samples::small(1)])).unwrap_err();
        assert!(error.detail.starts_with("something else changed it"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), changed);
    }
    samples::write(&path, &bytes);
    block_on(log.commit(vec![samples::small(1)])).unwrap();
    assert_eq!(verified(&path).records, 2);
}

/// A log that goes on in a new file with nearly every record.
fn rotating(path: &Path) -> LogWriter {
    let rotation = AuditRotation { size: Some(1), age: None };
    LogWriter::open(path, rotation, samples::clock()).unwrap().0
}

#[test]
fn a_log_that_went_on_in_new_files_is_locked_and_private_as_before() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = rotating(&path);
    for number in 0..20 {
        block_on(log.commit(vec![samples::small(number)])).unwrap();
    }
    assert_eq!(refused(&path).lines().next(), Some("another process is writing the audit log LOG"));
    drop(log);
    let Verified { records, files, .. } = verified(&path);
    assert!(files > 2 && records > 20, "{records} records in {files} files");
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let metadata = entry.unwrap().metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
    let (log, found) = opened(&path);
    assert_eq!((found.records, found.repaired), (records, None));
    drop(log);
}

#[test]
fn a_log_that_is_told_when_to_go_on_in_a_new_file_does_from_then_on() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    let (log, _) = opened(&path);
    let commit = |numbers: std::ops::Range<i64>| {
        for number in numbers {
            block_on(log.commit(vec![samples::small(number)])).unwrap();
        }
    };
    commit(0..20);
    assert_eq!(verified(&path).files, 1);
    log.rotate_by(AuditRotation { size: Some(1), age: None });
    commit(20..22);
    drop(log);
    assert_eq!(verified(&path).files, 2);
}

#[test]
fn the_head_is_that_of_the_last_record_of_whatever_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    let (log, _) = opened(&path);
    assert_eq!(log.head(), None);
    drop(log);
    let log = rotating(&path);
    for number in 0..10 {
        block_on(log.commit(vec![samples::small(number)])).unwrap();
        let head = log.head().unwrap();
        assert_eq!(head.time, samples::small(number).time);
        assert!(head.sequence > number.unsigned_abs());
    }
    // The thread may still have been at work on a new file.
    drop(log);
    let (log, _) = opened(&path);
    let Verified { sequence, head, .. } = verified(&path);
    let found = log.head().unwrap();
    assert_eq!((found.sequence, found.hash), (sequence, head));
}

#[test]
fn a_log_whose_file_is_moved_away_is_not_written_until_it_is_back() {
    let directory = TempDir::new().unwrap();
    let (path, away) = (directory.path().join("log"), directory.path().join("away"));
    let (log, _) = opened(&path);
    block_on(log.commit(vec![samples::small(0)])).unwrap();
    block_on(log.commit(Vec::new())).unwrap();
    std::fs::rename(&path, &away).unwrap();
    for records in [vec![], vec![samples::small(1)]] {
        let error = block_on(log.commit(records)).unwrap_err();
        assert_eq!(error.detail, "it was moved or removed");
    }
    std::fs::copy(&away, &path).unwrap();
    let error = block_on(log.commit(vec![samples::small(1)])).unwrap_err();
    assert_eq!(error.detail, "another file has taken its place");
    std::fs::rename(&away, &path).unwrap();
    block_on(log.commit(vec![samples::small(2)])).unwrap();
    assert_eq!(subjects(&path), ["s0", "s2"]);
}

#[test]
fn an_older_file_that_cannot_be_read_prevents_no_start() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = rotating(&path);
    for number in 0..20 {
        block_on(log.commit(vec![samples::small(number)])).unwrap();
    }
    let head = log.head().unwrap();
    drop(log);
    let mut older: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().is_some_and(|path| path.contains(".0")))
        .collect();
    older.sort_unstable();
    let last = older.last().unwrap();
    std::fs::remove_file(last).unwrap();
    std::fs::create_dir(last).unwrap();
    let (log, found) = opened(&path);
    assert_eq!((found.records, found.hash), (head.sequence, head.hash));
    block_on(log.commit(vec![samples::small(20)])).unwrap();
}

#[test]
fn what_is_cut_behind_a_hole_is_kept_beside_the_log() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("audit.jsonl");
    let (log, _) = opened(&path);
    block_on(log.commit((0..9).map(samples::small).collect())).unwrap();
    drop(log);
    let whole = std::fs::read(&path).unwrap();
    let third =
        whole.split_inclusive(|byte| *byte == b'\n').take(3).map(<[u8]>::len).sum::<usize>();
    for number in 1..3 {
        let mut holed = whole.clone();
        holed[third + 5..third + 50].fill(0);
        std::fs::write(&path, &holed).unwrap();
        let (_, found) = opened(&path);
        assert!(found.repaired.is_some_and(|torn| torn.has_hole));
        let kept = directory.path().join(format!("audit.jsonl.cut-{number}"));
        assert_eq!(std::fs::read(&kept).unwrap(), holed[third..]);
        assert_eq!(std::fs::metadata(kept).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // It is none of the log's files.
    assert_eq!(verified(&path).files, 1);
}

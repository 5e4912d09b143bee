use futures_util::FutureExt;
use tempfile::TempDir;

use super::*;
use crate::audit::chain::LINE_MAX;
use crate::audit::disk::Disk;
use crate::audit::inline::InlineLog;
use crate::audit::record::Journal;
use crate::audit::record::Record;
use crate::audit::samples;
use crate::policy::AuditRotation;

/// What `verify` says of these bytes, in short.
fn verdict(bytes: &[u8]) -> String {
    let mut follower = Follower::START;
    match follow_file(RawLines::of(bytes), LogFile::Current, true, &mut follower, &[]) {
        Ok(torn) => {
            let Verified { records, head, .. } = verified(&follower, 1, torn);
            match torn {
                None => format!("{records} whole {head:.8}"),
                Some(bytes) => format!("{records} torn {bytes}"),
            }
        }
        Err(Unverified::Broken { line, what }) => format!("line {line}: {what}"),
        Err(Unverified::Another(_)) => panic!("nothing was noted"),
        Err(Unverified::Io(error)) => panic!("{error}"),
    }
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

#[test]
fn what_was_written_verifies_and_reads_back() {
    let records: Vec<Record> = (0..20).map(samples::small).collect();
    let bytes = samples::log_of(&records);
    assert_eq!(verdict(&bytes).split(' ').take(2).collect::<Vec<_>>(), ["20", "whole"]);
    assert_eq!(verdict(b""), "0 whole 00000000");
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    samples::write(&path, &bytes);
    let read: Vec<Record> = read(&path).unwrap().map(|line| line.unwrap().record).collect();
    assert_eq!(read, records);
}

#[test]
fn every_changed_byte_is_found() {
    let bytes = samples::small_log(3);
    let whole = verdict(&bytes);
    for at in 0..bytes.len() {
        for change in [1, 0x20, 0x80, bytes[at] ^ b'\n', bytes[at] ^ b'"'] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            if change != 0 {
                let verdict = verdict(&changed);
                assert!(!verdict.contains("whole"), "byte {at} ^ {change}: {verdict}, was {whole}");
            }
        }
    }
}

#[test]
fn every_removed_repeated_or_swapped_byte_is_found() {
    let bytes = samples::small_log(3);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed.remove(at);
        assert!(!verdict(&changed).contains("whole"), "without byte {at}");
        changed.insert(at, bytes[at]);
        changed.insert(at, bytes[at]);
        assert!(!verdict(&changed).contains("whole"), "twice byte {at}");
        let next = at + 1;
        if next < bytes.len() && bytes[at] != bytes[next] {
            let mut changed = bytes.clone();
            changed.swap(at, next);
            assert!(!verdict(&changed).contains("whole"), "swapped {at} and {next}");
        }
    }
}

#[test]
fn removed_repeated_and_swapped_lines_are_found() {
    let bytes = samples::small_log(5);
    let lines = lines(&bytes);
    for first in 0..lines.len() {
        let mut removed = lines.clone();
        removed.remove(first);
        let verdict_removed = verdict(&removed.concat());
        if first + 1 < lines.len() {
            let expected = format!(
                "line {}: its sequence is {} and has to be {}",
                first + 1,
                first + 2,
                first + 1
            );
            assert_eq!(verdict_removed, expected);
        } else {
            // The end of a log can be cut unseen, unless its head was noted elsewhere.
            assert!(verdict_removed.starts_with("4 whole"));
        }
        let mut repeated = lines.clone();
        repeated.insert(first, lines[first]);
        assert!(!verdict(&repeated.concat()).contains("whole"), "repeated {first}");
        for second in first + 1..lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(first, second);
            assert!(!verdict(&swapped.concat()).contains("whole"), "swapped {first} {second}");
        }
    }
}

#[test]
fn a_line_of_another_log_is_found() {
    let ours = samples::small_log(3);
    let theirs: Vec<Record> = (10..13).map(samples::small).collect();
    let theirs = samples::log_of(&theirs);
    let mut mixed = lines(&ours);
    mixed[1] = lines(&theirs)[1];
    let expected = "line 2: its prevhash is not the hash of the line before it";
    assert_eq!(verdict(&mixed.concat()), expected);
}

#[test]
fn a_torn_last_line_is_no_tampering() {
    let bytes = samples::small_log(3);
    let last = lines(&bytes)[2].len();
    for torn in 1..last {
        assert_eq!(verdict(&bytes[..bytes.len() - last + torn]), format!("2 torn {torn}"));
    }
}

#[test]
fn reading_goes_on_after_a_line_that_is_none_and_ends_at_a_torn_one() {
    let bytes = samples::small_log(3);
    let mut mixed = lines(&bytes);
    mixed[1] = b"{}\n";
    mixed.push(b"{\"spec");
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    samples::write(&path, &mixed.concat());
    let said: Vec<String> = read(&path)
        .unwrap()
        .map(|line| line.map_or_else(|error| error.to_string(), |line| line.sequence.to_string()))
        .map(|said| said.replace(&path.display().to_string(), "LOG"))
        .collect();
    let none = "line 2 of the audit log LOG cannot be read";
    assert_eq!(said, ["1", none, "3", "line 4 of the audit log LOG is torn after 6 bytes"]);
}

#[test]
fn a_line_without_bound_needs_bounded_memory() {
    let mut bytes = samples::small_log(1);
    bytes.resize(bytes.len() + 3 * LINE_MAX, b'x');
    let expected = format!("line 2: it is longer than {LINE_MAX} bytes");
    assert_eq!(verdict(&bytes), expected);
}

/// Opens a log that goes on in a new file at `size`.
fn open(path: &Path, size: u64) -> InlineLog {
    let disk = Box::new(Disk::open(path).unwrap());
    let rotation = AuditRotation { size: Some(size), age: None };
    InlineLog::open(disk, rotation, &samples::clock()).unwrap().0
}

/// Commits records until a log has so many files.
fn commit_until(log: &InlineLog, names: &LogFiles, files: usize) {
    let mut numbers = 0..100;
    while names.list().unwrap().len() < files {
        let record = samples::small(numbers.next().unwrap());
        log.commit(vec![record]).now_or_never().unwrap().unwrap();
    }
}

/// A log in four files, and the paths of them in order.
fn of_four_files(directory: &Path) -> (PathBuf, Vec<PathBuf>) {
    let path = directory.join("audit.jsonl");
    let names = LogFiles::at(&path).unwrap();
    let log = open(&path, 2000);
    commit_until(&log, &names, 4);
    log.commit(vec![samples::small(0)]).now_or_never().unwrap().unwrap();
    let files = names.list().unwrap().into_iter().map(|file| names.path(file)).collect();
    (path, files)
}

fn said(path: &Path) -> String {
    match verify(path) {
        Ok(Verified { begins, sequence, records, files, torn, .. }) => {
            format!("{begins} to {sequence}: {records} in {files} files, torn {torn:?}")
        }
        Err(error) => {
            let directory = path.parent().unwrap().display().to_string();
            error.to_string().replace(&directory, "")
        }
    }
}

#[test]
fn a_log_in_many_files_is_read_and_verified_as_one() {
    let directory = TempDir::new().unwrap();
    let (path, files) = of_four_files(directory.path());
    let all: Vec<u64> = read(&path).unwrap().map(|line| line.unwrap().sequence).collect();
    let last = *all.last().unwrap();
    assert_eq!(all, (1..=last).collect::<Vec<_>>());
    assert_eq!(said(&path), format!("1 to {last}: {last} in 4 files, torn None"));
    let mut next = 1;
    for file in &files {
        let Verified { begins, sequence, records, .. } = verify_file(file).unwrap();
        assert_eq!((begins, records), (next, sequence - begins + 1));
        next = sequence + 1;
    }
    // The newest file alone tells what is needed at a start.
    let recent: Vec<u64> = read_recent(&path).unwrap().map(|line| line.unwrap().sequence).collect();
    assert_eq!(recent, (verify_file(&path).unwrap().begins..=last).collect::<Vec<_>>());
    // Where a rotation was broken off the current file is missing for a while.
    std::fs::remove_file(&path).unwrap();
    let without = verify_file(&files[2]).unwrap().sequence;
    assert_eq!(said(&path), format!("1 to {without}: {without} in 3 files, torn None"));
    // Older files may be taken away, the oldest first.
    std::fs::remove_file(&files[0]).unwrap();
    let begins = verify_file(&files[1]).unwrap().begins;
    let count = without - begins + 1;
    assert_eq!(said(&path), format!("{begins} to {without}: {count} in 2 files, torn None"));
    files[1..3].iter().for_each(|file| std::fs::remove_file(file).unwrap());
    let error = read(&path).unwrap_err();
    assert!(error.is_absence() && read_recent(&path).unwrap_err().is_absence(), "{error}");
}

#[test]
fn a_log_that_lacks_what_was_noted_of_it_is_found() {
    let directory = TempDir::new().unwrap();
    let (path, files) = of_four_files(directory.path());
    let lines: Vec<Line> = read(&path).unwrap().map(Result::unwrap).collect();
    let [first, last] = [&lines[0], lines.last().unwrap()];
    let noted = |line: &Line| format!("{}:{}", line.sequence, line.hash).parse::<Noted>().unwrap();
    let said = |noted: &[Noted]| {
        let verified = verify_noted(&path, noted);
        verified.map(|verified| verified.sequence).map_err(|error| error.to_string())
    };
    assert_eq!(said(&[noted(first), noted(&lines[5]), noted(last)]), Ok(last.sequence));
    let of_another = Noted { hash: first.hash, ..noted(last) };
    let another = format!("record {} is there with another hash than was noted", last.sequence);
    assert!(said(&[noted(first), of_another]).unwrap_err().starts_with(&another));
    // Whole lines that are cut off leave a chain that holds.
    let content = std::fs::read_to_string(&path).unwrap();
    let cut = content.trim_end().rfind('\n').unwrap() + 1;
    samples::write(&path, &content.as_bytes()[..cut]);
    let ends = last.sequence - 1;
    let short = format!("the log ends at record {ends}, and record {} was noted", last.sequence);
    assert_eq!(said(&[]), Ok(ends));
    assert!(said(&[noted(last)]).unwrap_err().starts_with(&short));
    std::fs::remove_file(&files[0]).unwrap();
    assert!(said(&[noted(first)]).unwrap_err().ends_with("record 1 is in files that are not here"));
    let digits = first.hash.as_str();
    for wrong in [digits, "1:", "0:", "1:0a", &format!("x:{digits}"), &format!("0:{digits}")] {
        assert!(wrong.parse::<Noted>().is_err(), "{wrong}");
    }
}

#[test]
fn files_that_are_missing_swapped_cut_or_renamed_are_found() {
    let directory = TempDir::new().unwrap();
    let (path, files) = of_four_files(directory.path());
    let contents: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    let ends: Vec<u64> = files.iter().map(|file| verify_file(file).unwrap().sequence).collect();
    let check_found = |what: &str, expected: &str| {
        assert_eq!(said(&path), expected, "{what}");
        files.iter().zip(&contents).for_each(|(file, bytes)| samples::write(file, bytes));
        assert!(said(&path).ends_with("in 4 files, torn None"), "after {what}");
    };
    let name = |index: usize| format!("/{}", files[index].file_name().unwrap().to_str().unwrap());
    for missing in [1, 2] {
        std::fs::remove_file(&files[missing]).unwrap();
        let (expected, found) = (ends[missing - 1] + 1, ends[missing] + 1);
        let broken = format!(
            "the audit log {} is broken at line 1: its sequence is {found} and has to be {expected}",
            name(missing + 1)
        );
        check_found("a missing file", &broken);
    }
    samples::write(&files[1], &contents[2]);
    samples::write(&files[2], &contents[1]);
    let (expected, found) = (ends[0] + 1, ends[1] + 1);
    let broken = format!(
        "the audit log {} is broken at line 1: its sequence is {found} and has to be {expected}",
        name(1)
    );
    check_found("swapped files", &broken);
    std::fs::remove_file(&files[0]).unwrap();
    std::fs::rename(&files[1], &files[0]).unwrap();
    let broken = format!(
        "the audit log {} is broken at line 1: its sequence is {}, and the name of the file says 1",
        name(0),
        ends[0] + 1
    );
    check_found("a renamed file", &broken);
    let last_line = |bytes: &[u8]| {
        bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1
    };
    for index in [0, 1, 2] {
        let cut = last_line(&contents[index]);
        samples::write(&files[index], &contents[index][..cut]);
        let broken = format!(
            "the audit log {} is broken at line 1: its sequence is {} and has to be {}",
            name(index + 1),
            ends[index] + 1,
            ends[index]
        );
        check_found("a file without its last line", &broken);
        let line = contents[index][..cut].iter().filter(|byte| **byte == b'\n').count() + 1;
        samples::write(&files[index], &contents[index][..cut + 5]);
        let broken = format!(
            "the audit log {} is broken at line {line}: it does not end in a hash",
            name(index)
        );
        check_found("an older file that is torn", &broken);
    }
    for index in [1, 3] {
        let first = contents[index].iter().position(|byte| *byte == b'\n').unwrap() + 1;
        samples::write(&files[index], &contents[index][first..]);
        let broken = format!(
            "the audit log {} is broken at line 1: its sequence is {} and has to be {}",
            name(index),
            ends[index - 1] + 2,
            ends[index - 1] + 1
        );
        check_found("a file without its first line", &broken);
    }
}

#[test]
fn a_log_begins_with_its_first_record_or_with_a_checkpoint() {
    let directory = TempDir::new().unwrap();
    let (path, files) = of_four_files(directory.path());
    let current = std::fs::read(&path).unwrap();
    files[..3].iter().for_each(|file| std::fs::remove_file(file).unwrap());
    assert!(said(&path).ends_with("in 1 files, torn None"));
    let first = current.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    samples::write(&path, &current[first..]);
    let begins: u64 = chain::parse_line(&current[..first]).unwrap().sequence + 1;
    let broken = format!(
        "the audit log /audit.jsonl is broken at line 1: its sequence is {begins} and has to be 1"
    );
    assert_eq!(said(&path), broken);
}

#[test]
fn every_changed_byte_of_every_file_is_found() {
    let directory = TempDir::new().unwrap();
    let (path, files) = of_four_files(directory.path());
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        for at in (0..bytes.len()).step_by(3) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            samples::write(file, &changed);
            let said = said(&path);
            assert!(said.contains("broken") || said.contains("torn Some"), "{at}: {said}");
        }
        samples::write(file, &bytes);
    }
}

#[test]
fn a_log_that_goes_on_in_a_new_file_while_it_is_read_is_read_as_it_was() {
    let directory = TempDir::new().unwrap();
    let (path, _) = of_four_files(directory.path());
    let before: Vec<u64> = read(&path).unwrap().map(|line| line.unwrap().sequence).collect();
    let lines = read(&path).unwrap();
    commit_until(&open(&path, 1), &LogFiles::at(&path).unwrap(), 6);
    let read: Vec<u64> = lines.map(|line| line.unwrap().sequence).collect();
    assert!(read.starts_with(&before) && !read.windows(2).any(|pair| pair[0] + 1 != pair[1]));
}

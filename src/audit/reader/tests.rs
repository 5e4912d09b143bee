use tempfile::TempDir;

use super::*;
use crate::audit::chain::LINE_MAX;
use crate::audit::record::Record;
use crate::audit::samples;

/// What `verify` says of these bytes, in short.
fn verdict(bytes: &[u8]) -> String {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log");
    samples::write(&path, bytes);
    match verify(&path) {
        Ok(Verified { records, torn: None, head, .. }) => format!("{records} whole {head:.8}"),
        Ok(Verified { records, torn: Some(bytes), .. }) => format!("{records} torn {bytes}"),
        Err(VerifyError::Broken { line, what, .. }) => format!("line {line}: {what}"),
        Err(VerifyError::Io { source, .. }) => panic!("{source}"),
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
fn every_removed_byte_is_found() {
    let bytes = samples::small_log(3);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed.remove(at);
        assert!(!verdict(&changed).contains("whole"), "byte {at}");
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

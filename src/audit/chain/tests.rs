use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::audit::samples;

#[test]
fn a_line_is_an_envelope_that_ends_in_its_hash() {
    let bytes = samples::log_of(&[samples::small(0), samples::small(1)]);
    let text = String::from_utf8(bytes).unwrap();
    assert_snapshot!(text);
    let line = text.lines().nth(1).unwrap();
    let (body, _) = line.rsplit_once(",\"hash\":\"").unwrap();
    assert!(line.ends_with(&format!(",\"hash\":\"{}\"}}", Hash::of(body.as_bytes()))));
}

#[test]
fn the_hash_is_sha_256() {
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Hash::of(b"abc").as_str(), known);
}

#[test]
fn lines_continue_each_other() {
    let bytes = samples::small_log(3);
    let links: Vec<Link> =
        bytes.split_inclusive(|b| *b == b'\n').map(|l| check(l).unwrap()).collect();
    assert_eq!(links.iter().map(|link| link.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(links[0].prevhash, Hash::ZERO);
    assert_eq!([links[1].prevhash, links[2].prevhash], [links[0].hash, links[1].hash]);
}

#[test]
fn another_version_is_read_with_what_it_has() {
    let zero = Hash::ZERO;
    let line = format!(
        r#"{{"sequence":7,"new":[{{"x":1}}],"type":"lightsout.moon.risen","time":"2031-01-01T00:00:00+01:00","prevhash":"{zero}","data":{{"new":1,"session":"s","reason":{{"code":"c"}},"seen":{{}}}},"hash":"{zero}"}}"#
    );
    let line = parse_line(line.as_bytes()).unwrap();
    assert_eq!(line.record.kind, Kind::Other("lightsout.moon.risen".to_owned()));
    assert_eq!((line.record.subject.as_str(), line.source.as_str()), ("", ""));
    assert_eq!(line.record.data.session.as_deref(), Some("s"));
    let line = format!(
        r#"{{"sequence":7,"type":"t","time":"2031-01-01T00:00:00Z","prevhash":"{zero}","hash":"{zero}"}}"#
    );
    assert_eq!(parse_line(line.as_bytes()).unwrap().record.data, Data::default());
}

#[test]
fn what_is_no_line_is_refused() {
    fn check_refused(line: &str, expected: &str) {
        assert_eq!(parse_line(line.as_bytes()).unwrap_err().to_string(), expected, "{line}");
    }
    check_refused("", "it is not a record: EOF while parsing a value at line 1 column 0");
    check_refused("{}", "it is not a record: missing field `type` at line 1 column 2");
    let line = String::from_utf8(samples::small_log(1)).unwrap();
    let cut = line.replacen(&"0".repeat(64), "0", 1);
    check_refused(&cut, "it is not a record: \"0\" is not a hash");
    assert_eq!(check(b""), Err(LineError::NoHash));
    assert_eq!(check(cut.as_bytes()), Err(LineError::HashMismatch));
    assert_eq!(check(line.to_uppercase().as_bytes()), Err(LineError::NoHash));
}

#[test]
fn a_record_that_is_too_long_changes_nothing() {
    let mut record = samples::small(0);
    let (mut chain, mut bytes) = (Chain::EMPTY, b"before".to_vec());
    record.data.note = Some("x".repeat(LINE_MAX));
    assert_eq!(chain.push(&record, &mut bytes), Err(LineError::TooLong));
    assert_eq!((chain, bytes.as_slice()), (Chain::EMPTY, b"before".as_slice()));
}

#[test]
fn logs_that_begin_otherwise_have_another_source() {
    let source = |record| parse_line(&samples::log_of(&[record])).unwrap().source;
    assert_eq!(source(samples::small(0)), source(samples::small(0)));
    assert_ne!(source(samples::small(0)), source(samples::small(1)));
}

proptest! {
    #[test]
    fn what_is_written_is_read(records in proptest::collection::vec(samples::any_record(), 1..4)) {
        let bytes = samples::log_of(&records);
        prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), records.len());
        let lines: Vec<Line> =
            bytes.split_inclusive(|b| *b == b'\n').map(|line| parse_line(line).unwrap()).collect();
        let read: Vec<Record> = lines.iter().map(|line| line.record.clone()).collect();
        prop_assert_eq!(read, records);
    }
}

use super::*;
use crate::audit::record::Data;
use crate::audit::samples;

#[test]
fn the_file_in_docs_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit-record.schema.json");
    if std::env::var_os("LIGHTSOUT_BLESS").is_some() {
        std::fs::write(path, text()).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, text(), "run the tests with LIGHTSOUT_BLESS=1 to rewrite {path}");
}

#[test]
fn records_of_every_kind_follow_it() {
    let validator = jsonschema::validator_for(&of_line()).unwrap();
    let mut records: Vec<_> = Kind::ALL.iter().map(|kind| samples::full(kind.clone(), 1)).collect();
    records.extend(Kind::ALL.iter().map(|kind| {
        let mut record = samples::full(kind.clone(), 2);
        record.data = Data::default();
        record.subject.clear();
        record
    }));
    for line in samples::log_of(&records).split_inclusive(|byte| *byte == b'\n') {
        let line: Value = serde_json::from_slice(line).unwrap();
        let errors: Vec<_> = validator.iter_errors(&line).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{line:#}");
    }
}

#[test]
fn what_is_no_record_does_not_follow_it() {
    let validator = jsonschema::validator_for(&of_line()).unwrap();
    let line: Value = serde_json::from_slice(&samples::small_log(1)).unwrap();
    assert!(validator.is_valid(&line));
    for member in
        ["specversion", "id", "source", "type", "time", "sequence", "prevhash", "data", "hash"]
    {
        let mut without = line.clone();
        without.as_object_mut().unwrap().remove(member);
        assert!(!validator.is_valid(&without), "without {member}");
        let mut wrong = line.clone();
        wrong[member] = Value::from("wrong");
        assert!(member == "time" || !validator.is_valid(&wrong), "wrong {member}");
    }
}

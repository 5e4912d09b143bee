//! Files on disk.

use std::error::Error;

use super::*;
use crate::policy::Mode;

#[test]
fn the_example_has_nothing_to_remark() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config/example.toml"));
    let loaded = load(path).unwrap_or_else(|error| match error {
        ConfigError::Invalid(found) => panic!("{}", found.render(false)),
        error @ ConfigError::Read { .. } => panic!("{error}"),
    });
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings.render(false));
    assert_eq!(loaded.policy.modes(), "enforce");
    let studio = &loaded.policy.studios.values().next().unwrap();
    assert_eq!(studio.settings.mode, Mode::Enforce);
    assert!(studio.settings.warn.is_empty());
    assert_eq!(studio.rules.len(), 4);
    assert!(loaded.policy.audit_path.ends_with("target/lightsout-example/audit.jsonl"));
}

fn load_bytes(bytes: &[u8]) -> ConfigError {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lightsout.toml");
    fs::write(&path, bytes).unwrap();
    load(&path).unwrap_err()
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load(Path::new("/nowhere/lightsout.toml")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the configuration /nowhere/lightsout.toml");
    assert!(error.source().is_some());
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let error = load_bytes(&vec![b'\n'; 1 << 20 | 1]);
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    assert_eq!(source, "it is larger than 1048576 bytes; is the path right?");
}

#[test]
fn a_file_that_is_not_utf_8_is_refused_with_the_place() {
    let error = load_bytes(b"version = 1\nmode = \"\xff\xfe\"\n");
    let ConfigError::Invalid(found) = &error else { panic!("{error}") };
    assert_eq!(error.to_string(), "the configuration has 1 error");
    let only = found.iter().next().unwrap();
    assert_eq!(only.code, "not-utf-8");
    assert_eq!(found.position(only.primary.span.start), (2, 9));
}

#[test]
fn diagnostics_are_there_for_programs_too() {
    let found = parsed(&studio("leese = \"2h\"")).unwrap_err();
    assert_eq!(
        found.to_json(),
        serde_json::json!([{
            "code": "unknown-key",
            "severity": "error",
            "message": "unknown key \"leese\" in `[[studio]]`",
            "file": "lightsout.toml",
            "line": 10,
            "column": 1,
            "end_line": 10,
            "end_column": 6,
            "notes": found.iter().next().unwrap().notes,
            "help": ["did you mean `lease`?"],
        }])
    );
}

#[test]
fn colour_changes_no_words() {
    let found = parsed(&studio("leese = \"2h\"")).unwrap_err();
    let coloured = found.render(true);
    assert!(coloured.contains('\u{1b}'));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), found.render(false));
}

#[test]
fn what_cannot_be_read_now_is_told_from_what_is_wrong() {
    let read = |kind: io::ErrorKind| {
        let error = ConfigError::Read { path: "lightsout.toml".into(), source: kind.into() };
        error.is_unread()
    };
    assert!(read(io::ErrorKind::StaleNetworkFileHandle) && read(io::ErrorKind::Other));
    assert!(!read(io::ErrorKind::NotFound) && !read(io::ErrorKind::FileTooLarge));
    let calendar = "[calendar.bank]\nics = \"bank.ics\"\neffect = \"closed\"\n";
    let wrong = |text: &str| ConfigError::Invalid(parsed(text).unwrap_err()).is_unread();
    assert!(wrong(&format!("{SOUND}{calendar}")));
    assert!(!wrong(&format!("{SOUND}{calendar}wrong = 1\n")));
}

mod calendars;
mod contradictions;
mod foresight;
mod loading;
mod meaning;
mod mutations;
mod references;
mod secrets;
mod values;

use std::path::Path;

use super::*;

/// A file with nothing wrong in it; tests put lines in front of it, or change it.
pub(super) const SOUND: &str = r#"version = 1

[schedule.nights]
zone = "America/Los_Angeles"
idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]

[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
schedule = "nights"
"#;

/// The reader's answer. What it takes has to follow the schema, whatever a test is about.
fn parsed(text: &str) -> Result<Loaded, Diagnostics> {
    let loaded = parse("lightsout.toml", text, Path::new("/etc/lightsout"));
    if loaded.is_ok() {
        assert_eq!(schema::tests::faults(text), Vec::<String>::new(), "{text}");
    }
    loaded
}

fn sound(text: &str) -> Policy {
    let loaded = parsed(text).unwrap_or_else(|found| panic!("{}", found.render(false)));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings.render(false));
    loaded.policy
}

/// What is found in a file, as text.
fn found(text: &str) -> String {
    match parsed(text) {
        Ok(loaded) => loaded.warnings.render(false),
        Err(found) => found.render(false),
    }
}

/// Compares what is found in a file with the snapshot of a name.
fn check(name: &str, text: &str) {
    snapshot(name, &found(text));
}

/// Compares a text with the snapshot of a name.
fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The sound file with more lines in its studio.
fn studio(lines: &str) -> String {
    format!("{SOUND}{lines}\n")
}

/// The sound file with more lines at its top, after the version.
fn top(lines: &str) -> String {
    SOUND.replacen("version = 1\n", &format!("version = 1\n{lines}\n"), 1)
}

/// The sound file with one text replaced.
fn replaced(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from));
    SOUND.replacen(from, to, 1)
}

#[test]
fn the_sound_file_is_sound() {
    sound(SOUND);
}

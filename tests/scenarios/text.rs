//! The form of a scenario's file: a title and a few sentences, then its sections.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

/// What begins the heading of a section.
const HEADING: &str = "== ";

/// A scenario as it is written.
pub(crate) struct Scenario {
    path: PathBuf,
    /// The file up to the transcript's heading, that one included.
    head: String,
    /// The policy, without what is the same in all of them.
    pub(crate) policy: String,
    /// The one that a reload brings, where there is one.
    pub(crate) later_policy: Option<String>,
    /// The sessions at the beginning.
    pub(crate) sessions: String,
    /// What people and fate do.
    pub(crate) story: String,
    /// Where they live.
    pub(crate) zone: TimeZone,
    /// What came of it.
    pub(crate) transcript: String,
}

pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

impl Scenario {
    pub(crate) fn read(name: &str) -> Self {
        let path = directory().join(name).with_extension("txt");
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (told, rest) = text.split_once(&format!("\n{HEADING}policy\n")).unwrap_or_else(|| {
            panic!("{name}: a scenario begins with sentences, then `{HEADING}policy`")
        });
        assert!(told.lines().count() > 2, "{name}: a title and a few sentences say what it shows");
        let (policy, rest) = section(name, rest, "sessions");
        let later = policy.split_once(&format!("\n{HEADING}policy after a reload\n"));
        let (policy, later_policy) = later.map_or((policy, None), |(p, l)| (p, Some(l.to_owned())));
        let (sessions, rest) = section(name, rest, "story in ");
        let (zone, rest) = rest.split_once('\n').unwrap_or_default();
        let zone = TimeZone::get(zone).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (story, transcript) = section(name, rest, "transcript");
        let head = text[..text.len() - transcript.len()].to_owned();
        let transcript = transcript.trim_start_matches('\n').to_owned();
        let (policy, sessions) = (policy.to_owned(), sessions.to_owned());
        let story = story.to_owned();
        Self { path, policy, later_policy, sessions, story, zone, transcript, head }
    }

    /// Compares what came of it with what is written, or writes it down where that is asked for.
    pub(crate) fn compare(&self, transcript: &str) {
        if std::env::var_os("LIGHTSOUT_BLESS").is_some() {
            let text = format!("{}\n\n{transcript}", self.head.trim_end());
            return fs::write(&self.path, text).unwrap();
        }
        let difference = similar::TextDiff::from_lines(self.transcript.as_str(), transcript);
        assert!(
            self.transcript == transcript,
            "{} tells otherwise; if the new lines (+) are right, LIGHTSOUT_BLESS=1 writes them down\n\n{}",
            self.path.display(),
            difference.unified_diff().context_radius(3),
        );
    }
}

/// Cuts a text at a heading. What follows begins after the heading's words.
fn section<'a>(name: &str, text: &'a str, heading: &str) -> (&'a str, &'a str) {
    let line = format!("{HEADING}{heading}");
    let cut = text.split_once(&format!("\n{line}"));
    let (section, rest) =
        cut.unwrap_or_else(|| panic!("{name}: there is no `{line}` in its place"));
    (section, if heading.ends_with(' ') { rest } else { rest.trim_start_matches('\n') })
}

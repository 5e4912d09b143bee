//! What people and fate do, a line each.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use lightsout::plan::VetoSays;

use crate::local;

/// What can happen, as it is written.
const VALID: &str = "\
    daemon up | daemon down | the log is lost
    NAME starts SESSION | NAME stops SESSION | NAME deletes SESSION
    NAME pauses everything for 2h | NAME resumes everything | NAME approves what is held
    the policy says OLD => NEW (for the next daemon)
    all sessions but SESSION are hidden | all sessions are shown
    NAME tags SESSION KEY=VALUE | NAME untags SESSION KEY
    listing fails | listing works
    calls are refused | answers are lost | calls work
    no capacity | capacity again
    veto NAME is busy: WORDS | veto NAME fails: WORDS | veto NAME is clear
    the launch profile of SESSION is hidden | the account is hidden
    the policy is reloaded | a policy with a mistake is loaded
    the clock goes back 1h during a listing
    the clock jumps forward 1h | the clock jumps back 1h
    end";

/// One line.
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    /// As it is written.
    pub(crate) text: String,
    pub(crate) act: Act,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    DaemonUp,
    DaemonDown,
    LogLost,
    Start { who: String, session: String },
    Stop { who: String, session: String },
    Delete { who: String, session: String },
    Tag { who: String, session: String, key: String, value: String },
    Untag { who: String, session: String, key: String },
    Pause { who: String, length: SignedDuration },
    Resume { who: String },
    Approve { who: String },
    ChangePolicy { from: String, to: String },
    HideAllBut { session: String },
    ShowAll,
    ListingFails,
    CallsAreRefused,
    AnswersAreLost,
    AllWorks,
    NoCapacity,
    Capacity,
    VetoSays { veto: String, says: VetoSays },
    HideProfile { session: String },
    HideAccount,
    Reload,
    BadReload,
    ClockGoesBack(SignedDuration),
    ClockJumps(SignedDuration),
    End,
}

/// Reads a story: lines in the order of time, of which the last one ends it.
pub(crate) fn read(text: &str, zone: &TimeZone) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut date = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let refused = |why: &str| -> ! { panic!("== story\n{line}\n{why}") };
        let (day, at, text) = local::read(line, date, zone).unwrap_or_else(|why| refused(&why));
        if lines.last().is_some_and(|last| at < last.at) {
            refused("this is before the line above");
        }
        let act = act(text).unwrap_or_else(|| refused(&format!("can happen:\n{VALID}")));
        date = Some(day);
        lines.push(Line { at, text: text.to_owned(), act });
    }
    let ends = lines.iter().filter(|line| line.act == Act::End).count();
    let is_ended = ends == 1 && lines.last().is_some_and(|line| line.act == Act::End);
    assert!(is_ended, "a story has one `end`, which is its last line");
    lines
}

fn act(text: &str) -> Option<Act> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let own = |text: &str| text.to_owned();
    Some(match words.as_slice() {
        ["daemon", "up"] => Act::DaemonUp,
        ["daemon", "down"] => Act::DaemonDown,
        ["the", "log", "is", "lost"] => Act::LogLost,
        ["listing", "fails"] => Act::ListingFails,
        ["calls", "are", "refused"] => Act::CallsAreRefused,
        ["answers", "are", "lost"] => Act::AnswersAreLost,
        ["listing", "works"] | ["calls", "work"] => Act::AllWorks,
        ["veto", veto, "is", "busy:", words @ ..] => {
            Act::VetoSays { veto: own(veto), says: VetoSays::Busy { words: words.join(" ") } }
        }
        ["veto", veto, "fails:", words @ ..] => {
            Act::VetoSays { veto: own(veto), says: VetoSays::Failed { words: words.join(" ") } }
        }
        ["veto", veto, "is", "clear"] => Act::VetoSays { veto: own(veto), says: VetoSays::Clear },
        [who, "pauses", "everything", "for", length] => {
            Act::Pause { who: own(who), length: length.parse().ok()? }
        }
        [who, "resumes", "everything"] => Act::Resume { who: own(who) },
        [who, "approves", "what", "is", "held"] => Act::Approve { who: own(who) },
        ["the", "policy", "says", change @ ..] => {
            let change = change.join(" ");
            let (from, to) = change.split_once(" => ")?;
            Act::ChangePolicy { from: own(from), to: own(to) }
        }
        ["all", "sessions", "but", session, "are", "hidden"] => {
            Act::HideAllBut { session: own(session) }
        }
        ["all", "sessions", "are", "shown"] => Act::ShowAll,
        ["no", "capacity"] => Act::NoCapacity,
        ["capacity", "again"] => Act::Capacity,
        ["the", "launch", "profile", "of", session, "is", "hidden"] => {
            Act::HideProfile { session: own(session) }
        }
        ["the", "account", "is", "hidden"] => Act::HideAccount,
        ["the", "policy", "is", "reloaded"] => Act::Reload,
        ["a", "policy", "with", "a", "mistake", "is", "loaded"] => Act::BadReload,
        ["the", "clock", "goes", "back", by, "during", "a", "listing"] => {
            Act::ClockGoesBack(by.parse().ok()?)
        }
        ["the", "clock", "jumps", "forward", by] => Act::ClockJumps(by.parse().ok()?),
        ["the", "clock", "jumps", "back", by] => {
            Act::ClockJumps(-by.parse::<SignedDuration>().ok()?)
        }
        ["end"] => Act::End,
        [who, "starts", session] => Act::Start { who: own(who), session: own(session) },
        [who, "stops", session] => Act::Stop { who: own(who), session: own(session) },
        [who, "deletes", session] => Act::Delete { who: own(who), session: own(session) },
        [who, "untags", session, key] => {
            Act::Untag { who: own(who), session: own(session), key: own(key) }
        }
        [who, "tags", session, tag @ ..] => {
            let tag = tag.join(" ");
            let (key, value) = tag.split_once('=')?;
            let (key, value) = (own(key.trim()), own(value.trim()));
            Act::Tag { who: own(who), session: own(session), key, value }
        }
        _ => return None,
    })
}

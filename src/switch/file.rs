//! The file of one request: a small JSON object whose every member is known.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{APPROVAL_MAX, Approved, Changed, PAUSE_MAX, Request, Told, Wish, is_plain};

/// The form of this version. Another version's file is not acted upon.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    id: String,
    at: Timestamp,
    who: String,
    wish: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    studio: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<Approved>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changes: Option<BTreeMap<String, Changed>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Pause,
    Resume,
    Approve,
    Tell,
    TellOfProfile,
}

/// The text of a request's file.
pub(super) fn text(request: &Request) -> String {
    let Request { id, at, who, wish } = request;
    let empty = File {
        version: VERSION,
        id: id.clone(),
        at: *at,
        who: who.clone(),
        wish: Word::Resume,
        studio: wish.studio().map(ToString::to_string),
        until: None,
        note: None,
        held: None,
        session: None,
        profile: None,
        changes: None,
        told: None,
    };
    let file = match wish.clone() {
        Wish::Pause { until, note, .. } => {
            File { wish: Word::Pause, until: Some(until), note, ..empty }
        }
        Wish::Resume { .. } => empty,
        Wish::Approve { until, held, .. } => {
            File { wish: Word::Approve, until: Some(until), held: Some(held), ..empty }
        }
        Wish::Tell { session, told, .. } => {
            let session = Some(session.to_string());
            File { wish: Word::Tell, session, told: Some(told), ..empty }
        }
        Wish::TellOfProfile { profile, changes, told, .. } => {
            let (profile, changes) = (Some(profile.to_string()), Some(changes));
            File { wish: Word::TellOfProfile, profile, changes, told: Some(told), ..empty }
        }
    };
    // Texts, numbers and instants can always be written as JSON.
    serde_json::to_string(&file).unwrap_or_default()
}

/// Reads the file of the request `id`; on any doubt it is none.
pub(super) fn read(id: &str, text: &[u8]) -> Result<Request, String> {
    let file: File = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if file.version != VERSION {
        return Err(format!("its version is {}, and this program knows {VERSION}", file.version));
    }
    if file.id != id {
        return Err(format!("it says that it is {:?}", file.id));
    }
    let texts = [Some(&file.who), file.note.as_ref(), file.session.as_ref(), file.profile.as_ref()];
    let mut changes = file.changes.iter().flatten();
    let is_told_plainly = file.told.as_ref().is_none_or(Told::is_plain)
        && changes.all(|(member, changed)| is_plain(member) && changed.is_plain());
    if !is_told_plainly || !texts.into_iter().flatten().all(|text| is_plain(text)) {
        return Err("a name or a remark in it is empty, too long, or has control characters".into());
    }
    let longest = match file.wish {
        Word::Pause => PAUSE_MAX,
        Word::Approve => APPROVAL_MAX,
        Word::Resume | Word::Tell | Word::TellOfProfile => jiff::SignedDuration::ZERO,
    };
    if file.until.is_some_and(|until| file.at.duration_until(until) > longest) {
        return Err(format!("it is to last longer than {longest:#}"));
    }
    let wish = wish(file.wish, &file).ok_or("it lacks a member, or has one too many")?;
    Ok(Request { id: file.id, at: file.at, who: file.who, wish })
}

/// What a file asks for, if it has the members of that and no others.
fn wish(word: Word, file: &File) -> Option<Wish> {
    let studio = file.studio.as_deref().map(Into::into);
    let File { until, note, held, session, told, .. } = file;
    let is_of_profile = file.profile.is_some() || file.changes.is_some();
    if is_of_profile != (word == Word::TellOfProfile) {
        return None;
    }
    match (word, until, note, held, session, told) {
        (Word::Pause, Some(until), note, None, None, None) => {
            Some(Wish::Pause { studio, until: *until, note: note.clone() })
        }
        (Word::Resume, None, None, None, None, None) => Some(Wish::Resume { studio }),
        (Word::Approve, Some(until), None, Some(held), None, None) => {
            Some(Wish::Approve { studio: studio?, until: *until, held: held.clone() })
        }
        (Word::Tell, None, None, None, Some(session), Some(told)) => {
            let session = session.as_str().into();
            Some(Wish::Tell { studio: studio?, session, told: told.clone() })
        }
        (Word::TellOfProfile, None, None, None, None, Some(told)) => {
            let (profile, changes) = (file.profile.as_deref()?.into(), file.changes.clone()?);
            Some(Wish::TellOfProfile { studio: studio?, profile, changes, told: told.clone() })
        }
        _ => None,
    }
}

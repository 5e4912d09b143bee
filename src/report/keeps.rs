//! Who keeps what: the keeps that people asked for by a command, as far as the log tells.
//!
//! A tag says neither who set it nor when. Where the last keep of a session in the log says what its tag
//! says, it is that keep; where it does not, somebody has set the tag in another way since.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::audit::record::{Kind, Record};
use crate::ids::{SessionId, StudioId};

/// A keep that a person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub who: Option<String>,
    /// When it was done.
    pub since: Timestamp,
    /// Until when; for ever where there is none.
    pub until: Option<Timestamp>,
    /// Why, in that person's words.
    pub note: Option<String>,
}

/// The last keep of each session that nobody has taken away by a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keeps(BTreeMap<(StudioId, SessionId), Asked>);

impl Keeps {
    /// Learns from one record; records come in the order of the log.
    pub fn apply(&mut self, record: &Record) {
        let data = &record.data;
        let (Some(studio), Some(session)) = (data.studio.as_deref(), data.session.as_deref())
        else {
            return;
        };
        let place = || (StudioId::from(studio), SessionId::from(session));
        match (&record.kind, data.action.as_deref()) {
            // Whether one without an answer was done the tag tells.
            (Kind::OperatorAccepted | Kind::OperatorUnanswered, Some("keep")) => {
                let (who, until, note) = (data.who.clone(), data.until, data.note.clone());
                self.0.insert(place(), Asked { who, since: record.time, until, note });
            }
            (Kind::OperatorAccepted, Some("unkeep")) | (Kind::SessionVanished, _) => {
                self.0.remove(&place());
            }
            _ => {}
        }
    }

    /// The keep by which a session is kept until an instant, or for ever.
    #[must_use]
    pub fn of(
        &self,
        studio: &StudioId,
        session: &SessionId,
        until: Option<Timestamp>,
    ) -> Option<&Asked> {
        let asked = self.0.get(&(studio.clone(), session.clone()))?;
        (asked.until == until).then_some(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::record::Data;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn told(kind: Kind, action: &str, time: &str, until: Option<&str>) -> Record {
        let data = Data {
            studio: Some("studio".to_owned()),
            session: Some("one".to_owned()),
            who: Some("ada".to_owned()),
            action: Some(action.to_owned()),
            until: until.map(at),
            ..Data::default()
        };
        Record { time: at(time), kind, subject: "studio/one".to_owned(), data }
    }

    fn who(records: &[Record], until: Option<&str>) -> Option<(String, Timestamp)> {
        let mut keeps = Keeps::default();
        records.iter().for_each(|record| keeps.apply(record));
        let asked = keeps.of(&"studio".into(), &"one".into(), until.map(at))?;
        Some((asked.who.clone()?, asked.since))
    }

    const UNTIL: &str = "2026-11-22T08:00:00Z";
    const FIRST: &str = "2026-11-20T08:00:00Z";
    const SECOND: &str = "2026-11-21T08:00:00Z";

    #[test]
    fn the_last_keep_counts_where_the_tag_says_the_same() {
        let first = told(Kind::OperatorAccepted, "keep", FIRST, Some(UNTIL));
        let always = told(Kind::OperatorAccepted, "keep", SECOND, None);
        let ada = |since| Some(("ada".to_owned(), at(since)));
        assert_eq!(who(std::slice::from_ref(&first), Some(UNTIL)), ada(FIRST));
        assert_eq!(who(std::slice::from_ref(&first), Some(SECOND)), None);
        assert_eq!(who(&[first.clone(), always.clone()], None), ada(SECOND));
        assert_eq!(who(&[first, always], Some(UNTIL)), None);
    }

    #[test]
    fn what_was_refused_or_taken_away_is_no_keep() {
        let kept = told(Kind::OperatorAccepted, "keep", FIRST, None);
        for (kind, action, stays) in [
            (Kind::OperatorAccepted, "unkeep", false),
            (Kind::OperatorRejected, "unkeep", true),
            (Kind::SessionVanished, "", false),
            (Kind::OperatorAccepted, "stop", true),
        ] {
            let after = told(kind.clone(), action, SECOND, None);
            assert_eq!(who(&[kept.clone(), after], None).is_some(), stays, "{kind} {action}");
        }
        assert_eq!(who(&[told(Kind::OperatorIntended, "keep", FIRST, None)], None), None);
        assert_eq!(who(&[told(Kind::OperatorRejected, "keep", FIRST, None)], None), None);
        let unanswered = told(Kind::OperatorUnanswered, "keep", FIRST, None);
        assert!(who(&[unanswered], None).is_some());
    }
}

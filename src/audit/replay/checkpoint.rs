//! A replay as the records of a checkpoint, and back.
//!
//! The two directions are each other's inverse, for whatever a replay may hold. Every type is taken
//! apart and put together whole, so that a new field does not compile until it has a place here: what
//! a checkpoint forgets, the program forgets at the next start.

mod control;

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use jiff::{SignedDuration, Timestamp};

use super::{Fingerprint, Held, Replay, StudioPast, mode_of};
use crate::audit::record::checkpoint::{
    AnswerCheckpoint, AttemptsCheckpoint, CheckpointData, CountedCheckpoint, HeldCheckpoint,
    IntentCheckpoint, PastCheckpoint, ReminderCheckpoint, RescuedCheckpoint, SessionCheckpoint,
    WarningCheckpoint,
};
use crate::audit::record::{Data, Kind, Record, VetoData};
use crate::ids::{SessionId, StudioId, VetoName};
use crate::plan::{
    Action, Attempts, History, KeepReminder, OpenIntent, OurStop, RescuedRun, SessionHistory,
    StoppedBy, VetoGiven, WarningGiven,
};

/// How much goes into one part. One session has far less than a line may have, so parts of this
/// size stay far below that too.
const PART_BYTES_MAX: usize = 128 * 1024;

/// How much an instant takes.
const INSTANT_BYTES: usize = 36;

/// How much a counted call takes besides its token.
const COUNTED_BYTES: usize = 96;

/// A checkpoint of which not every part was read yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Unfinished {
    parts_read: u32,
    parts: u32,
    studios: BTreeMap<StudioId, StudioPast>,
    others: StudioPast,
    requests: BTreeSet<String>,
    latest: Option<Timestamp>,
}

impl Replay {
    /// The records of a checkpoint: read into any replay, they make it this one.
    #[must_use]
    pub fn checkpoint(&self, time: Timestamp) -> Vec<Record> {
        // What is unfinished was broken off by the next record, and this is one.
        let Self { studios, others, requests, latest, unfinished: _ } = self;
        let mut parts: Vec<(Option<&StudioId>, CheckpointData)> =
            parts_of(others).into_iter().map(|part| (None, part)).collect();
        if let Some((_, first)) = parts.first_mut() {
            first.requests = requests.iter().cloned().collect();
            first.latest = *latest;
        }
        for (studio, past) in studios {
            parts.extend(parts_of(past).into_iter().map(|part| (Some(studio), part)));
        }
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let numbered = (1..=count).zip(parts);
        let record = |(part, (studio, data)): (u32, (Option<&StudioId>, CheckpointData))| {
            let checkpoint = CheckpointData { part, parts: count, ..data };
            let studio = studio.map(ToString::to_string);
            let subject = studio.clone().unwrap_or_default();
            let data = Data {
                studio,
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                checkpoint: Some(Box::new(checkpoint)),
                ..Data::default()
            };
            Record { time, kind: Kind::LogCheckpoint, subject, data }
        };
        numbered.map(record).collect()
    }

    /// Takes one part of a checkpoint. The last one of all replaces what was known.
    pub(super) fn take_part(&mut self, data: &Data) {
        let unfinished = mem::take(&mut self.unfinished);
        let Some(part) = &data.checkpoint else { return };
        let mut unfinished = match (part.part, unfinished) {
            (1, _) => Unfinished { parts: part.parts, ..Unfinished::default() },
            (number, Some(unfinished))
                if number == unfinished.parts_read + 1 && part.parts == unfinished.parts =>
            {
                unfinished
            }
            _ => return,
        };
        unfinished.parts_read = part.part;
        match data.studio.as_deref() {
            Some(studio) => unfinished.studios.entry(studio.into()).or_default().take_part(part),
            None => {
                unfinished.others.take_part(part);
                unfinished.requests.extend(part.requests.iter().cloned());
                unfinished.latest = part.latest.or(unfinished.latest);
            }
        }
        if unfinished.parts_read == unfinished.parts {
            let Unfinished { studios, others, requests, latest, parts_read: _, parts: _ } =
                unfinished;
            *self = Self { studios, others, requests, latest, unfinished: None };
        } else {
            self.unfinished = Some(unfinished);
        }
    }
}

/// The parts of one studio; at least one.
fn parts_of(past: &StudioPast) -> Vec<CheckpointData> {
    let StudioPast { history, decisions, held, counted, us } = past;
    let (history, control) = control::data(history);
    let History { sessions, stops, starts, known: dues, .. } = history;
    let mut parts = Parts::default();
    parts.last.control = control;
    parts.last.us.clone_from(us);
    parts.last.held = held.as_ref().map(held_data);
    for at in stops {
        parts.with_room_for(INSTANT_BYTES).stops.push(*at);
    }
    for at in starts {
        parts.with_room_for(INSTANT_BYTES).starts.push(*at);
    }
    for ((action, token), at) in counted {
        let call =
            CountedCheckpoint { action: action.to_string(), client_token: token.clone(), at: *at };
        parts.with_room_for(COUNTED_BYTES + token.len()).counted.push(call);
    }
    let mut known: BTreeMap<&SessionId, SessionCheckpoint> = BTreeMap::new();
    for (session, past) in sessions {
        known.entry(session).or_default().past = Some(past_data(past));
    }
    for (session, decided) in decisions {
        known.entry(session).or_default().decided = Some(decided.to_text());
    }
    for (session, due) in dues {
        let data = known.entry(session).or_default();
        (data.known, data.due) = (true, *due);
    }
    for (session, data) in known {
        let bytes = serde_json::to_vec(&data).map_or(0, |text| text.len()) + session.as_str().len();
        parts.with_room_for(bytes).sessions.insert(session.to_string(), data);
    }
    parts.done.push(parts.last);
    parts.done
}

/// Parts in the making.
#[derive(Default)]
struct Parts {
    done: Vec<CheckpointData>,
    last: CheckpointData,
    bytes: usize,
}

impl Parts {
    fn with_room_for(&mut self, bytes: usize) -> &mut CheckpointData {
        if self.bytes > 0 && self.bytes + bytes > PART_BYTES_MAX {
            self.done.push(mem::take(&mut self.last));
            self.bytes = 0;
        }
        self.bytes += bytes;
        &mut self.last
    }
}

impl StudioPast {
    fn take_part(&mut self, part: &CheckpointData) {
        let CheckpointData { us, held, stops, starts, counted, sessions, control, .. } = part;
        if let Some(data) = control {
            control::take(&mut self.history, data);
        }
        self.us = us.clone().or_else(|| self.us.take());
        self.held = held.as_ref().map(held_of).or_else(|| self.held.take());
        self.history.stops.extend(stops);
        self.history.starts.extend(starts);
        for CountedCheckpoint { action, client_token, at } in counted {
            let of_action = |known: &&Action| known.to_string() == *action;
            // A call of another kind is one that this version does not make.
            if let Some(action) = Action::ALL.iter().find(of_action) {
                self.counted.insert((*action, client_token.clone()), *at);
            }
        }
        for (session, SessionCheckpoint { decided, past, known, due }) in sessions {
            let session = SessionId::from(session.as_str());
            if *known {
                self.history.known.insert(session.clone(), *due);
            }
            if let Some(decided) = decided.as_deref().and_then(Fingerprint::from_text) {
                self.decisions.insert(session.clone(), decided);
            }
            if let Some(past) = past {
                self.history.sessions.insert(session, past_of(past));
            }
        }
    }
}

fn held_data(held: &Held) -> HeldCheckpoint {
    let Held { text, fingerprint, reason, policy } = held.clone();
    HeldCheckpoint { text, fingerprint: fingerprint.to_text(), reason, policy }
}

/// A hold whose fingerprint cannot be read is told again, as another than before.
fn held_of(data: &HeldCheckpoint) -> Held {
    let HeldCheckpoint { text, fingerprint, reason, policy } = data.clone();
    let fingerprint = Fingerprint::from_text(&fingerprint).unwrap_or(Fingerprint(0));
    Held { text, fingerprint, reason, policy }
}

fn past_data(past: &SessionHistory) -> PastCheckpoint {
    let SessionHistory {
        warnings,
        attempts,
        open,
        ours,
        put_off,
        needed_until,
        destroyed_after,
        withheld,
        start_attempts,
        starting,
        start_withheld,
        marked,
        vetoes,
        rescued,
        reminded,
    } = past;
    PastCheckpoint {
        warnings: warnings.iter().map(warning_data).collect(),
        attempts: attempts.as_ref().map(attempts_data),
        stopping: open.as_ref().map(intent_data),
        ours: ours.map(|OurStop { stopped_at }| stopped_at),
        put_off: *put_off,
        needed_until: *needed_until,
        destroyed_after: destroyed_after.map(|after| after.as_secs()),
        withheld: *withheld,
        start_attempts: start_attempts.as_ref().map(attempts_data),
        starting: starting.as_ref().map(intent_data),
        start_withheld: *start_withheld,
        marked: *marked,
        vetoes: vetoes
            .iter()
            .map(|(name, given)| (name.to_string(), answer_data(name, given)))
            .collect(),
        rescued: rescued.map(|RescuedRun { start, stopped_at, stopped_by }| RescuedCheckpoint {
            start,
            stopped_at,
            stopped_by: stopped_by.to_string(),
        }),
        reminded: reminded.map(|KeepReminder { until, mode }| ReminderCheckpoint {
            until,
            mode: mode.to_string(),
        }),
    }
}

fn past_of(data: &PastCheckpoint) -> SessionHistory {
    let PastCheckpoint {
        warnings,
        attempts,
        stopping,
        ours,
        put_off,
        needed_until,
        destroyed_after,
        withheld,
        start_attempts,
        starting,
        start_withheld,
        marked,
        vetoes,
        rescued,
        reminded,
    } = data;
    SessionHistory {
        warnings: warnings.iter().map(warning_of).collect(),
        attempts: attempts.as_ref().map(attempts_of),
        open: stopping.as_ref().map(intent_of),
        ours: ours.map(|stopped_at| OurStop { stopped_at }),
        put_off: *put_off,
        needed_until: *needed_until,
        destroyed_after: destroyed_after.map(SignedDuration::from_secs),
        withheld: *withheld,
        start_attempts: start_attempts.as_ref().map(attempts_of),
        starting: starting.as_ref().map(intent_of),
        start_withheld: *start_withheld,
        marked: *marked,
        vetoes: vetoes
            .iter()
            .map(|(name, data)| (VetoName::from(name.as_str()), answer_of(data)))
            .collect(),
        rescued: rescued.as_ref().map(|run| RescuedRun {
            start: run.start,
            stopped_at: run.stopped_at,
            stopped_by: stopped_by_of(&run.stopped_by),
        }),
        reminded: reminded.as_ref().map(|ReminderCheckpoint { until, mode }| KeepReminder {
            until: *until,
            mode: mode_of(Some(mode)),
        }),
    }
}

fn answer_data(name: &VetoName, given: &VetoGiven) -> AnswerCheckpoint {
    let VetoGiven { run, due, since, at, says } = given;
    let (run, due, since, at) = (*run, *due, *since, *at);
    AnswerCheckpoint { run, due, since, at, says: VetoData::new(name, says) }
}

fn answer_of(data: &AnswerCheckpoint) -> VetoGiven {
    let AnswerCheckpoint { run, due, since, at, says } = data;
    VetoGiven { run: *run, due: *due, since: *since, at: *at, says: says.says() }
}

fn warning_data(warning: &WarningGiven) -> WarningCheckpoint {
    let WarningGiven { run, due, lead, mode, at, said } = *warning;
    let said = Some(said).filter(|said| *said != at);
    WarningCheckpoint { run, due, lead: lead.as_secs(), mode: mode.to_string(), at, said }
}

fn warning_of(data: &WarningCheckpoint) -> WarningGiven {
    let WarningCheckpoint { run, due, lead, mode, at, said } = data;
    let (lead, mode) = (SignedDuration::from_secs(*lead), mode_of(Some(mode)));
    WarningGiven { run: *run, due: *due, lead, mode, at: *at, said: said.unwrap_or(*at) }
}

fn attempts_data(attempts: &Attempts) -> AttemptsCheckpoint {
    let Attempts { run, ended, last } = *attempts;
    AttemptsCheckpoint { run, ended, last }
}

fn attempts_of(data: &AttemptsCheckpoint) -> Attempts {
    let AttemptsCheckpoint { run, ended, last } = *data;
    Attempts { run, ended, last }
}

fn intent_data(intent: &OpenIntent) -> IntentCheckpoint {
    let OpenIntent {
        run,
        token: client_token,
        at,
        since,
        accepted,
        repeats,
        refused,
        late,
        rescue,
        needed_until,
        destroyed_after,
    } = intent.clone();
    let rescue = rescue.map(|stopped_by| stopped_by.to_string());
    let destroyed_after = destroyed_after.map(|after| after.as_secs());
    IntentCheckpoint {
        run,
        client_token,
        at,
        since,
        accepted,
        repeats,
        refused,
        late,
        rescue,
        needed_until,
        destroyed_after,
    }
}

fn intent_of(data: &IntentCheckpoint) -> OpenIntent {
    let IntentCheckpoint {
        run,
        client_token: token,
        at,
        since,
        accepted,
        repeats,
        refused,
        late,
        rescue,
        needed_until,
        destroyed_after,
    } = data.clone();
    let rescue = rescue.as_deref().map(stopped_by_of);
    let destroyed_after = destroyed_after.map(SignedDuration::from_secs);
    OpenIntent {
        run,
        token,
        at,
        since,
        accepted,
        repeats,
        refused,
        late,
        rescue,
        needed_until,
        destroyed_after,
    }
}

/// Whoever is not known to be us is another.
fn stopped_by_of(text: &str) -> StoppedBy {
    if text == StoppedBy::Us.to_string() { StoppedBy::Us } else { StoppedBy::Another }
}

#[cfg(test)]
mod tests;

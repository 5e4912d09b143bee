//! The log as the judge reads it: line by line, by its bytes, and from the beginning where something is gone that was
//! read.
//!
//! A long story has a long log; so what has come to it is read in a thread of its own while the story goes on
//! ([`Reading::read_ahead`]), and what is still unread where somebody wants to know it ([`Reading::catch_up`]). Both
//! come to the same.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread::{self, JoinHandle};

use jiff::Timestamp;

use super::disk::{DiskHandle, Place};
use super::ground::Ground;
use super::ledgers::{Judged, is_overruled, tells_of_another_due};
use super::story::studio_id;
use crate::audit::chain::{self, Hash};
use crate::audit::record::Kind;
use crate::audit::replay::Replay;
use crate::daemon::Ledger;

/// How much there is to be read at least before a thread is begun for it.
const AHEAD_BYTES_MIN: usize = 1 << 18;

/// The log as far as it was read, and what it says.
#[derive(Debug, Default)]
pub(super) struct Reading {
    place: Place,
    said: Said,
    /// Who reads on; what is said is there until then.
    ahead: Option<JoinHandle<Said>>,
}

/// What a log says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The number and the hash of the last line.
    last: Option<(u64, Hash)>,
    /// What a daemon learns that starts now.
    pub(super) past: Replay,
    /// What is judged of it, and as much of each as that needs: a year has a million records.
    pub(super) judged: Vec<Judged>,
    /// How many records there are.
    pub(super) count: u64,
    /// How often each reason was recorded.
    pub(super) reasons: BTreeMap<String, u64>,
    /// When each session is due, by the last decision that says so, and whether that is enforced.
    due: BTreeMap<Box<str>, (Timestamp, bool)>,
    /// When it was last decided of each session that vetoes have kept it for as long as they may.
    overruled: BTreeMap<Box<str>, Timestamp>,
    /// What is wrong with it, and nobody was told yet.
    wrong: Vec<(&'static str, String)>,
}

impl Reading {
    /// Reads on while the story goes on, where there is much to be read and nobody reads.
    pub(super) fn read_ahead(&mut self, disk: &DiskHandle) {
        let is_read = self.ahead.as_ref().is_some_and(|ahead| !ahead.is_finished());
        if is_read || !disk.still_holds(&self.place) || disk.unread(&self.place) < AHEAD_BYTES_MIN {
            return;
        }
        self.come_back();
        let mut lines = Vec::new();
        disk.each_line_from(&mut self.place, |line| lines.extend_from_slice(line));
        let mut said = std::mem::take(&mut self.said);
        self.ahead = Some(thread::spawn(move || {
            lines.split_inclusive(|byte| *byte == b'\n').for_each(|line| said.hear(line));
            said
        }));
    }

    /// Reads what is unread, from the beginning where something that was read is there no longer. The chain has to hold.
    pub(super) fn catch_up(&mut self, ground: &Ground, disk: &DiskHandle) -> &Said {
        self.come_back();
        if !disk.still_holds(&self.place) {
            *self = Self {
                said: Said { wrong: std::mem::take(&mut self.said.wrong), ..Said::default() },
                ..Self::default()
            };
        }
        let Self { place, said, .. } = self;
        disk.each_line_from(place, |line| said.hear(line));
        for (rule, what) in said.wrong.drain(..) {
            ground.find(rule, what);
        }
        said
    }

    /// Waits for who reads ahead.
    fn come_back(&mut self) {
        if let Some(ahead) = self.ahead.take() {
            self.said = ahead.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    }
}

impl Said {
    fn hear(&mut self, line: &[u8]) {
        let (checked, parsed) = (chain::check(line), chain::parse_line(line));
        let (Ok(link), Ok(parsed)) = (checked, parsed) else {
            self.wrong.push(("the log is whole", String::from_utf8_lossy(line).into_owned()));
            return;
        };
        let follows = self
            .last
            .is_none_or(|(sequence, hash)| link.sequence == sequence + 1 && link.prevhash == hash);
        if !follows {
            let what = format!("broken at record {}", link.sequence);
            self.wrong.push(("the log is one chain", what));
        }
        self.last = Some((link.sequence, link.hash));
        let record = parsed.record;
        self.past.apply(&record);
        self.count += 1;
        if let Some(reason) = &record.data.reason {
            match self.reasons.get_mut(&reason.code) {
                Some(times) => *times += 1,
                None => drop(self.reasons.insert(reason.code.clone(), 1)),
            }
        }
        if is_overruled(&record) && record.kind == Kind::SessionDecided {
            self.overruled.insert(record.subject.as_str().into(), record.time);
        }
        if tells_of_another_due(&record, &mut self.due) {
            self.judged.extend(Judged::of(record, &self.overruled));
        }
    }

    /// The hash of the last line.
    pub(super) fn head(&self) -> Hash {
        self.last.map_or(Hash::ZERO, |(_, hash)| hash)
    }

    /// A daemon that ended in order knew what one will know that starts now.
    pub(super) fn agrees(&self, ground: &Ground, ledger: &Ledger) {
        let studio = studio_id();
        let said = self.past.studio(&studio);
        let known = ledger.with(&studio, |known| (known != said).then(|| format!("{known:?}")));
        if let Some(known) = known {
            ground.find("what is known is what the log says", format!("{known}\n{said:?}"));
        }
    }

    /// What the newest file of the log says is what all of it says.
    pub(super) fn suffices(&self, ground: &Ground, newest: &Replay) {
        let all = &self.past;
        if newest != all {
            ground.find("the newest file of the log suffices", format!("{newest:?}\n{all:?}"));
        }
    }
}

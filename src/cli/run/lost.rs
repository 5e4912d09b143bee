//! A log whose end is another than when the daemon last told of it: what came then is lost, and with it perhaps a
//! pause, a brake that held, or what was asked for and not seen to end.

use std::path::Path;

use jiff::Timestamp;

use crate::audit::record::{Data, Journal, JournalError, Kind, ReasonData, Record};
use crate::audit::{self, reader};
use crate::daemon::{Audit, Ledger};
use crate::switch::{Switchboard, Wish};

/// What is there in the place of a record that was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Lost {
    /// The number of the record.
    before: u64,
    /// The number of the last that is there.
    last: u64,
}

impl Lost {
    /// Looks at the log as it is found, before anything is repaired in it: a repair would take the number of what is
    /// lost.
    ///
    /// # Errors
    /// The log cannot be read now. Its opening may be able to, a moment later, and would not know.
    pub(in crate::cli) fn of(
        log: &Path,
        stood_at: Option<&Audit>,
    ) -> Result<Option<Self>, reader::ReadError> {
        let Some(Audit { sequence: before, head }) = stood_at else { return Ok(None) };
        let lines = numbers(reader::read_recent(log), head)?;
        let last = lines.last().map_or(0, |(sequence, _)| *sequence);
        let is_earlier = lines.first().is_some_and(|(first, _)| first > before);
        let is_sound = if is_earlier {
            // A person's command may have gone on after the loss, and in a new file. What cannot be read there, or is
            // not there any more, says nothing.
            let all = numbers(reader::read(log), head).unwrap_or_default();
            !all.iter().any(|(sequence, is_it)| sequence == before && !is_it)
        } else {
            lines.iter().any(|(sequence, is_it)| sequence == before && *is_it)
        };
        Ok((!is_sound).then_some(Self { before: *before, last }))
    }

    /// What is there instead.
    pub(in crate::cli) fn found(self) -> String {
        let Self { before, last } = self;
        let found = if last < before {
            format!("has {last}")
        } else {
            format!("has another in its place, up to record {last}")
        };
        format!("the log stood at record {before} when the daemon last told of it, and {found}")
    }

    /// What is to be recorded: that, and a pause.
    pub(super) fn records(self, now: Timestamp) -> [Record; 2] {
        let Self { before, last } = self;
        tracing::error!(
            before,
            last,
            "the end of the audit log is lost; nothing is done for a day"
        );
        let text = format!(
            "{}: what came after is lost, and with it perhaps a pause or a brake; nothing is done for a day, or until \
             `lightsout resume`",
            self.found()
        );
        let values = [("before", before), ("last", last)];
        let reason = ReasonData {
            code: "end_lost".to_owned(),
            values: values.map(|(name, value)| (name.to_owned(), value.to_string())).into(),
            text,
            alarm: true,
        };
        let data = Data { reason: Some(reason), ..Data::default() };
        let repaired = Record { time: now, kind: Kind::LogRepaired, subject: String::new(), data };
        [repaired, audit::paused("the end of the audit log is lost", now)]
    }
}

/// How the log was found.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Found {
    pub(super) lost: Option<Lost>,
    /// Its newest file was gone, of which its opening has told.
    pub(super) is_rolled_back: bool,
    /// What was cut from its end began with a hole.
    pub(super) has_hole: bool,
    /// The daemon has told how far it went.
    pub(super) is_vouched: bool,
}

impl Found {
    /// Records what was lost, and a pause for it, before anything else is done. Whoever ended a pause before this start
    /// did not know of that one.
    pub(super) async fn tell(
        self,
        ledger: &Ledger,
        switchboard: &dyn Switchboard,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let mut losses = self.lost.map(|lost| lost.records(now).to_vec()).unwrap_or_default();
        // Where nothing tells how far it went, a hole in it may have been a pause.
        if self.has_hole && !self.is_vouched {
            losses.push(audit::paused("there was a hole in the audit log", now));
        }
        if losses.is_empty() && !self.is_rolled_back {
            return Ok(());
        }
        for request in switchboard.waiting().await {
            if matches!(request.wish, Wish::Resume { .. }) {
                let why = "it was said before the end of the audit log was found to be lost";
                switchboard.refused(&request, why.to_owned()).await;
            }
        }
        ledger.commit(losses).await.map(drop)
    }
}

/// The numbers of the records, and of each whether it has this hash.
fn numbers(
    lines: Result<reader::Lines, reader::ReadError>,
    head: &str,
) -> Result<Vec<(u64, bool)>, reader::ReadError> {
    let lines = match lines {
        Ok(lines) => lines,
        Err(error) if error.is_absence() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for line in lines {
        match line {
            Ok(line) => found.push((line.sequence, line.hash.as_str() == head)),
            // What is behind a line that is none will be cut with it.
            Err(reader::ReadError::Torn { .. } | reader::ReadError::Line { .. }) => break,
            Err(error @ reader::ReadError::Io { .. }) => return Err(error),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::audit::writer::LogWriter;
    use crate::clock::SimulatedClock;
    use crate::policy::AuditRotation;

    fn write(log: &Path, records: usize, size: Option<u64>) {
        let clock = Arc::new(SimulatedClock::new(Timestamp::UNIX_EPOCH));
        let rotation = AuditRotation { size, age: None };
        let (log, _) = LogWriter::open(log, rotation, clock).unwrap();
        let record = |number: usize| {
            let data = Data { note: Some(number.to_string()), ..Data::default() };
            let (kind, subject) = (Kind::DaemonStarted, String::new());
            Record { time: Timestamp::UNIX_EPOCH, kind, subject, data }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for number in 0..records {
            runtime.block_on(log.commit(vec![record(number)])).unwrap();
        }
    }

    #[test]
    fn a_loss_is_found_though_the_log_went_on_in_new_files_since() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("audit.jsonl");
        write(&log, 5, None);
        let lines = reader::read(&log).unwrap().map(Result::unwrap);
        let stood_at =
            lines.last().map(|line| Audit { sequence: line.sequence, head: line.hash.to_string() });
        let text = fs::read_to_string(&log).unwrap();
        write(&log, 9, Some(1));
        assert_eq!(Lost::of(&log, stood_at.as_ref()).unwrap(), None, "it only went on");
        // The last two are lost, and a command of a person goes on.
        for file in fs::read_dir(directory.path()).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        let kept: String = text.split_inclusive('\n').take(3).collect();
        fs::write(&log, kept).unwrap();
        write(&log, 9, Some(1));
        let lost = Lost::of(&log, stood_at.as_ref()).unwrap().unwrap();
        assert!(lost.before == 5 && lost.last > 5, "{lost:?}");
        // What is taken away by then says nothing.
        for file in fs::read_dir(directory.path()).unwrap() {
            let path = file.unwrap().path();
            if path != log {
                fs::remove_file(path).unwrap();
            }
        }
        assert_eq!(Lost::of(&log, stood_at.as_ref()).unwrap(), None);
    }
}

//! Lines for whoever gathers what programs print: each line of the log once more, and the debug log.
//!
//! The log is on the disk; its copy may be late or have holes, and says so. It is said after a
//! line is durable, by a thread of its own: nothing ever waits for it. What does not fit while nobody reads
//! is dropped, line by line, and counted. Start at [`Echo::to`].

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many bytes may wait for whoever reads them: about ten thousand records.
const WAITING_MAX: usize = 8 << 20;

/// The same for the debug log.
const DEBUG_WAITING_MAX: usize = 1 << 20;

/// How soon one who cannot take anything now is offered it again.
const OFFER_AGAIN: Duration = Duration::from_millis(100);

/// How long the end of the program waits for the last lines to be read.
const LAST_LINES_WAIT: Duration = Duration::from_secs(1);

/// Says lines to somebody who may be slow, or gone.
#[derive(Debug)]
pub struct Echo {
    desk: Arc<Desk>,
    waiting_max: usize,
    /// What is said of lines that were dropped once they are read again, where that is said among the lines
    /// themselves: what tells of the debug log in the debug log would tell nobody, or wait for itself.
    note: Option<fn(u64) -> String>,
}

#[derive(Debug, Default)]
struct Desk {
    paper: Mutex<Paper>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Paper {
    waiting: Vec<u8>,
    lost: u64,
    /// Whether the last line was dropped, which was said then.
    is_losing: bool,
    is_writing: bool,
    /// Whether nobody reads any more.
    is_closed: bool,
    is_over: bool,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Paper> {
        self.paper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Echo {
    /// Says lines to `out`, which may block for as long as it likes.
    ///
    /// # Errors
    /// The operating system has no thread for it.
    pub fn to(out: impl Write + Send + 'static) -> io::Result<Self> {
        Self::bounded(out, WAITING_MAX, None)
    }

    /// The same for the debug log; `note` makes a line of how many were dropped.
    ///
    /// # Errors
    /// The operating system has no thread for it.
    pub fn of_debug_log(
        out: impl Write + Send + 'static,
        note: fn(u64) -> String,
    ) -> io::Result<Self> {
        Self::bounded(out, DEBUG_WAITING_MAX, Some(note))
    }

    fn bounded(
        out: impl Write + Send + 'static,
        waiting_max: usize,
        note: Option<fn(u64) -> String>,
    ) -> io::Result<Self> {
        let desk = Arc::new(Desk::default());
        let theirs = Arc::clone(&desk);
        let thread = std::thread::Builder::new().name("audit-echo".to_owned());
        // Nobody joins it: who does not read must not keep the program from ending.
        drop(thread.spawn(move || keep_saying(&theirs, out, note.is_none()))?);
        Ok(Self { desk, waiting_max, note })
    }

    /// Says whole lines, or drops those that have no room.
    pub fn say(&self, lines: &[u8]) {
        let mut paper = self.desk.lock();
        let mut lost = 0;
        let has_room = paper.waiting.len() + lines.len() < self.waiting_max / 2;
        if let Some(note) = self.note.filter(|_| paper.lost > 0 && has_room) {
            let note = note(std::mem::take(&mut paper.lost));
            paper.waiting.extend_from_slice(note.as_bytes());
        }
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if paper.is_closed || paper.waiting.len() + line.len() > self.waiting_max {
                lost += 1;
            } else {
                paper.waiting.extend_from_slice(line);
            }
        }
        paper.lost += lost;
        let was_losing = std::mem::replace(&mut paper.is_losing, lost > 0);
        let (is_closed, total) = (paper.is_closed, paper.lost);
        drop(paper);
        self.desk.changed.notify_all();
        if self.note.is_some() {
            return;
        }
        match (was_losing, lost > 0) {
            (false, true) if !is_closed => {
                tracing::warn!(
                    "nobody reads the records on standard output: lines are dropped there, and not in \
                     the log"
                );
            }
            (true, false) => {
                tracing::info!(lost = total, "the records on standard output are read again");
            }
            _ => {}
        }
    }

    /// Waits until everything is read, for a while: what is not read by then is not read.
    pub fn finish(&self) {
        let is_busy = |paper: &mut Paper| paper.is_writing || !paper.waiting.is_empty();
        let paper = self.desk.lock();
        drop(self.desk.changed.wait_timeout_while(paper, LAST_LINES_WAIT, is_busy));
    }

    /// How many lines were dropped.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.desk.lock().lost
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.desk.lock().is_over = true;
        self.desk.changed.notify_all();
        self.finish();
    }
}

/// `tells` whether it tells the debug log when nobody can read any more.
fn keep_saying(desk: &Desk, mut out: impl Write, tells: bool) {
    let mut paper = desk.lock();
    loop {
        if paper.waiting.is_empty() {
            if paper.is_over {
                return;
            }
            paper = desk.changed.wait(paper).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let lines = std::mem::take(&mut paper.waiting);
        paper.is_writing = true;
        drop(paper);
        let written = write(desk, &mut out, &lines);
        if let Err((error, _)) = &written
            && tells
        {
            tracing::warn!(%error, "standard output is closed: no more records are printed there");
        }
        paper = desk.lock();
        paper.is_writing = false;
        if let Err((_, written)) = written {
            let unsaid = lines[written..].iter().chain(&paper.waiting);
            let unsaid = unsaid.filter(|byte| **byte == b'\n').count();
            paper.lost += unsaid as u64;
            paper.waiting = Vec::new();
            paper.is_closed = true;
        }
        desk.changed.notify_all();
    }
}

/// Writes all of it, or says how much was written before an error.
fn write(desk: &Desk, out: &mut impl Write, lines: &[u8]) -> Result<(), (io::Error, usize)> {
    let mut written = 0;
    while written < lines.len() {
        match out.write(&lines[written..]) {
            Ok(0) => return Err((ErrorKind::WriteZero.into(), written)),
            Ok(more) => written += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Somebody else has made it so that it does not block.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                drop(desk.changed.wait_timeout(desk.lock(), OFFER_AGAIN));
            }
            Err(error) => return Err((error, written)),
        }
    }
    out.flush().map_err(|error| (error, written))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Takes what it is told to take, and says what it was given.
    struct Slow {
        taken: Sender<Vec<u8>>,
        allowed: Receiver<io::Result<()>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.allowed.recv().unwrap_or(Err(ErrorKind::BrokenPipe.into()))?;
            self.taken.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Slow, Receiver<Vec<u8>>, Sender<io::Result<()>>) {
        let (taken, seen) = channel();
        let (allow, allowed) = channel();
        (Slow { taken, allowed }, seen, allow)
    }

    #[test]
    fn lines_are_said_in_their_order() {
        let (out, seen, allow) = slow();
        let echo = Echo::bounded(out, 100, None).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            echo.say(line.as_bytes());
            allow.send(Ok(())).unwrap();
        }
        let mut said = Vec::new();
        while said != b"one\ntwo\nthree\n" {
            said.extend(seen.recv().unwrap());
        }
        assert_eq!(echo.lost(), 0);
        drop(allow);
    }

    #[test]
    fn what_nobody_reads_is_dropped_by_whole_lines_and_counted_and_nobody_waits() {
        let (out, seen, allow) = slow();
        let echo = Echo::bounded(out, 9, None).unwrap();
        echo.say(b"first\n");
        // It is being written, and nobody takes it.
        while echo.desk.lock().waiting == b"first\n" {
            std::thread::yield_now();
        }
        echo.say(b"2345\n789\nx\n");
        assert_eq!(echo.lost(), 1);
        echo.say(b"y\n");
        assert_eq!(echo.lost(), 2);
        allow.send(Ok(())).unwrap();
        allow.send(Ok(())).unwrap();
        assert_eq!(seen.recv().unwrap(), b"first\n");
        assert_eq!(seen.recv().unwrap(), b"2345\n789\n");
        drop(allow);
    }

    #[test]
    fn what_was_dropped_of_the_debug_log_is_said_in_it() {
        let (out, seen, allow) = slow();
        let note = |lost| format!("{lost} lost\n");
        let echo = Echo::bounded(out, 40, Some(note)).unwrap();
        echo.say(b"first\n");
        while echo.desk.lock().waiting == b"first\n" {
            std::thread::yield_now();
        }
        let long = [&[b'x'; 39][..], b"\n"].concat();
        for _ in 0..3 {
            echo.say(&long);
        }
        allow.send(Ok(())).unwrap();
        allow.send(Ok(())).unwrap();
        assert_eq!([seen.recv().unwrap(), seen.recv().unwrap()], [b"first\n".to_vec(), long]);
        echo.say(b"next\n");
        allow.send(Ok(())).unwrap();
        assert_eq!(seen.recv().unwrap(), b"2 lost\nnext\n");
        drop(allow);
    }

    #[test]
    fn after_it_is_closed_everything_is_counted_and_nothing_is_kept() {
        let (out, _seen, allow) = slow();
        let echo = Echo::bounded(out, 100, None).unwrap();
        allow.send(Err(ErrorKind::WouldBlock.into())).unwrap();
        allow.send(Err(ErrorKind::BrokenPipe.into())).unwrap();
        echo.say(b"one\ntwo\n");
        while !echo.desk.lock().is_closed {
            std::thread::yield_now();
        }
        echo.say(b"three\n");
        assert_eq!((echo.lost(), echo.desk.lock().waiting.len()), (3, 0));
    }
}

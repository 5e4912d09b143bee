//! The debug log of a daemon on standard error, said by a thread of its own: whoever does not read it does not hold up
//! the program. Of what is dropped meanwhile a line says how much.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};

use super::LogFormat;
use crate::audit::Echo;

/// Whoever says it, until the end of the process.
static SAID_BY: OnceLock<Arc<Echo>> = OnceLock::new();

/// Where events are written to.
#[derive(Debug, Clone)]
pub(super) struct Lines(Arc<Echo>);

impl Write for Lines {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.0.say(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to say it.
pub(super) fn begin(format: LogFormat) -> io::Result<Lines> {
    let out = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let note: fn(u64) -> String = match format {
        LogFormat::Text => |lost| format!("{}\n", words(lost)),
        LogFormat::Json => |lost| {
            let fields = serde_json::json!({ "message": words(lost) });
            format!("{}\n", serde_json::json!({ "level": "WARN", "fields": fields }))
        },
    };
    let echo = Arc::new(Echo::of_debug_log(out, note)?);
    let echo = SAID_BY.get_or_init(|| echo);
    Ok(Lines(Arc::clone(echo)))
}

fn words(lost: u64) -> String {
    format!("{lost} lines of this log were dropped: nobody read it")
}

/// Waits for a moment until the last lines are read, before the process ends or prints something itself.
pub(super) fn finish() {
    if let Some(echo) = SAID_BY.get() {
        echo.finish();
    }
}

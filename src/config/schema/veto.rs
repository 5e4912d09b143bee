//! `[veto.NAME]`.

use super::super::file::veto as reader;
use super::super::lower::veto as built_in;
use super::super::value::shown;
use super::form::{Command, Duration, bounds};

table! {
    /// A command that is asked, before a stop, whether a session is busy: it may ask a render queue, a
    /// licence server or the workstation. It gets the session as JSON on its standard input, and answers
    /// with `{"busy": true, "reason": "..."}` or `{"busy": false}`. No answer counts as busy, with an alarm.
    /// What it gets, what may come back and examples that work are in [vetoes.md](vetoes.md). A veto
    /// may have any name but `off`.
    #[schemars(extend("x-example" = r#"
[veto.farm]
command = ["/usr/local/bin/ask-farm", "--json"]
timeout = "10s"
defer_max = "6h"
every = "5m"

[defaults]
veto = ["farm"]
"#))]
    Veto requires ["command"] {
        /// The program and its arguments. No shell reads them. A name alone is looked for in `PATH`; a
        /// relative path begins at the directory of this file.
        #[schemars(extend("examples" = [["/usr/local/bin/ask-farm", "--json"]]))]
        command: Command,
        /// How long it may take. Then it is ended with all that it began, and counts as busy.
        #[schemars(extend(
            "default" = shown(built_in::TIMEOUT),
            "examples" = ["10s"],
            "x-bounds" = bounds(reader::TIMEOUT),
        ))]
        timeout: Duration,
        /// How long it may keep a session, from the due instant on; where it is first asked later, from
        /// then on; and anew from each answer that it is not busy. After that the session is stopped, whatever it says.
        #[schemars(extend(
            "default" = shown(built_in::DEFER_MAX),
            "examples" = ["6h"],
            "x-bounds" = bounds(reader::DEFER_MAX),
        ))]
        defer_max: Duration,
        /// How old an answer may become before the command is asked again.
        #[schemars(extend(
            "default" = shown(built_in::EVERY),
            "examples" = ["5m"],
            "x-bounds" = bounds(reader::EVERY),
        ))]
        every: Duration,
    }
}

//! `[veto.NAME]`: a command that is asked whether a session is busy.

use jiff::SignedDuration;
use toml::de::DeValue;

use super::super::diagnostic::{Diagnostic, Sink};
use super::super::suggest::quoted;
use super::super::table::{Field, Located, Table, Value, wrong_type};
use super::super::value::{self, Bounds};

/// One veto; its place is its heading.
pub(in crate::config) struct VetoFile {
    pub(in crate::config) name: String,
    pub(in crate::config) command: Field<Vec<String>>,
    pub(in crate::config) timeout: Field<SignedDuration>,
    pub(in crate::config) defer_max: Field<SignedDuration>,
    pub(in crate::config) every: Field<SignedDuration>,
}

/// The bounds of `timeout`: a machine waits for it, and others wait for their turn.
pub(in crate::config) const TIMEOUT: Bounds = Bounds {
    least: SignedDuration::from_secs(1),
    most: SignedDuration::from_mins(5),
    help: "write for example \"10s\"",
};
/// The bounds of `defer_max`: there is no veto without an end.
pub(in crate::config) const DEFER_MAX: Bounds = Bounds {
    least: SignedDuration::from_mins(1),
    most: SignedDuration::from_hours(7 * 24),
    help: "write for example \"6h\"; what must never be stopped has a rule with `keep = true`",
};
/// The bounds of `every`: more often is only load, and more rarely a frame that ended is not noticed.
pub(in crate::config) const EVERY: Bounds = Bounds {
    least: SignedDuration::from_mins(1),
    most: SignedDuration::from_hours(24),
    help: "write for example \"5m\"",
};

/// How many words a command may have: more than any command needs that is written by hand.
pub(in crate::config) const WORDS_MAX: usize = 64;

pub(in crate::config) const HELP_COMMAND: &str = "write for example `command = [\"/usr/local/bin/ask-farm\", \"--json\"]`: the program, then its arguments";

pub(super) fn read_all(root: &mut Table<'_>, sink: &mut Sink) -> Vec<Located<VetoFile>> {
    let value = root.take("veto");
    let Some(table) = value.and_then(|value| Table::of(&value, "[veto.NAME]", sink)) else {
        return Vec::new();
    };
    table.all().iter().filter_map(|value| read(value, sink)).collect()
}

fn read(value: &Value<'_>, sink: &mut Sink) -> Option<Located<VetoFile>> {
    let name = value.key.to_owned();
    let mut table = Table::of(value, &format!("[veto.{name}]"), sink)?;
    if name.trim().is_empty() || name == "off" {
        let message = format!("a veto cannot have the name {}", quoted(&name));
        sink.push(
            Diagnostic::error("bad-name", value.key_span(), message).help("choose another name"),
        );
    }
    let veto = VetoFile {
        name,
        command: table.field("command", sink, command),
        timeout: table.field("timeout", sink, |v, sink| value::duration(v, TIMEOUT, sink)),
        defer_max: table.field("defer_max", sink, |v, sink| value::duration(v, DEFER_MAX, sink)),
        every: table.field("every", sink, |v, sink| value::duration(v, EVERY, sink)),
    };
    table.finish(sink);
    Some(Located { value: veto, span: value.key_span() })
}

/// The program and its arguments. One text would look like the line of a shell, and none reads it.
fn command(value: &Value<'_>, sink: &mut Sink) -> Option<Vec<String>> {
    let DeValue::Array(_) = value.content else {
        sink.push(
            wrong_type(value, "a list of words").note("no shell reads it").help(HELP_COMMAND),
        );
        return None;
    };
    let entries = value.entries();
    let Some((program, arguments)) = entries.split_first() else {
        sink.push(
            Diagnostic::error("empty", value.span(), "`command` names no program")
                .help(HELP_COMMAND),
        );
        return None;
    };
    if entries.len() > WORDS_MAX {
        let message = format!("`command` has {} words", entries.len());
        sink.push(
            Diagnostic::error("too-many", value.span(), message)
                .label(format!("at most {WORDS_MAX} are possible"))
                .help("put the command into a script, and name that"),
        );
        return None;
    }
    let program = value::path(program, sink);
    let arguments: Vec<_> = arguments.iter().map(|word| value::text(word, sink)).collect();
    let arguments: Option<Vec<_>> = arguments.into_iter().collect();
    Some([vec![program?], arguments?].concat())
}

//! The settings that `[defaults]`, `[[studio]]` and `[[studio.rule]]` share.

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::super::file::settings as reader;
use super::super::value::shown;
use super::form::{Duration, DurationOrOff, ScheduleOrOff, Vetoes, Warnings, bounds};
use crate::policy;

table! {
    /// What applies to a session. A rule says it for the sessions that it matches, a studio for its own,
    /// and `[defaults]` for all.
    #[schemars(extend("x-example" = r#"
[defaults]
lease = "2h"
warn = ["30m", "5m"]
"#))]
    Settings requires [] {
        /// Whether what is decided is carried out.
        #[schemars(extend("default" = built_in().mode.to_string(), "examples" = ["enforce"]))]
        mode: Mode,
        /// The idle hours. `"off"` unsets them, so that only `max_uptime` applies.
        #[schemars(extend("x-default" = "none, so that only `max_uptime` applies", "examples" = ["nights"]))]
        schedule: ScheduleOrOff,
        /// Who starts a session has it for at least this long, whatever the hour: no schedule stops it
        /// before. So who comes back at night is not fought.
        #[schemars(extend(
            "default" = shown(built_in().lease),
            "examples" = ["2h"],
            "x-bounds" = bounds(reader::LEASE),
        ))]
        lease: Duration,
        /// A stop that would last shorter than this, because the window closes, is not made.
        #[schemars(extend(
            "default" = shown(built_in().least_stop),
            "examples" = ["30m"],
            "x-bounds" = bounds(reader::LEAST_STOP),
        ))]
        least_stop: Duration,
        /// A session is due when it has run for this long since its last start, whatever the hour. It
        /// must be longer than `lease`. `"off"` unsets it.
        #[schemars(extend(
            "x-default" = "none, so that only the schedule applies",
            "examples" = ["14h"],
            "x-bounds" = bounds(reader::MAX_UPTIME),
        ))]
        max_uptime: DurationOrOff,
        /// How long before a stop it is announced, once for each. A warning that is late postpones the
        /// stop. `[]` or `"off"` says on purpose: stop unannounced.
        #[schemars(extend(
            "default" = warnings(),
            "examples" = [["30m", "5m"]],
            "x-bounds" = bounds(reader::WARN),
        ))]
        warn: Warnings,
        /// Which [vetoes](#vetoname) are asked before a stop. All of them are, and one that says busy
        /// suffices. `[]` or `"off"` unsets them.
        #[schemars(extend("x-default" = "none", "examples" = [["farm"]]))]
        veto: Vetoes,
        /// Whether what lightsout stopped is started again. What a person stopped stays off, but to be rescued
        /// (`preserve = "rotate"`).
        #[schemars(extend("default" = start(built_in().start), "examples" = ["resume"]))]
        start: Start,
        /// With `start = "resume"`: how long before its window closes a session is started, to be ready
        /// by the hour. It must be shorter than `least_stop`.
        #[schemars(extend(
            "default" = shown(built_in().start_lead),
            "examples" = ["10m"],
            "x-bounds" = bounds(reader::START_LEAD),
        ))]
        start_lead: Duration,
        /// With `start = "resume"`: how long after its window closed a start may still be made. One that
        /// would be later is recorded as expired.
        #[schemars(extend(
            "default" = shown(built_in().catch_up),
            "examples" = ["1h"],
            "x-bounds" = bounds(reader::CATCH_UP),
        ))]
        catch_up: Duration,
        /// How far ahead the end of a keep by tag may lie, be it `lightsout:keep-until` or one without an end.
        /// `lightsout keep` refuses a longer one. A tag that somebody sets by other means still counts, with an
        /// alarm until its end is near enough: what is kept too long costs money, and what is stopped against
        /// somebody's word may cost work. It says nothing of rules that keep. `"off"` unsets it.
        #[schemars(extend(
            "x-default" = "none, so that a keep may last for any time",
            "examples" = ["14d"],
            "x-bounds" = bounds(reader::KEEP_MAX),
        ))]
        keep_max: DurationOrOff,
        /// How long before a keep by `lightsout:keep-until` ends it is reminded of, once, while the session
        /// runs. One that is set for less is reminded of at once. `"off"` unsets it.
        #[schemars(extend(
            "default" = "1h",
            "examples" = ["4h"],
            "x-bounds" = bounds(reader::KEEP_REMIND),
        ))]
        keep_remind: DurationOrOff,
        /// What to do where AWS would destroy a session while it is stopped, before people are back.
        ///
        /// With `"rotate"` a session is started half an hour before that, whoever stopped it and whatever
        /// keeps it: neither the brake nor a list with gaps prevents a rescue, and one that fails is tried
        /// again every two minutes and is an alarm. It has no lease, and is stopped again in idle hours, with
        /// all its warnings, unless somebody else has started it since. Each round is paid for: half an
        /// hour or so. It needs a window that closes, and two hours or more that a stopped session lives;
        /// else it is as with `"refuse"`. Its weak point: a rescue needs the daemon to run, in mode
        /// `enforce`, with leave to start sessions. Where that is in doubt, write `"refuse"`: what was put off
        /// before is rescued all the same.
        #[schemars(extend("default" = preserve(built_in().preserve), "examples" = ["refuse"]))]
        preserve: Preserve,
        /// By how much a stopped session must outlive its window. AWS destroys some sessions a while
        /// after they were stopped; one that would be gone sooner than this falls under `preserve`. Only time outside of
        /// idle hours counts: after a morning between two holidays, or an hour that a calendar opens on a Saturday, people
        /// are not back.
        #[schemars(extend(
            "default" = shown(built_in().return_margin),
            "examples" = ["8h"],
            "x-bounds" = bounds(reader::RETURN_MARGIN),
        ))]
        return_margin: Duration,
    }
}

/// Whether what is decided is carried out.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "its words are what counts; it never has a value")]
pub(super) enum Mode {
    /// decide and record, and call nothing that changes anything
    Observe,
    /// decide, record and act
    Enforce,
}

/// Whether what was stopped is started again.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "its words are what counts; it never has a value")]
pub(super) enum Start {
    /// it stays off until a person starts it
    Never,
    /// it is started again for when the window closes in which it was stopped
    Resume,
}

/// What to do where a stopped session would be destroyed.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "its words are what counts; it never has a value")]
pub(super) enum Preserve {
    /// leave it running, and say what would allow the stop
    Refuse,
    /// stop it, rescue it before it would be destroyed, and stop it again, until people are back
    Rotate,
    /// stop it all the same: its work may be lost
    Allow,
}

fn built_in() -> policy::Settings {
    policy::Settings::built_in()
}

fn warnings() -> Value {
    let warnings = built_in().warn;
    json!(warnings.into_iter().map(shown).collect::<Vec<_>>())
}

fn start(start: policy::Start) -> &'static str {
    match start {
        policy::Start::Never => "never",
        policy::Start::Resume => "resume",
    }
}

fn preserve(preserve: policy::Preserve) -> &'static str {
    match preserve {
        policy::Preserve::Refuse => "refuse",
        policy::Preserve::Rotate => "rotate",
        policy::Preserve::Allow => "allow",
    }
}

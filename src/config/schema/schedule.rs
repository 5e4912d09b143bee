//! `[schedule.NAME]` and `[calendar.NAME]`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::form::{Calendars, Cron, Dates, Files, Windows, ZoneOrOwner};

table! {
    /// A time zone and the hours in it in which sessions should be off. A schedule may have any name but
    /// `off`.
    #[schemars(extend("x-example" = r#"
[schedule.nights]
zone = "America/Los_Angeles"
idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]
calendars = ["holidays", "crunch"]

[schedule.desk]
zone = "Europe/London"
idle = { opens = "0 20 * * Mon-Fri", closes = "0 7 * * Mon-Fri" }
"#))]
    Schedule requires ["zone", "idle"] {
        /// Where its days and hours are meant. `"owner"` means where each session's owner is: their
        /// `zone` in `[people]`.
        #[schemars(extend("examples" = ["America/Los_Angeles"]))]
        zone: ZoneOrOwner,
        /// The idle hours, in one of two forms: windows that come back every week (or in some weeks of
        /// the month), or a pair of cron expressions.
        #[schemars(extend("examples" = [["Sun-Fri 20:00-07:00", "Sat-Sun"]]))]
        idle: Idle,
        /// Calendars that change these hours. At an instant that several of them claim, `open` beats
        /// `closed`, and both beat `idle`.
        #[schemars(extend("x-default" = "none", "examples" = [["holidays", "crunch"]]))]
        calendars: Calendars,
    }
}

/// The two forms of idle hours.
pub(super) struct Idle;

impl JsonSchema for Idle {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Idle".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [Windows::json_schema(generator), Pair::json_schema(generator)],
            "x-form": "a [weekly window](#weekly-windows), a list of them, or a table: \
                a [pair of cron expressions](#a-pair-of-cron-expressions)",
        })
    }
}

table! {
    /// Idle hours as a pair of cron expressions: idle from each time at which one fires until the next
    /// at which the other does. Both are read in the schedule's zone. They must not fire at the same
    /// times only: the windows would never close.
    Pair requires ["opens", "closes"] {
        /// When windows open.
        #[schemars(extend("examples" = ["0 20 * * Mon-Fri"]))]
        opens: Cron,
        /// When they close.
        #[schemars(extend("examples" = ["0 7 * * Mon-Fri"]))]
        closes: Cron,
    }
}

table! {
    /// Days and hours on which other hours are idle than the schedule says. A calendar acts on instants:
    /// where it is open from Saturday 00:00, Friday's evening stays idle. It needs `dates`, `ics`, or
    /// both.
    #[schemars(extend("minProperties" = 2, "x-example" = r#"
[calendar.holidays]
effect = "closed"
dates = ["2026-12-24..2027-01-01", "07-04"]
ics = "us-holidays.ics"

[calendar.crunch]
effect = "open"
dates = ["2026-11-27 20:00 .. 2026-11-30 07:00"]
"#))]
    Calendar requires ["effect"] {
        /// What it does at its days and hours.
        #[schemars(extend("examples" = ["closed"]))]
        effect: Effect,
        /// Its days and hours.
        #[schemars(extend(
            "x-default" = "none",
            "examples" = [["2026-12-24..2027-01-01", "07-04"]],
        ))]
        dates: Dates,
        /// Files in the iCalendar format (RFC 5545) with more of them, recurrences included. A relative path
        /// begins at the directory of this file. They are read when the policy is, and one that cannot be
        /// understood is an error. Events that are transparent or tentative count; cancelled ones do not.
        #[schemars(extend("x-default" = "none", "examples" = ["us-holidays.ics"]))]
        ics: Files,
    }
}

/// What a calendar does.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "its words are what counts; it never has a value")]
pub(super) enum Effect {
    /// idle all day, and nothing is started but to rescue it (`preserve = "rotate"`)
    Closed,
    /// no idle hours and no `max_uptime`: nothing is stopped
    Open,
}

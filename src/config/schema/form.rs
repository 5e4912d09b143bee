//! The forms of single values, and how tables are declared.
//!
//! A pattern here accepts all that the reader accepts. It may accept more where a pattern cannot know
//! (whether a zone exists, how long a duration is); the reader has the last word. `x-form` is the form
//! in words, for the page.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::super::file::calendar::DATES_MAX;
use super::super::file::daemon::ROTATE_SIZE;
use super::super::file::schedule::CALENDARS_MAX;
use super::super::file::settings::{VETOES_MAX, WARNINGS_MAX};
use super::super::file::veto::WORDS_MAX;
use super::super::size;
use super::super::value::{Bounds, shown};

/// Declares a table of the file: its keys in reading order, and which of them must be there.
macro_rules! table {
    (
        $(#[$meta:meta])*
        $name:ident requires [$($required:literal),*] {
            $($(#[$key_meta:meta])* $key:ident: $form:ty,)*
        }
    ) => {
        #[derive(schemars::JsonSchema)]
        $(#[$meta])*
        #[schemars(
            deny_unknown_fields,
            extend("x-keys" = [$(stringify!($key)),*], "required" = [$($required),*])
        )]
        #[expect(dead_code, reason = "its shape is what counts; it never has a value")]
        pub(super) struct $name {
            $($(#[$key_meta])* $key: $form,)*
        }
    };
}

/// Declares the form of a value, by its schema.
macro_rules! form {
    ($(#[$meta:meta])* $name:ident $schema:tt) => {
        $(#[$meta])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

/// The words for a length of time, as the reader's parser knows them, and its `HH:MM:SS`.
const DURATION: &str = concat!(
    r"\s*\+?(([0-9]+([.,][0-9]+)?\s*",
    r"(years?|yrs?|y|months?|mos?|weeks?|wks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s",
    r"|milliseconds?|millis?|msecs?|ms|microseconds?|micros?|[uµ]secs?|[uµ]s|nanoseconds?|nanos?|nsecs?|ns)",
    r"\s*,?\s*)+([0-9]+:[0-9]+:[0-9]+([.,][0-9]+)?)?|[0-9]+:[0-9]+:[0-9]+([.,][0-9]+)?)\s*",
);

/// The bounds of a duration, for the page: a pattern cannot know them.
pub(super) fn bounds(bounds: Bounds) -> [String; 2] {
    [shown(bounds.least), shown(bounds.most)]
}

/// Five fields, or six, or seven.
const CRON: &str = r"^\s*\S+(\s+\S+){4,6}\s*$";

/// How an id begins that names its region.
pub(super) const ID_WITH_REGION: &str = "^[a-z]+(-[a-z]+)+-[0-9]+:";

/// Some weeks of a month, days, and hours; the first and the last may be left out.
fn window() -> String {
    let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map(any_case).join("|");
    let days = format!("({day})(-({day}))?");
    let nth = ["1st", "2nd", "3rd", "4th", "5th"].map(any_case).join("|");
    let weeks = format!("(({nth})(-({nth}))?|{})", any_case("last"));
    let opens = "([01][0-9]|2[0-3]):[0-5][0-9]";
    let hours = format!("{opens}-({opens}|24:00)");
    format!(r"^\s*({weeks}(,{weeks})*\s+)?{days}(,{days})*(\s+{hours})?\s*$")
}

fn any_case(word: &str) -> String {
    let letter = |c: char| match c.is_ascii_alphabetic() {
        true => format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase()),
        false => c.to_string(),
    };
    word.chars().map(letter).collect()
}

/// A day or a range of days, with its year or without, or two civil times.
fn date() -> String {
    let (day, time) = ("[0-9]{2}-[0-9]{2}", "([01][0-9]|2[0-3]):[0-5][0-9]");
    let year_day = format!("[0-9]{{4}}-{day}");
    let moment = |time: &str| format!(r"{year_day}[ \tT]\s*{time}");
    let range = |form: &str| format!(r"{form}(\s*\.\.\s*{form})?");
    let times = format!(r"{}\s*\.\.\s*{}", moment(time), moment(&format!("({time}|24:00)")));
    format!(r"^\s*({}|{}|{times})\s*$", range(day), range(&year_day))
}

form! {
    /// What is not empty.
    Text { "type": "string", "pattern": r"\S", "x-form": "a text" }
}
form! {
    /// A text that `"off"` unsets.
    TextOrOff { "type": "string", "pattern": r"\S", "x-form": "a text, or `\"off\"`" }
}
form! {
    /// What a role may ask to be told, or nothing.
    ExternalIdOrOff {
        "type": "string",
        "pattern": r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$",
        "x-form": "2 to 1224 letters, digits and characters of `_+=,.@:/-`, or `\"off\"`",
    }
}
form! {
    /// The name of a schedule.
    ScheduleOrOff {
        "type": "string",
        "pattern": r"\S",
        "x-form": "the name of a schedule, or `\"off\"`",
    }
}
form! {
    /// A file or a directory. A `~` would not be expanded.
    Path { "type": "string", "pattern": r"^([^~\s]|\s+\S)", "x-form": "a path" }
}
form! {
    /// An IP address with a port.
    Address {
        "type": "string",
        "pattern": r"^\s*([0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.%]+\]):[0-9]{1,5}\s*$",
        "x-form": "an IP address with a port",
    }
}
form! {
    /// `true` or `false`.
    Boolean { "type": "boolean", "x-form": "`true` or `false`" }
}
form! {
    /// A whole number.
    Integer { "type": "integer", "x-form": "a whole number" }
}
form! {
    /// A number from zero up.
    Price { "type": "number", "minimum": 0, "x-form": "a number from 0 up" }
}
form! {
    /// The one version that there is.
    Version { "type": "integer", "enum": [1], "x-form": "`1`" }
}
form! {
    /// A length of time.
    Duration {
        "type": "string",
        "pattern": format!("^{DURATION}$"),
        "x-form": "a [duration](#durations)",
    }
}
form! {
    /// A length of time that `"off"` unsets.
    DurationOrOff {
        "type": "string",
        "pattern": format!("^(off|{DURATION})$"),
        "x-form": "a [duration](#durations)",
        "x-or": "`\"off\"`",
    }
}
form! {
    /// A number of bytes that `"off"` unsets.
    SizeOrOff {
        "type": "string",
        "pattern": r"^(off|\s*[0-9]+\s*[KMG]B\s*)$",
        "x-form": format!(
            "a whole number with `KB`, `MB` or `GB`, from {} to {}",
            size::shown(ROTATE_SIZE.least),
            size::shown(ROTATE_SIZE.most)
        ),
        "x-or": "`\"off\"`",
    }
}
form! {
    /// Several lengths of time.
    Warnings {
        "anyOf": [
            { "type": "string", "pattern": format!("^(off|{DURATION})$") },
            {
                "type": "array",
                "items": { "type": "string", "pattern": format!("^{DURATION}$") },
                "maxItems": WARNINGS_MAX,
                "uniqueItems": true,
            },
        ],
        "x-form": "a [duration](#durations)",
        "x-or": format!("a list of up to {WARNINGS_MAX} of them, or `\"off\"`"),
    }
}
form! {
    /// Names of vetoes.
    Vetoes {
        "anyOf": [
            { "type": "string", "pattern": r"\S" },
            {
                "type": "array",
                "items": { "type": "string", "pattern": r"\S", "not": { "enum": ["off"] } },
                "maxItems": VETOES_MAX,
            },
        ],
        "x-form": format!("the name of a veto, a list of up to {VETOES_MAX} names, or `\"off\"`"),
    }
}
form! {
    /// A program and its arguments.
    Command {
        "type": "array",
        "items": { "type": "string", "pattern": r"\S" },
        "minItems": 1,
        "maxItems": WORDS_MAX,
        "x-form": "a list of words, the program first",
    }
}
form! {
    /// The rhythm of scans.
    Scan {
        "anyOf": [
            { "type": "string", "pattern": format!("^{DURATION}$") },
            { "type": "string", "pattern": CRON },
        ],
        "x-form": "a [duration](#durations)",
        "x-or": "a [cron expression](#cron-expressions), read in UTC",
    }
}
form! {
    /// A cron expression.
    Cron { "type": "string", "pattern": CRON, "x-form": "a [cron expression](#cron-expressions)" }
}
form! {
    /// A time zone.
    Zone { "type": "string", "pattern": r"\S", "x-form": "a name of the IANA time zone database" }
}
form! {
    /// A time zone, or each owner's own.
    ZoneOrOwner {
        "type": "string",
        "pattern": r"\S",
        "x-form": "a name of the IANA time zone database, or `\"owner\"`",
    }
}
form! {
    /// Weekly windows.
    Windows {
        "anyOf": [
            { "type": "string", "pattern": window() },
            {
                "type": "array",
                "items": { "type": "string", "pattern": window() },
                "minItems": 1,
            },
        ],
    }
}
form! {
    /// Names of calendars.
    Calendars {
        "anyOf": [
            { "type": "string", "pattern": r"\S" },
            {
                "type": "array",
                "items": { "type": "string", "pattern": r"\S" },
                "maxItems": CALENDARS_MAX,
            },
        ],
        "x-form": format!("the name of a calendar, or a list of up to {CALENDARS_MAX} names"),
    }
}
form! {
    /// Days and hours of a calendar.
    Dates {
        "anyOf": [
            { "type": "string", "pattern": date() },
            {
                "type": "array",
                "items": { "type": "string", "pattern": date() },
                "minItems": 1,
                "maxItems": DATES_MAX,
            },
        ],
        "x-form": format!("a [date](#dates), or a list of up to {DATES_MAX} of them"),
    }
}
form! {
    /// Files of a calendar.
    Files {
        "anyOf": [
            { "type": "string", "pattern": r"\S" },
            {
                "type": "array",
                "items": { "type": "string", "pattern": r"\S" },
                "minItems": 1,
            },
        ],
        "x-form": "a path, or a list of them",
    }
}
form! {
    /// Patterns.
    Globs {
        "anyOf": [
            { "type": "string", "pattern": r"\S" },
            {
                "type": "array",
                "items": { "type": "string", "pattern": r"\S" },
                "minItems": 1,
            },
        ],
        "x-form": "a [pattern](#patterns), or a list of them",
    }
}
form! {
    /// Roles in a studio.
    Roles {
        "anyOf": [
            { "type": "string", "enum": ["ADMINISTRATOR", "NONE"] },
            {
                "type": "array",
                "items": { "type": "string", "enum": ["ADMINISTRATOR", "NONE"] },
                "minItems": 1,
            },
        ],
        "x-form": "`\"ADMINISTRATOR\"` or `\"NONE\"`, or a list of them",
    }
}
form! {
    /// The id of a studio, with or without its region.
    StudioId {
        "type": "string",
        "pattern": format!("{ID_WITH_REGION}[A-Za-z0-9:_.-]+$|^[A-Za-z0-9_.-]+$"),
        "x-form": "an id, or a region, a colon and an id",
    }
}
form! {
    /// A region.
    Region {
        "type": "string",
        "pattern": r"^[a-z]+(-[a-z]+)+-[0-9]+$",
        "x-form": "the name of a region",
    }
}
form! {
    /// An account. A number would lose the zeros that it may begin with.
    Account {
        "type": "string",
        "pattern": r"^[0-9]{12}$",
        "x-form": "a text of twelve digits",
    }
}
form! {
    /// A role.
    RoleOrOff {
        "type": "string",
        "pattern": r"^(off|arn:aws[^:]*:iam::[0-9]{12}:role/\S+)$",
        "x-form": "the ARN of a role, or `\"off\"`",
    }
}
form! {
    /// An address without credentials, query or fragment.
    EndpointOrOff {
        "type": "string",
        "pattern": r#"^(off|[Hh][Tt][Tt][Pp][Ss]?://[^/@?#\s\\"<>][^@?#\s\\"<>]*)$"#,
        "x-form": "an `http` or `https` address without credentials, query or fragment, or `\"off\"`",
    }
}

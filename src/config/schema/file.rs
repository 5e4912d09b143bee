//! The top of the file, and the tables that need no file of their own.

use std::collections::BTreeMap;

use super::super::file::daemon;
use super::super::lower;
use super::super::size;
use super::super::table::TABLES_MAX;
use super::super::value::shown;
use super::form::{
    Address, Boolean, DurationOrOff, Integer, Path, Price, Scan, SizeOrOff, Text, Version, Zone,
    bounds,
};
use super::schedule::{Calendar, Schedule};
use super::settings::{Mode, Settings};
use super::studio::{Connection, Studio};
use super::veto::Veto;
use crate::policy;

table! {
    /// The policy of lightsout.
    #[schemars(title = "lightsout")]
    File requires ["version", "studio"] {
        /// The version of these words that the file is written in.
        #[schemars(extend("examples" = [1]))]
        version: Version,
        /// Whether anything is carried out, for all studios. `[defaults]` may say it instead, but not
        /// differently; a studio or a rule may say otherwise.
        #[schemars(extend(
            "default" = policy::Settings::built_in().mode.to_string(),
            "examples" = ["enforce"],
        ))]
        mode: Mode,
        /// How the program itself runs.
        daemon: Daemon,
        /// Where everything is recorded.
        audit: Audit,
        /// Where the program is looked at from outside: metrics, and whether it is well. Without it, nowhere.
        http: Http,
        /// Idle hours, by name. Studios and rules refer to them, and so may a session's tag.
        #[schemars(extend(
            "propertyNames" = { "pattern": r"\S", "not": { "enum": ["off"] } },
        ))]
        schedule: BTreeMap<String, Schedule>,
        /// Days and hours that change the idle hours, by name. Schedules refer to them.
        #[schemars(extend("propertyNames" = { "pattern": r"\S" }))]
        calendar: BTreeMap<String, Calendar>,
        /// Commands that are asked whether a session is busy, by name. Settings refer to them.
        #[schemars(extend(
            "propertyNames" = { "pattern": r"\S", "not": { "enum": ["off"] } },
        ))]
        veto: BTreeMap<String, Veto>,
        /// The owners of sessions, by id.
        #[schemars(extend("propertyNames" = { "pattern": r"\S" }))]
        people: BTreeMap<String, Person>,
        /// What holds for every studio that does not say otherwise.
        defaults: Defaults,
        /// The studios; at least one.
        #[schemars(extend("minItems" = 1, "maxItems" = TABLES_MAX))]
        studio: Vec<Studio>,
        /// USD for a running hour, by instance type, where yours differ from the built-in table. A type
        /// stands between quotes, since its dot would make a table; a price is a number from 0 up.
        #[schemars(extend("x-example" = r#"
[prices]
"g5.4xlarge" = 1.624
"#))]
        prices: BTreeMap<String, Price>,
    }
}

table! {
    /// How the program itself runs.
    #[schemars(extend("x-example" = r#"
[daemon]
scan = "5m"
state_dir = "/var/lib/lightsout"
concurrency = 16
"#))]
    Daemon requires [] {
        /// When the studios are looked at, whatever else there is to do: this long after the last time,
        /// or at the instants of a cron expression. Between scans lightsout wakes by itself for whatever
        /// falls due.
        #[schemars(extend(
            "default" = shown(lower::SCAN),
            "examples" = ["5m", "*/10 * * * *"],
            "x-bounds" = bounds(daemon::SCAN),
        ))]
        scan: Scan,
        /// Where the program keeps what is not the audit log: the lock by which one daemon has it for
        /// itself, and `health.json`, which tells how the daemon does. It is made where it is missing,
        /// and nobody else may write it. A relative path begins at the directory of this file.
        #[schemars(extend(
            "default" = lower::STATE_DIR,
            "examples" = ["/srv/lightsout/state"],
        ))]
        state_dir: Path,
        /// How many calls may be in flight to one account and region, whatever the number of its studios;
        /// but each studio has one that no other can take. Beyond the upper bound the service would refuse
        /// most of them.
        #[schemars(extend(
            "default" = lower::CONCURRENCY,
            "examples" = [16],
            "minimum" = daemon::CONCURRENCY.start(),
            "maximum" = daemon::CONCURRENCY.end(),
        ))]
        concurrency: Integer,
    }
}

table! {
    /// Where everything is recorded. What stands in the log, and how it is verified, is in
    /// [audit-log.md](audit-log.md).
    Audit requires [] {
        /// The audit log. A relative path begins at the directory of this file.
        #[schemars(extend(
            "default" = lower::AUDIT_PATH,
            "examples" = ["/srv/lightsout/audit.jsonl"],
        ))]
        path: Path,
        /// Once the file has so many bytes, it gets a number in its name and the log goes on in a new one.
        /// `"off"`: its size is no reason to.
        #[schemars(extend(
            "default" = size::shown(lower::ROTATE_SIZE),
            "examples" = ["16MB", "1GB"],
        ))]
        rotate_size: SizeOrOff,
        /// Once the first record of the file is so old, likewise. `"off"`: its age is no reason to.
        #[schemars(extend(
            "default" = shown(lower::ROTATE_AGE),
            "examples" = ["7d"],
            "x-bounds" = bounds(daemon::ROTATE_AGE),
        ))]
        rotate_age: DurationOrOff,
        /// Whether each record is printed on standard output, too, as its line in the log and after it is
        /// on the disk, for whoever gathers what programs print. The log never waits for that: what nobody
        /// reads is dropped there, which is said and counted. It cannot change while the program runs.
        #[schemars(extend("default" = lower::AUDIT_STDOUT, "examples" = [true]))]
        stdout: Boolean,
    }
}

table! {
    /// Where the program is looked at from outside: `/metrics`, `/healthz`, `/readyz`, and nothing that
    /// changes anything. Nothing is encrypted: let others than this machine come through a proxy that does
    /// TLS. What the metrics tell is in [metrics.md](metrics.md). Neither key can change while the program runs.
    #[schemars(extend("x-example" = r#"
[http]
listen = "127.0.0.1:9464"
"#))]
    Http requires ["listen"] {
        /// An IP address and a port. One that others than this machine can reach is refused, unless there
        /// is a `token_file`.
        #[schemars(extend("x-default" = "none", "examples" = ["127.0.0.1:9464", "[::1]:9464"]))]
        listen: Address,
        /// A file with a token of at least 16 characters, which whoever asks has to send: `Authorization: Bearer
        /// TOKEN`, for all three paths. Others may not read it; the group that runs the program may. A relative
        /// path begins at the directory of this file.
        #[schemars(extend("x-default" = "none", "examples" = ["/etc/lightsout/metrics-token"]))]
        token_file: Path,
    }
}

table! {
    /// One owner of sessions: at least one of the three.
    #[schemars(extend("minProperties" = 1, "x-example" = r#"
[people]
"90676420f7-EXAMPLE1" = { name = "Lighting 3", zone = "Europe/Paris" }
"90676420f7-EXAMPLE2" = { zone = "Asia/Kolkata", address = "lighting@studio.example" }
"#))]
    Person requires [] {
        /// What people call them.
        #[schemars(extend("x-default" = "none, and the id is shown", "examples" = ["Lighting 3"]))]
        name: Text,
        /// Where their evenings are, for schedules with `zone = "owner"`.
        #[schemars(extend(
            "x-default" = "none, and such a schedule keeps their sessions, with an alarm",
            "examples" = ["Europe/Paris"],
        ))]
        zone: Zone,
        /// Where they can be told something. No diagnostic shows it.
        #[schemars(extend("x-default" = "none", "examples" = ["lighting@studio.example"]))]
        address: Text,
    }
}

table! {
    /// What holds for every studio that does not say otherwise.
    Defaults requires [] {
        #[schemars(flatten)]
        settings: Settings,
        #[schemars(flatten)]
        connection: Connection,
    }
}

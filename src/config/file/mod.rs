//! The file types: what the TOML says, each value judged by itself and each with its place.
//!
//! One file for each table of the configuration. Nothing here looks at two tables at once: that is
//! `lower`'s. Start at [`File`].

pub(super) mod calendar;
pub(super) mod connection;
pub(super) mod daemon;
pub(super) mod http;
pub(super) mod people;
pub(super) mod prices;
pub(super) mod rule;
pub(super) mod schedule;
pub(super) mod settings;
pub(super) mod studio;
pub(super) mod veto;

use toml::de::DeTable;

use self::calendar::CalendarFile;
use self::connection::ConnectionFile;
use self::daemon::{AuditFile, DaemonFile};
use self::http::HttpFile;
use self::people::PersonFile;
use self::prices::PricesFile;
use self::schedule::ScheduleFile;
use self::settings::SettingsFile;
use self::studio::StudioFile;
use self::veto::VetoFile;
use super::diagnostic::{Diagnostic, Sink};
use super::table::{Field, Located, Table};
use super::value;
use crate::policy::Mode;

/// The whole file.
pub(super) struct File {
    pub(super) mode: Field<Mode>,
    pub(super) daemon: DaemonFile,
    pub(super) audit: AuditFile,
    pub(super) http: HttpFile,
    pub(super) schedules: Vec<Located<ScheduleFile>>,
    pub(super) people: Vec<PersonFile>,
    pub(super) calendars: Vec<Located<CalendarFile>>,
    pub(super) vetoes: Vec<Located<VetoFile>>,
    pub(super) defaults: DefaultsFile,
    pub(super) studios: Vec<StudioFile>,
    /// Whether the file has no word about studios, not even a wrong one.
    pub(super) names_no_studio: bool,
    pub(super) prices: PricesFile,
}

/// The table `[defaults]`: what studios may say too.
#[derive(Default)]
pub(super) struct DefaultsFile {
    pub(super) settings: SettingsFile,
    pub(super) connection: ConnectionFile,
}

impl File {
    /// Reads the whole tree and notes what is wrong in it.
    pub(super) fn read(root: &DeTable<'_>, sink: &mut Sink) -> Self {
        let mut table = Table::root(root);
        read_version(&mut table, sink);
        let file = Self {
            mode: table.field("mode", sink, settings::mode),
            daemon: DaemonFile::read(&mut table, sink),
            audit: AuditFile::read(&mut table, sink),
            http: HttpFile::read(&mut table, sink),
            schedules: schedule::read_all(&mut table, sink),
            people: people::read_all(&mut table, sink),
            calendars: calendar::read_all(&mut table, sink),
            vetoes: veto::read_all(&mut table, sink),
            defaults: DefaultsFile::read(&mut table, sink),
            studios: studio::read_all(&mut table, sink),
            names_no_studio: table.take("studio").is_none_or(|list| list.entries().is_empty()),
            prices: prices::read(&mut table, sink),
        };
        table.finish(sink);
        file
    }
}

/// The version of these words that the file is written in.
fn read_version(table: &mut Table<'_>, sink: &mut Sink) {
    const HELP: &str = "write `version = 1` as the first line";
    let Some(value) = table.take("version") else {
        let missing = Diagnostic::error("missing-key", 0..0, "the file does not name its version");
        return sink.push_absence(missing.help(HELP));
    };
    match value::integer(&value, sink) {
        Some(1) | None => {}
        Some(_) => sink.push(
            Diagnostic::error("bad-version", value.span(), "this version of the file is unknown")
                .label("only 1 is known")
                .help(HELP),
        ),
    }
}

impl DefaultsFile {
    fn read(root: &mut Table<'_>, sink: &mut Sink) -> Self {
        let Some(value) = root.take("defaults") else { return Self::default() };
        let Some(mut table) = Table::of(&value, "[defaults]", sink) else {
            return Self::default();
        };
        let defaults = Self {
            settings: SettingsFile::read(&mut table, sink),
            connection: ConnectionFile::read(&mut table, sink),
        };
        studio::refuse_own_keys(&mut table, &["id", "name", "region", "account", "brake"], sink);
        table.finish(sink);
        defaults
    }
}

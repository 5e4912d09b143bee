//! The policy of a simulation: drawn from a seed, written as the file that people write, and read by
//! the checker without what reads that file.

use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan};

use super::chance::Chance;
use super::hours::{Entry, Hours, Zone};

/// The studio that everything is about.
pub(super) const STUDIO: &str = "us-west-2:stid-SIMULATED11";
/// Its account.
pub(super) const ACCOUNT: &str = "111122223333";
/// The owner whom a rule exempts.
pub(super) const SUPERVISOR: &str = "supervisor";
/// The launch profile whose sessions are only observed.
pub(super) const OBSERVED: &str = "observed";
/// The owner whom no schedule stops, nor anything else.
pub(super) const UNSCHEDULED: &str = "unscheduled";
/// A schedule that a tag may name.
pub(super) const LATE: &str = "late";
/// Another, by the clock of whoever owns the session.
pub(super) const AT_HOME: &str = "at-home";
/// The one owner whose clock is known, and that.
pub(super) const AT_HOME_IN: (&str, &str) = ("artist-3", "Asia/Tokyo");
/// The tag that a rule exempts.
pub(super) const RENDERS: (&str, &str) = ("job", "render");

const ZONES: &[&str] = &[
    "America/Los_Angeles",
    "Europe/London",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "UTC",
];

/// What the policy says.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) hours: Hours,
    /// Those of the schedule [`LATE`], in every policy the same.
    pub(super) late: Hours,
    /// The same of [`AT_HOME`], for whoever's clock is known.
    pub(super) at_home: Hours,
    /// Whether nothing is called.
    pub(super) observes: bool,
    pub(super) scan: SignedDuration,
    pub(super) lease: SignedDuration,
    pub(super) least_stop: SignedDuration,
    pub(super) max_uptime: Option<SignedDuration>,
    pub(super) warn: Vec<SignedDuration>,
    pub(super) resume: bool,
    pub(super) preserve: Preserve,
    pub(super) return_margin: SignedDuration,
    pub(super) per_scan: u32,
    pub(super) per_hour: u32,
    /// Whether a veto is asked.
    pub(super) asks: bool,
    /// Of how many kilobytes a file of the log is at the most, where it goes on in a new one often.
    pub(super) rotates_at: Option<usize>,
}

/// How long a veto may keep a session.
pub(super) const DEFER_MAX: SignedDuration = SignedDuration::from_hours(4);
/// How long an answer counts at the least.
pub(super) const ASKED_EVERY: SignedDuration = SignedDuration::from_mins(10);

/// What is done where a stopped session would be destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Preserve {
    Refuse,
    Rotate,
    Allow,
}

impl Preserve {
    fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Rotate => "rotate",
            Self::Allow => "allow",
        }
    }
}

impl Rules {
    /// Draws a policy for a simulation that begins on a day.
    pub(super) fn draw(chance: &mut Chance, first: Date) -> Self {
        let mins = SignedDuration::from_mins;
        let lease = mins(chance.one_of(&[0, 60, 120, 240]));
        let uptime = mins(chance.one_of(&[300, 480, 840, 1800]));
        Self {
            hours: hours(chance, first),
            late: every_night("UTC", 21, 5),
            at_home: every_night(AT_HOME_IN.1, 20, 7),
            observes: false,
            scan: mins(chance.one_of(&[10, 30, 30, 60])),
            lease,
            least_stop: mins(chance.one_of(&[30, 60])),
            max_uptime: chance.once_in(4).then_some(uptime),
            warn: chance
                .one_of(&[&[][..], &[15][..], &[15][..], &[30, 5][..]])
                .iter()
                .map(|m| mins(*m))
                .collect(),
            resume: chance.once_in(2),
            preserve: chance.one_of(&[
                Preserve::Refuse,
                Preserve::Rotate,
                Preserve::Rotate,
                Preserve::Allow,
            ]),
            return_margin: mins(chance.one_of(&[60, 480])),
            per_scan: chance.one_of(&[500, 500, 500, 4, 2, 0]),
            per_hour: chance.one_of(&[1000, 1000, 1000, 5, 3]),
            asks: chance.once_in(2),
            rotates_at: chance.once_in(2).then_some(64),
        }
    }

    /// Another policy for the same studio: somebody changes a few things.
    pub(super) fn amended(&self, chance: &mut Chance, today: Date) -> Self {
        let other = Self::draw(chance, today);
        let mut amended = self.clone();
        match chance.below(6) {
            5 => amended.observes = !self.observes,
            0 => amended.hours = other.hours,
            1 => (amended.lease, amended.max_uptime) = (other.lease, other.max_uptime),
            2 => (amended.warn, amended.resume) = (other.warn, other.resume),
            3 => (amended.per_scan, amended.per_hour) = (other.per_scan, other.per_hour),
            _ => (amended.preserve, amended.return_margin) = (other.preserve, other.return_margin),
        }
        amended
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let shown = |duration: &SignedDuration| format!("\"{}m\"", duration.as_mins());
        let warn: Vec<String> = self.warn.iter().map(shown).collect();
        let uptime = self.max_uptime.as_ref().map_or("\"off\"".to_owned(), shown);
        format!(
            r#"version = 1
mode = "{mode}"

[daemon]
scan = {scan}

[audit]
path = "audit.jsonl"
rotate_size = "{size}"

{hours}
[schedule.{LATE}]
zone = "UTC"
idle = ["Mon-Sun 21:00-05:00"]

[schedule.{AT_HOME}]
zone = "owner"
idle = ["Mon-Sun 20:00-07:00"]

[veto.farm]
command = ["/usr/bin/ask-the-farm"]
timeout = "10s"
defer_max = "{defer}m"
every = "{every}m"

[people]
"somebody-else" = {{ zone = "Europe/Paris" }}
{at_home}

[[studio]]
id = "{STUDIO}"
account = "{ACCOUNT}"
schedule = "nights"
lease = {lease}
least_stop = {least_stop}
max_uptime = {uptime}
warn = [{warn}]
start = "{start}"
start_lead = "10m"
catch_up = "1h"
preserve = "{preserve}"
veto = [{veto}]
return_margin = {margin}
brake = {{ per_scan = {per_scan}, per_hour = {per_hour} }}

"#,
            at_home = format_args!("{:?} = {{ zone = {:?} }}", AT_HOME_IN.0, AT_HOME_IN.1),
            mode = if self.observes { "observe" } else { "enforce" },
            scan = shown(&self.scan),
            size = self.rotates_at.map_or("64MB".to_owned(), |size| format!("{size}KB")),
            hours = self.hours_text(),
            lease = shown(&self.lease),
            least_stop = shown(&self.least_stop),
            warn = warn.join(", "),
            start = if self.resume { "resume" } else { "never" },
            preserve = self.preserve.as_str(),
            veto = if self.asks { "\"farm\"" } else { "" },
            defer = DEFER_MAX.as_mins(),
            every = ASKED_EVERY.as_mins(),
            margin = shown(&self.return_margin),
            per_scan = self.per_scan,
            per_hour = self.per_hour,
        ) + &rules_text()
    }

    fn hours_text(&self) -> String {
        let Hours { zone_name, weekly, closed, open, .. } = &self.hours;
        let idle: Vec<String> = weekly.iter().flat_map(entry_texts).collect();
        let calendars = [("holidays", !closed.is_empty()), ("crunch", !open.is_empty())];
        let named = calendars.iter().filter(|(_, is_there)| *is_there);
        let named: Vec<String> = named.map(|(name, _)| format!("\"{name}\"")).collect();
        let mut text = format!(
            "[schedule.nights]\nzone = \"{zone_name}\"\nidle = [{}]\ncalendars = [{}]\n\n",
            idle.join(", "),
            named.join(", ")
        );
        if !closed.is_empty() {
            let dates: Vec<String> = closed.iter().map(|date| format!("\"{date}\"")).collect();
            let dates = dates.join(", ");
            let _ = writeln!(text, "[calendar.holidays]\neffect = \"closed\"\ndates = [{dates}]\n");
        }
        if !open.is_empty() {
            let minute = |at: &jiff::civil::DateTime| at.strftime("%Y-%m-%d %H:%M").to_string();
            let spans =
                open.iter().map(|(from, to)| format!("\"{} .. {}\"", minute(from), minute(to)));
            let spans: Vec<String> = spans.collect();
            let spans = spans.join(", ");
            let _ = writeln!(text, "[calendar.crunch]\neffect = \"open\"\ndates = [{spans}]\n");
        }
        text
    }
}

/// The rules of the studio, which are the same in every policy.
fn rules_text() -> String {
    let (tag, value) = RENDERS;
    format!(
        r#"
[[studio.rule]]
name = "supervisors"
match = {{ owner = ["{SUPERVISOR}"] }}
keep = true

[[studio.rule]]
name = "unscheduled"
match = {{ owner = ["{UNSCHEDULED}"] }}
schedule = "off"
max_uptime = "off"

[[studio.rule]]
name = "renders"
match = {{ tag = {{ {tag} = "{value}" }} }}
keep = true

[[studio.rule]]
name = "pilot"
match = {{ launch_profile = ["{OBSERVED}"] }}
mode = "observe"
"#
    )
}

fn entry_texts(entry: &Entry) -> Vec<String> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let clock = |minute: u32| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let whole = entry.opens == 0 && entry.closes == 1440;
    let hours = format!(" {}-{}", clock(entry.opens), clock(entry.closes));
    let hours = if whole { String::new() } else { hours };
    let days = DAYS.iter().zip(entry.days).filter(|(_, is_in)| *is_in);
    days.map(|(day, _)| format!("\"{day}{hours}\"")).collect()
}

/// From one full hour to another, without calendars.
fn every_night(zone_name: &'static str, opens: u32, closes: u32) -> Hours {
    let night = Entry { days: [true; 7], opens: opens * 60, closes: 1440 + closes * 60 };
    let zone = Zone::named(zone_name);
    Hours { zone_name, zone, weekly: vec![night], closed: Vec::new(), open: Vec::new() }
}

fn hours(chance: &mut Chance, first: Date) -> Hours {
    let zone_name = chance.one_of(ZONES);
    let quarter = |chance: &mut Chance, from: u32, to: u32| chance.value(from * 4, to * 4) * 15;
    let night = Entry {
        days: chance.one_of(&[
            [true; 7],
            [true, true, true, true, true, false, true],
            [true, true, true, true, false, false, false],
        ]),
        opens: quarter(chance, 18, 23),
        closes: 1440 + quarter(chance, 4, 8),
    };
    let mut weekly = vec![night];
    if !chance.once_in(3) {
        let days = [false, false, false, false, false, true, true];
        weekly.push(Entry { days, opens: 0, closes: 1440 });
    }
    if chance.once_in(4) {
        weekly.push(Entry { days: [true; 7], opens: 12 * 60, closes: 14 * 60 });
    }
    let day = |chance: &mut Chance| first.saturating_add(chance.between(0, 7).days());
    let closed = if chance.once_in(3) { vec![day(chance)] } else { Vec::new() };
    let open = chance.once_in(3).then(|| {
        let from = day(chance).at(chance.one_of(&[0, 12, 19, 22]), 0, 0, 0);
        (from, from.saturating_add(chance.between(4, 40).hours()))
    });
    let zone = Zone::named(zone_name);
    Hours { zone_name, zone, weekly, closed, open: open.into_iter().collect() }
}

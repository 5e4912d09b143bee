//! What of two policies is said differently, key by key.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use crate::config;
use crate::policy::calendar::Entry;
use crate::policy::matcher::Criteria;
use crate::policy::{
    AuditRotation, Brake, Connection, HttpPolicy, Matcher, Policy, Rule, Scan, Settings,
    StudioPolicy, Timetable, Veto,
};

/// One key whose value is another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// In which table.
    pub(super) place: String,
    pub(super) key: &'static str,
    /// `None`: that policy does not have it.
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

impl Change {
    /// Both values, of long ones what is around the first character by which they differ: a calendar may have
    /// hundreds of days.
    pub(super) fn excerpts(&self) -> [Option<String>; 2] {
        let [old, new] = [&self.old, &self.new].map(|text| text.as_deref().unwrap_or_default());
        let same = old.chars().zip(new.chars()).take_while(|(old, new)| old == new).count();
        let from = same.saturating_sub(EXCERPT_BEFORE);
        let excerpt = |text: &String| {
            let count = text.chars().count();
            if count <= EXCERPT_MAX {
                return text.clone();
            }
            let part: String = text.chars().skip(from).take(EXCERPT_MAX).collect();
            let before = if from > 0 { "... " } else { "" };
            let after = if from + EXCERPT_MAX < count { " ..." } else { "" };
            format!("{before}{part}{after}")
        };
        [&self.old, &self.new].map(|text| text.as_ref().map(excerpt))
    }
}

/// How many characters of a long value are shown, and how many of them before what differs.
const EXCERPT_MAX: usize = 160;
const EXCERPT_BEFORE: usize = 40;

/// The keys of a policy by table, as text.
type Sheet = BTreeMap<(String, &'static str), String>;

/// Every key that two policies have differently, by table.
pub(super) fn changes(old: &Policy, new: &Policy) -> Vec<Change> {
    let (before, after) = (sheet(old), sheet(new));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let change = |key: &(String, &'static str)| {
        let (old, new) = (before.get(key).cloned(), after.get(key).cloned());
        let (place, key) = key.clone();
        (old != new).then_some(Change { place, key, old, new })
    };
    keys.into_iter().filter_map(change).collect()
}

fn sheet(policy: &Policy) -> Sheet {
    let mut sheet = Sheet::new();
    let daemon = "[daemon]".to_owned();
    let scan = match &policy.daemon.scan {
        Scan::Every(every) => format!("{every:#}"),
        Scan::Cron(expression) => expression.to_string(),
    };
    sheet.insert((daemon.clone(), "scan"), scan);
    sheet.insert((daemon, "concurrency"), policy.daemon.concurrency.to_string());
    sheet.insert(("[audit]".to_owned(), "path"), policy.audit_path.display().to_string());
    let AuditRotation { size, age } = policy.audit_rotation;
    let size = size.map_or_else(|| "off".to_owned(), |size| format!("{size} bytes"));
    let age = age.map_or_else(|| "off".to_owned(), |age| format!("{age:#}"));
    sheet.insert(("[audit]".to_owned(), "rotate_size"), size);
    sheet.insert(("[audit]".to_owned(), "rotate_age"), age);
    sheet.insert(("[audit]".to_owned(), "stdout"), policy.audit_stdout.to_string());
    if let Some(HttpPolicy { listen, token_file }) = &policy.http {
        sheet.insert(("[http]".to_owned(), "listen"), listen.to_string());
        if let Some(file) = token_file {
            sheet.insert(("[http]".to_owned(), "token_file"), file.display().to_string());
        }
    }
    let state_dir = policy.daemon.state_dir.display().to_string();
    sheet.insert(("[daemon]".to_owned(), "state_dir"), state_dir);
    for (kind, price) in &policy.prices {
        sheet.insert((format!("[prices] {kind}"), "USD an hour"), price.to_string());
    }
    add_schedules(&mut sheet, policy);
    add_people(&mut sheet, policy);
    add_vetoes(&mut sheet, policy);
    for studio in policy.studios.values() {
        add_studio(&mut sheet, studio);
    }
    sheet
}

/// Schedules and calendars as they are written: those windows that are shown end soon.
fn add_schedules(sheet: &mut Sheet, policy: &Policy) {
    for calendar in policy.calendars.values() {
        let place = format!("[calendar.{}]", calendar.name);
        let entries: Vec<String> = calendar.entries.iter().map(ToString::to_string).collect();
        sheet.insert((place.clone(), "effect"), calendar.effect.as_str().to_owned());
        sheet.insert((place.clone(), "entries"), entries.join(", "));
        for entry in &calendar.entries {
            if let Entry::Event(event) = entry {
                // Events of one name are told apart by nothing else.
                let key = (format!("{place} {}", event.summary()), "when");
                let when = sheet.entry(key).or_default();
                let and = if when.is_empty() { "" } else { "; " };
                *when += &format!("{and}{}", event.when());
            }
        }
    }
    for (name, timetable) in &policy.schedules {
        let place = format!("[schedule.{name}]");
        for (_, schedule) in timetable.schedules() {
            let names: Vec<&str> = schedule.calendars.iter().map(|c| c.name.as_str()).collect();
            let zone = match &**timetable {
                Timetable::Shared(_) => schedule.zone_name(),
                Timetable::PerOwner { .. } => "owner",
            };
            sheet.insert((place.clone(), "calendars"), names.join(", "));
            sheet.insert((place.clone(), "zone"), zone.to_owned());
            sheet.insert((place.clone(), "idle"), schedule.idle.to_string());
        }
    }
}

fn add_vetoes(sheet: &mut Sheet, policy: &Policy) {
    for veto in policy.vetoes.values() {
        let place = format!("[veto.{}]", veto.name);
        let Veto { name: _, command, timeout, defer_max, every } = &**veto;
        // What differs in nothing but its credentials is not told apart, as with other secrets.
        let words: Vec<String> =
            command.iter().map(|word| config::without_credentials(word)).collect();
        sheet.insert((place.clone(), "command"), format!("{words:?}"));
        for (key, length) in [("timeout", timeout), ("defer_max", defer_max), ("every", every)] {
            sheet.insert((place.clone(), key), format!("{length:#}"));
        }
    }
}

fn add_people(sheet: &mut Sheet, policy: &Policy) {
    for (owner, person) in &policy.people {
        let place = format!("[people] {owner}");
        let zone = person.zone.as_ref().and_then(|zone| zone.iana_name());
        // Where somebody can be reached is nobody's business here; whether it is known is.
        let address = person.address.as_ref().map(|_| "(secret)");
        let said = [("name", person.name.as_deref()), ("zone", zone), ("address", address)];
        let said = said.into_iter().filter_map(|(key, value)| Some((key, value?)));
        sheet.extend(said.map(|(key, value)| ((place.clone(), key), value.to_owned())));
    }
}

fn add_studio(sheet: &mut Sheet, studio: &StudioPolicy) {
    let place = format!("studio {}", studio.id);
    let Brake { per_scan, per_hour } = studio.brake;
    let mut add = |key, value| sheet.insert((place.clone(), key), value);
    add("brake", format!("{{ per_scan = {per_scan}, per_hour = {per_hour} }}"));
    let names: Vec<&str> = studio.rules.iter().map(|rule| rule.name.as_str()).collect();
    add("order of rules", names.join(", "));
    if let Some(name) = &studio.name {
        add("name", name.clone());
    }
    for (key, value) in connection(&studio.connection) {
        add(key, value);
    }
    let own = settings(&studio.settings);
    sheet.extend(own.iter().map(|(key, value)| ((place.clone(), *key), value.clone())));
    for rule in &studio.rules {
        add_rule(sheet, &place, &own, rule);
    }
}

/// What is not a secret; of a secret, whether there is one.
fn connection(connection: &Connection) -> Vec<(&'static str, String)> {
    let Connection { region, account, role_arn, external_id, profile, endpoint_url } = connection;
    let external_id = external_id.as_ref().map(|_| "(secret)".to_owned());
    let given = [
        ("account", account.as_ref().map(ToString::to_string)),
        ("role_arn", role_arn.clone()),
        ("external_id", external_id),
        ("profile", profile.clone()),
        ("endpoint_url", endpoint_url.clone()),
    ];
    let given = given.into_iter().filter_map(|(key, value)| Some((key, value?)));
    given.chain([("region", region.to_string())]).collect()
}

/// A rule, and what of its settings is other than its studio's.
fn add_rule(sheet: &mut Sheet, studio: &str, own: &[(&'static str, String)], rule: &Rule) {
    let place = format!("{studio}, rule {}", rule.name);
    sheet.insert((place.clone(), "match"), matcher(&rule.matcher));
    sheet.insert((place.clone(), "keep"), rule.keep.to_string());
    // Of what is kept some say whether its work is saved where somebody stopped it.
    const OF_KEPT: [&str; 4] = ["mode", "schedule", "preserve", "return_margin"];
    let counts = |key: &str| !rule.keep || OF_KEPT.contains(&key);
    let settings = settings(&rule.settings).into_iter().filter(|(key, _)| counts(key));
    let other = settings.filter(|row| !own.contains(row));
    sheet.extend(other.map(|(key, value)| ((place.clone(), key), value)));
}

fn settings(settings: &Settings) -> Vec<(&'static str, String)> {
    let Settings {
        mode,
        schedule,
        lease,
        least_stop,
        max_uptime,
        warn,
        veto,
        preserve,
        return_margin,
        start,
        start_lead,
        catch_up,
        keep_max,
        keep_remind,
    } = settings;
    let off = || "off".to_owned();
    let length = |duration: &SignedDuration| format!("{duration:#}");
    vec![
        ("mode", mode.to_string()),
        ("schedule", schedule.as_ref().map_or_else(off, |schedule| schedule.name().to_string())),
        ("lease", length(lease)),
        ("least_stop", length(least_stop)),
        ("max_uptime", max_uptime.as_ref().map_or_else(off, length)),
        ("warn", format!("[{}]", warn.iter().map(length).collect::<Vec<_>>().join(", "))),
        (
            "veto",
            format!("[{}]", veto.iter().map(|v| v.name.as_str()).collect::<Vec<_>>().join(", ")),
        ),
        ("preserve", preserve.to_string()),
        ("return_margin", length(return_margin)),
        ("start", start.to_string()),
        ("start_lead", length(start_lead)),
        ("catch_up", length(catch_up)),
        ("keep_max", keep_max.as_ref().map_or_else(off, length)),
        ("keep_remind", keep_remind.as_ref().map_or_else(off, length)),
    ]
}

fn matcher(matcher: &Matcher) -> String {
    match matcher {
        Matcher::All => "all".to_owned(),
        Matcher::Where(asked) => criteria(asked),
    }
}

fn criteria(asked: &Criteria) -> String {
    let Criteria {
        owner,
        studio_role,
        launch_profile,
        instance_type,
        session,
        streaming_image,
        persistence,
        tag,
        not,
    } = asked;
    let list = |globs: &[crate::policy::Glob]| {
        globs.iter().map(|glob| format!("\"{glob}\"")).collect::<Vec<_>>().join(" or ")
    };
    let lists = [
        ("owner", owner),
        ("studio_role", studio_role),
        ("launch_profile", launch_profile),
        ("instance_type", instance_type),
        ("session", session),
        ("streaming_image", streaming_image),
    ];
    let given = lists.into_iter().filter(|(_, globs)| !globs.is_empty());
    let mut parts: Vec<String> =
        given.map(|(key, globs)| format!("{key} {}", list(globs))).collect();
    parts.extend(persistence.map(|persistence| format!("persistence {persistence}")));
    parts.extend(tag.iter().map(|(key, globs)| format!("tag {key} {}", list(globs))));
    parts.extend(not.iter().map(|not| format!("not ({})", criteria(not))));
    parts.join(", ")
}

//! What sound files mean.

use jiff::SignedDuration;

use super::*;
use crate::policy::{
    AuditRotation, Brake, Matcher, Mode, Preserve, Scan, Settings, Start, StudioPolicy, Veto,
};

fn only(policy: &Policy) -> &StudioPolicy {
    policy.studios.values().next().unwrap()
}

#[test]
fn what_is_not_said_has_its_default() {
    let policy = sound(SOUND);
    assert_eq!(policy.daemon.state_dir, Path::new("/var/lib/lightsout"));
    assert_eq!(policy.audit_path, Path::new("/var/log/lightsout/audit.jsonl"));
    let (size, age) = (Some(64_000_000), Some(SignedDuration::from_hours(30 * 24)));
    assert_eq!(policy.audit_rotation, AuditRotation { size, age });
    assert_eq!(policy.daemon.concurrency, 16);
    assert!(
        matches!(policy.daemon.scan, Scan::Every(every) if every == SignedDuration::from_mins(5))
    );
    let (settings, built_in) = (&only(&policy).settings, Settings::built_in());
    assert_eq!(settings.mode, Mode::Observe);
    assert_eq!(settings.warn, built_in.warn);
    assert_eq!(settings.preserve, Preserve::Refuse);
    assert_eq!(settings.max_uptime, None);
    assert_eq!(only(&policy).connection.region.as_str(), "us-west-2");
}

#[test]
fn the_nearest_table_that_says_it_wins() {
    let text = format!(
        r#"{}lease = "3h"
warn = ["5m", "1h"]

[[studio.rule]]
name = "a"
match = {{ owner = "a" }}
lease = "4h"
schedule = "off"
max_uptime = "off"
warn = "off"
"#,
        top(
            "[defaults]\nlease = \"1h\"\nmax_uptime = \"14h\"\nmode = \"enforce\"\nprofile = \"main\""
        )
    );
    let policy = sound(&text);
    let studio = only(&policy);
    let hours = SignedDuration::from_hours;
    assert_eq!(studio.settings.lease, hours(3));
    assert_eq!(studio.settings.max_uptime, Some(hours(14)));
    assert_eq!(studio.settings.mode, Mode::Enforce);
    assert_eq!(studio.settings.warn, [hours(1), SignedDuration::from_mins(5)]);
    assert_eq!(studio.connection.profile.as_deref(), Some("main"));
    let rule = &studio.rules[0].settings;
    assert_eq!((rule.lease, rule.max_uptime), (hours(4), None));
    assert!(rule.schedule.is_none() && rule.warn.is_empty());
    assert!(studio.settings.schedule.is_some());
}

#[test]
fn the_mode_of_the_file_holds_where_nothing_nearer_says_one() {
    let text = format!(
        "{}[[studio]]\nid = \"us-west-2:stid-B\"\nmax_uptime = \"14h\"\nmode = \"enforce\"\n",
        top("mode = \"observe\"")
    );
    let loaded = parsed(&text).unwrap();
    assert_eq!(loaded.policy.modes(), "enforce and observe");
    let modes: Vec<Mode> = loaded.policy.studios.values().map(|s| s.settings.mode).collect();
    assert_eq!(modes, [Mode::Enforce, Mode::Observe]);
}

#[test]
fn what_would_be_destroyed_is_refused_rotated_or_allowed() {
    for preserve in [Preserve::Refuse, Preserve::Rotate, Preserve::Allow] {
        let policy = sound(&studio(&format!("preserve = \"{preserve}\"")));
        assert_eq!(only(&policy).settings.preserve, preserve);
    }
}

#[test]
fn durations_may_be_zero_only_where_zero_means_something() {
    let policy = sound(&studio("lease = \"0s\"\nleast_stop = \"0s\"\nreturn_margin = \"0s\""));
    assert!(only(&policy).settings.lease.is_zero());
    for key in ["max_uptime", "warn"] {
        assert!(parsed(&studio(&format!("{key} = \"0s\""))).is_err(), "{key}");
    }
}

#[test]
fn a_day_has_24_hours() {
    let policy = sound(&studio("max_uptime = \"2d 1h\""));
    assert_eq!(only(&policy).settings.max_uptime, Some(SignedDuration::from_hours(49)));
}

#[test]
fn relative_paths_are_relative_to_the_file() {
    let policy =
        sound(&top("[daemon]\nstate_dir = \"state\"\n[audit]\npath = \"/log/audit.jsonl\""));
    assert_eq!(policy.daemon.state_dir, Path::new("/etc/lightsout/state"));
    assert_eq!(policy.audit_path, Path::new("/log/audit.jsonl"));
}

#[test]
fn the_log_goes_on_in_new_files_as_it_is_said() {
    let rotation = |lines: &str| sound(&top(&format!("[audit]\n{lines}"))).audit_rotation;
    let said = rotation("rotate_size = \"1GB\"\nrotate_age = \"7d\"");
    let week = SignedDuration::from_hours(7 * 24);
    assert_eq!(said, AuditRotation { size: Some(1_000_000_000), age: Some(week) });
    let off = rotation("rotate_size = \"off\"\nrotate_age = \"off\"");
    assert_eq!(off, AuditRotation { size: None, age: None });
}

#[test]
fn a_scan_may_be_a_cron_expression() {
    let policy = sound(&top("[daemon]\nscan = \"*/10 * * * *\""));
    assert!(matches!(policy.daemon.scan, Scan::Cron(_)));
}

#[test]
fn endpoints_of_this_machine_may_be_in_the_clear() {
    for url in
        ["http://localhost:1", "http://127.0.0.1:9471/", "http://[::1]:80", "https://a.example"]
    {
        let policy = sound(&studio(&format!("endpoint_url = \"{url}\"")));
        assert_eq!(only(&policy).connection.endpoint_url.as_deref(), Some(url));
    }
}

#[test]
fn off_unsets_what_defaults_say_of_the_connection() {
    let text = format!("{}profile = \"off\"\n", top("[defaults]\nprofile = \"main\""));
    assert_eq!(only(&sound(&text)).connection.profile, None);
}

#[test]
fn vetoes_are_found_by_name_and_lists_of_them_replace() {
    let text = format!(
        r#"{}veto = ["farm", "licences"]

[[studio.rule]]
name = "a"
match = {{ owner = "a" }}
veto = "local"

[[studio.rule]]
name = "b"
match = {{ owner = "b" }}
veto = "off"

[[studio.rule]]
name = "c"
match = {{ owner = "c" }}
veto = []

[veto.farm]
command = ["ask-farm", "-v", "a b"]

[veto.licences]
command = ["bin/ask"]
timeout = "3s"
defer_max = "2h"
every = "90s"

[veto.local]
command = ["/opt/ask"]
"#,
        top("[defaults]\nveto = [\"local\"]")
    );
    let policy = sound(&text);
    let studio = only(&policy);
    let names = |settings: &Settings| -> Vec<String> {
        settings.veto.iter().map(|veto| veto.name.to_string()).collect()
    };
    assert_eq!(names(&studio.settings), ["farm", "licences"]);
    let rules: Vec<_> = studio.rules.iter().map(|rule| names(&rule.settings)).collect();
    assert_eq!(rules, [vec!["local".to_owned()], vec![], vec![]]);
    let [farm, licences] = [0, 1].map(|index| studio.settings.veto[index].as_ref());
    assert_eq!(farm.command, ["ask-farm", "-v", "a b"]);
    let lengths = |veto: &Veto| [veto.timeout, veto.defer_max, veto.every].map(|d| d.as_secs());
    assert_eq!((lengths(farm), lengths(licences)), ([10, 6 * 3600, 300], [3, 7200, 90]));
    assert_eq!(licences.command, ["/etc/lightsout/bin/ask"]);
    assert_eq!(policy.vetoes[&"local".into()].command, ["/opt/ask"]);
}

#[test]
fn the_hash_is_of_the_text() {
    let hash = sound(SOUND).hash;
    assert_eq!(hash.as_str().len(), 64);
    assert_ne!(hash, sound(&format!("{SOUND}\n")).hash);
}

#[test]
fn starts_brakes_and_people_mean_what_they_say() {
    let text = format!(
        r#"{}start = "resume"
start_lead = "5m"
catch_up = "2h"
brake = {{ per_scan = 0 }}

[[studio.rule]]
name = "a"
match = {{ session = "s*", streaming_image = "i", persistence = true, not = {{ owner = "a" }} }}
start = "never"

[people]
"9067-a" = {{ name = "Ada", zone = "Europe/Paris", address = "https://example.org/hook" }}
"9067-b" = {{ zone = "Asia/Kolkata" }}
"9067-c" = {{ name = "Cy" }}
"#,
        replaced("America/Los_Angeles", "owner")
    );
    let policy = sound(&text);
    let studio = only(&policy);
    assert_eq!(studio.settings.start, Start::Resume);
    assert_eq!(studio.settings.start_lead, SignedDuration::from_mins(5));
    assert_eq!(studio.settings.catch_up, SignedDuration::from_hours(2));
    assert_eq!(studio.brake, Brake { per_scan: 0, per_hour: 1_000 });
    assert_eq!(studio.rules[0].settings.start, Start::Never);
    let Matcher::Where(criteria) = &studio.rules[0].matcher else { panic!("it asks something") };
    assert_eq!((criteria.not.len(), criteria.persistence), (1, Some(true)));
    let nights = studio.settings.schedule.as_ref().unwrap();
    let zone = |owner: &str| nights.of(Some(&owner.into())).map(|s| s.zone.clone());
    assert_eq!(zone("9067-a").unwrap().iana_name(), Some("Europe/Paris"));
    assert_eq!(zone("9067-b").unwrap().iana_name(), Some("Asia/Kolkata"));
    assert!(zone("9067-c").is_none() && zone("9067-d").is_none() && nights.of(None).is_none());
    assert!(!format!("{policy:?}").contains("hook"));
}

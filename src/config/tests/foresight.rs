//! What a valid file will lead to, seen from the beginning of 2026.

use jiff::Timestamp;

use super::*;

const NOW: &str = "2026-01-10T12:00:00Z";

fn ahead(text: &str) -> String {
    let now: Timestamp = NOW.parse().unwrap();
    match parse_at("lightsout.toml", text, Path::new("/etc/lightsout"), Some(now)) {
        Ok(loaded) => loaded.warnings.render(false),
        Err(found) => panic!("{}", found.render(false)),
    }
}

/// Compares what is foreseen of a file with the snapshot of a name.
fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("ahead_{name}"), ahead(text)));
}

/// The sound file with other idle hours.
fn idle(hours: &str) -> String {
    replaced("[\"Sun-Fri 20:00-07:00\", \"Sat-Sun\"]", hours)
}

#[test]
fn an_ordinary_file_leads_to_nothing_that_is_not_meant() {
    assert_eq!(ahead(SOUND), "");
}

#[test]
fn windows_that_will_not_be_are_foreseen() {
    check("never_idle", &idle("{ opens = \"0 0 20 * * Mon 2019\", closes = \"0 7 * * *\" }"));
    check("empty_window", &idle("[\"Sun 02:30-03:10\", \"Mon-Fri 20:00-07:00\"]"));
}

#[test]
fn a_week_without_an_hour_to_work_is_looked_at_to_its_end() {
    assert!(ahead(&idle("[\"Mon-Sun\"]")).contains("always-idle"));
}

#[test]
fn scans_that_miss_windows_are_foreseen() {
    check("rare_scan", &format!("{}[daemon]\nscan = \"12h\"\n", SOUND));
    assert_eq!(ahead(&format!("{}[daemon]\nscan = \"10h\"\n", SOUND)), "");
    check("rare_scan_by_cron", &format!("{SOUND}[daemon]\nscan = \"0 16-23 * * *\"\n"));
    assert_eq!(ahead(&format!("{SOUND}[daemon]\nscan = \"0 12 * * *\"\n")), "");
}

#[test]
fn scans_that_are_too_rare_for_a_rescue_are_foreseen() {
    let with = |studio: &str, scan: &str| format!("{SOUND}{studio}\n[daemon]\nscan = \"{scan}\"\n");
    let rotates = "preserve = \"rotate\"";
    check("rare_scan_for_rescue", &with(rotates, "2h"));
    check("rare_scan_for_rescue_by_cron", &with(rotates, "*/10 0-4,7-23 * * *"));
    let rule = format!("[[studio.rule]]\nname = \"a\"\nmatch = \"all\"\nkeep = true\n{rotates}");
    assert!(ahead(&with(&rule, "91m")).contains("rare-scan-for-rescue"));
    let refuses = "preserve = \"refuse\"";
    for (sound, scan) in [(rotates, "90m"), (rotates, "0,30 * * * *"), (refuses, "2h")] {
        assert_eq!(ahead(&with(sound, scan)), "", "{scan}");
    }
}

#[test]
fn leases_and_rules_without_effect_are_foreseen() {
    check("lease_past_windows", &studio("lease = \"3d\""));
    let rule = |settings: &str| {
        studio(&format!("[[studio.rule]]\nname = \"a\"\nmatch = {{ owner = \"a\" }}\n{settings}"))
    };
    check("lease_of_rule_past_windows", &rule("lease = \"61h\""));
    check("stops_nobody", &rule("schedule = \"off\""));
    check("stops_nobody_for_long", &rule("least_stop = \"5d\""));
    assert_eq!(ahead(&rule("schedule = \"off\"\nmax_uptime = \"9h\"")), "");
}

#[test]
fn windows_that_are_not_worth_a_stop_are_foreseen() {
    check("least_stop_of_studio", &studio("least_stop = \"60h\""));
    check("short_window", &studio("least_stop = \"11h\""));
    let rule = "[[studio.rule]]\nname = \"a\"\nmatch = { owner = \"a\" }\nleast_stop = \"12h\"";
    check("short_window_of_rule", &studio(rule));
    // The night in which the clock goes forward lasts ten hours.
    let nightly = idle("[\"Mon-Sun 20:00-07:00\"]");
    assert_eq!(ahead(&format!("{nightly}least_stop = \"10h\"\n")), "");
    let calendar = with_calendar("open", "[\"2026-05-01 20:00 .. 2026-05-04 07:00\"]");
    let text = calendar.replacen("\n[calendar", "least_stop = \"11h\"\n[calendar", 1);
    assert_eq!(ahead(&text), "");
}

#[test]
fn rules_that_lose_a_calendar_or_the_rescue_of_their_studio_are_foreseen() {
    let with = |settings: &str, rule: &str| {
        let studio = studio(&format!(
            "{settings}\n[[studio.rule]]\nname = \"a\"\nmatch = {{ owner = \"a\" }}\n{rule}"
        ));
        let crunch = "[calendar.crunch]\neffect = \"open\"\ndates = [\"2026-12-04 20:00 .. 2026-12-07 07:00\"]";
        let late = "\n[schedule.late]\nzone = \"UTC\"\nidle = [\"Mon-Sun 23:00-05:00\"]";
        let late = if rule.contains("late") { late } else { "" };
        let named = studio.replacen("idle = [", "calendars = [\"crunch\"]\nidle = [", 1);
        format!("{named}\n{crunch}{late}")
    };
    check("calendar_left_out", &with("", "schedule = \"late\""));
    check("calendar_left_out_by_uptime", &with("", "schedule = \"off\"\nmax_uptime = \"9h\""));
    assert_eq!(ahead(&with("", "lease = \"4h\"")), "");
    let rotates = "preserve = \"rotate\"";
    check("kept_not_saved", &with(rotates, "keep = true\npreserve = \"allow\""));
    for turned_off in ["schedule = \"off\"", "mode = \"observe\""] {
        let text = with(
            "preserve = \"rotate\"\nmode = \"enforce\"",
            &format!("keep = true\n{turned_off}"),
        );
        assert!(ahead(&text).contains("kept-not-saved"), "{turned_off}");
    }
    assert_eq!(ahead(&with(rotates, "keep = true")), "");
    assert_eq!(ahead(&with("", "keep = true\nmode = \"enforce\"")), "");
}

#[test]
fn rules_that_lose_a_veto_of_their_studio_are_foreseen() {
    let with = |veto: &str| {
        studio(&format!(
            "veto = [\"farm\", \"licences\"]\n[[studio.rule]]\nname = \"a\"\n\
             match = {{ owner = \"a\" }}\nlease = \"4h\"\n{veto}\n\
             [veto.farm]\ncommand = [\"sh\"]\n[veto.licences]\ncommand = [\"sh\"]"
        ))
    };
    check("veto_left_out", &with("veto = \"farm\""));
    for sound in ["", "veto = \"off\"", "veto = []", "veto = [\"licences\", \"farm\"]"] {
        assert_eq!(ahead(&with(sound)), "", "{sound}");
    }
}

#[test]
fn dates_and_days_that_are_not_what_they_seem_are_foreseen() {
    check("long_closed", &with_calendar("closed", "\"01-05..08-05\""));
    assert_eq!(ahead(&with_calendar("closed", "\"12-24..01-06\"")), "");
    check("long_open", &with_calendar("open", "\"2026-05-01 20:00 .. 2026-08-05 20:00\""));
    assert_eq!(ahead(&with_calendar("open", "\"2026-05-01 20:00 .. 2026-06-01 20:00\"")), "");
    check("days_apart", &idle("[\"Mon-Sun 20:00-07:00\", \"2nd,4th Sat-Sun\"]"));
    assert_eq!(ahead(&idle("[\"Mon-Sun 20:00-07:00\", \"2nd,4th Sat\"]")), "");
    let zone = |name: &str| replaced("America/Los_Angeles", name);
    check("misleading_zone", &zone("Etc/GMT+8"));
    assert!(ahead(&zone("EST")).contains("it has no summer time"));
    assert!(ahead(&zone("etc/gmt-9")).contains("9 hours ahead of UTC"));
    for sound in ["Etc/GMT", "Etc/GMT+0", "UTC", "America/New_York", "EST5EDT"] {
        assert_eq!(ahead(&zone(sound)), "", "{sound}");
    }
}

#[test]
fn nights_that_weekly_hours_leave_out_are_foreseen() {
    check("night_left_out", &idle("[\"Mon-Fri 20:00-07:00\", \"Sat-Sun\"]"));
    check("night_left_out_of_saturdays", &idle("[\"Sun-Fri 20:00-07:00\", \"Sat\"]"));
    for sound in [
        "[\"Mon-Fri 00:00-07:00\", \"Mon-Fri 20:00-24:00\", \"Sat-Sun\"]",
        "[\"Mon-Fri 20:00-24:00\", \"Sat-Sun\"]",
        "[\"Mon-Fri 12:00-13:30\", \"Sat-Sun\"]",
        "{ opens = \"0 20 * * *\", closes = \"0 0,7 * * *\" }",
    ] {
        assert_eq!(ahead(&idle(sound)), "", "{sound}");
    }
    // What a calendar opens is no night that was forgotten.
    let opened = with_calendar("open", "[\"2026-05-01\"]");
    assert!(!ahead(&opened).contains("night-left-out"), "{}", ahead(&opened));
}

#[test]
fn commands_of_vetoes_that_cannot_be_run_are_foreseen() {
    let command = |program: &str| {
        studio(&format!("veto = \"farm\"\n[veto.farm]\ncommand = [\"{program}\", \"-v\"]"))
    };
    check("no_program", &command("/usr/local/bin/there-is-no-such-program"));
    check("no_program_in_path", &command("there-is-no-such-program"));
    check("program_directory", &command("/"));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert!(ahead(&command(file)).contains("it is not executable"));
    assert_eq!(ahead(&command("/bin/sh")), "");
    assert_eq!(ahead(&command("sh")), "");
}

/// The sound file whose schedule has a calendar.
fn with_calendar(effect: &str, dates: &str) -> String {
    let calendar = format!("\n[calendar.days]\neffect = \"{effect}\"\ndates = {dates}\n");
    format!("{}{calendar}", replaced("zone =", "calendars = [\"days\"]\nzone ="))
}

#[test]
fn calendars_that_are_over_or_leave_an_evening_are_foreseen() {
    check("calendar_over", &with_calendar("closed", "[\"2025-12-24..2026-01-09\"]"));
    assert_eq!(ahead(&with_calendar("closed", "[\"2025-12-24..2026-01-10\"]")), "");
    assert_eq!(ahead(&with_calendar("closed", "[\"07-04\"]")), "");
    check("idle_before_open", &with_calendar("open", "[\"2026-05-02..2026-05-03\"]"));
    assert_eq!(ahead(&with_calendar("open", "[\"2026-05-01 20:00 .. 2026-05-04 07:00\"]")), "");
    check("always_idle", &with_calendar("closed", "[\"01-01..12-31\"]"));
    check("never_idle_with_open", &with_calendar("open", "[\"01-01..12-31\"]"));
}

use std::path::Path;

use super::*;
use crate::config;

const POLICY: &str = r#"version = 1
[schedule."nights"]
zone = "America/Los_Angeles"
idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]
calendars = ["holidays"]
[calendar.holidays]
effect = "closed"
dates = ["2026-11-03"]
[schedule.gap]
zone = "America/Los_Angeles"
idle = ["Sun 02:15-02:45"]
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
name = "Feature <@film>"
schedule = "nights"
"#;

#[test]
fn the_windows_to_come_are_folded_into_a_comment() {
    let loaded = config::parse("policy.toml", POLICY, Path::new(""));
    let policy = loaded.unwrap_or_else(|found| panic!("{}", found.render(false))).policy;
    let (from, to): (Timestamp, Timestamp) =
        ("2027-03-13T12:00:00Z".parse().unwrap(), "2027-03-17T00:00:00Z".parse().unwrap());
    let studio = policy.studios.values().next().unwrap();
    let hold = Some(Reason::Paused { until: to, who: "eve|@film".to_owned() });
    let studios = [StudioForecast { studio, hold, events: Vec::new() }];
    insta::assert_snapshot!(to_markdown(&Lookout::new(&policy, from, to), &studios));
}

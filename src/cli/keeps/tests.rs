use std::sync::{Arc, Mutex};

use futures_util::FutureExt;

use super::*;
use crate::audit::record::{Data, Kind, Record};
use crate::clock::{Clock, SimulatedClock};
use crate::provider::Provider;
use crate::provider::direct::Direct;
use crate::sandbox::worldfile;

const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";

const POLICY: &str = r#"
version = 1
[schedule.nights]
zone = "America/Los_Angeles"
idle = ["Mon-Sun 20:00-07:00"]
[people."9067aaaa"]
name = "Ada"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
name = "Feature"
schedule = "nights"
[[studio.rule]]
name = "leads"
match = { launch_profile = "Lead" }
keep = true
[[studio.rule]]
name = "archive"
match = { launch_profile = "Archive" }
keep = true
"#;

const WORLD: &str = r#"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
account = "111122223333"
name = "feature"
[[studio.profile]]
name = "Comp"
max_stopped_session_length_in_minutes = 2880
[[studio.profile]]
name = "Lead"
max_stopped_session_length_in_minutes = 2880
[[studio.session]]
id = "comp-1"
profile = "Comp"
owner = "9067aaaa"
state = "READY"
created = "-3h"
tags = { "lightsout:keep-until" = "2026-11-22T08:00:00Z" }
[[studio.session]]
id = "comp-2"
profile = "Comp"
owner = "9067bbbb"
state = "READY"
created = "-3h"
tags = { "lightsout:keep" = "it renders" }
[[studio.session]]
id = "comp-3"
profile = "Comp"
owner = "9067bbbb"
state = "READY"
created = "-3h"
tags = { "lightsout:keep-until" = "Friday" }
[[studio.session]]
id = "comp-4"
profile = "Comp"
owner = "9067bbbb"
state = "READY"
created = "-3h"
tags = { "lightsout:keep-until" = "2026-11-20T08:00:00Z" }
[[studio.session]]
id = "lead-1"
profile = "Lead"
owner = "9067cccc"
state = "READY"
created = "-3h"
tags = { "lightsout:keep" = "always" }
"#;

fn told(session: &str, until: Option<&str>, note: &str) -> Record {
    let data = Data {
        studio: Some(STUDIO.to_owned()),
        session: Some(session.to_owned()),
        who: Some("ada".to_owned()),
        action: Some("keep".to_owned()),
        until: until.map(|until| until.parse().unwrap()),
        note: Some(note.to_owned()),
        ..Data::default()
    };
    let time = "2026-11-20T09:00:00Z".parse().unwrap();
    Record { time, kind: Kind::OperatorAccepted, subject: String::new(), data }
}

fn printed() -> Printed {
    let now: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
    let policy = crate::config::parse("policy.toml", POLICY, Path::new("")).unwrap().policy;
    let world = worldfile::parse(WORLD, "world.toml", now).unwrap().world;
    let clock: Arc<dyn Clock> = Arc::new(SimulatedClock::new(now));
    let direct = Direct::new(STUDIO.into(), Arc::new(Mutex::new(world)), clock, "AROATEST:one");
    let snapshot = direct.observe().now_or_never().unwrap();
    let mut asked = Keeps::default();
    asked.apply(&told("comp-1", Some("2026-11-22T08:00:00Z"), "the trailer"));
    // The tag was set in another way since.
    asked.apply(&told("comp-2", None, "the teaser"));
    let mut printed = Printed { at: now, keeps: vec![], rules: vec![], gaps: vec![] };
    printed.add(&policy, &policy.studios[&STUDIO.into()], &snapshot, &asked);
    printed
}

#[test]
fn a_table_says_who_keeps_what_until_when_and_why() {
    let printed = printed();
    let mut table = table(&printed.keeps);
    table.set_width(120);
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let rules: Vec<String> = printed.rules.iter().map(rule_line).collect();
    let text = format!("{}\n{}", lines.join("\n"), rules.join("\n"));
    insta::assert_snapshot!(text, @r#"
     SESSION  OWNER     STATE  SINCE              BY     UNTIL              REASON
     comp-1   Ada       READY  2026-11-20 09:00Z  ada    2026-11-22 08:00Z  the trailer
     comp-2   9067bbbb  READY  -                  a tag  it is taken away   it renders
     comp-3   9067bbbb  READY  -                  a tag  it is taken away   its tag lightsout:keep-until = "Friday" cannot
                                                                            be read, which counts as keep
     lead-1   9067cccc  READY  -                  a tag  it is taken away   -
    rule `leads` of Feature keeps 1 session
    rule `archive` of Feature keeps 0 sessions
    "#);
}

#[test]
fn programs_get_every_keep_with_what_the_log_tells_of_it() {
    let printed = printed();
    insta::assert_snapshot!(serde_json::to_string_pretty(&printed.keeps[0]).unwrap(), @r#"
    {
      "studio": "us-west-2:stid-EXAMPLE11111",
      "studio_name": "Feature",
      "session": "comp-1",
      "owner": "9067aaaa",
      "owner_name": "Ada",
      "state": "READY",
      "since": "2026-11-20T09:00:00Z",
      "by": "ada",
      "until": "2026-11-22T08:00:00Z",
      "note": "the trailer",
      "reason": "tag_keep_until",
      "text": "its tag keeps it until 2026-11-22 08:00Z",
      "alarm": false,
      "rule": null
    }
    "#);
    insta::assert_snapshot!(serde_json::to_string(&printed.rules).unwrap(), @r#"[{"studio":"us-west-2:stid-EXAMPLE11111","studio_name":"Feature","rule":"leads","sessions":1,"unclear":0},{"studio":"us-west-2:stid-EXAMPLE11111","studio_name":"Feature","rule":"archive","sessions":0,"unclear":0}]"#);
}

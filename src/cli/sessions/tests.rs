use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;

use super::*;
use crate::clock::{Clock, SimulatedClock};
use crate::plan::History;
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
"#;

const WORLD: &str = r#"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
account = "111122223333"
name = "feature"
[[studio.profile]]
name = "Comp"
max_session_length_in_minutes = 10080
max_stopped_session_length_in_minutes = 2880
[[studio.profile]]
name = "Archive"
[[studio.session]]
id = "comp-1"
profile = "Comp"
owner = "9067aaaa"
state = "READY"
created = "-30h"
tags = { show = "heron" }
[[studio.session]]
id = "comp-2"
profile = "Comp"
owner = "9067bbbb"
state = "STOPPED"
created = "-30h"
started = "-20h"
stopped = "-2h"
[[studio.session]]
id = "archive-1"
profile = "Archive"
owner = "9067bbbb"
instance_type = "x9.large"
state = "READY"
created = "-3h"
"#;

fn shown(filter: &Filter, sort: Sort) -> Printed {
    let now: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
    let policy = crate::config::parse("policy.toml", POLICY, Path::new("")).unwrap().policy;
    let world = worldfile::parse(WORLD, "world.toml", now).unwrap().world;
    let clock: Arc<dyn Clock> = Arc::new(SimulatedClock::new(now));
    let direct = Direct::new(STUDIO.into(), Arc::new(Mutex::new(world)), clock, "AROATEST:one");
    let snapshot = direct.observe().now_or_never().unwrap();
    let studio = &policy.studios[&STUDIO.into()];
    let plan = plan(&policy, studio, &snapshot, &History::default(), now);
    let wanted = filter.read(&policy.people).unwrap_or_else(|error| panic!("{error}"));
    let prices = Prices::new(&policy.prices);
    let mut sessions = rows(&policy, studio, &plan, &prices, |decision| {
        let session = &snapshot.sessions[&decision.session];
        wanted.takes(session, decision).then_some(session)
    });
    sort.order(&mut sessions);
    Printed { at: now, sessions, holds: Vec::new() }
}

fn ids(filter: &Filter, sort: Sort) -> Vec<String> {
    shown(filter, sort).sessions.into_iter().map(|row| row.session).collect()
}

#[test]
fn a_table_says_whose_a_session_is_what_becomes_of_it_and_what_it_has_cost() {
    let printed = shown(&Filter::default(), Sort::Next);
    let mut table = table(&printed.sessions, printed.at);
    table.set_width(120);
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let prices = Prices::new(&std::collections::BTreeMap::new());
    let text = format!("{}\n{}", lines.join("\n"), total(&printed.sessions, &prices));
    insta::assert_snapshot!(text, @"
     SESSION    OWNER     PROFILE  TYPE         STATE    UP   COST     VERDICT  REASON         NEXT
     archive-1  9067bbbb  Archive  x9.large     READY    3h   unknown  keep     not_stoppable  in 4h 30m, 2026-11-21 02:30Z
     comp-1     Ada       Comp     g4dn.xlarge  READY    30h  $15.78   keep     not_due        in 5h 45m, 2026-11-21 03:45Z
     comp-2     9067bbbb  Comp     g4dn.xlarge  STOPPED  -    -        keep     stopped        in 42h, 2026-11-22 16:00Z
    3 sessions, 2 of them running, whose runs have cost about $15.78 so far, by on-demand prices of 2026-01 or the policy's own; without 1 whose price is not known
    ");
}

#[test]
fn a_program_reads_every_member() {
    let filter = Filter { owner: vec!["Ada".to_owned()], ..Filter::default() };
    let printed = shown(&filter, Sort::Next);
    insta::assert_snapshot!(serde_json::to_string_pretty(&printed).unwrap(), @r#"
    {
      "at": "2026-11-20T22:00:00Z",
      "sessions": [
        {
          "studio": "us-west-2:stid-EXAMPLE11111",
          "studio_name": "Feature",
          "session": "comp-1",
          "owner": "9067aaaa",
          "owner_name": "Ada",
          "studio_role": "NONE",
          "launch_profile": "Rbv7_pZUz2B5e41RD8UmUn",
          "launch_profile_name": "Comp",
          "instance_type": "g4dn.xlarge",
          "state": "READY",
          "running_since": "2026-11-19T16:00:00Z",
          "uptime_seconds": 108000,
          "stopped_at": null,
          "verdict": "keep",
          "reason": "not_due",
          "text": "it is due at 2026-11-21 04:00Z: idle hours of schedule `nights`",
          "alarm": false,
          "mode": "observe",
          "due": "2026-11-21T04:00:00Z",
          "next_change": "2026-11-21T03:45:00Z",
          "kept_until": null,
          "run_cost_usd": 15.78,
          "tags": {
            "show": "heron"
          }
        }
      ],
      "holds": []
    }
    "#);
}

#[test]
fn every_option_narrows_and_a_name_stands_for_its_owner() {
    let one = |text: &str| vec![text.to_owned()];
    let all = || Filter::default();
    let found = |filter: Filter| ids(&filter, Sort::State);
    assert_eq!(found(Filter { owner: one("A?a"), ..all() }), ["comp-1"]);
    assert_eq!(found(Filter { owner: one("9067b*"), ..all() }), ["archive-1", "comp-2"]);
    assert_eq!(found(Filter { profile: one("Arch*"), ..all() }), ["archive-1"]);
    assert_eq!(found(Filter { state: one("stopped"), ..all() }), ["comp-2"]);
    assert_eq!(found(Filter { instance_type: one("x9.*"), ..all() }), ["archive-1"]);
    let show = |value: &str| vec![("show".to_owned(), value.to_owned())];
    assert_eq!(found(Filter { tag: show("he*"), ..all() }), ["comp-1"]);
    assert_eq!(found(Filter { tag: show("crane"), ..all() }), [""; 0]);
    assert_eq!(found(Filter { reason: one("not_stoppable"), ..all() }), ["archive-1"]);
    let both = Filter { owner: one("9067b*"), state: one("READY"), ..all() };
    assert_eq!(found(both), ["archive-1"]);
    assert!(Filter { verdict: one("halt"), ..all() }.read(&People::new()).is_err());
}

#[test]
fn whoever_has_nothing_to_sort_by_comes_last() {
    let all = Filter::default();
    assert_eq!(ids(&all, Sort::Uptime), ["comp-1", "archive-1", "comp-2"]);
    assert_eq!(ids(&all, Sort::Cost), ["comp-1", "archive-1", "comp-2"]);
    assert_eq!(ids(&all, Sort::Profile), ["archive-1", "comp-1", "comp-2"]);
    assert_eq!(ids(&all, Sort::Owner), ["archive-1", "comp-2", "comp-1"]);
}

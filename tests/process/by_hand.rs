//! What people do to sessions by hand: asked, recorded, called.

use lightsout::sandbox::world::{Member, MembersOf, Operation, Persona, Session};
use lightsout::sandbox::{Fault, FaultRule};

use crate::house::{Finished, House, STUDIO, Watched, always_due, now, text};

/// A studio in which the daemon does nothing by itself.
fn observed(sandbox: &Watched) -> House {
    House::new(&always_due(&sandbox.endpoint).replace("\"enforce\"", "\"observe\""))
}

fn by_ada(house: &House, arguments: &[&str]) -> Finished {
    house.run(&[arguments, &["--as", "ada", "--yes"]].concat())
}

/// The steps that the log has, each as its kind and its action.
fn steps(house: &House) -> Vec<(String, String)> {
    let records = house.records().into_iter();
    let steps = records.filter(|record| text(record, "type").starts_with("lightsout.operator."));
    let step = |record: serde_json::Value| {
        assert_eq!(text(&record["data"], "who"), "ada");
        (text(&record, "type").to_owned(), text(&record["data"], "action").to_owned())
    };
    steps.map(step).collect()
}

fn tags(sandbox: &Watched, session: &str) -> Vec<String> {
    let mut world = sandbox.world.lock().unwrap();
    let session = world.session(STUDIO, session, now()).unwrap();
    session.tags.keys().cloned().collect()
}

#[test]
fn a_stop_by_hand_is_waited_for_and_is_not_ours() {
    let sandbox = Watched::small();
    let house = observed(&sandbox);
    let stopped = by_ada(&house, &["stop", "one", "--reason", "the fan is loud"]);
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    let lines: Vec<&str> = stopped.stdout.lines().collect();
    assert!(lines[0].contains("/one: of nobody known, Persistent, READY since "), "{lines:?}");
    assert!(lines[1].ends_with("/one: STOPPED"), "{lines:?}");
    assert_eq!(sandbox.effects(), ["one"]);
    let kinds = steps(&house);
    let expected = ["lightsout.operator.intended", "lightsout.operator.accepted"];
    assert_eq!(kinds, expected.map(|kind| (kind.to_owned(), "stop".to_owned())));
    let intended = &house.records_of("operator.intended")[0]["data"];
    assert_eq!((text(intended, "note"), text(intended, "session")), ("the fan is loud", "one"));
    house.assert_log_is_whole();
    // The daemon that comes later does not think that it was itself, and so would not start it again.
    let plan = house.json(&["plan"]);
    let rows = plan["decisions"].as_array().unwrap();
    let one = rows.iter().find(|row| row["session"] == "one").unwrap();
    assert_eq!((text(one, "verdict"), text(one, "state")), ("keep", "STOPPED"));
    let started = by_ada(&house, &["start", &format!("{STUDIO}/one"), "--no-wait"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    assert_eq!(sandbox.effects(), ["one", "one"]);
}

#[test]
fn nothing_is_done_that_was_not_confirmed_or_cannot_be() {
    let sandbox = Watched::small();
    let house = observed(&sandbox);
    let cases: &[(&[&str], i32, &str)] = &[
        (&["stop", "one", "--as", "ada"], 2, "say --yes"),
        (&["stop", "one", "--as", "ada", "--dry-run"], 0, ""),
        (&["stop", "one", "forbidden", "--as", "ada", "--yes"], 1, "does not permit stopping"),
        (&["stop", "nine", "--as", "ada", "--yes"], 1, "there is no session \"nine\""),
        (&["start", "one", "--as", "ada", "--yes"], 1, "only a STOPPED session"),
        (&["unkeep", "one", "--as", "ada", "--yes"], 1, "no tag keeps it"),
        (&["keep", "one", "--as", "ada", "--yes"], 2, "--until"),
        (&["keep", "one", "--until", "-2h", "--as", "ada", "--yes"], 2, ""),
    ];
    for (arguments, code, words) in cases {
        let finished = house.run(arguments);
        assert_eq!(finished.code, Some(*code), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(words), "{arguments:?}: {}", finished.stderr);
    }
    assert_eq!((sandbox.changing_requests(), sandbox.effects()), (0, vec![]));
    assert!(!house.log().exists());
}

#[test]
fn a_keep_stands_until_it_is_taken_away() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let kept = by_ada(&house, &["keep", "one", "two", "--for", "2d"]);
    assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    assert_eq!(tags(&sandbox, "one"), ["lightsout:keep-until"]);
    let until = text(&house.records_of("operator.intended")[0]["data"], "until").to_owned();
    assert!(until.ends_with('Z'), "{until}");
    let plan = house.json(&["plan"]);
    let reasons: Vec<&str> =
        plan["decisions"].as_array().unwrap().iter().map(|row| text(row, "reason")).collect();
    assert_eq!(reasons, ["not_stoppable", "tag_keep_until", "tag_keep_until"]);
    assert_eq!(by_ada(&house, &["keep", "one", "--always"]).code, Some(0));
    assert_eq!(tags(&sandbox, "one"), ["lightsout:keep"]);
    assert_eq!(by_ada(&house, &["unkeep", "one", "two"]).code, Some(0));
    assert_eq!((tags(&sandbox, "one"), tags(&sandbox, "two")), (vec![], vec![]));
    // What was taken away can be put back by the log.
    let notes = house.records_of("operator.intended").into_iter();
    let notes: Vec<_> =
        notes.map(|record| record["data"]["note"].as_str().map(String::from)).collect();
    let until = format!("it had lightsout:keep-until = {until:?}");
    let always = "it had lightsout:keep = \"always\"";
    let always = Some(always.to_owned());
    assert_eq!(notes, [None, None, Some(until.clone()), always, Some(until)]);
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    house.assert_log_is_whole();
}

#[test]
fn while_a_daemon_writes_the_log_it_records_what_is_done_by_hand() {
    let sandbox = Watched::small();
    let house = observed(&sandbox);
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");
    let kept = by_ada(&house, &["keep", "one", "--always", "--reason", "it renders"]);
    assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    assert_eq!(tags(&sandbox, "one"), ["lightsout:keep"]);
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    let expected = ["lightsout.operator.intended", "lightsout.operator.accepted"];
    assert_eq!(steps(&house), expected.map(|kind| (kind.to_owned(), "keep".to_owned())));
    house.assert_log_is_whole();
}

#[test]
fn what_a_person_was_shown_is_what_is_called_or_nothing_is() {
    let sandbox = Watched::small();
    let house = observed(&sandbox);
    let of_ada = |session: &mut Session| session.owned_by = Some("9067aaaa".to_owned());
    sandbox.world.lock().unwrap().amend_session(STUDIO, "one", now(), of_ada).unwrap();
    // An artist comes back while the person looks at what was shown.
    let race = FaultRule::new(Fault::RestartRace).operation(Operation::GetStreamingSession);
    sandbox.faults.add(race.times(1));
    let stopped = by_ada(&house, &["stop", "one", "--no-wait"]);
    assert_eq!(stopped.code, Some(1), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("another look"), "{}", stopped.stderr);
    assert_eq!(sandbox.effects(), [""; 0]);
    let rejected = &house.records_of("operator.rejected")[0]["data"];
    assert_eq!(text(&rejected["error"], "problem"), "not_asked");
}

#[test]
fn a_keep_that_is_half_done_is_not_recorded_as_without_effect() {
    let sandbox = Watched::small();
    let house = observed(&sandbox);
    assert_eq!(by_ada(&house, &["keep", "one", "--for", "2d"]).code, Some(0));
    sandbox.faults.add(FaultRule::new(Fault::Denied).operation(Operation::UntagResource));
    let kept = by_ada(&house, &["keep", "one", "--always"]);
    assert_eq!(kept.code, Some(1), "{}", kept.stderr);
    assert!(kept.stderr.contains("it is half done"), "{}", kept.stderr);
    assert_eq!(tags(&sandbox, "one"), ["lightsout:keep", "lightsout:keep-until"]);
    // Taken away alone, nothing was done.
    assert_eq!(by_ada(&house, &["unkeep", "one"]).code, Some(1));
    let ends: Vec<String> = steps(&house).into_iter().map(|(kind, _)| kind).collect();
    let ends: Vec<&str> = ends.iter().map(|kind| kind.rsplit('.').next().unwrap()).collect();
    let expected = ["intended", "accepted", "intended", "unanswered", "intended", "rejected"];
    assert_eq!(ends, expected);
}

#[test]
fn many_are_kept_at_once_told_of_and_let_go() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    for session in ["one", "two"] {
        let tag = |session: &mut Session| {
            session.tags.insert("show".to_owned(), "heron".to_owned());
        };
        sandbox.world.lock().unwrap().amend_session(STUDIO, session, now(), tag).unwrap();
    }
    let keep = ["keep", "--match", "tag:show=heron", "--for", "2d", "--reason", "the trailer"];
    // Shown, and nothing done.
    let shown = house.run(&[&keep[..], &["--as", "ada", "--dry-run"]].concat());
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert_eq!(shown.stdout.lines().filter(|line| line.starts_with("keep ")).count(), 2);
    let narrow = by_ada(&house, &[&keep[..], &["--at-most", "1"]].concat());
    assert_eq!(narrow.code, Some(2), "{}", narrow.stderr);
    assert!(narrow.stderr.contains("say --at-most 2"), "{}", narrow.stderr);
    let nobody = by_ada(&house, &["unkeep", "--match", "tag:show=heron"]);
    assert!(nobody.stderr.contains("no session agrees"), "{}", nobody.stderr);
    assert!(!house.log().exists());
    let kept = by_ada(&house, &keep);
    assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    assert_eq!(house.records_of("operator.accepted").len(), 2);
    // One whose tag is set in another way, of which the log knows nothing.
    let tagged = |session: &mut Session| {
        session.tags.insert("lightsout:keep".to_owned(), "it renders".to_owned());
    };
    sandbox.world.lock().unwrap().amend_session(STUDIO, "forbidden", now(), tagged).unwrap();
    let keeps = house.json(&["keeps"]);
    let of = |session: &str| {
        let rows = keeps["keeps"].as_array().unwrap();
        rows.iter().find(|row| row["session"] == session).unwrap().clone()
    };
    assert_eq!((text(&of("one"), "by"), text(&of("two"), "note")), ("ada", "the trailer"));
    assert!(of("one")["since"].is_string() && of("one")["until"].is_string());
    assert_eq!(text(&of("forbidden"), "note"), "it renders");
    assert!(of("forbidden")["by"].is_null());
    let gone = by_ada(&house, &["unkeep", "--match", "state=READY", "--match", "session=t*"]);
    assert_eq!(gone.code, Some(0), "{}", gone.stderr);
    assert_eq!((tags(&sandbox, "one").len(), tags(&sandbox, "two").len()), (2, 1));
    let table = house.run(&["keeps"]);
    assert_eq!(table.stdout.lines().count(), 3, "{}", table.stdout);
    house.assert_log_is_whole();
}

#[test]
fn at_a_terminal_it_is_asked_once_for_all_that_agree_and_only_yes_is_yes() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let keep = ["keep", "--match", "state=READY", "--for", "2d", "--as", "ada"];
    const END_OF_INPUT: &str = "\u{4}";
    for typed in ["\n", "n\n", "yess\n", END_OF_INPUT] {
        let asked = house.run_at_terminal(&keep, typed);
        assert_eq!(asked.code, Some(1), "{typed:?}: {}", asked.stderr);
        let question = asked.stderr.lines().next().unwrap_or_default();
        assert!(question.contains("[y/N]"), "{typed:?}: {}", asked.stderr);
        assert!(asked.stderr.contains("nothing was done"), "{typed:?}: {}", asked.stderr);
        // Whoever is asked sees what it is about.
        for session in ["one", "two", "forbidden"] {
            assert!(asked.stdout.contains(session), "{}", asked.stdout);
        }
    }
    assert_eq!(sandbox.changing_requests(), 0);
    assert!(!house.log().exists());
    let kept = house.run_at_terminal(&keep, "Yes\n");
    assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    assert_eq!(kept.stderr.matches("[y/N]").count(), 1, "{}", kept.stderr);
    assert_eq!(house.records_of("operator.accepted").len(), 3);
    assert_eq!(tags(&sandbox, "two"), ["lightsout:keep-until"]);
    house.assert_log_is_whole();
}

#[test]
fn a_keep_is_no_longer_than_the_policy_allows() {
    let sandbox = Watched::small();
    let policy = always_due(&sandbox.endpoint);
    let house = House::new(&policy.replace("[[studio]]", "[[studio]]\nkeep_max = \"2d\""));
    for wrong in [&["--for", "3d"][..], &["--always"]] {
        let refused = by_ada(&house, &[&["keep", "one"][..], wrong].concat());
        assert_eq!(refused.code, Some(1), "{}", refused.stderr);
        assert!(refused.stderr.contains("say --for 2d"), "{}", refused.stderr);
    }
    assert_eq!((sandbox.changing_requests(), house.log().exists()), (0, false));
    assert_eq!(by_ada(&house, &["keep", "one", "--for", "2d"]).code, Some(0));
    // Whoever tags it by other means is followed, and told of.
    let tagged = |session: &mut Session| {
        session.tags.insert("lightsout:keep".to_owned(), "always".to_owned());
    };
    sandbox.world.lock().unwrap().amend_session(STUDIO, "two", now(), tagged).unwrap();
    let before = sandbox.effects();
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    assert_eq!(sandbox.effects(), before);
    let alarms = house.records_of("session.decided").into_iter();
    let alarm = alarms.filter(|record| record["data"]["reason"]["code"] == "keep_too_long");
    assert_eq!(alarm.map(|r| text(&r["data"], "session").to_owned()).collect::<Vec<_>>(), ["two"]);
}

#[test]
fn a_rule_goes_by_what_an_owner_is_in_the_studio() {
    let sandbox = Watched::small();
    let rule = "\n[[studio.rule]]\nname = \"admins\"\nmatch = { studio_role = \"ADMINISTRATOR\" }\nkeep = true\n";
    let house = House::new(&format!("{}{rule}", always_due(&sandbox.endpoint)));
    let mut world = sandbox.world.lock().unwrap();
    let of = MembersOf { studio: STUDIO, launch_profile: None };
    let ada = Member {
        principal_id: "9067aaaa".to_owned(),
        identity_store_id: "d-1".to_owned(),
        persona: Persona::Administrator,
        sid: None,
    };
    world.add_member(of, ada).unwrap();
    for (session, owner) in [("one", "9067aaaa"), ("two", "9067bbbb")] {
        let owned = |session: &mut Session| session.owned_by = Some(owner.to_owned());
        world.amend_session(STUDIO, session, now(), owned).unwrap();
    }
    drop(world);
    let plan = house.json(&["plan"]);
    let reason = |session: &str| {
        let rows = plan["decisions"].as_array().unwrap();
        text(rows.iter().find(|row| row["session"] == session).unwrap(), "reason").to_owned()
    };
    assert_eq!((reason("one"), reason("two")), ("rule_keep".to_owned(), "max_uptime".to_owned()));
    // Whose owner is not known may be an administrator's.
    assert_eq!(reason("forbidden"), "rule_unclear");
    let explained = house.run(&["explain", "two"]);
    let said =
        "rule `admins` does not match: owner's studio role is \"NONE\", not \"ADMINISTRATOR\"";
    assert!(explained.stdout.contains(said), "{}", explained.stdout);
    let rules = &house.json(&["keeps"])["rules"][0];
    assert_eq!((rules["sessions"].as_u64(), rules["unclear"].as_u64()), (Some(1), Some(1)));
    // The stop is made upon a reading that has the role too.
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    assert_eq!(sandbox.effects(), ["two"]);
    let list = FaultRule::new(Fault::Denied).operation(Operation::ListStudioMembers);
    sandbox.faults.add(list);
    let held =
        serde_json::from_str::<serde_json::Value>(&house.run(&["plan", "--format", "json"]).stdout)
            .unwrap();
    let first = &held["decisions"][0];
    assert_eq!(text(first, "reason"), "listing_incomplete", "{held:#}");
}

#[test]
fn beside_a_daemon_that_writes_another_log_nothing_is_done() {
    let sandbox = Watched::small();
    let house = House::paused(&sandbox.endpoint);
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");
    let policy = std::fs::read_to_string(house.config()).unwrap();
    let other = policy.replace("audit.jsonl", "other.jsonl");
    assert_ne!(policy, other);
    house.write(&other);
    let refused = house.run(&["stop", "one", "--as", "ada", "--yes", "--no-wait"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("does not write the audit log"), "{}", refused.stderr);
    assert_eq!((sandbox.changing_requests(), sandbox.effects()), (0, vec![]));
}

/// Nobody means what could not be shown.
#[test]
fn where_it_cannot_be_shown_what_is_to_be_done_nothing_is() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let full = ["sh", "-c", "exec \"$0\" \"$@\" > /dev/full"];
    let stop = ["stop", "one", "--as", "ada", "--yes", "--no-wait"];
    let refused = house.start_through(&full, &stop).finish();
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("failed printing to stdout"), "{}", refused.stderr);
    assert_eq!((sandbox.changing_requests(), sandbox.effects()), (0, vec![]));
}

//! What people do to sessions by hand: asked, recorded, called.

use lightsout::sandbox::world::{Operation, Session};
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

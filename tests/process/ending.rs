//! How the program ends, is ended, and goes on afterwards.

use jiff::{SignedDuration, Timestamp};
use lightsout::sandbox::world::Operation;
use lightsout::sandbox::{Fault, FaultRule};

use crate::house::{House, Watched, now, text};

fn on_stop(fault: Fault) -> FaultRule {
    FaultRule::new(fault).operation(Operation::StopStreamingSession)
}

#[test]
fn sigterm_during_calls_ends_in_order() {
    let sandbox = Watched::small();
    sandbox.faults.add(on_stop(Fault::Silence));
    let house = House::always_due(&sandbox.endpoint);
    let daemon = house.start(&["run"]);
    sandbox.wait_for_silences(2);
    let told = now();
    daemon.signal("TERM");
    let ended = daemon.finish();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
    let records = house.records();
    let (last, before) = records.split_last().unwrap();
    assert_eq!(text(last, "type"), "lightsout.daemon.stopped");
    // It gives calls eight seconds, as the tests in simulated time see exactly; a machine that is
    // busy may need some more.
    let stopped: Timestamp = text(last, "time").parse().unwrap();
    assert!(told.duration_until(stopped) < SignedDuration::from_secs(20), "{told} to {stopped}");
    let unanswered =
        before.iter().filter(|record| text(record, "type") == "lightsout.stop.unanswered").count();
    assert_eq!(unanswered, 2);
    assert_eq!(sandbox.effects(), [""; 0]);
    house.assert_log_is_whole();
}

#[test]
fn after_sigkill_in_the_middle_of_calls_each_decision_has_one_effect() {
    let sandbox = Watched::small();
    // One stop has its effect and loses its answer; the other is in flight.
    sandbox.faults.add(on_stop(Fault::LostAnswer).times(1));
    sandbox.faults.add(on_stop(Fault::Silence));
    let house = House::always_due(&sandbox.endpoint);
    let mut daemon = house.start(&["run"]);
    sandbox.wait_for_silences(1);
    daemon.wait_for("nobody knows whether it was stopped");
    assert_eq!(sandbox.effects().len(), 1);
    daemon.signal("KILL");
    assert_eq!(daemon.finish().code, None);
    assert_eq!(house.records_of("stop.intended").len(), 2);

    sandbox.faults.clear();
    let run = house.run(&["run", "--once"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let mut effects = sandbox.effects();
    effects.sort_unstable();
    assert_eq!(effects, ["one", "two"]);
    assert_eq!(house.records_of("stop.proven").len(), 2);
    sandbox.assert_requests_are_valid();
    house.assert_log_is_whole();
}

#[test]
fn after_sigkill_before_any_effect_the_stops_are_made_good() {
    let sandbox = Watched::small();
    sandbox.faults.add(on_stop(Fault::Silence));
    let house = House::always_due(&sandbox.endpoint);
    let daemon = house.start(&["run"]);
    sandbox.wait_for_silences(2);
    daemon.signal("KILL");
    daemon.finish();

    sandbox.faults.clear();
    let run = house.run(&["run", "--once"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(sandbox.effects(), ["one", "two"]);
    let tokens = |kind: &str| {
        let records = house.records_of(kind);
        let tokens = records.iter().map(|record| text(&record["data"], "client_token").to_owned());
        tokens.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(tokens("stop.intended").len(), 2, "the second attempt has the token of the first");
    assert_eq!(tokens("stop.proven"), tokens("stop.intended"));
    house.assert_log_is_whole();
}

#[test]
fn a_second_daemon_on_the_same_state_or_the_same_log_does_not_start() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let mut first = house.start(&["--log", "debug", "run"]);
    first.wait_for("scanned");
    let policy = std::fs::read_to_string(house.config()).unwrap();
    for (change, complaint) in [
        (("", ""), "runs with the state directory"),
        (
            ("state_dir = \"state\"", "state_dir = \"other\""),
            "another process is writing the audit log",
        ),
    ] {
        house.write(&policy.replace(change.0, change.1));
        let second = house.run(&["run", "--once"]);
        assert_eq!((second.code, second.stdout.as_str()), (Some(1), ""));
        assert!(second.stderr.contains(complaint), "{}", second.stderr);
    }
    house.write(&policy);
    first.signal("TERM");
    assert_eq!(first.finish().code, Some(0));
    house.assert_log_is_whole();
}

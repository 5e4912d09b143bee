//! The shipped policy against the shipped sandbox: the plan, the run, and the log say the same.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::house::{House, Watched, now, sandbox_process, text};

/// How often a plan may be overtaken by the time before the test gives up.
const TRIES: usize = 4;

/// What a decision is: verdict and reason code, by session.
type Decisions = BTreeMap<String, (String, String)>;

fn rows(plan: &Value) -> &Vec<Value> {
    plan["decisions"].as_array().unwrap()
}

fn decisions(plan: &Value) -> Decisions {
    let row = |row: &Value| {
        let decision = (text(row, "verdict").to_owned(), text(row, "reason").to_owned());
        (text(row, "session").to_owned(), decision)
    };
    rows(plan).iter().map(row).collect()
}

fn sessions_with(decisions: &Decisions, wanted: impl Fn(&str, &str) -> bool) -> BTreeSet<String> {
    let found = decisions.iter().filter(|(_, (verdict, reason))| wanted(verdict, reason));
    found.map(|(session, _)| session.clone()).collect()
}

fn states(plan: &Value) -> BTreeMap<String, String> {
    let row = |row: &Value| (text(row, "session").to_owned(), text(row, "state").to_owned());
    rows(plan).iter().map(row).collect()
}

/// What the log says was decided.
fn decided(house: &House) -> Decisions {
    let decision = |record: &Value| {
        let data = &record["data"];
        let reason = text(&data["reason"], "code").to_owned();
        (text(data, "session").to_owned(), (text(data, "verdict").to_owned(), reason))
    };
    house.records_of("session.decided").iter().map(decision).collect()
}

/// Whether a decision has an instant of change that is over.
fn is_overtaken(plan: &Value) -> bool {
    let changes = rows(plan).iter().filter_map(|row| row["next_change"].as_str());
    let first = changes.map(|at| at.parse::<Timestamp>().unwrap()).min();
    first.is_some_and(|first| first <= now())
}

/// Plans and then runs once. Answers with the plan, if the time has not made another of it: by an
/// instant that it names, or because a session that was on its way has arrived.
fn plan_and_run(house: &House) -> Option<Value> {
    let plan = house.json(&["plan"]);
    let run = house.run(&["run", "--once"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    let (planned, decided) = (decisions(&plan), decided(house));
    let on_its_way = sessions_with(&planned, |_, reason| reason == "transitional");
    let has_arrived = on_its_way.iter().any(|session| decided[session] != planned[session]);
    (!is_overtaken(&plan) && !has_arrived).then_some(plan)
}

fn sessions_of(records: &[Value]) -> BTreeSet<String> {
    records.iter().map(|record| text(&record["data"], "session").to_owned()).collect()
}

#[test]
fn exactly_what_the_plan_says_is_stopped_and_the_log_says_it_too() {
    let tried = (0..TRIES).find_map(|_| {
        let (sandbox, endpoint) = sandbox_process();
        let house = House::of_the_example(&endpoint);
        plan_and_run(&house).map(|plan| (sandbox, house, plan))
    });
    let (_sandbox, house, plan) = tried.expect("every plan was overtaken by the time");
    let planned = decisions(&plan);
    let to_stop = sessions_with(&planned, |verdict, _| verdict == "stop");
    assert!(!to_stop.is_empty(), "{planned:?}");

    // What was READY and is STOPPED now is what was to be stopped.
    let (before, after) = (states(&plan), states(&house.json(&["plan"])));
    let stopped = after.iter().filter(|(id, state)| *state == "STOPPED" && before[*id] == "READY");
    assert_eq!(stopped.map(|(id, _)| id.clone()).collect::<BTreeSet<_>>(), to_stop);
    for session in before.keys().filter(|id| before[*id] == "READY" && !to_stop.contains(*id)) {
        assert_eq!(after[session], "READY", "{session}");
    }

    // The log has the same sessions with the same reasons.
    assert_eq!(decided(&house), planned);
    for kind in ["stop.intended", "stop.accepted", "stop.proven"] {
        let records = house.records_of(kind);
        assert_eq!(sessions_of(&records), to_stop, "{kind}");
        assert_eq!(records.len(), to_stop.len(), "{kind}");
    }
    for record in house.records_of("stop.intended") {
        let data = &record["data"];
        assert_eq!(text(&data["reason"], "code"), planned[text(data, "session")].1);
    }
    house.assert_log_is_whole();
}

#[test]
fn what_forbids_stopping_gets_no_call_and_a_second_run_changes_nothing() {
    let tried = (0..TRIES).find_map(|_| {
        let sandbox = Watched::shipped();
        let house = House::of_the_example(&sandbox.endpoint);
        let plan = plan_and_run(&house)?;
        let first = sandbox.changing_requests();
        let second = house.run(&["run", "--once"]);
        let is_due_since = is_overtaken(&plan) || is_overtaken(&house.json(&["plan"]));
        (!is_due_since).then_some((sandbox, house, plan, first, second))
    });
    let (sandbox, house, plan, first, second) = tried.expect("time overtook every plan");
    let planned = decisions(&plan);
    let to_stop = sessions_with(&planned, |verdict, _| verdict == "stop");
    let forbidding = sessions_with(&planned, |_, reason| reason == "not_stoppable");
    assert!(!forbidding.is_empty());
    let asked: BTreeSet<String> =
        sandbox.requests.recent().into_iter().filter_map(|request| request.session).collect();
    assert_eq!(asked, to_stop, "only what is to be stopped is asked about by name");
    assert_eq!(sandbox.effects(), to_stop.into_iter().collect::<Vec<_>>());

    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert_eq!(sandbox.changing_requests(), first);
    sandbox.assert_requests_are_valid();
    house.assert_log_is_whole();
}

//! `lightsout doctor`: what is well, what is not, and that looking disturbs nobody.

use std::fs::{self, File};

use jiff::SignedDuration;
use lightsout::sandbox::world::Operation;
use lightsout::sandbox::{Fault, FaultRule};
use serde_json::Value;

use crate::house::{Finished, House, STUDIO, Watched, always_due, text};

/// What it found, and how it ended.
struct Report {
    code: Option<i32>,
    findings: Vec<Value>,
}

impl Report {
    /// State and words of what was found about something.
    #[track_caller]
    fn about(&self, what: &str) -> (&str, &str) {
        let ends = |finding: &&Value| text(finding, "about").ends_with(what);
        let finding = self.findings.iter().find(ends);
        let finding =
            finding.unwrap_or_else(|| panic!("nothing about {what}: {:?}", self.findings));
        (text(finding, "state"), text(finding, "found"))
    }

    #[track_caller]
    fn assert_failed(&self, what: &str, words: &str) {
        let (state, found) = self.about(what);
        assert_eq!(state, "failed", "{found}");
        assert!(found.contains(words), "{found}");
        assert_eq!(self.code, Some(1));
    }

    /// What is neither well nor only this machine's own business.
    fn unwell(&self) -> Vec<&str> {
        let machine = ["time zones", "state directory", "audit directory"];
        let about = |finding: &&Value| text(finding, "state") != "ok";
        let found = self.findings.iter().filter(about).map(|finding| text(finding, "about"));
        found.filter(|about| !machine.contains(about)).collect()
    }
}

fn report(finished: &Finished) -> Report {
    let printed: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(printed["ok"], finished.code == Some(0), "{printed}");
    Report { code: finished.code, findings: printed["findings"].as_array().unwrap().clone() }
}

fn examined(house: &House) -> Report {
    report(&house.run(&["doctor", "--format", "json"]))
}

fn files(house: &House) -> Vec<String> {
    let directory = house.config().parent().unwrap().to_owned();
    let of = |directory: std::path::PathBuf| {
        let entries = fs::read_dir(directory).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path().display().to_string()).collect::<Vec<_>>()
    };
    let mut files = [of(directory), of(house.state())].concat();
    files.sort();
    files
}

#[test]
fn where_all_is_well_it_says_so_and_nothing_is_changed() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    let (before, changing) = (files(&house), sandbox.changing_requests());
    let log = fs::read(house.log()).unwrap();
    let report = examined(&house);
    assert_eq!((report.code, report.unwell()), (Some(0), vec![]), "{:?}", report.findings);
    assert_eq!(report.about("account"), ("ok", "111122223333, as the policy says"));
    assert_eq!(report.about("clock").0, "ok");
    let (_, read) = report.about("may read");
    assert_eq!(
        read,
        "tried, and answered: GetStudio, ListLaunchProfiles, ListStreamingSessions, GetLaunchProfile, \
         GetStreamingSession"
    );
    let (_, changed) = report.about("may change");
    assert!(changed.starts_with("by the log, StopStreamingSession was taken at "), "{changed}");
    assert_eq!(report.about("daemon"), ("ok", "none runs with this state directory"));
    assert!(report.about("audit log").1.contains(": whole up to "));
    assert_eq!((files(&house), sandbox.changing_requests()), (before, changing));
    assert_eq!(fs::read(house.log()).unwrap(), log);
    sandbox.assert_requests_are_valid();
}

#[test]
fn before_the_first_start_it_says_what_is_not_known_yet_and_makes_nothing() {
    let sandbox = Watched::small();
    let policy = always_due(&sandbox.endpoint)
        .replace("[[studio]]", "[[studio]]\nstart = \"resume\"")
        .replace("account = \"111122223333\"\n", "");
    let house = House::new(&policy);
    let report = examined(&house);
    assert_eq!(report.code, Some(0), "{:?}", report.findings);
    assert_eq!(report.about("state directory").0, "warning");
    assert_eq!(report.about("audit log").0, "ok");
    let (state, found) = report.about("may change");
    let calls = "StopStreamingSession, StartStreamingSession, TagResource";
    let expected = format!("not tried, since it cannot be harmlessly: {calls}");
    assert_eq!((state, found), ("warning", expected.as_str()));
    let (state, found) = report.about("account");
    assert_eq!(state, "warning");
    assert_eq!(found, "account 111122223333 answers, and the policy names none");
    assert_eq!((sandbox.changing_requests(), house.state().exists()), (0, false));
    assert_eq!(files(&house), [house.config().display().to_string()]);
    let table = house.run(&["doctor"]);
    assert_eq!(table.code, Some(0));
    assert!(table.stdout.contains("lightsout iam enforce"), "{}", table.stdout);
}

#[test]
fn another_account_that_answers_is_a_failure() {
    let sandbox = Watched::small();
    let house = House::new(&always_due(&sandbox.endpoint).replace("111122223333", "999999999999"));
    let words = "account 111122223333 answers, and the policy says 999999999999";
    examined(&house).assert_failed("account", words);
}

#[test]
fn what_is_denied_is_named_as_far_as_it_may_be_tried() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    for operation in [Operation::ListStreamingSessions, Operation::GetStudio] {
        sandbox.faults.add(FaultRule::new(Fault::Denied).operation(operation));
    }
    let report = examined(&house);
    report.assert_failed("may read", "denied: GetStudio, ListStreamingSessions");
    // The launch profiles still say whose they are.
    assert_eq!(report.about("account").0, "ok");
    sandbox.faults.clear();
    sandbox.faults.add(FaultRule::new(Fault::Denied).operation(Operation::StopStreamingSession));
    assert_eq!(house.run(&["run", "--once"]).code, Some(1));
    let changing = sandbox.changing_requests();
    examined(&house).assert_failed("may change", "StopStreamingSession was denied at ");
    assert_eq!(sandbox.changing_requests(), changing);
}

#[test]
fn clocks_that_are_apart_are_a_failure_and_a_little_is_a_warning() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    for (minutes, state, words) in
        [(60, "failed", " s behind the service's"), (1, "warning", " s behind the service's")]
    {
        let by = SignedDuration::from_mins(minutes);
        sandbox.faults.add(FaultRule::new(Fault::ClockSkew { by }));
        let report = examined(&house);
        let (found_state, found) = report.about("clock");
        assert_eq!(found_state, state, "{found}");
        assert!(found.ends_with(words), "{found}");
        assert_eq!(report.code, Some(i32::from(state == "failed")));
        sandbox.faults.clear();
    }
}

#[test]
fn a_service_that_is_not_there_or_silent_or_without_that_studio_is_a_failure() {
    let sandbox = Watched::small();
    let nowhere = House::always_due("http://127.0.0.1:9");
    examined(&nowhere).assert_failed("service", "there was no connection");
    let offline = nowhere.run(&["doctor", "--offline", "--format", "json"]);
    assert_eq!(offline.code, Some(0), "{}", offline.stdout);
    let unknown = House::new(&always_due(&sandbox.endpoint).replace("11111\"", "99999\""));
    examined(&unknown).assert_failed("service", "it is not there");
    sandbox.faults.add(FaultRule::new(Fault::Silence));
    let house = House::always_due(&sandbox.endpoint);
    examined(&house).assert_failed("service", "there was no answer in time");
}

/// Not even root may make a file there.
#[test]
fn a_directory_in_which_nothing_can_be_kept_is_a_failure() {
    let sandbox = Watched::small();
    let policy = always_due(&sandbox.endpoint);
    for (path, words) in [
        ("/proc/sys/kernel/audit.jsonl", "nothing can be kept in /proc/sys/kernel: "),
        ("/proc/sys/kernel/lightsout/audit.jsonl", "/proc/sys/kernel/lightsout does not exist"),
    ] {
        let house = House::new(&policy.replace("\"audit.jsonl\"", &format!("{path:?}")));
        examined(&house).assert_failed("audit directory", words);
    }
    let house = House::new(&policy.replace("\"state\"", "\"lightsout.toml\""));
    examined(&house).assert_failed("state directory", "is no directory");
}

#[test]
fn a_log_whose_chain_is_broken_is_a_failure() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
    let log = fs::read_to_string(house.log()).unwrap();
    fs::write(house.log(), log.replacen("\"enforce\"", "\"observe\"", 1)).unwrap();
    examined(&house).assert_failed("audit log", "line ");
}

#[test]
fn a_daemon_that_runs_is_found_and_goes_on() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");
    // Its health is written beside the scan. Each look takes a while; nobody waits longer than this.
    let is_well = |report: &Report| report.about("daemon").0 == "ok";
    let report = (0..50).map(|_| examined(&house)).find(is_well).expect("it is never well");
    let expected = format!("process {} runs, and is well since ", daemon.id());
    assert!(report.about("daemon").1.starts_with(&expected), "{:?}", report.findings);
    assert!(!daemon.has_ended());
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    house.assert_log_is_whole();
}

#[test]
fn a_lock_whose_holder_says_nothing_of_its_health_is_a_failure() {
    let house = House::always_due("http://127.0.0.1:9");
    fs::create_dir(house.state()).unwrap();
    let lock = File::create(house.state().join("lock")).unwrap();
    lock.try_lock().unwrap();
    let finished = house.run(&["doctor", "--offline", "--format", "json"]);
    let words = format!("process {} runs, and: ", std::process::id());
    report(&finished).assert_failed("daemon", &words);
}

#[test]
fn a_pause_that_waits_or_holds_is_told_of() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    let pause = house.run(&["pause", "--for", "3h", "--as", "ada", "--wait", "0s"]);
    assert_eq!(pause.code, Some(0), "{}", pause.stderr);
    let told = examined(&house);
    assert_eq!((told.code, told.about("pause").0), (Some(0), "warning"));
    assert!(told.about("pause").1.contains("for a daemon to take"), "{:?}", told.findings);
    assert_eq!(house.run(&["run", "--once"]).code, Some(1));
    let told = examined(&house);
    assert!(told.about("pause").1.contains(&format!("{STUDIO} is paused until ")));
}

#[test]
fn a_policy_that_is_wrong_or_missing_is_a_failure_and_a_wrong_word_is_usage() {
    let house = House::always_due("http://127.0.0.1:9");
    house.write("version = 1\nmode = \"maybe\"\n");
    examined(&house).assert_failed("policy", "the configuration has ");
    fs::remove_file(house.config()).unwrap();
    examined(&house).assert_failed("policy", "cannot read the configuration");
    assert_eq!(house.run(&["doctor", "--format", "xml"]).code, Some(2));
}

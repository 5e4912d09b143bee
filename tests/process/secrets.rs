//! No secret is ever shown, and nobody else may change what the daemon acts by.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use lightsout::sandbox::world::Operation;

use crate::house::{House, STUDIO, Watched, always_due, observing, text};

const EXTERNAL_ID: &str = "planted-external-id-4711";
const ACCESS_KEY: &str = "AKIAPLANTEDPLANTED00";
const SECRET_KEY: &str = "planted+secret/key+of+forty+characters+00";
const SESSION_TOKEN: &str = "planted-session-token-4712";

/// The studio of the sandbox, and another that takes a role, with an external id.
fn with_a_role(endpoint: &str) -> String {
    let other = format!(
        "[[studio]]\nid = \"us-west-2:stid-EXAMPLE22222\"\naccount = \"111122223333\"\n\
         endpoint_url = \"{endpoint}\"\nmax_uptime = \"14h\"\n\
         role_arn = \"arn:aws:iam::111122223333:role/lightsout\"\nexternal_id = \"{EXTERNAL_ID}\"\n"
    );
    always_due(endpoint) + &other
}

#[test]
fn no_command_shows_a_secret_whatever_is_logged() {
    let sandbox = Watched::small();
    let policy = with_a_role(&sandbox.endpoint);
    let house = House::new(&policy);
    let broken = House::new(&policy.replace("\"14h\"", "\"14 parsecs\""));
    let (config, wrong) = (house.config(), broken.config());
    let (config, wrong) = (config.to_str().unwrap(), wrong.to_str().unwrap());
    let variables = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_SESSION_TOKEN", SESSION_TOKEN),
        // The role is asked for here, and nowhere else.
        ("AWS_ENDPOINT_URL_STS", sandbox.endpoint.as_str()),
    ];
    let commands: &[&[&str]] = &[
        &["check"],
        &["check", "--online"],
        &["check", "--online", "--format", "json"],
        &["plan"],
        &["plan", "--format", "json"],
        &["explain", "one"],
        &["forecast"],
        &["doctor"],
        &["doctor", "--format", "json"],
        &["diff", config, config],
        &["diff", config, wrong],
        &["--log-format", "json", "run", "--once"],
        &["run", "--once", "--dry-run"],
        &["audit", "show"],
        &["audit", "show", "--format", "json"],
    ];
    let on_broken: &[&[&str]] = &[&["check"], &["check", "--format", "json"], &["run"]];
    let on_sound = commands.iter().map(|command| (&house, *command));
    for (house, command) in on_sound.chain(on_broken.iter().map(|command| (&broken, *command))) {
        let run = house.run_with(&[&["--log", "trace"], command].concat(), &variables);
        let shown = run.stdout + &run.stderr;
        assert!(run.code.is_some() && !shown.is_empty(), "{command:?} says nothing");
        assert!(!shown.contains("Usage:"), "{command:?} is no command: {shown}");
        for secret in [EXTERNAL_ID, ACCESS_KEY, SECRET_KEY, SESSION_TOKEN] {
            assert!(!shown.contains(secret), "{command:?} shows {secret}:\n{shown}");
        }
    }
    let log = fs::read_to_string(house.log()).unwrap();
    let state = fs::read_dir(house.state()).unwrap().map(|entry| entry.unwrap().path());
    let files = state.filter(|path| path.is_file());
    let kept: String = files.map(|path| fs::read_to_string(path).unwrap()).chain([log]).collect();
    for secret in [EXTERNAL_ID, ACCESS_KEY, SECRET_KEY, SESSION_TOKEN] {
        assert!(!kept.contains(secret), "{secret} is kept");
    }
    // The secrets were used: the role was asked for, and the other studio was looked after.
    let requests = sandbox.requests.recent();
    assert!(requests.iter().any(|request| request.operation == Operation::Unserved));
    assert_eq!(sandbox.effects(), ["one", "two"]);
}

#[test]
fn nothing_is_shown_of_what_a_profile_holds_or_its_program_says() {
    let sandbox = Watched::small();
    let elsewhere = tempfile::tempdir().unwrap();
    let profiles = elsewhere.path().join("config");
    let keys = format!("aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n");
    let role = "role_arn = arn:aws:iam::111122223333:role/lightsout";
    let text = format!(
        "[profile keys]\n{keys}[profile role]\n{role}\nexternal_id = {EXTERNAL_ID}\n\
         source_profile = keys\n[profile program]\n\
         credential_process = /bin/sh -c 'echo {SESSION_TOKEN} >&2; exit 1'\n"
    );
    fs::write(&profiles, text).unwrap();
    let none = elsewhere.path().join("none");
    let variables = [
        ("AWS_CONFIG_FILE", profiles.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", none.to_str().unwrap()),
        ("AWS_ENDPOINT_URL_STS", sandbox.endpoint.as_str()),
    ];
    for profile in ["keys", "role", "program"] {
        let named = format!("[[studio]]\nprofile = \"{profile}\"\n");
        let policy = always_due(&sandbox.endpoint).replace("[[studio]]\n", &named);
        let house = House::new(&policy);
        for command in [&["check", "--online"][..], &["run", "--once", "--dry-run"]] {
            let run = house.run_with(&[&["--log", "trace"], command].concat(), &variables);
            let shown = run.stdout + &run.stderr;
            let is_sound = run.code == Some(0);
            assert_eq!(is_sound, profile == "keys", "{profile}, {command:?}: {shown}");
            for secret in [EXTERNAL_ID, ACCESS_KEY, SECRET_KEY, SESSION_TOKEN] {
                assert!(!shown.contains(secret), "{profile}, {command:?} shows {secret}:\n{shown}");
            }
        }
    }
}

#[test]
fn a_profile_that_is_not_there_is_not_replaced_by_keys_of_the_environment() {
    let sandbox = Watched::small();
    let elsewhere = tempfile::tempdir().unwrap();
    let profiles = elsewhere.path().join("config");
    let keys = "aws_access_key_id = AKIANARROW\naws_secret_access_key = narrow\n";
    fs::write(&profiles, format!("[profile narrow]\n{keys}[profile empty]\nregion = us-west-2\n"))
        .unwrap();
    let variables = [
        ("AWS_CONFIG_FILE", profiles.to_str().unwrap()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
    ];
    for (profile, is_there) in [("mistyped", false), ("empty", false), ("narrow", true)] {
        let named = format!("[[studio]]\nprofile = \"{profile}\"\n");
        let house = House::new(&always_due(&sandbox.endpoint).replace("[[studio]]\n", &named));
        let run = house.run_with(&["run", "--once", "--dry-run"], &variables);
        assert_eq!(run.code, Some(if is_there { 0 } else { 1 }), "{profile}: {}", run.stderr);
        let held = house.records_of("studio.held");
        let problems: Vec<_> = held
            .iter()
            .map(|record| text(&record["data"]["reason"]["values"], "problem"))
            .collect();
        assert_eq!(problems, if is_there { vec![] } else { vec!["no_credentials"] }, "{profile}");
    }
}

#[test]
fn a_veto_s_program_that_others_may_write_is_not_run() {
    let sandbox = Watched::small();
    let elsewhere = tempfile::tempdir().unwrap();
    let program = elsewhere.path().join("ask-farm");
    fs::write(&program, "#!/bin/sh\necho '{\"busy\": false}'\n").unwrap();
    let named = format!("[veto.farm]\ncommand = [\"{}\"]\n[[studio]]\n", program.display());
    let house = House::new(
        &(always_due(&sandbox.endpoint).replace("[[studio]]\n", &named) + "veto = [\"farm\"]\n"),
    );
    for (mode, is_refused) in [(0o757, true), (0o777, true), (0o755, false)] {
        set_mode(&program, mode);
        let run = house.run(&["run", "--once", "--dry-run"]);
        assert_eq!(run.code, Some(if is_refused { 2 } else { 0 }), "{mode:o}: {}", run.stderr);
        assert_eq!(run.stderr.contains("ask-farm may be written by others"), is_refused);
    }
}

#[test]
fn a_veto_s_script_that_others_may_write_is_not_run_by_an_interpreter() {
    let sandbox = Watched::small();
    let elsewhere = tempfile::tempdir().unwrap();
    let script = elsewhere.path().join("ask-farm");
    fs::write(&script, "echo '{\"busy\": false}'\n").unwrap();
    set_mode(&script, 0o757);
    for (program, code) in [("sh", 2), ("/usr/bin/env", 2), ("cat", 0)] {
        let named = format!(
            "[veto.farm]\ncommand = [\"{program}\", \"{}\"]\n[[studio]]\n",
            script.display()
        );
        let policy = always_due(&sandbox.endpoint).replace("[[studio]]\n", &named);
        let house = House::new(&(policy + "veto = [\"farm\"]\n"));
        let checked = house.run(&["check"]);
        assert_eq!(checked.code, Some(code), "{program}: {}", checked.stdout);
        let is_told = checked.stdout.contains("ask-farm may be written by others");
        assert_eq!(is_told, code == 2, "{program}: {}", checked.stdout);
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_policy_that_others_may_write_is_shown_by_all_and_acted_by_by_none() {
    let sandbox = Watched::small();
    let house = House::always_due(&sandbox.endpoint);
    set_mode(&house.config(), 0o646);
    let remedy = format!("type: chmod go-w {}", house.config().display());
    for command in [&["run", "--once"][..], &["run"], &["run", "--dry-run"]] {
        let run = house.run(command);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
        assert!(run.stderr.contains(&remedy), "{}", run.stderr);
    }
    assert!(!house.log().exists(), "something was recorded");
    let check = house.run(&["check"]);
    assert_eq!(check.code, Some(2));
    assert!(check.stdout.contains("error[exposed-file]") && check.stdout.contains(&remedy));
    assert!(!check.stdout.contains("good"), "{}", check.stdout);
    let check = house.run(&["check", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&check.stdout).unwrap();
    assert_eq!((check.code, text(&shown[0], "code")), (Some(2), "exposed-file"));
    let config = house.config();
    let config = config.to_str().unwrap();
    for command in [&["plan"][..], &["forecast"], &["diff", config, config]] {
        let run = house.run(command);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stderr.contains(&remedy), "{}", run.stderr);
    }
    set_mode(&house.config(), 0o644);
    assert_eq!(house.run(&["run", "--once"]).code, Some(0));
}

#[test]
fn a_reload_of_a_file_that_others_may_write_is_refused() {
    let sandbox = Watched::small();
    let house = House::new(&observing(&sandbox.endpoint));
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");
    house.write(&always_due(&sandbox.endpoint));
    set_mode(&house.config(), 0o666);
    daemon.signal("HUP");
    daemon.wait_for("refused; the old policy stays in force");
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    set_mode(&house.config(), 0o600);
    let refused = house.records_of("policy.refused").pop().unwrap();
    let detail = text(&refused["data"]["error"], "detail");
    assert!(detail.contains("may be written by others"), "{detail}");
    assert_eq!(sandbox.changing_requests(), 0);
}

#[test]
fn a_calendar_file_and_what_a_link_leads_to_are_judged_too() {
    let sandbox = Watched::small();
    let elsewhere = tempfile::tempdir().unwrap();
    let calendar = "[calendar.holidays]\neffect = \"closed\"\nics = \"holidays.ics\"\n\
                    [schedule.nights]\nzone = \"Europe/Paris\"\nidle = [\"Mon 20:00-07:00\"]\n\
                    calendars = [\"holidays\"]\n[[studio]]\nschedule = \"nights\"\n";
    let house = House::new(&always_due(&sandbox.endpoint).replace("[[studio]]\n", calendar));
    let holidays = elsewhere.path().join("holidays.ics");
    fs::write(&holidays, include_str!("../../config/holidays.ics")).unwrap();
    symlink(&holidays, house.config().with_file_name("holidays.ics")).unwrap();
    assert_eq!(house.run(&["check"]).code, Some(0), "{STUDIO}");
    set_mode(&holidays, 0o666);
    let refused = house.run(&["run", "--once"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("holidays.ics may be written by others"), "{}", refused.stderr);
    set_mode(&holidays, 0o644);
    set_mode(elsewhere.path(), 0o777);
    let refused = house.run(&["run", "--once"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("holidays.ics may be replaced by anybody"),
        "{}",
        refused.stderr
    );
}

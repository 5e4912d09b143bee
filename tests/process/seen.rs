//! The daemon over HTTP, by its health file, and by what it prints.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use jiff::SignedDuration;
use lightsout::sandbox::world::Operation;
use lightsout::sandbox::{Fault, FaultRule};

use crate::house::{HANGING, House, Process, STUDIO, Watched, always_due, now, text};

const TOKEN: &str = "correct-horse-battery-staple";

fn listening(endpoint: &str, http: &str) -> String {
    always_due(endpoint).replace("[audit]\n", &format!("[http]\n{http}\n\n[audit]\n"))
}

/// The address that a daemon says it listens on.
fn address(daemon: &mut Process) -> String {
    daemon.wait_for("metrics are told over HTTP");
    let line = daemon.said().lines().last().unwrap().to_owned();
    line.rsplit("address=").next().unwrap().trim().to_owned()
}

/// Sends this, and reads all that comes back.
fn sent(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(HANGING)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(address: &str, path: &str, headers: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
    let answer = sent(address, &request);
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

fn value(metrics: &str, series: &str) -> f64 {
    let found = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in\n{metrics}")).parse().unwrap()
}

#[test]
fn metrics_tell_what_was_seen_decided_done_and_recorded() {
    let sandbox = Watched::small();
    let house = House::new(&listening(&sandbox.endpoint, "listen = \"127.0.0.1:0\""));
    let mut daemon = house.start(&["--log", "debug", "run"]);
    let address = address(&mut daemon);
    daemon.wait_for("the head of the audit log");
    for _ in 0..2 {
        daemon.wait_for("stopped");
    }
    daemon.wait_for("scanned");
    let (status, metrics) = get(&address, "/metrics", "");
    assert_eq!(status, 200);
    let studio = format!("studio=\"{STUDIO}\"");
    for (series, expected) in [
        (format!("lightsout_stops_total{{outcome=\"proven\",{studio}}}"), 2.0),
        (format!("lightsout_stops_total{{outcome=\"intended\",{studio}}}"), 2.0),
        (format!("lightsout_stops_total{{outcome=\"failed\",{studio}}}"), 0.0),
        (format!("lightsout_brake_used{{action=\"stop\",{studio}}}"), 2.0),
        (format!("lightsout_brake_limit{{bound=\"per_scan\",{studio}}}"), 500.0),
        (format!("lightsout_studio_held{{{studio}}}"), 0.0),
        ("lightsout_audit_writable".to_owned(), 1.0),
        ("lightsout_alive".to_owned(), 1.0),
        ("lightsout_problems".to_owned(), 0.0),
        (
            "lightsout_api_calls_total{operation=\"StopStreamingSession\",outcome=\"ok\"}"
                .to_owned(),
            2.0,
        ),
        (
            format!(
                "lightsout_decisions_total{{reason=\"not_stoppable\",{studio},verdict=\"keep\"}}"
            ),
            1.0,
        ),
        (format!("lightsout_sessions{{state=\"STOPPED\",{studio},verdict=\"keep\"}}"), 2.0),
    ] {
        assert!((value(&metrics, &series) - expected).abs() < 1e-9, "{series}\n{metrics}");
    }
    assert!(metrics.contains("# TYPE lightsout_scan_duration_seconds histogram"));
    let records = value(&metrics, "lightsout_audit_records_total");
    assert!((records - value(&metrics, "lightsout_audit_sequence")).abs() < 1e-9, "a new log");
    assert_eq!(get(&address, "/healthz", ""), (200, "ok\n".to_owned()));
    assert_eq!(get(&address, "/readyz", ""), (200, "ok\n".to_owned()));
    assert_eq!(get(&address, "/", "").0, 404);
    let posted = sent(&address, &format!("POST /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n"));
    assert!(posted.starts_with("HTTP/1.1 405"), "{posted}");
    let page = get(&address, "/metrics", "Origin: https://example.com\r\n");
    assert_eq!(page.0, 403);
    let endless = format!("X-Filler: {}\r\n", "x".repeat(64 * 1024));
    assert!(sent(&address, &format!("GET /metrics HTTP/1.1\r\n{endless}")).contains(" 431 "));
    std::fs::remove_file(house.state().join("lock")).unwrap();
    let (status, why) = get(&address, "/readyz", "");
    assert_eq!(status, 503);
    assert!(why.contains("the lock of the state directory"), "{why}");
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
}

/// A session that is to be rescued.
const IN_DANGER: &str = r#"
[[studio.profile]]
id = "mortal"
name = "Mortal"
max_session_length_in_minutes = 43200
max_stopped_session_length_in_minutes = 60

[[studio.session]]
id = "asleep"
profile = "mortal"
state = "STOPPED"
started = "-9h"
stopped = "-40m"
"#;

#[test]
fn a_rescue_that_is_refused_turns_health_red() {
    let sandbox = Watched::with(IN_DANGER);
    let denied = FaultRule::new(Fault::Denied).operation(Operation::StartStreamingSession);
    sandbox.faults.add(denied);
    let hour = |hours| (now() + SignedDuration::from_hours(hours)).strftime("%H:00").to_string();
    let idle = format!("zone = \"UTC\"\nidle = [\"Mon-Sun {}-{}\"]", hour(-2), hour(6));
    let rotated = "[[studio]]\nschedule = \"now\"\npreserve = \"rotate\"";
    let policy = always_due(&sandbox.endpoint)
        .replace("[[studio]]", &format!("[schedule.now]\n{idle}\n\n{rotated}"));
    let house = House::new(&policy);
    let _daemon = house.start(&["run"]);
    let began = now();
    let problem = loop {
        let told = house.run(&["health"]).stdout;
        if told.contains("came to nothing") {
            break told;
        }
        assert!(began.duration_until(now()).unsigned_abs() < HANGING, "{told}");
    };
    for part in ["1 attempt to start asleep", "AccessDenied", "its work would be destroyed"] {
        assert!(problem.contains(part), "{problem}");
    }
}

#[test]
fn who_has_never_seen_a_studio_is_alive_and_not_ready() {
    let sandbox = Watched::small();
    let silent = FaultRule::new(Fault::Silence).operation(Operation::ListStreamingSessions);
    sandbox.faults.add(silent);
    let house = House::new(&listening(&sandbox.endpoint, "listen = \"127.0.0.1:0\""));
    let mut daemon = house.start(&["run"]);
    let address = address(&mut daemon);
    sandbox.wait_for_silences(1);
    assert_eq!(get(&address, "/healthz", ""), (200, "ok\n".to_owned()));
    let (status, why) = get(&address, "/readyz", "");
    assert_eq!((status, why), (503, format!("{STUDIO} was not scanned yet\n")));
    let (_, metrics) = get(&address, "/metrics", "");
    assert!(!metrics.contains("lightsout_last_scan_timestamp_seconds"), "{metrics}");
}

#[test]
fn others_than_this_machine_need_a_token_that_is_never_shown() {
    let sandbox = Watched::small();
    let open = "listen = \"0.0.0.0:0\"";
    let house = House::new(&listening(&sandbox.endpoint, open));
    for arguments in [&["check"][..], &["run"]] {
        let refused = house.run(arguments);
        assert_eq!(refused.code, Some(2));
        let said = refused.stdout + &refused.stderr;
        assert!(said.contains("open-listener") && said.contains("token_file"), "{said}");
    }
    let house =
        House::new(&listening(&sandbox.endpoint, &format!("{open}\ntoken_file = \"token\"")));
    let missing = house.run(&["run"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("the token file"), "{}", missing.stderr);
    let file = house.config().with_file_name("token");
    let write = |text: &str, mode: u32| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write(TOKEN, 0o644);
    for arguments in [&["check"][..], &["run"]] {
        let exposed = house.run(arguments);
        assert_eq!(exposed.code, Some(2));
        let said = exposed.stdout + &exposed.stderr;
        assert!(said.contains("may be read by others") && !said.contains(TOKEN), "{said}");
    }
    write("short-secret", 0o600);
    let short = house.run(&["run"]);
    assert_eq!(short.code, Some(78));
    assert!(!short.stderr.contains("short-secret"), "{}", short.stderr);

    write(&format!("{TOKEN}\n"), 0o600);
    let mut daemon = house.start(&["--log", "trace", "run"]);
    let address = address(&mut daemon).replace("0.0.0.0", "127.0.0.1");
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    for path in ["/metrics", "/healthz", "/readyz", "/"] {
        assert_eq!(get(&address, path, "").0, 401, "{path}");
        assert_eq!(get(&address, path, &bearer("correct-horse-battery-stapler")).0, 401, "{path}");
    }
    let (status, metrics) = get(&address, "/metrics", &bearer(TOKEN));
    assert_eq!(status, 200);
    daemon.signal("TERM");
    let ended = daemon.finish();
    assert_eq!(ended.code, Some(0));
    let log = std::fs::read_to_string(house.log()).unwrap();
    for said in [&metrics, &ended.stderr, &ended.stdout, &log] {
        assert!(!said.contains(TOKEN));
    }
}

#[test]
fn health_is_told_until_it_is_stale_and_by_a_file_with_other_mistakes_in_it() {
    let sandbox = Watched::small();
    let policy = always_due(&sandbox.endpoint);
    let house = House::new(&policy);
    let unread = house.run(&["health"]);
    assert_eq!(unread.code, Some(1));
    assert!(unread.stdout.starts_with("not healthy: "), "{}", unread.stdout);

    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");
    daemon.wait_for("scanned");
    let healthy = house.run(&["health"]);
    assert_eq!(healthy.code, Some(0), "{}{}", healthy.stdout, healthy.stderr);
    assert!(healthy.stdout.starts_with("healthy since 20"), "{}", healthy.stdout);
    let told = house.json(&["health"]);
    assert_eq!((&told["healthy"], text(&told, "policy").len()), (&true.into(), 64));

    house.write(&policy.replace("lease = \"30m\"", "leese = \"30m\""));
    assert_eq!(house.run(&["health"]).code, Some(0));
    daemon.signal("HUP");
    daemon.wait_for("refused; the old policy stays in force");
    house.write("state_dir = ");
    let untold = house.run(&["health"]);
    assert_eq!(untold.code, Some(1));
    assert_eq!(untold.stdout, "not healthy: the configuration has 1 error\n");
    let state = house.state();
    let named = ["health", "--state-dir", state.to_str().unwrap()];
    let mut refused = house.run(&named);
    // It is written beside the loop.
    while refused.code == Some(0) {
        refused = house.run(&named);
    }
    assert_eq!(refused.code, Some(1));
    assert!(refused.stdout.contains("the policy file is refused"), "{}", refused.stdout);
    // Whoever would start it anew for that would help nobody.
    let alive = house.run(&[&named[..], &["--alive"]].concat());
    assert_eq!((alive.code, alive.stdout), (Some(0), refused.stdout));

    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    let ended = house.run(&[&named[..], &["--alive"]].concat());
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("the program has ended"), "{}", ended.stdout);
    let file = state.join("health.json");
    let told = std::fs::read_to_string(&file).unwrap();
    let mut told: serde_json::Value = serde_json::from_str(&told).unwrap();
    told["healthy"] = true.into();
    told["until"] = "2026-01-01T00:00:00Z".into();
    std::fs::write(&file, told.to_string()).unwrap();
    let stale = house.run(&named);
    assert_eq!(stale.code, Some(1));
    assert!(stale.stdout.contains("counted until 2026-01-01T00:00:00Z"), "{}", stale.stdout);
}

#[test]
fn standard_output_has_the_very_lines_of_the_log_and_nothing_else() {
    let sandbox = Watched::small();
    let policy = always_due(&sandbox.endpoint);
    let house = House::new(&policy.replace("[audit]\n", "[audit]\nstdout = true\n"));
    let mut daemon = house.start(&["--log", "debug", "run"]);
    for _ in 0..2 {
        daemon.wait_for("stopped");
    }
    daemon.signal("TERM");
    let ended = daemon.finish();
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stdout, std::fs::read_to_string(house.log()).unwrap());
    house.assert_log_is_whole();
    let once = house.run(&["run", "--once"]);
    let log = std::fs::read_to_string(house.log()).unwrap();
    assert_eq!(log, ended.stdout + &once.stdout);
}

#[test]
fn who_does_not_read_standard_output_does_not_hold_up_the_log() {
    let sandbox = Watched::many(300);
    let policy = always_due(&sandbox.endpoint);
    let house = House::new(&policy.replace("[audit]\n", "[audit]\nstdout = true\n"));
    // Nobody reads one end of this pipe, and the other closes it at once.
    let wrapper = "mkfifo \"$0/pipe\"; exec 3<>\"$0/pipe\"; exec \"$@\" >&3";
    let directory = house.state().with_file_name("");
    let blocked = ["sh", "-c", wrapper, directory.to_str().unwrap()];
    let mut daemon = house.start_through(&blocked, &["--log", "debug", "run"]);
    for _ in 0..300 {
        daemon.wait_for("stop accepted");
    }
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    assert_eq!(house.records_of("stop.accepted").len(), 300);

    let sandbox = Watched::small();
    let house =
        House::new(&always_due(&sandbox.endpoint).replace("[audit]\n", "[audit]\nstdout = true\n"));
    let closed = ["sh", "-c", "exec \"$@\" >&-", "closed"];
    let mut daemon = house.start_through(&closed, &["run"]);
    for _ in 0..2 {
        daemon.wait_for("stop accepted");
    }
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    house.assert_log_is_whole();
}

#[test]
fn who_does_not_read_standard_error_does_not_hold_up_the_daemon() {
    let sandbox = Watched::many(300);
    let policy = always_due(&sandbox.endpoint);
    let house = House::new(&policy.replace("[audit]\n", "[audit]\nstdout = true\n"));
    // Nobody reads one end of this pipe: much less than is said fits in.
    let wrapper = "mkfifo \"$0/pipe\"; exec 3<>\"$0/pipe\"; exec \"$@\" 2>&3";
    let directory = house.state().with_file_name("");
    let blocked = ["sh", "-c", wrapper, directory.to_str().unwrap()];
    let daemon = house.start_through(&blocked, &["--log", "trace", "run"]);
    let mut accepted = 0;
    while accepted < 300 {
        accepted += usize::from(daemon.line().contains("lightsout.stop.accepted"));
    }
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    house.assert_log_is_whole();
}

//! The sandbox as a process: its fault plan, its log of requests, and whose requests it takes.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::house::{Process, program};

/// The status of a request written by hand.
fn get(endpoint: &str, path: &str) -> String {
    let address = endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_plan_a_log_and_an_access_key_are_taken_from_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let (plan, log) = (directory.path().join("faults.toml"), directory.path().join("log.jsonl"));
    std::fs::write(&plan, "[[fault]]\nkind = \"html_503\"\noperation = \"GetStudio\"\n").unwrap();
    let mut command = program();
    command.args(["sandbox", "--listen", "127.0.0.1:0", "--access-key", "AKIDTEST=AROA:test"]);
    command.arg("--faults").arg(&plan).arg("--request-log").arg(&log);
    command.env("LIGHTSOUT_SANDBOX_SECRET", "s3cret-of-the-test");
    let sandbox = Process::start(command);
    let endpoint = sandbox.line();
    assert!(get(&endpoint, "/2020-08-01/studios").starts_with("HTTP/1.1 403 "));
    assert!(get(&endpoint, "/2020-08-01/studios/x").starts_with("HTTP/1.1 503 "));
    assert!(get(&endpoint, "/_sandbox/faults").contains("\"kind\":\"html_503\""));
    sandbox.signal("TERM");
    let finished = sandbox.finish();
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(lines[0]["error_type"], "MissingAuthenticationTokenException");
    assert_eq!(lines[1]["faults"][0], "html_503");
    for said in [&finished.stdout, &finished.stderr, &text] {
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn mistakes_end_it_before_it_listens() {
    let directory = tempfile::tempdir().unwrap();
    let plan = directory.path().join("faults.toml");
    std::fs::write(&plan, "[[fault]]\nkind = \"throtle\"\n\n[[fault]]\nage = \"1m\"\n").unwrap();
    let plan = plan.display().to_string();
    let told = |arguments: &[&str]| {
        let mut command = program();
        command.args(["sandbox", "--listen", "127.0.0.1:0"]).args(arguments);
        command.env_remove("LIGHTSOUT_SANDBOX_SECRET");
        let finished = Process::start(command).finish();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{}", finished.stderr);
        finished.stderr
    };
    let mistakes = told(&["--faults", &plan]);
    assert!(mistakes.contains("faults.toml:2: unknown kind \"throtle\""), "{mistakes}");
    assert!(mistakes.contains("faults.toml:4: the fault has no kind"), "{mistakes}");
    assert!(told(&["--access-key", "AKIDTEST"]).contains("set LIGHTSOUT_SANDBOX_SECRET"));
    assert!(told(&["--credentials-expire", "2026-01-01T00:00:00Z"]).contains("--access-key"));
}

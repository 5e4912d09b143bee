//! The log of requests: a line for each, and what it breaks of the contract.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use aws_sdk_nimble::types::VolumeRetentionMode;
use lightsout::sandbox::{RequestLog, SandboxOptions};
use serde_json::Value;

use crate::running::{Running, SESSIONS, STUDIO, run_with};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn last(&self) -> Value {
        serde_json::from_str(self.text().lines().last().unwrap()).unwrap()
    }
}

async fn logged() -> (Running, Lines) {
    let lines = Lines::default();
    let log = RequestLog::new(lines.clone());
    let running = run_with(|options| SandboxOptions { request_log: Some(log), ..options }).await;
    (running, lines)
}

#[tokio::test]
async fn a_line_says_what_was_asked_and_what_was_answered() {
    let (running, lines) = logged().await;
    running.plan("[[fault]]\nname = \"slow day\"\nkind = \"throttle\"\nnth = 2");
    let stop = || {
        let stop = running.client.stop_streaming_session().studio_id(STUDIO).session_id("ready");
        stop.client_token("token-1").send()
    };
    stop().await.unwrap();
    let mut line = lines.last();
    let invocation = line["invocation"].take();
    assert_eq!(invocation.as_str().map(str::len), Some(36));
    insta::assert_snapshot!(line, @r#"{"attempt":1,"client_token":"token-1","error_type":null,"faults":[],"invocation":null,"latency_micros":0,"operation":"StopStreamingSession","principal":"AROASANDBOX:lightsout","session":"ready","status":200,"studio":"us-west-2:stid-EXAMPLE11111","time":"2026-11-20T20:00:00Z","violations":[]}"#);
    stop().await.unwrap_err();
    let line = lines.last();
    assert_eq!(line["status"], 429);
    assert_eq!(line["error_type"], "ThrottlingException");
    assert_eq!(line["faults"], serde_json::json!(["throttle (slow day)"]));
    assert_eq!(lines.text().lines().count(), 2);
}

#[tokio::test]
async fn no_line_has_a_signature_or_a_secret() {
    let (running, lines) = logged().await;
    running.client.get_studio().studio_id(STUDIO).send().await.unwrap();
    let headers =
        "authorization: AWS4-HMAC-SHA256 Credential=A/B\r\nx-amz-security-token: tok3n\r\n";
    running.raw("GET", SESSIONS, headers, "").await;
    let text = lines.text().to_lowercase();
    assert_eq!(text.lines().count(), 2);
    for word in ["authorization", "signature", "aws4", "tok3n", "akidexample"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[tokio::test]
async fn each_violation_of_the_contract_is_named() {
    let (running, lines) = logged().await;
    let stop = format!("{SESSIONS}/ready/stop");
    let json = "content-type: application/json\r\n";
    let token = "x-amz-client-token: t\r\n";
    let good = format!("{json}{token}");
    let delete = r#"{"volumeRetentionMode":"DELETE"}"#;
    let cases = [
        ("POST", stop.as_str(), good.as_str(), r#"{"force":true}"#, "unknown_member"),
        ("GET", "/studios?colour=red", "", "", "unknown_member"),
        ("POST", &stop, &good, r#"{"volumeRetentionMode":"KEEP"}"#, "constraint"),
        ("POST", &stop, &good, "not json", "constraint"),
        ("GET", &format!("{SESSIONS}?nextToken=forged"), "", "", "constraint"),
        ("GET", "/studios/a/eulas", "", "", "not_served"),
        ("POST", &stop, &good, "", ""),
        ("POST", &stop, &good, delete, "client_token_reused deletes_volume"),
        ("POST", &stop, json, "{}", "no_client_token"),
        ("POST", &stop, token, "{}", "content_type"),
        ("POST", &stop, &format!("content-type: text/plain\r\n{token}"), "{}", "content_type"),
        (
            "POST",
            &stop,
            &format!("content-type: application/json; charset=utf-8\r\n{token}"),
            "{}",
            "",
        ),
        ("GET", SESSIONS, "", "", ""),
        ("GET", "/studios/none", "", "", ""),
    ];
    for (method, path, headers, body, expected) in cases {
        running.raw(method, path, headers, body).await;
        let line = lines.last();
        let violations = line["violations"].as_array().unwrap();
        let mut codes: Vec<&str> =
            violations.iter().map(|violation| violation["code"].as_str().unwrap()).collect();
        codes.sort_unstable();
        assert_eq!(codes.join(" "), expected, "{method} {path} {body}: {line}");
        assert!(violations.iter().all(|violation| violation["message"].is_string()), "{line}");
    }
}

#[tokio::test]
async fn the_sdk_breaks_nothing_but_what_it_is_told_to() {
    let (running, lines) = logged().await;
    let client = &running.client;
    client.list_studios().send().await.unwrap();
    let stop = client.stop_streaming_session().studio_id(STUDIO).session_id("ready");
    stop.volume_retention_mode(VolumeRetentionMode::Retain).send().await.unwrap();
    let start = client.start_streaming_session().studio_id(STUDIO).session_id("stopped");
    start.send().await.unwrap();
    let delete = client.delete_streaming_session().studio_id(STUDIO).session_id("ready");
    delete.send().await.unwrap_err();
    let text = lines.text();
    assert_eq!(text.lines().count(), 4);
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["violations"], serde_json::json!([]), "{line}");
    }
}

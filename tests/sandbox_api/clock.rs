//! The clock of the studio through the server's own door, as transcripts.

use aws_sdk_nimble::types::StreamingSessionState;

use crate::admin::ask;
use crate::running::{Running, STUDIO, run};

/// What is asked and answered, one after another. `pass 10` lets ten seconds pass on the machine.
async fn transcript(running: &Running, steps: &[&str]) -> String {
    let mut text = String::new();
    for step in steps {
        if let Some(seconds) = step.strip_prefix("pass ") {
            running.pass(seconds.parse().unwrap());
            text += &format!("{step}\n");
            continue;
        }
        let (method, body) = if step.is_empty() { ("GET", "") } else { ("POST", *step) };
        let (status, answer) = ask(running, method, "/_sandbox/clock", body).await;
        let asked = format!("{method} {body}");
        text += &format!("{}\n  {status} {answer}\n", asked.trim_end());
    }
    text
}

#[tokio::test]
async fn it_is_frozen_advanced_let_go_on_and_made_faster() {
    let running = run().await;
    let steps = [
        "",
        "pass 60",
        r#"{"frozen": true}"#,
        "pass 60",
        "",
        r#"{"advance": "8h"}"#,
        r#"{"frozen": false, "speed": 60}"#,
        "pass 10",
        "",
        r#"{"advance": "2d 30m", "speed": 1, "frozen": false}"#,
        "pass 1",
        "",
    ];
    insta::assert_snapshot!(transcript(&running, &steps).await, @r#"
    GET
      200 {"frozen":false,"next_event":"2026-11-22T11:00:00Z","now":"2026-11-20T20:00:00Z","speed":1.0}
    pass 60
    POST {"frozen": true}
      200 {"frozen":true,"next_event":"2026-11-22T11:00:00Z","now":"2026-11-20T20:01:00Z","speed":1.0}
    pass 60
    GET
      200 {"frozen":true,"next_event":"2026-11-22T11:00:00Z","now":"2026-11-20T20:01:00Z","speed":1.0}
    POST {"advance": "8h"}
      200 {"frozen":true,"next_event":"2026-11-22T11:00:00Z","now":"2026-11-21T04:01:00Z","speed":1.0}
    POST {"frozen": false, "speed": 60}
      200 {"frozen":false,"next_event":"2026-11-22T11:00:00Z","now":"2026-11-21T04:01:00Z","speed":60.0}
    pass 10
    GET
      200 {"frozen":false,"next_event":"2026-11-22T11:00:00Z","now":"2026-11-21T04:11:00Z","speed":60.0}
    POST {"advance": "2d 30m", "speed": 1, "frozen": false}
      200 {"frozen":false,"next_event":null,"now":"2026-11-23T04:41:00Z","speed":1.0}
    pass 1
    GET
      200 {"frozen":false,"next_event":null,"now":"2026-11-23T04:41:01Z","speed":1.0}
    "#);
}

#[tokio::test]
async fn what_it_cannot_do_is_said_and_changes_nothing() {
    let running = run().await;
    let steps = [
        "{}",
        "[]",
        "advance=8h",
        r#"{"advance": 8}"#,
        r#"{"advance": "eight hours"}"#,
        r#"{"advance": "1 month"}"#,
        r#"{"advance": "-1h"}"#,
        r#"{"advance": "366d 1s", "frozen": true}"#,
        r#"{"speed": 0}"#,
        r#"{"speed": -1, "advance": "1h"}"#,
        r#"{"speed": 1e9}"#,
        r#"{"freeze": true}"#,
        "",
    ];
    insta::assert_snapshot!(transcript(&running, &steps).await, @r#"
    POST {}
      400 {"message":"the body asks for nothing: valid are advance, frozen and speed"}
    POST []
      400 {"message":"the body is not like {\"advance\": \"8h\"}: invalid length 0, expected an object at line 1 column 2"}
    POST advance=8h
      400 {"message":"the body is not like {\"advance\": \"8h\"}: expected value at line 1 column 1"}
    POST {"advance": 8}
      400 {"message":"the body is not like {\"advance\": \"8h\"}: invalid type: integer `8`, expected a string at line 1 column 13"}
    POST {"advance": "eight hours"}
      400 {"message":"\"eight hours\" is not a length of time: write it like \"8h\" or \"2d 30m\""}
    POST {"advance": "1 month"}
      400 {"message":"\"1 month\" is not a length of time: write it like \"8h\" or \"2d 30m\""}
    POST {"advance": "-1h"}
      400 {"message":"the clock cannot be set back by 1h: it is only advanced"}
    POST {"advance": "366d 1s", "frozen": true}
      400 {"message":"the clock cannot be advanced by 8784h 1s: valid are at most 8784h at once, and no year after 9999"}
    POST {"speed": 0}
      400 {"message":"0 is no speed: valid are 0.001 to 1000000 times that of the machine's clock"}
    POST {"speed": -1, "advance": "1h"}
      400 {"message":"-1 is no speed: valid are 0.001 to 1000000 times that of the machine's clock"}
    POST {"speed": 1e9}
      400 {"message":"1000000000 is no speed: valid are 0.001 to 1000000 times that of the machine's clock"}
    POST {"freeze": true}
      400 {"message":"the body is not like {\"advance\": \"8h\"}: unknown field `freeze`, expected one of `advance`, `frozen`, `speed` at line 1 column 9"}
    GET
      200 {"frozen":false,"next_event":"2026-11-22T11:00:00Z","now":"2026-11-20T20:00:00Z","speed":1.0}
    "#);
}

#[tokio::test]
async fn what_is_due_happens_when_it_is_advanced_each_at_its_instant() {
    let running = run().await;
    assert_eq!(ask(&running, "POST", "/_sandbox/clock", r#"{"frozen": true}"#).await.0, 200);
    let stop = running.client.stop_streaming_session().studio_id(STUDIO).session_id("ready");
    stop.client_token("stop").send().await.unwrap();
    running.pass(3600);
    assert_eq!(running.state("ready").await, StreamingSessionState::StopInProgress);
    let (_, shown) = ask(&running, "POST", "/_sandbox/clock", r#"{"advance": "89s"}"#).await;
    assert_eq!(running.state("ready").await, StreamingSessionState::StopInProgress);
    assert_eq!(shown["next_event"], "2026-11-20T20:01:30Z");
    ask(&running, "POST", "/_sandbox/clock", r#"{"advance": "1h"}"#).await;
    let got = running.client.get_streaming_session().studio_id(STUDIO).session_id("ready");
    let got = got.send().await.unwrap();
    let session = got.session().unwrap();
    assert_eq!(session.state(), Some(&StreamingSessionState::Stopped));
    let updated = crate::running::instant(session.updated_at()).to_string();
    assert_eq!(updated, "2026-11-20T20:01:30Z");
}

//! The server's own door: what it shows, what it takes, and whom it lets in.

use lightsout::sandbox::world::Operation;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::running::{Running, STUDIO, run};

/// The status and the body of a request at the door, with more headers.
async fn at_door(
    running: &Running,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> (u16, Value) {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, serde_json::from_str(body).unwrap())
}

pub(crate) async fn ask(running: &Running, method: &str, path: &str, body: &str) -> (u16, Value) {
    let host = format!("host: {}\r\n", running.address);
    at_door(running, method, path, &host, body).await
}

#[tokio::test]
async fn faults_are_added_listed_and_taken_away_while_it_runs() {
    let running = run().await;
    let plan = "[[fault]]\nname = \"first\"\nkind = \"throttle\"\noperation = \"GetStudio\"\nmatch = { studio = \"us-*\" }\ncount = 1\n\
                [[fault]]\nkind = \"latency\"\nby = \"1500ms\"\noperation = \"ListStudios\"\n";
    let (status, added) = ask(&running, "POST", "/_sandbox/faults", plan).await;
    assert_eq!((status, added), (200, json!({"added": [1, 2]})));
    assert!(running.client.get_studio().studio_id(STUDIO).send().await.is_err());
    assert!(running.client.get_studio().studio_id(STUDIO).send().await.is_ok());
    let (_, listed) = ask(&running, "GET", "/_sandbox/faults", "").await;
    let expected = json!({"faults": [
        {
            "id": 1, "kind": "throttle", "title": "throttle (first)", "settings": {},
            "operations": ["GetStudio"], "match": {"studio": "us-*"}, "seen": 2, "struck": 1, "left": 0
        },
        {
            "id": 2, "kind": "latency", "title": "latency", "settings": {"by": "1s 500ms"},
            "operations": ["ListStudios"], "match": {}, "seen": 0, "struck": 0, "left": null
        },
    ]});
    assert_eq!(listed, expected);
    assert_eq!(ask(&running, "DELETE", "/_sandbox/faults/1", "").await.0, 200);
    assert_eq!(ask(&running, "DELETE", "/_sandbox/faults/1", "").await.0, 404);
    let (_, removed) = ask(&running, "DELETE", "/_sandbox/faults", "").await;
    assert_eq!(removed, json!({"removed": 1}));
    assert!(running.faults.list().is_empty());
    // None of this is a request of the service.
    assert_eq!(running.requests.count(Operation::Unserved), 0);
}

#[tokio::test]
async fn a_plan_with_mistakes_adds_nothing_and_is_told_of() {
    let running = run().await;
    let plan = "[[fault]]\nkind = \"throttle\"\n[[fault]]\nkind = \"throtle\"\ncolour = 1\n";
    let (status, told) = ask(&running, "POST", "/_sandbox/faults", plan).await;
    assert_eq!(status, 400);
    assert_eq!(told["mistakes"][0]["line"], 4);
    assert!(told["mistakes"][0]["message"].as_str().unwrap().contains("did you mean"), "{told}");
    assert!(running.faults.list().is_empty());
    let many = "[[fault]]\nkind = \"throttle\"\n".repeat(600);
    assert_eq!(ask(&running, "POST", "/_sandbox/faults", &many).await.0, 200);
    assert_eq!(ask(&running, "POST", "/_sandbox/faults", &many).await.0, 409);
    assert_eq!(running.faults.list().len(), 600);
}

#[tokio::test]
async fn requests_are_shown_and_forgotten() {
    let running = run().await;
    for _ in 0..3 {
        running.client.get_studio().studio_id(STUDIO).send().await.unwrap();
    }
    let shown = |told: &Value| told["requests"].as_array().unwrap().len();
    let (_, all) = ask(&running, "GET", "/_sandbox/requests", "").await;
    assert_eq!((shown(&all), all["requests"][0]["operation"].as_str()), (3, Some("GetStudio")));
    let (_, last) = ask(&running, "GET", "/_sandbox/requests?last=2", "").await;
    assert_eq!(shown(&last), 2);
    assert_eq!(ask(&running, "GET", "/_sandbox/requests?first=2", "").await.0, 400);
    assert_eq!(ask(&running, "DELETE", "/_sandbox/requests", "").await.0, 200);
    assert!(running.requests.recent().is_empty());
}

#[tokio::test]
async fn what_is_not_there_says_what_is() {
    let running = run().await;
    for path in ["/_sandbox", "/_sandbox/", "/_sandbox/fault", "/_sandbox/faults/"] {
        let (status, told) = ask(&running, "GET", path, "").await;
        assert_eq!(
            (status, told["paths"][0]["path"].as_str()),
            (404, Some("/_sandbox/faults")),
            "{path}"
        );
    }
    let (status, told) = ask(&running, "PUT", "/_sandbox/faults", "").await;
    assert_eq!(status, 405);
    assert_eq!(told["message"], "PUT is not possible here: valid are GET, POST, DELETE");
    let large = "#".repeat(100_000);
    let (status, _) = ask(&running, "POST", "/_sandbox/faults", &large).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn web_pages_and_foreign_names_are_kept_out() {
    let running = run().await;
    let own = format!("host: {}\r\n", running.address);
    let port = running.address.port();
    let plan = "[[fault]]\nkind = \"throttle\"\n";
    let refused = [
        format!("{own}origin: http://{}\r\n", running.address),
        format!("{own}origin: null\r\n"),
        format!("{own}sec-fetch-site: cross-site\r\n"),
        format!("host: sandbox.example.com:{port}\r\n"),
        format!("host: 127.0.0.1:{}\r\n", port - 1),
        "host: 127.0.0.1\r\n".to_owned(),
    ];
    for headers in &refused {
        for (method, path) in [
            ("POST", "/_sandbox/faults"),
            ("GET", "/_sandbox/requests"),
            ("DELETE", "/_sandbox/faults"),
        ] {
            let (status, told) = at_door(&running, method, path, headers, plan).await;
            assert_eq!(status, 403, "{method} {headers}: {told}");
        }
    }
    assert!(running.faults.list().is_empty());
    let here = format!("host: localhost:{port}\r\n");
    assert_eq!(at_door(&running, "POST", "/_sandbox/faults", &here, plan).await.0, 200);
}

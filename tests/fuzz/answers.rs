//! Every shape of answer from the service, with its members changed, through the real SDK.
//!
//! Whatever the service answers, a listing has what it says or a gap that says what it lacks, and a
//! call has an outcome. Nothing panics, and nothing that cannot be read is taken for "no sessions".

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use lightsout::clock::{Clock, SystemClock};
use lightsout::inventory::Session;
use lightsout::policy::{Brake, Connection, Settings, StudioPolicy};
use lightsout::provider::nimble::Connections;
use lightsout::provider::{ClientToken, Provider};
use lightsout::simulate::Chance;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{cases, chance};

const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";

/// How many of the cases are made here: each is a few calls over a socket.
const SHARE: u64 = 4;

fn session() -> Value {
    json!({
        "arn": "arn:aws:nimble:us-west-2:111122223333:streaming-session/s-1",
        "automaticTerminationMode": "DEACTIVATED", "backupMode": "AUTOMATIC",
        "createdAt": "2026-11-01T10:00:00Z", "createdBy": "a", "ec2InstanceType": "g5.4xlarge",
        "launchProfileId": "p-1", "maxBackupsToRetain": 3, "ownedBy": "a", "sessionId": "s-1",
        "sessionPersistenceMode": "ACTIVATED", "startedAt": "2026-11-20T10:00:00.5+01:00",
        "startedBy": "a", "startedFromBackupId": "b", "state": "READY",
        "statusCode": "STREAMING_SESSION_READY", "statusMessage": "ready",
        "stopAt": "2026-11-21T10:00:00Z", "stoppedAt": "2026-11-19T10:00:00Z", "stoppedBy": "a",
        "streamingImageId": "i-1", "tags": {"a": "b"}, "terminateAt": "2026-11-22T10:00:00Z",
        "updatedAt": "2026-11-20T10:00:00Z", "updatedBy": "a",
        "volumeConfiguration": {"size": 500, "iops": 3000, "throughput": 125},
        "volumeRetentionMode": "RETAIN"
    })
}

fn profile() -> Value {
    json!({
        "arn": "arn:aws:nimble:us-west-2:111122223333:launch-profile/p-1",
        "createdAt": "2026-11-01T10:00:00Z", "createdBy": "a", "description": "d",
        "ec2SubnetIds": ["s"], "launchProfileId": "p-1",
        "launchProfileProtocolVersions": ["2021-03-31"], "name": "Comp", "state": "READY",
        "statusCode": "LAUNCH_PROFILE_CREATED", "statusMessage": "m",
        "streamConfiguration": {
            "automaticTerminationMode": "DEACTIVATED", "clipboardMode": "ENABLED",
            "ec2InstanceTypes": ["g5.4xlarge"], "maxSessionLengthInMinutes": 690,
            "maxStoppedSessionLengthInMinutes": 0, "sessionBackup": {"mode": "AUTOMATIC", "maxBackupsToRetain": 1},
            "sessionPersistenceMode": "ACTIVATED", "sessionStorage": {"mode": ["UPLOAD"], "root": {"linux": "/"}},
            "streamingImageIds": ["i-1"], "volumeConfiguration": {"size": 500}
        },
        "studioComponentIds": ["c"], "tags": {}, "updatedAt": "2026-11-01T10:00:00Z",
        "updatedBy": "a", "validationResults": [{"state": "VALIDATION_SUCCESS", "statusCode": "VALIDATION_SUCCESS", "statusMessage": "m", "type": "VALIDATE_ACTIVE_DIRECTORY_STUDIO_COMPONENT"}]
    })
}

/// What is answered to a request, before it is changed.
fn answer(request: &str) -> Value {
    let path = request.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    if path.contains("/tags/") {
        json!({ "tags": { "a": "b" } })
    } else if last == "streaming-sessions" {
        json!({ "sessions": [session(), session()] })
    } else if path.contains("/streaming-sessions/") {
        json!({ "session": session() })
    } else if last == "launch-profiles" {
        json!({ "launchProfiles": [profile()] })
    } else if path.contains("/launch-profiles/") {
        json!({ "launchProfile": profile() })
    } else {
        json!({ "studio": { "arn": "arn:aws:nimble:us-west-2:111122223333:studio/a", "studioId": "a", "state": "READY" } })
    }
}

/// Changes members at random places.
fn change(chance: &mut Chance, value: &mut Value) {
    match value {
        Value::Object(members) if !members.is_empty() && !chance.once_in(6) => {
            let key = members.keys().nth(chance.below(members.len())).cloned().unwrap_or_default();
            if chance.once_in(4) {
                members.remove(&key);
            } else if let Some(member) = members.get_mut(&key) {
                change(chance, member);
            }
        }
        Value::Array(items) if !items.is_empty() && !chance.once_in(6) => {
            let which = chance.below(items.len());
            change(chance, &mut items[which]);
        }
        other => *other = strange(chance),
    }
}

fn strange(chance: &mut Chance) -> Value {
    let nested = || (0..100).fold(json!(1), |inner, _| json!([inner]));
    match chance.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(1.5e300),
        5 => json!(""),
        6 => json!("x".repeat(3_000)),
        7 => json!("\u{0}\u{202e}é"),
        8 => json!([]),
        9 => json!({}),
        10 => json!("0000-00-00T99:99:99Z"),
        _ => nested(),
    }
}

/// The answer to a request as bytes, whole or not.
fn response(chance: &mut Chance, request: &str) -> Vec<u8> {
    let mut body = answer(request);
    for _ in 0..chance.below(4) {
        change(chance, &mut body);
    }
    let mut body = body.to_string().into_bytes();
    match chance.below(12) {
        0 => body.truncate(chance.below(body.len() + 1)),
        1 => {
            let at = chance.below(body.len().max(1));
            if let Some(byte) = body.get_mut(at) {
                *byte = 0xff;
            }
        }
        2 => body.clear(),
        _ => {}
    }
    let status =
        chance.one_of(&["200 OK", "200 OK", "200 OK", "200 OK", "403 Forbidden", "418 What"]);
    let kind = chance.one_of(&[
        "",
        "x-amzn-errortype: AccessDeniedException\r\n",
        "x-amzn-errortype: ,;\r\n",
    ]);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{kind}content-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

async fn serve(listener: TcpListener, chance: Arc<Mutex<Chance>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(respond(stream, Arc::clone(&chance)));
    }
}

async fn respond(mut stream: TcpStream, chance: Arc<Mutex<Chance>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let answer = {
        let mut chance = chance.lock().unwrap();
        response(&mut chance, &String::from_utf8_lossy(&request))
    };
    // Whoever has gone away needs no answer.
    let _ = stream.write_all(&answer).await;
}

fn policy(url: String) -> StudioPolicy {
    let connection = Connection {
        region: "us-west-2".into(),
        account: Some("111122223333".into()),
        role_arn: None,
        external_id: None,
        profile: None,
        endpoint_url: Some(url),
    };
    StudioPolicy {
        id: STUDIO.into(),
        name: None,
        connection,
        settings: Settings::built_in(),
        rules: Vec::new(),
        brake: Brake::default(),
    }
}

#[test]
fn answers_of_the_service() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let draws = Arc::new(Mutex::new(chance(0)));
        tokio::spawn(serve(listener, Arc::clone(&draws)));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let studio = Connections::new(clock).connect(&policy(url));
        for case in 0..cases().div_ceil(SHARE) {
            *draws.lock().unwrap() = chance(case);
            let snapshot = studio.observe().await;
            let is_whole = snapshot.gaps.is_empty();
            // Two rows with one id are one session, and a row without an id is a gap.
            assert!(snapshot.sessions.len() <= 2 && (is_whole || snapshot.gaps.len() < 100));
            let seen: Option<Session> = snapshot.sessions.values().next().cloned();
            let read = studio.read(&"s-1".into()).await;
            let Some(session) = read.ok().or(seen) else { continue };
            let token = ClientToken(format!("token-{case}"));
            let at = session.start().unwrap_or(Timestamp::MIN);
            assert!(at >= Timestamp::MIN);
            drop(studio.stop(&session, &token).await);
            drop(studio.start(&session, &token).await);
            drop(studio.tag(&session, "a", "b").await);
        }
    });
}

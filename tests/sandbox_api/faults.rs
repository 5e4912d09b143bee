//! What the SDK makes of each fault.

use std::sync::Arc;

use aws_sdk_nimble::error::SdkError;
use aws_sdk_nimble::types::StreamingSessionState;
use lightsout::sandbox::world::Operation;
use lightsout::sandbox::{Fault, FaultRule};
use tokio::io::AsyncWriteExt;

use crate::running::{SESSION_ARN, SESSIONS, STUDIO, run};

#[tokio::test]
async fn each_error_fault_is_the_errors_own_variant() {
    let running = run().await;
    let mut seen = Vec::new();
    let faults = [
        Fault::Denied,
        Fault::QuotaExceeded,
        Fault::Conflict,
        Fault::Throttled,
        Fault::InternalError,
    ];
    for fault in faults {
        running.fault(fault);
        let error = running.get_studio_error().await;
        let status = error.raw_response().unwrap().status().as_u16();
        let error = error.into_service_error();
        let variant = (
            error.is_access_denied_exception(),
            error.is_service_quota_exceeded_exception(),
            error.is_conflict_exception(),
            error.is_throttling_exception(),
            error.is_internal_server_error_exception(),
        );
        seen.push((status, variant));
    }
    let expected = [
        (403, (true, false, false, false, false)),
        (402, (false, true, false, false, false)),
        (409, (false, false, true, false, false)),
        (429, (false, false, false, true, false)),
        (500, (false, false, false, false, true)),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn credentials_can_be_called_expired() {
    let running = run().await;
    running.fault(Fault::CredentialsExpired);
    let (_, answer) = running.raw("GET", SESSIONS, "", "").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("x-amzn-errortype: ExpiredTokenException\r\n"), "{answer}");
    assert!(answer.contains("The security token included in the request is expired"), "{answer}");
}

#[tokio::test]
async fn broken_answers_surface_as_the_sdk_sees_them() {
    let running = run().await;
    running.fault(Fault::Html503);
    assert_eq!(running.get_studio_error().await.raw_response().unwrap().status().as_u16(), 503);
    running.fault(Fault::TruncatedJson);
    let truncated = running.get_studio_error().await;
    assert_eq!(truncated.raw_response().unwrap().status().as_u16(), 200);
    running.fault(Fault::HugeBody { bytes: 3_000_000 });
    let huge = running.get_studio_error().await;
    assert_eq!(huge.raw_response().unwrap().status().as_u16(), 200);
    let (_, answer) = running.raw("GET", SESSIONS, "", "").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-length: 3000000"), "{head}");
    assert_eq!(body.len(), 3_000_000);
    assert!(body.starts_with(r#"{"sessions":[{"sessionId":"FILLER"#));
}

#[tokio::test]
async fn tokens_can_be_endless_or_repeat() {
    let running = run().await;
    let list = |token: Option<String>| {
        running.client.list_streaming_sessions().studio_id(STUDIO).set_next_token(token).send()
    };
    running.fault(Fault::EndlessToken);
    let first = list(None).await.unwrap();
    let second = list(first.next_token).await.unwrap();
    assert_eq!(second.sessions().len(), 0);
    assert!(second.next_token().unwrap().starts_with("endless-"));
    running.fault(Fault::RepeatingToken);
    let first = list(None).await.unwrap();
    let second = list(first.next_token.clone()).await.unwrap();
    assert_eq!((first.next_token(), first.sessions()), (second.next_token(), second.sessions()));
    assert_eq!(second.sessions().len(), 3);
}

#[tokio::test]
async fn a_lost_answer_has_its_effect() {
    let running = run().await;
    running.fault(Fault::LostAnswer);
    let stop =
        running.client.stop_streaming_session().studio_id(STUDIO).session_id("ready").send().await;
    assert!(matches!(stop.unwrap_err(), SdkError::DispatchFailure(_) | SdkError::ResponseError(_)));
    running.faults.clear();
    assert_eq!(running.state("ready").await, StreamingSessionState::StopInProgress);
    assert_eq!(running.requests.recent()[0].status, None);
}

#[tokio::test]
async fn silence_is_told_to_the_hook_and_nothing_happens() {
    let running = run().await;
    running.fault(Fault::Silence);
    let stop = running.client.stop_streaming_session().studio_id(STUDIO).session_id("ready").send();
    let silences = Arc::clone(&running.silences);
    let told = async {
        while silences.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = stop => panic!("there was an answer"),
        () = told => {}
    }
    let told = running.silences.lock().unwrap()[0].clone();
    let (invocation, attempt) = told.split_once('/').unwrap();
    assert_eq!((invocation.len(), attempt), (36, "1"));
    running.faults.clear();
    assert_eq!(running.state("ready").await, StreamingSessionState::Ready);
}

#[tokio::test]
async fn faults_keep_to_their_operation() {
    let running = run().await;
    running
        .faults
        .add(FaultRule::new(Fault::Denied).operation(Operation::StopStreamingSession).times(1));
    let stop =
        || running.client.stop_streaming_session().studio_id(STUDIO).session_id("ready").send();
    assert_eq!(running.state("ready").await, StreamingSessionState::Ready);
    assert!(stop().await.unwrap_err().into_service_error().is_access_denied_exception());
    assert!(stop().await.is_ok());
    running
        .faults
        .add(FaultRule::new(Fault::Denied).studio(STUDIO).operation(Operation::TagResource));
    let tag = running.client.tag_resource().resource_arn(SESSION_ARN).tags("a", "b").send().await;
    assert!(tag.unwrap_err().into_service_error().is_access_denied_exception());
}

#[tokio::test]
async fn a_connection_that_gave_up_waiting_leaves_its_place() {
    let running = run().await;
    running.fault(Fault::Silence);
    for _ in 0..1100 {
        let mut stream = tokio::net::TcpStream::connect(running.address).await.unwrap();
        let request = format!("GET /2020-08-01{SESSIONS} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    }
    running.faults.clear();
    assert_eq!(running.state("ready").await, StreamingSessionState::Ready);
}

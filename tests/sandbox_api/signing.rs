//! Signatures of the real SDK, which signs by itself: right, wrong, expired and out of time.

use std::collections::BTreeSet;

use aws_sdk_nimble::error::{ProvideErrorMetadata, SdkError};
use jiff::SignedDuration;
use lightsout::sandbox::{Credential, Credentials, Secret};

use crate::running::{Running, SESSION_ARN, SESSIONS, STUDIO, client, run_with, start};

type Key<'a> = (&'a str, &'a str, Option<&'a str>);

const DAEMON: Key<'_> = ("AKIDDAEMON", "secret/of+the=daemon", None);
const TEMPORARY: Key<'_> = ("ASIATEMPORARY", "another secret", Some("token/with+signs="));

/// A sandbox that knows two access keys; the second expires in an hour.
async fn guarded() -> Running {
    let credential = |key: Key<'_>, expires, principal: &str| Credential {
        access_key: key.0.to_owned(),
        secret: Secret::new(key.1),
        session_token: key.2.map(Secret::new),
        expires,
        principal: principal.to_owned(),
    };
    let hour = start() + SignedDuration::from_hours(1);
    let all = vec![
        credential(DAEMON, None, "AROADAEMON:lightsout"),
        credential(TEMPORARY, Some(hour), "AROAPERSON:somebody"),
    ];
    let credentials = Credentials::new(all).unwrap();
    run_with(|options| lightsout::sandbox::SandboxOptions {
        credentials: Some(credentials),
        ..options
    })
    .await
}

/// What a read of the studio by this key, signed so many seconds off, is refused with.
async fn refused(running: &Running, key: Key<'_>, seconds: i64) -> Option<(u16, String, String)> {
    let endpoint = format!("http://{}", running.address);
    let now = start() + SignedDuration::from_secs(seconds);
    let client = client(&endpoint, key, now);
    let error = client.get_studio().studio_id(STUDIO).send().await.err()?;
    let SdkError::ServiceError(error) = error else { panic!("{error:?}") };
    let status = error.raw().status().as_u16();
    let error = error.into_err();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Some((status, text(error.code()), text(error.message())))
}

#[tokio::test]
async fn each_kind_of_request_is_taken_and_shows_whose_it_is() {
    let running = guarded().await;
    let endpoint = format!("http://{}", running.address);
    for key in [DAEMON, TEMPORARY] {
        let client = client(&endpoint, key, start());
        let pages = client.list_streaming_sessions().studio_id(STUDIO).into_paginator();
        let pages: Vec<_> = pages.send().try_collect().await.unwrap();
        assert!(pages.len() > 1, "a page token was signed");
        let tag = client.tag_resource().resource_arn(SESSION_ARN).tags("a b", "c+d/e");
        tag.send().await.unwrap();
        let untag = client.untag_resource().resource_arn(SESSION_ARN);
        untag.tag_keys("a b").tag_keys("ü~").send().await.unwrap();
    }
    let daemon = client(&endpoint, DAEMON, start());
    let stop = daemon.stop_streaming_session().studio_id(STUDIO).session_id("ready");
    let stopped = stop.client_token("token").send().await.unwrap();
    assert_eq!(stopped.session().unwrap().stopped_by(), Some("AROADAEMON:lightsout"));
    let person = client(&endpoint, TEMPORARY, start());
    let start = person.start_streaming_session().studio_id(STUDIO).session_id("stopped");
    let started = start.send().await.unwrap();
    assert_eq!(started.session().unwrap().started_by(), Some("AROAPERSON:somebody"));
    let principals: BTreeSet<_> =
        running.requests.recent().into_iter().map(|request| request.principal).collect();
    let expected = ["AROADAEMON:lightsout", "AROAPERSON:somebody"];
    assert_eq!(principals, expected.map(|principal| Some(principal.to_owned())).into());
}

#[tokio::test]
async fn what_is_signed_otherwise_is_refused_as_the_service_does() {
    let running = guarded().await;
    let invalid =
        |message: &str| Some((403, "InvalidSignatureException".to_owned(), message.to_owned()));
    let unrecognized = Some((
        403,
        "UnrecognizedClientException".to_owned(),
        "The security token included in the request is invalid.".to_owned(),
    ));
    assert_eq!(refused(&running, DAEMON, 0).await, None);
    assert_eq!(refused(&running, TEMPORARY, 0).await, None);
    let wrong = refused(&running, (DAEMON.0, TEMPORARY.1, None), 0).await.unwrap();
    assert_eq!((wrong.0, wrong.1.as_str()), (403, "InvalidSignatureException"));
    assert!(wrong.2.starts_with("The request signature we calculated does not match"), "{wrong:?}");
    assert_eq!(refused(&running, ("AKIDNOBODY", DAEMON.1, None), 0).await, unrecognized);
    assert_eq!(refused(&running, (TEMPORARY.0, TEMPORARY.1, None), 0).await, unrecognized);
    assert_eq!(refused(&running, (TEMPORARY.0, TEMPORARY.1, Some("x")), 0).await, unrecognized);
    assert_eq!(refused(&running, (DAEMON.0, DAEMON.1, Some("x")), 0).await, unrecognized);
    for seconds in [300, -300] {
        assert_eq!(refused(&running, DAEMON, seconds).await, None);
    }
    assert_eq!(
        refused(&running, DAEMON, -301).await,
        invalid(
            "Signature expired: 20261120T195459Z is now earlier than 20261120T195500Z (20261120T200000Z - 5 min.)"
        )
    );
    assert_eq!(
        refused(&running, DAEMON, 301).await,
        invalid(
            "Signature not yet current: 20261120T200501Z is still later than 20261120T200500Z (20261120T200000Z + 5 min.)"
        )
    );
    running.pass(3600);
    let expired = refused(&running, TEMPORARY, 3600).await.unwrap();
    assert_eq!((expired.0, expired.1.as_str()), (403, "ExpiredTokenException"));
    assert_eq!(refused(&running, DAEMON, 3600).await, None);
}

#[tokio::test]
async fn what_is_not_signed_is_refused_and_changes_nothing() {
    let running = guarded().await;
    let (status, answer) = running.raw("GET", SESSIONS, "", "").await;
    assert_eq!(status, 403);
    assert!(answer.contains("x-amzn-errortype: MissingAuthenticationTokenException"), "{answer}");
    assert!(answer.contains("date: Fri, 20 Nov 2026 20:00:00 GMT"), "{answer}");
    let basic = "authorization: Basic dXNlcjpzM2NyZXQ=\r\n";
    let (status, answer) =
        running.raw("POST", &format!("{SESSIONS}/ready/stop"), basic, "{}").await;
    assert_eq!(status, 403);
    assert!(answer.contains("x-amzn-errortype: IncompleteSignatureException"), "{answer}");
    assert!(!answer.contains("dXNlcjpzM2NyZXQ"), "{answer}");
    assert_eq!(running.world.lock().unwrap().effects().len(), 0);
    assert!(running.requests.recent().iter().all(|request| request.principal.is_none()));
}

#[tokio::test]
async fn a_server_whose_clock_is_off_refuses_good_signatures() {
    let running = guarded().await;
    running.plan("[[fault]]\nkind = \"clock_skew\"\nby = \"6m\"");
    let off = refused(&running, DAEMON, 0).await.unwrap();
    assert_eq!(off.1, "InvalidSignatureException");
    assert_eq!(refused(&running, DAEMON, 360).await, None);
}

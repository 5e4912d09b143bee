//! Every shape of answer from the service, with its members changed, through the real SDK.
//!
//! Whatever the service answers, a listing has what it says or a gap that says what it lacks, and a
//! call has an outcome. Nothing panics, and nothing that cannot be read is taken for "no sessions".

use std::panic::{AssertUnwindSafe, catch_unwind};

use lightsout::simulate::Chance;
use serde_json::{Value, json};

use crate::api::{self, END, Operation, message};
use crate::{cases, chance};

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

fn member() -> Value {
    json!({
        "identityStoreId": "d-1", "persona": "ADMINISTRATOR", "principalId": "a", "sid": "S-1-5-21"
    })
}

/// What is answered to an operation, before it is changed.
fn answer(operation: Operation) -> Value {
    match operation {
        Operation::GetStudio => json!({ "studio": {
            "arn": "arn:aws:nimble:us-west-2:111122223333:studio/a", "studioId": "a", "state": "READY"
        } }),
        Operation::ListLaunchProfiles => json!({ "launchProfiles": [profile()] }),
        Operation::ListStreamingSessions => json!({ "sessions": [session(), session()] }),
        Operation::GetStreamingSession
        | Operation::StopStreamingSession
        | Operation::StartStreamingSession => json!({ "session": session() }),
        Operation::GetLaunchProfile => json!({ "launchProfile": profile() }),
        Operation::TagResource | Operation::UntagResource => json!({}),
        Operation::ListStudioMembers => json!({ "members": [member()] }),
        Operation::GetStudioMember => json!({ "member": member() }),
        Operation::ListStudios => json!({ "studios": [{
            "adminRoleArn": "arn:aws:iam::111122223333:role/a",
            "arn": "arn:aws:nimble:us-west-2:111122223333:studio/a",
            "createdAt": "2026-11-01T10:00:00Z", "displayName": "A", "homeRegion": "us-west-2",
            "state": "READY", "statusCode": "STUDIO_CREATED", "studioId": "a", "studioName": "a"
        }] }),
        Operation::UpdateLaunchProfile => json!({ "launchProfile": profile() }),
    }
}

/// Every operation answered as it should be.
pub(crate) fn whole() -> Vec<u8> {
    let headers = ["content-type: application/json", "x-amzn-requestid: r-1"];
    let whole = |operation: Operation| {
        message(operation, "200", &headers, answer(operation).to_string().as_bytes())
    };
    Operation::ALL.map(whole).join(&END)
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

/// An answer to an operation as bytes, whole or not.
fn changed(chance: &mut Chance, operation: Operation) -> Vec<u8> {
    let mut body = answer(operation);
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
    let status = chance.one_of(&["200", "200", "200", "200", "403", "418", "503"]);
    let kind = chance.one_of(&[
        "x-amzn-requestid: r-1",
        "x-amzn-errortype: AccessDeniedException",
        "x-amzn-errortype: ExpiredTokenException",
        "x-amzn-errortype: ,;",
    ]);
    message(operation, status, &["content-type: application/json", kind], &body)
}

#[test]
fn answers_of_the_service_with_other_members() {
    for case in 0..cases() {
        let mut chance = chance(case);
        let bytes = Operation::ALL.map(|operation| changed(&mut chance, operation)).join(&END);
        if catch_unwind(AssertUnwindSafe(|| api::api(&bytes))).is_err() {
            panic!("api, case {case}: {:?}", String::from_utf8_lossy(&bytes));
        }
    }
}

//! Every constraint of the model, as a table of requests that are wrong in one member.

use serde_json::{Value, json};

use crate::running::run;

const PROFILES: &str = "/studios/us-west-2%3Astid-EXAMPLE11111/launch-profiles";
const STUDIO_PATH: &str = "/studios/us-west-2%3Astid-EXAMPLE11111";

/// A body with everything that CreateLaunchProfile may have.
fn profile() -> Value {
    json!({
        "description": "d",
        "ec2SubnetIds": ["subnet-1"],
        "launchProfileProtocolVersions": ["2021-03-31"],
        "name": "n",
        "streamConfiguration": {
            "automaticTerminationMode": "ACTIVATED",
            "clipboardMode": "ENABLED",
            "ec2InstanceTypes": ["g5.xlarge"],
            "maxSessionLengthInMinutes": 690,
            "maxStoppedSessionLengthInMinutes": 60,
            "sessionBackup": { "mode": "AUTOMATIC", "maxBackupsToRetain": 10 },
            "sessionPersistenceMode": "ACTIVATED",
            "sessionStorage": { "mode": ["UPLOAD"], "root": { "linux": "/a", "windows": "C:/a" } },
            "streamingImageIds": ["linux"],
            "volumeConfiguration": { "iops": 3000, "size": 100, "throughput": 125 },
        },
        "studioComponentIds": ["files"],
        "tags": { "a": "b" },
    })
}

fn times(count: usize, item: &str) -> Value {
    Value::from(vec![item; count])
}

#[tokio::test]
async fn each_member_of_a_launch_profile_has_its_bounds() {
    let running = run().await;
    let stream = |member: &str| format!("/streamConfiguration/{}", member.replace('.', "/"));
    let long = |count: usize| Value::from("x".repeat(count));
    let cases: Vec<(String, Value)> = vec![
        ("/name".into(), long(65)),
        ("/name".into(), long(0)),
        ("/name".into(), Value::Null),
        ("/name".into(), json!(5)),
        ("/description".into(), long(257)),
        ("/ec2SubnetIds".into(), times(7, "subnet-1")),
        ("/ec2SubnetIds".into(), json!("subnet-1")),
        ("/launchProfileProtocolVersions".into(), json!(["2020-01-01"])),
        ("/studioComponentIds".into(), json!([])),
        ("/studioComponentIds".into(), times(101, "files")),
        ("/tags".into(), json!({"a": 1})),
        (stream("automaticTerminationMode"), json!("ON")),
        (stream("clipboardMode"), json!("ON")),
        (stream("clipboardMode"), Value::Null),
        (stream("ec2InstanceTypes"), json!([])),
        (stream("ec2InstanceTypes"), times(31, "g5.xlarge")),
        (stream("ec2InstanceTypes"), json!(["t2.micro"])),
        (stream("maxSessionLengthInMinutes"), json!(0)),
        (stream("maxSessionLengthInMinutes"), json!(43_201)),
        (stream("maxStoppedSessionLengthInMinutes"), json!(-1)),
        (stream("maxStoppedSessionLengthInMinutes"), json!(5_761)),
        (stream("maxStoppedSessionLengthInMinutes"), json!(1.5)),
        (stream("sessionBackup/mode"), json!("ALWAYS")),
        (stream("sessionBackup/maxBackupsToRetain"), json!(11)),
        (stream("sessionPersistenceMode"), json!(true)),
        (stream("sessionStorage/mode"), json!([])),
        (stream("sessionStorage/mode"), json!(["DOWNLOAD"])),
        (stream("sessionStorage.root.linux"), json!("relative/path")),
        (stream("sessionStorage.root.linux"), json!(format!("/{}", "x".repeat(128)))),
        (stream("sessionStorage.root.windows"), json!("C:")),
        (stream("streamingImageIds"), json!([])),
        (stream("streamingImageIds"), times(21, "linux")),
        (stream("streamingImageIds"), json!(["x".repeat(23)])),
        (stream("streamingImageIds"), json!(["a b"])),
        (stream("volumeConfiguration/iops"), json!(2_999)),
        (stream("volumeConfiguration/iops"), json!(16_001)),
        (stream("volumeConfiguration/size"), json!(99)),
        (stream("volumeConfiguration/size"), json!(16_001)),
        (stream("volumeConfiguration/throughput"), json!(124)),
        (stream("volumeConfiguration/throughput"), json!(1_001)),
    ];
    for (pointer, value) in cases {
        let mut body = profile();
        *body.pointer_mut(&pointer).unwrap() = value;
        let (status, about) = running.refusal("POST", PROFILES, &body.to_string()).await;
        assert_eq!(status, 400, "{pointer}");
        let named = about.split('[').next().unwrap().replace('.', "/");
        let said = format!("/{named}");
        assert!(said == pointer || said == format!("{pointer}/a"), "{pointer}: {about}");
    }
    let (status, _) = running.raw("POST", PROFILES, "", &profile().to_string()).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn what_is_required_is_missed_and_what_is_unknown_is_refused() {
    let running = run().await;
    for member in [
        "ec2SubnetIds",
        "launchProfileProtocolVersions",
        "name",
        "streamConfiguration",
        "studioComponentIds",
    ] {
        let mut body = profile();
        body.as_object_mut().unwrap().remove(member);
        let refused = running.refusal("POST", PROFILES, &body.to_string()).await;
        assert_eq!(refused, (400, member.to_owned()));
    }
    let mut body = profile();
    body["streamConfiguration"]["volumeConfiguration"]["colour"] = json!("red");
    let refused = running.refusal("POST", PROFILES, &body.to_string()).await;
    assert_eq!(refused, (400, "streamConfiguration.volumeConfiguration.colour".to_owned()));
}

#[tokio::test]
async fn each_other_request_has_its_bounds() {
    let running = run().await;
    let path = |rest: &str| format!("{STUDIO_PATH}/{rest}");
    let member = json!({"persona": "ADMINISTRATOR", "principalId": "a"});
    let cases = [
        ("POST", "membership", json!({"members": [member]}), "identityStoreId"),
        ("POST", "membership", json!({"identityStoreId": "d"}), "members"),
        ("POST", "membership", json!({"identityStoreId": "d", "members": []}), "members"),
        (
            "POST",
            "membership",
            json!({"identityStoreId": "d", "members": vec![member; 21]}),
            "members",
        ),
        (
            "POST",
            "membership",
            json!({"identityStoreId": "d", "members": [{"persona": "USER", "principalId": "a"}]}),
            "members[0].persona",
        ),
        (
            "POST",
            "launch-profiles/old/membership",
            json!({"identityStoreId": "d", "members": [{"persona": "USER"}]}),
            "members[0].principalId",
        ),
        ("PATCH", "launch-profiles/persistent/membership/lead", json!({}), "persona"),
        (
            "PATCH",
            "launch-profiles/persistent/membership/lead",
            json!({"persona": "ADMINISTRATOR"}),
            "persona",
        ),
        ("PATCH", "launch-profiles/old", json!({"name": ""}), "name"),
        ("PATCH", "launch-profiles/old", json!({"ec2SubnetIds": []}), "ec2SubnetIds"),
        ("PATCH", "launch-profiles/old", json!({"studioComponentIds": []}), "studioComponentIds"),
        (
            "PATCH",
            "launch-profiles/old",
            json!({"streamConfiguration": {"clipboardMode": "ENABLED", "streamingImageIds": ["a"]}}),
            "streamConfiguration.ec2InstanceTypes",
        ),
        ("POST", "streaming-sessions", json!({}), "launchProfileId"),
        (
            "POST",
            "streaming-sessions",
            json!({"launchProfileId": "old", "ec2InstanceType": "t2.micro"}),
            "ec2InstanceType",
        ),
        (
            "POST",
            "streaming-sessions",
            json!({"launchProfileId": "old", "streamingImageId": "x".repeat(23)}),
            "streamingImageId",
        ),
        (
            "POST",
            "streaming-sessions",
            json!({"launchProfileId": "old", "tags": {"aws:x": "y"}}),
            "tags",
        ),
        (
            "POST",
            "streaming-sessions/ready/streams",
            json!({"expirationInSeconds": 59}),
            "expirationInSeconds",
        ),
        (
            "POST",
            "streaming-sessions/ready/streams",
            json!({"expirationInSeconds": 3601}),
            "expirationInSeconds",
        ),
        ("POST", "streaming-sessions/ready/start", json!({"backupId": 1}), "backupId"),
        ("DELETE", "streaming-sessions/ready", json!({"force": true}), "force"),
        ("DELETE", "launch-profiles/old", json!({"force": true}), "force"),
        ("GET", "membership?maxResults=0", json!({}), "maxResults"),
        ("GET", "membership?maxResults=101", json!({}), "maxResults"),
        ("GET", "launch-profiles/old/membership?maxResults=x", json!({}), "maxResults"),
        ("GET", "studio-components?types=DISK", json!({}), "types[0]"),
        ("GET", "studio-components?states=READY&states=x", json!({}), "states[1]"),
        ("GET", "streaming-images?maxResults=1", json!({}), "maxResults"),
        ("GET", "streaming-session-backups?sessionId=x", json!({}), "sessionId"),
        ("GET", "streaming-session-backups?nextToken=forged", json!({}), "nextToken"),
        ("GET", "membership/chief?x=1", json!({}), "x"),
    ];
    for (method, rest, body, about) in cases {
        let refused = running.refusal(method, &path(rest), &body.to_string()).await;
        assert_eq!(refused, (400, about.to_owned()), "{method} {rest} {body}");
    }
    assert_eq!(running.world.lock().unwrap().effects().len(), 0);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let running = run().await;
    for (method, rest, about) in [
        ("GET", "/studios/none/membership", "none"),
        ("GET", "/studios/none/streaming-images", "none"),
        ("GET", "/studios/none/studio-components", "none"),
        ("GET", "/studios/none/streaming-session-backups", "none"),
        ("GET", "/studios/us-west-2%3Astid-EXAMPLE11111/launch-profiles/x/details", "x"),
        ("GET", "/studios/us-west-2%3Astid-EXAMPLE11111/launch-profiles/x/membership", "x"),
        ("PATCH", "/studios/us-west-2%3Astid-EXAMPLE11111/launch-profiles/x", "x"),
        ("DELETE", "/studios/us-west-2%3Astid-EXAMPLE11111/launch-profiles/x", "x"),
        ("DELETE", "/studios/us-west-2%3Astid-EXAMPLE11111/membership/x", "x"),
        ("POST", "/studios/us-west-2%3Astid-EXAMPLE11111/streaming-sessions/x/streams", "x"),
        ("GET", "/studios/us-west-2%3Astid-EXAMPLE11111/streaming-session-backups/x", "x"),
    ] {
        let refused = running.refusal(method, rest, "").await;
        assert_eq!(refused, (404, about.to_owned()), "{method} {rest}");
    }
}

//! A running sandbox, a client of it, and requests written by hand.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_nimble::Client;
use aws_sdk_nimble::config::retry::RetryConfig;
use aws_sdk_nimble::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_nimble::error::SdkError;
use aws_sdk_nimble::operation::get_studio::GetStudioError;
use aws_sdk_nimble::types::StreamingSessionState;
use aws_smithy_async::time::StaticTimeSource;
use jiff::{SignedDuration, Timestamp};
use lightsout::sandbox::{
    Fault, FaultRule, Faults, Requests, Sandbox, SandboxOptions, World, faultplan, worldfile,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const SESSIONS: &str = "/studios/us-west-2%3Astid-EXAMPLE11111/streaming-sessions";
pub(crate) const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";
pub(crate) const SESSION_ARN: &str =
    "arn:aws:nimble:us-west-2:111122223333:streaming-session/ready";
pub(crate) const WORLD: &str = r#"
[settings]
page_size = 3
stop_time = "90s"
start_time = "4m"

[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
account = "111122223333"
name = "feature"
display_name = "Feature Animation"
created = "2021-06-01T17:00:00Z"
admin_role_arn = "arn:aws:iam::111122223333:role/admin"
user_role_arn = "arn:aws:iam::111122223333:role/user"
sso_client_id = "ins-1"
encryption = { key_type = "CUSTOMER_MANAGED_KEY", key_arn = "arn:aws:kms:us-west-2:111122223333:key/k" }
session_quota = 9
launch_profile_quota = 5
member_quota = 25

[[studio.member]]
id = "chief"
sid = "S-1-5-21-1"

[[studio.image]]
id = "linux"
name = "Linux"
description = "for all"
platform = "LINUX"
eulas = ["eula"]
encryption = { key_type = "CUSTOMER_MANAGED_KEY", key_arn = "arn:aws:kms:us-west-2:111122223333:key/k" }

[[studio.image]]
id = "making"
state = "CREATE_IN_PROGRESS"
status_code = "STREAMING_IMAGE_CREATE_IN_PROGRESS"
status_message = "being made"

[[studio.image]]
id = "base"
owner = "amazon"
platform = "WINDOWS"

[[studio.component]]
id = "directory"
name = "Directory"
type = "ACTIVE_DIRECTORY"
subtype = "AWS_MANAGED_MICROSOFT_AD"
active_directory = { directory_id = "d-1", organizational_unit = "OU=a", computer_attributes = { dept = "comp" } }

[[studio.component]]
id = "files"
name = "Files"
description = "projects"
type = "SHARED_FILE_SYSTEM"
subtype = "AMAZON_FSX_FOR_LUSTRE"
created = "2021-06-01T17:00:00Z"
created_by = "chief"
security_groups = ["sg-1"]
runtime_role_arn = "arn:aws:iam::111122223333:role/runtime"
secure_initialization_role_arn = "arn:aws:iam::111122223333:role/start"
script_parameters = { mode = "ro" }
shared_file_system = { endpoint = "e", file_system_id = "fs-1", linux_mount_point = "/p", share_name = "s", windows_mount_drive = "P" }
tags = { a = "b" }
[[studio.component.script]]
platform = "LINUX"
run = "USER_INITIALIZATION"
script = "mount /p"

[[studio.component]]
id = "farm"
name = "Farm"
type = "COMPUTE_FARM"
state = "UPDATE_FAILED"
status_code = "INTERNAL_ERROR"
status_message = "no"
compute_farm = { endpoint = "e", active_directory_user = "render" }

[[studio.component]]
id = "licences"
name = "Licences"
type = "LICENSE_SERVICE"
license_service = { endpoint = "e" }

[[studio.profile]]
id = "old"
name = "Old Comp"
max_stopped_session_length_in_minutes = 240
max_session_length_in_minutes = 2880

[[studio.profile]]
id = "persistent"
name = "Persistent"
session_persistence_mode = "ACTIVATED"
automatic_termination_mode = "DEACTIVATED"
volume = { size = 500 }
backup_mode = "AUTOMATIC"
max_backups_to_retain = 2
members = ["lead"]
components = ["directory", "files"]
streaming_images = ["linux"]

[[studio.profile]]
id = "updating"
name = "Updating"
state = "UPDATE_IN_PROGRESS"

[[studio.profile]]
id = "zz-last"
name = "Last"

[[studio.session]]
id = "ready"
profile = "old"
owner = "artist"
started = "-9h"
created = "-30d"
tags = { tier = "gold" }

[[studio.session]]
id = "stopped"
profile = "persistent"
state = "STOPPED"
started = "-9h"
stopped = "-1h"
owner = "other"

[[studio.backup]]
id = "first"
session = "stopped"
created = "-2d"
tags = { a = "b" }

[[studio.generate]]
count = 6
profile = "old"
started = "-2h"
"#;

/// A running sandbox whose clock moves only when it is told to.
pub(crate) struct Running {
    pub(crate) client: Client,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
    pub(crate) seconds: Arc<AtomicI64>,
    pub(crate) silences: Arc<Mutex<Vec<String>>>,
    pub(crate) server: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(crate) fn start() -> Timestamp {
    "2026-11-20T20:00:00Z".parse().unwrap()
}

pub(crate) async fn run() -> Running {
    run_with(|options| options).await
}

/// A running sandbox with other options.
pub(crate) async fn run_with(change: impl FnOnce(SandboxOptions) -> SandboxOptions) -> Running {
    let loaded = worldfile::parse(WORLD, "world.toml", start()).unwrap();
    let page_size = loaded.page_size.unwrap();
    run_in(loaded.world, |options| change(SandboxOptions { page_size, ..options })).await
}

/// A running sandbox of another world.
pub(crate) async fn run_in(
    world: World,
    change: impl FnOnce(SandboxOptions) -> SandboxOptions,
) -> Running {
    let seconds = Arc::new(AtomicI64::new(0));
    let silences = Arc::new(Mutex::new(Vec::new()));
    let (clock_seconds, told) = (Arc::clone(&seconds), Arc::clone(&silences));
    let clock = move || start() + SignedDuration::from_secs(clock_seconds.load(Ordering::Relaxed));
    let options = SandboxOptions {
        on_silence: Some(Arc::new(move |text: &str| told.lock().unwrap().push(text.to_owned()))),
        ..SandboxOptions::new(Arc::new(clock))
    };
    let options = change(options);
    let sandbox = Sandbox::bind("127.0.0.1:0".parse().unwrap(), world, options).await.unwrap();
    let (address, world, faults, requests) =
        (sandbox.local_addr(), sandbox.world(), sandbox.faults(), sandbox.requests());
    let client = client(&sandbox.endpoint_url(), ("AKIDEXAMPLE", "secret", None), start());
    let server = tokio::spawn(sandbox.serve(std::future::pending()));
    Running { client, address, world, faults, requests, seconds, silences, server }
}

/// A client with an access key, its secret and perhaps a token, which signs as of an instant.
pub(crate) fn client(
    endpoint: &str,
    (key, secret, token): (&str, &str, Option<&str>),
    at: Timestamp,
) -> Client {
    let token = token.map(str::to_owned);
    let config = aws_sdk_nimble::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-west-2"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(key, secret, token, None, "test"))
        .time_source(StaticTimeSource::new(at.into()))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

pub(crate) fn instant(at: Option<&aws_sdk_nimble::primitives::DateTime>) -> Timestamp {
    Timestamp::from_second(at.unwrap().secs()).unwrap()
}

impl Running {
    pub(crate) fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.faults.clear();
        self.faults.add(FaultRule::new(fault).studio(STUDIO));
    }

    /// Puts the rules of a fault plan in the place of those before.
    pub(crate) fn plan(&self, text: &str) {
        self.faults.clear();
        for rule in faultplan::parse(text, "faults.toml").unwrap() {
            self.faults.add(rule);
        }
    }

    pub(crate) async fn state(&self, session: &str) -> StreamingSessionState {
        let got = self
            .client
            .get_streaming_session()
            .studio_id(STUDIO)
            .session_id(session)
            .send()
            .await
            .unwrap();
        got.session().unwrap().state().unwrap().clone()
    }

    /// What the refusal of a request written by hand is about: its status, and the member that is
    /// wrong or the resource.
    pub(crate) async fn refusal(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let (status, answer) = self.raw(method, path, "", body).await;
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let about = |name| body["context"][name].as_str().map(str::to_owned);
        (status, about("parameter").or_else(|| about("resourceId")).unwrap_or_default())
    }

    pub(crate) async fn get_studio_error(&self) -> SdkError<GetStudioError> {
        self.client.get_studio().studio_id(STUDIO).send().await.unwrap_err()
    }

    /// The status and the whole answer to a request written by hand.
    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} /2020-08-01{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, answer)
    }
}

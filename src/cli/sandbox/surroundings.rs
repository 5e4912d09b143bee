//! What surrounds the operations of `lightsout sandbox`: faults, the log of requests, and whose
//! requests are taken.
//!
//! Secrets come from the environment alone, since everybody on a machine sees the arguments of a
//! process.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::Failure;
use crate::sandbox::{
    Credential, Credentials, FaultRule, PRINCIPAL, RequestLog, SandboxOptions, Secret, faultplan,
};

/// The environment variable of the secret access key. With several access keys, each has its own, with
/// `_` and the access key at the end.
const SECRET: &str = "LIGHTSOUT_SANDBOX_SECRET";
/// The environment variable of the session token, with the same ending.
const SESSION_TOKEN: &str = "LIGHTSOUT_SANDBOX_SESSION_TOKEN";

#[derive(Debug, clap::Args)]
pub(super) struct Surroundings {
    /// What the sandbox does wrong, and to which requests: a fault plan (docs/sandbox.md).
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,

    /// Where each request is written as a line of JSON, with what it breaks of the contract; `-` is
    /// standard error. A file is added to.
    #[arg(long, value_name = "FILE")]
    request_log: Option<PathBuf>,

    /// Takes only requests that are signed with this access key, and shows PRINCIPAL as who made them.
    /// May be given several times. The secret comes from LIGHTSOUT_SANDBOX_SECRET, a session token from
    /// LIGHTSOUT_SANDBOX_SESSION_TOKEN; with several keys, each name ends in `_` and the key.
    #[arg(long = "access-key", value_name = "ID[=PRINCIPAL]")]
    access_keys: Vec<String>,

    /// When the session tokens expire.
    #[arg(long, value_name = "TIME", requires = "access_keys")]
    credentials_expire: Option<Timestamp>,
}

impl Surroundings {
    /// The rules of the fault plan; none where there is no plan.
    pub(super) fn rules(&self) -> Result<Vec<FaultRule>, Failure> {
        let Some(path) = &self.faults else { return Ok(Vec::new()) };
        let text = super::read(path, "a fault plan")?;
        faultplan::parse(&text, &path.display().to_string())
            .map_err(|error| Failure::Usage(error.to_string()))
    }

    /// Takes over what is asked for.
    pub(super) fn applied(&self, options: SandboxOptions) -> Result<SandboxOptions, Failure> {
        let request_log = self.request_log.as_deref().map(open).transpose()?;
        let credentials = match self.access_keys[..] {
            [] => None,
            _ => Some(self.credentials(|name| std::env::var(name).ok())?),
        };
        Ok(SandboxOptions { request_log, credentials, ..options })
    }

    fn credentials(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Credentials, Failure> {
        let is_alone = self.access_keys.len() == 1;
        let find = |name: &str, key: &str| {
            let own = variable(&format!("{name}_{key}"));
            own.or_else(|| variable(name).filter(|_| is_alone))
        };
        let mut all = Vec::new();
        for text in &self.access_keys {
            let (key, principal) = text.split_once('=').unwrap_or((text, PRINCIPAL));
            let secret = find(SECRET, key).ok_or_else(|| no_secret(is_alone))?;
            let session_token = find(SESSION_TOKEN, key).map(Secret::new);
            all.push(Credential {
                access_key: key.to_owned(),
                secret: Secret::new(secret),
                expires: self.credentials_expire.filter(|_| session_token.is_some()),
                session_token,
                principal: principal.to_owned(),
            });
        }
        Credentials::new(all).map_err(|error| Failure::Usage(format!("--access-key: {error}")))
    }
}

fn no_secret(is_alone: bool) -> Failure {
    let ending = if is_alone { "" } else { "_ACCESSKEYID, one for each access key" };
    Failure::Usage(format!(
        "--access-key needs its secret in the environment: set {SECRET}{ending}"
    ))
}

/// Opens a log of requests to add to it. It is for its owner alone: client tokens are in it.
fn open(path: &Path) -> Result<RequestLog, Failure> {
    if path == Path::new("-") {
        return Ok(RequestLog::new(io::stderr()));
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let file = file.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    Ok(RequestLog::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(keys: &[&str], variables: &[(&str, &str)]) -> String {
        let surroundings = Surroundings {
            faults: None,
            request_log: None,
            access_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            credentials_expire: None,
        };
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        match surroundings.credentials(variable) {
            Ok(credentials) => format!("{credentials:?}"),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn secrets_come_from_the_environment_each_for_its_key() {
        let plain = ("LIGHTSOUT_SANDBOX_SECRET", "s3cret");
        let (one, two) =
            (("LIGHTSOUT_SANDBOX_SECRET_A", "s3cret"), ("LIGHTSOUT_SANDBOX_SECRET_B", "s3cret"));
        let token = ("LIGHTSOUT_SANDBOX_SESSION_TOKEN_A", "s3cret");
        let good = [
            told(&["A"], &[plain]),
            told(&["A=AROA:daemon"], &[one, token]),
            told(&["A", "B=somebody"], &[one, two]),
        ];
        for text in &good {
            assert!(text.starts_with("Credentials") && !text.contains("s3cret"), "{text}");
        }
        assert!(good[0].contains(PRINCIPAL) && good[1].contains("AROA:daemon"), "{good:?}");
        assert!(good[1].contains("Some(Secret(***))"), "{good:?}");
        let bad = [
            told(&["A"], &[]),
            told(&["A", "B"], &[plain, one]),
            told(&["A"], &[("LIGHTSOUT_SANDBOX_SECRET", "")]),
            told(&["A/s3cret"], &[plain]),
            told(&["A="], &[plain]),
            told(&["A", "A=b"], &[one]),
        ];
        insta::assert_snapshot!(bad.join("\n"), @"
        --access-key needs its secret in the environment: set LIGHTSOUT_SANDBOX_SECRET
        --access-key needs its secret in the environment: set LIGHTSOUT_SANDBOX_SECRET_ACCESSKEYID, one for each access key
        --access-key: access key A has an empty secret or session token
        --access-key: access key 1 of those given is not one: it has 1 to 128 letters, digits and _
        --access-key: access key A has an empty principal
        --access-key: access key A is there twice
        ");
    }
}

//! The service: whether it can be reached, whose studios it shows, what it permits, what time it is there.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::SignedDuration;

use super::super::Failure;
use super::Finding;
use crate::clock::Clock;
use crate::inventory::Problem;
use crate::policy::{Mode, Policy, StudioPolicy};
use crate::provider::ProviderError;
use crate::provider::nimble::{Call, Connections, Examined, Tried};

/// Further apart nothing is stopped or started: it may be another day here than there.
const APART_MAX: SignedDuration = SignedDuration::from_mins(2);

/// So far apart no two clocks should be that are set by a service.
const APART_USUALLY: SignedDuration = SignedDuration::from_secs(10);

pub(super) fn examine(policy: &Policy, clock: &Arc<dyn Clock>) -> Result<Vec<Finding>, Failure> {
    let connections = Connections::new(Arc::clone(clock));
    let found = super::super::runtime()?.block_on(async {
        let each = policy.studios.values().map(async |studio| {
            let examined = connections.connect(studio).examine(enforces(studio)).await;
            of_studio(studio, &examined)
        });
        join_all(each).await
    });
    Ok(found.into_iter().flatten().collect())
}

/// Whether any session of a studio may be acted upon.
fn enforces(studio: &StudioPolicy) -> bool {
    let rules = studio.rules.iter().map(|rule| rule.settings.mode);
    rules.chain([studio.settings.mode]).any(|mode| mode == Mode::Enforce)
}

fn of_studio(studio: &StudioPolicy, examined: &Examined) -> Vec<Finding> {
    let label = studio.label();
    let about = |what: &str| format!("{label}: {what}");
    let Some((_, first)) = examined.calls.first() else { return Vec::new() };
    if let Tried::Unclear(error) = first {
        return vec![unanswered(about("service"), error)];
    }
    let took = examined.took.as_millis();
    let mut findings = vec![Finding::ok(about("service"), format!("it answered in {took} ms"))];
    findings.push(account(about("account"), studio, examined));
    findings.push(clocks(about("clock"), examined.ahead));
    findings.push(permissions(about("permissions"), &examined.calls));
    findings
}

/// Why there is no answer, and what that usually comes of.
fn unanswered(about: String, error: &ProviderError) -> Finding {
    let advice = match error.problem {
        Problem::NoCredentials => {
            "give the daemon's user credentials: a role of the host, a profile, or its environment"
        }
        Problem::CredentialsExpired => "renew the credentials; a role does that by itself",
        Problem::Unreachable | Problem::TimedOut => {
            "see whether endpoint_url and region are right, and whether a proxy or firewall is in the way"
        }
        Problem::Throttled | Problem::ServerError => "try again in a while",
        _ => "see whether id, region and endpoint_url are right",
    };
    Finding::failed(about, error.to_string(), advice)
}

fn account(about: String, studio: &StudioPolicy, examined: &Examined) -> Finding {
    match (&studio.connection.account, &examined.account) {
        (Some(wanted), Some(found)) if wanted == found => Finding::ok(about, found.to_string()),
        (Some(wanted), Some(found)) => Finding::failed(
            about,
            format!("account {found} answers, and the policy says {wanted}"),
            "nothing is stopped there until one of both is put right",
        ),
        (Some(wanted), None) => Finding::failed(
            about,
            format!("it does not say whose it is, and the policy says {wanted}"),
            "nothing is stopped there until it does",
        ),
        (None, Some(found)) => Finding::warning(
            about,
            format!("account {found} answers, and the policy names none"),
            format!(
                "write account = \"{found}\", so that another one's machines are never stopped"
            ),
        ),
        (None, None) => Finding::warning(
            about,
            "it does not say whose it is",
            "look whether the endpoint is the right one",
        ),
    }
}

fn clocks(about: String, ahead: Option<SignedDuration>) -> Finding {
    let advice = "see to the service that sets this machine's clock";
    let Some(ahead) = ahead else {
        return Finding::warning(about, "the service does not say what time it is", advice);
    };
    let apart = ahead.abs();
    let direction = if ahead.is_negative() { "behind" } else { "ahead of" };
    let found = match apart {
        SignedDuration::ZERO => "the same as the service's, to the second".to_owned(),
        _ => format!("{apart:#} {direction} the service's"),
    };
    if apart > APART_MAX {
        Finding::failed(about, found, advice)
    } else if apart > APART_USUALLY {
        Finding::warning(about, found, advice)
    } else {
        Finding::ok(about, found)
    }
}

/// What is permitted, of all that the mode needs.
fn permissions(about: String, calls: &[(Call, Tried)]) -> Finding {
    let mut denied = Vec::new();
    let mut unclear = Vec::new();
    for (call, tried) in calls {
        match tried {
            Tried::Permitted => {}
            Tried::Denied(_) => denied.push(call.name()),
            Tried::Unclear(error) => unclear.push(format!("{} ({error})", call.name())),
        }
    }
    let permitted = calls.len() - denied.len() - unclear.len();
    if !denied.is_empty() {
        let found = format!("denied: {}", denied.join(", "));
        let advice = "lightsout iam prints a policy that permits all of it";
        return Finding::failed(about, found, advice);
    }
    if !unclear.is_empty() {
        let found = format!("{permitted} permitted; nobody can tell: {}", unclear.join("; "));
        return Finding::warning(
            about,
            found,
            "try again; where it stays so, see what the service says",
        );
    }
    let acts = calls.iter().any(|(call, _)| *call == Call::StopStreamingSession);
    let what = if acts { "to read, to stop, to start and to tag" } else { "to read" };
    Finding::ok(about, format!("all {permitted} calls {what}"))
}

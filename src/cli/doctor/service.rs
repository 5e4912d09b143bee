//! The service: whether it can be reached, whose studios it shows, what it permits, what time it is there.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::SignedDuration;

use super::super::Failure;
use super::Finding;
use super::deeds::{self, Deeds};
use super::host;
use crate::clock::Clock;
use crate::inventory::Problem;
use crate::policy::{Connection, Mode, Policy, Preserve, Settings, Start, StudioPolicy};
use crate::provider::ProviderError;
use crate::provider::nimble::{Call, Connections, Examined, Tried};

/// Further apart nothing is stopped or started: it may be another day here than there.
const APART_MAX: SignedDuration = SignedDuration::from_mins(2);

/// So far apart no two clocks should be that are set by a service.
const APART_USUALLY: SignedDuration = SignedDuration::from_secs(10);

/// How long all of the studios may take together: a person waits for it.
const ALL_WAIT: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn examine(policy: &Policy, clock: &Arc<dyn Clock>) -> Result<Vec<Finding>, Failure> {
    let log = policy.audit_path.clone();
    // What is wrong with the log is told of the log.
    let deeds = host::within_wait(move || deeds::read(&log)).unwrap_or_default();
    let connections = Connections::new(Arc::clone(clock));
    let end = clock.monotonic() + ALL_WAIT;
    let found = super::super::runtime()?.block_on(async {
        let each = policy.studios.values().map(|studio| {
            let provider = connections.connect(studio);
            let deeds = &deeds;
            async move {
                let wait = (end - clock.monotonic()).max(SignedDuration::ZERO);
                tokio::select! {
                    examined = provider.examine() => of_studio(studio, &examined, deeds),
                    () = clock.sleep(wait) => vec![too_long(studio)],
                }
            }
        });
        let examined: Vec<_> =
            stream::iter(each).buffered(policy.daemon.concurrency).collect().await;
        examined
    });
    Ok(found.into_iter().flatten().collect())
}

fn too_long(studio: &StudioPolicy) -> Finding {
    let found = format!("it had not answered all when {} s were over", ALL_WAIT.as_secs());
    let advice = "see whether the service is slow, or asked by too many at once";
    Finding::failed(format!("{}: service", studio.label()), found, advice)
}

/// The settings of a studio and of each of its rules that act upon sessions.
fn acting(studio: &StudioPolicy) -> impl Iterator<Item = &Settings> {
    let rules = studio.rules.iter().filter(|rule| !rule.keep).map(|rule| &rule.settings);
    rules.chain([&studio.settings]).filter(|settings| settings.mode == Mode::Enforce)
}

fn of_studio(studio: &StudioPolicy, examined: &Examined, deeds: &Deeds) -> Vec<Finding> {
    let label = studio.label();
    let about = |what: &str| format!("{label}: {what}");
    let Some((_, first)) = examined.calls.first() else { return Vec::new() };
    let mut findings = Vec::new();
    if let Tried::Unclear(error) = first {
        findings.push(unanswered(about("service"), error));
        // A clock that is wrong is a usual cause of a refusal.
        findings.extend(examined.ahead.map(|ahead| clocks(about("clock"), Some(ahead))));
        return findings;
    }
    let took = examined.took.as_millis();
    findings.push(Finding::ok(about("service"), format!("it answered in {took} ms")));
    findings.push(Finding::ok(about("credentials"), identity(&studio.connection)));
    findings.push(account(about("account"), studio, examined));
    findings.push(clocks(about("clock"), examined.ahead));
    findings.push(reading(about("may read"), &examined.calls));
    findings.extend(changing(about("may change"), studio, deeds));
    findings
}

/// As whom is asked, without anything secret.
fn identity(Connection { role_arn, profile, .. }: &Connection) -> String {
    match (role_arn, profile) {
        (Some(role), None) => format!("role {role}"),
        (Some(role), Some(profile)) => format!("role {role}, by profile {profile}"),
        (None, Some(profile)) => format!("profile {profile}"),
        (None, None) => "those that were found: of the environment, a file or the host".to_owned(),
    }
}

/// Why there is no answer, and what that usually comes of.
fn unanswered(about: String, error: &ProviderError) -> Finding {
    let advice = match error.problem {
        Problem::NoCredentials => {
            "give the daemon's user credentials: a role of the host, a profile, or its environment"
        }
        Problem::CredentialsExpired => {
            "renew the credentials; a role does that by itself. Where they are new, look at the clock"
        }
        Problem::Unreachable | Problem::TimedOut => {
            "see whether endpoint_url and region are right, and whether a proxy or firewall is in the way"
        }
        Problem::Throttled | Problem::ServerError => "try again in a while",
        Problem::Gone => "there is no such studio here: lightsout studios lists those that are",
        Problem::Denied
        | Problem::Conflict
        | Problem::Refused
        | Problem::Garbled
        | Problem::TooLarge
        | Problem::EndlessPages
        | Problem::NotAsked => "see whether id, region and endpoint_url are right",
    };
    Finding::failed(about, error.to_string(), advice)
}

fn account(about: String, studio: &StudioPolicy, examined: &Examined) -> Finding {
    let answering: Vec<&str> = examined.accounts.iter().map(|account| account.as_str()).collect();
    match (&studio.connection.account, &answering[..]) {
        (Some(wanted), [found]) if wanted.as_str() == *found => {
            Finding::ok(about, format!("{found}, as the policy says"))
        }
        (Some(wanted), []) => Finding::failed(
            about,
            format!("no answer says whose it is, and the policy says {wanted}"),
            "nothing is stopped there until one does",
        ),
        (Some(wanted), found) => Finding::failed(
            about,
            format!("account {} answers, and the policy says {wanted}", found.join(" and ")),
            "nothing is stopped there until one of both is put right",
        ),
        (None, []) => Finding::warning(
            about,
            "no answer says whose it is",
            "look whether the endpoint is the right one",
        ),
        (None, [found]) => Finding::warning(
            about,
            format!("account {found} answers, and the policy names none"),
            format!(
                "write account = \"{found}\", so that another one's machines are never stopped"
            ),
        ),
        (None, found) => Finding::failed(
            about,
            format!("accounts {} answer, as if they were one studio's", found.join(" and ")),
            "find out who answers there",
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
    let found = match apart.as_secs() {
        0 => "the same as the service's, to the second".to_owned(),
        seconds => format!("{seconds} s {direction} the service's"),
    };
    if apart > APART_MAX {
        Finding::failed(about, found, advice)
    } else if apart > APART_USUALLY {
        Finding::warning(about, found, advice)
    } else {
        Finding::ok(about, found)
    }
}

/// What may be read, of all that is read in every mode.
fn reading(about: String, calls: &[(Call, Tried)]) -> Finding {
    let mut denied = Vec::new();
    let mut unclear = Vec::new();
    for (call, tried) in calls {
        match tried {
            Tried::Permitted => {}
            Tried::Denied(_) => denied.push(call.name()),
            Tried::Unclear(error) => unclear.push(error.to_string()),
        }
    }
    if !denied.is_empty() {
        let found = format!("denied: {}", denied.join(", "));
        return Finding::failed(
            about,
            found,
            "lightsout iam observe prints a policy that permits it",
        );
    }
    if !unclear.is_empty() {
        let found = format!("it cannot be told: {}", unclear.join("; "));
        let advice = "try again; where it stays so, see what the service says";
        return Finding::warning(about, found, advice);
    }
    let names: Vec<&str> = calls.iter().map(|(call, _)| call.name()).collect();
    Finding::ok(about, format!("tried, and answered: {}", names.join(", ")))
}

/// What the mode needs besides: never tried, but the log may know.
fn changing(about: String, studio: &StudioPolicy, deeds: &Deeds) -> Option<Finding> {
    acting(studio).next()?;
    let mut calls = vec![Call::StopStreamingSession];
    let is_any = |is_so: fn(&Settings) -> bool| acting(studio).any(is_so);
    if is_any(|settings| settings.start == Start::Resume || settings.preserve == Preserve::Rotate) {
        calls.push(Call::StartStreamingSession);
    }
    if is_any(|settings| settings.start == Start::Resume) {
        calls.push(Call::TagResource);
    }
    let told = |call: &Call| deeds.last(&studio.id, *call);
    let denied: Vec<String> = calls
        .iter()
        .filter_map(|call| Some((call, told(call).filter(|deed| deed.is_denied)?)))
        .map(|(call, deed)| format!("{} was denied at {}", call.name(), deed.at))
        .collect();
    if !denied.is_empty() {
        let advice = "lightsout iam enforce prints a policy that permits it";
        return Some(Finding::failed(about, denied.join(", "), advice));
    }
    let (taken, untried): (Vec<Call>, Vec<Call>) =
        calls.into_iter().partition(|c| told(c).is_some());
    let taken: Vec<String> = taken
        .iter()
        .filter_map(|call| Some(format!("{} was taken at {}", call.name(), told(call)?.at)))
        .collect();
    if untried.is_empty() {
        return Some(Finding::ok(about, format!("by the log, {}", taken.join(", "))));
    }
    let untried: Vec<&str> = untried.iter().map(|call| call.name()).collect();
    let mut found = format!("not tried, since it cannot be harmlessly: {}", untried.join(", "));
    if !taken.is_empty() {
        found = format!("{found}; by the log, {}", taken.join(", "));
    }
    let advice = "compare what the daemon's role is granted with lightsout iam enforce";
    Some(Finding::warning(about, found, advice))
}

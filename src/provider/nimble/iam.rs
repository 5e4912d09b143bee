//! The permissions that the calls need, as policies for IAM: what `deploy/iam` has, and `lightsout iam` prints.
//!
//! Resources and condition keys are those of the service authorization reference of Nimble Studio. A keep tag is
//! a Deny of its own, so that it holds even if this program is wrong. A `lightsout:keep-until` cannot be one:
//! IAM does not compare a tag with the time.

use serde::Serialize;
use serde_json::{Value, json};

use super::calls::{Call, Caller};

/// The tag that no stop gets past, whatever the program thinks.
const KEEP: &str = "lightsout:keep";

/// The tag by which a stop is known to be ours.
pub(super) const STOPPED: &str = "lightsout:stopped";

/// The tags by which people keep sessions.
const KEEPS: [&str; 2] = [KEEP, "lightsout:keep-until"];

/// What the service checks besides, of whoever starts a session.
const WITH_START: &str = "nimble:GetLaunchProfileMember";

/// What it looks at besides, when a launch profile is changed.
const WITH_UPDATE: [&str; 5] = [
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
];

/// Whose resources, and where.
#[derive(Debug, Clone)]
pub struct Place {
    /// `aws`, or another partition.
    pub partition: String,
    /// A region, or `*`.
    pub region: String,
    /// The account.
    pub account: String,
}

/// What kind of thing a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    Everything,
    Studio,
    LaunchProfile,
    Session,
}

impl Resource {
    fn of(call: Call) -> Self {
        match call {
            Call::ListStudios => Self::Everything,
            Call::GetStudio
            | Call::ListStudioMembers
            | Call::GetStudioMember
            | Call::ListLaunchProfiles
            | Call::ListStreamingSessions => Self::Studio,
            Call::GetLaunchProfile | Call::UpdateLaunchProfile => Self::LaunchProfile,
            Call::GetStreamingSession
            | Call::StopStreamingSession
            | Call::StartStreamingSession
            | Call::TagResource
            | Call::UntagResource => Self::Session,
        }
    }

    fn arn(self, Place { partition, region, account }: &Place) -> String {
        let kind = match self {
            Self::Everything => return "*".to_owned(),
            Self::Studio => "studio",
            Self::LaunchProfile => "launch-profile",
            Self::Session => "streaming-session",
        };
        format!("arn:{partition}:nimble:{region}:{account}:{kind}/*")
    }
}

/// A policy, in the order in which people read one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: Effect,
    action: Vec<String>,
    resource: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Effect {
    Allow,
    Deny,
}

/// The policy of one caller: all that it calls, and nothing else.
#[must_use]
pub fn policy(caller: Caller, place: &Place) -> Document {
    let mut statements = reading(place);
    match caller {
        Caller::Observe => {}
        Caller::Enforce => {
            statements.push(stopping(place));
            statements.push(starting(place));
            statements.push(tagging("MarkStops", &[Call::TagResource], &[STOPPED], place));
            statements.push(kept(place));
        }
        Caller::Operator => {
            statements.push(allow("LookForStudios", &[Call::ListStudios], place));
            statements.push(stopping(place));
            statements.push(starting(place));
            let calls = [Call::TagResource, Call::UntagResource];
            statements.push(tagging("KeepAndUnkeep", &calls, &KEEPS, place));
            statements.push(allow("AllowStopping", &[Call::UpdateLaunchProfile], place));
            statements.push(Statement {
                action: WITH_UPDATE.map(str::to_owned).to_vec(),
                ..allow_on(&[Resource::Everything], "AsTheServiceAsksOfAnUpdate", &[], place)
            });
        }
    }
    if caller != Caller::Observe {
        // Whatever else the role is allowed.
        statements.push(Statement {
            effect: Effect::Deny,
            action: vec!["nimble:Delete*".to_owned()],
            ..allow_on(&[Resource::Everything], "NothingIsDeleted", &[], place)
        });
    }
    Document { version: "2012-10-17", statement: statements }
}

fn reading(place: &Place) -> Vec<Statement> {
    let of = |resource: Resource| {
        let reads =
            |call: &Call| call.caller() == Caller::Observe && Resource::of(*call) == resource;
        Call::ALL.into_iter().filter(reads).collect::<Vec<_>>()
    };
    vec![
        allow("ReadStudios", &of(Resource::Studio), place),
        allow("ReadLaunchProfiles", &of(Resource::LaunchProfile), place),
        allow("ReadSessions", &of(Resource::Session), place),
    ]
}

/// Calls about one kind of thing.
fn allow(sid: &'static str, calls: &[Call], place: &Place) -> Statement {
    let resource = calls.first().map_or(Resource::Everything, |call| Resource::of(*call));
    allow_on(&[resource], sid, calls, place)
}

fn allow_on(on: &[Resource], sid: &'static str, calls: &[Call], place: &Place) -> Statement {
    let resource = on.iter().map(|resource| resource.arn(place)).collect();
    Statement { sid, effect: Effect::Allow, action: actions(calls), resource, condition: None }
}

fn stopping(place: &Place) -> Statement {
    allow("StopSessions", &[Call::StopStreamingSession], place)
}

fn starting(place: &Place) -> Statement {
    let mut action = actions(&[Call::StartStreamingSession]);
    action.push(WITH_START.to_owned());
    let on = [Resource::Session, Resource::LaunchProfile];
    Statement { action, ..allow_on(&on, "StartSessions", &[], place) }
}

/// Tags on sessions, of these keys and no other.
fn tagging(sid: &'static str, calls: &[Call], keys: &[&str], place: &Place) -> Statement {
    let condition = json!({
        "ForAllValues:StringEquals": { "aws:TagKeys": keys },
        // For all of none is true.
        "Null": { "aws:TagKeys": "false" }
    });
    Statement { condition: Some(condition), ..allow(sid, calls, place) }
}

fn kept(place: &Place) -> Statement {
    let condition = json!({ "Null": { format!("aws:ResourceTag/{KEEP}"): "false" } });
    Statement {
        effect: Effect::Deny,
        condition: Some(condition),
        ..allow("KeptSessionsAreNotStopped", &[Call::StopStreamingSession], place)
    }
}

fn actions(calls: &[Call]) -> Vec<String> {
    calls.iter().map(|call| format!("nimble:{}", call.name())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const CALLERS: [(&str, Caller); 3] = [
        ("observe", Caller::Observe),
        ("enforce", Caller::Enforce),
        ("operator", Caller::Operator),
    ];

    fn example() -> Place {
        Place {
            partition: "aws".to_owned(),
            region: "*".to_owned(),
            account: "111122223333".to_owned(),
        }
    }

    #[test]
    fn the_documents_are_what_the_calls_need() {
        for (name, caller) in CALLERS {
            let path = format!("{}/deploy/iam/{name}.json", env!("CARGO_MANIFEST_DIR"));
            let text = serde_json::to_string_pretty(&policy(caller, &example())).unwrap() + "\n";
            if std::env::var_os("LIGHTSOUT_BLESS").is_some() {
                std::fs::write(&path, &text).unwrap();
            }
            let found = std::fs::read_to_string(&path).unwrap();
            assert!(found == text, "run the tests with LIGHTSOUT_BLESS=1 to rewrite {path}");
        }
    }

    #[test]
    fn each_call_is_granted_to_who_makes_it_and_no_other_is() {
        for (_, caller) in CALLERS {
            let policy = policy(caller, &example());
            let statements = policy.statement.into_iter();
            let allowed = statements.filter(|statement| statement.effect == Effect::Allow);
            let granted: BTreeSet<String> =
                allowed.flat_map(|statement| statement.action).collect();
            let makes = |call: &Call| match caller {
                // What only a person does the daemon is not allowed.
                Caller::Observe | Caller::Enforce => call.caller() <= caller,
                Caller::Operator => true,
            };
            let calls: Vec<Call> = Call::ALL.into_iter().filter(makes).collect();
            let mut needed: BTreeSet<String> = actions(&calls).into_iter().collect();
            if needed.contains("nimble:StartStreamingSession") {
                needed.insert(WITH_START.to_owned());
            }
            if needed.contains("nimble:UpdateLaunchProfile") {
                needed.extend(WITH_UPDATE.map(str::to_owned));
            }
            assert_eq!(granted, needed, "{caller:?}");
        }
    }
}

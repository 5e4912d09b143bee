//! What a request asks for. The path is split at its slashes before anything is decoded: an ARN is
//! one label, though it has slashes of its own.

use hyper::Method;
use percent_encoding::percent_decode_str;

use crate::sandbox::world::Operation;

/// The version of the API, which begins every path.
const VERSION: &str = "2020-08-01";

/// A request for an operation, with the labels of its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Studios(Operation),
    Studio(Operation, String),
    LaunchProfile(Operation, String, String),
    Session(Operation, String, String),
    Resource(Operation, String),
    /// Not an operation that the sandbox serves.
    Unserved {
        method: String,
        path: String,
    },
}

impl Call {
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Studios(operation)
            | Self::Studio(operation, _)
            | Self::LaunchProfile(operation, ..)
            | Self::Session(operation, ..)
            | Self::Resource(operation, _) => *operation,
            Self::Unserved { .. } => Operation::Unserved,
        }
    }

    /// The id of the studio in the path.
    pub(super) fn studio(&self) -> Option<&str> {
        match self {
            Self::Studio(_, studio)
            | Self::LaunchProfile(_, studio, _)
            | Self::Session(_, studio, _) => Some(studio),
            Self::Studios(_) | Self::Resource(..) | Self::Unserved { .. } => None,
        }
    }

    /// The id of the session in the path.
    pub(super) fn session(&self) -> Option<&str> {
        match self {
            Self::Session(_, _, session) => Some(session),
            _ => None,
        }
    }
}

/// Finds the operation of a method and a raw path.
pub(super) fn route(method: &Method, path: &str) -> Call {
    find(method, path)
        .unwrap_or_else(|| Call::Unserved { method: method.to_string(), path: path.to_owned() })
}

fn find(method: &Method, path: &str) -> Option<Call> {
    let labels: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let (version, labels) = labels.split_first()?;
    if *version != VERSION {
        return None;
    }
    match (method.as_str(), labels) {
        ("GET", ["studios"]) => Some(Call::Studios(Operation::ListStudios)),
        ("GET", ["studios", studio]) => Some(Call::Studio(Operation::GetStudio, decode(studio)?)),
        ("GET", ["studios", studio, "launch-profiles"]) => {
            Some(Call::Studio(Operation::ListLaunchProfiles, decode(studio)?))
        }
        ("GET", ["studios", studio, "launch-profiles", profile]) => Some(Call::LaunchProfile(
            Operation::GetLaunchProfile,
            decode(studio)?,
            decode(profile)?,
        )),
        (method, ["studios", studio, "streaming-sessions", rest @ ..]) => {
            sessions(method, studio, rest)
        }
        ("POST", ["tags", arn]) => Some(Call::Resource(Operation::TagResource, decode(arn)?)),
        ("DELETE", ["tags", arn]) => Some(Call::Resource(Operation::UntagResource, decode(arn)?)),
        ("GET", ["tags", arn]) => {
            Some(Call::Resource(Operation::ListTagsForResource, decode(arn)?))
        }
        _ => None,
    }
}

fn sessions(method: &str, studio: &str, rest: &[&str]) -> Option<Call> {
    let (operation, session) = match (method, rest) {
        ("GET", []) => {
            return Some(Call::Studio(Operation::ListStreamingSessions, decode(studio)?));
        }
        ("GET", [session]) => (Operation::GetStreamingSession, session),
        ("POST", [session, "stop"]) => (Operation::StopStreamingSession, session),
        ("POST", [session, "start"]) => (Operation::StartStreamingSession, session),
        _ => return None,
    };
    Some(Call::Session(operation, decode(studio)?, decode(session)?))
}

/// A label as text. No label of the service is empty or anything but UTF-8.
fn decode(label: &str) -> Option<String> {
    if label.is_empty() {
        return None;
    }
    percent_decode_str(label).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_split_before_they_are_decoded() {
        let arn = "arn:aws:nimble:us-west-2:111122223333:streaming-session/one";
        let encoded = "/2020-08-01/tags/arn%3Aaws%3Animble%3Aus-west-2%3A111122223333%3Astreaming-session%2Fone";
        assert_eq!(
            route(&Method::GET, encoded),
            Call::Resource(Operation::ListTagsForResource, arn.to_owned())
        );
        let call = route(
            &Method::POST,
            "/2020-08-01/studios/us-west-2%3Astid-X/streaming-sessions/a%2Fb/stop",
        );
        let expected = Call::Session(
            Operation::StopStreamingSession,
            "us-west-2:stid-X".to_owned(),
            "a/b".to_owned(),
        );
        assert_eq!(call, expected);
    }

    #[test]
    fn what_is_not_served_is_said_to_be_so() {
        for (method, path) in [
            (Method::GET, "/"),
            (Method::GET, "/2020-08-01/studios/"),
            (Method::GET, "/2020-08-01/studios/%ff"),
            (Method::GET, "/2021-01-01/studios"),
            (Method::DELETE, "/2020-08-01/studios/s/streaming-sessions/x"),
            (Method::POST, "/2020-08-01/studios/s/streaming-sessions"),
            (Method::GET, "/2020-08-01/tags/arn:aws:nimble:r:a:studio/x"),
        ] {
            assert_eq!(route(&method, path).operation(), Operation::Unserved, "{method} {path}");
        }
    }
}

//! What a request asks for. The path is split at its slashes before anything is decoded: an ARN is
//! one label, though it has slashes of its own.

use hyper::Method;
use percent_encoding::percent_decode_str;

use crate::sandbox::wire::{INTERFACES, Interface, VERSION};
use crate::sandbox::world::Operation;

/// A request for an operation, with the labels of its path.
#[derive(Debug)]
pub(super) enum Call {
    Served {
        interface: &'static Interface,
        /// Names and texts, in the order of the path.
        labels: Vec<(&'static str, String)>,
    },
    /// Not an operation that the sandbox serves.
    Unserved { method: String, path: String },
}

impl Call {
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Served { interface, .. } => interface.operation,
            Self::Unserved { .. } => Operation::Unserved,
        }
    }

    /// A label of the path by its name.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        match self {
            Self::Served { labels, .. } => {
                labels.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str())
            }
            Self::Unserved { .. } => None,
        }
    }

    /// The id of the studio in the path.
    pub(super) fn studio(&self) -> Option<&str> {
        self.label("studioId")
    }

    /// The id of the session in the path.
    pub(super) fn session(&self) -> Option<&str> {
        self.label("sessionId")
    }
}

/// Finds the operation of a method and a raw path.
pub(super) fn route(method: &Method, path: &str) -> Call {
    find(method, path)
        .unwrap_or_else(|| Call::Unserved { method: method.to_string(), path: path.to_owned() })
}

fn find(method: &Method, path: &str) -> Option<Call> {
    let path = path.strip_prefix('/')?.strip_prefix(VERSION)?.strip_prefix('/')?;
    let served = INTERFACES.iter().filter(|interface| interface.method == method.as_str());
    let mut calls = served.filter_map(|interface| {
        labels(interface.path, path).map(|labels| Call::Served { interface, labels })
    });
    calls.next()
}

/// The labels of a path, where it follows the template. None of the service's is empty or anything
/// but UTF-8.
fn labels(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut found = Vec::new();
    let mut parts = path.split('/');
    for wanted in template.split('/') {
        let part = parts.next()?;
        match wanted.strip_prefix('{').and_then(|wanted| wanted.strip_suffix('}')) {
            None if part == wanted => {}
            Some(name) if !part.is_empty() => {
                found.push((name, percent_decode_str(part).decode_utf8().ok()?.into_owned()));
            }
            _ => return None,
        }
    }
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_split_before_they_are_decoded() {
        let arn = "arn:aws:nimble:us-west-2:111122223333:streaming-session/one";
        let encoded = "/2020-08-01/tags/arn%3Aaws%3Animble%3Aus-west-2%3A111122223333%3Astreaming-session%2Fone";
        let call = route(&Method::GET, encoded);
        assert_eq!(call.operation(), Operation::ListTagsForResource);
        assert_eq!(call.label("resourceArn"), Some(arn));
        let call = route(
            &Method::POST,
            "/2020-08-01/studios/us-west-2%3Astid-X/streaming-sessions/a%2Fb/stop",
        );
        assert_eq!(call.operation(), Operation::StopStreamingSession);
        assert_eq!((call.studio(), call.session()), (Some("us-west-2:stid-X"), Some("a/b")));
    }

    #[test]
    fn each_operation_is_found_by_its_own_path() {
        for interface in INTERFACES {
            let path: String = interface.path.replace(['{', '}'], "x");
            let method = Method::from_bytes(interface.method.as_bytes()).unwrap();
            let call = route(&method, &format!("/{VERSION}/{path}"));
            assert_eq!(call.operation(), interface.operation, "{path}");
        }
        let served = INTERFACES.iter().map(|interface| interface.operation);
        let all = Operation::ALL.iter().copied().filter(|known| *known != Operation::Unserved);
        let set =
            |of: &mut dyn Iterator<Item = Operation>| of.collect::<std::collections::BTreeSet<_>>();
        assert_eq!(set(&mut served.into_iter()), set(&mut all.into_iter()));
    }

    #[test]
    fn what_is_not_served_is_said_to_be_so() {
        for (method, path) in [
            (Method::GET, "/"),
            (Method::GET, "/2020-08-01/studios/"),
            (Method::GET, "/2020-08-01/studios/%ff"),
            (Method::GET, "/2021-01-01/studios"),
            (Method::PUT, "/2020-08-01/studios/s/streaming-sessions/x"),
            (Method::POST, "/2020-08-01/studios"),
            (Method::GET, "/2020-08-01/studios/s/eulas"),
            (Method::GET, "/2020-08-01/tags/arn:aws:nimble:r:a:studio/x"),
        ] {
            assert_eq!(route(&method, path).operation(), Operation::Unserved, "{method} {path}");
        }
    }
}

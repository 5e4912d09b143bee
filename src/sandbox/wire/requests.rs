//! Requests: query parameters and bodies, held to the table of `interfaces.rs` and then read. What is
//! unknown, doubled, of the wrong type or out of bounds is refused.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Failure;
use super::interfaces::Interface;
use super::shapes::{Member, Shape, check};
use crate::sandbox::world::{
    BackupMode, LaunchProfileChange, NewLaunchProfile, Persona, SessionBackup, SessionStorage,
    StreamConfiguration, Tags, VolumeConfiguration, WireName,
};

/// The query and the body of a request that has passed every constraint.
#[derive(Debug)]
pub(crate) struct Request {
    query: Map<String, Value>,
    body: Value,
}

impl Request {
    /// Reads a request of an operation, and holds it to its constraints.
    pub(crate) fn read(interface: &Interface, query: &str, body: &[u8]) -> Result<Self, Failure> {
        let query = read_query(interface.query, query)?;
        // An absent body says the same as an empty object.
        let body = if body.is_empty() { b"{}" } else { body };
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| Failure::invalid("body", format!("body is not JSON: {error}")))?;
        check(&body, interface.body, "")?;
        Ok(Self { query, body })
    }

    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.query.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// The values of a parameter that may come many times.
    pub(crate) fn parameters(&self, name: &str) -> Vec<String> {
        let values = self.query.get(name).and_then(Value::as_array).into_iter().flatten();
        values.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Those values, as the enumeration that they were held to.
    pub(crate) fn names<T: WireName>(&self, name: &str) -> Vec<T> {
        self.parameters(name).iter().map(|text| named(text)).collect()
    }

    /// `maxResults`, 1 to 100.
    pub(crate) fn max_results(&self) -> Option<usize> {
        let number = self.query.get("maxResults").and_then(Value::as_u64);
        number.and_then(|number| usize::try_from(number).ok())
    }

    /// A member of the body that is text.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        self.body.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// A member of the body that is a number of few digits.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        let number = self.body.get(name).and_then(Value::as_u64);
        number.and_then(|number| u32::try_from(number).ok())
    }

    pub(crate) fn tags(&self) -> Result<Tags, Failure> {
        Ok(self.body::<TagsBody>()?.tags.unwrap_or_default())
    }

    /// The principals and personas of a Put of members.
    pub(crate) fn new_members(&self) -> Result<Vec<(String, Persona)>, Failure> {
        let members = self.body::<MembersBody>()?.members;
        Ok(members.into_iter().map(|new| (new.principal_id, named(&new.persona))).collect())
    }

    pub(crate) fn new_launch_profile(&self) -> Result<NewLaunchProfile, Failure> {
        let body: NewProfileBody = self.body()?;
        Ok(NewLaunchProfile {
            name: body.name,
            description: body.description,
            subnet_ids: body.ec2_subnet_ids,
            studio_component_ids: body.studio_component_ids,
            stream: body.stream_configuration.into(),
            tags: body.tags.unwrap_or_default(),
        })
    }

    pub(crate) fn launch_profile_change(&self) -> Result<LaunchProfileChange, Failure> {
        let body: ProfileChangeBody = self.body()?;
        Ok(LaunchProfileChange {
            name: body.name,
            description: body.description,
            studio_component_ids: body.studio_component_ids,
            stream: body.stream_configuration.map(Into::into),
        })
    }

    /// The body as a type. It was held to its shape already.
    fn body<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_value(self.body.clone())
            .map_err(|error| Failure::invalid("body", format!("body is not valid: {error}")))
    }
}

fn read_query(members: &[Member], raw: &str) -> Result<Map<String, Value>, Failure> {
    let mut found = Map::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        let Some(member) = members.iter().find(|member| member.name == name) else {
            return Err(Failure::unknown(&name, format!("unknown query parameter {name:?}")));
        };
        let value = match member.shape {
            Shape::Number { .. } => value.parse::<i64>().map_or(Value::String(value), Value::from),
            _ => Value::String(value),
        };
        let is_list = matches!(member.shape, Shape::List { .. });
        match (is_list, found.get_mut(&name)) {
            (true, Some(Value::Array(values))) => values.push(value),
            (true, _) => drop(found.insert(name, Value::Array(vec![value]))),
            (false, None) => drop(found.insert(name, value)),
            (false, Some(_)) => {
                let message = format!("{name} may be given once");
                return Err(Failure::invalid(&name, message));
            }
        }
    }
    let found = Value::Object(found);
    for member in members {
        match found.get(member.name) {
            Some(value) => check(value, member.shape, member.name)?,
            None if member.required => {
                let message = format!("{} is missing", member.name);
                return Err(Failure::invalid(member.name, message));
            }
            None => {}
        }
    }
    match found {
        Value::Object(found) => Ok(found),
        _ => Ok(Map::new()),
    }
}

fn decode(text: &str) -> Result<String, Failure> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| Failure::invalid("query", "the query is not UTF-8"))
}

/// The value of a name that was held to its enumeration.
pub(crate) fn named<T: WireName>(text: &str) -> T {
    T::known(text).unwrap_or_else(|| T::other(text))
}

#[derive(Deserialize)]
struct TagsBody {
    tags: Option<Tags>,
}

#[derive(Deserialize)]
struct MembersBody {
    members: Vec<NewMemberBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewMemberBody {
    persona: String,
    principal_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewProfileBody {
    description: Option<String>,
    ec2_subnet_ids: Vec<String>,
    name: String,
    stream_configuration: StreamBody,
    studio_component_ids: Vec<String>,
    tags: Option<Tags>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProfileChangeBody {
    description: Option<String>,
    name: Option<String>,
    stream_configuration: Option<StreamBody>,
    studio_component_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamBody {
    automatic_termination_mode: Option<String>,
    clipboard_mode: String,
    ec2_instance_types: Vec<String>,
    max_session_length_in_minutes: Option<u32>,
    max_stopped_session_length_in_minutes: Option<u32>,
    session_backup: Option<BackupBody>,
    session_persistence_mode: Option<String>,
    session_storage: Option<StorageBody>,
    streaming_image_ids: Vec<String>,
    volume_configuration: Option<VolumeBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BackupBody {
    max_backups_to_retain: Option<u32>,
    mode: Option<String>,
}

#[derive(Deserialize)]
struct StorageBody {
    mode: Vec<String>,
    root: Option<RootBody>,
}

#[derive(Deserialize)]
struct RootBody {
    linux: Option<String>,
    windows: Option<String>,
}

#[derive(Deserialize)]
struct VolumeBody {
    iops: Option<u32>,
    size: Option<u32>,
    throughput: Option<u32>,
}

impl From<StreamBody> for StreamConfiguration {
    fn from(body: StreamBody) -> Self {
        let backup = |backup: BackupBody| SessionBackup {
            mode: backup.mode.as_deref().map_or(BackupMode::Deactivated, named),
            max_backups_to_retain: backup.max_backups_to_retain,
        };
        let storage = |storage: StorageBody| {
            let (root_linux, root_windows) =
                storage.root.map_or((None, None), |root| (root.linux, root.windows));
            SessionStorage { mode: storage.mode, root_linux, root_windows }
        };
        let volume = |volume: VolumeBody| VolumeConfiguration {
            size: volume.size,
            iops: volume.iops,
            throughput: volume.throughput,
        };
        Self {
            clipboard_mode: named(&body.clipboard_mode),
            ec2_instance_types: body.ec2_instance_types,
            streaming_image_ids: body.streaming_image_ids,
            max_session_length_in_minutes: body.max_session_length_in_minutes,
            max_stopped_session_length_in_minutes: body.max_stopped_session_length_in_minutes,
            session_persistence_mode: body.session_persistence_mode.as_deref().map(named),
            automatic_termination_mode: body.automatic_termination_mode.as_deref().map(named),
            session_backup: body.session_backup.map(backup),
            volume_configuration: body.volume_configuration.map(volume),
            session_storage: body.session_storage.map(storage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::interfaces::INTERFACES;
    use super::*;
    use crate::sandbox::world::Operation;

    fn read(operation: Operation, query: &str, body: &str) -> Result<Request, Failure> {
        let interface = INTERFACES.iter().find(|known| known.operation == operation).unwrap();
        Request::read(interface, query, body.as_bytes())
    }

    #[test]
    fn a_query_is_read_strictly() {
        let query = "tagKeys=a%2Fb&tagKeys=c+d";
        let request = read(Operation::UntagResource, query, "").unwrap();
        assert_eq!(request.parameters("tagKeys"), ["a/b", "c+d"]);
        let request = read(Operation::ListStudios, "nextToken=t%2F1%3D", "").unwrap();
        assert_eq!(request.parameter("nextToken").as_deref(), Some("t/1="));
        assert!(read(Operation::UntagResource, "", "").is_err());
        assert!(read(Operation::ListStudios, "nextToken=%ff", "").is_err());
        assert!(read(Operation::ListStudios, "colour=red", "").is_err());
        assert!(read(Operation::ListStudios, "nextToken=1&nextToken=2", "").is_err());
        for text in ["0", "101", "-1", "many", "", "1.5"] {
            let query = format!("maxResults={text}");
            assert!(read(Operation::ListStudioMembers, &query, "").is_err(), "{text}");
        }
        let request = read(Operation::ListStudioMembers, "maxResults=100", "").unwrap();
        assert_eq!(request.max_results(), Some(100));
    }

    #[test]
    fn bodies_are_read_strictly() {
        let stop = |body| read(Operation::StopStreamingSession, "", body);
        assert_eq!(stop("").unwrap().member("volumeRetentionMode"), None);
        assert_eq!(stop(r#"{"volumeRetentionMode":null}"#).unwrap().member("x"), None);
        let retain = stop(r#"{"volumeRetentionMode":"RETAIN"}"#).unwrap();
        assert_eq!(retain.member("volumeRetentionMode").as_deref(), Some("RETAIN"));
        for body in [
            r#"{"volumeRetentionMode":"KEEP"}"#,
            r#"{"volumeRetention":"RETAIN"}"#,
            "[]",
            "{",
            r#"{"volumeRetentionMode":1}"#,
        ] {
            assert!(stop(body).is_err(), "{body}");
        }
        assert!(read(Operation::TagResource, "", r#"{"tags":{"a":1}}"#).is_err());
        assert!(read(Operation::GetStudio, "", r#"{"a":1}"#).is_err());
    }
}

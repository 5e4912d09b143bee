//! Requests: query parameters and bodies, read strictly. What is unknown, doubled or out of bounds
//! is refused.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Failure;
use crate::sandbox::world::{Tags, VolumeRetentionMode, WireName};

/// The parameters of a query, taken out one by one; what is left at the end is unknown.
#[derive(Debug)]
pub(crate) struct Query {
    parameters: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(raw: &str) -> Result<Self, Failure> {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        let parameters = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        Ok(Self { parameters: parameters.collect::<Result<_, Failure>>()? })
    }

    /// Every value of a parameter that may be repeated.
    pub(crate) fn all(&mut self, name: &str) -> Vec<String> {
        self.parameters.extract_if(.., |(found, _)| found == name).map(|(_, value)| value).collect()
    }

    /// The value of a parameter that may come once.
    pub(crate) fn one(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let mut values = self.all(name);
        match values.len() {
            0 | 1 => Ok(values.pop()),
            count => {
                Err(Failure::invalid(name, format!("{name} may be given once, not {count} times")))
            }
        }
    }

    /// `maxResults`, 1 to 100.
    pub(crate) fn max_results(&mut self) -> Result<Option<usize>, Failure> {
        let Some(text) = self.one("maxResults")? else {
            return Ok(None);
        };
        match text.parse() {
            Ok(valid @ 1..=100) => Ok(Some(valid)),
            _ => Err(Failure::invalid(
                "maxResults",
                format!("maxResults is {text:?}: valid are 1 to 100"),
            )),
        }
    }

    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.parameters.first() {
            None => Ok(()),
            Some((name, _)) => {
                Err(Failure::invalid(name, format!("unknown query parameter {name:?}")))
            }
        }
    }
}

fn decode(text: &str) -> Result<String, Failure> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| Failure::invalid("query", "the query is not UTF-8"))
}

/// The value of an enumeration in the model.
pub(crate) fn known<T: WireName>(member: &str, text: &str) -> Result<T, Failure> {
    T::known(text).ok_or_else(|| {
        Failure::invalid(member, format!("{member} is {text:?}: valid are {}", T::KNOWN.join(", ")))
    })
}

/// The body of StopStreamingSession.
pub(crate) fn stop_body(bytes: &[u8]) -> Result<Option<VolumeRetentionMode>, Failure> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Body {
        volume_retention_mode: Option<String>,
    }
    let body: Body = read(bytes)?;
    body.volume_retention_mode.map(|text| known("volumeRetentionMode", &text)).transpose()
}

/// The body of StartStreamingSession: the id of a backup.
pub(crate) fn start_body(bytes: &[u8]) -> Result<Option<String>, Failure> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Body {
        backup_id: Option<String>,
    }
    Ok(read::<Body>(bytes)?.backup_id)
}

/// The body of TagResource.
pub(crate) fn tag_body(bytes: &[u8]) -> Result<Tags, Failure> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(default)]
        tags: Tags,
    }
    Ok(read::<Body>(bytes)?.tags)
}

/// An absent body says the same as an empty object.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::invalid("body", format!("the body is not valid: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_strictly() {
        let mut query = Query::parse("tagKeys=a%2Fb&tagKeys=c+d&nextToken=t%2F1%3D").unwrap();
        assert_eq!(query.all("tagKeys"), ["a/b", "c+d"]);
        assert_eq!(query.one("nextToken").unwrap().as_deref(), Some("t/1="));
        assert!(query.finish().is_ok());
        assert!(Query::parse("a=%ff").is_err());
        assert!(Query::parse("colour=red").unwrap().finish().is_err());
        assert!(Query::parse("a=1&a=2").unwrap().one("a").is_err());
        for text in ["0", "101", "-1", "many", ""] {
            assert!(
                Query::parse(&format!("maxResults={text}")).unwrap().max_results().is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn bodies_are_read_strictly() {
        assert_eq!(stop_body(b"").unwrap(), None);
        assert_eq!(stop_body(b"{}").unwrap(), None);
        assert_eq!(
            stop_body(br#"{"volumeRetentionMode":"RETAIN"}"#).unwrap(),
            Some(VolumeRetentionMode::Retain)
        );
        for body in [
            r#"{"volumeRetentionMode":"KEEP"}"#,
            r#"{"volumeRetention":"RETAIN"}"#,
            "[]",
            "{",
            r#"{"volumeRetentionMode":1}"#,
        ] {
            assert!(stop_body(body.as_bytes()).is_err(), "{body}");
        }
        assert!(tag_body(br#"{"tags":{"a":1}}"#).is_err());
        assert!(start_body(br#"{"backup":"x"}"#).is_err());
    }
}

//! Somebody who answers requests in place of the network, below everything that the SDK does.
//!
//! The fuzz targets choose every byte of an answer here. What they choose takes the same way as what a
//! server sends: the bound on a body, the SDK's reading of it, its repetitions, our translation.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper::header::{HeaderName, HeaderValue};

/// Who answers.
pub trait StandIn: Send + Sync + fmt::Debug {
    /// The answer to a request of this method for this URI. Without one the connection broke.
    fn answer(&self, method: &str, uri: &str) -> Option<Answer>;
}

/// An answer, in bytes that need not make sense.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status. Outside of 100 to 999 the connection broke.
    pub status: u16,
    /// Names and values. With one that is none in HTTP, the connection broke.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// What comes back for a request.
pub(super) fn stood_in(
    stand_in: &dyn StandIn,
    request: &HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let answer = stand_in.answer(request.method(), request.uri());
    let answer = answer.ok_or_else(|| ConnectorError::io("there is no answer".into()))?;
    response(answer).map_err(ConnectorError::io)
}

/// By the types of the real connection, so that what cannot be an answer there is none here.
fn response(answer: Answer) -> Result<HttpResponse, Box<dyn std::error::Error + Send + Sync>> {
    let mut response = hyper::Response::new(SdkBody::from(answer.body));
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status)?;
    for (name, value) in answer.headers {
        let (name, value) = (HeaderName::from_bytes(&name)?, HeaderValue::from_bytes(&value)?);
        response.headers_mut().append(name, value);
    }
    Ok(HttpResponse::try_from(response)?)
}

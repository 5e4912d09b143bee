//! A client of the sandbox that keeps one connection, and may lose it at any moment.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// The sessions of the studio.
pub(crate) const SESSIONS: &str =
    "/2020-08-01/studios/us-west-2%3Astid-EXAMPLE11111/streaming-sessions";

/// How long an answer may take before it counts as lost.
const ANSWER: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    host: String,
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn of(endpoint: &str) -> Self {
        let host = endpoint.strip_prefix("http://").unwrap().to_owned();
        let stream = TcpStream::connect(&host).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(ANSWER)).unwrap();
        Self { host, stream: BufReader::new(stream) }
    }

    /// Asks, without waiting for an answer.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> io::Result<()> {
        let token = match token {
            "" => String::new(),
            token => format!("x-amz-client-token: {token}\r\n"),
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{token}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())
    }

    /// The status and the JSON of an answer that came whole.
    pub(crate) fn answer(&mut self) -> io::Result<(u16, Value)> {
        let (mut status, mut length) = (0, 0);
        for number in 0.. {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if number == 0 {
                status = line.split(' ').nth(1).unwrap().parse().unwrap();
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> io::Result<(u16, Value)> {
        self.send(method, path, token, body)?;
        self.answer()
    }

    pub(crate) fn try_create(&mut self, token: &str) -> io::Result<(u16, Value)> {
        self.ask("POST", SESSIONS, token, r#"{"launchProfileId": "persistent"}"#)
    }

    /// Creates a session, and gives its id.
    pub(crate) fn create(&mut self, token: &str) -> io::Result<String> {
        let (status, answer) = self.try_create(token)?;
        assert_eq!(status, 200, "{answer}");
        Ok(answer["session"]["sessionId"].as_str().unwrap().to_owned())
    }

    /// All sessions of the studio.
    pub(crate) fn sessions(&mut self) -> Vec<Value> {
        let (mut all, mut query) = (Vec::new(), String::new());
        loop {
            let (status, page) = self.ask("GET", &format!("{SESSIONS}{query}"), "", "").unwrap();
            assert_eq!(status, 200, "{page}");
            all.extend(page["sessions"].as_array().unwrap().iter().cloned());
            let Some(next) = page["nextToken"].as_str() else { return all };
            query = format!("?nextToken={}", next.replace('/', "%2F").replace('=', "%3D"));
        }
    }
}

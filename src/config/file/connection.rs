//! How a studio is reached: keys of `[[studio]]` that `[defaults]` may have too.

use toml::de::DeValue;

use super::super::diagnostic::{Diagnostic, Sink};
use super::super::table::{Field, Table, Value, wrong_type};
use super::super::value;
use crate::policy::{Secret, is_loopback};

/// A role and the account to which it belongs.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct RoleArn {
    pub(in crate::config) text: String,
    pub(in crate::config) account: String,
}

/// What one table says; `"off"` unsets what `[defaults]` say.
pub(in crate::config) struct ConnectionFile {
    pub(in crate::config) role_arn: Field<Option<RoleArn>>,
    pub(in crate::config) external_id: Field<Option<Secret>>,
    pub(in crate::config) profile: Field<Option<String>>,
    pub(in crate::config) endpoint_url: Field<Option<String>>,
}

/// The keys of a connection, for tables that refuse them.
pub(super) const KEYS: [&str; 4] = ["role_arn", "external_id", "profile", "endpoint_url"];

impl Default for ConnectionFile {
    fn default() -> Self {
        let (role_arn, external_id) = (Field::Absent, Field::Absent);
        Self { role_arn, external_id, profile: Field::Absent, endpoint_url: Field::Absent }
    }
}

impl ConnectionFile {
    pub(super) fn read(table: &mut Table<'_>, sink: &mut Sink) -> Self {
        Self {
            role_arn: table.field("role_arn", sink, role_arn),
            external_id: table.field("external_id", sink, |value, sink| {
                sink.hide(value.span());
                external_id(value, sink)
            }),
            profile: table.field("profile", sink, value::text_or_off),
            endpoint_url: table.field("endpoint_url", sink, endpoint_url),
        }
    }
}

/// A secret of the role's trust policy, in the form that the service takes; what is of another form it would
/// refuse, and repeat.
fn external_id(value: &Value<'_>, sink: &mut Sink) -> Option<Option<Secret>> {
    let Some(text) = value::text_or_off(value, sink)? else { return Some(None) };
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    if (2..=1224).contains(&text.len()) && text.chars().all(is_allowed) {
        return Some(Some(Secret(text)));
    }
    let message = "`external_id` is not one that the service takes";
    let label = "it has 2 to 1224 letters, digits and characters of `_+=,.@:/-`";
    sink.push(Diagnostic::error("bad-external-id", value.span(), message).label(label));
    None
}

/// The number of an account: twelve digits.
pub(super) fn account(value: &Value<'_>, sink: &mut Sink) -> Option<String> {
    if let DeValue::Integer(number) = value.content {
        // Up to three zeros are plausible; more would be invented.
        let padded = match number.as_str().len() {
            9..=12 if number.radix() == 10 => format!("{:0>12}", number.as_str()),
            _ => "111122223333".to_owned(),
        };
        sink.push(
            wrong_type(value, "a string")
                .note("an account may begin with zeros, which a number loses")
                .help(format!("write `account = \"{padded}\"`")),
        );
        return None;
    }
    let text = value::text(value, sink)?;
    if is_account(&text) {
        return Some(text);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let message = "`account` is not the number of an account";
    let diagnostic = Diagnostic::error("bad-account", value.span(), message)
        .label("an account has twelve digits");
    sink.push(if is_account(&digits) {
        diagnostic.help(format!("write `account = \"{digits}\"`"))
    } else {
        diagnostic.help("write it as in `account = \"111122223333\"`")
    });
    None
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A region, such as `us-west-2` or `us-gov-east-1`: it becomes part of a host name.
pub(super) fn region(value: &Value<'_>, sink: &mut Sink) -> Option<String> {
    let text = value::text(value, sink)?;
    if is_region(&text) {
        return Some(text);
    }
    let message = "`region` is not the name of a region";
    sink.push(
        Diagnostic::error("bad-region", value.span(), message)
            .help("write it as in `region = \"us-west-2\"`"),
    );
    None
}

pub(in crate::config) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [words @ .., number] = parts.as_slice() else { return false };
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    words.len() >= 2
        && words.iter().all(is_word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn role_arn(value: &Value<'_>, sink: &mut Sink) -> Option<Option<RoleArn>> {
    let Some(text) = value::text_or_off(value, sink)? else { return Some(None) };
    let role = parse_role(&text);
    if role.is_none() {
        let message = "`role_arn` is not the ARN of a role";
        sink.push(
            Diagnostic::error("bad-role-arn", value.span(), message)
                .help("write it as in \"arn:aws:iam::111122223333:role/lightsout\""),
        );
    }
    role.map(Some)
}

fn parse_role(text: &str) -> Option<RoleArn> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else { return None };
    let name = resource.strip_prefix("role/")?;
    let is_name = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control());
    let good = partition.starts_with("aws") && is_account(account) && is_name;
    good.then(|| RoleArn { text: text.to_owned(), account: account.to_owned() })
}

/// What may be wrong with an endpoint.
enum EndpointFault {
    Scheme,
    Credentials,
    Host,
    Tail,
}

/// An address. What was found is not repeated: it may hold a password.
fn endpoint_url(value: &Value<'_>, sink: &mut Sink) -> Option<Option<String>> {
    let Some(text) = value::text_or_off(value, sink)? else { return Some(None) };
    let error = |code, message: &str| Diagnostic::error(code, value.span(), message);
    if text.contains('@') {
        sink.hide(value.span());
    }
    let fault = match check_endpoint(&text) {
        Ok(is_private) => {
            if !is_private {
                let message = "`endpoint_url` sends everything in the clear";
                sink.push(
                    Diagnostic::warning("plain-http", value.span(), message)
                        .label("`http` to another machine")
                        .help("write `https`"),
                );
            }
            return Some(Some(text));
        }
        Err(fault) => fault,
    };
    sink.push(match fault {
        EndpointFault::Scheme => {
            error("bad-endpoint", "`endpoint_url` is neither `http` nor `https`")
                .help("write it as in \"https://host\" or \"http://127.0.0.1:9471\"")
        }
        EndpointFault::Credentials => {
            error("endpoint-credentials", "`endpoint_url` holds credentials")
                .label("what is before the `@` would reach logs")
                .help("leave it out; name a `profile` or a `role_arn` instead")
        }
        EndpointFault::Host => error("bad-endpoint", "`endpoint_url` has no valid host or port")
            .help("write it as in \"https://host\" or \"http://127.0.0.1:9471\""),
        EndpointFault::Tail => error("bad-endpoint", "`endpoint_url` has a query or a fragment")
            .help("end it before the `?` or `#`"),
    });
    None
}

/// Whether what is sent stays secret: by encryption, or because it does not leave the machine.
fn check_endpoint(text: &str) -> Result<bool, EndpointFault> {
    let (scheme, rest) = text.split_once("://").ok_or(EndpointFault::Scheme)?;
    let encrypted = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err(EndpointFault::Scheme),
    };
    // An unescaped `/` in a password must not hide the `@` that follows it.
    if rest.contains('@') {
        return Err(EndpointFault::Credentials);
    }
    if rest.contains(['?', '#']) {
        return Err(EndpointFault::Tail);
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || "\\\"<>".contains(c)) {
        return Err(EndpointFault::Host);
    }
    let authority = rest.split('/').next().unwrap_or(rest);
    let host = host_of(authority).ok_or(EndpointFault::Host)?;
    Ok(encrypted || is_loopback(host))
}

/// The host of `host`, `host:port` or `[v6]:port`.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, port)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    (is_port && !host.is_empty()).then_some(host)
}

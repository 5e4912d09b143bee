//! What a request breaks of the service's contract, though it may be answered all the same.

use std::fmt;

/// One violation of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A member or parameter that the model does not have.
    UnknownMember(String),
    /// A value that is of the wrong type, missing or out of bounds.
    Constraint(String),
    /// A change without a client token: a repetition of it is a second change.
    NoClientToken,
    /// A client token that was used before with other parameters.
    ClientTokenReused,
    /// A body that is not called `application/json`.
    ContentType(Option<String>),
    /// A stop that deletes the volume.
    DeletesVolume,
    /// A path and method that the sandbox does not serve.
    NotServed,
}

impl Violation {
    /// A name that stays the same.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownMember(_) => "unknown_member",
            Self::Constraint(_) => "constraint",
            Self::NoClientToken => "no_client_token",
            Self::ClientTokenReused => "client_token_reused",
            Self::ContentType(_) => "content_type",
            Self::DeletesVolume => "deletes_volume",
            Self::NotServed => "not_served",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownMember(message) | Self::Constraint(message) => f.write_str(message),
            Self::NoClientToken => {
                f.write_str("there is no X-Amz-Client-Token: a repetition would be a second change")
            }
            Self::ClientTokenReused => {
                f.write_str("the client token was used before with other parameters")
            }
            Self::ContentType(None) => {
                f.write_str("there is a body and no content-type: it is application/json")
            }
            Self::ContentType(Some(found)) => {
                write!(f, "the content-type is {found:?}: it is application/json")
            }
            Self::DeletesVolume => {
                f.write_str("volumeRetentionMode is DELETE: the work on the volume is destroyed")
            }
            Self::NotServed => f.write_str("the sandbox does not serve this method and path"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_violation_says_what_is_wrong_and_is_in_the_page_on_the_sandbox() {
        let all = [
            Violation::UnknownMember("force is not a member: valid are none".to_owned()),
            Violation::Constraint("maxResults is 0: valid are 1 to 100".to_owned()),
            Violation::NoClientToken,
            Violation::ClientTokenReused,
            Violation::ContentType(None),
            Violation::ContentType(Some("text/plain".to_owned())),
            Violation::DeletesVolume,
            Violation::NotServed,
        ];
        let page = include_str!("../../docs/sandbox.md");
        for violation in &all {
            assert!(page.contains(&format!("| `{}` |", violation.code())), "{violation:?}");
        }
        let told = all.map(|violation| format!("{}: {violation}", violation.code()));
        insta::assert_snapshot!(told.join("\n"), @r#"
        unknown_member: force is not a member: valid are none
        constraint: maxResults is 0: valid are 1 to 100
        no_client_token: there is no X-Amz-Client-Token: a repetition would be a second change
        client_token_reused: the client token was used before with other parameters
        content_type: there is a body and no content-type: it is application/json
        content_type: the content-type is "text/plain": it is application/json
        deletes_volume: volumeRetentionMode is DELETE: the work on the volume is destroyed
        not_served: the sandbox does not serve this method and path
        "#);
    }
}

//! Names of things, as newtypes that policy and inventory share.
//!
//! An id is what the provider or the policy file called the thing; nothing here parses, looks up or
//! validates it against a studio. Start at [`StudioId`].

use std::fmt;
use std::sync::Arc;

/// Declares a newtype over a string with the traits that an id needs. Ids are cloned into every decision,
/// so a clone shares the text.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<Box<str>>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(Arc::from(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

text_id! {
    /// A studio, as the policy file names it: `us-west-2:stid-EXAMPLE11111`.
    StudioId
}
text_id! {
    /// One artist's virtual workstation.
    SessionId
}
text_id! {
    /// What a session was launched from.
    LaunchProfileId
}
text_id! {
    /// The artist to whom a session belongs, as the provider names people.
    OwnerId
}
text_id! {
    /// The account that pays for a studio: twelve digits.
    AccountId
}
text_id! {
    /// A region of the provider, such as `us-west-2`.
    Region
}
text_id! {
    /// An instance type, such as `g5.4xlarge`.
    InstanceType
}
text_id! {
    /// The name of a `[schedule.NAME]`.
    ScheduleName
}
text_id! {
    /// The name of a `[calendar.NAME]`.
    CalendarName
}
text_id! {
    /// A machine image that a session was launched with.
    StreamingImageId
}
text_id! {
    /// The name of a `[[studio.rule]]`; unique within its studio.
    RuleName
}
text_id! {
    /// The name of a `[veto.NAME]`.
    VetoName
}
text_id! {
    /// SHA-256, in hexadecimal, of the policy file that took effect.
    PolicyHash
}

impl StudioId {
    /// The region that the id itself names before its colon, where it has one.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.0.split_once(':').map(|(region, _)| region)
    }
}

/// What somebody is in a studio beyond using it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StudioRole {
    /// An administrator.
    Administrator,
    /// Nothing: the service lists its administrators alone, and they are not among them.
    Nothing,
}

impl StudioRole {
    /// Every role.
    pub const ALL: &'static [Self] = &[Self::Administrator, Self::Nothing];

    /// The word for it, in the policy and for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "ADMINISTRATOR",
            Self::Nothing => "NONE",
        }
    }
}

impl fmt::Display for StudioRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

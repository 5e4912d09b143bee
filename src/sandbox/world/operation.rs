//! The operations of the service that the sandbox knows by name.

use std::fmt;

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident),+ $(,)?) => {
        /// An operation of the service, named as in its model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $($(#[$doc])* $variant,)+
        }

        impl Operation {
            /// Every operation, in reading order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the service's model.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)+
                }
            }
        }
    };
}

operations! {
    ListStudios,
    GetStudio,
    ListLaunchProfiles,
    GetLaunchProfile,
    ListStreamingSessions,
    GetStreamingSession,
    StopStreamingSession,
    StartStreamingSession,
    TagResource,
    UntagResource,
    ListTagsForResource,
    /// Only for simulated artists: the server does not offer it.
    CreateStreamingSession,
    /// Only for simulated artists: the server does not offer it.
    DeleteStreamingSession,
    /// Any request that the server does not know.
    Unserved,
}

impl Operation {
    /// Whether its answer comes in pages.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self, Self::ListStudios | Self::ListLaunchProfiles | Self::ListStreamingSessions)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

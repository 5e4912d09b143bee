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
    CreateStreamingSession,
    DeleteStreamingSession,
    ListStudioMembers,
    GetStudioMember,
    PutStudioMembers,
    DeleteStudioMember,
    GetLaunchProfileDetails,
    CreateLaunchProfile,
    UpdateLaunchProfile,
    DeleteLaunchProfile,
    ListLaunchProfileMembers,
    GetLaunchProfileMember,
    PutLaunchProfileMembers,
    UpdateLaunchProfileMember,
    DeleteLaunchProfileMember,
    ListStreamingImages,
    GetStreamingImage,
    ListStudioComponents,
    GetStudioComponent,
    CreateStreamingSessionStream,
    GetStreamingSessionStream,
    ListStreamingSessionBackups,
    GetStreamingSessionBackup,
    /// Any request that the server does not know.
    Unserved,
}

impl Operation {
    /// Whether it may change anything: all do but those that are called List or Get.
    #[must_use]
    pub fn changes(self) -> bool {
        !(self.name().starts_with("List") || self.name().starts_with("Get"))
    }

    /// Whether its path names a streaming session.
    #[must_use]
    pub fn is_of_session(self) -> bool {
        matches!(
            self,
            Self::GetStreamingSession
                | Self::StopStreamingSession
                | Self::StartStreamingSession
                | Self::DeleteStreamingSession
                | Self::CreateStreamingSessionStream
                | Self::GetStreamingSessionStream
        )
    }

    /// Whether its answer comes in pages.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Self::ListStudios
                | Self::ListLaunchProfiles
                | Self::ListStreamingSessions
                | Self::ListStudioMembers
                | Self::ListLaunchProfileMembers
                | Self::ListStreamingImages
                | Self::ListStudioComponents
                | Self::ListStreamingSessionBackups
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

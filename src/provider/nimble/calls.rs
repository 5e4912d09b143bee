//! The calls of the API that this program makes, and what each is made for: what it needs to be permitted.
//!
//! Whoever makes a call names it by a [`Call`], so that there is none that is not in here. The policies
//! in `deploy/iam` are made of this list.

/// A call of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Which studios there are.
    ListStudios,
    /// The studio and its account.
    GetStudio,
    /// What owners are in the studio.
    ListStudioMembers,
    /// What one owner is in the studio.
    GetStudioMember,
    /// The launch profiles.
    ListLaunchProfiles,
    /// One launch profile, afresh.
    GetLaunchProfile,
    /// The sessions.
    ListStreamingSessions,
    /// One session, afresh.
    GetStreamingSession,
    /// Turns a workstation off.
    StopStreamingSession,
    /// Turns it on.
    StartStreamingSession,
    /// Sets a tag.
    TagResource,
    /// Takes a tag away.
    UntagResource,
    /// Changes a launch profile.
    UpdateLaunchProfile,
}

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// The daemon in every mode, and whoever looks at what it would do.
    Observe,
    /// The daemon that acts.
    Enforce,
    /// A person, by a command.
    Operator,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::ListStudios,
        Self::GetStudio,
        Self::ListStudioMembers,
        Self::GetStudioMember,
        Self::ListLaunchProfiles,
        Self::GetLaunchProfile,
        Self::ListStreamingSessions,
        Self::GetStreamingSession,
        Self::StopStreamingSession,
        Self::StartStreamingSession,
        Self::TagResource,
        Self::UntagResource,
        Self::UpdateLaunchProfile,
    ];

    /// Its name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ListStudios => "ListStudios",
            Self::GetStudio => "GetStudio",
            Self::ListStudioMembers => "ListStudioMembers",
            Self::GetStudioMember => "GetStudioMember",
            Self::ListLaunchProfiles => "ListLaunchProfiles",
            Self::GetLaunchProfile => "GetLaunchProfile",
            Self::ListStreamingSessions => "ListStreamingSessions",
            Self::GetStreamingSession => "GetStreamingSession",
            Self::StopStreamingSession => "StopStreamingSession",
            Self::StartStreamingSession => "StartStreamingSession",
            Self::TagResource => "TagResource",
            Self::UntagResource => "UntagResource",
            Self::UpdateLaunchProfile => "UpdateLaunchProfile",
        }
    }

    /// Who makes it; whoever comes after makes it too.
    #[must_use]
    pub fn caller(self) -> Caller {
        match self {
            Self::GetStudio
            | Self::ListStudioMembers
            | Self::GetStudioMember
            | Self::ListLaunchProfiles
            | Self::GetLaunchProfile
            | Self::ListStreamingSessions
            | Self::GetStreamingSession => Caller::Observe,
            Self::StopStreamingSession | Self::StartStreamingSession | Self::TagResource => {
                Caller::Enforce
            }
            Self::ListStudios | Self::UntagResource | Self::UpdateLaunchProfile => Caller::Operator,
        }
    }
}

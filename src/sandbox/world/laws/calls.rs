//! What callers may ask a studio for.

use std::fmt;

use jiff::Timestamp;
use proptest::prelude::*;

use super::STUDIO;
use super::watch::Cause;
use crate::sandbox::world::*;

/// Something that a caller may ask for; numbers choose among what there is.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Create { profile: u8 },
    Stop { session: u8, retention: Option<bool> },
    Start { session: u8, backup: Option<u8> },
    Delete { session: u8 },
    Stream { session: u8, seconds: u32 },
    NewProfile { is_good: bool },
    UpdateProfile { profile: u8, to: u8 },
    DeleteProfile { profile: u8 },
    Put { profile: Option<u8>, member: u8, is_admin: bool },
    Update { profile: u8, member: u8, is_admin: bool },
    Remove { profile: Option<u8>, member: u8 },
    Tag { session: u8, value: u8 },
    Untag { session: u8 },
}

pub(super) fn call() -> impl Strategy<Value = Call> {
    let some = || 0..12_u8;
    let member = || 0..5_u8;
    prop_oneof![
        3 => some().prop_map(|profile| Call::Create { profile }),
        6 => (some(), any::<Option<bool>>())
            .prop_map(|(session, retention)| Call::Stop { session, retention }),
        5 => (some(), prop::option::weighted(0.3, some()))
            .prop_map(|(session, backup)| Call::Start { session, backup }),
        1 => some().prop_map(|session| Call::Delete { session }),
        2 => (some(), 60..3600_u32)
            .prop_map(|(session, seconds)| Call::Stream { session, seconds }),
        1 => any::<bool>().prop_map(|is_good| Call::NewProfile { is_good }),
        2 => (some(), 0..5_u8).prop_map(|(profile, to)| Call::UpdateProfile { profile, to }),
        1 => some().prop_map(|profile| Call::DeleteProfile { profile }),
        1 => (prop::option::of(some()), member(), any::<bool>())
            .prop_map(|(profile, member, is_admin)| Call::Put { profile, member, is_admin }),
        1 => (some(), member(), any::<bool>())
            .prop_map(|(profile, member, is_admin)| Call::Update { profile, member, is_admin }),
        1 => (prop::option::of(some()), member())
            .prop_map(|(profile, member)| Call::Remove { profile, member }),
        1 => (some(), 0..3_u8).prop_map(|(session, value)| Call::Tag { session, value }),
        1 => some().prop_map(|session| Call::Untag { session }),
    ]
}

impl Call {
    /// The call without the numbers that chose, once it is known what.
    fn settled(&self) -> Self {
        let mut call = self.clone();
        match &mut call {
            Self::Create { profile }
            | Self::UpdateProfile { profile, .. }
            | Self::DeleteProfile { profile }
            | Self::Update { profile, .. } => *profile = 0,
            Self::Put { profile, .. } | Self::Remove { profile, .. } => {
                *profile = profile.map(|_| 0);
            }
            Self::Start { session, backup } => {
                *session = 0;
                *backup = backup.map(|_| 0);
            }
            Self::Stop { session, .. }
            | Self::Delete { session }
            | Self::Stream { session, .. }
            | Self::Tag { session, .. }
            | Self::Untag { session } => *session = 0,
            Self::NewProfile { .. } => {}
        }
        call
    }
}

/// A call about what there was when it was asked first, so that it can be made again.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    operation: Operation,
    call: Call,
    session: String,
    profile: String,
    backup: String,
}

impl Asked {
    pub(super) fn of(call: &Call, world: &World) -> Self {
        let held = world.held(STUDIO).unwrap();
        let pick = |ids: Vec<String>, index: u8| match ids.len() {
            0 => "nothing".to_owned(),
            count => ids[usize::from(index) % count].clone(),
        };
        let session = |index| pick(held.sessions.keys().map(ToString::to_string).collect(), index);
        let profile = |index| pick(held.profiles.keys().map(ToString::to_string).collect(), index);
        let backup = |index| pick(held.backups.keys().cloned().collect(), index);
        let none = String::new;
        let (operation, session, profile, backup) = match call {
            Call::Create { profile: index } => {
                (Operation::CreateStreamingSession, none(), profile(*index), none())
            }
            Call::Stop { session: index, .. } => {
                (Operation::StopStreamingSession, session(*index), none(), none())
            }
            Call::Start { session: index, backup: from } => {
                let backup = from.map(backup).unwrap_or_default();
                (Operation::StartStreamingSession, session(*index), none(), backup)
            }
            Call::Delete { session: index } => {
                (Operation::DeleteStreamingSession, session(*index), none(), none())
            }
            Call::Stream { session: index, .. } => {
                (Operation::CreateStreamingSessionStream, session(*index), none(), none())
            }
            Call::NewProfile { .. } => (Operation::CreateLaunchProfile, none(), none(), none()),
            Call::UpdateProfile { profile: index, .. } => {
                (Operation::UpdateLaunchProfile, none(), profile(*index), none())
            }
            Call::DeleteProfile { profile: index } => {
                (Operation::DeleteLaunchProfile, none(), profile(*index), none())
            }
            Call::Put { profile: None, .. } => {
                (Operation::PutStudioMembers, none(), none(), none())
            }
            Call::Put { profile: Some(index), .. } => {
                (Operation::PutLaunchProfileMembers, none(), profile(*index), none())
            }
            Call::Update { profile: index, .. } => {
                (Operation::UpdateLaunchProfileMember, none(), profile(*index), none())
            }
            Call::Remove { profile: None, .. } => {
                (Operation::DeleteStudioMember, none(), none(), none())
            }
            Call::Remove { profile: Some(index), .. } => {
                (Operation::DeleteLaunchProfileMember, none(), profile(*index), none())
            }
            Call::Tag { session: index, .. } => {
                (Operation::TagResource, session(*index), none(), none())
            }
            Call::Untag { session: index } => {
                (Operation::UntagResource, session(*index), none(), none())
            }
        };
        Self { operation, call: call.settled(), session, profile, backup }
    }

    pub(super) fn cause(&self) -> Cause {
        let subject = if self.session.is_empty() { &self.profile } else { &self.session };
        Cause::Call(self.operation, subject.clone())
    }

    pub(super) fn takes_token(&self) -> bool {
        !matches!(self.operation, Operation::TagResource | Operation::UntagResource)
    }

    /// What a stop says of the volume.
    pub(super) fn retention(&self) -> Option<(SessionId, VolumeRetentionMode)> {
        match self.call {
            Call::Stop { retention: Some(retains), .. } => {
                Some((SessionId::from(self.session.as_str()), mode(retains)))
            }
            _ => None,
        }
    }

    /// Whether it is of another operation, whose tokens are its own.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.operation != other.operation
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }

    /// Makes the call, and shows the answer.
    pub(super) fn make(
        &self,
        world: &mut World,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        let (session, profile) = (self.session.as_str(), self.profile.as_str());
        let of = |is_profile: bool| MembersOf {
            studio: STUDIO,
            launch_profile: is_profile.then_some(profile),
        };
        match &self.call {
            Call::Create { .. } => {
                let new = new_session(profile);
                shown(world.create_session(STUDIO, new, caller, now))
            }
            Call::Stop { retention, .. } => {
                shown(world.stop(STUDIO, session, retention.map(mode), caller, now))
            }
            Call::Start { .. } => {
                let backup = Some(self.backup.as_str()).filter(|id| !id.is_empty());
                shown(world.start(STUDIO, session, backup, caller, now))
            }
            Call::Delete { .. } => shown(world.delete_session(STUDIO, session, caller, now)),
            Call::Stream { seconds, .. } => {
                shown(world.create_stream(STUDIO, session, Some(*seconds), caller, now))
            }
            Call::NewProfile { is_good } => {
                let new = new_profile(*is_good);
                shown(world.create_launch_profile(STUDIO, new, caller, now))
            }
            Call::UpdateProfile { to, .. } => {
                shown(world.update_launch_profile(STUDIO, profile, change(*to), caller, now))
            }
            Call::DeleteProfile { .. } => {
                shown(world.delete_launch_profile(STUDIO, profile, caller, now))
            }
            Call::Put { profile, member, is_admin } => {
                let new = [(format!("member-{member}"), persona(*is_admin))];
                shown(world.put_members(of(profile.is_some()), "d-1", &new, caller, now))
            }
            Call::Update { member, is_admin, .. } => {
                let member = format!("member-{member}");
                shown(world.update_member(of(true), &member, persona(*is_admin), caller, now))
            }
            Call::Remove { profile, member } => {
                let member = format!("member-{member}");
                shown(world.delete_member(of(profile.is_some()), &member, caller, now))
            }
            Call::Tag { value, .. } => {
                let tags = [("mark".to_owned(), value.to_string())].into();
                shown(world.tag(&arn(session), &tags, caller, now))
            }
            Call::Untag { .. } => {
                shown(world.untag(&arn(session), &["mark".to_owned()], caller, now))
            }
        }
    }
}

fn shown<T: fmt::Debug>(answer: Result<T, Refusal>) -> Result<String, Refusal> {
    answer.map(|answer| format!("{answer:?}"))
}

fn new_session(profile: &str) -> NewSession {
    NewSession {
        launch_profile: profile.into(),
        owned_by: "artist".to_owned(),
        ec2_instance_type: None,
        streaming_image_id: None,
        tags: Tags::new(),
    }
}

/// A launch profile that can come into being, or one that cannot.
fn new_profile(is_good: bool) -> NewLaunchProfile {
    let subnet = if is_good { "subnet-1" } else { "nowhere" };
    NewLaunchProfile {
        name: "new".to_owned(),
        description: None,
        subnet_ids: vec![subnet.to_owned()],
        studio_component_ids: Vec::new(),
        stream: StreamConfiguration::default(),
        tags: Tags::new(),
    }
}

fn arn(session: &str) -> String {
    format!("arn:aws:nimble:us-west-2:111122223333:streaming-session/{session}")
}

fn mode(retains: bool) -> VolumeRetentionMode {
    if retains { VolumeRetentionMode::Retain } else { VolumeRetentionMode::Delete }
}

fn persona(is_admin: bool) -> Persona {
    if is_admin { Persona::Administrator } else { Persona::User }
}

/// A launch profile becomes another kind, or cannot become what is asked.
fn change(to: u8) -> LaunchProfileChange {
    let (persistence, termination, stopped) = match to {
        0 => (None, None, None),
        1 => (Some(Mode::Activated), Some(Mode::Deactivated), None),
        2 => (Some(Mode::Activated), Some(Mode::Activated), Some(30)),
        3 => (Some(Mode::Deactivated), None, None),
        _ => {
            return LaunchProfileChange {
                stream: Some(StreamConfiguration {
                    streaming_image_ids: vec!["missing".to_owned()],
                    ..StreamConfiguration::default()
                }),
                ..LaunchProfileChange::default()
            };
        }
    };
    let stream = StreamConfiguration {
        session_persistence_mode: persistence,
        automatic_termination_mode: termination,
        max_stopped_session_length_in_minutes: stopped,
        ..StreamConfiguration::default()
    };
    LaunchProfileChange { stream: Some(stream), ..LaunchProfileChange::default() }
}

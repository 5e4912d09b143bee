//! Sessions, their streams and their backups.

use super::Asked;
use crate::sandbox::wire::{self, Failure, named};
use crate::sandbox::world::{NewSession, Operation, SessionFilter, World};

pub(super) fn list(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let studio = asked.studio();
    // The model has one string here and not a list; the sandbox takes one id, or several with
    // commas between them.
    let ids = asked.request.parameter("sessionIds");
    let filter = SessionFilter {
        created_by: asked.request.parameter("createdBy"),
        owned_by: asked.request.parameter("ownedBy"),
        session_ids: ids.map(|ids| ids.split(',').map(|id| id.trim().to_owned()).collect()),
    };
    let list = format!("{studio} {filter:?}");
    let paging = asked.paging(Operation::ListStreamingSessions, list, usize::MAX)?;
    let page = world.sessions(studio, &filter, paging.after(), paging.limit, asked.now)?;
    let next = paging.next(&page, |session| session.id.as_str());
    Ok(wire::sessions(&page.items, next.as_deref()))
}

pub(super) fn get(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    Ok(wire::session(world.session(asked.studio(), asked.label("sessionId"), asked.now)?))
}

pub(super) fn create(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let request = &asked.request;
    let new = NewSession {
        launch_profile: request.member("launchProfileId").unwrap_or_default().into(),
        // Who creates a session for nobody else owns it.
        owned_by: request.member("ownedBy").unwrap_or_else(|| asked.caller.principal.to_owned()),
        ec2_instance_type: request.member("ec2InstanceType"),
        streaming_image_id: request.member("streamingImageId"),
        tags: request.tags()?,
    };
    let created = world.create_session(asked.studio(), new, asked.caller, asked.now)?;
    Ok(wire::session(&created))
}

pub(super) fn stop(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let retention = asked.request.member("volumeRetentionMode");
    let retention = retention.as_deref().map(named);
    let (studio, session) = (asked.studio(), asked.label("sessionId"));
    Ok(wire::session(&world.stop(studio, session, retention, asked.caller, asked.now)?))
}

pub(super) fn start(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let backup = asked.request.member("backupId");
    let (studio, session) = (asked.studio(), asked.label("sessionId"));
    let started = world.start(studio, session, backup.as_deref(), asked.caller, asked.now)?;
    Ok(wire::session(&started))
}

pub(super) fn delete(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let (studio, session) = (asked.studio(), asked.label("sessionId"));
    Ok(wire::session(&world.delete_session(studio, session, asked.caller, asked.now)?))
}

pub(super) fn create_stream(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let expiration = asked.request.number("expirationInSeconds");
    let (studio, session) = (asked.studio(), asked.label("sessionId"));
    let created = world.create_stream(studio, session, expiration, asked.caller, asked.now)?;
    // A repetition says what was said the first time.
    Ok(wire::stream(&created, created.created_at))
}

pub(super) fn get_stream(world: &World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let stream = world.stream(asked.studio(), asked.label("sessionId"), asked.label("streamId"))?;
    Ok(wire::stream(stream, asked.now))
}

pub(super) fn list_backups(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let (studio, owner) = (asked.studio(), asked.request.parameter("ownedBy"));
    let list = format!("{studio} {owner:?}");
    let paging = asked.paging(Operation::ListStreamingSessionBackups, list, usize::MAX)?;
    let page = world.backups(studio, owner.as_deref(), paging.after(), paging.limit, asked.now)?;
    let next = paging.next(&page, |backup| backup.id.as_str());
    Ok(wire::backups(&page.items, next.as_deref()))
}

pub(super) fn get_backup(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    Ok(wire::backup(world.backup(asked.studio(), asked.label("backupId"), asked.now)?))
}

//! The members of studios and launch profiles: the same operations on either.

use super::Asked;
use crate::sandbox::wire::{self, Failure, named};
use crate::sandbox::world::{MembersOf, Operation, World};

/// The model's lists of members have so many items at the most.
const MEMBERS_MAX: usize = 20;

pub(super) fn list(
    world: &World,
    operation: Operation,
    asked: &Asked<'_>,
) -> Result<Vec<u8>, Failure> {
    let of = of(asked);
    let paging = asked.paging(operation, format!("{of:?}"), MEMBERS_MAX)?;
    let page = world.members(of, paging.after(), paging.limit)?;
    let next = paging.next(&page, |member| member.principal_id.as_str());
    Ok(wire::members(&page.items, next.as_deref()))
}

pub(super) fn get(world: &World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    Ok(wire::member(world.member(of(asked), asked.label("principalId"))?))
}

pub(super) fn put(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let store = asked.request.member("identityStoreId").unwrap_or_default();
    let new = asked.request.new_members()?;
    world.put_members(of(asked), &store, &new, asked.caller, asked.now)?;
    Ok(wire::done())
}

pub(super) fn update(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let persona = named(&asked.request.member("persona").unwrap_or_default());
    let principal = asked.label("principalId");
    let updated = world.update_member(of(asked), principal, persona, asked.caller, asked.now)?;
    Ok(wire::member(&updated))
}

pub(super) fn delete(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    world.delete_member(of(asked), asked.label("principalId"), asked.caller, asked.now)?;
    Ok(wire::done())
}

fn of<'a>(asked: &'a Asked<'_>) -> MembersOf<'a> {
    MembersOf { studio: asked.studio(), launch_profile: asked.call.label("launchProfileId") }
}

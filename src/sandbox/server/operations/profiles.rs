//! Launch profiles.

use super::Asked;
use crate::sandbox::wire::{self, Failure};
use crate::sandbox::world::{LaunchProfile, LaunchProfileFilter, Operation, World};

pub(super) fn list(world: &World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let studio = asked.studio();
    let filter = LaunchProfileFilter {
        principal_id: asked.request.parameter("principalId"),
        states: asked.request.names("states"),
    };
    let list = format!("{studio} {filter:?}");
    let paging = asked.paging(Operation::ListLaunchProfiles, list, usize::MAX)?;
    let page = world.launch_profiles(studio, &filter, paging.after(), paging.limit)?;
    let next = paging.next(&page, |profile| profile.id.as_str());
    Ok(wire::launch_profiles(world.studio(studio)?, &page.items, next.as_deref()))
}

pub(super) fn get(world: &World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let profile = world.launch_profile(asked.studio(), asked.label("launchProfileId"))?;
    said(world, asked, profile)
}

pub(super) fn get_details(world: &World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let studio = asked.studio();
    let profile = world.launch_profile(studio, asked.label("launchProfileId"))?;
    let images = &profile.stream.streaming_image_ids;
    let images: Vec<_> = images.iter().filter_map(|id| world.image(studio, id).ok()).collect();
    let components = &profile.studio_component_ids;
    let components: Vec<_> =
        components.iter().filter_map(|id| world.component(studio, id).ok()).collect();
    Ok(wire::launch_profile_details(world.studio(studio)?, profile, &images, &components))
}

pub(super) fn create(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let new = asked.request.new_launch_profile()?;
    let created = world.create_launch_profile(asked.studio(), new, asked.caller, asked.now)?;
    said(world, asked, &created)
}

pub(super) fn update(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let change = asked.request.launch_profile_change()?;
    let (studio, profile) = (asked.studio(), asked.label("launchProfileId"));
    let updated = world.update_launch_profile(studio, profile, change, asked.caller, asked.now)?;
    said(world, asked, &updated)
}

pub(super) fn delete(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let profile = asked.label("launchProfileId");
    let deleted = world.delete_launch_profile(asked.studio(), profile, asked.caller, asked.now)?;
    said(world, asked, &deleted)
}

fn said(world: &World, asked: &Asked<'_>, profile: &LaunchProfile) -> Result<Vec<u8>, Failure> {
    Ok(wire::launch_profile(world.studio(asked.studio())?, profile))
}

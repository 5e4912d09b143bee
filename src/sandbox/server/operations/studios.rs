//! Studios, and what lies in them for all: streaming images, components, tags.

use super::super::Reply;
use super::Asked;
use crate::sandbox::wire::{self, Failure};
use crate::sandbox::world::{ComponentFilter, Operation, World};

/// The model's list of components has so many items at the most.
const COMPONENTS_MAX: usize = 50;

pub(super) fn list(world: &World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let paging = asked.paging(Operation::ListStudios, String::new(), usize::MAX)?;
    let page = world.studios(paging.after(), paging.limit);
    let next = paging.next(&page, |studio| studio.id.as_str());
    Ok(wire::studios(&page.items, next.as_deref()))
}

pub(super) fn get(world: &World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    Ok(wire::studio(world.studio(asked.studio())?))
}

pub(super) fn list_images(world: &World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let (studio, owner) = (asked.studio(), asked.request.parameter("owner"));
    let list = format!("{studio} {owner:?}");
    let paging = asked.paging(Operation::ListStreamingImages, list, usize::MAX)?;
    let page = world.images(studio, owner.as_deref(), paging.after(), paging.limit)?;
    let next = paging.next(&page, |image| image.id.as_str());
    Ok(wire::images(world.studio(studio)?, &page.items, next.as_deref()))
}

pub(super) fn get_image(world: &World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let image = world.image(asked.studio(), asked.label("streamingImageId"))?;
    Ok(wire::image(world.studio(asked.studio())?, image))
}

pub(super) fn list_components(world: &World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let studio = asked.studio();
    let filter = ComponentFilter {
        states: asked.request.names("states"),
        types: asked.request.names("types"),
    };
    let list = format!("{studio} {filter:?}");
    let paging = asked.paging(Operation::ListStudioComponents, list, COMPONENTS_MAX)?;
    let page = world.components(studio, &filter, paging.after(), paging.limit)?;
    let next = paging.next(&page, |component| component.id.as_str());
    Ok(wire::components(world.studio(studio)?, &page.items, next.as_deref()))
}

pub(super) fn get_component(world: &World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let component = world.component(asked.studio(), asked.label("studioComponentId"))?;
    Ok(wire::component(world.studio(asked.studio())?, component))
}

pub(super) fn tag(world: &mut World, asked: &Asked<'_>) -> Result<Reply, Failure> {
    let tags = asked.request.tags()?;
    world.tag(asked.label("resourceArn"), &tags, asked.caller, asked.now)?;
    Ok(Reply::no_content())
}

pub(super) fn untag(world: &mut World, asked: &Asked<'_>) -> Result<Reply, Failure> {
    let keys = asked.request.parameters("tagKeys");
    world.untag(asked.label("resourceArn"), &keys, asked.caller, asked.now)?;
    Ok(Reply::no_content())
}

pub(super) fn list_tags(world: &mut World, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    Ok(wire::tags(world.tags(asked.label("resourceArn"), asked.now)?))
}

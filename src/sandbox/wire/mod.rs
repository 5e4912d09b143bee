//! The wire shapes of the service: what requests may contain, what answers look like, and how
//! errors are said.
//!
//! These types know JSON and nothing of HTTP connections or of how a studio behaves.

mod failure;
mod interfaces;
mod requests;
mod resources;
mod responses;
mod shapes;

pub(super) use failure::{Failure, FailureKind};
pub(super) use interfaces::{INTERFACES, Interface, VERSION};
pub(super) use requests::{Request, named};
pub(super) use responses::{
    backup, backups, component, components, done, empty_page, image, images, launch_profile,
    launch_profile_details, launch_profiles, member, members, session, sessions, stream, studio,
    studios, tags,
};

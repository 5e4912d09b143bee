//! The wire shapes of the service: what requests may contain, what answers look like, and how
//! errors are said.
//!
//! These types know JSON and nothing of HTTP connections or of how a studio behaves.

mod failure;
mod requests;
mod responses;

pub(super) use failure::{Failure, FailureKind};
pub(super) use requests::{Query, known, start_body, stop_body, tag_body};
pub(super) use responses::{
    empty_page, launch_profile, launch_profiles, session, sessions, studio, studios, tags,
};

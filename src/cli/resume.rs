//! `lightsout resume`: a pause is over.

use std::path::Path;

use super::handing::{Handing, hand_over};
use super::{Failure, load, studios};
use crate::switch::Wish;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The studio, by its id or its name in the policy; all of them where none is named.
    studio: Option<String>,

    #[command(flatten)]
    handing: Handing,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let policy = load(path)?;
    let named = arguments.studio.as_deref();
    let studio = named.map(|name| studios::named(&policy, name)).transpose()?;
    let place = studio.map_or("all studios", |studio| studio.label());
    anstream::println!("end of the pause of {place}");
    let wish = Wish::Resume { studio: studio.map(|studio| studio.id.clone()) };
    hand_over(&policy, &arguments.handing, wish)
}

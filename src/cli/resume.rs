//! `lightsout resume`: a pause is over.

use std::path::Path;

use super::Failure;
use super::handing::{Address, Handing, hand_over};
use crate::switch::Wish;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The studio, by its id or its name in the policy; all of them where none is named.
    studio: Option<String>,

    #[command(flatten)]
    handing: Handing,
}

pub(super) fn main(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let address = Address::find(path, arguments.studio.as_deref(), &arguments.handing)?;
    let announcement = format!("end of the pause of {}", address.place());
    let wish = Wish::Resume { studio: address.studio() };
    hand_over(&address.state_dir, &arguments.handing, wish, &announcement)
}

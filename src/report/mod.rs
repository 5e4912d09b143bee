//! Folds over the records of the audit log, for people who ask what came of it all.
//!
//! Nothing here reads a file or a clock, and nothing renders: records come in, figures go out.
//! Start at [`Savings::fold`]; [`ForbiddenFold`] tells what launch profiles that forbid stopping cost.

mod forbidden;
mod keeps;
mod prices;
mod savings;

pub use forbidden::{ForbiddenFold, Kept};
pub use keeps::{Asked, Keeps};
pub use prices::Prices;
pub use savings::{Figures, Savings, SavingsFold};

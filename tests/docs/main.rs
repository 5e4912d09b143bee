//! The pages of the documentation: what they must name they name. What they show of a terminal is in `tests/console`.

mod codes;
mod contents;
mod page;

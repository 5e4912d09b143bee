//! The pages of the documentation: what they show is what the program says, and what they must name they name.

mod codes;
mod console;
mod contents;
mod house;
mod page;

//! The program as its users have it: real processes, real time, real signals.
//!
//! Each process gets a limit far above what it needs; nothing else here depends on how fast it is.

mod disk;
mod ending;
mod example;
mod foresight;
mod house;
mod judging;
mod limits;
mod modes;

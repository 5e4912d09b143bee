//! The program as its users have it: real processes, real time, real signals.
//!
//! Each process gets a limit far above what it needs; nothing else here depends on how fast it is.

mod administer;
mod by_hand;
mod client;
mod control;
mod ending;
mod example;
mod files;
mod foresight;
mod full_disk;
mod house;
mod judging;
mod killed_sandbox;
mod killing;
mod lasting;
mod limits;
mod modes;
mod permissions;
mod reloading;
mod reviewing;
mod secrets;
mod seen;
mod state;
mod supervised;
mod surroundings;
mod vetoes;

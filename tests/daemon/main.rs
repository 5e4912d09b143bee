//! The daemon in simulated time: over the sandbox's world without HTTP, and over HTTP with the real
//! adapter. Nothing here waits for real time.

mod calls;
mod care;
#[path = "../common/mod.rs"]
mod common;
mod control;
mod doubts;
mod ending;
mod gate;
mod http;
mod isolation;
mod jumps;
mod nights;
mod once;
mod outage;
mod reloads;
mod rig;
mod rotation;
mod start_doubts;
mod starts;
mod vetoes;
mod watchdog;

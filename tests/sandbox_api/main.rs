//! The sandbox through its HTTP door: the real SDK, and raw requests for what an SDK would never send.

mod constraints;
mod faults;
mod members;
mod operations;
mod profiles;
mod resources;
mod running;
mod sessions;

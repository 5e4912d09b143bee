//! The sandbox through its HTTP door: the real SDK, and raw requests for what an SDK would never send.

mod admin;
mod clock;
mod constraints;
mod faults;
mod lasting;
mod members;
mod operations;
mod plans;
mod profiles;
mod requests;
mod resources;
mod running;
mod sessions;
mod signing;

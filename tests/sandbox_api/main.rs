//! The sandbox through its HTTP door: the real SDK, and raw requests for what an SDK would never send.

mod faults;
mod operations;
mod running;
